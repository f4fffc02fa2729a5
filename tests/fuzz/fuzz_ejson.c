/* room: flow
 *
 * Extended JSON: the first byte chooses between one document, compared with the reader of
 * base/json.h, and a whole file in any layout, decoded in rounds. What must hold: a document is
 * refused for its syntax exactly when the other reader refuses it; a second reading along what
 * the first taught teaches nothing; a file's second round fits.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/decode_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Is the text one JSON value and nothing behind it? *object: a document. */
static bool is_json(struct tarn_str text, bool *object)
{
    struct tarn_json_reader r;
    struct tarn_str raw;
    tarn_json_reader_init(&r, text, 0);
    if (!tarn_json_skip(&r, &raw))
        return false;
    *object = raw.ptr[0] == '{';
    return tarn_json_next(&r) == TARN_JSON_END;
}

static bool read_once(struct tarn_op *op, bool ejson, const struct tarn_shape *shape, char *text,
                      size_t size, bool *taught, bool *syntax, struct tarn_shape **out)
{
    static struct tarn__decode d;
    struct tarn_type none = {.kind = TARN_TYPE_STRUCT}, target;
    struct tarn_decode_options o = {.format = ejson ? TARN_INPUT_EJSON : TARN_INPUT_JSON,
                                    .depth_max = 500};
    if (shape)
        check(tarn_shape_type(op, shape, NULL, 0, &target) == TARN_OK);
    check(tarn__decode_init(op, &d, &o, shape, shape ? &target : &none, 0) == TARN_OK);
    bool ok = tarn__document_read(&d, text, text + size, (uint64_t)1 << 40);
    check(d.status == TARN_OK || d.status == TARN_LIMIT);
    *taught = d.changed || d.unfit;
    *syntax = !ok && !d.letter_has_column;
    for (size_t i = 0; i < d.table.child_count; i++)
        check(d.table.children[i].length == (ok ? 1u : 0u));
    *out = tarn_shape_new(op);
    check(*out && tarn_shape_join(op, *out, d.shape) == TARN_OK);
    if (d.status != TARN_OK)
        *syntax = false;
    tarn__decode_release(&d);
    return ok;
}

static void one_document(struct tarn_op *op, bool ejson, const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + TARN__PAD);
    struct tarn_shape *first, *second;
    bool taught, syntax, object = false;
    check(text != NULL);
    memcpy(text, data, size);
    struct tarn_str s = tarn_str_of(text, size);
    if (tarn_utf8_valid(s)) {
        bool json = is_json(s, &object);
        bool ok = read_once(op, ejson, NULL, text, size, &taught, &syntax, &first);
        check(!ok || (json && object));
        check(!syntax || !json || !object || ejson);
        if (ok) {
            check(read_once(op, ejson, first, text, size, &taught, &syntax, &second));
            check(!taught && tarn_shape_eq(first, second));
            tarn_shape_free(second);
        }
        tarn_shape_free(first);
    }
    free(text);
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

static void one_file(struct tarn_op *op, uint8_t how, const uint8_t *data, size_t size)
{
    char path[64];
    struct stat st;
    struct tarn_shape *shape;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    struct tarn_batch batch;
    struct tarn_type document, target;
    int fd = memfd_create("fuzz", 0);
    check(fd >= 0 && write(fd, data, size) == (ssize_t)size && fstat(fd, &st) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct tarn_input_file file = {.path = tarn_str_view(path),
                                   .name = TARN_STR("fuzz"),
                                   .size_bytes = size,
                                   .modified_us = (int64_t)st.st_mtim.tv_sec * 1000000 +
                                                  st.st_mtim.tv_nsec / 1000};
    struct tarn_input_files files = {&file, 1};
    struct tarn_decode_options o = {.format = how & 2 ? TARN_INPUT_EJSON : TARN_INPUT_JSON,
                                    .workers = 1,
                                    .document_bytes_max = how & 4 ? 64 : 0};
    if (how & 8)
        o.records = TARN_STR("a.b");
    if (how & 16)
        o.encoding = TARN_STR("utf-16");
    check(tarn_decode_sample(op, &files, &o, &shape) == TARN_OK);
    for (int round = 0;; round++) {
        check(round < 3);
        check(tarn_shape_type(op, shape, NULL, 0, &document) == TARN_OK);
        target = target_of(op, &document);
        check(tarn_decoder_open(op, &files, &o, shape, &target, &decoder) == TARN_OK);
        do
            check(decoder->producer.next(&decoder->producer, op, 0, &batch) == TARN_OK);
        while (batch.rows > 0);
        check(tarn_decoder_finish(decoder, op, &decoded) == TARN_OK);
        check(tarn_shape_join(op, shape, decoded.shape) == TARN_OK);
        bool misfit = decoded.misfit;
        tarn_decoder_close(decoder);
        if (!misfit)
            break;
    }
    tarn_shape_free(shape);
    (void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size == 0 || size > 100000)
        return 0;
    check(tarn_op_init(&op, 0, 0) == TARN_OK);
    if (data[0] & 1)
        one_file(&op, data[0], data + 1, size - 1);
    else
        one_document(&op, data[0] & 2, data + 1, size - 1);
    tarn_op_release(&op);
    return 0;
}
