/* alter: ALTER TABLE and ALTER NAMESPACE: which clause it is, names and properties.
 *
 * The clauses are Spark's (with Iceberg's extensions); Trino's and PostgreSQL's spellings of them
 * are taken as well. Columns are in alter_schema.c, partitions and order in alter_layout.c,
 * branches and tags in alter_refs.c.
 */
#include "sql/alter_int.h"

/* ---- properties */

static enum tarn_status set_properties(struct tarn__alter *a, const struct tarn_kvs *kvs,
                                       size_t offset)
{
    struct tarn_op *op = a->r->op;
    for (size_t i = 0; i < kvs->count; i++) {
        int64_t version;
        enum tarn_status status;
        if (!tarn_str_is(kvs->items[i].key, "format-version")) {
            TARN_TRY(
                tarn_change_set_property(a->change, op, kvs->items[i].key, kvs->items[i].value));
            continue;
        }
        if (!tarn_str_to_i64(kvs->items[i].value, &version))
            version = 0; /* it was checked */
        status = tarn_change_upgrade(a->change, op, (int)version);
        if (status != TARN_OK) {
            tarn__place_at(&a->r->words, offset);
            return status;
        }
    }
    return TARN_OK;
}

static enum tarn_status take_set_properties(struct tarn__alter *a)
{
    struct tarn_kvs kvs = {0};
    size_t offset = a->r->words.token.begin;
    TARN_TRY(tarn__take_properties(a->r, &kvs));
    return set_properties(a, &kvs, offset);
}

static enum tarn_status unset_one(struct tarn__alter *a, struct tarn_str key, bool quiet,
                                  size_t offset)
{
    const struct tarn_kvs *all = &a->table->metadata.properties;
    bool there = false, known;
    for (size_t i = 0; i < all->count; i++)
        there = there || tarn_str_eq(all->items[i].key, key);
    if (!there && !quiet) {
        (void)tarn_fail(a->r->op, TARN_NOT_FOUND, "the table has no property \"%.*s\"",
                        TARN_STR_ARG(key));
        tarn_hint(a->r->op, "UNSET TBLPROPERTIES IF EXISTS passes over it");
        tarn__place_at(&a->r->words, offset);
        return TARN_NOT_FOUND;
    }
    if (!there)
        return TARN_OK;
    if (tarn_str_starts(key, TARN_STR("tarn.position.")) ||
        tarn_str_starts(key, TARN_STR("tarn.model"))) {
        enum tarn_status status = tarn__property_check(a->r->op, key, TARN_STR(""), &known);
        tarn__place_at(&a->r->words, offset);
        return status;
    }
    return tarn_change_set_property(a->change, a->r->op, key, (struct tarn_str){NULL, 0});
}

static enum tarn_status take_unset_properties(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    bool quiet = tarn__take(w, "IF EXISTS");
    TARN_TRY(tarn__expect(w, "("));
    do {
        struct tarn_str key;
        size_t offset = w->token.begin;
        TARN_TRY(tarn__take_key(w, &key));
        TARN_TRY(unset_one(a, key, quiet, offset));
    } while (tarn__take(w, ","));
    return tarn__expect(w, ")");
}

/* Trino: SET PROPERTIES format_version = 3, "write.x" = 'y' */
static enum tarn_status take_trino_properties(struct tarn__alter *a)
{
    static const char *const own[][2] = {{"format_version", "format-version"},
                                         {"format", "write.format.default"},
                                         {"compression_codec", "write.parquet.compression-codec"}};
    struct tarn__words *w = &a->r->words;
    do {
        struct tarn_str key, value;
        struct tarn_kvs one = {0};
        size_t offset = w->token.begin;
        bool known;
        TARN_TRY(tarn__take_key(w, &key));
        TARN_TRY(tarn__expect(w, "="));
        for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
            if (tarn_str_eq_nocase(key, tarn_str_view(own[i][0])))
                key = tarn_str_view(own[i][1]);
        if (tarn_str_eq_nocase(key, TARN_STR("partitioning")) ||
            tarn_str_eq_nocase(key, TARN_STR("sorted_by"))) {
            tarn__place_at(w, offset);
            (void)tarn_fail(a->r->op, TARN_UNSUPPORTED, "\"%.*s\" is not set as a property here",
                            TARN_STR_ARG(key));
            tarn_hint(a->r->op, "ADD PARTITION FIELD .., WRITE ORDERED BY ..");
            tarn__place_at(w, offset);
            return TARN_UNSUPPORTED;
        }
        if (w->token.kind == TARN_SQL_STRING && !w->end)
            TARN_TRY(tarn__take_string(w, &value));
        else
            value = tarn_strdup(a->r->op, tarn__take_until(w, ","));
        if (!value.ptr || value.len == 0)
            return a->r->op->report.status ? a->r->op->report.status : tarn__expect(w, "a value");
        enum tarn_status status = tarn__property_check(a->r->op, key, value, &known);
        if (status != TARN_OK) {
            tarn__place_at(w, offset);
            return status;
        }
        TARN_TRY(tarn_kvs_with(a->r->op, &one, key, value, &one));
        TARN_TRY(set_properties(a, &one, offset));
    } while (tarn__take(w, ","));
    return TARN_OK;
}

static enum tarn_status take_location(struct tarn__alter *a)
{
    struct tarn_str path, local;
    size_t offset = a->r->words.token.begin;
    TARN_TRY(tarn__take_string(&a->r->words, &path));
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    enum tarn_status status =
        tarn_storage_local_path(a->r->sql->env->flow.lake->storage, a->r->op, path, &local);
    if (status != TARN_OK) {
        tarn__place_at(&a->r->words, offset);
        return status;
    }
    return tarn_change_set_location(a->change, a->r->op, path);
}

/* ---- RENAME TO */

static enum tarn_status rename_table(struct tarn__alter *a)
{
    struct tarn__run *r = a->r;
    struct tarn__dotted d;
    struct tarn__target to = {.ident.ns = a->table->ident.ns};
    struct tarn_catalog *catalog = r->sql->env->flow.lake->catalog;
    struct tarn_table *there;
    TARN_TRY(tarn__outside_transaction(r, "RENAME TO"));
    struct tarn__words at_name = r->words;
    to.offset = at_name.token.begin;
    TARN_TRY(tarn__take_dotted(&r->words, &d));
    to.ident.name = d.parts[d.count - 1];
    if (d.count > 1) { /* else it stays in its namespace */
        r->words = at_name;
        TARN_TRY(tarn__take_target(r, &to));
    }
    TARN_TRY(tarn__expect_end(&r->words));
    TARN_TRY(tarn__require_namespace(r, &to));
    TARN_TRY(tarn__target_find(r, &to, &there));
    if (there) {
        (void)tarn_fail(r->op, TARN_EXISTS, "table \"%.*s.%.*s\" is there already",
                        TARN_STR_ARG(there->ident.ns), TARN_STR_ARG(there->ident.name));
        tarn__place_at(&r->words, to.offset);
        return TARN_EXISTS;
    }
    TARN_TRY(tarn__raced(r, tarn_catalog_rename(catalog, r->op, a->table->ident, to.ident)));
    tarn__unpin(r, a->table->ident);
    return TARN_OK;
}

/* ---- clauses */

typedef enum tarn_status clause(struct tarn__alter *a);

static enum tarn_status make_branch(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, false, true, false);
}
static enum tarn_status make_tag(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, true, true, false);
}
static enum tarn_status make_or_replace_branch(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, false, true, true);
}
static enum tarn_status make_or_replace_tag(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, true, true, true);
}
static enum tarn_status replace_branch(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, false, false, true);
}
static enum tarn_status replace_tag(struct tarn__alter *a)
{
    return tarn__alter_make_ref(a, true, false, true);
}
static enum tarn_status drop_branch(struct tarn__alter *a)
{
    return tarn__alter_drop_ref(a, false);
}
static enum tarn_status drop_tag(struct tarn__alter *a)
{
    return tarn__alter_drop_ref(a, true);
}

/* Whoever moves main by hand should see what others did to it. */
static enum tarn_status execute(struct tarn__alter *a)
{
    a->r->again = false;
    return tarn__alter_execute(a);
}

/* The longer ones of a beginning stand first. */
static const struct {
    const char *words;
    clause *run;
} clauses[] = {
    {"RENAME COLUMN", tarn__alter_rename_column},
    {"ADD PARTITION FIELD", tarn__alter_add_partition},
    {"ADD COLUMNS", tarn__alter_add_columns},
    {"ADD COLUMN", tarn__alter_add_columns},
    {"ADD", tarn__alter_add_columns},
    {"DROP PARTITION FIELD", tarn__alter_drop_partition},
    {"DROP IDENTIFIER FIELDS", tarn__alter_drop_identifier},
    {"DROP BRANCH", drop_branch},
    {"DROP TAG", drop_tag},
    {"DROP COLUMNS", tarn__alter_drop_columns},
    {"DROP COLUMN", tarn__alter_drop_columns},
    {"DROP", tarn__alter_drop_columns},
    {"REPLACE PARTITION FIELD", tarn__alter_replace_partition},
    {"REPLACE BRANCH", replace_branch},
    {"REPLACE TAG", replace_tag},
    {"ALTER COLUMN", tarn__alter_column},
    {"CHANGE COLUMN", tarn__alter_column},
    {"ALTER", tarn__alter_column},
    {"SET TBLPROPERTIES", take_set_properties},
    {"SET PROPERTIES", take_trino_properties},
    {"UNSET TBLPROPERTIES", take_unset_properties},
    {"SET IDENTIFIER FIELDS", tarn__alter_set_identifier},
    {"SET LOCATION", take_location},
    {"WRITE", tarn__alter_write},
    {"CREATE OR REPLACE BRANCH", make_or_replace_branch},
    {"CREATE OR REPLACE TAG", make_or_replace_tag},
    {"CREATE BRANCH", make_branch},
    {"CREATE TAG", make_tag},
    {"FAST FORWARD", tarn__alter_fast_forward},
    {"EXECUTE", execute},
};

static enum tarn_status take_clause(struct tarn__alter *a)
{
    struct tarn__words *w = &a->r->words;
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
        if (tarn__take(w, clauses[i].words))
            return clauses[i].run(a);
    if (w->end)
        return tarn__expect(w, "what to change");
    struct tarn_str found = tarn__word(w);
    (void)tarn__fail_here(w, TARN_SQL, "ALTER TABLE has no %.*s", TARN_STR_ARG(found));
    tarn_hint(a->r->op, "ADD COLUMN, DROP COLUMN, RENAME, ALTER COLUMN, SET TBLPROPERTIES, ADD "
                        "PARTITION FIELD, WRITE ORDERED BY, CREATE BRANCH ..");
    return TARN_SQL;
}

static enum tarn_status refuse_suffix(struct tarn__alter *a)
{
    if (!a->target.suffix.ptr)
        return TARN_OK;
    (void)tarn_fail(a->r->op, TARN_INVALID,
                    "a branch or tag has no schema or properties of its own");
    tarn__place_at(&a->r->words, a->target.offset);
    return TARN_INVALID;
}

static enum tarn_status alter_table(struct tarn__run *r)
{
    struct tarn__alter a = {.r = r, .tag = "ALTER TABLE"};
    bool quiet = tarn__take(&r->words, "IF EXISTS");
    tarn__use_change_op(r);
    TARN_TRY(tarn__take_target(r, &a.target));
    TARN_TRY(quiet ? tarn__target_find(r, &a.target, &a.table)
                   : tarn__target_table(r, &a.target, &a.table));
    tarn__done(r, a.tag, -1);
    if (!a.table) {
        r->answer->notice =
            tarn_sprintf(r->op, "there is no table %.*s", TARN_STR_ARG(a.target.ident.name));
        return r->answer->notice.ptr ? TARN_OK : TARN_NOMEM;
    }
    TARN_TRY(refuse_suffix(&a));
    if (tarn__take(&r->words, "RENAME TO"))
        return rename_table(&a);
    TARN_TRY(tarn_change_open(r->sql->env->flow.lake, r->op, a.table, &a.change));
    do
        TARN_TRY(take_clause(&a));
    while (tarn__take(&r->words, ","));
    TARN_TRY(tarn__expect_end(&r->words));
    if (a.schema_copied)
        TARN_TRY(tarn_change_set_schema(a.change, r->op, &a.schema));
    return tarn_change_is_empty(a.change) ? TARN_OK : tarn__publish(r, a.change);
}

enum tarn_status tarn__sql_alter(struct tarn__run *r)
{
    struct tarn__words *w = &r->words;
    if (tarn__take(w, "TABLE"))
        return alter_table(r);
    if (tarn__take(w, "VIEW"))
        return tarn__sql_alter_view(r);
    if (tarn__take(w, "NAMESPACE") || tarn__take(w, "SCHEMA") || tarn__take(w, "DATABASE"))
        return tarn__alter_namespace(r);
    return tarn__expect(w, "TABLE, VIEW or NAMESPACE");
}
