/* sql: a conversation in SQL with an Iceberg warehouse: queries, and all statements that change
 * something: INSERT, UPDATE, DELETE, MERGE, DDL, branches and tags, CALL, BEGIN and COMMIT.
 *
 * What reads goes to the engine as it is. What changes is taken apart here into clauses; queries,
 * conditions and expressions inside stay text that the engine runs over the tables' scans; the
 * result becomes one change (lake/change.h) and one commit. A statement that fails leaves table,
 * staging and files as they were.
 *
 * Inside BEGIN .. COMMIT every table that is named stays at the version of its first use, changes
 * are seen by the statements that follow, and COMMIT publishes all tables in one catalog
 * transaction. A failed statement leaves the transaction as it was before it.
 * Owner: one thread; one statement at a time.
 */
#ifndef TARN_SQL_H
#define TARN_SQL_H

#include "flow/flow.h"

/* Views of the session (temp_view.c), in front of the catalog's names of one part; on the heap. */
struct tarn_temp_view {
    char *name, *sql, *ns;   /* ns: where its names of one part are looked up; NULL = anywhere */
    struct tarn_str *refers; /* the temporary views that it reads */
    size_t refers_count;
};
struct tarn_temp_views {
    struct tarn_temp_view *items;
    size_t count;
};
const struct tarn_temp_view *tarn_temp_view(const struct tarn_temp_views *, struct tarn_str name);
void tarn_temp_views_release(struct tarn_temp_views *);

/* What a conversation works with; borrowed, longer alive than it. */
struct tarn_sql_env {
    struct tarn_flow flow;     /* lake, engine, session */
    struct tarn_str warehouse; /* new tables lie in <warehouse>/<ns>/<name> */
    /* what the resolver finds under TARN_NS_TEMPORARY; NULL: there can be none */
    struct tarn_temp_views *temps;
    void *ctx;
    /* The table as SQL sees it (pinned, staged, catalog); *out NULL if there is none. */
    enum tarn_status (*find)(void *ctx, struct tarn_op *, struct tarn_ident,
                             struct tarn_table **out);
    /* From now on the name means this version; NULL table: what the catalog says again. */
    enum tarn_status (*pin)(void *ctx, struct tarn_op *, struct tarn_ident, struct tarn_table *);
    /* From now on every table of the catalog that a name means stays at its version, in this op's
     * memory; NULL: no longer. A transaction's. */
    void (*hold)(void *ctx, struct tarn_op *);
    /* All "ns.name" there are. */
    enum tarn_status (*names)(void *ctx, struct tarn_op *, struct tarn_str **out,
                              size_t *out_count);
};
struct tarn_sql;

enum tarn_status tarn_sql_open(struct tarn_op *, const struct tarn_sql_env *,
                               struct tarn_sql **out) TARN_MUST_USE;
void tarn_sql_close(struct tarn_sql *); /* NULL-safe; an open transaction is rolled back */
bool tarn_sql_in_transaction(const struct tarn_sql *);

struct tarn_answer {
    struct tarn_result *result; /* rows to read, the caller closes it; NULL = none */
    struct tarn_str tag;        /* "INSERT", "CREATE TABLE": as PostgreSQL names commands */
    int64_t rows;               /* that the statement inserted, updated, deleted; -1 = none of it */
    struct tarn_str notice;     /* one line for people: "table x is there already"; may be absent */
};
/* One statement (a semicolon at its end is fine). The answer lives in op->arena. */
enum tarn_status tarn_sql_run(struct tarn_sql *, struct tarn_op *, struct tarn_sql_text,
                              struct tarn_answer *out) TARN_MUST_USE;

/* Cuts a script: the first statement from *at on, without its semicolon; false when only space and
 * comments are left. *at moves behind it. *complete: a semicolon ended it. */
bool tarn_sql_next(struct tarn_str script, size_t *at, struct tarn_str *out, bool *complete);

#endif
