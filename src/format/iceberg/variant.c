/* variant: writes and reads bounds of variants (variant.h). What is written has offsets, ids and counts
 * of four bytes; what is read may have any that the encoding allows.
 */
#include "format/iceberg/variant.h"

#include <stdlib.h>

#define BOUNDS_MAX ((size_t)16 << 20)

enum { BASIC_PRIMITIVE, BASIC_SHORT_STRING, BASIC_OBJECT };
enum { /* primitive types */
       V_INT8 = 3,
       V_INT16,
       V_INT32,
       V_INT64,
       V_DOUBLE,
       V_DATE = 11,
       V_TIMESTAMPTZ,
       V_TIMESTAMP,
       V_FLOAT,
       V_STRING = 16
};
#define METADATA_HEADER 0xD1 /* version 1, sorted, offsets of four bytes */
#define OBJECT_HEADER   0x7E /* an object: large, ids and offsets of four bytes */
#define VERSION         1
#define SHORT_MAX       63

/* ---- writing */

static void put_le(struct tarn_buf *b, uint64_t v, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        tarn_buf_put(b, (char)(unsigned char)(v >> 8 * i));
}

static void put_primitive(struct tarn_buf *b, int type, uint64_t v, size_t bytes)
{
    tarn_buf_put(b, (char)(type << 2 | BASIC_PRIMITIVE));
    put_le(b, v, bytes);
}

static void put_string(struct tarn_buf *b, struct tarn_str s)
{
    if (s.len <= SHORT_MAX)
        tarn_buf_put(b, (char)(s.len << 2 | BASIC_SHORT_STRING));
    else
        put_primitive(b, V_STRING, s.len, 4);
    tarn_buf_str(b, s);
}

static uint64_t bits_of(double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static uint64_t float_bits(double d)
{
    float f = (float)d;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void put_value(struct tarn_buf *b, const struct tarn_variant_bound *v)
{
    uint64_t i = (uint64_t)v->value.i;
    switch (v->type.kind) {
    case TARN_TYPE_INT:
        put_primitive(b,
                      v->bits == 8    ? V_INT8
                      : v->bits == 16 ? V_INT16
                                      : V_INT32,
                      i,
                      v->bits == 8    ? 1
                      : v->bits == 16 ? 2
                                      : 4);
        break;
    case TARN_TYPE_LONG:
        put_primitive(b, V_INT64, i, 8);
        break;
    case TARN_TYPE_FLOAT:
        put_primitive(b, V_FLOAT, float_bits(v->value.d), 4);
        break;
    case TARN_TYPE_DOUBLE:
        put_primitive(b, V_DOUBLE, bits_of(v->value.d), 8);
        break;
    case TARN_TYPE_DATE:
        put_primitive(b, V_DATE, i, 4);
        break;
    case TARN_TYPE_TIMESTAMP:
        put_primitive(b, V_TIMESTAMP, i, 8);
        break;
    case TARN_TYPE_TIMESTAMPTZ:
        put_primitive(b, V_TIMESTAMPTZ, i, 8);
        break;
    default:
        put_string(b, v->value.bytes);
    }
}

bool tarn_variant_boundable(const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_STRING:
        return true;
    default:
        return false;
    }
}

static int by_path(const void *a, const void *b)
{
    const struct tarn_variant_bound *x = a, *y = b;
    return tarn_str_cmp(x->path, y->path);
}

/* A piece's end goes into the table of offsets at `at`. */
static void note_offset(struct tarn_buf *b, size_t at, size_t base)
{
    uint32_t v = (uint32_t)(b->len - base);
    if (b->failed)
        return;
    for (size_t i = 0; i < 4; i++)
        b->ptr[at + i] = (char)(unsigned char)(v >> 8 * i);
}

static void put_metadata(struct tarn_buf *b, const struct tarn_variant_bound *list, size_t n)
{
    tarn_buf_put(b, (char)METADATA_HEADER);
    put_le(b, n, 4);
    size_t table = b->len;
    for (size_t i = 0; i <= n; i++)
        put_le(b, 0, 4);
    size_t base = b->len;
    for (size_t i = 0; i < n; i++) {
        tarn_buf_str(b, list[i].path);
        note_offset(b, table + 4 * (i + 1), base);
    }
}

enum tarn_status tarn_variant_bounds_write(struct tarn_op *op, struct tarn_variant_bound *list,
                                           size_t count, struct tarn_str *out)
{
    struct tarn_buf b;
    qsort(list, count, sizeof *list, by_path);
    tarn_buf_init(&b, BOUNDS_MAX);
    put_metadata(&b, list, count);
    tarn_buf_put(&b, (char)OBJECT_HEADER);
    put_le(&b, count, 4);
    for (size_t i = 0; i < count; i++)
        put_le(&b, i, 4);
    size_t table = b.len;
    for (size_t i = 0; i <= count; i++)
        put_le(&b, 0, 4);
    size_t base = b.len;
    for (size_t i = 0; i < count; i++) {
        put_value(&b, &list[i]);
        note_offset(&b, table + 4 * (i + 1), base);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "bounds of a variant", out);
}

static void put_escaped(struct tarn_buf *b, char c)
{
    static const char from[] = "\b\t\n\f\r'\\", to[] = "btnfr'\\";
    const char *known = c ? strchr(from, c) : NULL;
    if (known)
        tarn_buf_printf(b, "\\%c", to[known - from]);
    else if ((unsigned char)c < 0x20)
        tarn_buf_printf(b, "\\u%04x", (unsigned)c);
    else
        tarn_buf_put(b, c);
}

void tarn_variant_path_put(struct tarn_buf *b, struct tarn_str name)
{
    tarn_buf_z(b, "['");
    for (size_t i = 0; i < name.len; i++)
        put_escaped(b, name.ptr[i]);
    tarn_buf_z(b, "']");
}

/* ---- reading */

struct cursor {
    const unsigned char *at;
    size_t left;
    bool failed;
};

static const unsigned char *take(struct cursor *c, size_t n)
{
    static const unsigned char none[8];
    if (c->failed || n > c->left) {
        c->failed = true;
        return none;
    }
    const unsigned char *p = c->at;
    c->at += n;
    c->left -= n;
    return p;
}

static uint64_t le(const unsigned char *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = bytes; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static uint64_t take_le(struct cursor *c, size_t bytes)
{
    return le(take(c, bytes), bytes);
}

/* A table of n + 1 offsets, and what they point into. */
struct table {
    const unsigned char *offsets;
    size_t width, count;
    struct cursor body;
};

static void take_table(struct cursor *c, size_t n, size_t width, struct table *t)
{
    size_t bytes;
    *t = (struct table){.width = width, .count = n};
    if (__builtin_mul_overflow(n + 1, width, &bytes))
        c->failed = true;
    t->offsets = take(c, c->failed ? 0 : bytes);
    t->body = *c;
}

static uint64_t offset_at(const struct table *t, size_t i)
{
    return le(t->offsets + i * t->width, t->width);
}

static bool read_metadata(struct cursor *c, struct table *names)
{
    unsigned head = *take(c, 1);
    size_t width = (head >> 6) + 1;
    if (c->failed || (head & 15) != VERSION)
        return false;
    size_t n = (size_t)take_le(c, width);
    if (c->failed || n > c->left)
        return false;
    take_table(c, n, width, names);
    if (c->failed || offset_at(names, n) > c->left)
        return false;
    (void)take(c, (size_t)offset_at(names, n));
    return !c->failed;
}

static bool name_is(const struct table *names, uint64_t id, struct tarn_str path)
{
    if (id >= names->count)
        return false;
    uint64_t from = offset_at(names, (size_t)id), to = offset_at(names, (size_t)id + 1);
    return from <= to && to <= names->body.left && to - from == path.len &&
           memcmp(names->body.at + from, path.ptr, path.len) == 0;
}

/* Where the value of the path begins. */
static bool find_value(struct cursor *c, const struct table *names, struct tarn_str path,
                       struct cursor *out)
{
    unsigned head = *take(c, 1);
    size_t offset_width = (head >> 2 & 3) + 1, id_width = (head >> 4 & 3) + 1;
    struct table values;
    if (c->failed || (head & 3) != BASIC_OBJECT)
        return false;
    size_t n = (size_t)take_le(c, head >> 6 & 1 ? 4 : 1);
    if (c->failed || n > c->left)
        return false;
    const unsigned char *ids = take(c, n * id_width);
    take_table(c, n, offset_width, &values);
    for (size_t i = 0; !c->failed && i < n; i++) {
        if (!name_is(names, le(ids + i * id_width, id_width), path))
            continue;
        *out = values.body;
        (void)take(out, (size_t)offset_at(&values, i));
        return !out->failed;
    }
    return false;
}

static bool whole(struct cursor *c, size_t bytes, const struct tarn_type *want,
                  struct tarn_value *out)
{
    uint64_t v = take_le(c, bytes);
    unsigned unused = 64 - 8 * (unsigned)bytes;
    out->i = (int64_t)(v << unused) >> unused;
    return !c->failed && (want->kind == TARN_TYPE_LONG || want->kind == TARN_TYPE_INT) &&
           (want->kind == TARN_TYPE_LONG || (out->i >= INT32_MIN && out->i <= INT32_MAX));
}

static bool real(struct cursor *c, bool wide, const struct tarn_type *want, struct tarn_value *out)
{
    uint64_t bits = take_le(c, wide ? 8 : 4);
    uint32_t narrow = (uint32_t)bits;
    float f;
    memcpy(&f, &narrow, sizeof f);
    memcpy(&out->d, &bits, sizeof out->d);
    if (!wide)
        out->d = (double)f;
    return !c->failed && want->kind == TARN_TYPE_DOUBLE && out->d == out->d;
}

static bool moment(struct cursor *c, size_t bytes, enum tarn_type_kind kind,
                   const struct tarn_type *want, struct tarn_value *out)
{
    uint64_t v = take_le(c, bytes);
    out->i = bytes == 4 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v;
    return !c->failed && want->kind == kind;
}

static bool text(struct cursor *c, size_t n, const struct tarn_type *want, struct tarn_value *out)
{
    out->bytes = tarn_str_of(take(c, n), n);
    return !c->failed && want->kind == TARN_TYPE_STRING;
}

static bool primitive(struct cursor *c, const struct tarn_type *want, struct tarn_value *out)
{
    unsigned head = *take(c, 1);
    if (c->failed)
        return false;
    if ((head & 3) == BASIC_SHORT_STRING)
        return text(c, head >> 2, want, out);
    if ((head & 3) != BASIC_PRIMITIVE)
        return false;
    switch (head >> 2) {
    case V_INT8:
    case V_INT16:
    case V_INT32:
    case V_INT64:
        return whole(c, (size_t)1 << ((head >> 2) - V_INT8), want, out);
    case V_DOUBLE:
    case V_FLOAT:
        return real(c, head >> 2 == V_DOUBLE, want, out);
    case V_DATE:
        return moment(c, 4, TARN_TYPE_DATE, want, out);
    case V_TIMESTAMPTZ:
        return moment(c, 8, TARN_TYPE_TIMESTAMPTZ, want, out);
    case V_TIMESTAMP:
        return moment(c, 8, TARN_TYPE_TIMESTAMP, want, out);
    case V_STRING:
        return text(c, (size_t)take_le(c, 4), want, out);
    default:
        return false;
    }
}

bool tarn_variant_bound_find(struct tarn_str bytes, struct tarn_str path,
                             const struct tarn_type *want, struct tarn_value *out)
{
    struct cursor c = {.at = (const unsigned char *)bytes.ptr, .left = bytes.len}, value;
    struct table names;
    *out = (struct tarn_value){0};
    return bytes.ptr && read_metadata(&c, &names) && find_value(&c, &names, path, &value) &&
           primitive(&value, want, out);
}
