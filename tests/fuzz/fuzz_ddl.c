/* room: sql
 *
 * CREATE, ALTER, DROP and COMMENT of any text, over a warehouse in memory and without an engine:
 * whatever a statement answers, every table of the catalog can be read afterwards, and one that
 * fails leaves the catalog as it was. Statements that need an engine (queries, defaults) are left
 * out. */
#include <string.h>

#include "base/sql_token.h"
#include "sql/sql.h"

#define STATEMENTS_MAX 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct tarn_op op;
    struct tarn_lake lake;
    struct tarn_storage_ops ops; /* memory's, with local paths */
    struct tarn_sql_env env;
    struct tarn_sql *sql;
};

static enum tarn_status find(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                             struct tarn_table **out)
{
    struct world *w = ctx;
    *out = NULL;
    return ident.ns.ptr ? tarn_table_find(&w->lake, op, ident, out) : TARN_OK;
}

static enum tarn_status pin(void *ctx, struct tarn_op *op, struct tarn_ident ident,
                            struct tarn_table *t)
{
    (void)ctx, (void)op, (void)ident, (void)t;
    return TARN_OK;
}

static void hold(void *ctx, struct tarn_op *op)
{
    (void)ctx, (void)op;
}

static enum tarn_status no_names(void *ctx, struct tarn_op *op, struct tarn_str **out,
                                 size_t *out_count)
{
    (void)ctx, (void)op;
    *out = NULL;
    *out_count = 0;
    return TARN_OK;
}

static enum tarn_status local_path(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str *out)
{
    (void)s;
    *out = tarn_strdup(op, path);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static void world_open(struct world *w)
{
    TARN_ASSERT(tarn_storage_mem_open(&w->op, &w->lake.storage) == TARN_OK);
    w->ops = *w->lake.storage->ops;
    w->ops.local_path = local_path;
    w->ops.abilities |= TARN_STORAGE_LOCAL;
    w->lake.storage->ops = &w->ops;
    TARN_ASSERT(tarn_catalog_mem_open(&w->op, TARN_STR("iceberg"), &w->lake.catalog) == TARN_OK);
    w->env = (struct tarn_sql_env){.flow = {.lake = &w->lake, .workers = 1},
                                   .warehouse = TARN_STR("mem://w"),
                                   .ctx = w,
                                   .find = find,
                                   .pin = pin,
                                   .hold = hold,
                                   .names = no_names};
    TARN_ASSERT(tarn_sql_open(&w->op, &w->env, &w->sql) == TARN_OK);
}

static bool needs_engine(struct tarn_str sql)
{
    static const char *const first[] = {"CREATE", "ALTER", "DROP", "COMMENT", "REPLACE"};
    static const char *const no[] = {"SELECT", "FROM",  "AS",   "WITH", "DEFAULT",
                                     "VALUES", "TABLE", "VIEW", "LIKE", "PIVOT"};
    struct tarn_sql_token t;
    bool wanted = false;
    int tables = 0;
    for (size_t at = 0; tarn_sql_token(sql, at, &t); at = t.end) {
        for (size_t i = 0; at == 0 && i < sizeof first / sizeof *first; i++)
            wanted |= tarn_sql_token_is(sql, &t, first[i]);
        for (size_t i = 0; i < sizeof no / sizeof *no; i++)
            if (tarn_sql_token_is(sql, &t, no[i]) && (strcmp(no[i], "TABLE") != 0 || tables++ > 0))
                return true;
    }
    return !wanted;
}

static enum tarn_status run(struct world *w, const char *sql, size_t len)
{
    struct tarn_answer a;
    struct tarn_sql_text text = {.sql = tarn_str_of(sql, len), .line0 = 1};
    enum tarn_status status = tarn_sql_run(w->sql, &w->op, text, &a);
    TARN_ASSERT(status == TARN_OK || w->op.report.message[0]);
    TARN_ASSERT(status != TARN_OK || (!a.result && a.tag.len));
    tarn_clear(&w->op);
    return status;
}

/* A snapshot, for branches. */
static void append(struct world *w)
{
    struct tarn_table *t;
    struct tarn_change *c;
    struct tarn_value tuple[] = {{.i = 19000}, {.i = 1}};
    struct tarn_data_file f = {.path = TARN_STR("mem://w/raw/t/data/a.parquet"),
                               .format = TARN_STR("PARQUET"),
                               .partition = tuple,
                               .partition_count = 2,
                               .record_count = 1,
                               .size_bytes = 4,
                               .sort_order_id = -1,
                               .first_row_id = -1,
                               .content_offset = -1,
                               .content_size = -1};
    TARN_ASSERT(tarn_storage_put(w->lake.storage, &w->op, f.path, TARN_STR("PAR1")) == TARN_OK);
    struct tarn_ident ident = {TARN_STR("raw"), TARN_STR("t")};
    TARN_ASSERT(tarn_table_load(&w->lake, &w->op, ident, &t) == TARN_OK);
    TARN_ASSERT(tarn_change_open(&w->lake, &w->op, t, &c) == TARN_OK);
    TARN_ASSERT(tarn_change_append(c, &w->op, &f, 1) == TARN_OK);
    TARN_ASSERT(tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}) ==
                TARN_OK);
}

/* Reads every table; the number of them and of their metadata files. */
static size_t check(struct world *w, uint64_t *pointers)
{
    struct tarn_idents all;
    struct tarn_table *t;
    struct tarn_str path;
    *pointers = 0;
    TARN_ASSERT(tarn_catalog_list_tables(w->lake.catalog, &w->op, (struct tarn_str){NULL, 0},
                                         &all) == TARN_OK);
    for (size_t i = 0; i < all.count; i++) {
        TARN_ASSERT(tarn_table_load(&w->lake, &w->op, all.items[i], &t) == TARN_OK);
        path = t->metadata_location;
        for (size_t k = 0; k < path.len; k++)
            *pointers = *pointers * 31 + (unsigned char)path.ptr[k];
    }
    return all.count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const first[] = {
        "create namespace raw",
        "create table raw.t (id int not null, n string comment 'x', at timestamp, d decimal(9, 2), "
        "s struct<a: int, b: array<string>>, m map<string, int>) partitioned by (days(at), "
        "bucket(4, id)) tblproperties ('format-version' = '3')"};
    struct world w = {0};
    struct tarn_str script = tarn_str_of(data, size), one;
    size_t at = 0;
    bool complete;
    if (size > 4096 || tarn_op_init(&w.op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    world_open(&w);
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        TARN_ASSERT(run(&w, first[i], strlen(first[i])) == TARN_OK);
    append(&w);
    for (int i = 0; i < STATEMENTS_MAX && tarn_sql_next(script, &at, &one, &complete); i++) {
        uint64_t before, after;
        if (needs_engine(one))
            continue;
        size_t count = check(&w, &before);
        if (run(&w, one.ptr, one.len) != TARN_OK)
            TARN_ASSERT(check(&w, &after) == count && after == before);
        else
            (void)check(&w, &after);
    }
    tarn_sql_close(w.sql);
    tarn_catalog_close(w.lake.catalog);
    tarn_storage_close(w.lake.storage);
    tarn_op_release(&w.op);
    return 0;
}
