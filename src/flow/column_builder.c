/* column_builder: see column_builder.h. */
#include "flow/column_builder.h"

#include <stdlib.h>

#include "base/arena.h"

#define ROWS_FIRST  64
#define BYTES_FIRST 4096

/* ---- memory */

/* realloc within the budget; old contents stay on failure. */
static bool resize(struct tarn__column_budget *budget, void **p, size_t old_bytes, size_t new_bytes)
{
    size_t more = new_bytes - old_bytes;
    budget->over = more > budget->max - budget->used;
    if (budget->over || tarn_alloc_should_fail())
        return false;
    void *grown = realloc(*p, new_bytes);
    if (!grown)
        return false;
    *p = grown;
    budget->used += more;
    return true;
}

static size_t words(size_t rows)
{
    return (rows + 63) / 64;
}

static bool has_offsets(const struct tarn__column *c)
{
    switch (c->type->kind) {
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
        return true;
    default:
        return false;
    }
}

static bool has_bytes(const struct tarn__column *c)
{
    return c->type->kind == TARN_TYPE_STRING || c->type->kind == TARN_TYPE_BINARY;
}

static bool grow_validity(struct tarn__column *c, size_t cap)
{
    size_t old = c->validity ? words(c->cap) : 0;
    void *p = c->validity;
    if (!resize(c->budget, &p, old * sizeof *c->validity, words(cap) * sizeof *c->validity))
        return false;
    c->validity = p;
    return true;
}

bool tarn__column_grow(struct tarn__column *c)
{
    size_t cap = c->cap ? c->cap * 2 : ROWS_FIRST;
    if (c->validity && !grow_validity(c, cap))
        return false;
    if (c->width > 0) {
        void *p = c->data;
        if (!resize(c->budget, &p, c->cap * c->width, cap * c->width))
            return false;
        c->data = p;
    }
    if (has_offsets(c)) {
        void *p = c->offsets;
        size_t old = c->cap ? (c->cap + 1) * sizeof *c->offsets : 0;
        if (!resize(c->budget, &p, old, (cap + 1) * sizeof *c->offsets))
            return false;
        c->offsets = p;
        c->offsets[0] = 0;
    }
    c->cap = cap;
    return true;
}

bool tarn__column_grow_bytes(struct tarn__column *c, size_t more)
{
    size_t need = c->bytes_len + more + TARN__COLUMN_SLACK;
    size_t cap = c->bytes_cap ? c->bytes_cap : BYTES_FIRST;
    if (need > UINT32_MAX) {
        c->budget->over = true;
        return false;
    }
    while (cap < need)
        cap *= 2;
    void *p = c->bytes;
    if (!resize(c->budget, &p, c->bytes_cap, cap))
        return false;
    c->bytes = p;
    c->bytes_cap = cap;
    return true;
}

/* ---- life */

static enum tarn_status width_of(struct tarn_op *op, const struct tarn_type *t, uint32_t *out)
{
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        *out = 1;
        return TARN_OK;
    case TARN_TYPE_INT:
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DATE:
        *out = 4;
        return TARN_OK;
    case TARN_TYPE_LONG:
    case TARN_TYPE_DOUBLE:
    case TARN_TYPE_TIME:
    case TARN_TYPE_TIMESTAMP:
    case TARN_TYPE_TIMESTAMPTZ:
    case TARN_TYPE_TIMESTAMP_NS:
    case TARN_TYPE_TIMESTAMPTZ_NS:
        *out = 8;
        return TARN_OK;
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_UUID:
        *out = 16;
        return TARN_OK;
    case TARN_TYPE_FIXED:
        *out = (uint32_t)t->length;
        return TARN_OK;
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_STRUCT:
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
        *out = 0;
        return TARN_OK;
    default:
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "documents cannot be read into a column of type %.*s",
                         TARN_STR_ARG(tarn_type_text(op, t)));
    }
}

enum tarn_status tarn__column_init(struct tarn_op *op, const struct tarn_type *type,
                                   struct tarn__column_budget *budget, struct tarn__column *out)
{
    *out = (struct tarn__column){.type = type, .budget = budget};
    TARN_TRY(width_of(op, type, &out->width));
    if (!tarn__column_grow(out)) /* so that offsets are there even without rows */
        return tarn_fail(op, TARN_NOMEM, "no memory for a column");
    if (!tarn_type_is_nested(type))
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->children, type->field_count + 1);
    for (size_t i = 0; i < type->field_count; i++) {
        out->child_count++; /* first, so that a release finds what a failure leaves */
        TARN_TRY(tarn__column_init(op, &type->fields[i].type, budget, &out->children[i]));
    }
    return TARN_OK;
}

void tarn__column_release(struct tarn__column *c)
{
    free(c->validity);
    free(c->data);
    free(c->offsets);
    free(c->bytes);
    c->validity = NULL;
    c->data = c->bytes = NULL;
    c->offsets = NULL;
    c->cap = c->bytes_cap = c->length = 0;
    for (size_t i = 0; i < c->child_count; i++)
        tarn__column_release(&c->children[i]);
}

static bool grow_tree(struct tarn__column *c)
{
    bool ok = tarn__column_grow(c);
    for (size_t i = 0; ok && i < c->child_count; i++)
        ok = grow_tree(&c->children[i]);
    return ok;
}

bool tarn__column_trim(struct tarn__column *c)
{
    tarn__column_release(c);
    tarn__column_clear(c);
    c->budget->used = 0;
    return grow_tree(c);
}

void tarn__column_clear(struct tarn__column *c)
{
    c->length = c->null_count = c->bytes_len = 0;
    for (size_t i = 0; i < c->child_count; i++)
        tarn__column_clear(&c->children[i]);
}

static bool bit_at(const uint64_t *bits, size_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

void tarn__column_cut(struct tarn__column *c, size_t length)
{
    for (; c->length > length; c->length--)
        if (c->null_count > 0 && !bit_at(c->validity, c->length - 1))
            c->null_count--;
    size_t below = c->offsets ? c->offsets[length] : 0;
    if (has_bytes(c))
        c->bytes_len = below;
    for (size_t i = 0; i < c->child_count; i++)
        tarn__column_cut(&c->children[i], c->type->kind == TARN_TYPE_STRUCT ? length : below);
}

/* ---- rows */

void tarn__column_mark_valid(struct tarn__column *c)
{
    c->validity[c->length >> 6] |= (uint64_t)1 << (c->length & 63);
}

bool tarn__column_append_null(struct tarn__column *c)
{
    if (!tarn__column_reserve(c))
        return false;
    if (!c->validity && !grow_validity(c, c->cap))
        return false;
    if (c->null_count == 0)
        memset(c->validity, 0xFF, words(c->cap) * sizeof *c->validity);
    if (c->type->kind == TARN_TYPE_STRUCT)
        for (size_t i = 0; i < c->child_count; i++)
            if (!tarn__column_append_null(&c->children[i]))
                return false;
    c->validity[c->length >> 6] &= ~((uint64_t)1 << (c->length & 63));
    if (c->width > 0)
        memset(c->data + c->length * c->width, 0, c->width);
    if (c->offsets)
        c->offsets[c->length + 1] = c->offsets[c->length];
    c->length++;
    c->null_count++;
    return true;
}

size_t tarn__column_bytes(const struct tarn__column *c)
{
    size_t n = c->length * c->width + c->bytes_len;
    if (c->offsets)
        n += c->length * sizeof *c->offsets;
    for (size_t i = 0; i < c->child_count; i++)
        n += tarn__column_bytes(&c->children[i]);
    return n;
}

/* ---- views */

enum tarn_status tarn__column_view_new(struct tarn_op *op, const struct tarn__column *c,
                                       struct tarn_column *out)
{
    *out = (struct tarn_column){.type = c->type, .child_count = c->child_count};
    if (c->child_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->children, c->child_count);
    for (size_t i = 0; i < c->child_count; i++)
        TARN_TRY(tarn__column_view_new(op, &c->children[i], &out->children[i]));
    return TARN_OK;
}

void tarn__column_view(const struct tarn__column *c, struct tarn_column *out)
{
    out->length = c->length;
    out->null_count = c->null_count;
    out->validity = c->null_count > 0 ? c->validity : NULL;
    out->data = c->data;
    out->offsets = c->offsets;
    out->bytes = c->bytes;
    for (size_t i = 0; i < c->child_count; i++)
        tarn__column_view(&c->children[i], &out->children[i]);
}
