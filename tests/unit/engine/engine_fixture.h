/* engine_fixture: an engine with a catalog in memory, whose tables are files that the tests write themselves. */
#ifndef TARN_TESTS_ENGINE_FIXTURE_H
#define TARN_TESTS_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/engine.h"
#include "format/batch_text.h"

#define TABLES_MAX 16

struct table {
    const char *ns, *name;
    struct tarn_schema schema;
    struct tarn_metadata metadata;
    struct tarn_partition_spec spec;
    struct tarn_scan scan;
    const char *view_sql; /* a view, if set */
    const char *view_ns;
    struct tarn_producer *rows;  /* a metadata table, if set */
    struct tarn_str last_filter; /* as text; absent: none */
    int plans;
};
struct fixture {
    struct tarn_op op;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_resolver resolver;
    char folder[64];
    struct table tables[TABLES_MAX];
    size_t count;
};

void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* A table of the columns of "struct<..>", ids from 1. */
struct table *table_add(struct fixture *f, const char *ns, const char *name, const char *type);
void table_view(struct fixture *f, const char *ns, const char *name, const char *sql);
/* Partitions by "day(ts)", ...; NULL ends the list. */
void table_partition(struct fixture *f, struct table *t, const char *const *exprs);
struct tarn_write table_write(struct fixture *f, struct table *t);
/* Writes the rows of a SELECT into the table's files. */
struct tarn_written table_insert(struct fixture *f, struct table *t, const char *sql);
void table_take(struct fixture *f, struct table *t, const struct tarn_written *w);

/* All rows as "a|b\n"; fails the test when the statement fails. */
const char *rows_of(struct fixture *f, const char *sql);
enum tarn_status try_rows(struct fixture *f, const char *sql, const char **out);
struct tarn_sql_text text_of(const char *sql);
void ok(struct fixture *f, enum tarn_status status);
/* Runs and must fail with this status; the report stays. */
void fails(struct fixture *f, enum tarn_status expected, const char *sql);

#endif
