/* shell: the prompt: reads lines, runs statements and commands until \q or Ctrl-D.
 *
 * At the prompt Ctrl-C drops what was typed; while a statement runs it stops the statement alone.
 * Both come through one handler, which knows by `running` what to do. SIGTERM and SIGHUP leave.
 */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#include <wchar.h>

#include "cli/shell_int.h"

static struct tarn_cancel *_Atomic running; /* of the statement that runs; NULL: none does */
static volatile sig_atomic_t interrupted, ended;

static void on_signal(int signal_number)
{
    struct tarn_cancel *cancel = atomic_load(&running);
    if (signal_number == SIGINT)
        interrupted = 1;
    else
        ended = 1;
    if (cancel)
        atomic_store(&cancel->level, 2);
}

static void catch_signals(struct sigaction before[3])
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction a = {.sa_handler = on_signal}; /* without SA_RESTART: reads are left */
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < 3; i++)
        sigaction(signals[i], &a, &before[i]);
}

static void give_signals_back(const struct sigaction before[3])
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < 3; i++)
        sigaction(signals[i], &before[i], NULL);
}

void tarn__shell_busy(struct tarn__shell *s)
{
    interrupted = 0;
    atomic_store(&running, s->console->cli->op->cancel);
}

void tarn__shell_idle(struct tarn__shell *s)
{
    struct tarn_cancel *cancel = s->console->cli->op->cancel;
    atomic_store(&running, NULL);
    if (cancel && !ended)
        atomic_store(&cancel->level, 0);
}

void tarn__shell_report(struct tarn__shell *s, enum tarn_status status)
{
    struct tarn_cli *cli = s->console->cli;
    if (status == TARN_OK)
        return;
    fflush(stdout);
    tarn__cli_report(cli);
    tarn_clear(cli->op);
}

/* ---- statements */

static void run_one(struct tarn__shell *s, struct tarn_str statement)
{
    tarn__shell_busy(s);
    enum tarn_status status = tarn__console_script(s->console, statement, "statement");
    tarn__shell_idle(s);
    tarn__shell_report(s, status);
}

/* A block comment that is not closed yet: there are no words, but the text is not done. */
static bool in_comment(struct tarn_str text)
{
    const char *open = NULL;
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.ptr[i] == '/' && text.ptr[i + 1] == '*')
            open = text.ptr + i++;
        else if (text.ptr[i] == '*' && text.ptr[i + 1] == '/')
            open = NULL;
    return open != NULL;
}

void tarn__shell_run_text(struct tarn__shell *s, bool all)
{
    struct tarn_str text = tarn_buf_view(&s->text), piece;
    size_t at = 0, done = 0;
    bool complete;
    while (!s->leave && tarn_sql_next(text, &at, &piece, &complete) && (complete || all)) {
        tarn__history_add(s, tarn_str_of(piece.ptr, (size_t)(text.ptr + at - piece.ptr)));
        run_one(s, piece);
        done = at;
    }
    struct tarn_str rest = tarn_str_of(text.ptr + done, text.len - done);
    at = 0;
    if (all || (!tarn_sql_next(rest, &at, &piece, &complete) && !in_comment(rest))) {
        tarn_buf_reset(&s->text);
    } else if (done > 0) {
        memmove(s->text.ptr, rest.ptr, rest.len + 1);
        s->text.len = rest.len;
    }
}

static bool is_word(struct tarn_str line, const char *word)
{
    if (line.len && line.ptr[line.len - 1] == ';')
        line.len--;
    return tarn_str_eq_nocase(tarn_str_trim(line), tarn_str_view(word));
}

static void take_line(struct tarn__shell *s, struct tarn_str line)
{
    struct tarn_str trimmed = tarn_str_trim(line);
    bool fresh = s->text.len == 0;
    if (trimmed.len && trimmed.ptr[0] == '\\') {
        tarn__shell_command(s, trimmed);
    } else if (fresh && (is_word(trimmed, "quit") || is_word(trimmed, "exit"))) {
        s->leave = true;
    } else if (fresh && is_word(trimmed, "help")) {
        tarn__shell_command(s, TARN_STR("\\?"));
    } else if (!fresh || trimmed.len) {
        tarn_buf_str(&s->text, line);
        if (s->text.failed) {
            fputs("the statement is too long\n", stderr);
            tarn_buf_reset(&s->text);
        }
        tarn__shell_run_text(s, false);
    }
}

/* ---- the line editor */

static char *prompt(EditLine *edit)
{
    static char text[16];
    struct tarn__shell *s;
    el_get(edit, EL_CLIENTDATA, &s);
    bool transaction = s->console->sql && tarn_sql_in_transaction(s->console->sql);
    (void)!snprintf(text, sizeof text, "tarn%s%c> ", transaction ? "*" : "",
                    s->text.len ? '-' : '=');
    return text;
}

/* One character; a signal ends the line. */
static int get_char(EditLine *edit, wchar_t *out)
{
    mbstate_t state = {0};
    (void)edit;
    for (;;) {
        char byte;
        if (interrupted || ended) {
            errno = EINTR;
            return -1;
        }
        ssize_t n = read(0, &byte, 1);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (byte == 0) /* Ctrl-D, typed while the terminal read whole lines */
            byte = 4;
        size_t got = mbrtowc(out, &byte, 1, &state);
        if (got == (size_t)-1) /* no character of this locale */
            state = (mbstate_t){0};
        else if (got != (size_t)-2)
            return 1;
    }
}

static bool edit_open(struct tarn__shell *s)
{
    HistEvent event;
    FILE *out = s->console->cli->term.out_tty ? stdout : stderr;
    s->edit = el_init("tarn", stdin, out, stderr);
    s->history = history_init();
    if (!s->edit || !s->history)
        return false;
    history(s->history, &event, H_SETSIZE, 2000);
    history(s->history, &event, H_SETUNIQUE, 1);
    el_set(s->edit, EL_CLIENTDATA, s);
    el_set(s->edit, EL_PROMPT, prompt);
    el_set(s->edit, EL_EDITOR, "emacs");
    el_set(s->edit, EL_HIST, history, s->history);
    el_set(s->edit, EL_GETCFN, get_char);
    el_wset(s->edit, EL_ADDFN, L"tarn-complete", L"complete a word", tarn__complete_key);
    el_set(s->edit, EL_BIND, "^I", "tarn-complete", NULL);
    el_set(s->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(s->edit, NULL);
    tarn__history_open(s);
    return true;
}

static void edit_close(struct tarn__shell *s)
{
    tarn__history_close(s);
    if (s->history)
        history_end(s->history);
    if (s->edit)
        el_end(s->edit);
}

static void read_lines(struct tarn__shell *s)
{
    while (!s->leave && !ended && !s->console->cli->reader_gone) {
        int n = 0;
        interrupted = 0;
        el_resize(s->edit);
        const char *line = el_gets(s->edit, &n);
        if (interrupted) {
            fputs("^C\n", stderr);
            el_reset(s->edit);
            tarn_buf_reset(&s->text);
        } else if (!line || n <= 0) { /* Ctrl-D on an empty line, or the terminal is gone */
            fputc('\n', stderr);
            return;
        } else {
            take_line(s, tarn_str_of(line, (size_t)n));
        }
    }
}

/* ---- beginning and end */

static void greet(struct tarn__shell *s)
{
    struct tarn_cli *cli = s->console->cli;
    enum tarn_status status = tarn__console_open(s->console, false);
    if (status == TARN_NOT_FOUND && cli->options->warehouse.ptr) {
        fprintf(stderr, "there is no warehouse in \"%.*s\" yet: CREATE NAMESPACE makes it\n",
                TARN_STR_ARG(cli->options->warehouse));
        tarn_clear(cli->op);
    }
    if (cli->op->report.status == TARN_OK && !cli->options->quiet)
        fputs("tarn " TARN_VERSION ": \\? for help, \\q to leave\n", stderr);
}

enum tarn_status tarn__shell(struct tarn_console *c)
{
    struct tarn__shell s = {.console = c, .format = c->format};
    struct sigaction before[3];
    struct tarn_op *op = c->cli->op;
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    c->shell = true;
    c->timing = true;
    greet(&s);
    if (op->report.status != TARN_OK)
        return op->report.status;
    tarn_buf_init(&s.text, (size_t)16 << 20);
    interrupted = ended = 0;
    catch_signals(before);
    if (edit_open(&s))
        read_lines(&s);
    else
        (void)tarn_fail(op, TARN_NOMEM, "could not open the terminal");
    edit_close(&s);
    give_signals_back(before);
    tarn_buf_release(&s.text);
    if (c->fd != 1)
        close(c->fd);
    c->fd = 1;
    return op->report.status;
}
