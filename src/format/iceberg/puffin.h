/* puffin: Puffin files (spec "Puffin file format") and the blob types that Tarn knows: deletion
 * vectors ("deletion-vector-v1"); others are kept as bytes.
 *
 * Pure: bytes <-> structs.
 */
#ifndef TARN_FORMAT_ICEBERG_PUFFIN_H
#define TARN_FORMAT_ICEBERG_PUFFIN_H

#include "format/iceberg/metadata.h"

struct tarn_puffin_blob {
    struct tarn_str type; /* "deletion-vector-v1", "apache-datasketches-theta-v1" */
    int32_t *fields;
    size_t field_count;
    int64_t snapshot_id, sequence_number; /* -1 for deletion vectors */
    int64_t offset, length;               /* in the file; set by write */
    struct tarn_str codec;                /* absent, "zstd" or "lz4" */
    struct tarn_kvs properties;
    struct tarn_str bytes; /* write: the blob as it is stored */
};
struct tarn_puffin {
    struct tarn_puffin_blob *blobs;
    size_t count;
    struct tarn_kvs properties;
};
/* The footer of a whole file. TARN_CORRUPT naming `what`. */
enum tarn_status tarn_puffin_parse(struct tarn_op *, struct tarn_str bytes, const char *what,
                                   struct tarn_puffin *out) TARN_MUST_USE;
/* Fills offset and length of the blobs. Footer not compressed. */
enum tarn_status tarn_puffin_write(struct tarn_op *, struct tarn_puffin *,
                                   struct tarn_str *out) TARN_MUST_USE;

/* The stored bytes of a deletion vector: length, magic, bitmap, CRC-32 (trap 10). */
enum tarn_status tarn_deletion_vector_write(struct tarn_op *, const int64_t *positions,
                                            size_t count, struct tarn_str *out) TARN_MUST_USE;
/* TARN_CORRUPT: framing, checksum, order, or a cardinality other than `cardinality` (the entry's
 * record_count; -1 = do not check). */
enum tarn_status tarn_deletion_vector_read(struct tarn_op *, struct tarn_str bytes,
                                           const char *what, int64_t cardinality,
                                           int64_t **out_positions,
                                           size_t *out_count) TARN_MUST_USE;

#endif
