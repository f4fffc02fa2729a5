/* insert_rows: the rows of a query into a change of a table.
 *
 * The query is put into one that casts its columns onto the table's, by place or by name:
 *
 *     SELECT CAST(..) AS "id", .. FROM (<query>) AS "tarn row"("id", ..)
 *
 * and the engine writes what comes out.
 */
#include "sql/ddl_int.h"
#include "sql/explain_int.h"

#define CASTS_MAX ((size_t)16 << 20)
#define ROW       "\"tarn row\""
#define ONE       "tarn one row"

#define PLACED_ROWS_MAX 1000 /* of VALUES that are tried for their place */

/* Which column of the query goes to which of the table. */
struct mapping {
    const struct tarn_schema *schema;
    const struct tarn_field **targets; /* of the query's columns, in order */
    size_t count;
};

struct writing {
    struct tarn__run *r;
    const struct tarn__rows_of_query *q;
    struct tarn_change *change;
    struct mapping map;
    struct tarn_type type; /* of the query */
};

/* ---- the query's text: DEFAULT in VALUES becomes the column's */

static enum tarn_status default_of(struct writing *x, size_t column, struct tarn_buf *b)
{
    const struct tarn_field *f = column < x->map.count ? x->map.targets[column] : NULL;
    if (!f) {
        tarn_buf_z(b, "NULL"); /* too many columns: told later */
        return TARN_OK;
    }
    return tarn__column_default(x->r->op, b, f);
}

static bool stands_alone(const struct tarn__words *at, struct tarn_str before)
{
    struct tarn__words next = *at;
    tarn__skip(&next);
    return (tarn_str_is(before, "(") || tarn_str_is(before, ",")) &&
           (tarn__at(&next, ")") || tarn__at(&next, ","));
}

static enum tarn_status put_query(struct writing *x, struct tarn__compose *c)
{
    struct tarn_str query = x->q->query, before = {NULL, 0};
    struct tarn__words w;
    size_t depth = 0, column = 0, from = 0;
    tarn__words_begin(&w, x->r->op, (struct tarn_sql_text){.sql = query});
    if (!tarn__at(&w, "VALUES") || x->q->by_name) {
        tarn__compose_piece(c, query);
        return TARN_OK;
    }
    for (; !w.end; tarn__skip(&w)) {
        struct tarn_str word = tarn__word(&w);
        if (tarn__at(&w, "DEFAULT") && depth == 1 && stands_alone(&w, before)) {
            tarn__compose_piece(c, tarn_str_of(query.ptr + from, w.token.begin - from));
            TARN_TRY(default_of(x, column, &c->sql));
            from = w.token.end;
        }
        if (tarn__at(&w, "(") || tarn__at(&w, "[") || tarn__at(&w, "{"))
            column = depth++ ? column : 0;
        else if ((tarn__at(&w, ")") || tarn__at(&w, "]") || tarn__at(&w, "}")) && depth)
            depth--;
        else if (tarn__at(&w, ",") && depth == 1)
            column++;
        before = word;
    }
    tarn__compose_piece(c, tarn_str_of(query.ptr + from, query.len - from));
    return TARN_OK;
}

static enum tarn_status put_source(struct writing *x, struct tarn__compose *c)
{
    const struct tarn__rows_of_query *q = x->q;
    for (size_t i = 0; i < q->constant_count; i++) {
        tarn_buf_z(&c->sql, i ? ", (" : "SELECT *, (");
        tarn__compose_piece(c, q->constants[i].value);
        tarn_buf_z(&c->sql, ") AS ");
        tarn_buf_sql_name(&c->sql, q->constants[i].name);
    }
    if (q->constant_count)
        tarn_buf_z(&c->sql, " FROM (");
    if (q->with.ptr) {
        tarn__compose_piece(c, q->with);
        tarn_buf_put(&c->sql, ' ');
    }
    TARN_TRY(put_query(x, c));
    tarn_buf_z(&c->sql, q->constant_count ? ")" : "");
    return TARN_OK;
}

/* ---- columns */

static enum tarn_status map_all(struct writing *x)
{
    struct mapping *m = &x->map;
    const struct tarn_type *root = &m->schema->root;
    m->count = root->field_count;
    TARN_NEW_ARRAY(x->r->op, m->targets, m->count + 1);
    for (size_t i = 0; i < m->count; i++)
        m->targets[i] = &root->fields[i];
    return TARN_OK;
}

static enum tarn_status map_listed(struct writing *x)
{
    struct mapping *m = &x->map;
    m->count = x->q->column_count;
    TARN_NEW_ARRAY(x->r->op, m->targets, m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        struct tarn_str name = x->q->columns[i];
        m->targets[i] = tarn__column_named(&m->schema->root, name);
        if (!m->targets[i] && x->q->evolve)
            continue; /* it may be one that comes */
        if (!m->targets[i])
            return tarn__fail_column(x->r, &m->schema->root, name,
                                     tarn__offset(&x->r->words, x->q->query));
        for (size_t k = 0; k < i; k++)
            if (m->targets[k] == m->targets[i])
                return tarn_fail(x->r->op, TARN_SQL, "column \"%.*s\" is named twice",
                                 TARN_STR_ARG(name));
    }
    return TARN_OK;
}

static enum tarn_status map_by_name(struct writing *x)
{
    struct mapping *m = &x->map;
    m->count = x->type.field_count;
    TARN_NEW_ARRAY(x->r->op, m->targets, m->count + 1);
    for (size_t i = 0; i < m->count; i++) {
        struct tarn_str name = x->type.fields[i].name;
        m->targets[i] = tarn__column_named(&m->schema->root, name);
        if (!m->targets[i])
            return tarn__fail_column(x->r, &m->schema->root, name,
                                     tarn__offset(&x->r->words, x->q->query));
        for (size_t k = 0; k < i; k++)
            if (m->targets[k] == m->targets[i])
                return tarn_fail(x->r->op, TARN_SCHEMA, "the query has two columns named \"%.*s\"",
                                 TARN_STR_ARG(name));
    }
    return TARN_OK;
}

static enum tarn_status check_count(struct writing *x)
{
    struct tarn__run *r = x->r;
    size_t given = x->type.field_count, wanted = x->map.count;
    if (given == wanted)
        return TARN_OK;
    given -= x->q->constant_count; /* what the user wrote */
    wanted -= x->q->constant_count;
    (void)tarn_fail(r->op, TARN_SCHEMA, "the query makes %zu column%s for %zu of the table", given,
                    given == 1 ? "" : "s", wanted);
    if (!x->q->columns)
        tarn_hint(r->op, given < wanted ? "name the columns that are given: INSERT INTO t (a, b) .."
                                        : "name the columns of the query that are wanted");
    tarn__place_at(&r->words, tarn__offset(&r->words, x->q->query));
    return TARN_SCHEMA;
}

static bool is_given(const struct mapping *m, const struct tarn_field *f)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->targets[i] == f)
            return true;
    return false;
}

static enum tarn_status put_missing(struct writing *x, struct tarn_buf *b,
                                    const struct tarn_field *f)
{
    if (f->required && !f->write_default.ptr) {
        (void)tarn_fail(x->r->op, TARN_SCHEMA,
                        "column \"%.*s\" cannot be null and is given no value",
                        TARN_STR_ARG(f->name));
        tarn__place_at(&x->r->words, tarn__offset(&x->r->words, x->q->query));
        return TARN_SCHEMA;
    }
    return tarn__column_default(x->r->op, b, f);
}

static enum tarn_status put_given(struct writing *x, const struct tarn__cast *cast,
                                  const struct tarn_field *f)
{
    struct tarn_buf name;
    struct tarn_str expr;
    size_t at = 0;
    while (x->map.targets[at] != f)
        at++;
    tarn_buf_init(&name, 65536);
    tarn_buf_z(&name, ROW ".");
    tarn_buf_sql_name(&name, f->name);
    TARN_TRY((enum tarn_status)tarn_buf_take(x->r->op, &name, "a name", &expr));
    return tarn__cast_value(cast, expr, &x->type.fields[at].type, f);
}

/* A column of type unknown is in no file: it is left out, but for RETURNING. */
static enum tarn_status put_columns(struct writing *x, struct tarn_buf *b)
{
    const struct tarn_type *root = &x->map.schema->root;
    const struct tarn__cast cast = {x->r->op, b, TARN_STR(ROW)};
    const char *comma = "";
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        bool unknown = f->type.kind == TARN_TYPE_UNKNOWN;
        if (unknown && !x->q->into.ptr)
            continue;
        tarn_buf_z(b, comma);
        comma = ", ";
        if (unknown)
            tarn_buf_z(b, "CAST(NULL AS INTEGER)");
        else
            TARN_TRY(is_given(&x->map, f) ? put_given(x, &cast, f) : put_missing(x, b, f));
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, f->name);
    }
    return TARN_OK;
}

/* It holds nulls alone. */
static void put_unknown_checks(struct writing *x, struct tarn_buf *b)
{
    const char *and = " WHERE ";
    for (size_t i = 0; i < x->map.count; i++) {
        const struct tarn_field *f = x->map.targets[i];
        struct tarn_str what = tarn_sprintf(
            x->r->op, "column \"%.*s\" of type unknown holds no values", TARN_STR_ARG(f->name));
        if (f->type.kind != TARN_TYPE_UNKNOWN || !what.ptr)
            continue;
        tarn_buf_printf(b, "%sCASE WHEN " ROW ".", and);
        tarn_buf_sql_name(b, f->name);
        tarn_buf_z(b, " IS NULL THEN true ELSE CAST(error(");
        tarn_buf_sql_text(b, what);
        tarn_buf_z(b, ") AS BOOLEAN) END");
        and = " AND ";
    }
}

static enum tarn_status composed(struct writing *x, struct tarn_sql_text *out)
{
    struct tarn__compose c;
    tarn__compose_begin(&c, x->r->op, x->r->text);
    tarn_buf_z(&c.sql, "SELECT ");
    enum tarn_status status = put_columns(x, &c.sql);
    tarn_buf_z(&c.sql, " FROM (");
    if (status == TARN_OK)
        status = put_source(x, &c);
    tarn_buf_z(&c.sql, ") AS " ROW "(");
    for (size_t i = 0; i < x->map.count; i++) {
        tarn_buf_z(&c.sql, i ? ", " : "");
        tarn_buf_sql_name(&c.sql, x->map.targets[i]->name);
    }
    tarn_buf_z(&c.sql, ")");
    if (status == TARN_OK) {
        put_unknown_checks(x, &c.sql);
        return tarn__compose_end(&c, out);
    }
    tarn_buf_release(&c.sql);
    return status;
}

/* ---- the rows */

static enum tarn_status describe(struct writing *x)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    tarn__compose_begin(&c, x->r->op, x->r->text);
    enum tarn_status status = put_source(x, &c);
    if (status != TARN_OK) {
        tarn_buf_release(&c.sql);
        return status;
    }
    TARN_TRY(tarn__compose_end(&c, &text));
    return tarn_session_describe(x->r->sql->env->flow.session, x->r->op, text, &x->type);
}

static enum tarn_status fail_extra(struct writing *x, struct tarn_str name, bool there)
{
    if (there)
        (void)tarn_fail(x->r->op, TARN_SCHEMA,
                        "the query has more columns than the table, and \"%.*s\" of them is there "
                        "already",
                        TARN_STR_ARG(name));
    else
        (void)tarn_fail(x->r->op, TARN_SCHEMA,
                        "there are more values than columns, and no names for them");
    tarn_hint(x->r->op, "BY NAME goes by the names of a query's columns, not by their places");
    tarn__place_at(&x->r->words, tarn__offset(&x->r->words, x->q->query));
    return TARN_SCHEMA;
}

/* The query's columns under the names that they have in the table, or will have. */
static enum tarn_status named_columns(struct writing *x, struct tarn_type *out)
{
    const struct tarn_type *root = &x->map.schema->root;
    struct tarn__words w;
    tarn__words_begin(&w, x->r->op, (struct tarn_sql_text){.sql = x->q->query});
    bool values = tarn__at(&w, "VALUES");
    *out = x->type;
    TARN_NEW_ARRAY(x->r->op, out->fields, out->field_count + 1);
    for (size_t i = 0; i < out->field_count; i++) {
        struct tarn_field *f = &out->fields[i];
        *f = x->type.fields[i];
        if (x->q->by_name)
            continue;
        if (x->q->columns)
            f->name = i < x->q->column_count ? x->q->columns[i] : f->name;
        else if (i < root->field_count)
            f->name = root->fields[i].name;
        else if (values || tarn__column_named(root, f->name))
            return fail_extra(x, f->name, !values);
    }
    return TARN_OK;
}

/* WITH SCHEMA EVOLUTION */
static enum tarn_status evolve(struct writing *x)
{
    struct tarn_op *op = tarn__change_op(x->r);
    struct tarn__evolution how = {.format_version = tarn_change_metadata(x->change)->format_version,
                                  .all = true};
    struct tarn_schema schema;
    struct tarn_type columns;
    bool changed;
    TARN_TRY(named_columns(x, &columns));
    TARN_TRY(tarn_schema_copy(op, x->map.schema, &schema));
    TARN_TRY(tarn__evolve(op, &how, &columns, &schema, &changed));
    if (changed)
        TARN_TRY(tarn_change_set_schema(x->change, op, &schema));
    x->map.schema = tarn_metadata_schema(tarn_change_metadata(x->change));
    return TARN_OK;
}

static enum tarn_status prepare(struct writing *x, struct tarn_sql_text *out)
{
    if (!x->q->by_name) /* what DEFAULT means */
        TARN_TRY(x->q->columns ? map_listed(x) : map_all(x));
    TARN_TRY(describe(x));
    if (x->q->evolve)
        TARN_TRY(evolve(x));
    if (x->q->by_name)
        TARN_TRY(map_by_name(x));
    else if (x->q->evolve)
        TARN_TRY(x->q->columns ? map_listed(x) : map_all(x));
    TARN_TRY(check_count(x));
    return composed(x, out);
}

/* The rows lie in a temporary table first, which other queries read too. */
static enum tarn_status put_aside(struct writing *x, struct tarn_sql_text *text)
{
    struct tarn_buf b;
    int64_t rows;
    TARN_TRY(tarn_session_into(x->r->sql->env->flow.session, x->r->op, *text, x->q->into, &rows));
    tarn_buf_init(&b, (size_t)1 << 20);
    const struct tarn_type *root = &x->map.schema->root;
    const char *comma = "SELECT ";
    for (size_t i = 0; i < root->field_count; i++) {
        if (root->fields[i].type.kind == TARN_TYPE_UNKNOWN)
            continue;
        tarn_buf_z(&b, comma);
        tarn_buf_sql_name(&b, root->fields[i].name);
        comma = ", ";
    }
    tarn_buf_z(&b, " FROM temp.main.");
    tarn_buf_sql_name(&b, x->q->into);
    *text = (struct tarn_sql_text){.line0 = 1};
    return (enum tarn_status)tarn_buf_take(x->r->op, &b, "a query", &text->sql);
}

/* ---- where a value stands that the table cannot hold */

/* Does this row of VALUES fail by itself? The report tells. */
static bool row_fails(const struct writing *x, struct tarn_str tuple)
{
    struct tarn_op *op = x->r->op;
    struct tarn__rows_of_query q = *x->q;
    struct writing one = *x;
    struct tarn_sql_text text;
    int64_t rows;
    q.query = tarn_sprintf(op, "VALUES %.*s", TARN_STR_ARG(tuple));
    one.q = &q;
    enum tarn_status status = q.query.ptr ? describe(&one) : TARN_NOMEM;
    if (status == TARN_OK)
        status = composed(&one, &text);
    if (status == TARN_OK)
        status = tarn_session_into(x->r->sql->env->flow.session, op, text, TARN_STR(ONE), &rows);
    return status == TARN_DATA;
}

/* The next row of VALUES, brackets included; words move behind it. */
static struct tarn_str take_tuple(struct tarn__words *w, struct tarn_str query)
{
    size_t depth = 0, begin = w->token.begin, end = begin;
    do {
        depth += tarn__at(w, "(") || tarn__at(w, "[") || tarn__at(w, "{");
        depth -= tarn__at(w, ")") || tarn__at(w, "]") || tarn__at(w, "}");
        end = w->token.end;
        tarn__skip(w);
    } while (depth && !w->end);
    return tarn_str_of(query.ptr + begin, end - begin);
}

/* Rows of VALUES are tried one by one until one fails: that is the one which is told. */
static void place_value(const struct writing *x)
{
    struct tarn__run *r = x->r;
    struct tarn_report told = r->op->report;
    struct tarn_str query = x->q->query, tuple;
    struct tarn__words w;
    bool found = false;
    if (told.status != TARN_DATA || told.column > 0 || x->q->by_name || x->q->evolve)
        return;
    tarn__words_begin(&w, r->op, (struct tarn_sql_text){.sql = query});
    bool more = tarn__take(&w, "VALUES");
    for (size_t n = 0; n < PLACED_ROWS_MAX && more && !found && tarn__at(&w, "("); n++) {
        tarn_clear(r->op);
        tuple = take_tuple(&w, query);
        found = row_fails(x, tuple);
        more = tarn__take(&w, ",");
    }
    if (found)
        tarn__place_at(&r->words, tarn__offset(&r->words, tuple));
    else
        r->op->report = told;
}

enum tarn_status tarn__write_query(struct tarn__run *r, const struct tarn__rows_of_query *q,
                                   struct tarn_change *change, struct tarn_written *out)
{
    const struct tarn_flow *flow = &r->sql->env->flow;
    struct writing x = {.r = r,
                        .q = q,
                        .change = change,
                        .map.schema = tarn_metadata_schema(tarn_change_metadata(change))};
    struct tarn_op *op = tarn__change_op(r);
    struct tarn_sql_text text;
    struct tarn_write write;
    enum tarn_status status = TARN_OK;
    *out = (struct tarn_written){0};
    TARN_TRY(prepare(&x, &text));
    TARN_TRY(tarn__explain_query(r, NULL, text));
    if (tarn__only_explained(r))
        return TARN_OK;
    if (q->into.ptr)
        status = put_aside(&x, &text);
    if (status == TARN_OK)
        status = tarn_flow_write(flow, op, change, INT64_MIN, &write);
    if (status == TARN_OK)
        status = tarn_session_write(flow->session, op, text, &write, out);
    if (status != TARN_OK) {
        place_value(&x);
        return status;
    }
    status = tarn_change_append(change, op, out->files, out->count);
    if (status != TARN_OK)
        tarn_flow_remove(flow, op, out);
    return status;
}
