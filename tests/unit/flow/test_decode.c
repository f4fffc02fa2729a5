/* Files of documents into columns: layouts, limits, dead letters, declared types, lines and
 * offsets, parallel reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "decode_fixture.h"

static int setup(void **state)
{
    static struct fixture f;
    fixture_open(&f, TARN_INPUT_JSON);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

/* ---- shapes of values */

static void missing_and_null(void **state)
{
    assert_decodes(*state, "{\"a\":1}\n{\"b\":null}\n{\"a\":null,\"c\":{\"d\":[null,2]}}\n{}\n",
                   "a: long, b: string, c: struct<d: list<long>>",
                   "{a:1,b:null,c:null}\n{a:null,b:null,c:null}\n"
                   "{a:null,b:null,c:{d:[null,2]}}\n{a:null,b:null,c:null}");
}

static void empty_and_mixed_arrays(void **state)
{
    assert_decodes(
        *state, "{\"e\":[],\"m\":[1,\"a\",{\"x\": [1, 2]},null,true]}\n{\"e\":[],\"m\":[2.50]}\n",
        "e: list<string>, m: list<string>",
        "{e:[],m:[\"1\",\"a\",\"{\"x\":[1,2]}\",null,\"true\"]}\n{e:[],m:[\"2.50\"]}");
}

static void empty_documents_wait_for_a_key(void **state)
{
    assert_decodes(*state, "{\"d\":{ }}\n{\"d\":null}\n", "d: string", "{d:\"{}\"}\n{d:null}");
    assert_decodes(*state, "{\"d\":{}}\n{\"d\":{\"k\":1}}\n", "d: struct<k: long>",
                   "{d:{k:null}}\n{d:{k:1}}");
}

static void digits_survive(void **state)
{
    assert_decodes(
        *state,
        "{\"a\":0.1,\"b\":9007199254740993,\"c\":0.30000000000000004,\"d\":12345678901234567.89}\n"
        "{\"a\":-0.0,\"b\":0.5,\"c\":5e-324,\"d\":1}\n"
        "{\"a\":1e22,\"b\":-7,\"c\":1.7976931348623157e308,\"d\":-2.5}\n",
        "a: double, b: decimal(38, 1), c: double, d: decimal(38, 2)",
        "{a:0.1,b:9007199254740993.0,c:0.30000000000000004,d:12345678901234567.89}\n"
        "{a:-0,b:0.5,c:5e-324,d:1.00}\n"
        "{a:1e+22,b:-7.0,c:1.7976931348623157e+308,d:-2.50}");
}

static void numbers_no_type_holds_become_text(void **state)
{
    struct tarn_buf b;
    struct fixture *f = *state;
    tarn_buf_init(&b, 10000);
    tarn_buf_z(&b, "{\"n\":");
    for (int i = 0; i < 300; i++)
        tarn_buf_put(&b, (char)('1' + i % 9));
    tarn_buf_z(&b, "}\n{\"n\":1.50}\n{\"n\":1e400}\n");
    fixture_file(f, "in", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_string_equal(f->schema.ptr, "n: string>");
    assert_int_equal(f->rows[0].len, 300 + 6);
    assert_string_equal(f->rows[1].ptr, "{n:\"1.50\"}");
    assert_string_equal(f->rows[2].ptr, "{n:\"1e400\"}");
    tarn_buf_release(&b);
}

static void escapes_are_decoded(void **state)
{
    assert_decodes(*state,
                   "{\"a\\u0062c\":\"x\\n\\\"\\\\\\/"
                   "\\u00e4\\ud83d\\ude00\",\"q\\\"\":1}\n{\"abc\":\"y\",\"q\\\"\":2}\n",
                   "abc: string, \"q\"\"\": long",
                   "{abc:\"x\n\"\\/\xC3\xA4\xF0\x9F\x98\x80\",q\":1}\n{abc:\"y\",q\":2}");
}

/* ---- keys */

static void keys_of_other_case_are_one_column(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f, "{\"Name\":\"a\"}\n{\"name\":\"b\"}\n{\"NAME\":\"c\",\"name\":\"d\"}\n",
                   "Name: string", "{Name:\"a\"}\n{Name:\"b\"}");
    assert_letter(f, 0, "0:3:26  | the keys \"NAME\" and \"name\" go to one column");
}

static void doubled_keys_are_letters(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f,
                   "{\"a\":1}\n{\"a\":1,\"a\":2}\n{\"b\":1,\"b\":2}\n{\"x\":{\"k\":1,\"k\":1}}\n"
                   "{\"\":1}\n{\"z\\u0000\":1}\n{\"u\":[{\"P\":1,\"p\":2}]}\n",
                   "a: long", "{a:1}");
    assert_int_equal(f->decoded.letter_count, 6);
    assert_letter(f, 0, "0:2:8  | the key \"a\" stands twice");
    assert_letter(f, 1, "0:3:22  | the key \"b\" stands twice");
    assert_letter(f, 2, "0:4:36 x | x: the key \"k\" stands twice");
    assert_letter(f, 3, "0:5:56  | a key is empty");
    assert_letter(f, 4, "0:6:63  | a key holds a zero byte");
    assert_letter(f, 5,
                  "0:7:77 u | u: the keys \"P\" and \"p\" differ only in upper and lower case");
}

static void own_columns_step_aside(void **state)
{
    struct fixture *f = *state;
    assert_decodes(
        f,
        "{\"ingest_ts\":\"x\",\"_source_file\":1,\"n\":{\"ingest_ts\":2}}\n"
        "{\"INGEST_TS\":\"y\"}\n{\"doc_ingest_ts\":\"z\"}\n{\"ingest_ts\":1,\"doc_ingest_ts\":2}\n",
        "doc_ingest_ts: string, doc__source_file: long, n: struct<ingest_ts: long>",
        "{doc_ingest_ts:\"x\",doc__source_file:1,n:{ingest_ts:2}}\n"
        "{doc_ingest_ts:\"y\",doc__source_file:null,n:null}\n"
        "{doc_ingest_ts:\"z\",doc__source_file:null,n:null}");
    assert_letter(f, 0, "0:4:95  | the keys \"ingest_ts\" and \"doc_ingest_ts\" go to one column");
}

/* ---- malformed */

static void malformed_lines(void **state)
{
    static const char *const bad[] = {
        "{\"a\":1",
        "{\"a\":}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":1,}",
        "{\"a\":[1,]}",
        "{\"a\":[1 2]}",
        "{\"a\":tru}",
        "{\"a\":NaN}",
        "{\"a\":1}x",
        "{\"a\":1}}",
        "{\"a\":\"x\ty\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\u12\"}",
        "[1]",
        "5",
        "\"text\"",
        "nope",
        "{\"a\":'x'}",
        "{\"a\":1e}",
        "{\"a\":--1}",
        "{\"a\":1} {\"a\":2}",
        "{\"a\":\"x",
        "{\"a\":truex}",
        "{\"b\":[}",
        "{\"b\":{\"c\":nul}}",
        "{,}",
        "\xEF\xBB\xBF{\"a\":1}",
        "{\"a\":\"\xFF\"}",
        "{\"b\":\"\xC3\"}",
        "{\"a\":\"\xED\xA0\x80\"}",
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "{\"a\":1}\n%s\n{\"a\":2}", bad[i]);
        assert_decodes(f, text, "a: long", "{a:1}\n{a:2}");
        assert_int_equal(f->decoded.letter_count, 1);
        assert_int_equal(f->decoded.letters[0].line, 2);
        assert_int_equal(f->decoded.letters[0].offset, 8);
        assert_string_equal(f->decoded.letters[0].raw.ptr, bad[i]);
        assert_true(f->decoded.letters[0].reason.len > 5);
        assert_int_equal(f->decoded.files[0].rows, 2);
        assert_int_equal(f->decoded.files[0].letters, 1);
        assert_int_equal(f->decoded.files[0].lines, 3);
    }
}

static void letters_say_why(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f,
                   "{\"a\":1}\n{\"a\" 1}\n{\"a\":1\n7\n\n  "
                   "\n{\"a\":\"\xFF\"}\n{\"a\":[[[[[[1]]]]]],\"b\":{\"c\":[\"\\ud800\"]}}\n",
                   "a: long", "{a:1}");
    assert_int_equal(f->decoded.files[0].lines, 8);
    assert_letter(f, 0, "0:2:8  | expected ':' behind a key at byte 6 of the document");
    assert_letter(f, 1, "0:3:16  | the document ends too early");
    assert_letter(f, 2,
                  "0:4:23  | expected a document, found another value at byte 1 of the document");
    assert_letter(f, 3, "0:7:29  | the text is not valid in its encoding");
    assert_letter(f, 4, "0:8:39  | lone surrogate in a string at byte 31 of the document");
}

static void nul_bytes(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "{\"a\":1}\n{\"a\":\"x\0y\"}\n\0\n{\"a\":2\0}\n{\"a\":3}\n";
    fixture_file(f, "in", text, sizeof text - 1);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_rows(f, "{a:1}\n{a:3}");
    assert_int_equal(f->decoded.letter_count, 3);
    assert_int_equal(f->decoded.letters[0].raw.len, 11);
    assert_memory_equal(f->decoded.letters[0].raw.ptr, "{\"a\":\"x\0y\"}", 11);
}

static void too_deep(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    tarn_buf_init(&b, 10000);
    for (int n = 99; n <= 200; n += n == 99 ? 1 : 100) {
        tarn_buf_z(&b, "{\"a\":");
        for (int i = 0; i < n; i++)
            tarn_buf_put(&b, '[');
        for (int i = 0; i < n; i++)
            tarn_buf_put(&b, ']');
        tarn_buf_z(&b, "}\n");
    }
    fixture_file(f, "in", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_OK);
    if (f->row_count != 1)
        fail_msg("%s", fixture_letter(f, 0).ptr);
    assert_int_equal(f->decoded.letter_count, 2);
    assert_non_null(strstr(f->decoded.letters[1].reason.ptr,
                           "is nested more than 100 levels deep (nesting_max)"));
    tarn_buf_release(&b);
    f->options.depth_max = 2;
    assert_decodes(f, "{\"a\":[1]}\n{\"a\":[[1]]}\n", "a: list<long>", "{a:[1]}");
    assert_letter(f, 0,
                  "0:2:10 a.element | a.element: is nested more than 2 levels deep (nesting_max)");
}

static void too_long(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    f->options.document_bytes_max = 100;
    tarn_buf_init(&b, (size_t)4 << 20);
    tarn_buf_z(&b, "{\"a\":1}\n{\"a\":\"");
    for (int i = 0; i < 2000000; i++)
        tarn_buf_put(&b, 'x');
    tarn_buf_z(&b, "\"}\n{\"a\":2}\n");
    fixture_file(f, "in", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_rows(f, "{a:1}\n{a:2}");
    assert_letter(f, 0, "0:2:8  | the document is longer than 100 bytes (document_size_max)");
    assert_int_equal(f->decoded.letters[0].raw.len, 65536);
    assert_int_equal(f->decoded.files[0].lines, 3);
    tarn_buf_release(&b);
    /* a byte more and a byte less */
    for (int extra = 0; extra < 2; extra++) {
        char text[256];
        (void)snprintf(text, sizeof text, "{\"a\":\"%0*d\"}\n{\"b\":1}\n", 92 + extra, 0);
        fixture_text(f, "in", text);
        assert_int_equal(fixture_decode(f), TARN_OK);
        assert_int_equal(f->decoded.letter_count, extra);
    }
}

/* ---- layouts */

static void arrays_and_concatenated_documents(void **state)
{
    struct fixture *f = *state;
    static const char *const forms[] = {
        "[{\"a\":1},{\"a\":2}]",
        "[\n  {\n    \"a\": 1\n  },\n  {\"a\": 2}\n]\n",
        "{\"a\":1}{\"a\":2}",
        "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
        "{\"a\":1} {\"a\":2}\n",
        "[{\"a\":1}]\n[{\"a\":2}]\n",
        "\xEF\xBB\xBF [ {\"a\":1} , {\"a\":2} ] ",
        "{\"a\":1}\r\n{\"a\":2}\r\n",
        "{\"a\":1}\r{\"a\":2}\r",
        "\n\n{\"a\":1}\n\n{\"a\":2}",
        "[{\"a\":1},\n{\"a\":2}] []",
        "\xEF\xBB\xBF{\"a\":1}\n{\"a\":2}\n",
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_decodes(f, forms[i], "a: long", "{a:1}\n{a:2}");
        assert_int_equal(f->decoded.letter_count, 0);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(forms[i][f->offsets[k]], '{');
    }
}

static void empty_files(void **state)
{
    static const char *const forms[] = {"", "\xEF\xBB\xBF", "\n\n \r\n", "[]", "[ ]\n"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_decodes(*state, forms[i], "", "");
        assert_int_equal(((struct fixture *)*state)->decoded.letter_count, 0);
    }
}

static void malformed_elements(void **state)
{
    struct fixture *f = *state;
    /* brackets pair: only the element is lost */
    assert_decodes(f, "[{\"a\":1},\n{\"a\":tru},\n3,\n{\"a\":2}]", "a: long", "{a:1}\n{a:2}");
    assert_letter(f, 0, "0:2:10  | expected a value at byte 6 of the document");
    assert_letter(f, 1,
                  "0:3:21  | expected a document, found another value at byte 1 of the document");
    assert_string_equal(f->decoded.letters[0].raw.ptr, "{\"a\":tru}");
    /* they do not: the rest of the file is one letter */
    assert_decodes(f, "[{\"a\":1},\n{\"a\":[1},\n{\"a\":2}]", "a: long", "{a:1}");
    assert_int_equal(f->decoded.letter_count, 1);
    assert_letter(
        f, 0,
        "0:2:10  | expected ',' or ']' at byte 8 of the document; where the document ends "
        "cannot be told, so this is the rest of the file");
    assert_string_equal(f->decoded.letters[0].raw.ptr, "{\"a\":[1},\n{\"a\":2}]");
    assert_decodes(f, "[{\"a\":1} {\"a\":2}]", "a: long", "{a:1}");
    assert_letter(f, 0, "0:1:9  | expected ',' or ']' behind a document of the array");
    assert_decodes(f, "[{\"a\":1},]", "a: long", "{a:1}");
    assert_letter(f, 0, "0:1:9  | expected a document behind ','");
    assert_decodes(f, "[{\"a\":1},{\"a\":2}", "a: long", "{a:1}\n{a:2}");
    assert_letter(f, 0, "0:1:16  | the file ends inside the array of documents");
    assert_decodes(f, "[{\"a\":1},{\"a\":", "a: long", "{a:1}");
    assert_letter(f, 0, "0:1:9  | the file ends inside a document");
    assert_string_equal(f->decoded.letters[0].raw.ptr, "{\"a\":");
    assert_decodes(f, "{\n\"a\":1}\n{\n\"a\":2\n", "a: long", "{a:1}");
    assert_letter(f, 0, "0:3:9  | the file ends inside a document");
    assert_int_equal(f->decoded.files[0].lines, 4);
}

static void a_broken_first_line_does_not_hide_the_others(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f, "{\"a\":1\n{\"a\":2}\n{\"a\":3}\n", "a: long", "{a:2}\n{a:3}");
    assert_decodes(f, "{\"a\":\"x\n{\"a\":2}\n", "a: long", "{a:2}");
    assert_decodes(f, "garbage\n{\"a\":2}\n", "a: long", "{a:2}");
    assert_decodes(f, "{\"a\":1]\n{\"a\":2}\n", "a: long", "{a:2}");
    assert_int_equal(f->decoded.letter_count, 1);
}

static void records_within_documents(void **state)
{
    struct fixture *f = *state;
    f->options.records = TARN_STR("data.invoices");
    assert_decodes(f,
                   "{\"meta\":{\"n\":[1,\"]\"]},\"data\":{\"total\":2,\"invoices\":[{\"id\":1},\n "
                   "{\"id\":2}],\"x\":{}},\"y\":1}\n"
                   "{\"data\":{\"invoices\":[{\"id\":3},{\"id\":tru},{\"id\":4}]}}\n{\"data\":{"
                   "\"invoices\":null}}",
                   "id: long", "{id:1}\n{id:2}\n{id:3}\n{id:4}");
    assert_int_equal(f->decoded.letters[0].line, 3);
    assert_string_equal(f->decoded.letters[0].raw.ptr, "{\"id\":tru}");
    assert_int_equal(f->decoded.letters[0].offset, f->offsets[2] + 9);
    assert_decodes(f,
                   "{\"data\":{\"invoices\":{\"id\":1}}}\n{\"data\":{}}\n7\n{\"data\":{"
                   "\"invoices\":[{\"id\":5}]}}",
                   "id: long", "{id:5}");
    assert_int_equal(f->decoded.letter_count, 3);
    assert_letter(f, 0, "0:1:20  | the value at the path of the records is no array");
    assert_letter(f, 1, "0:2:31  | the document has no array of records at the path given");
    assert_string_equal(f->decoded.letters[1].raw.ptr, "{\"data\":{}}");
    assert_letter(f, 2,
                  "0:3:43  | expected a document, found another value at byte 1 of the document");
    assert_decodes(f, "{\"data\":{\"invoices\":[{\"id\":5},", "id: long", "{id:5}");
    assert_int_equal(f->decoded.letter_count, 1);
    assert_decodes(f, "{\"data\":[}", "", "");
    assert_letter(f, 0, "0:1:8  | the document around the records is malformed");
    f->options.records = TARN_STR("data..x");
    fixture_text(f, "in", "{}");
    assert_int_equal(fixture_decode(f), TARN_CONFIG);
}

/* ---- encodings */

static void encodings(void **state)
{
    struct fixture *f = *state;
    static const char utf16[] =
        "\xFF\xFE{\0\"\0a\0\"\0:\0\"\0\xE4\0=\xD8\0\xDE\"\0}\0\n\0{\0}\0\n\0";
    fixture_file(f, "in", utf16, sizeof utf16 - 1);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_rows(f, "{a:\"\xC3\xA4\xF0\x9F\x98\x80\"}\n{a:null}");
    assert_int_equal(f->offsets[0], 2);
    assert_int_equal(f->offsets[1], 26);
    static const char lone[] = "\xFF\xFE{\0\"\0a\0\"\0:\0\"\0\x3D\xD8\"\0}\0\n\0{\0}\0\n\0\x7B";
    fixture_file(f, "in", lone, sizeof lone - 1);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_int_equal(f->decoded.letter_count, 2); /* a lone surrogate; half a character */
    f->options.encoding = TARN_STR("latin-1");
    assert_decodes(f, "{\"a\":\"\xE4\x80\"}\n{\"b\":1}", "a: string, b: long",
                   "{a:\"\xC3\xA4\xC2\x80\",b:null}\n{a:null,b:1}");
    assert_int_equal(f->offsets[1], 11);
    f->options.encoding = TARN_STR("Windows-1252");
    assert_decodes(f, "{\"a\":\"\x80\x93\"}", "a: string", "{a:\"\xE2\x82\xAC\xE2\x80\x9C\"}");
    f->options.encoding = TARN_STR("klingon");
    assert_int_equal(fixture_decode(f), TARN_CONFIG);
}

/* ---- declared types */

static void declared_decimals_keep_the_digits(void **state)
{
    struct fixture *f = *state;
    fixture_declare(f, "lines.element.debit", "decimal(18,2)");
    assert_decodes(
        f,
        "{\"lines\":[{\"debit\":500.25},{\"debit\":0.10},{\"debit\":7},{\"debit\":1e2}]}\n"
        "{\"lines\":[{\"debit\":\"12.50\"},{\"debit\":null},{\"debit\":499.9900}]}\n"
        "{\"lines\":[{\"debit\":9999999999999999.99}],\"n\":1}\n{}\n",
        "lines: list<struct<debit: decimal(18, 2)>>, n: long",
        "{lines:[{debit:500.25},{debit:0.10},{debit:7.00},{debit:100.00}],n:null}\n"
        "{lines:[{debit:12.50},{debit:null},{debit:499.99}],n:null}\n"
        "{lines:[{debit:9999999999999999.99}],n:1}\n{lines:null,n:null}");
    assert_decodes(
        f,
        "{\"lines\":[{\"debit\":1}]}\n{\"lines\":[{\"debit\":499.999}]}\n"
        "{\"lines\":[{\"debit\":10000000000000000}]}\n{\"lines\":[{\"debit\":\"abc\"}]}\n"
        "{\"lines\":[{\"debit\":true}]}\n{\"lines\":5}\n{\"lines\":[[]]}\n",
        "lines: list<struct<debit: decimal(18, 2)>>", "{lines:[{debit:1.00}]}");
    assert_letter(f, 0,
                  "0:2:24 lines.element.debit | lines.element.debit: '499.999' has 3 fraction "
                  "digits; decimal(18,2) holds 2");
    assert_letter(f, 1,
                  "0:3:54 lines.element.debit | lines.element.debit: '10000000000000000' has 17 "
                  "digits before the point; decimal(18,2) holds 16");
    assert_letter(f, 2, "0:4:94 lines.element.debit | lines.element.debit: 'abc' is not a number");
    assert_letter(f, 3,
                  "0:5:122 lines.element.debit | lines.element.debit: 'true' is not a number");
    assert_letter(f, 4, "0:6:149 lines | lines: '5' is not a list");
    assert_letter(f, 5, "0:7:161 lines.element | lines.element: '[]' is not a document");
}

static void declared_scalars(void **state)
{
    static const struct {
        const char *type, *value, *row; /* row NULL: a letter */
    } cases[] = {
        {"long", "5", "5"},
        {"long", "5.0", "5"},
        {"long", "12e1", "120"},
        {"long", "\"7\"", "7"},
        {"long", "5.5", NULL},
        {"long", "9223372036854775808", NULL},
        {"long", "-9223372036854775808", "-9223372036854775808"},
        {"long", "\"x\"", NULL},
        {"long", "true", NULL},
        {"long", "null", "null"},
        {"long", "{}", NULL},
        {"long", "[]", NULL},
        {"int", "2147483647", "2147483647"},
        {"int", "2147483648", NULL},
        {"int", "-2147483648", "-2147483648"},
        {"double", "0.1", "0.1"},
        {"double", "\"0.1\"", "0.1"},
        {"double", "\"NaN\"", "nan"},
        {"double", "0.12345678901234567890", NULL},
        {"double", "1e400", NULL},
        {"double", "9007199254740993", NULL},
        {"double", "9007199254740994", "9007199254740994"},
        {"double", "\"1,5\"", NULL},
        {"float", "0.1", "0.100000001"},
        {"float", "0.123456789012", NULL},
        {"float", "16777217", NULL},
        {"boolean", "true", "true"},
        {"boolean", "\"false\"", "false"},
        {"boolean", "1", NULL},
        {"boolean", "\"yes\"", NULL},
        {"date", "\"2025-05-31\"", "2025-05-31"},
        {"date", "\"31.05.2025\"", NULL},
        {"date", "\"2025-02-29\"", NULL},
        {"date", "20250531", NULL},
        {"date", "\"2025-05-31T00:00:00Z\"", NULL},
        {"time", "\"23:59:59.5\"", "86399500000"},
        {"time", "\"24:00:00\"", NULL},
        {"timestamp", "\"2025-05-31T10:00:00\"", "2025-05-31T10:00:00.000000Z"},
        {"timestamp", "\"2025-05-31 10:00:00.123456\"", "2025-05-31T10:00:00.123456Z"},
        {"timestamp", "\"2025-05-31\"", "2025-05-31T00:00:00.000000Z"},
        {"timestamp", "\"2025-05-31T10:00:00Z\"", NULL},
        {"timestamp", "\"2025-05-31T10:00:00+02:00\"", NULL},
        {"timestamp", "\"2025-05-31T10:00:00.1234567\"", NULL},
        {"timestamptz", "\"2025-05-31T10:00:00+02:00\"", "2025-05-31T08:00:00.000000Z"},
        {"timestamptz", "\"2025-05-31T10:00:00\"", "2025-05-31T10:00:00.000000Z"},
        {"timestamptz", "\"soon\"", NULL},
        {"timestamptz", "5", NULL},
        {"string", "\"x\"", "\"x\""},
        {"string", "1.50", "\"1.50\""},
        {"string", "true", "\"true\""},
        {"string", "{\"a\": [1, \"b c\"]}", "\"{\"a\":[1,\"b c\"]}\""},
        {"string", "{\"a\":1,\"a\":1}", NULL},
        {"uuid", "\"c8edabc3-f738-4ca3-b68d-ab92a91478a3\"", "c8edabc3f7384ca3b68dab92a91478a3"},
        {"uuid", "\"x\"", NULL},
        {"binary", "\"AQID\"", NULL},
        {"decimal(38,0)", "99999999999999999999999999999999999999",
         "99999999999999999999999999999999999999"},
        {"decimal(38,0)", "100000000000000000000000000000000000000", NULL},
        {"decimal(5,2)", "-999.99", "-999.99"},
        {"decimal(5,2)", "\"+007.5\"", "7.50"},
        {"decimal(5,2)", "1000", NULL},
        {"decimal(5,2)", "123.4500000", "123.45"},
        {"decimal(38,38)", "0.00000000000000000000000000000000000001",
         "0.00000000000000000000000000000000000001"},
        {"list<long>", "[1,\"2\",null]", "[1,2,null]"},
        {"list<long>", "[1,2.5]", NULL},
        {"list<long>", "{}", NULL},
        {"struct<a: long, b: string>", "{\"b\":5}", "{a:null,b:\"5\"}"},
        {"struct<a: long>", "{\"c\":5}", NULL},
        {"struct<a: long>", "[]", NULL},
        {"map<string, long>", "{\"x\":1,\"y\":null}", "[\"x\":1,\"y\":null]"},
        {"map<string, long>", "{}", "[]"},
        {"map<string, long>", "{\"x\":\"a\"}", NULL},
        {"map<string, long>", "{\"x\":1,\"X\":2}", NULL},
        {"map<string, long>", "[]", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = *state;
        char text[256], row[256];
        f->options.declared_count = 0;
        fixture_declare(f, "v", cases[i].type);
        (void)snprintf(text, sizeof text, "{\"v\":%s}\n{\"w\":1}\n", cases[i].value);
        (void)snprintf(row, sizeof row, "{v:%s,w:null}\n{v:null,w:1}", cases[i].row);
        fixture_text(f, "in", text);
        assert_int_equal(fixture_decode(f), TARN_OK);
        if (f->decoded.letter_count != (cases[i].row ? 0 : 1))
            fail_msg("%s into %s: %s", cases[i].value, cases[i].type, fixture_letter(f, 0).ptr);
        assert_rows(f, cases[i].row                                ? row
                       : tarn_str_starts(f->schema, TARN_STR("w")) ? "{w:1,v:null}"
                                                                   : "{v:null,w:1}");
    }
}

static void declared_columns_that_never_come(void **state)
{
    struct fixture *f = *state;
    fixture_declare(f, "memo", "string");
    fixture_declare(f, "a.b.c", "date");
    fixture_declare(f, "a.b.D", "long");
    fixture_declare(f, "l.element.x", "decimal(9,2)");
    assert_decodes(f, "{\"k\":1}\n{\"MEMO\":5,\"a\":{\"b\":{\"d\":7}}}\n",
                   "k: long, memo: string, a: struct<b: struct<D: long, c: date>>, l: "
                   "list<struct<x: decimal(9, 2)>>",
                   "{k:1,memo:null,a:null,l:null}\n{k:null,memo:\"5\",a:{b:{D:7,c:null}},l:null}");
    fixture_declare(f, "a.b", "string");
    assert_int_equal(fixture_decode(f), TARN_CONFIG);
}

static void a_letter_teaches_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_declare(f, "v", "long");
    assert_decodes(
        f, "{\"k\":1,\"v\":1}\n{\"k\":\"text\",\"n\":{\"m\":1},\"v\":\"bad\"}\n{\"k\":[],\"z\":}\n",
        "k: long, v: long", "{k:1,v:1}");
    assert_int_equal(f->decoded.letter_count, 2);
}

static void required_columns(void **state)
{
    struct fixture *f = *state;
    struct tarn_field *fields;
    struct tarn_shape *shape = tarn_shape_new(&f->op);
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    struct tarn_batch batch;
    fixture_text(f, "in", "{\"a\":1}\n{\"a\":null}\n{}\n");
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    fields = tarn_alloc_array(&f->op, 4, sizeof *fields);
    fields[0] =
        (struct tarn_field){.name = TARN_STR("a"), .required = true, .type.kind = TARN_TYPE_LONG};
    fields[1] =
        (struct tarn_field){.name = TARN_STR("ingest_ts"), .type.kind = TARN_TYPE_TIMESTAMPTZ};
    fields[2] =
        (struct tarn_field){.name = TARN_STR("_source_file"), .type.kind = TARN_TYPE_STRING};
    fields[3] =
        (struct tarn_field){.name = TARN_STR("_source_offset"), .type.kind = TARN_TYPE_LONG};
    f->target = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .fields = fields, .field_count = 4};
    assert_int_equal(tarn_decoder_open(&f->op, &files, &f->options, shape, &f->target, &f->decoder),
                     TARN_OK);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_OK);
    assert_int_equal(batch.rows, 1);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_OK);
    assert_int_equal(batch.rows, 0);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_OK);
    assert_letter(f, 0, "0:2:8 a | a: is missing or null, but the column is required");
    assert_letter(f, 1, "0:3:19 a | a: is missing or null, but the column is required");
    tarn_shape_free(shape);
}

/* ---- files */

static void compressed_files(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    char path[256];
    tarn_buf_init(&b, (size_t)8 << 20);
    for (int i = 0; i < 20000; i++)
        tarn_buf_printf(&b, "{\"n\":%d,\"text\":\"some text %d\"}\n", i, i * 7919);
    (void)snprintf(path, sizeof path, "%s/a.json", f->dir);
    gzFile gz = gzopen(path, "wb");
    assert_int_equal(gzwrite(gz, b.ptr, (unsigned)b.len), b.len);
    assert_int_equal(gzclose(gz), Z_OK);
    gz = gzopen(path, "ab"); /* a second member */
    assert_int_equal(gzwrite(gz, "{\"n\":-1}\n", 9), 9);
    assert_int_equal(gzclose(gz), Z_OK);
    size_t bound = ZSTD_compressBound(b.len);
    char *packed = malloc(bound);
    size_t n = ZSTD_compress(packed, bound, b.ptr, b.len, 3);
    fixture_file(f, "b.json", packed, n);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_int_equal(f->row_count, 40001);
    assert_int_equal(f->decoded.files[0].rows, 20001);
    assert_int_equal(f->decoded.files[0].lines, 20001);
    /* cut off or damaged: refused whole */
    fixture_file(f, "b.json", packed, n - 10);
    assert_int_equal(fixture_decode(f), TARN_CORRUPT);
    assert_non_null(strstr(f->op.report.message, "b.json"));
    fixture_file(f, "b.json", packed, n);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 5), 0);
    assert_int_equal(fixture_decode(f), TARN_CORRUPT);
    assert_non_null(strstr(f->op.report.message, "a.json"));
    free(packed);
    tarn_buf_release(&b);
}

static void files_that_change_or_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    struct tarn_batch batch;
    fixture_text(f, "in", "{\"a\":1}\n");
    assert_int_equal(fixture_decode(f), TARN_OK);
    struct tarn_shape *shape = f->shape;
    f->shape = NULL;
    fixture_forget(f);
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    /* written to after it was read */
    assert_int_equal(tarn_decoder_open(&f->op, &files, &f->options, shape, &f->target, &f->decoder),
                     TARN_OK);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_OK);
    assert_int_equal(batch.rows, 1);
    fixture_text(f, "in", "{\"a\":1}\n{\"a\":2}\n");
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_OK);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_IO);
    assert_non_null(strstr(f->op.report.message, "changed since it was listed"));
    tarn_decoder_close(f->decoder);
    /* and before */
    assert_int_equal(tarn_decoder_open(&f->op, &files, &f->options, shape, &f->target, &f->decoder),
                     TARN_OK);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_IO);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch), TARN_IO);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_IO);
    tarn_decoder_close(f->decoder);
    /* gone */
    char path[256];
    (void)snprintf(path, sizeof path, "%s/in", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tarn_decoder_open(&f->op, &files, &f->options, shape, &f->target, &f->decoder),
                     TARN_OK);
    assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch),
                     TARN_NOT_FOUND);
    tarn_shape_free(shape);
}

static void fields_in_order_of_first_sight(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "b", "{\"z\":1,\"a\":1}\n");
    fixture_text(f, "a", "{\"m\":1}\n{\"k\":{\"y\":1}}\n");
    fixture_text(f, "c", "{\"k\":{\"x\":1,\"y\":2},\"q\":1,\"m\":2}\n");
    f->options.workers = 3;
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_string_equal(f->schema.ptr,
                        "m: long, k: struct<y: long, x: long>, z: long, a: long, q: long>");
}

/* Lines and offsets must be exact however the file is cut into ranges. */
static void parallel_ranges(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    int64_t *offsets = calloc(400000, sizeof *offsets);
    size_t rows = 0, letters = 0;
    int64_t line = 0;
    unsigned seed = 7;
    tarn_buf_init(&b, (size_t)64 << 20);
    while (b.len < ((size_t)13 << 20)) {
        seed = seed * 1103515245 + 12345;
        line++;
        if (seed >> 16 & 1 && seed % 5 == 0) {
            tarn_buf_z(&b, "\n");
            continue;
        }
        if ((seed >> 18) % 997 == 0) {
            tarn_buf_printf(&b, "{\"line\":%lld,\n", (long long)line);
            letters++;
            continue;
        }
        offsets[rows++] = (int64_t)b.len;
        tarn_buf_printf(&b, "{\"line\":%lld,\"pad\":\"%.*s\"}\n", (long long)line,
                        (int)((seed >> 20) % 90),
                        "--------------------------------------------------------------------------"
                        "--------------------");
    }
    tarn_buf_printf(&b, "{\"line\":%lld,\"last\":true}", (long long)++line);
    offsets[rows++] = (int64_t)(b.len - strlen("{\"line\":,\"last\":true}") -
                                (size_t)snprintf(NULL, 0, "%lld", (long long)line));
    fixture_file(f, "in", b.ptr, b.len);
    for (int workers = 1; workers <= 3; workers++) {
        f->options.workers = workers;
        assert_int_equal(fixture_decode(f), TARN_OK);
        assert_int_equal(f->row_count, rows);
        assert_int_equal(f->decoded.letter_count, letters);
        assert_int_equal(f->decoded.files[0].lines, line);
        for (size_t i = 0; i < rows; i++)
            assert_int_equal(f->offsets[i], offsets[i]);
        for (size_t i = 0; i < letters; i++) {
            long long n;
            assert_int_equal(sscanf(f->decoded.letters[i].raw.ptr, "{\"line\":%lld", &n), 1);
            assert_int_equal(f->decoded.letters[i].line, n);
        }
        assert_int_equal(f->rounds, 2); /* "last" stands beyond the sample */
    }
    free(offsets);
    tarn_buf_release(&b);
}

static void batches_are_bounded(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    struct tarn_batch batch;
    tarn_buf_init(&b, (size_t)64 << 20);
    for (int i = 0; i < 200000; i++)
        tarn_buf_printf(&b, "{\"a\":%d}\n", i);
    fixture_file(f, "in", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_int_equal(f->row_count, 200000);
    tarn_decoder_close(f->decoder);
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    assert_int_equal(
        tarn_decoder_open(&f->op, &files, &f->options, f->shape, &f->target, &f->decoder), TARN_OK);
    size_t total = 0;
    do {
        assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch),
                         TARN_OK);
        assert_true(batch.rows <= 65536);
        total += batch.rows;
    } while (batch.rows > 0);
    assert_int_equal(total, 200000);
    tarn_buf_release(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(missing_and_null),
        TEST(empty_and_mixed_arrays),
        TEST(empty_documents_wait_for_a_key),
        TEST(digits_survive),
        TEST(numbers_no_type_holds_become_text),
        TEST(escapes_are_decoded),
        TEST(keys_of_other_case_are_one_column),
        TEST(doubled_keys_are_letters),
        TEST(own_columns_step_aside),
        TEST(malformed_lines),
        TEST(letters_say_why),
        TEST(nul_bytes),
        TEST(too_deep),
        TEST(too_long),
        TEST(arrays_and_concatenated_documents),
        TEST(empty_files),
        TEST(malformed_elements),
        TEST(a_broken_first_line_does_not_hide_the_others),
        TEST(records_within_documents),
        TEST(encodings),
        TEST(declared_decimals_keep_the_digits),
        TEST(declared_scalars),
        TEST(declared_columns_that_never_come),
        TEST(a_letter_teaches_nothing),
        TEST(required_columns),
        TEST(compressed_files),
        TEST(files_that_change_or_cannot_be_read),
        TEST(fields_in_order_of_first_sight),
        TEST(parallel_ranges),
        TEST(batches_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
