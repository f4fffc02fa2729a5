/* room: project */
/* .env: names that stand once, and messages that never show what is in it. */
#include "project/project_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct tarn_kvs *kvs)
{
    for (size_t i = 0; i < kvs->count; i++) {
        TARN_ASSERT(kvs->items[i].key.len > 0 && kvs->items[i].value.ptr);
        for (size_t k = 0; k < i && i < 64; k++)
            TARN_ASSERT(!tarn_str_eq(kvs->items[i].key, kvs->items[k].key));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_kvs kvs;
    if (tarn_op_init(&op, (size_t)16 << 20, 0) != TARN_OK)
        return 0;
    struct tarn__file file = {
        .path = TARN_STR("/p/.env"), .shown = TARN_STR(".env"), .text = tarn_str_of(data, size)};
    enum tarn_status status = tarn__env_parse(&op, &file, &kvs);
    TARN_ASSERT(status == TARN_OK || status == TARN_CONFIG || status == TARN_NOMEM);
    if (status == TARN_OK)
        check(&kvs);
    tarn_op_release(&op);
    return 0;
}
