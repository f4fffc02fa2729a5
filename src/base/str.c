/* str: comparing, cutting, converting borrowed text; UTF-8; the nearest name. See str.h. */
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/base_int.h"

static unsigned char lower(unsigned char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool tarn_str_eq_nocase(struct tarn_str a, struct tarn_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower((unsigned char)a.ptr[i]) != lower((unsigned char)b.ptr[i]))
            return false;
    return true;
}

int tarn_str_cmp(struct tarn_str a, struct tarn_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c != 0)
        return c < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

bool tarn_str_starts(struct tarn_str s, struct tarn_str prefix)
{
    return s.len >= prefix.len && tarn_str_eq(tarn_str_of(s.ptr, prefix.len), prefix);
}

bool tarn_str_ends(struct tarn_str s, struct tarn_str suffix)
{
    if (s.len < suffix.len)
        return false;
    return suffix.len == 0 || memcmp(s.ptr + (s.len - suffix.len), suffix.ptr, suffix.len) == 0;
}

bool tarn_str_cut(struct tarn_str *s, char sep, struct tarn_str *out_head)
{
    const char *at = s->len ? memchr(s->ptr, sep, s->len) : NULL;
    if (!at) {
        *out_head = *s;
        *s = (struct tarn_str){NULL, 0};
        return false;
    }
    size_t head = (size_t)(at - s->ptr);
    *out_head = tarn_str_of(s->ptr, head);
    *s = tarn_str_of(at + 1, s->len - head - 1);
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct tarn_str tarn_str_trim(struct tarn_str s)
{
    while (s.len > 0 && is_space(s.ptr[s.len - 1]))
        s.len--;
    while (s.len > 0 && is_space(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    return s;
}

bool tarn_str_to_i64(struct tarn_str s, int64_t *out)
{
    size_t i = 0;
    bool negative = false;
    if (s.len > 0 && (s.ptr[0] == '-' || s.ptr[0] == '+')) {
        negative = s.ptr[0] == '-';
        i = 1;
    }
    if (i == s.len)
        return false;
    int64_t v = 0;
    for (; i < s.len; i++) {
        int digit = s.ptr[i] - '0';
        if (digit < 0 || digit > 9)
            return false;
        /* Downwards, because INT64_MIN has no positive twin. */
        if (__builtin_mul_overflow(v, (int64_t)10, &v) ||
            __builtin_sub_overflow(v, (int64_t)digit, &v))
            return false;
    }
    if (!negative && v == INT64_MIN)
        return false;
    *out = negative ? v : -v;
    return true;
}

/* [sign] digits [. digits] [e [sign] digits], at least one digit before or behind the point: no
 * hex, inf or nan. */
static bool is_decimal_number(struct tarn_str s)
{
    size_t i = 0, digits = 0;
    if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
        i++;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        digits++;
    if (i < s.len && s.ptr[i] == '.')
        for (i++; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
            digits++;
    if (digits == 0)
        return false;
    if (i < s.len && (s.ptr[i] == 'e' || s.ptr[i] == 'E')) {
        i++;
        if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
            i++;
        size_t exponent = i;
        while (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9')
            i++;
        if (i == exponent)
            return false;
    }
    return i == s.len;
}

bool tarn_str_to_double(struct tarn_str s, double *out)
{
    char local[128], *z = local;
    if (!is_decimal_number(s))
        return false;
    if (s.len >= sizeof local) {
        z = tarn_alloc_should_fail() ? NULL : malloc(s.len + 1);
        if (!z)
            return false;
    }
    memcpy(z, s.ptr, s.len);
    z[s.len] = '\0';
    errno = 0;
    double v = strtod(z, NULL);
    bool overflow = errno == ERANGE && (v > 1 || v < -1); /* underflow is rounding, not a failure */
    if (z != local)
        free(z);
    if (overflow)
        return false;
    *out = v;
    return true;
}

/* ---- UTF-8 */

size_t tarn__utf8_len(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    if (left == 0)
        return 0;
    unsigned c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    size_t need = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (left < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    unsigned second = p[1];
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) ||
        (c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
        return 0;
    return need;
}

uint32_t tarn__utf8_decode(const unsigned char *p, size_t len)
{
    switch (len) {
    case 1:
        return p[0];
    case 2:
        return (uint32_t)(p[0] & 0x1F) << 6 | (uint32_t)(p[1] & 0x3F);
    case 3:
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 |
               (uint32_t)(p[2] & 0x3F);
    default:
        return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
               (uint32_t)(p[2] & 0x3F) << 6 | (uint32_t)(p[3] & 0x3F);
    }
}

size_t tarn__utf8_encode(uint32_t cp, char *dst)
{
    if (cp < 0x80) {
        dst[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        dst[0] = (char)(0xC0 | cp >> 6);
        dst[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        dst[0] = (char)(0xE0 | cp >> 12);
        dst[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        dst[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    dst[0] = (char)(0xF0 | cp >> 18);
    dst[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    dst[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    dst[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

bool tarn_utf8_valid(struct tarn_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;
    const unsigned char *end = s.len ? p + s.len : p;
    while (p != end) {
        while ((size_t)(end - p) >= 8 && (tarn__load64(p) & 0x8080808080808080u) == 0)
            p += 8;
        if (p == end)
            break;
        if (*p < 0x80) {
            p++;
            continue;
        }
        size_t n = tarn__utf8_len(p, end);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}

/* ---- nearest name */

#define NEAREST_MAX 64

/* Optimal string alignment distance (insert, delete, replace, swap of neighbours), without ASCII
 * case. */
static size_t edit_distance(struct tarn_str a, struct tarn_str b)
{
    size_t rows[3][NEAREST_MAX + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.len; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned char ca = lower((unsigned char)a.ptr[i - 1]);
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned char cb = lower((unsigned char)b.ptr[j - 1]);
            size_t best = above[j - 1] + (ca != cb);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && ca == lower((unsigned char)b.ptr[j - 2]) &&
                cb == lower((unsigned char)a.ptr[i - 2]) && before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.len];
}

const char *tarn_str_nearest(struct tarn_str s, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 1 + s.len / 3;
    if (s.len == 0 || s.len > NEAREST_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct tarn_str name = tarn_str_view(names[i]);
        if (name.len == 0 || name.len > NEAREST_MAX)
            continue;
        size_t distance = edit_distance(s, name);
        /* As many edits as the longer text has bytes is no likeness at all. */
        if (distance >= (s.len > name.len ? s.len : name.len))
            continue;
        if (distance < best_distance || (distance == best_distance && !best)) {
            best = names[i];
            best_distance = distance;
        }
    }
    return best;
}
