/* names: what the names of a statement mean.
 *
 * Names are looked up anew by every statement, in this order:
 *
 *   t          the session's namespace (USE), then the only table of that name in any namespace
 *   ns.t       the table; else, as "ns" has it: t's metadata, branch or tag: table "ns", part "t"
 *   a.b.t      the catalog a, else the namespace "a.b", else the table a.b's part t
 *   ns."t$p"   the table of that very name, else t's part p
 *
 * A name with a namespace that is not found is an error, a bare one that is not found is the
 * engine's to know (a temporary table, a file). A view stands where the name's words say, so the
 * text can stay as it is; but for names whose first part is no catalog, names that are read AT a
 * version, and bare ones that were found in a default namespace: those are written out by splices.
 */
#include "engine/duckdb/engine_int.h"

#include <stdlib.h>

#define VIEW_DEPTH_MAX 64

struct bind {
    struct tarn_session *s;
    struct tarn_op *op;
    struct tarn__names *out;
    size_t cap;
    bool has_filter, natural;
    unsigned meta; /* metadata columns that the statement or a view of it names */
    struct tarn_str stack[VIEW_DEPTH_MAX]; /* "ns.name" of the views that are being opened */
    int depth;
};
/* A text whose names are looked up. */
struct reading {
    struct tarn__refs *refs;
    struct tarn_str ns; /* for names of one part; absent = none */
    bool ns_only;       /* a view's: it must not mean another table once its own is gone */
    /* temporary views that it may mean: all, or those */
    bool all_temps;
    const struct tarn_str *temps;
    size_t temp_count;
};

static const struct tarn_str absent = {NULL, 0};

static struct tarn_str full_name(struct tarn_op *op, struct tarn_str ns, struct tarn_str name)
{
    if (!ns.ptr || tarn_str_is(ns, TARN_NS_TEMPORARY))
        return name;
    return tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ns), TARN_STR_ARG(name));
}

static void version_text(struct tarn_op *op, struct tarn_buf *b, const struct tarn__name *n)
{
    static const struct tarn_type type = {.kind = TARN_TYPE_TIMESTAMPTZ};
    if (n->at == TARN_AT_VERSION)
        tarn_buf_printf(b, " VERSION AS OF %.*s", TARN_STR_ARG(n->at_text));
    if (n->at != TARN_AT_TIMESTAMP)
        return;
    struct tarn_value v = {.i = n->at_us};
    struct tarn_str text = tarn_value_text(op, &type, &v);
    tarn_buf_printf(b, " TIMESTAMP AS OF %.*s", TARN_STR_ARG(text));
}

struct tarn_str tarn__name_text(struct tarn_op *op, const struct tarn__name *n)
{
    struct tarn_buf b;
    struct tarn_str out = {NULL, 0};
    tarn_buf_init(&b, (size_t)1 << 20);
    if (n->ns.ptr)
        tarn_buf_printf(&b, "%.*s.", TARN_STR_ARG(n->ns));
    tarn_buf_str(&b, n->name);
    version_text(op, &b, n);
    if (tarn_buf_take(op, &b, "a table's name", &out) != TARN_OK)
        return absent;
    return out;
}

/* ---- looking up */

static enum tarn_status collect(struct bind *b, const struct reading *r);

static bool is_binding(const struct tarn_session *s, const struct tarn_table_ref *ref)
{
    if (!ref->ns.ptr || !tarn_str_eq_nocase(ref->ns, TARN_STR(TARN__SCHEMA_OWN)))
        return false;
    for (const struct tarn__binding *b = s->bindings; b; b = b->next)
        if (tarn_str_eq_nocase(tarn_str_view(b->name), ref->name))
            return true;
    return false;
}

static bool is_engine_catalog(struct tarn_str catalog)
{
    return tarn_str_eq_nocase(catalog, TARN_STR("temp")) ||
           tarn_str_eq_nocase(catalog, TARN_STR("system")) ||
           tarn_str_eq_nocase(catalog, TARN_STR("memory"));
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

static bool same_version(const struct tarn__name *n, const struct tarn_table_ref *ref)
{
    return n->at == ref->at && tarn_str_eq(n->at_text, ref->at_text) && n->at_us == ref->at_us;
}

static struct tarn__name *known_name(const struct bind *b, const struct tarn_table_ref *ref)
{
    for (size_t i = 0; i < b->out->count; i++) {
        struct tarn__name *n = &b->out->items[i];
        struct tarn_str one = n->ns.ptr ? n->ns : TARN_STR(TARN__SCHEMA_BARE),
                        two = ref->ns.ptr ? ref->ns : TARN_STR(TARN__SCHEMA_BARE);
        if (tarn_str_eq_nocase(one, two) && tarn_str_eq_nocase(n->name, ref->name) &&
            same_version(n, ref))
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
    struct tarn__refs *refs;
    for (int i = 0; i < b->depth; i++)
        if (tarn_str_eq_nocase(b->stack[i], full))
            return tarn_fail(b->op, TARN_MODEL, "view \"%.*s\" reads itself", TARN_STR_ARG(full));
    if (b->depth == VIEW_DEPTH_MAX)
        return tarn_fail(b->op, TARN_LIMIT, "views nest deeper than %d levels", VIEW_DEPTH_MAX);
    TARN_NEW(b->op, refs);
    b->stack[b->depth++] = full;
    TARN_TRY_WHILE(b->op, tarn__parse(b->s, b->op, &text, 0, refs), "reading view %.*s",
                   TARN_STR_ARG(full));
    struct tarn_str ns = n->relation.view_ns;
    struct reading r = {.refs = refs,
                        .ns = ns,
                        .ns_only = ns.ptr != NULL,
                        .temps = n->relation.view_temps,
                        .temp_count = n->relation.view_temp_count};
    TARN_TRY_WHILE(b->op, collect(b, &r), "reading view %.*s", TARN_STR_ARG(full));
    b->depth--;
    n->view_refs = refs;
    return TARN_OK;
}

/* ---- one name */

/* Cuts at the last `sep`; false: there is none, or nothing on a side of it. */
static bool cut_last(struct tarn_str s, char sep, struct tarn_str *head, struct tarn_str *tail)
{
    for (size_t i = s.len; i-- > 0;)
        if (s.ptr[i] == sep) {
            *head = tarn_str_of(s.ptr, i);
            *tail = tarn_str_of(s.ptr + i + 1, s.len - i - 1);
            return i > 0 && tail->len > 0;
        }
    return false;
}

static enum tarn_status ask(struct bind *b, const struct tarn_table_ref *ref,
                            struct tarn_relation *out)
{
    struct tarn_resolver *resolver = b->s->resolver;
    *out = (struct tarn_relation){0};
    return resolver->lookup(resolver, b->op, ref, out);
}

/* The relation of a name, as a table, or as a part of one. */
static enum tarn_status find(struct bind *b, struct tarn_table_ref ref, struct tarn_str default_ns,
                             struct tarn_relation *out)
{
    struct tarn_table_ref part = ref;
    TARN_TRY(ask(b, &ref, out));
    if (!out->found && cut_last(ref.name, '$', &part.name, &part.suffix))
        TARN_TRY(ask(b, &part, out));
    if (out->found || !ref.ns.ptr)
        return TARN_OK;
    part = ref;
    part.suffix = ref.name;
    if (cut_last(ref.ns, '.', &part.ns, &part.name))
        return ask(b, &part, out);
    part.name = ref.ns;
    part.ns = default_ns;
    if (default_ns.ptr)
        TARN_TRY(ask(b, &part, out));
    part.ns = absent;
    return out->found ? TARN_OK : ask(b, &part, out);
}

/* raw.t.snapshoots: the metadata table that may be meant, if the words before it are a table. */
static void hint_part(struct bind *b, const struct tarn_table_ref *ref)
{
    static const char *const parts[] = {
        "snapshots", "history", "refs",       "files",     "data_files",    "delete_files",
        "manifests", "entries", "partitions", "all_files", "all_manifests", "position_deletes"};
    struct tarn_table_ref table = {0};
    struct tarn_relation relation;
    const char *near = tarn_str_nearest(ref->name, parts, sizeof parts / sizeof parts[0]);
    struct tarn_report keep = b->op->report;
    if (!near || !cut_last(ref->ns, '.', &table.ns, &table.name))
        return;
    bool there = ask(b, &table, &relation) == TARN_OK && relation.found;
    b->op->report = keep;
    if (there)
        tarn_hint(b->op, "did you mean \"%.*s.%s\"?", TARN_STR_ARG(ref->ns), near);
}

/* Bare names of the statement are the engine's to know. */
static enum tarn_status not_found(struct bind *b, const struct reading *r,
                                  const struct tarn_table_ref *ref)
{
    if (!ref->ns.ptr && ref->at == TARN_AT_NOW)
        return tarn__view_forget(b->s, b->op, TARN_STR(TARN__SCHEMA_BARE), ref->name);
    if (ref->ns.ptr && is_engine_schema(ref->ns))
        return TARN_OK;
    (void)tarn__fail_table(b->s, b->op, ref->ns, ref->name);
    if (ref->ns.ptr && b->op->report.hint[0] == '\0')
        hint_part(b, ref);
    tarn__place(b->op, &r->refs->rewritten.text, ref->offset);
    return TARN_TABLE;
}

/* The schema of a name's view: its namespace, and one of its own for each version. */
static enum tarn_status schema_of(struct bind *b, const struct tarn_table_ref *ref,
                                  struct tarn_str *out)
{
    *out = ref->ns.ptr ? ref->ns : TARN_STR(TARN__SCHEMA_BARE);
    if (ref->at == TARN_AT_NOW)
        return TARN_OK;
    *out = tarn_sprintf(b->op, "%.*s @%zu", TARN_STR_ARG(*out), b->out->count);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status add_name(struct bind *b, const struct tarn_table_ref *ref,
                                 const struct tarn_relation *relation, struct tarn__name **out)
{
    struct tarn__name n = {.ns = ref->ns,
                           .name = ref->name,
                           .at = ref->at,
                           .at_text = ref->at_text,
                           .at_us = ref->at_us,
                           .relation = *relation};
    struct tarn_str full = full_name(b->op, ref->ns, ref->name);
    if (!full.ptr)
        return TARN_NOMEM;
    if (n.relation.schema)
        TARN_TRY(check_columns(b, n.relation.schema, full));
    else
        TARN_TRY(open_view(b, &n, full));
    TARN_TRY(schema_of(b, ref, &n.schema));
    TARN_TRY(push(b, &n));
    *out = &b->out->items[b->out->count - 1];
    return TARN_OK;
}

/* "catalog"."schema". in front of a name's last part. */
static enum tarn_status write_out(struct bind *b, const struct reading *r,
                                  const struct tarn_table_ref *ref, const struct tarn__name *n)
{
    const struct tarn_sql_text *text = &r->refs->rewritten.text;
    struct tarn_sql_token t = {0}, dot, last;
    struct tarn_buf sql;
    struct tarn__splice splice = {.at = ref->offset};
    bool ok = ref->offset < text->sql.len && tarn_sql_token(text->sql, ref->offset, &t) &&
              (t.kind == TARN_SQL_WORD || t.kind == TARN_SQL_QUOTED);
    last = t;
    while (ok && tarn_sql_token(text->sql, last.end, &dot) &&
           tarn_sql_token_is(text->sql, &dot, "."))
        ok = tarn_sql_token(text->sql, dot.end, &last);
    if (!ok) {
        (void)tarn_fail(b->op, TARN_UNSUPPORTED, "table \"%.*s\" cannot be read here",
                        TARN_STR_ARG(ref->name));
        tarn__place(b->op, text, ref->offset);
        tarn_hint(b->op, "write FROM in front of it");
        return TARN_UNSUPPORTED;
    }
    tarn_buf_init(&sql, 65536);
    tarn__name_sql(&sql, b->s, n->schema, absent);
    tarn_buf_put(&sql, '.');
    splice.cut = last.begin - splice.at;
    TARN_TRY((enum tarn_status)tarn_buf_take(b->op, &sql, "a name", &splice.put));
    return tarn__splice_add(b->op, r->refs, splice);
}

static bool own_catalog(const struct bind *b, struct tarn_str catalog)
{
    return !catalog.ptr || tarn_str_eq_nocase(catalog, b->s->engine->options.catalog_name);
}

/* Known, or looked up. *out NULL: there is no such table. */
static enum tarn_status name_of(struct bind *b, const struct tarn_table_ref *ref,
                                struct tarn_str default_ns, struct tarn__name **out)
{
    struct tarn_relation relation;
    *out = known_name(b, ref);
    if (*out)
        return check_spelling(b, *out, ref);
    TARN_TRY(find(b, *ref, default_ns, &relation));
    return relation.found ? add_name(b, ref, &relation, out) : TARN_OK;
}

static bool may_be_temporary(const struct reading *r, const struct tarn_table_ref *ref)
{
    bool may = r->all_temps;
    for (size_t i = 0; !may && i < r->temp_count; i++)
        may = tarn_str_eq_nocase(r->temps[i], ref->name);
    return may && !ref->ns.ptr && ref->at == TARN_AT_NOW;
}

static enum tarn_status on_ref(struct bind *b, const struct reading *r, size_t at)
{
    const struct tarn_table_ref *written = &r->refs->items[at];
    struct tarn_table_ref ref = *written;
    struct tarn__name *n = NULL;
    bool spelled = ref.at == TARN_AT_NOW && own_catalog(b, ref.catalog);
    if (!own_catalog(b, ref.catalog)) {
        if (is_engine_catalog(ref.catalog))
            return TARN_OK;
        ref.ns = full_name(b->op, ref.catalog, ref.ns);
        if (!ref.ns.ptr)
            return TARN_NOMEM;
    }
    ref.catalog = absent;
    if (may_be_temporary(r, &ref)) {
        struct tarn_table_ref in = ref;
        in.ns = TARN_STR(TARN_NS_TEMPORARY);
        TARN_TRY(name_of(b, &in, absent, &n));
        spelled = spelled && !n;
    }
    if (!n && !ref.ns.ptr && r->ns.ptr) {
        struct tarn_table_ref in = ref;
        in.ns = r->ns;
        TARN_TRY(name_of(b, &in, absent, &n));
        spelled = spelled && !n;
    }
    if (!n && (ref.ns.ptr || !r->ns_only))
        TARN_TRY(name_of(b, &ref, r->ns, &n));
    if (!n)
        return not_found(b, r, &ref);
    r->refs->found[at] = (size_t)(n - b->out->items);
    return spelled ? TARN_OK : write_out(b, r, written, n);
}

/* An unknown version is told at the table's name. */
static enum tarn_status on_placed_ref(struct bind *b, const struct reading *r, size_t at)
{
    enum tarn_status status = on_ref(b, r, at);
    if ((status == TARN_NOT_FOUND || status == TARN_INVALID || status == TARN_TABLE) &&
        b->op->report.line == 0 && b->op->report.frame_count == 0)
        tarn__place(b->op, &r->refs->rewritten.text, r->refs->items[at].offset);
    return status;
}

static enum tarn_status collect(struct bind *b, const struct reading *r)
{
    b->has_filter = b->has_filter || r->refs->has_filter;
    b->natural = b->natural || r->refs->natural;
    b->meta |= tarn__meta_words(r->refs->rewritten.text.sql);
    TARN_NEW_ARRAY(b->op, r->refs->found, r->refs->count + 1);
    for (size_t i = 0; i < r->refs->count; i++)
        r->refs->found[i] = SIZE_MAX;
    for (size_t i = 0; i < r->refs->count; i++)
        if (!is_binding(b->s, &r->refs->items[i]))
            TARN_TRY(on_placed_ref(b, r, i));
    return TARN_OK;
}

/* ---- all names */

/* Opening the planner and asking it costs 10 to 20 ms, a file that turns out to hold nothing well
 * below one. EXPLAIN shows what planning can do. */
static bool pruning_pays(const struct tarn__names *names, bool explain)
{
    const int64_t few = 12;
    int64_t files = 0;
    bool known = true, table = false;
    for (size_t i = 0; i < names->count; i++) {
        const struct tarn_relation *r = &names->items[i].relation;
        if (!r->schema || r->rows)
            continue;
        table = true;
        known = known && r->data_files > 0;
        files += r->data_files;
    }
    return table && (explain || !known || files > few);
}

/* All texts have been read: which metadata columns the tables get is known. */
static enum tarn_status finish_texts(struct bind *b, struct tarn__refs *refs, size_t body,
                                     struct tarn__text *text)
{
    struct tarn__names *names = b->out;
    struct tarn__text spliced;
    bool any = false;
    for (size_t i = 0; b->meta && i < names->count; i++) {
        struct tarn__name *n = &names->items[i];
        if (n->relation.schema && !n->relation.rows)
            n->meta = tarn__meta_missing(b->meta, n->relation.schema);
        any = any || n->meta;
    }
    if (any && b->natural)
        return tarn_fail(b->op, TARN_UNSUPPORTED,
                         "NATURAL JOIN would join metadata columns too: write USING");
    if (any)
        TARN_TRY(tarn__stars_hide(b->op, refs, body, names));
    for (size_t i = 0; i < names->count; i++) {
        struct tarn__name *n = &names->items[i];
        if (!n->view_refs)
            continue;
        if (any)
            TARN_TRY(tarn__stars_hide(b->op, n->view_refs, 0, names));
        TARN_TRY(tarn__splice(b->op, n->view_refs, &spliced));
        n->view_sql = tarn_str_of(spliced.sql.ptr, tarn_sql_trimmed(spliced.sql));
    }
    return tarn__splice(b->op, refs, text);
}

enum tarn_status tarn__names_bind(struct tarn_session *s, struct tarn_op *op,
                                  struct tarn__refs *refs, size_t body, enum tarn__views how,
                                  struct tarn__text *text, struct tarn__names *out)
{
    *out = (struct tarn__names){0};
    s->names = out;
    s->skips = (struct tarn_scan_skips){0};
    tarn__live_drop_all(s->engine, &s->lives);
    TARN_TRY(tarn__view_rows_drop(s, op));
    struct bind *b = tarn_alloc(op, sizeof *b);
    if (!b)
        return TARN_NOMEM;
    *b = (struct bind){.s = s, .op = op, .out = out};
    struct reading top = {.refs = refs, .ns = tarn_str_view(s->ns), .all_temps = true};
    if (s->resolver)
        TARN_TRY(collect(b, &top));
    TARN_TRY(finish_texts(b, refs, body, text));
    text->body = body;
    text->names = out;
    if (how == TARN__VIEWS_SCANS && b->has_filter && pruning_pays(out, body > 0))
        tarn__prune(s, op, tarn_str_of(text->sql.ptr + body, text->sql.len - body), out);
    for (size_t i = 0; i < out->count; i++) {
        struct tarn__name *n = &out->items[i];
        struct tarn_str full = tarn__name_text(op, n);
        TARN_TRY_WHILE(op, tarn__view_make(s, op, n, how), "opening %.*s", TARN_STR_ARG(full));
    }
    return tarn__views_filters(s, op, out);
}

static const struct tarn__name *scanned_name(const struct tarn_session *s, struct tarn_str ns,
                                             struct tarn_str name)
{
    const struct tarn__name *any = NULL;
    for (size_t i = 0; s->names && i < s->names->count; i++) {
        const struct tarn__name *n = &s->names->items[i];
        if (!n->scan || !tarn_str_eq_nocase(n->ns, ns) || !tarn_str_eq_nocase(n->name, name))
            continue;
        if (n->at == TARN_AT_NOW && tarn_str_eq(n->ns, ns) && tarn_str_eq(n->name, name))
            return n;
        if (!any || n->at == TARN_AT_NOW)
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

enum tarn_status tarn_session_set_namespace(struct tarn_session *s, struct tarn_op *op,
                                            struct tarn_str ns)
{
    char *copy = ns.ptr ? strndup(ns.ptr, ns.len) : NULL;
    if (ns.ptr && !copy)
        return tarn_fail(op, TARN_NOMEM, "could not use a namespace: out of memory");
    free(s->ns);
    s->ns = copy;
    return TARN_OK;
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
    b->promoted = tarn__view_promoted(scan);
    enum tarn_status status = tarn__scan_sql(s, op, &sql, scan, bare, meta, &b->lives);
    if (status == TARN_OK)
        status = tarn__do_buf(s, op, &sql);
    tarn_buf_release(&sql);
    return status;
}
