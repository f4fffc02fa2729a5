/* partition: partition specs (spec "Partitioning", appendix C) and the type of their tuples. */
#include "base/arena.h"
#include "format/iceberg/metadata_int.h"

/* ---- JSON */

static enum tarn_status check_source(struct tarn_op *op, const char *what, int32_t id)
{
    return id >= 0 ? TARN_OK
                   : tarn_fail(op, TARN_CORRUPT, "%s: source id %d is negative", what, (int)id);
}

enum tarn_status tarn__source_id_from_json(struct tarn_op *op, const struct tarn_json *j,
                                           const char *what, int32_t *out,
                                           struct tarn_str *out_list)
{
    const struct tarn_json *ids;
    struct tarn_json_field may = {.what = what}, must = {.what = what, .required = true};
    int32_t id = 0;
    TARN_TRY(tarn_json_array(op, j, "source-ids", may, &ids));
    if (!ids) {
        TARN_TRY(tarn_json_i32(op, j, "source-id", must, &id));
        *out = id;
        return check_source(op, what, id);
    }
    for (const struct tarn_json *e = ids->first; e; e = e->next) {
        TARN_TRY(tarn__json_to_i32(op, e, "a source id", &id));
        TARN_TRY(check_source(op, what, id));
    }
    if (ids->count == 0)
        return tarn_fail(op, TARN_CORRUPT, "%s: \"source-ids\" is empty", what);
    *out = ids->count == 1 ? id : -1;
    if (ids->count == 1)
        return TARN_OK;
    *out_list = tarn_strdup(op, ids->raw);
    return out_list->ptr ? TARN_OK : op->report.status;
}

bool tarn__source_id_put(struct tarn_json_writer *w, int format_version, int32_t source_id,
                         struct tarn_str source_ids)
{
    if (source_id >= 0) {
        tarn_json_member_i64(w, "source-id", source_id);
        return true;
    }
    if (format_version < 3 || !source_ids.ptr)
        return false;
    tarn_json_key(w, "source-ids");
    tarn_json_put_raw(w, source_ids);
    return true;
}

enum tarn_status tarn__transform_from_json(struct tarn_op *op, const struct tarn_json *j,
                                           const char *what, int32_t source_id,
                                           struct tarn_transform *out)
{
    struct tarn_str text;
    struct tarn_json_field must = {.what = what, .required = true};
    TARN_TRY(tarn_json_str(op, j, "transform", must, &text));
    if (source_id < 0) { /* no transform that we know takes several columns */
        *out = (struct tarn_transform){.kind = TARN_TRANSFORM_OTHER, .text = text};
        return TARN_OK;
    }
    if (tarn_transform_parse(op, text, out) == TARN_OK)
        return TARN_OK;
    return op->report.status == TARN_INVALID
               ? tarn_fail(op, TARN_CORRUPT, "%s: \"transform\" cannot be \"%.*s\"", what,
                           TARN_STR_ARG(text))
               : op->report.status;
}

/* v1 kept no ids: they count up from 1000 (spec "Partition Evolution"). */
static enum tarn_status read_field(struct tarn_op *op, const struct tarn_json *j, size_t index,
                                   struct tarn_partition_field *out)
{
    struct tarn_json_field must = {.what = "partition field", .required = true};
    struct tarn_json_field may = {.what = "partition field"};
    out->field_id = TARN__PARTITION_ID_BEFORE_FIRST + 1 + (int32_t)index;
    TARN_TRY(tarn_json_str(op, j, "name", must, &out->name));
    TARN_TRY(tarn_json_i32(op, j, "field-id", may, &out->field_id));
    TARN_TRY(
        tarn__source_id_from_json(op, j, "partition field", &out->source_id, &out->source_ids));
    return tarn__transform_from_json(op, j, "partition field", out->source_id, &out->transform);
}

enum tarn_status tarn__spec_fields_from_json(struct tarn_op *op, const struct tarn_json *list,
                                             struct tarn_partition_spec *out)
{
    if (list->kind != TARN_JSON_K_ARRAY)
        return tarn_fail(op, TARN_CORRUPT, "the fields of a partition spec are not an array");
    if (list->count > TARN__TYPE_FIELDS_MAX)
        return tarn_fail(op, TARN_LIMIT, "a partition spec has more than %d fields",
                         TARN__TYPE_FIELDS_MAX);
    if (list->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->fields, list->count);
    size_t with_id = 0;
    for (const struct tarn_json *e = list->first; e; e = e->next) {
        const struct tarn_json *id = tarn_json_get(e, "field-id");
        with_id += id && id->kind != TARN_JSON_K_NULL;
        TARN_TRY(read_field(op, e, out->field_count, &out->fields[out->field_count]));
        out->field_count++;
    }
    if (with_id > 0 && with_id < list->count)
        return tarn_fail(op, TARN_CORRUPT, "partition spec %d: %zu of %zu fields have no id",
                         (int)out->spec_id, list->count - with_id, list->count);
    return TARN_OK;
}

enum tarn_status tarn__spec_from_json(struct tarn_op *op, const struct tarn_json *j,
                                      struct tarn_partition_spec *out)
{
    const struct tarn_json *fields;
    struct tarn_json_field must = {.what = "partition spec", .required = true};
    *out = (struct tarn_partition_spec){0};
    TARN_TRY(tarn_json_i32(op, j, "spec-id", must, &out->spec_id));
    TARN_TRY(tarn_json_array(op, j, "fields", must, &fields));
    return tarn__spec_fields_from_json(op, fields, out);
}

enum tarn_status tarn__spec_put(struct tarn_op *op, struct tarn_json_writer *w, int format_version,
                                const struct tarn_partition_spec *s)
{
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "spec-id", s->spec_id);
    tarn_json_key(w, "fields");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < s->field_count; i++) {
        const struct tarn_partition_field *f = &s->fields[i];
        struct tarn_str transform = tarn_transform_text(op, &f->transform);
        if (!transform.ptr)
            return op->report.status;
        tarn_json_begin_object(w);
        tarn_json_member_str(w, "name", f->name);
        tarn_json_member_str(w, "transform", transform);
        if (!tarn__source_id_put(w, format_version, f->source_id, f->source_ids))
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "partition field \"%.*s\" has several source columns, which format "
                             "version %d cannot hold",
                             TARN_STR_ARG(f->name), format_version);
        tarn_json_member_i64(w, "field-id", f->field_id);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    tarn_json_end_object(w);
    return TARN_OK;
}

int32_t tarn__spec_highest_id(const struct tarn_partition_spec *s)
{
    int32_t highest = TARN__PARTITION_ID_BEFORE_FIRST;
    for (size_t i = 0; i < s->field_count; i++)
        if (s->fields[i].field_id > highest)
            highest = s->fields[i].field_id;
    return highest;
}

/* ---- the type of a tuple */

static const struct tarn_field *find_source(const struct tarn_metadata *m, int32_t id)
{
    const struct tarn_schema *current = tarn_metadata_schema(m);
    const struct tarn_field *f = current ? tarn_schema_field_by_id(current, id) : NULL;
    for (size_t i = m->schema_count; i > 0 && !f; i--) /* newest first: the widest type it had */
        f = tarn_schema_field_by_id(&m->schemas[i - 1], id);
    return f;
}

enum tarn_status tarn_partition_type(struct tarn_op *op, const struct tarn_metadata *m,
                                     const struct tarn_partition_spec *spec, struct tarn_type *out)
{
    static const struct tarn_type unknown = {.kind = TARN_TYPE_UNKNOWN};
    struct tarn_type type = {.kind = TARN_TYPE_STRUCT, .field_count = spec->field_count};
    if (spec->field_count > 0)
        TARN_NEW_ARRAY(op, type.fields, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *f = &spec->fields[i];
        const struct tarn_field *source = find_source(m, f->source_id);
        type.fields[i] = (struct tarn_field){
            .id = f->field_id,
            .name = f->name,
            .type = tarn_transform_result(&f->transform, source ? &source->type : &unknown),
        };
    }
    *out = type;
    return TARN_OK;
}
