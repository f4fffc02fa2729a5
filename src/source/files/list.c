/* list: the files below a folder that match a stream's globs. See source.h. */
#include "source/source_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

#define FOLDER_DEPTH_MAX 64
#define FILES_MAX        ((size_t)1 << 22)

struct folder { /* the way down, so that a link to a folder above is not walked again */
    const struct folder *above;
    dev_t device;
    ino_t inode;
    struct tarn_str name; /* below the base; empty: the base itself */
    int depth;
};

struct walk {
    struct tarn_op *op;
    struct tarn_str base;
    const struct tarn_str *globs;
    size_t glob_count;
    struct tarn_input_file *items; /* malloc, moved into the op's arena at the end */
    size_t count, cap;
};

static struct tarn_str join(struct tarn_op *op, struct tarn_str folder, const char *name)
{
    if (folder.len == 0)
        return tarn_sprintf(op, "%s", name);
    bool slash = folder.ptr[folder.len - 1] == '/';
    return tarn_sprintf(op, "%.*s%s%s", TARN_STR_ARG(folder), slash ? "" : "/", name);
}

static bool passed_over(const char *name)
{
    struct tarn_str s = tarn_str_view(name);
    return *name == '.' || tarn_str_ends(s, TARN_STR(".tmp")) ||
           tarn_str_ends(s, TARN_STR(".part"));
}

static bool any_match(const struct walk *w, struct tarn_str name, bool folder)
{
    for (size_t i = 0; i < w->glob_count; i++)
        if (folder ? tarn__glob_may_enter(w->globs[i], name) : tarn__glob_match(w->globs[i], name))
            return true;
    return false;
}

/* What the first bytes say; names lie. */
static enum tarn_status read_magic(struct tarn_op *op, struct tarn_str path,
                                   enum tarn_compression *out)
{
    static const unsigned char gzip[] = {0x1F, 0x8B}, zstd[] = {0x28, 0xB5, 0x2F, 0xFD};
    unsigned char head[4] = {0};
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open file \"%.*s\"", TARN_STR_ARG(path));
    ssize_t n = pread(fd, head, sizeof head, 0);
    int err = errno;
    (void)close(fd);
    if (n < 0)
        return tarn_fail_errno(op, err, "could not read file \"%.*s\"", TARN_STR_ARG(path));
    /* A skippable zstd frame (0x184D2A5?) may stand first too. */
    bool skippable =
        n == 4 && (head[0] & 0xF0) == 0x50 && head[1] == 0x2A && head[2] == 0x4D && head[3] == 0x18;
    if (n >= 2 && memcmp(head, gzip, sizeof gzip) == 0)
        *out = TARN_COMPRESSION_GZIP;
    else if (n == 4 && (skippable || memcmp(head, zstd, sizeof zstd) == 0))
        *out = TARN_COMPRESSION_ZSTD;
    else
        *out = TARN_COMPRESSION_NONE;
    return TARN_OK;
}

static enum tarn_status add_file(struct walk *w, struct tarn_str path, struct tarn_str name,
                                 const struct stat *st)
{
    if (!tarn_utf8_valid(name))
        return tarn_fail(w->op, TARN_UNSUPPORTED, "the name of a file below \"%.*s\" is not UTF-8",
                         TARN_STR_ARG(w->base));
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 64;
        struct tarn_input_file *items =
            tarn_alloc_should_fail() ? NULL : realloc(w->items, cap * sizeof *items);
        if (!items)
            return tarn_fail(w->op, TARN_NOMEM, "no memory to list files");
        w->items = items;
        w->cap = cap;
    }
    if (w->count >= FILES_MAX)
        return tarn_fail(w->op, TARN_LIMIT, "more than %zu files match below \"%.*s\"", FILES_MAX,
                         TARN_STR_ARG(w->base));
    struct tarn_input_file f = {
        .path = path,
        .name = name,
        .size_bytes = (uint64_t)st->st_size,
        .modified_us = (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000,
    };
    TARN_TRY(read_magic(w->op, path, &f.compression));
    w->items[w->count++] = f;
    return TARN_OK;
}

static enum tarn_status walk_folder(struct walk *w, const struct folder *f, struct tarn_str path);

static enum tarn_status enter(struct walk *w, const struct folder *above, struct tarn_str path,
                              struct tarn_str name, const struct stat *st)
{
    for (const struct folder *f = above; f; f = f->above)
        if (f->device == st->st_dev && f->inode == st->st_ino)
            return TARN_OK;
    if (above->depth >= FOLDER_DEPTH_MAX)
        return tarn_fail(w->op, TARN_LIMIT, "folder \"%.*s\" lies more than %d levels deep",
                         TARN_STR_ARG(path), FOLDER_DEPTH_MAX);
    struct folder f = {above, st->st_dev, st->st_ino, name, above->depth + 1};
    return walk_folder(w, &f, path);
}

static enum tarn_status visit(struct walk *w, const struct folder *f, struct tarn_str folder_path,
                              const char *entry)
{
    struct stat st;
    if (passed_over(entry))
        return TARN_OK;
    struct tarn_str name = join(w->op, f->name, entry), path = join(w->op, folder_path, entry);
    if (!name.ptr || !path.ptr)
        return TARN_NOMEM;
    if (stat(path.ptr, &st) != 0) {
        if (errno == ENOENT) /* gone since, or a link to nowhere */
            return TARN_OK;
        return tarn_fail_errno(w->op, errno, "could not look at \"%.*s\"", TARN_STR_ARG(path));
    }
    if (S_ISDIR(st.st_mode))
        return any_match(w, name, true) ? enter(w, f, path, name, &st) : TARN_OK;
    if (!S_ISREG(st.st_mode) || !any_match(w, name, false))
        return TARN_OK;
    return add_file(w, path, name, &st);
}

static enum tarn_status walk_folder(struct walk *w, const struct folder *f, struct tarn_str path)
{
    TARN_TRY(tarn_poll(w->op, 1));
    DIR *dir = opendir(path.ptr);
    if (!dir)
        return tarn_fail_errno(w->op, errno, "could not open folder \"%.*s\"", TARN_STR_ARG(path));
    enum tarn_status status = TARN_OK;
    struct dirent *entry;
    while (status == TARN_OK && (errno = 0, entry = readdir(dir)) != NULL)
        status = visit(w, f, path, entry->d_name);
    if (status == TARN_OK && errno != 0)
        status =
            tarn_fail_errno(w->op, errno, "could not read folder \"%.*s\"", TARN_STR_ARG(path));
    (void)closedir(dir);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const struct tarn_input_file *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

static enum tarn_status open_base(struct tarn_op *op, struct tarn_str path, struct stat *st)
{
    if (stat(path.ptr, st) != 0) {
        int err = errno;
        if (err == ENOENT || err == ENOTDIR)
            return tarn_fail(op, TARN_CONFIG, "the source's folder \"%.*s\" does not exist",
                             TARN_STR_ARG(path));
        return tarn_fail_errno(op, err, "could not open the source's folder \"%.*s\"",
                               TARN_STR_ARG(path));
    }
    if (!S_ISDIR(st->st_mode))
        return tarn_fail(op, TARN_CONFIG, "the source's folder \"%.*s\" is no folder",
                         TARN_STR_ARG(path));
    return TARN_OK;
}

enum tarn_status tarn_files_list(struct tarn_op *op, struct tarn_str base,
                                 const struct tarn_str *globs, size_t glob_count,
                                 struct tarn_input_files *out)
{
    struct stat st;
    *out = (struct tarn_input_files){NULL, 0};
    for (size_t i = 0; i < glob_count; i++)
        TARN_TRY(tarn__glob_check(op, globs[i]));
    struct tarn_str path = tarn_strdup(op, base);
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(open_base(op, path, &st));
    struct walk w = {.op = op, .base = path, .globs = globs, .glob_count = glob_count};
    struct folder root = {NULL, st.st_dev, st.st_ino, TARN_STR(""), 0};
    enum tarn_status status = walk_folder(&w, &root, path);
    if (status == TARN_OK && w.count > 0) {
        qsort(w.items, w.count, sizeof *w.items, by_name);
        out->items = tarn_alloc_array(op, w.count, sizeof *w.items);
        if (out->items) {
            memcpy(out->items, w.items, w.count * sizeof *w.items);
            out->count = w.count;
        } else {
            status = TARN_NOMEM;
        }
    }
    free(w.items);
    return status;
}
