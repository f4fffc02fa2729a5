/* test_output: every format over batches and listings; limits; a reader that goes away. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "cli/output.h"

/* ---- a batch of every kind of trouble: id long, name string, amount decimal(9,2), name again */

static struct tarn_field fields[] = {
    {.id = 1, .name = {"id", 2}, .type = {.kind = TARN_TYPE_LONG}},
    {.id = 2, .name = {"na|me", 5}, .type = {.kind = TARN_TYPE_STRING}},
    {.id = 3,
     .name = {"amount", 6},
     .type = {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2}},
    {.id = 4, .name = {"id", 2}, .type = {.kind = TARN_TYPE_BOOLEAN}},
};
static const struct tarn_type type = {.kind = TARN_TYPE_STRUCT, .fields = fields, .field_count = 4};

static int64_t ids[] = {1, -2, 3};
static char names[] = "Anna, \"B\"|c\n\xE6\x9D\x8E\xE6\x98\x8E";
static uint32_t offsets[] = {0, 12, 12, 18};
static uint64_t names_valid = 7, amounts_valid = 5;
static __int128 amounts[] = {1250, 0, -5};
static uint8_t flags[] = {1, 0, 1};

static struct tarn_batch batch(void)
{
    static struct tarn_column columns[4];
    columns[0] = (struct tarn_column){.type = &fields[0].type, .length = 3, .data = ids};
    columns[1] = (struct tarn_column){.type = &fields[1].type,
                                      .length = 3,
                                      .validity = &names_valid,
                                      .offsets = offsets,
                                      .bytes = names};
    columns[2] = (struct tarn_column){.type = &fields[2].type,
                                      .length = 3,
                                      .null_count = 1,
                                      .validity = &amounts_valid,
                                      .data = amounts};
    columns[3] = (struct tarn_column){.type = &fields[3].type, .length = 3, .data = flags};
    return (struct tarn_batch){.rows = 3, .columns = columns, .column_count = 4};
}

static int temp_fd(void)
{
    char path[] = "/tmp/tarn-output-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static const char *written(int fd)
{
    static char text[1 << 16];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_int_equal(close(fd), 0);
    return text;
}

static const char *batches(struct tarn_op *op, struct tarn_output_options options, int times)
{
    struct tarn_output out;
    struct tarn_batch b = batch();
    options.fd = temp_fd();
    tarn_output_init(&out, &options);
    assert_int_equal(tarn_output_begin(&out, op, &type), TARN_OK);
    for (int i = 0; i < times; i++)
        assert_int_equal(tarn_output_batch(&out, op, &b), TARN_OK);
    assert_int_equal(tarn_output_end(&out, op), TARN_OK);
    tarn_output_release(&out);
    tarn_output_release(&out);
    return written(options.fd);
}

static void as_table(void **state)
{
    assert_string_equal(
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_TABLE}, 1),
        " id | na|me         | amount | id\n"
        "----+---------------+--------+-------\n"
        "  1 | Anna, \"B\"|c\\n |  12.50 | true\n"
        " -2 |               |   NULL | false\n"
        "  3 | \xE6\x9D\x8E\xE6\x98\x8E          |  -0.05 | true\n"
        "(3 rows)\n");
    assert_string_equal(
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_TABLE}, 0),
        " id | na|me | amount | id\n----+-------+--------+----\n(0 rows)\n");
    assert_string_equal(batches(*state,
                                (struct tarn_output_options){
                                    .format = TARN_FORMAT_TABLE, .rows_max = 1, .no_count = true},
                                1),
                        " id | na|me         | amount | id\n"
                        "----+---------------+--------+------\n"
                        "  1 | Anna, \"B\"|c\\n |  12.50 | true\n");
}

static void tables_are_bounded(void **state)
{
    const char *text = batches(
        *state, (struct tarn_output_options){.format = TARN_FORMAT_TABLE, .rows_max = 4}, 3);
    assert_non_null(strstr(text, "\n(the first 4 rows; there are more)\n"));
    text = batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_TABLE, .rows_max = 3},
                   1);
    assert_non_null(strstr(text, "\n(3 rows)\n"));
    text =
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_TABLE, .width = 36}, 1);
    struct tarn_str rest = tarn_str_view(text), line;
    while (rest.ptr && tarn_str_cut(&rest, '\n', &line))
        assert_true(line.len <= 40); /* an ellipsis and wide characters have three bytes */
    assert_non_null(strstr(text, "| Anna, \"B\"|c\xE2\x80\xA6 |"));
}

static void as_json(void **state)
{
    assert_string_equal(
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_JSON}, 1),
        "{\"v\":1,\"columns\":[{\"name\":\"id\",\"type\":\"long\"},{\"name\":\"na|me\",\"type\":"
        "\"string\"},"
        "{\"name\":\"amount\",\"type\":\"decimal(9, "
        "2)\"},{\"name\":\"id_2\",\"type\":\"boolean\"}],\"rows\":["
        "{\"id\":1,\"na|me\":\"Anna, \\\"B\\\"|c\\n\",\"amount\":12.50,\"id_2\":true},"
        "{\"id\":-2,\"na|me\":\"\",\"amount\":null,\"id_2\":false},"
        "{\"id\":3,\"na|me\":\"\xE6\x9D\x8E\xE6\x98\x8E\",\"amount\":-0.05,\"id_2\":true}],\"row_"
        "count\":3}\n");
    assert_string_equal(
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_NDJSON}, 1),
        "{\"id\":1,\"na|me\":\"Anna, \\\"B\\\"|c\\n\",\"amount\":12.50,\"id_2\":true}\n"
        "{\"id\":-2,\"na|me\":\"\",\"amount\":null,\"id_2\":false}\n"
        "{\"id\":3,\"na|me\":\"\xE6\x9D\x8E\xE6\x98\x8E\",\"amount\":-0.05,\"id_2\":true}\n");
    assert_string_equal(
        batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_NDJSON}, 0), "");
}

static void as_csv_and_markdown(void **state)
{
    assert_string_equal(batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_CSV}, 1),
                        "id,na|me,amount,id\n"
                        "1,\"Anna, \"\"B\"\"|c\n\",12.50,true\n"
                        "-2,\"\",,false\n"
                        "3,\xE6\x9D\x8E\xE6\x98\x8E,-0.05,true\n");
    assert_string_equal(batches(*state, (struct tarn_output_options){.format = TARN_FORMAT_MD}, 1),
                        "| id | na\\|me | amount | id |\n"
                        "|---:|---|---:|---|\n"
                        "| 1 | Anna, \"B\"\\|c<br> | 12.50 | true |\n"
                        "| -2 |  |  | false |\n"
                        "| 3 | \xE6\x9D\x8E\xE6\x98\x8E | -0.05 | true |\n");
}

static void as_records(void **state)
{
    struct tarn_output_options options = {.format = TARN_FORMAT_EXPANDED, .rows_max = 2};
    assert_string_equal(batches(*state, options, 1), "-[ RECORD 1 ]-----------------\n"
                                                     "id     | 1\n"
                                                     "na|me  | Anna, \"B\"|c\\n\n"
                                                     "amount | 12.50\n"
                                                     "id     | true\n"
                                                     "-[ RECORD 2 ]-----------------\n"
                                                     "id     | -2\n"
                                                     "na|me  |\n"
                                                     "amount | NULL\n"
                                                     "id     | false\n"
                                                     "(the first 2 rows; there are more)\n");
}

/* In place of a descriptor; the count tells the time when it is asked to. */
static void into_a_buffer(void **state)
{
    struct tarn_buf text;
    struct tarn_output out;
    struct tarn_batch b = batch();
    tarn_buf_init(&text, 4096);
    struct tarn_output_options options = {
        .format = TARN_FORMAT_TABLE, .fd = -1, .into = &text, .started_ns = 1};
    tarn_output_init(&out, &options);
    assert_int_equal(tarn_output_begin(&out, *state, &type), TARN_OK);
    assert_int_equal(tarn_output_batch(&out, *state, &b), TARN_OK);
    assert_int_equal(tarn_output_end(&out, *state), TARN_OK);
    tarn_output_release(&out);
    assert_non_null(strstr(text.ptr, "\n(3 rows, "));
    tarn_buf_release(&text);
}

/* Past the size of the buffer: nothing is lost between two writes. */
static void streams_are_whole(void **state)
{
    struct tarn_output out;
    struct tarn_batch b = batch();
    struct tarn_output_options options = {.format = TARN_FORMAT_JSON, .fd = temp_fd()};
    tarn_output_init(&out, &options);
    assert_int_equal(tarn_output_begin(&out, *state, &type), TARN_OK);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(tarn_output_batch(&out, *state, &b), TARN_OK);
    assert_int_equal(tarn_output_end(&out, *state), TARN_OK);
    assert_int_equal(out.rows, 9000);
    tarn_output_release(&out);
    off_t size = lseek(options.fd, 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(options.fd, text, (size_t)size, 0), size);
    assert_int_equal(close(options.fd), 0);
    struct tarn_json *tree;
    assert_int_equal(tarn_json_parse(*state, tarn_str_of(text, (size_t)size), "the output", &tree),
                     TARN_OK);
    const struct tarn_json *rows = tarn_json_get(tree, "rows");
    assert_int_equal(rows->count, 9000);
    assert_str(tarn_json_get(tree, "row_count")->text, "9000");
    for (const struct tarn_json *r = rows->first; r; r = r->next)
        assert_int_equal(r->count, 4);
    free(text);
}

/* ---- listings */

static const char *listing(struct tarn_op *op, enum tarn_format format)
{
    static const struct tarn_output_column columns[] = {{"table", TARN_OUTPUT_TEXT},
                                                        {"rows", TARN_OUTPUT_NUMBER},
                                                        {"partitioned", TARN_OUTPUT_BOOLEAN},
                                                        {"spec", TARN_OUTPUT_JSON}};
    const struct tarn_str cells[][4] = {
        {TARN_STR("raw.x"), TARN_STR("12"), TARN_STR("true"), TARN_STR("{\"a\":1}")},
        {TARN_STR(""), {NULL, 0}, TARN_STR("false"), {NULL, 0}},
    };
    struct tarn_output out;
    struct tarn_output_options options = {.format = format, .fd = temp_fd()};
    tarn_output_init(&out, &options);
    assert_int_equal(tarn_output_begin_listing(&out, op, columns, 4), TARN_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(tarn_output_row(&out, op, cells[i]), TARN_OK);
    assert_int_equal(tarn_output_end(&out, op), TARN_OK);
    tarn_output_release(&out);
    return written(options.fd);
}

static void listings(void **state)
{
    assert_string_equal(listing(*state, TARN_FORMAT_TABLE),
                        " table | rows | partitioned | spec\n"
                        "-------+------+-------------+---------\n"
                        " raw.x |   12 | true        | {\"a\":1}\n"
                        "       | NULL | false       | NULL\n"
                        "(2 rows)\n");
    assert_string_equal(
        listing(*state, TARN_FORMAT_NDJSON),
        "{\"table\":\"raw.x\",\"rows\":12,\"partitioned\":true,\"spec\":{\"a\":1}}\n"
        "{\"table\":\"\",\"rows\":null,\"partitioned\":false,\"spec\":null}\n");
    assert_string_equal(
        listing(*state, TARN_FORMAT_CSV),
        "table,rows,partitioned,spec\nraw.x,12,true,\"{\"\"a\"\":1}\"\n\"\",,false,\n");
}

/* ---- where it goes */

static void a_reader_that_goes_away(void **state)
{
    int ends[2];
    struct tarn_output out;
    struct tarn_batch b = batch();
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    struct tarn_output_options options = {.format = TARN_FORMAT_CSV, .fd = ends[1]};
    tarn_output_init(&out, &options);
    assert_int_equal(tarn_output_begin(&out, *state, &type), TARN_OK);
    int rounds = 0;
    while (tarn_output_wants_more(&out) && rounds < 100000) {
        assert_int_equal(tarn_output_batch(&out, *state, &b), TARN_OK);
        rounds++;
    }
    assert_true(out.reader_gone);
    assert_true(rounds < 5000);
    assert_int_equal(tarn_output_end(&out, *state), TARN_OK);
    tarn_output_release(&out);
    bool gone = false;
    assert_int_equal(tarn_output_bytes(*state, ends[1], TARN_STR("x"), &gone), TARN_OK);
    assert_true(gone);
    assert_int_equal(tarn_output_bytes(*state, ends[1], TARN_STR("x"), NULL), TARN_IO);
    assert_int_equal(close(ends[1]), 0);
}

static void a_full_disk(void **state)
{
    int fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    struct tarn_op *op = *state;
    assert_int_equal(tarn_output_bytes(op, fd, TARN_STR("x"), NULL), TARN_DISK_FULL);
    assert_string_equal(op->report.message, "could not write the output: No space left on device");
    assert_int_equal(close(fd), 0);
}

/* Every allocation fails once: TARN_NOMEM, no leak, no crash. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (int format = TARN_FORMAT_TABLE; format <= TARN_FORMAT_EXPANDED; format++)
        for (long n = 1;; n++) {
            struct tarn_op op;
            struct tarn_output out;
            struct tarn_batch b = batch();
            struct tarn_output_options options = {
                .format = (enum tarn_format)format, .fd = temp_fd(), .width = 30};
            assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
            tarn_output_init(&out, &options);
            tarn_alloc_fail_at(n);
            enum tarn_status status = tarn_output_begin(&out, &op, &type);
            if (status == TARN_OK)
                status = tarn_output_batch(&out, &op, &b);
            if (status == TARN_OK)
                status = tarn_output_end(&out, &op);
            tarn_alloc_fail_at(0);
            assert_true(status == TARN_OK || status == TARN_NOMEM);
            tarn_output_release(&out);
            tarn_op_release(&op);
            assert_int_equal(close(options.fd), 0);
            if (status == TARN_OK)
                break;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(as_table),
                                       T(tables_are_bounded),
                                       T(as_json),
                                       T(as_csv_and_markdown),
                                       T(as_records),
                                       T(into_a_buffer),
                                       T(streams_are_whole),
                                       T(listings),
                                       T(a_reader_that_goes_away),
                                       T(a_full_disk),
                                       T(memory_runs_out)};
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
