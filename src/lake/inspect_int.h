/* inspect_int: metadata tables from the inside: growing columns, and the kinds of tables.
 *
 *   inspect.c            names, opening, batches
 *   inspect_cells.c      growing columns
 *   inspect_history.c    snapshots, history, refs, metadata_log_entries
 *   inspect_manifests.c  manifests, all_manifests
 *   inspect_files.c      files and entries, of a snapshot and of all
 *   inspect_metrics.c    readable_metrics
 *   inspect_partitions.c partitions, and the struct that the tuples of all specs fit into
 *   inspect_deletes.c    position_deletes
 */
#ifndef TARN_LAKE_INSPECT_INT_H
#define TARN_LAKE_INSPECT_INT_H

#include "lake/inspect.h"
#include "lake/lake_int.h"

/* ---- growing columns (inspect_cells.c). A failure sticks in rows->status, which is looked at once
 * a batch; what is appended after it is lost. */

struct tarn__cells {
    struct tarn_column column;
    size_t cap, bytes_cap;
    struct tarn__cells *children;
};
struct tarn__rows {
    struct tarn_op *op; /* memory of the columns */
    enum tarn_status status;
    struct tarn__cells root; /* STRUCT: its children are the batch's columns */
};
enum tarn_status tarn__rows_init(struct tarn__rows *r, struct tarn_op *op,
                                 const struct tarn_type *schema) TARN_MUST_USE;
enum tarn_status tarn__rows_finish(struct tarn__rows *r, struct tarn_batch *out) TARN_MUST_USE;
static inline size_t tarn__rows_count(const struct tarn__rows *r)
{
    return r->root.children[0].column.length;
}
/* Keeps the first failure; told in r->op. */
static inline void tarn__rows_fail(struct tarn__rows *r, enum tarn_status status)
{
    if (r->status == TARN_OK)
        r->status = status;
}
void tarn__cell_null(struct tarn__rows *r, struct tarn__cells *c);
/* boolean, int, long, date, time, timestamps */
static inline int64_t tarn__micros(int64_t ms)
{
    int64_t us;
    return __builtin_mul_overflow(ms, 1000, &us) ? (ms < 0 ? INT64_MIN : INT64_MAX) : us;
}
void tarn__cell_int(struct tarn__rows *r, struct tarn__cells *c, int64_t v);
void tarn__cell_int_if(struct tarn__rows *r, struct tarn__cells *c, bool present, int64_t v);
/* string, binary; an absent one is null, and so is a string that is not valid UTF-8 */
void tarn__cell_bytes(struct tarn__rows *r, struct tarn__cells *c, struct tarn_str s);
void tarn__cell_value(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_value *v);
/* Ends a row of a struct, list or map, whose children were appended before. */
void tarn__cell_end(struct tarn__rows *r, struct tarn__cells *c);

/* ---- types */

/* Appends the fields of "struct<...>", one field, to a STRUCT under construction. */
enum tarn_status tarn__type_append(struct tarn_op *op, struct tarn_type *t,
                                   const char *fields) TARN_MUST_USE;
enum tarn_status tarn__type_append_field(struct tarn_op *op, struct tarn_type *t,
                                         struct tarn_str name,
                                         const struct tarn_type *type) TARN_MUST_USE;

/* ---- partition tuples */

/* The fields of all specs whose source column the table still has, by field id (as Iceberg Java's
 * Partitioning.partitionType). */
struct tarn__tuples {
    struct tarn_type type; /* no fields: no spec partitions */
};
enum tarn_status tarn__tuples_init(struct tarn__tuples *t, struct tarn_op *op,
                                   const struct tarn_metadata *m) TARN_MUST_USE;
/* The file's value of a field of the struct; null where its spec lacks it. */
struct tarn_value tarn__tuple_value(const struct tarn__tuples *t, const struct tarn_metadata *m,
                                    const struct tarn_data_file *f, size_t field);
void tarn__cell_tuple(struct tarn__rows *r, struct tarn__cells *c, const struct tarn__tuples *t,
                      const struct tarn_metadata *m, const struct tarn_data_file *f);

/* ---- readable_metrics */

struct tarn__metric_leaf {
    int32_t id;
    struct tarn_str path;
    const struct tarn_type *type;
};
struct tarn__metrics {
    struct tarn__metric_leaf *leaves; /* by path */
    size_t count;
};
/* Appends the column, unless the table has no column with metrics. */
enum tarn_status tarn__metrics_init(struct tarn__metrics *m, struct tarn_op *op,
                                    const struct tarn_schema *s,
                                    struct tarn_type *append_to) TARN_MUST_USE;
void tarn__cell_metrics(struct tarn__rows *r, struct tarn__cells *c, const struct tarn__metrics *m,
                        const struct tarn_data_file *f);

/* ---- the tables */

struct tarn__listed_manifest {
    const struct tarn_manifest_file *file;
    int64_t snapshot_id; /* that lists it */
};
struct tarn__partition {               /* a row of `partitions` */
    const struct tarn_data_file *file; /* one of its files */
    struct tarn_str key;               /* the tuple as bytes */
    int32_t spec_id;
    int64_t rows, files, bytes, position_rows, position_files, equality_rows, equality_files;
    int64_t updated_ms, updated_by; /* updated_by 0: the snapshot is gone */
};
struct tarn__inspect {
    struct tarn_producer base;
    struct tarn_lake lake;
    const struct tarn_table *table;
    const struct tarn_metadata *m;
    const struct tarn_snapshot *snapshot; /* NULL: none */
    const struct tarn__inspect_kind *kind;
    struct tarn_type schema;
    struct tarn_op unit_op, batch_op; /* their arenas are reset with each unit, each batch */
    size_t at;                        /* row, or unit */
    /* what the kinds keep */
    const struct tarn_snapshot **by_id; /* snapshots by their ids */
    int64_t *ancestors;                 /* of the current one, sorted */
    size_t ancestor_count;
    struct tarn__listed_manifest *manifests;
    size_t manifest_count;
    struct tarn__partition *partitions;
    size_t partition_count;
    struct tarn_manifest_entry *deletes;
    size_t delete_count;
    struct tarn__tuples tuples;
    struct tarn__metrics metrics;
    bool has_unit; /* the unit `at` is being read */
    size_t in_unit;
    struct tarn_manifest manifest;
    struct tarn_position_run *runs;
    size_t run_count, run;
};
struct tarn__inspect_kind {
    const char *name;
    /* Makes i->schema and what rows need; memory is op's. */
    enum tarn_status (*open)(struct tarn__inspect *i, struct tarn_op *op);
    /* Appends rows until there are `max` in the batch or no more. */
    enum tarn_status (*fill)(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
    /* what `open` and `fill` may ask */
    bool all_snapshots, data, deletes, entries;
};
enum tarn_status tarn__open_snapshots(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_snapshots(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_history(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_history(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_refs(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_refs(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_log(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_log(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_manifests(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_manifests(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_files(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_files(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_partitions(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_partitions(struct tarn__inspect *i, struct tarn__rows *r, size_t max);
enum tarn_status tarn__open_deletes(struct tarn__inspect *i, struct tarn_op *op);
enum tarn_status tarn__fill_deletes(struct tarn__inspect *i, struct tarn__rows *r, size_t max);

/* i->manifests: of the snapshot, or with all_snapshots of every one, a row each. `once`: each path
 * once. */
enum tarn_status tarn__inspect_manifests(struct tarn__inspect *i, struct tarn_op *op,
                                         bool once) TARN_MUST_USE;
/* i->by_id, and the snapshot of an id in it (NULL: gone). */
enum tarn_status tarn__inspect_index(struct tarn__inspect *i, struct tarn_op *op) TARN_MUST_USE;
const struct tarn_snapshot *tarn__inspect_snapshot(const struct tarn__inspect *i, int64_t id);

#endif
