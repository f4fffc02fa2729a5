/* view: CREATE, ALTER and DROP VIEW, SHOW CREATE VIEW.
 *
 *     CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(a [COMMENT 'x'], ..)] [COMMENT 'y']
 *         [TBLPROPERTIES (..)] AS query
 *     ALTER VIEW [IF EXISTS] v AS query | RENAME TO w | SET TBLPROPERTIES (..)
 *         | UNSET TBLPROPERTIES [IF EXISTS] ('k', ..)
 *     DROP VIEW [IF EXISTS] v
 *     CREATE [OR REPLACE] TEMP VIEW v ..     of the session (temp_view.c)
 */
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "sql/ddl_int.h"
#include "sql/view_int.h"

/* ---- CREATE VIEW */

struct create_view {
    struct tarn__run *run;
    struct tarn__target target;
    struct tarn__view_text text;
    struct tarn_str comment;
    struct tarn_kvs properties;
};

static enum tarn_status take_columns(struct create_view *x)
{
    struct tarn__words *w = &x->run->words;
    struct tarn__view_text *t = &x->text;
    if (!tarn__take(w, "("))
        return TARN_OK;
    do {
        struct tarn_str *names, *comments;
        TARN_NEW_ARRAY(x->run->op, names, t->column_count + 1);
        TARN_NEW_ARRAY(x->run->op, comments, t->column_count + 1);
        if (t->column_count) {
            memcpy(names, t->columns, t->column_count * sizeof *names);
            memcpy(comments, t->comments, t->column_count * sizeof *comments);
        }
        TARN_TRY(tarn__take_ident(w, &names[t->column_count]));
        if (tarn__take(w, "COMMENT"))
            TARN_TRY(tarn__take_string(w, &comments[t->column_count]));
        t->columns = names;
        t->comments = comments;
        t->column_count++;
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

static enum tarn_status take_properties(struct create_view *x)
{
    bool taken =
        tarn__take(&x->run->words, "TBLPROPERTIES") || tarn__take(&x->run->words, "PROPERTIES");
    return taken ? tarn__take_properties(x->run, &x->properties) : TARN_OK;
}

/* All that is left of the statement. */
static enum tarn_status take_query(struct tarn__run *r, struct tarn_str *out)
{
    size_t begin = r->words.token.begin;
    struct tarn_str rest = tarn_str_of(r->text.sql.ptr + begin, r->text.sql.len - begin);
    rest.len = tarn_sql_trimmed(rest);
    if (r->words.end || rest.len == 0)
        return tarn__expect(&r->words, "a query");
    *out = rest;
    return TARN_OK;
}

static enum tarn_status take_statement(struct create_view *x)
{
    struct tarn__run *r = x->run;
    TARN_TRY(tarn__take_target(r, &x->target));
    TARN_TRY(take_columns(x));
    for (bool more = true; more;) {
        if (tarn__take(&r->words, "COMMENT"))
            TARN_TRY(tarn__take_string(&r->words, &x->comment));
        else if (tarn__at(&r->words, "TBLPROPERTIES") || tarn__at(&r->words, "PROPERTIES"))
            TARN_TRY(take_properties(x));
        else
            more = false;
    }
    TARN_TRY(tarn__expect(&r->words, "AS"));
    return take_query(r, &x->text.query);
}

static enum tarn_status needs_namespace(struct create_view *x)
{
    struct tarn__run *r = x->run;
    if (!(r->sql->env->flow.lake->catalog->ops->abilities & TARN_CATALOG_VIEWS))
        return tarn_fail(r->op, TARN_UNSUPPORTED, "this catalog keeps no views");
    if (x->target.ident.ns.ptr)
        return tarn__need_namespace(r, x->target.ident.ns, x->target.offset);
    (void)tarn_fail(r->op, TARN_INVALID, "view \"%.*s\" needs a namespace",
                    TARN_STR_ARG(x->target.ident.name));
    tarn_hint(r->op, "write namespace.view, or USE a namespace first");
    tarn__place_at(&r->words, x->target.offset);
    return TARN_INVALID;
}

static enum tarn_status make_new(struct create_view *x, struct tarn__view *v)
{
    struct tarn__run *r = x->run;
    char uuid[TARN_UUID_TEXT_MAX];
    TARN_TRY(tarn_uuid_v4(r->op, uuid));
    v->ident = x->target.ident;
    v->metadata = (struct tarn_view_metadata){.format_version = 1,
                                              .uuid = tarn_strdup(r->op, tarn_str_view(uuid))};
    if (!v->metadata.uuid.ptr)
        return TARN_NOMEM;
    return tarn__location_of(r, v->ident, &v->metadata.location);
}

static enum tarn_status set_properties(struct create_view *x, struct tarn__view *v)
{
    struct tarn_kvs *all = &v->metadata.properties;
    struct tarn_op *op = x->run->op;
    for (size_t i = 0; i < x->properties.count; i++)
        TARN_TRY(
            tarn_kvs_with(op, all, x->properties.items[i].key, x->properties.items[i].value, all));
    return x->comment.ptr ? tarn_kvs_with(op, all, TARN_STR("comment"), x->comment, all) : TARN_OK;
}

/* *there: nothing is to be done. */
static enum tarn_status look_before(struct create_view *x, bool replace, bool if_not_exists,
                                    struct tarn__view *v, bool *there)
{
    struct tarn__run *r = x->run;
    const struct tarn_sql_env *env = r->sql->env;
    struct tarn_table *table;
    struct tarn_str full = tarn_str_of(r->text.sql.ptr + x->target.offset, x->target.length);
    bool found;
    TARN_TRY(env->find(env->ctx, r->op, x->target.ident, &table));
    TARN_TRY(tarn__view_load(r, x->target.ident, v, &found));
    *there = if_not_exists && (found || table);
    if (*there) {
        r->answer->notice = tarn_sprintf(r->op, "%s \"%.*s\" is there already",
                                         table ? "table" : "view", TARN_STR_ARG(full));
        return TARN_OK;
    }
    if (table || (found && !replace)) {
        (void)tarn_fail(r->op, TARN_EXISTS, "%s \"%.*s\" exists already", table ? "table" : "view",
                        TARN_STR_ARG(full));
        if (!table)
            tarn_hint(r->op, "CREATE OR REPLACE VIEW makes a new version of it");
        tarn__place_at(&r->words, x->target.offset);
        return TARN_EXISTS;
    }
    if (!found)
        return make_new(x, v);
    v->metadata.properties = (struct tarn_kvs){0}; /* replaced with the rest */
    return TARN_OK;
}

enum tarn_status tarn__sql_create_view(struct tarn__run *r, bool or_replace)
{
    struct create_view x = {.run = r};
    struct tarn__view v;
    bool there, if_not_exists = tarn__take(&r->words, "IF NOT EXISTS");
    if (or_replace && if_not_exists)
        return tarn__fail_here(&r->words, TARN_SQL,
                               "OR REPLACE and IF NOT EXISTS exclude one another");
    TARN_TRY(tarn__outside_transaction(r, "CREATE VIEW"));
    TARN_TRY(take_statement(&x));
    TARN_TRY(needs_namespace(&x));
    TARN_TRY(look_before(&x, or_replace, if_not_exists, &v, &there));
    if (!there) {
        TARN_TRY(set_properties(&x, &v));
        TARN_TRY(tarn__view_add_version(r, &v, &x.text));
        TARN_TRY(tarn__view_publish(r, &v));
    }
    tarn__done(r, "CREATE VIEW", -1);
    return TARN_OK;
}

/* ---- CREATE TEMP VIEW */

static enum tarn_status look_before_temporary(struct create_view *x, bool replace,
                                              bool if_not_exists, bool *there)
{
    struct tarn__run *r = x->run;
    struct tarn_str name = x->target.ident.name;
    *there = tarn__temp_view(r, &x->target) && !replace;
    if (!x->target.bare) {
        (void)tarn_fail(r->op, TARN_INVALID, "a temporary view has a name of one part");
        tarn_hint(r->op, "it is no thing of the catalog: CREATE TEMP VIEW %.*s AS ..",
                  TARN_STR_ARG(name));
    } else if (!r->sql->env->temps) {
        (void)tarn_fail(r->op, TARN_UNSUPPORTED, "there are no temporary views here");
    } else if (*there && !if_not_exists) {
        (void)tarn_fail(r->op, TARN_EXISTS, "temporary view \"%.*s\" exists already",
                        TARN_STR_ARG(name));
        tarn_hint(r->op, "CREATE OR REPLACE TEMP VIEW takes its place");
    } else {
        return TARN_OK;
    }
    tarn__place_at(&r->words, x->target.offset);
    return r->op->report.status;
}

enum tarn_status tarn__sql_create_temp_view(struct tarn__run *r, bool or_replace)
{
    struct create_view x = {.run = r};
    struct tarn_str sql;
    bool there, if_not_exists = tarn__take(&r->words, "IF NOT EXISTS");
    TARN_TRY(take_statement(&x));
    TARN_TRY(look_before_temporary(&x, or_replace, if_not_exists, &there));
    tarn__done(r, "CREATE VIEW", -1);
    if (there) {
        r->answer->notice = tarn_sprintf(r->op, "temporary view \"%.*s\" is there already",
                                         TARN_STR_ARG(x.target.ident.name));
        return r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
    }
    TARN_TRY(tarn__view_text_of(r, &x.text, &sql));
    enum tarn_status status = tarn__temp_view_put(r, x.target.ident.name, sql);
    if (status != TARN_OK && r->op->report.line == 0)
        tarn__place_at(&r->words, x.target.offset);
    return status;
}

/* ---- the view that a statement is about */

/* *gone: IF EXISTS, and there is none. */
static enum tarn_status take_view(struct tarn__run *r, struct tarn__view *v, bool *gone)
{
    struct tarn__target target;
    bool if_exists = tarn__take(&r->words, "IF EXISTS");
    TARN_TRY(tarn__take_target(r, &target));
    if (tarn__temp_view(r, &target)) /* DROP has looked; ALTER wants one of the catalog */
        return tarn__fail_temp_view(r, &target);
    enum tarn_status status = tarn__target_view(r, &target, v);
    *gone = if_exists && status == TARN_TABLE;
    if (!*gone)
        return status;
    tarn_clear(r->op);
    r->answer->notice = tarn_sprintf(r->op, "view \"%.*s\" does not exist", (int)target.length,
                                     r->text.sql.ptr + target.offset);
    return TARN_OK;
}

/* *out: it is one, and it went. */
static enum tarn_status drop_temporary(struct tarn__run *r, bool *out)
{
    struct tarn__words start = r->words;
    struct tarn__target target;
    (void)tarn__take(&r->words, "IF EXISTS");
    TARN_TRY(tarn__take_target(r, &target));
    const struct tarn_temp_view *v = tarn__temp_view(r, &target);
    *out = v != NULL;
    if (!v) {
        r->words = start;
        return TARN_OK;
    }
    TARN_TRY(tarn__expect_end(&r->words));
    tarn__temp_view_drop(r, v);
    tarn__done(r, "DROP VIEW", -1);
    return TARN_OK;
}

enum tarn_status tarn__sql_drop_view(struct tarn__run *r)
{
    struct tarn__view v;
    bool gone, temporary;
    TARN_TRY(drop_temporary(r, &temporary));
    if (temporary)
        return TARN_OK;
    TARN_TRY(tarn__outside_transaction(r, "DROP VIEW"));
    TARN_TRY(take_view(r, &v, &gone));
    TARN_TRY(tarn__expect_end(&r->words));
    tarn__done(r, "DROP VIEW", -1);
    if (gone)
        return TARN_OK;
    struct tarn_swap swap = {.ident = v.ident, .expected = v.metadata_location};
    return tarn__raced(r, tarn_catalog_commit_view(r->sql->env->flow.lake->catalog, r->op, &swap));
}

/* ---- ALTER VIEW */

static enum tarn_status alter_as(struct tarn__run *r, struct tarn__view *v)
{
    struct tarn__view_text text = {0};
    TARN_TRY(take_query(r, &text.query));
    TARN_TRY(tarn__view_add_version(r, v, &text));
    return tarn__view_publish(r, v);
}

/* A name of one part stays in the view's namespace. */
static enum tarn_status alter_rename(struct tarn__run *r, struct tarn__view *v)
{
    struct tarn__target to;
    struct tarn__words behind = r->words;
    tarn__skip(&behind);
    bool qualified = tarn__at(&behind, ".");
    TARN_TRY(tarn__take_target(r, &to));
    TARN_TRY(tarn__expect_end(&r->words));
    if (!qualified)
        to.ident.ns = v->ident.ns;
    TARN_TRY(tarn__need_namespace(r, to.ident.ns, to.offset));
    enum tarn_status status = tarn__raced(
        r, tarn_catalog_rename_view(r->sql->env->flow.lake->catalog, r->op, v->ident, to.ident));
    if (status == TARN_EXISTS)
        tarn__place_at(&r->words, to.offset);
    return status;
}

static enum tarn_status alter_set(struct tarn__run *r, struct tarn__view *v)
{
    struct create_view x = {.run = r};
    TARN_TRY(tarn__take_properties(r, &x.properties));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(set_properties(&x, v));
    return tarn__view_publish(r, v);
}

static enum tarn_status alter_unset(struct tarn__run *r, struct tarn__view *v)
{
    struct tarn_kvs *all = &v->metadata.properties;
    bool if_exists = tarn__take(&r->words, "IF EXISTS");
    struct tarn_str key;
    TARN_TRY(tarn__expect(&r->words, "("));
    do {
        size_t at = r->words.token.begin;
        TARN_TRY(tarn__take_key(&r->words, &key));
        struct tarn_str copy = tarn_strdup(r->op, key);
        if (!copy.ptr)
            return TARN_NOMEM;
        if (!tarn_kvs_get(all, copy.ptr) && !if_exists) {
            (void)tarn_fail(r->op, TARN_NOT_FOUND, "view %.*s.%.*s has no property \"%s\"",
                            TARN_STR_ARG(v->ident.ns), TARN_STR_ARG(v->ident.name), copy.ptr);
            tarn__place_at(&r->words, at);
            return TARN_NOT_FOUND;
        }
        TARN_TRY(tarn_kvs_with(r->op, all, copy, (struct tarn_str){NULL, 0}, all));
    } while (tarn__take(&r->words, ","));
    TARN_TRY(tarn__expect(&r->words, ")"));
    TARN_TRY(tarn__expect_end(&r->words));
    return tarn__view_publish(r, v);
}

enum tarn_status tarn__sql_alter_view(struct tarn__run *r)
{
    struct tarn__view v;
    bool gone;
    TARN_TRY(tarn__outside_transaction(r, "ALTER VIEW"));
    TARN_TRY(take_view(r, &v, &gone));
    tarn__done(r, "ALTER VIEW", -1);
    if (gone)
        return TARN_OK;
    if (tarn__take(&r->words, "AS"))
        return alter_as(r, &v);
    if (tarn__take(&r->words, "RENAME TO"))
        return alter_rename(r, &v);
    if (tarn__take(&r->words, "SET TBLPROPERTIES") || tarn__take(&r->words, "SET PROPERTIES"))
        return alter_set(r, &v);
    if (tarn__take(&r->words, "UNSET TBLPROPERTIES") || tarn__take(&r->words, "UNSET PROPERTIES"))
        return alter_unset(r, &v);
    return tarn__expect(&r->words, "AS, RENAME TO, SET TBLPROPERTIES or UNSET TBLPROPERTIES");
}

/* ---- SHOW CREATE VIEW */

/* The text itself names the columns: only comments need them told. */
static void put_columns(struct tarn_buf *b, const struct tarn_type *root)
{
    bool any = false;
    for (size_t i = 0; i < root->field_count; i++)
        any = any || root->fields[i].doc.ptr;
    for (size_t i = 0; any && i < root->field_count; i++) {
        tarn_buf_z(b, i ? ",\n  " : " (\n  ");
        tarn__put_name(b, root->fields[i].name);
        if (root->fields[i].doc.ptr) {
            tarn_buf_z(b, " COMMENT ");
            tarn_buf_sql_text(b, root->fields[i].doc);
        }
    }
    tarn_buf_z(b, any ? ")" : "");
}

static void put_properties(struct tarn_buf *b, const struct tarn_kvs *all)
{
    const struct tarn_str *comment = tarn_kvs_get(all, "comment");
    bool any = false;
    if (comment) {
        tarn_buf_z(b, "\nCOMMENT ");
        tarn_buf_sql_text(b, *comment);
    }
    for (size_t i = 0; i < all->count; i++) {
        if (tarn_str_is(all->items[i].key, "comment"))
            continue;
        tarn_buf_z(b, any ? ",\n  " : "\nTBLPROPERTIES (\n  ");
        tarn_buf_sql_text(b, all->items[i].key);
        tarn_buf_z(b, " = ");
        tarn_buf_sql_text(b, all->items[i].value);
        any = true;
    }
    tarn_buf_z(b, any ? ")" : "");
}

static enum tarn_status show_temporary(struct tarn__run *r, const struct tarn_temp_view *v)
{
    struct tarn__list list;
    struct tarn_buf b;
    struct tarn_str text, none = {NULL, 0};
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_z(&b, "CREATE TEMP VIEW ");
    tarn__put_name(&b, tarn_str_view(v->name));
    tarn_buf_printf(&b, "\nAS %s", v->sql);
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "the statement", &text));
    TARN_TRY(tarn__list_begin(&list, r, "createtab_stmt"));
    TARN_TRY(tarn__list_texts(&list, text, none, none));
    return tarn__list_end(&list, "SHOW");
}

enum tarn_status tarn__show_create_view(struct tarn__run *r)
{
    struct tarn__target target;
    struct tarn__view v;
    struct tarn__list list;
    struct tarn_buf b;
    struct tarn_str text, none = {NULL, 0};
    TARN_TRY(tarn__take_target(r, &target));
    TARN_TRY(tarn__expect_end(&r->words));
    const struct tarn_temp_view *temporary = tarn__temp_view(r, &target);
    if (temporary)
        return show_temporary(r, temporary);
    TARN_TRY(tarn__target_view(r, &target, &v));
    const struct tarn_view_version *now = tarn_view_current(&v.metadata);
    const struct tarn_view_sql *sql = tarn_view_sql(now);
    const struct tarn_schema *schema = tarn_view_schema(&v.metadata, now);
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_buf_z(&b, "CREATE VIEW ");
    tarn__put_ident(&b, v.ident);
    if (schema)
        put_columns(&b, &schema->root);
    put_properties(&b, &v.metadata.properties);
    tarn_buf_z(&b, "\nAS ");
    tarn_buf_str(&b, sql ? sql->sql : TARN_STR(""));
    TARN_TRY((enum tarn_status)tarn_buf_take(r->op, &b, "the statement", &text));
    TARN_TRY(tarn__list_begin(&list, r, "createtab_stmt"));
    TARN_TRY(tarn__list_texts(&list, text, none, none));
    return tarn__list_end(&list, "SHOW");
}
