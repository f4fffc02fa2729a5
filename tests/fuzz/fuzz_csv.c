/* room: flow
 *
 * CSV: a whole file, decoded in rounds, with options out of the first byte. The second round
 * must fit, and rows, letters and lines must add up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct tarn_type target_of(struct tarn_op *op, const struct tarn_type *document)
{
    static const enum tarn_type_kind kinds[] = {TARN_TYPE_TIMESTAMPTZ, TARN_TYPE_STRING,
                                                TARN_TYPE_LONG};
    size_t n = document->field_count;
    struct tarn_type t = {.kind = TARN_TYPE_STRUCT, .field_count = n + 3};
    t.fields = tarn_alloc_array(op, n + 3, sizeof *t.fields);
    check(t.fields != NULL);
    if (n > 0)
        memcpy(t.fields, document->fields, n * sizeof *t.fields);
    for (size_t i = 0; i < 3; i++)
        t.fields[n + i] = (struct tarn_field){.name = TARN_STR("tail"), .type = {.kind = kinds[i]}};
    return t;
}

/* False: the file is refused (its header). */
static bool decode(struct tarn_op *op, const struct tarn_input_files *files,
                   const struct tarn_decode_options *o)
{
    struct tarn_shape *shape;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    struct tarn_batch batch = {0};
    struct tarn_type document, target;
    enum tarn_status status = tarn_decode_sample(op, files, o, &shape);
    if (status == TARN_DATA)
        return false;
    check(status == TARN_OK);
    bool misfit = true;
    for (int round = 0; misfit; round++) {
        check(round < 3);
        check(tarn_shape_type(op, shape, o->declared, o->declared_count, &document) == TARN_OK);
        target = target_of(op, &document);
        check(tarn_decoder_open(op, files, o, shape, &target, &decoder) == TARN_OK);
        do
            check(decoder->producer.next(&decoder->producer, op, 0, &batch) == TARN_OK);
        while (batch.rows > 0);
        check(tarn_decoder_finish(decoder, op, &decoded) == TARN_OK);
        check(tarn_shape_join(op, shape, decoded.shape) == TARN_OK);
        misfit = decoded.misfit;
        check(decoded.rows + (int64_t)decoded.letter_count <= decoded.files[0].lines);
        for (size_t i = 0; i < decoded.letter_count; i++)
            check(decoded.letters[i].line >= 1 &&
                  decoded.letters[i].line <= decoded.files[0].lines);
        tarn_decoder_close(decoder);
    }
    tarn_shape_free(shape);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct stat st;
    char path[64];
    if (size == 0 || size > 100000)
        return 0;
    check(tarn_op_init(&op, 0, 0) == TARN_OK);
    int fd = memfd_create("fuzz", 0);
    check(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)size - 1 && fstat(fd, &st) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct tarn_input_file file = {.path = tarn_str_view(path),
                                   .name = TARN_STR("fuzz"),
                                   .size_bytes = size - 1,
                                   .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
                                                  st.st_mtim.tv_nsec / 1000};
    struct tarn_input_files files = {&file, 1};
    struct tarn_declared declared[2] = {
        {TARN_STR("a"), {.kind = TARN_TYPE_DECIMAL, .precision = 9, .scale = 2}},
        {TARN_STR("b"), {.kind = TARN_TYPE_DATE}},
    };
    struct tarn_decode_options o = {.format = TARN_INPUT_CSV,
                                    .workers = 1,
                                    .no_header = data[0] & 1,
                                    .delimiter = data[0] & 2 ? ';' : 0,
                                    .document_bytes_max = data[0] & 4 ? 64 : 0};
    if (data[0] & 8)
        o.encoding = TARN_STR("latin-1");
    if (data[0] & 16) {
        o.declared = declared;
        o.declared_count = 2;
    }
    (void)decode(&op, &files, &o);
    (void)close(fd);
    tarn_op_release(&op);
    return 0;
}
