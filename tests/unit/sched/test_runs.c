/* Runs as a whole: what fails together, what stays readable, what is tidied away, who waits for
 * whom. */
#include "sched_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "sched/sched_int.h"
#include "tarn/tarn.h"

static void docs(struct sched_world *w)
{
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n{\"id\": 2, \"v\": \"b\"}\n");
    sched_put(w, "models/silver/s.sql", "select id, v from raw.docs");
    sched_put(w, "models/gold/g.sql", "select count(*) as n from silver.s");
}

static void go_red(struct sched_world *w)
{
    sched_put(w, "checks/red.sql", "select * from silver.s where id = 1\n");
}

/* ---- a failed run */

static void a_failed_run_leaves_main_as_it_was(void **state)
{
    struct sched_world *w = *state;
    struct tarn_run_record record;
    docs(w);
    sched_run_ok(w);
    int64_t silver = sched_snapshot(w, "silver", "s"), gold = sched_snapshot(w, "gold", "g");
    go_red(w);
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"c\"}\n");
    sched_put(w, "models/gold/g.sql",
              "select count(*) as n, max(id) as top from silver.s"); /* another schema, too */
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(sched_snapshot(w, "silver", "s"), silver);
    assert_int_equal(sched_snapshot(w, "gold", "g"), gold);
    assert_string_equal(sched_rows(w, "select * from gold.g"), "2\n");
    assert_string_equal(sched_rows(w, "select count(*) from raw.docs"), "3\n");
    /* ... and can be looked into */
    sched_open(w);
    sched_ok(w, tarn_run_record_read(w->w, &w->op, tarn_str_view(w->run_id), &record));
    assert_true(tarn_str_is(record.status, "failed"));
    assert_int_equal(record.staged_count, 2);
    sched_ok(w, tarn_run_record_stage(w->w, &w->op, &record));
    assert_string_equal(sched_rows_open(w, "select * from gold.g"), "3|3\n");
    assert_string_equal(sched_rows_open(w, "select id from silver.s order by 1"), "1\n2\n3\n");
    /* mended: the next run publishes */
    sched_remove(w, "checks/red.sql");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select * from gold.g"), "3|3\n");
}

static void what_depends_on_a_failure_is_skipped(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(w, "models/silver/s.sql", "select id, error('no') as v from raw.docs");
    sched_put(w, "models/silver/free.sql", "select id from raw.docs");
    sched_put(w, "data/other1.json", "{\"key\": 1}\n");
    sched_run(w);
    assert_true(w->failed);
    sched_is(w, "silver.s", TARN_STEP_FAILED);
    sched_is(w, "gold.g", TARN_STEP_SKIPPED);
    sched_is(w, "silver.free", TARN_STEP_OK);
    assert_null(sched_table(w, "silver", "free")); /* all or none */
    assert_string_equal(sched_rows(w, "select key from raw.other"), "1\n");
}

static void an_ingest_that_fails(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_run_ok(w);
    sched_put(w, "tarn.yaml",
              "tarn: 1\nproject: p\nprofiles:\n  local:\n    warehouse: ./warehouse\n"
              "    sources:\n      app: {kind: files, path: data, format: ejson}\n"
              "ingest:\n"
              "  - {from: app.docs, files: [\"docs*.json\"], to: raw.docs, on_change: refuse}\n"
              "  - {from: app.other, files: [\"other*.json\"], to: raw.other}\n");
    sched_put(w, "data/docs1.json", "{\"id\": 9, \"v\": \"z\"}\n");
    sched_run(w);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_INVALID);
    sched_is(w, "silver.s", TARN_STEP_SKIPPED);
    sched_is(w, "raw.other", TARN_STEP_CURRENT);
    assert_string_equal(sched_rows(w, "select id from silver.s order by 1"), "1\n2\n");
}

/* Somebody else writes into a table while the run that replaces it is at work: nothing is
 * published, and nothing is lost. */
static void write_in_between(void *ctx, const struct tarn_step *step, size_t index, size_t count)
{
    struct sched_world *w = ctx;
    struct tarn_change *c;
    struct tarn_op op;
    (void)index;
    (void)count;
    if (!tarn_str_is(step->node->id, "gold.g") || step->status != TARN_STEP_OK)
        return;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    struct tarn_table *t;
    struct tarn_ident ident = {TARN_STR("silver"), TARN_STR("s")};
    assert_int_equal(tarn_table_load(&w->w->lake, &op, ident, &t), TARN_OK);
    assert_int_equal(tarn_change_open(&w->w->lake, &op, t, &c), TARN_OK);
    tarn_change_delete_all(c);
    assert_int_equal(tarn_changes_commit(&w->w->lake, &op, &c, 1, (struct tarn_commit_options){0}),
                     TARN_OK);
    tarn_op_release(&op);
}

static void a_conflict_at_publication(void **state)
{
    struct sched_world *w = *state;
    struct tarn_run_options o = {.tell = write_in_between, .tell_ctx = w};
    docs(w);
    sched_run_ok(w);
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"c\"}\n");
    sched_run_with(w, &o);
    assert_int_equal(w->status, TARN_CONFLICT);
    assert_true(w->failed);
    assert_string_equal(sched_rows(w, "select count(*) from silver.s"), "0\n");
    assert_string_equal(sched_rows(w, "select n from gold.g"), "2\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select id from silver.s order by 1"), "1\n2\n3\n");
    assert_string_equal(sched_rows(w, "select n from gold.g"), "3\n");
}

/* ---- tidying up */

/* Runs of one second are in no order: this one gets the name of a day of its own. */
static void grow_old(struct sched_world *w, char id[64], int day)
{
    char from[256], to[256];
    snprintf(from, sizeof from, "%s/.tarn/runs/%s", w->folder, id);
    snprintf(id, 64, "202001%02dT000000-0000", day + 1);
    snprintf(to, sizeof to, "%s/.tarn/runs/%s", w->folder, id);
    assert_int_equal(rename(from, to), 0);
}

static void old_failed_runs_are_tidied(void **state)
{
    struct sched_world *w = *state;
    struct tarn_run_record record;
    char ids[6][64], path[512];
    docs(w);
    sched_run_ok(w);
    go_red(w);
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "data/docs%d.json", 10 + i);
        sched_put(w, path, "{\"id\": 7, \"v\": \"x\"}\n");
        sched_run(w);
        assert_true(w->failed);
        memcpy(ids[i], w->run_id, sizeof ids[i]);
        assert_string_equal(sched_rows(w, "select count(*) from silver.s"), "2\n");
        grow_old(w, ids[i], i);
        sched_open(w);
        for (int k = 0; k <= i; k++) {
            snprintf(path, sizeof path, ".tarn/runs/%s/run.json", ids[k]);
            assert_int_equal(sched_exists(w, path), i - k <= 3);
            if (i - k > 3)
                continue;
            sched_ok(w, tarn_run_record_read(w->w, &w->op, tarn_str_view(ids[k]), &record));
            sched_ok(w, tarn_run_record_stage(w->w, &w->op, &record)); /* still readable */
        }
    }
    /* what was published is all there, now and after the next good run */
    assert_string_equal(sched_rows(w, "select id, v from silver.s order by 1"), "1|a\n2|b\n");
    sched_remove(w, "checks/red.sql");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select count(*), sum(id) from silver.s"), "8|45\n");
    assert_string_equal(sched_rows(w, "select n from gold.g"), "8\n");
}

/* A record may lie about nothing that is published: files of a run whose tables were published are
 * in none. */
static void published_files_are_in_no_record(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_run_ok(w);
    char path[512];
    struct tarn_str text;
    snprintf(path, sizeof path, "%s/.tarn/runs/%s/run.json", w->folder, w->run_id);
    sched_ok(w, tarn_storage_read(w->w->storage, &w->op, tarn_str_view(path), &text));
    assert_non_null(strstr(text.ptr, "\"files\":[]"));
    assert_non_null(strstr(text.ptr, "\"staged\":[]"));
}

static void records(void **state)
{
    struct sched_world *w = *state;
    struct tarn_run_record record;
    struct tarn_str absent = {NULL, 0};
    docs(w);
    sched_run_ok(w);
    sched_open(w);
    assert_int_equal(tarn_run_record_read(w->w, &w->op, absent, &record), TARN_NOT_FOUND);
    tarn_clear(&w->op);
    assert_int_equal(tarn_run_record_read(w->w, &w->op, TARN_STR("never"), &record),
                     TARN_NOT_FOUND);
    tarn_clear(&w->op);
    go_red(w);
    struct tarn_str select = TARN_STR("+gold.g"), exclude = TARN_STR("raw.other");
    struct tarn_run_options o = {.select = &select,
                                 .select_count = 1,
                                 .exclude = &exclude,
                                 .exclude_count = 1,
                                 .full_refresh = true};
    sched_run_with(w, &o);
    assert_true(w->failed);
    sched_ok(w, tarn_run_record_read(w->w, &w->op, absent, &record));
    assert_true(tarn_str_is(record.id, w->run_id));
    assert_int_equal(record.select.count, 1);
    assert_true(tarn_str_is(record.select.items[0], "+gold.g"));
    assert_true(tarn_str_is(record.exclude.items[0], "raw.other"));
    assert_true(record.full_refresh);
    sched_put(w, tarn_sprintf(&w->op, ".tarn/runs/%s/run.json", w->run_id).ptr,
              "{\"v\":1,\"stat"); /* cut off by a crash */
    assert_int_equal(tarn_run_record_read(w->w, &w->op, absent, &record), TARN_NOT_FOUND);
    tarn_clear(&w->op);
    sched_remove(w, "checks/red.sql");
    sched_run_ok(w);
}

/* ---- who waits for whom */

static void two_runs_at_once(void **state)
{
    struct sched_world *w = *state;
    int ready[2], go[2];
    char c = 0;
    docs(w);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork(); /* before any engine */
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tarn_op op;
        int fd;
        char path[512];
        snprintf(path, sizeof path, "%s/.tarn", w->folder);
        if (tarn_op_init(&op, 0, 0) != TARN_OK ||
            tarn__lease_take(&op, tarn_str_view(path), TARN_STR("theirs"), &fd) != TARN_OK)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        (void)!read(go[0], &c, 1);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    sched_run(w);
    assert_int_equal(w->status, TARN_LOCKED);
    assert_null(sched_table(w, "raw", "docs"));
    (void)!write(go[1], "x", 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    sched_run_ok(w); /* the lock went with its process */
    for (size_t i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
}

static void a_plan_needs_no_lease_and_writes_nothing(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_plan(w);
    sched_is(w, "raw.docs", TARN_STEP_PLANNED);
    sched_is(w, "silver.s", TARN_STEP_PLANNED);
    sched_is(w, "gold.g", TARN_STEP_PLANNED);
    assert_false(w->up_to_date);
    sched_run_ok(w);
    size_t files = sched_count_files(w, "warehouse");
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"c\"}\n");
    sched_plan(w);
    sched_is(w, "gold.g", TARN_STEP_PLANNED);
    sched_is(w, "raw.other", TARN_STEP_CURRENT);
    assert_int_equal(sched_count_files(w, "warehouse"), files);
    sched_run_ok(w);
    sched_plan(w);
    assert_true(w->up_to_date);
}

static void selections(void **state)
{
    struct sched_world *w = *state;
    struct tarn_str raw = TARN_STR("raw.docs"), gold = TARN_STR("gold.g");
    struct tarn_run_options o = {.select = &raw, .select_count = 1};
    docs(w);
    sched_run_with(w, &o);
    assert_int_equal(w->count, 1);
    assert_null(sched_table(w, "silver", "s"));
    o.select = &gold; /* what it reads is not there */
    sched_run_with(w, &o);
    assert_true(w->failed);
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select n from gold.g"), "2\n");
}

static void cancelled_runs(void **state)
{
    struct sched_world *w = *state;
    struct tarn_cancel cancel = {0};
    struct tarn_run_options o = {0};
    struct tarn_run_result result = {0};
    docs(w);
    sched_open(w);
    atomic_store(&cancel.level, 1);
    w->op.cancel = &cancel;
    assert_int_equal(tarn_run(w->w, &w->op, &o, &result), TARN_CANCELLED);
    assert_true(result.failed);
    w->op.cancel = NULL;
    tarn_clear(&w->op);
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select n from gold.g"), "2\n");
}

/* Allocations fail at places spread over a whole run: what is published is as before or as
 * after. */
static void memory_runs_out(void **state)
{
    struct sched_world *w = *state;
    enum tarn_status status = TARN_NOMEM;
    docs(w);
    sched_run_ok(w);
    sched_put(w, "data/docs2.json", "{\"id\": 3, \"v\": \"c\"}\n");
    for (long n = 50; status != TARN_OK; n = n * 2 + 1) {
        struct tarn_run_options o = {0};
        struct tarn_run_result result = {0};
        sched_open(w);
        tarn_alloc_fail_at(n);
        status = tarn_run(w->w, &w->op, &o, &result);
        tarn_alloc_fail_at(0);
        if (status == TARN_OK && result.failed)
            status = result.status;
        assert_true(status == TARN_OK || status == TARN_NOMEM);
        tarn_clear(&w->op);
        const char *n_rows = sched_rows(w, "select n from gold.g");
        assert_string_equal(n_rows, status == TARN_OK ? "3\n" : "2\n");
        const char *silver = sched_rows(w, "select count(*) from silver.s");
        assert_string_equal(silver, status == TARN_OK ? "3\n" : "2\n");
    }
}

/* ---- libtarn */

static void the_public_interface(void **state)
{
    struct sched_world *w = *state;
    char message[256], warehouse[128], tiny[8];
    struct tarn_warehouse *lake;
    struct tarn_cursor *c;
    docs(w);
    snprintf(warehouse, sizeof warehouse, "%s/warehouse", w->folder);
    assert_int_not_equal(tarn_warehouse_open(warehouse, NULL, &lake), 0);
    assert_non_null(strstr(tarn_warehouse_error(lake), "no warehouse"));
    assert_int_not_equal(tarn_warehouse_query(lake, "select 1", &c), 0); /* it is not open */
    assert_null(c);
    tarn_warehouse_close(lake);
    assert_int_equal(tarn_project_run(w->folder, message, sizeof message), 0);
    assert_string_equal(message, "done, 2 tables published");
    assert_int_equal(tarn_project_run(w->folder, tiny, sizeof tiny), 0);
    assert_string_equal(tiny, "up to d");
    assert_int_equal(tarn_warehouse_open(warehouse, NULL, &lake), 0);
    assert_int_equal(tarn_warehouse_query(lake, "select id, v from silver.s order by 1", &c), 0);
    assert_int_equal(tarn_cursor_column_count(c), 2);
    assert_string_equal(tarn_cursor_column_name(c, 0), "id");
    assert_string_equal(tarn_cursor_column_type(c, 0), "long");
    assert_null(tarn_cursor_column_name(c, 2));
    assert_int_equal(tarn_cursor_next(c), 1);
    assert_string_equal(tarn_cursor_text(c, 1), "a");
    assert_null(tarn_cursor_text(c, 2));
    assert_int_equal(tarn_cursor_next(c), 1);
    assert_int_equal(tarn_cursor_next(c), 0);
    assert_int_equal(tarn_cursor_next(c), 0);
    tarn_cursor_close(c);
    assert_int_equal(tarn_warehouse_query(lake, "select nothing from silver.s", &c), 1);
    assert_null(c);
    assert_non_null(strstr(tarn_warehouse_error(lake), "nothing"));
    assert_int_equal(tarn_warehouse_query(lake, "select null as x, 'text' as y", &c), 0);
    assert_int_equal(tarn_cursor_next(c), 1);
    assert_null(tarn_cursor_text(c, 0));
    assert_string_equal(tarn_cursor_text(c, 1), "text");
    tarn_cursor_close(c);
    tarn_warehouse_close(lake);
    sched_put(w, "models/gold/g.sql", "select error('no') as n from silver.s");
    assert_int_equal(tarn_project_run(w->folder, message, sizeof message), 1);
    assert_non_null(strstr(message, "no"));
    assert_int_not_equal(tarn_project_run("/nowhere", message, sizeof message), 0);
    assert_int_not_equal(tarn_project_run("/nowhere", NULL, 0), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, sched_begin, sched_end)
    const struct CMUnitTest tests[] = {
        T(two_runs_at_once), /* first: no engine's threads before a fork */
        T(a_failed_run_leaves_main_as_it_was),
        T(what_depends_on_a_failure_is_skipped),
        T(an_ingest_that_fails),
        T(a_conflict_at_publication),
        T(old_failed_runs_are_tidied),
        T(published_files_are_in_no_record),
        T(records),
        T(a_plan_needs_no_lease_and_writes_nothing),
        T(selections),
        T(cancelled_runs),
        T(memory_runs_out),
        T(the_public_interface),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
