/* Values as text: what SQL, people and the engine's statistics have. */
#include "iceberg_fixture.h"

#include <math.h>

static const struct {
    const char *type, *in;
    int64_t i;
    const char *out; /* as tarn_value_text has it; NULL: as in */
} WHOLE[] = {
    {"boolean", "true", 1, NULL},
    {"boolean", "TRUE", 1, "true"},
    {"boolean", "1", 1, "true"},
    {"boolean", "0", 0, "false"},
    {"int", "-2147483648", INT32_MIN, NULL},
    {"int", " 12 ", 12, "12"},
    {"long", "-9223372036854775808", INT64_MIN, NULL},
    {"date", "1970-01-01", 0, NULL},
    {"date", "2024-02-29", 19782, NULL},
    {"date", "1969-12-31", -1, NULL},
    {"date", "0001-01-01", -719162, NULL},
    {"date", "0001-12-31 (BC)", -719163, NULL},
    {"date", "0000-12-31", -719163, "0001-12-31 (BC)"},
    {"date", "-0001-01-01", -719893, "0002-01-01 (BC)"},
    {"date", "0044-03-15 (BC)", -735160, NULL},
    {"date", "12024-01-01", 3672148, NULL},
    {"date", "+12024-01-01", 3672148, "12024-01-01"},
    {"date", "5881580-07-11", INT32_MAX, NULL},
    {"date", "5877642-06-23 (BC)", INT32_MIN, NULL},
    {"time", "00:00:00", 0, NULL},
    {"time", "12:34", 45240000000, "12:34:00"},
    {"time", "12:34:56.789012", 45296789012, NULL},
    {"time", "12:34:56.5", 45296500000, "12:34:56.500000"},
    {"time", "12:34:56.789012000", 45296789012, "12:34:56.789012"},
    {"time", "23:59:59.999999", 86399999999, NULL},
    {"time", "24:00:00", 86400000000, NULL},
    {"timestamp", "1970-01-01 00:00:00", 0, NULL},
    {"timestamp", "1970-01-01", 0, "1970-01-01 00:00:00"},
    {"timestamp", "2024-02-29 12:34:56.789012", 1709210096789012, NULL},
    {"timestamp", "2024-02-29T12:34:56.789012", 1709210096789012, "2024-02-29 12:34:56.789012"},
    {"timestamp", "1969-12-31 23:59:59.999999", -1, NULL},
    {"timestamp", "294247-01-10 04:00:54.775807", INT64_MAX, NULL},
    {"timestamp", "290309-12-21 (BC) 19:59:05.224192", INT64_MIN, NULL},
    {"timestamp", "290309-12-21 19:59:05.224192 (BC)", INT64_MIN,
     "290309-12-21 (BC) 19:59:05.224192"},
    {"timestamp", "0044-03-15 (BC) 12:34:56.5", -63517778703500000,
     "0044-03-15 (BC) 12:34:56.500000"},
    {"timestamptz", "2024-02-29 12:34:56.789012+00", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 12:34:56.789012+00:00", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29T12:34:56.789012Z", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 12:34:56.789012 Z", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 12:34:56.789012", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 14:34:56.789012+02", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 18:04:56.789012+0530", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 03:04:56.789012-09:30", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "2024-02-29 12:24:55.789012-00:10:01", 1709210096789012,
     "2024-02-29 12:34:56.789012+00:00"},
    {"timestamptz", "0044-03-15 (BC) 12:34:56+00", -63517778704000000,
     "0044-03-15 (BC) 12:34:56+00:00"},
    {"timestamptz", "1970-01-01 00:00:00-18", 64800000000, "1970-01-01 18:00:00+00:00"},
    {"timestamp_ns", "1969-12-31 23:59:59.123456789", -876543211, NULL},
    {"timestamp_ns", "2262-04-11 23:47:16.854775807", INT64_MAX, NULL},
    {"timestamp_ns", "1677-09-21 00:12:43.145224192", INT64_MIN, NULL},
    {"timestamptz_ns", "1970-01-01 00:00:01.000000001+00", 1000000001,
     "1970-01-01 00:00:01.000000001+00:00"},
};

static void whole_values(void **state)
{
    struct tarn_op *op = *state;
    for (size_t n = 0; n < COUNT(WHOLE); n++) {
        struct tarn_type t = ice_type(op, WHOLE[n].type);
        struct tarn_value v = ice_value(op, &t, WHOLE[n].in), back;
        if (v.i != WHOLE[n].i)
            fail_msg("%s: %lld instead of %lld", WHOLE[n].in, (long long)v.i,
                     (long long)WHOLE[n].i);
        struct tarn_str text = tarn_value_text(op, &t, &v);
        ice_text_is(text, WHOLE[n].out ? WHOLE[n].out : WHOLE[n].in);
        back = ice_value(op, &t, text.ptr);
        assert_true(back.i == WHOLE[n].i);
    }
}

static void floating_point(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *type, *in;
        double d;
        const char *out;
    } cases[] = {
        {"double", "0.1", 0.1, "0.1"},
        {"double", "1", 1, "1.0"},
        {"double", "-0.0", -0.0, "-0.0"},
        {"double", "1e+300", 1e300, "1e+300"},
        {"double", "5e-324", 5e-324, "5e-324"},
        {"double", "1.7976931348623157e+308", 1.7976931348623157e308, "1.7976931348623157e+308"},
        {"double", "0.30000000000000004", 0.30000000000000004, "0.30000000000000004"},
        {"double", "Infinity", (double)INFINITY, "inf"},
        {"double", "-inf", -(double)INFINITY, "-inf"},
        {"float", "0.1", (double)0.1f, "0.1"},
        {"float", "16777217", 16777216, "16777216.0"},
        {"float", "3.4028235e+38", (double)3.4028235e38f, "3.4028235e+38"},
        {"float", "1e-45", (double)1e-45f, "1e-45"},
        /* just above the middle of two floats: rounding to double first would end at the lower one */
        {"float", "1.00000005960464477540", (double)0x1.000002p0f, "1.0000001"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i].type);
        struct tarn_value v = ice_value(op, &t, cases[i].in);
        assert_true(v.d == cases[i].d && signbit(v.d) == signbit(cases[i].d));
        ice_text_is(tarn_value_text(op, &t, &v), cases[i].out);
    }
    struct tarn_type t = ice_type(op, "float");
    struct tarn_value v = ice_value(op, &t, "NaN");
    assert_true(isnan(v.d));
    ice_text_is(tarn_value_text(op, &t, &v), "nan");
}

static void decimals(void **state)
{
    struct tarn_op *op = *state;
    static const char *const cases[][3] = {{"decimal(9,2)", "-12.34", "-12.34"},
                                           {"decimal(9,2)", "12", "12.00"},
                                           {"decimal(9,2)", "1.5", "1.50"},
                                           {"decimal(9,2)", "1.5000", "1.50"},
                                           {"decimal(9,2)", "1.5e1", "15.00"},
                                           {"decimal(2,2)", ".07", "0.07"},
                                           {"decimal(38,0)",
                                            "99999999999999999999999999999999999999",
                                            "99999999999999999999999999999999999999"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i][0]);
        struct tarn_value v = ice_value(op, &t, cases[i][1]);
        ice_text_is(tarn_value_text(op, &t, &v), cases[i][2]);
    }
    struct tarn_type t = ice_type(op, "decimal(4,2)");
    struct tarn_value v;
    assert_int_equal(tarn_value_from_text(op, &t, TARN_STR("1.005"), &v), TARN_INVALID);
    assert_true(strlen(op->report.detail) > 3);
}

static void bytes_and_texts(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "binary");
    struct tarn_value v = ice_value(op, &t, "00fFA0");
    assert_int_equal(v.bytes.len, 3);
    assert_memory_equal(v.bytes.ptr, "\x00\xff\xa0", 3);
    ice_text_is(tarn_value_text(op, &t, &v), "00ffa0");
    t = ice_type(op, "uuid");
    v = ice_value(op, &t, "F79C3E09-677C-4BBD-A479-3F349CB785E7");
    ice_text_is(tarn_value_text(op, &t, &v), "f79c3e09-677c-4bbd-a479-3f349cb785e7");
    t = ice_type(op, "string");
    v = ice_value(op, &t, "  keeps its blanks ");
    ice_text_is(v.bytes, "  keeps its blanks ");
    ice_ok(op, tarn_value_from_text(op, &t, (struct tarn_str){0}, &v));
    assert_non_null(v.bytes.ptr);
}

static void wrong_text_is_refused(void **state)
{
    struct tarn_op *op = *state;
    static const char *const cases[][2] = {{"boolean", "yes"},
                                           {"boolean", ""},
                                           {"boolean", "2"},
                                           {"int", ""},
                                           {"int", "1.0"},
                                           {"int", "2147483648"},
                                           {"int", "-2147483649"},
                                           {"int", "0x10"},
                                           {"int", "1 2"},
                                           {"long", "9223372036854775808"},
                                           {"long", "1e3"},
                                           {"float", "1e39"},
                                           {"float", "abc"},
                                           {"double", "1e309"},
                                           {"double", ""},
                                           {"double", "1,5"},
                                           {"double", "infinit"},
                                           {"decimal(4,2)", "123.00"},
                                           {"decimal(4,2)", "nan"},
                                           {"decimal(4,2)", ""},
                                           {"date", "infinity"},
                                           {"date", "-infinity"},
                                           {"date", "2023-02-29"},
                                           {"date", "1900-02-29"},
                                           {"date", "2024-13-01"},
                                           {"date", "2024-00-01"},
                                           {"date", "2024-01-00"},
                                           {"date", "2024-04-31"},
                                           {"date", "24-01-01"},
                                           {"date", "2024-1-1"},
                                           {"date", "2024-01-01x"},
                                           {"date", "2024-01-01 00:00:00"},
                                           {"date", "0000-01-01 (BC)"},
                                           {"date", "-0001-01-01 (BC)"},
                                           {"date", "5881580-07-12"},
                                           {"date", "5877642-06-22 (BC)"},
                                           {"date", "9999999999-01-01"},
                                           {"date", ""},
                                           {"time", "25:00:00"},
                                           {"time", "24:00:00.000001"},
                                           {"time", "12:60"},
                                           {"time", "12:00:60"},
                                           {"time", "1:00:00"},
                                           {"time", "12"},
                                           {"time", "12:00:00."},
                                           {"time", "12:00:00.1234567"},
                                           {"time", "12:00:00Z"},
                                           {"time", "-01:00:00"},
                                           {"timestamp", "infinity"},
                                           {"timestamp", "-infinity"},
                                           {"timestamp", "2024-02-30 00:00:00"},
                                           {"timestamp", "2024-02-29 12:34:56+00"},
                                           {"timestamp", "2024-02-29 12:34:56Z"},
                                           {"timestamp", "2024-02-29T"},
                                           {"timestamp", "294247-01-10 04:00:54.775808"},
                                           {"timestamp", "290309-12-21 (BC) 19:59:05.224191"},
                                           {"timestamp", "2024-02-29 12:34:56.0000001"},
                                           {"timestamptz", "infinity"},
                                           {"timestamptz", "2024-02-29 12:34:56+1"},
                                           {"timestamptz", "2024-02-29 12:34:56+19"},
                                           {"timestamptz", "2024-02-29 12:34:56+00:"},
                                           {"timestamptz", "2024-02-29 12:34:56+00:60"},
                                           {"timestamptz", "2024-02-29 12:34:56 UTC"},
                                           {"timestamptz", "2024-02-29+00"},
                                           {"timestamp_ns", "2262-04-11 23:47:16.854775808"},
                                           {"timestamp_ns", "1970-01-01 00:00:00.0000000001"},
                                           {"uuid", "f79c3e09-677c-4bbd-a479-3f349cb785e"},
                                           {"uuid", "f79c3e0967-7c-4bbd-a479-3f349cb785e7"},
                                           {"fixed[2]", "00"},
                                           {"fixed[2]", "000000"},
                                           {"binary", "0"},
                                           {"binary", "0g"},
                                           {"string", "\xff"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i][0]);
        struct tarn_value v;
        enum tarn_status status = tarn_value_from_text(op, &t, tarn_str_view(cases[i][1]), &v);
        if (status != TARN_INVALID)
            fail_msg("%s \"%s\": status %d", cases[i][0], cases[i][1], (int)status);
        assert_non_null(strstr(op->report.message, "is not a value of type"));
    }
    struct tarn_type t = ice_type(op, "list<int>");
    struct tarn_value v;
    ice_fails(op, tarn_value_from_text(op, &t, TARN_STR("[1]"), &v), TARN_UNSUPPORTED, NULL);
}

/* Every day of two leap cycles around the epoch, and the ends, print and read back as themselves. */
static void days_round_trip(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "date");
    for (int64_t day = -800000; day <= 800000; day += 97) {
        struct tarn_value v = {.i = day};
        struct tarn_value back = ice_value(op, &t, tarn_value_text(op, &t, &v).ptr);
        assert_true(back.i == day);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_values, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(floating_point, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(decimals, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(bytes_and_texts, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(wrong_text_is_refused, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(days_round_trip, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("value_text", tests, NULL, NULL);
}
