/* doctor_store: the warehouse's folder and disk, the catalog, and every table in it. See
 * doctor_int.h.
 *
 * A table is well when its metadata, manifests and live files are there, with the sizes that the
 * manifests state. What is in the files is not read.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/doctor_int.h"

#define PROBE_BYTES      4096
#define FREE_FAIL        ((uint64_t)100 << 20)
#define FREE_WARN        ((uint64_t)1 << 30)
#define INODES_WARN      10000
#define CLOCK_APART_US   (10 * (int64_t)1000000)
#define TABLES_NAMED_MAX 20
#define FILES_LOOKED_MAX 500000

/* ---- the folder */

static bool write_probe(const char *path, const char *renamed, const char *folder,
                        const char **out_step, int64_t *out_time_us)
{
    static const char zeros[PROBE_BYTES];
    struct stat st;
    *out_step = "make a file in";
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    *out_step = "write to";
    bool ok = write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros;
    if (ok) {
        *out_step = "sync a file in";
        ok = fsync(fd) == 0 && fstat(fd, &st) == 0;
        *out_time_us = ok ? (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000 : 0;
    }
    int err = errno;
    close(fd);
    errno = err;
    if (ok) {
        *out_step = "rename a file in";
        ok = rename(path, renamed) == 0;
    }
    if (!ok)
        return false;
    *out_step = "sync";
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ok = fd >= 0 && fsync(fd) == 0;
    err = errno;
    if (fd >= 0)
        close(fd);
    errno = err;
    return ok;
}

/* Write, sync, rename, remove: what every commit does. */
static enum tarn_status probe_folder(struct tarn__doctor *d, struct tarn_str folder)
{
    const char *step;
    int64_t file_us = 0, now_us = tarn_clock_now_us(tarn_clock_real());
    struct tarn_str path =
        tarn_sprintf(d->op, "%.*s/.tarn-doctor-%ld", TARN_STR_ARG(folder), (long)getpid());
    struct tarn_str renamed = tarn_sprintf(d->op, "%.*s.renamed", TARN_STR_ARG(path));
    if (!path.ptr || !renamed.ptr)
        return TARN_NOMEM;
    bool ok = write_probe(path.ptr, renamed.ptr, folder.ptr, &step, &file_us);
    int err = errno;
    bool gone =
        (unlink(path.ptr) == 0 || errno == ENOENT) && (unlink(renamed.ptr) == 0 || errno == ENOENT);
    if (ok && !gone) {
        ok = false;
        err = errno;
        step = "remove a file from";
    }
    if (!ok)
        return tarn__find(d, TARN__LEVEL_FAIL, "warehouse",
                          err == ENOSPC || err == EDQUOT
                              ? "free some space"
                              : "let this user write to it (chmod, chown), or mount it for writing",
                          "could not %s \"%.*s\": %s", step, TARN_STR_ARG(folder), strerror(err));
    int64_t apart = file_us - now_us;
    if (file_us != 0 && (apart > CLOCK_APART_US || apart < -CLOCK_APART_US))
        TARN_TRY(tarn__find(d, TARN__LEVEL_WARN, "clock",
                            "let NTP keep the clocks of both machines",
                            "the clock of the file system of \"%.*s\" is %lld s %s this machine's",
                            TARN_STR_ARG(folder), (long long)(llabs(apart) / 1000000),
                            apart > 0 ? "before" : "behind"));
    return tarn__find(d, TARN__LEVEL_OK, "warehouse", NULL,
                      "%.*s: files can be written, synced, renamed and removed",
                      TARN_STR_ARG(folder));
}

/* The folder itself or the nearest above that is there. */
static struct tarn_str nearest(struct tarn_op *op, struct tarn_str folder)
{
    struct stat st;
    struct tarn_str out = tarn_strdup(op, folder);
    while (out.ptr && out.len > 1 && stat(out.ptr, &st) != 0) {
        while (out.len > 1 && out.ptr[out.len - 1] != '/')
            out.len--;
        if (out.len > 1)
            out.len--;
        ((char *)out.ptr)[out.len] = 0; /* our own copy */
    }
    return out;
}

static enum tarn_status check_folder(struct tarn__doctor *d, struct tarn_str there)
{
    struct stat st;
    if (tarn_str_eq(there, d->warehouse) && stat(there.ptr, &st) == 0 && S_ISDIR(st.st_mode))
        return probe_folder(d, there);
    if (stat(there.ptr, &st) != 0 || !S_ISDIR(st.st_mode))
        return tarn__find(d, TARN__LEVEL_FAIL, "warehouse",
                          "choose another folder for the warehouse", "\"%.*s\" is no folder",
                          TARN_STR_ARG(there));
    if (access(there.ptr, W_OK | X_OK) != 0)
        return tarn__find(d, TARN__LEVEL_FAIL, "warehouse",
                          "let this user write to it (chmod, chown)",
                          "\"%.*s\" cannot be made: \"%.*s\" may not be written to",
                          TARN_STR_ARG(d->warehouse), TARN_STR_ARG(there));
    return tarn__find(d, TARN__LEVEL_OK, "warehouse", NULL,
                      "%.*s is not there yet: the first run makes it", TARN_STR_ARG(d->warehouse));
}

/* ---- the disk */

static enum tarn_status check_space(struct tarn__doctor *d, struct tarn_str folder)
{
    struct statvfs fs;
    if (statvfs(folder.ptr, &fs) != 0)
        return tarn__find(d, TARN__LEVEL_WARN, "disk", NULL,
                          "how much is free in \"%.*s\" could not be found out: %s",
                          TARN_STR_ARG(folder), strerror(errno));
    uint64_t unused = (uint64_t)fs.f_bavail * fs.f_frsize,
             all = (uint64_t)fs.f_blocks * fs.f_frsize;
    struct tarn_str has = tarn__cli_size(d->op, (int64_t)unused),
                    of = tarn__cli_size(d->op, (int64_t)all);
    if (fs.f_files > 0 && fs.f_favail < INODES_WARN)
        TARN_TRY(tarn__find(d, TARN__LEVEL_WARN, "disk",
                            "remove small files: the file system has few inodes left",
                            "only %llu more files can be made in \"%.*s\"",
                            (unsigned long long)fs.f_favail, TARN_STR_ARG(folder)));
    if (unused < FREE_WARN)
        return tarn__find(d, unused < FREE_FAIL ? TARN__LEVEL_FAIL : TARN__LEVEL_WARN, "disk",
                          "free some space", "only %s of %s are free in \"%.*s\"", has.ptr, of.ptr,
                          TARN_STR_ARG(folder));
    return tarn__find(d, TARN__LEVEL_OK, "disk", NULL, "%s of %s are free", has.ptr, of.ptr);
}

bool tarn__mount_is_network(struct tarn_str kind)
{
    static const char *const names[] = {"nfs",    "nfs4", "cifs",   "smb3",      "smbfs",
                                        "ceph",   "afs",  "9p",     "gfs2",      "ocfs2",
                                        "lustre", "gpfs", "beegfs", "glusterfs", "vboxsf",
                                        "vmhgfs", "coda", "ncpfs",  "orangefs",  "davfs"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tarn_str_is(kind, names[i]))
            return true;
    return tarn_str_starts(kind, TARN_STR("fuse")) && !tarn_str_is(kind, "fuseblk");
}

/* A blank is \040 there. */
static struct tarn_str unescaped(struct tarn_op *op, struct tarn_str s)
{
    struct tarn_str out = tarn_strdup(op, s);
    char *dst = (char *)out.ptr; /* our own copy */
    size_t n = 0;
    for (size_t i = 0; out.ptr && i < s.len; i++) {
        const char *p = s.ptr + i;
        bool octal = *p == '\\' && i + 3 < s.len && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
                     p[2] <= '7' && p[3] >= '0' && p[3] <= '7';
        dst[n++] = octal ? (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')) : *p;
        i += octal ? 3 : 0;
    }
    out.len = n;
    return out;
}

static bool is_below(struct tarn_str path, struct tarn_str folder)
{
    return tarn_str_starts(path, folder) &&
           (path.len == folder.len || folder.len == 1 || path.ptr[folder.len] == '/');
}

/* 36 35 98:0 /root /mount/point rw,noatime shared:1 - ext4 /dev/root rw */
enum tarn_status tarn__mount_of(struct tarn_op *op, struct tarn_str mountinfo, struct tarn_str path,
                                struct tarn__mount *out)
{
    struct tarn_str line, rest = mountinfo;
    *out = (struct tarn__mount){.point = TARN_STR("")};
    bool more = true;
    while (more) {
        struct tarn_str field[6] = {{NULL, 0}}, kind;
        more = tarn_str_cut(&rest, '\n', &line);
        const char *dash = line.len > 3 ? memmem(line.ptr, line.len, " - ", 3) : NULL;
        struct tarn_str tail =
            dash ? tarn_str_of(dash + 3, line.len - (size_t)(dash + 3 - line.ptr)) : TARN_STR("");
        for (int i = 0; i < 6 && line.ptr; i++)
            (void)tarn_str_cut(&line, ' ', &field[i]);
        (void)tarn_str_cut(&tail, ' ', &kind);
        if (!field[5].ptr || kind.len == 0)
            continue;
        struct tarn_str point = unescaped(op, field[4]);
        if (!point.ptr)
            return TARN_NOMEM;
        if (is_below(path, point) &&
            point.len >= out->point.len) { /* a later mount hides an earlier one */
            out->kind = kind;
            out->point = point;
            out->read_only =
                tarn_str_is(field[5], "ro") || tarn_str_starts(field[5], TARN_STR("ro,"));
        }
    }
    return TARN_OK;
}

static enum tarn_status check_mount(struct tarn__doctor *d, struct tarn_str folder)
{
    struct tarn__mount m;
    struct tarn_str mountinfo;
    char resolved[PATH_MAX];
    if (!realpath(folder.ptr, resolved))
        return TARN_OK;
    TARN_TRY(tarn__read_small(d->op, "/proc/self/mountinfo", &mountinfo));
    TARN_TRY(tarn__mount_of(d->op, mountinfo, tarn_str_view(resolved), &m));
    if (!m.kind.ptr)
        return TARN_OK;
    if (tarn__mount_is_network(m.kind))
        return tarn__find(d, TARN__LEVEL_WARN, "file system",
                          "put the warehouse on a local disk: SQLite's locks and syncs do not hold "
                          "between machines",
                          "\"%.*s\" lies on %.*s, which other machines can mount",
                          TARN_STR_ARG(folder), TARN_STR_ARG(m.kind));
    if (tarn_str_is(m.kind, "tmpfs") || tarn_str_is(m.kind, "ramfs"))
        return tarn__find(d, TARN__LEVEL_WARN, "file system",
                          "put the warehouse on a disk if the tables matter",
                          "\"%.*s\" lies in memory (%.*s): its tables go with the next restart",
                          TARN_STR_ARG(folder), TARN_STR_ARG(m.kind));
    if (m.read_only)
        return tarn__find(d, TARN__LEVEL_FAIL, "file system", "mount it for writing",
                          "\"%.*s\" is mounted read-only", TARN_STR_ARG(m.point));
    return tarn__find(d, TARN__LEVEL_OK, "file system", NULL, "%.*s", TARN_STR_ARG(m.kind));
}

/* ---- the tables */

struct tables {
    struct tarn__doctor *d;
    struct tarn_lake lake;
    struct tarn_str resolved; /* the warehouse without links */
    size_t count, files, bad, outside, moved, copied, future;
    struct tarn_str outside_example; /* a location */
    struct tarn_str old_root;        /* of moved or copied ones */
    struct tarn_str future_example;
    bool cut; /* there were too many files to look at */
};

static struct tarn_str local_of(struct tarn_str location)
{
    if (tarn_str_starts(location, TARN_STR("file://")))
        return tarn_str_of(location.ptr + 7, location.len - 7);
    if (tarn_str_starts(location, TARN_STR("file:/")))
        return tarn_str_of(location.ptr + 5, location.len - 5);
    return location;
}

struct tarn_str tarn__moved_from(struct tarn_op *op, struct tarn_str location,
                                 struct tarn_str warehouse)
{
    struct stat st;
    struct tarn_str path = local_of(location);
    for (size_t i = 1; i < path.len; i++) {
        if (path.ptr[i] != '/')
            continue;
        struct tarn_str here = tarn_sprintf(op, "%.*s%.*s", TARN_STR_ARG(warehouse),
                                            (int)(path.len - i), path.ptr + i);
        if (here.ptr && stat(here.ptr, &st) == 0)
            return tarn_strdup(op, tarn_str_of(path.ptr, i));
    }
    return (struct tarn_str){NULL, 0};
}

static enum tarn_status look_at_files(struct tables *t, struct tarn_op *op,
                                      const struct tarn_table *table)
{
    struct tarn_live_files live;
    const struct tarn_snapshot *s = tarn_metadata_current(&table->metadata);
    if (!s)
        return TARN_OK;
    TARN_TRY(tarn_table_live_files(&t->lake, op, &table->metadata, s, &live));
    for (size_t i = 0; i < live.count; i++) {
        const struct tarn_data_file *f = &live.items[i].file;
        struct tarn_object object;
        if (t->files >= FILES_LOOKED_MAX) {
            t->cut = true;
            return TARN_OK;
        }
        t->files++;
        enum tarn_status status = tarn_storage_head(t->lake.storage, op, f->path, &object);
        if (status == TARN_NOT_FOUND)
            return tarn_fail(op, TARN_NOT_FOUND, "file \"%.*s\" is missing", TARN_STR_ARG(f->path));
        TARN_TRY(status);
        if ((int64_t)object.size_bytes != f->size_bytes)
            return tarn_fail(op, TARN_CORRUPT,
                             "file \"%.*s\" has %llu bytes, its manifest says %lld",
                             TARN_STR_ARG(f->path), (unsigned long long)object.size_bytes,
                             (long long)f->size_bytes);
    }
    return TARN_OK;
}

/* A location that is not below the warehouse: elsewhere on purpose, or the warehouse was moved or
 * copied. */
static enum tarn_status look_at_place(struct tables *t, struct tarn_str location, bool *out_moved)
{
    struct tarn_op *op = t->d->op;
    char resolved[PATH_MAX];
    struct tarn_str path = local_of(location);
    *out_moved = false;
    if (is_below(path, t->d->warehouse) || is_below(path, t->resolved))
        return TARN_OK;
    struct tarn_str z = tarn_strdup(op, path);
    if (!z.ptr)
        return TARN_NOMEM;
    bool there = realpath(z.ptr, resolved) != NULL;
    if (there && is_below(tarn_str_view(resolved), t->resolved))
        return TARN_OK; /* by a link */
    struct tarn_str root = tarn__moved_from(op, location, t->d->warehouse);
    if (!root.ptr) {
        t->outside++;
        t->outside_example = z;
        return TARN_OK;
    }
    t->old_root = root;
    t->copied += there;
    t->moved += !there;
    *out_moved = !there;
    return TARN_OK;
}

static enum tarn_status look_at_table(struct tables *t, struct tarn_op *op, struct tarn_ident ident)
{
    struct tarn_table *table;
    char now_text[TARN_TIME_TEXT_MAX];
    TARN_TRY(tarn_table_load(&t->lake, op, ident, &table));
    int64_t now = tarn_clock_now_us(tarn_clock_real()),
            last = table->metadata.last_updated_ms * 1000;
    if (last > now + 60 * (int64_t)1000000) {
        tarn_time_format(last, 0, now_text);
        t->future++;
        t->future_example = tarn_sprintf(t->d->op, "%.*s.%.*s at %s", TARN_STR_ARG(ident.ns),
                                         TARN_STR_ARG(ident.name), now_text);
        if (!t->future_example.ptr)
            return tarn_fail(op, TARN_NOMEM, "out of memory");
    }
    return look_at_files(t, op, table);
}

static enum tarn_status check_table(struct tables *t, struct tarn_ident ident)
{
    struct tarn__doctor *d = t->d;
    struct tarn_op op;
    struct tarn_str location;
    bool moved = false;
    t->count++;
    TARN_TRY(tarn_poll(d->op, 1));
    enum tarn_status status = tarn_catalog_load(t->lake.catalog, d->op, ident, &location);
    if (status == TARN_OK)
        status = look_at_place(t, location, &moved);
    if (moved)
        return TARN_OK; /* told once for all of them */
    if (status == TARN_OK) {
        TARN_TRY(tarn_op_child(d->op, &op));
        status = look_at_table(t, &op, ident);
        if (status != TARN_OK)
            status = tarn_op_adopt(d->op, &op);
        tarn_op_release(&op);
    }
    if (status == TARN_OK || ++t->bad > TABLES_NAMED_MAX) {
        tarn_clear(d->op);
        return TARN_OK;
    }
    (void)tarn_while(d->op, "looking at %.*s.%.*s", TARN_STR_ARG(ident.ns),
                     TARN_STR_ARG(ident.name));
    struct tarn_report *r = &d->op->report;
    struct tarn_str message =
        tarn_sprintf(d->op, "%.*s.%.*s: %s%s%s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name),
                     r->message, r->detail[0] ? ": " : "", r->detail);
    if (!message.ptr)
        return TARN_NOMEM;
    tarn_clear(d->op);
    return tarn__find(d, TARN__LEVEL_FAIL, "table",
                      "restore its files from a backup of the warehouse", "%s", message.ptr);
}

static enum tarn_status tell_moved(struct tables *t)
{
    struct tarn__doctor *d = t->d;
    struct tarn_str mend;
    if (t->moved > 0) {
        mend = tarn_sprintf(d->op,
                            "move the warehouse back, or let the old path lead here: mkdir -p "
                            "\"$(dirname '%.*s')\" && ln -s "
                            "'%.*s' '%.*s'",
                            TARN_STR_ARG(t->old_root), TARN_STR_ARG(d->warehouse),
                            TARN_STR_ARG(t->old_root));
        if (!mend.ptr)
            return TARN_NOMEM;
        TARN_TRY(tarn__find_mend(
            d, TARN__LEVEL_FAIL, "moved", mend,
            "the warehouse was moved: %s at \"%.*s\" %s here, and Iceberg's locations are absolute",
            tarn__cli_plural(d->op, (int64_t)t->moved, "table").ptr, TARN_STR_ARG(t->old_root),
            t->moved == 1 ? "lies" : "lie"));
    }
    if (t->copied > 0)
        TARN_TRY(tarn__find(
            d, TARN__LEVEL_FAIL, "copied",
            "use the warehouse at the old place, or make a new one and run again",
            "this warehouse is a copy: %s of its catalog %s read and written at \"%.*s\"",
            tarn__cli_plural(d->op, (int64_t)t->copied, "table").ptr, t->copied == 1 ? "is" : "are",
            TARN_STR_ARG(t->old_root)));
    if (t->outside > 0)
        TARN_TRY(tarn__find(
            d, TARN__LEVEL_WARN, "outside",
            "nothing, if that is on purpose: a backup of the warehouse does not hold them",
            "%s %s outside of the warehouse, such as \"%.*s\"",
            tarn__cli_plural(d->op, (int64_t)t->outside, "table").ptr,
            t->outside == 1 ? "lies" : "lie", TARN_STR_ARG(t->outside_example)));
    return TARN_OK;
}

static enum tarn_status tell_tables(struct tables *t)
{
    struct tarn__doctor *d = t->d;
    TARN_TRY(tell_moved(t));
    if (t->bad > TABLES_NAMED_MAX)
        TARN_TRY(tarn__find(d, TARN__LEVEL_FAIL, "table", NULL, "%zu more tables have such faults",
                            t->bad - TABLES_NAMED_MAX));
    if (t->future > 0)
        TARN_TRY(tarn__find(d, TARN__LEVEL_WARN, "clock",
                            "set the clock, and let NTP keep it: new commits must not look older",
                            "%s committed in this machine's future, such as %.*s",
                            t->future == 1 ? "a table was" : "tables were",
                            TARN_STR_ARG(t->future_example)));
    if (t->bad + t->moved + t->copied > 0)
        return TARN_OK;
    return tarn__find(d, TARN__LEVEL_OK, "tables", NULL, "%s, %s%s: all there",
                      tarn__cli_plural(d->op, (int64_t)t->count, "table").ptr,
                      t->cut ? "the first " : "",
                      tarn__cli_plural(d->op, (int64_t)t->files, "file").ptr);
}

static enum tarn_status check_tables(struct tarn__doctor *d, struct tarn_catalog *catalog,
                                     struct tarn_storage *storage)
{
    struct tarn_idents all;
    char resolved[PATH_MAX];
    struct tables t = {
        .d = d, .lake = {.storage = storage, .catalog = catalog}, .resolved = d->warehouse};
    if (realpath(d->warehouse.ptr, resolved))
        t.resolved = tarn_str_view(resolved);
    if (tarn_catalog_list_tables(catalog, d->op, (struct tarn_str){NULL, 0}, &all) != TARN_OK)
        return tarn__find_report(d, TARN__LEVEL_FAIL, "catalog");
    TARN_TRY(tarn__find(d, TARN__LEVEL_OK, "catalog", NULL, "%.*s: named \"%.*s\", %s",
                        TARN_STR_ARG(d->catalog.path), TARN_STR_ARG(catalog->catalog_name),
                        tarn__cli_plural(d->op, (int64_t)all.count, "table").ptr));
    for (size_t i = 0; i < all.count; i++)
        TARN_TRY(check_table(&t, all.items[i]));
    return all.count > 0 ? tell_tables(&t) : TARN_OK;
}

static enum tarn_status check_catalog(struct tarn__doctor *d)
{
    struct tarn_catalog *catalog = NULL;
    struct tarn_storage *storage = NULL;
    enum tarn_status status = tarn_catalog_sqlite_open(d->op, d->catalog, &catalog);
    if (status == TARN_NOT_FOUND && d->project) {
        tarn_clear(d->op);
        return tarn__find(d, TARN__LEVEL_OK, "catalog", NULL,
                          "%.*s is not there yet: the first run makes it",
                          TARN_STR_ARG(d->catalog.path));
    }
    if (status == TARN_OK)
        status = tarn_storage_fs_open(d->op, &storage);
    if (status == TARN_OK)
        status = check_tables(d, catalog, storage);
    else
        status = tarn__find_report(d, TARN__LEVEL_FAIL, "catalog");
    tarn_catalog_close(catalog);
    tarn_storage_close(storage);
    return status;
}

enum tarn_status tarn__doctor_store(struct tarn__doctor *d)
{
    if (!d->warehouse.ptr)
        return TARN_OK;
    struct tarn_str there = nearest(d->op, d->warehouse);
    if (!there.ptr)
        return TARN_NOMEM;
    TARN_TRY(check_folder(d, there));
    TARN_TRY(check_space(d, there));
    TARN_TRY(check_mount(d, there));
    return check_catalog(d);
}
