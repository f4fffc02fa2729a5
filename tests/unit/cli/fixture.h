/* fixture: an op for each test, and texts. */
#ifndef TARN_TESTS_CLI_FIXTURE_H
#define TARN_TESTS_CLI_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/op.h"

int fixture_setup(void **state); /* *state: a struct tarn_op */
int fixture_teardown(void **state);
/* Zero-terminated; a few at a time. */
const char *text_of(struct tarn_str s);
#define assert_str(s, z) assert_string_equal(text_of(s), (z))
/* The whole file; the test fails if it cannot be read. */
char *file_text(const char *path, char *out, size_t size);
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
