/* units: see units.h. Numbers are kept as an integer and a count of decimal places, so nothing
 * is rounded. */
#include "base/units.h"

#include <inttypes.h>

#include "base/op.h"

struct number {
    uint64_t digits;
    uint64_t divisor; /* a power of ten: the value is digits / divisor */
};

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"b", 1},
    {"kb", 1000},
    {"mb", 1000000},
    {"gb", 1000000000},
    {"tb", 1000000000000},
    {"pb", 1000000000000000},
    {"kib", (uint64_t)1 << 10},
    {"mib", (uint64_t)1 << 20},
    {"gib", (uint64_t)1 << 30},
    {"tib", (uint64_t)1 << 40},
    {"pib", (uint64_t)1 << 50},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"us", 1},         {"ms", 1000},       {"s", 1000000},      {"m", 60000000},
    {"h", 3600000000}, {"d", 86400000000}, {"w", 604800000000}, {NULL, 0},
};

static void advance(struct tarn_str *s, size_t n)
{
    s->ptr += n;
    s->len -= n;
}

/* digits [. digits] off the front of s; at most 18 digits in all. */
static bool take_number(struct tarn_str *s, struct number *out)
{
    size_t i = 0, digits = 0;
    bool point = false;
    *out = (struct number){0, 1};
    for (; i < s->len; i++) {
        char c = s->ptr[i];
        if (c == '.' && !point && digits > 0) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (++digits > 18)
            return false;
        out->digits = out->digits * 10 + (uint64_t)(c - '0');
        out->divisor *= point ? 10 : 1;
    }
    if (digits == 0 || s->ptr[i - 1] == '.')
        return false;
    advance(s, i);
    return true;
}

/* The letters at the front of s as a unit; NULL: none of them. */
static const struct unit *take_unit(struct tarn_str *s, const struct unit *units)
{
    size_t n = 0;
    while (n < s->len && ((s->ptr[n] | 0x20) >= 'a' && (s->ptr[n] | 0x20) <= 'z'))
        n++;
    for (; units->name; units++) {
        if (!tarn_str_eq_nocase(tarn_str_of(s->ptr, n), tarn_str_view(units->name)))
            continue;
        advance(s, n);
        return units;
    }
    return NULL;
}

static bool times(struct number number, uint64_t factor, uint64_t *out, const char **why)
{
    unsigned __int128 v = (unsigned __int128)number.digits * factor;
    if (v % number.divisor != 0) {
        *why = "it is no whole number of the smallest unit";
        return false;
    }
    v /= number.divisor;
    if (v > INT64_MAX) {
        *why = "it is too large";
        return false;
    }
    *out = (uint64_t)v;
    return true;
}

bool tarn_size_parse(struct tarn_str text, uint64_t *out_bytes, const char **out_why)
{
    const char *ignored;
    const char **why = out_why ? out_why : &ignored;
    struct tarn_str s = tarn_str_trim(text);
    struct number number;
    const struct unit *unit = &size_units[0];
    *why = "a size is a number and a unit";
    if (!take_number(&s, &number))
        return false;
    s = tarn_str_trim(s);
    if (s.len > 0) {
        *why = "units are B, kB, MB, GB, TB, PB (powers of 1000) and KiB, MiB, GiB, TiB, PiB (of "
               "1024)";
        unit = take_unit(&s, size_units);
        if (!unit || s.len > 0)
            return false;
    }
    return times(number, unit->factor, out_bytes, why);
}

bool tarn_duration_parse(struct tarn_str text, int64_t *out_us, const char **out_why)
{
    const char *ignored;
    const char **why = out_why ? out_why : &ignored;
    struct tarn_str s = tarn_str_trim(text);
    uint64_t total = 0, last_factor = UINT64_MAX;
    if (tarn_str_is(s, "0")) {
        *out_us = 0;
        return true;
    }
    do {
        struct number number;
        uint64_t part;
        *why = "a duration is a number and a unit: us, ms, s, m, h, d, w";
        if (!take_number(&s, &number))
            return false;
        const struct unit *unit = take_unit(&s, duration_units);
        if (!unit)
            return false;
        *why = "its units must go from large to small";
        if (unit->factor >= last_factor)
            return false;
        last_factor = unit->factor;
        if (!times(number, unit->factor, &part, why))
            return false;
        total += part;
        *why = "it is too large";
        if (total > INT64_MAX)
            return false;
        s = tarn_str_trim(s);
    } while (s.len > 0);
    *out_us = (int64_t)total;
    return true;
}

/* value / unit with one decimal place, rounded half up, ".0" left away. */
static void put_tenths(struct tarn_buf *b, uint64_t value, uint64_t unit, const char *name)
{
    unsigned __int128 tenths = ((unsigned __int128)value * 10 + unit / 2) / unit;
    uint64_t whole = (uint64_t)(tenths / 10), rest = (uint64_t)(tenths % 10);
    tarn_buf_printf(b, "%" PRIu64, whole);
    if (rest)
        tarn_buf_printf(b, ".%" PRIu64, rest);
    tarn_buf_z(b, name);
}

void tarn_size_format(struct tarn_buf *b, uint64_t bytes)
{
    static const char *const names[] = {" B", " kB", " MB", " GB", " TB", " PB"};
    uint64_t unit = 1;
    size_t i = 0;
    /* 999.95 and more would be printed as 1000: the next unit. */
    while (i < 5 && bytes >= unit * 1000 - (i ? unit / 20 : 0)) {
        unit *= 1000;
        i++;
    }
    put_tenths(b, bytes, unit, names[i]);
}

void tarn_duration_format(struct tarn_buf *b, int64_t us)
{
    uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
    if (us < 0)
        tarn_buf_put(b, '-');
    if (v < 1000) {
        tarn_buf_printf(b, "%" PRIu64 "us", v);
    } else if (v < 999950) {
        put_tenths(b, v, 1000, "ms");
    } else if (v < 59950000) {
        put_tenths(b, v, 1000000, "s");
    } else {
        uint64_t seconds = (v + 500000) / 1000000;
        uint64_t large = seconds < 3600 ? 60 : seconds < 86400 ? 3600 : 86400;
        uint64_t small = large == 60 ? 1 : large == 3600 ? 60 : 3600;
        const char *names = large == 60 ? "ms" : large == 3600 ? "hm" : "dh";
        tarn_buf_printf(b, "%" PRIu64 "%c", seconds / large, names[0]);
        if (seconds % large / small)
            tarn_buf_printf(b, " %" PRIu64 "%c", seconds % large / small, names[1]);
    }
}
