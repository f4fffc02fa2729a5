/* changes: what the snapshots of a stretch of a table's history did to its rows: for a changelog,
 * and for reading only what was appended.
 *
 * A stretch goes from a snapshot (exclusive; 0 = from the table's first) to a descendant of it
 * (NULL = the current one), along parents. TARN_NOT_FOUND: no such snapshot; TARN_INVALID: `from` is
 * no ancestor of `to`, or history between them has expired. Scans present the table's current
 * columns, so that those of all snapshots can be put together.
 */
#ifndef TARN_LAKE_CHANGES_H
#define TARN_LAKE_CHANGES_H

#include "lake/table.h"

struct tarn_row_changes { /* rows that one snapshot added or removed */
    const struct tarn_snapshot *snapshot;
    int32_t ordinal; /* of the snapshot in the stretch, oldest first, from 0 */
    bool deleted;    /* rows that it removed; else rows that it added */
    const struct tarn_scan *scan;
};
struct tarn_changes {
    /* by ordinal; several scans may tell the removed rows of one snapshot, no row twice */
    struct tarn_row_changes *items;
    size_t count;
    /* the snapshots of the stretch, oldest first, those without changes of rows too */
    const struct tarn_snapshot **snapshots;
    size_t snapshot_count;
};
/* Each snapshot against its parent: rows of files that it added (without those that it deleted
 * itself), rows that were alive in files that it removed, and rows that its deletes made vanish out
 * of files that stayed. Snapshots of operation "replace" change no rows. A row that copy-on-write
 * carried over into another file shows as removed and as added. filter prunes files only. */
enum tarn_status tarn_table_changes(const struct tarn_lake *, struct tarn_op *,
                                    const struct tarn_table *, int64_t from,
                                    const struct tarn_snapshot *to, const struct tarn_expr *filter,
                                    struct tarn_changes *out) TARN_MUST_USE;

/* Data files that snapshots of operation "append" in the stretch added, all of their rows; other
 * snapshots are passed over, as in Spark's incremental read. */
enum tarn_status tarn_table_scan_added(const struct tarn_lake *, struct tarn_op *,
                                       const struct tarn_table *, int64_t from,
                                       const struct tarn_snapshot *to,
                                       const struct tarn_expr *filter,
                                       struct tarn_scan **out) TARN_MUST_USE;

#endif
