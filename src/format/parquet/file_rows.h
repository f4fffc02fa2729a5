/* file_rows: how many rows a Parquet file has, by its footer (parquet-format, "File format"):
 *
 *   .. pages .., FileMetaData in Thrift's compact protocol, u32 its length, "PAR1"
 *
 * FileMetaData.num_rows (3) must be the sum of its row groups' (4, there 3).
 */
#ifndef TARN_FORMAT_PARQUET_FILE_ROWS_H
#define TARN_FORMAT_PARQUET_FILE_ROWS_H

#include "base/op.h"

#define TARN_PARQUET_TAIL_BYTES 8U
/* "PAR1" at both ends and a length between them: no file is shorter. */
#define TARN_PARQUET_BYTES_MIN 12U

/* Where the footer begins, out of the last bytes of a file; false when they are none of Parquet's,
 * or of a file whose footer is encrypted. */
bool tarn_parquet_footer_place(const char tail[TARN_PARQUET_TAIL_BYTES], uint64_t file_bytes,
                               uint64_t *out_offset, uint64_t *out_length) TARN_MUST_USE;
/* -1: the footer cannot be read, or contradicts itself. */
int64_t tarn_parquet_footer_rows(struct tarn_str footer);

#endif
