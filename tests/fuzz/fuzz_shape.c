/* room: flow
 *
 * Stored shapes: whatever is read is written back as it was read, has a type, and obeys the laws
 * of a join with itself.
 */
#include <stdlib.h>

#include "flow/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_shape *s, *back, *typed;
    struct tarn_str json;
    struct tarn_type t;
    if (size > 100000)
        return 0;
    check(tarn_op_init(&op, 0, 0) == TARN_OK);
    if (tarn_shape_from_json(&op, tarn_str_of(data, size), &s) == TARN_OK) {
        check(tarn_shape_to_json(&op, s, &json) == TARN_OK);
        check(tarn_shape_from_json(&op, json, &back) == TARN_OK && tarn_shape_eq(s, back));
        check(tarn_shape_join(&op, back, s) == TARN_OK && tarn_shape_eq(s, back));
        check(tarn_shape_type(&op, s, NULL, 0, &t) == TARN_OK);
        if (tarn_shape_from_type(&op, &t, &typed) == TARN_OK)
            tarn_shape_free(typed);
        tarn_shape_free(back);
        tarn_shape_free(s);
    }
    tarn_op_release(&op);
    return 0;
}
