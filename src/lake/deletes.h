/* deletes: deletion vectors of format version 3, written for rows of a scan. (Position delete files
 * of version 2 are Parquet: the engine writes them.)
 */
#ifndef TARN_LAKE_DELETES_H
#define TARN_LAKE_DELETES_H

#include "lake/table.h"

struct tarn_doomed_rows {
    const struct tarn_scan_file *file;
    const int64_t *positions; /* ascending, unique */
    size_t count;
};
/* One Puffin file in the table's data folder with a deletion vector a data file: the rows given and
 * those that are deleted already (file->deleted). Entries are ready for tarn_change_add_deletes,
 * which drops the vectors and file-scoped position deletes that they replace. Synced by the
 * commit. */
enum tarn_status tarn_deletion_vectors_write(const struct tarn_lake *, struct tarn_op *,
                                             const struct tarn_metadata *,
                                             const struct tarn_doomed_rows *, size_t count,
                                             struct tarn_data_file **out_files) TARN_MUST_USE;

#endif
