/* sql_int: what the files of sql/ share: the conversation, reading a statement's words, changes and
 * their commit.
 */
#ifndef TARN_SQL_INT_H
#define TARN_SQL_INT_H

#include "base/sql_token.h"
#include "sql/sql.h"

/* ---- words.c: reading a statement from left to right */

struct tarn__words {
    struct tarn_op *op;
    struct tarn_sql_text text;
    struct tarn_sql_token token; /* the next one */
    bool end;                    /* there is none */
};
void tarn__words_begin(struct tarn__words *w, struct tarn_op *op, struct tarn_sql_text text);
void tarn__skip(struct tarn__words *w);                  /* moves on by one token */
struct tarn_str tarn__word(const struct tarn__words *w); /* the next token's text, as written */
/* Is the next token this word or sign? several words: "IF NOT EXISTS" */
bool tarn__at(const struct tarn__words *w, const char *words);
bool tarn__take(struct tarn__words *w, const char *words); /* moves on if so */
/* "expected TABLE, found x" at the token */
enum tarn_status tarn__expect(struct tarn__words *w, const char *words) TARN_MUST_USE;
enum tarn_status tarn__expect_end(struct tarn__words *w) TARN_MUST_USE;
/* A failure placed at the next token / at a byte of the statement. */
enum tarn_status tarn__fail_here(struct tarn__words *w, enum tarn_status status, const char *fmt,
                                 ...) TARN_PRINTF(3, 4);
void tarn__place_at(struct tarn__words *w, size_t offset);
/* One name, quotes removed (doubled ones halved). */
enum tarn_status tarn__take_ident(struct tarn__words *w, struct tarn_str *out) TARN_MUST_USE;
/* a.b.c; offsets for messages. */
struct tarn__dotted {
    struct tarn_str parts[8];
    size_t count;
    size_t begin, end; /* bytes of the statement */
};
enum tarn_status tarn__take_dotted(struct tarn__words *w, struct tarn__dotted *out) TARN_MUST_USE;
/* 'text', unescaped; also E'..' and $$..$$. */
enum tarn_status tarn__take_string(struct tarn__words *w, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn__take_int(struct tarn__words *w, int64_t *out) TARN_MUST_USE; /* with sign */
/* The text from here to before the first of `stops` at bracket depth 0 ("SET|WHERE|WHEN", signs
 * too; CASE .. END counts as a bracket), to a closing bracket of depth 0, or to the end. Trimmed;
 * may be empty. */
struct tarn_str tarn__take_until(struct tarn__words *w, const char *stops);
/* The offset of a piece of the statement in it. */
size_t tarn__offset(const struct tarn__words *w, struct tarn_str piece);

/* ---- compose.c: a statement made out of pieces of the user's, so that errors keep their place */

struct tarn__compose {
    struct tarn_buf sql;
    struct tarn_sql_text user;
    struct tarn_op *op;
    struct tarn_sql_span *spans;
    size_t count, cap;
    bool failed; /* no memory for a span; the op has been told */
};
void tarn__compose_begin(struct tarn__compose *c, struct tarn_op *op, struct tarn_sql_text user);
/* A piece that points into the user's text (else it is put without a span). */
void tarn__compose_piece(struct tarn__compose *c, struct tarn_str piece);
/* Releases c->sql. */
enum tarn_status tarn__compose_end(struct tarn__compose *c,
                                   struct tarn_sql_text *out) TARN_MUST_USE;

/* ---- sql.c: the conversation */

struct tarn_sql {
    const struct tarn_sql_env *env;
    struct tarn_op op; /* what outlives a statement: the transaction */
    bool in_transaction;
    struct tarn_change **changes; /* of the transaction, staged, in order */
    size_t change_count, change_cap;
    struct tarn_ident *pinned; /* by the transaction, else by the statement */
    size_t pinned_count, pinned_cap;
    char *ns;     /* USE ns: for names of one part; NULL = none */
    char *wap_id; /* SET wap_id: rows are staged for audit; NULL = off */
};
void tarn__unpin_all(struct tarn_sql *s, struct tarn_op *op);
/* discard: its files are removed. Nothing happens when none is open. */
void tarn__transaction_end(struct tarn_sql *s, bool discard);

/* One statement that is being carried out. */
struct tarn__run {
    struct tarn_sql *sql;
    struct tarn_op *op;
    struct tarn_sql_text text; /* the whole statement */
    struct tarn__words words;  /* behind the statement's first word(s) */
    struct tarn_answer *answer;
    bool again; /* it defines something and may be run again from its start (again.c) */
    struct tarn__explain *explain; /* NULL: it is carried out (explain_int.h) */
    bool raced;                    /* its commit found that another process was first */
};
typedef enum tarn_status tarn__verb(struct tarn__run *r);

/* A table, view or namespace name of the statement: the catalog's name is cut off, USE's namespace
 * put in front. suffix: "branch_x" and the like, where the table without it is there. */
struct tarn__target {
    struct tarn_ident ident;
    struct tarn_str suffix;
    bool bare;             /* of one part, as written */
    size_t offset, length; /* in the statement */
};
enum tarn_status tarn__take_target(struct tarn__run *r, struct tarn__target *out) TARN_MUST_USE;
/* TARN_TABLE with the nearest name, placed, if there is none. The table is pinned: scans of the
 * statement (in a transaction: of the whole of it) read this very version. A suffix is left to the
 * caller. The table lives as long as tarn__change_op's op. */
enum tarn_status tarn__target_table(struct tarn__run *r, const struct tarn__target *t,
                                    struct tarn_table **out) TARN_MUST_USE;
/* As above, but *out NULL if there is none. */
enum tarn_status tarn__target_find(struct tarn__run *r, const struct tarn__target *t,
                                   struct tarn_table **out) TARN_MUST_USE;
/* Pins a table (what the statement's scans will read) until tarn__unpin or the transaction's end. */
enum tarn_status tarn__pin(struct tarn__run *r, struct tarn_table *t) TARN_MUST_USE;
void tarn__unpin(struct tarn__run *r, struct tarn_ident ident);
/* The same for all tables that a SELECT names: it, and what else of the statement reads them (in a
 * transaction: all of it), sees one version. */
enum tarn_status tarn__pin_refs(struct tarn__run *r, struct tarn_sql_text query) TARN_MUST_USE;

/* Publishes a change, or, in a transaction, stages it and lets its table be what later statements
 * see. On failure everything that it wrote and was given is removed, unless that it was published
 * cannot be ruled out. Memory: a change that is to be committed by a transaction must be made with
 * tarn__change_op's op. */
struct tarn_op *tarn__change_op(struct tarn__run *r);
enum tarn_status tarn__publish(struct tarn__run *r, struct tarn_change *change) TARN_MUST_USE;
/* Before it is published: SET wap_id and the table's write.wap.enabled keep main where it is. */
enum tarn_status tarn__stage_wap(struct tarn__run *r, struct tarn_change *change) TARN_MUST_USE;
/* Statements that change the catalog itself (DROP TABLE, RENAME) cannot be taken back: TARN_INVALID
 * inside a transaction. */
enum tarn_status tarn__outside_transaction(struct tarn__run *r, const char *what) TARN_MUST_USE;
/* The outcome of a commit to the catalog itself, passed on: if another process was first, the
 * statement is run again when it may be (again.c). tarn__publish does it, too. */
enum tarn_status tarn__raced(struct tarn__run *r, enum tarn_status status) TARN_MUST_USE;
/* Rows that a statement answers with, made in memory (SHOW, CALL): STRUCT of primitive columns. */
enum tarn_status tarn__answer_rows(struct tarn__run *r, struct tarn_rows *rows,
                                   const struct tarn_type *type) TARN_MUST_USE;
/* A query composed here becomes the answer. */
enum tarn_status tarn__answer_query(struct tarn__run *r, struct tarn_sql_text text) TARN_MUST_USE;
void tarn__done(struct tarn__run *r, const char *tag, int64_t rows);

/* ---- the statements: verbs.c has the table of their first words */

tarn__verb tarn__sql_create, tarn__sql_drop, tarn__sql_alter, tarn__sql_comment, tarn__sql_use;
tarn__verb tarn__sql_insert, tarn__sql_truncate;
tarn__verb tarn__sql_delete, tarn__sql_update, tarn__sql_merge;
tarn__verb tarn__sql_call, tarn__sql_show, tarn__sql_describe, tarn__sql_set, tarn__sql_reset;
tarn__verb tarn__sql_begin, tarn__sql_commit, tarn__sql_rollback;
/* temp_view.c: the view of the session that a name means; NULL = none */
const struct tarn_temp_view *tarn__temp_view(const struct tarn__run *r,
                                             const struct tarn__target *t);
/* A table or a view of the catalog is wanted. */
enum tarn_status tarn__fail_temp_view(struct tarn__run *r,
                                      const struct tarn__target *t) TARN_MUST_USE;
/* CREATE / DROP / ALTER VIEW: behind the word VIEW. or_replace: CREATE OR REPLACE. */
enum tarn_status tarn__sql_create_temp_view(struct tarn__run *r, bool or_replace) TARN_MUST_USE;
enum tarn_status tarn__sql_create_view(struct tarn__run *r, bool or_replace) TARN_MUST_USE;
enum tarn_status tarn__sql_drop_view(struct tarn__run *r) TARN_MUST_USE;
enum tarn_status tarn__sql_alter_view(struct tarn__run *r) TARN_MUST_USE;
/* The rows of a query (SELECT, VALUES, WITH ..) into a change of a table: columns by position onto
 * `columns` (NULL = all of the table's), by name when by_name; columns that are not given take
 * their write-default or null. For INSERT and CREATE TABLE AS. */
struct tarn__rows_of_query {
    struct tarn_str query; /* a piece of the statement */
    struct tarn_str with;  /* "WITH a AS (..)" that stood before the statement; absent = none */
    /* a temporary table that the rows are put into first, as the table will hold them (temp.main.
     * "name"), for RETURNING; absent = none */
    struct tarn_str into;
    const struct tarn_str *columns;
    size_t column_count;
    bool by_name;
    bool evolve; /* WITH SCHEMA EVOLUTION: the change's schema grows by what the query brings */
    /* more columns behind the query's, with one value each: an expression of the statement */
    const struct tarn__constant {
        struct tarn_str name, value;
    } * constants;
    size_t constant_count;
};
/* The rows are appended to the change. After a failure their files are gone. */
enum tarn_status tarn__write_query(struct tarn__run *r, const struct tarn__rows_of_query *q,
                                   struct tarn_change *change,
                                   struct tarn_written *out) TARN_MUST_USE;

#endif
