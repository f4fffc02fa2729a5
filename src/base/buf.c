/* buf: the growing text. See str.h. cap == 0 means that ptr is the shared empty text, which is
 * never written. */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/op.h"

#define FIRST_CAPACITY 64
#define BUF_MAX        (SIZE_MAX / 4) /* so that sums of lengths never wrap */

void tarn_buf_init(struct tarn_buf *b, size_t max_bytes)
{
    *b = (struct tarn_buf){.ptr = "", .max = max_bytes < BUF_MAX ? max_bytes : BUF_MAX};
}

void tarn_buf_release(struct tarn_buf *b)
{
    if (b->cap > 0)
        free(b->ptr);
    tarn_buf_init(b, b->max);
}

void tarn_buf_reset(struct tarn_buf *b)
{
    b->len = 0;
    b->failed = b->over_limit = false;
    if (b->cap > 0)
        b->ptr[0] = '\0';
}

static bool buf_fail(struct tarn_buf *b, bool over_limit)
{
    b->failed = true;
    b->over_limit = over_limit;
    return false;
}

/* Makes room for `more` bytes and the zero behind them. */
bool tarn_buf_reserve(struct tarn_buf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more < b->cap - b->len && b->cap > 0)
        return true;
    if (more > b->max - b->len)
        return buf_fail(b, true);
    size_t need = b->len + more + 1;
    size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
    while (cap < need)
        cap *= 2;
    if (cap > b->max + 1)
        cap = b->max + 1;
    char *p = tarn_alloc_should_fail() ? NULL : realloc(b->cap ? b->ptr : NULL, cap);
    if (!p)
        return buf_fail(b, false);
    p[b->len] = '\0';
    b->ptr = p;
    b->cap = cap;
    return true;
}

void tarn_buf_append(struct tarn_buf *b, const void *p, size_t n)
{
    if (n == 0 || !tarn_buf_reserve(b, n))
        return;
    memcpy(b->ptr + b->len, p, n);
    b->len += n;
    b->ptr[b->len] = '\0';
}

void tarn_buf_put(struct tarn_buf *b, char c)
{
    if (!tarn_buf_reserve(b, 1))
        return;
    b->ptr[b->len++] = c;
    b->ptr[b->len] = '\0';
}

void tarn_buf_str(struct tarn_buf *b, struct tarn_str s)
{
    tarn_buf_append(b, s.ptr, s.len);
}

void tarn_buf_z(struct tarn_buf *b, const char *z)
{
    tarn_buf_append(b, z, strlen(z));
}

void tarn_buf_vprintf(struct tarn_buf *b, const char *fmt, va_list ap)
{
    char local[256];
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(local, sizeof local, fmt, ap);
    if (n < 0) {
        (void)buf_fail(b, false);
    } else if ((size_t)n < sizeof local) {
        tarn_buf_append(b, local, (size_t)n);
    } else if (tarn_buf_reserve(b, (size_t)n)) {
        (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void tarn_buf_printf(struct tarn_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    tarn_buf_vprintf(b, fmt, ap);
    va_end(ap);
}

static void buf_quoted(struct tarn_buf *b, struct tarn_str s, char quote)
{
    tarn_buf_put(b, quote);
    const char *p = s.ptr, *end = s.len ? s.ptr + s.len : s.ptr;
    while (p != end) {
        const char *at = memchr(p, quote, (size_t)(end - p));
        const char *stop = at ? at + 1 : end;
        tarn_buf_append(b, p, (size_t)(stop - p));
        if (at)
            tarn_buf_put(b, quote);
        p = stop;
    }
    tarn_buf_put(b, quote);
}

void tarn_buf_sql_name(struct tarn_buf *b, struct tarn_str name)
{
    buf_quoted(b, name, '"');
}

void tarn_buf_sql_text(struct tarn_buf *b, struct tarn_str text)
{
    buf_quoted(b, text, '\'');
}

void tarn_buf_hex(struct tarn_buf *b, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *byte = p;
    if (n > SIZE_MAX / 2)
        (void)buf_fail(b, true);
    if (n == 0 || !tarn_buf_reserve(b, 2 * n))
        return;
    for (size_t i = 0; i < n; i++) {
        b->ptr[b->len++] = digits[byte[i] >> 4];
        b->ptr[b->len++] = digits[byte[i] & 15];
    }
    b->ptr[b->len] = '\0';
}

int tarn_buf_finish(struct tarn_op *op, const struct tarn_buf *b, const char *what)
{
    if (!b->failed)
        return TARN_OK;
    if (b->over_limit)
        return (int)tarn_fail(op, TARN_LIMIT, "%s is larger than %zu bytes", what, b->max);
    return (int)tarn_fail(op, TARN_NOMEM, "could not allocate memory for %s", what);
}

int tarn_buf_take(struct tarn_op *op, struct tarn_buf *b, const char *what, struct tarn_str *out)
{
    int status = tarn_buf_finish(op, b, what);
    if (status == TARN_OK) {
        *out = tarn_strdup(op, tarn_buf_view(b));
        if (!out->ptr)
            status = TARN_NOMEM;
    }
    tarn_buf_release(b);
    return status;
}
