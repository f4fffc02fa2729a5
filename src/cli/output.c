/* output: see output.h.
 *
 * Whatever its source, a row becomes cells that each format asks for in its own form: `struct row`
 * hides whether they come from a batch or from a listing. Formats that stream write through `buf`,
 * which is flushed past FLUSH_AT bytes; a table's cells gather in `cells` with their ends in
 * `ends`, until the widths are known.
 */
#include "cli/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/table.h"
#include "cli/term.h"
#include "format/batch_text.h"

#define ROWS_DEFAULT 1000
#define FLUSH_AT     ((size_t)64 << 10)
#define BUF_MAX      ((size_t)1 << 30)
#define CELL_MIN     8  /* columns of a cell that is cut */
#define RECORD_RULE  24 /* columns of a record's first line behind the names */
#define ABSENT       SIZE_MAX

struct column {
    struct tarn_str name, key; /* key: unique, for JSON */
    struct tarn_str type;      /* for JSON */
    bool right;
};
struct row {
    const struct tarn_batch *batch; /* or */
    size_t at;
    const struct tarn_str *cells;
};
struct tarn__output_state {
    const struct tarn_output_column *listing; /* NULL: batches */
    struct column *columns;                   /* in op->arena */
    size_t count;
    struct tarn_buf buf;
    struct tarn_json_writer json;
    struct tarn_buf cells; /* table */
    struct tarn_buf ends;  /* table: size_t a cell; ABSENT = null */
    size_t kept;           /* table: rows */
    bool begun;
};

/* ---- bytes */

enum tarn_status tarn_output_bytes(struct tarn_op *op, int fd, struct tarn_str bytes,
                                   bool *out_reader_gone)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EPIPE && out_reader_gone) {
            *out_reader_gone = true;
            return TARN_OK;
        }
        if (n < 0)
            return tarn_fail_errno(op, errno, "could not write the output");
        bytes = tarn_str_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
    return TARN_OK;
}

static enum tarn_status flush(struct tarn_output *out, struct tarn_op *op)
{
    struct tarn_buf *b = &out->state->buf;
    enum tarn_status status = TARN_OK;
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, b, "a row"));
    if (out->options.into)
        tarn_buf_str(out->options.into, tarn_buf_view(b));
    else if (!out->reader_gone)
        status = tarn_output_bytes(op, out->options.fd, tarn_buf_view(b), &out->reader_gone);
    tarn_buf_reset(b);
    return status;
}

/* ---- columns */

static bool is_number(enum tarn_type_kind kind)
{
    return kind >= TARN_TYPE_INT && kind <= TARN_TYPE_DECIMAL;
}

/* Column i's name, with a number behind it if an earlier column has it. */
static enum tarn_status unique_key(struct tarn_op *op, struct column *columns, size_t i)
{
    struct column *c = &columns[i];
    c->key = c->name;
    for (int n = 2;; n++) {
        size_t k = 0;
        while (k < i && !tarn_str_eq(columns[k].key, c->key))
            k++;
        if (k == i)
            return TARN_OK;
        c->key = tarn_sprintf(op, "%.*s_%d", TARN_STR_ARG(c->name), n);
        if (!c->key.ptr)
            return TARN_NOMEM;
    }
}

static enum tarn_status columns_of_type(struct tarn_op *op, const struct tarn_type *type,
                                        struct tarn__output_state *s)
{
    s->count = type->field_count;
    TARN_NEW_ARRAY(op, s->columns, s->count);
    for (size_t i = 0; i < s->count; i++) {
        const struct tarn_field *f = &type->fields[i];
        s->columns[i] = (struct column){.name = f->name, .right = is_number(f->type.kind)};
        s->columns[i].type = tarn_type_text(op, &f->type);
        if (!s->columns[i].type.ptr)
            return TARN_NOMEM;
        TARN_TRY(unique_key(op, s->columns, i));
    }
    return TARN_OK;
}

static enum tarn_status columns_of_listing(struct tarn_op *op,
                                           const struct tarn_output_column *listing, size_t count,
                                           struct tarn__output_state *s)
{
    static const char *const types[] = {"string", "long", "boolean", "json"};
    s->listing = listing;
    s->count = count;
    TARN_NEW_ARRAY(op, s->columns, count);
    for (size_t i = 0; i < count; i++) {
        s->columns[i] = (struct column){.name = tarn_str_view(listing[i].name),
                                        .type = tarn_str_view(types[listing[i].kind]),
                                        .right = listing[i].kind == TARN_OUTPUT_NUMBER};
        TARN_TRY(unique_key(op, s->columns, i));
    }
    return TARN_OK;
}

/* ---- cells */

static bool cell_is_null(const struct row *r, size_t i)
{
    return r->batch ? tarn_column_is_null(&r->batch->columns[i], r->at) : r->cells[i].ptr == NULL;
}

static void put_text(struct tarn_buf *b, const struct row *r, size_t i)
{
    if (r->batch)
        tarn_column_text(b, &r->batch->columns[i], r->at);
    else
        tarn_buf_str(b, r->cells[i]);
}

static void put_json(struct tarn__output_state *s, const struct row *r, size_t i)
{
    if (r->batch)
        tarn_column_json(&s->json, &r->batch->columns[i], r->at);
    else if (!r->cells[i].ptr)
        tarn_json_put_null(&s->json);
    else if (s->listing[i].kind == TARN_OUTPUT_TEXT)
        tarn_json_put_str(&s->json, r->cells[i]);
    else
        tarn_json_put_raw(&s->json, r->cells[i]);
}

/* RFC 4180: quoted when it holds a comma, a quote or a line break; an empty text is quoted, null is
 * not. */
static void put_csv_text(struct tarn_buf *b, struct tarn_str s)
{
    bool plain = s.len > 0 && s.ptr[0] != ' ' && s.ptr[s.len - 1] != ' ';
    for (size_t i = 0; plain && i < s.len; i++)
        plain = !strchr(",\"\r\n", s.ptr[i]) || s.ptr[i] == '\0';
    if (plain) {
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

static void put_csv(struct tarn_buf *b, const struct row *r, size_t i)
{
    if (r->batch)
        tarn_column_csv(b, &r->batch->columns[i], r->at, ',');
    else if (r->cells[i].ptr)
        put_csv_text(b, r->cells[i]);
}

/* Markdown: a bar ends a cell, a line break ends the table. */
static void put_md_text(struct tarn_buf *b, struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\n')
            tarn_buf_z(b, "<br>");
        else if (c == '|' || c == '\\' || c == '<' || c == '`' || c == '*' || c == '_')
            tarn_buf_printf(b, "\\%c", c);
        else if (c != '\r')
            tarn_buf_put(b, c);
    }
}

/* ---- the beginning */

static void json_begin(struct tarn__output_state *s)
{
    struct tarn_json_writer *w = &s->json;
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "v", 1);
    tarn_json_key(w, "columns");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < s->count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_str(w, "name", s->columns[i].key);
        tarn_json_member_str(w, "type", s->columns[i].type);
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    tarn_json_key(w, "rows");
    tarn_json_begin_array(w);
}

static void csv_begin(struct tarn__output_state *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (i)
            tarn_buf_put(&s->buf, ',');
        put_csv_text(&s->buf, s->columns[i].name);
    }
    tarn_buf_put(&s->buf, '\n');
}

static void md_begin(struct tarn__output_state *s)
{
    for (size_t i = 0; i < s->count; i++) {
        tarn_buf_z(&s->buf, "| ");
        put_md_text(&s->buf, s->columns[i].name);
        tarn_buf_put(&s->buf, ' ');
    }
    tarn_buf_z(&s->buf, "|\n");
    for (size_t i = 0; i < s->count; i++)
        tarn_buf_z(&s->buf, s->columns[i].right ? "|---:" : "|---");
    tarn_buf_z(&s->buf, "|\n");
}

static void put_beginning(struct tarn_output *out)
{
    struct tarn__output_state *s = out->state;
    switch (out->options.format) {
    case TARN_FORMAT_JSON:
        json_begin(s);
        break;
    case TARN_FORMAT_CSV:
        csv_begin(s);
        break;
    case TARN_FORMAT_MD:
        md_begin(s);
        break;
    case TARN_FORMAT_TABLE:
    case TARN_FORMAT_NDJSON:
    case TARN_FORMAT_EXPANDED:
        break;
    }
    s->begun = true;
}

void tarn_output_init(struct tarn_output *out, const struct tarn_output_options *options)
{
    *out = (struct tarn_output){.options = *options};
    if (out->options.rows_max <= 0)
        out->options.rows_max = ROWS_DEFAULT;
}

static enum tarn_status state_new(struct tarn_output *out, struct tarn_op *op)
{
    struct tarn__output_state *s = calloc(1, sizeof *s);
    if (!s)
        return tarn_fail(op, TARN_NOMEM, "could not start the output: out of memory");
    tarn_buf_init(&s->buf, BUF_MAX);
    tarn_buf_init(&s->cells, BUF_MAX);
    tarn_buf_init(&s->ends, BUF_MAX);
    tarn_json_writer_init(&s->json, &s->buf);
    out->state = s;
    return TARN_OK;
}

void tarn_output_release(struct tarn_output *out)
{
    if (!out || !out->state)
        return;
    tarn_buf_release(&out->state->buf);
    tarn_buf_release(&out->state->cells);
    tarn_buf_release(&out->state->ends);
    free(out->state);
    out->state = NULL;
}

enum tarn_status tarn_output_begin(struct tarn_output *out, struct tarn_op *op,
                                   const struct tarn_type *type)
{
    TARN_ASSERT(!out->state && type->kind == TARN_TYPE_STRUCT);
    TARN_TRY(state_new(out, op));
    TARN_TRY(columns_of_type(op, type, out->state));
    put_beginning(out);
    return TARN_OK;
}

enum tarn_status tarn_output_begin_listing(struct tarn_output *out, struct tarn_op *op,
                                           const struct tarn_output_column *columns, size_t count)
{
    TARN_ASSERT(!out->state);
    TARN_TRY(state_new(out, op));
    TARN_TRY(columns_of_listing(op, columns, count, out->state));
    put_beginning(out);
    return TARN_OK;
}

/* ---- rows */

static void json_row(struct tarn__output_state *s, const struct row *r)
{
    tarn_json_begin_object(&s->json);
    for (size_t i = 0; i < s->count; i++) {
        tarn_json_key_str(&s->json, s->columns[i].key);
        put_json(s, r, i);
    }
    tarn_json_end_object(&s->json);
}

static void csv_row(struct tarn__output_state *s, const struct row *r)
{
    for (size_t i = 0; i < s->count; i++) {
        if (i)
            tarn_buf_put(&s->buf, ',');
        put_csv(&s->buf, r, i);
    }
    tarn_buf_put(&s->buf, '\n');
}

static void md_row(struct tarn__output_state *s, const struct row *r)
{
    for (size_t i = 0; i < s->count; i++) {
        tarn_buf_z(&s->buf, "| ");
        if (!cell_is_null(r, i)) {
            size_t from = s->cells.len;
            put_text(&s->cells, r, i);
            if (!s->cells.failed)
                put_md_text(&s->buf, tarn_str_of(s->cells.ptr + from, s->cells.len - from));
        }
        tarn_buf_put(&s->buf, ' ');
    }
    tarn_buf_z(&s->buf, "|\n");
    s->buf.failed = s->buf.failed || s->cells.failed;
    tarn_buf_reset(&s->cells);
}

static void table_row(struct tarn_output *out, const struct row *r)
{
    struct tarn__output_state *s = out->state;
    if (s->kept == (size_t)out->options.rows_max) {
        out->more = true;
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        size_t end = ABSENT;
        if (!cell_is_null(r, i)) {
            put_text(&s->cells, r, i);
            end = s->cells.len;
        }
        tarn_buf_append(&s->ends, &end, sizeof end);
    }
    s->kept++;
}

/* Appends a column's name; how wide it stands there. */
static int put_name(struct tarn_buf *b, struct tarn_str name)
{
    size_t from = b->len;
    tarn_text_escape(b, name);
    return b->failed ? 0 : tarn_text_width(tarn_str_of(b->ptr + from, b->len - from));
}

/* psql's \x: "-[ RECORD 1 ]----", then a line a column. */
static void expanded_row(struct tarn_output *out, const struct row *r)
{
    struct tarn__output_state *s = out->state;
    struct tarn_buf *b = &s->buf;
    int names = 0;
    if (s->kept == (size_t)out->options.rows_max) {
        out->more = true;
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        int width = put_name(&s->cells, s->columns[i].name);
        names = width > names ? width : names;
        tarn_buf_reset(&s->cells);
    }
    size_t line = b->len;
    tarn_buf_printf(b, "-[ RECORD %zu ]", ++s->kept);
    while (!b->failed && b->len - line < (size_t)names + RECORD_RULE)
        tarn_buf_put(b, b->len - line == (size_t)names + 1 ? '+' : '-');
    tarn_buf_put(b, '\n');
    for (size_t i = 0; i < s->count; i++) {
        int width = put_name(b, s->columns[i].name);
        tarn_buf_printf(b, "%*s |", names - width, "");
        tarn_buf_reset(&s->cells);
        if (cell_is_null(r, i))
            tarn_buf_z(&s->cells, "NULL");
        else
            put_text(&s->cells, r, i);
        b->failed = b->failed || s->cells.failed;
        if (s->cells.len)
            tarn_buf_put(b, ' ');
        tarn_text_escape(b, tarn_buf_view(&s->cells));
        tarn_buf_put(b, '\n');
    }
}

static enum tarn_status take_row(struct tarn_output *out, struct tarn_op *op, const struct row *r)
{
    struct tarn__output_state *s = out->state;
    out->rows++;
    switch (out->options.format) {
    case TARN_FORMAT_TABLE:
        table_row(out, r);
        break;
    case TARN_FORMAT_JSON:
        json_row(s, r);
        break;
    case TARN_FORMAT_NDJSON:
        json_row(s, r);
        tarn_buf_put(&s->buf, '\n');
        tarn_json_writer_init(&s->json, &s->buf); /* the next line is a document of its own */
        break;
    case TARN_FORMAT_CSV:
        csv_row(s, r);
        break;
    case TARN_FORMAT_MD:
        md_row(s, r);
        break;
    case TARN_FORMAT_EXPANDED:
        expanded_row(out, r);
        break;
    }
    return s->buf.len >= FLUSH_AT || s->buf.failed ? flush(out, op) : TARN_OK;
}

enum tarn_status tarn_output_batch(struct tarn_output *out, struct tarn_op *op,
                                   const struct tarn_batch *batch)
{
    TARN_ASSERT(out->state && out->state->begun && batch->column_count == out->state->count);
    for (size_t i = 0; i < batch->rows && tarn_output_wants_more(out); i++)
        TARN_TRY(take_row(out, op, &(struct row){.batch = batch, .at = i}));
    return TARN_OK;
}

enum tarn_status tarn_output_row(struct tarn_output *out, struct tarn_op *op,
                                 const struct tarn_str *cells)
{
    TARN_ASSERT(out->state && out->state->begun);
    return tarn_output_wants_more(out) ? take_row(out, op, &(struct row){.cells = cells}) : TARN_OK;
}

bool tarn_output_wants_more(const struct tarn_output *out)
{
    return !out->reader_gone && !out->more;
}

/* ---- the end of a table */

/* The cells as texts, out of op->scratch. */
static enum tarn_status table_cells(struct tarn__output_state *s, struct tarn_op *op,
                                    struct tarn_str **out)
{
    size_t n = s->kept * s->count, from = 0;
    struct tarn_str *cells = tarn_arena_alloc(op->scratch, n * sizeof *cells);
    if (!cells)
        return tarn_fail(op, TARN_NOMEM, "could not lay out a table of %zu cells: out of memory",
                         n);
    for (size_t i = 0; i < n; i++) {
        size_t end;
        memcpy(&end, s->ends.ptr + i * sizeof end, sizeof end);
        if (end == ABSENT)
            continue;
        cells[i] = tarn_str_of(s->cells.ptr ? s->cells.ptr + from : "", end - from);
        from = end;
    }
    *out = cells;
    return TARN_OK;
}

/* One text and nothing else, as SHOW CREATE answers: a line of it is a line of the table, so that it
 * can be read and copied. */
static enum tarn_status only_text_lines(struct tarn__output_state *s, struct tarn_op *op,
                                        struct tarn_str **cells, size_t *rows)
{
    if (s->count != 1 || s->kept != 1 ||
        !memchr((*cells)->ptr ? (*cells)->ptr : "", '\n', (*cells)->len))
        return TARN_OK;
    struct tarn_str rest = **cells, *lines;
    size_t count = 1;
    for (size_t i = 0; i < rest.len; i++)
        count += rest.ptr[i] == '\n';
    lines = tarn_arena_alloc(op->scratch, count * sizeof *lines);
    if (!lines)
        return tarn_fail(op, TARN_NOMEM, "could not lay out a table: out of memory");
    for (size_t i = 0; i < count; i++)
        (void)tarn_str_cut(&rest, '\n', &lines[i]);
    *cells = lines;
    *rows = count;
    return TARN_OK;
}

/* How wide each column would be, counted as the table does, up to `limit`. */
static enum tarn_status natural_widths(struct tarn__output_state *s, struct tarn_op *op,
                                       const struct tarn_text_table *table, int limit, int *widths)
{
    const struct tarn_str *cells = table->cells;
    struct tarn_buf b;
    tarn_buf_init(&b, BUF_MAX);
    for (size_t i = 0; i < (table->row_count + 1) * s->count; i++) {
        size_t column = i % s->count;
        struct tarn_str cell = i < s->count ? s->columns[column].name : cells[i - s->count];
        tarn_buf_reset(&b);
        tarn_text_fit(&b, cell.ptr ? cell : TARN_STR("NULL"), limit);
        int width = b.failed ? limit : tarn_text_width(tarn_buf_view(&b));
        if (width > widths[column])
            widths[column] = width;
    }
    bool failed = b.failed;
    tarn_buf_release(&b);
    return failed ? tarn_fail(op, TARN_NOMEM, "could not lay out a table: out of memory") : TARN_OK;
}

/* The widest cells that let a line fit; 0 = all fit as they are. */
static int cut_width(const int *widths, size_t count, int width)
{
    for (int cell = width; cell > CELL_MIN; cell--) {
        int line = 2 + 3 * ((int)count - 1);
        for (size_t i = 0; i < count; i++)
            line += widths[i] < cell ? widths[i] : cell;
        if (line <= width)
            return cell == width ? 0 : cell;
    }
    return CELL_MIN;
}

static void put_count(struct tarn_output *out)
{
    struct tarn_buf *b = &out->state->buf;
    if (out->options.no_count)
        return;
    tarn_buf_z(b, out->more ? "(the first " : "(");
    tarn_put_plural(b, (int64_t)out->state->kept, "row", "rows");
    tarn_buf_z(b, out->more ? "; there are more" : "");
    if (out->options.started_ns) {
        tarn_buf_z(b, ", ");
        tarn_put_duration(b, tarn_clock_monotonic_ns(tarn_clock_real()) - out->options.started_ns);
    }
    tarn_buf_z(b, ")\n");
}

static enum tarn_status put_table(struct tarn_output *out, struct tarn_op *op)
{
    struct tarn__output_state *s = out->state;
    struct tarn_str *cells = NULL;
    struct tarn_text_table table = {
        .column_count = s->count, .row_count = s->kept, .null_text = "NULL"};
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, &s->cells, "a table"));
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, &s->ends, "a table"));
    TARN_TRY(table_cells(s, op, &cells));
    TARN_TRY(only_text_lines(s, op, &cells, &table.row_count));
    table.cells = cells;
    struct tarn_text_column *columns = tarn_arena_alloc(op->scratch, s->count * sizeof *columns);
    int *widths = tarn_arena_alloc(op->scratch, s->count * sizeof *widths);
    if (!columns || !widths)
        return tarn_fail(op, TARN_NOMEM, "could not lay out a table: out of memory");
    for (size_t i = 0; i < s->count; i++)
        columns[i] = (struct tarn_text_column){s->columns[i].name, s->columns[i].right};
    if (out->options.width > 0 && s->count > 0) {
        TARN_TRY(natural_widths(s, op, &table, out->options.width, widths));
        table.cell_width_max = cut_width(widths, s->count, out->options.width);
    }
    table.columns = columns;
    TARN_TRY(tarn_text_table_render(op, &table, &s->buf));
    put_count(out);
    return TARN_OK;
}

enum tarn_status tarn_output_end(struct tarn_output *out, struct tarn_op *op)
{
    struct tarn__output_state *s = out->state;
    TARN_ASSERT(s && s->begun);
    if (out->options.format == TARN_FORMAT_JSON) {
        tarn_json_end_array(&s->json);
        tarn_json_member_i64(&s->json, "row_count", out->rows);
        if (out->options.tag.ptr)
            tarn_json_member_str(&s->json, "tag", out->options.tag);
        tarn_json_end_object(&s->json);
        tarn_buf_put(&s->buf, '\n');
    } else if (out->options.format == TARN_FORMAT_TABLE) {
        struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
        enum tarn_status status = put_table(out, op);
        tarn_arena_rewind(op->scratch, mark);
        TARN_TRY(status);
    } else if (out->options.format == TARN_FORMAT_EXPANDED) {
        put_count(out);
    }
    return flush(out, op);
}
