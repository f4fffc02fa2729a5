/* decode_bench: how fast files become columns. Makes its input below /tmp, prints MB/s of each
 * case.
 *
 *     make release && gcc -O2 -D_GNU_SOURCE -Isrc -o decode_bench bench/decode_bench.c \
 *         build/release/libtarn.a -lz -lzstd -lyaml -lm -lpthread
 *     decode_bench [MB of input, default 450] [workers, default 1]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "flow/decode.h"

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void put_entry(FILE *f, long i)
{
    fprintf(f,
            "{\"_id\":{\"$oid\":\"%024lx\"},\"entry_id\":\"JE%07ld\",\"date\":\"2025-%02ld-%02ld\","
            "\"description\":\"Vendor payment number %ld\",\"lines\":["
            "{\"account_id\":\"%ld\",\"debit\":%ld.25,\"credit\":0},"
            "{\"account_id\":\"%ld\",\"debit\":0,\"credit\":%ld.25},"
            "{\"account_id\":\"%ld\",\"debit\":12.5,\"credit\":12.5}]}\n",
            i, i, i % 12 + 1, i % 28 + 1, i, 1000 + i % 50, i % 9000, 2000 + i % 50, i % 9000,
            3000 + i % 50);
}

static void put_canonical(FILE *f, long i)
{
    fprintf(f,
            "{\"_id\":{\"$oid\":\"%024lx\"},\"n\":{\"$numberLong\":\"%ld\"},"
            "\"at\":{\"$date\":\"2025-05-31T10:%02ld:%02ld.123Z\"},\"price\":{\"$numberDecimal\":"
            "\"%ld.99\"},\"ratio\":{\"$numberDouble\":\"0.%ld\"}}\n",
            i, i, i % 60, i / 60 % 60, i % 1000, i % 100000 + 1);
}

static void put_wide(FILE *f, long i)
{
    fputc('{', f);
    for (int k = 0; k < 60; k++)
        fprintf(f, "%s\"column_%d\":%ld", k ? "," : "", k, i * 7 + k);
    fputs("}\n", f);
}

static void put_precise(FILE *f, long i)
{
    fprintf(f, "{\"id\":%ld,\"x\":%.17g,\"y\":%.17g}\n", i, (double)i / 7.0, (double)i * 0.1 / 3.0);
}

static void put_csv(FILE *f, long i)
{
    if (i == 0)
        fputs("order_id;date;company;crate;amount;note\n", f);
    fprintf(f, "ord-%ld;2025-05-31;Company %ld;Plastic;%ld.50;\"a \"\"quoted\"\" note\"\n", i,
            i % 100, i % 1000);
}

static const struct bench_case {
    const char *name;
    void (*put)(FILE *, long);
    enum tarn_input_format format;
    char delimiter;
    const char *decimal; /* a declared path, or NULL */
} cases[] = {
    {"journal entries, doubles", put_entry, TARN_INPUT_EJSON, 0, NULL},
    {"journal entries, decimal(18,2)", put_entry, TARN_INPUT_EJSON, 0, "lines.element."},
    {"canonical Extended JSON", put_canonical, TARN_INPUT_EJSON, 0, NULL},
    {"60 integers a document", put_wide, TARN_INPUT_JSON, 0, NULL},
    {"doubles of 17 digits", put_precise, TARN_INPUT_JSON, 0, NULL},
    {"csv", put_csv, TARN_INPUT_CSV, ';', NULL},
};

static void make_file(const struct bench_case *c, const char *path, long bytes)
{
    FILE *f = fopen(path, "w");
    if (!f)
        exit(1);
    for (long i = 0; ftell(f) < bytes; i++)
        c->put(f, i);
    if (fclose(f) != 0)
        exit(1);
}

static void check(struct tarn_op *op, enum tarn_status status)
{
    if (status == TARN_OK)
        return;
    fprintf(stderr, "%s\n", op->report.message);
    exit(1);
}

static struct tarn_type target_of(struct tarn_op *op, const struct tarn_type *document)
{
    struct tarn_type t = {.kind = TARN_TYPE_STRUCT, .field_count = document->field_count + 3};
    static const char *const names[] = {"ingest_ts", "_source_file", "_source_offset"};
    static const enum tarn_type_kind kinds[] = {TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_STRING,
                                                TARN_TYPE_LONG};
    t.fields = tarn_alloc_array(op, t.field_count, sizeof *t.fields);
    if (!t.fields)
        exit(1);
    memcpy(t.fields, document->fields, document->field_count * sizeof *t.fields);
    for (size_t i = 0; i < 3; i++)
        t.fields[document->field_count + i] =
            (struct tarn_field){.name = tarn_str_view(names[i]), .type = {.kind = kinds[i]}};
    return t;
}

struct puller {
    struct tarn_decoder *decoder;
    struct tarn_op *parent;
    int worker;
    pthread_t thread;
    double cpu;
};

static void *pull(void *arg)
{
    struct puller *p = arg;
    struct tarn_op op;
    struct tarn_batch batch;
    struct timespec t;
    check(p->parent, tarn_op_child(p->parent, &op));
    do
        check(&op, p->decoder->producer.next(&p->decoder->producer, &op, p->worker, &batch));
    while (batch.rows > 0);
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    p->cpu = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
    tarn_op_release(&op);
    return NULL;
}

static void run(const struct bench_case *c, long bytes, int workers)
{
    struct tarn_op op;
    char path[64];
    struct stat st;
    struct tarn_shape *shape;
    struct tarn_type document, target;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    struct tarn_declared declared[2] = {0};
    struct puller pullers[64] = {0};
    if (tarn_op_init(&op, 0, 0) != TARN_OK)
        exit(1);
    (void)snprintf(path, sizeof path, "/tmp/decode_bench.%d", (int)getpid());
    make_file(c, path, bytes);
    if (stat(path, &st) != 0)
        exit(1);
    struct tarn_input_file file = {.path = tarn_str_view(path),
                                   .name = TARN_STR("bench"),
                                   .size_bytes = (uint64_t)st.st_size,
                                   .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
                                                  st.st_mtim.tv_nsec / 1000};
    struct tarn_input_files files = {&file, 1};
    struct tarn_decode_options o = {
        .format = c->format, .delimiter = c->delimiter, .workers = workers};
    for (size_t i = 0; c->decimal && i < 2; i++) {
        declared[i].path = tarn_sprintf(&op, "%s%s", c->decimal, i ? "credit" : "debit");
        declared[i].type =
            (struct tarn_type){.kind = TARN_TYPE_DECIMAL, .precision = 18, .scale = 2};
        o.declared = declared;
        o.declared_count = 2;
    }
    check(&op, tarn_decode_sample(&op, &files, &o, &shape));
    check(&op, tarn_shape_type(&op, shape, o.declared, o.declared_count, &document));
    target = target_of(&op, &document);
    double best = 0, best_cpu = 0;
    for (int round = 0; round < 3; round++) {
        check(&op, tarn_decoder_open(&op, &files, &o, shape, &target, &decoder));
        double begin = now(), cpu = 0;
        for (int i = 0; i < workers; i++) {
            pullers[i] = (struct puller){.decoder = decoder, .parent = &op, .worker = i};
            if (pthread_create(&pullers[i].thread, NULL, pull, &pullers[i]) != 0)
                exit(1);
        }
        for (int i = 0; i < workers; i++) {
            (void)pthread_join(pullers[i].thread, NULL);
            cpu += pullers[i].cpu;
        }
        double mb = (double)st.st_size / 1e6, wall = mb / (now() - begin);
        best = wall > best ? wall : best;
        best_cpu = mb / cpu > best_cpu ? mb / cpu : best_cpu;
        check(&op, tarn_decoder_finish(decoder, &op, &decoded));
        if (round == 2)
            printf("%-32s %7.0f MB/s  %7.0f MB/s a core  %9lld rows  %lld letters%s\n", c->name,
                   best, best_cpu, (long long)decoded.rows, (long long)decoded.letter_count,
                   decoded.misfit ? "  MISFIT" : "");
        tarn_decoder_close(decoder);
    }
    tarn_shape_free(shape);
    tarn_op_release(&op);
    (void)unlink(path);
}

int main(int argc, char **argv)
{
    long mb = argc > 1 ? strtol(argv[1], NULL, 10) : 450;
    int workers = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 1;
    if (mb < 1 || workers < 1 || workers > 64)
        return 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run(&cases[i], mb * 1000000, workers);
    return 0;
}
