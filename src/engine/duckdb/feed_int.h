/* feed_int: columns into the engine's vectors, for feed.c. */
#ifndef TARN_ENGINE_FEED_INT_H
#define TARN_ENGINE_FEED_INT_H

#include "engine/duckdb/engine_int.h"

/* What the engine takes on trust: texts are UTF-8, required fields are not null. TARN_DATA naming
 * the column. */
enum tarn_status tarn__batch_check(struct tarn_op *op, const struct tarn_type *root,
                                   const struct tarn_batch *b) TARN_MUST_USE;
/* Rows [start, start + n) of a column. Texts are not copied. */
enum tarn_status tarn__vector_fill(struct tarn_op *op, duckdb_vector v, const struct tarn_column *c,
                                   size_t start, size_t n) TARN_MUST_USE;

#endif
