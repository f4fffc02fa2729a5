/* decode_work: which bytes a worker reads next, and what becomes of each record. See
 * decode_state.h. */
#include "flow/decode_state.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- handing out */

/* Files of lines are split into ranges; anything else is read by one worker from its start. */
static bool may_split(const struct tarn__decoder *s, const struct tarn_input_file *f)
{
    return s->options.format != TARN_INPUT_CSV && !s->options.records.ptr && !s->sampling &&
           f->compression == TARN_COMPRESSION_NONE && f->size_bytes > TARN__RANGE_BYTES;
}

static enum tarn_status window_open(struct tarn__decoder *s, struct tarn_op *op,
                                    struct tarn__worker *w, size_t file, uint64_t offset)
{
    struct tarn__window_options o = {offset, s->read_limit, s->options.encoding};
    return tarn__window_open(&w->rows.window, op, &s->files.items[file], o);
}

/* The lock is held. */
static enum tarn_status file_open(struct tarn__decoder *s, struct tarn_op *op,
                                  struct tarn__worker *w, size_t file)
{
    struct tarn__file *f = &s->state[file];
    f->ranges = 1;
    if (may_split(s, &s->files.items[file])) {
        enum tarn_status status = window_open(s, op, w, file, 0);
        if (status == TARN_OK)
            status = tarn__layout_detect(&w->rows, op, &f->layout);
        bool utf8 = w->rows.window.encoding == TARN__UTF8;
        tarn__window_close(&w->rows.window);
        TARN_TRY(status);
        f->detected = true;
        if (f->layout == TARN__LINES && utf8)
            f->ranges = (s->files.items[file].size_bytes - 1) / TARN__RANGE_BYTES + 1;
    }
    f->range_lines = tarn_arena_alloc(s->arena, (size_t)f->ranges * sizeof *f->range_lines);
    if (!f->range_lines)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode files");
    f->opened = true;
    return TARN_OK;
}

static enum tarn_status hand_out(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w, bool *has)
{
    enum tarn_status status = TARN_OK;
    *has = false;
    (void)pthread_mutex_lock(&s->lock);
    if (s->cursor < s->files.count) {
        struct tarn__file *f = &s->state[s->cursor];
        if (!f->opened)
            status = file_open(s, op, w, s->cursor);
        if (status == TARN_OK) {
            w->work = (struct tarn__work){s->cursor, f->next_range++};
            s->cursor += f->next_range == f->ranges;
            *has = true;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- opening */

static void rows_reset(struct tarn__decoder *s, struct tarn__rows *r)
{
    r->bytes_max = s->options.document_bytes_max ? s->options.document_bytes_max
                                                 : TARN__DOCUMENT_BYTES_DEFAULT;
    r->range_end = UINT64_MAX;
    r->lines = 0;
    r->line_open = r->ended = r->in_array = r->after_value = r->found = false;
    r->level = -1;
    r->delimiter = s->csv.delimiter;
    r->quote = s->csv.quote;
}

static uint64_t position_of(size_t file, uint64_t offset)
{
    return ((uint64_t)file + 1) << 40 | (offset & (((uint64_t)1 << 40) - 1));
}

static enum tarn_status csv_open(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w)
{
    struct tarn__decode *d = &w->decode;
    bool has;
    w->header.count = 0;
    TARN_TRY(tarn__rows_next(&w->rows, op, &w->record, &has));
    if (!has)
        return TARN_OK;
    TARN_TRY(tarn__csv_header_read(d, op, &s->csv, &w->record, s->options.no_header,
                                   position_of(w->work.file, 0), s->files.items[w->work.file].name,
                                   &w->header));
    if (d->unfit)
        atomic_store(&s->misfit, true);
    w->pending = s->options.no_header;
    return TARN_OK;
}

static enum tarn_status rows_open(struct tarn__decoder *s, struct tarn_op *op,
                                  struct tarn__worker *w)
{
    struct tarn__file *f = &s->state[w->work.file];
    struct tarn__rows *r = &w->rows;
    uint64_t begin = w->work.range * TARN__RANGE_BYTES;
    rows_reset(s, r);
    /* One byte before the range tells whether a line starts with it. */
    TARN_TRY(window_open(s, op, w, w->work.file, begin > 0 ? begin - 1 : 0));
    if (f->ranges > 1)
        r->range_end = begin + TARN__RANGE_BYTES;
    if (s->options.format == TARN_INPUT_CSV) {
        r->layout = TARN__CSV;
        return csv_open(s, op, w);
    }
    if (s->options.records.ptr) {
        r->layout = TARN__RECORDS;
        return tarn__records_path(op, s->options.records, r);
    }
    if (f->detected)
        r->layout = f->layout;
    else
        TARN_TRY(tarn__layout_detect(r, op, &r->layout));
    return begin > 0 ? tarn__lines_begin(r, op) : TARN_OK;
}

enum tarn_status tarn__work_take(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w, bool *has)
{
    TARN_TRY(hand_out(s, op, w, has));
    if (!*has)
        return TARN_OK;
    w->decode.op = op;
    w->pending = false;
    enum tarn_status status = rows_open(s, op, w);
    w->active = status == TARN_OK;
    if (status != TARN_OK)
        tarn__window_close(&w->rows.window);
    return status;
}

void tarn__work_close(struct tarn__decoder *s, struct tarn__worker *w)
{
    s->state[w->work.file].range_lines[w->work.range] = w->rows.lines;
    tarn__window_close(&w->rows.window);
    w->active = false;
}

/* ---- dead letters */

static struct tarn_str keep(struct tarn_arena *a, const char *p, size_t n, bool *ok)
{
    char *copy = *ok ? tarn_arena_alloc(a, n + 1) : NULL;
    *ok = copy != NULL;
    if (copy && n > 0)
        memcpy(copy, p, n);
    return tarn_str_of(copy, n);
}

static enum tarn_status letters_full(struct tarn_op *op)
{
    return tarn_fail(op, TARN_LIMIT,
                     "more documents were set aside than %zu, or %zu MiB of them (letters_max)",
                     TARN__LETTERS_MAX, TARN__LETTER_BYTES_MAX >> 20);
}

static enum tarn_status no_memory(struct tarn_op *op)
{
    return tarn_fail(op, TARN_NOMEM, "no memory for dead letters");
}

static enum tarn_status letters_grow(struct tarn_op *op, struct tarn__worker *w)
{
    size_t cap = w->letter_cap ? w->letter_cap * 2 : 64;
    struct tarn__letter_record *letters =
        tarn_alloc_should_fail() ? NULL : realloc(w->letters, cap * sizeof *letters);
    if (!letters)
        return no_memory(op);
    w->letters = letters;
    w->letter_cap = cap;
    return TARN_OK;
}

static enum tarn_status letter_add(struct tarn__decoder *s, struct tarn_op *op,
                                   struct tarn__worker *w, struct tarn_str column,
                                   struct tarn_str reason)
{
    const struct tarn__record *r = &w->record;
    size_t raw = (size_t)(r->end - r->begin);
    bool ok = true;
    if (s->sampling)
        return TARN_OK;
    if (raw > TARN__LETTER_RAW_MAX)
        raw = TARN__LETTER_RAW_MAX;
    size_t bytes = raw + reason.len + column.len;
    if (atomic_fetch_add(&s->letter_count, 1) >= TARN__LETTERS_MAX ||
        atomic_fetch_add(&s->letter_bytes, bytes) + bytes > TARN__LETTER_BYTES_MAX)
        return letters_full(op);
    if (w->letter_count == w->letter_cap)
        TARN_TRY(letters_grow(op, w));
    struct tarn__letter_record *l = &w->letters[w->letter_count];
    *l = (struct tarn__letter_record){
        .letter = {.file = w->work.file, .line = r->line, .offset = (int64_t)r->offset},
        .range = w->work.range};
    l->letter.raw = keep(w->letter_arena, r->begin, raw, &ok);
    l->letter.reason = keep(w->letter_arena, reason.ptr, reason.len, &ok);
    if (column.len > 0)
        l->letter.column = keep(w->letter_arena, column.ptr, column.len, &ok);
    if (!ok)
        return no_memory(op);
    w->letter_count++;
    atomic_fetch_add(&s->state[w->work.file].letters, 1);
    return TARN_OK;
}

/* The document was not read: for the reason that d has. */
static enum tarn_status letter_of_document(struct tarn__decoder *s, struct tarn_op *op,
                                           struct tarn__worker *w)
{
    struct tarn__decode *d = &w->decode;
    char text[sizeof d->column + sizeof d->reason + 2];
    struct tarn_str column = {NULL, 0};
    if (d->letter_has_column)
        column = tarn_str_view(d->column + d->column_at);
    int n = snprintf(text, sizeof text, "%.*s%s%s", TARN_STR_ARG(column),
                     column.len > 0 ? ": " : "", d->reason);
    return letter_add(s, op, w, column, tarn_str_of(text, (size_t)n));
}

/* ---- records */

static enum tarn_status append_tail(struct tarn__decoder *s, struct tarn__worker *w, bool *ok)
{
    struct tarn__decode *d = &w->decode;
    struct tarn__column *tail = d->table.children + d->document.child_count;
    struct tarn_str name = s->files.items[w->work.file].name;
    *ok = true;
    if (s->sampling)
        return TARN_OK;
    *ok = tarn__column_append_long(&tail[0], s->options.ingest_ts_us) &&
          tarn__column_append_bytes(&tail[1], name.ptr, name.len) &&
          tarn__column_append_long(&tail[2], (int64_t)w->record.offset);
    if (*ok)
        return TARN_OK;
    for (size_t i = 0; i < d->table.child_count; i++)
        tarn__column_cut(&d->table.children[i], d->table.length);
    (void)tarn__no_room(d);
    return d->status;
}

static bool text_valid(struct tarn__worker *w)
{
    const struct tarn__record *r = &w->record;
    struct tarn__decode *d = &w->decode;
    if (!r->high || tarn_utf8_valid(tarn_str_of(r->begin, (size_t)(r->end - r->begin))))
        return true;
    (void)tarn__letter(d, "the text is not valid in its encoding");
    d->letter_has_column = false;
    return false;
}

static bool read_record(struct tarn__decoder *s, struct tarn__worker *w)
{
    struct tarn__record *r = &w->record;
    struct tarn__decode *d = &w->decode;
    d->status = TARN_OK;
    if (!text_valid(w))
        return false;
    if (s->options.format == TARN_INPUT_CSV)
        return tarn__csv_read(d, &s->csv, &w->header, r);
    return tarn__document_read(d, r->begin, r->end, position_of(w->work.file, r->offset));
}

/* A document whose end cannot be told takes the rest of the file with it. */
static enum tarn_status letter_of_rest(struct tarn__decoder *s, struct tarn_op *op,
                                       struct tarn__worker *w)
{
    char *why = w->decode.reason;
    size_t n = strlen(why);
    (void)snprintf(why + n, sizeof w->decode.reason - n,
                   "; where the document ends cannot be told, so this is the rest of the file");
    TARN_TRY(letter_of_document(s, op, w));
    return tarn__rows_end(&w->rows, op);
}

enum tarn_status tarn__work_step(struct tarn__decoder *s, struct tarn_op *op,
                                 struct tarn__worker *w, bool *has)
{
    struct tarn__decode *d = &w->decode;
    struct tarn__record *r = &w->record;
    *has = true;
    d->op = op;
    if (!w->pending)
        TARN_TRY(tarn__rows_next(&w->rows, op, r, has));
    w->pending = false;
    if (!*has)
        return TARN_OK;
    if (r->letter)
        return letter_add(s, op, w, (struct tarn_str){NULL, 0}, tarn_str_view(r->letter));
    w->byte_count += r->end - r->begin;
    bool ok = read_record(s, w);
    if (d->status != TARN_OK)
        return d->status;
    if (ok && r->rest) { /* the brackets are wrong, so the reader must have found it */
        for (size_t i = 0; i < d->document.child_count; i++)
            tarn__column_cut(&d->document.children[i], d->table.length);
        (void)snprintf(d->reason, sizeof d->reason, "the document's brackets do not pair");
        ok = d->letter_has_column = false;
    }
    if (ok)
        TARN_TRY(append_tail(s, w, &ok));
    w->bloated = w->bloated || d->budget.over;
    d->budget.over = false;
    if (!ok)
        return r->rest ? letter_of_rest(s, op, w) : letter_of_document(s, op, w);
    d->table.length++;
    w->row_count++;
    atomic_fetch_add_explicit(&s->state[w->work.file].rows, 1, memory_order_relaxed);
    if (d->unfit && !s->sampling)
        atomic_store(&s->misfit, true);
    return TARN_OK;
}
