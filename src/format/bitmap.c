/* bitmap: sorted positions <-> 64-bit Roaring bitmaps (RoaringFormatSpec), all little-endian:
 *
 *   u64 number of 32-bit bitmaps; for each, by ascending key:
 *     u32 key                       the positions' high half
 *     u32 cookie                    12346, then u32 number of containers; or, with runs,
 *                                   12347 | (containers - 1) << 16, then a bit a container
 *     (u16 key, u16 size - 1)       a container: the next 16 bits of its positions
 *     u32 offset                    a container; not with runs in fewer than 4 containers
 *     container                     u16 values (size <= 4096), 65536 bits, or
 *                                   u16 runs, then (u16 first, u16 length - 1) a run
 *
 * Offsets are written and, on reading, passed over: containers lie one behind the other. A 32-bit
 * bitmap may be empty (Iceberg Java writes those of the keys in between).
 */
#include "format/bitmap.h"

#include "base/arena.h"

#define COOKIE           12346U
#define COOKIE_RUNS      12347U
#define ARRAY_MAX        4096U
#define BITSET_BYTES     8192U
#define CONTAINER_VALUES 65536U
#define OFFSETS_FROM     4U /* containers, with runs */
#define BYTES_MAX        ((size_t)INT32_MAX)

/* ---- writing */

enum kind { ARRAY, BITSET, RUNS };
struct container {
    size_t begin; /* in the positions */
    uint32_t count, runs;
    uint16_t key;
    enum kind kind;
};
/* The containers of one 32-bit bitmap. */
struct bucket {
    struct container *items;
    size_t count;
    bool any_runs;
};

static void put_u16(struct tarn_buf *b, uint32_t v)
{
    char bytes[2] = {(char)v, (char)(v >> 8)};
    tarn_buf_append(b, bytes, 2);
}

static void put_u32(struct tarn_buf *b, uint32_t v)
{
    put_u16(b, v & 0xFFFF);
    put_u16(b, v >> 16);
}

static uint32_t container_bytes(const struct container *c)
{
    return c->kind == ARRAY ? 2 * c->count : c->kind == BITSET ? BITSET_BYTES : 2 + 4 * c->runs;
}

/* The smallest form; at the same size not runs, as Java has it. */
static void choose_kind(struct container *c)
{
    uint32_t runs = 2 + 4 * c->runs;
    c->kind = c->count <= ARRAY_MAX ? ARRAY : BITSET;
    if (runs < container_bytes(c))
        c->kind = RUNS;
}

/* The containers of the positions from `begin` that share their high 32 bits; *begin moves behind
 * them. */
static void bucket_fill(struct bucket *b, const int64_t *p, size_t count, size_t *begin)
{
    int64_t key = p[*begin] >> 32;
    size_t i = *begin;
    b->count = 0;
    b->any_runs = false;
    while (i < count && p[i] >> 32 == key) {
        struct container *c = &b->items[b->count++];
        *c = (struct container){.begin = i, .runs = 1, .key = (uint16_t)(p[i] >> 16)};
        for (i++; i < count && p[i] >> 16 == p[i - 1] >> 16; i++)
            c->runs += p[i] != p[i - 1] + 1;
        c->count = (uint32_t)(i - c->begin);
        choose_kind(c);
        b->any_runs |= c->kind == RUNS;
    }
    *begin = i;
}

static void put_bitset(struct tarn_buf *b, const int64_t *p, uint32_t count)
{
    unsigned char bits[BITSET_BYTES] = {0};
    for (uint32_t i = 0; i < count; i++)
        bits[(p[i] & 0xFFFF) >> 3] |= (unsigned char)(1U << (p[i] & 7));
    tarn_buf_append(b, bits, sizeof bits);
}

static void put_runs(struct tarn_buf *b, const int64_t *p, const struct container *c)
{
    put_u16(b, c->runs);
    for (uint32_t i = 0, first; i < c->count; i++) {
        for (first = i; i + 1 < c->count && p[i + 1] == p[i] + 1;)
            i++;
        put_u16(b, (uint32_t)(p[first] & 0xFFFF));
        put_u16(b, i - first);
    }
}

static void put_container(struct tarn_buf *b, const int64_t *p, const struct container *c)
{
    if (c->kind == BITSET)
        put_bitset(b, p, c->count);
    else if (c->kind == RUNS)
        put_runs(b, p, c);
    for (uint32_t i = 0; i < c->count && c->kind == ARRAY; i++)
        put_u16(b, (uint32_t)(p[i] & 0xFFFF));
}

static void put_run_flags(struct tarn_buf *b, const struct bucket *bucket)
{
    for (size_t i = 0; i < bucket->count; i += 8) {
        unsigned byte = 0;
        for (size_t k = i; k < bucket->count && k < i + 8; k++)
            byte |= (bucket->items[k].kind == RUNS ? 1U : 0U) << (k - i);
        tarn_buf_put(b, (char)byte);
    }
}

static void put_bucket(struct tarn_buf *b, const int64_t *p, const struct bucket *bucket)
{
    size_t start = b->len;
    uint32_t n = (uint32_t)bucket->count;
    if (bucket->any_runs) {
        put_u32(b, COOKIE_RUNS | (n - 1) << 16);
        put_run_flags(b, bucket);
    } else {
        put_u32(b, COOKIE);
        put_u32(b, n);
    }
    for (uint32_t i = 0; i < n; i++) {
        put_u16(b, bucket->items[i].key);
        put_u16(b, bucket->items[i].count - 1);
    }
    uint32_t offset = (uint32_t)(b->len - start) + 4 * n;
    bool offsets = !bucket->any_runs || n >= OFFSETS_FROM;
    for (uint32_t i = 0; i < n && offsets; i++) {
        put_u32(b, offset);
        offset += container_bytes(&bucket->items[i]);
    }
    for (uint32_t i = 0; i < n; i++)
        put_container(b, p + bucket->items[i].begin, &bucket->items[i]);
}

static enum tarn_status check_positions(struct tarn_op *op, const int64_t *p, size_t count,
                                        uint64_t *out_buckets)
{
    *out_buckets = count > 0;
    if (count > 0 && p[0] < 0)
        return tarn_fail(op, TARN_INVALID, "could not write a bitmap: a position is negative");
    for (size_t i = 1; i < count; i++) {
        if (p[i - 1] >= p[i])
            return tarn_fail(op, TARN_INVALID,
                             "could not write a bitmap: its positions do not ascend");
        *out_buckets += p[i - 1] >> 32 != p[i] >> 32;
    }
    return TARN_OK;
}

enum tarn_status tarn_bitmap_write(struct tarn_op *op, const int64_t *positions, size_t count,
                                   struct tarn_str *out)
{
    struct bucket bucket = {0};
    struct tarn_buf b;
    uint64_t buckets;
    TARN_TRY(check_positions(op, positions, count, &buckets));
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    size_t most = count < CONTAINER_VALUES ? count : CONTAINER_VALUES;
    bucket.items = tarn_arena_alloc(op->scratch, (most + 1) * sizeof *bucket.items);
    if (!bucket.items)
        return tarn_fail(op, TARN_NOMEM, "out of memory while writing a bitmap");
    tarn_buf_init(&b, BYTES_MAX);
    put_u32(&b, (uint32_t)buckets);
    put_u32(&b, (uint32_t)(buckets >> 32));
    for (size_t i = 0; i < count && !b.failed;) {
        put_u32(&b, (uint32_t)(positions[i] >> 32));
        bucket_fill(&bucket, positions, count, &i);
        put_bucket(&b, positions, &bucket);
    }
    tarn_arena_rewind(op->scratch, mark);
    return (enum tarn_status)tarn_buf_take(op, &b, "bitmap", out);
}

/* ---- reading: once over the headers to count, once to take the values */

struct reader {
    const unsigned char *p, *end;
    const char *error; /* the first; then everything reads as 0 */
    size_t count, count_max;
    int64_t *out; /* NULL while counting */
};

static void fail(struct reader *r, const char *why)
{
    if (!r->error)
        r->error = why;
    r->p = r->end;
}

static const unsigned char *take(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->p) < n) {
        fail(r, "it ends too early");
        return NULL;
    }
    r->p += n;
    return r->p - n;
}

static uint32_t u16_of(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get_u16(struct reader *r)
{
    const unsigned char *p = take(r, 2);
    return p ? u16_of(p) : 0;
}

static uint32_t get_u32(struct reader *r)
{
    const unsigned char *p = take(r, 4);
    return p ? u16_of(p) | u16_of(p + 2) << 16 : 0;
}

static void read_array(struct reader *r, int64_t base, uint32_t count)
{
    const unsigned char *p = take(r, 2 * (size_t)count);
    if (!p || !r->out)
        return;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t v = u16_of(p + 2 * (size_t)i);
        if (i > 0 && v <= u16_of(p + 2 * (size_t)i - 2)) {
            fail(r, "the values of a container do not ascend");
            return;
        }
        r->out[r->count + i] = base | v;
    }
}

static void read_bitset(struct reader *r, int64_t base, uint32_t count)
{
    const unsigned char *p = take(r, BITSET_BYTES);
    uint32_t n = 0;
    for (uint32_t i = 0; p && i < BITSET_BYTES && r->out; i++)
        for (unsigned byte = p[i]; byte && n <= count; byte &= byte - 1, n++)
            if (n < count)
                r->out[r->count + n] = base | (i * 8 + (uint32_t)__builtin_ctz(byte));
    if (p && r->out && n != count)
        fail(r, "a container does not hold as many values as its header says");
}

static void read_runs(struct reader *r, int64_t base, uint32_t count)
{
    uint32_t runs = get_u16(r), n = 0, next = 0;
    const unsigned char *p = take(r, 4 * (size_t)runs);
    for (uint32_t i = 0; p && i < runs && r->out; i++) {
        uint32_t first = u16_of(p + 4 * (size_t)i), length = u16_of(p + 4 * (size_t)i + 2) + 1;
        if (first < next || first + length > CONTAINER_VALUES || length > count - n) {
            fail(r, "the runs of a container overlap or are too many");
            return;
        }
        for (uint32_t k = 0; k < length; k++)
            r->out[r->count + n++] = base | (first + k);
        next = first + length;
    }
    if (p && r->out && n != count)
        fail(r, "a container does not hold as many values as its header says");
}

/* The containers' keys and sizes, and where the bits are that tell which are runs. */
struct header {
    uint32_t containers;
    const unsigned char *run_flags; /* NULL: none */
    const unsigned char *sizes;
};

static void read_header(struct reader *r, struct header *h)
{
    uint32_t cookie = get_u32(r);
    *h = (struct header){0};
    if (cookie == COOKIE) {
        h->containers = get_u32(r);
    } else if ((cookie & 0xFFFF) == COOKIE_RUNS) {
        h->containers = (cookie >> 16) + 1;
        h->run_flags = take(r, ((size_t)h->containers + 7) / 8);
    } else {
        fail(r, "it is not in the portable Roaring format");
    }
    if (h->containers > CONTAINER_VALUES)
        fail(r, "it has too many containers");
    h->sizes = take(r, 4 * (size_t)h->containers);
    if (!h->run_flags || h->containers >= OFFSETS_FROM)
        (void)take(r, 4 * (size_t)h->containers); /* the offsets */
}

static void read_bucket(struct reader *r, int64_t high)
{
    struct header h;
    read_header(r, &h);
    for (uint32_t i = 0; i < h.containers && !r->error; i++) {
        uint32_t key = u16_of(h.sizes + 4 * (size_t)i);
        uint32_t count = u16_of(h.sizes + 4 * (size_t)i + 2) + 1;
        int64_t base = high | (int64_t)key << 16;
        if (i > 0 && key <= u16_of(h.sizes + 4 * (size_t)i - 4))
            fail(r, "the keys of its containers do not ascend");
        else if (count > r->count_max - r->count)
            fail(r, "it holds more positions than it may");
        else if (h.run_flags && h.run_flags[i / 8] >> (i % 8) & 1)
            read_runs(r, base, count);
        else if (count <= ARRAY_MAX)
            read_array(r, base, count);
        else
            read_bitset(r, base, count);
        r->count += count;
    }
}

static void read_all(struct reader *r)
{
    uint32_t buckets = get_u32(r);
    int64_t last = -1;
    if (get_u32(r) != 0)
        fail(r, "it has too many bitmaps");
    for (uint32_t i = 0; i < buckets && !r->error; i++) {
        int64_t key = get_u32(r);
        if (key <= last || key > INT32_MAX) {
            fail(r, "the keys of its bitmaps do not ascend, or are too high");
            break;
        }
        last = key;
        read_bucket(r, key << 32);
    }
    if (r->p != r->end)
        fail(r, "there are bytes behind its end");
}

enum tarn_status tarn_bitmap_read(struct tarn_op *op, struct tarn_str bytes, const char *what,
                                  size_t count_max, int64_t **out_positions, size_t *out_count)
{
    const unsigned char *p = (const unsigned char *)(bytes.ptr ? bytes.ptr : "");
    struct reader r = {.p = p, .end = p + bytes.len, .count_max = count_max};
    *out_positions = NULL;
    *out_count = 0;
    read_all(&r);
    if (!r.error && r.count > 0) {
        struct reader again = {.p = p, .end = p + bytes.len, .count_max = r.count};
        TARN_NEW_ARRAY(op, again.out, r.count);
        read_all(&again);
        r = again;
    }
    if (r.error)
        return tarn_fail(op, TARN_CORRUPT, "could not read bitmap of \"%s\": %s", what, r.error);
    *out_positions = r.out;
    *out_count = r.count;
    return TARN_OK;
}
