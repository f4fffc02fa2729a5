/* units: sizes and durations as people write them, read exactly (no binary floating point) and
 * printed.
 *
 * Sizes: B, kB, MB, GB, TB, PB are powers of 10^3; KiB, MiB, GiB, TiB, PiB powers of 2^10;
 * letter case does not matter; a bare number is bytes; "1.5GB" is allowed when the result is a
 * whole number of bytes. "512M" is refused, since it means two things.
 * Durations: us, ms, s, m, h, d, w, also one after another ("1h30m"); a bare number is refused,
 * except 0.
 */
#ifndef TARN_BASE_UNITS_H
#define TARN_BASE_UNITS_H

#include "base/str.h"

/* False: *out_why (may be NULL) gets a constant text such as "a size needs a unit such as MB or
 * MiB". */
bool tarn_size_parse(struct tarn_str text, uint64_t *out_bytes, const char **out_why);
bool tarn_duration_parse(struct tarn_str text, int64_t *out_us, const char **out_why);
/* For people: "1.5 GB", "640 B"; "1h 30m", "2.4s", "15ms". Appends. */
void tarn_size_format(struct tarn_buf *b, uint64_t bytes);
void tarn_duration_format(struct tarn_buf *b, int64_t us);

#endif
