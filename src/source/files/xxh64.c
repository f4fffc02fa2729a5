/* xxh64: XXH64 over pieces, seed 0, for checksums of whole files. base/hash.h has it over one
 * piece. */
#include "source/source_int.h"

#include <endian.h>

#define PRIME1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME3 UINT64_C(0x165667B19E3779F9)
#define PRIME4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t rotate(uint64_t v, int n)
{
    return v << n | v >> (64 - n);
}

static uint64_t load64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}

static uint64_t mix_lane(uint64_t lane, uint64_t input)
{
    return rotate(lane + input * PRIME2, 31) * PRIME1;
}

static void stripe(struct tarn__xxh64 *x, const unsigned char *p)
{
    for (int i = 0; i < 4; i++)
        x->lanes[i] = mix_lane(x->lanes[i], load64(p + 8 * i));
}

void tarn__xxh64_init(struct tarn__xxh64 *x)
{
    *x = (struct tarn__xxh64){.lanes = {PRIME1 + PRIME2, PRIME2, 0, 0 - PRIME1}};
}

void tarn__xxh64_update(struct tarn__xxh64 *x, const void *data, size_t n)
{
    const unsigned char *p = data;
    x->total += n;
    if (x->tail_len > 0) {
        size_t take = sizeof x->tail - x->tail_len < n ? sizeof x->tail - x->tail_len : n;
        memcpy(x->tail + x->tail_len, p, take);
        x->tail_len += take;
        p += take;
        n -= take;
        if (x->tail_len < sizeof x->tail)
            return;
        stripe(x, x->tail);
        x->tail_len = 0;
    }
    for (; n >= 32; p += 32, n -= 32)
        stripe(x, p);
    if (n > 0)
        memcpy(x->tail, p, n);
    x->tail_len = n;
}

uint64_t tarn__xxh64_final(const struct tarn__xxh64 *x)
{
    const uint64_t *v = x->lanes;
    uint64_t h = PRIME5;
    if (x->total >= 32) {
        h = rotate(v[0], 1) + rotate(v[1], 7) + rotate(v[2], 12) + rotate(v[3], 18);
        for (int i = 0; i < 4; i++)
            h = (h ^ mix_lane(0, v[i])) * PRIME1 + PRIME4;
    }
    h += x->total;
    const unsigned char *p = x->tail, *end = p + x->tail_len;
    for (; end - p >= 8; p += 8)
        h = rotate(h ^ mix_lane(0, load64(p)), 27) * PRIME1 + PRIME4;
    if (end - p >= 4) {
        uint32_t word;
        memcpy(&word, p, 4);
        h = rotate(h ^ le32toh(word) * PRIME1, 23) * PRIME2 + PRIME3;
        p += 4;
    }
    for (; p < end; p++)
        h = rotate(h ^ *p * PRIME5, 11) * PRIME1;
    h = (h ^ h >> 33) * PRIME2;
    h = (h ^ h >> 29) * PRIME3;
    return h ^ h >> 32;
}
