/* words: a statement read from left to right. */
#include <stdio.h>
#include <string.h>

#include "sql/sql_int.h"

void tarn__skip(struct tarn__words *w)
{
    size_t pos = w->end ? w->text.sql.len : w->token.end;
    w->end = !tarn_sql_token(w->text.sql, pos, &w->token);
    if (w->end)
        w->token = (struct tarn_sql_token){.begin = w->text.sql.len, .end = w->text.sql.len};
}

void tarn__words_begin(struct tarn__words *w, struct tarn_op *op, struct tarn_sql_text text)
{
    *w = (struct tarn__words){.op = op, .text = text};
    tarn__skip(w);
}

struct tarn_str tarn__word(const struct tarn__words *w)
{
    return tarn_str_of(w->text.sql.ptr + w->token.begin, w->token.end - w->token.begin);
}

/* The words one after the other from the next token on; *behind: where they end. */
static bool match(const struct tarn__words *w, const char *words, size_t *behind)
{
    struct tarn_str rest = tarn_str_view(words), word;
    struct tarn_sql_token t = w->token;
    bool more = !w->end;
    while (rest.ptr && rest.len) {
        char z[64];
        (void)tarn_str_cut(&rest, ' ', &word);
        TARN_ASSERT(word.len < sizeof z);
        memcpy(z, word.ptr, word.len);
        z[word.len] = '\0';
        if (!more || !tarn_sql_token_is(w->text.sql, &t, z))
            return false;
        *behind = t.end;
        more = tarn_sql_token(w->text.sql, t.end, &t);
    }
    return true;
}

bool tarn__at(const struct tarn__words *w, const char *words)
{
    size_t behind;
    return match(w, words, &behind);
}

bool tarn__take(struct tarn__words *w, const char *words)
{
    size_t behind = 0;
    if (!match(w, words, &behind))
        return false;
    w->token.end = behind;
    tarn__skip(w);
    return true;
}

/* ---- failures */

void tarn__place_at(struct tarn__words *w, size_t offset)
{
    const struct tarn_sql_text *t = &w->text;
    struct tarn_str whole = t->whole.ptr ? t->whole : t->sql;
    if (t->sql.ptr < whole.ptr || t->sql.ptr + offset > whole.ptr + whole.len)
        whole = t->sql;
    tarn_place_offset(w->op, t->file ? t->file : "statement", whole,
                      (size_t)(t->sql.ptr - whole.ptr) + offset);
    if (whole.ptr == t->sql.ptr && t->line0 > 1)
        w->op->report.line += t->line0 - 1;
}

enum tarn_status tarn__fail_here(struct tarn__words *w, enum tarn_status status, const char *fmt,
                                 ...)
{
    va_list ap;
    va_start(ap, fmt);
    status = tarn_vfail(w->op, status, fmt, ap);
    va_end(ap);
    tarn__place_at(w, w->token.begin);
    return status;
}

static enum tarn_status expected(struct tarn__words *w, const char *what)
{
    struct tarn_str found = tarn__word(w);
    if (w->end)
        return tarn__fail_here(w, TARN_SQL, "expected %s, but the statement ends here", what);
    if (found.len > 60)
        found.len = 60;
    return tarn__fail_here(w, TARN_SQL, "expected %s, found %.*s", what, TARN_STR_ARG(found));
}

enum tarn_status tarn__expect(struct tarn__words *w, const char *words)
{
    return tarn__take(w, words) ? TARN_OK : expected(w, words);
}

enum tarn_status tarn__expect_end(struct tarn__words *w)
{
    while (tarn__take(w, ";"))
        continue;
    return w->end ? TARN_OK : expected(w, "the end of the statement");
}

/* ---- names and literals */

/* Without the quotes; doubled ones halved. */
static enum tarn_status unquoted(struct tarn_op *op, struct tarn_str word, struct tarn_str *out)
{
    char quote = word.ptr[0];
    char *text = tarn_alloc(op, word.len + 1);
    size_t n = 0;
    if (!text)
        return TARN_NOMEM;
    for (size_t i = 1; i + 1 < word.len; i++) {
        text[n++] = word.ptr[i];
        if (word.ptr[i] == quote && i + 2 < word.len && word.ptr[i + 1] == quote)
            i++;
    }
    *out = tarn_str_of(text, n);
    return TARN_OK;
}

/* Does the quote at `begin` end with the word's last byte? One that is open reaches to the end of the
 * text, which may be a quote, too: 'it''  */
static bool is_closed(struct tarn_str word, size_t begin, bool escapes)
{
    char quote = word.ptr[begin];
    for (size_t i = begin + 1; i < word.len; i++)
        if (escapes && word.ptr[i] == '\\')
            i++;
        else if (word.ptr[i] == quote && i + 1 < word.len && word.ptr[i + 1] == quote)
            i++;
        else if (word.ptr[i] == quote)
            return i + 1 == word.len;
    return false;
}

enum tarn_status tarn__take_ident(struct tarn__words *w, struct tarn_str *out)
{
    struct tarn_str word = tarn__word(w);
    if (w->end || (w->token.kind != TARN_SQL_WORD && w->token.kind != TARN_SQL_QUOTED))
        return expected(w, "a name");
    if (w->token.kind == TARN_SQL_QUOTED) {
        if (!is_closed(word, 0, false))
            return tarn__fail_here(w, TARN_SQL, "a quoted name is not closed");
        TARN_TRY(unquoted(w->op, word, out));
        if (out->len == 0)
            return tarn__fail_here(w, TARN_SQL, "a name cannot be empty");
    } else {
        *out = tarn_strdup(w->op, word);
        if (!out->ptr)
            return TARN_NOMEM;
    }
    tarn__skip(w);
    return TARN_OK;
}

enum tarn_status tarn__take_dotted(struct tarn__words *w, struct tarn__dotted *out)
{
    *out = (struct tarn__dotted){.begin = w->token.begin};
    do {
        if (out->count == sizeof out->parts / sizeof out->parts[0])
            return tarn__fail_here(w, TARN_SQL, "a name has more than %zu parts", out->count);
        out->end = w->token.end;
        TARN_TRY(tarn__take_ident(w, &out->parts[out->count++]));
    } while (tarn__take(w, "."));
    return TARN_OK;
}

/* E'..': the escapes that PostgreSQL has and that texts here need. */
static size_t unescape(const char *s, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        if (c == '\'' && i + 1 < len && s[i + 1] == '\'')
            i++;
        if (c == '\\' && i + 1 < len) {
            c = s[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        out[n++] = c;
    }
    return n;
}

/* $tag$text$tag$ */
static enum tarn_status take_dollars(struct tarn__words *w, struct tarn_str word,
                                     struct tarn_str *out)
{
    const char *tag = memchr(word.ptr + 1, '$', word.len - 1);
    size_t n = tag ? (size_t)(tag + 1 - word.ptr) : word.len;
    if (word.len < 2 * n || memcmp(word.ptr + word.len - n, word.ptr, n) != 0)
        return tarn__fail_here(w, TARN_SQL, "a text is not closed");
    *out = tarn_strdup(w->op, tarn_str_of(word.ptr + n, word.len - 2 * n));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__take_string(struct tarn__words *w, struct tarn_str *out)
{
    struct tarn_str word = tarn__word(w);
    if (w->end || w->token.kind != TARN_SQL_STRING)
        return expected(w, "a text in quotes");
    bool escapes = word.ptr[0] != '\'' && word.ptr[0] != '$';
    if (word.ptr[0] != '$' && !is_closed(word, escapes, escapes))
        return tarn__fail_here(w, TARN_SQL, "a text is not closed");
    if (word.ptr[0] == '$') {
        TARN_TRY(take_dollars(w, word, out));
    } else if (!escapes) {
        TARN_TRY(unquoted(w->op, word, out));
    } else {
        char *text = tarn_alloc(w->op, word.len);
        *out = tarn_str_of(text, text ? unescape(word.ptr + 2, word.len - 3, text) : 0);
    }
    if (!out->ptr)
        return TARN_NOMEM;
    tarn__skip(w);
    return TARN_OK;
}

enum tarn_status tarn__take_int(struct tarn__words *w, int64_t *out)
{
    struct tarn__words start = *w;
    bool minus = tarn__take(w, "-");
    char text[32];
    struct tarn_str word = tarn__word(w);
    int n = snprintf(text, sizeof text, "%s%.*s", minus ? "-" : "", TARN_STR_ARG(word));
    if (w->end || w->token.kind != TARN_SQL_NUMBER || n < 0 || (size_t)n >= sizeof text ||
        !tarn_str_to_i64(tarn_str_of(text, (size_t)n), out)) {
        *w = start;
        return expected(w, "a whole number");
    }
    tarn__skip(w);
    return TARN_OK;
}

/* ---- pieces */

static bool at_stop(const struct tarn__words *w, const char *stops)
{
    struct tarn_str rest = tarn_str_view(stops), one;
    while (rest.ptr && rest.len) {
        char z[64];
        (void)tarn_str_cut(&rest, '|', &one);
        TARN_ASSERT(one.len < sizeof z);
        memcpy(z, one.ptr, one.len);
        z[one.len] = '\0';
        if (tarn__at(w, z))
            return true;
    }
    return false;
}

struct tarn_str tarn__take_until(struct tarn__words *w, const char *stops)
{
    size_t begin = w->token.begin, end = begin;
    int depth = 0;
    while (!w->end) {
        bool opens =
            tarn__at(w, "(") || tarn__at(w, "[") || tarn__at(w, "{") || tarn__at(w, "CASE");
        bool closes = tarn__at(w, ")") || tarn__at(w, "]") || tarn__at(w, "}") ||
                      (depth > 0 && tarn__at(w, "END"));
        if (depth == 0 && (closes || tarn__at(w, ";") || at_stop(w, stops)))
            break;
        depth += opens - closes;
        end = w->token.end;
        tarn__skip(w);
    }
    return tarn_str_of(w->text.sql.ptr + begin, end - begin);
}

size_t tarn__offset(const struct tarn__words *w, struct tarn_str piece)
{
    return (size_t)(piece.ptr - w->text.sql.ptr);
}
