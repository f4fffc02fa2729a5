/* test_arena: alignment, zeroing, budget, marks, clean-ups. */
#include "check.h"

#include <string.h>

#include "base/arena.h"

static void pieces_are_zeroed_and_aligned(void **state)
{
    (void)state;
    struct tarn_arena *a = tarn_arena_new(64 << 20);
    for (size_t n = 0; n < 3000; n += 7) {
        unsigned char *p = tarn_arena_alloc(a, n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
    }
    tarn_arena_reset(a);
    unsigned char *again = tarn_arena_alloc(a, 4000); /* memory that was used before */
    for (size_t i = 0; i < 4000; i++)
        assert_int_equal(again[i], 0);
    tarn_arena_free(a);
}

static void the_budget_is_kept(void **state)
{
    (void)state;
    static const size_t budgets[] = {0, 1, 100, 8192, 100000, 1 << 20};
    for (size_t b = 0; b < sizeof budgets / sizeof *budgets; b++) {
        struct tarn_arena *a = tarn_arena_new(budgets[b]);
        size_t given = 0;
        while (tarn_arena_alloc(a, 48))
            given += 48;
        assert_true(given <= budgets[b]);
        assert_true(given + 64 + 48 >= budgets[b] * 9 / 10 || budgets[b] < 200);
        assert_true(tarn_arena_used(a) <= budgets[b]);
        assert_null(tarn_arena_alloc(a, SIZE_MAX));
        assert_null(tarn_arena_alloc(a, SIZE_MAX - 8));
        assert_null(tarn_arena_alloc(a, budgets[b] + 1));
        tarn_arena_free(a);
    }
}

static void rewinding_gives_memory_back(void **state)
{
    (void)state;
    struct tarn_arena *a = tarn_arena_new(1 << 20);
    char *kept = tarn_arena_alloc(a, 100);
    memset(kept, 'k', 100);
    struct tarn_arena_mark mark = tarn_arena_mark(a);
    for (int round = 0; round < 100; round++) { /* 100 times 700 KB out of a budget of 1 MB */
        for (int i = 0; i < 100; i++)
            assert_non_null(tarn_arena_alloc(a, 2000));
        for (int i = 0; i < 5; i++)
            assert_non_null(tarn_arena_alloc(a, 100000));
        tarn_arena_rewind(a, mark);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(kept[i], 'k');
    tarn_arena_reset(a);
    assert_true(tarn_arena_used(a) <= 8192);
    tarn_arena_free(a);
    tarn_arena_free(NULL);
}

static char order[32];
static void note(void *letter)
{
    strncat(order, letter, 1);
}
static void note_large(void *piece)
{
    const char *text = piece;
    assert_int_equal(text[199999],
                     'z'); /* still there although it was allocated behind the clean-up */
    strncat(order, "L", 2);
}

static void cleanups_run_backwards(void **state)
{
    (void)state;
    char a1[] = "a", b1[] = "b", c1[] = "c", d1[] = "d";
    order[0] = '\0';
    struct tarn_arena *a = tarn_arena_new(1 << 20);
    assert_true(tarn_arena_cleanup(a, note, a1));
    struct tarn_arena_mark mark = tarn_arena_mark(a);
    assert_true(tarn_arena_cleanup(a, note, b1));
    assert_non_null(tarn_arena_alloc(a, 100000));
    assert_true(tarn_arena_cleanup(a, note, c1));
    tarn_arena_rewind(a, mark);
    assert_string_equal(order, "cb");
    assert_true(tarn_arena_cleanup(a, note, d1));
    tarn_arena_reset(a);
    assert_string_equal(order, "cbda");
    tarn_arena_reset(a);
    assert_string_equal(order, "cbda");
    tarn_arena_free(a);
    assert_string_equal(order, "cbda");
}

static void a_cleanup_may_read_what_came_after_it(void **state)
{
    (void)state;
    order[0] = '\0';
    struct tarn_arena *a = tarn_arena_new(1 << 20);
    char *piece = tarn_arena_alloc(a, 200000);
    struct tarn_arena *b = tarn_arena_new(1 << 20);
    assert_true(tarn_arena_cleanup(b, note_large, piece));
    piece[199999] = 'z';
    tarn_arena_free(b);
    assert_string_equal(order, "L");
    tarn_arena_free(a);
}

static void allocations_fail_on_request(void **state)
{
    (void)state;
    struct tarn_arena *a = tarn_arena_new(1 << 20);
    tarn_alloc_fail_at(2);
    assert_non_null(tarn_arena_alloc(a, 10));
    assert_null(tarn_arena_alloc(a, 10));
    assert_non_null(tarn_arena_alloc(a, 10));
    tarn_alloc_fail_at(1);
    assert_false(tarn_arena_cleanup(a, note, NULL)); /* and note is never called */
    tarn_alloc_fail_at(1);
    assert_null(tarn_arena_new(100));
    tarn_alloc_fail_at(0);
    tarn_arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_and_aligned),
        cmocka_unit_test(the_budget_is_kept),
        cmocka_unit_test(rewinding_gives_memory_back),
        cmocka_unit_test(cleanups_run_backwards),
        cmocka_unit_test(a_cleanup_may_read_what_came_after_it),
        cmocka_unit_test(allocations_fail_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
