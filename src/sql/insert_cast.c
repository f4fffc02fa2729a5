/* insert_cast: values of a query as a column holds them: the same value, or an error.
 *
 * What can lose nothing is cast by the engine. Where a value may not fit (a number that is too
 * large or has places that the column lacks, a text that is no date) it is tried, and turned back
 * where the engine would round. Texts are parsed; numbers become texts; what no cast turns into the
 * other (a date into a number) is an error as soon as there is a value.
 */
#include <stdio.h>

#include "sql/ddl_int.h"

#define CAST_SQL_MAX ((size_t)16 << 20)

enum fit {
    FIT_EXACT, /* no value is lost */
    FIT_TRIED, /* turned back and compared */
    FIT_RANGE, /* a floating-point number is near enough, but must exist */
    FIT_PARSED,
    FIT_NEVER
};

/* ---- which cast */

static bool is_text(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_STRING;
}

static enum fit number_fit(const struct tarn_type *from, const struct tarn_type *to)
{
    enum tarn_type_kind f = from->kind, t = to->kind;
    int whole = f == TARN_TYPE_INT ? 10 : f == TARN_TYPE_LONG ? 19 : from->precision - from->scale;
    if (t == TARN_TYPE_FLOAT)
        return f == TARN_TYPE_FLOAT                        ? FIT_EXACT
               : f == TARN_TYPE_INT || f == TARN_TYPE_LONG ? FIT_TRIED
                                                           : FIT_RANGE;
    if (t == TARN_TYPE_DOUBLE)
        return f == TARN_TYPE_LONG ? FIT_TRIED : f == TARN_TYPE_DECIMAL ? FIT_RANGE : FIT_EXACT;
    if (f == TARN_TYPE_FLOAT || f == TARN_TYPE_DOUBLE)
        return FIT_TRIED;
    if (t == TARN_TYPE_DECIMAL) {
        int scale = f == TARN_TYPE_DECIMAL ? from->scale : 0;
        return scale <= to->scale && whole <= to->precision - to->scale ? FIT_EXACT : FIT_TRIED;
    }
    return f == t || (f == TARN_TYPE_INT && t == TARN_TYPE_LONG) ? FIT_EXACT : FIT_TRIED;
}

static bool is_number(const struct tarn_type *t)
{
    return t->kind >= TARN_TYPE_INT && t->kind <= TARN_TYPE_DECIMAL;
}

static bool is_moment(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_DATE ||
           (t->kind >= TARN_TYPE_TIMESTAMP && t->kind <= TARN_TYPE_TIMESTAMPTZ_NS);
}

static bool is_nano(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_TIMESTAMP_NS || t->kind == TARN_TYPE_TIMESTAMPTZ_NS;
}

static enum fit moment_fit(const struct tarn_type *from, const struct tarn_type *to)
{
    if (from->kind == to->kind)
        return FIT_EXACT;
    if (to->kind == TARN_TYPE_DATE || is_nano(from) != is_nano(to))
        return FIT_TRIED;
    return FIT_EXACT;
}

static bool has_text(const struct tarn_type *t)
{
    return !tarn_type_is_nested(t) && t->kind != TARN_TYPE_BINARY && t->kind != TARN_TYPE_FIXED &&
           t->kind < TARN_TYPE_UNKNOWN;
}

static enum fit fit_of(const struct tarn_type *from, const struct tarn_type *to)
{
    if (from->kind == TARN_TYPE_UNKNOWN)
        return FIT_EXACT;
    if (is_number(from) && is_number(to))
        return number_fit(from, to);
    if (is_moment(from) && is_moment(to))
        return moment_fit(from, to);
    if (from->kind == to->kind || (from->kind == TARN_TYPE_BINARY && to->kind == TARN_TYPE_FIXED) ||
        (from->kind == TARN_TYPE_GEOMETRY && to->kind == TARN_TYPE_GEOGRAPHY))
        return FIT_EXACT;
    if (to->kind == TARN_TYPE_VARIANT)
        return FIT_EXACT; /* every value has its variant */
    if (is_text(to))
        return has_text(from) ? FIT_EXACT : FIT_NEVER;
    if (is_text(from))
        return tarn_type_is_nested(to) || to->kind == TARN_TYPE_UNKNOWN ? FIT_NEVER : FIT_PARSED;
    return FIT_NEVER;
}

static const struct tarn_field *source_of(const struct tarn_type *from, const struct tarn_type *to,
                                          size_t i)
{
    if (from->kind != TARN_TYPE_STRUCT)
        return &from->fields[i];
    if (from->field_count && from->fields[0].name.len == 0) /* row(1, 2): by place */
        return i < from->field_count ? &from->fields[i] : NULL;
    return tarn__column_named(from, to->fields[i].name);
}

/* Does the engine's own cast do, since nothing inside can be lost? It fills fields with null. */
static bool plain(const struct tarn_type *from, const struct tarn_type *to)
{
    if (!tarn_type_is_nested(to) || from->kind != to->kind)
        return fit_of(from, to) == FIT_EXACT && !tarn_type_is_nested(to);
    for (size_t i = 0; i < to->field_count; i++) {
        const struct tarn_field *f = source_of(from, to, i);
        if (f ? !plain(&f->type, &to->fields[i].type) : to->fields[i].write_default.ptr != NULL)
            return false;
    }
    return true;
}

static enum tarn_status check_shape(struct tarn_op *op, const struct tarn_type *from,
                                    const struct tarn_field *to)
{
    if (from->kind != to->type.kind)
        return TARN_OK;
    if (from->kind == TARN_TYPE_STRUCT) {
        size_t named = 0;
        for (size_t i = 0; i < to->type.field_count; i++)
            named += source_of(from, &to->type, i) != NULL;
        if (named < from->field_count) {
            struct tarn_str a = tarn_type_text(op, from), b = tarn_type_text(op, &to->type);
            (void)tarn_fail(op, TARN_SCHEMA,
                            "column \"%.*s\" has no place for some fields of the query's struct",
                            TARN_STR_ARG(to->name));
            tarn_detail(op, "the query makes %.*s, the column is %.*s", TARN_STR_ARG(a),
                        TARN_STR_ARG(b));
            return TARN_SCHEMA;
        }
    }
    for (size_t i = 0; tarn_type_is_nested(from) && i < to->type.field_count; i++) {
        const struct tarn_field *f = source_of(from, &to->type, i);
        if (f)
            TARN_TRY(check_shape(op, &f->type, &to->type.fields[i]));
    }
    return TARN_OK;
}

/* ---- expressions */

struct casting {
    const struct tarn__cast *c;
    struct tarn_str column; /* the table's, for messages */
    int depth;
};

/* A floating-point number becomes a decimal by its shortest text: the engine's own cast multiplies
 * it by a power of ten, and what that rounds would be digits that nobody wrote. */
static bool by_text(const struct tarn_type *from, const struct tarn_type *to)
{
    return to->kind == TARN_TYPE_DECIMAL &&
           (from->kind == TARN_TYPE_FLOAT || from->kind == TARN_TYPE_DOUBLE);
}

static void put_cast(struct tarn_buf *b, const char *fn, struct tarn_str expr,
                     const struct tarn_type *t)
{
    tarn_buf_printf(b, "%s(", fn);
    tarn_buf_str(b, expr);
    tarn_buf_z(b, " AS ");
    tarn_engine_type_sql(b, t);
    tarn_buf_put(b, ')');
}

/* CAST(error('column "x" of type date cannot hold ' || ..) AS DATE) */
static void put_error(const struct casting *x, struct tarn_str expr, const struct tarn_type *from,
                      const struct tarn_type *to, bool never)
{
    struct tarn_buf *b = x->c->sql;
    struct tarn_str type = tarn_type_text(x->c->op, to), source = tarn_type_text(x->c->op, from),
                    what = tarn_sprintf(x->c->op, "column \"%.*s\" of type %.*s cannot hold ",
                                        TARN_STR_ARG(x->column), TARN_STR_ARG(type)),
                    of = tarn_sprintf(x->c->op, ", which is of type %.*s", TARN_STR_ARG(source));
    if (!what.ptr || !of.ptr || !type.ptr || !source.ptr)
        return; /* the op knows */
    tarn_buf_z(b, "CAST(error(");
    tarn_buf_sql_text(b, what);
    tarn_buf_z(b, " || coalesce(left(CAST(");
    tarn_buf_str(b, expr);
    tarn_buf_z(b, " AS VARCHAR), 200), 'null')");
    if (never) {
        tarn_buf_z(b, " || ");
        tarn_buf_sql_text(b, of);
    }
    if (x->c->row.ptr && x->depth == 0) {
        tarn_buf_z(b, " || ' in row ' || left(CAST(");
        tarn_buf_str(b, x->c->row);
        tarn_buf_z(b, " AS VARCHAR), 300)");
    }
    tarn_buf_z(b, ") AS ");
    tarn_engine_type_sql(b, to);
    tarn_buf_put(b, ')');
}

/* What a text must look like, beyond what the engine can read: it would round. NULL = anything. */
static struct tarn_str text_pattern(struct tarn_op *op, const struct tarn_type *to)
{
    if (to->kind == TARN_TYPE_INT || to->kind == TARN_TYPE_LONG)
        return TARN_STR("\\s*[+-]?[0-9]+([.]0*)?\\s*");
    if (to->kind == TARN_TYPE_DECIMAL)
        return tarn_sprintf(op, "\\s*[+-]?[0-9]*([.][0-9]{0,%d}0*)?\\s*", to->scale);
    if (to->kind == TARN_TYPE_DATE)
        return TARN_STR("\\s*[+-]?[0-9]+-[0-9]{1,2}-[0-9]{1,2}([ T]0{1,2}:00(:00([.]0*)?)?)?"
                        "( \\(BC\\))?\\s*");
    if (to->kind == TARN_TYPE_TIMESTAMP || to->kind == TARN_TYPE_TIMESTAMPTZ ||
        to->kind == TARN_TYPE_TIME)
        return TARN_STR("[^.]*([.][0-9]{0,6}0*([^0-9.].*)?)?");
    return (struct tarn_str){NULL, 0};
}

/* CASE WHEN expr IS NULL THEN NULL WHEN it does not fit THEN error ELSE CAST END */
static void put_checked(const struct casting *x, struct tarn_str expr, const struct tarn_type *from,
                        const struct tarn_type *to, enum fit fit)
{
    struct tarn_buf *b = x->c->sql;
    struct tarn_str value = expr, pattern = {NULL, 0};
    if (fit == FIT_PARSED)
        pattern = text_pattern(x->c->op, to);
    if (by_text(from, to))
        value = tarn_sprintf(x->c->op, "CAST(%.*s AS VARCHAR)", TARN_STR_ARG(expr));
    if (!value.ptr)
        return; /* the op knows */
    tarn_buf_z(b, "CASE WHEN ");
    tarn_buf_str(b, expr);
    tarn_buf_z(b, " IS NULL THEN NULL ");
    if (fit == FIT_NEVER) {
        tarn_buf_z(b, "ELSE ");
        put_error(x, expr, from, to, true);
        tarn_buf_z(b, " END");
        return;
    }
    tarn_buf_z(b, "WHEN ");
    put_cast(b, "TRY_CAST", value, to);
    tarn_buf_z(b, " IS NULL");
    if (fit == FIT_TRIED) {
        tarn_buf_z(b, " OR TRY_CAST(");
        put_cast(b, "TRY_CAST", value, to);
        tarn_buf_z(b, " AS ");
        tarn_engine_type_sql(b, from);
        tarn_buf_z(b, ") IS DISTINCT FROM ");
        tarn_buf_str(b, expr);
    }
    if (pattern.ptr) {
        tarn_buf_z(b, " OR NOT regexp_full_match(");
        tarn_buf_str(b, expr);
        tarn_buf_z(b, ", ");
        tarn_buf_sql_text(b, pattern);
        tarn_buf_put(b, ')');
    }
    tarn_buf_z(b, " THEN ");
    put_error(x, expr, from, to, false);
    tarn_buf_z(b, " ELSE ");
    put_cast(b, "CAST", value, to);
    tarn_buf_z(b, " END");
}

static enum tarn_status put_value(const struct casting *x, struct tarn_str expr,
                                  const struct tarn_type *from, const struct tarn_type *to);

/* The same below a field: messages name its path. */
static enum tarn_status below(const struct casting *x, struct tarn_str name, struct casting *out)
{
    *out = *x;
    out->column = tarn_sprintf(x->c->op, "%.*s.%.*s", TARN_STR_ARG(x->column), TARN_STR_ARG(name));
    return out->column.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status child_expr(struct tarn_op *op, struct tarn_str expr, struct tarn_str name,
                                   size_t place, struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, CAST_SQL_MAX);
    tarn_buf_z(&b, "struct_extract(");
    tarn_buf_str(&b, expr);
    tarn_buf_z(&b, ", ");
    if (name.len)
        tarn_buf_sql_text(&b, name);
    else
        tarn_buf_printf(&b, "%zu", place + 1);
    tarn_buf_put(&b, ')');
    return (enum tarn_status)tarn_buf_take(op, &b, "an expression", out);
}

static enum tarn_status put_struct(const struct casting *x, struct tarn_str expr,
                                   const struct tarn_type *from, const struct tarn_type *to)
{
    struct tarn_buf *b = x->c->sql;
    tarn_buf_z(b, "struct_pack(");
    for (size_t i = 0; i < to->field_count; i++) {
        const struct tarn_field *f = source_of(from, to, i);
        struct tarn_str inner;
        struct casting field;
        TARN_TRY(below(x, to->fields[i].name, &field));
        tarn_buf_z(b, i ? ", " : "");
        tarn_buf_sql_name(b, to->fields[i].name);
        tarn_buf_z(b, " := ");
        if (!f) {
            TARN_TRY(tarn__column_default(x->c->op, b, &to->fields[i]));
            continue;
        }
        TARN_TRY(child_expr(x->c->op, expr, f->name, (size_t)(f - from->fields), &inner));
        TARN_TRY(put_value(&field, inner, &f->type, &to->fields[i].type));
    }
    tarn_buf_put(b, ')');
    return TARN_OK;
}

/* The key, value or element of an item, which is a lambda's parameter. */
static enum tarn_status put_item(const struct casting *x, const char *expr,
                                 const struct tarn_type *from, const struct tarn_type *to, size_t i)
{
    struct casting item;
    TARN_TRY(below(x, to->fields[i].name, &item));
    item.depth++;
    return put_value(&item, tarn_str_view(expr), &from->fields[i].type, &to->fields[i].type);
}

static enum tarn_status put_items(const struct casting *x, struct tarn_str expr,
                                  const struct tarn_type *from, const struct tarn_type *to)
{
    struct tarn_buf *b = x->c->sql;
    char item[24], key[64], value[64];
    bool map = to->kind == TARN_TYPE_MAP;
    snprintf(item, sizeof item, "\"tarn %d\"", x->depth);
    snprintf(key, sizeof key, "struct_extract(%s, 'key')", item);
    snprintf(value, sizeof value, "struct_extract(%s, 'value')", item);
    tarn_buf_z(b, map ? "map_from_entries(list_transform(map_entries(" : "list_transform(");
    tarn_buf_str(b, expr);
    tarn_buf_printf(b, "%s, lambda %s: ", map ? ")" : "", item);
    if (!map) {
        TARN_TRY(put_item(x, item, from, to, 0));
    } else {
        tarn_buf_z(b, "{'key': ");
        TARN_TRY(put_item(x, key, from, to, 0));
        tarn_buf_z(b, ", 'value': ");
        TARN_TRY(put_item(x, value, from, to, 1));
        tarn_buf_z(b, "})");
    }
    tarn_buf_put(b, ')');
    return TARN_OK;
}

static enum tarn_status put_value(const struct casting *x, struct tarn_str expr,
                                  const struct tarn_type *from, const struct tarn_type *to)
{
    struct tarn_buf *b = x->c->sql;
    enum fit fit = fit_of(from, to);
    if (plain(from, to)) {
        put_cast(b, "CAST", expr, to);
        return TARN_OK;
    }
    if (!tarn_type_is_nested(to) || from->kind != to->kind) {
        put_checked(x, expr, from, to, tarn_type_is_nested(to) ? FIT_NEVER : fit);
        return TARN_OK;
    }
    tarn_buf_z(b, "CASE WHEN ");
    tarn_buf_str(b, expr);
    tarn_buf_z(b, " IS NULL THEN NULL ELSE ");
    TARN_TRY(to->kind == TARN_TYPE_STRUCT ? put_struct(x, expr, from, to)
                                          : put_items(x, expr, from, to));
    tarn_buf_z(b, " END");
    return TARN_OK;
}

/* "column "id" is required, but row {..} has no value for it" */
static enum tarn_status put_required(const struct tarn__cast *c, struct tarn_str expr,
                                     const struct tarn_field *to)
{
    struct tarn_buf *b = c->sql;
    struct tarn_str what =
        tarn_sprintf(c->op, "column \"%.*s\" cannot be null", TARN_STR_ARG(to->name));
    if (!what.ptr)
        return TARN_NOMEM;
    tarn_buf_z(b, "CASE WHEN ");
    tarn_buf_str(b, expr);
    tarn_buf_z(b, " IS NULL THEN CAST(error(");
    tarn_buf_sql_text(b, what);
    if (c->row.ptr) {
        tarn_buf_z(b, " || ', as it is in row ' || left(CAST(");
        tarn_buf_str(b, c->row);
        tarn_buf_z(b, " AS VARCHAR), 300)");
    }
    tarn_buf_z(b, ") AS ");
    tarn_engine_type_sql(b, &to->type);
    tarn_buf_z(b, ") ELSE ");
    return TARN_OK;
}

enum tarn_status tarn__cast_value(const struct tarn__cast *c, struct tarn_str expr,
                                  const struct tarn_type *from, const struct tarn_field *to)
{
    struct casting x = {.c = c, .column = to->name};
    TARN_TRY(check_shape(c->op, from, to));
    if (to->required)
        TARN_TRY(put_required(c, expr, to));
    TARN_TRY(put_value(&x, expr, from, &to->type));
    if (to->required)
        tarn_buf_z(c->sql, " END");
    return c->op->report.status;
}

/* ---- defaults */

enum tarn_status tarn__column_default(struct tarn_op *op, struct tarn_buf *b,
                                      const struct tarn_field *f)
{
    return tarn_engine_default_sql(op, b, f, TARN_DEFAULT_WRITE);
}
