/* flow_int: what the files of flow/ that move rows share. */
#ifndef TARN_FLOW_INT_H
#define TARN_FLOW_INT_H

#include "flow/flow.h"

/* write_metrics.c: bound_width and metrics of a write. */
enum tarn_status tarn__write_metrics(struct tarn_op *op, const struct tarn_metadata *m,
                                     struct tarn_write *out) TARN_MUST_USE;

/* ---- ledger and dead letters: side tables of a load (side.c) */

struct tarn__ledger_row {
    struct tarn_str path;
    int64_t size_bytes, modified_us;
    struct tarn_str checksum;
    int64_t ingest_ts_us;
};
struct tarn__ledger {
    struct tarn_table *table;      /* NULL: not there yet */
    struct tarn__ledger_row *rows; /* sorted by path */
    size_t count;
    bool knows_run; /* the run that was asked for wrote rows of it */
};
struct tarn_ident tarn__ledger_ident(struct tarn_op *op, struct tarn_ident table);
struct tarn_ident tarn__letters_ident(struct tarn_op *op, struct tarn_ident table);
enum tarn_status tarn__ledger_read(const struct tarn_flow *flow, struct tarn_op *op,
                                   struct tarn_ident table, struct tarn_str run,
                                   struct tarn__ledger *out) TARN_MUST_USE;
const struct tarn__ledger_row *tarn__ledger_find(const struct tarn__ledger *ledger,
                                                 struct tarn_str path);

/* A change of the ledger: one row a file read, replacing an older row of the same path. When the
 * data table is made anew, what the side tables said of an earlier one of its name is void. */
enum tarn_status tarn__ledger_change(const struct tarn_flow *flow, struct tarn_op *op,
                                     const struct tarn_load *load,
                                     const struct tarn_load_plan *plan,
                                     const struct tarn_decoded *decoded,
                                     struct tarn_change **out) TARN_MUST_USE;
/* A change of the dead letters: new ones, and those of changed files that were mended marked
 * resolved. *out NULL: nothing to do. */
enum tarn_status tarn__letters_change(const struct tarn_flow *flow, struct tarn_op *op,
                                      const struct tarn_load *load,
                                      const struct tarn_load_plan *plan,
                                      const struct tarn_decoded *decoded, struct tarn_change **out,
                                      int64_t *out_added, int64_t *out_resolved) TARN_MUST_USE;

/* ---- a load at work: load.c leads, load_parquet.c and load_old.c do their parts */

struct tarn__load_run {
    const struct tarn_flow *flow;
    struct tarn_op *op;
    const struct tarn_load *load;
    const struct tarn_load_plan *plan;
    struct tarn_input_files inputs;
    struct tarn_decode_options decode;
    struct tarn_shape *shape;
    struct tarn_reconciled schema;
    struct tarn_change *change;
    struct tarn_written written;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    struct tarn_loaded *out;
};
/* "tarn.<what>.<source>.<stream>" */
struct tarn_str tarn__load_property(struct tarn_op *op, const char *what,
                                    const struct tarn_load *load);
/* Absent: the table does not have it. */
struct tarn_str tarn__table_property(const struct tarn_table *table, struct tarn_str key);
/* A change with the schema that the wanted columns ask for; makes the table if there is none. */
enum tarn_status tarn__load_open_change(struct tarn__load_run *r,
                                        const struct tarn_type *wanted) TARN_MUST_USE;
/* Must values that do not fit their column be set aside, since the table is too large to be
 * rewritten or the user wants it so? */
enum tarn_status tarn__load_sets_aside(struct tarn__load_run *r, bool *out) TARN_MUST_USE;
/* Parquet files, through the engine: written, counts in decoded. */
enum tarn_status tarn__load_parquet(struct tarn__load_run *r) TARN_MUST_USE;
/* Rows of changed files go; rows of a table whose columns were replaced are written anew. */
enum tarn_status tarn__load_old_rows(struct tarn__load_run *r) TARN_MUST_USE;

/* The position property: {"v":1,"loads":3,"run":"...","snapshot":...}, moved on by one with every
 * load. */
struct tarn__position {
    int64_t loads;
    int64_t snapshot_id; /* the last one that a load of this stream made; 0 = none */
    struct tarn_str run;
};
/* All zero for an absent text. */
enum tarn_status tarn__position_parse(struct tarn_op *op, struct tarn_str text,
                                      struct tarn__position *out) TARN_MUST_USE;

#endif
