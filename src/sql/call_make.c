/* call_make: files of others as data files of a table: metrics out of their footers, partition
 * values out of their paths or out of their statistics.
 *
 * A partition value must be known for every row of a file: from a folder's name, and then the
 * column, where the file has it, must say the same; or from bounds that the transform maps to one
 * value. Else the file is refused: a wrong value hides rows.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/call_files_int.h"

#define BOUND_WIDTH 16

struct make {
    struct tarn__source *source;
    const struct tarn_metadata *metadata;
    const struct tarn_partition_spec *spec;
    struct tarn_type partition_type;
    const struct tarn__file *file;
};

static enum tarn_status refuse(struct make *m, enum tarn_status status, const char *fmt, ...)
    TARN_PRINTF(3, 4);

static enum tarn_status refuse(struct make *m, enum tarn_status status, const char *fmt, ...)
{
    struct tarn__call *c = m->source->call;
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(c->op, status, fmt, ap);
    va_end(ap);
    tarn_detail(c->op, "in \"%.*s\"", TARN_STR_ARG(m->file->path));
    tarn__place_at(&c->run->words, m->source->arg->begin);
    return status;
}

/* Values of the file's type are those of the table's, member by member. */
static bool same_values(const struct tarn_type *file, const struct tarn_type *table)
{
    return file->kind == table->kind ||
           (file->kind == TARN_TYPE_INT && table->kind == TARN_TYPE_LONG) ||
           (file->kind == TARN_TYPE_FLOAT && table->kind == TARN_TYPE_DOUBLE);
}

static bool has_bounds(const struct tarn__leaf *l, const struct tarn__chunk *c)
{
    return c->bounded && !c->unbounded && !l->repeated && same_values(l->type, &l->field->type);
}

/* -1: not known */
static int64_t nulls_of(const struct tarn__leaf *l, const struct tarn__chunk *c)
{
    return c->nulls < 0 && !l->optional ? 0 : c->nulls;
}

/* ---- metrics */

static int by_count_id(const void *a, const void *b)
{
    const struct tarn_id_count *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_bytes_id(const void *a, const void *b)
{
    const struct tarn_id_bytes *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static enum tarn_status put_bounds(struct tarn_op *op, const struct tarn__leaf *l,
                                   const struct tarn__chunk *c, struct tarn_data_file *out)
{
    struct tarn_str bytes;
    int32_t id = l->field->id;
    if (!has_bounds(l, c))
        return TARN_OK;
    TARN_TRY(tarn_bound_lower(op, &l->field->type, &c->lower, BOUND_WIDTH, &bytes));
    if (bytes.ptr)
        out->lower[out->lower_count++] = (struct tarn_id_bytes){id, bytes};
    TARN_TRY(tarn_bound_upper(op, &l->field->type, &c->upper, BOUND_WIDTH, &bytes));
    if (bytes.ptr)
        out->upper[out->upper_count++] = (struct tarn_id_bytes){id, bytes};
    return TARN_OK;
}

static enum tarn_status check_full(struct make *m, const struct tarn__leaf *l,
                                   const struct tarn__chunk *c)
{
    int64_t nulls = nulls_of(l, c);
    if (!l->full || nulls == 0)
        return TARN_OK;
    if (nulls < 0)
        return refuse(m, TARN_DATA,
                      "column \"%.*s\" is required, and whether the file holds nulls in it is not "
                      "known",
                      TARN_STR_ARG(l->field->name));
    return refuse(m, TARN_DATA, "column \"%.*s\" is required, and %lld of its values are null",
                  TARN_STR_ARG(l->field->name), (long long)nulls);
}

static enum tarn_status put_metrics(struct make *m, struct tarn_data_file *out)
{
    const struct tarn__shape *shape = m->file->shape;
    struct tarn_op *op = m->source->call->op;
    size_t n = shape->leaf_count + 1;
    TARN_NEW_ARRAY(op, out->column_sizes, n);
    TARN_NEW_ARRAY(op, out->value_counts, n);
    TARN_NEW_ARRAY(op, out->null_counts, n);
    TARN_NEW_ARRAY(op, out->lower, n);
    TARN_NEW_ARRAY(op, out->upper, n);
    for (size_t i = 0; i < shape->leaf_count; i++) {
        const struct tarn__leaf *l = &shape->leaves[i];
        const struct tarn__chunk *c = &m->file->chunks[i];
        if (!l->field)
            continue;
        TARN_TRY(check_full(m, l, c));
        int32_t id = l->field->id;
        out->column_sizes[out->column_size_count++] = (struct tarn_id_count){id, c->size_bytes};
        out->value_counts[out->value_count_count++] = (struct tarn_id_count){id, c->values};
        if (nulls_of(l, c) >= 0)
            out->null_counts[out->null_count_count++] = (struct tarn_id_count){id, nulls_of(l, c)};
        TARN_TRY(put_bounds(op, l, c, out));
    }
    qsort(out->column_sizes, out->column_size_count, sizeof *out->column_sizes, by_count_id);
    qsort(out->value_counts, out->value_count_count, sizeof *out->value_counts, by_count_id);
    qsort(out->null_counts, out->null_count_count, sizeof *out->null_counts, by_count_id);
    qsort(out->lower, out->lower_count, sizeof *out->lower, by_bytes_id);
    qsort(out->upper, out->upper_count, sizeof *out->upper, by_bytes_id);
    return TARN_OK;
}

/* ---- partition values */

/* What the file's own values of a partition field's column are. */
struct column_values {
    bool known;                     /* else the file lacks the column */
    bool all_null, no_null, bounds; /* bounds: of those that are not null */
    struct tarn_value lower, upper;
};

static struct column_values values_of(const struct make *m, int32_t source_id)
{
    struct column_values v = {.known = false};
    const struct tarn__shape *shape = m->file->shape;
    for (size_t i = 0; i < shape->leaf_count; i++) {
        const struct tarn__leaf *l = &shape->leaves[i];
        const struct tarn__chunk *c = &m->file->chunks[i];
        if (!l->field || l->field->id != source_id)
            continue;
        int64_t nulls = nulls_of(l, c);
        v = (struct column_values){.known = true,
                                   .all_null = nulls == c->values,
                                   .no_null = nulls == 0,
                                   .bounds = has_bounds(l, c),
                                   .lower = c->lower,
                                   .upper = c->upper};
    }
    return v;
}

static enum tarn_status cannot_tell(struct make *m, const struct tarn_partition_field *p)
{
    return refuse(m, TARN_DATA,
                  "the value of partition field \"%.*s\" cannot be told: neither the path nor the "
                  "file's statistics give one value for all of its rows",
                  TARN_STR_ARG(p->name));
}

/* From a folder's name; the column, where the file has it, must agree. */
static enum tarn_status from_path(struct make *m, const struct tarn_partition_field *p,
                                  const struct tarn_field *source, const struct tarn_kv *kv,
                                  struct tarn_value *out)
{
    struct tarn_op *op = m->source->call->op;
    struct column_values have = values_of(m, source->id);
    const struct tarn_type *t = &source->type;
    *out = (struct tarn_value){.is_null = !kv->value.ptr, .bytes = kv->value};
    if (kv->value.ptr && t->kind != TARN_TYPE_STRING &&
        tarn_value_from_text(op, t, kv->value, out) != TARN_OK) {
        struct tarn_str type = tarn_type_text(op, t);
        return refuse(m, TARN_DATA, "partition value \"%.*s\" of the path is no %.*s",
                      TARN_STR_ARG(kv->value), TARN_STR_ARG(type));
    }
    if (!have.known || (out->is_null && have.all_null))
        return TARN_OK;
    if (!out->is_null && have.no_null && have.bounds && tarn_value_eq(t, out, &have.lower) &&
        tarn_value_eq(t, out, &have.upper))
        return TARN_OK;
    return refuse(m, TARN_DATA,
                  "the path says %.*s=%.*s, and column \"%.*s\" of the file does not say the same "
                  "for all rows",
                  TARN_STR_ARG(p->name), TARN_STR_ARG(kv->value.ptr ? kv->value : TARN_STR("null")),
                  TARN_STR_ARG(source->name));
}

static enum tarn_status from_values(struct make *m, const struct tarn_partition_field *p,
                                    const struct tarn_type *result, const struct tarn_field *source,
                                    struct tarn_value *out)
{
    struct tarn_op *op = m->source->call->op;
    struct column_values have = values_of(m, source->id);
    struct tarn_value last;
    *out = (struct tarn_value){.is_null = true};
    if (p->transform.kind == TARN_TRANSFORM_VOID || (have.known && have.all_null) ||
        (!have.known && !source->initial_default.ptr))
        return TARN_OK;
    if (!have.known || !have.no_null || !have.bounds || p->transform.kind == TARN_TRANSFORM_OTHER)
        return cannot_tell(m, p);
    TARN_TRY(tarn_transform_apply(op, &p->transform, &source->type, &have.lower, out));
    TARN_TRY(tarn_transform_apply(op, &p->transform, &source->type, &have.upper, &last));
    bool one = tarn_value_eq(&source->type, &have.lower, &have.upper) ||
               (tarn_transform_monotonic(&p->transform) && tarn_value_eq(result, out, &last));
    return one ? TARN_OK : cannot_tell(m, p);
}

static enum tarn_status put_partition(struct make *m, struct tarn_data_file *out)
{
    out->partition_count = m->spec->field_count;
    TARN_NEW_ARRAY(m->source->call->op, out->partition, out->partition_count + 1);
    for (size_t i = 0; i < m->spec->field_count; i++) {
        const struct tarn_partition_field *p = &m->spec->fields[i];
        const struct tarn_field *source =
            tarn_schema_field_by_id(tarn_metadata_schema(m->metadata), p->source_id);
        const struct tarn_kv *kv = NULL;
        if (!source)
            return cannot_tell(m, p);
        if (p->transform.kind == TARN_TRANSFORM_IDENTITY) {
            kv = tarn__file_key(m->file, source->name);
            kv = kv ? kv : tarn__file_key(m->file, p->name);
        }
        TARN_TRY(
            kv ? from_path(m, p, source, kv, &out->partition[i])
               : from_values(m, p, &m->partition_type.fields[i].type, source, &out->partition[i]));
    }
    return TARN_OK;
}

enum tarn_status tarn__files_make(struct tarn__source *s, const struct tarn_metadata *metadata,
                                  struct tarn_data_file **out)
{
    struct make m = {.source = s, .metadata = metadata, .spec = tarn_metadata_spec(metadata)};
    TARN_TRY(tarn_partition_type(s->call->op, metadata, m.spec, &m.partition_type));
    TARN_NEW_ARRAY(s->call->op, *out, s->count + 1);
    for (size_t i = 0; i < s->count; i++) {
        struct tarn_data_file *f = &(*out)[i];
        m.file = &s->files[i];
        *f = (struct tarn_data_file){.content = TARN_CONTENT_DATA,
                                     .path = m.file->path,
                                     .format = TARN_STR("PARQUET"),
                                     .spec_id = m.spec->spec_id,
                                     .record_count = m.file->rows,
                                     .size_bytes = m.file->size_bytes,
                                     .split_offsets = m.file->splits,
                                     .split_offset_count = m.file->split_count,
                                     .sort_order_id = -1,
                                     .first_row_id = -1,
                                     .content_offset = -1,
                                     .content_size = -1};
        TARN_TRY(put_metrics(&m, f));
        TARN_TRY(put_partition(&m, f));
    }
    return TARN_OK;
}
