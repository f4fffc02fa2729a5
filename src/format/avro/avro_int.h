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

#endif
