/* column_builder: columns that grow row by row and are reused from batch to batch.
 *
 * A builder is a tree beside the tarn_column that it fills at the end of a batch. Memory grows
 * by doubling within a budget that all builders of a worker share and is kept when the batch is
 * cleared. Every append either adds exactly one row or answers false and adds none that counts:
 * the caller then cuts the row off with tarn__column_cut.
 */
#ifndef TARN_FLOW_COLUMN_BUILDER_H
#define TARN_FLOW_COLUMN_BUILDER_H

#include "format/batch.h"

#define TARN__COLUMN_SLACK 32 /* bytes that may be written behind a column's text */

struct tarn__column_budget {
    size_t used, max; /* bytes of memory held; past max an append fails */
    bool over;        /* the last failure was the budget, not malloc */
};
struct tarn__column {
    const struct tarn_type *type;
    struct tarn__column_budget *budget;
    size_t length, cap; /* rows */
    size_t null_count;
    uint64_t *validity; /* allocated at the first null; bits from `length` on mean nothing */
    char *data;
    uint32_t width; /* bytes a row in data; 0 for text, lists, structs */
    uint32_t *offsets;
    char *bytes;
    size_t bytes_len, bytes_cap;
    struct tarn__column *children;
    size_t child_count;
};

/* The tree for a type, its nodes in op->arena, no rows. TARN_UNSUPPORTED for types that no
 * document can fill. */
enum tarn_status tarn__column_init(struct tarn_op *op, const struct tarn_type *type,
                                   struct tarn__column_budget *budget,
                                   struct tarn__column *out) TARN_MUST_USE;
void tarn__column_release(struct tarn__column *c);
void tarn__column_clear(struct tarn__column *c);
/* As clear, and gives the memory back but for a first piece. `c` is the root of all columns of its
 * budget. False: no memory. */
bool tarn__column_trim(struct tarn__column *c);
void tarn__column_cut(struct tarn__column *c, size_t length); /* back to the first `length` rows */
size_t tarn__column_bytes(const struct tarn__column *c);      /* what the rows take now */
/* Fills `out`, a tree made by tarn__column_view_new, with pointers into the builder. */
void tarn__column_view(const struct tarn__column *c, struct tarn_column *out);
enum tarn_status tarn__column_view_new(struct tarn_op *op, const struct tarn__column *c,
                                       struct tarn_column *out) TARN_MUST_USE;

bool tarn__column_grow(struct tarn__column *c); /* room for one more row */
bool tarn__column_grow_bytes(struct tarn__column *c,
                             size_t more); /* room for `more` bytes of text and the slack */
bool tarn__column_append_null(struct tarn__column *c);
void tarn__column_mark_valid(struct tarn__column *c);

/* Counts the row that was just written at [length]. */
static inline void tarn__column_commit(struct tarn__column *c)
{
    if (__builtin_expect(c->null_count != 0, 0))
        tarn__column_mark_valid(c);
    c->length++;
}
static inline bool tarn__column_reserve(struct tarn__column *c)
{
    return __builtin_expect(c->length < c->cap, 1) || tarn__column_grow(c);
}
#define TARN__COLUMN_APPEND(name, ctype)                                           \
    static inline bool tarn__column_append_##name(struct tarn__column *c, ctype v) \
    {                                                                              \
        if (!tarn__column_reserve(c))                                              \
            return false;                                                          \
        ((ctype *)(void *)c->data)[c->length] = v;                                 \
        tarn__column_commit(c);                                                    \
        return true;                                                               \
    }
TARN__COLUMN_APPEND(bool, uint8_t)
TARN__COLUMN_APPEND(int, int32_t)
TARN__COLUMN_APPEND(long, int64_t)
TARN__COLUMN_APPEND(float, float)
TARN__COLUMN_APPEND(double, double)
TARN__COLUMN_APPEND(int128, __int128)
#undef TARN__COLUMN_APPEND

/* Room for a text of at most `max` bytes: where to write it, NULL if there is none. Then
 * tarn__column_text_end. */
static inline char *tarn__column_text_begin(struct tarn__column *c, size_t max)
{
    if (!tarn__column_reserve(c) || (c->bytes_cap - c->bytes_len < max + TARN__COLUMN_SLACK &&
                                     !tarn__column_grow_bytes(c, max)))
        return NULL;
    return c->bytes + c->bytes_len;
}
static inline void tarn__column_text_end(struct tarn__column *c, size_t len)
{
    c->bytes_len += len;
    c->offsets[c->length + 1] = (uint32_t)c->bytes_len;
    tarn__column_commit(c);
}
static inline bool tarn__column_append_bytes(struct tarn__column *c, const void *p, size_t n)
{
    char *dst = tarn__column_text_begin(c, n);
    if (!dst)
        return false;
    if (n > 0)
        memcpy(dst, p, n);
    tarn__column_text_end(c, n);
    return true;
}
/* fixed[n], uuid */
static inline bool tarn__column_append_fixed(struct tarn__column *c, const void *p)
{
    if (!tarn__column_reserve(c))
        return false;
    memcpy(c->data + c->length * c->width, p, c->width);
    tarn__column_commit(c);
    return true;
}
/* A list or map whose elements were appended to the children. */
static inline bool tarn__column_end_list(struct tarn__column *c)
{
    if (!tarn__column_reserve(c))
        return false;
    c->offsets[c->length + 1] = (uint32_t)c->children[0].length;
    tarn__column_commit(c);
    return true;
}
/* A struct whose children have their row. */
static inline bool tarn__column_end_struct(struct tarn__column *c)
{
    if (!tarn__column_reserve(c))
        return false;
    tarn__column_commit(c);
    return true;
}

#endif
