/* Filters that planning is given: out of the statement, bound to field ids, never too strict. */
#include "engine_fixture.h"

#define TYPES                                                                                    \
    "struct<id: long, k: int, nm: string, d: double, dt: date, ts: timestamp, tz: timestamptz, " \
    "am: decimal(18,2), am38: decimal(38,2), u: uuid,"                                           \
    " b: boolean, st: struct<a: int, c: string>, tm: time, f: float>"

static struct table *setup(struct fixture *f)
{
    struct table *t = table_add(f, "raw", "t", TYPES);
    table_view(f, "silver", "v", "select id, k, nm from raw.t where id > 5");
    return t;
}

static void expect(struct fixture *f, struct table *t, const char *where, const char *filter)
{
    struct tarn_str sql =
        tarn_sprintf(&f->op, "%s%s",
                     strncmp(where, "select", 6) == 0 || strncmp(where, "with", 4) == 0
                         ? ""
                         : "select * from raw.t where ",
                     where);
    t->last_filter = (struct tarn_str){NULL, 0};
    (void)rows_of(f, sql.ptr);
    const char *got = t->last_filter.ptr ? t->last_filter.ptr : "none";
    if (strcmp(got, filter) != 0) {
        fprintf(stderr, "%s\n  got      %s\n  expected %s\n", where, got, filter);
        fail();
    }
}

static void test_comparisons(void **state)
{
    struct fixture *f = *state;
    struct table *t = setup(f);
    expect(f, t, "id = 42", "id = 42");
    expect(f, t, "42 < id", "id > 42");
    expect(f, t, "k > 5 and nm = 'x'", "k > 5 and nm = 'x'");
    expect(f, t, "nm in ('a','b','c')", "nm in ('a', 'b', 'c')");
    expect(f, t, "nm like 'ab%'", "nm >= 'ab' and nm < 'ac'");
    expect(f, t, "dt >= date '2024-01-01' and dt < date '2024-02-01'",
           "dt >= 2024-01-01 and dt < 2024-02-01");
    expect(f, t, "date_trunc('month', ts) = '2024-02-01'",
           "ts >= 2024-02-01 00:00:00 and ts < 2024-03-01 00:00:00");
    expect(f, t, "tz >= timestamptz '2024-01-01 00:00:00+00'", "tz >= 2024-01-01 00:00:00+00:00");
    expect(f, t, "am > 5.5 and am38 <= -7.25", "am > 5.50 and am38 <= -7.25");
    expect(f, t, "u = '550e8400-e29b-41d4-a716-446655440000'",
           "u = 550e8400-e29b-41d4-a716-446655440000");
    expect(f, t, "b", "b = true");
    expect(f, t, "not b", "b = false");
    expect(f, t, "st.a = 5", "st.a = 5");
    expect(f, t, "nm is null", "nm is null");
    expect(f, t, "starts_with(nm, 'ab')", "nm starts with 'ab'");
    expect(f, t, "id + 1 = 5", "id = 4");
    expect(f, t, "k::bigint = 99999999999", "k = 99999999999");
    expect(f, t, "nm not in ('a', 'b')", "nm not in ('a', 'b')");
    expect(f, t, "d is null or d < 1.5", "d is null or d < 1.5");
}

static void test_floats_keep_nan_and_both_zeros(void **state)
{
    struct fixture *f = *state;
    struct table *t = setup(f);
    expect(f, t, "d > 1.5", "d > 1.5 or d is nan");
    expect(f, t, "d >= 0", "d >= -0.0 or d is nan");
    expect(f, t, "d = 0", "d >= -0.0 and d <= 0.0");
    expect(f, t, "d <= -0.0::double", "d <= 0.0");
    expect(f, t, "d in (0.0, 1.0)", "none");
    expect(f, t, "d::float = 1.5::float", "none");
}

static void test_unknown_is_no_filter(void **state)
{
    struct fixture *f = *state;
    struct table *t = setup(f);
    expect(f, t, "lower(nm) = 'a'", "none");
    expect(f, t, "id % 7 = 1", "none");
    expect(f, t, "id = 1 or lower(nm) = 'a'", "none");
    expect(f, t, "id > coalesce(getvariable('x'), 5)", "none");
    expect(f, t, "select * from raw.t", "none");
    expect(f, t, "select id from raw.t order by id limit 3", "none");
    expect(f, t,
           "with x as (select * from raw.t where id = 1), y as (select * from raw.t) select * from "
           "x, y",
           "none");
    expect(f, t, "lower(nm) = 'a' and id = 3", "id = 3");
}

static void test_scans_of_one_table_are_ored(void **state)
{
    struct fixture *f = *state;
    struct table *t = setup(f);
    expect(f, t, "select * from raw.t a, raw.t b where a.id = 1 and b.id = 2", "id = 1 or id = 2");
    expect(f, t, "select * from raw.t a join raw.t b on a.id = b.id where a.id = 42",
           "id = 42 or id = 42");
    expect(f, t, "select count(*) from silver.v where k = 2", "id > 5 and k = 2");
    expect(f, t, "with x as materialized (select * from raw.t) select * from x where id = 1",
           "id = 1");
    expect(f, t, "select * from raw.t where id = 1 union all select * from raw.t where id = 7",
           "id = 1 or id = 7");
}

/* The planner reads the clock before the engine does. */
static void test_clock_is_widened(void **state)
{
    struct fixture *f = *state;
    struct table *t = setup(f);
    expect(f, t, "id < epoch_us(now())", "none");
    t->last_filter = (struct tarn_str){NULL, 0};
    (void)rows_of(f,
                  "select * from raw.t where ts = timestamp '2024-01-05 12:00:00' and tz < now()");
    assert_non_null(t->last_filter.ptr);
    assert_non_null(
        strstr(t->last_filter.ptr, "ts >= 2024-01-04 12:00:00 and ts <= 2024-01-06 12:00:00"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_comparisons, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_floats_keep_nan_and_both_zeros, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_unknown_is_no_filter, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_scans_of_one_table_are_ored, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_clock_is_widened, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
