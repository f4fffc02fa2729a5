/* view: Iceberg view metadata (spec "Iceberg View Spec"): versions, each with a SQL text a dialect.
 *
 * Pure: bytes <-> structs. Unknown members are kept.
 */
#ifndef TARN_FORMAT_ICEBERG_VIEW_H
#define TARN_FORMAT_ICEBERG_VIEW_H

#include "format/iceberg/metadata.h"

struct tarn_view_sql { /* a representation of type "sql" */
    struct tarn_str sql, dialect;
    struct tarn_kvs extra;
};
struct tarn_view_version {
    int32_t version_id, schema_id;
    int64_t timestamp_ms;
    struct tarn_kvs summary;
    struct tarn_view_sql *sqls;
    size_t sql_count;
    struct tarn_str *other_representations; /* raw JSON, of types that are not known */
    size_t other_count;
    struct tarn_str default_catalog,
        default_namespace; /* namespace joined with '.'; may be absent */
    struct tarn_kvs extra;
};
struct tarn_view_log_entry {
    int64_t timestamp_ms;
    int32_t version_id;
};
struct tarn_view_metadata {
    int format_version; /* 1 */
    struct tarn_str uuid, location;
    struct tarn_schema *schemas;
    size_t schema_count;
    struct tarn_view_version *versions;
    size_t version_count;
    int32_t current_version_id;
    struct tarn_view_log_entry *log;
    size_t log_count;
    struct tarn_kvs properties, extra;
};
/* Validates: ids stand once, the current version and its schema are there. TARN_CORRUPT;
 * TARN_UNSUPPORTED for a format version other than 1. */
enum tarn_status tarn_view_parse(struct tarn_op *, struct tarn_str json, const char *what,
                                 struct tarn_view_metadata *out) TARN_MUST_USE;
/* TARN_INVALID for what breaks the same rules, no uuid or location, and a current version without a
 * text or with two of one dialect. */
enum tarn_status tarn_view_write(struct tarn_op *, const struct tarn_view_metadata *,
                                 struct tarn_str *out_json) TARN_MUST_USE;
const struct tarn_view_version *tarn_view_current(const struct tarn_view_metadata *);
const struct tarn_schema *tarn_view_schema(const struct tarn_view_metadata *,
                                           const struct tarn_view_version *); /* NULL if none */
/* The text for Tarn's engine: dialect "tarn", else "duckdb", else "spark", "trino", else the first;
 * NULL if there is none. */
const struct tarn_view_sql *tarn_view_sql(const struct tarn_view_version *);

#endif
