/* session: a connection with a catalog of its own, in which the names of its statements become
 * views. */
#include "engine/duckdb/engine_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/folder.h"

/* The catalog's own name for the first session, a name that no SQL text will hold by chance for the
 * others: three-part names are then rewritten (parse.c). */
static char *catalog_name_free(struct tarn_engine *e)
{
    struct tarn_str want = e->options.catalog_name;
    bool taken = tarn_str_eq_nocase(want, TARN_STR("memory")) ||
                 tarn_str_eq_nocase(want, TARN_STR("temp")) ||
                 tarn_str_eq_nocase(want, TARN_STR("system"));
    for (struct tarn_session *s = e->sessions; s; s = s->next)
        taken = taken || tarn_str_is(want, s->catalog);
    size_t size = want.len + 32;
    char *name = malloc(size);
    if (name && !taken)
        snprintf(name, size, "%s", want.ptr);
    else if (name)
        snprintf(name, size, "%s #%d", want.ptr, ++e->session_seq);
    return name;
}

static enum tarn_status session_start(struct tarn_session *s, struct tarn_op *op)
{
    struct tarn_buf sql;
    if (duckdb_connect(s->engine->db, &s->con) != DuckDBSuccess)
        return tarn_fail(op, TARN_NOMEM, "could not open a session: the engine gave no connection");
    tarn_buf_init(&sql, 4096);
    if (s->engine->options.progress) /* it costs: the engine adds it up after every task */
        tarn_buf_z(&sql, "SET enable_progress_bar=true; SET enable_progress_bar_print=false; ");
    tarn_buf_z(&sql, "ATTACH ':memory:' AS ");
    tarn_buf_sql_name(&sql, tarn_str_view(s->catalog));
    tarn_buf_z(&sql, "; USE ");
    tarn_buf_sql_name(&sql, tarn_str_view(s->catalog));
    tarn_buf_z(&sql, "; CREATE SCHEMA " TARN__SCHEMA_OWN);
    TARN_TRY(tarn__do_buf(s, op, &sql));
    return tarn__prepare(s, op, "SELECT json_serialize_sql($1::VARCHAR)", NULL, &s->parse);
}

enum tarn_status tarn_session_open(struct tarn_engine *e, struct tarn_op *op,
                                   struct tarn_resolver *resolver, struct tarn_session **out)
{
    *out = NULL;
    struct tarn_session *s = calloc(1, sizeof *s);
    if (!s)
        return tarn_fail(op, TARN_NOMEM, "could not open a session: out of memory");
    s->engine = e;
    s->resolver = resolver;
    pthread_mutex_lock(&e->lock);
    s->catalog = catalog_name_free(e);
    if (s->catalog) {
        s->next = e->sessions;
        e->sessions = s;
    }
    pthread_mutex_unlock(&e->lock);
    enum tarn_status status;
    if (!s->catalog) {
        free(s);
        return tarn_fail(op, TARN_NOMEM, "could not open a session: out of memory");
    }
    status = session_start(s, op);
    if (status == TARN_OK)
        *out = s;
    else
        tarn_session_close(s);
    return status;
}

static void session_unlist(struct tarn_session *s)
{
    struct tarn_engine *e = s->engine;
    pthread_mutex_lock(&e->lock);
    struct tarn_session **at = &e->sessions;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    pthread_mutex_unlock(&e->lock);
}

/* The catalog goes with the session; a failure leaves an empty catalog behind until the engine
 * closes. */
static void session_detach(struct tarn_session *s)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, 4096);
    tarn_buf_z(&sql, "USE memory; DETACH ");
    tarn_buf_sql_name(&sql, tarn_str_view(s->catalog));
    if (s->con && !sql.failed)
        (void)duckdb_query(s->con, sql.ptr, NULL);
    tarn_buf_release(&sql);
}

/* A Parquet file of no rows, with one column that no table has. */
static enum tarn_status empty_file_write(struct tarn_op *op, const char *path)
{
    static const char bytes[] =
        "PAR1"
        "\x15\x02"                                         /* FileMetaData: version 1 */
        "\x19\x2c"                                         /* schema, two elements */
        "\x35\x00\x18\x06schema\x15\x02\x00"               /* the root, of one child */
        "\x15\x02\x25\x02\x18\x01x\x25\x22\x00"            /* optional int32 x */
        "\x16\x00\x19\x0c\x28\x04tarn\x19\x1c\x1c\x00\x00" /* no rows, no groups, by, orders */
        "\x00\x2b\x00\x00\x00PAR1";
    FILE *f = fopen(path, "wbxe");
    if (!f)
        return tarn_fail_errno(op, errno, "could not make file \"%s\"", path);
    bool whole = fwrite(bytes, sizeof bytes - 1, 1, f) == 1;
    if (fclose(f) != 0 || !whole)
        return tarn_fail_errno(op, errno, "could not write file \"%s\"", path);
    return TARN_OK;
}

enum tarn_status tarn__session_empty_file(struct tarn_session *s, struct tarn_op *op,
                                          const char **out)
{
    struct tarn_str folder = s->engine->options.temp_folder;
    *out = s->empty_file;
    if (*out || !folder.ptr)
        return TARN_OK;
    TARN_TRY(tarn_folder_make(op, folder.ptr));
    pthread_mutex_lock(&s->engine->lock);
    int64_t id = s->engine->next_id++;
    pthread_mutex_unlock(&s->engine->lock);
    struct tarn_str path =
        tarn_sprintf(op, "%.*s/empty-%lld.parquet", TARN_STR_ARG(folder), (long long)id);
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(empty_file_write(op, path.ptr));
    *out = s->empty_file = strndup(path.ptr, path.len);
    return *out ? TARN_OK : tarn_fail(op, TARN_NOMEM, "could not open a table: out of memory");
}

void tarn_session_close(struct tarn_session *s)
{
    if (!s)
        return;
    tarn_result_close(s->open);
    tarn__live_drop_all(s->engine, &s->lives);
    for (struct tarn__binding *b = s->bindings, *next; b; b = next) {
        next = b->next;
        tarn__live_drop_all(s->engine, &b->lives);
        free(b->name);
        free(b);
    }
    for (struct tarn__view *v = s->views, *next; v; v = next) {
        next = v->next;
        free(v->ns);
        free(v->name);
        free(v);
    }
    duckdb_destroy_prepare(&s->parse);
    duckdb_destroy_prepare(&s->plan);
    duckdb_disconnect(&s->planner);
    session_detach(s);
    session_unlist(s); /* before the connection goes: the watcher uses it */
    duckdb_disconnect(&s->con);
    if (s->empty_file)
        (void)unlink(s->empty_file);
    free(s->empty_file);
    free(s->ns);
    free(s->catalog);
    free(s);
}

struct tarn_scan_skips tarn_session_skips(const struct tarn_session *s)
{
    return s->skips;
}

double tarn_session_progress(struct tarn_session *s)
{
    return duckdb_query_progress(s->con).percentage;
}
