/* test_hash: the published vectors, every length, and CRC in pieces. */
#include "check.h"

#include <string.h>

#include "base/hash.h"

/* Values of the bucket hash in the Iceberg specification, appendix B. */
static void murmur3_matches_the_iceberg_specification(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        int32_t hash;
    } cases[] = {
        {"\x22\0\0\0\0\0\0\0", 8, 2017239379},
        {"\x05\x8C", 2, -500754589}, /* decimal 14.20 */
        {"iceberg", 7, 1210000089},
        {"\xF7\x9C\x3E\x09\x67\x7C\x4B\xBD\xA4\x79\x3F\x34\x9C\xB7\x85\xE7", 16, 1488055340},
        {"\0\1\2\3", 4, -188683207},
        {"\1\0\0\0\0\0\0\0", 8, 1392991556},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal((int32_t)tarn_murmur3_32(cases[i].bytes, cases[i].n, 0), cases[i].hash);
    /* date, time, timestamp, timestamp with a microsecond */
    const int64_t longs[] = {17486, 81068000000, 1510871468000000, 1510871468000001};
    const int32_t hashes[] = {-653330422, -662762989, -2047944441, -1207196810};
    for (size_t i = 0; i < 4; i++) {
        unsigned char le[8];
        for (int k = 0; k < 8; k++)
            le[k] = (unsigned char)((uint64_t)longs[i] >> (8 * k));
        assert_int_equal((int32_t)tarn_murmur3_32(le, 8, 0), hashes[i]);
    }
    const double doubles[] = {1.0, 0.0};
    const int32_t double_hashes[] = {-142385009, 1669671676};
    for (size_t i = 0; i < 2; i++) {
        uint64_t bits;
        unsigned char le[8];
        memcpy(&bits, &doubles[i], 8);
        for (int k = 0; k < 8; k++)
            le[k] = (unsigned char)(bits >> (8 * k));
        assert_int_equal((int32_t)tarn_murmur3_32(le, 8, 0), double_hashes[i]);
    }
}

static void murmur3_takes_every_tail(void **state)
{
    (void)state;
    assert_int_equal(tarn_murmur3_32("", 0, 0), 0);
    assert_int_equal(tarn_murmur3_32("", 0, 1), 0x514E28B7);
    assert_int_equal(tarn_murmur3_32("", 0, 0xFFFFFFFF), 0x81F16F39);
    assert_int_equal(tarn_murmur3_32("\xFF\xFF\xFF\xFF", 4, 0), 0x76293B50);
    assert_int_equal(tarn_murmur3_32("\x21\x43\x65\x87", 4, 0), 0xF55B516B);
    assert_int_equal(tarn_murmur3_32("\x21\x43\x65", 3, 0), 0x7E4A8634);
    assert_int_equal(tarn_murmur3_32("\x21\x43", 2, 0), 0xA0F7B07A);
    assert_int_equal(tarn_murmur3_32("\x21", 1, 0), 0x72661CF4);
    assert_int_equal(tarn_murmur3_32("Hello, world!", 13, 0x9747B28C), 0x24884CBA);
}

static void hash64_is_xxh64(void **state)
{
    (void)state;
    assert_true(tarn_hash64("", 0, 0) == 0xEF46DB3751D8E999u);
    assert_true(tarn_hash64(NULL, 0, 0) == 0xEF46DB3751D8E999u);
    assert_true(tarn_hash64("a", 1, 0) == 0xD24EC4F1A98C6E5Bu);
    assert_true(tarn_hash64("abc", 3, 0) == 0x44BC2CF5AD770999u);
    assert_true(tarn_hash64("xxhash", 6, 20141025) == 0xB559B98D844E0635u);
    assert_true(tarn_hash64("Nobody inspects the spammish repetition", 39, 0) ==
                0xFBCEA83C8A378BF1u);
    /* Each length has a value of its own, with and without a seed. */
    static const unsigned char bytes[100] = {1};
    uint64_t seen[200];
    for (size_t n = 0; n < 100; n++) {
        seen[2 * n] = tarn_hash64(bytes, n, 0);
        seen[2 * n + 1] = tarn_hash64(bytes, n, 7);
        for (size_t k = 0; k < 2 * n; k++)
            assert_true(seen[k] != seen[2 * n] && seen[k] != seen[2 * n + 1]);
    }
}

static uint32_t crc_by_bits(const unsigned char *p, size_t n)
{
    uint32_t c = 0xFFFFFFFF;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int k = 0; k < 8; k++)
            c = c >> 1 ^ (c & 1 ? 0xEDB88320 : 0);
    }
    return ~c;
}

static void crc32_matches_the_definition(void **state)
{
    (void)state;
    assert_int_equal(tarn_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(tarn_crc32(0, "", 0), 0);
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * i * 31 + 7);
    for (size_t n = 0; n < sizeof bytes; n++) {
        uint32_t whole = crc_by_bits(bytes, n);
        assert_int_equal(tarn_crc32(0, bytes, n), whole);
        uint32_t head = tarn_crc32(0, bytes, n / 3);
        assert_int_equal(tarn_crc32(head, bytes + n / 3, n - n / 3), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(murmur3_matches_the_iceberg_specification),
        cmocka_unit_test(murmur3_takes_every_tail),
        cmocka_unit_test(hash64_is_xxh64),
        cmocka_unit_test(crc32_matches_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
