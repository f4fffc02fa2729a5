/* spark: spellings of Spark's that the engine lacks. */
#include "engine/duckdb/rewrite_int.h"

size_t tarn__rewrite_spark(struct tarn__rewriting *w, const struct tarn_sql_token *t,
                           const struct tarn_sql_token *before)
{
    (void)w;
    (void)t;
    (void)before;
    return 0;
}
