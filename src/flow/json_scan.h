/* json_scan: the small steps of reading JSON that ends in a zero byte. Nothing here looks at the
 * text's end: a zero byte is no white space, no part of a string, number or word, so every step
 * stops there; TARN__PAD bytes behind it are readable.
 */
#ifndef TARN_FLOW_JSON_SCAN_H
#define TARN_FLOW_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static inline const char *tarn__skip_white(const char *p)
{
    while (__builtin_expect((unsigned char)*p <= ' ', 0) &&
           (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

#if defined(__SSE2__)
/* Bits of the 16 bytes that end a run of plain text: quote, backslash, control characters. */
static inline unsigned tarn__special_mask(__m128i v)
{
    __m128i quote = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
    __m128i back = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
    __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1F)), v);
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, back), control));
}
#endif

/* The first quote, backslash or control character. */
static inline const char *tarn__find_special(const char *p)
{
#if defined(__SSE2__)
    for (;; p += 16) {
        unsigned mask = tarn__special_mask(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (mask)
            return p + __builtin_ctz(mask);
    }
#else
    while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
        p++;
    return p;
#endif
}

/* Copies plain text to dst, which has room for it and 16 bytes more, up to the first special
 * character. */
static inline const char *tarn__copy_plain(const char *p, char *dst)
{
#if defined(__SSE2__)
    for (;; p += 16, dst += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned mask = tarn__special_mask(v);
        _mm_storeu_si128((__m128i *)(void *)dst, v);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#else
    const char *end = tarn__find_special(p);
    memcpy(dst, p, (size_t)(end - p));
    return end;
#endif
}

/* Is p followed by the n bytes of key? key is padded with zeros to a multiple of 16. */
static inline bool tarn__key_is(const char *p, const char *key, uint32_t n)
{
#if defined(__SSE2__)
    if (__builtin_expect(n <= 16, 1)) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)key);
        unsigned differ = ~(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b));
        return (differ & ((1u << n) - 1)) == 0;
    }
#endif
    return strncmp(p, key, n) == 0; /* stops at the text's end */
}

/* Passes "true", "false" or "null" at p if a value may end there; NULL if not. */
static inline const char *tarn__pass_word(const char *p, const char *word, size_t n)
{
    return strncmp(p, word, n) == 0 ? p + n : NULL;
}

#endif
