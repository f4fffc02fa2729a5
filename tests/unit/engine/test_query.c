/* Statements: names, views, catalogs, errors and their places, cancelling. */
#include "engine_fixture.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/arena.h"

static void people(struct fixture *f)
{
    struct table *t =
        table_add(f, "raw", "people", "struct<id: long, name: string, amount: decimal(9,2)>");
    table_insert(f, t,
                 "SELECT * FROM (VALUES (1::BIGINT, 'ann', 1.50::decimal(9,2)), (2, 'bob', NULL), "
                 "(3, 'cid', 7)) v(id, name, amount)");
    struct table *o = table_add(f, "silver", "people", "struct<id: long, name: string>");
    table_insert(f, o, "SELECT 1::BIGINT id, 'ANN' \"name\"");
    table_view(f, "gold", "totals",
               "SELECT name, sum(amount) AS total FROM iceberg.raw.people GROUP BY name;");
}

static void test_names(void **state)
{
    struct fixture *f = *state;
    people(f);
    assert_string_equal(rows_of(f, "SELECT name FROM raw.people ORDER BY id"), "ann\nbob\ncid\n");
    assert_string_equal(rows_of(f, "SELECT iceberg.raw.people.name FROM iceberg.raw.people WHERE "
                                   "iceberg.raw.people.id = 2"),
                        "bob\n");
    assert_string_equal(rows_of(f, "SELECT raw.people.name, silver.people.name FROM raw.people "
                                   "JOIN silver.people USING (id)"),
                        "ann|ANN\n");
    assert_string_equal(rows_of(f, "FROM RAW.People SELECT count(*)"), "3\n");
    assert_string_equal(rows_of(f, "WITH people AS (SELECT 9 AS x) SELECT * FROM people"), "9\n");
    assert_string_equal(
        rows_of(
            f,
            "WITH p AS (SELECT * FROM raw.people), q AS (SELECT * FROM p) SELECT count(*) FROM q"),
        "3\n");
    assert_string_equal(
        rows_of(f, "SELECT (SELECT max(id) FROM silver.people), count(*) FROM raw.people"),
        "1|3\n");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM query_table('raw.people')"), "3\n");
    assert_string_equal(rows_of(f, "SELECT * FROM gold.totals ORDER BY name"),
                        "ann|1.50\nbob|NULL\ncid|7.00\n");
    assert_string_equal(rows_of(f, "SELECT name FROM people WHERE id = 1"), "ann\n");
    assert_string_equal(rows_of(f, "SELECT column_name, column_type FROM (DESCRIBE raw.people)"),
                        "id|BIGINT\nname|VARCHAR\namount|DECIMAL(9,2)\n");
    assert_string_equal(rows_of(f, "SHOW TABLES"), "gold|totals\nraw|people\nsilver|people\n");
    assert_string_equal(rows_of(f, "SHOW TABLES FROM raw"), "raw|people\n");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.people WHERE false"), "");
    assert_string_equal(
        rows_of(
            f, "SELECT 'raw.people -- ' || count(*) /* iceberg.raw.people */ FROM raw.people -- x"),
        "raw.people -- 3\n");
    assert_non_null(strstr(rows_of(f, "SUMMARIZE raw.people"), "amount"));
    assert_string_equal(rows_of(f, "SELECT l.name FROM silver.people s, LATERAL (SELECT name FROM "
                                   "raw.people p WHERE p.id = s.id) l"),
                        "ann\n");
    assert_string_equal(
        rows_of(f,
                "PIVOT (SELECT name, id FROM raw.people) ON name IN ('ann', 'bob') USING sum(id)"),
        "1|2\n");
}

static void test_name_means_what_the_catalog_says_now(void **state)
{
    struct fixture *f = *state;
    people(f);
    assert_string_equal(rows_of(f, "SELECT count(*) FROM people"), "3\n");
    f->tables[0].name = "gone";
    f->tables[1].name = "gone";
    fails(f, TARN_TABLE, "SELECT count(*) FROM people");
    fails(f, TARN_TABLE, "SELECT count(*) FROM raw.people");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.gone"), "3\n");
    tarn_session_forget_views(f->session);
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.gone"), "3\n");
}

/* Each session has a catalog of its own behind the one name. */
static void test_second_session(void **state)
{
    struct fixture *f = *state;
    people(f);
    struct tarn_session *first = f->session;
    assert_string_equal(rows_of(f, "SELECT count(*) FROM iceberg.raw.people"), "3\n");
    ok(f, tarn_session_open(f->engine, &f->op, &f->resolver, &f->session));
    assert_string_equal(rows_of(f, "SELECT count(iceberg.raw.people.id) FROM \"iceberg\" . "
                                   "raw.people WHERE ICEBERG.raw.people.id >= 2"),
                        "2\n");
    fails(f, TARN_COLUMN, "SELECT iceberg.raw.people.id, nam FROM iceberg.raw.people");
    assert_int_equal(f->op.report.column, 31);
    assert_null(strstr(f->op.report.message, "#"));
    fails(f, TARN_TABLE, "SELECT * FROM iceberg.raw.nothing");
    tarn_session_close(f->session);
    f->session = first;
    assert_string_equal(rows_of(f, "SELECT count(*) FROM iceberg.raw.people"), "3\n");
}

static void test_places(void **state)
{
    struct fixture *f = *state;
    people(f);
    struct tarn_report *r = &f->op.report;
    fails(f, TARN_COLUMN, "SELECT id,\n  'größe', amout\nFROM raw.people");
    assert_string_equal(r->message, "column \"amout\" not found");
    assert_string_equal(r->hint, "did you mean \"amount\"?");
    assert_string_equal(r->file, "model.sql");
    assert_int_equal(r->line, 2);
    assert_int_equal(r->column, 12);
    assert_string_equal(r->source_line, "  'größe', amout");
    fails(f, TARN_COLUMN, "SELECT p.amout FROM raw.people p");
    assert_string_equal(r->message, "column \"amout\" not found in \"p\"");
    assert_string_equal(r->hint, "did you mean \"amount\"?");
    fails(f, TARN_TABLE, "SELECT 1,\n2 FROM raw.peple");
    assert_string_equal(r->message, "table \"raw.peple\" not found");
    assert_string_equal(r->hint, "did you mean \"raw.people\"?");
    assert_int_equal(r->line, 2);
    assert_int_equal(r->column, 8);
    fails(f, TARN_TABLE, "SELECT * FROM peple");
    assert_string_equal(r->hint, "did you mean \"raw.people\"?");
    fails(f, TARN_SQL, "SELECT flor(1.5)");
    assert_string_equal(r->message, "scalar function \"flor\" not found");
    assert_string_equal(r->hint, "did you mean \"floor\"?");
    fails(f, TARN_SQL, "SELECT 1 +\n\n FROM x");
    assert_int_equal(r->line, 3);
    fails(f, TARN_DATA, "SELECT CAST(name AS INTEGER) FROM raw.people");
    fails(f, TARN_DATA, "SELECT 9223372036854775807 + id FROM raw.people");
    fails(f, TARN_UNSUPPORTED, "DELETE FROM raw.people");
    assert_string_equal(r->message, "DELETE is not in this version");
    fails(f, TARN_UNSUPPORTED, "/* x */ insert into raw.people values (1)");
    assert_string_equal(r->message, "INSERT is not in this version");
    fails(f, TARN_SQL, "SELECT 1; SELECT 2");
    fails(f, TARN_SQL, "");
    fails(f, TARN_UNSUPPORTED, "SELECT $1");
    fails(f, TARN_TABLE, "SELECT * FROM raw.people AT (VERSION => 3)");
    fails(f, TARN_SQL, "SELECT \xff");
    fails(f, TARN_SQL, "SELECT 1e400");
    assert_string_equal(rows_of(f, "SELECT 1"), "1\n");
}

static void test_place_in_a_file(void **state)
{
    struct fixture *f = *state;
    struct tarn_result *r;
    people(f);
    struct tarn_sql_text text = {.sql = TARN_STR("SELECT amout\nFROM raw.people"),
                                 .file = "models/x.sql",
                                 .line0 = 3,
                                 .whole = TARN_STR("/* tarn\n*/\nSELECT amout\nFROM raw.people")};
    assert_int_equal(tarn_session_query(f->session, &f->op, text, &r), TARN_COLUMN);
    assert_int_equal(f->op.report.line, 3);
    assert_int_equal(f->op.report.column, 8);
    assert_string_equal(f->op.report.source_line, "SELECT amout");
    struct tarn_type type;
    assert_int_equal(tarn_session_describe(f->session, &f->op, text, &type), TARN_COLUMN);
    text.whole = (struct tarn_str){NULL, 0};
    assert_int_equal(tarn_session_describe(f->session, &f->op, text, &type), TARN_COLUMN);
    assert_int_equal(f->op.report.line, 3);
    assert_string_equal(f->op.report.source_line, "SELECT amout");
}

static void test_views_that_fail(void **state)
{
    struct fixture *f = *state;
    table_view(f, "a", "x", "SELECT * FROM a.y");
    table_view(f, "a", "y", "SELECT * FROM a.x");
    table_view(f, "a", "z", "SELECT nothing FROM range(3)");
    fails(f, TARN_MODEL, "SELECT * FROM a.x");
    assert_string_equal(f->op.report.message, "view \"a.x\" reads itself");
    fails(f, TARN_COLUMN, "SELECT * FROM a.z");
    assert_int_equal(f->op.report.frame_count, 1);
    assert_string_equal(f->op.report.frames[0], "opening a.z");
}

static void test_refs(void **state)
{
    struct fixture *f = *state;
    struct tarn_table_refs refs;
    const char *sql =
        "WITH a AS (SELECT * FROM raw.b), raw_c AS (SELECT 1) SELECT (SELECT max(x) FROM s.t) FROM "
        "a, raw_c, iceberg.raw.b, \"q q\" JOIN raw.b USING (x) WHERE y IN (FROM u)";
    ok(f, tarn_session_refs(f->session, &f->op, text_of(sql), &refs));
    assert_int_equal(refs.count, 5);
    assert_string_equal(refs.items[0].ns.ptr, "raw");
    assert_string_equal(refs.items[0].name.ptr, "b");
    assert_null(refs.items[0].catalog.ptr);
    assert_string_equal(refs.items[1].ns.ptr, "s");
    assert_string_equal(refs.items[2].catalog.ptr, "iceberg");
    assert_string_equal(refs.items[3].name.ptr, "q q");
    assert_null(refs.items[3].ns.ptr);
    assert_string_equal(refs.items[4].name.ptr, "u");
    assert_memory_equal(sql + refs.items[4].offset, "u", 1);
    assert_int_equal(tarn_session_refs(f->session, &f->op, text_of("UPDATE x SET a = 1"), &refs),
                     TARN_UNSUPPORTED);
}

/* Columns that are cast to text by a SELECT around the statement stay in its order. */
static void test_cast_results_keep_their_order(void **state)
{
    struct fixture *f = *state;
    const char *rows =
        rows_of(f, "SELECT to_days((hash(i) % 1000)::int) AS iv, (hash(i) % 1000)::int AS n FROM "
                   "range(200000) t(i) ORDER BY n DESC;  -- end");
    int before = 1000, n;
    size_t count = 0;
    for (const char *p = rows; (p = strchr(p, '|')); count++) {
        n = atoi(++p);
        assert_true(n <= before);
        before = n;
    }
    assert_int_equal(count, 200000);
    assert_string_equal(
        rows_of(f, "WITH x AS (SELECT interval 1 day AS a) SELECT a, a AS a FROM x"),
        "1 day|1 day\n");
    fails(f, TARN_DATA,
          "SELECT interval 1 day AS iv,\n CAST('x' || range AS INTEGER) FROM range(3)");
    assert_int_equal(f->op.report.line, 2);
}

static void test_describe(void **state)
{
    struct fixture *f = *state;
    struct tarn_type type;
    people(f);
    int plans = f->tables[0].plans;
    ok(f,
       tarn_session_describe(f->session, &f->op,
                             text_of("SELECT *, sum(id) OVER () AS s, 1::utinyint u1, 1::uinteger "
                                     "u4, 1::ubigint u8, interval 1 day AS iv, 'a'::enum('a') AS e,"
                                     " [1::tinyint] AS l, {'a': 1::uhugeint} AS st, "
                                     "now()::timestamptz AS tz FROM raw.people"),
                             &type));
    struct tarn_str text = tarn_type_text(&f->op, &type);
    assert_string_equal(text.ptr,
                        "struct<id: long, name: string, amount: decimal(9, 2), s: decimal(38, 0), "
                        "u1: int, u4: long, u8: decimal(20, 0), iv: string, e: string,"
                        " l: list<int>, st: struct<a: decimal(38, 0)>, tz: timestamptz>");
    assert_int_equal(f->tables[0].plans, plans);
}

static void test_exec(void **state)
{
    struct fixture *f = *state;
    int64_t n;
    people(f);
    ok(f, tarn_session_exec(
              f->session, &f->op,
              TARN_STR("CREATE TEMP TABLE m AS SELECT * FROM iceberg.raw.people WHERE id > 1")));
    ok(f, tarn_session_int(f->session, &f->op, TARN_STR("SELECT count(*) FROM m"), &n));
    assert_int_equal(n, 2);
    ok(f, tarn_session_int(f->session, &f->op,
                           TARN_STR("SELECT sum(m.id) FROM m JOIN raw.people USING (id)"), &n));
    assert_int_equal(n, 5);
    ok(f, tarn_session_exec(
              f->session, &f->op,
              TARN_STR("DELETE FROM m WHERE id IN (SELECT id FROM raw.people WHERE id = 2)")));
    assert_string_equal(rows_of(f, "SELECT id FROM m"), "3\n");
    ok(f,
       tarn_session_int(f->session, &f->op, TARN_STR("SELECT max(id) FROM m WHERE id > 10"), &n));
    assert_int_equal(n, 0);
    ok(f, tarn_session_exec(f->session, &f->op, TARN_STR("DROP TABLE m")));
    assert_int_equal(tarn_session_int(f->session, &f->op, TARN_STR("SELECT 'x'"), &n), TARN_DATA);
}

static void test_explain(void **state)
{
    struct fixture *f = *state;
    people(f);
    f->tables[0].scan.skips = (struct tarn_scan_skips){.manifests = 4,
                                                       .manifests_skipped = 1,
                                                       .files = 120,
                                                       .files_skipped_partition = 100,
                                                       .files_skipped_bounds = 19,
                                                       .bytes = 40000000,
                                                       .bytes_skipped = 38800000,
                                                       .rows = 500,
                                                       .rows_skipped = 497};
    const char *text = rows_of(f, "EXPLAIN SELECT name FROM raw.people WHERE id = 2");
    assert_non_null(
        strstr(text, "raw.people: 1 of 120 files, 3 of 500 rows, 1.2 MB of 40.0 MB read; 100 files "
                     "skipped by partition, 19 by bounds; 1 of 4 manifests skipped; filter id = "
                     "2"));
    struct tarn_scan_skips skips = tarn_session_skips(f->session);
    assert_int_equal(skips.files, 120);
    assert_int_equal(skips.files_skipped_bounds, 19);
    assert_non_null(strstr(rows_of(f, "EXPLAIN ANALYZE SELECT name FROM raw.people"),
                           "raw.people: 1 of 120 files"));
    fails(f, TARN_COLUMN, "EXPLAIN SELECT nam FROM raw.people");
    assert_int_equal(f->op.report.column, 16);
    fails(f, TARN_UNSUPPORTED, "EXPLAIN DELETE FROM raw.people");
    assert_string_equal(f->op.report.message,
                        "a statement that begins with DELETE cannot be explained");
    assert_int_equal(f->op.report.column, 9);
}

/* ---- cancelling */

static void *cancel_soon(void *data)
{
    struct timespec t = {.tv_nsec = 100000000};
    nanosleep(&t, NULL);
    atomic_store(&((struct tarn_cancel *)data)->level, 2);
    return NULL;
}

static void test_cancel(void **state)
{
    struct fixture *f = *state;
    struct tarn_cancel cancel = {0};
    pthread_t thread;
    f->op.cancel = &cancel;
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    fails(f, TARN_CANCELLED,
          "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = "
          "3");
    pthread_join(thread, NULL);
    fails(f, TARN_CANCELLED, "SELECT 1");
    atomic_store(&cancel.level, 0);
    assert_string_equal(rows_of(f, "SELECT 1"), "1\n");
    /* the first rows come at once, more never do */
    struct tarn_result *r;
    struct tarn_batch b;
    enum tarn_status status;
    ok(f, tarn_session_query(
              f->session, &f->op,
              text_of("SELECT range FROM range(300000) UNION ALL SELECT a.range FROM "
                      "range(1000000) a, range(1000000) b WHERE a.range + b.range = -1"),
              &r));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    while ((status = tarn_result_next(r, &f->op, &b)) == TARN_OK && b.rows > 0)
        ;
    assert_int_equal(status, TARN_CANCELLED);
    tarn_result_close(r);
    pthread_join(thread, NULL);
    f->op.cancel = NULL;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    f->op.deadline_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + 50000000u;
    fails(f, TARN_TIMEOUT,
          "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = "
          "3");
    f->op.deadline_ns = 0;
    assert_string_equal(rows_of(f, "SELECT 1"), "1\n");
}

static void test_open_result_holds_its_session(void **state)
{
    struct fixture *f = *state;
    struct tarn_result *r, *second;
    struct tarn_batch b;
    ok(f, tarn_session_query(f->session, &f->op, text_of("SELECT * FROM range(100000)"), &r));
    assert_int_equal(tarn_session_query(f->session, &f->op, text_of("SELECT 1"), &second),
                     TARN_INVALID);
    size_t rows = 0;
    do {
        ok(f, tarn_result_next(r, &f->op, &b));
        rows += b.rows;
    } while (b.rows > 0);
    assert_int_equal(rows, 100000);
    ok(f, tarn_result_next(r, &f->op, &b));
    assert_int_equal(b.rows, 0);
    tarn_result_close(r);
    assert_string_equal(rows_of(f, "SELECT 1"), "1\n");
}

static void test_tables_that_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    table_add(f, "raw", "t", "struct<id: long, Id: int>");
    fails(f, TARN_UNSUPPORTED, "SELECT * FROM raw.t");
    table_add(f, "raw", "Case", "struct<id: long>");
    table_add(f, "raw", "case", "struct<id: long>");
    fails(f, TARN_UNSUPPORTED, "SELECT * FROM raw.\"Case\", raw.\"case\"");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.\"Case\""), "0\n");
    struct table *missing = table_add(f, "raw", "missing", "struct<id: long>");
    struct tarn_written w = table_insert(f, missing, "SELECT 1::BIGINT id");
    assert_int_equal(remove(w.files[0].path.ptr), 0);
    fails(f, TARN_CORRUPT, "SELECT * FROM raw.missing");
    assert_non_null(strstr(f->op.report.message, w.files[0].path.ptr));
    FILE *file = fopen(w.files[0].path.ptr, "w");
    assert_non_null(file);
    fputs("this is no parquet file at all", file);
    fclose(file);
    fails(f, TARN_CORRUPT, "SELECT * FROM raw.missing");
    assert_non_null(strstr(f->op.report.message, w.files[0].path.ptr));
}

/* ---- reading over a table's history */

static void test_schema_evolution(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t",
                                "struct<a: int, b: string, gone: int, f: float, am: decimal(9,2), "
                                "filename: string, File_Index: int>");
    table_insert(f, t,
                 "SELECT 1 AS a, 'x' AS b, 9 AS gone, 1.5::float AS f, 2.25::decimal(9,2) AS am, "
                 "'n' AS filename, 5 AS file_index");
    struct tarn_field *old = t->schema.root.fields;
    struct tarn_field fields[] = {
        old[1],
        old[0],
        old[3],
        old[4],
        {.id = 20, .name = TARN_STR("gone"), .type = {.kind = TARN_TYPE_STRING}},
        old[5],
        old[6],
        {.id = 21,
         .name = TARN_STR("def"),
         .type = {.kind = TARN_TYPE_LONG},
         .initial_default = TARN_STR("42")}};
    fields[0].name = TARN_STR("it's \"b\"");
    fields[1].type.kind = TARN_TYPE_LONG;
    fields[2].type.kind = TARN_TYPE_DOUBLE;
    fields[3].type.precision = 20;
    t->schema.root.fields = fields;
    t->schema.root.field_count = 8;
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t"), "x|1|1.5|2.25|NULL|n|5|42\n");
    assert_string_equal(
        rows_of(
            f,
            "SELECT filename, file_index FROM raw.t WHERE \"it's \"\"b\"\"\" = 'x' AND def = 42"),
        "n|5\n");
}

/* A file of a table that was migrated: names instead of ids, the partition's column in the path only. */
static void test_files_without_ids(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "t", "struct<id: long, name: string, part: date, later: int>");
    const char *const exprs[] = {"part", NULL};
    table_partition(f, t, exprs);
    struct tarn_str path = tarn_sprintf(&f->op, "%s/old [1].parquet", f->folder);
    ok(f, tarn_session_exec(
              f->session, &f->op,
              tarn_sprintf(&f->op,
                           "COPY (SELECT i AS key, 'n' || i AS NAME, {'a': {'b': i}} AS junk, i AS "
                           "ident FROM range(5) t(i)) TO '%s' (FORMAT parquet)",
                           path.ptr)));
    table_insert(f, t, "SELECT 100 AS id, 'new' AS name, date '2024-05-05' AS part, 1 AS later");
    struct tarn_value part = {.i = 19000};
    struct tarn_data_file old = {
        .path = path, .record_count = 5, .partition = &part, .partition_count = 1};
    struct stat st;
    assert_int_equal(stat(path.ptr, &st), 0);
    old.size_bytes = st.st_size;
    struct tarn_written w = {.files = &old, .count = 1};
    table_take(f, t, &w);
    t->scan.files_without_ids_possible = true;
    fails(f, TARN_UNSUPPORTED, "SELECT * FROM raw.t");
    struct tarn_kv kv = {TARN_STR("schema.name-mapping.default"),
                         TARN_STR("[{\"field-id\":1,\"names\":[\"id\",\"key\"]},{\"field-id\":2,"
                                  "\"names\":[\"NAME\"]},{\"field-id\":3,\"names\":[\"part\"]}]")};
    t->metadata.properties = (struct tarn_kvs){&kv, 1};
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE id > 2 ORDER BY id"),
                        "3|n3|2022-01-08|NULL\n4|n4|2022-01-08|NULL\n100|new|2024-05-05|1\n");
    t->scan.files[1].deleted = (int64_t[]){0, 4};
    t->scan.files[1].deleted_count = 2;
    assert_string_equal(rows_of(f, "SELECT id FROM raw.t ORDER BY id"), "1\n2\n3\n100\n");
    t->schema.root.fields[3].type =
        (struct tarn_type){.kind = TARN_TYPE_STRUCT,
                           .fields = (struct tarn_field[]){{.id = 9,
                                                            .name = TARN_STR("a"),
                                                            .type = {.kind = TARN_TYPE_INT}}},
                           .field_count = 1};
    t->scan.file_count = 2;
    kv.value = TARN_STR("[{\"field-id\":4,\"names\":[\"junk\"]}]");
    assert_string_equal(rows_of(f, "SELECT DISTINCT later FROM raw.t WHERE id IS NULL"),
                        "{a: NULL}\n");
    kv.value = TARN_STR("[{\"field-id\":4,\"names\":[\"junk\"],\"fields\":[{\"field-id\":9,"
                        "\"names\":[\"a\"]}]}]");
    fails(f, TARN_SCHEMA, "SELECT later FROM raw.t");
    kv.value = TARN_STR("[{\"field-id\":1,\"names\":[\"key\",\"ident\"]}]");
    fails(f, TARN_SCHEMA, "SELECT id FROM raw.t");
    kv.value = TARN_STR("{}");
    fails(f, TARN_CORRUPT, "SELECT id FROM raw.t");
}

/* ---- many at once */

struct client {
    struct fixture own; /* the engine and tables are the first fixture's */
    bool ok;
};

static void *client_run(void *data)
{
    struct client *c = data;
    struct fixture *f = &c->own;
    const char *out;
    char want[64];
    c->ok = tarn_op_init(&f->op, 0, 0) == TARN_OK;
    for (int round = 0; c->ok && round < 5; round++) {
        c->ok = tarn_session_open(f->engine, &f->op, &f->resolver, &f->session) == TARN_OK;
        for (int i = 0; c->ok && i < 10; i++) {
            struct tarn_str sql = tarn_sprintf(
                &f->op, "SELECT count(*) FROM iceberg.raw.people WHERE id <= %d", i % 4);
            snprintf(want, sizeof want, "%d\n", i % 4);
            c->ok = try_rows(f, sql.ptr, &out) == TARN_OK && strcmp(out, want) == 0;
        }
        tarn_session_close(f->session);
    }
    return NULL;
}

static void test_sessions_at_once(void **state)
{
    struct fixture *f = *state;
    static struct client clients[3];
    pthread_t threads[3];
    people(f);
    for (size_t i = 0; i < 3; i++) {
        clients[i].own = *f;
        assert_int_equal(pthread_create(&threads[i], NULL, client_run, &clients[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        if (!clients[i].ok)
            fprintf(stderr, "%s\n", clients[i].own.op.report.message);
        assert_true(clients[i].ok);
        tarn_op_release(&clients[i].own.op);
    }
}

/* ---- limits */

/* Every allocation of a statement fails once: it says so, and the next statement is not troubled. */
static void test_no_memory_at_any_step(void **state)
{
    struct fixture *f = *state;
    const char *sql = "SELECT p.name, interval 1 day FROM iceberg.raw.people p JOIN gold.totals t "
                      "USING (name) WHERE p.id > 1 AND p.name LIKE 'b%'";
    const char *out;
    people(f);
    assert_string_equal(rows_of(f, sql), "bob|1 day\n");
    enum tarn_status status = TARN_NOMEM;
    long n = 1;
    for (; n < 5000; n += n < 60 ? 1 : 37) {
        tarn_alloc_fail_at(n);
        status = try_rows(f, sql, &out);
        tarn_alloc_fail_at(0);
        assert_true(status == TARN_OK || status == TARN_NOMEM);
        tarn_clear(&f->op);
        assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.people"), "3\n");
    }
    assert_int_equal(status, TARN_OK);
}

static void test_memory_limit(void **state)
{
    struct fixture f;
    (void)state;
    memset(&f, 0, sizeof f);
    assert_int_equal(tarn_op_init(&f.op, 0, 0), TARN_OK);
    struct tarn_engine_options options = {.threads = 1, .memory_limit_bytes = 1};
    ok(&f, tarn_engine_open(&f.op, &options, &f.engine));
    ok(&f, tarn_session_open(f.engine, &f.op, NULL, &f.session));
    assert_string_equal(rows_of(&f, "SELECT current_setting('memory_limit'), "
                                    "current_setting('threads'), current_setting('TimeZone')"),
                        "64.0 MiB|1|UTC\n");
    fails(&f, TARN_NOMEM,
          "SELECT max(r) FROM (SELECT row_number() OVER (ORDER BY s) AS r, s FROM (SELECT "
          "repeat('x', 1000) || i AS s FROM range(500000) t(i)) ORDER BY s) WHERE s <> 'y'");
    assert_string_equal(f.op.report.message,
                        "the statement needs more memory than the engine's share");
    assert_string_equal(rows_of(&f, "SELECT 1"), "1\n");
    tarn_session_close(f.session);
    tarn_engine_close(f.engine);
    tarn_op_release(&f.op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_name_means_what_the_catalog_says_now, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_second_session, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_places, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_place_in_a_file, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_views_that_fail, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_refs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cast_results_keep_their_order, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_describe, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_exec, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_explain, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cancel, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_open_result_holds_its_session, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_schema_evolution, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_files_without_ids, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_sessions_at_once, fixture_setup, fixture_teardown),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test_setup_teardown(test_no_memory_at_any_step, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_tables_that_cannot_be_read, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
