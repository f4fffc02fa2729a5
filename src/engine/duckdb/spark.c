/* spark: spellings of Spark's, word by word.
 *
 *   CAST(x AS ARRAY<STRING>)       types, behind AS and ::
 *   date_format(x, 'yyyy-MM')      patterns of Java's, which must be texts
 *   transform(l, x -> ..), exists(l, x -> ..), aggregate(l, start, (a, x) -> ..)
 *   array(1, 2), map('a', 1, 'b', 2), named_struct('a', 1), current_timestamp()
 *   FROM t LATERAL VIEW [OUTER] explode(l) v AS x
 *
 * and functions that are macros (spark_macros.c). What the engine understands itself is left to it.
 */
#include "engine/duckdb/rewrite_int.h"

#include <ctype.h>

#define ARGS_MAX 64
/* Deeper, no statement is taken; n calls in calls would be read n times n. */
#define DEPTH_MAX 300

struct call {
    size_t open, close; /* the brackets */
    struct {
        size_t begin, end; /* trimmed to its words */
        bool text;         /* one text and no more */
    } args[ARGS_MAX];
    size_t count;
    bool lambda;
};

static bool is(const struct tarn__rewriting *w, const struct tarn_sql_token *t, const char *word)
{
    return tarn_sql_token_is(w->sql, t, word);
}

static struct tarn_str word_of(const struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    return tarn_str_of(w->sql.ptr + t->begin, t->end - t->begin);
}

static void put_printf(struct tarn__rewriting *w, size_t begin, size_t end, const char *before,
                       struct tarn_str middle, const char *after)
{
    struct tarn_str put = tarn_sprintf(w->op, "%s%.*s%s", before, TARN_STR_ARG(middle), after);
    if (put.ptr)
        tarn__rewrite_edit(w, begin, end, put);
    else
        w->status = TARN_NOMEM;
}

static bool call_at(const struct tarn__rewriting *w, size_t open, struct call *c)
{
    struct tarn_sql_token t, before = {.kind = TARN_SQL_SIGN};
    int depth = 0;
    size_t words = 0;
    *c = (struct call){.open = open};
    for (size_t p = open; tarn_sql_token(w->sql, p, &t); p = t.end) {
        bool opens = is(w, &t, "(") || is(w, &t, "[") || is(w, &t, "{"),
             closes = is(w, &t, ")") || is(w, &t, "]") || is(w, &t, "}");
        if (depth == 1 && (closes || is(w, &t, ",")) && words > 0) {
            if (c->count == ARGS_MAX)
                return false;
            c->args[c->count].end = before.end;
            c->args[c->count].text = words == 1 && before.kind == TARN_SQL_STRING;
            c->count++;
        }
        if (closes && --depth == 0) {
            c->close = t.begin;
            return true;
        }
        if (depth == 1 && is(w, &t, ","))
            words = 0;
        else if (depth >= 1 && words++ == 0 && c->count < ARGS_MAX)
            c->args[c->count].begin = t.begin;
        c->lambda = c->lambda || is(w, &t, "LAMBDA") ||
                    (is(w, &t, ">") && is(w, &before, "-") && before.end == t.begin);
        depth += opens;
        if (depth > DEPTH_MAX)
            return false;
        before = t;
    }
    return false;
}

static bool begins_query(const struct tarn__rewriting *w, const struct call *c)
{
    struct tarn_sql_token t;
    return tarn__rewrite_next(w, c->open + 1, &t) &&
           (is(w, &t, "SELECT") || is(w, &t, "WITH") || is(w, &t, "FROM") || is(w, &t, "VALUES") ||
            is(w, &t, "("));
}

/* ---- types */

static bool type_sql(const struct tarn__rewriting *w, size_t at, struct tarn_buf *b, size_t *end);

static bool sign_at(const struct tarn__rewriting *w, size_t *at, const char *sign)
{
    struct tarn_sql_token t;
    if (!tarn__rewrite_next(w, *at, &t) || !is(w, &t, sign))
        return false;
    *at = t.end;
    return true;
}

static bool struct_sql(const struct tarn__rewriting *w, size_t at, struct tarn_buf *b, size_t *end)
{
    struct tarn_sql_token name;
    tarn_buf_z(b, "STRUCT(");
    for (bool first = true; first || sign_at(w, &at, ","); first = false) {
        if (!tarn__rewrite_next(w, at, &name) ||
            (name.kind != TARN_SQL_WORD && name.kind != TARN_SQL_QUOTED))
            return false;
        tarn_buf_z(b, first ? "" : ", ");
        struct tarn_str word = word_of(w, &name);
        if (name.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        tarn_buf_sql_name(b, word);
        tarn_buf_put(b, ' ');
        at = name.end;
        (void)sign_at(w, &at, ":");
        if (!type_sql(w, at, b, &at))
            return false;
    }
    tarn_buf_put(b, ')');
    *end = at;
    return sign_at(w, end, ">");
}

/* bigint, decimal(9, 2) */
static bool simple_sql(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                       struct tarn_buf *b, size_t *end)
{
    static const char *const other[][2] = {{"byte", "TINYINT"},
                                           {"timestamp_ntz", "TIMESTAMP"},
                                           {"timestamp_ltz", "TIMESTAMP WITH TIME ZONE"}};
    struct tarn_sql_token open;
    struct tarn_str word = word_of(w, t);
    *end = t->end;
    if (t->kind != TARN_SQL_WORD)
        return false;
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        if (tarn_str_eq_nocase(word, tarn_str_view(other[i][0])))
            word = tarn_str_view(other[i][1]);
    tarn_buf_str(b, word);
    if (!tarn__rewrite_next(w, t->end, &open) || !is(w, &open, "("))
        return true;
    size_t close = tarn__rewrite_closing(w, open.begin);
    if (close >= w->sql.len)
        return false;
    tarn_buf_append(b, w->sql.ptr + open.begin, close + 1 - open.begin);
    *end = close + 1;
    return true;
}

static bool type_sql(const struct tarn__rewriting *w, size_t at, struct tarn_buf *b, size_t *end)
{
    struct tarn_sql_token t, next;
    if (!tarn__rewrite_next(w, at, &t))
        return false;
    bool array = is(w, &t, "ARRAY"), map = is(w, &t, "MAP"), row = is(w, &t, "STRUCT");
    if (!(array || map || row) || !tarn__rewrite_next(w, t.end, &next) || !is(w, &next, "<"))
        return simple_sql(w, &t, b, end);
    at = next.end;
    if (row)
        return struct_sql(w, at, b, end);
    tarn_buf_z(b, map ? "MAP(" : "");
    if (!type_sql(w, at, b, &at))
        return false;
    if (map) {
        tarn_buf_z(b, ", ");
        if (!sign_at(w, &at, ",") || !type_sql(w, at, b, &at))
            return false;
    }
    tarn_buf_z(b, map ? ")" : "[]");
    *end = at;
    return sign_at(w, end, ">");
}

/* Behind AS and ::, where a type may stand. */
static size_t on_type(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                      const struct tarn_sql_token *before)
{
    struct tarn_sql_token next = {.kind = TARN_SQL_SIGN};
    struct tarn_buf b;
    struct tarn_str put;
    size_t end = 0;
    bool nested = is(w, t, "ARRAY") || is(w, t, "MAP") || is(w, t, "STRUCT"),
         other = is(w, t, "BYTE") || is(w, t, "TIMESTAMP_NTZ") || is(w, t, "TIMESTAMP_LTZ");
    if (!is(w, before, "AS") && !is(w, before, ":"))
        return 0;
    (void)tarn__rewrite_next(w, t->end, &next);
    /* a word alone may be an alias: only in front of a bracket's end it is a type */
    if (!(nested && is(w, &next, "<")) && !(other && is(w, &next, ")")))
        return 0;
    tarn_buf_init(&b, (size_t)1 << 20);
    bool ok = type_sql(w, t->begin, &b, &end);
    if (!ok || tarn_buf_take(w->op, &b, "a type", &put) != TARN_OK) {
        tarn_buf_release(&b);
        tarn_clear(w->op);
        return 0;
    }
    tarn__rewrite_edit(w, t->begin, end, put);
    return end;
}

/* ---- patterns */

/* One letter of Java's patterns, `n` times. */
static const char *specifier(char letter, size_t n)
{
    static const struct {
        char letter;
        size_t from, to;
        const char *put;
    } known[] = {
        {'y', 2, 2, "%y"}, {'y', 1, 4, "%Y"},  {'M', 4, 4, "%B"}, {'M', 3, 3, "%b"},
        {'M', 2, 2, "%m"}, {'M', 1, 1, "%-m"}, {'d', 2, 2, "%d"}, {'d', 1, 1, "%-d"},
        {'D', 3, 3, "%j"}, {'D', 1, 1, "%-j"}, {'H', 2, 2, "%H"}, {'H', 1, 1, "%-H"},
        {'h', 2, 2, "%I"}, {'h', 1, 1, "%-I"}, {'m', 2, 2, "%M"}, {'m', 1, 1, "%-M"},
        {'s', 2, 2, "%S"}, {'s', 1, 1, "%-S"}, {'S', 3, 3, "%g"}, {'S', 6, 6, "%f"},
        {'a', 1, 1, "%p"}, {'E', 4, 4, "%A"},  {'E', 1, 3, "%a"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].letter == letter && n >= known[i].from && n <= known[i].to)
            return known[i].put;
    return NULL;
}

/* The text between the quotes of a literal; *bad: a letter that has no counterpart. */
static void pattern_sql(struct tarn_str in, struct tarn_buf *b, char *bad)
{
    size_t n;
    tarn_buf_put(b, '\'');
    for (size_t i = 0; i < in.len; i += n) {
        char c = in.ptr[i];
        n = 1;
        if (c == '\'') { /* two in SQL: a quote of Java's, around letters that mean themselves */
            for (n = 2; i + n < in.len && in.ptr[i + n] != '\''; n++)
                tarn_buf_put(b, in.ptr[i + n]);
            n += 2;
        } else if (isalpha((unsigned char)c)) {
            while (i + n < in.len && in.ptr[i + n] == c)
                n++;
            const char *put = specifier(c, n);
            if (!put && !*bad)
                *bad = c;
            tarn_buf_z(b, put ? put : "");
        } else {
            tarn_buf_put(b, c);
        }
    }
    tarn_buf_put(b, '\'');
}

static void fail_pattern(struct tarn__rewriting *w, size_t at, struct tarn_str name, char bad)
{
    if (bad)
        w->status = tarn_fail(w->op, TARN_UNSUPPORTED,
                              "letter \"%c\" in the pattern of %.*s has no counterpart", bad,
                              TARN_STR_ARG(name));
    else
        w->status = tarn_fail(w->op, TARN_UNSUPPORTED,
                              "the pattern of %.*s must be written as a text", TARN_STR_ARG(name));
    tarn_hint(w->op, "strftime and strptime take the engine's own patterns");
    tarn__place(w->op, w->user, at);
}

/* f(x, 'yyyy-MM-dd'): the edit stands at the pattern, so it is kept until then. */
static void on_pattern(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                       const struct call *c)
{
    size_t begin = c->args[1].begin, end = c->args[1].end;
    struct tarn_buf b;
    struct tarn_str put;
    char bad = 0;
    if (!c->args[1].text || w->sql.ptr[begin] != '\'') {
        fail_pattern(w, begin, word_of(w, t), 0);
        return;
    }
    struct tarn_str in = tarn_str_of(w->sql.ptr + begin + 1, end - begin - 2);
    if (memchr(in.ptr, '%', in.len))
        return; /* the engine's own */
    tarn_buf_init(&b, (size_t)1 << 20);
    pattern_sql(in, &b, &bad);
    if (bad)
        fail_pattern(w, begin, word_of(w, t), bad);
    else if (tarn_buf_take(w->op, &b, "a pattern", &put) != TARN_OK)
        w->status = w->op->report.status;
    else
        tarn__rewrite_later(w, begin, end, put);
    if (bad)
        tarn_buf_release(&b);
}

/* ---- functions */

/* aggregate(l, start, f): the engine's takes the start last. */
static size_t on_aggregate(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct call *c)
{
    struct tarn_str list, start, merge;
    if (!c->lambda || c->count != 3)
        return 0;
    w->status = tarn__rewrite_piece(w, c->args[0].begin, c->args[0].end, &list);
    if (w->status == TARN_OK)
        w->status = tarn__rewrite_piece(w, c->args[1].begin, c->args[1].end, &start);
    if (w->status == TARN_OK)
        w->status = tarn__rewrite_piece(w, c->args[2].begin, c->args[2].end, &merge);
    if (w->status != TARN_OK)
        return t->end;
    struct tarn_str put = tarn_sprintf(w->op, "list_reduce(%.*s, %.*s, %.*s)", TARN_STR_ARG(list),
                                       TARN_STR_ARG(merge), TARN_STR_ARG(start));
    if (!put.ptr) {
        w->status = TARN_NOMEM;
        return t->end;
    }
    tarn__rewrite_edit(w, t->begin, c->close + 1, put);
    return c->close + 1;
}

/* named_struct('a', x): struct_pack("a" := x) */
static size_t on_named_struct(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                              const struct call *c)
{
    if (c->count == 0 || c->count % 2 == 1)
        return 0;
    for (size_t i = 0; i < c->count; i += 2)
        if (!c->args[i].text || w->sql.ptr[c->args[i].begin] != '\'')
            return 0;
    tarn__rewrite_edit(w, t->begin, t->end, TARN_STR("struct_pack"));
    for (size_t i = 0; i < c->count; i += 2) {
        struct tarn_buf b;
        struct tarn_str put;
        size_t begin = c->args[i].begin, end = c->args[i].end;
        tarn_buf_init(&b, (size_t)1 << 20);
        tarn_buf_sql_name(&b, tarn_str_of(w->sql.ptr + begin + 1, end - begin - 2));
        tarn_buf_z(&b, " := ");
        if (tarn_buf_take(w->op, &b, "a name", &put) != TARN_OK)
            w->status = w->op->report.status;
        else
            tarn__rewrite_later(w, begin, c->args[i + 1].begin, put);
    }
    return t->end;
}

static bool is_literal(const struct tarn__rewriting *w, size_t begin, size_t end)
{
    struct tarn_sql_token t;
    return tarn__rewrite_next(w, begin, &t) && t.end == end &&
           (t.kind == TARN_SQL_STRING || t.kind == TARN_SQL_NUMBER);
}

/* map('a', x, 'b', y): MAP {'a': x, 'b': y}. The engine's own map(keys, values) takes two lists, so
 * two arguments are a key and its value only where the key is a text or a number. */
static size_t on_map(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                     const struct tarn_sql_token *before, const struct call *c)
{
    if (c->count == 0 || c->count % 2 == 1 || is(w, before, "AS") || is(w, before, ":") ||
        (c->count == 2 && !is_literal(w, c->args[0].begin, c->args[0].end)))
        return 0;
    tarn__rewrite_edit(w, t->begin, c->open + 1, TARN_STR("MAP {"));
    for (size_t i = 0; i < c->count; i += 2) {
        struct tarn_sql_token comma;
        if (tarn__rewrite_next(w, c->args[i].end, &comma))
            tarn__rewrite_later(w, comma.begin, comma.end, TARN_STR(":"));
    }
    tarn__rewrite_later(w, c->close, c->close + 1, TARN_STR("}"));
    return c->open + 1;
}

static bool takes_pattern(const struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    return is(w, t, "date_format") || is(w, t, "to_date") || is(w, t, "to_timestamp") ||
           is(w, t, "from_unixtime") || is(w, t, "unix_timestamp");
}

static size_t on_call(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                      const struct tarn_sql_token *before, const struct call *c)
{
    if (is(w, t, "current_timestamp") && c->count == 0) {
        tarn__rewrite_edit(w, c->open, c->close + 1, TARN_STR(""));
        return c->close + 1;
    }
    if (is(w, t, "transform") && c->lambda && c->count == 2) {
        tarn__rewrite_edit(w, t->begin, t->end, TARN_STR("list_transform"));
        return t->end;
    }
    if (is(w, t, "exists") && c->lambda && c->count == 2 && !begins_query(w, c)) {
        tarn__rewrite_edit(w, t->begin, t->end, TARN_STR("\"!any\"(list_transform"));
        w->status = tarn__macro_need(w->session, w->op, TARN_STR("!any"));
        tarn__rewrite_later(w, c->close, c->close + 1, TARN_STR("))"));
        return t->end;
    }
    if (is(w, t, "aggregate") || is(w, t, "reduce"))
        return on_aggregate(w, t, c);
    if (is(w, t, "named_struct"))
        return on_named_struct(w, t, c);
    if (is(w, t, "map"))
        return on_map(w, t, before, c);
    if (is(w, t, "array") && !begins_query(w, c) && !is(w, before, "AS") && !is(w, before, ":")) {
        tarn__rewrite_edit(w, t->begin, t->end, TARN_STR("list_value"));
        return t->end;
    }
    if (takes_pattern(w, t) && c->count == 2)
        on_pattern(w, t, c);
    if (w->status == TARN_OK)
        w->status = tarn__macro_need(w->session, w->op, word_of(w, t));
    return 0;
}

/* LATERAL VIEW [OUTER] explode(l) v [AS x]: a join with a SELECT of its own. */
static size_t on_lateral(struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    struct tarn_sql_token open, view, column = {.kind = TARN_SQL_SIGN};
    size_t at, name, close;
    bool outer = tarn__rewrite_at(w, t->begin, "LATERAL VIEW OUTER explode", &at);
    if (!outer && !tarn__rewrite_at(w, t->begin, "LATERAL VIEW explode", &at))
        return 0;
    if (!tarn__rewrite_next(w, at, &open) || !is(w, &open, "(") ||
        (close = tarn__rewrite_closing(w, open.begin)) >= w->sql.len ||
        !tarn__rewrite_next(w, close + 1, &view) ||
        (view.kind != TARN_SQL_WORD && view.kind != TARN_SQL_QUOTED))
        return 0;
    if (tarn__rewrite_at(w, view.end, "AS", &name))
        (void)tarn__rewrite_next(w, name, &column);
    bool named = column.kind == TARN_SQL_WORD || column.kind == TARN_SQL_QUOTED;
    struct tarn_str as = tarn_sprintf(w->op, ") AS %.*s) %.*s%s",
                                      TARN_STR_ARG(named ? word_of(w, &column) : TARN_STR("col")),
                                      TARN_STR_ARG(word_of(w, &view)), outer ? " ON true" : "");
    if (!as.ptr) {
        w->status = TARN_NOMEM;
        return t->end;
    }
    put_printf(w, t->begin, open.end, outer ? "LEFT" : "CROSS", TARN_STR(" JOIN LATERAL "),
               "(SELECT unnest(");
    tarn__rewrite_later(w, close, named ? column.end : view.end, as);
    return open.end;
}

/* a DIV b, and no column or alias of that name. */
static bool between_values(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before)
{
    static const char *const words[] = {"SELECT", "DISTINCT", "WHERE", "AND",  "OR",   "NOT",
                                        "FROM",   "BY",       "ON",    "AS",   "WHEN", "THEN",
                                        "ELSE",   "END",      "IN",    "IS",   "LIKE", "BETWEEN",
                                        "HAVING", "SET",      "GROUP", "ORDER"};
    struct tarn_sql_token next;
    if (!tarn__rewrite_next(w, t->end, &next))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (is(w, before, words[i]) || is(w, &next, words[i]))
            return false;
    bool left = before->kind != TARN_SQL_SIGN || is(w, before, ")") || is(w, before, "]");
    return left && (next.kind != TARN_SQL_SIGN || is(w, &next, "("));
}

size_t tarn__rewrite_spark(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before)
{
    struct tarn_sql_token open;
    struct call c;
    size_t past;
    if (t->kind != TARN_SQL_WORD || is(w, before, "."))
        return 0;
    if (is(w, t, "LATERAL"))
        return on_lateral(w, t);
    if (is(w, t, "DIV") && between_values(w, t, before)) {
        tarn__rewrite_edit(w, t->begin, t->end, TARN_STR("//"));
        return t->end;
    }
    past = on_type(w, t, before);
    if (past > 0 || !tarn__rewrite_next(w, t->end, &open) || !is(w, &open, "(") ||
        !call_at(w, open.begin, &c))
        return past;
    return on_call(w, t, before, &c);
}
