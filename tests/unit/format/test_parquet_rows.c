/* The number of rows in a Parquet footer, and what contradicts itself. */
#include "iceberg_fixture.h"

#include "format/parquet/file_rows.h"
#include "format/parquet/thrift.h"

/* num_rows, and a row group of each count; -1 leaves it out. */
static struct tarn_str footer(struct tarn_op *op, int64_t rows, const int64_t *groups, size_t count)
{
    struct tarn_buf b;
    struct tarn_str out;
    int16_t last = 0;
    tarn_buf_init(&b, 4096);
    tarn_thrift_put_int_field(&b, &last, 1, TARN_THRIFT_I32, 2);
    if (rows >= 0)
        tarn_thrift_put_int_field(&b, &last, 3, TARN_THRIFT_I64, rows);
    tarn_thrift_put_field(&b, &last, 4, TARN_THRIFT_LIST);
    tarn_thrift_put_structs(&b, count);
    for (size_t i = 0; i < count; i++) {
        int16_t inner = 0;
        tarn_thrift_put_int_field(&b, &inner, 2, TARN_THRIFT_I64, 77);
        if (groups[i] != -1)
            tarn_thrift_put_int_field(&b, &inner, 3, TARN_THRIFT_I64, groups[i]);
        tarn_thrift_put_stop(&b);
    }
    tarn_thrift_put_stop(&b);
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "footer", &out));
    return out;
}

static void rows_are_those_of_all_groups(void **state)
{
    struct tarn_op *op = *state;
    const int64_t groups[] = {122880, 122880, 5};
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 245765, groups, 3)), 245765);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 122880, groups, 1)), 122880);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 0, groups, 0)), 0);
}

static void contradictions_are_no_number(void **state)
{
    struct tarn_op *op = *state;
    const int64_t two[] = {10, 5}, below[] = {10, -2}, lacking[] = {10, -1},
                  large[] = {INT64_MAX, INT64_MAX};
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 14, two, 2)), -1);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 15, two, 1)), -1);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, -1, two, 2)), -1);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 8, below, 2)), -1);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 10, lacking, 2)), -1);
    assert_int_equal(tarn_parquet_footer_rows(footer(op, 10, large, 2)), -1);
}

static void every_cut_and_flip_is_bounded(void **state)
{
    struct tarn_op *op = *state;
    const int64_t groups[] = {10, 5};
    struct tarn_str whole = footer(op, 15, groups, 2);
    for (size_t n = 0; n < whole.len; n++)
        assert_int_equal(tarn_parquet_footer_rows(tarn_str_of(whole.ptr, n)), -1);
    for (size_t bit = 0; bit < whole.len * 8; bit++) {
        char *copy = memcpy(tarn_alloc(op, whole.len), whole.ptr, whole.len);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        int64_t rows = tarn_parquet_footer_rows(tarn_str_of(copy, whole.len));
        assert_true(rows >= -1);
    }
}

static void the_place_of_a_footer(void **state)
{
    uint64_t offset, length;
    (void)state;
    assert_true(tarn_parquet_footer_place("\x64\0\0\0PAR1", 1000, &offset, &length));
    assert_int_equal(length, 100);
    assert_int_equal(offset, 892);
    assert_true(tarn_parquet_footer_place("\x64\0\0\0PAR1", 112, &offset, &length));
    assert_int_equal(offset, 4);
    assert_false(tarn_parquet_footer_place("\x64\0\0\0PAR1", 111, &offset, &length));
    assert_false(tarn_parquet_footer_place("\x64\0\0\0PAR1", 8, &offset, &length));
    assert_false(tarn_parquet_footer_place("\xff\xff\xff\xffPAR1", 1000, &offset, &length));
    assert_false(tarn_parquet_footer_place("\x64\0\0\0PARE", 1000, &offset, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_those_of_all_groups, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(contradictions_are_no_number, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(every_cut_and_flip_is_bounded, ice_setup, ice_teardown),
        cmocka_unit_test(the_place_of_a_footer),
    };
    return cmocka_run_group_tests_name("parquet_rows", tests, NULL, NULL);
}
