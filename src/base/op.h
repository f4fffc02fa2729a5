/* op: one act (a query, a commit, a run) with its memory, its report and its limits.
 *
 * Every fallible function takes the op (after self) and returns an enum tarn_status, which must
 * be used. A function that fails has told the report exactly once what went wrong (tarn_fail);
 * who passes a failure on may add a "while ..." frame (tarn_while) and returns the same status.
 * Nothing longjmps. An op belongs to one thread at a time; a worker thread gets an op of its own
 * (tarn_op_child) and its report is moved into the parent's.
 *
 *     enum tarn_status thing_read(struct tarn_op *op, struct tarn_str path, struct thing *out) {
 *         struct tarn_str bytes;
 *         TARN_TRY_WHILE(op, tarn_storage_read(st, op, path, &bytes),
 *                        "reading thing \"%.*s\"", TARN_STR_ARG(path));
 *         if (bytes.len < 4)
 *             return tarn_fail(op, TARN_CORRUPT, "thing \"%.*s\" is shorter than its header",
 *                              TARN_STR_ARG(path));
 *         ...
 *         return TARN_OK;
 *     }
 */
#ifndef TARN_BASE_OP_H
#define TARN_BASE_OP_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TARN_MUST_USE     __attribute__((warn_unused_result))
#define TARN_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum tarn_status {
    TARN_OK = 0,
#define X(name, code, sqlstate, http, retry, exit_code, meaning) TARN_##name,
#include "base/errors.def"
#undef X
    TARN_STATUS_COUNT
};

enum tarn_retry { TARN_RETRY_NEVER, TARN_RETRY_AGAIN, TARN_RETRY_REFRESH };

struct tarn_status_info {
    const char *name;     /* "CORRUPT" */
    const char *code;     /* "T0130" */
    const char *sqlstate; /* five characters */
    int http;
    enum tarn_retry retry;
    int exit_code;
    const char *meaning;
};
const struct tarn_status_info *tarn_status_info(enum tarn_status status);

#define TARN_REPORT_FRAMES 8
#define TARN_REPORT_TEXT   1024

/* What went wrong, preallocated so that running out of memory can be told. Texts are cut, never
 * overrun. */
struct tarn_report {
    enum tarn_status status;
    /* lower case, no full stop: what could not be done to what, and why */
    char message[TARN_REPORT_TEXT];
    char detail[TARN_REPORT_TEXT]; /* the values; may have several lines */
    char hint[TARN_REPORT_TEXT];   /* the next step */
    /* place in the user's own text: tarn.yaml, a model; "" = none */
    char file[512];
    int line, column;      /* from 1; 0 = unknown */
    char source_line[256]; /* the line of the user's text at `line`, for the caret */
    char frames[TARN_REPORT_FRAMES][160];
    int frame_count;
};

struct tarn_arena;
struct tarn_log;

/* Set from any thread or signal handler. 1 = stop after the current commit, 2 = stop now. */
struct tarn_cancel {
    atomic_int level;
};

struct tarn_op {
    struct tarn_arena *arena; /* results of this act, freed with it */
    /* temporaries: marked on entry, rewound on exit of each function that uses it */
    struct tarn_arena *scratch;
    struct tarn_report report;
    struct tarn_cancel *cancel; /* may be NULL */
    struct tarn_log *log;       /* may be NULL: silent */
    uint64_t deadline_ns;       /* monotonic; 0 = none */
};

/* Makes an op with two arenas of the given budgets in bytes (0 = the defaults, 1 GiB and 256 MiB).
 * TARN_NOMEM is the only failure; the op is then unusable. */
enum tarn_status tarn_op_init(struct tarn_op *op, size_t arena_budget,
                              size_t scratch_budget) TARN_MUST_USE;
void tarn_op_release(struct tarn_op *op);
/* An op for another thread or for a nested act: own arenas, the parent's cancel, log and
 * deadline. */
enum tarn_status tarn_op_child(struct tarn_op *parent, struct tarn_op *out_child) TARN_MUST_USE;
/* Copies the failure of `from` into `op` (used after joining a worker) and returns its status. */
enum tarn_status tarn_op_adopt(struct tarn_op *op, const struct tarn_op *from);

/* Starts a report: status, message. Clears detail, hint, place and frames. Returns `status`. */
enum tarn_status tarn_fail(struct tarn_op *op, enum tarn_status status, const char *fmt, ...)
    TARN_PRINTF(3, 4);
enum tarn_status tarn_vfail(struct tarn_op *op, enum tarn_status status, const char *fmt,
                            va_list ap);
/* As tarn_fail, from errno: picks IO, DISK_FULL, DENIED or NOT_FOUND and appends the error's
 * text. */
enum tarn_status tarn_fail_errno(struct tarn_op *op, int err, const char *fmt, ...)
    TARN_PRINTF(3, 4);
void tarn_detail(struct tarn_op *op, const char *fmt, ...) TARN_PRINTF(2, 3);
void tarn_hint(struct tarn_op *op, const char *fmt, ...) TARN_PRINTF(2, 3);
/* Places the failure in a user's text; `text` may be NULL, else the line is cut out of it for
 * the caret. */
void tarn_place(struct tarn_op *op, const char *file, int line, int column, const char *text);
/* The same at a byte offset of a text of known length (a model's SQL). Columns count characters. */
void tarn_place_offset(struct tarn_op *op, const char *file, struct tarn_str text, size_t offset);
/* Adds a frame "while ..." and returns the report's status, for use in a return statement. */
enum tarn_status tarn_while(struct tarn_op *op, const char *fmt, ...) TARN_PRINTF(2, 3);
/* Forgets a failure that the caller has handled. */
void tarn_clear(struct tarn_op *op);
/* TARN_CANCELLED when cancel is at `level` or above, TARN_TIMEOUT past the deadline, else
 * TARN_OK. */
enum tarn_status tarn_poll(struct tarn_op *op, int level) TARN_MUST_USE;

/* Memory out of op->arena, zeroed; NULL after reporting TARN_NOMEM (return op->report.status
 * then). */
void *tarn_alloc(struct tarn_op *op, size_t size_bytes);
/* count * size checked */
void *tarn_alloc_array(struct tarn_op *op, size_t count, size_t size_bytes);
/* An array in op->arena with room for one more item than `count`: `items` itself, or a copy of
 * twice the size (the old one stays until the arena goes). NULL after TARN_NOMEM was reported. */
void *tarn_grow(struct tarn_op *op, void *items, size_t count, size_t *cap, size_t item_bytes);
/* Copies into op->arena, zero-terminated behind .len; .ptr NULL after TARN_NOMEM was reported. */
struct tarn_str tarn_strdup(struct tarn_op *op, struct tarn_str s);
struct tarn_str tarn_sprintf(struct tarn_op *op, const char *fmt, ...) TARN_PRINTF(2, 3);

#define TARN_TRY(expr)                       \
    do {                                     \
        enum tarn_status tarn_try_ = (expr); \
        if (tarn_try_ != TARN_OK)            \
            return tarn_try_;                \
    } while (0)
#define TARN_TRY_WHILE(op, expr, ...)            \
    do {                                         \
        enum tarn_status tarn_try_ = (expr);     \
        if (tarn_try_ != TARN_OK) {              \
            (void)tarn_while((op), __VA_ARGS__); \
            return tarn_try_;                    \
        }                                        \
    } while (0)
/* For functions with one `out:` label and a local `enum tarn_status status`. */
#define TARN_GO(expr)          \
    do {                       \
        status = (expr);       \
        if (status != TARN_OK) \
            goto out;          \
    } while (0)
/* p = allocation out of op, or return TARN_NOMEM (already reported). */
#define TARN_NEW(op, p)                      \
    do {                                     \
        (p) = tarn_alloc((op), sizeof *(p)); \
        if (!(p))                            \
            return TARN_NOMEM;               \
    } while (0)
#define TARN_NEW_ARRAY(op, p, n)                        \
    do {                                                \
        (p) = tarn_alloc_array((op), (n), sizeof *(p)); \
        if (!(p))                                       \
            return TARN_NOMEM;                          \
    } while (0)
/* Room for one more item in an array of `count` items and capacity `cap`, or return TARN_NOMEM. */
#define TARN_GROW(op, items, count, cap)                                                \
    do {                                                                                \
        void *tarn_grown_ = tarn_grow((op), (items), (count), &(cap), sizeof *(items)); \
        if (!tarn_grown_)                                                               \
            return TARN_NOMEM;                                                          \
        (items) = tarn_grown_;                                                          \
    } while (0)
/* An assert that stays in release builds: a broken promise of our own code, never input from
 * outside. */
#define TARN_ASSERT(cond)                                  \
    do {                                                   \
        if (!(cond))                                       \
            tarn_assert_failed(#cond, __FILE__, __LINE__); \
    } while (0)
_Noreturn void tarn_assert_failed(const char *cond, const char *file, int line);

#endif
