/* Files of an engine become what Iceberg's types ask for. The files are those of the fuzzer's corpus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/parquet/mend.h"

#define CORPUS "tests/fuzz/corpus/fuzz_parquet_footer/"

struct fixture {
    struct tarn_op op;
    struct tarn_str file, footer_bytes;
    struct tarn_parquet_footer footer;
    struct tarn_buf out;
    int64_t reads_fail_at; /* 0: never */
    int64_t writes_fail_at;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    *state = f;
    if (!f || tarn_op_init(&f->op, 0, 0) != TARN_OK)
        return -1;
    tarn_buf_init(&f->out, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tarn_buf_release(&f->out);
    tarn_op_release(&f->op);
    free(f);
    return 0;
}

static void load(struct fixture *f, const char *name)
{
    char path[256];
    size_t n;
    (void)snprintf(path, sizeof path, CORPUS "%s", name);
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    char *bytes = tarn_alloc(&f->op, 65536);
    f->file = tarn_str_of(bytes, fread(bytes, 1, 65536, in));
    assert_int_equal(fclose(in), 0);
    assert_int_equal(
        tarn_parquet_tail(&f->op, tarn_str_of(bytes + f->file.len - 8, 8), f->file.len, &n),
        TARN_OK);
    f->footer_bytes = tarn_str_of(bytes + f->file.len - 8 - n, n);
    assert_int_equal(tarn_parquet_footer_read(&f->op, f->footer_bytes, &f->footer), TARN_OK);
}

static enum tarn_status read_at(void *ctx, struct tarn_op *op, int64_t offset, void *dst, size_t n)
{
    struct fixture *f = ctx;
    if (f->reads_fail_at > 0 && --f->reads_fail_at == 0)
        return tarn_fail(op, TARN_IO, "a read that fails");
    assert_true(offset >= 0 && (size_t)offset + n <= f->file.len);
    memcpy(dst, f->file.ptr + offset, n);
    return TARN_OK;
}

static enum tarn_status write_to(void *ctx, struct tarn_op *op, const void *src, size_t n)
{
    struct fixture *f = ctx;
    if (f->writes_fail_at > 0 && --f->writes_fail_at == 0)
        return tarn_fail(op, TARN_DISK_FULL, "a write that fails");
    tarn_buf_append(&f->out, src, n);
    return (enum tarn_status)tarn_buf_finish(op, &f->out, "a file");
}

static enum tarn_status mend(struct fixture *f, const char *type, struct tarn_parquet_mended *out)
{
    const struct tarn_parquet_io io = {f, read_at, write_to};
    struct tarn_parquet_edits edits;
    struct tarn_type root;
    int32_t next = 1;
    tarn_buf_reset(&f->out);
    assert_int_equal(tarn_type_parse(&f->op, tarn_str_view(type), &root), TARN_OK);
    tarn_type_assign_ids(&root, &next);
    TARN_TRY(tarn_parquet_edits_find(&f->op, &f->footer, &root, &edits));
    return tarn_parquet_mend(&f->op, &io, f->footer_bytes, (int64_t)f->file.len, &f->footer, &edits,
                             0, out);
}

static void read_again(struct fixture *f, struct tarn_parquet_footer *out)
{
    size_t n;
    assert_int_equal(
        tarn_parquet_tail(&f->op, tarn_str_of(f->out.ptr + f->out.len - 8, 8), f->out.len, &n),
        TARN_OK);
    assert_int_equal(
        tarn_parquet_footer_read(&f->op, tarn_str_of(f->out.ptr + f->out.len - 8 - n, n), out),
        TARN_OK);
}

static void test_plain(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    struct tarn_parquet_footer again;
    load(f, "plain");
    assert_int_equal(mend(f, "struct<a: fixed[4], b: int>", &now), TARN_OK);
    assert_int_equal(now.size_bytes, f->out.len);
    read_again(f, &again);
    assert_int_equal(again.elements[1].physical, TARN_PARQUET_FIXED);
    assert_int_equal(again.elements[1].length, 4);
    assert_int_equal(again.elements[1].field_id, 1);
    const struct tarn_parquet_chunk *was = f->footer.groups[0].chunks, *is = again.groups[0].chunks;
    assert_int_equal(is[0].physical, TARN_PARQUET_FIXED);
    /* the length before the value is gone; the header may differ by its numbers */
    assert_true(is[0].size_bytes < was[0].size_bytes);
    assert_int_equal(now.leaf_bytes[0], is[0].size_bytes);
    assert_int_equal(now.leaf_bytes[1], -1);
    assert_int_equal(is[0].values, 2);
    assert_int_equal(is[0].nulls, 1);
    assert_true(tarn_str_is(is[0].min, "abcd") && tarn_str_is(is[0].max, "abcd"));
    assert_memory_equal(f->out.ptr + is[0].data_page + is[0].size_bytes - 4, "abcd", 4);
    /* the other column lies elsewhere, and is the same */
    assert_int_equal(is[1].data_page, was[1].data_page - (was[0].size_bytes - is[0].size_bytes));
    assert_memory_equal(f->out.ptr + is[1].data_page, f->file.ptr + was[1].data_page,
                        (size_t)was[1].size_bytes);
}

static void test_lengths(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    load(f, "plain");
    assert_int_equal(mend(f, "struct<a: fixed[3], b: int>", &now), TARN_DATA);
    assert_string_equal(f->op.report.message, "column \"a\" is fixed[3], and a value has 4 bytes");
    load(f, "dictionary");
    assert_int_equal(mend(f, "struct<a: fixed[5], b: int>", &now), TARN_DATA);
}

static void test_dictionary(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    struct tarn_parquet_footer again;
    load(f, "dictionary");
    assert_true(f->footer.groups[0].chunks[0].dictionary_page > 0);
    assert_int_equal(mend(f, "struct<a: fixed[4], b: long>", &now), TARN_OK);
    read_again(f, &again);
    const struct tarn_parquet_chunk *was = f->footer.groups[0].chunks, *is = again.groups[0].chunks;
    assert_int_equal(is[0].dictionary_page, was[0].dictionary_page);
    /* indexes stay as they are, behind a dictionary that is shorter by its lengths */
    size_t tail = (size_t)(was[0].size_bytes - (was[0].data_page - was[0].dictionary_page));
    assert_int_equal(is[0].size_bytes - (is[0].data_page - is[0].dictionary_page), tail);
    assert_memory_equal(f->out.ptr + is[0].data_page, f->file.ptr + was[0].data_page, tail);
    assert_int_equal(was[0].plain_bytes - is[0].plain_bytes, 8);
}

static void test_footer_alone(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    struct tarn_parquet_footer again;
    load(f, "geo");
    assert_int_equal(mend(f, "struct<a: timestamptz_ns, g: geography(srid:4326, karney)>", &now),
                     TARN_OK);
    read_again(f, &again);
    assert_true(again.elements[1].utc);
    assert_int_equal(again.elements[1].unit, TARN_PARQUET_NANOS);
    assert_int_equal(again.elements[2].logical, TARN_PARQUET_LOGICAL_GEOGRAPHY);
    assert_true(tarn_str_is(again.elements[2].crs, "srid:4326"));
    assert_int_equal(again.elements[2].algorithm, 4);
    assert_memory_equal(f->out.ptr, f->file.ptr, f->file.len - 8 - f->footer_bytes.len);
    assert_true(tarn_str_eq(again.groups[0].chunks[0].min, f->footer.groups[0].chunks[0].min));
    load(f, "variant");
    assert_int_equal(f->footer.elements[2].logical, TARN_PARQUET_LOGICAL_NONE);
    assert_int_equal(
        mend(f, "struct<s: struct<v: variant>, d: decimal(30,2), u: uuid, t: string>", &now),
        TARN_INTERNAL); /* ids go breadth first: the variant is 5, not 2 */
    assert_int_equal(mend(f, "struct<x: int, v: variant>", &now), TARN_OK);
    read_again(f, &again);
    assert_int_equal(again.elements[2].logical, TARN_PARQUET_LOGICAL_VARIANT);
}

/* A column that is not as it must have been written is not guessed at. */
static void test_unexpected(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    load(f, "plain");
    assert_int_equal(mend(f, "struct<a: timestamptz_ns>", &now), TARN_INTERNAL);
    assert_int_equal(mend(f, "struct<a: variant>", &now), TARN_INTERNAL);
    assert_int_equal(mend(f, "struct<x: int, b: fixed[4]>", &now), TARN_INTERNAL);
    assert_int_equal(mend(f, "struct<x: int, b: geography>", &now), TARN_INTERNAL);
}

static void test_failing_files(void **state)
{
    struct fixture *f = *state;
    struct tarn_parquet_mended now;
    enum tarn_status status;
    int64_t n = 0;
    load(f, "dictionary");
    do {
        f->reads_fail_at = ++n;
        status = mend(f, "struct<a: fixed[4], b: long>", &now);
        assert_true(status == TARN_OK || status == TARN_IO);
    } while (status != TARN_OK);
    assert_true(n > 3);
    n = f->reads_fail_at = 0;
    do {
        f->writes_fail_at = ++n;
        status = mend(f, "struct<a: fixed[4], b: long>", &now);
        assert_true(status == TARN_OK || status == TARN_DISK_FULL);
    } while (status != TARN_OK);
    assert_true(n > 3);
}

static void test_crs(void **state)
{
    static const struct {
        const char *text, *crs;
        int32_t algorithm;
        bool good;
    } cases[] = {{"geography", NULL, 0, true},
                 {"geography(OGC:CRS84)", NULL, 0, true},
                 {"geography(OGC:CRS84, vincenty)", NULL, 1, true},
                 {"geography(srid:4326)", "srid:4326", 0, true},
                 {"geography(srid:4326, andoyer)", "srid:4326", 3, true},
                 {"geography(srid:4326, straight)", NULL, 0, false}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tarn_type t = {.kind = TARN_TYPE_GEOGRAPHY, .text = tarn_str_view(cases[i].text)};
        struct tarn_str crs;
        int32_t algorithm;
        assert_int_equal(tarn_parquet_crs(&t, &crs, &algorithm), cases[i].good);
        if (!cases[i].good)
            continue;
        assert_int_equal(algorithm, cases[i].algorithm);
        if (cases[i].crs)
            assert_true(tarn_str_is(crs, cases[i].crs));
        else
            assert_null(crs.ptr);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_plain),        TEST(test_lengths),    TEST(test_dictionary),
        TEST(test_footer_alone), TEST(test_unexpected), TEST(test_failing_files),
        TEST(test_crs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
