/* dml_int: DELETE, UPDATE and MERGE: which rows of a table change, what becomes of them, and the
 * files that say so.
 *
 *     tarn__dml_target   the table behind the name, and how the statement's expressions call it
 *     tarn__dml_plan     the files that may hold rows of it, bound as tarn."dml target"
 *     tarn__dml_select   a part of the statement: the rows that it changes, with their new values,
 *                        in a temporary table
 *     tarn__dml_finish   files, deletes, RETURNING, commit
 *
 * A part holds for each row where it stands ("tarn file", "tarn pos"; none for rows that are
 * inserted), which action applies to it ("tarn act", an index), the columns that stay as they were
 * ("tarn o<column>") and what the user's expressions made ("tarn v<action>_<n>"). All columns get
 * their final type when they are written, where a value that does not fit fails.
 */
#ifndef TARN_SQL_DML_INT_H
#define TARN_SQL_DML_INT_H

#include "sql/sql_int.h"

#define TARN__PATH_MAX  8
#define TARN__FROMS_MAX 8

/* ---- assignments */

struct tarn__set {
    size_t column;                                 /* of the table */
    const struct tarn_field *path[TARN__PATH_MAX]; /* the column, then a field inside of it .. */
    size_t depth;                                  /* 1: the whole column */
    size_t offset;                                 /* of the name in the statement */
    struct tarn_str expr; /* the user's (then of the statement's text) or ours; absent: DEFAULT */
    struct tarn_str slot; /* SQL of its value in the part's table; absent: it is in none */
    long row;             /* (a, b) = (SELECT ..): the row's number in the action; -1 = none */
    size_t row_column;
    struct tarn_type type; /* of the slot */
};
enum tarn__act { TARN__ACT_NOTHING, TARN__ACT_UPDATE, TARN__ACT_DELETE, TARN__ACT_INSERT };
struct tarn__row_query { /* the right side of (a, b) = (SELECT ..) */
    struct tarn_str query;
    size_t columns;
};
struct tarn__action {
    enum tarn__act act;
    struct tarn_str condition; /* absent: always */
    struct tarn__set *sets;
    size_t count, cap;
    struct tarn__row_query rows[16];
    size_t row_count;
};

/* ---- the statement */

struct tarn__dml {
    struct tarn__run *r;
    struct tarn_op *op;   /* what the change holds outlives the statement in a transaction */
    const char *what;     /* "delete", "update", "merge": of the table's properties */
    struct tarn_str with; /* "WITH a AS (..)"; may be empty */
    struct tarn__target target;
    struct tarn_table *table;
    const struct tarn_type *root;         /* the table's columns */
    const struct tarn_snapshot *snapshot; /* its rows; NULL = none */
    struct tarn_str alias;                /* what expressions call it */
    /* full names that expressions may use, and the aliases that stand for them */
    struct {
        struct tarn_str full, alias;
    } names[2];
    size_t name_count;
    struct tarn_str source; /* what MERGE's expressions call the source */
    bool copy_on_write, lineage;
    bool evolve; /* WITH SCHEMA EVOLUTION: the source may lack columns that * asks for */
    struct tarn_row_key by_key;     /* what merge-on-read deletes rows by; none: their place */
    const struct tarn_expr *filter; /* rows outside of it cannot be changed; NULL = any may be */
    struct tarn_scan *scan;
    struct tarn_change *change;
    struct tarn_str returning; /* absent: none */
    /* what RETURNING may name beside the target: relations of UPDATE .. FROM and DELETE .. USING */
    struct tarn__from {
        struct tarn_str alias;
        struct tarn_type row; /* STRUCT of its columns */
    } froms[TARN__FROMS_MAX];
    size_t from_count;
    /* columns by which a row is known to people; none: the table's first ones */
    size_t key[4];
    size_t key_count;
};

/* One part of the statement; see above. */
struct tarn__part {
    const char *name; /* of the temporary table */
    const char *what; /* EXPLAIN's: what rows it holds; NULL = there is no other part */
    struct tarn__action *actions;
    size_t count;
    bool standing;    /* its rows stand in the table: they have a place */
    bool source;      /* "tarn source" is the row number of MERGE's source row */
    bool conditional; /* "tarn act" tells which action it is */
    bool apart;       /* "tarn act" is a column of a query of its own; see tarn__dml_put_apart */
    bool outer; /* it also holds source rows without a partner, "tarn act" -1: no rows of it */
    /* FROM .. WHERE .., of ctx's statement */
    void (*from)(const struct tarn__dml *d, const struct tarn__part *p, struct tarn__compose *c);
    const void *ctx;
    int64_t rows; /* that change */
};

/* ---- dml.c: names, modes, the end */

/* WITH .. in front of the statement's first word, which is taken too. */
enum tarn_status tarn__dml_begin(struct tarn__dml *d, struct tarn__run *r,
                                 const char *verb) TARN_MUST_USE;
/* name [AS] alias; `stops`: words that are no alias. */
enum tarn_status tarn__dml_target(struct tarn__dml *d, const char *stops) TARN_MUST_USE;
enum tarn_status tarn__dml_returning(struct tarn__dml *d) TARN_MUST_USE; /* and the end */
/* The statement goes on with a table of these columns: its own, some of them wider, new ones behind
 * them. */
enum tarn_status tarn__dml_set_schema(struct tarn__dml *d,
                                      const struct tarn_schema *schema) TARN_MUST_USE;
/* An expression up to one of the stops; FROM of IS DISTINCT FROM is none. TARN_SQL if it is empty:
 * "expected <what>". */
enum tarn_status tarn__dml_expr(struct tarn__dml *d, const char *stops, const char *what,
                                struct tarn_str *out) TARN_MUST_USE;
/* A piece of the user's text, the target's full name in it exchanged for the alias. */
void tarn__dml_put(const struct tarn__dml *d, struct tarn__compose *c, struct tarn_str piece);
/* tarn."dml target" AS "alias" */
void tarn__dml_put_target(const struct tarn__dml *d, struct tarn__compose *c);
/* ", <other tables> WHERE <condition>", of what there is. */
void tarn__dml_put_where(const struct tarn__dml *d, struct tarn__compose *c, struct tarn_str tables,
                         struct tarn_str where);
void tarn__dml_put_alias(const struct tarn__dml *d, struct tarn__compose *c);
/* The index of a column by its name in any case; SIZE_MAX: none. */
size_t tarn__dml_column(const struct tarn_type *root, struct tarn_str name);
/* FROM temp.main."tarn rows" [WHERE ..]: the rows that actions `acts` (a set of 1 << act) apply to. */
void tarn__dml_put_rows(const struct tarn__part *p, unsigned acts, struct tarn_buf *b);
#define TARN__ACTS_ALL (1u << TARN__ACT_UPDATE | 1u << TARN__ACT_DELETE | 1u << TARN__ACT_INSERT)
/* Is there such an action? */
bool tarn__dml_has(const struct tarn__part *p, unsigned acts);
enum tarn_status tarn__dml_finish(struct tarn__dml *d, struct tarn__part *parts, size_t count,
                                  const char *tag) TARN_MUST_USE;
/* Drops what the statement made in the session; a report of a failure stays. */
void tarn__dml_end(struct tarn__dml *d, enum tarn_status status);
/* A statement of our own whose first value is a whole number. */
enum tarn_status tarn__dml_int(struct tarn__dml *d, struct tarn_buf *sql,
                               int64_t *out) TARN_MUST_USE; /* releases sql */
enum tarn_status tarn__dml_exec(struct tarn__dml *d, struct tarn_buf *sql) TARN_MUST_USE; /* too */

/* ---- dml_plan.c: files */

/* probe: a SELECT whose FROM names the table by tarn__dml_put_table, to learn which of its rows can
 * be meant; NULL: all. */
enum tarn_status tarn__dml_plan(struct tarn__dml *d,
                                const struct tarn_sql_text *probe) TARN_MUST_USE;
/* The same in two steps: the scan of d->filter, and its name. */
enum tarn_status tarn__dml_scan(struct tarn__dml *d) TARN_MUST_USE;
enum tarn_status tarn__dml_bind(struct tarn__dml *d) TARN_MUST_USE;
/* "ns"."name" AS "alias" */
void tarn__dml_put_table(const struct tarn__dml *d, struct tarn__compose *c);

/* ---- dml_condition.c */

/* The pieces that must all hold: what stands between AND outside of brackets; the whole if there is
 * an OR. A list that is longer than max is cut: the pieces that are left hold all the same. */
size_t tarn__condition_split(struct tarn_str condition, struct tarn_str *out, size_t max);
/* Without brackets around the whole. */
struct tarn_str tarn__condition_bare(struct tarn_str piece);
/* left = right, and no other comparison outside of brackets. */
bool tarn__condition_equality(struct tarn_str piece, struct tarn_str *left, struct tarn_str *right);

/* ---- delete_covered.c */

/* Where the condition is simple enough (*out_planned): plans the scan, and takes those files out of
 * it and out of the table of which every row meets the condition, by what the metadata says.
 * *out_rows: rows that go with them. The scan is not bound. */
enum tarn_status tarn__delete_covered(struct tarn__dml *d, struct tarn_str where, bool *out_planned,
                                      int64_t *out_rows) TARN_MUST_USE;

/* ---- dml_set.c: SET lists and values */

/* a = .., b.c = .., (x, y) = (..), * (`source`: the columns that it has; NULL: * is no SET list) */
enum tarn_status tarn__dml_take_sets(struct tarn__dml *d, struct tarn__action *a, const char *stops,
                                     const struct tarn_type *source) TARN_MUST_USE;
enum tarn_status tarn__dml_add_set(struct tarn__dml *d, struct tarn__action *a,
                                   struct tarn__set **out) TARN_MUST_USE;
/* All columns out of the source's of the same names. */
enum tarn_status tarn__dml_set_all(struct tarn__dml *d, struct tarn__action *a,
                                   const struct tarn_type *source) TARN_MUST_USE;
/* INSERT's columns, up to a closing bracket; all there are. Their values are still to come. */
enum tarn_status tarn__dml_take_columns(struct tarn__dml *d, struct tarn__action *a) TARN_MUST_USE;
enum tarn_status tarn__dml_all_columns(struct tarn__dml *d, struct tarn__action *a) TARN_MUST_USE;
/* Values, DEFAULT included, of a list up to a closing bracket: one a set from sets[first] on. */
enum tarn_status tarn__dml_take_values(struct tarn__dml *d, struct tarn__action *a,
                                       size_t first) TARN_MUST_USE;

/* ---- dml_value.c: from what the expressions made to what a column holds */

/* SQL of column `i` of a part's rows after the statement. */
enum tarn_status tarn__dml_new_value(struct tarn__dml *d, const struct tarn__part *p, size_t i,
                                     struct tarn_buf *b) TARN_MUST_USE;
/* SQL of what a set of action `k` makes of its column, or of the field inside of it. */
enum tarn_status tarn__dml_set_value(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                     const struct tarn__set *s, struct tarn_buf *b) TARN_MUST_USE;
/* A failure that was told is placed at the set's value. */
enum tarn_status tarn__dml_place_set(struct tarn__dml *d, const struct tarn__set *s,
                                     enum tarn_status status);
/* Is the expression one word: NULL? */
bool tarn__dml_is_null(struct tarn_str expr);

/* ---- dml_select.c: a part's rows */

/* The query of a part's rows. */
enum tarn_status tarn__dml_compose(struct tarn__dml *d, const struct tarn__part *p,
                                   struct tarn_sql_text *out) TARN_MUST_USE;
/* Checks the types of all values, then finds the rows. */
enum tarn_status tarn__dml_select(struct tarn__dml *d, struct tarn__part *p) TARN_MUST_USE;
/* dml_unique.c: each row of the table at most once. again: the same values twice are one change;
 * different ones, and any second match of a MERGE, are TARN_DATA naming the row. */
enum tarn_status tarn__dml_unique(struct tarn__dml *d, struct tarn__part *p,
                                  bool again) TARN_MUST_USE;
/* Behind FROM's tables: what "tarn act" is, where the engine refuses the name of an expression with
 * side effects: conditions with random(), or with operators that scans must not see into. */
void tarn__dml_put_apart(const struct tarn__dml *d, const struct tarn__part *p,
                         struct tarn__compose *c);
/* All conditions and values of actions as a list for SELECT, to see whether they mean something;
 * "1" if there are none. */
void tarn__dml_put_pieces(const struct tarn__dml *d, const struct tarn__action *actions,
                          size_t count, struct tarn__compose *c);
/* Does the part keep column `i` as it was? */
bool tarn__dml_keeps(const struct tarn__dml *d, const struct tarn__part *p, size_t i);

/* ---- dml_blame.c */

/* Places the failure of a value's expression, or of what its column should hold, at the expression:
 * after a part's rows were not found, or new rows were not written. `status` is returned. */
enum tarn_status tarn__dml_blame_value(struct tarn__dml *d, const struct tarn__part *p,
                                       enum tarn_status status) TARN_MUST_USE;
enum tarn_status tarn__dml_blame_cast(struct tarn__dml *d, const struct tarn__part *parts,
                                      size_t count, enum tarn_status status) TARN_MUST_USE;

/* ---- dml_write.c: files */

/* Rows that go and rows that come, into the change. */
enum tarn_status tarn__dml_write(struct tarn__dml *d, struct tarn__part *parts,
                                 size_t count) TARN_MUST_USE;

/* ---- dml_relation.c: relations of FROM clauses */

/* The alias that is given behind a relation, absent if none is; the table's whole name without the
 * catalog's, and its last part, absent if it is no table. */
enum tarn_status tarn__relation_name(struct tarn__dml *d, struct tarn_str piece,
                                     struct tarn_str *given, struct tarn_str *full,
                                     struct tarn_str *last) TARN_MUST_USE;
/* Fills d->froms if RETURNING asks for rows; the target is bound. What has no name that means its
 * row is left out. A part keeps the rows as "tarn f<index>". */
enum tarn_status tarn__dml_froms(struct tarn__dml *d, struct tarn_str from) TARN_MUST_USE;
/* The one that a token of the text names; NULL: none. Its columns as a list. */
const struct tarn__from *tarn__dml_from(const struct tarn__dml *d, struct tarn_str text,
                                        const struct tarn_sql_token *t);
void tarn__dml_put_star(const struct tarn__from *f, struct tarn_buf *b);
/* ", "tarn f0" AS "s", ..": them, and their columns that nobody else has, for RETURNING. */
void tarn__dml_put_froms(const struct tarn__dml *d, struct tarn_buf *b);

/* ---- dml_returning.c */

/* RETURNING's rows, into a temporary table. */
enum tarn_status tarn__dml_return(struct tarn__dml *d, const struct tarn__part *parts,
                                  size_t count) TARN_MUST_USE;
enum tarn_status tarn__dml_answer(struct tarn__dml *d) TARN_MUST_USE;

#endif
