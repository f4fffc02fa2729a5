/* workspace: everything that a verb works with, opened together: project, storage, catalog,
 * engine, one session, and the names that
 * SQL may use.
 *
 * A name in SQL is looked up in this order: tables staged by this run, views of the project
 * (models of kind view), the catalog's tables.
 * Owner: the verb; one thread. Closing releases all; temporary files are removed, also those of
 * processes that are gone.
 */
#ifndef TARN_SCHED_WORKSPACE_H
#define TARN_SCHED_WORKSPACE_H

#include "engine/engine.h"
#include "flow/flow.h"
#include "project/project.h"
#include "sql/sql.h"

struct tarn_workspace_options {
    struct tarn_project_options project;
    bool outside;              /* --warehouse without a project: project is not looked for */
    struct tarn_str warehouse; /* outside: absolute or relative folder */
    struct tarn_str catalog_name;
    /* make the warehouse's catalog when there is none; else an empty warehouse has no tables */
    bool create;
    bool engine; /* open an engine and a session */
};

struct tarn_workspace {
    struct tarn_resolver resolver; /* first: the session calls back */
    struct tarn_delete_reader deletes;
    struct tarn_project *project;      /* NULL outside */
    struct tarn_graph *graph;          /* NULL until tarn_workspace_graph */
    struct tarn_str warehouse, folder; /* folder: the project's, or the warehouse outside */
    struct tarn_str state;             /* ".tarn" of the project; absent outside */
    struct tarn_str temp;              /* temporary folder of this process */
    struct tarn_storage *storage;
    struct tarn_catalog *catalog;
    struct tarn_lake lake;
    struct tarn_engine *engine;
    struct tarn_session *session;
    bool no_catalog; /* there is none yet: it looks empty, and what is made in it is lost */
    int threads;
    struct tarn_table **staged;
    size_t staged_count, staged_cap;
    struct tarn_temp_views temps; /* of the conversation */
    /* A transaction is open: tables of the catalog stay what they were at their first use. They
     * live in this op. */
    struct tarn_op *hold;
    struct tarn_table **held;
    size_t held_count, held_cap;
};

enum tarn_status tarn_workspace_open(struct tarn_op *op, const struct tarn_workspace_options *,
                                     struct tarn_workspace **out) TARN_MUST_USE;
void tarn_workspace_close(struct tarn_workspace *); /* NULL-safe */
/* What the table has; opens the engine where only that can count its rows. */
enum tarn_status tarn_workspace_totals(struct tarn_workspace *, struct tarn_op *,
                                       const struct tarn_table *,
                                       struct tarn_table_totals *out) TARN_MUST_USE;
/* Builds the project's graph (needs the engine). */
enum tarn_status tarn_workspace_graph(struct tarn_workspace *, struct tarn_op *) TARN_MUST_USE;
/* From now on the name means this staged table. */
enum tarn_status tarn_workspace_stage(struct tarn_workspace *, struct tarn_op *,
                                      struct tarn_table *) TARN_MUST_USE;
/* The table as SQL would see it: staged, else of the catalog (exact name, else the only one in
 * another case); *out NULL if there is none. */
enum tarn_status tarn_workspace_table(struct tarn_workspace *, struct tarn_op *, struct tarn_ident,
                                      struct tarn_table **out) TARN_MUST_USE;
/* "raw.x", "iceberg.raw.x", "a.b.c" (namespace a.b) as a person types it. TARN_TABLE with the
 * nearest name. */
enum tarn_status tarn_workspace_find(struct tarn_workspace *, struct tarn_op *,
                                     struct tarn_str text, struct tarn_table **out) TARN_MUST_USE;
/* The same, or "raw.x.branch_b", "raw.x.tag_v": the table as if that were main, with the snapshots on
 * the way back from it; *out_ref: "branch_b", absent for a table. */
enum tarn_status tarn_workspace_find_at(struct tarn_workspace *, struct tarn_op *,
                                        struct tarn_str text, struct tarn_table **out,
                                        struct tarn_str *out_ref) TARN_MUST_USE;
struct tarn_flow tarn_workspace_flow(struct tarn_workspace *, int64_t ingest_ts_us,
                                     struct tarn_str run_id);
/* A conversation in SQL over the workspace (needs the engine); closed before it. `op` must live as
 * long; statements may have ops of their own. */
enum tarn_status tarn_workspace_sql(struct tarn_workspace *, struct tarn_op *,
                                    struct tarn_sql **out) TARN_MUST_USE;

#endif
