/* Branches, tags, rollback, sort orders, locations, upgrades and CREATE OR REPLACE. */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};
static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b";

static struct tarn_ref ref(const char *name, int64_t id, bool tag)
{
    return (struct tarn_ref){.name = tarn_str_view(name),
                             .snapshot_id = id,
                             .is_tag = tag,
                             .min_snapshots_to_keep = -1,
                             .max_snapshot_age_ms = -1,
                             .max_ref_age_ms = -1};
}

static void set_ref(struct lake_world *w, const char *name, int64_t id, bool tag)
{
    struct tarn_change *c = lake_open(w);
    struct tarn_ref r = ref(name, id, tag);
    lake_ok(w, tarn_change_set_ref(c, &w->op, &r));
    lake_commit(w, c);
}

static int64_t head(const struct tarn_table *t, const char *name)
{
    const struct tarn_ref *r = tarn_metadata_ref(&t->metadata, tarn_str_view(name));
    return r ? r->snapshot_id : 0;
}

static int64_t current(struct lake_world *w)
{
    return lake_load(w)->metadata.current_snapshot_id;
}

static int64_t rows_at(struct lake_world *w, int64_t id)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_live_files files;
    int64_t rows = 0;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_snapshot(&t->metadata, id), &files));
    for (size_t i = 0; i < files.count; i++)
        rows +=
            files.items[i].file.content == TARN_CONTENT_DATA ? files.items[i].file.record_count : 0;
    return rows;
}

static struct tarn_change *on_branch(struct lake_world *w, const char *branch, const char *path,
                                     int64_t rows)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_branch(c, &w->op, tarn_str_view(branch)));
    lake_append(w, c, path, rows);
    return c;
}

/* A table with snapshots of 5 and 8 rows on main. */
static void two_snapshots(struct lake_world *w, int64_t ids[2])
{
    lake_create(w, "struct<id: long, name: string>", NONE);
    lake_append_now(w, A, 5);
    ids[0] = current(w);
    lake_append_now(w, B, 3);
    ids[1] = current(w);
}

static enum tarn_status commit(struct lake_world *w, struct tarn_change *c)
{
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

/* ---- branches and tags */

static void a_branch_is_made_set_and_removed(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    struct tarn_ref dev = ref("dev", ids[0], false), tag = ref("v1", ids[1], true);
    dev.min_snapshots_to_keep = 3;
    dev.max_snapshot_age_ms = 1000;
    tag.max_ref_age_ms = 77;
    lake_ok(w, tarn_change_set_ref(c, &w->op, &dev));
    lake_ok(w, tarn_change_set_ref(c, &w->op, &tag));
    assert_false(tarn_change_is_empty(c));
    assert_false(tarn_change_has_rows(c));
    size_t snapshots = lake_load(w)->metadata.snapshot_count;
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.snapshot_count, snapshots);
    assert_int_equal(head(t, "dev"), ids[0]);
    assert_int_equal(tarn_metadata_ref(&t->metadata, TARN_STR("v1"))->max_ref_age_ms, 77);
    assert_true(tarn_metadata_ref(&t->metadata, TARN_STR("v1"))->is_tag);
    assert_int_equal(t->metadata.current_snapshot_id, ids[1]);
    assert_int_equal(t->metadata.snapshot_log_count, 2); /* main was not moved */
    c = lake_open(w);
    lake_ok(w, tarn_change_remove_ref(c, &w->op, TARN_STR("dev")));
    lake_commit(w, c);
    t = lake_load(w);
    assert_null(tarn_metadata_ref(&t->metadata, TARN_STR("dev")));
    assert_int_equal(head(t, "v1"), ids[1]);
}

static void what_refs_are_refused(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    set_ref(w, "dev", ids[0], false);
    set_ref(w, "v1", ids[0], true);
    struct tarn_change *c = lake_open(w);
    struct tarn_ref r = ref("x", 42, false);
    lake_fails(w, tarn_change_set_ref(c, &w->op, &r), TARN_NOT_FOUND, "42");
    r = ref("dev", ids[0], true);
    lake_fails(w, tarn_change_set_ref(c, &w->op, &r), TARN_INVALID, "dev");
    r = ref("v1", ids[0], false);
    lake_fails(w, tarn_change_set_ref(c, &w->op, &r), TARN_INVALID, "v1");
    r = ref("main", ids[0], true);
    lake_fails(w, tarn_change_set_ref(c, &w->op, &r), TARN_INVALID, "main");
    r = ref("", ids[0], true);
    lake_fails(w, tarn_change_set_ref(c, &w->op, &r), TARN_INVALID, "name");
    lake_fails(w, tarn_change_remove_ref(c, &w->op, TARN_STR("main")), TARN_INVALID, "main");
    lake_fails(w, tarn_change_remove_ref(c, &w->op, TARN_STR("nope")), TARN_NOT_FOUND, "v1");
    lake_fails(w, tarn_change_set_branch(c, &w->op, TARN_STR("nope")), TARN_NOT_FOUND, "dev");
    lake_fails(w, tarn_change_set_branch(c, &w->op, TARN_STR("v1")), TARN_INVALID, "tag");
    lake_fails(w, tarn_change_set_current(c, &w->op, 42, false), TARN_NOT_FOUND, "42");
    lake_fails(w, tarn_change_fast_forward(c, &w->op, TARN_STR("v1"), TARN_STR("main")),
               TARN_INVALID, "tag");
    lake_fails(w, tarn_change_fast_forward(c, &w->op, TARN_STR("dev"), TARN_STR("nope")),
               TARN_NOT_FOUND, "nope");
    assert_true(tarn_change_is_empty(c)); /* what was refused is not kept */
}

/* Trap 28: parent, validation and removal are the branch's; retention stays; main does not move. */
static void trap_28_rows_go_to_the_branch(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    struct tarn_ref dev = ref("dev", ids[0], false);
    dev.min_snapshots_to_keep = 3;
    lake_ok(w, tarn_change_set_ref(c, &w->op, &dev));
    lake_commit(w, c);
    c = on_branch(w, "dev", "mem://w/raw/t/data/d", 2);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    const struct tarn_snapshot *s = tarn_metadata_snapshot(&t->metadata, head(t, "dev"));
    assert_int_equal(s->snapshot_id, tarn_change_snapshot_id(c));
    assert_int_equal(s->parent_id, ids[0]);
    assert_int_equal(s->sequence_number, 3);
    assert_string_equal(tarn_kvs_get(&s->summary, "total-records")->ptr, "7");
    assert_int_equal(rows_at(w, s->snapshot_id), 7);
    assert_int_equal(t->metadata.current_snapshot_id, ids[1]);
    assert_int_equal(head(t, "main"), ids[1]);
    assert_int_equal(rows_at(w, ids[1]), 8);
    assert_int_equal(t->metadata.snapshot_log_count, 2);
    assert_int_equal(tarn_metadata_ref(&t->metadata, TARN_STR("dev"))->min_snapshots_to_keep, 3);
    c = lake_open(w); /* removal looks at the branch's files: b is main's alone */
    struct tarn_str gone = tarn_str_view(B);
    lake_ok(w, tarn_change_set_branch(c, &w->op, TARN_STR("dev")));
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_fails(w, commit(w, c), TARN_CONFLICT, "gone");
    c = lake_open(w);
    tarn_change_delete_all(c);
    lake_ok(w, tarn_change_set_branch(c, &w->op, TARN_STR("dev")));
    lake_commit(w, c);
    t = lake_load(w);
    assert_int_equal(rows_at(w, head(t, "dev")), 0);
    assert_int_equal(rows_at(w, head(t, "main")), 8);
}

/* Commits to different branches do not disturb each other; to the same one they follow the rules
 * for rows. */
static void branches_do_not_conflict(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    set_ref(w, "dev", ids[1], false);
    struct tarn_change *on_main = lake_open(w);
    tarn_change_delete_all(on_main);
    struct tarn_change *late = lake_open(w);
    lake_ok(w, tarn_change_set_branch(late, &w->op, TARN_STR("dev")));
    tarn_change_delete_all(late);
    lake_commit(w, on_branch(w, "dev", "mem://w/raw/t/data/d", 2));
    lake_commit(w, on_main);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(rows_at(w, head(t, "main")), 0);
    assert_int_equal(rows_at(w, head(t, "dev")), 10);
    lake_fails(w, commit(w, late), TARN_CONFLICT, "rows");
    struct tarn_change *c = on_branch(w, "dev", "mem://w/raw/t/data/e", 1);
    struct tarn_change *removal = lake_open(w);
    lake_ok(w, tarn_change_remove_ref(removal, &w->op, TARN_STR("dev")));
    lake_commit(w, removal);
    lake_fails(w, commit(w, c), TARN_CONFLICT, "branch was removed");
}

static void a_ref_that_was_moved_meanwhile(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    set_ref(w, "dev", ids[0], false);
    struct tarn_ref r = ref("dev", ids[1], false), fresh = ref("new", ids[1], false);
    struct tarn_change *set = lake_open(w), *make = lake_open(w), *back = lake_open(w),
                       *other = lake_open(w), *removal = lake_open(w);
    lake_ok(w, tarn_change_set_ref(set, &w->op, &r));
    lake_ok(w, tarn_change_set_ref(make, &w->op, &fresh));
    lake_ok(w, tarn_change_set_current(back, &w->op, ids[0], true));
    lake_ok(w, tarn_change_remove_ref(removal, &w->op, TARN_STR("dev")));
    r = ref("v9", ids[0], true);
    lake_ok(w, tarn_change_set_ref(other, &w->op, &r));
    lake_commit(w, on_branch(w, "dev", "mem://w/raw/t/data/d", 2));
    set_ref(w, "new", ids[0], false);
    lake_append_now(w, "mem://w/raw/t/data/c", 1);
    lake_fails(w, commit(w, set), TARN_CONFLICT, "branch or tag");
    lake_fails(w, commit(w, make), TARN_CONFLICT, "branch or tag");
    lake_fails(w, commit(w, back), TARN_CONFLICT, "branch or tag");
    lake_fails(w, commit(w, removal), TARN_CONFLICT, "branch or tag");
    lake_commit(w, other);
    assert_int_equal(head(lake_load(w), "v9"), ids[0]);
    assert_int_equal(rows_at(w, current(w)), 9);
}

/* CREATE BRANCH in a table without snapshots; a tag of the very rows of the same change. */
static void refs_to_the_change_s_own_snapshot(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_ref r = ref("dev", tarn_change_snapshot_id(c), false);
    lake_ok(w, tarn_change_set_ref(c, &w->op, &r));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, 0);
    assert_null(tarn_metadata_ref(&t->metadata, TARN_STR("main")));
    assert_int_equal(t->metadata.snapshot_count, 1);
    assert_int_equal(t->metadata.snapshots[0].parent_id, 0);
    assert_int_equal(t->metadata.snapshot_log_count, 0);
    lake_commit(w, on_branch(w, "dev", A, 5));
    c = lake_open(w);
    r = ref("v1", tarn_change_snapshot_id(c), true);
    lake_ok(w, tarn_change_set_ref(c, &w->op, &r));
    lake_append(w, c, B, 3);
    lake_append_now(w, "mem://w/raw/t/data/c", 1); /* a retry */
    lake_commit(w, c);
    t = lake_load(w);
    assert_int_equal(head(t, "v1"), t->metadata.current_snapshot_id);
    assert_int_equal(rows_at(w, head(t, "v1")), 4);
    assert_int_equal(rows_at(w, head(t, "dev")), 5);
}

/* ---- main moves */

static void rollback_and_its_log(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_current(c, &w->op, ids[0], true));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, ids[0]);
    assert_int_equal(head(t, "main"), ids[0]);
    assert_int_equal(t->metadata.snapshot_log_count, 3);
    assert_int_equal(t->metadata.snapshot_log[2].snapshot_id, ids[0]);
    assert_int_equal(t->metadata.snapshot_log[2].timestamp_ms, t->metadata.last_updated_ms);
    assert_int_equal(t->metadata.last_sequence_number, 2);
    c = lake_open(w);
    lake_fails(w, tarn_change_set_current(c, &w->op, ids[1], true), TARN_INVALID, "ancestor");
    lake_ok(w, tarn_change_set_current(c, &w->op, ids[1], false));
    lake_append(w, c, "mem://w/raw/t/data/c", 1); /* rows on top of it, one entry of the log */
    lake_commit(w, c);
    t = lake_load(w);
    assert_int_equal(rows_at(w, t->metadata.current_snapshot_id), 9);
    assert_int_equal(tarn_metadata_current(&t->metadata)->parent_id, ids[1]);
    assert_int_equal(tarn_metadata_current(&t->metadata)->sequence_number, 3);
    assert_int_equal(t->metadata.snapshot_log_count, 4);
}

static void fast_forwards(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    set_ref(w, "audit", ids[1], false);
    lake_commit(w, on_branch(w, "audit", "mem://w/raw/t/data/d", 2));
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_fast_forward(c, &w->op, TARN_STR("main"), TARN_STR("audit")));
    lake_commit(w, on_branch(w, "audit", "mem://w/raw/t/data/e", 4)); /* it goes on meanwhile */
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, head(t, "audit"));
    assert_int_equal(rows_at(w, current(w)), 14);
    assert_int_equal(t->metadata.snapshot_log_count, 3);
    lake_append_now(w, "mem://w/raw/t/data/f", 1);
    lake_commit(w, on_branch(w, "audit", "mem://w/raw/t/data/g", 1));
    c = lake_open(w);
    lake_fails(w, tarn_change_fast_forward(c, &w->op, TARN_STR("main"), TARN_STR("audit")),
               TARN_CONFLICT, "snapshots of its own");
    lake_ok(w, tarn_change_fast_forward(c, &w->op, TARN_STR("fresh"), TARN_STR("audit")));
    lake_commit(w, c); /* a branch that is not there is made, as Java does it */
    t = lake_load(w);
    assert_int_equal(head(t, "fresh"), head(t, "audit"));
}

/* ---- sort orders, locations, metadata paths */

static void sort_orders(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_sort_field fields[] = {
        {.source_id = 2, .descending = true, .nulls_last = true},
        {.source_id = 1, .transform = {.kind = TARN_TRANSFORM_BUCKET, .param = 4}}};
    struct tarn_sort_order order = {.fields = fields, .field_count = 2}, unsorted = {0};
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_sort_order(c, &w->op, &order));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.default_sort_order_id, 1);
    assert_int_equal(t->metadata.sort_order_count, 2);
    assert_true(t->metadata.sort_orders[1].fields[0].descending);
    c = lake_open(w);
    lake_ok(w, tarn_change_set_sort_order(c, &w->op, &unsorted));
    lake_commit(w, c);
    assert_int_equal(lake_load(w)->metadata.default_sort_order_id, 0);
    c = lake_open(w);
    lake_ok(w, tarn_change_set_sort_order(c, &w->op, &order)); /* it keeps its id */
    lake_commit(w, c);
    t = lake_load(w);
    assert_int_equal(t->metadata.default_sort_order_id, 1);
    assert_int_equal(t->metadata.sort_order_count, 2);
    c = lake_open(w);
    fields[0].source_id = 99;
    lake_fails(w, tarn_change_set_sort_order(c, &w->op, &order), TARN_COLUMN, "99");
    struct tarn_schema s; /* what it is sorted by cannot be dropped */
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(&t->metadata), &s));
    s.root.field_count--;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "sorted");
}

static void a_table_made_sorted_and_in_version_3(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_sort_field field = {.source_id = 1};
    struct tarn_kv kv[] = {{TARN_STR("format-version"), TARN_STR("3")},
                           {TARN_STR("a"), TARN_STR("b")}};
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/t"),
                                 .schema = &schema,
                                 .order = {.fields = &field, .field_count = 1},
                                 .properties = {kv, 2}};
    int32_t next = 1;
    lake_ok(w,
            tarn_type_parse(&w->op, TARN_STR("struct<id: long, at: timestamp_ns>"), &schema.root));
    tarn_type_assign_ids(&schema.root, &next);
    lake_ok(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &c));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.format_version, 3);
    assert_int_equal(t->metadata.next_row_id, 0);
    assert_int_equal(t->metadata.default_sort_order_id, 1);
    assert_int_equal(t->metadata.properties.count, 1);
    const char *const bad[] = {"1", "4", "two", "0"};
    const enum tarn_status why[] = {TARN_UNSUPPORTED, TARN_UNSUPPORTED, TARN_INVALID, TARN_INVALID};
    for (size_t i = 0; i < 4; i++) {
        kv[0].value = tarn_str_view(bad[i]);
        lake_fails(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &c), why[i],
                   "version");
    }
    kv[0].value = TARN_STR("2"); /* which has no nanoseconds */
    lake_fails(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &c), TARN_UNSUPPORTED,
               "timestamp_ns");
}

static void upgrades_go_one_way(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    lake_fails(w, tarn_change_upgrade(c, &w->op, 1), TARN_INVALID, "1");
    lake_fails(w, tarn_change_upgrade(c, &w->op, 4), TARN_UNSUPPORTED, "4");
    lake_ok(w, tarn_change_upgrade(c, &w->op, 2));
    assert_true(tarn_change_is_empty(c));
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    struct tarn_change *late = lake_open(w);
    lake_append(w, late, "mem://w/raw/t/data/late", 1);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.format_version, 3);
    assert_int_equal(t->metadata.next_row_id, 0);
    assert_int_equal(t->metadata.snapshots[0].first_row_id, -1);
    lake_fails(w, commit(w, late), TARN_CONFLICT, "version");
}

static void where_metadata_lies(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_location(c, &w->op, TARN_STR("mem://w/elsewhere/")));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_true(tarn_str_is(t->metadata.location, "mem://w/elsewhere/"));
    assert_true(tarn_str_starts(t->metadata_location, TARN_STR("mem://w/elsewhere/metadata/")));
    c = lake_open(w);
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("write.metadata.path"),
                                        TARN_STR("mem://w/meta//")));
    lake_append(w, c, "mem://w/raw/t/data/c", 1);
    lake_commit(w, c);
    t = lake_load(w);
    assert_true(tarn_str_starts(t->metadata_location, TARN_STR("mem://w/meta/0")));
    assert_true(tarn_str_starts(tarn_metadata_current(&t->metadata)->manifest_list,
                                TARN_STR("mem://w/meta/snap-")));
    assert_int_equal(rows_at(w, current(w)), 9);
    c = lake_open(w);
    lake_fails(w, tarn_change_set_location(c, &w->op, TARN_STR("")), TARN_INVALID, "location");
}

/* ---- schemas */

static void docs_and_defaults_make_another_schema(void **state)
{
    struct lake_world *w = *state;
    struct tarn_schema s;
    int64_t ids[2];
    two_snapshots(w, ids);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    s.root.fields[0].doc = TARN_STR("the key");
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_true(tarn_str_is(tarn_metadata_schema(&t->metadata)->root.fields[0].doc, "the key"));
    c = lake_open(w);
    s.root.fields[0].write_default = TARN_STR("7");
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_UNSUPPORTED, "version 3");
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    struct tarn_field fields[3] = {s.root.fields[0],
                                   s.root.fields[1],
                                   {.name = TARN_STR("n"),
                                    .type = {.kind = TARN_TYPE_INT},
                                    .required = true,
                                    .initial_default = TARN_STR("5"),
                                    .write_default = TARN_STR("5")}};
    s.root.fields = fields;
    s.root.field_count = 3;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s)); /* required, since older rows have a value */
    lake_commit(w, c);
    t = lake_load(w);
    const struct tarn_schema *now = tarn_metadata_schema(&t->metadata);
    assert_true(tarn_str_is(now->root.fields[2].initial_default, "5"));
    assert_true(tarn_str_is(now->root.fields[0].write_default, "7"));
    c = lake_open(w);
    lake_ok(w, tarn_schema_copy(&w->op, now, &s));
    s.root.fields[2].initial_default = TARN_STR("6");
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "initial default");
}

/* ---- CREATE OR REPLACE */

static void replace(struct lake_world *w, const char *type, const char *partition,
                    struct tarn_kvs properties, struct tarn_change **out)
{
    struct tarn_schema schema = {0};
    struct tarn_create create = {.schema = &schema, .properties = properties};
    struct tarn_sort_field field = {.source_id = 2};
    struct tarn_str expr = tarn_str_view(partition);
    int32_t next = 1;
    lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(type), &schema.root));
    tarn_type_assign_ids(&schema.root, &next);
    lake_ok(w, tarn_spec_make(&w->op, &schema, &expr, 1, &create.spec));
    create.order = (struct tarn_sort_order){.fields = &field, .field_count = 1};
    *out = lake_open(w);
    lake_ok(w, tarn_change_replace(*out, &w->op, &create));
}

static void a_table_is_replaced(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    struct tarn_change *c;
    struct tarn_kv kv[] = {{TARN_STR("new"), TARN_STR("1")},
                           {TARN_STR("format-version"), TARN_STR("3")}};
    static const char *const values[] = {"1"};
    two_snapshots(w, ids);
    set_ref(w, "v1", ids[0], true);
    c = lake_open(w);
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("old"), TARN_STR("1")));
    lake_commit(w, c);
    /* name keeps its id, id becomes text and so another column, the struct is new */
    replace(w, "struct<name: string, id: string, s: struct<x: int>>", "bucket(4, id)",
            (struct tarn_kvs){kv, 2}, &c);
    assert_false(tarn_change_is_empty(c));
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/n", 2);
    const struct tarn_metadata *m = tarn_change_metadata(c);
    lake_partition(w, &f, m, m->default_spec_id, values);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    const struct tarn_schema *s = tarn_metadata_schema(&t->metadata);
    assert_int_equal(s->root.field_count, 3);
    assert_int_equal(s->root.fields[0].id, 2);
    assert_int_equal(s->root.fields[1].id, 3);
    assert_int_equal(s->root.fields[2].id, 4);
    assert_int_equal(s->root.fields[2].type.fields[0].id, 5);
    assert_int_equal(t->metadata.last_column_id, 5);
    assert_int_equal(tarn_metadata_spec(&t->metadata)->fields[0].source_id, 3);
    assert_int_equal(t->metadata.sort_orders[t->metadata.sort_order_count - 1].fields[0].source_id,
                     3);
    assert_int_equal(t->metadata.format_version, 3);
    assert_null(tarn_kvs_get(&t->metadata.properties, "old"));
    assert_non_null(tarn_kvs_get(&t->metadata.properties, "new"));
    assert_true(tarn_str_is(t->metadata.location, "mem://w/raw/t"));
    const struct tarn_snapshot *now = tarn_metadata_current(&t->metadata);
    assert_int_equal(now->parent_id, 0);
    assert_int_equal(now->sequence_number, 3);
    assert_int_equal(rows_at(w, now->snapshot_id), 2);
    assert_string_equal(lake_summary(t, "total-records"), "2");
    assert_int_equal(head(t, "v1"), ids[0]); /* history stays */
    assert_int_equal(rows_at(w, ids[1]), 8);
    assert_int_equal(t->metadata.snapshot_log_count, 3);
}

static void a_table_is_replaced_by_an_empty_one(void **state)
{
    struct lake_world *w = *state;
    int64_t ids[2];
    struct tarn_change *c, *late;
    two_snapshots(w, ids);
    replace(w, "struct<id: long, name: string>", "name", (struct tarn_kvs){0}, &c);
    replace(w, "struct<id: long, name: string>", "name", (struct tarn_kvs){0}, &late);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, 0);
    assert_int_equal(t->metadata.schema_count, 1); /* the same again keeps its id */
    assert_int_equal(t->metadata.snapshot_count, 2);
    lake_fails(w, commit(w, late), TARN_CONFLICT, "raw.t");
    lake_append_now(w, A, 5);
    assert_int_equal(rows_at(w, current(w)), 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(a_branch_is_made_set_and_removed),
        T(what_refs_are_refused),
        T(trap_28_rows_go_to_the_branch),
        T(branches_do_not_conflict),
        T(a_ref_that_was_moved_meanwhile),
        T(refs_to_the_change_s_own_snapshot),
        T(rollback_and_its_log),
        T(fast_forwards),
        T(sort_orders),
        T(a_table_made_sorted_and_in_version_3),
        T(upgrades_go_one_way),
        T(where_metadata_lies),
        T(docs_and_defaults_make_another_schema),
        T(a_table_is_replaced),
        T(a_table_is_replaced_by_an_empty_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
