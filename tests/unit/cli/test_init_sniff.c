/* test_init_sniff: format, delimiter, header and encoding out of first bytes. */
#include "fixture.h"

#include <stdlib.h>

#include "cli/init.h"

static struct tarn__init_sniff sniff(const char *text, enum tarn_file_format family)
{
    struct tarn__init_sniff s;
    struct tarn_str head = tarn_str_view(text);
    char *exact = malloc(head.len ? head.len : 1); /* reads past the end are found */
    memcpy(exact, text, head.len);
    tarn__init_sniff(tarn_str_of(exact, head.len), family, true, &s);
    free(exact);
    return s;
}

static void extended_json(void **state)
{
    (void)state;
    static const char *const extended[] = {
        "{\"_id\": {\"$oid\": \"507f1f77bcf86cd799439011\"}}",
        "{\"a\": 1}\n{\"at\": {\"$date\" : 1}}",
        "[{\"n\":{\"$numberDecimal\":\"1.10\"}}]",
    };
    static const char *const plain[] = {
        "{\"$price\": 1}", "{\"a\": \"$oid\"}", "{\"a\": \"{\\\"$oid\\\": 1}\"}",
        "{\"$oid",         "{\"$oid\"",
    };
    for (size_t i = 0; i < sizeof extended / sizeof *extended; i++)
        assert_int_equal(sniff(extended[i], TARN_FILE_JSON).format, TARN_FILE_EJSON);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_int_equal(sniff(plain[i], TARN_FILE_JSON).format, TARN_FILE_JSON);
}

static void single_documents(void **state)
{
    (void)state;
    assert_true(sniff("{\"data\": [{\"a\": 1}]}\n", TARN_FILE_JSON).single);
    assert_true(
        sniff("\xEF\xBB\xBF{\"data\": [", TARN_FILE_JSON).single); /* cut by the head's end */
    assert_false(sniff("{\"a\": 1}\n{\"a\": 2}", TARN_FILE_JSON).single);
    assert_false(sniff("[{\"a\": 1}]", TARN_FILE_JSON).single);
    assert_false(sniff("nothing", TARN_FILE_JSON).single);
}

static void delimiters(void **state)
{
    static const struct {
        const char *text;
        char delimiter;
    } rows[] = {
        {"a,b,c\n1,2,3\n", ','},
        {"name;price\nA;1,5\nB;2,5\n", ';'}, /* decimal commas */
        {"a\tb\n1,2\t3\n", '\t'},
        {"a|b|c\n1|2|3\n", '|'},
        {"text,n\n\"a;b;c;d\",1\n\"e;f;g;h\",2\n", ','}, /* quoted ones do not count */
        {"text;n\n\"line\nbreak, and \"\"more\"\"\";1\n", ';'},
        {"one\ntwo\n", ','},
        {"a;b", ';'}, /* no line end at all */
        {"\xEF\xBB\xBF"
         "a;b\r\n1;2\r\n",
         ';'},
        {"\n", ','},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(sniff(rows[i].text, TARN_FILE_CSV).delimiter, rows[i].delimiter);
}

static void headers(void **state)
{
    (void)state;
    assert_false(sniff("id,name\n1,Ada\n", TARN_FILE_CSV).no_header);
    assert_true(sniff("1,Ada\n2,Ben\n", TARN_FILE_CSV).no_header);
    assert_true(sniff("1,Ada,0.5\n", TARN_FILE_CSV).no_header);
    assert_false(
        sniff("country,2019,2020\nUK,1,2\n", TARN_FILE_CSV).no_header); /* years are names */
    assert_false(sniff("a,b\nx,y\n", TARN_FILE_CSV).no_header);
    assert_false(sniff("\"1\",\"2\"\n1,2\n", TARN_FILE_CSV).no_header); /* quoted: texts */
    assert_false(sniff("inf,nan\n1,2\n", TARN_FILE_CSV).no_header);
}

static void encodings(void **state)
{
    struct tarn__init_sniff s;
    static const char utf16[] = "\xFF\xFE"
                                "a\0;\0b\0\n\0"
                                "1\0;\0"
                                "2\0\n\0";
    (void)state;
    assert_null(sniff("n\nM\xC3\xBCller\n", TARN_FILE_CSV).encoding);
    assert_string_equal(sniff("n\nM\xFCller\n", TARN_FILE_CSV).encoding, "windows-1252");
    tarn__init_sniff(tarn_str_of(utf16, sizeof utf16 - 1), TARN_FILE_CSV, true, &s);
    assert_string_equal(s.encoding, "utf-16");
    assert_int_equal(s.delimiter, ';');
    /* a character that the head's end cuts is no other encoding */
    tarn__init_sniff(tarn_str_view("n\nM\xC3"), TARN_FILE_CSV, false, &s);
    assert_null(s.encoding);
    tarn__init_sniff(tarn_str_view("n\nM\xC3"), TARN_FILE_CSV, true, &s);
    assert_string_equal(s.encoding, "windows-1252");
}

static void families(void **state)
{
    (void)state;
    assert_int_equal(tarn__init_family(TARN_STR("PAR1\x15\x04")), TARN_FILE_PARQUET);
    assert_int_equal(tarn__init_family(TARN_STR(" \n{\"a\"")), TARN_FILE_JSON);
    assert_int_equal(tarn__init_family(TARN_STR("[1]")), TARN_FILE_JSON);
    assert_int_equal(tarn__init_family(TARN_STR("a,b\n")), TARN_FILE_CSV);
    assert_int_equal(tarn__init_family(TARN_STR("")), TARN_FILE_CSV);
}

static void nothing(void **state)
{
    (void)state;
    assert_false(sniff("", TARN_FILE_CSV).known);
    assert_false(sniff(" \n\n", TARN_FILE_JSON).known);
    assert_false(sniff("\xEF\xBB\xBF", TARN_FILE_CSV).known);
    assert_true(sniff("a", TARN_FILE_CSV).known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(extended_json), T(single_documents), T(delimiters),
                                       T(headers),       T(encodings),        T(families),
                                       T(nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
