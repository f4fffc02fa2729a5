/* catalog_fixture: what the tests of the catalog room share: an op, a catalog, a fresh folder and
 * its removal. */
#ifndef TARN_TEST_CATALOG_FIXTURE_H
#define TARN_TEST_CATALOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "catalog/catalog.h"

struct fixture {
    struct tarn_op op;
    struct tarn_catalog *c;
    char folder[64];
    char path[96]; /* of the catalog's file, in a folder that is yet to be made */
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

/* Opens (and makes) the SQLite catalog at f->path; catalog_name NULL: none. */
enum tarn_status open_sqlite(struct fixture *f, const char *catalog_name,
                             struct tarn_catalog **out);
/* Runs statements in a file past the catalog. */
void run_sql(const char *path, const char *sql);
/* The first column of the first row, "" for none: in the op's arena. */
const char *ask_sql(struct fixture *f, const char *sql);
/* The layout that Java's JdbcCatalog makes without views (V0), and PyIceberg before 0.12. */
extern const char v0_schema[];

static inline struct tarn_ident ident(const char *ns, const char *name)
{
    return (struct tarn_ident){tarn_str_view(ns), tarn_str_view(name)};
}
/* One swap; NULL = absent. */
enum tarn_status swap(struct fixture *f, struct tarn_catalog *c, struct tarn_ident id,
                      const char *expected, const char *next);
void make_namespace(struct fixture *f, const char *ns);
void assert_location(struct fixture *f, struct tarn_ident id, const char *location);

#define assert_ok(f, expr)                                                                \
    do {                                                                                  \
        enum tarn_status got_ = (expr);                                                   \
        if (got_ != TARN_OK)                                                              \
            fail_msg("%s: %s (%s)", tarn_status_info(got_)->name, (f)->op.report.message, \
                     (f)->op.report.detail);                                              \
    } while (0)
#define assert_status(f, expr, status_)                                                   \
    do {                                                                                  \
        enum tarn_status got_ = (expr);                                                   \
        if (got_ != (status_))                                                            \
            fail_msg("%s: %s (%s)", tarn_status_info(got_)->name, (f)->op.report.message, \
                     (f)->op.report.detail);                                              \
        assert_int_equal((f)->op.report.status, (status_));                               \
        assert_true((f)->op.report.message[0] != '\0');                                   \
    } while (0)
#define assert_str(s, z)            assert_true(tarn_str_is((s), (z)))
#define assert_contains(text, part) assert_non_null(strstr((text), (part)))

#endif
