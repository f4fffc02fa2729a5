/* blame: which file it was. Some of what the engine says about a damaged Parquet file ("TProtocolException:
 * Invalid data", "Out of buffer") names no file; then the files of the statement are read once more,
 * one by one, on a connection of their own, until one cannot be read. That takes as long as
 * reading them, and happens only where the message is of a reader, never of a user's mistake.
 */
#include "engine/duckdb/engine_int.h"

/* Of a thrown error that is none of the engine's own kinds. */
#define NO_KIND "Invalid"

bool tarn__is_of_a_file(struct tarn_str type, struct tarn_str message)
{
    static const char *const others[] = {"arquet", "incorrect stats size",
                                         "converted type can only be set",
                                         "detected in value construction"};
    if (tarn_str_is(type, NO_KIND))
        return true;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (memmem(message.ptr, message.len, others[i], strlen(others[i])))
            return true;
    return false;
}

static bool runs(duckdb_connection con, const struct tarn_buf *sql)
{
    duckdb_result r;
    if (sql->failed)
        return true; /* not the file's fault */
    bool yes = duckdb_query(con, sql->ptr, &r) == DuckDBSuccess;
    duckdb_destroy_result(&r);
    return yes;
}

/* All of its rows, then its statistics. */
static bool can_be_read(duckdb_connection con, struct tarn_str local_path)
{
    static const char *const which[] = {"", " WHERE COLUMNS(*) IS NOT NULL"};
    bool yes = true;
    for (size_t i = 0; i < sizeof which / sizeof *which && yes; i++) {
        struct tarn_buf sql;
        tarn_buf_init(&sql, TARN__SQL_MAX);
        tarn_buf_z(&sql, "SELECT last(COLUMNS(*)) FROM read_parquet(");
        tarn_engine_path_sql(&sql, local_path);
        tarn_buf_put(&sql, ')');
        tarn_buf_z(&sql, which[i]);
        yes = runs(con, &sql);
        tarn_buf_release(&sql);
    }
    return yes;
}

size_t tarn__unreadable_file(struct tarn_engine *e, struct tarn_op *op,
                             const struct tarn_str *local_paths, size_t count)
{
    duckdb_connection con;
    size_t i = 0;
    if (duckdb_connect(e->db, &con) != DuckDBSuccess)
        return count;
    while (i < count && tarn_poll(op, 2) == TARN_OK && can_be_read(con, local_paths[i]))
        i++;
    duckdb_disconnect(&con);
    if (op->report.status != TARN_CANCELLED && op->report.status != TARN_TIMEOUT)
        return i;
    tarn_clear(op);
    return count;
}
