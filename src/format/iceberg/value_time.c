/* value_time: dates, times of day and timestamps as text, exact over all that 32 and 64 bits hold (proleptic Gregorian calendar).
 *
 *     date   = [sign] year "-" mm "-" dd [ " (BC)" ]         year: 4 to 9 digits
 *     time   = hh ":" mm [ ":" ss [ "." digits ] ]           24:00:00 is the end of the day
 *     stamp  = date [ ("T" | " ") time [ zone ] [ " (BC)" ] ]
 *     zone   = [" "] ( "Z" | ("+" | "-") hh [ [":"] mm [ ":" ss ] ] )
 *
 * Year 1 BC is year 0 of ISO 8601 with a sign.
 */
#include <stdio.h>

#include "base/clock.h"
#include "format/iceberg/value_int.h"

struct scan {
    const char *p, *end;
};

static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

static bool take_text(struct scan *s, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, text, n) != 0)
        return false;
    s->p += n;
    return true;
}

/* `min` to `max` digits (at most 9). */
static bool take_digits(struct scan *s, int min, int max, int64_t *out)
{
    int n = 0;
    for (*out = 0; n < max && s->p < s->end && *s->p >= '0' && *s->p <= '9'; n++)
        *out = *out * 10 + (*s->p++ - '0');
    return n >= min;
}

static bool take_two(struct scan *s, int64_t max, int64_t *out)
{
    return take_digits(s, 2, 2, out) && *out <= max;
}

/* ---- reading */

struct date_parts {
    int64_t year, month, day;
    bool sign; /* the year carried one: it counts from 0 */
    bool bc;
};

static bool take_date(struct scan *s, struct date_parts *d)
{
    bool negative = take(s, '-');
    *d = (struct date_parts){.sign = negative || take(s, '+')};
    if (!take_digits(s, 4, 9, &d->year) || !take(s, '-') || !take_two(s, 12, &d->month) ||
        !take(s, '-') || !take_two(s, 31, &d->day))
        return false;
    if (negative)
        d->year = -d->year;
    d->bc = take_text(s, " (BC)");
    return true;
}

static int days_of_month(int64_t year, int64_t month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool days_of(const struct date_parts *d, int64_t *out)
{
    int64_t year = d->year;
    if (d->bc) {
        if (d->sign || year < 1)
            return false;
        year = 1 - year;
    }
    if (d->month < 1 || d->day < 1 || d->day > days_of_month(year, d->month))
        return false;
    *out = tarn_date_to_days(year, (int)d->month, (int)d->day);
    return true;
}

/* Digits behind the point, as units of 10^-unit_digits; digits that do not fit must be 0. */
static bool take_fraction(struct scan *s, int unit_digits, int64_t *out)
{
    int n = 0;
    *out = 0;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++, n++) {
        if (n < unit_digits)
            *out = *out * 10 + (*s->p - '0');
        else if (*s->p != '0')
            return false;
    }
    for (int i = n; i < unit_digits; i++)
        *out *= 10;
    return n > 0;
}

/* *out in units of 10^-unit_digits seconds since midnight. */
static bool take_time(struct scan *s, int unit_digits, int64_t *out)
{
    int64_t hour, minute, second = 0, fraction = 0;
    int64_t units = unit_digits == 9 ? TARN__US_PER_SECOND * 1000 : TARN__US_PER_SECOND;
    if (!take_two(s, 24, &hour) || !take(s, ':') || !take_two(s, 59, &minute))
        return false;
    if (take(s, ':') && !take_two(s, 59, &second))
        return false;
    if (take(s, '.') && !take_fraction(s, unit_digits, &fraction))
        return false;
    *out = ((hour * 60 + minute) * 60 + second) * units + fraction;
    return *out <= 86400 * units;
}

/* *out_found false when nothing is left; *out_seconds east of Greenwich. */
static bool take_zone(struct scan *s, bool *out_found, int64_t *out_seconds)
{
    int64_t hour = 0, minute = 0, second = 0;
    struct scan before = *s;
    *out_seconds = 0;
    (void)take(s, ' ');
    *out_found = true;
    if (take(s, 'Z'))
        return true;
    bool west = take(s, '-');
    if (!west && !take(s, '+')) {
        *s = before;
        *out_found = false;
        return true;
    }
    if (!take_two(s, 18, &hour))
        return false;
    bool colon = take(s, ':');
    if ((colon || (s->p < s->end && *s->p != ' ')) && !take_two(s, 59, &minute))
        return false;
    if (colon && take(s, ':') && !take_two(s, 59, &second))
        return false;
    *out_seconds = (hour * 60 + minute) * 60 + second;
    if (west)
        *out_seconds = -*out_seconds;
    return true;
}

struct stamp {
    bool has_time, has_zone;
    int64_t days, units, zone_seconds;
};

static bool scan_stamp(struct tarn_str text, int unit_digits, struct stamp *out)
{
    struct scan s = {text.ptr, text.ptr + text.len};
    struct date_parts date;
    *out = (struct stamp){0};
    if (!take_date(&s, &date))
        return false;
    out->has_time = take(&s, 'T') || take(&s, 't') || take(&s, ' ');
    if (out->has_time && (!take_time(&s, unit_digits, &out->units) ||
                          !take_zone(&s, &out->has_zone, &out->zone_seconds)))
        return false;
    if (out->has_time && !date.bc)
        date.bc = take_text(&s, " (BC)");
    return s.p == s.end && days_of(&date, &out->days);
}

static bool stamp_value(const struct tarn_type *t, const struct stamp *st, int64_t *out)
{
    bool nanos = tarn__is_nanos(t->kind);
    int64_t second = nanos ? TARN__US_PER_SECOND * 1000 : TARN__US_PER_SECOND;
    __int128 v = (__int128)st->days * 86400 - st->zone_seconds;
    v = v * second + st->units;
    if (v < INT64_MIN || v > INT64_MAX)
        return false;
    *out = (int64_t)v;
    return true;
}

bool tarn__time_parse(const struct tarn_type *t, struct tarn_str text, int64_t *out)
{
    struct stamp st;
    if (t->kind == TARN_TYPE_TIME) {
        struct scan s = {text.ptr, text.ptr + text.len};
        return take_time(&s, 6, out) && s.p == s.end;
    }
    if (!scan_stamp(text, tarn__is_nanos(t->kind) ? 9 : 6, &st))
        return false;
    if (t->kind == TARN_TYPE_DATE) {
        *out = st.days;
        return !st.has_time && st.days >= INT32_MIN && st.days <= INT32_MAX;
    }
    if (st.has_zone && !tarn__has_zone(t->kind))
        return false;
    return stamp_value(t, &st, out);
}

bool tarn__time_parse_json(const struct tarn_type *t, struct tarn_str text, int64_t *out)
{
    struct stamp st;
    if (t->kind == TARN_TYPE_TIME) /* here the day ends before 24:00:00 */
        return tarn__time_parse(t, text, out) && *out < TARN__US_PER_DAY;
    if (!tarn__is_timestamp(t->kind))
        return tarn__time_parse(t, text, out);
    if (!scan_stamp(text, tarn__is_nanos(t->kind) ? 9 : 6, &st) || !st.has_time)
        return false;
    if (st.has_zone != tarn__has_zone(t->kind) || st.zone_seconds != 0)
        return false;
    return stamp_value(t, &st, out);
}

/* ---- writing */

static int put_date(char *out, size_t room, int64_t days, bool iso)
{
    struct tarn_date d = tarn_date_of_days(days);
    if (iso && d.year > 9999)
        return snprintf(out, room, "+%lld-%02d-%02d", (long long)d.year, d.month, d.day);
    if (d.year >= 1 || (iso && d.year == 0))
        return snprintf(out, room, "%04lld-%02d-%02d", (long long)d.year, d.month, d.day);
    if (iso)
        return snprintf(out, room, "-%04lld-%02d-%02d", -(long long)d.year, d.month, d.day);
    return snprintf(out, room, "%04lld-%02d-%02d (BC)", 1 - (long long)d.year, d.month, d.day);
}

/* A fraction of 0 is left out; else it has all its digits. */
static int put_time(char *out, size_t room, int64_t units, bool nanos)
{
    int64_t second = nanos ? TARN__US_PER_SECOND * 1000 : TARN__US_PER_SECOND;
    int64_t s = units / second, fraction = units % second;
    int n =
        snprintf(out, room, "%02d:%02d:%02d", (int)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    if (fraction != 0)
        n += snprintf(out + n, room - (size_t)n, ".%0*lld", nanos ? 9 : 6, (long long)fraction);
    return n;
}

size_t tarn__time_format(const struct tarn_type *t, int64_t v, struct tarn__time_style style,
                         char out[TARN__TIME_TEXT_MAX])
{
    const size_t room = TARN__TIME_TEXT_MAX;
    if (t->kind == TARN_TYPE_TIME) {
        if (v >= 0 && v <= TARN__US_PER_DAY)
            return (size_t)put_time(out, room, v, false);
        return (size_t)snprintf(out, room, "%lld", (long long)v); /* no time of day: as it is */
    }
    if (t->kind == TARN_TYPE_DATE)
        return (size_t)put_date(out, room, v, style.iso);
    bool nanos = tarn__is_nanos(t->kind);
    int64_t day = nanos ? TARN__NS_PER_DAY : TARN__US_PER_DAY;
    int64_t days = tarn__floor_div(v, day);
    int n = put_date(out, room, days, style.iso);
    n += snprintf(out + n, room - (size_t)n, "%c", style.iso ? 'T' : ' ');
    /* days * day may pass the range of 64 bits; the rest of the division does not. */
    int64_t rest = v % day;
    n += put_time(out + n, room - (size_t)n, rest < 0 ? rest + day : rest, nanos);
    if (tarn__has_zone(t->kind))
        n += snprintf(out + n, room - (size_t)n, "+00:00");
    return (size_t)n;
}
