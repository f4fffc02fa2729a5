/* table: see table.h. Text is walked glyph by glyph: one code point, or the escape that stands
 * for it. */
#include "base/table.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/base_int.h"
#include "base/width_table.h"

#define ELLIPSIS "\xE2\x80\xA6"

static bool in_ranges(uint32_t cp, const struct range *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (cp > ranges[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && cp >= ranges[low].first;
}

static int width_of(uint32_t cp)
{
    if (cp < 0x300)
        return 1;
    if (in_ranges(cp, zero_width, sizeof zero_width / sizeof *zero_width))
        return 0;
    return in_ranges(cp, double_width, sizeof double_width / sizeof *double_width) ? 2 : 1;
}

/* Marks that turn the direction of the text behind them can make one text look like another. */
static bool is_dangerous(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 || cp == 0x061C ||
           (cp >= 0x200E && cp <= 0x200F) || (cp >= 0x202A && cp <= 0x202E) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xFEFF;
}

struct glyph {
    char text[12];
    size_t len;
    int width;
};

static struct glyph escaped(const char *form, uint32_t value)
{
    struct glyph g;
    g.width = snprintf(g.text, sizeof g.text, form, value);
    g.len = (size_t)g.width;
    return g;
}

/* Takes one glyph off the front of s, which is not empty. */
static struct glyph take_glyph(struct tarn_str *s)
{
    const unsigned char *p = (const unsigned char *)s->ptr;
    size_t n = tarn__utf8_len(p, p + s->len);
    struct glyph g = {.len = n};
    if (n == 0) {
        g = escaped("\\x%02x", p[0]);
        n = 1;
    } else {
        uint32_t cp = tarn__utf8_decode(p, n);
        if (!is_dangerous(cp)) {
            memcpy(g.text, p, n);
            g.width = width_of(cp);
        } else if (cp == '\n' || cp == '\t' || cp == '\r') {
            g = escaped("\\%c", cp == '\n' ? 'n' : cp == '\t' ? 't' : 'r');
        } else {
            g = escaped(cp < 0x80 ? "\\x%02x" : "\\u%04x", cp);
        }
    }
    s->ptr += n;
    s->len -= n;
    return g;
}

int tarn_text_width(struct tarn_str s)
{
    int width = 0;
    while (s.len > 0)
        width += take_glyph(&s).width;
    return width;
}

void tarn_text_escape(struct tarn_buf *b, struct tarn_str s)
{
    while (s.len > 0) {
        struct glyph g = take_glyph(&s);
        tarn_buf_append(b, g.text, g.len);
    }
}

/* Appends (b may be NULL) what fits and returns its width. */
static int fit(struct tarn_buf *b, struct tarn_str s, int width_max)
{
    int width = 0, whole = 0;
    size_t fitting = 0; /* bytes of s that leave room for the ellipsis */
    struct tarn_str rest = s;
    while (rest.len > 0 && (width_max == 0 || whole <= width_max)) {
        struct glyph g = take_glyph(&rest);
        whole += g.width;
        if (width_max == 0 || whole < width_max) {
            width = whole;
            fitting = s.len - rest.len;
        }
    }
    bool cut = width_max > 0 && whole > width_max;
    if (b)
        tarn_text_escape(b, cut ? tarn_str_of(s.ptr, fitting) : s);
    if (b && cut)
        tarn_buf_z(b, ELLIPSIS);
    return cut ? width + 1 : whole;
}

void tarn_text_fit(struct tarn_buf *b, struct tarn_str s, int width)
{
    (void)fit(b, s, width);
}

/* ---- the table */

static struct tarn_str cell_text(const struct tarn_text_table *t, size_t row, size_t column)
{
    struct tarn_str s = t->cells[row * t->column_count + column];
    return s.ptr ? s : tarn_str_view(t->null_text ? t->null_text : "");
}

static void measure(const struct tarn_text_table *t, int *widths)
{
    for (size_t c = 0; c < t->column_count; c++) {
        widths[c] = t->no_header ? 0 : fit(NULL, t->columns[c].name, t->cell_width_max);
        for (size_t r = 0; r < t->row_count; r++) {
            int width = fit(NULL, cell_text(t, r, c), t->cell_width_max);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
}

static void put_blanks(struct tarn_buf *b, int n)
{
    while (n-- > 0)
        tarn_buf_put(b, ' ');
}

/* One cell with its separator. The last of a line is not filled up. */
static void put_cell(struct tarn_buf *b, const struct tarn_text_table *t, size_t column,
                     struct tarn_str text, const int *widths)
{
    bool last = column + 1 == t->column_count;
    int gap = widths[column] - fit(NULL, text, t->cell_width_max);
    bool right = t->columns[column].right;
    tarn_buf_z(b, column == 0 ? " " : " | ");
    if (right)
        put_blanks(b, gap);
    (void)fit(b, text, t->cell_width_max);
    if (!right && !last)
        put_blanks(b, gap);
}

static void trim_line(struct tarn_buf *b, size_t line_begin)
{
    if (b->failed)
        return;
    while (b->len > line_begin && b->ptr[b->len - 1] == ' ')
        b->len--;
    if (b->cap > 0)
        b->ptr[b->len] = '\0';
}

static void put_rule(struct tarn_buf *b, const struct tarn_text_table *t, const int *widths)
{
    for (size_t c = 0; c < t->column_count; c++) {
        if (c > 0)
            tarn_buf_put(b, '+');
        for (int i = 0; i < widths[c] + 2; i++)
            tarn_buf_put(b, '-');
    }
    tarn_buf_put(b, '\n');
}

enum tarn_status tarn_text_table_render(struct tarn_op *op, const struct tarn_text_table *t,
                                        struct tarn_buf *b)
{
    if (t->column_count == 0)
        return TARN_OK;
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    TARN_ASSERT(t->column_count < SIZE_MAX / sizeof(int));
    int *widths = tarn_arena_alloc(op->scratch, t->column_count * sizeof *widths);
    if (!widths)
        return tarn_fail(op, TARN_NOMEM, "could not allocate memory for a table of %zu columns",
                         t->column_count);
    measure(t, widths);
    if (!t->no_header) {
        size_t begin = b->len;
        for (size_t c = 0; c < t->column_count; c++)
            put_cell(b, t, c, t->columns[c].name, widths);
        trim_line(b, begin);
        tarn_buf_put(b, '\n');
        put_rule(b, t, widths);
    }
    for (size_t r = 0; r < t->row_count; r++) {
        size_t begin = b->len;
        for (size_t c = 0; c < t->column_count; c++)
            put_cell(b, t, c, cell_text(t, r, c), widths);
        trim_line(b, begin);
        tarn_buf_put(b, '\n');
    }
    tarn_arena_rewind(op->scratch, mark);
    return (enum tarn_status)tarn_buf_finish(op, b, "a table");
}
