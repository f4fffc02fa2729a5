/* Types of format version 3, and values nested to any depth, both ways. */
#include "engine_fixture.h"

#include <sys/stat.h>

static void test_nanoseconds(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "ns", "struct<id: int, ts: timestamp_ns>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT * FROM (VALUES (1, TIMESTAMP_NS '2024-01-01 00:00:00.123456789'), (2, NULL), (3, "
        "TIMESTAMP_NS '1969-12-31 23:59:59.999999999')) v(id, ts)");
    assert_string_equal(rows_of(f, "SELECT ts FROM raw.ns ORDER BY id"),
                        "2024-01-01 00:00:00.123456789\nNULL\n1969-12-31 23:59:59.999999999\n");
    assert_string_equal(
        rows_of(f, "SELECT id FROM raw.ns WHERE ts > TIMESTAMP_NS '2024-01-01 00:00:00.123456788'"),
        "1\n");
    /* the bounds are nanoseconds too */
    bool found = false;
    for (size_t i = 0; i < w.files[0].lower_count; i++)
        if (w.files[0].lower[i].id == 2) {
            int64_t v;
            memcpy(&v, w.files[0].lower[i].bytes.ptr, sizeof v);
            assert_int_equal(v, -1);
            found = true;
        }
    assert_true(found);
    (void)table_insert(f, t, "SELECT 4 AS id, TIMESTAMP '2024-06-01 00:00:00.5' AS ts");
    assert_string_equal(rows_of(f, "SELECT ts FROM raw.ns WHERE id = 4"),
                        "2024-06-01 00:00:00.500000000\n");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(
        tarn_session_write(f->session, &f->op,
                           text_of("SELECT 5 AS id, TIMESTAMP '3000-01-01 00:00:00' AS ts"), &write,
                           &written),
        TARN_DATA);
}

static const struct tarn_id_bytes *bound_of(const struct tarn_id_bytes *list, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].id == id)
            return &list[i];
    return NULL;
}

static const char *logical_of(struct fixture *f, const struct tarn_written *w, const char *name)
{
    struct tarn_str sql = tarn_sprintf(
        &f->op,
        "SELECT type, type_length, logical_type FROM parquet_schema('%.*s') WHERE name = '%s'",
        TARN_STR_ARG(w->files[0].path), name);
    return rows_of(f, sql.ptr);
}

/* The engine has no such type: what it is shown of the files is timestamp_ns. */
static void test_nanoseconds_with_zone(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "tz", "struct<id: int, ts: timestamptz_ns, s: struct<l: list<timestamptz_ns>>>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT 1 AS id, TIMESTAMP_NS '2024-01-01 00:00:00.123456789' AS ts, {'l': [TIMESTAMP_NS "
        "'1969-12-31 23:59:59.999999999', NULL]} AS s UNION ALL SELECT 2, NULL, NULL");
    const char *schema = logical_of(f, &w, "ts");
    assert_non_null(strstr(schema, "isAdjustedToUTC=1"));
    assert_non_null(strstr(schema, "NANOS"));
    assert_string_equal(rows_of(f, "SELECT ts, s.l FROM raw.tz ORDER BY id"),
                        "2024-01-01 00:00:00.123456789|[1969-12-31 "
                        "23:59:59.999999999, NULL]\nNULL|NULL\n");
    assert_string_equal(
        rows_of(f, "SELECT id FROM raw.tz WHERE ts > TIMESTAMP_NS '2024-01-01 00:00:00.123456788'"),
        "1\n");
    const struct tarn_id_bytes *lower = bound_of(w.files[0].lower, w.files[0].lower_count, 2);
    int64_t v;
    assert_non_null(lower);
    memcpy(&v, lower->bytes.ptr, sizeof v);
    assert_true(v == 1704067200123456789);
    /* microseconds of a zone become nanoseconds; what has no zone at all is not guessed */
    (void)table_insert(f, t, "SELECT 3 AS id, TIMESTAMPTZ '2024-06-01 02:00:00.5+02' AS ts");
    assert_string_equal(rows_of(f, "SELECT ts FROM raw.tz WHERE id = 3"),
                        "2024-06-01 00:00:00.500000000\n");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(tarn_session_write(f->session, &f->op,
                                        text_of("SELECT 4 AS id, TIMESTAMP '2024-06-01' AS ts"),
                                        &write, &written),
                     TARN_SCHEMA);
}

static void test_unknown(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "u", "struct<x: unknown, id: int, y: unknown>");
    struct tarn_written w = table_insert(f, t, "SELECT 1 AS id, NULL AS x");
    (void)table_insert(f, t, "SELECT 2 AS id");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.u ORDER BY id"),
                        "NULL|1|NULL\nNULL|2|NULL\n");
    assert_string_equal(rows_of(f, "SELECT count(*), count(x) FROM raw.u WHERE x IS NULL"),
                        "2|0\n");
    assert_string_equal(rows_of(f, "SELECT coalesce(x, 'none') FROM raw.u LIMIT 1"), "none\n");
    struct tarn_str schema = tarn_sprintf(
        &f->op, "SELECT name FROM parquet_schema('%.*s') OFFSET 1", TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, schema.ptr), "id\n");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(
        tarn_session_write(f->session, &f->op, text_of("SELECT 1 AS id, 5 AS x"), &write, &written),
        TARN_SCHEMA);
    struct table *n = table_add(f, "raw", "n", "struct<s: struct<a: int, x: unknown>>");
    write = table_write(f, n);
    assert_int_equal(tarn_session_write(f->session, &f->op,
                                        text_of("SELECT {'a': 1, 'x': NULL} AS s"), &write,
                                        &written),
                     TARN_UNSUPPORTED);
}

static void test_variant(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "v", "struct<id: int, v: variant>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT * FROM (VALUES (1, '{\"a\": 1, \"b\": [true, null]}'::JSON::VARIANT), (2, "
        "'text'::VARIANT), (3, NULL), (4, 1.5::DECIMAL(3,1)::VARIANT)) x(id, v)");
    assert_string_equal(rows_of(f, "SELECT v FROM raw.v ORDER BY id"),
                        "{\"a\":1,\"b\":[true,null]}\n\"text\"\nNULL\n1.5\n");
    assert_string_equal(rows_of(f, "SELECT v.a FROM raw.v WHERE id = 1"), "1\n");
    struct tarn_type type;
    ok(f,
       tarn_session_describe(f->session, &f->op, text_of("SELECT v, [v] AS l FROM raw.v"), &type));
    assert_int_equal(type.fields[0].type.kind, TARN_TYPE_VARIANT);
    assert_int_equal(type.fields[1].type.fields[0].type.kind, TARN_TYPE_VARIANT);
    assert_string_equal(rows_of(f, "SELECT [v] FROM raw.v WHERE id = 2"), "[\"text\"]\n");
    /* what is read is written again as it was */
    (void)table_insert(f, t, "SELECT id + 10 AS id, v FROM raw.v");
    assert_string_equal(rows_of(f, "SELECT variant_typeof(v), v FROM raw.v WHERE id = 11"),
                        "OBJECT(a, b)|{\"a\":1,\"b\":[true,null]}\n");
    (void)table_insert(f, t, "SELECT 20 AS id, [1, 2] AS v");
    assert_string_equal(rows_of(f, "SELECT v FROM raw.v WHERE id = 20"), "[1,2]\n");
    for (size_t i = 0; i < w.files[0].lower_count; i++)
        assert_int_not_equal(w.files[0].lower[i].id, 2);
    /* a null is none of the variants: others would not take it for one */
    struct tarn_str groups =
        tarn_sprintf(&f->op,
                     "SELECT path_in_schema, stats_null_count FROM parquet_metadata('%.*s') WHERE "
                     "path_in_schema LIKE 'v,%%' ORDER BY 1",
                     TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, groups.ptr), "v, metadata|1\nv, value|1\n");
}

/* Without nulls the engine's own writer does it, which shreds. */
static void test_variant_required(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "v", "struct<id: int, v: variant>");
    t->schema.root.fields[1].required = true;
    struct tarn_written w = table_insert(f, t, "SELECT i AS id, {'a': i} AS v FROM range(9) r(i)");
    struct tarn_str columns =
        tarn_sprintf(&f->op,
                     "SELECT count(*) FROM parquet_metadata('%.*s') WHERE path_in_schema = 'v, "
                     "typed_value, a, typed_value'",
                     TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, columns.ptr), "1\n");
    assert_string_equal(rows_of(f, "SELECT sum(v.a::INT) FROM raw.v"), "36\n");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(tarn_session_write(f->session, &f->op,
                                        text_of("SELECT 1 AS id, NULL::VARIANT AS v"), &write,
                                        &written),
                     TARN_DATA);
}

static void test_geometry(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "g", "struct<id: int, g: geometry>");
    struct tarn_written w =
        table_insert(f, t, "SELECT 1 AS id, 'POINT(1 2)'::GEOMETRY AS g UNION ALL SELECT 2, NULL");
    assert_string_equal(rows_of(f, "SELECT g FROM raw.g ORDER BY id"), "POINT (1 2)\nNULL\n");
    assert_non_null(strstr(logical_of(f, &w, "g"), "GeometryType(crs=<null>)"));
    struct table *z = table_add(f, "raw", "z", "struct<g: geometry(srid:3857)>");
    w = table_insert(f, z, "SELECT 'POINT(1 2)'::GEOMETRY AS g");
    assert_non_null(strstr(logical_of(f, &w, "g"), "GeometryType(crs=srid:3857)"));
    assert_string_equal(rows_of(f, "SELECT g FROM raw.z"), "POINT (1 2)\n");
}

/* Boxes as the spec has them: x:y, x:y:z, x:y:NaN:m. */
static void test_geometry_bounds(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "g",
                  "struct<a: geometry, b: geometry, c: geometry, d: geometry, e: list<geometry>>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT 'POINT (1 2)'::GEOMETRY AS a, 'POINT Z (1 2 3)'::GEOMETRY AS b, 'POINT M (1 2 "
        "4)'::GEOMETRY AS c, NULL::GEOMETRY AS d, ['POINT (1 2)'::GEOMETRY] AS e UNION ALL SELECT "
        "'LINESTRING "
        "(-5 0.5, 3 9)'::GEOMETRY, 'POINT Z (0 0 0)'::GEOMETRY, NULL, NULL, NULL");
    const struct tarn_data_file *file = &w.files[0];
    const double a_low[] = {-5, 0.5}, a_high[] = {3, 9}, b_high[] = {1, 2, 3};
    const struct tarn_id_bytes *low = bound_of(file->lower, file->lower_count, 1),
                               *high = bound_of(file->upper, file->upper_count, 1);
    assert_true(low && tarn_str_eq(low->bytes, tarn_str_of(a_low, sizeof a_low)));
    assert_true(high && tarn_str_eq(high->bytes, tarn_str_of(a_high, sizeof a_high)));
    high = bound_of(file->upper, file->upper_count, 2);
    assert_true(high && tarn_str_eq(high->bytes, tarn_str_of(b_high, sizeof b_high)));
    high = bound_of(file->upper, file->upper_count, 3);
    assert_true(high && high->bytes.len == 4 * sizeof(double));
    double c[4];
    memcpy(c, high->bytes.ptr, sizeof c);
    assert_true(c[0] == 1 && c[1] == 2 && c[2] != c[2] && c[3] == 4);
    assert_null(bound_of(file->lower, file->lower_count, 4));
    for (int32_t id = 5; id < 8; id++)
        assert_null(bound_of(file->lower, file->lower_count, id));
}

static void test_geography(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "g", "struct<id: int, g: geography, k: geography(srid:4326, karney)>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT 1 AS id, 'POINT(1 2)'::GEOMETRY AS g, 'LINESTRING (179 0, -179 1)'::GEOMETRY AS k "
        "UNION ALL SELECT 2, NULL, NULL");
    assert_string_equal(rows_of(f, "SELECT g, k FROM raw.g ORDER BY id"),
                        "POINT (1 2)|LINESTRING (179 0, -179 1)\nNULL|NULL\n");
    assert_non_null(strstr(logical_of(f, &w, "g"), "GeographyType(crs=<null>, algorithm=<null>)"));
    const char *k = logical_of(f, &w, "k");
    assert_non_null(strstr(k, "GeographyType(crs=srid:4326, algorithm="));
    assert_non_null(strstr(k, "KARNEY"));
    /* those of a plane would be wrong, so there are none */
    assert_null(bound_of(w.files[0].lower, w.files[0].lower_count, 2));
    assert_null(bound_of(w.files[0].upper, w.files[0].upper_count, 3));
    struct tarn_str bbox = tarn_sprintf(
        &f->op,
        "SELECT count(geo_bbox), count(stats_min_value) FROM parquet_metadata('%.*s') WHERE "
        "path_in_schema IN ('g', 'k')",
        TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, bbox.ptr), "0|0\n");
}

static void test_fixed(void **state)
{
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "f", "struct<id: int, x: fixed[4], m: map<string, fixed[1]>>");
    struct tarn_written w = table_insert(f, t,
                                         "SELECT * FROM (VALUES (1, 'abcd'::BLOB, MAP {'k': "
                                         "'z'::BLOB, 'n': NULL}), (2, NULL, NULL), "
                                         "(3, '\\x00\\xFF\\x01\\x02'::BLOB, MAP {})) v(id, x, m)");
    assert_string_equal(rows_of(f, "SELECT hex(x), hex(m['k']), len(map_keys(m)) FROM raw.f ORDER "
                                   "BY id"),
                        "61626364|7A|2\nNULL|NULL|NULL\n00FF0102|NULL|0\n");
    assert_string_equal(logical_of(f, &w, "x"), "FIXED_LEN_BYTE_ARRAY|4|NULL\n");
    assert_string_equal(rows_of(f, "SELECT id FROM raw.f WHERE x = 'abcd'::BLOB"), "1\n");
    assert_string_equal(rows_of(f, "SELECT id FROM raw.f WHERE x < 'a'::BLOB"), "3\n");
    const struct tarn_id_bytes *lower = bound_of(w.files[0].lower, w.files[0].lower_count, 2),
                               *upper = bound_of(w.files[0].upper, w.files[0].upper_count, 2);
    assert_true(lower && tarn_str_eq(lower->bytes, tarn_str_of("\x00\xFF\x01\x02", 4)));
    assert_true(upper && tarn_str_is(upper->bytes, "abcd"));
    struct stat st;
    assert_int_equal(stat(w.files[0].path.ptr, &st), 0);
    assert_int_equal(st.st_size, w.files[0].size_bytes);
    /* what is told of sizes is what the file has */
    struct tarn_str sizes = tarn_sprintf(
        &f->op,
        "SELECT sum(total_compressed_size)::BIGINT FROM parquet_metadata('%.*s') WHERE "
        "path_in_schema = 'x'",
        TARN_STR_ARG(w.files[0].path));
    for (size_t i = 0; i < w.files[0].column_size_count; i++)
        if (w.files[0].column_sizes[i].id == 2)
            assert_string_equal(
                rows_of(f, sizes.ptr),
                tarn_sprintf(&f->op, "%lld\n", (long long)w.files[0].column_sizes[i].count).ptr);
}

/* Dictionaries, plain pages, several row groups and nulls, packed in each way. */
static void test_fixed_pages(void **state)
{
    static const char *const codecs[] = {"zstd", "snappy", "gzip", "lz4", "uncompressed"};
    struct fixture *f = *state;
    struct table *t =
        table_add(f, "raw", "p", "struct<id: long, a: fixed[16], b: fixed[2], s: string>");
    const char *rows = "SELECT i AS id, unhex(md5(i::VARCHAR)) AS a, CASE WHEN i % 7 > 0 THEN "
                       "unhex(printf('%04x', i % 999)) END AS b, 's' || (i % 50) AS s FROM "
                       "range(300000) r(i)";
    for (size_t i = 0; i < sizeof codecs / sizeof codecs[0]; i++) {
        struct tarn_write write = table_write(f, t);
        struct tarn_written w;
        write.codec = tarn_str_view(codecs[i]);
        ok(f, tarn_session_write(f->session, &f->op, text_of(rows), &write, &w));
        table_take(f, t, &w);
        struct tarn_str left =
            tarn_sprintf(&f->op, "SELECT count(*), count(b) FROM (FROM raw.p EXCEPT ALL %s)", rows);
        assert_string_equal(rows_of(f, left.ptr), "0|0\n");
        assert_string_equal(
            rows_of(f, "SELECT count(*), count(DISTINCT a), count(b), sum(id) FROM raw.p"),
            "300000|300000|257142|44999850000\n");
        assert_string_equal(
            rows_of(f, "SELECT count(*) FROM raw.p WHERE b = unhex('0007') AND s <> 'x'"), "258\n");
        assert_string_equal(rows_of(f, "SELECT id FROM raw.p WHERE a = unhex(md5('4711'))"),
                            "4711\n");
        t->scan.file_count = 0;
    }
}

static void test_fixed_lengths(void **state)
{
    static const char *const bad[] = {"'abc'::BLOB", "'abcde'::BLOB", "''::BLOB"};
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "f", "struct<x: fixed[4]>");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tarn_str sql = tarn_sprintf(
            &f->op, "SELECT 'abcd'::BLOB AS x UNION ALL SELECT 'efgh'::BLOB UNION ALL SELECT %s",
            bad[i]);
        assert_int_equal(tarn_session_write(f->session, &f->op, text_of(sql.ptr), &write, &written),
                         TARN_DATA);
        assert_non_null(strstr(f->op.report.message, "column \"x\" is fixed[4], and a value has"));
        tarn_clear(&f->op);
    }
    assert_int_equal(
        tarn_session_write(f->session, &f->op, text_of("SELECT 'abcd' AS x"), &write, &written),
        TARN_SCHEMA);
    write.codec = TARN_STR("brotli");
    assert_int_equal(tarn_session_write(f->session, &f->op, text_of("SELECT 'abcd'::BLOB AS x"),
                                        &write, &written),
                     TARN_UNSUPPORTED);
    assert_string_equal(rows_of(f, tarn_sprintf(&f->op, "SELECT count(*) FROM glob('%.*s/*')",
                                                TARN_STR_ARG(write.folder))
                                       .ptr),
                        "0\n");
}

static void test_variants_inside(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "v",
                                "struct<id: int, s: struct<v: variant, k: int>, l: list<struct<w: "
                                "variant>>, m: map<string, "
                                "variant>>");
    struct tarn_written w = table_insert(
        f, t,
        "SELECT * FROM (VALUES (1, {'v': {'a': [1, NULL]}::VARIANT, 'k': 1}, [{'w': 'x'::VARIANT}, "
        "NULL, {'w': NULL}], MAP {'k': 1.5::VARIANT, 'n': NULL}), (2, NULL, NULL, NULL), (3, {'v': "
        "NULL, 'k': 3}, [], MAP {})) x(id, s, l, m)");
    struct tarn_str own = tarn_sprintf(
        &f->op,
        "SELECT DISTINCT typeof(s.v), typeof(l[1].w), typeof(m['k']) FROM read_parquet('%.*s')",
        TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, own.ptr), "VARIANT|VARIANT|VARIANT\n");
    assert_string_equal(rows_of(f,
                                "SELECT s.v::JSON, s.k, len(l), l[1].w::VARCHAR, l[2] IS NULL, "
                                "l[3] IS NULL, l[3].w IS NULL, m['k']::JSON, m['n'] IS NULL FROM "
                                "raw.v ORDER BY id"),
                        "{\"a\":[1,null]}|1|3|x|true|false|true|1.5|true\n"
                        "null|NULL|NULL|NULL|true|true|true|null|true\n"
                        "null|3|0|NULL|true|true|true|null|true\n");
    assert_string_equal(rows_of(f, "SELECT id FROM raw.v WHERE s.v IS NULL ORDER BY id"), "2\n3\n");
    assert_string_equal(rows_of(f, "SELECT s.v.a[1]::INT FROM raw.v WHERE id = 1"), "1\n");
    (void)table_insert(f, t, "SELECT id + 10 AS id, s, l, m FROM raw.v");
    assert_string_equal(rows_of(f, "SELECT s.v.a[1]::INT, m['k']::JSON FROM raw.v WHERE id = 11"),
                        "1|1.5\n");
}

static void test_deep(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(
        f, "raw", "deep",
        "struct<m: map<string, list<struct<u: uuid, b: binary, t: time, d: decimal(9,2), n: "
        "timestamp_ns, k: map<int, list<list<date>>>>>>>");
    (void)table_insert(
        f, t,
        "SELECT MAP {'a': [{'u': '01234567-89ab-cdef-0123-456789abcdef'::UUID, 'b': "
        "'\\x01\\xFF'::BLOB, 't': TIME '01:02:03.000004', 'd': 1.25::DECIMAL(9,2), 'n': "
        "TIMESTAMP_NS "
        "'2024-01-01 00:00:00.000000001', 'k': MAP {7: [[DATE '2024-02-29'], NULL, []]}}, NULL], "
        "'b': NULL} AS m");
    const char *rows = rows_of(f, "SELECT m FROM raw.deep");
    static const char *const pieces[] = {"01234567-89ab-cdef-0123-456789abcdef", "01:02:03.000004",
                                         "1.25", ".000000001", "2024-02-29"};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
        assert_non_null(strstr(rows, pieces[i]));
    assert_string_equal(rows_of(f, "SELECT hex(m['a'][1].b), m['a'][2] IS NULL, m['b'] IS NULL, "
                                   "m['a'][1].k[7][2] IS NULL, len(m['a'][1].k[7]) FROM raw.deep"),
                        "01FF|true|true|true|3\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nanoseconds), TEST(test_nanoseconds_with_zone), TEST(test_unknown),
        TEST(test_variant),     TEST(test_variant_required),      TEST(test_geometry),
        TEST(test_geography),   TEST(test_geometry_bounds),       TEST(test_fixed),
        TEST(test_fixed_pages), TEST(test_fixed_lengths),         TEST(test_variants_inside),
        TEST(test_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
