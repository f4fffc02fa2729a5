/* workspace: opening, closing, and the resolver behind the session. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sched/sched_int.h"

/* ---- tables of this run */

static bool same_ident(struct tarn_ident a, struct tarn_ident b)
{
    return tarn_str_eq(a.ns, b.ns) && tarn_str_eq(a.name, b.name);
}

enum tarn_status tarn_workspace_stage(struct tarn_workspace *w, struct tarn_op *op,
                                      struct tarn_table *table)
{
    for (size_t i = 0; i < w->staged_count; i++)
        if (same_ident(w->staged[i]->ident, table->ident)) {
            w->staged[i] = table;
            tarn_session_forget_views(w->session);
            return TARN_OK;
        }
    if (w->staged_count == w->staged_cap) {
        struct tarn_table **grown;
        w->staged_cap = w->staged_cap ? w->staged_cap * 2 : 16;
        TARN_NEW_ARRAY(op, grown, w->staged_cap);
        if (w->staged_count)
            memcpy(grown, w->staged, w->staged_count * sizeof *grown);
        w->staged = grown;
    }
    w->staged[w->staged_count++] = table;
    tarn_session_forget_views(w->session);
    return TARN_OK;
}

/* ---- opening */

static enum tarn_status read_deletes(struct tarn_delete_reader *self, struct tarn_op *op,
                                     const struct tarn_str *paths, size_t count,
                                     struct tarn_position_deletes *out)
{
    struct tarn_workspace *w =
        (struct tarn_workspace *)(void *)((char *)self - offsetof(struct tarn_workspace, deletes));
    return tarn_engine_read_position_deletes(w->engine, op, paths, count, out);
}

static enum tarn_status absolute(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    char cwd[4096];
    if (path.len && path.ptr[0] == '/') {
        *out = tarn_strdup(op, path);
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    if (!getcwd(cwd, sizeof cwd))
        return tarn_fail_errno(op, errno, "could not find the working directory");
    while (tarn_str_starts(path, TARN_STR("./")))
        path = tarn_str_of(path.ptr + 2, path.len - 2);
    *out = path.len == 0 || tarn_str_is(path, ".") ? tarn_strdup(op, tarn_str_view(cwd))
                                                   : tarn_path_join(op, tarn_str_view(cwd), path);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status locate(struct tarn_workspace *w, struct tarn_op *op,
                               const struct tarn_workspace_options *o,
                               struct tarn_catalog_sqlite_options *catalog)
{
    if (!o->outside) {
        TARN_TRY(tarn_project_load(op, &o->project, &w->project));
        w->warehouse = w->project->profile.warehouse;
        w->folder = w->project->folder;
        w->threads = w->project->profile.threads;
        w->state = tarn_path_join(op, w->folder, TARN_STR(".tarn"));
        catalog->path = w->project->profile.catalog.path;
        catalog->catalog_name = w->project->profile.catalog.name;
        return w->state.ptr ? TARN_OK : TARN_NOMEM;
    }
    TARN_TRY(absolute(op, o->warehouse, &w->warehouse));
    w->folder = w->warehouse;
    catalog->path = tarn_path_join(op, w->warehouse, TARN_STR("catalog.db"));
    catalog->catalog_name = o->catalog_name;
    return catalog->path.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status open_catalog(struct tarn_workspace *w, struct tarn_op *op,
                                     const struct tarn_workspace_options *o,
                                     struct tarn_catalog_sqlite_options *catalog)
{
    catalog->create = o->create;
    TARN_TRY(tarn_catalog_kill_from_env(op, &catalog->kill_at));
    enum tarn_status status = tarn_catalog_sqlite_open(op, *catalog, &w->catalog);
    if (status == TARN_NOT_FOUND && !o->outside) {
        tarn_clear(op); /* nothing was run yet: an empty catalog */
        w->no_catalog = true;
        return tarn_catalog_mem_open(op, catalog->catalog_name, &w->catalog);
    }
    if (status == TARN_NOT_FOUND) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "there is no warehouse in \"%.*s\"",
                        TARN_STR_ARG(w->warehouse));
        tarn_hint(op,
                  "a warehouse is a folder with a catalog.db; `tarn run` in a project makes one, "
                  "or CREATE NAMESPACE");
    }
    return status;
}

/* `vars:` of the project: getvariable('name') in models and checks. */
static enum tarn_status set_variables(struct tarn_workspace *w, struct tarn_op *op)
{
    const struct tarn_kvs *vars = &w->project->vars;
    struct tarn_buf sql;
    enum tarn_status status = TARN_OK;
    tarn_buf_init(&sql, 1 << 20);
    for (size_t i = 0; i < vars->count && status == TARN_OK; i++) {
        tarn_buf_reset(&sql);
        tarn_buf_z(&sql, "SET VARIABLE ");
        tarn_buf_sql_name(&sql, vars->items[i].key);
        tarn_buf_z(&sql, " = ");
        tarn_buf_sql_text(&sql, vars->items[i].value);
        status = (enum tarn_status)tarn_buf_finish(op, &sql, "a variable");
        if (status == TARN_OK)
            status = tarn_session_exec(w->session, op, tarn_buf_view(&sql));
    }
    tarn_buf_release(&sql);
    return status;
}

static enum tarn_status open_engine(struct tarn_workspace *w, struct tarn_op *op)
{
    struct tarn_engine_options options = {
        .threads = w->threads, .temp_folder = w->temp, .catalog_name = w->catalog->catalog_name};
    if (w->project)
        options.memory_limit_bytes = (int64_t)w->project->profile.memory_limit_bytes;
    TARN_TRY(tarn_engine_open(op, &options, &w->engine));
    w->lake.deletes = &w->deletes;
    TARN_TRY(tarn_session_open(w->engine, op, &w->resolver, &w->session));
    return w->project ? set_variables(w, op) : TARN_OK;
}

enum tarn_status tarn_workspace_totals(struct tarn_workspace *w, struct tarn_op *op,
                                       const struct tarn_table *t, struct tarn_table_totals *out)
{
    TARN_TRY(tarn_table_totals(&w->lake, op, t, out));
    if (out->rows_open && !w->engine)
        TARN_TRY(open_engine(w, op));
    return out->rows_open ? tarn_flow_totals(&w->lake, w->session, op, t, out) : TARN_OK;
}

enum tarn_status tarn_workspace_open(struct tarn_op *op, const struct tarn_workspace_options *o,
                                     struct tarn_workspace **out)
{
    struct tarn_workspace *w;
    struct tarn_catalog_sqlite_options catalog = {0};
    TARN_NEW(op, w);
    *out = w;
    w->resolver = tarn__resolver();
    w->deletes.read = read_deletes;
    TARN_TRY(locate(w, op, o, &catalog));
    if (w->threads <= 0)
        w->threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    TARN_TRY(tarn__temp_folder(op, w->state, &w->temp));
    TARN_TRY(tarn_storage_fs_open(op, &w->storage));
    TARN_TRY(tarn_storage_from_env(op, w->storage, &w->storage));
    TARN_TRY(open_catalog(w, op, o, &catalog));
    w->lake = (struct tarn_lake){.storage = w->storage, .catalog = w->catalog};
    return o->engine ? open_engine(w, op) : TARN_OK;
}

void tarn_workspace_close(struct tarn_workspace *w)
{
    if (!w)
        return;
    tarn_temp_views_release(&w->temps);
    tarn_session_close(w->session);
    tarn_engine_close(w->engine);
    tarn_catalog_close(w->catalog);
    tarn_storage_close(w->storage);
    w->session = NULL;
    w->engine = NULL;
    w->catalog = NULL;
    w->storage = NULL;
}

static enum tarn_status refs(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                             struct tarn_table_refs *out)
{
    struct tarn_workspace *w = ctx;
    return tarn_session_refs(w->session, op, text, out);
}

enum tarn_status tarn_workspace_graph(struct tarn_workspace *w, struct tarn_op *op)
{
    TARN_ASSERT(w->project && w->session);
    return w->graph ? TARN_OK : tarn_graph_build(op, w->project, refs, w, &w->graph);
}

struct tarn_flow tarn_workspace_flow(struct tarn_workspace *w, int64_t ingest_ts_us,
                                     struct tarn_str run_id)
{
    return (struct tarn_flow){.lake = &w->lake,
                              .engine = w->engine,
                              .session = w->session,
                              .ingest_ts_us = ingest_ts_us,
                              .run_id = run_id,
                              .workers = w->threads};
}
