/* names: what the names of a statement mean, made true in the session's catalog.
 *
 * Every table becomes CREATE OR REPLACE VIEW over its scan, every view of the catalog a view over
 * its own text; the views that one reads are made before it. Names are looked up anew by every
 * statement, so a view never outlives what it stood for: a name with a namespace that is not found
 * is an error, a bare one that is not found is the engine's to know (a temporary table, a file) and
 * loses the view that an earlier statement made for it.
 */
#include "engine/duckdb/engine_int.h"

#include <stdlib.h>

#define VIEW_DEPTH_MAX 64

struct bind {
    struct tarn_session *s;
    struct tarn_op *op;
    const struct tarn__text *text;
    struct tarn__names *out;
    size_t cap;
    bool has_filter;
    unsigned meta; /* metadata columns that the statement or a view of it names */
    struct tarn_str stack[VIEW_DEPTH_MAX]; /* "ns.name" of the views that are being opened */
    int depth;
};

void tarn__name_sql(struct tarn_buf *b, const struct tarn_session *s, struct tarn_str ns,
                    struct tarn_str name)
{
    tarn_buf_sql_name(b, tarn_str_view(s->catalog));
    tarn_buf_put(b, '.');
    tarn_buf_sql_name(b, ns.ptr ? ns : TARN_STR(TARN__SCHEMA_BARE));
    if (name.ptr) {
        tarn_buf_put(b, '.');
        tarn_buf_sql_name(b, name);
    }
}

static struct tarn_str full_name(struct tarn_op *op, struct tarn_str ns, struct tarn_str name)
{
    return ns.ptr ? tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ns), TARN_STR_ARG(name)) : name;
}

/* ---- views of earlier statements */

static bool same_place(const struct tarn__view *v, struct tarn_str ns, struct tarn_str name)
{
    struct tarn_str place = ns.ptr ? ns : TARN_STR(TARN__SCHEMA_BARE);
    return tarn_str_eq_nocase(tarn_str_view(v->ns), place) &&
           tarn_str_eq_nocase(tarn_str_view(v->name), name);
}

static void view_free(struct tarn__view *v)
{
    free(v->ns);
    free(v->name);
    free(v);
}

static enum tarn_status view_drop(struct tarn_session *s, struct tarn_op *op,
                                  const struct tarn__view *v)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "DROP VIEW IF EXISTS ");
    tarn__name_sql(&b, s, tarn_str_view(v->ns), tarn_str_view(v->name));
    return tarn__do_buf(s, op, &b);
}

static enum tarn_status view_forget(struct tarn_session *s, struct tarn_op *op, struct tarn_str ns,
                                    struct tarn_str name)
{
    for (struct tarn__view **at = &s->views; *at; at = &(*at)->next) {
        struct tarn__view *v = *at;
        if (!same_place(v, ns, name))
            continue;
        TARN_TRY(view_drop(s, op, v));
        *at = v->next;
        view_free(v);
        return TARN_OK;
    }
    return TARN_OK;
}

static enum tarn_status view_remember(struct tarn_session *s, struct tarn_op *op,
                                      struct tarn_str ns, struct tarn_str name)
{
    for (struct tarn__view *v = s->views; v; v = v->next)
        if (same_place(v, ns, name))
            return TARN_OK;
    struct tarn__view *v = calloc(1, sizeof *v);
    struct tarn_str place = ns.ptr ? ns : TARN_STR(TARN__SCHEMA_BARE);
    if (v) {
        v->ns = strndup(place.ptr, place.len);
        v->name = strndup(name.ptr, name.len);
    }
    if (!v || !v->ns || !v->name) {
        if (v)
            view_free(v);
        return tarn_fail(op, TARN_NOMEM, "could not open a table: out of memory");
    }
    v->next = s->views;
    s->views = v;
    return TARN_OK;
}

void tarn_session_forget_views(struct tarn_session *s)
{
    struct tarn_op op;
    if (s->open || tarn_op_init(&op, 0, 0) != TARN_OK)
        return; /* the next statement makes its views anew in any case */
    while (s->views) {
        struct tarn__view *v = s->views;
        s->views = v->next;
        if (view_drop(s, &op, v) != TARN_OK)
            tarn_clear(&op);
        view_free(v);
    }
    tarn_op_release(&op);
}

/* ---- looking up */

static enum tarn_status collect(struct bind *b, const struct tarn_sql_text *text,
                                const struct tarn__refs *refs, bool top);

static bool is_binding(const struct tarn_session *s, const struct tarn_table_ref *ref)
{
    if (!ref->ns.ptr || !tarn_str_eq_nocase(ref->ns, TARN_STR(TARN__SCHEMA_OWN)))
        return false;
    for (const struct tarn__binding *b = s->bindings; b; b = b->next)
        if (tarn_str_eq_nocase(tarn_str_view(b->name), ref->name))
            return true;
    return false;
}

/* Schemas that are the engine's own. */
static bool is_engine_schema(struct tarn_str ns)
{
    static const char *const own[] = {"information_schema", "pg_catalog", "temp", "main"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (tarn_str_eq_nocase(ns, tarn_str_view(own[i])))
            return true;
    return false;
}

/* The schema that holds a name's view. */
static struct tarn_str place_of(struct tarn_str ns)
{
    return ns.ptr ? ns : TARN_STR(TARN__SCHEMA_BARE);
}

static struct tarn__name *known_name(const struct bind *b, const struct tarn_table_ref *ref)
{
    for (size_t i = 0; i < b->out->count; i++) {
        struct tarn__name *n = &b->out->items[i];
        if (tarn_str_eq_nocase(place_of(n->ns), place_of(ref->ns)) &&
            tarn_str_eq_nocase(n->name, ref->name))
            return n;
    }
    return NULL;
}

static bool listed(struct tarn_str *names, size_t count, struct tarn_str full)
{
    for (size_t i = 0; i < count; i++)
        if (tarn_str_eq(names[i], full))
            return true;
    return false;
}

/* Iceberg tells "Orders" from "orders", the engine does not. */
static enum tarn_status check_spelling(struct bind *b, const struct tarn__name *n,
                                       const struct tarn_table_ref *ref)
{
    struct tarn_str *names;
    size_t count;
    if (!n->ns.ptr != !ref->ns.ptr)
        return tarn_fail(b->op, TARN_UNSUPPORTED,
                         "tables \"%.*s\" and \"main.%.*s\" cannot be read in one statement",
                         TARN_STR_ARG(n->name), TARN_STR_ARG(n->name));
    if (tarn_str_eq(n->ns, ref->ns) && tarn_str_eq(n->name, ref->name))
        return TARN_OK;
    TARN_TRY(b->s->resolver->names(b->s->resolver, b->op, &names, &count));
    struct tarn_str one = full_name(b->op, n->ns, n->name),
                    two = full_name(b->op, ref->ns, ref->name);
    if (one.ptr && two.ptr && listed(names, count, one) && listed(names, count, two))
        return tarn_fail(b->op, TARN_UNSUPPORTED,
                         "tables \"%.*s\" and \"%.*s\" cannot be read in one statement: their "
                         "names differ only in case",
                         TARN_STR_ARG(one), TARN_STR_ARG(two));
    return one.ptr && two.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status check_columns(struct bind *b, const struct tarn_type *root,
                                      struct tarn_str full)
{
    for (size_t i = 0; i < root->field_count; i++) {
        TARN_TRY_WHILE(b->op,
                       tarn__type_supported(b->op, &root->fields[i].type, root->fields[i].name),
                       "opening table %.*s", TARN_STR_ARG(full));
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(root->fields[i].name, root->fields[k].name))
                return tarn_fail(
                    b->op, TARN_UNSUPPORTED,
                    "columns \"%.*s\" and \"%.*s\" of table \"%.*s\" differ only in case",
                    TARN_STR_ARG(root->fields[k].name), TARN_STR_ARG(root->fields[i].name),
                    TARN_STR_ARG(full));
    }
    if (root->field_count == 0)
        return tarn_fail(b->op, TARN_UNSUPPORTED, "table \"%.*s\" has no columns",
                         TARN_STR_ARG(full));
    return TARN_OK;
}

static enum tarn_status push(struct bind *b, const struct tarn__name *n)
{
    struct tarn__names *o = b->out;
    if (o->count == b->cap) {
        size_t more = b->cap ? b->cap * 2 : 16;
        struct tarn__name *items = tarn_alloc_array(b->op, more, sizeof *items);
        if (!items)
            return TARN_NOMEM;
        if (o->count > 0)
            memcpy(items, o->items, o->count * sizeof *items);
        o->items = items;
        b->cap = more;
    }
    o->items[o->count++] = *n;
    return TARN_OK;
}

static enum tarn_status open_view(struct bind *b, struct tarn__name *n, struct tarn_str full)
{
    struct tarn_sql_text text = {.sql = n->relation.view_sql};
    struct tarn__refs refs;
    struct tarn__text spliced;
    for (int i = 0; i < b->depth; i++)
        if (tarn_str_eq_nocase(b->stack[i], full))
            return tarn_fail(b->op, TARN_MODEL, "view \"%.*s\" reads itself", TARN_STR_ARG(full));
    if (b->depth == VIEW_DEPTH_MAX)
        return tarn_fail(b->op, TARN_LIMIT, "views nest deeper than %d levels", VIEW_DEPTH_MAX);
    b->stack[b->depth++] = full;
    TARN_TRY_WHILE(b->op, tarn__parse(b->s, b->op, &text, 0, &refs), "reading view %.*s",
                   TARN_STR_ARG(full));
    TARN_TRY_WHILE(b->op, collect(b, &text, &refs, false), "reading view %.*s", TARN_STR_ARG(full));
    TARN_TRY(tarn__splice(b->op, &text, &refs, &spliced));
    b->depth--;
    n->view_sql = tarn_str_of(spliced.sql.ptr, tarn_sql_trimmed(spliced.sql));
    return TARN_OK;
}

static enum tarn_status look_up(struct bind *b, const struct tarn_sql_text *text,
                                const struct tarn_table_ref *ref, bool top)
{
    struct tarn_resolver *resolver = b->s->resolver;
    struct tarn__name n = {.ns = ref->ns, .name = ref->name, .offset = ref->offset, .top = top};
    TARN_TRY(resolver->lookup(resolver, b->op, ref, &n.relation));
    struct tarn_str full = full_name(b->op, ref->ns, ref->name);
    if (!full.ptr)
        return TARN_NOMEM;
    if (!n.relation.found) {
        if (!ref->ns.ptr)
            return view_forget(b->s, b->op, ref->ns, ref->name);
        if (is_engine_schema(ref->ns))
            return TARN_OK;
        (void)tarn__fail_table(b->s, b->op, ref->ns, ref->name);
        tarn__place(b->op, text, ref->offset);
        return TARN_TABLE;
    }
    if (n.relation.schema)
        TARN_TRY(check_columns(b, n.relation.schema, full));
    else
        TARN_TRY(open_view(b, &n, full));
    return push(b, &n);
}

static bool foreign_catalog(const struct bind *b, const struct tarn_table_ref *ref)
{
    return ref->catalog.ptr &&
           !tarn_str_eq_nocase(ref->catalog, b->s->engine->options.catalog_name);
}

static enum tarn_status collect(struct bind *b, const struct tarn_sql_text *text,
                                const struct tarn__refs *refs, bool top)
{
    b->has_filter = b->has_filter || refs->has_filter;
    b->meta |= tarn__meta_words(text->sql);
    for (size_t i = 0; i < refs->count; i++) {
        const struct tarn_table_ref *ref = &refs->items[i];
        if (foreign_catalog(b, ref) || is_binding(b->s, ref))
            continue;
        const struct tarn__name *known = known_name(b, ref);
        if (known)
            TARN_TRY(check_spelling(b, known, ref));
        else
            TARN_TRY(look_up(b, text, ref, top));
    }
    return TARN_OK;
}

/* ---- making views */

static void skips_add(struct tarn_scan_skips *sum, const struct tarn_scan_skips *k)
{
    sum->manifests += k->manifests;
    sum->manifests_skipped += k->manifests_skipped;
    sum->files += k->files;
    sum->files_skipped_partition += k->files_skipped_partition;
    sum->files_skipped_bounds += k->files_skipped_bounds;
    sum->bytes += k->bytes;
    sum->bytes_skipped += k->bytes_skipped;
    sum->rows += k->rows;
    sum->rows_skipped += k->rows_skipped;
}

static bool schema_known(const struct tarn_session *s, struct tarn_str ns)
{
    if (!ns.ptr)
        return true;
    for (const struct tarn__view *v = s->views; v; v = v->next)
        if (tarn_str_eq_nocase(tarn_str_view(v->ns), ns))
            return true;
    return false;
}

static enum tarn_status plan_table(struct bind *b, struct tarn__name *n)
{
    struct tarn_resolver *resolver = b->s->resolver;
    TARN_TRY(resolver->plan(resolver, b->op, &n->relation, n->filter, &n->scan));
    skips_add(&b->s->skips, &n->scan->skips);
    return TARN_OK;
}

static enum tarn_status make_view(struct bind *b, struct tarn__name *n, enum tarn__views how)
{
    struct tarn_session *s = b->s;
    struct tarn_buf sql;
    struct tarn_str full = full_name(b->op, n->ns, n->name);
    enum tarn_status status = TARN_OK;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    if (!schema_known(s, n->ns)) {
        tarn_buf_z(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        tarn__name_sql(&sql, s, n->ns, (struct tarn_str){NULL, 0});
        tarn_buf_z(&sql, "; ");
    }
    tarn_buf_z(&sql, "CREATE OR REPLACE VIEW ");
    tarn__name_sql(&sql, s, n->ns, n->name);
    tarn_buf_z(&sql, " AS ");
    if (!n->relation.schema)
        tarn_buf_str(&sql, n->view_sql);
    else if (how == TARN__VIEWS_EMPTY)
        status = tarn__empty_sql(b->op, &sql, n->relation.schema, n->meta);
    else if ((status = plan_table(b, n)) == TARN_OK)
        status = tarn__scan_sql(s, b->op, &sql, n->scan, full, n->meta, &s->lives);
    if (status == TARN_OK)
        status = tarn__do_buf(s, b->op, &sql);
    tarn_buf_release(&sql);
    if (status == TARN_OK)
        status = view_remember(s, b->op, n->ns, n->name);
    return status;
}

/* Opening the planner and asking it costs 10 to 20 ms, a file that turns out to hold nothing well
 * below one. EXPLAIN shows what planning can do. */
static bool pruning_pays(const struct tarn__names *names, bool explain)
{
    const int64_t few = 12;
    int64_t files = 0;
    bool known = true, table = false;
    for (size_t i = 0; i < names->count; i++) {
        const struct tarn_relation *r = &names->items[i].relation;
        if (!r->schema)
            continue;
        table = true;
        known = known && r->data_files > 0;
        files += r->data_files;
    }
    return table && (explain || !known || files > few);
}

enum tarn_status tarn__names_bind(struct tarn_session *s, struct tarn_op *op,
                                  const struct tarn__text *text, const struct tarn__refs *refs,
                                  enum tarn__views how, struct tarn__names *out)
{
    *out = (struct tarn__names){0};
    s->names = out;
    s->skips = (struct tarn_scan_skips){0};
    tarn__live_drop_all(s->engine, &s->lives);
    if (refs->count == 0 || !s->resolver)
        return TARN_OK;
    struct bind *b = tarn_alloc(op, sizeof *b);
    if (!b)
        return TARN_NOMEM;
    *b = (struct bind){.s = s, .op = op, .text = text, .out = out};
    TARN_TRY(collect(b, &text->user, refs, true));
    for (size_t i = 0; b->meta && i < out->count; i++)
        if (out->items[i].relation.schema)
            out->items[i].meta = tarn__meta_missing(b->meta, out->items[i].relation.schema);
    if (how == TARN__VIEWS_SCANS && b->has_filter && pruning_pays(out, text->body > 0))
        tarn__prune(s, op, tarn_str_of(text->sql.ptr + text->body, text->sql.len - text->body),
                    out);
    for (size_t i = 0; i < out->count; i++) {
        struct tarn_str full = full_name(op, out->items[i].ns, out->items[i].name);
        TARN_TRY_WHILE(op, make_view(b, &out->items[i], how), "opening %.*s", TARN_STR_ARG(full));
    }
    return TARN_OK;
}

static const struct tarn__name *scanned_name(const struct tarn_session *s, struct tarn_str ns,
                                             struct tarn_str name)
{
    const struct tarn__name *any = NULL;
    for (size_t i = 0; s->names && i < s->names->count; i++) {
        const struct tarn__name *n = &s->names->items[i];
        if (!n->scan || !tarn_str_eq_nocase(n->ns, ns) || !tarn_str_eq_nocase(n->name, name))
            continue;
        if (tarn_str_eq(n->ns, ns) && tarn_str_eq(n->name, name))
            return n;
        any = n;
    }
    return any;
}

const struct tarn_scan *tarn_session_scan(const struct tarn_session *s, struct tarn_str ns,
                                          struct tarn_str name)
{
    const struct tarn__name *n = scanned_name(s, ns, name);
    return n ? n->scan : NULL;
}

const struct tarn_expr *tarn_session_filter(const struct tarn_session *s, struct tarn_str ns,
                                            struct tarn_str name)
{
    const struct tarn__name *n = scanned_name(s, ns, name);
    return n ? n->filter : NULL;
}

/* ---- names of Tarn's own */

static struct tarn__binding *binding_for(struct tarn_session *s, struct tarn_str name)
{
    for (struct tarn__binding *b = s->bindings; b; b = b->next)
        if (tarn_str_eq_nocase(tarn_str_view(b->name), name))
            return b;
    struct tarn__binding *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->name = strndup(name.ptr, name.len);
    if (!b->name) {
        free(b);
        return NULL;
    }
    b->next = s->bindings;
    s->bindings = b;
    return b;
}

enum tarn_status tarn_session_bind_scan(struct tarn_session *s, struct tarn_op *op,
                                        struct tarn_str name, const struct tarn_scan *scan,
                                        bool with_positions)
{
    struct tarn_str dot, bare = name;
    TARN_TRY(tarn__idle(s, op));
    if (tarn_str_cut(&bare, '.', &dot)) /* "tarn.target" and "target" are the same */
        TARN_ASSERT(tarn_str_is(dot, TARN__SCHEMA_OWN));
    else
        bare = name;
    struct tarn__binding *b = binding_for(s, bare);
    if (!b)
        return tarn_fail(op, TARN_NOMEM, "could not open a table: out of memory");
    tarn__live_drop_all(s->engine, &b->lives);
    for (size_t i = 0; i < scan->schema->root.field_count; i++)
        TARN_TRY(tarn__type_supported(op, &scan->schema->root.fields[i].type,
                                      scan->schema->root.fields[i].name));
    struct tarn_buf sql;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "CREATE OR REPLACE VIEW ");
    tarn__name_sql(&sql, s, TARN_STR(TARN__SCHEMA_OWN), bare);
    tarn_buf_z(&sql, " AS ");
    unsigned meta = with_positions ? tarn__meta_missing(TARN__META_ALL, &scan->schema->root) : 0;
    enum tarn_status status = tarn__scan_sql(s, op, &sql, scan, bare, meta, &b->lives);
    if (status == TARN_OK)
        status = tarn__do_buf(s, op, &sql);
    tarn_buf_release(&sql);
    return status;
}
