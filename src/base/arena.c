/* arena: a stack of blocks, and a stack of nodes beside it. See arena.h.
 *
 * 1. Small pieces are cut from the newest block; a new block is opened when it is full (8 KiB,
 *    doubling to 1 MiB).
 * 2. A piece of LARGE bytes or more has a malloc of its own, and is a node; so is a clean-up. A
 *    mark remembers block, fill and node; going back runs the clean-ups above the mark newest
 *    first, then frees pieces and blocks above it.
 * 3. The largest block that a rewind frees is kept as the spare, so that a loop over a block's
 *    edge does not malloc each time.
 * 4. Under AddressSanitizer unused memory of a block is poisoned: use after rewind is caught.
 */
#include "base/arena.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_int.h"
#include "base/op.h"

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

#define ALIGN       ((size_t)16)
#define FIRST_BLOCK ((size_t)8 << 10)
#define BLOCK_MAX   ((size_t)1 << 20)
#define LARGE       ((size_t)64 << 10)

struct block {
    struct block *below;
    size_t size; /* of data */
    size_t used;
    size_t pad;
    unsigned char data[];
};

struct node {
    struct node *below;
    void (*fn)(void *); /* NULL: a large piece, which follows this header */
    void *data;
    size_t size; /* of the large piece, header included */
};

struct tarn_arena {
    size_t budget, used;
    size_t next_size;
    struct block *top, *spare;
    struct node *nodes;
    struct block *first; /* lies behind this struct, freed with it */
};

_Static_assert(sizeof(struct block) % 16 == 0, "data must be aligned to 16");
_Static_assert(sizeof(struct node) % 16 == 0, "large pieces must be aligned to 16");
#define ARENA_HEADER ((sizeof(struct tarn_arena) + ALIGN - 1) / ALIGN * ALIGN)

/* ---- failing on purpose (tests) */

static atomic_long fail_countdown;

void tarn_alloc_fail_at(long n)
{
    atomic_store(&fail_countdown, n);
}

bool tarn_alloc_should_fail(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0)
        return false;
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

/* ---- life */

struct tarn_arena *tarn_arena_new(size_t budget_bytes)
{
    if (tarn_alloc_should_fail())
        return NULL;
    size_t first = budget_bytes < FIRST_BLOCK ? budget_bytes / ALIGN * ALIGN : FIRST_BLOCK;
    char *p = malloc(ARENA_HEADER + sizeof(struct block) + first);
    if (!p)
        return NULL;
    struct tarn_arena *a = (struct tarn_arena *)(void *)p;
    struct block *b = (struct block *)(void *)(p + ARENA_HEADER);
    *b = (struct block){.size = first};
    POISON(b->data, b->size);
    *a = (struct tarn_arena){
        .budget = budget_bytes, .used = first, .next_size = 2 * FIRST_BLOCK, .top = b, .first = b};
    return a;
}

static void block_free(struct tarn_arena *a, struct block *b)
{
    a->used -= b->size;
    UNPOISON(b->data, b->size);
    free(b);
}

static void spare_drop(struct tarn_arena *a)
{
    if (a->spare)
        block_free(a, a->spare);
    a->spare = NULL;
}

/* Takes b off the stack: kept as the spare if it is larger than the present one. */
static void block_retire(struct tarn_arena *a, struct block *b)
{
    if (a->spare && a->spare->size >= b->size) {
        block_free(a, b);
        return;
    }
    spare_drop(a);
    b->used = 0;
    POISON(b->data, b->size);
    a->spare = b;
}

static void nodes_unwind(struct tarn_arena *a, struct node *until)
{
    for (struct node *n = a->nodes; n != until; n = n->below)
        if (n->fn)
            n->fn(n->data);
    /* Large pieces go after all clean-ups: a clean-up may read what was allocated behind it. */
    while (a->nodes != until) {
        struct node *n = a->nodes;
        a->nodes = n->below;
        if (!n->fn) {
            a->used -= n->size;
            free(n);
        }
    }
}

void tarn_arena_rewind(struct tarn_arena *a, struct tarn_arena_mark mark)
{
    nodes_unwind(a, mark.cleanup);
    while (a->top != mark.block) {
        struct block *b = a->top;
        TARN_ASSERT(b != a->first); /* a mark of another arena, or one that was rewound past */
        a->top = b->below;
        block_retire(a, b);
    }
    TARN_ASSERT(mark.used <= a->top->used);
    POISON(a->top->data + mark.used, a->top->used - mark.used);
    a->top->used = mark.used;
}

void tarn_arena_reset(struct tarn_arena *a)
{
    tarn_arena_rewind(a, (struct tarn_arena_mark){a->first, 0, NULL});
    spare_drop(a);
    a->next_size = 2 * FIRST_BLOCK;
}

void tarn_arena_free(struct tarn_arena *a)
{
    if (!a)
        return;
    tarn_arena_reset(a);
    UNPOISON(a->first->data, a->first->size);
    free(a);
}

struct tarn_arena_mark tarn_arena_mark(const struct tarn_arena *a)
{
    return (struct tarn_arena_mark){a->top, a->top->used, a->nodes};
}

size_t tarn_arena_used(const struct tarn_arena *a)
{
    return a->used;
}

size_t tarn__arena_budget(const struct tarn_arena *a)
{
    return a->budget;
}

/* ---- allocation */

static bool budget_admits(struct tarn_arena *a, size_t size)
{
    if (size > a->budget - a->used)
        spare_drop(a);
    return size <= a->budget - a->used;
}

static void *large_alloc(struct tarn_arena *a, size_t size)
{
    size += sizeof(struct node);
    if (!budget_admits(a, size))
        return NULL;
    struct node *n = calloc(1, size);
    if (!n)
        return NULL;
    *n = (struct node){.below = a->nodes, .size = size};
    a->nodes = n;
    a->used += size;
    return n + 1;
}

/* Puts a block with room for `size` on top. */
static bool block_push(struct tarn_arena *a, size_t size)
{
    struct block *b = a->spare;
    if (b && b->size >= size) {
        a->spare = NULL;
    } else {
        size_t want = a->next_size;
        while (want < size)
            want *= 2;
        if (!budget_admits(a, want))
            want = size;
        if (!budget_admits(a, want))
            return false;
        b = malloc(sizeof *b + want);
        if (!b)
            return false;
        *b = (struct block){.size = want};
        POISON(b->data, b->size);
        a->used += want;
        if (a->next_size < BLOCK_MAX)
            a->next_size *= 2;
    }
    b->below = a->top;
    a->top = b;
    return true;
}

void *tarn_arena_alloc(struct tarn_arena *a, size_t size_bytes)
{
    if (tarn_alloc_should_fail() || size_bytes > SIZE_MAX / 2)
        return NULL;
    size_t size = size_bytes ? (size_bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (size > a->top->size - a->top->used) {
        if (size >= LARGE)
            return large_alloc(a, size);
        if (!block_push(a, size))
            return NULL;
    }
    void *p = a->top->data + a->top->used;
    a->top->used += size;
    UNPOISON(p, size_bytes);
    return memset(p, 0, size_bytes);
}

bool tarn_arena_cleanup(struct tarn_arena *a, void (*fn)(void *), void *data)
{
    TARN_ASSERT(fn);
    struct node *n = tarn_arena_alloc(a, sizeof *n);
    if (!n)
        return false;
    *n = (struct node){.below = a->nodes, .fn = fn, .data = data};
    a->nodes = n;
    return true;
}
