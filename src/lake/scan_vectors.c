/* scan_vectors: deletion vectors of a scan (spec "Deletion Vectors"; traps 9, 10). At most one
 * lives a data file. What contradicts that, or the data file's own partition and sequence number,
 * is corrupt: rows might come back that were deleted.
 */
#include <stdlib.h>

#include "format/iceberg/puffin.h"
#include "lake/scan_int.h"

static int by_data_file(const void *a, const void *b)
{
    const struct tarn_manifest_entry *x = a, *y = b;
    return tarn_str_cmp(x->file.referenced_data_file, y->file.referenced_data_file);
}

static enum tarn_status check_alone(struct tarn__planner *p)
{
    struct tarn__entries *v = &p->vectors;
    for (size_t i = 0; i < v->count; i++)
        if (!v->items[i].file.referenced_data_file.ptr)
            return tarn_fail(p->op, TARN_CORRUPT,
                             "a deletion vector in \"%.*s\" does not say which data file it is of",
                             TARN_STR_ARG(v->items[i].file.path));
    if (v->count)
        qsort(v->items, v->count, sizeof *v->items, by_data_file);
    for (size_t i = 1; i < v->count; i++)
        if (by_data_file(&v->items[i - 1], &v->items[i]) == 0)
            return tarn_fail(p->op, TARN_CORRUPT, "data file \"%.*s\" has two deletion vectors",
                             TARN_STR_ARG(v->items[i].file.referenced_data_file));
    return TARN_OK;
}

static enum tarn_status check_fit(struct tarn__planner *p, const struct tarn_manifest_entry *v,
                                  const struct tarn_scan_file *f)
{
    bool same;
    if (v->sequence_number < f->sequence_number)
        return tarn_fail(p->op, TARN_CORRUPT,
                         "the deletion vector of data file \"%.*s\" is older than the file: "
                         "sequence numbers %lld and %lld",
                         TARN_STR_ARG(f->file->path), (long long)v->sequence_number,
                         (long long)f->sequence_number);
    TARN_TRY(tarn__same_partition(p, &v->file, f->file, &same));
    if (!same)
        return tarn_fail(p->op, TARN_CORRUPT,
                         "the deletion vector of data file \"%.*s\" lies in another partition",
                         TARN_STR_ARG(f->file->path));
    if (v->file.content_offset < 0 || v->file.content_size <= 0)
        return tarn_fail(p->op, TARN_CORRUPT,
                         "the deletion vector of data file \"%.*s\" has no place in its file",
                         TARN_STR_ARG(f->file->path));
    return TARN_OK;
}

static enum tarn_status read_vector(struct tarn__planner *p, const struct tarn_manifest_entry *v,
                                    struct tarn_scan_file *f)
{
    struct tarn_str bytes;
    int64_t *positions;
    struct tarn_str what =
        tarn_sprintf(p->op, "the deletion vector of data file \"%.*s\" in \"%.*s\"",
                     TARN_STR_ARG(f->file->path), TARN_STR_ARG(v->file.path));
    if (!what.ptr)
        return TARN_NOMEM;
    TARN_TRY_WHILE(p->op,
                   tarn_storage_read_range(p->lake->storage, p->op, v->file.path,
                                           (uint64_t)v->file.content_offset,
                                           (uint64_t)v->file.content_size, &bytes),
                   "reading %s", what.ptr);
    TARN_TRY(tarn_deletion_vector_read(p->op, bytes, what.ptr, v->file.record_count, &positions,
                                       &f->deleted_count));
    f->deleted = f->deleted_count ? positions : NULL;
    return TARN_OK;
}

enum tarn_status tarn__plan_vectors(struct tarn__planner *p)
{
    TARN_TRY(check_alone(p));
    for (size_t i = 0; i < p->vectors.count; i++) {
        const struct tarn_manifest_entry *v = &p->vectors.items[i];
        struct tarn_scan_file *f = tarn__plan_file(p, v->file.referenced_data_file);
        if (!f)
            continue;
        TARN_TRY(check_fit(p, v, f));
        TARN_TRY(read_vector(p, v, f));
        p->has_vector[f - p->scan->files] = true;
    }
    return TARN_OK;
}
