/* view_write: structs to view metadata JSON, in Iceberg Java's order of members. */
#include "format/iceberg/json_checksum.h"
#include "format/iceberg/view_int.h"

#define VIEW_BYTES_MAX ((size_t)256 << 20)

static enum tarn_status check_current(struct tarn_op *op, const struct tarn_view_version *v)
{
    if (v->sql_count == 0 && v->other_count == 0)
        return tarn_fail(op, TARN_INVALID, "the view's current version has no text");
    for (size_t i = 0; i < v->sql_count; i++) {
        const struct tarn_view_sql *s = &v->sqls[i];
        if (s->sql.len == 0 || s->dialect.len == 0)
            return tarn_fail(op, TARN_INVALID, "the view has an empty text or dialect");
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(s->dialect, v->sqls[k].dialect))
                return tarn_fail(op, TARN_INVALID, "the view has two texts of dialect \"%.*s\"",
                                 TARN_STR_ARG(s->dialect));
    }
    return TARN_OK;
}

static void put_representations(struct tarn_json_writer *w, const struct tarn_view_version *v)
{
    tarn_json_key(w, "representations");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < v->sql_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_z(w, "type", "sql");
        tarn_json_member_str(w, "sql", v->sqls[i].sql);
        tarn_json_member_str(w, "dialect", v->sqls[i].dialect);
        tarn__json_put_extra(w, &v->sqls[i].extra);
        tarn_json_end_object(w);
    }
    for (size_t i = 0; i < v->other_count; i++)
        tarn_json_put_raw(w, v->other_representations[i]);
    tarn_json_end_array(w);
}

/* Its levels, unless `extra` has the list as it was. */
static void put_namespace(struct tarn_json_writer *w, const struct tarn_view_version *v)
{
    struct tarn_str rest = v->default_namespace, level;
    if (tarn_kvs_get(&v->extra, TARN__VIEW_NAMESPACE))
        return;
    tarn_json_key(w, TARN__VIEW_NAMESPACE);
    tarn_json_begin_array(w);
    while (rest.ptr && rest.len > 0) {
        (void)tarn_str_cut(&rest, '.', &level);
        tarn_json_put_str(w, level);
    }
    tarn_json_end_array(w);
}

static void put_version(struct tarn_json_writer *w, const struct tarn_view_version *v)
{
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "version-id", v->version_id);
    tarn_json_member_i64(w, "timestamp-ms", v->timestamp_ms);
    tarn_json_member_i64(w, "schema-id", v->schema_id);
    tarn_json_key(w, "summary");
    tarn__kvs_put(w, &v->summary);
    if (v->default_catalog.ptr)
        tarn_json_member_str(w, "default-catalog", v->default_catalog);
    put_namespace(w, v);
    put_representations(w, v);
    tarn__json_put_extra(w, &v->extra);
    tarn_json_end_object(w);
}

static void put_lists(struct tarn_json_writer *w, const struct tarn_view_metadata *m)
{
    tarn_json_key(w, "schemas");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->schema_count; i++)
        tarn_schema_to_json(w, &m->schemas[i]);
    tarn_json_end_array(w);
    tarn_json_member_i64(w, "current-version-id", m->current_version_id);
    tarn_json_key(w, "versions");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->version_count; i++)
        put_version(w, &m->versions[i]);
    tarn_json_end_array(w);
    tarn_json_key(w, "version-log");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < m->log_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_i64(w, "timestamp-ms", m->log[i].timestamp_ms);
        tarn_json_member_i64(w, "version-id", m->log[i].version_id);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
}

enum tarn_status tarn_view_write(struct tarn_op *op, const struct tarn_view_metadata *m,
                                 struct tarn_str *out_json)
{
    struct tarn_buf buf;
    struct tarn_json_writer w;
    if (m->format_version != 1)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "view metadata of format version %d cannot be written, only version 1",
                         m->format_version);
    if (m->uuid.len == 0 || m->location.len == 0)
        return tarn_fail(op, TARN_INVALID, "view metadata has no %s",
                         m->uuid.len == 0 ? "view-uuid" : "location");
    TARN_TRY(tarn__view_check(op, m, TARN_INVALID));
    TARN_TRY(check_current(op, tarn_view_current(m)));
    tarn_buf_init(&buf, VIEW_BYTES_MAX);
    tarn_json_writer_init(&w, &buf);
    tarn_json_begin_object(&w);
    tarn__json_checksum_put(&w);
    tarn_json_member_str(&w, "view-uuid", m->uuid);
    tarn_json_member_i64(&w, "format-version", m->format_version);
    tarn_json_member_str(&w, "location", m->location);
    if (m->properties.count > 0) {
        tarn_json_key(&w, "properties");
        tarn__kvs_put(&w, &m->properties);
    }
    put_lists(&w, m);
    tarn__json_put_extra(&w, &m->extra);
    tarn_json_end_object(&w);
    tarn__json_checksum_set(&buf);
    return (enum tarn_status)tarn_buf_take(op, &buf, "view metadata", out_json);
}
