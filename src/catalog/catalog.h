/* catalog: which metadata file is a table's, or a view's, current one.
 *
 * A catalog holds namespaces (with properties) and tables (namespace + name -> metadata
 * location). A commit swaps several tables' locations
 * in one transaction where the catalog can (TARN_CATALOG_MULTI_TABLE), all or none:
 *   OK        every swap happened and is durable
 *   CONFLICT  at least one table was not where `expected` said (nothing was changed);
 *   report->detail names it
 *   UNKNOWN   the answer was lost: look the commit up, never retry blindly, never delete its files
 *   NOT_FOUND a namespace or table is missing; EXISTS a table to create is there already
 * `expected` absent (.ptr NULL) = the table is created by this swap; `next` absent = it is
 * dropped from the catalog.
 * Multi-level namespaces are joined with '.', as Iceberg's SQL catalog does. Names are
 * case-sensitive. A namespace is there when it was
 * made, or when a table or a namespace below it is there; lists name it either way. The property
 * "exists" is reserved (PyIceberg and
 * Java mark a namespace with it): never handed out, and TARN_INVALID to set or remove. A
 * namespace that holds tables, views or other
 * namespaces is TARN_NOT_EMPTY to drop.
 * Views (TARN_CATALOG_VIEWS) stand beside tables and share their names: a view cannot be made where
 * a table is, nor the reverse (TARN_EXISTS); the functions of one kind do not see the other
 * (TARN_NOT_FOUND). A file of the SQL catalog in schema V0 has no views: making one is
 * TARN_UNSUPPORTED, lists are empty.
 * Any thread, each call with its own op; an implementation locks inside. Results live in op->arena.
 * Conformance: tests/unit/catalog/test_catalog.c over every implementation.
 */
#ifndef TARN_CATALOG_H
#define TARN_CATALOG_H

#include "base/op.h"

enum tarn_catalog_ability { TARN_CATALOG_MULTI_TABLE = 1u << 0, TARN_CATALOG_VIEWS = 1u << 1 };

struct tarn_ident {
    struct tarn_str ns; /* "raw", "a.b" */
    struct tarn_str name;
};
struct tarn_property {
    struct tarn_str key, value;
};
struct tarn_properties {
    struct tarn_property *items;
    size_t count;
};
struct tarn_swap {
    struct tarn_ident ident;
    struct tarn_str expected; /* metadata location that must be current; absent = must not exist */
    struct tarn_str next;     /* absent = drop */
};
struct tarn_idents {
    struct tarn_ident *items;
    size_t count;
};
struct tarn_names {
    struct tarn_str *items;
    size_t count;
};

struct tarn_catalog;
struct tarn_catalog_ops {
    const char *name;
    unsigned abilities;
    enum tarn_status (*load)(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                             struct tarn_str *out_metadata_location);
    enum tarn_status (*commit)(struct tarn_catalog *, struct tarn_op *,
                               const struct tarn_swap *swaps, size_t count);
    enum tarn_status (*rename)(struct tarn_catalog *, struct tarn_op *, struct tarn_ident from,
                               struct tarn_ident to);
    enum tarn_status (*list_tables)(struct tarn_catalog *, struct tarn_op *, struct tarn_str ns,
                                    struct tarn_idents *out);
    /* TARN_CATALOG_VIEWS; else NULL */
    enum tarn_status (*load_view)(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                                  struct tarn_str *out_metadata_location);
    enum tarn_status (*commit_view)(struct tarn_catalog *, struct tarn_op *,
                                    const struct tarn_swap *swap);
    enum tarn_status (*rename_view)(struct tarn_catalog *, struct tarn_op *, struct tarn_ident from,
                                    struct tarn_ident to);
    enum tarn_status (*list_views)(struct tarn_catalog *, struct tarn_op *, struct tarn_str ns,
                                   struct tarn_idents *out);
    enum tarn_status (*list_namespaces)(struct tarn_catalog *, struct tarn_op *,
                                        struct tarn_names *out);
    enum tarn_status (*create_namespace)(struct tarn_catalog *, struct tarn_op *,
                                         struct tarn_str ns, struct tarn_properties);
    enum tarn_status (*drop_namespace)(struct tarn_catalog *, struct tarn_op *, struct tarn_str ns);
    enum tarn_status (*drop_namespace_cascade)(struct tarn_catalog *, struct tarn_op *,
                                               struct tarn_str ns);
    enum tarn_status (*namespace_properties)(struct tarn_catalog *, struct tarn_op *,
                                             struct tarn_str ns, struct tarn_properties *out);
    enum tarn_status (*set_namespace_properties)(struct tarn_catalog *, struct tarn_op *,
                                                 struct tarn_str ns, struct tarn_properties set,
                                                 struct tarn_names removed);
    void (*close)(struct tarn_catalog *);
};
struct tarn_catalog { /* first member of every implementation */
    const struct tarn_catalog_ops *ops;
    struct tarn_str catalog_name; /* "iceberg" */
};

/* Callers use these. */
/* TARN_INVALID: no table or view of that name can be made. Commits and renames look too; whoever
 * writes into the folder of that name looks first. */
enum tarn_status tarn_catalog_check_name(struct tarn_op *, struct tarn_ident) TARN_MUST_USE;
enum tarn_status tarn_catalog_load(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                                   struct tarn_str *out_metadata_location) TARN_MUST_USE;
enum tarn_status tarn_catalog_commit(struct tarn_catalog *, struct tarn_op *,
                                     const struct tarn_swap *swaps, size_t count) TARN_MUST_USE;
enum tarn_status tarn_catalog_rename(struct tarn_catalog *, struct tarn_op *,
                                     struct tarn_ident from, struct tarn_ident to) TARN_MUST_USE;
/* ns absent: tables of every namespace; sorted by namespace, then name. An unknown namespace is
 * TARN_NOT_FOUND. */
enum tarn_status tarn_catalog_list_tables(struct tarn_catalog *, struct tarn_op *,
                                          struct tarn_str ns,
                                          struct tarn_idents *out) TARN_MUST_USE;
/* The same for views; a commit is of one view. TARN_UNSUPPORTED where the catalog keeps none. */
enum tarn_status tarn_catalog_load_view(struct tarn_catalog *, struct tarn_op *, struct tarn_ident,
                                        struct tarn_str *out_metadata_location) TARN_MUST_USE;
enum tarn_status tarn_catalog_commit_view(struct tarn_catalog *, struct tarn_op *,
                                          const struct tarn_swap *swap) TARN_MUST_USE;
enum tarn_status tarn_catalog_rename_view(struct tarn_catalog *, struct tarn_op *,
                                          struct tarn_ident from,
                                          struct tarn_ident to) TARN_MUST_USE;
enum tarn_status tarn_catalog_list_views(struct tarn_catalog *, struct tarn_op *,
                                         struct tarn_str ns, struct tarn_idents *out) TARN_MUST_USE;
enum tarn_status tarn_catalog_list_namespaces(struct tarn_catalog *, struct tarn_op *,
                                              struct tarn_names *out) TARN_MUST_USE;
enum tarn_status tarn_catalog_create_namespace(struct tarn_catalog *, struct tarn_op *,
                                               struct tarn_str ns,
                                               struct tarn_properties) TARN_MUST_USE;
enum tarn_status tarn_catalog_drop_namespace(struct tarn_catalog *, struct tarn_op *,
                                             struct tarn_str ns) TARN_MUST_USE;
/* With all tables, views and namespaces that it holds at that moment, in one transaction: all or
 * none. */
enum tarn_status tarn_catalog_drop_namespace_cascade(struct tarn_catalog *, struct tarn_op *,
                                                     struct tarn_str ns) TARN_MUST_USE;
enum tarn_status tarn_catalog_namespace_properties(struct tarn_catalog *, struct tarn_op *,
                                                   struct tarn_str ns,
                                                   struct tarn_properties *out) TARN_MUST_USE;
enum tarn_status tarn_catalog_set_namespace_properties(struct tarn_catalog *, struct tarn_op *,
                                                       struct tarn_str ns,
                                                       struct tarn_properties set,
                                                       struct tarn_names removed) TARN_MUST_USE;
void tarn_catalog_close(struct tarn_catalog *);

/* Iceberg's SQL (JDBC) catalog layout in a SQLite file. The tables iceberg_tables and
 * iceberg_namespace_properties as PyIceberg 0.12 and Java's
 * JdbcCatalog (schema V1 with iceberg_type, and V0 without) make and read them. WAL,
 * synchronous=FULL, BEGIN IMMEDIATE for writes, busy timeout 10 s,
 * refused on network file systems. create: make the file (and folder) when it is absent, else an
 * absent file is TARN_NOT_FOUND.
 * catalog_name absent: the file's only catalog name (several: TARN_CONFIG with a list; none:
 * "iceberg"). */
struct tarn_catalog_sqlite_options {
    struct tarn_str path;
    struct tarn_str catalog_name;
    bool create;
    /* tests: SIGKILL the process at the n-th statement that writes (before it, from 1); 0 = off;
     * -n: that statement fails as on a full disk */
    long kill_at;
};
enum tarn_status tarn_catalog_sqlite_open(struct tarn_op *op, struct tarn_catalog_sqlite_options,
                                          struct tarn_catalog **out) TARN_MUST_USE;
/* Test hook for the whole program: kill_at out of the environment's TARN_TEST_CATALOG_KILL (a
 * number), 0 without it. */
enum tarn_status tarn_catalog_kill_from_env(struct tarn_op *op, long *out_kill_at) TARN_MUST_USE;
/* Memory, with the same rules: for tests; can be told to answer UNKNOWN after taking effect or
 * before. */
enum tarn_status tarn_catalog_mem_open(struct tarn_op *op, struct tarn_str catalog_name,
                                       struct tarn_catalog **out) TARN_MUST_USE;
/* of the next commit */
void tarn_catalog_mem_lose_answer(struct tarn_catalog *mem, bool took_effect);

#endif
