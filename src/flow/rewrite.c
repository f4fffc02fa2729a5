/* rewrite: copy-on-write. Files that hold rows which go are read again without them.
 *
 * The rows that go are added to those that are deleted already, which scans leave out at no cost;
 * when they are too many for memory the engine sorts them out instead.
 */
#include <stdlib.h>
#include <string.h>

#include "flow/flow_int.h"

#define EXCLUDED_MAX ((int64_t)16 << 20)

/* ---- which files */

struct touched {
    const struct tarn_scan *scan;
    struct tarn_scan_file **sorted; /* by path */
    int64_t *doomed;                /* rows that go, one a file of the scan */
    int64_t rows;                   /* all of them */
};

static int by_path(const void *a, const void *b)
{
    const struct tarn_scan_file *const *x = a, *const *y = b;
    return tarn_str_cmp((*x)->file->path, (*y)->file->path);
}

static int path_against(const void *key, const void *item)
{
    const struct tarn_scan_file *const *f = item;
    return tarn_str_cmp(*(const struct tarn_str *)key, (*f)->file->path);
}

static enum tarn_status find_file(const struct touched *t, struct tarn_op *op, struct tarn_str path,
                                  size_t *out)
{
    struct tarn_scan_file **hit =
        bsearch(&path, t->sorted, t->scan->file_count, sizeof *t->sorted, path_against);
    if (!hit)
        return tarn_fail(op, TARN_INTERNAL, "rows of \"%.*s\" would change, which was not read",
                         TARN_STR_ARG(path));
    *out = (size_t)(*hit - t->scan->files);
    return TARN_OK;
}

static enum tarn_status take_touched(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                     size_t row)
{
    struct touched *t = ctx;
    size_t at;
    TARN_TRY(find_file(t, op, tarn_cell_text(b, 0, row), &at));
    t->doomed[at] = tarn_cell_long(b, 1, row);
    t->rows += t->doomed[at];
    return TARN_OK;
}

static enum tarn_status find_touched(const struct tarn_flow *flow, struct tarn_op *op,
                                     const struct tarn_scan *scan, struct tarn_str doomed,
                                     struct touched *t)
{
    size_t n = scan->file_count;
    struct tarn_str sql = tarn_sprintf(op, "SELECT _file, count(*)::BIGINT FROM %.*s GROUP BY 1",
                                       TARN_STR_ARG(doomed));
    if (!sql.ptr)
        return TARN_NOMEM;
    *t = (struct touched){.scan = scan};
    TARN_NEW_ARRAY(op, t->sorted, n + 1);
    TARN_NEW_ARRAY(op, t->doomed, n + 1);
    for (size_t i = 0; i < n; i++)
        t->sorted[i] = &scan->files[i];
    if (n)
        qsort(t->sorted, n, sizeof *t->sorted, by_path);
    return tarn_each_row(flow, op, sql, take_touched, t);
}

/* ---- rows that go are left out */

struct excluding {
    const struct touched *touched;
    struct tarn_scan_file *files; /* of the new scan, one a file of the old one */
    int64_t **next;               /* where a file's next position goes */
    size_t last;                  /* the file of the row before */
    struct tarn_str last_path;
};

static enum tarn_status take_position(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                      size_t row)
{
    struct excluding *e = ctx;
    struct tarn_str path = tarn_cell_text(b, 0, row);
    if (!e->last_path.ptr || !tarn_str_eq(path, e->last_path)) {
        TARN_TRY(find_file(e->touched, op, path, &e->last));
        e->last_path = e->touched->scan->files[e->last].file->path;
    }
    if (e->next[e->last])
        *e->next[e->last]++ = tarn_cell_long(b, 1, row);
    return TARN_OK;
}

static int by_position(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The files that are kept, each with the rows that go among those that are deleted. */
static enum tarn_status make_excluding(struct tarn_op *op, const struct touched *t,
                                       const bool *keep, struct excluding *e)
{
    size_t n = t->scan->file_count;
    *e = (struct excluding){.touched = t};
    TARN_NEW_ARRAY(op, e->files, n + 1);
    TARN_NEW_ARRAY(op, e->next, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct tarn_scan_file *f = &e->files[i];
        int64_t *positions;
        *f = t->scan->files[i];
        if (!keep[i])
            continue;
        TARN_NEW_ARRAY(op, positions, f->deleted_count + (size_t)t->doomed[i]);
        if (f->deleted_count)
            memcpy(positions, f->deleted, f->deleted_count * sizeof *positions);
        e->next[i] = positions + f->deleted_count;
        f->deleted = positions;
        f->deleted_count += (size_t)t->doomed[i];
    }
    return TARN_OK;
}

static enum tarn_status exclude(const struct tarn_flow *flow, struct tarn_op *op,
                                const struct touched *t, const bool *keep, struct tarn_str doomed,
                                struct tarn_scan *out)
{
    struct excluding e;
    struct tarn_scan with = *t->scan;
    struct tarn_str sql = tarn_sprintf(op, "SELECT _file, _pos FROM %.*s", TARN_STR_ARG(doomed));
    if (!sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(make_excluding(op, t, keep, &e));
    TARN_TRY(tarn_each_row(flow, op, sql, take_position, &e));
    for (size_t i = 0; i < t->scan->file_count; i++) {
        int64_t *first = (int64_t *)(uintptr_t)e.files[i].deleted;
        if (!keep[i])
            continue;
        TARN_ASSERT(e.next[i] == first + e.files[i].deleted_count);
        qsort(first, e.files[i].deleted_count, sizeof *first, by_position);
    }
    with.files = e.files;
    return tarn_scan_subset(op, &with, keep, out);
}

enum tarn_status tarn_rows_rewrite(const struct tarn_flow *flow, struct tarn_op *op,
                                   struct tarn_change *change, const struct tarn_scan *scan,
                                   struct tarn_str doomed, struct tarn_rewriting *out)
{
    struct touched t;
    bool *keep;
    *out = (struct tarn_rewriting){0};
    TARN_TRY(find_touched(flow, op, scan, doomed, &t));
    TARN_NEW_ARRAY(op, keep, scan->file_count + 1);
    for (size_t i = 0; i < scan->file_count; i++) {
        if (t.doomed[i] == 0)
            continue;
        int64_t rows = tarn_scan_rows(scan, i);
        TARN_TRY(tarn_change_delete_files(change, op, &scan->files[i].file->path, 1));
        keep[i] = rows != t.doomed[i];
        if (keep[i] && out->kept >= 0)
            out->kept = rows < 0 ? -1 : out->kept + rows - t.doomed[i];
    }
    out->doomed = t.rows;
    out->excluded = t.rows <= EXCLUDED_MAX;
    return out->excluded ? exclude(flow, op, &t, keep, doomed, &out->scan)
                         : tarn_scan_subset(op, scan, keep, &out->scan);
}
