/* Random INSERT, UPDATE, DELETE and MERGE over a table and over a plain one of the engine: both must
 * hold the same rows after each. In tables of version 3 a row keeps its id while it lives, and the
 * number of its last update while it does not change. */
#include "sql_fixture.h"

#define COLUMNS "u, k, g, x, s, st"
#define ENGINE  "temp.main.ref"

struct random {
    uint64_t state;
};

static unsigned pick(struct random *r, unsigned n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(r->state >> 33) % n;
}

static void exec(struct sql_world *w, const char *sql)
{
    enum tarn_status status;
    tarn_clear(&w->op);
    status = tarn_session_exec(w->session, &w->op, tarn_str_view(sql));
    if (status != TARN_OK)
        print_error("%s\n", sql);
    sql_ok(w, status);
}

static int64_t number(struct sql_world *w, const char *sql)
{
    int64_t n;
    tarn_clear(&w->op);
    sql_ok(w, tarn_session_int(w->session, &w->op, tarn_str_view(sql), &n));
    return n;
}

static const char *format(struct sql_world *w, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&text, fmt, ap);
    va_end(ap);
    assert_true(n >= 0);
    struct tarn_str copy = tarn_strdup(&w->op, tarn_str_view(text));
    free(text);
    assert_non_null(copy.ptr);
    return copy.ptr;
}

/* '@' in a statement is the table. */
static const char *over(struct sql_world *w, const char *sql, const char *table)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 20);
    for (; *sql; sql++)
        if (*sql == '@')
            tarn_buf_z(&b, table);
        else
            tarn_buf_put(&b, *sql);
    assert_int_equal(tarn_buf_take(&w->op, &b, "a statement", &out), TARN_OK);
    return out.ptr;
}

/* temp.main.gen: rows that are new, and some that have keys of old ones; k is unique in it. */
static void make_source(struct sql_world *w, struct random *r, int *next)
{
    unsigned n = 1 + pick(r, 30), from = pick(r, 60), step = 1 + pick(r, 3);
    exec(w, format(w,
                   "CREATE OR REPLACE TEMP TABLE gen AS SELECT (%d + i)::BIGINT AS u, "
                   "(CASE WHEN i %% 11 = 10 THEN NULL ELSE %u + i * %u END)::BIGINT AS k, "
                   "substr('abcd', 1 + ((i + %u) %% 4)::INT, 1) AS g, (i * 1.25)::DOUBLE AS x, "
                   "CASE WHEN i %% 3 = 0 THEN NULL ELSE 's' || i END AS s, "
                   "CASE WHEN i %% 5 = 0 THEN NULL ELSE {'a': i::INT, 'b': 'b' || i} END AS st "
                   "FROM range(%u) AS r(i)",
                   *next, from, step, pick(r, 4), n));
    *next += (int)n;
}

static const char *condition(struct sql_world *w, struct random *r)
{
    switch (pick(r, 7)) {
    case 0:
        return format(w, "t.k %% %u = %u", 2 + pick(r, 4), pick(r, 3));
    case 1:
        return format(w, "t.g = '%c'", "abcde"[pick(r, 5)]);
    case 2:
        return format(w, "t.u IN (SELECT u FROM temp.main.gen) OR t.x > %u", 10 + pick(r, 30));
    case 3:
        return format(w, "t.s IS NULL AND t.k < %u", pick(r, 60));
    case 4:
        return format(w, "t.k BETWEEN %u AND %u", pick(r, 30), 30 + pick(r, 30));
    case 5:
        return format(w, "t.st.a > %u", pick(r, 20));
    default:
        return format(w, "EXISTS (SELECT * FROM temp.main.gen AS z WHERE z.k = t.k + %u)",
                      pick(r, 5));
    }
}

static const char *set_list(struct sql_world *w, struct random *r)
{
    switch (pick(r, 5)) {
    case 0:
        return format(w, "x = t.x + %u", pick(r, 9));
    case 1:
        return format(w, "g = '%c', s = NULL", "abcd"[pick(r, 4)]);
    case 2:
        return format(w, "k = t.k + %u, s = t.g || coalesce(t.s, '-')", pick(r, 3));
    case 3:
        return "st = {'a': coalesce(t.st.a, 0) + 1, 'b': t.s}";
    default:
        return "k = (SELECT max(k) FROM temp.main.gen), x = 0";
    }
}

static const char *merge(struct sql_world *w, struct random *r)
{
    struct tarn_buf b;
    struct tarn_str out;
    unsigned kinds = 1 + pick(r, 7);
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "MERGE INTO @ AS t USING temp.main.gen AS s ON t.k = s.k");
    if (pick(r, 3) == 0)
        tarn_buf_printf(&b, " AND t.g <> '%c'", "abcd"[pick(r, 4)]);
    if (kinds & 1 && pick(r, 2))
        tarn_buf_printf(&b, " WHEN MATCHED AND t.x > %u THEN DELETE", pick(r, 20));
    if (kinds & 1 && pick(r, 4) == 0)
        tarn_buf_printf(&b, " WHEN MATCHED AND t.x < %u THEN DO NOTHING", pick(r, 10));
    if (kinds & 1)
        tarn_buf_z(&b, pick(r, 2) ? " WHEN MATCHED THEN UPDATE SET x = t.x + s.x, s = s.s"
                                  : " WHEN MATCHED THEN UPDATE SET g = s.g, st = s.st");
    if (kinds & 2 && pick(r, 2))
        tarn_buf_z(&b,
                   " WHEN NOT MATCHED AND s.x > 5 THEN INSERT (u, k, s) VALUES (s.u, s.k, 'n')");
    if (kinds & 2)
        tarn_buf_z(&b, " WHEN NOT MATCHED THEN INSERT (" COLUMNS
                       ") VALUES (s.u, s.k, s.g, s.x, s.s, s.st)");
    if (kinds & 4)
        tarn_buf_printf(&b,
                        pick(r, 2) ? " WHEN NOT MATCHED BY SOURCE AND t.x > %u THEN DELETE"
                                   : " WHEN NOT MATCHED BY SOURCE AND t.x < %u THEN UPDATE SET "
                                     "x = t.x + 100, s = t.g",
                        10 + pick(r, 100));
    assert_int_equal(tarn_buf_take(&w->op, &b, "a statement", &out), TARN_OK);
    return out.ptr;
}

/* A statement with '@' for the table. */
static const char *statement(struct sql_world *w, struct random *r)
{
    switch (pick(r, 12)) {
    case 0:
    case 1:
    case 2:
        return "INSERT INTO @ (" COLUMNS ") SELECT " COLUMNS " FROM temp.main.gen";
    case 3:
        return format(w, "DELETE FROM @ AS t WHERE %s AND t.u %% 3 <> 0", condition(w, r));
    case 4:
        return pick(r, 8) ? format(w, "DELETE FROM @ AS t WHERE t.g = '%c'", "abcd"[pick(r, 4)])
                          : "DELETE FROM @";
    case 5:
        return "DELETE FROM @ AS t USING temp.main.gen AS s WHERE t.k = s.k AND s.x > 6";
    case 6:
    case 7:
        return format(w, "UPDATE @ AS t SET %s WHERE %s", set_list(w, r), condition(w, r));
    case 8:
        return "UPDATE @ AS t SET x = s.x, s = s.s || '!' FROM temp.main.gen AS s WHERE t.k = s.k";
    default:
        return merge(w, r);
    }
}

static void compare(struct sql_world *w, const char *sql)
{
    static const char *const queries[] = {"SELECT count(*) FROM (SELECT " COLUMNS
                                          " FROM raw.t EXCEPT ALL SELECT " COLUMNS " FROM " ENGINE
                                          ")",
                                          "SELECT count(*) FROM (SELECT " COLUMNS " FROM " ENGINE
                                          " EXCEPT ALL SELECT " COLUMNS " FROM raw.t)"};
    for (int i = 0; i < 2; i++) {
        int64_t n = number(w, queries[i]);
        if (n)
            print_error("%lld rows differ after %s\n", (long long)n, sql);
        assert_int_equal(n, 0);
    }
}

/* before: temp.main.before (u, rid, seq, row), as of before the statement; now raw.t. */
static void check_lineage(struct sql_world *w, const char *sql)
{
    static const char *const queries[] = {
        "SELECT count(*) - count(DISTINCT _row_id) FROM raw.t",
        "SELECT count(*) FROM raw.t AS t JOIN temp.main.before AS b ON t.u = b.u WHERE "
        "t._row_id <> b.rid",
        "SELECT count(*) FROM raw.t AS t JOIN temp.main.before AS b ON t.u = b.u WHERE "
        "t._last_updated_sequence_number < b.seq",
        /* a row that differs was updated */
        "SELECT count(*) FROM raw.t AS t JOIN temp.main.before AS b ON t.u = b.u WHERE "
        "t._last_updated_sequence_number = b.seq AND "
        "{'k': t.k, 'g': t.g, 'x': t.x, 's': t.s, 'st': t.st} IS DISTINCT FROM b.r"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        int64_t n = number(w, queries[i]);
        if (n)
            print_error("lineage %zu: %lld rows after %s\n", i, (long long)n, sql);
        assert_int_equal(n, 0);
    }
}

static void remember(struct sql_world *w)
{
    exec(w, "CREATE OR REPLACE TEMP TABLE before AS SELECT u, _row_id AS rid, "
            "_last_updated_sequence_number AS seq, {'k': k, 'g': g, 'x': x, 's': s, 'st': st} AS r "
            "FROM raw.t");
}

static void play(struct sql_world *w, uint64_t seed, int version, const char *mode,
                 const char *partition)
{
    struct random r = {seed};
    int next = 1;
    run(w,
        format(w,
               "CREATE OR REPLACE TABLE raw.t (u BIGINT, k BIGINT, g STRING, x DOUBLE, s STRING, "
               "st STRUCT<a: INT, b: STRING>) %s TBLPROPERTIES ('format-version'='%d', "
               "'write.delete.mode'='%s', 'write.update.mode'='%s', 'write.merge.mode'='%s')",
               partition, version, mode, mode, mode));
    exec(w, "CREATE OR REPLACE TEMP TABLE ref (u BIGINT, k BIGINT, g VARCHAR, x DOUBLE, s VARCHAR, "
            "st STRUCT(a INTEGER, b VARCHAR))");
    for (int i = 0; i < 20; i++) {
        make_source(w, &r, &next);
        const char *sql = statement(w, &r);
        if (version == 3)
            remember(w);
        run(w, over(w, sql, "raw.t"));
        exec(w, over(w, sql, ENGINE));
        compare(w, sql);
        if (version == 3)
            check_lineage(w, sql);
    }
}

static void plays(struct sql_world *w, int version, const char *mode)
{
    play(w, 1, version, mode, "");
    play(w, 2, version, mode, "PARTITIONED BY (g)");
    play(w, 3, version, mode, "PARTITIONED BY (bucket(4, k), g)");
}

static void second_version_merge_on_read(void **state)
{
    plays(*state, 2, "merge-on-read");
}

static void second_version_copy_on_write(void **state)
{
    plays(*state, 2, "copy-on-write");
}

static void third_version_merge_on_read(void **state)
{
    plays(*state, 3, "merge-on-read");
}

static void third_version_copy_on_write(void **state)
{
    plays(*state, 3, "copy-on-write");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(second_version_merge_on_read, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(second_version_copy_on_write, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(third_version_merge_on_read, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(third_version_copy_on_write, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
