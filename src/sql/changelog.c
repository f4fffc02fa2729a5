/* changelog: create_changelog_view: what happened to a table's rows, as a view of the session.
 *
 * Each snapshot's added and removed rows are scans of their own (lake/changes.h), put together under
 * _change_type, _change_ordinal and _commit_snapshot_id. Then, as Iceberg's Spark does,
 *   - rows that copy-on-write only carried over cancel out: of equal rows that one snapshot removed
 *     and added, as many as there are on the smaller side;
 *   - net changes: the same over all snapshots, the last one standing is told;
 *   - updates: a removed and an added row of the same identifier become UPDATE_BEFORE and
 *     UPDATE_AFTER.
 */
#include <string.h>

#include "lake/changes.h"
#include "sql/call_int.h"

#define SQL_MAX ((size_t)64 << 20)

struct changelog {
    struct tarn__call *call;
    struct tarn_table *table;
    struct tarn_str name; /* of the view */
    int64_t from;         /* exclusive, 0 = from the first snapshot */
    const struct tarn_snapshot *to;
    bool nothing; /* the stretch is empty */
    bool carry_over, net, updates;
    const struct tarn_field **ids; /* identifier columns */
    size_t id_count;
    struct tarn_changes changes;
};

/* ---- which stretch */

static const char *const options[] = {"start-snapshot-id", "end-snapshot-id", "start-timestamp",
                                      "end-timestamp", "carry-over-rows"};
enum option { START_ID, END_ID, START_TIME, END_TIME, CARRY_OVER, OPTION_COUNT };

static enum tarn_status unknown_option(struct tarn__call *c, const struct tarn__arg *a,
                                       struct tarn_str key)
{
    const char *nearest = tarn_str_nearest(key, options, OPTION_COUNT);
    (void)tarn__fail_arg(c, a, TARN_INVALID, "there is no option \"%.*s\"", TARN_STR_ARG(key));
    tarn_hint(c->op,
              nearest ? "did you mean %s?"
                      : "options are start-snapshot-id, end-snapshot-id, start-timestamp, "
                        "end-timestamp and carry-over-rows%s",
              nearest ? nearest : "");
    return TARN_INVALID;
}

static enum tarn_status number_option(struct tarn__call *c, const struct tarn__arg *a,
                                      enum option which, bool *given, int64_t *out)
{
    const struct tarn_str *text = tarn_kvs_get(&a->map, options[which]);
    *given = text != NULL;
    *out = 0;
    if (text && !tarn_str_to_i64(*text, out))
        return tarn__fail_arg(c, a, TARN_INVALID, "option %s must be a whole number, not '%.*s'",
                              options[which], TARN_STR_ARG(*text));
    return TARN_OK;
}

/* Walks from the current snapshot back: the oldest after a time, the newest up to a time. */
static const struct tarn_snapshot *oldest_after(const struct tarn_metadata *m, int64_t ms)
{
    const struct tarn_snapshot *s = tarn_metadata_current(m), *best = NULL;
    for (size_t n = 0; s && n <= m->snapshot_count && s->timestamp_ms > ms; n++) {
        best = s;
        s = s->parent_id ? tarn_metadata_snapshot(m, s->parent_id) : NULL;
    }
    return best;
}

static const struct tarn_snapshot *newest_until(const struct tarn_metadata *m, int64_t ms)
{
    const struct tarn_snapshot *s = tarn_metadata_current(m);
    for (size_t n = 0; s && n <= m->snapshot_count && s->timestamp_ms > ms; n++)
        s = s->parent_id ? tarn_metadata_snapshot(m, s->parent_id) : NULL;
    return s;
}

static enum tarn_status take_ends(struct changelog *l, const struct tarn__arg *a)
{
    struct tarn__call *c = l->call;
    const struct tarn_metadata *m = &l->table->metadata;
    bool start_id, end_id, start_time, end_time;
    int64_t end, start_ms, end_ms;
    TARN_TRY(number_option(c, a, START_ID, &start_id, &l->from));
    TARN_TRY(number_option(c, a, END_ID, &end_id, &end));
    TARN_TRY(number_option(c, a, START_TIME, &start_time, &start_ms));
    TARN_TRY(number_option(c, a, END_TIME, &end_time, &end_ms));
    if ((start_id && start_time) || (end_id && end_time))
        return tarn__fail_arg(c, a, TARN_INVALID,
                              "a stretch begins and ends at a snapshot or at a time, not both");
    if (start_time && end_time && start_ms > end_ms)
        return tarn__fail_arg(c, a, TARN_INVALID, "start-timestamp lies behind end-timestamp");
    l->to = end_id ? tarn_metadata_snapshot(m, end) : tarn_metadata_current(m);
    int64_t missing = end_id && !l->to ? end : 0;
    if (start_id && !tarn_metadata_snapshot(m, l->from))
        missing = l->from;
    if (missing)
        return tarn__fail_arg(c, a, TARN_NOT_FOUND, "table %.*s.%.*s has no snapshot %lld",
                              TARN_STR_ARG(l->table->ident.ns), TARN_STR_ARG(l->table->ident.name),
                              (long long)missing);
    if (end_time)
        l->to = newest_until(m, end_ms);
    const struct tarn_snapshot *first = start_time ? oldest_after(m, start_ms) : NULL;
    if (first)
        l->from = first->parent_id;
    l->nothing = !l->to || (start_time && !first) ||
                 (first && tarn_metadata_is_ancestor(m, l->to->snapshot_id, l->from));
    return TARN_OK;
}

static enum tarn_status take_options(struct changelog *l)
{
    struct tarn__call *c = l->call;
    const struct tarn__arg *a = tarn__arg(c, "options");
    for (size_t i = 0; i < a->map.count; i++) {
        bool known = false;
        for (size_t k = 0; k < OPTION_COUNT; k++)
            known = known || tarn_str_is(a->map.items[i].key, options[k]);
        if (!known)
            return unknown_option(c, a, a->map.items[i].key);
    }
    const struct tarn_str *carry = tarn_kvs_get(&a->map, options[CARRY_OVER]);
    l->carry_over = carry && tarn_str_eq_nocase(*carry, TARN_STR("true"));
    if (carry && !l->carry_over && !tarn_str_eq_nocase(*carry, TARN_STR("false")))
        return tarn__fail_arg(c, a, TARN_INVALID, "option carry-over-rows must be true or false");
    return take_ends(l, a);
}

/* ---- updates */

static enum tarn_status given_ids(struct changelog *l, const struct tarn__arg *a)
{
    const struct tarn_type *root = &tarn_metadata_schema(&l->table->metadata)->root;
    TARN_NEW_ARRAY(l->call->op, l->ids, a->count + 1);
    for (size_t i = 0; i < a->count; i++) {
        const struct tarn_field *f = tarn_type_field_by_name(root, a->items[i]);
        for (size_t k = 0; !f && k < root->field_count; k++)
            if (tarn_str_eq_nocase(root->fields[k].name, a->items[i]))
                f = &root->fields[k];
        if (!f)
            return tarn__fail_arg(l->call, a, TARN_COLUMN, "table %.*s.%.*s has no column \"%.*s\"",
                                  TARN_STR_ARG(l->table->ident.ns),
                                  TARN_STR_ARG(l->table->ident.name), TARN_STR_ARG(a->items[i]));
        l->ids[l->id_count++] = f;
    }
    return TARN_OK;
}

static enum tarn_status own_ids(struct changelog *l)
{
    const struct tarn_schema *s = tarn_metadata_schema(&l->table->metadata);
    TARN_NEW_ARRAY(l->call->op, l->ids, s->identifier_count + 1);
    for (size_t i = 0; i < s->identifier_count; i++) {
        const struct tarn_field *f = tarn_schema_field_by_id(s, s->identifier_ids[i]);
        if (!f || tarn_type_field_by_name(&s->root, f->name) != f)
            return tarn_fail(l->call->op, TARN_UNSUPPORTED,
                             "identifier fields inside of columns are not in this version");
        l->ids[l->id_count++] = f;
    }
    return TARN_OK;
}

static enum tarn_status take_updates(struct changelog *l)
{
    struct tarn__call *c = l->call;
    const struct tarn__arg *updates = tarn__arg(c, "compute_updates"),
                           *ids = tarn__arg(c, "identifier_columns"),
                           *net = tarn__arg(c, "net_changes");
    l->net = net->yes;
    l->updates = updates->given ? updates->yes : ids->count > 0;
    if (l->updates && l->net)
        return tarn__fail_arg(c, net, TARN_INVALID,
                              "net_changes and compute_updates exclude one another");
    if ((l->updates || l->net) && l->carry_over)
        return tarn__fail_arg(c, tarn__arg(c, "options"), TARN_INVALID,
                              "carry-over rows are left out of net changes and updates");
    TARN_TRY(given_ids(l, ids));
    if (l->updates && l->id_count == 0)
        TARN_TRY(own_ids(l));
    if (!l->updates || l->id_count)
        return TARN_OK;
    (void)tarn__fail_arg(c, updates, TARN_INVALID,
                         "updates cannot be told: table %.*s.%.*s has no identifier columns",
                         TARN_STR_ARG(l->table->ident.ns), TARN_STR_ARG(l->table->ident.name));
    tarn_hint(c->op, "name them: identifier_columns => array('id')");
    return TARN_INVALID;
}

static enum tarn_status take_view_name(struct changelog *l)
{
    const struct tarn__arg *a = tarn__arg(l->call, "changelog_view");
    struct tarn__words w;
    struct tarn__dotted d;
    if (!a->given) {
        l->name = tarn_sprintf(l->call->op, "%.*s_changes", TARN_STR_ARG(l->table->ident.name));
        return l->name.ptr ? TARN_OK : TARN_NOMEM;
    }
    tarn__words_begin(&w, l->call->op, (struct tarn_sql_text){.sql = a->text, .line0 = 1});
    if (tarn__take_dotted(&w, &d) != TARN_OK || !w.end || d.count != 1)
        return tarn__fail_arg(l->call, a, TARN_INVALID,
                              "argument \"changelog_view\" must be one name: the view is the "
                              "session's");
    l->name = d.parts[0];
    return TARN_OK;
}

/* ---- the query */

static void put_columns(struct changelog *l, struct tarn_buf *b)
{
    const struct tarn_type *root = &tarn_metadata_schema(&l->table->metadata)->root;
    for (size_t i = 0; i < root->field_count; i++) {
        tarn_buf_z(b, i ? ", " : "");
        tarn_buf_sql_name(b, root->fields[i].name);
    }
}

static void put_none(struct changelog *l, struct tarn_buf *b)
{
    const struct tarn_type *root = &tarn_metadata_schema(&l->table->metadata)->root;
    tarn_buf_z(b, "SELECT ");
    for (size_t i = 0; i < root->field_count; i++) {
        tarn_buf_z(b, "CAST(NULL AS ");
        tarn_engine_type_sql(b, &root->fields[i].type);
        tarn_buf_z(b, ") AS ");
        tarn_buf_sql_name(b, root->fields[i].name);
        tarn_buf_z(b, ", ");
    }
    tarn_buf_z(b, "'' AS _change_type, 0::INTEGER AS _change_ordinal, 0::BIGINT AS "
                  "_commit_snapshot_id WHERE false");
}

/* The i-th scan under a name of the session, and its rows. */
static enum tarn_status put_rows(struct changelog *l, struct tarn_buf *b, size_t i)
{
    const struct tarn_row_changes *rows = &l->changes.items[i];
    struct tarn_str name =
        tarn_sprintf(l->call->op, "changelog %.*s %zu", TARN_STR_ARG(l->name), i);
    if (!name.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_session_bind_scan(l->call->run->sql->env->flow.session, l->call->op, name,
                                    rows->scan, false));
    tarn_buf_z(b, "SELECT ");
    put_columns(l, b);
    tarn_buf_printf(b,
                    ", '%s' AS _change_type, %d::INTEGER AS _change_ordinal, %lld::BIGINT AS "
                    "_commit_snapshot_id FROM tarn.",
                    rows->deleted ? "DELETE" : "INSERT", rows->ordinal,
                    (long long)rows->snapshot->snapshot_id);
    tarn_buf_sql_name(b, name);
    return TARN_OK;
}

/* Did the snapshot remove and add rows? Then some may only have been carried over. */
static bool is_mixed(const struct changelog *l, int32_t ordinal)
{
    bool added = false, deleted = false;
    for (size_t i = 0; i < l->changes.count; i++) {
        if (l->changes.items[i].ordinal != ordinal)
            continue;
        added = added || !l->changes.items[i].deleted;
        deleted = deleted || l->changes.items[i].deleted;
    }
    return added && deleted;
}

/* Rows of the snapshots that did both, or of all others. */
static enum tarn_status put_union(struct changelog *l, struct tarn_buf *b, bool mixed, bool all,
                                  size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < l->changes.count; i++) {
        if (!all && is_mixed(l, l->changes.items[i].ordinal) != mixed)
            continue;
        tarn_buf_z(b, (*count)++ ? " UNION ALL " : "");
        TARN_TRY(put_rows(l, b, i));
    }
    return TARN_OK;
}

/* Of equal rows that a snapshot removed and added as many go as are on the smaller side. */
static enum tarn_status put_without_carried(struct changelog *l, struct tarn_buf *b)
{
    size_t plain, mixed;
    TARN_TRY(put_union(l, b, false, false, &plain));
    tarn_buf_z(b, plain ? " UNION ALL " : "");
    size_t before = b->len;
    tarn_buf_z(b, "SELECT * EXCLUDE (tarn_nth, tarn_others) FROM (SELECT *, row_number() OVER "
                  "(PARTITION BY ");
    put_columns(l, b);
    tarn_buf_z(b, ", _change_ordinal, _change_type) AS tarn_nth, count(*) OVER (PARTITION BY ");
    put_columns(l, b);
    tarn_buf_z(b, ", _change_ordinal) - count(*) OVER (PARTITION BY ");
    put_columns(l, b);
    tarn_buf_z(b, ", _change_ordinal, _change_type) AS tarn_others FROM (");
    TARN_TRY(put_union(l, b, true, false, &mixed));
    tarn_buf_z(b, ")) WHERE tarn_nth > tarn_others");
    if (mixed == 0 && !b->failed) {
        b->len = plain ? before - strlen(" UNION ALL ") : before;
        b->ptr[b->len] = '\0';
    }
    if (plain + mixed == 0)
        put_none(l, b);
    return TARN_OK;
}

/* Equal rows over the whole stretch: each change takes back the one before it that it undoes. What
 * is left is what no later change took back: a balance that is not gone below again. */
static enum tarn_status put_net(struct changelog *l, struct tarn_buf *b)
{
    size_t count;
    tarn_buf_z(b,
               "SELECT * EXCLUDE (tarn_step, tarn_balance, tarn_least, tarn_most) FROM (SELECT "
               "*, min(tarn_balance) OVER w AS tarn_least, max(tarn_balance) OVER w AS tarn_most "
               "FROM (SELECT *, row_number() OVER w AS tarn_step, sum(CASE WHEN _change_type = "
               "'INSERT' THEN 1 ELSE -1 END) OVER w AS tarn_balance FROM (");
    size_t inner = b->len;
    TARN_TRY(put_union(l, b, true, true, &count));
    if (count == 0 && !b->failed) {
        b->len = inner;
        put_none(l, b);
    }
    tarn_buf_z(b, ") WINDOW w AS (PARTITION BY ");
    put_columns(l, b);
    tarn_buf_z(b, " ORDER BY _change_ordinal, _change_type ROWS UNBOUNDED PRECEDING)) WINDOW w AS "
                  "(PARTITION BY ");
    put_columns(l, b);
    tarn_buf_z(b, " ORDER BY tarn_step ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)) WHERE "
                  "CASE WHEN _change_type = 'INSERT' THEN tarn_balance > 0 AND "
                  "coalesce(tarn_least >= tarn_balance, true) ELSE tarn_balance < 0 AND "
                  "coalesce(tarn_most <= tarn_balance, true) END");
    return TARN_OK;
}

static void put_ids(struct changelog *l, struct tarn_buf *b)
{
    for (size_t i = 0; i < l->id_count; i++) {
        tarn_buf_z(b, i ? ", " : "");
        tarn_buf_sql_name(b, l->ids[i]->name);
    }
}

static enum tarn_status put_updates(struct changelog *l, struct tarn_buf *b)
{
    tarn_buf_z(b, "SELECT ");
    put_columns(l, b);
    tarn_buf_z(b, ", CASE WHEN tarn_removed = 0 OR tarn_added = 0 THEN _change_type WHEN "
                  "tarn_removed > 1 OR tarn_added > 1 THEN error('updates cannot be told: a "
                  "snapshot changed several rows of the same identifier') WHEN _change_type = "
                  "'DELETE' THEN 'UPDATE_BEFORE' ELSE 'UPDATE_AFTER' END AS _change_type, "
                  "_change_ordinal, _commit_snapshot_id FROM (SELECT *, count(*) FILTER "
                  "(_change_type = 'DELETE') OVER w AS tarn_removed, count(*) FILTER "
                  "(_change_type = 'INSERT') OVER w AS tarn_added FROM (");
    TARN_TRY(put_without_carried(l, b));
    tarn_buf_z(b, ") WINDOW w AS (PARTITION BY ");
    put_ids(l, b);
    tarn_buf_z(b, ", _change_ordinal))");
    return TARN_OK;
}

static enum tarn_status put_query(struct changelog *l, struct tarn_buf *b)
{
    size_t count;
    if (l->net)
        return put_net(l, b);
    if (l->updates)
        return put_updates(l, b);
    if (!l->carry_over)
        return put_without_carried(l, b);
    TARN_TRY(put_union(l, b, true, true, &count));
    if (count == 0)
        put_none(l, b);
    return TARN_OK;
}

static enum tarn_status make_view(struct changelog *l)
{
    struct tarn_buf b, body;
    struct tarn_op *op = l->call->op;
    tarn_buf_init(&b, SQL_MAX);
    tarn_buf_init(&body, SQL_MAX);
    enum tarn_status status = put_query(l, &body);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_finish(op, &body, "a changelog's query");
    if (status == TARN_OK) {
        tarn_buf_z(&b, "CREATE OR REPLACE TEMP VIEW ");
        tarn_buf_sql_name(&b, l->name);
        tarn_buf_z(&b, " AS ");
        tarn_buf_str(&b, tarn_buf_view(&body));
        status = (enum tarn_status)tarn_buf_finish(op, &b, "a changelog's query");
    }
    if (status == TARN_OK)
        status = tarn_session_exec(l->call->run->sql->env->flow.session, op, tarn_buf_view(&b));
    tarn_buf_release(&body);
    tarn_buf_release(&b);
    return status;
}

/* ---- */

static enum tarn_status check_columns(struct changelog *l)
{
    static const char *const own[] = {"_change_type", "_change_ordinal", "_commit_snapshot_id"};
    const struct tarn_type *root = &tarn_metadata_schema(&l->table->metadata)->root;
    for (size_t i = 0; i < root->field_count; i++)
        for (size_t k = 0; k < 3; k++)
            if (tarn_str_eq_nocase(root->fields[i].name, tarn_str_view(own[k])))
                return tarn__fail_arg(l->call, tarn__arg(l->call, "table"), TARN_INVALID,
                                      "the table has a column \"%s\", as the changelog has",
                                      own[k]);
    return TARN_OK;
}

enum tarn_status tarn__create_changelog_view(struct tarn__call *c)
{
    struct changelog l = {.call = c};
    struct tarn__list list;
    struct tarn_str none = {NULL, 0};
    TARN_TRY(tarn__arg_table(c, "table", &l.table));
    TARN_TRY(take_view_name(&l));
    TARN_TRY(take_options(&l));
    TARN_TRY(take_updates(&l));
    TARN_TRY(check_columns(&l));
    if (!l.nothing)
        TARN_TRY(tarn_table_changes(c->run->sql->env->flow.lake, c->op, l.table, l.from, l.to, NULL,
                                    &l.changes));
    TARN_TRY(make_view(&l));
    TARN_TRY(tarn__list_begin(&list, c->run, "changelog_view"));
    TARN_TRY(tarn__list_texts(&list, l.name, none, none));
    return tarn__list_end(&list, "CALL");
}
