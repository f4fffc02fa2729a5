/* variant: bounds of variants (spec "Bounds for Variant"): an object, in the encoding of variants
 * (parquet-format, VariantEncoding.md), of primitive values by the normalised JSON paths of the fields
 * that they bound: "$['location']['latitude']", "$" for the whole value.
 */
#ifndef TARN_FORMAT_ICEBERG_VARIANT_H
#define TARN_FORMAT_ICEBERG_VARIANT_H

#include "format/iceberg/value.h"

struct tarn_variant_bound {
    struct tarn_str path;
    /* int, long, float, double, date, timestamp(tz), string: other types have no bounds here */
    struct tarn_type type;
    int32_t bits; /* of an int: 8, 16 or 32; else 0 */
    struct tarn_value value;
};
bool tarn_variant_boundable(const struct tarn_type *t);
/* Metadata and object, one behind the other. Paths must differ. Sorts the list. */
enum tarn_status tarn_variant_bounds_write(struct tarn_op *op, struct tarn_variant_bound *list,
                                           size_t count, struct tarn_str *out) TARN_MUST_USE;
/* The bound of a path in bytes of anybody's, as a value of type `want` that orders as what was bounded
 * does when it is cast to it: whole numbers as int or long, reals as double, others as they are. False:
 * there is none, of another type, or the bytes are none. A string is borrowed. */
bool tarn_variant_bound_find(struct tarn_str bytes, struct tarn_str path,
                             const struct tarn_type *want, struct tarn_value *out);
/* One more step of a path: "['name']" (RFC 9535, "Normalized Paths"). */
void tarn_variant_path_put(struct tarn_buf *b, struct tarn_str name);

#endif
