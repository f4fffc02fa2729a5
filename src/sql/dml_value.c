/* dml_value: what a column of a changed row holds: what it held, or a value as INSERT would store
 * it (insert_cast.c): never rounded or cut in silence. */
#include "sql/ddl_int.h"
#include "sql/dml_int.h"

/* ---- constants */

/* It has no type, and so fits every column. */
bool tarn__dml_is_null(struct tarn_str expr)
{
    struct tarn_sql_token t;
    return expr.ptr && tarn_sql_token(expr, 0, &t) && t.begin == 0 && t.end == expr.len &&
           tarn_sql_token_is(expr, &t, "NULL");
}

/* ---- assignment */

enum tarn_status tarn__dml_place_set(struct tarn__dml *d, const struct tarn__set *s,
                                     enum tarn_status status)
{
    struct tarn_str user = d->r->text.sql;
    size_t offset = s->offset;
    if (s->expr.ptr >= user.ptr && s->expr.ptr < user.ptr + user.len)
        offset = (size_t)(s->expr.ptr - user.ptr);
    if (d->r->op != d->op) {
        d->r->op->report = d->op->report;
        tarn_clear(d->op);
    }
    tarn__place_at(&d->r->words, offset);
    return status;
}

static void put_null(struct tarn_buf *b, const struct tarn_type *type)
{
    tarn_buf_z(b, "CAST(NULL AS ");
    tarn_engine_type_sql(b, type);
    tarn_buf_put(b, ')');
}

#define SHOWN_MAX 4

/* What is said of a row in messages: columns that stay, of a new one what else is given. */
static enum tarn_status row_sql(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                struct tarn_str *out)
{
    const struct tarn__action *a = &p->actions[k];
    const char *between = "struct_pack(";
    struct tarn_buf b;
    size_t shown = 0;
    tarn_buf_init(&b, 1 << 20);
    for (size_t i = 0; p->standing && i < d->root->field_count && shown < SHOWN_MAX; i++) {
        if (!tarn__dml_keeps(d, p, i) || tarn_type_is_nested(&d->root->fields[i].type))
            continue;
        tarn_buf_z(&b, shown++ ? ", " : between);
        tarn_buf_sql_name(&b, d->root->fields[i].name);
        tarn_buf_printf(&b, " := \"tarn o%zu\"", i);
    }
    for (size_t i = 0; !p->standing && i < a->count && shown < SHOWN_MAX; i++) {
        if (!a->sets[i].slot.ptr || tarn_type_is_nested(&a->sets[i].type))
            continue;
        tarn_buf_z(&b, shown++ ? ", " : between);
        tarn_buf_sql_name(&b, a->sets[i].path[0]->name);
        tarn_buf_printf(&b, " := %.*s", TARN_STR_ARG(a->sets[i].slot));
    }
    *out = (struct tarn_str){NULL, 0};
    if (shown)
        tarn_buf_put(&b, ')');
    if (shown)
        return (enum tarn_status)tarn_buf_take(d->op, &b, "a row", out);
    tarn_buf_release(&b);
    return TARN_OK;
}

/* A field inside of a column by its whole path. */
static enum tarn_status name_path(struct tarn_op *op, const struct tarn__set *s,
                                  struct tarn_str *out)
{
    *out = s->path[0]->name;
    for (size_t i = 1; i < s->depth && out->ptr; i++)
        *out = tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(*out), TARN_STR_ARG(s->path[i]->name));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status assign(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                               const struct tarn__set *s, struct tarn_str value,
                               const struct tarn_type *from, struct tarn_buf *b)
{
    struct tarn__cast cast = {.op = d->op, .sql = b};
    struct tarn_field to = *s->path[s->depth - 1];
    TARN_TRY(row_sql(d, p, k, &cast.row));
    TARN_TRY(name_path(d->op, s, &to.name));
    enum tarn_status status = tarn__cast_value(&cast, value, from, &to);
    return status == TARN_OK ? status : tarn__dml_place_set(d, s, status);
}

/* ---- rows after the statement */

enum tarn_status tarn__dml_set_value(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                     const struct tarn__set *s, struct tarn_buf *b)
{
    const struct tarn_field *to = s->path[s->depth - 1];
    struct tarn_buf null;
    struct tarn_str value;
    if (s->expr.ptr && s->slot.ptr)
        return assign(d, p, k, s, s->slot, &s->type, b);
    if (!to->required || (!s->expr.ptr && to->write_default.ptr)) {
        if (!s->expr.ptr)
            return tarn__column_default(d->op, b, to);
        put_null(b, &to->type);
        return TARN_OK;
    }
    tarn_buf_init(&null, 65536);
    put_null(&null, &to->type);
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &null, "a value", &value));
    return assign(d, p, k, s, value, &to->type, b);
}

/* A struct with some of its fields set: {'x': old.x, 'y': new}. A null one becomes one. */
static enum tarn_status rebuild(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                size_t column, const struct tarn_field *f, size_t depth,
                                struct tarn_str old, struct tarn_buf *b)
{
    const struct tarn__action *a = &p->actions[k];
    const struct tarn__set *below = NULL;
    for (size_t i = 0; i < a->count; i++) {
        const struct tarn__set *s = &a->sets[i];
        if (s->column != column || s->depth < depth || s->path[depth - 1] != f)
            continue;
        if (s->depth == depth)
            return tarn__dml_set_value(d, p, k, s, b);
        below = s;
    }
    if (!below) {
        tarn_buf_str(b, old);
        return TARN_OK;
    }
    tarn_buf_put(b, '{');
    for (size_t i = 0; i < f->type.field_count; i++) {
        struct tarn_buf inner;
        struct tarn_str path;
        tarn_buf_init(&inner, 65536);
        tarn_buf_printf(&inner, "(%.*s).", TARN_STR_ARG(old));
        tarn_buf_sql_name(&inner, f->type.fields[i].name);
        TARN_TRY((enum tarn_status)tarn_buf_take(d->op, &inner, "a field", &path));
        tarn_buf_z(b, i ? ", " : "");
        tarn_buf_sql_text(b, f->type.fields[i].name);
        tarn_buf_z(b, ": ");
        TARN_TRY(rebuild(d, p, k, column, &f->type.fields[i], depth + 1, path, b));
    }
    tarn_buf_put(b, '}');
    return TARN_OK;
}

/* A column that INSERT does not name. */
static enum tarn_status left_out(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                 const struct tarn_field *f, struct tarn_buf *b)
{
    struct tarn__set none = {.path = {f}, .depth = 1, .offset = d->target.offset};
    return tarn__dml_set_value(d, p, k, &none, b);
}

static enum tarn_status action_value(struct tarn__dml *d, const struct tarn__part *p, size_t k,
                                     size_t i, struct tarn_str *out)
{
    const struct tarn__action *a = &p->actions[k];
    const struct tarn_field *f = &d->root->fields[i];
    struct tarn_str old = tarn_sprintf(d->op, "\"tarn o%zu\"", i);
    struct tarn_buf b;
    bool set = false;
    for (size_t n = 0; n < a->count; n++)
        set = set || a->sets[n].column == i;
    if (!old.ptr)
        return TARN_NOMEM;
    tarn_buf_init(&b, 16 << 20);
    enum tarn_status status = TARN_OK;
    if (a->act == TARN__ACT_DELETE && !tarn__dml_keeps(d, p, i))
        put_null(&b, &f->type); /* nobody asks */
    else if (a->act == TARN__ACT_INSERT && !set)
        status = left_out(d, p, k, f, &b);
    else
        status = rebuild(d, p, k, i, f, 1, old, &b);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(d->op, &b, "an expression", out);
    tarn_buf_release(&b);
    return status;
}

enum tarn_status tarn__dml_new_value(struct tarn__dml *d, const struct tarn__part *p, size_t i,
                                     struct tarn_buf *b)
{
    struct tarn_str *values;
    bool same = true;
    if (d->root->fields[i].type.kind == TARN_TYPE_UNKNOWN) {
        tarn_buf_z(b, "NULL");
        return TARN_OK;
    }
    TARN_NEW_ARRAY(d->op, values, p->count + 1);
    for (size_t k = 0; k < p->count; k++) {
        TARN_TRY(action_value(d, p, k, i, &values[k]));
        same = same && tarn_str_eq(values[k], values[0]);
    }
    if (same) {
        tarn_buf_str(b, values[0]);
        return TARN_OK;
    }
    tarn_buf_z(b, "CASE \"tarn act\"");
    for (size_t k = 0; k < p->count; k++)
        if (p->actions[k].act != TARN__ACT_NOTHING)
            tarn_buf_printf(b, " WHEN %zu THEN %.*s", k, TARN_STR_ARG(values[k]));
    tarn_buf_z(b, " END");
    return TARN_OK;
}
