/* Decoding when memory runs out: each allocation fails once, and the answer is TARN_NOMEM or the
 * right rows, never anything else. And several threads at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/arena.h"
#include "decode_fixture.h"
#include "flow/decode_state.h"

static int setup(void **state)
{
    static struct fixture f;
    fixture_open(&f, TARN_INPUT_EJSON);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_close(*state);
    return 0;
}

struct run {
    struct tarn_op op;
    struct tarn_input_files files;
    struct tarn_decode_options options;
    struct tarn_shape *shape;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
};

static enum tarn_status make_target(struct tarn_op *op, const struct tarn_type *document,
                                    struct tarn_type *out)
{
    static const enum tarn_type_kind kinds[] = {TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_STRING,
                                                TARN_TYPE_LONG};
    size_t n = document->field_count;
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT, .field_count = n + 3};
    TARN_NEW_ARRAY(op, out->fields, n + 3);
    memcpy(out->fields, document->fields, n * sizeof *out->fields);
    for (size_t i = 0; i < 3; i++)
        out->fields[n + i] =
            (struct tarn_field){.name = TARN_STR("tail"), .type = {.kind = kinds[i]}};
    return TARN_OK;
}

static enum tarn_status decode(struct run *r)
{
    struct tarn_type document, target;
    struct tarn_batch batch;
    TARN_TRY(tarn_decode_sample(&r->op, &r->files, &r->options, &r->shape));
    for (int round = 0; round < 3; round++) {
        tarn_decoder_close(r->decoder);
        r->decoder = NULL;
        TARN_TRY(tarn_shape_type(&r->op, r->shape, r->options.declared, r->options.declared_count,
                                 &document));
        TARN_TRY(make_target(&r->op, &document, &target));
        TARN_TRY(tarn_decoder_open(&r->op, &r->files, &r->options, r->shape, &target, &r->decoder));
        do
            TARN_TRY(r->decoder->producer.next(&r->decoder->producer, &r->op, 0, &batch));
        while (batch.rows > 0);
        TARN_TRY(tarn_decoder_finish(r->decoder, &r->op, &r->decoded));
        TARN_TRY(tarn_shape_join(&r->op, r->shape, r->decoded.shape));
        if (!r->decoded.misfit)
            return TARN_OK;
    }
    return TARN_INTERNAL;
}

static void sweep(struct fixture *f)
{
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    assert_int_equal(fixture_decode(f), TARN_OK);
    int64_t rows = f->decoded.rows;
    size_t letters = f->decoded.letter_count;
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    long n = 1, failures = 0;
    for (enum tarn_status status = TARN_NOMEM; n < 5000; n++) {
        struct run r = {.files = files, .options = f->options};
        assert_int_equal(tarn_op_init(&r.op, 0, 0), TARN_OK);
        tarn_alloc_fail_at(n);
        status = decode(&r);
        bool all_done = !tarn_alloc_should_fail() && status == TARN_OK;
        tarn_alloc_fail_at(0);
        if (status == TARN_OK) {
            assert_int_equal(r.decoded.rows, rows);
            assert_int_equal(r.decoded.letter_count, letters);
        } else {
            if (status != TARN_NOMEM)
                fail_msg("allocation %ld: %d %s", n, (int)status, r.op.report.message);
            assert_int_equal(r.op.report.status, TARN_NOMEM);
            failures++;
        }
        tarn_decoder_close(r.decoder);
        tarn_shape_free(r.shape);
        tarn_op_release(&r.op);
        if (all_done && n > failures + 200)
            break;
    }
    assert_true(failures > 50);
    assert_true(n < 5000);
}

static void documents(void **state)
{
    struct fixture *f = *state;
    fixture_declare(f, "lines.element.debit", "decimal(9,2)");
    fixture_text(f, "a",
                 "{\"a\":1,\"k\\u0065y\":\"x\\ny\",\"lines\":[{\"debit\":1.5,\"n\":null}]}\n{\"a\":"
                 "\n{\"a\":\"text\",\"A\":1}\n");
    fixture_text(f, "b",
                 "{\"a\":0.5,\"ingest_ts\":{\"$date\":0},\"d\":{\"x\":{\"y\":[[1]]}},\"u\":{\"$"
                 "uuid\":\"c8edabc3f7384ca3b68dab92a91478a3\"}}\n"
                 "{\"a\":{\"$numberDecimal\":\"+1.50\"},\"b\":{\"$binary\":\"AQID\",\"$type\":"
                 "\"0\"},\"d\":{ \"z\" : 1 },\"lines\":[{\"debit\":1.555}]}\n");
    sweep(f);
}

static void rows(void **state)
{
    struct fixture *f = *state;
    f->options.format = TARN_INPUT_CSV;
    fixture_declare(f, "c", "decimal(9,2)");
    fixture_text(f, "a", "a,b,c\n1,\"x \"\"y\"\"\",1.5\n1.5,,0.005\n2\n");
    sweep(f);
}

/* A document past the budget is a letter; those behind it find room again. */
static void huge_documents(void **state)
{
    struct fixture *f = *state;
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    struct tarn_batch batch;
    struct tarn_buf b;
    int64_t total = 0;
    tarn_buf_init(&b, (size_t)8 << 20);
    for (int i = 0; i < 40; i++) {
        if (i % 10 != 5) {
            tarn_buf_printf(&b, "{\"n\":%d,\"l\":[{\"a\":1,\"b\":2,\"c\":3}]}\n", i);
            continue;
        }
        tarn_buf_z(&b, "{\"l\":[{}");
        for (int k = 0; k < 40000; k++)
            tarn_buf_z(&b, ",{}");
        tarn_buf_z(&b, "]}\n");
    }
    fixture_file(f, "a", b.ptr, b.len);
    assert_int_equal(fixture_decode(f), TARN_OK);
    assert_int_equal(f->row_count, 40);
    tarn_decoder_close(f->decoder);
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    assert_int_equal(
        tarn_decoder_open(&f->op, &files, &f->options, f->shape, &f->target, &f->decoder), TARN_OK);
    struct tarn__decoder *inside = (struct tarn__decoder *)(void *)f->decoder;
    inside->workers[0].decode.budget.max = 1 << 20;
    do {
        assert_int_equal(f->decoder->producer.next(&f->decoder->producer, &f->op, 0, &batch),
                         TARN_OK);
        total += (int64_t)batch.rows;
        assert_true(inside->workers[0].decode.budget.used <= 1 << 20);
    } while (batch.rows > 0);
    assert_int_equal(total, 36);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_OK);
    assert_int_equal(f->decoded.letter_count, 4);
    assert_non_null(strstr(f->decoded.letters[3].reason.ptr, "takes more than 1 MiB as columns"));
    tarn_buf_release(&b);
}

/* ---- threads */

struct puller {
    struct tarn_decoder *decoder;
    struct tarn_op op;
    int worker;
    pthread_t thread;
    int64_t rows, sum;
    enum tarn_status status;
};

static void *pull(void *arg)
{
    struct puller *p = arg;
    struct tarn_batch batch;
    do {
        p->status = p->decoder->producer.next(&p->decoder->producer, &p->op, p->worker, &batch);
        for (size_t i = 0; p->status == TARN_OK && i < batch.rows; i++)
            p->sum += ((int64_t *)batch.columns[0].data)[i];
        p->rows += (int64_t)batch.rows;
    } while (p->status == TARN_OK && batch.rows > 0);
    return NULL;
}

static void run_threads(struct fixture *f, struct puller *pullers, int count)
{
    struct tarn_input_files files;
    struct tarn_str glob = TARN_STR("*");
    tarn_decoder_close(f->decoder);
    f->decoder = NULL;
    assert_int_equal(tarn_files_list(&f->op, tarn_str_view(f->dir), &glob, 1, &files), TARN_OK);
    assert_int_equal(
        tarn_decoder_open(&f->op, &files, &f->options, f->shape, &f->target, &f->decoder), TARN_OK);
    for (int i = 0; i < count; i++) {
        pullers[i] = (struct puller){.decoder = f->decoder, .worker = i};
        assert_int_equal(tarn_op_child(&f->op, &pullers[i].op), TARN_OK);
        assert_int_equal(pthread_create(&pullers[i].thread, NULL, pull, &pullers[i]), 0);
    }
    for (int i = 0; i < count; i++)
        assert_int_equal(pthread_join(pullers[i].thread, NULL), 0);
}

static void several_threads(void **state)
{
    struct fixture *f = *state;
    struct puller pullers[4];
    struct tarn_buf b;
    int64_t rows = 0, sum = 0;
    tarn_buf_init(&b, (size_t)64 << 20);
    for (int64_t i = 0; b.len < ((size_t)18 << 20); i++) {
        tarn_buf_printf(&b, "{\"n\":%lld,\"text\":\"some text to fill the line\"}\n%s",
                        (long long)i, i % 5000 == 0 ? "{bad\n" : "");
        rows++;
        sum += i;
    }
    fixture_file(f, "big", b.ptr, b.len);
    for (int i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "s%d", i);
        fixture_text(f, name, i % 2 ? "[{\"n\":0}]" : "{\"n\":0}\n");
    }
    f->options.workers = 4;
    assert_int_equal(fixture_decode(f), TARN_OK);
    run_threads(f, pullers, 4);
    int64_t got_rows = 0, got_sum = 0;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pullers[i].status, TARN_OK);
        got_rows += pullers[i].rows;
        got_sum += pullers[i].sum;
        tarn_op_release(&pullers[i].op);
    }
    assert_int_equal(got_rows, rows + 20);
    assert_int_equal(got_sum, sum);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_OK);
    assert_int_equal(f->decoded.letter_count, (rows + 4999) / 5000);
    for (size_t i = 1; i < f->decoded.letter_count; i++)
        assert_int_equal(f->decoded.letters[i].line - f->decoded.letters[i - 1].line, 5001);
    /* one worker's failure is everybody's */
    fixture_file(f, "zz.gz", "\x1F\x8B\x08\0\0\0\0\0\0\0", 10);
    run_threads(f, pullers, 4);
    int failed = 0;
    for (int i = 0; i < 4; i++) {
        failed +=
            pullers[i].status == TARN_CORRUPT && strstr(pullers[i].op.report.message, "zz.gz");
        tarn_op_release(&pullers[i].op);
    }
    assert_true(failed >= 1);
    assert_int_equal(tarn_decoder_finish(f->decoder, &f->op, &f->decoded), TARN_CORRUPT);
    tarn_buf_release(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {TEST(documents), TEST(rows), TEST(huge_documents),
                                       TEST(several_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
