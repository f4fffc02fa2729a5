/* json_tree: the tree over the reader, and typed reading of its members. See json.h.
 *
 * Nodes are built in document order with an explicit stack of open containers (no recursion),
 * out of op->arena.
 */
#include "base/json.h"

#include <limits.h>

#include "base/arena.h"
#include "base/base_int.h"

/* Above this many members duplicate keys are found with a hash table, so that a hostile object
 * stays linear. */
#define PAIRWISE_MAX 16

struct build {
    struct tarn_op *op;
    struct tarn_json_reader reader;
    const char *what;
    struct tarn_json *open[TARN_JSON_DEPTH_MAX]; /* containers not yet closed */
    struct tarn_json *last[TARN_JSON_DEPTH_MAX]; /* their youngest child */
    int depth;
    struct tarn_str key; /* of the next value, decoded */
    struct tarn_json *root;
};

/* ---- messages */

static enum tarn_status fail_text(struct build *b, size_t offset, const char *why)
{
    int line = 1, column = 1;
    const char *text = b->reader.begin;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    enum tarn_status status = why == tarn__json_too_deep ? TARN_LIMIT : TARN_CORRUPT;
    return tarn_fail(b->op, status, "%s is not valid JSON at line %d, column %d: %s", b->what, line,
                     column, why);
}

static enum tarn_status fail_reader(struct build *b)
{
    return fail_text(b, tarn_json_offset(&b->reader), b->reader.error);
}

/* ---- building */

static enum tarn_status decode(struct build *b, struct tarn_str *out)
{
    struct tarn_str raw = b->reader.text;
    char *p = tarn_alloc(b->op, raw.len + 1);
    if (!p)
        return TARN_NOMEM;
    long n = tarn_json_unescape(raw, p);
    if (n < 0)
        return fail_text(b, tarn_json_offset(&b->reader),
                         "invalid UTF-8 or a lone surrogate in a string");
    p[n] = '\0';
    *out = tarn_str_of(p, (size_t)n);
    return TARN_OK;
}

static enum tarn_status attach(struct build *b, enum tarn_json_kind kind, struct tarn_json **out)
{
    struct tarn_json *node;
    TARN_NEW(b->op, node);
    node->kind = kind;
    node->key = b->key;
    b->key = (struct tarn_str){NULL, 0};
    node->raw = tarn_str_of(b->reader.token_begin, (size_t)(b->reader.p - b->reader.token_begin));
    if (b->depth == 0) {
        b->root = node;
    } else {
        struct tarn_json *parent = b->open[b->depth - 1], *last = b->last[b->depth - 1];
        if (last)
            last->next = node;
        else
            parent->first = node;
        b->last[b->depth - 1] = node;
        parent->count++;
    }
    *out = node;
    return TARN_OK;
}

static enum tarn_status fail_duplicate(struct build *b, const struct tarn_json *second)
{
    enum tarn_status status =
        fail_text(b, (size_t)(second->raw.ptr - b->reader.begin), "a key stands twice");
    tarn_detail(b->op, "the key is \"%.*s\"", TARN_STR_ARG(second->key));
    return status;
}

static enum tarn_status check_keys_hashed(struct build *b, const struct tarn_json *object)
{
    struct tarn_arena_mark mark = tarn_arena_mark(b->op->scratch);
    struct tarn__keyset keys;
    if (!tarn__keyset_init(&keys, b->op->scratch, object->count))
        return tarn_fail(b->op, TARN_NOMEM, "could not allocate memory for the keys of %s",
                         b->what);
    const struct tarn_json *second = object->first;
    while (second && tarn__keyset_add(&keys, second->key))
        second = second->next;
    tarn_arena_rewind(b->op->scratch, mark);
    return second ? fail_duplicate(b, second) : TARN_OK;
}

static enum tarn_status check_keys(struct build *b, const struct tarn_json *object)
{
    if (object->count > PAIRWISE_MAX)
        return check_keys_hashed(b, object);
    for (const struct tarn_json *c = object->first; c; c = c->next)
        for (const struct tarn_json *d = object->first; d != c; d = d->next)
            if (tarn_str_eq(c->key, d->key))
                return fail_duplicate(b, c);
    return TARN_OK;
}

static enum tarn_status close_container(struct build *b)
{
    struct tarn_json *node = b->open[--b->depth];
    node->raw.len = (size_t)(b->reader.p - node->raw.ptr);
    return node->kind == TARN_JSON_K_OBJECT ? check_keys(b, node) : TARN_OK;
}

static enum tarn_status take(struct build *b, enum tarn_json_token token)
{
    struct tarn_json *node;
    switch (token) {
    case TARN_JSON_KEY:
        return decode(b, &b->key);
    case TARN_JSON_OBJECT_BEGIN:
    case TARN_JSON_ARRAY_BEGIN:
        TARN_TRY(attach(b, token == TARN_JSON_OBJECT_BEGIN ? TARN_JSON_K_OBJECT : TARN_JSON_K_ARRAY,
                        &node));
        b->last[b->depth] = NULL;
        b->open[b->depth++] = node;
        return TARN_OK;
    case TARN_JSON_OBJECT_END:
    case TARN_JSON_ARRAY_END:
        return close_container(b);
    case TARN_JSON_STRING:
        TARN_TRY(attach(b, TARN_JSON_K_STRING, &node));
        return decode(b, &node->text);
    case TARN_JSON_NUMBER:
        TARN_TRY(attach(b, TARN_JSON_K_NUMBER, &node));
        node->text = b->reader.text;
        return TARN_OK;
    case TARN_JSON_NULL:
        return attach(b, TARN_JSON_K_NULL, &node);
    default:
        TARN_TRY(attach(b, TARN_JSON_K_BOOL, &node));
        node->boolean = token == TARN_JSON_TRUE;
        return TARN_OK;
    }
}

enum tarn_status tarn_json_parse(struct tarn_op *op, struct tarn_str text, const char *what,
                                 struct tarn_json **out)
{
    struct build b;
    b.op = op;
    b.what = what;
    b.depth = 0;
    b.key = (struct tarn_str){NULL, 0};
    b.root = NULL;
    tarn_json_reader_init(&b.reader, text, 0);
    do {
        enum tarn_json_token token = tarn_json_next(&b.reader);
        if (token == TARN_JSON_ERROR)
            return fail_reader(&b);
        if (token == TARN_JSON_END)
            return fail_text(&b, text.len, "there is no value");
        TARN_TRY(take(&b, token));
    } while (b.depth > 0);
    enum tarn_json_token token = tarn_json_next(&b.reader);
    if (token != TARN_JSON_END)
        return fail_text(&b, tarn_json_offset(&b.reader), "something follows the value");
    *out = b.root;
    return TARN_OK;
}

/* ---- reading members */

const struct tarn_json *tarn_json_get(const struct tarn_json *object, const char *key)
{
    if (!object || object->kind != TARN_JSON_K_OBJECT)
        return NULL;
    struct tarn_str k = tarn_str_view(key);
    for (const struct tarn_json *c = object->first; c; c = c->next)
        if (tarn_str_eq(c->key, k))
            return c;
    return NULL;
}

static const char *kind_name(enum tarn_json_kind kind)
{
    static const char *const names[] = {"null",     "a boolean", "a number",
                                        "a string", "an array",  "an object"};
    return names[kind];
}

/* Finds a member of the kind; *out_member NULL when it is absent and may be. */
static enum tarn_status member(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, enum tarn_json_kind kind,
                               const struct tarn_json **out_member)
{
    *out_member = NULL;
    if (!o || o->kind != TARN_JSON_K_OBJECT)
        return tarn_fail(op, TARN_CORRUPT, "%s: must be an object, not %s", f.what,
                         o ? kind_name(o->kind) : "absent");
    const struct tarn_json *m = tarn_json_get(o, key);
    if (!m || m->kind == TARN_JSON_K_NULL) {
        if (!f.required)
            return TARN_OK;
        return tarn_fail(op, TARN_CORRUPT, "%s: field \"%s\" is %s", f.what, key,
                         m ? "null" : "missing");
    }
    if (m->kind != kind)
        return tarn_fail(op, TARN_CORRUPT, "%s: field \"%s\" must be %s, not %s", f.what, key,
                         kind_name(kind), kind_name(m->kind));
    *out_member = m;
    return TARN_OK;
}

enum tarn_status tarn_json_str(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, struct tarn_str *out)
{
    const struct tarn_json *m;
    TARN_TRY(member(op, o, key, f, TARN_JSON_K_STRING, &m));
    if (m)
        *out = m->text;
    return TARN_OK;
}

static enum tarn_status integer(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                struct tarn_json_field f, int64_t min, int64_t max, int64_t *io)
{
    const struct tarn_json *m;
    TARN_TRY(member(op, o, key, f, TARN_JSON_K_NUMBER, &m));
    if (!m)
        return TARN_OK;
    int64_t v;
    if (!tarn_str_to_i64(m->text, &v) || v < min || v > max)
        return tarn_fail(op, TARN_CORRUPT,
                         "%s: field \"%s\" must be an integer of %d bits, not %.*s", f.what, key,
                         max == INT32_MAX ? 32 : 64, TARN_STR_ARG(m->text));
    *io = v;
    return TARN_OK;
}

enum tarn_status tarn_json_i64(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, int64_t *out)
{
    return integer(op, o, key, f, INT64_MIN, INT64_MAX, out);
}

enum tarn_status tarn_json_i32(struct tarn_op *op, const struct tarn_json *o, const char *key,
                               struct tarn_json_field f, int32_t *out)
{
    int64_t v = *out;
    TARN_TRY(integer(op, o, key, f, INT32_MIN, INT32_MAX, &v));
    *out = (int32_t)v;
    return TARN_OK;
}

enum tarn_status tarn_json_bool(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                struct tarn_json_field f, bool *out)
{
    const struct tarn_json *m;
    TARN_TRY(member(op, o, key, f, TARN_JSON_K_BOOL, &m));
    if (m)
        *out = m->boolean;
    return TARN_OK;
}

enum tarn_status tarn_json_array(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                 struct tarn_json_field f, const struct tarn_json **out)
{
    return member(op, o, key, f, TARN_JSON_K_ARRAY, out);
}

enum tarn_status tarn_json_object(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                  struct tarn_json_field f, const struct tarn_json **out)
{
    return member(op, o, key, f, TARN_JSON_K_OBJECT, out);
}
