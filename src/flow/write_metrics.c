/* write_metrics: how much of each column's values a data file's metrics keep.
 *
 *     write.metadata.metrics.default                       none, counts, truncate(n), full
 *     write.metadata.metrics.column.<path>                 the same for one column
 *     write.metadata.metrics.max-inferred-column-defaults  without a default, columns beyond the
 *                                                          first so many have none (100)
 *
 * As Iceberg's MetricsConfig: a column that the table is sorted by has bounds unless it is named.
 */
#include <stdlib.h>

#include "flow/flow_int.h"

#define WIDTH 16

/* False: it is none of the four. */
static bool mode_of(struct tarn_str text, int32_t *out)
{
    int64_t n;
    if (tarn_str_eq_nocase(text, TARN_STR("none")))
        *out = TARN_METRICS_NONE;
    else if (tarn_str_eq_nocase(text, TARN_STR("counts")))
        *out = TARN_METRICS_COUNTS;
    else if (tarn_str_eq_nocase(text, TARN_STR("full")))
        *out = INT32_MAX;
    else if (tarn_str_starts(text, TARN_STR("truncate(")) && tarn_str_ends(text, TARN_STR(")")) &&
             tarn_str_to_i64(tarn_str_of(text.ptr + 9, text.len - 10), &n) && n > 0 &&
             n < INT32_MAX)
        *out = (int32_t)n;
    else
        return false;
    return true;
}

struct leaves {
    const struct tarn_metadata *m;
    struct tarn_metric_width *items;
    size_t count, limit; /* limit: leaves beyond it have no metrics */
    int32_t width;
};

static bool sorted_by(const struct tarn_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->sort_order_count; i++)
        for (size_t k = 0; k < m->sort_orders[i].field_count; k++)
            if (m->sort_orders[i].order_id == m->default_sort_order_id &&
                m->sort_orders[i].fields[k].source_id == id)
                return true;
    return false;
}

static enum tarn_status add_leaves(struct tarn_op *op, struct leaves *l, const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (tarn_type_is_nested(&f->type)) {
            TARN_TRY(add_leaves(op, l, &f->type));
            continue;
        }
        int32_t width = l->count < l->limit ? l->width : TARN_METRICS_NONE;
        struct tarn_str path = tarn_schema_path_of(op, tarn_metadata_schema(l->m), f->id),
                        key = tarn_sprintf(op, "write.metadata.metrics.column.%.*s",
                                           TARN_STR_ARG(path));
        if (!path.ptr || !key.ptr)
            return TARN_NOMEM;
        if (width < 0 && sorted_by(l->m, f->id))
            width = WIDTH;
        const struct tarn_str *own = tarn_kvs_get(&l->m->properties, key.ptr);
        if (own)
            (void)mode_of(*own, &width); /* one that cannot be read is passed over, as in Iceberg */
        l->items[l->count++] = (struct tarn_metric_width){f->id, width};
    }
    return TARN_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct tarn_metric_width *x = a, *y = b;
    return (x->field_id > y->field_id) - (x->field_id < y->field_id);
}

/* Only if something but the default is asked for. */
static bool plain(const struct tarn_metadata *m, const struct leaves *l, size_t leaves)
{
    struct tarn_str prefix = TARN_STR("write.metadata.metrics.column.");
    for (size_t i = 0; i < m->properties.count; i++)
        if (tarn_str_starts(m->properties.items[i].key, prefix))
            return false;
    return l->width > 0 && leaves <= l->limit;
}

enum tarn_status tarn__write_metrics(struct tarn_op *op, const struct tarn_metadata *m,
                                     struct tarn_write *out)
{
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    const struct tarn_str *mode = tarn_kvs_get(&m->properties, "write.metadata.metrics.default"),
                          *max =
                              tarn_kvs_get(&m->properties,
                                           "write.metadata.metrics.max-inferred-column-defaults");
    struct leaves l = {.m = m, .limit = SIZE_MAX, .width = WIDTH};
    size_t n = tarn_type_leaf_count(root);
    int64_t limit = 100;
    if (max && (!tarn_str_to_i64(*max, &limit) || limit < 0))
        limit = 100;
    if (!mode || !mode_of(*mode, &l.width))
        l.limit = (size_t)limit;
    out->bound_width = l.width;
    if (plain(m, &l, n))
        return TARN_OK;
    TARN_NEW_ARRAY(op, l.items, n + 1);
    TARN_TRY(add_leaves(op, &l, root));
    qsort(l.items, l.count, sizeof *l.items, by_id);
    out->metrics = l.items;
    out->metric_count = l.count;
    return TARN_OK;
}
