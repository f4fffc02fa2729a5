/* sqlite: Iceberg's SQL catalog in a SQLite file: its table of operations. See catalog.h and
 * sqlite_int.h. */
#include "catalog/sql/sqlite_int.h"

#include <stdlib.h>

/* The log is carried over into the file, so that the file alone is the catalog; others that have it
 * open go on. */
static void sqlite_close(struct tarn_catalog *base)
{
    struct tarn__sqlite *c = (struct tarn__sqlite *)base;
    if (c->db) {
        (void)sqlite3_busy_handler(c->db, NULL, NULL);
        if (sqlite3_db_readonly(c->db, "main") == 0)
            (void)sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        int rc = sqlite3_close(c->db);
        TARN_ASSERT(rc == SQLITE_OK); /* BUSY: a statement was not finalized */
    }
    (void)pthread_mutex_destroy(&c->lock);
    free(c->name);
    free(c->path);
    free(c);
}

const struct tarn_catalog_ops tarn__sqlite_ops = {
    .name = "sqlite",
    .abilities = TARN_CATALOG_MULTI_TABLE | TARN_CATALOG_VIEWS,
    .load = tarn__sqlite_load,
    .commit = tarn__sqlite_commit,
    .rename = tarn__sqlite_rename,
    .list_tables = tarn__sqlite_list_tables,
    .load_view = tarn__sqlite_load_view,
    .commit_view = tarn__sqlite_commit_view,
    .rename_view = tarn__sqlite_rename_view,
    .list_views = tarn__sqlite_list_views,
    .list_namespaces = tarn__sqlite_list_namespaces,
    .create_namespace = tarn__sqlite_create_namespace,
    .drop_namespace = tarn__sqlite_drop_namespace,
    .drop_namespace_cascade = tarn__sqlite_drop_namespace_cascade,
    .namespace_properties = tarn__sqlite_namespace_properties,
    .set_namespace_properties = tarn__sqlite_set_namespace_properties,
    .close = sqlite_close,
};
