/* sql: one statement that reads, from the command line, a file or standard input. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"

#define SQL_MAX ((size_t)16 << 20)

static enum tarn_status read_all(struct tarn_op *op, int fd, const char *what, struct tarn_str *out)
{
    struct tarn_buf b;
    char piece[65536];
    ssize_t n;
    tarn_buf_init(&b, SQL_MAX);
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0)
            tarn_buf_append(&b, piece, (size_t)n);
    } while ((n > 0 && !b.failed) || (n < 0 && errno == EINTR));
    if (n < 0) {
        int err = errno;
        tarn_buf_release(&b);
        return tarn_fail_errno(op, err, "could not read %s", what);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "the statement", out);
}

static enum tarn_status read_file(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    struct tarn_str z = tarn_strdup(op, path);
    if (!z.ptr)
        return TARN_NOMEM;
    int fd = open(z.ptr, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open \"%s\"", z.ptr);
    enum tarn_status status = read_all(op, fd, z.ptr, out);
    close(fd);
    return status;
}

/* Exactly one of: argument, -e, -f, standard input. */
static enum tarn_status statement(struct tarn_cli *cli, struct tarn_sql_text *out)
{
    const struct tarn_options *o = cli->options;
    int given = (o->args.count > 0) + (o->execute.ptr != NULL) + (o->file.ptr != NULL);
    *out = (struct tarn_sql_text){.file = "statement", .line0 = 1};
    if (given > 1)
        return tarn_fail(cli->op, TARN_USAGE, "give one statement: as argument, by -e or by -f");
    if (o->args.count)
        out->sql = o->args.items[0];
    else if (o->execute.ptr)
        out->sql = o->execute;
    else if (o->file.ptr && !tarn_str_is(o->file, "-")) {
        out->file = o->file.ptr;
        TARN_TRY(read_file(cli->op, o->file, &out->sql));
    } else if (!o->file.ptr && cli->term.in_tty) {
        (void)tarn_fail(cli->op, TARN_USAGE, "no statement was given");
        tarn_hint(cli->op, "tarn sql \"select ...\", or -f FILE, or through a pipe; a prompt is "
                           "not in this version");
        return TARN_USAGE;
    } else {
        TARN_TRY(read_all(cli->op, 0, "standard input", &out->sql));
    }
    out->whole = out->sql;
    return TARN_OK;
}

static enum tarn_status print(struct tarn_cli *cli, struct tarn_result *result)
{
    struct tarn_output out;
    struct tarn_batch batch;
    enum tarn_status status;
    tarn__cli_output(cli, &out);
    TARN_GO(tarn_output_begin(&out, cli->op, tarn_result_type(result)));
    while (tarn_output_wants_more(&out)) {
        TARN_GO(tarn_result_next(result, cli->op, &batch));
        if (batch.rows == 0)
            break;
        TARN_GO(tarn_output_batch(&out, cli->op, &batch));
    }
    TARN_GO(tarn_output_end(&out, cli->op));
out:
    cli->reader_gone = out.reader_gone;
    tarn_output_release(&out);
    return status;
}

static enum tarn_status ask(struct tarn_cli *cli, struct tarn_workspace *w)
{
    struct tarn_run_record record;
    struct tarn_result *result = NULL;
    struct tarn_sql_text text;
    TARN_TRY(statement(cli, &text));
    if (cli->options->run.ptr) {
        TARN_TRY(tarn_run_record_read(w, cli->op, cli->options->run, &record));
        TARN_TRY(tarn_run_record_stage(w, cli->op, &record));
    }
    TARN_TRY(tarn_session_query(w->session, cli->op, text, &result));
    enum tarn_status status = print(cli, result);
    tarn_result_close(result);
    return status;
}

enum tarn_status tarn__verb_sql(struct tarn_cli *cli)
{
    struct tarn_workspace *w = NULL;
    enum tarn_status status = tarn__cli_open(cli, false, true, &w);
    if (status == TARN_OK)
        status = ask(cli, w);
    tarn_workspace_close(w);
    return status;
}
