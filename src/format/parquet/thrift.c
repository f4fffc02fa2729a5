/* thrift: Thrift's compact protocol (thrift.h). */
#include "format/parquet/thrift.h"

#define VARINT_BYTES_MAX 10

static void fail(struct tarn_thrift *t)
{
    t->failed = true;
    t->at = t->end;
}

static size_t left(const struct tarn_thrift *t)
{
    return (size_t)(t->end - t->at);
}

static unsigned char byte(struct tarn_thrift *t)
{
    if (t->at == t->end) {
        fail(t);
        return 0;
    }
    return *t->at++;
}

static uint64_t varint(struct tarn_thrift *t)
{
    uint64_t value = 0;
    for (int i = 0; i < VARINT_BYTES_MAX; i++) {
        unsigned char b = byte(t);
        if (i == VARINT_BYTES_MAX - 1 && b > 1)
            break; /* beyond 64 bits */
        value |= (uint64_t)(b & 0x7f) << 7 * i;
        if (!(b & 0x80))
            return t->failed ? 0 : value;
    }
    fail(t);
    return 0;
}

static int64_t zigzag(struct tarn_thrift *t)
{
    uint64_t v = varint(t);
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

bool tarn_thrift_next(struct tarn_thrift *t, int16_t *last_id, struct tarn_thrift_field *out)
{
    unsigned char head = byte(t);
    if (t->failed || head == TARN_THRIFT_STOP)
        return false;
    int64_t id = head >> 4 ? *last_id + (head >> 4) : zigzag(t);
    out->type = (enum tarn_thrift_type)(head & 15);
    if (t->failed || id < INT16_MIN || id > INT16_MAX || out->type == TARN_THRIFT_STOP ||
        out->type > TARN_THRIFT_UUID) {
        fail(t);
        return false;
    }
    out->id = *last_id = (int16_t)id;
    return true;
}

/* ---- values */

static void skip_bytes(struct tarn_thrift *t, uint64_t n)
{
    if (n > left(t))
        fail(t);
    else
        t->at += n;
}

int64_t tarn_thrift_int(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    if (f->type == TARN_THRIFT_I8)
        return (signed char)byte(t);
    if (f->type >= TARN_THRIFT_I16 && f->type <= TARN_THRIFT_I64)
        return zigzag(t);
    fail(t);
    return 0;
}

int32_t tarn_thrift_i32(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    int64_t v = tarn_thrift_int(t, f);
    if (v >= INT32_MIN && v <= INT32_MAX)
        return (int32_t)v;
    fail(t);
    return 0;
}

bool tarn_thrift_bool(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    if (f->type != TARN_THRIFT_TRUE && f->type != TARN_THRIFT_FALSE)
        fail(t);
    return !t->failed && f->type == TARN_THRIFT_TRUE;
}

static struct tarn_str binary(struct tarn_thrift *t)
{
    uint64_t n = varint(t);
    const unsigned char *p = t->at;
    skip_bytes(t, n);
    return t->failed ? (struct tarn_str){NULL, 0} : tarn_str_of(p, (size_t)n);
}

struct tarn_str tarn_thrift_binary(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    if (f->type == TARN_THRIFT_BINARY)
        return binary(t);
    fail(t);
    return (struct tarn_str){NULL, 0};
}

/* Every item takes a byte or more, an empty struct its stop. */
static size_t list(struct tarn_thrift *t, enum tarn_thrift_type *item)
{
    unsigned char head = byte(t);
    uint64_t n = head >> 4 == 15 ? varint(t) : head >> 4;
    *item = (enum tarn_thrift_type)(head & 15);
    if (n > left(t) || (n > 0 && (*item == TARN_THRIFT_STOP || *item > TARN_THRIFT_UUID)))
        fail(t);
    return t->failed ? 0 : (size_t)n;
}

size_t tarn_thrift_structs(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    enum tarn_thrift_type item = TARN_THRIFT_STOP;
    size_t n = 0;
    if (f->type == TARN_THRIFT_LIST)
        n = list(t, &item);
    if (f->type != TARN_THRIFT_LIST || (n > 0 && item != TARN_THRIFT_STRUCT)) {
        fail(t);
        n = 0;
    }
    return n;
}

bool tarn_thrift_struct(struct tarn_thrift *t, const struct tarn_thrift_field *f)
{
    if (f->type != TARN_THRIFT_STRUCT)
        fail(t);
    return !t->failed;
}

/* ---- what nobody asked for */

static void skip_value(struct tarn_thrift *t, enum tarn_thrift_type type, int depth, bool field);

static void skip_list(struct tarn_thrift *t, int depth)
{
    enum tarn_thrift_type item;
    size_t n = list(t, &item);
    for (size_t i = 0; i < n && !t->failed; i++)
        skip_value(t, item, depth, false);
}

static void skip_map(struct tarn_thrift *t, int depth)
{
    uint64_t n = varint(t);
    if (n == 0)
        return;
    unsigned char types = byte(t);
    if (n > left(t))
        fail(t);
    for (uint64_t i = 0; i < n && !t->failed; i++) {
        skip_value(t, (enum tarn_thrift_type)(types >> 4), depth, false);
        skip_value(t, (enum tarn_thrift_type)(types & 15), depth, false);
    }
}

static void skip_struct(struct tarn_thrift *t, int depth)
{
    struct tarn_thrift_field f;
    int16_t id = 0;
    while (tarn_thrift_next(t, &id, &f))
        skip_value(t, f.type, depth, true);
}

static void skip_value(struct tarn_thrift *t, enum tarn_thrift_type type, int depth, bool field)
{
    if (depth > TARN_THRIFT_DEPTH_MAX) {
        fail(t);
        return;
    }
    switch (type) {
    case TARN_THRIFT_TRUE:
    case TARN_THRIFT_FALSE:
        skip_bytes(t, field ? 0 : 1);
        return;
    case TARN_THRIFT_I8:
        skip_bytes(t, 1);
        return;
    case TARN_THRIFT_I16:
    case TARN_THRIFT_I32:
    case TARN_THRIFT_I64:
        (void)varint(t);
        return;
    case TARN_THRIFT_DOUBLE:
        skip_bytes(t, 8);
        return;
    case TARN_THRIFT_BINARY:
        (void)binary(t);
        return;
    case TARN_THRIFT_LIST:
    case TARN_THRIFT_SET:
        skip_list(t, depth + 1);
        return;
    case TARN_THRIFT_MAP:
        skip_map(t, depth + 1);
        return;
    case TARN_THRIFT_STRUCT:
        skip_struct(t, depth + 1);
        return;
    case TARN_THRIFT_UUID:
        skip_bytes(t, 16);
        return;
    default:
        fail(t);
    }
}

void tarn_thrift_skip(struct tarn_thrift *t, enum tarn_thrift_type type)
{
    skip_value(t, type, 0, true);
}

/* ---- writing */

static void put_varint(struct tarn_buf *b, uint64_t v)
{
    while (v > 0x7f) {
        tarn_buf_put(b, (char)(v | 0x80));
        v >>= 7;
    }
    tarn_buf_put(b, (char)v);
}

void tarn_thrift_put_int(struct tarn_buf *b, int64_t value)
{
    put_varint(b, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void tarn_thrift_put_field(struct tarn_buf *b, int16_t *last_id, int16_t id,
                           enum tarn_thrift_type type)
{
    int delta = id - *last_id;
    if (delta > 0 && delta < 16) {
        tarn_buf_put(b, (char)(delta << 4 | (int)type));
    } else {
        tarn_buf_put(b, (char)type);
        tarn_thrift_put_int(b, id);
    }
    *last_id = id;
}

void tarn_thrift_put_binary(struct tarn_buf *b, struct tarn_str bytes)
{
    put_varint(b, bytes.len);
    tarn_buf_str(b, bytes);
}

void tarn_thrift_put_structs(struct tarn_buf *b, size_t count)
{
    tarn_buf_put(b, (char)((count < 15 ? count : 15) << 4 | TARN_THRIFT_STRUCT));
    if (count >= 15)
        put_varint(b, count);
}

void tarn_thrift_put_int_field(struct tarn_buf *b, int16_t *last_id, int16_t id,
                               enum tarn_thrift_type type, int64_t value)
{
    tarn_thrift_put_field(b, last_id, id, type);
    tarn_thrift_put_int(b, value);
}

void tarn_thrift_copy(struct tarn_thrift *t, const struct tarn_thrift_field *f, struct tarn_buf *b,
                      int16_t *last_id)
{
    const unsigned char *begin = t->at;
    tarn_thrift_skip(t, f->type);
    if (t->failed)
        return;
    tarn_thrift_put_field(b, last_id, f->id, f->type);
    tarn_buf_append(b, begin, (size_t)(t->at - begin));
}
