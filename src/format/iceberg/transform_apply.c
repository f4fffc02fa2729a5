/* transform_apply: partition values out of column values (spec "Partition Transforms", appendix B), and as text.
 *
 * Times are UTC and rounded down, also before 1970 (trap 18); truncating rounds down below zero too (trap 19); nanoseconds are hashed
 * as microseconds (trap 20). A result that its type cannot hold is TARN_DATA, never one that wraps around.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "format/iceberg/value_int.h"

#define US_PER_HOUR (INT64_C(3600) * TARN__US_PER_SECOND)

static enum tarn_status fail_source(struct tarn_op *op, const struct tarn_transform *t,
                                    const struct tarn_type *source)
{
    struct tarn_str name = tarn_transform_text(op, t), type = tarn_type_text(op, source);
    if (!name.ptr || !type.ptr)
        return op->report.status;
    return tarn_fail(op, TARN_UNSUPPORTED, "transform %.*s cannot be applied to type %.*s",
                     TARN_STR_ARG(name), TARN_STR_ARG(type));
}

static enum tarn_status fail_range(struct tarn_op *op, const struct tarn_transform *t)
{
    struct tarn_str name = tarn_transform_text(op, t);
    if (!name.ptr)
        return op->report.status;
    return tarn_fail(op, TARN_DATA, "the result of transform %.*s does not fit its type",
                     TARN_STR_ARG(name));
}

/* ---- bucket */

static uint32_t hash_long(int64_t v)
{
    unsigned char le[8];
    for (size_t i = 0; i < sizeof le; i++)
        le[i] = (unsigned char)((uint64_t)v >> (8 * i));
    return tarn_murmur3_32(le, sizeof le, 0);
}

static uint32_t hash_value(const struct tarn_type *source, const struct tarn_value *v)
{
    unsigned char decimal[16];
    switch (source->kind) {
    case TARN_TYPE_DECIMAL:
        return tarn_murmur3_32(decimal, tarn__decimal_bytes(v->dec, decimal), 0);
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return tarn_murmur3_32(v->bytes.ptr ? v->bytes.ptr : "", v->bytes.len, 0);
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return hash_long(tarn__floor_div(v->i, 1000));
    default:
        return hash_long(v->i);
    }
}

/* ---- truncate */

static enum tarn_status truncate_int(struct tarn_op *op, const struct tarn_transform *t,
                                     const struct tarn_type *source, int64_t v, int64_t *out)
{
    int64_t rest = v % t->param;
    int64_t down = rest < 0 ? rest + t->param : rest;
    int64_t least = source->kind == TARN_TYPE_INT ? INT32_MIN : INT64_MIN;
    if (__builtin_sub_overflow(v, down, out) || *out < least)
        return fail_range(op, t);
    return TARN_OK;
}

static enum tarn_status truncate_decimal(struct tarn_op *op, const struct tarn_transform *t,
                                         const struct tarn_type *source, __int128 v, __int128 *out)
{
    __int128 rest = v % t->param;
    __int128 down = rest < 0 ? rest + t->param : rest;
    __int128 least = -1;
    for (int32_t i = 0; i < source->precision; i++)
        least *= 10;
    if (__builtin_sub_overflow(v, down, out) || *out <= least)
        return fail_range(op, t);
    return TARN_OK;
}

static enum tarn_status truncate_string(struct tarn_op *op, const struct tarn_transform *t,
                                        struct tarn_str v, struct tarn_str *out)
{
    size_t n = tarn__utf8_prefix(v, (size_t)t->param);
    if (n == SIZE_MAX)
        return tarn_fail(op, TARN_DATA, "a string that is not valid UTF-8 cannot be truncated");
    *out = tarn_str_of(v.ptr, n);
    return TARN_OK;
}

static enum tarn_status apply_truncate(struct tarn_op *op, const struct tarn_transform *t,
                                       const struct tarn_type *source, const struct tarn_value *v,
                                       struct tarn_value *out)
{
    switch (source->kind) {
    case TARN_TYPE_DECIMAL:
        return truncate_decimal(op, t, source, v->dec, &out->dec);
    case TARN_TYPE_STRING:
        return truncate_string(op, t, v->bytes, &out->bytes);
    case TARN_TYPE_BINARY:
        out->bytes = v->bytes;
        if (out->bytes.len > (size_t)t->param)
            out->bytes.len = (size_t)t->param;
        return TARN_OK;
    default:
        return truncate_int(op, t, source, v->i, &out->i);
    }
}

/* ---- times */

static int64_t days_of(const struct tarn_type *source, int64_t v)
{
    if (source->kind == TARN_TYPE_DATE)
        return v;
    return tarn__floor_div(v, tarn__is_nanos(source->kind) ? TARN__NS_PER_DAY : TARN__US_PER_DAY);
}

static enum tarn_status apply_time(struct tarn_op *op, const struct tarn_transform *t,
                                   const struct tarn_type *source, int64_t v, int64_t *out)
{
    int64_t hour = tarn__is_nanos(source->kind) ? US_PER_HOUR * 1000 : US_PER_HOUR;
    struct tarn_date date = tarn_date_of_days(days_of(source, v));
    if (t->kind == TARN_TRANSFORM_YEAR)
        *out = date.year - 1970;
    else if (t->kind == TARN_TRANSFORM_MONTH)
        *out = (date.year - 1970) * 12 + date.month - 1;
    else if (t->kind == TARN_TRANSFORM_DAY)
        *out = days_of(source, v);
    else
        *out = tarn__floor_div(v, hour);
    return *out >= INT32_MIN && *out <= INT32_MAX ? TARN_OK : fail_range(op, t);
}

/* ---- all */

enum tarn_status tarn_transform_apply(struct tarn_op *op, const struct tarn_transform *t,
                                      const struct tarn_type *source, const struct tarn_value *v,
                                      struct tarn_value *out)
{
    if (!tarn_transform_accepts(t, source))
        return fail_source(op, t, source);
    TARN_ASSERT(t->param > 0 ||
                (t->kind != TARN_TRANSFORM_BUCKET && t->kind != TARN_TRANSFORM_TRUNCATE));
    *out = (struct tarn_value){.is_null = v->is_null || t->kind == TARN_TRANSFORM_VOID};
    if (out->is_null)
        return TARN_OK;
    switch (t->kind) {
    case TARN_TRANSFORM_IDENTITY:
        *out = *v;
        return TARN_OK;
    case TARN_TRANSFORM_BUCKET:
        out->i = (int64_t)((hash_value(source, v) & INT32_MAX) % (uint32_t)t->param);
        return TARN_OK;
    case TARN_TRANSFORM_TRUNCATE:
        return apply_truncate(op, t, source, v, out);
    default:
        return apply_time(op, t, source, v->i, &out->i);
    }
}

/* ---- for people */

static struct tarn_str base64(struct tarn_op *op, struct tarn_str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *p = tarn_alloc(op, (bytes.len + 2) / 3 * 4 + 1);
    size_t n = 0;
    if (!p)
        return (struct tarn_str){0};
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t three = 0;
        for (size_t k = 0; k < 3; k++)
            three = three << 8 | (i + k < bytes.len ? (unsigned char)bytes.ptr[i + k] : 0);
        for (size_t k = 0; k < 4; k++) {
            bool pad = i + k > bytes.len; /* k digits carry k - 1 whole bytes */
            p[n++] = pad ? '=' : digits[three >> (18 - 6 * k) & 63];
        }
    }
    return tarn_str_of(p, n);
}

/* At least four characters, a sign among them, as Iceberg Java's paths have them. */
static struct tarn_str year_text(struct tarn_op *op, int64_t year, const char *rest)
{
    return tarn_sprintf(op, "%04lld%s", (long long)year, rest);
}

static struct tarn_str time_human(struct tarn_op *op, const struct tarn_transform *t, int64_t v)
{
    char rest[16];
    int64_t days = t->kind == TARN_TRANSFORM_HOUR ? tarn__floor_div(v, 24) : v;
    struct tarn_date date = tarn_date_of_days(days);
    switch (t->kind) {
    case TARN_TRANSFORM_YEAR:
        return year_text(op, 1970 + v, "");
    case TARN_TRANSFORM_MONTH:
        (void)snprintf(rest, sizeof rest, "-%02d", (int)(v - 12 * tarn__floor_div(v, 12)) + 1);
        return year_text(op, 1970 + tarn__floor_div(v, 12), rest);
    case TARN_TRANSFORM_DAY:
        (void)snprintf(rest, sizeof rest, "-%02d-%02d", date.month, date.day);
        return year_text(op, date.year, rest);
    default:
        (void)snprintf(rest, sizeof rest, "-%02d-%02d-%02d", date.month, date.day,
                       (int)(v - 24 * days));
        return year_text(op, date.year, rest);
    }
}

struct tarn_str tarn_transform_human(struct tarn_op *op, const struct tarn_transform *t,
                                     const struct tarn_type *source, const struct tarn_value *v)
{
    char local[TARN__TIME_TEXT_MAX];
    struct tarn_type type = tarn_transform_result(t, source);
    if (v->is_null)
        return tarn_strdup(op, TARN_STR("null"));
    if (t->kind >= TARN_TRANSFORM_YEAR && t->kind <= TARN_TRANSFORM_HOUR)
        return time_human(op, t, v->i);
    if (type.kind == TARN_TYPE_FIXED || type.kind == TARN_TYPE_BINARY)
        return base64(op, v->bytes);
    if (type.kind == TARN_TYPE_DATE)
        return time_human(op, &(struct tarn_transform){.kind = TARN_TRANSFORM_DAY}, v->i);
    if (tarn__is_timestamp(type.kind)) {
        size_t n = tarn__time_format(&type, v->i, (struct tarn__time_style){.iso = true}, local);
        return tarn_strdup(op, tarn_str_of(local, n));
    }
    return tarn_value_text(op, &type, v);
}
