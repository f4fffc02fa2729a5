/* decimal: exact decimals between text and a scaled 128-bit integer; no binary floating point.
 *
 * Text: [+-] digits [. digits] [e [+-] digits], at least one digit before or behind the point
 * ("-12.340e3", ".5", "7."). Its length and its exponent are not limited. A decimal(precision,
 * scale) has 1 <= precision <= 38 and 0 <= scale <= precision, and is held unscaled: 12.34 in
 * decimal(9,2) is 1234.
 * Results are values, not reports: a value that does not fit becomes a dead letter without cost.
 */
#ifndef TARN_BASE_DECIMAL_H
#define TARN_BASE_DECIMAL_H

#include "base/str.h"

#define TARN_DECIMAL_PRECISION_MAX 38
#define TARN_DECIMAL_TEXT_MAX      48 /* sign, 39 digits, point, zero: more than the longest text */

enum tarn_decimal_result {
    TARN_DECIMAL_OK,
    TARN_DECIMAL_SYNTAX,  /* the text is no number */
    TARN_DECIMAL_INEXACT, /* more decimal places than the scale holds (TARN_DECIMAL_EXACT only) */
    TARN_DECIMAL_OVERFLOW /* more digits before the point than precision - scale */
};
enum tarn_decimal_rounding {
    TARN_DECIMAL_EXACT,
    TARN_DECIMAL_HALF_UP /* half away from zero, as SQL's casts do */
};
struct tarn_decimal_type {
    int precision, scale;
};

enum tarn_decimal_result tarn_decimal_parse(struct tarn_str text, struct tarn_decimal_type type,
                                            enum tarn_decimal_rounding rounding,
                                            __int128 *out_unscaled);
/* "has too many digits before the point" */
const char *tarn_decimal_result_text(enum tarn_decimal_result result);

/* What a text needs to be stored. Counts are cut at INT32_MAX. */
struct tarn_decimal_shape {
    int whole_digits; /* before the point, leading zeros not counted: 0 for 0.5 */
    int scale;        /* decimal places as written, the exponent applied: 3 for 12.340, 0 for 1e2 */
    int scale_min;    /* without trailing zeros: 2 for 12.340 */
};
/* false: no number */
bool tarn_decimal_measure(struct tarn_str text, struct tarn_decimal_shape *out);

/* Plain digits, exactly `scale` decimal places: (-1234, 2) is "-12.34", (5, 3) "0.005". Returns
 * the length; zero-terminated. */
size_t tarn_decimal_format(__int128 unscaled, int scale, char out[TARN_DECIMAL_TEXT_MAX]);

#endif
