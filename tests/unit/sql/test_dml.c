/* DELETE, UPDATE and MERGE: what slt files cannot reach: failing storage, files that must not be
 * read, values of every type. */
#include "sql_fixture.h"

#include <unistd.h>

#define ALL TARN_STORAGE_C_ANY

static void table_of(struct sql_world *w, int version, const char *mode)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE TABLE raw.t (id BIGINT, g STRING, s STRING) PARTITIONED BY (g) TBLPROPERTIES "
             "('format-version'='%d', 'write.delete.mode'='%s', 'write.update.mode'='%s', "
             "'write.merge.mode'='%s')",
             version, mode, mode, mode);
    run(w, sql);
    run(w, "INSERT INTO raw.t SELECT i, substr('ab', 1 + (i % 2)::INT, 1), 's' || i "
           "FROM range(20) r(i)");
}

/* Tables that a statement of ours left in the session. */
static int64_t leftovers(struct sql_world *w)
{
    int64_t n;
    tarn_clear(&w->op);
    sql_ok(w, tarn_session_int(w->session, &w->op,
                               TARN_STR("SELECT count(*) FROM duckdb_tables() WHERE table_name "
                                        "LIKE 'tarn %' AND table_name <> 'tarn returning'"),
                               &n));
    return n;
}

/* The n-th call fails, for every n until the statement succeeds: before that nothing has changed,
 * and no file is left over. */
static void sweep(struct sql_world *w, const char *sql)
{
    const char *tag, *text;
    enum tarn_status status;
    size_t files = count_files(w, "warehouse");
    const char *before = rows(w, "SELECT * FROM raw.t ORDER BY id, s");
    long n = 0;
    do {
        sql_fault(w, ++n, ALL, TARN_IO);
        status = try_run(w, sql, &tag, &text);
        sql_fault(w, 0, 0, TARN_OK);
        if (status == TARN_OK)
            break;
        if (status != TARN_IO)
            print_error("call %ld of %s: %s\n", n, sql, w->op.report.message);
        assert_int_equal(status, TARN_IO);
        assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id, s"), before);
        if (count_files(w, "warehouse") != files)
            print_error("call %ld of %s\n", n, sql);
        assert_int_equal(count_files(w, "warehouse"), files);
        assert_int_equal(leftovers(w), 0);
        assert_in_range(n, 1, 500);
    } while (true);
    assert_true(n > 3);
    assert_int_equal(leftovers(w), 0);
    assert_string_not_equal(rows(w, "SELECT * FROM raw.t ORDER BY id, s"), before);
}

static void storage_fails(struct sql_world *w, int version, const char *mode)
{
    table_of(w, version, mode);
    sweep(w, "DELETE FROM raw.t WHERE id IN (3, 4)");
    sweep(w, "UPDATE raw.t SET g = 'c', s = s || '!' WHERE id > 17 RETURNING id");
    sweep(w, "MERGE INTO raw.t USING (SELECT i AS id FROM range(18, 23) r(i)) s ON t.id = s.id "
             "WHEN MATCHED AND t.id = 18 THEN DELETE WHEN MATCHED THEN UPDATE SET s = 'm' "
             "WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)");
    sweep(w, "DELETE FROM raw.t WHERE g = 'a'");
    sweep(w, "DELETE FROM raw.t");
}

static void storage_fails_merge_on_read(void **state)
{
    storage_fails(*state, 2, "merge-on-read");
}

static void storage_fails_copy_on_write(void **state)
{
    storage_fails(*state, 2, "copy-on-write");
}

static void storage_fails_deletion_vectors(void **state)
{
    storage_fails(*state, 3, "merge-on-read");
}

static void storage_fails_lineage(void **state)
{
    storage_fails(*state, 3, "copy-on-write");
}

/* Inside a transaction: what went before is kept. */
static void transaction_survives_failures(void **state)
{
    struct sql_world *w = *state;
    const char *tag, *text;
    table_of(w, 2, "merge-on-read");
    run(w, "BEGIN");
    run(w, "DELETE FROM raw.t WHERE id < 10");
    const char *before = rows(w, "SELECT * FROM raw.t ORDER BY id");
    size_t files = count_files(w, "warehouse");
    for (long n = 1;; n++) {
        sql_fault(w, n, ALL, TARN_IO);
        enum tarn_status status = try_run(w, "UPDATE raw.t SET s = 'x' WHERE id < 15", &tag, &text);
        sql_fault(w, 0, 0, TARN_OK);
        if (status == TARN_OK)
            break;
        assert_string_equal(rows(w, "SELECT * FROM raw.t ORDER BY id"), before);
        assert_int_equal(count_files(w, "warehouse"), files);
        assert_true(tarn_sql_in_transaction(w->sql));
    }
    run(w, "COMMIT");
    assert_string_equal(rows(w, "SELECT s, count(*) FROM raw.t GROUP BY 1 ORDER BY 2 DESC LIMIT 1"),
                        "x|5\n");
}

/* Files whose rows all go by what the metadata says are not opened: here they are gone. */
static void covered_files_are_not_read(void **state)
{
    struct sql_world *w = *state;
    struct tarn_listing l;
    table_of(w, 2, "merge-on-read");
    run(w, "DELETE FROM raw.t WHERE id = 3");
    sql_ok(w, tarn_storage_list(w->storage, &w->op, path_of(w, "warehouse/raw/t/data"), &l));
    for (size_t i = 0; i < l.count; i++)
        if (!strstr(l.objects[i].path.ptr, "delete"))
            (void)unlink(l.objects[i].path.ptr);
    assert_string_equal(run(w, "DELETE FROM raw.t WHERE g = 'a' AND id BETWEEN 0 AND 1000"),
                        "DELETE 10");
    assert_string_equal(run(w, "DELETE FROM raw.t AS x WHERE (x.g IN ('b', 'c')) AND x.id >= 0"),
                        "DELETE 9");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "0\n");
}

/* Conditions that all rows of a file seem to meet, and do not. */
static void covered_is_never_too_much(void **state)
{
    struct sql_world *w = *state;
    static const struct {
        const char *where;
        int rows;
    } cases[] = {
        {"n > 0", 3}, /* a null */
        {"n <> 2", 2},
        {"n = 1 OR s = 'x'", 1},
        {"d > 0", 3}, /* NaN is greater than all numbers for the engine */
        {"d < 1000", 2},
        {"NOT n > 0", 0},
        {"s >= 'a' AND s < 'abcdefghijklmnopqrstuvwxyz'", 1},
        {"s <= 'abcdefghijklmnop'", 1},
        {"n IN (1, 2, 3)", 3},
        {"n BETWEEN 1 AND 2", 2},
        {"n >= 1 AND d IS NOT NULL", 3},
        {"n IS NULL", 1},
        {"ts >= '2024-01-01 00:00:00' AND ts <= '2024-01-01 23:59:59'", 4},
        {"day = '2024-01-01'", 4},
        {"day < DATE '2024-01-01'", 0},
        {"p < 1.235", 4},
        {"p <= 1.23", 4},
        {"p < 1.23", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[256], tag[64];
        run(w, "CREATE OR REPLACE TABLE raw.c (n INT, d DOUBLE, s STRING, ts TIMESTAMP, day DATE, "
               "p DECIMAL(10, 2))");
        run(w, "INSERT INTO raw.c SELECT n, d, s, TIMESTAMP '2024-01-01 12:00:00', "
               "DATE '2024-01-01', 1.23 FROM (VALUES (1, 0.5, 'abcdefghijklmnop'), "
               "(2, 'NaN'::DOUBLE, 'abcdefghijklmnopqrstuvwxyz'), "
               "(3, 7, 'abcdefghijklmnopqrstuvwxyz0'), (NULL, NULL, NULL)) AS v(n, d, s)");
        snprintf(sql, sizeof sql, "DELETE FROM raw.c WHERE %s", cases[i].where);
        snprintf(tag, sizeof tag, "DELETE %d", cases[i].rows);
        assert_string_equal(run(w, sql), tag);
        snprintf(tag, sizeof tag, "%d\n", 4 - cases[i].rows);
        assert_string_equal(rows(w, "SELECT count(*) FROM raw.c"), tag);
    }
}

/* Rows are carried over bit by bit, whatever their types are. */
static void all_types_survive(void **state)
{
    struct sql_world *w = *state;
    static const char *const modes[] = {"merge-on-read", "copy-on-write"};
    static const char *const all = "SELECT * EXCLUDE (k) FROM raw.all ORDER BY k";
    for (size_t i = 0; i < 2; i++) {
        char sql[1024];
        snprintf(sql, sizeof sql,
                 "CREATE OR REPLACE TABLE raw.all (k INT, a BOOLEAN, b BIGINT, c FLOAT, d DOUBLE, "
                 "e DECIMAL(38, 10), f DATE, g TIME, h TIMESTAMP, i TIMESTAMPTZ, j STRING, "
                 "l BINARY, m UUID, n STRUCT<x: INT, y: ARRAY<STRING>>, o MAP<STRING, "
                 "DECIMAL(5, 2)>, p ARRAY<STRUCT<q: DATE>>) TBLPROPERTIES ('write.update.mode' = "
                 "'%s', 'write.delete.mode' = '%s')",
                 modes[i], modes[i]);
        run(w, sql);
        run(w, "INSERT INTO raw.all SELECT k, true, 9223372036854775807, 1.1::FLOAT, "
               "-0.0::DOUBLE, 1234567890123456789012345678.0123456789, DATE '0001-01-01', "
               "TIME '23:59:59.999999', TIMESTAMP '9999-12-31 23:59:59.999999', "
               "TIMESTAMPTZ '1969-12-31 23:59:59.999999+00', 'ü\n''', '\\x00\\xff'::BLOB, "
               "'12345678-1234-1234-1234-123456789abc'::UUID, {'x': NULL, 'y': ['', NULL]}, "
               "MAP {'k': 1.25, '': NULL}, [{'q': NULL}, NULL] FROM range(3) r(k)");
        run(w, "INSERT INTO raw.all (k) VALUES (9)");
        const char *before = rows(w, all);
        run(w, "UPDATE raw.all SET k = k + 100 WHERE k <> 1");
        assert_string_equal(rows(w, "SELECT k FROM raw.all ORDER BY k"), "1\n100\n102\n109\n");
        run(w, "UPDATE raw.all SET k = CASE k WHEN 1 THEN 1 ELSE k - 100 END");
        assert_string_equal(rows(w, all), before);
        run(w, "DELETE FROM raw.all WHERE k = 2");
        assert_string_equal(rows(w,
                                 "SELECT count(*), count(DISTINCT (a, b, c, d, e, f, g, h, i, j, "
                                 "l, m, n, o, p)) FROM raw.all WHERE k < 9"),
                            "2|1\n");
    }
}

static void names_that_look_like_ours(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE TABLE raw.\"odd table\" (\"tarn file\" INT, \"select\" STRING, \"a.b\" INT, "
           "\"q\"\"x\" INT)");
    run(w, "INSERT INTO raw.\"odd table\" VALUES (1, 'a', 2, 3), (2, 'b', 3, 4)");
    assert_string_equal(
        run(w,
            "UPDATE raw.\"odd table\" SET \"tarn file\" = \"tarn file\" + \"a.b\", \"select\" = "
            "raw.\"odd table\".\"select\" || '!', \"q\"\"x\" = 0 WHERE \"odd table\".\"a.b\" = 2"),
        "UPDATE 1");
    assert_string_equal(rows(w, "SELECT * FROM raw.\"odd table\" ORDER BY 1"),
                        "2|b|3|4\n3|a!|2|0\n");
    run(w, "CREATE TABLE raw.meta (id INT, _pos INT)");
    fails(w, "DELETE FROM raw.meta WHERE id = 1", TARN_UNSUPPORTED, "_pos");
    run(w, "CREATE TABLE raw.action (id INT, merge_action STRING)");
    run(w, "INSERT INTO raw.action VALUES (1, 'x')");
    assert_string_equal(rows(w,
                             "MERGE INTO raw.action AS a USING (SELECT 1 AS id) s ON a.id = s.id "
                             "WHEN MATCHED THEN UPDATE SET merge_action = 'y' RETURNING "
                             "merge_action(), a.merge_action"),
                        "UPDATE|y\n");
    fails(w,
          "MERGE INTO raw.action AS a USING (SELECT 1 AS rowid) s ON a.id = s.rowid WHEN MATCHED "
          "THEN DELETE",
          TARN_UNSUPPORTED, "rowid");
}

/* A row filter that holds the source's keys: 100 files, of which one is touched. */
static void merge_reads_what_keys_allow(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE TABLE raw.m (id BIGINT, s STRING) PARTITIONED BY (truncate(10, id))");
    run(w, "INSERT INTO raw.m SELECT i, 's' FROM range(300) r(i)");
    static const char *const sources[] = {
        "(SELECT 125 AS id)", "(SELECT i AS id FROM range(121, 124) r(i) UNION ALL SELECT NULL)"};
    for (size_t i = 0; i < 2; i++) {
        char sql[256];
        snprintf(sql, sizeof sql,
                 "MERGE INTO raw.m AS t USING %s AS s ON s.id = t.id WHEN MATCHED THEN UPDATE SET "
                 "s = 'u%zu' WHEN NOT MATCHED THEN INSERT (s) VALUES ('n')",
                 sources[i], i);
        run(w, sql);
        assert_true(tarn_session_skips(w->session).files >= 0);
    }
    assert_string_equal(rows(w, "SELECT s, count(*) FROM raw.m GROUP BY 1 ORDER BY 1"),
                        "n|1\ns|296\nu0|1\nu1|3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(storage_fails_merge_on_read, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(storage_fails_copy_on_write, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(storage_fails_deletion_vectors, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(storage_fails_lineage, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(transaction_survives_failures, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(covered_files_are_not_read, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(covered_is_never_too_much, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(all_types_survive, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(names_that_look_like_ours, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(merge_reads_what_keys_allow, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
