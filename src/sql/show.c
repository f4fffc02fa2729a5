/* show: SHOW TABLES, VIEWS, NAMESPACES, COLUMNS, PARTITIONS, TBLPROPERTIES, BRANCHES, TAGS ...
 *
 * Columns have Spark's names where Spark has the statement. What is not told here is the engine's
 * to answer.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/view_int.h"

/* ---- the ends of the statements */

/* [{FROM | IN} ns]; without it the namespace of USE, absent = all. */
static enum tarn_status take_in(struct tarn__run *r, struct tarn_str *ns)
{
    *ns = r->sql->ns ? tarn_str_view(r->sql->ns) : (struct tarn_str){NULL, 0};
    if (!tarn__take(&r->words, "FROM") && !tarn__take(&r->words, "IN"))
        return TARN_OK;
    return tarn__take_namespace(r, true, ns);
}

/* [[LIKE] 'pattern'] and the end. */
static enum tarn_status take_like(struct tarn__run *r, struct tarn_str *pattern)
{
    *pattern = (struct tarn_str){NULL, 0};
    if (tarn__take(&r->words, "LIKE") || (!r->words.end && r->words.token.kind == TARN_SQL_STRING))
        TARN_TRY(tarn__take_string(&r->words, pattern));
    return tarn__expect_end(&r->words);
}

static enum tarn_status take_table(struct tarn__run *r, struct tarn_table **out)
{
    struct tarn__target target;
    TARN_TRY(tarn__take_target(r, &target));
    return tarn__target_table(r, &target, out);
}

static enum tarn_status in_table(struct tarn__run *r, struct tarn_table **out)
{
    if (!tarn__take(&r->words, "IN") && !tarn__take(&r->words, "ON"))
        TARN_TRY(tarn__expect(&r->words, "FROM"));
    return take_table(r, out);
}

/* ---- names */

static enum tarn_status show_names(struct tarn__run *r, const struct tarn_idents *names)
{
    struct tarn__list list;
    struct tarn_str ns, pattern;
    TARN_TRY(take_in(r, &ns));
    TARN_TRY(take_like(r, &pattern));
    TARN_TRY(tarn__list_begin(&list, r, "namespace name"));
    for (size_t i = 0; i < names->count; i++)
        if ((!ns.ptr || names->items[i].ns.len == 0 || tarn_str_eq(ns, names->items[i].ns)) &&
            tarn__like(names->items[i].name, pattern))
            TARN_TRY(tarn__list_texts(&list, names->items[i].ns, names->items[i].name,
                                      (struct tarn_str){NULL, 0}));
    return tarn__list_end(&list, "SHOW");
}

static enum tarn_status show_tables(struct tarn__run *r)
{
    struct tarn_idents names;
    TARN_TRY(tarn__all_names(r, &names));
    return show_names(r, &names);
}

static bool has_ident(const struct tarn_idents *all, struct tarn_ident ident)
{
    for (size_t i = 0; i < all->count; i++)
        if (tarn_str_eq(all->items[i].ns, ident.ns) && tarn_str_eq(all->items[i].name, ident.name))
            return true;
    return false;
}

/* What is a name and no table is a view: of the catalog, or of the project. */
static enum tarn_status show_views(struct tarn__run *r)
{
    const struct tarn_sql_env *env = r->sql->env;
    struct tarn_idents names, tables;
    size_t kept = 0;
    TARN_TRY(tarn__all_names(r, &names));
    TARN_TRY(tarn_catalog_list_tables(env->flow.lake->catalog, r->op, (struct tarn_str){NULL, 0},
                                      &tables));
    for (size_t i = 0; i < names.count; i++) {
        struct tarn_table *table = NULL;
        if (has_ident(&tables, names.items[i]))
            continue;
        TARN_TRY(env->find(env->ctx, r->op, names.items[i], &table));
        if (!table)
            names.items[kept++] = names.items[i];
    }
    names.count = kept;
    return show_names(r, &names);
}

static bool below(struct tarn_str ns, struct tarn_str parent)
{
    return !parent.ptr ||
           (ns.len > parent.len + 1 && tarn_str_starts(ns, parent) && ns.ptr[parent.len] == '.');
}

static enum tarn_status show_namespaces(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_names all;
    struct tarn_str parent = {NULL, 0}, pattern, none = {NULL, 0};
    if (tarn__take(&r->words, "FROM") || tarn__take(&r->words, "IN"))
        TARN_TRY(tarn__take_namespace(r, true, &parent));
    TARN_TRY(take_like(r, &pattern));
    TARN_TRY(tarn__all_namespaces(r, &all));
    TARN_TRY(tarn__list_begin(&list, r, "namespace"));
    for (size_t i = 0; i < all.count; i++)
        if (below(all.items[i], parent) && tarn__like(all.items[i], pattern))
            TARN_TRY(tarn__list_texts(&list, all.items[i], none, none));
    return tarn__list_end(&list, "SHOW");
}

static enum tarn_status show_catalogs(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_str pattern, none = {NULL, 0}, name = r->sql->env->flow.lake->catalog->catalog_name;
    TARN_TRY(take_like(r, &pattern));
    TARN_TRY(tarn__list_begin(&list, r, "catalog"));
    if (tarn__like(name, pattern))
        TARN_TRY(tarn__list_texts(&list, name, none, none));
    return tarn__list_end(&list, "SHOW");
}

/* ---- of one table */

static enum tarn_status show_columns(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn__target target;
    struct tarn_table *t;
    struct tarn_type relation;
    struct tarn_str none = {NULL, 0};
    if (!tarn__take(&r->words, "IN"))
        TARN_TRY(tarn__expect(&r->words, "FROM"));
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(tarn__expect_end(&r->words));
    t = NULL;
    if (!tarn__temp_view(r, &target))
        TARN_TRY(tarn__target_find(r, &target, &t));
    enum tarn_status status = t ? TARN_OK : tarn__relation_columns(r, &target, &relation);
    if (status == TARN_TABLE) {
        tarn_clear(r->op);
        status = tarn__target_table(r, &target, &t); /* as all of SHOW tells it */
    }
    TARN_TRY(status);
    TARN_TRY(tarn__list_begin(&list, r, "col_name"));
    const struct tarn_type *root = t ? &tarn_metadata_schema(&t->metadata)->root : &relation;
    for (size_t i = 0; i < root->field_count; i++)
        TARN_TRY(tarn__list_texts(&list, root->fields[i].name, none, none));
    return tarn__list_end(&list, "SHOW");
}

/* Properties, and what Iceberg's Spark tells as if it were some, by key. */
static enum tarn_status properties_of(struct tarn__run *r, const struct tarn_table *t,
                                      struct tarn_kvs *out)
{
    struct tarn_op *op = r->op;
    const struct tarn_metadata *m = &t->metadata;
    const struct tarn_str *format = tarn_kvs_get(&m->properties, "write.format.default");
    struct tarn_str text = tarn_sprintf(op, "iceberg/%.*s", format ? (int)format->len : 7,
                                        format ? format->ptr : "parquet");
    TARN_TRY(tarn_kvs_with(op, &m->properties, TARN_STR("format"), text, out));
    text = tarn_sprintf(op, "%d", m->format_version);
    TARN_TRY(tarn_kvs_with(op, out, TARN_STR("format-version"), text, out));
    text = m->current_snapshot_id ? tarn_sprintf(op, "%lld", (long long)m->current_snapshot_id)
                                  : TARN_STR("none");
    return tarn_kvs_with(op, out, TARN_STR("current-snapshot-id"), text, out);
}

static int by_key(const void *a, const void *b)
{
    return tarn_str_cmp(((const struct tarn_kv *)a)->key, ((const struct tarn_kv *)b)->key);
}

/* ('key'), (key), (a.b.c) */
static enum tarn_status take_key(struct tarn__run *r, struct tarn_str *out)
{
    struct tarn__dotted d;
    *out = (struct tarn_str){NULL, 0};
    if (!tarn__take(&r->words, "("))
        return TARN_OK;
    if (!r->words.end && r->words.token.kind == TARN_SQL_STRING) {
        TARN_TRY(tarn__take_string(&r->words, out));
    } else {
        TARN_TRY(tarn__take_dotted(&r->words, &d));
        *out = tarn_str_of(r->text.sql.ptr + d.begin, d.end - d.begin);
    }
    return tarn__expect(&r->words, ")");
}

static enum tarn_status show_properties(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn__target target;
    struct tarn_table *t;
    struct tarn__view view;
    struct tarn_kvs all;
    bool is_view = false;
    struct tarn_str key, none = {NULL, 0};
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(take_key(r, &key));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__target_find(r, &target, &t));
    if (!t && target.ident.ns.ptr)
        TARN_TRY(tarn__view_load(r, target.ident, &view, &is_view));
    if (!t && !is_view)
        TARN_TRY(tarn__target_table(r, &target, &t));
    if (is_view)
        all = view.metadata.properties;
    else
        TARN_TRY(properties_of(r, t, &all));
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, by_key);
    TARN_TRY(tarn__list_begin(&list, r, "key value"));
    bool any = false;
    for (size_t i = 0; i < all.count; i++) {
        if (key.ptr && !tarn_str_eq(key, all.items[i].key))
            continue;
        any = true;
        TARN_TRY(tarn__list_texts(&list, all.items[i].key, all.items[i].value, none));
    }
    if (key.ptr && !any)
        TARN_TRY(
            tarn__list_texts(&list, key,
                             tarn_sprintf(r->op, "%s %.*s.%.*s does not have property: %.*s",
                                          is_view ? "View" : "Table", TARN_STR_ARG(target.ident.ns),
                                          TARN_STR_ARG(target.ident.name), TARN_STR_ARG(key)),
                             none));
    return tarn__list_end(&list, "SHOW");
}

/* The head of main, or of the branch or tag behind the name. */
static enum tarn_status snapshot_of(struct tarn__run *r, const struct tarn__target *target,
                                    const struct tarn_table *t, const struct tarn_snapshot **out)
{
    struct tarn_str name = target->suffix;
    *out = tarn_metadata_current(&t->metadata);
    if (!name.ptr)
        return TARN_OK;
    size_t cut = name.ptr[0] == 't' || name.ptr[0] == 'T' ? strlen("tag_") : strlen("branch_");
    enum tarn_status status =
        tarn_table_version(r->op, t, tarn_str_of(name.ptr + cut, name.len - cut), out);
    if (status != TARN_OK)
        tarn__place_at(&r->words, target->offset);
    return status;
}

static enum tarn_status show_partitions(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_live_files live;
    struct tarn_table *t;
    struct tarn_str *texts, none = {NULL, 0};
    size_t n = 0;
    struct tarn__target target;
    const struct tarn_snapshot *snapshot = NULL;
    size_t offset = r->words.token.begin;
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__target_table(r, &target, &t));
    TARN_TRY(snapshot_of(r, &target, t, &snapshot));
    const struct tarn_metadata *m = &t->metadata;
    if (tarn_metadata_spec(m)->field_count == 0) {
        (void)tarn_fail(r->op, TARN_INVALID, "table %.*s.%.*s is not partitioned",
                        TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
        tarn__place_at(&r->words, offset);
        return TARN_INVALID;
    }
    TARN_TRY(tarn_table_live_files(r->sql->env->flow.lake, r->op, m, snapshot, &live));
    TARN_NEW_ARRAY(r->op, texts, live.count + 1);
    for (size_t i = 0; i < live.count; i++) {
        struct tarn_buf b;
        if (live.items[i].file.content != TARN_CONTENT_DATA)
            continue;
        tarn_buf_init(&b, 1 << 20);
        enum tarn_status status = tarn__put_partition(r->op, &b, m, &live.items[i].file);
        if (status == TARN_OK)
            status = (enum tarn_status)tarn_buf_take(r->op, &b, "a partition", &texts[n++]);
        tarn_buf_release(&b);
        TARN_TRY(status);
    }
    qsort(texts, n, sizeof *texts, tarn__text_order);
    TARN_TRY(tarn__list_begin(&list, r, "partition"));
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !tarn_str_eq(texts[i - 1], texts[i]))
            TARN_TRY(tarn__list_texts(&list, texts[i], none, none));
    return tarn__list_end(&list, "SHOW");
}

/* ---- branches and tags */

static enum tarn_status add_ref(struct tarn__list *list, const struct tarn_ref *ref)
{
    struct tarn_value values[] = {
        tarn__text_value(ref->name),
        tarn__text_value(ref->is_tag ? TARN_STR("TAG") : TARN_STR("BRANCH")),
        tarn__long_value(ref->snapshot_id),
        tarn__long_or_null(ref->max_ref_age_ms, -1),
        tarn__long_or_null(ref->min_snapshots_to_keep, -1),
        tarn__long_or_null(ref->max_snapshot_age_ms, -1)};
    return tarn__list_add(list, values);
}

static enum tarn_status show_refs(struct tarn__run *r, bool branches, bool tags)
{
    struct tarn__list list;
    struct tarn_table *t;
    struct tarn_str pattern;
    TARN_TRY(in_table(r, &t));
    TARN_TRY(take_like(r, &pattern));
    const struct tarn_metadata *m = &t->metadata;
    TARN_TRY(tarn__list_begin(&list, r,
                              "name type snapshot_id:long max_reference_age_in_ms:long "
                              "min_snapshots_to_keep:long max_snapshot_age_in_ms:long"));
    struct tarn_ref main = {.name = TARN_STR("main"),
                            .snapshot_id = m->current_snapshot_id,
                            .min_snapshots_to_keep = -1,
                            .max_snapshot_age_ms = -1,
                            .max_ref_age_ms = -1};
    if (branches && m->current_snapshot_id && !tarn_metadata_ref(m, main.name) &&
        tarn__like(main.name, pattern))
        TARN_TRY(add_ref(&list, &main));
    for (size_t i = 0; i < m->ref_count; i++)
        if ((m->refs[i].is_tag ? tags : branches) && tarn__like(m->refs[i].name, pattern))
            TARN_TRY(add_ref(&list, &m->refs[i]));
    return tarn__list_end(&list, "SHOW");
}

/* ---- */

static enum tarn_status show_branches(struct tarn__run *r)
{
    return show_refs(r, true, false);
}

static enum tarn_status show_tags(struct tarn__run *r)
{
    return show_refs(r, false, true);
}

static enum tarn_status show_all_refs(struct tarn__run *r)
{
    return show_refs(r, true, true);
}

enum tarn_status tarn__sql_show(struct tarn__run *r)
{
    static const struct {
        const char *words;
        tarn__verb *show;
    } kinds[] = {
        {"TABLES", show_tables},         {"VIEWS", show_views},
        {"NAMESPACES", show_namespaces}, {"SCHEMAS", show_namespaces},
        {"DATABASES", show_namespaces},  {"CATALOGS", show_catalogs},
        {"CREATE", tarn__show_create},   {"TBLPROPERTIES", show_properties},
        {"COLUMNS", show_columns},       {"PARTITIONS", show_partitions},
        {"BRANCHES", show_branches},     {"TAGS", show_tags},
        {"REFS", show_all_refs},         {"PROCEDURES", tarn__show_procedures},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (tarn__take(&r->words, kinds[i].words))
            return kinds[i].show(r);
    if (r->words.end)
        return tarn__expect(&r->words, "TABLES, VIEWS, NAMESPACES, COLUMNS, PARTITIONS, CREATE or "
                                       "TBLPROPERTIES");
    tarn__done(r, "SHOW", -1);
    return tarn__answer_query(r, r->text);
}
