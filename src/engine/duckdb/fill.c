/* fill: columns in Arrow's layout into the engine's vectors. */
#include "engine/duckdb/feed_int.h"

/* ---- checks */

static bool offset_splits(const struct tarn_column *c, uint32_t offset)
{
    return offset < c->offsets[c->length] && ((unsigned char)c->bytes[offset] & 0xC0) == 0x80;
}

/* One pass over all bytes, then no text may begin inside a character. */
static bool texts_valid(const struct tarn_column *c)
{
    if (c->length == 0)
        return true;
    uint32_t begin = c->offsets[0], end = c->offsets[c->length];
    if (end > begin && !tarn_utf8_valid(tarn_str_of(c->bytes + begin, end - begin)))
        return false;
    for (size_t i = 0; i < c->length; i++)
        if (offset_splits(c, c->offsets[i]))
            return false;
    return true;
}

/* A null under a null parent breaks no promise. */
static bool has_null_of_its_own(const struct tarn_column *c, const struct tarn_column *parent)
{
    if (c->null_count == 0 || !c->validity)
        return false;
    if (!parent || parent->type->kind != TARN_TYPE_STRUCT || !parent->validity)
        return true;
    for (size_t i = 0; i < c->length; i++)
        if (tarn_column_is_null(c, i) && !tarn_column_is_null(parent, i))
            return true;
    return false;
}

struct check {
    struct tarn_op *op;
    const struct tarn_field *path[64];
    size_t depth;
};

static enum tarn_status fail_at(const struct check *k, const char *what)
{
    char path[512] = "";
    size_t n = 0;
    for (size_t i = 0; i < k->depth && n < sizeof path; i++)
        n += (size_t)snprintf(path + n, sizeof path - n, "%s%.*s", i > 0 ? "." : "",
                              TARN_STR_ARG(k->path[i]->name));
    return tarn_fail(k->op, TARN_DATA, "column \"%s\" %s", path, what);
}

static enum tarn_status check_column(struct check *k, const struct tarn_field *f,
                                     const struct tarn_column *c, const struct tarn_column *parent)
{
    if (k->depth == sizeof k->path / sizeof k->path[0])
        return tarn_fail(k->op, TARN_LIMIT, "column \"%.*s\" nests too deep",
                         TARN_STR_ARG(k->path[0]->name));
    k->path[k->depth++] = f;
    if (f->required && has_null_of_its_own(c, parent))
        return fail_at(k, "is required, but a row has no value");
    if (f->type.kind == TARN_TYPE_STRING && !texts_valid(c))
        return fail_at(k, "holds text that is not valid UTF-8");
    for (size_t i = 0; i < c->child_count; i++)
        TARN_TRY(check_column(k, &f->type.fields[i], &c->children[i], c));
    k->depth--;
    return TARN_OK;
}

enum tarn_status tarn__batch_check(struct tarn_op *op, const struct tarn_type *root,
                                   const struct tarn_batch *b)
{
    struct check k = {.op = op};
    for (size_t i = 0; i < b->column_count; i++)
        TARN_TRY(check_column(&k, &root->fields[i], &b->columns[i], NULL));
    return TARN_OK;
}

/* ---- validity */

static void fill_validity(duckdb_vector v, const struct tarn_column *c, size_t start, size_t n)
{
    uint64_t *bits = duckdb_vector_get_validity(v);
    bool nulls = c->validity && c->null_count > 0;
    if (!bits && !nulls)
        return;
    duckdb_vector_ensure_validity_writable(v);
    bits = duckdb_vector_get_validity(v);
    if (!nulls) {
        memset(bits, 0xFF, (n + 63) / 64 * sizeof *bits);
    } else if (start % 64 == 0) {
        memcpy(bits, c->validity + start / 64, (n + 63) / 64 * sizeof *bits);
    } else {
        for (size_t i = 0; i < n; i++) {
            uint64_t bit = (uint64_t)1 << (i & 63);
            if (tarn_column_is_null(c, start + i))
                bits[i >> 6] &= ~bit;
            else
                bits[i >> 6] |= bit;
        }
    }
}

/* ---- values */

static void fill_strings(duckdb_vector v, const struct tarn_column *c, size_t start, size_t n)
{
    duckdb_string_t *dst = duckdb_vector_get_data(v);
    for (size_t i = 0; i < n; i++) {
        const char *p = c->bytes + c->offsets[start + i];
        uint32_t len = c->offsets[start + i + 1] - c->offsets[start + i];
        memset(&dst[i], 0, sizeof dst[i]);
        dst[i].value.inlined.length = len;
        if (len <= sizeof dst[i].value.inlined.inlined) {
            if (len > 0)
                memcpy(dst[i].value.inlined.inlined, p, len);
        } else {
            memcpy(dst[i].value.pointer.prefix, p, 4);
            dst[i].value.pointer.ptr = (char *)(uintptr_t)p;
        }
    }
}

static void fill_fixed(duckdb_vector v, const struct tarn_column *c, size_t start, size_t n)
{
    uint32_t width = (uint32_t)c->type->length;
    duckdb_string_t *dst = duckdb_vector_get_data(v);
    for (size_t i = 0; i < n; i++) {
        const char *p = (const char *)c->data + (start + i) * width;
        memset(&dst[i], 0, sizeof dst[i]);
        dst[i].value.inlined.length = width;
        if (width <= sizeof dst[i].value.inlined.inlined) {
            memcpy(dst[i].value.inlined.inlined, p, width);
        } else {
            memcpy(dst[i].value.pointer.prefix, p, 4);
            dst[i].value.pointer.ptr = (char *)(uintptr_t)p;
        }
    }
}

static void fill_uuids(duckdb_vector v, const struct tarn_column *c, size_t start, size_t n)
{
    duckdb_hugeint *dst = duckdb_vector_get_data(v);
    const char *src = c->data;
    for (size_t i = 0; i < n; i++) {
        uint64_t half[2];
        memcpy(half, src + (start + i) * 16, sizeof half);
        dst[i].upper = (int64_t)(__builtin_bswap64(half[0]) ^ (uint64_t)1 << 63);
        dst[i].lower = __builtin_bswap64(half[1]);
    }
}

/* False: a value has more digits than its type. */
static bool fill_decimals(duckdb_vector v, const struct tarn_column *c, size_t start, size_t n)
{
    const __int128 *src = (const __int128 *)c->data + start;
    void *dst = duckdb_vector_get_data(v);
    int32_t precision = c->type->precision;
    __int128 max = 1;
    bool ok = true;
    for (int32_t i = 0; i < precision; i++)
        max *= 10;
    for (size_t i = 0; i < n; i++) {
        __int128 x = src[i];
        ok = ok && x < max && x > -max;
        if (precision <= 4)
            ((int16_t *)dst)[i] = (int16_t)x;
        else if (precision <= 9)
            ((int32_t *)dst)[i] = (int32_t)x;
        else if (precision <= 18)
            ((int64_t *)dst)[i] = (int64_t)x;
        else
            ((duckdb_hugeint *)dst)[i] =
                (duckdb_hugeint){.lower = (uint64_t)x, .upper = (int64_t)(x >> 64)};
    }
    return ok;
}

/* Whatever the batch says of it, it has no values. */
static enum tarn_status fill_nulls(struct tarn_op *op, duckdb_vector v, size_t n)
{
    duckdb_vector_ensure_validity_writable(v);
    uint64_t *bits = duckdb_vector_get_validity(v);
    if (!bits)
        return tarn_fail(op, TARN_NOMEM, "could not hand rows to the engine: out of memory");
    memset(bits, 0, (n + 63) / 64 * sizeof *bits);
    return TARN_OK;
}

static size_t width_of(enum tarn_type_kind kind)
{
    switch (kind) {
    case TARN_TYPE_BOOLEAN:
        return 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_FLOAT:
        return 4;
    default:
        return 8;
    }
}

static enum tarn_status fill_list(struct tarn_op *op, duckdb_vector v, const struct tarn_column *c,
                                  size_t start, size_t n)
{
    duckdb_list_entry *entries = duckdb_vector_get_data(v);
    uint32_t from = c->offsets[start], to = c->offsets[start + n];
    for (size_t i = 0; i < n; i++) {
        entries[i].offset = c->offsets[start + i] - from;
        entries[i].length = c->offsets[start + i + 1] - c->offsets[start + i];
    }
    if (duckdb_list_vector_reserve(v, to - from) != DuckDBSuccess ||
        duckdb_list_vector_set_size(v, to - from) != DuckDBSuccess)
        return tarn_fail(op, TARN_NOMEM, "could not hand rows to the engine: out of memory");
    duckdb_vector child = duckdb_list_vector_get_child(v);
    if (c->type->kind == TARN_TYPE_LIST)
        return tarn__vector_fill(op, child, &c->children[0], from, to - from);
    uint64_t *bits = duckdb_vector_get_validity(child); /* of a chunk before */
    if (bits)
        memset(bits, 0xFF, ((size_t)(to - from) + 63) / 64 * sizeof *bits);
    for (idx_t i = 0; i < 2; i++)
        TARN_TRY(tarn__vector_fill(op, duckdb_struct_vector_get_child(child, i), &c->children[i],
                                   from, to - from));
    return TARN_OK;
}

enum tarn_status tarn__vector_fill(struct tarn_op *op, duckdb_vector v, const struct tarn_column *c,
                                   size_t start, size_t n)
{
    fill_validity(v, c, start, n);
    switch (c->type->kind) {
    case TARN_TYPE_UNKNOWN:
        return fill_nulls(op, v, n);
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
        fill_strings(v, c, start, n);
        return TARN_OK;
    case TARN_TYPE_FIXED:
        fill_fixed(v, c, start, n);
        return TARN_OK;
    case TARN_TYPE_UUID:
        fill_uuids(v, c, start, n);
        return TARN_OK;
    case TARN_TYPE_DECIMAL:
        if (!fill_decimals(v, c, start, n))
            return tarn_fail(op, TARN_DATA, "a value has more digits than decimal(%d, %d) holds",
                             c->type->precision, c->type->scale);
        return TARN_OK;
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
        return fill_list(op, v, c, start, n);
    case TARN_TYPE_STRUCT:
        for (size_t i = 0; i < c->child_count; i++)
            TARN_TRY(tarn__vector_fill(op, duckdb_struct_vector_get_child(v, i), &c->children[i],
                                       start, n));
        return TARN_OK;
    default: {
        size_t width = width_of(c->type->kind);
        if (n > 0)
            memcpy(duckdb_vector_get_data(v), (const char *)c->data + start * width, n * width);
        return TARN_OK;
    }
    }
}
