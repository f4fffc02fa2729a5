/* fs: objects are files on a local disk. Reading and removing; fs_write.c writes, fs_list.c lists,
 * fs_path.c names.
 *
 * 1. An object is a regular file (or a link to one). A folder, a pipe or a device of that name is
 * no object: NOT_FOUND.
 * 2. head never opens the file: closing a descriptor would drop the locks that SQLite holds on a
 * catalog beside the data.
 */
#include "io/storage/storage_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/folder.h"

static enum tarn_status not_an_object(struct tarn_op *op, const char *name)
{
    return tarn_fail(op, TARN_NOT_FOUND, "could not find \"%s\": it is not a regular file", name);
}

/* O_NONBLOCK: opening a pipe must not wait for its writer. */
static enum tarn_status open_object(struct tarn_op *op, const char *name, int *out_fd,
                                    uint64_t *out_size)
{
    struct stat st;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tarn__fs_fail(op, errno, "open", name);
    if (fstat(fd, &st) != 0) {
        int err = errno;
        (void)close(fd);
        return tarn__fs_fail(op, err, "look at", name);
    }
    if (!S_ISREG(st.st_mode)) {
        (void)close(fd);
        return not_an_object(op, name);
    }
    *out_fd = fd;
    *out_size = (uint64_t)st.st_size;
    return TARN_OK;
}

static enum tarn_status too_short(struct tarn_op *op, const char *name, uint64_t offset,
                                  uint64_t length, uint64_t size)
{
    (void)tarn_fail(op, TARN_CORRUPT, "could not read \"%s\": it is shorter than it must be", name);
    tarn_detail(op, "wanted %" PRIu64 " bytes at offset %" PRIu64 ", the file has %" PRIu64, length,
                offset, size);
    return TARN_CORRUPT;
}

static enum tarn_status read_all(struct tarn_op *op, int fd, const char *name, uint64_t offset,
                                 void *dst, size_t length)
{
    size_t done = 0;
    while (done < length) {
        /* preadv: the engine room has a pread() of its own, which shows some files otherwise */
        struct iovec to = {(char *)dst + done, length - done};
        ssize_t n = preadv(fd, &to, 1, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tarn__fs_fail(op, errno, "read", name);
        if (n == 0)
            return too_short(op, name, offset, length, offset + done);
        done += (size_t)n;
        if (done < length)
            TARN_TRY(tarn_poll(op, 2));
    }
    return TARN_OK;
}

static enum tarn_status fs_read(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                uint64_t offset, uint64_t length, struct tarn_str *out_bytes)
{
    (void)s;
    struct tarn__fs_name name;
    enum tarn_status status;
    uint64_t size;
    int fd;
    TARN_TRY(tarn__fs_object(op, path, &name));
    TARN_TRY(open_object(op, name.z, &fd, &size));
    if (offset > size || (length != UINT64_MAX && length > size - offset)) {
        (void)close(fd);
        return too_short(op, name.z, offset, length == UINT64_MAX ? 0 : length, size);
    }
    uint64_t n = length == UINT64_MAX ? size - offset : length;
    if (n > TARN_STORAGE_READ_MAX) {
        (void)close(fd);
        return tarn_fail(op, TARN_LIMIT,
                         "could not read \"%s\": %" PRIu64 " bytes, the limit is %" PRIu64, name.z,
                         n, TARN_STORAGE_READ_MAX);
    }
    char *bytes = tarn_alloc(op, (size_t)n + 1);
    status = bytes ? read_all(op, fd, name.z, offset, bytes, (size_t)n) : TARN_NOMEM;
    (void)close(fd);
    if (status == TARN_OK)
        *out_bytes = tarn_str_of(bytes, (size_t)n);
    return status;
}

static enum tarn_status fs_read_into(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, uint64_t offset, void *dst,
                                     size_t length)
{
    (void)s;
    struct tarn__fs_name name;
    uint64_t size;
    int fd;
    TARN_TRY(tarn__fs_object(op, path, &name));
    TARN_TRY(open_object(op, name.z, &fd, &size));
    enum tarn_status status = offset > size || length > size - offset
                                  ? too_short(op, name.z, offset, length, size)
                                  : read_all(op, fd, name.z, offset, dst, length);
    (void)close(fd);
    return status;
}

static enum tarn_status fs_head(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                struct tarn_object *out)
{
    (void)s;
    struct tarn__fs_name name;
    struct stat st;
    TARN_TRY(tarn__fs_object(op, path, &name));
    if (stat(name.z, &st) != 0)
        return tarn__fs_fail(op, errno, "look at", name.z);
    if (!S_ISREG(st.st_mode))
        return not_an_object(op, name.z);
    struct tarn_str copy = tarn_strdup(op, path);
    if (!copy.ptr)
        return TARN_NOMEM;
    *out = (struct tarn_object){.path = copy,
                                .size_bytes = (uint64_t)st.st_size,
                                .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
                                               (int64_t)st.st_mtim.tv_nsec / 1000};
    return TARN_OK;
}

static enum tarn_status fs_remove(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path)
{
    (void)s;
    struct tarn__fs_name name;
    TARN_TRY(tarn__fs_object(op, path, &name));
    /* a folder of that name is no object: it was absent */
    if (unlink(name.z) != 0 && errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
        return tarn__fs_fail(op, errno, "remove", name.z);
    return TARN_OK;
}

static enum tarn_status fs_local_path(struct tarn_storage *s, struct tarn_op *op,
                                      struct tarn_str path, struct tarn_str *out)
{
    (void)s;
    struct tarn__fs_name name;
    TARN_TRY(tarn__fs_folder(op, path, &name));
    *out = tarn_strdup(op, tarn_str_of(name.z, name.len));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static void fs_close(struct tarn_storage *s)
{
    struct tarn__fs *fs = (struct tarn__fs *)s;
    tarn_folders_free(fs->folders);
    free(fs);
}

static const struct tarn_storage_ops fs_ops = {
    .name = "fs",
    .abilities = TARN_STORAGE_PUT_ABSENT | TARN_STORAGE_LOCAL,
    .read = fs_read,
    .read_into = fs_read_into,
    .head = fs_head,
    .put = tarn__fs_put,
    .put_absent = tarn__fs_put_absent,
    .finish = tarn__fs_finish,
    .list = tarn__fs_list,
    .remove = fs_remove,
    .local_path = fs_local_path,
    .close = fs_close,
};

enum tarn_status tarn_storage_fs_open(struct tarn_op *op, struct tarn_storage **out)
{
    struct tarn__fs *fs = tarn__storage_new(op, sizeof *fs);
    if (!fs)
        return TARN_NOMEM;
    fs->base.ops = &fs_ops;
    fs->folders = tarn_folders_new();
    if (!fs->folders) {
        free(fs);
        return tarn_fail(op, TARN_NOMEM, "out of memory while opening a storage");
    }
    *out = &fs->base;
    return TARN_OK;
}
