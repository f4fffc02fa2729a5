/* hash: see hash.h for where each comes from. */
#include "base/hash.h"

#include "base/base_int.h"
#include "base/crc32_table.h"

static uint64_t le64(const unsigned char *p)
{
    uint64_t v = tarn__load64(p);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static uint32_t le32(const unsigned char *p)
{
    uint32_t v = tarn__load32(p);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

static inline uint64_t rotl64(uint64_t v, int by)
{
    return v << by | v >> (64 - by);
}

static inline uint32_t rotl32(uint32_t v, int by)
{
    return v << by | v >> (32 - by);
}

/* ---- XXH64 */

#define P1 0x9E3779B185EBCA87u
#define P2 0xC2B2AE3D27D4EB4Fu
#define P3 0x165667B19E3779F9u
#define P4 0x85EBCA77C2B2AE63u
#define P5 0x27D4EB2F165667C5u

static inline uint64_t xxh_round(uint64_t acc, uint64_t lane)
{
    return rotl64(acc + lane * P2, 31) * P1;
}

static inline uint64_t xxh_merge(uint64_t acc, uint64_t lane)
{
    return (acc ^ xxh_round(0, lane)) * P1 + P4;
}

/* Whole stripes of 32 bytes; *p moves behind them. */
static uint64_t xxh_stripes(const unsigned char **p, const unsigned char *end, uint64_t seed)
{
    uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
    const unsigned char *at = *p;
    for (; end - at >= 32; at += 32) {
        a = xxh_round(a, le64(at));
        b = xxh_round(b, le64(at + 8));
        c = xxh_round(c, le64(at + 16));
        d = xxh_round(d, le64(at + 24));
    }
    *p = at;
    uint64_t h = rotl64(a, 1) + rotl64(b, 7) + rotl64(c, 12) + rotl64(d, 18);
    return xxh_merge(xxh_merge(xxh_merge(xxh_merge(h, a), b), c), d);
}

uint64_t tarn_hash64(const void *data, size_t n, uint64_t seed)
{
    static const unsigned char nothing[1];
    const unsigned char *p = n ? data : nothing, *end = p + n;
    uint64_t h = n >= 32 ? xxh_stripes(&p, end, seed) : seed + P5;
    h += n;
    for (; end - p >= 8; p += 8)
        h = rotl64(h ^ xxh_round(0, le64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        h = rotl64(h ^ le32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p != end; p++)
        h = rotl64(h ^ *p * P5, 11) * P1;
    h = (h ^ h >> 33) * P2;
    h = (h ^ h >> 29) * P3;
    return h ^ h >> 32;
}

/* ---- Murmur3 x86 32 */

static inline uint32_t murmur_mix(uint32_t k)
{
    return rotl32(k * 0xCC9E2D51u, 15) * 0x1B873593u;
}

uint32_t tarn_murmur3_32(const void *data, size_t n, uint32_t seed)
{
    const unsigned char *p = data;
    uint32_t h = seed;
    for (size_t blocks = n / 4; blocks > 0; blocks--, p += 4)
        h = rotl32(h ^ murmur_mix(le32(p)), 13) * 5 + 0xE6546B64u;
    uint32_t tail = 0;
    for (size_t i = n & 3; i > 0; i--)
        tail = tail << 8 | p[i - 1];
    if (n & 3)
        h ^= murmur_mix(tail);
    h ^= (uint32_t)n;
    h = (h ^ h >> 16) * 0x85EBCA6Bu;
    h = (h ^ h >> 13) * 0xC2B2AE35u;
    return h ^ h >> 16;
}

/* ---- CRC-32, eight bytes a step ("slicing by 8") */

uint32_t tarn_crc32(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *p = data;
    uint32_t c = ~crc;
    for (; n >= 8; n -= 8, p += 8) {
        uint32_t low = c ^ le32(p), high = le32(p + 4);
        c = crc_tables[7][low & 255] ^ crc_tables[6][low >> 8 & 255] ^
            crc_tables[5][low >> 16 & 255] ^ crc_tables[4][low >> 24] ^ crc_tables[3][high & 255] ^
            crc_tables[2][high >> 8 & 255] ^ crc_tables[1][high >> 16 & 255] ^
            crc_tables[0][high >> 24];
    }
    for (; n > 0; n--, p++)
        c = crc_tables[0][(c ^ *p) & 255] ^ c >> 8;
    return ~c;
}
