/* compose: statements made of pieces of the user's. */
#include <string.h>

#include "sql/sql_int.h"

#define COMPOSED_MAX ((size_t)64 << 20)

void tarn__compose_begin(struct tarn__compose *c, struct tarn_op *op, struct tarn_sql_text user)
{
    *c = (struct tarn__compose){.user = user, .op = op};
    tarn_buf_init(&c->sql, COMPOSED_MAX);
}

static bool add_span(struct tarn__compose *c, struct tarn_sql_span span)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        struct tarn_sql_span *grown = tarn_alloc_array(c->op, cap, sizeof *grown);
        if (!grown)
            return false;
        if (c->count)
            memcpy(grown, c->spans, c->count * sizeof *grown);
        c->spans = grown;
        c->cap = cap;
    }
    c->spans[c->count++] = span;
    return true;
}

void tarn__compose_piece(struct tarn__compose *c, struct tarn_str piece)
{
    struct tarn_str user = c->user.sql;
    if (piece.len && piece.ptr >= user.ptr && piece.ptr + piece.len <= user.ptr + user.len &&
        !add_span(c, (struct tarn_sql_span){.at = c->sql.len,
                                            .length = piece.len,
                                            .origin = (size_t)(piece.ptr - user.ptr)}))
        c->failed = true;
    tarn_buf_str(&c->sql, piece);
}

enum tarn_status tarn__compose_end(struct tarn__compose *c, struct tarn_sql_text *out)
{
    enum tarn_status status = TARN_NOMEM;
    *out = c->user;
    if (!c->failed)
        status = (enum tarn_status)tarn_buf_take(c->op, &c->sql, "a statement", &out->sql);
    else
        tarn_buf_release(&c->sql);
    out->origin = c->user.sql;
    out->spans = c->spans;
    out->span_count = c->count;
    return status;
}
