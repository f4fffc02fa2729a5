#include "sql_fixture.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/batch_text.h"
#include "lake/inspect.h"

/* A table at a version, for the session. */
struct version {
    struct tarn_table *table;
    const struct tarn_snapshot *snapshot; /* NULL = the current one */
};

void sql_ok(struct sql_world *w, enum tarn_status status)
{
    const struct tarn_report *r = &w->op.report;
    if (status != TARN_OK) {
        print_error("%s: %s\n%s\n%s\n", tarn_status_info(status)->name, r->message, r->detail,
                    r->hint);
        if (r->line)
            print_error("  at %d:%d: %s\n", r->line, r->column, r->source_line);
        for (int i = 0; i < r->frame_count; i++)
            print_error("  while %s\n", r->frames[i]);
    }
    assert_int_equal(status, TARN_OK);
}

/* ---- names */

static bool same_ident(struct tarn_ident a, struct tarn_ident b)
{
    return tarn_str_eq(a.ns, b.ns) && tarn_str_eq(a.name, b.name);
}

static enum tarn_status find(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                             struct tarn_table **out)
{
    struct sql_world *w = ctx;
    *out = NULL;
    for (size_t i = 0; i < w->pin_count; i++)
        if (same_ident(w->pins[i]->ident, ident)) {
            *out = w->pins[i];
            return TARN_OK;
        }
    return ident.ns.ptr ? tarn_table_find(&w->lake, op, ident, out) : TARN_OK;
}

/* One process: nobody else moves a table. */
static void hold(void *ctx, struct tarn_op *op)
{
    (void)ctx;
    (void)op;
}

static enum tarn_status pin(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                            struct tarn_table *t)
{
    struct sql_world *w = ctx;
    size_t kept = 0;
    for (size_t i = 0; i < w->pin_count; i++)
        if (!same_ident(w->pins[i]->ident, ident))
            w->pins[kept++] = w->pins[i];
    w->pin_count = kept;
    tarn_session_forget_views(w->session);
    if (!t)
        return TARN_OK;
    if (w->pin_count == w->pin_cap) {
        w->pin_cap = w->pin_cap ? w->pin_cap * 2 : 16;
        struct tarn_table **grown = realloc(w->pins, w->pin_cap * sizeof(struct tarn_table *));
        if (!grown)
            return tarn_fail(op, TARN_NOMEM, "no memory for a pin");
        w->pins = grown;
    }
    w->pins[w->pin_count++] = t;
    return TARN_OK;
}

static enum tarn_status all_names(void *ctx, struct tarn_op *op, struct tarn_str **out,
                                  size_t *out_count)
{
    struct sql_world *w = ctx;
    struct tarn_idents all;
    TARN_TRY(tarn_catalog_list_tables(w->catalog, op, (struct tarn_str){NULL, 0}, &all));
    TARN_NEW_ARRAY(op, *out, all.count + 1);
    for (size_t i = 0; i < all.count; i++) {
        (*out)[i] = tarn_sprintf(op, "%.*s.%.*s", TARN_STR_ARG(all.items[i].ns),
                                 TARN_STR_ARG(all.items[i].name));
        if (!(*out)[i].ptr)
            return TARN_NOMEM;
    }
    *out_count = all.count;
    return TARN_OK;
}

static enum tarn_status snapshot_of(struct tarn_op *op, const struct tarn_table *t,
                                    struct tarn_str version, const struct tarn_snapshot **out)
{
    const struct tarn_metadata *m = &t->metadata;
    const struct tarn_ref *ref = tarn_metadata_ref(m, version);
    int64_t id = ref ? ref->snapshot_id : 0;
    if (!ref && !tarn_str_to_i64(version, &id))
        return tarn_fail(op, TARN_NOT_FOUND, "there is no version \"%.*s\"", TARN_STR_ARG(version));
    *out = tarn_metadata_snapshot(m, id);
    return *out ? TARN_OK
                : tarn_fail(op, TARN_NOT_FOUND, "there is no snapshot %lld", (long long)id);
}

static enum tarn_status snapshot_at(struct tarn_op *op, const struct tarn_table *t, int64_t us,
                                    const struct tarn_snapshot **out)
{
    const struct tarn_metadata *m = &t->metadata;
    *out = NULL;
    for (size_t i = 0; i < m->snapshot_log_count; i++)
        if (m->snapshot_log[i].timestamp_ms * 1000 <= us)
            *out = tarn_metadata_snapshot(m, m->snapshot_log[i].snapshot_id);
    return *out ? TARN_OK : tarn_fail(op, TARN_NOT_FOUND, "there was no snapshot then");
}

/* "branch_x" -> x */
static struct tarn_str ref_name(struct tarn_str suffix)
{
    size_t n = tarn_str_starts(suffix, TARN_STR("branch_")) ? 7
               : tarn_str_starts(suffix, TARN_STR("tag_"))  ? 4
                                                            : 0;
    return n ? tarn_str_of(suffix.ptr + n, suffix.len - n) : (struct tarn_str){NULL, 0};
}

static enum tarn_status find_ref(struct sql_world *w, struct tarn_op *op,
                                 const struct tarn_table_ref *ref, struct tarn_table **out,
                                 struct tarn_str *suffix)
{
    struct tarn_ident ident = {ref->ns, ref->name};
    *suffix = ref->suffix;
    TARN_TRY(find(w, op, ident, out));
    for (size_t i = ref->ns.ptr ? ref->ns.len : 0; !*out && i-- > 0;)
        if (ref->ns.ptr[i] == '.') {
            *suffix = ref->name;
            ident.ns = tarn_str_of(ref->ns.ptr, i);
            ident.name = tarn_str_of(ref->ns.ptr + i + 1, ref->ns.len - i - 1);
            return find(w, op, ident, out);
        }
    return TARN_OK;
}

static enum tarn_status lookup(struct tarn_resolver *self, struct tarn_op *op,
                               const struct tarn_table_ref *ref, struct tarn_relation *out)
{
    struct sql_world *w = (struct sql_world *)self;
    struct version *v;
    struct tarn_str suffix;
    *out = (struct tarn_relation){0};
    TARN_NEW(op, v);
    TARN_TRY(find_ref(w, op, ref, &v->table, &suffix));
    if (!v->table)
        return TARN_OK;
    if (suffix.ptr && tarn_inspect_is_name(suffix)) {
        TARN_TRY(tarn_table_inspect(&w->lake, op, v->table, NULL, suffix, &out->rows));
        out->found = true;
        out->schema = out->rows->schema;
        return TARN_OK;
    }
    if (suffix.ptr)
        TARN_TRY(snapshot_of(op, v->table, ref_name(suffix), &v->snapshot));
    else if (ref->at == TARN_AT_VERSION)
        TARN_TRY(snapshot_of(op, v->table, ref->at_text, &v->snapshot));
    else if (ref->at == TARN_AT_TIMESTAMP)
        TARN_TRY(snapshot_at(op, v->table, ref->at_us, &v->snapshot));
    *out = (struct tarn_relation){
        .found = true, .schema = &tarn_metadata_schema(&v->table->metadata)->root, .handle = v};
    if (v->snapshot && v->snapshot->schema_id >= 0 && !suffix.ptr) {
        const struct tarn_schema *s =
            tarn_metadata_schema_by_id(&v->table->metadata, v->snapshot->schema_id);
        out->schema = s ? &s->root : out->schema;
    }
    return TARN_OK;
}

static enum tarn_status plan(struct tarn_resolver *self, struct tarn_op *op,
                             const struct tarn_relation *r, const struct tarn_expr *filter,
                             const struct tarn_scan **out)
{
    struct sql_world *w = (struct sql_world *)self;
    const struct version *v = r->handle;
    struct tarn_scan *scan;
    TARN_TRY(tarn_table_scan(&w->lake, op, v->table, v->snapshot, filter, &scan));
    *out = scan;
    return TARN_OK;
}

static enum tarn_status names(struct tarn_resolver *self, struct tarn_op *op, struct tarn_str **out,
                              size_t *out_count)
{
    return all_names(self, op, out, out_count);
}

static enum tarn_status read_deletes(struct tarn_delete_reader *self, struct tarn_op *op,
                                     const struct tarn_str *paths, size_t count,
                                     struct tarn_position_deletes *out)
{
    struct sql_world *w =
        (struct sql_world *)(void *)((char *)self - offsetof(struct sql_world, deletes));
    return tarn_engine_read_position_deletes(w->engine, op, paths, count, out);
}

/* ---- life */

struct tarn_str path_of(struct sql_world *w, const char *name)
{
    struct tarn_str s = tarn_sprintf(&w->op, "%s/%s", w->folder, name);
    assert_non_null(s.ptr);
    return s;
}

static void open_world(struct sql_world *w)
{
    struct tarn_engine_options o = {.threads = 2, .memory_limit_bytes = (int64_t)1 << 30};
    assert_int_equal(tarn_op_init(&w->op, 0, 0), TARN_OK);
    w->resolver = (struct tarn_resolver){lookup, plan, names};
    w->deletes.read = read_deletes;
    w->notice = "";
    sql_ok(w, tarn_storage_fs_open(&w->op, &w->storage));
    sql_ok(w, tarn_catalog_mem_open(&w->op, TARN_STR("iceberg"), &w->catalog));
    sql_ok(w, tarn_catalog_create_namespace(w->catalog, &w->op, TARN_STR("raw"),
                                            (struct tarn_properties){NULL, 0}));
    w->lake = (struct tarn_lake){w->storage, w->catalog, &w->deletes};
    o.temp_folder = path_of(w, "temp");
    o.catalog_name = TARN_STR("iceberg");
    sql_ok(w, tarn_engine_open(&w->op, &o, &w->engine));
    sql_ok(w, tarn_session_open(w->engine, &w->op, &w->resolver, &w->session));
    w->env = (struct tarn_sql_env){
        .flow = {.lake = &w->lake, .engine = w->engine, .session = w->session, .workers = 2},
        .warehouse = path_of(w, "warehouse"),
        .ctx = w,
        .find = find,
        .pin = pin,
        .hold = hold,
        .names = all_names};
    sql_ok(w, tarn_sql_open(&w->op, &w->env, &w->sql));
}

int sql_begin(void **state)
{
    struct sql_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->folder, sizeof w->folder, "/tmp/tarn-sql-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    open_world(w);
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

int sql_end(void **state)
{
    struct sql_world *w = *state;
    tarn_sql_close(w->sql);
    tarn_session_close(w->session);
    tarn_engine_close(w->engine);
    tarn_catalog_close(w->catalog);
    tarn_storage_close(w->storage);
    tarn_storage_close(w->fault);
    tarn_op_release(&w->op);
    nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w->pins);
    free(w);
    return 0;
}

void sql_fault(struct sql_world *w, long n, unsigned calls, enum tarn_status status)
{
    struct tarn_storage *below;
    struct tarn_storage_fault_options o = {.fail_at = n, .calls = calls, .status = status};
    tarn_storage_close(w->fault);
    w->fault = NULL;
    w->lake.storage = w->storage;
    if (!n)
        return;
    sql_ok(w, tarn_storage_fs_open(&w->op, &below));
    sql_ok(w, tarn_storage_fault_open(&w->op, below, o, &w->fault));
    w->lake.storage = w->fault;
}

long sql_fault_count(const struct sql_world *w)
{
    return w->fault ? tarn_storage_fault_count(w->fault) : 0;
}

/* ---- statements */

static enum tarn_status read_rows(struct tarn_op *op, struct tarn_result *r, struct tarn_buf *text)
{
    struct tarn_batch b;
    do {
        TARN_TRY(tarn_result_next(r, op, &b));
        for (size_t i = 0; i < b.rows; i++) {
            for (size_t c = 0; c < b.column_count; c++) {
                tarn_buf_z(text, c > 0 ? "|" : "");
                tarn_column_text(text, &b.columns[c], i);
            }
            tarn_buf_put(text, '\n');
        }
    } while (b.rows);
    return TARN_OK;
}

static const char *kept(struct sql_world *w, struct tarn_str s)
{
    struct tarn_str copy = tarn_strdup(&w->op, s.ptr ? s : TARN_STR(""));
    assert_non_null(copy.ptr);
    return copy.ptr;
}

enum tarn_status try_run(struct sql_world *w, const char *sql, const char **tag,
                         const char **rows_text)
{
    struct tarn_op op;
    struct tarn_answer a;
    struct tarn_buf text;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    tarn_buf_init(&text, (size_t)64 << 20);
    tarn_clear(&w->op);
    enum tarn_status status = tarn_sql_run(
        w->sql, &op, (struct tarn_sql_text){.sql = tarn_str_view(sql), .line0 = 1}, &a);
    if (status == TARN_OK && a.result)
        status = read_rows(&op, a.result, &text);
    tarn_result_close(a.result);
    w->op.report = op.report;
    *tag = kept(w, a.tag);
    w->notice = kept(w, a.notice);
    if (a.rows >= 0) {
        struct tarn_str with_rows = tarn_sprintf(&w->op, "%s %lld", *tag, (long long)a.rows);
        assert_non_null(with_rows.ptr);
        *tag = with_rows.ptr;
    }
    *rows_text = kept(w, tarn_buf_view(&text));
    tarn_buf_release(&text);
    tarn_op_release(&op);
    return status;
}

const char *run(struct sql_world *w, const char *sql)
{
    const char *tag, *text;
    enum tarn_status status = try_run(w, sql, &tag, &text);
    if (status != TARN_OK)
        print_error("%s\n", sql);
    sql_ok(w, status);
    return tag;
}

const char *rows(struct sql_world *w, const char *sql)
{
    const char *tag, *text;
    enum tarn_status status = try_run(w, sql, &tag, &text);
    if (status != TARN_OK)
        print_error("%s\n", sql);
    sql_ok(w, status);
    return text;
}

void fails(struct sql_world *w, const char *sql, enum tarn_status wanted, const char *part)
{
    const char *tag, *text;
    enum tarn_status status = try_run(w, sql, &tag, &text);
    const struct tarn_report *r = &w->op.report;
    bool told =
        !part || strstr(r->message, part) || strstr(r->detail, part) || strstr(r->hint, part);
    for (int i = 0; i < r->frame_count; i++)
        told = told || strstr(r->frames[i], part);
    if (status != wanted || !told)
        print_error("%s\n-> %s: %s\n%s\n%s\n", sql,
                    status == TARN_OK ? "OK" : tarn_status_info(status)->name, r->message,
                    r->detail, r->hint);
    assert_int_equal(status, wanted);
    assert_true(told);
}

/* ---- looking */

struct tarn_table *table(struct sql_world *w, const char *name)
{
    const char *dot = strrchr(name, '.');
    struct tarn_table *t;
    assert_non_null(dot);
    struct tarn_ident ident = {tarn_str_of(name, (size_t)(dot - name)), tarn_str_view(dot + 1)};
    sql_ok(w, tarn_table_find(&w->lake, &w->op, ident, &t));
    return t;
}

const char *property(struct sql_world *w, const char *name, const char *key)
{
    struct tarn_table *t = table(w, name);
    const struct tarn_str *v = t ? tarn_kvs_get(&t->metadata.properties, key) : NULL;
    return v ? v->ptr : NULL;
}

size_t count_files(struct sql_world *w, const char *below)
{
    struct tarn_listing l;
    sql_ok(w, tarn_storage_list(w->storage, &w->op, path_of(w, below), &l));
    return l.count;
}
