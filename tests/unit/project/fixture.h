/* fixture: a project in a folder of its own, which is the working directory meanwhile, and
 * assertions on reports. */
#ifndef TARN_TESTS_PROJECT_FIXTURE_H
#define TARN_TESTS_PROJECT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "project/project.h"

struct fixture {
    struct tarn_op op;
    char folder[64];
    const char *environment[16]; /* of the project; no variable of the process gets through */
    struct tarn_project_options options;
    struct tarn_project *project;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
/* Writes a file of the project, with its folders. */
void put(struct fixture *f, const char *path, const char *text);
/* tarn.yaml with a profile `local`, a source `app`, and `more` behind. */
void put_project(struct fixture *f, const char *more);
void set_env(struct fixture *f, const char *variable);
/* Loads, and fails the test with the report if that does not work. */
const struct tarn_project *load(struct fixture *f);
/* Loading fails: status, message and "file:line:column" ("" = no place) are these, hint too when
 * not NULL. */
void load_fails(struct fixture *f, enum tarn_status status, const char *message, const char *place,
                const char *hint);
void report_is(struct fixture *f, enum tarn_status got, enum tarn_status status,
               const char *message, const char *place, const char *hint);
/* Refs out of the words behind "from" and "join". */
enum tarn_status words_refs(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                            struct tarn_table_refs *out);
/* Loads, builds; fails the test otherwise. */
const struct tarn_graph *graph(struct fixture *f);

#define assert_str(s, z) assert_string_equal(text_of(s), (z))
/* Zero-terminated; a few at a time. */
const char *text_of(struct tarn_str s);
#define T(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

#endif
