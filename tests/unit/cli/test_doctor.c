/* test_doctor: what the system's own texts say about mounts and locks; where a warehouse was. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor_int.h"

static const char mounts[] =
    "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "22 21 0:20 / /proc rw,nosuid - proc proc rw\n"
    "30 21 0:40 / /srv/lake ro,relatime shared:9 master:1 - nfs4 host:/x rw\n"
    "31 21 0:41 / /srv/my\\040lake rw - fuse.sshfs host:/y rw\n"
    "32 21 0:42 / /tmp rw - tmpfs tmpfs rw\n"
    "33 21 8:2 / /tmp rw - xfs /dev/sdb rw\n"
    "broken line\n"
    "34 21 8:3 / /only/five";

static void mount_kinds(void **state)
{
    static const struct {
        const char *path, *kind, *point;
        bool read_only, network;
    } rows[] = {
        {"/home/a", "ext4", "/", false, false},
        {"/srv/lake", "nfs4", "/srv/lake", true, true},
        {"/srv/lake/w", "nfs4", "/srv/lake", true, true},
        {"/srv/lakeside", "ext4", "/", false, false}, /* no folder of that mount */
        {"/srv/my lake/w", "fuse.sshfs", "/srv/my lake", false, true},
        {"/tmp/x", "xfs", "/tmp", false, false}, /* the later mount */
        {"/only/five/x", "ext4", "/", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tarn__mount m;
        assert_int_equal(
            tarn__mount_of(*state, tarn_str_view(mounts), tarn_str_view(rows[i].path), &m),
            TARN_OK);
        assert_str(m.kind, rows[i].kind);
        assert_str(m.point, rows[i].point);
        assert_int_equal(m.read_only, rows[i].read_only);
        assert_int_equal(tarn__mount_is_network(m.kind), rows[i].network);
    }
    struct tarn__mount none;
    assert_int_equal(tarn__mount_of(*state, TARN_STR(""), TARN_STR("/a"), &none), TARN_OK);
    assert_null(none.kind.ptr);
    assert_false(tarn__mount_is_network(TARN_STR("fuseblk"))); /* NTFS on a local disk */
}

static void locks(void **state)
{
    static const char text[] = "1: POSIX  ADVISORY  WRITE 10 08:01:77 0 EOF\n"
                               "2: FLOCK  ADVISORY  WRITE 4711 08:01:77 0 EOF\n"
                               "2: -> FLOCK  ADVISORY  WRITE 4712 08:01:77 0 EOF\n"
                               "3: FLOCK  ADVISORY  WRITE 4713 00:2f:99 0 EOF\n"
                               "nonsense\n";
    struct tarn_str s = tarn_str_view(text);
    (void)state;
    assert_int_equal(tarn__lock_holder(s, (struct tarn__lock_file){77, 8, 1, 0}), 4711);
    assert_int_equal(tarn__lock_holder(s, (struct tarn__lock_file){78, 8, 1, 0}), 0);
    /* another device than stat shows: only the process that the lock names */
    assert_int_equal(tarn__lock_holder(s, (struct tarn__lock_file){99, 0, 5, 4713}), 4713);
    assert_int_equal(tarn__lock_holder(s, (struct tarn__lock_file){99, 0, 5, 1}), 0);
    assert_int_equal(tarn__lock_holder(TARN_STR(""), (struct tarn__lock_file){77, 8, 1, 0}), 0);
}

static void moved(void **state)
{
    char root[] = "/tmp/tarn-doctor-XXXXXX", path[128];
    assert_non_null(mkdtemp(root));
    (void)snprintf(path, sizeof path, "%s/raw", root);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/raw/m.json", root);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fclose(f), 0);
    struct tarn_str here = tarn_str_view(root);
    assert_str(tarn__moved_from(*state, TARN_STR("/old/w/raw/m.json"), here), "/old/w");
    assert_str(tarn__moved_from(*state, TARN_STR("file:///old/w/raw/m.json"), here), "/old/w");
    assert_null(tarn__moved_from(*state, TARN_STR("/old/w/raw/n.json"), here).ptr);
    assert_null(tarn__moved_from(*state, TARN_STR(""), here).ptr);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof path, "%s/raw", root);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(root), 0);
}

static void versions(void **state)
{
    (void)state;
    assert_true(tarn__engine_is_tested("DuckDB v1.5.5"));
    assert_true(tarn__engine_is_tested("DuckDB v1.5.12"));
    assert_false(tarn__engine_is_tested("DuckDB v1.6.0"));
    assert_false(tarn__engine_is_tested("DuckDB v1.50.0"));
    assert_false(tarn__engine_is_tested("DuckDB v2.5.5"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(mount_kinds), T(locks), T(moved), T(versions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
