/* opaque: comparisons that the engine must not see into.
 *
 * `a IS DISTINCT FROM 1 OR a IS DISTINCT FROM 2` goes into scans as it is, where the engine (1.5.5)
 * takes each side for false if all values of `a` in a row group are null. Behind an operator whose
 * result cannot be known beforehand the comparison stays outside of scans. So do those that a NOT
 * turns into such ones, `a IS NOT TRUE`, and those with a column that may be a constant of another
 * relation. Only what can meet an OR is of interest, or a NOT, which makes an OR of an AND.
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

/* A NOT that denies what stands behind it, and is no part of another word's spelling. */
static bool is_denial(const struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    static const char *const others[] = {"NULL",    "DISTINCT", "IN",           "LIKE",
                                         "ILIKE",   "BETWEEN",  "SIMILAR",      "GLOB",
                                         "MATCHED", "EXISTS",   "MATERIALIZED", NULL};
    struct tarn_sql_token next;
    return is(w, t, "NOT") && tarn__rewrite_next(w, t->end, &next) && !any_of(w, &next, others);
}

static bool has_or(const struct tarn__rewriting *w)
{
    struct tarn_sql_token t;
    for (size_t p = 0; tarn_sql_token(w->sql, p, &t); p = t.end)
        if (is(w, &t, "OR") || is_denial(w, &t))
            return true;
    return false;
}

#define DEPTH_MAX 64

/* Is what stands there behind a NOT: at once, or in its brackets? */
static bool is_denied(const struct tarn__rewriting *w, size_t at)
{
    static const char *const ends[] = {"AND",  "OR",   "WHERE",  "ON",   "HAVING",
                                       "WHEN", "THEN", "SELECT", "ELSE", NULL};
    bool denied[DEPTH_MAX] = {false}, now[DEPTH_MAX] = {false};
    struct tarn_sql_token t;
    size_t depth = 0;
    for (size_t p = 0; tarn_sql_token(w->sql, p, &t) && t.begin < at; p = t.end) {
        if (is(w, &t, "(")) {
            if (++depth == DEPTH_MAX)
                return true;
            denied[depth] = now[depth] = denied[depth - 1] || now[depth - 1];
        } else if (is(w, &t, ")")) {
            depth -= depth > 0;
        } else if (is_denial(w, &t)) {
            now[depth] = true;
        } else if (any_of(w, &t, ends) || is(w, &t, ",")) {
            now[depth] = false;
            denied[depth] = denied[depth] && !is(w, &t, "SELECT");
        }
    }
    return denied[depth] || now[depth];
}

/* Does a list's item at this depth have a name of its own, and not that of its text? */
static bool is_named(const struct tarn__rewriting *w, size_t at)
{
    struct tarn_sql_token t, before = {.kind = TARN_SQL_SIGN};
    int depth = 0;
    for (size_t p = at; tarn_sql_token(w->sql, p, &t); p = t.end, before = t) {
        depth += is(w, &t, "(") - is(w, &t, ")");
        if (depth <= 0 && is(w, &t, "FROM") && !is(w, &before, "DISTINCT"))
            return false;
        if (depth <= 0 && is(w, &t, "AS"))
            return true;
        if (depth == 0 && is(w, &t, ","))
            return false;
    }
    return false;
}

enum place {
    ELSEWHERE,
    LISTED, /* nothing there filters rows, and it may give a column its name */
    NAMED,  /* if this is a view, others may filter by it */
};

/* Does it stand in the list of the outermost SELECT, its GROUP BY or ORDER BY, which are to agree? */
static enum place place_of(const struct tarn__rewriting *w, size_t at)
{
    static const char *const others[] = {"WHERE", "HAVING", "QUALIFY", "WINDOW", NULL};
    bool outer[DEPTH_MAX] = {true}, listed[DEPTH_MAX] = {false}, grouped = false, list = false;
    struct tarn_sql_token t, before = {.kind = TARN_SQL_SIGN};
    size_t depth = 0;
    bool answer = false, passed = false;
    for (size_t p = 0; tarn_sql_token(w->sql, p, &t); p = t.end, before = t) {
        if (!passed && t.begin >= at) {
            passed = true;
            answer = listed[depth];
        }
        if (is(w, &t, "(")) {
            if (++depth == DEPTH_MAX)
                return ELSEWHERE;
            outer[depth] = listed[depth] = listed[depth - 1];
        } else if (is(w, &t, ")")) {
            depth -= depth > 0;
        } else if (is(w, &t, "SELECT")) {
            listed[depth] = list = outer[depth];
        } else if (is(w, &t, "GROUP") || is(w, &t, "ORDER")) {
            listed[depth] = listed[depth] || depth == 0;
            grouped = grouped || (depth == 0 && is(w, &t, "GROUP"));
        } else if ((depth == 0 && any_of(w, &t, others)) ||
                   (is(w, &t, "FROM") && !is(w, &before, "DISTINCT"))) {
            listed[depth] = false;
        }
    }
    if (!answer)
        return ELSEWHERE;
    return !grouped && list && is_named(w, at) ? NAMED : LISTED;
}

static size_t make_opaque(struct tarn__rewriting *w, size_t at, const char *put)
{
    w->status = tarn__macro_need(w->session, w->op, TARN_STR("!!"));
    if (w->status == TARN_OK)
        tarn__rewrite_edit(w, at, at, tarn_str_view(put));
    return at;
}

/* a IS [NOT] TRUE: compared once more. */
static size_t opaque_truth(struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    static const char *const all[] = {"IS NOT TRUE", "IS NOT FALSE", "IS TRUE", "IS FALSE"};
    struct tarn_sql_token next;
    size_t end = 0, i = 0;
    while (i < 4 && !tarn__rewrite_at(w, t->begin, all[i], &end))
        i++;
    if (i == 4)
        return 0;
    bool ends = !tarn__rewrite_next(w, end, &next) || next.kind == TARN_SQL_WORD ||
                is(w, &next, ")") || is(w, &next, ",") || is(w, &next, ";");
    enum place place = place_of(w, t->begin);
    if (!ends || place == LISTED || (place != NAMED && !has_or(w)))
        return 0;
    return make_opaque(w, end, " = !! TRUE");
}

size_t tarn__rewrite_opaque(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                            const struct tarn_sql_token *before)
{
    size_t end;
    if (!is(w, t, "IS"))
        return 0;
    bool same = tarn__rewrite_at(w, t->begin, "IS NOT DISTINCT FROM", &end);
    if (!same && !tarn__rewrite_at(w, t->begin, "IS DISTINCT FROM", &end))
        return opaque_truth(w, t);
    enum place place = place_of(w, t->begin);
    bool constant = is_constant(w, end) || ends_constant(w, before);
    bool needed = constant ? !same || place == NAMED || has_or(w)
                           : (same ? is_denied(w, t->begin) : has_or(w));
    return needed && place != LISTED ? make_opaque(w, end, " !! ") : 0;
}
