/* room: format */
/* Footers of Parquet files: a number of rows, or none; and where a footer lies, within its file. */
#include "format/parquet/file_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t offset, length;
    TARN_ASSERT(tarn_parquet_footer_rows(tarn_str_of(data, size)) >= -1);
    if (size >= TARN_PARQUET_TAIL_BYTES &&
        tarn_parquet_footer_place((const char *)data + size - TARN_PARQUET_TAIL_BYTES, size,
                                  &offset, &length)) {
        TARN_ASSERT(offset >= 4 && offset + length + TARN_PARQUET_TAIL_BYTES == size);
        TARN_ASSERT(tarn_parquet_footer_rows(tarn_str_of(data + offset, length)) >= -1);
    }
    return 0;
}
