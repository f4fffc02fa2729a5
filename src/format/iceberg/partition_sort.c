/* partition_sort: sort orders (spec "Sorting", appendix C), which share transforms and sources with partition specs. */
#include "format/iceberg/metadata_int.h"

static enum tarn_status fail_word(struct tarn_op *op, const char *key, struct tarn_str word)
{
    return tarn_fail(op, TARN_CORRUPT, "sort field: \"%s\" cannot be \"%.*s\"", key,
                     TARN_STR_ARG(word));
}

static enum tarn_status read_field(struct tarn_op *op, const struct tarn_json *j,
                                   struct tarn_sort_field *out)
{
    struct tarn_json_field must = {.what = "sort field", .required = true};
    struct tarn_str direction, nulls;
    TARN_TRY(tarn_json_str(op, j, "direction", must, &direction));
    TARN_TRY(tarn_json_str(op, j, "null-order", must, &nulls));
    TARN_TRY(tarn__source_id_from_json(op, j, "sort field", &out->source_id, &out->source_ids));
    out->descending = tarn_str_eq_nocase(direction, TARN_STR("desc"));
    if (!out->descending && !tarn_str_eq_nocase(direction, TARN_STR("asc")))
        return fail_word(op, "direction", direction);
    out->nulls_last = tarn_str_eq_nocase(nulls, TARN_STR("nulls-last"));
    if (!out->nulls_last && !tarn_str_eq_nocase(nulls, TARN_STR("nulls-first")))
        return fail_word(op, "null-order", nulls);
    return tarn__transform_from_json(op, j, "sort field", out->source_id, &out->transform);
}

enum tarn_status tarn__sort_order_from_json(struct tarn_op *op, const struct tarn_json *j,
                                            struct tarn_sort_order *out)
{
    const struct tarn_json *fields;
    struct tarn_json_field must = {.what = "sort order", .required = true};
    *out = (struct tarn_sort_order){0};
    TARN_TRY(tarn_json_i32(op, j, "order-id", must, &out->order_id));
    TARN_TRY(tarn_json_array(op, j, "fields", must, &fields));
    if (fields->count > TARN__TYPE_FIELDS_MAX)
        return tarn_fail(op, TARN_LIMIT, "a sort order has more than %d fields",
                         TARN__TYPE_FIELDS_MAX);
    if (fields->count == 0)
        return TARN_OK;
    if (out->order_id == 0)
        return tarn_fail(op, TARN_CORRUPT, "sort order 0 has fields; 0 is the unsorted order");
    TARN_NEW_ARRAY(op, out->fields, fields->count);
    for (const struct tarn_json *e = fields->first; e; e = e->next)
        TARN_TRY(read_field(op, e, &out->fields[out->field_count++]));
    return TARN_OK;
}

enum tarn_status tarn__sort_order_put(struct tarn_op *op, struct tarn_json_writer *w,
                                      int format_version, const struct tarn_sort_order *s)
{
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "order-id", s->order_id);
    tarn_json_key(w, "fields");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < s->field_count; i++) {
        const struct tarn_sort_field *f = &s->fields[i];
        struct tarn_str transform = tarn_transform_text(op, &f->transform);
        if (!transform.ptr)
            return op->report.status;
        tarn_json_begin_object(w);
        tarn_json_member_str(w, "transform", transform);
        if (!tarn__source_id_put(w, format_version, f->source_id, f->source_ids))
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "a sort field has several source columns, which format version %d "
                             "cannot hold",
                             format_version);
        tarn_json_member_z(w, "direction", f->descending ? "desc" : "asc");
        tarn_json_member_z(w, "null-order", f->nulls_last ? "nulls-last" : "nulls-first");
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    tarn_json_end_object(w);
    return TARN_OK;
}
