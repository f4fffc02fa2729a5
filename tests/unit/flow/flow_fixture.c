#include "flow_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/batch_text.h"

#define FIRST_RUN_US INT64_C(1748736000000000) /* 2025-06-01 */

void flow_ok(struct flow_world *w, enum tarn_status status)
{
    const struct tarn_report *r = &w->op.report;
    if (status != TARN_OK) {
        print_error("%s: %s\n%s\n%s\n", tarn_status_info(status)->name, r->message, r->detail,
                    r->hint);
        for (int i = 0; i < r->frame_count; i++)
            print_error("  while %s\n", r->frames[i]);
    }
    assert_int_equal(status, TARN_OK);
}

void flow_fails(struct flow_world *w, enum tarn_status status, enum tarn_status wanted,
                const char *part)
{
    struct tarn_report *r = &w->op.report;
    bool told = !part || strstr(r->message, part) || strstr(r->detail, part);
    for (int i = 0; i < r->frame_count; i++)
        told = told || strstr(r->frames[i], part);
    if (status != wanted || !told)
        print_error("%s: %s\n%s\n", tarn_status_info(status)->name, r->message, r->detail);
    assert_int_equal(status, wanted);
    assert_true(told);
    tarn_clear(&w->op);
}

/* ---- names */

static enum tarn_status lookup(struct tarn_resolver *self, struct tarn_op *op,
                               const struct tarn_table_ref *ref, struct tarn_relation *out)
{
    struct tarn_str ns = ref->ns, name = ref->name;
    struct flow_world *w = (struct flow_world *)self;
    struct tarn_table *t;
    *out = (struct tarn_relation){0};
    if (!ns.ptr)
        return TARN_OK;
    TARN_TRY(tarn_table_find(&w->lake, op, (struct tarn_ident){ns, name}, &t));
    if (!t)
        return TARN_OK;
    *out = (struct tarn_relation){
        .found = true, .schema = &tarn_metadata_schema(&t->metadata)->root, .handle = t};
    return TARN_OK;
}

static enum tarn_status plan(struct tarn_resolver *self, struct tarn_op *op,
                             const struct tarn_relation *r, const struct tarn_expr *filter,
                             const struct tarn_scan **out)
{
    struct flow_world *w = (struct flow_world *)self;
    struct tarn_scan *scan;
    TARN_TRY(tarn_table_scan(&w->lake, op, r->handle, NULL, filter, &scan));
    *out = scan;
    return TARN_OK;
}

static enum tarn_status names(struct tarn_resolver *self, struct tarn_op *op, struct tarn_str **out,
                              size_t *out_count)
{
    (void)self;
    TARN_NEW_ARRAY(op, *out, 1);
    *out_count = 0;
    return TARN_OK;
}

static enum tarn_status read_deletes(struct tarn_delete_reader *self, struct tarn_op *op,
                                     const struct tarn_str *paths, size_t count,
                                     struct tarn_position_deletes *out)
{
    struct flow_world *w =
        (struct flow_world *)(void *)((char *)self - offsetof(struct flow_world, deletes));
    return tarn_engine_read_position_deletes(w->engine, op, paths, count, out);
}

/* ---- life */

struct tarn_str flow_path(struct flow_world *w, const char *name)
{
    struct tarn_str s = tarn_sprintf(&w->op, "%s/%s", w->folder, name);
    assert_non_null(s.ptr);
    return s;
}

void flow_open(struct flow_world *w, bool sqlite)
{
    struct tarn_engine_options o = {.threads = 2, .memory_limit_bytes = (int64_t)1 << 30};
    assert_int_equal(tarn_op_init(&w->op, 0, 0), TARN_OK);
    w->resolver = (struct tarn_resolver){lookup, plan, names};
    w->deletes.read = read_deletes;
    flow_ok(w, tarn_storage_fs_open(&w->op, &w->storage));
    flow_ok(w, tarn_storage_from_env(&w->op, w->storage, &w->storage));
    if (sqlite) {
        struct tarn_catalog_sqlite_options c = {.path = flow_path(w, "warehouse/catalog.db"),
                                                .create = true};
        flow_ok(w, tarn_catalog_kill_from_env(&w->op, &c.kill_at));
        flow_ok(w, tarn_catalog_sqlite_open(&w->op, c, &w->catalog));
    } else {
        flow_ok(w, tarn_catalog_mem_open(&w->op, TARN_STR("iceberg"), &w->catalog));
    }
    enum tarn_status status = tarn_catalog_create_namespace(w->catalog, &w->op, TARN_STR("raw"),
                                                            (struct tarn_properties){NULL, 0});
    assert_true(status == TARN_OK || status == TARN_EXISTS);
    tarn_clear(&w->op);
    w->lake = (struct tarn_lake){w->storage, w->catalog, &w->deletes};
    o.temp_folder = flow_path(w, "temp");
    o.catalog_name = TARN_STR("iceberg");
    flow_ok(w, tarn_engine_open(&w->op, &o, &w->engine));
    flow_ok(w, tarn_session_open(w->engine, &w->op, &w->resolver, &w->session));
    w->flow = (struct tarn_flow){
        .lake = &w->lake, .engine = w->engine, .session = w->session, .workers = 2};
    flow_next_run(w);
}

void flow_close(struct flow_world *w)
{
    tarn_session_close(w->session);
    tarn_engine_close(w->engine);
    tarn_catalog_close(w->catalog);
    tarn_storage_close(w->lake.storage);
    tarn_op_release(&w->op);
}

int flow_begin(void **state)
{
    struct flow_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->folder, sizeof w->folder, "/tmp/tarn-flow-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    flow_open(w, false);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

int flow_end(void **state)
{
    struct flow_world *w = *state;
    flow_close(w);
    nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

void flow_next_run(struct flow_world *w)
{
    w->runs++;
    w->flow.ingest_ts_us = FIRST_RUN_US + (int64_t)w->runs * 3600000000LL;
    w->flow.run_id = tarn_sprintf(&w->op, "run-%d", w->runs);
    assert_non_null(w->flow.run_id.ptr);
}

/* ---- SQL */

enum tarn_status flow_try_rows(struct flow_world *w, const char *sql, const char **out)
{
    struct tarn_result *r;
    struct tarn_batch b;
    struct tarn_buf text;
    struct tarn_str taken = {NULL, 0};
    struct tarn_sql_text statement = {.sql = tarn_str_view(sql), .line0 = 1};
    enum tarn_status status;
    TARN_TRY(tarn_session_query(w->session, &w->op, statement, &r));
    tarn_buf_init(&text, (size_t)64 << 20);
    while ((status = tarn_result_next(r, &w->op, &b)) == TARN_OK && b.rows > 0)
        for (size_t i = 0; i < b.rows; i++) {
            for (size_t c = 0; c < b.column_count; c++) {
                tarn_buf_z(&text, c > 0 ? "|" : "");
                tarn_column_text(&text, &b.columns[c], i);
            }
            tarn_buf_put(&text, '\n');
        }
    tarn_result_close(r);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(&w->op, &text, "rows", &taken);
    else
        tarn_buf_release(&text);
    *out = taken.ptr ? taken.ptr : "";
    return status;
}

const char *flow_rows(struct flow_world *w, const char *sql)
{
    const char *out = "";
    tarn_session_forget_views(w->session);
    enum tarn_status status = flow_try_rows(w, sql, &out);
    if (status != TARN_OK)
        print_error("%s\n", sql);
    flow_ok(w, status);
    return out;
}

void flow_exec(struct flow_world *w, const char *sql)
{
    flow_ok(w, tarn_session_exec(w->session, &w->op, tarn_str_view(sql)));
}

/* ---- files */

void flow_put(struct flow_world *w, const char *name, const char *text)
{
    static time_t written = 1700000000;
    written++;
    struct tarn_str path = flow_path(w, name);
    struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
    char folder[256];
    snprintf(folder, sizeof folder, "%s", path.ptr);
    *strrchr(folder, '/') = 0;
    assert_true(mkdir(folder, 0777) == 0 || errno == EEXIST);
    FILE *f = fopen(path.ptr, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(utimensat(AT_FDCWD, path.ptr, times, 0), 0);
}

void flow_remove_file(struct flow_world *w, const char *name)
{
    assert_int_equal(unlink(flow_path(w, name).ptr), 0);
}

size_t flow_count_files(struct flow_world *w, const char *below)
{
    struct tarn_listing l;
    flow_ok(w, tarn_storage_list(w->storage, &w->op, flow_path(w, below), &l));
    return l.count;
}

/* ---- tables */

static struct tarn_ident ident_of(const char *name)
{
    struct tarn_str rest = tarn_str_view(name);
    struct tarn_ident ident;
    assert_true(tarn_str_cut(&rest, '.', &ident.ns));
    ident.name = rest;
    return ident;
}

struct tarn_table *flow_table(struct flow_world *w, const char *name)
{
    struct tarn_table *t;
    flow_ok(w, tarn_table_find(&w->lake, &w->op, ident_of(name), &t));
    return t;
}

void flow_create(struct flow_world *w, const char *name, const char *type,
                 const char *const *partitions, const char *rows)
{
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_str exprs[8];
    struct tarn_create create = {.schema = &schema};
    struct tarn_ident ident = ident_of(name);
    int32_t next = 1;
    size_t n = 0;
    create.location = tarn_sprintf(&w->op, "%s/warehouse/%.*s/%.*s", w->folder,
                                   TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
    assert_non_null(create.location.ptr);
    flow_ok(w, tarn_type_parse(&w->op, tarn_str_view(type), &schema.root));
    tarn_type_assign_ids(&schema.root, &next);
    for (; partitions && partitions[n]; n++)
        exprs[n] = tarn_str_view(partitions[n]);
    flow_ok(w, tarn_spec_make(&w->op, &schema, exprs, n, &create.spec));
    flow_ok(w, tarn_change_create(&w->lake, &w->op, ident, &create, &c));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    if (rows)
        flow_insert(w, name, rows);
}

void flow_insert(struct flow_world *w, const char *name, const char *rows)
{
    struct tarn_change *c;
    struct tarn_write write;
    struct tarn_written written;
    struct tarn_sql_text text = {.sql = tarn_str_view(rows), .line0 = 1};
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, name), &c));
    flow_ok(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write));
    flow_ok(w, tarn_session_write(w->session, &w->op, text, &write, &written));
    flow_ok(w, tarn_change_append(c, &w->op, written.files, written.count));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

void flow_drop(struct flow_world *w, const char *name)
{
    struct tarn_swap swap = {.ident = ident_of(name),
                             .expected = flow_table(w, name)->metadata_location};
    flow_ok(w, tarn_catalog_commit(w->catalog, &w->op, &swap, 1));
}

/* ---- loads */

struct tarn_load flow_load(struct flow_world *w)
{
    static const struct tarn_str globs[] = {{"*.json", 6}};
    return (struct tarn_load){
        .table = {TARN_STR("raw"), TARN_STR("t")},
        .source = TARN_STR("app"),
        .stream = TARN_STR("docs"),
        .location = flow_path(w, "warehouse/raw/t"),
        .base = flow_path(w, "data"),
        .globs = globs,
        .glob_count = 1,
        .decode = {.format = TARN_INPUT_EJSON},
        .dead_letters_max = -1,
    };
}

enum tarn_status flow_run(struct flow_world *w, const struct tarn_load *load,
                          struct tarn_loaded *out)
{
    struct tarn_load_plan p;
    *out = (struct tarn_loaded){0};
    flow_next_run(w);
    TARN_TRY(tarn_load_make_plan(&w->flow, &w->op, load, &p));
    return tarn_load_run(&w->flow, &w->op, load, &p, out);
}
