/* value_json: JSON single values of primitive types (spec appendix D). */
#include <math.h>

#include "base/decimal.h"
#include "format/iceberg/value_int.h"

/* ---- writing */

static enum tarn_status put_hex(struct tarn_json_writer *w, struct tarn_str bytes)
{
    struct tarn_buf b;
    tarn_buf_init(&b, SIZE_MAX);
    tarn_buf_hex(&b, bytes.ptr, bytes.len);
    bool failed = b.failed;
    if (!failed)
        tarn_json_put_str(w, tarn_buf_view(&b));
    tarn_buf_release(&b);
    return failed ? TARN_NOMEM : TARN_OK;
}

static enum tarn_status put_float(struct tarn_json_writer *w, const struct tarn_type *t, double d)
{
    char text[TARN__FLOAT_TEXT_MAX];
    if (!isfinite(d))
        return TARN_UNSUPPORTED; /* JSON has no such number, and the spec no text for it */
    tarn_json_put_raw(w, tarn_str_of(text, tarn__float_format(t->kind, d, text)));
    return TARN_OK;
}

static enum tarn_status put_bytes(struct tarn_json_writer *w, const struct tarn_type *t,
                                  struct tarn_str bytes)
{
    char uuid[TARN__UUID_TEXT + 1];
    if (t->kind == TARN_TYPE_STRING) {
        if (!tarn_utf8_valid(bytes))
            return TARN_INVALID; /* the writer would change it */
        tarn_json_put_str(w, bytes);
        return TARN_OK;
    }
    if (t->kind != TARN_TYPE_UUID)
        return put_hex(w, bytes);
    if (bytes.len != 16)
        return TARN_INVALID;
    tarn__uuid_format((const unsigned char *)bytes.ptr, uuid);
    tarn_json_put_z(w, uuid);
    return TARN_OK;
}

enum tarn_status tarn_value_to_json(struct tarn_json_writer *w, const struct tarn_type *t,
                                    const struct tarn_value *v)
{
    char text[TARN__TIME_TEXT_MAX];
    if (t->kind >= TARN_TYPE_UNKNOWN && !v->is_null)
        return TARN_UNSUPPORTED;
    if (v->is_null) {
        tarn_json_put_null(w);
        return TARN_OK;
    }
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        tarn_json_put_bool(w, v->i != 0);
        return TARN_OK;
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        tarn_json_put_i64(w, v->i);
        return TARN_OK;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return put_float(w, t, v->d);
    case TARN_TYPE_DECIMAL:
        tarn_json_put_str(w, tarn_str_of(text, tarn_decimal_format(v->dec, t->scale, text)));
        return TARN_OK;
    case TARN_TYPE_STRING:
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return put_bytes(w, t, v->bytes);
    default:
        tarn_json_put_str(
            w, tarn_str_of(
                   text, tarn__time_format(t, v->i, (struct tarn__time_style){.iso = true}, text)));
        return TARN_OK;
    }
}

/* ---- reading */

static enum tarn_status fail_json(struct tarn_op *op, const struct tarn_type *t,
                                  const struct tarn_json *j)
{
    struct tarn_str type = tarn_type_text(op, t);
    if (!type.ptr)
        return op->report.status;
    int shown = j->raw.len > 100 ? 100 : (int)j->raw.len;
    return tarn_fail(op, TARN_INVALID, "%.*s is not a JSON value of type %.*s", shown, j->raw.ptr,
                     TARN_STR_ARG(type));
}

/* The kind of JSON that a type's values have. */
static enum tarn_json_kind kind_of(enum tarn_type_kind kind)
{
    if (kind == TARN_TYPE_BOOLEAN)
        return TARN_JSON_K_BOOL;
    return kind <= TARN_TYPE_DOUBLE ? TARN_JSON_K_NUMBER : TARN_JSON_K_STRING;
}

/* A decimal's text has exactly the scale's digits, as Iceberg Java wants it; "2E+20" stands for a negative scale, which we do not have. */
static bool decimal_has_scale(const struct tarn_type *t, struct tarn_str text)
{
    struct tarn_decimal_shape shape;
    return tarn_decimal_measure(text, &shape) && shape.scale == t->scale;
}

enum tarn_status tarn_value_from_json(struct tarn_op *op, const struct tarn_type *t,
                                      const struct tarn_json *j, struct tarn_value *out)
{
    *out = (struct tarn_value){0};
    if (j->kind == TARN_JSON_K_NULL) {
        out->is_null = true;
        return TARN_OK;
    }
    if (t->kind >= TARN_TYPE_UNKNOWN)
        return tarn_fail(op, TARN_UNSUPPORTED, "a value of this type cannot be read from JSON");
    if (j->kind != kind_of(t->kind))
        return fail_json(op, t, j);
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        out->i = j->boolean;
        return TARN_OK;
    case TARN_TYPE_DECIMAL:
        if (!decimal_has_scale(t, j->text))
            return fail_json(op, t, j);
        return tarn_value_from_text(op, t, j->text, out);
    case TARN_TYPE_DATE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return tarn__time_parse_json(t, j->text, &out->i) ? TARN_OK : fail_json(op, t, j);
    default:
        return tarn_value_from_text(op, t, j->text, out);
    }
}

/* ---- promotion */

/* Days, in the unit of a timestamp; false: out of its range. */
static bool date_to_timestamp(const struct tarn_type *to, int64_t days, int64_t *out)
{
    int64_t unit = to->kind == TARN_TYPE_TIMESTAMP_NS ? 1000000000 : 1000000;
    return !__builtin_mul_overflow(days, 86400 * unit, out);
}

enum tarn_status tarn_default_promoted(struct tarn_op *op, const struct tarn_type *from,
                                       const struct tarn_type *to, struct tarn_str json,
                                       struct tarn_str *out)
{
    struct tarn_json *j;
    struct tarn_value v;
    struct tarn_buf b;
    struct tarn_json_writer w;
    *out = json;
    if (!json.ptr || from->kind != TARN_TYPE_DATE ||
        (to->kind != TARN_TYPE_TIMESTAMP && to->kind != TARN_TYPE_TIMESTAMP_NS))
        return TARN_OK;
    TARN_TRY(tarn_json_parse(op, json, "a default", &j));
    TARN_TRY(tarn_value_from_json(op, from, j, &v));
    if (!v.is_null && !date_to_timestamp(to, v.i, &v.i))
        return tarn_fail(op, TARN_DATA, "the default %.*s is beyond the range of %s",
                         TARN_STR_ARG(json), tarn_type_text(op, to).ptr);
    tarn_buf_init(&b, 4096);
    tarn_json_writer_init(&w, &b);
    enum tarn_status status = tarn_value_to_json(&w, to, &v);
    if (status == TARN_OK)
        return (enum tarn_status)tarn_buf_take(op, &b, "a default", out);
    tarn_buf_release(&b);
    return tarn_fail(op, status, "the default %.*s cannot be promoted", TARN_STR_ARG(json));
}
