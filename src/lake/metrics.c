/* metrics: what manifests know of fields, for tarn_expr_may_match (spec: "Scan Planning"). */
#include "lake/lake_int.h"

/* A writer that put NaN into a bound said nothing with it (trap 15). */
static void distrust_nan(struct tarn_field_metrics *m)
{
    if (m->has_lower && m->lower.d != m->lower.d)
        m->has_lower = false;
    if (m->has_upper && m->upper.d != m->upper.d)
        m->has_upper = false;
}

bool tarn__summary_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out)
{
    struct tarn__summary_metrics *c = ctx;
    for (size_t i = 0; i < c->spec->field_count && i < c->file->partition_count; i++) {
        if (c->spec->fields[i].field_id != field_id)
            continue;
        const struct tarn_field_summary *s = &c->file->partitions[i];
        const struct tarn_type *t = &c->partition->fields[i].type;
        out->null_count = s->contains_null ? -1 : 0;
        out->nan_count = s->contains_nan == 0 ? 0 : -1;
        out->has_lower =
            s->lower.ptr && tarn_value_from_bytes(c->op, t, s->lower, &out->lower) == TARN_OK;
        out->has_upper =
            s->upper.ptr && tarn_value_from_bytes(c->op, t, s->upper, &out->upper) == TARN_OK;
        tarn_clear(c->op); /* a bound that cannot be read only keeps the manifest */
        distrust_nan(out);
        return true;
    }
    return false;
}

bool tarn__tuple_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out)
{
    struct tarn__tuple_metrics *c = ctx;
    for (size_t i = 0; i < c->spec->field_count && i < c->file->partition_count; i++) {
        if (c->spec->fields[i].field_id != field_id)
            continue;
        const struct tarn_value *v = &c->file->partition[i];
        bool nan = !v->is_null && v->d != v->d;
        *out = (struct tarn_field_metrics){
            .value_count = 1, .null_count = v->is_null, .nan_count = nan};
        out->has_lower = out->has_upper = !v->is_null && !nan;
        out->lower = out->upper = *v;
        return true;
    }
    return false;
}

static int64_t id_count(const struct tarn_id_count *items, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].id == id)
            return items[i].count;
    return -1;
}

static const struct tarn_str *id_bytes(const struct tarn_id_bytes *items, size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (items[i].id == id)
            return &items[i].bytes;
    return NULL;
}

bool tarn__file_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out)
{
    struct tarn__file_metrics *c = ctx;
    const struct tarn_data_file *f = c->file;
    const struct tarn_field *field = tarn_schema_field_by_id(c->schema, field_id);
    if (!field || tarn_type_is_nested(&field->type))
        return false;
    out->value_count = id_count(f->value_counts, f->value_count_count, field_id);
    out->null_count = id_count(f->null_counts, f->null_count_count, field_id);
    out->nan_count = id_count(f->nan_counts, f->nan_count_count, field_id);
    const struct tarn_str *lower = id_bytes(f->lower, f->lower_count, field_id);
    const struct tarn_str *upper = id_bytes(f->upper, f->upper_count, field_id);
    if (field->type.kind == TARN_TYPE_VARIANT) { /* bounds of its fields: expr.c looks into them */
        out->has_lower = lower != NULL;
        out->has_upper = upper != NULL;
        out->lower.bytes = lower ? *lower : (struct tarn_str){NULL, 0};
        out->upper.bytes = upper ? *upper : (struct tarn_str){NULL, 0};
        return true;
    }
    out->has_lower =
        lower && tarn_value_from_bytes(c->op, &field->type, *lower, &out->lower) == TARN_OK;
    out->has_upper =
        upper && tarn_value_from_bytes(c->op, &field->type, *upper, &out->upper) == TARN_OK;
    tarn_clear(c->op);
    distrust_nan(out);
    return true;
}

#define FILE_PATH_ID 2147483546 /* of position delete files (spec "Position Delete Files") */

struct tarn_str tarn__delete_target(const struct tarn_data_file *f)
{
    const struct tarn_str none = {NULL, 0};
    if (f->content != TARN_CONTENT_POSITION_DELETES)
        return none;
    if (f->referenced_data_file.ptr)
        return f->referenced_data_file;
    const struct tarn_str *lower = id_bytes(f->lower, f->lower_count, FILE_PATH_ID);
    const struct tarn_str *upper = id_bytes(f->upper, f->upper_count, FILE_PATH_ID);
    return lower && upper && lower->ptr && tarn_str_eq(*lower, *upper) ? *lower : none;
}
