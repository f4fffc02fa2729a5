/* sql_fixture: a warehouse in a folder of its own with a conversation in SQL, for tests of
 * statements. A statement is one act: what it says is kept until the world ends. */
#ifndef TARN_TESTS_SQL_FIXTURE_H
#define TARN_TESTS_SQL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sql/sql.h"

struct sql_world {
    struct tarn_resolver resolver; /* first: the session calls back */
    struct tarn_delete_reader deletes;
    struct tarn_op op; /* lives as long as the world */
    char folder[64];
    struct tarn_storage *storage;
    struct tarn_storage *fault; /* what the lake works with instead; NULL = none */
    struct tarn_catalog *catalog;
    struct tarn_lake lake;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_sql_env env;
    struct tarn_sql *sql;
    struct tarn_table **pins;
    size_t pin_count, pin_cap;
    const char *notice; /* of the last statement, "" = none */
};

/* cmocka's setup and teardown. Namespace raw is there. */
int sql_begin(void **state);
int sql_end(void **state);

/* Runs a statement, which must succeed: "INSERT 3", "CREATE TABLE", "SELECT". Rows are read and
 * thrown away. */
const char *run(struct sql_world *w, const char *sql);
/* The rows of a statement as "a|b\n", in its order. */
const char *rows(struct sql_world *w, const char *sql);
/* A statement that must fail like this: `part` stands in the message, detail, hint or a frame.
 * The report is left in w->op.report until the next statement. */
void fails(struct sql_world *w, const char *sql, enum tarn_status wanted, const char *part);
enum tarn_status try_run(struct sql_world *w, const char *sql, const char **tag,
                         const char **rows_text);

struct tarn_table *table(struct sql_world *w, const char *name); /* "raw.t"; NULL if none */
/* The value of a table's property; NULL if none. */
const char *property(struct sql_world *w, const char *name, const char *key);
size_t count_files(struct sql_world *w, const char *below); /* "warehouse/raw/t" */
struct tarn_str path_of(struct sql_world *w, const char *name);
void sql_ok(struct sql_world *w, enum tarn_status status);
/* From now on the n-th storage call of the kinds given (enum tarn_storage_call) fails so; n = 0:
 * none does. */
void sql_fault(struct sql_world *w, long n, unsigned calls, enum tarn_status status);
long sql_fault_count(const struct sql_world *w); /* calls of those kinds since then */

#endif
