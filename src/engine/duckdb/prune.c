/* prune: what a statement asks of each table, as filters for scan planning.
 *
 * A second, small instance (the planner) holds empty tables of the names' types. There the
 * statement is bound and optimised, and the plan (json_serialize_plan) tells the filters that the
 * optimiser pushed into each scan, with typed constants: LIKE 'ab%' has become a range, date_trunc
 * a range, a join's equality has crossed over. All that is not understood is UNKNOWN, several scans
 * of a table are ORed, and on any failure there is no filter: planning may keep too much, never too
 * little. The engine applies the whole filter again.
 *
 * What may differ between the planner and the engine:
 *   now()          is folded into constants a little earlier: constants of time are widened by
 *                  a day, others distrusted.
 *   getvariable..  know another session: no filter at all.
 *   NaN            is the greatest double for the engine, and no part of Iceberg's bounds: "> x"
 *                  also asks for NaN.
 *   -0.0           equals 0.0 for the engine, and is below it in Iceberg's bounds: zero is
 *                  widened to both.
 */
#include "engine/duckdb/prune_int.h"

/* statistics_propagation sees that the tables are empty; the others make plans that cannot be
 * serialised. */
#define PLANNER_SETTINGS                                                                          \
    "SET "                                                                                        \
    "disabled_optimizers='statistics_propagation,late_materialization,column_lifetime,top_n,top_" \
    "n_window_elimination,compressed_materialization,"                                            \
    "build_side_probe_side'; SET TimeZone='UTC'"

/* ---- words that make a plan depend on when or where it is made */

static bool word_in(struct tarn_str word, const char *const *list)
{
    for (; *list; list++)
        if (tarn_str_eq_nocase(word, tarn_str_view(*list)))
            return true;
    return false;
}

static void scan_words(struct tarn_str sql, bool *timed, bool *foreign)
{
    static const char *const of_time[] = {"now",
                                          "today",
                                          "current_timestamp",
                                          "get_current_timestamp",
                                          "transaction_timestamp",
                                          "current_date",
                                          "current_time",
                                          "get_current_time",
                                          "current_localtime",
                                          "current_localtimestamp",
                                          "localtime",
                                          "localtimestamp",
                                          "age",
                                          "unix_timestamp",
                                          NULL};
    static const char *const of_session[] = {"getvariable",
                                             "current_setting",
                                             "current_schema",
                                             "current_schemas",
                                             "current_database",
                                             "current_catalog",
                                             "current_user",
                                             "current_role",
                                             "session_user",
                                             "user",
                                             "version",
                                             "txid_current",
                                             "nextval",
                                             "currval",
                                             "getenv",
                                             "current_connection_id",
                                             "current_query",
                                             "current_query_id",
                                             "current_transaction_id",
                                             NULL};
    struct tarn_sql_token t;
    for (size_t p = 0; tarn_sql_token(sql, p, &t); p = t.end) {
        struct tarn_str word = tarn_str_of(sql.ptr + t.begin, t.end - t.begin);
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        if (t.kind != TARN_SQL_WORD && t.kind != TARN_SQL_QUOTED)
            continue;
        *timed = *timed || word_in(word, of_time);
        *foreign = *foreign || word_in(word, of_session);
    }
}

/* ---- the planner's session */

static enum tarn_status planner_query(duckdb_connection con, struct tarn_op *op,
                                      struct tarn_buf *sql)
{
    duckdb_result r;
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, sql, "a statement for the planner"));
    duckdb_state state = duckdb_query(con, tarn_buf_view(sql).ptr, &r);
    enum tarn_status status = TARN_OK;
    if (state != DuckDBSuccess)
        status = tarn_fail(op, TARN_INTERNAL, "the planner failed: %s", duckdb_result_error(&r));
    duckdb_destroy_result(&r);
    return status;
}

static enum tarn_status planner_open(struct tarn_session *s, struct tarn_op *op)
{
    duckdb_database db;
    struct tarn_buf sql;
    if (s->plan)
        return TARN_OK;
    TARN_TRY(tarn__engine_planner(s->engine, op, &db));
    if (!s->planner && duckdb_connect(db, &s->planner) != DuckDBSuccess)
        return tarn_fail(op, TARN_NOMEM, "the planner gave no connection");
    tarn_buf_init(&sql, 4096);
    tarn_buf_z(&sql, PLANNER_SETTINGS);
    enum tarn_status status = planner_query(s->planner, op, &sql);
    tarn_buf_release(&sql);
    TARN_TRY(status);
    if (duckdb_prepare(s->planner, "SELECT json_serialize_plan($1::VARCHAR, optimize := true)",
                       &s->plan) != DuckDBSuccess) {
        duckdb_destroy_prepare(&s->plan);
        return tarn_fail(op, TARN_INTERNAL, "the planner cannot serialise plans");
    }
    return TARN_OK;
}

static void stub_sql(struct tarn_buf *b, const struct tarn_session *s, const struct tarn__name *n)
{
    tarn_buf_z(b, "; CREATE SCHEMA IF NOT EXISTS ");
    tarn__name_sql(b, s, n->schema, (struct tarn_str){NULL, 0});
    if (!n->relation.schema) {
        tarn_buf_z(b, "; CREATE VIEW ");
        tarn__name_sql(b, s, n->schema, n->name);
        tarn_buf_z(b, " AS ");
        tarn_buf_str(b, n->view_sql);
        return;
    }
    tarn_buf_z(b, "; CREATE TABLE ");
    tarn__name_sql(b, s, n->schema, n->name);
    tarn_buf_z(b, " (");
    for (size_t i = 0; i < n->relation.schema->field_count; i++) {
        tarn_buf_z(b, i > 0 ? ", " : "");
        tarn_buf_sql_name(b, n->relation.schema->fields[i].name);
        tarn_buf_put(b, ' ');
        tarn__type_sql(b, &n->relation.schema->fields[i].type);
    }
    tarn__meta_columns(b, n->meta);
    tarn_buf_put(b, ')');
}

/* A new catalog each time: nothing of an earlier statement is left in it. */
static enum tarn_status make_stubs(struct tarn_session *s, struct tarn_op *op,
                                   const struct tarn__names *names)
{
    struct tarn_buf sql;
    struct tarn_str catalog = tarn_str_view(s->catalog);
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "USE memory; DETACH DATABASE IF EXISTS ");
    tarn_buf_sql_name(&sql, catalog);
    tarn_buf_z(&sql, "; ATTACH ':memory:' AS ");
    tarn_buf_sql_name(&sql, catalog);
    tarn_buf_z(&sql, "; USE ");
    tarn_buf_sql_name(&sql, catalog);
    tarn__macros_sql(&sql, s);
    for (size_t i = 0; i < names->count; i++)
        stub_sql(&sql, s, &names->items[i]);
    enum tarn_status status = planner_query(s->planner, op, &sql);
    tarn_buf_release(&sql);
    return status;
}

/* ---- the plan */

static struct tarn_str member(const struct tarn_json *o, const char *key)
{
    const struct tarn_json *m = tarn_json_get(o, key);
    return m && m->kind == TARN_JSON_K_STRING ? m->text : TARN_STR("");
}

struct reading {
    struct tarn__prune_op p;
    struct tarn_session *session;
    struct tarn__names *names;
    struct tarn_expr **found; /* one a name: the OR of its scans so far */
    enum tarn_status status;
};

static size_t name_of_scan(const struct reading *r, const struct tarn_json *get)
{
    const struct tarn_json *f = tarn_json_get(get, "function_data");
    if (!f || !tarn_str_is(member(f, "catalog"), r->session->catalog))
        return SIZE_MAX;
    for (size_t i = 0; i < r->names->count; i++) {
        const struct tarn__name *n = &r->names->items[i];
        if (n->relation.schema && tarn_str_eq_nocase(member(f, "schema"), n->schema) &&
            tarn_str_eq_nocase(member(f, "table"), n->name))
            return i;
    }
    return SIZE_MAX;
}

static const struct tarn_json *nth(const struct tarn_json *array, int64_t n)
{
    const struct tarn_json *x = array ? array->first : NULL;
    while (x && n-- > 0)
        x = x->next;
    return x;
}

/* The AND over the columns of one scan. */
static enum tarn_status scan_filter(struct reading *r, const struct tarn_json *get,
                                    const struct tarn_type *root, struct tarn_expr *out)
{
    const struct tarn_json *filters = tarn_json_get(tarn_json_get(get, "table_filters"), "filters");
    const struct tarn_json *columns = tarn_json_get(get, "names");
    size_t n = filters ? filters->count : 0;
    *out = (struct tarn_expr){.op = TARN_EXPR_AND};
    TARN_NEW_ARRAY(r->p.op, out->args, n + 1);
    for (const struct tarn_json *x = filters ? filters->first : NULL; x; x = x->next) {
        const struct tarn_json *key = tarn_json_get(x, "key"), *value = tarn_json_get(x, "value");
        int64_t at;
        if (!key || !value || !tarn_str_to_i64(key->text, &at))
            continue;
        const struct tarn_json *column = nth(columns, at);
        const struct tarn_field *field =
            column ? tarn_type_field_by_name(root, column->text) : NULL;
        if (field)
            TARN_TRY(tarn__prune_filter(&r->p, value, field, &out->args[out->arg_count++]));
    }
    tarn__prune_simplify(out);
    return TARN_OK;
}

static enum tarn_status on_scan(struct reading *r, const struct tarn_json *get)
{
    size_t i = name_of_scan(r, get);
    struct tarn_expr *one, *any;
    if (i == SIZE_MAX)
        return TARN_OK;
    TARN_NEW(r->p.op, one);
    TARN_TRY(scan_filter(r, get, r->names->items[i].relation.schema, one));
    if (!r->found[i]) {
        r->found[i] = one;
        return TARN_OK;
    }
    TARN_NEW(r->p.op, any);
    *any = (struct tarn_expr){.op = TARN_EXPR_OR, .arg_count = 2};
    TARN_NEW_ARRAY(r->p.op, any->args, 2);
    any->args[0] = *r->found[i];
    any->args[1] = *one;
    tarn__prune_simplify(any);
    r->found[i] = any;
    return TARN_OK;
}

static enum tarn_status walk(struct reading *r, const struct tarn_json *j)
{
    if (j->kind == TARN_JSON_K_OBJECT && tarn_str_is(member(j, "type"), "LOGICAL_GET"))
        TARN_TRY(on_scan(r, j));
    for (const struct tarn_json *x = j->first; x; x = x->next)
        TARN_TRY(walk(r, x));
    return TARN_OK;
}

static enum tarn_status read_plan(struct reading *r, struct tarn_str sql)
{
    struct tarn_str json;
    struct tarn_json *root;
    struct tarn_op *op = r->p.op;
    TARN_TRY(tarn__text_call(r->session, op, r->session->plan, sql, &json));
    TARN_TRY(tarn_json_parse(op, json, "a plan", &root));
    const struct tarn_json *failed = tarn_json_get(root, "error"),
                           *plans = tarn_json_get(root, "plans");
    if (!plans || (failed && failed->kind == TARN_JSON_K_BOOL && failed->boolean))
        return TARN_OK;
    return walk(r, plans);
}

static enum tarn_status prune(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                              struct tarn__names *names)
{
    struct reading r = {.p = {.op = op}, .session = s, .names = names};
    bool foreign = false;
    scan_words(sql, &r.p.timed, &foreign);
    for (size_t i = 0; i < names->count; i++)
        if (names->items[i].view_sql.ptr)
            scan_words(names->items[i].view_sql, &r.p.timed, &foreign);
    if (foreign)
        return TARN_OK;
    TARN_TRY(planner_open(s, op));
    TARN_TRY(make_stubs(s, op, names));
    TARN_NEW_ARRAY(op, r.found, names->count + 1);
    TARN_TRY(read_plan(&r, sql));
    for (size_t i = 0; i < names->count; i++)
        if (r.found[i] && r.found[i]->op != TARN_EXPR_TRUE && r.found[i]->op != TARN_EXPR_UNKNOWN)
            names->items[i].filter = r.found[i];
    return TARN_OK;
}

void tarn__prune(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                 struct tarn__names *names)
{
    struct tarn_report keep = op->report;
    if (prune(s, op, sql, names) != TARN_OK)
        op->report = keep;
}
