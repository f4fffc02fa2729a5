/* decode: the decoder's life and its producer. See decode.h for the contract, decode_state.h for
 * what is shared. */
#include "flow/decode_state.h"

#include <stdlib.h>
#include <unistd.h>

#define DECODER_BYTES_MAX ((size_t)1 << 30)
#define WORKERS_MAX       256
#define CHECK_BYTES       ((int64_t)64 << 10) /* how often a batch's size is looked at */

/* ---- options */

static bool bad_delimiter(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '+' || c == '-' || c == '\n' || c == '\r' || c == '\0' || (c & 0x80);
}

static enum tarn_status check_csv(struct tarn_op *op, const struct tarn_decode_options *o,
                                  struct tarn__csv_options *out)
{
    out->delimiter = o->delimiter ? o->delimiter : ',';
    out->quote = o->quote ? o->quote : '"';
    out->null_text = o->null_text;
    if (bad_delimiter(out->delimiter) || bad_delimiter(out->quote) || out->delimiter == out->quote)
        return tarn_fail(op, TARN_CONFIG,
                         "delimiter and quote must be two ASCII characters that no number holds");
    for (size_t i = 0; i < o->declared_count; i++)
        if (tarn_type_is_nested(&o->declared[i].type))
            return tarn_fail(
                op, TARN_UNSUPPORTED,
                "column \"%.*s\" of CSV files is declared as %.*s: text cannot be read "
                "into a nested type",
                TARN_STR_ARG(o->declared[i].path),
                TARN_STR_ARG(tarn_type_text(op, &o->declared[i].type)));
    return TARN_OK;
}

static enum tarn_status check_options(struct tarn_op *op, struct tarn__decoder *s)
{
    const struct tarn_decode_options *o = &s->options;
    enum tarn__encoding encoding;
    TARN_TRY(tarn__encoding_parse(op, o->encoding, &encoding));
    if (o->document_bytes_max > (uint64_t)1 << 30)
        return tarn_fail(op, TARN_CONFIG, "document_size_max may be at most 1 GiB");
    if (o->depth_max < 0 || o->depth_max > TARN_JSON_DEPTH_MAX)
        return tarn_fail(op, TARN_CONFIG, "nesting_max may be at most %d", TARN_JSON_DEPTH_MAX);
    if (o->records.ptr) {
        struct tarn__rows unused = {.path_len = 0};
        if (o->format == TARN_INPUT_CSV)
            return tarn_fail(op, TARN_CONFIG, "CSV files have no path of records");
        TARN_TRY(tarn__records_path(op, o->records, &unused));
    }
    return o->format == TARN_INPUT_CSV ? check_csv(op, o, &s->csv) : TARN_OK;
}

static enum tarn_status check_target(struct tarn_op *op, const struct tarn_type *t)
{
    size_t n = t->field_count;
    if (t->kind != TARN_TYPE_STRUCT || n < TARN__TAIL_COLUMNS ||
        t->fields[n - 3].type.kind != TARN_TYPE_TIMESTAMPTZ ||
        t->fields[n - 2].type.kind != TARN_TYPE_STRING ||
        t->fields[n - 1].type.kind != TARN_TYPE_LONG)
        return tarn_fail(op, TARN_INVALID,
                         "a table that files are decoded for must end with ingest_ts, _source_file "
                         "and _source_offset");
    return TARN_OK;
}

/* ---- life */

static int worker_count(const struct tarn_decode_options *o, bool sampling)
{
    long n = o->workers > 0 ? o->workers : sysconf(_SC_NPROCESSORS_ONLN);
    return sampling || n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (int)n;
}

static enum tarn_status worker_init(struct tarn_op *op, struct tarn__decoder *s,
                                    struct tarn__worker *w, const struct tarn_shape *shape,
                                    const struct tarn_type *target)
{
    w->letter_arena = tarn_arena_new(TARN__LETTER_BYTES_MAX * 2);
    if (!w->letter_arena)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode files");
    TARN_TRY(tarn__decode_init(op, &w->decode, &s->options, shape, target,
                               s->sampling ? 0 : TARN__TAIL_COLUMNS));
    return tarn__column_view_new(op, &w->decode.table, &w->view);
}

static enum tarn_status decoder_init(struct tarn_op *op, struct tarn__decoder *s,
                                     const struct tarn_shape *shape, const struct tarn_type *target)
{
    TARN_TRY(check_options(op, s));
    if (!s->sampling)
        TARN_TRY(check_target(op, target));
    s->arena = tarn_arena_new(DECODER_BYTES_MAX);
    if (!s->arena || pthread_mutex_init(&s->lock, NULL) != 0)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode files");
    s->has_lock = true;
    s->state = tarn_arena_alloc(s->arena, (s->files.count + 1) * sizeof *s->state);
    s->workers = tarn_arena_alloc(s->arena, (size_t)s->worker_count * sizeof *s->workers);
    if (!s->state || !s->workers)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode files");
    for (int i = 0; i < s->worker_count; i++)
        TARN_TRY(worker_init(op, s, &s->workers[i], shape, target));
    return TARN_OK;
}

static enum tarn_status next_batch(struct tarn_producer *p, struct tarn_op *op, int worker,
                                   struct tarn_batch *out);

enum tarn_status tarn__decoder_new(struct tarn_op *op, const struct tarn_input_files *files,
                                   const struct tarn_decode_options *options,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   bool sampling, struct tarn__decoder **out)
{
    *out = NULL;
    struct tarn__decoder *s = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *s);
    if (!s)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode files");
    s->options = *options;
    s->files = *files;
    s->sampling = sampling;
    s->read_limit = UINT64_MAX;
    s->worker_count = worker_count(options, sampling);
    s->decoder.state = s;
    s->decoder.producer = (struct tarn_producer){
        .schema = target, .workers_max = s->worker_count, .rows_estimate = -1, .next = next_batch};
    enum tarn_status status = decoder_init(op, s, shape, target);
    if (status != TARN_OK)
        tarn_decoder_close(&s->decoder);
    else
        *out = s;
    return status;
}

enum tarn_status tarn_decoder_open(struct tarn_op *op, const struct tarn_input_files *files,
                                   const struct tarn_decode_options *options,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   struct tarn_decoder **out)
{
    struct tarn__decoder *s;
    *out = NULL;
    TARN_TRY_WHILE(op, tarn__decoder_new(op, files, options, shape, target, false, &s),
                   "preparing to decode files");
    *out = &s->decoder;
    return TARN_OK;
}

void tarn_decoder_close(struct tarn_decoder *decoder)
{
    struct tarn__decoder *s = decoder ? decoder->state : NULL;
    if (!s)
        return;
    for (int i = 0; s->workers && i < s->worker_count; i++) {
        struct tarn__worker *w = &s->workers[i];
        tarn__decode_release(&w->decode);
        tarn__window_release(&w->rows.window);
        tarn_arena_free(w->letter_arena);
        free(w->rows.prefix);
        free(w->header.fields);
        free(w->letters);
    }
    if (s->has_lock)
        (void)pthread_mutex_destroy(&s->lock);
    tarn_shape_free(s->shape);
    tarn_arena_free(s->arena);
    free(s);
}

/* ---- batches */

static bool batch_full(struct tarn__worker *w, int64_t *next_check)
{
    if (w->decode.table.length >= TARN__BATCH_ROWS_MAX || w->bloated)
        return true;
    if (w->byte_count < *next_check)
        return false;
    *next_check = w->byte_count + CHECK_BYTES;
    return tarn__column_bytes(&w->decode.table) >= TARN__BATCH_BYTES_MAX;
}

/* Ready for the next batch. Memory that a huge document took is given back: else those behind it
 * would find the budget used up. */
static enum tarn_status batch_begin(struct tarn_op *op, struct tarn__worker *w)
{
    w->bloated = false;
    if (w->decode.budget.used <= w->decode.budget.max / 4) {
        tarn__column_clear(&w->decode.table);
        return TARN_OK;
    }
    if (!tarn__column_trim(&w->decode.table))
        return tarn_fail(op, TARN_NOMEM, "no memory for columns");
    return TARN_OK;
}

/* Until the batch is full or nothing is left. */
static enum tarn_status fill(struct tarn__decoder *s, struct tarn_op *op, struct tarn__worker *w)
{
    int64_t next_check = w->byte_count + CHECK_BYTES;
    bool has = true;
    while (has && !batch_full(w, &next_check)) {
        if (atomic_load_explicit(&s->failed, memory_order_relaxed))
            return TARN_OK;
        if (!w->active) {
            TARN_TRY(tarn__work_take(s, op, w, &has));
            continue;
        }
        bool more;
        TARN_TRY_WHILE(op, tarn__work_step(s, op, w, &more), "decoding file \"%.*s\"",
                       TARN_STR_ARG(s->files.items[w->work.file].name));
        if (!more)
            tarn__work_close(s, w);
    }
    return TARN_OK;
}

/* The first failure is everybody's. */
static enum tarn_status fail_all(struct tarn__decoder *s, struct tarn_op *op,
                                 enum tarn_status status)
{
    (void)pthread_mutex_lock(&s->lock);
    if (!atomic_load(&s->failed)) {
        s->failure = op->report;
        atomic_store(&s->failed, true);
    } else {
        op->report = s->failure;
        status = s->failure.status;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

static enum tarn_status next_batch(struct tarn_producer *p, struct tarn_op *op, int worker,
                                   struct tarn_batch *out)
{
    struct tarn__decoder *s = (struct tarn__decoder *)(void *)p;
    TARN_ASSERT(worker >= 0 && worker < s->worker_count);
    struct tarn__worker *w = &s->workers[worker];
    *out = (struct tarn_batch){0};
    for (;;) {
        enum tarn_status status = batch_begin(op, w);
        if (status == TARN_OK)
            status = fill(s, op, w);
        if (status != TARN_OK || atomic_load(&s->failed))
            return fail_all(s, op, status);
        if (w->decode.table.length == 0 && !w->bloated)
            return TARN_OK;
        if (w->decode.table.length == 0)
            continue;
        if (!atomic_load(&s->misfit)) /* else the batch is void, and only the shape is wanted */
            break;
    }
    tarn__column_view(&w->decode.table, &w->view);
    out->rows = w->decode.table.length;
    out->columns = w->view.children;
    out->column_count = w->view.child_count;
    return TARN_OK;
}

/* ---- the end */

static int letter_order(const void *a, const void *b)
{
    const struct tarn_dead_letter *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Turns the lines of each range into the lines before it; returns them all. */
static int64_t sum_lines(struct tarn__file *f)
{
    int64_t n = 0;
    for (uint64_t i = 0; i < f->ranges; i++) {
        int64_t here = f->range_lines[i];
        f->range_lines[i] = n;
        n += here;
    }
    return n;
}

static enum tarn_status collect_letters(struct tarn__decoder *s, struct tarn_op *op,
                                        struct tarn_decoded *out)
{
    for (int i = 0; i < s->worker_count; i++)
        out->letter_count += s->workers[i].letter_count;
    TARN_NEW_ARRAY(op, out->letters, out->letter_count + 1);
    size_t n = 0;
    for (int i = 0; i < s->worker_count; i++) {
        struct tarn__worker *w = &s->workers[i];
        for (size_t k = 0; k < w->letter_count; k++) {
            struct tarn_dead_letter l = w->letters[k].letter;
            l.line += s->state[l.file].range_lines[w->letters[k].range];
            l.raw = tarn_strdup(op, l.raw);
            l.reason = tarn_strdup(op, l.reason);
            if (l.column.ptr)
                l.column = tarn_strdup(op, l.column);
            if (!l.raw.ptr || !l.reason.ptr)
                return TARN_NOMEM;
            out->letters[n++] = l;
        }
    }
    qsort(out->letters, n, sizeof *out->letters, letter_order);
    return TARN_OK;
}

static enum tarn_status collect_files(struct tarn__decoder *s, struct tarn_op *op,
                                      struct tarn_decoded *out)
{
    TARN_NEW_ARRAY(op, out->files, s->files.count + 1);
    for (size_t i = 0; i < s->files.count; i++) {
        struct tarn__file *f = &s->state[i];
        out->files[i] = (struct tarn_decode_file){
            .rows = atomic_load(&f->rows),
            .letters = atomic_load(&f->letters),
            .lines = f->opened ? sum_lines(f) : 0,
        };
        TARN_TRY(tarn_file_unchanged(op, &s->files.items[i]));
    }
    return TARN_OK;
}

enum tarn_status tarn_decoder_finish(struct tarn_decoder *decoder, struct tarn_op *op,
                                     struct tarn_decoded *out)
{
    struct tarn__decoder *s = decoder->state;
    *out = (struct tarn_decoded){0};
    TARN_ASSERT(!s->shape); /* once */
    if (atomic_load(&s->failed)) {
        op->report = s->failure;
        return op->report.status;
    }
    TARN_TRY(collect_files(s, op, out));
    TARN_TRY(collect_letters(s, op, out));
    s->shape = tarn_shape_new(op);
    if (!s->shape)
        return TARN_NOMEM;
    for (int i = 0; i < s->worker_count; i++) {
        TARN_TRY(tarn_shape_join(op, s->shape, s->workers[i].decode.shape));
        out->rows += s->workers[i].row_count;
        out->bytes += s->workers[i].byte_count;
    }
    out->shape = s->shape;
    out->misfit = atomic_load(&s->misfit);
    return TARN_OK;
}
