/* room: cli */
/* A statement of several lines as one line of the shell's history: the same tokens, or none. */
#include "base/sql_token.h"
#include "cli/shell_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_tokens(struct tarn_str a, struct tarn_str b)
{
    struct tarn_sql_token s, t;
    size_t p = 0, q = 0;
    for (; tarn_sql_token(a, p, &s); p = s.end, q = t.end) {
        TARN_ASSERT(tarn_sql_token(b, q, &t));
        TARN_ASSERT(s.kind == t.kind && s.end - s.begin == t.end - t.begin &&
                    memcmp(a.ptr + s.begin, b.ptr + t.begin, s.end - s.begin) == 0);
    }
    TARN_ASSERT(!tarn_sql_token(b, q, &t));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_str text = tarn_str_trim(tarn_str_of(data, size));
    struct tarn_buf one;
    tarn_buf_init(&one, (size_t)1 << 20);
    if (tarn__history_one_line(text, &one)) {
        TARN_ASSERT(!memchr(one.ptr, '\n', one.len));
        same_tokens(text, tarn_buf_view(&one));
        TARN_ASSERT(tarn__history_is_secret(tarn_buf_view(&one)) <= tarn__history_is_secret(text));
    }
    tarn_buf_release(&one);
    return 0;
}
