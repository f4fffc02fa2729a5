/* file_stream: the bytes of one input file in order, decompressed.
 *
 * An uncompressed file can be read from any offset by any number of streams at once. A
 * compressed one is read to its end and checked when it is opened, before a byte of it is handed
 * on: truncated or corrupt data is TARN_CORRUPT naming the file. What it unpacks to is kept if
 * it is small, else unpacked a second time, so memory stays bounded. A stream belongs to one
 * thread.
 */
#ifndef TARN_SOURCE_FILE_STREAM_H
#define TARN_SOURCE_FILE_STREAM_H

#include "source/source.h"

struct tarn_file_stream;

/* offset: only 0 for compressed files. TARN_DENIED, TARN_NOT_FOUND, TARN_IO name the file.
 * TARN_IO also when size or time of change are no more those of the listing. */
enum tarn_status tarn_file_stream_open(struct tarn_op *op, const struct tarn_input_file *file,
                                       uint64_t offset,
                                       struct tarn_file_stream **out) TARN_MUST_USE;
/* Up to cap bytes; *got 0 is the end. */
enum tarn_status tarn_file_stream_read(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                                       size_t cap, size_t *got) TARN_MUST_USE;
void tarn_file_stream_close(struct tarn_file_stream *s); /* NULL-safe */
/* TARN_IO when the file is not what the listing said: it was written to while it was read. */
enum tarn_status tarn_file_unchanged(struct tarn_op *op,
                                     const struct tarn_input_file *file) TARN_MUST_USE;

#endif
