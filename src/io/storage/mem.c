/* mem: objects in memory, sorted by path; "mem://bucket/key". For tests and the simulation: every
 * call is atomic, and what a put returned for is "durable" until close. */
#include "io/storage/storage_int.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"

struct entry {
    struct tarn_str path, bytes; /* owned, one allocation: path first */
    int64_t modified_us;
};

struct mem {
    struct tarn_storage base;
    pthread_mutex_t lock; /* over all below */
    struct entry *entries;
    size_t count, cap;
};

static enum tarn_status check_path(struct tarn_op *op, struct tarn_str path)
{
    if (!tarn_str_starts(path, TARN_STR("mem://")) || path.len == sizeof "mem://" - 1)
        return tarn_fail(op, TARN_INVALID, "path \"%.*s\" is no mem: URI", TARN_STR_ARG(path));
    return TARN_OK;
}

static enum tarn_status check_object(struct tarn_op *op, struct tarn_str path)
{
    TARN_TRY(check_path(op, path));
    if (path.ptr[path.len - 1] == '/')
        return tarn_fail(op, TARN_INVALID,
                         "path \"%.*s\" is the name of a folder, not of an object",
                         TARN_STR_ARG(path));
    return TARN_OK;
}

/* Where the path is, or would be inserted. Under the lock. */
static size_t find(const struct mem *m, struct tarn_str path, bool *out_found)
{
    size_t low = 0, high = m->count;
    *out_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = tarn_str_cmp(m->entries[mid].path, path);
        if (c == 0) {
            *out_found = true;
            return mid;
        }
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum tarn_status missing(struct tarn_op *op, struct tarn_str path)
{
    return tarn_fail(op, TARN_NOT_FOUND, "could not find \"%.*s\"", TARN_STR_ARG(path));
}

static enum tarn_status no_memory(struct tarn_op *op, struct tarn_str path)
{
    return tarn_fail(op, TARN_NOMEM, "out of memory while writing \"%.*s\"", TARN_STR_ARG(path));
}

/* The entry of a path whose bytes from `offset` on are at least `length`; under the lock. */
static enum tarn_status part(struct mem *m, struct tarn_op *op, struct tarn_str path,
                             uint64_t offset, uint64_t length, const struct entry **out)
{
    bool found;
    size_t at = find(m, path, &found);
    if (!found)
        return missing(op, path);
    uint64_t size = m->entries[at].bytes.len;
    if (offset > size || length > size - offset) {
        (void)tarn_fail(op, TARN_CORRUPT, "could not read \"%.*s\": it is shorter than it must be",
                        TARN_STR_ARG(path));
        tarn_detail(op, "wanted %" PRIu64 " bytes at offset %" PRIu64 ", the object has %" PRIu64,
                    length, offset, size);
        return TARN_CORRUPT;
    }
    *out = &m->entries[at];
    return TARN_OK;
}

static enum tarn_status mem_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                 uint64_t offset, uint64_t length, struct tarn_str *out_bytes)
{
    struct mem *m = (struct mem *)s;
    const struct entry *e;
    TARN_TRY(check_object(op, path));
    (void)pthread_mutex_lock(&m->lock);
    enum tarn_status status = part(m, op, path, offset, length == UINT64_MAX ? 0 : length, &e);
    if (status == TARN_OK) {
        size_t n = length == UINT64_MAX ? e->bytes.len - (size_t)offset : (size_t)length;
        if (n > TARN_STORAGE_READ_MAX) {
            status = tarn_fail(op, TARN_LIMIT,
                               "could not read \"%.*s\": %zu bytes, the limit is %" PRIu64,
                               TARN_STR_ARG(path), n, TARN_STORAGE_READ_MAX);
        } else {
            *out_bytes = tarn_strdup(op, tarn_str_of(e->bytes.ptr + offset, n));
            status = out_bytes->ptr ? TARN_OK : TARN_NOMEM;
        }
    }
    (void)pthread_mutex_unlock(&m->lock);
    return status;
}

static enum tarn_status mem_read_into(struct tarn_storage *s, struct tarn_op *op,
                                      struct tarn_str path, uint64_t offset, void *dst,
                                      size_t length)
{
    struct mem *m = (struct mem *)s;
    const struct entry *e;
    TARN_TRY(check_object(op, path));
    (void)pthread_mutex_lock(&m->lock);
    enum tarn_status status = part(m, op, path, offset, length, &e);
    if (status == TARN_OK && length > 0)
        memcpy(dst, e->bytes.ptr + offset, length);
    (void)pthread_mutex_unlock(&m->lock);
    return status;
}

static enum tarn_status describe(struct tarn_op *op, const struct entry *e, struct tarn_object *out)
{
    struct tarn_str path = tarn_strdup(op, e->path);
    if (!path.ptr)
        return TARN_NOMEM;
    *out = (struct tarn_object){
        .path = path, .size_bytes = e->bytes.len, .modified_us = e->modified_us};
    return TARN_OK;
}

static enum tarn_status mem_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                 struct tarn_object *out)
{
    struct mem *m = (struct mem *)s;
    const struct entry *e;
    TARN_TRY(check_object(op, path));
    (void)pthread_mutex_lock(&m->lock);
    enum tarn_status status = part(m, op, path, 0, 0, &e);
    if (status == TARN_OK)
        status = describe(op, e, out);
    (void)pthread_mutex_unlock(&m->lock);
    return status;
}

static bool make_entry(struct tarn_str path, struct tarn_str bytes, struct entry *out)
{
    if (bytes.len > SIZE_MAX - path.len - 1 || tarn_alloc_should_fail())
        return false;
    char *p = malloc(path.len + bytes.len + 1);
    if (!p)
        return false;
    memcpy(p, path.ptr, path.len);
    if (bytes.len > 0)
        memcpy(p + path.len, bytes.ptr, bytes.len);
    *out = (struct entry){.path = {p, path.len},
                          .bytes = {p + path.len, bytes.len},
                          .modified_us = tarn_clock_now_us(tarn_clock_real())};
    return true;
}

static void free_entry(const struct entry *e)
{
    free((void *)(uintptr_t)e->path.ptr);
}

static bool make_room(struct mem *m)
{
    if (m->count < m->cap)
        return true;
    size_t cap = m->cap ? m->cap * 2 : 64;
    struct entry *more = tarn_alloc_should_fail() ? NULL : realloc(m->entries, cap * sizeof *more);
    if (!more)
        return false;
    m->entries = more;
    m->cap = cap;
    return true;
}

static enum tarn_status place(struct mem *m, struct tarn_op *op, struct entry e, bool replace)
{
    bool found;
    size_t at = find(m, e.path, &found);
    if (found && !replace)
        return tarn_fail(op, TARN_EXISTS, "could not make \"%.*s\": it exists",
                         TARN_STR_ARG(e.path));
    if (found) {
        free_entry(&m->entries[at]);
    } else {
        if (!make_room(m))
            return no_memory(op, e.path);
        memmove(m->entries + at + 1, m->entries + at, (m->count - at) * sizeof *m->entries);
        m->count++;
    }
    m->entries[at] = e;
    return TARN_OK;
}

static enum tarn_status put(struct mem *m, struct tarn_op *op, struct tarn_str path,
                            struct tarn_str bytes, bool replace)
{
    struct entry e;
    TARN_TRY(check_object(op, path));
    if (!make_entry(path, bytes, &e))
        return no_memory(op, path);
    (void)pthread_mutex_lock(&m->lock);
    enum tarn_status status = place(m, op, e, replace);
    (void)pthread_mutex_unlock(&m->lock);
    if (status != TARN_OK)
        free_entry(&e);
    return status;
}

static enum tarn_status mem_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                struct tarn_str bytes)
{
    return put((struct mem *)s, op, path, bytes, true);
}

static enum tarn_status mem_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                       struct tarn_str path, struct tarn_str bytes)
{
    return put((struct mem *)s, op, path, bytes, false);
}

static enum tarn_status mem_finish(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   uint64_t *out_size_bytes)
{
    struct tarn_object o;
    TARN_TRY(mem_head(s, op, path, &o));
    *out_size_bytes = o.size_bytes;
    return TARN_OK;
}

static bool is_below(struct tarn_str path, struct tarn_str folder)
{
    return path.len > folder.len && path.ptr[folder.len] == '/' && tarn_str_starts(path, folder);
}

static enum tarn_status collect(struct mem *m, struct tarn_op *op, struct tarn_str folder,
                                struct tarn_listing *out)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++)
        n += is_below(m->entries[i].path, folder);
    *out = (struct tarn_listing){NULL, 0};
    if (n == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->objects, n);
    for (size_t i = 0; i < m->count; i++)
        if (is_below(m->entries[i].path, folder))
            TARN_TRY(describe(op, &m->entries[i], &out->objects[out->count++]));
    return TARN_OK;
}

static enum tarn_status mem_list(struct tarn_storage *s, struct tarn_op *op, struct tarn_str prefix,
                                 struct tarn_listing *out)
{
    struct mem *m = (struct mem *)s;
    struct tarn_listing found;
    TARN_TRY(check_path(op, prefix));
    while (prefix.ptr[prefix.len - 1] == '/')
        prefix.len--;
    (void)pthread_mutex_lock(&m->lock);
    enum tarn_status status = collect(m, op, prefix, &found);
    (void)pthread_mutex_unlock(&m->lock);
    if (status == TARN_OK)
        *out = found; /* sorted, as the entries are */
    return status;
}

static enum tarn_status mem_remove(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path)
{
    struct mem *m = (struct mem *)s;
    bool found;
    TARN_TRY(check_object(op, path));
    (void)pthread_mutex_lock(&m->lock);
    size_t at = find(m, path, &found);
    if (found) {
        free_entry(&m->entries[at]);
        m->count--;
        memmove(m->entries + at, m->entries + at + 1, (m->count - at) * sizeof *m->entries);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return TARN_OK;
}

static enum tarn_status mem_local_path(struct tarn_storage *s, struct tarn_op *op,
                                       struct tarn_str path, struct tarn_str *out)
{
    (void)s;
    (void)out;
    return tarn_fail(op, TARN_UNSUPPORTED, "\"%.*s\" has no local file", TARN_STR_ARG(path));
}

static void mem_close(struct tarn_storage *s)
{
    struct mem *m = (struct mem *)s;
    for (size_t i = 0; i < m->count; i++)
        free_entry(&m->entries[i]);
    free(m->entries);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

static const struct tarn_storage_ops mem_ops = {
    .name = "mem",
    .abilities = TARN_STORAGE_PUT_ABSENT,
    .read = mem_read,
    .read_into = mem_read_into,
    .head = mem_head,
    .put = mem_put,
    .put_absent = mem_put_absent,
    .finish = mem_finish,
    .list = mem_list,
    .remove = mem_remove,
    .local_path = mem_local_path,
    .close = mem_close,
};

enum tarn_status tarn_storage_mem_open(struct tarn_op *op, struct tarn_storage **out)
{
    struct mem *m = tarn__storage_new(op, sizeof *m);
    if (!m)
        return TARN_NOMEM;
    if (pthread_mutex_init(&m->lock, NULL) != 0) {
        free(m);
        return tarn_fail(op, TARN_NOMEM, "out of memory while opening a storage");
    }
    m->base.ops = &mem_ops;
    *out = &m->base;
    return TARN_OK;
}
