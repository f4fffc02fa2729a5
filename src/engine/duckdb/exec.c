/* exec: statements of Tarn's own. Their text is trusted; names of the catalog inside their SELECT
 * become views all the same. */
#include "engine/duckdb/engine_int.h"

/* The SELECT inside a statement: from the first SELECT, WITH, FROM or VALUES to the end, or to the
 * bracket that closes around it. */
static bool inner_select(struct tarn_str sql, size_t *out_begin, size_t *out_end)
{
    struct tarn_sql_token t;
    bool found = false;
    int depth = 0;
    for (size_t p = 0; tarn_sql_token(sql, p, &t); p = t.end) {
        if (!found &&
            (tarn_sql_token_is(sql, &t, "SELECT") || tarn_sql_token_is(sql, &t, "WITH") ||
             tarn_sql_token_is(sql, &t, "FROM") || tarn_sql_token_is(sql, &t, "VALUES"))) {
            found = true;
            *out_begin = t.begin;
            *out_end = sql.len;
        }
        if (found && tarn_sql_token_is(sql, &t, "("))
            depth++;
        if (found && tarn_sql_token_is(sql, &t, ")") && --depth < 0) {
            *out_end = t.begin;
            return true;
        }
    }
    return found;
}

/* The statement with its names bound and its catalog prefixes exchanged. A text that holds no
 * SELECT that can be parsed alone (DROP TABLE m) runs as it is. */
static enum tarn_status exec_text(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                                  struct tarn_str *out)
{
    size_t begin, end;
    struct tarn__refs *refs;
    struct tarn__text text;
    struct tarn__names *names;
    *out = tarn_strdup(op, sql);
    if (!out->ptr)
        return TARN_NOMEM;
    if (!inner_select(sql, &begin, &end))
        return TARN_OK;
    struct tarn_sql_text user = {.sql = tarn_str_of(sql.ptr + begin, end - begin)};
    TARN_NEW(op, refs);
    enum tarn_status status = tarn__parse(s, op, &user, 0, refs);
    if (status == TARN_SQL || status == TARN_UNSUPPORTED) {
        tarn_clear(op); /* the engine says what is wrong with the whole */
        return TARN_OK;
    }
    TARN_TRY(status);
    TARN_NEW(op, names);
    TARN_TRY(tarn__names_bind(s, op, refs, 0, TARN__VIEWS_SCANS, &text, names));
    *out = tarn_sprintf(op, "%.*s%.*s%.*s", (int)begin, sql.ptr, TARN_STR_ARG(text.sql),
                        (int)(sql.len - end), sql.ptr + end);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn_session_exec(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql)
{
    struct tarn_str text;
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(exec_text(s, op, sql, &text));
    return tarn__do(s, op, text.ptr);
}

static enum tarn_status whole_number(struct tarn_op *op, const struct tarn_column *c, int64_t *out)
{
    *out = 0;
    if (c->length == 0 || tarn_column_is_null(c, 0))
        return TARN_OK;
    switch (c->type->kind) {
    case TARN_TYPE_BOOLEAN:
        *out = ((const uint8_t *)c->data)[0];
        return TARN_OK;
    case TARN_TYPE_INT:
        *out = ((const int32_t *)c->data)[0];
        return TARN_OK;
    case TARN_TYPE_LONG:
        *out = ((const int64_t *)c->data)[0];
        return TARN_OK;
    case TARN_TYPE_DECIMAL: {
        __int128 v = ((const __int128 *)c->data)[0];
        if (c->type->scale == 0 && v >= INT64_MIN && v <= INT64_MAX) {
            *out = (int64_t)v;
            return TARN_OK;
        }
        break;
    }
    default:
        break;
    }
    return tarn_fail(op, TARN_DATA, "the statement's first value is not a whole number of 64 bits");
}

enum tarn_status tarn_session_int(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                                  int64_t *out)
{
    struct tarn_str text;
    duckdb_result r;
    struct tarn__rows rows;
    *out = 0;
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(exec_text(s, op, sql, &text));
    TARN_TRY(tarn__run(s, op, text.ptr, NULL, &r));
    enum tarn_status status = tarn__rows_of(op, &r, &rows);
    duckdb_destroy_result(&r);
    TARN_TRY(status);
    if (rows.batch_count == 0 || rows.batches[0].column_count == 0)
        return TARN_OK;
    return whole_number(op, &rows.batches[0].columns[0], out);
}
