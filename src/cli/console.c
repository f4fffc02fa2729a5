/* console: see console.h. */
#include "cli/console.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/sql_token.h"

#define TEXT_MAX    ((size_t)64 << 20)
#define ARENA_MAX   ((size_t)8 << 30) /* of a statement */
#define SCRATCH_MAX ((size_t)1 << 30)

/* ---- opening */

void tarn__console_init(struct tarn_console *c, struct tarn_cli *cli)
{
    *c = (struct tarn_console){
        .cli = cli, .format = (enum tarn_format)cli->options->format, .fd = 1};
}

static void close_workspace(struct tarn_console *c)
{
    tarn_sql_close(c->sql);
    tarn_workspace_close(c->workspace);
    c->sql = NULL;
    c->workspace = NULL;
    c->cli->project = NULL;
}

void tarn__console_close(struct tarn_console *c)
{
    if (c->sql && tarn_sql_in_transaction(c->sql))
        fputs("notice: the open transaction was rolled back\n", stderr);
    const struct tarn_project *project = c->cli->project; /* reports are redacted by it */
    close_workspace(c);
    c->cli->project = project;
}

static enum tarn_status stage_run(struct tarn_console *c)
{
    struct tarn_run_record record;
    struct tarn_op *op = c->cli->op;
    TARN_TRY(tarn_run_record_read(c->workspace, op, c->cli->options->run, &record));
    return tarn_run_record_stage(c->workspace, op, &record);
}

enum tarn_status tarn__console_open(struct tarn_console *c, bool create)
{
    struct tarn_cli *cli = c->cli;
    if (c->workspace && !(create && c->workspace->no_catalog))
        return TARN_OK;
    close_workspace(c);
    enum tarn_status status = tarn__cli_open(cli, create, true, &c->workspace);
    if (status == TARN_OK && cli->options->run.ptr)
        status = stage_run(c);
    if (status == TARN_OK)
        status = tarn_workspace_sql(c->workspace, cli->op, &c->sql);
    if (status != TARN_OK) {
        const struct tarn_project *project = cli->project;
        close_workspace(c);
        cli->project = project;
    }
    return status;
}

/* ---- one statement */

static bool is_any_of(struct tarn_str sql, const struct tarn_sql_token *t, const char *const *words)
{
    for (; *words; words++)
        if (tarn_sql_token_is(sql, t, *words))
            return true;
    return false;
}

/* Statements that only read; for the tables of a run, which are nobody's to change. */
static bool only_reads(struct tarn_str sql)
{
    static const char *const reading[] = {"SELECT",   "FROM",    "WITH",      "VALUES", "SHOW",
                                          "DESCRIBE", "DESC",    "(",         "TABLE",  "PIVOT",
                                          "UNPIVOT",  "EXPLAIN", "SUMMARIZE", NULL};
    static const char *const changing[] = {"INSERT", "UPDATE", "DELETE", "MERGE", NULL};
    struct tarn_sql_token t;
    if (!tarn_sql_token(sql, 0, &t) || !is_any_of(sql, &t, reading))
        return false;
    if (!tarn_sql_token_is(sql, &t, "WITH"))
        return true;
    for (size_t p = t.end; tarn_sql_token(sql, p, &t); p = t.end)
        if (is_any_of(sql, &t, changing))
            return false;
    return true;
}

static bool begins_with(struct tarn_str sql, const char *word)
{
    struct tarn_sql_token t;
    return tarn_sql_token(sql, 0, &t) && tarn_sql_token_is(sql, &t, word);
}

static uint64_t now_ns(void)
{
    return tarn_clock_monotonic_ns(tarn_clock_real());
}

void tarn__console_output(struct tarn_console *c, struct tarn_buf *into, struct tarn_output *out)
{
    struct tarn_cli *cli = c->cli;
    struct tarn_output_options o = {.format = c->format,
                                    .fd = c->fd,
                                    .width = c->fd == 1 && cli->term.out_tty ? cli->term.width : 0,
                                    .rows_max = cli->options->max_rows,
                                    .into = into};
    tarn_output_init(out, &o);
}

static bool is_for_people(const struct tarn_console *c)
{
    return c->format == TARN_FORMAT_TABLE || c->format == TARN_FORMAT_EXPANDED;
}

static enum tarn_status put_rows(struct tarn_console *c, struct tarn_op *op,
                                 const struct tarn_answer *answer, uint64_t started)
{
    struct tarn_output out;
    struct tarn_batch batch;
    struct tarn_buf text;
    enum tarn_status status;
    bool person = c->shell && is_for_people(c);
    tarn_buf_init(&text, (size_t)1 << 30);
    if (!person && is_for_people(c) && c->printed) /* tables of a script stand apart */
        TARN_TRY(tarn_output_bytes(op, c->fd, TARN_STR("\n"), &c->cli->reader_gone));
    tarn__console_output(c, person ? &text : NULL, &out);
    out.options.started_ns = c->timing ? started : 0;
    if (answer->rows >= 0)
        out.options.tag = answer->tag;
    TARN_GO(tarn_output_begin(&out, op, tarn_result_type(answer->result)));
    while (tarn_output_wants_more(&out)) {
        TARN_GO(tarn_result_next(answer->result, op, &batch));
        if (batch.rows == 0)
            break;
        TARN_GO(tarn_output_batch(&out, op, &batch));
    }
    TARN_GO(tarn_output_end(&out, op));
    if (person) {
        tarn_buf_put(&text, '\n');
        TARN_GO((enum tarn_status)tarn_buf_finish(op, &text, "the result"));
        status = tarn__console_show(c, tarn_buf_view(&text));
    }
out:
    c->cli->reader_gone = c->cli->reader_gone || out.reader_gone;
    tarn_output_release(&out);
    tarn_buf_release(&text);
    return status;
}

static void put_tag_json(struct tarn_buf *b, const struct tarn_answer *answer)
{
    struct tarn_json_writer w;
    tarn_json_writer_init(&w, b);
    tarn_json_begin_object(&w);
    tarn_json_member_i64(&w, "v", 1);
    tarn_json_member_str(&w, "tag", answer->tag);
    if (answer->rows >= 0)
        tarn_json_member_i64(&w, "rows", answer->rows);
    if (answer->notice.ptr)
        tarn_json_member_str(&w, "notice", answer->notice);
    tarn_json_end_object(&w);
    tarn_buf_put(b, '\n');
}

/* "INSERT 3", "CREATE TABLE"; in a shell that tells times "INSERT 3 (12 ms)" */
static void put_tag_text(struct tarn_buf *b, const struct tarn_answer *answer, uint64_t started)
{
    tarn_buf_str(b, answer->tag);
    if (answer->rows >= 0)
        tarn_buf_printf(b, " %lld", (long long)answer->rows);
    if (started) {
        tarn_buf_z(b, " (");
        tarn_put_duration(b, now_ns() - started);
        tarn_buf_put(b, ')');
    }
    tarn_buf_put(b, '\n');
}

static enum tarn_status put_tag(struct tarn_console *c, struct tarn_op *op,
                                const struct tarn_answer *answer, uint64_t started)
{
    struct tarn_buf b;
    if (!answer->tag.ptr || !answer->tag.len ||
        (c->cli->options->quiet && c->format != TARN_FORMAT_JSON))
        return TARN_OK;
    tarn_buf_init(&b, (size_t)1 << 20);
    if (c->format == TARN_FORMAT_JSON)
        put_tag_json(&b, answer);
    else
        put_tag_text(&b, answer, c->timing && !answer->result ? started : 0);
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(op, &b, "the answer");
    int fd = is_for_people(c) || c->format == TARN_FORMAT_JSON ? c->fd : 2;
    if (status == TARN_OK && !c->cli->reader_gone)
        status = tarn_output_bytes(op, fd, tarn_buf_view(&b), &c->cli->reader_gone);
    tarn_buf_release(&b);
    return status;
}

static void put_notice(struct tarn_console *c, struct tarn_str notice)
{
    if (!notice.ptr || c->cli->options->quiet)
        return;
    fflush(stdout);
    fprintf(stderr, "notice: %.*s\n", TARN_STR_ARG(notice));
}

static enum tarn_status put_answer(struct tarn_console *c, struct tarn_op *op,
                                   const struct tarn_answer *answer, uint64_t started)
{
    enum tarn_status status = TARN_OK;
    put_notice(c, answer->notice);
    if (answer->result)
        status = put_rows(c, op, answer, started);
    c->printed = c->printed || answer->result;
    if (status != TARN_OK || (answer->result && c->format == TARN_FORMAT_JSON))
        return status;
    /* what a query answers is its rows; INSERT .. RETURNING says how many besides */
    if (!answer->result || (answer->rows >= 0 && !tarn_str_is(answer->tag, "SELECT")))
        status = put_tag(c, op, answer, started);
    return status;
}

enum tarn_status tarn__console_run(struct tarn_console *c, struct tarn_sql_text text)
{
    struct tarn_op *main = c->cli->op, op;
    struct tarn_answer answer;
    uint64_t started = now_ns();
    if (c->cli->options->run.ptr && !only_reads(text.sql))
        return tarn_fail(main, TARN_USAGE, "the tables of a run can only be read");
    TARN_TRY(tarn__console_open(c, begins_with(text.sql, "CREATE")));
    if (tarn_op_init(&op, ARENA_MAX, SCRATCH_MAX) != TARN_OK)
        return tarn_fail(main, TARN_NOMEM, "could not run a statement: out of memory");
    op.cancel = main->cancel;
    op.log = main->log;
    op.deadline_ns = main->deadline_ns;
    enum tarn_status status = tarn_sql_run(c->sql, &op, text, &answer);
    if (status == TARN_OK) {
        status = put_answer(c, &op, &answer, started);
        tarn_result_close(answer.result);
    }
    if (status != TARN_OK)
        (void)tarn_op_adopt(main, &op);
    tarn_op_release(&op);
    return status;
}

/* ---- scripts */

/* Where a statement of a text stands, counted on from the one before. */
struct place {
    size_t line_start; /* byte of the line that it begins in */
    size_t at;
    int line;
};

static void place_move(struct place *p, struct tarn_str text, size_t to)
{
    for (; p->at < to; p->at++)
        if (text.ptr[p->at] == '\n') {
            p->line++;
            p->line_start = p->at + 1;
        }
}

/* The statement from the beginning of its line on, so that columns are right: what stands before it
 * there is made blank, in `copy`. */
static enum tarn_status from_line_start(struct tarn_op *op, struct tarn_str before,
                                        struct tarn_str piece, struct tarn_buf *copy,
                                        struct tarn_str *out)
{
    *out = tarn_str_of(before.ptr, before.len + piece.len);
    if (tarn_str_trim(before).len == 0)
        return TARN_OK;
    tarn_buf_reset(copy);
    for (size_t i = 0; i < before.len; i++)
        if (((unsigned char)before.ptr[i] & 0xC0) != 0x80)
            tarn_buf_put(copy, ' ');
    tarn_buf_str(copy, piece);
    *out = tarn_buf_view(copy);
    return (enum tarn_status)tarn_buf_finish(op, copy, "a statement");
}

enum tarn_status tarn__console_script(struct tarn_console *c, struct tarn_str text,
                                      const char *file)
{
    struct tarn_op *op = c->cli->op;
    struct place place = {.line = 1};
    struct tarn_str piece;
    struct tarn_buf copy;
    size_t at = 0;
    bool complete;
    enum tarn_status status = TARN_OK;
    tarn_buf_init(&copy, TEXT_MAX);
    while (!c->cli->reader_gone && tarn_sql_next(text, &at, &piece, &complete)) {
        struct tarn_sql_text one = {.file = file};
        place_move(&place, text, (size_t)(piece.ptr - text.ptr));
        one.line0 = place.line;
        struct tarn_str before =
            tarn_str_of(text.ptr + place.line_start, place.at - place.line_start);
        TARN_GO(from_line_start(op, before, piece, &copy, &one.sql));
        TARN_GO(tarn__console_run(c, one));
        TARN_GO(tarn_poll(op, 1));
    }
out:
    tarn_buf_release(&copy);
    return status;
}

static enum tarn_status read_all(struct tarn_op *op, int fd, const char *what, struct tarn_str *out)
{
    struct tarn_buf b;
    char piece[65536];
    ssize_t n;
    tarn_buf_init(&b, TEXT_MAX);
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0)
            tarn_buf_append(&b, piece, (size_t)n);
    } while ((n > 0 && !b.failed) || (n < 0 && errno == EINTR && tarn_poll(op, 1) == TARN_OK));
    if (n < 0) {
        int err = errno;
        tarn_buf_release(&b);
        return op->report.status ? op->report.status
                                 : tarn_fail_errno(op, err, "could not read %s", what);
    }
    return (enum tarn_status)tarn_buf_take(op, &b, what, out);
}

enum tarn_status tarn__read_file(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    if (tarn_str_is(path, "-"))
        return read_all(op, 0, "standard input", out);
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

enum tarn_status tarn__console_file(struct tarn_console *c, struct tarn_str path)
{
    struct tarn_str text;
    bool in = tarn_str_is(path, "-");
    TARN_TRY(tarn__read_file(c->cli->op, path, &text));
    if (tarn_str_starts(text, TARN_STR("\xef\xbb\xbf"))) /* a byte order mark */
        text = tarn_str_of(text.ptr + 3, text.len - 3);
    return tarn__console_script(c, text, in ? "statement" : path.ptr);
}

enum tarn_status tarn__console_show(struct tarn_console *c, struct tarn_str text)
{
    struct tarn_cli *cli = c->cli;
    if (c->shell && c->fd == 1 && cli->term.out_tty && tarn__pager(text))
        return TARN_OK;
    return tarn_output_bytes(cli->op, c->fd, text, &cli->reader_gone);
}
