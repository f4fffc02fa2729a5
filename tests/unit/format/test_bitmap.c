/* Bitmaps and deletion vectors: bytes of Iceberg Java (its golden files), every form of container,
 * and damage. */
#include "iceberg_fixture.h"

#include <stdlib.h>

#include "base/arena.h"
#include "format/bitmap.h"
#include "format/iceberg/puffin.h"

static struct tarn_str from_hex(struct tarn_op *op, const char *hex)
{
    size_t n = strlen(hex) / 2;
    char *bytes = tarn_alloc(op, n + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (char)strtol(two, NULL, 16);
    }
    return tarn_str_of(bytes, n);
}

struct set {
    int64_t *p;
    size_t count;
};

static struct set set_new(struct tarn_op *op, size_t max)
{
    struct set s = {tarn_alloc_array(op, max, sizeof *s.p), 0};
    assert_non_null(s.p);
    return s;
}

static void add(struct set *s, int64_t first, int64_t end, int64_t step)
{
    for (int64_t v = first; v < end; v += step)
        s->p[s->count++] = v;
}

static void comes_back(struct tarn_op *op, const struct set *s, size_t bytes_max)
{
    struct tarn_str bytes;
    int64_t *got;
    size_t count;
    ice_ok(op, tarn_bitmap_write(op, s->p, s->count, &bytes));
    if (bytes.len > bytes_max)
        fail_msg("%zu bytes", bytes.len);
    ice_ok(op, tarn_bitmap_read(op, bytes, "b", s->count, &got, &count));
    assert_int_equal(count, s->count);
    if (count > 0)
        assert_memory_equal(got, s->p, count * sizeof *got);
    if (s->count > 0)
        ice_fails(op, tarn_bitmap_read(op, bytes, "b", s->count - 1, &got, &count), TARN_CORRUPT,
                  "more positions");
}

/* core/src/test/resources/org/apache/iceberg/deletes of Iceberg Java, and what they hold. */
#define KEY INT64_C(4294967296)
static void java_writes_the_same_bytes(void **state)
{
    struct tarn_op *op = *state;
    struct set sets[4];
    static const char *const golden[] = {
        "0000000cd1d339640000000000000000bf18480c",
        "0000002ad1d339640100000000000000000000003a300000010000000000040010000000010003000500070009"
        "00b3fb20be",
        "00000030d1d339640100000000000000000000003a300000020000000000010000800100180000001c00000064"
        "0065006300640015eb1c7c",
        "00000056d1d339640200000000000000000000003b30020006000001000100e6030200fdff0500070001000100"
        "e60301000100fdff010000003b30020006000001000100e9010200fdff0a00140001000a00e90101000100fdff"
        "c89be397",
    };
    sets[0] = set_new(op, 1);
    sets[1] = set_new(op, 5);
    add(&sets[1], 1, 10, 2);
    sets[2] = set_new(op, 4);
    add(&sets[2], 100, 102, 1);
    add(&sets[2], INT32_MAX + INT64_C(100), INT32_MAX + INT64_C(102), 1);
    sets[3] = set_new(op, 200000);
    add(&sets[3], 5, 8, 2);
    add(&sets[3], 65536 + 1, 65536 + 1000, 1);
    add(&sets[3], 2 * 65536 + 1, 2 * 65536 + 65535, 1);
    add(&sets[3], KEY + 10, KEY + 21, 10);
    add(&sets[3], KEY + 65536 + 10, KEY + 65536 + 500, 1);
    add(&sets[3], KEY + 2 * 65536 + 1, KEY + 2 * 65536 + 65535, 1);
    for (size_t i = 0; i < COUNT(golden); i++) {
        struct tarn_str bytes, java = from_hex(op, golden[i]);
        int64_t *got;
        size_t count;
        ice_ok(op, tarn_deletion_vector_write(op, sets[i].p, sets[i].count, &bytes));
        assert_true(tarn_str_eq(bytes, java));
        ice_ok(op,
               tarn_deletion_vector_read(op, java, "java", (int64_t)sets[i].count, &got, &count));
        assert_int_equal(count, sets[i].count);
        for (size_t k = 0; k < count; k++)
            assert_int_equal(got[k], sets[i].p[k]);
    }
}

/* What the manifest of Java's table in version 3 calls a vector of one row. */
static void the_cardinality_is_checked(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str java =
        from_hex(op, "0000002ad1d339640100000000000000000000003a3000000100000000000400100000000100"
                     "030005000700"
                     "0900b3fb20be");
    int64_t *got;
    size_t count;
    ice_ok(op, tarn_deletion_vector_read(op, java, "dv", -1, &got, &count));
    assert_int_equal(count, 5);
    ice_fails(op, tarn_deletion_vector_read(op, java, "dv", 6, &got, &count), TARN_CORRUPT,
              "5 positions, and 6");
    ice_fails(op, tarn_deletion_vector_read(op, java, "dv", 4, &got, &count), TARN_CORRUPT,
              "more positions");
    ice_fails(op, tarn_deletion_vector_read(op, java, "dv", 0, &got, &count), TARN_CORRUPT, NULL);
}

static void every_form_of_container(void **state)
{
    struct tarn_op *op = *state;
    struct set s = set_new(op, 400000);
    comes_back(op, &s, 8);
    add(&s, 0, 1, 1);
    comes_back(op, &s, 8 + 4 + 18);
    add(&s, 2, 2 * 4096, 2); /* 4096 values: still an array */
    comes_back(op, &s, 8 + 4 + 16 + 8192);
    add(&s, 2 * 4096, 2 * 4096 + 1, 1); /* one more: bits */
    comes_back(op, &s, 8 + 4 + 16 + 8192);
    s.count = 0;
    add(&s, 0, 65536, 1); /* a full container: one run */
    comes_back(op, &s, 8 + 4 + 5 + 4 + 6);
    add(&s, 65536, 3 * 65536 + 1, 1); /* runs that go on in the next ones, and an array */
    comes_back(op, &s, 8 + 4 + 5 + 16 + 16 + 3 * 6 + 2);
    s.count = 0;
    add(&s, 65535, 65537, 1); /* over the edge of a container */
    add(&s, KEY - 1, KEY + 1, 1);
    add(&s, INT64_C(0x7FFFFFFE) * KEY, INT64_C(0x7FFFFFFE) * KEY + 1, 1);
    s.p[s.count++] = INT64_MAX;
    comes_back(op, &s, 200);
    s.count = 0;
    for (int64_t c = 0; c < 9; c++) /* more than 8 containers: two bytes of flags */
        add(&s, c * 65536, c * 65536 + (c % 2 ? 3 : 30), 1);
    comes_back(op, &s, 300);
    s.count = 0;
    add(&s, 0, 65536, 3);
    add(&s, 65536, 2 * 65536, 1);
    add(&s, 2 * 65536, 3 * 65536, 2);
    comes_back(op, &s, 8 + 4 + 5 + 12 + 2 * 8192 + 6);
}

static void pseudorandom_sets_come_back(void **state)
{
    struct tarn_op *op = *state;
    uint64_t x = 88172645463325252U;
    for (int round = 0; round < 200; round++) {
        struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
        struct set s = set_new(op, 3000);
        int64_t at = 0;
        while (s.count < 2900) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            int64_t run = x % 3 ? 1 : 1 + (int64_t)(x >> 8) % 90;
            at += 1 + (int64_t)(x >> 16 & ((UINT64_C(1) << (x >> 60) * 2) - 1));
            add(&s, at, at + run, 1);
            at += run;
        }
        comes_back(op, &s, SIZE_MAX);
        tarn_arena_rewind(op->arena, mark);
    }
}

static void broken_sets_are_refused(void **state)
{
    struct tarn_op *op = *state;
    static const int64_t bad[][2] = {{3, 3}, {3, 2}, {-1, 2}};
    struct tarn_str out;
    for (size_t i = 0; i < COUNT(bad); i++)
        ice_fails(op, tarn_bitmap_write(op, bad[i], 2, &out), TARN_INVALID, NULL);
}

static void broken_bitmaps_are_refused(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *hex, *why;
    } bad[] = {
        {"", "too early"},
        {"01000000000000", "too early"},
        {"0000000001000000", "too many bitmaps"},
        {"000000000000000000", "behind its end"},
        {"0100000000000000000000003c30000000000000", "portable"},
        {"0100000000000000000000803a30000000000000", "too high"}, /* a negative position */
        {"0200000000000000010000003a30000000000000010000003a30000000000000", "do not ascend"},
        {"0100000000000000000000003a30000001000100", "too many containers"},
        {"0100000000000000000000003a300000010000000000", "too early"},
        /* array 5, 5 */
        {"0100000000000000000000003a30000001000000000001001000000005000500", "do not ascend"},
        /* two containers with the key 0 */
        {"0100000000000000000000003a300000020000000000000000000000180000001a00000001000200",
         "keys of its containers"},
        /* a run of 3 where the header says 2, 4 */
        {"0100000000000000000000003b30000001000001000100010002"
         "00",
         "overlap or are too many"},
        {"0100000000000000000000003b3000000100000300010001000200", "as many values"},
        /* runs 1..3 and 3..4 */
        {"0100000000000000000000003b300000010000040002000100020003000100", "overlap"},
        /* a run beyond 65535 */
        {"0100000000000000000000003b30000001000001000100ffff0100", "overlap"},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t *got;
        size_t count;
        ice_fails(op, tarn_bitmap_read(op, from_hex(op, bad[i].hex), "b", SIZE_MAX, &got, &count),
                  TARN_CORRUPT, bad[i].why);
    }
    /* bits: 4097 by the header, one less in the container */
    struct set s = set_new(op, 4097);
    struct tarn_str bytes;
    int64_t *got;
    size_t count;
    add(&s, 0, 2 * 4097, 2);
    ice_ok(op, tarn_bitmap_write(op, s.p, s.count, &bytes));
    char *copy = tarn_alloc(op, bytes.len);
    assert_non_null(copy);
    memcpy(copy, bytes.ptr, bytes.len);
    copy[8 + 4 + 16 + 100] = 0x51;
    ice_fails(op, tarn_bitmap_read(op, tarn_str_of(copy, bytes.len), "b", 5000, &got, &count),
              TARN_CORRUPT, "as many values");
    copy[8 + 4 + 16 + 100] = 0x57;
    ice_fails(op, tarn_bitmap_read(op, tarn_str_of(copy, bytes.len), "b", 5000, &got, &count),
              TARN_CORRUPT, "as many values");
}

/* Empty bitmaps stand between those that hold something in Java's files; runs may touch. */
static void what_others_write_is_read(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *hex;
        int64_t wanted[4];
    } good[] = {
        {"0200000000000000000000003a30000000000000010000003a3000000100000000000000100000000700",
         {KEY + 7, -1}},
        {"0100000000000000000000003b300000010000020002000100010003000000", {1, 2, 3, -1}},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t *got;
        size_t count;
        ice_ok(op, tarn_bitmap_read(op, from_hex(op, good[i].hex), "b", 10, &got, &count));
        for (size_t k = 0; k < count; k++)
            assert_int_equal(got[k], good[i].wanted[k]);
        assert_int_equal(good[i].wanted[count], -1);
    }
}

/* Not one truncation and not one flipped bit of a vector gives other positions. */
static void damage_is_found(void **state)
{
    struct tarn_op *op = *state;
    struct set s = set_new(op, 2000);
    struct tarn_str whole;
    int64_t *got;
    size_t count;
    add(&s, 3, 20, 4);
    add(&s, 65536, 65536 + 1000, 1);
    add(&s, KEY * 2 + 9, KEY * 2 + 12, 2);
    ice_ok(op, tarn_deletion_vector_write(op, s.p, s.count, &whole));
    for (size_t n = 0; n < whole.len; n++) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, whole.ptr, n);
        ice_fails(op, tarn_deletion_vector_read(op, tarn_str_of(copy, n), "dv", -1, &got, &count),
                  TARN_CORRUPT, NULL);
        free(copy);
    }
    char *copy = malloc(whole.len + 1);
    assert_non_null(copy);
    memcpy(copy, whole.ptr, whole.len);
    for (size_t i = 0; i < whole.len * 8; i++) {
        copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
        ice_fails(
            op, tarn_deletion_vector_read(op, tarn_str_of(copy, whole.len), "dv", -1, &got, &count),
            TARN_CORRUPT, NULL);
        copy[i / 8] = (char)(copy[i / 8] ^ 1 << i % 8);
    }
    copy[whole.len] = 0;
    ice_fails(
        op, tarn_deletion_vector_read(op, tarn_str_of(copy, whole.len + 1), "dv", -1, &got, &count),
        TARN_CORRUPT, "not as long");
    free(copy);
}

static enum tarn_status write_and_read(struct tarn_op *op, void *arg)
{
    const struct set *s = arg;
    struct tarn_str bytes;
    int64_t *got;
    size_t count;
    TARN_TRY(tarn_deletion_vector_write(op, s->p, s->count, &bytes));
    return tarn_deletion_vector_read(op, bytes, "dv", (int64_t)s->count, &got, &count);
}

static void memory_failures_are_told(void **state)
{
    struct set s = set_new(*state, 10);
    add(&s, 0, 10, 1);
    ice_alloc_sweep(write_and_read, &s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(java_writes_the_same_bytes), TEST(the_cardinality_is_checked),
        TEST(every_form_of_container),    TEST(pseudorandom_sets_come_back),
        TEST(broken_sets_are_refused),    TEST(broken_bitmaps_are_refused),
        TEST(what_others_write_is_read),  TEST(damage_is_found),
        TEST(memory_failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
