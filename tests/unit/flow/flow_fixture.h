/* flow_fixture: a lake in a folder of its own, with an engine, for tests of what moves rows. Names
 * in SQL are the catalog's tables. */
#ifndef TARN_TESTS_FLOW_FIXTURE_H
#define TARN_TESTS_FLOW_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/flow.h"

struct flow_world {
    struct tarn_resolver resolver; /* first: the session calls back */
    struct tarn_delete_reader deletes;
    struct tarn_op op;
    char folder[64];
    struct tarn_storage *storage;
    struct tarn_catalog *catalog;
    struct tarn_lake lake;
    struct tarn_engine *engine;
    struct tarn_session *session;
    struct tarn_flow flow;
    int runs;
};

/* cmocka's setup and teardown; flow_reopen closes and opens all but the files (another process'
 * view). */
int flow_begin(void **state);
int flow_end(void **state);
void flow_open(struct flow_world *w, bool sqlite);
void flow_close(struct flow_world *w);
void flow_ok(struct flow_world *w, enum tarn_status status);
void flow_fails(struct flow_world *w, enum tarn_status status, enum tarn_status wanted,
                const char *part);

/* All rows as "a|b\n". */
const char *flow_rows(struct flow_world *w, const char *sql);
enum tarn_status flow_try_rows(struct flow_world *w, const char *sql, const char **out);
void flow_exec(struct flow_world *w, const char *sql);

/* A file below the world's folder; it looks as if it had been written long ago, a little later each
 * time. */
void flow_put(struct flow_world *w, const char *name, const char *text);
void flow_remove_file(struct flow_world *w, const char *name);
struct tarn_str flow_path(struct flow_world *w, const char *name); /* absolute */
size_t flow_count_files(struct flow_world *w, const char *below);

struct tarn_table *flow_table(struct flow_world *w, const char *name); /* "raw.t"; NULL if none */
/* Makes raw.<name> of a type with partitions (ended by NULL) and the rows of a SELECT (NULL:
 * none). */
void flow_create(struct flow_world *w, const char *name, const char *type,
                 const char *const *partitions, const char *rows);
void flow_insert(struct flow_world *w, const char *name, const char *rows);
void flow_drop(struct flow_world *w, const char *name);

/* A load of data/<*.json> into raw.t, as NDJSON. */
struct tarn_load flow_load(struct flow_world *w);
/* One run: plan and load. */
enum tarn_status flow_run(struct flow_world *w, const struct tarn_load *load,
                          struct tarn_loaded *out);
void flow_next_run(struct flow_world *w); /* a new run id and ingest_ts */

#endif
