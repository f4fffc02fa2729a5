/* json_write: the writer that places commas, colons and indentation itself. See json.h. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base_int.h"

void tarn_json_writer_init(struct tarn_json_writer *w, struct tarn_buf *buf)
{
    *w = (struct tarn_json_writer){.buf = buf};
}

static bool bit_get(const uint64_t *bits, int i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static void bit_set(uint64_t *bits, int i, bool on)
{
    uint64_t bit = (uint64_t)1 << (i & 63);
    bits[i >> 6] = on ? bits[i >> 6] | bit : bits[i >> 6] & ~bit;
}

static void new_line(struct tarn_json_writer *w)
{
    if (w->indent == 0)
        return;
    tarn_buf_put(w->buf, '\n');
    for (int i = 0; i < w->depth * w->indent; i++)
        tarn_buf_put(w->buf, ' ');
}

/* The comma and the new line before an element or a key. */
static void separate(struct tarn_json_writer *w)
{
    if (w->depth == 0)
        return;
    if (!bit_get(w->first, w->depth - 1))
        tarn_buf_put(w->buf, ',');
    bit_set(w->first, w->depth - 1, false);
    new_line(w);
}

static void before_value(struct tarn_json_writer *w)
{
    bool in_object = w->depth > 0 && bit_get(w->is_object, w->depth - 1);
    TARN_ASSERT(in_object == w->after_key);
    if (!in_object)
        separate(w);
    w->after_key = false;
}

static void begin(struct tarn_json_writer *w, bool object)
{
    TARN_ASSERT(w->depth < TARN_JSON_DEPTH_MAX);
    before_value(w);
    bit_set(w->is_object, w->depth, object);
    bit_set(w->first, w->depth, true);
    w->depth++;
    tarn_buf_put(w->buf, object ? '{' : '[');
}

static void end(struct tarn_json_writer *w, bool object)
{
    TARN_ASSERT(w->depth > 0 && !w->after_key && bit_get(w->is_object, w->depth - 1) == object);
    w->depth--;
    if (!bit_get(w->first, w->depth))
        new_line(w);
    tarn_buf_put(w->buf, object ? '}' : ']');
}

void tarn_json_begin_object(struct tarn_json_writer *w)
{
    begin(w, true);
}
void tarn_json_end_object(struct tarn_json_writer *w)
{
    end(w, true);
}
void tarn_json_begin_array(struct tarn_json_writer *w)
{
    begin(w, false);
}
void tarn_json_end_array(struct tarn_json_writer *w)
{
    end(w, false);
}

/* ---- strings */

static void put_escape(struct tarn_buf *b, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"':
        tarn_buf_append(b, "\\\"", 2);
        return;
    case '\\':
        tarn_buf_append(b, "\\\\", 2);
        return;
    case '\b':
        tarn_buf_append(b, "\\b", 2);
        return;
    case '\f':
        tarn_buf_append(b, "\\f", 2);
        return;
    case '\n':
        tarn_buf_append(b, "\\n", 2);
        return;
    case '\r':
        tarn_buf_append(b, "\\r", 2);
        return;
    case '\t':
        tarn_buf_append(b, "\\t", 2);
        return;
    default:
        tarn_buf_append(b, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]}, 6);
    }
}

/* Length of the run that can be copied as it stands. */
static size_t plain_run(const unsigned char *p, const unsigned char *end)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const unsigned char *at = p;
    for (;;) {
        while (end - at >= 8) {
            uint64_t v = tarn__load64(at), quote = v ^ ones * '"', back = v ^ ones * '\\';
            uint64_t hit =
                ((quote - ones) & ~quote) | ((back - ones) & ~back) | ((v - ones * 0x20) & ~v) | v;
            if (hit & high)
                break;
            at += 8;
        }
        if (at == end || *at < 0x20 || *at == '"' || *at == '\\')
            return (size_t)(at - p);
        size_t n = tarn__utf8_len(at, end);
        if (n == 0)
            return (size_t)(at - p);
        at += n;
    }
}

static void put_quoted(struct tarn_buf *b, struct tarn_str s)
{
    const unsigned char *p = (const unsigned char *)s.ptr, *stop = s.len ? p + s.len : p;
    tarn_buf_put(b, '"');
    while (p != stop) {
        size_t run = plain_run(p, stop);
        tarn_buf_append(b, p, run);
        p += run;
        if (p == stop)
            break;
        if (*p < 0x80)
            put_escape(b, *p);
        else
            tarn_buf_append(b, "\xEF\xBF\xBD", 3);
        p++;
    }
    tarn_buf_put(b, '"');
}

void tarn_json_key_str(struct tarn_json_writer *w, struct tarn_str key)
{
    TARN_ASSERT(w->depth > 0 && bit_get(w->is_object, w->depth - 1) && !w->after_key);
    separate(w);
    put_quoted(w->buf, key);
    tarn_buf_append(w->buf, ": ", w->indent ? 2 : 1);
    w->after_key = true;
}

void tarn_json_key(struct tarn_json_writer *w, const char *key)
{
    tarn_json_key_str(w, tarn_str_view(key));
}

/* ---- values */

void tarn_json_put_str(struct tarn_json_writer *w, struct tarn_str s)
{
    if (!s.ptr) {
        tarn_json_put_null(w);
        return;
    }
    before_value(w);
    put_quoted(w->buf, s);
}

void tarn_json_put_z(struct tarn_json_writer *w, const char *z)
{
    tarn_json_put_str(w, tarn_str_view(z));
}

void tarn_json_put_i64(struct tarn_json_writer *w, int64_t v)
{
    before_value(w);
    tarn_buf_printf(w->buf, "%" PRId64, v);
}

void tarn_json_put_double(struct tarn_json_writer *w, double v)
{
    char text[40];
    if (!isfinite(v)) {
        tarn_json_put_null(w);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        double back = strtod(text, NULL);
        if (memcmp(&back, &v, sizeof v) == 0)
            break;
    }
    before_value(w);
    tarn_buf_z(w->buf, text);
}

void tarn_json_put_bool(struct tarn_json_writer *w, bool v)
{
    tarn_json_put_raw(w, v ? TARN_STR("true") : TARN_STR("false"));
}

void tarn_json_put_null(struct tarn_json_writer *w)
{
    tarn_json_put_raw(w, TARN_STR("null"));
}

void tarn_json_put_raw(struct tarn_json_writer *w, struct tarn_str json)
{
    before_value(w);
    tarn_buf_str(w->buf, json);
}

void tarn_json_put_tree(struct tarn_json_writer *w, const struct tarn_json *value)
{
    switch (value->kind) {
    case TARN_JSON_K_NULL:
        tarn_json_put_null(w);
        return;
    case TARN_JSON_K_BOOL:
        tarn_json_put_bool(w, value->boolean);
        return;
    case TARN_JSON_K_NUMBER:
        tarn_json_put_raw(w, value->text);
        return;
    case TARN_JSON_K_STRING:
        tarn_json_put_str(w, value->text);
        return;
    case TARN_JSON_K_ARRAY:
        tarn_json_begin_array(w);
        for (const struct tarn_json *c = value->first; c; c = c->next)
            tarn_json_put_tree(w, c);
        tarn_json_end_array(w);
        return;
    case TARN_JSON_K_OBJECT:
        tarn_json_begin_object(w);
        for (const struct tarn_json *c = value->first; c; c = c->next) {
            tarn_json_key_str(w, c->key);
            tarn_json_put_tree(w, c);
        }
        tarn_json_end_object(w);
        return;
    }
}

void tarn_json_member_str(struct tarn_json_writer *w, const char *key, struct tarn_str s)
{
    tarn_json_key(w, key);
    tarn_json_put_str(w, s);
}

void tarn_json_member_z(struct tarn_json_writer *w, const char *key, const char *z)
{
    tarn_json_key(w, key);
    tarn_json_put_z(w, z);
}

void tarn_json_member_i64(struct tarn_json_writer *w, const char *key, int64_t v)
{
    tarn_json_key(w, key);
    tarn_json_put_i64(w, v);
}

void tarn_json_member_bool(struct tarn_json_writer *w, const char *key, bool v)
{
    tarn_json_key(w, key);
    tarn_json_put_bool(w, v);
}
