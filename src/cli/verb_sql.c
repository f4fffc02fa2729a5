/* sql: statements from the command line, a file or standard input; a prompt on a terminal. */
#include "cli/console.h"

static enum tarn_status one_source(const struct tarn_cli *cli)
{
    const struct tarn_options *o = cli->options;
    int given = (o->args.count > 0) + (o->execute.ptr != NULL) + (o->file.ptr != NULL);
    if (given > 1)
        return tarn_fail(cli->op, TARN_USAGE, "give statements once: as argument, by -e or by -f");
    return TARN_OK;
}

static enum tarn_status text_of_argument(struct tarn_console *c, struct tarn_str text)
{
    struct tarn_str first;
    size_t at = 0;
    bool complete;
    if (!tarn_sql_next(text, &at, &first, &complete))
        return tarn_fail(c->cli->op, TARN_USAGE, "there is no statement in the argument");
    return tarn__console_script(c, text, "statement");
}

static enum tarn_status run(struct tarn_console *c)
{
    const struct tarn_options *o = c->cli->options;
    if (o->args.count)
        return text_of_argument(c, o->args.items[0]);
    if (o->execute.ptr)
        return text_of_argument(c, o->execute);
    if (o->file.ptr)
        return tarn__console_file(c, o->file);
    if (c->cli->term.in_tty)
        return tarn__shell(c);
    return tarn__console_file(c, TARN_STR("-"));
}

enum tarn_status tarn__verb_sql(struct tarn_cli *cli)
{
    struct tarn_console c;
    tarn__console_init(&c, cli);
    enum tarn_status status = one_source(cli);
    if (status == TARN_OK)
        status = run(&c);
    tarn__console_close(&c);
    return status;
}
