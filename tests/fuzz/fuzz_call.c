/* room: sql */
/* Arguments of CALL: each is read or refused at a place within the statement, and reading goes on
 * behind it. The first byte picks the kind. */
#include "sql/call_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tarn__arg *a, size_t size)
{
    TARN_ASSERT(a->begin <= a->end && a->end <= size);
    for (size_t i = 0; i < a->map.count; i++)
        TARN_ASSERT(a->map.items[i].key.ptr && a->map.items[i].value.ptr);
    for (size_t i = 0; i < a->count; i++)
        TARN_ASSERT(a->items[i].ptr);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    if (size < 1 || tarn_op_init(&op, (size_t)16 << 20, 0) != TARN_OK)
        return 0;
    struct tarn_sql_text text = {.sql = tarn_str_of(data + 1, size - 1)};
    struct tarn__param p = {.name = "x", .kind = (enum tarn__arg_kind)(data[0] % 7)};
    struct tarn__run run = {.op = &op, .text = text};
    struct tarn__call call = {.run = &run, .op = &op};
    tarn__words_begin(&run.words, &op, text);
    for (int i = 0; i < 100 && !run.words.end; i++) {
        struct tarn__arg a = {0};
        size_t before = run.words.token.begin;
        if (tarn__take_arg(&call, &p, &a) != TARN_OK)
            break;
        check(&a, size - 1);
        TARN_ASSERT(run.words.end || run.words.token.begin > before);
        (void)tarn__take(&run.words, ",");
    }
    tarn_op_release(&op);
    return 0;
}
