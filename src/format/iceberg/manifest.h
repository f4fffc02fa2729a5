/* manifest: manifest files and manifest lists (spec "Manifests", "Manifest Lists", appendix A),
 * over Avro container files.
 *
 * Pure: bytes <-> structs. Readers take any writer's schema that Iceberg's field ids explain
 * (trap 22, 23): fields are matched by field-id,
 * by name where ids are missing. Writers make v2 and v3 (deflate by default), accepted by Java,
 * PyIceberg, Trino, DuckDB.
 */
#ifndef TARN_FORMAT_ICEBERG_MANIFEST_H
#define TARN_FORMAT_ICEBERG_MANIFEST_H

#include "format/iceberg/metadata.h"

enum tarn_content {
    TARN_CONTENT_DATA = 0,
    TARN_CONTENT_POSITION_DELETES = 1,
    TARN_CONTENT_EQUALITY_DELETES = 2
};
enum tarn_entry_status { TARN_ENTRY_EXISTING = 0, TARN_ENTRY_ADDED = 1, TARN_ENTRY_DELETED = 2 };

/* field id -> number or bytes; sorted by id */
struct tarn_id_count {
    int32_t id;
    int64_t count;
};
struct tarn_id_bytes {
    int32_t id;
    struct tarn_str bytes;
};
struct tarn_data_file {
    enum tarn_content content;
    struct tarn_str path;
    struct tarn_str format;       /* "PARQUET" */
    int32_t spec_id;              /* not stored in the entry: from the manifest */
    struct tarn_value *partition; /* one a field of the spec, in its order */
    size_t partition_count;
    int64_t record_count;
    int64_t size_bytes;
    struct tarn_id_count *column_sizes, *value_counts, *null_counts, *nan_counts;
    size_t column_size_count, value_count_count, null_count_count, nan_count_count;
    struct tarn_id_bytes *lower, *upper;
    size_t lower_count, upper_count;
    struct tarn_str key_metadata;
    int64_t *split_offsets;
    size_t split_offset_count;
    int32_t *equality_ids;
    size_t equality_id_count;
    int32_t sort_order_id;                /* -1 = absent */
    int64_t first_row_id;                 /* -1 = absent */
    struct tarn_str referenced_data_file; /* absent = none */
    int64_t content_offset, content_size; /* -1 = absent (deletion vectors) */
};
struct tarn_manifest_entry {
    enum tarn_entry_status status;
    int64_t snapshot_id; /* after inheritance */
    /* data sequence number, after inheritance; -1 while ADDED and not yet known (written as
     * null) */
    int64_t sequence_number;
    /* likewise; -1 too in EXISTING and DELETED entries of writers that did not know it */
    int64_t file_sequence_number;
    struct tarn_data_file file;
};
/* Partition field summary of a manifest list entry. */
struct tarn_field_summary {
    bool contains_null;
    int contains_nan;             /* -1 = absent */
    struct tarn_str lower, upper; /* single-value binary; absent = none */
};
struct tarn_manifest_file {
    struct tarn_str path;
    int64_t length_bytes;
    int32_t spec_id;
    bool deletes; /* content 1 */
    int64_t sequence_number, min_sequence_number;
    int64_t added_snapshot_id;
    int32_t added_files, existing_files, deleted_files; /* -1 = absent (v1) */
    int64_t added_rows, existing_rows, deleted_rows;    /* -1 = absent (v1) */
    struct tarn_field_summary *partitions;
    size_t partition_count;
    struct tarn_str key_metadata;
    int64_t first_row_id; /* -1 = absent */
};

struct tarn_manifest {
    struct tarn_manifest_entry *entries;
    size_t count;
};
/* Reads all entries (DELETED ones too), with inheritance from `list_entry` applied (trap 4;
 * added_snapshot_id, sequence number 0 for v1).
 * `m` gives the spec by list_entry->spec_id for the partition types (the header's own spec is
 * only a fallback). `what` = path. */
enum tarn_status tarn_manifest_parse(struct tarn_op *op, struct tarn_str bytes,
                                     const struct tarn_metadata *m,
                                     const struct tarn_manifest_file *list_entry,
                                     struct tarn_manifest *out) TARN_MUST_USE;
/* Bytes of a manifest of one spec and one content, in the table's format version (2 or 3).
 * entries: ADDED ones with sequence_number -1 write nulls. v3: ADDED ones write no first_row_id
 * (it is inherited), EXISTING and DELETED ones theirs.
 * Fills out_entry's counts, rows, min_sequence_number (of the live ones, for -1 and for none
 * `next_sequence_number`), partition summaries,
 * spec id, content, length, added_snapshot_id; path, sequence_number and key_metadata stay the
 * caller's.
 * TARN_UNSUPPORTED: a v1 table, values that only v3 can hold in a v2 table, an unknown transform.
 * TARN_INVALID: entries that break the rules, also a new position delete file in a v3 table. */
struct tarn_manifest_write {
    const struct tarn_metadata *metadata;
    const struct tarn_schema *schema;
    const struct tarn_partition_spec *spec;
    bool deletes;
    int64_t snapshot_id;
    int64_t next_sequence_number;
    const struct tarn_manifest_entry *entries;
    size_t count;
};
enum tarn_status tarn_manifest_write(struct tarn_op *op, const struct tarn_manifest_write *in,
                                     struct tarn_str *out_bytes,
                                     struct tarn_manifest_file *out_entry) TARN_MUST_USE;

struct tarn_manifest_list {
    struct tarn_manifest_file *files;
    size_t count;
};
enum tarn_status tarn_manifest_list_parse(struct tarn_op *op, struct tarn_str bytes,
                                          const char *what,
                                          struct tarn_manifest_list *out) TARN_MUST_USE;
struct tarn_manifest_list_write {
    int format_version; /* 2 or 3 */
    int64_t snapshot_id;
    int64_t parent_id; /* 0 = none */
    int64_t sequence_number;
    int64_t first_row_id; /* v3: the snapshot's, which is the table's next-row-id */
};
/* A manifest whose sequence_number or min_sequence_number is -1 gets this snapshot's, if the
 * snapshot added it. v3: a data manifest without first_row_id gets one (spec "First Row ID
 * Assignment"); *out_next_row_id is what the table's next-row-id becomes, and minus first_row_id
 * the snapshot's added-rows. v2: it is in->first_row_id. */
enum tarn_status tarn_manifest_list_write(struct tarn_op *op, const struct tarn_manifest_list *list,
                                          const struct tarn_manifest_list_write *in,
                                          struct tarn_str *out_bytes,
                                          int64_t *out_next_row_id) TARN_MUST_USE;

#endif
