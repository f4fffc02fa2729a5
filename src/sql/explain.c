/* explain: EXPLAIN [ANALYZE] INSERT, DELETE, UPDATE, MERGE, CREATE TABLE .. AS.
 *
 * The lines are those of an explained SELECT (the engine's plan, then one of each table that is read:
 * lake/scan_text.c), then how the target's files change; with ANALYZE what has changed. A MERGE
 * reads its source also to be explained: the values of its keys choose the target's files.
 */
#include "sql/explain_int.h"

#include <stdio.h>

#include "base/clock.h"
#include "sql/show_int.h"
#include "sql/verbs_int.h"

#define TEXT_MAX ((size_t)64 << 20)

/* ---- which statement */

const struct tarn__verb_row *tarn__explained_verb(struct tarn__words *w, bool *analyze, bool *with)
{
    static const char *const words[] = {"INSERT",        "DELETE",       "UPDATE",
                                        "MERGE",         "CREATE TABLE", "CREATE OR REPLACE TABLE",
                                        "REPLACE TABLE", "WITH"};
    struct tarn__words behind = *w;
    if (!tarn__take(&behind, "EXPLAIN"))
        return NULL;
    *analyze = tarn__take(&behind, "ANALYZE");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(&behind, words[i])) {
            const struct tarn__verb_row *verb = tarn__verb_of(&behind, with);
            if (verb)
                *w = behind;
            return verb;
        }
    return NULL;
}

/* ---- lines */

static enum tarn_status add(struct tarn__run *r, struct tarn_str line)
{
    struct tarn__explain *e = r->explain;
    if (!line.ptr)
        return TARN_NOMEM;
    TARN_GROW(r->op, e->lines, e->count, e->cap);
    e->lines[e->count++] = line;
    return TARN_OK;
}

enum tarn_status tarn__explain_line(struct tarn__run *r, const char *fmt, ...)
{
    char text[4096];
    va_list ap;
    if (!r->explain)
        return TARN_OK;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return add(r, tarn_strdup(r->op, tarn_str_view(text)));
}

/* ---- queries */

/* A query made of pieces with something in front and behind. */
static enum tarn_status around(struct tarn_op *op, const char *front, const char *behind,
                               const struct tarn_sql_text *of, struct tarn_sql_text *out)
{
    struct tarn_sql_span *spans;
    size_t shift = tarn_str_view(front).len;
    *out = *of;
    out->sql = tarn_sprintf(op, "%s%.*s%s", front, TARN_STR_ARG(of->sql), behind);
    if (!out->sql.ptr)
        return TARN_NOMEM;
    TARN_NEW_ARRAY(op, spans, of->span_count + 1);
    for (size_t i = 0; i < of->span_count; i++) {
        spans[i] = of->spans[i];
        spans[i].at += shift;
    }
    out->spans = spans;
    return TARN_OK;
}

static enum tarn_status add_all(struct tarn__run *r, struct tarn_result *result)
{
    struct tarn_batch batch;
    do {
        TARN_TRY(tarn_result_next(result, r->op, &batch));
        for (size_t i = 0; i < batch.rows; i++)
            TARN_TRY(add(r, tarn_strdup(r->op, tarn_cell_text(&batch, 0, i))));
    } while (batch.rows);
    return TARN_OK;
}

enum tarn_status tarn__explain_query(struct tarn__run *r, const char *what,
                                     struct tarn_sql_text text)
{
    struct tarn_result *result;
    if (!r->explain)
        return TARN_OK;
    if (what)
        TARN_TRY(tarn__explain_line(r, "%s:", what));
    TARN_TRY(around(r->op, "EXPLAIN ", "", &text, &text));
    TARN_TRY(tarn_session_query(r->sql->env->flow.session, r->op, text, &result));
    enum tarn_status status = add_all(r, result);
    tarn_result_close(result);
    return status;
}

enum tarn_status tarn__explain_empty(struct tarn__run *r, struct tarn_sql_text *text)
{
    if (!tarn__only_explained(r))
        return TARN_OK;
    return around(r->op, "SELECT * FROM (", "\n) LIMIT 0", text, text);
}

/* ---- the end */

enum tarn_status tarn__explain_refuse(struct tarn__run *r)
{
    struct tarn__words w;
    bool analyze, with;
    tarn__words_begin(&w, r->op, r->text);
    (void)tarn__explained_verb(&w, &analyze, &with);
    (void)tarn_fail(r->op, TARN_UNSUPPORTED, "a CREATE TABLE without a query cannot be explained");
    tarn_hint(r->op, "it reads nothing; EXPLAIN CREATE TABLE .. AS SELECT .. shows how it reads");
    tarn__place_at(&r->words, w.token.begin);
    return TARN_UNSUPPORTED;
}

bool tarn__explain_discards(struct tarn__run *r, struct tarn_change *change)
{
    if (r->explain && r->explain->analyze)
        r->explain->published = change;
    if (!tarn__only_explained(r))
        return false;
    tarn_change_discard(change, tarn__change_op(r));
    return true;
}

static int64_t number(const struct tarn_snapshot *s, const char *key)
{
    const struct tarn_str *text = tarn_kvs_get(&s->summary, key);
    int64_t n = 0;
    return text && tarn_str_to_i64(*text, &n) ? n : 0;
}

static void put_counts(struct tarn_buf *b, const char *word, int64_t n, const char *what,
                       int64_t of, const char *row)
{
    if (n == 0)
        return;
    tarn_buf_printf(b, "%s%lld %s%s", word, (long long)n, what, n == 1 ? "" : "s");
    if (row)
        tarn_buf_printf(b, " of %lld %s%s", (long long)of, row, of == 1 ? "" : "s");
}

static void put_snapshot(struct tarn_buf *b, const struct tarn_snapshot *s)
{
    if (number(s, "added-files-size"))
        tarn_buf_printf(b, "written: %.1f kB", (double)number(s, "added-files-size") / 1e3);
    put_counts(b, ", ", number(s, "added-data-files"), "data file", number(s, "added-records"),
               "row");
    put_counts(b, ", ", number(s, "added-position-delete-files"), "position delete file",
               number(s, "added-position-deletes"), "row");
    put_counts(b, ", ", number(s, "added-dvs"), "deletion vector",
               number(s, "added-position-deletes"), "row");
    put_counts(b, ", ", number(s, "added-equality-delete-files"), "equality delete file",
               number(s, "added-equality-deletes"), "key");
    if (number(s, "deleted-data-files") || number(s, "removed-delete-files")) {
        tarn_buf_printf(b, "%sremoved: %.1f kB", number(s, "added-files-size") ? "; " : "",
                        (double)number(s, "removed-files-size") / 1e3);
        put_counts(b, ", ", number(s, "deleted-data-files"), "data file",
                   number(s, "deleted-records"), "row");
        put_counts(b, ", ", number(s, "removed-delete-files"), "delete file", 0, NULL);
    }
    tarn_buf_printf(b, "; snapshot %lld", (long long)s->snapshot_id);
}

/* "raw.t: written: 0.4 kB, 1 data file of 3 rows; removed: ..; snapshot 7". */
static enum tarn_status outcome(struct tarn__run *r, uint64_t started_ns)
{
    struct tarn_change *c = r->explain->published;
    double ms = (double)(tarn_clock_monotonic_ns(tarn_clock_real()) - started_ns) / 1e6;
    struct tarn_buf b;
    struct tarn_str line;
    tarn_buf_init(&b, TEXT_MAX);
    const struct tarn_table *t = c ? tarn_change_table(c) : NULL;
    const struct tarn_snapshot *s =
        t ? tarn_metadata_snapshot(&t->metadata, tarn_change_snapshot_id(c)) : NULL;
    if (t)
        tarn_buf_printf(&b,
                        "%.*s.%.*s"
                        ": ",
                        TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    if (s)
        put_snapshot(&b, s);
    else
        tarn_buf_z(&b, t ? "the table was made; no snapshot" : "nothing changed, no snapshot");
    if (s && r->sql->in_transaction)
        tarn_buf_z(&b, ", which COMMIT publishes");
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "a line", &line));
    TARN_TRY(add(r, line));
    if (r->answer->rows >= 0)
        TARN_TRY(tarn__explain_line(r, "%.*s: %lld row%s, %.1f ms", TARN_STR_ARG(r->answer->tag),
                                    (long long)r->answer->rows, r->answer->rows == 1 ? "" : "s",
                                    ms));
    return TARN_OK;
}

static enum tarn_status answer(struct tarn__run *r)
{
    struct tarn__list list;
    struct tarn_str absent = {NULL, 0};
    TARN_TRY(tarn__list_begin(&list, r, "plan"));
    for (size_t i = 0; i < r->explain->count; i++)
        TARN_TRY(tarn__list_texts(&list, r->explain->lines[i], absent, absent));
    return tarn__list_end(&list, "EXPLAIN");
}

enum tarn_status tarn__run_explained(struct tarn__run *r, const struct tarn__verb_row *verb,
                                     bool analyze)
{
    struct tarn__explain explain = {.analyze = analyze};
    uint64_t started = tarn_clock_monotonic_ns(tarn_clock_real());
    r->explain = &explain;
    enum tarn_status status = verb->run(r);
    if (status == TARN_OK && r->answer->notice.ptr)
        status = tarn__explain_line(r, "%.*s", TARN_STR_ARG(r->answer->notice));
    if (status == TARN_OK && analyze)
        status = outcome(r, started);
    r->answer->notice = (struct tarn_str){NULL, 0};
    if (status == TARN_OK)
        status = answer(r);
    r->explain = NULL;
    return status;
}
