/* write: rows into Parquet files, by COPY.
 *
 * Files get names of their own (a random token and an id), so that a failed write can be cleaned up
 * and none ever replaces another. Rows of one partition tuple (or of an unpartitioned table) go to
 * files that roll at the target size; rows of few go to one file a partition, or several (roll.c), side by
 * side. (The engine cannot do both.) Where there are many, or an order, they are sorted first
 * (write_sorted.c). Nothing is synced here.
 */
#include "engine/duckdb/write_int.h"

#include <dirent.h>
#include <unistd.h>

#include "base/random.h"
#include "engine/duckdb/query_int.h"
#include "io/folder.h"

#define FED "temp.main.\"tarn fed\""

/* ---- COPY */

enum tarn_status tarn__copy_open(struct tarn_op *op, struct tarn_str folder, struct tarn__copy *out)
{
    unsigned char bytes[8];
    struct tarn_str path = tarn_strdup(op, folder);
    if (!path.ptr)
        return TARN_NOMEM;
    *out = (struct tarn__copy){0};
    TARN_TRY(tarn_folder_make(op, path.ptr));
    TARN_TRY(tarn_random_bytes(op, bytes, sizeof bytes));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(out->token + 2 * i, 3, "%02x", bytes[i]);
    tarn_buf_init(&out->sql, TARN__SQL_MAX);
    return TARN_OK;
}

/* The token is this write's alone: whatever bears it is ours, finished or not. */
void tarn__copy_remove(const struct tarn__copy *c, struct tarn_str folder)
{
    char path[4096];
    DIR *d = NULL;
    if (folder.len < sizeof path) {
        snprintf(path, sizeof path, "%.*s", TARN_STR_ARG(folder));
        d = opendir(path);
    }
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, c->token))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static const char *codec_of(struct tarn_str codec)
{
    static const char *const known[][2] = {
        {"zstd", "zstd"},        {"snappy", "snappy"}, {"gzip", "gzip"},
        {"lz4", "lz4_raw"},      {"brotli", "brotli"}, {"uncompressed", "uncompressed"},
        {"none", "uncompressed"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (tarn_str_eq_nocase(codec, tarn_str_view(known[i][0])))
            return known[i][1];
    return NULL;
}

static bool holds(const struct tarn_type *t, enum tarn_type_kind kind)
{
    bool found = t->kind == kind;
    for (size_t i = 0; !found && i < t->field_count; i++)
        found = holds(&t->fields[i].type, kind);
    return found;
}

enum tarn_status tarn__copy_options(struct tarn_op *op, struct tarn__copy *c,
                                    const struct tarn_write *w)
{
    struct tarn_str codec = w->codec.ptr && w->codec.len > 0 ? w->codec : TARN_STR("zstd");
    const char *name = codec_of(codec);
    if (!name)
        return tarn_fail(op, TARN_CONFIG, "there is no compression \"%.*s\"", TARN_STR_ARG(codec));
    tarn_buf_printf(&c->sql, ", COMPRESSION %s", name);
    if (strcmp(name, "zstd") == 0 && w->codec_level != 0)
        tarn_buf_printf(&c->sql, ", COMPRESSION_LEVEL %d", w->codec_level);
    if (w->schema && (holds(&w->schema->root, TARN_TYPE_GEOMETRY) ||
                      holds(&w->schema->root, TARN_TYPE_GEOGRAPHY)))
        tarn_buf_z(&c->sql, ", GEOPARQUET_VERSION 'V2'"); /* Parquet's own type for it */
    /* The engine's reader asks a Bloom filter in ways that pass over rows: it knows -0.0 and 0.0 as
     * different values, and looks for the text of bytes instead of the bytes. */
    if (w->schema &&
        (holds(&w->schema->root, TARN_TYPE_FLOAT) || holds(&w->schema->root, TARN_TYPE_DOUBLE) ||
         holds(&w->schema->root, TARN_TYPE_BINARY) || holds(&w->schema->root, TARN_TYPE_FIXED)))
        tarn_buf_z(&c->sql, ", WRITE_BLOOM_FILTER false");
    tarn_buf_z(&c->sql, ", RETURN_STATS");
    return TARN_OK;
}

enum tarn_status tarn__copy_run(struct tarn_session *s, struct tarn_op *op, struct tarn__copy *c,
                                const struct tarn__text *text, struct tarn__rows *out)
{
    duckdb_result r;
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(op, &c->sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__run_long(s, op, tarn_buf_view(&c->sql).ptr, text, &r);
    tarn_buf_release(&c->sql);
    TARN_TRY(status);
    status = tarn__rows_of(op, &r, out);
    duckdb_destroy_result(&r);
    return status;
}

/* ---- field ids */

static void id_value(struct tarn_buf *b, const struct tarn_field *f);

static void id_fields(struct tarn_buf *b, const struct tarn_type *t, const char *comma)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (t->fields[i].type.kind == TARN_TYPE_UNKNOWN)
            continue;
        tarn_buf_z(b, comma);
        comma = ", ";
        tarn_buf_sql_name(b, t->fields[i].name);
        tarn_buf_z(b, ": ");
        id_value(b, &t->fields[i]);
    }
}

static void id_value(struct tarn_buf *b, const struct tarn_field *f)
{
    if (!tarn_type_is_nested(&f->type)) {
        tarn_buf_printf(b, "%d", f->id);
        return;
    }
    tarn_buf_printf(b, "{__duckdb_field_id: %d", f->id);
    id_fields(b, &f->type, ", ");
    tarn_buf_put(b, '}');
}

void tarn__field_ids_sql(struct tarn_buf *b, const struct tarn_type *root)
{
    tarn_buf_put(b, '{');
    id_fields(b, root, "");
    tarn_buf_put(b, '}');
}

/* ---- columns and partitions */

static enum tarn_status check_schema(struct tarn_op *op, const struct tarn_write *w)
{
    const struct tarn_type *root = &w->schema->root;
    for (size_t i = 0; i < root->field_count; i++) {
        TARN_TRY(tarn__type_writable(op, &root->fields[i].type, root->fields[i].name));
        for (size_t k = 0; k < i; k++)
            if (tarn_str_eq_nocase(root->fields[i].name, root->fields[k].name))
                return tarn_fail(
                    op, TARN_UNSUPPORTED, "columns \"%.*s\" and \"%.*s\" differ only in case",
                    TARN_STR_ARG(root->fields[k].name), TARN_STR_ARG(root->fields[i].name));
    }
    return TARN_OK;
}

/* Fields whose value differs from row to row. */
static size_t key_count(const struct tarn_write *w)
{
    size_t n = 0;
    for (size_t i = 0; w->spec && !w->constants && i < w->spec->field_count; i++)
        n += w->spec->fields[i].transform.kind != TARN_TRANSFORM_VOID;
    return n;
}

/* The source of a partition field: a column, or a struct's field as col."x"."y". */
bool tarn__source_path(struct tarn_buf *b, const struct tarn_type *t, int32_t id,
                       const struct tarn_field **out)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        size_t mark = b->len;
        tarn_buf_z(b, mark > 0 ? "." : "");
        tarn_buf_sql_name(b, f->name);
        if (f->id == id) {
            *out = f;
            return true;
        }
        if (f->type.kind == TARN_TYPE_STRUCT && tarn__source_path(b, &f->type, id, out))
            return true;
        b->len = mark;
        if (b->cap > 0)
            b->ptr[mark] = '\0';
    }
    return false;
}

static enum tarn_status key_sql(struct tarn_op *op, struct tarn_buf *b, const struct tarn_write *w,
                                size_t i)
{
    const struct tarn_partition_field *p = &w->spec->fields[i];
    const struct tarn_field *source = NULL;
    struct tarn_buf path;
    struct tarn_str column;
    tarn_buf_init(&path, (size_t)1 << 20);
    bool found = tarn__source_path(&path, &w->schema->root, p->source_id, &source);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &path, "a column", &column));
    if (!found)
        return tarn_fail(op, TARN_SCHEMA,
                         "partition field \"%.*s\" has no column in the table's schema",
                         TARN_STR_ARG(p->name));
    tarn_buf_z(b, ", ");
    TARN_TRY(tarn__partition_sql(op, b, &p->transform, &source->type, column));
    tarn_buf_printf(b, " AS \"" TARN__KEY_PREFIX "%zu\"", i);
    return TARN_OK;
}

enum tarn_status tarn__columns_sql(struct tarn_op *op, struct tarn_buf *b,
                                   const struct tarn__writing *x)
{
    const struct tarn_type *root = &x->w->schema->root;
    const char *comma = "";
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        if (f->type.kind == TARN_TYPE_UNKNOWN)
            continue; /* always null: no file holds it (spec "Primitive Types") */
        tarn_buf_z(b, comma);
        comma = ", ";
        if (x->columns[i].ptr) {
            TARN_TRY(tarn__cast_sql(op, b, x->columns[i], f));
        } else {
            TARN_TRY(tarn_engine_default_sql(op, b, f, TARN_DEFAULT_WRITE));
        }
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, f->name);
    }
    return TARN_OK;
}

int64_t tarn__file_size(const struct tarn_write *w)
{
    return w->target_file_size_bytes > 0 ? w->target_file_size_bytes : (int64_t)512 << 20;
}

/* "tarn partition 0", "tarn partition 2" */
void tarn__key_names(struct tarn_buf *b, const struct tarn_partition_spec *spec)
{
    const char *comma = "";
    for (size_t i = 0; i < spec->field_count; i++) {
        if (spec->fields[i].transform.kind == TARN_TRANSFORM_VOID)
            continue;
        tarn_buf_printf(b, "%s\"" TARN__KEY_PREFIX "%zu\"", comma, i);
        comma = ", ";
    }
}

static void partition_by_sql(struct tarn_buf *b, const struct tarn_partition_spec *spec)
{
    tarn_buf_z(b, ", HIVE_FILE_PATTERN false, WRITE_PARTITION_COLUMNS false, PARTITION_BY (");
    tarn__key_names(b, spec);
    tarn_buf_z(b, ", \"" TARN__FILE_KEY "\")");
}

enum tarn_status tarn__keys_sql(struct tarn_op *op, struct tarn_buf *b, const struct tarn_write *w)
{
    for (size_t i = 0; i < w->spec->field_count; i++)
        if (w->spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            TARN_TRY(key_sql(op, b, w, i));
    return TARN_OK;
}

static enum tarn_status file_key_sql(struct tarn_op *op, struct tarn_buf *b,
                                     const struct tarn__writing *x)
{
    struct tarn_buf names;
    TARN_TRY(tarn__keys_sql(op, b, x->w));
    tarn_buf_init(&names, (size_t)1 << 20);
    tarn__key_names(&names, x->w->spec);
    tarn_buf_z(b, ", ");
    tarn__roll_sql(b, x->roll, &x->w->schema->root, tarn_buf_view(&names));
    tarn_buf_z(b, " AS \"" TARN__FILE_KEY "\"");
    b->failed = b->failed || names.failed;
    tarn_buf_release(&names);
    return TARN_OK;
}

static void target_sql(struct tarn__copy *c, const struct tarn__writing *x)
{
    const struct tarn_write *w = x->w;
    struct tarn_buf *b = &c->sql;
    tarn_buf_z(b, ") TO ");
    tarn_buf_sql_text(b, w->folder);
    tarn_buf_printf(b,
                    " (FORMAT parquet, PRESERVE_ORDER false, APPEND true, FILENAME_PATTERN "
                    "'%s-{uuidv7}'",
                    c->token);
    if (x->partitioned)
        partition_by_sql(b, w->spec);
    else
        tarn_buf_z(b,
                   ", WRITE_EMPTY_FILE false"); /* which the engine refuses beside PARTITION_BY */
    if (!x->partitioned)
        tarn_buf_printf(b, ", FILE_SIZE_BYTES %lld", (long long)tarn__file_size(w));
    if (w->row_group_bytes > 0)
        tarn_buf_printf(b, ", ROW_GROUP_SIZE_BYTES %lld", (long long)w->row_group_bytes);
    tarn_buf_z(b, ", FIELD_IDS ");
    tarn__field_ids_sql(b, &w->schema->root);
}

/* SELECT *, keys FROM (SELECT casts FROM source): keys see the columns as they are stored. */
static enum tarn_status copy_sql(struct tarn_op *op, struct tarn__copy *c,
                                 const struct tarn__writing *x, struct tarn_str source,
                                 size_t *out_prefix)
{
    struct tarn_buf *b = &c->sql;
    tarn_buf_z(b, "COPY (SELECT *");
    if (x->partitioned)
        TARN_TRY(file_key_sql(op, b, x));
    tarn_buf_z(b, " FROM (SELECT ");
    TARN_TRY(tarn__columns_sql(op, b, x));
    tarn_buf_z(b, " FROM ");
    *out_prefix = b->len;
    tarn_buf_str(b, source);
    tarn_buf_z(b, ")");
    target_sql(c, x);
    TARN_TRY(tarn__copy_options(op, c, x->w));
    tarn_buf_put(b, ')');
    return TARN_OK;
}

static enum tarn_status write_unsorted(struct tarn_session *s, struct tarn_op *op,
                                       struct tarn__writing *x, struct tarn_str source,
                                       const struct tarn__text *text, size_t text_at,
                                       bool *out_many, struct tarn_written *out)
{
    struct tarn__copy c;
    struct tarn__rows rows;
    struct tarn__text placed;
    size_t prefix = 0;
    TARN_TRY(tarn__copy_open(op, x->w->folder, &c));
    enum tarn_status status = TARN_OK;
    if (x->partitioned)
        status = tarn__roll_open(s->engine, op, tarn__file_size(x->w),
                                 x->w->distribution != TARN_DISTRIBUTE_NONE, &x->roll);
    if (status == TARN_OK)
        status = copy_sql(op, &c, x, source, &prefix);
    if (text) {
        placed = *text;
        placed.prefix = prefix + text_at;
    }
    if (status == TARN_OK)
        status = tarn__copy_run(s, op, &c, text ? &placed : NULL, &rows);
    if (status == TARN_OK)
        status = tarn__written(op, &rows, x->w, out);
    tarn_buf_release(&c.sql);
    *out_many = status != TARN_OK && x->roll && tarn__roll_is_full(x->roll);
    tarn__roll_close(s->engine, x->roll);
    x->roll = NULL;
    if (status != TARN_OK)
        tarn__copy_remove(&c, x->w->folder);
    return status;
}

/* Rows of few partitions are written as they come. That there are many shows soon, unless they come
 * one partition after the other; then they are asked for again. */
static enum tarn_status write_gathered(struct tarn_session *s, struct tarn_op *op,
                                       struct tarn__writing *x, struct tarn_str source,
                                       const struct tarn__text *text, size_t text_at,
                                       struct tarn_written *out)
{
    bool many = false;
    if (tarn__can_sort(x->w))
        return tarn__write_sorted(s, op, x, source, text, text_at, out);
    enum tarn_status status = write_unsorted(s, op, x, source, text, text_at, &many, out);
    if (!many)
        return status;
    tarn_clear(op);
    return tarn__write_sorted(s, op, x, source, text, text_at, out);
}

static enum tarn_status write_rows(struct tarn_session *s, struct tarn_op *op,
                                   struct tarn__writing *x, struct tarn_str source,
                                   const struct tarn__text *text, size_t text_at,
                                   struct tarn_written *out)
{
    TARN_TRY(write_gathered(s, op, x, source, text, text_at, out));
    return x->w->spread ? tarn__spread(op, x->w->folder, out) : TARN_OK;
}

/* ---- from a query */

static enum tarn_status find_column(struct tarn_op *op, const struct tarn_type *query,
                                    const struct tarn_field *f, size_t *out)
{
    *out = SIZE_MAX;
    for (size_t i = 0; i < query->field_count; i++) {
        if (!tarn_str_eq_nocase(query->fields[i].name, f->name))
            continue;
        if (*out != SIZE_MAX)
            return tarn_fail(op, TARN_SCHEMA, "the query has two columns named \"%.*s\"",
                             TARN_STR_ARG(f->name));
        *out = i;
    }
    if (*out == SIZE_MAX && f->required && !f->write_default.ptr)
        return tarn_fail(op, TARN_SCHEMA,
                         "the query has no column for the required column \"%.*s\"",
                         TARN_STR_ARG(f->name));
    return TARN_OK;
}

static enum tarn_status check_extra(struct tarn_op *op, const struct tarn_type *query,
                                    const struct tarn_type *root)
{
    for (size_t i = 0; i < query->field_count; i++) {
        bool known = false;
        for (size_t k = 0; k < root->field_count && !known; k++)
            known = tarn_str_eq_nocase(query->fields[i].name, root->fields[k].name);
        if (!known)
            return tarn_fail(op, TARN_SCHEMA,
                             "the table has no column \"%.*s\", which the query makes",
                             TARN_STR_ARG(query->fields[i].name));
    }
    return TARN_OK;
}

/* A bare NULL is a value of any type. */
static bool is_untyped(const struct tarn__refs *refs, struct tarn_str column)
{
    for (size_t i = 0; refs && i < refs->null_count; i++)
        if (tarn_str_eq_nocase(refs->nulls[i], column))
            return true;
    return false;
}

static enum tarn_status quoted(struct tarn_op *op, struct tarn_str name, struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    tarn_buf_sql_name(&b, name);
    return (enum tarn_status)tarn_buf_take(op, &b, "a column's name", out);
}

static enum tarn_status match_columns(struct tarn_op *op, const struct tarn__query *q,
                                      struct tarn__writing *x)
{
    const struct tarn_type *root = &x->w->schema->root, *query = &q->type;
    TARN_NEW_ARRAY(op, x->columns, root->field_count + 1);
    TARN_TRY(check_extra(op, query, root));
    for (size_t i = 0; i < root->field_count; i++) {
        size_t at;
        TARN_TRY(find_column(op, query, &root->fields[i], &at));
        if (at == SIZE_MAX ||
            (is_untyped(q->text.refs, query->fields[at].name) && !root->fields[i].required))
            continue;
        TARN_TRY(
            tarn__cast_check(op, &query->fields[at].type, &root->fields[i], root->fields[i].name));
        TARN_TRY(quoted(op, query->fields[at].name, &x->columns[i]));
    }
    return TARN_OK;
}

/* "(<text>) AS r("a", "b")": the columns' own names, which the engine uses in its errors */
static enum tarn_status source_of(struct tarn_op *op, const struct tarn__query *q,
                                  struct tarn_str *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, TARN__SQL_MAX);
    tarn_buf_put(&b, '(');
    tarn_buf_append(&b, q->text.sql.ptr, tarn_sql_trimmed(q->text.sql));
    tarn_buf_z(&b, "\n) AS r(");
    tarn__names_sql(&b, &q->type);
    tarn_buf_put(&b, ')');
    return (enum tarn_status)tarn_buf_take(op, &b, "the statement", out);
}

enum tarn_status tarn_session_write(struct tarn_session *s, struct tarn_op *op,
                                    struct tarn_sql_text text, const struct tarn_write *w,
                                    struct tarn_written *out)
{
    struct tarn__text bound;
    struct tarn__query q;
    struct tarn_str source;
    struct tarn__writing x = {.w = w, .partitioned = key_count(w) > 0};
    *out = (struct tarn_written){0};
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(check_schema(op, w));
    TARN_TRY(tarn__query_bind(s, op, &text, TARN__VIEWS_SCANS, &bound));
    TARN_TRY(tarn__query_prepare(s, op, &bound, TARN__SHAPES_TYPES, &q));
    duckdb_destroy_prepare(&q.statement);
    enum tarn_status status = match_columns(op, &q, &x);
    if (status == TARN_SCHEMA && text.file)
        tarn_place(op, text.file, text.line0 > 0 ? text.line0 : 1, 0, NULL);
    TARN_TRY(status);
    TARN_TRY(source_of(op, &q, &source));
    return write_rows(s, op, &x, source, &q.text, 1 + q.text.prefix, out);
}

/* ---- from a producer */

/* A producer's rows come once. Where they may be needed twice they lie in a temporary table. */
static bool may_ask_twice(const struct tarn__writing *x)
{
    return x->partitioned && !tarn__can_sort(x->w) && x->w->distribution != TARN_DISTRIBUTE_NONE;
}

static enum tarn_status write_fed(struct tarn_session *s, struct tarn_op *op,
                                  struct tarn__writing *x, const struct tarn__feed *feed,
                                  struct tarn_written *out)
{
    struct tarn_str source = tarn_sprintf(op, "tarn_feed(%lld)", (long long)feed->id);
    struct tarn_buf b;
    if (!source.ptr)
        return TARN_NOMEM;
    x->once = !may_ask_twice(x);
    if (x->once)
        return write_rows(s, op, x, source, NULL, 0, out);
    tarn_buf_init(&b, 4096);
    tarn_buf_printf(&b, "CREATE OR REPLACE TEMP TABLE " FED " AS SELECT * FROM %.*s",
                    TARN_STR_ARG(source));
    enum tarn_status status = tarn__do_buf(s, op, &b);
    if (status == TARN_OK)
        status = write_rows(s, op, x, TARN_STR(FED), NULL, 0, out);
    struct tarn_report told = op->report;
    if (tarn__do(s, op, "DROP TABLE IF EXISTS " FED) != TARN_OK)
        tarn_clear(op);
    op->report = told;
    return status;
}

enum tarn_status tarn_session_write_producer(struct tarn_session *s, struct tarn_op *op,
                                             struct tarn_producer *p, const struct tarn_write *w,
                                             struct tarn_written *out)
{
    struct tarn__feed *feed;
    struct tarn__writing x = {.w = w, .partitioned = key_count(w) > 0};
    const struct tarn_type *root = &w->schema->root;
    *out = (struct tarn_written){0};
    TARN_TRY(tarn__idle(s, op));
    TARN_TRY(check_schema(op, w));
    TARN_ASSERT(p->schema->field_count == root->field_count);
    TARN_NEW_ARRAY(op, x.columns, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        TARN_TRY(tarn__cast_check(op, &p->schema->fields[i].type, &root->fields[i],
                                  root->fields[i].name));
        x.columns[i] = tarn_sprintf(op, "c%zu", i);
        if (!x.columns[i].ptr)
            return TARN_NOMEM;
    }
    TARN_TRY(tarn__feed_open(s->engine, op, p, &feed));
    enum tarn_status status = write_fed(s, op, &x, feed, out);
    if (status != TARN_OK && feed->report.status != TARN_OK) {
        op->report = feed->report; /* the cause, not what the engine made of it */
        status = op->report.status;
    }
    tarn__feed_close(s->engine, feed);
    return status;
}
