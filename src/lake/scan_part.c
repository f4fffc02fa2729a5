/* scan_part: a part of a planned scan. */
#include "lake/scan.h"

static enum tarn_status group_subset(struct tarn_op *op, const size_t *new_index,
                                     const struct tarn_equality_group *from,
                                     struct tarn_equality_group *to)
{
    *to = *from;
    to->file_count = 0;
    TARN_NEW_ARRAY(op, to->files, from->file_count + 1);
    for (size_t i = 0; i < from->file_count; i++)
        if (new_index[from->files[i]] != SIZE_MAX)
            to->files[to->file_count++] = new_index[from->files[i]];
    return TARN_OK;
}

enum tarn_status tarn_scan_subset(struct tarn_op *op, const struct tarn_scan *scan,
                                  const bool *keep, struct tarn_scan *out)
{
    size_t *new_index;
    *out = *scan;
    out->file_count = out->equality_count = 0;
    TARN_NEW_ARRAY(op, out->files, scan->file_count + 1);
    TARN_NEW_ARRAY(op, new_index, scan->file_count + 1);
    TARN_NEW_ARRAY(op, out->equality, scan->equality_count + 1);
    for (size_t i = 0; i < scan->file_count; i++) {
        new_index[i] = keep[i] ? out->file_count : SIZE_MAX;
        if (keep[i])
            out->files[out->file_count++] = scan->files[i];
    }
    for (size_t i = 0; i < scan->equality_count; i++) {
        struct tarn_equality_group *g = &out->equality[out->equality_count];
        TARN_TRY(group_subset(op, new_index, &scan->equality[i], g));
        out->equality_count += g->file_count > 0;
    }
    return TARN_OK;
}

int64_t tarn_scan_rows(const struct tarn_scan *scan, size_t file)
{
    const struct tarn_scan_file *f = &scan->files[file];
    for (size_t i = 0; i < scan->equality_count; i++)
        for (size_t k = 0; k < scan->equality[i].file_count; k++)
            if (scan->equality[i].files[k] == file)
                return -1;
    return tarn_scan_file_rows(f);
}
