/* room: format */
/* Values of every primitive type out of bytes (bounds, partition tuples), JSON (defaults) and text
 * (statistics, folders): what is taken is given back, and comes out of it as the same value. The first
 * byte picks the type, the second where the rest is read from. */
#include "format/iceberg/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct tarn_type types[] = {
    {.kind = TARN_TYPE_BOOLEAN},
    {.kind = TARN_TYPE_INT},
    {.kind = TARN_TYPE_LONG},
    {.kind = TARN_TYPE_FLOAT},
    {.kind = TARN_TYPE_DOUBLE},
    {.kind = TARN_TYPE_DATE},
    {.kind = TARN_TYPE_TIME},
    {.kind = TARN_TYPE_TIMESTAMP},
    {.kind = TARN_TYPE_TIMESTAMPTZ},
    {.kind = TARN_TYPE_TIMESTAMP_NS},
    {.kind = TARN_TYPE_TIMESTAMPTZ_NS},
    {.kind = TARN_TYPE_STRING},
    {.kind = TARN_TYPE_UUID},
    {.kind = TARN_TYPE_FIXED, .length = 5},
    {.kind = TARN_TYPE_BINARY},
    {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2},
    {.kind = TARN_TYPE_DECIMAL, .precision = 38, .scale = 10},
};

static void through_bytes(struct tarn_op *op, const struct tarn_type *t, const struct tarn_value *v)
{
    struct tarn_value again;
    struct tarn_str bytes;
    if (tarn_value_to_bytes(op, t, v, &bytes) != TARN_OK)
        return;
    enum tarn_status status = tarn_value_from_bytes(op, t, bytes, &again);
    TARN_ASSERT(status == TARN_NOMEM || (status == TARN_OK && tarn_value_eq(t, v, &again)));
}

static void through_json(struct tarn_op *op, const struct tarn_type *t, const struct tarn_value *v)
{
    struct tarn_json_writer w;
    struct tarn_value again;
    struct tarn_json *j;
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_json_writer_init(&w, &b);
    if (tarn_value_to_json(&w, t, v) == TARN_OK && !b.failed &&
        tarn_json_parse(op, tarn_buf_view(&b), "written", &j) != TARN_NOMEM) {
        enum tarn_status status = tarn_value_from_json(op, t, j, &again);
        TARN_ASSERT(status == TARN_NOMEM || (status == TARN_OK && tarn_value_eq(t, v, &again)));
    }
    tarn_buf_release(&b);
}

static void through_text(struct tarn_op *op, const struct tarn_type *t, const struct tarn_value *v)
{
    struct tarn_value again;
    struct tarn_str text = tarn_value_text(op, t, v);
    if (text.ptr && tarn_value_from_text(op, t, text, &again) == TARN_OK)
        TARN_ASSERT(tarn_value_eq(t, v, &again));
}

static enum tarn_status read(struct tarn_op *op, const struct tarn_type *t, unsigned how,
                             struct tarn_str in, struct tarn_value *out)
{
    struct tarn_json *j;
    if (how == 0)
        return tarn_value_from_bytes(op, t, in, out);
    if (how == 1)
        return tarn_value_from_text(op, t, in, out);
    TARN_TRY(tarn_json_parse(op, in, "fuzz", &j));
    return tarn_value_from_json(op, t, j, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_value v = {0};
    if (size < 2 || tarn_op_init(&op, (size_t)16 << 20, (size_t)4 << 20) != TARN_OK)
        return 0;
    const struct tarn_type *t = &types[data[0] % (sizeof types / sizeof *types)];
    if (read(&op, t, data[1] % 3u, tarn_str_of(data + 2, size - 2), &v) == TARN_OK && !v.is_null) {
        TARN_ASSERT(tarn_value_cmp(t, &v, &v) == 0 && tarn_value_eq(t, &v, &v));
        through_bytes(&op, t, &v);
        if (data[1] % 3u != 0) { /* bounds may be cut, and beyond what the type holds */
            through_json(&op, t, &v);
            through_text(&op, t, &v);
        }
    }
    tarn_op_release(&op);
    return 0;
}
