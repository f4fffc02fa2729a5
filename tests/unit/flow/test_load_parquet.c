/* Loads of Parquet files, which the engine reads: types that differ between files and table, and
 * the ledger beside them. */
#include "flow_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct tarn_load parquet_load(struct flow_world *w)
{
    static const struct tarn_str globs[] = {{"**/*.parquet", 12}};
    struct tarn_load load = flow_load(w);
    load.parquet = true;
    load.globs = globs;
    return load;
}

/* Writes a query's rows as data/<name>. */
static void put(struct flow_world *w, const char *name, const char *rows)
{
    static time_t written = 1700000000;
    written++;
    struct tarn_str path = tarn_sprintf(&w->op, "%s/data/%s", w->folder, name);
    struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
    (void)!mkdir(flow_path(w, "data").ptr, 0777);
    (void)!unlink(path.ptr);
    struct tarn_buf sql;
    tarn_buf_init(&sql, 1 << 16);
    tarn_buf_printf(&sql, "COPY (%s) TO ", rows);
    tarn_buf_sql_text(&sql, path);
    tarn_buf_z(&sql, " (FORMAT parquet)");
    flow_exec(w, tarn_buf_view(&sql).ptr);
    tarn_buf_release(&sql);
    assert_int_equal(utimensat(AT_FDCWD, path.ptr, times, 0), 0);
}

static struct tarn_loaded load_ok(struct flow_world *w)
{
    struct tarn_load load = parquet_load(w);
    struct tarn_loaded out;
    flow_ok(w, flow_run(w, &load, &out));
    return out;
}

static void files_and_ledger(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT range AS id FROM range(3)");
    put(w, "it's b.parquet", "SELECT 10 + range AS id FROM range(2)");
    struct tarn_loaded out = load_ok(w);
    assert_int_equal(out.rows, 5);
    assert_string_equal(
        flow_rows(w, "SELECT path, rows, dead_letters FROM raw.t__files ORDER BY 1"),
        "a.parquet|3|0\nit's b.parquet|2|0\n");
    assert_string_equal(
        flow_rows(w, "SELECT id, _source_file, _source_offset FROM raw.t ORDER BY id"),
        "0|a.parquet|0\n1|a.parquet|1\n2|a.parquet|2\n10|it's b.parquet|0\n11|it's b.parquet|1\n");
    assert_false(load_ok(w).committed);
    put(w, "a.parquet", "SELECT 7::BIGINT AS id");
    out = load_ok(w);
    assert_int_equal(out.rows_replaced, 3);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "7\n10\n11\n");
    assert_string_equal(flow_rows(w, "SELECT rows FROM raw.t__files ORDER BY path"), "1\n2\n");
}

/* Names that the engine would take for patterns. */
static void names_with_brackets(void **state)
{
    struct flow_world *w = *state;
    put(w, "a1.parquet", "SELECT 1 AS id");
    put(w, "a[1].parquet", "SELECT 2 AS id");
    put(w, "a*.parquet", "SELECT 3 AS id");
    put(w, "a?.parquet", "SELECT 4 AS id");
    assert_int_equal(load_ok(w).rows, 4);
    assert_string_equal(flow_rows(w, "SELECT id, _source_file, rows FROM raw.t JOIN raw.t__files "
                                     "ON path = _source_file ORDER BY 1"),
                        "1|a1.parquet|1\n2|a[1].parquet|1\n3|a*.parquet|1\n4|a?.parquet|1\n");
}

static void columns_differ_between_files(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT 1::INTEGER AS id, 'x' AS a");
    put(w, "b.parquet", "SELECT 2::BIGINT AS id, DATE '2024-02-29' AS b");
    load_ok(w);
    assert_string_equal(flow_rows(w, "SELECT id, a, b FROM raw.t ORDER BY 1"),
                        "1|x|NULL\n2|NULL|2024-02-29\n");
    put(w, "c.parquet", "SELECT 3::SMALLINT AS id, {'n': 1} AS s");
    load_ok(w);
    assert_string_equal(flow_rows(w, "SELECT id, s FROM raw.t ORDER BY 1"),
                        "1|NULL\n2|NULL\n3|{n: 1}\n");
}

/* The column's name is one of ours: the document's own is kept beside it. */
static void names_of_our_own(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT 1 AS id, 'when' AS ingest_ts, 'mine' AS _source_file");
    load_ok(w);
    assert_string_equal(flow_rows(w, "SELECT id, doc_ingest_ts, doc__source_file, _source_file, "
                                     "typeof(ingest_ts) FROM raw.t"),
                        "1|when|mine|a.parquet|TIMESTAMP WITH TIME ZONE\n");
}

/* table's type and value, file's type and value, the two rows afterwards; NULL: refused */
static const struct {
    const char *before, *after, *rows, *type;
} MEETINGS[] = {
    {"1::INTEGER", "9000000000::BIGINT", "1\n9000000000\n", "BIGINT"},
    {"9000000000::BIGINT", "1::INTEGER", "9000000000\n1\n", "BIGINT"},
    {"1.5::FLOAT", "0.1::DOUBLE", "1.5\n0.1\n", "DOUBLE"},
    {"0.1::DOUBLE", "1.5::FLOAT", "0.1\n1.5\n", "DOUBLE"},
    {"7::BIGINT", "1.5::DOUBLE", "7.0\n1.5\n", "DOUBLE"},
    {"9007199254740993::BIGINT", "1.5::DOUBLE", NULL, "BIGINT"}, /* its digits would be lost */
    {"1.5::DOUBLE", "7::BIGINT", NULL, "DOUBLE"},
    {"1.5::DOUBLE", "7::INTEGER", "1.5\n7.0\n", "DOUBLE"},
    {"1.25::DECIMAL(9,2)", "1.125::DECIMAL(9,3)", "1.250\n1.125\n", "DECIMAL(10,3)"},
    {"12345678901234567.89::DECIMAL(19,2)", "0.1234::DECIMAL(6,4)",
     "12345678901234567.8900\n0.1234\n", "DECIMAL(21,4)"},
    {"1.25::DECIMAL(9,2)", "9000000000::BIGINT", "1.25\n9000000000.00\n", "DECIMAL(21,2)"},
    {"9000000000::BIGINT", "1.25::DECIMAL(9,2)", "9000000000.00\n1.25\n", "DECIMAL(21,2)"},
    {"1e20::DECIMAL(38,0)", "0.5::DECIMAL(38,37)", NULL, "DECIMAL(38,0)"},
    {"7::BIGINT", "'x'", "7\nx\n", "VARCHAR"},
    {"'007'", "8::BIGINT", NULL, "VARCHAR"}, /* never narrowed */
    {"true", "'x'", "true\nx\n", "VARCHAR"},
    {"true", "1::BIGINT", NULL, "BOOLEAN"},
    {"DATE '2024-02-29'", "TIMESTAMP '2024-03-01 12:00:00'",
     "2024-02-29 00:00:00\n2024-03-01 12:00:00\n", "TIMESTAMP"},
    {"TIMESTAMP '2024-03-01 12:00:00'", "DATE '2024-02-29'",
     "2024-03-01 12:00:00\n2024-02-29 00:00:00\n", "TIMESTAMP"},
    {"{'x': 1}", "'x'", "{\"x\":1}\nx\n", "VARCHAR"},
    {"{'x': 1::BIGINT}", "{'x': 'y', 'z': 2}", "{x: 1, z: NULL}\n{x: y, z: 2}\n",
     "STRUCT(x VARCHAR, z INTEGER)"},
    {"[1::BIGINT]", "['a']", "[1]\n[a]\n", "VARCHAR[]"},
    {"[1::BIGINT]", "{'x': 1}", NULL, "BIGINT[]"},
};

static void types_meet(void **state)
{
    struct flow_world *w = *state;
    for (size_t i = 0; i < sizeof MEETINGS / sizeof *MEETINGS; i++) {
        struct tarn_load load = parquet_load(w);
        struct tarn_loaded out;
        struct tarn_str ledger = TARN_STR("raw.t__files");
        put(w, "a.parquet",
            tarn_sprintf(&w->op, "SELECT 1 AS id, %s AS v", MEETINGS[i].before).ptr);
        flow_ok(w, flow_run(w, &load, &out));
        put(w, "b.parquet", tarn_sprintf(&w->op, "SELECT 2 AS id, %s AS v", MEETINGS[i].after).ptr);
        enum tarn_status status = flow_run(w, &load, &out);
        if ((status == TARN_OK) != (MEETINGS[i].rows != NULL))
            print_error("%s then %s: %s: %s\n", MEETINGS[i].before, MEETINGS[i].after,
                        tarn_status_info(status)->name, w->op.report.message);
        assert_int_equal(status == TARN_OK, MEETINGS[i].rows != NULL);
        tarn_clear(&w->op);
        assert_string_equal(flow_rows(w, "SELECT DISTINCT typeof(v) FROM raw.t"),
                            tarn_sprintf(&w->op, "%s\n", MEETINGS[i].type).ptr);
        if (MEETINGS[i].rows)
            assert_string_equal(flow_rows(w, "SELECT v FROM raw.t ORDER BY id"), MEETINGS[i].rows);
        else
            assert_string_equal(flow_rows(w, "SELECT id FROM raw.t"), "1\n");
        flow_drop(w, "raw.t");
        flow_drop(w, ledger.ptr);
        flow_remove_file(w, "data/b.parquet");
    }
}

static void a_conflict_that_may_not_be_rewritten(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = parquet_load(w);
    struct tarn_loaded out;
    put(w, "a.parquet", "SELECT 1 AS id, 7::BIGINT AS v");
    load_ok(w);
    put(w, "b.parquet", "SELECT 2 AS id, 'x' AS v");
    load.conflicts_set_aside = true;
    flow_fails(w, flow_run(w, &load, &out), TARN_SCHEMA, "replaces v: long -> string");
    load.conflicts_set_aside = false;
    load.rewrite_bytes_max = 1;
    flow_fails(w, flow_run(w, &load, &out), TARN_SCHEMA, "replaces v: long -> string");
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t"), "1|7\n");
}

static void a_broken_file(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT 1 AS id");
    load_ok(w);
    flow_put(w, "data/b.parquet", "PAR1 this is none PAR1");
    put(w, "c.parquet", "SELECT 3 AS id");
    struct tarn_load load = parquet_load(w);
    struct tarn_loaded out;
    size_t files = flow_count_files(w, "warehouse");
    enum tarn_status status = flow_run(w, &load, &out);
    assert_true(status == TARN_CORRUPT || status == TARN_DATA);
    flow_fails(w, status, status, "b.parquet");
    assert_int_equal(flow_count_files(w, "warehouse"), files);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t"), "1\n");
}

static void a_name_in_two_cases(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT 1 AS id, 2 AS v");
    put(w, "b.parquet", "SELECT 3 AS ID, 4 AS V");
    load_ok(w); /* the engine's names have no case: the columns are the same */
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|2\n3|4\n");
}

static void a_file_without_rows(void **state)
{
    struct flow_world *w = *state;
    put(w, "a.parquet", "SELECT 1 AS id WHERE false");
    struct tarn_loaded out = load_ok(w);
    assert_true(out.committed);
    assert_int_equal(out.rows, 0);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.t"), "0\n");
    assert_false(load_ok(w).committed);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        T(files_and_ledger), T(names_with_brackets), T(columns_differ_between_files),
        T(names_of_our_own), T(types_meet),          T(a_conflict_that_may_not_be_rewritten),
        T(a_broken_file),    T(a_name_in_two_cases), T(a_file_without_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
