/* avro_codec: packing and unpacking of blocks. Output goes into a buf, whose maximum is the
 * limit. */
#include "format/avro/avro_int.h"

#include <snappy-c.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define STEP_BYTES     ((size_t)64 << 10)
#define SNAPPY_CRC     4
#define ZLIB_TRAILER   4 /* some writers cut a zlib stream and leave part of its checksum behind */
#define DEFLATE_LEVEL  6
#define DEFLATE_MEMORY 9

static const char *const names[] = {
    [TARN_AVRO_CODEC_NULL] = "null",
    [TARN_AVRO_CODEC_DEFLATE] = "deflate",
    [TARN_AVRO_CODEC_ZSTANDARD] = "zstandard",
    [TARN_AVRO_CODEC_SNAPPY] = "snappy",
};

bool tarn__avro_codec_of(struct tarn_str name, enum tarn_avro_codec *out)
{
    *out = TARN_AVRO_CODEC_NULL;
    if (!name.ptr)
        return true;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (tarn_str_is(name, names[i])) {
            *out = (enum tarn_avro_codec)i;
            return true;
        }
    }
    return false;
}

const char *tarn__avro_codec_name(enum tarn_avro_codec codec)
{
    return names[codec];
}

static enum tarn_status corrupt(struct tarn_op *op, const char *what, enum tarn_avro_codec codec)
{
    return tarn_fail(op, TARN_CORRUPT, "could not decompress a block of %s: bad %s data", what,
                     names[codec]);
}

static enum tarn_status out_of_memory(struct tarn_op *op)
{
    return tarn_fail(op, TARN_NOMEM, "could not allocate memory for an Avro block");
}

/* Room for the next piece of output: at least one byte more than is needed, so that passing
 * the maximum shows. */
static size_t room(struct tarn_buf *out)
{
    size_t step = out->len < STEP_BYTES ? STEP_BYTES : out->len;
    if (step > out->max - out->len)
        step = out->max - out->len;
    if (step > UINT32_MAX / 2)
        step = UINT32_MAX / 2;
    if (step == 0)
        step = 1; /* sticks as "over the limit" */
    return tarn_buf_reserve(out, step) ? step : 0;
}

/* ---- deflate (RFC 1951, no zlib header) */

static enum tarn_status inflate_all(struct tarn_op *op, z_stream *z, struct tarn_str packed,
                                    const char *what, struct tarn_buf *out)
{
    const Bytef *in = (const Bytef *)packed.ptr, *end = in + packed.len;
    int rc = Z_OK;
    while (rc != Z_STREAM_END) {
        size_t space = room(out);
        if (!space)
            return (enum tarn_status)tarn_buf_finish(op, out, what);
        if (z->avail_in == 0) {
            size_t n = (size_t)(end - in) < UINT32_MAX / 2 ? (size_t)(end - in) : UINT32_MAX / 2;
            z->next_in = (Bytef *)(uintptr_t)in;
            z->avail_in = (uInt)n;
            in += n;
        }
        z->next_out = (Bytef *)out->ptr + out->len;
        z->avail_out = (uInt)space;
        uInt had = z->avail_in;
        rc = inflate(z, Z_NO_FLUSH);
        size_t got = space - z->avail_out;
        out->len += got;
        if (rc == Z_MEM_ERROR)
            return out_of_memory(op);
        bool stuck = got == 0 && z->avail_in == had && in == end;
        if (rc != Z_STREAM_END && rc != Z_OK && (rc != Z_BUF_ERROR || stuck))
            return corrupt(op, what, TARN_AVRO_CODEC_DEFLATE);
    }
    if (z->avail_in > ZLIB_TRAILER || in != end)
        return corrupt(op, what, TARN_AVRO_CODEC_DEFLATE);
    return TARN_OK;
}

static enum tarn_status deflate_unpack(struct tarn_op *op, struct tarn_str packed, const char *what,
                                       struct tarn_buf *out)
{
    z_stream z = {0};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return out_of_memory(op);
    enum tarn_status status = inflate_all(op, &z, packed, what, out);
    (void)inflateEnd(&z);
    return status;
}

static z_stream *deflate_state(int level)
{
    z_stream *z = calloc(1, sizeof *z);
    if (z && deflateInit2(z, level ? level : DEFLATE_LEVEL, Z_DEFLATED, -MAX_WBITS, DEFLATE_MEMORY,
                          Z_DEFAULT_STRATEGY) != Z_OK) {
        free(z);
        z = NULL;
    }
    return z;
}

static enum tarn_status deflate_pack(struct tarn_op *op, int level, struct tarn_str plain,
                                     void **state, struct tarn_buf *out)
{
    if (!*state)
        *state = deflate_state(level);
    z_stream *z = *state;
    if (!z)
        return out_of_memory(op);
    (void)deflateReset(z);
    size_t bound = deflateBound(z, plain.len);
    if (plain.len > UINT32_MAX / 2)
        return tarn_fail(op, TARN_LIMIT, "an Avro block is larger than %u bytes", UINT32_MAX / 2);
    if (!tarn_buf_reserve(out, bound))
        return (enum tarn_status)tarn_buf_finish(op, out, "Avro block");
    z->next_in = (Bytef *)(uintptr_t)plain.ptr;
    z->avail_in = (uInt)plain.len;
    z->next_out = (Bytef *)out->ptr + out->len;
    z->avail_out = (uInt)bound;
    if (deflate(z, Z_FINISH) != Z_STREAM_END)
        return tarn_fail(op, TARN_INTERNAL, "could not deflate an Avro block");
    out->len += bound - z->avail_out;
    return TARN_OK;
}

/* ---- zstandard */

static enum tarn_status zstd_unpack(struct tarn_op *op, struct tarn_str packed, const char *what,
                                    struct tarn_buf *out)
{
    ZSTD_DCtx *z = ZSTD_createDCtx();
    if (!z)
        return out_of_memory(op);
    ZSTD_inBuffer in = {packed.ptr, packed.len, 0};
    enum tarn_status status = TARN_OK;
    size_t rc = 1, got = 0;
    /* rc == 0: a frame is over and all of it was handed out; more frames may follow. */
    while (status == TARN_OK && (rc != 0 || in.pos < in.size)) {
        size_t space = room(out), before = in.pos;
        if (!space) {
            status = (enum tarn_status)tarn_buf_finish(op, out, what);
            break;
        }
        ZSTD_outBuffer to = {out->ptr + out->len, space, 0};
        rc = ZSTD_decompressStream(z, &to, &in);
        got = to.pos;
        out->len += got;
        if (ZSTD_isError(rc) || (got == 0 && in.pos == before))
            status = corrupt(op, what, TARN_AVRO_CODEC_ZSTANDARD);
    }
    (void)ZSTD_freeDCtx(z);
    return status;
}

static enum tarn_status zstd_pack(struct tarn_op *op, int level, struct tarn_str plain,
                                  void **state, struct tarn_buf *out)
{
    if (!*state)
        *state = ZSTD_createCCtx();
    if (!*state)
        return out_of_memory(op);
    size_t bound = ZSTD_compressBound(plain.len);
    if (!tarn_buf_reserve(out, bound))
        return (enum tarn_status)tarn_buf_finish(op, out, "Avro block");
    size_t n = ZSTD_compressCCtx(*state, out->ptr + out->len, bound, plain.ptr, plain.len,
                                 level ? level : ZSTD_CLEVEL_DEFAULT);
    if (ZSTD_isError(n))
        return tarn_fail(op, TARN_NOMEM, "could not compress an Avro block: %s",
                         ZSTD_getErrorName(n));
    out->len += n;
    return TARN_OK;
}

/* ---- snappy */

static uint32_t crc_of(const char *p, size_t n)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const Bytef *)p, n);
}

static enum tarn_status snappy_unpack(struct tarn_op *op, struct tarn_str packed, const char *what,
                                      struct tarn_buf *out)
{
    size_t size = 0, at = out->len;
    if (packed.len < SNAPPY_CRC ||
        snappy_uncompressed_length(packed.ptr, packed.len - SNAPPY_CRC, &size) != SNAPPY_OK)
        return corrupt(op, what, TARN_AVRO_CODEC_SNAPPY);
    if (!tarn_buf_reserve(out, size))
        return (enum tarn_status)tarn_buf_finish(op, out, what);
    if (snappy_uncompress(packed.ptr, packed.len - SNAPPY_CRC, size ? out->ptr + at : (char[1]){0},
                          &size) != SNAPPY_OK)
        return corrupt(op, what, TARN_AVRO_CODEC_SNAPPY);
    out->len += size;
    const uint8_t *c = (const uint8_t *)packed.ptr + packed.len - SNAPPY_CRC;
    uint32_t crc = (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3];
    if (crc != crc_of(size ? out->ptr + at : "", size))
        return tarn_fail(op, TARN_CORRUPT,
                         "could not decompress a block of %s: its checksum does not match", what);
    return TARN_OK;
}

static enum tarn_status snappy_pack(struct tarn_op *op, struct tarn_str plain, struct tarn_buf *out)
{
    size_t n = snappy_max_compressed_length(plain.len);
    if (!tarn_buf_reserve(out, n + SNAPPY_CRC))
        return (enum tarn_status)tarn_buf_finish(op, out, "Avro block");
    if (snappy_compress(plain.ptr, plain.len, out->ptr + out->len, &n) != SNAPPY_OK)
        return tarn_fail(op, TARN_INTERNAL, "could not compress an Avro block with snappy");
    out->len += n;
    uint32_t crc = crc_of(plain.ptr, plain.len);
    char be[SNAPPY_CRC] = {(char)(crc >> 24), (char)(crc >> 16), (char)(crc >> 8), (char)crc};
    tarn_buf_append(out, be, sizeof be);
    return TARN_OK;
}

/* ---- all of them */

enum tarn_status tarn__avro_unpack(struct tarn_op *op, enum tarn_avro_codec codec,
                                   struct tarn_str packed, const char *what, struct tarn_buf *out)
{
    switch (codec) {
    case TARN_AVRO_CODEC_DEFLATE:
        return deflate_unpack(op, packed, what, out);
    case TARN_AVRO_CODEC_ZSTANDARD:
        return zstd_unpack(op, packed, what, out);
    case TARN_AVRO_CODEC_SNAPPY:
        return snappy_unpack(op, packed, what, out);
    default:
        tarn_buf_str(out, packed);
        return (enum tarn_status)tarn_buf_finish(op, out, what);
    }
}

enum tarn_status tarn__avro_pack(struct tarn_op *op, const struct tarn_avro_write *options,
                                 struct tarn_str plain, void **state, struct tarn_buf *out)
{
    switch (options->codec) {
    case TARN_AVRO_CODEC_DEFLATE:
        return deflate_pack(op, options->level, plain, state, out);
    case TARN_AVRO_CODEC_ZSTANDARD:
        return zstd_pack(op, options->level, plain, state, out);
    case TARN_AVRO_CODEC_SNAPPY:
        return snappy_pack(op, plain, out);
    default:
        tarn_buf_str(out, plain);
        return TARN_OK;
    }
}

void tarn__avro_pack_release(enum tarn_avro_codec codec, void *state)
{
    if (!state)
        return;
    if (codec == TARN_AVRO_CODEC_DEFLATE) {
        (void)deflateEnd(state);
        free(state);
    } else {
        (void)ZSTD_freeCCtx(state);
    }
}
