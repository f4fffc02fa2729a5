/* decode_window: see decode_rows.h. Bytes of other encodings become UTF-8 as they come in;
 * offsets stay those of the source's bytes. */
#include "flow/decode_rows.h"

#include <stdlib.h>

#define WINDOW_BYTES ((size_t)1 << 20)
#define RAW_BYTES    ((size_t)256 << 10)

/* ---- encodings */

enum tarn_status tarn__encoding_parse(struct tarn_op *op, struct tarn_str name,
                                      enum tarn__encoding *out)
{
    static const struct {
        const char *name;
        enum tarn__encoding encoding;
    } names[] = {
        {"utf-8", TARN__UTF8},         {"utf8", TARN__UTF8},
        {"latin-1", TARN__LATIN1},     {"latin1", TARN__LATIN1},
        {"iso-8859-1", TARN__LATIN1},  {"windows-1252", TARN__WINDOWS1252},
        {"cp1252", TARN__WINDOWS1252}, {"utf-16", TARN__UTF16LE},
        {"utf-16le", TARN__UTF16LE},   {"utf-16be", TARN__UTF16BE},
    };
    *out = TARN__UTF8;
    if (name.len == 0)
        return TARN_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (tarn_str_eq_nocase(name, tarn_str_view(names[i].name))) {
            *out = names[i].encoding;
            return TARN_OK;
        }
    }
    (void)tarn_fail(op, TARN_CONFIG, "encoding \"%.*s\" is not known", TARN_STR_ARG(name));
    tarn_hint(op, "utf-8, latin-1, windows-1252 and utf-16 are");
    return TARN_CONFIG;
}

/* 0x80 to 0x9F as the WHATWG's table has them; the five unassigned bytes are the C1 controls. */
static const uint16_t windows1252[32] = {
    0x20AC, 0x0081, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008D, 0x017D, 0x008F, 0x0090, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x009D, 0x017E, 0x0178};

/* A lone surrogate is written as it is: not valid UTF-8, so its record becomes a dead letter. */
static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

static uint32_t unit_at(const struct tarn__window *w, size_t i)
{
    unsigned a = w->raw[i], b = w->raw[i + 1];
    return w->encoding == TARN__UTF16LE ? a | b << 8 : a << 8 | b;
}

/* The next code point of the raw bytes; 0 in *used: more bytes are needed. */
static uint32_t next_point(const struct tarn__window *w, size_t at, bool last, size_t *used)
{
    size_t left = w->raw_len - at;
    *used = 1;
    if (w->encoding == TARN__LATIN1)
        return w->raw[at];
    if (w->encoding == TARN__WINDOWS1252)
        return w->raw[at] >= 0x80 && w->raw[at] < 0xA0 ? windows1252[w->raw[at] - 0x80]
                                                       : w->raw[at];
    if (left < 2) {
        *used = last ? 1 : 0;
        return 0xDFFF; /* half a unit at the end: as wrong as a lone surrogate */
    }
    uint32_t high = unit_at(w, at);
    *used = 2;
    if (high < 0xD800 || high > 0xDBFF)
        return high;
    if (left < 4) {
        *used = last ? 2 : 0;
        return high;
    }
    uint32_t low = unit_at(w, at + 2);
    if (low < 0xDC00 || low > 0xDFFF)
        return high;
    *used = 4;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/* Turns raw bytes into UTF-8 behind w->end, as much as there is room for. */
static void transcode(struct tarn__window *w, bool last)
{
    size_t at = 0, used;
    while (at < w->raw_len && w->cap - w->end >= 4) {
        uint32_t c = next_point(w, at, last, &used);
        if (used == 0)
            break;
        w->end += put_utf8(c, w->buf + w->end);
        at += used;
    }
    memmove(w->raw, w->raw + at, w->raw_len - at);
    w->raw_len -= at;
}

/* How many of the source's bytes stand behind n bytes of UTF-8. */
static uint64_t source_bytes(const struct tarn__window *w, const char *p, size_t n)
{
    uint64_t points = 0, pairs = 0;
    if (w->encoding == TARN__UTF8)
        return n;
    for (size_t i = 0; i < n; i++) {
        points += (p[i] & 0xC0) != 0x80;
        pairs += ((unsigned char)p[i] & 0xF8) == 0xF0;
    }
    return w->encoding >= TARN__UTF16LE ? 2 * (points + pairs) : points;
}

/* ---- bytes */

static enum tarn_status no_memory(struct tarn_op *op)
{
    return tarn_fail(op, TARN_NOMEM, "no memory for the bytes of a file");
}

static enum tarn_status make_room(struct tarn__window *w, struct tarn_op *op)
{
    if (w->begin > 0) {
        memmove(w->buf, w->buf + w->begin, w->end - w->begin);
        w->end -= w->begin;
        w->begin = 0;
    }
    if (w->cap - w->end >= w->cap / 4 && w->cap > 0)
        return TARN_OK;
    size_t cap = w->cap ? w->cap * 2 : WINDOW_BYTES;
    char *buf = tarn_alloc_should_fail() ? NULL : realloc(w->buf, cap + TARN__PAD);
    if (!buf)
        return no_memory(op);
    memset(buf + cap, 0, TARN__PAD);
    w->buf = buf;
    w->cap = cap;
    return TARN_OK;
}

static enum tarn_status read_some(struct tarn__window *w, struct tarn_op *op, void *dst, size_t cap,
                                  size_t *got)
{
    if (w->left < cap)
        cap = (size_t)w->left;
    *got = 0;
    if (cap > 0)
        TARN_TRY(tarn_file_stream_read(w->stream, op, dst, cap, got));
    w->left -= *got;
    w->cut = w->left == 0;
    w->raw_end = *got == 0;
    return TARN_OK;
}

enum tarn_status tarn__window_more(struct tarn__window *w, struct tarn_op *op)
{
    size_t got;
    TARN_TRY(tarn_poll(op, 2));
    TARN_TRY(make_room(w, op));
    if (w->encoding == TARN__UTF8) {
        TARN_TRY(read_some(w, op, w->buf + w->end, w->cap - w->end, &got));
        w->end += got;
        w->eof = got == 0;
    } else {
        size_t before = w->end;
        if (!w->raw_end && w->raw_len < RAW_BYTES / 2) {
            TARN_TRY(read_some(w, op, w->raw + w->raw_len, RAW_BYTES - w->raw_len, &got));
            w->raw_len += got;
        }
        transcode(w, w->raw_end);
        w->eof = w->raw_end && w->end == before && w->raw_len == 0;
    }
    memset(w->buf + w->end, 0, TARN__PAD);
    return TARN_OK;
}

void tarn__window_take(struct tarn__window *w, size_t n)
{
    w->offset += source_bytes(w, w->buf + w->begin, n);
    w->begin += n;
}

/* The byte order mark is passed over; that of UTF-16 also chooses its order. */
static enum tarn_status pass_mark(struct tarn__window *w, struct tarn_op *op, bool chosen)
{
    unsigned char *p = w->raw;
    size_t mark = 0, got = 1;
    while (w->raw_len < 4 && got > 0) {
        TARN_TRY(read_some(w, op, w->raw + w->raw_len, 4 - w->raw_len, &got));
        w->raw_len += got;
    }
    size_t n = w->raw_len;
    if (n >= 2 && ((p[0] == 0xFF && p[1] == 0xFE) || (p[0] == 0xFE && p[1] == 0xFF)) &&
        (!chosen || w->encoding >= TARN__UTF16LE)) {
        w->encoding = p[0] == 0xFF ? TARN__UTF16LE : TARN__UTF16BE;
        mark = 2;
    } else if (n >= 3 && w->encoding == TARN__UTF8 && memcmp(p, "\xEF\xBB\xBF", 3) == 0) {
        mark = 3;
    }
    w->raw_end = false; /* a read of nothing must come again */
    w->offset += mark;
    memmove(p, p + mark, n - mark);
    w->raw_len = n - mark;
    if (w->encoding == TARN__UTF8) {
        memcpy(w->buf, p, w->raw_len);
        w->end = w->raw_len;
        w->raw_len = 0;
    }
    return TARN_OK;
}

enum tarn_status tarn__window_open(struct tarn__window *w, struct tarn_op *op,
                                   const struct tarn_input_file *file,
                                   struct tarn__window_options o)
{
    w->begin = w->end = w->raw_len = 0;
    w->offset = o.offset;
    w->left = o.limit;
    w->eof = w->cut = w->raw_end = false;
    TARN_TRY(tarn__encoding_parse(op, o.encoding, &w->encoding));
    TARN_TRY(make_room(w, op));
    if (!w->raw) {
        w->raw = tarn_alloc_should_fail() ? NULL : malloc(RAW_BYTES);
        if (!w->raw)
            return no_memory(op);
    }
    TARN_TRY(tarn_file_stream_open(op, file, o.offset, &w->stream));
    return o.offset == 0 ? pass_mark(w, op, o.encoding.len > 0) : TARN_OK;
}

void tarn__window_close(struct tarn__window *w)
{
    tarn_file_stream_close(w->stream);
    w->stream = NULL;
}

void tarn__window_release(struct tarn__window *w)
{
    tarn__window_close(w);
    free(w->buf);
    free(w->raw);
    *w = (struct tarn__window){0};
}
