/* Parquet footers: Thrift's compact protocol, schemas, row groups, statistics; and bytes that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "format/parquet/statistic.h"

#define CORPUS "tests/fuzz/corpus/fuzz_parquet_footer/"

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

static struct tarn_str file_of(struct tarn_op *op, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *bytes = tarn_alloc(op, 65536);
    size_t n = fread(bytes, 1, 65536, f);
    assert_int_equal(fclose(f), 0);
    return tarn_str_of(bytes, n);
}

static struct tarn_str footer_of(struct tarn_op *op, struct tarn_str file)
{
    size_t n;
    assert_int_equal(tarn_parquet_tail(op, tarn_str_of(file.ptr + file.len - 8, 8), file.len, &n),
                     TARN_OK);
    return tarn_str_of(file.ptr + file.len - 8 - n, n);
}

/* ---- Thrift */

static void test_round_trip(void **state)
{
    struct tarn_buf b;
    struct tarn_thrift t;
    struct tarn_thrift_field f;
    int16_t to = 0, id = 0;
    (void)state;
    tarn_buf_init(&b, 65536);
    static const int64_t numbers[] = {0, -1, 1, 63, -64, 64, INT32_MIN, INT64_MAX, INT64_MIN};
    for (int16_t i = 0; i < 9; i++)
        tarn_thrift_put_int_field(&b, &to, (int16_t)(i * 7 + 1), TARN_THRIFT_I64, numbers[i]);
    tarn_thrift_put_field(&b, &to, 5, TARN_THRIFT_BINARY); /* backwards: the long form */
    tarn_thrift_put_binary(&b, TARN_STR("text"));
    tarn_thrift_put_field(&b, &to, 300, TARN_THRIFT_TRUE);
    tarn_thrift_put_field(&b, &to, 301, TARN_THRIFT_FALSE);
    tarn_thrift_put_field(&b, &to, 302, TARN_THRIFT_LIST);
    tarn_thrift_put_structs(&b, 20);
    for (int i = 0; i < 20; i++)
        tarn_thrift_put_stop(&b);
    tarn_thrift_put_stop(&b);
    tarn_thrift_init(&t, tarn_buf_view(&b));
    for (int i = 0; i < 9; i++) {
        assert_true(tarn_thrift_next(&t, &id, &f));
        assert_int_equal(f.id, i * 7 + 1);
        assert_true(tarn_thrift_int(&t, &f) == numbers[i]);
    }
    assert_true(tarn_thrift_next(&t, &id, &f) && f.id == 5);
    assert_true(tarn_str_is(tarn_thrift_binary(&t, &f), "text"));
    assert_true(tarn_thrift_next(&t, &id, &f) && f.id == 300 && tarn_thrift_bool(&t, &f));
    assert_true(tarn_thrift_next(&t, &id, &f) && f.id == 301 && !tarn_thrift_bool(&t, &f));
    assert_true(tarn_thrift_next(&t, &id, &f));
    assert_int_equal(tarn_thrift_structs(&t, &f), 20);
    for (int i = 0; i < 20; i++)
        tarn_thrift_skip(&t, TARN_THRIFT_STRUCT);
    assert_false(tarn_thrift_next(&t, &id, &f));
    assert_false(t.failed);
    assert_ptr_equal(t.at, t.end);
    tarn_buf_release(&b);
}

/* What a skip leaves behind is what stands behind the value. */
static void test_skip(void **state)
{
    static const struct {
        struct tarn_str bytes;
        bool good;
    } cases[] = {
        {TARN_STR("\x15\x02\x00"), true},                             /* i32 */
        {TARN_STR("\x17\x00\x00\x00\x00\x00\x00\x00\x00\x00"), true}, /* double */
        {TARN_STR("\x1b\x00\x00"), true},                             /* an empty map */
        {TARN_STR("\x1b\x01\x85\x01x\x02\x00"), true},                /* map<binary, i32> */
        {TARN_STR("\x19\x31\x01\x02\x01\x00"), true},                 /* list<bool> */
        {TARN_STR("\x1c\x1c\x00\x00\x00"), true},                     /* structs */
        {TARN_STR("\x15\x02"), false},                                /* no stop */
        {TARN_STR("\x18\x05x\x00"), false},                           /* a text beyond the end */
        {TARN_STR("\x19\xf5\xff\xff\xff\xff\x0f\x00"), false},        /* a list beyond the end */
        {TARN_STR("\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00"), false}, /* over 64 bits */
        {TARN_STR("\x1e\x00\x00"), false},                                     /* no such type */
        {TARN_STR("\x1b\x01\xee\x00\x00\x00"), false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tarn_thrift t;
        tarn_thrift_init(&t, cases[i].bytes);
        tarn_thrift_skip(&t, TARN_THRIFT_STRUCT);
        assert_int_equal(!t.failed, cases[i].good);
        assert_ptr_equal(t.at, t.end);
    }
    char deep[1000];
    struct tarn_thrift t;
    memset(deep, 0x1c, sizeof deep);
    tarn_thrift_init(&t, tarn_str_of(deep, sizeof deep));
    tarn_thrift_skip(&t, TARN_THRIFT_STRUCT);
    assert_true(t.failed);
}

/* ---- footers */

static void test_tail(void **state)
{
    struct tarn_op *op = *state;
    size_t n;
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\x10\0\0\0PAR1"), 100, &n), TARN_OK);
    assert_int_equal(n, 16);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\x10\0\0\0PAR1"), 27, &n), TARN_CORRUPT);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\0\0\0\0PAR1"), 100, &n), TARN_CORRUPT);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\x10\0\0\0PAR2"), 100, &n), TARN_CORRUPT);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\x10\0\0\0PARE"), 100, &n), TARN_UNSUPPORTED);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("\xff\xff\xff\xffPAR1"), UINT64_MAX, &n),
                     TARN_LIMIT);
    assert_int_equal(tarn_parquet_tail(op, TARN_STR("PAR1"), 100, &n), TARN_CORRUPT);
}

static void test_schema(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_parquet_footer f;
    assert_int_equal(tarn_parquet_footer_read(op, footer_of(op, file_of(op, "list")), &f), TARN_OK);
    assert_int_equal(f.element_count, 5);
    assert_int_equal(f.leaf_count, 2);
    const struct tarn_parquet_element *item = &f.elements[3];
    assert_true(tarn_str_is(item->name, "element"));
    assert_int_equal(item->field_id, 2);
    assert_int_equal(item->physical, TARN_PARQUET_BYTE_ARRAY);
    assert_int_equal(item->parent, 2);
    assert_int_equal(item->def_max, 3);
    assert_int_equal(item->rep_max, 1);
    assert_int_equal(f.elements[4].parent, 0);
    assert_int_equal(f.elements[4].leaf, 1);
    assert_int_equal(f.elements[4].def_max, 1);
    assert_int_equal(f.rows, 5);
    assert_int_equal(f.group_count, 1);
    assert_int_equal(f.groups[0].chunks[0].values, 10);
    assert_int_equal(f.groups[0].chunks[0].nulls, 5);

    assert_int_equal(tarn_parquet_schema_read(op, footer_of(op, file_of(op, "geo")), &f), TARN_OK);
    assert_int_equal(f.group_count, 0);
    assert_int_equal(f.elements[1].logical, TARN_PARQUET_LOGICAL_TIMESTAMP);
    assert_int_equal(f.elements[1].unit, TARN_PARQUET_NANOS);
    assert_false(f.elements[1].utc);
    struct tarn_str bytes = footer_of(op, file_of(op, "geo"));
    assert_int_equal(bytes.ptr[f.elements[1].utc_at] & 15, TARN_THRIFT_FALSE);
    assert_int_equal(f.elements[2].logical, TARN_PARQUET_LOGICAL_GEOMETRY);
    assert_null(f.elements[2].crs.ptr);
}

static struct tarn_parquet_bounds bounds_of(struct tarn_op *op, const struct tarn_parquet_footer *f,
                                            size_t leaf, struct tarn_type type)
{
    struct tarn_parquet_bounds b;
    assert_int_equal(tarn_parquet_chunk_bounds(op, f, leaf, &f->groups[0].chunks[leaf], &type, &b),
                     TARN_OK);
    return b;
}

static void test_bounds(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_parquet_footer f;
    const struct tarn_type binary = {.kind = TARN_TYPE_BINARY}, text = {.kind = TARN_TYPE_STRING},
                           uuid = {.kind = TARN_TYPE_UUID};
    assert_int_equal(tarn_parquet_footer_read(op, footer_of(op, file_of(op, "dictionary")), &f),
                     TARN_OK);
    struct tarn_parquet_bounds b = bounds_of(op, &f, 0, binary);
    assert_true(b.known && b.exact);
    assert_true(tarn_str_is(b.lower.bytes, "abcd") && tarn_str_is(b.upper.bytes, "efgh"));
    assert_false(bounds_of(op, &f, 0, uuid).known); /* no sixteen bytes */
    b = bounds_of(op, &f, 1, (struct tarn_type){.kind = TARN_TYPE_LONG});
    assert_true(b.known && b.lower.i == 0 && b.upper.i == 39);
    assert_false(bounds_of(op, &f, 1, text).known);
    assert_false(bounds_of(op, &f, 1, (struct tarn_type){.kind = TARN_TYPE_TIMESTAMP}).known);
    /* an order that the file does not tell is none */
    f.typed_order = false;
    assert_false(bounds_of(op, &f, 0, binary).known);
    assert_true(bounds_of(op, &f, 1, (struct tarn_type){.kind = TARN_TYPE_LONG}).known);
    /* nor are bounds that contradict each other */
    struct tarn_str min = f.groups[0].chunks[1].min;
    f.groups[0].chunks[1].min = f.groups[0].chunks[1].max;
    f.groups[0].chunks[1].max = min;
    assert_false(bounds_of(op, &f, 1, (struct tarn_type){.kind = TARN_TYPE_LONG}).known);
}

/* Each member of a footer says its own; a reader that knows fewer types is put right. */
static void test_refine(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_parquet_element e = {
        .logical = TARN_PARQUET_LOGICAL_TIMESTAMP, .unit = TARN_PARQUET_NANOS, .utc = true};
    struct tarn_type t = {.kind = TARN_TYPE_TIMESTAMPTZ};
    assert_int_equal(tarn_parquet_type_refine(op, &e, &t), TARN_OK);
    assert_int_equal(t.kind, TARN_TYPE_TIMESTAMPTZ_NS);
    e.unit = TARN_PARQUET_MICROS;
    t.kind = TARN_TYPE_TIMESTAMPTZ;
    assert_int_equal(tarn_parquet_type_refine(op, &e, &t), TARN_OK);
    assert_int_equal(t.kind, TARN_TYPE_TIMESTAMPTZ);
    e = (struct tarn_parquet_element){
        .logical = TARN_PARQUET_LOGICAL_GEOGRAPHY, .crs = TARN_STR("srid:4326"), .algorithm = 4};
    t = (struct tarn_type){.kind = TARN_TYPE_GEOMETRY};
    assert_int_equal(tarn_parquet_type_refine(op, &e, &t), TARN_OK);
    assert_int_equal(t.kind, TARN_TYPE_GEOGRAPHY);
    assert_true(tarn_str_is(t.text, "geography(srid:4326, karney)"));
    e.algorithm = 9;
    t.kind = TARN_TYPE_GEOMETRY;
    assert_int_equal(tarn_parquet_type_refine(op, &e, &t), TARN_UNSUPPORTED);
}

/* Every truncation fails; every flipped bit fails or reads as something: nothing is read beyond it. */
static void test_hostile(void **state)
{
    static const char *const names[] = {"plain", "list", "geo", "variant"};
    struct tarn_op *op = *state;
    struct tarn_parquet_footer f;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct tarn_str bytes = footer_of(op, file_of(op, names[i]));
        struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
        for (size_t n = 0; n < bytes.len; n++) {
            char *cut = malloc(n + 1);
            memcpy(cut, bytes.ptr, n);
            assert_int_equal(tarn_parquet_footer_read(op, tarn_str_of(cut, n), &f), TARN_CORRUPT);
            tarn_clear(op);
            free(cut);
            tarn_arena_rewind(op->arena, mark);
        }
        char *flipped = malloc(bytes.len);
        for (size_t bit = 0; bit < bytes.len * 8; bit++) {
            memcpy(flipped, bytes.ptr, bytes.len);
            flipped[bit / 8] = (char)(flipped[bit / 8] ^ 1 << bit % 8);
            if (tarn_parquet_footer_read(op, tarn_str_of(flipped, bytes.len), &f) != TARN_OK)
                assert_int_equal(op->report.status, TARN_CORRUPT);
            tarn_clear(op);
            tarn_arena_rewind(op->arena, mark);
        }
        free(flipped);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_skip),   TEST(test_tail),    TEST(test_schema),
        TEST(test_bounds),     TEST(test_refine), TEST(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
