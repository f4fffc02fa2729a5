/* decimal: see decimal.h. A text is cut into digits and a power of ten; zeros in front never
 * count. */
#include "base/decimal.h"

#include "base/op.h"

#define EXPONENT_MAX \
    ((int64_t)1 << 40) /* far past any length of text, and sums stay within int64_t */

struct parts {
    bool negative;
    struct tarn_str whole, fraction; /* digits */
    int64_t exponent;
};

static size_t count_digits(struct tarn_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

static void advance(struct tarn_str *s, size_t n)
{
    s->ptr += n;
    s->len -= n;
}

static bool take_exponent(struct tarn_str *s, int64_t *out)
{
    bool negative = false;
    int64_t v = 0;
    advance(s, 1);
    if (s->len > 0 && (*s->ptr == '-' || *s->ptr == '+')) {
        negative = *s->ptr == '-';
        advance(s, 1);
    }
    size_t n = count_digits(*s);
    for (size_t i = 0; i < n; i++)
        if (v < EXPONENT_MAX)
            v = v * 10 + (s->ptr[i] - '0');
    advance(s, n);
    v = v < EXPONENT_MAX ? v : EXPONENT_MAX;
    *out = negative ? -v : v;
    return n > 0;
}

static bool cut(struct tarn_str s, struct parts *p)
{
    *p = (struct parts){.whole = TARN_STR(""), .fraction = TARN_STR("")};
    if (s.len > 0 && (*s.ptr == '-' || *s.ptr == '+')) {
        p->negative = *s.ptr == '-';
        advance(&s, 1);
    }
    if (s.len == 0)
        return false;
    p->whole = tarn_str_of(s.ptr, count_digits(s));
    advance(&s, p->whole.len);
    if (s.len > 0 && *s.ptr == '.') {
        advance(&s, 1);
        p->fraction = tarn_str_of(s.ptr, count_digits(s));
        advance(&s, p->fraction.len);
    }
    if (p->whole.len + p->fraction.len == 0)
        return false;
    if (s.len > 0 && (*s.ptr | 0x20) == 'e' && !take_exponent(&s, &p->exponent))
        return false;
    return s.len == 0;
}

static size_t leading_zeros(struct tarn_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] == '0')
        n++;
    return n;
}

/* Drops the zeros in front; all digits gone means zero. */
static void strip(struct parts *p)
{
    advance(&p->whole, leading_zeros(p->whole));
    if (p->whole.len > 0)
        return;
    size_t zeros = leading_zeros(p->fraction);
    if (zeros == p->fraction.len)
        advance(&p->fraction, zeros);
}

static int digit_at(const struct parts *p, size_t i)
{
    return (i < p->whole.len ? p->whole.ptr[i] : p->fraction.ptr[i - p->whole.len]) - '0';
}

static unsigned __int128 power_of_ten(int n)
{
    unsigned __int128 v = 1;
    for (; n >= 19; n -= 19)
        v *= 10000000000000000000u;
    uint64_t small = 1;
    for (; n > 0; n--)
        small *= 10;
    return v * small;
}

/* The first n digits as an integer; n leading digits hold at most 38 that are not zeros in
 * front. */
static unsigned __int128 take_digits(const struct parts *p, size_t n)
{
    unsigned __int128 v = 0;
    for (size_t i = 0; i < n;) {
        /* Eighteen at a time in 64 bits: 128-bit products are slow. */
        uint64_t chunk = 0, factor = 1;
        for (int k = 0; k < 18 && i < n; k++, i++, factor *= 10)
            chunk = chunk * 10 + (uint64_t)digit_at(p, i);
        v = v * factor + chunk;
    }
    return v;
}

static bool any_digit_from(const struct parts *p, size_t from)
{
    for (size_t i = from, n = p->whole.len + p->fraction.len; i < n; i++)
        if (digit_at(p, i) != 0)
            return true;
    return false;
}

enum tarn_decimal_result tarn_decimal_parse(struct tarn_str text, struct tarn_decimal_type type,
                                            enum tarn_decimal_rounding rounding,
                                            __int128 *out_unscaled)
{
    struct parts p;
    TARN_ASSERT(type.precision >= 1 && type.precision <= TARN_DECIMAL_PRECISION_MAX);
    TARN_ASSERT(type.scale >= 0 && type.scale <= type.precision);
    if (!cut(text, &p))
        return TARN_DECIMAL_SYNTAX;
    strip(&p);
    size_t total = p.whole.len + p.fraction.len;
    size_t zeros = p.whole.len > 0 ? 0 : leading_zeros(p.fraction);
    *out_unscaled = 0;
    if (total == zeros)
        return TARN_DECIMAL_OK;
    /* unscaled = digits * 10^shift: a negative shift drops digits behind */
    int64_t shift = p.exponent - (int64_t)p.fraction.len + type.scale;
    int64_t kept = (int64_t)total + (shift < 0 ? shift : 0);
    int64_t result_digits = (int64_t)(total - zeros) + shift;
    if (result_digits > type.precision)
        return TARN_DECIMAL_OVERFLOW;
    bool drops = shift < 0 && any_digit_from(&p, kept > 0 ? (size_t)kept : 0);
    if (drops && rounding == TARN_DECIMAL_EXACT)
        return TARN_DECIMAL_INEXACT;
    unsigned __int128 v = kept > 0 ? take_digits(&p, (size_t)kept) : 0;
    if (shift > 0)
        v *= power_of_ten((int)shift);
    if (drops && kept >= 0 && digit_at(&p, (size_t)kept) >= 5)
        v++;
    if (v >= power_of_ten(type.precision))
        return TARN_DECIMAL_OVERFLOW;
    *out_unscaled = p.negative ? -(__int128)v : (__int128)v;
    return TARN_DECIMAL_OK;
}

const char *tarn_decimal_result_text(enum tarn_decimal_result result)
{
    switch (result) {
    case TARN_DECIMAL_SYNTAX:
        return "is not a decimal number";
    case TARN_DECIMAL_INEXACT:
        return "has more decimal places than the type holds";
    case TARN_DECIMAL_OVERFLOW:
        return "has more digits before the point than the type holds";
    default:
        return "fits";
    }
}

static int clamp(int64_t v)
{
    return v < 0 ? 0 : v > INT32_MAX ? INT32_MAX : (int)v;
}

bool tarn_decimal_measure(struct tarn_str text, struct tarn_decimal_shape *out)
{
    struct parts p;
    if (!cut(text, &p))
        return false;
    int64_t scale = (int64_t)p.fraction.len - p.exponent;
    strip(&p);
    int64_t total = (int64_t)(p.whole.len + p.fraction.len), trailing = 0;
    if (total == 0) {
        *out = (struct tarn_decimal_shape){.scale = clamp(scale)};
        return true;
    }
    int64_t zeros = p.whole.len > 0 ? 0 : (int64_t)leading_zeros(p.fraction);
    while (digit_at(&p, (size_t)(total - trailing - 1)) == 0)
        trailing++;
    out->whole_digits = clamp(total - zeros - scale);
    out->scale = clamp(scale);
    out->scale_min = clamp(scale - trailing);
    return true;
}

size_t tarn_decimal_format(__int128 unscaled, int scale, char out[TARN_DECIMAL_TEXT_MAX])
{
    TARN_ASSERT(scale >= 0 && scale <= TARN_DECIMAL_PRECISION_MAX);
    char reversed[TARN_DECIMAL_TEXT_MAX];
    size_t n = 0, len = 0;
    unsigned __int128 v = unscaled < 0 ? -(unsigned __int128)unscaled : (unsigned __int128)unscaled;
    for (int digits = 0; v > 0 || digits <= scale; digits++) {
        if (digits == scale && scale > 0)
            reversed[n++] = '.';
        reversed[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    }
    if (unscaled < 0)
        out[len++] = '-';
    while (n > 0)
        out[len++] = reversed[--n];
    out[len] = '\0';
    return len;
}
