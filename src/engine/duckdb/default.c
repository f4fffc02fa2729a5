/* default: a field's default as SQL (spec "Default values", "JSON single-value serialization").
 *
 * A struct's default is {}: its fields take their own, at any depth. Lists and maps hold their
 * values: [1, null], {"keys": [..], "values": [..]}; a struct inside of those is an object by field
 * id, and a field that it lacks takes its default.
 */
#include <string.h>

#include "engine/duckdb/engine_int.h"

struct putting {
    struct tarn_op *op;
    struct tarn_buf *b;
    enum tarn_default which;
    struct tarn_str column; /* for messages */
};

static enum tarn_status put_value(const struct putting *x, const struct tarn_type *t,
                                  const struct tarn_json *j);

static enum tarn_status fail_value(const struct putting *x, const struct tarn_type *t)
{
    struct tarn_str type = tarn_type_text(x->op, t);
    return tarn_fail(x->op, TARN_CORRUPT, "the default of \"%.*s\" is no value of type %.*s",
                     TARN_STR_ARG(x->column), TARN_STR_ARG(type));
}

static void put_as(const struct putting *x, const struct tarn_type *t)
{
    tarn_buf_z(x->b, " AS ");
    tarn__type_sql(x->b, t);
    tarn_buf_put(x->b, ')');
}

/* Bytes as the engine casts them from text: \xAB for each. */
static void put_bytes(struct tarn_buf *b, struct tarn_str bytes)
{
    tarn_buf_put(b, '\'');
    for (size_t i = 0; i < bytes.len; i++)
        tarn_buf_printf(b, "\\x%02X", (unsigned char)bytes.ptr[i]);
    tarn_buf_put(b, '\'');
}

/* A writer that promoted a column may have left its default as it was: a date. */
static bool was_date(const struct tarn_type *t, const struct tarn_json *j)
{
    return (t->kind == TARN_TYPE_TIMESTAMP || t->kind == TARN_TYPE_TIMESTAMP_NS) &&
           j->kind == TARN_JSON_K_STRING && !memchr(j->text.ptr, 'T', j->text.len);
}

static enum tarn_status put_primitive(const struct putting *x, const struct tarn_type *t,
                                      const struct tarn_json *j)
{
    static const struct tarn_type date = {.kind = TARN_TYPE_DATE};
    struct tarn_value v;
    if (was_date(t, j))
        t = &date; /* the engine casts its text */
    TARN_TRY_WHILE(x->op, tarn_value_from_json(x->op, t, j, &v), "reading the default of \"%.*s\"",
                   TARN_STR_ARG(x->column));
    if (t->kind == TARN_TYPE_BINARY || t->kind == TARN_TYPE_FIXED) {
        put_bytes(x->b, v.bytes);
        return TARN_OK;
    }
    struct tarn_str text = tarn_value_text(x->op, t, &v);
    if (!text.ptr)
        return TARN_NOMEM;
    tarn_buf_sql_text(x->b, text);
    return TARN_OK;
}

static const struct tarn_json *member_by_id(const struct tarn_json *j, int32_t id)
{
    int64_t n;
    for (const struct tarn_json *m = j->first; m; m = m->next)
        if (tarn_str_to_i64(m->key, &n) && n == id)
            return m;
    return NULL;
}

static enum tarn_status put_struct(const struct putting *x, const struct tarn_type *t,
                                   const struct tarn_json *j)
{
    if (j->kind != TARN_JSON_K_OBJECT)
        return fail_value(x, t);
    tarn_buf_z(x->b, "struct_pack(");
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        const struct tarn_json *value = member_by_id(j, f->id);
        tarn_buf_z(x->b, i > 0 ? ", " : "");
        tarn_buf_sql_name(x->b, f->name);
        tarn_buf_z(x->b, " := ");
        TARN_TRY(value ? put_value(x, &f->type, value)
                       : tarn_engine_default_sql(x->op, x->b, f, x->which));
    }
    tarn_buf_put(x->b, ')');
    return TARN_OK;
}

static enum tarn_status put_items(const struct putting *x, const struct tarn_type *t,
                                  const struct tarn_json *items)
{
    if (!items || items->kind != TARN_JSON_K_ARRAY)
        return fail_value(x, t);
    tarn_buf_put(x->b, '[');
    for (const struct tarn_json *e = items->first; e; e = e->next) {
        TARN_TRY(put_value(x, t, e));
        tarn_buf_z(x->b, e->next ? ", " : "");
    }
    tarn_buf_put(x->b, ']');
    return TARN_OK;
}

static enum tarn_status put_map(const struct putting *x, const struct tarn_type *t,
                                const struct tarn_json *j)
{
    const struct tarn_json *keys = tarn_json_get(j, "keys"), *values = tarn_json_get(j, "values");
    if (j->kind != TARN_JSON_K_OBJECT || !keys || !values || keys->count != values->count)
        return fail_value(x, t);
    tarn_buf_z(x->b, "map(");
    TARN_TRY(put_items(x, &t->fields[0].type, keys));
    tarn_buf_z(x->b, ", ");
    TARN_TRY(put_items(x, &t->fields[1].type, values));
    tarn_buf_put(x->b, ')');
    return TARN_OK;
}

static enum tarn_status put_value(const struct putting *x, const struct tarn_type *t,
                                  const struct tarn_json *j)
{
    if (j && j->kind != TARN_JSON_K_NULL && t->kind == TARN_TYPE_STRUCT)
        return put_struct(x, t, j);
    tarn_buf_z(x->b, "CAST(");
    if (!j || j->kind == TARN_JSON_K_NULL)
        tarn_buf_z(x->b, "NULL");
    else if (t->kind == TARN_TYPE_LIST)
        TARN_TRY(put_items(x, &t->fields[0].type, j));
    else if (t->kind == TARN_TYPE_MAP)
        TARN_TRY(put_map(x, t, j));
    else
        TARN_TRY(put_primitive(x, t, j));
    put_as(x, t);
    return TARN_OK;
}

static enum tarn_status parsed(struct tarn_op *op, const struct tarn_field *f,
                               enum tarn_default which, struct tarn_json **out)
{
    struct tarn_str text = which == TARN_DEFAULT_INITIAL ? f->initial_default : f->write_default;
    *out = NULL;
    if (!text.ptr)
        return TARN_OK;
    TARN_TRY_WHILE(op, tarn_json_parse(op, text, "a column's default", out),
                   "reading the default of \"%.*s\"", TARN_STR_ARG(f->name));
    if ((*out)->kind == TARN_JSON_K_NULL)
        *out = NULL;
    return TARN_OK;
}

enum tarn_status tarn_engine_default_sql(struct tarn_op *op, struct tarn_buf *b,
                                         const struct tarn_field *f, enum tarn_default which)
{
    const struct putting x = {.op = op, .b = b, .which = which, .column = f->name};
    struct tarn_json *j;
    TARN_TRY(parsed(op, f, which, &j));
    return put_value(&x, &f->type, j);
}

enum tarn_status tarn__default_text_sql(struct tarn_op *op, struct tarn_buf *b,
                                        const struct tarn_field *f)
{
    const struct putting x = {.op = op, .b = b, .column = f->name};
    struct tarn_json *j;
    TARN_TRY(parsed(op, f, TARN_DEFAULT_INITIAL, &j));
    if (j && !tarn_type_is_nested(&f->type))
        return put_primitive(&x, &f->type, j);
    tarn_buf_z(b, "NULL");
    return TARN_OK;
}
