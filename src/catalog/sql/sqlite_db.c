/* sqlite_db: the handle under the SQLite catalog. See sqlite_int.h.
 *
 * Waiting: SQLite calls `busy` when another process holds the lock that it needs; we look at the op
 * and sleep, up to busy_ms_max. Codes: what a failing COMMIT means is decided in `commit`,
 * everything else in tarn__sql_fail.
 */
#include "catalog/sql/sqlite_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

/* 1 = try again. The op's report may be told here; tarn__sql_fail tells it anew. */
static int busy(void *arg, int tried)
{
    struct tarn__sqlite *c = arg;
    uint64_t now = tarn_clock_monotonic_ns(tarn_clock_real());
    if (tried == 0)
        c->busy_since_ns = now;
    uint64_t nap_ms =
        tried < 5 ? 1u << tried : 25; /* short at first: a commit of others takes about one sync */
    if (now - c->busy_since_ns >= (uint64_t)c->busy_ms_max * 1000000u)
        return 0;
    return tarn_clock_sleep(tarn_clock_real(), c->op, nap_ms * 1000000u, 2) == TARN_OK;
}

enum tarn_status tarn__sql_connect(struct tarn__sqlite *c, struct tarn_op *op, bool create)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    c->op = op;
    int rc = sqlite3_open_v2(c->path, &c->db, flags, NULL);
    if (rc != SQLITE_OK)
        return tarn__sql_fail(c, op, rc, "open it");
    (void)sqlite3_extended_result_codes(c->db, 1);
    (void)sqlite3_busy_handler(c->db, busy, c);
    return TARN_OK;
}

/* ---- what codes mean */

static enum tarn_status status_of(int rc, int err)
{
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return TARN_LOCKED;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return TARN_DENIED;
    case SQLITE_CANTOPEN:
        if (err == ENOENT || err == ENOTDIR)
            return TARN_NOT_FOUND;
        return err == EACCES || err == EPERM || err == EROFS ? TARN_DENIED : TARN_IO;
    case SQLITE_FULL:
        return TARN_DISK_FULL;
    case SQLITE_IOERR:
        if (rc == SQLITE_IOERR_NOMEM)
            return TARN_NOMEM;
        return err == ENOSPC || err == EDQUOT ? TARN_DISK_FULL : TARN_IO;
    case SQLITE_NOMEM:
        return TARN_NOMEM;
    case SQLITE_TOOBIG:
        return TARN_LIMIT;
    case SQLITE_ERROR: /* our statements are right, so the tables in the file are not */
    case SQLITE_SCHEMA:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return TARN_CORRUPT;
    default:
        return TARN_IO;
    }
}

static void add_hint(struct tarn_op *op, const struct tarn__sqlite *c, enum tarn_status status)
{
    switch (status) {
    case TARN_LOCKED:
        tarn_hint(
            op,
            "another program has held the catalog's lock for more than %d ms; try again, or see "
            "who holds it: fuser -v '%s'",
            c->busy_ms_max, c->path);
        break;
    case TARN_CORRUPT:
        tarn_hint(
            op,
            "the file may be damaged or may not be an Iceberg catalog; check it: sqlite3 '%s' "
            "'pragma integrity_check'",
            c->path);
        break;
    case TARN_DENIED:
        tarn_hint(op,
                  "the file and its folder must be writable: SQLite keeps its log beside the file");
        break;
    default:
        break;
    }
}

enum tarn_status tarn__sql_fail(struct tarn__sqlite *c, struct tarn_op *op, int rc,
                                const char *what)
{
    int err = c->db ? sqlite3_system_errno(c->db) : 0;
    enum tarn_status status = status_of(rc, err);
    if (status == TARN_LOCKED)
        TARN_TRY(tarn_poll(op, 2)); /* the wait ended because the op did */
    (void)tarn_fail(op, status, "could not use catalog \"%s\": could not %s: %s", c->path, what,
                    c->db && rc != SQLITE_NOMEM ? sqlite3_errmsg(c->db) : sqlite3_errstr(rc));
    tarn_detail(op, "SQLite code %d%s%s", rc, err ? ", " : "", err ? strerror(err) : "");
    add_hint(op, c, status);
    return status;
}

/* ---- statements */

static enum tarn_status bind(struct tarn__sqlite *c, struct tarn_op *op, sqlite3_stmt *stmt,
                             const struct tarn__args *args)
{
    for (int i = 0; i < args->count; i++) {
        struct tarn_str s = args->items[i];
        int rc = s.ptr
                     ? sqlite3_bind_text64(stmt, i + 1, s.ptr, s.len, SQLITE_TRANSIENT, SQLITE_UTF8)
                     : sqlite3_bind_null(stmt, i + 1);
        if (rc != SQLITE_OK)
            return tarn__sql_fail(c, op, rc, "bind a value");
    }
    return TARN_OK;
}

enum tarn_status tarn__sql_query(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                 struct tarn__args args, sqlite3_stmt **out)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL);
    if (rc != SQLITE_OK)
        return tarn__sql_fail(c, op, rc, "prepare a statement");
    enum tarn_status status = bind(c, op, stmt, &args);
    if (status != TARN_OK) {
        (void)sqlite3_finalize(stmt);
        return status;
    }
    *out = stmt;
    return TARN_OK;
}

enum tarn_status tarn__sql_next(struct tarn__sqlite *c, struct tarn_op *op, sqlite3_stmt *stmt,
                                bool *out_row)
{
    int rc = sqlite3_step(stmt);
    *out_row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE)
        return TARN_OK;
    return tarn__sql_fail(c, op, rc, sqlite3_stmt_readonly(stmt) ? "read it" : "write it");
}

enum tarn_status tarn__sql_text(struct tarn_op *op, sqlite3_stmt *stmt, int column,
                                struct tarn_str *out)
{
    *out = (struct tarn_str){NULL, 0};
    if (sqlite3_column_type(stmt, column) == SQLITE_NULL)
        return TARN_OK;
    const unsigned char *text = sqlite3_column_text(stmt, column);
    int n = sqlite3_column_bytes(stmt, column);
    if (!text)
        return tarn_fail(op, TARN_NOMEM, "out of memory while reading a catalog");
    *out = tarn_strdup(op, tarn_str_of(text, (size_t)n));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

void tarn__sql_done(sqlite3_stmt *stmt)
{
    (void)sqlite3_finalize(stmt);
}

enum tarn_status tarn__sql_exists(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                  struct tarn__args args, bool *out)
{
    sqlite3_stmt *stmt;
    TARN_TRY(tarn__sql_query(c, op, sql, args, &stmt));
    enum tarn_status status = tarn__sql_next(c, op, stmt, out);
    tarn__sql_done(stmt);
    return status;
}

/* Every statement that writes passes here first; COMMIT too. */
static enum tarn_status before_write(struct tarn__sqlite *c, struct tarn_op *op)
{
    if (c->kill_at == 0 || ++c->writes != labs(c->kill_at))
        return TARN_OK;
    if (c->kill_at < 0)
        return tarn__sql_fail(c, op, SQLITE_FULL, "write it");
    (void)kill(getpid(), SIGKILL);
    for (;;)
        (void)pause();
}

enum tarn_status tarn__sql_write(struct tarn__sqlite *c, struct tarn_op *op, const char *sql,
                                 struct tarn__args args, int *out_changes)
{
    sqlite3_stmt *stmt;
    bool row;
    TARN_TRY(tarn__sql_query(c, op, sql, args, &stmt));
    enum tarn_status status = before_write(c, op);
    if (status == TARN_OK)
        status = tarn__sql_next(c, op, stmt, &row);
    tarn__sql_done(stmt);
    if (status == TARN_OK && out_changes)
        *out_changes = sqlite3_changes(c->db);
    return status;
}

/* ---- transactions */

/* Writing into a file that was moved or replaced would be lost with it. */
static enum tarn_status check_moved(struct tarn__sqlite *c, struct tarn_op *op)
{
    int moved = 0;
    int rc = sqlite3_file_control(c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (rc == SQLITE_OK && moved) {
        (void)tarn_fail(op, TARN_IO,
                        "catalog \"%s\" was moved, replaced or removed while it was open", c->path);
        tarn_hint(op, "start again, so that the file which is there now is opened");
        return TARN_IO;
    }
    return TARN_OK;
}

static enum tarn_status begin(struct tarn__sqlite *c, struct tarn_op *op, enum tarn__sql_mode mode)
{
    TARN_TRY(check_moved(c, op));
    int rc = sqlite3_exec(c->db, mode == TARN__SQL_WRITE ? "BEGIN IMMEDIATE" : "BEGIN", NULL, NULL,
                          NULL);
    if (rc != SQLITE_OK)
        return tarn__sql_fail(c, op, rc,
                              mode == TARN__SQL_WRITE ? "begin to write" : "begin to read");
    return tarn__sql_exists(c, op,
                            "SELECT 1 FROM pragma_table_info('iceberg_tables')"
                            " WHERE name = 'iceberg_type'",
                            (struct tarn__args){.count = 0}, &c->has_type);
}

static void rollback(struct tarn__sqlite *c)
{
    if (!sqlite3_get_autocommit(c->db))
        (void)sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
}

/* A COMMIT that failed has not happened when SQLite could not get the lock (the transaction is
 * still open) or could not write its last pages (the frame that makes it valid is missing). After
 * anything else, a failed sync above all, the pages may reach the disk and count after a crash. */
static enum tarn_status commit(struct tarn__sqlite *c, struct tarn_op *op)
{
    int rc = sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return TARN_OK;
    bool open = !sqlite3_get_autocommit(c->db);
    if (((rc & 0xff) == SQLITE_BUSY && open) || (rc & 0xff) == SQLITE_FULL) {
        enum tarn_status status = tarn__sql_fail(c, op, rc, "commit");
        rollback(c);
        return status;
    }
    (void)tarn_fail(op, TARN_UNKNOWN, "could not learn whether catalog \"%s\" took the commit: %s",
                    c->path, sqlite3_errmsg(c->db));
    tarn_detail(op, "SQLite code %d", rc);
    tarn_hint(op, "look the commit up in the catalog before anything is done again");
    rollback(c);
    return TARN_UNKNOWN;
}

enum tarn_status tarn__sql_transact(struct tarn__sqlite *c, struct tarn_op *op,
                                    enum tarn__sql_mode mode, tarn__sql_body body, void *arg)
{
    (void)pthread_mutex_lock(&c->lock);
    c->op = op;
    enum tarn_status status = begin(c, op, mode);
    if (status == TARN_OK)
        status = body(c, op, arg);
    if (status == TARN_OK && mode == TARN__SQL_WRITE)
        status = before_write(c, op);
    if (status == TARN_OK && mode == TARN__SQL_WRITE)
        status = commit(c, op);
    rollback(c); /* of what failed; the end of what only read */
    c->op = NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return status;
}
