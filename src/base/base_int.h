/* base_int: what the files of this room share with one another only. */
#ifndef TARN_BASE_INT_H
#define TARN_BASE_INT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

struct tarn_arena;
struct tarn_op;

size_t tarn__arena_budget(const struct tarn_arena *a);

/* Length of the valid UTF-8 sequence (Unicode table 3-7) at p, 0 if there is none before `end`. */
size_t tarn__utf8_len(const unsigned char *p, const unsigned char *end);
/* Decodes the sequence of tarn__utf8_len bytes at p. */
uint32_t tarn__utf8_decode(const unsigned char *p, size_t len);
/* Writes a code point (at most U+10FFFF, no surrogate); returns 1 to 4. */
size_t tarn__utf8_encode(uint32_t cp, char *dst);

/* The reader's error text (compared by address) for passing its depth limit. */
extern const char tarn__json_too_deep[];

/* Places a failure at line:column of text, which need not be zero-terminated. */
void tarn__place_in(struct tarn_op *op, const char *file, int line, int column,
                    struct tarn_str text);

/* A set of borrowed keys for finding duplicates in linear time, room for `count`. */
struct tarn__keyset {
    struct tarn_str *slots;
    size_t mask;
};
bool tarn__keyset_init(struct tarn__keyset *set, struct tarn_arena *arena, size_t count);
/* false: it is in there already */
bool tarn__keyset_add(struct tarn__keyset *set, struct tarn_str key);

static inline uint64_t tarn__load64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t tarn__load32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#endif
