/* arena: memory that is freed together, with a budget in bytes and a list of clean-ups.
 *
 * Allocations are zeroed and 16-byte aligned. NULL means that the budget is used up or malloc
 * failed. Clean-ups run in reverse order of their registration when the arena is reset past them
 * or freed. One thread at a time.
 */
#ifndef TARN_BASE_ARENA_H
#define TARN_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct tarn_arena;
struct tarn_arena_mark {
    void *block;
    size_t used;
    void *cleanup;
};

struct tarn_arena *tarn_arena_new(size_t budget_bytes);
void tarn_arena_free(struct tarn_arena *a); /* NULL-safe; runs clean-ups */
void *tarn_arena_alloc(struct tarn_arena *a, size_t size_bytes);
/* Registers fn(data) to run when this point of the arena is given back. False: no memory, fn was
 * not registered. */
bool tarn_arena_cleanup(struct tarn_arena *a, void (*fn)(void *), void *data);
void tarn_arena_reset(struct tarn_arena *a); /* everything given back; keeps the first block */
struct tarn_arena_mark tarn_arena_mark(const struct tarn_arena *a);
void tarn_arena_rewind(struct tarn_arena *a, struct tarn_arena_mark mark);
size_t tarn_arena_used(const struct tarn_arena *a); /* bytes taken from malloc */

/* Tests: the n-th allocation from now (1 = the next) of any arena or buf in this process fails,
 * once; 0 = off. */
void tarn_alloc_fail_at(long n);
bool tarn_alloc_should_fail(void);

#endif
