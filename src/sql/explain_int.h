/* explain_int: EXPLAIN [ANALYZE] of statements that change rows.
 *
 * The statement goes its usual way; where it would read rows the engine's plan is noted, and where it
 * would publish its change the change is thrown away (EXPLAIN) or published and told (ANALYZE).
 * Without r->explain all of these do nothing.
 */
#ifndef TARN_SQL_EXPLAIN_INT_H
#define TARN_SQL_EXPLAIN_INT_H

#include "sql/sql_int.h"

struct tarn__explain {
    bool analyze;
    struct tarn_str *lines;
    size_t count, cap;
    struct tarn_change *published; /* ANALYZE: what was committed or staged; NULL = nothing */
};
/* EXPLAIN in front of what stands next: which statement, NULL if it is the engine's to explain. The
 * words are then behind ANALYZE. */
const struct tarn__verb_row *tarn__explained_verb(struct tarn__words *w, bool *analyze, bool *with);
/* Runs the verb, whose words come next, and answers with the lines. */
enum tarn_status tarn__run_explained(struct tarn__run *r, const struct tarn__verb_row *verb,
                                     bool analyze) TARN_MUST_USE;

static inline bool tarn__only_explained(const struct tarn__run *r)
{
    return r->explain && !r->explain->analyze;
}
enum tarn_status tarn__explain_line(struct tarn__run *r, const char *fmt, ...)
    TARN_PRINTF(2, 3) TARN_MUST_USE;
/* The engine's plan of a query that the statement runs; what: a line above it, NULL = none. */
enum tarn_status tarn__explain_query(struct tarn__run *r, const char *what,
                                     struct tarn_sql_text text) TARN_MUST_USE;
/* The same query, but without any rows where the statement is only explained. */
enum tarn_status tarn__explain_empty(struct tarn__run *r, struct tarn_sql_text *text) TARN_MUST_USE;
/* In place of publishing: true, if the statement is only explained; the change is discarded. */
bool tarn__explain_discards(struct tarn__run *r, struct tarn_change *change);

/* CREATE TABLE without a query: nothing is read. */
enum tarn_status tarn__explain_refuse(struct tarn__run *r) TARN_MUST_USE;

struct tarn__dml;
/* explain_dml.c: the target's files, and how they change. whole: all rows go, unread. */
enum tarn_status tarn__explain_dml(struct tarn__dml *d, bool whole) TARN_MUST_USE;
struct tarn__insert;
enum tarn_status tarn__explain_insert(struct tarn__insert *x) TARN_MUST_USE;

#endif
