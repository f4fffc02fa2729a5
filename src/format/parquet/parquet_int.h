/* parquet_int: what the files of this folder share: codec.c packs pages, page.c changes the pages of
 * a column chunk, mend_footer.c the footer, mend.c the file.
 */
#ifndef TARN_FORMAT_PARQUET_INT_H
#define TARN_FORMAT_PARQUET_INT_H

#include "format/parquet/mend.h"

#define TARN__PAGE_MAX ((size_t)INT32_MAX) /* sizes of pages are 32 bits wide */

/* CompressionCodec */
enum {
    TARN__CODEC_PLAIN,
    TARN__CODEC_SNAPPY,
    TARN__CODEC_GZIP,
    TARN__CODEC_BROTLI = 4,
    TARN__CODEC_ZSTD = 6,
    TARN__CODEC_LZ4_RAW
};

/* ---- codec.c */

/* A page's bytes, of which there must be exactly `plain_bytes`, behind what `out` holds. */
enum tarn_status tarn__page_unpack(struct tarn_op *op, int32_t codec, struct tarn_str packed,
                                   size_t plain_bytes, struct tarn_buf *out) TARN_MUST_USE;
/* level: of zstd, 0 = its default */
enum tarn_status tarn__page_pack(struct tarn_op *op, int32_t codec, int level,
                                 struct tarn_str plain, struct tarn_buf *out) TARN_MUST_USE;

/* ---- where things went */

struct tarn__move { /* what stood at `from` or behind it is now as far behind `to` */
    int64_t from, to;
};
struct tarn__moves {
    struct tarn__move *items; /* by `from`; the first is of 0 */
    size_t count, cap;
};
static inline int64_t tarn__moved(const struct tarn__moves *m, int64_t offset)
{
    size_t lo = 0, hi = m->count;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (m->items[mid].from <= offset)
            lo = mid;
        else
            hi = mid;
    }
    return m->count ? m->items[lo].to + (offset - m->items[lo].from) : offset;
}

/* ---- page.c */

struct tarn__chunk_work {
    struct tarn_op *op;
    const struct tarn_parquet_io *io;
    const struct tarn_parquet_element *element;
    enum tarn_parquet_edit_kind kind; /* FIXED or UNSORTED */
    int32_t length, codec;
    int level;
    int64_t at, end;  /* of the chunk, in the file that is read */
    int64_t *written; /* bytes of the new file so far */
    struct tarn__moves *moves;
    struct tarn_buf packed, plain, made, out; /* reused from page to page */
    int64_t size_bytes, plain_bytes;          /* of the new chunk, headers included */
};
/* Writes a chunk of BYTE_ARRAY as one of FIXED_LEN_BYTE_ARRAY (TARN_DATA: a value of another
 * length), or with the names of variants unsorted. */
enum tarn_status tarn__chunk_fix(struct tarn__chunk_work *w) TARN_MUST_USE;

/* ---- mend_footer.c */

struct tarn__new_chunk {
    int64_t size_bytes, plain_bytes;
};
struct tarn__new_layout {
    struct tarn__moves moves;
    struct tarn__new_chunk *chunks; /* group * leaves + leaf; size_bytes 0 = as it was */
};
enum tarn_status tarn__footer_mend(struct tarn_op *op, struct tarn_str bytes,
                                   const struct tarn_parquet_footer *footer,
                                   const struct tarn_parquet_edits *edits,
                                   const struct tarn__new_layout *layout,
                                   struct tarn_buf *out) TARN_MUST_USE;

#endif
