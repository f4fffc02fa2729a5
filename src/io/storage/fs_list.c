/* fs_list: every regular file below a folder.
 *
 * Links to folders are not entered: what lies behind them is not the storage's, and who removes
 * what a list names must not reach it. Links to files count as files. Entries that vanish meanwhile
 * are left out. A folder that may not be read is an error: a list with holes would be taken for the
 * truth.
 */
#include "io/storage/storage_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

struct folder {
    struct folder *next;
    struct tarn_str rel; /* below the root, zero-terminated; "" for the root itself */
};

struct walk {
    struct tarn_op *op;
    struct tarn_str prefix; /* as the caller wrote it, without slashes at the end */
    struct tarn__fs_name root;
    struct folder *todo; /* in op->scratch */
    struct tarn_listing found;
    size_t cap;
};

static enum tarn_status add_folder(struct walk *w, struct tarn_str rel, const char *name)
{
    size_t n = strlen(name);
    struct folder *f = tarn_arena_alloc(w->op->scratch, sizeof *f + rel.len + n + 2);
    if (!f)
        return tarn_fail(w->op, TARN_NOMEM, "out of memory while listing \"%s\"", w->root.z);
    char *p = (char *)(f + 1);
    f->rel.ptr = p;
    if (rel.len > 0) {
        memcpy(p, rel.ptr, rel.len);
        p[rel.len] = '/';
        f->rel.len = rel.len + 1;
    }
    memcpy(p + f->rel.len, name, n + 1);
    f->rel.len += n;
    f->next = w->todo;
    w->todo = f;
    return TARN_OK;
}

static enum tarn_status add_object(struct walk *w, struct tarn_str rel, const char *name,
                                   const struct stat *st)
{
    if (w->found.count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct tarn_object *more;
        TARN_NEW_ARRAY(w->op, more, cap);
        if (w->found.count > 0)
            memcpy(more, w->found.objects, w->found.count * sizeof *more);
        w->found.objects = more;
        w->cap = cap;
    }
    struct tarn_str path = tarn_sprintf(w->op, "%.*s/%s%s%s", TARN_STR_ARG(w->prefix), rel.ptr,
                                        rel.len > 0 ? "/" : "", name);
    if (!path.ptr)
        return TARN_NOMEM;
    w->found.objects[w->found.count++] = (struct tarn_object){
        .path = path,
        .size_bytes = (uint64_t)st->st_size,
        .modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + (int64_t)st->st_mtim.tv_nsec / 1000};
    return TARN_OK;
}

static enum tarn_status visit(struct walk *w, DIR *dir, struct tarn_str rel, const struct dirent *e)
{
    struct stat st;
    const char *name = e->d_name;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        strncmp(name, TARN__TEMP_PREFIX, sizeof TARN__TEMP_PREFIX - 1) == 0)
        return TARN_OK;
    if (e->d_type == DT_DIR)
        return add_folder(w, rel, name);
    if (e->d_type != DT_REG && e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
        return TARN_OK;
    if (fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT
                   ? TARN_OK
                   : tarn_fail_errno(w->op, errno, "could not look at \"%s\" in folder \"%s/%s\"",
                                     name, w->root.z, rel.ptr);
    if (S_ISDIR(st.st_mode))
        return add_folder(w, rel, name);
    /* a link that leads nowhere, or where this user may not look, is no object */
    if (S_ISLNK(st.st_mode) && fstatat(dirfd(dir), name, &st, 0) != 0)
        return TARN_OK;
    return S_ISREG(st.st_mode) ? add_object(w, rel, name, &st) : TARN_OK;
}

static enum tarn_status visit_all(struct walk *w, DIR *dir, struct tarn_str rel)
{
    for (unsigned i = 1;; i++) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e && errno != 0 && errno != ENOENT)
            return tarn_fail_errno(w->op, errno, "could not list folder \"%s/%.*s\"", w->root.z,
                                   TARN_STR_ARG(rel));
        if (!e)
            return TARN_OK;
        if (i % 1024 == 0)
            TARN_TRY(tarn_poll(w->op, 2));
        TARN_TRY(visit(w, dir, rel, e));
    }
}

static enum tarn_status visit_folder(struct walk *w, struct tarn_str rel)
{
    char path[2 * PATH_MAX];
    if (rel.len >= PATH_MAX)
        return tarn_fail(w->op, TARN_LIMIT, "folder \"%.200s...\" has too long a name", rel.ptr);
    memcpy(path, w->root.z, w->root.len + 1);
    if (rel.len > 0) {
        path[w->root.len] = '/';
        memcpy(path + w->root.len + 1, rel.ptr, rel.len + 1);
    }
    /* the root may be a link, what is below may not */
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (rel.len > 0 ? O_NOFOLLOW : 0));
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int err = errno;
        if (fd >= 0)
            (void)close(fd);
        if (err == ENOENT || err == ENOTDIR || (err == ELOOP && rel.len > 0))
            return TARN_OK;
        return tarn_fail_errno(w->op, err, "could not list folder \"%s\"", path);
    }
    enum tarn_status status = tarn_poll(w->op, 2);
    if (status == TARN_OK)
        status = visit_all(w, dir, rel);
    (void)closedir(dir);
    return status;
}

enum tarn_status tarn__fs_list(struct tarn_storage *s, struct tarn_op *op, struct tarn_str prefix,
                               struct tarn_listing *out)
{
    (void)s;
    struct walk w = {.op = op, .prefix = prefix};
    while (w.prefix.len > 0 && w.prefix.ptr[w.prefix.len - 1] == '/')
        w.prefix.len--;
    TARN_TRY(tarn__fs_folder(op, prefix, &w.root));
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    enum tarn_status status = visit_folder(&w, TARN_STR(""));
    while (status == TARN_OK && w.todo) {
        struct folder *f = w.todo;
        w.todo = f->next;
        status = visit_folder(&w, f->rel);
    }
    tarn_arena_rewind(op->scratch, mark);
    TARN_TRY(status);
    tarn__storage_sort(&w.found);
    *out = w.found;
    return TARN_OK;
}
