/* shredded: bounds of the fields of shredded variants (shredded.h). */
#include "format/parquet/shredded.h"

#include "format/parquet/statistic.h"

#define PATH_MAX_BYTES 4096

struct work {
    struct tarn_op *op;
    const struct tarn_parquet_footer *footer;
    int32_t width;
    struct tarn_buf path;
    struct tarn_variant_bound *lower, *upper;
    size_t count;
};

static size_t child_named(const struct work *w, size_t parent, const char *name)
{
    const struct tarn_parquet_footer *f = w->footer;
    for (size_t i = parent + 1; i < f->element_count; i++)
        if (f->elements[i].parent == parent && tarn_str_is(f->elements[i].name, name))
            return i;
    return 0;
}

static bool is_leaf(const struct work *w, size_t element)
{
    return w->footer->elements[element].children == 0;
}

/* The chunks of a `value` column hold nulls only, SQL's or the variant's (one byte, 0). */
static bool holds_nothing(const struct work *w, size_t element)
{
    const struct tarn_parquet_footer *f = w->footer;
    const struct tarn_str null = TARN_STR("\0");
    if (element == 0)
        return true;
    if (!is_leaf(w, element))
        return false;
    for (size_t g = 0; g < f->group_count; g++) {
        const struct tarn_parquet_chunk *c = &f->groups[g].chunks[f->elements[element].leaf];
        bool nulls = c->nulls == c->values,
             variant_nulls = c->min.ptr && tarn_str_eq(c->min, null) && tarn_str_eq(c->max, null) &&
                             f->typed_order;
        if (!nulls && !variant_nulls)
            return false;
    }
    return true;
}

/* What a typed column's values are in a variant. Floating-point numbers are left out: a NaN stands in no
 * bound, and here is no count of them. */
static bool type_of(const struct tarn_parquet_element *e, struct tarn_type *type, int32_t *bits)
{
    *type = (struct tarn_type){0};
    *bits = 0;
    if (e->is_unsigned)
        return false;
    bool bare = e->logical == TARN_PARQUET_LOGICAL_NONE;
    if (e->logical == TARN_PARQUET_LOGICAL_DATE ||
        (bare && e->converted == TARN_PARQUET_CONVERTED_DATE)) {
        type->kind = TARN_TYPE_DATE;
    } else if (e->logical == TARN_PARQUET_LOGICAL_TIMESTAMP && e->unit == TARN_PARQUET_MICROS) {
        type->kind = e->utc ? TARN_TYPE_TIMESTAMPTZ : TARN_TYPE_TIMESTAMP;
    } else if (e->logical == TARN_PARQUET_LOGICAL_STRING ||
               (bare && e->converted == TARN_PARQUET_CONVERTED_UTF8)) {
        type->kind = TARN_TYPE_STRING;
    } else if (!(bare && (e->converted < 0 || e->converted >= TARN_PARQUET_CONVERTED_INT_8)) &&
               e->logical != TARN_PARQUET_LOGICAL_INTEGER) {
        return false;
    } else if (e->physical == TARN_PARQUET_INT64) {
        type->kind = TARN_TYPE_LONG;
    } else if (e->physical == TARN_PARQUET_INT32) {
        type->kind = TARN_TYPE_INT;
        *bits = e->bits ? e->bits : 32;
        if (e->converted == TARN_PARQUET_CONVERTED_INT_8)
            *bits = 8;
        else if (e->converted == TARN_PARQUET_CONVERTED_INT_16)
            *bits = 16;
    } else {
        return false;
    }
    return true;
}

static void widen(const struct tarn_type *t, const struct tarn_parquet_bounds *b, bool first,
                  struct tarn_value *lower, struct tarn_value *upper)
{
    if (first || tarn_value_cmp(t, &b->lower, lower) < 0)
        *lower = b->lower;
    if (first || tarn_value_cmp(t, &b->upper, upper) > 0)
        *upper = b->upper;
}

/* Over all row groups; false: of some they are not known, or there is no value. */
static enum tarn_status range_of(struct work *w, size_t leaf, const struct tarn_type *t,
                                 struct tarn_value *lower, struct tarn_value *upper, bool *known)
{
    const struct tarn_parquet_footer *f = w->footer;
    bool any = false;
    *known = false;
    for (size_t g = 0; g < f->group_count; g++) {
        const struct tarn_parquet_chunk *c = &f->groups[g].chunks[leaf];
        struct tarn_parquet_bounds b;
        if (c->nulls == c->values)
            continue;
        TARN_TRY(tarn_parquet_chunk_bounds(w->op, f, leaf, c, t, &b));
        if (!b.known)
            return TARN_OK;
        widen(t, &b, !any, lower, upper);
        any = true;
    }
    *known = any;
    return TARN_OK;
}

/* Texts are cut, zeros widened, as of any column. */
static enum tarn_status stored(struct work *w, const struct tarn_type *t, bool upper,
                               struct tarn_value *v, bool *ok)
{
    struct tarn_str bytes;
    TARN_TRY(upper ? tarn_bound_upper(w->op, t, v, w->width, &bytes)
                   : tarn_bound_lower(w->op, t, v, w->width, &bytes));
    *ok = bytes.ptr != NULL;
    return *ok ? tarn_value_from_bytes(w->op, t, bytes, v) : TARN_OK;
}

static enum tarn_status add_leaf(struct work *w, size_t element)
{
    const struct tarn_parquet_element *e = &w->footer->elements[element];
    struct tarn_variant_bound lower = {0};
    struct tarn_value upper;
    bool known, low, high;
    if (w->count == TARN_SHREDDED_BOUNDS_MAX || !type_of(e, &lower.type, &lower.bits))
        return TARN_OK;
    TARN_TRY(range_of(w, e->leaf, &lower.type, &lower.value, &upper, &known));
    if (!known)
        return TARN_OK;
    TARN_TRY(stored(w, &lower.type, false, &lower.value, &low));
    TARN_TRY(stored(w, &lower.type, true, &upper, &high));
    if (!low || !high)
        return TARN_OK;
    TARN_TRY((enum tarn_status)tarn_buf_finish(w->op, &w->path, "a path in a variant"));
    lower.path = tarn_strdup(w->op, tarn_buf_view(&w->path));
    if (!lower.path.ptr)
        return TARN_NOMEM;
    w->lower[w->count] = w->upper[w->count] = lower;
    w->upper[w->count++].value = upper;
    return TARN_OK;
}

static enum tarn_status add_group(struct work *w, size_t group);

static enum tarn_status add_fields(struct work *w, size_t typed)
{
    const struct tarn_parquet_footer *f = w->footer;
    for (size_t i = typed + 1; i < f->element_count; i++) {
        const struct tarn_parquet_element *e = &f->elements[i];
        size_t mark = w->path.len;
        if (e->parent != typed)
            continue;
        if (e->children == 0 || !tarn_utf8_valid(e->name))
            continue;
        tarn_variant_path_put(&w->path, e->name);
        enum tarn_status status = w->path.failed ? TARN_OK : add_group(w, i);
        if (w->path.failed)
            return TARN_OK; /* a path that long has no bounds, nor has what follows */
        w->path.len = mark;
        w->path.ptr[mark] = '\0';
        TARN_TRY(status);
    }
    return TARN_OK;
}

/* A group of value and typed_value: the variant itself, or a field of it. */
static enum tarn_status add_group(struct work *w, size_t group)
{
    size_t typed = child_named(w, group, "typed_value");
    if (typed == 0 || !holds_nothing(w, child_named(w, group, "value")))
        return TARN_OK;
    const struct tarn_parquet_element *e = &w->footer->elements[typed];
    if (e->repetition == TARN_PARQUET_REPEATED)
        return TARN_OK;
    if (e->children == 0)
        return add_leaf(w, typed);
    bool array = e->logical == TARN_PARQUET_LOGICAL_LIST || e->converted == 3;
    return array ? TARN_OK : add_fields(w, typed);
}

enum tarn_status tarn_shredded_bounds(struct tarn_op *op, const struct tarn_parquet_footer *footer,
                                      size_t element, int32_t width, struct tarn_str *out_lower,
                                      struct tarn_str *out_upper)
{
    struct work w = {.op = op, .footer = footer, .width = width};
    *out_lower = *out_upper = (struct tarn_str){NULL, 0};
    TARN_NEW_ARRAY(op, w.lower, TARN_SHREDDED_BOUNDS_MAX);
    TARN_NEW_ARRAY(op, w.upper, TARN_SHREDDED_BOUNDS_MAX);
    tarn_buf_init(&w.path, PATH_MAX_BYTES);
    tarn_buf_put(&w.path, '$');
    enum tarn_status status = add_group(&w, element);
    tarn_buf_release(&w.path);
    TARN_TRY(status);
    if (w.count == 0)
        return TARN_OK;
    TARN_TRY(tarn_variant_bounds_write(op, w.lower, w.count, out_lower));
    return tarn_variant_bounds_write(op, w.upper, w.count, out_upper);
}
