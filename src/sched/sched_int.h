/* sched_int: what the files of sched/ share. */
#ifndef TARN_SCHED_INT_H
#define TARN_SCHED_INT_H

#include "sched/run.h"

/* ---- resolve.c */

/* What stands first in a workspace: names of SQL as its tables. */
struct tarn_resolver tarn__resolver(void);

/* ---- lease.c */

/* A folder for temporary files of this process: <state>/tmp/<pid>, or one below TMPDIR. Folders
 * of processes that are gone are removed. Only the one
 * above it is made here. */
enum tarn_status tarn__temp_folder(struct tarn_op *op, struct tarn_str state,
                                   struct tarn_str *out) TARN_MUST_USE;
/* One run a project at a time: TARN_LOCKED names the holder. The lock ends with the process. */
enum tarn_status tarn__lease_take(struct tarn_op *op, struct tarn_str state, struct tarn_str run_id,
                                  int *out_fd) TARN_MUST_USE;
void tarn__lease_release(int fd);
enum tarn_status tarn__folder_make(struct tarn_op *op, struct tarn_str path) TARN_MUST_USE;
void tarn__folder_remove(struct tarn_op *op,
                         struct tarn_str path); /* with all below; best effort */

/* ---- model.c: one model's table, staged */

struct tarn__made {
    struct tarn_change *change; /* NULL: up to date */
    bool foreign;               /* the table's rows are not those that the model left */
    int64_t rows, rows_deleted, files, bytes;
    struct tarn_str reason;
    struct tarn_type result; /* the model's own columns */
    struct tarn_str retyped; /* a merge whose columns get other types: which; absent = none */
};
struct tarn__build {
    struct tarn_workspace *w;
    struct tarn_flow flow;
    struct tarn_op *op;
    bool full_refresh;
};
/* The watermark that the model's table would have now: {"v":1,"hash":..,"inputs":{..}}. */
enum tarn_status tarn__watermark(const struct tarn__build *b, const struct tarn_node *node,
                                 struct tarn_str *out) TARN_MUST_USE;
/* Why the model must run: absent = it need not. `table` may be NULL. */
enum tarn_status tarn__model_reason(const struct tarn__build *b, const struct tarn_node *node,
                                    const struct tarn_table *table, struct tarn_str watermark,
                                    struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn__model_make(const struct tarn__build *b, const struct tarn_node *node,
                                  struct tarn__made *out) TARN_MUST_USE;
/* merge.c: rows of `staged` files (the model's whole result) against the table; fills made,
 * removes the staged files if they are not used. */
enum tarn_status tarn__merge_rows(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_table *table, struct tarn_change *change,
                                  struct tarn_written *result,
                                  struct tarn__made *made) TARN_MUST_USE;
/* Rows of the table that a merge with the result would keep as they are though the result lacks
 * them. */
enum tarn_status tarn__count_kept(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_table *table, struct tarn_change *change,
                                  struct tarn_written *result, struct tarn__made *made,
                                  int64_t *out) TARN_MUST_USE;
enum tarn_status tarn__append_rows(const struct tarn__build *b, const struct tarn_model *model,
                                   const struct tarn_table *table, struct tarn_change *change,
                                   struct tarn_written *result,
                                   struct tarn__made *made) TARN_MUST_USE;
/* Same rows as the table's, audit columns aside? */
enum tarn_status tarn__same_rows(const struct tarn__build *b, const struct tarn_model *model,
                                 const struct tarn_table *table, const struct tarn_schema *schema,
                                 const struct tarn_written *result, bool *out) TARN_MUST_USE;
/* merge_keys.c: rows that share a key or have none: TARN_CHECK with a sample. */
enum tarn_status tarn__check_keys(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_written *result) TARN_MUST_USE;
/* "read_parquet(['a', 'b'])" */
void tarn__written_relation(struct tarn_buf *b, const struct tarn_written *written);

/* A hash and what a node reads, as text: {"v":1,"hash":..,"inputs":[["raw.x",snapshot,schema],..]}.
 * Views stand for what they read. */
enum tarn_status tarn__inputs_mark(const struct tarn__build *b, const struct tarn_node *node,
                                   uint64_t hash, struct tarn_str *out) TARN_MUST_USE;

/* ---- volatile.c */

/* Does the query ask the clock, chance or files? */
bool tarn__is_volatile(struct tarn_str sql);
/* Does a view that the node reads? */
bool tarn__reads_volatile(const struct tarn_node *node);

/* ---- check.c */

enum tarn_status tarn__check_run(const struct tarn__build *b, const struct tarn_check *check,
                                 struct tarn_step *step) TARN_MUST_USE;
/* What the check reads and asks now; absent: its answer depends on more than that (the clock,
 * chance). */
enum tarn_status tarn__check_mark(const struct tarn__build *b, const struct tarn_node *node,
                                  struct tarn_str *out) TARN_MUST_USE;
/* First rows of a query as a text table. */
enum tarn_status tarn__sample_rows(const struct tarn__build *b, struct tarn_sql_text sql, int rows,
                                   struct tarn_str *out) TARN_MUST_USE;

/* ---- passed.c */

struct tarn__passed {
    struct tarn_kvs checks; /* id -> mark */
    bool changed;
};
void tarn__passed_read(struct tarn_workspace *w, struct tarn_op *op, struct tarn__passed *out);
bool tarn__passed_holds(const struct tarn__passed *p, struct tarn_str id, struct tarn_str mark);
/* mark absent: it is not green any more. */
enum tarn_status tarn__passed_set(struct tarn__passed *p, struct tarn_op *op, struct tarn_str id,
                                  struct tarn_str mark) TARN_MUST_USE;
void tarn__passed_write(struct tarn_workspace *w, struct tarn_op *op, const struct tarn__passed *p);

/* ---- record.c */

/* A file of .tarn, replaced whole. It is not synced: nothing there is data. */
enum tarn_status tarn__state_write(struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str text) TARN_MUST_USE;

struct tarn__record {
    struct tarn_str folder;
    int64_t started_us;
};
enum tarn_status tarn__record_begin(struct tarn_workspace *w, struct tarn_op *op,
                                    const struct tarn_run_options *o, struct tarn_str id,
                                    struct tarn__record *out) TARN_MUST_USE;
/* staged: changes that were not published (their tables and files are listed). */
enum tarn_status tarn__record_end(struct tarn_workspace *w, struct tarn_op *op,
                                  const struct tarn__record *record,
                                  const struct tarn_run_options *o,
                                  const struct tarn_run_result *result,
                                  struct tarn_change *const *staged,
                                  size_t staged_count) TARN_MUST_USE;
/* Removes staged files of failed runs that are out of their time. */
enum tarn_status tarn__record_tidy(struct tarn_workspace *w, struct tarn_op *op) TARN_MUST_USE;

#endif
