/* room: format */
/* Avro container files: every block is read, and every value passed over by the file's own
 * schema. */
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "format/avro/avro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum tarn_status walk(struct tarn_op *op, struct tarn_str bytes)
{
    const struct tarn_avro_limits limits = {.total_bytes_max = (size_t)16 << 20};
    struct tarn_avro_reader r;
    struct tarn_avro_block b;
    TARN_TRY(tarn_avro_reader_init(&r, op, bytes, "input", &limits));
    for (;;) {
        TARN_TRY(tarn_avro_reader_next(&r, op, &b));
        if (!b.data.ptr)
            return TARN_OK;
        struct tarn_avro_cursor c = tarn_avro_cursor_of(b.data);
        for (int64_t i = 0; i < b.count && !c.error; i++)
            tarn_avro_skip(&c, r.schema);
        TARN_TRY(tarn_avro_cursor_finish(&c, op, &r));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    const struct tarn_avro_type *t;
    if (tarn_op_init(&op, (size_t)256 << 20, 0) != TARN_OK)
        return 0;
    (void)walk(&op, tarn_str_of(data, size));
    (void)tarn_avro_schema_parse(&op, tarn_str_of(data, size), "input", &t);
    tarn_op_release(&op);
    return 0;
}
