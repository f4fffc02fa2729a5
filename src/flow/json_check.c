/* json_check: passes over values that no plan describes, as strictly as the plan's own walk
 * would: syntax, depth, keys, wrappers. What is a dead letter must not depend on whether a place
 * was known when the document came by.
 */
#include "flow/decode_int.h"

#include <stdlib.h>

#include "flow/json_scan.h"

/* ---- names of one object */

bool tarn__keys_push(struct tarn__decode *d, struct tarn_str name)
{
    struct tarn__keys *k = &d->keys;
    if (k->count == k->cap) {
        size_t cap = k->cap ? k->cap * 2 : 64;
        struct tarn__key *items =
            tarn_alloc_should_fail() ? NULL : realloc(k->items, cap * sizeof *items);
        if (!items)
            return tarn__fail_nomem(d) != NULL;
        k->items = items;
        k->cap = cap;
    }
    k->items[k->count++] = (struct tarn__key){tarn__name_hash(name), name};
    return true;
}

static int key_order(const void *a, const void *b)
{
    const struct tarn__key *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    /* Equal hashes are nearly always equal names; order them so that neighbours can be compared. */
    size_t n = x->name.len < y->name.len ? x->name.len : y->name.len;
    int c = strncasecmp(x->name.ptr, y->name.ptr, n);
    return c ? c : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static const char *twins(struct tarn__decode *d, struct tarn_str a, struct tarn_str b)
{
    if (tarn_str_eq(a, b))
        return tarn__letter(d, "the key \"%.*s\" stands twice", TARN_STR_ARG(a));
    return tarn__letter(d, "the keys \"%.*s\" and \"%.*s\" differ only in upper and lower case",
                        TARN_STR_ARG(a), TARN_STR_ARG(b));
}

bool tarn__keys_close(struct tarn__decode *d, size_t from)
{
    size_t n = d->keys.count - from;
    if (n == 0)
        return true;
    struct tarn__key *k = d->keys.items + from;
    d->keys.count = from;
    if (n > 12) {
        qsort(k, n, sizeof *k, key_order);
        for (size_t i = 1; i < n; i++)
            if (k[i].hash == k[i - 1].hash && tarn_str_eq_nocase(k[i].name, k[i - 1].name))
                return twins(d, k[i - 1].name, k[i].name) != NULL;
        return true;
    }
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (k[i].hash == k[j].hash && tarn_str_eq_nocase(k[i].name, k[j].name))
                return twins(d, k[j].name, k[i].name) != NULL;
    return true;
}

/* ---- strings */

static const char *pass_escape(const char *p)
{
    switch (*p) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 1;
    case 'u':
        for (int i = 1; i <= 4; i++) {
            char c = (char)(p[i] | 0x20);
            if (!((p[i] >= '0' && p[i] <= '9') || (c >= 'a' && c <= 'f')))
                return NULL;
        }
        return p + 5;
    default:
        return NULL;
    }
}

/* The closing quote of the string whose text starts at p. */
static const char *string_end(struct tarn__decode *d, const char *p, bool *escaped)
{
    *escaped = false;
    for (p = tarn__find_special(p); *p == '\\'; p = tarn__find_special(p)) {
        const char *behind = pass_escape(p + 1);
        if (!behind)
            return tarn__letter_at(d, p, "invalid escape in a string");
        *escaped = true;
        p = behind;
    }
    if (*p != '"')
        return tarn__letter_at(d, p, "bare control character in a string");
    return p;
}

const char *tarn__json_text(struct tarn__decode *d, const char *p, struct tarn_str *out)
{
    bool escaped;
    const char *end = string_end(d, p, &escaped);
    if (!end)
        return NULL;
    *out = tarn_str_of(p, (size_t)(end - p));
    if (!escaped)
        return end + 1;
    tarn_buf_reset(&d->text);
    if (!tarn_buf_reserve(&d->text, out->len + 1))
        return tarn__fail_nomem(d);
    long n = tarn_json_unescape(*out, d->text.ptr);
    if (n < 0)
        return tarn__letter_at(d, p, "lone surrogate in a string");
    d->text.len = (size_t)n;
    d->text.ptr[n] = '\0';
    *out = tarn_buf_view(&d->text);
    return end + 1;
}

/* ---- values */

static const char *check_string(struct tarn__decode *d, const char *p)
{
    struct tarn_str text;
    const char *end = tarn__find_special(p);
    return *end == '"' ? end + 1 : tarn__json_text(d, p, &text);
}

static const char *check_key(struct tarn__decode *d, const char *p)
{
    struct tarn_str name;
    bool in_text = true;
    if (*p != '"')
        return tarn__letter_at(d, p, "expected a key in quotes");
    const char *end = tarn__json_text(d, p + 1, &name);
    if (!end)
        return NULL;
    if (name.len == 0)
        return tarn__letter(d, "a key is empty");
    if (memchr(name.ptr, '\0', name.len))
        return tarn__letter(d, "a key holds a zero byte");
    in_text = name.ptr == d->text.ptr;
    if (in_text) { /* the buffer serves the next string */
        char *copy = tarn_arena_alloc(d->doc_arena, name.len);
        d->doc_arena_used = true;
        if (!copy)
            return tarn__fail_nomem(d);
        memcpy(copy, name.ptr, name.len);
        name.ptr = copy;
    }
    if (!tarn__keys_push(d, name))
        return NULL;
    end = tarn__skip_white(end);
    return *end == ':' ? end + 1 : tarn__letter_at(d, end, "expected ':' behind a key");
}

static const char *check_object(struct tarn__decode *d, const char *p)
{
    size_t from = d->keys.count;
    p = tarn__skip_white(p + 1);
    while (*p != '}') {
        p = check_key(d, p);
        if (p)
            p = tarn__json_check(d, tarn__skip_white(p));
        if (!p) {
            d->keys.count = from;
            return NULL;
        }
        p = tarn__skip_white(p);
        if (*p == ',') {
            p = tarn__skip_white(p + 1);
            if (*p == '}')
                return tarn__letter_at(d, p, "expected a key in quotes");
        } else if (*p != '}') {
            return tarn__letter_at(d, p, "expected ',' or '}'");
        }
    }
    return tarn__keys_close(d, from) ? p + 1 : NULL;
}

static const char *check_array(struct tarn__decode *d, const char *p)
{
    p = tarn__skip_white(p + 1);
    if (*p == ']')
        return p + 1;
    for (;;) {
        p = tarn__json_check(d, p);
        if (!p)
            return NULL;
        p = tarn__skip_white(p);
        if (*p == ']')
            return p + 1;
        if (*p != ',')
            return tarn__letter_at(d, p, "expected ',' or ']'");
        p = tarn__skip_white(p + 1);
    }
}

const char *tarn__json_check_inside(struct tarn__decode *d, const char *p)
{
    return *p == '[' ? check_array(d, p) : check_object(d, p);
}

static const char *check_nested(struct tarn__decode *d, const char *p)
{
    struct tarn__value v;
    const char *end, *inner;
    bool wrapper = false;
    if (d->depth >= d->depth_max)
        return tarn__letter(d, "is nested more than %d levels deep (nesting_max)", d->depth_max);
    d->depth++;
    end = d->ejson && *p == '{' ? tarn__ejson_read(d, p, &v, &wrapper, &inner) : p;
    if (end && !wrapper)
        end = tarn__json_check_inside(d, p);
    d->depth--;
    return end;
}

const char *tarn__json_check(struct tarn__decode *d, const char *p)
{
    struct tarn__number number;
    const char *end;
    switch (*p) {
    case '{':
    case '[':
        return check_nested(d, p);
    case '"':
        return check_string(d, p + 1);
    case 't':
        end = tarn__pass_word(p, "true", 4);
        break;
    case 'f':
        end = tarn__pass_word(p, "false", 5);
        break;
    case 'n':
        end = tarn__pass_word(p, "null", 4);
        break;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        end = tarn__number_scan(p, &number);
        return end ? end : tarn__letter_at(d, p, "a number has not the form of one");
    default:
        end = NULL;
        break;
    }
    return end ? end : tarn__letter_at(d, p, "expected a value");
}
