/* inspect_metrics: readable_metrics: a struct a column of the table (nested ones by their paths, in
 * the order of the paths), with the file's metrics of it and bounds as values. */
#include "lake/inspect_int.h"

#include <stdlib.h>

static int by_path(const void *a, const void *b)
{
    const struct tarn__metric_leaf *x = a, *y = b;
    return tarn_str_cmp(x->path, y->path);
}

/* Variants have no metrics of their own. */
static enum tarn_status add_leaves(struct tarn__metrics *m, struct tarn_op *op,
                                   const struct tarn_schema *s, const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (tarn_type_is_nested(&f->type)) {
            TARN_TRY(add_leaves(m, op, s, &f->type));
            continue;
        }
        if (f->type.kind == TARN_TYPE_VARIANT)
            continue;
        struct tarn__metric_leaf *leaf = &m->leaves[m->count++];
        *leaf = (struct tarn__metric_leaf){
            .id = f->id, .path = tarn_schema_path_of(op, s, f->id), .type = &f->type};
        if (!leaf->path.ptr)
            return op->report.status;
    }
    return TARN_OK;
}

/* Bounds of types that no value stands for are shown as bytes. */
static bool has_values(const struct tarn_type *t)
{
    return t->kind < TARN_TYPE_UNKNOWN;
}

enum tarn_status tarn__metrics_init(struct tarn__metrics *m, struct tarn_op *op,
                                    const struct tarn_schema *s, struct tarn_type *append_to)
{
    static const struct tarn_type binary = {.kind = TARN_TYPE_BINARY};
    struct tarn_type all = {.kind = TARN_TYPE_STRUCT};
    *m = (struct tarn__metrics){0};
    TARN_NEW_ARRAY(op, m->leaves, tarn_type_leaf_count(&s->root) + 1);
    TARN_TRY(add_leaves(m, op, s, &s->root));
    if (m->count == 0)
        return TARN_OK;
    qsort(m->leaves, m->count, sizeof *m->leaves, by_path);
    TARN_NEW_ARRAY(op, all.fields, m->count);
    all.field_count = m->count;
    for (size_t i = 0; i < m->count; i++) {
        const struct tarn_type *bound = has_values(m->leaves[i].type) ? m->leaves[i].type : &binary;
        struct tarn_type *of = &all.fields[i].type;
        all.fields[i].name = m->leaves[i].path;
        TARN_TRY(tarn__type_append(op, of,
                                   "column_size: long, value_count: long, null_value_count: long, "
                                   "nan_value_count: long"));
        TARN_TRY(tarn__type_append_field(op, of, TARN_STR("lower_bound"), bound));
        TARN_TRY(tarn__type_append_field(op, of, TARN_STR("upper_bound"), bound));
    }
    return tarn__type_append_field(op, append_to, TARN_STR("readable_metrics"), &all);
}

static void put_count(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_id_count *a,
                      size_t n, int32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].id == id) {
            tarn__cell_int(r, c, a[i].count);
            return;
        }
    tarn__cell_null(r, c);
}

/* Null also for bytes that are no value of the column's type: planning takes them for unknown. */
static void put_bound(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_id_bytes *a,
                      size_t n, const struct tarn__metric_leaf *leaf)
{
    struct tarn_value v;
    for (size_t i = 0; i < n; i++) {
        if (a[i].id != leaf->id || !a[i].bytes.ptr)
            continue;
        if (!has_values(leaf->type)) {
            tarn__cell_bytes(r, c, a[i].bytes);
            return;
        }
        enum tarn_status status = tarn_value_from_bytes(r->op, leaf->type, a[i].bytes, &v);
        if (status == TARN_OK) {
            tarn__cell_value(r, c, &v);
            return;
        }
        if (status == TARN_NOMEM)
            tarn__rows_fail(r, status);
        else
            tarn_clear(r->op);
    }
    tarn__cell_null(r, c);
}

void tarn__cell_metrics(struct tarn__rows *r, struct tarn__cells *c, const struct tarn__metrics *m,
                        const struct tarn_data_file *f)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct tarn__metric_leaf *leaf = &m->leaves[i];
        struct tarn__cells *to = c->children[i].children;
        put_count(r, &to[0], f->column_sizes, f->column_size_count, leaf->id);
        put_count(r, &to[1], f->value_counts, f->value_count_count, leaf->id);
        put_count(r, &to[2], f->null_counts, f->null_count_count, leaf->id);
        put_count(r, &to[3], f->nan_counts, f->nan_count_count, leaf->id);
        put_bound(r, &to[4], f->lower, f->lower_count, leaf);
        put_bound(r, &to[5], f->upper, f->upper_count, leaf);
        tarn__cell_end(r, &c->children[i]);
    }
    tarn__cell_end(r, c);
}
