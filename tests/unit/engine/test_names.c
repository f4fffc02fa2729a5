/* Names with versions, times and parts; namespaces that are used; metadata tables. */
#include "engine_fixture.h"

#define T2024 "1704067200000000" /* 2024-01-01 */

static void versions(struct fixture *f)
{
    static const struct {
        const char *name;
        int id;
    } tables[] = {{"t", 1}, {"t@7", 7}, {"t@audit", 8}, {"t@" T2024, 9}, {"t/branch_b", 10}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        struct table *t = table_add(f, "raw", tables[i].name, "struct<id: long>");
        const char *sql = tarn_sprintf(&f->op, "SELECT %d::BIGINT AS id", tables[i].id).ptr;
        (void)table_insert(f, t, sql);
    }
}

static void test_versions(void **state)
{
    struct fixture *f = *state;
    versions(f);
    static const struct {
        const char *sql, *rows;
    } cases[] = {
        {"SELECT id FROM raw.t", "1\n"},
        {"SELECT id FROM raw.t VERSION AS OF 7", "7\n"},
        {"SELECT id FROM raw.t FOR VERSION AS OF 7", "7\n"},
        {"SELECT id FROM raw.t for system_version as of 'audit'", "8\n"},
        {"SELECT id FROM raw.t VERSION AS OF audit", "8\n"},
        {"SELECT id FROM raw.t AT (VERSION => 7)", "7\n"},
        {"SELECT id FROM raw.t AT (VERSION => 3 + 4)", "7\n"},
        {"SELECT x.id FROM raw.t AS x AT (VERSION => 'audit') WHERE x.id > 0", "8\n"},
        {"SELECT x.id FROM raw.t x AT (version=>7)", "7\n"},
        {"SELECT t.id FROM raw.t TIMESTAMP AS OF '2024-01-01'", "9\n"},
        {"SELECT t.id FROM raw.t TIMESTAMP AS OF '2024-01-01 01:00:00+01'", "9\n"},
        {"SELECT o.id FROM raw.t FOR SYSTEM_TIME AS OF TIMESTAMP '2024-01-01 00:00:00' o", "9\n"},
        {"SELECT id FROM raw.t TIMESTAMP AS OF DATE '2024-01-02' - INTERVAL 1 DAY", "9\n"},
        {"SELECT id FROM raw.t TIMESTAMP AS OF '2024-01-02'::DATE - INTERVAL '1' DAY", "9\n"},
        {"SELECT id FROM raw.t TIMESTAMP AS OF 1704067200", "9\n"},
        {"SELECT id FROM raw.t TIMESTAMP AS OF 1704067200.000", "9\n"},
        {"SELECT id FROM raw.t AT (TIMESTAMP => make_timestamp(2024, 1, 1, 0, 0, 0))", "9\n"},
        {"SELECT id FROM raw.t.branch_b", "10\n"},
        {"SELECT branch_b.id FROM iceberg.raw.t.branch_b", "10\n"},
        {"SELECT id FROM raw.\"t$branch_b\"", "10\n"},
        {"SELECT id FROM `raw`.`t`.`branch_b`", "10\n"},
        {"SELECT id FROM t.branch_b", "10\n"},
        {"SELECT `id` AS `a``\"b` FROM `iceberg`.`raw`.`t` AS `x y` VERSION AS OF 7", NULL},
        {"SELECT a.id, b.id, c.id, d.id FROM raw.t a, raw.t VERSION AS OF 7 b JOIN raw.t VERSION "
         "AS OF 'audit' AS c ON true, raw.t.branch_b d",
         "1|7|8|10\n"},
        {"SELECT count(*) FROM raw.t VERSION AS OF 7 x JOIN raw.t VERSION AS OF 7 y USING (id)",
         "1\n"},
        {"WITH c AS (SELECT id FROM raw.t VERSION AS OF 7) SELECT (SELECT max(id) FROM raw.t), id "
         "FROM c",
         "1|7\n"},
        {"SELECT id FROM (raw.t VERSION AS OF 7 JOIN (SELECT 2 AS z) ON true)", "7\n"},
        {"SELECT extract(year FROM DATE '2024-03-01'), 1 IS DISTINCT FROM 2, id FROM raw.t",
         "2024|true|1\n"},
        {"FROM raw.t VERSION AS OF 7 SELECT id", "7\n"},
        {"SELECT version AS of, timestamp FROM (SELECT 1 AS version, 2 AS timestamp)", "1|2\n"},
        {"SELECT \"at\".id FROM raw.t AS \"at\"", "1\n"},
        {"SELECT id FROM raw.t VERSION AS OF 7 -- VERSION AS OF 8\n/* AT */ ORDER BY 1;", "7\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *rows = "";
        if (!cases[i].rows) {
            fails(f, TARN_SQL, cases[i].sql); /* the alias stands before AS OF: not Spark's */
            continue;
        }
        enum tarn_status status = try_rows(f, cases[i].sql, &rows);
        if (status != TARN_OK)
            fprintf(stderr, "%s\n", cases[i].sql);
        ok(f, status);
        if (strcmp(rows, cases[i].rows) != 0) {
            fprintf(stderr, "%s\n%s", cases[i].sql, rows);
            fail();
        }
    }
    assert_string_equal(
        rows_of(f, "SELECT * FROM (DESCRIBE SELECT `id` AS `a``\"b` FROM `raw`.`t`)"),
        "a`\"b|BIGINT|YES|NULL|NULL|NULL\n");
}

static void test_version_errors(void **state)
{
    struct fixture *f = *state;
    versions(f);
    fails(f, TARN_TABLE, "SELECT id\nFROM raw.t VERSION AS OF 99");
    assert_int_equal(f->op.report.line, 2);
    assert_int_equal(f->op.report.column, 6);
    fails(f, TARN_TABLE, "SELECT id FROM raw.tt.branch_b");
    fails(f, TARN_SQL, "SELECT id\nFROM raw.t TIMESTAMP AS OF nosuch('x')");
    assert_int_equal(f->op.report.line, 2);
    assert_int_equal(f->op.report.column, 28);
    fails(f, TARN_SQL, "SELECT id FROM raw.t TIMESTAMP AS OF NULL");
    fails(f, TARN_DATA, "SELECT id FROM raw.t TIMESTAMP AS OF 'yesterday, sir'");
    fails(f, TARN_COLUMN, "SELECT id, `b`,\n idd FROM raw.t VERSION AS OF 7");
    assert_int_equal(f->op.report.line, strstr(f->op.report.message, "idd") ? 2 : 1);
    assert_int_equal(f->op.report.column, strstr(f->op.report.message, "idd") ? 2 : 12);
    fails(f, TARN_COLUMN,
          "SELECT x.idd FROM raw.t VERSION AS OF 7 x JOIN raw.t AT (VERSION => 'audit'"
          ") ON true");
    assert_int_equal(f->op.report.column, 8);
}

/* Texts that are cut anywhere, and with a byte exchanged, are told to be wrong or understood. */
static void test_broken_texts(void **state)
{
    struct fixture *f = *state;
    static const char *const texts[] = {
        "SELECT a.id FROM `iceberg`.raw.t.x VERSION AS OF '7' a, raw.t FOR SYSTEM_TIME AS OF "
        "DATE '2024-01-02' - INTERVAL 1 DAY b JOIN raw.t AS c AT (VERSION => f(1, (2))) USING (id)",
        "WITH c AS (SELECT CAST(x AS ARRAY<STRUCT<a: INT, `b`: MAP<STRING, DECIMAL(9, 2)>>>) FROM "
        "(t)"
        ") SELECT *, _pos, exists(array(1), x -> x > size([1])), aggregate([1], 0, (a, x) -> a), "
        "date_format(d, 'yyyy''T''MM'), named_struct('a', 1, 'b', array(2)), current_timestamp() "
        "FROM c LATERAL VIEW OUTER explode(l) v AS e -- x",
    };
    static const char junk[] = "(),.'\"`<>$*- ;\x80";
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t n = strlen(texts[i]);
        for (size_t cut = 0; cut <= n; cut++) {
            char *copy = malloc(n + 1); /* exact sizes, for the sanitizer */
            struct tarn_table_refs refs;
            assert_non_null(copy);
            memcpy(copy, texts[i], n);
            struct tarn_sql_text text = {.sql = tarn_str_of(copy, cut)};
            (void)!tarn_session_refs(f->session, &f->op, text, &refs);
            if (cut < n)
                copy[cut] = junk[cut % (sizeof junk - 1)];
            text.sql.len = n;
            (void)!tarn_session_refs(f->session, &f->op, text, &refs);
            free(copy);
        }
    }
}

static void test_refs(void **state)
{
    struct fixture *f = *state;
    struct tarn_table_refs refs;
    struct tarn_sql_text text =
        text_of("SELECT * FROM `raw`.`t` VERSION AS OF 7, raw.u.snapshots, raw.\"v$files\", a.b.c");
    ok(f, tarn_session_refs(f->session, &f->op, text, &refs));
    assert_int_equal(refs.count, 4);
    assert_true(tarn_str_is(refs.items[0].name, "t"));
    assert_int_equal(refs.items[0].offset, 14);
    assert_int_equal(refs.items[0].at, TARN_AT_VERSION);
    assert_true(tarn_str_is(refs.items[0].at_text, "7"));
    assert_true(tarn_str_is(refs.items[1].name, "u"));
    assert_true(tarn_str_is(refs.items[1].ns, "raw"));
    assert_null(refs.items[1].catalog.ptr);
    assert_true(tarn_str_is(refs.items[1].suffix, "snapshots"));
    assert_int_equal(refs.items[1].offset, strstr(text.sql.ptr, "raw.u") - text.sql.ptr);
    assert_true(tarn_str_is(refs.items[2].name, "v"));
    assert_true(tarn_str_is(refs.items[2].suffix, "files"));
    assert_true(tarn_str_is(refs.items[3].catalog, "a"));
    assert_true(tarn_str_is(refs.items[3].name, "c"));
}

static void test_explain_names_versions(void **state)
{
    struct fixture *f = *state;
    versions(f);
    const char *plan =
        rows_of(f, "EXPLAIN SELECT * FROM raw.t VERSION AS OF 7 t JOIN raw.t TIMESTAMP "
                   "AS OF '2024-01-01' u ON true WHERE t.id > 3");
    assert_non_null(strstr(plan, "raw.t VERSION AS OF 7: 1 of 1 file,"));
    assert_non_null(strstr(plan, "raw.t TIMESTAMP AS OF 2024-01-01"));
    assert_true(tarn_str_is(f->tables[1].last_filter, "id > 3") ||
                tarn_str_is(f->tables[3].last_filter, "id > 3"));
}

static void test_used_namespace(void **state)
{
    struct fixture *f = *state;
    versions(f);
    struct table *other = table_add(f, "aaa", "t", "struct<id: long>");
    (void)table_insert(f, other, "SELECT 100::BIGINT AS id");
    table_view(f, "aaa", "v", "SELECT t.id + 1 AS id FROM t");
    f->tables[f->count - 1].view_ns = "raw";
    ok(f, tarn_session_set_namespace(f->session, &f->op, TARN_STR("aaa")));
    assert_string_equal(rows_of(f, "SELECT t.id FROM t"), "100\n");
    assert_string_equal(rows_of(f, "SELECT t.id, r.id, v.id FROM t, raw.t r, v"), "100|1|2\n");
    ok(f, tarn_session_set_namespace(f->session, &f->op, TARN_STR("raw")));
    assert_string_equal(rows_of(f, "SELECT t.id FROM t"), "1\n");
    assert_string_equal(rows_of(f, "SELECT t.id FROM t VERSION AS OF 7"), "7\n");
    assert_string_equal(rows_of(f, "SELECT id FROM t.branch_b"), "10\n");
    assert_string_equal(rows_of(f, "WITH t AS (SELECT 5 AS id) SELECT id FROM t"), "5\n");
    ok(f, tarn_session_exec(f->session, &f->op,
                            TARN_STR("CREATE TEMP TABLE tmp AS SELECT id FROM t")));
    assert_string_equal(rows_of(f, "SELECT id FROM tmp"), "1\n");
    ok(f, tarn_session_set_namespace(f->session, &f->op, (struct tarn_str){NULL, 0}));
    fails(f, TARN_TABLE, "SELECT id FROM nowhere.t");
}

/* ---- metadata tables */

struct numbers {
    struct tarn_producer producer;
    struct tarn_column columns[2];
    int64_t values[3];
    uint32_t offsets[4];
    int calls;
};

static enum tarn_status next_numbers(struct tarn_producer *p, struct tarn_op *op, int worker,
                                     struct tarn_batch *out)
{
    struct numbers *n = (struct numbers *)p;
    (void)op;
    (void)worker;
    *out = (struct tarn_batch){0};
    if (n->calls++ == 0)
        *out = (struct tarn_batch){.rows = 3, .columns = n->columns, .column_count = 2};
    return TARN_OK;
}

static void test_metadata_tables(void **state)
{
    struct fixture *f = *state;
    versions(f);
    struct table *t =
        table_add(f, "raw", "t/snapshots", "struct<snapshot_id: long, operation: string>");
    struct numbers n = {
        .producer = {.schema = &t->schema.root,
                     .workers_max = 1,
                     .rows_estimate = -1,
                     .next = next_numbers},
        .values = {3, 1, 2},
        .offsets = {0, 1, 2, 3},
    };
    n.columns[0] =
        (struct tarn_column){.type = &t->schema.root.fields[0].type, .length = 3, .data = n.values};
    n.columns[1] = (struct tarn_column){.type = &t->schema.root.fields[1].type,
                                        .length = 3,
                                        .offsets = n.offsets,
                                        .bytes = (char *)(uintptr_t) "abc"};
    t->rows = &n.producer;
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t.snapshots"), "3|a\n1|b\n2|c\n");
    n.calls = 0;
    assert_string_equal(rows_of(f, "SELECT s.operation, t.id FROM iceberg.raw.t.snapshots s JOIN "
                                   "raw.t ON t.id = s.snapshot_id"),
                        "b|1\n");
    n.calls = 0;
    assert_string_equal(
        rows_of(f, "SELECT count(*) FROM raw.\"t$snapshots\" WHERE snapshot_id > 1"), "2\n");
    struct tarn_type type;
    n.calls = 0;
    ok(f, tarn_session_describe(f->session, &f->op, text_of("FROM raw.t.snapshots"), &type));
    assert_int_equal(type.field_count, 2);
    assert_int_equal(n.calls, 0);
    int64_t rows;
    ok(f, tarn_session_into(f->session, &f->op, text_of("FROM raw.t.snapshots"), TARN_STR("x"),
                            &rows));
    assert_int_equal(rows, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_versions),
        TEST(test_version_errors),
        TEST(test_broken_texts),
        TEST(test_refs),
        TEST(test_explain_names_versions),
        TEST(test_used_namespace),
        TEST(test_metadata_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
