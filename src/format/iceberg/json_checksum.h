/* json_checksum: a CRC-32 in the first member of a metadata file of ours.
 *
 *   {"tarn-crc32":"0a1b2c3d","format-version":2, ...
 *
 * JSON has no checksum, and a digit that became another one reads well. Readers pass over members
 * that they do not know, and writers leave them out; so the member speaks of this very file. It
 * counts only as the first one, spelt as it was written: a file that went through another program
 * is that program's. The checksum is of the file with zeros for the eight digits.
 */
#ifndef TARN_FORMAT_ICEBERG_JSON_CHECKSUM_H
#define TARN_FORMAT_ICEBERG_JSON_CHECKSUM_H

#include "base/json.h"
#include "base/op.h"

#define TARN__JSON_CHECKSUM_KEY "tarn-crc32"

/* The member, right behind the first tarn_json_begin_object; its digits are set when the text is
 * complete. */
void tarn__json_checksum_put(struct tarn_json_writer *w);
void tarn__json_checksum_set(struct tarn_buf *complete);
/* TARN_CORRUPT where the member is there and the bytes are others. */
enum tarn_status tarn__json_checksum_check(struct tarn_op *op, struct tarn_str json,
                                           const char *what) TARN_MUST_USE;

#endif
