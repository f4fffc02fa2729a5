/* rows: small sets of rows made in memory (ledger, dead letters), handed to an engine as a
 * producer. */
#include <stdlib.h>

#include "flow/flow.h"

#define BATCH_ROWS 8192

struct tarn_rows {
    struct tarn_producer producer; /* first: next() gets it back */
    struct tarn_value *values;     /* row by row */
    size_t count, cap, handed_out;
    struct tarn_column *columns;
};

/* Memory of one batch comes from the puller's op; it is asked for once a batch. */
static enum tarn_status build_column(struct tarn_op *op, const struct tarn_rows *rows,
                                     size_t column, size_t n, struct tarn_column *c)
{
    const struct tarn_type *t = &rows->producer.schema->fields[column].type;
    size_t width = rows->producer.schema->field_count, bytes = 0;
    const struct tarn_value *v = &rows->values[rows->handed_out * width + column];
    *c = (struct tarn_column){.type = t, .length = n};
    TARN_NEW_ARRAY(op, c->validity, (n + 63) / 64);
    for (size_t i = 0; i < n; i++) {
        bool null = v[i * width].is_null;
        c->null_count += null;
        c->validity[i >> 6] |= (uint64_t)!null << (i & 63);
        bytes += null ? 0 : v[i * width].bytes.len;
    }
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN: {
        uint8_t *data = c->data = tarn_alloc_array(op, n, 1);
        for (size_t i = 0; data && i < n; i++)
            data[i] = v[i * width].i != 0;
        break;
    }
    case TARN_TYPE_LONG:
    case TARN_TYPE_TIMESTAMPTZ: {
        int64_t *data = c->data = tarn_alloc_array(op, n, sizeof *data);
        for (size_t i = 0; data && i < n; i++)
            data[i] = v[i * width].is_null ? 0 : v[i * width].i;
        break;
    }
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY: {
        if (bytes >= UINT32_MAX)
            return tarn_fail(op, TARN_LIMIT, "texts of one batch are larger than 4 GiB");
        TARN_NEW_ARRAY(op, c->offsets, n + 1);
        c->data = c->bytes = tarn_alloc(op, bytes + 1);
        for (size_t i = 0; c->bytes && i < n; i++) {
            struct tarn_str s = v[i * width].is_null ? TARN_STR("") : v[i * width].bytes;
            if (s.len)
                memcpy(c->bytes + c->offsets[i], s.ptr, s.len);
            c->offsets[i + 1] = c->offsets[i] + (uint32_t)s.len;
        }
        break;
    }
    default:
        return tarn_fail(op, TARN_INTERNAL, "rows in memory cannot hold type %d", (int)t->kind);
    }
    return c->data ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status next(struct tarn_producer *self, struct tarn_op *op, int worker,
                             struct tarn_batch *out)
{
    struct tarn_rows *rows = (struct tarn_rows *)self;
    size_t n = rows->count - rows->handed_out;
    TARN_ASSERT(worker == 0);
    if (n > BATCH_ROWS)
        n = BATCH_ROWS;
    *out = (struct tarn_batch){.rows = n, .columns = rows->columns};
    out->column_count = self->schema->field_count;
    for (size_t i = 0; n && i < out->column_count; i++)
        TARN_TRY(build_column(op, rows, i, n, &rows->columns[i]));
    rows->handed_out += n;
    return TARN_OK;
}

enum tarn_status tarn_rows_new(struct tarn_op *op, const struct tarn_type *type,
                               struct tarn_rows **out)
{
    struct tarn_rows *rows;
    TARN_NEW(op, rows);
    TARN_NEW_ARRAY(op, rows->columns, type->field_count);
    rows->producer = (struct tarn_producer){.schema = type, .workers_max = 1, .next = next};
    *out = rows;
    return TARN_OK;
}

enum tarn_status tarn_rows_add(struct tarn_rows *rows, struct tarn_op *op,
                               const struct tarn_value *values)
{
    size_t width = rows->producer.schema->field_count;
    if (rows->count == rows->cap) {
        size_t cap = rows->cap ? rows->cap * 2 : 64;
        struct tarn_value *grown;
        TARN_NEW_ARRAY(op, grown, cap * width);
        if (rows->count)
            memcpy(grown, rows->values, rows->count * width * sizeof *grown);
        rows->values = grown;
        rows->cap = cap;
    }
    memcpy(&rows->values[rows->count++ * width], values, width * sizeof *values);
    rows->producer.rows_estimate = (int64_t)rows->count;
    return TARN_OK;
}

size_t tarn_rows_count(const struct tarn_rows *rows)
{
    return rows->count;
}

struct tarn_producer *tarn_rows_producer(struct tarn_rows *rows)
{
    return &rows->producer;
}
