/* merge_bounds: which rows of the target a source can match at all.
 *
 * ON is cut into conditions that all must hold. Of "t.k = <expression of the source>" the source's
 * rows tell which values k can have: a list when they are few, the least and the greatest else. With
 * that the files of the target are chosen. Whatever is not understood tells nothing.
 */
#include "sql/merge_int.h"

#define LIST_MAX 100
#define TEXT_MAX 200 /* bytes of a value that is put into a statement */

/* ---- sides */

/* t.k, k, ns.t.k: the target's column, SIZE_MAX if it is anything else. */
static size_t target_column(struct tarn__dml *d, const struct tarn__merging *m,
                            struct tarn_str side)
{
    struct tarn__words w;
    struct tarn__dotted name;
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_op *op = d->op;
    size_t at = SIZE_MAX;
    tarn__compose_begin(&c, op, d->r->text);
    tarn__dml_put(d, &c, side);
    if (tarn__compose_end(&c, &text) != TARN_OK)
        return SIZE_MAX;
    tarn__words_begin(&w, op, text);
    if (w.token.kind != TARN_SQL_WORD && w.token.kind != TARN_SQL_QUOTED)
        return SIZE_MAX;
    if (tarn__take_dotted(&w, &name) == TARN_OK && w.end) {
        if (name.count == 2 && tarn_str_eq_nocase(name.parts[0], d->alias))
            at = tarn__dml_column(d->root, name.parts[1]);
        else if (name.count == 1 && tarn__dml_column(&m->source_type, name.parts[0]) == SIZE_MAX)
            at = tarn__dml_column(d->root, name.parts[0]);
    }
    tarn_clear(op);
    return at;
}

/* Does SELECT <piece> FROM <relation> mean something? */
static bool binds(struct tarn__dml *d, struct tarn_str piece, bool target, struct tarn_type *out)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_type type;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT (" : "SELECT (");
    tarn__dml_put(d, &c, piece);
    tarn_buf_z(&c.sql, "\n) AS x FROM ");
    if (target) {
        tarn__dml_put_table(d, &c);
    } else {
        tarn_buf_z(&c.sql, "temp.main.\"tarn source\" AS ");
        tarn_buf_sql_name(&c.sql, d->source);
    }
    enum tarn_status status = tarn__compose_end(&c, &text);
    if (status == TARN_OK)
        status = tarn_session_describe(d->r->sql->env->flow.session, d->op, text, &type);
    tarn_clear(d->op);
    if (status == TARN_OK && type.field_count == 1)
        *out = type.fields[0].type;
    return status == TARN_OK && type.field_count == 1;
}

/* ---- values */

struct values {
    struct tarn_op *op;
    struct tarn_str items[LIST_MAX + 1];
    size_t count;
    bool long_text;
};

static enum tarn_status take_value(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                   size_t row)
{
    struct values *v = ctx;
    for (size_t i = 0; i < b->column_count && v->count <= LIST_MAX; i++) {
        struct tarn_str text = tarn_cell_text(b, i, row);
        if (!text.ptr)
            continue;
        v->long_text = v->long_text || text.len > TEXT_MAX;
        v->items[v->count] = tarn_strdup(op, text);
        if (!v->items[v->count++].ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status ask(struct tarn__dml *d, const char *select, struct tarn_str expr,
                            const char *behind, struct values *v)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    *v = (struct values){.op = d->op};
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_printf(&c.sql, "%s%s FROM (SELECT (", d->with.len ? "\n" : "", select);
    tarn__dml_put(d, &c, expr);
    tarn_buf_z(&c.sql, "\n) AS x FROM temp.main.\"tarn source\" AS ");
    tarn_buf_sql_name(&c.sql, d->source);
    tarn_buf_printf(&c.sql, ")%s", behind);
    TARN_TRY(tarn__compose_end(&c, &text));
    return tarn_each_row(&d->r->sql->env->flow, d->op, text.sql, take_value, v);
}

static bool is_whole(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT || t->kind == TARN_TYPE_LONG;
}

/* The source's values compare with the column's as they are written. */
static bool comparable(const struct tarn_type *source, const struct tarn_type *column)
{
    switch (column->kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return is_whole(source) || (source->kind == TARN_TYPE_DECIMAL && source->scale == 0);
    case TARN_TYPE_DECIMAL:
        return source->kind == TARN_TYPE_DECIMAL || is_whole(source);
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
        return source->kind == column->kind;
    default:
        return false;
    }
}

/* Whole numbers that the column's type has; other numbers as the source has them. */
static bool put_value(struct tarn_buf *b, struct tarn_str text, const struct tarn_type *source,
                      const struct tarn_type *column)
{
    int64_t n;
    if (is_whole(column)) {
        if (!tarn_str_to_i64(text, &n) ||
            (column->kind == TARN_TYPE_INT && (n < INT32_MIN || n > INT32_MAX)))
            return false;
        tarn_buf_printf(b, "CAST(%lld AS ", (long long)n);
        tarn_engine_type_sql(b, column);
    } else {
        tarn_buf_z(b, "CAST(");
        tarn_buf_sql_text(b, text);
        tarn_buf_z(b, " AS ");
        tarn_engine_type_sql(b, source);
    }
    tarn_buf_put(b, ')');
    return true;
}

static bool put_list(struct tarn_buf *b, const struct values *v, const struct tarn_type *source,
                     const struct tarn_type *column)
{
    bool fits = true;
    tarn_buf_z(b, " IN (");
    for (size_t i = 0; i < v->count && fits; i++) {
        tarn_buf_z(b, i ? ", " : "");
        fits = put_value(b, v->items[i], source, column);
    }
    tarn_buf_put(b, ')');
    return fits;
}

static enum tarn_status bound_of(struct tarn__dml *d, struct tarn__merging *m, size_t column,
                                 struct tarn_str expr, const struct tarn_type *type)
{
    const struct tarn_type *to = &d->root->fields[column].type;
    struct tarn_str limit = tarn_sprintf(d->op, " WHERE x IS NOT NULL LIMIT %d", LIST_MAX + 1);
    struct values *v;
    struct tarn_buf b;
    if (!limit.ptr)
        return TARN_NOMEM;
    TARN_NEW(d->op, v);
    TARN_TRY(ask(d, "SELECT DISTINCT CAST(x AS VARCHAR)", expr, limit.ptr, v));
    m->impossible = m->impossible || v->count == 0;
    bool list = v->count <= LIST_MAX, fits = v->count > 0;
    if (!list)
        TARN_TRY(ask(d, "SELECT CAST(min(x) AS VARCHAR), CAST(max(x) AS VARCHAR)", expr, "", v));
    if (v->long_text || !fits || (!list && v->count != 2))
        return TARN_OK;
    tarn_buf_init(&b, 1 << 20);
    if (list) {
        fits = put_list(&b, v, type, to);
    } else {
        tarn_buf_z(&b, " BETWEEN ");
        fits = put_value(&b, v->items[0], type, to);
        tarn_buf_z(&b, " AND ");
        fits = fits && put_value(&b, v->items[1], type, to);
    }
    struct tarn__merge_bound *bound = &m->bounds[m->bound_count];
    bound->column = column;
    enum tarn_status status = (enum tarn_status)tarn_buf_take(d->op, &b, "a filter", &bound->sql);
    m->bound_count += status == TARN_OK && fits;
    return status;
}

/* ---- both */

static void remember_key(struct tarn__dml *d, size_t column)
{
    if (d->key_count < sizeof d->key / sizeof d->key[0])
        d->key[d->key_count++] = column;
}

/* A text may bring a collation along, by which other texts equal it; its type does not tell. */
static enum tarn_status source_collates(struct tarn__dml *d, bool *out)
{
    struct values *v;
    TARN_NEW(d->op, v);
    v->op = d->op;
    TARN_TRY(tarn_each_row(&d->r->sql->env->flow, d->op,
                           TARN_STR("SELECT table_name FROM duckdb_tables() WHERE temporary AND "
                                    "table_name = 'tarn source' AND contains(sql, ' COLLATE ')"),
                           take_value, v));
    *out = v->count > 0;
    return TARN_OK;
}

static enum tarn_status look_at(struct tarn__dml *d, struct tarn__merging *m, struct tarn_str piece)
{
    struct tarn_str left, right;
    struct tarn_type type;
    if (tarn__condition_equality(piece, &left, &right)) {
        size_t column = target_column(d, m, left);
        if (column == SIZE_MAX) {
            struct tarn_str swap = left;
            column = target_column(d, m, right);
            left = right;
            right = swap;
        }
        if (column != SIZE_MAX && binds(d, right, false, &type)) {
            remember_key(d, column);
            bool collates = false;
            if (type.kind == TARN_TYPE_STRING)
                TARN_TRY(source_collates(d, &collates));
            if (collates || !comparable(&type, &d->root->fields[column].type) ||
                m->bound_count == sizeof m->bounds / sizeof m->bounds[0])
                return TARN_OK;
            return bound_of(d, m, column, right, &type);
        }
    }
    if (m->own_count < sizeof m->own / sizeof m->own[0] && binds(d, piece, true, &type))
        m->own[m->own_count++] = piece;
    return TARN_OK;
}

enum tarn_status tarn__merge_bounds(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn_str pieces[32];
    size_t n = tarn__condition_split(m->on, pieces, sizeof pieces / sizeof pieces[0]);
    for (size_t i = 0; i < n; i++)
        TARN_TRY(look_at(d, m, pieces[i]));
    return TARN_OK;
}

void tarn__merge_put_bounds(const struct tarn__dml *d, const struct tarn__merging *m,
                            struct tarn__compose *c)
{
    for (size_t i = 0; i < m->bound_count; i++) {
        tarn_buf_z(&c->sql, " AND ");
        tarn__dml_put_alias(d, c);
        tarn_buf_put(&c->sql, '.');
        tarn_buf_sql_name(&c->sql, d->root->fields[m->bounds[i].column].name);
        tarn_buf_str(&c->sql, m->bounds[i].sql);
    }
}
