/* batch_text: values of columns as text, JSON and CSV. See batch_text.h.
 *
 * Doubles are the shortest text that reads back; in JSON, which has no NaN and no infinity, those
 * are the texts "NaN", "Infinity", "-Infinity". A map is an object where its keys are text, else an array of {"key":, "value":}. The
 * engine's "infinity" of dates and timestamps is told as such.
 */
#include "format/batch_text.h"

#include <math.h>
#include <stdio.h>

#include "base/decimal.h"
#include "format/iceberg/value_int.h"

/* Any fixed-width value but binary ones fits. */
#define SCALAR_MAX 80

static struct tarn_str bytes_at(const struct tarn_column *c, size_t row)
{
    if (c->type->kind == TARN_TYPE_FIXED)
        return tarn_str_of((const char *)c->data + row * (size_t)c->type->length,
                           (size_t)c->type->length);
    return tarn_str_of(c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
}

static bool is_text(enum tarn_type_kind kind)
{
    return kind == TARN_TYPE_STRING;
}

static bool is_bytes(enum tarn_type_kind kind)
{
    return kind == TARN_TYPE_BINARY || kind == TARN_TYPE_FIXED || kind == TARN_TYPE_VARIANT ||
           kind == TARN_TYPE_GEOMETRY || kind == TARN_TYPE_GEOGRAPHY;
}

static int64_t integer_at(const struct tarn_column *c, size_t row)
{
    if (c->type->kind == TARN_TYPE_INT || c->type->kind == TARN_TYPE_DATE)
        return ((const int32_t *)c->data)[row];
    return ((const int64_t *)c->data)[row];
}

static double real_at(const struct tarn_column *c, size_t row)
{
    return c->type->kind == TARN_TYPE_FLOAT ? (double)((const float *)c->data)[row]
                                            : ((const double *)c->data)[row];
}

struct tarn_value tarn_column_value(const struct tarn_column *c, size_t row)
{
    struct tarn_value v = {.is_null = tarn_column_is_null(c, row)};
    if (v.is_null)
        return v;
    switch (c->type->kind) {
    case TARN_TYPE_BOOLEAN:
        v.i = ((const uint8_t *)c->data)[row];
        break;
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        v.d = real_at(c, row);
        break;
    case TARN_TYPE_DECIMAL:
        v.dec = ((const __int128 *)c->data)[row];
        break;
    case TARN_TYPE_UUID:
        v.bytes = tarn_str_of((const char *)c->data + row * 16, 16);
        break;
    default:
        if (is_text(c->type->kind) || is_bytes(c->type->kind))
            v.bytes = bytes_at(c, row);
        else
            v.i = integer_at(c, row);
    }
    return v;
}

/* ---- times */

static const char *infinite(const struct tarn_column *c, int64_t v)
{
    int64_t max = c->type->kind == TARN_TYPE_DATE ? INT32_MAX : INT64_MAX;
    if (c->type->kind == TARN_TYPE_TIME || (v != max && v != -max))
        return NULL;
    return v == max ? "infinity" : "-infinity";
}

static size_t put_when(const struct tarn_column *c, size_t row, bool iso, char out[SCALAR_MAX])
{
    int64_t v = integer_at(c, row);
    const char *word = infinite(c, v);
    _Static_assert(SCALAR_MAX >= TARN__TIME_TEXT_MAX, "room for every time");
    if (word)
        return (size_t)snprintf(out, SCALAR_MAX, "%s", word);
    size_t n = tarn__time_format(c->type, v, (struct tarn__time_style){.iso = iso}, out);
    if (!iso && tarn__has_zone(c->type->kind) && n > 3)
        n -= 3; /* "+00:00" -> "+00" */
    out[n] = '\0';
    return n;
}

/* ---- one value without quotes */

static size_t scalar(const struct tarn_column *c, size_t row, bool iso, char out[SCALAR_MAX])
{
    switch (c->type->kind) {
    case TARN_TYPE_BOOLEAN:
        return (size_t)snprintf(out, SCALAR_MAX, "%s",
                                ((const uint8_t *)c->data)[row] ? "true" : "false");
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
        return (size_t)snprintf(out, SCALAR_MAX, "%lld", (long long)integer_at(c, row));
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return tarn__float_format(c->type->kind, real_at(c, row), out);
    case TARN_TYPE_DECIMAL:
        return tarn_decimal_format(((const __int128 *)c->data)[row], c->type->scale, out);
    case TARN_TYPE_UUID:
        tarn__uuid_format((const unsigned char *)c->data + row * 16, out);
        return TARN__UUID_TEXT;
    default:
        return put_when(c, row, iso, out);
    }
}

/* Printing characters as they are, others as \xNN, the backslash doubled by its own code. */
static void put_printable(struct tarn_buf *b, struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.ptr[i];
        if (ch >= 0x20 && ch < 0x7F && ch != '\\')
            tarn_buf_put(b, (char)ch);
        else
            tarn_buf_printf(b, "\\x%02X", ch);
    }
}

static void put_base64(struct tarn_buf *b, struct tarn_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)s.ptr;
    for (size_t i = 0; i < s.len; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;
        if (i + 1 < s.len)
            v |= (uint32_t)p[i + 1] << 8;
        if (i + 2 < s.len)
            v |= p[i + 2];
        char group[4] = {digits[v >> 18], digits[v >> 12 & 63], digits[v >> 6 & 63],
                         digits[v & 63]};
        if (i + 1 >= s.len)
            group[2] = '=';
        if (i + 2 >= s.len)
            group[3] = '=';
        tarn_buf_append(b, group, sizeof group);
    }
}

/* ---- text */

static void put_map_text(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    tarn_buf_put(b, '{');
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        tarn_buf_z(b, i > c->offsets[row] ? ", " : "");
        tarn_column_text(b, &c->children[0], i);
        tarn_buf_z(b, ": ");
        tarn_column_text(b, &c->children[1], i);
    }
    tarn_buf_put(b, '}');
}

static void put_list_text(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    tarn_buf_put(b, '[');
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        tarn_buf_z(b, i > c->offsets[row] ? ", " : "");
        tarn_column_text(b, &c->children[0], i);
    }
    tarn_buf_put(b, ']');
}

static void put_struct_text(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    tarn_buf_put(b, '{');
    for (size_t i = 0; i < c->child_count; i++) {
        tarn_buf_z(b, i > 0 ? ", " : "");
        tarn_buf_str(b, c->type->fields[i].name);
        tarn_buf_z(b, ": ");
        tarn_column_text(b, &c->children[i], row);
    }
    tarn_buf_put(b, '}');
}

void tarn_column_text(struct tarn_buf *b, const struct tarn_column *c, size_t row)
{
    char local[SCALAR_MAX];
    enum tarn_type_kind kind = c->type->kind;
    if (kind == TARN_TYPE_UNKNOWN || tarn_column_is_null(c, row))
        tarn_buf_z(b, "NULL");
    else if (kind == TARN_TYPE_STRUCT)
        put_struct_text(b, c, row);
    else if (kind == TARN_TYPE_LIST)
        put_list_text(b, c, row);
    else if (kind == TARN_TYPE_MAP)
        put_map_text(b, c, row);
    else if (is_text(kind))
        tarn_buf_str(b, bytes_at(c, row));
    else if (is_bytes(kind))
        put_printable(b, bytes_at(c, row));
    else
        tarn_buf_append(b, local, scalar(c, row, false, local));
}

/* ---- JSON */

static void put_struct_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row)
{
    tarn_json_begin_object(w);
    for (size_t i = 0; i < c->child_count; i++) {
        tarn_json_key_str(w, c->type->fields[i].name);
        tarn_column_json(w, &c->children[i], row);
    }
    tarn_json_end_object(w);
}

static void put_list_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row)
{
    tarn_json_begin_array(w);
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++)
        tarn_column_json(w, &c->children[0], i);
    tarn_json_end_array(w);
}

static void put_map_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row)
{
    bool object = is_text(c->children[0].type->kind);
    if (object)
        tarn_json_begin_object(w);
    else
        tarn_json_begin_array(w);
    for (uint32_t i = c->offsets[row]; i < c->offsets[row + 1]; i++) {
        if (object) {
            tarn_json_key_str(w, bytes_at(&c->children[0], i));
            tarn_column_json(w, &c->children[1], i);
            continue;
        }
        tarn_json_begin_object(w);
        tarn_json_key(w, "key");
        tarn_column_json(w, &c->children[0], i);
        tarn_json_key(w, "value");
        tarn_column_json(w, &c->children[1], i);
        tarn_json_end_object(w);
    }
    if (object)
        tarn_json_end_object(w);
    else
        tarn_json_end_array(w);
}

static void put_bytes_json(struct tarn_json_writer *w, struct tarn_str bytes)
{
    struct tarn_buf text;
    tarn_buf_init(&text, (size_t)8 << 30);
    put_base64(&text, bytes);
    if (text.failed)
        w->buf->failed = true;
    else
        tarn_json_put_str(w, tarn_buf_view(&text));
    tarn_buf_release(&text);
}

static void put_scalar_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row)
{
    char local[SCALAR_MAX];
    struct tarn_str text = tarn_str_of(local, scalar(c, row, true, local));
    switch (c->type->kind) {
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        if (!isfinite(real_at(c, row))) { /* as in Protocol Buffers' JSON: no value is lost */
            double v = real_at(c, row);
            tarn_json_put_z(w, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity");
            return;
        }
        tarn_json_put_raw(w, text);
        return;
    case TARN_TYPE_BOOLEAN:
    case TARN_TYPE_INT:
    case TARN_TYPE_LONG:
    case TARN_TYPE_DECIMAL:
        tarn_json_put_raw(w, text);
        return;
    default:
        tarn_json_put_str(w, text);
    }
}

void tarn_column_json(struct tarn_json_writer *w, const struct tarn_column *c, size_t row)
{
    enum tarn_type_kind kind = c->type->kind;
    if (kind == TARN_TYPE_UNKNOWN || tarn_column_is_null(c, row))
        tarn_json_put_null(w);
    else if (kind == TARN_TYPE_STRUCT)
        put_struct_json(w, c, row);
    else if (kind == TARN_TYPE_LIST)
        put_list_json(w, c, row);
    else if (kind == TARN_TYPE_MAP)
        put_map_json(w, c, row);
    else if (is_text(kind))
        tarn_json_put_str(w, bytes_at(c, row));
    else if (is_bytes(kind))
        put_bytes_json(w, bytes_at(c, row));
    else
        put_scalar_json(w, c, row);
}

/* ---- CSV (RFC 4180) */

static void put_quoted(struct tarn_buf *b, struct tarn_str s, char delimiter)
{
    bool quote = s.len == 0;
    for (size_t i = 0; i < s.len && !quote; i++)
        quote = s.ptr[i] == '"' || s.ptr[i] == '\n' || s.ptr[i] == '\r' || s.ptr[i] == delimiter;
    if (!quote) {
        tarn_buf_str(b, s);
        return;
    }
    tarn_buf_put(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            tarn_buf_put(b, '"');
        tarn_buf_put(b, s.ptr[i]);
    }
    tarn_buf_put(b, '"');
}

static void put_nested_csv(struct tarn_buf *b, const struct tarn_column *c, size_t row,
                           char delimiter)
{
    struct tarn_buf text;
    struct tarn_json_writer w;
    tarn_buf_init(&text, b->max);
    tarn_json_writer_init(&w, &text);
    tarn_column_json(&w, c, row);
    if (text.failed) {
        b->failed = true;
        b->over_limit = text.over_limit;
    } else {
        put_quoted(b, tarn_buf_view(&text), delimiter);
    }
    tarn_buf_release(&text);
}

void tarn_column_csv(struct tarn_buf *b, const struct tarn_column *c, size_t row, char delimiter)
{
    char local[SCALAR_MAX];
    enum tarn_type_kind kind = c->type->kind;
    if (kind == TARN_TYPE_UNKNOWN || tarn_column_is_null(c, row))
        return;
    if (tarn_type_is_nested(c->type))
        put_nested_csv(b, c, row, delimiter);
    else if (is_text(kind))
        put_quoted(b, bytes_at(c, row), delimiter);
    else if (is_bytes(kind))
        tarn_buf_hex(b, bytes_at(c, row).ptr, bytes_at(c, row).len);
    else
        put_quoted(b, tarn_str_of(local, scalar(c, row, false, local)), delimiter);
}
