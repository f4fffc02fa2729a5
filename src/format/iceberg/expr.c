/* expr: evaluation of filters against metrics, and their projection onto partitions.
 *
 * Both directions err on the side of keeping: an answer of "cannot match" is given only when it
 * follows from the spec's rules for null counts, NaN counts and inclusive bounds. Guarded by
 * tests/unit/format/test_expr.c.
 */
#include "format/iceberg/expr.h"

#include "format/iceberg/variant.h"

/* ---- text */

static const char *comparison_text(enum tarn_expr_op op)
{
    switch (op) {
    case TARN_EXPR_LT:
        return "<";
    case TARN_EXPR_LE:
        return "<=";
    case TARN_EXPR_GT:
        return ">";
    case TARN_EXPR_GE:
        return ">=";
    case TARN_EXPR_EQ:
        return "=";
    case TARN_EXPR_NE:
        return "<>";
    case TARN_EXPR_STARTS_WITH:
        return "starts with";
    case TARN_EXPR_NOT_STARTS_WITH:
        return "does not start with";
    default:
        return "?";
    }
}

static void put_value(struct tarn_op *op, struct tarn_buf *b, const struct tarn_type *t,
                      const struct tarn_value *v)
{
    struct tarn_str text = tarn_value_text(op, t, v);
    if (t->kind == TARN_TYPE_STRING)
        tarn_buf_sql_text(b, text);
    else
        tarn_buf_str(b, text);
}

static void put_expr(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s,
                     const struct tarn_expr *e);

static void put_args(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s,
                     const struct tarn_expr *e, const char *word)
{
    for (size_t i = 0; i < e->arg_count; i++) {
        if (i)
            tarn_buf_z(b, word);
        bool nested = e->args[i].op == TARN_EXPR_AND || e->args[i].op == TARN_EXPR_OR;
        if (nested)
            tarn_buf_put(b, '(');
        put_expr(op, b, s, &e->args[i]);
        if (nested)
            tarn_buf_put(b, ')');
    }
}

static void put_list(struct tarn_op *op, struct tarn_buf *b, const struct tarn_expr *e)
{
    tarn_buf_z(b, e->op == TARN_EXPR_IN ? " in (" : " not in (");
    for (size_t i = 0; i < e->value_count; i++) {
        if (i == 8) {
            tarn_buf_printf(b, ", ... %zu more", e->value_count - i);
            break;
        }
        if (i)
            tarn_buf_z(b, ", ");
        put_value(op, b, &e->type, &e->values[i]);
    }
    tarn_buf_put(b, ')');
}

static void put_predicate(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s,
                          const struct tarn_expr *e)
{
    struct tarn_str path = tarn_schema_path_of(op, s, e->field_id);
    if (path.ptr)
        tarn_buf_str(b, path);
    else
        tarn_buf_printf(b, "#%d", e->field_id);
    if (e->path.ptr)
        tarn_buf_append(b, e->path.ptr + 1, e->path.len - 1);
    switch (e->op) {
    case TARN_EXPR_IS_NULL:
        tarn_buf_z(b, " is null");
        break;
    case TARN_EXPR_NOT_NULL:
        tarn_buf_z(b, " is not null");
        break;
    case TARN_EXPR_IS_NAN:
        tarn_buf_z(b, " is nan");
        break;
    case TARN_EXPR_NOT_NAN:
        tarn_buf_z(b, " is not nan");
        break;
    case TARN_EXPR_IN:
    case TARN_EXPR_NOT_IN:
        put_list(op, b, e);
        break;
    default:
        tarn_buf_printf(b, " %s ", comparison_text(e->op));
        put_value(op, b, &e->type, &e->values[0]);
    }
}

static void put_expr(struct tarn_op *op, struct tarn_buf *b, const struct tarn_schema *s,
                     const struct tarn_expr *e)
{
    switch (e->op) {
    case TARN_EXPR_TRUE:
        tarn_buf_z(b, "true");
        break;
    case TARN_EXPR_FALSE:
        tarn_buf_z(b, "false");
        break;
    case TARN_EXPR_UNKNOWN:
        tarn_buf_put(b, '?');
        break;
    case TARN_EXPR_AND:
        put_args(op, b, s, e, " and ");
        break;
    case TARN_EXPR_OR:
        put_args(op, b, s, e, " or ");
        break;
    case TARN_EXPR_NOT:
        tarn_buf_z(b, "not (");
        put_args(op, b, s, e, "");
        tarn_buf_put(b, ')');
        break;
    default:
        put_predicate(op, b, s, e);
    }
}

struct tarn_str tarn_expr_text(struct tarn_op *op, const struct tarn_schema *s,
                               const struct tarn_expr *e)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 64 * 1024);
    put_expr(op, &b, s, e);
    if (tarn_buf_take(op, &b, "filter text", &out) != TARN_OK) {
        tarn_clear(op);
        return TARN_STR("?");
    }
    return out;
}

/* ---- metrics */

static bool is_floating(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE;
}

/* No row has a value other than null. */
static bool only_nulls(const struct tarn_field_metrics *m)
{
    return m->value_count >= 0 && m->null_count >= 0 && m->null_count >= m->value_count;
}

static bool only_nans(const struct tarn_field_metrics *m)
{
    return m->value_count > 0 && m->nan_count >= 0 && m->nan_count >= m->value_count;
}

/* May any value of [lower, upper] stand in `op` to v? NaN may hide outside of the bounds: the
 * engine orders it above all numbers. */
static bool range_may(const struct tarn_expr *e, enum tarn_expr_op op, const struct tarn_value *v,
                      const struct tarn_field_metrics *m)
{
    bool hidden_nan = is_floating(&e->type) && m->nan_count != 0;
    if (v->is_null)
        return false; /* a comparison with null is never true */
    switch (op) {
    case TARN_EXPR_LT:
        return !m->has_lower || tarn_value_cmp(&e->type, &m->lower, v) < 0;
    case TARN_EXPR_LE:
        return !m->has_lower || tarn_value_cmp(&e->type, &m->lower, v) <= 0;
    case TARN_EXPR_GT:
        return hidden_nan || !m->has_upper || tarn_value_cmp(&e->type, &m->upper, v) > 0;
    case TARN_EXPR_GE:
        return hidden_nan || !m->has_upper || tarn_value_cmp(&e->type, &m->upper, v) >= 0;
    case TARN_EXPR_EQ:
        if (hidden_nan && v->d != v->d)
            return true;
        return (!m->has_lower || tarn_value_cmp(&e->type, &m->lower, v) <= 0) &&
               (!m->has_upper || tarn_value_cmp(&e->type, &m->upper, v) >= 0);
    default:
        return true;
    }
}

static int prefix_cmp(struct tarn_str bound, struct tarn_str prefix)
{
    if (bound.len > prefix.len)
        bound.len = prefix.len;
    return tarn_str_cmp(bound, prefix);
}

static bool prefix_may(const struct tarn_expr *e, const struct tarn_field_metrics *m)
{
    struct tarn_str prefix = e->values[0].bytes;
    if (m->has_lower && prefix_cmp(m->lower.bytes, prefix) > 0)
        return false;
    if (m->has_upper && prefix_cmp(m->upper.bytes, prefix) < 0)
        return false;
    return true;
}

/* -0.0 and 0.0 are equal to an engine but not to tarn_value_cmp: a zero never prunes by equality or
 * order at a zero bound. */
static bool touches_zero(const struct tarn_expr *e, const struct tarn_field_metrics *m)
{
    if (!is_floating(&e->type))
        return false;
    bool zero_bound = (m->has_lower && m->lower.d == 0.0) || (m->has_upper && m->upper.d == 0.0);
    for (size_t i = 0; zero_bound && i < e->value_count; i++)
        if (e->values[i].d == 0.0)
            return true;
    return false;
}

/* What is known of a field of a variant. Both bounds are of one type (spec "Bounds for Variant"), or
 * they are none. */
static void look_inside(const struct tarn_expr *e, struct tarn_field_metrics *m)
{
    struct tarn_str lower = m->lower.bytes, upper = m->upper.bytes;
    bool both = m->has_lower && m->has_upper &&
                tarn_variant_bound_find(lower, e->path, &e->type, &m->lower) &&
                tarn_variant_bound_find(upper, e->path, &e->type, &m->upper);
    m->has_lower = m->has_upper = both;
    m->nan_count = -1;
}

static bool predicate_may_match(const struct tarn_expr *e, tarn_metrics_fn metrics, void *ctx)
{
    struct tarn_field_metrics m = {-1, -1, -1, false, false, {0}, {0}};
    if (!metrics(ctx, e->field_id, &m))
        return true;
    if (m.value_count == 0)
        return false;
    if (e->path.ptr)
        look_inside(e, &m);
    switch (e->op) {
    case TARN_EXPR_IS_NULL:
        return m.null_count != 0;
    case TARN_EXPR_NOT_NULL:
        return !only_nulls(&m);
    case TARN_EXPR_IS_NAN:
        return m.nan_count != 0 && !only_nulls(&m);
    case TARN_EXPR_NOT_NAN:
        return !only_nans(&m);
    case TARN_EXPR_NE:
    case TARN_EXPR_NOT_IN:
    case TARN_EXPR_NOT_STARTS_WITH:
        return !only_nulls(&m);
    default:
        break;
    }
    if (only_nulls(&m))
        return false;
    if (touches_zero(e, &m))
        return true;
    if (e->op == TARN_EXPR_STARTS_WITH)
        return prefix_may(e, &m);
    if (e->op != TARN_EXPR_IN)
        return range_may(e, e->op, &e->values[0], &m);
    for (size_t i = 0; i < e->value_count; i++)
        if (range_may(e, TARN_EXPR_EQ, &e->values[i], &m))
            return true;
    return false;
}

bool tarn_expr_may_match(const struct tarn_expr *e, tarn_metrics_fn metrics, void *ctx)
{
    switch (e->op) {
    case TARN_EXPR_FALSE:
        return false;
    case TARN_EXPR_TRUE:
    case TARN_EXPR_UNKNOWN:
    case TARN_EXPR_NOT: /* negations are pushed into predicates by who makes them; a rest is not known */
        return true;
    case TARN_EXPR_AND:
        for (size_t i = 0; i < e->arg_count; i++)
            if (!tarn_expr_may_match(&e->args[i], metrics, ctx))
                return false;
        return true;
    case TARN_EXPR_OR:
        for (size_t i = 0; i < e->arg_count; i++)
            if (tarn_expr_may_match(&e->args[i], metrics, ctx))
                return true;
        return e->arg_count == 0;
    default:
        return predicate_may_match(e, metrics, ctx);
    }
}

/* ---- projection */

static struct tarn_expr unknown(void)
{
    return (struct tarn_expr){.op = TARN_EXPR_UNKNOWN};
}

/* For a monotonic transform that is not one-to-one, a strict inequality becomes a loose one. */
static enum tarn_expr_op loosened(enum tarn_expr_op op, const struct tarn_transform *t)
{
    if (t->kind == TARN_TRANSFORM_IDENTITY)
        return op;
    if (op == TARN_EXPR_LT)
        return TARN_EXPR_LE;
    if (op == TARN_EXPR_GT)
        return TARN_EXPR_GE;
    return op;
}

static bool projectable(enum tarn_expr_op op, const struct tarn_transform *t)
{
    switch (op) {
    case TARN_EXPR_EQ:
    case TARN_EXPR_IN:
        return true;
    case TARN_EXPR_LT:
    case TARN_EXPR_LE:
    case TARN_EXPR_GT:
    case TARN_EXPR_GE:
        return tarn_transform_monotonic(t);
    case TARN_EXPR_IS_NULL:
    case TARN_EXPR_NOT_NULL:
        return t->kind != TARN_TRANSFORM_VOID;
    default:
        return false;
    }
}

static bool is_time_transform(const struct tarn_transform *t)
{
    return t->kind == TARN_TRANSFORM_YEAR || t->kind == TARN_TRANSFORM_MONTH ||
           t->kind == TARN_TRANSFORM_DAY || t->kind == TARN_TRANSFORM_HOUR;
}

/* Some writers rounded times before 1970 towards it, one above the right value (trap 18). Their
 * files are kept too: "= v" becomes "in (v, v + 1)", "<= v" becomes "<= v + 1", as Iceberg Java
 * does. p->values has room for twice its count. */
static void admit_wrong_rounding(struct tarn_expr *p)
{
    size_t n = p->value_count;
    for (size_t i = 0; i < n; i++) {
        if (p->values[i].is_null || p->values[i].i >= 0)
            continue;
        if (p->op == TARN_EXPR_LE) {
            p->values[i].i++;
        } else if (p->op == TARN_EXPR_EQ || p->op == TARN_EXPR_IN) {
            p->op = TARN_EXPR_IN;
            p->values[p->value_count] = p->values[i];
            p->values[p->value_count++].i++;
        }
    }
}

static enum tarn_status project_field(struct tarn_op *op, const struct tarn_expr *e,
                                      const struct tarn_partition_field *f, struct tarn_expr *out)
{
    *out = unknown();
    if (f->transform.kind == TARN_TRANSFORM_OTHER || f->transform.kind == TARN_TRANSFORM_VOID ||
        !projectable(e->op, &f->transform) || !tarn_transform_accepts(&f->transform, &e->type))
        return TARN_OK;
    struct tarn_expr p = {.op = loosened(e->op, &f->transform), .field_id = f->field_id};
    p.type = tarn_transform_result(&f->transform, &e->type);
    p.value_count = e->value_count;
    if (e->value_count) {
        TARN_NEW_ARRAY(op, p.values, 2 * e->value_count);
        for (size_t i = 0; i < e->value_count; i++) {
            enum tarn_status status =
                tarn_transform_apply(op, &f->transform, &e->type, &e->values[i], &p.values[i]);
            if (status == TARN_DATA) { /* its partition is out of range: nothing follows */
                tarn_clear(op);
                return TARN_OK;
            }
            TARN_TRY(status);
        }
    }
    if (is_time_transform(&f->transform))
        admit_wrong_rounding(&p);
    *out = p;
    return TARN_OK;
}

/* A predicate may be helped by several partition fields of its column: their conjunction. */
static enum tarn_status project_predicate(struct tarn_op *op, const struct tarn_expr *e,
                                          const struct tarn_partition_spec *spec,
                                          struct tarn_expr *out)
{
    size_t n = 0;
    *out = unknown();
    for (size_t i = 0; i < spec->field_count; i++)
        n += spec->fields[i].source_id == e->field_id;
    if (n == 0)
        return TARN_OK;
    *out = (struct tarn_expr){.op = TARN_EXPR_AND, .arg_count = n};
    TARN_NEW_ARRAY(op, out->args, n);
    for (size_t i = 0, k = 0; i < spec->field_count; i++)
        if (spec->fields[i].source_id == e->field_id)
            TARN_TRY(project_field(op, e, &spec->fields[i], &out->args[k++]));
    return TARN_OK;
}

enum tarn_status tarn_expr_project(struct tarn_op *op, const struct tarn_expr *e,
                                   const struct tarn_schema *s,
                                   const struct tarn_partition_spec *spec, struct tarn_expr *out)
{
    switch (e->op) {
    case TARN_EXPR_TRUE:
    case TARN_EXPR_FALSE:
        *out = (struct tarn_expr){.op = e->op};
        return TARN_OK;
    case TARN_EXPR_UNKNOWN:
    case TARN_EXPR_NOT:
        *out = unknown();
        return TARN_OK;
    case TARN_EXPR_AND:
    case TARN_EXPR_OR:
        *out = (struct tarn_expr){.op = e->op, .arg_count = e->arg_count};
        if (e->arg_count)
            TARN_NEW_ARRAY(op, out->args, e->arg_count);
        for (size_t i = 0; i < e->arg_count; i++)
            TARN_TRY(tarn_expr_project(op, &e->args[i], s, spec, &out->args[i]));
        return TARN_OK;
    default:
        return project_predicate(op, e, spec, out);
    }
}
