/* folder: see folder.h. */
#include "io/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"

/* Past this many folders the memory of them starts anew: forgetting costs syncs, never safety. */
#define KNOWN_MAX ((size_t)16384)
#define DEPTH_MAX 256
/* Times of birth come from a clock that ticks every few milliseconds, and inodes are used again at
 * once. */
#define BIRTH_TICK_US 100000

struct folder_id {
    uint32_t dev_major, dev_minor;
    uint64_t inode;
    int64_t born_s;
    uint32_t born_ns;
    bool told; /* the id names one folder for ever: the file system told its time of birth, and that
                  lies so far back that a folder made later in its place is born at another time */
};

struct tarn_folders {
    pthread_mutex_t lock; /* over all below */
    struct folder_id *slots;
    size_t used, cap; /* cap: 0 or a power of two, at most half full */
};

struct tarn_folders *tarn_folders_new(void)
{
    struct tarn_folders *known = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *known);
    if (!known)
        return NULL;
    if (pthread_mutex_init(&known->lock, NULL) != 0) {
        free(known);
        return NULL;
    }
    return known;
}

void tarn_folders_free(struct tarn_folders *known)
{
    if (!known)
        return;
    (void)pthread_mutex_destroy(&known->lock);
    free(known->slots);
    free(known);
}

static bool id_eq(const struct folder_id *a, const struct folder_id *b)
{
    return a->inode == b->inode && a->dev_major == b->dev_major && a->dev_minor == b->dev_minor &&
           a->born_s == b->born_s && a->born_ns == b->born_ns;
}

static bool same_device(const struct folder_id *a, const struct folder_id *b)
{
    return a->dev_major == b->dev_major && a->dev_minor == b->dev_minor;
}

/* The slot of an id, or the free one where it belongs (told == false). cap > used. */
static struct folder_id *find(struct folder_id *slots, size_t cap, const struct folder_id *id)
{
    uint64_t h = (id->inode ^ ((uint64_t)id->dev_minor << 40)) * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 32) & (cap - 1);
    while (slots[at].told && !id_eq(&slots[at], id))
        at = (at + 1) & (cap - 1);
    return &slots[at];
}

static bool is_known(struct tarn_folders *known, const struct folder_id *id)
{
    if (!known || !id->told)
        return false;
    (void)pthread_mutex_lock(&known->lock);
    bool yes = known->used > 0 && find(known->slots, known->cap, id)->told;
    (void)pthread_mutex_unlock(&known->lock);
    return yes;
}

/* Makes room for one more; false leaves the table as it was. */
static bool grow(struct tarn_folders *known)
{
    if (known->used >= KNOWN_MAX) {
        memset(known->slots, 0, known->cap * sizeof *known->slots);
        known->used = 0;
        return true;
    }
    if (known->used * 2 < known->cap)
        return true;
    size_t cap = known->cap ? known->cap * 2 : 64;
    struct folder_id *slots = calloc(cap, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < known->cap; i++)
        if (known->slots[i].told)
            *find(slots, cap, &known->slots[i]) = known->slots[i];
    free(known->slots);
    known->slots = slots;
    known->cap = cap;
    return true;
}

static void remember(struct tarn_folders *known, const struct folder_id *ids, int count)
{
    if (!known)
        return;
    (void)pthread_mutex_lock(&known->lock);
    for (int i = 0; i < count; i++) {
        if (!ids[i].told || !grow(known))
            continue;
        struct folder_id *slot = find(known->slots, known->cap, &ids[i]);
        if (!slot->told)
            known->used++;
        *slot = ids[i];
    }
    (void)pthread_mutex_unlock(&known->lock);
}

static enum tarn_status id_of(struct tarn_op *op, int fd, const char *path, struct folder_id *out)
{
    struct statx st;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0)
        return tarn_fail_errno(op, errno, "could not look at folder \"%s\"", path);
    *out = (struct folder_id){.dev_major = st.stx_dev_major,
                              .dev_minor = st.stx_dev_minor,
                              .inode = st.stx_ino,
                              .born_s = st.stx_btime.tv_sec,
                              .born_ns = st.stx_btime.tv_nsec,
                              .told = (st.stx_mask & STATX_BTIME) != 0 &&
                                      st.stx_btime.tv_sec * 1000000 + st.stx_btime.tv_nsec / 1000 <
                                          tarn_clock_now_us(tarn_clock_real()) - BIRTH_TICK_US};
    return TARN_OK;
}

/* Cuts the last segment off; false at the root. `path` is absolute, without double or trailing
 * slashes. */
static bool to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash || path[1] == '\0')
        return false;
    slash[slash == path ? 1 : 0] = '\0';
    return true;
}

static enum tarn_status copy_path(struct tarn_op *op, const char *path, char out[PATH_MAX])
{
    size_t len = strlen(path);
    if (len == 0 || path[0] != '/' || len >= PATH_MAX)
        return tarn_fail(op, TARN_INVALID,
                         "folder \"%.200s\" is not an absolute path of at most %d bytes", path,
                         PATH_MAX - 1);
    memcpy(out, path, len + 1);
    while (len > 1 && out[len - 1] == '/')
        out[--len] = '\0';
    return TARN_OK;
}

enum tarn_status tarn_folder_make(struct tarn_op *op, const char *path)
{
    char at[PATH_MAX];
    TARN_TRY(copy_path(op, path, at));
    if (mkdir(at, 0777) == 0 || errno == EEXIST)
        return TARN_OK;
    if (errno != ENOENT)
        return tarn_fail_errno(op, errno, "could not make folder \"%s\"", path);
    for (char *p = at + 1;; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char end = *p;
        *p = '\0';
        if (mkdir(at, 0777) != 0 && errno != EEXIST) {
            int err = errno;
            struct stat st; /* the parents of a folder on a read-only mount may still be there */
            if (stat(at, &st) != 0 || !S_ISDIR(st.st_mode))
                return tarn_fail_errno(op, err, "could not make folder \"%s\"", at);
        }
        *p = end;
        if (end == '\0')
            return TARN_OK;
    }
}

/* Some file systems cannot sync a folder and say EINVAL; their names are as durable as they get. */
static enum tarn_status sync_one(struct tarn_op *op, int fd, const char *path)
{
    int rc;
    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 && errno != EINVAL && errno != ENOTSUP)
        return tarn_fail_errno(op, errno, "could not sync folder \"%s\"", path);
    return TARN_OK;
}

/* One step of the climb: *out_stop when nothing above needs a sync. ids[*count - 1] is the folder
 * below. */
static enum tarn_status climb(struct tarn_folders *known, struct tarn_op *op, const char *path,
                              struct folder_id *ids, int *count, bool *out_stop)
{
    *out_stop = false;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        *out_stop = *count > 0 && (errno == EACCES || errno == EPERM);
        return *out_stop ? TARN_OK
                         : tarn_fail_errno(op, errno, "could not open folder \"%s\"", path);
    }
    struct folder_id id;
    enum tarn_status status = id_of(op, fd, path, &id);
    if (status == TARN_OK && *count > 0 && !same_device(&id, &ids[0]))
        *out_stop =
            true; /* the folder below is the root of a mount: its name is not an entry here */
    if (status == TARN_OK && !*out_stop) {
        status = sync_one(op, fd, path);
        ids[(*count)++] = id;
        *out_stop = is_known(known, &id) || *count == DEPTH_MAX;
    }
    (void)close(fd);
    return status;
}

enum tarn_status tarn_folder_sync(struct tarn_folders *known, struct tarn_op *op, const char *path)
{
    char at[PATH_MAX];
    struct folder_id ids[DEPTH_MAX];
    int count = 0;
    TARN_TRY(copy_path(op, path, at));
    do {
        bool stop;
        TARN_TRY(climb(known, op, at, ids, &count, &stop));
        if (stop)
            break;
    } while (to_parent(at));
    if (count < DEPTH_MAX) /* else the climb may have ended too early */
        remember(known, ids, count);
    return TARN_OK;
}
