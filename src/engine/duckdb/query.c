/* query: statements that read, and their results.
 *
 * A statement is parsed for its names, the names become views, the text runs as the user wrote it
 * but for the catalog's name. Columns of types that Iceberg lacks are cast to text by a SELECT
 * around it. Rows stream: the engine makes what is asked for.
 */
#include "engine/duckdb/query_int.h"

#include <stdlib.h>

#define BATCH_BUDGET ((size_t)1 << 30)

/* Its type and texts are in the arena of the op that started it. */
struct tarn_result {
    struct tarn_session *session;
    struct tarn_arena *batch; /* reset by each next */
    struct tarn__query query;
    duckdb_result rows;
    bool have_rows, ended;
    struct tarn_str *lines; /* a result of our own: one text column */
    size_t line_count, line_at;
    bool lined;
};

/* ---- preparing */

static enum tarn_status wrapped_sql(struct tarn_op *op, const struct tarn__text *text,
                                    duckdb_prepared_statement p, enum tarn__shapes what,
                                    struct tarn_str *out, size_t *out_prefix)
{
    struct tarn_buf b;
    idx_t n = duckdb_prepared_statement_column_count(p);
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "SELECT ");
    for (idx_t i = 0; i < n; i++) {
        duckdb_logical_type t = duckdb_prepared_statement_column_logical_type(p, i);
        const char *name = duckdb_prepared_statement_column_name(p, i);
        tarn_buf_z(&b, i > 0 ? ", " : "");
        if (tarn__shape_fits(t, what)) {
            tarn_buf_printf(&b, "c%llu", (unsigned long long)i);
        } else {
            bool json = duckdb_get_type_id(t) == DUCKDB_TYPE_VARIANT && what == TARN__SHAPES_VALUES;
            /* a null variant would become the JSON text null */
            tarn_buf_printf(&b, "CASE WHEN c%llu IS NOT NULL THEN %sCAST(c%llu AS ",
                            (unsigned long long)i, json ? "tarn_json(CAST(" : "",
                            (unsigned long long)i);
            tarn__shape_cast(&b, t, what);
            tarn_buf_printf(&b, ")%s END", json ? " AS VARCHAR))" : "");
        }
        tarn_buf_z(&b, " AS ");
        tarn_buf_sql_name(&b, tarn_str_view(name));
        duckdb_free((void *)(uintptr_t)name);
        duckdb_destroy_logical_type(&t);
    }
    tarn_buf_z(&b, " FROM (");
    *out_prefix = b.len;
    tarn_buf_append(&b, text->sql.ptr, tarn_sql_trimmed(text->sql));
    tarn_buf_z(&b, "\n) AS r(");
    for (idx_t i = 0; i < n; i++)
        tarn_buf_printf(&b, "%sc%llu", i > 0 ? ", " : "", (unsigned long long)i);
    tarn_buf_put(&b, ')');
    return (enum tarn_status)tarn_buf_take(op, &b, "the statement", out);
}

static bool all_fit(duckdb_prepared_statement p, enum tarn__shapes what)
{
    bool fits = true;
    for (idx_t i = 0; fits && i < duckdb_prepared_statement_column_count(p); i++) {
        duckdb_logical_type t = duckdb_prepared_statement_column_logical_type(p, i);
        fits = tarn__shape_fits(t, what);
        duckdb_destroy_logical_type(&t);
    }
    return fits;
}

static enum tarn_status shapes_of(struct tarn_op *op, struct tarn__query *q)
{
    size_t n = (size_t)duckdb_prepared_statement_column_count(q->statement);
    q->type = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .field_count = n};
    TARN_NEW_ARRAY(op, q->shapes, n);
    TARN_NEW_ARRAY(op, q->type.fields, n);
    for (size_t i = 0; i < n; i++) {
        duckdb_logical_type t = duckdb_prepared_statement_column_logical_type(q->statement, i);
        enum tarn_status status = tarn__shape_of(op, t, &q->shapes[i], &q->type.fields[i].type);
        duckdb_destroy_logical_type(&t);
        TARN_TRY(status);
        const char *name = duckdb_prepared_statement_column_name(q->statement, i);
        q->type.fields[i].name = tarn_strdup(op, tarn_str_view(name));
        duckdb_free((void *)(uintptr_t)name);
        if (!q->type.fields[i].name.ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

enum tarn_status tarn__query_prepare(struct tarn_session *s, struct tarn_op *op,
                                     const struct tarn__text *text, enum tarn__shapes what,
                                     struct tarn__query *out)
{
    *out = (struct tarn__query){.text = *text};
    TARN_TRY(tarn__prepare(s, op, text->sql.ptr, text, &out->statement));
    if (duckdb_nparams(out->statement) > 0) {
        duckdb_destroy_prepare(&out->statement);
        return tarn_fail(op, TARN_UNSUPPORTED, "parameters in a statement are not in this version");
    }
    if (!all_fit(out->statement, what)) {
        enum tarn_status status =
            wrapped_sql(op, text, out->statement, what, &out->text.sql, &out->text.prefix);
        duckdb_destroy_prepare(&out->statement);
        TARN_TRY(status);
        TARN_TRY(tarn__prepare(s, op, out->text.sql.ptr, &out->text, &out->statement));
    }
    enum tarn_status status = shapes_of(op, out);
    if (status != TARN_OK)
        duckdb_destroy_prepare(&out->statement);
    return status;
}

/* ---- EXPLAIN and SHOW TABLES */

struct lead {
    bool explain, analyze;
    size_t body; /* where the statement behind EXPLAIN begins */
};

static struct lead lead_of(struct tarn_str sql)
{
    struct lead l = {0};
    struct tarn_sql_token t;
    if (!tarn_sql_token(sql, 0, &t) || !tarn_sql_token_is(sql, &t, "EXPLAIN"))
        return l;
    l.explain = true;
    l.body = t.end;
    if (tarn_sql_token(sql, l.body, &t) && tarn_sql_token_is(sql, &t, "ANALYZE")) {
        l.analyze = true;
        l.body = t.end;
    }
    if (tarn_sql_token(sql, l.body, &t) && tarn_sql_token_is(sql, &t, "(")) {
        struct tarn_sql_token next;
        /* EXPLAIN (FORMAT json) SELECT .. against EXPLAIN (SELECT ..) */
        if (tarn_sql_token(sql, t.end, &next) &&
            (tarn_sql_token_is(sql, &next, "FORMAT") || tarn_sql_token_is(sql, &next, "ANALYZE")))
            for (size_t p = t.end; tarn_sql_token(sql, p, &next); p = next.end)
                if (tarn_sql_token_is(sql, &next, ")")) {
                    l.body = next.end;
                    break;
                }
    }
    return l;
}

/* "ns.name": the namespace may hold dots. */
static void show_row(struct tarn_buf *b, struct tarn_str full, bool first)
{
    size_t dot = full.len;
    while (dot > 0 && full.ptr[dot - 1] != '.')
        dot--;
    tarn_buf_z(b, first ? "(" : ", (");
    tarn_buf_sql_text(b, tarn_str_of(full.ptr, dot > 0 ? dot - 1 : 0));
    tarn_buf_z(b, ", ");
    tarn_buf_sql_text(b, tarn_str_of(full.ptr + dot, full.len - dot));
    tarn_buf_put(b, ')');
}

static enum tarn_status show_tables(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn__refs *refs, struct tarn__text *text)
{
    struct tarn_str *names;
    size_t count;
    struct tarn_buf b;
    TARN_TRY(s->resolver->names(s->resolver, op, &names, &count));
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "SELECT namespace, name FROM (VALUES ");
    for (size_t i = 0; i < count; i++)
        show_row(&b, names[i], i == 0);
    if (count == 0)
        tarn_buf_z(&b, "('', '')");
    tarn_buf_z(&b, ") AS t(namespace, name) WHERE name <> ''");
    if (refs->show_schema.ptr) {
        tarn_buf_z(&b, " AND namespace = ");
        tarn_buf_sql_text(&b, refs->show_schema);
    }
    tarn_buf_z(&b, " ORDER BY ALL");
    text->prefix = SIZE_MAX; /* nothing of it is the user's */
    return (enum tarn_status)tarn_buf_take(op, &b, "the list of tables", &text->sql);
}

static enum tarn_status add_line(struct tarn_op *op, struct tarn_result *r, size_t *cap,
                                 struct tarn_str line)
{
    if (r->line_count == *cap) {
        size_t more = *cap ? *cap * 2 : 64;
        struct tarn_str *lines = tarn_alloc_array(op, more, sizeof *lines);
        if (!lines)
            return TARN_NOMEM;
        if (r->line_count > 0)
            memcpy(lines, r->lines, r->line_count * sizeof *lines);
        r->lines = lines;
        *cap = more;
    }
    r->lines[r->line_count++] = line;
    return TARN_OK;
}

static enum tarn_status add_lines(struct tarn_op *op, struct tarn_result *r, size_t *cap,
                                  struct tarn_str text)
{
    struct tarn_str line;
    while (text.ptr && text.len > 0) {
        (void)tarn_str_cut(&text, '\n', &line);
        TARN_TRY(add_line(op, r, cap, line));
    }
    return TARN_OK;
}

static enum tarn_status add_scan_line(struct tarn_op *op, struct tarn_result *r, size_t *cap,
                                      const struct tarn__name *name)
{
    struct tarn_str line, full = tarn__name_text(op, name);
    TARN_TRY(tarn_scan_text(op, full, name->scan, name->filter, &line));
    return add_line(op, r, cap, line);
}

static enum tarn_status explain(struct tarn_session *s, struct tarn_op *op,
                                const struct tarn__text *text, const struct tarn__names *names,
                                struct tarn_result *r)
{
    duckdb_result raw;
    struct tarn__rows rows;
    size_t cap = 0;
    TARN_TRY(tarn__run(s, op, text->sql.ptr, text, &raw));
    enum tarn_status status = tarn__rows_of(op, &raw, &rows);
    duckdb_destroy_result(&raw);
    TARN_TRY(status);
    for (size_t i = 0; i < rows.batch_count; i++)
        for (size_t k = 0; k < rows.batches[i].rows && rows.batches[i].column_count == 2; k++)
            TARN_TRY(add_lines(op, r, &cap, tarn__cell_str(&rows.batches[i].columns[1], k)));
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].scan)
            TARN_TRY(add_scan_line(op, r, &cap, &names->items[i]));
    r->lined = true;
    r->query.type = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .field_count = 1};
    TARN_NEW(op, r->query.type.fields);
    *r->query.type.fields =
        (struct tarn_field){.name = TARN_STR("plan"), .type = {.kind = TARN_TYPE_STRING}};
    return TARN_OK;
}

/* ---- the statement */

static enum tarn_status bound_text(struct tarn_session *s, struct tarn_op *op,
                                   const struct tarn_sql_text *user, size_t body,
                                   enum tarn__views how, struct tarn__text *text,
                                   struct tarn__names *names)
{
    struct tarn__refs *refs;
    TARN_NEW(op, refs);
    TARN_TRY(tarn__parse(s, op, user, body, refs));
    if (!refs->show_tables || !s->resolver || body > 0)
        return tarn__names_bind(s, op, refs, body, how, text, names);
    TARN_TRY(tarn__splice(op, refs, text));
    return show_tables(s, op, refs, text);
}

enum tarn_status tarn__query_bind(struct tarn_session *s, struct tarn_op *op,
                                  const struct tarn_sql_text *user, enum tarn__views how,
                                  struct tarn__text *text)
{
    struct tarn__names *names;
    TARN_NEW(op, names);
    return bound_text(s, op, user, 0, how, text, names);
}

static enum tarn_status str_keep(struct tarn_op *op, struct tarn_str *s)
{
    if (!s->ptr)
        return TARN_OK;
    *s = tarn_strdup(op, *s);
    return s->ptr ? TARN_OK : TARN_NOMEM;
}

/* Errors may come with a later batch, when the caller's text is gone. */
static enum tarn_status text_keep(struct tarn_op *op, struct tarn_sql_text *t)
{
    struct tarn_sql_span *spans;
    t->sql = tarn_strdup(op, t->sql);
    if (!t->sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(str_keep(op, &t->whole));
    TARN_TRY(str_keep(op, &t->origin));
    TARN_NEW_ARRAY(op, spans, t->span_count + 1);
    if (t->span_count > 0)
        memcpy(spans, t->spans, t->span_count * sizeof *spans);
    t->spans = spans;
    if (t->file) {
        t->file = tarn_strdup(op, tarn_str_view(t->file)).ptr;
        if (!t->file)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status query_start(struct tarn_result *r, struct tarn_op *op,
                                    struct tarn_sql_text user)
{
    struct tarn_session *s = r->session;
    struct lead lead = lead_of(user.sql);
    struct tarn__text text;
    struct tarn__names *names;
    TARN_NEW(op, names);
    TARN_TRY(text_keep(op, &user));
    TARN_TRY(bound_text(s, op, &user, lead.body, TARN__VIEWS_SCANS, &text, names));
    if (lead.explain)
        return explain(s, op, &text, names, r);
    TARN_TRY(tarn__query_prepare(s, op, &text, TARN__SHAPES_VALUES, &r->query));
    tarn__watch_begin(s, op);
    duckdb_state state = duckdb_execute_prepared_streaming(r->query.statement, &r->rows);
    tarn__watch_end(s);
    r->have_rows = true;
    if (state != DuckDBSuccess)
        return tarn__fail(s, op, duckdb_result_error(&r->rows), &r->query.text);
    return TARN_OK;
}

enum tarn_status tarn_session_query(struct tarn_session *s, struct tarn_op *op,
                                    struct tarn_sql_text text, struct tarn_result **out)
{
    *out = NULL;
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(tarn_poll(op, 2));
    struct tarn_result *r = calloc(1, sizeof *r);
    if (!r)
        return tarn_fail(op, TARN_NOMEM, "could not start a statement: out of memory");
    r->session = s;
    r->batch = tarn_arena_new(BATCH_BUDGET);
    s->open = r;
    enum tarn_status status;
    if (r->batch)
        status = query_start(r, op, text);
    else
        status = tarn_fail(op, TARN_NOMEM, "could not start a statement: out of memory");
    if (status == TARN_OK)
        *out = r;
    else
        tarn_result_close(r);
    return status;
}

const struct tarn_type *tarn_result_type(const struct tarn_result *r)
{
    return &r->query.type;
}

static enum tarn_status next_lines(struct tarn_result *r, struct tarn_op *op,
                                   struct tarn_batch *out)
{
    size_t n = r->line_count - r->line_at, total = 0;
    if (n > TARN__BATCH_ROWS)
        n = TARN__BATCH_ROWS;
    for (size_t i = 0; i < n; i++)
        total += r->lines[r->line_at + i].len;
    struct tarn_column *c = tarn_arena_alloc(r->batch, sizeof *c);
    uint32_t *offsets = tarn_arena_alloc(r->batch, (n + 1) * sizeof *offsets);
    char *bytes = tarn_arena_alloc(r->batch, total + 1);
    if (!c || !offsets || !bytes)
        return tarn_fail(op, TARN_NOMEM, "could not hold a batch of the result: out of memory");
    for (size_t i = 0; i < n; i++) {
        struct tarn_str line = r->lines[r->line_at + i];
        if (line.len > 0)
            memcpy(bytes + offsets[i], line.ptr, line.len);
        offsets[i + 1] = offsets[i] + (uint32_t)line.len;
    }
    r->line_at += n;
    *c = (struct tarn_column){
        .type = &r->query.type.fields[0].type, .length = n, .offsets = offsets, .bytes = bytes};
    *out = (struct tarn_batch){.rows = n, .columns = c, .column_count = 1};
    return TARN_OK;
}

enum tarn_status tarn_result_next(struct tarn_result *r, struct tarn_op *op, struct tarn_batch *out)
{
    *out = (struct tarn_batch){0};
    tarn_arena_reset(r->batch);
    TARN_TRY(tarn_poll(op, 2));
    if (r->lined)
        return next_lines(r, op, out);
    while (!r->ended) {
        tarn__watch_begin(r->session, op);
        duckdb_data_chunk chunk = duckdb_fetch_chunk(r->rows);
        tarn__watch_end(r->session);
        if (!chunk) {
            const char *error = duckdb_result_error(&r->rows);
            r->ended = !error || !error[0];
            return r->ended ? TARN_OK : tarn__fail(r->session, op, error, &r->query.text);
        }
        enum tarn_status status = TARN_OK;
        bool rows = duckdb_data_chunk_get_size(chunk) > 0;
        if (rows)
            status = tarn__chunk_columns(op, r->batch, chunk, r->query.shapes, &r->query.type, out);
        duckdb_destroy_data_chunk(&chunk);
        if (rows || status != TARN_OK)
            return status;
    }
    return TARN_OK;
}

void tarn_result_close(struct tarn_result *r)
{
    if (!r)
        return;
    if (r->session->open == r)
        r->session->open = NULL;
    if (r->have_rows)
        duckdb_destroy_result(&r->rows);
    duckdb_destroy_prepare(&r->query.statement);
    tarn_arena_free(r->batch);
    free(r);
}

enum tarn_status tarn_session_describe(struct tarn_session *s, struct tarn_op *op,
                                       struct tarn_sql_text text, struct tarn_type *out)
{
    struct tarn__text bound;
    struct tarn__query q;
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(tarn__query_bind(s, op, &text, TARN__VIEWS_EMPTY, &bound));
    TARN_TRY(tarn__query_prepare(s, op, &bound, TARN__SHAPES_TYPES, &q));
    duckdb_destroy_prepare(&q.statement);
    *out = q.type;
    return TARN_OK;
}

/* ---- into a temporary table */

static enum tarn_status created_rows(struct tarn_op *op, duckdb_result *r, int64_t *out)
{
    struct tarn__rows rows;
    TARN_TRY(tarn__rows_of(op, r, &rows));
    if (rows.rows == 1 && rows.batches[0].columns[0].type->kind == TARN_TYPE_LONG)
        *out = ((const int64_t *)rows.batches[0].columns[0].data)[0];
    return TARN_OK;
}

enum tarn_status tarn_session_into(struct tarn_session *s, struct tarn_op *op,
                                   struct tarn_sql_text text, struct tarn_str name,
                                   int64_t *out_rows)
{
    struct tarn__text bound;
    struct tarn_buf b;
    struct tarn_str sql;
    duckdb_result r;
    *out_rows = 0;
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(tarn__query_bind(s, op, &text, TARN__VIEWS_SCANS, &bound));
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "CREATE OR REPLACE TEMP TABLE temp.main.");
    tarn_buf_sql_name(&b, name);
    tarn_buf_z(&b, " AS ");
    bound.prefix = bound.prefix == SIZE_MAX ? SIZE_MAX : b.len;
    tarn_buf_append(&b, bound.sql.ptr, tarn_sql_trimmed(bound.sql));
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "the statement", &sql));
    TARN_TRY(tarn__run_long(s, op, sql.ptr, &bound, &r));
    enum tarn_status status = created_rows(op, &r, out_rows);
    duckdb_destroy_result(&r);
    return status;
}
