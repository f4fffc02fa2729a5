/* shell_command: lines that begin with a backslash. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/shell_int.h"

typedef void command(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument);

static void show_text(struct tarn__shell *s, struct tarn_buf *b)
{
    struct tarn_op *op = s->console->cli->op;
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(op, b, "the text");
    if (status == TARN_OK)
        status = tarn__console_show(s->console, tarn_buf_view(b));
    tarn_buf_release(b);
    tarn__shell_report(s, status);
}

static void describe(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    struct tarn_op *main = s->console->cli->op, op;
    enum tarn_status status = tarn__console_open(s->console, false);
    if (status == TARN_OK && tarn_op_child(main, &op) == TARN_OK) {
        tarn__shell_busy(s);
        status = tarn__describe(s, &op, tarn_str_of(name.ptr + 1, name.len - 1), argument);
        tarn__shell_idle(s);
        if (status != TARN_OK)
            (void)tarn_op_adopt(main, &op);
        tarn_op_release(&op);
    }
    tarn__shell_report(s, status);
}

/* "on", "off", or the other way. */
static bool switched(bool now, struct tarn_str argument)
{
    if (tarn_str_eq_nocase(argument, TARN_STR("on")))
        return true;
    return !tarn_str_eq_nocase(argument, TARN_STR("off")) && !now;
}

static void expanded(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    struct tarn_console *c = s->console;
    bool on = switched(c->format == TARN_FORMAT_EXPANDED, argument);
    (void)name;
    if (s->format == TARN_FORMAT_EXPANDED)
        s->format = TARN_FORMAT_TABLE;
    c->format = on ? TARN_FORMAT_EXPANDED : s->format;
    printf("Records are shown %s.\n", on ? "expanded" : "as rows");
}

static void timing(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    (void)name;
    s->console->timing = switched(s->console->timing, argument);
    printf("Timing is %s.\n", s->console->timing ? "on" : "off");
}

static void format(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    static const char *const names[] = {"table", "json", "ndjson", "csv", "md", "expanded"};
    (void)name;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tarn_str_eq_nocase(argument, tarn_str_view(names[i]))) {
            s->console->format = s->format = (enum tarn_format)i;
            return;
        }
    fputs("\\format table|json|ndjson|csv|md|expanded\n", stderr);
}

/* "~/x" is below the home folder. */
static enum tarn_status expand(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    const char *home = getenv("HOME");
    if (home && tarn_str_starts(path, TARN_STR("~/")))
        *out = tarn_sprintf(op, "%s%.*s", home, (int)path.len - 1, path.ptr + 1);
    else
        *out = tarn_strdup(op, path);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static void output(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    struct tarn_op *op = s->console->cli->op;
    struct tarn_str path;
    int fd = 1;
    (void)name;
    if (argument.len) {
        enum tarn_status status = expand(op, argument, &path);
        if (status == TARN_OK) {
            fd = open(path.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
            if (fd < 0)
                status = tarn_fail_errno(op, errno, "could not open \"%s\"", path.ptr);
        }
        if (status != TARN_OK) {
            tarn__shell_report(s, status);
            return;
        }
    }
    if (s->console->fd != 1 && close(s->console->fd) != 0)
        fputs("the output file could not be written whole\n", stderr);
    s->console->fd = fd;
}

static void include(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    struct tarn_op *op = s->console->cli->op;
    struct tarn_str path;
    (void)name;
    if (!argument.len) {
        fputs("\\i FILE\n", stderr);
        return;
    }
    enum tarn_status status = expand(op, argument, &path);
    tarn__shell_busy(s);
    if (status == TARN_OK)
        status = tarn__console_file(s->console, path);
    tarn__shell_idle(s);
    tarn__shell_report(s, status);
}

static void go(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    enum tarn_format before = s->console->format;
    (void)argument;
    if (tarn_str_is(name, "\\gx"))
        s->console->format = TARN_FORMAT_EXPANDED;
    tarn__shell_run_text(s, true);
    s->console->format = before;
}

static void forget(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    (void)name, (void)argument;
    tarn_buf_reset(&s->text);
}

static void print(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    (void)name, (void)argument;
    fwrite(tarn_buf_view(&s->text).ptr, 1, s->text.len, stdout);
    fflush(stdout);
}

static void help(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 1 << 20);
    if (tarn_str_is(name, "\\h"))
        tarn__help_statement(&b, argument);
    else
        tarn__help_commands(&b);
    show_text(s, &b);
}

static void leave(struct tarn__shell *s, struct tarn_str name, struct tarn_str argument)
{
    (void)name, (void)argument;
    s->leave = true;
}

static const struct {
    const char *name;
    command *run;
} commands[] = {
    {"\\?", help},      {"\\d", describe},    {"\\dn", describe}, {"\\dt", describe},
    {"\\dv", describe}, {"\\format", format}, {"\\g", go},        {"\\gx", go},
    {"\\h", help},      {"\\i", include},     {"\\l", describe},  {"\\o", output},
    {"\\p", print},     {"\\q", leave},       {"\\r", forget},    {"\\timing", timing},
    {"\\x", expanded},
};

const char *tarn__shell_command_name(size_t i)
{
    return i < sizeof commands / sizeof *commands ? commands[i].name : NULL;
}

void tarn__shell_command(struct tarn__shell *s, struct tarn_str line)
{
    struct tarn_str name = line, argument = TARN_STR("");
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == ' ' || line.ptr[i] == '\t') {
            name = tarn_str_of(line.ptr, i);
            argument = tarn_str_trim(tarn_str_of(line.ptr + i, line.len - i));
            break;
        }
    while (argument.len && argument.ptr[argument.len - 1] == ';')
        argument.len--;
    if (name.len > 1 && name.ptr[name.len - 1] == ';')
        name.len--;
    tarn__history_add(s, line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (tarn_str_is(name, commands[i].name)) {
            commands[i].run(s, name, argument);
            fflush(stdout);
            return;
        }
    fprintf(stderr, "unknown command %.*s: \\? lists them\n", TARN_STR_ARG(name));
}
