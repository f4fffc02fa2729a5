/* The SQLite catalog alone: its file as others make and read it, several processes, kills, and
 * files that fail. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "catalog/sql/sqlite_int.h"
#include "catalog_fixture.h"

static long file_system; /* stands in for the real one's type; 0 = the real one */

/* Before the C library's, for this program. */
int statfs(const char *path, struct statfs *out)
{
    int rc = (int)syscall(SYS_statfs, path, out);
    if (rc == 0 && file_system)
        out->f_type = (__typeof__(out->f_type))file_system;
    return rc;
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void make_folder(struct fixture *f)
{
    char folder[sizeof f->folder + 8];
    (void)snprintf(folder, sizeof folder, "%s/wh", f->folder);
    assert_int_equal(mkdir(folder, 0777), 0);
}

/* ---- layout */

static void a_new_file_has_pyicebergs_layout(void **state)
{
    struct fixture *f = *state;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    assert_ok(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"));
    tarn_catalog_close(f->c);
    f->c = NULL;
    assert_string_equal(
        ask_sql(f,
                "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || pk, ', ') FROM "
                "pragma_table_info('iceberg_tables')"),
        "catalog_name VARCHAR(255) 11, table_namespace VARCHAR(255) 12, table_name VARCHAR(255) "
        "13, "
        "metadata_location VARCHAR(1000) 00, previous_metadata_location VARCHAR(1000) 00, "
        "iceberg_type VARCHAR(5) 00");
    assert_string_equal(
        ask_sql(f,
                "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || pk, ', ') FROM "
                "pragma_table_info('iceberg_namespace_properties')"),
        "catalog_name VARCHAR(255) 11, namespace VARCHAR(255) 12, property_key VARCHAR(255) 13, "
        "property_value VARCHAR(1000) 10");
    assert_string_equal(
        ask_sql(f, "SELECT catalog_name || '|' || table_namespace || '|' || table_name || "
                   "'|' || metadata_location || '|' || previous_metadata_location || '|' "
                   "|| iceberg_type FROM iceberg_tables"),
        "iceberg|raw|t|m2|m1|TABLE");
    assert_string_equal(
        ask_sql(f, "SELECT catalog_name || '|' || namespace || '|' || property_key || '|' "
                   "|| property_value FROM iceberg_namespace_properties"),
        "iceberg|raw|exists|true");
    assert_string_equal(ask_sql(f, "PRAGMA journal_mode"), "wal");
    assert_string_equal(ask_sql(f, "PRAGMA integrity_check"), "ok");
}

static void closing_leaves_one_file(void **state)
{
    struct fixture *f = *state;
    char wal[sizeof f->path + 8];
    (void)snprintf(wal, sizeof wal, "%s-wal", f->path);
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_int_equal(access(wal, F_OK), 0);
    tarn_catalog_close(f->c);
    f->c = NULL;
    assert_int_equal(access(wal, F_OK), -1);
}

static void a_v0_file_stays_v0_until_others_alter_it(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    make_folder(f);
    run_sql(f->path, v0_schema);
    run_sql(f->path, "INSERT INTO iceberg_tables VALUES ('jdbc', 'raw', 'old', 'm1', NULL)");
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    assert_str(f->c->catalog_name, "jdbc");
    assert_location(f, ident("raw", "old"), "m1");
    assert_ok(f, swap(f, f->c, ident("raw", "old"), "m1", "m2"));
    assert_ok(f, swap(f, f->c, ident("raw", "new"), NULL, "n1"));
    assert_string_equal(ask_sql(f, "SELECT count(*) FROM pragma_table_info('iceberg_tables')"),
                        "5");
    /* Java with jdbc.schema-version=V1 does this while we have the file open */
    run_sql(f->path, "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5);"
                     "INSERT INTO iceberg_tables VALUES ('jdbc', 'raw', 'v', 'v1', NULL, 'VIEW')");
    assert_location(f, ident("raw", "old"), "m2");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("raw", "v"), &got), TARN_NOT_FOUND);
    assert_ok(f, swap(f, f->c, ident("raw", "newer"), NULL, "n1"));
    assert_string_equal(
        ask_sql(f, "SELECT iceberg_type FROM iceberg_tables WHERE table_name = 'newer'"), "TABLE");
    assert_string_equal(
        ask_sql(f, "SELECT iceberg_type FROM iceberg_tables WHERE table_name = 'old'"), "");
}

/* As Java's JdbcCatalog writes and reads them. */
static void views_have_javas_rows(void **state)
{
    struct fixture *f = *state;
    struct tarn_swap made = {ident("raw", "v"), {NULL, 0}, TARN_STR("v1")};
    struct tarn_swap moved = {ident("raw", "v"), TARN_STR("v1"), TARN_STR("v2")};
    struct tarn_str got;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, tarn_catalog_commit_view(f->c, &f->op, &made));
    assert_ok(f, tarn_catalog_commit_view(f->c, &f->op, &moved));
    assert_string_equal(
        ask_sql(f, "SELECT catalog_name || '|' || table_namespace || '|' || table_name || "
                   "'|' || metadata_location || '|' || previous_metadata_location || '|' "
                   "|| iceberg_type FROM iceberg_tables"),
        "iceberg|raw|v|v2|v1|VIEW");
    run_sql(f->path,
            "INSERT INTO iceberg_tables VALUES ('iceberg', 'raw', 'java', 'j1', NULL, 'VIEW')");
    assert_ok(f, tarn_catalog_load_view(f->c, &f->op, ident("raw", "java"), &got));
    assert_str(got, "j1");
}

static void a_v0_file_holds_no_views(void **state)
{
    struct fixture *f = *state;
    struct tarn_swap made = {ident("raw", "v"), {NULL, 0}, TARN_STR("v1")};
    struct tarn_swap old = {ident("raw", "old"), TARN_STR("m1"), TARN_STR("v1")};
    struct tarn_idents views;
    struct tarn_str got;
    make_folder(f);
    run_sql(f->path, v0_schema);
    run_sql(f->path, "INSERT INTO iceberg_tables VALUES ('jdbc', 'raw', 'old', 'm1', NULL)");
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    assert_status(f, tarn_catalog_commit_view(f->c, &f->op, &made), TARN_UNSUPPORTED);
    assert_contains(f->op.report.hint, "iceberg_type");
    assert_status(f, tarn_catalog_commit_view(f->c, &f->op, &old), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_load_view(f->c, &f->op, old.ident, &got), TARN_NOT_FOUND);
    tarn_clear(&f->op);
    assert_ok(f, tarn_catalog_list_views(f->c, &f->op, TARN_STR("raw"), &views));
    assert_int_equal(views.count, 0);
    run_sql(f->path, "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)");
    assert_ok(f, tarn_catalog_commit_view(f->c, &f->op, &made));
    assert_location(f, old.ident, "m1");
}

static void views_are_no_tables(void **state)
{
    struct fixture *f = *state;
    struct tarn_idents tables;
    struct tarn_str got;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    run_sql(f->path,
            "INSERT INTO iceberg_tables VALUES ('iceberg', 'seen', 'v', 'v1', NULL, 'VIEW')");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("seen", "v"), &got), TARN_NOT_FOUND);
    assert_status(f, swap(f, f->c, ident("seen", "v"), "v1", "v2"), TARN_NOT_FOUND);
    assert_status(f, swap(f, f->c, ident("seen", "v"), "v1", NULL), TARN_NOT_FOUND);
    assert_status(f, swap(f, f->c, ident("seen", "v"), NULL, "m1"), TARN_EXISTS);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("raw", "t"), ident("seen", "v")),
                  TARN_EXISTS);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("seen", "v"), ident("raw", "x")),
                  TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("seen")), TARN_NOT_EMPTY);
    assert_ok(f, tarn_catalog_list_tables(f->c, &f->op, (struct tarn_str){NULL, 0}, &tables));
    assert_int_equal(tables.count, 1);
    assert_string_equal(
        ask_sql(f, "SELECT metadata_location FROM iceberg_tables WHERE table_name = 'v'"), "v1");
}

static void a_row_without_location_is_corrupt(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    run_sql(f->path, "INSERT INTO iceberg_tables VALUES ('iceberg', 'raw', 't', NULL, NULL, NULL)");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("raw", "t"), &got), TARN_CORRUPT);
    assert_contains(f->op.report.message, "raw.t");
}

/* ---- opening */

static void the_only_name_is_taken_and_several_must_be_chosen_from(void **state)
{
    struct fixture *f = *state;
    struct tarn_catalog *c;
    assert_ok(f, open_sqlite(f, "one", &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    assert_ok(f, open_sqlite(f, NULL, &c));
    assert_str(c->catalog_name, "one");
    tarn_catalog_close(c);
    run_sql(f->path,
            "INSERT INTO iceberg_namespace_properties VALUES ('two', 'n', 'exists', 'true')");
    assert_status(f, open_sqlite(f, NULL, &c), TARN_CONFIG);
    assert_contains(f->op.report.detail, "one, two");
    assert_contains(f->op.report.message, f->path);
    assert_ok(f, open_sqlite(f, "two", &c));
    struct tarn_str got;
    assert_status(f, tarn_catalog_load(c, &f->op, ident("raw", "t"), &got), TARN_NOT_FOUND);
    tarn_catalog_close(c);
}

static void without_create_the_file_must_be_there(void **state)
{
    struct fixture *f = *state;
    struct tarn_catalog_sqlite_options options = {.path = tarn_str_view(f->path)};
    assert_status(f, tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_NOT_FOUND);
    assert_contains(f->op.report.message, f->path);
    assert_int_equal(access(f->path, F_OK), -1);
    make_folder(f);
    run_sql(f->path, "CREATE TABLE something_else(x)");
    assert_status(f, tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_NOT_FOUND);
    options.create = true;
    assert_ok(f, tarn_catalog_sqlite_open(&f->op, options, &f->c));
    tarn_catalog_close(f->c);
    options.create = false;
    assert_ok(f, tarn_catalog_sqlite_open(&f->op, options, &f->c));
}

static void paths_that_cannot_be(void **state)
{
    struct fixture *f = *state;
    struct tarn_catalog_sqlite_options options = {.create = true};
    static const struct tarn_str bad[] = {{"", 0}, {"/tmp/", 5}, {"/tmp/a\0b", 8}};
    for (size_t i = 0; i < 3; i++) {
        options.path = bad[i];
        assert_status(f, tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_CONFIG);
    }
    options.path = TARN_STR("/proc/version/catalog.db");
    assert_int_not_equal(tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_OK);
    options.path = tarn_str_view(f->folder); /* a folder */
    assert_int_not_equal(tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_OK);
    options = (struct tarn_catalog_sqlite_options){
        .path = tarn_str_view(f->path), .catalog_name = TARN_STR(""), .create = true};
    assert_status(f, tarn_catalog_sqlite_open(&f->op, options, &f->c), TARN_CONFIG);
}

static void network_file_systems_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        long type;
        const char *name;
    } refused[] = {{0x6969, "NFS"},
                   {0xff534d42, "CIFS"},
                   {0xfe534d42, "SMB2"},
                   {0x65735546, "FUSE"},
                   {0x01021997, "9P"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        file_system = refused[i].type;
        enum tarn_status status = open_sqlite(f, NULL, &f->c);
        file_system = 0;
        assert_int_equal(status, TARN_CONFIG);
        assert_contains(f->op.report.message, refused[i].name);
        assert_contains(f->op.report.hint, "local disk");
        assert_int_equal(access(f->path, F_OK), -1);
    }
    tarn_clear(&f->op);
    assert_ok(f, open_sqlite(f, NULL, &f->c));
}

static void special_names_are_files(void **state)
{
    struct fixture *f = *state;
    char cwd[512];
    struct tarn_catalog_sqlite_options options = {.path = TARN_STR(":memory:"), .create = true};
    assert_non_null(getcwd(cwd, sizeof cwd));
    assert_int_equal(chdir(f->folder), 0);
    enum tarn_status status = tarn_catalog_sqlite_open(&f->op, options, &f->c);
    bool there = access(":memory:", F_OK) == 0;
    assert_int_equal(chdir(cwd), 0);
    assert_ok(f, status);
    assert_true(there);
}

static void files_of_others_are_corrupt(void **state)
{
    struct fixture *f = *state;
    make_folder(f);
    FILE *out = fopen(f->path, "w");
    assert_non_null(out);
    for (int i = 0; i < 1000; i++)
        assert_true(fputs("this is no database, but it is long enough", out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_status(f, open_sqlite(f, NULL, &f->c), TARN_CORRUPT);
    assert_contains(f->op.report.message, f->path);
    assert_true(f->op.report.hint[0] != '\0');
    assert_int_equal(unlink(f->path), 0);
    run_sql(f->path, "CREATE TABLE iceberg_tables(catalog_name, something_else)");
    assert_status(f, open_sqlite(f, NULL, &f->c), TARN_CORRUPT);
    assert_contains(f->op.report.message, "iceberg_tables");
}

static void a_damaged_file_is_corrupt(void **state)
{
    struct fixture *f = *state;
    char name[32], zeros[8192] = {0};
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    for (int i = 0; i < 300; i++) {
        (void)snprintf(name, sizeof name, "table_%d", i);
        assert_ok(f, swap(f, f->c, ident("raw", name), NULL,
                          "file:/some/longer/location/of/metadata.json"));
    }
    tarn_catalog_close(f->c);
    f->c = NULL;
    FILE *out = fopen(f->path, "r+");
    assert_non_null(out);
    assert_int_equal(fseek(out, 4096 * 4, SEEK_SET), 0);
    memset(zeros, 0xa5, sizeof zeros);
    for (int i = 0; i < 4; i++)
        assert_int_equal(fwrite(zeros, sizeof zeros, 1, out), 1);
    assert_int_equal(fclose(out), 0);
    struct tarn_idents tables;
    enum tarn_status status = open_sqlite(f, "iceberg", &f->c);
    if (status == TARN_OK)
        status = tarn_catalog_list_tables(f->c, &f->op, (struct tarn_str){NULL, 0}, &tables);
    assert_int_equal(status, TARN_CORRUPT);
    assert_contains(f->op.report.message, f->path);
}

static void the_schema_may_vanish(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    run_sql(f->path, "DROP TABLE iceberg_tables");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("raw", "t"), &got), TARN_CORRUPT);
}

/* Returns what fn answers in a child process that is not the superuser; a status, or 99. */
static int as_nobody(struct fixture *f, int (*fn)(struct fixture *))
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(fn(f));
    }
    int wait_status;
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_true(WIFEXITED(wait_status));
    return WEXITSTATUS(wait_status);
}

static int open_and_write(struct fixture *f)
{
    struct tarn_catalog *c;
    struct tarn_str got;
    enum tarn_status status = open_sqlite(f, NULL, &c);
    if (status != TARN_OK)
        return (int)status;
    if (tarn_catalog_load(c, &f->op, ident("raw", "t"), &got) != TARN_OK || !tarn_str_is(got, "m1"))
        return 98;
    status = swap(f, c, ident("raw", "t"), "m1", "m2");
    tarn_catalog_close(c);
    return (int)status;
}

static void files_without_permission_are_denied(void **state)
{
    struct fixture *f = *state;
    char folder[sizeof f->folder + 8];
    (void)snprintf(folder, sizeof folder, "%s/wh", f->folder);
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    tarn_catalog_close(f->c);
    f->c = NULL;
    /* a file that may be read only, in a folder that may be written: reading works */
    assert_int_equal(chmod(f->folder, 0755), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0444), 0);
    assert_int_equal(as_nobody(f, open_and_write), TARN_DENIED);
    /* a folder in which SQLite cannot keep its log */
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(as_nobody(f, open_and_write), TARN_DENIED);
    assert_int_equal(chmod(f->path, 0000), 0);
    assert_int_equal(as_nobody(f, open_and_write), TARN_DENIED);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(f->path, 0666), 0);
}

/* ---- several at once */

/* Raises the number in table raw.n by one, `times` times, by compare-and-swap. */
static int increment(struct fixture *f, int times)
{
    struct tarn_catalog *c;
    if (open_sqlite(f, NULL, &c) != TARN_OK)
        return 1;
    for (int done = 0; done < times;) {
        struct tarn_str now;
        char next[32];
        int64_t n;
        if (tarn_catalog_load(c, &f->op, ident("raw", "n"), &now) != TARN_OK ||
            !tarn_str_to_i64(now, &n))
            return 2;
        (void)snprintf(next, sizeof next, "%lld", (long long)n + 1);
        struct tarn_swap s = {ident("raw", "n"), now, tarn_str_view(next)};
        enum tarn_status status = tarn_catalog_commit(c, &f->op, &s, 1);
        if (status == TARN_OK)
            done++;
        else if (status != TARN_CONFLICT)
            return 3;
        tarn_clear(&f->op);
    }
    tarn_catalog_close(c);
    return 0;
}

static void no_update_is_lost_between_processes(void **state)
{
    struct fixture *f = *state;
    enum { processes = 4, times = 25 };
    pid_t pids[processes];
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "n"), NULL, "0"));
    tarn_catalog_close(f->c);
    f->c = NULL;
    for (int i = 0; i < processes; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(increment(f, times));
    }
    for (int i = 0; i < processes; i++) {
        int wait_status;
        assert_int_equal(waitpid(pids[i], &wait_status, 0), pids[i]);
        assert_true(WIFEXITED(wait_status));
        assert_int_equal(WEXITSTATUS(wait_status), 0);
    }
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%d", processes * times);
    assert_location(f, ident("raw", "n"), expected);
}

static int open_and_name(struct fixture *f)
{
    struct tarn_catalog *c;
    char ns[32];
    (void)snprintf(ns, sizeof ns, "ns_%d", (int)getpid());
    enum tarn_status status = open_sqlite(f, "iceberg", &c);
    if (status == TARN_OK) {
        status = tarn_catalog_create_namespace(c, &f->op, tarn_str_view(ns),
                                               (struct tarn_properties){NULL, 0});
        tarn_catalog_close(c);
    }
    if (status != TARN_OK)
        (void)fprintf(stderr, "%s %s\n", f->op.report.message, f->op.report.detail);
    return (int)status;
}

static void several_processes_make_the_file_at_once(void **state)
{
    struct fixture *f = *state;
    enum { processes = 6 };
    pid_t pids[processes];
    for (int i = 0; i < processes; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0)
            _exit(open_and_name(f));
    }
    for (int i = 0; i < processes; i++) {
        int wait_status;
        assert_int_equal(waitpid(pids[i], &wait_status, 0), pids[i]);
        assert_true(WIFEXITED(wait_status));
        assert_int_equal(WEXITSTATUS(wait_status), TARN_OK);
    }
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    struct tarn_names names;
    assert_ok(f, tarn_catalog_list_namespaces(f->c, &f->op, &names));
    assert_int_equal(names.count, processes);
}

/* A commit of two tables, killed at its n-th write until it passes: after each kill both moved, or
 * none. */
static void a_kill_leaves_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    bool killed = true;
    int round = 0;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "a"), NULL, "0"));
    assert_ok(f, swap(f, f->c, ident("raw", "b"), NULL, "0"));
    for (; killed && round < 20; round++) {
        tarn_catalog_close(f->c); /* SQLite's handles must not be carried over a fork */
        f->c = NULL;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct tarn_catalog_sqlite_options options = {.path = tarn_str_view(f->path),
                                                          .kill_at = round + 1};
            struct tarn_swap swaps[] = {{ident("raw", "a"), TARN_STR("0"), TARN_STR("1")},
                                        {ident("raw", "b"), TARN_STR("0"), TARN_STR("1")}};
            struct tarn_catalog *c;
            if (tarn_catalog_sqlite_open(&f->op, options, &c) != TARN_OK)
                _exit(1);
            _exit(tarn_catalog_commit(c, &f->op, swaps, 2) != TARN_OK);
        }
        int wait_status;
        assert_int_equal(waitpid(pid, &wait_status, 0), pid);
        killed = WIFSIGNALED(wait_status);
        if (killed)
            assert_int_equal(WTERMSIG(wait_status), SIGKILL);
        else
            assert_int_equal(WEXITSTATUS(wait_status), 0);
        assert_ok(f, open_sqlite(f, NULL, &f->c));
        assert_location(f, ident("raw", "a"), killed ? "0" : "1");
        assert_location(f, ident("raw", "b"), killed ? "0" : "1");
    }
    assert_int_equal(round, 4); /* two updates, COMMIT, and the round that passed */
    assert_string_equal(ask_sql(f, "PRAGMA integrity_check"), "ok");
}

static void a_kill_while_the_file_is_made_does_no_harm(void **state)
{
    struct fixture *f = *state;
    for (int n = 1; n <= 4; n++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            struct tarn_catalog_sqlite_options options = {
                .path = tarn_str_view(f->path), .create = true, .kill_at = n};
            struct tarn_catalog *c;
            _exit(tarn_catalog_sqlite_open(&f->op, options, &c) != TARN_OK);
        }
        int wait_status;
        assert_int_equal(waitpid(pid, &wait_status, 0), pid);
        assert_int_equal(WIFSIGNALED(wait_status), n < 4);
    }
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
}

static void a_held_lock_is_told(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    sqlite3 *other;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    ((struct tarn__sqlite *)f->c)->busy_ms_max = 30;
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_LOCKED);
    assert_contains(f->op.report.hint, f->path);
    tarn_clear(&f->op);
    assert_ok(f, tarn_catalog_load(f->c, &f->op, ident("raw", "t"), &got)); /* readers go on */
    assert_str(got, "m1");
    struct tarn_cancel cancel = {.level = 0};
    f->op.cancel = &cancel;
    f->op.deadline_ns = 1;
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_TIMEOUT);
    f->op.deadline_ns = 0;
    f->op.cancel = NULL;
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_ok(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"));
}

static void a_file_that_was_replaced_is_noticed(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    char moved[sizeof f->path + 8];
    (void)snprintf(moved, sizeof moved, "%s.old", f->path);
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    make_namespace(f, "raw");
    assert_int_equal(rename(f->path, moved), 0);
    assert_status(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"), TARN_IO);
    assert_contains(f->op.report.message, "moved");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("raw", "t"), &got), TARN_IO);
}

/* ---- a disk that fails: a layer over SQLite's own files */

enum failing { NOTHING, WAL_SYNC, WAL_FULL };
static enum failing failing;
static sqlite3_io_methods methods;           /* SQLite's, with ours in place of two */
static const sqlite3_io_methods *underneath; /* SQLite's */
static sqlite3_vfs layer;
static int (*open_underneath)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int layer_sync(sqlite3_file *file, int flags)
{
    return failing == WAL_SYNC ? SQLITE_IOERR_FSYNC : underneath->xSync(file, flags);
}

static int layer_write(sqlite3_file *file, const void *p, int n, sqlite3_int64 at)
{
    return failing == WAL_FULL ? SQLITE_FULL : underneath->xWrite(file, p, n, at);
}

static int layer_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    int rc = open_underneath(vfs, name, file, flags, out);
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL)) {
        underneath = file->pMethods;
        methods = *underneath;
        methods.xSync = layer_sync;
        methods.xWrite = layer_write;
        file->pMethods = &methods;
    }
    return rc;
}

static void failing_commits_tell_what_is_known(void **state)
{
    struct fixture *f = *state;
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    layer = *usual;
    layer.zName = "failing";
    open_underneath = usual->xOpen;
    layer.xOpen = layer_open;
    failing = NOTHING;
    assert_int_equal(sqlite3_vfs_register(&layer, 1), SQLITE_OK);
    enum tarn_status opened = open_sqlite(f, NULL, &f->c);
    assert_int_equal(sqlite3_vfs_register(usual, 1), SQLITE_OK);
    assert_ok(f, opened);
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));

    failing = WAL_FULL;
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_DISK_FULL);
    failing = NOTHING;
    tarn_clear(&f->op);
    assert_location(f, ident("raw", "t"), "m1");

    failing = WAL_SYNC;
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_UNKNOWN);
    failing = NOTHING;
    tarn_clear(&f->op);
    struct tarn_str now;
    assert_ok(f, tarn_catalog_load(f->c, &f->op, ident("raw", "t"), &now));
    struct tarn_swap s = {ident("raw", "t"), now, TARN_STR("m3")};
    assert_ok(f, tarn_catalog_commit(f->c, &f->op, &s, 1));
    assert_location(f, ident("raw", "t"), "m3");
    tarn_catalog_close(f->c);
    f->c = NULL;
    assert_int_equal(sqlite3_vfs_unregister(&layer), SQLITE_OK);
}

static enum tarn_status use_all(struct tarn_op *op, const char *path, struct tarn_catalog **open)
{
    struct tarn_catalog_sqlite_options options = {.path = tarn_str_view(path), .create = true};
    struct tarn_properties none = {NULL, 0};
    struct tarn_names namespaces;
    struct tarn_idents tables;
    struct tarn_str ns = TARN_STR("raw"), got;
    TARN_TRY(tarn_catalog_sqlite_open(op, options, open));
    enum tarn_status status = tarn_catalog_create_namespace(*open, op, ns, none);
    if (status != TARN_OK && status != TARN_EXISTS)
        return status;
    TARN_TRY(tarn_catalog_list_namespaces(*open, op, &namespaces));
    struct tarn_swap s = {ident("raw", "t"), {NULL, 0}, TARN_STR("m1")};
    TARN_TRY(tarn_catalog_commit(*open, op, &s, 1));
    TARN_TRY(tarn_catalog_load(*open, op, s.ident, &got));
    TARN_TRY(tarn_catalog_list_tables(*open, op, ns, &tables));
    return tarn_catalog_namespace_properties(*open, op, ns, &none);
}

/* Fails allocation n of a whole use, until it passes; the table that an earlier round made is
 * dropped before each. */
static void running_out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    enum tarn_status status = TARN_NOMEM;
    int n = 1;
    assert_ok(f, open_sqlite(f, NULL, &f->c));
    for (; n < 200 && status != TARN_OK; n++) {
        struct tarn_catalog *open = NULL;
        struct tarn_op op;
        assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
        tarn_alloc_fail_at(n);
        status = use_all(&op, f->path, &open);
        tarn_alloc_fail_at(0);
        assert_true(status == TARN_OK || status == TARN_NOMEM);
        tarn_catalog_close(open);
        tarn_op_release(&op);
        run_sql(f->path, "DELETE FROM iceberg_tables");
    }
    assert_true(n > 10 && n < 200);
}

static void the_kill_hook_is_read(void **state)
{
    struct fixture *f = *state;
    long n = 7;
    assert_int_equal(unsetenv("TARN_TEST_CATALOG_KILL"), 0);
    assert_ok(f, tarn_catalog_kill_from_env(&f->op, &n));
    assert_int_equal(n, 0);
    assert_int_equal(setenv("TARN_TEST_CATALOG_KILL", "12", 1), 0);
    assert_ok(f, tarn_catalog_kill_from_env(&f->op, &n));
    assert_int_equal(n, 12);
    assert_int_equal(setenv("TARN_TEST_CATALOG_KILL", "-3", 1), 0);
    assert_ok(f, tarn_catalog_kill_from_env(&f->op, &n));
    assert_int_equal(n, -3);
    assert_int_equal(setenv("TARN_TEST_CATALOG_KILL", "twelve", 1), 0);
    assert_status(f, tarn_catalog_kill_from_env(&f->op, &n), TARN_CONFIG);
    assert_int_equal(unsetenv("TARN_TEST_CATALOG_KILL"), 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_has_pyicebergs_layout),
        TEST(closing_leaves_one_file),
        TEST(a_v0_file_stays_v0_until_others_alter_it),
        TEST(views_have_javas_rows),
        TEST(a_v0_file_holds_no_views),
        TEST(views_are_no_tables),
        TEST(a_row_without_location_is_corrupt),
        TEST(the_only_name_is_taken_and_several_must_be_chosen_from),
        TEST(without_create_the_file_must_be_there),
        TEST(paths_that_cannot_be),
        TEST(network_file_systems_are_refused),
        TEST(special_names_are_files),
        TEST(files_of_others_are_corrupt),
        TEST(a_damaged_file_is_corrupt),
        TEST(the_schema_may_vanish),
        TEST(files_without_permission_are_denied),
        TEST(no_update_is_lost_between_processes),
        TEST(several_processes_make_the_file_at_once),
        TEST(a_kill_leaves_all_or_nothing),
        TEST(a_kill_while_the_file_is_made_does_no_harm),
        TEST(a_held_lock_is_told),
        TEST(a_file_that_was_replaced_is_noticed),
        TEST(failing_commits_tell_what_is_known),
        TEST(running_out_of_memory_is_told),
        TEST(the_kill_hook_is_read),
    };
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
