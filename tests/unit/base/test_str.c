/* test_str: comparing, cutting, converting; UTF-8 by Unicode's table 3-7; the nearest name;
 * buf's limit and quoting. */
#include "check.h"

#include <string.h>

#include "base/arena.h"

static struct tarn_str view(const char *z)
{
    return tarn_str_view(z);
}

static void comparing(void **state)
{
    (void)state;
    assert_true(tarn_str_eq_nocase(view("aBc"), view("AbC")));
    assert_false(tarn_str_eq_nocase(view("abc"), view("abcd")));
    assert_false(tarn_str_eq_nocase(view("\xC3\xA9"), view("\xC3\x89"))); /* é, É: ASCII only */
    assert_false(tarn_str_eq_nocase(view("@"), view("`")));
    assert_int_equal(tarn_str_cmp(view("a"), view("b")), -1);
    assert_int_equal(tarn_str_cmp(view("a"), view("\xFF")), -1);
    assert_int_equal(tarn_str_cmp(view("ab"), view("a")), 1);
    assert_int_equal(tarn_str_cmp(view(""), (struct tarn_str){NULL, 0}), 0);
    assert_int_equal(tarn_str_cmp(view("x"), view("x")), 0);
    assert_true(tarn_str_starts(view("abc"), view("ab")));
    assert_true(tarn_str_starts(view("abc"), view("")));
    assert_false(tarn_str_starts(view("a"), view("ab")));
    assert_true(tarn_str_ends(view("abc"), view("bc")));
    assert_true(tarn_str_ends((struct tarn_str){NULL, 0}, view("")));
    assert_false(tarn_str_ends(view("c"), view("bc")));
}

static void cutting(void **state)
{
    (void)state;
    struct tarn_str s = view("a,,b"), head;
    assert_true(tarn_str_cut(&s, ',', &head));
    check_str(head, "a");
    assert_true(tarn_str_cut(&s, ',', &head));
    check_str(head, "");
    assert_false(tarn_str_cut(&s, ',', &head));
    check_str(head, "b");
    assert_null(s.ptr);
    s = view("x,");
    assert_true(tarn_str_cut(&s, ',', &head));
    assert_false(tarn_str_cut(&s, ',', &head)); /* an empty last piece is a piece */
    check_str(head, "");
    check_str(tarn_str_trim(view(" \t\r\n a b \v\f")), "a b");
    check_str(tarn_str_trim(view("  ")), "");
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"1 ", false, 0},
        {" 1", false, 0},
        {"1.0", false, 0},
        {"0x1", false, 0},
        {"1e3", false, 0},
        {"--1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t v = 77;
        assert_int_equal(tarn_str_to_i64(view(cases[i].text), &v), cases[i].ok);
        assert_int_equal(v, cases[i].ok ? cases[i].value : 77);
    }
}

static void doubles(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",    ".",  "-",  "nan",   "inf",    "0x10", "1e",
                                        "1e+", " 1", "1 ", "1e400", "-1e400", "1.2.3"};
    double v;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(tarn_str_to_double(view(wrong[i]), &v));
    assert_true(tarn_str_to_double(view("-1.5e3"), &v) && v == -1500.0);
    assert_true(tarn_str_to_double(view(".5"), &v) && v == 0.5);
    assert_true(tarn_str_to_double(view("5."), &v) && v == 5.0);
    assert_true(tarn_str_to_double(view("1e-400"), &v) && v == 0.0);
    assert_true(tarn_str_to_double(tarn_str_of("12345", 2), &v) &&
                v == 12.0); /* never reads past len */
    char many[2000];
    memset(many, '0', sizeof many);
    many[0] = '7';
    many[1] = '.';
    assert_true(tarn_str_to_double(tarn_str_of(many, sizeof many), &v) && v == 7.0);
}

static void utf8(void **state)
{
    (void)state;
    static const char *const right[] = {"",
                                        "plain ascii that is longer than eight bytes",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF",
                                        "1234567\xC3\xA9"};
    static const char *const wrong[] = {"\x80",
                                        "\xC0\x80",         /* overlong NUL */
                                        "\xC1\xBF",         /* overlong */
                                        "\xE0\x9F\xBF",     /* overlong */
                                        "\xED\xA0\x80",     /* surrogate */
                                        "\xF0\x8F\xBF\xBF", /* overlong */
                                        "\xF4\x90\x80\x80", /* past U+10FFFF */
                                        "\xF5\x80\x80\x80",
                                        "\xFF",
                                        "\xC3",
                                        "\xE2\x82",
                                        "\xF0\x9F\x98",
                                        "\xC3(",
                                        "12345678\xE2\x28\xA1"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_true(tarn_utf8_valid(view(right[i])));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(tarn_utf8_valid(view(wrong[i])));
    assert_true(tarn_utf8_valid(tarn_str_of("a\0b", 3)));
    assert_true(tarn_utf8_valid((struct tarn_str){NULL, 0}));
}

static void nearest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"partition_by", "columns", "from", "to", "mode"};
    assert_string_equal(tarn_str_nearest(view("partiton_by"), names, 5), "partition_by");
    assert_string_equal(tarn_str_nearest(view("PARTITION_BY"), names, 5), "partition_by");
    assert_string_equal(tarn_str_nearest(view("colmuns"), names, 5), "columns");
    assert_string_equal(tarn_str_nearest(view("form"), names, 5), "from"); /* a swap is one edit */
    assert_null(tarn_str_nearest(view("warehouse"), names, 5));
    assert_null(tarn_str_nearest(view("x"), names, 5));
    assert_null(tarn_str_nearest(view(""), names, 5));
    assert_null(tarn_str_nearest(view("from"), names, 0));
    char longer[200];
    memset(longer, 'a', sizeof longer);
    assert_null(tarn_str_nearest(tarn_str_of(longer, sizeof longer), names, 5));
}

static void buf_grows_up_to_its_maximum(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    assert_string_equal(b.ptr, "");
    for (int i = 0; i < 1000; i++)
        tarn_buf_put(&b, 'x');
    assert_int_equal(tarn_buf_finish(&op, &b, "the text"), TARN_OK);
    assert_int_equal(b.len, 1000);
    assert_int_equal(b.ptr[1000], 0);
    tarn_buf_put(&b, 'y');
    assert_true(b.failed && b.over_limit);
    assert_int_equal(tarn_buf_finish(&op, &b, "the text"), TARN_LIMIT);
    assert_string_equal(op.report.message, "the text is larger than 1000 bytes");
    tarn_buf_append(&b, "more", 4); /* sticks */
    assert_int_equal(b.len, 1000);
    tarn_buf_reset(&b);
    tarn_buf_z(&b, "new");
    check_str(tarn_buf_view(&b), "new");
    tarn_buf_release(&b);
    tarn_buf_release(&b);
    struct tarn_buf zeroed = {0};
    tarn_buf_release(&zeroed);
    check_str(tarn_buf_view(&zeroed), "");
    tarn_op_release(&op);
}

static void buf_with_an_absurd_maximum_still_works(void **state)
{
    (void)state;
    struct tarn_buf b;
    tarn_buf_init(&b, SIZE_MAX);
    tarn_buf_z(&b, "abc");
    check_str(tarn_buf_view(&b), "abc");
    assert_false(tarn_buf_reserve(&b, SIZE_MAX));
    assert_true(b.over_limit);
    tarn_buf_release(&b);
}

static void buf_formats(void **state)
{
    (void)state;
    struct tarn_buf b;
    tarn_buf_init(&b, 100000);
    tarn_buf_printf(&b, "%d-%s", 5, "x");
    check_str(tarn_buf_view(&b), "5-x");
    tarn_buf_printf(&b, "%5000d", 1);
    assert_int_equal(b.len, 5003);
    assert_int_equal(b.ptr[5002], '1');
    tarn_buf_reset(&b);
    tarn_buf_sql_name(&b, view("a\"b"));
    tarn_buf_put(&b, ' ');
    tarn_buf_sql_text(&b, view("it's ''"));
    tarn_buf_put(&b, ' ');
    tarn_buf_sql_text(&b, (struct tarn_str){NULL, 0});
    check_str(tarn_buf_view(&b), "\"a\"\"b\" 'it''s ''''' ''");
    tarn_buf_reset(&b);
    tarn_buf_hex(&b, "\x00\xAB\xFF", 3);
    check_str(tarn_buf_view(&b), "00abff");
    tarn_buf_release(&b);
}

static enum tarn_status build_text(struct tarn_op *op, void *ctx)
{
    (void)ctx;
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 100000);
    for (int i = 0; i < 500; i++)
        tarn_buf_printf(&b, "%d,", i);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "a list", &out));
    assert_int_equal(out.len, 10 * 2 + 90 * 3 + 400 * 4);
    assert_int_equal(out.ptr[out.len], 0);
    return TARN_OK;
}

static void take_moves_the_text_or_fails(void **state)
{
    (void)state;
    check_alloc_failures(build_text, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing),
        cmocka_unit_test(cutting),
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(utf8),
        cmocka_unit_test(nearest_names),
        cmocka_unit_test(buf_grows_up_to_its_maximum),
        cmocka_unit_test(buf_with_an_absurd_maximum_still_works),
        cmocka_unit_test(buf_formats),
        cmocka_unit_test(take_moves_the_text_or_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
