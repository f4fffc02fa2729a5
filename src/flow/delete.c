/* delete: rows deleted by position. Files all of whose rows go are removed; of the others the rows
 * become deletion vectors (format version 3) or position delete files (version 2), one a data file
 * or one a partition (property write.delete.granularity).
 */
#include <stdlib.h>

#include "flow/delete_int.h"
#include "lake/deletes.h"

/* So many data files of one statement get a delete file each, unless the table says what it wants:
 * more would be more files than they are worth. */
#define OWN_FILES_MAX 256

/* ---- which files */

static int by_name(const void *a, const void *b)
{
    const struct tarn__named_file *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

static enum tarn_status index_files(struct tarn__doomed *d, struct tarn_op *op)
{
    size_t n = d->scan->file_count;
    TARN_NEW_ARRAY(op, d->files, n + 1);
    TARN_NEW_ARRAY(op, d->names, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct tarn_scan_file *f = &d->scan->files[i];
        d->names[2 * i] = (struct tarn__named_file){f->file->path, f};
        d->names[2 * i + 1] = (struct tarn__named_file){f->local_path, f};
    }
    if (n)
        qsort(d->names, 2 * n, sizeof *d->names, by_name);
    return TARN_OK;
}

static enum tarn_status find_file(const struct tarn__doomed *d, struct tarn_op *op,
                                  struct tarn_str name, const struct tarn_scan_file **out)
{
    struct tarn__named_file key = {.name = name};
    const struct tarn__named_file *hit =
        d->scan->file_count ? bsearch(&key, d->names, 2 * d->scan->file_count, sizeof key, by_name)
                            : NULL;
    if (!hit)
        return tarn_fail(op, TARN_INTERNAL,
                         "rows to be deleted lie in file \"%.*s\", which the scan does not have",
                         TARN_STR_ARG(name));
    *out = hit->file;
    return TARN_OK;
}

static enum tarn_status collect(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                size_t row)
{
    struct tarn__doomed *d = ctx;
    const struct tarn_scan_file *f;
    int64_t rows = tarn_cell_long(b, 1, row);
    TARN_TRY(find_file(d, op, tarn_cell_text(b, 0, row), &f));
    d->files[d->count++] =
        (struct tarn__doomed_file){f, rows, 0, rows == tarn_scan_file_rows(f), false};
    d->rows += rows;
    return TARN_OK;
}

bool tarn__doomed_alike(const struct tarn_type *type, const struct tarn_data_file *a,
                        const struct tarn_data_file *b)
{
    if (a->spec_id != b->spec_id || a->partition_count != b->partition_count)
        return false;
    for (size_t i = 0; i < a->partition_count; i++)
        if (!tarn_value_eq(&type->fields[i].type, &a->partition[i], &b->partition[i]))
            return false;
    return true;
}

enum tarn_status tarn__doomed_partition(const struct tarn__doomed *d, struct tarn_op *op,
                                        const struct tarn_data_file *of, struct tarn_type *out)
{
    const struct tarn_metadata *m = d->scan->metadata;
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, of->spec_id);
    if (!spec)
        return tarn_fail(op, TARN_CORRUPT, "a data file has the unknown partition spec %d",
                         of->spec_id);
    return tarn_partition_type(op, m, spec, out);
}

enum tarn_status tarn__doomed_find(const struct tarn_flow *flow, struct tarn_op *op,
                                   const struct tarn_scan *scan, struct tarn_str relation,
                                   struct tarn__doomed *out)
{
    struct tarn_str sql = tarn_sprintf(
        op, "SELECT _file, count(DISTINCT _pos)::BIGINT FROM %.*s GROUP BY 1 ORDER BY 1",
        TARN_STR_ARG(relation));
    if (!sql.ptr)
        return TARN_NOMEM;
    *out = (struct tarn__doomed){.scan = scan};
    TARN_TRY(index_files(out, op));
    return tarn_each_row(flow, op, sql, collect, out);
}

enum tarn_status tarn__doomed_remove_whole(const struct tarn__doomed *d, struct tarn_op *op,
                                           struct tarn_change *change)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->files[i].whole)
            TARN_TRY(tarn_change_delete_files(change, op, &d->files[i].file->file->path, 1));
    return TARN_OK;
}

/* ---- position delete files */

/* "_file in (...)" over the files that share a delete file with files[first]; marks them done. */
static enum tarn_status list_files(struct tarn_op *op, struct tarn__doomed *d, size_t first,
                                   bool alone, struct tarn_buf *sql)
{
    const struct tarn_data_file *of = d->files[first].file->file;
    struct tarn_type type;
    const char *comma = "";
    TARN_TRY(tarn__doomed_partition(d, op, of, &type));
    for (size_t i = first; i < (alone ? first + 1 : d->count); i++) {
        struct tarn__doomed_file *f = &d->files[i];
        if (f->whole || f->done || !tarn__doomed_alike(&type, of, f->file->file))
            continue;
        f->done = true;
        d->files[first].group_rows += f->rows;
        tarn_buf_z(sql, comma);
        tarn_buf_sql_text(sql, f->file->file->path);
        comma = ", ";
    }
    return TARN_OK;
}

static enum tarn_status write_file(const struct tarn_flow *flow, struct tarn_op *op,
                                   struct tarn_change *change, struct tarn__doomed *d, size_t first,
                                   bool alone, struct tarn_str doomed)
{
    const struct tarn_data_file *of = d->files[first].file->file;
    struct tarn_written written = {0};
    struct tarn_write write;
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_printf(&sql, "SELECT _file, _pos FROM %.*s WHERE _file IN (", TARN_STR_ARG(doomed));
    TARN_GO(list_files(op, d, first, alone, &sql));
    tarn_buf_put(&sql, ')');
    TARN_GO((enum tarn_status)tarn_buf_finish(op, &sql, "list of files with deleted rows"));
    TARN_GO(tarn_flow_write(flow, op, change, INT64_MIN, &write));
    TARN_GO(tarn_session_write_deletes(flow->session, op, tarn_buf_view(&sql), &write, &written));
    if (written.rows != d->files[first].group_rows)
        status = tarn_fail(op, TARN_INTERNAL, "%lld of %lld rows would have been deleted",
                           (long long)written.rows, (long long)d->files[first].group_rows);
    if (status != TARN_OK) {
        tarn_flow_remove(flow, op, &written);
        goto out;
    }
    for (size_t i = 0; i < written.count; i++) {
        written.files[i].spec_id = of->spec_id;
        written.files[i].partition = of->partition;
        written.files[i].partition_count = of->partition_count;
    }
    TARN_GO(tarn_change_add_deletes(change, op, written.files, written.count));
out:
    tarn_buf_release(&sql);
    return status;
}

/* As Iceberg's Spark writers do, which take a file each when the table does not say. */
static enum tarn_status one_a_file(struct tarn_op *op, const struct tarn_metadata *m,
                                   const struct tarn__doomed *d, bool *out)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, "write.delete.granularity");
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += !d->files[i].whole;
    *out = v ? tarn_str_eq_nocase(*v, TARN_STR("file")) : n <= OWN_FILES_MAX;
    if (v && !*out && !tarn_str_eq_nocase(*v, TARN_STR("partition")))
        return tarn_fail(
            op, TARN_CONFIG,
            "table property \"write.delete.granularity\" is \"%.*s\", which is neither "
            "file nor partition",
            TARN_STR_ARG(*v));
    return TARN_OK;
}

static enum tarn_status write_files(const struct tarn_flow *flow, struct tarn_op *op,
                                    struct tarn_change *change, struct tarn__doomed *d,
                                    struct tarn_str doomed)
{
    bool alone;
    TARN_TRY(one_a_file(op, tarn_change_metadata(change), d, &alone));
    for (size_t i = 0; i < d->count; i++)
        if (!d->files[i].whole && !d->files[i].done)
            TARN_TRY(write_file(flow, op, change, d, i, alone, doomed));
    return TARN_OK;
}

/* ---- deletion vectors */

struct vectors { /* filled from rows sorted by file and position */
    const struct tarn__doomed *doomed;
    struct tarn_doomed_rows *items;
    int64_t *positions; /* of all of them, one after the other */
    size_t count, rows, count_max, rows_max;
    struct tarn_str last; /* the name in the row before; an own copy */
};

static enum tarn_status collect_position(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                         size_t row)
{
    struct vectors *v = ctx;
    struct tarn_str name = tarn_cell_text(b, 0, row);
    int64_t pos = tarn_cell_long(b, 1, row);
    bool next = v->count == 0 || !tarn_str_eq(v->last, name);
    if (v->rows == v->rows_max || (next && v->count == v->count_max))
        return tarn_fail(op, TARN_INTERNAL, "rows to be deleted changed while they were read");
    if (next) {
        struct tarn_doomed_rows *d = &v->items[v->count++];
        TARN_TRY(find_file(v->doomed, op, name, &d->file));
        d->positions = &v->positions[v->rows];
        v->last = tarn_strdup(op, name);
        if (!v->last.ptr)
            return TARN_NOMEM;
    }
    if (pos < 0 || pos >= v->items[v->count - 1].file->file->record_count)
        return tarn_fail(op, TARN_INTERNAL, "row %lld to be deleted is not in its file",
                         (long long)pos);
    v->positions[v->rows++] = pos;
    v->items[v->count - 1].count++;
    return TARN_OK;
}

static enum tarn_status select_positions(struct tarn_op *op, const struct tarn__doomed *d,
                                         struct tarn_str doomed, struct tarn_str *out)
{
    struct tarn_buf sql;
    const char *comma = "";
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_printf(&sql, "SELECT DISTINCT _file, _pos::BIGINT FROM %.*s", TARN_STR_ARG(doomed));
    for (size_t i = 0; i < d->count; i++) {
        if (!d->files[i].whole)
            continue;
        tarn_buf_z(&sql, *comma ? comma : " WHERE _file NOT IN (");
        tarn_buf_sql_text(&sql, d->files[i].file->file->path);
        comma = ", ";
    }
    tarn_buf_z(&sql, *comma ? ") ORDER BY 1, 2" : " ORDER BY 1, 2");
    return (enum tarn_status)tarn_buf_take(op, &sql, "list of files with deleted rows", out);
}

static enum tarn_status write_vectors(const struct tarn_flow *flow, struct tarn_op *op,
                                      struct tarn_change *change, const struct tarn__doomed *d,
                                      struct tarn_str doomed)
{
    struct vectors v = {.doomed = d};
    struct tarn_data_file *files;
    struct tarn_str sql;
    int64_t rows = 0;
    size_t parts = 0;
    for (size_t i = 0; i < d->count; i++)
        if (!d->files[i].whole) {
            rows += d->files[i].rows;
            parts++;
        }
    if (parts == 0)
        return TARN_OK;
    v.count_max = parts;
    v.rows_max = (size_t)rows;
    TARN_NEW_ARRAY(op, v.items, parts);
    TARN_NEW_ARRAY(op, v.positions, (size_t)rows);
    TARN_TRY(select_positions(op, d, doomed, &sql));
    TARN_TRY(tarn_each_row(flow, op, sql, collect_position, &v));
    if (v.count != parts || v.rows != (size_t)rows)
        return tarn_fail(op, TARN_INTERNAL, "%zu of %lld rows would have been deleted", v.rows,
                         (long long)rows);
    TARN_TRY(tarn_deletion_vectors_write(flow->lake, op, tarn_change_metadata(change), v.items,
                                         v.count, &files));
    enum tarn_status status = tarn_change_add_deletes(change, op, files, v.count);
    if (status != TARN_OK)
        tarn_flow_remove(flow, op, &(struct tarn_written){.files = files, .count = 1});
    return status;
}

enum tarn_status tarn_rows_delete(const struct tarn_flow *flow, struct tarn_op *op,
                                  struct tarn_change *change, const struct tarn_scan *scan,
                                  struct tarn_str doomed, int64_t *out_rows)
{
    struct tarn__doomed d;
    TARN_TRY(tarn__doomed_find(flow, op, scan, doomed, &d));
    TARN_TRY(tarn__doomed_remove_whole(&d, op, change));
    if (tarn_change_metadata(change)->format_version >= 3)
        TARN_TRY(write_vectors(flow, op, change, &d, doomed));
    else
        TARN_TRY(write_files(flow, op, change, &d, doomed));
    *out_rows = d.rows;
    return TARN_OK;
}
