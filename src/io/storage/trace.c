/* trace: a line in the log for every call. See storage.h. */
#include "io/storage/storage_int.h"

#include "base/clock.h"
#include "base/log.h"

struct call {
    struct tarn_op *op;
    const char *what;
    struct tarn_str path;
    uint64_t begin_ns;
};

static struct call begin(struct tarn_op *op, const char *what, struct tarn_str path)
{
    return (struct call){.op = op,
                         .what = what,
                         .path = path,
                         .begin_ns = tarn_clock_monotonic_ns(tarn_clock_real())};
}

/* size_bytes: of what was read or written; 0 after a failure. */
static enum tarn_status end(const struct call *c, enum tarn_status status, uint64_t size_bytes)
{
    uint64_t now_ns = tarn_clock_monotonic_ns(tarn_clock_real());
    tarn_log(c->op->log, DEBUG, "storage", TARN_LOG_Z("call", c->what),
             TARN_LOG_STR("path", c->path),
             TARN_LOG_Z("status", status == TARN_OK ? "OK" : tarn_status_info(status)->name),
             TARN_LOG_I64("size_bytes", status == TARN_OK ? size_bytes : 0),
             TARN_LOG_I64("us", (now_ns - c->begin_ns) / 1000));
    return status;
}

static enum tarn_status trace_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   uint64_t offset, uint64_t length, struct tarn_str *out_bytes)
{
    struct call c = begin(op, "read", path);
    enum tarn_status status =
        tarn_storage_read_range(tarn__below(s), op, path, offset, length, out_bytes);
    return end(&c, status, status == TARN_OK ? out_bytes->len : 0);
}

static enum tarn_status trace_read_into(struct tarn_storage *s, struct tarn_op *op,
                                        struct tarn_str path, uint64_t offset, void *dst,
                                        size_t length)
{
    struct call c = begin(op, "read", path);
    return end(&c, tarn_storage_read_into(tarn__below(s), op, path, offset, dst, length), length);
}

static enum tarn_status trace_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_object *out)
{
    struct call c = begin(op, "head", path);
    enum tarn_status status = tarn_storage_head(tarn__below(s), op, path, out);
    return end(&c, status, status == TARN_OK ? out->size_bytes : 0);
}

static enum tarn_status trace_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes)
{
    struct call c = begin(op, "put", path);
    return end(&c, tarn_storage_put(tarn__below(s), op, path, bytes), bytes.len);
}

static enum tarn_status trace_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, struct tarn_str bytes)
{
    struct call c = begin(op, "put_absent", path);
    return end(&c, tarn_storage_put_absent(tarn__below(s), op, path, bytes), bytes.len);
}

static enum tarn_status trace_finish(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t *out_size_bytes)
{
    struct call c = begin(op, "finish", path);
    enum tarn_status status = tarn_storage_finish(tarn__below(s), op, path, out_size_bytes);
    return end(&c, status, status == TARN_OK ? *out_size_bytes : 0);
}

static enum tarn_status trace_list(struct tarn_storage *s, struct tarn_op *op,
                                   struct tarn_str prefix, struct tarn_listing *out)
{
    struct call c = begin(op, "list", prefix);
    return end(&c, tarn_storage_list(tarn__below(s), op, prefix, out), 0);
}

static enum tarn_status trace_remove(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path)
{
    struct call c = begin(op, "remove", path);
    return end(&c, tarn_storage_remove(tarn__below(s), op, path), 0);
}

static const struct tarn_storage_ops trace_ops = {
    .name = "trace",
    .read = trace_read,
    .read_into = trace_read_into,
    .head = trace_head,
    .put = trace_put,
    .put_absent = trace_put_absent,
    .finish = trace_finish,
    .list = trace_list,
    .remove = trace_remove,
};

enum tarn_status tarn_storage_trace_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage **out)
{
    TARN_ASSERT(below);
    struct tarn__shim *shim = tarn__storage_new(op, sizeof *shim);
    if (!shim)
        return TARN_NOMEM;
    tarn__shim_init(shim, below, &trace_ops);
    *out = &shim->base;
    return TARN_OK;
}
