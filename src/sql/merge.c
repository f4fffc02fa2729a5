/* merge: MERGE INTO.
 *
 * The source is read once, into a temporary table. What each clause may look at follows from where
 * its rows are found:
 *   MATCHED                 source JOIN target: both
 *   NOT MATCHED             the source's rows without a partner: the source alone
 *   NOT MATCHED BY SOURCE   the target's rows without a partner: the target alone
 * The first two share one join when both are there: an outer one if the MATCHED clauses have
 * conditions.
 */
#include "sql/explain_int.h"
#include "sql/merge_int.h"

/* ---- where rows come from */

static void put_source(const struct tarn__dml *d, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, "temp.main.\"tarn source\" AS ");
    tarn_buf_sql_name(&c->sql, d->source);
}

static void put_on(const struct tarn__dml *d, const struct tarn__merging *m,
                   struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, " ON (");
    tarn__dml_put(d, c, m->on);
    tarn_buf_z(&c->sql, "\n)");
}

static void put_acts(const struct tarn__part *p, struct tarn__compose *c, const char *word)
{
    if (p->conditional)
        tarn_buf_printf(&c->sql, " %s \"tarn act\" IS NOT NULL", word);
}

/* All of its rows. The engine hands a join's keys on to the other side's scan, as a Bloom filter,
 * only where they come out of a filter. */
static void put_all_of_source(const struct tarn__dml *d, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, " WHERE ");
    tarn_buf_sql_name(&c->sql, d->source);
    tarn_buf_z(&c->sql, ".rowid >= 0");
}

/* Rows that met a partner and that no clause changes are not kept: who met none must be told then. */
static bool joins_outer(const struct tarn__merging *m)
{
    return m->missing.count && m->matched.count &&
           (m->matched.count > 1 || m->matched.items[0].condition.ptr);
}

static void from_matched(const struct tarn__dml *d, const struct tarn__part *p,
                         struct tarn__compose *c)
{
    const struct tarn__merging *m = p->ctx;
    tarn_buf_z(&c->sql, " FROM ");
    put_source(d, c);
    tarn_buf_z(&c->sql, p->outer ? " LEFT JOIN " : " JOIN ");
    tarn__dml_put_target(d, c);
    put_on(d, m, c);
    tarn__merge_put_bounds(d, m, c);
    tarn__dml_put_apart(d, p, c);
    put_all_of_source(d, c);
    put_acts(p, c, "AND");
}

/* The source's rows that the join met; an anti join of the two would hand no filter on. */
static void put_met(const struct tarn__dml *d, const struct tarn__merging *m,
                    struct tarn__compose *c)
{
    if (m->matched.count) {
        tarn_buf_z(&c->sql, "(SELECT \"tarn source\" FROM temp.main.\"tarn rows\")");
        return;
    }
    tarn_buf_z(&c->sql, "(SELECT ");
    tarn_buf_sql_name(&c->sql, d->source);
    tarn_buf_z(&c->sql, ".rowid AS \"tarn source\" FROM ");
    put_source(d, c);
    tarn_buf_z(&c->sql, " JOIN ");
    tarn__dml_put_target(d, c);
    put_on(d, m, c);
    tarn__merge_put_bounds(d, m, c);
    put_all_of_source(d, c);
    tarn_buf_z(&c->sql, ")");
}

static void from_missing(const struct tarn__dml *d, const struct tarn__part *p,
                         struct tarn__compose *c)
{
    const struct tarn__merging *m = p->ctx;
    tarn_buf_z(&c->sql, " FROM ");
    put_source(d, c);
    if (joins_outer(m)) {
        tarn__dml_put_apart(d, p, c);
        tarn_buf_z(&c->sql, " WHERE ");
        tarn_buf_sql_name(&c->sql, d->source);
        tarn_buf_z(&c->sql, ".rowid IN (SELECT \"tarn source\" FROM temp.main.\"tarn rows\" WHERE "
                            "\"tarn act\" = -1)");
        put_acts(p, c, "AND");
        return;
    }
    tarn_buf_z(&c->sql, " ANTI JOIN ");
    put_met(d, m, c);
    tarn_buf_z(&c->sql, " AS \"tarn met\" ON (\"tarn met\".\"tarn source\" = ");
    tarn_buf_sql_name(&c->sql, d->source);
    tarn_buf_z(&c->sql, ".rowid)");
    tarn__dml_put_apart(d, p, c);
    put_acts(p, c, "WHERE");
}

static void from_orphans(const struct tarn__dml *d, const struct tarn__part *p,
                         struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, " FROM ");
    tarn__dml_put_target(d, c);
    tarn_buf_z(&c->sql, " ANTI JOIN ");
    put_source(d, c);
    put_on(d, p->ctx, c);
    tarn__dml_put_apart(d, p, c);
    put_acts(p, c, "WHERE");
}

/* ---- checking, before anything is read */

static void put_source_text(const struct tarn__dml *d, const struct tarn__merging *m,
                            struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, "(SELECT * FROM ");
    tarn__compose_piece(c, m->source);
    tarn_buf_z(&c->sql, "\n) AS ");
    tarn_buf_sql_name(&c->sql, d->source);
}

/* Do a kind's conditions and values mean something where they are looked at? */
static enum tarn_status check_clauses(struct tarn__dml *d, const struct tarn__merging *m,
                                      const struct tarn__merge_clauses *of)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    struct tarn_type type;
    bool joined = of == &m->matched;
    if (of->count == 0 && !joined)
        return TARN_OK;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT " : "SELECT ");
    tarn__dml_put_pieces(d, of->items, of->count, &c);
    tarn_buf_z(&c.sql, " FROM ");
    if (of != &m->orphans)
        put_source_text(d, m, &c);
    tarn_buf_z(&c.sql, joined ? " JOIN " : "");
    if (of != &m->missing)
        tarn__dml_put_table(d, &c);
    if (joined)
        put_on(d, m, &c);
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn__pin_refs(d->r, text));
    return tarn_session_describe(d->r->sql->env->flow.session, d->op, text, &type);
}

/* ---- reading */

static enum tarn_status read_source(struct tarn__dml *d, const struct tarn__merging *m)
{
    struct tarn__compose c;
    struct tarn_sql_text text;
    int64_t rows;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT * FROM " : "SELECT * FROM ");
    tarn__compose_piece(&c, m->source);
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn__explain_query(d->r, "source", text));
    return tarn_session_into(d->r->sql->env->flow.session, d->op, text, TARN_STR("tarn source"),
                             &rows);
}

static enum tarn_status plan(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__compose c;
    struct tarn_sql_text probe;
    if (m->orphans.count)
        return tarn__dml_plan(d, NULL); /* any row may be one */
    TARN_TRY(tarn__merge_bounds(d, m));
    if (m->impossible) { /* no file need be read to know */
        struct tarn_expr *never;
        TARN_NEW(d->op, never);
        never->op = TARN_EXPR_FALSE;
        d->filter = never;
    }
    if (m->impossible || (!m->bound_count && !m->own_count))
        return tarn__dml_plan(d, NULL);
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT 1 FROM " : "SELECT 1 FROM ");
    tarn__dml_put_table(d, &c);
    tarn_buf_z(&c.sql, " WHERE true");
    tarn__merge_put_bounds(d, m, &c);
    for (size_t i = 0; i < m->own_count; i++) {
        tarn_buf_z(&c.sql, " AND (");
        tarn__dml_put(d, &c, m->own[i]);
        tarn_buf_z(&c.sql, "\n)");
    }
    TARN_TRY(tarn__compose_end(&c, &probe));
    return tarn__dml_plan(d, &probe);
}

/* ---- the parts */

/* Clauses that do nothing matter only in front of others. */
static void drop_idle(struct tarn__merge_clauses *c)
{
    while (c->count && c->items[c->count - 1].act == TARN__ACT_NOTHING)
        c->count--;
}

static struct tarn__part part_of(struct tarn__merging *m, struct tarn__merge_clauses *clauses)
{
    struct tarn__part p = {.actions = clauses->items, .count = clauses->count, .ctx = m};
    p.outer = clauses == &m->matched && joins_outer(m);
    p.conditional = p.outer || p.count > 1 || p.actions[0].condition.ptr;
    p.standing = clauses != &m->missing;
    p.source = clauses != &m->orphans;
    if (clauses == &m->matched)
        p.name = "tarn rows", p.what = "matched", p.from = from_matched;
    else if (clauses == &m->missing)
        p.name = "tarn inserts", p.what = "not matched", p.from = from_missing;
    else
        p.name = "tarn orphans", p.what = "not matched by source", p.from = from_orphans;
    return p;
}

static enum tarn_status merge_rows(struct tarn__dml *d, struct tarn__merging *m)
{
    struct tarn__merge_clauses *all[] = {&m->matched, &m->missing, &m->orphans};
    struct tarn__part parts[3];
    size_t n = 0;
    for (size_t i = 0; i < 3; i++) {
        TARN_TRY(check_clauses(d, m, all[i]));
        drop_idle(all[i]);
    }
    TARN_TRY(read_source(d, m));
    TARN_TRY(plan(d, m));
    for (size_t i = 0; i < 3; i++) {
        if (all[i]->count == 0)
            continue;
        parts[n] = part_of(m, all[i]);
        TARN_TRY(tarn__dml_select(d, &parts[n]));
        if (all[i] == &m->matched)
            TARN_TRY(tarn__dml_unique(d, &parts[n], false));
        n++;
    }
    return tarn__dml_finish(d, parts, n, "MERGE");
}

enum tarn_status tarn__sql_merge(struct tarn__run *r)
{
    struct tarn__dml d;
    struct tarn__merging *m;
    enum tarn_status status = tarn__dml_begin(&d, r, "MERGE");
    d.what = "merge";
    m = tarn_alloc(d.op, sizeof *m);
    if (!m)
        return TARN_NOMEM;
    if (status == TARN_OK)
        status = tarn__merge_parse(&d, m);
    if (status == TARN_OK)
        status = merge_rows(&d, m);
    tarn__dml_end(&d, status);
    return status;
}
