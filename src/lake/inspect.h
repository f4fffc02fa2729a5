/* inspect: metadata tables (snapshots, history, refs, files ...), with the columns that Iceberg's
 * Spark runtime gives them.
 *
 * Names: snapshots, history, refs, files, data_files, delete_files, manifests, entries, partitions,
 * position_deletes, metadata_log_entries, all_files, all_data_files, all_delete_files,
 * all_manifests, all_entries.
 */
#ifndef TARN_LAKE_INSPECT_H
#define TARN_LAKE_INSPECT_H

#include "lake/table.h"

bool tarn_inspect_is_name(struct tarn_str name); /* any case */
/* Differs from Spark: `row` of position_deletes is always null; bounds in readable_metrics are null
 * where the stored bytes are no value of the column's type. Partition fields whose source column was
 * dropped are left out, as Spark does.
 * Rows as of a snapshot (NULL = the current one; tables over all snapshots ignore it). Everything
 * lives in op->arena; the producer is for one worker and one pass. *out_schema is its schema.
 * TARN_NOT_FOUND for an unknown name, with the names. position_deletes needs lake->deletes. */
enum tarn_status tarn_table_inspect(const struct tarn_lake *, struct tarn_op *,
                                    const struct tarn_table *, const struct tarn_snapshot *,
                                    struct tarn_str name, struct tarn_producer **out) TARN_MUST_USE;

#endif
