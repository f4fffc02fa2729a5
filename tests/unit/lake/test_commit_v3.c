/* Commits of format version 3: row ids (spec "Row Lineage"), deletion vectors (trap 9). */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};
static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b",
                  C[] = "mem://w/raw/t/data/c";

static enum tarn_status commit(struct lake_world *w, struct tarn_change *c)
{
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

static void upgrade(struct lake_world *w)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_commit(w, c);
}

static void new_table(struct lake_world *w)
{
    lake_create(w, "struct<id: long>", NONE);
    upgrade(w);
}

/* A live file of the current snapshot. */
static bool live(struct lake_world *w, const char *path, struct tarn_manifest_entry *out)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_live_files files;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    for (size_t i = 0; i < files.count; i++)
        if (tarn_str_is(files.items[i].file.path, path)) {
            *out = files.items[i];
            return true;
        }
    return false;
}

static int64_t first_row(struct lake_world *w, const char *path)
{
    struct tarn_manifest_entry e;
    assert_true(live(w, path, &e));
    return e.file.first_row_id;
}

static struct tarn_data_file vector(struct lake_world *w, const char *puffin, const char *target,
                                    int64_t rows)
{
    struct tarn_data_file f = lake_file(w, puffin, rows);
    f.content = TARN_CONTENT_POSITION_DELETES;
    f.format = TARN_STR("PUFFIN");
    f.referenced_data_file = tarn_str_view(target);
    f.content_offset = 1;
    f.content_size = 2;
    return f;
}

static void add_vector(struct lake_world *w, struct tarn_change *c, const char *puffin,
                       const char *target, int64_t rows)
{
    struct tarn_data_file f = vector(w, puffin, target, rows);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
}

/* ---- row ids */

/* The spec's example, "Row lineage example": next-row-id 1000, an existing manifest, three new
 * ones, of which the second adds no file. */
static void the_specs_example(void **state)
{
    struct lake_world *w = *state;
    static const char *const exprs[] = {"bucket(2, id)", "bucket(3, id)"};
    static const char *const zero[] = {"0"};
    struct tarn_str gone[3];
    struct tarn_data_file f;
    new_table(w);
    lake_append_now(w, "mem://w/raw/t/data/first", 775); /* ids 0 to 774 */
    struct tarn_change *c = lake_open(w);                /* 775: data0 and data1, of one manifest */
    lake_append(w, c, "mem://w/raw/t/data/data0", 25);
    lake_append(w, c, "mem://w/raw/t/data/data1", 25);
    lake_commit(w, c);
    for (int i = 0; i < 2; i++) { /* specs 1 and 2, each with files to stay and to go */
        struct tarn_str expr = tarn_str_view(exprs[i]);
        struct tarn_partition_spec spec;
        c = lake_open(w);
        lake_ok(w, tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &expr, 1,
                                  &spec));
        lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
        for (int k = 0; k < 2; k++) {
            static const char *const names[2][2] = {
                {"mem://w/raw/t/data/s1-stays", "mem://w/raw/t/data/s1-goes"},
                {"mem://w/raw/t/data/s2-stays", "mem://w/raw/t/data/s2-goes"}};
            static const int64_t rows[2][2] = {{75, 10}, {10, 5}};
            f = lake_file(w, names[i][k], rows[i][k]);
            lake_partition(w, &f, tarn_change_metadata(c), i + 1, zero);
            lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
        }
        lake_commit(w, c);
    }
    assert_int_equal(first_row(w, "mem://w/raw/t/data/first"), 0);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/data1"), 800);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/s1-stays"), 825);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/s2-goes"), 920);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.next_row_id, 925);
    lake_append_now(w, "mem://w/raw/t/data/existing", 75);
    assert_int_equal(lake_load(w)->metadata.next_row_id, 1000);
    /* two data files of 50 rows are added; manifests with existing files are written anew */
    gone[0] = TARN_STR("mem://w/raw/t/data/data0");
    gone[1] = TARN_STR("mem://w/raw/t/data/s1-goes");
    gone[2] = TARN_STR("mem://w/raw/t/data/s2-goes");
    c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/data2", 50);
    lake_append(w, c, "mem://w/raw/t/data/data3", 50);
    lake_ok(w, tarn_change_delete_files(c, &w->op, gone, 3));
    lake_commit(w, c);
    t = lake_load(w);
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    assert_int_equal(s->first_row_id, 1000);
    assert_int_equal(s->added_rows, 100 + 25 + 75 + 10);
    assert_int_equal(t->metadata.next_row_id, 1000 + s->added_rows);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/data2"), 1000);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/data3"), 1050);
    /* what was there keeps its ids, in whichever manifest */
    assert_int_equal(first_row(w, "mem://w/raw/t/data/first"), 0);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/data1"), 800);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/s1-stays"), 825);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/s2-stays"), 910);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/existing"), 925);
}

/* Trap 11: files of before the upgrade get ids by the first commit after it. */
static void trap_11_an_upgraded_table(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    lake_append_now(w, B, 3);
    upgrade(w);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(tarn_metadata_current(&t->metadata)->first_row_id, -1);
    assert_int_equal(first_row(w, A), -1);
    lake_append_now(w, C, 2);
    t = lake_load(w);
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    assert_int_equal(s->first_row_id, 0);
    assert_int_equal(s->added_rows, 10);
    assert_int_equal(t->metadata.next_row_id, 10);
    assert_int_equal(t->metadata.snapshots[0].first_row_id, -1);
    int64_t a = first_row(w, A), b = first_row(w, B), c = first_row(w, C);
    assert_int_equal(c, 0);
    assert_int_equal(b, 2);
    assert_int_equal(a, 5);
    lake_append_now(w, "mem://w/raw/t/data/d", 1); /* and keep them */
    assert_int_equal(first_row(w, A), a);
    assert_int_equal(first_row(w, B), b);
    assert_int_equal(first_row(w, C), c);
    assert_int_equal(first_row(w, "mem://w/raw/t/data/d"), 10);
}

/* Trap 11: ids are not bound before the commit that succeeds; on a branch next-row-id moves too. */
static void trap_11_ids_through_a_retry(void **state)
{
    struct lake_world *w = *state;
    struct tarn_table *staged;
    new_table(w);
    struct tarn_change *mine = lake_open(w);
    lake_append(w, mine, A, 5);
    lake_ok(w, tarn_change_stage(mine, &w->op, &staged));
    assert_int_equal(tarn_metadata_current(&staged->metadata)->first_row_id, 0);
    lake_append_now(w, B, 7);
    struct tarn_ref dev = {.name = TARN_STR("dev"),
                           .snapshot_id = lake_load(w)->metadata.current_snapshot_id,
                           .min_snapshots_to_keep = -1,
                           .max_snapshot_age_ms = -1,
                           .max_ref_age_ms = -1};
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_ref(c, &w->op, &dev));
    lake_ok(w, tarn_change_set_branch(c, &w->op, TARN_STR("dev")));
    lake_append(w, c, C, 4);
    lake_commit(w, c);
    lake_commit(w, mine);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(tarn_metadata_current(&t->metadata)->first_row_id, 11);
    assert_int_equal(t->metadata.next_row_id, 16);
    assert_int_equal(first_row(w, A), 11);
    assert_int_equal(first_row(w, B), 0);
}

static void ids_over_a_chain(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *changes[2];
    struct tarn_table *staged;
    new_table(w);
    changes[0] = lake_open(w);
    lake_append(w, changes[0], A, 5);
    lake_ok(w, tarn_change_stage(changes[0], &w->op, &staged));
    lake_ok(w, tarn_change_open(&w->lake, &w->op, staged, &changes[1]));
    lake_append(w, changes[1], B, 3);
    lake_ok(w, tarn_changes_commit(&w->lake, &w->op, changes, 2, (struct tarn_commit_options){0}));
    assert_int_equal(first_row(w, A), 0);
    assert_int_equal(first_row(w, B), 5);
    assert_int_equal(lake_load(w)->metadata.next_row_id, 8);
}

/* ---- deletion vectors */

static void trap_9_a_new_vector_takes_the_place_of_the_old(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_entry e;
    new_table(w);
    lake_append_now(w, A, 5);
    lake_append_now(w, B, 3);
    struct tarn_change *c = lake_open(w);
    add_vector(w, c, "mem://w/raw/t/data/1.puffin", A, 1);
    add_vector(w, c, "mem://w/raw/t/data/2.puffin", B, 1);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_string_equal(lake_summary(t, "operation"), "delete");
    assert_string_equal(lake_summary(t, "added-dvs"), "2");
    assert_string_equal(lake_summary(t, "added-delete-files"), "2");
    assert_string_equal(lake_summary(t, "added-position-deletes"), "2");
    assert_string_equal(lake_summary(t, "added-files-size"), "4");
    assert_null(lake_summary(t, "added-position-delete-files"));
    assert_int_equal(tarn_metadata_current(&t->metadata)->added_rows, 0);
    c = lake_open(w);
    add_vector(w, c, "mem://w/raw/t/data/3.puffin", A, 2);
    lake_commit(w, c);
    t = lake_load(w);
    assert_false(live(w, "mem://w/raw/t/data/1.puffin", &e));
    assert_true(live(w, "mem://w/raw/t/data/2.puffin", &e));
    assert_true(live(w, "mem://w/raw/t/data/3.puffin", &e));
    assert_int_equal(e.sequence_number, 4);
    assert_true(tarn_str_is(e.file.referenced_data_file, A));
    assert_int_equal(e.file.content_offset, 1);
    assert_string_equal(lake_summary(t, "removed-dvs"), "1");
    assert_string_equal(lake_summary(t, "total-delete-files"), "2");
    assert_string_equal(lake_summary(t, "total-position-deletes"), "3");
}

static void trap_9_vectors_go_with_their_data_file(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_entry e;
    struct tarn_str gone = tarn_str_view(A);
    new_table(w);
    lake_append_now(w, A, 5);
    lake_append_now(w, B, 3);
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file two[] = {vector(w, "mem://w/raw/t/data/1.puffin", A, 1),
                                   vector(w, "mem://w/raw/t/data/1.puffin", B, 1)};
    two[1].content_offset = 3;
    lake_ok(w, tarn_change_add_deletes(c, &w->op, two, 2)); /* they share a file */
    lake_commit(w, c);
    assert_int_equal(lake_live(w, lake_load(w)), 4);
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_append(w, c, C, 4);
    tarn_change_only_rewrites(c);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(lake_live(w, t), 3);
    assert_true(live(w, "mem://w/raw/t/data/1.puffin", &e));
    assert_true(tarn_str_is(e.file.referenced_data_file, B));
    assert_string_equal(lake_summary(t, "operation"), "replace");
    assert_string_equal(lake_summary(t, "removed-dvs"), "1");
    assert_string_equal(lake_summary(t, "total-delete-files"), "1");
    c = lake_open(w);
    tarn_change_delete_all(c);
    lake_commit(w, c);
    assert_int_equal(lake_live(w, lake_load(w)), 0);
}

/* Position deletes of an upgraded table stay, until a vector holds what those of one file say. */
static void position_deletes_of_before_the_upgrade(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_entry e;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    lake_append_now(w, B, 3);
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file own = lake_file(w, "mem://w/raw/t/data/of-a", 1);
    own.content = TARN_CONTENT_POSITION_DELETES;
    own.referenced_data_file = tarn_str_view(A);
    struct tarn_id_bytes path = {2147483546, tarn_str_view(B)};
    struct tarn_data_file bounds = lake_file(w, "mem://w/raw/t/data/of-b", 1);
    bounds.content = TARN_CONTENT_POSITION_DELETES;
    bounds.lower = bounds.upper = &path;
    bounds.lower_count = bounds.upper_count = 1;
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &own, 1));
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &bounds, 1));
    lake_delete_row(w, c, "mem://w/raw/t/data/of-both", A, 0);
    struct tarn_data_file v = vector(w, "mem://w/raw/t/data/1.puffin", A, 1);
    lake_fails(w, tarn_change_add_deletes(c, &w->op, &v, 1), TARN_UNSUPPORTED, "version 3");
    lake_commit(w, c);
    upgrade(w);
    c = lake_open(w);
    lake_fails(w, tarn_change_add_deletes(c, &w->op, &own, 1), TARN_INVALID, "deletion vectors");
    add_vector(w, c, "mem://w/raw/t/data/1.puffin", A, 2);
    lake_commit(w, c);
    assert_false(live(w, "mem://w/raw/t/data/of-a", &e));
    assert_true(live(w, "mem://w/raw/t/data/of-b", &e));
    assert_true(live(w, "mem://w/raw/t/data/of-both", &e));
    c = lake_open(w);
    add_vector(w, c, "mem://w/raw/t/data/2.puffin", B, 2);
    lake_commit(w, c);
    assert_false(live(w, "mem://w/raw/t/data/of-b", &e));
    assert_true(live(w, "mem://w/raw/t/data/of-both", &e));
}

static void what_vectors_are_refused(void **state)
{
    struct lake_world *w = *state;
    new_table(w);
    lake_append_now(w, A, 5);
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file f = vector(w, "mem://w/raw/t/data/1.puffin", A, 1);
    f.referenced_data_file = (struct tarn_str){NULL, 0};
    lake_fails(w, tarn_change_add_deletes(c, &w->op, &f, 1), TARN_INVALID, "names no data file");
    f = lake_file(w, "mem://w/raw/t/data/rows", 1);
    lake_fails(w, tarn_change_add_deletes(c, &w->op, &f, 1), TARN_INVALID, "no delete file");
    add_vector(w, c, "mem://w/raw/t/data/1.puffin", A, 1);
    add_vector(w, c, "mem://w/raw/t/data/2.puffin", A, 1);
    lake_fails(w, commit(w, c), TARN_INVALID, "two deletion vectors");
    assert_int_equal(lake_live(w, lake_load(w)), 1);
}

/* Equality deletes are kept, in either version. */
static void equality_deletes(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_entry e;
    int32_t id = 1;
    new_table(w);
    lake_append_now(w, B, 3);
    lake_append_now(w, A, 5);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/eq", 2);
    f.content = TARN_CONTENT_EQUALITY_DELETES;
    f.equality_ids = &id;
    f.equality_id_count = 1;
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_string_equal(lake_summary(t, "added-equality-delete-files"), "1");
    assert_string_equal(lake_summary(t, "added-equality-deletes"), "2");
    assert_string_equal(lake_summary(t, "total-equality-deletes"), "2");
    assert_null(lake_summary(t, "added-position-deletes"));
    struct tarn_str gone = tarn_str_view(A);
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_commit(w, c);
    assert_true(live(w, "mem://w/raw/t/data/eq", &e));
    assert_int_equal(e.file.equality_ids[0], 1);
    assert_int_equal(e.sequence_number, 3);
    c = lake_open(w); /* a delete file goes by its name */
    gone = f.path;
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_commit(w, c);
    assert_int_equal(lake_live(w, lake_load(w)), 1);
    assert_string_equal(lake_summary(lake_load(w), "total-equality-deletes"), "0");
}

/* Deletes that no data file is old enough for go when the last such file goes. */
static void deletes_that_are_about_nothing(void **state)
{
    struct lake_world *w = *state;
    struct tarn_manifest_entry e;
    struct tarn_str a = tarn_str_view(A), b = tarn_str_view(B);
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5); /* 1 */
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", A, 0);
    lake_append(w, c, B, 3);
    lake_commit(w, c); /* 2: b and x */
    c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/y", B, 0);
    lake_commit(w, c);        /* 3 */
    lake_append_now(w, C, 2); /* 4 */
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &a, 1));
    lake_commit(w, c);
    assert_true(live(w, "mem://w/raw/t/data/x", &e)); /* b is of the same commit */
    assert_true(live(w, "mem://w/raw/t/data/y", &e));
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &b, 1));
    lake_append(w, c, "mem://w/raw/t/data/d", 2);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_false(live(w, "mem://w/raw/t/data/x", &e));
    assert_false(live(w, "mem://w/raw/t/data/y", &e));
    assert_string_equal(lake_summary(t, "removed-position-delete-files"), "2");
    assert_string_equal(lake_summary(t, "total-delete-files"), "0");
    assert_int_equal(lake_live(w, t), 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(the_specs_example),
        T(trap_11_an_upgraded_table),
        T(trap_11_ids_through_a_retry),
        T(ids_over_a_chain),
        T(trap_9_a_new_vector_takes_the_place_of_the_old),
        T(trap_9_vectors_go_with_their_data_file),
        T(position_deletes_of_before_the_upgrade),
        T(what_vectors_are_refused),
        T(equality_deletes),
        T(deletes_that_are_about_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
