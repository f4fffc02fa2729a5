/* gzip: whole files in memory (RFC 1952): metadata files named .gz.metadata.json.
 */
#ifndef TARN_FORMAT_GZIP_H
#define TARN_FORMAT_GZIP_H

#include "base/op.h"

bool tarn_gzip_is(struct tarn_str bytes); /* by the magic number */
/* TARN_CORRUPT naming `what`: damaged, cut, bytes behind the end, or larger than max_bytes. */
enum tarn_status tarn_gzip_unpack(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                  size_t max_bytes, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_gzip_pack(struct tarn_op *op, struct tarn_str plain,
                                struct tarn_str *out) TARN_MUST_USE;
/* What a JSON file holds: unpacked if it is gzip, else as it is. */
enum tarn_status tarn_gzip_text(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                struct tarn_str *out) TARN_MUST_USE;

#endif
