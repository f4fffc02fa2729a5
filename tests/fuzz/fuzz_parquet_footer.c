/* room: format
 *
 * Footers and pages of others: the last bytes of the input are a footer, all of it a file. A footer that
 * is read is mended without harm, and the new one is read again, with the types that were asked for. */
#include "format/parquet/mend.h"
#include "format/parquet/statistic.h"

struct file {
    const uint8_t *bytes;
    size_t size;
    struct tarn_buf out;
};

static enum tarn_status read_at(void *ctx, struct tarn_op *op, int64_t offset, void *dst, size_t n)
{
    const struct file *f = ctx;
    if (offset < 0 || (uint64_t)offset > f->size || n > f->size - (size_t)offset)
        return tarn_fail(op, TARN_CORRUPT, "beyond the end");
    memcpy(dst, f->bytes + offset, n);
    return TARN_OK;
}

static enum tarn_status write_to(void *ctx, struct tarn_op *op, const void *src, size_t n)
{
    struct file *f = ctx;
    tarn_buf_append(&f->out, src, n);
    return (enum tarn_status)tarn_buf_finish(op, &f->out, "a file");
}

/* What a table could ask of columns of any id. */
static void table_of(struct tarn_field *fields, const struct tarn_parquet_footer *footer)
{
    for (int32_t i = 0; i < 8; i++) {
        const struct tarn_parquet_element *e =
            (size_t)i + 1 < footer->element_count ? &footer->elements[i + 1] : NULL;
        fields[i] = (struct tarn_field){.id = i + 1, .name = TARN_STR("f")};
        fields[i].type.kind = TARN_TYPE_INT;
        if (!e || e->field_id != i + 1)
            continue;
        if (e->logical == TARN_PARQUET_LOGICAL_TIMESTAMP)
            fields[i].type.kind = TARN_TYPE_TIMESTAMPTZ_NS;
        else if (e->logical == TARN_PARQUET_LOGICAL_GEOMETRY)
            fields[i].type = (struct tarn_type){.kind = TARN_TYPE_GEOGRAPHY,
                                                .text = TARN_STR("geography(srid:1, karney)")};
        else if (e->physical == TARN_PARQUET_BYTE_ARRAY)
            fields[i].type = (struct tarn_type){.kind = TARN_TYPE_FIXED, .length = 4};
        else if (e->children == 2)
            fields[i].type.kind = TARN_TYPE_VARIANT;
    }
}

static void look(struct tarn_op *op, const struct tarn_parquet_footer *footer)
{
    static const enum tarn_type_kind kinds[] = {
        TARN_TYPE_INT,    TARN_TYPE_LONG,           TARN_TYPE_STRING, TARN_TYPE_DECIMAL,
        TARN_TYPE_DOUBLE, TARN_TYPE_TIMESTAMPTZ_NS, TARN_TYPE_BINARY, TARN_TYPE_UUID};
    struct tarn_parquet_bounds b;
    for (size_t g = 0; g < footer->group_count; g++)
        for (size_t i = 0; i < footer->leaf_count; i++)
            for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
                struct tarn_type t = {.kind = kinds[k], .precision = 38};
                if (tarn_parquet_chunk_bounds(op, footer, i, &footer->groups[g].chunks[i], &t,
                                              &b) == TARN_OK &&
                    b.known)
                    TARN_ASSERT(tarn_value_cmp(&t, &b.lower, &b.upper) <= 0);
            }
}

static void mend(struct tarn_op *op, struct file *f, struct tarn_str bytes,
                 const struct tarn_parquet_footer *footer)
{
    struct tarn_field fields[8];
    struct tarn_type root = {.kind = TARN_TYPE_STRUCT, .fields = fields, .field_count = 8};
    const struct tarn_parquet_io io = {f, read_at, write_to};
    struct tarn_parquet_edits edits;
    struct tarn_parquet_mended now;
    struct tarn_parquet_footer again;
    size_t n;
    table_of(fields, footer);
    if (tarn_parquet_edits_find(op, footer, &root, &edits) != TARN_OK ||
        tarn_parquet_mend(op, &io, bytes, (int64_t)f->size, footer, &edits, 0, &now) != TARN_OK)
        return;
    TARN_ASSERT(now.size_bytes == (int64_t)f->out.len);
    TARN_ASSERT(tarn_parquet_tail(op, tarn_str_of(f->out.ptr + f->out.len - 8, 8), f->out.len,
                                  &n) == TARN_OK);
    TARN_ASSERT(tarn_parquet_footer_read(op, tarn_str_of(f->out.ptr + f->out.len - 8 - n, n),
                                         &again) == TARN_OK);
    TARN_ASSERT(again.element_count == footer->element_count && again.rows == footer->rows &&
                again.group_count == footer->group_count);
    for (size_t i = 0; i < again.element_count; i++)
        if (edits.items[i].kind == TARN_PARQUET_EDIT_FIXED)
            TARN_ASSERT(again.elements[i].physical == TARN_PARQUET_FIXED &&
                        again.elements[i].length == 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_parquet_footer footer;
    struct file f = {.bytes = data, .size = size};
    size_t n;
    if (tarn_op_init(&op, (size_t)64 << 20, 0) != TARN_OK)
        return 0;
    tarn_buf_init(&f.out, (size_t)16 << 20);
    if (size >= 8 && tarn_parquet_tail(&op, tarn_str_of(data + size - 8, 8), size, &n) == TARN_OK) {
        struct tarn_str bytes = tarn_str_of(data + size - 8 - n, n);
        if (tarn_parquet_footer_read(&op, bytes, &footer) == TARN_OK) {
            look(&op, &footer);
            mend(&op, &f, bytes, &footer);
        }
        (void)tarn_parquet_schema_read(&op, bytes, &footer);
    }
    tarn_buf_release(&f.out);
    tarn_op_release(&op);
    return 0;
}
