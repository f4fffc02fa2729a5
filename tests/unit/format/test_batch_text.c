/* Values of columns as text, JSON and CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "format/batch_text.h"

struct shown {
    const char *text, *json, *csv;
};

static void expect(const struct tarn_column *c, size_t row, struct shown want)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 1 << 20);
    tarn_column_text(&b, c, row);
    assert_string_equal(tarn_buf_view(&b).ptr, want.text);
    tarn_buf_reset(&b);
    tarn_json_writer_init(&w, &b);
    tarn_column_json(&w, c, row);
    assert_string_equal(tarn_buf_view(&b).ptr, want.json);
    tarn_buf_reset(&b);
    tarn_column_csv(&b, c, row, ',');
    assert_false(b.failed);
    assert_string_equal(tarn_buf_view(&b).ptr, want.csv);
    tarn_buf_release(&b);
}

static void expect_one(enum tarn_type_kind kind, void *data, struct shown want)
{
    struct tarn_type t = {.kind = kind, .precision = 38, .scale = 2};
    struct tarn_column c = {.type = &t, .length = 1, .data = data};
    expect(&c, 0, want);
}

#define ONE(kind, ctype, value, ...) expect_one(kind, &(ctype){value}, (struct shown){__VA_ARGS__})

static void test_numbers(void **state)
{
    (void)state;
    ONE(TARN_TYPE_BOOLEAN, uint8_t, 1, "true", "true", "true");
    ONE(TARN_TYPE_BOOLEAN, uint8_t, 0, "false", "false", "false");
    ONE(TARN_TYPE_INT, int32_t, INT32_MIN, "-2147483648", "-2147483648", "-2147483648");
    ONE(TARN_TYPE_LONG, int64_t, INT64_MIN, "-9223372036854775808", "-9223372036854775808",
        "-9223372036854775808");
    ONE(TARN_TYPE_DECIMAL, __int128, -5, "-0.05", "-0.05", "-0.05");
    ONE(TARN_TYPE_DECIMAL, __int128, (__int128)1000000000000000000 * 1000000000000000000,
        "10000000000000000000000000000000000.00", "10000000000000000000000000000000000.00",
        "10000000000000000000000000000000000.00");
    ONE(TARN_TYPE_DOUBLE, double, 0.1, "0.1", "0.1", "0.1");
    ONE(TARN_TYPE_FLOAT, float, 0.1f, "0.1", "0.1", "0.1");
    ONE(TARN_TYPE_DOUBLE, double, -0.0, "-0.0", "-0.0", "-0.0");
}

static void test_numbers_that_json_lacks(void **state)
{
    (void)state;
    struct tarn_type t = {.kind = TARN_TYPE_DOUBLE};
    double values[] = {__builtin_nan(""), __builtin_inf(), -__builtin_inf()};
    struct tarn_column c = {.type = &t, .length = 3, .data = values};
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 1 << 20);
    tarn_json_writer_init(&w, &b);
    tarn_json_begin_array(&w);
    for (size_t i = 0; i < 3; i++)
        tarn_column_json(&w, &c, i);
    tarn_json_end_array(&w);
    assert_string_equal(b.ptr, "[\"NaN\",\"Infinity\",\"-Infinity\"]");
    tarn_buf_release(&b);
}

static void test_times(void **state)
{
    (void)state;
    ONE(TARN_TYPE_DATE, int32_t, -1, "1969-12-31", "\"1969-12-31\"", "1969-12-31");
    ONE(TARN_TYPE_DATE, int32_t, INT32_MAX, "infinity", "\"infinity\"", "infinity");
    ONE(TARN_TYPE_DATE, int32_t, (int32_t)tarn_date_to_days(-43, 3, 15), "0044-03-15 (BC)",
        "\"-0043-03-15\"", "0044-03-15 (BC)");
    ONE(TARN_TYPE_TIME, int64_t, 86399999999, "23:59:59.999999", "\"23:59:59.999999\"",
        "23:59:59.999999");
    ONE(TARN_TYPE_TIMESTAMP, int64_t, -500000, "1969-12-31 23:59:59.500000",
        "\"1969-12-31T23:59:59.500000\"", "1969-12-31 23:59:59.500000");
    ONE(TARN_TYPE_TIMESTAMPTZ, int64_t, 1709208896000000, "2024-02-29 12:14:56+00",
        "\"2024-02-29T12:14:56+00:00\"", "2024-02-29 12:14:56+00");
    ONE(TARN_TYPE_TIMESTAMP, int64_t, -INT64_MAX, "-infinity", "\"-infinity\"", "-infinity");
    ONE(TARN_TYPE_TIMESTAMPTZ_NS, int64_t, 1, "1970-01-01 00:00:00.000000001+00",
        "\"1970-01-01T00:00:00.000000001+00:00\"", "1970-01-01 00:00:00.000000001+00");
}

static void test_bytes(void **state)
{
    (void)state;
    char uuid[16] = "\x55\x0e\x84\x00\xe2\x9b\x41\xd4\xa7\x16\x44\x66\x55\x44\x00\x00";
    expect_one(TARN_TYPE_UUID, uuid,
               (struct shown){"550e8400-e29b-41d4-a716-446655440000",
                              "\"550e8400-e29b-41d4-a716-446655440000\"",
                              "550e8400-e29b-41d4-a716-446655440000"});
    struct tarn_type fixed = {.kind = TARN_TYPE_FIXED, .length = 4};
    struct tarn_column c = {.type = &fixed,
                            .length = 2,
                            .data = (char[]){"\0\\a\xFF"
                                             "abcd"}};
    expect(&c, 0, (struct shown){"\\x00\\x5Ca\\xFF", "\"AFxh/w==\"", "005c61ff"});
    expect(&c, 1, (struct shown){"abcd", "\"YWJjZA==\"", "61626364"});
    struct tarn_type binary = {.kind = TARN_TYPE_BINARY};
    uint32_t offsets[] = {0, 0, 1, 3, 6};
    c = (struct tarn_column){
        .type = &binary, .length = 4, .offsets = offsets, .bytes = (char[]){"\1\2\3\4\5\6"}};
    expect(&c, 0, (struct shown){"", "\"\"", ""});
    expect(&c, 1, (struct shown){"\\x01", "\"AQ==\"", "01"});
    expect(&c, 2, (struct shown){"\\x02\\x03", "\"AgM=\"", "0203"});
    expect(&c, 3, (struct shown){"\\x04\\x05\\x06", "\"BAUG\"", "040506"});
}

/* The texts: a | "" | NULL | a,b | a"b | two lines | größe */
static uint32_t text_offsets[] = {0, 1, 1, 1, 4, 7, 10, 17};
static uint64_t text_validity[] = {0x7B};

static void test_strings(void **state)
{
    (void)state;
    struct tarn_type t = {.kind = TARN_TYPE_STRING};
    struct tarn_column c = {.type = &t,
                            .length = 7,
                            .null_count = 1,
                            .validity = text_validity,
                            .offsets = text_offsets,
                            .bytes = (char[]){"aa,ba\"bx\nygröße"}};
    expect(&c, 0, (struct shown){"a", "\"a\"", "a"});
    expect(&c, 1, (struct shown){"", "\"\"", "\"\""});
    expect(&c, 2, (struct shown){"NULL", "null", ""});
    expect(&c, 3, (struct shown){"a,b", "\"a,b\"", "\"a,b\""});
    expect(&c, 4, (struct shown){"a\"b", "\"a\\\"b\"", "\"a\"\"b\""});
    expect(&c, 5, (struct shown){"x\ny", "\"x\\ny\"", "\"x\ny\""});
    expect(&c, 6, (struct shown){"größe", "\"größe\"", "größe"});
    struct tarn_buf b;
    tarn_buf_init(&b, 100);
    tarn_column_csv(&b, &c, 3, ';');
    assert_string_equal(b.ptr, "a,b");
    tarn_buf_release(&b);
}

static void test_nested(void **state)
{
    (void)state;
    struct tarn_field fields[] = {{.name = TARN_STR("n"), .type = {.kind = TARN_TYPE_INT}},
                                  {.name = TARN_STR("s"), .type = {.kind = TARN_TYPE_STRING}}};
    struct tarn_type st = {.kind = TARN_TYPE_STRUCT, .fields = fields, .field_count = 2};
    struct tarn_field element = {.name = TARN_STR("element"), .type = st};
    struct tarn_type list = {.kind = TARN_TYPE_LIST, .fields = &element, .field_count = 1};
    struct tarn_column members[] = {
        {.type = &fields[0].type, .length = 2, .data = (int32_t[]){1, 2}},
        {.type = &fields[1].type,
         .length = 2,
         .null_count = 1,
         .validity = (uint64_t[]){1},
         .offsets = (uint32_t[]){0, 1, 1},
         .bytes = (char[]){"x"}},
    };
    struct tarn_column structs = {
        .type = &element.type, .length = 2, .children = members, .child_count = 2};
    struct tarn_column c = {.type = &list,
                            .length = 2,
                            .offsets = (uint32_t[]){0, 0, 2},
                            .children = &structs,
                            .child_count = 1};
    expect(&c, 0, (struct shown){"[]", "[]", "[]"});
    expect(&c, 1,
           (struct shown){"[{n: 1, s: x}, {n: 2, s: NULL}]",
                          "[{\"n\":1,\"s\":\"x\"},{\"n\":2,\"s\":null}]",
                          "\"[{\"\"n\"\":1,\"\"s\"\":\"\"x\"\"},{\"\"n\"\":2,\"\"s\"\":null}]\""});
}

static void test_maps(void **state)
{
    (void)state;
    struct tarn_field by_text[] = {{.name = TARN_STR("key"), .type = {.kind = TARN_TYPE_STRING}},
                                   {.name = TARN_STR("value"), .type = {.kind = TARN_TYPE_INT}}};
    struct tarn_field by_number[] = {by_text[1], by_text[0]};
    struct tarn_type t = {.kind = TARN_TYPE_MAP, .fields = by_text, .field_count = 2};
    struct tarn_column numbers = {.type = &by_text[1].type, .length = 2, .data = (int32_t[]){1, 2}};
    struct tarn_column texts = {.type = &by_text[0].type,
                                .length = 2,
                                .offsets = (uint32_t[]){0, 1, 2},
                                .bytes = (char[]){"ab"}};
    struct tarn_column children[] = {texts, numbers};
    struct tarn_column c = {.type = &t,
                            .length = 1,
                            .offsets = (uint32_t[]){0, 2},
                            .children = children,
                            .child_count = 2};
    expect(&c, 0,
           (struct shown){"{a: 1, b: 2}", "{\"a\":1,\"b\":2}", "\"{\"\"a\"\":1,\"\"b\"\":2}\""});
    struct tarn_type u = {.kind = TARN_TYPE_MAP, .fields = by_number, .field_count = 2};
    struct tarn_column swapped[] = {numbers, texts};
    c.type = &u;
    c.children = swapped;
    expect(&c, 0,
           (struct shown){"{1: a, 2: b}",
                          "[{\"key\":1,\"value\":\"a\"},{\"key\":2,\"value\":\"b\"}]",
                          "\"[{\"\"key\"\":1,\"\"value\"\":\"\"a\"\"},{\"\"key\"\":2,\"\"value\"\":"
                          "\"\"b\"\"}]\""});
}

static void test_unknown_and_limits(void **state)
{
    (void)state;
    struct tarn_type t = {.kind = TARN_TYPE_UNKNOWN};
    struct tarn_column c = {.type = &t, .length = 1};
    expect(&c, 0, (struct shown){"NULL", "null", ""});
    struct tarn_type bytes = {.kind = TARN_TYPE_BINARY};
    struct tarn_buf b;
    struct tarn_json_writer w;
    c = (struct tarn_column){.type = &bytes,
                             .length = 1,
                             .offsets = (uint32_t[]){0, 16},
                             .bytes = (char[]){"0123456789abcdef"}};
    tarn_buf_init(&b, 8);
    tarn_json_writer_init(&w, &b);
    tarn_column_json(&w, &c, 0);
    assert_true(b.failed);
    tarn_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_numbers_that_json_lacks),
        cmocka_unit_test(test_times),   cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_strings), cmocka_unit_test(test_nested),
        cmocka_unit_test(test_maps),    cmocka_unit_test(test_unknown_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
