/* record: what is kept of a run: .tarn/runs/<id>/run.json. It may be deleted at any time at the
 * price of history, and of the readability of failed runs, never of data.
 *
 * {"v":1,"id":..,"status":"running|ok|failed","started":..,"pid":..,"select":[..],"exclude":[..],"full_refresh":..,
 *  "steps":[{..}],"staged":[{"namespace":..,"name":..,"metadata":..}],"files":[..]}
 * `files` are those that a failed run wrote and nobody published: they go with the third failed run
 * after it, or after seven days. A run whose outcome is not known lists none, so nothing of it is
 * ever removed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "sched/sched_int.h"

#define KEEP_FAILED     3
#define KEEP_US         (7LL * 24 * 3600 * 1000000)
#define RECORD_MAX      ((size_t)64 << 20)
#define RUNS_LISTED_MAX 10000

static struct tarn_str runs_folder(struct tarn_workspace *w, struct tarn_op *op)
{
    return tarn_path_join(op, w->state, TARN_STR("runs"));
}

static struct tarn_str record_path(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str id)
{
    return tarn_sprintf(op, "%.*s/runs/%.*s/run.json", TARN_STR_ARG(w->state), TARN_STR_ARG(id));
}

/* Records go past the storage that tests make fail: they are not data. */
enum tarn_status tarn__state_write(struct tarn_op *op, struct tarn_str path, struct tarn_str text)
{
    struct tarn_str temporary = tarn_sprintf(op, "%.*s.new", TARN_STR_ARG(path));
    if (!temporary.ptr)
        return TARN_NOMEM;
    FILE *f = fopen(temporary.ptr, "we");
    if (!f)
        return tarn_fail_errno(op, errno, "could not write \"%s\"", temporary.ptr);
    bool ok = fwrite(text.ptr, 1, text.len, f) == text.len;
    int err = errno;
    if (fclose(f) != 0) {
        err = errno;
        ok = false;
    }
    if (ok && rename(temporary.ptr, path.ptr) != 0) {
        err = errno;
        ok = false;
    }
    return ok ? TARN_OK : tarn_fail_errno(op, err, "could not write \"%.*s\"", TARN_STR_ARG(path));
}

static void put_texts(struct tarn_json_writer *j, const char *key, const struct tarn_str *items,
                      size_t count)
{
    tarn_json_key(j, key);
    tarn_json_begin_array(j);
    for (size_t i = 0; i < count; i++)
        tarn_json_put_str(j, items[i]);
    tarn_json_end_array(j);
}

static void put_head(struct tarn_json_writer *j, struct tarn_str id, const char *status,
                     int64_t started_us, const struct tarn_run_options *o)
{
    char started[TARN_TIME_TEXT_MAX];
    tarn_time_format(started_us, 6, started);
    tarn_json_member_i64(j, "v", 1);
    tarn_json_member_str(j, "id", id);
    tarn_json_member_z(j, "status", status);
    tarn_json_member_z(j, "started", started);
    tarn_json_member_i64(j, "pid", getpid());
    put_texts(j, "select", o->select, o->select_count);
    put_texts(j, "exclude", o->exclude, o->exclude_count);
    tarn_json_member_bool(j, "full_refresh", o->full_refresh);
}

static enum tarn_status finish(struct tarn_op *op, struct tarn_json_writer *j, struct tarn_buf *b,
                               struct tarn_str folder)
{
    tarn_json_end_object(j);
    tarn_buf_put(b, '\n');
    struct tarn_str path = tarn_path_join(op, folder, TARN_STR("run.json"));
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(op, b, "record of a run");
    if (status == TARN_OK)
        status = path.ptr ? tarn__state_write(op, path, tarn_buf_view(b)) : TARN_NOMEM;
    tarn_buf_release(b);
    return status;
}

enum tarn_status tarn__record_begin(struct tarn_workspace *w, struct tarn_op *op,
                                    const struct tarn_run_options *o, struct tarn_str id,
                                    struct tarn__record *out)
{
    struct tarn_json_writer j;
    struct tarn_buf b;
    out->folder = tarn_sprintf(op, "%.*s/runs/%.*s", TARN_STR_ARG(w->state), TARN_STR_ARG(id));
    if (!out->folder.ptr)
        return TARN_NOMEM;
    out->started_us = tarn_clock_now_us(tarn_clock_real());
    TARN_TRY(tarn__folder_make(op, out->folder));
    tarn_buf_init(&b, RECORD_MAX);
    tarn_json_writer_init(&j, &b);
    tarn_json_begin_object(&j);
    put_head(&j, id, "running", out->started_us, o);
    return finish(op, &j, &b, out->folder);
}

static void put_step(struct tarn_json_writer *j, const struct tarn_step *s)
{
    tarn_json_begin_object(j);
    tarn_json_member_str(j, "node", s->node->id);
    tarn_json_member_z(j, "status", tarn_step_status_names[s->status]);
    if (s->reason.len)
        tarn_json_member_str(j, "reason", s->reason);
    tarn_json_member_i64(j, "rows_in", s->rows_in);
    tarn_json_member_i64(j, "rows_out", s->rows_out);
    tarn_json_member_i64(j, "rows_deleted", s->rows_deleted);
    tarn_json_member_i64(j, "dead_letters", s->dead_letters);
    tarn_json_member_i64(j, "bytes_out", s->bytes_out);
    tarn_json_member_i64(j, "files_out", s->files_out);
    tarn_json_member_i64(j, "snapshot_id", s->snapshot_id);
    tarn_json_member_i64(j, "ms", (int64_t)(s->ns / 1000000));
    if (s->report)
        tarn_json_member_z(j, "error", s->report->message);
    tarn_json_end_object(j);
}

static void put_staged(struct tarn_json_writer *j, struct tarn_change *const *staged, size_t count)
{
    tarn_json_key(j, "staged");
    tarn_json_begin_array(j);
    for (size_t i = 0; i < count; i++) {
        const struct tarn_table *t = tarn_change_table(staged[i]);
        if (!t)
            continue;
        tarn_json_begin_object(j);
        tarn_json_member_str(j, "namespace", t->ident.ns);
        tarn_json_member_str(j, "name", t->ident.name);
        tarn_json_member_str(j, "metadata", t->metadata_location);
        tarn_json_end_object(j);
    }
    tarn_json_end_array(j);
}

enum tarn_status tarn__record_end(struct tarn_workspace *w, struct tarn_op *op,
                                  const struct tarn__record *record,
                                  const struct tarn_run_options *o,
                                  const struct tarn_run_result *result,
                                  struct tarn_change *const *staged, size_t staged_count)
{
    struct tarn_json_writer j;
    struct tarn_buf b;
    bool known = result->status != TARN_UNKNOWN;
    (void)w;
    tarn_buf_init(&b, RECORD_MAX);
    tarn_json_writer_init(&j, &b);
    tarn_json_begin_object(&j);
    put_head(&j, result->id, result->failed ? "failed" : "ok", record->started_us, o);
    tarn_json_key(&j, "steps");
    tarn_json_begin_array(&j);
    for (size_t i = 0; i < result->count; i++)
        put_step(&j, &result->steps[i]);
    tarn_json_end_array(&j);
    put_staged(&j, staged, staged_count);
    tarn_json_key(&j, "files");
    tarn_json_begin_array(&j);
    for (size_t i = 0; known && i < staged_count; i++)
        for (size_t k = 0; k < tarn_change_file_count(staged[i]); k++)
            tarn_json_put_str(&j, tarn_change_file(staged[i], k));
    tarn_json_end_array(&j);
    return finish(op, &j, &b, record->folder);
}

/* ---- reading */

static enum tarn_status read_json(struct tarn_workspace *w, struct tarn_op *op, struct tarn_str id,
                                  struct tarn_json **out)
{
    struct tarn_str path = record_path(w, op, id), text;
    struct tarn_storage *fs;
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_storage_fs_open(op, &fs));
    enum tarn_status status = tarn_storage_read(fs, op, path, &text);
    tarn_storage_close(fs);
    if (status == TARN_NOT_FOUND) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "there is no run \"%.*s\"", TARN_STR_ARG(id));
        tarn_hint(op, "runs of this project are the folders of .tarn/runs");
    }
    TARN_TRY(status);
    return tarn_json_parse(op, text, path.ptr, out);
}

static int newest_first(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)b, *(const struct tarn_str *)a);
}

static enum tarn_status list_runs(struct tarn_workspace *w, struct tarn_op *op,
                                  struct tarn_names *out)
{
    struct tarn_str folder = runs_folder(w, op);
    *out = (struct tarn_names){0};
    if (!folder.ptr)
        return TARN_NOMEM;
    TARN_NEW_ARRAY(op, out->items, RUNS_LISTED_MAX);
    DIR *dir = opendir(folder.ptr);
    if (!dir)
        return TARN_OK;
    enum tarn_status status = TARN_OK;
    for (struct dirent *e = readdir(dir); e && out->count < RUNS_LISTED_MAX; e = readdir(dir)) {
        if (e->d_name[0] == '.')
            continue;
        out->items[out->count] = tarn_strdup(op, tarn_str_view(e->d_name));
        if (!out->items[out->count++].ptr) {
            status = TARN_NOMEM;
            break;
        }
    }
    closedir(dir);
    qsort(out->items, out->count, sizeof *out->items, newest_first);
    return status;
}

static bool is_status(const struct tarn_json *record, const char *status)
{
    const struct tarn_json *s = tarn_json_get(record, "status");
    return s && tarn_str_is(s->text, status);
}

static enum tarn_status newest_failed(struct tarn_workspace *w, struct tarn_op *op,
                                      struct tarn_str *out)
{
    struct tarn_names runs;
    TARN_TRY(list_runs(w, op, &runs));
    for (size_t i = 0; i < runs.count; i++) {
        struct tarn_json *record;
        if (read_json(w, op, runs.items[i], &record) != TARN_OK) {
            tarn_clear(op); /* a record cut off by a crash */
            continue;
        }
        if (is_status(record, "ok"))
            continue;
        *out = runs.items[i];
        return TARN_OK;
    }
    (void)tarn_fail(op, TARN_NOT_FOUND, "there is no failed run to take up again");
    tarn_hint(op, "`tarn run` runs the project");
    return TARN_NOT_FOUND;
}

static enum tarn_status read_texts(struct tarn_op *op, const struct tarn_json *record,
                                   const char *key, struct tarn_strs *out)
{
    const struct tarn_json *list = tarn_json_get(record, key);
    *out = (struct tarn_strs){0};
    if (!list || !list->count)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->items, list->count);
    for (const struct tarn_json *v = list->first; v; v = v->next)
        out->items[out->count++] = v->text;
    return TARN_OK;
}

enum tarn_status tarn_run_record_read(struct tarn_workspace *w, struct tarn_op *op,
                                      struct tarn_str id, struct tarn_run_record *out)
{
    struct tarn_json_field f = {"record of a run", true};
    const struct tarn_json *staged;
    struct tarn_json *record;
    *out = (struct tarn_run_record){.id = id};
    if (!w->state.ptr)
        return tarn_fail(op, TARN_USAGE, "runs belong to a project");
    if (!id.ptr)
        TARN_TRY(newest_failed(w, op, &out->id));
    TARN_TRY(read_json(w, op, out->id, &record));
    TARN_TRY(tarn_json_str(op, record, "status", f, &out->status));
    TARN_TRY(tarn_json_bool(op, record, "full_refresh", f, &out->full_refresh));
    TARN_TRY(read_texts(op, record, "select", &out->select));
    TARN_TRY(read_texts(op, record, "exclude", &out->exclude));
    TARN_TRY(
        tarn_json_array(op, record, "staged", (struct tarn_json_field){f.what, false}, &staged));
    if (!staged || !staged->count)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->staged, staged->count);
    TARN_NEW_ARRAY(op, out->staged_metadata, staged->count);
    for (const struct tarn_json *v = staged->first; v; v = v->next, out->staged_count++) {
        size_t i = out->staged_count;
        TARN_TRY(tarn_json_str(op, v, "namespace", f, &out->staged[i].ns));
        TARN_TRY(tarn_json_str(op, v, "name", f, &out->staged[i].name));
        TARN_TRY(tarn_json_str(op, v, "metadata", f, &out->staged_metadata[i]));
    }
    return TARN_OK;
}

enum tarn_status tarn_run_record_stage(struct tarn_workspace *w, struct tarn_op *op,
                                       const struct tarn_run_record *record)
{
    for (size_t i = 0; i < record->staged_count; i++) {
        struct tarn_table *table;
        enum tarn_status status =
            tarn_table_read(&w->lake, op, record->staged[i], record->staged_metadata[i], &table);
        if (status == TARN_NOT_FOUND) {
            (void)tarn_fail(op, TARN_NOT_FOUND, "the tables of run %.*s are no longer kept",
                            TARN_STR_ARG(record->id));
            tarn_hint(op, "they stay until the third failed run after it, or for seven days");
        }
        TARN_TRY(status);
        table->staged = true;
        TARN_TRY(tarn_workspace_stage(w, op, table));
    }
    return TARN_OK;
}

/* ---- tidying up */

static enum tarn_status remove_files(struct tarn_workspace *w, struct tarn_op *op,
                                     struct tarn_str id, const struct tarn_json *record)
{
    const struct tarn_json *files = tarn_json_get(record, "files");
    for (const struct tarn_json *f = files ? files->first : NULL; f; f = f->next)
        if (tarn_storage_remove(w->storage, op, f->text) != TARN_OK)
            tarn_clear(op);
    struct tarn_str folder =
        tarn_sprintf(op, "%.*s/runs/%.*s", TARN_STR_ARG(w->state), TARN_STR_ARG(id));
    if (!folder.ptr)
        return TARN_NOMEM;
    tarn__folder_remove(op, folder);
    return TARN_OK;
}

enum tarn_status tarn__record_tidy(struct tarn_workspace *w, struct tarn_op *op)
{
    int64_t now = tarn_clock_now_us(tarn_clock_real());
    struct tarn_names runs;
    int failed = 0;
    TARN_TRY(list_runs(w, op, &runs));
    for (size_t i = 0; i < runs.count; i++) {
        struct tarn_json *record;
        int64_t started = now;
        if (read_json(w, op, runs.items[i], &record) != TARN_OK) {
            tarn_clear(op);
            continue;
        }
        const struct tarn_json *text = tarn_json_get(record, "started");
        if (text)
            (void)tarn_time_parse(text->text, &started);
        if (!is_status(record, "failed"))
            continue;
        if (++failed > KEEP_FAILED || now - started > KEEP_US)
            TARN_TRY(remove_files(w, op, runs.items[i], record));
    }
    return TARN_OK;
}
