/* room: format
 *
 * Bitmaps and deletion vectors of others: whatever is read is written, and reads as the same. */
#include "base/arena.h"
#include "base/hash.h"
#include "format/bitmap.h"
#include "format/iceberg/puffin.h"

#define COUNT_MAX ((size_t)1 << 22)

static void again(struct tarn_op *op, const int64_t *positions, size_t count)
{
    struct tarn_str bytes;
    int64_t *got;
    size_t got_count;
    TARN_ASSERT(tarn_deletion_vector_write(op, positions, count, &bytes) == TARN_OK);
    TARN_ASSERT(tarn_deletion_vector_read(op, bytes, "again", (int64_t)count, &got, &got_count) ==
                TARN_OK);
    TARN_ASSERT(got_count == count);
    TARN_ASSERT(count == 0 || memcmp(got, positions, count * sizeof *got) == 0);
}

/* The first bits of the input say whether it is a whole vector or the bitmap alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    int64_t *positions;
    size_t count;
    if (size == 0 || tarn_op_init(&op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    struct tarn_str bytes = tarn_str_of(data + 1, size - 1);
    enum tarn_status status =
        data[0] & 1 ? tarn_deletion_vector_read(&op, bytes, "input", COUNT_MAX, &positions, &count)
                    : tarn_bitmap_read(&op, bytes, "input", COUNT_MAX, &positions, &count);
    if (status == TARN_OK)
        again(&op, positions, count);
    tarn_op_release(&op);
    return 0;
}
