/* variant: names and fields of a variant in order (variant.h). */
#include "format/parquet/variant.h"

#include <stdlib.h>
#include <string.h>

#define SORTED    0x10u
#define DEPTH_MAX 1000

struct name {
    struct tarn_str text;
    uint32_t old;
};
struct field {
    uint32_t id, offset;
};
struct sorter {
    struct tarn_op *op;
    uint32_t *now; /* old id -> new one */
    size_t count;
};

static enum tarn_status damaged(struct tarn_op *op)
{
    return tarn_fail(op, TARN_CORRUPT, "a variant's bytes do not fit together");
}

static uint32_t number(const uint8_t *at, size_t size)
{
    uint32_t n = 0;
    for (size_t i = 0; i < size; i++)
        n |= (uint32_t)at[i] << (8 * i);
    return n;
}

static void put_number(uint8_t *at, size_t size, uint32_t n)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)(n >> (8 * i));
}

/* ---- the dictionary: header, count, count + 1 offsets, texts */

static int by_text(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    int order = tarn_str_cmp(x->text, y->text);
    return order ? order : (x->old > y->old) - (x->old < y->old);
}

static enum tarn_status read_names(struct sorter *s, const uint8_t *at, size_t size, size_t width,
                                   struct name **out)
{
    size_t head = 1 + width;
    s->count = head <= size ? number(at + 1, width) : 0;
    if (head > size || s->count + 1 > (size - head) / width)
        return damaged(s->op);
    const uint8_t *offsets = at + head, *texts = offsets + (s->count + 1) * width;
    size_t room = size - (size_t)(texts - at);
    char *copy; /* the texts change places */
    TARN_NEW_ARRAY(s->op, *out, s->count + 1);
    TARN_NEW_ARRAY(s->op, copy, room + 1);
    memcpy(copy, texts, room);
    for (size_t i = 0; i < s->count; i++) {
        uint32_t from = number(offsets + i * width, width),
                 to = number(offsets + (i + 1) * width, width);
        if (from > to || to > room)
            return damaged(s->op);
        (*out)[i] = (struct name){tarn_str_of(copy + from, to - from), (uint32_t)i};
    }
    return TARN_OK;
}

static enum tarn_status sort_names(struct sorter *s, uint8_t *at, size_t size)
{
    struct name *names = NULL;
    if (size < 1)
        return damaged(s->op);
    size_t width = (size_t)(at[0] >> 6) + 1;
    bool unique = true;
    TARN_TRY(read_names(s, at, size, width, &names));
    TARN_NEW_ARRAY(s->op, s->now, s->count + 1);
    qsort(names, s->count, sizeof *names, by_text);
    uint8_t *offsets = at + 1 + width, *texts = offsets + (s->count + 1) * width;
    uint32_t end = 0;
    put_number(offsets, width, 0);
    for (size_t i = 0; i < s->count; i++) {
        bool again = i > 0 && tarn_str_eq(names[i].text, names[i - 1].text);
        unique = unique && !again;
        s->now[names[i].old] = again ? s->now[names[i - 1].old] : (uint32_t)i;
        if (names[i].text.len > 0)
            memcpy(texts + end, names[i].text.ptr, names[i].text.len);
        end += (uint32_t)names[i].text.len;
        put_number(offsets + (i + 1) * width, width, end);
    }
    at[0] = (uint8_t)((at[0] & ~SORTED) | (unique ? SORTED : 0));
    return TARN_OK;
}

/* ---- values: objects are header, count, ids, offsets, values; arrays have no ids */

struct shape {
    size_t count, id_width, width; /* of an id (0: an array), of an offset */
    uint8_t *ids, *offsets, *values;
    size_t room; /* of the values */
};

static bool shape_read(uint8_t *at, size_t size, struct shape *out)
{
    bool object = (at[0] & 3) == 2;
    unsigned header = at[0] >> 2;
    bool large = object ? header >> 4 & 1 : header >> 2 & 1;
    size_t count_width = large ? 4 : 1, head = 1 + count_width;
    *out =
        (struct shape){.width = (header & 3) + 1, .id_width = object ? (header >> 2 & 3) + 1 : 0};
    if (head > size)
        return false;
    out->count = number(at + 1, count_width);
    size_t table = out->count * out->id_width + (out->count + 1) * out->width;
    if (table > size - head)
        return false;
    out->ids = at + head;
    out->offsets = out->ids + out->count * out->id_width;
    out->values = at + head + table;
    out->room = number(out->offsets + out->count * out->width, out->width);
    return out->room <= size - head - table;
}

static int by_id(const void *a, const void *b)
{
    const struct field *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static enum tarn_status sort_fields(struct sorter *s, const struct shape *o)
{
    struct field *fields;
    TARN_NEW_ARRAY(s->op, fields, o->count + 1);
    for (size_t i = 0; i < o->count; i++) {
        uint32_t id = number(o->ids + i * o->id_width, o->id_width);
        if (id >= s->count)
            return damaged(s->op);
        fields[i] = (struct field){s->now[id], number(o->offsets + i * o->width, o->width)};
    }
    qsort(fields, o->count, sizeof *fields, by_id);
    for (size_t i = 0; i < o->count; i++) {
        put_number(o->ids + i * o->id_width, o->id_width, fields[i].id);
        put_number(o->offsets + i * o->width, o->width, fields[i].offset);
    }
    return TARN_OK;
}

static enum tarn_status sort_value(struct sorter *s, uint8_t *at, size_t size, int depth)
{
    struct shape shape;
    if (size < 1)
        return damaged(s->op);
    if ((at[0] & 3) < 2) /* a primitive or a short text */
        return TARN_OK;
    if (depth > DEPTH_MAX)
        return tarn_fail(s->op, TARN_UNSUPPORTED, "a variant is nested more than %d deep",
                         DEPTH_MAX);
    if (!shape_read(at, size, &shape))
        return damaged(s->op);
    if (shape.id_width)
        TARN_TRY(sort_fields(s, &shape));
    for (size_t i = 0; i < shape.count; i++) {
        uint32_t offset = number(shape.offsets + i * shape.width, shape.width);
        if (offset >= shape.room)
            return damaged(s->op);
        TARN_TRY(sort_value(s, shape.values + offset, shape.room - offset, depth + 1));
    }
    return TARN_OK;
}

enum tarn_status tarn_parquet_variant_sort(struct tarn_op *op, uint8_t *metadata,
                                           size_t metadata_size, uint8_t *value, size_t value_size)
{
    struct sorter s = {.op = op};
    TARN_TRY(sort_names(&s, metadata, metadata_size));
    return sort_value(&s, value, value_size, 0);
}
