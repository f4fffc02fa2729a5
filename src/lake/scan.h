/* scan: which files of a snapshot a query must read (spec "Scan Planning"), and the write that
 * an engine is asked for.
 *
 * lake/ plans, an engine carries out. Both structs are plain data in the op's arena.
 */
#ifndef TARN_LAKE_SCAN_H
#define TARN_LAKE_SCAN_H

#include "format/batch.h"
#include "format/iceberg/expr.h"
#include "format/iceberg/manifest.h"
#include "io/storage/storage.h"

struct tarn_scan_file {
    const struct tarn_data_file *file;
    struct tarn_str local_path; /* what the engine opens */
    int64_t sequence_number;    /* data sequence number */
    /* row positions that are deleted: ascending, unique; NULL = none */
    const int64_t *deleted;
    size_t deleted_count;
    bool only_deleted; /* a changelog's: the rows at those positions are the ones that are wanted */
};
/* Its rows without those at deleted positions (a position behind the end deletes nothing); equality
 * deletes may hide more. */
static inline int64_t tarn_scan_file_rows(const struct tarn_scan_file *f)
{
    size_t n = f->deleted_count;
    while (n > 0 && f->deleted[n - 1] >= f->file->record_count)
        n--;
    return f->file->record_count - (int64_t)n;
}
/* Rows of an equality delete file, to be matched by the engine: a row of `files[i]` is deleted when
 * its columns `field_ids` are all equal (null equals null) to those of a row of a delete file whose
 * sequence number is greater than the file's (spec "Equality Delete Files"). */
struct tarn_equality_delete {
    const struct tarn_data_file *file;
    struct tarn_str local_path;
    int64_t sequence_number;
};
/* delete files of the same columns that apply to the same data files */
struct tarn_equality_group {
    int32_t *field_ids; /* ascending; also of columns that were dropped since */
    size_t field_id_count;
    struct tarn_equality_delete *deletes;
    size_t delete_count;
    size_t *files; /* indexes of the scan's data files that they may apply to */
    size_t file_count;
};
struct tarn_scan_skips {
    int64_t manifests, manifests_skipped;
    int64_t files, files_skipped_partition, files_skipped_bounds;
    int64_t bytes, bytes_skipped;
    int64_t rows, rows_skipped; /* record counts */
};
struct tarn_scan {
    const struct tarn_metadata *metadata;
    /* the columns to present: of the snapshot, or the current one for main */
    const struct tarn_schema *schema;
    const struct tarn_snapshot *snapshot; /* NULL: an empty table */
    struct tarn_scan_file *files;         /* may be none */
    size_t file_count;
    struct tarn_equality_group *equality;
    size_t equality_count;
    /* a changelog's: only rows that these delete; of the same columns, no file in two of them */
    struct tarn_equality_group *matching;
    size_t matching_count;
    /* nested names changed over the table's history: nested columns must not be matched by name */
    bool nested_by_id;
    /* schemas that the table once had are gone from its metadata: what files hold may be called
     * otherwise, or have been promoted, for all that is known */
    bool schemas_gone;
    /* schema.name-mapping.default is set: some files may hold no field ids */
    bool files_without_ids_possible;
    struct tarn_scan_skips skips;
};
/* The scan of those of its files of which `keep` is true. */
enum tarn_status tarn_scan_subset(struct tarn_op *, const struct tarn_scan *, const bool *keep,
                                  struct tarn_scan *out) TARN_MUST_USE;
/* Rows of a file that are alive, -1 if equality deletes leave that open. */
int64_t tarn_scan_rows(const struct tarn_scan *, size_t file);

/* "raw.t: 1 of 3 files, 2 of 4 rows, 1.2 kB of 3.6 kB read; ..; filter id = 2; snapshot 7": what is
 * read, what is skipped and why. filter: what it was planned with; NULL = all rows. */
enum tarn_status tarn_scan_text(struct tarn_op *, struct tarn_str name, const struct tarn_scan *,
                                const struct tarn_expr *filter, struct tarn_str *out) TARN_MUST_USE;

/* How much is kept of a column's values in a data file's metrics: bounds of this many characters or
 * bytes (INT32_MAX = whole), or less. */
enum { TARN_METRICS_COUNTS = -1, TARN_METRICS_NONE = -2 };
struct tarn_metric_width {
    int32_t field_id, width;
};

/* How a write's rows come into files (write.distribution-mode). */
enum tarn_distribution {
    TARN_DISTRIBUTE_HASH, /* a partition's rows are gathered: as few files as their size asks for */
    TARN_DISTRIBUTE_NONE, /* as they come; a thread has its own files for each partition */
    TARN_DISTRIBUTE_RANGE /* by partition and order: no two files overlap in both */
};

/* A write: rows that become data files of one table. */
struct tarn_write {
    const struct tarn_metadata *metadata; /* for specs */
    /* the file's columns, with field ids; rows come in this order and of these names */
    const struct tarn_schema *schema;
    const struct tarn_partition_spec *spec;
    /* one a partition field, or NULL: rows differ. All known: no partitioned write is needed */
    const struct tarn_value *constants;
    struct tarn_str folder; /* local folder for the files (made when absent) */
    struct tarn_str codec;  /* "zstd", "snappy", "gzip", "lz4", "uncompressed" */
    int32_t codec_level;    /* 0 = the codec's own */
    int64_t target_file_size_bytes;
    int64_t row_group_bytes;                 /* 0 = the engine's own */
    int32_t bound_width;                     /* of columns that `metrics` does not name; 0 = 16 */
    const struct tarn_metric_width *metrics; /* by field id, ascending */
    size_t metric_count;
    enum tarn_distribution distribution;
    /* rows of a partition lie in this order, within a file and from file to file, which name it,
     * whatever the distribution; NULL = in any */
    const struct tarn_sort_order *sort;
    bool spread; /* files lie in folders named by a hash (write.object-storage.enabled) */
};
struct tarn_written {
    /* DATA, with metrics; paths are the local ones; not synced yet. Empty files are removed */
    struct tarn_data_file *files;
    size_t count;
    int64_t rows, bytes;
};

/* What position delete files say. */
struct tarn_position_run {    /* in any order; one file and path may have several */
    size_t source;            /* which of the delete files, by its index */
    struct tarn_str path;     /* the data file, as it stands in the delete file */
    const int64_t *positions; /* in any order */
    size_t count;
};
struct tarn_position_deletes {
    struct tarn_position_run *runs;
    size_t run_count;
};
/* An engine reads delete files for the planner: this is what lake/ asks of it. */
struct tarn_delete_reader {
    enum tarn_status (*read)(struct tarn_delete_reader *, struct tarn_op *,
                             const struct tarn_str *local_paths, size_t count,
                             struct tarn_position_deletes *out);
};

#endif
