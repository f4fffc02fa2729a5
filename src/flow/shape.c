/* shape: nodes and their join. See shape.h for the lattice, shape_int.h for the facts of a node. */
#include "flow/shape_int.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"

#define SHAPE_BYTES_MAX ((size_t)64 << 20)

struct tarn__shape_memory {
    struct tarn_arena *arena;
    size_t fields; /* of the whole tree */
};

static struct tarn_shape *node_new(struct tarn__shape_memory *m, int depth)
{
    struct tarn_shape *s = tarn_arena_alloc(m->arena, sizeof *s);
    if (s) {
        s->memory = m;
        s->depth = (uint8_t)depth;
    }
    return s;
}

struct tarn_shape *tarn_shape_new(struct tarn_op *op)
{
    struct tarn_arena *arena = tarn_arena_new(SHAPE_BYTES_MAX);
    struct tarn__shape_memory *m = arena ? tarn_arena_alloc(arena, sizeof *m) : NULL;
    if (m)
        m->arena = arena;
    struct tarn_shape *s = m ? node_new(m, 0) : NULL;
    if (!s) {
        tarn_arena_free(arena);
        (void)tarn_fail(op, TARN_NOMEM, "no memory for a shape");
    }
    return s;
}

void tarn_shape_free(struct tarn_shape *s)
{
    if (s)
        tarn_arena_free(s->memory->arena);
}

/* ---- facts */

static bool is_mixed(uint32_t flags)
{
    static const uint32_t groups[] = {TARN__S_BOOL, TARN__S_NUMBERS, TARN__S_TEXT,
                                      TARN__S_DATE, TARN__S_BINARY,  TARN__S_UUID,
                                      TARN__S_DOC,  TARN__S_LIST,    TARN__S_MIXED};
    int seen = 0;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        seen += (flags & groups[i]) != 0;
    return seen > 1 || (flags & TARN__S_MIXED);
}

void tarn__shape_add(struct tarn_shape *s, struct tarn__seen v)
{
    s->flags |= v.flags;
    if (v.whole_digits > s->whole_digits)
        s->whole_digits = v.whole_digits;
    if (v.scale > s->scale)
        s->scale = v.scale;
    bool too_deep = s->depth >= TARN__SHAPE_DEPTH_MAX && (s->flags & (TARN__S_DOC | TARN__S_LIST));
    if (is_mixed(s->flags) || too_deep) {
        s->flags = TARN__S_MIXED;
        s->whole_digits = s->scale = 0;
        s->element = NULL;
        s->field_count = s->field_cap = 0;
        s->fields = NULL;
    }
}

struct tarn_shape *tarn__shape_element(struct tarn_op *op, struct tarn_shape *s)
{
    if (!s->element) {
        s->element = node_new(s->memory, s->depth + 1);
        if (!s->element)
            (void)tarn_fail(op, TARN_NOMEM, "no memory for a shape");
    }
    return s->element;
}

/* ---- fields */

static bool name_copy(struct tarn__shape_memory *m, struct tarn_str name, struct tarn_str *out)
{
    char *p = tarn_arena_alloc(m->arena, name.len + 1);
    if (!p)
        return false;
    memcpy(p, name.ptr, name.len);
    *out = tarn_str_of(p, name.len);
    return true;
}

static bool fields_grow(struct tarn_shape *s)
{
    uint32_t cap = s->field_cap ? s->field_cap * 2 : 8;
    struct tarn__shape_field *fields = tarn_arena_alloc(s->memory->arena, cap * sizeof *fields);
    if (!fields)
        return false;
    if (s->field_count > 0)
        memcpy(fields, s->fields, s->field_count * sizeof *fields);
    s->fields = fields;
    s->field_cap = cap;
    return true;
}

struct tarn__shape_field *tarn__shape_field_add(struct tarn_op *op, struct tarn_shape *s,
                                                struct tarn_str name, uint64_t first)
{
    struct tarn__shape_field f = {.first = first};
    if (s->memory->fields >= TARN__SHAPE_FIELDS_MAX) {
        (void)tarn_fail(op, TARN_LIMIT, "the documents have more than %d different fields",
                        TARN__SHAPE_FIELDS_MAX);
        tarn_hint(op, "declare a column whose keys are data as map<string, ...> or string");
        return NULL;
    }
    if (!name_copy(s->memory, name, &f.name) || !(f.shape = node_new(s->memory, s->depth + 1)) ||
        (s->field_count == s->field_cap && !fields_grow(s))) {
        (void)tarn_fail(op, TARN_NOMEM, "no memory for a shape");
        return NULL;
    }
    s->memory->fields++;
    s->fields[s->field_count] = f;
    return &s->fields[s->field_count++];
}

struct tarn__shape_field *tarn__shape_field_find(const struct tarn_shape *s, struct tarn_str name)
{
    for (uint32_t i = 0; i < s->field_count; i++)
        if (s->fields[i].name.len == name.len && tarn_str_eq_nocase(s->fields[i].name, name))
            return &s->fields[i];
    return NULL;
}

bool tarn__shape_field_sight(struct tarn_shape *s, struct tarn__shape_field *f,
                             struct tarn_str name, uint64_t first)
{
    if (first > f->first || (first == f->first && tarn_str_cmp(name, f->name) >= 0))
        return true;
    f->first = first;
    return tarn_str_eq(name, f->name) || name_copy(s->memory, name, &f->name);
}

static int field_order(const void *a, const void *b)
{
    const struct tarn__shape_field *x = *(const struct tarn__shape_field *const *)a;
    const struct tarn__shape_field *y = *(const struct tarn__shape_field *const *)b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return tarn_str_cmp(x->name, y->name);
}

const struct tarn__shape_field **tarn__shape_sorted(struct tarn_op *op, const struct tarn_shape *s)
{
    const struct tarn__shape_field **sorted =
        tarn_arena_alloc(op->scratch, (s->field_count + 1u) * sizeof *sorted);
    if (!sorted) {
        (void)tarn_fail(op, TARN_NOMEM, "no memory to order the fields of a shape");
        return NULL;
    }
    for (uint32_t i = 0; i < s->field_count; i++)
        sorted[i] = &s->fields[i];
    qsort(sorted, s->field_count, sizeof *sorted, field_order);
    return sorted;
}

/* ---- join */

/* Case-blind table over the fields of `into` as they are before the join: field index + 1 in
 * each slot. */
struct field_table {
    uint32_t *slots;
    size_t mask;
};

static uint64_t name_hash(struct tarn_str name)
{
    char folded[64];
    uint64_t h = 0;
    for (size_t i = 0; i < name.len;) {
        size_t n = 0;
        for (; n < sizeof folded && i < name.len; n++, i++) {
            char c = name.ptr[i];
            folded[n] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        h = tarn_hash64(folded, n, h);
    }
    return h;
}

static bool table_build(struct tarn_op *op, const struct tarn_shape *s, struct field_table *t)
{
    size_t size = 16;
    while (size < (size_t)s->field_count * 2)
        size *= 2;
    t->mask = size - 1;
    t->slots = tarn_arena_alloc(op->scratch, size * sizeof *t->slots);
    if (!t->slots)
        return false;
    for (uint32_t i = 0; i < s->field_count; i++) {
        size_t at = name_hash(s->fields[i].name) & t->mask;
        while (t->slots[at])
            at = (at + 1) & t->mask;
        t->slots[at] = i + 1;
    }
    return true;
}

static struct tarn__shape_field *table_find(const struct field_table *t, struct tarn_shape *s,
                                            struct tarn_str name)
{
    for (size_t at = name_hash(name) & t->mask; t->slots[at]; at = (at + 1) & t->mask) {
        struct tarn__shape_field *f = &s->fields[t->slots[at] - 1];
        if (tarn_str_eq_nocase(f->name, name))
            return f;
    }
    return NULL;
}

static enum tarn_status join_fields(struct tarn_op *op, struct tarn_shape *into,
                                    const struct tarn_shape *from)
{
    struct field_table t;
    if (!table_build(op, into, &t))
        return tarn_fail(op, TARN_NOMEM, "no memory to join shapes");
    for (uint32_t i = 0; i < from->field_count; i++) {
        const struct tarn__shape_field *g = &from->fields[i];
        struct tarn__shape_field *f = table_find(&t, into, g->name);
        if (!f)
            f = tarn__shape_field_add(op, into, g->name, g->first);
        else if (!tarn__shape_field_sight(into, f, g->name, g->first))
            return tarn_fail(op, TARN_NOMEM, "no memory to join shapes");
        if (!f)
            return op->report.status;
        TARN_TRY(tarn_shape_join(op, f->shape, g->shape));
    }
    return TARN_OK;
}

enum tarn_status tarn_shape_join(struct tarn_op *op, struct tarn_shape *into,
                                 const struct tarn_shape *from)
{
    tarn__shape_add(into, (struct tarn__seen){from->flags, from->whole_digits, from->scale});
    if (into->flags & TARN__S_MIXED)
        return TARN_OK;
    if (from->element) {
        struct tarn_shape *element = tarn__shape_element(op, into);
        if (!element)
            return TARN_NOMEM;
        TARN_TRY(tarn_shape_join(op, element, from->element));
    }
    if (from->field_count == 0)
        return TARN_OK;
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    enum tarn_status status = join_fields(op, into, from);
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

/* ---- equality: facts, names and the order of fields, not the places where they were seen */

static bool fields_eq(const struct tarn_shape *a, const struct tarn_shape *b);

bool tarn_shape_eq(const struct tarn_shape *a, const struct tarn_shape *b)
{
    if (a->flags != b->flags || a->whole_digits != b->whole_digits || a->scale != b->scale ||
        a->field_count != b->field_count || !a->element != !b->element)
        return false;
    if (a->element && !tarn_shape_eq(a->element, b->element))
        return false;
    return fields_eq(a, b);
}

/* How many of s's fields stand before f. */
static uint32_t rank_of(const struct tarn_shape *s, const struct tarn__shape_field *f)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < s->field_count; i++) {
        const struct tarn__shape_field *g = &s->fields[i];
        rank += field_order(&g, &f) < 0;
    }
    return rank;
}

static bool fields_eq(const struct tarn_shape *a, const struct tarn_shape *b)
{
    for (uint32_t i = 0; i < a->field_count; i++) {
        const struct tarn__shape_field *f = &a->fields[i];
        const struct tarn__shape_field *g = tarn__shape_field_find(b, f->name);
        if (!g || !tarn_str_eq(f->name, g->name) || rank_of(a, f) != rank_of(b, g) ||
            !tarn_shape_eq(f->shape, g->shape))
            return false;
    }
    return true;
}
