/* filter: the engine's pushed-down filters, as JSON, into Iceberg's expressions. See prune.c for
 * what must be widened. */
#include "engine/duckdb/prune_int.h"

#include "format/iceberg/variant.h"

#define HOUR_US           INT64_C(3600000000)
#define WIDEN_US          (24 * HOUR_US)
#define WIDEN_DAYS        2
#define VARIANT_DEPTH_MAX 32

static struct tarn_str member(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_STRING ? m->text : TARN_STR("");
}

static const struct tarn_json *items(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_ARRAY ? m->first : NULL;
}

static size_t item_count(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_ARRAY ? m->count : 0;
}

static void unknown(struct tarn_expr *e)
{
    *e = (struct tarn_expr){.op = TARN_EXPR_UNKNOWN};
}

/* ---- constants */

/* The engine's type of a constant that compares with a column of this type without loss. */
static bool type_matches(const struct tarn_json *type, const struct tarn_type *t)
{
    struct tarn_str id = member(type, "id");
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        return tarn_str_is(id, "BOOLEAN");
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return tarn_str_is(id, "INTEGER") || tarn_str_is(id, "BIGINT") ||
               tarn_str_is(id, "SMALLINT") || tarn_str_is(id, "TINYINT");
    case TARN_TYPE_FLOAT:
        return tarn_str_is(id, "FLOAT") || tarn_str_is(id, "DOUBLE");
    case TARN_TYPE_DOUBLE: /* as a float it would have been rounded */
        return tarn_str_is(id, "DOUBLE");
    case TARN_TYPE_DATE:
        return tarn_str_is(id, "DATE");
    case TARN_TYPE_TIME:
        return tarn_str_is(id, "TIME");
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ: /* the zone is UTC */
        return tarn_str_is(id, "TIMESTAMP") || tarn_str_is(id, "TIMESTAMP WITH TIME ZONE");
    case TARN_TYPE_STRING:
        return tarn_str_is(id, "VARCHAR");
    case TARN_TYPE_UUID:
        return tarn_str_is(id, "UUID");
    case TARN_TYPE_DECIMAL: {
        const struct tarn_json *info = tarn_json_get(type, "type_info"),
                               *scale = info ? tarn_json_get(info, "scale") : NULL;
        int64_t n;
        return tarn_str_is(id, "DECIMAL") && scale && tarn_str_to_i64(scale->text, &n) &&
               n == t->scale;
    }
    default:
        return false;
    }
}

static bool unsigned_of(struct tarn_str text, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' ||
            __builtin_mul_overflow(*out, (uint64_t)10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(text.ptr[i] - '0'), out))
            return false;
    }
    return text.len > 0;
}

/* {"upper": i64, "lower": u64}, or a number. */
static bool hugeint_of(const struct tarn_json *v, __int128 *out)
{
    int64_t small;
    uint64_t low;
    if (v->kind == TARN_JSON_K_NUMBER) {
        bool ok = tarn_str_to_i64(v->text, &small);
        *out = ok ? small : 0;
        return ok;
    }
    const struct tarn_json *upper = tarn_json_get(v, "upper"), *lower = tarn_json_get(v, "lower");
    if (!upper || !lower || !tarn_str_to_i64(upper->text, &small) ||
        !unsigned_of(lower->text, &low))
        return false;
    *out = (__int128)((unsigned __int128)(uint64_t)small << 64 | low);
    return true;
}

static bool uuid_of(struct tarn_op *op, const struct tarn_json *v, struct tarn_value *out)
{
    __int128 number;
    uint64_t *bytes = tarn_alloc(op, 16);
    if (!bytes || !hugeint_of(v, &number))
        return false;
    bytes[0] = __builtin_bswap64((uint64_t)(number >> 64) ^ (uint64_t)1 << 63);
    bytes[1] = __builtin_bswap64((uint64_t)number);
    out->bytes = tarn_str_of(bytes, 16);
    return true;
}

/* False: the constant is null, of another type, or not understood. */
static bool constant(struct tarn_op *op, const struct tarn_json *c, const struct tarn_type *t,
                     struct tarn_value *out)
{
    const struct tarn_json *type = tarn_json_get(c, "type"), *null = tarn_json_get(c, "is_null"),
                           *v = tarn_json_get(c, "value");
    *out = (struct tarn_value){0};
    if (!type || !v || (null && null->boolean) || !type_matches(type, t))
        return false;
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        out->i = v->boolean;
        return v->kind == TARN_JSON_K_BOOL;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return v->kind == TARN_JSON_K_NUMBER && tarn_str_to_double(v->text, &out->d);
    case TARN_TYPE_DECIMAL:
        return hugeint_of(v, &out->dec);
    case TARN_TYPE_UUID:
        return uuid_of(op, v, out);
    case TARN_TYPE_STRING:
        out->bytes = v->text;
        return v->kind == TARN_JSON_K_STRING;
    default:
        return v->kind == TARN_JSON_K_NUMBER && tarn_str_to_i64(v->text, &out->i);
    }
}

/* ---- comparisons */

static bool is_real(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE;
}

static bool is_time(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_DATE || t->kind == TARN_TYPE_TIMESTAMP ||
           t->kind == TARN_TYPE_TIMESTAMPTZ;
}

static enum tarn_status leaf(struct tarn_op *op, enum tarn_expr_op what, const struct tarn_field *f,
                             const struct tarn_value *v, struct tarn_expr *out)
{
    *out = (struct tarn_expr){.op = what, .field_id = f->id, .type = f->type};
    if (!v)
        return TARN_OK;
    TARN_NEW(op, out->values);
    out->values[0] = *v;
    out->value_count = 1;
    return TARN_OK;
}

static enum tarn_status pair(struct tarn_op *op, enum tarn_expr_op what,
                             struct tarn_expr **out_args, struct tarn_expr *out)
{
    *out = (struct tarn_expr){.op = what, .arg_count = 2};
    TARN_NEW_ARRAY(op, out->args, 2);
    *out_args = out->args;
    return TARN_OK;
}

static enum tarn_expr_op mirrored(enum tarn_expr_op what)
{
    switch (what) {
    case TARN_EXPR_LT:
        return TARN_EXPR_GT;
    case TARN_EXPR_LE:
        return TARN_EXPR_GE;
    case TARN_EXPR_GT:
        return TARN_EXPR_LT;
    case TARN_EXPR_GE:
        return TARN_EXPR_LE;
    default:
        return what;
    }
}

static bool is_lower(enum tarn_expr_op what)
{
    return what == TARN_EXPR_GT || what == TARN_EXPR_GE;
}

static enum tarn_status between(const struct tarn__prune_op *p, const struct tarn_field *f,
                                const struct tarn_value *low, const struct tarn_value *high,
                                struct tarn_expr *out)
{
    struct tarn_expr *args;
    TARN_TRY(pair(p->op, TARN_EXPR_AND, &args, out));
    TARN_TRY(leaf(p->op, TARN_EXPR_GE, f, low, &args[0]));
    return leaf(p->op, TARN_EXPR_LE, f, high, &args[1]);
}

static enum tarn_status compare_real(const struct tarn__prune_op *p, enum tarn_expr_op what,
                                     const struct tarn_field *f, struct tarn_value v,
                                     struct tarn_expr *out)
{
    struct tarn_expr *args;
    struct tarn_value low = v, high = v;
    if (v.d == 0) {
        low.d = -0.0;
        high.d = 0.0;
    }
    if (what == TARN_EXPR_EQ && v.d == 0)
        return between(p, f, &low, &high, out);
    if (!is_lower(what))
        return leaf(p->op, what, f, &high, out);
    TARN_TRY(pair(p->op, TARN_EXPR_OR, &args, out));
    TARN_TRY(leaf(p->op, what, f, &low, &args[0]));
    return leaf(p->op, TARN_EXPR_IS_NAN, f, NULL, &args[1]);
}

/* A constant from the clock: as if it were read up to a day earlier or later. */
static enum tarn_status compare_timed(const struct tarn__prune_op *p, enum tarn_expr_op what,
                                      const struct tarn_field *f, struct tarn_value v,
                                      struct tarn_expr *out)
{
    struct tarn_value low = v, high = v;
    int64_t by = f->type.kind == TARN_TYPE_DATE ? WIDEN_DAYS : WIDEN_US;
    if (__builtin_sub_overflow(v.i, by, &low.i) || __builtin_add_overflow(v.i, by, &high.i) ||
        what == TARN_EXPR_NE) {
        unknown(out);
        return TARN_OK;
    }
    if (what == TARN_EXPR_EQ)
        return between(p, f, &low, &high, out);
    return leaf(p->op, what, f, is_lower(what) ? &low : &high, out);
}

static enum tarn_status compare(const struct tarn__prune_op *p, enum tarn_expr_op what,
                                const struct tarn_field *f, const struct tarn_json *c,
                                struct tarn_expr *out)
{
    struct tarn_value v;
    unknown(out);
    if (what == TARN_EXPR_UNKNOWN || !constant(p->op, c, &f->type, &v))
        return TARN_OK;
    if (p->timed) /* a number or a text may be made of the clock too, but not to be widened */
        return is_time(&f->type) ? compare_timed(p, what, f, v, out) : TARN_OK;
    if (is_real(&f->type))
        return compare_real(p, what, f, v, out);
    return leaf(p->op, what, f, &v, out);
}

static enum tarn_expr_op comparison_of(struct tarn_str name)
{
    static const struct {
        const char *name;
        enum tarn_expr_op op;
    } known[] = {
        {"COMPARE_EQUAL", TARN_EXPR_EQ},       {"COMPARE_NOTEQUAL", TARN_EXPR_NE},
        {"COMPARE_LESSTHAN", TARN_EXPR_LT},    {"COMPARE_LESSTHANOREQUALTO", TARN_EXPR_LE},
        {"COMPARE_GREATERTHAN", TARN_EXPR_GT}, {"COMPARE_GREATERTHANOREQUALTO", TARN_EXPR_GE},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (tarn_str_is(name, known[i].name))
            return known[i].op;
    return TARN_EXPR_UNKNOWN;
}

/* values: constants one after another. */
static enum tarn_status in_list(const struct tarn__prune_op *p, enum tarn_expr_op what,
                                const struct tarn_field *f, const struct tarn_json *values,
                                size_t count, bool bound, struct tarn_expr *out)
{
    struct tarn_value *list;
    size_t n = 0;
    unknown(out);
    if (p->timed || is_real(&f->type) || count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(p->op, list, count);
    for (const struct tarn_json *x = values; x && n < count; x = x->next) {
        const struct tarn_json *c = bound ? tarn_json_get(x, "value") : x;
        if (!c || (bound && !tarn_str_is(member(x, "expression_class"), "BOUND_CONSTANT")) ||
            !constant(p->op, c, &f->type, &list[n++]))
            return TARN_OK;
    }
    *out = (struct tarn_expr){
        .op = what, .field_id = f->id, .type = f->type, .values = list, .value_count = n};
    return TARN_OK;
}

/* ---- AND, OR */

void tarn__prune_simplify(struct tarn_expr *e)
{
    size_t kept = 0;
    if (e->op != TARN_EXPR_AND && e->op != TARN_EXPR_OR)
        return;
    for (size_t i = 0; i < e->arg_count; i++) {
        bool open = e->args[i].op == TARN_EXPR_TRUE || e->args[i].op == TARN_EXPR_UNKNOWN;
        if (open && e->op == TARN_EXPR_OR) {
            unknown(e);
            return;
        }
        if (!open)
            e->args[kept++] = e->args[i];
    }
    e->arg_count = kept;
    if (kept == 1)
        *e = (struct tarn_expr)e->args[0];
    else if (kept == 0)
        unknown(e);
}

typedef enum tarn_status (*node_fn)(const struct tarn__prune_op *p, const struct tarn_json *j,
                                    const struct tarn_field *f, struct tarn_expr *out);

static enum tarn_status conjunction(const struct tarn__prune_op *p, enum tarn_expr_op what,
                                    const struct tarn_json *j, const char *key,
                                    const struct tarn_field *f, node_fn child,
                                    struct tarn_expr *out)
{
    *out = (struct tarn_expr){.op = what};
    TARN_NEW_ARRAY(p->op, out->args, item_count(j, key) + 1);
    for (const struct tarn_json *x = items(j, key); x; x = x->next)
        TARN_TRY(child(p, x, f, &out->args[out->arg_count++]));
    tarn__prune_simplify(out);
    return TARN_OK;
}

/* ---- fields of variants: CAST(variant_extract(variant_extract(column, 'a'), 'b') AS type) */

static enum tarn_type_kind cast_kind(struct tarn_str id)
{
    static const struct {
        const char *id;
        enum tarn_type_kind kind;
    } known[] = {{"INTEGER", TARN_TYPE_INT},
                 {"BIGINT", TARN_TYPE_LONG},
                 {"DOUBLE", TARN_TYPE_DOUBLE},
                 {"DATE", TARN_TYPE_DATE},
                 {"VARCHAR", TARN_TYPE_STRING},
                 {"TIMESTAMP", TARN_TYPE_TIMESTAMP},
                 {"TIMESTAMP WITH TIME ZONE", TARN_TYPE_TIMESTAMPTZ}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (tarn_str_is(id, known[i].id))
            return known[i].kind;
    return TARN_TYPE_VARIANT;
}

/* False: it is none of that. */
static bool put_steps(struct tarn_buf *path, const struct tarn_json *e, int depth)
{
    const struct tarn_json *from = items(e, "children"), *key, *text;
    if (tarn_str_is(member(e, "expression_class"), "BOUND_REF")) {
        tarn_buf_put(path, '$');
        return true;
    }
    if (depth > VARIANT_DEPTH_MAX || !from ||
        !tarn_str_is(member(e, "expression_class"), "BOUND_FUNCTION") ||
        !tarn_str_is(member(e, "name"), "variant_extract") || !put_steps(path, from, depth + 1))
        return false;
    key = from->next ? tarn_json_get(from->next, "value") : NULL;
    text = key ? tarn_json_get(key, "value") : NULL;
    if (!text || text->kind != TARN_JSON_K_STRING)
        return false;
    tarn_variant_path_put(path, text->text);
    return true;
}

/* *out: a field of the column's id, of the type that it is cast to; false: no field of a variant. */
static enum tarn_status variant_field(const struct tarn__prune_op *p, const struct tarn_json *e,
                                      const struct tarn_field *f, struct tarn_field *out,
                                      struct tarn_str *path, bool *found)
{
    struct tarn_buf b;
    const struct tarn_json *type, *child;
    *found = false;
    if (!e || f->type.kind != TARN_TYPE_VARIANT ||
        !tarn_str_is(member(e, "expression_class"), "BOUND_CAST"))
        return TARN_OK;
    child = tarn_json_get(e, "child");
    type = tarn_json_get(e, "return_type");
    const struct tarn_json *info = type ? tarn_json_get(type, "type_info") : NULL;
    if (info && info->kind != TARN_JSON_K_NULL)
        return TARN_OK; /* a collation */
    *out = (struct tarn_field){.id = f->id, .name = f->name};
    out->type.kind = type ? cast_kind(member(type, "id")) : TARN_TYPE_VARIANT;
    if (!child || !tarn_variant_boundable(&out->type))
        return TARN_OK;
    tarn_buf_init(&b, 65536);
    *found = put_steps(&b, child, 0);
    if (*found)
        return (enum tarn_status)tarn_buf_take(p->op, &b, "a path in a variant", path);
    tarn_buf_release(&b);
    return TARN_OK;
}

static void set_path(struct tarn_expr *e, struct tarn_str path)
{
    if (e->op >= TARN_EXPR_IS_NULL)
        e->path = path;
    for (size_t i = 0; i < e->arg_count; i++)
        set_path(&e->args[i], path);
}

/* ---- expressions inside a filter: the column is BOUND_REF */

/* A cast that changes no value of the column: to a wider integer or float, or to the same instant.
 */
static bool is_column(const struct tarn_json *e)
{
    if (e && tarn_str_is(member(e, "expression_class"), "BOUND_CAST"))
        e = tarn_json_get(e, "child");
    return e && tarn_str_is(member(e, "expression_class"), "BOUND_REF");
}

static const struct tarn_json *constant_of(const struct tarn_json *e)
{
    return e && tarn_str_is(member(e, "expression_class"), "BOUND_CONSTANT")
               ? tarn_json_get(e, "value")
               : NULL;
}

static enum tarn_status bound_comparison(const struct tarn__prune_op *p, const struct tarn_json *j,
                                         const struct tarn_field *f, struct tarn_expr *out)
{
    const struct tarn_json *left = tarn_json_get(j, "left"), *right = tarn_json_get(j, "right");
    enum tarn_expr_op what = comparison_of(member(j, "type"));
    unknown(out);
    struct tarn_field field;
    struct tarn_str path;
    bool left_field, right_field = false;
    TARN_TRY(variant_field(p, left, f, &field, &path, &left_field));
    if (!left_field)
        TARN_TRY(variant_field(p, right, f, &field, &path, &right_field));
    if (left_field || right_field) {
        const struct tarn_json *c = constant_of(left_field ? right : left);
        if (c)
            TARN_TRY(compare(p, left_field ? what : mirrored(what), &field, c, out));
        set_path(out, path);
        return TARN_OK;
    }
    if (is_column(left) && constant_of(right))
        return compare(p, what, f, constant_of(right), out);
    if (is_column(right) && constant_of(left))
        return compare(p, mirrored(what), f, constant_of(left), out);
    return TARN_OK;
}

static bool is_ref(const struct tarn_json *e)
{
    return e && tarn_str_is(member(e, "expression_class"), "BOUND_REF");
}

static enum tarn_status truth(const struct tarn__prune_op *p, const struct tarn_field *f,
                              bool value, struct tarn_expr *out)
{
    struct tarn_value v = {.i = value};
    unknown(out);
    return f->type.kind == TARN_TYPE_BOOLEAN ? leaf(p->op, TARN_EXPR_EQ, f, &v, out) : TARN_OK;
}

static enum tarn_status bound_operator(const struct tarn__prune_op *p, const struct tarn_json *j,
                                       const struct tarn_field *f, struct tarn_expr *out)
{
    struct tarn_str type = member(j, "type");
    const struct tarn_json *first = items(j, "children");
    size_t n = item_count(j, "children");
    struct tarn_field field;
    struct tarn_str path;
    bool inside;
    unknown(out);
    TARN_TRY(variant_field(p, first, f, &field, &path, &inside));
    if (inside && tarn_str_is(type, "COMPARE_IN")) {
        TARN_TRY(in_list(p, TARN_EXPR_IN, &field, first->next, n - 1, true, out));
        set_path(out, path);
        return TARN_OK;
    }
    if (!is_ref(first))
        return TARN_OK;
    if (tarn_str_is(type, "OPERATOR_IS_NULL"))
        return leaf(p->op, TARN_EXPR_IS_NULL, f, NULL, out);
    if (tarn_str_is(type, "OPERATOR_IS_NOT_NULL"))
        return leaf(p->op, TARN_EXPR_NOT_NULL, f, NULL, out);
    if (tarn_str_is(type, "OPERATOR_NOT"))
        return truth(p, f, false, out);
    if (tarn_str_is(type, "COMPARE_IN"))
        return in_list(p, TARN_EXPR_IN, f, first->next, n - 1, true, out);
    if (tarn_str_is(type, "COMPARE_NOT_IN"))
        return in_list(p, TARN_EXPR_NOT_IN, f, first->next, n - 1, true, out);
    return TARN_OK;
}

static enum tarn_status bound_function(const struct tarn__prune_op *p, const struct tarn_json *j,
                                       const struct tarn_field *f, struct tarn_expr *out)
{
    struct tarn_str name = member(j, "name");
    const struct tarn_json *first = items(j, "children");
    struct tarn_value v;
    unknown(out);
    if ((!tarn_str_is(name, "starts_with") && !tarn_str_is(name, "prefix") &&
         !tarn_str_is(name, "^@")) ||
        !is_ref(first) || p->timed)
        return TARN_OK;
    const struct tarn_json *c = constant_of(first->next);
    if (f->type.kind != TARN_TYPE_STRING || !c || !constant(p->op, c, &f->type, &v))
        return TARN_OK;
    return leaf(p->op, TARN_EXPR_STARTS_WITH, f, &v, out);
}

static enum tarn_status expression(const struct tarn__prune_op *p, const struct tarn_json *j,
                                   const struct tarn_field *f, struct tarn_expr *out)
{
    struct tarn_str class = member(j, "expression_class"), type = member(j, "type");
    unknown(out);
    if (tarn_str_is(class, "BOUND_REF"))
        return truth(p, f, true, out);
    if (tarn_str_is(class, "BOUND_COMPARISON"))
        return bound_comparison(p, j, f, out);
    if (tarn_str_is(class, "BOUND_OPERATOR"))
        return bound_operator(p, j, f, out);
    if (tarn_str_is(class, "BOUND_FUNCTION"))
        return bound_function(p, j, f, out);
    if (tarn_str_is(class, "BOUND_CONJUNCTION"))
        return conjunction(p, tarn_str_is(type, "CONJUNCTION_OR") ? TARN_EXPR_OR : TARN_EXPR_AND, j,
                           "children", f, expression, out);
    return TARN_OK;
}

/* ---- filters */

static enum tarn_status inside_struct(const struct tarn__prune_op *p, const struct tarn_json *j,
                                      const struct tarn_field *f, struct tarn_expr *out)
{
    const struct tarn_json *child = tarn_json_get(j, "child_filter");
    const struct tarn_field *field =
        f->type.kind == TARN_TYPE_STRUCT
            ? tarn_type_field_by_name(&f->type, member(j, "child_name"))
            : NULL;
    unknown(out);
    if (!child || !field || tarn_str_is(member(child, "filter_type"), "IS_NULL"))
        return TARN_OK;
    return tarn__prune_filter(p, child, field, out);
}

enum tarn_status tarn__prune_filter(const struct tarn__prune_op *p, const struct tarn_json *j,
                                    const struct tarn_field *f, struct tarn_expr *out)
{
    struct tarn_str type = member(j, "filter_type");
    const struct tarn_json *inner;
    unknown(out);
    if (tarn_str_is(type, "CONSTANT_COMPARISON")) {
        inner = tarn_json_get(j, "constant");
        return inner ? compare(p, comparison_of(member(j, "comparison_type")), f, inner, out)
                     : TARN_OK;
    }
    if (tarn_str_is(type, "IS_NULL"))
        return leaf(p->op, TARN_EXPR_IS_NULL, f, NULL, out);
    if (tarn_str_is(type, "IS_NOT_NULL"))
        return leaf(p->op, TARN_EXPR_NOT_NULL, f, NULL, out);
    if (tarn_str_is(type, "CONJUNCTION_AND"))
        return conjunction(p, TARN_EXPR_AND, j, "child_filters", f, tarn__prune_filter, out);
    if (tarn_str_is(type, "CONJUNCTION_OR"))
        return conjunction(p, TARN_EXPR_OR, j, "child_filters", f, tarn__prune_filter, out);
    if (tarn_str_is(type, "IN_FILTER"))
        return in_list(p, TARN_EXPR_IN, f, items(j, "values"), item_count(j, "values"), false, out);
    if (tarn_str_is(type, "STRUCT_EXTRACT"))
        return inside_struct(p, j, f, out);
    if (tarn_str_is(type, "OPTIONAL_FILTER")) {
        inner = tarn_json_get(j, "child_filter");
        return inner ? tarn__prune_filter(p, inner, f, out) : TARN_OK;
    }
    if (tarn_str_is(type, "EXPRESSION_FILTER")) {
        inner = tarn_json_get(j, "expr");
        return inner ? expression(p, inner, f, out) : TARN_OK;
    }
    return TARN_OK;
}
