/* Spark's spellings. */
#include "engine_fixture.h"

static void test_functions(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *rows;
    } cases[] = {
        {"SELECT size(array(1, 2, 3)), size(array())", "3|0\n"},
        {"SELECT explode(array(1, 2)) AS e", "1\n2\n"},
        {"SELECT id, x FROM (SELECT 7 AS id, [1, 2] AS l) t LATERAL VIEW explode(l) v AS x WHERE x "
         "> 1",
         "7|2\n"},
        {"SELECT id, v.x FROM (SELECT 7 AS id, []::INT[] AS l) t LATERAL VIEW OUTER explode(l) v "
         "AS "
         "x",
         "7|NULL\n"},
        {"SELECT date_format(TIMESTAMP '2024-03-05 14:07:09.123', 'yyyy-MM-dd HH:mm:ss.SSS')",
         "2024-03-05 14:07:09.123\n"},
        {"SELECT date_format(DATE '2024-03-05', 'd.M.yy EEEE'), date_format('2024-03-05', "
         "'yyyy''T''MM')",
         "5.3.24 Tuesday|2024T03\n"},
        {"SELECT date_format(DATE '2024-03-05', '%Y/%m')", "2024/03\n"},
        {"SELECT to_date('2024-03-05'), to_date('05/03/2024', 'dd/MM/yyyy'), to_date(TIMESTAMP "
         "'2024-03-05 10:00:00')",
         "2024-03-05|2024-03-05|2024-03-05\n"},
        {"SELECT to_timestamp('2024-03-05 10:00:00'), to_timestamp(0), to_timestamp('5.3.2024 9', "
         "'d.M.yyyy H')",
         NULL},
        {"SELECT concat_ws('-', 'a', NULL, 'b'), nvl(NULL, 1), ifnull(NULL, 2), nvl2(1, 2, 3)",
         "a-b|1|2|2\n"},
        {"SELECT array_contains(array(1, 2), 2), element_at(array(5, 6), -1), "
         "element_at(MAP {'a': 1}, 'a')",
         "true|6|1\n"},
        {"SELECT collect_list(x), array_sort(collect_set(x)) FROM (VALUES (2), (NULL), (1), (2)) "
         "v(x)",
         "[2, 1, 2]|[1, 2]\n"},
        {"SELECT collect_list(x) FROM (SELECT 1 AS x WHERE false)", "[]\n"},
        {"SELECT aggregate(array(1, 2, 3), 10, (acc, x) -> acc + size(array(x, x)))", "16\n"},
        {"SELECT aggregate([1, 2, 3], 'sum')", "6\n"},
        {"SELECT transform(array(1, 2), x -> x + 1), filter(array(1, 2), x -> x > 1), "
         "exists(array(1, 2), x -> x > 1), exists(array(1), x -> x > size(array(1)))",
         "[2, 3]|[2]|true|false\n"},
        {"SELECT EXISTS (SELECT 1 WHERE 1 = 2), EXISTS(SELECT 1)", "false|true\n"},
        {"SELECT datediff('2024-03-05', DATE '2024-03-01'), datediff('day', DATE '2024-03-01', "
         "DATE "
         "'2024-03-05')",
         "4|4\n"},
        {"SELECT date_add(DATE '2024-02-28', 2), date_sub('2024-03-01', 1), "
         "date_sub('month', DATE '2024-01-31', DATE '2024-03-01')",
         "2024-03-01|2024-02-29|1\n"},
        {"SELECT add_months('2024-01-31', 1), months_between('1997-02-28 10:30:00', '1996-10-30'), "
         "months_between(DATE '2024-02-29', DATE '2024-01-31')",
         "2024-02-29|3.94959677|1.0\n"},
        {"SELECT current_timestamp() > TIMESTAMP '2020-01-01', current_date() > DATE '2020-01-01'",
         "true|true\n"},
        {"SELECT get_json_object('{\"a\": {\"b\": \"x\"}}', '$.a.b')", "x\n"},
        {"SELECT named_struct('a', 1, 'b c', array(named_struct('d', 2)))",
         "{a: 1, b c: [{d: 2}]}\n"},
        {"SELECT map('a', 1, 'b', array(2)[1]), map(1 , 'x'), map('a', map('b', 3))['a'], map([1], "
         "[2]), map(), CAST(NULL AS MAP(VARCHAR, INT))",
         "{a: 1, b: 2}|{1: x}|{b: 3}|{1: 2}|{}|NULL\n"},
        {"SELECT from_unixtime(0), from_unixtime(0, 'yyyy'), unix_timestamp('1970-01-02'), "
         "unix_timestamp('1970', 'yyyy')",
         "1970-01-01 00:00:00|1970|86400|0\n"},
        {"SELECT sha2('a', 256) = sha256('a'), length(md5('a'))", "true|32\n"},
        {"SELECT initcap('ab cD'), locate('b', 'abc'), pmod(-1, 3), isnull(NULL), "
         "array_join(['a', NULL, 'b'], ','), array_join(['a', NULL], ',', '?')",
         "Ab Cd|2|2|true|a,b|a,?\n"},
        {"SELECT sort_array([2, NULL, 1]), sort_array([2, 1, 3], false), sequence(1, 3), "
         "array_union([1, 2], [2]), slice([1, 2, 3], 2, 2)",
         NULL},
        {"SELECT t.size FROM (SELECT 4 AS size) t", "4\n"},
        {"SELECT `a b` FROM (SELECT 1 AS `a b`) `t`", "1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *rows = "";
        enum tarn_status status = try_rows(f, cases[i].sql, &rows);
        if (status != TARN_OK)
            fprintf(stderr, "%s\n", cases[i].sql);
        ok(f, status);
        if (cases[i].rows && strcmp(rows, cases[i].rows) != 0) {
            fprintf(stderr, "%s\n%s", cases[i].sql, rows);
            fail();
        }
    }
    assert_string_equal(rows_of(f, "SELECT array_sort(array_union([1, 2], [2])), sequence(1, 3), "
                                   "slice([1, 2, 3], 2, 2), sort_array([1, 3, 2], false)"),
                        "[1, 2]|[1, 2, 3]|[2, 3]|[3, 2, 1]\n");
    assert_string_equal(rows_of(f, "SELECT CAST(to_timestamp('2024-03-05 10:00:00') AS VARCHAR), "
                                   "CAST(to_timestamp('5.3.2024 9', 'd.M.yyyy H') AS VARCHAR), "
                                   "CAST(to_timestamp(1.5) AS VARCHAR)"),
                        "2024-03-05 10:00:00+00|2024-03-05 09:00:00+00|1970-01-01 00:00:01.5+00\n");
}

static void test_types(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql, *type;
    } cases[] = {
        {"SELECT CAST(1 AS STRING) AS x", "string"},
        {"SELECT CAST(1 AS BYTE) AS x", "int"},
        {"SELECT CAST([1] AS ARRAY<STRING>) AS x", "list<string>"},
        {"SELECT [1]::array<bigint> AS x", "list<long>"},
        {"SELECT CAST(NULL AS MAP<STRING, ARRAY<DECIMAL(9, 2)>>) AS x",
         "map<string, list<decimal(9, 2)>>"},
        {"SELECT CAST(NULL AS STRUCT<a: INT, `b c`: STRUCT<d: TIMESTAMP_NTZ>>) AS x",
         "struct<a: int, \"b c\": struct<d: timestamp>>"},
        {"SELECT try_cast('x' AS array<int>) AS x", "list<int>"},
        {"SELECT 1 AS array", "int"},
        {"SELECT 1 AS byte", "int"},
        {"SELECT 2 < x AS x FROM (SELECT 1 AS x)", "boolean"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tarn_type type;
        ok(f, tarn_session_describe(f->session, &f->op, text_of(cases[i].sql), &type));
        struct tarn_str text = tarn_type_text(&f->op, &type.fields[0].type);
        if (!tarn_str_is(text, cases[i].type)) {
            fprintf(stderr, "%s: %s\n", cases[i].sql, text.ptr);
            fail();
        }
    }
}

static void test_errors(void **state)
{
    struct fixture *f = *state;
    fails(f, TARN_UNSUPPORTED, "SELECT date_format(x, p)\nFROM (SELECT now() AS x, 'yyyy' AS p)");
    assert_int_equal(f->op.report.column, 23);
    fails(f, TARN_UNSUPPORTED, "SELECT date_format(now(), 'yyyy QQQ')");
    assert_non_null(strstr(f->op.report.message, "\"Q\""));
    fails(f, TARN_DATA, "SELECT to_date('x')");
    fails(f, TARN_DATA, "SELECT sha2('a', 512)");
    fails(f, TARN_COLUMN,
          "SELECT size(`nosuch`),\n transform(l, x -> x + y) FROM (SELECT [1] AS l)");
    fails(f, TARN_COLUMN, "SELECT 1,\n exists(l, x -> x > 0), nosuch FROM (SELECT [1] AS l)");
    assert_int_equal(f->op.report.line, 2);
    assert_int_equal(f->op.report.column, 25);
    fails(f, TARN_SQL, "SELECT CAST(1 AS ARRAY<INT)");
    fails(f, TARN_SQL, "SELECT date_format(");
    fails(f, TARN_SQL, "SELECT LATERAL VIEW explode(");
}

/* Filters that use macros still plan scans. */
static void test_filters(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long, d: date>");
    (void)table_insert(f, t, "SELECT 1::BIGINT AS id, DATE '2024-03-05' AS d");
    assert_string_equal(
        rows_of(f, "SELECT id FROM raw.t WHERE d >= to_date('2024-03-01') AND id = nvl(NULL, 1)"),
        "1\n");
    assert_non_null(t->last_filter.ptr);
    assert_non_null(strstr(t->last_filter.ptr, "2024-03-01"));
    table_view(f, "raw", "v",
               "SELECT size(array(id)) AS n FROM raw.t WHERE exists(array(id), x -> x "
               "= 1)");
    assert_string_equal(rows_of(f, "SELECT n FROM raw.v"), "1\n");
    int64_t n;
    ok(f,
       tarn_session_int(f->session, &f->op, TARN_STR("SELECT size(array(id, id)) FROM raw.t"), &n));
    assert_int_equal(n, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_functions),
        TEST(test_types),
        TEST(test_errors),
        TEST(test_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
