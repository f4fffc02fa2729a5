/* What a table's properties ask of a write. */
#include "flow_fixture.h"

static const char *const NONE[] = {NULL};

static struct tarn_change *change_with(struct flow_world *w, const char *key, const char *value)
{
    struct tarn_change *c;
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, "raw.x"), &c));
    if (key)
        flow_ok(w, tarn_change_set_property(c, &w->op, tarn_str_view(key), tarn_str_view(value)));
    return c;
}

static struct tarn_write write_with(struct flow_world *w, const char *key, const char *value)
{
    struct tarn_write write;
    flow_ok(w, tarn_flow_write(&w->flow, &w->op, change_with(w, key, value), INT64_MIN, &write));
    return write;
}

static void defaults(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, NULL);
    struct tarn_write write = write_with(w, NULL, NULL);
    assert_true(tarn_str_is(write.codec, "zstd"));
    assert_int_equal(write.codec_level, 1);
    write = write_with(w, "write.parquet.compression-codec", "snappy");
    assert_int_equal(write.codec_level, 0);
    write = write_with(w, "write.parquet.compression-codec", "zstd");
    assert_int_equal(write.codec_level, 1);
    assert_int_equal(write.target_file_size_bytes, 512 << 20);
    assert_int_equal(write.bound_width, 16);
    assert_true(tarn_str_eq(write.folder, flow_path(w, "warehouse/raw/x/data")));
}

static void properties_are_heard(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, NULL);
    assert_true(
        tarn_str_is(write_with(w, "write.parquet.compression-codec", "snappy").codec, "snappy"));
    assert_int_equal(write_with(w, "write.parquet.compression-level", "7").codec_level, 7);
    assert_int_equal(
        write_with(w, "write.target-file-size-bytes", "1048576").target_file_size_bytes, 1 << 20);
    assert_int_equal(write_with(w, "write.metadata.metrics.default", "truncate(5)").bound_width, 5);
    assert_int_equal(write_with(w, "write.metadata.metrics.default", "full").bound_width,
                     INT32_MAX);
    assert_int_equal(write_with(w, "write.metadata.metrics.default", "truncate(x)").bound_width,
                     16);
}

static void properties_that_say_nothing(void **state)
{
    struct flow_world *w = *state;
    static const char *const bad[][2] = {{"write.target-file-size-bytes", "large"},
                                         {"write.target-file-size-bytes", "-1"},
                                         {"write.target-file-size-bytes", "99999999999999999999"},
                                         {"write.parquet.compression-level", "max"},
                                         {"write.parquet.compression-level", "1000"}};
    flow_create(w, "raw.x", "struct<id: long>", NONE, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tarn_write write;
        struct tarn_change *c = change_with(w, bad[i][0], bad[i][1]);
        flow_fails(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write), TARN_CONFIG,
                   bad[i][0]);
    }
}

static void new_tables_get_tarns_properties(void **state)
{
    struct flow_world *w = *state;
    struct tarn_kv given[] = {{TARN_STR("write.delete.mode"), TARN_STR("copy-on-write")},
                              {TARN_STR("owner"), TARN_STR("me")}};
    struct tarn_kvs kvs = {given, 2}, out;
    flow_ok(w, tarn_flow_properties(&w->op, &kvs, &out));
    assert_string_equal(tarn_kvs_get(&out, "write.delete.mode")->ptr, "copy-on-write");
    assert_string_equal(tarn_kvs_get(&out, "write.merge.mode")->ptr, "merge-on-read");
    assert_string_equal(tarn_kvs_get(&out, "write.parquet.compression-codec")->ptr, "zstd");
    assert_string_equal(tarn_kvs_get(&out, "owner")->ptr, "me");
}

/* Partition values that follow from ingest_ts are known before a row is. */
static void constants(void **state)
{
    struct flow_world *w = *state;
    static const struct {
        const char *const partitions[3];
        bool known;
    } cases[] = {{{"day(ingest_ts)", NULL}, true},
                 {{"year(ingest_ts)", "bucket(4, ingest_ts)", NULL}, true},
                 {{"day(ingest_ts)", "id", NULL}, false},
                 {{"id", NULL}, false},
                 {{NULL}, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_write write;
        flow_create(w, "raw.x", "struct<id: long, ingest_ts: timestamptz>", cases[i].partitions,
                    NULL);
        struct tarn_change *c = change_with(w, NULL, NULL);
        flow_ok(w,
                tarn_flow_write(&w->flow, &w->op, c, -1, &write)); /* a microsecond before 1970 */
        assert_int_equal(write.constants != NULL, cases[i].known);
        if (i < 2)
            assert_int_equal(write.constants[0].i, -1);
        flow_ok(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write));
        assert_true(write.constants == NULL || write.spec->field_count == 0);
        flow_drop(w, "raw.x");
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        T(defaults),
        T(properties_are_heard),
        T(properties_that_say_nothing),
        T(new_tables_get_tarns_properties),
        T(constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
