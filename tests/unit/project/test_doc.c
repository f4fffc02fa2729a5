/* test_doc: docs/project.md is what the schemas say. */
#include "fixture.h"

#include <stdio.h>

static void the_page_is_current(void **state)
{
    static char text[1 << 18];
    struct tarn_op op;
    struct tarn_str made;
    (void)state;
    FILE *file = fopen("docs/project.md", "rb"); /* scripts/docs writes it */
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    assert_int_equal(tarn_project_doc(&op, &made), TARN_OK);
    assert_string_equal(text, made.ptr);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_is_current)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
