/* sqlite_tables: which metadata file is a table's or a view's current one. See catalog.h.
 *
 * Both stand in iceberg_tables, told apart by iceberg_type as Java's JdbcCatalog does: TABLE or
 * NULL, and VIEW. In schema V0, which has no such column, every row is a table.
 */
#include "catalog/sql/sqlite_int.h"

#include <stdio.h>

#define SQL_MAX 512

/* "<sql> [AND it is of this kind]<tail>" */
static const char *only(const struct tarn__sqlite *c, enum tarn__kind kind, char out[SQL_MAX],
                        const char *sql, const char *tail)
{
    static const char *const filters[] = {
        [TARN__TABLE] = " AND (iceberg_type = 'TABLE' OR iceberg_type IS NULL)",
        [TARN__VIEW] = " AND iceberg_type = 'VIEW'",
    };
    const char *untyped = kind == TARN__TABLE ? "" : " AND 0";
    int n = snprintf(out, SQL_MAX, "%s%s%s", sql, c->has_type ? filters[kind] : untyped, tail);
    TARN_ASSERT(n > 0 && n < SQL_MAX);
    return out;
}

/* *out_found false: none of this kind. The location of one that is there may be absent: the column can
 * hold NULL. */
static enum tarn_status find(struct tarn__sqlite *c, struct tarn_op *op, enum tarn__kind kind,
                             struct tarn_ident ident, bool *out_found,
                             struct tarn_str *out_location)
{
    char sql[SQL_MAX];
    sqlite3_stmt *stmt;
    (void)only(c, kind, sql,
               "SELECT metadata_location FROM iceberg_tables WHERE catalog_name = ?1 AND "
               "table_namespace = ?2 AND table_name = ?3",
               "");
    TARN_TRY(
        tarn__sql_query(c, op, sql, TARN__ARGS(c->base.catalog_name, ident.ns, ident.name), &stmt));
    enum tarn_status status = tarn__sql_next(c, op, stmt, out_found);
    if (status == TARN_OK && *out_found)
        status = tarn__sql_text(op, stmt, 0, out_location);
    tarn__sql_done(stmt);
    return status;
}

/* ---- load */

struct load {
    enum tarn__kind kind;
    struct tarn_ident ident;
    struct tarn_str location;
};

static enum tarn_status load(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct load *l = arg;
    bool found;
    TARN_TRY(find(c, op, l->kind, l->ident, &found, &l->location));
    if (!found)
        return tarn__no_object(op, l->kind, "load", l->ident);
    if (l->location.len == 0)
        return tarn_fail(op, TARN_CORRUPT,
                         "%s \"" TARN__IDENT "\" has no metadata location in catalog \"%s\"",
                         tarn__kind_name(l->kind), TARN__IDENT_ARG(l->ident), c->path);
    return TARN_OK;
}

static enum tarn_status load_kind(struct tarn_catalog *c, struct tarn_op *op, enum tarn__kind kind,
                                  struct tarn_ident ident, struct tarn_str *out)
{
    struct load l = {.kind = kind, .ident = ident};
    TARN_TRY(tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_READ, load, &l));
    *out = l.location;
    return TARN_OK;
}

enum tarn_status tarn__sqlite_load(struct tarn_catalog *c, struct tarn_op *op,
                                   struct tarn_ident ident, struct tarn_str *out)
{
    return load_kind(c, op, TARN__TABLE, ident, out);
}

enum tarn_status tarn__sqlite_load_view(struct tarn_catalog *c, struct tarn_op *op,
                                        struct tarn_ident ident, struct tarn_str *out)
{
    return load_kind(c, op, TARN__VIEW, ident, out);
}

/* ---- commit */

static enum tarn_status no_views(struct tarn__sqlite *c, struct tarn_op *op)
{
    (void)tarn_fail(op, TARN_UNSUPPORTED,
                    "catalog \"%s\" cannot hold views: its layout is that of before views (V0)",
                    c->path);
    tarn_hint(op, "ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5) in the file makes "
                  "it V1, as Java's jdbc.schema-version=V1 does");
    return TARN_UNSUPPORTED;
}

static enum tarn_status create(struct tarn__sqlite *c, struct tarn_op *op, enum tarn__kind kind,
                               const struct tarn_swap *s)
{
    int changes = 0;
    struct tarn_str type = kind == TARN__TABLE ? TARN_STR("TABLE") : TARN_STR("VIEW");
    if (kind == TARN__VIEW && !c->has_type)
        return no_views(c, op);
    TARN_TRY(tarn__sql_need_namespace(c, op, s->ident.ns));
    TARN_TRY(tarn__sql_write(
        c, op,
        c->has_type ? "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, "
                      "metadata_location, previous_metadata_location, iceberg_type) "
                      "VALUES (?1, ?2, ?3, ?4, NULL, ?5) ON CONFLICT DO NOTHING"
                    : "INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, "
                      "metadata_location, previous_metadata_location) "
                      "VALUES (?1, ?2, ?3, ?4, NULL) ON CONFLICT DO NOTHING",
        (struct tarn__args){
            .items = {c->base.catalog_name, s->ident.ns, s->ident.name, s->next, type},
            .count = c->has_type ? 5 : 4},
        &changes));
    return changes == 1 ? TARN_OK : tarn__object_exists(op, kind, s->ident);
}

/* Why no row was where `expected` said. */
static enum tarn_status explain(struct tarn__sqlite *c, struct tarn_op *op, enum tarn__kind kind,
                                const struct tarn_swap *s)
{
    struct tarn_str location;
    bool found;
    TARN_TRY(find(c, op, kind, s->ident, &found, &location));
    return found ? tarn__conflict(op, kind, s, location)
                 : tarn__no_object(op, kind, "commit to", s->ident);
}

static enum tarn_status swap(struct tarn__sqlite *c, struct tarn_op *op, enum tarn__kind kind,
                             const struct tarn_swap *s)
{
    char sql[SQL_MAX];
    int changes = 0;
    if (!s->expected.ptr)
        return create(c, op, kind, s);
    if (s->next.ptr)
        (void)only(c, kind, sql,
                   "UPDATE iceberg_tables SET metadata_location = ?5, "
                   "previous_metadata_location = ?4 WHERE catalog_name = ?1 AND "
                   "table_namespace = ?2 AND table_name = ?3 AND metadata_location = ?4",
                   "");
    else
        (void)only(c, kind, sql,
                   "DELETE FROM iceberg_tables WHERE catalog_name = ?1 AND table_namespace = "
                   "?2 AND table_name = ?3 AND metadata_location = ?4",
                   "");
    struct tarn__args args = {
        .items = {c->base.catalog_name, s->ident.ns, s->ident.name, s->expected, s->next},
        .count = s->next.ptr ? 5 : 4};
    TARN_TRY(tarn__sql_write(c, op, sql, args, &changes));
    return changes == 1 ? TARN_OK : explain(c, op, kind, s);
}

struct swaps {
    enum tarn__kind kind;
    const struct tarn_swap *items;
    size_t count;
};

static enum tarn_status swap_all(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    const struct swaps *all = arg;
    for (size_t i = 0; i < all->count; i++)
        TARN_TRY(swap(c, op, all->kind, &all->items[i]));
    return TARN_OK;
}

enum tarn_status tarn__sqlite_commit(struct tarn_catalog *c, struct tarn_op *op,
                                     const struct tarn_swap *swaps, size_t count)
{
    struct swaps all = {TARN__TABLE, swaps, count};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, swap_all, &all);
}

enum tarn_status tarn__sqlite_commit_view(struct tarn_catalog *c, struct tarn_op *op,
                                          const struct tarn_swap *swap)
{
    struct swaps all = {TARN__VIEW, swap, 1};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, swap_all, &all);
}

/* ---- rename */

struct rename {
    enum tarn__kind kind;
    struct tarn_ident from, to;
};

static enum tarn_status rename_object(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    const struct rename *r = arg;
    enum tarn__kind kind = r->kind;
    char sql[SQL_MAX];
    struct tarn_str location;
    bool found, taken;
    int changes;
    TARN_TRY(find(c, op, kind, r->from, &found, &location));
    if (!found)
        return tarn__no_object(op, kind, "rename", r->from);
    if (tarn__ident_eq(r->from, r->to))
        return TARN_OK;
    TARN_TRY(tarn__sql_need_namespace(c, op, r->to.ns));
    TARN_TRY(tarn__sql_exists(c, op,
                              "SELECT 1 FROM iceberg_tables WHERE catalog_name = ?1 AND "
                              "table_namespace = ?2 AND table_name = ?3",
                              TARN__ARGS(c->base.catalog_name, r->to.ns, r->to.name), &taken));
    if (taken)
        return tarn__rename_taken(op, kind, r->from, r->to);
    (void)only(c, kind, sql,
               "UPDATE iceberg_tables SET table_namespace = ?4, table_name = ?5 WHERE "
               "catalog_name = ?1 AND table_namespace = ?2 AND table_name = ?3",
               "");
    TARN_TRY(tarn__sql_write(
        c, op, sql,
        TARN__ARGS(c->base.catalog_name, r->from.ns, r->from.name, r->to.ns, r->to.name),
        &changes));
    TARN_ASSERT(changes == 1); /* found above, in this transaction */
    return TARN_OK;
}

enum tarn_status tarn__sqlite_rename(struct tarn_catalog *c, struct tarn_op *op,
                                     struct tarn_ident from, struct tarn_ident to)
{
    struct rename r = {TARN__TABLE, from, to};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, rename_object, &r);
}

enum tarn_status tarn__sqlite_rename_view(struct tarn_catalog *c, struct tarn_op *op,
                                          struct tarn_ident from, struct tarn_ident to)
{
    struct rename r = {TARN__VIEW, from, to};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, rename_object, &r);
}

/* ---- list */

struct listing {
    enum tarn__kind kind;
    struct tarn_str ns; /* absent: all */
    struct tarn_idents found;
};

static enum tarn_status add_ident(struct tarn_op *op, sqlite3_stmt *stmt, struct tarn_idents *out)
{
    struct tarn_ident ident;
    TARN_TRY(tarn__sql_text(op, stmt, 0, &ident.ns));
    TARN_TRY(tarn__sql_text(op, stmt, 1, &ident.name));
    return tarn__idents_add(op, out, ident);
}

static enum tarn_status list(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct listing *l = arg;
    enum tarn__kind kind = l->kind;
    char sql[SQL_MAX];
    sqlite3_stmt *stmt;
    bool row;
    if (l->ns.ptr)
        TARN_TRY(tarn__sql_need_namespace(c, op, l->ns));
    (void)only(c, kind, sql,
               "SELECT table_namespace, table_name FROM iceberg_tables "
               "WHERE catalog_name = ?1 AND (?2 IS NULL OR table_namespace = ?2)",
               " ORDER BY table_namespace, table_name");
    TARN_TRY(tarn__sql_query(c, op, sql, TARN__ARGS(c->base.catalog_name, l->ns), &stmt));
    enum tarn_status status;
    while ((status = tarn__sql_next(c, op, stmt, &row)) == TARN_OK && row)
        if ((status = add_ident(op, stmt, &l->found)) != TARN_OK)
            break;
    tarn__sql_done(stmt);
    return status;
}

enum tarn_status tarn__sqlite_list_tables(struct tarn_catalog *c, struct tarn_op *op,
                                          struct tarn_str ns, struct tarn_idents *out)
{
    struct listing l = {.kind = TARN__TABLE, .ns = ns};
    TARN_TRY(tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_READ, list, &l));
    *out = l.found;
    return TARN_OK;
}

enum tarn_status tarn__sqlite_list_views(struct tarn_catalog *c, struct tarn_op *op,
                                         struct tarn_str ns, struct tarn_idents *out)
{
    struct listing l = {.kind = TARN__VIEW, .ns = ns};
    TARN_TRY(tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_READ, list, &l));
    *out = l.found;
    return TARN_OK;
}
