/* Name mappings: the example of the specification, and what is refused. */
#include "iceberg_fixture.h"

#include "format/iceberg/mapping.h"

static const char EXAMPLE[] = "[{\"field-id\": 1, \"names\": [\"id\", \"record_id\"]},"
                              " {\"field-id\": 2, \"names\": [\"data\"]},"
                              " {\"names\": [\"junk\"]}, {\"field-id\": 9, \"names\": []},"
                              " {\"field-id\": 3, \"names\": [\"location\"], \"fields\": ["
                              "  {\"field-id\": 4, \"names\": [\"latitude\", \"lat\"]},"
                              "  {\"field-id\": 5, \"names\": [\"longitude\", \"a.b\"]}]}]";

static void the_example_of_the_specification(void **state)
{
    struct tarn_op *op = *state;
    const struct tarn_json *m, *below;
    ice_ok(op, tarn_mapping_parse(op, tarn_str_view(EXAMPLE), &m));
    assert_int_equal(tarn_mapping_id(tarn_mapping_by_name(m, TARN_STR("record_id"))), 1);
    assert_null(tarn_mapping_by_name(m, TARN_STR("latitude")));
    assert_null(tarn_mapping_by_name(m, TARN_STR("ID")));
    assert_int_equal(tarn_mapping_id(tarn_mapping_by_name(m, TARN_STR("junk"))), 0);
    assert_null(tarn_mapping_names(tarn_mapping_by_id(m, 9)));
    assert_null(tarn_mapping_by_id(m, 0));
    assert_null(tarn_mapping_by_id(m, 4));
    below = tarn_mapping_below(tarn_mapping_by_id(m, 3));
    assert_true(tarn_mapping_has_name(tarn_mapping_by_id(below, 4), TARN_STR("lat")));
    assert_int_equal(tarn_mapping_id(tarn_mapping_by_name(below, TARN_STR("a.b"))), 5);
    assert_null(tarn_mapping_below(tarn_mapping_by_id(m, 1)));
    assert_null(tarn_mapping_below(NULL));
    assert_null(tarn_mapping_by_name(NULL, TARN_STR("id")));
}

static void what_is_no_mapping(void **state)
{
    static const char *const bad[][2] = {
        {"{}", "no array"},
        {"[1]", "no object"},
        {"[{}]", "\"names\""},
        {"[{\"names\": \"a\"}]", "\"names\""},
        {"[{\"names\": [1]}]", "no text"},
        {"[{\"names\": [], \"field-id\": \"1\"}]", "\"field-id\""},
        {"[{\"names\": [], \"fields\": {}}]", "\"fields\""},
        {"[{\"names\": [\"a\", \"a\"]}]", "the name \"a\" twice"},
        {"[{\"names\": [\"a\"]}, {\"names\": [\"b\", \"a\"]}]", "the name \"a\" twice"},
        {"[{\"names\": [], \"field-id\": 1, \"fields\": [{\"names\": [], \"field-id\": 1}]}]",
         "the field id 1 twice"},
    };
    struct tarn_op *op = *state;
    const struct tarn_json *m;
    for (size_t i = 0; i < COUNT(bad); i++)
        ice_fails(op, tarn_mapping_parse(op, tarn_str_view(bad[i][0]), &m), TARN_CORRUPT,
                  bad[i][1]);
}

static enum tarn_status parse(struct tarn_op *op, void *arg)
{
    const struct tarn_json *m;
    return tarn_mapping_parse(op, tarn_str_view(arg), &m);
}

static void no_memory(void **state)
{
    static char text[sizeof EXAMPLE];
    (void)state;
    memcpy(text, EXAMPLE, sizeof text);
    ice_alloc_sweep(parse, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_example_of_the_specification, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(what_is_no_mapping, ice_setup, ice_teardown),
        cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
