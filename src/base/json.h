/* json: a pull reader, a tree over it, and a writer (RFC 8259).
 *
 * The reader goes over bytes that the caller keeps alive and hands out tokens that point into
 * them. Numbers stay text: integers of 64 bits and decimals of any length lose nothing. Limits:
 * nesting depth (TARN_JSON_DEPTH_MAX, or less by option).
 * Strict: no comments, no trailing commas, no NaN, no bare control characters, valid UTF-8 and
 * valid surrogate pairs (checked when a string is decoded, or by tarn_json_skip). Errors of the
 * reader are values, not reports, so that a bad line can become a dead letter without cost.
 */
#ifndef TARN_BASE_JSON_H
#define TARN_BASE_JSON_H

#include "base/op.h"

#define TARN_JSON_DEPTH_MAX 512

enum tarn_json_token {
    TARN_JSON_END, /* the text is over */
    TARN_JSON_ERROR,
    TARN_JSON_OBJECT_BEGIN,
    TARN_JSON_OBJECT_END,
    TARN_JSON_ARRAY_BEGIN,
    TARN_JSON_ARRAY_END,
    /* r->text between the quotes, raw; r->escaped tells whether it must be decoded */
    TARN_JSON_KEY,
    TARN_JSON_STRING, /* as KEY */
    TARN_JSON_NUMBER, /* r->text: the digits as they stand; r->integer: neither '.' nor exponent */
    TARN_JSON_TRUE,
    TARN_JSON_FALSE,
    TARN_JSON_NULL
};

struct tarn_json_reader {
    const char *begin, *p, *end;
    struct tarn_str text; /* of KEY, STRING, NUMBER: valid until the next call */
    bool escaped;         /* the string holds a backslash */
    bool integer;
    const char *token_begin; /* where the last token starts */
    const char *error;       /* after ERROR: a constant text, e.g. "expected ':' after a key" */
    int depth, depth_max;
    /* inside */
    uint8_t expect;
    uint64_t in_object[TARN_JSON_DEPTH_MAX / 64];
};

/* Reads one value (or several one after another: NDJSON and concatenated documents) from text.
 * depth_max 0 = the maximum. */
void tarn_json_reader_init(struct tarn_json_reader *r, struct tarn_str text, int depth_max);
enum tarn_json_token tarn_json_next(struct tarn_json_reader *r);
/* After KEY (its value is skipped) or in place of reading the next value: checks and passes over
 * one whole value. *out_raw (may be NULL) gets its bytes. False: r->error says why. */
bool tarn_json_skip(struct tarn_json_reader *r, struct tarn_str *out_raw);
/* Decodes a raw string's escapes and checks its UTF-8 into dst (capacity >= raw.len always
 * suffices). -1: invalid. */
long tarn_json_unescape(struct tarn_str raw, char *dst);
/* Byte offset of the last token, for messages. */
static inline size_t tarn_json_offset(const struct tarn_json_reader *r)
{
    return (size_t)(r->token_begin - r->begin);
}

/* ---- tree: for metadata and configuration, not for data */
enum tarn_json_kind {
    TARN_JSON_K_NULL,
    TARN_JSON_K_BOOL,
    TARN_JSON_K_NUMBER,
    TARN_JSON_K_STRING,
    TARN_JSON_K_ARRAY,
    TARN_JSON_K_OBJECT
};
struct tarn_json {
    enum tarn_json_kind kind;
    bool boolean;
    struct tarn_str text;    /* STRING: decoded, zero-terminated; NUMBER: its digits */
    struct tarn_str key;     /* in an object: decoded */
    struct tarn_json *first; /* children of ARRAY, OBJECT in order */
    struct tarn_json *next;
    size_t count; /* children */
    /* the value's own bytes in the text that was parsed (kept alive by the caller) */
    struct tarn_str raw;
};
/* One value and nothing behind it. TARN_CORRUPT with line:column for bad text, TARN_LIMIT too
 * deep, TARN_NOMEM. A key that stands twice is an error. Out of op->arena. `what` names the text
 * in messages ("table metadata"). */
enum tarn_status tarn_json_parse(struct tarn_op *op, struct tarn_str text, const char *what,
                                 struct tarn_json **out) TARN_MUST_USE;
/* NULL: absent (or not an object) */
const struct tarn_json *tarn_json_get(const struct tarn_json *object, const char *key);
/* Typed reading of a member. `required` false: absent or null leaves *out alone and returns
 * TARN_OK. A wrong kind or a missing required member is TARN_CORRUPT: "<what>: field \"key\"
 * ...". */
struct tarn_json_field {
    const char *what; /* of what: "snapshot 42" */
    bool required;
};
enum tarn_status tarn_json_str(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_json_i64(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, int64_t *out) TARN_MUST_USE;
enum tarn_status tarn_json_i32(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, int32_t *out) TARN_MUST_USE;
enum tarn_status tarn_json_bool(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                struct tarn_json_field f, bool *out) TARN_MUST_USE;
/* *out = NULL when absent. */
enum tarn_status tarn_json_array(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                 struct tarn_json_field f,
                                 const struct tarn_json **out) TARN_MUST_USE;
enum tarn_status tarn_json_object(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                  struct tarn_json_field f,
                                  const struct tarn_json **out) TARN_MUST_USE;

/* ---- writer: places every comma itself
 *     tarn_json_writer_init(&w, &buf);  tarn_json_begin_object(&w);
 *     tarn_json_key(&w, "a");  tarn_json_put_i64(&w, 1);  tarn_json_end_object(&w);
 * Wrong nesting is an assert. Failures of the buf stick there. */
struct tarn_json_writer {
    struct tarn_buf *buf;
    int depth;
    int indent; /* 0 = compact, else spaces a level */
    uint64_t first[TARN_JSON_DEPTH_MAX / 64];
    uint64_t is_object[TARN_JSON_DEPTH_MAX / 64];
    bool after_key;
};
void tarn_json_writer_init(struct tarn_json_writer *w, struct tarn_buf *buf);
void tarn_json_begin_object(struct tarn_json_writer *w);
void tarn_json_end_object(struct tarn_json_writer *w);
void tarn_json_begin_array(struct tarn_json_writer *w);
void tarn_json_end_array(struct tarn_json_writer *w);
void tarn_json_key(struct tarn_json_writer *w, const char *key);
void tarn_json_key_str(struct tarn_json_writer *w, struct tarn_str key);
/* Invalid UTF-8 bytes become U+FFFD; an absent str (ptr NULL) is written as null. */
void tarn_json_put_str(struct tarn_json_writer *w, struct tarn_str s);
void tarn_json_put_z(struct tarn_json_writer *w, const char *z);
void tarn_json_put_i64(struct tarn_json_writer *w, int64_t v);
/* shortest that reads back; NaN and infinities as null */
void tarn_json_put_double(struct tarn_json_writer *w, double v);
void tarn_json_put_bool(struct tarn_json_writer *w, bool v);
void tarn_json_put_null(struct tarn_json_writer *w);
/* a whole value, already JSON */
void tarn_json_put_raw(struct tarn_json_writer *w, struct tarn_str json);
void tarn_json_put_tree(struct tarn_json_writer *w, const struct tarn_json *value);
/* key and value in one line */
void tarn_json_member_str(struct tarn_json_writer *w, const char *key, struct tarn_str s);
void tarn_json_member_z(struct tarn_json_writer *w, const char *key, const char *z);
void tarn_json_member_i64(struct tarn_json_writer *w, const char *key, int64_t v);
void tarn_json_member_bool(struct tarn_json_writer *w, const char *key, bool v);

#endif
