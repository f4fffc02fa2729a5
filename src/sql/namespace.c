/* namespace: CREATE, ALTER and DROP NAMESPACE, USE, and where tables of a namespace lie. */
#include <stdlib.h>
#include <string.h>

#include "sql/ddl_int.h"

static struct tarn_catalog *catalog_of(struct tarn__run *r)
{
    return r->sql->env->flow.lake->catalog;
}

/* A namespace's name: a.b, the catalog's name cut off. */
static enum tarn_status take_namespace(struct tarn__run *r, struct tarn_str *out, size_t *offset)
{
    struct tarn__dotted d;
    TARN_TRY(tarn__take_dotted(&r->words, &d));
    size_t first = d.count > 1 && tarn_str_eq_nocase(d.parts[0], catalog_of(r)->catalog_name);
    *offset = d.begin;
    *out = d.parts[first];
    for (size_t i = first + 1; i < d.count && out->ptr; i++)
        *out = tarn_sprintf(r->op, "%.*s.%.*s", TARN_STR_ARG(*out), TARN_STR_ARG(d.parts[i]));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* The name as the catalog has it: exact, else the only one in another case. */
static enum tarn_status find_namespace(struct tarn__run *r, struct tarn_str *ns, bool *found)
{
    struct tarn_names all;
    const struct tarn_str *like = NULL;
    size_t hits = 0;
    *found = false;
    TARN_TRY(tarn_catalog_list_namespaces(catalog_of(r), r->op, &all));
    for (size_t i = 0; i < all.count; i++) {
        if (tarn_str_eq(all.items[i], *ns)) {
            *found = true;
            return TARN_OK;
        }
        if (tarn_str_eq_nocase(all.items[i], *ns)) {
            like = &all.items[i];
            hits++;
        }
    }
    if (hits == 1) {
        *ns = *like;
        *found = true;
    }
    return TARN_OK;
}

static enum tarn_status fail_namespace(struct tarn__run *r, struct tarn_str ns, size_t offset)
{
    struct tarn_names all;
    const char **z;
    TARN_TRY(tarn_catalog_list_namespaces(catalog_of(r), r->op, &all));
    TARN_NEW_ARRAY(r->op, z, all.count + 1);
    for (size_t i = 0; i < all.count; i++) {
        struct tarn_str copy = tarn_strdup(r->op, all.items[i]);
        if (!copy.ptr)
            return TARN_NOMEM;
        z[i] = copy.ptr;
    }
    const char *nearest = tarn_str_nearest(ns, z, all.count);
    (void)tarn_fail(r->op, TARN_NOT_FOUND, "namespace \"%.*s\" not found", TARN_STR_ARG(ns));
    if (nearest)
        tarn_hint(r->op, "did you mean %s?", nearest);
    else
        tarn_hint(r->op, "CREATE NAMESPACE %.*s makes it", TARN_STR_ARG(ns));
    tarn__place_at(&r->words, offset);
    return TARN_NOT_FOUND;
}

enum tarn_status tarn__require_namespace(struct tarn__run *r, const struct tarn__target *t)
{
    struct tarn_str ns = t->ident.ns;
    bool found;
    if (!ns.ptr || ns.len == 0) {
        (void)tarn_fail(r->op, TARN_TABLE, "the name \"%.*s\" has no namespace",
                        TARN_STR_ARG(t->ident.name));
        tarn_hint(r->op, "write namespace.%.*s, or USE a namespace first",
                  TARN_STR_ARG(t->ident.name));
        tarn__place_at(&r->words, t->offset);
        return TARN_TABLE;
    }
    if (tarn_catalog_check_name(r->op, t->ident) != TARN_OK) {
        tarn__place_at(&r->words, t->offset);
        return r->op->report.status;
    }
    TARN_TRY(find_namespace(r, &ns, &found));
    return found && tarn_str_eq(ns, t->ident.ns) ? TARN_OK
                                                 : fail_namespace(r, t->ident.ns, t->offset);
}

enum tarn_status tarn__location_of(struct tarn__run *r, struct tarn_ident ident,
                                   struct tarn_str *out)
{
    struct tarn_properties all = {0};
    struct tarn_str base = {NULL, 0};
    TARN_TRY(tarn_catalog_check_name(r->op, ident));
    TARN_TRY(tarn_catalog_namespace_properties(catalog_of(r), r->op, ident.ns, &all));
    for (size_t i = 0; i < all.count; i++)
        if (tarn_str_is(all.items[i].key, "location"))
            base = all.items[i].value;
    if (!base.ptr)
        base = tarn_path_join(r->op, r->sql->env->warehouse, ident.ns);
    if (!base.ptr)
        return TARN_NOMEM;
    *out = tarn_path_join(r->op, base, ident.name);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* ---- CREATE NAMESPACE */

static enum tarn_status add_property(struct tarn_op *op, struct tarn_kvs *kvs, const char *key,
                                     struct tarn_str value)
{
    return tarn_kvs_with(op, kvs, tarn_str_view(key), value, kvs);
}

static enum tarn_status take_pairs(struct tarn__run *r, struct tarn_kvs *kvs)
{
    struct tarn__words *w = &r->words;
    TARN_TRY(tarn__expect(w, "("));
    do {
        struct tarn_str key, value;
        TARN_TRY(tarn__take_key(w, &key));
        (void)tarn__take(w, "=");
        TARN_TRY(tarn__take_string(w, &value));
        TARN_TRY(tarn_kvs_with(r->op, kvs, key, value, kvs));
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

static enum tarn_status take_options(struct tarn__run *r, struct tarn_kvs *kvs)
{
    struct tarn__words *w = &r->words;
    struct tarn_str text;
    for (;;) {
        if (tarn__take(w, "COMMENT")) {
            TARN_TRY(tarn__take_string(w, &text));
            TARN_TRY(add_property(r->op, kvs, "comment", text));
        } else if (tarn__take(w, "LOCATION")) {
            TARN_TRY(tarn__take_string(w, &text));
            TARN_TRY(add_property(r->op, kvs, "location", text));
        } else if (tarn__take(w, "WITH DBPROPERTIES") || tarn__take(w, "WITH PROPERTIES") ||
                   tarn__take(w, "WITH")) {
            TARN_TRY(take_pairs(r, kvs));
        } else {
            return tarn__expect_end(w);
        }
    }
}

static struct tarn_properties as_properties(struct tarn_op *op, const struct tarn_kvs *kvs)
{
    struct tarn_properties p = {tarn_alloc_array(op, kvs->count + 1, sizeof *p.items), 0};
    for (; p.items && p.count < kvs->count; p.count++)
        p.items[p.count] =
            (struct tarn_property){kvs->items[p.count].key, kvs->items[p.count].value};
    return p;
}

enum tarn_status tarn__create_namespace(struct tarn__run *r)
{
    struct tarn_kvs kvs = {0};
    struct tarn_str ns, like;
    size_t offset;
    bool found, quiet = tarn__take(&r->words, "IF NOT EXISTS");
    TARN_TRY(tarn__outside_transaction(r, "CREATE NAMESPACE"));
    TARN_TRY(take_namespace(r, &ns, &offset));
    TARN_TRY(take_options(r, &kvs));
    like = ns;
    TARN_TRY(find_namespace(r, &like, &found));
    if (found && quiet) {
        r->answer->notice =
            tarn_sprintf(r->op, "namespace %.*s is there already", TARN_STR_ARG(like));
    } else if (found) {
        (void)tarn_fail(r->op, TARN_EXISTS, "namespace \"%.*s\" is there already",
                        TARN_STR_ARG(like));
        tarn__place_at(&r->words, offset);
        return TARN_EXISTS;
    } else {
        struct tarn_properties p = as_properties(r->op, &kvs);
        if (!p.items)
            return TARN_NOMEM;
        TARN_TRY(tarn__raced(r, tarn_catalog_create_namespace(catalog_of(r), r->op, ns, p)));
    }
    tarn__done(r, "CREATE NAMESPACE", -1);
    return TARN_OK;
}

/* ---- ALTER NAMESPACE ns SET PROPERTIES (..) | UNSET PROPERTIES (..) | SET LOCATION '..' */

static enum tarn_status take_changes(struct tarn__run *r, struct tarn_kvs *set,
                                     struct tarn_names *removed)
{
    struct tarn__words *w = &r->words;
    struct tarn_str text;
    *removed = (struct tarn_names){0};
    if (tarn__take(w, "SET LOCATION")) {
        TARN_TRY(tarn__take_string(w, &text));
        return add_property(r->op, set, "location", text);
    }
    if (tarn__take(w, "SET PROPERTIES") || tarn__take(w, "SET DBPROPERTIES"))
        return take_pairs(r, set);
    if (!tarn__take(w, "UNSET PROPERTIES") && !tarn__take(w, "UNSET DBPROPERTIES"))
        return tarn__expect(w, "SET PROPERTIES");
    TARN_TRY(tarn__expect(w, "("));
    do {
        struct tarn_str *grown;
        TARN_NEW_ARRAY(r->op, grown, removed->count + 1);
        if (removed->count)
            memcpy(grown, removed->items, removed->count * sizeof *grown);
        TARN_TRY(tarn__take_key(w, &grown[removed->count]));
        removed->items = grown;
        removed->count++;
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

enum tarn_status tarn__alter_namespace(struct tarn__run *r)
{
    struct tarn_kvs set = {0};
    struct tarn_names removed;
    struct tarn_str ns;
    size_t offset;
    bool found;
    TARN_TRY(tarn__outside_transaction(r, "ALTER NAMESPACE"));
    TARN_TRY(take_namespace(r, &ns, &offset));
    TARN_TRY(take_changes(r, &set, &removed));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(find_namespace(r, &ns, &found));
    if (!found)
        return fail_namespace(r, ns, offset);
    struct tarn_properties p = as_properties(r->op, &set);
    if (!p.items)
        return TARN_NOMEM;
    TARN_TRY(tarn__raced(
        r, tarn_catalog_set_namespace_properties(catalog_of(r), r->op, ns, p, removed)));
    tarn__done(r, "ALTER NAMESPACE", -1);
    return TARN_OK;
}

/* ---- DROP NAMESPACE */

/* CASCADE drops the tables, the views and the namespaces below, all or none; files stay, as by DROP
 * TABLE. */
static enum tarn_status drop(struct tarn__run *r, struct tarn_str ns, bool cascade, size_t offset)
{
    if (cascade)
        return tarn_catalog_drop_namespace_cascade(catalog_of(r), r->op, ns);
    enum tarn_status status = tarn_catalog_drop_namespace(catalog_of(r), r->op, ns);
    if (status == TARN_NOT_EMPTY) {
        tarn_hint(r->op, "DROP NAMESPACE %.*s CASCADE drops its tables too", TARN_STR_ARG(ns));
        tarn__place_at(&r->words, offset);
    }
    return status;
}

enum tarn_status tarn__drop_namespace(struct tarn__run *r)
{
    struct tarn_str ns;
    size_t offset;
    bool found, quiet = tarn__take(&r->words, "IF EXISTS");
    TARN_TRY(tarn__outside_transaction(r, "DROP NAMESPACE"));
    TARN_TRY(take_namespace(r, &ns, &offset));
    bool cascade = tarn__take(&r->words, "CASCADE");
    if (!cascade)
        (void)tarn__take(&r->words, "RESTRICT");
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(find_namespace(r, &ns, &found));
    if (!found && !quiet)
        return fail_namespace(r, ns, offset);
    if (found)
        TARN_TRY(tarn__raced(r, drop(r, ns, cascade, offset)));
    else
        r->answer->notice = tarn_sprintf(r->op, "there is no namespace %.*s", TARN_STR_ARG(ns));
    tarn__done(r, "DROP NAMESPACE", -1);
    return TARN_OK;
}

/* ---- USE */

enum tarn_status tarn__sql_use(struct tarn__run *r)
{
    struct tarn_str ns, name = catalog_of(r)->catalog_name;
    size_t offset;
    bool found;
    if (!tarn__take(&r->words, "NAMESPACE") && !tarn__take(&r->words, "SCHEMA"))
        (void)tarn__take(&r->words, "DATABASE");
    TARN_TRY(take_namespace(r, &ns, &offset));
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(find_namespace(r, &ns, &found));
    if (!found && !tarn_str_eq_nocase(ns, name))
        return fail_namespace(r, ns, offset);
    char *kept = found ? strndup(ns.ptr, ns.len) : NULL; /* USE iceberg: no namespace */
    if (found && !kept)
        return tarn_fail(r->op, TARN_NOMEM, "could not use a namespace: out of memory");
    enum tarn_status status = tarn_session_set_namespace(
        r->sql->env->flow.session, r->op, found ? tarn_str_view(kept) : (struct tarn_str){NULL, 0});
    if (status != TARN_OK) {
        free(kept);
        return status;
    }
    free(r->sql->ns);
    r->sql->ns = kept;
    tarn__done(r, "USE", -1);
    return TARN_OK;
}
