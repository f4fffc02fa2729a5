/* INSERT: what slt files cannot reach. */
#include "sql_fixture.h"

static void select_works(void **state)
{
    struct sql_world *w = *state;
    assert_string_equal(rows(w, "SELECT 1, 'a'"), "1|a\n");
    fails(w, "SELECT * FROM raw.nothing", TARN_TABLE, "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(select_works, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
