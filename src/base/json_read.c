/* json_read: the pull reader. See json.h.
 *
 * The reader is a state machine over one pointer; `expect` says what may come next:
 *
 *     TOP            a value, or the end                    (depth 0)
 *     ARRAY_FIRST    a value, or ']'                        behind '['
 *     ARRAY_NEXT     ',' and a value, or ']'                behind an element
 *     OBJECT_FIRST   a key, or '}'                          behind '{'
 *     OBJECT_NEXT    ',' and a key, or '}'                  behind a member
 *     MEMBER         a value                                behind KEY, whose ':' is passed already
 *     FAILED         nothing: every further call answers ERROR again
 *
 * Strings are only delimited here, escapes are checked for their form; UTF-8 and surrogate pairs
 * are checked by tarn_json_unescape and tarn_json_skip, so that a string that nobody wants costs
 * one scan.
 */
#include "base/json.h"

#include "base/base_int.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { TOP, ARRAY_FIRST, ARRAY_NEXT, OBJECT_FIRST, OBJECT_NEXT, MEMBER, FAILED };

const char tarn__json_too_deep[] = "nested too deeply";

void tarn_json_reader_init(struct tarn_json_reader *r, struct tarn_str text, int depth_max)
{
    const char *begin = text.ptr ? text.ptr : "";
    r->begin = r->p = r->token_begin = begin;
    r->end = begin + text.len;
    r->text = (struct tarn_str){NULL, 0};
    r->escaped = r->integer = false;
    r->error = NULL;
    r->depth = 0;
    r->depth_max =
        depth_max > 0 && depth_max < TARN_JSON_DEPTH_MAX ? depth_max : TARN_JSON_DEPTH_MAX;
    r->expect = TOP;
}

static enum tarn_json_token fail_at(struct tarn_json_reader *r, const char *at, const char *error)
{
    r->token_begin = r->p = at;
    r->error = error;
    r->expect = FAILED;
    return TARN_JSON_ERROR;
}

/* ---- scanning */

static inline bool is_white(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_white(const char *p, const char *end)
{
    if (p == end || (unsigned char)*p > ' ')
        return p;
    if (is_white(*p))
        p++;
    if (p == end || (unsigned char)*p > ' ')
        return p;
#if defined(__SSE2__)
    const __m128i space = _mm_set1_epi8(' '), feed = _mm_set1_epi8('\n');
    const __m128i ret = _mm_set1_epi8('\r'), tab = _mm_set1_epi8('\t');
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i white =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, space), _mm_cmpeq_epi8(v, feed)),
                         _mm_or_si128(_mm_cmpeq_epi8(v, ret), _mm_cmpeq_epi8(v, tab)));
        unsigned other = ~(unsigned)_mm_movemask_epi8(white) & 0xFFFFu;
        if (other)
            return p + __builtin_ctz(other);
        p += 16;
    }
#else
    /* Runs of white space are indentation: eight spaces at a time. */
    while (end - p >= 8 && tarn__load64(p) == 0x2020202020202020u)
        p += 8;
#endif
    while (p != end && is_white(*p))
        p++;
    return p;
}

/* The first quote, backslash or control character from p on. */
static inline const char *find_special(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1F);
    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)),
                                   _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
        p += 16;
    }
#else
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    while (end - p >= 8) {
        uint64_t v = tarn__load64(p);
        uint64_t quote = v ^ ones * '"', back = v ^ ones * '\\';
        uint64_t hit =
            ((quote - ones) & ~quote) | ((back - ones) & ~back) | ((v - ones * 0x20) & ~v);
        if (hit & high)
            break;
        p += 8;
    }
#endif
    while (p != end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

static inline int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hexadecimal digits at p, -1 if they are not that. */
static long hex4(const char *p, const char *end)
{
    long v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(p[i]);
        if (digit < 0)
            return -1;
        v = v * 16 + digit;
    }
    return v;
}

/* p is behind a backslash. Returns what follows the escape, NULL if it has not the form of one. */
static const char *pass_escape(const char *p, const char *end)
{
    if (p == end)
        return NULL;
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;
    case 'u':
        return hex4(p + 1, end) < 0 ? NULL : p + 5;
    default:
        return NULL;
    }
}

/* r->p at the opening quote; afterwards behind the closing one, with text and escaped set. */
static inline bool scan_string(struct tarn_json_reader *r)
{
    const char *begin = r->p + 1, *end = r->end;
    const char *p = find_special(begin, end);
    r->token_begin = r->p;
    r->escaped = false;
    while (p != end && *p == '\\') {
        const char *behind = pass_escape(p + 1, end);
        if (!behind) {
            (void)fail_at(r, p,
                          p + 1 == end ? "the text ends inside a string"
                                       : "invalid escape in a string");
            return false;
        }
        r->escaped = true;
        p = find_special(behind, end);
    }
    if (p == end || *p != '"') {
        (void)fail_at(r, p,
                      p == end ? "the text ends inside a string"
                               : "bare control character in a string");
        return false;
    }
    r->text = tarn_str_of(begin, (size_t)(p - begin));
    r->p = p + 1;
    return true;
}

static inline const char *pass_digits(const char *p, const char *end)
{
    while (p != end && (unsigned)(*p - '0') <= 9)
        p++;
    return p;
}

static inline bool is_word(char c)
{
    return (unsigned)(c - '0') <= 9 || (unsigned)((c | 0x20) - 'a') <= 25 || c == '_' || c == '.' ||
           c == '+' || c == '-';
}

/* -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and then no further letter or digit. */
static inline enum tarn_json_token scan_number(struct tarn_json_reader *r)
{
    const char *p = r->p, *end = r->end, *digits;
    r->integer = true;
    if (*p == '-')
        p++;
    digits = p;
    p = pass_digits(p, end);
    if (p == digits)
        return fail_at(r, p, "expected a digit");
    if (*digits == '0' && p - digits > 1)
        return fail_at(r, digits, "a number may not start with 0");
    if (p != end && *p == '.') {
        r->integer = false;
        digits = p + 1;
        p = pass_digits(digits, end);
        if (p == digits)
            return fail_at(r, p, "expected a digit behind the decimal point");
    }
    if (p != end && (*p | 0x20) == 'e') {
        r->integer = false;
        digits = p + 1;
        if (digits != end && (*digits == '+' || *digits == '-'))
            digits++;
        p = pass_digits(digits, end);
        if (p == digits)
            return fail_at(r, p, "expected a digit in the exponent");
    }
    if (p != end && is_word(*p))
        return fail_at(r, p, "unexpected character in a number");
    r->text = tarn_str_of(r->p, (size_t)(p - r->p));
    r->p = p;
    return TARN_JSON_NUMBER;
}

static enum tarn_json_token scan_literal(struct tarn_json_reader *r, const char *word, size_t n,
                                         enum tarn_json_token token)
{
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return fail_at(r, r->p, "expected a value");
    if ((size_t)(r->end - r->p) > n && is_word(r->p[n]))
        return fail_at(r, r->p, "expected a value");
    r->p += n;
    return token;
}

/* ---- tokens */

static inline void after_value(struct tarn_json_reader *r)
{
    int top = r->depth - 1;
    if (top < 0)
        r->expect = TOP;
    else
        r->expect = r->in_object[top >> 6] >> (top & 63) & 1 ? OBJECT_NEXT : ARRAY_NEXT;
}

static inline enum tarn_json_token push(struct tarn_json_reader *r, bool object)
{
    int top = r->depth;
    if (top >= r->depth_max)
        return fail_at(r, r->p, tarn__json_too_deep);
    uint64_t bit = (uint64_t)1 << (top & 63);
    if (object)
        r->in_object[top >> 6] |= bit;
    else
        r->in_object[top >> 6] &= ~bit;
    r->depth = top + 1;
    r->p++;
    r->expect = object ? OBJECT_FIRST : ARRAY_FIRST;
    return object ? TARN_JSON_OBJECT_BEGIN : TARN_JSON_ARRAY_BEGIN;
}

static inline enum tarn_json_token pop(struct tarn_json_reader *r, enum tarn_json_token token)
{
    r->token_begin = r->p++;
    r->depth--;
    after_value(r);
    return token;
}

/* r->p at the first byte of a value. */
static inline enum tarn_json_token read_value(struct tarn_json_reader *r)
{
    enum tarn_json_token token;
    if (r->p == r->end)
        return fail_at(r, r->p, "the text ends where a value is expected");
    r->token_begin = r->p;
    switch (*r->p) {
    case '{':
        return push(r, true);
    case '[':
        return push(r, false);
    case '"':
        token = scan_string(r) ? TARN_JSON_STRING : TARN_JSON_ERROR;
        break;
    case 't':
        token = scan_literal(r, "true", 4, TARN_JSON_TRUE);
        break;
    case 'f':
        token = scan_literal(r, "false", 5, TARN_JSON_FALSE);
        break;
    case 'n':
        token = scan_literal(r, "null", 4, TARN_JSON_NULL);
        break;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        token = scan_number(r);
        break;
    default:
        return fail_at(r, r->p, "expected a value");
    }
    if (token != TARN_JSON_ERROR)
        after_value(r);
    return token;
}

/* r->p where a key must stand. */
static inline enum tarn_json_token read_key(struct tarn_json_reader *r)
{
    if (r->p == r->end)
        return fail_at(r, r->p, "the text ends inside an object");
    if (*r->p != '"')
        return fail_at(r, r->p, "expected a key in quotes");
    if (!scan_string(r))
        return TARN_JSON_ERROR;
    const char *colon = skip_white(r->p, r->end);
    if (colon == r->end || *colon != ':')
        return fail_at(r, colon, "expected ':' after a key");
    r->p = colon + 1;
    r->expect = MEMBER;
    return TARN_JSON_KEY;
}

enum tarn_json_token tarn_json_next(struct tarn_json_reader *r)
{
    if (r->expect == FAILED)
        return TARN_JSON_ERROR;
    r->p = skip_white(r->p, r->end);
    char c = r->p != r->end ? *r->p : '\0';
    switch (r->expect) {
    case TOP:
        if (r->p != r->end)
            return read_value(r);
        r->token_begin = r->p;
        return TARN_JSON_END;
    case ARRAY_FIRST:
        return c == ']' ? pop(r, TARN_JSON_ARRAY_END) : read_value(r);
    case ARRAY_NEXT:
        if (c == ']')
            return pop(r, TARN_JSON_ARRAY_END);
        if (c != ',')
            return fail_at(
                r, r->p, r->p == r->end ? "the text ends inside an array" : "expected ',' or ']'");
        r->p = skip_white(r->p + 1, r->end);
        return read_value(r);
    case OBJECT_FIRST:
        return c == '}' ? pop(r, TARN_JSON_OBJECT_END) : read_key(r);
    case OBJECT_NEXT:
        if (c == '}')
            return pop(r, TARN_JSON_OBJECT_END);
        if (c != ',')
            return fail_at(
                r, r->p, r->p == r->end ? "the text ends inside an object" : "expected ',' or '}'");
        r->p = skip_white(r->p + 1, r->end);
        return read_key(r);
    default:
        return read_value(r);
    }
}

/* ---- whole values */

/* p behind "\u" of a checked escape. The code point, or -1 for a lone surrogate; *p moves behind
 * its digits. */
static long take_unicode(const char **p, const char *end)
{
    long cp = hex4(*p, end);
    if (cp < 0)
        return -1;
    *p += 4;
    if (cp < 0xD800 || cp > 0xDFFF)
        return cp;
    if (cp > 0xDBFF || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
        return -1;
    long low = hex4(*p + 2, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return -1;
    *p += 6;
    return 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
}

static char simple_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '"':
    case '\\':
    case '/':
        return c;
    default:
        return '\0';
    }
}

long tarn_json_unescape(struct tarn_str raw, char *dst)
{
    const char *p = raw.ptr, *end = raw.len ? raw.ptr + raw.len : raw.ptr;
    char *out = dst;
    while (p != end) {
        const char *back = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((back ? back : end) - p);
        if (!tarn_utf8_valid(tarn_str_of(p, run)))
            return -1;
        memmove(out, p, run);
        out += run;
        p += run;
        if (!back)
            break;
        if (++p == end)
            return -1;
        char c = *p++;
        if (c == 'u') {
            long cp = take_unicode(&p, end);
            if (cp < 0)
                return -1;
            out += tarn__utf8_encode((uint32_t)cp, out);
        } else if ((*out = simple_escape(c)) != '\0') {
            out++;
        } else {
            return -1;
        }
    }
    return (long)(out - dst);
}

/* What tarn_json_unescape would say, without writing. */
static bool string_valid(struct tarn_str raw, bool escaped)
{
    if (!tarn_utf8_valid(raw))
        return false;
    if (!escaped)
        return true;
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL) {
        p += 2;
        if (p[-1] == 'u' && take_unicode(&p, end) < 0)
            return false;
        if (p == end)
            break;
    }
    return true;
}

bool tarn_json_skip(struct tarn_json_reader *r, struct tarn_str *out_raw)
{
    const char *begin = NULL;
    int depth = r->depth;
    do {
        enum tarn_json_token token = tarn_json_next(r);
        if (token == TARN_JSON_ERROR)
            return false;
        bool no_value = token == TARN_JSON_END || token == TARN_JSON_KEY || r->depth < depth;
        if (!begin && no_value) {
            (void)fail_at(r, r->token_begin, "expected a value");
            return false;
        }
        if (!begin)
            begin = r->token_begin;
        if ((token == TARN_JSON_STRING || token == TARN_JSON_KEY) &&
            !string_valid(r->text, r->escaped)) {
            (void)fail_at(r, r->token_begin, "invalid UTF-8 or a lone surrogate in a string");
            return false;
        }
    } while (r->depth > depth);
    if (out_raw)
        *out_raw = tarn_str_of(begin, (size_t)(r->p - begin));
    return true;
}
