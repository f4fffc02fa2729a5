/* view_store: a view's metadata: versions, schemas, and their publication.
 *
 * The text is kept as dialect "tarn". Property tarn.dialects ("spark,trino") promises that others
 * read it as well: it is then kept under their names, too. version.history.num-entries (10) says how
 * many versions are kept.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "lake/open_path.h"
#include "sql/view_int.h"

#define DEPTH_MAX 64

/* ---- loading */

enum tarn_status tarn__view_load(struct tarn__run *r, struct tarn_ident ident,
                                 struct tarn__view *out, bool *found)
{
    const struct tarn_lake *lake = r->sql->env->flow.lake;
    struct tarn_str json;
    *out = (struct tarn__view){.ident = ident};
    *found = false;
    if (!(lake->catalog->ops->abilities & TARN_CATALOG_VIEWS))
        return TARN_OK;
    enum tarn_status status =
        tarn_catalog_load_view(lake->catalog, r->op, ident, &out->metadata_location);
    if (status == TARN_NOT_FOUND || status == TARN_TABLE) {
        tarn_clear(r->op);
        return TARN_OK;
    }
    TARN_TRY(status);
    struct tarn_str what = tarn_strdup(r->op, out->metadata_location);
    if (!what.ptr)
        return TARN_NOMEM;
    TARN_TRY_WHILE(r->op, tarn_storage_read(lake->storage, r->op, what, &json),
                   "loading view %.*s.%.*s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    TARN_TRY_WHILE(r->op, tarn_view_parse(r->op, json, what.ptr, &out->metadata),
                   "loading view %.*s.%.*s", TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    *found = true;
    return TARN_OK;
}

/* The exact name, else the only one in another case. */
static enum tarn_status fold_case(struct tarn__run *r, struct tarn_ident *ident)
{
    struct tarn_idents all;
    const struct tarn_ident *hit = NULL;
    TARN_TRY(tarn_catalog_list_views(r->sql->env->flow.lake->catalog, r->op,
                                     (struct tarn_str){NULL, 0}, &all));
    for (size_t i = 0; i < all.count; i++) {
        if (!tarn_str_eq_nocase(all.items[i].name, ident->name) ||
            !tarn_str_eq_nocase(all.items[i].ns, ident->ns))
            continue;
        if (hit)
            return TARN_OK;
        hit = &all.items[i];
    }
    if (hit)
        *ident = *hit;
    return TARN_OK;
}

static enum tarn_status find_any_case(struct tarn__run *r, struct tarn_ident ident,
                                      struct tarn__view *out, bool *found)
{
    TARN_TRY(tarn__view_load(r, ident, out, found));
    if (*found || !(r->sql->env->flow.lake->catalog->ops->abilities & TARN_CATALOG_VIEWS))
        return TARN_OK;
    TARN_TRY(fold_case(r, &ident));
    return tarn__view_load(r, ident, out, found);
}

enum tarn_status tarn__target_view(struct tarn__run *r, const struct tarn__target *t,
                                   struct tarn__view *out)
{
    struct tarn_table *table;
    struct tarn_idents all;
    const char **z, *nearest;
    struct tarn_str full = tarn_str_of(r->text.sql.ptr + t->offset, t->length);
    bool found = false;
    *out = (struct tarn__view){.ident = t->ident};
    if (t->ident.ns.ptr)
        TARN_TRY(find_any_case(r, t->ident, out, &found));
    if (found)
        return TARN_OK;
    const struct tarn_sql_env *env = r->sql->env;
    TARN_TRY(env->find(env->ctx, r->op, t->ident, &table));
    TARN_TRY(tarn__all_names(r, &all));
    TARN_NEW_ARRAY(r->op, z, all.count + 1);
    for (size_t i = 0; i < all.count; i++) {
        z[i] = tarn_sprintf(r->op, "%.*s.%.*s", TARN_STR_ARG(all.items[i].ns),
                            TARN_STR_ARG(all.items[i].name))
                   .ptr;
        if (!z[i])
            return TARN_NOMEM;
    }
    nearest = tarn_str_nearest(full, z, all.count);
    (void)tarn_fail(r->op, table ? TARN_INVALID : TARN_TABLE,
                    table ? "\"%.*s\" is a table, not a view" : "view \"%.*s\" not found",
                    TARN_STR_ARG(full));
    if (nearest && !table)
        tarn_hint(r->op, "did you mean %s?", nearest);
    else if (table)
        tarn_hint(r->op, "tables have statements of their own: DROP TABLE, ALTER TABLE ..");
    tarn__place_at(&r->words, t->offset);
    return r->op->report.status;
}

/* ---- what a query reads */

struct reads { /* places of the outermost query's names are those of the statement */
    struct tarn__run *run;
    struct tarn_ident view; /* that must not be read */
    int depth;
};

static bool same_name(struct tarn_ident a, struct tarn_ident b)
{
    return tarn_str_eq_nocase(a.ns, b.ns) && tarn_str_eq_nocase(a.name, b.name);
}

static enum tarn_status check_text(struct reads *c, struct tarn_sql_text text, struct tarn_str ns);

static enum tarn_status only_of_session(struct reads *c, const struct tarn_table_ref *ref)
{
    (void)tarn_fail(c->run->op, TARN_INVALID,
                    "a view cannot read \"%.*s\", which only this session has",
                    TARN_STR_ARG(ref->name));
    tarn_hint(c->run->op, "CREATE TEMP VIEW makes a view that can");
    tarn__place_at(&c->run->words, ref->offset);
    return TARN_INVALID;
}

static enum tarn_status check_ref(struct reads *c, const struct tarn_table_ref *ref,
                                  struct tarn_str ns)
{
    struct tarn__run *r = c->run;
    struct tarn_ident ident = {ref->ns.ptr ? ref->ns : ns, ref->name};
    const struct tarn_sql_env *env = r->sql->env;
    struct tarn_table *table;
    struct tarn__view view;
    bool found = false;
    bool temporary = c->depth == 1 && !ref->ns.ptr && tarn_temp_view(r->sql->env->temps, ref->name);
    if (!temporary && ident.ns.ptr && same_name(ident, c->view)) {
        (void)tarn_fail(r->op, TARN_INVALID, "view %.*s.%.*s would read itself",
                        TARN_STR_ARG(c->view.ns), TARN_STR_ARG(c->view.name));
        if (c->depth == 1)
            tarn__place_at(&r->words, ref->offset);
        return TARN_INVALID;
    }
    if (temporary)
        return only_of_session(c, ref);
    TARN_TRY(env->find(env->ctx, r->op, ident, &table));
    if (table)
        return TARN_OK;
    if (ident.ns.ptr)
        TARN_TRY(find_any_case(r, ident, &view, &found));
    if (found) {
        const struct tarn_view_version *v = tarn_view_current(&view.metadata);
        const struct tarn_view_sql *sql = v ? tarn_view_sql(v) : NULL;
        return sql ? check_text(c, (struct tarn_sql_text){.sql = sql->sql, .line0 = 1},
                                v->default_namespace)
                   : TARN_OK;
    }
    /* a metadata table, a view of the project, a path; what is nothing fails when it is described */
    if (ref->ns.ptr || c->depth > 1 || tarn_is_table_path(ref->name))
        return TARN_OK;
    return only_of_session(c, ref);
}

static enum tarn_status check_text(struct reads *c, struct tarn_sql_text text, struct tarn_str ns)
{
    struct tarn_table_refs refs;
    if (++c->depth > DEPTH_MAX)
        return tarn_fail(c->run->op, TARN_MODEL, "views read one another more than %d deep",
                         DEPTH_MAX);
    TARN_TRY(tarn_session_refs(c->run->sql->env->flow.session, c->run->op, text, &refs));
    for (size_t i = 0; i < refs.count; i++)
        TARN_TRY(check_ref(c, &refs.items[i], ns));
    c->depth--;
    return TARN_OK;
}

/* ---- a version */

static enum tarn_status query_text(struct tarn__run *r, const struct tarn__view_text *text,
                                   struct tarn_sql_text *out)
{
    struct tarn__compose c;
    tarn__compose_begin(&c, r->op, r->text);
    tarn__compose_piece(&c, text->query);
    return tarn__compose_end(&c, out);
}

/* The query's columns, under the names and with the comments that the statement gives. */
static enum tarn_status make_schema(struct tarn__run *r, const struct tarn__view_text *text,
                                    struct tarn_sql_text query, struct tarn_schema *out,
                                    bool *renamed)
{
    int32_t next = 1;
    *out = (struct tarn_schema){0};
    *renamed = false;
    TARN_TRY(tarn_session_describe(r->sql->env->flow.session, r->op, query, &out->root));
    if (text->columns && text->column_count != out->root.field_count) {
        (void)tarn_fail(r->op, TARN_SQL, "the view names %zu columns and its query has %zu",
                        text->column_count, out->root.field_count);
        tarn__place_at(&r->words, tarn__offset(&r->words, text->query));
        return TARN_SQL;
    }
    for (size_t i = 0; i < out->root.field_count; i++) {
        struct tarn_field *f = &out->root.fields[i];
        *renamed = *renamed || (text->columns && !tarn_str_eq(text->columns[i], f->name));
        f->name = text->columns ? text->columns[i] : f->name;
        f->doc = text->columns ? text->comments[i] : f->doc;
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(out->root.fields[k].name, f->name)) {
                (void)tarn_fail(r->op, TARN_SQL, "the view has two columns \"%.*s\"",
                                TARN_STR_ARG(f->name));
                tarn_hint(r->op, "name them: CREATE VIEW v (a, b) AS ..");
                tarn__place_at(&r->words, tarn__offset(&r->words, text->query));
                return TARN_SQL;
            }
    }
    tarn_type_assign_ids(&out->root, &next);
    return TARN_OK;
}

/* With names of its own the query stands inside: any engine that reads the text gives them. */
static enum tarn_status stored_text(struct tarn__run *r, const struct tarn__view_text *text,
                                    bool renamed, struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)16 << 20);
    if (renamed)
        tarn_buf_z(&b, "SELECT * FROM (");
    tarn_buf_str(&b, text->query);
    for (size_t i = 0; renamed && i < text->column_count; i++) {
        tarn_buf_z(&b, i ? ", " : "\n) AS v(");
        tarn__put_name(&b, text->columns[i]);
    }
    tarn_buf_z(&b, renamed ? ")" : "");
    return (enum tarn_status)tarn_buf_take(r->op, &b, "the view's text", out);
}

enum tarn_status tarn__view_text_of(struct tarn__run *r, const struct tarn__view_text *text,
                                    struct tarn_str *out)
{
    struct tarn_sql_text query;
    struct tarn_schema schema;
    bool renamed;
    TARN_TRY(query_text(r, text, &query));
    TARN_TRY(make_schema(r, text, query, &schema, &renamed));
    return stored_text(r, text, renamed, out);
}

static enum tarn_status schema_id_of(struct tarn_op *op, struct tarn_view_metadata *m,
                                     struct tarn_schema *schema, int32_t *out)
{
    struct tarn_schema *grown;
    int32_t highest = -1;
    for (size_t i = 0; i < m->schema_count; i++) {
        *out = m->schemas[i].schema_id;
        bool same = tarn_type_eq(&m->schemas[i].root, &schema->root);
        for (size_t k = 0; same && k < schema->root.field_count; k++)
            same = tarn_str_eq(m->schemas[i].root.fields[k].doc, schema->root.fields[k].doc);
        if (same)
            return TARN_OK;
        highest = *out > highest ? *out : highest;
    }
    TARN_NEW_ARRAY(op, grown, m->schema_count + 1);
    if (m->schema_count)
        memcpy(grown, m->schemas, m->schema_count * sizeof *grown);
    *out = schema->schema_id = highest + 1;
    grown[m->schema_count++] = *schema;
    m->schemas = grown;
    return TARN_OK;
}

static enum tarn_status put_dialects(struct tarn_op *op, const struct tarn_view_metadata *m,
                                     struct tarn_str sql, struct tarn_view_version *v)
{
    const struct tarn_str *more = tarn_kvs_get(&m->properties, "tarn.dialects");
    struct tarn_str rest = more ? *more : TARN_STR(""), one;
    size_t n = 2;
    for (size_t i = 0; i < rest.len; i++)
        n += rest.ptr[i] == ',';
    TARN_NEW_ARRAY(op, v->sqls, n);
    v->sqls[v->sql_count++] = (struct tarn_view_sql){.sql = sql, .dialect = TARN_STR("tarn")};
    while (rest.ptr && rest.len) {
        (void)tarn_str_cut(&rest, ',', &one);
        one = tarn_str_trim(one);
        bool have = one.len == 0;
        for (size_t i = 0; !have && i < v->sql_count; i++)
            have = tarn_str_eq_nocase(v->sqls[i].dialect, one);
        if (!have)
            v->sqls[v->sql_count++] = (struct tarn_view_sql){.sql = sql, .dialect = one};
    }
    return TARN_OK;
}

static bool has_version(const struct tarn_view_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->version_count; i++)
        if (m->versions[i].version_id == id)
            return true;
    return false;
}

/* The oldest versions go; what the log says of them, and before them, goes too. */
static void drop_old(struct tarn_view_metadata *m)
{
    const struct tarn_str *text = tarn_kvs_get(&m->properties, "version.history.num-entries");
    int64_t keep = 10;
    size_t kept = 0;
    if (text && (!tarn_str_to_i64(*text, &keep) || keep < 1))
        keep = text ? 1 : 10;
    if (m->version_count > (size_t)keep) {
        size_t cut = m->version_count - (size_t)keep;
        memmove(m->versions, m->versions + cut, (size_t)keep * sizeof *m->versions);
        m->version_count = (size_t)keep;
    }
    for (size_t i = 0; i < m->log_count; i++) {
        if (has_version(m, m->log[i].version_id))
            m->log[kept++] = m->log[i];
        else
            kept = 0;
    }
    m->log_count = kept;
}

static enum tarn_status append_version(struct tarn_op *op, struct tarn_view_metadata *m,
                                       struct tarn_view_version *v)
{
    struct tarn_view_version *versions;
    struct tarn_view_log_entry *log;
    TARN_NEW_ARRAY(op, versions, m->version_count + 1);
    TARN_NEW_ARRAY(op, log, m->log_count + 1);
    v->version_id = 1;
    for (size_t i = 0; i < m->version_count; i++) {
        versions[i] = m->versions[i];
        if (versions[i].version_id >= v->version_id)
            v->version_id = versions[i].version_id + 1;
    }
    if (m->log_count)
        memcpy(log, m->log, m->log_count * sizeof *log);
    versions[m->version_count++] = *v;
    log[m->log_count++] = (struct tarn_view_log_entry){v->timestamp_ms, v->version_id};
    m->versions = versions;
    m->log = log;
    m->current_version_id = v->version_id;
    drop_old(m);
    return TARN_OK;
}

enum tarn_status tarn__view_add_version(struct tarn__run *r, struct tarn__view *view,
                                        const struct tarn__view_text *text)
{
    struct tarn_op *op = r->op;
    struct reads reads = {.run = r, .view = view->ident};
    struct tarn_sql_text query;
    struct tarn_schema schema;
    bool renamed;
    struct tarn_str sql, none = {NULL, 0}, ns = r->sql->ns ? tarn_str_view(r->sql->ns) : none;
    struct tarn_view_version v = {.timestamp_ms = tarn_clock_now_us(tarn_clock_real()) / 1000};
    TARN_TRY(query_text(r, text, &query));
    TARN_TRY(check_text(&reads, query, ns));
    TARN_TRY(make_schema(r, text, query, &schema, &renamed));
    TARN_TRY(stored_text(r, text, renamed, &sql));
    TARN_TRY(schema_id_of(op, &view->metadata, &schema, &v.schema_id));
    TARN_TRY(put_dialects(op, &view->metadata, sql, &v));
    v.default_catalog = r->sql->env->flow.lake->catalog->catalog_name;
    v.default_namespace = ns.ptr ? ns : TARN_STR("");
    TARN_TRY(tarn_kvs_with(op, &v.summary, TARN_STR("engine-name"), TARN_STR("tarn"), &v.summary));
    TARN_TRY(tarn_kvs_with(op, &v.summary, TARN_STR("engine-version"), TARN_STR(TARN_VERSION),
                           &v.summary));
    return append_version(op, &view->metadata, &v);
}

/* ---- publishing */

static enum tarn_status metadata_path(struct tarn__run *r, const struct tarn__view *v,
                                      struct tarn_str *out)
{
    char uuid[TARN_UUID_TEXT_MAX];
    struct tarn_str old = tarn_path_base(v->metadata_location), number;
    int64_t n = -1;
    if (old.ptr && tarn_str_cut(&old, '-', &number) && !tarn_str_to_i64(number, &n))
        n = -1;
    TARN_TRY(tarn_uuid_v4(r->op, uuid));
    struct tarn_str folder = tarn_path_join(r->op, v->metadata.location, TARN_STR("metadata"));
    struct tarn_str name = tarn_sprintf(r->op, "%05lld-%s.metadata.json", (long long)(n + 1), uuid);
    if (!folder.ptr || !name.ptr)
        return TARN_NOMEM;
    *out = tarn_path_join(r->op, folder, name);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__view_publish(struct tarn__run *r, struct tarn__view *v)
{
    const struct tarn_lake *lake = r->sql->env->flow.lake;
    struct tarn_str json, path;
    TARN_TRY(tarn_view_write(r->op, &v->metadata, &json));
    TARN_TRY(metadata_path(r, v, &path));
    struct tarn_swap swap = {.ident = v->ident, .expected = v->metadata_location, .next = path};
    enum tarn_status status = tarn_storage_put(lake->storage, r->op, path, json);
    if (status == TARN_OK)
        status = tarn_catalog_commit_view(lake->catalog, r->op, &swap);
    if (status != TARN_OK && status != TARN_UNKNOWN) { /* a write that failed may have happened */
        struct tarn_report told = r->op->report;
        (void)!tarn_storage_remove(lake->storage, r->op, path);
        r->op->report = told;
    }
    return tarn__raced(r, status);
}
