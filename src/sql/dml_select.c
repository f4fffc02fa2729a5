/* dml_select: the rows that a part of a statement changes, found and kept in a temporary table. */
#include "sql/dml_int.h"
#include "sql/explain_int.h"

/* ---- what is kept */

static bool mentions(struct tarn_str text, struct tarn_str name)
{
    struct tarn_sql_token t;
    for (size_t p = 0; tarn_sql_token(text, p, &t); p = t.end) {
        struct tarn_str word = tarn_str_of(text.ptr + t.begin, t.end - t.begin);
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        if (tarn_str_is(word, "*") || tarn_str_eq_nocase(word, TARN_STR("COLUMNS")) ||
            ((t.kind == TARN_SQL_WORD || t.kind == TARN_SQL_QUOTED) &&
             tarn_str_eq_nocase(word, name)))
            return true;
    }
    return false;
}

static bool sets_whole(const struct tarn__action *a, size_t column)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->sets[i].column == column && a->sets[i].depth == 1)
            return true;
    return false;
}

/* Rows that go by their identifier need the one that they had. */
static bool is_of_key(const struct tarn__dml *d, size_t column)
{
    for (size_t i = 0; i < d->by_key.count; i++)
        if (d->by_key.parts[i].column == column)
            return true;
    return false;
}

bool tarn__dml_keeps(const struct tarn__dml *d, const struct tarn__part *p, size_t i)
{
    if (d->root->fields[i].type.kind == TARN_TYPE_UNKNOWN)
        return false; /* it holds nothing */
    if (p->standing && is_of_key(d, i))
        return true;
    for (size_t k = 0; k < p->count; k++) {
        const struct tarn__action *a = &p->actions[k];
        if (a->act == TARN__ACT_UPDATE && !sets_whole(a, i))
            return true;
        if (a->act == TARN__ACT_DELETE && d->returning.ptr &&
            mentions(d->returning, d->root->fields[i].name))
            return true;
    }
    return false;
}

/* ---- the query */

static void put_column(const struct tarn__dml *d, struct tarn__compose *c, struct tarn_str name)
{
    tarn__dml_put_alias(d, c);
    tarn_buf_put(&c->sql, '.');
    tarn_buf_sql_name(&c->sql, name);
}

static void put_place(const struct tarn__dml *d, const struct tarn__part *p,
                      struct tarn__compose *c)
{
    put_column(d, c, TARN_STR("_file"));
    tarn_buf_z(&c->sql, " AS \"tarn file\", ");
    put_column(d, c, TARN_STR("_pos"));
    tarn_buf_z(&c->sql, " AS \"tarn pos\"");
    if (d->lineage) {
        tarn_buf_z(&c->sql, ", ");
        put_column(d, c, TARN_STR("_row_id"));
        tarn_buf_z(&c->sql, " AS \"tarn row id\"");
    }
    for (size_t i = 0; i < d->root->field_count; i++) {
        if (!tarn__dml_keeps(d, p, i))
            continue;
        tarn_buf_z(&c->sql, ", ");
        put_column(d, c, d->root->fields[i].name);
        tarn_buf_printf(&c->sql, " AS \"tarn o%zu\"", i);
    }
}

/* Which action: the first whose condition holds. */
static void put_act(const struct tarn__dml *d, const struct tarn__part *p, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, "CASE");
    if (p->apart && p->standing && !p->outer) { /* a value for each row, also of random() alone */
        tarn_buf_z(&c->sql, " WHEN ");
        put_column(d, c, TARN_STR("_pos"));
        tarn_buf_z(&c->sql, " < 0 THEN NULL");
    }
    if (p->outer) {
        tarn_buf_z(&c->sql, " WHEN ");
        put_column(d, c, TARN_STR("_pos"));
        tarn_buf_z(&c->sql, " IS NULL THEN -1");
    }
    for (size_t k = 0; k < p->count; k++) {
        const struct tarn__action *a = &p->actions[k];
        tarn_buf_z(&c->sql, " WHEN (");
        if (a->condition.ptr)
            tarn__dml_put(d, c, a->condition);
        else
            tarn_buf_z(&c->sql, "true");
        if (a->act == TARN__ACT_NOTHING)
            tarn_buf_z(&c->sql, "\n) THEN NULL");
        else
            tarn_buf_printf(&c->sql, "\n) THEN %zu", k);
    }
    tarn_buf_z(&c->sql, " END AS \"tarn act\"");
}

void tarn__dml_put_apart(const struct tarn__dml *d, const struct tarn__part *p,
                         struct tarn__compose *c)
{
    if (!p->apart)
        return;
    tarn_buf_z(&c->sql, ", LATERAL (SELECT ");
    put_act(d, p, c);
    tarn_buf_z(&c->sql, ") AS \"tarn acts\"");
}

static void put_slot(const struct tarn__dml *d, const struct tarn__part *p, size_t k,
                     const struct tarn__set *s, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, ", ");
    if (p->conditional)
        tarn_buf_printf(&c->sql, "CASE WHEN \"tarn act\" = %zu THEN ", k);
    tarn_buf_put(&c->sql, '(');
    tarn__dml_put(d, c, s->expr);
    tarn_buf_printf(&c->sql, "\n)%s AS %.*s", p->conditional ? " END" : "", TARN_STR_ARG(s->slot));
}

static void put_row_query(const struct tarn__dml *d, const struct tarn__part *p, size_t k, size_t q,
                          struct tarn__compose *c)
{
    const struct tarn__row_query *row = &p->actions[k].rows[q];
    tarn_buf_z(&c->sql, ", ");
    if (p->conditional)
        tarn_buf_printf(&c->sql, "CASE WHEN \"tarn act\" = %zu THEN ", k);
    tarn_buf_z(&c->sql, "(SELECT \"tarn r\" FROM (");
    tarn__dml_put(d, c, row->query);
    tarn_buf_z(&c->sql, "\n) AS \"tarn r\"(");
    for (size_t i = 0; i < row->columns; i++)
        tarn_buf_printf(&c->sql, "%s\"tarn x%zu\"", i ? ", " : "", i);
    tarn_buf_printf(&c->sql, "))%s AS \"tarn r%zu_%zu\"", p->conditional ? " END" : "", k, q);
}

static enum tarn_status name_slots(struct tarn__dml *d, struct tarn__action *a, size_t k)
{
    for (size_t i = 0; i < a->count; i++) {
        struct tarn__set *s = &a->sets[i];
        if (s->row >= 0)
            s->slot =
                tarn_sprintf(d->op, "\"tarn r%zu_%ld\".\"tarn x%zu\"", k, s->row, s->row_column);
        else if (s->expr.ptr && !tarn__dml_is_null(s->expr))
            s->slot = tarn_sprintf(d->op, "\"tarn v%zu_%zu\"", k, i);
        else
            continue;
        if (!s->slot.ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

enum tarn_status tarn__dml_compose(struct tarn__dml *d, const struct tarn__part *p,
                                   struct tarn_sql_text *out)
{
    struct tarn__compose c;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT " : "SELECT ");
    if (p->standing)
        put_place(d, p, &c);
    else
        tarn_buf_z(&c.sql, "1 AS \"tarn new\"");
    for (size_t i = 0; i < d->from_count; i++) {
        tarn_buf_z(&c.sql, ", ");
        tarn_buf_sql_name(&c.sql, d->froms[i].alias);
        tarn_buf_printf(&c.sql, " AS \"tarn f%zu\"", i);
    }
    if (p->source) {
        tarn_buf_z(&c.sql, ", ");
        tarn_buf_sql_name(&c.sql, d->source);
        tarn_buf_z(&c.sql, ".rowid AS \"tarn source\"");
    }
    if (p->conditional) {
        tarn_buf_z(&c.sql, ", ");
        if (p->apart)
            tarn_buf_z(&c.sql, "\"tarn act\"");
        else
            put_act(d, p, &c);
    }
    for (size_t k = 0; k < p->count; k++) {
        const struct tarn__action *a = &p->actions[k];
        for (size_t q = 0; q < a->row_count; q++)
            put_row_query(d, p, k, q, &c);
        for (size_t i = 0; i < a->count; i++)
            if (a->sets[i].slot.ptr && a->sets[i].row < 0)
                put_slot(d, p, k, &a->sets[i], &c);
    }
    p->from(d, p, &c);
    return tarn__compose_end(&c, out);
}

void tarn__dml_put_pieces(const struct tarn__dml *d, const struct tarn__action *actions,
                          size_t count, struct tarn__compose *c)
{
    tarn_buf_put(&c->sql, '1');
    for (size_t k = 0; k < count; k++) {
        const struct tarn__action *a = &actions[k];
        if (a->condition.ptr) {
            tarn_buf_z(&c->sql, ", (");
            tarn__dml_put(d, c, a->condition);
            tarn_buf_z(&c->sql, "\n) = true");
        }
        for (size_t i = 0; i < a->count; i++) {
            if (!a->sets[i].expr.ptr || a->sets[i].row_column > 0)
                continue;
            tarn_buf_z(&c->sql, a->sets[i].row >= 0 ? ", EXISTS (" : ", (");
            tarn__dml_put(d, c, a->sets[i].expr);
            tarn_buf_z(&c->sql, "\n)");
        }
    }
}

/* ---- types */

static const struct tarn_type *column_type(const struct tarn_type *rows, struct tarn_str name)
{
    for (size_t i = 0; i < rows->field_count; i++)
        if (tarn_str_eq(rows->fields[i].name, name))
            return &rows->fields[i].type;
    return NULL;
}

static enum tarn_status check_row(struct tarn__dml *d, const struct tarn__set *s,
                                  const struct tarn_type *row, size_t columns)
{
    if (row && row->kind == TARN_TYPE_STRUCT && row->field_count == columns)
        return TARN_OK;
    (void)tarn_fail(d->r->op, TARN_SQL, "there are %zu columns, and the query makes %zu", columns,
                    row ? row->field_count : 0);
    tarn__place_at(&d->r->words, tarn__offset(&d->r->words, s->expr));
    return TARN_SQL;
}

static enum tarn_status take_types(struct tarn__dml *d, struct tarn__part *p,
                                   const struct tarn_type *rows)
{
    for (size_t k = 0; k < p->count; k++)
        for (size_t i = 0; i < p->actions[k].count; i++) {
            struct tarn__action *a = &p->actions[k];
            struct tarn__set *s = &a->sets[i];
            const struct tarn_type *t;
            if (!s->slot.ptr)
                continue;
            if (s->row < 0) {
                t = column_type(rows, tarn_str_of(s->slot.ptr + 1, s->slot.len - 2));
                TARN_ASSERT(t);
                s->type = *t;
                continue;
            }
            struct tarn_str name = tarn_sprintf(d->op, "tarn r%zu_%ld", k, s->row);
            if (!name.ptr)
                return TARN_NOMEM;
            t = column_type(rows, name);
            TARN_TRY(check_row(d, s, t, a->rows[s->row].columns));
            s->type = t->fields[s->row_column].type;
        }
    return TARN_OK;
}

/* All values fit their columns, as far as types tell. */
static enum tarn_status check_values(struct tarn__dml *d, const struct tarn__part *p)
{
    for (size_t i = 0; i < d->root->field_count; i++) {
        struct tarn_buf b;
        tarn_buf_init(&b, 16 << 20);
        enum tarn_status status = TARN_OK;
        if (tarn__dml_has(p, 1u << TARN__ACT_UPDATE | 1u << TARN__ACT_INSERT))
            status = tarn__dml_new_value(d, p, i, &b);
        tarn_buf_release(&b);
        TARN_TRY(status);
    }
    return TARN_OK;
}

/* A column of type unknown is in no file: what is assigned to it must be null. */
static enum tarn_status check_unknown(struct tarn__dml *d, const struct tarn__part *p)
{
    for (size_t k = 0; k < p->count; k++)
        for (size_t i = 0; i < p->actions[k].count; i++) {
            const struct tarn__set *s = &p->actions[k].sets[i];
            struct tarn_buf sql;
            int64_t n;
            if (!s->slot.ptr || d->root->fields[s->column].type.kind != TARN_TYPE_UNKNOWN)
                continue;
            tarn_buf_init(&sql, 65536);
            tarn_buf_printf(&sql, "SELECT count(%.*s) FROM temp.main.\"%s\"", TARN_STR_ARG(s->slot),
                            p->name);
            TARN_TRY(tarn__dml_int(d, &sql, &n));
            if (n)
                return tarn_fail(d->op, TARN_DATA,
                                 "column \"%.*s\" of type unknown holds no values",
                                 TARN_STR_ARG(d->root->fields[s->column].name));
        }
    return TARN_OK;
}

/* SET x = max(x): the engine would speak of a column that nobody wrote (tests/sql/dml/update.slt). */
static enum tarn_status aggregate_told(struct tarn__dml *d, const struct tarn__part *p,
                                       enum tarn_status status)
{
    if (status != TARN_SQL ||
        !strstr(d->op->report.message, "\"_file\" must appear in the GROUP BY"))
        return status;
    tarn_clear(d->op);
    (void)tarn_fail(d->op, TARN_SQL, "a value of a row cannot be an aggregate over rows");
    tarn_hint(d->op, "write a query in brackets: (SELECT max(x) FROM ..)");
    struct tarn_str sql = d->r->text.sql;
    for (size_t k = 0; k < p->count; k++)
        for (size_t i = p->actions[k].count; i-- > 0;) {
            struct tarn_str expr = p->actions[k].sets[i].expr; /* or one of ours */
            bool users = expr.ptr && expr.ptr >= sql.ptr && expr.ptr < sql.ptr + sql.len;
            if (users && memchr(expr.ptr, '(', expr.len))
                tarn__place_at(&d->r->words, tarn__offset(&d->r->words, expr));
        }
    return TARN_SQL;
}

static enum tarn_status find_rows(struct tarn__dml *d, struct tarn__part *p)
{
    struct tarn_session *session = d->r->sql->env->flow.session;
    struct tarn_sql_text text;
    struct tarn_type rows;
    TARN_TRY(tarn__dml_compose(d, p, &text));
    if (tarn__dml_has(p, 1u << TARN__ACT_UPDATE | 1u << TARN__ACT_INSERT)) {
        TARN_TRY(aggregate_told(d, p, tarn_session_describe(session, d->op, text, &rows)));
        TARN_TRY(take_types(d, p, &rows));
        TARN_TRY(check_values(d, p));
    }
    TARN_TRY(tarn__explain_query(d->r, p->what, text));
    TARN_TRY(tarn__explain_empty(d->r, &text));
    return tarn__dml_blame_value(
        d, p, tarn_session_into(session, d->op, text, tarn_str_view(p->name), &p->rows));
}

enum tarn_status tarn__dml_select(struct tarn__dml *d, struct tarn__part *p)
{
    struct tarn_buf sql;
    for (size_t k = 0; k < p->count; k++)
        TARN_TRY(name_slots(d, &p->actions[k], k));
    enum tarn_status status = find_rows(d, p);
    if (status == TARN_SQL && p->conditional && strstr(d->op->report.message, "has side effects")) {
        tarn_clear(d->op);
        p->apart = true;
        status = find_rows(d, p);
    }
    TARN_TRY(status);
    TARN_TRY(check_unknown(d, p));
    if (!p->outer)
        return TARN_OK;
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "SELECT count(*)");
    tarn__dml_put_rows(p, TARN__ACTS_ALL, &sql);
    return tarn__dml_int(d, &sql, &p->rows);
}
