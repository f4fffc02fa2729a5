/* value_int: what value*.c, bounds.c and transform*.c share. */
#ifndef TARN_FORMAT_ICEBERG_VALUE_INT_H
#define TARN_FORMAT_ICEBERG_VALUE_INT_H

#include "format/iceberg/value.h"

#define TARN__US_PER_SECOND INT64_C(1000000)
#define TARN__US_PER_DAY    (INT64_C(86400) * TARN__US_PER_SECOND)
#define TARN__NS_PER_DAY    (TARN__US_PER_DAY * 1000)

/* Quotient rounded down, also below zero. d > 0. */
static inline int64_t tarn__floor_div(int64_t v, int64_t d)
{
    return v / d - (v % d < 0);
}
static inline bool tarn__is_timestamp(enum tarn_type_kind k)
{
    return k == TARN_TYPE_TIMESTAMP || k == TARN_TYPE_TIMESTAMPTZ || k == TARN_TYPE_TIMESTAMP_NS ||
           k == TARN_TYPE_TIMESTAMPTZ_NS;
}
static inline bool tarn__is_nanos(enum tarn_type_kind k)
{
    return k == TARN_TYPE_TIMESTAMP_NS || k == TARN_TYPE_TIMESTAMPTZ_NS;
}
static inline bool tarn__has_zone(enum tarn_type_kind k)
{
    return k == TARN_TYPE_TIMESTAMPTZ || k == TARN_TYPE_TIMESTAMPTZ_NS;
}

/* Two's complement, big-endian, the least number of bytes (at least 1); returns that number. */
size_t tarn__decimal_bytes(__int128 v, unsigned char out[16]);

/* ---- value_time.c: dates and times as text. Years outside 0 to 9999 are exact.
 *
 * `iso`: what appendix D has ("T", years below 0 and above 9999 with a sign); else what the engine prints (blank, "0044-03-15 (BC)"). */
#define TARN__TIME_TEXT_MAX 64
struct tarn__time_style {
    bool iso;
};
/* Writes a DATE, TIME or timestamp, zero-terminated; returns the length. */
size_t tarn__time_format(const struct tarn_type *t, int64_t v, struct tarn__time_style style,
                         char out[TARN__TIME_TEXT_MAX]);
/* False for text that is no such value, that has digits below the type's unit, or that the type cannot hold ("infinity" too).
 * A timestamptz without a zone counts as UTC; a zone in the text of a type without one is refused. */
bool tarn__time_parse(const struct tarn_type *t, struct tarn_str text, int64_t *out);
/* As the spec's JSON has it: a zone must be there for a timestamptz, and be +00:00. */
bool tarn__time_parse_json(const struct tarn_type *t, struct tarn_str text, int64_t *out);

/* ---- value_text.c */
#define TARN__FLOAT_TEXT_MAX 40
/* Shortest text that reads back as the same FLOAT or DOUBLE, with ".0" where it would look like an integer. */
size_t tarn__float_format(enum tarn_type_kind kind, double v, char out[TARN__FLOAT_TEXT_MAX]);
#define TARN__UUID_TEXT 36
void tarn__uuid_format(const unsigned char bytes[16], char out[TARN__UUID_TEXT + 1]);
bool tarn__uuid_parse(struct tarn_str text, unsigned char out[16]);
/* Pairs of hexadecimal digits of either case, into out (text.len / 2 bytes). */
bool tarn__hex_parse(struct tarn_str text, unsigned char *out);

/* ---- bounds.c: UTF-8 */
/* Length in bytes of the first `width` code points, or of all of s. SIZE_MAX if these bytes are not valid UTF-8. */
size_t tarn__utf8_prefix(struct tarn_str s, size_t width);

#endif
