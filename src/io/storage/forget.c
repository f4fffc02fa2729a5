/* forget: a disk that forgets what was not synced. See storage.h.
 *
 * The durable names are those that put and finish answered OK for, and what lay under the roots
 * when the shim was opened. Everything else that a crash finds there was written past the shim (the
 * engine's COPY) and never finished. The shim believes the storage below that its put and finish
 * sync; a test of fs holds that.
 */
#include "io/storage/storage_int.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/hash.h"

struct names { /* sorted; each a malloc */
    char **items;
    size_t count, cap;
};

struct forget {
    struct tarn__shim shim;
    struct names roots, keep;
    pthread_mutex_t lock; /* over durable */
    struct names durable;
};

static size_t find(const struct names *names, const char *name, bool *out_found)
{
    size_t low = 0, high = names->count;
    *out_found = false;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(names->items[mid], name);
        if (c == 0)
            *out_found = true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static enum tarn_status add(struct tarn_op *op, struct names *names, const char *name)
{
    bool found;
    size_t at = find(names, name, &found);
    if (found)
        return TARN_OK;
    if (names->count == names->cap) {
        size_t cap = names->cap ? names->cap * 2 : 64;
        char **more = tarn_alloc_should_fail() ? NULL : realloc(names->items, cap * sizeof *more);
        if (!more)
            return tarn_fail(op, TARN_NOMEM, "out of memory in a test's storage");
        names->items = more;
        names->cap = cap;
    }
    char *copy = tarn_alloc_should_fail() ? NULL : strdup(name);
    if (!copy)
        return tarn_fail(op, TARN_NOMEM, "out of memory in a test's storage");
    memmove(names->items + at + 1, names->items + at, (names->count - at) * sizeof *names->items);
    names->items[at] = copy;
    names->count++;
    return TARN_OK;
}

static void drop(struct names *names, const char *name)
{
    bool found;
    size_t at = find(names, name, &found);
    if (!found)
        return;
    free(names->items[at]);
    names->count--;
    memmove(names->items + at, names->items + at + 1, (names->count - at) * sizeof *names->items);
}

static void names_release(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* One object has one name here, however its path is written: the local file's, if there is one. */
static enum tarn_status name_of(struct forget *f, struct tarn_op *op, struct tarn_str path,
                                struct tarn_str *out)
{
    if (tarn_storage_abilities(f->shim.below) & TARN_STORAGE_LOCAL)
        return tarn_storage_local_path(f->shim.below, op, path, out);
    *out = tarn_strdup(op, path);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status record(struct forget *f, struct tarn_op *op, struct tarn_str path)
{
    struct tarn_str name;
    TARN_TRY(name_of(f, op, path, &name));
    (void)pthread_mutex_lock(&f->lock);
    enum tarn_status status = add(op, &f->durable, name.ptr);
    (void)pthread_mutex_unlock(&f->lock);
    return status;
}

static enum tarn_status forget_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str bytes)
{
    TARN_TRY(tarn_storage_put(tarn__below(s), op, path, bytes));
    return record((struct forget *)s, op, path);
}

static enum tarn_status forget_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                          struct tarn_str path, struct tarn_str bytes)
{
    TARN_TRY(tarn_storage_put_absent(tarn__below(s), op, path, bytes));
    return record((struct forget *)s, op, path);
}

static enum tarn_status forget_finish(struct tarn_storage *s, struct tarn_op *op,
                                      struct tarn_str path, uint64_t *out_size_bytes)
{
    TARN_TRY(tarn_storage_finish(tarn__below(s), op, path, out_size_bytes));
    return record((struct forget *)s, op, path);
}

static enum tarn_status forget_remove(struct tarn_storage *s, struct tarn_op *op,
                                      struct tarn_str path)
{
    struct forget *f = (struct forget *)s;
    struct tarn_str name;
    TARN_TRY(tarn_storage_remove(f->shim.below, op, path));
    TARN_TRY(name_of(f, op, path, &name));
    (void)pthread_mutex_lock(&f->lock);
    drop(&f->durable, name.ptr);
    (void)pthread_mutex_unlock(&f->lock);
    return TARN_OK;
}

static void forget_close(struct tarn_storage *s)
{
    struct forget *f = (struct forget *)s;
    tarn_storage_close(f->shim.below);
    names_release(&f->roots);
    names_release(&f->keep);
    names_release(&f->durable);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

static const struct tarn_storage_ops forget_ops = {
    .name = "forget",
    .put = forget_put,
    .put_absent = forget_put_absent,
    .finish = forget_finish,
    .remove = forget_remove,
    .close = forget_close,
};

/* What is there already was synced by somebody before. */
static enum tarn_status take_stock(struct forget *f, struct tarn_op *op)
{
    for (size_t i = 0; i < f->roots.count; i++) {
        struct tarn_listing found;
        TARN_TRY(tarn_storage_list(f->shim.below, op, tarn_str_view(f->roots.items[i]), &found));
        for (size_t k = 0; k < found.count; k++)
            TARN_TRY(record(f, op, found.objects[k].path));
    }
    return TARN_OK;
}

static enum tarn_status add_all(struct tarn_op *op, struct names *names,
                                const struct tarn_str *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct tarn_str z = tarn_strdup(op, items[i]);
        if (!z.ptr)
            return TARN_NOMEM;
        TARN_TRY(add(op, names, z.ptr));
    }
    return TARN_OK;
}

enum tarn_status tarn_storage_forget_open(struct tarn_op *op, struct tarn_storage *below,
                                          struct tarn_storage_forget_options options,
                                          struct tarn_storage **out)
{
    TARN_ASSERT(below);
    struct forget *f = tarn__storage_new(op, sizeof *f);
    if (!f)
        return TARN_NOMEM;
    if (pthread_mutex_init(&f->lock, NULL) != 0) {
        free(f);
        return tarn_fail(op, TARN_NOMEM, "out of memory while opening a storage");
    }
    tarn__shim_init(&f->shim, below, &forget_ops);
    enum tarn_status status = add_all(op, &f->roots, options.roots, options.root_count);
    if (status == TARN_OK)
        status = add_all(op, &f->keep, options.keep, options.keep_count);
    if (status == TARN_OK)
        status = take_stock(f, op);
    if (status != TARN_OK) {
        f->shim.below = NULL; /* stays the caller's */
        forget_close(&f->shim.base);
        return status;
    }
    *out = &f->shim.base;
    return TARN_OK;
}

static bool survives(const struct forget *f, const char *name)
{
    bool found;
    (void)find(&f->durable, name, &found);
    for (size_t i = 0; !found && i < f->keep.count; i++)
        found = strncmp(name, f->keep.items[i], strlen(f->keep.items[i])) == 0;
    return found;
}

/* A lost file is gone, or is there without its bytes: both happen, decided by its name so that a
 * run repeats. */
static enum tarn_status lose(struct forget *f, struct tarn_op *op, struct tarn_str path,
                             struct tarn_str name)
{
    struct tarn_str base = tarn_path_base(name);
    if ((tarn_murmur3_32(base.ptr, base.len, 0) & 1) == 0)
        return tarn_storage_remove(f->shim.below, op, path);
    if (!(tarn_storage_abilities(f->shim.below) & TARN_STORAGE_LOCAL))
        return tarn_storage_put(f->shim.below, op, path, TARN_STR(""));
    if (truncate(name.ptr, 0) != 0)
        return tarn_fail_errno(op, errno, "could not cut \"%s\"", name.ptr);
    return TARN_OK;
}

enum tarn_status tarn_storage_forget_crash(struct tarn_storage *forget, struct tarn_op *op)
{
    struct forget *f = (struct forget *)forget;
    TARN_ASSERT(f->shim.ops.put == forget_put);
    for (size_t i = 0; i < f->roots.count; i++) {
        struct tarn_listing found;
        TARN_TRY(tarn_storage_list(f->shim.below, op, tarn_str_view(f->roots.items[i]), &found));
        for (size_t k = 0; k < found.count; k++) {
            struct tarn_str name;
            TARN_TRY(name_of(f, op, found.objects[k].path, &name));
            (void)pthread_mutex_lock(&f->lock);
            bool kept = survives(f, name.ptr);
            (void)pthread_mutex_unlock(&f->lock);
            if (!kept)
                TARN_TRY(lose(f, op, found.objects[k].path, name));
        }
    }
    return TARN_OK;
}
