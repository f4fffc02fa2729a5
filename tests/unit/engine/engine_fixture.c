#include "engine_fixture.h"

#include <ftw.h>
#include <unistd.h>

void ok(struct fixture *f, enum tarn_status status)
{
    if (status == TARN_OK)
        return;
    struct tarn_report *r = &f->op.report;
    fprintf(stderr, "%s: %s\n  %s\n  %s\n", tarn_status_info(r->status)->code, r->message,
            r->detail, r->hint);
    for (int i = 0; i < r->frame_count; i++)
        fprintf(stderr, "  while %s\n", r->frames[i]);
    fail();
}

struct tarn_sql_text text_of(const char *sql)
{
    return (struct tarn_sql_text){.sql = tarn_str_view(sql), .file = "model.sql", .line0 = 1};
}

/* ---- the catalog */

static struct table *find(struct fixture *f, struct tarn_str ns, struct tarn_str name)
{
    for (size_t i = 0; i < f->count; i++)
        if (ns.ptr && tarn_str_is(ns, f->tables[i].ns) && tarn_str_is(name, f->tables[i].name))
            return &f->tables[i];
    for (size_t i = 0; i < f->count; i++)
        if ((!ns.ptr || tarn_str_eq_nocase(ns, tarn_str_view(f->tables[i].ns))) &&
            tarn_str_eq_nocase(name, tarn_str_view(f->tables[i].name)))
            return &f->tables[i];
    return NULL;
}

static enum tarn_status lookup(struct tarn_resolver *r, struct tarn_op *op,
                               const struct tarn_table_ref *ref, struct tarn_relation *out)
{
    struct fixture *f = (struct fixture *)((char *)r - offsetof(struct fixture, resolver));
    struct table *t = find(f, ref->ns, ref->name);
    *out = (struct tarn_relation){0};
    /* what is read at a version or part of a table is another table of the fixture: "t@7",
     * "t@<microseconds>", "t$files" */
    if (t && ref->suffix.ptr)
        t = find(f, tarn_str_view(t->ns),
                 tarn_sprintf(op, "%s/%.*s", t->name, TARN_STR_ARG(ref->suffix)));
    if (t && ref->at == TARN_AT_VERSION)
        t = find(f, tarn_str_view(t->ns),
                 tarn_sprintf(op, "%s@%.*s", t->name, TARN_STR_ARG(ref->at_text)));
    if (t && ref->at == TARN_AT_TIMESTAMP)
        t = find(f, tarn_str_view(t->ns),
                 tarn_sprintf(op, "%s@%lld", t->name, (long long)ref->at_us));
    out->found = t != NULL;
    out->handle = t;
    if (t && t->view_sql) {
        out->view_sql = tarn_str_view(t->view_sql);
        out->view_ns = tarn_str_view(t->view_ns);
    } else if (t) {
        out->schema = &t->schema.root;
        out->rows = t->rows;
    }
    return TARN_OK;
}

static enum tarn_status plan(struct tarn_resolver *r, struct tarn_op *op,
                             const struct tarn_relation *relation, const struct tarn_expr *filter,
                             const struct tarn_scan **out)
{
    struct table *t = relation->handle;
    (void)r;
    t->plans++;
    t->last_filter = (struct tarn_str){NULL, 0};
    if (filter) {
        t->last_filter = tarn_expr_text(op, &t->schema, filter);
        assert_non_null(t->last_filter.ptr);
    }
    *out = &t->scan;
    return TARN_OK;
}

static enum tarn_status names(struct tarn_resolver *r, struct tarn_op *op, struct tarn_str **out,
                              size_t *out_count)
{
    struct fixture *f = (struct fixture *)((char *)r - offsetof(struct fixture, resolver));
    TARN_NEW_ARRAY(op, *out, f->count + 1);
    for (size_t i = 0; i < f->count; i++)
        (*out)[i] = tarn_sprintf(op, "%s.%s", f->tables[i].ns, f->tables[i].name);
    *out_count = f->count;
    return TARN_OK;
}

/* ---- life */

void fixture_open(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "/tmp/tarn-engine-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(tarn_op_init(&f->op, 0, 0), TARN_OK);
    f->resolver = (struct tarn_resolver){.lookup = lookup, .plan = plan, .names = names};
    struct tarn_str temp = tarn_sprintf(&f->op, "%s/temp", f->folder);
    struct tarn_engine_options options = {.threads = 2,
                                          .memory_limit_bytes = (int64_t)1 << 30,
                                          .temp_folder = temp,
                                          .catalog_name = TARN_STR("iceberg")};
    ok(f, tarn_engine_open(&f->op, &options, &f->engine));
    ok(f, tarn_session_open(f->engine, &f->op, &f->resolver, &f->session));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void fixture_close(struct fixture *f)
{
    tarn_session_close(f->session);
    tarn_engine_close(f->engine);
    nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    tarn_op_release(&f->op);
}

int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    fixture_open(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_close(*state);
    free(*state);
    return 0;
}

/* ---- tables */

struct table *table_add(struct fixture *f, const char *ns, const char *name, const char *type)
{
    int32_t next = 1;
    assert_true(f->count < TABLES_MAX);
    struct table *t = &f->tables[f->count++];
    *t = (struct table){.ns = ns, .name = name};
    ok(f, tarn_type_parse(&f->op, tarn_str_view(type), &t->schema.root));
    tarn_type_assign_ids(&t->schema.root, &next);
    t->metadata = (struct tarn_metadata){.format_version = 2,
                                         .schemas = &t->schema,
                                         .schema_count = 1,
                                         .specs = &t->spec,
                                         .spec_count = 1};
    t->scan = (struct tarn_scan){.metadata = &t->metadata, .schema = &t->schema};
    return t;
}

void table_view(struct fixture *f, const char *ns, const char *name, const char *sql)
{
    f->tables[f->count++] = (struct table){.ns = ns, .name = name, .view_sql = sql};
}

void table_partition(struct fixture *f, struct table *t, const char *const *exprs)
{
    size_t n = 0;
    while (exprs[n])
        n++;
    t->spec.fields = tarn_alloc_array(&f->op, n, sizeof *t->spec.fields);
    t->spec.field_count = n;
    for (size_t i = 0; i < n; i++) {
        struct tarn_partition_field *p = &t->spec.fields[i];
        struct tarn_str column;
        ok(f, tarn_transform_parse_expr(&f->op, tarn_str_view(exprs[i]), &p->transform, &column));
        const struct tarn_field *field = tarn_schema_field_by_path(&t->schema, column);
        assert_non_null(field);
        p->source_id = field->id;
        p->field_id = (int32_t)(1000 + i);
        p->name = tarn_sprintf(&f->op, "p%zu", i);
    }
}

struct tarn_write table_write(struct fixture *f, struct table *t)
{
    return (struct tarn_write){
        .metadata = &t->metadata,
        .schema = &t->schema,
        .spec = &t->spec,
        .folder = tarn_sprintf(&f->op, "%s/%s.%s/data", f->folder, t->ns, t->name),
        .codec = TARN_STR("zstd"),
        .bound_width = 16,
        .target_file_size_bytes = (int64_t)512 << 20,
    };
}

void table_take(struct fixture *f, struct table *t, const struct tarn_written *w)
{
    struct tarn_scan_file *files =
        tarn_alloc_array(&f->op, t->scan.file_count + w->count + 1, sizeof *files);
    assert_non_null(files);
    if (t->scan.file_count > 0)
        memcpy(files, t->scan.files, t->scan.file_count * sizeof *files);
    for (size_t i = 0; i < w->count; i++)
        files[t->scan.file_count++] =
            (struct tarn_scan_file){.file = &w->files[i], .local_path = w->files[i].path};
    t->scan.files = files;
    t->scan.skips.files = (int64_t)t->scan.file_count;
}

struct tarn_written table_insert(struct fixture *f, struct table *t, const char *sql)
{
    struct tarn_write w = table_write(f, t);
    struct tarn_written written;
    ok(f, tarn_session_write(f->session, &f->op, text_of(sql), &w, &written));
    table_take(f, t, &written);
    return written;
}

/* ---- statements */

enum tarn_status try_rows(struct fixture *f, const char *sql, const char **out)
{
    struct tarn_result *r;
    struct tarn_batch b;
    struct tarn_buf text;
    struct tarn_str taken;
    enum tarn_status status;
    TARN_TRY(tarn_session_query(f->session, &f->op, text_of(sql), &r));
    tarn_buf_init(&text, (size_t)64 << 20);
    while ((status = tarn_result_next(r, &f->op, &b)) == TARN_OK && b.rows > 0)
        for (size_t i = 0; i < b.rows; i++) {
            for (size_t c = 0; c < b.column_count; c++) {
                tarn_buf_z(&text, c > 0 ? "|" : "");
                tarn_column_text(&text, &b.columns[c], i);
            }
            tarn_buf_put(&text, '\n');
        }
    tarn_result_close(r);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_take(&f->op, &text, "rows", &taken);
    else
        tarn_buf_release(&text);
    if (status == TARN_OK)
        *out = taken.ptr;
    return status;
}

const char *rows_of(struct fixture *f, const char *sql)
{
    const char *out = "";
    ok(f, try_rows(f, sql, &out));
    return out;
}

void fails(struct fixture *f, enum tarn_status expected, const char *sql)
{
    const char *out = "";
    enum tarn_status status = try_rows(f, sql, &out);
    if (status != expected) {
        fprintf(stderr, "%s\n%s: %s%s\n", sql, tarn_status_info(status)->name, f->op.report.message,
                out);
        fail();
    }
}
