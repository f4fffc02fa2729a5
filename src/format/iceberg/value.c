/* value: binary single values (spec appendix D) and how values compare. Text: value_text.c, value_time.c; JSON: value_json.c. */
#include <math.h>

#include "format/iceberg/value_int.h"

/* ---- bytes */

static void put_le(unsigned char *p, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t get_le(struct tarn_str s)
{
    uint64_t v = 0;
    for (size_t i = s.len; i > 0; i--)
        v = v << 8 | (unsigned char)s.ptr[i - 1];
    return v;
}

size_t tarn__decimal_bytes(__int128 v, unsigned char out[16])
{
    size_t n = 1;
    /* v fits n bytes when all bits above its sign bit are the sign. */
    while (n < 16 && v >> (8 * n - 1) != 0 && v >> (8 * n - 1) != -1)
        n++;
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)(v >> (8 * (n - 1 - i)));
    return n;
}

static bool decimal_from_bytes(struct tarn_str s, __int128 *out)
{
    if (s.len == 0)
        return false;
    unsigned char fill = (unsigned char)s.ptr[0] & 0x80 ? 0xFF : 0;
    while (s.len > 16 && (unsigned char)s.ptr[0] == fill)
        s = tarn_str_of(s.ptr + 1, s.len - 1);
    if (s.len > 16 || ((unsigned char)s.ptr[0] & 0x80) != (fill & 0x80))
        return false;
    unsigned __int128 v = fill ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | (unsigned char)s.ptr[i];
    *out = (__int128)v;
    return true;
}

static uint64_t bits_of(enum tarn_type_kind kind, double d)
{
    if (kind == TARN_TYPE_FLOAT) {
        float f = (float)d;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        return bits;
    }
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return bits;
}

static double double_of(struct tarn_str s)
{
    uint64_t bits = get_le(s);
    if (s.len == 4) {
        uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        return (double)f;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* Width of the types of fixed width, 0 of the others. */
static size_t width_of(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_FLOAT:
        return 4;
    case TARN_TYPE_LONG:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_TIME:
        return 8;
    default:
        return tarn__is_timestamp(kind) ? 8 : 0;
    }
}

static enum tarn_status fail_type(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_str text = tarn_type_text(op, t);
    return text.ptr ? tarn_fail(op, TARN_UNSUPPORTED, "type %.*s has no binary single values",
                                TARN_STR_ARG(text))
                    : op->report.status;
}

enum tarn_status tarn_value_to_bytes(struct tarn_op *op, const struct tarn_type *t,
                                     const struct tarn_value *v, struct tarn_str *out)
{
    unsigned char local[16];
    size_t n = width_of(t->kind);
    *out = (struct tarn_str){0};
    if (v->is_null)
        return TARN_OK;
    if (tarn_type_is_nested(t) || t->kind == TARN_TYPE_UNKNOWN || t->kind == TARN_TYPE_VARIANT)
        return fail_type(op, t);
    if (n == 4 && t->kind != TARN_TYPE_FLOAT && (v->i < INT32_MIN || v->i > INT32_MAX))
        return tarn_fail(op, TARN_INVALID, "%lld does not fit 32 bits", (long long)v->i);
    if (t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE)
        put_le(local, bits_of(t->kind, v->d), n);
    else if (t->kind == TARN_TYPE_BOOLEAN)
        local[0] = v->i != 0;
    else if (t->kind == TARN_TYPE_DECIMAL)
        n = tarn__decimal_bytes(v->dec, local);
    else
        put_le(local, (uint64_t)v->i, n);
    *out = tarn_strdup(op, n > 0 ? tarn_str_of(local, n)
                                 : tarn_str_of(v->bytes.ptr ? v->bytes.ptr : "", v->bytes.len));
    return out->ptr ? TARN_OK : op->report.status;
}

static enum tarn_status fail_length(struct tarn_op *op, const struct tarn_type *t, size_t len)
{
    struct tarn_str text = tarn_type_text(op, t);
    return text.ptr ? tarn_fail(op, TARN_CORRUPT, "%zu bytes are no value of type %.*s", len,
                                TARN_STR_ARG(text))
                    : op->report.status;
}

/* Days under a timestamp: the column was a date when the file was written. */
static bool from_days(const struct tarn_type *t, int64_t days, int64_t *out)
{
    int64_t per_day = tarn__is_nanos(t->kind) ? TARN__NS_PER_DAY : TARN__US_PER_DAY;
    return !__builtin_mul_overflow(days, per_day, out);
}

static bool int_from_bytes(const struct tarn_type *t, struct tarn_str b, int64_t *out)
{
    if (t->kind == TARN_TYPE_BOOLEAN) {
        *out = b.len == 1 && b.ptr[0] != 0;
        return b.len == 1;
    }
    if (b.len == 8) {
        *out = (int64_t)get_le(b); /* some writers store int and date in 8 bytes */
        return width_of(t->kind) == 8 || (*out >= INT32_MIN && *out <= INT32_MAX);
    }
    if (b.len != 4)
        return false;
    *out = (int32_t)(uint32_t)get_le(b);
    if (t->kind == TARN_TYPE_TIMESTAMP || t->kind == TARN_TYPE_TIMESTAMP_NS)
        return from_days(t, *out, out);
    return width_of(t->kind) == 4 || t->kind == TARN_TYPE_LONG;
}

enum tarn_status tarn_value_from_bytes(struct tarn_op *op, const struct tarn_type *t,
                                       struct tarn_str bytes, struct tarn_value *out)
{
    bool sound;
    *out = (struct tarn_value){.bytes = bytes};
    switch (t->kind) {
    case TARN_TYPE_FLOAT:
        sound = bytes.len == 4;
        break;
    case TARN_TYPE_DOUBLE:
        sound = bytes.len == 8 || bytes.len == 4;
        break;
    case TARN_TYPE_DECIMAL:
        sound = decimal_from_bytes(bytes, &out->dec);
        break;
    case TARN_TYPE_UUID:
        sound = bytes.len == 16;
        break;
    case TARN_TYPE_FIXED: /* a bound may be cut */
        sound = bytes.len <= (size_t)t->length;
        break;
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        sound = true;
        break;
    default:
        if (width_of(t->kind) == 0)
            return fail_type(op, t);
        sound = int_from_bytes(t, bytes, &out->i);
    }
    if (!sound)
        return fail_length(op, t, bytes.len);
    if (t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE)
        out->d = double_of(bytes);
    return TARN_OK;
}

/* ---- comparing */

static int cmp_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (int)!!isnan(a) - (int)!!isnan(b);
    if (a != b)
        return a < b ? -1 : 1;
    return (int)!!signbit(b) - (int)!!signbit(a); /* -0.0 before 0.0 */
}

int tarn_value_cmp(const struct tarn_type *t, const struct tarn_value *a,
                   const struct tarn_value *b)
{
    TARN_ASSERT(!a->is_null && !b->is_null);
    if (t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE)
        return cmp_double(a->d, b->d);
    if (t->kind == TARN_TYPE_DECIMAL)
        return (a->dec > b->dec) - (a->dec < b->dec);
    if (width_of(t->kind) > 0)
        return (a->i > b->i) - (a->i < b->i);
    return tarn_str_cmp(a->bytes, b->bytes);
}

bool tarn_value_eq(const struct tarn_type *t, const struct tarn_value *a,
                   const struct tarn_value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null && b->is_null;
    if ((t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE) && a->d == b->d)
        return true; /* both zeros */
    return tarn_value_cmp(t, a, b) == 0;
}
