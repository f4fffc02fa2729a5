/* log: see log.h. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const level_names[] = {"error", "warn", "info", "debug"};

bool tarn_log_level_parse(struct tarn_str name, enum tarn_log_level *out)
{
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (!tarn_str_eq_nocase(name, tarn_str_view(level_names[i])))
            continue;
        *out = (enum tarn_log_level)i;
        return true;
    }
    return false;
}

struct tarn_log tarn_log_with(const struct tarn_log *log, struct tarn_log_field field)
{
    struct tarn_log more = *log;
    if (more.context_count == TARN_LOG_CONTEXT_MAX)
        more.context_count--;
    more.context[more.context_count++] = field;
    return more;
}

/* ---- one line */

struct line {
    struct tarn_buf buf;
    struct tarn_json_writer json;
    bool is_json;
};

/* A logfmt value stands bare when nothing in it could be taken for something else. */
static bool is_bare(struct tarn_str s)
{
    if (s.len == 0 || !tarn_utf8_valid(s))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7F)
            return false;
    }
    return true;
}

static void put_str(struct line *l, const char *key, struct tarn_str s)
{
    if (l->is_json) {
        tarn_json_member_str(&l->json, key, s);
        return;
    }
    tarn_buf_printf(&l->buf, "%s%s=", l->buf.len ? " " : "", key);
    if (is_bare(s)) {
        tarn_buf_str(&l->buf, s);
        return;
    }
    struct tarn_json_writer quoted;
    tarn_json_writer_init(&quoted, &l->buf);
    tarn_json_put_str(&quoted, s.ptr ? s : TARN_STR(""));
}

static void put_field(struct line *l, const struct tarn_log_field *f)
{
    if (f->type == TARN_LOG_T_STR) {
        put_str(l, f->key, f->str);
    } else if (l->is_json) {
        tarn_json_key(&l->json, f->key);
        if (f->type == TARN_LOG_T_BOOL)
            tarn_json_put_bool(&l->json, f->i64 != 0);
        else
            tarn_json_put_i64(&l->json, f->i64);
    } else if (f->type == TARN_LOG_T_BOOL) {
        tarn_buf_printf(&l->buf, " %s=%s", f->key, f->i64 ? "true" : "false");
    } else {
        tarn_buf_printf(&l->buf, " %s=%" PRId64, f->key, f->i64);
    }
}

static void build(struct line *l, const struct tarn_log *log, enum tarn_log_level level,
                  const char *message, const struct tarn_log_field *fields, size_t count)
{
    char ts[TARN_TIME_TEXT_MAX];
    struct tarn_clock *clock = log->sink->clock ? log->sink->clock : tarn_clock_real();
    size_t n = tarn_time_format(tarn_clock_now_us(clock), 3, ts);
    tarn_buf_reset(&l->buf);
    tarn_json_writer_init(&l->json, &l->buf);
    if (l->is_json)
        tarn_json_begin_object(&l->json);
    put_str(l, "ts", tarn_str_of(ts, n));
    put_str(l, "level", tarn_str_view(level_names[level]));
    put_str(l, "msg", tarn_str_view(message));
    for (int i = 0; i < log->context_count; i++)
        put_field(l, &log->context[i]);
    for (size_t i = 0; i < count; i++)
        put_field(l, &fields[i]);
    if (l->is_json)
        tarn_json_end_object(&l->json);
    tarn_buf_put(&l->buf, '\n');
}

static void emit(const struct tarn_log_sink *sink, struct tarn_str line)
{
    if (sink->file) {
        (void)fwrite(line.ptr, 1, line.len, sink->file);
        (void)fflush(sink->file);
        return;
    }
    while (line.len > 0) {
        ssize_t n = write(sink->fd, line.ptr, line.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line.ptr += n;
        line.len -= (size_t)n;
    }
}

void tarn_log_write(const struct tarn_log *log, enum tarn_log_level level, const char *message,
                    const struct tarn_log_field *fields, size_t count)
{
    if (!tarn_log_on(log, level))
        return;
    int saved = errno; /* a log line between a call and the reading of its errno changes nothing */
    struct line l = {.is_json = log->sink->json};
    tarn_buf_init(&l.buf, TARN_LOG_LINE_MAX);
    build(&l, log, level, message, fields, count);
    if (l.buf.over_limit)
        build(&l, log, level, "a log line was too long", NULL, 0);
    if (!l.buf.failed)
        emit(log->sink, tarn_buf_view(&l.buf));
    tarn_buf_release(&l.buf);
    errno = saved;
}

void tarn_log_report(const struct tarn_log *log, enum tarn_log_level level,
                     const struct tarn_report *r)
{
    struct tarn_log_field fields[8];
    char frames[TARN_REPORT_FRAMES * (sizeof r->frames[0] + 2)];
    size_t n = 0, used = 0;
    if (!tarn_log_on(log, level) || r->status == TARN_OK)
        return;
    fields[n++] = TARN_LOG_Z("code", tarn_status_info(r->status)->code);
    if (r->detail[0])
        fields[n++] = TARN_LOG_Z("detail", r->detail);
    if (r->hint[0])
        fields[n++] = TARN_LOG_Z("hint", r->hint);
    if (r->file[0])
        fields[n++] = TARN_LOG_Z("file", r->file);
    if (r->line > 0)
        fields[n++] = TARN_LOG_I64("line", r->line);
    if (r->column > 0)
        fields[n++] = TARN_LOG_I64("column", r->column);
    for (int i = 0; i < r->frame_count; i++)
        used += (size_t)snprintf(frames + used, sizeof frames - used, "%s%s", i ? "; " : "",
                                 r->frames[i]);
    if (used > 0)
        fields[n++] = TARN_LOG_STR("while", tarn_str_of(frames, used));
    tarn_log_write(log, level, r->message, fields, n);
}
