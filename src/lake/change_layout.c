/* change_layout: partition specs and sort orders of the next version. */
#include "lake/change_int.h"

/* ---- partition specs */

static struct tarn_str partition_name(struct tarn_op *op, struct tarn_str column,
                                      const struct tarn_transform *t)
{
    static const char *const suffix[] = {
        [TARN_TRANSFORM_BUCKET] = "_bucket", [TARN_TRANSFORM_TRUNCATE] = "_trunc",
        [TARN_TRANSFORM_YEAR] = "_year",     [TARN_TRANSFORM_MONTH] = "_month",
        [TARN_TRANSFORM_DAY] = "_day",       [TARN_TRANSFORM_HOUR] = "_hour",
        [TARN_TRANSFORM_VOID] = "_null",     [TARN_TRANSFORM_OTHER] = "_other"};
    return tarn_sprintf(op, "%.*s%s", TARN_STR_ARG(column), suffix[t->kind] ? suffix[t->kind] : "");
}

/* Is the field a column, or a field of structs alone? Elements of lists and maps have no one value
 * a row. */
static bool in_structs(const struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id == id ||
            (t->fields[i].type.kind == TARN_TYPE_STRUCT && in_structs(&t->fields[i].type, id)))
            return true;
    return false;
}

/* A partition's name is no other partition's and no other column's (as Iceberg Java has it). */
static enum tarn_status check_partition_name(struct tarn_op *op, const struct tarn_schema *schema,
                                             const struct tarn_partition_spec *spec, size_t at)
{
    const struct tarn_partition_field *f = &spec->fields[at];
    const struct tarn_field *column = tarn_schema_field_by_path(schema, f->name);
    bool own = f->transform.kind == TARN_TRANSFORM_IDENTITY && column && column->id == f->source_id;
    for (size_t i = 0; i < at; i++)
        if (tarn_str_eq_nocase(spec->fields[i].name, f->name))
            return tarn_fail(op, TARN_INVALID, "two partition fields would be named \"%.*s\"",
                             TARN_STR_ARG(f->name));
    if (column && !own)
        return tarn_fail(op, TARN_INVALID,
                         "partition field \"%.*s\" would have the name of a column",
                         TARN_STR_ARG(f->name));
    return TARN_OK;
}

enum tarn_status tarn_spec_make(struct tarn_op *op, const struct tarn_schema *schema,
                                const struct tarn_str *exprs, size_t count,
                                struct tarn_partition_spec *out)
{
    *out = (struct tarn_partition_spec){.field_count = count};
    TARN_NEW_ARRAY(op, out->fields, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        struct tarn_partition_field *f = &out->fields[i];
        struct tarn_str column;
        TARN_TRY(tarn_transform_parse_expr(op, exprs[i], &f->transform, &column));
        const struct tarn_field *source = tarn_schema_field_by_path(schema, column);
        if (!source)
            return tarn_fail(op, TARN_COLUMN, "column \"%.*s\" of partition \"%.*s\" not found",
                             TARN_STR_ARG(column), TARN_STR_ARG(exprs[i]));
        if (!tarn_transform_accepts(&f->transform, &source->type) ||
            !in_structs(&schema->root, source->id))
            return tarn_fail(op, TARN_INVALID,
                             "partition \"%.*s\" cannot be made of a column of type %s",
                             TARN_STR_ARG(exprs[i]), tarn_type_text(op, &source->type).ptr);
        f->source_id = source->id;
        f->field_id = 1000 + (int32_t)i;
        f->name = partition_name(op, column, &f->transform);
        if (!f->name.ptr)
            return TARN_NOMEM;
        TARN_TRY(check_partition_name(op, schema, out, i));
    }
    return TARN_OK;
}

static bool same_transform(const struct tarn_transform *a, const struct tarn_transform *b)
{
    return a->kind == b->kind && a->param == b->param &&
           (a->kind != TARN_TRANSFORM_OTHER || tarn_str_eq(a->text, b->text));
}

static const struct tarn_partition_field *historical_field(const struct tarn_metadata *m,
                                                           const struct tarn_partition_field *f)
{
    for (size_t i = 0; i < m->spec_count; i++)
        for (size_t k = 0; k < m->specs[i].field_count; k++) {
            const struct tarn_partition_field *old = &m->specs[i].fields[k];
            if (old->source_id == f->source_id && same_transform(&old->transform, &f->transform) &&
                tarn_str_eq(old->name, f->name))
                return old;
        }
    return NULL;
}

static bool same_spec(const struct tarn_partition_spec *a, const struct tarn_partition_spec *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (a->fields[i].field_id != b->fields[i].field_id)
            return false;
    return true;
}

static void use_spec(struct tarn_change *c, int32_t spec_id)
{
    c->metadata.default_spec_id = spec_id;
    c->has_spec = !c->base || spec_id != c->base->metadata.default_spec_id;
}

enum tarn_status tarn_change_set_spec(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_partition_spec *spec)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_partition_spec *all;
    int32_t highest = 0;
    TARN_NEW_ARRAY(op, all, m->spec_count + 1);
    memcpy(all, m->specs, m->spec_count * sizeof *all);
    struct tarn_partition_spec *added = &all[m->spec_count];
    added->field_count = spec->field_count;
    TARN_NEW_ARRAY(op, added->fields, spec->field_count ? spec->field_count : 1);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *old = historical_field(m, &spec->fields[i]);
        added->fields[i] = spec->fields[i];
        added->fields[i].field_id = old ? old->field_id : ++m->last_partition_id;
    }
    for (size_t i = 0; i < m->spec_count; i++) {
        if (same_spec(&all[i], added)) {
            use_spec(c, all[i].spec_id);
            return TARN_OK;
        }
        if (all[i].spec_id > highest)
            highest = all[i].spec_id;
    }
    added->spec_id = highest + 1;
    m->specs = all;
    m->spec_count++;
    use_spec(c, added->spec_id);
    return TARN_OK;
}

/* ---- sort orders */

static bool same_order(const struct tarn_sort_order *a, const struct tarn_sort_order *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++) {
        const struct tarn_sort_field *x = &a->fields[i], *y = &b->fields[i];
        if (x->source_id != y->source_id || !same_transform(&x->transform, &y->transform) ||
            x->descending != y->descending || x->nulls_last != y->nulls_last)
            return false;
    }
    return true;
}

static void use_order(struct tarn_change *c, int32_t order_id)
{
    c->metadata.default_sort_order_id = order_id;
    c->has_order = !c->base || order_id != c->base->metadata.default_sort_order_id;
}

static enum tarn_status check_order(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_sort_order *order)
{
    const struct tarn_schema *schema = tarn_metadata_schema(&c->metadata);
    for (size_t i = 0; i < order->field_count; i++) {
        const struct tarn_sort_field *f = &order->fields[i];
        const struct tarn_field *source = tarn_schema_field_by_id(schema, f->source_id);
        if (!source)
            return tarn_fail(op, TARN_COLUMN, "field id %d of a sort order is not in the schema",
                             f->source_id);
        if (!tarn_transform_accepts(&f->transform, &source->type) ||
            !in_structs(&schema->root, source->id))
            return tarn_fail(op, TARN_INVALID,
                             "a table cannot be sorted so by column \"%.*s\" of type %s",
                             TARN_STR_ARG(source->name), tarn_type_text(op, &source->type).ptr);
    }
    return TARN_OK;
}

enum tarn_status tarn_change_set_sort_order(struct tarn_change *c, struct tarn_op *op,
                                            const struct tarn_sort_order *order)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_sort_order *all;
    int32_t highest = 0;
    TARN_TRY(check_order(c, op, order));
    for (size_t i = 0; i < m->sort_order_count; i++) {
        if (same_order(&m->sort_orders[i], order)) {
            use_order(c, m->sort_orders[i].order_id);
            return TARN_OK;
        }
        if (m->sort_orders[i].order_id > highest)
            highest = m->sort_orders[i].order_id;
    }
    TARN_NEW_ARRAY(op, all, m->sort_order_count + 1);
    if (m->sort_order_count)
        memcpy(all, m->sort_orders, m->sort_order_count * sizeof *all);
    struct tarn_sort_order *added = &all[m->sort_order_count];
    added->order_id = order->field_count ? highest + 1 : 0; /* 0 means unsorted */
    added->field_count = order->field_count;
    TARN_NEW_ARRAY(op, added->fields, order->field_count + 1);
    if (order->field_count)
        memcpy(added->fields, order->fields, order->field_count * sizeof *added->fields);
    m->sort_orders = all;
    m->sort_order_count++;
    use_order(c, added->order_id);
    return TARN_OK;
}
