/* sqlite_int: inside of the SQLite catalog.
 *
 *   sqlite.c            the table of operations, close
 *   sqlite_open.c       file, folder, file system, schema, the catalog's name
 *   sqlite_db.c         the handle: statements, transactions, waiting, what SQLite's codes mean
 *   sqlite_tables.c     load, commit, rename, list
 *   sqlite_namespaces.c namespaces and their properties
 */
#ifndef TARN_CATALOG_SQLITE_INT_H
#define TARN_CATALOG_SQLITE_INT_H

#include <pthread.h>
#include <sqlite3.h>

#include "catalog/catalog_int.h"

struct tarn__sqlite {
    struct tarn_catalog base;
    char *path;           /* absolute */
    char *name;           /* behind base.catalog_name */
    pthread_mutex_t lock; /* over all below: one connection, one thread at a time */
    sqlite3 *db;
    struct tarn_op
        *op; /* of who holds the lock: the busy handler looks at its cancel and deadline */
    uint64_t busy_since_ns;
    int busy_ms_max;
    bool has_type; /* iceberg_tables has iceberg_type (schema V1); looked up in each transaction,
                      since others add it */
    long kill_at, writes;
};

extern const struct tarn_catalog_ops tarn__sqlite_ops;

/* ---- sqlite_db.c */

/* Opens the handle; the file must not be open in this process by other means (its locks would fall
 * with a close). */
enum tarn_status tarn__sql_connect(struct tarn__sqlite *c, struct tarn_op *op, bool create);
/* What a result code means, told with SQLite's text: "could not <what>: ...". */
enum tarn_status tarn__sql_fail(struct tarn__sqlite *c, struct tarn_op *op, int rc,
                                const char *what);

/* A statement with text arguments ?1..?n; an absent one is NULL. Released by tarn__sql_done, which
 * is NULL-safe. */
struct tarn__args {
    struct tarn_str items[8];
    int count;
};
#define TARN__ARGS(...)                                                                          \
    (struct tarn__args)                                                                          \
    {                                                                                            \
        {__VA_ARGS__}, (int)(sizeof((struct tarn_str[]){__VA_ARGS__}) / sizeof(struct tarn_str)) \
    }
enum tarn_status tarn__sql_query(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                 struct tarn__args args, sqlite3_stmt **out);
enum tarn_status tarn__sql_next(struct tarn__sqlite *c, struct tarn_op *op, sqlite3_stmt *stmt,
                                bool *out_row);
enum tarn_status tarn__sql_text(struct tarn_op *op, sqlite3_stmt *stmt, int column,
                                struct tarn_str *out); /* into op->arena; NULL is absent */
void tarn__sql_done(sqlite3_stmt *stmt);
/* Runs a query that answers a row or none. */
enum tarn_status tarn__sql_exists(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                  struct tarn__args args, bool *out);
/* Runs a statement that writes; *out_changes (may be NULL): the rows it changed. */
enum tarn_status tarn__sql_write(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                 struct tarn__args args, int *out_changes);

/* Runs body in a transaction of its own, under the lock. WRITE begins IMMEDIATE: a transaction that
 * begins with a read and then writes fails at once, however long the busy timeout is. Whatever
 * fails is rolled back. */
enum tarn__sql_mode { TARN__SQL_READ, TARN__SQL_WRITE };
typedef enum tarn_status (*tarn__sql_body)(struct tarn__sqlite *c, struct tarn_op *op, void *arg);
enum tarn_status tarn__sql_transact(struct tarn__sqlite *c, struct tarn_op *op,
                                    enum tarn__sql_mode mode, tarn__sql_body body, void *arg);

/* ---- sqlite_tables.c, sqlite_namespaces.c: the operations */

enum tarn_status tarn__sqlite_load(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                                   struct tarn_str *out);
enum tarn_status tarn__sqlite_commit(struct tarn_catalog *, struct tarn_op *,
                                     const struct tarn_swap *swaps, size_t count);
enum tarn_status tarn__sqlite_rename(struct tarn_catalog *, struct tarn_op *,
                                     struct tarn_ident from, struct tarn_ident to);
enum tarn_status tarn__sqlite_list_tables(struct tarn_catalog *, struct tarn_op *,
                                          struct tarn_str ns, struct tarn_idents *out);
enum tarn_status tarn__sqlite_load_view(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                                        struct tarn_str *out);
enum tarn_status tarn__sqlite_commit_view(struct tarn_catalog *, struct tarn_op *,
                                          const struct tarn_swap *swap);
enum tarn_status tarn__sqlite_rename_view(struct tarn_catalog *, struct tarn_op *,
                                          struct tarn_ident from, struct tarn_ident to);
enum tarn_status tarn__sqlite_list_views(struct tarn_catalog *, struct tarn_op *,
                                         struct tarn_str ns, struct tarn_idents *out);
enum tarn_status tarn__sqlite_list_namespaces(struct tarn_catalog *, struct tarn_op *,
                                              struct tarn_names *out);
enum tarn_status tarn__sqlite_create_namespace(struct tarn_catalog *, struct tarn_op *,
                                               struct tarn_str ns, struct tarn_properties);
enum tarn_status tarn__sqlite_drop_namespace(struct tarn_catalog *, struct tarn_op *,
                                             struct tarn_str ns);
enum tarn_status tarn__sqlite_drop_namespace_cascade(struct tarn_catalog *, struct tarn_op *,
                                                     struct tarn_str ns);
enum tarn_status tarn__sqlite_namespace_properties(struct tarn_catalog *, struct tarn_op *,
                                                   struct tarn_str ns, struct tarn_properties *out);
enum tarn_status tarn__sqlite_set_namespace_properties(struct tarn_catalog *, struct tarn_op *,
                                                       struct tarn_str ns, struct tarn_properties,
                                                       struct tarn_names removed);
/* Inside a transaction. */
enum tarn_status tarn__sql_namespace_exists(struct tarn__sqlite *c, struct tarn_op *op,
                                            struct tarn_str ns, bool *out);
enum tarn_status tarn__sql_need_namespace(struct tarn__sqlite *c, struct tarn_op *op,
                                          struct tarn_str ns);

#endif
