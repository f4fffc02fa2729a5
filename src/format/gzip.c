/* gzip: by zlib, whose gzip mode checks header, length and CRC. */
#include "format/gzip.h"

#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* zlib: the largest window, a gzip header around */
#define TEXT_MAX    ((size_t)1 << 30)

bool tarn_gzip_is(struct tarn_str b)
{
    return b.len >= 2 && (unsigned char)b.ptr[0] == 0x1f && (unsigned char)b.ptr[1] == 0x8b;
}

static enum tarn_status corrupt(struct tarn_op *op, const char *what, const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "%s cannot be unpacked: %s", what, why);
}

static enum tarn_status unpack_all(struct tarn_op *op, z_stream *z, const char *what,
                                   size_t max_bytes, struct tarn_buf *out)
{
    int rc = Z_OK;
    while (rc != Z_STREAM_END) {
        size_t step = out->len < 65536 ? 65536 : out->len;
        if (step > max_bytes - out->len)
            step = max_bytes - out->len;
        if (step == 0)
            return corrupt(op, what, "it is too large");
        if (!tarn_buf_reserve(out, step))
            return (enum tarn_status)tarn_buf_finish(op, out, what);
        z->next_out = (Bytef *)out->ptr + out->len;
        z->avail_out = (uInt)step;
        rc = inflate(z, Z_NO_FLUSH);
        out->len += step - z->avail_out;
        if (rc == Z_MEM_ERROR)
            return tarn_fail(op, TARN_NOMEM, "out of memory");
        if (rc == Z_BUF_ERROR || (rc == Z_OK && z->avail_out > 0 && z->avail_in == 0))
            return corrupt(op, what, "its end is missing");
        if (rc != Z_OK && rc != Z_STREAM_END)
            return corrupt(op, what, "it is damaged");
    }
    return z->avail_in ? corrupt(op, what, "there are bytes behind its end") : TARN_OK;
}

enum tarn_status tarn_gzip_unpack(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                  size_t max_bytes, struct tarn_str *out)
{
    struct tarn_buf b;
    z_stream z = {0};
    if (bytes.len > TEXT_MAX || max_bytes > TEXT_MAX)
        return corrupt(op, what, "it is too large");
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return tarn_fail(op, TARN_NOMEM, "out of memory");
    z.next_in = (Bytef *)(uintptr_t)bytes.ptr;
    z.avail_in = (uInt)bytes.len;
    tarn_buf_init(&b, max_bytes + 1);
    enum tarn_status status = unpack_all(op, &z, what, max_bytes, &b);
    (void)inflateEnd(&z);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(op, &b, what, out);
    tarn_buf_release(&b);
    return status;
}

enum tarn_status tarn_gzip_pack(struct tarn_op *op, struct tarn_str plain, struct tarn_str *out)
{
    z_stream z = {0};
    if (plain.len > TEXT_MAX)
        return tarn_fail(op, TARN_LIMIT, "could not pack more than 1 GiB");
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return tarn_fail(op, TARN_NOMEM, "out of memory");
    uLong bound = deflateBound(&z, (uLong)plain.len);
    char *bytes = tarn_alloc(op, bound);
    int rc = Z_MEM_ERROR;
    if (bytes) {
        z.next_in = (Bytef *)(uintptr_t)plain.ptr;
        z.avail_in = (uInt)plain.len;
        z.next_out = (Bytef *)bytes;
        z.avail_out = (uInt)bound;
        rc = deflate(&z, Z_FINISH);
        *out = tarn_str_of(bytes, bound - z.avail_out);
    }
    (void)deflateEnd(&z);
    if (!bytes)
        return TARN_NOMEM;
    return rc == Z_STREAM_END ? TARN_OK : tarn_fail(op, TARN_INTERNAL, "could not pack a text");
}

enum tarn_status tarn_gzip_text(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                struct tarn_str *out)
{
    *out = bytes;
    return tarn_gzip_is(bytes) ? tarn_gzip_unpack(op, bytes, what, TEXT_MAX, out) : TARN_OK;
}
