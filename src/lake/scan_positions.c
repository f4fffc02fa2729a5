/* scan_positions: position delete files of a scan (spec "Position Delete Files", "Scan Planning"):
 * they apply to data files of the same partition and of the same or an earlier sequence number
 * that have no deletion vector (traps 5, 9). All that may matter are read at once.
 */
#include <stdlib.h>

#include "lake/scan_int.h"

#define ID_FILE_PATH 2147483546

static const struct tarn_str *bound(const struct tarn_id_bytes *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].id == ID_FILE_PATH)
            return &items[i].bytes;
    return NULL;
}

/* The one data file that a delete file is about; absent: several, or not known. */
static struct tarn_str only_file(const struct tarn_data_file *d)
{
    const struct tarn_str *lower = bound(d->lower, d->lower_count);
    const struct tarn_str *upper = bound(d->upper, d->upper_count);
    if (d->referenced_data_file.ptr)
        return d->referenced_data_file;
    if (lower && upper && tarn_str_eq(*lower, *upper))
        return *lower;
    return (struct tarn_str){NULL, 0};
}

/* Is any of the scan's paths within the delete file's bounds? Bounds may be cut: an upper one is
 * then incremented, so both hold. */
static bool within_bounds(const struct tarn__planner *p, const struct tarn_data_file *d)
{
    const struct tarn_str *lower = bound(d->lower, d->lower_count);
    const struct tarn_str *upper = bound(d->upper, d->upper_count);
    size_t low = 0, high = p->names.count;
    while (lower && low < high) {
        size_t mid = low + (high - low) / 2;
        if (tarn_str_cmp(p->names.items[mid], *lower) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < p->names.count && (!upper || tarn_str_cmp(p->names.items[low], *upper) <= 0);
}

static bool may_apply(const struct tarn__planner *p, const struct tarn_manifest_entry *d)
{
    struct tarn_str only = only_file(&d->file);
    if (!only.ptr)
        return within_bounds(p, &d->file);
    const struct tarn_scan_file *f = tarn__plan_file(p, only);
    return f && f->sequence_number <= d->sequence_number && !p->has_vector[f - p->scan->files];
}

/* Does this delete file apply to this data file, which it names? */
static enum tarn_status applies(struct tarn__planner *p, const struct tarn_manifest_entry *d,
                                const struct tarn_scan_file *f, bool *out)
{
    *out = false;
    if (f->sequence_number > d->sequence_number || p->has_vector[f - p->scan->files])
        return TARN_OK;
    TARN_TRY(tarn__same_partition(p, &d->file, f->file, out));
    if (*out || !only_file(&d->file).ptr)
        return TARN_OK;
    (void)tarn_fail(p->op, TARN_CORRUPT,
                    "position delete file \"%.*s\" lies in another partition than its data file",
                    TARN_STR_ARG(d->file.path));
    tarn_detail(p->op, "%.*s", TARN_STR_ARG(f->file->path));
    return TARN_CORRUPT;
}

/* ---- positions of one data file, out of all the runs that name it */

struct run {
    size_t file;
    const int64_t *positions;
    size_t count;
};

static int by_file(const void *a, const void *b)
{
    const struct run *x = a, *y = b;
    return x->file < y->file ? -1 : x->file > y->file;
}

static int by_position(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static enum tarn_status join_runs(struct tarn_op *op, const struct run *runs, size_t count,
                                  struct tarn_scan_file *f)
{
    int64_t *all;
    size_t n = 0, unique = 0;
    bool ascending = true;
    for (size_t i = 0; i < count; i++)
        n += runs[i].count;
    TARN_NEW_ARRAY(op, all, n + 1);
    n = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(all + n, runs[i].positions, runs[i].count * sizeof *all);
        n += runs[i].count;
    }
    for (size_t i = 1; i < n && ascending; i++)
        ascending = all[i - 1] <= all[i];
    if (!ascending)
        qsort(all, n, sizeof *all, by_position);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || all[unique - 1] != all[i])
            all[unique++] = all[i];
    f->deleted = unique ? all : NULL;
    f->deleted_count = unique;
    return TARN_OK;
}

static enum tarn_status apply(struct tarn__planner *p, const struct tarn_manifest_entry *deletes,
                              const struct tarn_position_deletes *found)
{
    struct run *runs;
    size_t n = 0;
    TARN_NEW_ARRAY(p->op, runs, found->run_count + 1);
    for (size_t i = 0; i < found->run_count; i++) {
        const struct tarn_position_run *r = &found->runs[i];
        const struct tarn_scan_file *f = tarn__plan_file(p, r->path);
        bool yes = false;
        if (f)
            TARN_TRY(applies(p, &deletes[r->source], f, &yes));
        if (yes)
            runs[n++] = (struct run){(size_t)(f - p->scan->files), r->positions, r->count};
    }
    qsort(runs, n, sizeof *runs, by_file);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && runs[end].file == runs[i].file)
            end++;
        TARN_TRY(join_runs(p->op, &runs[i], end - i, &p->scan->files[runs[i].file]));
        i = end;
    }
    return TARN_OK;
}

/* All that a delete file names is there: a row less is a row that comes back. */
static enum tarn_status check_counts(struct tarn__planner *p,
                                     const struct tarn_manifest_entry *deletes, size_t count,
                                     const struct tarn_position_deletes *found)
{
    int64_t *rows;
    TARN_NEW_ARRAY(p->op, rows, count);
    for (size_t i = 0; i < found->run_count; i++)
        rows[found->runs[i].source] += (int64_t)found->runs[i].count;
    for (size_t i = 0; i < count; i++)
        if (rows[i] != deletes[i].file.record_count)
            return tarn_fail(
                p->op, TARN_CORRUPT,
                "position delete file \"%.*s\" has %lld rows, and %lld by its manifest",
                TARN_STR_ARG(deletes[i].file.path), (long long)rows[i],
                (long long)deletes[i].file.record_count);
    return TARN_OK;
}

enum tarn_status tarn__plan_positions(struct tarn__planner *p)
{
    struct tarn_position_deletes found;
    struct tarn_manifest_entry *deletes;
    struct tarn_str *paths;
    size_t n = 0;
    TARN_NEW_ARRAY(p->op, deletes, p->positions.count + 1);
    TARN_NEW_ARRAY(p->op, paths, p->positions.count + 1);
    for (size_t i = 0; i < p->positions.count; i++) {
        const struct tarn_manifest_entry *d = &p->positions.items[i];
        if (!may_apply(p, d))
            continue;
        TARN_TRY(tarn_storage_local_path(p->lake->storage, p->op, d->file.path, &paths[n]));
        deletes[n++] = *d;
    }
    if (n == 0)
        return TARN_OK;
    if (!p->lake->deletes)
        return tarn_fail(p->op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has position deletes and no engine is open to read them",
                         TARN_IDENT_ARG(p->table->ident));
    TARN_TRY_WHILE(p->op, p->lake->deletes->read(p->lake->deletes, p->op, paths, n, &found),
                   "reading position deletes of table " TARN_IDENT_FMT,
                   TARN_IDENT_ARG(p->table->ident));
    TARN_TRY(check_counts(p, deletes, n, &found));
    return apply(p, deletes, &found);
}
