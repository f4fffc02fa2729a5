/* avro_write: building a container file. See avro.h. Failures of the bufs stick until a block
 * is closed. */
#include <stdio.h>

#include "base/hash.h"
#include "format/avro/avro_int.h"

#define MAGIC "Obj\x01"

/* ---- values */

void tarn_avro_put_long(struct tarn_buf *b, int64_t v)
{
    uint64_t z = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    char bytes[10];
    size_t n = 0;
    while (z >= 0x80) {
        bytes[n++] = (char)(z | 0x80);
        z >>= 7;
    }
    bytes[n++] = (char)z;
    tarn_buf_append(b, bytes, n);
}

void tarn_avro_put_boolean(struct tarn_buf *b, bool v)
{
    tarn_buf_put(b, v ? 1 : 0);
}

static void put_le(struct tarn_buf *b, uint64_t v, size_t n)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(v >> (8 * i));
    tarn_buf_append(b, bytes, n);
}

void tarn_avro_put_float(struct tarn_buf *b, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_le(b, bits, 4);
}

void tarn_avro_put_double(struct tarn_buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_le(b, bits, 8);
}

void tarn_avro_put_bytes(struct tarn_buf *b, struct tarn_str v)
{
    tarn_avro_put_long(b, (int64_t)v.len);
    tarn_buf_str(b, v);
}

void tarn_avro_put_fixed(struct tarn_buf *b, struct tarn_str v)
{
    tarn_buf_str(b, v);
}

void tarn_avro_put_items_begin(struct tarn_buf *b, size_t count)
{
    if (count > 0)
        tarn_avro_put_long(b, (int64_t)count);
}

void tarn_avro_put_items_end(struct tarn_buf *b, size_t count)
{
    (void)count;
    tarn_buf_put(b, 0);
}

/* ---- file */

static void meta_put(struct tarn_buf *b, struct tarn_str key, struct tarn_str value)
{
    tarn_avro_put_bytes(b, key);
    tarn_avro_put_bytes(b, value);
}

void tarn__avro_checksum(struct tarn_str file, size_t at, char out[TARN_AVRO_CHECKSUM_DIGITS + 1])
{
    size_t end = at + TARN_AVRO_CHECKSUM_DIGITS;
    TARN_ASSERT(end <= file.len);
    uint32_t crc = tarn_crc32(0, file.ptr, at);
    crc = tarn_crc32(crc, "00000000", TARN_AVRO_CHECKSUM_DIGITS);
    crc = tarn_crc32(crc, file.ptr + end, file.len - end);
    snprintf(out, TARN_AVRO_CHECKSUM_DIGITS + 1, "%08x", (unsigned)crc);
}

enum tarn_status tarn_avro_writer_init(struct tarn_avro_writer *w, struct tarn_op *op,
                                       const struct tarn_avro_write *options)
{
    *w = (struct tarn_avro_writer){.options = *options};
    if (w->options.block_bytes == 0)
        w->options.block_bytes = TARN_AVRO_BLOCK_BYTES;
    tarn_buf_init(&w->file, TARN_AVRO_TOTAL_BYTES_MAX);
    tarn_buf_init(&w->block, TARN_AVRO_BLOCK_BYTES_MAX);
    /* Packing may make a block larger, and reserves for the worst. */
    tarn_buf_init(&w->packed, 2 * TARN_AVRO_BLOCK_BYTES_MAX);
    tarn_buf_append(&w->file, MAGIC, sizeof MAGIC - 1);
    size_t keys = options->meta_count + 2 + options->checksum;
    tarn_avro_put_items_begin(&w->file, keys);
    if (options->checksum) {
        meta_put(&w->file, TARN_STR(TARN_AVRO_CHECKSUM_KEY), TARN_STR("00000000"));
        w->checksum_at = w->file.len - TARN_AVRO_CHECKSUM_DIGITS;
    }
    for (size_t i = 0; i < options->meta_count; i++)
        meta_put(&w->file, options->meta[i].key, options->meta[i].value);
    meta_put(&w->file, TARN_STR("avro.codec"),
             tarn_str_view(tarn__avro_codec_name(options->codec)));
    meta_put(&w->file, TARN_STR("avro.schema"), options->schema);
    tarn_avro_put_items_end(&w->file, keys);
    tarn_buf_append(&w->file, options->sync, sizeof options->sync);
    return (enum tarn_status)tarn_buf_finish(op, &w->file, "Avro file");
}

static enum tarn_status block_close(struct tarn_avro_writer *w, struct tarn_op *op)
{
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, &w->block, "Avro block"));
    if (w->count == 0)
        return TARN_OK;
    tarn_buf_reset(&w->packed);
    TARN_TRY(
        tarn__avro_pack(op, &w->options, tarn_buf_view(&w->block), &w->codec_state, &w->packed));
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, &w->packed, "Avro block"));
    tarn_avro_put_long(&w->file, w->count);
    tarn_avro_put_bytes(&w->file, tarn_buf_view(&w->packed));
    tarn_buf_append(&w->file, w->options.sync, sizeof w->options.sync);
    tarn_buf_reset(&w->block);
    w->count = 0;
    return (enum tarn_status)tarn_buf_finish(op, &w->file, "Avro file");
}

enum tarn_status tarn_avro_writer_item(struct tarn_avro_writer *w, struct tarn_op *op)
{
    w->count++;
    if (w->block.failed || w->block.len >= w->options.block_bytes)
        return block_close(w, op);
    return TARN_OK;
}

enum tarn_status tarn_avro_writer_finish(struct tarn_avro_writer *w, struct tarn_op *op,
                                         struct tarn_str *out)
{
    char digits[TARN_AVRO_CHECKSUM_DIGITS + 1];
    TARN_TRY(block_close(w, op));
    if (w->checksum_at) {
        tarn__avro_checksum(tarn_buf_view(&w->file), w->checksum_at, digits);
        memcpy(w->file.ptr + w->checksum_at, digits, TARN_AVRO_CHECKSUM_DIGITS);
    }
    return (enum tarn_status)tarn_buf_take(op, &w->file, "Avro file", out);
}

void tarn_avro_writer_release(struct tarn_avro_writer *w)
{
    tarn_buf_release(&w->file);
    tarn_buf_release(&w->block);
    tarn_buf_release(&w->packed);
    tarn__avro_pack_release(w->options.codec, w->codec_state);
    w->codec_state = NULL;
}
