/* Traps about which files a snapshot holds (docs/iceberg-traps.md): files named twice, rows that are
 * written anew under older equality deletes, vectors that contradict each other, damaged entries. */
#include "lake_fixture.h"

#include <string.h>

#include "lake/deletes.h"

#define A "mem://w/raw/t/data/a"
#define B "mem://w/raw/t/data/b"
static const char *const NONE[] = {NULL};

static struct tarn_scan *scan(struct lake_world *w)
{
    struct tarn_scan *s;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s));
    return s;
}

static void trap_27_a_file_twice_in_one_append(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file f = lake_file(w, A, 10);
    struct tarn_data_file both[] = {f, f};
    struct tarn_change *c = lake_open(w);
    enum tarn_status status = tarn_change_append(c, &w->op, both, 2);
    if (status == TARN_OK)
        status = tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
    lake_fails(w, status, TARN_INVALID, A);
    assert_int_equal(scan(w)->file_count, 0);
}

/* Rows of a file under an equality delete are written anew without the deleted ones: the delete is
 * older than the new file and does not hit it; files that stayed are hit as before. */
static void trap_8_rewritten_rows_are_younger_than_deletes(void **state)
{
    struct lake_world *w = *state;
    static int32_t ids[] = {1};
    struct tarn_str gone = TARN_STR(A);
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 10);
    lake_append_now(w, B, 10);
    struct tarn_data_file e = lake_file(w, "mem://w/raw/t/data/e", 1);
    e.content = TARN_CONTENT_EQUALITY_DELETES;
    e.equality_ids = ids;
    e.equality_id_count = 1;
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &e, 1));
    lake_commit(w, c);
    assert_int_equal(scan(w)->equality[0].file_count, 2);
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_append(w, c, "mem://w/raw/t/data/anew", 9);
    lake_commit(w, c);
    struct tarn_scan *s = scan(w);
    assert_int_equal(s->file_count, 2);
    assert_int_equal(s->equality_count, 1);
    assert_int_equal(s->equality[0].file_count, 1);
    assert_true(tarn_str_is(s->files[s->equality[0].files[0]].file->path, B));
    assert_int_equal(s->equality[0].deletes[0].sequence_number, 3);
}

/* ---- what another writer did wrong */

/* The current snapshot's list with each manifest of deletes in it twice. */
static void double_the_deletes(struct lake_world *w)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    struct tarn_snapshot *now = memcpy(tarn_alloc_array(&w->op, m.snapshot_count, sizeof *now),
                                       m.snapshots, m.snapshot_count * sizeof *now);
    struct tarn_manifest_list list, twice = {0};
    struct tarn_str bytes;
    int64_t next;
    m.snapshots = now;
    for (; now->snapshot_id != m.current_snapshot_id; now++)
        ;
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &m, now, &list));
    twice.files = tarn_alloc_array(&w->op, 2 * list.count, sizeof *twice.files);
    for (size_t i = 0; i < list.count; i++) {
        twice.files[twice.count++] = list.files[i];
        if (list.files[i].deletes)
            twice.files[twice.count++] = list.files[i];
    }
    struct tarn_manifest_list_write in = {.format_version = m.format_version,
                                          .snapshot_id = now->snapshot_id,
                                          .sequence_number = now->sequence_number};
    lake_ok(w, tarn_manifest_list_write(&w->op, &twice, &in, &bytes, &next));
    now->manifest_list = TARN_STR("mem://w/raw/t/metadata/foreign.avro");
    lake_ok(w, tarn_storage_put(w->lake.storage, &w->op, now->manifest_list, bytes));
    m.last_updated_ms++;
    lake_publish(w, t, &m);
}

static void trap_9_two_live_vectors_of_a_file(void **state)
{
    struct lake_world *w = *state;
    static const int64_t one[] = {1};
    struct tarn_data_file *v;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_append(w, c, A, 10);
    lake_commit(w, c);
    struct tarn_doomed_rows doomed = {&scan(w)->files[0], one, 1};
    lake_ok(w,
            tarn_deletion_vectors_write(&w->lake, &w->op, &lake_load(w)->metadata, &doomed, 1, &v));
    c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, v, 1));
    lake_commit(w, c);
    assert_int_equal(scan(w)->files[0].deleted_count, 1);
    double_the_deletes(w);
    struct tarn_scan *s;
    lake_fails(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &s), TARN_CORRUPT,
               "two deletion vectors");
}

/* An entry's snapshot may have expired, or never have been in this table's metadata. */
static void trap_23_entries_of_snapshots_that_are_gone(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 10);
    lake_append_now(w, B, 10);
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    m.snapshots = &m.snapshots[m.snapshot_count - 1];
    m.snapshot_count = 1;
    m.snapshot_log = NULL;
    m.snapshot_log_count = 0;
    m.last_updated_ms++;
    lake_publish(w, t, &m);
    struct tarn_scan *s = scan(w);
    assert_int_equal(s->file_count, 2);
    assert_int_equal(s->files[0].sequence_number + s->files[1].sequence_number, 3);
    lake_append_now(w, "mem://w/raw/t/data/c", 10);
    assert_int_equal(scan(w)->file_count, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(trap_27_a_file_twice_in_one_append),
        T(trap_8_rewritten_rows_are_younger_than_deletes),
        T(trap_9_two_live_vectors_of_a_file),
        T(trap_23_entries_of_snapshots_that_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
