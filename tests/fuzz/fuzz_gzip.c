/* room: format
 *
 * Metadata files that may be gzip: what is unpacked is packed again, and unpacks as the same; a
 * limit holds. */
#include "format/gzip.h"

#define MOST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_str plain, packed, again, bytes = tarn_str_of(data, size);
    if (tarn_op_init(&op, (size_t)64 << 20, 0) != TARN_OK)
        return 0;
    if (tarn_gzip_unpack(&op, bytes, "input", MOST, &plain) == TARN_OK) {
        TARN_ASSERT(tarn_gzip_is(bytes) && plain.len <= MOST);
        TARN_ASSERT(tarn_gzip_pack(&op, plain, &packed) == TARN_OK && tarn_gzip_is(packed));
        TARN_ASSERT(tarn_gzip_text(&op, packed, "again", &again) == TARN_OK);
        TARN_ASSERT(tarn_str_eq(plain, again));
    }
    tarn_op_release(&op);
    return 0;
}
