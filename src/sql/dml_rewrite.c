/* dml_rewrite: copy-on-write. Files that hold rows which go are read again without them.
 *
 * The rows that go are added to those that are deleted already, which scans leave out at no cost;
 * when they are too many for memory the engine sorts them out instead.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/dml_write_int.h"

#define EXCLUDED_MAX ((int64_t)16 << 20)

/* ---- which files */

struct touched {
    const struct tarn_scan *scan;
    struct tarn_scan_file **sorted; /* by path */
    int64_t *doomed;                /* rows that go, one a file of the scan */
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
    return TARN_OK;
}

static enum tarn_status find_touched(struct tarn__writing *x, struct touched *t)
{
    struct tarn_op *op = x->d->op;
    size_t n = x->d->scan->file_count;
    *t = (struct touched){.scan = x->d->scan};
    TARN_NEW_ARRAY(op, t->sorted, n + 1);
    TARN_NEW_ARRAY(op, t->doomed, n + 1);
    for (size_t i = 0; i < n; i++)
        t->sorted[i] = &x->d->scan->files[i];
    if (n)
        qsort(t->sorted, n, sizeof *t->sorted, by_path);
    return tarn_each_row(&x->d->r->sql->env->flow, op,
                         TARN_STR("SELECT _file, count(*)::BIGINT FROM temp.main.tarn_doomed "
                                  "GROUP BY 1"),
                         take_touched, t);
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
static enum tarn_status exclude(struct tarn__writing *x, const struct touched *t, const bool *keep)
{
    struct tarn_op *op = x->d->op;
    size_t n = t->scan->file_count;
    struct excluding e = {.touched = t};
    struct tarn_scan with = *t->scan;
    TARN_NEW_ARRAY(op, e.files, n + 1);
    TARN_NEW_ARRAY(op, e.next, n + 1);
    for (size_t i = 0; i < n; i++) {
        struct tarn_scan_file *f = &e.files[i];
        int64_t *positions;
        *f = t->scan->files[i];
        if (!keep[i])
            continue;
        TARN_NEW_ARRAY(op, positions, f->deleted_count + (size_t)t->doomed[i]);
        if (f->deleted_count)
            memcpy(positions, f->deleted, f->deleted_count * sizeof *positions);
        e.next[i] = positions + f->deleted_count;
        f->deleted = positions;
        f->deleted_count += (size_t)t->doomed[i];
    }
    TARN_TRY(tarn_each_row(&x->d->r->sql->env->flow, op,
                           TARN_STR("SELECT _file, _pos FROM temp.main.tarn_doomed"), take_position,
                           &e));
    for (size_t i = 0; i < n; i++) {
        int64_t *first = (int64_t *)(uintptr_t)e.files[i].deleted;
        if (!keep[i])
            continue;
        TARN_ASSERT(e.next[i] == first + e.files[i].deleted_count);
        qsort(first, e.files[i].deleted_count, sizeof *first, by_position);
    }
    with.files = e.files;
    x->excluded = true;
    return tarn_scan_subset(op, &with, keep, &x->rewritten);
}

enum tarn_status tarn__dml_rewrite(struct tarn__writing *x)
{
    struct tarn__dml *d = x->d;
    const struct tarn_scan *scan = d->scan;
    struct touched t;
    bool *keep;
    TARN_TRY(find_touched(x, &t));
    TARN_NEW_ARRAY(d->op, keep, scan->file_count + 1);
    for (size_t i = 0; i < scan->file_count; i++) {
        if (t.doomed[i] == 0)
            continue;
        int64_t rows = tarn_scan_rows(scan, i);
        TARN_TRY(tarn_change_delete_files(d->change, d->op, &scan->files[i].file->path, 1));
        keep[i] = rows != t.doomed[i];
        if (keep[i] && x->kept >= 0)
            x->kept = rows < 0 ? -1 : x->kept + rows - t.doomed[i];
    }
    if (x->doomed <= EXCLUDED_MAX)
        TARN_TRY(exclude(x, &t, keep));
    else
        TARN_TRY(tarn_scan_subset(d->op, scan, keep, &x->rewritten));
    bool kept = x->rewritten.file_count > 0;
    if (kept)
        TARN_TRY(tarn_session_bind_scan(d->r->sql->env->flow.session, d->op,
                                        TARN_STR("dml rewritten"), &x->rewritten, true));
    x->lineage = x->lineage || (kept && d->lineage);
    return kept || x->news ? tarn__dml_write_rows(x, kept) : TARN_OK;
}
