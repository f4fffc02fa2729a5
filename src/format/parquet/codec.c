/* codec: packs and unpacks pages (parquet-format, Compression.md). */
#include "format/parquet/parquet_int.h"

#include <lz4.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP_WINDOW   (15 + 16)
#define GZIP_OR_ZLIB  (15 + 32)
#define GZIP_OVERHEAD 64

static enum tarn_status corrupt(struct tarn_op *op)
{
    return tarn_fail(op, TARN_CORRUPT, "a page of a Parquet file cannot be unpacked");
}

static enum tarn_status unknown(struct tarn_op *op, int32_t codec)
{
    return tarn_fail(op, TARN_UNSUPPORTED, "pages of compression %s cannot be changed",
                     codec == TARN__CODEC_BROTLI ? "brotli" : "that is not known");
}

static enum tarn_status room(struct tarn_op *op, struct tarn_buf *b, size_t bytes)
{
    return tarn_buf_reserve(b, bytes) ? TARN_OK
                                      : (enum tarn_status)tarn_buf_finish(op, b, "a page");
}

/* ---- unpacking */

static bool gzip_unpack(struct tarn_str packed, char *dst, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)packed.ptr,
                  .avail_in = (uInt)packed.len,
                  .next_out = (Bytef *)dst,
                  .avail_out = (uInt)size};
    if (inflateInit2(&z, GZIP_OR_ZLIB) != Z_OK)
        return false;
    int rc = inflate(&z, Z_FINISH);
    bool ok = rc == Z_STREAM_END && z.avail_out == 0;
    inflateEnd(&z);
    return ok;
}

static bool snappy_unpack(struct tarn_str packed, char *dst, size_t size)
{
    size_t n = 0;
    if (snappy_uncompressed_length(packed.ptr, packed.len, &n) != SNAPPY_OK || n != size)
        return false;
    return snappy_uncompress(packed.ptr, packed.len, dst, &n) == SNAPPY_OK && n == size;
}

static bool unpack(int32_t codec, struct tarn_str packed, char *dst, size_t size)
{
    size_t n;
    switch (codec) {
    case TARN__CODEC_SNAPPY:
        return snappy_unpack(packed, dst, size);
    case TARN__CODEC_GZIP:
        return gzip_unpack(packed, dst, size);
    case TARN__CODEC_ZSTD:
        n = ZSTD_decompress(dst, size, packed.ptr, packed.len);
        return !ZSTD_isError(n) && n == size;
    default:
        return LZ4_decompress_safe(packed.ptr, dst, (int)packed.len, (int)size) == (int)size;
    }
}

enum tarn_status tarn__page_unpack(struct tarn_op *op, int32_t codec, struct tarn_str packed,
                                   size_t plain_bytes, struct tarn_buf *out)
{
    if (packed.len > TARN__PAGE_MAX || plain_bytes > TARN__PAGE_MAX)
        return corrupt(op);
    if (codec == TARN__CODEC_PLAIN) {
        if (packed.len != plain_bytes)
            return corrupt(op);
        tarn_buf_str(out, packed);
        return (enum tarn_status)tarn_buf_finish(op, out, "a page");
    }
    if (codec != TARN__CODEC_SNAPPY && codec != TARN__CODEC_GZIP && codec != TARN__CODEC_ZSTD &&
        codec != TARN__CODEC_LZ4_RAW)
        return unknown(op, codec);
    TARN_TRY(room(op, out, plain_bytes + 1));
    if (plain_bytes > 0 && !unpack(codec, packed, out->ptr + out->len, plain_bytes))
        return corrupt(op);
    out->len += plain_bytes;
    out->ptr[out->len] = '\0';
    return TARN_OK;
}

/* ---- packing: 0 bytes is a failure */

static size_t gzip_pack(struct tarn_str plain, char *dst, size_t size)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)plain.ptr,
                  .avail_in = (uInt)plain.len,
                  .next_out = (Bytef *)dst,
                  .avail_out = (uInt)size};
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return 0;
    int rc = deflate(&z, Z_FINISH);
    size_t n = rc == Z_STREAM_END ? size - z.avail_out : 0;
    deflateEnd(&z);
    return n;
}

static size_t bound_of(int32_t codec, size_t n)
{
    switch (codec) {
    case TARN__CODEC_SNAPPY:
        return snappy_max_compressed_length(n);
    case TARN__CODEC_GZIP:
        return compressBound((uLong)n) + GZIP_OVERHEAD;
    case TARN__CODEC_ZSTD:
        return ZSTD_compressBound(n);
    default:
        return (size_t)LZ4_compressBound((int)n);
    }
}

static size_t pack(int32_t codec, int level, struct tarn_str plain, char *dst, size_t size)
{
    size_t n = size;
    switch (codec) {
    case TARN__CODEC_SNAPPY:
        return snappy_compress(plain.ptr, plain.len, dst, &n) == SNAPPY_OK ? n : 0;
    case TARN__CODEC_GZIP:
        return gzip_pack(plain, dst, size);
    case TARN__CODEC_ZSTD:
        n = ZSTD_compress(dst, size, plain.ptr, plain.len, level ? level : ZSTD_CLEVEL_DEFAULT);
        return ZSTD_isError(n) ? 0 : n;
    default:
        return (size_t)LZ4_compress_default(plain.ptr, dst, (int)plain.len, (int)size);
    }
}

enum tarn_status tarn__page_pack(struct tarn_op *op, int32_t codec, int level,
                                 struct tarn_str plain, struct tarn_buf *out)
{
    if (codec == TARN__CODEC_PLAIN) {
        tarn_buf_str(out, plain);
        return (enum tarn_status)tarn_buf_finish(op, out, "a page");
    }
    if (codec != TARN__CODEC_SNAPPY && codec != TARN__CODEC_GZIP && codec != TARN__CODEC_ZSTD &&
        codec != TARN__CODEC_LZ4_RAW)
        return unknown(op, codec);
    if (plain.len > LZ4_MAX_INPUT_SIZE)
        return tarn_fail(op, TARN_LIMIT, "a page of %zu bytes is too large to be packed",
                         plain.len);
    size_t bound = bound_of(codec, plain.len);
    TARN_TRY(room(op, out, bound + 1));
    size_t n = pack(codec, level, plain, out->ptr + out->len, bound);
    if (n == 0)
        return tarn_fail(op, TARN_NOMEM, "a page could not be packed: out of memory");
    out->len += n;
    out->ptr[out->len] = '\0';
    return TARN_OK;
}
