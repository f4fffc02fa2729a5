/* doctor, version: is everything there and well; and what this program is. */
#include "cli/doctor_int.h"

#define ICEBERG_TEXT "Iceberg v1-v3 read, v2-v3 write"

/* ---- version */

enum tarn_status tarn__verb_version(struct tarn_cli *cli)
{
    const char *engine = tarn_engine_version();
    if (!tarn__engine_is_tested(engine))
        (void)fprintf(stderr, "warning: the engine is %s; this release was tested with %s\n",
                      engine, TARN__ENGINE_TESTED);
    if (!cli->json) {
        tarn_buf_printf(&cli->text, "tarn %s (%s, %s)\n", TARN_VERSION, engine, ICEBERG_TEXT);
        return tarn__cli_flush(cli);
    }
    struct tarn_json_writer w;
    tarn__cli_json_begin(cli, &w);
    tarn_json_member_z(&w, "version", TARN_VERSION);
    tarn_json_member_z(&w, "engine", engine);
    tarn_json_member_z(&w, "engine_tested", TARN__ENGINE_TESTED);
    tarn_json_member_z(&w, "iceberg", ICEBERG_TEXT);
    return tarn__cli_json_end(cli, &w);
}

/* ---- findings */

static struct tarn__finding *new_finding(struct tarn__doctor *d)
{
    if (d->count == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : 32;
        struct tarn__finding *grown = tarn_alloc_array(d->op, cap, sizeof *grown);
        if (!grown)
            return NULL;
        if (d->count)
            memcpy(grown, d->findings, d->count * sizeof *grown);
        d->findings = grown;
        d->cap = cap;
    }
    return &d->findings[d->count++];
}

static enum tarn_status vfind(struct tarn__doctor *d, enum tarn__level level, const char *check,
                              struct tarn_str mend, const char *fmt, va_list ap)
{
    struct tarn_buf b;
    struct tarn__finding *f = new_finding(d);
    if (!f)
        return TARN_NOMEM;
    *f = (struct tarn__finding){.check = check, .level = level, .mend = mend};
    d->levels[level]++;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_vprintf(&b, fmt, ap);
    return (enum tarn_status)tarn_buf_take(d->op, &b, "finding", &f->message);
}

enum tarn_status tarn__find(struct tarn__doctor *d, enum tarn__level level, const char *check,
                            const char *mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    enum tarn_status status = vfind(d, level, check, tarn_str_view(mend), fmt, ap);
    va_end(ap);
    return status;
}

enum tarn_status tarn__find_mend(struct tarn__doctor *d, enum tarn__level level, const char *check,
                                 struct tarn_str mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    enum tarn_status status = vfind(d, level, check, mend, fmt, ap);
    va_end(ap);
    return status;
}

enum tarn_status tarn__find_report(struct tarn__doctor *d, enum tarn__level level,
                                   const char *check)
{
    struct tarn_report r = d->op->report;
    if (r.status == TARN_NOMEM || r.status == TARN_CANCELLED)
        return r.status;
    if (d->project)
        tarn_project_redact(d->project, &r);
    tarn_clear(d->op);
    struct tarn_str mend = {NULL, 0}, place = {NULL, 0};
    if (r.hint[0] && !(mend = tarn_sprintf(d->op, "%s", r.hint)).ptr)
        return TARN_NOMEM;
    if (r.file[0] && r.line > 0)
        place = tarn_sprintf(d->op, "%s:%d:%d", r.file, r.line, r.column);
    else if (r.file[0])
        place = tarn_sprintf(d->op, "%s", r.file);
    if (r.file[0] && !place.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__find_mend(d, level, check, mend, "%s%s%s", r.message, r.detail[0] ? ": " : "",
                             r.detail));
    d->findings[d->count - 1].place = place;
    return TARN_OK;
}

/* ---- telling */

static const char *const level_names[] = {"ok", "warn", "fail"};

/* One line, and nothing that drives a terminal. */
static void put_clean(struct tarn_buf *b, struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c == '\n')
            tarn_buf_z(b, "; ");
        else if (c < 0x20 || c == 0x7F)
            tarn_buf_printf(b, "\\x%02x", c);
        else
            tarn_buf_put(b, (char)c);
    }
}

static void put_finding(struct tarn_cli *cli, const struct tarn__finding *f)
{
    static const char *const colors[] = {"\033[32m", "\033[33m", "\033[31m"};
    struct tarn_buf *b = &cli->text;
    bool colour = cli->term.out_colour;
    tarn_buf_printf(b, "  %s%-4s%s  %-12s  ", colour ? colors[f->level] : "", level_names[f->level],
                    colour ? "\033[0m" : "", f->check);
    if (f->place.ptr) {
        put_clean(b, f->place);
        tarn_buf_z(b, ": ");
    }
    put_clean(b, f->message);
    if (f->mend.ptr) {
        tarn_buf_printf(b, "\n        %12s  -> ", "");
        put_clean(b, f->mend);
    }
    tarn_buf_put(b, '\n');
}

static enum tarn_status tell_text(struct tarn__doctor *d)
{
    struct tarn_cli *cli = d->cli;
    struct tarn_buf *b = &cli->text;
    for (size_t i = 0; i < d->count; i++)
        if (!cli->options->quiet || d->findings[i].level != TARN__LEVEL_OK)
            put_finding(cli, &d->findings[i]);
    if (!cli->options->quiet)
        tarn_buf_printf(
            b, "\n  %zu ok, %s, %s\n", d->levels[TARN__LEVEL_OK],
            tarn__cli_plural(d->op, (int64_t)d->levels[TARN__LEVEL_WARN], "warning").ptr,
            tarn__cli_plural(d->op, (int64_t)d->levels[TARN__LEVEL_FAIL], "failure").ptr);
    return tarn__cli_flush(cli);
}

static enum tarn__level worst(const struct tarn__doctor *d)
{
    return d->levels[TARN__LEVEL_FAIL]   ? TARN__LEVEL_FAIL
           : d->levels[TARN__LEVEL_WARN] ? TARN__LEVEL_WARN
                                         : TARN__LEVEL_OK;
}

static enum tarn_status tell_json(struct tarn__doctor *d)
{
    struct tarn_json_writer w;
    tarn__cli_json_begin(d->cli, &w);
    tarn_json_member_z(&w, "status", level_names[worst(d)]);
    tarn_json_key(&w, "checks");
    tarn_json_begin_array(&w);
    for (size_t i = 0; i < d->count; i++) {
        const struct tarn__finding *f = &d->findings[i];
        tarn_json_begin_object(&w);
        tarn_json_member_z(&w, "check", f->check);
        tarn_json_member_z(&w, "status", level_names[f->level]);
        tarn_json_member_str(&w, "message", f->message);
        if (f->place.ptr)
            tarn_json_member_str(&w, "place", f->place);
        if (f->mend.ptr)
            tarn_json_member_str(&w, "mend", f->mend);
        tarn_json_end_object(&w);
    }
    tarn_json_end_array(&w);
    return tarn__cli_json_end(d->cli, &w);
}

static enum tarn_status tell_listing(struct tarn__doctor *d)
{
    static const struct tarn_output_column columns[] = {{"status", TARN_OUTPUT_TEXT},
                                                        {"check", TARN_OUTPUT_TEXT},
                                                        {"message", TARN_OUTPUT_TEXT},
                                                        {"place", TARN_OUTPUT_TEXT},
                                                        {"mend", TARN_OUTPUT_TEXT}};
    struct tarn_output out;
    tarn__cli_output(d->cli, &out);
    enum tarn_status status = tarn_output_begin_listing(&out, d->op, columns, 5);
    for (size_t i = 0; status == TARN_OK && i < d->count; i++) {
        const struct tarn__finding *f = &d->findings[i];
        struct tarn_str cells[] = {tarn_str_view(level_names[f->level]), tarn_str_view(f->check),
                                   f->message, f->place, f->mend};
        status = tarn_output_row(&out, d->op, cells);
    }
    if (status == TARN_OK)
        status = tarn_output_end(&out, d->op);
    d->cli->reader_gone = d->cli->reader_gone || out.reader_gone;
    tarn_output_release(&out);
    return status;
}

static enum tarn_status tell(struct tarn__doctor *d)
{
    if (d->cli->json)
        return tell_json(d);
    return d->cli->options->format == TARN_FORMAT_TABLE ? tell_text(d) : tell_listing(d);
}

/* ---- the verb */

static enum tarn_status examine(struct tarn__doctor *d)
{
    TARN_TRY(tarn__doctor_machine(d));
    TARN_TRY(tarn__doctor_project(d));
    TARN_TRY(tarn__doctor_limits(d));
    return tarn__doctor_store(d);
}

enum tarn_status tarn__verb_doctor(struct tarn_cli *cli)
{
    struct tarn__doctor d = {.cli = cli, .op = cli->op};
    enum tarn_status status = examine(&d);
    tarn_session_close(d.session);
    tarn_engine_close(d.engine);
    TARN_TRY(status);
    TARN_TRY(tell(&d));
    /* The findings have said it: no report. */
    return d.levels[TARN__LEVEL_FAIL] ? TARN_CHECK : TARN_OK;
}
