/* pending: statements whose files have not landed yet. */
#include "sql/sql_int.h"

#define PENDING(fn)                                                                         \
    enum tarn_status fn(struct tarn__run *r)                                                \
    {                                                                                       \
        return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version"); \
    }
PENDING(tarn__sql_create)
PENDING(tarn__sql_drop)
PENDING(tarn__sql_alter)
PENDING(tarn__sql_comment)
PENDING(tarn__sql_use)
PENDING(tarn__sql_insert)
PENDING(tarn__sql_truncate)
PENDING(tarn__sql_delete)
PENDING(tarn__sql_update)
PENDING(tarn__sql_merge)
PENDING(tarn__sql_drop_view)
PENDING(tarn__sql_alter_view)
enum tarn_status tarn__sql_create_view(struct tarn__run *r, bool or_replace)
{
    (void)or_replace;
    return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version");
}
enum tarn_status tarn__write_query(struct tarn__run *r, const struct tarn__rows_of_query *q,
                                   struct tarn_change *change, struct tarn_written *out)
{
    (void)q, (void)change, (void)out;
    return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version");
}
