/* json_records: the elements of an array within each document. See decode_rows.h.
 *
 * level is the number of objects on the path that are open, less one; -1 stands between
 * documents. What is not on the path is passed over by its brackets.
 */
#include "flow/decode_rows.h"

enum tarn_status tarn__records_path(struct tarn_op *op, struct tarn_str path, struct tarn__rows *r)
{
    struct tarn_str rest = path, step;
    bool more;
    r->path_len = 0;
    do {
        more = tarn_str_cut(&rest, '.', &step);
        if (step.len == 0 || r->path_len == (int)(sizeof r->path / sizeof *r->path))
            return tarn_fail(op, TARN_CONFIG,
                             "\"%.*s\" is no path of an array of records (a.b, at most %zu steps)",
                             TARN_STR_ARG(path), sizeof r->path / sizeof *r->path);
        r->path[r->path_len++] = step;
    } while (more);
    r->level = -1;
    return TARN_OK;
}

/* Passes over a value that is no record. BROKEN: the rest of the file cannot be read. */
static enum tarn_status pass_member(struct tarn__rows *r, struct tarn_op *op, bool *ok)
{
    struct tarn__window *w = &r->window;
    enum tarn__pass_result result = TARN__PASS_MORE;
    r->pass = (struct tarn__pass){.at = 0};
    for (;;) {
        result = tarn__pass_on(&r->pass, w->buf + w->begin, w->buf + w->end);
        if (result != TARN__PASS_MORE || w->eof)
            break;
        tarn__rows_take(r, r->pass.at);
        r->pass.at = 0;
        TARN_TRY(tarn__window_more(w, op));
    }
    *ok = result == TARN__PASS_DONE;
    if (*ok)
        tarn__rows_take(r, r->pass.at);
    return TARN_OK;
}

/* A key, its ':' included; *is_step: it is the path's next step. */
static enum tarn_status take_key(struct tarn__rows *r, struct tarn_op *op, bool *is_step, bool *ok)
{
    struct tarn__window *w = &r->window;
    char c;
    r->pass = (struct tarn__pass){.at = 0};
    enum tarn__pass_result result;
    while ((result = tarn__pass_on(&r->pass, w->buf + w->begin, w->buf + w->end)) ==
               TARN__PASS_MORE &&
           !w->eof && r->pass.at <= r->bytes_max)
        TARN_TRY(tarn__window_more(w, op));
    *ok = result == TARN__PASS_DONE && r->pass.at >= 2;
    if (!*ok)
        return TARN_OK;
    struct tarn_str key = tarn_str_of(w->buf + w->begin + 1, r->pass.at - 2);
    *is_step = tarn_str_eq(key, r->path[r->level]);
    tarn__rows_take(r, r->pass.at);
    TARN_TRY(tarn__peek(r, op, &c));
    *ok = c == ':';
    if (*ok)
        tarn__rows_take(r, 1);
    return TARN_OK;
}

/* Behind a document without records: it is a letter, with its start as text. */
static bool close_object(struct tarn__rows *r, struct tarn__record *out)
{
    tarn__rows_take(r, 1);
    r->after_value = true;
    if (--r->level >= 0 || r->found)
        return false;
    size_t length = (size_t)(r->window.offset - r->document_offset);
    if (r->prefix_len > length)
        r->prefix_len = length;
    out->offset = r->document_offset;
    out->line = r->document_line;
    tarn__rows_letter(r, out, "the document has no array of records at the path given");
    return true;
}

static enum tarn_status open_document(struct tarn__rows *r, struct tarn_op *op)
{
    struct tarn__window *w = &r->window;
    r->document_offset = w->offset;
    r->document_line = tarn__line_here(r);
    r->level = 0;
    r->found = r->after_value = false;
    TARN_TRY(tarn__rows_keep(r, op, w->end - w->begin));
    tarn__rows_take(r, 1);
    return TARN_OK;
}

/* A value of the path, at its first byte c. *has: it is a letter. */
static enum tarn_status enter_step(struct tarn__rows *r, struct tarn_op *op, char c,
                                   struct tarn__record *out, bool *has, bool *ok)
{
    bool last = r->level + 1 == r->path_len;
    r->after_value = true;
    if (last && c == '[') {
        r->in_array = r->found = true;
        r->after_value = false;
        tarn__rows_take(r, 1);
        return TARN_OK;
    }
    if (!last && c == '{') {
        r->level++;
        r->after_value = false;
        tarn__rows_take(r, 1);
        return TARN_OK;
    }
    if (!last || c == 'n') {
        r->found = r->found || last;
        return pass_member(r, op, ok);
    }
    r->found = true;
    TARN_TRY(tarn__value_take(r, op, out, has));
    if (*has && !out->letter && !out->rest)
        out->letter = "the value at the path of the records is no array";
    return TARN_OK;
}

/* One step through the documents around the records. *ok false: malformed. */
static enum tarn_status navigate(struct tarn__rows *r, struct tarn_op *op, struct tarn__record *out,
                                 bool *has, bool *ok)
{
    char c;
    bool is_step = false;
    TARN_TRY(tarn__peek(r, op, &c));
    if (r->level < 0) {
        if (c == '\0')
            r->ended = true;
        else if (c == '{')
            return open_document(r, op);
        else
            return tarn__value_take(r, op, out, has);
        return TARN_OK;
    }
    if (c == '}') {
        *has = close_object(r, out);
        return TARN_OK;
    }
    if (r->after_value) {
        *ok = c == ',';
        if (!*ok)
            return TARN_OK;
        tarn__rows_take(r, 1);
        TARN_TRY(tarn__peek(r, op, &c));
    }
    *ok = c == '"';
    if (*ok)
        TARN_TRY(take_key(r, op, &is_step, ok));
    if (!*ok)
        return TARN_OK;
    TARN_TRY(tarn__peek(r, op, &c));
    if (is_step)
        return enter_step(r, op, c, out, has, ok);
    r->after_value = true;
    return pass_member(r, op, ok);
}

/* One step within the array. */
static enum tarn_status next_element(struct tarn__rows *r, struct tarn_op *op,
                                     struct tarn__record *out, bool *has)
{
    const char *reason;
    char c;
    TARN_TRY(tarn__peek(r, op, &c));
    if (c == ']') {
        tarn__rows_take(r, 1);
        r->in_array = false;
        r->after_value = true;
        return TARN_OK;
    }
    TARN_TRY(tarn__value_start(r, op, &c, &reason));
    return reason ? tarn__rows_rest(r, op, reason, out, has) : tarn__value_take(r, op, out, has);
}

enum tarn_status tarn__records_next(struct tarn__rows *r, struct tarn_op *op,
                                    struct tarn__record *out, bool *has)
{
    *has = false;
    while (!*has && !r->ended) {
        bool ok = true;
        out->letter = NULL;
        out->rest = false;
        if (r->in_array)
            TARN_TRY(next_element(r, op, out, has));
        else
            TARN_TRY(navigate(r, op, out, has, &ok));
        if (!ok)
            return tarn__rows_rest(r, op, "the document around the records is malformed", out, has);
    }
    return TARN_OK;
}
