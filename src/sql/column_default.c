/* column_default: DEFAULT in CREATE TABLE and ALTER TABLE: a constant expression as the JSON that a
 * column's metadata hold (spec "Default values").
 *
 * A struct's own default is {}; what its fields have stands with them. So DEFAULT {'x': 0} of a
 * struct is {}, and 0 of its field x. Lists and maps hold their values.
 */
#include "format/batch_text.h"
#include "sql/ddl_int.h"

/* A default on its way: of a column, or of a field inside of one. */
struct giving {
    struct tarn__run *r;
    struct tarn_str user; /* the whole expression, for places */
    bool added;           /* the column is new: older rows have the value, too */
};

/* ---- constants */

enum tarn_status tarn__keep_cell(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                 size_t row)
{
    struct tarn__cell *c = ctx;
    struct tarn_str text = tarn_cell_text(b, 0, row);
    (void)op;
    if (!text.ptr)
        return TARN_OK;
    c->text = tarn_strdup(c->op, text);
    return c->text.ptr ? TARN_OK : TARN_NOMEM;
}

/* SELECT <fn>(<checked cast of d.v>) FROM (SELECT (expr)) AS d(v) */
static enum tarn_status constant_sql(struct tarn_op *op, struct tarn_str expr,
                                     const struct tarn_type *from, const struct tarn_field *f,
                                     struct tarn_buf *b)
{
    const struct tarn__cast cast = {.op = op, .sql = b};
    bool nested = tarn_type_is_nested(&f->type);
    bool bytes = f->type.kind == TARN_TYPE_BINARY || f->type.kind == TARN_TYPE_FIXED;
    tarn_buf_z(b, nested ? "SELECT (" : bytes ? "SELECT hex(" : "SELECT CAST(");
    TARN_TRY(tarn__cast_value(&cast, TARN_STR("d.v"), from, f));
    tarn_buf_z(b, bytes || nested ? ") FROM (SELECT (" : " AS VARCHAR) FROM (SELECT (");
    tarn_buf_str(b, expr);
    tarn_buf_z(b, ")) AS d(v)");
    return (enum tarn_status)tarn_buf_finish(op, b, "a default");
}

static enum tarn_status run(struct giving *g, struct tarn_str expr, const struct tarn_type *from,
                            const struct tarn_field *f, tarn_row_fn *fn, void *ctx)
{
    struct tarn_op *op = g->r->op;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    enum tarn_status status = constant_sql(op, expr, from, f, &b);
    if (status == TARN_OK)
        status = tarn_each_row(&g->r->sql->env->flow, op, tarn_buf_view(&b), fn, ctx);
    tarn_buf_release(&b);
    return status;
}

static enum tarn_status fail_default(struct tarn_op *op, enum tarn_status status,
                                     const struct tarn_field *f)
{
    return tarn_fail(op, status, "column \"%.*s\" cannot have this default", TARN_STR_ARG(f->name));
}

static enum tarn_status primitive(struct giving *g, struct tarn_str expr,
                                  const struct tarn_type *from, const struct tarn_field *f,
                                  struct tarn_str *out)
{
    struct tarn_op *op = g->r->op;
    struct tarn__cell cell = {.op = op};
    struct tarn_value v = {0};
    struct tarn_buf b;
    struct tarn_json_writer w;
    TARN_TRY(run(g, expr, from, f, tarn__keep_cell, &cell));
    if (!cell.text.ptr)
        return TARN_OK; /* NULL: none */
    if (f->type.kind == TARN_TYPE_STRING)
        v.bytes = cell.text;
    else
        TARN_TRY(tarn_value_from_text(op, &f->type, cell.text, &v));
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_json_writer_init(&w, &b);
    enum tarn_status status = tarn_value_to_json(&w, &f->type, &v);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(op, &b, "a default", out);
    tarn_buf_release(&b);
    return fail_default(op, status, f);
}

/* ---- lists and maps */

static enum tarn_status put_items(struct tarn_json_writer *w, const struct tarn_type *t,
                                  const struct tarn_column *c, const struct tarn_column *of,
                                  size_t row);

static enum tarn_status put_single(struct tarn_json_writer *w, const struct tarn_type *t,
                                   const struct tarn_column *c, size_t row)
{
    enum tarn_status status;
    if (tarn_column_is_null(c, row)) {
        tarn_json_put_null(w);
        return TARN_OK;
    }
    if (t->kind == TARN_TYPE_LIST)
        return put_items(w, &t->fields[0].type, &c->children[0], c, row);
    if (t->kind == TARN_TYPE_MAP) {
        tarn_json_begin_object(w);
        tarn_json_key(w, "keys");
        status = put_items(w, &t->fields[0].type, &c->children[0], c, row);
        tarn_json_key(w, "values");
        if (status == TARN_OK)
            status = put_items(w, &t->fields[1].type, &c->children[1], c, row);
        tarn_json_end_object(w);
        return status;
    }
    struct tarn_value v = tarn_column_value(c, row);
    if (t->kind == TARN_TYPE_FIXED && v.bytes.len != (size_t)t->length)
        return TARN_DATA;
    return tarn_value_to_json(w, t, &v);
}

static enum tarn_status put_items(struct tarn_json_writer *w, const struct tarn_type *t,
                                  const struct tarn_column *c, const struct tarn_column *of,
                                  size_t row)
{
    enum tarn_status status = TARN_OK;
    tarn_json_begin_array(w);
    for (size_t i = of->offsets[row]; status == TARN_OK && i < of->offsets[row + 1]; i++)
        status = put_single(w, t, c, i);
    tarn_json_end_array(w);
    return status;
}

struct items { /* a tarn_row_fn's */
    struct tarn_op *op;
    const struct tarn_field *field;
    struct tarn_str json;
};

static enum tarn_status keep_items(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                   size_t row)
{
    struct items *x = ctx;
    struct tarn_json_writer w;
    struct tarn_buf json;
    if (tarn_column_is_null(&b->columns[0], row))
        return TARN_OK;
    tarn_buf_init(&json, (size_t)1 << 20);
    tarn_json_writer_init(&w, &json);
    enum tarn_status status = put_single(&w, &x->field->type, &b->columns[0], row);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(x->op, &json, "a default", &x->json);
    tarn_buf_release(&json);
    return fail_default(op, status, x->field);
}

/* ---- which */

static bool holds_struct(const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].type.kind == TARN_TYPE_STRUCT || holds_struct(&t->fields[i].type))
            return true;
    return false;
}

static bool holds_untold(const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (holds_untold(&t->fields[i].type))
            return true;
    return !tarn_type_is_nested(t) && t->kind >= TARN_TYPE_UNKNOWN;
}

/* "{}", "struct()": a struct whose fields take their own defaults. */
static bool is_empty_struct(struct tarn_str expr)
{
    static const char *const words[] = {"struct", "named_struct", "struct_pack", "row"};
    struct tarn_sql_token t[3];
    size_t n = 0;
    for (size_t p = 0; n < 3 && tarn_sql_token(expr, p, &t[n]); p = t[n++].end)
        continue;
    if (n == 0 || t[n - 1].end != expr.len)
        return false;
    if (n == 2)
        return tarn_sql_token_is(expr, &t[0], "{") && tarn_sql_token_is(expr, &t[1], "}");
    for (size_t i = 0; n == 3 && i < sizeof words / sizeof words[0]; i++)
        if (tarn_sql_token_is(expr, &t[0], words[i]))
            return tarn_sql_token_is(expr, &t[1], "(") && tarn_sql_token_is(expr, &t[2], ")");
    return false;
}

static void give(const struct giving *g, struct tarn_field *f, struct tarn_str json)
{
    f->write_default = json;
    if (g->added)
        f->initial_default = json;
}

static enum tarn_status refuse(struct giving *g, const struct tarn_field *f, const char *why)
{
    (void)tarn_fail(g->r->op, TARN_UNSUPPORTED,
                    "column \"%.*s\" of type %s cannot have a default: %s", TARN_STR_ARG(f->name),
                    tarn_type_text(g->r->op, &f->type).ptr, why);
    return TARN_UNSUPPORTED;
}

static enum tarn_status set_value(struct giving *g, struct tarn_str expr,
                                  const struct tarn_type *from, struct tarn_field *f);

static enum tarn_status set_struct(struct giving *g, struct tarn_str expr,
                                   const struct tarn_type *from, struct tarn_field *f)
{
    struct tarn_op *op = g->r->op;
    give(g, f, TARN_STR("{}"));
    for (size_t i = 0; i < from->field_count; i++) {
        const struct tarn_field *value = &from->fields[i];
        const struct tarn_field *field = tarn__column_named(&f->type, value->name);
        struct tarn_buf b;
        struct tarn_str inner;
        if (!field)
            return tarn_fail(op, TARN_COLUMN, "column \"%.*s\" has no field \"%.*s\"",
                             TARN_STR_ARG(f->name), TARN_STR_ARG(value->name));
        tarn_buf_init(&b, (size_t)1 << 20);
        tarn_buf_printf(&b, "struct_extract((%.*s), ", TARN_STR_ARG(expr));
        tarn_buf_sql_text(&b, value->name);
        tarn_buf_put(&b, ')');
        TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "an expression", &inner));
        TARN_TRY(set_value(g, inner, &value->type, &f->type.fields[field - f->type.fields]));
    }
    return TARN_OK;
}

static enum tarn_status set_value(struct giving *g, struct tarn_str expr,
                                  const struct tarn_type *from, struct tarn_field *f)
{
    struct tarn_str json = {NULL, 0};
    if (from->kind == TARN_TYPE_UNKNOWN) { /* NULL */
        give(g, f, json);
        return TARN_OK;
    }
    if (holds_untold(&f->type) && f->type.kind != TARN_TYPE_STRUCT)
        return refuse(g, f, "it can only be null");
    if (f->type.kind == TARN_TYPE_STRUCT && from->kind == TARN_TYPE_STRUCT)
        return set_struct(g, expr, from, f);
    if (tarn_type_is_nested(&f->type) && holds_struct(&f->type))
        return refuse(g, f, "what holds structs has none in this version");
    if (tarn_type_is_nested(&f->type)) {
        struct items x = {.op = g->r->op, .field = f};
        TARN_TRY(run(g, expr, from, f, keep_items, &x));
        json = x.json;
    } else {
        TARN_TRY(primitive(g, expr, from, f, &json));
    }
    give(g, f, json);
    return TARN_OK;
}

static enum tarn_status describe(struct giving *g, struct tarn_type *out)
{
    struct tarn__run *r = g->r;
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_type type;
    tarn__compose_begin(&c, r->op, r->text);
    tarn_buf_z(&c.sql, "SELECT (");
    tarn__compose_piece(&c, g->user);
    tarn_buf_put(&c.sql, ')');
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn_session_describe(r->sql->env->flow.session, r->op, text, &type));
    *out = type.fields[0].type;
    return TARN_OK;
}

static enum tarn_status check_version(struct tarn__run *r, const struct tarn_field *f, int version)
{
    if (version >= 3)
        return TARN_OK;
    (void)tarn_fail(r->op, TARN_INVALID,
                    "column \"%.*s\" cannot have a default: the table has "
                    "format version %d",
                    TARN_STR_ARG(f->name), version);
    tarn_hint(r->op, "defaults came with version 3: TBLPROPERTIES ('format-version' = '3')");
    return TARN_INVALID;
}

static enum tarn_status set_any(struct giving *g, struct tarn_field *f)
{
    struct tarn_type from;
    if (f->type.kind == TARN_TYPE_STRUCT && is_empty_struct(g->user))
        give(g, f, TARN_STR("{}"));
    else {
        TARN_TRY(describe(g, &from));
        TARN_TRY(set_value(g, g->user, &from, f));
    }
    if (!tarn_type_is_nested(&f->type) || !f->write_default.ptr)
        return TARN_OK;
    g->r->answer->notice = tarn_sprintf(
        g->r->op,
        "column %.*s has a default of a nested type: Iceberg's Java library refuses such tables",
        TARN_STR_ARG(f->name));
    return g->r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__set_default(struct tarn__run *r, const struct tarn__default *of,
                                   struct tarn_field *f)
{
    struct giving g = {.r = r, .user = of->expr, .added = of->added};
    size_t offset = tarn__offset(&r->words, of->expr);
    if (tarn_str_eq_nocase(of->expr, TARN_STR("NULL"))) {
        give(&g, f, (struct tarn_str){NULL, 0});
        return TARN_OK;
    }
    enum tarn_status status = check_version(r, f, of->format_version);
    if (status == TARN_OK)
        status = set_any(&g, f);
    if (status != TARN_OK && r->op->report.line == 0)
        tarn__place_at(&r->words, offset);
    return status;
}
