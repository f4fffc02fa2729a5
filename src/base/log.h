/* log: lines for people and machines, one event a line, as logfmt or JSON.
 *
 *     struct tarn_log_sink sink = {.fd = 2, .json = false};
 *     struct tarn_log root = {.sink = &sink, .level = TARN_LOG_INFO};
 *     struct tarn_log log = tarn_log_with(&root, TARN_LOG_STR("table", name));
 *     op->log = &log;
 *     tarn_log(op->log, INFO, "committed", TARN_LOG_I64("rows", n), TARN_LOG_STR("snapshot", id));
 *
 *     ts=2025-05-31T00:00:00.123Z level=info msg=committed table=raw.orders rows=5 snapshot="a b"
 *     {"ts":"2025-05-31T00:00:00.123Z","level":"info","msg":"committed","table":"raw.orders",
 *      "rows":5,"snapshot":"a b"}                              (in one line)
 *
 * The level is tested before an argument is evaluated. A line leaves in one write, so lines of
 * several threads and processes do not mix. Logging never fails: a line that cannot be written
 * is dropped. Who handles an error logs it, once (tarn_log_report).
 */
#ifndef TARN_BASE_LOG_H
#define TARN_BASE_LOG_H

#include <stdio.h>

#include "base/op.h"

enum tarn_log_level { TARN_LOG_ERROR, TARN_LOG_WARN, TARN_LOG_INFO, TARN_LOG_DEBUG };
#define TARN_LOG_CONTEXT_MAX 8
#define TARN_LOG_LINE_MAX    65536 /* a longer line is cut into "msg" alone */

struct tarn_clock;
struct tarn_log_sink {
    int fd;
    FILE *file; /* when set, used instead of fd and flushed after each line */
    bool json;
    struct tarn_clock *clock; /* NULL: the real one */
};

enum tarn_log_type { TARN_LOG_T_NONE, TARN_LOG_T_STR, TARN_LOG_T_I64, TARN_LOG_T_BOOL };
struct tarn_log_field {
    const char *key; /* a constant in the program: letters, digits, '_', '.' */
    enum tarn_log_type type;
    struct tarn_str str;
    int64_t i64; /* I64, BOOL */
};
#define TARN_LOG_STR(k, s)  ((struct tarn_log_field){(k), TARN_LOG_T_STR, (s), 0})
#define TARN_LOG_Z(k, z)    ((struct tarn_log_field){(k), TARN_LOG_T_STR, tarn_str_view(z), 0})
#define TARN_LOG_I64(k, v)  ((struct tarn_log_field){(k), TARN_LOG_T_I64, {NULL, 0}, (int64_t)(v)})
#define TARN_LOG_BOOL(k, v) ((struct tarn_log_field){(k), TARN_LOG_T_BOOL, {NULL, 0}, (v) ? 1 : 0})

/* Owned by whoever made it; the sink, keys and texts of the context must live as long. Not
 * changed by logging. */
struct tarn_log {
    const struct tarn_log_sink *sink;
    enum tarn_log_level level; /* the most detailed that is written */
    struct tarn_log_field context[TARN_LOG_CONTEXT_MAX];
    int context_count;
};

/* The same log with one more context field (one past the maximum takes the last place). */
struct tarn_log tarn_log_with(const struct tarn_log *log, struct tarn_log_field field);
static inline bool tarn_log_on(const struct tarn_log *log, enum tarn_log_level level)
{
    return log && log->sink && level <= log->level;
}
/* tarn_log(log, WARN, "text", fields...): log may be NULL. */
#define tarn_log(log_, level_, message_, ...)                                                 \
    do {                                                                                      \
        const struct tarn_log *tarn_log_to_ = (log_);                                         \
        if (tarn_log_on(tarn_log_to_, TARN_LOG_##level_)) {                                   \
            const struct tarn_log_field tarn_log_fields_[] = {                                \
                {NULL, TARN_LOG_T_NONE, {NULL, 0}, 0}, __VA_ARGS__};                          \
            tarn_log_write(tarn_log_to_, TARN_LOG_##level_, (message_), tarn_log_fields_ + 1, \
                           sizeof tarn_log_fields_ / sizeof tarn_log_fields_[0] - 1);         \
        }                                                                                     \
    } while (0)
void tarn_log_write(const struct tarn_log *log, enum tarn_log_level level, const char *message,
                    const struct tarn_log_field *fields, size_t count);
/* The report of a failure that is handled here: its code, message, detail, hint and place, at
 * the given level. */
void tarn_log_report(const struct tarn_log *log, enum tarn_log_level level,
                     const struct tarn_report *report);
/* "error", "warn", "info", "debug"; false: another word. */
bool tarn_log_level_parse(struct tarn_str name, enum tarn_log_level *out);

#endif
