/* room: format
 *
 * View metadata of others: whatever is read and may be written reads as the same text again. */
#include "format/iceberg/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_view_metadata m, again;
    struct tarn_str once, twice;
    if (tarn_op_init(&op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    if (tarn_view_parse(&op, tarn_str_of(data, size), "input", &m) == TARN_OK &&
        tarn_view_write(&op, &m, &once) == TARN_OK) {
        TARN_ASSERT(tarn_view_parse(&op, once, "again", &again) == TARN_OK);
        TARN_ASSERT(tarn_view_write(&op, &again, &twice) == TARN_OK);
        TARN_ASSERT(tarn_str_eq(once, twice));
    }
    tarn_op_release(&op);
    return 0;
}
