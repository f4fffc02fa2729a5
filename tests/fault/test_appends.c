/* room: lake */
/* Several processes append to one table at once, over a real disk and a real catalog file: nothing
 * is lost, nothing doubled; and a process that is killed at any of its writes leaves the table as
 * it was, or with its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lake/change.h"

#define PROCESSES 4
#define APPENDS   6

static const struct tarn_ident TABLE = {{"raw", 3}, {"t", 1}};
static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tarn-appends-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int remove_folder(void **state)
{
    (void)state;
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- one process's view */

struct seat {
    struct tarn_op op;
    struct tarn_lake lake;
};

static enum tarn_status seat_open(struct seat *s, long storage_kill_at, long catalog_kill_at)
{
    char path[128];
    struct tarn_storage_fault_options fault = {
        .fail_at = storage_kill_at, .calls = TARN_STORAGE_C_WRITE, .kill = true};
    memset(s, 0, sizeof *s);
    TARN_TRY(tarn_op_init(&s->op, 0, 0));
    TARN_TRY(tarn_storage_fs_open(&s->op, &s->lake.storage));
    if (storage_kill_at)
        TARN_TRY(tarn_storage_fault_open(&s->op, s->lake.storage, fault, &s->lake.storage));
    snprintf(path, sizeof path, "%s/catalog.db", folder);
    struct tarn_catalog_sqlite_options o = {
        .path = tarn_str_view(path), .create = true, .kill_at = catalog_kill_at};
    return tarn_catalog_sqlite_open(&s->op, o, &s->lake.catalog);
}

static void seat_close(struct seat *s)
{
    tarn_catalog_close(s->lake.catalog);
    tarn_storage_close(s->lake.storage);
    tarn_op_release(&s->op);
}

static enum tarn_status create(struct seat *s)
{
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_create create = {.schema = &schema};
    TARN_TRY(tarn_catalog_create_namespace(s->lake.catalog, &s->op, TABLE.ns,
                                           (struct tarn_properties){NULL, 0}));
    create.location = tarn_sprintf(&s->op, "%s/raw/t", folder);
    TARN_TRY(tarn_type_parse(&s->op, TARN_STR("struct<id: long>"), &schema.root));
    TARN_TRY(tarn_change_create(&s->lake, &s->op, TABLE, &create, &c));
    return tarn_changes_commit(&s->lake, &s->op, &c, 1, (struct tarn_commit_options){0});
}

static enum tarn_status append(struct seat *s, int process, int i)
{
    struct tarn_table *t;
    struct tarn_change *c;
    struct tarn_str path = tarn_sprintf(&s->op, "%s/raw/t/data/p%d-%d.parquet", folder, process, i);
    struct tarn_data_file f = {.path = path,
                               .format = TARN_STR("PARQUET"),
                               .record_count = 1,
                               .size_bytes = 4,
                               .sort_order_id = -1,
                               .first_row_id = -1,
                               .content_offset = -1,
                               .content_size = -1};
    TARN_TRY(tarn_storage_put(s->lake.storage, &s->op, path, TARN_STR("PAR1")));
    TARN_TRY(tarn_table_load(&s->lake, &s->op, TABLE, &t));
    TARN_TRY(tarn_change_open(&s->lake, &s->op, t, &c));
    TARN_TRY(tarn_change_append(c, &s->op, &f, 1));
    return tarn_changes_commit(&s->lake, &s->op, &c, 1, (struct tarn_commit_options){.tries = 100});
}

static size_t live(struct seat *s)
{
    struct tarn_table *t;
    struct tarn_live_files files;
    assert_int_equal(tarn_table_load(&s->lake, &s->op, TABLE, &t), TARN_OK);
    assert_int_equal(tarn_table_live_files(&s->lake, &s->op, &t->metadata,
                                           tarn_metadata_current(&t->metadata), &files),
                     TARN_OK);
    for (size_t i = 0; i < files.count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(tarn_str_eq(files.items[i].file.path, files.items[k].file.path));
    return files.count;
}

static int wait_for(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- */

static void four_processes_lose_nothing(void **state)
{
    struct seat s;
    pid_t pids[PROCESSES];
    (void)state;
    assert_int_equal(seat_open(&s, 0, 0), TARN_OK);
    assert_int_equal(create(&s), TARN_OK);
    for (int p = 0; p < PROCESSES; p++) {
        pids[p] = fork();
        assert_true(pids[p] >= 0);
        if (pids[p] > 0)
            continue;
        struct seat own;
        enum tarn_status status = seat_open(&own, 0, 0);
        for (int i = 0; i < APPENDS && status == TARN_OK; i++)
            status = append(&own, p, i);
        if (status != TARN_OK)
            fprintf(stderr, "%s\n", own.op.report.message);
        _exit(status == TARN_OK ? 0 : 1);
    }
    for (int p = 0; p < PROCESSES; p++)
        assert_int_equal(wait_for(pids[p]), 0);
    assert_int_equal(live(&s), PROCESSES * APPENDS);
    struct tarn_table *t;
    assert_int_equal(tarn_table_load(&s.lake, &s.op, TABLE, &t), TARN_OK);
    const struct tarn_snapshot *now = tarn_metadata_current(&t->metadata);
    assert_int_equal(t->metadata.snapshot_count, PROCESSES * APPENDS);
    assert_int_equal(t->metadata.last_sequence_number, PROCESSES * APPENDS);
    assert_string_equal(tarn_kvs_get(&now->summary, "total-records")->ptr, "24");
    for (size_t i = 0; i < t->metadata.snapshot_count; i++)
        assert_true(tarn_metadata_is_ancestor(&t->metadata, t->metadata.snapshots[i].snapshot_id,
                                              now->snapshot_id));
    /* no attempt that came too late left its manifests behind: data, one manifest, one list, one
     * metadata file a commit */
    struct tarn_listing l;
    struct tarn_str root = tarn_sprintf(&s.op, "%s/raw/t", folder);
    assert_int_equal(tarn_storage_list(s.lake.storage, &s.op, root, &l), TARN_OK);
    assert_int_equal(l.count, 4 * PROCESSES * APPENDS + 1);
    seat_close(&s);
}

/* A kill at the n-th write: the commit is there whole or not at all, and the next writer goes
 * on. */
static void a_kill_at_every_write(void **state)
{
    struct seat s;
    size_t expected = 0;
    (void)state;
    assert_int_equal(seat_open(&s, 0, 0), TARN_OK);
    assert_int_equal(create(&s), TARN_OK);
    for (int where = 0; where < 2; where++)
        for (long n = 1;; n++) {
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) {
                struct seat own;
                enum tarn_status status = seat_open(&own, where ? 0 : n, where ? n : 0);
                _exit(status == TARN_OK && append(&own, 100 + where, (int)n) == TARN_OK ? 0 : 1);
            }
            int status = wait_for(pid);
            size_t now = live(&s);
            assert_true(now == expected || now == expected + 1);
            if (WIFEXITED(status)) {
                assert_int_equal(status, 0);
                assert_int_equal(now, expected + 1);
                expected = now;
                assert_true(n > 2);
                break;
            }
            assert_true(WIFSIGNALED(status));
            expected = now;
            assert_int_equal(append(&s, where, (int)n), TARN_OK);
            expected++;
        }
    seat_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(four_processes_lose_nothing, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_kill_at_every_write, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
