/* iceberg_fixture: an op for each test, and short ways to types, values and files. */
#ifndef TARN_TEST_ICEBERG_FIXTURE_H
#define TARN_TEST_ICEBERG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "format/iceberg/metadata.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* cmocka's setup and teardown: *state is a struct tarn_op. */
int ice_setup(void **state);
int ice_teardown(void **state);

/* Fails the test, with the report's text, unless the status is TARN_OK. */
void ice_ok(struct tarn_op *op, enum tarn_status status);
/* Fails the test unless `status` is `wanted` and the message holds `part` (NULL: any). Clears the report. */
void ice_fails(struct tarn_op *op, enum tarn_status status, enum tarn_status wanted,
               const char *part);
void ice_text_is(struct tarn_str s, const char *z);

struct tarn_type ice_type(struct tarn_op *op, const char *text);
/* A value out of text; "null" is null. */
struct tarn_value ice_value(struct tarn_op *op, const struct tarn_type *t, const char *text);
const struct tarn_json *ice_json(struct tarn_op *op, const char *text);
struct tarn_str ice_type_json(struct tarn_op *op, const struct tarn_type *t);
/* A file below tests/unit/format/data. */
struct tarn_str ice_file(struct tarn_op *op, const char *name);
/* `text` with the first `from` replaced by `to`; fails the test if there is none. */
struct tarn_str ice_replaced(struct tarn_op *op, struct tarn_str text, const char *from,
                             const char *to);
/* Runs fn with the 1st, 2nd, ... allocation failing until it passes: every failure must be TARN_NOMEM. */
void ice_alloc_sweep(enum tarn_status (*fn)(struct tarn_op *op, void *arg), void *arg);

#endif
