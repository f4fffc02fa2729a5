/* at: the version or the time at which a statement reads a table. */
#include "engine/duckdb/engine_int.h"

/* The clause's expression as a text of its own, whose errors point into the user's. */
struct expression {
    struct tarn_sql_span span;
    struct tarn_sql_text text;
};

static void expression_of(const struct tarn__rewritten *r, const struct tarn__at *at,
                          struct expression *out)
{
    size_t origin;
    *out = (struct expression){.text = r->source};
    out->text.sql = tarn_str_of(r->source.sql.ptr + at->begin, at->length);
    if (!r->source.origin.ptr)
        out->text.origin = r->source.sql;
    out->text.span_count = 0;
    if (tarn__origin(&r->source, at->begin, &origin)) {
        out->span = (struct tarn_sql_span){0, at->length, origin};
        out->text.spans = &out->span;
        out->text.span_count = 1;
    }
}

/* A number or a plain text as it stands there: no need to ask the engine. */
static bool literal(struct tarn_op *op, struct tarn_str sql, struct tarn_str *out)
{
    struct tarn_sql_token t;
    if (!tarn_sql_token(sql, 0, &t) || t.end != sql.len)
        return false;
    *out = sql;
    if (t.kind == TARN_SQL_NUMBER)
        return true;
    if (t.kind != TARN_SQL_STRING || sql.ptr[0] != '\'' || sql.len < 2)
        return false;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    for (size_t i = 1; i + 1 < sql.len; i++) {
        tarn_buf_put(&b, sql.ptr[i]);
        i += sql.ptr[i] == '\'';
    }
    return tarn_buf_take(op, &b, "a version", out) == TARN_OK;
}

static bool is_number(duckdb_type t)
{
    switch (t) {
    case DUCKDB_TYPE_TINYINT:
    case DUCKDB_TYPE_SMALLINT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UTINYINT:
    case DUCKDB_TYPE_USMALLINT:
    case DUCKDB_TYPE_UINTEGER:
    case DUCKDB_TYPE_UBIGINT:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE:
        return true;
    default:
        return false;
    }
}

/* SELECT <before> (<expression>) <after>: its first value as text. */
static enum tarn_status ask(struct tarn_session *s, struct tarn_op *op, const struct expression *x,
                            const char *before, const char *after, struct tarn_str *out)
{
    struct tarn_buf b;
    struct tarn__text text = {.user = x->text};
    struct tarn__rows rows;
    duckdb_result r;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_printf(&b, "SELECT CAST(%s(", before);
    text.prefix = b.len;
    tarn_buf_str(&b, x->text.sql);
    tarn_buf_printf(&b, "\n)%s AS VARCHAR)", after);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "the statement", &text.sql));
    TARN_TRY(tarn__run(s, op, text.sql.ptr, &text, &r));
    enum tarn_status status = tarn__rows_of(op, &r, &rows);
    duckdb_destroy_result(&r);
    TARN_TRY(status);
    *out = (struct tarn_str){NULL, 0};
    if (rows.rows == 1)
        *out = tarn__cell_str(&rows.batches[0].columns[0], 0);
    return TARN_OK;
}

static enum tarn_status type_of(struct tarn_session *s, struct tarn_op *op,
                                const struct expression *x, duckdb_type *out)
{
    struct tarn__text text = {.user = x->text, .prefix = strlen("SELECT (")};
    duckdb_prepared_statement p;
    text.sql = tarn_sprintf(op, "SELECT (%.*s\n)", TARN_STR_ARG(x->text.sql));
    if (!text.sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__prepare(s, op, text.sql.ptr, &text, &p));
    duckdb_logical_type t = duckdb_prepared_statement_column_logical_type(p, 0);
    *out = t ? duckdb_get_type_id(t) : DUCKDB_TYPE_INVALID;
    duckdb_destroy_logical_type(&t);
    duckdb_destroy_prepare(&p);
    return TARN_OK;
}

/* The engine does not say where a text stands that is no time. */
static enum tarn_status time_told(struct tarn_op *op, const struct expression *x,
                                  enum tarn_status status)
{
    if (status != TARN_DATA)
        return status;
    struct tarn_str text = x->text.sql;
    (void)tarn_fail(op, TARN_DATA, "%.*s is no time", text.len > 60 ? 60 : (int)text.len, text.ptr);
    tarn_hint(op, "TIMESTAMP AS OF '2026-01-31 12:00:00', in UTC unless it has a zone; a number is "
                  "seconds since 1970; VERSION AS OF takes names and ids");
    tarn__place(op, &x->text, 0);
    return status;
}

/* Seconds for a number, as Spark has it; the session's time zone is UTC. */
static enum tarn_status timestamp_of(struct tarn_session *s, struct tarn_op *op,
                                     const struct expression *x, int64_t *out)
{
    duckdb_type type;
    struct tarn_str us;
    TARN_TRY(type_of(s, op, x, &type));
    if (is_number(type))
        TARN_TRY(ask(s, op, x, "CAST(round(1000000::DECIMAL(38,6) * ", ") AS BIGINT)", &us));
    else
        TARN_TRY(time_told(op, x,
                           ask(s, op, x, "epoch_us(CAST(", " AS TIMESTAMP WITH TIME ZONE))", &us)));
    if (us.ptr && tarn_str_to_i64(us, out))
        return TARN_OK;
    (void)tarn_fail(op, TARN_SQL, "the time of a table to read is null");
    tarn__place(op, &x->text, 0);
    return TARN_SQL;
}

static enum tarn_status version_of(struct tarn_session *s, struct tarn_op *op,
                                   const struct expression *x, struct tarn_str *out)
{
    struct tarn_sql_token t;
    if (literal(op, x->text.sql, out))
        return TARN_OK;
    /* a bare word is a branch or a tag */
    if (tarn_sql_token(x->text.sql, 0, &t) && t.end == x->text.sql.len && t.kind == TARN_SQL_WORD) {
        *out = x->text.sql;
        return TARN_OK;
    }
    TARN_TRY(ask(s, op, x, "", "", out));
    if (out->ptr)
        return TARN_OK;
    (void)tarn_fail(op, TARN_SQL, "the version of a table to read is null");
    tarn__place(op, &x->text, 0);
    return TARN_SQL;
}

enum tarn_status tarn__at_value(struct tarn_session *s, struct tarn_op *op,
                                const struct tarn__rewritten *r, struct tarn_table_ref *ref)
{
    struct expression x;
    for (size_t i = 0; i < r->at_count; i++) {
        const struct tarn__at *at = &r->ats[i];
        if (at->table != ref->offset)
            continue;
        expression_of(r, at, &x);
        ref->at = at->timestamp ? TARN_AT_TIMESTAMP : TARN_AT_VERSION;
        return at->timestamp ? timestamp_of(s, op, &x, &ref->at_us)
                             : version_of(s, op, &x, &ref->at_text);
    }
    return TARN_OK;
}
