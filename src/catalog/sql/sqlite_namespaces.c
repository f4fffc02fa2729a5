/* sqlite_namespaces: namespaces and their properties. See catalog.h.
 *
 * A namespace is there when a property row, a table or a view names it or one below it, as
 * PyIceberg and Java's JdbcCatalog see it. One without properties of its own has the row exists =
 * 'true'. Comparisons are exact: LIKE would ignore case and take '_' and '%' for patterns.
 */
#include "catalog/sql/sqlite_int.h"

enum tarn_status tarn__sql_namespace_exists(struct tarn__sqlite *c, struct tarn_op *op,
                                            struct tarn_str ns, bool *out)
{
    return tarn__sql_exists(
        c, op,
        "SELECT 1 FROM iceberg_namespace_properties WHERE catalog_name = ?1 AND (namespace = ?2 OR "
        "substr(namespace, 1, length(?2) + 1) = ?2 || '.') UNION ALL "
        "SELECT 1 FROM iceberg_tables WHERE catalog_name = ?1 AND (table_namespace = ?2 OR "
        "substr(table_namespace, 1, length(?2) + 1) = ?2 || '.') LIMIT 1",
        TARN__ARGS(c->base.catalog_name, ns), out);
}

enum tarn_status tarn__sql_need_namespace(struct tarn__sqlite *c, struct tarn_op *op,
                                          struct tarn_str ns)
{
    bool found;
    TARN_TRY(tarn__sql_namespace_exists(c, op, ns, &found));
    return found ? TARN_OK : tarn__no_namespace(op, ns);
}

/* ---- list */

static enum tarn_status collect(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct tarn_names *names = arg;
    sqlite3_stmt *stmt;
    enum tarn_status status;
    bool row;
    TARN_TRY(
        tarn__sql_query(c, op,
                        "SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name "
                        "= ?1 UNION SELECT table_namespace FROM iceberg_tables WHERE "
                        "catalog_name = ?1",
                        TARN__ARGS(c->base.catalog_name), &stmt));
    while ((status = tarn__sql_next(c, op, stmt, &row)) == TARN_OK && row) {
        struct tarn_str ns;
        if ((status = tarn__sql_text(op, stmt, 0, &ns)) != TARN_OK ||
            (status = tarn__names_add(op, names, ns)) != TARN_OK)
            break;
    }
    tarn__sql_done(stmt);
    return status;
}

enum tarn_status tarn__sqlite_list_namespaces(struct tarn_catalog *c, struct tarn_op *op,
                                              struct tarn_names *out)
{
    struct tarn_names names = {NULL, 0};
    TARN_TRY(tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_READ, collect, &names));
    return tarn__names_complete(op, names, out);
}

/* ---- create, set */

struct change {
    struct tarn_str ns;
    struct tarn_properties set;
    struct tarn_names removed;
};

static enum tarn_status set_one(struct tarn__sqlite *c, struct tarn_op *op, struct tarn_str ns,
                                struct tarn_property p)
{
    struct tarn_str value = p.value.ptr ? p.value : TARN_STR("");
    return tarn__sql_write(c, op,
                           "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, "
                           "property_key, property_value) VALUES (?1, ?2, ?3, ?4) "
                           "ON CONFLICT (catalog_name, namespace, property_key) "
                           "DO UPDATE SET property_value = excluded.property_value",
                           TARN__ARGS(c->base.catalog_name, ns, p.key, value), NULL);
}

static enum tarn_status apply(struct tarn__sqlite *c, struct tarn_op *op,
                              const struct change *change)
{
    static const struct tarn_property marker = {{TARN__EXISTS_KEY, sizeof TARN__EXISTS_KEY - 1},
                                                {"true", 4}};
    for (size_t i = 0; i < change->removed.count; i++)
        TARN_TRY(tarn__sql_write(
            c, op,
            "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ?1 "
            "AND namespace = ?2 AND property_key = ?3",
            TARN__ARGS(c->base.catalog_name, change->ns, change->removed.items[i]), NULL));
    for (size_t i = 0; i < change->set.count; i++)
        TARN_TRY(set_one(c, op, change->ns, change->set.items[i]));
    return set_one(c, op, change->ns, marker);
}

static enum tarn_status create(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    const struct change *change = arg;
    bool found;
    TARN_TRY(tarn__sql_namespace_exists(c, op, change->ns, &found));
    if (found)
        return tarn_fail(op, TARN_EXISTS, "could not make namespace \"%.*s\": it exists",
                         TARN_STR_ARG(change->ns));
    return apply(c, op, change);
}

enum tarn_status tarn__sqlite_create_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                               struct tarn_str ns,
                                               struct tarn_properties properties)
{
    struct change change = {.ns = ns, .set = properties};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, create, &change);
}

static enum tarn_status set(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    const struct change *change = arg;
    TARN_TRY(tarn__sql_need_namespace(c, op, change->ns));
    return apply(c, op, change);
}

enum tarn_status tarn__sqlite_set_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                       struct tarn_str ns,
                                                       struct tarn_properties properties,
                                                       struct tarn_names removed)
{
    struct change change = {.ns = ns, .set = properties, .removed = removed};
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, set, &change);
}

/* ---- drop */

static enum tarn_status refuse_if(struct tarn__sqlite *c, struct tarn_op *op, struct tarn_str ns,
                                  const char *sql)
{
    sqlite3_stmt *stmt;
    struct tarn_str held = {NULL, 0};
    bool row;
    TARN_TRY(tarn__sql_query(c, op, sql, TARN__ARGS(c->base.catalog_name, ns), &stmt));
    enum tarn_status status = tarn__sql_next(c, op, stmt, &row);
    if (status == TARN_OK && row)
        status = tarn__sql_text(op, stmt, 0, &held);
    tarn__sql_done(stmt);
    TARN_TRY(status);
    return row ? tarn_fail(op, TARN_NOT_EMPTY,
                           "could not drop namespace \"%.*s\": it holds \"%.*s\"", TARN_STR_ARG(ns),
                           TARN_STR_ARG(held))
               : TARN_OK;
}

static enum tarn_status drop(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct tarn_str ns = *(const struct tarn_str *)arg;
    TARN_TRY(tarn__sql_need_namespace(c, op, ns));
    TARN_TRY(
        refuse_if(c, op, ns,
                  "SELECT table_namespace || '.' || table_name FROM iceberg_tables WHERE "
                  "catalog_name = ?1 AND (table_namespace = ?2 OR "
                  "substr(table_namespace, 1, length(?2) + 1) = ?2 || '.') ORDER BY 1 LIMIT 1"));
    TARN_TRY(refuse_if(c, op, ns,
                       "SELECT namespace FROM iceberg_namespace_properties WHERE catalog_name = ?1 "
                       "AND substr(namespace, 1, length(?2) + 1) = ?2 || '.' ORDER BY 1 LIMIT 1"));
    return tarn__sql_write(c, op,
                           "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ?1 AND "
                           "namespace = ?2",
                           TARN__ARGS(c->base.catalog_name, ns), NULL);
}

enum tarn_status tarn__sqlite_drop_namespace(struct tarn_catalog *c, struct tarn_op *op,
                                             struct tarn_str ns)
{
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, drop, &ns);
}

static enum tarn_status drop_cascade(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct tarn_str ns = *(const struct tarn_str *)arg;
    struct tarn__args args = TARN__ARGS(c->base.catalog_name, ns);
    TARN_TRY(tarn__sql_need_namespace(c, op, ns));
    TARN_TRY(tarn__sql_write(c, op,
                             "DELETE FROM iceberg_tables WHERE catalog_name = ?1 AND "
                             "(table_namespace = ?2 OR "
                             "substr(table_namespace, 1, length(?2) + 1) = ?2 || '.')",
                             args, NULL));
    return tarn__sql_write(c, op,
                           "DELETE FROM iceberg_namespace_properties WHERE catalog_name = ?1 AND "
                           "(namespace = ?2 OR substr(namespace, 1, length(?2) + 1) = ?2 || '.')",
                           args, NULL);
}

enum tarn_status tarn__sqlite_drop_namespace_cascade(struct tarn_catalog *c, struct tarn_op *op,
                                                     struct tarn_str ns)
{
    return tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_WRITE, drop_cascade, &ns);
}

/* ---- properties */

struct reading {
    struct tarn_str ns;
    struct tarn_properties found;
};

static enum tarn_status add_property(struct tarn_op *op, sqlite3_stmt *stmt,
                                     struct tarn_properties *out)
{
    struct tarn_property p;
    TARN_TRY(tarn__sql_text(op, stmt, 0, &p.key));
    TARN_TRY(tarn__sql_text(op, stmt, 1, &p.value));
    if (!p.value.ptr) /* Java's column may hold NULL */
        p.value = TARN_STR("");
    return tarn__properties_add(op, out, p);
}

static enum tarn_status read_properties(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct reading *r = arg;
    sqlite3_stmt *stmt;
    enum tarn_status status;
    bool row;
    TARN_TRY(tarn__sql_need_namespace(c, op, r->ns));
    TARN_TRY(
        tarn__sql_query(c, op,
                        "SELECT property_key, property_value FROM "
                        "iceberg_namespace_properties WHERE catalog_name = ?1 AND namespace = ?2 "
                        "AND property_key <> '" TARN__EXISTS_KEY "' ORDER BY property_key",
                        TARN__ARGS(c->base.catalog_name, r->ns), &stmt));
    while ((status = tarn__sql_next(c, op, stmt, &row)) == TARN_OK && row)
        if ((status = add_property(op, stmt, &r->found)) != TARN_OK)
            break;
    tarn__sql_done(stmt);
    return status;
}

enum tarn_status tarn__sqlite_namespace_properties(struct tarn_catalog *c, struct tarn_op *op,
                                                   struct tarn_str ns, struct tarn_properties *out)
{
    struct reading r = {.ns = ns};
    TARN_TRY(tarn__sql_transact((struct tarn__sqlite *)c, op, TARN__SQL_READ, read_properties, &r));
    *out = r.found;
    return TARN_OK;
}
