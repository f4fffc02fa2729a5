/* decode_number: a number's text, measured once, and stored from its own digits. */
#ifndef TARN_FLOW_DECODE_NUMBER_H
#define TARN_FLOW_DECODE_NUMBER_H

#include "flow/shape_int.h"

struct tarn__number {
    struct tarn_str text;
    uint64_t mantissa;      /* all digits in a row; only if significant <= 19 */
    int64_t exponent;       /* value = mantissa * 10^exponent */
    size_t significant;     /* digits without leading zeros */
    bool negative, integer; /* integer: neither '.' nor exponent */
    bool has_value;         /* the nearest double is known already */
    double value;
    struct tarn__seen seen; /* as a plain JSON number */
};

/* Finishes what the quick path of tarn__number_scan leaves open: exponents, long texts. */
const char *tarn__number_scan_rest(const char *p, struct tarn__number *n);
/* Is the number printed back by a double's shortest form? (value against value: 1.50 and 15e-1
 * are 1.5) */
bool tarn__number_is_double(struct tarn__number *n);
bool tarn__number_is_float(const struct tarn__number *n);
double tarn__number_to_double(const struct tarn__number *n); /* the nearest */
/* An integer value (12, 12.0 and 1.2e1 are) within int64_t? */
bool tarn__number_to_long(const struct tarn__number *n, int64_t *out);

/* RFC 8259 section 6 at p, which ends in a byte that no number holds. NULL: no number stands
 * there. Sets n; the number ends at the result. */
static inline const char *tarn__number_scan(const char *begin, struct tarn__number *n)
{
    const char *p = begin, *whole;
    uint64_t m = 0;
    n->negative = *p == '-';
    p += n->negative;
    whole = p;
    while ((unsigned)(*p - '0') <= 9)
        m = m * 10 + (uint64_t)(*p++ - '0');
    size_t digits = (size_t)(p - whole), fraction = 0;
    if (digits == 0 || (*whole == '0' && digits > 1))
        return NULL;
    size_t zeros = *whole == '0';
    if (*p == '.') {
        const char *point = ++p;
        while ((unsigned)(*p - '0') <= 9)
            m = m * 10 + (uint64_t)(*p++ - '0');
        fraction = (size_t)(p - point);
        if (fraction == 0)
            return NULL;
    }
    if ((*p | 0x20) == 'e' || digits - zeros + fraction > 18)
        return tarn__number_scan_rest(begin, n);
    n->has_value = false;
    n->text = tarn_str_of(begin, (size_t)(p - begin));
    n->mantissa = m;
    n->exponent = -(int64_t)fraction;
    n->integer = fraction == 0;
    n->significant = digits + fraction - zeros; /* zeros behind "0." are counted: an upper bound */
    n->seen.whole_digits = (uint8_t)(digits - zeros);
    n->seen.scale = (uint8_t)fraction;
    if (fraction == 0) {
        n->seen.flags = TARN__S_INT;
        if (m > (uint64_t)1 << 53)
            n->seen.flags |= TARN__S_NOT_DOUBLE;
        if (n->negative && m == 0) /* a long would print it without its sign */
            n->seen.flags |= TARN__S_NOT_LONG;
    } else {
        n->seen.flags = TARN__S_FRAC | TARN__S_NOT_LONG;
        /* Fifteen digits always come back from a double. */
        if (m >= 1000000000000000u && !tarn__number_is_double(n))
            n->seen.flags |= TARN__S_NOT_DOUBLE;
    }
    return p;
}

/* 10^0 to 10^19: all that 64 bits hold. */
extern const uint64_t tarn__powers_of_ten[20];

#endif
