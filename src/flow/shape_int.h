/* shape_int: the lattice's nodes, for shape*.c and decode*.c.
 *
 * A node says which groups of values were seen at a place, and what is known of its numbers.
 * Each fact only ever grows (a flag is set, a maximum rises, a field is added, `first` falls),
 * so the join of two nodes is fact by fact and its order does not matter. Two groups at one
 * place make the node MIXED, which absorbs everything and knows nothing else: text holds every
 * value.
 */
#ifndef TARN_FLOW_SHAPE_INT_H
#define TARN_FLOW_SHAPE_INT_H

#include "flow/shape.h"

enum {
    /* groups; the four kinds of numbers are one group */
    TARN__S_BOOL = 1u << 0,
    TARN__S_INT = 1u << 1,     /* digits alone, $numberInt, $numberLong */
    TARN__S_FRAC = 1u << 2,    /* a number with '.' or an exponent */
    TARN__S_DOUBLE = 1u << 3,  /* $numberDouble */
    TARN__S_DECIMAL = 1u << 4, /* $numberDecimal */
    TARN__S_TEXT = 1u << 5,
    TARN__S_DATE = 1u << 6, /* $date: an instant */
    TARN__S_BINARY = 1u << 7,
    TARN__S_UUID = 1u << 8,
    TARN__S_DOC = 1u << 9,
    TARN__S_LIST = 1u << 10,
    TARN__S_MIXED = 1u << 11,
    /* facts about the numbers */
    TARN__S_NOT_LONG = 1u << 12,   /* one of them is not an integer of 64 bits */
    TARN__S_NOT_DOUBLE = 1u << 13, /* one of them is not printed back by a double */
    TARN__S_NONFINITE = 1u << 14,  /* $numberDouble NaN, Infinity, -Infinity */
    TARN__S_NO_NUMBER = 1u << 15   /* the same of $numberDecimal: no number type holds it */
};
#define TARN__S_NUMBERS (TARN__S_INT | TARN__S_FRAC | TARN__S_DOUBLE | TARN__S_DECIMAL)
#define TARN__S_FACTS \
    (TARN__S_NOT_LONG | TARN__S_NOT_DOUBLE | TARN__S_NONFINITE | TARN__S_NO_NUMBER)

#define TARN__DIGITS_MAX 255 /* counts of digits stop here; no type holds more than 38 */
/* Documents and lists this deep are kept as JSON text: engines and Iceberg's own limits end not
 * far behind. */
#define TARN__SHAPE_DEPTH_MAX  50
#define TARN__SHAPE_FIELDS_MAX 10000

struct tarn__shape_memory;
struct tarn__shape_field {
    struct tarn_str name;
    /* Where it was first seen: file + 1 in the upper 24 bits, byte offset in the lower 40; for a
     * shape that was read back, its place in the order. */
    uint64_t first;
    struct tarn_shape *shape;
};
struct tarn_shape {
    uint32_t flags;
    uint8_t whole_digits,
        scale;     /* the most seen: digits before the point, and behind it as written */
    uint8_t depth; /* the root's is 0 */
    uint32_t field_count, field_cap;
    struct tarn__shape_field *fields; /* DOC, in no order */
    struct tarn_shape *element;       /* LIST; may be NULL: no element was seen */
    struct tarn__shape_memory *memory;
};

/* What a single value adds. */
struct tarn__seen {
    uint32_t flags;
    uint8_t whole_digits, scale;
};
static inline bool tarn__shape_has(const struct tarn_shape *s, struct tarn__seen v)
{
    return (s->flags & TARN__S_MIXED) ||
           ((v.flags & ~s->flags) == 0 && v.whole_digits <= s->whole_digits && v.scale <= s->scale);
}
void tarn__shape_add(struct tarn_shape *s, struct tarn__seen v);
/* The list's element, made if need be. NULL: TARN_NOMEM was reported. */
struct tarn_shape *tarn__shape_element(struct tarn_op *op, struct tarn_shape *s);
/* A new field; the name is copied. NULL: TARN_NOMEM or TARN_LIMIT (too many fields) was
 * reported. */
struct tarn__shape_field *tarn__shape_field_add(struct tarn_op *op, struct tarn_shape *s,
                                                struct tarn_str name, uint64_t first);
struct tarn__shape_field *tarn__shape_field_find(const struct tarn_shape *s, struct tarn_str name);
/* Moves first (and with it the spelling) forward. False: no memory, not reported. */
bool tarn__shape_field_sight(struct tarn_shape *s, struct tarn__shape_field *f,
                             struct tarn_str name, uint64_t first);
/* Fields in order of first sight, as pointers in op->scratch; NULL after TARN_NOMEM. */
const struct tarn__shape_field **tarn__shape_sorted(struct tarn_op *op, const struct tarn_shape *s);
/* The kind of column that the node asks for, its scale in *out_scale: what tarn_shape_type gives
 * where nothing is declared. */
enum tarn_type_kind tarn__shape_kind(const struct tarn_shape *s, int *out_scale);

/* "ingest_ts", "_source_file", "_source_offset" in any case: a document's own go to "doc_" +
 * name. */
bool tarn__name_reserved(struct tarn_str name);

/* ---- declared columns, as a list of what is left of each path below a place */
struct tarn__declared_ref {
    const struct tarn_declared *declared;
    struct tarn_str rest; /* empty: this very place */
};
struct tarn__declared_list {
    struct tarn__declared_ref *items;
    size_t count;
};
/* The whole list at the root, reserved names changed. TARN_CONFIG for empty, doubled or
 * overlapping paths. In op->arena. */
enum tarn_status tarn__declared_open(struct tarn_op *op, const struct tarn_declared *declared,
                                     size_t count, struct tarn__declared_list *out) TARN_MUST_USE;
/* Those below the field (or "element") of that name. In op->arena. *out_name, where a path
 * spells it, is that spelling. */
enum tarn_status tarn__declared_below(struct tarn_op *op, const struct tarn__declared_list *l,
                                      struct tarn_str name, struct tarn__declared_list *out,
                                      struct tarn_str *out_name) TARN_MUST_USE;
/* The declared type of this very place, NULL if none. */
const struct tarn_type *tarn__declared_here(const struct tarn__declared_list *l);

#endif
