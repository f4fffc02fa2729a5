/* cli: what the verbs share. */
#include "cli/cli.h"

#include <unistd.h>

#include "base/report.h"

enum tarn_status tarn__cli_open(struct tarn_cli *cli, bool create, bool engine,
                                struct tarn_workspace **out)
{
    const struct tarn_options *o = cli->options;
    struct tarn_workspace_options w = {
        .project = {.dir = o->project_dir,
                    .profile = o->profile,
                    .warehouse = o->warehouse,
                    .catalog_name = o->catalog_name},
        .warehouse = o->warehouse,
        .catalog_name = o->catalog_name,
        .create = create,
        .engine = engine,
    };
    *out = NULL;
    if (o->warehouse.ptr && !o->project_dir.ptr && o->verb != TARN_VERB_RUN &&
        o->verb != TARN_VERB_PLAN && o->verb != TARN_VERB_RETRY && !o->run.ptr)
        w.outside = true; /* a warehouse alone is enough to look at tables */
    enum tarn_status status = tarn_workspace_open(cli->op, &w, out);
    cli->project = *out ? (*out)->project : NULL;
    return status;
}

enum tarn_status tarn__cli_with_workspace(struct tarn_cli *cli, tarn__cli_fn *fn)
{
    struct tarn_workspace *w = NULL;
    enum tarn_status status = tarn__cli_open(cli, false, false, &w);
    if (status == TARN_OK)
        status = fn(cli, w);
    tarn_workspace_close(w);
    return status;
}

void tarn__cli_output(struct tarn_cli *cli, struct tarn_output *out)
{
    struct tarn_output_options o = {.format = (enum tarn_format)cli->options->format,
                                    .fd = 1,
                                    .width = cli->term.out_tty ? cli->term.width : 0,
                                    .rows_max = cli->options->max_rows};
    tarn_output_init(out, &o);
}

enum tarn_status tarn__cli_listing(struct tarn_cli *cli, struct tarn_workspace *w,
                                   tarn__listing_fn *fn)
{
    struct tarn_output out;
    tarn__cli_output(cli, &out);
    out.options.rows_max = 1000000;
    enum tarn_status status = fn(cli, w, &out);
    if (status == TARN_OK)
        status = tarn_output_end(&out, cli->op);
    cli->reader_gone = cli->reader_gone || out.reader_gone;
    tarn_output_release(&out);
    return status;
}

enum tarn_status tarn__cli_flush(struct tarn_cli *cli)
{
    bool gone = false;
    TARN_TRY((enum tarn_status)tarn_buf_finish(cli->op, &cli->text, "output"));
    if (!cli->reader_gone)
        TARN_TRY(tarn_output_bytes(cli->op, 1, tarn_buf_view(&cli->text), &gone));
    cli->reader_gone = cli->reader_gone || gone;
    tarn_buf_reset(&cli->text);
    return TARN_OK;
}

void tarn__cli_json_begin(struct tarn_cli *cli, struct tarn_json_writer *w)
{
    tarn_json_writer_init(w, &cli->text);
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "v", 1);
}

enum tarn_status tarn__cli_json_end(struct tarn_cli *cli, struct tarn_json_writer *w)
{
    tarn_json_end_object(w);
    tarn_buf_put(&cli->text, '\n');
    return tarn__cli_flush(cli);
}

void tarn__cli_report(struct tarn_cli *cli)
{
    struct tarn_report *r = &cli->op->report;
    struct tarn_buf b;
    if (cli->project)
        tarn_project_redact(cli->project, r);
    tarn_buf_init(&b, 1 << 20);
    if (cli->json) {
        struct tarn_json_writer w;
        tarn_json_writer_init(&w, &b);
        tarn_report_json(&w, r);
        tarn_buf_put(&b, '\n');
    } else {
        tarn_report_text(&b, r, (struct tarn_report_style){cli->term.err_colour});
    }
    (void)!write(2, tarn_buf_view(&b).ptr, b.len);
    tarn_buf_release(&b);
}

/* ---- texts */

static struct tarn_str take(struct tarn_op *op, struct tarn_buf *b)
{
    struct tarn_str out;
    if (tarn_buf_take(op, b, "text", &out) == TARN_OK)
        return out;
    tarn_clear(op);
    return TARN_STR("?");
}

struct tarn_str tarn__cli_size(struct tarn_op *op, int64_t bytes)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 256);
    tarn_put_bytes(&b, bytes > 0 ? (uint64_t)bytes : 0);
    return take(op, &b);
}

struct tarn_str tarn__cli_duration(struct tarn_op *op, uint64_t ns)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 256);
    tarn_put_duration(&b, ns);
    return take(op, &b);
}

struct tarn_str tarn__cli_count(struct tarn_op *op, int64_t n)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 256);
    tarn_put_count(&b, n);
    return take(op, &b);
}

struct tarn_str tarn__cli_plural(struct tarn_op *op, int64_t n, const char *noun)
{
    char many[64];
    struct tarn_buf b;
    (void)!snprintf(many, sizeof many, "%.60ss", noun);
    tarn_buf_init(&b, 256);
    tarn_put_plural(&b, n, noun, many);
    return take(op, &b);
}

struct tarn_str tarn__cli_time_ms(struct tarn_op *op, int64_t ms)
{
    char text[TARN_TIME_TEXT_MAX];
    tarn_time_format(ms * 1000, 3, text);
    struct tarn_str out = tarn_strdup(op, tarn_str_view(text));
    return out.ptr ? out : TARN_STR("?");
}

struct tarn_str tarn__cli_bytes(struct tarn_cli *cli, int64_t bytes)
{
    if (cli->options->format == TARN_FORMAT_TABLE || cli->options->format == TARN_FORMAT_MD)
        return tarn__cli_size(cli->op, bytes);
    struct tarn_str out = tarn_sprintf(cli->op, "%lld", (long long)bytes);
    return out.ptr ? out : TARN_STR("?");
}
