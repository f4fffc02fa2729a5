/* file_rows: see the header. */
#include "format/parquet/file_rows.h"

#include <string.h>

#include "format/parquet/thrift.h"

enum { FILE_ROWS = 3, FILE_GROUPS = 4, GROUP_ROWS = 3 };

bool tarn_parquet_footer_place(const char tail[TARN_PARQUET_TAIL_BYTES], uint64_t file_bytes,
                               uint64_t *out_offset, uint64_t *out_length)
{
    const unsigned char *u = (const unsigned char *)tail;
    uint64_t length = u[0] | (uint64_t)u[1] << 8 | (uint64_t)u[2] << 16 | (uint64_t)u[3] << 24;
    if (memcmp(tail + 4, "PAR1", 4) != 0 || file_bytes < TARN_PARQUET_BYTES_MIN ||
        length > file_bytes - TARN_PARQUET_BYTES_MIN)
        return false;
    *out_length = length;
    *out_offset = file_bytes - TARN_PARQUET_TAIL_BYTES - length;
    return true;
}

/* The rows of one row group; negative: it does not say. */
static int64_t group_rows(struct tarn_thrift *t)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    int64_t rows = -1;
    while (tarn_thrift_next(t, &id, &f))
        if (f.id == GROUP_ROWS)
            rows = tarn_thrift_int(t, &f);
        else
            tarn_thrift_skip(t, f.type);
    return rows;
}

/* The sum over all row groups; -1: it is none. */
static int64_t all_group_rows(struct tarn_thrift *t, const struct tarn_thrift_field *list)
{
    size_t count = tarn_thrift_structs(t, list);
    int64_t sum = 0;
    for (size_t i = 0; i < count && !t->failed; i++) {
        int64_t rows = group_rows(t);
        if (rows < 0 || __builtin_add_overflow(sum, rows, &sum))
            return -1;
    }
    return sum;
}

int64_t tarn_parquet_footer_rows(struct tarn_str footer)
{
    struct tarn_thrift t;
    struct tarn_thrift_field f;
    int16_t id = 0;
    int64_t rows = -1, sum = 0;
    tarn_thrift_init(&t, footer);
    while (tarn_thrift_next(&t, &id, &f) && sum >= 0)
        if (f.id == FILE_ROWS)
            rows = tarn_thrift_int(&t, &f);
        else if (f.id == FILE_GROUPS)
            sum = all_group_rows(&t, &f);
        else
            tarn_thrift_skip(&t, f.type);
    return t.failed || rows != sum ? -1 : rows;
}
