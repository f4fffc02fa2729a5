/* shredded: what a Parquet file knows of the fields of its shredded variants (parquet-format,
 * VariantShredding.md), as bounds of Iceberg's.
 *
 * A field has bounds when all its values stand in its typed column: its own `value` column, and those
 * of all that it is part of, hold nothing but nulls (SQL's and the variant's). Else values could be
 * elsewhere, of another type, and a bound would be wrong. What stands inside of arrays has none.
 */
#ifndef TARN_FORMAT_PARQUET_SHREDDED_H
#define TARN_FORMAT_PARQUET_SHREDDED_H

#include "format/iceberg/variant.h"
#include "format/parquet/footer.h"

#define TARN_SHREDDED_BOUNDS_MAX 100 /* fields of one variant */

/* Of the variant whose group is an element of the footer; texts are cut to `width` characters. Absent:
 * no field has bounds. */
enum tarn_status tarn_shredded_bounds(struct tarn_op *op, const struct tarn_parquet_footer *footer,
                                      size_t element, int32_t width, struct tarn_str *out_lower,
                                      struct tarn_str *out_upper) TARN_MUST_USE;

#endif
