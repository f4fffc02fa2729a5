/* view: view metadata JSON to structs (spec "Iceberg View Spec"), and finding one's way in them.
 * Back: view_write.c.
 *
 * Explicit nulls count as absent. A default namespace with a '.' in a level's name cannot be joined
 * and split again: it is kept raw in `extra` as well, and written from there.
 */
#include "format/gzip.h"
#include "format/iceberg/json_checksum.h"
#include "format/iceberg/view_int.h"

#define MUST ((struct tarn_json_field){.what = "view metadata", .required = true})
#define MAY  ((struct tarn_json_field){.what = "view metadata"})

static enum tarn_status get_list(struct tarn_op *op, const struct tarn_json *j, const char *key,
                                 const struct tarn_json **out)
{
    TARN_TRY(tarn_json_array(op, j, key, MUST, out));
    return tarn__list_check(op, *out, key);
}

static enum tarn_status get_kvs(struct tarn_op *op, const struct tarn_json *j, const char *key,
                                struct tarn_kvs *out)
{
    const struct tarn_json *o;
    TARN_TRY(tarn_json_object(op, j, key, MAY, &o));
    return o ? tarn__kvs_from_json(op, o, key, out) : TARN_OK;
}

/* ---- a version */

static enum tarn_status read_sql(struct tarn_op *op, const struct tarn_json *j,
                                 struct tarn_view_sql *out)
{
    static const char *const keys[] = {"type", "sql", "dialect"};
    TARN_TRY(tarn_json_str(op, j, "sql", MUST, &out->sql));
    TARN_TRY(tarn_json_str(op, j, "dialect", MUST, &out->dialect));
    return tarn__json_extra(op, j, keys, sizeof keys / sizeof keys[0], &out->extra);
}

static enum tarn_status read_representations(struct tarn_op *op, const struct tarn_json *j,
                                             struct tarn_view_version *out)
{
    const struct tarn_json *list;
    TARN_TRY(get_list(op, j, "representations", &list));
    if (list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->sqls, list->count);
    TARN_NEW_ARRAY(op, out->other_representations, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        struct tarn_str type;
        TARN_TRY(tarn_json_str(op, e, "type", MUST, &type));
        if (tarn_str_eq_nocase(type, TARN_STR("sql"))) {
            TARN_TRY(read_sql(op, e, &out->sqls[out->sql_count++]));
            continue;
        }
        struct tarn_str raw = tarn_strdup(op, e->raw);
        if (!raw.ptr)
            return op->report.status;
        out->other_representations[out->other_count++] = raw;
    }
    return TARN_OK;
}

static enum tarn_status keep_namespace(struct tarn_op *op, const struct tarn_json *list,
                                       struct tarn_kvs *extra)
{
    struct tarn_str raw = tarn_strdup(op, list->raw);
    if (!raw.ptr)
        return op->report.status;
    return tarn_kvs_with(op, extra, TARN_STR(TARN__VIEW_NAMESPACE), raw, extra);
}

static enum tarn_status read_namespace(struct tarn_op *op, const struct tarn_json *j,
                                       struct tarn_view_version *out)
{
    const struct tarn_json *list;
    bool dots = false;
    TARN_TRY(tarn_json_array(op, j, TARN__VIEW_NAMESPACE, MAY, &list));
    if (!list)
        return TARN_OK;
    out->default_namespace = TARN_STR("");
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        if (e->kind != TARN_JSON_K_STRING)
            return tarn_fail(op, TARN_CORRUPT, "a level of a default namespace is not a string");
        dots |= memchr(e->text.ptr, '.', e->text.len) != NULL || e->text.len == 0;
        out->default_namespace =
            e == list->first ? e->text
                             : tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(out->default_namespace),
                                            TARN_STR_ARG(e->text));
        if (!out->default_namespace.ptr)
            return op->report.status;
    }
    return dots ? keep_namespace(op, list, &out->extra) : TARN_OK;
}

static enum tarn_status read_version(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_view_version *out)
{
    static const char *const keys[] = {"version-id",        "schema-id",       "timestamp-ms",
                                       "summary",           "representations", "default-catalog",
                                       TARN__VIEW_NAMESPACE};
    TARN_TRY(tarn_json_i32(op, j, "version-id", MUST, &out->version_id));
    TARN_TRY(tarn_json_i32(op, j, "schema-id", MUST, &out->schema_id));
    TARN_TRY(tarn_json_i64(op, j, "timestamp-ms", MUST, &out->timestamp_ms));
    TARN_TRY(get_kvs(op, j, "summary", &out->summary));
    TARN_TRY(read_representations(op, j, out));
    TARN_TRY(tarn_json_str(op, j, "default-catalog", MAY, &out->default_catalog));
    TARN_TRY(tarn__json_extra(op, j, keys, sizeof keys / sizeof keys[0], &out->extra));
    return read_namespace(op, j, out);
}

/* ---- the view */

static enum tarn_status read_schemas(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_view_metadata *m)
{
    const struct tarn_json *list;
    TARN_TRY(get_list(op, j, "schemas", &list));
    if (list->count > 0)
        TARN_NEW_ARRAY(op, m->schemas, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(tarn_schema_from_json(op, e, &m->schemas[m->schema_count++]));
    return TARN_OK;
}

static enum tarn_status read_versions(struct tarn_op *op, const struct tarn_json *j,
                                      struct tarn_view_metadata *m)
{
    const struct tarn_json *list;
    TARN_TRY(get_list(op, j, "versions", &list));
    if (list->count > 0)
        TARN_NEW_ARRAY(op, m->versions, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(read_version(op, e, &m->versions[m->version_count++]));
    return tarn_json_i32(op, j, "current-version-id", MUST, &m->current_version_id);
}

static enum tarn_status read_log(struct tarn_op *op, const struct tarn_json *j,
                                 struct tarn_view_metadata *m)
{
    const struct tarn_json *list;
    TARN_TRY(get_list(op, j, "version-log", &list));
    if (list->count > 0)
        TARN_NEW_ARRAY(op, m->log, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        struct tarn_view_log_entry *entry = &m->log[m->log_count++];
        TARN_TRY(tarn_json_i64(op, e, "timestamp-ms", MUST, &entry->timestamp_ms));
        TARN_TRY(tarn_json_i32(op, e, "version-id", MUST, &entry->version_id));
    }
    return TARN_OK;
}

static enum tarn_status read_view(struct tarn_op *op, const struct tarn_json *j,
                                  struct tarn_view_metadata *m)
{
    static const char *const keys[] = {
        TARN__JSON_CHECKSUM_KEY, "view-uuid", "format-version", "location",  "schemas",
        "current-version-id",    "versions",  "version-log",    "properties"};
    int32_t version = 0;
    TARN_TRY(tarn_json_i32(op, j, "format-version", MUST, &version));
    m->format_version = version;
    if (version != 1)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "view metadata has format version %d; this version of Tarn reads 1",
                         (int)version);
    TARN_TRY(tarn_json_str(op, j, "view-uuid", MUST, &m->uuid));
    TARN_TRY(tarn_json_str(op, j, "location", MUST, &m->location));
    TARN_TRY(read_schemas(op, j, m));
    TARN_TRY(read_versions(op, j, m));
    TARN_TRY(read_log(op, j, m));
    TARN_TRY(get_kvs(op, j, "properties", &m->properties));
    TARN_TRY(tarn__json_extra(op, j, keys, sizeof keys / sizeof keys[0], &m->extra));
    return tarn__view_check(op, m, TARN_CORRUPT);
}

enum tarn_status tarn_view_parse(struct tarn_op *op, struct tarn_str json, const char *what,
                                 struct tarn_view_metadata *out)
{
    struct tarn_json *tree;
    *out = (struct tarn_view_metadata){0};
    TARN_TRY(tarn_gzip_text(op, json, what, &json));
    TARN_TRY(tarn__json_checksum_check(op, json, what));
    TARN_TRY(tarn_json_parse(op, json, what, &tree));
    TARN_TRY_WHILE(op, read_view(op, tree, out), "reading view metadata %s", what);
    return TARN_OK;
}

/* ---- what a view must hold to */

enum tarn_status tarn__view_check(struct tarn_op *op, const struct tarn_view_metadata *m,
                                  enum tarn_status status)
{
    for (size_t i = 0; i < m->version_count; i++)
        for (size_t k = 0; k < i; k++)
            if (m->versions[i].version_id == m->versions[k].version_id)
                return tarn_fail(op, status, "two versions of the view have the id %d",
                                 (int)m->versions[i].version_id);
    for (size_t i = 0; i < m->schema_count; i++)
        for (size_t k = 0; k < i; k++)
            if (m->schemas[i].schema_id == m->schemas[k].schema_id)
                return tarn_fail(op, status, "two schemas of the view have the id %d",
                                 (int)m->schemas[i].schema_id);
    const struct tarn_view_version *now = tarn_view_current(m);
    if (!now)
        return tarn_fail(op, status, "the current version %d of the view is missing",
                         (int)m->current_version_id);
    if (!tarn_view_schema(m, now))
        return tarn_fail(op, status, "the schema %d of the view's current version is missing",
                         (int)now->schema_id);
    return TARN_OK;
}

/* ---- finding one's way */

const struct tarn_view_version *tarn_view_current(const struct tarn_view_metadata *m)
{
    for (size_t i = 0; i < m->version_count; i++)
        if (m->versions[i].version_id == m->current_version_id)
            return &m->versions[i];
    return NULL;
}

const struct tarn_schema *tarn_view_schema(const struct tarn_view_metadata *m,
                                           const struct tarn_view_version *v)
{
    for (size_t i = 0; i < m->schema_count; i++)
        if (m->schemas[i].schema_id == v->schema_id)
            return &m->schemas[i];
    return NULL;
}

const struct tarn_view_sql *tarn_view_sql(const struct tarn_view_version *v)
{
    static const char *const preferred[] = {"tarn", "duckdb", "spark", "trino"};
    for (size_t d = 0; d < sizeof preferred / sizeof preferred[0]; d++)
        for (size_t i = 0; i < v->sql_count; i++)
            if (tarn_str_eq_nocase(v->sqls[i].dialect, tarn_str_view(preferred[d])))
                return &v->sqls[i];
    return v->sql_count > 0 ? &v->sqls[0] : NULL;
}
