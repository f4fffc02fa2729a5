/* opaque: comparisons that the engine must not see into.
 *
 * `a IS DISTINCT FROM 1 OR a IS DISTINCT FROM 2` goes into scans as it is, where the engine (1.5.5)
 * takes each side for false if all values of `a` in a row group are null. Behind an operator that
 * gives its operand back, and that the optimiser does not know, the comparison stays outside of
 * scans. So do those that a NOT
 * turns into such ones, `a IS NOT TRUE`, and those with a column that may be a constant of another
 * relation. Only what can meet an OR is of interest, or a NOT, which makes an OR of an AND.
 *
 * `TRY_CAST(a AS tinyint) > 7` becomes `a > 7`, which is another question, and `date_trunc('month', a)
 * <> DATE '2024-02-15'` becomes true, of null too.
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

static void put(struct tarn__rewriting *w, size_t at, const char *text)
{
    w->status = tarn__macro_need(w->session, w->op, TARN_STR("!!"));
    if (w->status == TARN_OK)
        tarn__rewrite_edit(w, at, at, tarn_str_view(text));
}

/* ---- functions */

static bool is_not_equal(const struct tarn__rewriting *w, size_t at)
{
    size_t end;
    return tarn__rewrite_at(w, at, "< >", &end) || tarn__rewrite_at(w, at, "! =", &end) ||
           tarn__rewrite_at(w, at, "NOT IN", &end);
}

/* Is the call at t, which closes at `close`, denied to equal something? */
static bool is_unequal(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                       const struct tarn_sql_token *before, size_t close)
{
    return is_not_equal(w, close) || is_denied(w, t->begin) ||
           (before->begin > 0 && is_not_equal(w, before->begin - 1));
}

static bool hide_call(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                      const struct tarn_sql_token *before)
{
    struct tarn_sql_token open;
    bool cast = is(w, t, "TRY_CAST"), trunc = is(w, t, "DATE_TRUNC") || is(w, t, "DATETRUNC");
    if ((!cast && !trunc) || is(w, before, ".") || !tarn__rewrite_next(w, t->end, &open) ||
        !is(w, &open, "(") || place_of(w, t->begin) == LISTED)
        return false;
    size_t close = tarn__rewrite_closing(w, open.begin);
    if (close >= w->sql.len || (trunc && !is_unequal(w, t, before, close + 1)))
        return false;
    put(w, t->begin, "\"!!\"(");
    if (w->status == TARN_OK)
        tarn__rewrite_later(w, close, close, TARN_STR(")"));
    return true;
}

/* ---- IS */

/* Must the comparison at IS be hidden? `last` is the token before it. */
static bool is_needed(const struct tarn__rewriting *w, size_t at, const struct tarn_sql_token *last)
{
    static const char *const truths[] = {"IS NOT TRUE", "IS NOT FALSE", "IS TRUE", "IS FALSE"};
    size_t end;
    bool same = tarn__rewrite_at(w, at, "IS NOT DISTINCT FROM", &end), truth = false;
    if (!same && !tarn__rewrite_at(w, at, "IS DISTINCT FROM", &end)) {
        for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++)
            truth = truth || tarn__rewrite_at(w, at, truths[i], &end);
        if (!truth)
            return false;
    }
    enum place place = place_of(w, at);
    if (place == LISTED)
        return false;
    if (truth)
        return place == NAMED || has_or(w);
    if (is_constant(w, end) || ends_constant(w, last))
        return !same || place == NAMED || has_or(w);
    return same ? is_denied(w, at) : has_or(w);
}

/* Where the operand that begins at t is compared by IS, and its last token. */
static bool find_is(const struct tarn__rewriting *w, const struct tarn_sql_token *t, size_t *out_at,
                    struct tarn_sql_token *last)
{
    static const char *const ends[] = {"AND", "OR",    "WHEN",  "THEN",   "ELSE", "WHERE", "SELECT",
                                       "AS",  "GROUP", "ORDER", "HAVING", "ASC",  "DESC",  NULL};
    struct tarn_sql_token x, next;
    int depth = 0, cases = 0;
    *last = *t;
    for (size_t p = t->begin; tarn_sql_token(w->sql, p, &x); *last = x, p = x.end) {
        depth += is(w, &x, "(") + is(w, &x, "[") + is(w, &x, "{");
        depth -= is(w, &x, ")") + is(w, &x, "]") + is(w, &x, "}");
        cases += is(w, &x, "CASE") - (cases > 0 && is(w, &x, "END"));
        if (depth < 0)
            return false;
        if (depth > 0 || cases > 0)
            continue;
        bool arrow = is(w, &x, ">") && is(w, last, "-") && last->end == x.begin;
        if (is(w, &x, ",") || is(w, &x, ";") || arrow || any_of(w, &x, ends) || is_denial(w, &x))
            return false;
        *out_at = x.begin;
        if (is(w, &x, "IS") && tarn__rewrite_next(w, x.end, &next) && !is(w, &next, "NULL") &&
            !tarn__rewrite_at(w, x.begin, "IS NOT NULL", &p))
            return true;
    }
    return false;
}

/* May an operand of IS begin at t? */
static bool begins(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                   const struct tarn_sql_token *before)
{
    static const char *const openers[] = {"WHERE", "ON",     "AND",     "OR",     "WHEN", "THEN",
                                          "ELSE",  "HAVING", "QUALIFY", "SELECT", NULL};
    static const char *const others[] = {"NOT",    "DISTINCT", "ALL",    "SELECT",  "WITH",  "FROM",
                                         "VALUES", "ON",       "LAMBDA", "COLUMNS", "TABLE", NULL};
    static const char *const truths[] = {"TRUE", "FALSE", NULL}; /* IS NOT TRUE */
    bool opened = is(w, before, "(") || is(w, before, ",") || any_of(w, before, openers) ||
                  (is_denial(w, before) && !any_of(w, t, truths));
    return opened && !any_of(w, t, others) && !is(w, t, "*") && !is(w, t, ")");
}

void tarn__rewrite_operand(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before)
{
    struct tarn_sql_token last;
    size_t at;
    if (begins(w, t, before) && find_is(w, t, &at, &last) && is_needed(w, at, &last))
        put(w, t->begin, " !! ");
}

size_t tarn__rewrite_opaque(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                            const struct tarn_sql_token *before)
{
    size_t end;
    if (hide_call(w, t, before))
        return t->end;
    if (!is(w, t, "IS") || (!tarn__rewrite_at(w, t->begin, "IS NOT DISTINCT FROM", &end) &&
                            !tarn__rewrite_at(w, t->begin, "IS DISTINCT FROM", &end)))
        return 0;
    if (!is_needed(w, t->begin, before))
        return 0;
    put(w, end, " !! ");
    return end;
}
