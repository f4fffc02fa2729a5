/* View metadata: the example of the specification, what others write, and what is refused. */
#include "iceberg_fixture.h"

#include "format/iceberg/view.h"

static struct tarn_view_metadata parse(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_view_metadata m;
    ice_ok(op, tarn_view_parse(op, text, "v.metadata.json", &m));
    return m;
}

static struct tarn_str written(struct tarn_op *op, const struct tarn_view_metadata *m)
{
    struct tarn_str out;
    ice_ok(op, tarn_view_write(op, m, &out));
    return out;
}

static void the_example_of_the_specification(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_view_metadata m = parse(op, ice_file(op, "view.json"));
    ice_text_is(m.uuid, "fa6506c3-7681-40c8-86dc-e36561f83385");
    ice_text_is(m.location, "s3://bucket/warehouse/default.db/event_agg");
    assert_int_equal(m.version_count, 2);
    const struct tarn_view_version *v = tarn_view_current(&m);
    assert_int_equal(v->version_id, 2);
    assert_true(v->timestamp_ms == INT64_C(1573518981593));
    ice_text_is(v->default_catalog, "prod");
    ice_text_is(v->default_namespace, "default");
    ice_text_is(*tarn_kvs_get(&v->summary, "engine-version"), "3.3.2");
    ice_text_is(tarn_view_sql(v)->dialect, "spark");
    ice_text_is(tarn_view_sql(v)->sql, "SELECT\n    COUNT(1), CAST(event_ts AS DATE)\n"
                                       "FROM prod.default.events\nGROUP BY 2");
    const struct tarn_schema *s = tarn_view_schema(&m, v);
    assert_int_equal(s->root.field_count, 2);
    ice_text_is(s->root.fields[0].doc, "Count of events");
    assert_int_equal(m.log_count, 2);
    assert_int_equal(m.log[1].version_id, 2);
    ice_text_is(*tarn_kvs_get(&m.properties, "comment"), "Daily event counts");

    struct tarn_str once = written(op, &m);
    struct tarn_view_metadata again = parse(op, once);
    ice_text_is(written(op, &again), once.ptr);
    const struct tarn_json *a = ice_json(op, once.ptr);
    static const char *const java_order[] = {"view-uuid",  "format-version", "location",
                                             "properties", "schemas",        "current-version-id",
                                             "versions",   "version-log"};
    a = a->first->next; /* behind the checksum, which is ours */
    for (size_t i = 0; i < COUNT(java_order); i++, a = a->next)
        ice_text_is(a->key, java_order[i]);
    assert_null(a);
}

#define VIEW(extra, version)                                                                      \
    "{\"view-uuid\":\"u\",\"format-version\":1,\"location\":\"l\"," extra                         \
    "\"schemas\":[{\"type\":\"struct\",\"schema-id\":0,\"fields\":[]}],\"current-version-id\":1," \
    "\"versions\":[{\"version-id\":1,\"timestamp-ms\":7,\"schema-id\":0," version "}],"           \
    "\"version-log\":[{\"timestamp-ms\":7,\"version-id\":1}]}"
#define SQL(dialect) \
    "{\"type\":\"sql\",\"sql\":\"select '" dialect "'\",\"dialect\":\"" dialect "\"}"

/* Unknown members and kinds of representation survive; levels of a namespace may hold dots. */
static void what_is_not_known_is_kept(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_view_metadata m =
        parse(op, TARN_STR(VIEW("\"x-owner\":[1, 2],",
                                "\"x-run\":{\"a\": 1},\"default-catalog\":null,"
                                "\"default-namespace\":[\"a.b\",\"c\"],\"representations\":["
                                "{\"type\":\"substrait\",\"plan\":\"AA==\"},"
                                "{\"type\":\"sql\",\"sql\":\"s\",\"dialect\":\"d\",\"x\":true}]")));
    ice_text_is(m.versions[0].default_namespace, "a.b.c");
    assert_null(m.versions[0].default_catalog.ptr);
    const char *json = written(op, &m).ptr;
    static const char *const parts[] = {
        "\"x-owner\":[1, 2]",
        "\"x-run\":{\"a\": 1}",
        "\"default-namespace\":[\"a.b\",\"c\"]",
        "{\"type\":\"substrait\",\"plan\":\"AA==\"}",
        "{\"type\":\"sql\",\"sql\":\"s\",\"dialect\":\"d\",\"x\":true}",
    };
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(json, parts[i]))
            fail_msg("%s is not in %s", parts[i], json);
    m = parse(op, TARN_STR(VIEW("", "\"default-namespace\":[\"a\",\"b\"],\"representations\":[" SQL(
                                        "x") "]")));
    ice_text_is(m.versions[0].default_namespace, "a.b");
    assert_non_null(strstr(written(op, &m).ptr, "\"default-namespace\":[\"a\",\"b\"]"));
    m = parse(op,
              TARN_STR(VIEW("", "\"default-namespace\":[],\"representations\":[" SQL("x") "]")));
    ice_text_is(m.versions[0].default_namespace, "");
    assert_non_null(strstr(written(op, &m).ptr, "\"default-namespace\":[]"));
}

static void the_text_for_tarn(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *json, *wanted;
    } cases[] = {
        {VIEW("", "\"representations\":[" SQL("trino") "," SQL("Spark") "]"), "Spark"},
        {VIEW("", "\"representations\":[" SQL("spark") "," SQL("duckdb") "]"), "duckdb"},
        {VIEW("", "\"representations\":[" SQL("duckdb") "," SQL("tarn") "]"), "tarn"},
        {VIEW("", "\"representations\":[" SQL("hive") "," SQL("trino") "]"), "trino"},
        {VIEW("", "\"representations\":[" SQL("hive") "," SQL("presto") "]"), "hive"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_view_metadata m = parse(op, tarn_str_view(cases[i].json));
        ice_text_is(tarn_view_sql(tarn_view_current(&m))->dialect, cases[i].wanted);
    }
    struct tarn_view_metadata none = parse(op, TARN_STR(VIEW("", "\"representations\":[]")));
    assert_null(tarn_view_sql(tarn_view_current(&none)));
}

static void broken_views_are_refused(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str whole = ice_file(op, "view.json");
    static const struct {
        const char *from, *to;
        enum tarn_status status;
        const char *why;
    } bad[] = {
        {"\"format-version\" : 1", "\"format-version\" : 2", TARN_UNSUPPORTED, "reads 1"},
        {"\"current-version-id\" : 2", "\"current-version-id\" : 3", TARN_CORRUPT,
         "current version 3 of the view is missing"},
        {"\"version-id\" : 1,\n", "\"version-id\" : 2,\n", TARN_CORRUPT, "have the id 2"},
        {"\"schema-id\": 1", "\"schema-id\": 7", TARN_CORRUPT, "schema 1"},
        {"\"view-uuid\"", "\"uuid\"", TARN_CORRUPT, "view-uuid"},
        {"\"location\"", "\"loc\"", TARN_CORRUPT, "location"},
        {"\"version-log\"", "\"log\"", TARN_CORRUPT, "version-log"},
        {"\"dialect\"", "\"d\"", TARN_CORRUPT, "dialect"},
        {"[ \"default\" ]", "[ 1 ]", TARN_CORRUPT, "default namespace"},
        {"[ \"default\" ]", "\"default\"", TARN_CORRUPT, "default-namespace"},
    };
    struct tarn_view_metadata m;
    for (size_t i = 0; i < COUNT(bad); i++)
        ice_fails(op, tarn_view_parse(op, ice_replaced(op, whole, bad[i].from, bad[i].to), "v", &m),
                  bad[i].status, bad[i].why);
    for (size_t n = 0; n + 2 < whole.len; n += 7)
        ice_fails(op, tarn_view_parse(op, tarn_str_of(whole.ptr, n), "v", &m), TARN_CORRUPT, NULL);
}

static void broken_structs_are_not_written(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str out;
    struct tarn_view_metadata m =
        parse(op, TARN_STR(VIEW("", "\"representations\":[" SQL("spark") "," SQL("SPARK") "]")));
    ice_fails(op, tarn_view_write(op, &m, &out), TARN_INVALID, "two texts of dialect \"SPARK\"");
    m.versions[0].sql_count = 0;
    ice_fails(op, tarn_view_write(op, &m, &out), TARN_INVALID, "no text");
    m.versions[0].sql_count = 1;
    m.versions[0].schema_id = 4;
    ice_fails(op, tarn_view_write(op, &m, &out), TARN_INVALID, "schema 4");
    m.versions[0].schema_id = 0;
    m.uuid = TARN_STR("");
    ice_fails(op, tarn_view_write(op, &m, &out), TARN_INVALID, "view-uuid");
    m.format_version = 2;
    ice_fails(op, tarn_view_write(op, &m, &out), TARN_UNSUPPORTED, "version 2");
}

static enum tarn_status parse_and_write(struct tarn_op *op, void *arg)
{
    struct tarn_view_metadata m;
    struct tarn_str out;
    TARN_TRY(tarn_view_parse(op, *(struct tarn_str *)arg, "test", &m));
    return tarn_view_write(op, &m, &out);
}

static void every_allocation_may_fail(void **state)
{
    struct tarn_str text = ice_file(*state, "view.json");
    ice_alloc_sweep(parse_and_write, &text);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_example_of_the_specification),
        TEST(what_is_not_known_is_kept),
        TEST(the_text_for_tarn),
        TEST(broken_views_are_refused),
        TEST(broken_structs_are_not_written),
        TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
