/* fs_write: how an object becomes visible and durable.
 *
 *   temporary file in the same folder -> write -> fsync -> rename -> fsync of the folder, and of new
 *   ones above it
 *
 * 1. Under its own name a file is there whole or not at all, also after a power cut: its bytes are
 * synced before the name exists. A kill leaves at most a temporary file, which list passes over.
 * 2. put_absent renames with RENAME_NOREPLACE, or links where the file system cannot do that. Both
 * are atomic. Where the folder cannot be synced afterwards the object is there, but perhaps not
 * after a power cut: UNKNOWN.
 */
#include "io/storage/storage_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "io/folder.h"

#define WRITE_STEP ((size_t)16 << 20) /* between two looks at the cancel */

struct target {
    struct tarn__fs_name name;
    char folder[PATH_MAX];
    char temp[PATH_MAX];
    bool has_temp; /* to be removed */
};

/* The folder part of an object's name; "/" for "/x". */
static void folder_of(const struct tarn__fs_name *name, char out[PATH_MAX])
{
    size_t len = (size_t)(strrchr(name->z, '/') - name->z);
    if (len == 0)
        len = 1;
    memcpy(out, name->z, len);
    out[len] = '\0';
}

static enum tarn_status target_init(struct tarn_op *op, struct tarn_str path, struct target *t)
{
    uint64_t random;
    TARN_TRY(tarn__fs_object(op, path, &t->name));
    folder_of(&t->name, t->folder);
    t->has_temp = false;
    TARN_TRY(tarn_random_bytes(op, &random, sizeof random));
    int n =
        snprintf(t->temp, sizeof t->temp, "%s/" TARN__TEMP_PREFIX "%016" PRIx64, t->folder, random);
    if (n < 0 || (size_t)n >= sizeof t->temp)
        return tarn_fail(op, TARN_INVALID, "the folder's name \"%.200s...\" is too long",
                         t->folder);
    return TARN_OK;
}

static enum tarn_status write_all(struct tarn_op *op, int fd, const char *name,
                                  struct tarn_str bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        size_t step = bytes.len - done < WRITE_STEP ? bytes.len - done : WRITE_STEP;
        ssize_t n = write(fd, bytes.ptr + done, step);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return tarn__fs_fail(op, errno, "write", name);
        done += (size_t)n;
        if (done < bytes.len)
            TARN_TRY(tarn_poll(op, 2));
    }
    return TARN_OK;
}

static enum tarn_status sync_file(struct tarn_op *op, int fd, const char *name)
{
    while (fsync(fd) != 0)
        if (errno != EINTR)
            return tarn__fs_fail(op, errno, "sync", name);
    return TARN_OK;
}

/* The bytes, durable, under the temporary name. */
static enum tarn_status write_temp(struct tarn_op *op, struct target *t, struct tarn_str bytes)
{
    static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(t->temp, flags, 0666);
    if (fd < 0 && errno == ENOENT) {
        TARN_TRY(tarn_folder_make(op, t->folder));
        fd = open(t->temp, flags, 0666);
    }
    if (fd < 0)
        return tarn__fs_fail(op, errno, "make a file in folder", t->folder);
    t->has_temp = true;
    enum tarn_status status = write_all(op, fd, t->name.z, bytes);
    if (status == TARN_OK)
        status = sync_file(op, fd, t->name.z);
    if (close(fd) != 0 && status == TARN_OK)
        status = tarn__fs_fail(op, errno, "close", t->name.z);
    return status;
}

static void drop_temp(const struct target *t)
{
    if (t->has_temp)
        (void)unlink(t->temp);
}

enum tarn_status tarn__fs_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                              struct tarn_str bytes)
{
    struct tarn__fs *fs = (struct tarn__fs *)s;
    struct target t;
    TARN_TRY(target_init(op, path, &t));
    enum tarn_status status = write_temp(op, &t, bytes);
    if (status == TARN_OK) {
        if (rename(t.temp, t.name.z) == 0)
            t.has_temp = false;
        else
            status = tarn__fs_fail(op, errno, "rename a file to", t.name.z);
    }
    drop_temp(&t);
    return status == TARN_OK ? tarn_folder_sync(fs->folders, op, t.folder) : status;
}

/* Gives the temporary file its name unless that is taken; 0 or an errno. */
static int name_if_absent(struct target *t)
{
    if (renameat2(AT_FDCWD, t->temp, AT_FDCWD, t->name.z, RENAME_NOREPLACE) == 0) {
        t->has_temp = false;
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
        return errno;
    return link(t->temp, t->name.z) == 0 ? 0 : errno;
}

enum tarn_status tarn__fs_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, struct tarn_str bytes)
{
    struct tarn__fs *fs = (struct tarn__fs *)s;
    struct target t;
    TARN_TRY(target_init(op, path, &t));
    if (access(t.name.z, F_OK) == 0) /* spares the writing; what follows decides */
        return tarn_fail(op, TARN_EXISTS, "could not make \"%s\": it exists", t.name.z);
    enum tarn_status status = write_temp(op, &t, bytes);
    int err = status == TARN_OK ? name_if_absent(&t) : 0;
    drop_temp(&t);
    if (status != TARN_OK)
        return status;
    if (err == EEXIST)
        return tarn_fail(op, TARN_EXISTS, "could not make \"%s\": it exists", t.name.z);
    if (err == EIO)
        return tarn_fail(op, TARN_UNKNOWN, "could not learn whether \"%s\" was made", t.name.z);
    if (err != 0)
        return tarn__fs_fail(op, err, "make", t.name.z);
    if (tarn_folder_sync(fs->folders, op, t.folder) == TARN_OK)
        return TARN_OK;
    char why[TARN_REPORT_TEXT];
    (void)snprintf(why, sizeof why, "%s", op->report.message);
    (void)tarn_fail(op, TARN_UNKNOWN, "\"%s\" was made, but may be lost in a power cut", t.name.z);
    tarn_detail(op, "%s", why);
    return TARN_UNKNOWN;
}

enum tarn_status tarn__fs_finish(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                 uint64_t *out_size_bytes)
{
    struct tarn__fs *fs = (struct tarn__fs *)s;
    struct tarn__fs_name name;
    char folder[PATH_MAX];
    struct stat st;
    TARN_TRY(tarn__fs_object(op, path, &name));
    int fd = open(name.z, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tarn__fs_fail(op, errno, "open", name.z);
    enum tarn_status status = TARN_OK;
    if (fstat(fd, &st) != 0)
        status = tarn__fs_fail(op, errno, "look at", name.z);
    else if (!S_ISREG(st.st_mode))
        status = tarn_fail(op, TARN_NOT_FOUND, "could not find \"%s\": it is not a regular file",
                           name.z);
    if (status == TARN_OK)
        status = sync_file(op, fd, name.z);
    (void)close(fd);
    TARN_TRY(status);
    folder_of(&name, folder);
    TARN_TRY(tarn_folder_sync(fs->folders, op, folder));
    *out_size_bytes = (uint64_t)st.st_size;
    return TARN_OK;
}
