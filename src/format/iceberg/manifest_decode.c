/* manifest_decode: lists and maps of a manifest into arrays of the arena. Form errors stick in
 * the cursor. */
#include "format/iceberg/manifest_int.h"

#include <stdlib.h>

enum tarn_status tarn__manifest_decode_grow(struct tarn_op *op, void *array, size_t *cap,
                                            size_t len, size_t size, size_t hint)
{
    if (len < *cap)
        return TARN_OK;
    size_t want = len + (hint > len ? hint : len);
    if (want < len + 1)
        want = len + 1;
    void *more = tarn_alloc_array(op, want, size);
    if (!more)
        return TARN_NOMEM;
    void *before; /* by memcpy: `array` points to a pointer of another type */
    memcpy(&before, array, sizeof before);
    if (len > 0)
        memcpy(more, before, len * size);
    memcpy(array, &more, sizeof more);
    *cap = want;
    return TARN_OK;
}

struct tarn_str tarn__manifest_decode_bytes(struct tarn__manifest_decoder *d,
                                            const struct tarn_avro_type *t)
{
    return t->kind == TARN_AVRO_FIXED ? tarn_avro_read_fixed(&d->cursor, t->size)
                                      : tarn_avro_read_bytes(&d->cursor);
}

struct tarn_str tarn__manifest_decode_text(struct tarn__manifest_decoder *d,
                                           const struct tarn_avro_type *t)
{
    struct tarn_str s = tarn__manifest_decode_bytes(d, t);
    if (!tarn_utf8_valid(s))
        tarn_avro_cursor_fail(&d->cursor, "a string is not valid UTF-8");
    return s;
}

void tarn__manifest_decode_skip(struct tarn__manifest_decoder *d,
                                const struct tarn__manifest_step *step)
{
    if (step->type)
        tarn_avro_skip(&d->cursor, step->type);
    else
        (void)tarn_avro_read_fixed(&d->cursor, step->bytes);
}

/* ---- maps */

struct pair {
    bool absent; /* the value is null */
    int32_t id;
    int64_t number;
    struct tarn_str bytes;
};

static void pair_value(struct tarn__manifest_decoder *d, const struct tarn_avro_type *type,
                       bool numbers, struct pair *out)
{
    const struct tarn_avro_type *t = tarn_avro_read_branch(&d->cursor, type);
    out->absent = t->kind == TARN_AVRO_NULL;
    if (out->absent)
        return;
    if (numbers)
        out->number = tarn_avro_read_long(&d->cursor);
    else
        out->bytes = tarn__manifest_decode_bytes(d, t);
}

/* The next pair of a map in either form; false at its end. */
static bool pair_next(struct tarn__manifest_decoder *d, const struct tarn__manifest_step *step,
                      const struct tarn_avro_type *t, struct tarn_avro_items *it, bool numbers,
                      struct pair *out)
{
    *out = (struct pair){.absent = true};
    if (!tarn_avro_items_next(&d->cursor, it, t))
        return false;
    if (t->kind == TARN_AVRO_MAP) {
        int64_t id = -1;
        if (!tarn_str_to_i64(tarn_avro_read_bytes(&d->cursor), &id) || id < INT32_MIN ||
            id > INT32_MAX)
            tarn_avro_cursor_fail(&d->cursor, "a key of a map is no column id");
        out->id = (int32_t)id;
        pair_value(d, t->items, numbers, out);
        return true;
    }
    for (size_t i = 0; i < step->sub->count; i++) {
        const struct tarn__manifest_step *s = &step->sub->steps[i];
        if (s->slot == PAIR_KEY)
            out->id = tarn_avro_read_int(&d->cursor);
        else if (s->slot == PAIR_VALUE)
            pair_value(d, s->type, numbers, out);
        else
            tarn__manifest_decode_skip(d, s);
    }
    return true;
}

_Static_assert(offsetof(struct tarn_id_count, id) == 0 && offsetof(struct tarn_id_bytes, id) == 0,
               "ids_cmp reads the id at the front");
static int ids_cmp(const void *a, const void *b)
{
    int32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Brings pairs into the order of their ids (most writers have them so); two of one id would be
 * two truths. */
static void ids_sort(struct tarn__manifest_decoder *d, void *array, size_t count, size_t size)
{
    char *p = array;
    bool sorted = true;
    for (size_t i = 1; i < count && sorted; i++)
        sorted = ids_cmp(p + (i - 1) * size, p + i * size) < 0;
    if (sorted)
        return;
    qsort(array, count, size, ids_cmp);
    for (size_t i = 1; i < count; i++)
        if (ids_cmp(p + (i - 1) * size, p + i * size) == 0)
            tarn_avro_cursor_fail(&d->cursor, "a column stands twice in a map");
}

enum tarn_status tarn__manifest_decode_counts(struct tarn__manifest_decoder *d,
                                              const struct tarn__manifest_step *step,
                                              const struct tarn_avro_type *t,
                                              struct tarn_id_count **out, size_t *out_count)
{
    struct tarn_avro_items it = {0};
    struct pair pair;
    struct tarn_id_count *array = NULL;
    size_t cap = 0, n = 0;
    while (pair_next(d, step, t, &it, true, &pair)) {
        if (pair.absent)
            continue;
        TARN_TRY(
            tarn__manifest_decode_grow(d->op, &array, &cap, n, sizeof *array, (size_t)it.left + 1));
        array[n++] = (struct tarn_id_count){pair.id, pair.number};
    }
    ids_sort(d, array, n, sizeof *array);
    *out = array;
    *out_count = n;
    return TARN_OK;
}

enum tarn_status tarn__manifest_decode_bounds(struct tarn__manifest_decoder *d,
                                              const struct tarn__manifest_step *step,
                                              const struct tarn_avro_type *t,
                                              struct tarn_id_bytes **out, size_t *out_count)
{
    struct tarn_avro_items it = {0};
    struct pair pair;
    struct tarn_id_bytes *array = NULL;
    size_t cap = 0, n = 0;
    while (pair_next(d, step, t, &it, false, &pair)) {
        if (pair.absent)
            continue;
        TARN_TRY(
            tarn__manifest_decode_grow(d->op, &array, &cap, n, sizeof *array, (size_t)it.left + 1));
        array[n++] = (struct tarn_id_bytes){pair.id, pair.bytes};
    }
    ids_sort(d, array, n, sizeof *array);
    *out = array;
    *out_count = n;
    return TARN_OK;
}

/* ---- lists */

static int64_t list_number(struct tarn__manifest_decoder *d, const struct tarn_avro_type *t)
{
    if (tarn_avro_read_branch(&d->cursor, t->items)->kind == TARN_AVRO_NULL) {
        tarn_avro_cursor_fail(&d->cursor, "a list of numbers holds a null");
        return 0;
    }
    return tarn_avro_read_long(&d->cursor);
}

enum tarn_status tarn__manifest_decode_longs(struct tarn__manifest_decoder *d,
                                             const struct tarn_avro_type *t, int64_t **out,
                                             size_t *out_count)
{
    struct tarn_avro_items it = {0};
    int64_t *array = NULL;
    size_t cap = 0, n = 0;
    while (tarn_avro_items_next(&d->cursor, &it, t)) {
        TARN_TRY(
            tarn__manifest_decode_grow(d->op, &array, &cap, n, sizeof *array, (size_t)it.left + 1));
        array[n++] = list_number(d, t);
    }
    *out = array;
    *out_count = n;
    return TARN_OK;
}

enum tarn_status tarn__manifest_decode_ints(struct tarn__manifest_decoder *d,
                                            const struct tarn_avro_type *t, int32_t **out,
                                            size_t *out_count)
{
    struct tarn_avro_items it = {0};
    int32_t *array = NULL;
    size_t cap = 0, n = 0;
    while (tarn_avro_items_next(&d->cursor, &it, t)) {
        TARN_TRY(
            tarn__manifest_decode_grow(d->op, &array, &cap, n, sizeof *array, (size_t)it.left + 1));
        int64_t v = list_number(d, t);
        if (v < INT32_MIN || v > INT32_MAX)
            tarn_avro_cursor_fail(&d->cursor, "a column id does not fit 32 bits");
        array[n++] = (int32_t)v;
    }
    *out = array;
    *out_count = n;
    return TARN_OK;
}
