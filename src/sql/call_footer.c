/* call_footer: what the footers of Parquet files say: their schemas and statistics.
 *
 * Types are the engine's, for it will read the files; what it cannot tell of them (the algorithm of a
 * geography, nanoseconds in UTC) is put right out of the footer. What cannot be read for sure is no
 * bound: a missing bound costs time, a wrong one loses rows.
 */
#include <string.h>

#include "format/parquet/footer.h"
#include "format/parquet/statistic.h"
#include "sql/call_files_int.h"

#define DEPTH_MAX TARN_PARQUET_NESTING_LIMIT

/* ---- schemas */

struct reading {
    struct tarn__source *source;
    struct tarn__file *file;
    struct tarn_parquet_footer footer;
    struct tarn_buf text; /* of the whole schema, to know one that was seen */
    size_t at;            /* in the footer's elements */
    struct tarn__shape *shape;
};

/* In memory of its own: of many files only what stands in the shapes is kept. */
static enum tarn_status read_footer(struct reading *r, struct tarn_op *op)
{
    struct tarn_storage *storage = r->source->call->run->sql->env->flow.lake->storage;
    uint64_t size = (uint64_t)r->file->size_bytes;
    struct tarn_str tail = {"", 0}, bytes;
    size_t n;
    if (size >= TARN_PARQUET_TAIL)
        TARN_TRY(tarn_storage_read_range(storage, op, r->file->path, size - TARN_PARQUET_TAIL,
                                         TARN_PARQUET_TAIL, &tail));
    TARN_TRY(tarn_parquet_tail(op, tail, size, &n));
    TARN_TRY(tarn_storage_read_range(storage, op, r->file->path, size - TARN_PARQUET_TAIL - n, n,
                                     &bytes));
    return tarn_parquet_footer_read(op, bytes, &r->footer);
}

/* All that tells two schemas apart. */
static void put_text(struct reading *r)
{
    for (size_t i = 0; i < r->footer.element_count; i++) {
        const struct tarn_parquet_element *e = &r->footer.elements[i];
        tarn_buf_printf(&r->text, "%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%d|%zu:", e->physical,
                        e->length, e->repetition, e->children, e->field_id, e->converted, e->scale,
                        e->precision, e->logical, e->unit, e->utc, e->is_unsigned, e->algorithm,
                        e->crs.len);
        tarn_buf_str(&r->text, e->crs);
        tarn_buf_printf(&r->text, "|%zu:", e->name.len);
        tarn_buf_str(&r->text, e->name);
    }
}

static enum tarn_status broken(struct reading *r)
{
    return tarn_fail(r->source->call->op, TARN_CORRUPT, "the schema of \"%.*s\" cannot be read",
                     TARN_STR_ARG(r->file->path));
}

static enum tarn_status build_node(struct reading *r, int depth, struct tarn__node *out)
{
    if (r->at >= r->footer.element_count || depth > DEPTH_MAX)
        return broken(r);
    const struct tarn_parquet_element *e = &r->footer.elements[r->at++];
    int32_t id = e->field_id > 0 ? e->field_id : 0;
    *out = (struct tarn__node){.name = tarn_strdup(r->source->call->op, e->name),
                               .id = id,
                               .optional = e->repetition != TARN_PARQUET_REQUIRED,
                               .length = e->length,
                               .child_count = (size_t)e->children};
    if (!out->name.ptr)
        return TARN_NOMEM;
    if (depth > 0 && e->children == 0)
        out->leaf = r->shape->leaf_count++;
    if (depth == 1) {
        r->shape->any_id = r->shape->any_id || id > 0;
        r->shape->any_without = r->shape->any_without || id == 0;
    }
    r->shape->nested = r->shape->nested || (depth > 0 && e->children > 0);
    TARN_NEW_ARRAY(r->source->call->op, out->children, out->child_count + 1);
    for (size_t i = 0; i < out->child_count; i++)
        TARN_TRY(build_node(r, depth + 1, &out->children[i]));
    return TARN_OK;
}

/* Types of leaves in the order of the tree; NULL where tree and type do not go together. */
static void leaf_types(const struct tarn__node *n, struct tarn_type *t, struct tarn_type **out,
                       bool *repeated, bool inside)
{
    if (n->child_count == 0) {
        out[n->leaf] = tarn_type_is_nested(t) ? NULL : t;
        repeated[n->leaf] = inside;
        return;
    }
    if (t->kind == TARN_TYPE_STRUCT && t->field_count == n->child_count) {
        for (size_t i = 0; i < n->child_count; i++)
            leaf_types(&n->children[i], &t->fields[i].type, out, repeated, inside);
    } else if (tarn_type_is_nested(t) && n->child_count == 1 &&
               n->children[0].child_count == t->field_count) {
        for (size_t i = 0; i < t->field_count; i++) /* list.element; key_value.key, .value */
            leaf_types(&n->children[0].children[i], &t->fields[i].type, out, repeated, true);
    }
}

struct leaves {
    struct tarn_type **types;
    bool *repeated;
};

static enum tarn_status find_leaves(struct tarn_op *op, const struct tarn__shape *shape,
                                    struct leaves *out)
{
    TARN_NEW_ARRAY(op, out->types, shape->leaf_count + 1);
    TARN_NEW_ARRAY(op, out->repeated, shape->leaf_count + 1);
    for (size_t i = 0; i < shape->root.child_count; i++)
        leaf_types(&shape->root.children[i], &shape->type.fields[i].type, out->types, out->repeated,
                   false);
    return TARN_OK;
}

/* What the engine's types leave out. */
static enum tarn_status put_right(struct reading *r)
{
    struct leaves l;
    TARN_TRY(find_leaves(r->source->call->op, r->shape, &l));
    for (size_t i = 0; i < r->shape->leaf_count; i++)
        if (l.types[i])
            TARN_TRY(tarn_parquet_type_refine(
                r->source->call->op, &r->footer.elements[r->footer.leaves[i]], l.types[i]));
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
        return put_right(r);
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
    if (r->at != r->footer.element_count || r->shape->leaf_count != r->footer.leaf_count)
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

static enum tarn_status shape_of(struct reading *r)
{
    struct tarn__source *s = r->source;
    put_text(r);
    TARN_TRY((enum tarn_status)tarn_buf_finish(s->call->op, &r->text, "a file's schema"));
    for (size_t i = 0; !r->shape && i < s->shape_count; i++)
        if (tarn_str_eq(s->shapes[i]->text, tarn_buf_view(&r->text)))
            r->shape = s->shapes[i];
    return r->shape ? TARN_OK : new_shape(r);
}

/* ---- statistics */

struct stats {
    struct tarn__source *source;
    struct tarn__file *file;
    const struct tarn_parquet_footer *footer;
    struct leaves leaves;
};

static enum tarn_status add_bounds(struct stats *s, struct tarn__chunk *c, size_t leaf,
                                   const struct tarn_parquet_chunk *from)
{
    const struct tarn_type *t = s->leaves.types[leaf];
    struct tarn_parquet_bounds b;
    TARN_TRY(tarn_parquet_chunk_bounds(s->source->call->op, s->footer, leaf, from, t, &b));
    if (!b.known) {
        c->unbounded = true;
        return TARN_OK;
    }
    if (!c->bounded || tarn_value_cmp(t, &b.lower, &c->lower) < 0)
        c->lower = b.lower;
    if (!c->bounded || tarn_value_cmp(t, &b.upper, &c->upper) > 0)
        c->upper = b.upper;
    c->exact = b.exact && (!c->bounded || c->exact);
    c->bounded = true;
    return TARN_OK;
}

static enum tarn_status add_split(struct tarn_op *op, struct tarn__file *f, int64_t offset)
{
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

static enum tarn_status add_chunk(struct stats *s, size_t leaf,
                                  const struct tarn_parquet_chunk *from)
{
    struct tarn__chunk *c = &s->file->chunks[leaf];
    if (from->elsewhere)
        return tarn_fail(s->source->call->op, TARN_UNSUPPORTED,
                         "a column of \"%.*s\" lies in another file, or is encrypted",
                         TARN_STR_ARG(s->file->path));
    if (!s->leaves.types[leaf])
        return TARN_OK;
    c->size_bytes += from->size_bytes;
    c->values += from->values;
    c->nulls = from->nulls < 0 || c->nulls < 0 ? -1 : c->nulls + from->nulls;
    if (s->leaves.repeated[leaf] || from->nulls == from->values) /* only nulls: no bounds */
        return TARN_OK;
    return add_bounds(s, c, leaf, from);
}

static enum tarn_status read_stats(struct reading *r)
{
    struct tarn__file *f = r->file;
    struct tarn_op *op = r->source->call->op;
    struct stats s = {.source = r->source, .file = f, .footer = &r->footer};
    f->rows = r->footer.rows;
    TARN_TRY(find_leaves(op, f->shape, &s.leaves));
    TARN_NEW_ARRAY(op, f->chunks, r->footer.leaf_count + 1);
    for (size_t g = 0; g < r->footer.group_count; g++) {
        const struct tarn_parquet_chunk *chunks = r->footer.groups[g].chunks;
        for (size_t i = 0; i < r->footer.leaf_count; i++)
            TARN_TRY(add_chunk(&s, i, &chunks[i]));
        if (r->footer.leaf_count > 0)
            TARN_TRY(add_split(op, f,
                               chunks[0].dictionary_page > 0 &&
                                       chunks[0].dictionary_page < chunks[0].data_page
                                   ? chunks[0].dictionary_page
                                   : chunks[0].data_page));
    }
    return TARN_OK;
}

static enum tarn_status read_known(struct reading *r)
{
    tarn_buf_init(&r->text, (size_t)64 << 20);
    enum tarn_status status = shape_of(r);
    tarn_buf_release(&r->text);
    TARN_TRY(status);
    r->file->shape = r->shape;
    return read_stats(r);
}

static enum tarn_status read_file(struct tarn__source *s, struct tarn__file *f)
{
    struct reading r = {.source = s, .file = f};
    struct tarn_op own, *op = s->call->op;
    TARN_TRY(tarn_op_child(op, &own));
    enum tarn_status status = read_footer(&r, &own);
    if (status != TARN_OK)
        status = tarn_op_adopt(op, &own);
    else
        status = read_known(&r);
    tarn_op_release(&own);
    return status;
}

enum tarn_status tarn__footers_read(struct tarn__source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct tarn__file *f = &s->files[i];
        TARN_TRY(tarn_poll(s->call->op, 2));
        TARN_TRY_WHILE(s->call->op, read_file(s, f), "reading \"%.*s\"", TARN_STR_ARG(f->path));
    }
    return TARN_OK;
}
