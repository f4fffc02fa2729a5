/* cast: which column of a query may be stored in which field.
 *
 * A cast is implied only where it cannot lose: it either keeps the value or fails. int and long
 * into each other and into decimals, decimals into decimals of no fewer places, float into double,
 * date into timestamp. Everything else must be written in the query, where a reader sees it.
 */
#include "engine/duckdb/write_int.h"

static bool is_whole(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT || t->kind == TARN_TYPE_LONG ||
           (t->kind == TARN_TYPE_DECIMAL && t->scale == 0);
}

static bool primitive_fits(const struct tarn_type *from, const struct tarn_type *to)
{
    if (from->kind == TARN_TYPE_UNKNOWN)
        return true;
    switch (to->kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return is_whole(from);
    case TARN_TYPE_DECIMAL:
        return is_whole(from) || (from->kind == TARN_TYPE_DECIMAL && from->scale <= to->scale);
    case TARN_TYPE_DOUBLE:
        return from->kind == TARN_TYPE_DOUBLE || from->kind == TARN_TYPE_FLOAT ||
               from->kind == TARN_TYPE_INT;
    case TARN_TYPE_TIMESTAMP:
        return from->kind == TARN_TYPE_TIMESTAMP || from->kind == TARN_TYPE_DATE;
    case TARN_TYPE_TIMESTAMP_NS: /* out of range fails */
        return from->kind == TARN_TYPE_TIMESTAMP_NS || from->kind == TARN_TYPE_TIMESTAMP ||
               from->kind == TARN_TYPE_DATE;
    case TARN_TYPE_TIMESTAMPTZ_NS: /* which the engine has as timestamp_ns in UTC */
        return from->kind == TARN_TYPE_TIMESTAMPTZ_NS || from->kind == TARN_TYPE_TIMESTAMP_NS ||
               from->kind == TARN_TYPE_TIMESTAMPTZ;
    case TARN_TYPE_FIXED: /* lengths are checked when a file is written (mend.c) */
        return from->kind == TARN_TYPE_FIXED || from->kind == TARN_TYPE_BINARY;
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY: /* the engine has geometries alone */
        return from->kind == TARN_TYPE_GEOMETRY || from->kind == TARN_TYPE_GEOGRAPHY;
    case TARN_TYPE_VARIANT: /* holds values of all types */
        return true;
    case TARN_TYPE_UNKNOWN:
        return false;
    default:
        return from->kind == to->kind;
    }
}

static enum tarn_status fail_cast(struct tarn_op *op, const struct tarn_type *from,
                                  const struct tarn_type *to, struct tarn_str path)
{
    struct tarn_str a = tarn_type_text(op, from), b = tarn_type_text(op, to), sql = {NULL, 0};
    struct tarn_buf text;
    tarn_buf_init(&text, (size_t)1 << 20);
    tarn__type_sql(&text, to);
    if (tarn_buf_take(op, &text, "a type", &sql) != TARN_OK)
        sql = TARN_STR("...");
    (void)tarn_fail(
        op, TARN_SCHEMA,
        "column \"%.*s\" is %.*s in the query and %.*s in the table: values could be lost",
        TARN_STR_ARG(path), TARN_STR_ARG(a), TARN_STR_ARG(b));
    tarn_hint(op, "say so in the query: CAST(%.*s AS %.*s)", TARN_STR_ARG(path), TARN_STR_ARG(sql));
    return TARN_SCHEMA;
}

static const struct tarn_field *child_named(const struct tarn_type *t, struct tarn_str name)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (tarn_str_eq_nocase(t->fields[i].name, name))
            return &t->fields[i];
    return NULL;
}

static struct tarn_str below(struct tarn_op *op, struct tarn_str path, struct tarn_str name)
{
    return tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(path), TARN_STR_ARG(name));
}

static enum tarn_status check_struct(struct tarn_op *op, const struct tarn_type *from,
                                     const struct tarn_type *to, struct tarn_str path)
{
    for (size_t i = 0; i < from->field_count; i++)
        if (!child_named(to, from->fields[i].name))
            return tarn_fail(op, TARN_SCHEMA, "the table has no field \"%.*s\" in column \"%.*s\"",
                             TARN_STR_ARG(from->fields[i].name), TARN_STR_ARG(path));
    for (size_t i = 0; i < to->field_count; i++) {
        const struct tarn_field *f = child_named(from, to->fields[i].name);
        struct tarn_str inner = below(op, path, to->fields[i].name);
        if (f)
            TARN_TRY(tarn__cast_check(op, &f->type, &to->fields[i], inner));
        else if (to->fields[i].required)
            return tarn_fail(op, TARN_SCHEMA,
                             "the query has no value for the required field \"%.*s\"",
                             TARN_STR_ARG(inner));
    }
    return TARN_OK;
}

enum tarn_status tarn__cast_check(struct tarn_op *op, const struct tarn_type *from,
                                  const struct tarn_field *to, struct tarn_str path)
{
    if (from->kind == TARN_TYPE_UNKNOWN)
        return TARN_OK;
    if (!tarn_type_is_nested(&to->type))
        return primitive_fits(from, &to->type) ? TARN_OK : fail_cast(op, from, &to->type, path);
    if (from->kind != to->type.kind)
        return fail_cast(op, from, &to->type, path);
    if (from->kind == TARN_TYPE_STRUCT)
        return check_struct(op, from, &to->type, path);
    for (size_t i = 0; i < from->field_count; i++)
        TARN_TRY(tarn__cast_check(op, &from->fields[i].type, &to->type.fields[i],
                                  below(op, path, to->type.fields[i].name)));
    return TARN_OK;
}

/* ---- required fields inside of nested ones: an expression that is true where one has no value */

static bool holds_required(const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if ((t->fields[i].required && !(t->kind == TARN_TYPE_MAP && i == 0)) ||
            holds_required(&t->fields[i].type))
            return true;
    return false;
}

static void missing_sql(struct tarn_buf *b, const char *expr, const struct tarn_type *t, int depth);

static void missing_child(struct tarn_buf *b, const char *expr, const struct tarn_field *f,
                          int depth)
{
    tarn_buf_z(b, "(");
    if (f->required)
        tarn_buf_printf(b, "%s IS NULL", expr);
    if (f->required && holds_required(&f->type))
        tarn_buf_z(b, " OR ");
    if (holds_required(&f->type))
        missing_sql(b, expr, &f->type, depth);
    tarn_buf_z(b, ")");
}

static void missing_in_struct(struct tarn_buf *b, const char *expr, const struct tarn_type *t,
                              int depth)
{
    tarn_buf_printf(b, "(%s IS NOT NULL AND (false", expr);
    for (size_t i = 0; i < t->field_count; i++) {
        struct tarn_buf inner;
        if (!t->fields[i].required && !holds_required(&t->fields[i].type))
            continue;
        tarn_buf_init(&inner, (size_t)1 << 20);
        tarn_buf_z(&inner, expr);
        tarn_buf_put(&inner, '.');
        tarn_buf_sql_name(&inner, t->fields[i].name);
        tarn_buf_z(b, " OR ");
        missing_child(b, inner.ptr, &t->fields[i], depth);
        b->failed = b->failed || inner.failed;
        tarn_buf_release(&inner);
    }
    tarn_buf_z(b, "))");
}

static void missing_sql(struct tarn_buf *b, const char *expr, const struct tarn_type *t, int depth)
{
    char variable[16];
    if (t->kind == TARN_TYPE_STRUCT) {
        missing_in_struct(b, expr, t, depth);
        return;
    }
    const struct tarn_field *child = &t->fields[t->kind == TARN_TYPE_MAP ? 1 : 0];
    snprintf(variable, sizeof variable, "x%d", depth);
    tarn_buf_printf(b, "coalesce(list_bool_or(list_transform(%s%s%s, lambda %s: coalesce(",
                    t->kind == TARN_TYPE_MAP ? "map_values(" : "", expr,
                    t->kind == TARN_TYPE_MAP ? ")" : "", variable);
    missing_child(b, variable, child, depth + 1);
    tarn_buf_z(b, ", false))), false)");
}

/* ---- variants as Parquet has them, groups of metadata and value; mend.c says then what they are. The
 * engine itself writes them as columns of their own only, and a null as a variant that is null, which
 * is another thing to other readers. So it shreds those alone that hold no nulls. */

static void stored_sql(struct tarn_buf *b, const char *expr, const struct tarn_type *t, int depth);

static void stored_child(struct tarn_buf *b, const char *expr, const struct tarn_type *t, int depth)
{
    if (tarn__holds_variant(t))
        stored_sql(b, expr, t, depth);
    else
        tarn_buf_z(b, expr);
}

static void stored_struct(struct tarn_buf *b, const char *expr, const struct tarn_type *t,
                          int depth)
{
    tarn_buf_z(b, "struct_pack(");
    for (size_t i = 0; i < t->field_count; i++) {
        struct tarn_buf inner;
        tarn_buf_init(&inner, (size_t)16 << 20);
        tarn_buf_printf(&inner, "%s.", expr);
        tarn_buf_sql_name(&inner, t->fields[i].name);
        tarn_buf_z(b, i > 0 ? ", " : "");
        tarn_buf_sql_name(b, t->fields[i].name);
        tarn_buf_z(b, " := ");
        stored_child(b, tarn_buf_view(&inner).ptr, &t->fields[i].type, depth);
        b->failed = b->failed || inner.failed;
        tarn_buf_release(&inner);
    }
    tarn_buf_put(b, ')');
}

static void stored_items(struct tarn_buf *b, const char *items, const struct tarn_type *item,
                         int depth)
{
    char variable[16];
    snprintf(variable, sizeof variable, "v%d", depth);
    tarn_buf_printf(b, "list_transform(%s, lambda %s: ", items, variable);
    stored_child(b, variable, item, depth + 1);
    tarn_buf_put(b, ')');
}

/* The engine finds equal expressions itself. */
static void stored_half(struct tarn_buf *b, const char *expr, const char *half)
{
    tarn_buf_printf(b,
                    "struct_extract(CAST(variant_to_parquet_variant(%s) AS STRUCT(metadata BLOB, "
                    "\"value\" BLOB)), '%s')",
                    expr, half);
}

static void stored_sql(struct tarn_buf *b, const char *expr, const struct tarn_type *t, int depth)
{
    tarn_buf_printf(b, "CASE WHEN %s IS NOT NULL THEN ", expr);
    if (t->kind == TARN_TYPE_VARIANT) {
        tarn_buf_z(b, "tarn_variant(");
        stored_half(b, expr, "metadata");
        tarn_buf_z(b, ", ");
        stored_half(b, expr, "value");
        tarn_buf_put(b, ')');
    } else if (t->kind == TARN_TYPE_STRUCT) {
        stored_struct(b, expr, t, depth);
    } else if (t->kind == TARN_TYPE_LIST) {
        stored_items(b, expr, &t->fields[0].type, depth);
    } else {
        struct tarn_buf values;
        tarn_buf_init(&values, (size_t)16 << 20);
        tarn_buf_printf(&values, "map_values(%s)", expr);
        tarn_buf_printf(b, "map(map_keys(%s), ", expr);
        stored_items(b, tarn_buf_view(&values).ptr, &t->fields[1].type, depth);
        tarn_buf_put(b, ')');
        b->failed = b->failed || values.failed;
        tarn_buf_release(&values);
    }
    tarn_buf_z(b, " END");
}

enum tarn_status tarn__cast_sql(struct tarn_op *op, struct tarn_buf *b, struct tarn_str column,
                                const struct tarn_field *to)
{
    struct tarn_buf cast, stored;
    struct tarn_str expr, out, message;
    bool variants =
        tarn__holds_variant(&to->type) && (tarn_type_is_nested(&to->type) || !to->required);
    tarn_buf_init(&cast, (size_t)16 << 20);
    /* always: the engine has types of its own that Iceberg's stand for (a sum is a HUGEINT, which it
     * would write as DOUBLE), and takes no time for a cast to the same type */
    tarn_buf_printf(&cast, "CAST(%.*s AS ", TARN_STR_ARG(column));
    tarn__type_sql(&cast, &to->type);
    tarn_buf_put(&cast, ')');
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &cast, "an expression", &expr));
    out = expr;
    if (variants) {
        tarn_buf_init(&stored, TARN__SQL_MAX);
        stored_sql(&stored, expr.ptr, &to->type, 0);
        TARN_TRY((enum tarn_status)tarn_buf_take(op, &stored, "an expression", &out));
    }
    bool nested = holds_required(&to->type),
         required =
             to->required && (tarn_type_is_nested(&to->type) || to->type.kind == TARN_TYPE_VARIANT);
    if (!nested && !required) { /* a required primitive is checked by its count of nulls */
        tarn_buf_str(b, out);
        return TARN_OK;
    }
    message = tarn_sprintf(op, "column \"%.*s\" holds no value where one is required",
                           TARN_STR_ARG(to->name));
    if (!message.ptr)
        return TARN_NOMEM;
    tarn_buf_z(b, "CASE WHEN ");
    missing_child(b, expr.ptr, to, 0);
    tarn_buf_z(b, variants ? " THEN error(" : " THEN CAST(error(");
    tarn_buf_sql_text(b, message);
    if (!variants) {
        tarn_buf_z(b, ") AS ");
        tarn__type_sql(b, &to->type);
    }
    tarn_buf_printf(b, ") ELSE %.*s END", TARN_STR_ARG(out));
    return TARN_OK;
}
