/* dml_condition: conditions taken apart, as far as that is simple. What is not understood stays in
 * one piece. */
#include "sql/dml_int.h"

static void add_piece(struct tarn_str *out, size_t *count, size_t max, struct tarn_str piece)
{
    piece = tarn_str_trim(piece);
    if (piece.len && *count < max)
        out[(*count)++] = piece;
}

struct tarn_str tarn__condition_bare(struct tarn_str piece)
{
    struct tarn_sql_token t;
    int depth = 0;
    size_t end = tarn_sql_trimmed(piece), begin = 0;
    for (size_t p = 0; tarn_sql_token(piece, p, &t); p = t.end) {
        if (p == 0 && !tarn_sql_token_is(piece, &t, "("))
            return piece;
        if (p == 0)
            begin = t.end;
        depth += tarn_sql_token_is(piece, &t, "(") - tarn_sql_token_is(piece, &t, ")");
        if (depth == 0)
            return t.end == end ? tarn_str_trim(tarn_str_of(piece.ptr + begin, t.begin - begin))
                                : piece;
    }
    return piece;
}

size_t tarn__condition_split(struct tarn_str on, struct tarn_str *out, size_t max)
{
    struct tarn_sql_token t;
    size_t count = 0, from = 0;
    int depth = 0;
    bool between = false;
    on = tarn__condition_bare(tarn_str_trim(on));
    for (size_t p = 0; tarn_sql_token(on, p, &t); p = t.end) {
        bool opens = tarn_sql_token_is(on, &t, "(") || tarn_sql_token_is(on, &t, "[") ||
                     tarn_sql_token_is(on, &t, "{") || tarn_sql_token_is(on, &t, "CASE");
        bool closes = tarn_sql_token_is(on, &t, ")") || tarn_sql_token_is(on, &t, "]") ||
                      tarn_sql_token_is(on, &t, "}") ||
                      (depth > 0 && tarn_sql_token_is(on, &t, "END"));
        depth += opens - closes;
        if (depth > 0)
            continue;
        if (tarn_sql_token_is(on, &t, "OR")) {
            out[0] = on;
            return 1;
        }
        if (tarn_sql_token_is(on, &t, "BETWEEN"))
            between = true;
        if (!tarn_sql_token_is(on, &t, "AND"))
            continue;
        if (!between) {
            add_piece(out, &count, max, tarn_str_of(on.ptr + from, t.begin - from));
            from = t.end;
        }
        between = false;
    }
    add_piece(out, &count, max, tarn_str_of(on.ptr + from, on.len - from));
    return count;
}

bool tarn__condition_equality(struct tarn_str piece, struct tarn_str *left, struct tarn_str *right)
{
    static const char *const others[] = {"<",  ">",    "!",     "OR",      "AND",     "NOT", "IS",
                                         "IN", "LIKE", "ILIKE", "BETWEEN", "SIMILAR", "~"};
    struct tarn_sql_token t;
    size_t at = SIZE_MAX;
    int depth = 0;
    piece = tarn__condition_bare(piece);
    for (size_t p = 0; tarn_sql_token(piece, p, &t); p = t.end) {
        depth += tarn_sql_token_is(piece, &t, "(") - tarn_sql_token_is(piece, &t, ")");
        if (tarn_sql_token_is(piece, &t, "COLLATE"))
            return false; /* of both sides, wherever it stands */
        if (depth > 0)
            continue;
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
            if (tarn_sql_token_is(piece, &t, others[i]))
                return false;
        if (!tarn_sql_token_is(piece, &t, "="))
            continue;
        if (at != SIZE_MAX)
            return false;
        at = t.begin;
    }
    if (at == SIZE_MAX)
        return false;
    *left = tarn_str_trim(tarn_str_of(piece.ptr, at));
    *right = tarn_str_trim(tarn_str_of(piece.ptr + at + 1, piece.len - at - 1));
    return left->len && right->len;
}
