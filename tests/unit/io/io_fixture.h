/* io_fixture: what the tests of the storage room share: an op, a storage over a fresh root, and its
 * removal. */
#ifndef TARN_TEST_IO_FIXTURE_H
#define TARN_TEST_IO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/storage/storage.h"

struct fixture {
    struct tarn_op op;
    struct tarn_storage *s;
    char folder[64]; /* a fresh folder; always there */
    char
        root[80]; /* the prefix under which the storage's objects go: the folder, or "mem://test" */
};

/* The op and the folder, no storage. */
struct fixture *fixture_new(void);
/* Closes the storage and removes the folder with all in it. */
void fixture_free(struct fixture *f);
/* A path below the root, in the op's arena. */
struct tarn_str at(struct fixture *f, const char *rel);
/* The file of that name below the folder, straight from the disk. */
const char *file(struct fixture *f, const char *rel);
/* Writes a file past any storage. */
void scribble(struct fixture *f, const char *rel, const char *text);
/* Names of all entries below the folder whose name begins with the prefix (temporary files). */
int count_entries(struct fixture *f, const char *prefix);

#define assert_ok(f, expr)                                                            \
    do {                                                                              \
        enum tarn_status got_ = (expr);                                               \
        if (got_ != TARN_OK)                                                          \
            fail_msg("%s: %s", tarn_status_info(got_)->name, (f)->op.report.message); \
    } while (0)
#define assert_status(f, expr, status_)                     \
    do {                                                    \
        assert_int_equal((expr), (status_));                \
        assert_int_equal((f)->op.report.status, (status_)); \
        assert_true((f)->op.report.message[0] != '\0');     \
        tarn_clear(&(f)->op);                               \
    } while (0)
#define assert_str(s, z) assert_true(tarn_str_is((s), (z)))

#endif
