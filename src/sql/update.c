/* update: UPDATE t [AS a] SET .. [FROM ..] [WHERE ..] [RETURNING ..]. */
#include "sql/dml_int.h"

struct updating {
    struct tarn_str from, where; /* absent: none */
    struct tarn__action action;
};

static void put_from(const struct tarn__dml *d, const struct tarn__part *p, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, " FROM ");
    tarn__dml_put_target(d, c);
    const struct updating *x = p->ctx;
    tarn__dml_put_where(d, c, x->from, x->where);
}

static enum tarn_status plan(struct tarn__dml *d, const struct updating *x)
{
    struct tarn__compose c;
    struct tarn_sql_text probe;
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT " : "SELECT ");
    tarn__dml_put_pieces(d, &x->action, 1, &c);
    tarn_buf_z(&c.sql, " FROM ");
    tarn__dml_put_table(d, &c);
    tarn__dml_put_where(d, &c, x->from, x->where);
    TARN_TRY(tarn__compose_end(&c, &probe));
    return tarn__dml_plan(d, &probe);
}

static enum tarn_status parse(struct tarn__dml *d, struct updating *x)
{
    struct tarn__words *w = &d->r->words;
    TARN_TRY(tarn__dml_target(d, "SET"));
    TARN_TRY(tarn__expect(w, "SET"));
    x->action.act = TARN__ACT_UPDATE;
    TARN_TRY(tarn__dml_take_sets(d, &x->action, "FROM|WHERE|RETURNING", NULL));
    if (tarn__take(w, "FROM"))
        TARN_TRY(tarn__dml_expr(d, "WHERE|RETURNING", "a table", &x->from));
    if (tarn__take(w, "WHERE"))
        TARN_TRY(tarn__dml_expr(d, "RETURNING", "a condition", &x->where));
    return tarn__dml_returning(d);
}

static enum tarn_status update_rows(struct tarn__dml *d, struct updating *x)
{
    struct tarn__part part = {.name = "tarn rows",
                              .actions = &x->action,
                              .count = 1,
                              .standing = true,
                              .from = put_from,
                              .ctx = x};
    TARN_TRY(plan(d, x));
    TARN_TRY(tarn__dml_froms(d, x->from));
    TARN_TRY(tarn__dml_select(d, &part));
    if (x->from.ptr)
        TARN_TRY(tarn__dml_unique(d, &part, true));
    return tarn__dml_finish(d, &part, 1, "UPDATE");
}

enum tarn_status tarn__sql_update(struct tarn__run *r)
{
    struct tarn__dml d;
    struct updating x = {0};
    enum tarn_status status = tarn__dml_begin(&d, r, "UPDATE");
    d.what = "update";
    if (status == TARN_OK)
        status = parse(&d, &x);
    if (status == TARN_OK)
        status = update_rows(&d, &x);
    tarn__dml_end(&d, status);
    return status;
}
