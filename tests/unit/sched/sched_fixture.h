/* sched_fixture: a project in a folder of its own, run as the program would, each time from
 * scratch; what a run said is kept as text. */
#ifndef TARN_TESTS_SCHED_FIXTURE_H
#define TARN_TESTS_SCHED_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sched/run.h"

#define STEPS_MAX 32

struct said { /* of one step */
    char id[64];
    enum tarn_step_status status;
    char reason[256];
    char sample[1024];
    char message[512], detail[1024], hint[512]; /* of its report */
    int64_t rows_out, rows_deleted, failing;
};
struct sched_world {
    char folder[64];
    struct tarn_op op;
    struct tarn_workspace *w;
    /* the last run */
    char run_id[64];
    enum tarn_status status, result_status;
    char message[TARN_REPORT_TEXT];
    bool failed, up_to_date;
    size_t published;
    struct said steps[STEPS_MAX];
    size_t count;
};

/* A project with sources docs*.json -> raw.docs and other*.json -> raw.other, and no models. */
int sched_begin(void **state);
int sched_end(void **state);
void sched_put(struct sched_world *w, const char *name, const char *text);
void sched_remove(struct sched_world *w, const char *name);
bool sched_exists(struct sched_world *w, const char *name);
size_t sched_count_files(struct sched_world *w, const char *below);

void sched_open(struct sched_world *w); /* a workspace with an engine; the one before is closed */
void sched_ok(struct sched_world *w, enum tarn_status status);
/* A run of everything (or of one selector); statuses are kept, the workspace is left open for
 * questions about what is published. */
void sched_run(struct sched_world *w);
void sched_run_with(struct sched_world *w, const struct tarn_run_options *o);
void sched_run_ok(struct sched_world *w);
void sched_plan(struct sched_world *w);
const struct said *sched_step(struct sched_world *w, const char *id);
void sched_is(struct sched_world *w, const char *id, enum tarn_step_status status);
/* Rows of a query over what is published, as "a|b\n". */
const char *sched_rows(struct sched_world *w, const char *sql);
const char *sched_rows_open(struct sched_world *w, const char *sql); /* in the workspace as it is */
struct tarn_table *sched_table(struct sched_world *w, const char *ns,
                               const char *name); /* NULL: none */
int64_t sched_snapshot(struct sched_world *w, const char *ns, const char *name);
/* Publishes metadata made by hand as the table's next version. */
void sched_publish(struct sched_world *w, const struct tarn_table *base,
                   const struct tarn_metadata *next);

#endif
