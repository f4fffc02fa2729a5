/* metadata_write: structs to table metadata JSON, format version 2 or 3, in Iceberg Java's order of members.
 *
 * Snapshots of a table that was version 1 may still list their manifests inline; they are written so, as Java does (PyIceberg refuses them).
 * No current snapshot is written as -1 in v2 and null in v3, as Java does and every reader takes it (spec appendix F).
 */
#include "base/arena.h"
#include "format/iceberg/json_checksum.h"
#include "format/iceberg/metadata_int.h"

#define METADATA_BYTES_MAX ((size_t)1 << 30)

static bool has_v3_type(const struct tarn_type *t)
{
    if (t->kind == TARN_TYPE_TIMESTAMP_NS || t->kind == TARN_TYPE_TIMESTAMPTZ_NS ||
        (t->kind >= TARN_TYPE_UNKNOWN && t->kind <= TARN_TYPE_GEOGRAPHY))
        return true;
    for (size_t i = 0; i < t->field_count; i++)
        if (has_v3_type(&t->fields[i].type))
            return true;
    return false;
}

/* A default that is there: JSON's null is none. */
static bool has_default(struct tarn_str raw)
{
    return raw.ptr && !tarn_str_is(tarn_str_trim(raw), "null");
}

/* spec "Default values": a struct's is {} and its fields have their own; unknown, variant and the
 * geo types have none. */
static enum tarn_status check_default(struct tarn_op *op, const struct tarn_field *f,
                                      const char *which, struct tarn_str raw)
{
    struct tarn_json *j;
    struct tarn_value v;
    if (!has_default(raw))
        return TARN_OK;
    if (f->type.kind >= TARN_TYPE_UNKNOWN && f->type.kind <= TARN_TYPE_GEOGRAPHY)
        return tarn_fail(op, TARN_INVALID,
                         "column \"%.*s\" has a type that cannot have a default other than null",
                         TARN_STR_ARG(f->name));
    TARN_TRY(tarn_json_parse(op, raw, which, &j));
    bool sound = true;
    if (f->type.kind == TARN_TYPE_STRUCT)
        sound = j->kind == TARN_JSON_K_OBJECT && j->count == 0;
    else if (f->type.kind == TARN_TYPE_LIST)
        sound = j->kind == TARN_JSON_K_ARRAY;
    else if (f->type.kind == TARN_TYPE_MAP)
        sound = j->kind == TARN_JSON_K_OBJECT;
    else
        sound = tarn_value_from_json(op, &f->type, j, &v) == TARN_OK;
    if (!sound && op->report.status == TARN_NOMEM)
        return TARN_NOMEM;
    return sound ? TARN_OK
                 : tarn_fail(op, TARN_INVALID, "the %s of column \"%.*s\" is no value of its type",
                             which, TARN_STR_ARG(f->name));
}

static enum tarn_status check_defaults(struct tarn_op *op, const struct tarn_type *t, int version)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (version < 3 && has_default(f->initial_default))
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "the default of column \"%.*s\" needs format version 3",
                             TARN_STR_ARG(f->name));
        if (version >= 3)
            TARN_TRY_WHILE(op, check_default(op, f, "initial-default", f->initial_default),
                           "checking the default of column \"%.*s\"", TARN_STR_ARG(f->name));
        if (version >= 3)
            TARN_TRY_WHILE(op, check_default(op, f, "write-default", f->write_default),
                           "checking the default of column \"%.*s\"", TARN_STR_ARG(f->name));
        TARN_TRY(check_defaults(op, &f->type, version));
    }
    return TARN_OK;
}

static enum tarn_status check_schema(struct tarn_op *op, const struct tarn_metadata *m)
{
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    if (m->format_version < 3 && has_v3_type(root))
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "the schema has a type that format version 2 does not know");
    return check_defaults(op, root, m->format_version);
}

static enum tarn_status check_writable(struct tarn_op *op, const struct tarn_metadata *m)
{
    if (m->format_version != 2 && m->format_version != 3)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table metadata of format version %d cannot be written, only versions 2 "
                         "and 3",
                         m->format_version);
    if (m->uuid.len == 0 || m->location.len == 0)
        return tarn_fail(op, TARN_INVALID, "table metadata has no %s",
                         m->uuid.len == 0 ? "table-uuid" : "location");
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (!m->snapshots[i].manifest_list.ptr && m->snapshots[i].manifest_count == 0)
            return tarn_fail(op, TARN_INVALID, "snapshot %lld has no manifest list",
                             (long long)m->snapshots[i].snapshot_id);
    return check_schema(op, m);
}

static enum tarn_status put_schemas(struct tarn_op *op, struct tarn_json_writer *w,
                                    const struct tarn_metadata *m)
{
    tarn_json_member_i64(w, "current-schema-id", m->current_schema_id);
    tarn_json_key(w, "schemas");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->schema_count; i++)
        tarn_schema_to_json(w, &m->schemas[i]);
    tarn_json_end_array(w);
    tarn_json_member_i64(w, "default-spec-id", m->default_spec_id);
    tarn_json_key(w, "partition-specs");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->spec_count; i++)
        TARN_TRY(tarn__spec_put(op, w, m->format_version, &m->specs[i]));
    tarn_json_end_array(w);
    tarn_json_member_i64(w, "last-partition-id", m->last_partition_id);
    tarn_json_member_i64(w, "default-sort-order-id", m->default_sort_order_id);
    tarn_json_key(w, "sort-orders");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->sort_order_count; i++)
        TARN_TRY(tarn__sort_order_put(op, w, m->format_version, &m->sort_orders[i]));
    tarn_json_end_array(w);
    return TARN_OK;
}

void tarn__kvs_put(struct tarn_json_writer *w, const struct tarn_kvs *kvs)
{
    tarn_json_begin_object(w);
    for (size_t i = 0; i < kvs->count; i++) {
        tarn_json_key_str(w, kvs->items[i].key);
        tarn_json_put_str(w, kvs->items[i].value);
    }
    tarn_json_end_object(w);
}

static void put_snapshots(struct tarn_json_writer *w, const struct tarn_metadata *m)
{
    tarn_json_key(w, "current-snapshot-id");
    if (m->current_snapshot_id == 0 && m->format_version >= 3)
        tarn_json_put_null(w);
    else
        tarn_json_put_i64(w, m->current_snapshot_id ? m->current_snapshot_id : -1);
    if (m->format_version >= 3)
        tarn_json_member_i64(w, "next-row-id", m->next_row_id);
    tarn_json_key(w, "refs");
    tarn_json_begin_object(w);
    for (size_t i = 0; i < m->ref_count; i++)
        tarn__ref_put(w, &m->refs[i]);
    tarn_json_end_object(w);
    tarn_json_key(w, "snapshots");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->snapshot_count; i++)
        tarn__snapshot_put(w, &m->snapshots[i]);
    tarn_json_end_array(w);
}

static void put_raw_list(struct tarn_json_writer *w, const char *key, struct tarn_str raw)
{
    tarn_json_key(w, key);
    tarn_json_put_raw(w, raw.ptr ? raw : TARN_STR("[]"));
}

static void put_logs(struct tarn_json_writer *w, const struct tarn_metadata *m)
{
    tarn_json_key(w, "snapshot-log");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->snapshot_log_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_i64(w, "timestamp-ms", m->snapshot_log[i].timestamp_ms);
        tarn_json_member_i64(w, "snapshot-id", m->snapshot_log[i].snapshot_id);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    tarn_json_key(w, "metadata-log");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->metadata_log_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_i64(w, "timestamp-ms", m->metadata_log[i].timestamp_ms);
        tarn_json_member_str(w, "metadata-file", m->metadata_log[i].file);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
}

static enum tarn_status put_metadata(struct tarn_op *op, struct tarn_json_writer *w,
                                     const struct tarn_metadata *m)
{
    tarn_json_begin_object(w);
    tarn__json_checksum_put(w);
    tarn_json_member_i64(w, "format-version", m->format_version);
    tarn_json_member_str(w, "table-uuid", m->uuid);
    tarn_json_member_str(w, "location", m->location);
    tarn_json_member_i64(w, "last-sequence-number", m->last_sequence_number);
    tarn_json_member_i64(w, "last-updated-ms", m->last_updated_ms);
    tarn_json_member_i64(w, "last-column-id", m->last_column_id);
    TARN_TRY(put_schemas(op, w, m));
    tarn_json_key(w, "properties");
    tarn__kvs_put(w, &m->properties);
    put_snapshots(w, m);
    put_raw_list(w, "statistics", m->statistics);
    put_raw_list(w, "partition-statistics", m->partition_statistics);
    put_logs(w, m);
    tarn__json_put_extra(w, &m->extra);
    tarn_json_end_object(w);
    return TARN_OK;
}

enum tarn_status tarn_metadata_write(struct tarn_op *op, const struct tarn_metadata *m,
                                     struct tarn_str *out_json)
{
    struct tarn_buf buf;
    struct tarn_json_writer w;
    TARN_TRY(tarn__metadata_check(op, m, TARN_INVALID));
    TARN_TRY(check_writable(op, m));
    tarn_buf_init(&buf, METADATA_BYTES_MAX);
    tarn_json_writer_init(&w, &buf);
    enum tarn_status status = put_metadata(op, &w, m);
    if (status == TARN_OK) {
        tarn__json_checksum_set(&buf);
        return (enum tarn_status)tarn_buf_take(op, &buf, "table metadata", out_json);
    }
    tarn_buf_release(&buf);
    return status;
}
