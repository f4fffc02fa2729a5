/* run: carries out a project: ingest, models, checks, publication; and says beforehand what it
 * would do.
 *
 *   each node in the graph's order:  ingest  commits on its own
 *                                    model   is staged: metadata that no catalog points to
 *                                    check   reads what was staged
 *   all went well -> every staged table is published in one catalog transaction; else main stays
 *   as it was and the staged tables stay
 *   readable by the run's id (tarn sql --run) until the third failed run after it, or for seven
 *   days.
 *
 * A model is skipped when neither it nor a table that it reads has changed since it was last
 * published (table property tarn.model).
 */
#ifndef TARN_SCHED_RUN_H
#define TARN_SCHED_RUN_H

#include "sched/workspace.h"

enum tarn_step_status {
    TARN_STEP_OK,      /* did something */
    TARN_STEP_CURRENT, /* up to date */
    TARN_STEP_WARN,    /* a check of severity warn failed */
    TARN_STEP_FAILED,  /* report says why */
    TARN_STEP_SKIPPED, /* something that it reads failed */
    TARN_STEP_PLANNED  /* plan: would do something; reason says what */
};
extern const char *const tarn_step_status_names[];

struct tarn_step {
    const struct tarn_node *node;
    enum tarn_step_status status;
    /* one line for people: "3 new files", "raw.x has changed", "account_id 2999 is not in ..." */
    struct tarn_str reason;
    int64_t rows_in, rows_out; /* read and written (for plan: estimates); -1 = not known */
    int64_t rows_deleted;
    int64_t dead_letters, letters_resolved;
    int64_t bytes_in, bytes_out, files_in, files_out;
    int64_t snapshot_id;        /* 0 = none */
    uint64_t ns;                /* time it took */
    int64_t failing;            /* check: rows that offend */
    struct tarn_str sample;     /* check: the first ten of them as a text table */
    struct tarn_str all_sql;    /* check: a query for all of them */
    struct tarn_report *report; /* FAILED for another reason than a check */
};

struct tarn_run_options {
    const struct tarn_str *select, *exclude;
    size_t select_count, exclude_count;
    bool full_refresh;
    /* told when a step begins and when it has ended; may be NULL */
    void (*begin)(void *ctx, const struct tarn_node *node, size_t index, size_t count);
    void (*tell)(void *ctx, const struct tarn_step *step, size_t index, size_t count);
    void *tell_ctx;
};
struct tarn_run_result {
    struct tarn_str id;      /* "20260131T060000-3f2a" */
    struct tarn_step *steps; /* one a selected node, in order */
    size_t count;
    size_t published; /* tables */
    bool failed;
    bool up_to_date; /* nothing was written */
    int64_t dead_letters, warnings;
    uint64_t ns;
    enum tarn_status status; /* what the verb leaves with: OK, CHECK, or of the first failure */
    bool engaged;            /* it got as far as having an id and a record */
};
/* A failure of a step is in its step and in result->status; the return value is for what stops
 * the run as a whole (then the report says it). */
enum tarn_status tarn_run(struct tarn_workspace *, struct tarn_op *,
                          const struct tarn_run_options *,
                          struct tarn_run_result *out) TARN_MUST_USE;
/* What tarn_run would do, without writing anything. */
enum tarn_status tarn_run_plan(struct tarn_workspace *, struct tarn_op *,
                               const struct tarn_run_options *,
                               struct tarn_run_result *out) TARN_MUST_USE;

/* ---- records of runs: .tarn/runs/<id>/run.json */

struct tarn_run_record {
    struct tarn_str id;
    struct tarn_str status; /* "running", "ok", "failed" */
    int64_t started_us;
    struct tarn_strs select, exclude; /* nodes are NULL */
    bool full_refresh;
    struct tarn_ident *staged; /* tables that were staged and not published */
    struct tarn_str *staged_metadata;
    size_t staged_count;
};
/* id absent: the newest one that failed. TARN_NOT_FOUND. */
enum tarn_status tarn_run_record_read(struct tarn_workspace *, struct tarn_op *, struct tarn_str id,
                                      struct tarn_run_record *out) TARN_MUST_USE;
/* Names of the record's staged tables mean those from now on (tarn sql --run). */
enum tarn_status tarn_run_record_stage(struct tarn_workspace *, struct tarn_op *,
                                       const struct tarn_run_record *) TARN_MUST_USE;

#endif
