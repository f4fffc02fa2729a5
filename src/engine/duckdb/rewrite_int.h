/* rewrite_int: a statement that is being rewritten, for rewrite.c, spark.c and opaque.c. */
#ifndef TARN_ENGINE_REWRITE_INT_H
#define TARN_ENGINE_REWRITE_INT_H

#include "engine/duckdb/engine_int.h"

#define TARN__PARTS_MAX 16 /* of a name */

struct tarn__rewriting {
    struct tarn_session *session;
    struct tarn_op *op;
    const struct tarn_sql_text *user;
    struct tarn_str sql;        /* user->sql */
    struct tarn__splice *edits; /* in order, without overlap */
    size_t edit_count, edit_cap;
    struct tarn__splice *later; /* edits further on, the nearest last */
    size_t later_count, later_cap;
    struct tarn__at *ats;
    size_t at_count, at_cap;
    enum tarn_status status;
};
/* The token at or behind `at`; false (and an empty sign) at the end. */
bool tarn__rewrite_next(const struct tarn__rewriting *w, size_t at, struct tarn_sql_token *out);
/* Do these words and signs stand there ("FOR VERSION AS OF")? */
bool tarn__rewrite_at(const struct tarn__rewriting *w, size_t at, const char *words,
                      size_t *out_end);
/* Where the bracket that opens at `open` closes; the end of the text if it does not. */
size_t tarn__rewrite_closing(const struct tarn__rewriting *w, size_t open);
/* Bytes [begin, end) become `put`. Edits must come in order. */
void tarn__rewrite_edit(struct tarn__rewriting *w, size_t begin, size_t end, struct tarn_str put);

/* The same further on in the text, when the words before it are done. */
void tarn__rewrite_later(struct tarn__rewriting *w, size_t begin, size_t end, struct tarn_str put);
/* A piece of the text, rewritten on its own. */
enum tarn_status tarn__rewrite_piece(struct tarn__rewriting *w, size_t begin, size_t end,
                                     struct tarn_str *out) TARN_MUST_USE;

/* ---- spark.c */

/* Rewrites what begins at the token if it is a spelling of Spark's that the engine lacks: where to
 * go on; 0 = it is none. */
size_t tarn__rewrite_spark(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before);

/* ---- opaque.c */

/* A comparison that the engine must not see into, at IS, or at TRY_CAST: where to go on; 0 = it is none. */
size_t tarn__rewrite_opaque(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                            const struct tarn_sql_token *before);
/* The same for the left operand of IS, before its first token. */
void tarn__rewrite_operand(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before);

/* ---- spark_macros.c */

/* Makes the macro of that name if there is one and the session has it not yet. */
enum tarn_status tarn__macro_need(struct tarn_session *s, struct tarn_op *op,
                                  struct tarn_str name) TARN_MUST_USE;

#endif
