/* prune_int: the engine's filters as Iceberg's expressions, for prune.c. */
#ifndef TARN_ENGINE_PRUNE_INT_H
#define TARN_ENGINE_PRUNE_INT_H

#include "engine/duckdb/engine_int.h"

struct tarn__prune_op {
    struct tarn_op *op;
    bool timed; /* constants may come from the clock */
};
/* One node of a scan's "table_filters", bound to the field. What is not understood is UNKNOWN. */
enum tarn_status tarn__prune_filter(const struct tarn__prune_op *p, const struct tarn_json *filter,
                                    const struct tarn_field *field,
                                    struct tarn_expr *out) TARN_MUST_USE;
/* Takes TRUE and UNKNOWN out of an AND; an OR that holds one is UNKNOWN. */
void tarn__prune_simplify(struct tarn_expr *e);

#endif
