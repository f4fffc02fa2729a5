/* main: the program: options, signals, one verb, its report, its exit code. */
#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

/* First signal: stop after the current commit; second: now; third: the system's own way. Verbs that
 * have no run to end well stop at the first. */
static struct tarn_cancel cancel;
static volatile sig_atomic_t last_signal, at_once;

static void on_signal(int signal_number)
{
    last_signal = signal_number;
    int level = atomic_load(&cancel.level);
    if (level < 2)
        atomic_store(&cancel.level, at_once ? 2 : level + 1);
    else
        _exit(128 + signal_number);
}

static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is a full disk, told as such */
}

static tarn_verb_fn *const verbs[TARN_VERB_COUNT] = {
    [TARN_VERB_INIT] = tarn__verb_init,       [TARN_VERB_PLAN] = tarn__verb_plan,
    [TARN_VERB_RUN] = tarn__verb_run,         [TARN_VERB_RETRY] = tarn__verb_retry,
    [TARN_VERB_SQL] = tarn__verb_sql,         [TARN_VERB_LS] = tarn__verb_ls,
    [TARN_VERB_TABLE] = tarn__verb_table,     [TARN_VERB_DOCTOR] = tarn__verb_doctor,
    [TARN_VERB_VERSION] = tarn__verb_version, [TARN_VERB_HELP] = tarn__verb_help,
};

static enum tarn_status help(struct tarn_cli *cli, enum tarn_verb verb)
{
    struct tarn_str text;
    TARN_TRY(tarn_options_help(cli->op, verb, cli->term.out_tty ? cli->term.width : 80, &text));
    tarn_buf_str(&cli->text, text);
    return tarn__cli_flush(cli);
}

enum tarn_status tarn__verb_help(struct tarn_cli *cli)
{
    const struct tarn_options *o = cli->options;
    struct tarn_str page = o->args.count ? o->args.items[0] : TARN_STR("cli"), text;
    if (!o->markdown) {
        for (enum tarn_verb v = TARN_VERB_NONE + 1; o->args.count && v < TARN_VERB_COUNT; v++)
            if (tarn_str_is(page, tarn_verb_name(v)))
                return help(cli, v);
        return o->args.count
                   ? tarn_fail(cli->op, TARN_USAGE, "there is no verb \"%.*s\"", TARN_STR_ARG(page))
                   : help(cli, TARN_VERB_NONE);
    }
    if (tarn_str_is(page, "cli"))
        TARN_TRY(tarn_options_markdown(cli->op, &text));
    else if (tarn_str_is(page, "errors"))
        TARN_TRY(tarn_errors_markdown(cli->op, &text));
    else if (tarn_str_is(page, "project"))
        TARN_TRY(tarn_project_doc(cli->op, &text));
    else
        return tarn_fail(cli->op, TARN_USAGE, "there is no page \"%.*s\": cli, errors or project",
                         TARN_STR_ARG(page));
    tarn_buf_str(&cli->text, text);
    return tarn__cli_flush(cli);
}

static enum tarn_status dispatch(struct tarn_cli *cli)
{
    const struct tarn_options *o = cli->options;
    if (o->version)
        return tarn__verb_version(cli);
    if (o->help)
        return help(cli, o->verb);
    if (o->verb == TARN_VERB_NONE) {
        (void)help(cli, TARN_VERB_NONE);
        return tarn_fail(cli->op, TARN_USAGE, "no verb was given");
    }
    return verbs[o->verb](cli);
}

static int exit_code(const struct tarn_cli *cli, enum tarn_status status)
{
    if (cli->reader_gone)
        return TARN_OUTPUT_EXIT_GONE;
    if (status == TARN_OK)
        return 0;
    if (status == TARN_CANCELLED)
        return 128 + (last_signal ? last_signal : SIGINT);
    return tarn_status_info(status)->exit_code;
}

static int run(struct tarn_op *op, int argc, char **argv)
{
    struct tarn_options options = {0};
    struct tarn_cli cli = {.op = op, .options = &options};
    struct tarn_log_sink sink = {.fd = 2};
    struct tarn_log log;
    tarn_buf_init(&cli.text, (size_t)1 << 30);
    enum tarn_status status =
        tarn_options_parse(op, argc, (const char *const *)argv, NULL, &options);
    tarn_term_init(&cli.term,
                   &(struct tarn_term_options){.color = (enum tarn_color)options.color,
                                               .progress = !options.quiet && !options.no_progress});
    if (status == TARN_OK) {
        cli.json = options.format == TARN_FORMAT_JSON || options.format == TARN_FORMAT_NDJSON;
        sink.json = options.log_format != 0;
        log = (struct tarn_log){.sink = &sink, .level = (enum tarn_log_level)options.log_level};
        op->log = &log;
        at_once = options.verb == TARN_VERB_SQL;
        status = dispatch(&cli);
    }
    if (status != TARN_OK && op->report.status != TARN_OK && !cli.reader_gone)
        tarn__cli_report(&cli);
    tarn_buf_release(&cli.text);
    return exit_code(&cli, status);
}

int main(int argc, char **argv)
{
    struct tarn_op op;
    catch_signals();
    if (tarn_op_init(&op, (size_t)8 << 30, (size_t)1 << 30) != TARN_OK) {
        (void)!write(2, "tarn: out of memory\n", 20);
        return 1;
    }
    op.cancel = &cancel;
    int code = run(&op, argc, argv);
    tarn_op_release(&op);
    return code;
}
