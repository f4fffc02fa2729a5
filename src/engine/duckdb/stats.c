/* stats: what COPY tells of the files it wrote (RETURN_STATS), as Iceberg's metrics.
 *
 * One row a file: filename, count, file_size_bytes, column_statistics {"quoted"."path":
 * {column_size_bytes, num_values, null_count, min, max, has_nan}}, partition_keys. Everything is
 * text. Counts are given for every leaf, bounds for leaves outside of lists and maps. Zero bounds
 * are widened to -0.0 and 0.0; a binary bound that the engine has cut is left out; NaN is never a
 * bound.
 */
#include "engine/duckdb/write_int.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define BINARY_TEXT_MAX 512 /* hexadecimal digits of the 256 bytes at which the engine cuts */

struct leaf {
    struct tarn_str path; /* as the engine writes it: "a"."b" */
    const struct tarn_field *field;
    bool repeated; /* inside a list or map */
    bool required; /* and nothing around it is optional */
};
struct leaves {
    struct leaf *items;
    size_t count;
};

struct stat { /* one leaf of one file */
    struct tarn_str size, values, nulls, min, max, has_nan;
    struct tarn_str box_min[4], box_max[4]; /* of a geometry: x, y, z, m */
};

/* ---- leaves of a schema */

static enum tarn_status add_leaves(struct tarn_op *op, struct leaves *l, const struct tarn_type *t,
                                   struct tarn_str path, bool repeated, bool required)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        struct tarn_buf b;
        struct tarn_str own;
        tarn_buf_init(&b, (size_t)1 << 20);
        tarn_buf_str(&b, path);
        tarn_buf_z(&b, path.len > 0 ? "." : "");
        tarn_buf_sql_name(&b, f->name);
        TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "a column's path", &own));
        bool below = repeated || f->type.kind == TARN_TYPE_LIST || f->type.kind == TARN_TYPE_MAP;
        if (tarn_type_is_nested(&f->type))
            TARN_TRY(add_leaves(op, l, &f->type, own, below, required && f->required));
        else
            l->items[l->count++] = (struct leaf){own, f, repeated, required && f->required};
    }
    return TARN_OK;
}

static const struct leaf *leaf_named(const struct leaves *l, struct tarn_str path, size_t *hint)
{
    for (size_t i = 0; i < l->count; i++) {
        size_t at = (*hint + i) % l->count;
        if (tarn_str_eq(l->items[at].path, path)) {
            *hint = at + 1;
            return &l->items[at];
        }
    }
    return NULL;
}

/* ---- reading the row */

static struct tarn_str text_at(const struct tarn_column *c, uint32_t row)
{
    return tarn__cell_str(c, row);
}

static const struct tarn_column *column_named(const struct tarn__rows *rows,
                                              const struct tarn_batch *b, const char *name)
{
    for (size_t i = 0; i < rows->type.field_count; i++)
        if (tarn_str_is(rows->type.fields[i].name, name))
            return &b->columns[i];
    return NULL;
}

static struct stat stat_at(const struct tarn_column *inner, uint32_t row)
{
    struct stat s = {0};
    const struct {
        const char *key;
        struct tarn_str *to;
    } known[] = {{"column_size_bytes", &s.size},
                 {"num_values", &s.values},
                 {"null_count", &s.nulls},
                 {"min", &s.min},
                 {"max", &s.max},
                 {"has_nan", &s.has_nan},
                 {"bbox_xmin", &s.box_min[0]},
                 {"bbox_ymin", &s.box_min[1]},
                 {"bbox_zmin", &s.box_min[2]},
                 {"bbox_mmin", &s.box_min[3]},
                 {"bbox_xmax", &s.box_max[0]},
                 {"bbox_ymax", &s.box_max[1]},
                 {"bbox_zmax", &s.box_max[2]},
                 {"bbox_mmax", &s.box_max[3]}};
    for (uint32_t i = inner->offsets[row]; i < inner->offsets[row + 1]; i++) {
        struct tarn_str key = text_at(&inner->children[0], i);
        for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
            if (tarn_str_is(key, known[k].key))
                *known[k].to = text_at(&inner->children[1], i);
    }
    return s;
}

/* ---- metrics */

static void put_count(struct tarn_id_count *list, size_t *count, int32_t id, struct tarn_str text)
{
    int64_t n;
    if (text.ptr && tarn_str_to_i64(text, &n) && n >= 0)
        list[(*count)++] = (struct tarn_id_count){id, n};
}

static enum tarn_status bound_value(struct tarn_op *op, const struct leaf *l, struct tarn_str text,
                                    struct tarn_value *out)
{
    if (l->field->type.kind == TARN_TYPE_STRING) {
        *out = (struct tarn_value){.bytes = text};
        return TARN_OK;
    }
    enum tarn_status status = tarn_value_from_text(op, &l->field->type, text, out);
    if (status == TARN_OK || status == TARN_NOMEM)
        return status;
    struct tarn_str type = tarn_type_text(op, &l->field->type);
    return tarn_fail(op, TARN_DATA, "column \"%.*s\" holds %.*s, which is not a value of %.*s",
                     TARN_STR_ARG(l->field->name), TARN_STR_ARG(text), TARN_STR_ARG(type));
}

/* A geography's bounds are not those that the engine knows, of a plane. A value of fixed[n] of
 * another length is told when the file is mended. */
static bool has_bounds(const struct tarn_type *t, struct tarn_str text)
{
    switch (t->kind) {
    case TARN_TYPE_BINARY:
        return text.len < BINARY_TEXT_MAX;
    case TARN_TYPE_FIXED:
        return text.len < BINARY_TEXT_MAX && text.len == 2 * (size_t)t->length;
    case TARN_TYPE_VARIANT:
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        return false;
    default:
        return true;
    }
}

static enum tarn_status put_bound(struct tarn_op *op, struct tarn_id_bytes *list, size_t *count,
                                  const struct leaf *l, struct tarn_str text, bool upper,
                                  int32_t width)
{
    const struct tarn_type *t = &l->field->type;
    struct tarn_value v;
    struct tarn_str bytes;
    if (!text.ptr || !has_bounds(t, text))
        return TARN_OK;
    TARN_TRY(bound_value(op, l, text, &v));
    if ((t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE) && v.d == 0)
        v.d = upper ? 0.0 : -0.0;
    if (width < 0)
        return TARN_OK; /* it was read to see that it is one of Iceberg's */
    TARN_TRY(upper ? tarn_bound_upper(op, t, &v, width, &bytes)
                   : tarn_bound_lower(op, t, &v, width, &bytes));
    if (bytes.ptr)
        list[(*count)++] = (struct tarn_id_bytes){l->field->id, bytes};
    return TARN_OK;
}

/* A corner of a geometry's box: x:y, x:y:z, x:y:z:m or x:y:NaN:m, little-endian doubles (spec,
 * appendix D). False: there is none. */
static bool corner(const struct tarn_str texts[4], double out[4], size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < 4; i++) {
        if (!texts[i].ptr)
            out[i] = NAN;
        else if (!tarn_str_to_double(texts[i], &out[i]) || !isfinite(out[i]))
            return false;
        else
            *count = i + 1;
    }
    return texts[0].ptr && texts[1].ptr;
}

static enum tarn_status put_box(struct tarn_op *op, struct tarn_data_file *f, const struct leaf *l,
                                const struct stat *s)
{
    double lower[4], upper[4];
    size_t n, m;
    if (!corner(s->box_min, lower, &n) || !corner(s->box_max, upper, &m) || n != m)
        return TARN_OK;
    struct tarn_str a = tarn_strdup(op, tarn_str_of(lower, n * sizeof *lower)),
                    b = tarn_strdup(op, tarn_str_of(upper, n * sizeof *upper));
    if (!a.ptr || !b.ptr)
        return TARN_NOMEM;
    f->lower[f->lower_count++] = (struct tarn_id_bytes){l->field->id, a};
    f->upper[f->upper_count++] = (struct tarn_id_bytes){l->field->id, b};
    return TARN_OK;
}

/* How much of a column's metrics is kept. */
int32_t tarn__metric_width(const struct tarn_write *w, int32_t field_id)
{
    size_t lo = 0, hi = w->metric_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (w->metrics[mid].field_id == field_id)
            return w->metrics[mid].width;
        if (w->metrics[mid].field_id < field_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return w->bound_width ? w->bound_width : 16;
}

static void put_counts(struct tarn_data_file *f, int32_t id, const struct stat *s)
{
    put_count(f->column_sizes, &f->column_size_count, id, s->size);
    put_count(f->value_counts, &f->value_count_count, id, s->values);
    put_count(f->null_counts, &f->null_count_count, id, s->nulls);
    if (tarn_str_is(s->has_nan, "false"))
        f->nan_counts[f->nan_count_count++] = (struct tarn_id_count){id, 0};
}

static enum tarn_status put_stat(struct tarn_op *op, struct tarn_data_file *f, const struct leaf *l,
                                 const struct stat *s, int32_t width)
{
    int32_t id = l->field->id;
    int64_t nulls;
    if (width != TARN_METRICS_NONE)
        put_counts(f, id, s);
    if (l->required && !l->repeated && tarn_str_to_i64(s->nulls, &nulls) && nulls > 0)
        return tarn_fail(op, TARN_DATA, "column \"%.*s\" is required, but %lld rows have no value",
                         TARN_STR_ARG(l->field->name), (long long)nulls);
    if (l->repeated) /* still a value that must be one of Iceberg's */
        return s->max.ptr && l->field->type.kind != TARN_TYPE_STRING &&
                       has_bounds(&l->field->type, s->max)
                   ? bound_value(op, l, s->max, &(struct tarn_value){0})
                   : TARN_OK;
    if (l->field->type.kind == TARN_TYPE_GEOMETRY)
        return width < 0 ? TARN_OK : put_box(op, f, l, s);
    TARN_TRY(put_bound(op, f->lower, &f->lower_count, l, s->min, false, width));
    return put_bound(op, f->upper, &f->upper_count, l, s->max, true, width);
}

static int count_order(const void *a, const void *b)
{
    const struct tarn_id_count *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int bytes_order(const void *a, const void *b)
{
    const struct tarn_id_bytes *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

void tarn__metrics_sort(struct tarn_data_file *f)
{
    qsort(f->column_sizes, f->column_size_count, sizeof *f->column_sizes, count_order);
    qsort(f->value_counts, f->value_count_count, sizeof *f->value_counts, count_order);
    qsort(f->null_counts, f->null_count_count, sizeof *f->null_counts, count_order);
    qsort(f->nan_counts, f->nan_count_count, sizeof *f->nan_counts, count_order);
    qsort(f->lower, f->lower_count, sizeof *f->lower, bytes_order);
    qsort(f->upper, f->upper_count, sizeof *f->upper, bytes_order);
}

static enum tarn_status metrics(struct tarn_op *op, struct tarn_data_file *f,
                                const struct leaves *l, const struct tarn_column *stats,
                                uint32_t row, const struct tarn_write *w)
{
    size_t n = l->count + 1, hint = 0;
    TARN_NEW_ARRAY(op, f->column_sizes, n);
    TARN_NEW_ARRAY(op, f->value_counts, n);
    TARN_NEW_ARRAY(op, f->null_counts, n);
    TARN_NEW_ARRAY(op, f->nan_counts, n);
    TARN_NEW_ARRAY(op, f->lower, n);
    TARN_NEW_ARRAY(op, f->upper, n);
    if (!stats || tarn_column_is_null(stats, row))
        return TARN_OK;
    for (uint32_t i = stats->offsets[row]; i < stats->offsets[row + 1]; i++) {
        const struct leaf *leaf = leaf_named(l, text_at(&stats->children[0], i), &hint);
        if (!leaf)
            continue;
        struct stat s = stat_at(&stats->children[1], i);
        TARN_TRY(put_stat(op, f, leaf, &s, tarn__metric_width(w, leaf->field->id)));
    }
    tarn__metrics_sort(f);
    return TARN_OK;
}

/* ---- partition values */

enum tarn_status tarn__key_value(struct tarn_op *op, const struct tarn_partition_field *p,
                                 const struct tarn_type *t, struct tarn_str text,
                                 struct tarn_value *out)
{
    *out = (struct tarn_value){.is_null = true};
    if (!text.ptr)
        return TARN_OK;
    if (t->kind == TARN_TYPE_STRING) {
        *out = (struct tarn_value){.bytes = tarn_strdup(op, text)};
        return out->bytes.ptr ? TARN_OK : TARN_NOMEM;
    }
    if (tarn_value_from_text(op, t, text, out) != TARN_OK)
        return tarn_fail(op, TARN_DATA, "partition field \"%.*s\" cannot hold %.*s",
                         TARN_STR_ARG(p->name), TARN_STR_ARG(text));
    return TARN_OK;
}

static enum tarn_status partition(struct tarn_op *op, struct tarn_data_file *f,
                                  const struct tarn_write *w, const struct tarn_type *type,
                                  const struct tarn_column *keys, uint32_t row)
{
    f->partition_count = w->spec ? w->spec->field_count : 0;
    TARN_NEW_ARRAY(op, f->partition, f->partition_count + 1);
    for (size_t i = 0; i < f->partition_count; i++)
        f->partition[i] = w->constants ? w->constants[i] : (struct tarn_value){.is_null = true};
    if (w->constants || !keys || tarn_column_is_null(keys, row))
        return TARN_OK;
    for (uint32_t k = keys->offsets[row]; k < keys->offsets[row + 1]; k++) {
        struct tarn_str name = text_at(&keys->children[0], k), prefix = TARN_STR(TARN__KEY_PREFIX);
        int64_t i;
        if (tarn_str_is(name, TARN__FILE_KEY))
            continue;
        if (!tarn_str_starts(name, prefix) ||
            !tarn_str_to_i64(tarn_str_of(name.ptr + prefix.len, name.len - prefix.len), &i) ||
            i < 0 || (size_t)i >= f->partition_count)
            return tarn_fail(op, TARN_INTERNAL,
                             "the engine names a partition column that was not asked for");
        TARN_TRY(tarn__key_value(op, &w->spec->fields[i], &type->fields[i].type,
                                 text_at(&keys->children[1], k), &f->partition[i]));
    }
    return TARN_OK;
}

/* ---- files */

struct reading {
    struct tarn_op *op;
    const struct tarn_write *w;
    const struct tarn__rows *rows;
    struct leaves leaves;
    struct tarn_type partition_type;
};

static int64_t long_at(const struct tarn_column *c, size_t row)
{
    return c->type->kind == TARN_TYPE_DECIMAL ? (int64_t)((const __int128 *)c->data)[row]
                                              : ((const int64_t *)c->data)[row];
}

static enum tarn_status file_of(const struct reading *r, const struct tarn_batch *b, uint32_t row,
                                struct tarn_data_file *f)
{
    const struct tarn_column *name = column_named(r->rows, b, "filename"),
                             *count = column_named(r->rows, b, "count"),
                             *size = column_named(r->rows, b, "file_size_bytes");
    if (!name || !count || !size)
        return tarn_fail(r->op, TARN_INTERNAL, "the engine did not tell which files it wrote");
    *f = (struct tarn_data_file){
        .content = TARN_CONTENT_DATA,
        .path = tarn_strdup(r->op, text_at(name, row)),
        .format = TARN_STR("PARQUET"),
        .spec_id = r->w->spec ? r->w->spec->spec_id : 0,
        .record_count = long_at(count, row),
        .size_bytes = long_at(size, row),
        .sort_order_id = -1,
        .first_row_id = -1,
        .content_offset = -1,
        .content_size = -1,
    };
    if (!f->path.ptr)
        return TARN_NOMEM;
    TARN_TRY(
        metrics(r->op, f, &r->leaves, column_named(r->rows, b, "column_statistics"), row, r->w));
    if (f->record_count > 0)
        TARN_TRY(tarn__file_mend(r->op, r->w, f));
    return partition(r->op, f, r->w, &r->partition_type, column_named(r->rows, b, "partition_keys"),
                     row);
}

enum tarn_status tarn__written(struct tarn_op *op, const struct tarn__rows *rows,
                               const struct tarn_write *w, struct tarn_written *out)
{
    struct reading r = {.op = op, .w = w, .rows = rows};
    *out = (struct tarn_written){0};
    TARN_NEW_ARRAY(op, r.leaves.items, tarn_type_leaf_count(&w->schema->root) + 1);
    TARN_TRY(add_leaves(op, &r.leaves, &w->schema->root, TARN_STR(""), false, true));
    if (w->spec && w->spec->field_count > 0)
        TARN_TRY(tarn_partition_type(op, w->metadata, w->spec, &r.partition_type));
    TARN_NEW_ARRAY(op, out->files, rows->rows + 1);
    for (size_t i = 0; i < rows->batch_count; i++)
        for (size_t row = 0; row < rows->batches[i].rows; row++) {
            struct tarn_data_file *f = &out->files[out->count];
            TARN_TRY(file_of(&r, &rows->batches[i], (uint32_t)row, f));
            if (f->record_count == 0) {
                (void)unlink(f->path.ptr);
                continue;
            }
            out->count++;
            out->rows += f->record_count;
            out->bytes += f->size_bytes;
        }
    return TARN_OK;
}
