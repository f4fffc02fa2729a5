/* csv: RFC 4180 with any delimiter and quote. See decode_rows.h; docs/types.md for how texts
 * become values.
 *
 * A row ends at a newline outside quotes (a '\r' before it belongs to it). A quote counts only
 * at a field's start; within an unquoted field it is text. The row is first delimited, then cut:
 * nothing in the window is changed, so a dead letter keeps the bytes as they stood.
 */
#include "flow/decode_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "flow/json_scan.h"

/* ---- rows */

/* Behind the quotes of a quoted field, or NULL if they go on past `end`. p is behind the opening
 * quote. */
static const char *pass_quotes(const char *p, const char *end, char quote)
{
    for (;;) {
        p = p == end ? NULL : memchr(p, quote, (size_t)(end - p));
        if (!p || p + 1 == end || p[1] != quote)
            return p ? p + 1 : NULL;
        p += 2;
    }
}

/* The newline that ends the row at [p, end); `end` if it goes on. *quoted: it goes on inside
 * quotes. *broken: there is text behind a closing quote. */
static const char *row_end(const struct tarn__rows *r, const char *p, const char *end, bool *quoted,
                           bool *broken)
{
    bool field_start = true;
    *quoted = *broken = false;
    for (; p != end && *p != '\n'; p++) {
        if (field_start && *p == r->quote) {
            const char *behind = pass_quotes(p + 1, end, r->quote);
            if (!behind ||
                behind == end) { /* a quote that ends the window may be one half of two */
                *quoted = !behind;
                return end;
            }
            if (*behind != r->delimiter && *behind != '\n' && *behind != '\r')
                *broken = true;
            p = behind - 1;
            field_start = false;
        } else {
            field_start = *p == r->delimiter;
        }
    }
    return p;
}

static bool is_blank(const char *p, const char *end)
{
    return p == end || (p + 1 == end && *p == '\r');
}

enum tarn_status tarn__csv_next(struct tarn__rows *r, struct tarn_op *op, struct tarn__record *out,
                                bool *has)
{
    struct tarn__window *w = &r->window;
    bool quoted, broken;
    *has = false;
    for (;;) {
        char *p = w->buf + w->begin, *end = w->buf + w->end;
        char *feed = p + (row_end(r, p, end, &quoted, &broken) - p);
        size_t length = (size_t)(feed - p);
        if (length > r->bytes_max) {
            (void)snprintf(r->reason, sizeof r->reason,
                           "the row is longer than %llu bytes (document_size_max)",
                           (unsigned long long)r->bytes_max);
            return tarn__rows_rest(r, op, r->reason, out, has);
        }
        if (feed == end && !w->eof) {
            TARN_TRY(tarn__window_more(w, op));
            continue;
        }
        if (feed == end && (p == end || w->cut))
            return TARN_OK;
        if (quoted)
            return tarn__rows_rest(r, op, "the file ends inside quotes", out, has);
        out->offset = w->offset;
        out->line = r->lines + !r->line_open;
        out->begin = p;
        out->end = feed;
        tarn__rows_take(r, length + (feed != end));
        if (is_blank(p, feed))
            continue;
        if (feed[-1] == '\r')
            out->end--;
        out->high = tarn__has_high(p, feed);
        out->letter = broken ? "text stands behind a closing quote" : NULL;
        *has = true;
        return TARN_OK;
    }
}

/* ---- fields */

struct field {
    struct tarn_str text;
    bool quoted;
};

/* The field at p, which ends before the delimiter or at `end`. A text with doubled quotes goes
 * to d->text. Returns its end; NULL: no memory. */
static const char *take_field(struct tarn__decode *d, const struct tarn__csv_options *o,
                              const char *p, const char *end, struct field *out)
{
    out->quoted = p != end && *p == o->quote;
    if (!out->quoted) {
        const char *stop = memchr(p, o->delimiter, (size_t)(end - p));
        stop = stop ? stop : end;
        out->text = tarn_str_of(p, (size_t)(stop - p));
        return stop;
    }
    const char *from = ++p, *close = memchr(p, o->quote, (size_t)(end - p));
    tarn_buf_reset(&d->text);
    bool doubled = close && close + 1 != end && close[1] == o->quote;
    while (close && close + 1 != end && close[1] == o->quote) {
        tarn_buf_append(&d->text, from, (size_t)(close + 1 - from));
        from = close + 2;
        close = memchr(from, o->quote, (size_t)(end - from));
    }
    if (!close)
        return end; /* not reached: the row was delimited by the same quotes */
    if (!doubled) {
        out->text = tarn_str_of(from, (size_t)(close - from));
        return close + 1;
    }
    tarn_buf_append(&d->text, from, (size_t)(close - from));
    out->text = tarn_buf_view(&d->text);
    return d->text.failed ? tarn__fail_nomem(d) : close + 1;
}

/* Unquoted text is a number or a truth value if it is written as JSON writes them; quoted text
 * is text. */
static void value_of(const struct tarn__csv_options *o, const struct field *f, bool strict,
                     struct tarn__value *v)
{
    struct tarn_str s = f->text;
    *v = (struct tarn__value){.kind = TARN__V_TEXT, .seen = {.flags = TARN__S_TEXT}, .text = s};
    if (f->quoted)
        return;
    if (s.len == 0 || (o->null_text.ptr && tarn_str_eq(s, o->null_text))) {
        v->kind = TARN__V_NULL;
    } else if (strict) {
        return; /* the declared type reads the text */
    } else if (tarn_str_is(s, "true") || tarn_str_is(s, "false")) {
        v->kind = TARN__V_BOOL;
        v->boolean = *s.ptr == 't';
        v->seen.flags = TARN__S_BOOL;
    } else if (tarn__number_scan(s.ptr, &v->number) == s.ptr + s.len) {
        v->kind = TARN__V_NUMBER;
        v->seen = v->number.seen;
    }
}

struct row {
    const struct tarn__csv_options *options;
    const struct tarn__csv_header *header;
    const struct tarn__record *record;
};

static bool put_field(struct tarn__decode *d, const struct row *row, size_t i,
                      const struct field *f)
{
    struct tarn__plan_field *field = row->header->fields[i];
    struct tarn__value v;
    value_of(row->options, f, field->node->strict, &v);
    field->seen = d->serial;
    if (tarn__put(d, field->node, &v))
        return true;
    (void)tarn__letter_step(d, tarn_str_of(field->key, field->key_len - 1));
    return false;
}

static bool row_pass(struct tarn__decode *d, const void *context)
{
    const struct row *row = context;
    const struct tarn__record *record = row->record;
    const char *p = record->begin;
    size_t count = 0, columns = row->header->count;
    bool ok = true;
    struct field f;
    d->serial++;
    tarn__observe(d, d->root, (struct tarn__seen){.flags = TARN__S_DOC});
    for (;; p++, count++) {
        p = take_field(d, row->options, p, record->end, &f);
        if (!p)
            return false;
        /* Values are put even behind a bad one, for the count is the better reason. */
        if (count < columns && ok)
            ok = put_field(d, row, count, &f);
        if (p == record->end)
            break;
    }
    if (count + 1 != columns) {
        d->column_at = sizeof d->column - 1;
        (void)tarn__letter(d, "the row has %zu field%s; the header has %zu", count + 1,
                           count == 0 ? "" : "s", columns);
        return false;
    }
    return ok && tarn__fill_missing(d, d->root, d->serial);
}

bool tarn__csv_read(struct tarn__decode *d, const struct tarn__csv_options *o,
                    const struct tarn__csv_header *h, const struct tarn__record *record)
{
    struct row row = {o, h, record};
    return tarn__row_read(d, record->begin, record->end, row_pass, &row);
}

/* ---- headers */

static bool header_room(struct tarn__csv_header *h)
{
    if (h->count < h->cap)
        return true;
    size_t cap = h->cap ? h->cap * 2 : 32;
    struct tarn__plan_field **fields =
        tarn_alloc_should_fail() ? NULL : realloc(h->fields, cap * sizeof(void *));
    if (!fields)
        return false;
    h->fields = fields;
    h->cap = cap;
    return true;
}

/* A column of the header is sighted whatever becomes of the rows: that is no document that may
 * turn out bad. */
static enum tarn_status add_column(struct tarn__decode *d, struct tarn_op *op, struct tarn_str name,
                                   uint64_t position, struct tarn_str file,
                                   struct tarn__csv_header *h)
{
    if (name.len == 0 || memchr(name.ptr, '\0', name.len) || !tarn_utf8_valid(name))
        return tarn_fail(op, TARN_DATA, "column %zu of the header of \"%.*s\" has no valid name",
                         h->count + 1, TARN_STR_ARG(file));
    name = tarn__plan_column_name(d, d->root, name);
    if (!name.ptr || !header_room(h))
        return tarn_fail(op, TARN_NOMEM, "no memory for a header");
    struct tarn__plan_field *f = tarn__plan_find(d->root, name);
    for (size_t i = 0; f && i < h->count; i++)
        if (h->fields[i] == f)
            return tarn_fail(
                op, TARN_DATA,
                "column \"%.*s\" stands twice in the header of \"%.*s\" (as column %zu "
                "and %zu; upper and lower case are one)",
                TARN_STR_ARG(name), TARN_STR_ARG(file), i + 1, h->count + 1);
    d->apply = true;
    if (!f) {
        f = tarn__plan_add(d, d->root, name);
        d->unfit = true;
    }
    bool ok = f && (position >= f->first || tarn__sight(d, d->root, f, name, position));
    d->apply = false;
    if (!ok)
        return d->status;
    h->fields[h->count++] = f;
    return TARN_OK;
}

enum tarn_status tarn__csv_header_read(struct tarn__decode *d, struct tarn_op *op,
                                       const struct tarn__csv_options *o,
                                       const struct tarn__record *record, bool no_header,
                                       uint64_t position, struct tarn_str file,
                                       struct tarn__csv_header *h)
{
    const char *p = record->begin;
    struct field f;
    h->count = 0;
    d->status = TARN_OK;
    d->apply = true;
    tarn__observe(d, d->root, (struct tarn__seen){.flags = TARN__S_DOC});
    d->apply = d->unfit = false;
    if (record->letter)
        return tarn_fail(op, TARN_DATA, "the header of \"%.*s\" is malformed: %s",
                         TARN_STR_ARG(file), record->letter);
    for (;; p++) {
        char number[32];
        p = take_field(d, o, p, record->end, &f);
        if (!p)
            return d->status;
        (void)snprintf(number, sizeof number, "column%zu", h->count);
        if (no_header)
            f.text = tarn_str_view(number);
        TARN_TRY(add_column(d, op, f.text, position + h->count, file, h));
        if (p == record->end)
            return TARN_OK;
    }
}
