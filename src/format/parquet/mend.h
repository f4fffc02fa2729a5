/* mend: a Parquet file that an engine wrote becomes what Iceberg's types ask for (spec, appendix A
 * "Parquet"), where the engine has no such type:
 *
 *   fixed[n]         written as BYTE_ARRAY        becomes FIXED_LEN_BYTE_ARRAY(n): dictionaries and
 *                                                 plain pages are written anew
 *   timestamptz_ns   TIMESTAMP(NANOS, local)      TIMESTAMP(NANOS, UTC)       \
 *   geography(c, a)  GEOMETRY                     GEOGRAPHY(c, a)              | in the footer
 *   geometry(c)      GEOMETRY                     GEOMETRY(c)                  | alone
 *   variant          group of metadata and value  the same, marked as VARIANT /
 *                    VARIANT, shredded or not     "sorted" is taken back in each value of `metadata`:
 *                                                 the engine says so of names that are in no order
 *
 * Columns are told by their field ids. All else is copied byte for byte, and what points into the
 * file is moved. No statistics of a geography are kept: the engine's are those of a plane.
 */
#ifndef TARN_FORMAT_PARQUET_MEND_H
#define TARN_FORMAT_PARQUET_MEND_H

#include "format/iceberg/type.h"
#include "format/parquet/footer.h"

enum tarn_parquet_edit_kind {
    TARN_PARQUET_EDIT_NONE,
    TARN_PARQUET_EDIT_FIXED,
    TARN_PARQUET_EDIT_UTC,
    TARN_PARQUET_EDIT_GEOMETRY,
    TARN_PARQUET_EDIT_GEOGRAPHY,
    TARN_PARQUET_EDIT_VARIANT,
    TARN_PARQUET_EDIT_UNSORTED /* of a variant's `metadata` */
};
struct tarn_parquet_edit {
    enum tarn_parquet_edit_kind kind;
    int32_t length;      /* FIXED */
    struct tarn_str crs; /* absent: the default */
    int32_t algorithm;   /* GEOGRAPHY; 0 = spherical, which is the default */
};
struct tarn_parquet_edits {
    struct tarn_parquet_edit *items; /* one an element of the footer */
    size_t count;                    /* of those that are none of NONE */
    bool pages;                      /* pages change, not the footer alone */
};

/* May files of this schema need it? */
bool tarn_parquet_mends(const struct tarn_type *root);
/* What a file needs to hold the columns of `root`. TARN_INTERNAL: a column is not written as above. */
enum tarn_status tarn_parquet_edits_find(struct tarn_op *op,
                                         const struct tarn_parquet_footer *footer,
                                         const struct tarn_type *root,
                                         struct tarn_parquet_edits *out) TARN_MUST_USE;
/* "geography(srid:4326, karney)" taken apart; absent crs: the default. False: no such algorithm. */
bool tarn_parquet_crs(const struct tarn_type *t, struct tarn_str *crs, int32_t *algorithm);

/* ---- the footer alone (edits->pages is false): the new one; length and magic go behind it */
enum tarn_status tarn_parquet_footer_mend(struct tarn_op *op, struct tarn_str bytes,
                                          const struct tarn_parquet_footer *footer,
                                          const struct tarn_parquet_edits *edits,
                                          struct tarn_buf *out) TARN_MUST_USE;
/* "length, 4 bytes | PAR1" */
void tarn_parquet_tail_put(struct tarn_buf *b, size_t footer_bytes);

/* ---- a new file; the caller's reading and writing */
struct tarn_parquet_io {
    void *ctx;
    enum tarn_status (*read)(void *ctx, struct tarn_op *op, int64_t offset, void *dst,
                             size_t length);
    enum tarn_status (*write)(void *ctx, struct tarn_op *op, const void *src, size_t length);
};
struct tarn_parquet_mended {
    int64_t size_bytes;
    int64_t *leaf_bytes; /* one a leaf: the new size of its chunks; -1 = unchanged */
};
/* Memory: two pages of the largest, and the footer. `level` as of the codec, 0 = its default.
 * TARN_DATA: a value that is not as long as its type says. TARN_UNSUPPORTED: pages in a codec or
 * encoding that this module does not have (brotli, page indexes). */
enum tarn_status tarn_parquet_mend(struct tarn_op *op, const struct tarn_parquet_io *io,
                                   struct tarn_str footer_bytes, int64_t size_bytes,
                                   const struct tarn_parquet_footer *footer,
                                   const struct tarn_parquet_edits *edits, int level,
                                   struct tarn_parquet_mended *out) TARN_MUST_USE;

#endif
