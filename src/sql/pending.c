/* pending: statements whose files have not landed yet. */
#include "sql/sql_int.h"

#define PENDING(fn)                                                                         \
    enum tarn_status fn(struct tarn__run *r)                                                \
    {                                                                                       \
        return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version"); \
    }
PENDING(tarn__sql_drop)
PENDING(tarn__sql_alter)
PENDING(tarn__sql_comment)
PENDING(tarn__sql_drop_view)
PENDING(tarn__sql_alter_view)
enum tarn_status tarn__sql_create_view(struct tarn__run *r, bool or_replace)
{
    (void)or_replace;
    return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version");
}
