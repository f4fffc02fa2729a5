/* deletion_vector: the frame of a "deletion-vector-v1" blob around its bitmap (spec "Puffin file
 * format"):
 *
 *   u32 length of magic and bitmap, magic D1 D3 39 64, bitmap, u32 CRC-32 of magic and bitmap
 *
 * Length and checksum are big-endian, the bitmap is little-endian.
 */
#include "base/hash.h"
#include "format/bitmap.h"
#include "format/iceberg/puffin.h"

#define MAGIC       "\xD1\xD3\x39\x64"
#define MAGIC_BYTES 4U
#define FRAME_BYTES 12U /* length, magic, checksum */

static void put_u32_be(struct tarn_buf *b, uint32_t v)
{
    char bytes[4] = {(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v};
    tarn_buf_append(b, bytes, 4);
}

static uint32_t u32_be_of(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

enum tarn_status tarn_deletion_vector_write(struct tarn_op *op, const int64_t *positions,
                                            size_t count, struct tarn_str *out)
{
    struct tarn_buf b;
    struct tarn_str bitmap;
    TARN_TRY(tarn_bitmap_write(op, positions, count, &bitmap));
    tarn_buf_init(&b, INT32_MAX);
    put_u32_be(&b, (uint32_t)(MAGIC_BYTES + bitmap.len));
    tarn_buf_append(&b, MAGIC, MAGIC_BYTES);
    tarn_buf_str(&b, bitmap);
    uint32_t crc = tarn_crc32(tarn_crc32(0, MAGIC, MAGIC_BYTES), bitmap.ptr, bitmap.len);
    put_u32_be(&b, crc);
    return (enum tarn_status)tarn_buf_take(op, &b, "deletion vector", out);
}

enum tarn_status tarn_deletion_vector_read(struct tarn_op *op, struct tarn_str bytes,
                                           const char *what, int64_t cardinality,
                                           int64_t **out_positions, size_t *out_count)
{
    const char *why = NULL;
    if (bytes.len < FRAME_BYTES)
        why = "it is too short";
    else if (u32_be_of(bytes.ptr) != bytes.len - FRAME_BYTES + MAGIC_BYTES)
        why = "it is not as long as it says";
    else if (memcmp(bytes.ptr + 4, MAGIC, MAGIC_BYTES) != 0)
        why = "it does not begin as one";
    else if (u32_be_of(bytes.ptr + bytes.len - 4) != tarn_crc32(0, bytes.ptr + 4, bytes.len - 8))
        why = "its checksum is wrong";
    if (why)
        return tarn_fail(op, TARN_CORRUPT, "could not read deletion vector \"%s\": %s", what, why);
    struct tarn_str bitmap = tarn_str_of(bytes.ptr + 8, bytes.len - FRAME_BYTES);
    size_t count_max = cardinality < 0 ? SIZE_MAX : (size_t)cardinality;
    TARN_TRY_WHILE(op, tarn_bitmap_read(op, bitmap, what, count_max, out_positions, out_count),
                   "reading a deletion vector");
    if (cardinality >= 0 && *out_count != (size_t)cardinality)
        return tarn_fail(op, TARN_CORRUPT,
                         "could not read deletion vector \"%s\": it has %zu positions, and %lld by "
                         "its manifest",
                         what, *out_count, (long long)cardinality);
    return TARN_OK;
}
