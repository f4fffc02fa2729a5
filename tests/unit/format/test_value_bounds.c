/* Bounds as manifests store them (trap 15, 16). */
#include "iceberg_fixture.h"

#include <math.h>

/* width, value, lower, upper; NULL upper: none */
static const struct {
    int32_t width;
    const char *in, *lower, *upper;
} STRINGS[] = {
    {16, "", "", ""},
    {16, "short", "short", "short"},
    {5, "short", "short", "short"},
    {4, "short", "shor", "shos"},
    {0, "a long text that is not cut", "a long text that is not cut",
     "a long text that is not cut"},
    {1, "\x7f\x7f", "\x7f", "\xc2\x80"},                      /* 1 byte -> 2 */
    {1, "\xdf\xbf!", "\xdf\xbf", "\xe0\xa0\x80"},             /* 2 -> 3 */
    {1, "\xef\xbf\xbf!", "\xef\xbf\xbf", "\xf0\x90\x80\x80"}, /* 3 -> 4 */
    {1, "\xed\x9f\xbf!", "\xed\x9f\xbf", "\xee\x80\x80"},     /* over the surrogates */
    {1, "\xf4\x8f\xbf\xbf!", "\xf4\x8f\xbf\xbf", NULL},       /* U+10FFFF: none above */
    {2, "a\xf4\x8f\xbf\xbf!", "a\xf4\x8f\xbf\xbf", "b"},      /* the one before it steps up */
    {3, "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xf4\x8f\xbf\xbf!",
     "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf\xee\x80\x80"},
    {2, "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf!", "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", NULL},
    {2, "\xc3\xa4\xc3\xb6\xc3\xbc", "\xc3\xa4\xc3\xb6",
     "\xc3\xa4\xc3\xb7"}, /* code points, not bytes */
    {2, "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
     "\xf0\x9f\x98\x80\xf0\x9f\x98\x81"},
};

static void strings(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "string");
    for (size_t i = 0; i < COUNT(STRINGS); i++) {
        struct tarn_value v = {.bytes = tarn_str_view(STRINGS[i].in)};
        struct tarn_str lower, upper;
        ice_ok(op, tarn_bound_lower(op, &t, &v, STRINGS[i].width, &lower));
        ice_ok(op, tarn_bound_upper(op, &t, &v, STRINGS[i].width, &upper));
        ice_text_is(lower, STRINGS[i].lower);
        assert_true(tarn_str_cmp(lower, v.bytes) <= 0);
        if (!STRINGS[i].upper) {
            assert_null(upper.ptr);
            continue;
        }
        ice_text_is(upper, STRINGS[i].upper);
        assert_true(tarn_str_cmp(upper, v.bytes) >= 0);
        assert_true(tarn_utf8_valid(upper));
    }
}

static void a_string_that_is_not_utf8_has_no_bounds(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "string");
    static const char *const cases[] = {
        "\xff", "a\xc3", "\xed\xa0\x80", "\x80", "\xf4\x90\x80\x80", "\xc0\x80"};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_value v = {.bytes = tarn_str_view(cases[i])};
        struct tarn_str out = TARN_STR("x");
        ice_ok(op, tarn_bound_lower(op, &t, &v, 16, &out));
        assert_null(out.ptr);
        out = TARN_STR("x");
        ice_ok(op, tarn_bound_upper(op, &t, &v, 16, &out));
        assert_null(out.ptr);
    }
}

static void bytes(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *type, *in;
        int32_t width;
        const char *lower, *upper;
    } cases[] = {
        {"binary", "0102030405", 3, "010203", "010204"},
        {"binary", "0102ff05", 3, "0102ff", "0103"},
        {"binary", "ffffff05", 3, "ffffff", NULL},
        {"binary", "ffffff", 3, "ffffff", "ffffff"},
        {"binary", "", 3, "", ""},
        {"binary", "0102", 0, "0102", "0102"},
        {"fixed[4]", "01020304", 2, "0102", "0103"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type t = ice_type(op, cases[i].type), b = ice_type(op, "binary");
        struct tarn_value v = ice_value(op, &t, cases[i].in), back;
        struct tarn_str lower, upper;
        ice_ok(op, tarn_bound_lower(op, &t, &v, cases[i].width, &lower));
        ice_ok(op, tarn_value_from_bytes(op, &t, lower, &back)); /* what was cut can be read */
        ice_text_is(tarn_value_text(op, &b, &back), cases[i].lower);
        ice_ok(op, tarn_bound_upper(op, &t, &v, cases[i].width, &upper));
        assert_int_equal(upper.ptr == NULL, cases[i].upper == NULL);
        if (cases[i].upper)
            ice_text_is(tarn_value_text(op, &b, &(struct tarn_value){.bytes = upper}),
                        cases[i].upper);
        ice_text_is(tarn_value_text(op, &t, &v),
                    cases[i].in); /* the value itself stays as it was */
    }
}

static void numbers_pass_and_zeros_are_widened(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type i64 = ice_type(op, "long"), dbl = ice_type(op, "double"),
                     flt = ice_type(op, "float");
    struct tarn_value v = {.i = -7};
    struct tarn_str out;
    ice_ok(op, tarn_bound_upper(op, &i64, &v, 1, &out));
    assert_memory_equal(out.ptr, "\xf9\xff\xff\xff\xff\xff\xff\xff", 8);
    for (int minus = 0; minus < 2; minus++) {
        v = (struct tarn_value){.d = minus ? -0.0 : 0.0};
        ice_ok(op, tarn_bound_lower(op, &dbl, &v, 16, &out));
        assert_memory_equal(out.ptr, "\0\0\0\0\0\0\0\x80", 8);
        ice_ok(op, tarn_bound_upper(op, &dbl, &v, 16, &out));
        assert_memory_equal(out.ptr, "\0\0\0\0\0\0\0\0", 8);
        ice_ok(op, tarn_bound_lower(op, &flt, &v, 16, &out));
        assert_memory_equal(out.ptr, "\0\0\0\x80", 4);
    }
}

static void nan_and_null_have_no_bounds(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type types[] = {ice_type(op, "float"), ice_type(op, "double")};
    for (size_t i = 0; i < 2; i++) {
        struct tarn_value nan = {.d = (double)NAN}, null = {.is_null = true};
        struct tarn_str out = TARN_STR("x");
        ice_ok(op, tarn_bound_lower(op, &types[i], &nan, 16, &out));
        assert_null(out.ptr);
        ice_ok(op, tarn_bound_upper(op, &types[i], &nan, 16, &out));
        assert_null(out.ptr);
        ice_ok(op, tarn_bound_upper(op, &types[i], &null, 16, &out));
        assert_null(out.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(strings, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(a_string_that_is_not_utf8_has_no_bounds, ice_setup,
                                        ice_teardown),
        cmocka_unit_test_setup_teardown(bytes, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(numbers_pass_and_zeros_are_widened, ice_setup,
                                        ice_teardown),
        cmocka_unit_test_setup_teardown(nan_and_null_have_no_bounds, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("value_bounds", tests, NULL, NULL);
}
