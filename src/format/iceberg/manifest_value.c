/* manifest_value: partition values between Avro and struct tarn_value (spec appendix A, "Data
 * Type Mappings").
 *
 * Written as the specification has them. Read with tolerance for what is one thing in two
 * spellings: an int under a promoted long, a day as a plain int, a float under a double, an
 * unscaled decimal as bytes or a longer fixed, a uuid as text. Never with a change of the value:
 * what does not fit is an error.
 */
#include "format/iceberg/manifest_int.h"
#include "format/iceberg/value_int.h"

#define UUID_BYTES     16
#define DECIMAL_BYTES  16 /* of __int128 */
#define PRECISION_MAX  38
#define FLOAT_EXACT(d) ((double)(float)(d))

/* 10^precision - 1 */
static __int128 decimal_most(int32_t precision)
{
    __int128 most = 0;
    for (int32_t i = 0; i < precision && i < PRECISION_MAX; i++)
        most = most * 10 + 9;
    return most;
}

size_t tarn__manifest_decimal_size(int32_t precision)
{
    __int128 most = decimal_most(precision);
    size_t n = 1;
    while (n < DECIMAL_BYTES && (most >> (8 * n - 1)) != 0)
        n++;
    return n;
}

/* ---- which Avro types are read as which */

static bool is_number(const struct tarn_avro_type *t)
{
    return t->kind == TARN_AVRO_INT || t->kind == TARN_AVRO_LONG;
}

/* Units that a number of time may come in; 0 = not at all. */
static int64_t time_factor(const struct tarn_avro_type *avro, enum tarn_type_kind kind)
{
    bool nanos = tarn__is_nanos(kind), timestamp = tarn__is_timestamp(kind);
    switch (avro->logical) {
    case TARN_AVRO_PLAIN:
        return 1;
    case TARN_AVRO_DATE: /* v3 promotes date to timestamp */
        return !timestamp ? 0 : nanos ? TARN__NS_PER_DAY : TARN__US_PER_DAY;
    case TARN_AVRO_TIMESTAMP_MILLIS:
        return !timestamp ? 0 : nanos ? 1000000 : 1000;
    case TARN_AVRO_TIMESTAMP_MICROS:
        return !timestamp ? 0 : nanos ? 1000 : 1;
    case TARN_AVRO_TIMESTAMP_NANOS:
        return nanos ? 1 : 0;
    case TARN_AVRO_TIME_MILLIS:
        return kind == TARN_TYPE_TIME ? 1000 : 0;
    case TARN_AVRO_TIME_MICROS:
        return kind == TARN_TYPE_TIME ? 1 : 0;
    default:
        return 0;
    }
}

static bool bytes_fit(const struct tarn_avro_type *avro, const struct tarn_type *type)
{
    bool raw = avro->kind == TARN_AVRO_BYTES || avro->kind == TARN_AVRO_FIXED;
    switch (type->kind) {
    case TARN_TYPE_DECIMAL:
        return raw && (avro->logical != TARN_AVRO_DECIMAL || avro->scale == type->scale);
    case TARN_TYPE_STRING:
        return avro->kind == TARN_AVRO_STRING || avro->kind == TARN_AVRO_BYTES;
    case TARN_TYPE_UUID:
        return raw || avro->kind == TARN_AVRO_STRING;
    default: /* FIXED, BINARY */
        return raw;
    }
}

bool tarn__manifest_value_fits(const struct tarn_avro_type *avro, const struct tarn_type *type)
{
    switch (type->kind) {
    case TARN_TYPE_BOOLEAN:
        return avro->kind == TARN_AVRO_BOOLEAN;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DATE:
        return is_number(avro);
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return is_number(avro) && time_factor(avro, type->kind) != 0;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return avro->kind == TARN_AVRO_FLOAT || avro->kind == TARN_AVRO_DOUBLE;
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return bytes_fit(avro, type);
    default:
        return false;
    }
}

/* ---- reading */

static void decode_number(struct tarn__manifest_decoder *d, const struct tarn_avro_type *avro,
                          const struct tarn_type *type, struct tarn_value *out)
{
    bool narrow = type->kind == TARN_TYPE_INT || type->kind == TARN_TYPE_DATE;
    int64_t v = narrow ? tarn_avro_read_int(&d->cursor) : tarn_avro_read_long(&d->cursor);
    int64_t factor = narrow || type->kind == TARN_TYPE_LONG ? 1 : time_factor(avro, type->kind);
    if (__builtin_mul_overflow(v, factor, &out->i))
        tarn_avro_cursor_fail(&d->cursor, "a partition value overflows its type");
}

static void decode_real(struct tarn__manifest_decoder *d, const struct tarn_avro_type *avro,
                        const struct tarn_type *type, struct tarn_value *out)
{
    out->d = avro->kind == TARN_AVRO_FLOAT ? (double)tarn_avro_read_float(&d->cursor)
                                           : tarn_avro_read_double(&d->cursor);
    bool fits = type->kind == TARN_TYPE_DOUBLE || out->d != out->d || FLOAT_EXACT(out->d) == out->d;
    if (!fits)
        tarn_avro_cursor_fail(&d->cursor, "a partition value does not fit a float");
}

/* Two's complement, big-endian, of any length whose leading bytes are only sign. */
static void decode_decimal(struct tarn__manifest_decoder *d, struct tarn_str s,
                           struct tarn_value *out)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    bool negative = s.len > 0 && p[0] >= 0x80;
    unsigned __int128 v = negative ? ~(unsigned __int128)0 : 0;
    for (size_t i = 0; i < s.len; i++) {
        bool sign_only = s.len - i > DECIMAL_BYTES;
        if (sign_only && p[i] != (negative ? 0xFF : 0))
            tarn_avro_cursor_fail(&d->cursor, "a partition value does not fit its decimal");
        v = v << 8 | p[i];
    }
    out->dec = (__int128)v;
    if (s.len == 0 || (out->dec < 0) != negative)
        tarn_avro_cursor_fail(&d->cursor, "a partition value is no decimal");
}

/* "f79c3e09-677c-4bbd-a479-3f349cb785e7" -> its 16 bytes. */
static enum tarn_status decode_uuid_text(struct tarn__manifest_decoder *d, struct tarn_str s,
                                         struct tarn_value *out)
{
    unsigned char *bytes = tarn_alloc(d->op, UUID_BYTES);
    if (!bytes)
        return TARN_NOMEM;
    if (!tarn__uuid_parse(s, bytes))
        tarn_avro_cursor_fail(&d->cursor, "a partition value is no uuid");
    out->bytes = tarn_str_of(bytes, UUID_BYTES);
    return TARN_OK;
}

static enum tarn_status decode_bytes(struct tarn__manifest_decoder *d,
                                     const struct tarn_avro_type *avro,
                                     const struct tarn_type *type, struct tarn_value *out)
{
    struct tarn_str s = type->kind == TARN_TYPE_STRING ? tarn__manifest_decode_text(d, avro)
                                                       : tarn__manifest_decode_bytes(d, avro);
    if (type->kind == TARN_TYPE_DECIMAL) {
        decode_decimal(d, s, out);
        return TARN_OK;
    }
    if (type->kind == TARN_TYPE_UUID && avro->kind == TARN_AVRO_STRING)
        return decode_uuid_text(d, s, out);
    size_t must = type->kind == TARN_TYPE_UUID    ? UUID_BYTES
                  : type->kind == TARN_TYPE_FIXED ? (size_t)type->length
                                                  : s.len;
    if (s.len != must)
        tarn_avro_cursor_fail(&d->cursor, "a partition value is not as long as its type");
    out->bytes = s;
    return TARN_OK;
}

enum tarn_status tarn__manifest_value_decode(struct tarn__manifest_decoder *d,
                                             const struct tarn_avro_type *avro,
                                             const struct tarn_type *type, struct tarn_value *out)
{
    *out = (struct tarn_value){0};
    switch (avro->kind) {
    case TARN_AVRO_NULL:
        out->is_null = true;
        return TARN_OK;
    case TARN_AVRO_BOOLEAN:
        out->i = tarn_avro_read_boolean(&d->cursor);
        return TARN_OK;
    case TARN_AVRO_INT:
    case TARN_AVRO_LONG:
        decode_number(d, avro, type, out);
        return TARN_OK;
    case TARN_AVRO_FLOAT:
    case TARN_AVRO_DOUBLE:
        decode_real(d, avro, type, out);
        return TARN_OK;
    default: /* tarn__manifest_value_fits let only bytes, strings and fixed in */
        return decode_bytes(d, avro, type, out);
    }
}

/* ---- writing */

static enum tarn_status misfit(struct tarn_op *op, const struct tarn_type *type)
{
    struct tarn_str text = tarn_type_text(op, type);
    return tarn_fail(op, TARN_INVALID, "a partition value does not fit %.*s", TARN_STR_ARG(text));
}

static bool encode_decimal(struct tarn_buf *b, const struct tarn_type *type, __int128 v)
{
    char bytes[DECIMAL_BYTES];
    size_t n = tarn__manifest_decimal_size(type->precision);
    __int128 most = decimal_most(type->precision);
    if (v > most || v < -most)
        return false;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(v >> (8 * (n - 1 - i)));
    tarn_avro_put_fixed(b, tarn_str_of(bytes, n));
    return true;
}

static bool encode_number(struct tarn_buf *b, const struct tarn_type *type, int64_t v)
{
    bool narrow = type->kind == TARN_TYPE_INT || type->kind == TARN_TYPE_DATE;
    if (narrow && (v < INT32_MIN || v > INT32_MAX))
        return false;
    tarn_avro_put_long(b, v);
    return true;
}

static bool encode_fixed(struct tarn_buf *b, struct tarn_str v, size_t length)
{
    if (v.len != length)
        return false;
    tarn_avro_put_fixed(b, v);
    return true;
}

static bool encode_some(struct tarn_buf *b, const struct tarn_type *type,
                        const struct tarn_value *v)
{
    switch (type->kind) {
    case TARN_TYPE_BOOLEAN:
        tarn_avro_put_boolean(b, v->i != 0);
        return v->i == 0 || v->i == 1;
    case TARN_TYPE_FLOAT:
        tarn_avro_put_float(b, (float)v->d);
        return v->d != v->d || FLOAT_EXACT(v->d) == v->d;
    case TARN_TYPE_DOUBLE:
        tarn_avro_put_double(b, v->d);
        return true;
    case TARN_TYPE_DECIMAL:
        return encode_decimal(b, type, v->dec);
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
        tarn_avro_put_bytes(b, v->bytes);
        return type->kind == TARN_TYPE_BINARY || tarn_utf8_valid(v->bytes);
    case TARN_TYPE_UUID:
        return encode_fixed(b, v->bytes, UUID_BYTES);
    case TARN_TYPE_FIXED:
        return encode_fixed(b, v->bytes, (size_t)type->length);
    default:
        return type->kind < TARN_TYPE_STRING && encode_number(b, type, v->i);
    }
}

enum tarn_status tarn__manifest_value_encode(struct tarn_op *op, struct tarn_buf *b,
                                             const struct tarn_type *type,
                                             const struct tarn_value *v)
{
    if (type->kind == TARN_TYPE_UNKNOWN) /* written as Avro's null, which takes no bytes */
        return v->is_null ? TARN_OK : misfit(op, type);
    tarn_avro_put_long(b, v->is_null ? 0 : 1);
    if (v->is_null || encode_some(b, type, v))
        return TARN_OK;
    return misfit(op, type);
}
