/* room: base */
/* fuzz_json: reader, skip and tree agree on what is JSON; what the writer makes of a tree reads
 * back as the same tree. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* Counts the tokens of the whole text; -1: it is wrong. Strings are decoded: that must never
 * write past the raw length. */
static long walk(struct tarn_str text, bool *out_strings_valid)
{
    struct tarn_json_reader r;
    long count = 0;
    tarn_json_reader_init(&r, text, 0);
    *out_strings_valid = true;
    for (;; count++) {
        enum tarn_json_token token = tarn_json_next(&r);
        must(tarn_json_offset(&r) <= text.len);
        if (token == TARN_JSON_ERROR) {
            must(r.error != NULL && tarn_json_next(&r) == TARN_JSON_ERROR);
            return -1;
        }
        if (token == TARN_JSON_END)
            return count;
        if (token != TARN_JSON_KEY && token != TARN_JSON_STRING)
            continue;
        char *decoded = malloc(r.text.len ? r.text.len : 1);
        long n = tarn_json_unescape(r.text, decoded);
        must(n <= (long)r.text.len);
        if (n < 0)
            *out_strings_valid = false;
        else
            must(tarn_utf8_valid(tarn_str_of(decoded, (size_t)n)));
        must(r.escaped == (r.text.len > 0 && memchr(r.text.ptr, '\\', r.text.len) != NULL));
        free(decoded);
    }
}

static bool skip_all(struct tarn_str text, long *out_values)
{
    struct tarn_json_reader r;
    struct tarn_str raw;
    tarn_json_reader_init(&r, text, 0);
    for (*out_values = 0;; ++*out_values) {
        struct tarn_json_reader ahead = r;
        if (tarn_json_next(&ahead) == TARN_JSON_END)
            return true;
        if (!tarn_json_skip(&r, &raw))
            return false;
        must(raw.len > 0);
    }
}

static bool same(const struct tarn_json *a, const struct tarn_json *b)
{
    if (a->kind != b->kind || a->boolean != b->boolean || a->count != b->count)
        return false;
    if (!tarn_str_eq(a->text, b->text) || !tarn_str_eq(a->key, b->key))
        return false;
    const struct tarn_json *c = a->first, *d = b->first;
    for (; c && d; c = c->next, d = d->next)
        if (!same(c, d))
            return false;
    return !c && !d;
}

static void round_trip(struct tarn_op *op, const struct tarn_json *tree, int indent)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    struct tarn_json *again;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn_json_writer_init(&w, &b);
    w.indent = indent;
    tarn_json_put_tree(&w, tree);
    if (!b.failed) { /* deep trees grow with the square of their depth when indented */
        must(tarn_json_parse(op, tarn_buf_view(&b), "the writer's text", &again) == TARN_OK);
        must(same(tree, again));
    }
    tarn_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_str text = tarn_str_of(data, size);
    struct tarn_op op;
    struct tarn_json *tree;
    bool strings_valid;
    long values;
    if (size > 65536 || tarn_op_init(&op, 0, 0) != TARN_OK)
        return 0;
    long count = walk(text, &strings_valid);
    bool skipped = skip_all(text, &values);
    must(skipped == (count >= 0 && strings_valid));
    enum tarn_status status = tarn_json_parse(&op, text, "the input", &tree);
    if (status == TARN_OK) {
        must(skipped && values == 1);
        round_trip(&op, tree, 0);
        round_trip(&op, tree, 1);
    } else {
        must(op.report.message[0] != '\0');
        must(!skipped || values != 1 || strstr(op.report.message, "stands twice") != NULL);
    }
    tarn_op_release(&op);
    return 0;
}
