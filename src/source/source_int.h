/* source_int: what the files of this room share. */
#ifndef TARN_SOURCE_INT_H
#define TARN_SOURCE_INT_H

#include "source/source.h"

/* XXH64 (xxHash specification 0.1.1) over pieces. */
struct tarn__xxh64 {
    uint64_t lanes[4], total;
    unsigned char tail[32];
    size_t tail_len;
};
void tarn__xxh64_init(struct tarn__xxh64 *x);
void tarn__xxh64_update(struct tarn__xxh64 *x, const void *p, size_t n);
uint64_t tarn__xxh64_final(const struct tarn__xxh64 *x);

/* Does the path below the base match the glob? '*' and '?' and [..] stay within a segment; "**"
 * as a segment spans any number of them; {a,b} chooses. */
bool tarn__glob_match(struct tarn_str glob, struct tarn_str path);
/* May anything below the folder match? */
bool tarn__glob_may_enter(struct tarn_str glob, struct tarn_str folder);
/* TARN_CONFIG with the reason: an open bracket or brace, too many choices, an absolute path,
 * "..". */
enum tarn_status tarn__glob_check(struct tarn_op *op, struct tarn_str glob) TARN_MUST_USE;

#endif
