/* shim: ready-made forwarders, so that a shim writes only the operations that it changes. They go
 * through the callers of storage.h, which look at the cancel and the deadline again: a shim may
 * have waited. */
#include "io/storage/storage_int.h"

#include <stdlib.h>

static enum tarn_status forward_read(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t offset, uint64_t length,
                                     struct tarn_str *out_bytes)
{
    return tarn_storage_read_range(tarn__below(s), op, path, offset, length, out_bytes);
}

static enum tarn_status forward_read_into(struct tarn_storage *s, struct tarn_op *op,
                                          struct tarn_str path, uint64_t offset, void *dst,
                                          size_t length)
{
    return tarn_storage_read_into(tarn__below(s), op, path, offset, dst, length);
}

static enum tarn_status forward_head(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, struct tarn_object *out)
{
    return tarn_storage_head(tarn__below(s), op, path, out);
}

static enum tarn_status forward_put(struct tarn_storage *s, struct tarn_op *op,
                                    struct tarn_str path, struct tarn_str bytes)
{
    return tarn_storage_put(tarn__below(s), op, path, bytes);
}

static enum tarn_status forward_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                           struct tarn_str path, struct tarn_str bytes)
{
    return tarn_storage_put_absent(tarn__below(s), op, path, bytes);
}

static enum tarn_status forward_finish(struct tarn_storage *s, struct tarn_op *op,
                                       struct tarn_str path, uint64_t *out_size_bytes)
{
    return tarn_storage_finish(tarn__below(s), op, path, out_size_bytes);
}

static enum tarn_status forward_list(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str prefix, struct tarn_listing *out)
{
    return tarn_storage_list(tarn__below(s), op, prefix, out);
}

static enum tarn_status forward_remove(struct tarn_storage *s, struct tarn_op *op,
                                       struct tarn_str path)
{
    return tarn_storage_remove(tarn__below(s), op, path);
}

static enum tarn_status forward_local_path(struct tarn_storage *s, struct tarn_op *op,
                                           struct tarn_str path, struct tarn_str *out)
{
    return tarn_storage_local_path(tarn__below(s), op, path, out);
}

void tarn__shim_close(struct tarn_storage *s)
{
    tarn_storage_close(tarn__below(s));
    free(s);
}

void tarn__shim_init(struct tarn__shim *shim, struct tarn_storage *below,
                     const struct tarn_storage_ops *own)
{
    shim->ops = (struct tarn_storage_ops){
        .name = own->name,
        .abilities = below->ops->abilities,
        .read = own->read ? own->read : forward_read,
        .read_into = own->read_into ? own->read_into : forward_read_into,
        .head = own->head ? own->head : forward_head,
        .put = own->put ? own->put : forward_put,
        .put_absent = own->put_absent ? own->put_absent : forward_put_absent,
        .finish = own->finish ? own->finish : forward_finish,
        .list = own->list ? own->list : forward_list,
        .remove = own->remove ? own->remove : forward_remove,
        .local_path = own->local_path ? own->local_path : forward_local_path,
        .close = own->close ? own->close : tarn__shim_close,
    };
    shim->base.ops = &shim->ops;
    shim->below = below;
}
