/* Extended JSON v2: every wrapper, canonical and relaxed, into the columns that docs/types.md
 * names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "decode_fixture.h"

static int setup(void **state)
{
    static struct fixture f;
    fixture_open(&f, TARN_INPUT_EJSON);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

static void reads_journal_entries(void **state)
{
    assert_decodes(
        *state,
        "{\"_id\":{\"$oid\":\"64b7f0000000000000000001\"},\"entry_id\":\"JE1001\","
        "\"date\":\"2025-05-31\",\"description\":\"Vendor payment\",\"lines\":["
        "{\"account_id\":\"1000\",\"debit\":500,\"credit\":0},"
        "{\"account_id\":\"2000\",\"debit\":0,\"credit\":500.25}]}\n"
        "{\"_id\":{\"$oid\":\"64b7f0000000000000000002\"},\"entry_id\":\"JE1002\",\"lines\":[]}\n",
        "_id: string, entry_id: string, date: string, description: string, lines: "
        "list<struct<account_id: string, debit: long, credit: double>>",
        "{_id:\"64b7f0000000000000000001\",entry_id:\"JE1001\",date:\"2025-05-31\","
        "description:\"Vendor payment\",lines:[{account_id:\"1000\",debit:500,credit:0},"
        "{account_id:\"2000\",debit:0,credit:500.25}]}\n"
        "{_id:\"64b7f0000000000000000002\",entry_id:\"JE1002\",date:null,description:null,"
        "lines:[]}");
}

static void reads_numbers(void **state)
{
    assert_decodes(*state,
                   "{\"a\":{\"$numberInt\":\"-5\"},\"b\":{\"$numberLong\":\"9007199254740993\"},"
                   "\"c\":{\"$numberDouble\":\"1.5\"},\"d\":{\"$numberDecimal\":\"12.50\"}}\n"
                   "{\"a\":7,\"b\":{\"$numberLong\":\"-9223372036854775808\"},"
                   "\"c\":{\"$numberDouble\":\"NaN\"},\"d\":{\"$numberDecimal\":\"1E+3\"}}\n"
                   "{\"c\":{\"$numberDouble\":\"-Infinity\"}}\n",
                   "a: long, b: long, c: double, d: decimal(38, 2)",
                   "{a:-5,b:9007199254740993,c:1.5,d:12.50}\n"
                   "{a:7,b:-9223372036854775808,c:nan,d:1000.00}\n"
                   "{a:null,b:null,c:-inf,d:null}");
}

static void decimal_nan_is_text(void **state)
{
    assert_decodes(*state,
                   "{\"d\":{\"$numberDecimal\":\"12.50\"}}\n{\"d\":{\"$numberDecimal\":\"NaN\"}}\n",
                   "d: string", "{d:\"12.50\"}\n{d:\"NaN\"}");
}

static void reads_dates(void **state)
{
    assert_decodes(*state,
                   "{\"t\":{\"$date\":\"2025-05-31T10:00:00.123Z\"}}\n"
                   "{\"t\":{\"$date\":\"2025-05-31T10:00:00+02:00\"}}\n"
                   "{\"t\":{\"$date\":{\"$numberLong\":\"-62135596800000\"}}}\n"
                   "{\"t\":{\"$date\":{\"$numberLong\":\"1748685600123\"}}}\n"
                   "{\"t\":{\"$date\":1748685600123}}\n"
                   "{\"t\":{\"$date\":\"2025-05-31T10:00:00.000+0200\"}}\n",
                   "t: timestamptz",
                   "{t:2025-05-31T10:00:00.123000Z}\n{t:2025-05-31T08:00:00.000000Z}\n"
                   "{t:0001-01-01T00:00:00.000000Z}\n{t:2025-05-31T10:00:00.123000Z}\n"
                   "{t:2025-05-31T10:00:00.123000Z}\n{t:2025-05-31T08:00:00.000000Z}");
}

static void reads_bytes(void **state)
{
    assert_decodes(
        *state,
        "{\"b\":{\"$binary\":{\"base64\":\"AQID\",\"subType\":\"00\"}},"
        "\"u\":{\"$uuid\":\"c8edabc3-f738-4ca3-b68d-ab92a91478a3\"}}\n"
        "{\"b\":{\"$binary\":\"//79\",\"$type\":\"80\"},"
        "\"u\":{\"$binary\":{\"subType\":\"04\",\"base64\":\"yO2rw\\/c4TKO2jauSqRR4ow==\"}}}\n"
        "{\"b\":{\"$type\":\"0\",\"$binary\":\"AQ==\"}}\n",
        "b: binary, u: uuid",
        "{b:010203,u:c8edabc3f7384ca3b68dab92a91478a3}\n"
        "{b:fffefd,u:c8edabc3f7384ca3b68dab92a91478a3}\n{b:01,u:null}");
}

static void reads_the_rest(void **state)
{
    assert_decodes(
        *state,
        "{\"ts\":{\"$timestamp\":{\"t\":42,\"i\":1}},"
        "\"re\":{\"$regularExpression\":{\"pattern\":\"^a\",\"options\":\"i\"}},"
        "\"sy\":{\"$symbol\":\"s\"},\"co\":{\"$code\":\"f()\"},"
        "\"cs\":{\"$code\":\"f()\",\"$scope\":{\"x\": 1}},"
        "\"mi\":{\"$minKey\":1},\"ma\":{\"$maxKey\":1},\"un\":{\"$undefined\":true},"
        "\"dp\":{\"$dbPointer\":{\"$ref\":\"c\",\"$id\":{\"$oid\":\"64b7f0000000000000000001\"}}},"
        "\"rf\":{\"$ref\":\"c\",\"$id\":5}}\n",
        "ts: struct<t: long, i: long>, re: struct<pattern: string, options: string>, sy: string, "
        "co: string, cs: string, mi: string, ma: string, un: string, dp: string, "
        "rf: struct<\"$ref\": string, \"$id\": long>",
        "{ts:{t:42,i:1},re:{pattern:\"^a\",options:\"i\"},sy:\"s\",co:\"f()\","
        "cs:\"{\"$code\":\"f()\",\"$scope\":{\"x\":1}}\",mi:\"{\"$minKey\":1}\","
        "ma:\"{\"$maxKey\":1}\",un:null,"
        "dp:\"{\"$dbPointer\":{\"$ref\":\"c\",\"$id\":{\"$oid\":\"64b7f0000000000000000001\"}}}\","
        "rf:{$ref:\"c\",$id:5}}");
}

static void other_dollar_keys_stay_documents(void **state)
{
    assert_decodes(
        *state,
        "{\"a\":{\"$type\":2},\"b\":{\"$oid\":\"64b7f0000000000000000001\",\"x\":1},"
        "\"c\":{\"$foo\":{\"$numberInt\":\"3\"}},\"$oid\":\"top\"}\n",
        "a: struct<\"$type\": long>, b: struct<\"$oid\": string, x: long>, "
        "c: struct<\"$foo\": long>, \"$oid\": string",
        "{a:{$type:2},b:{$oid:\"64b7f0000000000000000001\",x:1},c:{$foo:3},$oid:\"top\"}");
}

static void malformed_wrappers_are_letters(void **state)
{
    static const struct {
        const char *value, *reason;
    } cases[] = {
        {"{\"$oid\":\"xyz\"}", "$oid is not 24 hexadecimal digits"},
        {"{\"$oid\":5}", "$oid is not a text"},
        {"{\"$numberInt\":\"2147483648\"}", "$numberInt is not an integer in its range"},
        {"{\"$numberInt\":5}", "$numberInt is not an integer in its range"},
        {"{\"$numberLong\":\"9223372036854775808\"}", "$numberLong is not an integer in its range"},
        {"{\"$numberDouble\":\"1e999\"}", "$numberDouble is not a number in its range"},
        {"{\"$numberDouble\":\"x\"}", "$numberDouble is not a number in its range"},
        {"{\"$numberDecimal\":\"1,5\"}", "$numberDecimal is not a number"},
        {"{\"$date\":\"yesterday\"}", "$date is not an ISO 8601 time to the microsecond"},
        {"{\"$date\":\"2025-02-30T00:00:00Z\"}",
         "$date is not an ISO 8601 time to the microsecond"},
        {"{\"$date\":{\"$numberLong\":\"9223372036854775807\"}}", "$date is out of range"},
        {"{\"$date\":{\"$oid\":\"64b7f0000000000000000001\"}}",
         "$date is neither a text nor $numberLong"},
        {"{\"$date\":1.5}", "$date is neither a text nor $numberLong"},
        {"{\"$binary\":{\"base64\":\"AQI\",\"subType\":\"00\"}}", "$binary is not base64"},
        {"{\"$binary\":{\"base64\":\"AQ==\",\"subType\":\"zz\"}}",
         "$binary has no subtype of two hexadecimal digits"},
        {"{\"$binary\":{\"base64\":\"AQ==\"}}", "$binary does not hold base64 and subType"},
        {"{\"$uuid\":\"c8edabc3\"}", "$uuid is not a UUID"},
        {"{\"$timestamp\":{\"t\":-1,\"i\":1}}", "$timestamp does not hold t and i in their form"},
        {"{\"$timestamp\":{\"t\":1,\"i\":4294967296}}",
         "$timestamp does not hold t and i in their form"},
        {"{\"$regularExpression\":{\"pattern\":1,\"options\":\"\"}}",
         "$regularExpression does not hold pattern and options in their form"},
        {"{\"$minKey\":2}", "$minKey is not 1"},
        {"{\"$undefined\":1}", "$undefined is not true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture *f = *state;
        char text[256], expected[256];
        (void)snprintf(text, sizeof text, "{\"k\":1}\n{\"v\":%s}\n", cases[i].value);
        (void)snprintf(expected, sizeof expected, "0:2:8 v | v: %s", cases[i].reason);
        assert_decodes(f, text, "k: long", "{k:1}");
        assert_letter(f, 0, expected);
        /* and the same where the place has a column of text, into which anything would go */
        (void)snprintf(text, sizeof text, "{\"v\":\"a\"}\n{\"v\":true}\n{\"v\":%s}\n",
                       cases[i].value);
        (void)snprintf(expected, sizeof expected, "0:3:21 v | v: %s", cases[i].reason);
        assert_decodes(f, text, "v: string", "{v:\"a\"}\n{v:\"true\"}");
        assert_letter(f, 0, expected);
    }
}

static void spaces_and_order_do_not_matter(void **state)
{
    assert_decodes(
        *state,
        "{ \"a\" : { \"$oid\" : \"64b7f0000000000000000001\" } , \"b\" : { \"$date\" : { "
        "\"$numberLong\" : \"0\" } } }\n",
        "a: string, b: timestamptz",
        "{a:\"64b7f0000000000000000001\",b:1970-01-01T00:00:00.000000Z}");
}

static void plain_json_knows_no_wrappers(void **state)
{
    struct fixture *f = *state;
    f->options.format = TARN_INPUT_JSON;
    assert_decodes(f, "{\"a\":{\"$oid\":\"x\"},\"b\":{\"$date\":5}}\n",
                   "a: struct<\"$oid\": string>, b: struct<\"$date\": long>",
                   "{a:{$oid:\"x\"},b:{$date:5}}");
}

static void nested_wrappers_cost_no_more_than_their_length(void **state)
{
    /* Each level looks like the start of a wrapper: a reader that tries both ways at each would
     * never end. */
    struct fixture *f = *state;
    struct tarn_buf b;
    const char *const forms[] = {"{\"$code\":\"a\",\"b\":", "{\"$scope\":", "{\"$date\":",
                                 "{\"$dbPointer\":{\"$ref\":\"a\",\"$id\":"};
    for (size_t k = 0; k < 4; k++) {
        int levels = k == 3 ? 45 : 90;
        tarn_buf_init(&b, 1 << 20);
        tarn_buf_z(&b, "{\"v\":");
        for (int i = 0; i < levels; i++)
            tarn_buf_z(&b, forms[k]);
        tarn_buf_z(&b, "1");
        for (int i = 0; i < (k == 3 ? 2 * levels : levels); i++)
            tarn_buf_put(&b, '}');
        tarn_buf_z(&b, "}\n");
        fixture_file(f, "in", b.ptr, b.len);
        assert_int_equal(fixture_decode(f), TARN_OK);
        assert_int_equal(f->decoded.rows + (int64_t)f->decoded.letter_count, 1);
        tarn_buf_release(&b);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_journal_entries),
        TEST(reads_numbers),
        TEST(decimal_nan_is_text),
        TEST(reads_dates),
        TEST(reads_bytes),
        TEST(reads_the_rest),
        TEST(other_dollar_keys_stay_documents),
        TEST(malformed_wrappers_are_letters),
        TEST(spaces_and_order_do_not_matter),
        TEST(plain_json_knows_no_wrappers),
        TEST(nested_wrappers_cost_no_more_than_their_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
