/* lease: the lock that keeps two runs of one project apart, and folders for temporary files.
 *
 * The lock is flock(2) on .tarn/run.lock: it cannot outlive its process, so a kill leaves nothing
 * to clean up. Its text names the holder, for the message only. It saves double work; tables are
 * kept right by Iceberg's commits alone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sched/sched_int.h"

enum tarn_status tarn__folder_make(struct tarn_op *op, struct tarn_str path)
{
    struct tarn_str z = tarn_strdup(op, path);
    if (!z.ptr)
        return TARN_NOMEM;
    char *p = (char *)z.ptr; /* our own copy */
    for (size_t i = 1; i <= z.len; i++) {
        if (i < z.len && p[i] != '/')
            continue;
        char keep = p[i];
        p[i] = 0;
        if (mkdir(p, 0777) != 0 && errno != EEXIST)
            return tarn_fail_errno(op, errno, "could not make folder \"%s\"", p);
        p[i] = keep;
    }
    return TARN_OK;
}

static void remove_tree(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || depth > 32)
        return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_tree(fd, e->d_name, depth + 1);
    closedir(dir);
    unlinkat(parent, name, AT_REMOVEDIR);
}

void tarn__folder_remove(struct tarn_op *op, struct tarn_str path)
{
    struct tarn_str z = tarn_strdup(op, path);
    if (z.ptr)
        remove_tree(AT_FDCWD, z.ptr, 0);
    else
        tarn_clear(op);
}

static bool is_gone(const char *name)
{
    char *end;
    long pid = strtol(name, &end, 10);
    return pid > 0 && *end == 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void remove_gone(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (is_gone(e->d_name))
            remove_tree(dirfd(dir), e->d_name, 0);
    closedir(dir);
}

enum tarn_status tarn__temp_folder(struct tarn_op *op, struct tarn_str state, struct tarn_str *out)
{
    const char *tmp = getenv("TMPDIR");
    struct tarn_str folder =
        state.ptr ? tarn_path_join(op, state, TARN_STR("tmp"))
                  : tarn_sprintf(op, "%s/tarn-%u", tmp && *tmp ? tmp : "/tmp", (unsigned)getuid());
    if (!folder.ptr)
        return TARN_NOMEM;
    remove_gone(folder.ptr);
    if (tarn__folder_make(op, folder) != TARN_OK)
        tarn_clear(op); /* only needed when the engine runs out of memory; it will say so */
    *out = tarn_sprintf(op, "%s/%ld", folder.ptr, (long)getpid());
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* ---- the lease */

static enum tarn_status held_by_other(struct tarn_op *op, int fd, const char *path)
{
    char holder[256] = "";
    ssize_t n = pread(fd, holder, sizeof holder - 1, 0);
    holder[n > 0 ? n : 0] = 0;
    close(fd);
    (void)tarn_fail(op, TARN_LOCKED, "another run of this project is at work");
    tarn_detail(op, "%s: %s", path, *holder ? holder : "holder not known");
    tarn_hint(op, "wait for it to end; the lock goes with its process");
    return TARN_LOCKED;
}

enum tarn_status tarn__lease_take(struct tarn_op *op, struct tarn_str state, struct tarn_str run_id,
                                  int *out_fd)
{
    char host[128] = "?", text[256];
    struct tarn_str path = tarn_path_join(op, state, TARN_STR("run.lock"));
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__folder_make(op, state));
    int fd = open(path.ptr, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open lock file \"%s\"", path.ptr);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return held_by_other(op, fd, path.ptr);
        int err = errno;
        close(fd);
        return tarn_fail_errno(op, err, "could not lock \"%s\"", path.ptr);
    }
    (void)!gethostname(host, sizeof host - 1);
    int n = snprintf(text, sizeof text, "run %.64s, process %ld on %.100s", run_id.ptr,
                     (long)getpid(), host);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        int err = errno;
        close(fd);
        return tarn_fail_errno(op, err, "could not write lock file \"%s\"", path.ptr);
    }
    *out_fd = fd;
    return TARN_OK;
}

void tarn__lease_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
