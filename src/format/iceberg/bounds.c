/* bounds: lower and upper bounds as manifests store them (spec "Manifests", trap 15, 16).
 *
 * 1. A lower bound is at or below every value, an upper one at or above; neither need be a value of the file.
 * 2. NaN is never a bound. A zero is widened: lower to -0.0, upper to 0.0, since writers and readers differ in how they order zeros.
 * 3. A string is cut at a code point; its upper bound steps over the surrogates and is given up beyond U+10FFFF.
 * 4. A string that is not valid UTF-8 gets no bounds: readers would compare something else than its bytes.
 */
#include <math.h>

#include "format/iceberg/value_int.h"

#define CODE_POINT_MAX  0x10FFFFu
#define SURROGATE_FIRST 0xD800u
#define SURROGATE_LAST  0xDFFFu

/* ---- UTF-8 */

static size_t sequence_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead < 0xE0)
        return 2;
    return lead < 0xF0 ? 3 : 4;
}

size_t tarn__utf8_prefix(struct tarn_str s, size_t width)
{
    size_t n = 0;
    for (size_t i = 0; i < width && n < s.len; i++)
        n += sequence_length((unsigned char)s.ptr[n]);
    if (n > s.len || !tarn_utf8_valid(tarn_str_of(s.ptr, n)))
        return SIZE_MAX;
    return n;
}

static uint32_t decode(const char *p, size_t n)
{
    uint32_t cp = n == 1 ? (unsigned char)p[0] : (unsigned char)p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++)
        cp = cp << 6 | ((unsigned char)p[i] & 0x3F);
    return cp;
}

static size_t encode(uint32_t cp, char *p)
{
    size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n; i > 1; i--, cp >>= 6)
        p[i - 1] = (char)(0x80 | (cp & 0x3F));
    p[0] = (char)(leads[n] | cp);
    return n;
}

/* ---- cutting and stepping up */

static bool is_cut_type(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_STRING || t->kind == TARN_TYPE_BINARY || t->kind == TARN_TYPE_FIXED;
}

/* Bytes of the value that stay; SIZE_MAX: it cannot have a bound. */
static size_t cut_length(const struct tarn_type *t, struct tarn_str s, int32_t width)
{
    size_t most = width > 0 ? (size_t)width : SIZE_MAX;
    if (t->kind == TARN_TYPE_STRING)
        return tarn__utf8_prefix(s, most);
    return s.len < most ? s.len : most;
}

/* The least string above all that begin with p[0..n), in place, p having room for 4 bytes more. 0: there is none. */
static size_t step_up_string(char *p, size_t n)
{
    while (n > 0) {
        size_t at = n - 1;
        while (((unsigned char)p[at] & 0xC0) == 0x80)
            at--;
        uint32_t cp = decode(p + at, n - at);
        if (cp < CODE_POINT_MAX) {
            cp = cp + 1 == SURROGATE_FIRST ? SURROGATE_LAST + 1 : cp + 1;
            return at + encode(cp, p + at);
        }
        n = at;
    }
    return 0;
}

static size_t step_up_bytes(char *p, size_t n)
{
    while (n > 0 && (unsigned char)p[n - 1] == 0xFF)
        n--;
    if (n > 0)
        p[n - 1] = (char)((unsigned char)p[n - 1] + 1);
    return n;
}

/* False: the value has no bounds. Zeros are widened in *io. */
static bool prepare(const struct tarn_type *t, struct tarn_value *io, double zero)
{
    if (io->is_null)
        return false;
    if (t->kind != TARN_TYPE_FLOAT && t->kind != TARN_TYPE_DOUBLE)
        return true;
    if (io->d == 0)
        io->d = zero;
    return !isnan(io->d);
}

enum tarn_status tarn_bound_lower(struct tarn_op *op, const struct tarn_type *t,
                                  const struct tarn_value *v, int32_t width, struct tarn_str *out)
{
    struct tarn_value lower = *v;
    *out = (struct tarn_str){0};
    if (!prepare(t, &lower, -0.0))
        return TARN_OK;
    if (is_cut_type(t)) {
        size_t n = cut_length(t, v->bytes, width);
        if (n == SIZE_MAX)
            return TARN_OK;
        lower.bytes.len = n;
    }
    return tarn_value_to_bytes(op, t, &lower, out);
}

enum tarn_status tarn_bound_upper(struct tarn_op *op, const struct tarn_type *t,
                                  const struct tarn_value *v, int32_t width, struct tarn_str *out)
{
    struct tarn_value upper = *v;
    *out = (struct tarn_str){0};
    if (!prepare(t, &upper, 0.0))
        return TARN_OK;
    size_t n = is_cut_type(t) ? cut_length(t, v->bytes, width) : v->bytes.len;
    if (n == SIZE_MAX)
        return TARN_OK;
    if (!is_cut_type(t) || n == v->bytes.len)
        return tarn_value_to_bytes(op, t, &upper, out);
    char *p = tarn_alloc(op, n + 5);
    if (!p)
        return op->report.status;
    memcpy(p, v->bytes.ptr, n);
    n = t->kind == TARN_TYPE_STRING ? step_up_string(p, n) : step_up_bytes(p, n);
    if (n > 0)
        *out = tarn_str_of(p, n);
    return TARN_OK;
}
