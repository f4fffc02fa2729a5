/* opaque: constants that the engine must not see in a comparison.
 *
 * `a IS DISTINCT FROM 1 OR a IS DISTINCT FROM 2` goes into scans as it is, where the engine (1.5.5)
 * takes each side for false if all values of `a` in a row group are null. Behind an operator whose
 * result cannot be known beforehand the comparison stays outside of scans. So do those that NOT (..)
 * turns into such ones.
 */
#include "engine/duckdb/rewrite_int.h"

static bool is(const struct tarn__rewriting *w, const struct tarn_sql_token *t, const char *word)
{
    return tarn_sql_token_is(w->sql, t, word);
}

static bool any_of(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                   const char *const *words)
{
    for (; t->kind == TARN_SQL_WORD && *words; words++)
        if (is(w, t, *words))
            return true;
    return false;
}

/* May the operand that begins here be anything but a column? */
static bool is_constant(const struct tarn__rewriting *w, size_t at)
{
    static const char *const words[] = {"TRUE", "FALSE", "CASE", "NOT", "INTERVAL", NULL};
    struct tarn_sql_token t, next;
    if (!tarn__rewrite_next(w, at, &t) || t.kind == TARN_SQL_QUOTED)
        return false;
    if (t.kind != TARN_SQL_WORD || any_of(w, &t, words))
        return true;
    return tarn__rewrite_next(w, t.end, &next) &&
           (next.kind == TARN_SQL_STRING || is(w, &next, "(") || is(w, &next, ":") ||
            is(w, &t, "NULL"));
}

static bool ends_constant(const struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    static const char *const words[] = {"TRUE", "FALSE", "END", NULL};
    return t->kind == TARN_SQL_NUMBER || t->kind == TARN_SQL_STRING || is(w, t, ")") ||
           is(w, t, "]") || is(w, t, "}") || any_of(w, t, words);
}

static bool denies(const struct tarn__rewriting *w)
{
    struct tarn_sql_token t, open;
    for (size_t p = 0; tarn_sql_token(w->sql, p, &t); p = t.end)
        if (is(w, &t, "NOT") && tarn__rewrite_next(w, t.end, &open) && is(w, &open, "("))
            return true;
    return false;
}

#define DEPTH_MAX 64

/* Does it stand in the list of the outermost SELECT? Nothing can filter by what is there, and it may
 * give a column its name. */
static bool is_listed(const struct tarn__rewriting *w, size_t at)
{
    bool outer[DEPTH_MAX] = {true}, listed[DEPTH_MAX] = {false};
    struct tarn_sql_token t, before = {.kind = TARN_SQL_SIGN};
    size_t depth = 0;
    for (size_t p = 0; tarn_sql_token(w->sql, p, &t) && t.begin < at; p = t.end, before = t) {
        if (is(w, &t, "(")) {
            if (++depth == DEPTH_MAX)
                return false;
            outer[depth] = listed[depth] = listed[depth - 1];
        } else if (is(w, &t, ")")) {
            depth -= depth > 0;
        } else if (is(w, &t, "SELECT")) {
            listed[depth] = outer[depth];
        } else if (is(w, &t, "FROM") && !is(w, &before, "DISTINCT")) {
            listed[depth] = false;
        }
    }
    return listed[depth];
}

size_t tarn__rewrite_opaque(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                            const struct tarn_sql_token *before)
{
    size_t end;
    if (!is(w, t, "IS"))
        return 0;
    bool same = tarn__rewrite_at(w, t->begin, "IS NOT DISTINCT FROM", &end);
    if (!same && !tarn__rewrite_at(w, t->begin, "IS DISTINCT FROM", &end))
        return 0;
    if ((!is_constant(w, end) && !ends_constant(w, before)) || (same && !denies(w)) ||
        is_listed(w, t->begin))
        return 0;
    w->status = tarn__macro_need(w->session, w->op, TARN_STR("!!"));
    if (w->status == TARN_OK)
        tarn__rewrite_edit(w, end, end, TARN_STR(" !! "));
    return end;
}
