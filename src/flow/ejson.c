/* ejson: MongoDB Extended JSON v2, canonical and relaxed, and of its older form $binary with
 * $type and $date with a number.
 *
 * An object whose keys are exactly those of a wrapper is that wrapper, in any order of its keys;
 * if its values have the wrong form it is a dead letter (the specification asks parsers to
 * report it). An object with other keys besides is an ordinary document, "$" or not: nothing is
 * lost by that.
 */
#include "flow/decode_int.h"

#include <math.h>

#include "base/clock.h"
#include "flow/json_scan.h"

struct member {
    struct tarn_str name; /* without its '$' */
    const char *value, *end;
};

static const char *members_of(const char *p, struct member out[2], int *count);

/* Micros that engines take for an instant; the ends of int64_t stand for infinities there. */
#define MICROS_MIN INT64_C(-9223372022400000000)
#define MICROS_MAX (INT64_MAX - 1)

static const char *wrong(struct tarn__decode *d, const char *name, const char *what)
{
    return tarn__letter(d, "$%s %s", name, what);
}

/* The member's value as decoded text; false: it is no string, or a broken one. */
static bool text_of(struct tarn__decode *d, const struct member *m, struct tarn_str *out)
{
    return *m->value == '"' && tarn__json_text(d, m->value + 1, out) == m->end;
}

static bool raw_is(const struct member *m, const char *text)
{
    return tarn_str_is(tarn_str_of(m->value, (size_t)(m->end - m->value)), text);
}

/* ---- numbers */

static bool read_special(struct tarn_str text)
{
    return tarn_str_is(text, "NaN") || tarn_str_is(text, "Infinity") ||
           tarn_str_is(text, "-Infinity");
}

static const char *read_integer(struct tarn__decode *d, const struct member *m,
                                struct tarn__value *out)
{
    int64_t i;
    bool is_int = tarn_str_is(m->name, "numberInt");
    if (!text_of(d, m, &out->text) ||
        tarn__number_scan(out->text.ptr, &out->number) != out->text.ptr + out->text.len ||
        !out->number.integer || !tarn__number_to_long(&out->number, &i))
        return wrong(d, is_int ? "numberInt" : "numberLong", "is not an integer in its range");
    if (is_int && (i < INT32_MIN || i > INT32_MAX))
        return wrong(d, "numberInt", "is not an integer in its range");
    out->kind = TARN__V_NUMBER;
    out->seen = out->number.seen;
    return m->end;
}

static const char *read_double(struct tarn__decode *d, const struct member *m,
                               struct tarn__value *out)
{
    if (!text_of(d, m, &out->text))
        return wrong(d, "numberDouble", "is not a text");
    out->kind = TARN__V_NUMBER;
    out->special = read_special(out->text);
    out->seen = (struct tarn__seen){.flags = TARN__S_DOUBLE | TARN__S_NOT_LONG};
    if (out->special) {
        out->seen.flags |= TARN__S_NONFINITE;
        return m->end;
    }
    if (tarn__number_scan(out->text.ptr, &out->number) != out->text.ptr + out->text.len ||
        !isfinite(tarn__number_to_double(&out->number)))
        return wrong(d, "numberDouble", "is not a number in its range");
    out->seen.whole_digits = out->number.seen.whole_digits;
    out->seen.scale = out->number.seen.scale;
    return m->end;
}

static const char *read_decimal(struct tarn__decode *d, const struct member *m,
                                struct tarn__value *out)
{
    if (!text_of(d, m, &out->text))
        return wrong(d, "numberDecimal", "is not a text");
    out->kind = TARN__V_NUMBER;
    out->special = read_special(out->text);
    out->seen = (struct tarn__seen){.flags = TARN__S_DECIMAL};
    if (out->special) {
        out->seen.flags |= TARN__S_NO_NUMBER;
        return m->end;
    }
    if (!tarn__number_of_text(d, out->text, &out->number))
        return wrong(d, "numberDecimal", "is not a number");
    out->seen.whole_digits = out->number.seen.whole_digits;
    out->seen.scale = out->number.seen.scale;
    return m->end;
}

/* ---- times */

/* tarn_time_parse, and the offset +hhmm that older exports write. */
static bool time_of_text(struct tarn_str s, int64_t *out)
{
    char buf[64];
    if (tarn_time_parse(s, out))
        return true;
    if (s.len < 5 || s.len + 2 > sizeof buf || (s.ptr[s.len - 5] != '+' && s.ptr[s.len - 5] != '-'))
        return false;
    memcpy(buf, s.ptr, s.len - 2);
    buf[s.len - 2] = ':';
    memcpy(buf + s.len - 1, s.ptr + s.len - 2, 2);
    return tarn_time_parse(tarn_str_of(buf, s.len + 1), out);
}

static const char *read_date(struct tarn__decode *d, const struct member *m,
                             struct tarn__value *out)
{
    struct member inner[2];
    struct tarn__value whole = {0};
    int count = 0;
    int64_t ms;
    out->kind = TARN__V_DATE;
    out->seen = (struct tarn__seen){.flags = TARN__S_DATE};
    if (text_of(d, m, &out->text)) {
        if (!time_of_text(out->text, &out->micros))
            return wrong(d, "date", "is not an ISO 8601 time to the microsecond");
        return m->end;
    }
    if (*m->value == '{') {
        if (!members_of(m->value, inner, &count) || count != 1 ||
            !tarn_str_is(inner[0].name, "$numberLong"))
            return wrong(d, "date", "is neither a text nor $numberLong");
        inner[0].name = TARN_STR("numberLong");
        if (!read_integer(d, &inner[0], &whole))
            return wrong(d, "date", "is out of range");
    } else if (tarn__number_scan(m->value, &whole.number) != m->end || !whole.number.integer) {
        return wrong(d, "date", "is neither a text nor $numberLong");
    }
    if (!tarn__number_to_long(&whole.number, &ms) ||
        __builtin_mul_overflow(ms, (int64_t)1000, &out->micros) || out->micros < MICROS_MIN ||
        out->micros > MICROS_MAX)
        return wrong(d, "date", "is out of range");
    return m->end;
}

/* ---- bytes */

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* RFC 4648 section 4, padded, nothing else between. */
static bool base64_decode(struct tarn_str s, struct tarn_buf *b)
{
    tarn_buf_reset(b);
    if (s.len % 4 != 0 || !tarn_buf_reserve(b, s.len / 4 * 3 + 1))
        return false;
    for (size_t i = 0; i < s.len; i += 4) {
        bool last = i + 4 == s.len;
        int pad = last ? (s.ptr[i + 3] == '=') + (s.ptr[i + 3] == '=' && s.ptr[i + 2] == '=') : 0;
        unsigned v = 0;
        for (int k = 0; k < 4; k++) {
            int digit = k >= 4 - pad ? 0 : base64_digit(s.ptr[i + (size_t)k]);
            if (digit < 0)
                return false;
            v = v << 6 | (unsigned)digit;
        }
        if (pad && (v & (pad == 1 ? 0xFFu : 0xFFFFu)))
            return false; /* bits that the padding cuts off must be zero */
        char bytes[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        tarn_buf_append(b, bytes, (size_t)(3 - pad));
    }
    return !b->failed;
}

static int subtype_of(struct tarn_str s)
{
    int v = 0;
    if (s.len < 1 || s.len > 2)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        char c = (char)(s.ptr[i] | 0x20);
        if (s.ptr[i] >= '0' && s.ptr[i] <= '9')
            v = v * 16 + s.ptr[i] - '0';
        else if (c >= 'a' && c <= 'f')
            v = v * 16 + c - 'a' + 10;
        else
            return -1;
    }
    return v;
}

static bool name_is(const struct member *m, const char *name)
{
    return tarn_str_is(m->name, name);
}

/* data and subtype are members whose values are strings. */
static const char *read_bytes(struct tarn__decode *d, const struct member *data,
                              const struct member *subtype, struct tarn__value *out)
{
    struct tarn_str text;
    int type;
    if (!text_of(d, subtype, &text) || (type = subtype_of(text)) < 0)
        return wrong(d, "binary", "has no subtype of two hexadecimal digits");
    if (!text_of(d, data, &text) || !base64_decode(text, &d->bytes))
        return wrong(d, "binary", "is not base64");
    out->text = tarn_buf_view(&d->bytes);
    bool uuid = type == 4 && out->text.len == 16;
    out->kind = uuid ? TARN__V_UUID : TARN__V_BINARY;
    out->seen = (struct tarn__seen){.flags = uuid ? TARN__S_UUID : TARN__S_BINARY};
    return data->end;
}

static const char *read_binary(struct tarn__decode *d, const struct member *m,
                               struct tarn__value *out)
{
    struct member inner[2];
    int count = 0;
    if (*m->value != '{' || !members_of(m->value, inner, &count) || count != 2)
        return wrong(d, "binary", "does not hold base64 and subType");
    int data = name_is(&inner[0], "base64") ? 0 : 1;
    if (!name_is(&inner[data], "base64") || !name_is(&inner[1 - data], "subType"))
        return wrong(d, "binary", "does not hold base64 and subType");
    return read_bytes(d, &inner[data], &inner[1 - data], out) ? m->end : NULL;
}

static const char *read_uuid(struct tarn__decode *d, const struct member *m,
                             struct tarn__value *out)
{
    struct tarn_str text;
    unsigned char id[16];
    if (!text_of(d, m, &text) || !tarn__decode_uuid(text, id))
        return wrong(d, "uuid", "is not a UUID");
    tarn_buf_reset(&d->bytes);
    tarn_buf_append(&d->bytes, id, sizeof id);
    if (d->bytes.failed)
        return tarn__fail_nomem(d);
    out->kind = TARN__V_UUID;
    out->seen = (struct tarn__seen){.flags = TARN__S_UUID};
    out->text = tarn_buf_view(&d->bytes);
    return m->end;
}

/* ---- texts */

static const char *read_text(struct tarn__decode *d, const struct member *m, const char *name,
                             struct tarn__value *out)
{
    if (!text_of(d, m, &out->text))
        return wrong(d, name, "is not a text");
    out->kind = TARN__V_TEXT;
    out->seen = (struct tarn__seen){.flags = TARN__S_TEXT};
    return m->end;
}

static const char *read_oid(struct tarn__decode *d, const struct member *m, struct tarn__value *out)
{
    if (!read_text(d, m, "oid", out))
        return NULL;
    for (size_t i = 0; i < out->text.len; i++) {
        char c = out->text.ptr[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')))
            return wrong(d, "oid", "is not 24 hexadecimal digits");
    }
    return out->text.len == 24 ? m->end : wrong(d, "oid", "is not 24 hexadecimal digits");
}

/* Kept as its JSON text, in a column of text. */
static const char *keep_json(struct tarn__value *out, const char *end)
{
    out->kind = TARN__V_JSON;
    out->seen = (struct tarn__seen){.flags = TARN__S_TEXT};
    return end;
}

/* ---- documents that stand for a wrapper */

static bool is_uint32(const struct member *m)
{
    struct tarn__number n;
    int64_t i;
    return tarn__number_scan(m->value, &n) == m->end && n.integer && !n.negative &&
           tarn__number_to_long(&n, &i) && i <= UINT32_MAX;
}

static bool is_string(const struct member *m)
{
    return *m->value == '"';
}

static const char *read_inner(struct tarn__decode *d, const struct member *m, const char *a,
                              const char *b, bool (*is_right)(const struct member *),
                              struct tarn__value *out, const char **inner)
{
    struct member in[2];
    int count = 0;
    bool right = *m->value == '{' && members_of(m->value, in, &count) && count == 2;
    right = right && ((name_is(&in[0], a) && name_is(&in[1], b)) ||
                      (name_is(&in[0], b) && name_is(&in[1], a)));
    if (!right || !is_right(&in[0]) || !is_right(&in[1]))
        return tarn__letter(d, "%.*s does not hold %s and %s in their form", TARN_STR_ARG(m->name),
                            a, b);
    if (!tarn__json_check(d, m->value))
        return NULL;
    out->kind = TARN__V_JSON;
    out->seen = (struct tarn__seen){.flags = TARN__S_DOC};
    *inner = m->value;
    return m->end;
}

static const char *read_pointer(struct tarn__decode *d, const struct member *m,
                                struct tarn__value *out)
{
    struct tarn_str text;
    struct member in[2];
    int count = 0;
    bool right = *m->value == '{' && members_of(m->value, in, &count) && count == 2;
    int ref = right && name_is(&in[0], "$ref") ? 0 : 1;
    if (!right || !name_is(&in[ref], "$ref") || !name_is(&in[1 - ref], "$id") ||
        !text_of(d, &in[ref], &text))
        return wrong(d, "dbPointer", "does not hold $ref and $id");
    return tarn__json_check(d, in[1 - ref].value) ? keep_json(out, m->end) : NULL;
}

/* ---- which wrapper */

static const char *read_one(struct tarn__decode *d, const struct member *m, struct tarn__value *out,
                            bool *known, const char **inner)
{
    if (name_is(m, "$oid"))
        return read_oid(d, m, out);
    if (name_is(m, "$date"))
        return read_date(d, m, out);
    if (name_is(m, "$numberInt") || name_is(m, "$numberLong")) {
        struct member n = *m;
        n.name = tarn_str_of(m->name.ptr + 1, m->name.len - 1);
        return read_integer(d, &n, out);
    }
    if (name_is(m, "$numberDouble"))
        return read_double(d, m, out);
    if (name_is(m, "$numberDecimal"))
        return read_decimal(d, m, out);
    if (name_is(m, "$binary"))
        return read_binary(d, m, out);
    if (name_is(m, "$uuid"))
        return read_uuid(d, m, out);
    if (name_is(m, "$symbol"))
        return read_text(d, m, "symbol", out);
    if (name_is(m, "$code"))
        return read_text(d, m, "code", out);
    if (name_is(m, "$timestamp"))
        return read_inner(d, m, "t", "i", is_uint32, out, inner);
    if (name_is(m, "$regularExpression"))
        return read_inner(d, m, "pattern", "options", is_string, out, inner);
    if (name_is(m, "$dbPointer"))
        return read_pointer(d, m, out);
    if (name_is(m, "$minKey") || name_is(m, "$maxKey"))
        return raw_is(m, "1") ? keep_json(out, m->end)
                              : tarn__letter(d, "%.*s is not 1", TARN_STR_ARG(m->name));
    if (name_is(m, "$undefined")) {
        out->kind = TARN__V_NULL;
        return raw_is(m, "true") ? m->end : wrong(d, "undefined", "is not true");
    }
    *known = false;
    return m->end;
}

static const char *read_two(struct tarn__decode *d, const struct member m[2],
                            struct tarn__value *out, bool *known)
{
    int code = name_is(&m[0], "$code") ? 0 : 1;
    if (name_is(&m[code], "$code") && name_is(&m[1 - code], "$scope")) {
        struct tarn_str text;
        if (!text_of(d, &m[code], &text) || *m[1 - code].value != '{')
            return wrong(d, "code", "and $scope are not a text and a document");
        return tarn__json_check(d, m[1 - code].value) ? keep_json(out, m[1].end) : NULL;
    }
    int data = name_is(&m[0], "$binary") ? 0 : 1;
    if (name_is(&m[data], "$binary") && name_is(&m[1 - data], "$type"))
        return read_bytes(d, &m[data], &m[1 - data], out) ? m[1].end : NULL;
    *known = false;
    return m[1].end;
}

/* Passes over a value by its quotes and brackets alone: whoever takes the value checks it, once.
 * So that nested wrappers cost no more than their length at each level. NULL: it does not end. */
static const char *pass_value(const char *p)
{
    int depth = 0;
    for (;; p++) {
        if (*p == '"') {
            for (p = tarn__find_special(p + 1); *p != '"'; p = tarn__find_special(p))
                if (*p != '\\' || !p[1])
                    return NULL;
                else
                    p += 2;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']') {
            if (depth == 0)
                return p;
            depth--;
        } else if (*p == '\0') {
            return NULL;
        } else if (depth > 0 || (*p != ',' && (unsigned char)*p > ' ')) {
            continue;
        } else {
            return p;
        }
        if (depth == 0)
            return p + 1;
    }
}

/* One key and its value; p at the quote. Keys with escapes are none of ours. */
static const char *read_member(const char *p, struct member *out)
{
    if (*p != '"')
        return NULL;
    const char *q = tarn__find_special(p + 1);
    if (*q != '"')
        return NULL;
    out->name = tarn_str_of(p + 1, (size_t)(q - p - 1));
    q = tarn__skip_white(q + 1);
    if (*q != ':')
        return NULL;
    out->value = tarn__skip_white(q + 1);
    out->end = pass_value(out->value);
    return out->end;
}

/* The members of the object at p; *count is 3 if there are more than two. NULL: the text is not
 * right. */
static const char *members_of(const char *p, struct member out[2], int *count)
{
    *count = 0;
    p = tarn__skip_white(p + 1);
    if (*p == '}')
        return p + 1;
    for (;;) {
        if (*count == 2) {
            *count = 3;
            return p;
        }
        p = read_member(p, &out[(*count)++]);
        if (!p)
            return NULL;
        p = tarn__skip_white(p);
        if (*p == '}')
            return p + 1;
        if (*p != ',')
            return NULL;
        p = tarn__skip_white(p + 1);
    }
}

/* {"$oid":"..."} as every document has it, without a second look. */
static const char *quick_oid(const char *p, struct tarn__value *out)
{
    static const char head[] = "{\"$oid\":\"";
    if (memcmp(p, head, sizeof head - 1) != 0)
        return NULL;
    p += sizeof head - 1;
    for (int i = 0; i < 24; i++) {
        unsigned char c = (unsigned char)p[i];
        if ((unsigned)(c - '0') > 9 && (unsigned)((c | 0x20) - 'a') > 5)
            return NULL;
    }
    if (p[24] != '"' || p[25] != '}')
        return NULL;
    out->kind = TARN__V_TEXT;
    out->seen = (struct tarn__seen){.flags = TARN__S_TEXT};
    out->text = tarn_str_of(p, 24);
    return p + 26;
}

static bool known_name(const char *p)
{
    static const char *const names[] = {
        "$oid\"",          "$date\"",
        "$numberInt\"",    "$numberLong\"",
        "$numberDouble\"", "$numberDecimal\"",
        "$binary\"",       "$uuid\"",
        "$symbol\"",       "$code\"",
        "$scope\"",        "$type\"",
        "$timestamp\"",    "$regularExpression\"",
        "$dbPointer\"",    "$minKey\"",
        "$maxKey\"",       "$undefined\"",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (p[1] == names[i][1] && strncmp(p, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

const char *tarn__ejson_read(struct tarn__decode *d, const char *p, struct tarn__value *out,
                             bool *is_wrapper, const char **inner)
{
    struct member m[2];
    int count;
    const char *first = tarn__skip_white(p + 1);
    *is_wrapper = false;
    *inner = NULL;
    if (*first != '"' || first[1] != '$')
        return p;
    out->special = false;
    const char *end = quick_oid(p, out);
    if (end) {
        *is_wrapper = true;
        out->raw = tarn_str_of(p, (size_t)(end - p));
        return end;
    }
    if (!known_name(first + 1))
        return p;
    end = members_of(p, m, &count);
    if (!end || count > 2)
        return p; /* the ordinary walk says what is wrong, if anything is */
    *is_wrapper = true;
    out->raw = tarn_str_of(p, (size_t)(end - p));
    const char *right =
        count == 1 ? read_one(d, &m[0], out, is_wrapper, inner) : read_two(d, m, out, is_wrapper);
    if (!right)
        return NULL;
    return *is_wrapper ? end : p;
}
