#include "sched_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/batch_text.h"

static const char PROJECT[] =
    "tarn: 1\nproject: p\nprofile: local\n"
    "profiles:\n  local:\n    warehouse: ./warehouse\n    threads: 2\n    memory_limit: 1GB\n"
    "    sources:\n      app: {kind: files, path: data, format: ejson}\n"
    "ingest:\n"
    "  - {from: app.docs, files: [\"docs*.json\"], to: raw.docs}\n"
    "  - {from: app.other, files: [\"other*.json\"], to: raw.other}\n";

void sched_ok(struct sched_world *w, enum tarn_status status)
{
    const struct tarn_report *r = &w->op.report;
    if (status != TARN_OK) {
        print_error("%s: %s\n%s\n%s\n%s:%d\n", tarn_status_info(status)->name, r->message,
                    r->detail, r->hint, r->file, r->line);
        for (int i = 0; i < r->frame_count; i++)
            print_error("  while %s\n", r->frames[i]);
    }
    assert_int_equal(status, TARN_OK);
}

/* ---- files */

static void path_of(struct sched_world *w, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", w->folder, name);
}

void sched_put(struct sched_world *w, const char *name, const char *text)
{
    static time_t written = 1700000000;
    written++;
    char path[256], folder[256];
    struct timespec times[2] = {{.tv_sec = written}, {.tv_sec = written}};
    path_of(w, name, path);
    for (char *p = path + strlen(w->folder) + 1; (p = strchr(p, '/')); p++) {
        snprintf(folder, sizeof folder, "%.*s", (int)(p - path), path);
        assert_true(mkdir(folder, 0777) == 0 || errno == EEXIST);
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

void sched_remove(struct sched_world *w, const char *name)
{
    char path[256];
    path_of(w, name, path);
    assert_int_equal(unlink(path), 0);
}

bool sched_exists(struct sched_world *w, const char *name)
{
    char path[256];
    path_of(w, name, path);
    return access(*name == '/' ? name : path, F_OK) == 0;
}

static size_t counted;

static int count_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)path;
    (void)st;
    (void)ftw;
    counted += flag == FTW_F;
    return 0;
}

size_t sched_count_files(struct sched_world *w, const char *below)
{
    char path[256];
    path_of(w, below, path);
    counted = 0;
    nftw(path, count_one, 16, FTW_PHYS);
    return counted;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* ---- life */

int sched_begin(void **state)
{
    struct sched_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->folder, sizeof w->folder, "/tmp/tarn-sched-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    sched_put(w, "tarn.yaml", PROJECT);
    sched_put(w, "data/.keep", "");
    *state = w;
    return 0;
}

static void close_world(struct sched_world *w)
{
    if (!w->w)
        return;
    tarn_workspace_close(w->w);
    w->w = NULL;
    tarn_op_release(&w->op);
}

int sched_end(void **state)
{
    struct sched_world *w = *state;
    close_world(w);
    nftw(w->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

void sched_open(struct sched_world *w)
{
    static const char *const environment[] = {NULL};
    close_world(w);
    assert_int_equal(tarn_op_init(&w->op, 0, 0), TARN_OK);
    struct tarn_workspace_options o = {
        .project = {.dir = tarn_str_view(w->folder), .environment = environment},
        .create = true,
        .engine = true};
    sched_ok(w, tarn_workspace_open(&w->op, &o, &w->w));
}

/* ---- runs */

static void keep(char *to, size_t size, struct tarn_str s)
{
    snprintf(to, size, "%.*s", TARN_STR_ARG(s));
}

static void keep_result(struct sched_world *w, const struct tarn_run_result *r)
{
    w->failed = r->failed;
    w->up_to_date = r->up_to_date;
    w->published = r->published;
    w->result_status = r->status;
    w->count = 0;
    keep(w->run_id, sizeof w->run_id, r->id);
    for (size_t i = 0; i < r->count && i < STEPS_MAX; i++) {
        const struct tarn_step *s = &r->steps[i];
        struct said *to = &w->steps[w->count++];
        *to = (struct said){.status = s->status,
                            .rows_out = s->rows_out,
                            .rows_deleted = s->rows_deleted,
                            .failing = s->failing};
        keep(to->id, sizeof to->id, s->node->id);
        keep(to->reason, sizeof to->reason, s->reason);
        keep(to->sample, sizeof to->sample, s->sample);
        if (s->report) {
            keep(to->message, sizeof to->message, tarn_str_view(s->report->message));
            keep(to->detail, sizeof to->detail, tarn_str_view(s->report->detail));
            keep(to->hint, sizeof to->hint, tarn_str_view(s->report->hint));
        }
    }
}

void sched_run_with(struct sched_world *w, const struct tarn_run_options *o)
{
    struct tarn_run_result result = {0};
    sched_open(w);
    w->status = tarn_run(w->w, &w->op, o, &result);
    snprintf(w->message, sizeof w->message, "%s", w->op.report.message);
    tarn_clear(&w->op);
    keep_result(w, &result);
    w->w->staged_count = 0; /* from here on what is published counts */
    tarn_session_forget_views(w->w->session);
}

void sched_run(struct sched_world *w)
{
    struct tarn_run_options o = {0};
    sched_run_with(w, &o);
}

static void tell_failures(const struct sched_world *w)
{
    print_error("status %s: %s\n", tarn_status_info(w->status)->name, w->message);
    for (size_t i = 0; i < w->count; i++)
        print_error("  %s: %s: %s %s %s\n", w->steps[i].id,
                    tarn_step_status_names[w->steps[i].status], w->steps[i].reason,
                    w->steps[i].message, w->steps[i].detail);
}

void sched_run_ok(struct sched_world *w)
{
    sched_run(w);
    if (w->status != TARN_OK || w->failed)
        tell_failures(w);
    assert_int_equal(w->status, TARN_OK);
    assert_false(w->failed);
}

void sched_plan(struct sched_world *w)
{
    struct tarn_run_options o = {0};
    struct tarn_run_result result = {0};
    sched_open(w);
    sched_ok(w, tarn_run_plan(w->w, &w->op, &o, &result));
    keep_result(w, &result);
}

const struct said *sched_step(struct sched_world *w, const char *id)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->steps[i].id, id) == 0)
            return &w->steps[i];
    tell_failures(w);
    fail_msg("no step %s", id);
    return NULL;
}

void sched_is(struct sched_world *w, const char *id, enum tarn_step_status status)
{
    const struct said *s = sched_step(w, id);
    if (s->status != status)
        tell_failures(w);
    assert_int_equal(s->status, status);
}

/* ---- looking */

const char *sched_rows_open(struct sched_world *w, const char *sql)
{
    struct tarn_sql_text text = {.sql = tarn_str_view(sql), .line0 = 1};
    struct tarn_result *r;
    struct tarn_batch b;
    struct tarn_buf out;
    struct tarn_str taken;
    enum tarn_status status = tarn_session_query(w->w->session, &w->op, text, &r);
    if (status != TARN_OK)
        print_error("%s\n", sql);
    sched_ok(w, status);
    tarn_buf_init(&out, (size_t)16 << 20);
    while ((status = tarn_result_next(r, &w->op, &b)) == TARN_OK && b.rows > 0)
        for (size_t i = 0; i < b.rows; i++) {
            for (size_t c = 0; c < b.column_count; c++) {
                tarn_buf_z(&out, c > 0 ? "|" : "");
                tarn_column_text(&out, &b.columns[c], i);
            }
            tarn_buf_put(&out, '\n');
        }
    tarn_result_close(r);
    sched_ok(w, status);
    sched_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &out, "rows", &taken));
    return taken.ptr;
}

const char *sched_rows(struct sched_world *w, const char *sql)
{
    if (!w->w || w->w->staged_count)
        sched_open(w);
    tarn_session_forget_views(w->w->session);
    return sched_rows_open(w, sql);
}

struct tarn_table *sched_table(struct sched_world *w, const char *ns, const char *name)
{
    struct tarn_table *t;
    struct tarn_ident ident = {tarn_str_view(ns), tarn_str_view(name)};
    sched_ok(w, tarn_table_find(&w->w->lake, &w->op, ident, &t));
    return t;
}

int64_t sched_snapshot(struct sched_world *w, const char *ns, const char *name)
{
    struct tarn_table *t = sched_table(w, ns, name);
    return t ? t->metadata.current_snapshot_id : -1;
}

void sched_publish(struct sched_world *w, const struct tarn_table *base,
                   const struct tarn_metadata *next)
{
    static int counter;
    struct tarn_str json;
    struct tarn_swap swap = {base->ident, base->metadata_location, {NULL, 0}};
    swap.next = tarn_sprintf(&w->op, "%.*s/metadata/%05d-foreign.metadata.json",
                             TARN_STR_ARG(next->location), ++counter + 900);
    assert_non_null(swap.next.ptr);
    sched_ok(w, tarn_metadata_write(&w->op, next, &json));
    sched_ok(w, tarn_storage_put(w->w->storage, &w->op, swap.next, json));
    sched_ok(w, tarn_catalog_commit(w->w->catalog, &w->op, &swap, 1));
}
