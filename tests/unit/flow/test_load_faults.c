/* Loads that are killed or fail at every step: the table, its ledger and its dead letters are as
 * before or as after, together, and the next load makes good what is missing. */
#include "flow_fixture.h"

#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

/* Every step was tried once; a stride of 1 does it again. */
#define STRIDE 9

#define ROWS    "SELECT id FROM raw.t ORDER BY 1"
#define LEDGER  "SELECT path, rows, dead_letters FROM raw.t__files ORDER BY 1"
#define LETTERS "SELECT decode(raw), resolved FROM raw.t__dead_letters ORDER BY 1"

/* First load: a, b. Second: a changed (one letter mended, one row other), c new with a letter. */
static const char ROWS_BEFORE[] = "1\n2\n3\n", ROWS_AFTER[] = "2\n3\n4\n10\n11\n";
static const char LEDGER_BEFORE[] = "a.json|2|1\nb.json|1|0\n";
static const char LEDGER_AFTER[] = "a.json|3|0\nb.json|1|0\nc.json|1|1\n";
static const char LETTERS_BEFORE[] = "bad|false\n", LETTERS_AFTER[] = "bad|true\nugly|false\n";

static void first_files(struct flow_world *w)
{
    flow_put(w, "data/a.json", "{\"id\": 1}\nbad\n{\"id\": 2}\n");
    flow_put(w, "data/b.json", "{\"id\": 3}\n");
}

static void second_files(struct flow_world *w)
{
    flow_put(w, "data/a.json", "{\"id\": 10}\n{\"id\": 11}\n{\"id\": 2}\n");
    flow_put(w, "data/c.json", "{\"id\": 4}\nugly\n");
}

static bool all_is(struct flow_world *w, const char *rows, const char *ledger, const char *letters)
{
    bool is_rows = strcmp(flow_rows(w, ROWS), rows) == 0;
    assert_int_equal(is_rows, strcmp(flow_rows(w, LEDGER), ledger) == 0);
    assert_int_equal(is_rows, strcmp(flow_rows(w, LETTERS), letters) == 0);
    return is_rows;
}

static bool is_after(struct flow_world *w)
{
    if (all_is(w, ROWS_AFTER, LEDGER_AFTER, LETTERS_AFTER))
        return true;
    assert_true(all_is(w, ROWS_BEFORE, LEDGER_BEFORE, LETTERS_BEFORE));
    return false;
}

/* ---- kills: another process loads, and dies at the n-th write to storage or catalog */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int load_as_other_process(struct flow_world *w, const char *variable, long n)
{
    pid_t pid = fork();
    int status;
    assert_true(pid >= 0);
    if (pid == 0) {
        char value[64];
        struct tarn_loaded out;
        snprintf(value, sizeof value,
                 strstr(variable, "STORAGE") ? "n=%ld,calls=write+remove,kill=1" : "%ld", n);
        if (n)
            setenv(variable, value, 1);
        flow_open(w, true);
        struct tarn_load load = flow_load(w);
        w->runs = 100 + (int)n; /* a run id of its own */
        enum tarn_status done = flow_run(w, &load, &out);
        _exit(done == TARN_OK ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void kill_at_every(const char *variable, long first, long stride)
{
    for (long n = first;; n += stride) {
        struct flow_world w = {.runs = 0};
        snprintf(w.folder, sizeof w.folder, "/tmp/tarn-flow-XXXXXX");
        assert_non_null(mkdtemp(w.folder));
        assert_int_equal(tarn_op_init(&w.op, 0, 0), TARN_OK);
        first_files(&w);
        tarn_op_release(&w.op);
        assert_int_equal(load_as_other_process(&w, variable, 0), 0);
        assert_int_equal(tarn_op_init(&w.op, 0, 0), TARN_OK);
        second_files(&w);
        tarn_op_release(&w.op);
        int status = load_as_other_process(&w, variable, n);
        flow_open(&w, true);
        struct tarn_load load = flow_load(&w);
        struct tarn_loaded out;
        bool done = is_after(&w);
        w.runs = 1000;
        flow_ok(&w, flow_run(&w, &load, &out));
        assert_int_equal(out.committed, !done);
        assert_true(is_after(&w));
        flow_close(&w);
        nftw(w.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        if (WIFEXITED(status)) {
            assert_int_equal(WEXITSTATUS(status), 0);
            assert_true(done && n > 4);
            return;
        }
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
}

static void a_kill_at_writes_to_storage(void **state)
{
    (void)state;
    kill_at_every("TARN_TEST_STORAGE_FAULT", 2, STRIDE);
}

static void a_kill_at_writes_to_the_catalog(void **state)
{
    (void)state;
    kill_at_every("TARN_TEST_CATALOG_KILL", 2, 3);
}

/* ---- failures: the same process goes on */

static bool storage_fault(struct flow_world *w, long n, bool after)
{
    struct tarn_storage *fs = w->storage, *fault;
    struct tarn_storage_fault_options o = {
        .fail_at = n, .calls = TARN_STORAGE_C_ANY, .status = TARN_IO, .after = after};
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    size_t files = flow_count_files(w, "warehouse");
    flow_ok(w, tarn_storage_fs_open(&w->op, &fs));
    flow_ok(w, tarn_storage_fault_open(&w->op, fs, o, &fault));
    w->lake.storage = fault;
    enum tarn_status status = flow_run(w, &load, &out);
    bool struck = tarn_storage_fault_count(fault) >= n;
    w->lake.storage = w->storage;
    tarn_storage_close(fault);
    tarn_clear(&w->op);
    assert_int_equal(is_after(w), status == TARN_OK);
    if (status != TARN_OK && flow_count_files(w, "warehouse") > files)
        print_error("call %ld%s leaves %zu files behind\n", n, after ? ", after its effect" : "",
                    flow_count_files(w, "warehouse") - files);
    if (status != TARN_OK)
        assert_true(flow_count_files(w, "warehouse") <= files);
    return struck;
}

static void begin_anew(struct flow_world *w)
{
    static const char *const tables[] = {"raw.t", "raw.t__files", "raw.t__dead_letters"};
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    for (size_t i = 0; i < 3; i++)
        if (flow_table(w, tables[i]))
            flow_drop(w, tables[i]);
    flow_put(w, "data/c.json", "");
    flow_remove_file(w, "data/c.json");
    first_files(w);
    flow_ok(w, flow_run(w, &load, &out));
    second_files(w);
}

/* Some calls may fail without harm: then the load was done, and all begins anew. */
static void storage_fails(struct flow_world *w, bool after)
{
    long n = 1;
    begin_anew(w);
    while (storage_fault(w, n, after)) {
        if (is_after(w))
            begin_anew(w);
        n += STRIDE;
    }
    assert_true(n > 20);
}

static void storage_fails_before_the_effect(void **state)
{
    storage_fails(*state, false);
}

static void storage_fails_after_the_effect(void **state)
{
    storage_fails(*state, true);
}

/* Allocations by the thousand: some of them, spread over the whole. */
static void memory_runs_out(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    first_files(w);
    flow_ok(w, flow_run(w, &load, &out));
    second_files(w);
    enum tarn_status status = TARN_NOMEM;
    for (long n = 1; status != TARN_OK; n += 1 + n / 3) {
        struct tarn_load_plan p;
        flow_next_run(w);
        tarn_alloc_fail_at(n);
        status = tarn_load_make_plan(&w->flow, &w->op, &load, &p);
        if (status == TARN_OK)
            status = tarn_load_run(&w->flow, &w->op, &load, &p, &out);
        tarn_alloc_fail_at(0);
        if (status != TARN_OK && status != TARN_NOMEM)
            print_error("allocation %ld: %s: %s\n", n, tarn_status_info(status)->name,
                        w->op.report.message);
        assert_true(status == TARN_OK || status == TARN_NOMEM);
        tarn_clear(&w->op);
        assert_int_equal(is_after(w), status == TARN_OK);
        assert_true(n < 1000000);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_kill_at_writes_to_storage), /* first: no engine's threads before a fork */
        cmocka_unit_test(a_kill_at_writes_to_the_catalog),
        T(storage_fails_before_the_effect),
        T(storage_fails_after_the_effect),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
