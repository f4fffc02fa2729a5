/* value_text: single values as text that SQL, people and the engine's statistics have. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/decimal.h"
#include "format/iceberg/value_int.h"

/* ---- uuid and hexadecimal digits */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool tarn__hex_parse(struct tarn_str text, unsigned char *out)
{
    if (text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_digit(text.ptr[i]), low = hex_digit(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (unsigned char)(high << 4 | low);
    }
    return true;
}

bool tarn__uuid_parse(struct tarn_str text, unsigned char out[16])
{
    char digits[32];
    size_t n = 0;
    if (text.len != TARN__UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.ptr[i] == '-'))
            return false;
        if (!dash)
            digits[n++] = text.ptr[i];
    }
    return tarn__hex_parse(tarn_str_of(digits, n), out);
}

void tarn__uuid_format(const unsigned char bytes[16], char out[TARN__UUID_TEXT + 1])
{
    static const char hex[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[n++] = '-';
        out[n++] = hex[bytes[i] >> 4];
        out[n++] = hex[bytes[i] & 15];
    }
    out[n] = '\0';
}

/* ---- floating point */

/* "5e+02" is for machines: within 1e-5 to 1e16 a number is written without exponent. */
static int spell_out(double v, int digits, int n, char out[TARN__FLOAT_TEXT_MAX])
{
    char with_exponent[TARN__FLOAT_TEXT_MAX];
    if (!strchr(out, 'e'))
        return n;
    (void)snprintf(with_exponent, sizeof with_exponent, "%.*e", digits - 1, v);
    long exponent = strtol(strchr(with_exponent, 'e') + 1, NULL, 10);
    if (exponent < -5 || exponent >= 16)
        return n;
    int decimals = digits - 1 - (int)exponent;
    return snprintf(out, TARN__FLOAT_TEXT_MAX, "%.*f", decimals > 0 ? decimals : 0, v);
}

size_t tarn__float_format(enum tarn_type_kind kind, double v, char out[TARN__FLOAT_TEXT_MAX])
{
    int most = kind == TARN_TYPE_FLOAT ? 9 : 17;
    if (isnan(v))
        return (size_t)snprintf(out, TARN__FLOAT_TEXT_MAX, "nan");
    if (isinf(v))
        return (size_t)snprintf(out, TARN__FLOAT_TEXT_MAX, v < 0 ? "-inf" : "inf");
    int n = 0;
    for (int digits = 1; digits <= most; digits++) {
        n = snprintf(out, TARN__FLOAT_TEXT_MAX, "%.*g", digits, v);
        bool same =
            kind == TARN_TYPE_FLOAT ? strtof(out, NULL) == (float)v : strtod(out, NULL) == v;
        if (same) {
            n = spell_out(v, digits, n, out);
            break;
        }
    }
    if (!strpbrk(out, ".e"))
        n += snprintf(out + n, TARN__FLOAT_TEXT_MAX - (size_t)n, ".0");
    return (size_t)n;
}

/* "nan", "inf", "infinity" in any case, with a sign. */
static bool parse_special(struct tarn_str text, double *out)
{
    bool minus = tarn_str_starts(text, TARN_STR("-"));
    if (minus || tarn_str_starts(text, TARN_STR("+")))
        text = tarn_str_of(text.ptr + 1, text.len - 1);
    bool inf =
        tarn_str_eq_nocase(text, TARN_STR("inf")) || tarn_str_eq_nocase(text, TARN_STR("infinity"));
    if (!inf && !tarn_str_eq_nocase(text, TARN_STR("nan")))
        return false;
    double v = inf ? (double)INFINITY : (double)NAN;
    *out = minus ? -v : v;
    return true;
}

static bool parse_float(enum tarn_type_kind kind, struct tarn_str text, double *out)
{
    char local[512];
    if (parse_special(text, out))
        return true;
    if (!tarn_str_to_double(text, out) || !isfinite(*out))
        return false;
    if (kind == TARN_TYPE_DOUBLE)
        return true;
    /* Rounding twice (text -> double -> float) may end one step off. */
    if (text.len >= sizeof local)
        return false;
    memcpy(local, text.ptr, text.len);
    local[text.len] = '\0';
    *out = (double)strtof(local, NULL);
    return isfinite(*out);
}

/* ---- from text */

static bool parse_bool(struct tarn_str text, int64_t *out)
{
    *out = tarn_str_eq_nocase(text, TARN_STR("true")) || tarn_str_is(text, "1");
    return *out || tarn_str_eq_nocase(text, TARN_STR("false")) || tarn_str_is(text, "0");
}

static bool parse_int(enum tarn_type_kind kind, struct tarn_str text, int64_t *out)
{
    if (!tarn_str_to_i64(text, out))
        return false;
    return kind == TARN_TYPE_LONG || (*out >= INT32_MIN && *out <= INT32_MAX);
}

static enum tarn_status fail_text(struct tarn_op *op, const struct tarn_type *t,
                                  struct tarn_str text)
{
    struct tarn_str type = tarn_type_text(op, t);
    if (!type.ptr)
        return op->report.status;
    int shown = text.len > 100 ? 100 : (int)text.len;
    return tarn_fail(op, TARN_INVALID, "\"%.*s\" is not a value of type %.*s", shown,
                     text.ptr ? text.ptr : "", TARN_STR_ARG(type));
}

static enum tarn_status decimal_from_text(struct tarn_op *op, const struct tarn_type *t,
                                          struct tarn_str text, struct tarn_value *out)
{
    struct tarn_decimal_type type = {t->precision, t->scale};
    enum tarn_decimal_result result = tarn_decimal_parse(text, type, TARN_DECIMAL_EXACT, &out->dec);
    if (result == TARN_DECIMAL_OK)
        return TARN_OK;
    (void)fail_text(op, t, text);
    if (op->report.status == TARN_INVALID)
        tarn_detail(op, "it %s", tarn_decimal_result_text(result));
    return op->report.status;
}

static enum tarn_status bytes_from_text(struct tarn_op *op, const struct tarn_type *t,
                                        struct tarn_str text, struct tarn_value *out)
{
    unsigned char *p = tarn_alloc(op, text.len / 2 + 16);
    if (!p)
        return op->report.status;
    if (t->kind == TARN_TYPE_UUID) {
        out->bytes = tarn_str_of(p, 16);
        return tarn__uuid_parse(text, p) ? TARN_OK : fail_text(op, t, text);
    }
    out->bytes = tarn_str_of(p, text.len / 2);
    if (!tarn__hex_parse(text, p) ||
        (t->kind == TARN_TYPE_FIXED && out->bytes.len != (size_t)t->length))
        return fail_text(op, t, text);
    return TARN_OK;
}

static bool scalar_from_text(const struct tarn_type *t, struct tarn_str text,
                             struct tarn_value *out)
{
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        return parse_bool(text, &out->i);
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return parse_int(t->kind, text, &out->i);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return parse_float(t->kind, text, &out->d);
    case TARN_TYPE_STRING:
        out->bytes = text.ptr ? text : TARN_STR("");
        return tarn_utf8_valid(text);
    default:
        return tarn__time_parse(t, text, &out->i);
    }
}

enum tarn_status tarn_value_from_text(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_str text, struct tarn_value *out)
{
    *out = (struct tarn_value){0};
    if (t->kind >= TARN_TYPE_UNKNOWN)
        return tarn_fail(op, TARN_UNSUPPORTED, "a value of type %s cannot be read from text",
                         tarn_type_is_nested(t) ? "struct, list or map" : "variant or geometry");
    if (t->kind != TARN_TYPE_STRING)
        text = tarn_str_trim(text);
    switch (t->kind) {
    case TARN_TYPE_DECIMAL:
        return decimal_from_text(op, t, text, out);
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return bytes_from_text(op, t, text, out);
    default:
        return scalar_from_text(t, text, out) ? TARN_OK : fail_text(op, t, text);
    }
}

/* ---- to text */

static struct tarn_str hex_text(struct tarn_op *op, struct tarn_str bytes)
{
    struct tarn_buf b;
    struct tarn_str out = {0};
    tarn_buf_init(&b, SIZE_MAX);
    tarn_buf_hex(&b, bytes.ptr, bytes.len);
    if (tarn_buf_take(op, &b, "hexadecimal text", &out) != TARN_OK)
        return (struct tarn_str){0};
    return out;
}

struct tarn_str tarn_value_text(struct tarn_op *op, const struct tarn_type *t,
                                const struct tarn_value *v)
{
    char local[TARN__TIME_TEXT_MAX];
    _Static_assert(sizeof local >= TARN_DECIMAL_TEXT_MAX && sizeof local >= TARN__FLOAT_TEXT_MAX,
                   "room for every text");
    if (v->is_null)
        return tarn_strdup(op, TARN_STR("null"));
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        return tarn_strdup(op, v->i ? TARN_STR("true") : TARN_STR("false"));
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return tarn_sprintf(op, "%lld", (long long)v->i);
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return tarn_strdup(op, tarn_str_of(local, tarn__float_format(t->kind, v->d, local)));
    case TARN_TYPE_DECIMAL:
        return tarn_strdup(op, tarn_str_of(local, tarn_decimal_format(v->dec, t->scale, local)));
    case TARN_TYPE_STRING:
        return tarn_strdup(op, v->bytes);
    case TARN_TYPE_UUID:
        if (v->bytes.len != 16)
            return hex_text(op, v->bytes);
        tarn__uuid_format((const unsigned char *)v->bytes.ptr, local);
        return tarn_strdup(op, tarn_str_view(local));
    default:
        if (t->kind == TARN_TYPE_DATE || t->kind == TARN_TYPE_TIME || tarn__is_timestamp(t->kind)) {
            size_t n = tarn__time_format(t, v->i, (struct tarn__time_style){0}, local);
            return tarn_strdup(op, tarn_str_of(local, n));
        }
        return hex_text(op, v->bytes);
    }
}
