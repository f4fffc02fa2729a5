#include "catalog_fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char v0_schema[] =
    "CREATE TABLE iceberg_tables(catalog_name VARCHAR(255) NOT NULL,table_namespace VARCHAR(255) "
    "NOT "
    "NULL,table_name VARCHAR(255) NOT NULL,metadata_location VARCHAR(1000),"
    "previous_metadata_location VARCHAR(1000),"
    "PRIMARY KEY (catalog_name, table_namespace, table_name));"
    "CREATE TABLE iceberg_namespace_properties(catalog_name VARCHAR(255) NOT NULL,namespace "
    "VARCHAR(255) NOT NULL,property_key VARCHAR(255),property_value VARCHAR(1000),"
    "PRIMARY KEY (catalog_name, namespace, property_key));";

struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(tarn_op_init(&f->op, 0, 0), TARN_OK);
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(f->folder, sizeof f->folder, "%.40s/tarn-cat-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(f->path, sizeof f->path, "%s/wh/catalog.db", f->folder);
    return f;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void fixture_free(struct fixture *f)
{
    tarn_catalog_close(f->c);
    (void)nftw(f->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    tarn_op_release(&f->op);
    free(f);
}

enum tarn_status open_sqlite(struct fixture *f, const char *catalog_name, struct tarn_catalog **out)
{
    struct tarn_catalog_sqlite_options options = {.path = tarn_str_view(f->path),
                                                  .catalog_name = tarn_str_view(catalog_name),
                                                  .create = true};
    return tarn_catalog_sqlite_open(&f->op, options, out);
}

void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

const char *ask_sql(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *stmt;
    struct tarn_str answer = TARN_STR("");
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
        answer = tarn_sprintf(&f->op, "%s", (const char *)sqlite3_column_text(stmt, 0));
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_non_null(answer.ptr);
    return answer.ptr;
}

enum tarn_status swap(struct fixture *f, struct tarn_catalog *c, struct tarn_ident id,
                      const char *expected, const char *next)
{
    struct tarn_swap s = {id, tarn_str_view(expected), tarn_str_view(next)};
    return tarn_catalog_commit(c, &f->op, &s, 1);
}

void make_namespace(struct fixture *f, const char *ns)
{
    struct tarn_properties none = {NULL, 0};
    assert_ok(f, tarn_catalog_create_namespace(f->c, &f->op, tarn_str_view(ns), none));
}

void assert_location(struct fixture *f, struct tarn_ident id, const char *location)
{
    struct tarn_str got;
    assert_ok(f, tarn_catalog_load(f->c, &f->op, id, &got));
    assert_int_equal(got.len, strlen(location));
    assert_string_equal(got.ptr, location);
}
