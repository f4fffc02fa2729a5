/* Single values: bytes, JSON, order and equality (spec appendix D, trap 14, 25). */
#include "iceberg_fixture.h"

#include <math.h>

static struct tarn_str hex(struct tarn_op *op, struct tarn_str bytes)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 16);
    tarn_buf_hex(&b, bytes.ptr, bytes.len);
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "hex", &out));
    return out;
}

/* type, value, bytes, JSON; NULL: none */
static const struct {
    const char *type, *text, *hex, *json;
} VALUES[] = {
    {"boolean", "true", "01", "true"},
    {"boolean", "0", "00", "false"},
    {"int", "34", "22000000", "34"},
    {"int", "-2147483648", "00000080", "-2147483648"},
    {"long", "34", "2200000000000000", "34"},
    {"long", "9223372036854775807", "ffffffffffffff7f", "9223372036854775807"},
    {"float", "1.0", "0000803f", "1.0"},
    {"float", "0.1", "cdcccc3d", "0.1"},
    {"double", "1.0", "000000000000f03f", "1.0"},
    {"double", "-0.0", "0000000000000080", "-0.0"},
    {"double", "1e300", "9c7500883ce4377e", "1e+300"},
    {"double", "inf", "000000000000f07f", NULL},
    {"decimal(4,2)", "14.20", "058c", "\"14.20\""},
    {"decimal(9,2)", "0", "00", "\"0.00\""},
    {"decimal(9,2)", "1.27", "7f", "\"1.27\""},
    {"decimal(9,2)", "1.28", "0080", "\"1.28\""},
    {"decimal(9,2)", "-1.28", "80", "\"-1.28\""},
    {"decimal(9,2)", "-1.29", "ff7f", "\"-1.29\""},
    {"decimal(38,0)", "99999999999999999999999999999999999999", "4b3b4ca85a86c47a098a223fffffffff",
     "\"99999999999999999999999999999999999999\""},
    {"decimal(38,0)", "-99999999999999999999999999999999999999", "b4c4b357a5793b85f675ddc000000001",
     "\"-99999999999999999999999999999999999999\""},
    {"date", "2017-11-16", "4e440000", "\"2017-11-16\""},
    {"date", "1969-12-31", "ffffffff", "\"1969-12-31\""},
    {"date", "12024-01-01", "54083800", "\"+12024-01-01\""},
    {"date", "0044-03-15 (BC)", "48c8f4ff", "\"-0043-03-15\""},
    {"time", "22:31:08.123456", "406509e012000000", "\"22:31:08.123456\""},
    {"time", "22:31:08", "008307e012000000", "\"22:31:08\""},
    {"timestamp", "2017-11-16T22:31:08.123456", NULL, "\"2017-11-16T22:31:08.123456\""},
    {"timestamp", "1969-12-31 23:59:59.999999", "ffffffffffffffff",
     "\"1969-12-31T23:59:59.999999\""},
    {"timestamptz", "2017-11-16 14:31:08.123456-08:00", NULL,
     "\"2017-11-16T22:31:08.123456+00:00\""},
    {"timestamp_ns", "2017-11-16T22:31:08.123456789", NULL, "\"2017-11-16T22:31:08.123456789\""},
    {"timestamptz_ns", "2017-11-16T22:31:08.123456789Z", NULL,
     "\"2017-11-16T22:31:08.123456789+00:00\""},
    {"string", "iceberg", "69636562657267", "\"iceberg\""},
    {"string", "", "", "\"\""},
    {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09677c4bbda4793f349cb785e7",
     "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\""},
    {"fixed[4]", "000102ff", "000102ff", "\"000102ff\""},
    {"binary", "000102FF", "000102ff", "\"000102ff\""},
    {"binary", "", "", "\"\""},
};

static struct tarn_str to_json(struct tarn_op *op, const struct tarn_type *t,
                               const struct tarn_value *v, enum tarn_status wanted)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 16);
    tarn_json_writer_init(&w, &b);
    assert_int_equal(tarn_value_to_json(&w, t, v), wanted);
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "json", &out));
    return out;
}

static void bytes_and_json_round_trip(void **state)
{
    struct tarn_op *op = *state;
    for (size_t i = 0; i < COUNT(VALUES); i++) {
        struct tarn_type t = ice_type(op, VALUES[i].type);
        struct tarn_value v = ice_value(op, &t, VALUES[i].text), back;
        struct tarn_str bytes;
        ice_ok(op, tarn_value_to_bytes(op, &t, &v, &bytes));
        if (VALUES[i].hex)
            ice_text_is(hex(op, bytes), VALUES[i].hex);
        ice_ok(op, tarn_value_from_bytes(op, &t, bytes, &back));
        assert_int_equal(tarn_value_cmp(&t, &v, &back), 0);
        struct tarn_str json = to_json(op, &t, &v, VALUES[i].json ? TARN_OK : TARN_UNSUPPORTED);
        if (!VALUES[i].json) {
            assert_int_equal(json.len, 0);
            continue;
        }
        ice_text_is(json, VALUES[i].json);
        ice_ok(op, tarn_value_from_json(op, &t, ice_json(op, json.ptr), &back));
        assert_int_equal(tarn_value_cmp(&t, &v, &back), 0);
    }
}

static void nulls(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct tarn_value null = {.is_null = true}, zero = {0}, back;
    struct tarn_str bytes = TARN_STR("x");
    ice_ok(op, tarn_value_to_bytes(op, &t, &null, &bytes));
    assert_null(bytes.ptr);
    ice_text_is(to_json(op, &t, &null, TARN_OK), "null");
    ice_ok(op, tarn_value_from_json(op, &t, ice_json(op, "null"), &back));
    assert_true(back.is_null);
    assert_true(tarn_value_eq(&t, &null, &null));
    assert_false(tarn_value_eq(&t, &null, &zero));
    ice_text_is(tarn_value_text(op, &t, &null), "null");
}

static void wrong_json_is_refused(void **state)
{
    struct tarn_op *op = *state;
    static const char *const cases[][2] = {{"boolean", "1"},
                                           {"boolean", "\"true\""},
                                           {"int", "\"34\""},
                                           {"int", "2147483648"},
                                           {"int", "1.0"},
                                           {"int", "1e2"},
                                           {"long", "9223372036854775808"},
                                           {"float", "\"1\""},
                                           {"float", "1e39"},
                                           {"double", "1e400"},
                                           {"decimal(4,2)", "14.20"},
                                           {"decimal(4,2)", "\"14.2\""},
                                           {"decimal(4,2)", "\"14.200\""},
                                           {"decimal(4,2)", "\"142.00\""},
                                           {"decimal(4,2)", "\"x\""},
                                           {"date", "17"},
                                           {"date", "\"2017-02-29\""},
                                           {"date", "\"2017-11-16T00:00:00\""},
                                           {"time", "\"24:00:00\""},
                                           {"time", "\"12:60:00\""},
                                           {"timestamp", "\"2017-11-16\""},
                                           {"timestamp", "\"2017-11-16T22:31:08+00:00\""},
                                           {"timestamp", "\"2017-11-16T22:31:08.1234567\""},
                                           {"timestamptz", "\"2017-11-16T22:31:08\""},
                                           {"timestamptz", "\"2017-11-16T22:31:08+01:00\""},
                                           {"uuid", "\"f79c3e09677c4bbda4793f349cb785e7\""},
                                           {"uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785eg\""},
                                           {"fixed[4]", "\"0001\""},
                                           {"fixed[4]", "\"0001020304\""},
                                           {"binary", "\"abc\""},
                                           {"binary", "\"zz\""},
                                           {"string", "7"},
                                           {"string", "{}"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i][0]);
        struct tarn_value v;
        ice_fails(op, tarn_value_from_json(op, &t, ice_json(op, cases[i][1]), &v), TARN_INVALID,
                  NULL);
    }
    struct tarn_type variant = ice_type(op, "variant");
    struct tarn_value v;
    ice_fails(op, tarn_value_from_json(op, &variant, ice_json(op, "1"), &v), TARN_UNSUPPORTED,
              NULL);
    struct tarn_value one = {.i = 1};
    (void)to_json(op, &variant, &one, TARN_UNSUPPORTED);
    struct tarn_type string = ice_type(op, "string");
    struct tarn_value broken = {.bytes = TARN_STR("a\xff")};
    (void)to_json(op, &string, &broken, TARN_INVALID);
}

/* Bounds of a column that was promoted keep the width of the old type. */
static void narrow_bytes_of_promoted_types(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type lng = ice_type(op, "long"), dbl = ice_type(op, "double"),
                     ts = ice_type(op, "timestamp");
    struct tarn_type ns = ice_type(op, "timestamp_ns"), i32 = ice_type(op, "int");
    struct tarn_str minus_two = tarn_str_of("\xfe\xff\xff\xff", 4);
    struct tarn_value v;
    ice_ok(op, tarn_value_from_bytes(op, &lng, minus_two, &v));
    assert_int_equal(v.i, -2);
    ice_ok(op, tarn_value_from_bytes(op, &ts, minus_two, &v));
    assert_int_equal(v.i, -2 * INT64_C(86400000000));
    ice_ok(op, tarn_value_from_bytes(op, &ns, minus_two, &v));
    assert_int_equal(v.i, -2 * INT64_C(86400000000000));
    ice_ok(op, tarn_value_from_bytes(op, &dbl, tarn_str_of("\x00\x00\xc0\xbf", 4), &v));
    assert_true(v.d == -1.5);
    ice_ok(op, tarn_value_from_bytes(op, &i32, tarn_str_of("\x07\0\0\0\0\0\0\0", 8), &v));
    assert_int_equal(v.i, 7);
    ice_fails(op, tarn_value_from_bytes(op, &i32, tarn_str_of("\x07\0\0\0\1\0\0\0", 8), &v),
              TARN_CORRUPT, NULL);
    ice_fails(op, tarn_value_from_bytes(op, &ns, tarn_str_of("\xff\xff\xff\x7f", 4), &v),
              TARN_CORRUPT, NULL);
}

static void defaults_of_promoted_columns(void **state)
{
    static const struct {
        const char *from, *to, *json, *out;
    } cases[] = {
        {"int", "long", "5", "5"},
        {"decimal(5,2)", "decimal(9,2)", "\"1.50\"", "\"1.50\""},
        {"date", "date", "\"2024-02-29\"", "\"2024-02-29\""},
        {"date", "timestamp", "\"1969-12-31\"", "\"1969-12-31T00:00:00\""},
        {"date", "timestamp_ns", "\"2024-02-29\"", "\"2024-02-29T00:00:00\""},
        {"date", "timestamp", "null", "null"},
    };
    struct tarn_op *op = *state;
    struct tarn_str out;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type from = ice_type(op, cases[i].from), to = ice_type(op, cases[i].to);
        ice_ok(op, tarn_default_promoted(op, &from, &to, tarn_str_view(cases[i].json), &out));
        ice_text_is(out, cases[i].out);
    }
    struct tarn_type date = ice_type(op, "date"), ns = ice_type(op, "timestamp_ns");
    ice_fails(op, tarn_default_promoted(op, &date, &ns, TARN_STR("\"3000-01-01\""), &out),
              TARN_DATA, "beyond the range");
    ice_ok(op, tarn_default_promoted(op, &date, &ns, (struct tarn_str){NULL, 0}, &out));
    assert_null(out.ptr);
}

static void wrong_lengths_are_corrupt(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *type;
        size_t lengths[6]; /* ends with 99 */
    } cases[] = {
        {"boolean", {0, 2, 4, 99}},     {"int", {0, 1, 3, 5, 99}},    {"long", {0, 3, 7, 9, 99}},
        {"float", {0, 3, 8, 99}},       {"double", {0, 5, 9, 99}},    {"date", {0, 3, 99}},
        {"time", {0, 4, 99}},           {"timestamp", {0, 3, 9, 99}}, {"timestamptz", {0, 4, 99}},
        {"timestamptz_ns", {4, 9, 99}}, {"decimal(9,2)", {0, 99}},    {"uuid", {0, 15, 17, 99}},
        {"fixed[4]", {5, 99}}};
    static const char bytes[20] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                   11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i].type);
        struct tarn_value v;
        for (size_t k = 0; cases[i].lengths[k] != 99; k++)
            ice_fails(op,
                      tarn_value_from_bytes(op, &t, tarn_str_of(bytes, cases[i].lengths[k]), &v),
                      TARN_CORRUPT, "bytes are no value of type");
    }
    struct tarn_type dec = ice_type(op, "decimal(38,0)");
    struct tarn_value v;
    ice_fails(op, tarn_value_from_bytes(op, &dec, tarn_str_of(bytes, 17), &v), TARN_CORRUPT, NULL);
    ice_ok(op,
           tarn_value_from_bytes(
               op, &dec,
               tarn_str_of(
                   "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 18),
               &v));
    assert_true(v.dec == -2);
    ice_fails(
        op,
        tarn_value_from_bytes(
            op, &dec,
            tarn_str_of("\xff\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 17),
            &v),
        TARN_CORRUPT, NULL);
    struct tarn_type variant = ice_type(op, "variant"), i32 = ice_type(op, "int");
    struct tarn_str out;
    ice_fails(op, tarn_value_from_bytes(op, &variant, TARN_STR("x"), &v), TARN_UNSUPPORTED, NULL);
    ice_fails(op, tarn_value_to_bytes(op, &variant, &v, &out), TARN_UNSUPPORTED, NULL);
    v = (struct tarn_value){.i = INT64_C(1) << 31};
    ice_fails(op, tarn_value_to_bytes(op, &i32, &v, &out), TARN_INVALID, NULL);
}

/* Each list ascends strictly. */
static void order(void **state)
{
    struct tarn_op *op = *state;
    static const char *const lists[][8] = {
        {"boolean", "false", "true"},
        {"int", "-2147483648", "-1", "0", "2147483647"},
        {"double", "-inf", "-1.5", "-0.0", "0.0", "1e-300", "inf", "nan"},
        {"float", "-inf", "-0.0", "0.0", "1", "nan"},
        {"decimal(38,10)", "-1234567890123456789012345678.5", "-0.0000000001", "0", "0.1", "9"},
        {"date", "0044-03-15 (BC)", "1969-12-31", "1970-01-01", "12024-01-01"},
        {"timestamptz", "1900-01-01 00:00:00+00", "2024-01-01 00:00:00+01", "2024-01-01 00:00:00Z"},
        {"string", "", "a", "ab", "b", "\xc3\xa4", "\xef\xbf\xbd", "\xf0\x9f\x98\x80"},
        {"uuid", "00000000-0000-0000-0000-000000000000", "7fffffff-0000-0000-0000-000000000000",
         "80000000-0000-0000-0000-000000000000", "ffffffff-0000-0000-0000-000000000000"},
        {"binary", "", "00", "0001", "7f", "80", "ff"},
    };
    for (size_t l = 0; l < COUNT(lists); l++) {
        struct tarn_type t = ice_type(op, lists[l][0]);
        for (size_t i = 1; i < 8 && lists[l][i]; i++) {
            for (size_t k = 1; k < 8 && lists[l][k]; k++) {
                struct tarn_value a = ice_value(op, &t, lists[l][i]),
                                  b = ice_value(op, &t, lists[l][k]);
                int c = tarn_value_cmp(&t, &a, &b);
                assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
                bool zeros = a.d == 0 && b.d == 0 && lists[l][0][0] != 'b' &&
                             (t.kind == TARN_TYPE_DOUBLE || t.kind == TARN_TYPE_FLOAT);
                assert_int_equal(tarn_value_eq(&t, &a, &b), i == k || zeros);
            }
        }
    }
    struct tarn_type t = ice_type(op, "double");
    struct tarn_value nan = {.d = (double)NAN}, minus_nan = {.d = -(double)NAN};
    assert_true(tarn_value_eq(&t, &nan, &minus_nan));
}

static enum tarn_status all_forms(struct tarn_op *op, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT(VALUES); i++) {
        struct tarn_type t;
        struct tarn_value v;
        struct tarn_str bytes;
        TARN_TRY(tarn_type_parse(op, tarn_str_view(VALUES[i].type), &t));
        TARN_TRY(tarn_value_from_text(op, &t, tarn_str_view(VALUES[i].text), &v));
        TARN_TRY(tarn_value_to_bytes(op, &t, &v, &bytes));
        TARN_TRY(tarn_bound_upper(op, &t, &v, 2, &bytes));
        if (!tarn_value_text(op, &t, &v).ptr)
            return op->report.status;
    }
    return TARN_OK;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    ice_alloc_sweep(all_forms, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_and_json_round_trip, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(nulls, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(wrong_json_is_refused, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(narrow_bytes_of_promoted_types, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(defaults_of_promoted_columns, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(wrong_lengths_are_corrupt, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(order, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
