/* totals: how many rows a table has, where only the engine can tell. */
#include "flow/flow.h"

enum tarn_status tarn_flow_totals(const struct tarn_lake *lake, struct tarn_session *session,
                                  struct tarn_op *op, const struct tarn_table *t,
                                  struct tarn_table_totals *out)
{
    struct tarn_scan *scan;
    TARN_TRY(tarn_table_totals(lake, op, t, out));
    if (!out->rows_open)
        return TARN_OK;
    TARN_TRY(tarn_table_scan(lake, op, t, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(session, op, TARN_STR("counted"), scan, false));
    TARN_TRY(
        tarn_session_int(session, op, TARN_STR("SELECT count(*) FROM tarn.counted"), &out->rows));
    out->rows_open = false;
    return TARN_OK;
}
