/* Bounds of the fields of variants: written, found by path, and bytes of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/iceberg/expr.h"
#include "format/iceberg/variant.h"

static int setup(void **state)
{
    struct tarn_op *op = calloc(1, sizeof *op);
    *state = op;
    return op && tarn_op_init(op, 0, 0) == TARN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    tarn_op_release(*state);
    free(*state);
    return 0;
}

static struct tarn_str path_of(struct tarn_op *op, const char *a, const char *b)
{
    struct tarn_buf buf;
    struct tarn_str out;
    tarn_buf_init(&buf, 4096);
    tarn_buf_put(&buf, '$');
    if (a)
        tarn_variant_path_put(&buf, tarn_str_view(a));
    if (b)
        tarn_variant_path_put(&buf, tarn_str_view(b));
    assert_int_equal(tarn_buf_take(op, &buf, "path", &out), TARN_OK);
    return out;
}

static const struct tarn_type longs = {.kind = TARN_TYPE_LONG}, ints = {.kind = TARN_TYPE_INT},
                              texts = {.kind = TARN_TYPE_STRING}, dates = {.kind = TARN_TYPE_DATE},
                              reals = {.kind = TARN_TYPE_DOUBLE},
                              times = {.kind = TARN_TYPE_TIMESTAMP},
                              zoned = {.kind = TARN_TYPE_TIMESTAMPTZ};

static struct tarn_str sample(struct tarn_op *op)
{
    static const char long_text[] =
        "a text of more than sixty-three bytes, which has a length of its own in four bytes of it";
    struct tarn_variant_bound list[] = {
        {path_of(op, "b", NULL), texts, 0, {.bytes = TARN_STR("short")}},
        {path_of(op, "a", "x"), longs, 0, {.i = -5000000000}},
        {path_of(op, "i8", NULL), ints, 8, {.i = -7}},
        {path_of(op, "i16", NULL), ints, 16, {.i = -300}},
        {path_of(op, "i32", NULL), ints, 32, {.i = INT32_MIN}},
        {path_of(op, "f", NULL), {.kind = TARN_TYPE_FLOAT}, 0, {.d = 1.5}},
        {path_of(op, "d", NULL), reals, 0, {.d = -0.25}},
        {path_of(op, "day", NULL), dates, 0, {.i = -1}},
        {path_of(op, "ts", NULL), times, 0, {.i = -1}},
        {path_of(op, "tz", NULL), zoned, 0, {.i = 1}},
        {path_of(op, "long", NULL), texts, 0, {.bytes = tarn_str_view(long_text)}},
        {path_of(op, NULL, NULL), longs, 0, {.i = 42}},
    };
    struct tarn_str out;
    assert_int_equal(tarn_variant_bounds_write(op, list, sizeof list / sizeof list[0], &out),
                     TARN_OK);
    return out;
}

static void test_round_trip(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str bytes = sample(op);
    struct tarn_value v;
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "a", "x"), &longs, &v));
    assert_true(v.i == -5000000000);
    assert_false(tarn_variant_bound_find(bytes, path_of(op, "a", "x"), &ints, &v)); /* too large */
    assert_false(tarn_variant_bound_find(bytes, path_of(op, "a", NULL), &longs, &v));
    assert_false(tarn_variant_bound_find(bytes, path_of(op, "A", "x"), &longs, &v));
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "i8", NULL), &longs, &v) && v.i == -7);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "i16", NULL), &ints, &v) && v.i == -300);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "i32", NULL), &ints, &v) &&
                v.i == INT32_MIN);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "f", NULL), &reals, &v) && v.d == 1.5);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "d", NULL), &reals, &v) && v.d == -0.25);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "day", NULL), &dates, &v) && v.i == -1);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "ts", NULL), &times, &v) && v.i == -1);
    assert_false(tarn_variant_bound_find(bytes, path_of(op, "ts", NULL), &zoned, &v));
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "tz", NULL), &zoned, &v) && v.i == 1);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "b", NULL), &texts, &v) &&
                tarn_str_is(v.bytes, "short"));
    assert_false(tarn_variant_bound_find(bytes, path_of(op, "b", NULL), &longs, &v));
    assert_true(tarn_variant_bound_find(bytes, path_of(op, "long", NULL), &texts, &v) &&
                v.bytes.len > 63);
    assert_true(tarn_variant_bound_find(bytes, path_of(op, NULL, NULL), &longs, &v) && v.i == 42);
}

static void test_paths(void **state)
{
    struct tarn_op *op = *state;
    assert_string_equal(path_of(op, "location", "latitude").ptr, "$['location']['latitude']");
    assert_string_equal(path_of(op, "user.name", NULL).ptr, "$['user.name']");
    assert_string_equal(path_of(op, "it's \\ \n\x01", NULL).ptr, "$['it\\'s \\\\ \\n\\u0001']");
}

/* As others may write it: ids and offsets of one byte, the names in no order. */
static void test_narrow(void **state)
{
    static const char bytes[] = "\x01\x02\x00\x06\x0c$['z']$['a']" /* metadata */
                                "\x02\x02\x01\x00\x00\x02\x04"     /* fields a, z */
                                "\x0c\x05\x0c\x09";                /* int8 5, int8 9 */
    struct tarn_op *op = *state;
    struct tarn_str all = tarn_str_of(bytes, sizeof bytes - 1);
    struct tarn_value v;
    assert_true(tarn_variant_bound_find(all, path_of(op, "a", NULL), &longs, &v) && v.i == 5);
    assert_true(tarn_variant_bound_find(all, path_of(op, "z", NULL), &longs, &v) && v.i == 9);
    assert_false(tarn_variant_bound_find(all, path_of(op, "y", NULL), &longs, &v));
}

static void test_hostile(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str bytes = sample(op), path = path_of(op, "b", NULL);
    struct tarn_value v;
    assert_false(tarn_variant_bound_find((struct tarn_str){NULL, 0}, path, &texts, &v));
    for (size_t n = 0; n < bytes.len; n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, bytes.ptr, n);
        (void)tarn_variant_bound_find(tarn_str_of(cut, n), path, &texts, &v);
        free(cut);
    }
    char *flipped = malloc(bytes.len);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        memcpy(flipped, bytes.ptr, bytes.len);
        flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
        (void)tarn_variant_bound_find(tarn_str_of(flipped, bytes.len), path, &texts, &v);
    }
    free(flipped);
}

struct known {
    struct tarn_str lower, upper;
};

static bool look_up(void *ctx, int32_t field_id, struct tarn_field_metrics *out)
{
    const struct known *k = ctx;
    (void)field_id;
    *out = (struct tarn_field_metrics){-1, -1, -1, k->lower.ptr, k->upper.ptr, {0}, {0}};
    out->lower.bytes = k->lower;
    out->upper.bytes = k->upper;
    return true;
}

/* A file whose $['a'] lies in [10, 20]; of $['b'] nothing is known. */
static void test_may_match(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_variant_bound low = {path_of(op, "a", NULL), longs, 0, {.i = 10}}, high = low;
    struct known k;
    high.value.i = 20;
    assert_int_equal(tarn_variant_bounds_write(op, &low, 1, &k.lower), TARN_OK);
    assert_int_equal(tarn_variant_bounds_write(op, &high, 1, &k.upper), TARN_OK);
    struct tarn_value v = {.i = 21};
    struct tarn_expr e = {.op = TARN_EXPR_GE,
                          .field_id = 2,
                          .type = longs,
                          .path = path_of(op, "a", NULL),
                          .values = &v,
                          .value_count = 1};
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    v.i = 20;
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_EQ;
    v.i = 9;
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_IN;
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_NE;
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_EQ;
    e.path = path_of(op, "b", NULL);
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.path = path_of(op, "a", NULL);
    e.type = texts; /* a number that is compared as text */
    v.bytes = TARN_STR("x");
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.type = longs;
    k.upper.ptr = NULL; /* one bound alone is none */
    assert_true(tarn_expr_may_match(&e, look_up, &k));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_paths),     TEST(test_narrow),
        TEST(test_hostile),    TEST(test_may_match),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
