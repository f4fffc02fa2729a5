/* Table metadata: reading versions 1 to 3, writing version 2, and finding one's way in it; version 3
 * is written in test_lineage. */
#include "iceberg_fixture.h"

#include <stdio.h>

static struct tarn_metadata parse(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_metadata m;
    ice_ok(op, tarn_metadata_parse(op, text, "test.metadata.json", &m));
    return m;
}

static struct tarn_str written(struct tarn_op *op, const struct tarn_metadata *m)
{
    struct tarn_str out;
    ice_ok(op, tarn_metadata_write(op, m, &out));
    return out;
}

static void v1_is_read_with_the_defaults_of_v2(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v1.json"));
    assert_int_equal(m.format_version, 1);
    ice_text_is(m.uuid, "d20125c8-7284-442c-9aea-15fee620737c");
    assert_int_equal(m.last_sequence_number, 0);
    assert_int_equal(m.schema_count, 1);
    assert_int_equal(m.current_schema_id, 0);
    assert_ptr_equal(tarn_metadata_schema(&m), &m.schemas[0]);
    assert_int_equal(m.schemas[0].root.field_count, 3);
    assert_int_equal(m.spec_count, 1);
    const struct tarn_partition_spec *spec = tarn_metadata_spec(&m);
    assert_int_equal(spec->field_count, 2);
    assert_int_equal(spec->fields[0].field_id, 1000);
    assert_int_equal(spec->fields[1].field_id, 1001);
    assert_int_equal(m.last_partition_id, 1001);
    assert_int_equal(m.sort_order_count, 1);
    assert_int_equal(m.sort_orders[0].order_id, 0);
    const struct tarn_snapshot *s = tarn_metadata_current(&m);
    assert_int_equal(s->snapshot_id, INT64_C(3051729675574597004));
    assert_int_equal(s->sequence_number, 0);
    assert_int_equal(s->parent_id, 0);
    assert_int_equal(s->schema_id, -1);
    assert_null(s->manifest_list.ptr);
    assert_int_equal(s->manifest_count, 2);
    ice_text_is(s->manifests[1], "s3://bucket/test/location/metadata/m1.avro");
    const struct tarn_ref *ref = tarn_metadata_ref(&m, TARN_STR("main"));
    assert_false(ref->is_tag);
    assert_int_equal(ref->snapshot_id, s->snapshot_id);
    assert_int_equal(m.extra.count, 0);
    struct tarn_str out;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_UNSUPPORTED, "format version 1");
}

static void v1_is_upgraded(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v1.json"));
    ice_ok(op, tarn_metadata_upgrade(op, &m, 2));
    struct tarn_metadata again = parse(op, written(op, &m));
    assert_int_equal(again.format_version, 2);
    assert_true(tarn_type_eq(&again.schemas[0].root, &m.schemas[0].root));
    assert_int_equal(again.snapshots[0].manifest_count, 2);
    assert_int_equal(again.specs[0].fields[1].field_id, 1001);
    assert_int_equal(again.ref_count, 1);
}

static void v2_is_read(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v2.json"));
    assert_int_equal(m.last_sequence_number, 34);
    assert_int_equal(m.last_column_id, 22);
    const struct tarn_schema *schema = tarn_metadata_schema(&m);
    assert_int_equal(schema->schema_id, 1);
    assert_int_equal(schema->identifier_count, 2);
    assert_int_equal(tarn_schema_field_by_path(schema, TARN_STR("lines.element.tags.value"))->id,
                     10);
    assert_int_equal(
        tarn_schema_field_by_path(schema, TARN_STR("lines.element.debit"))->type.precision, 18);
    assert_ptr_equal(tarn_metadata_schema_by_id(&m, 0), &m.schemas[0]);
    assert_null(tarn_metadata_schema_by_id(&m, 7));
    const struct tarn_partition_spec *spec = tarn_metadata_spec(&m);
    assert_int_equal(spec->fields[3].transform.kind, TARN_TRANSFORM_OTHER);
    ice_text_is(spec->fields[3].transform.text, "zorder[4]");
    assert_int_equal(m.sort_orders[1].fields[1].transform.param, 4);
    assert_true(m.sort_orders[1].fields[1].descending);
    assert_true(m.sort_orders[1].fields[1].nulls_last);
    assert_false(m.sort_orders[1].fields[0].descending);
    ice_text_is(*tarn_kvs_get(&m.properties, "comment"), "\xc3\x9c"
                                                         "bersicht \"x\"");
    ice_text_is(*tarn_kvs_get(&m.properties, "empty"), "");
    assert_null(tarn_kvs_get(&m.properties, "none"));
    const struct tarn_snapshot *s = tarn_metadata_current(&m);
    assert_int_equal(s->parent_id, INT64_C(3051729675574597004));
    ice_text_is(*tarn_kvs_get(&s->summary, "operation"), "overwrite");
    ice_text_is(*tarn_kvs_get(&s->summary, "total-records"), "9223372036854775807");
    ice_text_is(s->extra.items[0].key, "x-origin");
    assert_int_equal(m.ref_count, 3);
    const struct tarn_ref *tag = tarn_metadata_ref(&m, TARN_STR("test"));
    assert_true(tag->is_tag);
    assert_int_equal(tag->max_ref_age_ms, 10000000);
    assert_int_equal(tag->min_snapshots_to_keep, -1);
    assert_int_equal(tarn_metadata_ref(&m, TARN_STR("audit"))->min_snapshots_to_keep, 3);
    assert_null(tarn_metadata_ref(&m, TARN_STR("nobody")));
    assert_int_equal(m.snapshot_log_count, 2);
    ice_text_is(m.metadata_log[0].file, "s3://bucket/.../v1.json");
    assert_non_null(strstr(m.statistics.ptr, "stats.puffin"));
    assert_int_equal(m.extra.count, 1);
    ice_text_is(m.extra.items[0].value, "{\"nested\": [1, 2.50, null, \"\\u00fc\"]}");
}

static void v3_is_read(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v3.json"));
    assert_int_equal(m.format_version, 3);
    assert_int_equal(m.next_row_id, 250);
    assert_int_equal(m.current_snapshot_id, 0);
    assert_null(tarn_metadata_current(&m));
    assert_null(tarn_metadata_snapshot(&m, 0));
    assert_int_equal(m.ref_count, 0);
    const struct tarn_type *root = &tarn_metadata_schema(&m)->root;
    assert_int_equal(root->fields[1].type.kind, TARN_TYPE_TIMESTAMP_NS);
    assert_int_equal(root->fields[3].type.kind, TARN_TYPE_VARIANT);
    ice_text_is(root->fields[5].type.text, "geography(srid:4326, spherical)");
    ice_text_is(root->fields[0].write_default, "\"ec5911be-b0a7-458c-8438-c9a3e53cffae\"");
    ice_text_is(root->fields[7].write_default, "{}");
    ice_text_is(root->fields[7].type.fields[0].initial_default, "0");
    assert_int_equal(m.specs[0].fields[0].source_id, -1);
    assert_int_equal(m.specs[0].fields[0].transform.kind, TARN_TRANSFORM_OTHER);
    assert_int_equal(m.specs[0].fields[1].source_id, 2);
    assert_int_equal(m.specs[0].fields[1].transform.kind, TARN_TRANSFORM_HOUR);
    ice_text_is(m.extra.items[0].key, "encryption-keys");
    struct tarn_str out;
    m.format_version = 2;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_UNSUPPORTED, "does not know");
    for (size_t i = 0; i < root->field_count; i++)
        m.schemas[0].root.fields[i] = (struct tarn_field){.id = (int32_t)i + 1};
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_UNSUPPORTED, "several source columns");
}

/* What was written reads back as the same and is written again byte for byte. */
static void writing_is_stable(void **state)
{
    struct tarn_op *op = *state;
    static const char *const files[] = {"metadata_v2.json", "metadata_pyiceberg.json"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct tarn_metadata m = parse(op, ice_file(op, files[i]));
        struct tarn_str once = written(op, &m);
        struct tarn_metadata again = parse(op, once);
        ice_text_is(written(op, &again), once.ptr);
        assert_int_equal(again.extra.count, m.extra.count);
        assert_int_equal(again.snapshots[1].extra.count, m.snapshots[1].extra.count);
        assert_int_equal(again.current_snapshot_id, m.current_snapshot_id);
        assert_true(
            tarn_type_eq(&tarn_metadata_schema(&again)->root, &tarn_metadata_schema(&m)->root));
    }
}

static void canonical_spelling_is_written(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v2.json"));
    struct tarn_str out = written(op, &m);
    assert_non_null(strstr(out.ptr, "\"decimal(9, 2)\""));
    assert_non_null(strstr(out.ptr, "\"parent-snapshot-id\":3051729675574597004"));
    assert_null(strstr(out.ptr, "null,\"timestamp-ms\""));
    assert_non_null(strstr(out.ptr, "\"x-origin\":{\"run\": 7}"));
    assert_non_null(strstr(out.ptr, "\"x-owner\":\"ops\""));
    assert_non_null(strstr(out.ptr, "\"x-unknown\":{\"nested\": [1, 2.50, null, \"\\u00fc\"]}"));
}

/* A new table has every member that v2 requires. */
static void a_new_table_is_written(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema schema = {.root = ice_type(op, "struct<a: int not null>")};
    struct tarn_partition_spec spec = {0};
    struct tarn_sort_order order = {0};
    struct tarn_metadata m = {.format_version = 2,
                              .uuid = TARN_STR("9c12d441-03fe-4693-9a96-a0705ddf69c1"),
                              .location = TARN_STR("s3://b/t"),
                              .last_updated_ms = 1,
                              .last_column_id = 1,
                              .schemas = &schema,
                              .schema_count = 1,
                              .specs = &spec,
                              .spec_count = 1,
                              .last_partition_id = 999,
                              .sort_orders = &order,
                              .sort_order_count = 1};
    struct tarn_str out;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "without a positive id");
    schema.root.fields[0].id = 1;
    ice_text_is(written(op, &m),
                "{\"tarn-crc32\":\"7a4af908\","
                "\"format-version\":2,\"table-uuid\":\"9c12d441-03fe-4693-9a96-a0705ddf69c1\","
                "\"location\":\"s3://b/t\","
                "\"last-sequence-number\":0,\"last-updated-ms\":1,\"last-column-id\":1,\"current-"
                "schema-id\":0,"
                "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":"
                "\"a\",\"required\":true,"
                "\"type\":\"int\"}]}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,"
                "\"fields\":[]}],"
                "\"last-partition-id\":999,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-"
                "id\":0,\"fields\":[]}],"
                "\"properties\":{},\"current-snapshot-id\":-1,\"refs\":{},\"snapshots\":[],"
                "\"statistics\":[],"
                "\"partition-statistics\":[],\"snapshot-log\":[],\"metadata-log\":[]}");
    struct tarn_snapshot snapshot = {.snapshot_id = 5, .schema_id = -1};
    m.snapshots = &snapshot;
    m.snapshot_count = 1;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID,
              "snapshot 5 has no manifest list");
    m.uuid = (struct tarn_str){0};
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "table-uuid");
    m.current_schema_id = 3;
    ice_fails(op, tarn_metadata_write(op, &m, &out), TARN_INVALID, "current schema 3 is missing");
}

static void absent_and_null_are_the_same(void **state)
{
    struct tarn_op *op = *state;
    static const char *const changes[][2] = {
        {"\"current-snapshot-id\": null", "\"current-snapshot-id\": -1"},
        {"\"current-snapshot-id\": null,", ""},
        {"\"refs\": {}", "\"refs\": null"},
        {"\"snapshots\": []", "\"snapshots\": null"},
        {"\"snapshot-log\": []", "\"snapshot-log\": null"},
        {"\"metadata-log\": []", "\"metadata-log\": null"},
        {"\"properties\": {}", "\"properties\": null"},
        {"\"properties\": {}", "\"properties\": {\"a\": null}"},
        {"\"statistics\": []", "\"statistics\": null"},
        {"  \"statistics\": [],\n", ""},
    };
    for (size_t i = 0; i < COUNT(changes); i++) {
        struct tarn_metadata m = parse(
            op, ice_replaced(op, ice_file(op, "metadata_v3.json"), changes[i][0], changes[i][1]));
        assert_int_equal(m.current_snapshot_id, 0);
        assert_int_equal(m.ref_count, 0);
        assert_int_equal(m.properties.count, 0);
    }
}

/* Ids that some writer left too low must not be given out again. */
static void last_ids_are_never_below_what_is_used(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str text = ice_replaced(op, ice_file(op, "metadata_v2.json"),
                                        "\"last-column-id\": 22", "\"last-column-id\": 3");
    text = ice_replaced(op, text, "\"last-partition-id\": 1003", "\"last-partition-id\": 999");
    struct tarn_metadata m = parse(op, text);
    assert_int_equal(m.last_column_id, 22);
    assert_int_equal(m.last_partition_id, 1003);
}

static void kvs_change_one_key(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_kv items[] = {{TARN_STR("a"), TARN_STR("1")}, {TARN_STR("b"), TARN_STR("2")}};
    struct tarn_kvs kvs = {items, 2}, out;
    ice_ok(op, tarn_kvs_with(op, &kvs, TARN_STR("a"), TARN_STR("3"), &out));
    assert_int_equal(out.count, 2);
    ice_text_is(out.items[0].value, "3");
    ice_text_is(kvs.items[0].value, "1");
    ice_ok(op, tarn_kvs_with(op, &kvs, TARN_STR("c"), TARN_STR(""), &out));
    assert_int_equal(out.count, 3);
    ice_text_is(*tarn_kvs_get(&out, "c"), "");
    ice_ok(op, tarn_kvs_with(op, &kvs, TARN_STR("a"), (struct tarn_str){0}, &out));
    assert_int_equal(out.count, 1);
    ice_text_is(out.items[0].key, "b");
    ice_ok(op, tarn_kvs_with(op, &(struct tarn_kvs){0}, TARN_STR("a"), (struct tarn_str){0}, &out));
    assert_int_equal(out.count, 0);
}

static void partition_types(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_metadata m = parse(op, ice_file(op, "metadata_v2.json"));
    struct tarn_type t;
    ice_ok(op, tarn_partition_type(op, &m, tarn_metadata_spec(&m), &t));
    ice_text_is(tarn_type_text(op, &t),
                "struct<ts_day: date, x_bucket: int, gone: unknown, odd: string>");
    assert_int_equal(t.fields[1].id, 1001);
    ice_ok(op, tarn_partition_type(op, &m, tarn_metadata_spec_by_id(&m, 0), &t));
    assert_int_equal(t.field_count, 0);
    /* The column left the current schema, but an older one still has it. */
    m.schemas[0].root.fields[0].id = 21;
    ice_ok(op, tarn_partition_type(op, &m, tarn_metadata_spec(&m), &t));
    assert_int_equal(t.fields[2].type.kind, TARN_TYPE_LONG);
    assert_null(tarn_metadata_spec_by_id(&m, 5));
}

static void ancestors(void **state)
{
    struct tarn_op *op = *state;
    (void)op;
    /* 1 <- 2 <- 4, 2 <- 3; 5 <-> 6 is a circle; 8's parent was expired; 4 stands before its parent */
    struct tarn_snapshot snapshots[] = {
        {.snapshot_id = 4, .parent_id = 2}, {.snapshot_id = 1},
        {.snapshot_id = 2, .parent_id = 1}, {.snapshot_id = 3, .parent_id = 2},
        {.snapshot_id = 5, .parent_id = 6}, {.snapshot_id = 6, .parent_id = 5},
        {.snapshot_id = 8, .parent_id = 7}};
    struct tarn_metadata m = {.snapshots = snapshots, .snapshot_count = COUNT(snapshots)};
    static const int64_t yes[][2] = {{1, 1}, {1, 2}, {1, 3}, {1, 4},
                                     {2, 4}, {5, 6}, {6, 6}, {8, 8}};
    static const int64_t no[][2] = {{3, 4}, {4, 1}, {1, 5}, {7, 8}, {1, 9}, {9, 9}, {0, 1}};
    for (size_t i = 0; i < COUNT(yes); i++)
        assert_true(tarn_metadata_is_ancestor(&m, yes[i][0], yes[i][1]));
    for (size_t i = 0; i < COUNT(no); i++)
        assert_false(tarn_metadata_is_ancestor(&m, no[i][0], no[i][1]));
}

static void give_ids(struct tarn_type *t, const int32_t **ids)
{
    for (size_t i = 0; i < t->field_count; i++) {
        t->fields[i].id = *(*ids)++;
        give_ids(&t->fields[i].type, ids);
    }
}

static void nested_names(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *then;
        int32_t then_ids[6]; /* depth first */
        const char *now;
        int32_t now_ids[6];
        bool changed;
    } cases[] = {
        {"struct<a: int>", {1}, "struct<b: int>", {1}, false}, /* a column: read by its id */
        {"struct<a: int>", {1}, "struct<a: int>", {2}, false},
        {"struct<s: struct<x: int>>",
         {1, 2},
         "struct<s: struct<x: int, y: int>>",
         {1, 2, 3},
         false},
        {"struct<s: struct<x: int, y: int>>",
         {1, 2, 3},
         "struct<s: struct<x: int>>",
         {1, 2},
         false},
        {"struct<s: struct<x: int>>", {1, 2}, "struct<t: struct<x: int>>", {1, 2}, false},
        {"struct<s: struct<x: int>>", {1, 2}, "struct<s: struct<y: int>>", {1, 2}, true},
        {"struct<s: struct<x: int>>", {1, 2}, "struct<s: struct<x: int>>", {1, 3}, true},
        {"struct<s: struct<x: int>>", {1, 2}, "struct<s: struct<x: int>>", {4, 5}, true},
        {"struct<l: list<struct<x: int>>>",
         {1, 2, 3},
         "struct<l: list<struct<z: int>>>",
         {1, 2, 3},
         true},
        {"struct<s: struct<x: struct<y: int>>>",
         {1, 2, 3},
         "struct<s: struct<z: struct<y: int>>>",
         {1, 2, 3},
         true},
        {"struct<m: map<string, struct<x: int>>>",
         {1, 2, 3, 4},
         "struct<m: map<string, struct<x: int>>>",
         {1, 2, 3, 4},
         false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_schema schemas[] = {{.schema_id = 0, .root = ice_type(op, cases[i].then)},
                                        {.schema_id = 1, .root = ice_type(op, cases[i].now)}};
        const int32_t *ids = cases[i].then_ids;
        give_ids(&schemas[0].root, &ids);
        ids = cases[i].now_ids;
        give_ids(&schemas[1].root, &ids);
        struct tarn_metadata m = {.schemas = schemas, .schema_count = 2, .current_schema_id = 1};
        if (tarn_metadata_nested_names_changed(&m) != cases[i].changed)
            fail_msg("case %zu", i);
    }
}

static enum tarn_status parse_and_write(struct tarn_op *op, void *arg)
{
    struct tarn_metadata m;
    struct tarn_str out;
    struct tarn_type t;
    TARN_TRY(tarn_metadata_parse(op, *(struct tarn_str *)arg, "test", &m));
    m.format_version = 2;
    TARN_TRY(tarn_partition_type(op, &m, tarn_metadata_spec(&m), &t));
    return tarn_metadata_write(op, &m, &out);
}

static void every_allocation_may_fail(void **state)
{
    struct tarn_op *op = *state;
    static const char *const files[] = {"metadata_v1.json", "metadata_v2.json"};
    for (size_t i = 0; i < COUNT(files); i++) {
        struct tarn_str text = ice_file(op, files[i]);
        ice_alloc_sweep(parse_and_write, &text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(v1_is_read_with_the_defaults_of_v2, ice_setup,
                                        ice_teardown),
        cmocka_unit_test_setup_teardown(v1_is_upgraded, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(v2_is_read, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(v3_is_read, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(writing_is_stable, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(canonical_spelling_is_written, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(a_new_table_is_written, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(absent_and_null_are_the_same, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(last_ids_are_never_below_what_is_used, ice_setup,
                                        ice_teardown),
        cmocka_unit_test_setup_teardown(kvs_change_one_key, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(partition_types, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(ancestors, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(nested_names, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("metadata", tests, NULL, NULL);
}
