/* libtarn: the public C API (include/tarn/tarn.h) over workspace and run. */
#include <stdio.h>
#include <stdlib.h>

#include "format/batch_text.h"
#include "sched/run.h"
#include "tarn/tarn.h"

struct tarn_warehouse {
    struct tarn_op op;
    struct tarn_workspace *workspace;
    char error[TARN_REPORT_TEXT * 2 + 2];
};

struct tarn_cursor {
    struct tarn_warehouse *warehouse;
    struct tarn_result *result;
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

static int failed(struct tarn_warehouse *w, enum tarn_status status)
{
    const struct tarn_report *r = &w->op.report;
    snprintf(w->error, sizeof w->error, "%s%s%s", r->message, *r->hint ? ": " : "", r->hint);
    int code = tarn_status_info(status)->exit_code;
    tarn_clear(&w->op);
    return code ? code : 1;
}

int tarn_warehouse_open(const char *folder, const char *catalog_name, struct tarn_warehouse **out)
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
                                       .engine = true};
    enum tarn_status status = tarn_workspace_open(&w->op, &o, &w->workspace);
    return status == TARN_OK ? 0 : failed(w, status);
}

const char *tarn_warehouse_error(const struct tarn_warehouse *w)
{
    return w ? w->error : "out of memory";
}

void tarn_warehouse_close(struct tarn_warehouse *w)
{
    if (!w)
        return;
    tarn_workspace_close(w->workspace);
    tarn_op_release(&w->op);
    free(w);
}

static enum tarn_status describe(struct tarn_cursor *c, struct tarn_op *op)
{
    const struct tarn_type *type = tarn_result_type(c->result);
    TARN_NEW_ARRAY(op, c->names, type->field_count + 1);
    TARN_NEW_ARRAY(op, c->types, type->field_count + 1);
    c->cells = calloc(type->field_count + 1, sizeof *c->cells);
    if (!c->cells)
        return tarn_fail(op, TARN_NOMEM, "out of memory");
    c->column_count = type->field_count;
    for (size_t i = 0; i < c->column_count; i++) {
        tarn_buf_init(&c->cells[i], (size_t)1 << 30);
        c->names[i] = tarn_strdup(op, type->fields[i].name);
        c->types[i] = tarn_type_text(op, &type->fields[i].type);
        if (!c->names[i].ptr || !c->types[i].ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

int tarn_warehouse_query(struct tarn_warehouse *w, const char *sql, struct tarn_cursor **out)
{
    struct tarn_cursor *c = *out = calloc(1, sizeof *c);
    if (!c)
        return failed(w, tarn_fail(&w->op, TARN_NOMEM, "out of memory"));
    struct tarn_sql_text text = {.sql = tarn_str_view(sql), .line0 = 1};
    c->warehouse = w;
    if (!w->workspace || !w->workspace->session) {
        tarn_cursor_close(c);
        *out = NULL;
        return failed(w, tarn_fail(&w->op, TARN_USAGE, "the warehouse is not open"));
    }
    enum tarn_status status = tarn_session_query(w->workspace->session, &w->op, text, &c->result);
    if (status == TARN_OK)
        status = describe(c, &w->op);
    if (status == TARN_OK)
        return 0;
    tarn_cursor_close(c);
    *out = NULL;
    return failed(w, status);
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
    enum tarn_status status = tarn_result_next(c->result, &c->warehouse->op, &c->batch);
    if (status == TARN_OK)
        return c->batch.rows > 0;
    c->batch.rows = 0;
    (void)failed(c->warehouse, status);
    return -1;
}

const char *tarn_cursor_text(struct tarn_cursor *c, size_t column)
{
    if (column >= c->column_count || c->row >= c->batch.rows ||
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
    tarn_result_close(c->result);
    for (size_t i = 0; i < c->column_count; i++)
        tarn_buf_release(&c->cells[i]);
    free(c->cells);
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
