/* type_name: the public face of the engine's type spelling. */
#include "engine/duckdb/engine_int.h"

void tarn_engine_type_sql(struct tarn_buf *b, const struct tarn_type *t)
{
    tarn__type_sql(b, t);
}
