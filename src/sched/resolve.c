/* resolve: which table, view, version or part of a table a name in SQL means.
 *
 *   a table      staged by this run, then of the catalog; the exact name before one in another case
 *   a view       of the project, unless this run staged a table of its name; of the catalog, where
 *                there is no such table
 *   a version    a snapshot, by id, branch, tag or time; columns as Spark shows them
 *   a part       branch_x, tag_x, or a metadata table (lake/inspect.h)
 *   a temporary  view of the session: in front of all else, by a name of one part
 *   a path       "/folder", "/x.metadata.json": a table that no catalog knows (lake/open_path.h)
 */
#include "format/iceberg/view.h"
#include "lake/inspect.h"
#include "lake/open_path.h"
#include "sched/sched_int.h"

static const struct tarn_str absent = {NULL, 0};

struct version { /* a relation's handle */
    struct tarn_table *table;
    const struct tarn_snapshot *snapshot; /* NULL: the current one */
    const struct tarn_schema *schema;
};

/* ---- tables */

static bool is_ident(struct tarn_ident a, struct tarn_str ns, struct tarn_str name)
{
    return tarn_str_eq(a.name, name) && (!ns.ptr || tarn_str_eq(a.ns, ns));
}

static bool like_ident(struct tarn_ident a, struct tarn_str ns, struct tarn_str name)
{
    return tarn_str_eq_nocase(a.name, name) && (!ns.ptr || tarn_str_eq_nocase(a.ns, ns));
}

typedef bool fits_fn(struct tarn_ident a, struct tarn_str ns, struct tarn_str name);

static struct tarn_table *staged_table(const struct tarn_workspace *w, struct tarn_str ns,
                                       struct tarn_str name, fits_fn *fits)
{
    for (size_t i = w->staged_count; i-- > 0;)
        if (fits(w->staged[i]->ident, ns, name))
            return w->staged[i];
    return NULL;
}

static enum tarn_status fail_several(struct tarn_op *op, struct tarn_str name,
                                     const struct tarn_ident *a, const struct tarn_ident *b)
{
    (void)tarn_fail(op, TARN_TABLE, "table name \"%.*s\" fits several tables", TARN_STR_ARG(name));
    tarn_detail(op, "%.*s.%.*s and %.*s.%.*s", TARN_STR_ARG(a->ns), TARN_STR_ARG(a->name),
                TARN_STR_ARG(b->ns), TARN_STR_ARG(b->name));
    tarn_hint(op, "write the namespace, in the case of the one that is meant");
    return TARN_TABLE;
}

static enum tarn_status only_one(struct tarn_op *op, const struct tarn_idents *all,
                                 struct tarn_str ns, struct tarn_str name, fits_fn *fits,
                                 const struct tarn_ident **out)
{
    *out = NULL;
    for (size_t i = 0; i < all->count; i++) {
        if (!fits(all->items[i], ns, name))
            continue;
        if (*out)
            return fail_several(op, name, *out, &all->items[i]);
        *out = &all->items[i];
    }
    return TARN_OK;
}

/* The only one of a list that fits a name, in its own case before any other. */
static enum tarn_status pick(struct tarn_op *op, const struct tarn_idents *all, struct tarn_str ns,
                             struct tarn_str name, const struct tarn_ident **out)
{
    TARN_TRY(only_one(op, all, ns, name, is_ident, out));
    return *out ? TARN_OK : only_one(op, all, ns, name, like_ident, out);
}

static enum tarn_status keep(struct tarn_workspace *w, struct tarn_table *t)
{
    TARN_GROW(w->hold, w->held, w->held_count, w->held_cap);
    w->held[w->held_count++] = t;
    return TARN_OK;
}

/* The catalog's table; inside a transaction the version of its first use, also where a view that
 * the transaction reads names it. */
static enum tarn_status load(struct tarn_workspace *w, struct tarn_op *op, struct tarn_ident ident,
                             struct tarn_table **out)
{
    if (!w->hold)
        return tarn_table_find(&w->lake, op, ident, out);
    for (size_t i = 0; i < w->held_count; i++)
        if (is_ident(w->held[i]->ident, ident.ns, ident.name)) {
            *out = w->held[i];
            return TARN_OK;
        }
    enum tarn_status status = tarn_table_find(&w->lake, w->hold, ident, out);
    if (status == TARN_OK && *out)
        status = keep(w, *out);
    if (status != TARN_OK && w->hold != op) {
        (void)tarn_op_adopt(op, w->hold);
        tarn_clear(w->hold);
    }
    return status;
}

static enum tarn_status search_catalog(struct tarn_workspace *w, struct tarn_op *op,
                                       struct tarn_str ns, struct tarn_str name,
                                       struct tarn_table **out)
{
    struct tarn_idents all;
    const struct tarn_ident *hit;
    *out = NULL;
    TARN_TRY(tarn_catalog_list_tables(w->catalog, op, absent, &all));
    TARN_TRY(pick(op, &all, ns, name, &hit));
    return hit ? load(w, op, *hit, out) : TARN_OK;
}

static enum tarn_status find_table(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str ns,
                                   struct tarn_str name, struct tarn_table **out)
{
    *out = staged_table(w, ns, name, is_ident);
    if (*out)
        return TARN_OK;
    if (ns.ptr) {
        TARN_TRY(load(w, op, (struct tarn_ident){ns, name}, out));
        if (*out)
            return TARN_OK;
    }
    *out = staged_table(w, ns, name, like_ident);
    return *out ? TARN_OK : search_catalog(w, op, ns, name, out);
}

enum tarn_status tarn_workspace_table(struct tarn_workspace *w, struct tarn_op *op,
                                      struct tarn_ident ident, struct tarn_table **out)
{
    return find_table(w, op, ident.ns, ident.name, out);
}

/* ---- views */

static const struct tarn_model *view_model(const struct tarn_workspace *w, struct tarn_str ns,
                                           struct tarn_str name)
{
    const struct tarn_project *p = w->project;
    for (size_t i = 0; p && i < p->model_count; i++)
        if (p->models[i].kind == TARN_MODEL_VIEW && like_ident(p->models[i].ident, ns, name))
            return &p->models[i];
    return NULL;
}

static enum tarn_status read_view(struct tarn_workspace *w, struct tarn_op *op,
                                  struct tarn_ident ident, struct tarn_str location,
                                  struct tarn_relation *out)
{
    struct tarn_str json, what = tarn_strdup(op, location);
    struct tarn_view_metadata view;
    if (!what.ptr)
        return TARN_NOMEM;
    TARN_TRY_WHILE(op, tarn_storage_read(w->storage, op, location, &json), "loading view %.*s.%.*s",
                   TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    TARN_TRY_WHILE(op, tarn_view_parse(op, json, what.ptr, &view), "loading view %.*s.%.*s",
                   TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    const struct tarn_view_version *version = tarn_view_current(&view);
    const struct tarn_view_sql *sql = version ? tarn_view_sql(version) : NULL;
    if (!sql)
        return tarn_fail(op, TARN_UNSUPPORTED, "view %.*s.%.*s has no text in SQL",
                         TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    out->found = true;
    out->view_sql = sql->sql;
    out->view_ns = version->default_namespace.len > 0 ? version->default_namespace : absent;
    return TARN_OK;
}

/* A view of the catalog: the exact name, else the only one that fits. */
static enum tarn_status find_view(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str ns,
                                  struct tarn_str name, struct tarn_relation *out)
{
    struct tarn_str location;
    struct tarn_idents all;
    const struct tarn_ident *hit;
    if (!(w->catalog->ops->abilities & TARN_CATALOG_VIEWS))
        return TARN_OK;
    if (ns.ptr) {
        struct tarn_ident ident = {ns, name};
        enum tarn_status status = tarn_catalog_load_view(w->catalog, op, ident, &location);
        if (status == TARN_OK)
            return read_view(w, op, ident, location, out);
        if (status != TARN_NOT_FOUND && status != TARN_TABLE)
            return status;
        tarn_clear(op);
    }
    TARN_TRY(tarn_catalog_list_views(w->catalog, op, absent, &all));
    TARN_TRY(pick(op, &all, ns, name, &hit));
    if (!hit)
        return TARN_OK;
    TARN_TRY(tarn_catalog_load_view(w->catalog, op, *hit, &location));
    return read_view(w, op, *hit, location, out);
}

/* ---- versions and parts */

struct part {
    bool branch, tag;
    struct tarn_str ref;
};

/* What stands behind a table's name; false: nothing that a table has. */
static bool part_of(struct tarn_str suffix, struct part *out)
{
    struct tarn_str branch = TARN_STR("branch_"), tag = TARN_STR("tag_");
    *out = (struct part){.branch = tarn_str_starts(suffix, branch),
                         .tag = tarn_str_starts(suffix, tag)};
    size_t cut = out->branch ? branch.len : tag.len;
    if (out->branch || out->tag)
        out->ref = tarn_str_of(suffix.ptr + cut, suffix.len - cut);
    return !suffix.ptr || out->ref.len > 0 || tarn_inspect_is_name(suffix);
}

static enum tarn_status find_ref(struct tarn_op *op, const struct tarn_table *t,
                                 const struct part *part, const struct tarn_snapshot **out)
{
    const struct tarn_ref *ref = tarn_metadata_ref(&t->metadata, part->ref);
    if (ref && ref->is_tag == part->branch)
        return tarn_fail(op, TARN_NOT_FOUND, "\"%.*s\" of table %.*s.%.*s is a %s, no %s",
                         TARN_STR_ARG(part->ref), TARN_STR_ARG(t->ident.ns),
                         TARN_STR_ARG(t->ident.name), ref->is_tag ? "tag" : "branch",
                         ref->is_tag ? "branch" : "tag");
    if (ref)
        return tarn_table_version(op, t, part->ref, out);
    if (part->branch && tarn_str_is(part->ref, "main"))
        return TARN_OK; /* of a table without a snapshot */
    (void)tarn_fail(op, TARN_NOT_FOUND, "table %.*s.%.*s has no %s \"%.*s\"",
                    TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name),
                    part->branch ? "branch" : "tag", TARN_STR_ARG(part->ref));
    const struct tarn_metadata *m = &t->metadata;
    const char **names = tarn_alloc_array(op, m->ref_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < m->ref_count; i++)
        if (m->refs[i].is_tag == part->tag)
            names[n++] = m->refs[i].name.ptr;
    const char *near = names ? tarn_str_nearest(part->ref, names, n) : NULL;
    if (near)
        tarn_hint(op, "did you mean \"%s\"?", near);
    else
        tarn_hint(op, "`SELECT name, type FROM %.*s.%.*s.refs` lists them",
                  TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    return TARN_NOT_FOUND;
}

static enum tarn_status find_version(struct tarn_op *op, const struct tarn_table *t,
                                     const struct tarn_table_ref *ref, const struct part *part,
                                     struct version *out)
{
    bool of_branch = part->branch || ref->at == TARN_AT_NOW;
    if (part->ref.len > 0 && ref->at != TARN_AT_NOW)
        return tarn_fail(op, TARN_INVALID,
                         "branch or tag \"%.*s\" cannot be read at another version: it is one",
                         TARN_STR_ARG(part->ref));
    if (part->ref.len > 0) {
        TARN_TRY(find_ref(op, t, part, &out->snapshot));
    } else if (ref->at == TARN_AT_VERSION) {
        const struct tarn_ref *named = tarn_metadata_ref(&t->metadata, ref->at_text);
        of_branch = named && !named->is_tag;
        TARN_TRY(tarn_table_version(op, t, ref->at_text, &out->snapshot));
    } else if (ref->at == TARN_AT_TIMESTAMP) {
        TARN_TRY(tarn_table_as_of(op, t, ref->at_us, &out->snapshot));
    }
    if (part->tag)
        of_branch = false;
    out->schema = tarn_table_columns(t, out->snapshot, of_branch);
    return TARN_OK;
}

/* Out of the snapshot's summary; 0 = not known. */
static int64_t files_of(const struct version *v)
{
    const struct tarn_snapshot *s =
        v->snapshot ? v->snapshot : tarn_metadata_current(&v->table->metadata);
    const struct tarn_str *total = s ? tarn_kvs_get(&s->summary, "total-data-files") : NULL;
    int64_t n = 0;
    return total && tarn_str_to_i64(*total, &n) && n > 0 ? n : 0;
}

/* ---- tables that no catalog knows */

/* "/folder/of/a/table", "/x.metadata.json". Where no table lies it may be a file, which is the
 * engine's to read. */
static enum tarn_status find_path(struct tarn_workspace *w, struct tarn_op *op,
                                  const struct tarn_table_ref *ref, struct tarn_table **out)
{
    *out = NULL;
    if (ref->ns.ptr || !tarn_is_table_path(ref->name))
        return TARN_OK;
    enum tarn_status status = tarn_table_open_path(&w->lake, op, ref->name, out);
    if (status != TARN_NOT_FOUND || tarn_str_ends(ref->name, TARN_STR(".metadata.json")))
        return status;
    tarn_clear(op);
    return TARN_OK;
}

/* ---- views of the session */

static void find_temporary(const struct tarn_workspace *w, const struct tarn_table_ref *ref,
                           struct tarn_relation *out)
{
    const struct tarn_temp_view *v = tarn_temp_view(&w->temps, ref->name);
    if (!v || ref->suffix.ptr || ref->at != TARN_AT_NOW)
        return;
    out->found = true;
    out->view_sql = tarn_str_view(v->sql);
    out->view_ns = v->ns ? tarn_str_view(v->ns) : absent;
    out->view_temps = v->refers;
    out->view_temp_count = v->refers_count;
}

/* ---- the resolver */

static enum tarn_status open_version(const struct tarn_lake *lake, struct tarn_op *op,
                                     struct tarn_table *table, const struct tarn_table_ref *ref,
                                     const struct part *part, struct tarn_relation *out)
{
    struct version *v;
    TARN_NEW(op, v);
    v->table = table;
    TARN_TRY(find_version(op, table, ref, part, v));
    out->found = true;
    out->handle = v;
    if (ref->suffix.ptr && part->ref.len == 0) {
        TARN_TRY(tarn_table_inspect(lake, op, table, v->snapshot, ref->suffix, &out->rows));
        out->schema = out->rows->schema;
        return TARN_OK;
    }
    out->schema = &v->schema->root;
    out->data_files = files_of(v);
    return TARN_OK;
}

static enum tarn_status lookup(struct tarn_resolver *self, struct tarn_op *op,
                               const struct tarn_table_ref *ref, struct tarn_relation *out)
{
    struct tarn_workspace *w = (struct tarn_workspace *)self;
    struct tarn_table *table;
    struct part part;
    *out = (struct tarn_relation){0};
    if (ref->ns.ptr && tarn_str_is(ref->ns, TARN_NS_TEMPORARY)) {
        find_temporary(w, ref, out);
        return TARN_OK;
    }
    if (!part_of(ref->suffix, &part))
        return TARN_OK;
    bool plain = !ref->suffix.ptr && ref->at == TARN_AT_NOW;
    const struct tarn_model *view = plain ? view_model(w, ref->ns, ref->name) : NULL;
    if (view && !staged_table(w, ref->ns, ref->name, like_ident)) {
        out->found = true;
        out->view_sql = view->sql;
        return TARN_OK;
    }
    TARN_TRY(find_table(w, op, ref->ns, ref->name, &table));
    if (!table)
        TARN_TRY(find_path(w, op, ref, &table));
    if (table)
        return open_version(&w->lake, op, table, ref, &part, out);
    TARN_TRY(find_view(w, op, ref->ns, ref->name, out));
    if (plain || !out->found)
        return TARN_OK;
    return tarn_fail(op, TARN_INVALID, "%.*s is a view: it has no %s", TARN_STR_ARG(ref->name),
                     ref->at != TARN_AT_NOW ? "versions" : "branches, tags or metadata tables");
}

static enum tarn_status plan(struct tarn_resolver *self, struct tarn_op *op,
                             const struct tarn_relation *relation, const struct tarn_expr *filter,
                             const struct tarn_scan **out)
{
    struct tarn_workspace *w = (struct tarn_workspace *)self;
    const struct version *v = relation->handle;
    struct tarn_scan *scan;
    TARN_TRY(
        tarn_table_scan_columns(&w->lake, op, v->table, v->snapshot, v->schema, filter, &scan));
    *out = scan;
    return TARN_OK;
}

/* ---- all names */

static enum tarn_status add_name(struct tarn_op *op, struct tarn_str **names, size_t *n,
                                 struct tarn_ident ident, bool may_be_there)
{
    struct tarn_str text =
        tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    if (!text.ptr)
        return TARN_NOMEM;
    for (size_t i = 0; may_be_there && i < *n; i++)
        if (tarn_str_eq((*names)[i], text))
            return TARN_OK;
    (*names)[(*n)++] = text;
    return TARN_OK;
}

static enum tarn_status names(struct tarn_resolver *self, struct tarn_op *op, struct tarn_str **out,
                              size_t *out_count)
{
    struct tarn_workspace *w = (struct tarn_workspace *)self;
    const struct tarn_project *p = w->project;
    struct tarn_idents all, views = {0};
    size_t n = 0;
    TARN_TRY(tarn_catalog_list_tables(w->catalog, op, absent, &all));
    if (w->catalog->ops->abilities & TARN_CATALOG_VIEWS)
        TARN_TRY(tarn_catalog_list_views(w->catalog, op, absent, &views));
    TARN_NEW_ARRAY(op, *out,
                   all.count + views.count + w->staged_count + w->temps.count +
                       (p ? p->model_count : 0) + 1);
    for (size_t i = 0; i < w->temps.count; i++)
        (*out)[n++] = tarn_str_view(w->temps.items[i].name);
    for (size_t i = 0; i < all.count; i++)
        TARN_TRY(add_name(op, out, &n, all.items[i], false));
    for (size_t i = 0; i < views.count; i++)
        TARN_TRY(add_name(op, out, &n, views.items[i], false));
    for (size_t i = 0; i < w->staged_count; i++)
        TARN_TRY(add_name(op, out, &n, w->staged[i]->ident, true));
    for (size_t i = 0; p && i < p->model_count; i++)
        if (p->models[i].kind == TARN_MODEL_VIEW)
            TARN_TRY(add_name(op, out, &n, p->models[i].ident, true));
    *out_count = n;
    return TARN_OK;
}

struct tarn_resolver tarn__resolver(void)
{
    return (struct tarn_resolver){lookup, plan, names};
}
