/* Writing and reading back: types, field ids, nulls, statistics, partitions, strictness. */
#include "engine_fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/arena.h"

#define ALL_TYPES                                                                              \
    "struct<b: boolean, i: int, l: long, f: float, d: double, d4: decimal(4,2), d9: "          \
    "decimal(9,2), d18: decimal(18,3), d38: decimal(38,10), dt: date, tm: time,"               \
    " ts: timestamp, tz: timestamptz, s: string, u: uuid, bin: binary, st: struct<x: int, y: " \
    "string>, li: list<struct<a: long, t: list<string>>>,"                                     \
    " ma: map<string, decimal(9,2)>>"

#define ALL_ROW                                                                                   \
    "true b, 7::int i, -9000000000 l, 1.5::float f, -2.25::double d, -12.34::decimal(4,2) d4, "   \
    "1234567.89::decimal(9,2) d9, 123456789012345.678::decimal(18,3) d18,"                        \
    " -1234567890123456789012345678.0123456789::decimal(38,10) d38, date '1969-12-31' dt, time "  \
    "'23:59:59.999999' tm, timestamp '1969-12-31 23:59:59.5' ts,"                                 \
    " timestamptz '2024-02-29 12:00:00+02' tz, 'größe ''x''' s, "                               \
    "'550e8400-e29b-41d4-a716-446655440000'::uuid u, '\\x00\\xFFab'::blob bin,"                   \
    " {'x': 1, 'y': 'why'} st, [{'a': 1, 't': ['p', NULL]}, NULL, {'a': NULL, 't': []}] li, map " \
    "{'k1': 1.25::decimal(9,2), 'k2': NULL} ma"

static void test_all_types(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", ALL_TYPES);
    table_insert(f, t, "SELECT " ALL_ROW " UNION ALL BY NAME SELECT NULL::int AS i");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE i IS NOT NULL"),
                        "true|7|-9000000000|1.5|-2.25|-12.34|1234567.89|123456789012345.678|-"
                        "1234567890123456789012345678.0123456789|1969-12-31|23:59:59.999999|"
                        "1969-12-31 23:59:59.500000|2024-02-29 10:00:00+00|größe "
                        "'x'|550e8400-e29b-41d4-a716-446655440000|\\x00\\xFFab|{x: 1, y: why}|"
                        "[{a: 1, t: [p, NULL]}, NULL, {a: NULL, t: []}]|{k1: 1.25, k2: NULL}\n");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE i IS NULL"),
                        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|"
                        "NULL|NULL|NULL|NULL|NULL\n");
    assert_string_equal(rows_of(f, "SELECT count(*), count(i) FROM iceberg.raw.t"), "2|1\n");
}

static void test_field_ids(void **state)
{
    struct fixture *f = *state;
    char sql[512];
    struct table *t = table_add(f, "raw", "t", ALL_TYPES);
    struct tarn_written w = table_insert(f, t, "SELECT " ALL_ROW);
    assert_int_equal(w.count, 1);
    snprintf(sql, sizeof sql,
             "SELECT name, field_id FROM parquet_schema('%s') WHERE name IN "
             "('b','st','x','y','li','element','a','t','ma','key','value') ORDER BY field_id, name",
             w.files[0].path.ptr);
    assert_string_equal(rows_of(f, sql), "b|1\nst|17\nli|18\nma|19\nx|20\ny|21\nelement|22\na|"
                                         "23\nt|24\nelement|25\nkey|26\nvalue|27\n");
}

/* ---- statistics */

static int64_t count_of(const struct tarn_id_count *list, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].id == id)
            return list[i].count;
    return -1;
}

static struct tarn_str bytes_of(const struct tarn_id_bytes *list, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].id == id)
            return list[i].bytes;
    return (struct tarn_str){NULL, 0};
}

static const char *bound_text(struct fixture *f, struct table *t, struct tarn_str bytes, int32_t id)
{
    struct tarn_value v;
    const struct tarn_field *field = tarn_schema_field_by_id(&t->schema, id);
    if (!bytes.ptr)
        return "absent";
    ok(f, tarn_value_from_bytes(&f->op, &field->type, bytes, &v));
    return tarn_value_text(&f->op, &field->type, &v).ptr;
}

static void expect_bounds(struct fixture *f, struct table *t, const struct tarn_data_file *d,
                          int32_t id, const char *lower, const char *upper)
{
    assert_string_equal(bound_text(f, t, bytes_of(d->lower, d->lower_count, id), id), lower);
    assert_string_equal(bound_text(f, t, bytes_of(d->upper, d->upper_count, id), id), upper);
}

static void test_metrics(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "t",
        "struct<b: boolean, i: int, d: double, am: decimal(9,2), am38: decimal(38,2), dt: date, "
        "ts: timestamp, tz: timestamptz, s: string,"
        " u: uuid, bin: binary, st: struct<x: int>, li: list<int>, f: float, big: string>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT i % 2 = 0 AS b, i::int AS i, CASE i WHEN 0 THEN -0.0 WHEN 1 THEN 0.0 END::double "
        "AS d, (i - 5.25)::decimal(9,2) am, (i * -1000000000000000000.5)::decimal(38,2) am38,"
        " date '1969-12-25' + i::int AS dt, timestamp '1969-12-31 23:59:58.5' + to_seconds(i) AS "
        "ts, timestamptz '2024-01-01 00:00:00+00' + to_days(i::int) tz,"
        " 'äöü' || repeat('x', 30) || i AS s, ('00000000-0000-0000-0000-00000000000' || i)::uuid "
        "u, ('\\xFF\\x0' || i)::blob AS bin, {'x': i::int} AS st, [i::int, NULL] AS li,"
        " CASE WHEN i = 3 THEN 'nan'::double ELSE i END::float AS f, repeat('ü', 200) || i AS big "
        "FROM range(10) t(i)");
    assert_int_equal(w.count, 1);
    assert_int_equal(w.rows, 10);
    struct tarn_data_file *d = &w.files[0];
    assert_int_equal(d->record_count, 10);
    assert_int_equal(d->size_bytes, w.bytes);
    assert_int_equal(d->sort_order_id, -1);
    expect_bounds(f, t, d, 1, "false", "true");
    expect_bounds(f, t, d, 2, "0", "9");
    expect_bounds(f, t, d, 3, "-0.0", "0.0");
    expect_bounds(f, t, d, 4, "-5.25", "3.75");
    expect_bounds(f, t, d, 5, "-9000000000000000004.50", "0.00");
    expect_bounds(f, t, d, 6, "1969-12-25", "1970-01-03");
    expect_bounds(f, t, d, 7, "1969-12-31 23:59:58.500000", "1970-01-01 00:00:07.500000");
    expect_bounds(f, t, d, 8, "2024-01-01 00:00:00+00:00", "2024-01-10 00:00:00+00:00");
    expect_bounds(f, t, d, 9, "äöüxxxxxxxxxxxxx", "äöüxxxxxxxxxxxxy");
    expect_bounds(f, t, d, 10, "00000000-0000-0000-0000-000000000000",
                  "00000000-0000-0000-0000-000000000009");
    int32_t x = tarn_schema_field_by_path(&t->schema, TARN_STR("st.x"))->id,
            element = tarn_schema_field_by_path(&t->schema, TARN_STR("li.element"))->id;
    expect_bounds(f, t, d, x, "0", "9");
    expect_bounds(f, t, d, element, "absent", "absent");
    expect_bounds(f, t, d, 14, "-0.0", "9.0");
    assert_int_equal(count_of(d->value_counts, d->value_count_count, 2), 10);
    assert_int_equal(count_of(d->value_counts, d->value_count_count, element), 20);
    assert_int_equal(count_of(d->null_counts, d->null_count_count, element), 10);
    assert_int_equal(count_of(d->null_counts, d->null_count_count, 3), 8);
    assert_int_equal(count_of(d->nan_counts, d->nan_count_count, 3), 0);
    assert_int_equal(count_of(d->nan_counts, d->nan_count_count, 14), -1);
    assert_int_equal(count_of(d->value_counts, d->value_count_count, 13), -1);
    assert_true(count_of(d->column_sizes, d->column_size_count, 9) > 0);
    for (size_t i = 1; i < d->value_count_count; i++)
        assert_true(d->value_counts[i - 1].id < d->value_counts[i].id);
}

/* ---- partitions */

static void test_partitions_match_the_transforms(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "t",
                  "struct<n: long, i: int, s: string, am: decimal(9,2), dt: date, ts: timestamp, "
                  "tz: timestamptz, u: uuid, b: binary, st: struct<x: int>>");
    const char *const exprs[] = {"bucket(7, n)",
                                 "truncate(10, i)",
                                 "truncate(2, s)",
                                 "bucket(3, s)",
                                 "truncate(50, am)",
                                 "bucket(5, am)",
                                 "year(dt)",
                                 "month(dt)",
                                 "day(ts)",
                                 "hour(ts)",
                                 "hour(tz)",
                                 "day(tz)",
                                 "bucket(4, u)",
                                 "bucket(4, b)",
                                 "dt",
                                 "b",
                                 "st.x",
                                 "bucket(6, dt)",
                                 NULL};
    for (size_t k = 0; exprs[k]; k++) {
        const char *const one[] = {exprs[k], NULL};
        table_partition(f, t, one);
        t->scan.file_count = 0;
        struct tarn_written w = table_insert(
            f, t,
            "SELECT (hash(i) % 1000)::BIGINT - 500 AS n, i::int - 25 AS i, chr(97 + (i % 3)::int) "
            "|| 'ö' || i AS s, ((i - 30) * 3.17)::decimal(9,2) AS am,"
            " date '1969-06-15' + (i * 11)::int AS dt, timestamp '1969-12-31 12:30:00' + "
            "to_hours(i) AS ts,"
            " timestamptz '1969-12-31 12:30:00+00' + to_minutes(i * 30) AS tz, "
            "md5(i::varchar)::uuid AS u, unhex(md5((i % 4)::varchar)) AS b, {'x': i::int % 3} AS st"
            " FROM range(50) r(i) UNION ALL BY NAME SELECT NULL::BIGINT AS n");
        assert_int_equal(w.rows, 51);
        assert_true(w.count > 1);
        /* each file holds only rows whose transform is its partition value */
        struct tarn_partition_field *p = &t->spec.fields[0];
        const struct tarn_field *source = tarn_schema_field_by_id(&t->schema, p->source_id);
        struct tarn_str path = tarn_schema_path_of(&f->op, &t->schema, p->source_id);
        struct tarn_type result = tarn_transform_result(&p->transform, &source->type);
        int64_t rows = 0;
        for (size_t i = 0; i < w.count; i++) {
            t->scan.files = tarn_alloc(&f->op, sizeof *t->scan.files);
            t->scan.files[0] =
                (struct tarn_scan_file){.file = &w.files[i], .local_path = w.files[i].path};
            t->scan.file_count = 1;
            bool bytes = source->type.kind == TARN_TYPE_BINARY;
            const char *text =
                rows_of(f, tarn_sprintf(&f->op, "SELECT %s%s%s FROM raw.t", bytes ? "hex(" : "",
                                        path.ptr, bytes ? ")" : "")
                               .ptr);
            struct tarn_str rest = tarn_str_view(text), line;
            while (rest.ptr && rest.len > 0) {
                struct tarn_value v = {.is_null = true}, part;
                (void)tarn_str_cut(&rest, '\n', &line);
                if (!tarn_str_is(line, "NULL")) {
                    if (source->type.kind == TARN_TYPE_STRING)
                        v = (struct tarn_value){.bytes = line};
                    else
                        ok(f, tarn_value_from_text(&f->op, &source->type, line, &v));
                }
                ok(f, tarn_transform_apply(&f->op, &p->transform, &source->type, &v, &part));
                assert_int_equal(w.files[i].partition_count, 1);
                if (!tarn_value_eq(&result, &part, &w.files[i].partition[0])) {
                    fprintf(stderr, "%s: %.*s\n", exprs[k], TARN_STR_ARG(line));
                    fail();
                }
                rows++;
            }
        }
        assert_int_equal(rows, 51);
    }
}

static void test_constant_partition_and_rolling(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<n: long, s: string>");
    const char *const exprs[] = {"n", NULL};
    struct tarn_value constant = {.i = 7};
    struct tarn_written w;
    table_partition(f, t, exprs);
    struct tarn_write write = table_write(f, t);
    write.constants = &constant;
    write.target_file_size_bytes = 1 << 20;
    ok(f, tarn_session_write(f->session, &f->op,
                             text_of("SELECT 7::BIGINT AS n, md5(i::varchar) || md5((i + "
                                     "1)::varchar) AS s FROM range(600000) t(i)"),
                             &write, &w));
    assert_true(w.count > 1);
    assert_int_equal(w.rows, 600000);
    for (size_t i = 0; i < w.count; i++) {
        assert_int_equal(w.files[i].partition[0].i, 7);
        assert_true(w.files[i].size_bytes < 40 << 20);
        assert_int_equal(access(w.files[i].path.ptr, R_OK), 0);
    }
    table_take(f, t, &w);
    assert_string_equal(rows_of(f, "SELECT count(*), count(DISTINCT s) FROM raw.t"),
                        "600000|600000\n");
    ok(f, tarn_session_write(f->session, &f->op,
                             text_of("SELECT 7::BIGINT AS n, 'x' AS s WHERE false"), &write, &w));
    assert_int_equal(w.count, 0);
}

static void test_partitions_roll(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "t", "struct<n: long, s: string, li: list<int>, b: binary, m: map<string, int>>");
    const char *const exprs[] = {"truncate(1, n)", "bucket(2, s)", NULL};
    struct tarn_written w;
    table_partition(f, t, exprs);
    struct tarn_write write = table_write(f, t);
    write.target_file_size_bytes = 1 << 20;
    ok(f,
       tarn_session_write(
           f->session, &f->op,
           text_of("SELECT CASE WHEN i % 100 = 0 THEN 1 ELSE 2 END AS n, md5(i::varchar) || md5((i "
                   "+ 1)::varchar) AS s, [i::int] AS li, NULL AS b FROM range(200000) t(i)"),
           &write, &w));
    assert_int_equal(w.rows, 200000);
    size_t big = 0, small = 0;
    for (size_t i = 0; i < w.count; i++) {
        assert_true(w.files[i].size_bytes < 3 << 20);
        assert_int_equal(w.files[i].partition_count, 2);
        if (w.files[i].partition[0].i == 2)
            big++;
        else
            small++;
    }
    assert_int_equal(small, 2);
    assert_true(big >= 6 && big <= 12);
    table_take(f, t, &w);
    assert_string_equal(rows_of(f, "SELECT count(*), count(DISTINCT s) FROM raw.t"),
                        "200000|200000\n");
}

/* ---- strictness */

static size_t files_left(struct fixture *f, struct table *t)
{
    int64_t n;
    struct tarn_str sql = tarn_sprintf(&f->op, "SELECT count(*) FROM glob('%s/%s.%s/data/**')",
                                       f->folder, t->ns, t->name);
    ok(f, tarn_session_int(f->session, &f->op, sql, &n));
    return (size_t)n;
}

static void refuses(struct fixture *f, struct table *t, enum tarn_status expected, const char *sql,
                    const char *message)
{
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    enum tarn_status status = tarn_session_write(f->session, &f->op, text_of(sql), &write, &w);
    if (status != expected || (message && strcmp(f->op.report.message, message) != 0)) {
        fprintf(stderr, "%s\n%s: %s\n", sql, tarn_status_info(status)->name, f->op.report.message);
        fail();
    }
    assert_int_equal(files_left(f, t), 0);
}

static void test_only_exact_casts_are_implied(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "t",
        "struct<i: int, l: long, d: double, am: decimal(9,2), dt: date, ts: timestamp, s: string>");
    refuses(f, t, TARN_SCHEMA, "SELECT 1.5::double AS am",
            "column \"am\" is double in the query and decimal(9, 2) in the table: values could be "
            "lost");
    assert_string_equal(f->op.report.hint, "say so in the query: CAST(am AS DECIMAL(9,2))");
    refuses(f, t, TARN_SCHEMA, "SELECT 1.555::decimal(9,3) AS am", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT now()::timestamp AS dt", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT '1' AS i", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS s", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT 1.5::double AS l", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT 1::BIGINT AS d", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS i, 2 AS nothing",
            "the table has no column \"nothing\", which the query makes");
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS i, 2 AS I", NULL);
    refuses(f, t, TARN_DATA, "SELECT 3000000000 AS i",
            "type INT64 with value 3000000000 can't be cast because the value is out of range for "
            "the destination type INT32 when casting from source column i");
    refuses(f, t, TARN_DATA,
            "SELECT 12345678.5::decimal(38,2) AS am UNION ALL SELECT i FROM range(300000) t(i)",
            NULL);
    refuses(f, t, TARN_DATA, "SELECT date 'infinity' AS dt",
            "column \"dt\" holds infinity, which is not a value of date");
    refuses(f, t, TARN_DATA, "SELECT timestamp '-infinity' AS ts", NULL);
    refuses(f, t, TARN_COLUMN, "SELECT nothing FROM range(3)", NULL);
    table_insert(f, t,
                 "SELECT 7::BIGINT AS I, sum(i)::hugeint AS l, 1.5::float AS d, 3 AS am, date "
                 "'2024-01-01' AS ts, NULL AS s, NULL AS dt FROM range(5) t(i)");
    table_insert(f, t, "SELECT 1.50::decimal(38,1) AS am");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE i = 7"),
                        "7|10|1.5|3.00|NULL|2024-01-01 00:00:00|NULL\n");
    assert_string_equal(rows_of(f, "SELECT am FROM raw.t WHERE i IS NULL"), "1.50\n");
}

static void require(const struct tarn_type *root, const char *name)
{
    for (size_t i = 0; i < root->field_count; i++)
        if (tarn_str_is(root->fields[i].name, name))
            root->fields[i].required = true;
}

static void test_required_columns(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "t",
        "struct<id: long, st: struct<x: int, y: list<int>>, li: list<struct<a: int>>, o: int>");
    require(&t->schema.root, "id");
    refuses(f, t, TARN_DATA, "SELECT NULL::BIGINT AS id",
            "column \"id\" is required, but 1 rows have no value");
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS o",
            "the query has no column for the required column \"id\"");
    require(&t->schema.root, "st");
    refuses(f, t, TARN_DATA, "SELECT 1 AS id, NULL::STRUCT(x INTEGER, y INTEGER[]) AS st",
            "column \"st\" holds no value where one is required");
    t->schema.root.fields[1].required = false;
    require(&t->schema.root.fields[1].type, "x");
    refuses(f, t, TARN_DATA, "SELECT 1 AS id, {'x': NULL::INTEGER, 'y': [1]} AS st", NULL);
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS id, {'y': [1]} AS st", NULL);
    require(&t->schema.root.fields[2].type.fields[0].type, "a");
    refuses(f, t, TARN_DATA, "SELECT 1 AS id, [{'a': 1}, {'a': NULL}] AS li", NULL);
    table_insert(f, t,
                 "SELECT 1 AS id, [{'a': 1}, NULL] AS li UNION ALL BY NAME SELECT 2 AS id, {'y': "
                 "NULL::int[], 'x': 1} AS st");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t ORDER BY id"),
                        "1|NULL|[{a: 1}, NULL]|NULL\n2|{x: 1, y: NULL}|NULL|NULL\n");
}

static void test_structs_are_matched_by_name(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "t",
                  "struct<s: struct<a: long, b: string>, m: map<string, struct<x: int, y: int>>>");
    refuses(f, t, TARN_SCHEMA, "SELECT {'a': 1, 'c': 2} AS s",
            "the table has no field \"c\" in column \"s\"");
    refuses(f, t, TARN_SCHEMA, "SELECT {'a': 1.5::double} AS s", NULL);
    table_insert(f, t, "SELECT {'B': 'x', 'a': 7::int} AS s, map {'k': {'y': 2, 'x': 1}} AS m");
    table_insert(f, t, "SELECT {'a': 8} AS s");
    assert_string_equal(rows_of(f, "SELECT s, m FROM raw.t ORDER BY s.a"),
                        "{a: 7, b: x}|{k: {x: 1, y: 2}}\n{a: 8, b: NULL}|NULL\n");
}

/* Every allocation of a write fails once: no file is left of one that failed. */
static void test_no_memory_at_any_step(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<n: long, s: string, li: list<int>>");
    const char *const exprs[] = {"truncate(1, s)", NULL};
    enum tarn_status status = TARN_NOMEM;
    struct tarn_written w;
    table_partition(f, t, exprs);
    struct tarn_write write = table_write(f, t);
    for (long n = 1; n < 3000; n += n < 40 ? 1 : 23) {
        tarn_alloc_fail_at(n);
        status = tarn_session_write(f->session, &f->op,
                                    text_of("SELECT i AS n, 'x' || i AS s, [i::int] AS li FROM "
                                            "range(3) t(i)"),
                                    &write, &w);
        tarn_alloc_fail_at(0);
        if (status == TARN_OK)
            break;
        assert_int_equal(status, TARN_NOMEM);
        tarn_clear(&f->op);
        assert_int_equal(files_left(f, t), 0);
    }
    assert_int_equal(status, TARN_OK);
    assert_int_equal(w.rows, 3);
}

static void test_names_that_need_quotes(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "t", "struct<a: int, b: struct<c: string>, d: list<int>>");
    struct tarn_field *fields = t->schema.root.fields;
    const char *const exprs[] = {"a", NULL};
    table_partition(f, t, exprs);
    fields[0].name = TARN_STR("we\"ird.na'me");
    fields[1].name = TARN_STR("select");
    fields[1].type.fields[0].name = TARN_STR("per cent %s");
    fields[2].name = TARN_STR("größe;--");
    struct tarn_written w =
        table_insert(f, t,
                     "SELECT i::int AS \"we\"\"ird.na'me\", {'per cent %s': 'x'} AS \"select\", "
                     "[i::int] AS \"größe;--\" FROM range(2) t(i)");
    assert_int_equal(w.count, 2);
    assert_int_equal(count_of(w.files[0].value_counts, w.files[0].value_count_count,
                              fields[1].type.fields[0].id),
                     1);
    assert_int_equal(w.files[0].value_count_count, 3);
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE \"we\"\"ird.na'me\" = 1"),
                        "1|{per cent %s: x}|[1]\n");
}

static void test_order(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long>");
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    struct tarn_sort_field field = {
        .source_id = t->schema.root.fields[0].id, .descending = true, .nulls_last = true};
    struct tarn_sort_order order = {.order_id = 1, .fields = &field, .field_count = 1};
    write.sort = &order;
    write.codec = TARN_STR("snappy");
    ok(f,
       tarn_session_write(
           f->session, &f->op,
           text_of("SELECT hash(i)::hugeint % 1000000 AS id FROM range(300000) t(i)"), &write, &w));
    table_take(f, t, &w);
    assert_string_equal(rows_of(f, "SELECT count(*) FROM (SELECT id, lag(id) OVER () AS before "
                                   "FROM raw.t) WHERE before < id"),
                        "0\n");
    write.codec = TARN_STR("rar");
    assert_int_equal(tarn_session_write(f->session, &f->op, text_of("SELECT 1 AS id"), &write, &w),
                     TARN_CONFIG);
}

static void test_error_places_in_a_model(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long>");
    refuses(f, t, TARN_DATA,
            "SELECT 1 AS id\nUNION ALL SELECT\n  CAST('x' || range AS BIGINT) FROM range(3)", NULL);
    assert_string_equal(f->op.report.file, "model.sql");
    assert_int_equal(f->op.report.line, 3);
    refuses(f, t, TARN_SCHEMA, "SELECT 1 AS id, 2 AS nothing, interval 1 day AS id2", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_types, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_field_ids, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_metrics, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_partitions_match_the_transforms, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_constant_partition_and_rolling, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_partitions_roll, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_only_exact_casts_are_implied, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_required_columns, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_structs_are_matched_by_name, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_at_any_step, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_names_that_need_quotes, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_order, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_error_places_in_a_model, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
