/* metadata: table metadata JSON (spec "Table Metadata", appendix C), its snapshots, refs, partition specs and sort orders.
 *
 * Pure: bytes <-> structs. Reads v1, v2, v3 (v1: `schema`, `partition-spec`, inline `manifests`); writes v2 and v3. Unknown fields of the file are kept
 * in `extra` and written back, so that another writer's additions survive. Everything lives in the op's arena of the parse; a change
 * copies the struct and replaces members.
 */
#ifndef TARN_FORMAT_ICEBERG_METADATA_H
#define TARN_FORMAT_ICEBERG_METADATA_H

#include "format/iceberg/value.h"

const struct tarn_str *tarn_kvs_get(const struct tarn_kvs *kvs, const char *key); /* NULL if none */
/* A copy with key set (or removed when value.ptr is NULL), order kept. */
enum tarn_status tarn_kvs_with(struct tarn_op *op, const struct tarn_kvs *kvs, struct tarn_str key,
                               struct tarn_str value, struct tarn_kvs *out) TARN_MUST_USE;

struct tarn_partition_field {
    int32_t source_id;          /* -1 when several (v3): then OTHER, and source_ids has them */
    struct tarn_str source_ids; /* raw JSON list; absent when there is one */
    int32_t field_id;           /* from 1000; assigned in order for v1 files that have none */
    struct tarn_str name;
    struct tarn_transform transform;
};
struct tarn_partition_spec {
    int32_t spec_id;
    struct tarn_partition_field *fields;
    size_t field_count;
};
/* The struct type of a spec's partition tuples under a schema; a source column that was dropped: looked up in `all_schemas`, else unknown (trap 24). */
struct tarn_metadata;
enum tarn_status tarn_partition_type(struct tarn_op *op, const struct tarn_metadata *m,
                                     const struct tarn_partition_spec *spec,
                                     struct tarn_type *out) TARN_MUST_USE;

struct tarn_sort_field {
    int32_t source_id; /* -1 when several, as in partition fields */
    struct tarn_str source_ids;
    struct tarn_transform transform;
    bool descending;
    bool nulls_last;
};
struct tarn_sort_order {
    int32_t order_id; /* 0 = unsorted */
    struct tarn_sort_field *fields;
    size_t field_count;
};

struct tarn_snapshot {
    int64_t snapshot_id;
    int64_t parent_id;       /* 0 = none (an id of -1 or null in the file) */
    int64_t sequence_number; /* 0 in v1 */
    int64_t timestamp_ms;
    struct tarn_str manifest_list; /* absent in old v1: see manifests */
    struct tarn_str *manifests;    /* v1 inline manifest paths */
    size_t manifest_count;
    struct tarn_kvs summary; /* with "operation" */
    int32_t schema_id;       /* -1 = absent */
    int64_t first_row_id;    /* -1 = absent (v3) */
    int64_t added_rows;      /* -1 = absent (v3) */
    struct tarn_str key_id;
    struct tarn_kvs extra; /* unknown members */
};
struct tarn_ref {
    struct tarn_str name;
    int64_t snapshot_id;
    bool is_tag;
    int64_t min_snapshots_to_keep, max_snapshot_age_ms, max_ref_age_ms; /* -1 = absent */
    struct tarn_kvs extra;                                              /* unknown members */
};
struct tarn_snapshot_log_entry {
    int64_t timestamp_ms, snapshot_id;
};
struct tarn_metadata_log_entry {
    int64_t timestamp_ms;
    struct tarn_str file;
};

struct tarn_metadata {
    int format_version;
    struct tarn_str uuid;
    struct tarn_str location;
    int64_t last_sequence_number;
    int64_t last_updated_ms;
    int32_t last_column_id;
    struct tarn_schema *schemas;
    size_t schema_count;
    int32_t current_schema_id;
    struct tarn_partition_spec *specs;
    size_t spec_count;
    int32_t default_spec_id;
    int32_t last_partition_id;
    struct tarn_sort_order *sort_orders;
    size_t sort_order_count;
    int32_t default_sort_order_id;
    struct tarn_kvs properties;
    int64_t current_snapshot_id; /* 0 = none */
    struct tarn_snapshot *snapshots;
    size_t snapshot_count;
    struct tarn_ref *refs;
    size_t ref_count;
    struct tarn_snapshot_log_entry *snapshot_log;
    size_t snapshot_log_count;
    struct tarn_metadata_log_entry *metadata_log;
    size_t metadata_log_count;
    int64_t next_row_id; /* v3; 0 before: what an upgrade starts with */
    struct tarn_str statistics, partition_statistics; /* raw JSON arrays, kept */
    struct tarn_kvs extra; /* unknown top-level members: key and raw JSON value */
};

/* The file's bytes, plain or gzip (trap 29). `what` for messages: the file's path. Validates: ids exist, current schema/spec/order/snapshot resolve, version 1..3 (else TARN_UNSUPPORTED), no duplicate ids. */
enum tarn_status tarn_metadata_parse(struct tarn_op *op, struct tarn_str json, const char *what,
                                     struct tarn_metadata *out) TARN_MUST_USE;
/* v2 and v3 (TARN_UNSUPPORTED for v1, and for types and defaults that the version does not know).
 * TARN_INVALID: what the format's rules forbid, also a default that is no value of its column. */
enum tarn_status tarn_metadata_write(struct tarn_op *op, const struct tarn_metadata *m,
                                     struct tarn_str *out_json) TARN_MUST_USE;
/* *m in a newer format version, so that it can be written in it (spec appendix E): a table of v1
 * gets a uuid if it has none; v3 starts with next-row-id 0, and its snapshots stay as they are.
 * TARN_INVALID for an older version than the table has, TARN_UNSUPPORTED for one above 3. */
enum tarn_status tarn_metadata_upgrade(struct tarn_op *op, struct tarn_metadata *m,
                                       int version) TARN_MUST_USE;

const struct tarn_schema *tarn_metadata_schema(const struct tarn_metadata *m); /* the current one */
const struct tarn_schema *tarn_metadata_schema_by_id(const struct tarn_metadata *m,
                                                     int32_t id); /* NULL */
const struct tarn_partition_spec *tarn_metadata_spec(const struct tarn_metadata *m);
const struct tarn_partition_spec *tarn_metadata_spec_by_id(const struct tarn_metadata *m,
                                                           int32_t id);
const struct tarn_snapshot *tarn_metadata_snapshot(const struct tarn_metadata *m,
                                                   int64_t id); /* NULL */
const struct tarn_snapshot *tarn_metadata_current(
    const struct tarn_metadata *m); /* NULL: empty table */
const struct tarn_ref *tarn_metadata_ref(const struct tarn_metadata *m, struct tarn_str name);
bool tarn_metadata_is_ancestor(const struct tarn_metadata *m, int64_t ancestor,
                               int64_t of_snapshot); /* a snapshot is its own ancestor */
/* Files with nested fields that were renamed, or names used again for another id, cannot be read by name: true if any schema of the
 * history gives a nested path another field id than the current one does, or a nested id another name. */
bool tarn_metadata_nested_names_changed(const struct tarn_metadata *m);

#endif
