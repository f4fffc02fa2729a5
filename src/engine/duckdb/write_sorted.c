/* write_sorted: rows into Parquet files, gathered by partition and in the table's sort order.
 *
 * The engine keeps no order in files that roll, nor inside of partitions, and of many partitions at
 * once it writes many small files. So the rows go through its sort into a temporary table, in the
 * order of their partition and of the table, and each file is one COPY of a run of that table's
 * rows: they lie in order within a file and from file to file. Sort and table spill to disk.
 *
 * The engine's merge and its writer in order hold row groups for each thread, whatever they weigh:
 * where that is too much, one thread does it.
 *
 * 1. A group is the rows of one partition tuple; its rows lie side by side in the temporary table.
 * 2. Every row of a group is in one of its files: the counts must agree, or the write fails.
 */
#include "engine/duckdb/write_int.h"

#define SORTED "temp.main.\"tarn sorted\""

#define ROWS           2048   /* a row group is of so many, or of twice as many, ... */
#define ROW_GROUP_ROWS 122880 /* the engine's own */

struct group {
    struct tarn_str *keys; /* one a key; absent = null */
    int64_t rows, bytes;
    int64_t first; /* place of its first row */
};
struct sorting {
    struct tarn_session *s;
    struct tarn_op *op;
    const struct tarn__writing *x;
    bool ordered; /* by the table's order too */
    size_t *keys; /* the partition fields that differ from row to row */
    size_t key_count;
    struct group *groups;
    size_t group_count;
    struct tarn_type partition_type;
    struct tarn_written *out;
    size_t file_cap;
    struct tarn__copy copy; /* whose token all files bear */
    int64_t file_number;
    bool by_one; /* thread */
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

/* ---- the temporary table: columns c0, c1, .. and k0, k1, .. of the keys */

static bool in_files(const struct tarn_type *root, size_t i)
{
    return root->fields[i].type.kind != TARN_TYPE_UNKNOWN;
}

/* " ORDER BY .." of partition and order; nothing if there is neither */
static enum tarn_status put_order(const struct sorting *o, struct tarn_buf *b)
{
    const struct tarn_write *w = o->x->w;
    const char *between = " ORDER BY ";
    for (size_t i = 0; i < o->key_count; i++) {
        tarn_buf_printf(b, "%s\"" TARN__KEY_PREFIX "%zu\" ASC NULLS FIRST", between, o->keys[i]);
        between = ", ";
    }
    for (size_t i = 0; o->ordered && i < w->sort->field_count; i++) {
        if (w->sort->fields[i].transform.kind == TARN_TRANSFORM_VOID)
            continue;
        tarn_buf_z(b, between);
        TARN_TRY(put_sort_field(o->op, b, w, &w->sort->fields[i]));
        between = ", ";
    }
    return TARN_OK;
}

static void put_names(const struct sorting *o, struct tarn_buf *b)
{
    const struct tarn_type *root = &o->x->w->schema->root;
    const char *comma = "";
    for (size_t i = 0; i < root->field_count; i++) {
        if (!in_files(root, i))
            continue;
        tarn_buf_printf(b, "%sc%zu", comma, i);
        comma = ", ";
    }
    for (size_t i = 0; i < o->key_count; i++)
        tarn_buf_printf(b, ", k%zu", i);
}

static enum tarn_status put_rows(const struct sorting *o, struct tarn_buf *b,
                                 struct tarn_str source, size_t *out_prefix)
{
    tarn_buf_z(b, "CREATE OR REPLACE TEMP TABLE " SORTED " (");
    put_names(o, b);
    tarn_buf_z(b, ") AS SELECT * FROM (SELECT *");
    if (o->key_count)
        TARN_TRY(tarn__keys_sql(o->op, b, o->x->w));
    tarn_buf_z(b, " FROM (SELECT ");
    TARN_TRY(tarn__columns_sql(o->op, b, o->x));
    tarn_buf_z(b, " FROM ");
    *out_prefix = b->len;
    tarn_buf_str(b, source);
    tarn_buf_z(b, "))");
    return put_order(o, b);
}

static enum tarn_status run_fill(const struct sorting *o, struct tarn_str sql,
                                 const struct tarn__text *text)
{
    duckdb_result r;
    TARN_TRY(tarn__run_long(o->s, o->op, sql.ptr, text, &r));
    duckdb_destroy_result(&r);
    return TARN_OK;
}

static enum tarn_status set_threads(const struct sorting *o, int threads)
{
    char sql[40];
    snprintf(sql, sizeof sql, "SET threads = %d", threads);
    return tarn__do(o->s, o->op, sql);
}

/* From here to the write's end. */
static enum tarn_status go_by_one(struct sorting *o)
{
    if (o->by_one || o->s->engine->options.threads == 1)
        return TARN_OK;
    o->by_one = true;
    return set_threads(o, 1);
}

static enum tarn_status fill(struct sorting *o, struct tarn_str source,
                             const struct tarn__text *text, size_t text_at)
{
    struct tarn_buf b;
    struct tarn_str sql;
    struct tarn__text placed;
    size_t prefix = 0;
    tarn_buf_init(&b, TARN__SQL_MAX);
    enum tarn_status status = put_rows(o, &b, source, &prefix);
    if (status != TARN_OK) {
        tarn_buf_release(&b);
        return status;
    }
    if (text) {
        placed = *text;
        placed.prefix = prefix + text_at;
    }
    TARN_TRY((enum tarn_status)tarn_buf_take(o->op, &b, "the statement", &sql));
    status = run_fill(o, sql, text ? &placed : NULL);
    if (status != TARN_NOMEM || o->x->once || o->s->engine->options.threads == 1)
        return status;
    tarn_clear(o->op);
    TARN_TRY(go_by_one(o));
    return run_fill(o, sql, text ? &placed : NULL);
}

/* The columns by their names again, which are any. */
static void put_columns(const struct sorting *o, struct tarn_buf *b)
{
    const struct tarn_type *root = &o->x->w->schema->root;
    const char *comma = "";
    for (size_t i = 0; i < root->field_count; i++) {
        if (!in_files(root, i))
            continue;
        tarn_buf_printf(b, "%sc%zu AS ", comma, i);
        tarn_buf_sql_name(b, root->fields[i].name);
        comma = ", ";
    }
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

#define GROUP_NUMBERS 4 /* rows, bytes, first and last place */

static enum tarn_status group_of(struct sorting *o, const struct tarn_batch *b, size_t row,
                                 struct group *g)
{
    int64_t numbers[GROUP_NUMBERS];
    for (size_t i = 0; i < GROUP_NUMBERS; i++)
        if (!tarn_str_to_i64(tarn__cell_str(&b->columns[i], row), &numbers[i]))
            return tarn_fail(o->op, TARN_INTERNAL,
                             "the engine did not count the rows that it sorted");
    if (numbers[3] - numbers[2] + 1 != numbers[0])
        return tarn_fail(o->op, TARN_INTERNAL,
                         "the engine did not put the rows of a partition side by side");
    *g = (struct group){.rows = numbers[0], .bytes = numbers[1], .first = numbers[2]};
    TARN_NEW_ARRAY(o->op, g->keys, o->key_count + 1);
    for (size_t i = 0; i < o->key_count; i++) {
        struct tarn_str key = tarn__cell_str(&b->columns[GROUP_NUMBERS + i], row);
        if (!key.ptr)
            continue;
        g->keys[i] = tarn_strdup(o->op, key);
        if (!g->keys[i].ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

/* The table's columns by their names in the temporary table. */
static enum tarn_status sorted_type(const struct sorting *o, struct tarn_type *out)
{
    *out = o->x->w->schema->root;
    TARN_NEW_ARRAY(o->op, out->fields, out->field_count + 1);
    for (size_t i = 0; i < out->field_count; i++) {
        out->fields[i] = o->x->w->schema->root.fields[i];
        out->fields[i].name = tarn_sprintf(o->op, "c%zu", i);
        if (!out->fields[i].name.ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static void put_groups(const struct sorting *o, struct tarn_buf *b, const struct tarn_type *type)
{
    tarn_buf_z(b, "SELECT CAST(count(*) AS VARCHAR), CAST(sum(");
    tarn__width_sql(b, type);
    tarn_buf_z(b, ") AS VARCHAR), CAST(min(rowid) AS VARCHAR), CAST(max(rowid) AS VARCHAR)");
    for (size_t i = 0; i < o->key_count; i++)
        tarn_buf_printf(b, ", CAST(k%zu AS VARCHAR)", i);
    tarn_buf_z(b, " FROM " SORTED);
    for (size_t i = 0; i < o->key_count; i++)
        tarn_buf_printf(b, "%sk%zu", i ? ", " : " GROUP BY ", i);
    tarn_buf_z(b, " HAVING count(*) > 0 ORDER BY min(rowid)");
}

static enum tarn_status find_groups(struct sorting *o)
{
    struct tarn_buf b;
    struct tarn_str sql;
    struct tarn__rows rows;
    struct tarn_type type;
    duckdb_result r;
    TARN_TRY(sorted_type(o, &type));
    tarn_buf_init(&b, TARN__SQL_MAX);
    put_groups(o, &b, &type);
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

/* The places say which rows; the keys let the engine pass over the others unseen. */
static void put_where(const struct sorting *o, struct tarn_buf *b, const struct group *g,
                      int64_t from, int64_t to)
{
    tarn_buf_printf(b, " FROM " SORTED " WHERE rowid >= %lld AND rowid < %lld",
                    (long long)(g->first + from), (long long)(g->first + to));
    for (size_t i = 0; i < o->key_count; i++) {
        tarn_buf_printf(b, " AND k%zu ", i);
        if (!g->keys[i].ptr) {
            tarn_buf_z(b, "IS NULL");
            continue;
        }
        tarn_buf_z(b, "= ");
        tarn_buf_sql_text(b, g->keys[i]);
    }
}

/* Rows of a row group of which memory holds a few for each thread. */
static int64_t rows_most(const struct sorting *o, const struct group *g)
{
    const struct tarn_engine_options *e = &o->s->engine->options;
    int64_t width = g->bytes / g->rows + 1;
    return e->memory_limit_bytes / e->threads / 4 / width / ROWS * ROWS + ROWS;
}

/* Of as many rows as have the bytes that are asked for. */
static void put_row_groups(const struct sorting *o, struct tarn_buf *b, const struct group *g)
{
    int64_t asked = o->x->w->row_group_bytes, most = rows_most(o, g), rows = ROW_GROUP_ROWS;
    if (asked > 0)
        rows = asked / (g->bytes / g->rows + 1) / ROWS * ROWS + ROWS;
    if (asked > 0 || most < rows)
        tarn_buf_printf(b, ", ROW_GROUP_SIZE %lld", (long long)(most < rows ? most : rows));
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
        if (o->ordered)
            all->files[all->count].sort_order_id = o->x->w->sort->order_id;
        all->count++;
    }
    all->rows += one->rows;
    all->bytes += one->bytes;
    return TARN_OK;
}

static enum tarn_status put_file(struct sorting *o, struct tarn__copy *c, const struct group *g,
                                 int64_t from, int64_t to)
{
    const struct tarn_write *w = o->x->w;
    struct tarn_str path = tarn_sprintf(o->op, "%.*s/%s-%08lld.parquet", TARN_STR_ARG(w->folder),
                                        c->token, (long long)o->file_number++);
    if (!path.ptr)
        return TARN_NOMEM;
    tarn_buf_z(&c->sql, "COPY (SELECT ");
    put_columns(o, &c->sql);
    put_where(o, &c->sql, g, from, to);
    tarn_buf_z(&c->sql, ") TO ");
    tarn_buf_sql_text(&c->sql, path);
    tarn_buf_z(&c->sql, " (FORMAT parquet, PRESERVE_ORDER true, FIELD_IDS ");
    tarn__field_ids_sql(&c->sql, &w->schema->root);
    put_row_groups(o, &c->sql, g);
    TARN_TRY(tarn__copy_options(o->op, c, w));
    tarn_buf_put(&c->sql, ')');
    return TARN_OK;
}

static enum tarn_status write_file(struct sorting *o, const struct group *g,
                                   const struct tarn_value *tuple, int64_t from, int64_t to)
{
    struct tarn_write w = *o->x->w;
    struct tarn__copy c = o->copy;
    struct tarn__rows rows;
    struct tarn_written one;
    tarn_buf_init(&c.sql, TARN__SQL_MAX);
    enum tarn_status status = put_file(o, &c, g, from, to);
    if (status == TARN_OK)
        status = tarn__copy_run(o->s, o->op, &c, NULL, &rows);
    tarn_buf_release(&c.sql);
    TARN_TRY(status);
    w.constants = tuple;
    TARN_TRY(tarn__written(o->op, &rows, &w, &one));
    if (one.rows != to - from)
        return tarn_fail(o->op, TARN_INTERNAL,
                         "%lld rows of a partition were written instead of %lld",
                         (long long)one.rows, (long long)(to - from));
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
        TARN_TRY(write_file(o, g, tuple, from, from + each < g->rows ? from + each : g->rows));
    return TARN_OK;
}

/* Does a row group of them take more than memory has for each of a thread's few? */
static bool are_wide(const struct sorting *o)
{
    for (size_t i = 0; i < o->group_count; i++)
        if (o->groups[i].rows > ROWS && rows_most(o, &o->groups[i]) < ROW_GROUP_ROWS)
            return true;
    return false;
}

static enum tarn_status write_groups(struct sorting *o, struct tarn_str source,
                                     const struct tarn__text *text, size_t text_at)
{
    TARN_TRY(find_keys(o));
    TARN_TRY(fill(o, source, text, text_at));
    TARN_TRY(find_groups(o));
    if (are_wide(o))
        TARN_TRY(go_by_one(o));
    for (size_t i = 0; i < o->group_count; i++)
        TARN_TRY(write_group(o, &o->groups[i]));
    return TARN_OK;
}

enum tarn_status tarn__write_sorted(struct tarn_session *s, struct tarn_op *op,
                                    struct tarn__writing *x, struct tarn_str source,
                                    const struct tarn__text *text, size_t text_at,
                                    struct tarn_written *out)
{
    struct sorting o = {.s = s, .op = op, .x = x, .out = out, .ordered = tarn__can_sort(x->w)};
    *out = (struct tarn_written){0};
    TARN_TRY(tarn__copy_open(op, x->w->folder, &o.copy));
    enum tarn_status status = write_groups(&o, source, text, text_at);
    struct tarn_report told = op->report;
    if (tarn__do(s, op, "DROP TABLE IF EXISTS " SORTED) != TARN_OK)
        tarn_clear(op); /* the next one replaces it */
    if (o.by_one && set_threads(&o, s->engine->options.threads) != TARN_OK)
        tarn_clear(op); /* they are fewer, nothing else */
    op->report = told;
    tarn_buf_release(&o.copy.sql);
    if (status != TARN_OK)
        tarn__copy_remove(&o.copy, x->w->folder);
    return status;
}
