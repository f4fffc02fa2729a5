/* run: preparing and running statements. The engine's errors become reports, cancelling and
 * deadlines interrupt. */
#include <time.h>

#include "engine/duckdb/engine_int.h"

enum tarn_status tarn__idle(struct tarn_session *s, struct tarn_op *op)
{
    if (s->open)
        return tarn_fail(op, TARN_INVALID,
                         "could not start a statement: the session's last result is still open");
    return TARN_OK;
}

enum tarn_status tarn__prepare(struct tarn_session *s, struct tarn_op *op, const char *sql,
                               const struct tarn__text *text, duckdb_prepared_statement *out)
{
    *out = NULL;
    TARN_TRY(tarn_poll(op, 2));
    tarn__watch_begin(s, op);
    duckdb_state state = duckdb_prepare(s->con, sql, out);
    tarn__watch_end(s);
    if (state == DuckDBSuccess)
        return TARN_OK;
    enum tarn_status status = tarn__fail(s, op, duckdb_prepare_error(*out), text);
    duckdb_destroy_prepare(out);
    return status;
}

enum tarn_status tarn__run(struct tarn_session *s, struct tarn_op *op, const char *sql,
                           const struct tarn__text *text, duckdb_result *out)
{
    TARN_TRY(tarn_poll(op, 2));
    tarn__watch_begin(s, op);
    duckdb_state state = duckdb_query(s->con, sql, out);
    tarn__watch_end(s);
    if (state == DuckDBSuccess)
        return TARN_OK;
    enum tarn_status status = tarn__fail(s, op, duckdb_result_error(out), text);
    duckdb_destroy_result(out);
    return status;
}

/* Tasks are taken up here as long as there are any; with none left (the other threads have the last
 * ones) it sleeps. The engine's own waiting spins, which takes a core away from whoever shares the
 * machine. */
static bool wait_ready(duckdb_pending_result pending)
{
    struct timespec pause = {0, 50000};
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return false;
        if (duckdb_pending_execution_is_finished(state))
            return true;
        if (state == DUCKDB_PENDING_RESULT_NOT_READY)
            continue;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 1000000)
            pause.tv_nsec *= 2;
    }
}

enum tarn_status tarn__run_long(struct tarn_session *s, struct tarn_op *op, const char *sql,
                                const struct tarn__text *text, duckdb_result *out)
{
    duckdb_prepared_statement prepared;
    duckdb_pending_result pending = NULL;
    enum tarn_status status = TARN_OK;
    memset(out, 0, sizeof *out);
    TARN_TRY(tarn__prepare(s, op, sql, text, &prepared));
    tarn__watch_begin(s, op);
    bool ok = duckdb_pending_prepared(prepared, &pending) == DuckDBSuccess && wait_ready(pending);
    bool done = ok && duckdb_execute_pending(pending, out) == DuckDBSuccess;
    tarn__watch_end(s);
    if (!done) {
        status =
            tarn__fail(s, op, ok ? duckdb_result_error(out) : duckdb_pending_error(pending), text);
        duckdb_destroy_result(out);
    }
    duckdb_destroy_pending(&pending);
    duckdb_destroy_prepare(&prepared);
    return status;
}

enum tarn_status tarn__do(struct tarn_session *s, struct tarn_op *op, const char *sql)
{
    duckdb_result r;
    TARN_TRY(tarn__run(s, op, sql, NULL, &r));
    duckdb_destroy_result(&r);
    return TARN_OK;
}

enum tarn_status tarn__do_buf(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *sql)
{
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(op, sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__do(s, op, tarn_buf_view(sql).ptr);
    tarn_buf_release(sql);
    return status;
}

/* The text in row 0, column 0 of a result; absent for NULL or no row. */
static enum tarn_status first_text(struct tarn_op *op, duckdb_result *r, struct tarn_str *out)
{
    *out = (struct tarn_str){NULL, 0};
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*r);
    if (!chunk)
        return TARN_OK;
    enum tarn_status status = TARN_OK;
    if (duckdb_data_chunk_get_size(chunk) > 0) {
        duckdb_vector v = duckdb_data_chunk_get_vector(chunk, 0);
        uint64_t *validity = duckdb_vector_get_validity(v);
        if (!validity || (validity[0] & 1)) {
            duckdb_string_t *text = duckdb_vector_get_data(v);
            *out = tarn_strdup(
                op, tarn_str_of(duckdb_string_t_data(text), duckdb_string_t_length(*text)));
            status = out->ptr ? TARN_OK : TARN_NOMEM;
        }
    }
    duckdb_destroy_data_chunk(&chunk);
    return status;
}

enum tarn_status tarn__text_call(struct tarn_session *s, struct tarn_op *op,
                                 duckdb_prepared_statement p, struct tarn_str arg,
                                 struct tarn_str *out)
{
    duckdb_result r;
    duckdb_state state = duckdb_bind_varchar_length(p, 1, arg.ptr ? arg.ptr : "", arg.len);
    if (state != DuckDBSuccess)
        return tarn_fail(op, TARN_SQL,
                         "could not pass a statement to the engine: its text is not valid UTF-8");
    state = duckdb_execute_prepared(p, &r);
    enum tarn_status status;
    if (state != DuckDBSuccess)
        status = tarn__fail(s, op, duckdb_result_error(&r), NULL);
    else
        status = first_text(op, &r, out);
    duckdb_destroy_result(&r);
    return status;
}
