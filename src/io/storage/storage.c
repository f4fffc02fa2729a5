/* storage: the callers that every use goes through, and what the implementations share. */
#include "io/storage/storage_int.h"

#include <stdlib.h>

#include "base/arena.h"

/* A failing implementation has reported what it answers. */
static enum tarn_status told(struct tarn_op *op, enum tarn_status status)
{
    TARN_ASSERT(status == TARN_OK || op->report.status == status);
    return status;
}

static enum tarn_status enter(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path)
{
    TARN_ASSERT(s && op && path.ptr);
    return tarn_poll(op, 2);
}

enum tarn_status tarn_storage_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str *out_bytes)
{
    return tarn_storage_read_range(s, op, path, 0, UINT64_MAX, out_bytes);
}

enum tarn_status tarn_storage_read_range(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, uint64_t offset, uint64_t length,
                                         struct tarn_str *out_bytes)
{
    TARN_ASSERT(out_bytes);
    TARN_TRY(enter(s, op, path));
    TARN_TRY(told(op, s->ops->read(s, op, path, offset, length, out_bytes)));
    TARN_ASSERT(out_bytes->ptr && out_bytes->ptr[out_bytes->len] == '\0');
    TARN_ASSERT(length == UINT64_MAX || out_bytes->len == length);
    return TARN_OK;
}

enum tarn_status tarn_storage_read_into(struct tarn_storage *s, struct tarn_op *op,
                                        struct tarn_str path, uint64_t offset, void *dst,
                                        size_t length)
{
    TARN_ASSERT(dst || length == 0);
    TARN_TRY(enter(s, op, path));
    return told(op, s->ops->read_into(s, op, path, offset, dst, length));
}

enum tarn_status tarn_storage_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_object *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(s, op, path));
    return told(op, s->ops->head(s, op, path, out));
}

enum tarn_status tarn_storage_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes)
{
    TARN_ASSERT(bytes.ptr || bytes.len == 0);
    TARN_TRY(enter(s, op, path));
    return told(op, s->ops->put(s, op, path, bytes));
}

enum tarn_status tarn_storage_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, struct tarn_str bytes)
{
    TARN_ASSERT(bytes.ptr || bytes.len == 0);
    TARN_TRY(enter(s, op, path));
    TARN_ASSERT(s->ops->abilities & TARN_STORAGE_PUT_ABSENT);
    return told(op, s->ops->put_absent(s, op, path, bytes));
}

enum tarn_status tarn_storage_finish(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t *out_size_bytes)
{
    TARN_ASSERT(out_size_bytes);
    TARN_TRY(enter(s, op, path));
    return told(op, s->ops->finish(s, op, path, out_size_bytes));
}

enum tarn_status tarn_storage_list(struct tarn_storage *s, struct tarn_op *op,
                                   struct tarn_str prefix, struct tarn_listing *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(s, op, prefix));
    return told(op, s->ops->list(s, op, prefix, out));
}

enum tarn_status tarn_storage_remove(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path)
{
    TARN_TRY(enter(s, op, path));
    return told(op, s->ops->remove(s, op, path));
}

enum tarn_status tarn_storage_local_path(struct tarn_storage *s, struct tarn_op *op,
                                         struct tarn_str path, struct tarn_str *out)
{
    TARN_ASSERT(out);
    TARN_TRY(enter(s, op, path));
    TARN_ASSERT(s->ops->abilities & TARN_STORAGE_LOCAL);
    return told(op, s->ops->local_path(s, op, path, out));
}

void tarn_storage_close(struct tarn_storage *s)
{
    if (s)
        s->ops->close(s);
}

/* ---- shared by the implementations */

void *tarn__storage_new(struct tarn_op *op, size_t size_bytes)
{
    void *p = tarn_alloc_should_fail() ? NULL : calloc(1, size_bytes);
    if (!p)
        (void)tarn_fail(op, TARN_NOMEM, "out of memory while opening a storage");
    return p;
}

static int by_path(const void *a, const void *b)
{
    return tarn_str_cmp(((const struct tarn_object *)a)->path,
                        ((const struct tarn_object *)b)->path);
}

void tarn__storage_sort(struct tarn_listing *listing)
{
    if (listing->count > 1)
        qsort(listing->objects, listing->count, sizeof *listing->objects, by_path);
}
