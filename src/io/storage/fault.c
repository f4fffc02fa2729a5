/* fault: fails, or kills the process at, one call out of a whole run. See storage.h. */
#include "io/storage/storage_int.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

struct fault {
    struct tarn__shim shim;
    struct tarn_storage_fault_options options;
    atomic_long count;
};

/* Whether this call is the one. */
static bool hit(struct tarn_storage *s, unsigned kind)
{
    struct fault *f = (struct fault *)s;
    return (f->options.calls & kind) != 0 &&
           atomic_fetch_add(&f->count, 1) + 1 == f->options.fail_at;
}

static enum tarn_status strike(struct tarn_storage *s, struct tarn_op *op, const char *what,
                               struct tarn_str path)
{
    const struct fault *f = (const struct fault *)s;
    if (f->options.kill) {
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
    return tarn_fail(op, f->options.status, "could not %s \"%.*s\": fault injected at call %ld",
                     what, TARN_STR_ARG(path), f->options.fail_at);
}

/* The call `real`, or the fault before it, or after it took effect. A real failure comes first. */
#define CALL(kind, what, path, real)            \
    do {                                        \
        if (!hit(s, (kind)))                    \
            return (real);                      \
        if (((struct fault *)s)->options.after) \
            TARN_TRY(real);                     \
        return strike(s, op, (what), (path));   \
    } while (0)

static enum tarn_status fault_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   uint64_t offset, uint64_t length, struct tarn_str *out_bytes)
{
    CALL(TARN_STORAGE_C_READ, "read", path,
         tarn_storage_read_range(tarn__below(s), op, path, offset, length, out_bytes));
}

static enum tarn_status fault_read_into(struct tarn_storage *s, struct tarn_op *op,
                                        struct tarn_str path, uint64_t offset, void *dst,
                                        size_t length)
{
    CALL(TARN_STORAGE_C_READ, "read", path,
         tarn_storage_read_into(tarn__below(s), op, path, offset, dst, length));
}

static enum tarn_status fault_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_object *out)
{
    CALL(TARN_STORAGE_C_READ, "look at", path, tarn_storage_head(tarn__below(s), op, path, out));
}

static enum tarn_status fault_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes)
{
    CALL(TARN_STORAGE_C_WRITE, "write", path, tarn_storage_put(tarn__below(s), op, path, bytes));
}

static enum tarn_status fault_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, struct tarn_str bytes)
{
    CALL(TARN_STORAGE_C_WRITE, "write", path,
         tarn_storage_put_absent(tarn__below(s), op, path, bytes));
}

static enum tarn_status fault_finish(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t *out_size_bytes)
{
    CALL(TARN_STORAGE_C_WRITE, "finish", path,
         tarn_storage_finish(tarn__below(s), op, path, out_size_bytes));
}

static enum tarn_status fault_list(struct tarn_storage *s, struct tarn_op *op,
                                   struct tarn_str prefix, struct tarn_listing *out)
{
    CALL(TARN_STORAGE_C_LIST, "list", prefix, tarn_storage_list(tarn__below(s), op, prefix, out));
}

static enum tarn_status fault_remove(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path)
{
    CALL(TARN_STORAGE_C_REMOVE, "remove", path, tarn_storage_remove(tarn__below(s), op, path));
}

static const struct tarn_storage_ops fault_ops = {
    .name = "fault",
    .read = fault_read,
    .read_into = fault_read_into,
    .head = fault_head,
    .put = fault_put,
    .put_absent = fault_put_absent,
    .finish = fault_finish,
    .list = fault_list,
    .remove = fault_remove,
};

enum tarn_status tarn_storage_fault_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage_fault_options options,
                                         struct tarn_storage **out)
{
    TARN_ASSERT(below && options.fail_at >= 0 && options.calls <= TARN_STORAGE_C_ANY);
    TARN_ASSERT(options.fail_at == 0 || options.kill || options.status != TARN_OK);
    struct fault *f = tarn__storage_new(op, sizeof *f);
    if (!f)
        return TARN_NOMEM;
    tarn__shim_init(&f->shim, below, &fault_ops);
    f->options = options;
    *out = &f->shim.base;
    return TARN_OK;
}

long tarn_storage_fault_count(const struct tarn_storage *fault)
{
    TARN_ASSERT(((const struct tarn__shim *)fault)->ops.read == fault_read);
    return atomic_load(&((const struct fault *)fault)->count);
}

/* ---- out of the environment */

static bool parse_calls(struct tarn_str text, unsigned *out_mask)
{
    static const struct {
        const char *name;
        unsigned mask;
    } kinds[] = {{"read", TARN_STORAGE_C_READ},
                 {"write", TARN_STORAGE_C_WRITE},
                 {"list", TARN_STORAGE_C_LIST},
                 {"remove", TARN_STORAGE_C_REMOVE},
                 {"any", TARN_STORAGE_C_ANY}};
    *out_mask = 0;
    while (text.ptr) {
        struct tarn_str one;
        size_t i = 0;
        (void)tarn_str_cut(&text, '+', &one);
        while (i < sizeof kinds / sizeof *kinds && !tarn_str_is(one, kinds[i].name))
            i++;
        if (i == sizeof kinds / sizeof *kinds)
            return false;
        *out_mask |= kinds[i].mask;
    }
    return true;
}

static bool parse_status(struct tarn_str text, enum tarn_status *out)
{
    for (int s = TARN_OK + 1; s < TARN_STATUS_COUNT; s++)
        if (tarn_str_is(text, tarn_status_info((enum tarn_status)s)->name)) {
            *out = (enum tarn_status)s;
            return true;
        }
    return false;
}

static bool parse_flag(struct tarn_str text, bool *out)
{
    *out = tarn_str_is(text, "1");
    return *out || tarn_str_is(text, "0");
}

static bool parse_one(struct tarn_str key, struct tarn_str value,
                      struct tarn_storage_fault_options *o)
{
    int64_t n;
    if (tarn_str_is(key, "n")) {
        if (!tarn_str_to_i64(value, &n) || n < 0)
            return false;
        o->fail_at = (long)n;
        return true;
    }
    if (tarn_str_is(key, "calls"))
        return parse_calls(value, &o->calls);
    if (tarn_str_is(key, "status"))
        return parse_status(value, &o->status);
    if (tarn_str_is(key, "after"))
        return parse_flag(value, &o->after);
    return tarn_str_is(key, "kill") && parse_flag(value, &o->kill);
}

enum tarn_status tarn_storage_from_env(struct tarn_op *op, struct tarn_storage *below,
                                       struct tarn_storage **out)
{
    struct tarn_storage_fault_options options = {.calls = TARN_STORAGE_C_ANY, .status = TARN_IO};
    struct tarn_str rest = tarn_str_view(getenv("TARN_TEST_STORAGE_FAULT"));
    if (rest.len == 0) {
        *out = below;
        return TARN_OK;
    }
    while (rest.ptr) {
        struct tarn_str key, value;
        (void)tarn_str_cut(&rest, ',', &value);
        (void)tarn_str_cut(&value, '=', &key);
        if (!value.ptr || !parse_one(key, value, &options))
            return tarn_fail(op, TARN_CONFIG,
                             "could not read \"%.*s\" in the environment's TARN_TEST_STORAGE_FAULT",
                             TARN_STR_ARG(key));
    }
    return tarn_storage_fault_open(op, below, options, out);
}
