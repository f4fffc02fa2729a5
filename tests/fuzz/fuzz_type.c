/* room: format */
/* Types and values. The first byte says what the rest is: a type as people write it, a type as JSON, a transform, or a value of one of the
 * primitive types as text or bytes. What is taken prints as something that reads back as the same. */
#include "format/iceberg/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const TYPES[] = {
    "boolean",      "int",           "long",           "float",          "double",
    "decimal(9,2)", "decimal(38,0)", "decimal(38,38)", "date",           "time",
    "timestamp",    "timestamptz",   "timestamp_ns",   "timestamptz_ns", "string",
    "uuid",         "fixed[16]",     "binary"};
#define TYPE_COUNT (sizeof TYPES / sizeof TYPES[0])

static void type_text(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_type t, again;
    if (tarn_type_parse(op, text, &t) != TARN_OK)
        return;
    struct tarn_str out = tarn_type_text(op, &t);
    if (!out.ptr)
        return;
    TARN_ASSERT(tarn_type_parse(op, out, &again) == TARN_OK);
    TARN_ASSERT(tarn_type_same_shape(&t, &again));
}

static void type_json(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_type t, again;
    struct tarn_json *j;
    struct tarn_buf b;
    struct tarn_json_writer w;
    struct tarn_str out;
    if (tarn_json_parse(op, text, "fuzz", &j) != TARN_OK ||
        tarn_type_from_json(op, j, &t) != TARN_OK)
        return;
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn_json_writer_init(&w, &b);
    tarn_type_to_json(&w, &t);
    if (tarn_buf_take(op, &b, "type", &out) != TARN_OK)
        return;
    TARN_ASSERT(tarn_json_parse(op, out, "written", &j) == TARN_OK);
    TARN_ASSERT(tarn_type_from_json(op, j, &again) == TARN_OK);
    TARN_ASSERT(tarn_type_eq(&t, &again));
}

static void transform(struct tarn_op *op, struct tarn_str text)
{
    struct tarn_transform t, again;
    struct tarn_str column;
    (void)tarn_transform_parse_expr(op, text, &t, &column);
    if (tarn_transform_parse(op, text, &t) != TARN_OK)
        return;
    struct tarn_str out = tarn_transform_text(op, &t);
    TARN_ASSERT(tarn_transform_parse(op, out, &again) == TARN_OK);
    TARN_ASSERT(again.kind == t.kind && again.param == t.param);
}

static void check_bounds(struct tarn_op *op, const struct tarn_type *t, const struct tarn_value *v)
{
    struct tarn_str bytes;
    struct tarn_value bound;
    for (int32_t width = 1; width < 4; width++) {
        if (tarn_bound_lower(op, t, v, width, &bytes) == TARN_OK && bytes.ptr) {
            TARN_ASSERT(tarn_value_from_bytes(op, t, bytes, &bound) == TARN_OK);
            TARN_ASSERT(tarn_value_cmp(t, &bound, v) <= 0);
        }
        if (tarn_bound_upper(op, t, v, width, &bytes) == TARN_OK && bytes.ptr) {
            TARN_ASSERT(tarn_value_from_bytes(op, t, bytes, &bound) == TARN_OK);
            TARN_ASSERT(tarn_value_cmp(t, &bound, v) >= 0);
        }
    }
}

static void check_transforms(struct tarn_op *op, const struct tarn_type *t,
                             const struct tarn_value *v)
{
    for (int kind = 0; kind < (int)TARN_TRANSFORM_OTHER; kind++) {
        struct tarn_transform transform = {.kind = (enum tarn_transform_kind)kind, .param = 7};
        struct tarn_type result = tarn_transform_result(&transform, t);
        struct tarn_value out;
        if (!tarn_transform_accepts(&transform, t) ||
            tarn_transform_apply(op, &transform, t, v, &out) != TARN_OK)
            continue;
        TARN_ASSERT(out.is_null == (kind == TARN_TRANSFORM_VOID));
        TARN_ASSERT(kind != TARN_TRANSFORM_BUCKET || (out.i >= 0 && out.i < 7));
        if (kind == TARN_TRANSFORM_TRUNCATE)
            TARN_ASSERT(tarn_value_cmp(&result, &out, v) <= 0);
        (void)tarn_transform_human(op, &transform, t, &out);
    }
}

static void check_json(struct tarn_op *op, const struct tarn_type *t, const struct tarn_value *v)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    struct tarn_str out;
    struct tarn_json *j;
    struct tarn_value back;
    tarn_buf_init(&b, (size_t)16 << 20);
    tarn_json_writer_init(&w, &b);
    enum tarn_status status = tarn_value_to_json(&w, t, v);
    if (tarn_buf_take(op, &b, "value", &out) != TARN_OK || status != TARN_OK)
        return;
    TARN_ASSERT(tarn_json_parse(op, out, "written", &j) == TARN_OK);
    if (tarn_value_from_json(op, t, j, &back) == TARN_OK)
        TARN_ASSERT(tarn_value_cmp(t, v, &back) == 0);
}

static void value(struct tarn_op *op, const struct tarn_type *t, struct tarn_str in, bool as_text)
{
    struct tarn_value v, back;
    struct tarn_str out;
    if ((as_text ? tarn_value_from_text(op, t, in, &v) : tarn_value_from_bytes(op, t, in, &v)) !=
        TARN_OK)
        return;
    TARN_ASSERT(tarn_value_eq(t, &v, &v));
    if (tarn_value_to_bytes(op, t, &v, &out) == TARN_OK) {
        TARN_ASSERT(tarn_value_from_bytes(op, t, out, &back) == TARN_OK);
        TARN_ASSERT(tarn_value_cmp(t, &v, &back) == 0);
    }
    if (as_text) {
        struct tarn_str text = tarn_value_text(op, t, &v);
        TARN_ASSERT(!text.ptr || tarn_value_from_text(op, t, text, &back) == TARN_OK);
        TARN_ASSERT(!text.ptr || tarn_value_cmp(t, &v, &back) == 0);
    } else {
        (void)tarn_value_text(op, t, &v);
    }
    check_bounds(op, t, &v);
    check_transforms(op, t, &v);
    check_json(op, t, &v);
}

static void run(struct tarn_op *op, uint8_t what, struct tarn_str rest)
{
    struct tarn_type t;
    if (what == 0 || what == ' ')
        type_text(op, rest);
    else if (what == 1 || what == 'j')
        type_json(op, rest);
    else if (what == 2 || what == 't')
        transform(op, rest);
    else if (tarn_type_parse(op, tarn_str_view(TYPES[(what >> 1) % TYPE_COUNT]), &t) == TARN_OK)
        value(op, &t, rest, what & 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size == 0)
        return 0;
    if (tarn_op_init(&op, (size_t)64 << 20, (size_t)16 << 20) == TARN_OK)
        run(&op, data[0], tarn_str_of(data + 1, size - 1));
    tarn_op_release(&op);
    return 0;
}
