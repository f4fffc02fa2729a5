/* dml_returning: what RETURNING asks for: new values of rows that were inserted or updated, old
 * ones of rows that were deleted. */
#include "sql/dml_int.h"

/* * and t.* at bracket depth 0 are the table's columns; merge_action() is a column of ours. */
static void put_columns(const struct tarn__dml *d, struct tarn__compose *c)
{
    for (size_t i = 0; i < d->root->field_count; i++) {
        tarn_buf_z(&c->sql, i ? ", " : "");
        tarn__dml_put_alias(d, c);
        tarn_buf_put(&c->sql, '.');
        tarn_buf_sql_name(&c->sql, d->root->fields[i].name);
    }
}

/* The name that the user sees, unless the table has such a column. */
static const char *action_column(const struct tarn__dml *d)
{
    return tarn__dml_column(d->root, TARN_STR("merge_action")) == SIZE_MAX ? "merge_action"
                                                                           : "tarn action";
}

struct item {
    struct tarn_str text;
    size_t from; /* of what was not put yet */
};

static void put_until(const struct tarn__dml *d, struct tarn__compose *c, struct item *x, size_t to,
                      size_t behind)
{
    tarn__dml_put(d, c, tarn_str_of(x->text.ptr + x->from, to - x->from));
    x->from = behind;
}

static bool is_alias(const struct tarn__dml *d, struct tarn_str text,
                     const struct tarn_sql_token *t)
{
    struct tarn_str word = tarn_str_of(text.ptr + t->begin, t->end - t->begin);
    if (t->kind == TARN_SQL_QUOTED && word.len >= 2)
        word = tarn_str_of(word.ptr + 1, word.len - 2);
    else if (t->kind != TARN_SQL_WORD)
        return false;
    return tarn_str_eq_nocase(word, d->alias);
}

/* The sign that ends here: "*" alone or "t.*" at the beginning of an item. */
static void put_list(const struct tarn__dml *d, struct tarn__compose *c)
{
    struct item x = {d->returning, 0};
    struct tarn_sql_token t, back[3] = {0};
    int depth = 0;
    size_t item = 0; /* tokens of this item so far */
    for (size_t p = 0; tarn_sql_token(x.text, p, &t); p = t.end) {
        bool star = depth == 0 && tarn_sql_token_is(x.text, &t, "*");
        bool action = tarn_sql_token_is(x.text, &t, ")") && item >= 2 &&
                      tarn_sql_token_is(x.text, &back[0], "(") &&
                      tarn_sql_token_is(x.text, &back[1], "merge_action");
        if (star && item == 0) {
            put_until(d, c, &x, t.begin, t.end);
            put_columns(d, c);
        } else if (star && item == 2 && tarn_sql_token_is(x.text, &back[0], ".") &&
                   is_alias(d, x.text, &back[1])) {
            put_until(d, c, &x, back[1].begin, t.end);
            put_columns(d, c);
        } else if (star && item == 2 && tarn_sql_token_is(x.text, &back[0], ".") &&
                   tarn__dml_from(d, x.text, &back[1])) {
            put_until(d, c, &x, back[1].begin, t.end);
            tarn__dml_put_star(tarn__dml_from(d, x.text, &back[1]), &c->sql);
        } else if (action) {
            put_until(d, c, &x, back[1].begin, t.end);
            tarn__dml_put_alias(d, c);
            tarn_buf_printf(&c->sql, ".\"%s\"", action_column(d));
        }
        depth += tarn_sql_token_is(x.text, &t, "(") - tarn_sql_token_is(x.text, &t, ")");
        item = depth == 0 && tarn_sql_token_is(x.text, &t, ",") ? 0 : item + 1;
        back[1] = back[0];
        back[0] = t;
    }
    put_until(d, c, &x, x.text.len, x.text.len);
}

static void put_action(const struct tarn__dml *d, const struct tarn__part *p, struct tarn_buf *b)
{
    static const char *const names[] = {[TARN__ACT_UPDATE] = "UPDATE",
                                        [TARN__ACT_DELETE] = "DELETE",
                                        [TARN__ACT_INSERT] = "INSERT"};
    if (!p->conditional) {
        tarn_buf_printf(b, ", '%s' AS \"%s\"", names[p->actions[0].act], action_column(d));
        return;
    }
    tarn_buf_z(b, ", CASE \"tarn act\"");
    for (size_t k = 0; k < p->count; k++)
        if (p->actions[k].act != TARN__ACT_NOTHING)
            tarn_buf_printf(b, " WHEN %zu THEN '%s'", k, names[p->actions[k].act]);
    tarn_buf_printf(b, " END AS \"%s\"", action_column(d));
}

static enum tarn_status put_rows(struct tarn__dml *d, const struct tarn__part *p,
                                 struct tarn_buf *b)
{
    tarn_buf_z(b, "SELECT ");
    for (size_t i = 0; i < d->root->field_count; i++) {
        tarn_buf_z(b, i ? ", " : "");
        TARN_TRY(tarn__dml_new_value(d, p, i, b));
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, d->root->fields[i].name);
    }
    put_action(d, p, b);
    tarn__dml_put_froms(d, b);
    tarn_buf_printf(b, ", %s AS \"tarn source\"",
                    p->source ? "\"tarn source\"" : "CAST(NULL AS BIGINT)");
    tarn__dml_put_rows(p, TARN__ACTS_ALL, b);
    return TARN_OK;
}

/* A MERGE all of whose clauses do nothing. */
static void put_no_rows(const struct tarn__dml *d, struct tarn_buf *b)
{
    tarn_buf_z(b, "SELECT ");
    for (size_t i = 0; i < d->root->field_count; i++) {
        bool unknown = d->root->fields[i].type.kind == TARN_TYPE_UNKNOWN;
        tarn_buf_z(b, unknown ? "(NULL" : "CAST(NULL AS ");
        if (!unknown)
            tarn_engine_type_sql(b, &d->root->fields[i].type);
        tarn_buf_z(b, ") AS ");
        tarn_buf_sql_name(b, d->root->fields[i].name);
        tarn_buf_z(b, ", ");
    }
    tarn_buf_printf(b, "'' AS \"%s\" WHERE false", action_column(d));
}

enum tarn_status tarn__dml_return(struct tarn__dml *d, const struct tarn__part *parts, size_t count)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    bool source = false;
    int64_t rows;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT " : "SELECT ");
    put_list(d, &c);
    tarn_buf_z(&c.sql, "\nFROM (");
    if (count == 0)
        put_no_rows(d, &c.sql);
    for (size_t i = 0; i < count; i++) {
        tarn_buf_z(&c.sql, i ? " UNION ALL " : "");
        enum tarn_status status = put_rows(d, &parts[i], &c.sql);
        if (status != TARN_OK) {
            tarn_buf_release(&c.sql);
            return status;
        }
        source = source || parts[i].source;
    }
    tarn_buf_z(&c.sql, ") AS ");
    tarn__dml_put_alias(d, &c);
    if (source) {
        struct tarn_str alias = d->source;
        tarn_buf_z(&c.sql, " LEFT JOIN temp.main.\"tarn source\" AS ");
        tarn_buf_sql_name(&c.sql, alias);
        tarn_buf_z(&c.sql, " ON ");
        tarn_buf_sql_name(&c.sql, alias);
        tarn_buf_z(&c.sql, ".rowid = ");
        tarn__dml_put_alias(d, &c);
        tarn_buf_z(&c.sql, ".\"tarn source\"");
    }
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn__pin_refs(d->r, text));
    return tarn_session_into(d->r->sql->env->flow.session, d->op, text, TARN_STR("tarn returning"),
                             &rows);
}

enum tarn_status tarn__dml_answer(struct tarn__dml *d)
{
    return tarn__answer_query(
        d->r, (struct tarn_sql_text){.sql = TARN_STR("SELECT * FROM temp.main.\"tarn returning\""),
                                     .line0 = 1});
}
