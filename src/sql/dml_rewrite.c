/* dml_rewrite: copy-on-write. */
#include "sql/dml_write_int.h"

enum tarn_status tarn__dml_rewrite(struct tarn__writing *x)
{
    struct tarn__dml *d = x->d;
    const struct tarn_flow *flow = &d->r->sql->env->flow;
    TARN_TRY(tarn_rows_rewrite(flow, d->op, d->change, d->scan, TARN_STR("temp.main.tarn_doomed"),
                               &x->rest));
    bool kept = x->rest.scan.file_count > 0;
    if (kept)
        TARN_TRY(tarn_session_bind_scan(flow->session, d->op, TARN_STR("dml rewritten"),
                                        &x->rest.scan, true));
    x->lineage = x->lineage || (kept && d->lineage);
    return kept || x->news ? tarn__dml_write_rows(x, kept) : TARN_OK;
}
