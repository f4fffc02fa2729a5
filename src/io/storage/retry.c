/* retry: a second try where it can do no harm. See storage.h.
 *
 * put, finish and remove give the same result when they happen twice. put_absent does not: after a
 * try that failed, an EXISTS may mean our own object, so that it becomes UNKNOWN.
 */
#include "io/storage/storage_int.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/random.h"

struct retry {
    struct tarn__shim shim;
    struct tarn_storage_retry_options options;
};

struct attempt {
    struct retry *r;
    struct tarn_op *op;
    struct tarn_arena_mark mark; /* what a failed try left in the arena is given back */
    int tried;
};

static struct attempt begin(struct tarn_storage *s, struct tarn_op *op)
{
    return (struct attempt){.r = (struct retry *)s, .op = op, .mark = tarn_arena_mark(op->arena)};
}

/* Full jitter: anything from 0 to the doubled limit, so that many writers do not return in step. */
static enum tarn_status wait(struct tarn_op *op, const struct retry *r, int tried)
{
    uint64_t limit_ms = (uint64_t)r->options.base_ms, random;
    for (int i = 1; i < tried && limit_ms < (uint64_t)r->options.max_ms; i++)
        limit_ms *= 2;
    if (limit_ms > (uint64_t)r->options.max_ms)
        limit_ms = (uint64_t)r->options.max_ms;
    TARN_TRY(tarn_random_bytes(op, &random, sizeof random));
    return tarn_clock_sleep(tarn_clock_real(), op, random % (limit_ms * 1000000u + 1), 2);
}

/* After a try that answered *status: true = try again. */
static bool again(struct attempt *a, enum tarn_status *status)
{
    a->tried++;
    if (*status != TARN_IO && *status != TARN_TIMEOUT)
        return false;
    if (a->tried >= a->r->options.tries) {
        if (a->tried > 1)
            (void)tarn_while(a->op, "trying it %d times", a->tried);
        return false;
    }
    enum tarn_status waited = wait(a->op, a->r, a->tried);
    if (waited != TARN_OK) {
        *status = waited;
        return false;
    }
    tarn_clear(a->op);
    tarn_arena_rewind(a->op->arena, a->mark);
    return true;
}

static enum tarn_status retry_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   uint64_t offset, uint64_t length, struct tarn_str *out_bytes)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_read_range(tarn__below(s), op, path, offset, length, out_bytes);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_read_into(struct tarn_storage *s, struct tarn_op *op,
                                        struct tarn_str path, uint64_t offset, void *dst,
                                        size_t length)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_read_into(tarn__below(s), op, path, offset, dst, length);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_object *out)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_head(tarn__below(s), op, path, out);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_put(tarn__below(s), op, path, bytes);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, struct tarn_str bytes)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_put_absent(tarn__below(s), op, path, bytes);
    while (again(&a, &status));
    if (status == TARN_EXISTS && a.tried > 1)
        return tarn_fail(
            op, TARN_UNKNOWN,
            "could not learn whether \"%.*s\" was made by this call: it exists after a "
            "try that failed",
            TARN_STR_ARG(path));
    return status;
}

static enum tarn_status retry_finish(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t *out_size_bytes)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_finish(tarn__below(s), op, path, out_size_bytes);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_list(struct tarn_storage *s, struct tarn_op *op,
                                   struct tarn_str prefix, struct tarn_listing *out)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_list(tarn__below(s), op, prefix, out);
    while (again(&a, &status));
    return status;
}

static enum tarn_status retry_remove(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path)
{
    enum tarn_status status;
    struct attempt a = begin(s, op);
    do
        status = tarn_storage_remove(tarn__below(s), op, path);
    while (again(&a, &status));
    return status;
}

static const struct tarn_storage_ops retry_ops = {
    .name = "retry",
    .read = retry_read,
    .read_into = retry_read_into,
    .head = retry_head,
    .put = retry_put,
    .put_absent = retry_put_absent,
    .finish = retry_finish,
    .list = retry_list,
    .remove = retry_remove,
};

enum tarn_status tarn_storage_retry_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage_retry_options options,
                                         struct tarn_storage **out)
{
    TARN_ASSERT(below && options.tries >= 1);
    TARN_ASSERT(options.base_ms >= 0 && options.max_ms >= options.base_ms);
    struct retry *r = tarn__storage_new(op, sizeof *r);
    if (!r)
        return TARN_NOMEM;
    tarn__shim_init(&r->shim, below, &retry_ops);
    r->options = options;
    *out = &r->shim.base;
    return TARN_OK;
}
