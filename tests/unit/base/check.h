/* check: what the tests of this room share. */
#ifndef TARN_TEST_CHECK_H
#define TARN_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/op.h"

/* An op that must come up. */
struct tarn_op check_op(void);
/* The text of s is exactly z (and s is not absent). */
#define check_str(s, z) check_str_at((s), (z), __FILE__, __LINE__)
void check_str_at(struct tarn_str s, const char *z, const char *file, int line);
/* Runs fn once for each of its allocations with that one failing: every run must be TARN_OK or
 * TARN_NOMEM with a report, and the run without a failure TARN_OK. Leaks are the sanitizer's
 * business. */
void check_alloc_failures(enum tarn_status (*fn)(struct tarn_op *op, void *ctx), void *ctx);

#endif
