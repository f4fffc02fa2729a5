/* deletes: position delete files (spec "Position Delete Files"): two columns, sorted by path and
 * position, with reserved field ids. */
#include "engine/duckdb/query_int.h"
#include "engine/duckdb/write_int.h"

#include <stdlib.h>

#define ID_FILE_PATH 2147483546
#define ID_POS       2147483545

/* ---- writing */

struct deletes {
    int64_t rows;
    struct tarn_str min_path, max_path; /* whole: the engine cuts its own bounds */
};

static enum tarn_status measure(struct tarn_session *s, struct tarn_op *op, struct deletes *out)
{
    duckdb_result r;
    struct tarn__rows rows;
    TARN_TRY(tarn__run(s, op,
                       "SELECT count(*), min(file_path), max(file_path), count(file_path), "
                       "count(pos) FROM temp.main.\"tarn deletes\"",
                       NULL, &r));
    enum tarn_status status = tarn__rows_of(op, &r, &rows);
    duckdb_destroy_result(&r);
    TARN_TRY(status);
    const struct tarn_column *c = rows.batches[0].columns;
    out->rows = *(const int64_t *)c[0].data;
    if (*(const int64_t *)c[3].data != out->rows || *(const int64_t *)c[4].data != out->rows)
        return tarn_fail(op, TARN_DATA, "a row to be deleted has no file or no position");
    out->min_path = tarn__cell_str(&c[1], 0);
    out->max_path = tarn__cell_str(&c[2], 0);
    return TARN_OK;
}

static enum tarn_status path_bound(struct tarn_op *op, struct tarn_id_bytes *list, size_t count,
                                   struct tarn_str path)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].id == ID_FILE_PATH) {
            list[i].bytes = path;
            return TARN_OK;
        }
    return tarn_fail(op, TARN_INTERNAL, "the engine gave no bounds for deleted rows");
}

static enum tarn_status finish_file(struct tarn_op *op, const struct deletes *d,
                                    struct tarn_written *out)
{
    if (out->count != 1 || out->rows != d->rows)
        return tarn_fail(op, TARN_INTERNAL,
                         "the engine wrote %zu files of deleted rows where one was asked for",
                         out->count);
    struct tarn_data_file *f = &out->files[0];
    f->content = TARN_CONTENT_POSITION_DELETES;
    f->partition_count = 0;
    f->partition = NULL;
    TARN_TRY(path_bound(op, f->lower, f->lower_count, d->min_path));
    TARN_TRY(path_bound(op, f->upper, f->upper_count, d->max_path));
    if (tarn_str_eq(d->min_path, d->max_path))
        f->referenced_data_file = d->min_path;
    return TARN_OK;
}

static enum tarn_status copy_deletes(struct tarn_session *s, struct tarn_op *op,
                                     const struct tarn_write *w, const struct deletes *d,
                                     struct tarn_written *out)
{
    struct tarn_field fields[2] = {
        {.id = ID_FILE_PATH,
         .name = TARN_STR("file_path"),
         .required = true,
         .type = {.kind = TARN_TYPE_STRING}},
        {.id = ID_POS, .name = TARN_STR("pos"), .required = true, .type = {.kind = TARN_TYPE_LONG}},
    };
    struct tarn_schema schema = {
        .root = {.kind = TARN_TYPE_STRUCT, .fields = fields, .field_count = 2}};
    struct tarn_write own = {.metadata = w->metadata,
                             .schema = &schema,
                             .folder = w->folder,
                             .codec = w->codec,
                             .codec_level = w->codec_level,
                             .bound_width = 256};
    struct tarn__copy c;
    struct tarn__rows rows;
    TARN_TRY(tarn__copy_open(op, w->folder, &c));
    tarn_buf_z(&c.sql, "COPY (FROM temp.main.\"tarn deletes\" ORDER BY file_path, pos) TO ");
    struct tarn_str path =
        tarn_sprintf(op, "%.*s/%s-deletes.parquet", TARN_STR_ARG(w->folder), c.token);
    enum tarn_status status = path.ptr ? TARN_OK : TARN_NOMEM;
    tarn_buf_sql_text(&c.sql, path);
    tarn_buf_z(&c.sql, " (FORMAT parquet, PRESERVE_ORDER true, WRITE_EMPTY_FILE false, FIELD_IDS ");
    tarn__field_ids_sql(&c.sql, &schema.root);
    if (status == TARN_OK)
        status = tarn__copy_options(op, &c, &own);
    tarn_buf_put(&c.sql, ')');
    if (status == TARN_OK)
        status = tarn__copy_run(s, op, &c, NULL, &rows);
    if (status == TARN_OK)
        status = tarn__written(op, &rows, &own, out);
    if (status == TARN_OK)
        status = finish_file(op, d, out);
    tarn_buf_release(&c.sql);
    if (status != TARN_OK)
        tarn__copy_remove(&c, w->folder);
    return status;
}

enum tarn_status tarn_session_write_deletes(struct tarn_session *s, struct tarn_op *op,
                                            struct tarn_str sql, const struct tarn_write *w,
                                            struct tarn_written *out)
{
    struct deletes d = {0};
    *out = (struct tarn_written){0};
    struct tarn_str make =
        tarn_sprintf(op,
                     "CREATE OR REPLACE TEMP TABLE temp.main.\"tarn deletes\" AS SELECT DISTINCT "
                     "file_path::VARCHAR AS file_path, pos::BIGINT AS pos"
                     " FROM (%.*s\n) AS t(file_path, pos)",
                     (int)tarn_sql_trimmed(sql), sql.ptr);
    if (!make.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_session_exec(s, op, make));
    enum tarn_status status = measure(s, op, &d);
    if (status == TARN_OK && d.rows > 0)
        status = copy_deletes(s, op, w, &d, out);
    struct tarn_report keep = op->report;
    if (tarn__do(s, op, "DROP TABLE IF EXISTS temp.main.\"tarn deletes\"") != TARN_OK ||
        status != TARN_OK)
        op->report = keep; /* the first failure is the one to tell; a table left behind is replaced
                              next time */
    return status;
}

/* ---- reading */

struct gather {
    struct tarn_op *op;
    struct tarn_position_deletes *out;
    size_t run_cap, position_cap;
    struct tarn_position_run run; /* that is being read */
    int64_t *positions;           /* its positions */
};

static enum tarn_status run_end(struct gather *g)
{
    struct tarn_position_deletes *o = g->out;
    int64_t *own;
    if (g->run.count == 0)
        return TARN_OK;
    if (o->run_count == g->run_cap) {
        size_t cap = g->run_cap ? g->run_cap * 2 : 64;
        struct tarn_position_run *runs;
        TARN_NEW_ARRAY(g->op, runs, cap);
        if (o->run_count > 0)
            memcpy(runs, o->runs, o->run_count * sizeof *runs);
        o->runs = runs;
        g->run_cap = cap;
    }
    TARN_NEW_ARRAY(g->op, own, g->run.count);
    memcpy(own, g->positions, g->run.count * sizeof *own);
    g->run.positions = own;
    o->runs[o->run_count++] = g->run;
    g->run.count = 0;
    return TARN_OK;
}

static enum tarn_status gather_row(struct gather *g, size_t source, struct tarn_str path,
                                   int64_t pos)
{
    bool same = g->run.path.ptr && tarn_str_eq(g->run.path, path);
    if (g->run.source != source || !same) {
        TARN_TRY(run_end(g));
        g->run.source = source;
        if (!same)
            g->run.path = tarn_strdup(g->op, path);
        if (!g->run.path.ptr)
            return TARN_NOMEM;
    }
    if (g->run.count == g->position_cap) {
        size_t cap = g->position_cap ? g->position_cap * 2 : 4096;
        int64_t *more = realloc(g->positions, cap * sizeof *more);
        if (!more)
            return tarn_fail(g->op, TARN_NOMEM, "could not hold deleted positions: out of memory");
        g->positions = more;
        g->position_cap = cap;
    }
    g->positions[g->run.count++] = pos;
    return TARN_OK;
}

static enum tarn_status gather_batch(struct gather *g, const struct tarn_batch *b)
{
    const struct tarn_column *source = &b->columns[0], *path = &b->columns[1],
                             *pos = &b->columns[2];
    for (size_t i = 0; i < b->rows; i++) {
        if (tarn_column_is_null(path, i) || tarn_column_is_null(pos, i) ||
            ((const int64_t *)pos->data)[i] < 0)
            return tarn_fail(g->op, TARN_CORRUPT,
                             "a position delete file has a row without a path or position");
        TARN_TRY(gather_row(g, (size_t)((const int64_t *)source->data)[i], tarn__cell_str(path, i),
                            ((const int64_t *)pos->data)[i]));
    }
    return TARN_OK;
}

/* Columns by their reserved ids: other columns of a delete file (the deleted row) may be of any
 * name. */
static enum tarn_status read_sql(struct tarn_op *op, const struct tarn_str *paths, size_t count,
                                 struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "SELECT file_index::BIGINT, file_path, pos FROM read_parquet([");
    for (size_t i = 0; i < count; i++) {
        tarn_buf_z(&b, i > 0 ? ", " : "");
        tarn_engine_path_sql(&b, paths[i]);
    }
    tarn_buf_printf(&b,
                    "], schema=MAP{%d:{name:'file_path',type:'VARCHAR',default_value:NULL},"
                    "%d:{name:'pos',type:'BIGINT',default_value:NULL}})",
                    ID_FILE_PATH, ID_POS);
    return (enum tarn_status)tarn_buf_take(op, &b, "a statement for the engine", out);
}

static enum tarn_status read_rows(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                                  struct gather *g)
{
    struct tarn_result *r;
    struct tarn_batch batch;
    TARN_TRY(tarn_session_query(s, op, (struct tarn_sql_text){.sql = sql}, &r));
    enum tarn_status status;
    while ((status = tarn_result_next(r, op, &batch)) == TARN_OK && batch.rows > 0)
        if ((status = gather_batch(g, &batch)) != TARN_OK)
            break;
    tarn_result_close(r);
    return status == TARN_OK ? run_end(g) : status;
}

static bool names(const struct tarn_report *r, struct tarn_str path)
{
    return memmem(r->message, strlen(r->message), path.ptr, path.len) ||
           memmem(r->detail, strlen(r->detail), path.ptr, path.len);
}

/* Which of them it was, where the engine did not say. */
static void tell_file(struct tarn_engine *e, struct tarn_op *op, const struct tarn_str *local_paths,
                      size_t count)
{
    struct tarn_report keep = op->report;
    size_t at = count;
    for (size_t i = 0; i < count && keep.status == TARN_CORRUPT; i++)
        if (names(&keep, local_paths[i]))
            return;
    if (keep.status == TARN_CORRUPT)
        at = tarn__unreadable_file(e, op, local_paths, count);
    op->report = keep;
    if (at < count)
        (void)tarn_while(op, "reading position delete file \"%.*s\"",
                         TARN_STR_ARG(local_paths[at]));
    else
        (void)tarn_while(op, "reading %zu position delete files", count);
}

enum tarn_status tarn_engine_read_position_deletes(struct tarn_engine *e, struct tarn_op *op,
                                                   const struct tarn_str *local_paths, size_t count,
                                                   struct tarn_position_deletes *out)
{
    struct tarn_session *s;
    struct tarn_str sql;
    struct gather g = {.op = op, .out = out};
    *out = (struct tarn_position_deletes){0};
    if (count == 0)
        return TARN_OK;
    TARN_TRY(read_sql(op, local_paths, count, &sql));
    TARN_TRY(tarn_session_open(e, op, NULL, &s));
    enum tarn_status status = read_rows(s, op, sql, &g);
    tarn_session_close(s);
    free(g.positions);
    if (status == TARN_NOT_FOUND || status == TARN_DATA || status == TARN_SQL ||
        status == TARN_COLUMN) /* not the user's statement: a broken file */
        status = op->report.status = TARN_CORRUPT;
    if (status != TARN_OK)
        tell_file(e, op, local_paths, count);
    return status;
}
