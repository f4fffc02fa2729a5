/* write_sorted: rows into Parquet files in a table's sort order.
 *
 * The engine keeps no order in files that roll, nor inside of partitions. So the rows are put into
 * a temporary table with their partition values and their place in the partition's order, and each
 * file is one COPY of a range of places: rows lie in order within a file and from file to file.
 * The temporary table may spill to disk.
 */
#include "engine/duckdb/write_int.h"

#include <stdlib.h>

#define SORTED "temp.main.\"tarn sorted\""
#define PLACE  "\"tarn place\""
#define HASH   "\"tarn hash\""

struct group { /* rows of one partition tuple */
    struct tarn_str hash;
    struct tarn_str *keys; /* one a key; absent = null */
    int64_t rows, bytes;
};
struct sorting {
    struct tarn_session *s;
    struct tarn_op *op;
    const struct tarn__writing *x;
    size_t *keys; /* the partition fields that differ from row to row */
    size_t key_count;
    struct group *groups;
    size_t group_count;
    struct tarn_type partition_type;
    struct tarn_written *out;
    size_t file_cap;
    char (*tokens)[17]; /* of the copies made, to clean up after a failure */
    size_t token_count, token_cap;
};

/* ---- the order */

static bool has_source(const struct tarn_write *w, const struct tarn_sort_field *f)
{
    struct tarn_buf path;
    const struct tarn_field *source;
    tarn_buf_init(&path, (size_t)1 << 20);
    bool found = tarn__source_path(&path, &w->schema->root, f->source_id, &source);
    tarn_buf_release(&path);
    return found && f->transform.kind != TARN_TRANSFORM_OTHER;
}

/* An order by what no column has, or by a transform that nobody knows, is none. */
bool tarn__can_sort(const struct tarn_write *w)
{
    if (!w->sort || w->sort->field_count == 0)
        return false;
    for (size_t i = 0; i < w->sort->field_count; i++)
        if (!has_source(w, &w->sort->fields[i]))
            return false;
    return true;
}

static enum tarn_status put_sort_field(struct tarn_op *op, struct tarn_buf *b,
                                       const struct tarn_write *w, const struct tarn_sort_field *f)
{
    struct tarn_buf path;
    struct tarn_str column;
    const struct tarn_field *source = NULL;
    enum tarn_transform_kind kind = f->transform.kind;
    tarn_buf_init(&path, (size_t)1 << 20);
    (void)tarn__source_path(&path, &w->schema->root, f->source_id, &source);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &path, "a column", &column));
    if (kind == TARN_TRANSFORM_IDENTITY) {
        tarn_buf_str(b, column);
    } else {
        struct tarn_type result = tarn_transform_result(&f->transform, &source->type);
        tarn_buf_z(b, "CAST("); /* some come as text, which has another order */
        TARN_TRY(tarn__partition_sql(op, b, &f->transform, &source->type, column));
        tarn_buf_z(b, " AS ");
        tarn__type_sql(b, &result);
        tarn_buf_put(b, ')');
    }
    tarn_buf_z(b, f->descending ? " DESC" : " ASC");
    tarn_buf_z(b, f->nulls_last ? " NULLS LAST" : " NULLS FIRST");
    return TARN_OK;
}

/* ---- the temporary table */

static enum tarn_status put_place(const struct sorting *o, struct tarn_buf *b)
{
    const struct tarn_write *w = o->x->w;
    const char *comma = "";
    tarn_buf_z(b, ", row_number() OVER (");
    if (o->key_count) {
        tarn_buf_z(b, "PARTITION BY ");
        tarn__key_names(b, w->spec);
    }
    tarn_buf_z(b, " ORDER BY ");
    for (size_t i = 0; i < w->sort->field_count; i++) {
        if (w->sort->fields[i].transform.kind == TARN_TRANSFORM_VOID)
            continue;
        tarn_buf_z(b, comma);
        TARN_TRY(put_sort_field(o->op, b, w, &w->sort->fields[i]));
        comma = ", ";
    }
    if (!*comma)
        tarn_buf_z(b, "NULL");
    tarn_buf_z(b, ") - 1 AS " PLACE);
    return TARN_OK;
}

static enum tarn_status fill(const struct sorting *o, struct tarn_str source,
                             const struct tarn__text *text, size_t text_at)
{
    struct tarn_buf b;
    struct tarn_str sql;
    struct tarn__text placed;
    duckdb_result r;
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "CREATE OR REPLACE TEMP TABLE " SORTED " AS SELECT *, ");
    if (o->key_count) {
        tarn_buf_z(&b, "hash(");
        tarn__key_names(&b, o->x->w->spec);
        tarn_buf_z(&b, ") AS " HASH);
    } else {
        tarn_buf_z(&b, "0::UBIGINT AS " HASH);
    }
    enum tarn_status status = put_place(o, &b);
    tarn_buf_z(&b, " FROM (SELECT *");
    if (status == TARN_OK && o->key_count)
        status = tarn__keys_sql(o->op, &b, o->x->w);
    tarn_buf_z(&b, " FROM (SELECT ");
    if (status == TARN_OK)
        status = tarn__columns_sql(o->op, &b, o->x);
    tarn_buf_z(&b, " FROM ");
    if (text) {
        placed = *text;
        placed.prefix = b.len + text_at;
    }
    tarn_buf_str(&b, source);
    tarn_buf_z(&b, "))");
    if (status != TARN_OK) {
        tarn_buf_release(&b);
        return status;
    }
    TARN_TRY((enum tarn_status)tarn_buf_take(o->op, &b, "the statement", &sql));
    TARN_TRY(tarn__run_long(o->s, o->op, sql.ptr, text ? &placed : NULL, &r));
    duckdb_destroy_result(&r);
    return TARN_OK;
}

/* ---- partitions */

static enum tarn_status find_keys(struct sorting *o)
{
    const struct tarn_write *w = o->x->w;
    size_t n = w->spec ? w->spec->field_count : 0;
    TARN_NEW_ARRAY(o->op, o->keys, n + 1);
    for (size_t i = 0; i < n && !w->constants; i++)
        if (w->spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            o->keys[o->key_count++] = i;
    return n ? tarn_partition_type(o->op, w->metadata, w->spec, &o->partition_type) : TARN_OK;
}

static enum tarn_status group_of(struct sorting *o, const struct tarn_batch *b, size_t row,
                                 struct group *g)
{
    struct tarn_str text = tarn__cell_str(&b->columns[1], row), bytes;
    g->hash = tarn_strdup(o->op, tarn__cell_str(&b->columns[0], row));
    bytes = tarn__cell_str(&b->columns[2], row);
    TARN_NEW_ARRAY(o->op, g->keys, o->key_count + 1);
    if (!g->hash.ptr)
        return TARN_NOMEM;
    if (!tarn_str_to_i64(text, &g->rows) || !tarn_str_to_i64(bytes, &g->bytes))
        return tarn_fail(o->op, TARN_INTERNAL, "the engine did not count the rows that it sorted");
    for (size_t i = 0; i < o->key_count; i++) {
        struct tarn_str key = tarn__cell_str(&b->columns[3 + i], row);
        if (!key.ptr)
            continue;
        g->keys[i] = tarn_strdup(o->op, key);
        if (!g->keys[i].ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status find_groups(struct sorting *o)
{
    struct tarn_buf b;
    struct tarn_str sql;
    struct tarn__rows rows;
    duckdb_result r;
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_z(&b, "SELECT CAST(" HASH " AS VARCHAR), CAST(count(*) AS VARCHAR), CAST(sum(");
    tarn__width_sql(&b, &o->x->w->schema->root);
    tarn_buf_z(&b, ") AS VARCHAR)");
    for (size_t i = 0; i < o->key_count; i++)
        tarn_buf_printf(&b, ", CAST(\"" TARN__KEY_PREFIX "%zu\" AS VARCHAR)", o->keys[i]);
    tarn_buf_z(&b, " FROM " SORTED " GROUP BY " HASH);
    for (size_t i = 0; i < o->key_count; i++)
        tarn_buf_printf(&b, ", \"" TARN__KEY_PREFIX "%zu\"", o->keys[i]);
    TARN_TRY((enum tarn_status)tarn_buf_take(o->op, &b, "the statement", &sql));
    TARN_TRY(tarn__run(o->s, o->op, sql.ptr, NULL, &r));
    enum tarn_status status = tarn__rows_of(o->op, &r, &rows);
    duckdb_destroy_result(&r);
    TARN_TRY(status);
    TARN_NEW_ARRAY(o->op, o->groups, rows.rows + 1);
    for (size_t i = 0; i < rows.batch_count; i++)
        for (size_t row = 0; row < rows.batches[i].rows; row++)
            TARN_TRY(group_of(o, &rows.batches[i], row, &o->groups[o->group_count++]));
    return TARN_OK;
}

static enum tarn_status tuple_of(const struct sorting *o, const struct group *g,
                                 const struct tarn_value **out)
{
    const struct tarn_write *w = o->x->w;
    struct tarn_value *values;
    *out = w->constants;
    if (w->constants || !w->spec)
        return TARN_OK;
    TARN_NEW_ARRAY(o->op, values, w->spec->field_count + 1);
    for (size_t i = 0; i < w->spec->field_count; i++)
        values[i] = (struct tarn_value){.is_null = true};
    for (size_t i = 0; i < o->key_count; i++)
        TARN_TRY(tarn__key_value(o->op, &w->spec->fields[o->keys[i]],
                                 &o->partition_type.fields[o->keys[i]].type, g->keys[i],
                                 &values[o->keys[i]]));
    *out = values;
    return TARN_OK;
}

/* ---- files */

static void put_columns(struct tarn_buf *b, const struct tarn_type *root)
{
    const char *comma = "";
    for (size_t i = 0; i < root->field_count; i++) {
        if (root->fields[i].type.kind == TARN_TYPE_UNKNOWN)
            continue;
        tarn_buf_z(b, comma);
        tarn_buf_sql_name(b, root->fields[i].name);
        comma = ", ";
    }
}

static void put_file(const struct sorting *o, struct tarn_buf *b, const struct group *g,
                     int64_t from, int64_t to)
{
    tarn_buf_z(b, "COPY (SELECT ");
    put_columns(b, &o->x->w->schema->root);
    tarn_buf_printf(b,
                    " FROM " SORTED " WHERE " HASH " = %.*s::UBIGINT AND " PLACE
                    " >= %lld AND " PLACE " < %lld",
                    TARN_STR_ARG(g->hash), (long long)from, (long long)to);
    for (size_t i = 0; i < o->key_count; i++) {
        tarn_buf_printf(b,
                        " AND CAST(\"" TARN__KEY_PREFIX "%zu\" AS VARCHAR) IS NOT DISTINCT FROM ",
                        o->keys[i]);
        if (g->keys[i].ptr)
            tarn_buf_sql_text(b, g->keys[i]);
        else
            tarn_buf_z(b, "NULL");
    }
    tarn_buf_z(b, " ORDER BY " PLACE ") TO ");
}

static enum tarn_status remember_token(struct sorting *o, const struct tarn__copy *c)
{
    if (o->token_count == o->token_cap) {
        size_t cap = o->token_cap ? o->token_cap * 2 : 16;
        char(*grown)[17] = tarn_alloc_array(o->op, cap, sizeof *grown);
        if (!grown)
            return TARN_NOMEM;
        if (o->token_count)
            memcpy(grown, o->tokens, o->token_count * sizeof *grown);
        o->tokens = grown;
        o->token_cap = cap;
    }
    memcpy(o->tokens[o->token_count++], c->token, sizeof c->token);
    return TARN_OK;
}

static enum tarn_status keep_files(struct sorting *o, const struct tarn_written *one)
{
    struct tarn_written *all = o->out;
    if (all->count + one->count > o->file_cap) {
        struct tarn_data_file *grown;
        o->file_cap = (all->count + one->count) * 2;
        TARN_NEW_ARRAY(o->op, grown, o->file_cap);
        if (all->count)
            memcpy(grown, all->files, all->count * sizeof *grown);
        all->files = grown;
    }
    for (size_t i = 0; i < one->count; i++) {
        all->files[all->count] = one->files[i];
        all->files[all->count++].sort_order_id = o->x->w->sort->order_id;
    }
    all->rows += one->rows;
    all->bytes += one->bytes;
    return TARN_OK;
}

static enum tarn_status write_file(struct sorting *o, const struct group *g,
                                   const struct tarn_value *tuple, int64_t from, int64_t to)
{
    struct tarn_write w = *o->x->w;
    struct tarn__copy c;
    struct tarn__rows rows;
    struct tarn_written one;
    TARN_TRY(tarn__copy_open(o->op, w.folder, &c));
    struct tarn_str path = tarn_sprintf(o->op, "%.*s/%s-%08lld.parquet", TARN_STR_ARG(w.folder),
                                        c.token, (long long)from);
    enum tarn_status status = path.ptr ? remember_token(o, &c) : TARN_NOMEM;
    w.constants = tuple;
    put_file(o, &c.sql, g, from, to);
    tarn_buf_sql_text(&c.sql, path);
    tarn_buf_z(&c.sql, " (FORMAT parquet, PRESERVE_ORDER true, FIELD_IDS ");
    tarn__field_ids_sql(&c.sql, &w.schema->root);
    if (w.row_group_bytes > 0 && g->bytes > 0)
        tarn_buf_printf(
            &c.sql, ", ROW_GROUP_SIZE %lld",
            (long long)(w.row_group_bytes / (g->bytes / g->rows + 1) / 2048 * 2048 + 2048));
    if (status == TARN_OK)
        status = tarn__copy_options(o->op, &c, &w);
    tarn_buf_put(&c.sql, ')');
    if (status == TARN_OK)
        status = tarn__copy_run(o->s, o->op, &c, NULL, &rows);
    tarn_buf_release(&c.sql);
    TARN_TRY(status);
    TARN_TRY(tarn__written(o->op, &rows, &w, &one));
    return keep_files(o, &one);
}

/* As many files as the group's bytes ask for, of the same number of rows each. */
static enum tarn_status write_group(struct sorting *o, const struct group *g)
{
    const struct tarn_value *tuple;
    int64_t limit, files = 1;
    if (__builtin_mul_overflow(tarn__file_size(o->x->w), (int64_t)TARN__COMPRESSION, &limit))
        limit = INT64_MAX;
    files += g->bytes / limit;
    if (files > g->rows)
        files = g->rows;
    int64_t each = (g->rows + files - 1) / files;
    TARN_TRY(tuple_of(o, g, &tuple));
    for (int64_t from = 0; from < g->rows; from += each)
        TARN_TRY(write_file(o, g, tuple, from, from + each));
    return TARN_OK;
}

enum tarn_status tarn__write_sorted(struct tarn_session *s, struct tarn_op *op,
                                    struct tarn__writing *x, struct tarn_str source,
                                    const struct tarn__text *text, size_t text_at,
                                    struct tarn_written *out)
{
    struct sorting o = {.s = s, .op = op, .x = x, .out = out};
    *out = (struct tarn_written){0};
    TARN_TRY(find_keys(&o));
    enum tarn_status status = fill(&o, source, text, text_at);
    if (status == TARN_OK)
        status = find_groups(&o);
    for (size_t i = 0; status == TARN_OK && i < o.group_count; i++)
        status = write_group(&o, &o.groups[i]);
    struct tarn_report told = op->report;
    if (tarn__do(s, op, "DROP TABLE IF EXISTS " SORTED) != TARN_OK)
        tarn_clear(op); /* the next one replaces it */
    op->report = told;
    for (size_t i = 0; status != TARN_OK && i < o.token_count; i++) {
        struct tarn__copy c = {0};
        memcpy(c.token, o.tokens[i], sizeof c.token);
        tarn__copy_remove(&c, x->w->folder);
    }
    return status;
}
