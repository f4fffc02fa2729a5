/* Writing and reading back: types, field ids, nulls, statistics, partitions, strictness. */
#include "engine_fixture.h"

#include <math.h>
#include <unistd.h>

#define ALL_TYPES                                                                                                                                             \
    "struct<b: boolean, i: int, l: long, f: float, d: double, d4: decimal(4,2), d9: decimal(9,2), d18: decimal(18,3), d38: decimal(38,10), dt: date, tm: time," \
    " ts: timestamp, tz: timestamptz, s: string, u: uuid, bin: binary, st: struct<x: int, y: string>, li: list<struct<a: long, t: list<string>>>,"             \
    " ma: map<string, decimal(9,2)>>"

#define ALL_ROW                                                                                                                                                \
    "true b, 7::int i, -9000000000 l, 1.5::float f, -2.25::double d, -12.34::decimal(4,2) d4, 1234567.89::decimal(9,2) d9, 123456789012345.678::decimal(18,3) d18," \
    " -1234567890123456789012345678.0123456789::decimal(38,10) d38, date '1969-12-31' dt, time '23:59:59.999999' tm, timestamp '1969-12-31 23:59:59.5' ts,"     \
    " timestamptz '2024-02-29 12:00:00+02' tz, 'größe ''x''' s, '550e8400-e29b-41d4-a716-446655440000'::uuid u, '\\x00\\xFFab'::blob bin,"                      \
    " {'x': 1, 'y': 'why'} st, [{'a': 1, 't': ['p', NULL]}, NULL, {'a': NULL, 't': []}] li, map {'k1': 1.25::decimal(9,2), 'k2': NULL} ma"

static void test_all_types(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", ALL_TYPES);
    table_insert(f, t, "SELECT " ALL_ROW " UNION ALL BY NAME SELECT NULL::int AS i");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE i IS NOT NULL"),
                        "true|7|-9000000000|1.5|-2.25|-12.34|1234567.89|123456789012345.678|-1234567890123456789012345678.0123456789|1969-12-31|23:59:59.999999|"
                        "1969-12-31 23:59:59.500000|2024-02-29 10:00:00+00|größe 'x'|550e8400-e29b-41d4-a716-446655440000|\\x00\\xFFab|{x: 1, y: why}|"
                        "[{a: 1, t: [p, NULL]}, NULL, {a: NULL, t: []}]|{k1: 1.25, k2: NULL}\n");
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t WHERE i IS NULL"),
                        "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL\n");
    assert_string_equal(rows_of(f, "SELECT count(*), count(i) FROM iceberg.raw.t"), "2|1\n");
}

static void test_field_ids(void **state)
{
    struct fixture *f = *state;
    char sql[512];
    struct table *t = table_add(f, "raw", "t", ALL_TYPES);
    struct tarn_written w = table_insert(f, t, "SELECT " ALL_ROW);
    assert_int_equal(w.count, 1);
    snprintf(sql, sizeof sql, "SELECT name, field_id FROM parquet_schema('%s') WHERE name IN ('b','st','x','y','li','element','a','t','ma','key','value') ORDER BY field_id, name",
             w.files[0].path.ptr);
    assert_string_equal(rows_of(f, sql), "b|1\nst|17\nli|18\nma|19\nx|20\ny|21\nelement|22\na|23\nt|24\nelement|25\nkey|26\nvalue|27\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_types, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_field_ids, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
