/* create: CREATE and REPLACE TABLE, with or without rows.
 *
 *     CREATE [OR REPLACE] TABLE [IF NOT EXISTS] t [(column type ..)] [clauses] [AS query]
 *     CREATE TABLE t LIKE u [clauses]             REPLACE TABLE t ..
 *
 * clauses, in any order: USING iceberg, PARTITIONED BY, SORTED BY, WRITE ORDERED BY .., LOCATION,
 * COMMENT, TBLPROPERTIES, and Trino's WITH (partitioning = .., sorted_by = ..).
 */
#include <string.h>

#include "sql/create_int.h"
#include "sql/explain_int.h"

/* ---- columns */

static enum tarn_status add_column(struct tarn__create *x, const struct tarn__column_def *c)
{
    struct tarn__run *r = x->r;
    for (size_t i = 0; i < x->column_count; i++)
        if (tarn_str_eq_nocase(x->columns[i].field.name, c->field.name)) {
            (void)tarn_fail(r->op, TARN_SQL, "column \"%.*s\" is defined twice",
                            TARN_STR_ARG(c->field.name));
            tarn__place_at(&r->words, c->name.begin);
            return TARN_SQL;
        }
    TARN_GROW(r->op, x->columns, x->column_count, x->column_cap);
    x->columns[x->column_count++] = *c;
    return TARN_OK;
}

static enum tarn_status take_column(struct tarn__create *x)
{
    struct tarn__run *r = x->r;
    struct tarn__column_def c;
    TARN_TRY(tarn__take_column(r, &c));
    if (c.name.count > 1 || c.first || c.after.ptr) {
        (void)tarn_fail(r->op, TARN_SQL, "a new table's column has one name and no place");
        tarn__place_at(&r->words, c.name.begin);
        return TARN_SQL;
    }
    return add_column(x, &c);
}

static enum tarn_status take_constraint(struct tarn__create *x)
{
    struct tarn__words *w = &x->r->words;
    struct tarn_str name;
    if (tarn__take(w, "CONSTRAINT"))
        TARN_TRY(tarn__take_ident(w, &name));
    if (!tarn__take(w, "PRIMARY KEY"))
        return tarn__fail_here(w, TARN_UNSUPPORTED, "a table has no constraints but PRIMARY KEY");
    if (!tarn__at(w, "("))
        return tarn__expect(w, "(");
    TARN_TRY(tarn__take_names(w, &x->keys, &x->key_count));
    if (tarn__take(w, "NOT ENFORCED"))
        return TARN_OK;
    return TARN_OK;
}

static bool at_constraint(const struct tarn__words *w)
{
    static const char *const words[] = {"CONSTRAINT", "PRIMARY KEY", "UNIQUE (", "CHECK (",
                                        "FOREIGN KEY"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(w, words[i]))
            return true;
    return false;
}

static enum tarn_status take_columns(struct tarn__create *x)
{
    struct tarn__words *w = &x->r->words;
    if (!tarn__take(w, "("))
        return TARN_OK;
    do
        TARN_TRY(at_constraint(w) ? take_constraint(x) : take_column(x));
    while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

/* ---- clauses */

static enum tarn_status take_using(struct tarn__create *x)
{
    struct tarn__words *w = &x->r->words;
    struct tarn_str name;
    size_t offset = w->token.begin;
    TARN_TRY(tarn__take_ident(w, &name));
    if (tarn_str_eq_nocase(name, TARN_STR("iceberg")))
        return TARN_OK;
    (void)tarn_fail(x->r->op, TARN_UNSUPPORTED, "tables are Iceberg tables, not \"%.*s\"",
                    TARN_STR_ARG(name));
    tarn__place_at(w, offset);
    return TARN_UNSUPPORTED;
}

/* Lists whose columns are not known before the clauses end are kept as text. */
static enum tarn_status keep_list(struct tarn__words *w, struct tarn_str *out)
{
    TARN_TRY(tarn__expect(w, "("));
    *out = tarn__take_until(w, "");
    return tarn__expect(w, ")");
}

static bool ends_order(const struct tarn__words *w)
{
    static const char *const words[] = {
        "USING", "PARTITIONED", "SORTED", "LOCATION", "COMMENT",   "WITH",    "OPTIONS",
        "AS",    ";",           "WRITE",  "LIKE",     "PARTITION", "CLUSTER", "TBLPROPERTIES"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (tarn__at(w, words[i]))
            return true;
    return w->end;
}

static void keep_order(struct tarn__words *w, struct tarn_str *out)
{
    size_t begin = w->token.begin, end = begin;
    int depth = 0;
    for (; depth > 0 || !ends_order(w); tarn__skip(w)) {
        depth += tarn__at(w, "(") - tarn__at(w, ")");
        end = w->token.end;
        if (w->end)
            break;
    }
    *out = tarn_str_of(w->text.sql.ptr + begin, end - begin);
}

static enum tarn_status take_clause(struct tarn__create *x, bool *more)
{
    struct tarn__run *r = x->r;
    struct tarn__words *w = &r->words;
    struct tarn_str text;
    *more = true;
    if (tarn__take(w, "USING"))
        return take_using(x);
    if (tarn__take(w, "PARTITIONED BY") || tarn__take(w, "PARTITION BY"))
        return keep_list(w, &x->partitions);
    if (tarn__take(w, "SORTED BY"))
        return keep_list(w, &x->sorted);
    if (tarn__take(w, "WRITE")) {
        keep_order(w, &x->write_order);
        return TARN_OK;
    }
    if (tarn__take(w, "LOCATION"))
        return tarn__take_string(w, &x->location);
    if (tarn__take(w, "COMMENT")) {
        TARN_TRY(tarn__take_string(w, &text));
        return tarn_kvs_with(r->op, &x->properties, TARN_STR("comment"), text, &x->properties);
    }
    if (tarn__take(w, "TBLPROPERTIES") || tarn__take(w, "OPTIONS"))
        return tarn__take_properties(r, &x->properties);
    if (tarn__take(w, "WITH"))
        return tarn__take_trino(x);
    if (tarn__at(w, "CLUSTERED") || tarn__at(w, "CLUSTER"))
        return tarn__fail_here(w, TARN_UNSUPPORTED,
                               "Iceberg tables are not clustered: PARTITIONED BY (bucket(n, c))");
    *more = false;
    return TARN_OK;
}

static enum tarn_status take_like(struct tarn__create *x)
{
    struct tarn__target t;
    if (!tarn__take(&x->r->words, "LIKE"))
        return TARN_OK;
    TARN_TRY(tarn__take_target(x->r, &t));
    return tarn__target_table(x->r, &t, &x->like);
}

static enum tarn_status take_query(struct tarn__create *x)
{
    struct tarn__words *w = &x->r->words;
    if (!tarn__take(w, "AS"))
        return TARN_OK;
    bool brackets = tarn__at(w, "(");
    x->query = tarn__take_until(w, "WITH DATA|WITH NO DATA");
    if (x->query.len == 0 || (brackets && x->query.len < 2))
        return tarn__expect(w, "SELECT");
    x->no_data = tarn__take(w, "WITH NO DATA");
    if (!x->no_data)
        (void)tarn__take(w, "WITH DATA");
    return TARN_OK;
}

static enum tarn_status take_table(struct tarn__create *x)
{
    struct tarn__run *r = x->r;
    bool more = true;
    x->if_not_exists = tarn__take(&r->words, "IF NOT EXISTS");
    TARN_TRY(tarn__take_target(r, &x->target));
    TARN_TRY(take_columns(x));
    TARN_TRY(take_like(x));
    while (more)
        TARN_TRY(take_clause(x, &more));
    TARN_TRY(take_query(x));
    TARN_TRY(tarn__expect_end(&r->words));
    if (x->if_not_exists && x->replace)
        return tarn_fail(r->op, TARN_SQL, "OR REPLACE and IF NOT EXISTS exclude each other");
    if (x->like && (x->column_count || x->query.ptr))
        return tarn_fail(r->op, TARN_SQL, "LIKE takes all columns from the other table");
    if (!x->like && !x->column_count && !x->query.ptr) {
        (void)tarn_fail(r->op, TARN_SQL, "a table needs columns: (name type, ..) or AS SELECT ..");
        tarn__place_at(&r->words, x->target.offset + x->target.length);
        return TARN_SQL;
    }
    return TARN_OK;
}

/* ---- carrying it out */

static enum tarn_status open_change(struct tarn__create *x, const struct tarn_table *old,
                                    const struct tarn_create *create, struct tarn_change **out)
{
    const struct tarn_lake *lake = x->r->sql->env->flow.lake;
    struct tarn_op *op = x->r->op;
    if (!old)
        return tarn_change_create(lake, op, x->target.ident, create, out);
    TARN_TRY(tarn_change_open(lake, op, old, out));
    return tarn_change_replace(*out, op, create);
}

static enum tarn_status fill(struct tarn__create *x, struct tarn_change *change,
                             struct tarn_written *written)
{
    struct tarn__rows_of_query q = {.query = x->query};
    if (!x->query.ptr || x->no_data)
        return TARN_OK;
    return tarn__write_query(x->r, &q, change, written);
}

static enum tarn_status exists(struct tarn__create *x, struct tarn_ident is)
{
    struct tarn__run *r = x->r;
    if (x->if_not_exists) {
        r->answer->notice = tarn_sprintf(r->op, "table %.*s.%.*s is there already",
                                         TARN_STR_ARG(is.ns), TARN_STR_ARG(is.name));
        tarn__done(r, "CREATE TABLE", -1);
        return r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
    }
    (void)tarn_fail(r->op, TARN_EXISTS, "table \"%.*s.%.*s\" is there already", TARN_STR_ARG(is.ns),
                    TARN_STR_ARG(is.name));
    tarn_hint(r->op, "CREATE OR REPLACE TABLE replaces it, IF NOT EXISTS leaves it as it is");
    tarn__place_at(&r->words, x->target.offset);
    return TARN_EXISTS;
}

static enum tarn_status explain(struct tarn__create *x, const struct tarn_table *old)
{
    struct tarn_ident i = x->target.ident;
    return tarn__explain_line(x->r,
                              "create: "
                              "%.*s.%.*s"
                              " is %s",
                              TARN_STR_ARG(i.ns), TARN_STR_ARG(i.name),
                              old ? "replaced; its old rows stay in the table's history"
                                  : "a new table");
}

static enum tarn_status make(struct tarn__create *x, const struct tarn_table *old)
{
    struct tarn_create create;
    struct tarn_change *change;
    struct tarn_written written = {0};
    TARN_TRY(tarn__create_definition(x, old, &create));
    TARN_TRY(open_change(x, old, &create, &change));
    enum tarn_status status = fill(x, change, &written);
    if (status != TARN_OK) {
        tarn_change_discard(change, x->r->op);
        return status;
    }
    x->r->again = x->r->again && (!old || !x->query.ptr);
    TARN_TRY(explain(x, old));
    TARN_TRY(tarn__publish(x->r, change));
    tarn__done(x->r, x->replace_only ? "REPLACE TABLE" : "CREATE TABLE",
               x->query.ptr ? written.rows : -1);
    return TARN_OK;
}

/* Views share the names of tables. */
static enum tarn_status check_view(struct tarn__create *x)
{
    struct tarn__run *r = x->r;
    struct tarn_str file;
    struct tarn_ident ident = x->target.ident;
    if (tarn_catalog_load_view(r->sql->env->flow.lake->catalog, r->op, ident, &file) != TARN_OK) {
        tarn_clear(r->op);
        return TARN_OK;
    }
    (void)tarn_fail(r->op, TARN_EXISTS, "\"%.*s.%.*s\" is there already: it is a view",
                    TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    tarn__place_at(&r->words, x->target.offset);
    return TARN_EXISTS;
}

static enum tarn_status create_table(struct tarn__run *r, bool replace, bool replace_only)
{
    struct tarn__create x = {.r = r, .replace = replace, .replace_only = replace_only};
    struct tarn_table *old;
    tarn__use_change_op(r);
    TARN_TRY(take_table(&x));
    if (r->explain && !x.query.ptr)
        return tarn__explain_refuse(r);
    TARN_TRY(tarn__require_namespace(r, &x.target));
    if (replace_only)
        TARN_TRY(tarn__target_table(r, &x.target, &old));
    else
        TARN_TRY(tarn__target_find(r, &x.target, &old));
    if (old && !x.replace)
        return exists(&x, old->ident);
    if (!old)
        TARN_TRY(check_view(&x));
    return make(&x, old);
}

enum tarn_status tarn__sql_create(struct tarn__run *r)
{
    struct tarn__words first, *w = &r->words;
    bool analyze, with;
    tarn__words_begin(&first, r->op, r->text);
    (void)tarn__explained_verb(&first, &analyze, &with);
    bool replace_only = tarn__at(&first, "REPLACE");
    bool replace = replace_only || tarn__take(w, "OR REPLACE");
    if (tarn__take(w, "TABLE"))
        return create_table(r, replace, replace_only);
    if (!replace_only && tarn__take(w, "VIEW"))
        return tarn__sql_create_view(r, replace);
    if (!replace &&
        (tarn__take(w, "NAMESPACE") || tarn__take(w, "SCHEMA") || tarn__take(w, "DATABASE")))
        return tarn__create_namespace(r);
    if (tarn__at(w, "EXTERNAL"))
        return tarn__fail_here(w, TARN_UNSUPPORTED, "external tables are not in this version");
    if (!replace_only && (tarn__take(w, "TEMP VIEW") || tarn__take(w, "TEMPORARY VIEW")))
        return tarn__sql_create_temp_view(r, replace);
    if (tarn__at(w, "TEMP") || tarn__at(w, "TEMPORARY")) {
        (void)tarn__fail_here(w, TARN_UNSUPPORTED, "temporary tables are not in this version");
        tarn_hint(w->op, "CREATE TEMP VIEW v AS SELECT .. keeps a query for the session");
        return TARN_UNSUPPORTED;
    }
    return tarn__expect(w, replace ? "TABLE" : "TABLE, VIEW or NAMESPACE");
}
