/* metadata_read: table metadata JSON to structs (spec "Table Metadata", appendices C and E).
 *
 * v1 files are read as if they were v2 with the defaults of appendix E: one `schema` and `partition-spec` become lists, sequence numbers are 0.
 * Explicit nulls count as absent, current-snapshot-id -1 too (spec appendix F). A file without refs gets branch main.
 */
#include "base/arena.h"
#include "format/gzip.h"
#include "format/iceberg/json_checksum.h"
#include "format/iceberg/metadata_int.h"

#define MUST ((struct tarn_json_field){.what = "table metadata", .required = true})
#define MAY  ((struct tarn_json_field){.what = "table metadata"})

/* ---- helpers of this room */

enum tarn_status tarn__list_check(struct tarn_op *op, const struct tarn_json *list,
                                  const char *what)
{
    if (list->count > TARN__METADATA_LIST_MAX)
        return tarn_fail(op, TARN_LIMIT, "%s are more than %d", what, TARN__METADATA_LIST_MAX);
    return TARN_OK;
}

enum tarn_status tarn__kvs_from_json(struct tarn_op *op, const struct tarn_json *object,
                                     const char *what, struct tarn_kvs *out)
{
    *out = (struct tarn_kvs){0};
    TARN_TRY(tarn__list_check(op, object, what));
    if (object->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->items, object->count);
    for (const struct tarn_json *e = object->first; e; e = e->next) {
        struct tarn_kv kv = {.key = e->key, .value = e->text};
        if (e->kind == TARN_JSON_K_NULL)
            continue;
        if (e->kind == TARN_JSON_K_ARRAY || e->kind == TARN_JSON_K_OBJECT)
            return tarn_fail(op, TARN_CORRUPT, "%s: \"%.*s\" is not a string", what,
                             TARN_STR_ARG(e->key));
        if (e->kind == TARN_JSON_K_BOOL)
            kv.value = e->boolean ? TARN_STR("true") : TARN_STR("false");
        if (e->kind == TARN_JSON_K_NUMBER) {
            kv.value = tarn_strdup(op, e->text); /* its text is the file's */
            if (!kv.value.ptr)
                return op->report.status;
        }
        out->items[out->count++] = kv;
    }
    return TARN_OK;
}

/* A member that is an array, checked for its length; NULL when absent. */
static enum tarn_status get_list(struct tarn_op *op, const struct tarn_json *j, const char *key,
                                 bool required, const struct tarn_json **out)
{
    TARN_TRY(tarn_json_array(op, j, key, required ? MUST : MAY, out));
    return *out ? tarn__list_check(op, *out, key) : TARN_OK;
}

static enum tarn_status keep_raw(struct tarn_op *op, const struct tarn_json *j, const char *key,
                                 struct tarn_str *out)
{
    const struct tarn_json *list;
    TARN_TRY(get_list(op, j, key, false, &list));
    if (!list)
        return TARN_OK;
    *out = tarn_strdup(op, list->raw);
    return out->ptr ? TARN_OK : op->report.status;
}

/* ---- schemas, specs, orders */

static enum tarn_status read_schemas(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_metadata *m)
{
    const struct tarn_json *list, *single = tarn_json_get(j, "schema");
    bool v1 = m->format_version == 1;
    TARN_TRY(get_list(op, j, "schemas", !v1, &list));
    bool alone = v1 && (!list || list->count == 0);
    if (alone && !single)
        return tarn_fail(op, TARN_CORRUPT, "table metadata: there is no schema");
    if (!alone && list->count == 0)
        return tarn_fail(op, TARN_CORRUPT, "table metadata: \"schemas\" is empty");
    TARN_NEW_ARRAY(op, m->schemas, alone ? 1 : list->count);
    for (const struct tarn_json *e = alone ? single : list->first; e; e = alone ? NULL : e->next)
        TARN_TRY(tarn_schema_from_json(op, e, &m->schemas[m->schema_count++]));
    m->current_schema_id = m->schemas[0].schema_id;
    return alone ? TARN_OK : tarn_json_i32(op, j, "current-schema-id", MUST, &m->current_schema_id);
}

static enum tarn_status read_v1_spec(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_metadata *m)
{
    const struct tarn_json *fields;
    TARN_TRY(get_list(op, j, "partition-spec", true, &fields));
    TARN_NEW(op, m->specs);
    m->spec_count = 1;
    return tarn__spec_fields_from_json(op, fields, &m->specs[0]);
}

static enum tarn_status read_specs(struct tarn_op *op, const struct tarn_json *j,
                                   struct tarn_metadata *m)
{
    const struct tarn_json *list;
    bool v1 = m->format_version == 1;
    TARN_TRY(get_list(op, j, "partition-specs", !v1, &list));
    if (v1 && (!list || list->count == 0))
        return read_v1_spec(op, j, m);
    TARN_NEW_ARRAY(op, m->specs, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(tarn__spec_from_json(op, e, &m->specs[m->spec_count++]));
    return tarn_json_i32(op, j, "default-spec-id", MUST, &m->default_spec_id);
}

static enum tarn_status read_last_ids(struct tarn_op *op, const struct tarn_json *j,
                                      struct tarn_metadata *m)
{
    TARN_TRY(tarn_json_i32(op, j, "last-column-id", MUST, &m->last_column_id));
    m->last_partition_id = TARN__PARTITION_ID_BEFORE_FIRST;
    TARN_TRY(tarn_json_i32(op, j, "last-partition-id", m->format_version == 1 ? MAY : MUST,
                           &m->last_partition_id));
    /* Some writers leave them too low; an id that is in use must never be given out again. */
    for (size_t i = 0; i < m->schema_count; i++) {
        int32_t highest = tarn_schema_highest_id(&m->schemas[i]);
        m->last_column_id = highest > m->last_column_id ? highest : m->last_column_id;
    }
    for (size_t i = 0; i < m->spec_count; i++) {
        int32_t highest = tarn__spec_highest_id(&m->specs[i]);
        m->last_partition_id = highest > m->last_partition_id ? highest : m->last_partition_id;
    }
    return TARN_OK;
}

static enum tarn_status read_sort_orders(struct tarn_op *op, const struct tarn_json *j,
                                         struct tarn_metadata *m)
{
    const struct tarn_json *list;
    bool v1 = m->format_version == 1;
    TARN_TRY(get_list(op, j, "sort-orders", !v1, &list));
    if (v1 && (!list || list->count == 0)) {
        TARN_NEW(op, m->sort_orders);
        m->sort_order_count = 1;
        return TARN_OK;
    }
    TARN_NEW_ARRAY(op, m->sort_orders, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(tarn__sort_order_from_json(op, e, &m->sort_orders[m->sort_order_count++]));
    return tarn_json_i32(op, j, "default-sort-order-id", MUST, &m->default_sort_order_id);
}

/* ---- snapshots, references, logs */

static enum tarn_status read_snapshots(struct tarn_op *op, const struct tarn_json *j,
                                       struct tarn_metadata *m)
{
    const struct tarn_json *list;
    TARN_TRY(tarn_json_i64(op, j, "current-snapshot-id", MAY, &m->current_snapshot_id));
    if (m->current_snapshot_id == -1)
        m->current_snapshot_id = 0;
    TARN_TRY(get_list(op, j, "snapshots", false, &list));
    if (!list || list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, m->snapshots, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next)
        TARN_TRY(tarn__snapshot_from_json(op, e, &m->snapshots[m->snapshot_count++]));
    return TARN_OK;
}

/* A next-row-id that some writer left too low: an id that is in use must never be given out again. */
static void raise_next_row_id(struct tarn_metadata *m)
{
    for (size_t i = 0; i < m->snapshot_count && m->format_version >= 3; i++) {
        const struct tarn_snapshot *s = &m->snapshots[i];
        int64_t end;
        if (s->first_row_id >= 0 && s->added_rows >= 0 &&
            !__builtin_add_overflow(s->first_row_id, s->added_rows, &end) && end > m->next_row_id)
            m->next_row_id = end;
    }
}

/* There is always a branch main at the current snapshot, even if the file does not say so. */
static void add_main(struct tarn_metadata *m)
{
    if (m->current_snapshot_id == 0 || tarn_metadata_ref(m, TARN_STR("main")))
        return;
    m->refs[m->ref_count++] = (struct tarn_ref){.name = TARN_STR("main"),
                                                .snapshot_id = m->current_snapshot_id,
                                                .min_snapshots_to_keep = -1,
                                                .max_snapshot_age_ms = -1,
                                                .max_ref_age_ms = -1};
}

static enum tarn_status read_refs(struct tarn_op *op, const struct tarn_json *j,
                                  struct tarn_metadata *m)
{
    const struct tarn_json *refs;
    TARN_TRY(tarn_json_object(op, j, "refs", MAY, &refs));
    if (refs)
        TARN_TRY(tarn__list_check(op, refs, "refs"));
    TARN_NEW_ARRAY(op, m->refs, (refs ? refs->count : 0) + 1);
    for (const struct tarn_json *e = refs ? refs->first : NULL; e; e = e->next)
        TARN_TRY(tarn__ref_from_json(op, e, &m->refs[m->ref_count++]));
    add_main(m);
    return TARN_OK;
}

static enum tarn_status read_snapshot_log(struct tarn_op *op, const struct tarn_json *j,
                                          struct tarn_metadata *m)
{
    const struct tarn_json *list;
    struct tarn_json_field must = {.what = "snapshot log", .required = true};
    TARN_TRY(get_list(op, j, "snapshot-log", false, &list));
    if (!list || list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, m->snapshot_log, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        struct tarn_snapshot_log_entry *entry = &m->snapshot_log[m->snapshot_log_count++];
        TARN_TRY(tarn_json_i64(op, e, "timestamp-ms", must, &entry->timestamp_ms));
        TARN_TRY(tarn_json_i64(op, e, "snapshot-id", must, &entry->snapshot_id));
    }
    return TARN_OK;
}

static enum tarn_status read_metadata_log(struct tarn_op *op, const struct tarn_json *j,
                                          struct tarn_metadata *m)
{
    const struct tarn_json *list;
    struct tarn_json_field must = {.what = "metadata log", .required = true};
    TARN_TRY(get_list(op, j, "metadata-log", false, &list));
    if (!list || list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, m->metadata_log, list->count);
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        struct tarn_metadata_log_entry *entry = &m->metadata_log[m->metadata_log_count++];
        TARN_TRY(tarn_json_i64(op, e, "timestamp-ms", must, &entry->timestamp_ms));
        TARN_TRY(tarn_json_str(op, e, "metadata-file", must, &entry->file));
    }
    return TARN_OK;
}

/* ---- the whole */

static enum tarn_status read_version(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_metadata *m)
{
    int32_t version = 0;
    TARN_TRY(tarn_json_i32(op, j, "format-version", MUST, &version));
    if (version < 1)
        return tarn_fail(op, TARN_CORRUPT, "table metadata: format version %d does not exist",
                         (int)version);
    if (version > 3)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table metadata has format version %d; this version of Tarn reads 1 to 3",
                         (int)version);
    m->format_version = version;
    return TARN_OK;
}

static enum tarn_status read_scalars(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_metadata *m)
{
    bool v1 = m->format_version == 1;
    TARN_TRY(tarn_json_str(op, j, "table-uuid", v1 ? MAY : MUST, &m->uuid));
    TARN_TRY(tarn_json_str(op, j, "location", MUST, &m->location));
    if (m->location.len == 0)
        return tarn_fail(op, TARN_CORRUPT, "table metadata: \"location\" is empty");
    if (!v1)
        TARN_TRY(tarn_json_i64(op, j, "last-sequence-number", MUST, &m->last_sequence_number));
    TARN_TRY(tarn_json_i64(op, j, "last-updated-ms", MUST, &m->last_updated_ms));
    return m->format_version < 3 ? TARN_OK
                                 : tarn_json_i64(op, j, "next-row-id", MUST, &m->next_row_id);
}

static const char *const KEYS[] = {
    TARN__JSON_CHECKSUM_KEY,
    "format-version",
    "table-uuid",
    "location",
    "last-sequence-number",
    "last-updated-ms",
    "last-column-id",
    "schema",
    "schemas",
    "current-schema-id",
    "partition-spec",
    "partition-specs",
    "default-spec-id",
    "last-partition-id",
    "sort-orders",
    "default-sort-order-id",
    "properties",
    "current-snapshot-id",
    "snapshots",
    "refs",
    "snapshot-log",
    "metadata-log",
    "next-row-id",
    "statistics",
    "partition-statistics",
};

static enum tarn_status read_rest(struct tarn_op *op, const struct tarn_json *j,
                                  struct tarn_metadata *m)
{
    const struct tarn_json *properties;
    TARN_TRY(tarn_json_object(op, j, "properties", MAY, &properties));
    if (properties)
        TARN_TRY(tarn__kvs_from_json(op, properties, "table properties", &m->properties));
    TARN_TRY(read_snapshots(op, j, m));
    raise_next_row_id(m);
    TARN_TRY(read_refs(op, j, m));
    TARN_TRY(read_snapshot_log(op, j, m));
    TARN_TRY(read_metadata_log(op, j, m));
    TARN_TRY(keep_raw(op, j, "statistics", &m->statistics));
    TARN_TRY(keep_raw(op, j, "partition-statistics", &m->partition_statistics));
    return tarn__json_extra(op, j, KEYS, sizeof KEYS / sizeof KEYS[0], &m->extra);
}

static enum tarn_status read_metadata(struct tarn_op *op, const struct tarn_json *j,
                                      struct tarn_metadata *m)
{
    TARN_TRY(read_version(op, j, m));
    TARN_TRY(read_scalars(op, j, m));
    TARN_TRY(read_schemas(op, j, m));
    TARN_TRY(read_specs(op, j, m));
    TARN_TRY(read_last_ids(op, j, m));
    TARN_TRY(read_sort_orders(op, j, m));
    TARN_TRY(read_rest(op, j, m));
    return tarn__metadata_check(op, m, TARN_CORRUPT);
}

enum tarn_status tarn_metadata_parse(struct tarn_op *op, struct tarn_str json, const char *what,
                                     struct tarn_metadata *out)
{
    struct tarn_json *tree;
    *out = (struct tarn_metadata){0};
    TARN_TRY(tarn_gzip_text(op, json, what, &json));
    TARN_TRY(tarn__json_checksum_check(op, json, what));
    TARN_TRY(tarn_json_parse(op, json, what, &tree));
    TARN_TRY_WHILE(op, read_metadata(op, tree, out), "reading table metadata %s", what);
    return TARN_OK;
}
