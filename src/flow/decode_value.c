/* decode_value: from a value as it stood in the source to a row of a column, exactly or not at
 * all. The table of what goes where is in docs/types.md. */
#include "flow/decode_int.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/decimal.h"

#define US_PER_DAY INT64_C(86400000000)

/* ---- observation */

/* Does a column hold all that the shape now asks for? Where the two differ the value itself is
 * still checked as it is stored. */
static bool column_holds(const struct tarn__plan *n)
{
    int scale;
    enum tarn_type_kind wanted = tarn__shape_kind(n->shape, &scale);
    if (wanted == n->kind && wanted != TARN_TYPE_DECIMAL)
        return true;
    switch (n->kind) {
    case TARN_TYPE_INT:
        return wanted == TARN_TYPE_LONG;
    case TARN_TYPE_FLOAT:
        return wanted == TARN_TYPE_DOUBLE;
    case TARN_TYPE_DOUBLE:
        return wanted == TARN_TYPE_LONG;
    case TARN_TYPE_DECIMAL:
        return wanted == TARN_TYPE_LONG ||
               (wanted == TARN_TYPE_DECIMAL && scale <= n->column->type->scale);
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return wanted == TARN_TYPE_TIMESTAMPTZ;
    case TARN_TYPE_FIXED:
        return wanted == TARN_TYPE_BINARY;
    case TARN_TYPE_MAP:
        return wanted == TARN_TYPE_STRUCT;
    default:
        return false;
    }
}

void tarn__observe_slow(struct tarn__decode *d, struct tarn__plan *n, struct tarn__seen seen)
{
    if (n->declared || (d->apply && !n->shape))
        return;
    if (!d->apply) {
        d->changed = true;
        return;
    }
    tarn__shape_add(n->shape, seen);
    if (n->column && !column_holds(n))
        d->unfit = true;
}

bool tarn__put(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    if (v->kind != TARN__V_NULL)
        tarn__observe(d, n, v->seen);
    return tarn__store(d, n, v);
}

/* ---- what cannot be stored */

bool tarn__no_room(struct tarn__decode *d)
{
    if (d->budget.over)
        (void)tarn__letter(d, "the document takes more than %zu MiB as columns",
                           d->budget.max >> 20);
    else
        (void)tarn__fail_nomem(d);
    return false;
}

#define SHOWN_MAX 80

/* A value for a message: text in quotes, cut. */
static struct tarn_str shown(const struct tarn__value *v)
{
    struct tarn_str s = v->kind == TARN__V_TEXT || v->kind == TARN__V_NUMBER ? v->text : v->raw;
    if (!s.ptr)
        s = v->kind == TARN__V_BOOL ? tarn_str_view(v->boolean ? "true" : "false") : s;
    if (s.len > SHOWN_MAX)
        s.len = SHOWN_MAX;
    while (s.len > 0 && s.len == SHOWN_MAX && (s.ptr[s.len - 1] & 0xC0) == 0x80)
        s.len--;
    return s;
}

/* The column cannot hold the value: a dead letter where it is declared, else a wider type is
 * needed. */
static bool unfit(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v,
                  const char *why)
{
    if (n->strict) {
        struct tarn_str s = shown(v);
        (void)tarn__letter(d, "'%.*s' %s", TARN_STR_ARG(s), why);
        return false;
    }
    d->unfit = true;
    return tarn__column_append_null(n->column) || tarn__no_room(d);
}

static bool done(struct tarn__decode *d, bool appended)
{
    return appended || tarn__no_room(d);
}

/* ---- numbers */

/* Puts a number of decimal.h's grammar into JSON's. */
static bool normalise(struct tarn_buf *b, struct tarn_str s)
{
    struct tarn_str mantissa = s, whole;
    size_t e = 0;
    while (e < s.len && (s.ptr[e] | 0x20) != 'e')
        e++;
    mantissa.len = e;
    tarn_buf_reset(b);
    if (mantissa.len > 0 && (*mantissa.ptr == '+' || *mantissa.ptr == '-')) {
        if (*mantissa.ptr == '-')
            tarn_buf_put(b, '-');
        mantissa.ptr++;
        mantissa.len--;
    }
    struct tarn_str fraction = mantissa;
    (void)tarn_str_cut(&fraction, '.', &whole);
    while (whole.len > 1 && *whole.ptr == '0') {
        whole.ptr++;
        whole.len--;
    }
    tarn_buf_str(b, whole.len > 0 ? whole : TARN_STR("0"));
    if (fraction.len > 0) {
        tarn_buf_put(b, '.');
        tarn_buf_str(b, fraction);
    }
    tarn_buf_append(b, s.ptr + e, s.len - e);
    return !b->failed;
}

bool tarn__number_of_text(struct tarn__decode *d, struct tarn_str text, struct tarn__number *out)
{
    struct tarn_decimal_shape measured;
    if (text.len == 0)
        return false;
    const char *end = tarn__number_scan(text.ptr, out);
    if (end == text.ptr + text.len)
        return true;
    if (!tarn_decimal_measure(text, &measured) || !normalise(&d->digits, text))
        return false;
    end = tarn__number_scan(d->digits.ptr, out);
    return end == d->digits.ptr + d->digits.len;
}

/* The value as a number, if the column takes it for one; texts only where that was declared. */
static bool as_number(struct tarn__decode *d, const struct tarn__plan *n,
                      const struct tarn__value *v, struct tarn__number *out)
{
    if (v->kind == TARN__V_NUMBER && !v->special) {
        *out = v->number;
        return true;
    }
    return n->strict && v->kind == TARN__V_TEXT && tarn__number_of_text(d, v->text, out);
}

static bool store_integer(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    struct tarn__number number;
    int64_t i;
    if (!as_number(d, n, v, &number))
        return unfit(d, n, v, "is not a number");
    /* Where nothing is declared only digits alone are an integer: 5.0 and -0 would not be
     * printed back. */
    if (!n->strict && (v->seen.flags & (TARN__S_NUMBERS | TARN__S_NOT_LONG)) != TARN__S_INT)
        return unfit(d, n, v, "is not an integer");
    if (!tarn__number_to_long(&number, &i))
        return unfit(d, n, v, "is not an integer of 64 bits");
    if (n->kind == TARN_TYPE_LONG)
        return done(d, tarn__column_append_long(n->column, i));
    if (i < INT32_MIN || i > INT32_MAX)
        return unfit(d, n, v, "is not an integer of 32 bits");
    return done(d, tarn__column_append_int(n->column, (int32_t)i));
}

static bool special_double(struct tarn_str text, double *out)
{
    if (tarn_str_is(text, "NaN"))
        *out = (double)NAN;
    else if (tarn_str_is(text, "Infinity"))
        *out = (double)INFINITY;
    else if (tarn_str_is(text, "-Infinity"))
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

static bool store_double(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    struct tarn__number number;
    double x;
    bool from_decimal = v->seen.flags & TARN__S_DECIMAL;
    bool special = v->kind == TARN__V_NUMBER ? v->special && (n->strict || !from_decimal)
                                             : v->kind == TARN__V_TEXT && n->strict;
    if (special && special_double(v->text, &x))
        return done(d, tarn__column_append_double(n->column, x));
    if (!as_number(d, n, v, &number) || (from_decimal && !n->strict))
        return unfit(d, n, v, "is not a number");
    bool exact = (v->seen.flags & TARN__S_DOUBLE) || tarn__number_is_double(&number);
    if (!exact)
        return unfit(d, n, v, "has more digits than a double holds");
    x = tarn__number_to_double(&number);
    if (!isfinite(x))
        return unfit(d, n, v, "is too large for a double");
    return done(d, tarn__column_append_double(n->column, x));
}

static bool store_float(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    struct tarn__number number;
    double x;
    if ((v->kind == TARN__V_NUMBER ? v->special : v->kind == TARN__V_TEXT && n->strict) &&
        special_double(v->text, &x))
        return done(d, tarn__column_append_float(n->column, (float)x));
    if (!as_number(d, n, v, &number))
        return unfit(d, n, v, "is not a number");
    x = tarn__number_to_double(&number);
    bool same =
        (v->seen.flags & TARN__S_DOUBLE) && fabs(x) <= (double)FLT_MAX && (double)(float)x == x;
    if (!same && !tarn__number_is_float(&number))
        return unfit(d, n, v, "has more digits than a float holds");
    return done(
        d, tarn__column_append_float(n->column, same ? (float)x : strtof(number.text.ptr, NULL)));
}

static const char *decimal_trouble(struct tarn__decode *d, const struct tarn__number *number,
                                   const struct tarn_type *t, enum tarn_decimal_result r)
{
    struct tarn_decimal_shape s = {0};
    (void)tarn_decimal_measure(number->text, &s);
    tarn_buf_reset(&d->bytes);
    if (r == TARN_DECIMAL_INEXACT)
        tarn_buf_printf(&d->bytes, "has %d fraction digit%s; decimal(%d,%d) holds %d", s.scale_min,
                        s.scale_min == 1 ? "" : "s", t->precision, t->scale, t->scale);
    else
        tarn_buf_printf(&d->bytes, "has %d digit%s before the point; decimal(%d,%d) holds %d",
                        s.whole_digits, s.whole_digits == 1 ? "" : "s", t->precision, t->scale,
                        t->precision - t->scale);
    return d->bytes.failed ? "does not fit the column" : d->bytes.ptr;
}

static bool store_decimal(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    struct tarn__number number;
    const struct tarn_type *t = n->column->type;
    __int128 unscaled;
    if (!as_number(d, n, v, &number))
        return unfit(d, n, v, "is not a number");
    enum tarn_decimal_result r =
        tarn_decimal_parse(number.text, (struct tarn_decimal_type){t->precision, t->scale},
                           TARN_DECIMAL_EXACT, &unscaled);
    if (r == TARN_DECIMAL_OK)
        return done(d, tarn__column_append_int128(n->column, unscaled));
    return unfit(d, n, v, n->strict ? decimal_trouble(d, &number, t, r) : "");
}

/* ---- times */

/* "2025-05-31 10:00:00.5" without an offset, or the day alone. */
static bool local_time_parse(struct tarn_str text, int64_t *out_us)
{
    char buf[64];
    int32_t days;
    if (text.len == 10 && tarn_date_parse(text, &days)) {
        *out_us = days * US_PER_DAY;
        return true;
    }
    if (text.len + 1 >= sizeof buf || text.len < 16)
        return false;
    char last = text.ptr[text.len - 1];
    if (last < '0' || last > '9')
        return false;
    /* An offset would make the parser refuse the Z. */
    memcpy(buf, text.ptr, text.len);
    buf[text.len] = 'Z';
    return tarn_time_parse(tarn_str_of(buf, text.len + 1), out_us);
}

static bool as_micros(const struct tarn__plan *n, const struct tarn__value *v, int64_t *out)
{
    if (v->kind == TARN__V_DATE) {
        *out = v->micros;
        return true;
    }
    if (v->kind != TARN__V_TEXT || !n->strict)
        return false;
    bool zoned = n->kind == TARN_TYPE_TIMESTAMPTZ || n->kind == TARN_TYPE_TIMESTAMPTZ_NS;
    return local_time_parse(v->text, out) || (zoned && tarn_time_parse(v->text, out));
}

static bool store_timestamp(struct tarn__decode *d, struct tarn__plan *n,
                            const struct tarn__value *v)
{
    int64_t us;
    /* An instant has no local time: only a declared column takes it, as UTC. */
    if ((v->kind == TARN__V_DATE && !n->strict &&
         (n->kind == TARN_TYPE_TIMESTAMP || n->kind == TARN_TYPE_TIMESTAMP_NS)) ||
        !as_micros(n, v, &us))
        return unfit(d, n, v,
                     n->kind == TARN_TYPE_TIMESTAMPTZ || n->kind == TARN_TYPE_TIMESTAMPTZ_NS
                         ? "is not an ISO 8601 time to the microsecond"
                         : "is not an ISO 8601 time to the microsecond without an offset");
    if (n->kind == TARN_TYPE_TIMESTAMP_NS || n->kind == TARN_TYPE_TIMESTAMPTZ_NS)
        if (__builtin_mul_overflow(us, (int64_t)1000, &us))
            return unfit(d, n, v, "is out of the range of nanoseconds");
    return done(d, tarn__column_append_long(n->column, us));
}

static bool store_date(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    int32_t days;
    if (n->strict && v->kind == TARN__V_DATE && v->micros % US_PER_DAY == 0 &&
        v->micros / US_PER_DAY >= INT32_MIN && v->micros / US_PER_DAY <= INT32_MAX)
        return done(d, tarn__column_append_int(n->column, (int32_t)(v->micros / US_PER_DAY)));
    if (!n->strict || v->kind != TARN__V_TEXT || !tarn_date_parse(v->text, &days))
        return unfit(d, n, v, "is not a date as YYYY-MM-DD");
    return done(d, tarn__column_append_int(n->column, days));
}

static bool store_time(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    char buf[64] = "1970-01-01T";
    int64_t us;
    bool fits = n->strict && v->kind == TARN__V_TEXT && v->text.len >= 8 && v->text.len < 40;
    if (fits)
        memcpy(buf + 11, v->text.ptr, v->text.len);
    if (!fits || !local_time_parse(tarn_str_of(buf, 11 + v->text.len), &us))
        return unfit(d, n, v, "is not a time as hh:mm:ss");
    return done(d, tarn__column_append_long(n->column, us));
}

/* ---- texts and bytes */

/* JSON without the white space between its tokens; what stands in quotes is kept as it is. */
static struct tarn_str compact(struct tarn__decode *d, struct tarn_str json)
{
    bool quoted = false;
    const char *p = json.ptr, *end = json.ptr + json.len, *run = p;
    if (!memchr(p, ' ', json.len) && !memchr(p, '\n', json.len) && !memchr(p, '\t', json.len) &&
        !memchr(p, '\r', json.len))
        return json;
    tarn_buf_reset(&d->json);
    for (; p < end; p++) {
        if (quoted && *p == '\\') {
            p++;
        } else if (*p == '"') {
            quoted = !quoted;
        } else if (!quoted && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')) {
            tarn_buf_append(&d->json, run, (size_t)(p - run));
            run = p + 1;
        }
    }
    tarn_buf_append(&d->json, run, (size_t)(end - run));
    return d->json.failed ? (struct tarn_str){NULL, 0} : tarn_buf_view(&d->json);
}

static bool store_string(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    struct tarn_str s = v->text;
    if (v->kind == TARN__V_BOOL)
        s = tarn_str_view(v->boolean ? "true" : "false");
    else if (v->kind != TARN__V_TEXT && v->kind != TARN__V_NUMBER)
        s = compact(d, v->raw);
    if (!s.ptr)
        return tarn__fail_nomem(d) != NULL;
    return done(d, tarn__column_append_bytes(n->column, s.ptr, s.len));
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool tarn__decode_uuid(struct tarn_str s, unsigned char out[16])
{
    bool dashes = s.len == 36;
    if (!dashes && s.len != 32)
        return false;
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && s.ptr[at++] != '-')
            return false;
        int high = hex_digit(s.ptr[at]), low = hex_digit(s.ptr[at + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (unsigned char)(high << 4 | low);
        at += 2;
    }
    return true;
}

static bool store_uuid(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    unsigned char id[16];
    if (v->kind == TARN__V_UUID || (n->strict && v->kind == TARN__V_BINARY && v->text.len == 16))
        return done(d, tarn__column_append_fixed(n->column, v->text.ptr));
    if (n->strict && v->kind == TARN__V_TEXT && tarn__decode_uuid(v->text, id))
        return done(d, tarn__column_append_fixed(n->column, id));
    return unfit(d, n, v, "is not a UUID");
}

static bool store_bytes(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    if (v->kind != TARN__V_BINARY && !(v->kind == TARN__V_UUID && n->strict))
        return unfit(d, n, v, "is not binary");
    if (n->kind == TARN_TYPE_BINARY)
        return done(d, tarn__column_append_bytes(n->column, v->text.ptr, v->text.len));
    if (v->text.len != (size_t)n->column->type->length)
        return unfit(d, n, v, "has not the length of the column");
    return done(d, tarn__column_append_fixed(n->column, v->text.ptr));
}

static bool store_boolean(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    bool text = n->strict && v->kind == TARN__V_TEXT;
    bool yes = v->kind == TARN__V_BOOL ? v->boolean : text && tarn_str_is(v->text, "true");
    if (!yes && v->kind != TARN__V_BOOL && !(text && tarn_str_is(v->text, "false")))
        return unfit(d, n, v, "is not true or false");
    return done(d, tarn__column_append_bool(n->column, yes));
}

/* ---- all of them */

bool tarn__store_null(struct tarn__decode *d, struct tarn__plan *n)
{
    if (!n->column)
        return true;
    if (n->required) {
        (void)tarn__letter(d, "is missing or null, but the column is required");
        return false;
    }
    return done(d, tarn__column_append_null(n->column));
}

bool tarn__store(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v)
{
    if (!n->column)
        return true;
    if (v->kind == TARN__V_NULL)
        return tarn__store_null(d, n);
    switch ((enum tarn_type_kind)n->kind) {
    case TARN_TYPE_BOOLEAN:
        return store_boolean(d, n, v);
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return store_integer(d, n, v);
    case TARN_TYPE_FLOAT:
        return store_float(d, n, v);
    case TARN_TYPE_DOUBLE:
        return store_double(d, n, v);
    case TARN_TYPE_DECIMAL:
        return store_decimal(d, n, v);
    case TARN_TYPE_DATE:
        return store_date(d, n, v);
    case TARN_TYPE_TIME:
        return store_time(d, n, v);
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        return store_timestamp(d, n, v);
    case TARN_TYPE_STRING:
        return store_string(d, n, v);
    case TARN_TYPE_UUID:
        return store_uuid(d, n, v);
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return store_bytes(d, n, v);
    case TARN_TYPE_LIST:
        return unfit(d, n, v, "is not a list");
    default:
        return unfit(d, n, v, "is not a document");
    }
}
