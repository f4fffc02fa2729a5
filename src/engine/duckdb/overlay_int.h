/* overlay_int: files that the engine is shown with another flag in their footers.
 *
 * The engine's Parquet reader has no timestamps of nanoseconds in UTC: it reads them in microseconds
 * and cuts the rest off. What says "UTC" in a footer is one byte of the timestamp's type (in Thrift's
 * compact protocol a field's header holds the value of a boolean). The engine reads files by pread(),
 * which this program defines itself: for files that are known here it shows that byte as "local", and
 * the engine reads whole nanoseconds. The file stays as it is.
 */
#ifndef TARN_ENGINE_OVERLAY_INT_H
#define TARN_ENGINE_OVERLAY_INT_H

#include "engine/duckdb/engine_int.h"

#include <sys/types.h>

/* Files of a scan whose columns are timestamptz_ns, before the engine opens one of them.
 * TARN_UNSUPPORTED: this process's reads do not come through here (a program that loads the library
 * while it runs), found out by reading a file that was made for it. */
enum tarn_status tarn__overlay_scan(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan) TARN_MUST_USE;
/* Does a type hold what only an overlay shows? */
bool tarn__overlay_needed(const struct tarn_type *t);
/* The footer of a file that is open, in op->arena, as it is on the disk. TARN_CORRUPT, TARN_IO. */
enum tarn_status tarn__footer_bytes(struct tarn_op *op, int fd, int64_t *out_size,
                                    struct tarn_str *out) TARN_MUST_USE;
/* Exactly n bytes of the file itself. */
enum tarn_status tarn__read_exact(struct tarn_op *op, int fd, int64_t offset, void *dst,
                                  size_t n) TARN_MUST_USE;

#endif
