/* Transforms: the spec's own vectors (appendix B), negatives, times before 1970, nulls, and what people write. */
#include "iceberg_fixture.h"

#include <math.h>

/* With N = 2^31 - 1 buckets the result is the hash without its sign bit, but for the one value that wraps to 0. */
static const struct {
    const char *type, *value;
    int32_t hash;
} HASHES[] = {
    {"int", "34", 2017239379},
    {"long", "34", 2017239379},
    {"decimal(4,2)", "14.20", -500754589},
    {"decimal(38,2)", "14.20", -500754589},
    {"date", "2017-11-16", -653330422},
    {"time", "22:31:08", -662762989},
    {"timestamp", "2017-11-16T22:31:08", -2047944441},
    {"timestamp", "2017-11-16T22:31:08.000001", -1207196810},
    {"timestamptz", "2017-11-16T14:31:08-08:00", -2047944441},
    {"timestamptz", "2017-11-16T14:31:08.000001-08:00", -1207196810},
    {"timestamp_ns", "2017-11-16T22:31:08", -2047944441},
    {"timestamp_ns", "2017-11-16T22:31:08.000001001", -1207196810},
    {"timestamptz_ns", "2017-11-16T14:31:08.000001001-08:00", -1207196810},
    {"string", "iceberg", 1210000089},
    {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", 1488055340},
    {"fixed[4]", "00010203", -188683207},
    {"binary", "00010203", -188683207},
};

static void buckets_hash_as_the_spec_says(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_transform all = {.kind = TARN_TRANSFORM_BUCKET, .param = INT32_MAX};
    struct tarn_transform sixteen = {.kind = TARN_TRANSFORM_BUCKET, .param = 16};
    for (size_t i = 0; i < COUNT(HASHES); i++) {
        struct tarn_type t = ice_type(op, HASHES[i].type);
        struct tarn_value v = ice_value(op, &t, HASHES[i].value), out;
        ice_ok(op, tarn_transform_apply(op, &all, &t, &v, &out));
        assert_int_equal(out.i, HASHES[i].hash & INT32_MAX);
        ice_ok(op, tarn_transform_apply(op, &sixteen, &t, &v, &out));
        assert_int_equal(out.i, (HASHES[i].hash & INT32_MAX) % 16);
    }
}

/* transform, type, value, result; "null" */
static const struct {
    const char *transform, *type, *value, *result;
} APPLIED[] = {
    {"truncate[10]", "int", "1", "0"},
    {"truncate[10]", "int", "-1", "-10"},
    {"truncate[10]", "int", "-10", "-10"},
    {"truncate[10]", "int", "-11", "-20"},
    {"truncate[10]", "long", "9223372036854775807", "9223372036854775800"},
    {"truncate[10]", "long", "-9223372036854775800", "-9223372036854775800"},
    {"truncate[2147483647]", "int", "-1", "-2147483647"},
    {"truncate[2147483647]", "int", "2147483646", "0"},
    {"truncate[50]", "decimal(9,2)", "10.65", "10.50"},
    {"truncate[50]", "decimal(9,2)", "-0.05", "-0.50"},
    {"truncate[10]", "decimal(38,0)", "-99999999999999999999999999999999999989",
     "-99999999999999999999999999999999999990"},
    {"truncate[3]", "string", "iceberg", "ice"},
    {"truncate[3]", "string", "ic", "ic"},
    {"truncate[2]", "string", "\xc3\xa4\xf0\x9f\x98\x80z", "\xc3\xa4\xf0\x9f\x98\x80"},
    {"truncate[3]", "binary", "0102030405", "010203"},
    {"truncate[3]", "binary", "01", "01"},
    {"year", "date", "2017-11-16", "47"},
    {"year", "date", "1970-01-01", "0"},
    {"year", "date", "1969-12-31", "-1"},
    {"year", "date", "0001-12-31 (BC)", "-1970"},
    {"month", "date", "2017-11-16", "574"},
    {"month", "date", "1969-12-31", "-1"},
    {"month", "date", "1969-01-01", "-12"},
    {"month", "date", "1968-12-31", "-13"},
    {"day", "date", "1969-12-31", "1969-12-31"},
    {"year", "timestamp", "1969-12-31 23:59:59.999999", "-1"},
    {"month", "timestamp", "1969-12-31 23:59:59.999999", "-1"},
    {"day", "timestamp", "1969-12-31 23:59:59.999999", "1969-12-31"},
    {"hour", "timestamp", "1969-12-31 23:59:59.999999", "-1"},
    {"hour", "timestamp", "1969-12-31 23:00:00", "-1"},
    {"hour", "timestamp", "1969-12-31 22:59:59.999999", "-2"},
    {"hour", "timestamp", "1970-01-01 00:59:59.999999", "0"},
    {"day", "timestamp", "1970-01-01 00:00:00", "1970-01-01"},
    {"day", "timestamptz", "2017-12-01 10:12:55.038194+00", "2017-12-01"},
    {"day", "timestamptz", "2017-12-01 01:00:00+02:00", "2017-11-30"},
    {"hour", "timestamptz", "2017-12-01 10:12:55.038194+00", "420034"},
    {"day", "timestamp_ns", "1969-12-31 23:59:59.999999999", "1969-12-31"},
    {"hour", "timestamptz_ns", "1969-12-31 23:59:59.999999999Z", "-1"},
    {"year", "timestamp_ns", "1677-09-21 00:12:43.145224192", "-293"},
    {"day", "timestamp", "290309-12-21 (BC) 19:59:05.224192", "290309-12-21 (BC)"},
    {"year", "timestamp", "294247-01-10 04:00:54.775807", "292277"},
    {"identity", "double", "nan", "nan"},
    {"identity", "double", "-0.0", "-0.0"},
    {"identity", "string", "", ""},
    {"identity", "boolean", "true", "true"},
    {"void", "string", "x", "null"},
    {"void", "list<int>", "null", "null"},
};

static void results(void **state)
{
    struct tarn_op *op = *state;
    for (size_t i = 0; i < COUNT(APPLIED); i++) {
        struct tarn_transform t;
        struct tarn_type source = ice_type(op, APPLIED[i].type), result;
        struct tarn_value v = ice_value(op, &source, APPLIED[i].value), out;
        ice_ok(op, tarn_transform_parse(op, tarn_str_view(APPLIED[i].transform), &t));
        result = tarn_transform_result(&t, &source);
        ice_ok(op, tarn_transform_apply(op, &t, &source, &v, &out));
        ice_text_is(tarn_value_text(op, &result, &out), APPLIED[i].result);
        v.is_null = true;
        ice_ok(op, tarn_transform_apply(op, &t, &source, &v, &out));
        assert_true(out.is_null);
    }
}

static void results_out_of_range_are_errors(void **state)
{
    struct tarn_op *op = *state;
    static const char *const cases[][3] = {
        {"truncate[10]", "int", "-2147483648"},
        {"truncate[10]", "long", "-9223372036854775808"},
        {"truncate[10]", "decimal(38,0)", "-99999999999999999999999999999999999991"},
        {"truncate[10]", "decimal(2,0)", "-99"},
        {"hour", "timestamp", "294247-01-10 04:00:54.775807"},
        {"hour", "timestamp", "290309-12-21 (BC) 19:59:05.224192"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_transform t;
        struct tarn_type source = ice_type(op, cases[i][1]);
        struct tarn_value v = ice_value(op, &source, cases[i][2]), out;
        ice_ok(op, tarn_transform_parse(op, tarn_str_view(cases[i][0]), &t));
        ice_fails(op, tarn_transform_apply(op, &t, &source, &v, &out), TARN_DATA, "does not fit");
    }
    struct tarn_transform t = {.kind = TARN_TRANSFORM_TRUNCATE, .param = 4};
    struct tarn_type s = ice_type(op, "string");
    struct tarn_value v = {.bytes = TARN_STR("a\xff")}, out;
    ice_fails(op, tarn_transform_apply(op, &t, &s, &v, &out), TARN_DATA, "UTF-8");
}

/* Rows: types; columns: identity bucket truncate year month day hour void other. */
static void what_each_accepts(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *type, *accepts;
    } rows[] = {{"boolean", "y......y."},        {"int", "yyy....y."},
                {"long", "yyy....y."},           {"float", "y......y."},
                {"double", "y......y."},         {"decimal(9,2)", "yyy....y."},
                {"date", "yy.yyy.y."},           {"time", "yy.....y."},
                {"timestamp", "yy.yyyyy."},      {"timestamptz", "yy.yyyyy."},
                {"timestamp_ns", "yy.yyyyy."},   {"timestamptz_ns", "yy.yyyyy."},
                {"string", "yyy....y."},         {"uuid", "yy.....y."},
                {"fixed[4]", "yy.....y."},       {"binary", "yyy....y."},
                {"unknown", "y......y."},        {"variant", ".......y."},
                {"geometry", ".......y."},       {"geography", ".......y."},
                {"struct<a: int>", ".......y."}, {"list<int>", ".......y."}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tarn_type source = ice_type(op, rows[i].type);
        for (int k = 0; k <= TARN_TRANSFORM_OTHER; k++) {
            struct tarn_transform t = {
                .kind = (enum tarn_transform_kind)k, .param = 4, .text = TARN_STR("zorder")};
            bool wanted = rows[i].accepts[k] == 'y';
            assert_int_equal(tarn_transform_accepts(&t, &source), wanted);
            if (wanted)
                continue;
            struct tarn_value v = {0}, out;
            ice_fails(op, tarn_transform_apply(op, &t, &source, &v, &out), TARN_UNSUPPORTED,
                      "cannot be applied");
        }
    }
    for (int k = 0; k <= TARN_TRANSFORM_OTHER; k++) {
        struct tarn_transform t = {.kind = (enum tarn_transform_kind)k};
        bool kept =
            k != TARN_TRANSFORM_BUCKET && k != TARN_TRANSFORM_VOID && k != TARN_TRANSFORM_OTHER;
        assert_int_equal(tarn_transform_monotonic(&t), kept);
    }
}

static void spelling_round_trips(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *in, *out;
        enum tarn_transform_kind kind;
        int32_t param;
    } cases[] = {{"identity", "identity", TARN_TRANSFORM_IDENTITY, 0},
                 {"IDENTITY", "identity", TARN_TRANSFORM_IDENTITY, 0},
                 {"bucket[16]", "bucket[16]", TARN_TRANSFORM_BUCKET, 16},
                 {"truncate[4]", "truncate[4]", TARN_TRANSFORM_TRUNCATE, 4},
                 {"year", "year", TARN_TRANSFORM_YEAR, 0},
                 {"month", "month", TARN_TRANSFORM_MONTH, 0},
                 {"day", "day", TARN_TRANSFORM_DAY, 0},
                 {"hour", "hour", TARN_TRANSFORM_HOUR, 0},
                 {"void", "void", TARN_TRANSFORM_VOID, 0},
                 {"zorder[3]", "zorder[3]", TARN_TRANSFORM_OTHER, 0},
                 {"days", "days", TARN_TRANSFORM_OTHER, 0},
                 {"bucket", "bucket", TARN_TRANSFORM_OTHER, 0},
                 {"year[3]", "year[3]", TARN_TRANSFORM_OTHER, 0},
                 {"bucket[x]", "bucket[x]", TARN_TRANSFORM_OTHER, 0},
                 {"bucket[3", "bucket[3", TARN_TRANSFORM_OTHER, 0},
                 {"", "", TARN_TRANSFORM_OTHER, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_transform t;
        ice_ok(op, tarn_transform_parse(op, tarn_str_view(cases[i].in), &t));
        assert_int_equal(t.kind, cases[i].kind);
        assert_int_equal(t.param, cases[i].param);
        ice_text_is(tarn_transform_text(op, &t), cases[i].out);
    }
    struct tarn_transform t;
    ice_fails(op, tarn_transform_parse(op, TARN_STR("bucket[0]"), &t), TARN_INVALID, "is not 1 to");
    ice_fails(op, tarn_transform_parse(op, TARN_STR("truncate[2147483648]"), &t), TARN_INVALID,
              "is not 1 to");
}

static void expressions(void **state)
{
    struct tarn_op *op = *state;
    static const char *const cases[][3] = {
        {"day(ts)", "day", "ts"},
        {"days(ts)", "day", "ts"},
        {"DAYS( ts )", "day", "ts"},
        {"year(d)", "year", "d"},
        {"months(d)", "month", "d"},
        {"hours(ts)", "hour", "ts"},
        {"bucket(16, id)", "bucket[16]", "id"},
        {"bucket(id, 16)", "bucket[16]", "id"},
        {"truncate(4, name)", "truncate[4]", "name"},
        {"truncate(name,4)", "truncate[4]", "name"},
        {"region", "identity", "region"},
        {" identity(region) ", "identity", "region"},
        {"void(x)", "void", "x"},
        {"lines.element.debit", "identity", "lines.element.debit"},
        {"day(meta.\"at (utc)\")", "day", "meta.at (utc)"},
        {"\"we, ird(\"", "identity", "we, ird("},
        {"`a``b`", "identity", "a`b"},
        {"bucket(8, \"a,b\")", "bucket[8]", "a,b"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_transform t;
        struct tarn_str column;
        ice_ok(op, tarn_transform_parse_expr(op, tarn_str_view(cases[i][0]), &t, &column));
        ice_text_is(tarn_transform_text(op, &t), cases[i][1]);
        ice_text_is(column, cases[i][2]);
    }
    static const char *const wrong[] = {
        "",           "day",           "day()",         "day(ts",      "dayz(ts)",
        "bucket(id)", "bucket(0, id)", "bucket(x, id)", "truncate(4)", "truncate(99999999999, x)",
        "a b",        "day(a b)",      "day(a)(b)",     "\"open",      "bucket(16, )",
        "x)"};
    for (size_t i = 1; i < COUNT(wrong); i++) {
        struct tarn_transform t;
        struct tarn_str column;
        enum tarn_status status =
            tarn_transform_parse_expr(op, tarn_str_view(wrong[i]), &t, &column);
        if (i == 1) /* a column may have the name of a transform */
            ice_ok(op, status);
        else if (status != TARN_INVALID)
            fail_msg("\"%s\": status %d", wrong[i], (int)status);
    }
    struct tarn_transform t;
    struct tarn_str column;
    assert_int_equal(tarn_transform_parse_expr(op, TARN_STR("dayz(ts)"), &t, &column),
                     TARN_INVALID);
    assert_string_equal(op->report.hint, "did you mean day?");
}

static void human_text(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *transform, *type;
        int64_t i;
        const char *text;
    } cases[] = {{"year", "date", 47, "2017"},
                 {"year", "date", -1, "1969"},
                 {"year", "date", -1970, "0000"},
                 {"year", "date", -1971, "-001"},
                 {"month", "date", 574, "2017-11"},
                 {"month", "date", -1, "1969-12"},
                 {"month", "date", -12, "1969-01"},
                 {"month", "date", -13, "1968-12"},
                 {"day", "timestamp", 17501, "2017-12-01"},
                 {"day", "date", -1, "1969-12-31"},
                 {"hour", "timestamp", 420034, "2017-12-01-10"},
                 {"hour", "timestamp", -1, "1969-12-31-23"},
                 {"identity", "date", 17501, "2017-12-01"},
                 {"identity", "int", -3, "-3"},
                 {"bucket[4]", "string", 3, "3"},
                 {"identity", "boolean", 1, "true"},
                 {"identity", "timestamp", 1512123175038194, "2017-12-01T10:12:55.038194"},
                 {"identity", "timestamptz", 1512123175038194, "2017-12-01T10:12:55.038194+00:00"},
                 {"identity", "time", 36775038194, "10:12:55.038194"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_transform t;
        struct tarn_type source = ice_type(op, cases[i].type);
        struct tarn_value v = {.i = cases[i].i};
        ice_ok(op, tarn_transform_parse(op, tarn_str_view(cases[i].transform), &t));
        ice_text_is(tarn_transform_human(op, &t, &source, &v), cases[i].text);
        v.is_null = true;
        ice_text_is(tarn_transform_human(op, &t, &source, &v), "null");
    }
    static const char *const base64[][2] = {
        {"", ""}, {"01", "AQ=="}, {"0102", "AQI="}, {"010203", "AQID"}, {"fbff00", "+/8A"}};
    struct tarn_type binary = ice_type(op, "binary");
    struct tarn_transform identity = {.kind = TARN_TRANSFORM_IDENTITY};
    for (size_t i = 0; i < COUNT(base64); i++) {
        struct tarn_value v = ice_value(op, &binary, base64[i][0]);
        ice_text_is(tarn_transform_human(op, &identity, &binary, &v), base64[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(buckets_hash_as_the_spec_says, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(results, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(results_out_of_range_are_errors, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(what_each_accepts, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(spelling_round_trips, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(expressions, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(human_text, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("transform", tests, NULL, NULL);
}
