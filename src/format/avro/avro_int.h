/* avro_int: shared by the files of this folder only. */
#ifndef TARN_FORMAT_AVRO_INT_H
#define TARN_FORMAT_AVRO_INT_H

#include "format/avro/avro.h"

/* False: there is no such codec here. An absent name is "null". */
bool tarn__avro_codec_of(struct tarn_str name, enum tarn_avro_codec *out);
const char *tarn__avro_codec_name(enum tarn_avro_codec codec);
/* Appends the plain bytes of `packed` to `out`, whose maximum bounds them. */
enum tarn_status tarn__avro_unpack(struct tarn_op *op, enum tarn_avro_codec codec,
                                   struct tarn_str packed, const char *what,
                                   struct tarn_buf *out) TARN_MUST_USE;
/* Appends the packed form of `plain` to `out`. *state (NULL at first) is kept from block to
 * block. */
enum tarn_status tarn__avro_pack(struct tarn_op *op, const struct tarn_avro_write *options,
                                 struct tarn_str plain, void **state,
                                 struct tarn_buf *out) TARN_MUST_USE;
void tarn__avro_pack_release(enum tarn_avro_codec codec, void *state);

/* The checksum of a file: CRC-32 in eight hexadecimal digits under this key, over the whole file
 * with zeros in the digits' place. Others pass over the key, as the specification has it for all
 * keys but avro's own. */
#define TARN_AVRO_CHECKSUM_KEY    "tarn.crc32"
#define TARN_AVRO_CHECKSUM_DIGITS 8
void tarn__avro_checksum(struct tarn_str file, size_t digits_at,
                         char out[TARN_AVRO_CHECKSUM_DIGITS + 1]);

#endif
