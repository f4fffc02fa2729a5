/* json_rows: the layouts of JSON files. See decode_rows.h; docs/types.md says how a layout is
 * told and what happens to malformed parts. */
#include "flow/decode_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/json_scan.h"

/* ---- bytes */

const char *tarn__find_line(const char *p, const char *end, bool *high)
{
    unsigned char any = 0;
#if defined(__SSE2__)
    const __m128i feed = _mm_set1_epi8('\n');
    __m128i all = _mm_setzero_si128();
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(v, feed)))
            break;
        all = _mm_or_si128(all, v);
    }
    any = _mm_movemask_epi8(all) ? 0x80 : 0;
#endif
    for (; p != end && *p != '\n'; p++)
        any |= (unsigned char)*p;
    *high = *high || (any & 0x80);
    return p;
}

bool tarn__has_high(const char *p, const char *end)
{
    bool high = false;
    while (p != end && !high) {
        p = tarn__find_line(p, end, &high);
        p += p != end;
    }
    return high;
}

static bool is_white(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_blank(const char *p, const char *end)
{
    while (p != end && is_white(*p))
        p++;
    return p == end;
}

void tarn__rows_take(struct tarn__rows *r, size_t n)
{
    const char *p = r->window.buf + r->window.begin, *end = p + n;
    if (n > 0 && !r->line_open) {
        r->lines++;
        r->line_open = true;
    }
    while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        p++;
        /* The next line begins with its first byte, so a file's last newline begins none. */
        r->line_open = p != end;
        r->lines += p != end;
        if (p == end)
            break;
    }
    tarn__window_take(&r->window, n);
}

enum tarn_status tarn__rows_keep(struct tarn__rows *r, struct tarn_op *op, size_t n)
{
    if (!r->prefix)
        r->prefix = tarn_alloc_should_fail() ? NULL : malloc(TARN__LETTER_RAW_MAX);
    if (!r->prefix)
        return tarn_fail(op, TARN_NOMEM, "no memory for a dead letter");
    if (n > TARN__LETTER_RAW_MAX)
        n = TARN__LETTER_RAW_MAX;
    memcpy(r->prefix, r->window.buf + r->window.begin, n);
    r->prefix_len = n;
    return TARN_OK;
}

void tarn__rows_letter(struct tarn__rows *r, struct tarn__record *out, const char *reason)
{
    out->begin = r->prefix;
    out->end = r->prefix + r->prefix_len;
    out->letter = reason;
    out->rest = false;
}

enum tarn_status tarn__rows_rest(struct tarn__rows *r, struct tarn_op *op, const char *reason,
                                 struct tarn__record *out, bool *has)
{
    struct tarn__window *w = &r->window;
    out->offset = w->offset;
    out->line = tarn__line_here(r);
    r->ended = true;
    if (w->cut) { /* a sample ends in the middle of things */
        *has = false;
        return TARN_OK;
    }
    TARN_TRY(tarn__rows_keep(r, op, w->end - w->begin));
    tarn__rows_letter(r, out, reason);
    *has = true;
    return tarn__rows_end(r, op);
}

/* ---- lines */

enum tarn_status tarn__lines_begin(struct tarn__rows *r, struct tarn_op *op)
{
    struct tarn__window *w = &r->window;
    bool high = false;
    while (w->offset < r->range_end) {
        const char *p = w->buf + w->begin, *end = w->buf + w->end;
        const char *feed = tarn__find_line(p, end, &high);
        bool found = feed != end;
        tarn__window_take(w, (size_t)(feed - p) + found);
        if (found || w->eof)
            return TARN_OK;
        TARN_TRY(tarn__window_more(w, op));
    }
    return TARN_OK;
}

/* A line longer than a record may be: passed over, its start kept. */
static enum tarn_status long_line(struct tarn__rows *r, struct tarn_op *op,
                                  struct tarn__record *out)
{
    struct tarn__window *w = &r->window;
    bool high = false, found = false;
    TARN_TRY(tarn__rows_keep(r, op, w->end - w->begin));
    while (!found && !(w->eof && w->begin == w->end)) {
        const char *p = w->buf + w->begin, *end = w->buf + w->end;
        const char *feed = tarn__find_line(p, end, &high);
        found = feed != end;
        tarn__window_take(w, (size_t)(feed - p) + found);
        if (!found)
            TARN_TRY(tarn__window_more(w, op));
    }
    (void)snprintf(r->reason, sizeof r->reason,
                   "the document is longer than %llu bytes (document_size_max)",
                   (unsigned long long)r->bytes_max);
    tarn__rows_letter(r, out, r->reason);
    return TARN_OK;
}

enum tarn_status tarn__lines_next(struct tarn__rows *r, struct tarn_op *op,
                                  struct tarn__record *out, bool *has)
{
    struct tarn__window *w = &r->window;
    size_t seen = 0;
    out->high = false;
    *has = false;
    while (w->offset < r->range_end) {
        char *p = w->buf + w->begin, *end = w->buf + w->end;
        char *feed = p + (tarn__find_line(p + seen, end, &out->high) - p);
        seen = (size_t)(feed - p);
        if (feed == end && !w->eof && seen <= r->bytes_max + 1) {
            TARN_TRY(tarn__window_more(w, op));
            continue;
        }
        if (feed == end && (p == end || w->cut))
            return TARN_OK;
        out->offset = w->offset;
        out->line = ++r->lines;
        out->letter = NULL;
        size_t length = seen > 0 && feed[-1] == '\r' ? seen - 1 : seen;
        if (length > r->bytes_max) {
            *has = true;
            return long_line(r, op, out);
        }
        out->begin = p;
        out->end = feed;
        tarn__window_take(w, seen + (feed != end));
        if (!is_blank(p, feed)) {
            *has = true;
            return TARN_OK;
        }
        seen = 0;
        out->high = false;
    }
    return TARN_OK;
}

/* ---- passing over a value */

static bool pass_open(struct tarn__pass *s, bool object)
{
    if (s->depth >= TARN_JSON_DEPTH_MAX)
        return false;
    uint64_t bit = (uint64_t)1 << (s->depth & 63);
    if (object)
        s->in_object[s->depth >> 6] |= bit;
    else
        s->in_object[s->depth >> 6] &= ~bit;
    s->depth++;
    return true;
}

static bool pass_close(struct tarn__pass *s, bool object)
{
    int top = s->depth - 1;
    bool open_object = s->in_object[top >> 6] >> (top & 63) & 1;
    s->depth = top;
    return open_object == object;
}

/* Goes on at p + s->at, up to `end`. DONE: the value is the first s->at bytes. BROKEN: its
 * brackets do not pair, or a quote is not closed in its line. */
enum tarn__pass_result tarn__pass_on(struct tarn__pass *s, const char *p, const char *end)
{
    const char *q = p + s->at;
    enum tarn__pass_result result = TARN__PASS_MORE;
    for (; q != end && result == TARN__PASS_MORE; q++) {
        if (s->in_string && !s->escaped) {
            q = tarn__find_special(q); /* zeros lie behind the window's end */
            if (q >= end) {
                q = end;
                break;
            }
        }
        char c = *q;
        if (s->scalar && (is_white(c) || c == ',' || c == '}' || c == ']')) {
            s->at = (size_t)(q - p);
            return TARN__PASS_DONE; /* a number or word ends before what cannot belong to it */
        }
        if (s->in_string) {
            if ((unsigned char)c < 0x20)
                result = TARN__PASS_BROKEN;
            else if (s->escaped)
                s->escaped = false;
            else if (c == '\\')
                s->escaped = true;
            else if (c == '"') {
                s->in_string = false;
                if (s->depth == 0)
                    result = TARN__PASS_DONE;
            }
        } else if (c == '"') {
            s->in_string = true;
        } else if (c == '{' || c == '[') {
            if (!pass_open(s, c == '{'))
                result = TARN__PASS_BROKEN;
        } else if (c == '}' || c == ']') {
            if (s->depth == 0 || !pass_close(s, c == '}'))
                result = TARN__PASS_BROKEN;
            else if (s->depth == 0)
                result = TARN__PASS_DONE;
        } else if (s->depth == 0) {
            s->scalar = true;
        }
        if (s->scalar && (s->depth > 0 || s->in_string))
            result = TARN__PASS_BROKEN;
    }
    s->at = (size_t)(q - p);
    return result;
}

/* ---- values: documents behind one another, or in one array */

/* The next byte that is no white space, 0 at the end. */
enum tarn_status tarn__peek(struct tarn__rows *r, struct tarn_op *op, char *out)
{
    struct tarn__window *w = &r->window;
    *out = '\0';
    for (;;) {
        const char *p = w->buf + w->begin, *end = w->buf + w->end, *q = p;
        while (q != end && is_white(*q))
            q++;
        tarn__rows_take(r, (size_t)(q - p));
        if (q != end) {
            *out = *q ? *q : '\x01';
            return TARN_OK;
        }
        if (w->eof)
            return TARN_OK;
        TARN_TRY(tarn__window_more(w, op));
    }
}

/* A value too long to hold: passed over, its start kept for the letter. */
static enum tarn_status long_value(struct tarn__rows *r, struct tarn_op *op,
                                   enum tarn__pass_result result, struct tarn__record *out,
                                   bool *has)
{
    struct tarn__window *w = &r->window;
    TARN_TRY(tarn__rows_keep(r, op, w->end - w->begin));
    while (result == TARN__PASS_MORE && !w->eof) {
        tarn__rows_take(r, r->pass.at);
        r->pass.at = 0;
        TARN_TRY(tarn__window_more(w, op));
        result = tarn__pass_on(&r->pass, w->buf + w->begin, w->buf + w->end);
    }
    (void)snprintf(r->reason, sizeof r->reason,
                   "the document is longer than %llu bytes (document_size_max)",
                   (unsigned long long)r->bytes_max);
    if (result == TARN__PASS_DONE)
        tarn__rows_take(r, r->pass.at);
    else
        r->ended = true;
    tarn__rows_letter(r, out, r->reason);
    *has = !w->cut || result == TARN__PASS_DONE;
    while (r->ended && !w->eof) {
        tarn__rows_take(r, w->end - w->begin);
        TARN_TRY(tarn__window_more(w, op));
    }
    return TARN_OK;
}

/* The whole value that starts at the window's begin as a record. */
enum tarn_status tarn__value_take(struct tarn__rows *r, struct tarn_op *op,
                                  struct tarn__record *out, bool *has)
{
    struct tarn__window *w = &r->window;
    enum tarn__pass_result result;
    *has = true;
    out->offset = w->offset;
    out->line = tarn__line_here(r);
    out->letter = NULL;
    out->rest = false;
    r->pass = (struct tarn__pass){.at = 0};
    for (;;) {
        result = tarn__pass_on(&r->pass, w->buf + w->begin, w->buf + w->end);
        if (result != TARN__PASS_MORE || w->eof)
            break;
        if (r->pass.at > r->bytes_max)
            return long_value(r, op, result, out, has);
        TARN_TRY(tarn__window_more(w, op));
    }
    if (result == TARN__PASS_MORE && r->pass.scalar)
        result = TARN__PASS_DONE; /* a word ends with the file */
    if (result != TARN__PASS_DONE && w->cut) {
        *has = false;
        r->ended = true;
        return TARN_OK;
    }
    if (result == TARN__PASS_MORE)
        return tarn__rows_rest(r, op, "the file ends inside a document", out, has);
    if (r->pass.at > r->bytes_max)
        return long_value(r, op, result, out, has);
    out->begin = w->buf + w->begin;
    out->end = out->begin + r->pass.at;
    out->rest = result == TARN__PASS_BROKEN;
    if (out->rest) /* the reader will find the reason in what there is */
        out->end = w->buf + w->end;
    out->high = tarn__has_high(out->begin, out->end);
    if (!out->rest)
        tarn__rows_take(r, r->pass.at);
    r->after_value = true;
    return TARN_OK;
}

/* What stands between values. *c: the first byte of the next one, 0 = the end; else *reason says
 * what is wrong. */
enum tarn_status tarn__value_start(struct tarn__rows *r, struct tarn_op *op, char *c,
                                   const char **reason)
{
    *reason = NULL;
    for (;;) {
        TARN_TRY(tarn__peek(r, op, c));
        if (!r->in_array) {
            if (*c != '[')
                return TARN_OK;
            r->in_array = true;
            r->after_value = false;
            tarn__rows_take(r, 1);
            continue;
        }
        if (*c == '\0') {
            *reason = "the file ends inside the array of documents";
            return TARN_OK;
        }
        if (*c == ']') {
            r->in_array = false;
            tarn__rows_take(r, 1);
            continue;
        }
        if (!r->after_value)
            return TARN_OK;
        if (*c != ',') {
            *reason = "expected ',' or ']' behind a document of the array";
            return TARN_OK;
        }
        tarn__rows_take(r, 1);
        TARN_TRY(tarn__peek(r, op, c));
        if (*c == ']' || *c == ',' || *c == '\0')
            *reason = "expected a document behind ','";
        return TARN_OK;
    }
}

enum tarn_status tarn__values_next(struct tarn__rows *r, struct tarn_op *op,
                                   struct tarn__record *out, bool *has)
{
    const char *reason;
    char c;
    *has = false;
    TARN_TRY(tarn__value_start(r, op, &c, &reason));
    if (reason)
        return tarn__rows_rest(r, op, reason, out, has);
    if (c == '\0')
        return TARN_OK;
    return tarn__value_take(r, op, out, has);
}

enum tarn_status tarn__rows_next(struct tarn__rows *r, struct tarn_op *op, struct tarn__record *out,
                                 bool *has)
{
    *has = false;
    out->letter = NULL;
    out->rest = false;
    if (r->ended)
        return TARN_OK;
    switch (r->layout) {
    case TARN__LINES:
        return tarn__lines_next(r, op, out, has);
    case TARN__VALUES:
        return tarn__values_next(r, op, out, has);
    case TARN__RECORDS:
        return tarn__records_next(r, op, out, has);
    default:
        return tarn__csv_next(r, op, out, has);
    }
}

/* ---- which layout */

/* Does a line of [p, end) behind the first hold a whole document from its first byte on? (One
 * that merely begins with '{' is enough for `begins`.) */
static bool line_is_document(const char *p, const char *end, bool begins)
{
    const char *feed;
    for (; (feed = memchr(p, '\n', (size_t)(end - p))) != NULL; p = feed + 1) {
        const char *next = feed + 1, *next_end = memchr(next, '\n', (size_t)(end - next));
        struct tarn__pass pass = {.at = 0};
        if (next == end || *next != '{')
            continue;
        if (begins)
            return true;
        next_end = next_end ? next_end : end;
        if (tarn__pass_on(&pass, next, next_end) == TARN__PASS_DONE &&
            is_blank(next + pass.at, next_end))
            return true;
    }
    return false;
}

/* Lines, unless the first document goes on over the end of its line or another stands behind it
 * in the same line. The first line may itself be malformed: so what a broken one looks like is
 * decided by the lines behind it. */
static bool is_lines(const char *p, const char *end)
{
    struct tarn__pass pass = {.at = 0};
    while (p != end && is_white(*p))
        p++;
    if (p == end)
        return true;
    if (*p == '[')
        return false;
    const char *feed = memchr(p, '\n', (size_t)(end - p));
    enum tarn__pass_result result = tarn__pass_on(&pass, p, end);
    if (!feed && result != TARN__PASS_DONE)
        return true; /* one line, so far as can be seen */
    if (result == TARN__PASS_MORE)
        return line_is_document(p, end, false);
    if (result == TARN__PASS_BROKEN)
        return line_is_document(p, end, true);
    const char *behind = p + pass.at;
    if (feed && behind > feed)
        return false;
    while (behind != end && (*behind == ' ' || *behind == '\t' || *behind == '\r'))
        behind++;
    return behind == end || *behind != '{';
}

enum tarn_status tarn__layout_detect(struct tarn__rows *r, struct tarn_op *op,
                                     enum tarn__layout *out)
{
    struct tarn__window *w = &r->window;
    size_t sample = (size_t)1 << 20;
    while (!w->eof && w->end - w->begin < sample)
        TARN_TRY(tarn__window_more(w, op));
    *out = is_lines(w->buf + w->begin, w->buf + w->end) ? TARN__LINES : TARN__VALUES;
    return TARN_OK;
}

enum tarn_status tarn__rows_end(struct tarn__rows *r, struct tarn_op *op)
{
    struct tarn__window *w = &r->window;
    r->ended = true;
    do {
        tarn__rows_take(r, w->end - w->begin);
        TARN_TRY(tarn__window_more(w, op));
    } while (!w->eof);
    return TARN_OK;
}
