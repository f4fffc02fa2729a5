/* room: sql
 *
 * Scripts are cut into statements that lie within them, in order, without losing a token; and the
 * readers of a statement's words take any text: the first byte of each statement picks one. */
#include "sql/sql_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool inside(struct tarn_str whole, struct tarn_str part)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void read_words(struct tarn_op *op, struct tarn_str sql, unsigned pick)
{
    struct tarn__words w;
    struct tarn_str s;
    struct tarn__dotted d;
    int64_t n;
    enum tarn_status status = TARN_OK;
    tarn__words_begin(&w, op, (struct tarn_sql_text){.sql = sql});
    for (int i = 0; i < 1000 && !w.end && status == TARN_OK; i++, pick = pick * 5 + 1) {
        size_t before = w.token.begin;
        switch (pick / 4 % 6) {
        case 0:
            status = tarn__take_ident(&w, &s);
            break;
        case 1:
            status = tarn__take_dotted(&w, &d);
            TARN_ASSERT(status != TARN_OK || (d.count > 0 && d.begin < d.end && d.end <= sql.len));
            break;
        case 2:
            status = tarn__take_string(&w, &s);
            break;
        case 3:
            status = tarn__take_int(&w, &n);
            break;
        case 4:
            s = tarn__take_until(&w, "SET|WHERE|WHEN|,");
            TARN_ASSERT(inside(sql, s) && (s.len == 0 || tarn__offset(&w, s) <= sql.len));
            if (!w.end)
                tarn__skip(&w);
            break;
        default:
            (void)tarn__take(&w, "IF NOT EXISTS");
            status = tarn__expect(&w, "CASE");
        }
        TARN_ASSERT(w.end || w.token.begin > before || status != TARN_OK);
    }
    if (status != TARN_OK)
        tarn_clear(op);
}

static size_t tokens(struct tarn_str sql)
{
    struct tarn_sql_token t;
    size_t n = 0;
    for (size_t at = 0; tarn_sql_token(sql, at, &t); at = t.end)
        n += !tarn_sql_token_is(sql, &t, ";");
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_op op;
    struct tarn_str script = tarn_str_of(data, size), one;
    struct tarn_sql_token t;
    size_t at = 0, before = 0, found = 0;
    bool complete;
    if (tarn_op_init(&op, (size_t)64 << 20, 0) != TARN_OK)
        return 0;
    while (tarn_sql_next(script, &at, &one, &complete)) {
        TARN_ASSERT(at > before && at <= size);
        TARN_ASSERT(one.len > 0 && inside(script, one));
        TARN_ASSERT(complete ? script.ptr[at - 1] == ';' : !tarn_sql_token(script, at, &t));
        before = at;
        found += tokens(one);
        read_words(&op, one, (unsigned char)one.ptr[0]);
    }
    TARN_ASSERT(found == tokens(script));
    tarn_op_release(&op);
    return 0;
}
