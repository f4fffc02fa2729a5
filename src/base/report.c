/* report: see report.h. */
#include "base/report.h"

#include <stdio.h>

#include "base/table.h"

#define RED   "\x1b[1;31m"
#define BLUE  "\x1b[1;34m"
#define GREEN "\x1b[1;32m"
#define BOLD  "\x1b[1m"
#define PLAIN "\x1b[0m"

struct out {
    struct tarn_buf *buf;
    bool colour;
};

static void put(struct out *o, const char *colour, const char *text)
{
    if (o->colour)
        tarn_buf_z(o->buf, colour);
    tarn_buf_z(o->buf, text);
    if (o->colour)
        tarn_buf_z(o->buf, PLAIN);
}

/* Text of several lines: later ones are indented to stand under the first. */
static void put_lines(struct out *o, const char *text, int indent)
{
    struct tarn_str rest = tarn_str_view(text), line;
    for (bool first = true; rest.ptr; first = false) {
        (void)tarn_str_cut(&rest, '\n', &line);
        if (!first)
            tarn_buf_printf(o->buf, "%*s", indent, "");
        tarn_text_escape(o->buf, line);
        tarn_buf_put(o->buf, '\n');
    }
}

/* The caret, behind blanks as wide as the first `column` - 1 characters are shown. None when the
 * column lies past the end of the line: a long line's end is not kept. */
static void put_caret(struct out *o, const char *line, int column)
{
    struct tarn_str s = tarn_str_view(line);
    size_t bytes = 0;
    int at = 1;
    for (; at < column && bytes < s.len; at++) {
        bytes++;
        while (bytes < s.len && ((unsigned char)s.ptr[bytes] & 0xC0) == 0x80)
            bytes++;
    }
    if (at != column)
        return;
    struct tarn_buf shown;
    tarn_buf_init(&shown, 4096);
    tarn_text_escape(&shown, tarn_str_of(s.ptr, bytes));
    tarn_buf_printf(o->buf, " %*s", tarn_text_width(tarn_buf_view(&shown)), "");
    tarn_buf_release(&shown);
    put(o, RED, "^");
}

/* A line of source has its tabs as blanks: in the caret's line nothing else would keep step. */
static void source_without_tabs(const char *line, char *out)
{
    for (; *line; line++)
        *out++ = (char)(*line == '\t' ? ' ' : *line);
    *out = '\0';
}

static void put_place(struct out *o, const struct tarn_report *r)
{
    char number[16], source[sizeof r->source_line];
    int gutter = snprintf(number, sizeof number, "%d", r->line);
    tarn_buf_printf(o->buf, "%*s", gutter + 1, "");
    put(o, BLUE, "--> ");
    tarn_text_escape(o->buf, tarn_str_view(r->file));
    if (r->line > 0)
        tarn_buf_printf(o->buf, r->column > 0 ? ":%d:%d" : ":%d", r->line, r->column);
    tarn_buf_put(o->buf, '\n');
    if (r->source_line[0] == '\0')
        return;
    source_without_tabs(r->source_line, source);
    tarn_buf_printf(o->buf, "%*s", gutter + 1, "");
    put(o, BLUE, "|\n");
    put(o, BLUE, number);
    put(o, BLUE, " | ");
    tarn_text_escape(o->buf, tarn_str_view(source));
    tarn_buf_printf(o->buf, "\n%*s", gutter + 1, "");
    put(o, BLUE, "|");
    put_caret(o, source, r->column);
    tarn_buf_put(o->buf, '\n');
}

void tarn_report_text(struct tarn_buf *b, const struct tarn_report *r,
                      struct tarn_report_style style)
{
    struct out o = {b, style.colour};
    char head[32];
    (void)snprintf(head, sizeof head, "error[%s]", tarn_status_info(r->status)->code);
    put(&o, RED, head);
    put(&o, BOLD, ": ");
    put_lines(&o, r->message, 7);
    if (r->file[0])
        put_place(&o, r);
    if (r->detail[0]) {
        put(&o, BOLD, "detail: ");
        put_lines(&o, r->detail, 8);
    }
    for (int i = 0; i < r->frame_count; i++) {
        put(&o, BOLD, "while ");
        put_lines(&o, r->frames[i], 6);
    }
    if (r->hint[0]) {
        put(&o, GREEN, "hint: ");
        put_lines(&o, r->hint, 6);
    }
}

static void member_if(struct tarn_json_writer *w, const char *key, const char *text)
{
    if (text[0])
        tarn_json_member_z(w, key, text);
}

void tarn_report_json(struct tarn_json_writer *w, const struct tarn_report *r)
{
    static const char *const retries[] = {"never", "again", "refresh"};
    const struct tarn_status_info *info = tarn_status_info(r->status);
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "v", 1);
    tarn_json_member_z(w, "code", info->code);
    tarn_json_member_z(w, "name", info->name);
    tarn_json_member_z(w, "sqlstate", info->sqlstate);
    tarn_json_member_z(w, "retry", retries[info->retry]);
    tarn_json_member_z(w, "message", r->message);
    member_if(w, "detail", r->detail);
    member_if(w, "hint", r->hint);
    if (r->file[0]) {
        tarn_json_key(w, "place");
        tarn_json_begin_object(w);
        tarn_json_member_z(w, "file", r->file);
        if (r->line > 0)
            tarn_json_member_i64(w, "line", r->line);
        if (r->column > 0)
            tarn_json_member_i64(w, "column", r->column);
        tarn_json_end_object(w);
    }
    if (r->frame_count > 0) {
        tarn_json_key(w, "while");
        tarn_json_begin_array(w);
        for (int i = 0; i < r->frame_count; i++)
            tarn_json_put_z(w, r->frames[i]);
        tarn_json_end_array(w);
    }
    tarn_json_end_object(w);
}
