/* dml_write: the files of a statement that changes rows.
 *
 *   merge-on-read   new rows are written, the old ones deleted by position, or by identifier where
 *                   the table asks for it and no other row has the same
 *   copy-on-write   files that hold rows which change are written anew, with what stays of them and
 *                   with the new rows; a file of which nothing stays is not read again
 *
 * In a table of version 3 a row that changes keeps its row id, which its new file holds as a column
 * (spec "Row Lineage"); rows that are only moved keep the number of their last update, too.
 */
#include "sql/dml_write_int.h"

#define ACTS_OLD (1u << TARN__ACT_UPDATE | 1u << TARN__ACT_DELETE)
#define ACTS_NEW (1u << TARN__ACT_UPDATE | 1u << TARN__ACT_INSERT)

/* ---- rows */

static enum tarn_status put_new_rows(struct tarn__writing *x, const struct tarn__part *p,
                                     struct tarn_buf *b)
{
    const struct tarn_type *root = x->d->root;
    const char *between = "SELECT ";
    for (size_t i = 0; i < root->field_count; i++) {
        if (root->fields[i].type.kind == TARN_TYPE_UNKNOWN)
            continue; /* it is in no file */
        tarn_buf_z(b, between);
        between = ", ";
        TARN_TRY(tarn__dml_new_value(x->d, p, i, b));
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, root->fields[i].name);
    }
    if (x->lineage)
        tarn_buf_printf(b,
                        ", %s AS \"_row_id\", CAST(NULL AS BIGINT) AS "
                        "\"_last_updated_sequence_number\"",
                        p->standing ? "\"tarn row id\"" : "CAST(NULL AS BIGINT)");
    tarn__dml_put_rows(p, ACTS_NEW, b);
    return TARN_OK;
}

static void put_kept_rows(const struct tarn__writing *x, struct tarn_buf *b)
{
    const struct tarn_type *root = x->d->root;
    const char *between = "SELECT t.";
    for (size_t i = 0; i < root->field_count; i++) {
        if (root->fields[i].type.kind == TARN_TYPE_UNKNOWN)
            continue;
        tarn_buf_z(b, between);
        between = ", t.";
        tarn_buf_sql_name(b, root->fields[i].name);
    }
    if (x->lineage)
        tarn_buf_z(b, ", t.\"_row_id\", t.\"_last_updated_sequence_number\"");
    tarn_buf_z(b, " FROM tarn.\"dml rewritten\" AS t");
    if (!x->rest.excluded)
        tarn_buf_z(b, " ANTI JOIN temp.main.tarn_doomed AS x ON t._file = x._file AND "
                      "t._pos = x._pos");
}

static enum tarn_status rows_sql(struct tarn__writing *x, bool kept, struct tarn_buf *b)
{
    bool any = kept;
    if (kept)
        put_kept_rows(x, b);
    for (size_t i = 0; i < x->count; i++) {
        if (x->parts[i].rows == 0 || !tarn__dml_has(&x->parts[i], ACTS_NEW))
            continue;
        tarn_buf_z(b, any ? " UNION ALL " : "");
        TARN_TRY(put_new_rows(x, &x->parts[i], b));
        any = true;
    }
    return (enum tarn_status)tarn_buf_finish(x->d->op, b, "a statement");
}

/* The new rows that actions make, for comparison with what was written. */
static enum tarn_status count_new(struct tarn__writing *x, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < x->count; i++) {
        struct tarn_buf sql;
        int64_t n;
        tarn_buf_init(&sql, 65536);
        tarn_buf_z(&sql, "SELECT count(*)");
        tarn__dml_put_rows(&x->parts[i], ACTS_NEW, &sql);
        TARN_TRY(tarn__dml_int(x->d, &sql, &n));
        *out += tarn__dml_has(&x->parts[i], ACTS_NEW) ? n : 0;
    }
    return TARN_OK;
}

enum tarn_status tarn__dml_write_rows(struct tarn__writing *x, bool kept)
{
    struct tarn__dml *d = x->d;
    const struct tarn_flow *flow = &d->r->sql->env->flow;
    struct tarn_written written = {0};
    struct tarn_write write;
    struct tarn_buf sql;
    int64_t expected;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    TARN_GO(rows_sql(x, kept, &sql));
    TARN_GO(count_new(x, &expected));
    TARN_GO(tarn_flow_write(flow, d->op, d->change, INT64_MIN, &write));
    TARN_GO(tarn_flow_write_statement(d->op, d->what, &write));
    if (x->lineage)
        TARN_GO(tarn_flow_write_lineage(d->op, &write));
    TARN_GO(tarn__dml_blame_cast(
        d, x->parts, x->count,
        tarn_session_write(flow->session, d->op,
                           (struct tarn_sql_text){.sql = tarn_buf_view(&sql), .line0 = 1}, &write,
                           &written)));
    status = tarn_change_append(d->change, d->op, written.files, written.count);
    if (status != TARN_OK)
        tarn_flow_remove(flow, d->op, &written);
    else if (x->rest.kept >= 0 && written.rows != expected + (kept ? x->rest.kept : 0))
        status = tarn_fail(d->op, TARN_INTERNAL, "%lld rows were written instead of %lld",
                           (long long)written.rows, (long long)(expected + x->rest.kept));
out:
    tarn_buf_release(&sql);
    return status;
}

/* ---- both */

static enum tarn_status make_doomed(struct tarn__writing *x)
{
    struct tarn_buf b;
    bool any = false;
    tarn_buf_init(&b, 65536);
    tarn_buf_z(&b, "CREATE OR REPLACE TEMP VIEW tarn_doomed AS ");
    for (size_t i = 0; i < x->count; i++) {
        if (!x->parts[i].standing)
            continue;
        tarn_buf_printf(&b, "%sSELECT \"tarn file\" AS _file, \"tarn pos\" AS _pos",
                        any ? " UNION ALL " : "");
        for (size_t k = 0; k < x->d->by_key.count; k++)
            tarn_buf_printf(&b, ", \"tarn o%zu\"%.*s AS \"tarn k%zu\"",
                            x->d->by_key.parts[k].column,
                            TARN_STR_ARG(x->d->by_key.parts[k].inside), k);
        tarn__dml_put_rows(&x->parts[i], ACTS_OLD, &b);
        any = true;
    }
    return tarn__dml_exec(x->d, &b);
}

static enum tarn_status delete_doomed(struct tarn__dml *d, int64_t *out_rows)
{
    const struct tarn_flow *flow = &d->r->sql->env->flow;
    struct tarn_str doomed = TARN_STR("temp.main.tarn_doomed");
    bool done = false;
    if (d->by_key.count)
        TARN_TRY(tarn_rows_delete_keys(flow, d->op, d->change, d->table, d->scan, &d->by_key,
                                       doomed, &done, out_rows));
    if (done)
        return TARN_OK;
    if (d->by_key.count)
        d->r->answer->notice = TARN_STR("rows were deleted by position: others, which stay, have "
                                        "the same identifiers");
    return tarn_rows_delete(flow, d->op, d->change, d->scan, doomed, out_rows);
}

enum tarn_status tarn__dml_write(struct tarn__dml *d, struct tarn__part *parts, size_t count)
{
    struct tarn__writing x = {.d = d, .parts = parts, .count = count};
    int64_t deleted;
    for (size_t i = 0; i < count; i++) {
        bool rows = parts[i].rows > 0;
        x.old = x.old || (rows && parts[i].standing);
        x.news = x.news || (rows && tarn__dml_has(&parts[i], ACTS_NEW));
        x.lineage = x.lineage || (rows && d->lineage && parts[i].standing &&
                                  tarn__dml_has(&parts[i], 1u << TARN__ACT_UPDATE));
        x.doomed += parts[i].standing ? parts[i].rows : 0;
    }
    if (x.old)
        TARN_TRY(make_doomed(&x));
    if (x.old && d->copy_on_write)
        return tarn__dml_rewrite(&x);
    if (x.news)
        TARN_TRY(tarn__dml_write_rows(&x, false));
    if (!x.old)
        return TARN_OK;
    TARN_TRY(delete_doomed(d, &deleted));
    if (deleted != x.doomed)
        return tarn_fail(d->op, TARN_INTERNAL, "%lld rows were deleted instead of %lld",
                         (long long)deleted, (long long)x.doomed);
    return TARN_OK;
}
