/* overlay_int: files whose footers the engine is shown otherwise than they are.
 *
 * The engine's Parquet reader has no timestamps of nanoseconds in UTC: it reads them in microseconds
 * and cuts the rest off. And it asks Bloom filters of bytes and of floating-point numbers in ways that
 * pass over rows (the text of a value instead of its bytes; 0.0 where there is -0.0). What says "UTC" in
 * a footer is one byte, and so is what says that the next field is the place of a Bloom filter (in
 * Thrift's compact protocol a field's header holds its number, and the value of a boolean). The engine
 * reads files by pread(), which the program defines itself (engine/overlay.h): for files that are known
 * here it shows those bytes as "local" and as a field that nobody knows. The file stays as it is.
 */
#ifndef TARN_ENGINE_OVERLAY_INT_H
#define TARN_ENGINE_OVERLAY_INT_H

#include "engine/duckdb/engine_int.h"

#include <sys/types.h>

/* What of a scan's files must be shown otherwise, by its columns. */
enum { TARN__OVERLAY_UTC = 1, TARN__OVERLAY_BLOOM = 2 };
unsigned tarn__overlay_wants(const struct tarn_scan *scan);
/* A file that the engine is going to read, and the footer that it has (which may be damaged: that is
 * told elsewhere). */
struct stat;
enum tarn_status tarn__overlay_look(struct tarn_op *op, const struct stat *st,
                                    struct tarn_str footer) TARN_MUST_USE;
/* When tarn__files_check has looked at a scan's files, and before the engine opens one of them.
 * TARN_UNSUPPORTED: this process's reads do not come through here (a program of others, with
 * libtarn), found out by reading a file that was made for it. */
enum tarn_status tarn__overlay_scan(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan) TARN_MUST_USE;
/* The footer of a file that is open, in op->arena, as it is on the disk. TARN_CORRUPT, TARN_IO. */
enum tarn_status tarn__footer_bytes(struct tarn_op *op, int fd, int64_t *out_size,
                                    struct tarn_str *out) TARN_MUST_USE;
/* Exactly n bytes of the file itself. */
enum tarn_status tarn__read_exact(struct tarn_op *op, int fd, int64_t offset, void *dst,
                                  size_t n) TARN_MUST_USE;

#endif
