/* decode_number: see decode_number.h. Numbers of any length; nothing is allocated. */
#include "flow/decode_number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Past this an exponent says only "huge" or "tiny"; sums with lengths of texts stay within
 * int64_t. */
#define EXPONENT_MAX ((int64_t)1 << 40)

static bool is_digit(char c)
{
    return (unsigned)(c - '0') <= 9;
}

static const char *pass_digits(const char *p)
{
    while (is_digit(*p))
        p++;
    return p;
}

static const char *scan_exponent(const char *p, int64_t *out)
{
    bool negative = *p == '-';
    int64_t v = 0;
    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return NULL;
    for (; is_digit(*p); p++)
        if (v < EXPONENT_MAX)
            v = v * 10 + (*p - '0');
    if (v > EXPONENT_MAX)
        v = EXPONENT_MAX;
    *out = negative ? -v : v;
    return p;
}

/* The significant digits of a number: no leading zeros, no trailing ones. */
struct digits {
    char text[20];   /* the first 20 */
    size_t count;    /* all of them; 0 = the value is zero */
    size_t trailing; /* zeros behind them */
};

static void gather(const struct tarn__number *n, struct digits *d)
{
    *d = (struct digits){.count = 0};
    size_t total = 0, last = 0;
    for (size_t i = 0; i < n->text.len && (n->text.ptr[i] | 0x20) != 'e'; i++) {
        char c = n->text.ptr[i];
        if (!is_digit(c) || (total == 0 && c == '0'))
            continue;
        if (total < sizeof d->text)
            d->text[total] = c;
        total++;
        if (c != '0')
            last = total;
    }
    d->count = last;
    d->trailing = total - last;
}

static uint8_t clamp(int64_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > TARN__DIGITS_MAX ? TARN__DIGITS_MAX : v);
}

static void measure(struct tarn__number *n, int64_t scale)
{
    n->seen.whole_digits = n->significant ? clamp((int64_t)n->significant - scale) : 0;
    n->seen.scale = clamp(scale);
    n->seen.flags = n->integer ? TARN__S_INT : TARN__S_FRAC | TARN__S_NOT_LONG;
    if (n->integer) {
        bool fits = n->significant <= 19 && n->mantissa <= (uint64_t)INT64_MAX + n->negative;
        if (!fits || (n->negative && n->significant == 0))
            n->seen.flags |= TARN__S_NOT_LONG;
        if (n->significant > 16 || n->mantissa > (uint64_t)1 << 53)
            n->seen.flags |= TARN__S_NOT_DOUBLE;
    } else if (!tarn__number_is_double(n)) {
        n->seen.flags |= TARN__S_NOT_DOUBLE;
    }
}

const char *tarn__number_scan_rest(const char *begin, struct tarn__number *n)
{
    const char *p = begin + (*begin == '-'), *whole = p;
    int64_t fraction = 0, exponent = 0;
    p = pass_digits(p);
    n->negative = *begin == '-';
    n->integer = true;
    n->has_value = false;
    if (p == whole || (*whole == '0' && p - whole > 1))
        return NULL;
    if (*p == '.') {
        const char *point = p + 1;
        p = pass_digits(point);
        if (p == point)
            return NULL;
        fraction = p - point;
        n->integer = false;
    }
    const char *digits_end = p;
    if ((*p | 0x20) == 'e') {
        p = scan_exponent(p + 1, &exponent);
        if (!p)
            return NULL;
        n->integer = false;
    }
    n->text = tarn_str_of(begin, (size_t)(p - begin));
    n->exponent = exponent - fraction;
    n->significant = 0;
    n->mantissa = 0;
    for (const char *q = whole; q != digits_end; q++) {
        if (*q == '.' || (*q == '0' && n->significant == 0))
            continue;
        n->significant++;
        n->mantissa = n->mantissa * 10 + (uint64_t)(*q - '0');
    }
    measure(n, -n->exponent);
    return p;
}

/* ---- doubles */

/* "d.ddddde<x>" for strtod: the same value as the number's. */
static void short_text(const struct digits *d, int64_t exponent, bool negative, char out[64])
{
    (void)snprintf(out, 64, "%s%.*se%lld", negative ? "-" : "", (int)d->count, d->text,
                   (long long)exponent);
}

/* v with `precision` significant digits: do they stand for the digits d (times 10^exponent)? */
static bool prints_as(double v, const struct digits *d, int64_t exponent)
{
    char text[40];
    size_t at = 0;
    (void)snprintf(text, sizeof text, "%.*e", (int)d->count - 1, v);
    const char *p = text + (*text == '-');
    for (; *p && *p != 'e'; p++)
        if (is_digit(*p) && (at >= d->count || *p != d->text[at++]))
            return false;
    return *p == 'e' && strtoll(p + 1, NULL, 10) == exponent + (int64_t)d->count - 1;
}

static double read_back(double v, int precision, bool single)
{
    char text[40];
    (void)snprintf(text, sizeof text, "%.*e", precision - 1, v);
    return single ? (double)strtof(text, NULL) : strtod(text, NULL);
}

/* The shortest form of v has exactly these digits: so many print v, and one less does not. */
static bool prints_back(const struct tarn__number *n, bool single)
{
    char text[64];
    struct digits d;
    gather(n, &d);
    if (d.count == 0)
        return true;
    if (d.count > (single ? 9 : 17))
        return false;
    int64_t exponent = n->exponent + (int64_t)d.trailing;
    if (exponent > 400 || exponent < -400)
        return false;
    short_text(&d, exponent, n->negative, text);
    double v = single ? (double)strtof(text, NULL) : strtod(text, NULL);
    if (!isfinite(v) || v == 0 || !prints_as(v, &d, exponent))
        return false;
    return d.count == 1 || read_back(v, (int)d.count - 1, single) != v;
}

/* ---- doubles of 16 and 17 digits, as programs print them: the common case of the hard ones, in
 * whole numbers */

const uint64_t tarn__powers_of_ten[20] = {1u,
                                          10u,
                                          100u,
                                          1000u,
                                          10000u,
                                          100000u,
                                          1000000u,
                                          10000000u,
                                          100000000u,
                                          1000000000u,
                                          10000000000u,
                                          100000000000u,
                                          1000000000000u,
                                          10000000000000u,
                                          100000000000000u,
                                          1000000000000000u,
                                          10000000000000000u,
                                          100000000000000000u,
                                          1000000000000000000u,
                                          10000000000000000000u};

static unsigned __int128 magnitude(__int128 v)
{
    return v < 0 ? (unsigned __int128)-v : (unsigned __int128)v;
}

/* For v = mantissa / 10^k, 1 <= k <= 19: finds the nearest double M / 2^s and whether its
 * shortest digits are the mantissa's. Everything is scaled by
 * 10^k * 2^s, where v is mantissa << s, the double is M * 10^k and half a unit of its last place
 * is 10^k / 2. False: the long way must decide. */
static bool quick_double(struct tarn__number *n, bool *prints_back)
{
    int64_t k = -n->exponent;
    int binary;
    if (k < 1 || k > 19 || n->significant > 19 || n->mantissa >= tarn__powers_of_ten[17] ||
        n->mantissa < tarn__powers_of_ten[14])
        return false;
    uint64_t ten = tarn__powers_of_ten[k];
    /* Two roundings, so M may be one off; the exact difference says which way. */
    double rough = (double)n->mantissa / (double)ten;
    int64_t m = (int64_t)ldexp(frexp(rough, &binary), 53);
    int s = 53 - binary;
    if (s < 1 || s > 68)
        return false;
    unsigned __int128 exact = (unsigned __int128)n->mantissa << s;
    __int128 off = (__int128)(exact - (unsigned __int128)(uint64_t)m * ten);
    for (int i = 0; i < 2 && magnitude(off) * 2 > ten; i++) {
        m += off > 0 ? 1 : -1;
        off += off > 0 ? -(__int128)ten : (__int128)ten;
    }
    /* Ties, and the edge where the unit of the last place changes, are left to the long way. */
    if (magnitude(off) * 2 >= ten || m <= (int64_t)1 << 52 || m >= (int64_t)1 << 53)
        return false;
    n->value = ldexp((double)m, -s);
    n->value = n->negative ? -n->value : n->value;
    n->has_value = true;
    unsigned __int128 unit = (unsigned __int128)1 << s;
    unsigned last = (unsigned)(n->mantissa % 10);
    if (last == 0) /* fewer digits than it seems */
        return false;
    __int128 below = off - (__int128)(unit * last), above = off + (__int128)(unit * (10 - last));
    bool shorter = magnitude(below) * 2 <= ten || magnitude(above) * 2 <= ten;
    *prints_back = !shorter && magnitude(off) * 2 <= unit;
    return true;
}

bool tarn__number_is_double(struct tarn__number *n)
{
    bool prints;
    if (n->significant <= 15 && n->exponent <= 250 && n->exponent >= -250)
        return true;
    return quick_double(n, &prints) ? prints : prints_back(n, false);
}

bool tarn__number_is_float(const struct tarn__number *n)
{
    return prints_back(n, true);
}

double tarn__number_to_double(const struct tarn__number *n)
{
    static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (n->has_value)
        return n->value;
    /* Both factors are exact, so one rounding is the right one. */
    if (n->significant <= 19 && n->mantissa <= (uint64_t)1 << 53 && n->exponent >= -22 &&
        n->exponent <= 22) {
        double m = (double)n->mantissa;
        m = n->exponent < 0 ? m / tens[-n->exponent] : m * tens[n->exponent];
        return n->negative ? -m : m;
    }
    return strtod(n->text.ptr, NULL); /* stops at the number's end: no number goes on there */
}

bool tarn__number_to_long(const struct tarn__number *n, int64_t *out)
{
    struct digits d;
    uint64_t m = 0;
    gather(n, &d);
    int64_t exponent = n->exponent + (int64_t)d.trailing;
    if (d.count > 19 || (d.count > 0 && (exponent < 0 || (int64_t)d.count + exponent > 19)))
        return false;
    for (size_t i = 0; i < d.count; i++)
        m = m * 10 + (uint64_t)(d.text[i] - '0');
    for (; d.count > 0 && exponent > 0; exponent--)
        m *= 10;
    if (m > (uint64_t)INT64_MAX + n->negative)
        return false;
    *out = n->negative ? (int64_t)(0 - m) : (int64_t)m;
    return true;
}
