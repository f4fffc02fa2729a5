/* keyset: open addressing at half load; see base_int.h. */
#include "base/arena.h"
#include "base/base_int.h"
#include "base/hash.h"

bool tarn__keyset_init(struct tarn__keyset *set, struct tarn_arena *arena, size_t count)
{
    size_t slots = 16;
    while (slots < count * 2)
        slots *= 2;
    set->slots = tarn_arena_alloc(arena, slots * sizeof *set->slots);
    set->mask = slots - 1;
    return set->slots != NULL;
}

bool tarn__keyset_add(struct tarn__keyset *set, struct tarn_str key)
{
    /* The seed differs from run to run, so that no text can be written whose keys all collide. */
    size_t at = (size_t)tarn_hash64(key.ptr, key.len, (uint64_t)(uintptr_t)set->slots) & set->mask;
    for (; set->slots[at].ptr; at = (at + 1) & set->mask)
        if (tarn_str_eq(set->slots[at], key))
            return false;
    set->slots[at] = tarn_str_of(key.ptr ? key.ptr : "", key.len);
    return true;
}
