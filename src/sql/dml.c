/* dml: what DELETE, UPDATE and MERGE share: the target's name, pieces of the statement, the end. */
#include "sql/dml_int.h"
#include "sql/explain_int.h"

static const char *const own_tables[] = {"tarn rows",   "tarn inserts", "tarn orphans",
                                         "tarn source", "tarn whole",   "tarn pairs",
                                         "tarn blame"};

/* ---- the beginning */

enum tarn_status tarn__dml_begin(struct tarn__dml *d, struct tarn__run *r, const char *verb)
{
    struct tarn__words *w = &r->words;
    *d = (struct tarn__dml){.r = r, .op = tarn__change_op(r)};
    if (!tarn__at(w, "WITH") || tarn__at(w, "WITH SCHEMA EVOLUTION"))
        return TARN_OK; /* the verb was taken */
    d->with = tarn__take_until(w, "INSERT|UPDATE|DELETE|MERGE");
    return tarn__expect(w, verb);
}

static enum tarn_status property_mode(struct tarn__dml *d)
{
    struct tarn_str key = tarn_sprintf(d->op, "write.%s.mode", d->what);
    if (!key.ptr)
        return TARN_NOMEM;
    const struct tarn_str *v = tarn_kvs_get(&d->table->metadata.properties, key.ptr);
    d->lineage = d->table->metadata.format_version >= 3;
    d->copy_on_write = !v || tarn_str_eq_nocase(*v, TARN_STR("copy-on-write"));
    if (d->copy_on_write || tarn_str_eq_nocase(*v, TARN_STR("merge-on-read"))) {
        d->copy_on_write = d->copy_on_write || d->table->metadata.format_version < 2;
        return d->copy_on_write ? TARN_OK : tarn_row_key_of(d->op, d->table, &d->by_key);
    }
    (void)tarn_fail(d->op, TARN_CONFIG, "table property \"%.*s\" is \"%.*s\"", TARN_STR_ARG(key),
                    TARN_STR_ARG(*v));
    tarn_hint(d->op, "it is copy-on-write or merge-on-read");
    return TARN_CONFIG;
}

/* The branch that is written to: main, or the one behind the table's name. */
static enum tarn_status find_branch(struct tarn__dml *d)
{
    const struct tarn_metadata *m = &d->table->metadata;
    struct tarn_str suffix = d->target.suffix;
    d->snapshot = tarn_metadata_current(m);
    if (!suffix.ptr)
        return TARN_OK;
    if (suffix.len < 7 || !tarn_str_eq_nocase(tarn_str_of(suffix.ptr, 7), TARN_STR("branch_"))) {
        (void)tarn_fail(d->r->op, TARN_INVALID, "a tag cannot be changed");
        tarn__place_at(&d->r->words, d->target.offset);
        return TARN_INVALID;
    }
    struct tarn_str name = tarn_str_of(suffix.ptr + 7, suffix.len - 7);
    const struct tarn_ref *ref = tarn_metadata_ref(m, name);
    enum tarn_status status = tarn_change_set_branch(d->change, d->op, name);
    if (status != TARN_OK)
        return status;
    if (ref)
        d->snapshot = tarn_metadata_snapshot(m, ref->snapshot_id);
    return TARN_OK;
}

/* Expressions may use these names, and we need them. */
static enum tarn_status check_columns(struct tarn__dml *d)
{
    static const char *const taken[] = {"_file", "_pos", "_row_id",
                                        "_last_updated_sequence_number"};
    for (size_t i = 0; i < (d->lineage ? 4 : 2); i++)
        if (tarn__dml_column(d->root, tarn_str_view(taken[i])) != SIZE_MAX)
            return tarn_fail(d->op, TARN_UNSUPPORTED,
                             "rows of table %.*s cannot be changed: its column \"%s\" has the "
                             "name of a metadata column",
                             TARN_STR_ARG(d->target.ident.name), taken[i]);
    return TARN_OK;
}

static enum tarn_status add_name(struct tarn__dml *d)
{
    struct tarn_ident i = d->table->ident;
    struct tarn_str full =
        tarn_sprintf(d->op, "%.*s.%.*s", TARN_STR_ARG(i.ns), TARN_STR_ARG(i.name));
    d->names[d->name_count].full = full;
    d->names[d->name_count++].alias = d->alias;
    return full.ptr ? TARN_OK : TARN_NOMEM;
}

static bool at_one_of(const struct tarn__words *w, const char *stops)
{
    struct tarn_str rest = tarn_str_view(stops), one;
    struct tarn_str word = tarn__word(w);
    while (rest.ptr && rest.len) {
        (void)tarn_str_cut(&rest, '|', &one);
        if (w->token.kind == TARN_SQL_WORD && tarn_str_eq_nocase(word, one))
            return true;
    }
    return false;
}

enum tarn_status tarn__dml_target(struct tarn__dml *d, const char *stops)
{
    struct tarn__words *w = &d->r->words;
    TARN_TRY(tarn__take_target(d->r, &d->target));
    TARN_TRY(tarn__target_table(d->r, &d->target, &d->table));
    d->root = &tarn_metadata_schema(&d->table->metadata)->root;
    d->alias = d->table->ident.name;
    bool as = tarn__take(w, "AS");
    bool name = w->token.kind == TARN_SQL_WORD || w->token.kind == TARN_SQL_QUOTED;
    if (as || (!w->end && name && !at_one_of(w, stops)))
        TARN_TRY(tarn__take_ident(w, &d->alias));
    else
        TARN_TRY(add_name(d));
    TARN_TRY(property_mode(d));
    TARN_TRY(check_columns(d));
    TARN_TRY(tarn_change_open(d->r->sql->env->flow.lake, d->op, d->table, &d->change));
    return find_branch(d);
}

enum tarn_status tarn__dml_set_schema(struct tarn__dml *d, const struct tarn_schema *schema)
{
    struct tarn_table *grown;
    TARN_TRY(tarn_change_set_schema(d->change, d->op, schema));
    TARN_NEW(d->op, grown);
    *grown = *d->table;
    grown->metadata = *tarn_change_metadata(d->change);
    d->table = grown;
    d->root = &tarn_metadata_schema(&grown->metadata)->root;
    return check_columns(d);
}

enum tarn_status tarn__dml_returning(struct tarn__dml *d)
{
    struct tarn__words *w = &d->r->words;
    if (tarn__take(w, "RETURNING")) {
        d->returning = tarn__take_until(w, ";");
        if (d->returning.len == 0)
            return tarn__expect(w, "what to return");
        if (d->r->explain)
            d->returning = (struct tarn_str){NULL, 0};
    }
    return tarn__expect_end(w);
}

/* ---- pieces */

/* Does the piece end with the word DISTINCT? */
static bool ends_distinct(struct tarn_str piece)
{
    struct tarn_sql_token t, last = {0};
    bool any = false;
    for (size_t p = 0; tarn_sql_token(piece, p, &t); p = t.end, any = true)
        last = t;
    return any && tarn_sql_token_is(piece, &last, "DISTINCT");
}

enum tarn_status tarn__dml_expr(struct tarn__dml *d, const char *stops, const char *what,
                                struct tarn_str *out)
{
    struct tarn__words *w = &d->r->words;
    *out = tarn__take_until(w, stops);
    while (tarn__at(w, "FROM") && ends_distinct(*out)) {
        tarn__skip(w);
        struct tarn_str more = tarn__take_until(w, stops);
        if (more.len == 0)
            break;
        out->len = (size_t)(more.ptr + more.len - out->ptr);
    }
    return out->len ? TARN_OK : tarn__expect(w, what);
}

/* A chain of names with dots at a token; *rest: where what follows the matched name begins. */
static bool matches_name(const struct tarn__dml *d, struct tarn_str full, struct tarn_str piece,
                         struct tarn_sql_token t, size_t *rest)
{
    struct tarn_str catalog = d->r->sql->env->flow.lake->catalog->catalog_name;
    bool first = true;
    for (;;) {
        struct tarn_str word = tarn_str_of(piece.ptr + t.begin, t.end - t.begin);
        struct tarn_sql_token dot;
        if (t.kind == TARN_SQL_QUOTED && word.len >= 2)
            word = tarn_str_of(word.ptr + 1, word.len - 2);
        else if (t.kind != TARN_SQL_WORD)
            return false;
        if (!tarn_sql_token(piece, t.end, &dot) || !tarn_sql_token_is(piece, &dot, "."))
            return false;
        bool whole = full.len == word.len;
        if (full.len >= word.len && tarn_str_eq_nocase(tarn_str_of(full.ptr, word.len), word) &&
            (whole || full.ptr[word.len] == '.')) {
            if (whole) {
                *rest = dot.begin;
                return true;
            }
            full = tarn_str_of(full.ptr + word.len + 1, full.len - word.len - 1);
        } else if (!first || !tarn_str_eq_nocase(word, catalog)) {
            return false;
        }
        first = false;
        if (!tarn_sql_token(piece, dot.end, &t))
            return false;
    }
}

/* ns.t stands in a FROM clause, where ns.t.snapshots is a table of its own. */
static bool names_table(struct tarn_str piece, const struct tarn_sql_token *before)
{
    static const char *const words[] = {"FROM", "JOIN", "TABLE", "INTO"};
    for (size_t i = 0; before && i < sizeof words / sizeof words[0]; i++)
        if (tarn_sql_token_is(piece, before, words[i]))
            return true;
    return false;
}

static void put_quoted(struct tarn__compose *c, struct tarn_str name)
{
    tarn_buf_sql_name(&c->sql, name);
}

void tarn__dml_put(const struct tarn__dml *d, struct tarn__compose *c, struct tarn_str piece)
{
    struct tarn_sql_token t, before = {0};
    size_t from = 0, rest = 0;
    bool any = false;
    for (size_t p = 0; tarn_sql_token(piece, p, &t); p = t.end, before = t, any = true) {
        if (any && (tarn_sql_token_is(piece, &before, ".") || names_table(piece, &before)))
            continue;
        for (size_t i = 0; i < d->name_count; i++) {
            if (!matches_name(d, d->names[i].full, piece, t, &rest))
                continue;
            tarn__compose_piece(c, tarn_str_of(piece.ptr + from, t.begin - from));
            put_quoted(c, d->names[i].alias);
            from = rest;
            t.end = rest;
            break;
        }
    }
    tarn__compose_piece(c, tarn_str_of(piece.ptr + from, piece.len - from));
}

void tarn__dml_put_alias(const struct tarn__dml *d, struct tarn__compose *c)
{
    put_quoted(c, d->alias);
}

void tarn__dml_put_target(const struct tarn__dml *d, struct tarn__compose *c)
{
    tarn_buf_z(&c->sql, "tarn.\"dml target\" AS ");
    put_quoted(c, d->alias);
}

void tarn__dml_put_where(const struct tarn__dml *d, struct tarn__compose *c, struct tarn_str tables,
                         struct tarn_str where)
{
    if (tables.ptr) {
        tarn_buf_z(&c->sql, ", ");
        tarn__dml_put(d, c, tables);
    }
    if (where.ptr) {
        tarn_buf_z(&c->sql, "\nWHERE ");
        tarn__dml_put(d, c, where);
    }
}

size_t tarn__dml_column(const struct tarn_type *root, struct tarn_str name)
{
    for (size_t i = 0; i < root->field_count; i++)
        if (tarn_str_eq_nocase(root->fields[i].name, name))
            return i;
    return SIZE_MAX;
}

bool tarn__dml_has(const struct tarn__part *p, unsigned acts)
{
    for (size_t k = 0; k < p->count; k++)
        if (acts & 1u << p->actions[k].act)
            return true;
    return false;
}

void tarn__dml_put_rows(const struct tarn__part *p, unsigned acts, struct tarn_buf *b)
{
    const char *between = " WHERE \"tarn act\" IN (";
    bool all = !p->outer;
    for (size_t k = 0; k < p->count; k++)
        all = all && (p->actions[k].act == TARN__ACT_NOTHING || acts & 1u << p->actions[k].act);
    tarn_buf_printf(b, " FROM temp.main.\"%s\"", p->name);
    if (all || !p->conditional)
        return;
    for (size_t k = 0; k < p->count; k++)
        if (acts & 1u << p->actions[k].act) {
            tarn_buf_printf(b, "%s%zu", between, k);
            between = ", ";
        }
    tarn_buf_z(b, *between == ',' ? ")" : " WHERE false");
}

/* ---- small statements */

enum tarn_status tarn__dml_int(struct tarn__dml *d, struct tarn_buf *sql, int64_t *out)
{
    struct tarn_str text;
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, sql, "a statement", &text));
    return tarn_session_int(d->r->sql->env->flow.session, d->op, text, out);
}

enum tarn_status tarn__dml_exec(struct tarn__dml *d, struct tarn_buf *sql)
{
    struct tarn_str text;
    TARN_TRY((enum tarn_status)tarn_buf_take(d->op, sql, "a statement", &text));
    return tarn_session_exec(d->r->sql->env->flow.session, d->op, text);
}

/* ---- the end */

static enum tarn_status set_isolation(struct tarn__dml *d)
{
    struct tarn_str key = tarn_sprintf(d->op, "write.%s.isolation-level", d->what);
    if (!key.ptr)
        return TARN_NOMEM;
    const struct tarn_str *v = tarn_kvs_get(&d->table->metadata.properties, key.ptr);
    enum tarn_isolation level = TARN_ISOLATION_SERIALIZABLE;
    if (v && tarn_str_eq_nocase(*v, TARN_STR("snapshot")))
        level = TARN_ISOLATION_SNAPSHOT;
    else if (v && !tarn_str_eq_nocase(*v, TARN_STR("serializable")))
        return tarn_fail(d->op, TARN_CONFIG,
                         "table property \"%.*s\" is \"%.*s\": it is serializable or snapshot",
                         TARN_STR_ARG(key), TARN_STR_ARG(*v));
    return tarn_change_set_isolation(d->change, d->op, level, d->filter);
}

static void drop_own(struct tarn__dml *d)
{
    struct tarn_report keep = d->op->report;
    struct tarn_buf sql;
    tarn_clear(d->op);
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "DROP VIEW IF EXISTS temp.main.tarn_doomed");
    for (size_t i = 0; i < sizeof own_tables / sizeof own_tables[0]; i++)
        tarn_buf_printf(&sql, "; DROP TABLE IF EXISTS temp.main.\"%s\"", own_tables[i]);
    (void)!tarn_session_exec(d->r->sql->env->flow.session, d->op, tarn_buf_view(&sql));
    tarn_buf_release(&sql);
    d->op->report = keep;
}

enum tarn_status tarn__dml_finish(struct tarn__dml *d, struct tarn__part *parts, size_t count,
                                  const char *tag)
{
    int64_t rows = 0;
    for (size_t i = 0; i < count; i++)
        rows += parts[i].rows;
    TARN_TRY(tarn__explain_dml(d, count == 0));
    if (rows > 0)
        TARN_TRY(tarn__dml_write(d, parts, count));
    if (d->returning.ptr)
        TARN_TRY(tarn__dml_return(d, parts, count));
    TARN_TRY(set_isolation(d));
    if (!tarn_change_is_empty(d->change)) {
        struct tarn_change *change = d->change;
        d->change = NULL; /* it is taken back by publish */
        TARN_TRY(tarn__publish(d->r, change));
    }
    drop_own(d);
    if (d->returning.ptr)
        TARN_TRY(tarn__dml_answer(d));
    tarn__done(d->r, tag, rows);
    return TARN_OK;
}

void tarn__dml_end(struct tarn__dml *d, enum tarn_status status)
{
    struct tarn_report keep = d->op->report;
    if (status == TARN_OK)
        return;
    if (d->change)
        tarn_change_discard(d->change, d->op);
    if (!d->r->answer->result)
        drop_own(d);
    d->op->report = keep;
}
