/* run, plan, retry: a line a step, totals, the next command. */
#include "base/report.h"
#include "cli/cli.h"

#define NAME_WIDTH 44

struct teller {
    struct tarn_cli *cli;
    struct tarn_workspace *w;
    bool planning;
    struct tarn_progress progress;
    enum tarn_status status; /* of writing */
};

/* ---- JSON: one event a line */

static void json_step(struct tarn_cli *cli, const struct tarn_step *s)
{
    static const char *const kinds[] = {"ingest", "model", "check"};
    struct tarn_json_writer w;
    tarn__cli_json_begin(cli, &w);
    tarn_json_member_z(&w, "event", "step");
    tarn_json_member_str(&w, "node", s->node->id);
    tarn_json_member_z(&w, "kind", kinds[s->node->kind]);
    tarn_json_member_z(&w, "status", tarn_step_status_names[s->status]);
    tarn_json_member_str(&w, "reason", s->reason);
    tarn_json_member_i64(&w, "rows_in", s->rows_in);
    tarn_json_member_i64(&w, "rows_out", s->rows_out);
    tarn_json_member_i64(&w, "rows_deleted", s->rows_deleted);
    tarn_json_member_i64(&w, "dead_letters", s->dead_letters);
    tarn_json_member_i64(&w, "dead_letters_resolved", s->letters_resolved);
    tarn_json_member_i64(&w, "files_in", s->files_in);
    tarn_json_member_i64(&w, "bytes_in", s->bytes_in);
    tarn_json_member_i64(&w, "files_out", s->files_out);
    tarn_json_member_i64(&w, "bytes_out", s->bytes_out);
    tarn_json_member_i64(&w, "snapshot_id", s->snapshot_id);
    tarn_json_member_i64(&w, "failing_rows", s->failing);
    if (s->all_sql.ptr)
        tarn_json_member_str(&w, "failing_sql", s->all_sql);
    tarn_json_member_i64(&w, "ms", (int64_t)(s->ns / 1000000));
    if (s->report) {
        tarn_json_key(&w, "error");
        tarn_report_json(&w, s->report);
    }
    tarn_json_end_object(&w);
    tarn_buf_put(&cli->text, '\n');
}

static void json_end(struct tarn_cli *cli, const struct tarn_run_result *r, bool planning)
{
    struct tarn_json_writer w;
    tarn__cli_json_begin(cli, &w);
    tarn_json_member_z(&w, "event", planning ? "plan" : "run");
    tarn_json_member_str(&w, "run", planning ? TARN_STR("") : r->id);
    tarn_json_member_z(&w, "status", r->failed ? "failed" : r->up_to_date ? "up_to_date" : "ok");
    tarn_json_member_i64(&w, "steps", (int64_t)r->count);
    tarn_json_member_i64(&w, "published", (int64_t)r->published);
    tarn_json_member_i64(&w, "dead_letters", r->dead_letters);
    tarn_json_member_i64(&w, "warnings", r->warnings);
    tarn_json_member_i64(&w, "ms", (int64_t)(r->ns / 1000000));
    tarn_json_end_object(&w);
    tarn_buf_put(&cli->text, '\n');
}

/* ---- text */

static const char *status_word(const struct tarn_step *s)
{
    static const char *const words[] = {"ok",     "up to date", "warning",
                                        "failed", "skipped",    "will run"};
    return words[s->status];
}

static const char *status_color(const struct tarn_step *s)
{
    static const char *const colors[] = {"\033[32m", "\033[2m", "\033[33m",
                                         "\033[31m", "\033[2m", "\033[36m"};
    return colors[s->status];
}

static void put_part(struct tarn_buf *b, bool *first, struct tarn_str part)
{
    tarn_buf_z(b, *first ? "" : ", ");
    tarn_buf_str(b, part);
    *first = false;
}

/* "7 in, 6 out, 1 set aside, 1 file, 4.2 KB, 0.1 s   snapshot 6129384756012345678" */
static void put_numbers(struct tarn_cli *cli, const struct tarn_step *s)
{
    struct tarn_op *op = cli->op;
    struct tarn_buf *b = &cli->text;
    bool first = true;
    if (s->rows_in >= 0)
        put_part(b, &first, tarn_sprintf(op, "%s in", tarn__cli_count(op, s->rows_in).ptr));
    put_part(b, &first, tarn_sprintf(op, "%s out", tarn__cli_count(op, s->rows_out).ptr));
    if (s->rows_deleted)
        put_part(b, &first,
                 tarn_sprintf(op, "%s replaced", tarn__cli_count(op, s->rows_deleted).ptr));
    if (s->dead_letters)
        put_part(b, &first,
                 tarn_sprintf(op, "%s set aside", tarn__cli_count(op, s->dead_letters).ptr));
    if (s->letters_resolved)
        put_part(b, &first,
                 tarn_sprintf(op, "%s mended", tarn__cli_count(op, s->letters_resolved).ptr));
    if (s->files_out) {
        put_part(b, &first, tarn__cli_plural(op, s->files_out, "file"));
        put_part(b, &first, tarn__cli_size(op, s->bytes_out));
    }
    put_part(b, &first, tarn__cli_duration(op, s->ns));
    if (s->snapshot_id)
        tarn_buf_printf(b, "   snapshot %lld", (long long)s->snapshot_id);
}

static void put_plan(struct tarn_cli *cli, const struct tarn_step *s)
{
    tarn_buf_str(&cli->text, s->reason);
    if (s->bytes_in)
        tarn_buf_printf(&cli->text, ", %s", tarn__cli_size(cli->op, s->bytes_in).ptr);
    if (s->rows_in > 0)
        tarn_buf_printf(&cli->text, ", about %s", tarn__cli_plural(cli->op, s->rows_in, "row").ptr);
}

static void put_failure(struct tarn_cli *cli, const struct tarn_step *s)
{
    struct tarn_buf *b = &cli->text;
    if (s->report)
        tarn_report_text(b, s->report, (struct tarn_report_style){cli->term.out_colour});
    if (s->sample.len) {
        struct tarn_str rest = s->sample, line;
        while (tarn_str_cut(&rest, '\n', &line))
            tarn_buf_printf(b, "      %.*s\n", TARN_STR_ARG(line));
    }
    if (s->failing > 10)
        tarn_buf_printf(b, "      ... %s in all\n", tarn__cli_count(cli->op, s->failing).ptr);
}

static void put_step(struct teller *t, const struct tarn_step *s)
{
    struct tarn_cli *cli = t->cli;
    struct tarn_buf *b = &cli->text;
    bool color = cli->term.out_colour, check = s->node->kind == TARN_NODE_CHECK;
    tarn_buf_printf(b, "  %s%-10s%s  %-*.*s  ", color ? status_color(s) : "", status_word(s),
                    color ? "\033[0m" : "", NAME_WIDTH, TARN_STR_ARG(s->node->id));
    if (t->planning)
        put_plan(cli, s);
    else if (s->status == TARN_STEP_OK && !check)
        put_numbers(cli, s);
    else if (!s->report)
        tarn_buf_str(b, s->reason);
    if (!t->planning && s->status == TARN_STEP_OK && !check && s->reason.len)
        tarn_buf_printf(b, "   (%.*s)", TARN_STR_ARG(s->reason));
    while (b->len && b->ptr[b->len - 1] == ' ')
        b->ptr[--b->len] = 0;
    tarn_buf_put(b, '\n');
    if (s->status == TARN_STEP_FAILED || s->status == TARN_STEP_WARN)
        put_failure(cli, s);
}

/* Checks that pass are counted, not listed, unless asked for. */
static bool worth_telling(const struct teller *t, const struct tarn_step *s)
{
    if (t->cli->options->quiet)
        return s->status == TARN_STEP_FAILED || s->status == TARN_STEP_WARN;
    return s->node->kind != TARN_NODE_CHECK || t->cli->options->verbose ||
           (s->status != TARN_STEP_OK && s->status != TARN_STEP_CURRENT &&
            s->status != TARN_STEP_PLANNED);
}

static void begin(void *ctx, const struct tarn_node *node, size_t index, size_t count)
{
    struct teller *t = ctx;
    tarn_progress_show(&t->progress, "  %zu of %zu  %.*s", index + 1, count,
                       TARN_STR_ARG(node->id));
}

static void tell(void *ctx, const struct tarn_step *step, size_t index, size_t count)
{
    struct teller *t = ctx;
    if (step->report)
        tarn_project_redact(t->cli->project, step->report);
    (void)index;
    (void)count;
    tarn_progress_clear(&t->progress);
    if (t->cli->json)
        json_step(t->cli, step);
    else if (worth_telling(t, step))
        put_step(t, step);
    if (t->status == TARN_OK)
        t->status = tarn__cli_flush(t->cli);
}

/* ---- totals */

struct totals {
    int64_t steps[6], checks[6], rows, bytes, files, bytes_in;
};

static struct totals add_up(const struct tarn_run_result *r)
{
    struct totals t = {0};
    for (size_t i = 0; i < r->count; i++) {
        const struct tarn_step *s = &r->steps[i];
        if (s->node->kind == TARN_NODE_CHECK)
            t.checks[s->status]++;
        else
            t.steps[s->status]++;
        t.rows += s->rows_out;
        t.bytes += s->bytes_out;
        t.bytes_in += s->bytes_in;
        t.files += s->files_out;
    }
    return t;
}

static void put_letters(struct tarn_cli *cli, const struct tarn_run_result *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct tarn_step *s = &r->steps[i];
        if (s->dead_letters)
            tarn_buf_printf(
                &cli->text, "  %s set aside: tarn sql \"select * from %.*s__dead_letters\"\n",
                tarn__cli_plural(cli->op, s->dead_letters, "line").ptr, TARN_STR_ARG(s->node->id));
    }
}

static const struct tarn_step *last_model(const struct tarn_run_result *r)
{
    for (size_t i = r->count; i-- > 0;)
        if (r->steps[i].node->kind == TARN_NODE_MODEL && r->steps[i].status == TARN_STEP_OK)
            return &r->steps[i];
    return NULL;
}

static void put_failed(struct tarn_cli *cli, const struct tarn_run_result *r)
{
    struct tarn_buf *b = &cli->text;
    for (size_t i = 0; i < r->count; i++) {
        const struct tarn_step *s = &r->steps[i];
        if (s->status == TARN_STEP_FAILED && s->all_sql.ptr && s->failing > 10) {
            tarn_buf_printf(b, "  all rows: tarn sql --run %.*s \"%.*s\"\n", TARN_STR_ARG(r->id),
                            TARN_STR_ARG(s->all_sql));
            break;
        }
    }
    tarn_buf_printf(b, "\n  run %.*s failed; no model was published, the tables are as they were\n",
                    TARN_STR_ARG(r->id));
    const struct tarn_step *built = last_model(r);
    if (built)
        tarn_buf_printf(b, "  look at it: tarn sql --run %.*s \"select * from %.*s\"\n",
                        TARN_STR_ARG(r->id), TARN_STR_ARG(built->node->id));
    tarn_buf_z(b, "  then:       tarn retry\n");
}

static void put_end(struct tarn_cli *cli, const struct tarn_run_result *r)
{
    struct tarn_op *op = cli->op;
    struct tarn_buf *b = &cli->text;
    struct totals t = add_up(r);
    if (r->failed) {
        put_failed(cli, r);
        return;
    }
    if (cli->options->quiet)
        return;
    if (r->up_to_date) {
        tarn_buf_printf(b, "\n  up to date: nothing has changed since the last run   %s\n",
                        tarn__cli_duration(op, r->ns).ptr);
        return;
    }
    tarn_buf_printf(b, "\n  %s, %s published",
                    tarn__cli_plural(op, t.steps[TARN_STEP_OK], "table").ptr,
                    tarn__cli_count(op, (int64_t)r->published).ptr);
    if (t.checks[TARN_STEP_OK])
        tarn_buf_printf(b, ", %s passed",
                        tarn__cli_plural(op, t.checks[TARN_STEP_OK], "check").ptr);
    if (r->warnings)
        tarn_buf_printf(b, ", %s", tarn__cli_plural(op, r->warnings, "warning").ptr);
    tarn_buf_printf(b, "   %s, %s, %s\n", tarn__cli_plural(op, t.rows, "row").ptr,
                    tarn__cli_size(op, t.bytes).ptr, tarn__cli_duration(op, r->ns).ptr);
    put_letters(cli, r);
    const struct tarn_step *model = last_model(r);
    if (model)
        tarn_buf_printf(b, "  next: tarn sql \"select * from %.*s limit 10\"\n",
                        TARN_STR_ARG(model->node->id));
}

static void put_plan_end(struct tarn_cli *cli, const struct tarn_run_result *r)
{
    struct totals t = add_up(r);
    struct tarn_buf *b = &cli->text;
    if (r->up_to_date) {
        tarn_buf_z(b, "\n  up to date: a run would write nothing\n");
        return;
    }
    tarn_buf_printf(b, "\n  a run would make %s",
                    tarn__cli_plural(cli->op, t.steps[TARN_STEP_PLANNED], "table").ptr);
    if (t.bytes_in)
        tarn_buf_printf(b, " out of %s of new input", tarn__cli_size(cli->op, t.bytes_in).ptr);
    if (t.checks[TARN_STEP_PLANNED])
        tarn_buf_printf(b, " and carry out %s",
                        tarn__cli_plural(cli->op, t.checks[TARN_STEP_PLANNED], "check").ptr);
    tarn_buf_z(b, "; nothing is written by this plan\n  next: tarn run\n");
}

/* ---- verbs */

static enum tarn_status carry_out(struct tarn_cli *cli, struct tarn_workspace *w,
                                  struct tarn_run_options *options, bool planning)
{
    struct teller t = {.cli = cli, .w = w, .planning = planning, .status = TARN_OK};
    struct tarn_run_result result;
    t.progress = (struct tarn_progress){.fd = 2,
                                        .on = cli->term.progress && !planning,
                                        .width = cli->term.width,
                                        .clock = tarn_clock_real()};
    options->begin = begin;
    options->tell = tell;
    options->tell_ctx = &t;
    enum tarn_status status = planning ? tarn_run_plan(w, cli->op, options, &result)
                                       : tarn_run(w, cli->op, options, &result);
    if (status != TARN_OK && !result.engaged)
        return status; /* it did not begin */
    struct tarn_report kept = cli->op->report;
    tarn_progress_clear(&t.progress);
    if (cli->json)
        json_end(cli, &result, planning);
    else if (planning)
        put_plan_end(cli, &result);
    else
        put_end(cli, &result);
    TARN_TRY(tarn__cli_flush(cli));
    TARN_TRY(t.status);
    cli->op->report = kept;
    /* failures of steps were told with them: main only needs the code */
    return status != TARN_OK ? status : result.status;
}

static enum tarn_status open_and(struct tarn_cli *cli, bool planning, bool retry)
{
    const struct tarn_options *o = cli->options;
    struct tarn_run_options options = {
        .select = o->select.items,
        .select_count = o->select.count,
        .exclude = o->exclude.items,
        .exclude_count = o->exclude.count,
        .full_refresh = o->full_refresh,
    };
    struct tarn_workspace *w = NULL;
    struct tarn_run_record record;
    enum tarn_status status = tarn__cli_open(cli, !planning, true, &w);
    if (status == TARN_OK && retry) {
        struct tarn_str id = o->args.count ? o->args.items[0] : (struct tarn_str){NULL, 0};
        status = tarn_run_record_read(w, cli->op, id, &record);
        if (status == TARN_OK)
            options = (struct tarn_run_options){.select = record.select.items,
                                                .select_count = record.select.count,
                                                .exclude = record.exclude.items,
                                                .exclude_count = record.exclude.count,
                                                .full_refresh = record.full_refresh};
    }
    if (status == TARN_OK)
        status = carry_out(cli, w, &options, planning);
    tarn_workspace_close(w);
    return status;
}

enum tarn_status tarn__verb_run(struct tarn_cli *cli)
{
    return open_and(cli, false, false);
}

enum tarn_status tarn__verb_plan(struct tarn_cli *cli)
{
    return open_and(cli, true, false);
}

enum tarn_status tarn__verb_retry(struct tarn_cli *cli)
{
    return open_and(cli, false, true);
}
