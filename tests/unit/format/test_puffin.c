/* Puffin files: those of Iceberg Java's tests, byte for byte, a compressed footer, and damage. */
#include "iceberg_fixture.h"

#include <stdlib.h>

#include <lz4frame.h>

#include "format/iceberg/puffin.h"

/* sample-metric-data-uncompressed.bin of Iceberg Java; its second blob has a zero within. */
#define FOOTER                                                                                    \
    "{\"blobs\":[{\"type\":\"some-blob\",\"fields\":[1],\"snapshot-id\":2,\"sequence-number\":1," \
    "\"offset\":4,\"length\":9},{\"type\":\"some-other-blob\",\"fields\":[2],\"snapshot-id\":2,"  \
    "\"sequence-number\":1,\"offset\":13,\"length\":83}],\"properties\":{\"created-by\":\"Test "  \
    "1234\"}}"
#define SAMPLE                                                                                     \
    "PFA1abcdefghisome blob \0 binary data \xf0\x9f\xa4\xaf that is not very very very very very " \
    "very long, is it?PFA1" FOOTER "\xf3\0\0\0\0\0\0\0PFA1"

static void java_writes_the_same_bytes(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_puffin p;
    struct tarn_str again;
    ice_ok(op, tarn_puffin_parse(op, TARN_STR(SAMPLE), "sample", &p));
    assert_int_equal(p.count, 2);
    ice_text_is(p.blobs[0].bytes, "abcdefghi");
    assert_int_equal(p.blobs[1].bytes.len, 83);
    assert_true(tarn_str_starts(p.blobs[1].bytes, TARN_STR("some blob \0 binary")));
    ice_text_is(p.blobs[1].type, "some-other-blob");
    assert_int_equal(p.blobs[1].fields[0], 2);
    assert_true(p.blobs[1].snapshot_id == 2 && p.blobs[1].sequence_number == 1);
    assert_null(p.blobs[0].codec.ptr);
    ice_text_is(*tarn_kvs_get(&p.properties, "created-by"), "Test 1234");
    p.blobs[0].offset = p.blobs[1].length = -7;
    ice_ok(op, tarn_puffin_write(op, &p, &again));
    assert_true(tarn_str_eq(again, TARN_STR(SAMPLE)));
    assert_true(p.blobs[0].offset == 4 && p.blobs[1].length == 83);

    struct tarn_puffin none = {0};
    ice_ok(op, tarn_puffin_write(op, &none, &again));
    assert_true(tarn_str_eq(again, TARN_STR("PFA1PFA1{\"blobs\":[]}\x0c\0\0\0\0\0\0\0PFA1")));
    ice_ok(op, tarn_puffin_parse(op, again, "empty", &none));
    assert_int_equal(none.count, 0);
}

static void deletion_vectors_are_blobs(void **state)
{
    struct tarn_op *op = *state;
    static const int64_t positions[] = {1, 3, 5}, other[] = {7};
    struct tarn_kv a[] = {{TARN_STR("referenced-data-file"), TARN_STR("s3://b/a.parquet")},
                          {TARN_STR("cardinality"), TARN_STR("3")}};
    struct tarn_puffin_blob blobs[2] = {{.type = TARN_STR("deletion-vector-v1"),
                                         .snapshot_id = -1,
                                         .sequence_number = -1,
                                         .properties = {a, 2}}};
    struct tarn_puffin p = {blobs, 2, {0}}, got;
    struct tarn_str file;
    blobs[1] = blobs[0];
    ice_ok(op, tarn_deletion_vector_write(op, positions, 3, &blobs[0].bytes));
    ice_ok(op, tarn_deletion_vector_write(op, other, 1, &blobs[1].bytes));
    ice_ok(op, tarn_puffin_write(op, &p, &file));
    ice_ok(op, tarn_puffin_parse(op, file, "dv.puffin", &got));
    assert_int_equal(got.blobs[1].offset, 4 + (int64_t)blobs[0].bytes.len);
    ice_text_is(*tarn_kvs_get(&got.blobs[0].properties, "cardinality"), "3");
    int64_t *read;
    size_t count;
    struct tarn_str at = tarn_str_of(file.ptr + got.blobs[1].offset, (size_t)got.blobs[1].length);
    ice_ok(op, tarn_deletion_vector_read(op, at, "dv.puffin", 1, &read, &count));
    assert_int_equal(read[0], 7);
}

static struct tarn_str file_with(struct tarn_op *op, struct tarn_str payload, uint32_t flags)
{
    struct tarn_buf b;
    struct tarn_str out;
    uint32_t n = (uint32_t)payload.len;
    char tail[8] = {(char)n,     (char)(n >> 8),     (char)(n >> 16),     (char)(n >> 24),
                    (char)flags, (char)(flags >> 8), (char)(flags >> 16), (char)(flags >> 24)};
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "PFA1abcdefghijklmnopqrstuvwxyz");
    tarn_buf_z(&b, "PFA1");
    tarn_buf_str(&b, payload);
    tarn_buf_append(&b, tail, 8);
    tarn_buf_z(&b, "PFA1");
    ice_ok(op, (enum tarn_status)tarn_buf_take(op, &b, "test", &out));
    return out;
}

static void a_compressed_footer_is_read(void **state)
{
    struct tarn_op *op = *state;
    static const char json[] = "{\"blobs\":[{\"type\":\"t\",\"fields\":[],\"snapshot-id\":-1,"
                               "\"sequence-number\":-1,\"offset\":5,\"length\":2,"
                               "\"compression-codec\":\"zstd\"}]}";
    char packed[512];
    LZ4F_preferences_t with = {.frameInfo = {.contentSize = sizeof json - 1}}, without = {0};
    struct tarn_puffin p;
    size_t n = LZ4F_compressFrame(packed, sizeof packed, json, sizeof json - 1, &with);
    assert_false(LZ4F_isError(n));
    ice_ok(op, tarn_puffin_parse(op, file_with(op, tarn_str_of(packed, n), 1), "f", &p));
    ice_text_is(p.blobs[0].bytes, "bc");
    ice_text_is(p.blobs[0].codec, "zstd");
    ice_fails(op, tarn_puffin_parse(op, file_with(op, tarn_str_of(packed, n - 1), 1), "f", &p),
              TARN_CORRUPT, "decompressed");
    packed[n / 2] ^= 16;
    enum tarn_status status =
        tarn_puffin_parse(op, file_with(op, tarn_str_of(packed, n), 1), "f", &p);
    assert_int_equal(status, TARN_CORRUPT);
    n = LZ4F_compressFrame(packed, sizeof packed, json, sizeof json - 1, &without);
    ice_fails(op, tarn_puffin_parse(op, file_with(op, tarn_str_of(packed, n), 1), "f", &p),
              TARN_CORRUPT, "decompressed");
    ice_fails(op, tarn_puffin_parse(op, file_with(op, TARN_STR(json), 2), "f", &p),
              TARN_UNSUPPORTED, "flags 00000002");
}

static void broken_footers_are_refused(void **state)
{
    struct tarn_op *op = *state;
#define BLOB(text) "{\"blobs\":[{" text "}]}"
    static const struct {
        const char *json, *why;
    } bad[] = {
        {"{}", "\"blobs\""},
        {"[]", NULL},
        {"{\"blobs\":[", NULL},
        {BLOB("\"type\":\"t\",\"fields\":[],\"snapshot-id\":1,\"sequence-number\":1,\"offset\":4"),
         "\"length\""},
        {BLOB("\"type\":\"t\",\"fields\":[],\"snapshot-id\":1,\"sequence-number\":1,\"offset\":3,"
              "\"length\":1"),
         "a blob lies at 3"},
        {BLOB("\"type\":\"t\",\"fields\":[],\"snapshot-id\":1,\"sequence-number\":1,\"offset\":29,"
              "\"length\":2"),
         "a blob lies at 29"},
        {BLOB("\"type\":\"t\",\"fields\":[],\"snapshot-id\":1,\"sequence-number\":1,\"offset\":4,"
              "\"length\":9223372036854775807"),
         "a blob lies at 4"},
        {BLOB("\"type\":\"t\",\"fields\":[],\"snapshot-id\":1,\"sequence-number\":1,"
              "\"offset\":9223372036854775807,\"length\":9"),
         "a blob lies at"},
        {BLOB("\"type\":\"t\",\"fields\":[\"x\"],\"snapshot-id\":1,\"sequence-number\":1,"
              "\"offset\":4,\"length\":9"),
         "field id"},
    };
    struct tarn_puffin p;
    for (size_t i = 0; i < COUNT(bad); i++)
        ice_fails(op, tarn_puffin_parse(op, file_with(op, tarn_str_view(bad[i].json), 0), "f", &p),
                  TARN_CORRUPT, bad[i].why);
    struct tarn_puffin_blob blob = {.type = TARN_STR("t")};
    struct tarn_str out;
    p = (struct tarn_puffin){&blob, 1, {0}};
    ice_fails(op, tarn_puffin_write(op, &p, &out), TARN_INVALID, "no bytes");
}

static void cut_files_fail(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_str whole = TARN_STR(SAMPLE);
    struct tarn_puffin p;
    for (size_t n = 0; n < whole.len; n++) {
        char *copy = malloc(n ? n : 1);
        assert_non_null(copy);
        memcpy(copy, whole.ptr, n);
        ice_fails(op, tarn_puffin_parse(op, tarn_str_of(copy, n), "f", &p), TARN_CORRUPT, NULL);
        memcpy(copy, whole.ptr + whole.len - n, n);
        ice_fails(op, tarn_puffin_parse(op, tarn_str_of(copy, n), "f", &p), TARN_CORRUPT, NULL);
        free(copy);
    }
}

static enum tarn_status parse_and_write(struct tarn_op *op, void *arg)
{
    struct tarn_puffin p;
    struct tarn_str out;
    (void)arg;
    TARN_TRY(tarn_puffin_parse(op, TARN_STR(SAMPLE), "sample", &p));
    return tarn_puffin_write(op, &p, &out);
}

static void memory_failures_are_told(void **state)
{
    (void)state;
    ice_alloc_sweep(parse_and_write, NULL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, ice_setup, ice_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(java_writes_the_same_bytes),
        TEST(deletion_vectors_are_blobs),
        TEST(a_compressed_footer_is_read),
        TEST(broken_footers_are_refused),
        TEST(cut_files_fail),
        TEST(memory_failures_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
