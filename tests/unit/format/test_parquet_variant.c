/* Variants of the engine get their names and fields in order; damaged ones are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "format/parquet/variant.h"

static int setup(void **state)
{
    static struct tarn_op op;
    *state = &op;
    return tarn_op_init(&op, 0, 0) == TARN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    tarn_op_release(*state);
    return 0;
}

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* {"b": 1, "a": {"z": 1, "c": [{"y": true, "b": "x"}]}}, as the engine writes it: "b" stands twice */
#define NAMES        "\x11\x06\x00\x01\x02\x03\x04\x05\x06"
#define ONE          "\x18\x01\x00\x00\x00\x00\x00\x00\x00"
#define ENGINE_NAMES NAMES "bazcyb"
#define ENGINE_VALUE                                                                         \
    "\x02\x02\x00\x01\x00\x09\x27" ONE "\x02\x02\x02\x03\x00\x09\x17" ONE "\x03\x01\x00\x0a" \
    "\x02\x02\x04\x05\x00\x01\x03\x04\x05x"
#define SORTED_NAMES                       \
    "\x01\x06\x00\x01\x02\x03\x04\x05\x06" \
    "abbcyz"
#define SORTED_VALUE                                                                         \
    "\x02\x02\x00\x01\x09\x00\x27" ONE "\x02\x02\x03\x05\x09\x00\x17" ONE "\x03\x01\x00\x0a" \
    "\x02\x02\x01\x04\x01\x00\x03\x04\x05x"

static void test_names_and_fields(void **state)
{
    uint8_t names[] = ENGINE_NAMES, value[] = ENGINE_VALUE;
    for (int i = 0; i < 2; i++) { /* once more changes nothing */
        assert_int_equal(
            tarn_parquet_variant_sort(*state, names, sizeof names - 1, value, sizeof value - 1),
            TARN_OK);
        assert_memory_equal(names, SORTED_NAMES, sizeof names - 1);
        assert_memory_equal(value, SORTED_VALUE, sizeof value - 1);
    }
}

static void test_a_sorted_dictionary_says_so(void **state)
{
    uint8_t names[] = "\x01\x03\x00\x01\x02\x03kba";
    uint8_t value[] = "\x02\x03\x00\x01\x02\x00\x09\x12\x1b" ONE ONE ONE;
    assert_int_equal(
        tarn_parquet_variant_sort(*state, names, sizeof names - 1, value, sizeof value - 1),
        TARN_OK);
    assert_memory_equal(names,
                        "\x11\x03\x00\x01\x02\x03"
                        "abk",
                        sizeof names - 1);
    assert_memory_equal(value, "\x02\x03\x00\x01\x02\x12\x09\x00\x1b" ONE ONE ONE,
                        sizeof value - 1);
}

static void test_wide_numbers(void **state)
{
    /* offsets of the dictionary, ids and offsets of the object of two bytes, its count of four */
    uint8_t names[] = "\x51\x02\x00\x00\x00\x02\x00\x03\x00zza";
    uint8_t value[] = "\x56\x02\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x02\x00\x00\x04";
    assert_int_equal(
        tarn_parquet_variant_sort(*state, names, sizeof names - 1, value, sizeof value - 1),
        TARN_OK);
    assert_memory_equal(names,
                        "\x51\x02\x00\x00\x00\x01\x00\x03\x00"
                        "azz",
                        sizeof names - 1);
    assert_memory_equal(value,
                        "\x56\x02\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x02\x00\x00\x04",
                        sizeof value - 1);
}

static void test_values_without_names(void **state)
{
    static const char *const values[] = {"\x00", "\x05x", "\x03\x00\x00", "\x02\x00\x00"};
    static const size_t sizes[] = {1, 2, 3, 3};
    for (size_t i = 0; i < 4; i++) {
        uint8_t names[] = "\x11\x00\x00", value[3];
        memcpy(value, values[i], sizes[i]);
        assert_int_equal(tarn_parquet_variant_sort(*state, names, 3, value, sizes[i]), TARN_OK);
        assert_memory_equal(value, values[i], sizes[i]);
    }
}

/* Whatever is cut off or turned: an error or another variant, and nothing beyond the bytes is touched. */
static void test_damage(void **state)
{
    uint8_t names[sizeof ENGINE_NAMES], value[sizeof ENGINE_VALUE];
    for (size_t cut = 0; cut < sizeof ENGINE_NAMES - 1; cut++) {
        memcpy(names, ENGINE_NAMES, sizeof names);
        memcpy(value, ENGINE_VALUE, sizeof value);
        assert_int_equal(tarn_parquet_variant_sort(*state, names, cut, value, sizeof value - 1),
                         TARN_CORRUPT);
    }
    for (size_t cut = 0; cut < sizeof ENGINE_VALUE - 2; cut++) {
        memcpy(names, ENGINE_NAMES, sizeof names);
        memcpy(value, ENGINE_VALUE, sizeof value);
        assert_int_equal(tarn_parquet_variant_sort(*state, names, sizeof names - 1, value, cut),
                         TARN_CORRUPT);
    }
    for (size_t bit = 0; bit < 8 * (sizeof ENGINE_VALUE - 1); bit++) {
        memcpy(names, ENGINE_NAMES, sizeof names);
        memcpy(value, ENGINE_VALUE, sizeof value);
        value[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        enum tarn_status status =
            tarn_parquet_variant_sort(*state, names, sizeof names - 1, value, sizeof value - 1);
        assert_true(status == TARN_OK || status == TARN_CORRUPT);
        assert_int_equal(value[sizeof value - 1], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_names_and_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_sorted_dictionary_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wide_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_without_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
