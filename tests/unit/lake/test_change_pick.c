/* Write-audit-publish and cherry-picking, as Iceberg Java has them; manifests that are merged. */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};
static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b",
                  C[] = "mem://w/raw/t/data/c";

static enum tarn_status commit(struct lake_world *w, struct tarn_change *c)
{
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

static int64_t stage_wap(struct lake_world *w, const char *id, const char *path, int64_t rows)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_stage_wap(c, &w->op, tarn_str_view(id)));
    lake_append(w, c, path, rows);
    lake_commit(w, c);
    return tarn_change_snapshot_id(c);
}

static void pick(struct lake_world *w, int64_t id)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_cherry_pick(c, &w->op, id));
    assert_false(tarn_change_is_empty(c));
    lake_commit(w, c);
}

static void what_is_staged_is_seen_by_nobody(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    int64_t head = lake_load(w)->metadata.current_snapshot_id;
    int64_t id = stage_wap(w, "job-1", B, 3);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, head);
    assert_int_equal(t->metadata.ref_count, 1);
    assert_int_equal(t->metadata.snapshot_log_count, 1);
    assert_int_equal(t->metadata.last_sequence_number, 2);
    const struct tarn_snapshot *s = tarn_metadata_snapshot(&t->metadata, id);
    assert_int_equal(s->parent_id, head);
    assert_true(tarn_str_is(*tarn_kvs_get(&s->summary, "wap.id"), "job-1"));
    assert_int_equal(lake_live(w, t), 1);
}

/* Its parent is main's head: main moves to it, and no snapshot is made. */
static void picking_forwards(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    int64_t id = stage_wap(w, "job-1", A, 3); /* onto nothing */
    pick(w, id);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, id);
    assert_int_equal(t->metadata.snapshot_count, 1);
    assert_int_equal(t->metadata.snapshot_log_count, 1);
    id = stage_wap(w, "job-2", B, 3);
    pick(w, id);
    t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, id);
    assert_int_equal(lake_live(w, t), 2);
    struct tarn_change *c = lake_open(w);
    lake_fails(w, tarn_change_cherry_pick(c, &w->op, id), TARN_INVALID, "published");
    lake_fails(w, tarn_change_cherry_pick(c, &w->op, 42), TARN_NOT_FOUND, "42");
    assert_true(tarn_change_is_empty(c));
}

static void picking_an_append(void **state)
{
    struct lake_world *w = *state;
    char text[32];
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    int64_t id = stage_wap(w, "job-1", B, 3);
    lake_append_now(w, C, 1);
    struct tarn_change *c = lake_open(w), *twice = lake_open(w);
    lake_ok(w, tarn_change_cherry_pick(c, &w->op, id));
    lake_ok(w, tarn_change_cherry_pick(twice, &w->op, id));
    lake_append_now(w, "mem://w/raw/t/data/d", 1); /* a retry */
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    const struct tarn_snapshot *now = tarn_metadata_current(&t->metadata);
    assert_int_equal(now->snapshot_id, tarn_change_snapshot_id(c));
    (void)snprintf(text, sizeof text, "%lld", (long long)id);
    assert_string_equal(lake_summary(t, "source-snapshot-id"), text);
    assert_string_equal(lake_summary(t, "published-wap-id"), "job-1");
    assert_null(lake_summary(t, "wap.id"));
    assert_string_equal(lake_summary(t, "operation"), "append");
    assert_string_equal(lake_summary(t, "added-records"), "3");
    assert_string_equal(lake_summary(t, "total-records"), "10");
    assert_int_equal(lake_live(w, t), 4);
    struct tarn_live_files files;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata, now, &files));
    for (size_t i = 0; i < files.count; i++)
        if (tarn_str_is(files.items[i].file.path, B))
            assert_int_equal(files.items[i].sequence_number, now->sequence_number);
    lake_fails(w, commit(w, twice), TARN_INVALID, "published");
    c = lake_open(w);
    lake_fails(w, tarn_change_cherry_pick(c, &w->op, id), TARN_INVALID, "published");
    assert_int_equal(lake_live(w, lake_load(w)), 4);
}

/* Without wap.id the source's id tells. */
static void picking_twice(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    int64_t first = lake_load(w)->metadata.current_snapshot_id;
    lake_append_now(w, B, 3);
    int64_t second = lake_load(w)->metadata.current_snapshot_id;
    struct tarn_change *c = lake_open(w);
    lake_fails(w, tarn_change_cherry_pick(c, &w->op, first), TARN_INVALID, "ancestor");
    lake_ok(w, tarn_change_set_current(c, &w->op, first, true));
    lake_commit(w, c);
    lake_append_now(w, C, 1);
    pick(w, second);
    assert_int_equal(lake_live(w, lake_load(w)), 3);
    c = lake_open(w);
    lake_fails(w, tarn_change_cherry_pick(c, &w->op, second), TARN_INVALID, "picked already");
}

/* ---- overwrites */

static void append_to(struct lake_world *w, struct tarn_change *c, const char *path,
                      const char *region)
{
    const char *const values[] = {region};
    struct tarn_data_file f = lake_file(w, path, 2);
    lake_partition(w, &f, tarn_change_metadata(c), 0, values);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
}

/* a ("eu") is replaced by b in a snapshot that is staged; meanwhile a file comes into `region`. */
static int64_t overwritten(struct lake_world *w, bool dynamic, const char *region)
{
    static const char *const by_region[] = {"region", NULL};
    struct tarn_str gone = tarn_str_view(A);
    lake_create(w, "struct<id: long, region: string>", by_region);
    struct tarn_change *c = lake_open(w), *theirs = lake_open(w);
    append_to(w, c, A, "eu");
    lake_commit(w, c);
    c = lake_open(w);
    lake_ok(w, tarn_change_stage_wap(c, &w->op, TARN_STR("job")));
    if (dynamic)
        lake_ok(w, tarn_change_set_summary(c, &w->op, TARN_STR("replace-partitions"),
                                           TARN_STR("true")));
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    append_to(w, c, B, "eu");
    lake_commit(w, c);
    append_to(w, theirs, C, region);
    lake_commit(w, theirs);
    return tarn_change_snapshot_id(c);
}

static void picking_a_dynamic_overwrite(void **state)
{
    struct lake_world *w = *state;
    int64_t id = overwritten(w, true, "us");
    pick(w, id);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(lake_live(w, t), 2);
    assert_string_equal(lake_summary(t, "operation"), "overwrite");
    assert_string_equal(lake_summary(t, "deleted-data-files"), "1");
    assert_string_equal(lake_summary(t, "total-records"), "4");
}

static void overwrites_that_cannot_be_picked(void **state)
{
    (void)state;
    for (int dynamic = 0; dynamic < 2; dynamic++) {
        struct lake_world *w;
        lake_begin((void **)&w);
        int64_t id = overwritten(w, dynamic, "eu");
        struct tarn_change *c = lake_open(w);
        lake_fails(w, tarn_change_cherry_pick(c, &w->op, id), TARN_INVALID,
                   dynamic ? "new files" : "no append");
        assert_int_equal(lake_live(w, lake_load(w)), 2);
        lake_end((void **)&w);
    }
}

/* ---- manifests that are merged */

static size_t manifests(struct lake_world *w)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_manifest_list list;
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata,
                                    tarn_metadata_current(&t->metadata), &list));
    return list.count;
}

static void set(struct lake_world *w, const char *key, const char *value)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_property(c, &w->op, tarn_str_view(key), tarn_str_view(value)));
    lake_commit(w, c);
}

static void append_numbered(struct lake_world *w, int from, int to)
{
    for (int i = from; i < to; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "mem://w/raw/t/data/%d", i);
        lake_append_now(w, name, 1);
    }
}

static void small_manifests_become_one(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    set(w, "commit.manifest.min-count-to-merge", "4");
    append_numbered(w, 0, 3);
    assert_int_equal(manifests(w), 3);
    append_numbered(w, 3, 4);
    assert_int_equal(manifests(w), 1);
    append_numbered(w, 4, 6);
    assert_int_equal(manifests(w), 3);
    append_numbered(w, 6, 7);
    assert_int_equal(manifests(w), 1);
    struct tarn_table *t = lake_load(w);
    struct tarn_live_files files;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    assert_int_equal(files.count, 7);
    for (size_t i = 0; i < files.count; i++) { /* each keeps what its own commit gave it */
        int64_t sequence = files.items[i].file.path.ptr[files.items[i].file.path.len - 1] - '0' + 1;
        assert_int_equal(files.items[i].sequence_number, sequence);
        assert_int_equal(files.items[i].file_sequence_number, sequence);
        assert_int_equal(files.items[i].snapshot_id,
                         t->metadata.snapshots[sequence - 1].snapshot_id);
    }
    assert_string_equal(lake_summary(t, "added-data-files"), "1");
    assert_string_equal(lake_summary(t, "total-records"), "7");
    set(w, "commit.manifest-merge.enabled", "false");
    append_numbered(w, 7, 12);
    assert_int_equal(manifests(w), 6);
}

/* Full manifests are let be. */
static void a_merge_ends_at_its_target_size(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    set(w, "commit.manifest.min-count-to-merge", "2");
    set(w, "commit.manifest.target-size-bytes", "1");
    append_numbered(w, 0, 9);
    assert_int_equal(manifests(w), 9);
    set(w, "commit.manifest.target-size-bytes", "nonsense"); /* the default */
    append_numbered(w, 9, 10);
    assert_int_equal(manifests(w), 1);
    assert_int_equal(lake_live(w, lake_load(w)), 10);
}

/* Row ids and specs outlive a merge; what is deleted in the same commit is told. */
static void merging_keeps_row_ids_and_specs(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str expr = TARN_STR("bucket(2, id)"), gone = TARN_STR("mem://w/raw/t/data/1");
    struct tarn_partition_spec spec;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("commit.manifest.min-count-to-merge"),
                                        TARN_STR("4")));
    lake_commit(w, c);
    append_numbered(w, 0, 3);
    c = lake_open(w);
    lake_ok(w,
            tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &expr, 1, &spec));
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    static const char *const zero[] = {"0"};
    struct tarn_data_file f = lake_file(w, A, 2);
    lake_partition(w, &f, tarn_change_metadata(c), 1, zero);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_append(w, c, B, 3);
    lake_commit(w, c);
    assert_int_equal(manifests(w), 2); /* one a spec */
    struct tarn_table *t = lake_load(w);
    struct tarn_live_files files;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    assert_int_equal(files.count, 4);
    bool taken[16] = {false};
    for (size_t i = 0; i < files.count; i++) {
        const struct tarn_data_file *d = &files.items[i].file;
        if (tarn_str_is(d->path, "mem://w/raw/t/data/0"))
            assert_int_equal(d->first_row_id, 0);
        if (tarn_str_is(d->path, "mem://w/raw/t/data/2"))
            assert_int_equal(d->first_row_id, 2);
        assert_int_equal(d->spec_id, tarn_str_is(d->path, A));
        for (int64_t r = d->first_row_id; r < d->first_row_id + d->record_count; r++) {
            assert_true(r >= 0 && r < 16 && !taken[r]); /* no id twice */
            taken[r] = true;
        }
    }
    assert_string_equal(lake_summary(t, "deleted-data-files"), "1");
    lake_append_now(w, C, 1);
    assert_string_equal(lake_summary(lake_load(w), "total-data-files"), "5");
    assert_int_equal(lake_live(w, lake_load(w)), 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(what_is_staged_is_seen_by_nobody),
        T(picking_forwards),
        T(picking_an_append),
        T(picking_twice),
        T(picking_a_dynamic_overwrite),
        cmocka_unit_test(overwrites_that_cannot_be_picked),
        T(small_manifests_become_one),
        T(a_merge_ends_at_its_target_size),
        T(merging_keeps_row_ids_and_specs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
