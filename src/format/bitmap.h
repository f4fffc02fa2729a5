/* bitmap: sets of 64-bit row positions as Roaring bitmaps, in the portable 64-bit serialisation that
 * deletion vectors use (RoaringFormatSpec, "Extension for 64-bit Implementations").
 *
 * In memory a set is a sorted array of positions: what scans need. Only the bytes are Roaring.
 */
#ifndef TARN_FORMAT_BITMAP_H
#define TARN_FORMAT_BITMAP_H

#include "base/op.h"

/* Bytes of a set; positions ascending, unique, 0 <= p < 2^63 (else TARN_INVALID). Containers are
 * arrays, bitmaps or runs, whichever is smallest. */
enum tarn_status tarn_bitmap_write(struct tarn_op *, const int64_t *positions, size_t count,
                                   struct tarn_str *out) TARN_MUST_USE;
/* All container kinds, with and without runs. TARN_CORRUPT: unordered keys or values, lengths that do
 * not add up, bytes behind the end. count_max bounds the memory (a run container is small and holds
 * much): TARN_CORRUPT above it. */
enum tarn_status tarn_bitmap_read(struct tarn_op *, struct tarn_str bytes, const char *what,
                                  size_t count_max, int64_t **out_positions,
                                  size_t *out_count) TARN_MUST_USE;

#endif
