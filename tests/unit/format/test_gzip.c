/* gzip: there and back, limits, and every damage is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "format/gzip.h"

static struct tarn_op op;

static int setup(void **state)
{
    (void)state;
    return tarn_op_init(&op, 0, 0) == TARN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    tarn_op_release(&op);
    return 0;
}

static struct tarn_str sample(size_t n)
{
    char *text = tarn_alloc(&op, n + 1);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)('a' + (i * i / 7) % 26);
    return tarn_str_of(text, n);
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65536, 65537, 1000000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct tarn_str plain = sample(sizes[i]), packed, again;
        assert_int_equal(tarn_gzip_pack(&op, plain, &packed), TARN_OK);
        assert_true(tarn_gzip_is(packed));
        assert_int_equal(tarn_gzip_text(&op, packed, "it", &again), TARN_OK);
        assert_true(tarn_str_eq(plain, again));
        assert_int_equal(tarn_gzip_unpack(&op, packed, "it", sizes[i] + 1, &again), TARN_OK);
        if (sizes[i] > 1) {
            assert_int_equal(tarn_gzip_unpack(&op, packed, "it", sizes[i] - 1, &again),
                             TARN_CORRUPT);
            tarn_clear(&op);
        }
    }
}

static void test_plain_text_passes(void **state)
{
    struct tarn_str plain = TARN_STR("{\"format-version\": 2}"), out;
    (void)state;
    assert_int_equal(tarn_gzip_text(&op, plain, "it", &out), TARN_OK);
    assert_ptr_equal(out.ptr, plain.ptr);
}

static void test_damage(void **state)
{
    struct tarn_str plain = sample(300), packed, again;
    (void)state;
    assert_int_equal(tarn_gzip_pack(&op, plain, &packed), TARN_OK);
    for (size_t n = 2; n < packed.len; n++) {
        assert_int_equal(tarn_gzip_text(&op, tarn_str_of(packed.ptr, n), "the file", &again),
                         TARN_CORRUPT);
        assert_non_null(strstr(op.report.message, "the file"));
        tarn_clear(&op);
    }
    char *bytes = tarn_alloc(&op, packed.len + 1);
    for (size_t i = 0; i < packed.len * 8; i++) {
        memcpy(bytes, packed.ptr, packed.len);
        bytes[i / 8] = (char)(bytes[i / 8] ^ (1 << i % 8));
        enum tarn_status status =
            tarn_gzip_unpack(&op, tarn_str_of(bytes, packed.len), "the file", 1 << 20, &again);
        if (status == TARN_OK) /* flags and times of the header say nothing about the text */
            assert_true(tarn_str_eq(again, plain));
        else
            assert_int_equal(status, TARN_CORRUPT);
        tarn_clear(&op);
    }
    memcpy(bytes, packed.ptr, packed.len);
    bytes[packed.len] = 'x';
    assert_int_equal(tarn_gzip_text(&op, tarn_str_of(bytes, packed.len + 1), "it", &again),
                     TARN_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_plain_text_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
