/* sqlite_open: a catalog file is found or made, checked and given its name. See catalog.h and
 * sqlite_int.h.
 *
 * The layout is that of PyIceberg's SqlCatalog and of Java's JdbcCatalog (schema V1: with
 * iceberg_type). A file without that column (V0) is used as it is and never altered: other programs
 * decide that. SQLite's locks and its shared memory do not hold between machines, so a file system
 * that several machines can mount is refused.
 */
#include "catalog/sql/sqlite_int.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "io/folder.h"

#define BUSY_MS_MAX 10000

/* ---- the file's place */

static const struct {
    uint32_t magic; /* statfs.f_type: linux/magic.h, and the kernel modules of the last four */
    const char *name;
} shared_file_systems[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xfe534d42, "SMB2"},
    {0xff534d42, "CIFS"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x73757245, "Coda"},
    {0x00c36400, "Ceph"},
    {0x01021997, "9P"},
    {0x65735546, "FUSE"},
    {0x786f4256, "VirtualBox shared folder"},
    {0x564c, "NCP"},
    {0xbacbacbc, "VMware shared folder"},
    {0x7461636f, "OCFS2"},
    {0x01161970, "GFS2"},
    {0x0bd00bd0, "Lustre"},
    {0x47504653, "GPFS"},
    {0x19830326, "BeeGFS"},
};

static enum tarn_status check_file_system(struct tarn_op *op, const char *path, const char *folder)
{
    struct statfs fs;
    if (statfs(path, &fs) != 0 && statfs(folder, &fs) != 0)
        return tarn_fail_errno(op, errno, "could not look at the file system of \"%s\"", folder);
    for (size_t i = 0; i < sizeof shared_file_systems / sizeof *shared_file_systems; i++) {
        if ((uint32_t)fs.f_type != shared_file_systems[i].magic)
            continue;
        (void)tarn_fail(op, TARN_CONFIG,
                        "catalog \"%s\" lies on a file system (%s) on which SQLite's locks do "
                        "not hold",
                        path, shared_file_systems[i].name);
        tarn_hint(op, "put the catalog's file on a local disk, or use a catalog server");
        return TARN_CONFIG;
    }
    return TARN_OK;
}

/* The absolute path: a name such as ":memory:" or "file:x?mode=ro" is then no longer special to
 * SQLite. */
static enum tarn_status absolute(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    char cwd[PATH_MAX];
    if (path.len == 0 || memchr(path.ptr, '\0', path.len) || path.ptr[path.len - 1] == '/')
        return tarn_fail(op, TARN_CONFIG, "\"%.*s\" cannot be a catalog's file",
                         TARN_STR_ARG(path));
    if (path.ptr[0] == '/') {
        *out = tarn_strdup(op, path);
    } else {
        if (!getcwd(cwd, sizeof cwd))
            return tarn_fail_errno(op, errno, "could not find the working directory");
        *out = tarn_sprintf(op, "%s/%.*s", cwd, TARN_STR_ARG(path));
    }
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status folder_of(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    const char *slash = memrchr(path.ptr, '/', path.len);
    size_t len = (size_t)(slash - path.ptr);
    *out = tarn_strdup(op, tarn_str_of(path.ptr, len > 0 ? len : 1));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status prepare_place(struct tarn_op *op, const char *path, const char *folder,
                                      bool create, bool *out_made)
{
    struct stat st;
    *out_made = stat(path, &st) != 0 && errno == ENOENT;
    if (*out_made && !create) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "catalog \"%s\" does not exist", path);
        return TARN_NOT_FOUND;
    }
    if (*out_made)
        TARN_TRY(tarn_folder_make(op, folder));
    return check_file_system(op, path, folder);
}

/* ---- the schema */

static const char create_tables[] = /* as PyIceberg 0.12 makes it */
    "CREATE TABLE IF NOT EXISTS iceberg_tables ("
    "catalog_name VARCHAR(255) NOT NULL, "
    "table_namespace VARCHAR(255) NOT NULL, "
    "table_name VARCHAR(255) NOT NULL, "
    "metadata_location VARCHAR(1000), "
    "previous_metadata_location VARCHAR(1000), "
    "iceberg_type VARCHAR(5), "
    "PRIMARY KEY (catalog_name, table_namespace, table_name))";
static const char create_properties[] = "CREATE TABLE IF NOT EXISTS iceberg_namespace_properties ("
                                        "catalog_name VARCHAR(255) NOT NULL, "
                                        "namespace VARCHAR(255) NOT NULL, "
                                        "property_key VARCHAR(255) NOT NULL, "
                                        "property_value VARCHAR(1000) NOT NULL, "
                                        "PRIMARY KEY (catalog_name, namespace, property_key))";

/* How many of the columns that we use are there; *out_any: the table is there at all. */
static enum tarn_status count_columns(struct tarn__sqlite *c, struct tarn_op *op, const char *table,
                                      const char *columns, int *out, bool *out_any)
{
    char sql[512];
    sqlite3_stmt *stmt;
    bool row;
    (void)snprintf(
        sql, sizeof sql,
        "SELECT count(*) FILTER (WHERE name IN (%s)), count(*) FROM pragma_table_info('%s')",
        columns, table);
    TARN_TRY(tarn__sql_query(c, op, sql, (struct tarn__args){.count = 0}, &stmt));
    enum tarn_status status = tarn__sql_next(c, op, stmt, &row);
    if (status == TARN_OK) {
        *out = sqlite3_column_int(stmt, 0);
        *out_any = sqlite3_column_int(stmt, 1) > 0;
    }
    tarn__sql_done(stmt);
    return status;
}

struct schema {
    bool tables, properties; /* there and right */
};

static enum tarn_status not_a_catalog(struct tarn__sqlite *c, struct tarn_op *op, const char *table)
{
    return tarn_fail(op, TARN_CORRUPT,
                     "\"%s\" is not an Iceberg catalog: its table %s has other columns", c->path,
                     table);
}

static enum tarn_status look_at_schema(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct schema *s = arg;
    int n = 0;
    TARN_TRY(count_columns(c, op, "iceberg_tables",
                           "'catalog_name', 'table_namespace', 'table_name', 'metadata_location', "
                           "'previous_metadata_location'",
                           &n, &s->tables));
    if (s->tables && n != 5)
        return not_a_catalog(c, op, "iceberg_tables");
    TARN_TRY(count_columns(c, op, "iceberg_namespace_properties",
                           "'catalog_name', 'namespace', 'property_key', 'property_value'", &n,
                           &s->properties));
    if (s->properties && n != 4)
        return not_a_catalog(c, op, "iceberg_namespace_properties");
    return TARN_OK;
}

/* Several processes may come here at once: IF NOT EXISTS, in one transaction. */
static enum tarn_status make_schema(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    static const struct tarn__args none = {.count = 0};
    (void)arg;
    TARN_TRY(tarn__sql_write(c, op, create_tables, none, NULL));
    return tarn__sql_write(c, op, create_properties, none, NULL);
}

static enum tarn_status ensure_schema(struct tarn__sqlite *c, struct tarn_op *op, bool create)
{
    struct schema s = {false, false};
    TARN_TRY(tarn__sql_transact(c, op, TARN__SQL_READ, look_at_schema, &s));
    if (s.tables && s.properties)
        return TARN_OK;
    if (!create)
        return tarn_fail(op, TARN_NOT_FOUND, "file \"%s\" holds no Iceberg catalog", c->path);
    return tarn__sql_transact(c, op, TARN__SQL_WRITE, make_schema, NULL);
}

/* ---- settings of the connection */

/* The switch to WAL needs the file for itself, and SQLite does not always wait for that by itself.
 * It stays in the file. */
static enum tarn_status use_wal(struct tarn__sqlite *c, struct tarn_op *op)
{
    for (int waited_ms = 0;; waited_ms += 20) {
        int rc = sqlite3_exec(c->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        if (rc == SQLITE_OK)
            return TARN_OK;
        if ((rc & 0xff) != SQLITE_BUSY || waited_ms >= c->busy_ms_max)
            return tarn__sql_fail(c, op, rc, "switch it to write-ahead logging");
        TARN_TRY(tarn_clock_sleep(tarn_clock_real(), op, 20000000, 2));
    }
}

static enum tarn_status configure(struct tarn__sqlite *c, struct tarn_op *op)
{
    /* In WAL, EXTRA is FULL: every commit is synced. Where WAL cannot be had, it also syncs the
     * folder of the journal. trusted_schema: a file from elsewhere must not call functions out of
     * its schema. */
    int rc = sqlite3_exec(c->db,
                          "PRAGMA synchronous = EXTRA; PRAGMA trusted_schema = OFF;"
                          "PRAGMA cell_size_check = ON",
                          NULL, NULL, NULL);
    if (rc != SQLITE_OK)
        return tarn__sql_fail(c, op, rc, "configure the connection");
    return sqlite3_db_readonly(c->db, "main") == 1 ? TARN_OK : use_wal(c, op);
}

/* ---- the catalog's name */

static enum tarn_status collect_names(struct tarn__sqlite *c, struct tarn_op *op, void *arg)
{
    struct tarn_names *names = arg;
    sqlite3_stmt *stmt;
    bool row = false;
    TARN_TRY(tarn__sql_query(c, op,
                             "SELECT catalog_name FROM iceberg_tables UNION "
                             "SELECT catalog_name FROM iceberg_namespace_properties ORDER BY 1",
                             (struct tarn__args){.count = 0}, &stmt));
    enum tarn_status status;
    while ((status = tarn__sql_next(c, op, stmt, &row)) == TARN_OK && row) {
        struct tarn_str name;
        if ((status = tarn__sql_text(op, stmt, 0, &name)) != TARN_OK ||
            (status = tarn__names_add(op, names, name)) != TARN_OK)
            break;
    }
    tarn__sql_done(stmt);
    return status;
}

static enum tarn_status several_names(struct tarn__sqlite *c, struct tarn_op *op,
                                      struct tarn_names names)
{
    struct tarn_buf list;
    tarn_buf_init(&list, TARN_REPORT_TEXT - 1);
    for (size_t i = 0; i < names.count && !list.failed; i++)
        tarn_buf_printf(&list, "%s%.*s", i ? ", " : "", TARN_STR_ARG(names.items[i]));
    (void)tarn_fail(op, TARN_CONFIG, "file \"%s\" holds %zu catalogs, and none is named", c->path,
                    names.count);
    if (!list.failed)
        tarn_detail(op, "their names: %.*s", TARN_STR_ARG(tarn_buf_view(&list)));
    tarn_hint(op, "say which one: --catalog-name NAME, or catalog.name in tarn.yaml");
    tarn_buf_release(&list);
    return TARN_CONFIG;
}

static enum tarn_status name_catalog(struct tarn__sqlite *c, struct tarn_op *op,
                                     struct tarn_str wanted)
{
    struct tarn_str name = wanted;
    if (!name.ptr) {
        struct tarn_names names = {NULL, 0};
        TARN_TRY(tarn__sql_transact(c, op, TARN__SQL_READ, collect_names, &names));
        if (names.count > 1)
            return several_names(c, op, names);
        name = names.count == 1 ? names.items[0] : TARN_STR("iceberg");
    }
    c->name = tarn_alloc_should_fail() ? NULL : strndup(name.ptr, name.len);
    if (!c->name)
        return tarn_fail(op, TARN_NOMEM, "out of memory while opening catalog \"%s\"", c->path);
    c->base.catalog_name = tarn_str_view(c->name);
    return TARN_OK;
}

/* ---- open */

static enum tarn_status new_catalog(struct tarn_op *op, struct tarn_str path,
                                    struct tarn__sqlite **out)
{
    struct tarn__sqlite *c = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *c);
    if (c)
        c->path = tarn_alloc_should_fail() ? NULL : strndup(path.ptr, path.len);
    if (!c || !c->path || pthread_mutex_init(&c->lock, NULL) != 0) {
        if (c)
            free(c->path);
        free(c);
        return tarn_fail(op, TARN_NOMEM, "out of memory while opening catalog \"%.*s\"",
                         TARN_STR_ARG(path));
    }
    c->base.ops = &tarn__sqlite_ops;
    c->busy_ms_max = BUSY_MS_MAX;
    *out = c;
    return TARN_OK;
}

static enum tarn_status open_file(struct tarn__sqlite *c, struct tarn_op *op,
                                  const struct tarn_catalog_sqlite_options *options)
{
    struct tarn_str folder;
    bool made;
    TARN_TRY(folder_of(op, tarn_str_view(c->path), &folder));
    TARN_TRY(prepare_place(op, c->path, folder.ptr, options->create, &made));
    TARN_TRY(tarn__sql_connect(c, op, options->create));
    TARN_TRY(configure(c, op));
    TARN_TRY(ensure_schema(c, op, options->create));
    if (made)
        TARN_TRY(tarn_folder_sync(NULL, op, folder.ptr));
    return name_catalog(c, op, options->catalog_name);
}

enum tarn_status tarn_catalog_sqlite_open(struct tarn_op *op,
                                          struct tarn_catalog_sqlite_options options,
                                          struct tarn_catalog **out)
{
    struct tarn__sqlite *c = NULL;
    struct tarn_str path;
    if (options.catalog_name.ptr &&
        (options.catalog_name.len == 0 || !tarn_utf8_valid(options.catalog_name) ||
         memchr(options.catalog_name.ptr, '\0', options.catalog_name.len)))
        return tarn_fail(op, TARN_CONFIG, "\"%.*s\" cannot be the name of a catalog",
                         TARN_STR_ARG(options.catalog_name));
    TARN_TRY(absolute(op, options.path, &path));
    TARN_TRY(new_catalog(op, path, &c));
    c->kill_at = options.kill_at;
    enum tarn_status status = open_file(c, op, &options);
    if (status != TARN_OK) {
        tarn_catalog_close(&c->base);
        return status;
    }
    *out = &c->base;
    return TARN_OK;
}

enum tarn_status tarn_catalog_kill_from_env(struct tarn_op *op, long *out_kill_at)
{
    int64_t n = 0;
    struct tarn_str text = tarn_str_view(getenv("TARN_TEST_CATALOG_KILL"));
    if (text.len > 0 && (!tarn_str_to_i64(text, &n) || n == INT64_MIN))
        return tarn_fail(op, TARN_CONFIG,
                         "could not read \"%.*s\" in the environment's TARN_TEST_CATALOG_KILL",
                         TARN_STR_ARG(text));
    *out_kill_at = (long)n;
    return TARN_OK;
}
