/* decode_int: one worker's view of a decode: the plan, the document in work, the values. For
 * decode*.c, json_*.c, ejson.c, csv*.c.
 *
 * A document is read in two passes only when it teaches something. The first pass (apply false)
 * fills the columns and changes nothing else: if a value or key would widen the shape it sets
 * `changed` and goes on. A document that turns out to be a dead letter has so left no trace in
 * the shape. Else, if `changed`, its row is cut off and it is read again with apply true, where
 * shape and plan grow. After the first documents that is rare.
 */
#ifndef TARN_FLOW_DECODE_INT_H
#define TARN_FLOW_DECODE_INT_H

#include "base/arena.h"
#include "flow/column_builder.h"
#include "flow/decode.h"
#include "flow/decode_number.h"
#include "flow/shape_int.h"

#define TARN__DEPTH_DEFAULT          100
#define TARN__DOCUMENT_BYTES_DEFAULT ((uint64_t)16 << 20)
#define TARN__LETTER_RAW_MAX         ((size_t)64 << 10)
#define TARN__PAD                    64 /* readable bytes behind any text that is scanned */

enum { TARN__PLAN_NONE = 255 }; /* a plan's kind without a column */

struct tarn__plan;
struct tarn__plan_field {
    /* what the walk over a document touches */
    uint64_t seen; /* serial of the object that held it last */
    uint64_t
        first; /* position of the first sight; UINT64_MAX: not in the shape yet; 0: not observed */
    const char *at; /* the key in that object, behind its quote */
    struct tarn__plan *node;
    struct tarn__plan_field *next; /* which field came behind this one last time */
    uint32_t key_len;              /* of `key`, the quote behind it included */
    bool plain; /* the key stands in documents as it is, without escapes: bytes can be compared */
    char key[]; /* spelling, '"', zeros up to a multiple of 16 and 16 more */
};

/* A place in the documents: what was seen there and the column that takes it. */
struct tarn__plan {
    struct tarn_shape *shape;    /* NULL: not observed, or not in the shape yet */
    struct tarn__column *column; /* NULL: only looked at */
    uint8_t kind;                /* of the column's type, or TARN__PLAN_NONE */
    bool strict;           /* declared, here, above or below: what does not fit is a dead letter */
    bool declared;         /* the type is the declared one: nothing here or below is observed */
    bool required;         /* null is a dead letter */
    uint32_t column_count; /* fields that have a column */
    uint32_t field_count, field_cap;
    struct tarn__plan_field **fields;
    struct tarn__plan_field **index; /* open addressing over case-folded names */
    uint32_t index_mask;
    struct tarn__plan_field *first_field; /* which field stood first last time */
    struct tarn__plan *element;           /* of a list; of a map: its values */
    struct tarn__plan *map_key;
};

enum tarn__value_kind {
    TARN__V_NULL,
    TARN__V_BOOL,
    TARN__V_NUMBER,
    TARN__V_TEXT,
    TARN__V_DATE,
    TARN__V_BINARY,
    TARN__V_UUID,
    TARN__V_JSON /* a document or list, or a wrapper that is kept as text */
};
struct tarn__value {
    enum tarn__value_kind kind;
    bool boolean;
    bool special; /* NUMBER: NaN, Infinity, -Infinity; text says which */
    struct tarn__seen seen;
    struct tarn_str text; /* TEXT: decoded; NUMBER: digits as they stood; BINARY, UUID: bytes */
    struct tarn_str raw;  /* the value's JSON in the document; absent in CSV */
    struct tarn__number number; /* NUMBER, unless special */
    int64_t micros;             /* DATE */
};

struct tarn__keys { /* names of an object whose plan does not know them, or of one without a plan */
    struct tarn__key {
        uint64_t hash;
        struct tarn_str name;
    } * items;
    size_t count, cap;
};

struct tarn__decode {
    struct tarn_op *op;           /* of the call in progress */
    struct tarn_arena *arena;     /* the plan's */
    struct tarn_arena *doc_arena; /* texts of one document; rare */
    bool ejson;
    int depth_max;
    struct tarn__plan *root;
    struct tarn_shape *shape;
    struct tarn__column_budget budget;
    struct tarn__column table; /* all columns as one struct */
    struct tarn__column
        document; /* the same without the last ones, which the document does not fill */

    /* the document in work */
    const char *begin, *end; /* *end is a zero byte meanwhile */
    uint64_t position;       /* file + 1 << 40 | offset of begin */
    uint64_t serial;
    int depth;
    bool apply, changed;
    bool unfit; /* a value did not fit an undeclared column */
    bool doc_arena_used;
    struct tarn__keys keys;
    struct tarn_buf text;   /* decoded strings */
    struct tarn_buf json;   /* JSON text without white space */
    struct tarn_buf bytes;  /* base64 decoded */
    struct tarn_buf digits; /* a number's text in JSON's grammar */

    /* why it failed: a dead letter (status OK) or the end of the decode */
    enum tarn_status status;
    char reason[512];
    char column[256]; /* dotted path, built from the end */
    size_t column_at;
    bool letter_has_column;
};

/* ---- plan (decode_plan.c) */

/* `tail`: how many of the target's last columns are not the document's. */
enum tarn_status tarn__decode_init(struct tarn_op *op, struct tarn__decode *d,
                                   const struct tarn_decode_options *options,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   size_t tail) TARN_MUST_USE;
void tarn__decode_release(struct tarn__decode *d);
/* The field of that name in any case, NULL. */
struct tarn__plan_field *tarn__plan_find(const struct tarn__plan *n, struct tarn_str name);
/* Adds a field without a column. NULL: d->status says why. */
struct tarn__plan_field *tarn__plan_add(struct tarn__decode *d, struct tarn__plan *n,
                                        struct tarn_str name);
struct tarn__plan *tarn__plan_new(struct tarn__decode *d);
uint64_t tarn__name_hash(struct tarn_str name); /* without ASCII case */
/* The name of the column that a document's key goes to: "ingest_ts" -> "doc_ingest_ts" at the
 * root. .ptr NULL: no memory. */
struct tarn_str tarn__plan_column_name(struct tarn__decode *d, const struct tarn__plan *n,
                                       struct tarn_str key);

/* ---- observation and storing (decode_value.c) */

void tarn__observe_slow(struct tarn__decode *d, struct tarn__plan *n, struct tarn__seen seen);
/* A new field or an earlier sight of one (decode_plan.c). */
bool tarn__sight(struct tarn__decode *d, struct tarn__plan *n, struct tarn__plan_field *f,
                 struct tarn_str name, uint64_t position);
static inline void tarn__observe(struct tarn__decode *d, struct tarn__plan *n,
                                 struct tarn__seen seen)
{
    if (__builtin_expect(!n->shape || !tarn__shape_has(n->shape, seen), 0))
        tarn__observe_slow(d, n, seen);
}
/* Observes a value and appends it. False: a dead letter or a failure; d says why. */
bool tarn__put(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v);
/* Appends only. */
bool tarn__store(struct tarn__decode *d, struct tarn__plan *n, const struct tarn__value *v);
bool tarn__store_null(struct tarn__decode *d, struct tarn__plan *n);
/* A number out of a text: JSON's grammar, and besides a plus sign, zeros in front and a bare
 * point ("+007", ".5", "5."). */
bool tarn__number_of_text(struct tarn__decode *d, struct tarn_str text, struct tarn__number *out);
/* 36 characters with dashes, or 32 without. */
bool tarn__decode_uuid(struct tarn_str s, unsigned char out[16]);
/* An append failed for lack of memory. Returns false. */
bool tarn__no_room(struct tarn__decode *d);

/* ---- dead letters */

/* Records why the document is a dead letter; returns NULL. */
const char *tarn__letter(struct tarn__decode *d, const char *fmt, ...) TARN_PRINTF(2, 3);
/* The same for text that is no JSON: names the byte. */
const char *tarn__letter_at(struct tarn__decode *d, const char *at, const char *what);
/* While a letter is on its way up: puts a step in front of the column's path. Returns NULL. */
const char *tarn__letter_step(struct tarn__decode *d, struct tarn_str step);
const char *tarn__fail_nomem(struct tarn__decode *d);

/* ---- documents (json_doc.c, json_check.c, ejson.c) */

/* Reads the document [begin, end) into one row of the columns but the last three. *end is
 * overwritten meanwhile; TARN__PAD bytes behind it are readable. The text is valid UTF-8
 * already. False: a dead letter (d->status is TARN_OK; no row was added) or a failure. */
bool tarn__document_read(struct tarn__decode *d, char *begin, char *end, uint64_t position);
/* The two passes around a row; `pass` reads [d->begin, d->end). */
bool tarn__row_read(struct tarn__decode *d, char *begin, char *end,
                    bool (*pass)(struct tarn__decode *, const void *), const void *context);
/* Nulls for the columns whose field was not seen in the object of that serial. */
bool tarn__fill_missing(struct tarn__decode *d, struct tarn__plan *n, uint64_t serial);
/* Passes over the value at p, as strictly as if it had a plan. NULL: a letter. */
const char *tarn__json_check(struct tarn__decode *d, const char *p);
/* The same for an object or array that is entered already (its depth counted) and no wrapper. */
const char *tarn__json_check_inside(struct tarn__decode *d, const char *p);
/* The string whose text starts at p (behind its quote): decoded into *out, which points into the
 * document or d->text. Returns what follows it. */
const char *tarn__json_text(struct tarn__decode *d, const char *p, struct tarn_str *out);
/* Does the object at p look like an Extended JSON wrapper? If so *out is its value and the
 * result is behind it. *is_wrapper false: an ordinary document. $timestamp and
 * $regularExpression: *inner is the document within that stands for them. NULL: a letter. */
const char *tarn__ejson_read(struct tarn__decode *d, const char *p, struct tarn__value *out,
                             bool *is_wrapper, const char **inner);

/* Names of an object in [from, count): a letter if two are equal without case; count goes back
 * to `from`. */
bool tarn__keys_push(struct tarn__decode *d, struct tarn_str name);
bool tarn__keys_close(struct tarn__decode *d, size_t from);

#endif
