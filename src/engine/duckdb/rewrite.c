/* rewrite: a statement before it is parsed, word by word.
 *
 *   t VERSION AS OF x, t TIMESTAMP AS OF x (with FOR; SYSTEM_VERSION, SYSTEM_TIME), t AT (..)
 *                        cut out of the text and remembered by where the table's name begins
 *   a.b.c.d              behind FROM, JOIN or a comma: a."b.c".d, as the parser takes three parts
 *   `name`               "name"
 *   Spark's types and functions (spark.c)
 *
 * What is not understood stays as it is, for the parser to judge. Spans say where the pieces of the
 * new text stood in the old one.
 */
#include "engine/duckdb/rewrite_int.h"

#define DEPTH_MAX 1000

static bool is(const struct tarn__rewriting *w, const struct tarn_sql_token *t, const char *word)
{
    return tarn_sql_token_is(w->sql, t, word);
}

bool tarn__rewrite_next(const struct tarn__rewriting *w, size_t at, struct tarn_sql_token *out)
{
    *out = (struct tarn_sql_token){.begin = w->sql.len, .end = w->sql.len, .kind = TARN_SQL_SIGN};
    return tarn_sql_token(w->sql, at, out);
}

bool tarn__rewrite_at(const struct tarn__rewriting *w, size_t at, const char *words,
                      size_t *out_end)
{
    struct tarn_str rest = tarn_str_view(words), word;
    struct tarn_sql_token t;
    while (rest.ptr) {
        (void)tarn_str_cut(&rest, ' ', &word);
        if (!tarn__rewrite_next(w, at, &t) ||
            (t.kind != TARN_SQL_WORD && t.kind != TARN_SQL_SIGN) ||
            !tarn_str_eq_nocase(tarn_str_of(w->sql.ptr + t.begin, t.end - t.begin), word))
            return false;
        at = t.end;
    }
    *out_end = at;
    return true;
}

static void *grown(struct tarn__rewriting *w, void *items, size_t count, size_t *cap, size_t size)
{
    void *bigger = tarn_grow(w->op, items, count, cap, size);
    if (!bigger)
        w->status = TARN_NOMEM;
    return bigger;
}

void tarn__rewrite_edit(struct tarn__rewriting *w, size_t begin, size_t end, struct tarn_str put)
{
    struct tarn__splice *items = grown(w, w->edits, w->edit_count, &w->edit_cap, sizeof *items);
    if (!items)
        return;
    w->edits = items;
    items[w->edit_count++] = (struct tarn__splice){.at = begin, .cut = end - begin, .put = put};
}

void tarn__rewrite_later(struct tarn__rewriting *w, size_t begin, size_t end, struct tarn_str put)
{
    struct tarn__splice *items = grown(w, w->later, w->later_count, &w->later_cap, sizeof *items);
    size_t at = w->later_count;
    if (!items)
        return;
    w->later = items;
    for (; at > 0 && items[at - 1].at < begin; at--)
        items[at] = items[at - 1];
    items[at] = (struct tarn__splice){.at = begin, .cut = end - begin, .put = put};
    w->later_count++;
}

/* The edit that was kept for this place: where to go on; 0 = none. */
static size_t take_later(struct tarn__rewriting *w, size_t at)
{
    while (w->later_count > 0 && w->later[w->later_count - 1].at < at)
        w->later_count--; /* its words were taken by another edit */
    if (w->later_count == 0 || w->later[w->later_count - 1].at != at)
        return 0;
    struct tarn__splice e = w->later[--w->later_count];
    tarn__rewrite_edit(w, e.at, e.at + e.cut, e.put);
    return e.at + e.cut;
}

/* ---- names */

/* Without quotes; doubled ones are halved. */
static struct tarn_str bare(struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    struct tarn_str word = tarn_str_of(w->sql.ptr + t->begin, t->end - t->begin);
    if (t->kind != TARN_SQL_QUOTED || word.len < 2)
        return word;
    char *copy = tarn_alloc(w->op, word.len), quote = word.ptr[0];
    size_t n = 0;
    if (!copy) {
        w->status = TARN_NOMEM;
        return word;
    }
    for (size_t i = 1; i + 1 < word.len; i++) {
        copy[n++] = word.ptr[i];
        if (word.ptr[i] == quote && word.ptr[i + 1] == quote)
            i++;
    }
    return tarn_str_of(copy, n);
}

static struct tarn_str quoted(struct tarn__rewriting *w, struct tarn_str name)
{
    struct tarn_buf b;
    struct tarn_str out = {NULL, 0};
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_sql_name(&b, name);
    if (tarn_buf_take(w->op, &b, "a name", &out) != TARN_OK)
        w->status = w->op->report.status;
    return out;
}

static void back_quoted(struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    if (t->kind == TARN_SQL_QUOTED && w->sql.ptr[t->begin] == '`' && t->end - t->begin >= 2)
        tarn__rewrite_edit(w, t->begin, t->end, quoted(w, bare(w, t)));
}

struct chain {
    struct tarn_sql_token parts[TARN__PARTS_MAX];
    size_t count, end;
};

static bool is_name(const struct tarn_sql_token *t)
{
    return t->kind == TARN_SQL_WORD || t->kind == TARN_SQL_QUOTED;
}

static struct chain chain_at(const struct tarn__rewriting *w, const struct tarn_sql_token *first)
{
    struct chain c = {.parts = {*first}, .count = 1, .end = first->end};
    struct tarn_sql_token dot, t;
    while (c.count < TARN__PARTS_MAX && tarn__rewrite_next(w, c.end, &dot) && is(w, &dot, ".") &&
           tarn__rewrite_next(w, dot.end, &t) && (is_name(&t) || t.kind == TARN_SQL_NUMBER)) {
        c.parts[c.count++] = t;
        c.end = t.end;
    }
    return c;
}

/* a.b.c.d -> a."b.c".d */
static void fold(struct tarn__rewriting *w, const struct chain *c)
{
    struct tarn_buf b;
    struct tarn_str inner;
    tarn_buf_init(&b, (size_t)1 << 20);
    for (size_t i = 1; i + 1 < c->count; i++) {
        tarn_buf_z(&b, i > 1 ? "." : "");
        tarn_buf_str(&b, bare(w, &c->parts[i]));
    }
    if (tarn_buf_take(w->op, &b, "a name", &inner) != TARN_OK) {
        w->status = w->op->report.status;
        return;
    }
    back_quoted(w, &c->parts[0]);
    tarn__rewrite_edit(w, c->parts[1].begin, c->parts[c->count - 2].end, quoted(w, inner));
    back_quoted(w, &c->parts[c->count - 1]);
}

/* ---- AT and AS OF */

static size_t closing(const struct tarn__rewriting *w, size_t open)
{
    struct tarn_sql_token t;
    int depth = 0;
    for (size_t p = open; tarn_sql_token(w->sql, p, &t); p = t.end) {
        if (is(w, &t, "("))
            depth++;
        if (is(w, &t, ")") && --depth == 0)
            return t.begin;
    }
    return w->sql.len;
}

size_t tarn__rewrite_closing(const struct tarn__rewriting *w, size_t open)
{
    return closing(w, open);
}

/* One operand behind AS OF: a literal, a word with or without brackets behind it, INTERVAL n unit,
 * DATE '..'; the end of it, or `at` if none stands there. */
static size_t operand_end(const struct tarn__rewriting *w, size_t at)
{
    struct tarn_sql_token t, next;
    size_t end;
    if (!tarn__rewrite_next(w, at, &t))
        return at;
    if (is(w, &t, "-") || is(w, &t, "+"))
        return operand_end(w, t.end);
    if (is(w, &t, "(")) {
        end = closing(w, t.begin);
        return end < w->sql.len ? end + 1 : end;
    }
    if (t.kind == TARN_SQL_SIGN)
        return at;
    if (is(w, &t, "INTERVAL")) {
        end = operand_end(w, t.end);
        return tarn__rewrite_next(w, end, &next) && next.kind == TARN_SQL_WORD ? next.end : end;
    }
    end = t.end;
    if (t.kind == TARN_SQL_NUMBER && tarn__rewrite_next(w, end, &next) && is(w, &next, ".") &&
        tarn__rewrite_next(w, next.end, &next) && next.kind == TARN_SQL_NUMBER)
        return next.end;
    if (t.kind != TARN_SQL_WORD || !tarn__rewrite_next(w, end, &next))
        return end;
    if (next.kind == TARN_SQL_STRING)
        return next.end;
    if (is(w, &next, "(")) {
        end = closing(w, next.begin);
        return end < w->sql.len ? end + 1 : end;
    }
    return end;
}

/* operand [(+ | - | * | / | ||) operand | ::type]... */
static size_t expression_end(const struct tarn__rewriting *w, size_t at)
{
    struct tarn_sql_token t;
    size_t end = operand_end(w, at), next;
    while (end > at && tarn__rewrite_next(w, end, &t)) {
        size_t from = t.end;
        if (is(w, &t, ":") || is(w, &t, "|")) {
            if (!tarn__rewrite_at(w, end, is(w, &t, ":") ? ": :" : "| |", &from))
                break;
        } else if (!is(w, &t, "+") && !is(w, &t, "-") && !is(w, &t, "*") && !is(w, &t, "/")) {
            break;
        }
        next = operand_end(w, from);
        if (next == from)
            break;
        end = next;
    }
    return end;
}

static void add_at(struct tarn__rewriting *w, const struct chain *c, bool timestamp, size_t begin,
                   size_t end)
{
    struct tarn__at *items = grown(w, w->ats, w->at_count, &w->at_cap, sizeof *items);
    struct tarn_sql_token t;
    if (!items)
        return;
    w->ats = items;
    if (tarn__rewrite_next(w, begin, &t))
        begin = t.begin;
    items[w->at_count++] = (struct tarn__at){.table = c->parts[0].begin,
                                             .timestamp = timestamp,
                                             .begin = begin,
                                             .length = end > begin ? end - begin : 0};
}

/* Behind a table's name: [FOR] VERSION AS OF x. */
static size_t as_of(struct tarn__rewriting *w, const struct chain *c)
{
    static const struct {
        const char *words;
        bool timestamp;
    } forms[] = {
        {"VERSION AS OF", false},        {"FOR VERSION AS OF", false},
        {"SYSTEM_VERSION AS OF", false}, {"FOR SYSTEM_VERSION AS OF", false},
        {"TIMESTAMP AS OF", true},       {"FOR TIMESTAMP AS OF", true},
        {"SYSTEM_TIME AS OF", true},     {"FOR SYSTEM_TIME AS OF", true},
    };
    struct tarn_sql_token first;
    size_t begin, end;
    if (!tarn__rewrite_next(w, c->end, &first) || first.kind != TARN_SQL_WORD)
        return c->end;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (!tarn__rewrite_at(w, first.begin, forms[i].words, &begin))
            continue;
        end = forms[i].timestamp ? expression_end(w, begin) : operand_end(w, begin);
        if (end == begin)
            return c->end;
        add_at(w, c, forms[i].timestamp, begin, end);
        tarn__rewrite_edit(w, first.begin, end, TARN_STR(""));
        return end;
    }
    return c->end;
}

/* [AS alias] AT (VERSION => x) */
static size_t engine_at(struct tarn__rewriting *w, const struct chain *c)
{
    struct tarn_sql_token t, alias = {0};
    size_t at = c->end, begin;
    bool timestamp;
    if (!tarn__rewrite_next(w, at, &t) || !is_name(&t))
        return c->end;
    if (is(w, &t, "AS"))
        (void)tarn__rewrite_next(w, t.end, &t);
    if (!is(w, &t, "AT")) {
        alias = t;
        if (!tarn__rewrite_next(w, t.end, &t))
            return c->end;
    }
    if (!tarn__rewrite_at(w, t.begin, "AT (", &at))
        return c->end;
    timestamp = tarn__rewrite_at(w, at, "TIMESTAMP = >", &begin);
    if (!timestamp && !tarn__rewrite_at(w, at, "VERSION = >", &begin))
        return c->end;
    size_t end = closing(w, t.end);
    if (end >= w->sql.len)
        return c->end;
    back_quoted(w, &alias);
    add_at(w, c, timestamp, begin, end);
    tarn__rewrite_edit(w, t.begin, end + 1, TARN_STR(""));
    return end + 1;
}

/* The parts of a name that stands in a text; 0: it is none. */
static size_t parts_in(struct tarn__rewriting *w, struct tarn_str text, struct tarn_str *parts)
{
    struct tarn__rewriting in = {.op = w->op, .sql = text};
    struct tarn_sql_token t;
    size_t n = 0, p = 0;
    for (bool expect = true; tarn_sql_token(text, p, &t); p = t.end, expect = !expect) {
        if (expect ? !is_name(&t) || n == TARN__PARTS_MAX : !is(&in, &t, "."))
            return 0;
        if (expect)
            parts[n++] = bare(&in, &t);
    }
    return n;
}

/* query_table('ns.t.snapshots'): the engine's own takes names of two parts. */
static size_t on_query_table(struct tarn__rewriting *w, const struct tarn_sql_token *first)
{
    struct tarn_sql_token open, text, close;
    struct tarn_str parts[TARN__PARTS_MAX], all;
    struct tarn_buf b;
    if (!is(w, first, "query_table") || !tarn__rewrite_next(w, first->end, &open) ||
        !is(w, &open, "(") || !tarn__rewrite_next(w, open.end, &text) ||
        text.kind != TARN_SQL_STRING || w->sql.ptr[text.begin] != '\'' ||
        !tarn__rewrite_next(w, text.end, &close) || !is(w, &close, ")"))
        return 0;
    size_t n =
        parts_in(w, tarn_str_of(w->sql.ptr + text.begin + 1, text.end - text.begin - 2), parts);
    if (n < 3)
        return 0;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_sql_name(&b, parts[0]);
    tarn_buf_z(&b, ".\"");
    for (size_t i = 1; i + 1 < n; i++)
        tarn_buf_printf(&b, "%s%.*s", i > 1 ? "." : "", TARN_STR_ARG(parts[i]));
    tarn_buf_z(&b, "\".");
    tarn_buf_sql_name(&b, parts[n - 1]);
    if (tarn_buf_take(w->op, &b, "a name", &all) != TARN_OK)
        w->status = w->op->report.status;
    else
        tarn__rewrite_edit(w, first->begin, close.end, all);
    return close.end;
}

/* Where to go on. */
static size_t on_table(struct tarn__rewriting *w, const struct tarn_sql_token *first)
{
    struct chain c = chain_at(w, first);
    struct tarn_sql_token t;
    if (tarn__rewrite_next(w, c.end, &t) && is(w, &t, "("))
        return on_query_table(w, first); /* 0: another table function */
    if (c.count > 3)
        fold(w, &c);
    else
        for (size_t i = 0; i < c.count; i++)
            back_quoted(w, &c.parts[i]);
    size_t end = as_of(w, &c);
    return end > c.end ? end : engine_at(w, &c);
}

/* ---- where names of tables stand */

struct level {
    bool query;  /* a SELECT, or the brackets around tables behind FROM */
    bool from;   /* inside of FROM */
    bool expect; /* a table's name may come */
};

static bool any_of(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                   const char *const *words)
{
    for (; t->kind == TARN_SQL_WORD && *words; words++)
        if (is(w, t, *words))
            return true;
    return false;
}

static void on_word(const struct tarn__rewriting *w, const struct tarn_sql_token *t,
                    struct level *l, bool first, const struct tarn_sql_token *before)
{
    static const char *const begins[] = {"SELECT",    "WITH",  "FROM",    "VALUES",
                                         "TABLE",     "PIVOT", "UNPIVOT", "DESCRIBE",
                                         "SUMMARIZE", "SHOW",  NULL};
    static const char *const ends[] = {"WHERE",  "GROUP",  "HAVING", "ORDER",     "LIMIT",
                                       "OFFSET", "SELECT", "WINDOW", "QUALIFY",   "UNION",
                                       "EXCEPT", "SET",    "VALUES", "INTERSECT", NULL};
    static const char *const names[] = {"DESCRIBE", "SUMMARIZE", "TABLE", "PIVOT", "UNPIVOT", NULL};
    if (first && any_of(w, t, begins))
        l->query = true;
    if (is(w, t, "FROM")) {
        l->from = l->from || (l->query && !is(w, before, "DISTINCT"));
        l->expect = l->query && !is(w, before, "DISTINCT");
    } else if (any_of(w, t, ends)) {
        l->from = l->expect = false;
    } else if (any_of(w, t, names)) {
        l->expect = first;
    } else if (is(w, t, "JOIN") || is(w, t, ",")) {
        l->expect = l->from;
    } else if (!is(w, t, "LATERAL") && !is(w, t, "ONLY")) {
        l->expect = false;
    }
}

static bool is_keyword(const struct tarn__rewriting *w, const struct tarn_sql_token *t)
{
    static const char *const words[] = {"SELECT", "LATERAL", "ONLY", "VALUES", "FROM",
                                        "WITH",   "UNNEST",  "JOIN", NULL};
    return any_of(w, t, words);
}

static void scan(struct tarn__rewriting *w, size_t body)
{
    struct level levels[DEPTH_MAX] = {{.query = true}};
    size_t depth = 0, beyond = 0, past;
    struct tarn_sql_token t, before = {.kind = TARN_SQL_SIGN};
    bool first = true;
    for (size_t p = body; w->status == TARN_OK && tarn_sql_token(w->sql, p, &t); p = t.end) {
        struct level *l = &levels[depth];
        past = take_later(w, t.begin);
        tarn__rewrite_operand(w, &t, &before);
        if (is(w, &t, "(")) {
            struct level in = {.query = l->expect, .from = l->expect, .expect = l->expect};
            if (depth + 1 < DEPTH_MAX)
                levels[++depth] = in;
            else
                beyond++;
        } else if (is(w, &t, ")")) {
            if (beyond > 0)
                beyond--;
            else if (depth > 0)
                levels[--depth].expect = false;
        } else if (past > 0) {
            l->expect = false;
        } else if (l->expect && is_name(&t) && !is_keyword(w, &t) && (past = on_table(w, &t)) > 0) {
            l->expect = false;
            t.end = past;
        } else if ((past = tarn__rewrite_spark(w, &t, &before)) > 0 ||
                   (past = tarn__rewrite_opaque(w, &t, &before)) > 0) {
            t.end = past;
        } else {
            back_quoted(w, &t);
            on_word(w, &t, l, first, &before);
        }
        first = is(w, &t, "(");
        if (past > t.end)
            t.end = past;
        before = t;
    }
}

/* ---- the new text */

struct output {
    struct tarn_buf sql;
    struct tarn_sql_span *spans;
    size_t count, cap;
};

static void add_span(struct tarn__rewriting *w, struct output *o, struct tarn_sql_span span)
{
    if (span.length == 0)
        return;
    struct tarn_sql_span *items = grown(w, o->spans, o->count, &o->cap, sizeof *items);
    if (!items)
        return;
    o->spans = items;
    items[o->count++] = span;
}

/* Bytes [from, to) of the old text are kept. */
static void keep(struct tarn__rewriting *w, struct output *o, size_t from, size_t to)
{
    const struct tarn_sql_text *user = w->user;
    if (!user->origin.ptr)
        add_span(w, o, (struct tarn_sql_span){o->sql.len, to - from, from});
    for (size_t i = 0; user->origin.ptr && i < user->span_count; i++) {
        const struct tarn_sql_span *s = &user->spans[i];
        size_t begin = s->at > from ? s->at : from,
               end = s->at + s->length < to ? s->at + s->length : to;
        if (begin < end)
            add_span(w, o,
                     (struct tarn_sql_span){o->sql.len + (begin - from), end - begin,
                                            s->origin + (begin - s->at)});
    }
    tarn_buf_append(&o->sql, w->sql.ptr + from, to - from);
}

/* A place in what was put is the place of what it stands for. */
static void put(struct tarn__rewriting *w, struct output *o, const struct tarn__splice *e)
{
    size_t origin;
    if (tarn__origin(w->user, e->at, &origin))
        add_span(
            w, o,
            (struct tarn_sql_span){o->sql.len, e->put.len < e->cut ? e->put.len : e->cut, origin});
    tarn_buf_str(&o->sql, e->put);
}

/* Clauses know their table by its place in the new text. */
static void move_ats(struct tarn__rewriting *w)
{
    for (size_t i = 0; i < w->at_count; i++) {
        size_t at = w->ats[i].table, moved = at;
        for (size_t k = 0; k < w->edit_count && w->edits[k].at < at; k++)
            moved = moved + w->edits[k].put.len - w->edits[k].cut;
        w->ats[i].table = moved;
    }
}

enum tarn_status tarn__rewrite_piece(struct tarn__rewriting *w, size_t begin, size_t end,
                                     struct tarn_str *out)
{
    struct tarn_sql_text piece = {.sql = tarn_str_of(w->sql.ptr + begin, end - begin)};
    struct tarn__rewritten done;
    *out = (struct tarn_str){NULL, 0};
    TARN_TRY(tarn__rewrite(w->session, w->op, &piece, 0, &done));
    if (done.at_count > 0)
        return tarn_fail(w->op, TARN_UNSUPPORTED,
                         "a table at a version cannot be read inside of these brackets");
    *out = done.text.sql;
    return TARN_OK;
}

enum tarn_status tarn__rewrite(struct tarn_session *s, struct tarn_op *op,
                               const struct tarn_sql_text *user, size_t body,
                               struct tarn__rewritten *out)
{
    struct tarn__rewriting w = {
        .session = s, .op = op, .user = user, .sql = user->sql, .status = TARN_OK};
    struct output o = {0};
    size_t from = 0;
    *out = (struct tarn__rewritten){.text = *user, .source = *user};
    scan(&w, body);
    TARN_TRY(w.status);
    if (w.edit_count == 0)
        return TARN_OK;
    tarn_buf_init(&o.sql, TARN__SQL_MAX);
    for (size_t i = 0; i < w.edit_count; i++) {
        keep(&w, &o, from, w.edits[i].at);
        put(&w, &o, &w.edits[i]);
        from = w.edits[i].at + w.edits[i].cut;
    }
    keep(&w, &o, from, w.sql.len);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &o.sql, "the statement", &out->text.sql));
    TARN_TRY(w.status);
    move_ats(&w);
    out->text.spans = o.spans;
    out->text.span_count = o.count;
    if (!user->origin.ptr)
        out->text.origin = user->sql;
    out->ats = w.ats;
    out->at_count = w.at_count;
    return TARN_OK;
}
