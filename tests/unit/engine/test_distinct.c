/* tarn_count_distinct against the engine's own count(DISTINCT): nulls, zero, equal values, groups,
 * several threads, values that share their highest bits. */
#include "engine_fixture.h"

static void same(void **state, const char *value, const char *from)
{
    struct fixture *f = *state;
    char sql[1024];
    int64_t ours = -1, theirs = -2;
    snprintf(sql, sizeof sql, "SELECT tarn_count_distinct((%s)::UBIGINT) FROM %s", value, from);
    assert_int_equal(tarn_session_int(f->session, &f->op, tarn_str_view(sql), &ours), TARN_OK);
    snprintf(sql, sizeof sql, "SELECT count(DISTINCT (%s)::UBIGINT) FROM %s", value, from);
    assert_int_equal(tarn_session_int(f->session, &f->op, tarn_str_view(sql), &theirs), TARN_OK);
    assert_int_equal(ours, theirs);
}

static void test_counts(void **state)
{
    same(state, "i", "range(0) t(i)");
    same(state, "0", "range(5) t(i)");
    same(state, "NULL", "range(5) t(i)");
    same(state, "CASE WHEN i % 3 = 0 THEN NULL ELSE i % 7 END", "range(1000) t(i)");
    same(state, "i % 1000", "range(100000) t(i)"); /* one bucket */
    same(state, "hash(i)", "range(1000000) t(i)"); /* several threads */
    same(state, "hash(i % 300000)", "range(1000000) t(i)");
    same(state, "18446744073709551615 - i % 700", "range(100000) t(i)");
}

static void test_groups(void **state)
{
    struct fixture *f = *state;
    int64_t different = -1;
    const char *sql =
        "SELECT count(*) FILTER (WHERE ours <> theirs) FROM (SELECT i % 50 AS g, "
        "tarn_count_distinct(hash(i % 7000)) AS ours, count(DISTINCT hash(i % 7000)) AS theirs "
        "FROM range(200000) t(i) GROUP BY 1)";
    assert_int_equal(tarn_session_int(f->session, &f->op, tarn_str_view(sql), &different), TARN_OK);
    assert_int_equal(different, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counts, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(test_groups, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
