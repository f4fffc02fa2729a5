/* flow_int: what the files of flow/ that move rows share. */
#ifndef TARN_FLOW_INT_H
#define TARN_FLOW_INT_H

#include "flow/flow.h"

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
};
struct tarn_ident tarn__ledger_ident(struct tarn_op *op, struct tarn_ident table);
struct tarn_ident tarn__letters_ident(struct tarn_op *op, struct tarn_ident table);
enum tarn_status tarn__ledger_read(const struct tarn_flow *flow, struct tarn_op *op,
                                   struct tarn_ident table, struct tarn__ledger *out) TARN_MUST_USE;
const struct tarn__ledger_row *tarn__ledger_find(const struct tarn__ledger *ledger,
                                                 struct tarn_str path);

/* A change of the ledger: one row a file read, replacing an older row of the same path. */
enum tarn_status tarn__ledger_change(const struct tarn_flow *flow, struct tarn_op *op,
                                     const struct tarn_load *load,
                                     const struct tarn_load_plan *plan,
                                     const struct tarn_decoded *decoded,
                                     struct tarn_change **out) TARN_MUST_USE;
/* A change of the dead letters: new ones, and those of changed files that were mended marked resolved. *out NULL: nothing to do. */
enum tarn_status tarn__letters_change(const struct tarn_flow *flow, struct tarn_op *op,
                                      const struct tarn_load *load,
                                      const struct tarn_load_plan *plan,
                                      const struct tarn_decoded *decoded, struct tarn_change **out,
                                      int64_t *out_added, int64_t *out_resolved) TARN_MUST_USE;

#endif
