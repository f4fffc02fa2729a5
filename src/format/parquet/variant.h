/* variant: the bytes of a variant as Parquet has them (parquet-format, "Variant Binary Encoding"):
 * metadata, which are a dictionary of names, and a value, whose objects hold ids of names.
 *
 * The engine puts names and fields in the order in which it met them and says that the dictionary is
 * sorted. Readers that believe it look names up by halves and miss them.
 */
#ifndef TARN_FORMAT_PARQUET_VARIANT_H
#define TARN_FORMAT_PARQUET_VARIANT_H

#include "base/op.h"
#include "base/str.h"

/* Puts the dictionary and the fields of every object into the order of their names, in place: no
 * size changes. The dictionary says that it is sorted only if no name stands twice. TARN_CORRUPT: the
 * bytes are no variant; they may have changed. */
enum tarn_status tarn_parquet_variant_sort(struct tarn_op *op, uint8_t *metadata,
                                           size_t metadata_size, uint8_t *value,
                                           size_t value_size) TARN_MUST_USE;

#endif
