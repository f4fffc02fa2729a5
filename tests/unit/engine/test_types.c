/* Types of format version 3, and values nested to any depth, both ways. */
#include "engine_fixture.h"

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

static void test_nanoseconds_with_zone(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "tz", "struct<id: int, ts: timestamptz_ns>");
    fails(f, TARN_UNSUPPORTED, "SELECT id FROM raw.tz");
    assert_non_null(strstr(f->op.report.message, "\"ts\""));
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(tarn_session_write(f->session, &f->op, text_of("SELECT 1 AS id, now() AS ts"),
                                        &write, &written),
                     TARN_UNSUPPORTED);
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
}

static void test_geometry(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "g", "struct<id: int, g: geometry>");
    struct tarn_written w =
        table_insert(f, t, "SELECT 1 AS id, 'POINT(1 2)'::GEOMETRY AS g UNION ALL SELECT 2, NULL");
    assert_string_equal(rows_of(f, "SELECT g FROM raw.g ORDER BY id"), "POINT (1 2)\nNULL\n");
    struct tarn_str schema =
        tarn_sprintf(&f->op, "SELECT logical_type FROM parquet_schema('%.*s') WHERE name = 'g'",
                     TARN_STR_ARG(w.files[0].path));
    assert_string_equal(rows_of(f, schema.ptr), "GeometryType(crs=<null>)\n");
    struct table *y = table_add(f, "raw", "y", "struct<g: geography>");
    struct tarn_write write = table_write(f, y);
    struct tarn_written written;
    struct tarn_sql_text text = text_of("SELECT 'POINT(1 2)'::GEOMETRY AS g");
    assert_int_equal(tarn_session_write(f->session, &f->op, text, &write, &written),
                     TARN_UNSUPPORTED);
    /* a geography that others wrote is read */
    table_take(f, y, &w);
    y->schema.root.fields[0].id = 2;
    assert_string_equal(rows_of(f, "SELECT g FROM raw.y WHERE g IS NOT NULL"), "POINT (1 2)\n");
    struct table *z = table_add(f, "raw", "z", "struct<g: geometry(srid:3857)>");
    write = table_write(f, z);
    assert_int_equal(tarn_session_write(f->session, &f->op, text, &write, &written),
                     TARN_UNSUPPORTED);
}

static void test_fixed(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "f", "struct<x: fixed[4]>");
    struct tarn_write write = table_write(f, t);
    struct tarn_written written;
    assert_int_equal(tarn_session_write(f->session, &f->op, text_of("SELECT 'abcd'::BLOB AS x"),
                                        &write, &written),
                     TARN_UNSUPPORTED);
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
        TEST(test_nanoseconds), TEST(test_nanoseconds_with_zone),
        TEST(test_unknown),     TEST(test_variant),
        TEST(test_geometry),    TEST(test_fixed),
        TEST(test_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
