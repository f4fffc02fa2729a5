/* room: format
 *
 * Puffin files of others: whatever is read is written, and reads as the same. */
#include "format/iceberg/puffin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_puffin p, again;
    struct tarn_str bytes = tarn_str_of(data, size);
    if (tarn_op_init(&op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    if (tarn_puffin_parse(&op, bytes, "input", &p) == TARN_OK &&
        tarn_puffin_write(&op, &p, &bytes) == TARN_OK) {
        TARN_ASSERT(tarn_puffin_parse(&op, bytes, "again", &again) == TARN_OK);
        TARN_ASSERT(again.count == p.count);
        for (size_t i = 0; i < p.count; i++)
            TARN_ASSERT(tarn_str_eq(again.blobs[i].bytes, p.blobs[i].bytes));
    }
    tarn_op_release(&op);
    return 0;
}
