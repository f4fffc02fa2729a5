/* Local disk alone: the order of its system calls, system calls that fail, and what else lies about
 * in folders.
 *
 * This program's fsync, write, rename and renameat2 stand before the C library's: they note what
 * was called and fail when told to.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io_fixture.h"

/* ---- system calls */

static struct {
    bool on;
    char text[4096]; /* "fsync a/b; rename a/b/x; ", names below the fixture's folder */
    const char *folder;
} calls;
static struct {
    int fsync_file, fsync_folder, write, rename_absent; /* an errno to fail with; 0 = none */
    int write_after;                                    /* this many bytes still pass */
    bool trickle; /* write a byte or two at a time, interrupted now and then */
    bool kill;    /* in place of the failing write */
} fail;

static void note(const char *call, const char *path)
{
    size_t n = strlen(calls.text), skip = strlen(calls.folder);
    if (strncmp(path, calls.folder, skip) == 0)
        path += path[skip] == '/' ? skip + 1 : skip;
    else
        path = "above";
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    if (strncmp(base, ".tarn-tmp-", 10) == 0)
        path = "temp";
    if (strcmp(path, "above") != 0)
        (void)snprintf(calls.text + n, sizeof calls.text - n, "%s %s; ", call, path);
}

int fsync(int fd)
{
    struct stat st;
    if (calls.on) {
        char link[64], path[512];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof path - 1);
        path[n > 0 ? n : 0] = '\0';
        note("fsync", path);
    }
    if ((fail.fsync_file || fail.fsync_folder) && fstat(fd, &st) == 0) {
        errno = S_ISDIR(st.st_mode) ? fail.fsync_folder : fail.fsync_file;
        if (errno)
            return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

ssize_t write(int fd, const void *p, size_t n)
{
    static int turn;
    if (fail.kill && fail.write_after <= 0)
        (void)kill(getpid(), SIGKILL);
    if (fail.write && fail.write_after <= 0) {
        errno = fail.write;
        return -1;
    }
    if (fail.trickle && ++turn % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (fail.trickle || fail.write || fail.kill)
        n = n > 2 ? 2 : n;
    fail.write_after -= (int)n;
    return syscall(SYS_write, fd, p, n);
}

int rename(const char *from, const char *to)
{
    if (calls.on)
        note("rename", to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (calls.on)
        note("renameat2", to);
    if (fail.rename_absent) {
        errno = fail.rename_absent;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

static void watch(struct fixture *f)
{
    calls.folder = f->folder;
    calls.text[0] = '\0';
    calls.on = true;
}

static int setup(void **state)
{
    struct fixture *f = fixture_new();
    assert_ok(f, tarn_storage_fs_open(&f->op, &f->s));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    memset(&fail, 0, sizeof fail);
    calls.on = false;
    fixture_free(*state);
    return 0;
}

static bool tells_birth(struct fixture *f)
{
    struct statx st;
    return statx(AT_FDCWD, f->folder, 0, STATX_BTIME, &st) == 0 && (st.stx_mask & STATX_BTIME);
}

/* ---- durability */

static void put_syncs_file_then_names(void **state)
{
    struct fixture *f = *state;
    watch(f);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/x"), TARN_STR("1")));
    assert_string_equal(
        calls.text, "fsync temp; rename wh/a/b/x; fsync wh/a/b; fsync wh/a; fsync wh; fsync ; ");
    watch(f);
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "a/c/z"), TARN_STR("1")));
    assert_string_equal(
        calls.text, "fsync temp; renameat2 wh/a/c/z; fsync wh/a/c; fsync wh/a; fsync wh; fsync ; ");
}

static void known_folders_are_not_climbed_again(void **state)
{
    struct fixture *f = *state;
    if (!tells_birth(f))
        skip();
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/x"), TARN_STR("1")));
    (void)usleep(150000); /* until the folders are old enough to be remembered */
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/x"), TARN_STR("1")));
    watch(f);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/y"), TARN_STR("1")));
    assert_string_equal(calls.text, "fsync temp; rename wh/a/b/y; fsync wh/a/b; ");
    watch(f);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/c/z"), TARN_STR("1")));
    assert_string_equal(calls.text, "fsync temp; rename wh/a/c/z; fsync wh/a/c; fsync wh/a; ");
}

static void finish_syncs_file_and_folders(void **state)
{
    struct fixture *f = *state;
    uint64_t size = 0;
    assert_int_equal(mkdir(file(f, "wh"), 0777), 0);
    assert_int_equal(mkdir(file(f, "wh/data"), 0777), 0);
    scribble(f, "wh/data/part.parquet", "columns");
    watch(f);
    assert_ok(f, tarn_storage_finish(f->s, &f->op, at(f, "data/part.parquet"), &size));
    assert_int_equal(size, 7);
    assert_string_equal(calls.text,
                        "fsync wh/data/part.parquet; fsync wh/data; fsync wh; fsync ; ");
}

static void a_folder_made_again_is_synced_again(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "a/b/x")));
    assert_int_equal(rmdir(file(f, "wh/a/b")), 0);
    assert_int_equal(rmdir(file(f, "wh/a")), 0);
    watch(f);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "a/b/x"), TARN_STR("1")));
    assert_non_null(strstr(calls.text, "fsync wh/a/b; fsync wh/a; fsync wh; "));
}

/* ---- system calls that fail */

static void assert_nothing_left(struct fixture *f, const char *rel)
{
    struct tarn_object o;
    memset(&fail, 0, sizeof fail);
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, rel), &o), TARN_NOT_FOUND);
    assert_int_equal(count_entries(f, ".tarn-tmp-"), 0);
}

static void a_failed_sync_makes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t size;
    fail.fsync_file = EIO;
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "d/x"), TARN_STR("1")), TARN_IO);
    assert_nothing_left(f, "d/x");
    fail.fsync_file = EIO;
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "d/x"), TARN_STR("1")), TARN_IO);
    assert_nothing_left(f, "d/x");
    scribble(f, "wh/d/x", "1");
    fail.fsync_file = EIO;
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "d/x"), &size), TARN_IO);
}

static void a_failed_sync_of_the_folder_is_told(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    uint64_t size;
    fail.fsync_folder = EIO;
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")), TARN_IO);
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "y"), TARN_STR("2")),
                  TARN_UNKNOWN);
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "y"), &size), TARN_IO);
    fail.fsync_folder = EINVAL; /* a file system that cannot sync folders */
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("3")));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "y"), &bytes));
    assert_str(bytes, "2");
}

static void short_and_interrupted_writes_go_on(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    fail.trickle = true;
    assert_ok(f,
              tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("written a little at a time")));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
    assert_str(bytes, "written a little at a time");
}

static void a_full_disk_makes_nothing(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    static const int errors[] = {ENOSPC, EDQUOT, EIO};
    static const enum tarn_status statuses[] = {TARN_DISK_FULL, TARN_DISK_FULL, TARN_IO};
    for (int i = 0; i < 3; i++)
        for (int after = 0; after < 8; after += 4) {
            fail.write = errors[i];
            fail.write_after = after;
            assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "d/x"), TARN_STR("12345678")),
                          statuses[i]);
            assert_nothing_left(f, "d/x");
        }
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "d/x"), TARN_STR("old")));
    fail.write = ENOSPC;
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "d/x"), TARN_STR("new")), TARN_DISK_FULL);
    fail.write = 0;
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "d/x"), &bytes));
    assert_str(bytes, "old");
}

static void put_absent_can_do_without_renameat2(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    struct stat st;
    fail.rename_absent = EINVAL;
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "x"), TARN_STR("1")));
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "x"), TARN_STR("2")), TARN_EXISTS);
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
    assert_str(bytes, "1");
    assert_int_equal(stat(file(f, "wh/x"), &st), 0);
    assert_int_equal(st.st_nlink, 1);
    fail.rename_absent = EIO;
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "y"), TARN_STR("2")),
                  TARN_UNKNOWN);
    fail.rename_absent = EACCES;
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "y"), TARN_STR("2")), TARN_DENIED);
    assert_nothing_left(f, "y");
}

static void a_kill_while_writing_shows_nothing(void **state)
{
    struct fixture *f = *state;
    struct tarn_listing l;
    int status;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "d/old"), TARN_STR("old")));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fail.kill = true;
        fail.write_after = 4;
        _exit(tarn_storage_put(f->s, &f->op, at(f, "d/old"), TARN_STR("12345678")) == TARN_OK);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(count_entries(f, ".tarn-tmp-"), 1); /* litter, which no list shows */
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, ""), &l));
    assert_int_equal(l.count, 1);
    assert_int_equal(l.objects[0].size_bytes, 3);
}

/* ---- permissions */

static int as_nobody(struct fixture *f, enum tarn_status (*fn)(struct fixture *))
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit((int)fn(f));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static enum tarn_status read_secret(struct fixture *f)
{
    struct tarn_str bytes;
    return tarn_storage_read(f->s, &f->op, at(f, "secret/x"), &bytes);
}

static enum tarn_status put_secret(struct fixture *f)
{
    return tarn_storage_put(f->s, &f->op, at(f, "secret/y"), TARN_STR("1"));
}

static enum tarn_status make_beside(struct fixture *f)
{
    return tarn_storage_put(f->s, &f->op, at(f, "new/folder/y"), TARN_STR("1"));
}

static enum tarn_status list_all(struct fixture *f)
{
    struct tarn_listing l;
    return tarn_storage_list(f->s, &f->op, at(f, ""), &l);
}

static enum tarn_status put_open(struct fixture *f)
{
    return tarn_storage_put(f->s, &f->op, at(f, "open/y"), TARN_STR("1"));
}

static void permissions_are_told(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "secret/x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "open/x"), TARN_STR("1")));
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(chmod(file(f, "wh"), 0755), 0);
    assert_int_equal(chmod(file(f, "wh/open"), 0777), 0);
    assert_int_equal(as_nobody(f, list_all), TARN_OK);
    assert_int_equal(chmod(file(f, "wh/secret"), 0700), 0);
    assert_int_equal(as_nobody(f, read_secret), TARN_DENIED);
    assert_int_equal(as_nobody(f, put_secret), TARN_DENIED);
    assert_int_equal(as_nobody(f, make_beside), TARN_DENIED);
    assert_int_equal(as_nobody(f, list_all), TARN_DENIED); /* never a list with holes */
    assert_int_equal(chmod(file(f, "wh/secret"), 0744), 0);
    assert_int_equal(as_nobody(f, list_all), TARN_DENIED); /* names, but no sizes */
    assert_int_equal(chmod(file(f, "wh"), 0711), 0);
    assert_int_equal(as_nobody(f, put_open), TARN_OK); /* a folder above that cannot be opened */
}

/* ---- what lies about */

static void odd_files_are_no_objects(void **state)
{
    struct fixture *f = *state;
    struct tarn_listing l;
    struct tarn_str bytes;
    struct tarn_object o;
    uint64_t size;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "t/x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "elsewhere/y"), TARN_STR("22")));
    assert_int_equal(mkfifo(file(f, "wh/t/pipe"), 0666), 0);
    assert_int_equal(symlink("nowhere", file(f, "wh/t/dangling")), 0);
    assert_int_equal(symlink("loop", file(f, "wh/t/loop")), 0);
    assert_int_equal(symlink("../elsewhere", file(f, "wh/t/folder")), 0);
    assert_int_equal(symlink("../elsewhere/y", file(f, "wh/t/link")), 0);
    assert_int_equal(symlink("t", file(f, "wh/alias")), 0);
    scribble(f, "wh/t/.tarn-tmp-0123456789abcdef", "unfinished");
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, "t"), &l));
    assert_int_equal(l.count, 2);
    assert_true(tarn_str_eq(l.objects[0].path, at(f, "t/link")));
    assert_int_equal(l.objects[0].size_bytes, 2);
    assert_true(tarn_str_eq(l.objects[1].path, at(f, "t/x")));
    assert_ok(
        f, tarn_storage_list(f->s, &f->op, at(f, "alias"), &l)); /* the root itself may be a link */
    assert_int_equal(l.count, 2);
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "t/pipe"), &bytes), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "t/pipe"), &o), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "t/pipe"), &size), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "t/dangling"), &bytes), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "t/x/below"), &bytes), TARN_NOT_FOUND);
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "t/link")));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "elsewhere/y"), &o));
}

static void too_much_is_a_limit(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    char four[4];
    scribble(f, "big", "");
    assert_int_equal(truncate(file(f, "big"), ((off_t)1 << 30) + 1), 0);
    struct tarn_str path = tarn_str_view(file(f, "big"));
    assert_status(f, tarn_storage_read(f->s, &f->op, path, &bytes), TARN_LIMIT);
    assert_ok(f,
              tarn_storage_read_range(f->s, &f->op, path, (uint64_t)1 << 30, UINT64_MAX, &bytes));
    assert_int_equal(bytes.len, 1);
    assert_ok(f, tarn_storage_read_into(f->s, &f->op, path, 1000, four, 4));
}

/* ---- names */

static void uris_name_files(void **state)
{
    struct fixture *f = *state;
    static const char *const forms[] = {"%s/wh/p%%20q/x", "file:%s/wh/p%%20q/x",
                                        "file://%s/wh/p%%20q/x", "FILE://%s/wh//p%%20q///x",
                                        "file://localhost%s/wh/p%%20q/x"};
    struct tarn_str bytes;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "p%20q/x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "p q/x"), TARN_STR("other")));
    for (size_t i = 0; i < 5; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, forms[i], f->folder);
        assert_ok(f, tarn_storage_read(f->s, &f->op, tarn_str_view(path), &bytes));
        assert_str(bytes, "1"); /* '%' is a '%': nothing is decoded */
    }
}

static void names_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    char name[5000];
    memset(name, 'a', sizeof name);
    name[0] = '/';
    assert_status(f, tarn_storage_put(f->s, &f->op, tarn_str_of(name, sizeof name), TARN_STR("1")),
                  TARN_INVALID);
    assert_status(f, tarn_storage_put(f->s, &f->op, tarn_str_of("/tmp/a\0b", 8), TARN_STR("1")),
                  TARN_INVALID);
    assert_status(f, tarn_storage_put(f->s, &f->op, TARN_STR("/"), TARN_STR("1")), TARN_INVALID);
    assert_status(f, tarn_storage_put(f->s, &f->op, TARN_STR("file:"), TARN_STR("1")),
                  TARN_INVALID);
    assert_status(f, tarn_storage_put(f->s, &f->op, TARN_STR("file://"), TARN_STR("1")),
                  TARN_INVALID);
    name[300] = '\0'; /* longer than a file system takes */
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, name), TARN_STR("1")), TARN_INVALID);
    assert_nothing_left(f, "x");
}

static void path_helpers(void **state)
{
    struct fixture *f = *state;
    struct tarn_op *op = &f->op;
    assert_str(tarn_path_join(op, TARN_STR("a"), TARN_STR("b")), "a/b");
    assert_str(tarn_path_join(op, TARN_STR("a//"), TARN_STR("//b/")), "a/b/");
    assert_str(tarn_path_join(op, TARN_STR("file:///w"), TARN_STR("t/x")), "file:///w/t/x");
    assert_str(tarn_path_join(op, TARN_STR("/"), TARN_STR("b")), "/b");
    assert_str(tarn_path_join(op, TARN_STR("a"), TARN_STR("")), "a/");
    assert_str(tarn_path_base(TARN_STR("/a/b.avro")), "b.avro");
    assert_str(tarn_path_base(TARN_STR("b.avro")), "b.avro");
    assert_str(tarn_path_base(TARN_STR("a/")), "");
    assert_str(tarn_path_base(TARN_STR("")), "");
    assert_str(tarn_path_encode(op, TARN_STR("a-Z_0.~")), "a-Z_0.~");
    assert_str(tarn_path_encode(op, TARN_STR("a b/%\xc3\xa9")), "a%20b%2F%25%C3%A9");
    assert_str(tarn_path_encode(op, TARN_STR("")), "");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(put_syncs_file_then_names),
        TEST(known_folders_are_not_climbed_again),
        TEST(finish_syncs_file_and_folders),
        TEST(a_folder_made_again_is_synced_again),
        TEST(a_failed_sync_makes_nothing),
        TEST(a_failed_sync_of_the_folder_is_told),
        TEST(short_and_interrupted_writes_go_on),
        TEST(a_full_disk_makes_nothing),
        TEST(put_absent_can_do_without_renameat2),
        TEST(a_kill_while_writing_shows_nothing),
        TEST(permissions_are_told),
        TEST(odd_files_are_no_objects),
        TEST(too_much_is_a_limit),
        TEST(uris_name_files),
        TEST(names_that_cannot_be),
        TEST(path_helpers),
    };
    return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
