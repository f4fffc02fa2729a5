/* sql_token: words of SQL text: names, quoted names, strings, numbers, signs.
 *
 * Comments (-- and nested block comments) and white space are passed over; what stands inside of
 * quotes or comments is never taken for SQL. Offsets are bytes. No allocation, no failure: a quote
 * that is not closed reaches to the end of the text.
 */
#ifndef TARN_BASE_SQL_TOKEN_H
#define TARN_BASE_SQL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct tarn_sql_token {
    size_t begin, end;
    enum {
        TARN_SQL_WORD,
        TARN_SQL_QUOTED, /* "name" or `name` */
        TARN_SQL_STRING, /* 'text', E'text', $tag$text$tag$ */
        TARN_SQL_NUMBER, /* what begins with a digit; 1.5 is three tokens */
        TARN_SQL_SIGN    /* one byte */
    } kind;
};
/* The next token at or after `pos`; false at the end of the text. */
bool tarn_sql_token(struct tarn_str sql, size_t pos, struct tarn_sql_token *out);
/* Is it this word (in any case) or sign? A quoted name never is. */
bool tarn_sql_token_is(struct tarn_str sql, const struct tarn_sql_token *t, const char *word);
/* Does a comment begin at or after `pos`, in front of any word, that is not closed? *at: where. */
bool tarn_sql_open_comment(struct tarn_str sql, size_t pos, size_t *at);
/* Length of the text without white space, comments and semicolons at its end. */
size_t tarn_sql_trimmed(struct tarn_str sql);

#endif
