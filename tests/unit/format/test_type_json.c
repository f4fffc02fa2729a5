/* Types and schemas as JSON (spec appendix C). */
#include "iceberg_fixture.h"

#include <stdio.h>

static struct tarn_type from_json(struct tarn_op *op, const char *text)
{
    struct tarn_type t;
    ice_ok(op, tarn_type_from_json(op, ice_json(op, text), &t));
    return t;
}

static void primitive_names(void **state)
{
    struct tarn_op *op = *state;
    static const char *const names[][2] = {
        {"boolean", "boolean"},
        {"int", "int"},
        {"long", "long"},
        {"float", "float"},
        {"double", "double"},
        {"date", "date"},
        {"time", "time"},
        {"timestamp", "timestamp"},
        {"timestamptz", "timestamptz"},
        {"timestamp_ns", "timestamp_ns"},
        {"timestamptz_ns", "timestamptz_ns"},
        {"string", "string"},
        {"uuid", "uuid"},
        {"binary", "binary"},
        {"unknown", "unknown"},
        {"variant", "variant"},
        {"LONG", "long"},
        {"decimal(9,2)", "decimal(9, 2)"},
        {"decimal(9, 2)", "decimal(9, 2)"},
        {"decimal( 38 , 0 )", "decimal(38, 0)"},
        {"fixed[16]", "fixed[16]"},
        {"fixed[ 16 ]", "fixed[16]"},
        {"fixed(16)", "fixed[16]"},
        {"geometry", "geometry"},
        {"geometry(srid:4326)", "geometry(srid:4326)"},
        {"geography(srid:4326, spherical)", "geography(srid:4326, spherical)"}};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tarn_type t = from_json(op, tarn_sprintf(op, "\"%s\"", names[i][0]).ptr);
        ice_text_is(ice_type_json(op, &t), tarn_sprintf(op, "\"%s\"", names[i][1]).ptr);
    }
}

static void wrong_types_are_refused(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *json;
        enum tarn_status status;
        const char *part;
    } cases[] = {
        {"7", TARN_CORRUPT, "neither a string nor an object"},
        {"\"bigint\"", TARN_UNSUPPORTED, "no type \"bigint\""},
        {"\"decimal(39, 2)\"", TARN_CORRUPT, "parameters"},
        {"\"decimal(3, 4)\"", TARN_CORRUPT, "parameters"},
        {"\"decimal(3)\"", TARN_CORRUPT, "parameters"},
        {"\"decimal(3, 2)x\"", TARN_CORRUPT, "parameters"},
        {"\"decimal\"", TARN_CORRUPT, "parameters"},
        {"\"fixed[0]\"", TARN_CORRUPT, "parameters"},
        {"\"fixed[4\"", TARN_CORRUPT, "parameters"},
        {"\"int(4)\"", TARN_CORRUPT, "parameters"},
        {"\"geometry(\"", TARN_CORRUPT, "parameters"},
        {"{}", TARN_CORRUPT, "\"type\" is missing"},
        {"{\"type\": \"set\"}", TARN_UNSUPPORTED, "no nested type \"set\""},
        {"{\"type\": \"struct\"}", TARN_CORRUPT, "\"fields\" is missing"},
        {"{\"type\": \"struct\", \"fields\": [7]}", TARN_CORRUPT, "not an object"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": \"1\", \"name\": \"a\", \"required\": true, "
         "\"type\": \"int\"}]}",
         TARN_CORRUPT, "must be a number"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": -1, \"name\": \"a\", \"required\": true, "
         "\"type\": \"int\"}]}",
         TARN_CORRUPT, "negative"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": 1, \"name\": \"a\", \"type\": \"int\"}]}",
         TARN_CORRUPT, "\"required\" is missing"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": 1, \"name\": \"a\", \"required\": true}]}",
         TARN_CORRUPT, "\"type\" is missing"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": 1, \"name\": \"a\", \"required\": true, "
         "\"type\": \"int\"},"
         "{\"id\": 1, \"name\": \"b\", \"required\": true, \"type\": \"int\"}]}",
         TARN_CORRUPT, "have the id 1"},
        {"{\"type\": \"struct\", \"fields\": [{\"id\": 1, \"name\": \"a\", \"required\": true, "
         "\"type\": \"int\"},"
         "{\"id\": 2, \"name\": \"a\", \"required\": true, \"type\": \"int\"}]}",
         TARN_CORRUPT, "two fields \"a\""},
        {"{\"type\": \"list\", \"element-id\": 1, \"element\": \"int\"}", TARN_CORRUPT,
         "element-required"},
        {"{\"type\": \"list\", \"element-id\": 1, \"element-required\": true}", TARN_CORRUPT,
         "\"element\" is missing"},
        {"{\"type\": \"map\", \"key-id\": 1, \"key\": \"int\", \"value-id\": 1, \"value\": "
         "\"int\", \"value-required\": true}",
         TARN_CORRUPT, "have the id 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t;
        ice_fails(op, tarn_type_from_json(op, ice_json(op, cases[i].json), &t), cases[i].status,
                  cases[i].part);
    }
}

static void nesting_is_bounded(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_buf b;
    struct tarn_type t;
    for (int depth = 64; depth <= 65; depth++) {
        tarn_buf_init(&b, 1 << 20);
        for (int i = 0; i < depth; i++)
            tarn_buf_printf(
                &b, "{\"type\":\"list\",\"element-id\":%d,\"element-required\":false,\"element\":",
                i + 1);
        tarn_buf_z(&b, "\"int\"");
        for (int i = 0; i < depth; i++)
            tarn_buf_put(&b, '}');
        const struct tarn_json *j = ice_json(op, b.ptr);
        if (depth == 64) {
            ice_ok(op, tarn_type_from_json(op, j, &t));
            assert_int_equal(ice_type_json(op, &t).len, b.len);
        } else {
            ice_fails(op, tarn_type_from_json(op, j, &t), TARN_LIMIT, "64 levels");
        }
        tarn_buf_release(&b);
    }
}

static const char SCHEMA[] =
    "{\"type\":\"struct\",\"schema-id\":3,\"identifier-field-ids\":[1],\"fields\":["
    "{\"id\":1,\"name\":\"id\",\"required\":true,\"type\":\"uuid\",\"doc\":\"the key\","
    "\"initial-default\":\"0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb\",\"write-default\":null},"
    "{\"id\":2,\"name\":\"data\",\"required\":false,\"type\":{\"type\":\"list\",\"element-id\":3,"
    "\"element\":\"string\",\"element-required\":true},\"doc\":null,\"x-tag\":[1, 2]},"
    "{\"id\":4,\"name\":\"m\",\"required\":false,\"type\":{\"type\":\"map\",\"key-id\":5,\"key\":"
    "\"string\","
    "\"value-id\":6,\"value\":\"double\",\"value-required\":false}}],\"x-more\":{\"a\": 1.50}}";

static void schema_round_trip(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s, again;
    struct tarn_buf b;
    struct tarn_json_writer w;
    ice_ok(op, tarn_schema_from_json(op, ice_json(op, SCHEMA), &s));
    assert_int_equal(s.schema_id, 3);
    assert_int_equal(s.identifier_count, 1);
    ice_text_is(s.root.fields[0].doc, "the key");
    ice_text_is(s.root.fields[0].initial_default, "\"0db3e2a8-9d1d-42b9-aa7b-74ebe558dceb\"");
    assert_null(s.root.fields[0].write_default.ptr);
    assert_null(s.root.fields[1].doc.ptr);
    assert_int_equal(s.root.fields[1].extra.count, 1);
    ice_text_is(s.root.fields[1].extra.items[0].value, "[1, 2]");
    ice_text_is(s.extra.items[0].value, "{\"a\": 1.50}");
    tarn_buf_init(&b, 1 << 20);
    tarn_json_writer_init(&w, &b);
    tarn_schema_to_json(&w, &s);
    ice_ok(op, tarn_schema_from_json(op, ice_json(op, b.ptr), &again));
    assert_true(tarn_type_eq(&s.root, &again.root));
    struct tarn_str expected = ice_replaced(op, TARN_STR(SCHEMA), ",\"write-default\":null", "");
    expected = ice_replaced(op, expected, ",\"doc\":null", "");
    ice_text_is(tarn_buf_view(&b), expected.ptr);
    tarn_buf_release(&b);
}

static void schema_errors(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s;
    ice_fails(op, tarn_schema_from_json(op, ice_json(op, "\"int\""), &s), TARN_CORRUPT,
              "not a struct");
    struct tarn_str bad = ice_replaced(op, TARN_STR(SCHEMA), "[1]", "[1,7]");
    ice_fails(op, tarn_schema_from_json(op, ice_json(op, bad.ptr), &s), TARN_CORRUPT,
              "identifier field id 7 is no field");
    bad = ice_replaced(op, TARN_STR(SCHEMA), "[1]", "[\"1\"]");
    ice_fails(op, tarn_schema_from_json(op, ice_json(op, bad.ptr), &s), TARN_CORRUPT,
              "not an integer");
    bad = ice_replaced(op, TARN_STR(SCHEMA), "\"schema-id\":3,\"identifier-field-ids\":[1]",
                       "\"schema-id\":null,\"identifier-field-ids\":null");
    ice_ok(op, tarn_schema_from_json(op, ice_json(op, bad.ptr), &s));
    assert_int_equal(s.schema_id, 0);
    assert_int_equal(s.identifier_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(primitive_names, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(wrong_types_are_refused, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(nesting_is_bounded, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(schema_round_trip, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(schema_errors, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("type_json", tests, NULL, NULL);
}
