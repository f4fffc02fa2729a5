/* op: reports, the operation's memory, its limits. See op.h.
 *
 * 1. A report's texts are always zero-terminated and never end inside a UTF-8 sequence.
 * 2. Formatting goes through a local buffer, so that an argument may point into the report itself.
 * 3. When more than TARN_REPORT_FRAMES frames come in, the last slot keeps the outermost one.
 */
#include "base/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/base_int.h"

#define ARENA_BUDGET_DEFAULT   ((size_t)1 << 30)
#define SCRATCH_BUDGET_DEFAULT ((size_t)256 << 20)

#define NEVER   TARN_RETRY_NEVER
#define AGAIN   TARN_RETRY_AGAIN
#define REFRESH TARN_RETRY_REFRESH
static const struct tarn_status_info infos[TARN_STATUS_COUNT] = {
    {"OK", "T0000", "00000", 200, TARN_RETRY_NEVER, 0, "all went well"},
#define X(name, code, sqlstate, http, retry, exit_code, meaning) \
    {#name, code, sqlstate, http, retry, exit_code, meaning},
#include "base/errors.def"
#undef X
};
#undef NEVER
#undef AGAIN
#undef REFRESH

const struct tarn_status_info *tarn_status_info(enum tarn_status status)
{
    if ((unsigned)status >= TARN_STATUS_COUNT)
        status = TARN_INTERNAL;
    return &infos[status];
}

_Noreturn void tarn_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "tarn: internal error: assertion \"%s\" failed at %s:%d\n", cond, file, line);
    abort();
}

/* ---- texts */

/* Copies n bytes of `text`, cut to dst_size - 1 at a UTF-8 boundary. */
static void text_set(char *dst, size_t dst_size, const char *text, size_t n)
{
    if (n > dst_size - 1) {
        n = dst_size - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    }
    memmove(dst, text, n);
    dst[n] = '\0';
}

static void text_vprintf(char *dst, size_t dst_size, const char *fmt, va_list ap)
{
    char local[TARN_REPORT_TEXT + 8];
    int n = vsnprintf(local, sizeof local, fmt, ap);
    if (n < 0)
        n = 0;
    text_set(dst, dst_size, local, (size_t)n < sizeof local ? (size_t)n : sizeof local - 1);
}

static void report_reset(struct tarn_report *r)
{
    r->detail[0] = r->hint[0] = r->file[0] = r->source_line[0] = '\0';
    r->line = r->column = 0;
    r->frame_count = 0;
}

enum tarn_status tarn_vfail(struct tarn_op *op, enum tarn_status status, const char *fmt,
                            va_list ap)
{
    char local[TARN_REPORT_TEXT];
    text_vprintf(local, sizeof local, fmt, ap);
    TARN_ASSERT(status != TARN_OK && (unsigned)status < TARN_STATUS_COUNT);
    report_reset(&op->report);
    op->report.status = status;
    memcpy(op->report.message, local, sizeof local);
    return status;
}

enum tarn_status tarn_fail(struct tarn_op *op, enum tarn_status status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(op, status, fmt, ap);
    va_end(ap);
    return status;
}

static enum tarn_status status_of_errno(int err)
{
    switch (err) {
    case ENOSPC:
    case EDQUOT:
        return TARN_DISK_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return TARN_DENIED;
    case ENOENT:
    case ENOTDIR:
        return TARN_NOT_FOUND;
    default:
        return TARN_IO;
    }
}

enum tarn_status tarn_fail_errno(struct tarn_op *op, int err, const char *fmt, ...)
{
    enum tarn_status status = status_of_errno(err);
    char what[TARN_REPORT_TEXT], text[128];
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return tarn_fail(op, status, "%s: %s", what, strerror_r(err, text, sizeof text));
}

void tarn_detail(struct tarn_op *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(op->report.detail, sizeof op->report.detail, fmt, ap);
    va_end(ap);
}

void tarn_hint(struct tarn_op *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(op->report.hint, sizeof op->report.hint, fmt, ap);
    va_end(ap);
}

void tarn__place_in(struct tarn_op *op, const char *file, int line, int column,
                    struct tarn_str text)
{
    struct tarn_report *r = &op->report;
    struct tarn_str head = {NULL, 0};
    text_set(r->file, sizeof r->file, file ? file : "", file ? strlen(file) : 0);
    r->line = line;
    r->column = column;
    int at = 0;
    for (; at < line && text.ptr; at++)
        (void)tarn_str_cut(&text, '\n', &head);
    if (at < line || !head.ptr) /* there is no such line */
        head = TARN_STR("");
    if (head.len > 0 && head.ptr[head.len - 1] == '\r')
        head.len--;
    text_set(r->source_line, sizeof r->source_line, head.ptr, head.len);
}

void tarn_place(struct tarn_op *op, const char *file, int line, int column, const char *text)
{
    tarn__place_in(op, file, line, column, tarn_str_view(text));
}

void tarn_place_offset(struct tarn_op *op, const char *file, struct tarn_str text, size_t offset)
{
    int line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0) != 0x80) {
            column++;
        }
    }
    tarn__place_in(op, file, line, column, text);
}

enum tarn_status tarn_while(struct tarn_op *op, const char *fmt, ...)
{
    struct tarn_report *r = &op->report;
    int slot = r->frame_count < TARN_REPORT_FRAMES ? r->frame_count++ : TARN_REPORT_FRAMES - 1;
    va_list ap;
    va_start(ap, fmt);
    text_vprintf(r->frames[slot], sizeof r->frames[slot], fmt, ap);
    va_end(ap);
    return r->status;
}

void tarn_clear(struct tarn_op *op)
{
    struct tarn_report *r = &op->report;
    report_reset(r);
    r->message[0] = '\0';
    r->status = TARN_OK;
}

/* ---- life */

enum tarn_status tarn_op_init(struct tarn_op *op, size_t arena_budget, size_t scratch_budget)
{
    memset(op, 0, sizeof *op);
    op->arena = tarn_arena_new(arena_budget ? arena_budget : ARENA_BUDGET_DEFAULT);
    op->scratch = tarn_arena_new(scratch_budget ? scratch_budget : SCRATCH_BUDGET_DEFAULT);
    if (op->arena && op->scratch)
        return TARN_OK;
    tarn_op_release(op);
    return tarn_fail(op, TARN_NOMEM, "could not start an operation: out of memory");
}

void tarn_op_release(struct tarn_op *op)
{
    tarn_arena_free(op->scratch);
    tarn_arena_free(op->arena);
    op->scratch = op->arena = NULL;
}

enum tarn_status tarn_op_child(struct tarn_op *parent, struct tarn_op *out_child)
{
    if (tarn_op_init(out_child, tarn__arena_budget(parent->arena),
                     tarn__arena_budget(parent->scratch)) != TARN_OK)
        return tarn_op_adopt(parent, out_child);
    out_child->cancel = parent->cancel;
    out_child->log = parent->log;
    out_child->deadline_ns = parent->deadline_ns;
    return TARN_OK;
}

enum tarn_status tarn_op_adopt(struct tarn_op *op, const struct tarn_op *from)
{
    if (from->report.status == TARN_OK)
        return TARN_OK;
    if (op != from)
        op->report = from->report;
    return op->report.status;
}

enum tarn_status tarn_poll(struct tarn_op *op, int level)
{
    if (op->cancel && atomic_load_explicit(&op->cancel->level, memory_order_relaxed) >= level)
        return tarn_fail(op, TARN_CANCELLED, "cancelled on request");
    if (op->deadline_ns == 0)
        return TARN_OK;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec < op->deadline_ns)
        return TARN_OK;
    return tarn_fail(op, TARN_TIMEOUT, "the time limit of this operation has passed");
}

/* ---- memory */

static enum tarn_status fail_nomem(struct tarn_op *op, size_t size_bytes)
{
    (void)tarn_fail(op, TARN_NOMEM, "could not allocate %zu bytes", size_bytes);
    tarn_detail(op, "%zu bytes are in use, the operation's budget is %zu bytes",
                tarn_arena_used(op->arena), tarn__arena_budget(op->arena));
    return TARN_NOMEM;
}

void *tarn_alloc(struct tarn_op *op, size_t size_bytes)
{
    void *p = tarn_arena_alloc(op->arena, size_bytes);
    if (!p)
        (void)fail_nomem(op, size_bytes);
    return p;
}

void *tarn_alloc_array(struct tarn_op *op, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total)) {
        (void)tarn_fail(op, TARN_NOMEM, "could not allocate %zu times %zu bytes", count,
                        size_bytes);
        return NULL;
    }
    return tarn_alloc(op, total);
}

void *tarn_grow(struct tarn_op *op, void *items, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap)
        return items;
    if (*cap > SIZE_MAX / 2) {
        (void)tarn_fail(op, TARN_NOMEM, "out of memory");
        return NULL;
    }
    size_t more = *cap ? *cap * 2 : 16;
    void *grown = tarn_alloc_array(op, more, item_bytes);
    if (!grown)
        return NULL;
    if (count)
        memcpy(grown, items, count * item_bytes);
    *cap = more;
    return grown;
}

struct tarn_str tarn_strdup(struct tarn_op *op, struct tarn_str s)
{
    char *p = s.len == SIZE_MAX ? NULL : tarn_arena_alloc(op->arena, s.len + 1);
    if (!p) {
        (void)fail_nomem(op, s.len);
        return (struct tarn_str){NULL, 0};
    }
    if (s.len > 0)
        memcpy(p, s.ptr, s.len);
    return (struct tarn_str){p, s.len};
}

struct tarn_str tarn_sprintf(struct tarn_op *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        (void)tarn_fail(op, TARN_NOMEM, "could not format a text");
        return (struct tarn_str){NULL, 0};
    }
    char *p = tarn_alloc(op, (size_t)n + 1);
    if (!p)
        return (struct tarn_str){NULL, 0};
    va_start(ap, fmt);
    (void)vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return (struct tarn_str){p, (size_t)n};
}
