/* table: strings in aligned columns for a terminal, and the width and escaping of text.
 *
 *      order_id | customer     |  amount
 *     ----------+--------------+---------
 *      O1       | Ann          |   12.50
 *      O2       | 李明         | 1000.00
 *
 * Text from outside is never written raw: control characters, invalid UTF-8 and bidirectional
 * overrides are shown escaped.
 */
#ifndef TARN_BASE_TABLE_H
#define TARN_BASE_TABLE_H

#include "base/op.h"

struct tarn_text_column {
    struct tarn_str name;
    bool right; /* numbers */
};
struct tarn_text_table {
    const struct tarn_text_column *columns;
    size_t column_count;
    const struct tarn_str *cells; /* row by row; an absent str (ptr NULL) is shown as null_text */
    size_t row_count;
    const char *null_text; /* NULL: an empty cell */
    int cell_width_max;    /* longer cells end in an ellipsis; 0 = whole */
    bool no_header;
};
/* Appends whole lines, without blanks at their ends. Memory for widths is op's scratch. */
enum tarn_status tarn_text_table_render(struct tarn_op *op, const struct tarn_text_table *table,
                                        struct tarn_buf *b) TARN_MUST_USE;

/* Columns on a terminal: 0 for combining marks, 2 for wide characters. For text that is valid
 * and has no control characters. */
int tarn_text_width(struct tarn_str s);
/* \n, \t, \r and \x1b, \u0085, \u202e; bytes that are no UTF-8 as \xff; the rest as it stands.
 * Appends. */
void tarn_text_escape(struct tarn_buf *b, struct tarn_str s);
/* As tarn_text_escape, but at most `width` columns, the last of them an ellipsis if something is
 * cut off. width 0: whole. */
void tarn_text_fit(struct tarn_buf *b, struct tarn_str s, int width);

#endif
