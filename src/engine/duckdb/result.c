/* result: rows of an engine chunk as columns in Arrow's layout.
 *
 * A vector is read through a selection of row numbers, so that a list's children, which may lie
 * anywhere in the child vector, come out packed. NO_ROW in a selection is a null. Values under
 * nulls are zero.
 */
#include "engine/duckdb/engine_int.h"

#define NO_ROW UINT64_MAX

struct read {
    struct tarn_op *op;
    struct tarn_arena *arena;
};

static void *take(const struct read *r, size_t count, size_t size)
{
    void *p = size > 0 && count > (SIZE_MAX - 16) / size
                  ? NULL
                  : tarn_arena_alloc(r->arena, count * size + 16);
    if (!p)
        (void)tarn_fail(r->op, TARN_NOMEM, "could not hold a batch of the result: out of memory");
    return p;
}

static bool valid_at(const uint64_t *validity, uint64_t row)
{
    return row != NO_ROW && (!validity || (validity[row >> 6] >> (row & 63) & 1));
}

/* sel[i] becomes NO_ROW where the row is null; the column's bits are set to match. */
static enum tarn_status read_validity(const struct read *r, duckdb_vector v, uint64_t *sel,
                                      struct tarn_column *c)
{
    const uint64_t *validity = duckdb_vector_get_validity(v);
    c->null_count = 0;
    for (size_t i = 0; i < c->length; i++) {
        if (valid_at(validity, sel[i]))
            continue;
        sel[i] = NO_ROW;
        c->null_count++;
    }
    if (c->null_count == 0)
        return TARN_OK;
    c->validity = take(r, (c->length + 63) / 64, sizeof *c->validity);
    if (!c->validity)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++)
        if (sel[i] != NO_ROW)
            c->validity[i >> 6] |= (uint64_t)1 << (i & 63);
    return TARN_OK;
}

/* ---- fixed widths */

#define COPY_AS(to, from, expr)                      \
    do {                                             \
        const from *src = duckdb_vector_get_data(v); \
        to *dst = take(r, c->length, sizeof *dst);   \
        if (!dst)                                    \
            return TARN_NOMEM;                       \
        for (size_t i = 0; i < c->length; i++) {     \
            if (sel[i] == NO_ROW)                    \
                continue;                            \
            from x = src[sel[i]];                    \
            dst[i] = (to)(expr);                     \
        }                                            \
        c->data = dst;                               \
        return TARN_OK;                              \
    } while (0)

static __int128 from_hugeint(duckdb_hugeint h)
{
    return (__int128)(((unsigned __int128)(uint64_t)h.upper << 64) | h.lower);
}

static enum tarn_status read_decimal(const struct read *r, duckdb_vector v, const uint64_t *sel,
                                     struct tarn_column *c, duckdb_type storage)
{
    switch (storage) {
    case DUCKDB_TYPE_SMALLINT:
        COPY_AS(__int128, int16_t, x);
    case DUCKDB_TYPE_INTEGER:
        COPY_AS(__int128, int32_t, x);
    case DUCKDB_TYPE_BIGINT:
        COPY_AS(__int128, int64_t, x);
    default:
        COPY_AS(__int128, duckdb_hugeint, from_hugeint(x));
    }
}

/* hugeint holds a little more than 38 digits. */
static enum tarn_status read_hugeint(const struct read *r, duckdb_vector v, const uint64_t *sel,
                                     struct tarn_column *c)
{
    const duckdb_hugeint *src = duckdb_vector_get_data(v);
    __int128 *dst = take(r, c->length, sizeof *dst);
    __int128 max = 1;
    for (int i = 0; i < 38; i++)
        max *= 10;
    if (!dst)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++) {
        if (sel[i] == NO_ROW)
            continue;
        dst[i] = from_hugeint(src[sel[i]]);
        if (dst[i] >= max || dst[i] <= -max)
            return tarn_fail(r->op, TARN_DATA,
                             "a whole number of the result has more than 38 digits");
    }
    c->data = dst;
    return TARN_OK;
}

static enum tarn_status read_seconds(const struct read *r, duckdb_vector v, const uint64_t *sel,
                                     struct tarn_column *c, int64_t factor)
{
    const int64_t *src = duckdb_vector_get_data(v);
    int64_t *dst = take(r, c->length, sizeof *dst);
    if (!dst)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++)
        if (sel[i] != NO_ROW && __builtin_mul_overflow(src[sel[i]], factor, &dst[i]))
            return tarn_fail(r->op, TARN_DATA,
                             "a timestamp of the result does not fit microseconds");
    c->data = dst;
    return TARN_OK;
}

/* The engine keeps a UUID as a number with its highest bit turned, so that numbers sort as texts
 * do. */
static enum tarn_status read_uuid(const struct read *r, duckdb_vector v, const uint64_t *sel,
                                  struct tarn_column *c)
{
    const duckdb_hugeint *src = duckdb_vector_get_data(v);
    uint64_t *dst = take(r, c->length, 16);
    if (!dst)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++) {
        if (sel[i] == NO_ROW)
            continue;
        duckdb_hugeint h = src[sel[i]];
        dst[2 * i] = __builtin_bswap64((uint64_t)h.upper ^ (uint64_t)1 << 63);
        dst[2 * i + 1] = __builtin_bswap64(h.lower);
    }
    c->data = dst;
    return TARN_OK;
}

/* ---- texts */

static enum tarn_status read_text(const struct read *r, duckdb_vector v, const uint64_t *sel,
                                  struct tarn_column *c)
{
    duckdb_string_t *src = duckdb_vector_get_data(v);
    uint64_t total = 0;
    c->offsets = take(r, c->length + 1, sizeof *c->offsets);
    if (!c->offsets)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++) {
        c->offsets[i] = (uint32_t)total;
        if (sel[i] != NO_ROW)
            total += duckdb_string_t_length(src[sel[i]]);
        if (total > UINT32_MAX)
            return tarn_fail(r->op, TARN_LIMIT,
                             "a batch of the result holds more than 4 GiB of text");
    }
    c->offsets[c->length] = (uint32_t)total;
    c->bytes = take(r, (size_t)total, 1);
    if (!c->bytes)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++)
        if (sel[i] != NO_ROW)
            memcpy(c->bytes + c->offsets[i], duckdb_string_t_data(&src[sel[i]]),
                   c->offsets[i + 1] - c->offsets[i]);
    return TARN_OK;
}

/* ---- nested */

static enum tarn_status read_column(const struct read *r, duckdb_vector v,
                                    const struct tarn__shape *shape, const struct tarn_type *type,
                                    uint64_t *sel, size_t n, struct tarn_column *c);

static enum tarn_status read_struct(const struct read *r, duckdb_vector v,
                                    const struct tarn__shape *shape, const uint64_t *sel,
                                    struct tarn_column *c)
{
    uint64_t *own = take(r, c->length, sizeof *own);
    if (!own)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->child_count; i++) {
        if (c->length > 0)
            memcpy(own, sel, c->length * sizeof *own);
        TARN_TRY(read_column(r, duckdb_struct_vector_get_child(v, i), &shape->children[i],
                             &c->type->fields[i].type, own, c->length, &c->children[i]));
    }
    return TARN_OK;
}

/* A map's vector is a list of structs of key and value. */
static enum tarn_status read_list(const struct read *r, duckdb_vector v,
                                  const struct tarn__shape *shape, const uint64_t *sel,
                                  struct tarn_column *c)
{
    const duckdb_list_entry *entries = duckdb_vector_get_data(v);
    uint64_t total = 0, at = 0;
    c->offsets = take(r, c->length + 1, sizeof *c->offsets);
    if (!c->offsets)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++) {
        c->offsets[i] = (uint32_t)total;
        total += sel[i] != NO_ROW ? entries[sel[i]].length : 0;
        if (total > UINT32_MAX)
            return tarn_fail(r->op, TARN_LIMIT,
                             "a batch of the result holds more than 4 Gi list elements");
    }
    c->offsets[c->length] = (uint32_t)total;
    uint64_t *child = take(r, (size_t)total, sizeof *child),
             *own = take(r, (size_t)total, sizeof *own);
    if (!child || !own)
        return TARN_NOMEM;
    for (size_t i = 0; i < c->length; i++)
        for (uint64_t k = 0; sel[i] != NO_ROW && k < entries[sel[i]].length; k++)
            child[at++] = entries[sel[i]].offset + k;
    duckdb_vector below = duckdb_list_vector_get_child(v);
    for (size_t i = 0; i < c->child_count; i++) {
        duckdb_vector from =
            shape->id == DUCKDB_TYPE_MAP ? duckdb_struct_vector_get_child(below, i) : below;
        if (total > 0)
            memcpy(own, child, (size_t)total * sizeof *own);
        TARN_TRY(read_column(r, from, &shape->children[i], &c->type->fields[i].type, own,
                             (size_t)total, &c->children[i]));
    }
    return TARN_OK;
}

static enum tarn_status read_nested(const struct read *r, duckdb_vector v,
                                    const struct tarn__shape *shape, const uint64_t *sel,
                                    struct tarn_column *c)
{
    c->child_count = shape->child_count;
    c->children = take(r, c->child_count, sizeof *c->children);
    if (!c->children)
        return TARN_NOMEM;
    return shape->id == DUCKDB_TYPE_STRUCT ? read_struct(r, v, shape, sel, c)
                                           : read_list(r, v, shape, sel, c);
}

static enum tarn_status read_values(const struct read *r, duckdb_vector v,
                                    const struct tarn__shape *shape, const uint64_t *sel,
                                    struct tarn_column *c)
{
    switch (shape->id) {
    case DUCKDB_TYPE_BOOLEAN:
        COPY_AS(uint8_t, bool, x);
    case DUCKDB_TYPE_TINYINT:
        COPY_AS(int32_t, int8_t, x);
    case DUCKDB_TYPE_SMALLINT:
        COPY_AS(int32_t, int16_t, x);
    case DUCKDB_TYPE_UTINYINT:
        COPY_AS(int32_t, uint8_t, x);
    case DUCKDB_TYPE_USMALLINT:
        COPY_AS(int32_t, uint16_t, x);
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_DATE:
        COPY_AS(int32_t, int32_t, x);
    case DUCKDB_TYPE_UINTEGER:
        COPY_AS(int64_t, uint32_t, x);
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_TIMESTAMP_NS:
        COPY_AS(int64_t, int64_t, x);
    case DUCKDB_TYPE_TIMESTAMP_S:
        return read_seconds(r, v, sel, c, 1000000);
    case DUCKDB_TYPE_TIMESTAMP_MS:
        return read_seconds(r, v, sel, c, 1000);
    case DUCKDB_TYPE_UBIGINT:
        COPY_AS(__int128, uint64_t, x);
    case DUCKDB_TYPE_HUGEINT:
        return read_hugeint(r, v, sel, c);
    case DUCKDB_TYPE_DECIMAL:
        return read_decimal(r, v, sel, c, shape->storage);
    case DUCKDB_TYPE_FLOAT:
        COPY_AS(float, float, x);
    case DUCKDB_TYPE_DOUBLE:
        COPY_AS(double, double, x);
    case DUCKDB_TYPE_UUID:
        return read_uuid(r, v, sel, c);
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
        return read_text(r, v, sel, c);
    case DUCKDB_TYPE_SQLNULL:
        return TARN_OK;
    case DUCKDB_TYPE_VARIANT:
    case DUCKDB_TYPE_GEOMETRY:
        return tarn_fail(r->op, TARN_INTERNAL,
                         "a statement of Tarn's own returns a value that was not cast to text");
    default:
        return read_nested(r, v, shape, sel, c);
    }
}

static enum tarn_status read_column(const struct read *r, duckdb_vector v,
                                    const struct tarn__shape *shape, const struct tarn_type *type,
                                    uint64_t *sel, size_t n, struct tarn_column *c)
{
    *c = (struct tarn_column){.type = type, .length = n};
    if (shape->id == DUCKDB_TYPE_SQLNULL)
        for (size_t i = 0; i < n; i++)
            sel[i] = NO_ROW;
    TARN_TRY(read_validity(r, v, sel, c));
    return read_values(r, v, shape, sel, c);
}

enum tarn_status tarn__vector_column(struct tarn_op *op, duckdb_vector v,
                                     const struct tarn__shape *shape, const struct tarn_type *type,
                                     size_t n, struct tarn_column *out)
{
    struct read r = {.op = op, .arena = op->arena};
    uint64_t *sel = take(&r, n, sizeof *sel);
    if (!sel)
        return TARN_NOMEM;
    for (size_t i = 0; i < n; i++)
        sel[i] = i;
    return read_column(&r, v, shape, type, sel, n, out);
}

enum tarn_status tarn__chunk_columns(struct tarn_op *op, struct tarn_arena *arena,
                                     duckdb_data_chunk chunk, const struct tarn__shape *shapes,
                                     const struct tarn_type *root, struct tarn_batch *out)
{
    struct read r = {.op = op, .arena = arena};
    size_t n = (size_t)duckdb_data_chunk_get_size(chunk);
    *out = (struct tarn_batch){.rows = n, .column_count = root->field_count};
    out->columns = take(&r, root->field_count, sizeof *out->columns);
    uint64_t *sel = take(&r, n, sizeof *sel);
    if (!out->columns || !sel)
        return TARN_NOMEM;
    for (size_t i = 0; i < root->field_count; i++) {
        for (size_t k = 0; k < n; k++)
            sel[k] = k;
        TARN_TRY(read_column(&r, duckdb_data_chunk_get_vector(chunk, i), &shapes[i],
                             &root->fields[i].type, sel, n, &out->columns[i]));
    }
    return TARN_OK;
}

/* ---- whole results */

static enum tarn_status shapes_of(struct tarn_op *op, duckdb_result *r, struct tarn__shape **shapes,
                                  struct tarn_type *root)
{
    size_t n = (size_t)duckdb_column_count(r);
    *root = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .field_count = n};
    TARN_NEW_ARRAY(op, *shapes, n);
    TARN_NEW_ARRAY(op, root->fields, n);
    for (size_t i = 0; i < n; i++) {
        duckdb_logical_type t = duckdb_column_logical_type(r, i);
        enum tarn_status status = tarn__shape_of(op, t, &(*shapes)[i], &root->fields[i].type);
        duckdb_destroy_logical_type(&t);
        TARN_TRY(status);
        root->fields[i].name = tarn_strdup(op, tarn_str_view(duckdb_column_name(r, i)));
        if (!root->fields[i].name.ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

enum tarn_status tarn__rows_of(struct tarn_op *op, duckdb_result *r, struct tarn__rows *out)
{
    struct tarn__shape *shapes;
    size_t cap = 0;
    *out = (struct tarn__rows){0};
    TARN_TRY(shapes_of(op, r, &shapes, &out->type));
    for (;;) {
        duckdb_data_chunk chunk = duckdb_fetch_chunk(*r);
        if (!chunk)
            return TARN_OK;
        if (out->batch_count == cap) {
            struct tarn_batch *more = tarn_alloc_array(op, cap ? cap * 2 : 4, sizeof *more);
            if (!more) {
                duckdb_destroy_data_chunk(&chunk);
                return TARN_NOMEM;
            }
            if (cap > 0)
                memcpy(more, out->batches, cap * sizeof *more);
            out->batches = more;
            cap = cap ? cap * 2 : 4;
        }
        struct tarn_batch *batch = &out->batches[out->batch_count];
        enum tarn_status status =
            tarn__chunk_columns(op, op->arena, chunk, shapes, &out->type, batch);
        duckdb_destroy_data_chunk(&chunk);
        TARN_TRY(status);
        out->rows += batch->rows;
        out->batch_count += batch->rows > 0;
    }
}
