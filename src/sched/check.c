/* check: each kind of check becomes a query for the rows that offend; none is a pass. */
#include "base/hash.h"
#include "base/table.h"
#include "format/batch_text.h"
#include "sched/sched_int.h"

#define SAMPLE_ROWS  10
#define SAMPLE_WIDTH 40

static void put_table(struct tarn_buf *b, struct tarn_ident t)
{
    tarn_buf_sql_name(b, t.ns);
    tarn_buf_put(b, '.');
    tarn_buf_sql_name(b, t.name);
}

static void put_columns(struct tarn_buf *b, const struct tarn_strs *columns, const char *between,
                        const char *behind)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i)
            tarn_buf_z(b, between);
        tarn_buf_sql_name(b, columns->items[i]);
        tarn_buf_z(b, behind);
    }
}

static void put_unique(struct tarn_buf *b, const struct tarn_check *c)
{
    tarn_buf_z(b, "SELECT ");
    put_columns(b, &c->columns, ", ", "");
    tarn_buf_z(b, ", count(*) AS rows FROM ");
    put_table(b, c->table);
    tarn_buf_z(b, " WHERE ");
    put_columns(b, &c->columns, " AND ", " IS NOT NULL");
    tarn_buf_z(b, " GROUP BY ");
    put_columns(b, &c->columns, ", ", "");
    tarn_buf_z(b, " HAVING count(*) > 1");
}

static void put_accepted(struct tarn_buf *b, const struct tarn_check *c)
{
    tarn_buf_z(b, "SELECT * FROM ");
    put_table(b, c->table);
    tarn_buf_z(b, " WHERE CAST(");
    tarn_buf_sql_name(b, c->columns.items[0]);
    tarn_buf_z(b, " AS VARCHAR) NOT IN (");
    for (size_t i = 0; i < c->values.count; i++) {
        if (i)
            tarn_buf_z(b, ", ");
        tarn_buf_sql_text(b, c->values.items[i]);
    }
    tarn_buf_put(b, ')');
}

static void put_relationship(struct tarn_buf *b, const struct tarn_check *c)
{
    tarn_buf_z(b, "SELECT * FROM ");
    put_table(b, c->table);
    tarn_buf_z(b, " AS child ANTI JOIN ");
    put_table(b, c->to);
    tarn_buf_z(b, " AS parent ON child.");
    tarn_buf_sql_name(b, c->columns.items[0]);
    tarn_buf_z(b, " = parent.");
    tarn_buf_sql_name(b, c->to_column);
    tarn_buf_z(b, " WHERE child.");
    tarn_buf_sql_name(b, c->columns.items[0]);
    tarn_buf_z(b, " IS NOT NULL");
}

static void put_row_count(struct tarn_buf *b, const struct tarn_check *c)
{
    tarn_buf_z(b, "SELECT count(*) AS rows FROM ");
    put_table(b, c->table);
    tarn_buf_printf(b, " HAVING count(*) NOT BETWEEN %lld AND %lld", (long long)c->row_min,
                    (long long)c->row_max);
}

static enum tarn_status offending_sql(struct tarn_op *op, const struct tarn_check *c,
                                      struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 1 << 20);
    switch (c->kind) {
    case TARN_CHECK_NOT_NULL:
        tarn_buf_z(&b, "SELECT * FROM ");
        put_table(&b, c->table);
        tarn_buf_z(&b, " WHERE ");
        put_columns(&b, &c->columns, " OR ", " IS NULL");
        break;
    case TARN_CHECK_UNIQUE:
        put_unique(&b, c);
        break;
    case TARN_CHECK_ACCEPTED_VALUES:
        put_accepted(&b, c);
        break;
    case TARN_CHECK_RELATIONSHIP:
        put_relationship(&b, c);
        break;
    case TARN_CHECK_EXPRESSION:
        tarn_buf_z(&b, "SELECT * FROM ");
        put_table(&b, c->table);
        tarn_buf_printf(&b, " WHERE NOT (%.*s\n)", TARN_STR_ARG(c->sql));
        break;
    case TARN_CHECK_ROW_COUNT:
        put_row_count(&b, c);
        break;
    case TARN_CHECK_SQL:
        tarn_buf_str(&b, c->sql);
        break;
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "check query", out);
}

enum tarn_status tarn__check_mark(const struct tarn__build *b, const struct tarn_node *node,
                                  struct tarn_str *out)
{
    const struct tarn_check *c = node->check;
    struct tarn_str query;
    bool free_text = c->kind == TARN_CHECK_SQL || c->kind == TARN_CHECK_EXPRESSION;
    *out = (struct tarn_str){NULL, 0};
    if (node->input_count == 0 || (free_text && tarn__is_volatile(c->sql)) ||
        tarn__reads_volatile(node))
        return TARN_OK;
    TARN_TRY(offending_sql(b->op, c, &query));
    return tarn__inputs_mark(b, node, tarn_hash64(query.ptr, query.len, 0), out);
}

/* ---- telling */

struct sampler {
    struct tarn_str *cells;
    size_t rows, rows_max, width;
};

static enum tarn_status keep_row(struct sampler *s, struct tarn_op *op, const struct tarn_batch *b,
                                 size_t row)
{
    struct tarn_buf text;
    for (size_t i = 0; i < s->width; i++) {
        tarn_buf_init(&text, 1 << 20);
        tarn_column_text(&text, &b->columns[i], row);
        TARN_TRY(
            (enum tarn_status)tarn_buf_take(op, &text, "cell", &s->cells[s->rows * s->width + i]));
    }
    s->rows++;
    return TARN_OK;
}

static bool is_number(const struct tarn_type *t)
{
    return t->kind >= TARN_TYPE_INT && t->kind <= TARN_TYPE_DECIMAL;
}

static enum tarn_status render(struct tarn_op *op, const struct sampler *s,
                               const struct tarn_type *type, struct tarn_str *out)
{
    struct tarn_text_column *columns;
    struct tarn_buf b;
    TARN_NEW_ARRAY(op, columns, s->width + 1);
    for (size_t i = 0; i < s->width; i++)
        columns[i] =
            (struct tarn_text_column){type->fields[i].name, is_number(&type->fields[i].type)};
    struct tarn_text_table table = {.columns = columns,
                                    .column_count = s->width,
                                    .cells = s->cells,
                                    .row_count = s->rows,
                                    .cell_width_max = SAMPLE_WIDTH};
    tarn_buf_init(&b, 1 << 20);
    enum tarn_status status = tarn_text_table_render(op, &table, &b);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(op, &b, "sample of rows", out);
    tarn_buf_release(&b);
    return status;
}

enum tarn_status tarn__sample_rows(const struct tarn__build *b, struct tarn_sql_text sql, int rows,
                                   struct tarn_str *out)
{
    struct sampler s = {.rows_max = (size_t)rows};
    struct tarn_result *result;
    struct tarn_batch batch;
    enum tarn_status status;
    TARN_TRY(tarn_session_query(b->w->session, b->op, sql, &result));
    s.width = tarn_result_type(result)->field_count;
    s.cells = tarn_alloc_array(b->op, s.rows_max * s.width + 1, sizeof *s.cells);
    status = s.cells ? TARN_OK : TARN_NOMEM;
    while (status == TARN_OK && s.rows < s.rows_max) {
        TARN_GO(tarn_result_next(result, b->op, &batch));
        for (size_t i = 0; i < batch.rows && s.rows < s.rows_max; i++)
            TARN_GO(keep_row(&s, b->op, &batch, i));
        if (batch.rows == 0)
            break;
    }
    if (status == TARN_OK)
        status = render(b->op, &s, tarn_result_type(result), out);
out:
    tarn_result_close(result);
    return status;
}

struct distinct {
    struct tarn_buf text;
    int count;
};

static enum tarn_status add_distinct(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                     size_t row)
{
    struct distinct *d = ctx;
    (void)op;
    if (d->count++)
        tarn_buf_z(&d->text, ", ");
    tarn_buf_str(&d->text, tarn_cell_text(b, 0, row));
    return TARN_OK;
}

/* "2999, 3001": up to three of the values that offend. */
static enum tarn_status offending_values(const struct tarn__build *b, const struct tarn_check *c,
                                         struct tarn_str query, struct tarn_str *out)
{
    struct tarn_buf sql;
    struct distinct d = {0};
    enum tarn_status status;
    tarn_buf_init(&sql, 2 << 20);
    tarn_buf_init(&d.text, 1 << 20);
    tarn_buf_z(&sql, "SELECT DISTINCT CAST(");
    tarn_buf_sql_name(&sql, c->columns.items[0]);
    tarn_buf_printf(&sql, " AS VARCHAR) FROM (%.*s\n) ORDER BY 1 LIMIT 3", TARN_STR_ARG(query));
    TARN_GO((enum tarn_status)tarn_buf_finish(b->op, &sql, "check query"));
    TARN_GO(tarn_each_row(&b->flow, b->op, tarn_buf_view(&sql), add_distinct, &d));
    status = (enum tarn_status)tarn_buf_take(b->op, &d.text, "offending values", out);
out:
    tarn_buf_release(&sql);
    tarn_buf_release(&d.text);
    return status;
}

static const char *plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

static enum tarn_status say_why(const struct tarn__build *b, const struct tarn_check *c,
                                struct tarn_str query, int64_t n, struct tarn_str *out)
{
    struct tarn_op *op = b->op;
    struct tarn_str column = c->columns.count ? c->columns.items[0] : TARN_STR(""), values;
    if (c->description.len) {
        struct tarn_str said = c->description;
        said.len -= said.ptr[said.len - 1] == '.';
        *out = tarn_sprintf(op, "%.*s: %lld row%s", TARN_STR_ARG(said), (long long)n, plural(n));
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    switch (c->kind) {
    case TARN_CHECK_NOT_NULL:
        *out = tarn_sprintf(op, "%lld row%s without %.*s", (long long)n, plural(n),
                            TARN_STR_ARG(column));
        break;
    case TARN_CHECK_UNIQUE:
        *out = tarn_sprintf(op, "%lld value%s of %.*s stand%s more than once", (long long)n,
                            plural(n), TARN_STR_ARG(column), n == 1 ? "s" : "");
        break;
    case TARN_CHECK_ACCEPTED_VALUES:
        TARN_TRY(offending_values(b, c, query, &values));
        *out = tarn_sprintf(op, "%.*s is %.*s in %lld row%s", TARN_STR_ARG(column),
                            TARN_STR_ARG(values), (long long)n, plural(n));
        break;
    case TARN_CHECK_RELATIONSHIP:
        TARN_TRY(offending_values(b, c, query, &values));
        *out = tarn_sprintf(op, "%.*s %.*s is not in %.*s.%.*s (%lld row%s)", TARN_STR_ARG(column),
                            TARN_STR_ARG(values), TARN_STR_ARG(c->to.ns), TARN_STR_ARG(c->to.name),
                            (long long)n, plural(n));
        break;
    case TARN_CHECK_EXPRESSION:
        *out = tarn_sprintf(op, "%lld row%s break%s %.*s", (long long)n, plural(n),
                            n == 1 ? "s" : "", TARN_STR_ARG(c->sql));
        break;
    case TARN_CHECK_ROW_COUNT:
        *out = tarn_sprintf(op, "the number of rows is out of its bounds");
        break;
    case TARN_CHECK_SQL:
        *out = tarn_sprintf(op, "%lld row%s found by %.*s", (long long)n, plural(n),
                            TARN_STR_ARG(c->path));
        break;
    }
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__check_run(const struct tarn__build *b, const struct tarn_check *c,
                                 struct tarn_step *step)
{
    struct tarn_op *op = b->op;
    struct tarn_str query, counting;
    TARN_TRY(offending_sql(op, c, &query));
    counting = tarn_sprintf(op, "SELECT count(*) FROM (%.*s\n)", TARN_STR_ARG(query));
    if (!counting.ptr)
        return TARN_NOMEM;
    if (c->kind == TARN_CHECK_SQL) { /* its own place for its own mistakes */
        struct tarn_type ignored;
        TARN_TRY(tarn_session_describe(b->w->session, op, tarn_check_sql(c), &ignored));
    }
    TARN_TRY_WHILE(op, tarn_session_int(b->w->session, op, counting, &step->failing),
                   "checking %.*s", TARN_STR_ARG(step->node->id));
    step->status = TARN_STEP_OK;
    if (step->failing == 0)
        return TARN_OK;
    step->status = c->severity == TARN_SEVERITY_WARN ? TARN_STEP_WARN : TARN_STEP_FAILED;
    step->all_sql = query;
    TARN_TRY(say_why(b, c, query, step->failing, &step->reason));
    struct tarn_str ordered = tarn_sprintf(op, "SELECT * FROM (%.*s\n) ORDER BY ALL LIMIT %d",
                                           TARN_STR_ARG(query), SAMPLE_ROWS);
    if (!ordered.ptr)
        return TARN_NOMEM;
    struct tarn_sql_text text = {.sql = ordered, .line0 = 1};
    return tarn__sample_rows(b, text, SAMPLE_ROWS, &step->sample);
}
