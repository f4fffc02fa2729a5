/* test_decimal: exact parsing at the edges of 38 digits, rounding, measuring, printing. */
#include "check.h"

#include <string.h>

#include "base/decimal.h"

static const char *parse(const char *text, int precision, int scale,
                         enum tarn_decimal_rounding rounding)
{
    static char out[TARN_DECIMAL_TEXT_MAX];
    __int128 v;
    switch (tarn_decimal_parse(tarn_str_view(text), (struct tarn_decimal_type){precision, scale},
                               rounding, &v)) {
    case TARN_DECIMAL_SYNTAX:
        return "syntax";
    case TARN_DECIMAL_INEXACT:
        return "inexact";
    case TARN_DECIMAL_OVERFLOW:
        return "overflow";
    default:
        (void)tarn_decimal_format(v, scale, out);
        return out;
    }
}

struct parse_case {
    const char *text;
    int precision, scale;
    const char *expected;
};

static void exact_parsing(void **state)
{
    (void)state;
    static const struct parse_case cases[] = {
        {"12.34", 9, 2, "12.34"},
        {"-12.340e3", 9, 2, "-12340.00"},
        {"500", 18, 2, "500.00"},
        {"500.00", 18, 2, "500.00"},
        {"500.000000", 18, 2, "500.00"},
        {"+.5", 3, 1, "0.5"},
        {"7.", 3, 1, "7.0"},
        {"0", 1, 0, "0"},
        {"-0", 1, 0, "0"},
        {"-0.00", 1, 0, "0"},
        {"0e999999999999999999999", 1, 0, "0"},
        {"0.000e-99999999999999999999999", 5, 2, "0.00"},
        {"0001.50", 2, 1, "1.5"},
        {"99.99", 4, 2, "99.99"},
        {"100.00", 4, 2, "overflow"},
        {"0.01", 2, 2, "0.01"},
        {"0.99", 2, 2, "0.99"},
        {"1", 2, 2, "overflow"},
        {"0.001", 2, 2, "inexact"},
        {"1e2", 3, 0, "100"},
        {"1E+2", 3, 0, "100"},
        {"1e3", 3, 0, "overflow"},
        {"1000e-3", 1, 0, "1"},
        {"1e999999999999", 38, 0, "overflow"},
        {"1e-999999999999", 38, 38, "inexact"},
        {"1e-38", 38, 38, "0.00000000000000000000000000000000000001"},
        {"1e-39", 38, 38, "inexact"},
        {"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
        {"-99999999999999999999999999999999999999", 38, 0,
         "-99999999999999999999999999999999999999"},
        {"100000000000000000000000000000000000000", 38, 0, "overflow"},
        {"1234567890123456789.0123456789012345678", 38, 19,
         "1234567890123456789.0123456789012345678"},
        {"0.00000000000000000000000000000000000000000000000000000001e56", 1, 0, "1"},
        {"100000000000000000000000000000000000000000000000000000000e-56", 1, 0, "1"},
        {"", 9, 2, "syntax"},
        {"-", 9, 2, "syntax"},
        {".", 9, 2, "syntax"},
        {"-.", 9, 2, "syntax"},
        {"1e", 9, 2, "syntax"},
        {"1e+", 9, 2, "syntax"},
        {"e5", 9, 2, "syntax"},
        {"1 ", 9, 2, "syntax"},
        {" 1", 9, 2, "syntax"},
        {"1,5", 9, 2, "syntax"},
        {"1.2.3", 9, 2, "syntax"},
        {"--1", 9, 2, "syntax"},
        {"0x1", 9, 2, "syntax"},
        {"NaN", 9, 2, "syntax"},
        {"1_0", 9, 2, "syntax"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct parse_case *c = &cases[i];
        assert_string_equal(parse(c->text, c->precision, c->scale, TARN_DECIMAL_EXACT),
                            c->expected);
    }
}

static void rounding_half_up(void **state)
{
    (void)state;
    static const struct parse_case cases[] = {
        {"1.234", 9, 2, "1.23"},
        {"1.235", 9, 2, "1.24"},
        {"-1.235", 9, 2, "-1.24"}, /* away from zero */
        {"1.2349999999999999999999999999999999999999999999999", 9, 2, "1.23"},
        {"0.004", 9, 2, "0.00"},
        {"0.005", 9, 2, "0.01"},
        {"-0.004", 9, 2, "0.00"},
        {"0.0005", 9, 2, "0.00"},
        {"0.5", 1, 0, "1"},
        {"0.49", 1, 0, "0"},
        {"9.5", 1, 0, "overflow"},
        {"9.4", 1, 0, "9"},
        {"99.995", 4, 2, "overflow"},
        {"99.994", 4, 2, "99.99"},
        {"5e-1", 1, 0, "1"},
        {"5e-2", 1, 0, "0"},
        {"9e-999999999999", 38, 38, "0.00000000000000000000000000000000000000"},
        {"99999999999999999999999999999999999999.5", 38, 0, "overflow"},
        {"99999999999999999999999999999999999998.5", 38, 0,
         "99999999999999999999999999999999999999"},
        {"x", 9, 2, "syntax"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct parse_case *c = &cases[i];
        assert_string_equal(parse(c->text, c->precision, c->scale, TARN_DECIMAL_HALF_UP),
                            c->expected);
    }
}

static void measuring(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int whole, scale, scale_min;
    } cases[] = {
        {"12.340", 2, 3, 2},
        {"-12.340e3", 5, 0, 0},
        {"1e2", 3, 0, 0},
        {"0.5", 0, 1, 1},
        {"0", 0, 0, 0},
        {"0.00", 0, 2, 0},
        {"0.0050", 0, 4, 3},
        {"00012", 2, 0, 0},
        {"1e-3", 0, 3, 3},
        {"100e-1", 2, 1, 0},
        {"1200", 4, 0, 0},
        {"0e5", 0, 0, 0},
        {"12.5e1", 3, 0, 0},
        {"12.55e1", 3, 1, 1},
        {"1e99999999999999", INT32_MAX, 0, 0},
        {"1e-99999999999999", 0, INT32_MAX, INT32_MAX},
        {"0.1e1", 1, 0, 0},
        {"0.01e1", 0, 1, 1},
    };
    struct tarn_decimal_shape s;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(tarn_decimal_measure(tarn_str_view(cases[i].text), &s));
        assert_int_equal(s.whole_digits, cases[i].whole);
        assert_int_equal(s.scale, cases[i].scale);
        assert_int_equal(s.scale_min, cases[i].scale_min);
    }
    assert_false(tarn_decimal_measure(TARN_STR("1x"), &s));
    assert_false(tarn_decimal_measure(TARN_STR(""), &s));
}

/* What measure says is enough, is enough; one place less is not. */
static void measure_and_parse_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {"12.340", "0.0050", "123e4", "1e-7",
                                        "99.99",  "5",      "0.1",   "1000",
                                        "10.0e1", "7e0",    "00.10", "123456789012345678.05"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tarn_decimal_shape s;
        __int128 v;
        struct tarn_str text = tarn_str_view(texts[i]);
        assert_true(tarn_decimal_measure(text, &s));
        int precision = s.whole_digits + s.scale_min > 0 ? s.whole_digits + s.scale_min : 1;
        struct tarn_decimal_type fits = {precision, s.scale_min};
        assert_int_equal(tarn_decimal_parse(text, fits, TARN_DECIMAL_EXACT, &v), TARN_DECIMAL_OK);
        if (s.scale_min > 0) {
            struct tarn_decimal_type coarser = {precision, s.scale_min - 1};
            assert_int_equal(tarn_decimal_parse(text, coarser, TARN_DECIMAL_EXACT, &v),
                             TARN_DECIMAL_INEXACT);
        }
        if (precision > 1 && s.whole_digits > 0) {
            struct tarn_decimal_type narrower = {
                precision - 1, s.scale_min < precision ? s.scale_min : precision - 1};
            assert_int_equal(tarn_decimal_parse(text, narrower, TARN_DECIMAL_EXACT, &v),
                             TARN_DECIMAL_OVERFLOW);
        }
    }
}

static void printing(void **state)
{
    (void)state;
    char out[TARN_DECIMAL_TEXT_MAX];
    assert_int_equal(tarn_decimal_format(-1234, 2, out), 6);
    assert_string_equal(out, "-12.34");
    (void)tarn_decimal_format(5, 3, out);
    assert_string_equal(out, "0.005");
    (void)tarn_decimal_format(0, 0, out);
    assert_string_equal(out, "0");
    (void)tarn_decimal_format(0, 2, out);
    assert_string_equal(out, "0.00");
    (void)tarn_decimal_format(-5, 1, out);
    assert_string_equal(out, "-0.5");
    __int128 least = (__int128)((unsigned __int128)1 << 127);
    (void)tarn_decimal_format(least, 0, out);
    assert_string_equal(out, "-170141183460469231731687303715884105728");
    (void)tarn_decimal_format(least, 38, out);
    assert_string_equal(out, "-1.70141183460469231731687303715884105728");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_parsing), cmocka_unit_test(rounding_half_up),
        cmocka_unit_test(measuring),     cmocka_unit_test(measure_and_parse_agree),
        cmocka_unit_test(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
