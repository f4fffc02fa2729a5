/* write: what a table's properties ask of a write, and rows deleted by position. */
#include <stdlib.h>

#include "flow/flow_int.h"

/* ---- a write's options */

static struct tarn_str property(const struct tarn_metadata *m, const char *key,
                                const char *otherwise)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, key);
    return v ? *v : tarn_str_view(otherwise);
}

static enum tarn_status number_property(struct tarn_op *op, const struct tarn_metadata *m,
                                        const char *key, int64_t otherwise, int64_t min,
                                        int64_t max, int64_t *out)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, key);
    *out = otherwise;
    if (v && (!tarn_str_to_i64(*v, out) || *out < min || *out > max))
        return tarn_fail(op, TARN_CONFIG, "table property \"%s\" is not a number from %lld to %lld",
                         key, (long long)min, (long long)max);
    return TARN_OK;
}

/* "truncate(16)", "full", "counts", "none" */
static int32_t bound_width(const struct tarn_metadata *m)
{
    struct tarn_str mode = property(m, "write.metadata.metrics.default", "truncate(16)");
    int64_t n;
    if (tarn_str_is(mode, "full"))
        return INT32_MAX;
    if (!tarn_str_starts(mode, TARN_STR("truncate(")) || !tarn_str_ends(mode, TARN_STR(")")))
        return 16;
    struct tarn_str digits = {mode.ptr + 9, mode.len - 10};
    return tarn_str_to_i64(digits, &n) && n > 0 && n < INT32_MAX ? (int32_t)n : 16;
}

/* Partition values that follow from ingest_ts alone are the same for all rows of a run. */
static enum tarn_status constant_tuple(struct tarn_op *op, const struct tarn_metadata *m,
                                       const struct tarn_partition_spec *spec, int64_t ingest_ts_us,
                                       const struct tarn_value **out)
{
    const struct tarn_field *ts =
        tarn_type_field_by_name(&tarn_metadata_schema(m)->root, TARN_STR("ingest_ts"));
    struct tarn_value *values;
    *out = NULL;
    for (size_t i = 0; i < spec->field_count; i++)
        if (ingest_ts_us == INT64_MIN || !ts || spec->fields[i].source_id != ts->id ||
            spec->fields[i].transform.kind == TARN_TRANSFORM_OTHER)
            return TARN_OK;
    TARN_NEW_ARRAY(op, values, spec->field_count + 1);
    for (size_t i = 0; i < spec->field_count; i++) {
        struct tarn_value v = {.i = ingest_ts_us};
        TARN_TRY(tarn_transform_apply(op, &spec->fields[i].transform, &ts->type, &v, &values[i]));
    }
    *out = values;
    return TARN_OK;
}

enum tarn_status tarn_flow_write(const struct tarn_flow *flow, struct tarn_op *op,
                                 const struct tarn_change *change, int64_t ingest_ts_us,
                                 struct tarn_write *out)
{
    const struct tarn_metadata *m = tarn_change_metadata(change);
    int64_t level;
    *out = (struct tarn_write){
        .metadata = m,
        .schema = tarn_metadata_schema(m),
        .spec = tarn_metadata_spec(m),
        .codec = property(m, "write.parquet.compression-codec", "zstd"),
        .bound_width = bound_width(m),
    };
    TARN_TRY(number_property(op, m, "write.target-file-size-bytes", 512 << 20, 1 << 16,
                             (int64_t)1 << 40, &out->target_file_size_bytes));
    TARN_TRY(number_property(op, m, "write.parquet.compression-level", 0, -100, 22, &level));
    out->codec_level = (int32_t)level;
    TARN_TRY(constant_tuple(op, m, out->spec, ingest_ts_us, &out->constants));
    struct tarn_str folder = tarn_path_join(op, m->location, TARN_STR("data"));
    if (!folder.ptr)
        return TARN_NOMEM;
    return tarn_storage_local_path(flow->lake->storage, op, folder, &out->folder);
}

enum tarn_status tarn_flow_properties(struct tarn_op *op, const struct tarn_kvs *given,
                                      struct tarn_kvs *out)
{
    static const char *const own[][2] = {{"write.parquet.compression-codec", "zstd"},
                                         {"write.delete.mode", "merge-on-read"},
                                         {"write.update.mode", "merge-on-read"},
                                         {"write.merge.mode", "merge-on-read"}};
    *out = (struct tarn_kvs){0};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        TARN_TRY(tarn_kvs_with(op, out, tarn_str_view(own[i][0]), tarn_str_view(own[i][1]), out));
    for (size_t i = 0; i < given->count; i++)
        TARN_TRY(tarn_kvs_with(op, out, given->items[i].key, given->items[i].value, out));
    return TARN_OK;
}

void tarn_flow_remove(const struct tarn_flow *flow, struct tarn_op *op,
                      const struct tarn_written *written)
{
    struct tarn_report keep = op->report;
    for (size_t i = 0; i < written->count; i++)
        (void)!tarn_storage_remove(flow->lake->storage, op, written->files[i].path);
    op->report = keep;
}

/* ---- reading small results */

enum tarn_status tarn_each_row(const struct tarn_flow *flow, struct tarn_op *op,
                               struct tarn_str sql, tarn_row_fn *fn, void *ctx)
{
    struct tarn_result *result;
    struct tarn_batch batch;
    enum tarn_status status;
    TARN_TRY(tarn_session_query(flow->session, op, (struct tarn_sql_text){.sql = sql, .line0 = 1},
                                &result));
    do {
        TARN_GO(tarn_result_next(result, op, &batch));
        for (size_t i = 0; i < batch.rows; i++)
            TARN_GO(fn(ctx, op, &batch, i));
    } while (batch.rows);
out:
    tarn_result_close(result);
    return status;
}

struct tarn_str tarn_cell_text(const struct tarn_batch *b, size_t column, size_t row)
{
    const struct tarn_column *c = &b->columns[column];
    if (tarn_column_is_null(c, row))
        return (struct tarn_str){NULL, 0};
    return tarn_str_of(c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
}

int64_t tarn_cell_long(const struct tarn_batch *b, size_t column, size_t row)
{
    const struct tarn_column *c = &b->columns[column];
    return tarn_column_is_null(c, row) ? 0 : ((const int64_t *)c->data)[row];
}

/* ---- deleting rows by position */

struct doomed_file {
    const struct tarn_scan_file *file;
    int64_t rows;
    int64_t
        partition_rows; /* of the first file of a partition: of all its files that are not whole */
    bool whole, done;
};
struct named_file { /* a file by one of its names: its path, its local one */
    struct tarn_str name;
    const struct tarn_scan_file *file;
};
struct doomed {
    const struct tarn_scan *scan;
    struct named_file *names; /* sorted */
    struct doomed_file *files;
    size_t count;
    int64_t rows;
};

static int by_name(const void *a, const void *b)
{
    const struct named_file *x = a, *y = b;
    return tarn_str_cmp(x->name, y->name);
}

static enum tarn_status index_files(struct doomed *d, struct tarn_op *op)
{
    size_t n = d->scan->file_count;
    TARN_NEW_ARRAY(op, d->files, n + 1);
    TARN_NEW_ARRAY(op, d->names, 2 * n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct tarn_scan_file *f = &d->scan->files[i];
        d->names[2 * i] = (struct named_file){f->file->path, f};
        d->names[2 * i + 1] = (struct named_file){f->local_path, f};
    }
    if (n)
        qsort(d->names, 2 * n, sizeof *d->names, by_name);
    return TARN_OK;
}

static enum tarn_status collect(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                size_t row)
{
    struct doomed *d = ctx;
    struct named_file key = {.name = tarn_cell_text(b, 0, row)};
    int64_t rows = tarn_cell_long(b, 1, row);
    const struct named_file *hit =
        d->scan->file_count ? bsearch(&key, d->names, 2 * d->scan->file_count, sizeof key, by_name)
                            : NULL;
    if (!hit)
        return tarn_fail(op, TARN_INTERNAL,
                         "rows to be deleted lie in file \"%.*s\", which the scan does not have",
                         TARN_STR_ARG(key.name));
    int64_t live = hit->file->file->record_count - (int64_t)hit->file->deleted_count;
    d->files[d->count++] = (struct doomed_file){hit->file, rows, 0, rows == live, false};
    d->rows += rows;
    return TARN_OK;
}

static bool same_partition(const struct tarn_type *type, const struct tarn_data_file *a,
                           const struct tarn_data_file *b)
{
    if (a->spec_id != b->spec_id || a->partition_count != b->partition_count)
        return false;
    for (size_t i = 0; i < a->partition_count; i++)
        if (!tarn_value_eq(&type->fields[i].type, &a->partition[i], &b->partition[i]))
            return false;
    return true;
}

/* "_file in (...)" over the files of one partition, beginning with files[first]; marks them
 * done. */
static enum tarn_status list_partition(struct tarn_op *op, struct doomed *d, size_t first,
                                       struct tarn_buf *sql)
{
    const struct tarn_data_file *of = d->files[first].file->file;
    const struct tarn_metadata *m = d->scan->metadata;
    struct tarn_type type;
    const char *comma = "";
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, of->spec_id);
    if (!spec)
        return tarn_fail(op, TARN_CORRUPT, "a data file has the unknown partition spec %d",
                         of->spec_id);
    TARN_TRY(tarn_partition_type(op, m, spec, &type));
    for (size_t i = first; i < d->count; i++) {
        struct doomed_file *f = &d->files[i];
        if (f->whole || f->done || !same_partition(&type, of, f->file->file))
            continue;
        f->done = true;
        d->files[first].partition_rows += f->rows;
        tarn_buf_z(sql, comma);
        tarn_buf_sql_text(sql, f->file->file->path);
        comma = ", ";
    }
    return TARN_OK;
}

static enum tarn_status delete_in_partition(const struct tarn_flow *flow, struct tarn_op *op,
                                            struct tarn_change *change, struct doomed *d,
                                            size_t first, struct tarn_str doomed)
{
    const struct tarn_data_file *of = d->files[first].file->file;
    struct tarn_written written = {0};
    struct tarn_write write;
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_printf(&sql, "SELECT _file, _pos FROM %.*s WHERE _file IN (", TARN_STR_ARG(doomed));
    TARN_GO(list_partition(op, d, first, &sql));
    tarn_buf_put(&sql, ')');
    TARN_GO((enum tarn_status)tarn_buf_finish(op, &sql, "list of files with deleted rows"));
    TARN_GO(tarn_flow_write(flow, op, change, INT64_MIN, &write));
    TARN_GO(tarn_session_write_deletes(flow->session, op, tarn_buf_view(&sql), &write, &written));
    if (written.rows != d->files[first].partition_rows)
        status = tarn_fail(op, TARN_INTERNAL, "%lld of %lld rows would have been deleted",
                           (long long)written.rows, (long long)d->files[first].partition_rows);
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

enum tarn_status tarn_rows_delete(const struct tarn_flow *flow, struct tarn_op *op,
                                  struct tarn_change *change, const struct tarn_scan *scan,
                                  struct tarn_str doomed, int64_t *out_rows)
{
    struct doomed d = {.scan = scan};
    struct tarn_str sql = tarn_sprintf(
        op, "SELECT _file, count(DISTINCT _pos)::BIGINT FROM %.*s GROUP BY 1 ORDER BY 1",
        TARN_STR_ARG(doomed));
    if (!sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(index_files(&d, op));
    TARN_TRY(tarn_each_row(flow, op, sql, collect, &d));
    for (size_t i = 0; i < d.count; i++) {
        if (d.files[i].whole)
            TARN_TRY(tarn_change_delete_files(change, op, &d.files[i].file->file->path, 1));
        else if (!d.files[i].done)
            TARN_TRY(delete_in_partition(flow, op, change, &d, i, doomed));
    }
    *out_rows = d.rows;
    return TARN_OK;
}
