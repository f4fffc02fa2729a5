/* pending: statements whose files have not landed yet. */
#include "sql/sql_int.h"

#define PENDING(fn)                                                                         \
    enum tarn_status fn(struct tarn__run *r)                                                \
    {                                                                                       \
        return tarn_fail(r->op, TARN_UNSUPPORTED, "this statement is not in this version"); \
    }
