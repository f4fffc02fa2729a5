/* Numbers as text: what a double prints back, measured and stored, against the C library. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flow/decode_number.h"

static struct tarn__number scan(const char *text)
{
    struct tarn__number n;
    if (tarn__number_scan(text, &n) != text + strlen(text))
        fail_msg("%s is no number", text);
    return n;
}

/* The shortest digits that read back as v, as "d.ddde+xx". */
static void shortest(double v, char out[40])
{
    for (int digits = 0; digits < 17; digits++) {
        (void)snprintf(out, 40, "%.*e", digits, v);
        if (strtod(out, NULL) == v)
            return;
    }
}

/* The text's digits without zeros at either end, and the place of its point. */
static void canonical(const char *text, char out[400])
{
    char digits[380];
    size_t count = 0, point = 0;
    bool behind = false;
    const char *p = text + (*text == '-');
    for (; *p && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.') {
            behind = true;
            continue;
        }
        digits[count++] = *p;
        point += !behind;
    }
    long exponent = *p ? strtol(p + 1, NULL, 10) : 0;
    size_t from = 0;
    while (from < count && digits[from] == '0')
        from++;
    while (count > from && digits[count - 1] == '0')
        count--;
    if (from == count) {
        (void)snprintf(out, 400, "0");
        return;
    }
    (void)snprintf(out, 400, "%.*sE%ld", (int)(count - from), digits + from,
                   exponent + (long)point - (long)from);
}

static void check(const char *text)
{
    struct tarn__number n = scan(text);
    char printed[40], a[400], b[400];
    double v = strtod(text, NULL);
    bool expected = isfinite(v);
    if (expected) {
        shortest(v, printed);
        canonical(text, a);
        canonical(printed, b);
        expected = strcmp(a, b) == 0;
        if (tarn__number_to_double(&n) != v)
            fail_msg("%s is read as %.17g, not %.17g", text, tarn__number_to_double(&n), v);
    }
    if (n.integer)
        expected = fabs(v) <= 9007199254740992.0 && expected;
    if (expected == !!(n.seen.flags & TARN__S_NOT_DOUBLE))
        fail_msg("%s: %s", text, expected ? "is printed back" : "is not printed back");
    if (tarn__number_is_double(&n) != expected && !n.integer)
        fail_msg("%s: the second answer differs", text);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed ^ *seed >> 29;
}

static void what_doubles_print_back(void **state)
{
    static const char *const texts[] = {
        "0",
        "1",
        "-1",
        "0.1",
        "0.2",
        "0.30000000000000004",
        "0.3000000000000000",
        "1e22",
        "1e23",
        "9e22",
        "5e-324",
        "4.9e-324",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e400",
        "1e-400",
        "9007199254740992",
        "9007199254740993",
        "9007199254740993.0",
        "123456789012345678",
        "0.1234567890123456789",
        "1234567.8901234567",
        "8.41",
        "9.5367431640625e-7",
        "2.00000000000000000001",
        "1e0",
        "100e-2",
        "0.000001",
        "0.00000000000000000001",
        "4503599627370496.5",
        "4503599627370497.5",
        "2251799813685248.25",
        "0.99999999999999989",
        "0.9999999999999999",
        "1.0000000000000002",
        "5.684341886080801e-14",
        "5.6843418860808015e-14",
        "1e0000000000000000000000001",
        "1e99999999999999999999",
        "0e99999999999",
        "-0.0",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(texts[i]);
}

static void random_doubles(void **state)
{
    uint64_t seed = 3;
    char text[64];
    (void)state;
    for (int i = 0; i < 60000; i++) {
        uint64_t r = next_random(&seed);
        double v = ldexp((double)(next_random(&seed) >> 11), (int)(r % 120) - 100);
        int kind = (int)(r >> 8) % 6;
        if (kind == 0)
            (void)snprintf(text, sizeof text, "%.17g", v);
        else if (kind == 1)
            (void)snprintf(text, sizeof text, "%.16g", v);
        else if (kind == 2)
            (void)snprintf(text, sizeof text, "%.*f", (int)(r >> 16) % 18 + 1,
                           v > 1e15 ? 1 / v : v);
        else if (kind == 3)
            shortest(v, text);
        else if (kind == 4)
            (void)snprintf(text, sizeof text, "%llu.%0*llu", (unsigned long long)(r >> 16) % 100000,
                           12, (unsigned long long)(next_random(&seed) % 1000000000000u));
        else
            (void)snprintf(text, sizeof text, "0.%017llu",
                           (unsigned long long)(next_random(&seed) % 100000000000000000u));
        check(text);
        check(text[0] == '-' ? text + 1 : text);
    }
}

static void measures(void **state)
{
    static const struct {
        const char *text;
        int whole, scale;
    } cases[] = {
        {"0", 0, 0},
        {"5", 1, 0},
        {"-123", 3, 0},
        {"0.5", 0, 1},
        {"0.050", 0, 3},
        {"12.50", 2, 2},
        {"1e3", 4, 0},
        {"1.5e1", 2, 0},
        {"1.50e1", 2, 1},
        {"100e-2", 1, 2},
        {"1e-5", 0, 5},
        {"0.001e3", 1, 0},
        {"0e5", 0, 0},
        {"0e-5", 0, 5},
        {"1e300", 255, 0},
        {"1e-300", 0, 255},
        {"99999999999999999999999999999999999999", 38, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn__number n = scan(cases[i].text);
        assert_int_equal(n.seen.whole_digits, cases[i].whole);
        assert_int_equal(n.seen.scale, cases[i].scale);
    }
}

static void longs(void **state)
{
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"12", true, 12},
        {"12.00", true, 12},
        {"1.2e1", true, 12},
        {"120e-1", true, 12},
        {"1.25e1", false, 0},
        {"0.5", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"-9223372036854775808", true, INT64_MIN},
        {"-9223372036854775809", false, 0},
        {"1e18", true, 1000000000000000000},
        {"1e19", false, 0},
        {"1e999", false, 0},
        {"0e999", true, 0},
        {"92233720368547758070e-1", true, INT64_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn__number n = scan(cases[i].text);
        int64_t v = 0;
        assert_int_equal(tarn__number_to_long(&n, &v), cases[i].fits);
        if (cases[i].fits)
            assert_true(v == cases[i].value);
    }
}

static void floats(void **state)
{
    struct tarn__number n = scan("0.1");
    (void)state;
    assert_true(tarn__number_is_float(&n));
    n = scan("16777216");
    assert_true(tarn__number_is_float(&n));
    n = scan("16777217");
    assert_false(tarn__number_is_float(&n));
    n = scan("1e39");
    assert_false(tarn__number_is_float(&n));
}

static void what_is_no_number(void **state)
{
    static const char *const texts[] = {"",    "-",   "+1", ".5",       "1.",  "1e",   "1e+", "01",
                                        "-01", "--1", "a",  "Infinity", "NaN", "0x10", "1..2"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct tarn__number n;
        const char *end = tarn__number_scan(texts[i], &n);
        assert_true(!end || end != texts[i] + strlen(texts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_doubles_print_back),
        cmocka_unit_test(random_doubles),
        cmocka_unit_test(measures),
        cmocka_unit_test(longs),
        cmocka_unit_test(floats),
        cmocka_unit_test(what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
