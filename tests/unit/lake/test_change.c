/* Changes: what each version of a table holds: schemas, specs, summaries, logs, refs; and what a
 * change refuses to be. */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};

/* ---- summaries: trap 30 */

static void assert_total(const struct tarn_table *t, const char *key, const char *value)
{
    const char *found = lake_summary(t, key);
    if (!found || strcmp(found, value) != 0)
        print_error("%s: %s, wanted %s\n", key, found ? found : "-", value);
    assert_non_null(found);
    assert_string_equal(found, value);
}

static void totals_add_up(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a";
    struct tarn_str gone = TARN_STR("mem://w/raw/t/data/b");
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, a, 10);
    lake_append(w, c, gone.ptr, 5);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_total(t, "operation", "append");
    assert_total(t, "added-data-files", "2");
    assert_total(t, "added-records", "15");
    assert_total(t, "added-files-size", "8");
    assert_total(t, "total-records", "15");
    assert_total(t, "total-data-files", "2");
    assert_total(t, "total-delete-files", "0");
    assert_null(lake_summary(t, "deleted-records"));
    c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 1);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_append(w, c, "mem://w/raw/t/data/c", 2);
    lake_commit(w, c);
    t = lake_load(w);
    assert_total(t, "operation", "overwrite");
    assert_total(t, "deleted-data-files", "1");
    assert_total(t, "deleted-records", "5");
    assert_total(t, "added-delete-files", "1");
    assert_total(t, "added-position-delete-files", "1");
    assert_total(t, "added-position-deletes", "1");
    assert_total(t, "total-records", "12");
    assert_total(t, "total-data-files", "2");
    assert_total(t, "total-delete-files", "1");
    assert_total(t, "total-position-deletes", "1");
    assert_total(t, "total-files-size", "12");
    c = lake_open(w);
    tarn_change_delete_all(c);
    lake_commit(w, c);
    t = lake_load(w);
    assert_total(t, "operation", "delete");
    assert_total(t, "total-records", "0");
    assert_total(t, "total-data-files", "0");
    assert_total(t, "total-delete-files", "0");
    assert_total(t, "total-position-deletes", "0");
    assert_total(t, "total-files-size", "0");
    assert_total(t, "removed-position-deletes", "1");
}

/* Rows that only deletes remove: Java calls such a snapshot "delete" or "overwrite", never
 * "append". */
static void deletes_alone_are_no_append(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 10);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", "mem://w/raw/t/data/a", 1);
    lake_commit(w, c);
    assert_string_not_equal(lake_summary(lake_load(w), "operation"), "append");
}

static void trap_30_unknown_totals_stay_unknown(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 10);
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    struct tarn_snapshot bare = m.snapshots[0];
    lake_ok(w, tarn_kvs_with(&w->op, &bare.summary, TARN_STR("total-records"),
                             (struct tarn_str){NULL, 0}, &bare.summary));
    lake_ok(w, tarn_kvs_with(&w->op, &bare.summary, TARN_STR("total-data-files"), TARN_STR("many"),
                             &bare.summary));
    m.snapshots = &bare;
    lake_publish(w, t, &m);
    lake_append_now(w, "mem://w/raw/t/data/b", 1);
    t = lake_load(w);
    assert_null(lake_summary(t, "total-records"));
    assert_null(lake_summary(t, "total-data-files"));
    assert_total(t, "total-files-size", "8");
    struct tarn_table_totals totals; /* counted, then */
    lake_ok(w, tarn_table_totals(&w->lake, &w->op, t, &totals));
    assert_int_equal(totals.rows, 11);
    assert_int_equal(totals.data_files, 2);
}

static void trap_30_metrics_cannot_be_overridden(void **state)
{
    struct lake_world *w = *state;
    static const char *const own[] = {"operation",        "total-records",         "added-records",
                                      "added-data-files", "total-data-files",      "engine-name",
                                      "deleted-records",  "total-equality-deletes"};
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/a", 10);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        lake_ok(w, tarn_change_set_summary(c, &w->op, tarn_str_view(own[i]), TARN_STR("wrong")));
    lake_ok(w, tarn_change_set_summary(c, &w->op, TARN_STR("tarn.run-id"), TARN_STR("r1")));
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    assert_total(t, "operation", "append");
    assert_total(t, "total-records", "10");
    assert_total(t, "added-records", "10");
    assert_total(t, "engine-name", "tarn");
    assert_total(t, "tarn.run-id", "r1");
    assert_null(lake_summary(t, "deleted-records"));
}

/* ---- the log of metadata files */

static void property(struct lake_world *w, const char *key, const char *value)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_property(c, &w->op, tarn_str_view(key), tarn_str_view(value)));
    lake_commit(w, c);
}

static bool exists(struct lake_world *w, struct tarn_str path)
{
    struct tarn_object o;
    enum tarn_status status = tarn_storage_head(w->lake.storage, &w->op, path, &o);
    tarn_clear(&w->op);
    return status == TARN_OK;
}

static void trap_26_the_log_excludes_its_own_file(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_str first = lake_load(w)->metadata_location;
    int64_t then = lake_load(w)->metadata.last_updated_ms;
    assert_int_equal(lake_load(w)->metadata.metadata_log_count, 0);
    property(w, "a", "1");
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_int_equal(m->metadata_log_count, 1);
    assert_true(tarn_str_eq(m->metadata_log[0].file, first));
    assert_int_equal(m->metadata_log[0].timestamp_ms, then);
    assert_true(m->last_updated_ms > then);
}

static void the_log_is_trimmed(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str files[6];
    lake_create(w, "struct<id: long>", NONE);
    property(w, "write.metadata.previous-versions-max", "3");
    for (int i = 0; i < 6; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        files[i] = lake_load(w)->metadata_location;
        property(w, "v", value);
    }
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_int_equal(m->metadata_log_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(tarn_str_eq(m->metadata_log[i].file, files[3 + i]));
    assert_true(exists(w, files[0])); /* kept: deleting was not asked for */
}

static void old_metadata_goes_when_asked(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str files[6];
    lake_create(w, "struct<id: long>", NONE);
    property(w, "write.metadata.previous-versions-max", "2");
    property(w, "write.metadata.delete-after-commit.enabled", "true");
    for (int i = 0; i < 6; i++) {
        char value[16];
        snprintf(value, sizeof value, "%d", i);
        files[i] = lake_load(w)->metadata_location;
        property(w, "v", value);
    }
    for (int i = 0; i < 6; i++)
        assert_int_equal(exists(w, files[i]), i >= 4);
    assert_true(exists(w, lake_load(w)->metadata_location));
}

/* A text that is no number must not throw history away. */
static void a_bad_limit_of_the_log_counts_as_the_default(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    property(w, "write.metadata.delete-after-commit.enabled", "true");
    property(w, "write.metadata.previous-versions-max", "all of them");
    struct tarn_str first = lake_load(w)->metadata_location;
    property(w, "v", "1");
    property(w, "v", "2");
    assert_true(exists(w, first));
    assert_int_equal(lake_load(w)->metadata.metadata_log_count, 4);
}

static void file_names_count_on(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    assert_true(
        tarn_str_starts(tarn_path_base(lake_load(w)->metadata_location), TARN_STR("00000-")));
    property(w, "a", "1");
    assert_true(
        tarn_str_starts(tarn_path_base(lake_load(w)->metadata_location), TARN_STR("00001-")));
    property(w, "a", "2");
    assert_true(
        tarn_str_starts(tarn_path_base(lake_load(w)->metadata_location), TARN_STR("00002-")));
    assert_true(tarn_str_ends(lake_load(w)->metadata_location, TARN_STR(".metadata.json")));
}

/* ---- snapshots and refs: traps 26, 28 */

static void trap_26_snapshot_ids(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    int64_t last = 0;
    for (int i = 0; i < 20; i++) {
        struct tarn_change *c = lake_open(w);
        int64_t id = tarn_change_snapshot_id(c);
        assert_true(id > 0);
        assert_int_not_equal(id, last);
        last = id;
    }
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    assert_int_equal(lake_load(w)->metadata.snapshots[0].parent_id, 0);
    lake_append_now(w, "mem://w/raw/t/data/b", 1);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_int_equal(m->snapshot_log_count, 2);
    assert_int_equal(m->snapshot_log[1].snapshot_id, m->current_snapshot_id);
    assert_true(m->snapshot_log[1].timestamp_ms > m->snapshot_log[0].timestamp_ms);
    assert_int_equal(m->snapshots[1].timestamp_ms, m->snapshot_log[1].timestamp_ms);
    assert_true(m->last_updated_ms >= m->snapshots[1].timestamp_ms);
}

static void trap_28_refs_and_their_settings_survive(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    int64_t first = m.current_snapshot_id;
    struct tarn_ref refs[] = {
        {.name = TARN_STR("audit"),
         .snapshot_id = first,
         .min_snapshots_to_keep = 4,
         .max_snapshot_age_ms = 5,
         .max_ref_age_ms = 6},
        {.name = TARN_STR("main"),
         .snapshot_id = first,
         .min_snapshots_to_keep = 7,
         .max_snapshot_age_ms = 8,
         .max_ref_age_ms = -1},
        {.name = TARN_STR("v1"),
         .snapshot_id = first,
         .is_tag = true,
         .min_snapshots_to_keep = -1,
         .max_snapshot_age_ms = -1,
         .max_ref_age_ms = 9},
    };
    m.refs = refs;
    m.ref_count = 3;
    lake_publish(w, t, &m);
    lake_append_now(w, "mem://w/raw/t/data/b", 1);
    t = lake_load(w);
    const struct tarn_ref *main_ref = tarn_metadata_ref(&t->metadata, TARN_STR("main"));
    const struct tarn_ref *audit = tarn_metadata_ref(&t->metadata, TARN_STR("audit"));
    const struct tarn_ref *tag = tarn_metadata_ref(&t->metadata, TARN_STR("v1"));
    assert_int_equal(t->metadata.ref_count, 3);
    assert_int_equal(main_ref->snapshot_id, t->metadata.current_snapshot_id);
    assert_int_equal(main_ref->min_snapshots_to_keep, 7);
    assert_int_equal(main_ref->max_snapshot_age_ms, 8);
    assert_int_equal(audit->snapshot_id, first);
    assert_int_equal(audit->min_snapshots_to_keep, 4);
    assert_true(tag->is_tag);
    assert_int_equal(tag->max_ref_age_ms, 9);
}

/* The table was rolled back: its head has a lower sequence number than the last one given out. */
static void sequence_numbers_go_on_after_a_rollback(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    lake_append_now(w, "mem://w/raw/t/data/b", 2);
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    int64_t first = m.snapshots[0].snapshot_id;
    struct tarn_ref main_ref = *tarn_metadata_ref(&m, TARN_STR("main"));
    main_ref.snapshot_id = m.current_snapshot_id = first;
    m.refs = &main_ref;
    m.ref_count = 1;
    lake_publish(w, t, &m);
    lake_append_now(w, "mem://w/raw/t/data/c", 4);
    t = lake_load(w);
    const struct tarn_snapshot *now = tarn_metadata_current(&t->metadata);
    assert_int_equal(now->parent_id, first);
    assert_int_equal(now->sequence_number, 3);
    assert_total(t, "total-records", "5");
    assert_int_equal(lake_live(w, t), 2);
}

/* ---- schemas */

static struct tarn_schema schema_now(struct lake_world *w, const struct tarn_change *c)
{
    struct tarn_schema s;
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    return s;
}

static void an_equal_schema_is_no_change(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, s: struct<x: int>>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    assert_true(tarn_change_is_empty(c));
    assert_int_equal(tarn_change_metadata(c)->schema_count, 1);
}

static void an_equal_spec_is_no_change(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_id[] = {"bucket(4, id)", NULL};
    lake_create(w, "struct<id: long>", by_id);
    struct tarn_change *c = lake_open(w);
    struct tarn_partition_spec spec;
    struct tarn_str expr = TARN_STR("bucket(4, id)");
    lake_ok(w,
            tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &expr, 1, &spec));
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    assert_true(tarn_change_is_empty(c));
}

static void a_property_set_back_is_no_change(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    property(w, "k", "v");
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("k"), TARN_STR("v")));
    assert_true(tarn_change_is_empty(c));
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("k"), (struct tarn_str){NULL, 0}));
    assert_false(tarn_change_is_empty(c));
    lake_commit(w, c);
    assert_null(tarn_kvs_get(&lake_load(w)->metadata.properties, "k"));
}

static void an_older_schema_comes_back_under_its_id(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, a: int>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema first = schema_now(w, c), s = schema_now(w, c);
    s.root.fields[1].name = TARN_STR("b");
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    assert_int_equal(lake_load(w)->metadata.current_schema_id, 1);
    c = lake_open(w);
    lake_ok(w, tarn_change_set_schema(c, &w->op, &first));
    lake_commit(w, c);
    assert_int_equal(lake_load(w)->metadata.current_schema_id, 0);
    assert_int_equal(lake_load(w)->metadata.schema_count, 2);
}

/* A dropped column's id is never given out again, also when its name is. */
static void ids_are_not_used_again(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, a: int>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    s.root.field_count = 1;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    c = lake_open(w);
    s = schema_now(w, c);
    struct tarn_field fields[] = {s.root.fields[0],
                                  {.name = TARN_STR("a"), .type = {.kind = TARN_TYPE_STRING}}};
    s.root.fields = fields;
    s.root.field_count = 2;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    assert_int_equal(tarn_metadata_schema(&lake_load(w)->metadata)->root.fields[1].id, 3);
    assert_int_equal(lake_load(w)->metadata.last_column_id, 3);
    c = lake_open(w);
    fields[1].id = 2; /* the old one: it is not in the schema any more */
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "2");
}

static void promotions(void **state)
{
    struct lake_world *w = *state;
    static const struct {
        const char *from, *to;
        bool allowed;
    } cases[] = {
        {"int", "long", true},
        {"float", "double", true},
        {"decimal(9,2)", "decimal(12,2)", true},
        {"long", "int", false},
        {"double", "float", false},
        {"decimal(9,2)", "decimal(9,3)", false},
        {"decimal(9,2)", "decimal(8,2)", false},
        {"long", "double", false},
        {"int", "string", false},
        {"date", "timestamp", false},
        {"string", "binary", false},
        {"struct<a: int>", "struct<a: long>", true},
        {"list<int>", "list<long>", true},
        {"list<int>", "list<string>", false},
        {"struct<a: int>", "string", false},
        {"string", "list<string>", false},
        {"map<string, int>", "map<string, long>", true},
    };
    lake_create(w, "struct<id: long>", NONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_change *c = lake_open(w);
        struct tarn_schema s = {0};
        char text[128];
        int32_t next = 100;
        snprintf(text, sizeof text, "struct<x: %s>", cases[i].from);
        lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(text), &s.root));
        lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
        s = schema_now(w, c);
        struct tarn_type to;
        lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(cases[i].to), &to));
        struct tarn_type *from = &s.root.fields[0].type;
        for (size_t k = 0; k < to.field_count && k < from->field_count; k++)
            to.fields[k].id = from->fields[k].id;
        tarn_type_assign_ids(&to, &next);
        s.root.fields[0].type = to;
        enum tarn_status status = tarn_change_set_schema(c, &w->op, &s);
        if ((status == TARN_OK) != cases[i].allowed)
            print_error("%s -> %s: %s\n", cases[i].from, cases[i].to,
                        tarn_status_info(status)->name);
        assert_int_equal(status, cases[i].allowed ? TARN_OK : TARN_SCHEMA);
        tarn_clear(&w->op);
    }
}

static struct tarn_field *inner(struct tarn_schema *s, size_t column, size_t child)
{
    return &s->root.fields[column].type.fields[child];
}

/* Two keys of one map must not become equal, and are always there. */
static void keys_of_maps_keep_their_fields(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, m: map<struct<a: int, b: int>, int>>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    inner(&s, 1, 0)->required = false;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "made optional");
    s = schema_now(w, c);
    inner(&s, 1, 0)->type.field_count = 1;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "could become equal");
    s = schema_now(w, c);
    inner(&s, 1, 0)->type.fields[1].id = 0;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "could become equal");
    s = schema_now(w, c);
    struct tarn_type *key = &inner(&s, 1, 0)->type;
    struct tarn_field a = key->fields[0];
    a.name = TARN_STR("renamed");
    a.type.kind = TARN_TYPE_LONG;
    key->fields[0] = key->fields[1];
    key->fields[1] = a;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
}

/* A required field needs a value for older rows, unless they have no struct that it is in. */
static void required_fields_of_new_columns(void **state)
{
    struct lake_world *w = *state;
    static const struct {
        bool initial; /* of the column: {} */
        bool field;   /* of the field: 1 */
        bool allowed;
    } cases[] = {{false, false, true}, {true, false, false}, {true, true, true}};
    lake_create(w, "struct<id: long>", NONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_change *c = lake_open(w);
        struct tarn_schema s = {0};
        lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
        lake_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<x: struct<y: int>>"), &s.root));
        if (cases[i].initial)
            s.root.fields[0].initial_default = TARN_STR("{}");
        if (cases[i].field)
            inner(&s, 0, 0)->initial_default = TARN_STR("1");
        inner(&s, 0, 0)->required = true;
        enum tarn_status status = tarn_change_set_schema(c, &w->op, &s);
        assert_int_equal(status, cases[i].allowed ? TARN_OK : TARN_SCHEMA);
        tarn_clear(&w->op);
    }
}

/* A date's default becomes a timestamp's with it, and is the same one. */
static void an_initial_default_is_promoted_with_its_column(void **state)
{
    struct lake_world *w = *state;
    struct tarn_schema s = {0};
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    lake_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<d: date>"), &s.root));
    s.root.fields[0].initial_default = TARN_STR("\"2024-02-29\"");
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    s = schema_now(w, c);
    s.root.fields[0].type.kind = TARN_TYPE_TIMESTAMP;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "cannot be changed");
    s.root.fields[0].initial_default = TARN_STR("\"2024-02-29T00:00:01\"");
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "cannot be changed");
    s.root.fields[0].initial_default = TARN_STR("\"2024-02-29T00:00:00\"");
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
}

/* Java cannot load such tables: "Cannot find source column", and no file could be written. */
static void the_source_of_the_default_spec_cannot_be_dropped(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_region[] = {"region", NULL};
    lake_create(w, "struct<id: long, region: string>", by_region);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    s.root.field_count = 1;
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "region");
}

static void names_that_differ_only_in_case_are_refused(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, a: int>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    s.root.fields[1].name = TARN_STR("ID");
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "ID");
}

static void the_same_name_twice_is_refused(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, a: int>", NONE);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = schema_now(w, c);
    s.root.fields[1].name = TARN_STR("id");
    lake_fails(w, tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA, "id");
}

/* ---- specs: trap 24 */

static struct tarn_partition_spec spec_of(struct lake_world *w, const struct tarn_change *c,
                                          const char *a, const char *b)
{
    struct tarn_partition_spec spec;
    struct tarn_str exprs[] = {tarn_str_view(a), tarn_str_view(b)};
    lake_ok(w, tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), exprs,
                              b ? 2 : 1, &spec));
    return spec;
}

static void trap_24_equal_fields_keep_their_ids(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_day[] = {"day(ts)", NULL};
    lake_create(w, "struct<id: long, ts: timestamptz>", by_day);
    struct tarn_change *c = lake_open(w);
    struct tarn_partition_spec spec = spec_of(w, c, "bucket(4, id)", "day(ts)");
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    lake_commit(w, c);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_int_equal(m->spec_count, 2);
    assert_int_equal(m->default_spec_id, 1);
    assert_int_equal(m->last_partition_id, 1001);
    assert_int_equal(m->specs[1].fields[0].field_id, 1001);
    assert_int_equal(m->specs[1].fields[1].field_id, 1000);
    c = lake_open(w);
    spec = spec_of(w, c, "bucket(8, id)", NULL); /* another width is another field */
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    lake_commit(w, c);
    m = &lake_load(w)->metadata;
    assert_int_equal(tarn_metadata_spec(m)->fields[0].field_id, 1002);
    c = lake_open(w);
    spec = spec_of(w, c, "day(ts)", NULL); /* the first one again */
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    lake_commit(w, c);
    m = &lake_load(w)->metadata;
    assert_int_equal(m->default_spec_id, 0);
    assert_int_equal(m->spec_count, 3);
}

static void specs_are_named_as_spark_names_them(void **state)
{
    struct lake_world *w = *state;
    static const struct {
        const char *expr, *name;
    } cases[] = {{"day(ts)", "ts_day"},
                 {"hour(ts)", "ts_hour"},
                 {"year(ts)", "ts_year"},
                 {"months(ts)", "ts_month"},
                 {"bucket(16, id)", "id_bucket"},
                 {"truncate(4, s)", "s_trunc"},
                 {"s", "s"},
                 {"n.x", "n.x"}};
    lake_create(w, "struct<id: long, ts: timestamptz, s: string, n: struct<x: int>>", NONE);
    struct tarn_change *c = lake_open(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_partition_spec spec = spec_of(w, c, cases[i].expr, NULL);
        assert_true(tarn_str_is(spec.fields[0].name, cases[i].name));
    }
}

static void specs_that_cannot_be(void **state)
{
    struct lake_world *w = *state;
    static const struct {
        const char *a, *b;
        enum tarn_status status;
        const char *part;
    } cases[] = {
        {"day(nothing)", NULL, TARN_COLUMN, "nothing"},
        {"day(id)", NULL, TARN_INVALID, "day(id)"},
        {"bucket(0, id)", NULL, TARN_INVALID, NULL},
        {"truncate(-1, s)", NULL, TARN_INVALID, NULL},
        {"n", NULL, TARN_INVALID, "n"},
        {"l.element", NULL, TARN_INVALID, "l.element"},
        {"day(ts)", "day(ts)", TARN_INVALID, "ts_day"},
        {"day(ts)", "days(ts)", TARN_INVALID, "ts_day"},
        {"bucket(4, id)", "bucket(8, id)", TARN_INVALID, "id_bucket"},
        {"day(dt)", NULL, TARN_INVALID, "dt_day"}, /* a column of that name is there */
    };
    struct tarn_change *c;
    lake_create(w,
                "struct<id: long, ts: timestamptz, s: string, n: struct<x: int>, l: list<int>, "
                "dt: date, dt_day: int>",
                NONE);
    c = lake_open(w);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_partition_spec spec;
        struct tarn_str exprs[] = {tarn_str_view(cases[i].a), tarn_str_view(cases[i].b)};
        enum tarn_status status =
            tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), exprs,
                           cases[i].b ? 2 : 1, &spec);
        if (status != cases[i].status)
            print_error("%s %s\n", cases[i].a, cases[i].b ? cases[i].b : "");
        lake_fails(w, status, cases[i].status, cases[i].part);
    }
}

/* ---- creation */

static void creation(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_day[] = {"day(ts)", NULL};
    lake_create(w, "struct<id: long, ts: timestamptz, l: list<struct<x: int>>>", by_day);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    assert_int_equal(m->format_version, 2);
    assert_int_equal(m->uuid.len, 36);
    assert_int_equal(m->last_column_id, 5);
    assert_int_equal(m->last_sequence_number, 0);
    assert_int_equal(m->last_partition_id, 1000);
    assert_int_equal(m->current_snapshot_id, 0);
    assert_int_equal(m->sort_order_count, 1);
    assert_int_equal(m->default_sort_order_id, 0);
    assert_int_equal(m->snapshot_log_count, 0);
    assert_int_equal(m->ref_count, 0);
}

/* Tables of version 1 are read, and upgraded before anything is written. */
static void a_table_of_version_1_is_not_written(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str json;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_table *t = lake_load(w);
    lake_ok(w, tarn_storage_read(w->lake.storage, &w->op, t->metadata_location, &json));
    struct tarn_buf b;
    const char *at = strstr(json.ptr, "\"format-version\":");
    assert_non_null(at);
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "{\"format-version\":1,\"schema\":{\"type\":\"struct\",\"schema-id\":0,"
                   "\"fields\":[]},\"partition-spec\":[]");
    at += strcspn(at, ",}");
    tarn_buf_z(&b, at);
    lake_overwrite(w, t->metadata_location, tarn_buf_view(&b));
    tarn_buf_release(&b);
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/a", 5);
    enum tarn_status status = tarn_change_append(c, &w->op, &f, 1);
    assert_non_null(strstr(w->op.report.hint, "ALTER TABLE raw.t"));
    lake_fails(w, status, TARN_UNSUPPORTED, "raw.t");
    lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("a"), TARN_STR("b")));
    lake_fails(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}),
               TARN_UNSUPPORTED, "raw.t");
    c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 2));
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    lake_commit(w, c);
    assert_int_equal(lake_load(w)->metadata.format_version, 2);
    assert_int_equal(lake_live(w, lake_load(w)), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(totals_add_up),
        T(deletes_alone_are_no_append),
        T(trap_30_unknown_totals_stay_unknown),
        T(trap_30_metrics_cannot_be_overridden),
        T(trap_26_the_log_excludes_its_own_file),
        T(the_log_is_trimmed),
        T(old_metadata_goes_when_asked),
        T(a_bad_limit_of_the_log_counts_as_the_default),
        T(file_names_count_on),
        T(trap_26_snapshot_ids),
        T(trap_28_refs_and_their_settings_survive),
        T(sequence_numbers_go_on_after_a_rollback),
        T(an_equal_schema_is_no_change),
        T(an_equal_spec_is_no_change),
        T(a_property_set_back_is_no_change),
        T(an_older_schema_comes_back_under_its_id),
        T(ids_are_not_used_again),
        T(promotions),
        T(keys_of_maps_keep_their_fields),
        T(required_fields_of_new_columns),
        T(an_initial_default_is_promoted_with_its_column),
        T(the_source_of_the_default_spec_cannot_be_dropped),
        T(names_that_differ_only_in_case_are_refused),
        T(the_same_name_twice_is_refused),
        T(trap_24_equal_fields_keep_their_ids),
        T(specs_are_named_as_spark_names_them),
        T(specs_that_cannot_be),
        T(creation),
        T(a_table_of_version_1_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
