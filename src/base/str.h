/* str: a borrowed piece of text or bytes; buf: a growing one with a mandatory maximum.
 *
 * A tarn_str owns nothing. Those made by tarn_strdup/tarn_sprintf (op.h) and tarn_buf are
 * zero-terminated behind .len. A tarn_buf's appends never fail loudly: the first failure
 * (maximum passed, or no memory) sticks, later appends do nothing, and tarn_buf_finish reports
 * it. So writers need one check at the end.
 */
#ifndef TARN_BASE_STR_H
#define TARN_BASE_STR_H

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct tarn_op;

struct tarn_str {
    const char *ptr; /* NULL = absent, which is not the same as empty */
    size_t len;
};
/* for printf's "%.*s" */
#define TARN_STR_ARG(s)   (int)(s).len, ((s).ptr ? (s).ptr : "")
#define TARN_STR(literal) ((struct tarn_str){(literal), sizeof(literal) - 1})

static inline struct tarn_str tarn_str_view(const char *z)
{
    return (struct tarn_str){z, z ? strlen(z) : 0};
}
static inline struct tarn_str tarn_str_of(const void *p, size_t n)
{
    return (struct tarn_str){(const char *)p, n};
}
static inline bool tarn_str_eq(struct tarn_str a, struct tarn_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool tarn_str_is(struct tarn_str a, const char *z)
{
    return tarn_str_eq(a, tarn_str_view(z));
}
bool tarn_str_eq_nocase(struct tarn_str a, struct tarn_str b); /* ASCII case only */
int tarn_str_cmp(struct tarn_str a, struct tarn_str b);        /* bytes as unsigned, then length */
bool tarn_str_starts(struct tarn_str s, struct tarn_str prefix);
bool tarn_str_ends(struct tarn_str s, struct tarn_str suffix);
/* Cuts at the first `sep`: *out_head before it; s becomes what follows. False (head = all, s =
 * absent) if none. */
bool tarn_str_cut(struct tarn_str *s, char sep, struct tarn_str *out_head);
struct tarn_str tarn_str_trim(struct tarn_str s); /* ASCII white space off both ends */
/* whole text, decimal, optional sign; false on overflow too */
bool tarn_str_to_i64(struct tarn_str s, int64_t *out);
bool tarn_str_to_double(struct tarn_str s, double *out);
bool tarn_utf8_valid(struct tarn_str s);
/* The nearest of `names` to `s` by edit distance (at most 1 + len/3 edits), NULL if none: "did
 * you mean". */
const char *tarn_str_nearest(struct tarn_str s, const char *const *names, size_t count);

struct tarn_buf {
    char *ptr; /* never NULL after init, zero-terminated at [len] */
    size_t len, cap, max;
    bool failed;     /* a maximum was passed or memory ran out: contents are void */
    bool over_limit; /* which of the two */
};
/* No allocation until the first append. max_bytes is a hard limit on len. */
void tarn_buf_init(struct tarn_buf *b, size_t max_bytes);
void tarn_buf_release(struct tarn_buf *b); /* safe on a zeroed or released buf */
void tarn_buf_reset(struct tarn_buf *b);   /* empties, keeps the memory, clears failure */
bool tarn_buf_reserve(struct tarn_buf *b, size_t more);
void tarn_buf_append(struct tarn_buf *b, const void *p, size_t n);
void tarn_buf_put(struct tarn_buf *b, char c);
void tarn_buf_str(struct tarn_buf *b, struct tarn_str s);
void tarn_buf_z(struct tarn_buf *b, const char *z);
void tarn_buf_printf(struct tarn_buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void tarn_buf_vprintf(struct tarn_buf *b, const char *fmt, va_list ap);
/* SQL quoting: "name" with doubled quotes; 'text' with doubled quotes. */
void tarn_buf_sql_name(struct tarn_buf *b, struct tarn_str name);
void tarn_buf_sql_text(struct tarn_buf *b, struct tarn_str text);
/* Lower-case hexadecimal digits. */
void tarn_buf_hex(struct tarn_buf *b, const void *p, size_t n);
static inline struct tarn_str tarn_buf_view(const struct tarn_buf *b)
{
    return (struct tarn_str){b->ptr ? b->ptr : "", b->len};
}
/* TARN_OK, or reports TARN_LIMIT ("<what> is larger than N bytes") or TARN_NOMEM. */
int tarn_buf_finish(struct tarn_op *op, const struct tarn_buf *b, const char *what);
/* Finishes, copies into op->arena, releases the buf. */
int tarn_buf_take(struct tarn_op *op, struct tarn_buf *b, const char *what, struct tarn_str *out);

#endif
