/* sql_token: words of SQL text, as far as Tarn needs them: where a statement begins and ends, and
 * where a name does.
 *
 * Strings ('..', E'..', $tag$..$tag$), quoted names ("..", `..`), comments (-- and nested block comments) are
 * passed over whole, so that nothing inside them is taken for SQL.
 */
#include "base/sql_token.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 128;
}

/* Past its end; *closed false: it has none. */
static size_t skip_block_comment(struct tarn_str s, size_t p, bool *closed)
{
    int depth = 0;
    *closed = true;
    while (p + 1 < s.len) {
        if (s.ptr[p] == '/' && s.ptr[p + 1] == '*') {
            depth++;
            p += 2;
        } else if (s.ptr[p] == '*' && s.ptr[p + 1] == '/') {
            p += 2;
            if (--depth == 0)
                return p;
        } else {
            p++;
        }
    }
    *closed = false;
    return s.len;
}

/* *open: where a comment begins that is not closed; left alone if there is none. */
static size_t skip_space(struct tarn_str s, size_t p, size_t *open)
{
    while (p < s.len) {
        bool two = p + 1 < s.len, closed;
        if (isspace((unsigned char)s.ptr[p])) {
            p++;
        } else if (two && s.ptr[p] == '-' && s.ptr[p + 1] == '-') {
            while (p < s.len && s.ptr[p] != '\n')
                p++;
        } else if (two && s.ptr[p] == '/' && s.ptr[p + 1] == '*') {
            size_t begin = p;
            p = skip_block_comment(s, p, &closed);
            if (!closed)
                *open = begin;
        } else {
            break;
        }
    }
    return p;
}

/* Past the closing quote; doubled quotes stay inside; `escapes`: a backslash takes the next byte
 * with it. */
static size_t skip_quoted(struct tarn_str s, size_t p, bool escapes)
{
    char quote = s.ptr[p++];
    while (p < s.len) {
        if (escapes && s.ptr[p] == '\\') {
            p += 2;
            continue;
        }
        if (s.ptr[p] == quote) {
            if (p + 1 < s.len && s.ptr[p + 1] == quote) {
                p += 2;
                continue;
            }
            return p + 1;
        }
        p++;
    }
    return s.len;
}

/* $tag$ ... $tag$; 0: none begins here. */
static size_t skip_dollar(struct tarn_str s, size_t p)
{
    size_t tag_end = p + 1;
    while (tag_end < s.len && (isalnum((unsigned char)s.ptr[tag_end]) || s.ptr[tag_end] == '_'))
        tag_end++;
    if (tag_end >= s.len || s.ptr[tag_end] != '$' || isdigit((unsigned char)s.ptr[p + 1]))
        return 0;
    size_t tag_len = tag_end + 1 - p;
    size_t from = tag_end + 1;
    const char *hit = memmem(s.ptr + from, s.len - from, s.ptr + p, tag_len);
    return hit ? (size_t)(hit - s.ptr) + tag_len : s.len;
}

bool tarn_sql_token(struct tarn_str s, size_t pos, struct tarn_sql_token *out)
{
    size_t open, p = skip_space(s, pos, &open);
    if (p >= s.len)
        return false;
    char c = s.ptr[p];
    out->begin = p;
    if (c == '"' || c == '`') {
        out->kind = TARN_SQL_QUOTED;
        out->end = skip_quoted(s, p, false);
    } else if (c == '\'') {
        out->kind = TARN_SQL_STRING;
        out->end = skip_quoted(s, p, false);
    } else if ((c == 'e' || c == 'E') && p + 1 < s.len && s.ptr[p + 1] == '\'') {
        out->kind = TARN_SQL_STRING;
        out->end = skip_quoted(s, p + 1, true);
    } else if (c == '$' && skip_dollar(s, p) > 0) {
        out->kind = TARN_SQL_STRING;
        out->end = skip_dollar(s, p);
    } else if (word_char(c)) {
        out->kind = isdigit((unsigned char)c) ? TARN_SQL_NUMBER : TARN_SQL_WORD;
        while (p < s.len && word_char(s.ptr[p]))
            p++;
        out->end = p;
    } else {
        out->kind = TARN_SQL_SIGN;
        out->end = p + 1;
    }
    if (out->end > s.len)
        out->end = s.len;
    return true;
}

bool tarn_sql_open_comment(struct tarn_str s, size_t pos, size_t *at)
{
    *at = SIZE_MAX;
    (void)skip_space(s, pos, at);
    return *at != SIZE_MAX;
}

bool tarn_sql_token_is(struct tarn_str s, const struct tarn_sql_token *t, const char *word)
{
    return (t->kind == TARN_SQL_WORD || t->kind == TARN_SQL_SIGN) &&
           tarn_str_eq_nocase(tarn_str_of(s.ptr + t->begin, t->end - t->begin),
                              tarn_str_view(word));
}

size_t tarn_sql_trimmed(struct tarn_str s)
{
    struct tarn_sql_token t;
    size_t end = 0;
    for (size_t p = 0; tarn_sql_token(s, p, &t); p = t.end)
        if (!tarn_sql_token_is(s, &t, ";"))
            end = t.end;
    return end;
}
