/* Scan planning: which files a filter leaves, over specs old and new, with position deletes; and
 * what is refused. */
#include "lake_fixture.h"

#include <math.h>
#include <string.h>

static const char *const NONE[] = {NULL};

/* ---- filters */

/* As a table of version 2 writes it. */
static enum tarn_status list_write(struct tarn_op *op, const struct tarn_manifest_list *list,
                                   int64_t snapshot_id, int64_t parent_id, int64_t sequence_number,
                                   struct tarn_str *out)
{
    struct tarn_manifest_list_write in = {.format_version = 2,
                                          .snapshot_id = snapshot_id,
                                          .parent_id = parent_id,
                                          .sequence_number = sequence_number};
    int64_t next_row_id;
    return tarn_manifest_list_write(op, list, &in, out, &next_row_id);
}

static struct tarn_expr where(struct lake_world *w, const char *column, enum tarn_expr_op op,
                              const char *value)
{
    const struct tarn_schema *s = tarn_metadata_schema(&lake_load(w)->metadata);
    const struct tarn_field *f = tarn_schema_field_by_path(s, tarn_str_view(column));
    assert_non_null(f);
    struct tarn_expr e = {.op = op, .field_id = f->id, .type = f->type};
    if (value) {
        e.values = tarn_alloc(&w->op, sizeof *e.values);
        assert_non_null(e.values);
        e.value_count = 1;
        lake_ok(w, tarn_value_from_text(&w->op, &f->type, tarn_str_view(value), e.values));
    }
    return e;
}

static struct tarn_scan *scan(struct lake_world *w, const struct tarn_expr *filter)
{
    struct tarn_scan *s;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, filter, &s));
    return s;
}

/* The files' names after the last slash, sorted, with blanks between. */
static const char *files_of(struct lake_world *w, const struct tarn_scan *s)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 4096);
    for (char c = 0; c < 127; c++) /* names are single letters */
        for (size_t i = 0; i < s->file_count; i++) {
            struct tarn_str name = tarn_path_base(s->files[i].file->path);
            if (name.ptr[0] == c)
                tarn_buf_printf(&b, "%s%.*s", b.len ? " " : "", TARN_STR_ARG(name));
        }
    tarn_buf_z(&b, "");
    lake_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &b, "names", &out));
    return out.ptr ? out.ptr : "";
}

static const char *left(struct lake_world *w, const char *column, enum tarn_expr_op op,
                        const char *value)
{
    struct tarn_expr e = where(w, column, op, value);
    return files_of(w, scan(w, &e));
}

static enum tarn_status try_scan(struct lake_world *w, const struct tarn_expr *filter)
{
    struct tarn_scan *s;
    return tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, filter, &s);
}

static void add(struct lake_world *w, const struct tarn_data_file *f)
{
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_append(c, &w->op, f, 1));
    lake_commit(w, c);
}

/* ---- pruning */

static void all_files_without_a_filter(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    assert_int_equal(scan(w, NULL)->file_count, 0);
    assert_null(scan(w, NULL)->snapshot);
    lake_append_now(w, "mem://w/raw/t/data/a", 3);
    lake_append_now(w, "mem://w/raw/t/data/b", 4);
    struct tarn_scan *s = scan(w, NULL);
    assert_string_equal(files_of(w, s), "a b");
    assert_int_equal(s->skips.files, 2);
    assert_int_equal(s->skips.rows, 7);
    assert_int_equal(s->skips.rows_skipped, 0);
    assert_int_equal(s->skips.manifests, 2);
    assert_int_equal(s->skips.manifests_skipped, 0);
    assert_int_equal(s->files[0].deleted_count, 0);
}

static void bounds_of_columns(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long, s: struct<x: string>>", NONE);
    const struct tarn_schema *schema = tarn_metadata_schema(&lake_load(w)->metadata);
    static const char *const bounds[][4] = {
        {"a", "1", "9", "aa"}, {"b", "10", "19", "bb"}, {"c", "20", "29", "cc"}};
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        snprintf(path, sizeof path, "mem://w/raw/t/data/%s", bounds[i][0]);
        struct tarn_data_file f = lake_file(w, path, 10);
        lake_metrics(w, &f, schema, "id", bounds[i][1], bounds[i][2], i == 2);
        lake_metrics(w, &f, schema, "s.x", bounds[i][3], bounds[i][3], 0);
        add(w, &f);
    }
    assert_string_equal(left(w, "id", TARN_EXPR_EQ, "15"), "b");
    assert_string_equal(left(w, "id", TARN_EXPR_GE, "19"), "b c");
    assert_string_equal(left(w, "id", TARN_EXPR_IS_NULL, NULL), "c");
    assert_string_equal(left(w, "s.x", TARN_EXPR_STARTS_WITH, "b"), "b");
    struct tarn_expr e = where(w, "id", TARN_EXPR_LT, "1");
    struct tarn_scan *s = scan(w, &e);
    assert_int_equal(s->file_count, 0);
    assert_int_equal(s->skips.files, 3);
    assert_int_equal(s->skips.files_skipped_bounds, 3);
    assert_int_equal(s->skips.files_skipped_partition, 0);
    assert_int_equal(s->skips.rows_skipped, 30);
    assert_int_equal(s->skips.bytes_skipped, 12);
}

/* Spec 0 by region, spec 1 by bucket: each file is pruned by the spec that it was written under. */
static void partitions_of_several_specs(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_region[] = {"region", NULL};
    static const char *const regions[] = {"eu", "us", "null"};
    lake_create(w, "struct<id: long, region: string>", by_region);
    struct tarn_change *c = lake_open(w);
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        const char *tuple[] = {regions[i], NULL};
        snprintf(path, sizeof path, "mem://w/raw/t/data/%c", (char)('a' + i));
        struct tarn_data_file f = lake_file(w, path, 1);
        lake_partition(w, &f, tarn_change_metadata(c), 0, tuple);
        lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    }
    lake_commit(w, c);
    struct tarn_partition_spec spec;
    struct tarn_str bucket = TARN_STR("bucket(4, id)");
    c = lake_open(w);
    const struct tarn_schema *schema = tarn_metadata_schema(tarn_change_metadata(c));
    lake_ok(w, tarn_spec_make(&w->op, schema, &bucket, 1, &spec));
    lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    assert_int_equal(tarn_change_metadata(c)->default_spec_id, 1);
    for (int i = 0; i < 4; i++) {
        char path[64], text[16];
        const char *tuple[] = {text, NULL};
        snprintf(path, sizeof path, "mem://w/raw/t/data/%c", (char)('d' + i));
        snprintf(text, sizeof text, "%d", i);
        struct tarn_data_file f = lake_file(w, path, 1);
        lake_partition(w, &f, tarn_change_metadata(c), 1, tuple);
        lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    }
    lake_commit(w, c);
    assert_string_equal(files_of(w, scan(w, NULL)), "a b c d e f g");
    assert_string_equal(left(w, "region", TARN_EXPR_EQ, "eu"), "a d e f g");
    assert_string_equal(left(w, "region", TARN_EXPR_IS_NULL, NULL), "c d e f g");
    assert_string_equal(left(w, "region", TARN_EXPR_NE, "eu"), "a b c d e f g");
    assert_string_equal(left(w, "id", TARN_EXPR_EQ, "34"), "a b c g"); /* 2017239379 % 4 = 3 */
    assert_string_equal(left(w, "id", TARN_EXPR_GT, "34"), "a b c d e f g");
    struct tarn_expr e = where(w, "region", TARN_EXPR_EQ, "uk");
    struct tarn_scan *s = scan(w, &e);
    assert_int_equal(s->skips.files_skipped_partition, 3);
    assert_int_equal(s->skips.files, 7);
}

/* A manifest none of whose partitions fits is never opened. */
static void manifests_are_skipped_by_their_summaries(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_day[] = {"day(ts)", NULL};
    static const char *const days[] = {"1969-12-30", "1969-12-31", "2024-02-29"};
    lake_create(w, "struct<ts: timestamptz, v: int>", by_day);
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        const char *tuple[] = {days[i], NULL};
        snprintf(path, sizeof path, "mem://w/raw/t/data/%c", (char)('a' + i));
        struct tarn_data_file f = lake_file(w, path, 10);
        lake_partition(w, &f, &lake_load(w)->metadata, 0, tuple);
        add(w, &f);
    }
    struct tarn_expr e = where(w, "ts", TARN_EXPR_GT, "2000-01-01 00:00:00");
    struct tarn_scan *s = scan(w, &e);
    assert_string_equal(files_of(w, s), "c");
    assert_int_equal(s->skips.manifests, 3);
    assert_int_equal(s->skips.manifests_skipped, 2);
    assert_int_equal(s->skips.files, 3);
    assert_int_equal(s->skips.files_skipped_partition, 2);
    assert_int_equal(s->skips.rows_skipped, 20);
    assert_string_equal(left(w, "ts", TARN_EXPR_LT, "1969-12-31 00:00:00"), "a b");
    assert_string_equal(left(w, "ts", TARN_EXPR_LT, "1969-12-30 12:00:00"), "a b");
    assert_string_equal(left(w, "ts", TARN_EXPR_EQ, "1969-12-29 23:59:59.999999"), "a");
    /* proof that it was not opened: its bytes are gone */
    struct tarn_manifest_list list;
    struct tarn_table *t = lake_load(w);
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata,
                                    tarn_metadata_current(&t->metadata), &list));
    for (size_t i = 0; i < list.count; i++)
        if (list.files[i].sequence_number == 1)
            lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, list.files[i].path));
    assert_string_equal(left(w, "ts", TARN_EXPR_GT, "2000-01-01 00:00:00"), "c");
}

/* Bounds of an identity partition of doubles, as a careless writer has them in the manifest
 * list. */
static void trap_15_nan_in_a_manifest_list(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_d[] = {"d", NULL};
    static const char *const tuple[] = {"1.5", NULL};
    lake_create(w, "struct<d: double>", by_d);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/a", 1);
    lake_partition(w, &f, &lake_load(w)->metadata, 0, tuple);
    add(w, &f);
    struct tarn_table *t = lake_load(w);
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    struct tarn_manifest_list list;
    struct tarn_str bytes, nan_bytes;
    struct tarn_type type = {.kind = TARN_TYPE_DOUBLE};
    struct tarn_value nan_value = {.d = (double)NAN};
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata, s, &list));
    lake_ok(w, tarn_value_to_bytes(&w->op, &type, &nan_value, &nan_bytes));
    list.files[0].partitions[0].lower = list.files[0].partitions[0].upper = nan_bytes;
    lake_ok(w, list_write(&w->op, &list, s->snapshot_id, 0, 1, &bytes));
    lake_overwrite(w, s->manifest_list, bytes);
    assert_string_equal(left(w, "d", TARN_EXPR_EQ, "1.5"), "a");
    assert_string_equal(left(w, "d", TARN_EXPR_LT, "2.0"), "a");
}

static void trap_15_nan_partitions_and_bounds(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_d[] = {"d", NULL};
    static const char *const values[] = {"nan", "-0.0", "5.0"};
    lake_create(w, "struct<d: double>", by_d);
    struct tarn_change *c = lake_open(w);
    for (size_t i = 0; i < 3; i++) {
        char path[64];
        const char *tuple[] = {values[i], NULL};
        snprintf(path, sizeof path, "mem://w/raw/t/data/%c", (char)('a' + i));
        struct tarn_data_file f = lake_file(w, path, 1);
        lake_partition(w, &f, &lake_load(w)->metadata, 0, tuple);
        lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
    }
    lake_commit(w, c);
    assert_string_equal(left(w, "d", TARN_EXPR_GT, "6.0"), "a"); /* NaN is the greatest */
    assert_string_equal(left(w, "d", TARN_EXPR_EQ, "0.0"),
                        "a b"); /* a tuple of NaN has no bounds */
    assert_string_equal(left(w, "d", TARN_EXPR_GE, "0.0"), "a b c");
    assert_string_equal(left(w, "d", TARN_EXPR_EQ, "nan"), "a");
    assert_string_equal(left(w, "d", TARN_EXPR_LT, "0.0"), "a b"); /* zeros are not told apart */
}

static void trap_14_bounds_of_a_promoted_column(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: int>", NONE);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/a", 1);
    struct tarn_schema s;
    lake_metrics(w, &f, tarn_metadata_schema(&lake_load(w)->metadata), "id", "-5", "7", 0);
    add(w, &f);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    s.root.fields[0].type.kind = TARN_TYPE_LONG;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    assert_string_equal(left(w, "id", TARN_EXPR_EQ, "-5"), "a");
    assert_string_equal(left(w, "id", TARN_EXPR_GT, "7"), "");
    assert_string_equal(left(w, "id", TARN_EXPR_LT, "-5"), "");
}

/* A bound that cannot be read says nothing; it is no reason to fail. */
static void a_bound_of_impossible_length(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/a", 1);
    struct tarn_id_bytes bad = {1, TARN_STR("abc")};
    f.lower = f.upper = &bad;
    f.lower_count = f.upper_count = 1;
    add(w, &f);
    assert_string_equal(left(w, "id", TARN_EXPR_EQ, "5"), "a");
}

/* Columns that the file does not have are null in it, which no metric says. */
static void a_column_added_later(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema s = *tarn_metadata_schema(tarn_change_metadata(c));
    struct tarn_field fields[2] = {s.root.fields[0],
                                   {.name = TARN_STR("x"), .type = {.kind = TARN_TYPE_INT}}};
    s.root.fields = fields;
    s.root.field_count = 2;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    assert_string_equal(left(w, "x", TARN_EXPR_IS_NULL, NULL), "a");
    assert_string_equal(left(w, "x", TARN_EXPR_EQ, "1"), "a");
}

/* Trap 24: the column of an old spec was dropped; its files still load and are kept. */
static void trap_24_a_dropped_source_column(void **state)
{
    struct lake_world *w = *state;
    static const char *const by_region[] = {"region", NULL};
    static const char *const tuple[] = {"eu", NULL};
    struct tarn_partition_spec none = {0};
    struct tarn_schema s;
    lake_create(w, "struct<id: long, region: string>", by_region);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/a", 1);
    lake_partition(w, &f, &lake_load(w)->metadata, 0, tuple);
    add(w, &f);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_set_spec(c, &w->op, &none));
    lake_commit(w, c);
    c = lake_open(w);
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    s.root.field_count = 1;
    lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
    lake_commit(w, c);
    assert_string_equal(files_of(w, scan(w, NULL)), "a");
    assert_string_equal(left(w, "id", TARN_EXPR_EQ, "3"), "a");
    c = lake_open(w); /* its manifest can still be rewritten */
    struct tarn_str gone = TARN_STR("mem://w/raw/t/data/a");
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_commit(w, c);
    assert_string_equal(files_of(w, scan(w, NULL)), "");
}

/* ---- names inside of columns: scan->nested_by_id */

static bool inner_names(struct lake_world *w, const char *then, const char *now, const int32_t *ids)
{
    struct tarn_schema schemas[2] = {{0}, {.schema_id = 1}};
    struct tarn_table t = *lake_load(w);
    struct tarn_scan *s;
    int32_t next = 1;
    lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(then), &schemas[0].root));
    lake_ok(w, tarn_type_parse(&w->op, tarn_str_view(now), &schemas[1].root));
    tarn_type_assign_ids(&schemas[0].root, &next);
    schemas[1].root.fields[0].id = ids[0];
    schemas[1].root.fields[0].type.fields[0].id = ids[1];
    t.metadata.schemas = schemas;
    t.metadata.schema_count = 2;
    t.metadata.current_schema_id = 1;
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, &t, NULL, NULL, &s));
    return s->nested_by_id;
}

static void names_inside_of_columns(void **state)
{
    struct lake_world *w = *state;
    static const struct {
        const char *then, *now;
        int32_t ids[2];
        bool changed;
    } cases[] = {
        {"struct<s: struct<x: int>>", "struct<s: struct<x: int>>", {1, 2}, false},
        {"struct<s: struct<x: int>>", "struct<t: struct<x: int>>", {1, 2}, false}, /* by its id */
        {"struct<s: struct<x: int>>", "struct<s: struct<y: int>>", {1, 2}, true},
        {"struct<s: struct<x: int>>", "struct<s: struct<x: int>>", {1, 3}, true},
        {"struct<s: struct<x: int>>",
         "struct<s: struct<x: int>>",
         {3, 4},
         false}, /* another column */
        {"struct<s: struct<x: int>>", "struct<s: struct<y: int>>", {1, 3}, false},
        {"struct<s: struct<x: int>>", "struct<t: struct<y: int>>", {1, 2}, true},
    };
    lake_create(w, "struct<id: long>", NONE);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (inner_names(w, cases[i].then, cases[i].now, cases[i].ids) != cases[i].changed)
            fail_msg("case %zu", i);
}

/* ---- entries that are gone */

static void deleted_entries(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str gone = TARN_STR("mem://w/raw/t/data/a");
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/a", 3);
    lake_append(w, c, "mem://w/raw/t/data/b", 3);
    lake_commit(w, c);
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    lake_commit(w, c);
    struct tarn_scan *s = scan(w, NULL);
    assert_string_equal(files_of(w, s), "b");
    assert_int_equal(s->skips.files, 1);
    assert_int_equal(s->files[0].sequence_number, 1);
}

static void time_travel(void **state)
{
    struct lake_world *w = *state;
    struct tarn_scan *s;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 3);
    struct tarn_change *c = lake_open(w);
    struct tarn_schema schema;
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &schema));
    schema.root.fields[0].name = TARN_STR("renamed");
    lake_ok(w, tarn_change_set_schema(c, &w->op, &schema));
    lake_append(w, c, "mem://w/raw/t/data/b", 3);
    lake_commit(w, c);
    struct tarn_table *t = lake_load(w);
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, t, &t->metadata.snapshots[0], NULL, &s));
    assert_string_equal(files_of(w, s), "a");
    assert_true(tarn_str_is(s->schema->root.fields[0].name, "id"));
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, t, &t->metadata.snapshots[1], NULL, &s));
    assert_string_equal(files_of(w, s), "a b");
    assert_true(tarn_str_is(s->schema->root.fields[0].name, "renamed"));
}

/* ---- position deletes */

static const struct tarn_scan_file *file_in(const struct tarn_scan *s, char name)
{
    for (size_t i = 0; i < s->file_count; i++)
        if (tarn_path_base(s->files[i].file->path).ptr[0] == name)
            return &s->files[i];
    fail();
    return NULL;
}

static void position_deletes_are_merged(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a", *b = "mem://w/raw/t/data/b";
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, a, 10);
    lake_append_now(w, b, 10);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 7);
    lake_delete_row(w, c, "mem://w/raw/t/data/y", a, 3);
    lake_commit(w, c);
    c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/z", a, 7); /* again */
    lake_delete_row(w, c, "mem://w/raw/t/data/v", a, 0);
    lake_delete_row(w, c, "mem://w/raw/t/data/u", b, 9);
    lake_commit(w, c);
    struct tarn_scan *s = scan(w, NULL);
    const struct tarn_scan_file *f = file_in(s, 'a');
    assert_int_equal(f->deleted_count, 3);
    assert_int_equal(f->deleted[0], 0);
    assert_int_equal(f->deleted[1], 3);
    assert_int_equal(f->deleted[2], 7);
    assert_int_equal(file_in(s, 'b')->deleted_count, 1);
    struct tarn_table *t = lake_load(w);
    struct tarn_table_totals totals;
    lake_ok(w, tarn_table_totals(&w->lake, &w->op, t, &totals));
    assert_int_equal(totals.rows, 16); /* 20 rows, 4 of them deleted, one of them twice */
    assert_int_equal(totals.delete_files, 5);
}

/* Trap 5: deletes apply to files of the same or an earlier sequence number, not to later ones. */
static void trap_5_deletes_and_sequence_numbers(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a", *b = "mem://w/raw/t/data/b";
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, a, 10);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 1); /* of the same commit */
    lake_delete_row(w, c, "mem://w/raw/t/data/y", b, 2); /* of a file that comes later */
    lake_commit(w, c);
    lake_append_now(w, b, 10);
    struct tarn_scan *s = scan(w, NULL);
    assert_int_equal(file_in(s, 'a')->deleted_count, 1);
    assert_int_equal(file_in(s, 'b')->deleted_count, 0);
}

/* The numbers survive a rewrite of the manifest, which gives neither file a new one. */
static void trap_4_rewritten_manifests_keep_sequence_numbers(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a";
    struct tarn_str b = TARN_STR("mem://w/raw/t/data/b");
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, a, 10);
    lake_append(w, c, b.ptr, 10);
    lake_commit(w, c);
    c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 1);
    lake_commit(w, c);
    c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, &b, 1));
    lake_commit(w, c);
    struct tarn_scan *s = scan(w, NULL);
    assert_string_equal(files_of(w, s), "a");
    assert_int_equal(file_in(s, 'a')->sequence_number, 1);
    assert_int_equal(file_in(s, 'a')->deleted_count, 1);
    assert_int_equal(lake_load(w)->metadata.last_sequence_number, 3);
}

/* Trap 27: an append carries on the manifests of deletes. */
static void trap_27_appends_keep_delete_manifests(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a";
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, a, 10);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 4);
    lake_commit(w, c);
    lake_append_now(w, "mem://w/raw/t/data/b", 1);
    lake_append_now(w, "mem://w/raw/t/data/c", 1);
    assert_int_equal(file_in(scan(w, NULL), 'a')->deleted_count, 1);
}

static void deletes_are_read_only_when_a_file_is_left(void **state)
{
    struct lake_world *w = *state;
    const char *a = "mem://w/raw/t/data/a";
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file f = lake_file(w, a, 10);
    lake_metrics(w, &f, tarn_metadata_schema(&lake_load(w)->metadata), "id", "1", "5", 0);
    add(w, &f);
    struct tarn_change *c = lake_open(w);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", a, 4);
    lake_commit(w, c);
    assert_string_equal(left(w, "id", TARN_EXPR_GT, "5"), "");
    assert_int_equal(w->delete_files_read, 0);
    assert_string_equal(left(w, "id", TARN_EXPR_GT, "4"), "a");
    assert_int_equal(w->delete_files_read, 1);
    w->lake.deletes = NULL;
    lake_fails(w, try_scan(w, NULL), TARN_UNSUPPORTED, "raw.t");
}

/* ---- what is refused */

static void refuse(struct lake_world *w, struct tarn_data_file f, const char *part)
{
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/plain", 1);
    lake_ok(w, f.content == TARN_CONTENT_DATA ? tarn_change_append(c, &w->op, &f, 1)
                                              : tarn_change_add_deletes(c, &w->op, &f, 1));
    lake_commit(w, c);
    lake_fails(w, try_scan(w, NULL), TARN_UNSUPPORTED, "raw.t");
    lake_fails(w, try_scan(w, NULL), TARN_UNSUPPORTED, part);
}

static void other_formats_are_refused(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/o", 1);
    f.format = TARN_STR("ORC");
    refuse(w, f, "ORC");
}

static void position_deletes_in_other_formats_are_refused(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/o", 1);
    f.content = TARN_CONTENT_POSITION_DELETES;
    f.format = TARN_STR("AVRO");
    refuse(w, f, "AVRO");
}

/* ---- what is broken is named */

static struct tarn_manifest_list manifests(struct lake_world *w)
{
    struct tarn_manifest_list list;
    struct tarn_table *t = lake_load(w);
    lake_ok(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata,
                                    tarn_metadata_current(&t->metadata), &list));
    return list;
}

static void broken_manifests_are_named(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str bytes;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_str path = tarn_strdup(&w->op, manifests(w).files[0].path);
    assert_non_null(path.ptr);
    lake_ok(w, tarn_storage_read(w->lake.storage, &w->op, path, &bytes));
    for (size_t cut = 0; cut < bytes.len; cut += 1 + bytes.len / 40) {
        lake_overwrite(w, path, tarn_str_of(bytes.ptr, cut));
        lake_fails(w, try_scan(w, NULL), TARN_CORRUPT, path.ptr);
    }
    char *changed = tarn_alloc(&w->op, bytes.len); /* as long as it was, but other bytes */
    assert_non_null(changed);
    memcpy(changed, bytes.ptr, bytes.len);
    memset(changed + bytes.len / 2, 0xff, bytes.len / 4);
    lake_overwrite(w, path, tarn_str_of(changed, bytes.len));
    lake_fails(w, try_scan(w, NULL), TARN_CORRUPT, path.ptr);
    lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, path));
    lake_fails(w, try_scan(w, NULL), TARN_NOT_FOUND, path.ptr);
}

static void broken_manifest_lists_are_named(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_str path = tarn_metadata_current(&lake_load(w)->metadata)->manifest_list;
    lake_overwrite(w, path, TARN_STR("Obj\1nothing of the kind"));
    lake_fails(w, try_scan(w, NULL), TARN_CORRUPT, path.ptr);
    lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, path));
    lake_fails(w, try_scan(w, NULL), TARN_NOT_FOUND, path.ptr);
}

static void an_unknown_spec_is_corrupt(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str bytes;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_manifest_list list = manifests(w);
    const struct tarn_snapshot *s = tarn_metadata_current(&lake_load(w)->metadata);
    list.files[0].spec_id = 7;
    lake_ok(w, list_write(&w->op, &list, s->snapshot_id, 0, 1, &bytes));
    lake_overwrite(w, s->manifest_list, bytes);
    lake_fails(w, try_scan(w, NULL), TARN_CORRUPT, "7");
}

static void a_table_that_is_not_there(void **state)
{
    struct lake_world *w = *state;
    struct tarn_table *t;
    lake_fails(w, tarn_table_load(&w->lake, &w->op, LAKE_TABLE, &t), TARN_TABLE, "raw.t");
    lake_ok(w, tarn_table_find(&w->lake, &w->op, LAKE_TABLE, &t));
    assert_null(t);
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_str at = lake_load(w)->metadata_location;
    lake_overwrite(w, at, TARN_STR("{\"format-version\": 2"));
    lake_fails(w, tarn_table_load(&w->lake, &w->op, LAKE_TABLE, &t), TARN_CORRUPT, at.ptr);
    lake_ok(w, tarn_storage_remove(w->lake.storage, &w->op, at));
    lake_fails(w, tarn_table_find(&w->lake, &w->op, LAKE_TABLE, &t), TARN_NOT_FOUND, at.ptr);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(all_files_without_a_filter),
        T(bounds_of_columns),
        T(partitions_of_several_specs),
        T(manifests_are_skipped_by_their_summaries),
        T(trap_15_nan_in_a_manifest_list),
        T(trap_15_nan_partitions_and_bounds),
        T(trap_14_bounds_of_a_promoted_column),
        T(a_bound_of_impossible_length),
        T(a_column_added_later),
        T(trap_24_a_dropped_source_column),
        T(names_inside_of_columns),
        T(deleted_entries),
        T(time_travel),
        T(position_deletes_are_merged),
        T(trap_5_deletes_and_sequence_numbers),
        T(trap_4_rewritten_manifests_keep_sequence_numbers),
        T(trap_27_appends_keep_delete_manifests),
        T(deletes_are_read_only_when_a_file_is_left),
        T(other_formats_are_refused),
        T(position_deletes_in_other_formats_are_refused),
        T(broken_manifests_are_named),
        T(broken_manifest_lists_are_named),
        T(an_unknown_spec_is_corrupt),
        T(a_table_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
