/* path_set: a sorted array of paths. */
#include <stdlib.h>

#include "lake/lake_int.h"

static int compare(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

enum tarn_status tarn__path_set_make(struct tarn_op *op, const struct tarn_str *paths, size_t count,
                                     struct tarn__path_set *out)
{
    out->count = 0;
    TARN_NEW_ARRAY(op, out->items, count ? count : 1);
    if (count)
        memcpy(out->items, paths, count * sizeof *paths);
    qsort(out->items, count, sizeof *out->items, compare);
    for (size_t i = 0; i < count; i++)
        if (out->count == 0 || !tarn_str_eq(out->items[out->count - 1], out->items[i]))
            out->items[out->count++] = out->items[i];
    return TARN_OK;
}

long tarn__path_set_find(const struct tarn__path_set *set, struct tarn_str path)
{
    const struct tarn_str *hit =
        set->count ? bsearch(&path, set->items, set->count, sizeof *set->items, compare) : NULL;
    return hit ? (long)(hit - set->items) : -1;
}
