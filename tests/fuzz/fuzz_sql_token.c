/* room: base
 *
 * Words of SQL: tokens move on, lie within the text, and leave out only space and comments; what is
 * trimmed has the same tokens. */
#include "base/op.h"
#include "base/sql_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_str sql = tarn_str_of(data, size);
    struct tarn_sql_token t;
    size_t trimmed = tarn_sql_trimmed(sql), last = 0;
    TARN_ASSERT(trimmed <= size);
    for (size_t at = 0; tarn_sql_token(sql, at, &t); at = t.end) {
        TARN_ASSERT(t.begin >= at && t.end > t.begin && t.end <= size);
        TARN_ASSERT(!tarn_sql_token_is(sql, &t, "no such word"));
        if (!tarn_sql_token_is(sql, &t, ";"))
            last = t.end;
    }
    TARN_ASSERT(last == trimmed);
    size_t open;
    if (tarn_sql_open_comment(sql, trimmed, &open))
        TARN_ASSERT(open >= trimmed && open + 1 < size && sql.ptr[open] == '/');
    TARN_ASSERT(tarn_sql_trimmed(tarn_str_of(data, trimmed)) == trimmed);
    return 0;
}
