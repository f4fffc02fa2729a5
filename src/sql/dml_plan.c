/* dml_plan: which files may hold rows that a statement means. */
#include "sql/dml_int.h"

void tarn__dml_put_table(const struct tarn__dml *d, struct tarn__compose *c)
{
    tarn_buf_sql_name(&c->sql, d->table->ident.ns);
    tarn_buf_put(&c->sql, '.');
    tarn_buf_sql_name(&c->sql, d->table->ident.name);
    tarn_buf_z(&c->sql, " AS ");
    tarn__dml_put_alias(d, c);
}

/* EXPLAIN in front of a statement made of pieces. */
static enum tarn_status explained(struct tarn_op *op, const struct tarn_sql_text *of,
                                  struct tarn_sql_text *out)
{
    struct tarn_sql_span *spans;
    *out = *of;
    out->sql = tarn_sprintf(op, "EXPLAIN %.*s", TARN_STR_ARG(of->sql));
    if (!out->sql.ptr)
        return TARN_NOMEM;
    TARN_NEW_ARRAY(op, spans, of->span_count + 1);
    for (size_t i = 0; i < of->span_count; i++) {
        spans[i] = of->spans[i];
        spans[i].at += out->sql.len - of->sql.len;
    }
    out->spans = spans;
    return TARN_OK;
}

static enum tarn_status explain(struct tarn__dml *d, const struct tarn_sql_text *probe)
{
    struct tarn_session *session = d->r->sql->env->flow.session;
    struct tarn_result *result;
    struct tarn_sql_text text;
    struct tarn_ident ident = d->table->ident;
    TARN_TRY(tarn__pin_refs(d->r, *probe));
    TARN_TRY(explained(d->op, probe, &text));
    TARN_TRY(tarn_session_query(session, d->op, text, &result));
    tarn_result_close(result);
    const struct tarn_scan *scan = tarn_session_scan(session, ident.ns, ident.name);
    d->filter = tarn_session_filter(session, ident.ns, ident.name);
    if (!scan || d->target.suffix.ptr)
        return TARN_OK; /* a branch is planned on its own */
    TARN_NEW(d->op, d->scan);
    *d->scan = *scan;
    return TARN_OK;
}

enum tarn_status tarn__dml_scan(struct tarn__dml *d)
{
    bool branch = d->target.suffix.ptr != NULL;
    if (!d->scan)
        TARN_TRY(tarn_table_scan(d->r->sql->env->flow.lake, d->op, d->table,
                                 branch ? d->snapshot : NULL, d->filter, &d->scan));
    d->scan->schema = tarn_metadata_schema(&d->table->metadata); /* of a branch, too */
    return TARN_OK;
}

enum tarn_status tarn__dml_bind(struct tarn__dml *d)
{
    return tarn_session_bind_scan(d->r->sql->env->flow.session, d->op, TARN_STR("dml target"),
                                  d->scan, true);
}

enum tarn_status tarn__dml_plan(struct tarn__dml *d, const struct tarn_sql_text *probe)
{
    if (probe)
        TARN_TRY(explain(d, probe));
    TARN_TRY(tarn__dml_scan(d));
    return tarn__dml_bind(d);
}
