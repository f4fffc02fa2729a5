/* flow: the stages between a source and its table: list, infer, decode, set aside, write,
 * commit; and the row-level pieces that
 * models share with them (deleting rows by position, reconciling schemas).
 *
 * One struct tarn_flow is lent by a run to each of its steps; everything in it is borrowed. One
 * thread.
 */
#ifndef TARN_FLOW_H
#define TARN_FLOW_H

#include "engine/engine.h"
#include "flow/decode.h"
#include "lake/change.h"

struct tarn_flow {
    const struct tarn_lake *lake;
    struct tarn_engine *engine;
    struct tarn_session *session;
    int64_t ingest_ts_us; /* one value a run */
    struct tarn_str run_id;
    int workers;
};

/* ---- schemas */

/* How a table's schema must change to take rows of type `wanted` (a STRUCT, ids 0): `merged`
 * holds the table's fields with their ids, promoted or added to (new ones id 0, in front of
 * `before`, if that column exists); where no promotion leads (long -> double, number -> string),
 * the field is replaced by one with id 0, and its old rows must be rewritten.
 * `table` NULL: merged is wanted. Columns that `wanted` lacks stay as they are. */
struct tarn_reconciled {
    struct tarn_schema merged;
    bool changed;              /* merged differs from the table's schema */
    struct tarn_str *replaced; /* top-level columns that hold a replaced field */
    size_t replaced_count;
    /* "adds memo string; replaces amount: long -> double" for people; empty if unchanged */
    struct tarn_str summary;
};
enum tarn_status tarn_reconcile(struct tarn_op *op, const struct tarn_schema *table,
                                const struct tarn_type *wanted, struct tarn_str before,
                                struct tarn_reconciled *out) TARN_MUST_USE;

/* ---- writing */

/* A write into a change's table: schema and default spec of the change's metadata, folder,
 * codec, sizes by its properties (write.parquet.compression-codec, ...-level,
 * write.target-file-size-bytes).
 * ingest_ts_us: when every partition field is a transform of the column ingest_ts, its values
 * are known and given as constants; INT64_MIN = not known. */
enum tarn_status tarn_flow_write(const struct tarn_flow *, struct tarn_op *,
                                 const struct tarn_change *, int64_t ingest_ts_us,
                                 struct tarn_write *out) TARN_MUST_USE;
/* What a "delete", "update" or "merge" asks for instead: write.<statement>.distribution-mode, which
 * does not look at write.distribution-mode, as in Iceberg. */
enum tarn_status tarn_flow_write_statement(struct tarn_op *, const char *statement,
                                           struct tarn_write *) TARN_MUST_USE;
/* Behind the columns, `_row_id` and `_last_updated_sequence_number` (format version 3): rows that
 * live on in a new file keep their id. Either may be null. */
enum tarn_status tarn_flow_write_lineage(struct tarn_op *, struct tarn_write *) TARN_MUST_USE;
/* A new table's properties: the given ones over Tarn's own (merge-on-read, zstd). */
enum tarn_status tarn_flow_properties(struct tarn_op *, const struct tarn_kvs *given,
                                      struct tarn_kvs *out) TARN_MUST_USE;
/* The given ones on a table that exists: a higher format-version upgrades it, a lower one says
 * nothing. */
enum tarn_status tarn_flow_set_properties(struct tarn_op *, const struct tarn_kvs *given,
                                          struct tarn_change *) TARN_MUST_USE;
/* Removes files that a write made and that will not be committed; best effort. */
void tarn_flow_remove(const struct tarn_flow *, struct tarn_op *, const struct tarn_written *);

/* Deletes rows by position: `doomed` is the name of a session relation with columns _file and
 * _pos (rows of `scan`, the table's current one). Whole files are removed, the rest
 * becomes position delete files, one a partition; all is added to the change. *out_rows = rows
 * deleted. */
enum tarn_status tarn_rows_delete(const struct tarn_flow *, struct tarn_op *, struct tarn_change *,
                                  const struct tarn_scan *scan, struct tarn_str doomed,
                                  int64_t *out_rows) TARN_MUST_USE;

/* tarn_table_totals, with the rows counted by the session where equality deletes leave them open. */
enum tarn_status tarn_flow_totals(const struct tarn_lake *, struct tarn_session *, struct tarn_op *,
                                  const struct tarn_table *,
                                  struct tarn_table_totals *out) TARN_MUST_USE;

/* Copy-on-write: the files of the scan that hold rows of `doomed` (as above, each once) are removed
 * by the change; the rest of them is to be written anew. */
struct tarn_rewriting {
    struct tarn_scan scan; /* of those of which rows stay; may have no files */
    int64_t kept;          /* rows of it that stay; -1 = not known */
    bool excluded;         /* the rows that go are not in it any more; else whoever reads it leaves
                            * them out */
    int64_t doomed;        /* rows that go */
};
enum tarn_status tarn_rows_rewrite(const struct tarn_flow *, struct tarn_op *, struct tarn_change *,
                                   const struct tarn_scan *scan, struct tarn_str doomed,
                                   struct tarn_rewriting *out) TARN_MUST_USE;

/* What rows of a table are deleted by where it asks for equality deletes. */
struct tarn_row_key {
    struct tarn_schema columns; /* what a delete file holds: those fields alone */
    struct tarn_row_key_part {
        int32_t id;
        size_t column;                /* of the table */
        struct tarn_str path, inside; /* SQL: "b"."c"; ."c", behind that column */
    } * parts;                        /* in the order of the columns */
    size_t count;                     /* 0: by position */
};
/* Does the table ask for them: is its property tarn.write.delete-files `equality`? TARN_CONFIG if it
 * is anything but that or `position`. */
enum tarn_status tarn_row_key_wanted(struct tarn_op *, const struct tarn_metadata *,
                                     bool *out) TARN_MUST_USE;
/* By these fields, of any depth in structs. TARN_CONFIG for types that the specification does not
 * take. */
enum tarn_status tarn_row_key_make(struct tarn_op *, const struct tarn_schema *, const int32_t *ids,
                                   size_t count, struct tarn_row_key *out) TARN_MUST_USE;
/* By the identifier fields, if the table asks; TARN_CONFIG if it has none. */
enum tarn_status tarn_row_key_of(struct tarn_op *, const struct tarn_table *,
                                 struct tarn_row_key *out) TARN_MUST_USE;
/* As tarn_rows_delete, whose relation has the values of the key beside _file and _pos, as columns
 * "tarn k0", "tarn k1", .., by equality delete files: one a partition, or one for the whole table where
 * its spec partitions nothing. *out_done false: a row that is to stay has the key of one that goes,
 * where a delete file would hide both; nothing was done then. `base`: the table of the scan. */
enum tarn_status tarn_rows_delete_keys(const struct tarn_flow *, struct tarn_op *,
                                       struct tarn_change *, const struct tarn_table *base,
                                       const struct tarn_scan *scan, const struct tarn_row_key *,
                                       struct tarn_str doomed, bool *out_done,
                                       int64_t *out_rows) TARN_MUST_USE;

/* ---- small sets of rows made in memory */

struct tarn_rows;
/* `type`: a STRUCT of primitive fields, kept by reference. */
enum tarn_status tarn_rows_new(struct tarn_op *, const struct tarn_type *type,
                               struct tarn_rows **out) TARN_MUST_USE;
enum tarn_status tarn_rows_add(struct tarn_rows *, struct tarn_op *,
                               const struct tarn_value *values) TARN_MUST_USE;
size_t tarn_rows_count(const struct tarn_rows *);
struct tarn_producer *tarn_rows_producer(struct tarn_rows *);

/* ---- reading small results */

/* Calls fn for every row of a query; cells are valid during the call. */
typedef enum tarn_status tarn_row_fn(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                     size_t row);
enum tarn_status tarn_each_row(const struct tarn_flow *flow, struct tarn_op *op,
                               struct tarn_str sql, tarn_row_fn *fn, void *ctx) TARN_MUST_USE;
struct tarn_str tarn_cell_text(const struct tarn_batch *b, size_t column, size_t row);
int64_t tarn_cell_long(const struct tarn_batch *b, size_t column, size_t row); /* 0 for null */

/* ---- ingestion */

/* One stream of files into one table. */
struct tarn_load {
    struct tarn_ident table;
    struct tarn_str source, stream; /* "fq_app", "journal_entries": name the position property */
    struct tarn_str location;       /* of the table, when it is made */
    struct tarn_str base;           /* folder of the files */
    const struct tarn_str *globs;
    size_t glob_count;
    bool parquet; /* files are Parquet; else decode.format says what they are */
    struct tarn_decode_options decode;
    const struct tarn_str *partition_by;
    size_t partition_count;
    struct tarn_kvs properties;
    /* a file that was read and is another one now is an error; else its rows are replaced */
    bool refuse_changed;
    /* a value that its column cannot hold is a dead letter; else the column is widened */
    bool conflicts_set_aside;
    int64_t rewrite_bytes_max; /* above it a type conflict becomes dead letters */
    int64_t dead_letters_max;  /* -1 = any number */
};
struct tarn_load_file {
    struct tarn_input_file input;
    bool changed; /* was ingested before with other contents */
};
struct tarn_load_plan {
    struct tarn_table *table;     /* NULL: will be made */
    struct tarn_load_file *files; /* to be ingested */
    size_t file_count;
    size_t unchanged_count, changed_count;
    int64_t bytes;
    int64_t rows_estimate; /* -1 = not known */
    /* inside */
    struct tarn_str position; /* of the table: the property's text */
    void *ledger;
};
/* Reads only. */
enum tarn_status tarn_load_make_plan(const struct tarn_flow *, struct tarn_op *,
                                     const struct tarn_load *,
                                     struct tarn_load_plan *out) TARN_MUST_USE;

struct tarn_loaded {
    bool committed; /* false: nothing was new */
    int64_t rows, dead_letters, resolved, rows_replaced;
    int64_t files_read, bytes_read, data_files, bytes_written;
    int64_t snapshot_id;
    struct tarn_str schema_change; /* for people; empty if none */
};
/* Data, ledger (<table>__files) and dead letters (<table>__dead_letters) are committed in one
 * transaction, under the precondition that the
 * source's position in the table is still the plan's (else TARN_FENCED). */
enum tarn_status tarn_load_run(const struct tarn_flow *, struct tarn_op *, const struct tarn_load *,
                               const struct tarn_load_plan *,
                               struct tarn_loaded *out) TARN_MUST_USE;

#endif
