/* mend: a data file that the engine has written gets the types that the engine lacks
 * (format/parquet/mend.h): in place where the footer alone changes, else as a new file beside it,
 * which takes its name. Nobody knows the file yet, and nothing is synced here; who gives the write up
 * removes all files of its token, the new one among them.
 */
#include "engine/duckdb/overlay_int.h"
#include "engine/duckdb/write_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/parquet/mend.h"
#include "format/parquet/shredded.h"

struct mending {
    struct tarn_op *op;
    const struct tarn_write *w;
    struct tarn_data_file *file;
    int from, to;
    int64_t size;
    struct tarn_str bytes; /* of the footer */
    struct tarn_parquet_footer footer;
    struct tarn_parquet_edits edits;
};

static enum tarn_status read_ctx(void *ctx, struct tarn_op *op, int64_t offset, void *dst, size_t n)
{
    return tarn__read_exact(op, ((struct mending *)ctx)->from, offset, dst, n);
}

static enum tarn_status write_all(struct tarn_op *op, int fd, const void *src, size_t n)
{
    const char *p = src;
    while (n > 0) {
        ssize_t put = write(fd, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return tarn_fail_errno(op, errno, "could not write a data file");
        p += put;
        n -= (size_t)put;
    }
    return TARN_OK;
}

static enum tarn_status write_ctx(void *ctx, struct tarn_op *op, const void *src, size_t n)
{
    return write_all(op, ((struct mending *)ctx)->to, src, n);
}

/* ---- the footer alone */

static enum tarn_status replace_footer(struct mending *m, struct tarn_buf *b)
{
    int64_t at = m->size - TARN_PARQUET_TAIL - (int64_t)m->bytes.len;
    TARN_TRY(tarn_parquet_footer_mend(m->op, m->bytes, &m->footer, &m->edits, b));
    tarn_parquet_tail_put(b, b->len);
    TARN_TRY((enum tarn_status)tarn_buf_finish(m->op, b, "a Parquet footer"));
    if (lseek(m->from, (off_t)at, SEEK_SET) < 0 || ftruncate(m->from, (off_t)at) != 0)
        return tarn_fail_errno(m->op, errno, "could not write a data file");
    TARN_TRY(write_all(m->op, m->from, b->ptr, b->len));
    m->file->size_bytes = at + (int64_t)b->len;
    return TARN_OK;
}

/* ---- a new file */

static void count_leaves(struct mending *m, const struct tarn_parquet_mended *now)
{
    for (size_t i = 0; i < m->footer.leaf_count; i++) {
        int32_t id = m->footer.elements[m->footer.leaves[i]].field_id;
        for (size_t k = 0; now->leaf_bytes[i] >= 0 && k < m->file->column_size_count; k++)
            if (m->file->column_sizes[k].id == id)
                m->file->column_sizes[k].count = now->leaf_bytes[i];
    }
}

static enum tarn_status make_file(struct mending *m)
{
    const struct tarn_parquet_io io = {m, read_ctx, write_ctx};
    struct tarn_parquet_mended now;
    struct tarn_str path = tarn_sprintf(m->op, "%.*s.new", TARN_STR_ARG(m->file->path));
    if (!path.ptr)
        return TARN_NOMEM;
    m->to = open(path.ptr, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (m->to < 0)
        return tarn_fail_errno(m->op, errno, "could not write a data file");
    enum tarn_status status = tarn_parquet_mend(m->op, &io, m->bytes, m->size, &m->footer,
                                                &m->edits, m->w->codec_level, &now);
    if (close(m->to) != 0 && status == TARN_OK)
        status = tarn_fail_errno(m->op, errno, "could not write a data file");
    if (status == TARN_OK && rename(path.ptr, m->file->path.ptr) != 0)
        status = tarn_fail_errno(m->op, errno, "could not write a data file");
    if (status != TARN_OK) {
        (void)unlink(path.ptr);
        return status;
    }
    m->file->size_bytes = now.size_bytes;
    count_leaves(m, &now);
    return TARN_OK;
}

/* ---- bounds of the fields of shredded variants, which the engine's statistics do not have */

static const struct tarn_field *variant_of(const struct tarn_type *root,
                                           const struct tarn_parquet_element *e)
{
    for (size_t i = 0; e->parent == 0 && i < root->field_count; i++)
        if (root->fields[i].id == e->field_id && root->fields[i].type.kind == TARN_TYPE_VARIANT)
            return &root->fields[i];
    return NULL;
}

static enum tarn_status put_bounds(struct mending *m, struct tarn_op *op)
{
    struct tarn_data_file *f = m->file;
    for (size_t i = 1; i < m->footer.element_count; i++) {
        const struct tarn_field *v = variant_of(&m->w->schema->root, &m->footer.elements[i]);
        int32_t width = v ? tarn__metric_width(m->w, v->id) : 0;
        struct tarn_str lower, upper;
        if (!v || width < 0)
            continue;
        TARN_TRY(tarn_shredded_bounds(m->op, &m->footer, i, width, &lower, &upper));
        if (!lower.ptr)
            continue;
        lower = tarn_strdup(op, lower);
        upper = tarn_strdup(op, upper);
        if (!lower.ptr || !upper.ptr)
            return TARN_NOMEM;
        f->lower[f->lower_count++] = (struct tarn_id_bytes){v->id, lower};
        f->upper[f->upper_count++] = (struct tarn_id_bytes){v->id, upper};
    }
    tarn__metrics_sort(f);
    return TARN_OK;
}

static enum tarn_status mend_open(struct mending *m, struct tarn_op *op)
{
    struct tarn_buf b;
    TARN_TRY(tarn__footer_bytes(m->op, m->from, &m->size, &m->bytes));
    TARN_TRY(tarn_parquet_footer_read(m->op, m->bytes, &m->footer));
    TARN_TRY(tarn_parquet_edits_find(m->op, &m->footer, &m->w->schema->root, &m->edits));
    TARN_TRY(put_bounds(m, op));
    if (m->edits.count == 0)
        return TARN_OK;
    if (m->edits.pages)
        return make_file(m);
    tarn_buf_init(&b, TARN_PARQUET_FOOTER_MAX);
    enum tarn_status status = replace_footer(m, &b);
    tarn_buf_release(&b);
    return status;
}

enum tarn_status tarn__file_mend(struct tarn_op *op, const struct tarn_write *w,
                                 struct tarn_data_file *f)
{
    struct tarn_op own; /* one file's footer at a time */
    struct mending m = {.op = &own, .w = w, .file = f};
    if (!tarn_parquet_mends(&w->schema->root))
        return TARN_OK;
    m.from = open(f->path.ptr, O_RDWR | O_CLOEXEC);
    if (m.from < 0)
        return tarn_fail_errno(op, errno, "could not open a data file");
    enum tarn_status status = tarn_op_child(op, &own);
    if (status == TARN_OK) {
        status = mend_open(&m, op);
        if (own.report.status != TARN_OK)
            status = tarn_op_adopt(op, &own);
        tarn_op_release(&own);
    }
    (void)close(m.from);
    return status;
}
