/* libtarn: the public C API (include/tarn/tarn.h) over workspace, conversation and run. A statement's
 * memory is its cursor's. */
#include <stdio.h>
#include <stdlib.h>

#include "format/batch_text.h"
#include "sched/run.h"
#include "tarn/tarn.h"

#define ARENA_MAX   ((size_t)8 << 30) /* of a statement */
#define SCRATCH_MAX ((size_t)1 << 30)

struct tarn_warehouse {
    struct tarn_op op; /* what lives as long as the warehouse; a statement has its own */
    struct tarn_workspace *workspace;
    struct tarn_sql *sql;
    struct tarn_cursor *open; /* the cursor that was not closed yet */
    struct tarn_cancel cancel;
    char error[TARN_REPORT_TEXT * 2 + 2];
};

struct tarn_cursor {
    struct tarn_warehouse *warehouse; /* NULL: closed before this cursor */
    struct tarn_op op;                /* the statement's; all below lies in it */
    struct tarn_result *result;       /* NULL: the statement has no rows to read */
    struct tarn_str tag;
    int64_t affected;
    struct tarn_batch batch;
    size_t row; /* of the batch; the next one to be shown is row */
    bool started;
    struct tarn_str *names, *types; /* zero-terminated */
    struct tarn_buf *cells;         /* one a column */
    size_t column_count;
};

const char *tarn_library_version(void)
{
    return TARN_VERSION;
}

/* What the report says becomes the warehouse's error; the exit code. */
static int failed(struct tarn_warehouse *w, struct tarn_op *op, enum tarn_status status)
{
    const struct tarn_report *r = &op->report;
    snprintf(w->error, sizeof w->error, "%s%s%s", r->message, *r->hint ? ": " : "", r->hint);
    int code = tarn_status_info(status)->exit_code;
    tarn_clear(op);
    return code ? code : 1;
}

static int open_warehouse(const char *folder, const char *catalog_name, bool create,
                          struct tarn_warehouse **out)
{
    struct tarn_warehouse *w = *out = calloc(1, sizeof *w);
    if (!w || tarn_op_init(&w->op, 0, 0) != TARN_OK) {
        free(w);
        *out = NULL;
        return 1;
    }
    struct tarn_workspace_options o = {.outside = true,
                                       .warehouse = tarn_str_view(folder),
                                       .catalog_name = tarn_str_view(catalog_name),
                                       .create = create,
                                       .engine = true};
    enum tarn_status status = tarn_workspace_open(&w->op, &o, &w->workspace);
    if (status == TARN_OK)
        status = tarn_workspace_sql(w->workspace, &w->op, &w->sql);
    return status == TARN_OK ? 0 : failed(w, &w->op, status);
}

int tarn_warehouse_open(const char *folder, const char *catalog_name, struct tarn_warehouse **out)
{
    return open_warehouse(folder, catalog_name, false, out);
}

int tarn_warehouse_create(const char *folder, const char *catalog_name, struct tarn_warehouse **out)
{
    return open_warehouse(folder, catalog_name, true, out);
}

const char *tarn_warehouse_error(const struct tarn_warehouse *w)
{
    return w ? w->error : "out of memory";
}

void tarn_warehouse_cancel(struct tarn_warehouse *w)
{
    atomic_store(&w->cancel.level, 2);
}

void tarn_warehouse_close(struct tarn_warehouse *w)
{
    if (!w)
        return;
    if (w->open) {
        tarn_result_close(w->open->result);
        w->open->result = NULL;
        w->open->warehouse = NULL;
    }
    tarn_sql_close(w->sql);
    tarn_workspace_close(w->workspace);
    tarn_op_release(&w->op);
    free(w);
}

static enum tarn_status describe(struct tarn_cursor *c, struct tarn_op *op)
{
    if (!c->result)
        return TARN_OK;
    const struct tarn_type *type = tarn_result_type(c->result);
    TARN_NEW_ARRAY(op, c->names, type->field_count + 1);
    TARN_NEW_ARRAY(op, c->types, type->field_count + 1);
    TARN_NEW_ARRAY(op, c->cells, type->field_count + 1);
    for (size_t i = 0; i < type->field_count; i++) {
        c->names[i] = tarn_strdup(op, type->fields[i].name);
        c->types[i] = tarn_type_text(op, &type->fields[i].type);
        if (!c->names[i].ptr || !c->types[i].ptr)
            return TARN_NOMEM;
        tarn_buf_init(&c->cells[i], (size_t)1 << 30);
    }
    c->column_count = type->field_count;
    return TARN_OK;
}

static enum tarn_status run(struct tarn_warehouse *w, struct tarn_cursor *c, const char *sql)
{
    struct tarn_answer answer;
    if (!w->sql)
        return tarn_fail(&c->op, TARN_USAGE, "the warehouse is not open");
    if (w->open)
        return tarn_fail(&c->op, TARN_USAGE, "the cursor before is still open");
    atomic_store(&w->cancel.level, 0);
    c->op.cancel = &w->cancel;
    TARN_TRY(tarn_sql_run(w->sql, &c->op,
                          (struct tarn_sql_text){.sql = tarn_str_view(sql), .line0 = 1}, &answer));
    c->result = answer.result;
    c->affected = answer.rows;
    c->tag = tarn_strdup(&c->op, answer.tag);
    return c->tag.ptr ? describe(c, &c->op) : TARN_NOMEM;
}

int tarn_warehouse_query(struct tarn_warehouse *w, const char *sql, struct tarn_cursor **out)
{
    struct tarn_cursor *c = *out = calloc(1, sizeof *c);
    if (!c || tarn_op_init(&c->op, ARENA_MAX, SCRATCH_MAX) != TARN_OK) {
        free(c);
        *out = NULL;
        return failed(w, &w->op, tarn_fail(&w->op, TARN_NOMEM, "out of memory"));
    }
    enum tarn_status status = run(w, c, sql);
    if (status == TARN_OK) {
        c->warehouse = w;
        w->open = c;
        return 0;
    }
    int code = failed(w, &c->op, status);
    tarn_cursor_close(c);
    *out = NULL;
    return code;
}

int tarn_warehouse_execute(struct tarn_warehouse *w, const char *sql, int64_t *out_affected)
{
    struct tarn_cursor *c;
    int more, code = tarn_warehouse_query(w, sql, &c);
    if (out_affected)
        *out_affected = code == 0 ? c->affected : -1;
    if (code != 0)
        return code;
    while ((more = tarn_cursor_next(c)) == 1)
        continue;
    tarn_cursor_close(c);
    return more == 0 ? 0 : 1;
}

const char *tarn_cursor_tag(const struct tarn_cursor *c)
{
    return c->tag.ptr;
}

int64_t tarn_cursor_affected(const struct tarn_cursor *c)
{
    return c->affected;
}

size_t tarn_cursor_column_count(const struct tarn_cursor *c)
{
    return c->column_count;
}

const char *tarn_cursor_column_name(const struct tarn_cursor *c, size_t column)
{
    return column < c->column_count ? c->names[column].ptr : NULL;
}

const char *tarn_cursor_column_type(const struct tarn_cursor *c, size_t column)
{
    return column < c->column_count ? c->types[column].ptr : NULL;
}

int tarn_cursor_next(struct tarn_cursor *c)
{
    if (c->started && c->row + 1 < c->batch.rows) {
        c->row++;
        return 1;
    }
    c->started = true;
    c->row = 0;
    c->batch.rows = 0;
    if (!c->result)
        return 0;
    enum tarn_status status = tarn_result_next(c->result, &c->op, &c->batch);
    if (status == TARN_OK)
        return c->batch.rows > 0;
    c->batch.rows = 0;
    (void)failed(c->warehouse, &c->op, status);
    return -1;
}

const char *tarn_cursor_text(struct tarn_cursor *c, size_t column)
{
    if (!c->result || column >= c->column_count || c->row >= c->batch.rows ||
        tarn_column_is_null(&c->batch.columns[column], c->row))
        return NULL;
    struct tarn_buf *cell = &c->cells[column];
    tarn_buf_reset(cell);
    tarn_column_text(cell, &c->batch.columns[column], c->row);
    return tarn_buf_view(cell).ptr;
}

void tarn_cursor_close(struct tarn_cursor *c)
{
    if (!c)
        return;
    if (c->warehouse)
        c->warehouse->open = NULL;
    tarn_result_close(c->result);
    for (size_t i = 0; i < c->column_count; i++)
        tarn_buf_release(&c->cells[i]);
    tarn_op_release(&c->op);
    free(c);
}

static void tell(char *message, size_t size, const struct tarn_run_result *result,
                 const struct tarn_report *report)
{
    const char *text = report->message;
    for (size_t i = 0; i < result->count && !*text; i++) {
        const struct tarn_step *s = &result->steps[i];
        if (s->status == TARN_STEP_FAILED)
            text = s->report ? s->report->message : s->reason.ptr;
    }
    if (message && *text)
        snprintf(message, size, "%s", text);
    else if (message)
        snprintf(message, size, "%s, %zu tables published",
                 result->up_to_date ? "up to date" : "done", result->published);
}

int tarn_project_run(const char *folder, char *message, size_t size)
{
    struct tarn_op op;
    struct tarn_workspace *w = NULL;
    struct tarn_run_options options = {0};
    struct tarn_run_result result = {0};
    if (tarn_op_init(&op, 0, 0) != TARN_OK)
        return 1;
    struct tarn_workspace_options o = {
        .project = {.dir = tarn_str_view(folder)}, .create = true, .engine = true};
    enum tarn_status status = tarn_workspace_open(&op, &o, &w);
    if (status == TARN_OK)
        status = tarn_run(w, &op, &options, &result);
    if (status == TARN_OK)
        status = result.status;
    tell(message, size, &result, &op.report);
    tarn_workspace_close(w);
    tarn_op_release(&op);
    return status == TARN_OK ? 0 : tarn_status_info(status)->exit_code;
}
