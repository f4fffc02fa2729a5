/* clock: see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define SLEEP_STEP_NS ((uint64_t)50 * 1000000)
#define DAY_US        ((int64_t)86400 * 1000000)

/* ---- the real one */

static uint64_t read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int64_t real_now_us(struct tarn_clock *clock)
{
    (void)clock;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static uint64_t real_monotonic_ns(struct tarn_clock *clock)
{
    (void)clock;
    return read_ns(CLOCK_MONOTONIC);
}

static void real_sleep_ns(struct tarn_clock *clock, uint64_t ns)
{
    (void)clock;
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
    (void)nanosleep(&t, NULL); /* a signal ends it early, which is what a cancel wants */
}

static const struct tarn_clock_ops real_ops = {real_now_us, real_monotonic_ns, real_sleep_ns};

struct tarn_clock *tarn_clock_real(void)
{
    static struct tarn_clock real = {&real_ops}; /* never written */
    return &real;
}

/* ---- the mock */

static struct tarn_clock_mock *mock_of(struct tarn_clock *clock)
{
    return (struct tarn_clock_mock *)(void *)clock;
}

static int64_t mock_now_us(struct tarn_clock *clock)
{
    return atomic_load(&mock_of(clock)->now_us);
}

static uint64_t mock_monotonic_ns(struct tarn_clock *clock)
{
    return atomic_load(&mock_of(clock)->monotonic_ns);
}

static void mock_sleep_ns(struct tarn_clock *clock, uint64_t ns)
{
    tarn_clock_mock_advance(mock_of(clock), ns);
}

static const struct tarn_clock_ops mock_ops = {mock_now_us, mock_monotonic_ns, mock_sleep_ns};

void tarn_clock_mock_init(struct tarn_clock_mock *mock, int64_t now_us)
{
    mock->base.ops = &mock_ops;
    atomic_init(&mock->now_us, now_us);
    atomic_init(&mock->monotonic_ns, 1000000000u);
}

void tarn_clock_mock_advance(struct tarn_clock_mock *mock, uint64_t ns)
{
    /* The wall clock follows the monotonic one, so that steps below a microsecond add up. */
    uint64_t before = atomic_fetch_add(&mock->monotonic_ns, ns);
    atomic_fetch_add(&mock->now_us, (int64_t)((before + ns) / 1000 - before / 1000));
}

enum tarn_status tarn_clock_sleep(struct tarn_clock *clock, struct tarn_op *op, uint64_t ns,
                                  int level)
{
    uint64_t start = tarn_clock_monotonic_ns(clock), passed = 0;
    for (;;) {
        TARN_TRY(tarn_poll(op, level));
        if (passed >= ns)
            return TARN_OK;
        uint64_t left = ns - passed;
        clock->ops->sleep_ns(clock, left < SLEEP_STEP_NS ? left : SLEEP_STEP_NS);
        passed = tarn_clock_monotonic_ns(clock) - start;
    }
}

/* ---- the calendar: years that begin in March, eras of 400 years */

int64_t tarn_date_to_days(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

struct tarn_date tarn_date_of_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct tarn_date d;
    d.day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    d.month = (int)(month < 10 ? month + 3 : month - 9);
    d.year = year_of_era + era * 400 + (d.month <= 2);
    return d;
}

static int put_date(int64_t days, char out[TARN_TIME_TEXT_MAX])
{
    struct tarn_date d = tarn_date_of_days(days);
    const char *form = d.year < 0      ? "%05lld-%02d-%02d"
                       : d.year > 9999 ? "%+lld-%02d-%02d"
                                       : "%04lld-%02d-%02d";
    return snprintf(out, TARN_TIME_TEXT_MAX, form, (long long)d.year, d.month, d.day);
}

size_t tarn_date_format(int32_t days, char out[TARN_TIME_TEXT_MAX])
{
    return (size_t)put_date(days, out);
}

size_t tarn_time_format(int64_t us, int digits, char out[TARN_TIME_TEXT_MAX])
{
    int64_t days = us / DAY_US, rest = us % DAY_US;
    if (rest < 0) {
        rest += DAY_US;
        days--;
    }
    TARN_ASSERT(digits >= 0 && digits <= 6);
    int seconds = (int)(rest / 1000000), micros = (int)(rest % 1000000);
    size_t n = (size_t)put_date(days, out);
    n += (size_t)snprintf(out + n, TARN_TIME_TEXT_MAX - n, "T%02d:%02d:%02d", seconds / 3600,
                          seconds / 60 % 60, seconds % 60);
    if (digits > 0) {
        for (int i = digits; i < 6; i++)
            micros /= 10;
        n += (size_t)snprintf(out + n, TARN_TIME_TEXT_MAX - n, ".%0*d", digits, micros);
    }
    out[n++] = 'Z';
    out[n] = '\0';
    return n;
}

/* ---- parsing */

/* Exactly `count` digits off the front of s. */
static bool take_digits(struct tarn_str *s, int count, int *out)
{
    int v = 0;
    if (s->len < (size_t)count)
        return false;
    for (int i = 0; i < count; i++) {
        int digit = s->ptr[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        v = v * 10 + digit;
    }
    s->ptr += count;
    s->len -= (size_t)count;
    *out = v;
    return true;
}

static bool take_char(struct tarn_str *s, const char *any_of)
{
    if (s->len == 0 || *s->ptr == '\0' || !strchr(any_of, *s->ptr))
        return false;
    s->ptr++;
    s->len--;
    return true;
}

static bool take_date(struct tarn_str *s, int64_t *out_days)
{
    static const int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
        !take_char(s, "-") || !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > lengths[month - 1])
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    *out_days = tarn_date_to_days(year, month, day);
    return true;
}

/* "." and digits, as microseconds; nothing is 0. */
static bool take_fraction(struct tarn_str *s, int *out_us)
{
    int v = 0, digits = 0;
    *out_us = 0;
    if (!take_char(s, "."))
        return true;
    for (; s->len > 0 && *s->ptr >= '0' && *s->ptr <= '9'; s->ptr++, s->len--, digits++) {
        if (digits >= 6 && *s->ptr != '0')
            return false;
        if (digits < 6)
            v = v * 10 + (*s->ptr - '0');
    }
    for (int i = digits; i < 6; i++)
        v *= 10;
    *out_us = v;
    return digits > 0;
}

static bool take_offset(struct tarn_str *s, int *out_minutes)
{
    int hours, minutes;
    *out_minutes = 0;
    if (take_char(s, "Zz"))
        return true;
    bool west = s->len > 0 && *s->ptr == '-';
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
        !take_digits(s, 2, &minutes))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
    return true;
}

bool tarn_time_parse(struct tarn_str text, int64_t *out_us)
{
    int64_t days;
    int hour, minute, second, micros, offset;
    if (!take_date(&text, &days) || !take_char(&text, "Tt ") || !take_digits(&text, 2, &hour) ||
        !take_char(&text, ":") || !take_digits(&text, 2, &minute) || !take_char(&text, ":") ||
        !take_digits(&text, 2, &second))
        return false;
    if (!take_fraction(&text, &micros) || !take_offset(&text, &offset) || text.len > 0)
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    int64_t seconds = hour * 3600 + minute * 60 + second - offset * 60;
    *out_us = days * DAY_US + seconds * 1000000 + micros;
    return true;
}

bool tarn_date_parse(struct tarn_str text, int32_t *out_days)
{
    int64_t days;
    if (!take_date(&text, &days) || text.len > 0)
        return false;
    *out_days = (int32_t)days;
    return true;
}
