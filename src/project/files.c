/* files: reading the project's own files, and their paths. */
#include "project/project_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#define FOLDER_DEPTH_MAX 16
#define FILES_MAX        (4 * TARN_MODEL_FILES_MAX)

/* ---- paths */

/* Drops the last step of a path that is being built; "" stays "". */
static size_t step_up(const char *path, size_t len)
{
    while (len > 0 && path[--len] != '/')
        continue;
    return len;
}

struct tarn_str tarn__path_absolute(struct tarn_op *op, struct tarn_str base, struct tarn_str path)
{
    bool absolute = path.len > 0 && path.ptr[0] == '/';
    struct tarn_str rest =
        absolute ? path : tarn_sprintf(op, "%.*s/%.*s", TARN_STR_ARG(base), TARN_STR_ARG(path));
    char *out = rest.ptr ? tarn_alloc(op, rest.len + 2) : NULL;
    size_t len = 0;
    if (!out)
        return (struct tarn_str){NULL, 0};
    struct tarn_str step;
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, '/', &step);
        if (step.len == 0 || tarn_str_is(step, "."))
            continue;
        if (tarn_str_is(step, "..")) {
            len = step_up(out, len);
            continue;
        }
        out[len++] = '/';
        memcpy(out + len, step.ptr, step.len);
        len += step.len;
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return tarn_str_of(out, len);
}

/* The length of the longest folder that both paths lie in, its slash included. */
static size_t common_folder(struct tarn_str a, struct tarn_str b)
{
    size_t common = 0;
    for (size_t i = 0; i < a.len && i < b.len && a.ptr[i] == b.ptr[i]; i++)
        if (a.ptr[i] == '/')
            common = i + 1;
    return common;
}

struct tarn_str tarn__path_shown(struct tarn_op *op, struct tarn_str path)
{
    char here[PATH_MAX + 1];
    if (!getcwd(here, sizeof here - 1))
        return path;
    if (strcmp(here, "/") != 0)
        (void)strcat(here, "/"); /* getcwd left room for it */
    struct tarn_str cwd = tarn_str_view(here);
    size_t common = common_folder(cwd, path), ups = 0;
    for (size_t i = common; i < cwd.len; i++)
        ups += cwd.ptr[i] == '/';
    if (ups * 3 + path.len - common >= path.len)
        return path;
    struct tarn_buf b;
    struct tarn_str shown = {NULL, 0};
    tarn_buf_init(&b, 2 * PATH_MAX);
    for (size_t i = 0; i < ups; i++)
        tarn_buf_z(&b, "../");
    tarn_buf_append(&b, path.ptr + common, path.len - common);
    if (b.len == 0)
        tarn_buf_put(&b, '.');
    if (tarn_buf_take(op, &b, "a path", &shown) != TARN_OK)
        shown.ptr = NULL;
    return shown;
}

/* ---- bytes */

static enum tarn_status read_all(struct tarn_op *op, const char *what, int fd, size_t max_bytes,
                                 struct tarn__file *file)
{
    struct tarn_buf b;
    tarn_buf_init(&b, max_bytes + 1);
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int err = errno;
            tarn_buf_release(&b);
            return tarn_fail_errno(op, err, "could not read %s \"%.*s\"", what,
                                   TARN_STR_ARG(file->shown));
        }
        if (n == 0)
            break;
        tarn_buf_append(&b, chunk, (size_t)n);
        if (b.failed || b.len > max_bytes)
            break;
    }
    if (b.over_limit || b.len > max_bytes) {
        tarn_buf_release(&b);
        return tarn_fail(op, TARN_LIMIT, "%s \"%.*s\" is larger than %zu bytes", what,
                         TARN_STR_ARG(file->shown), max_bytes);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, what, &file->text);
}

static enum tarn_status check_text(struct tarn_op *op, const char *what, enum tarn_status status,
                                   const struct tarn__file *file)
{
    if (file->text.len > 0 && memchr(file->text.ptr, '\0', file->text.len))
        return tarn_fail(op, status, "%s \"%.*s\" holds a zero byte, so it is no text", what,
                         TARN_STR_ARG(file->shown));
    if (!tarn_utf8_valid(file->text))
        return tarn_fail(op, status, "%s \"%.*s\" is not UTF-8", what, TARN_STR_ARG(file->shown));
    return TARN_OK;
}

enum tarn_status tarn__file_read(struct tarn_op *op, const char *what, enum tarn_status status,
                                 size_t max_bytes, struct tarn__file *file)
{
    file->shown = tarn__path_shown(op, file->path);
    if (!file->shown.ptr)
        return TARN_NOMEM;
    int fd = open(file->path.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open %s \"%.*s\"", what,
                               TARN_STR_ARG(file->shown));
    enum tarn_status result = read_all(op, what, fd, max_bytes, file);
    (void)close(fd);
    TARN_TRY(result);
    return check_text(op, what, status, file);
}

/* ---- folders */

struct walk {
    struct tarn_op *op;
    struct tarn_str *items;
    size_t count, cap;
};

static enum tarn_status walk_add(struct walk *w, struct tarn_str path)
{
    if (w->count == FILES_MAX)
        return tarn_fail(w->op, TARN_LIMIT, "the project has more than %d files", FILES_MAX);
    if (w->count == w->cap) {
        struct tarn_str *grown;
        w->cap = w->cap ? w->cap * 2 : 64;
        TARN_NEW_ARRAY(w->op, grown, w->cap);
        if (w->count)
            memcpy(grown, w->items, w->count * sizeof *grown);
        w->items = grown;
    }
    w->items[w->count++] = path;
    return TARN_OK;
}

static enum tarn_status walk_folder(struct walk *w, int at, const char *name,
                                    struct tarn_str prefix, int depth);

static enum tarn_status walk_entry(struct walk *w, int fd, const char *name, struct tarn_str prefix,
                                   int depth)
{
    struct stat st;
    if (name[0] == '.')
        return TARN_OK;
    struct tarn_str path = tarn_sprintf(w->op, "%.*s%s", TARN_STR_ARG(prefix), name);
    if (!path.ptr)
        return TARN_NOMEM;
    if (fstatat(fd, name, &st, 0) != 0)
        return tarn_fail_errno(w->op, errno, "could not look at \"%s\"", path.ptr);
    if (S_ISREG(st.st_mode))
        return walk_add(w, path);
    if (!S_ISDIR(st.st_mode))
        return TARN_OK;
    if (depth == FOLDER_DEPTH_MAX)
        return tarn_fail(w->op, TARN_LIMIT, "folders below \"%s\" are nested deeper than %d levels",
                         path.ptr, FOLDER_DEPTH_MAX);
    struct tarn_str below = tarn_sprintf(w->op, "%s/", path.ptr);
    return below.ptr ? walk_folder(w, fd, name, below, depth + 1) : TARN_NOMEM;
}

static enum tarn_status walk_folder(struct walk *w, int at, const char *name,
                                    struct tarn_str prefix, int depth)
{
    enum tarn_status status = TARN_OK;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int err = errno;
        if (fd >= 0)
            (void)close(fd);
        if (err == ENOENT && depth == 0)
            return TARN_OK;
        return tarn_fail_errno(w->op, err, "could not list folder \"%s\"", name);
    }
    for (;;) {
        errno = 0;
        const struct dirent *e = readdir(dir);
        if (!e) {
            if (errno)
                status = tarn_fail_errno(w->op, errno, "could not list folder \"%s\"", name);
            break;
        }
        status = walk_entry(w, fd, e->d_name, prefix, depth);
        if (status != TARN_OK)
            break;
    }
    (void)closedir(dir);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

enum tarn_status tarn__files_below(struct tarn_op *op, struct tarn_str folder,
                                   struct tarn_strs *out)
{
    struct walk w = {.op = op};
    *out = (struct tarn_strs){0};
    TARN_TRY(walk_folder(&w, AT_FDCWD, folder.ptr, TARN_STR(""), 0));
    if (w.count > 1)
        qsort(w.items, w.count, sizeof *w.items, compare_paths);
    out->items = w.items;
    out->count = w.count;
    return TARN_OK;
}
