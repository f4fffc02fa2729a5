/* parse: the names that a SELECT reads, out of the engine's own parse tree (json_serialize_sql).
 *
 * The tree is walked in its own order; a common table expression hides a bare name inside its
 * scope: each entry of a cte_map sees the ones before it, a recursive one itself. Offsets are bytes
 * of the user's text.
 */
#include "engine/duckdb/engine_int.h"

#include <ctype.h>
#include <stdlib.h>

#include "lake/inspect.h"

#define REFS_MAX  10000
#define SCOPE_MAX 1000

struct walk {
    struct tarn_op *op;
    struct tarn_session *session;
    const struct tarn_sql_text *text;
    size_t body;
    struct tarn__refs *out;
    struct tarn_str scope[SCOPE_MAX];
    size_t scope_count;
    size_t refs_cap;
    enum tarn_status status;
};

static struct tarn_str member(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_STRING ? m->text : TARN_STR("");
}

static bool present(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind != TARN_JSON_K_NULL;
}

static struct tarn_str part(struct tarn_str s)
{
    return s.len > 0 ? s : (struct tarn_str){NULL, 0};
}

/* Byte offset in the user's text; the end of it when the tree does not know. */
static size_t location(const struct walk *w, const struct tarn_json *node)
{
    const struct tarn_json *m = tarn_json_get(node, "query_location");
    int64_t at;
    if (!m || !tarn_str_to_i64(m->text, &at) || at < 0 || (uint64_t)at > w->text->sql.len - w->body)
        return w->text->sql.len;
    return w->body + (size_t)at;
}

/* ---- growing arrays in the op's arena */

static void *grown(struct walk *w, void *items, size_t count, size_t *cap, size_t size)
{
    void *bigger = tarn_grow(w->op, items, count, cap, size);
    if (!bigger)
        w->status = TARN_NOMEM;
    return bigger;
}

static void add_ref(struct walk *w, struct tarn_table_ref ref)
{
    struct tarn__refs *r = w->out;
    if (r->count >= REFS_MAX) {
        w->status =
            tarn_fail(w->op, TARN_LIMIT, "the statement names more than %d tables", REFS_MAX);
        return;
    }
    struct tarn_table_ref *items = grown(w, r->items, r->count, &w->refs_cap, sizeof *items);
    if (!items)
        return;
    r->items = items;
    items[r->count++] = ref;
}

/* The catalog's real name differs from the one that the user knows: its word in the text is
 * exchanged. */
static void add_catalog_splice(struct walk *w, size_t at)
{
    struct tarn__refs *r = w->out;
    struct tarn_sql_token t;
    if (tarn_str_is(w->session->engine->options.catalog_name, w->session->catalog))
        return;
    if (at >= w->text->sql.len || !tarn_sql_token(w->text->sql, at, &t) ||
        (t.kind != TARN_SQL_WORD && t.kind != TARN_SQL_QUOTED))
        return;
    struct tarn_buf b;
    struct tarn__splice p = {.at = t.begin, .cut = t.end - t.begin};
    tarn_buf_init(&b, 4096);
    tarn_buf_sql_name(&b, tarn_str_view(w->session->catalog));
    w->status = (enum tarn_status)tarn_buf_take(w->op, &b, "a name", &p.put);
    if (w->status == TARN_OK)
        w->status = tarn__splice_add(w->op, r, p);
}

/* ---- nodes */

static bool in_scope(const struct walk *w, struct tarn_str name)
{
    for (size_t i = 0; i < w->scope_count; i++)
        if (tarn_str_eq_nocase(w->scope[i], name))
            return true;
    return false;
}

static void scope_push(struct walk *w, struct tarn_str name)
{
    if (w->scope_count < SCOPE_MAX)
        w->scope[w->scope_count++] = name;
    else
        w->status = tarn_fail(w->op, TARN_LIMIT,
                              "the statement has more than %d WITH names in scope", SCOPE_MAX);
}

static bool own_catalog(const struct walk *w, struct tarn_str catalog)
{
    return tarn_str_eq_nocase(catalog, w->session->engine->options.catalog_name);
}

static void on_table(struct walk *w, const struct tarn_json *node)
{
    struct tarn_table_ref ref = {
        .catalog = part(member(node, "catalog_name")),
        .ns = part(member(node, "schema_name")),
        .name = part(member(node, "table_name")),
        .offset = location(w, node),
    };
    if (!ref.name.ptr || (!ref.ns.ptr && !ref.catalog.ptr && in_scope(w, ref.name)))
        return;
    if (present(node, "at_clause")) {
        w->status = tarn_fail(w->op, TARN_UNSUPPORTED,
                              "AT cannot stand here: write it behind the table's name");
        tarn__place(w->op, w->text, ref.offset);
        return;
    }
    if (ref.catalog.ptr && own_catalog(w, ref.catalog))
        add_catalog_splice(w, ref.offset);
    if (w->status != TARN_OK)
        return;
    w->status = tarn__at_value(w->session, w->op, &w->out->rewritten, &ref);
    if (w->status == TARN_OK)
        add_ref(w, ref);
}

/* iceberg.raw.t.column */
static void on_column(struct walk *w, const struct tarn_json *node)
{
    const struct tarn_json *names = tarn_json_get(node, "column_names");
    if (names && names->count >= 4 && own_catalog(w, names->first->text))
        add_catalog_splice(w, location(w, node));
}

/* "raw.t" in a text: parts between dots outside of quotes. */
static void add_dotted(struct walk *w, struct tarn_str text, size_t offset)
{
    struct tarn_str parts[3];
    size_t n = 0, p = 0;
    struct tarn_sql_token t;
    for (bool expect = true; tarn_sql_token(text, p, &t); p = t.end, expect = !expect) {
        struct tarn_str word = tarn_str_of(text.ptr + t.begin, t.end - t.begin);
        if (!expect && !tarn_str_is(word, "."))
            return;
        if (!expect)
            continue;
        if (n == 3 || t.kind == TARN_SQL_SIGN)
            return;
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        parts[n++] = word;
    }
    if (n == 0)
        return;
    struct tarn_table_ref ref = {.name = parts[n - 1], .offset = offset};
    if (n >= 2)
        ref.ns = parts[n - 2];
    if (n == 3)
        ref.catalog = parts[0];
    add_ref(w, ref);
}

static void add_constant_names(struct walk *w, const struct tarn_json *node, size_t offset)
{
    const struct tarn_json *value = tarn_json_get(node, "value");
    const struct tarn_json *text = value ? tarn_json_get(value, "value") : NULL;
    if (text && text->kind == TARN_JSON_K_STRING)
        add_dotted(w, text->text, offset);
    const struct tarn_json *children = tarn_json_get(node, "children");
    for (const struct tarn_json *c = children ? children->first : NULL; c; c = c->next)
        add_constant_names(w, c, offset);
}

/* query_table('raw.t') and query_table(['raw.t', ..]) read names that stand in texts. */
static void on_table_function(struct walk *w, const struct tarn_json *node)
{
    const struct tarn_json *f = tarn_json_get(node, "function");
    if (!f || !tarn_str_eq_nocase(member(f, "function_name"), TARN_STR("query_table")))
        return;
    const struct tarn_json *children = tarn_json_get(f, "children");
    if (children && children->first)
        add_constant_names(w, children->first, location(w, node));
}

static void on_show(struct walk *w, const struct tarn_json *node)
{
    struct tarn_str what = member(node, "table_name");
    if (tarn_str_is(what, "\"tables\"") || tarn_str_is(what, "tables") ||
        tarn_str_is(member(node, "show_type"), "SHOW_FROM")) {
        w->out->show_tables = true;
        w->out->show_schema = part(member(node, "schema_name"));
    }
}

static void walk(struct walk *w, const struct tarn_json *j);

static void walk_children(struct walk *w, const struct tarn_json *j, const char *but)
{
    for (const struct tarn_json *x = j->first; x && w->status == TARN_OK; x = x->next)
        if (!but || !tarn_str_is(x->key, but))
            walk(w, x);
}

static bool is_recursive(const struct tarn_json *cte)
{
    const struct tarn_json *query = tarn_json_get(cte, "query");
    const struct tarn_json *node = query ? tarn_json_get(query, "node") : NULL;
    return node && tarn_str_is(member(node, "type"), "RECURSIVE_CTE_NODE");
}

static void walk_query_node(struct walk *w, const struct tarn_json *j)
{
    const struct tarn_json *ctes = tarn_json_get(tarn_json_get(j, "cte_map"), "map");
    size_t mark = w->scope_count;
    for (const struct tarn_json *e = ctes ? ctes->first : NULL; e && w->status == TARN_OK;
         e = e->next) {
        const struct tarn_json *body = tarn_json_get(e, "value");
        bool recursive = body && is_recursive(body);
        if (recursive)
            scope_push(w, member(e, "key"));
        if (body)
            walk(w, body);
        if (!recursive)
            scope_push(w, member(e, "key"));
    }
    walk_children(w, j, "cte_map");
    w->scope_count = mark;
}

static void on_object(struct walk *w, const struct tarn_json *j)
{
    struct tarn_str type = member(j, "type");
    if (tarn_str_is(type, "BASE_TABLE"))
        on_table(w, j);
    else if (tarn_str_is(type, "COLUMN_REF"))
        on_column(w, j);
    else if (tarn_str_is(type, "TABLE_FUNCTION"))
        on_table_function(w, j);
    else if (tarn_str_is(type, "SHOW_REF"))
        on_show(w, j);
    else if (tarn_str_is(type, "SELECT_NODE"))
        w->status = tarn__stars_note(w->op, w->out, w->body, j);
    else if (tarn_str_is(type, "JOIN") && tarn_str_is(member(j, "ref_type"), "NATURAL"))
        w->out->natural = true;
    if (present(j, "where_clause") || present(j, "having") || present(j, "qualify") ||
        (tarn_str_is(type, "JOIN") && present(j, "condition")))
        w->out->has_filter = true;
}

static void walk(struct walk *w, const struct tarn_json *j)
{
    if (w->status != TARN_OK)
        return;
    if (j->kind == TARN_JSON_K_OBJECT)
        on_object(w, j);
    if (j->kind == TARN_JSON_K_OBJECT && tarn_json_get(j, "cte_map"))
        walk_query_node(w, j);
    else if (j->kind == TARN_JSON_K_OBJECT || j->kind == TARN_JSON_K_ARRAY)
        walk_children(w, j, NULL);
}

/* ---- statements */

/* What the parser would not serialise: named by its first word. */
static enum tarn_status fail_statement(struct tarn_op *op, const struct tarn_sql_text *text,
                                       size_t body)
{
    struct tarn_sql_token t = {.begin = body, .end = body}, first = {0};
    char word[32] = "this statement";
    (void)tarn_sql_token(text->sql, 0, &first);
    if (tarn_sql_token(text->sql, body, &t)) {
        size_t n = t.end - t.begin < sizeof word - 1 ? t.end - t.begin : sizeof word - 1;
        for (size_t i = 0; i < n; i++)
            word[i] = (char)toupper((unsigned char)text->sql.ptr[t.begin + i]);
        word[n] = '\0';
    }
    if (strcmp(word, "PIVOT") == 0) {
        (void)tarn_fail(op, TARN_UNSUPPORTED,
                        "PIVOT without a list of values is not in this version");
        tarn_hint(op, "write PIVOT ... ON column IN (value, ...)");
    } else if (tarn_sql_token_is(text->sql, &first, "EXPLAIN")) {
        (void)tarn_fail(op, TARN_UNSUPPORTED, "a statement that begins with %s cannot be explained",
                        word);
        tarn_hint(op, "EXPLAIN the SELECT that reads the same rows");
    } else {
        (void)tarn_fail(op, TARN_UNSUPPORTED, "%s is not in this version", word);
    }
    tarn__place(op, text, t.begin);
    return TARN_UNSUPPORTED;
}

static enum tarn_status fail_parse(struct tarn_op *op, const struct tarn_json *root,
                                   const struct tarn_sql_text *text, size_t body)
{
    struct tarn_str type = member(root, "error_type"), message = member(root, "error_message");
    int64_t position;
    if (tarn_str_is(type, "not implemented"))
        return fail_statement(op, text, body);
    message = tarn__tidy(op, message);
    (void)tarn_fail(op, TARN_SQL, "%.*s", TARN_STR_ARG(message));
    if (tarn_str_to_i64(member(root, "position"), &position) && position >= 0)
        tarn__place(op, text, body + (size_t)position);
    tarn_sql_advise(op, text);
    return TARN_SQL;
}

static enum tarn_status tree_of(struct tarn_session *s, struct tarn_op *op,
                                const struct tarn_sql_text *text, size_t body,
                                struct tarn_json **out)
{
    struct tarn_str sql = tarn_str_of(text->sql.ptr + body, text->sql.len - body), json;
    if (!tarn_utf8_valid(sql) || memchr(sql.ptr, '\0', sql.len))
        return tarn_fail(op, TARN_SQL, "the statement is not valid UTF-8 text");
    TARN_TRY(tarn__text_call(s, op, s->parse, sql, &json));
    enum tarn_status status = tarn_json_parse(op, json, "the statement's tree", out);
    if (status == TARN_LIMIT)
        return tarn_fail(op, TARN_LIMIT, "the statement nests deeper than %d levels",
                         TARN_JSON_DEPTH_MAX / 2);
    if (status == TARN_CORRUPT) /* the tree would hold "Infinity" */
        return tarn_fail(op, TARN_SQL, "a number in the statement is out of range");
    return status;
}

static int splice_order(const void *a, const void *b)
{
    const struct tarn__splice *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

/* The same word may be met twice (a view of the tree repeats a node): one splice a place. */
enum tarn_status tarn__splice_add(struct tarn_op *op, struct tarn__refs *r,
                                  struct tarn__splice splice)
{
    for (size_t i = r->splice_count; i-- > 0;)
        if (r->splices[i].at == splice.at) {
            r->splices[i] = splice;
            return TARN_OK;
        }
    if (r->splice_count == r->splice_cap) {
        struct tarn__splice *items;
        size_t more = r->splice_cap ? r->splice_cap * 2 : 16;
        TARN_NEW_ARRAY(op, items, more);
        if (r->splice_count > 0)
            memcpy(items, r->splices, r->splice_count * sizeof *items);
        r->splices = items;
        r->splice_cap = more;
    }
    r->splices[r->splice_count++] = splice;
    return TARN_OK;
}

/* SELECT NULL AS x: the engine calls it an integer, but it is of no type. */
static enum tarn_status find_nulls(struct tarn_op *op, const struct tarn_json *statements,
                                   struct tarn__refs *out)
{
    const struct tarn_json *node = tarn_json_get(statements->first, "node");
    const struct tarn_json *list = node ? tarn_json_get(node, "select_list") : NULL;
    if (!list || !tarn_str_is(member(node, "type"), "SELECT_NODE"))
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->nulls, list->count + 1);
    for (const struct tarn_json *x = list->first; x; x = x->next) {
        const struct tarn_json *value = tarn_json_get(x, "value");
        const struct tarn_json *null = value ? tarn_json_get(value, "is_null") : NULL;
        if (tarn_str_is(member(x, "class"), "CONSTANT") && null && null->boolean)
            out->nulls[out->null_count++] = member(x, "alias");
    }
    return TARN_OK;
}

enum tarn_status tarn__parse(struct tarn_session *s, struct tarn_op *op,
                             const struct tarn_sql_text *text, size_t body, struct tarn__refs *out)
{
    struct tarn_json *root;
    *out = (struct tarn__refs){0};
    TARN_TRY(tarn__rewrite(s, op, text, body, &out->rewritten));
    text = &out->rewritten.text;
    TARN_TRY(tree_of(s, op, text, body, &root));
    const struct tarn_json *failed = tarn_json_get(root, "error");
    if (failed && failed->kind == TARN_JSON_K_BOOL && failed->boolean)
        return fail_parse(op, root, text, body);
    const struct tarn_json *statements = tarn_json_get(root, "statements");
    if (!statements || statements->count == 0)
        return tarn_fail(op, TARN_SQL, "the statement is empty");
    if (statements->count > 1) {
        (void)tarn_fail(op, TARN_SQL, "there are %zu statements where one is expected",
                        statements->count);
        return TARN_SQL;
    }
    struct walk *w = tarn_alloc(op, sizeof *w);
    if (!w)
        return TARN_NOMEM;
    *w = (struct walk){
        .op = op, .session = s, .text = text, .body = body, .out = out, .status = TARN_OK};
    walk(w, statements);
    return w->status == TARN_OK ? find_nulls(op, statements, out) : w->status;
}

enum tarn_status tarn__splice(struct tarn_op *op, struct tarn__refs *refs, struct tarn__text *out)
{
    const struct tarn_sql_text *user = &refs->rewritten.text;
    struct tarn_buf b;
    size_t from = 0;
    if (refs->splice_count > 1)
        qsort(refs->splices, refs->splice_count, sizeof *refs->splices, splice_order);
    *out = (struct tarn__text){
        .user = *user, .splices = refs->splices, .splice_count = refs->splice_count, .refs = refs};
    tarn_buf_init(&b, TARN__SQL_MAX);
    for (size_t i = 0; i < refs->splice_count; i++) {
        const struct tarn__splice *p = &refs->splices[i];
        tarn_buf_append(&b, user->sql.ptr + from, p->at - from);
        tarn_buf_str(&b, p->put);
        from = p->at + p->cut;
    }
    tarn_buf_append(&b, user->sql.ptr + from, user->sql.len - from);
    return (enum tarn_status)tarn_buf_take(op, &b, "the statement", &out->sql);
}

/* ---- for others: which tables */

static int ref_order(const void *a, const void *b)
{
    const struct tarn_table_ref *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool same_ref(const struct tarn_table_ref *a, const struct tarn_table_ref *b)
{
    return tarn_str_eq(a->catalog, b->catalog) && tarn_str_eq(a->ns, b->ns) &&
           tarn_str_eq(a->name, b->name) && tarn_str_eq(a->suffix, b->suffix);
}

/* "t$snapshots" and "raw.t.snapshots" are read out of raw.t: what comes behind a table's name is
 * taken for its part when it is called like one. */
static bool is_part(struct tarn_str word)
{
    return tarn_inspect_is_name(word) || tarn_str_starts(word, TARN_STR("branch_")) ||
           tarn_str_starts(word, TARN_STR("tag_"));
}

static void split_part(const struct tarn_session *s, struct tarn_table_ref *ref)
{
    struct tarn_str head, tail = ref->name;
    if (ref->name.ptr && tarn_str_cut(&tail, '$', &head) && is_part(tail)) {
        ref->name = head;
        ref->suffix = tail;
    } else if (ref->catalog.ptr && ref->ns.ptr && is_part(ref->name) &&
               !tarn_str_eq_nocase(ref->catalog, s->engine->options.catalog_name)) {
        ref->suffix = ref->name;
        ref->name = ref->ns;
        ref->ns = ref->catalog;
        ref->catalog = (struct tarn_str){NULL, 0};
    }
}

enum tarn_status tarn_session_refs(struct tarn_session *s, struct tarn_op *op,
                                   struct tarn_sql_text text, struct tarn_table_refs *out)
{
    struct tarn__refs refs;
    *out = (struct tarn_table_refs){0};
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(tarn__parse(s, op, &text, 0, &refs));
    for (size_t i = 0; i < refs.count; i++) {
        split_part(s, &refs.items[i]);
        (void)tarn__origin(&refs.rewritten.text, refs.items[i].offset, &refs.items[i].offset);
    }
    if (refs.count > 1)
        qsort(refs.items, refs.count, sizeof *refs.items, ref_order);
    for (size_t i = 0; i < refs.count; i++) {
        bool known = false;
        for (size_t k = 0; k < out->count && !known; k++)
            known = same_ref(&refs.items[k], &refs.items[i]);
        if (!known)
            refs.items[out->count++] = refs.items[i];
    }
    out->items = refs.items;
    return TARN_OK;
}
