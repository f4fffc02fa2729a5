/* sql: the conversation: which statement it is, what its names mean, and how changes are
 * published. */
#include "sql/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "format/batch_text.h"
#include "lake/inspect.h"
#include "sql/explain_int.h"
#include "sql/verbs_int.h"

#define ROWS_SQL_MAX ((size_t)64 << 20)

enum tarn_status tarn_sql_open(struct tarn_op *op, const struct tarn_sql_env *env,
                               struct tarn_sql **out)
{
    struct tarn_sql *s = *out = calloc(1, sizeof *s);
    if (!s || tarn_op_init(&s->op, 0, 0) != TARN_OK) {
        free(s);
        *out = NULL;
        return tarn_fail(op, TARN_NOMEM, "could not open a conversation: out of memory");
    }
    s->env = env;
    return TARN_OK;
}

void tarn_sql_close(struct tarn_sql *s)
{
    if (!s)
        return;
    tarn__transaction_end(s, true);
    free(s->ns);
    free(s->wap_id);
    tarn_op_release(&s->op);
    free(s);
}

bool tarn_sql_in_transaction(const struct tarn_sql *s)
{
    return s->in_transaction;
}

/* ---- names */

struct tarn_op *tarn__change_op(struct tarn__run *r)
{
    return r->sql->in_transaction ? &r->sql->op : r->op;
}

static enum tarn_status find(struct tarn__run *r, struct tarn_ident ident, struct tarn_table **out)
{
    const struct tarn_sql_env *env = r->sql->env;
    return env->find(env->ctx, tarn__change_op(r), ident, out);
}

static enum tarn_status join_parts(struct tarn_op *op, const struct tarn_str *parts, size_t count,
                                   struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    for (size_t i = 0; i < count; i++) {
        if (i)
            tarn_buf_put(&b, '.');
        tarn_buf_str(&b, parts[i]);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "a name", out);
}

static enum tarn_status ident_of(struct tarn__run *r, const struct tarn_str *parts, size_t count,
                                 struct tarn_ident *out)
{
    *out = (struct tarn_ident){.name = parts[count - 1]};
    if (count > 1)
        return join_parts(r->op, parts, count - 1, &out->ns);
    if (r->sql->ns)
        out->ns = tarn_str_view(r->sql->ns);
    return TARN_OK;
}

static bool starts_nocase(struct tarn_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len > n && tarn_str_eq_nocase(tarn_str_of(s.ptr, n), tarn_str_view(prefix));
}

/* raw.t.branch_audit, where raw.t is a table */
static enum tarn_status cut_suffix(struct tarn__run *r, const struct tarn_str *parts, size_t count,
                                   struct tarn__target *out)
{
    struct tarn_ident shorter;
    struct tarn_table *t, *whole;
    struct tarn_str last = parts[count - 1];
    if (count < 2 || (!starts_nocase(last, "branch_") && !starts_nocase(last, "tag_")))
        return TARN_OK;
    TARN_TRY(ident_of(r, parts, count - 1, &shorter));
    TARN_TRY(find(r, out->ident, &whole));
    if (whole)
        return TARN_OK;
    TARN_TRY(find(r, shorter, &t));
    if (t) {
        out->ident = shorter;
        out->suffix = last;
    }
    return TARN_OK;
}

enum tarn_status tarn__take_target(struct tarn__run *r, struct tarn__target *out)
{
    struct tarn__dotted d;
    struct tarn_str catalog = r->sql->env->flow.lake->catalog->catalog_name;
    *out = (struct tarn__target){0};
    TARN_TRY(tarn__take_dotted(&r->words, &d));
    const struct tarn_str *parts = d.parts;
    if (d.count > 1 && tarn_str_eq_nocase(parts[0], catalog)) {
        parts++;
        d.count--;
    }
    out->bare = d.count == 1 && parts == d.parts;
    out->offset = d.begin;
    out->length = d.end - d.begin;
    TARN_TRY(ident_of(r, parts, d.count, &out->ident));
    return cut_suffix(r, parts, d.count, out);
}

enum tarn_status tarn__target_find(struct tarn__run *r, const struct tarn__target *t,
                                   struct tarn_table **out)
{
    if (tarn__temp_view(r, t))
        return tarn__fail_temp_view(r, t);
    TARN_TRY(find(r, t->ident, out));
    return *out ? tarn__pin(r, *out) : TARN_OK;
}

/* Is it a view? Then that is told. */
static enum tarn_status check_view(struct tarn__run *r, const struct tarn__target *t)
{
    struct tarn__words first;
    struct tarn_str file;
    struct tarn_catalog *catalog = r->sql->env->flow.lake->catalog;
    if (!t->ident.ns.ptr || tarn_catalog_load_view(catalog, r->op, t->ident, &file) != TARN_OK) {
        tarn_clear(r->op);
        return TARN_OK;
    }
    (void)tarn_fail(r->op, TARN_INVALID, "\"%.*s\" is a view",
                    t->length > 200 ? 200 : (int)t->length, r->text.sql.ptr + t->offset);
    tarn__words_begin(&first, r->op, r->text);
    if (tarn__at(&first, "DROP") || tarn__at(&first, "SHOW") || tarn__at(&first, "ALTER"))
        tarn_hint(r->op, "views have statements of their own: DROP VIEW, ALTER VIEW, SHOW CREATE "
                         "VIEW");
    else
        tarn_hint(r->op, "rows are in the tables that it reads");
    tarn__place_at(&r->words, t->offset);
    return TARN_INVALID;
}

/* ns.t.snapshots, where a table is wanted? Then that is told. */
static enum tarn_status check_metadata_table(struct tarn__run *r, const struct tarn__target *t)
{
    struct tarn_str ns = t->ident.ns;
    struct tarn_table *table = NULL;
    size_t dot = ns.len;
    while (dot > 0 && ns.ptr[dot - 1] != '.')
        dot--;
    if (dot < 2 || !tarn_inspect_is_name(t->ident.name))
        return TARN_OK;
    struct tarn_ident of = {tarn_str_of(ns.ptr, dot - 1), tarn_str_of(ns.ptr + dot, ns.len - dot)};
    TARN_TRY(find(r, of, &table));
    if (!table)
        return TARN_OK;
    (void)tarn_fail(r->op, TARN_INVALID, "\"%.*s\" is a metadata table of %.*s.%.*s",
                    t->length > 200 ? 200 : (int)t->length, r->text.sql.ptr + t->offset,
                    TARN_STR_ARG(of.ns), TARN_STR_ARG(of.name));
    tarn_hint(r->op, "SELECT reads it, DESCRIBE tells its columns");
    tarn__place_at(&r->words, t->offset);
    return TARN_INVALID;
}

static enum tarn_status fail_table(struct tarn__run *r, const struct tarn__target *t)
{
    const struct tarn_sql_env *env = r->sql->env;
    struct tarn_str *names, full = tarn_str_of(r->text.sql.ptr + t->offset, t->length);
    const char **z;
    size_t n;
    TARN_TRY(check_view(r, t));
    TARN_TRY(check_metadata_table(r, t));
    TARN_TRY(env->names(env->ctx, r->op, &names, &n));
    TARN_NEW_ARRAY(r->op, z, n + 1);
    for (size_t i = 0; i < n; i++)
        z[i] = names[i].ptr;
    const char *nearest = tarn_str_nearest(full, z, n);
    (void)tarn_fail(r->op, TARN_TABLE, "table \"%.*s\" not found", TARN_STR_ARG(full));
    if (nearest)
        tarn_hint(r->op, "did you mean %s?", nearest);
    tarn__place_at(&r->words, t->offset);
    return TARN_TABLE;
}

enum tarn_status tarn__target_table(struct tarn__run *r, const struct tarn__target *t,
                                    struct tarn_table **out)
{
    TARN_TRY(tarn__target_find(r, t, out));
    return *out ? TARN_OK : fail_table(r, t);
}

/* ---- pins */

static bool same_ident(struct tarn_ident a, struct tarn_ident b)
{
    return tarn_str_eq(a.ns, b.ns) && tarn_str_eq(a.name, b.name);
}

enum tarn_status tarn__pin(struct tarn__run *r, struct tarn_table *t)
{
    struct tarn_sql *s = r->sql;
    struct tarn_op *op = tarn__change_op(r);
    for (size_t i = 0; i < s->pinned_count; i++)
        if (same_ident(s->pinned[i], t->ident))
            return s->env->pin(s->env->ctx, op, t->ident, t);
    TARN_GROW(op, s->pinned, s->pinned_count, s->pinned_cap);
    TARN_TRY(s->env->pin(s->env->ctx, op, t->ident, t));
    s->pinned[s->pinned_count++] = t->ident;
    return TARN_OK;
}

static void unpin(struct tarn_sql *s, struct tarn_op *op, struct tarn_ident ident)
{
    struct tarn_report keep = op->report;
    (void)!s->env->pin(s->env->ctx, op, ident, NULL);
    op->report = keep;
}

void tarn__unpin(struct tarn__run *r, struct tarn_ident ident)
{
    struct tarn_sql *s = r->sql;
    for (size_t i = 0; i < s->pinned_count; i++)
        if (same_ident(s->pinned[i], ident)) {
            s->pinned[i] = s->pinned[--s->pinned_count];
            unpin(s, r->op, ident);
            return;
        }
}

void tarn__unpin_all(struct tarn_sql *s, struct tarn_op *op)
{
    for (size_t i = 0; i < s->pinned_count; i++)
        unpin(s, op, s->pinned[i]);
    s->pinned = NULL;
    s->pinned_count = s->pinned_cap = 0;
}

enum tarn_status tarn__pin_refs(struct tarn__run *r, struct tarn_sql_text query)
{
    struct tarn_table_refs refs;
    struct tarn_table *t;
    TARN_TRY(tarn_session_refs(r->sql->env->flow.session, r->op, query, &refs));
    for (size_t i = 0; i < refs.count; i++) {
        struct tarn_ident ident = {refs.items[i].ns, refs.items[i].name};
        if (!ident.ns.ptr && tarn_temp_view(r->sql->env->temps, ident.name))
            continue; /* what it reads is looked up when it is read */
        if (!ident.ns.ptr && r->sql->ns)
            ident.ns = tarn_str_view(r->sql->ns);
        if (!ident.ns.ptr)
            continue;
        TARN_TRY(find(r, ident, &t));
        if (t)
            TARN_TRY(tarn__pin(r, t));
    }
    return TARN_OK;
}

/* ---- publishing */

static enum tarn_status remember(struct tarn__run *r, struct tarn_change *change)
{
    struct tarn_sql *s = r->sql;
    TARN_GROW(&s->op, s->changes, s->change_count, s->change_cap);
    s->changes[s->change_count++] = change;
    return TARN_OK;
}

static enum tarn_status stage(struct tarn__run *r, struct tarn_change *change)
{
    struct tarn_table *t;
    TARN_TRY(tarn_change_stage(change, &r->sql->op, &t));
    TARN_TRY(remember(r, change));
    enum tarn_status status = tarn__pin(r, t);
    if (status != TARN_OK)
        r->sql->change_count--;
    return status;
}

enum tarn_status tarn__publish(struct tarn__run *r, struct tarn_change *change)
{
    struct tarn_op *op = tarn__change_op(r);
    if (tarn__explain_discards(r, change))
        return TARN_OK;
    enum tarn_status status = tarn__stage_wap(r, change);
    if (status == TARN_OK && r->sql->in_transaction)
        status = stage(r, change);
    else if (status == TARN_OK)
        status = tarn_changes_commit(r->sql->env->flow.lake, op, &change, 1,
                                     (struct tarn_commit_options){0});
    if (status != TARN_OK && status != TARN_UNKNOWN)
        tarn_change_discard(change, op);
    return tarn__raced(r, status);
}

enum tarn_status tarn__outside_transaction(struct tarn__run *r, const char *what)
{
    struct tarn__words first;
    if (!r->sql->in_transaction)
        return TARN_OK;
    tarn__words_begin(&first, r->op, r->words.text);
    (void)tarn_fail(r->op, TARN_INVALID, "%s cannot run inside a transaction", what);
    tarn_hint(r->op, "COMMIT or ROLLBACK first");
    tarn__place_at(&r->words, first.token.begin);
    return TARN_INVALID;
}

/* ---- answers */

void tarn__done(struct tarn__run *r, const char *tag, int64_t rows)
{
    r->answer->tag = tarn_str_view(tag);
    r->answer->rows = rows;
}

enum tarn_status tarn__answer_query(struct tarn__run *r, struct tarn_sql_text text)
{
    return tarn_session_query(r->sql->env->flow.session, r->op, text, &r->answer->result);
}

static void put_row(struct tarn_buf *b, const struct tarn_batch *batch, size_t row,
                    struct tarn_buf *cell)
{
    tarn_buf_put(b, '(');
    for (size_t i = 0; i < batch->column_count; i++) {
        tarn_buf_z(b, i ? ", " : "");
        if (tarn_column_is_null(&batch->columns[i], row)) {
            tarn_buf_z(b, "NULL");
            continue;
        }
        tarn_buf_reset(cell);
        tarn_column_text(cell, &batch->columns[i], row);
        tarn_buf_sql_text(b, tarn_buf_view(cell));
    }
    tarn_buf_put(b, ')');
}

/* SELECT CAST(c0 AS ..) AS "name", .. FROM (VALUES (0, ..), (1, ..)) ORDER BY n */
static enum tarn_status rows_sql(struct tarn__run *r, struct tarn_producer *p,
                                 const struct tarn_type *type, struct tarn_buf *b)
{
    struct tarn_batch batch;
    struct tarn_buf cell;
    bool any = false;
    enum tarn_status status;
    tarn_buf_init(&cell, ROWS_SQL_MAX);
    tarn_buf_z(b, "SELECT ");
    for (size_t i = 0; i < type->field_count; i++) {
        tarn_buf_printf(b, "%sCAST(c%zu AS ", i ? ", " : "", i);
        tarn_engine_type_sql(b, &type->fields[i].type);
        tarn_buf_z(b, ") AS ");
        tarn_buf_sql_name(b, type->fields[i].name);
    }
    tarn_buf_z(b, " FROM (VALUES ");
    do {
        TARN_GO(p->next(p, r->op, 0, &batch));
        for (size_t i = 0; i < batch.rows; i++, any = true) {
            tarn_buf_z(b, any ? ", " : "");
            put_row(b, &batch, i, &cell);
        }
    } while (batch.rows);
    for (size_t i = 0; !any && i < type->field_count; i++)
        tarn_buf_z(b, i == 0 ? "(NULL" : ", NULL");
    tarn_buf_z(b, any ? ") AS t(" : ")) AS t(");
    for (size_t i = 0; i < type->field_count; i++)
        tarn_buf_printf(b, "%sc%zu", i ? ", " : "", i);
    tarn_buf_z(b, any ? ")" : ") WHERE false");
    status = (enum tarn_status)tarn_buf_finish(r->op, b, "an answer");
out:
    tarn_buf_release(&cell);
    return status;
}

enum tarn_status tarn__answer_rows(struct tarn__run *r, struct tarn_rows *rows,
                                   const struct tarn_type *type)
{
    struct tarn_buf b;
    tarn_buf_init(&b, ROWS_SQL_MAX);
    enum tarn_status status = rows_sql(r, tarn_rows_producer(rows), type, &b);
    if (status == TARN_OK)
        status =
            tarn__answer_query(r, (struct tarn_sql_text){.sql = tarn_buf_view(&b), .line0 = 1});
    tarn_buf_release(&b);
    return status;
}

/* ---- statements */

static enum tarn_status run_engine(struct tarn__run *r)
{
    if (r->sql->in_transaction)
        TARN_TRY(tarn__pin_refs(r, r->text));
    r->answer->tag = TARN_STR("SELECT");
    return tarn__answer_query(r, r->text);
}

/* Quotes and comments that are open take the rest of the text. What the engine knows of it tells
 * itself. */
static enum tarn_status check_closed(struct tarn__run *r)
{
    struct tarn_str sql = r->text.sql;
    struct tarn_sql_token t;
    size_t end = 0, open;
    enum tarn_status status = TARN_OK;
    for (size_t p = 0; tarn_sql_token(sql, p, &t); p = end = t.end) {
        bool back = t.kind == TARN_SQL_QUOTED && sql.ptr[t.begin] == '`' && t.end == sql.len;
        if (!back || (t.end - t.begin > 1 && sql.ptr[t.end - 1] == '`'))
            continue;
        status = tarn_fail(r->op, TARN_SQL, "a name in back quotes is not closed");
        tarn__place_at(&r->words, t.begin);
    }
    if (!tarn_sql_open_comment(sql, end, &open))
        return status;
    status = tarn_fail(r->op, TARN_SQL, "a comment is not closed");
    tarn_hint(r->op, "*/ ends it; comments inside of comments are closed one by one");
    tarn__place_at(&r->words, open);
    return status;
}

static enum tarn_status run_statement(struct tarn__run *r)
{
    bool with, analyze;
    TARN_TRY(check_closed(r));
    const struct tarn__verb_row *explained = tarn__explained_verb(&r->words, &analyze, &with);
    const struct tarn__verb_row *verb = explained ? explained : tarn__verb_of(&r->words, &with);
    if (!verb)
        return run_engine(r);
    if (!with)
        tarn__skip(&r->words);
    if (explained)
        return tarn__run_explained(r, explained, analyze);
    r->again = verb->again;
    return verb->run(r);
}

static enum tarn_status run_once(struct tarn__run *r)
{
    struct tarn_sql *s = r->sql;
    struct tarn_op *op = r->op;
    struct tarn_answer *out = r->answer;
    *out = (struct tarn_answer){.rows = -1};
    r->raced = false;
    tarn__words_begin(&r->words, op, r->text);
    enum tarn_status status = run_statement(r);
    if (status != TARN_OK && op->report.status == TARN_OK)
        status = tarn_op_adopt(op, &s->op); /* it went wrong with the transaction's own memory */
    tarn_clear(&s->op);
    if (!s->in_transaction) {
        tarn__unpin_all(s, op);
        tarn_arena_reset(s->op.arena);
    }
    if (status != TARN_OK) {
        tarn_sql_advise(op, &r->text);
        tarn_result_close(out->result);
        out->result = NULL;
    }
    return status;
}

enum tarn_status tarn_sql_run(struct tarn_sql *s, struct tarn_op *op, struct tarn_sql_text text,
                              struct tarn_answer *out)
{
    struct tarn__run r = {.sql = s, .op = op, .text = text, .answer = out};
    s->op.cancel = op->cancel;
    s->op.deadline_ns = op->deadline_ns;
    s->op.log = op->log;
    enum tarn_status status = run_once(&r);
    for (int tries = 1; status != TARN_OK && tarn__may_run_again(&r, tries); tries++) {
        tarn_clear(op);
        TARN_TRY(tarn__wait_for_others(op, tries));
        status = run_once(&r);
    }
    return status;
}

bool tarn_sql_next(struct tarn_str script, size_t *at, struct tarn_str *out, bool *complete)
{
    struct tarn_sql_token t;
    size_t begin = 0, end = *at;
    bool any = false;
    *complete = false;
    for (size_t p = *at; tarn_sql_token(script, p, &t); p = t.end) {
        *at = t.end;
        if (tarn_sql_token_is(script, &t, ";")) {
            if (!any)
                continue; /* an empty statement */
            *complete = true;
            break;
        }
        begin = any ? begin : t.begin;
        end = t.end;
        any = true;
    }
    size_t open;
    if (!*complete && tarn_sql_open_comment(script, end, &open)) { /* an error to be told */
        begin = any ? begin : open;
        *at = end = script.len;
        any = true;
    }
    *out = tarn_str_of(script.ptr + begin, end - begin);
    return any;
}
