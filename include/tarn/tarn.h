/* tarn.h: the public C API of libtarn: open a warehouse, work with it in SQL, run a project.
 *
 *     struct tarn_warehouse *w;
 *     struct tarn_cursor *c;
 *     if (tarn_warehouse_open("warehouse", NULL, &w) != 0 ||
 *         tarn_warehouse_query(w, "select entry_id, total_debit from curated.gold", &c) != 0)
 *         fprintf(stderr, "%s\n", tarn_warehouse_error(w));
 *     while (tarn_cursor_next(c) == 1)
 *         printf("%s %s\n", tarn_cursor_text(c, 0), tarn_cursor_text(c, 1));
 *     tarn_cursor_close(c);
 *     tarn_warehouse_execute(w, "delete from raw.orders where amount is null", &rows);
 *     tarn_warehouse_close(w);
 *
 * A warehouse is a conversation: BEGIN, COMMIT and USE hold from one statement to the next. It is
 * used by one thread at a time; several may be open, also on one folder. Functions that can fail
 * return 0, or the exit code that the program `tarn` would leave with (docs/cli.md): 1 a task or
 * statement failed, 2 usage or configuration, 3 not allowed or not reached, 4 conflict or lock held.
 * Link with libtarn.a and the engine's library.
 */
#ifndef TARN_TARN_H
#define TARN_TARN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct tarn_warehouse;
struct tarn_cursor;

/* "0.1.0" */
const char *tarn_library_version(void);

/* A folder with a catalog.db. catalog_name may be NULL: the only one in it. *out is set also on
 * failure (to be asked for the error and closed), NULL only when there was no memory. */
int tarn_warehouse_open(const char *folder, const char *catalog_name, struct tarn_warehouse **out);
/* The same; a folder without a catalog, or no folder yet, becomes an empty warehouse. */
int tarn_warehouse_create(const char *folder, const char *catalog_name,
                          struct tarn_warehouse **out);
/* What the last call that failed says: "table raw.x not found". Never NULL; valid until the next
 * call. */
const char *tarn_warehouse_error(const struct tarn_warehouse *warehouse);
/* NULL-safe. An open transaction is rolled back, an open cursor has no more rows (and is closed by
 * its owner all the same). */
void tarn_warehouse_close(struct tarn_warehouse *warehouse);
/* From any thread: the statement that runs fails with "cancelled on request". */
void tarn_warehouse_cancel(struct tarn_warehouse *warehouse);

/* One statement, of any kind: what it changes is done when this returns. One cursor at a time:
 * close it before the next statement; that gives back all memory of the statement. */
int tarn_warehouse_query(struct tarn_warehouse *warehouse, const char *sql,
                         struct tarn_cursor **out);
/* The same without a look at its rows. *out_affected (may be NULL): as tarn_cursor_affected. */
int tarn_warehouse_execute(struct tarn_warehouse *warehouse, const char *sql,
                           int64_t *out_affected);
/* "SELECT", "INSERT", "CREATE TABLE": as PostgreSQL names commands. */
const char *tarn_cursor_tag(const struct tarn_cursor *cursor);
/* Rows that the statement inserted, updated or deleted; -1: it is none that does so. */
int64_t tarn_cursor_affected(const struct tarn_cursor *cursor);
/* 0: the statement has no rows to read. */
size_t tarn_cursor_column_count(const struct tarn_cursor *cursor);
const char *tarn_cursor_column_name(const struct tarn_cursor *cursor, size_t column);
/* Iceberg's spelling: "long", "decimal(18, 2)", "list<string>" */
const char *tarn_cursor_column_type(const struct tarn_cursor *cursor, size_t column);
/* 1: there is a row; 0: the end; -1: failed, tarn_warehouse_error says why. */
int tarn_cursor_next(struct tarn_cursor *cursor);
/* The value of the row as text, as `tarn sql` prints it; NULL for a null. Valid until the next
 * row. */
const char *tarn_cursor_text(struct tarn_cursor *cursor, size_t column);
void tarn_cursor_close(struct tarn_cursor *cursor); /* NULL-safe */

/* Runs the project in a folder once, as `tarn run` does. message (may be NULL) gets one line of
 * at most size - 1 bytes: what was done or what went wrong. */
int tarn_project_run(const char *folder, char *message, size_t size);

#ifdef __cplusplus
}
#endif

#endif
