/* term: see term.h. */
#include "cli/term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/table.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MAX     1000
#define REPAINT_NS    ((uint64_t)100 * 1000 * 1000)
#define PROGRESS_MAX  4096
#define THIN_SPACE    "\xE2\x80\xAF" /* U+202F */

static const char *env_get(const char *const *environment, const char *name)
{
    size_t n = strlen(name);
    if (!environment)
        environment = (const char *const *)environ;
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return *environment + n + 1;
    return NULL;
}

static bool env_is_set(const char *const *environment, const char *name)
{
    const char *value = env_get(environment, name);
    return value && *value;
}

static bool is_dumb(const char *const *environment)
{
    const char *name = env_get(environment, "TERM");
    return !name || !*name || strcmp(name, "dumb") == 0;
}

bool tarn_term_colour(enum tarn_color color, bool tty, const char *const *environment)
{
    if (color != TARN_COLOR_AUTO)
        return color == TARN_COLOR_ALWAYS;
    if (env_is_set(environment, "NO_COLOR"))
        return false;
    const char *force = env_get(environment, "CLICOLOR_FORCE");
    if (force && *force && strcmp(force, "0") != 0)
        return true;
    return tty && !is_dumb(environment);
}

static int width_of(const struct tarn_term *term, const char *const *environment)
{
    struct winsize size;
    int fds[] = {term->out_tty ? 1 : -1, term->err_tty ? 2 : -1};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0 && ioctl(fds[i], TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
            return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
    int64_t columns;
    const char *text = env_get(environment, "COLUMNS");
    if (text && tarn_str_to_i64(tarn_str_view(text), &columns) && columns > 0 &&
        columns <= WIDTH_MAX)
        return (int)columns;
    return WIDTH_DEFAULT;
}

void tarn_term_init(struct tarn_term *term, const struct tarn_term_options *options)
{
    *term = (struct tarn_term){
        .in_tty = isatty(0) == 1, .out_tty = isatty(1) == 1, .err_tty = isatty(2) == 1};
    term->out_colour = tarn_term_colour(options->color, term->out_tty, options->environment);
    term->err_colour = tarn_term_colour(options->color, term->err_tty, options->environment);
    term->progress = options->progress && term->err_tty && !is_dumb(options->environment);
    term->width = width_of(term, options->environment);
}

/* ---- progress */

/* What cannot be written to a terminal is not worth an error. */
static void write_quietly(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

void tarn_progress_show(struct tarn_progress *p, const char *fmt, ...)
{
    char text[PROGRESS_MAX];
    uint64_t now;
    if (!p->on)
        return;
    now = tarn_clock_monotonic_ns(p->clock);
    if (p->shown && now - p->last_ns < REPAINT_NS)
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct tarn_buf b;
    tarn_buf_init(&b, 4 * PROGRESS_MAX);
    tarn_buf_z(&b, "\r\x1b[K");
    tarn_text_fit(&b, tarn_str_view(text), p->width > 1 ? p->width - 1 : 1);
    if (!b.failed)
        write_quietly(p->fd, b.ptr, b.len);
    tarn_buf_release(&b);
    p->shown = true;
    p->last_ns = now;
}

void tarn_progress_clear(struct tarn_progress *p)
{
    if (p->on && p->shown)
        write_quietly(p->fd, "\r\x1b[K", 4);
    p->shown = false;
}

/* ---- numbers */

/* value / unit, half up, with one decimal place below ten. */
static void put_scaled(struct tarn_buf *b, uint64_t value, uint64_t unit, const char *name)
{
    uint64_t tenths = value / unit * 10 + (value % unit * 10 + unit / 2) / unit;
    if (tenths < 100)
        tarn_buf_printf(b, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, name);
    else
        tarn_buf_printf(b, "%" PRIu64 " %s", value / unit + (value % unit >= unit - unit / 2),
                        name);
}

void tarn_put_bytes(struct tarn_buf *b, uint64_t bytes)
{
    static const char *const names[] = {"B", "KB", "MB", "GB", "TB", "PB", "EB"};
    uint64_t unit = 1;
    size_t i = 0;
    /* what would be printed as 1000 goes to the next unit */
    while (i < 6 && bytes >= unit * 1000 - (i ? unit / 2 : 0)) {
        unit *= 1000;
        i++;
    }
    if (i == 0)
        tarn_buf_printf(b, "%" PRIu64 " B", bytes);
    else
        put_scaled(b, bytes, unit, names[i]);
}

void tarn_put_duration(struct tarn_buf *b, uint64_t ns)
{
    uint64_t ms = ns / 1000000 + (ns % 1000000 >= 500000);
    uint64_t tenths = ns / 100000000 + (ns % 100000000 >= 50000000);
    uint64_t s = ns / 1000000000 + (ns % 1000000000 >= 500000000);
    if (ms < 100)
        tarn_buf_printf(b, "%" PRIu64 " ms", ms);
    else if (tenths < 600)
        tarn_buf_printf(b, "%" PRIu64 ".%" PRIu64 " s", tenths / 10, tenths % 10);
    else if (s < 3600)
        tarn_buf_printf(b, "%" PRIu64 "m %02" PRIu64 "s", s / 60, s % 60);
    else
        tarn_buf_printf(b, "%" PRIu64 "h %02" PRIu64 "m", s / 3600, s % 3600 / 60);
}

void tarn_put_count(struct tarn_buf *b, int64_t count)
{
    char digits[24];
    uint64_t v = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    if (count < 0)
        tarn_buf_put(b, '-');
    for (int i = 0; i < n; i++) {
        if (n > 4 && i > 0 && (n - i) % 3 == 0)
            tarn_buf_z(b, THIN_SPACE);
        tarn_buf_put(b, digits[i]);
    }
}

void tarn_put_plural(struct tarn_buf *b, int64_t count, const char *one, const char *many)
{
    tarn_put_count(b, count);
    tarn_buf_printf(b, " %s", count == 1 ? one : many);
}
