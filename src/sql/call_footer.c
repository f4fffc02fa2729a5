/* call_footer: what the footers of Parquet files say: their schemas and statistics, read by the
 * engine.
 *
 * parquet_schema gives the tree depth first, parquet_metadata a row a column chunk. Statistics are
 * texts of the file's own types. What cannot be read for sure (text that the engine has escaped,
 * binary, NaN) is no bound: a missing bound costs time, a wrong one loses rows.
 */
#include <string.h>

#include "sql/call_files_int.h"

#define DEPTH_MAX 64

static enum tarn_status each_row(struct tarn__source *s, struct tarn_buf *sql, tarn_row_fn *fn,
                                 void *ctx)
{
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(s->call->op, sql, "a query over a footer");
    if (status == TARN_OK)
        status =
            tarn_each_row(&s->call->run->sql->env->flow, s->call->op, tarn_buf_view(sql), fn, ctx);
    tarn_buf_release(sql);
    return status;
}

/* ---- schemas */

struct raw_node {
    struct tarn_str name;
    int64_t children, id, length;
    bool optional;
};
struct reading {
    struct tarn__source *source;
    struct tarn__file *file;
    struct tarn_buf text; /* of the whole schema, to know one that was seen */
    struct raw_node *nodes;
    size_t count, cap, at;
    struct tarn__shape *shape;
};

static enum tarn_status keep_node(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                  size_t row)
{
    struct reading *r = ctx;
    TARN_GROW(op, r->nodes, r->count, r->cap);
    struct raw_node *n = &r->nodes[r->count++];
    *n = (struct raw_node){.name = tarn_strdup(op, tarn_cell_text(b, 0, row)),
                           .children = tarn_cell_long(b, 1, row),
                           .id = tarn_cell_long(b, 2, row),
                           .length = tarn_cell_long(b, 3, row),
                           .optional = !tarn_str_is(tarn_cell_text(b, 4, row), "REQUIRED")};
    tarn_buf_str(&r->text, tarn_cell_text(b, 5, row));
    tarn_buf_put(&r->text, '\n');
    return n->name.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status read_schema(struct reading *r)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, 1 << 20);
    tarn_buf_z(&sql,
               "SELECT coalesce(name, ''), coalesce(num_children, 0)::BIGINT, "
               "coalesce(field_id, 0)::BIGINT, coalesce(type_length::VARCHAR, '0')::BIGINT, "
               "coalesce(repetition_type, 'REQUIRED')::VARCHAR, concat_ws('|', name, type, "
               "type_length, repetition_type, num_children, converted_type, scale, precision, "
               "coalesce(field_id, -1), logical_type, duckdb_type) FROM parquet_schema(");
    tarn_engine_path_sql(&sql, r->file->local);
    tarn_buf_z(&sql, ") ORDER BY column_id");
    return each_row(r->source, &sql, keep_node, r);
}

static enum tarn_status broken(struct reading *r)
{
    return tarn_fail(r->source->call->op, TARN_CORRUPT, "the schema of \"%.*s\" cannot be read",
                     TARN_STR_ARG(r->file->path));
}

static enum tarn_status build_node(struct reading *r, int depth, struct tarn__node *out)
{
    if (r->at >= r->count || depth > DEPTH_MAX)
        return broken(r);
    const struct raw_node *raw = &r->nodes[r->at++];
    if (raw->children < 0 || (size_t)raw->children > r->count || raw->id < 0 ||
        raw->id > INT32_MAX || raw->length < 0 || raw->length > INT32_MAX)
        return broken(r);
    *out = (struct tarn__node){.name = raw->name,
                               .id = (int32_t)raw->id,
                               .optional = raw->optional,
                               .length = (int32_t)raw->length,
                               .child_count = (size_t)raw->children};
    if (depth > 0 && raw->children == 0)
        out->leaf = r->shape->leaf_count++;
    if (depth == 1) {
        r->shape->any_id = r->shape->any_id || raw->id > 0;
        r->shape->any_without = r->shape->any_without || raw->id == 0;
    }
    r->shape->nested = r->shape->nested || (depth > 0 && raw->children > 0);
    TARN_NEW_ARRAY(r->source->call->op, out->children, out->child_count + 1);
    for (size_t i = 0; i < out->child_count; i++)
        TARN_TRY(build_node(r, depth + 1, &out->children[i]));
    return TARN_OK;
}

/* The columns as the engine reads them: the same names in the same order, or it is refused. */
static enum tarn_status read_type(struct reading *r)
{
    struct tarn_op *op = r->source->call->op;
    struct tarn__shape *shape = r->shape;
    struct tarn_buf sql;
    struct tarn_str text;
    tarn_buf_init(&sql, 1 << 20);
    tarn_buf_z(&sql, "SELECT * FROM read_parquet(");
    tarn_engine_path_sql(&sql, r->file->local);
    tarn_buf_z(&sql, ", hive_partitioning = false)");
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &sql, "a query over a file", &text));
    TARN_TRY(tarn_session_describe(r->source->call->run->sql->env->flow.session, op,
                                   (struct tarn_sql_text){.sql = text, .line0 = 1}, &shape->type));
    bool same = shape->type.field_count == shape->root.child_count;
    for (size_t i = 0; same && i < shape->root.child_count; i++)
        same = tarn_str_eq(shape->type.fields[i].name, shape->root.children[i].name);
    if (same)
        return TARN_OK;
    return tarn_fail(op, TARN_UNSUPPORTED,
                     "\"%.*s\" has columns whose names differ in case only, or are not text",
                     TARN_STR_ARG(r->file->path));
}

static enum tarn_status new_shape(struct reading *r)
{
    struct tarn__source *s = r->source;
    struct tarn_op *op = s->call->op;
    struct tarn__shape **grown;
    TARN_NEW(op, r->shape);
    r->shape->text = tarn_strdup(op, tarn_buf_view(&r->text));
    r->shape->first = r->file->path;
    if (!r->shape->text.ptr)
        return TARN_NOMEM;
    TARN_TRY(build_node(r, 0, &r->shape->root));
    if (r->at != r->count)
        return broken(r);
    TARN_TRY(read_type(r));
    TARN_NEW_ARRAY(op, r->shape->leaves, r->shape->leaf_count + 1);
    TARN_NEW_ARRAY(op, grown, s->shape_count + 1);
    if (s->shape_count)
        memcpy(grown, s->shapes, s->shape_count * sizeof *grown);
    grown[s->shape_count++] = r->shape;
    s->shapes = grown;
    return TARN_OK;
}

static enum tarn_status shape_of(struct tarn__source *s, struct tarn__file *f)
{
    struct reading r = {.source = s, .file = f};
    tarn_buf_init(&r.text, (size_t)64 << 20);
    enum tarn_status status = read_schema(&r);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_finish(s->call->op, &r.text, "a file's schema");
    for (size_t i = 0; status == TARN_OK && !r.shape && i < s->shape_count; i++)
        if (tarn_str_eq(s->shapes[i]->text, tarn_buf_view(&r.text)))
            r.shape = s->shapes[i];
    if (status == TARN_OK && !r.shape)
        status = new_shape(&r);
    tarn_buf_release(&r.text);
    f->shape = r.shape;
    return status;
}

/* ---- statistics */

/* Types of leaves in the order of the tree; NULL where tree and type do not go together. */
static void leaf_types(const struct tarn__node *n, const struct tarn_type *t,
                       const struct tarn_type **out, bool *repeated, bool inside)
{
    if (n->child_count == 0) {
        out[n->leaf] = tarn_type_is_nested(t) ? NULL : t;
        repeated[n->leaf] = inside;
        return;
    }
    if (t->kind == TARN_TYPE_STRUCT && t->field_count == n->child_count) {
        for (size_t i = 0; i < n->child_count; i++)
            leaf_types(&n->children[i], &t->fields[i].type, out, repeated, inside);
    } else if (n->child_count == 1 && n->children[0].child_count == t->field_count) {
        for (size_t i = 0; i < t->field_count; i++) /* list.element; key_value.key, .value */
            leaf_types(&n->children[0].children[i], &t->fields[i].type, out, repeated, true);
    }
}

struct stats {
    struct tarn__source *source;
    struct tarn__file *file;
    const struct tarn_type **types;
    bool *repeated;
};

/* False: not a bound that can be trusted. */
static bool bound_of(struct stats *s, const struct tarn_type *t, struct tarn_str text,
                     struct tarn_value *out)
{
    struct tarn_op *op = s->source->call->op;
    if (!text.ptr || t->kind == TARN_TYPE_BINARY || t->kind == TARN_TYPE_FIXED ||
        t->kind > TARN_TYPE_BINARY)
        return false;
    if (t->kind == TARN_TYPE_STRING) {
        bool escaped = false; /* bytes that are no text */
        for (size_t i = 0; i + 1 < text.len; i++)
            escaped = escaped || (text.ptr[i] == '\\' && text.ptr[i + 1] == 'x');
        *out = (struct tarn_value){.bytes = tarn_strdup(op, text)};
        return !escaped && out->bytes.ptr && tarn_utf8_valid(text);
    }
    struct tarn_str copy = tarn_strdup(op, text);
    if (!copy.ptr || tarn_value_from_text(op, t, copy, out) != TARN_OK) {
        if (op->report.status != TARN_NOMEM)
            tarn_clear(op);
        return false;
    }
    return out->d == out->d; /* no NaN */
}

static void add_bounds(struct stats *s, struct tarn__chunk *c, const struct tarn_type *t,
                       struct tarn_str min, struct tarn_str max, bool exact)
{
    struct tarn_value lower, upper;
    if (!bound_of(s, t, min, &lower) || !bound_of(s, t, max, &upper) ||
        tarn_value_cmp(t, &lower, &upper) > 0) {
        c->unbounded = true;
        return;
    }
    if (!c->bounded || tarn_value_cmp(t, &lower, &c->lower) < 0)
        c->lower = lower;
    if (!c->bounded || tarn_value_cmp(t, &upper, &c->upper) > 0)
        c->upper = upper;
    c->exact = exact && (!c->bounded || c->exact);
    c->bounded = true;
}

static enum tarn_status add_split(struct stats *s, struct tarn_op *op, int64_t offset)
{
    struct tarn__file *f = s->file;
    int64_t *grown;
    if (offset <= 0 || (f->split_count && f->splits[f->split_count - 1] >= offset))
        return TARN_OK;
    TARN_NEW_ARRAY(op, grown, f->split_count + 1);
    if (f->split_count)
        memcpy(grown, f->splits, f->split_count * sizeof *grown);
    grown[f->split_count++] = offset;
    f->splits = grown;
    return TARN_OK;
}

/* column, size, values, nulls, min, max, exact, first offset */
static enum tarn_status add_chunk(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                  size_t row)
{
    struct stats *s = ctx;
    int64_t column = tarn_cell_long(b, 0, row), nulls = tarn_cell_long(b, 3, row),
            values = tarn_cell_long(b, 2, row);
    if (column < 0 || (size_t)column >= s->file->shape->leaf_count || !s->types[column])
        return TARN_OK;
    struct tarn__chunk *c = &s->file->chunks[column];
    c->size_bytes += tarn_cell_long(b, 1, row);
    c->values += values;
    c->nulls = nulls < 0 || c->nulls < 0 ? -1 : c->nulls + nulls;
    if (column == 0)
        TARN_TRY(add_split(s, op, tarn_cell_long(b, 7, row)));
    if (!s->repeated[column] && nulls != values) /* a group of nulls has no bounds */
        add_bounds(s, c, s->types[column], tarn_cell_text(b, 4, row), tarn_cell_text(b, 5, row),
                   tarn_cell_long(b, 6, row) != 0);
    return op->report.status;
}

static enum tarn_status keep_rows(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                  size_t row)
{
    struct tarn__file *f = ctx;
    (void)op;
    f->rows = tarn_cell_long(b, 0, row);
    return TARN_OK;
}

static enum tarn_status read_rows(struct tarn__source *s, struct tarn__file *f)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, 1 << 20);
    tarn_buf_z(&sql, "SELECT num_rows::BIGINT FROM parquet_file_metadata(");
    tarn_engine_path_sql(&sql, f->local);
    tarn_buf_put(&sql, ')');
    return each_row(s, &sql, keep_rows, f);
}

static enum tarn_status read_stats(struct tarn__source *s, struct tarn__file *f)
{
    struct stats stats = {.source = s, .file = f};
    const struct tarn__shape *shape = f->shape;
    struct tarn_op *op = s->call->op;
    struct tarn_buf sql;
    TARN_NEW_ARRAY(op, stats.types, shape->leaf_count + 1);
    TARN_NEW_ARRAY(op, stats.repeated, shape->leaf_count + 1);
    TARN_NEW_ARRAY(op, f->chunks, shape->leaf_count + 1);
    for (size_t i = 0; i < shape->root.child_count; i++)
        leaf_types(&shape->root.children[i], &shape->type.fields[i].type, stats.types,
                   stats.repeated, false);
    tarn_buf_init(&sql, 1 << 20);
    tarn_buf_z(&sql, "SELECT column_id::BIGINT, total_compressed_size::BIGINT, num_values::BIGINT, "
                     "coalesce(stats_null_count, -1)::BIGINT, stats_min_value, stats_max_value, "
                     "(coalesce(min_is_exact, false) AND coalesce(max_is_exact, false))::BIGINT, "
                     "least(nullif(dictionary_page_offset, 0), data_page_offset)::BIGINT "
                     "FROM parquet_metadata(");
    tarn_engine_path_sql(&sql, f->local);
    tarn_buf_z(&sql, ") ORDER BY row_group_id, column_id");
    return each_row(s, &sql, add_chunk, &stats);
}

enum tarn_status tarn__footers_read(struct tarn__source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct tarn__file *f = &s->files[i];
        TARN_TRY(tarn_poll(s->call->op, 2));
        TARN_TRY_WHILE(s->call->op, shape_of(s, f), "reading \"%.*s\"", TARN_STR_ARG(f->path));
        TARN_TRY_WHILE(s->call->op, read_rows(s, f), "reading \"%.*s\"", TARN_STR_ARG(f->path));
        TARN_TRY_WHILE(s->call->op, read_stats(s, f), "reading \"%.*s\"", TARN_STR_ARG(f->path));
    }
    return TARN_OK;
}
