/* rewrite_int: a statement that is being rewritten, for rewrite.c and spark.c. */
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

/* ---- spark.c */

/* Rewrites what begins at the token if it is a spelling of Spark's that the engine lacks: where to
 * go on; 0 = it is none. */
size_t tarn__rewrite_spark(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before);

#endif
