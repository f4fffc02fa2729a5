/* Equality deletes: rows that a scan's delete files name by value are hidden, within their scope. */
#include "engine_fixture.h"

/* A Parquet file of a SELECT, with these field ids. */
static struct tarn_str parquet(struct fixture *f, const char *name, const char *select,
                               const char *ids)
{
    struct tarn_str path = tarn_sprintf(&f->op, "%s/%s.parquet", f->folder, name);
    struct tarn_str sql = tarn_sprintf(&f->op, "COPY (%s) TO '%s' (FORMAT parquet, FIELD_IDS {%s})",
                                       select, path.ptr, ids);
    ok(f, tarn_session_exec(f->session, &f->op, sql));
    return path;
}

static struct tarn_data_file *delete_file(struct fixture *f, struct tarn_str path)
{
    struct tarn_data_file *d = tarn_alloc(&f->op, sizeof *d);
    struct tarn_str sql = tarn_sprintf(&f->op, "SELECT count(*) FROM '%s'", path.ptr);
    assert_non_null(d);
    *d = (struct tarn_data_file){.content = TARN_CONTENT_EQUALITY_DELETES,
                                 .path = path,
                                 .record_count = atoll(rows_of(f, sql.ptr))};
    return d;
}

/* Adds a delete file to group g of the scan, which is made with the columns `ids` (0 ends them) when
 * it is not there. */
static void equality(struct fixture *f, struct table *t, size_t g, const int32_t *ids,
                     int64_t sequence, struct tarn_str path)
{
    struct tarn_scan *s = &t->scan;
    if (!s->equality)
        s->equality = tarn_alloc_array(&f->op, 8, sizeof *s->equality);
    struct tarn_equality_group *e = &s->equality[g];
    if (g >= s->equality_count) {
        s->equality_count = g + 1;
        e->field_ids = tarn_alloc_array(&f->op, 8, sizeof *e->field_ids);
        while (ids[e->field_id_count]) {
            e->field_ids[e->field_id_count] = ids[e->field_id_count];
            e->field_id_count++;
        }
        e->deletes = tarn_alloc_array(&f->op, 128, sizeof *e->deletes);
        e->files = tarn_alloc_array(&f->op, s->file_count + 1, sizeof *e->files);
        for (size_t i = 0; i < s->file_count; i++)
            e->files[e->file_count++] = i;
    }
    e->deletes[e->delete_count++] = (struct tarn_equality_delete){
        .file = delete_file(f, path), .local_path = path, .sequence_number = sequence};
}

static void test_by_one_column(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long, name: string>");
    for (int i = 0; i < 3; i++) {
        table_insert(f, t, "SELECT i::BIGINT AS id, 'n' || i AS name FROM range(10) r(i)");
        t->scan.files[i].sequence_number = i + 1;
    }
    const int32_t id[] = {1, 0};
    equality(f, t, 0, id, 2, parquet(f, "a", "SELECT 3::BIGINT AS id UNION ALL SELECT 4", "id: 1"));
    equality(f, t, 0, id, 3, parquet(f, "b", "SELECT 4::BIGINT AS x, 'n5' AS name", "x: 1"));
    /* 3: in the first file; 4: in the first two */
    assert_string_equal(
        rows_of(f, "SELECT id, count(*) FROM raw.t WHERE id IN (2, 3, 4, 5) GROUP BY 1 ORDER BY 1"),
        "2|3\n3|2\n4|1\n5|3\n");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.t"), "27\n");
    /* with deleted positions, and metadata columns */
    static const int64_t rows[] = {2, 3};
    t->scan.files[0].deleted = rows;
    t->scan.files[0].deleted_count = 2;
    assert_string_equal(rows_of(f, "SELECT count(*), sum(_pos), count(DISTINCT _file) FROM raw.t"),
                        "26|122|3\n");
}

static void test_all_younger(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long, name: string>");
    table_insert(f, t, "SELECT i::BIGINT AS id, 'n' || i AS name FROM range(200000) r(i)");
    t->scan.files[0].sequence_number = 1;
    const int32_t id[] = {1, 0};
    equality(f, t, 0, id, 5,
             parquet(f, "a", "SELECT (range * 7)::BIGINT AS id FROM range(10000)", "id: 1"));
    equality(f, t, 0, id, 6,
             parquet(f, "b", "SELECT (range * 7)::BIGINT AS id FROM range(20000)", "id: 1"));
    assert_string_equal(rows_of(f, "SELECT count(*), min(id) FROM raw.t"), "180000|1\n");
}

static void test_nulls_and_several_columns(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<a: int, b: string, c: double>");
    table_insert(
        f, t,
        "SELECT * FROM (VALUES (1, 'x', '1.0'::DOUBLE), (1, NULL, '0.0'), (NULL, 'x', '-0.0'), "
        "(NULL, NULL, 'nan'), (2, 'y', NULL)) v(a, b, c)");
    t->scan.files[0].sequence_number = 1;
    const int32_t ab[] = {1, 2, 0}, c[] = {3, 0};
    equality(f, t, 0, ab, 2,
             parquet(f, "ab",
                     "SELECT 1::INT AS a, NULL::VARCHAR AS b UNION ALL SELECT NULL, NULL UNION ALL "
                     "SELECT 2, 'x'",
                     "a: 1, b: 2"));
    const char *all = "SELECT a, b, c FROM raw.t ORDER BY ALL NULLS LAST";
    assert_string_equal(rows_of(f, all), "1|x|1.0\n2|y|NULL\nNULL|x|0.0\n");
    /* a second set of columns: both apply */
    equality(f, t, 1, c, 2,
             parquet(f, "c", "SELECT 0.0::DOUBLE AS c UNION ALL SELECT NULL", "c: 3"));
    assert_string_equal(rows_of(f, all), "1|x|1.0\nNULL|x|0.0\n");
    t->scan.equality = NULL;
    t->scan.equality_count = 0;
    equality(f, t, 0, c, 2,
             parquet(f, "d", "SELECT '-0.0'::DOUBLE AS c UNION ALL SELECT 'nan'", "c: 3"));
    assert_string_equal(rows_of(f, all), "1|x|1.0\n1|NULL|0.0\n2|y|NULL\n");
}

/* By a whole number: the set of keys, with nulls, the ends of the range and keys of several ages. */
static void test_sets_of_numbers(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<a: int, b: long>");
    const char *rows =
        "SELECT a::INT AS a, b::BIGINT AS b FROM (VALUES (NULL, 9223372036854775807), "
        "(-2147483648, -9223372036854775808), (2147483647, NULL), (0, 0), (-1, -1)) "
        "v(a, b)";
    for (int i = 0; i < 2; i++) {
        table_insert(f, t, rows);
        t->scan.files[i].sequence_number = i + 1;
    }
    const int32_t a[] = {1, 0}, b[] = {2, 0};
    equality(f, t, 0, a, 2,
             parquet(f, "a", "SELECT unnest([NULL, -2147483648]::INT[]) AS a", "a: 1"));
    equality(f, t, 0, a, 3, parquet(f, "a2", "SELECT (-2147483648)::INT AS a", "a: 1"));
    equality(f, t, 0, a, 1, parquet(f, "a3", "SELECT 0::INT AS a", "a: 1"));
    const char *all = "SELECT a, b FROM raw.t ORDER BY ALL NULLS LAST";
    assert_string_equal(rows_of(f, all),
                        "-1|-1\n-1|-1\n0|0\n0|0\n2147483647|NULL\n2147483647|NULL\n"
                        "NULL|9223372036854775807\n");
    equality(
        f, t, 1, b, 3,
        parquet(f, "b", "SELECT unnest([9223372036854775807, NULL, -1]::BIGINT[]) AS b", "b: 2"));
    assert_string_equal(rows_of(f, all), "0|0\n0|0\n");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.t WHERE b > 0 OR a IS NULL"), "0\n");
    fails(f, TARN_DATA, "SELECT tarn_key_live(1, 0, 0, 0)");
}

/* Partitions: groups of the same columns that concern different files, and one that concerns all. */
static void test_scopes(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long, p: int>");
    for (int i = 0; i < 3; i++) {
        struct tarn_str sql =
            tarn_sprintf(&f->op, "SELECT i::BIGINT AS id, %d AS p FROM range(4) r(i)", i);
        table_insert(f, t, sql.ptr);
        t->scan.files[i].sequence_number = 1;
    }
    const int32_t id[] = {1, 0};
    for (size_t g = 0; g < 2; g++) {
        struct tarn_str sql = tarn_sprintf(&f->op, "SELECT %zu::BIGINT AS id", g);
        struct tarn_str name = tarn_sprintf(&f->op, "g%zu", g);
        equality(f, t, g, id, 2, parquet(f, name.ptr, sql.ptr, "id: 1"));
        t->scan.equality[g].files[0] = g; /* of that file only */
        t->scan.equality[g].file_count = 1;
    }
    const char *all = "SELECT p, string_agg(id, ',' ORDER BY id) FROM raw.t GROUP BY 1 ORDER BY 1";
    assert_string_equal(rows_of(f, all), "0|1,2,3\n1|0,2,3\n2|0,1,2,3\n");
    equality(f, t, 2, id, 2, parquet(f, "all", "SELECT 3::BIGINT AS id", "id: 1"));
    assert_string_equal(rows_of(f, all), "0|1,2\n1|0,2\n2|0,1,2\n");
    /* only what the deletes of the first two say, for a changelog */
    t->scan.equality_count = 0;
    t->scan.matching = t->scan.equality;
    t->scan.matching_count = 2;
    assert_string_equal(rows_of(f, all), "0|0\n1|1\n");
    t->scan.equality = &t->scan.matching[2];
    t->scan.equality_count = 1;
    assert_string_equal(rows_of(f, all), "0|0\n1|1\n");
    static const int64_t one[] = {1};
    t->scan.files[1].deleted = one;
    t->scan.files[1].deleted_count = 1;
    assert_string_equal(rows_of(f, all), "0|0\n");
    t->scan.matching_count = 0;
    t->scan.files[1].only_deleted = t->scan.files[0].only_deleted = true;
    assert_string_equal(rows_of(f, all), "1|1\n2|0,1,2\n");
}

/* The key was renamed and promoted, dropped, or lies in a struct. */
static void test_columns_that_changed(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "t",
                  "struct<id: int, gone: string, s: struct<x: int, y: int>, dec: decimal(5,2)>");
    table_insert(f, t,
                 "SELECT i::INT AS id, 'g' || i AS gone, {'x': i::INT, 'y': 0} AS s, "
                 "i::DECIMAL(5,2) AS dec FROM range(6) r(i)");
    t->scan.files[0].sequence_number = 1;
    /* the schema now: id is a long called key, gone is dropped */
    struct tarn_schema *both = tarn_alloc_array(&f->op, 2, sizeof *both);
    both[0] = t->schema;
    ok(f, tarn_schema_copy(&f->op, &t->schema, &both[1]));
    both[1].root.fields[0].name = TARN_STR("key");
    both[1].root.fields[0].type.kind = TARN_TYPE_LONG;
    both[1].root.fields[3].type.precision = 20;
    both[1].root.fields[1] = both[1].root.fields[2];
    both[1].root.fields[2] = both[1].root.fields[3];
    both[1].root.field_count = 3;
    t->schema = both[1];
    t->metadata.schemas = both;
    t->metadata.schema_count = 2;
    const int32_t id[] = {1, 0}, gone[] = {2, 0}, x[] = {5, 0}, dec[] = {4, 0};
    const char *all = "SELECT string_agg(key, ',' ORDER BY key) FROM raw.t";
    equality(f, t, 0, id, 2, parquet(f, "id", "SELECT 0::INT AS id", "id: 1"));
    equality(f, t, 0, id, 2, parquet(f, "key", "SELECT 1::BIGINT AS key", "key: 1"));
    assert_string_equal(rows_of(f, all), "2,3,4,5\n");
    equality(f, t, 1, gone, 2, parquet(f, "gone", "SELECT 'g2' AS gone", "gone: 2"));
    assert_string_equal(rows_of(f, all), "3,4,5\n");
    equality(f, t, 2, x, 2,
             parquet(f, "x", "SELECT {'x': 3::INT} AS s", "s: {__duckdb_field_id: 3, x: 5}"));
    assert_string_equal(rows_of(f, all), "4,5\n");
    equality(f, t, 3, dec, 2, parquet(f, "dec", "SELECT 4::DECIMAL(5,2) AS dec", "dec: 4"));
    assert_string_equal(rows_of(f, all), "5\n");
    t->scan.nested_by_id = true;
    fails(f, TARN_UNSUPPORTED, "SELECT key FROM raw.t");
    t->scan.nested_by_id = false;
    t->scan.equality[0].field_ids[0] = 99;
    fails(f, TARN_UNSUPPORTED, "SELECT key FROM raw.t");
    assert_non_null(strstr(f->op.report.message, "99"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_by_one_column),   T(test_all_younger), T(test_nulls_and_several_columns),
        T(test_sets_of_numbers), T(test_scopes),      T(test_columns_that_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
