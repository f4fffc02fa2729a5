/* test_json: the reader token by token, strictness by RFC 8259, skipping, unescaping; the tree;
 * the writer. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

/* The tokens as letters, texts in between: {"a":[1,true]} is "{ k:a [ n:1 t ] } ." */
static void tokens(const char *text, size_t n, int depth_max, char *out)
{
    static const char letters[] = ".!{}[]ksntfz";
    struct tarn_json_reader r;
    tarn_json_reader_init(&r, tarn_str_of(text, n), depth_max);
    for (;;) {
        enum tarn_json_token token = tarn_json_next(&r);
        *out++ = letters[token];
        if (token == TARN_JSON_KEY || token == TARN_JSON_STRING || token == TARN_JSON_NUMBER) {
            *out++ = ':';
            memcpy(out, r.text.ptr, r.text.len);
            out += r.text.len;
        }
        if (token == TARN_JSON_END || token == TARN_JSON_ERROR)
            break;
        *out++ = ' ';
    }
    *out = '\0';
}

static void reader_hands_out_tokens(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"a\":[1,true]}", "{ k:a [ n:1 t ] } ."},
        {" {} ", "{ } ."},
        {"[]", "[ ] ."},
        {"[[],{},[[]]]", "[ [ ] { } [ [ ] ] ] ."},
        {"\n\t\r [ 1 , 2 ]\n", "[ n:1 n:2 ] ."},
        {"-0.5E+10", "n:-0.5E+10 ."},
        {"\"a\\\"b\"", "s:a\\\"b ."},
        {"null false", "z f ."},
        {"{\"a\":1}\n{\"a\":2}\n", "{ k:a n:1 } { k:a n:2 } ."},
        {"{\"k\" : \"v\" , \"\" : null}", "{ k:k s:v k: z } ."},
        {"\"a string that is longer than sixteen bytes \\n and another sixteen\"",
         "s:a string that is longer than sixteen bytes \\n and another sixteen ."},
        {"[                                        1,\n                                2]",
         "[ n:1 n:2 ] ."},
        {"", "."},
        {"   ", "."},
    };
    char out[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tokens(cases[i][0], strlen(cases[i][0]), 0, out);
        assert_string_equal(out, cases[i][1]);
    }
}

static void reader_refuses_what_rfc_8259_refuses(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "[1,]",
        "{\"a\":1,}",
        "[,1]",
        "[1 2]",
        "{,}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{a:1}",
        "{1:2}",
        "{\"a\":1 \"b\":2}",
        "[",
        "{",
        "[1",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "]",
        "}",
        "[}",
        "{]",
        "[1}",
        "{\"a\":1]",
        ",",
        ":",
        "01",
        "-",
        "-01",
        "+1",
        ".5",
        "1.",
        "1.e3",
        "1e",
        "1e+",
        "1e1.5",
        "0x1",
        "1a",
        "1_000",
        "--1",
        "1-",
        "Infinity",
        "NaN",
        "-Infinity",
        "tru",
        "truE",
        "TRUE",
        "True",
        "nul",
        "nulls",
        "falsey",
        "true1",
        "\"",
        "\"a",
        "\"\\",
        "\"\\\"",
        "\"\\x41\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\U0041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\x01\"",
        "'a'",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\naaaaaaaaaaaaaaaaaaaaaaaaaa\"",
        "/* c */ 1",
        "1 // c",
        "# c",
        "\xEF\xBB\xBF[]",
        "\xA0",
        "\x0C",
        "undefined",
        "[1]]",
    };
    char out[512];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tokens(cases[i], strlen(cases[i]), 0, out);
        if (out[strlen(out) - 1] != '!')
            print_error("accepted: %s\n", cases[i]);
        assert_int_equal(out[strlen(out) - 1], '!');
    }
    tokens("\"a\0b\"", 5, 0, out);
    assert_string_equal(out, "!");
    tokens("1\0", 2, 0, out);
    assert_string_equal(out, "n:1 !");
}

static void reader_never_reads_past_the_end(void **state)
{
    (void)state;
    static const char text[] =
        "{\"key\":[\"a string longer than sixteen bytes\\u00e9\",-12.5e+3,true,false,null,{}]}";
    char out[512];
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *copy = test_malloc(n ? n : 1); /* so that the sanitizer sees one byte too many */
        memcpy(copy, text, n);
        tokens(copy, n, 0, out);
        assert_int_equal(out[strlen(out) - 1], n ? '!' : '.');
        test_free(copy);
    }
}

static void errors_have_a_place_and_stick(void **state)
{
    (void)state;
    struct tarn_json_reader r;
    tarn_json_reader_init(&r, TARN_STR("[1, x]"), 0);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_ARRAY_BEGIN);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_NUMBER);
    assert_int_equal(tarn_json_offset(&r), 1);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_ERROR);
    assert_int_equal(tarn_json_offset(&r), 4);
    assert_string_equal(r.error, "expected a value");
    assert_int_equal(tarn_json_next(&r), TARN_JSON_ERROR);
    assert_false(tarn_json_skip(&r, NULL));
    tarn_json_reader_init(&r, TARN_STR("{\"a\" 1}"), 0);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_OBJECT_BEGIN);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_ERROR);
    assert_string_equal(r.error, "expected ':' after a key");
}

static void depth_is_limited(void **state)
{
    (void)state;
    char text[TARN_JSON_DEPTH_MAX + 2], out[4 * TARN_JSON_DEPTH_MAX];
    memset(text, '[', sizeof text);
    tokens(text, TARN_JSON_DEPTH_MAX + 1, 0, out);
    assert_int_equal(strlen(out), 2 * TARN_JSON_DEPTH_MAX + 1);
    assert_int_equal(out[strlen(out) - 1], '!');
    tokens("[[[]]]", 6, 3, out);
    assert_string_equal(out, "[ [ [ ] ] ] .");
    tokens("[[[]]]", 6, 2, out);
    assert_string_equal(out, "[ [ !");
    tokens("[{}]", 4, 100000, out);
    assert_string_equal(out, "[ { } ] .");
}

static void skip_passes_whole_values(void **state)
{
    (void)state;
    struct tarn_json_reader r;
    struct tarn_str raw;
    tarn_json_reader_init(&r, TARN_STR("{\"a\": {\"b\":[1,{}]} , \"c\": 2}"), 0);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_OBJECT_BEGIN);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_KEY);
    assert_true(tarn_json_skip(&r, &raw));
    check_str(raw, "{\"b\":[1,{}]}");
    assert_int_equal(tarn_json_next(&r), TARN_JSON_KEY);
    check_str(r.text, "c");
    assert_true(tarn_json_skip(&r, &raw));
    check_str(raw, "2");
    assert_int_equal(tarn_json_next(&r), TARN_JSON_OBJECT_END);
    assert_false(tarn_json_skip(&r, NULL)); /* the text is over */
    tarn_json_reader_init(&r, TARN_STR("[1,[2]]"), 0);
    assert_int_equal(tarn_json_next(&r), TARN_JSON_ARRAY_BEGIN);
    assert_true(tarn_json_skip(&r, &raw));
    check_str(raw, "1");
    assert_true(tarn_json_skip(&r, &raw));
    check_str(raw, "[2]");
    assert_false(tarn_json_skip(&r, NULL)); /* here stands ']' */
    assert_string_equal(r.error, "expected a value");
}

static void skip_checks_strings(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\"\xFF\"",     "[\"\xC3\"]",       "{\"\xFF\":1}",
                                        "\"\\ud800\"",  "\"\\udc00\"",      "\"\\ud800\\ud800\"",
                                        "\"\\ud800x\"", "\"\\ud800\\n\"",   "\"\\ud83d\\u0041\"",
                                        "\"x\\ud800\"", "[\"\\\\\\ud800\"]"};
    static const char *const right[] = {"\"\\ud83d\\ude00\"", "\"\\\\ud800\"", "\"\xC3\xA9\\n\"",
                                        "\"\\u0000\""};
    struct tarn_json_reader r;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tarn_json_reader_init(&r, tarn_str_view(wrong[i]), 0);
        assert_false(tarn_json_skip(&r, NULL));
    }
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        tarn_json_reader_init(&r, tarn_str_view(right[i]), 0);
        assert_true(tarn_json_skip(&r, NULL));
    }
}

static void unescaping(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *text;
    } right[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC"},
        {"\\ud83d\\ude00!", "\xF0\x9F\x98\x80!"},
        {"\\uD834\\uDD1E", "\xF0\x9D\x84\x9E"},
        {"\\uFFFF\\uE000", "\xEF\xBF\xBF\xEE\x80\x80"},
        {"\\udbff\\udfff", "\xF4\x8F\xBF\xBF"},
    };
    static const char *const wrong[] = {"\\",
                                        "\\x",
                                        "\\u",
                                        "\\u12",
                                        "\\u12G4",
                                        "\\ud800",
                                        "\\udc00\\ud800",
                                        "\\ud800\\u0041",
                                        "\xFF",
                                        "\xC3\\n\xA9",
                                        "\\ud800\\u",
                                        "a\\"};
    char out[64];
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        long n = tarn_json_unescape(tarn_str_view(right[i].raw), out);
        assert_true(n >= 0);
        check_str(tarn_str_of(out, (size_t)n), right[i].text);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tarn_json_unescape(tarn_str_view(wrong[i]), out), -1);
    assert_int_equal(tarn_json_unescape(TARN_STR("a\\u0000b"), out), 3);
    assert_memory_equal(out, "a\0b", 3);
    strcpy(out, "x\\ny"); /* in place */
    assert_int_equal(tarn_json_unescape(tarn_str_view(out), out), 3);
    assert_memory_equal(out, "x\ny", 3);
}

/* ---- tree */

static void tree_keeps_order_digits_and_bytes(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_json *t;
    static const char text[] = " {\"b\": [1, 2.50, -9223372036854775808], \"a\": {\"x\\u0041\": "
                               "\"\\n\"}, \"t\": true, \"n\": null} ";
    assert_int_equal(tarn_json_parse(&op, tarn_str_view(text), "a test", &t), TARN_OK);
    assert_int_equal(t->kind, TARN_JSON_K_OBJECT);
    assert_int_equal(t->count, 4);
    check_str(t->first->key, "b");
    check_str(t->first->raw, "[1, 2.50, -9223372036854775808]");
    assert_int_equal(t->first->count, 3);
    check_str(t->first->first->next->text, "2.50");
    const struct tarn_json *a = tarn_json_get(t, "a");
    check_str(a->raw, "{\"x\\u0041\": \"\\n\"}");
    check_str(a->first->key, "xA");
    check_str(a->first->text, "\n");
    check_str(a->first->raw, "\"\\n\"");
    assert_int_equal(a->first->text.ptr[1], 0);
    assert_true(tarn_json_get(t, "t")->boolean);
    assert_int_equal(tarn_json_get(t, "n")->kind, TARN_JSON_K_NULL);
    assert_null(tarn_json_get(t, "zz"));
    assert_null(tarn_json_get(t->first, "b"));
    assert_null(tarn_json_get(NULL, "b"));
    tarn_op_release(&op);
}

static void tree_refuses_with_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tarn_status status;
        const char *message;
    } cases[] = {
        {"", TARN_CORRUPT, "a test is not valid JSON at line 1, column 1: there is no value"},
        {"{\n  \"a\": }", TARN_CORRUPT,
         "a test is not valid JSON at line 2, column 8: expected a value"},
        {"1 2", TARN_CORRUPT,
         "a test is not valid JSON at line 1, column 3: something follows the value"},
        {"[\"\xC3\xA9\", x]", TARN_CORRUPT,
         "a test is not valid JSON at line 1, column 7: expected a value"},
        {"[\"\xFF\"]", TARN_CORRUPT,
         "a test is not valid JSON at line 1, column 2: invalid UTF-8 or a lone surrogate in a "
         "string"},
        {"{\"a\":1,\"b\":2,\"a\":3}", TARN_CORRUPT,
         "a test is not valid JSON at line 1, column 18: a key stands twice"},
        {"{\"a\":1,\"\\u0061\":3}", TARN_CORRUPT,
         "a test is not valid JSON at line 1, column 17: a key stands twice"},
    };
    struct tarn_op op = check_op();
    struct tarn_json *t;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tarn_json_parse(&op, tarn_str_view(cases[i].text), "a test", &t),
                         cases[i].status);
        assert_string_equal(op.report.message, cases[i].message);
    }
    char deep[TARN_JSON_DEPTH_MAX + 1];
    memset(deep, '[', sizeof deep);
    assert_int_equal(tarn_json_parse(&op, tarn_str_of(deep, sizeof deep), "a test", &t),
                     TARN_LIMIT);
    tarn_op_release(&op);
}

static void tree_finds_duplicates_among_many_keys(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_json *t;
    struct tarn_buf b;
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_put(&b, '{');
    for (int i = 0; i < 5000; i++)
        tarn_buf_printf(&b, "%s\"key %d\":%d", i ? "," : "", i, i);
    size_t n = b.len;
    tarn_buf_put(&b, '}');
    assert_int_equal(tarn_json_parse(&op, tarn_buf_view(&b), "a test", &t), TARN_OK);
    assert_int_equal(t->count, 5000);
    b.len = n;
    tarn_buf_z(&b, ",\"key 77\":1}");
    assert_int_equal(tarn_json_parse(&op, tarn_buf_view(&b), "a test", &t), TARN_CORRUPT);
    assert_string_equal(op.report.detail, "the key is \"key 77\"");
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

static void members_are_read_by_type(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_json *t;
    struct tarn_json_field req = {"snapshot 42", true}, opt = {"snapshot 42", false};
    struct tarn_str s = TARN_STR("old");
    int64_t i64 = 7;
    int32_t i32 = 7;
    bool flag = true;
    const struct tarn_json *child;
    assert_int_equal(tarn_json_parse(&op,
                                     TARN_STR("{\"s\":\"x\",\"i\":-5,\"big\":3000000000,\"f\":1.0,"
                                              "\"b\":false,\"z\":null,\"a\":[],\"o\":{}}"),
                                     "t", &t),
                     TARN_OK);
    assert_int_equal(tarn_json_str(&op, t, "s", req, &s), TARN_OK);
    check_str(s, "x");
    assert_int_equal(tarn_json_str(&op, t, "none", opt, &s), TARN_OK);
    assert_int_equal(tarn_json_str(&op, t, "z", opt, &s), TARN_OK);
    check_str(s, "x"); /* left alone */
    assert_int_equal(tarn_json_str(&op, t, "none", req, &s), TARN_CORRUPT);
    assert_string_equal(op.report.message, "snapshot 42: field \"none\" is missing");
    assert_int_equal(tarn_json_str(&op, t, "z", req, &s), TARN_CORRUPT);
    assert_string_equal(op.report.message, "snapshot 42: field \"z\" is null");
    assert_int_equal(tarn_json_str(&op, t, "i", opt, &s), TARN_CORRUPT);
    assert_string_equal(op.report.message,
                        "snapshot 42: field \"i\" must be a string, not a number");
    assert_int_equal(tarn_json_i64(&op, t, "big", req, &i64), TARN_OK);
    assert_int_equal(i64, 3000000000);
    assert_int_equal(tarn_json_i32(&op, t, "i", req, &i32), TARN_OK);
    assert_int_equal(i32, -5);
    assert_int_equal(tarn_json_i32(&op, t, "none", opt, &i32), TARN_OK);
    assert_int_equal(i32, -5);
    assert_int_equal(tarn_json_i32(&op, t, "big", req, &i32), TARN_CORRUPT);
    assert_string_equal(op.report.message,
                        "snapshot 42: field \"big\" must be an integer of 32 bits, not 3000000000");
    assert_int_equal(tarn_json_i64(&op, t, "f", req, &i64), TARN_CORRUPT);
    assert_int_equal(tarn_json_bool(&op, t, "b", req, &flag), TARN_OK);
    assert_false(flag);
    assert_int_equal(tarn_json_array(&op, t, "a", req, &child), TARN_OK);
    assert_int_equal(child->kind, TARN_JSON_K_ARRAY);
    assert_int_equal(tarn_json_object(&op, t, "o", req, &child), TARN_OK);
    assert_int_equal(tarn_json_object(&op, t, "a", req, &child), TARN_CORRUPT);
    assert_int_equal(tarn_json_array(&op, t, "none", opt, &child), TARN_OK);
    assert_null(child);
    assert_int_equal(tarn_json_str(&op, tarn_json_get(t, "a"), "x", opt, &s), TARN_CORRUPT);
    assert_string_equal(op.report.message, "snapshot 42: must be an object, not an array");
    tarn_op_release(&op);
}

static enum tarn_status parse_once(struct tarn_op *op, void *ctx)
{
    struct tarn_json *t;
    struct tarn_str *text = ctx;
    return tarn_json_parse(op, *text, "a test", &t);
}

static void tree_survives_failing_allocations(void **state)
{
    (void)state;
    struct tarn_str text =
        TARN_STR("{\"a\":1,\"b\":[\"x\",{\"c\":null}],\"0\":0,\"1\":1,\"2\":0,\"3\":0,\"4\":0,"
                 "\"5\":0,\"6\":0,"
                 "\"7\":0,\"8\":0,\"9\":0,\"10\":0,\"11\":0,\"12\":0,\"13\":0,\"14\":0}");
    check_alloc_failures(parse_once, &text);
}

/* ---- writer */

static void writer_places_commas(void **state)
{
    (void)state;
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 10000);
    for (int indent = 0; indent <= 2; indent += 2) {
        tarn_buf_reset(&b);
        tarn_json_writer_init(&w, &b);
        w.indent = indent;
        tarn_json_begin_object(&w);
        tarn_json_member_i64(&w, "a", INT64_MIN);
        tarn_json_key(&w, "l");
        tarn_json_begin_array(&w);
        tarn_json_put_bool(&w, true);
        tarn_json_put_null(&w);
        tarn_json_begin_object(&w);
        tarn_json_end_object(&w);
        tarn_json_begin_array(&w);
        tarn_json_end_array(&w);
        tarn_json_put_raw(&w, TARN_STR("1.50"));
        tarn_json_end_array(&w);
        tarn_json_member_bool(&w, "b", false);
        tarn_json_member_str(&w, "absent", (struct tarn_str){NULL, 0});
        tarn_json_member_z(&w, "z", "q\"");
        tarn_json_end_object(&w);
        check_str(tarn_buf_view(&b),
                  indent ? "{\n  \"a\": -9223372036854775808,\n  \"l\": [\n    true,\n    null,\n  "
                           "  {},\n    [],\n    1.50\n  ],\n"
                           "  \"b\": false,\n  \"absent\": null,\n  \"z\": \"q\\\"\"\n}"
                         : "{\"a\":-9223372036854775808,\"l\":[true,null,{},[],1.50],\"b\":false,"
                           "\"absent\":null,\"z\":\"q\\\"\"}");
    }
    tarn_buf_release(&b);
}

static void writer_escapes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"plain text of some length", "\"plain text of some length\""},
        {"\"\\/\b\f\n\r\t\x01\x1f\x7f", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\""},
        {"\xC3\xA9\xF0\x9F\x98\x80", "\"\xC3\xA9\xF0\x9F\x98\x80\""},
        {"a\xFF"
         "b\xC3",
         "\"a\xEF\xBF\xBD"
         "b\xEF\xBF\xBD\""},
        {"\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"12345678901234567\"", "\"12345678901234567\\\"\""},
    };
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 10000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_buf_reset(&b);
        tarn_json_writer_init(&w, &b);
        tarn_json_put_z(&w, cases[i].text);
        check_str(tarn_buf_view(&b), cases[i].json);
    }
    tarn_buf_reset(&b);
    tarn_json_writer_init(&w, &b);
    tarn_json_put_str(&w, tarn_str_of("\0", 1));
    check_str(tarn_buf_view(&b), "\"\\u0000\"");
    tarn_buf_release(&b);
}

static void writer_doubles_read_back(void **state)
{
    (void)state;
    static const struct {
        double v;
        const char *json;
    } cases[] = {{0.1, "0.1"},
                 {1, "1"},
                 {-0.0, "-0"},
                 {1e300, "1e+300"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {5e-324, "4.94065645841247e-324"},
                 {1.0 / 3, "0.3333333333333333"}};
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 10000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_buf_reset(&b);
        tarn_json_writer_init(&w, &b);
        tarn_json_put_double(&w, cases[i].v);
        check_str(tarn_buf_view(&b), cases[i].json);
        double back;
        assert_true(tarn_str_to_double(tarn_buf_view(&b), &back));
        assert_memory_equal(&back, &cases[i].v, sizeof back);
    }
    tarn_buf_reset(&b);
    tarn_json_writer_init(&w, &b);
    tarn_json_begin_array(&w);
    tarn_json_put_double(&w, (double)NAN);
    tarn_json_put_double(&w, (double)INFINITY);
    tarn_json_end_array(&w);
    check_str(tarn_buf_view(&b), "[null,null]");
    tarn_buf_release(&b);
}

static void trees_are_written_as_they_were_read(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_json *t;
    struct tarn_buf b;
    struct tarn_json_writer w;
    static const char text[] =
        "{\"a\":[1,2.500,1e5,\"x\\n\"],\"b\":{},\"\":[[],{\"q\":null}],\"t\":true}";
    tarn_buf_init(&b, 10000);
    assert_int_equal(tarn_json_parse(&op, tarn_str_view(text), "a test", &t), TARN_OK);
    tarn_json_writer_init(&w, &b);
    tarn_json_put_tree(&w, t);
    check_str(tarn_buf_view(&b), text);
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_hands_out_tokens),
        cmocka_unit_test(reader_refuses_what_rfc_8259_refuses),
        cmocka_unit_test(reader_never_reads_past_the_end),
        cmocka_unit_test(errors_have_a_place_and_stick),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(skip_passes_whole_values),
        cmocka_unit_test(skip_checks_strings),
        cmocka_unit_test(unescaping),
        cmocka_unit_test(tree_keeps_order_digits_and_bytes),
        cmocka_unit_test(tree_refuses_with_a_place),
        cmocka_unit_test(tree_finds_duplicates_among_many_keys),
        cmocka_unit_test(members_are_read_by_type),
        cmocka_unit_test(tree_survives_failing_allocations),
        cmocka_unit_test(writer_places_commas),
        cmocka_unit_test(writer_escapes),
        cmocka_unit_test(writer_doubles_read_back),
        cmocka_unit_test(trees_are_written_as_they_were_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
