/* merge_int: what the files of MERGE share. */
#ifndef TARN_SQL_MERGE_INT_H
#define TARN_SQL_MERGE_INT_H

#include "sql/dml_int.h"

#define TARN__WHENS_MAX 32

/* What must hold of a target row that a source row may match, in terms of a column of it alone. */
struct tarn__merge_bound {
    size_t column;
    struct tarn_str sql; /* behind "alias"."column": " IN (1, 2)", " >= 1 AND .. " */
};
struct tarn__merge_clauses {
    struct tarn__action items[TARN__WHENS_MAX];
    size_t count;
};
struct tarn__merging {
    struct tarn_str source; /* a piece: what stands behind USING */
    struct tarn_str on;     /* a piece, or ours for USING (a, b) */
    struct tarn_type source_type;
    struct tarn__merge_clauses matched, missing, orphans; /* missing: NOT MATCHED [BY TARGET] */
    struct tarn__merge_bound bounds[8];
    size_t bound_count;
    struct tarn_str own[16]; /* conditions of ON that are about the target alone */
    size_t own_count;
    bool impossible; /* no source row can match anything */
};

/* ---- merge_parse.c */
enum tarn_status tarn__merge_parse(struct tarn__dml *d, struct tarn__merging *m) TARN_MUST_USE;
/* The WHEN clauses, of which there is one at least. */
enum tarn_status tarn__merge_whens(struct tarn__dml *d, struct tarn__merging *m) TARN_MUST_USE;

/* ---- merge_evolve.c */

/* WITH SCHEMA EVOLUTION, before the clauses are read: the table's columns grow by those of the
 * source that clauses assign to columns of their own name. */
enum tarn_status tarn__merge_evolve(struct tarn__dml *d, struct tarn__merging *m) TARN_MUST_USE;

/* ---- merge_bounds.c */

/* Takes ON apart: what the source's rows say about which target rows can match. The source lies in
 * temp.main."tarn source". */
enum tarn_status tarn__merge_bounds(struct tarn__dml *d, struct tarn__merging *m) TARN_MUST_USE;
void tarn__merge_put_bounds(const struct tarn__dml *d, const struct tarn__merging *m,
                            struct tarn__compose *c);

#endif
