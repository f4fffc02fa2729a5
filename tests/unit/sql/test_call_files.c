/* add_files, snapshot and migrate over files of other writers: without field ids, in hive folders,
 * with bad statistics. */
#include "sql_fixture.h"

#include "base/arena.h"

/* Writes files with the engine alone: no field ids unless `options` says so. */
static void copy(struct sql_world *w, const char *query, const char *to, const char *options)
{
    char sql[4096];
    char folder[512];
    snprintf(folder, sizeof folder, "mkdir -p $(dirname %s/%s)", w->folder, to);
    assert_int_equal(system(folder), 0);
    snprintf(sql, sizeof sql, "COPY (%s) TO '%s/%s' (FORMAT parquet%s)", query, w->folder, to,
             options);
    sql_ok(w, tarn_session_exec(w->session, &w->op, tarn_str_view(sql)));
}

/* A statement with the world's folder for every %s. */
static const char *at(struct sql_world *w, const char *sql)
{
    struct tarn_str out;
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    for (const char *p = sql; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            tarn_buf_z(&b, w->folder);
            p++;
        } else {
            tarn_buf_put(&b, *p);
        }
    }
    assert_int_equal(tarn_buf_take(&w->op, &b, "a statement", &out), TARN_OK);
    return out.ptr;
}

static void hive_folders(void **state)
{
    struct sql_world *w = *state;
    copy(w,
         "SELECT i AS id, CASE i % 3 WHEN 0 THEN 'a/b=c' WHEN 1 THEN NULL ELSE '007' END AS r, "
         "(i % 2)::VARCHAR AS k, '0' || (i % 2) AS code FROM range(12) AS t(i)",
         "src/t", ", PARTITION_BY (r, k, code)");
    assert_string_equal(rows(w, at(w, "CALL system.snapshot('`parquet`.`%s/src/t`', 'raw.t')")),
                        "6\n");
    /* 0 and 1 are numbers, 007 and 00 are not: nothing is lost */
    assert_string_equal(rows(w, "DESCRIBE raw.t"),
                        "id|bigint|NULL\nr|string|NULL\nk|int|NULL\ncode|string|NULL\n||\n"
                        "# Partitioning||\nPart 0|r|\nPart 1|k|\nPart 2|code|\n");
    assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id LIMIT 3"),
                        "0|a/b=c|0|00\n1|NULL|1|01\n2|007|0|00\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE r = 'a/b=c' AND k = 0"), "2\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE r IS NULL"), "4\n");
    assert_string_equal(rows(w, "SELECT sum(id) FROM raw.t"), "66\n");
    run(w, "INSERT INTO raw.t VALUES (100, 'new', 5, 'x')");
    run(w, "DELETE FROM raw.t WHERE r = '007'");
    assert_string_equal(rows(w, "SELECT count(*), sum(id) FROM raw.t"), "9|140\n");

    run(w, "CREATE TABLE raw.p (id bigint, r string, k int, code string) PARTITIONED BY (k)");
    fails(w, at(w, "CALL system.add_files('raw.p', '%s/src/t')"), TARN_SCHEMA,
          "\"r\" stands only in the files' paths");
    run(w, "CREATE TABLE raw.q (id bigint, r string, k bigint, code string) PARTITIONED BY (r, k, "
           "code)");
    assert_string_equal(rows(w, at(w, "CALL system.add_files('raw.q', '%s/src/t', map('k', '1'))")),
                        "3|3\n");
    assert_string_equal(rows(w, "SELECT count(*), min(k), max(k) FROM raw.q"), "6|1|1\n");
    run(w, "CREATE TABLE raw.d (id bigint, r date, k bigint, code string) PARTITIONED BY (r, k, "
           "code)");
    fails(w, at(w, "CALL system.add_files('raw.d', '%s/src/t')"), TARN_DATA,
          "of the path is no date");
}

static void the_path_and_the_file_disagree(void **state)
{
    struct sql_world *w = *state;
    copy(w, "SELECT 1 AS id, 'eu' AS region", "src/region=us/a.parquet", "");
    run(w, "CREATE TABLE raw.t (id int, region string) PARTITIONED BY (region)");
    fails(w, at(w, "CALL system.add_files('raw.t', '%s/src')"), TARN_DATA,
          "the path says region=us");
    copy(w, "SELECT 1 AS id, 'us' AS region", "src/region=us/a.parquet", "");
    assert_string_equal(rows(w, at(w, "CALL system.add_files('raw.t', '%s/src')")), "1|1\n");
    assert_string_equal(rows(w, "SELECT * FROM raw.t WHERE region = 'us'"), "1|us\n");
}

static void statistics_that_say_little(void **state)
{
    struct sql_world *w = *state;
    copy(
        w,
        "SELECT * FROM (VALUES (1, 'nan'::DOUBLE, NULL::INT, repeat('z', 300), '\\xFF\\x00'::BLOB, "
        "1.50::DECIMAL(9,2), TIMESTAMPTZ '2024-02-29 12:00:00+00', -0.0::FLOAT), (2, 1.5, NULL, "
        "'a', '\\x01'::BLOB, -2.25, TIMESTAMPTZ '1969-12-31 23:59:59+00', 0.0)) AS t(id, d, n, s, "
        "b, m, ts, f)",
        "src/a.parquet", "");
    run(w, at(w, "CALL system.snapshot('%s/src', 'raw.t')"));
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE d > 1"), "2\n"); /* NaN is most */
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE n IS NULL"), "2\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE n = 1"), "0\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE s > 'y'"), "1\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE s = 'a' AND f = 0"), "1\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE m = -2.25"), "1\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE ts < '1970-01-01 00:00:00+00'"),
                        "1\n");
    assert_string_equal(
        rows(w, "SELECT null_value_counts[3], value_counts[3], lower_bounds[3] IS NULL, "
                "lower_bounds[2] IS NULL, lower_bounds[5] IS NULL, lower_bounds[1] IS NULL FROM "
                "raw.t.files"),
        "2|2|true|true|false|false\n");
    assert_string_equal(
        rows(w, "SELECT hex(lower_bounds[5]), hex(upper_bounds[5]) FROM raw.t.files"), "01|FF00\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t WHERE b = '\\xFF\\x00'::BLOB"), "1\n");
    assert_string_equal(rows(w, "SELECT record_count, split_offsets FROM raw.t.files"), "2|[4]\n");
}

static void partitions_of_transforms(void **state)
{
    struct sql_world *w = *state;
    copy(w, "SELECT i AS id, DATE '2024-02-01' + i::INT AS d FROM range(5) AS t(i)",
         "src/a.parquet", "");
    copy(w, "SELECT NULL::BIGINT AS id, NULL::DATE AS d FROM range(2)", "src/b.parquet", "");
    copy(w, "SELECT 7::BIGINT AS id, DATE '2024-03-01' AS d FROM range(3)", "src/c.parquet", "");
    run(w, "CREATE TABLE raw.m (id bigint, d date) PARTITIONED BY (months(d))");
    assert_string_equal(rows(w, at(w, "CALL system.add_files('raw.m', '%s/src')")), "3|3\n");
    assert_string_equal(rows(w, "SHOW PARTITIONS raw.m"),
                        "d_month=2024-02\nd_month=2024-03\nd_month=null\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.m WHERE d >= '2024-03-01'"), "3\n");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.m WHERE d IS NULL"), "2\n");
    run(w, "CREATE TABLE raw.b (id bigint, d date) PARTITIONED BY (bucket(4, id))");
    fails(w, at(w, "CALL system.add_files('raw.b', '%s/src')"), TARN_DATA,
          "partition field \"id_bucket\" cannot be told");
    assert_string_equal(rows(w, at(w, "CALL system.add_files('raw.b', '%s/src/c.parquet')")),
                        "1|1\n"); /* one value, one bucket */
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.b WHERE id = 7"), "3\n");
}

static void schemas_of_files(void **state)
{
    struct sql_world *w = *state;
    copy(w, "SELECT 1::INT AS id, 'a' AS s", "src/a.parquet", "");
    copy(w, "SELECT 5000000000::BIGINT AS id, 2.5::FLOAT AS x", "src/b.parquet", "");
    copy(w, "SELECT 9 AS id", "src/_hidden/c.parquet", "");
    copy(w, "SELECT 9 AS id", "src/.crc.parquet", "");
    copy(w, "SELECT 9 AS id WHERE false", "src/empty.parquet", "");
    assert_string_equal(rows(w, at(w, "CALL system.snapshot('%s/src', 'raw.t')")), "2\n");
    assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id"),
                        "1|a|NULL\n5000000000|NULL|2.5\n");
    copy(w, "SELECT 'x' AS id", "src/d.parquet", "");
    fails(w, at(w, "CALL system.snapshot('%s/src', 'raw.u')"), TARN_SCHEMA,
          "is long in some files and string in others");
    copy(w, "SELECT 1 AS id, [1, 2] AS l", "nested/a.parquet", "");
    copy(w, "SELECT 2 AS id, [3000000000] AS l, {'x': 1} AS s", "nested/b.parquet", "");
    run(w, at(w, "CALL system.snapshot('%s/nested', 'raw.nested')"));
    assert_string_equal(rows(w, "SELECT id, l, s.x FROM raw.nested ORDER BY id"),
                        "1|[1, 2]|NULL\n2|[3000000000]|1\n");
    copy(w, "SELECT 1 AS id, [1, 2] AS l, {'a': 1} AS st, MAP {'k': 2} AS m", "ids/a.parquet",
         ", FIELD_IDS {id: 7, l: {__duckdb_field_id: 8, element: 9}, st: {__duckdb_field_id: 10, "
         "a: 11}, m: {__duckdb_field_id: 12, key: 13, value: 14}}");
    run(w, at(w, "CALL system.snapshot('%s/ids', 'raw.ids')"));
    assert_string_equal(rows(w, "SELECT id, l[2], st.a, m['k'] FROM raw.ids"), "1|2|1|2\n");
    assert_int_equal(table(w, "raw.ids")->metadata.last_column_id, 14);
    copy(w, "SELECT 1 AS id, 2 AS x", "mixed/a.parquet", ", FIELD_IDS {id: 1}");
    fails(w, at(w, "CALL system.snapshot('%s/mixed', 'raw.u')"), TARN_SCHEMA,
          "some columns of the files have field ids and some have none");
}

/* A column that was renamed keeps its old name in the mapping. */
static void names_that_moved(void **state)
{
    struct sql_world *w = *state;
    copy(w, "SELECT 1 AS id, 'old' AS a", "src/a.parquet", "");
    copy(w, "SELECT 2 AS id, 'new' AS a", "more/a.parquet", "");
    copy(w, "SELECT 3 AS id, 'b' AS b", "third/a.parquet", "");
    run(w, at(w, "CALL system.snapshot('%s/src', 'raw.t')"));
    run(w, "ALTER TABLE raw.t RENAME COLUMN a TO b");
    run(w, at(w, "CALL system.add_files('raw.t', '%s/third')"));
    assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id"), "1|old\n3|b\n");
    copy(w, "SELECT 4 AS id, 'a again' AS a", "fourth/a.parquet", "");
    run(w, at(w, "CALL system.add_files('raw.t', '%s/fourth')"));
    assert_string_equal(rows(w, "SELECT b FROM raw.t WHERE id = 4"), "a again\n");
    copy(w, "SELECT 5 AS id, 'a' AS a, 'b' AS b", "both/a.parquet", "");
    fails(w, at(w, "CALL system.add_files('raw.t', '%s/both')"), TARN_SCHEMA,
          "two columns of the files are \"b\"");
    run(w, "ALTER TABLE raw.t ADD COLUMN a string");
    fails(w, at(w, "CALL system.add_files('raw.t', '%s/more')"), TARN_SCHEMA,
          "column \"a\" of the files is another one");
    assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id"),
                        "1|old|NULL\n3|b|NULL\n4|a again|NULL\n");
}

static void files_that_are_none(void **state)
{
    struct sql_world *w = *state;
    char path[256];
    copy(w, "SELECT 1 AS id", "src/a.parquet", "");
    snprintf(path, sizeof path, "%s/src/b.parquet", w->folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs("no parquet at all, and long enough to look for a footer", f) >= 0);
    assert_int_equal(fclose(f), 0);
    run(w, "CREATE TABLE raw.t (id int)");
    const char *tag, *text;
    enum tarn_status status =
        try_run(w, at(w, "CALL system.add_files('raw.t', '%s/src')"), &tag, &text);
    assert_true(status != TARN_OK && status != TARN_INTERNAL);
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "0\n");
}

/* Whatever goes wrong, files that were not its own stay. */
static void nothing_of_others_is_removed(void **state)
{
    struct sql_world *w = *state;
    copy(w, "SELECT 1 AS id", "src/a.parquet", "");
    run(w, "CREATE TABLE raw.t (id int)");
    const char *sql = at(w, "CALL system.add_files('raw.t', '%s/src')");
    long n = 1;
    for (; n < 100; n++) {
        const char *tag, *text;
        sql_fault(w, n, TARN_STORAGE_C_WRITE, TARN_IO);
        enum tarn_status status = try_run(w, sql, &tag, &text);
        sql_fault(w, 0, 0, TARN_OK);
        assert_int_equal(count_files(w, "src"), 1);
        if (status == TARN_OK)
            break;
        assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "0\n");
    }
    assert_true(n > 2 && n < 100);
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "1\n");
    run(w, "BEGIN");
    run(w, at(w, "CALL system.add_files('raw.t', '%s/src', map(), false)"));
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "2\n");
    run(w, "ROLLBACK");
    assert_int_equal(count_files(w, "src"), 1);
    run(w, "BEGIN");
    run(w, at(w, "CALL system.snapshot('%s/src', 'raw.s')"));
    run(w, "INSERT INTO raw.s VALUES (2)");
    run(w, "COMMIT");
    assert_string_equal(rows(w, "SELECT id FROM raw.s ORDER BY id"), "1\n2\n");
    assert_int_equal(count_files(w, "src"), 1);
    run(w, at(w, "CALL system.migrate(table => 'raw.m', location => '%s/src')"));
    assert_string_equal(rows(w, "SELECT id FROM raw.m"), "1\n");
    assert_true(tarn_str_ends(table(w, "raw.m")->metadata.location, TARN_STR("/src")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hive_folders, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(the_path_and_the_file_disagree, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(statistics_that_say_little, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(partitions_of_transforms, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(schemas_of_files, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(names_that_moved, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(files_that_are_none, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(nothing_of_others_is_removed, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
