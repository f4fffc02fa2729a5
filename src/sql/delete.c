/* delete: DELETE FROM t [AS a] [USING ..] [WHERE ..] [RETURNING ..]. */
#include "sql/dml_int.h"

struct deletion {
    struct tarn_str using, where; /* absent: none */
};

static void put_from(const struct tarn__dml *d, const struct tarn__part *p, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, " FROM ");
    tarn__dml_put_target(d, c);
    const struct deletion *x = p->ctx;
    tarn__dml_put_where(d, c, x->using, x->where);
}

static enum tarn_status plan(struct tarn__dml *d, const struct deletion *x)
{
    struct tarn__compose c;
    struct tarn_sql_text probe;
    if (!x->where.ptr)
        return tarn__dml_plan(d, NULL);
    tarn__compose_begin(&c, d->op, d->r->text);
    tarn__compose_piece(&c, d->with);
    tarn_buf_z(&c.sql, d->with.len ? "\nSELECT 1 FROM " : "SELECT 1 FROM ");
    tarn__dml_put_table(d, &c);
    tarn__dml_put_where(d, &c, x->using, x->where);
    TARN_TRY(tarn__compose_end(&c, &probe));
    return tarn__dml_plan(d, &probe);
}

static enum tarn_status parse(struct tarn__dml *d, struct deletion *x)
{
    struct tarn__words *w = &d->r->words;
    TARN_TRY(tarn__expect(w, "FROM"));
    TARN_TRY(tarn__dml_target(d, "USING|WHERE|RETURNING|ORDER|LIMIT"));
    if (tarn__take(w, "USING"))
        TARN_TRY(tarn__dml_expr(d, "WHERE|RETURNING", "a table", &x->using));
    if (tarn__take(w, "WHERE"))
        TARN_TRY(tarn__dml_expr(d, "RETURNING", "a condition", &x->where));
    return tarn__dml_returning(d);
}

static enum tarn_status count_all(struct tarn__dml *d, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < d->scan->file_count && *out >= 0; i++) {
        int64_t n = tarn_scan_rows(d->scan, i);
        *out = n < 0 ? -1 : *out + n;
    }
    if (*out >= 0)
        return TARN_OK;
    TARN_TRY(tarn__dml_bind(d)); /* equality deletes */
    return tarn_session_int(d->r->sql->env->flow.session, d->op,
                            TARN_STR("SELECT count(*) FROM tarn.\"dml target\""), out);
}

/* Nothing of the table stays: no row need be read. */
static enum tarn_status delete_all(struct tarn__dml *d)
{
    int64_t rows;
    TARN_TRY(tarn__dml_scan(d));
    TARN_TRY(count_all(d, &rows));
    struct tarn__part none = {.rows = 0};
    if (rows > 0)
        tarn_change_delete_all(d->change);
    TARN_TRY(tarn__dml_finish(d, &none, 0, "DELETE"));
    d->r->answer->rows = rows;
    return TARN_OK;
}

static enum tarn_status delete_rows(struct tarn__dml *d, const struct deletion *x)
{
    struct tarn__action action = {.act = TARN__ACT_DELETE};
    struct tarn__part part = {.name = "tarn rows",
                              .actions = &action,
                              .count = 1,
                              .standing = true,
                              .from = put_from,
                              .ctx = x};
    bool done = false, blind = !x->using.ptr && !d->returning.ptr;
    int64_t covered = 0;
    if (blind && !x->where.ptr)
        return delete_all(d);
    if (blind && x->where.ptr)
        TARN_TRY(tarn__delete_covered(d, x->where, &done, &covered));
    if (!done)
        TARN_TRY(plan(d, x));
    TARN_TRY(tarn__dml_froms(d, x->using));
    if (done && d->scan->file_count > 0)
        TARN_TRY(tarn__dml_bind(d));
    if (!done || d->scan->file_count > 0)
        TARN_TRY(tarn__dml_select(d, &part));
    if (x->using.ptr)
        TARN_TRY(tarn__dml_unique(d, &part, true));
    TARN_TRY(tarn__dml_finish(d, &part, 1, "DELETE"));
    d->r->answer->rows += covered;
    return TARN_OK;
}

enum tarn_status tarn__sql_delete(struct tarn__run *r)
{
    struct tarn__dml d;
    struct deletion x = {0};
    enum tarn_status status = tarn__dml_begin(&d, r, "DELETE");
    d.what = "delete";
    if (status == TARN_OK)
        status = parse(&d, &x);
    if (status == TARN_OK)
        status = delete_rows(&d, &x);
    tarn__dml_end(&d, status);
    return status;
}
