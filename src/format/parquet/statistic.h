/* statistic: what a Parquet file's types and statistics mean in Iceberg's (spec, appendix A
 * "Parquet"; parquet-format, "Statistics").
 */
#ifndef TARN_FORMAT_PARQUET_STATISTIC_H
#define TARN_FORMAT_PARQUET_STATISTIC_H

#include "format/iceberg/value.h"
#include "format/parquet/footer.h"

/* `type` is what a reader that knows fewer types takes the column for: timestamptz or timestamp_ns of a column
 * of nanoseconds in UTC becomes timestamptz_ns, geometries get their coordinate system, a geography is
 * one. Others stay. */
enum tarn_status tarn_parquet_type_refine(struct tarn_op *op, const struct tarn_parquet_element *e,
                                          struct tarn_type *type) TARN_MUST_USE;

struct tarn_parquet_bounds {
    struct tarn_value lower, upper; /* bytes are copies in op->arena; void unless known */
    bool known;
    bool exact; /* both are values of the column */
};
/* Bounds of a chunk whose column is read as `type`. What is not sure (an order that the file does not
 * tell, NaN, text that is not UTF-8, a type that does not fit) is not known. */
enum tarn_status tarn_parquet_chunk_bounds(struct tarn_op *op,
                                           const struct tarn_parquet_footer *footer, size_t leaf,
                                           const struct tarn_parquet_chunk *c,
                                           const struct tarn_type *type,
                                           struct tarn_parquet_bounds *out) TARN_MUST_USE;

#endif
