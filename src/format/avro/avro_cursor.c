/* avro_cursor: reading values of a block. See avro.h.
 *
 * 1. p never passes end; every length and count is checked against what is left before it is used.
 * 2. After an error p == end, so that loops over what is left stop.
 */
#include "format/avro/avro_int.h"

static const struct tarn_avro_type null_type = {.kind = TARN_AVRO_NULL, .constant = true};

void tarn_avro_cursor_fail(struct tarn_avro_cursor *c, const char *error)
{
    if (!c->error)
        c->error = error;
    c->p = c->end;
}

enum tarn_status tarn_avro_cursor_finish(const struct tarn_avro_cursor *c, struct tarn_op *op,
                                         const struct tarn_avro_reader *r)
{
    if (c->error)
        return tarn_fail(op, TARN_CORRUPT, "could not read %s: %s", r->what, c->error);
    if (c->p != c->end)
        return tarn_fail(op, TARN_CORRUPT, "could not read %s: a block has %zu bytes too many",
                         r->what, (size_t)(c->end - c->p));
    return TARN_OK;
}

static size_t left_of(const struct tarn_avro_cursor *c)
{
    return (size_t)(c->end - c->p);
}

static const uint8_t *take(struct tarn_avro_cursor *c, size_t n)
{
    if (n > left_of(c)) {
        tarn_avro_cursor_fail(c, "a value passes the end of its block");
        return NULL;
    }
    const uint8_t *p = c->p;
    c->p += n;
    return p;
}

/* Variable-length zig-zag; a tenth byte has room for one bit only. */
int64_t tarn_avro_read_long(struct tarn_avro_cursor *c)
{
    uint64_t v = 0;
    const uint8_t *p = c->p;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (p == c->end) {
            tarn_avro_cursor_fail(c, "a number passes the end of its block");
            return 0;
        }
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1)
            break;
        v |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            c->p = p;
            return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
        }
    }
    tarn_avro_cursor_fail(c, "a number is longer than 64 bits");
    return 0;
}

int32_t tarn_avro_read_int(struct tarn_avro_cursor *c)
{
    int64_t v = tarn_avro_read_long(c);
    if (v < INT32_MIN || v > INT32_MAX) {
        tarn_avro_cursor_fail(c, "a number does not fit 32 bits");
        return 0;
    }
    return (int32_t)v;
}

bool tarn_avro_read_boolean(struct tarn_avro_cursor *c)
{
    const uint8_t *p = take(c, 1);
    if (p && *p > 1)
        tarn_avro_cursor_fail(c, "a boolean is neither 0 nor 1");
    return p && *p == 1;
}

static uint64_t read_le(struct tarn_avro_cursor *c, size_t n)
{
    const uint8_t *p = take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

float tarn_avro_read_float(struct tarn_avro_cursor *c)
{
    uint32_t bits = (uint32_t)read_le(c, 4);
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

double tarn_avro_read_double(struct tarn_avro_cursor *c)
{
    uint64_t bits = read_le(c, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

struct tarn_str tarn_avro_read_fixed(struct tarn_avro_cursor *c, size_t size)
{
    const uint8_t *p = take(c, size);
    return p && size ? tarn_str_of(p, size) : TARN_STR("");
}

struct tarn_str tarn_avro_read_bytes(struct tarn_avro_cursor *c)
{
    int64_t n = tarn_avro_read_long(c);
    if (n < 0 || (uint64_t)n > left_of(c)) {
        tarn_avro_cursor_fail(c, "a string or bytes value passes the end of its block");
        return TARN_STR("");
    }
    return tarn_avro_read_fixed(c, (size_t)n);
}

const struct tarn_avro_type *tarn_avro_read_branch(struct tarn_avro_cursor *c,
                                                   const struct tarn_avro_type *t)
{
    if (t->kind != TARN_AVRO_UNION)
        return c->error ? &null_type : t;
    int64_t i = tarn_avro_read_long(c);
    if (!c->error && (i < 0 || (uint64_t)i >= t->branch_count))
        tarn_avro_cursor_fail(c, "a union has no such branch");
    return c->error ? &null_type : t->branches[i];
}

/* Reads the head of a block of an array or map: its items (0 = the end), and where it ends
 * (NULL = not told). */
static int64_t items_head(struct tarn_avro_cursor *c, const struct tarn_avro_type *t,
                          const uint8_t **out_end)
{
    *out_end = NULL;
    int64_t n = tarn_avro_read_long(c);
    if (n < 0) {
        int64_t size = tarn_avro_read_long(c);
        if (n == INT64_MIN || size < 0 || (uint64_t)size > left_of(c)) {
            tarn_avro_cursor_fail(c, "a block of an array or map passes the end of its block");
            return 0;
        }
        n = -n;
        *out_end = c->p + size;
    }
    size_t least = t->items->min_bytes + (t->kind == TARN_AVRO_MAP ? 1 : 0);
    if (least > 0 && (uint64_t)n > left_of(c) / least) {
        tarn_avro_cursor_fail(c, "an array or map has more items than bytes are left");
        return 0;
    }
    return c->error ? 0 : n;
}

bool tarn_avro_items_next(struct tarn_avro_cursor *c, struct tarn_avro_items *it,
                          const struct tarn_avro_type *t)
{
    if (it->left == 0) {
        if (it->block_end && c->p != it->block_end)
            tarn_avro_cursor_fail(c, "a block of an array or map is not as long as it says");
        it->left = items_head(c, t, &it->block_end);
        if (it->left == 0)
            return false;
        if (t->items->min_bytes == 0 && t->kind == TARN_AVRO_ARRAY) {
            if ((uint64_t)it->left > TARN_AVRO_EMPTY_ITEMS_MAX - it->empty) {
                tarn_avro_cursor_fail(c, "an array has too many items without bytes");
                return false;
            }
            it->empty += (size_t)it->left;
        }
    }
    if (c->error)
        return false;
    it->left--;
    return true;
}

/* ---- passing over */

static void skip(struct tarn_avro_cursor *c, const struct tarn_avro_type *t, int depth);

static void skip_items(struct tarn_avro_cursor *c, const struct tarn_avro_type *t, int depth)
{
    const uint8_t *block_end;
    int64_t n;
    while ((n = items_head(c, t, &block_end)) > 0) {
        if (block_end) {
            c->p = block_end;
        } else if (t->kind == TARN_AVRO_ARRAY && t->items->constant) {
            (void)take(c, (size_t)n * t->items->min_bytes); /* n <= left / min_bytes */
        } else {
            for (; n > 0 && !c->error; n--) {
                if (t->kind == TARN_AVRO_MAP)
                    (void)tarn_avro_read_bytes(c);
                skip(c, t->items, depth);
            }
        }
    }
}

static void skip_record(struct tarn_avro_cursor *c, const struct tarn_avro_type *t, int depth)
{
    size_t i = 0;
    while (i < t->field_count && !c->error) {
        const struct tarn_avro_field *f = &t->fields[i];
        if (f->run_next > i) {
            (void)take(c, f->run_bytes);
            i = f->run_next;
        } else {
            skip(c, f->type, depth);
            i++;
        }
    }
}

static void skip(struct tarn_avro_cursor *c, const struct tarn_avro_type *t, int depth)
{
    if (depth >= TARN_AVRO_DEPTH_MAX) {
        tarn_avro_cursor_fail(c, "a value is nested too deep");
        return;
    }
    if (t->constant) {
        (void)take(c, t->min_bytes);
        return;
    }
    switch (t->kind) {
    case TARN_AVRO_BYTES:
    case TARN_AVRO_STRING:
        (void)tarn_avro_read_bytes(c);
        break;
    case TARN_AVRO_RECORD:
        skip_record(c, t, depth + 1);
        break;
    case TARN_AVRO_ARRAY:
    case TARN_AVRO_MAP:
        skip_items(c, t, depth + 1);
        break;
    case TARN_AVRO_UNION:
        skip(c, tarn_avro_read_branch(c, t), depth + 1);
        break;
    default: /* int, long, enum: the others are of constant size */
        (void)tarn_avro_read_long(c);
        break;
    }
}

void tarn_avro_skip(struct tarn_avro_cursor *c, const struct tarn_avro_type *t)
{
    skip(c, t, 0);
}
