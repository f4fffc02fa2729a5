/* CSV: RFC 4180 and its options, how texts become values, dead letters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "decode_fixture.h"

static int setup(void **state)
{
    static struct fixture f;
    fixture_open(&f, TARN_INPUT_CSV);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

static void types_of_texts(void **state)
{
    assert_decodes(*state,
                   "l,d,b,s,z,q,e,n\r\n"
                   "1,1.50,true,abc,007,\"5\",,\r\n"
                   "-2,2,false,x y,+3,\"\",,\r\n"
                   ",,,,,,,",
                   "l: long, d: double, b: boolean, s: string, z: string, q: string, e: string, "
                   "n: string",
                   "{l:1,d:1.5,b:true,s:\"abc\",z:\"007\",q:\"5\",e:null,n:null}\n"
                   "{l:-2,d:2,b:false,s:\"x y\",z:\"+3\",q:\"\",e:null,n:null}\n"
                   "{l:null,d:null,b:null,s:null,z:null,q:null,e:null,n:null}");
}

static void mixed_columns_keep_their_text(void **state)
{
    assert_decodes(*state, "a,b,c\n1.50,true,9223372036854775808\nx,1,0.5\n1e3,,-1\n",
                   "a: string, b: string, c: decimal(38, 1)",
                   "{a:\"1.50\",b:\"true\",c:9223372036854775808.0}\n{a:\"x\",b:\"1\",c:0.5}\n"
                   "{a:\"1e3\",b:null,c:-1.0}");
}

static void quotes(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f,
                   "a,b\n\"x \"\"y\"\"\",\"line one\nline two, with "
                   "comma\"\n\"\"\"\",p\"q\n\n\"a\r\nb\",\"\"\n",
                   "a: string, b: string",
                   "{a:\"x \"y\"\",b:\"line one\nline two, with comma\"}\n{a:\"\"\",b:\"p\"q\"}\n"
                   "{a:\"a\r\nb\",b:\"\"}");
    assert_int_equal(f->decoded.files[0].lines, 7);
    assert_int_equal(f->offsets[0], 4);
    assert_int_equal(f->offsets[1], 46);
}

static void options(void **state)
{
    struct fixture *f = *state;
    f->options.delimiter = ';';
    f->options.quote = '\'';
    f->options.null_text = TARN_STR("NULL");
    assert_decodes(f, "a;b;c\n1,5;'it''s; \"x\"';NULL\n'NULL';NULLX;3\n",
                   "a: string, b: string, c: long",
                   "{a:\"1,5\",b:\"it's; \"x\"\",c:null}\n{a:\"NULL\",b:\"NULLX\",c:3}");
    f->options = (struct tarn_decode_options){.format = TARN_INPUT_CSV,
                                              .workers = 1,
                                              .no_header = true,
                                              .delimiter = '\t',
                                              .ingest_ts_us = 1000000};
    assert_decodes(f, "1\tx\n2\ty\n3\n", "column0: long, column1: string",
                   "{column0:1,column1:\"x\"}\n{column0:2,column1:\"y\"}");
    assert_letter(f, 0, "0:3:8  | the row has 1 field; the header has 2");
    f->options.delimiter = '5';
    assert_int_equal(fixture_decode(f), TARN_CONFIG);
}

static void ragged_rows_are_letters(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f, "a,b,c\n1,2,3\n1,2\n1,2,3,4\n\n \n4,5,6", "a: long, b: long, c: long",
                   "{a:1,b:2,c:3}\n{a:4,b:5,c:6}");
    assert_int_equal(f->decoded.letter_count, 3);
    assert_letter(f, 0, "0:3:12  | the row has 2 fields; the header has 3");
    assert_letter(f, 1, "0:4:16  | the row has 4 fields; the header has 3");
    assert_letter(f, 2, "0:6:25  | the row has 1 field; the header has 3");
    assert_string_equal(f->decoded.letters[1].raw.ptr, "1,2,3,4");
    assert_int_equal(f->decoded.files[0].lines, 7);
}

static void malformed_rows(void **state)
{
    struct fixture *f = *state;
    assert_decodes(f, "a,b\n\"x\"y,1\n\"ok\",2\n\"\xFF\",3\n4,\"open\n5,6\n", "a: string, b: long",
                   "{a:\"ok\",b:2}");
    assert_int_equal(f->decoded.letter_count, 3);
    assert_letter(f, 0, "0:2:4  | text stands behind a closing quote");
    assert_letter(f, 1, "0:4:18  | the text is not valid in its encoding");
    assert_letter(f, 2, "0:5:24  | the file ends inside quotes");
    assert_string_equal(f->decoded.letters[2].raw.ptr, "4,\"open\n5,6\n");
    assert_int_equal(f->decoded.files[0].lines, 6);
    f->options.document_bytes_max = 20;
    assert_decodes(f, "a,b\n1,2\n\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\",3\n", "a: long, b: long",
                   "{a:1,b:2}");
    assert_letter(f, 0, "0:3:8  | the row is longer than 20 bytes (document_size_max)");
}

static void headers(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"a,b,A\n1,2,3\n", "a,,c\n1,2,3\n",
                                      "ingest_ts,doc_ingest_ts\n1,2\n", "\"a\"x,b\n1,2\n",
                                      "\xFF,b\n1,2\n"};
    static const char *const words[] = {"\"A\" stands twice", "column 2",
                                        "\"doc_ingest_ts\" stands twice", "malformed", "column 1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fixture_text(f, "in", bad[i]);
        assert_int_equal(fixture_decode(f), TARN_DATA);
        assert_non_null(strstr(f->op.report.message, words[i]));
    }
    assert_decodes(f, "\xEF\xBB\xBF\"a \"\"1\"\"\",_source_offset\r\n1,2",
                   "\"a \"\"1\"\"\": long, doc__source_offset: long",
                   "{a \"1\":1,doc__source_offset:2}");
    assert_decodes(f, "a,b\n", "a: string, b: string", "");
    assert_decodes(f, "", "", "");
    assert_decodes(f, "\xEF\xBB\xBF", "", "");
}

static void files_with_other_headers(void **state)
{
    struct fixture *f = *state;
    fixture_text(f, "1.csv", "a,b\n1,x\n");
    fixture_text(f, "2.csv", "B,c\ny,2.5\n");
    f->options.workers = 2;
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_string_equal(f->schema.ptr, "a: long, b: string, c: double>");
    assert_rows(f, "{a:1,b:\"x\",c:null}\n{a:null,b:\"y\",c:2.5}");
}

static void declared(void **state)
{
    struct fixture *f = *state;
    fixture_declare(f, "m", "decimal(9,2)");
    fixture_declare(f, "d", "date");
    fixture_declare(f, "t", "timestamptz");
    fixture_declare(f, "n", "long");
    fixture_declare(f, "s", "string");
    fixture_declare(f, "b", "boolean");
    assert_decodes(f,
                   "m,d,t,n,s,b\n"
                   "12.50,2025-05-31,2025-05-31T10:00:00Z,007,007,true\n"
                   "\"1.5\",\"2025-01-01\",2025-05-31 10:00:00,5.0,1.50,false\n"
                   "1.005,,,,,\n,31.05.25,,,,\n,,2025,,,\n,,,1.5,,\n,,,,,1\n,,,,\"\",\n",
                   "m: decimal(9, 2), d: date, t: timestamptz, n: long, s: string, b: boolean",
                   "{m:12.50,d:2025-05-31,t:2025-05-31T10:00:00.000000Z,n:7,s:\"007\",b:true}\n"
                   "{m:1.50,d:2025-01-01,t:2025-05-31T10:00:00.000000Z,n:5,s:\"1.50\",b:false}\n"
                   "{m:null,d:null,t:null,n:null,s:\"\",b:null}");
    assert_int_equal(f->decoded.letter_count, 5);
    assert_letter(f, 0, "0:4:117 m | m: '1.005' has 3 fraction digits; decimal(9,2) holds 2");
    assert_letter(f, 1, "0:5:128 d | d: '31.05.25' is not a date as YYYY-MM-DD");
    assert_letter(f, 2, "0:6:142 t | t: '2025' is not an ISO 8601 time to the microsecond");
    assert_letter(f, 3, "0:7:152 n | n: '1.5' is not an integer of 64 bits");
    assert_letter(f, 4, "0:8:161 b | b: '1' is not true or false");
    f->options.declared_count = 0;
    fixture_declare(f, "x", "list<long>");
    assert_int_equal(fixture_decode(f), TARN_UNSUPPORTED);
}

static void encodings(void **state)
{
    struct fixture *f = *state;
    f->options.encoding = TARN_STR("latin-1");
    assert_decodes(f, "n\xE4me,x\n\xFC,1\n", "\"n\xC3\xA4me\": string, x: long",
                   "{n\xC3\xA4me:\"\xC3\xBC\",x:1}");
    assert_int_equal(f->offsets[0], 7);
}

/* Quoted newlines around every edge of the window: the same rows wherever it was cut. */
static void large_files(void **state)
{
    struct fixture *f = *state;
    struct tarn_buf b;
    int64_t rows = 0;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_z(&b, "id,text\n");
    while (b.len < ((size_t)9 << 20)) {
        tarn_buf_printf(&b, "%lld,\"first \"\"%lld\"\"\n%.*s\nlast,%lld\"\n", (long long)rows,
                        (long long)rows, (int)(rows * 7919 % 200),
                        ".........................................................................."
                        ".........................................................................."
                        "......................................................",
                        (long long)rows);
        rows++;
    }
    fixture_file(f, "in", b.ptr, b.len);
    for (f->options.workers = 1; f->options.workers <= 3; f->options.workers++) {
        assert_int_equal(fixture_decode(f), TARN_OK);
        assert_int_equal(f->row_count, rows);
        assert_int_equal(f->decoded.letter_count, 0);
        assert_int_equal(f->decoded.files[0].lines, rows * 3 + 1);
        for (int64_t i = 0; i < rows; i += 97) {
            char start[64];
            (void)snprintf(start, sizeof start, "{id:%lld,text:\"first \"%lld\"\n", (long long)i,
                           (long long)i);
            assert_true(tarn_str_starts(f->rows[i], tarn_str_view(start)));
        }
    }
    tarn_buf_release(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(types_of_texts),
        TEST(mixed_columns_keep_their_text),
        TEST(quotes),
        TEST(options),
        TEST(ragged_rows_are_letters),
        TEST(malformed_rows),
        TEST(headers),
        TEST(files_with_other_headers),
        TEST(declared),
        TEST(encodings),
        TEST(large_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
