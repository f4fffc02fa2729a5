/* The shims of storage: what each adds to the storage below. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "io_fixture.h"

static int setup(void **state)
{
    struct fixture *f = fixture_new();
    assert_ok(f, tarn_storage_mem_open(&f->op, &f->s));
    (void)snprintf(f->root, sizeof f->root, "mem://test");
    *state = f;
    return 0;
}

static int setup_fs(void **state)
{
    struct fixture *f = fixture_new();
    assert_ok(f, tarn_storage_fs_open(&f->op, &f->s));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void add_fault(struct fixture *f, struct tarn_storage_fault_options options)
{
    assert_ok(f, tarn_storage_fault_open(&f->op, f->s, options, &f->s));
}

/* ---- fault */

static void fault_strikes_once_at_the_nth_call(void **state)
{
    struct fixture *f = *state;
    struct tarn_object o;
    add_fault(f, (struct tarn_storage_fault_options){
                     .fail_at = 2, .calls = TARN_STORAGE_C_WRITE, .status = TARN_DISK_FULL});
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "1"), TARN_STR("1")));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "1"), &o)); /* not counted */
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "1")));   /* not counted */
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "2"), TARN_STR("2")), TARN_DISK_FULL);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "3"), TARN_STR("3")));
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "2"), &o), TARN_NOT_FOUND);
    assert_int_equal(tarn_storage_fault_count(f->s), 3);
}

static void fault_may_strike_after_the_effect(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    add_fault(
        f, (struct tarn_storage_fault_options){
               .fail_at = 1, .calls = TARN_STORAGE_C_WRITE, .status = TARN_UNKNOWN, .after = true});
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "x"), TARN_STR("1")),
                  TARN_UNKNOWN);
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
    assert_str(bytes, "1");
}

static void every_call_is_counted_by_its_kind(void **state)
{
    struct fixture *f = *state;
    struct tarn_object o;
    struct tarn_str bytes;
    struct tarn_listing l;
    uint64_t size;
    char c;
    struct tarn_storage *any, *reads, *writes, *lists, *removes;
    struct tarn_storage_fault_options options = {.calls = TARN_STORAGE_C_ANY};
    assert_ok(f, tarn_storage_fault_open(&f->op, f->s, options, &any));
    options.calls = TARN_STORAGE_C_READ;
    assert_ok(f, tarn_storage_fault_open(&f->op, any, options, &reads));
    options.calls = TARN_STORAGE_C_WRITE;
    assert_ok(f, tarn_storage_fault_open(&f->op, reads, options, &writes));
    options.calls = TARN_STORAGE_C_LIST;
    assert_ok(f, tarn_storage_fault_open(&f->op, writes, options, &lists));
    options.calls = TARN_STORAGE_C_REMOVE;
    assert_ok(f, tarn_storage_fault_open(&f->op, lists, options, &removes));
    f->s = removes;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "y"), TARN_STR("1")));
    assert_ok(f, tarn_storage_finish(f->s, &f->op, at(f, "y"), &size));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
    assert_ok(f, tarn_storage_read_into(f->s, &f->op, at(f, "x"), 0, &c, 1));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "x"), &o));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "y"), &o));
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, ""), &l));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "x")));
    assert_int_equal(tarn_storage_fault_count(any), 9);
    assert_int_equal(tarn_storage_fault_count(reads), 4);
    assert_int_equal(tarn_storage_fault_count(writes), 3);
    assert_int_equal(tarn_storage_fault_count(lists), 1);
    assert_int_equal(tarn_storage_fault_count(removes), 1);
}

static void fault_kills(void **state)
{
    struct fixture *f = *state;
    for (int after = 0; after < 2; after++) {
        int status;
        struct tarn_object o;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            add_fault(
                f, (struct tarn_storage_fault_options){
                       .fail_at = 1, .calls = TARN_STORAGE_C_WRITE, .after = after, .kill = true});
            (void)!tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1"));
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
        enum tarn_status there = tarn_storage_head(f->s, &f->op, at(f, "x"), &o);
        assert_int_equal(there, after ? TARN_OK : TARN_NOT_FOUND);
        tarn_clear(&f->op);
    }
}

static void fault_comes_out_of_the_environment(void **state)
{
    struct fixture *f = *state;
    struct tarn_storage *s = NULL;
    struct tarn_object o;
    static const char *const bad[] = {"n",         "n=",     "n=x",         "n=-1",
                                      "calls=rea", "calls=", "status=OK",   "status=Io",
                                      "after=yes", "kill=2", "n=1,,kill=1", "x=1"};
    assert_int_equal(unsetenv("TARN_TEST_STORAGE_FAULT"), 0);
    assert_ok(f, tarn_storage_from_env(&f->op, f->s, &s));
    assert_ptr_equal(s, f->s);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(setenv("TARN_TEST_STORAGE_FAULT", bad[i], 1), 0);
        assert_status(f, tarn_storage_from_env(&f->op, f->s, &s), TARN_CONFIG);
    }
    assert_int_equal(
        setenv("TARN_TEST_STORAGE_FAULT", "n=3,calls=write+list,status=DENIED,after=1,kill=0", 1),
        0);
    assert_ok(f, tarn_storage_from_env(&f->op, f->s, &f->s));
    assert_int_equal(unsetenv("TARN_TEST_STORAGE_FAULT"), 0);
    struct tarn_listing l;
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, ""), &l));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "1"), TARN_STR("1")));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "1"), &o));
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "2"), TARN_STR("1")), TARN_DENIED);
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "2"), &o)); /* after: it took effect */
}

/* ---- retry */

static struct tarn_storage *add_retry(struct fixture *f, int tries,
                                      struct tarn_storage_fault_options fault)
{
    struct tarn_storage_retry_options options = {.tries = tries, .base_ms = 0, .max_ms = 1};
    add_fault(f, fault);
    struct tarn_storage *below = f->s;
    assert_ok(f, tarn_storage_retry_open(&f->op, f->s, options, &f->s));
    return below;
}

static void retry_tries_again_after_io_and_timeout(void **state)
{
    struct fixture *f = *state;
    static const enum tarn_status passing[] = {TARN_IO, TARN_TIMEOUT};
    for (int i = 0; i < 2; i++) {
        struct tarn_str bytes;
        struct tarn_storage *fault =
            add_retry(f, 3,
                      (struct tarn_storage_fault_options){
                          .fail_at = 1, .calls = TARN_STORAGE_C_ANY, .status = passing[i]});
        assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")));
        assert_int_equal(tarn_storage_fault_count(fault), 2);
        assert_int_equal(f->op.report.status, TARN_OK); /* nothing failed in the end */
        assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
        assert_str(bytes, "1");
    }
}

static void retry_leaves_final_answers_alone(void **state)
{
    struct fixture *f = *state;
    static const enum tarn_status final[] = {TARN_UNKNOWN, TARN_EXISTS, TARN_DENIED, TARN_DISK_FULL,
                                             TARN_CORRUPT};
    for (size_t i = 0; i < sizeof final / sizeof *final; i++) {
        struct tarn_storage *fault =
            add_retry(f, 3,
                      (struct tarn_storage_fault_options){
                          .fail_at = 1, .calls = TARN_STORAGE_C_WRITE, .status = final[i]});
        assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")), final[i]);
        assert_int_equal(tarn_storage_fault_count(fault), 1);
    }
}

static void retry_gives_up(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    struct tarn_storage_retry_options options = {.tries = 3, .base_ms = 0, .max_ms = 0};
    for (int n = 0; n < 3;
         n++) /* the first call ends at the top, the second one below, the third at the bottom */
        add_fault(f, (struct tarn_storage_fault_options){
                         .fail_at = 1, .calls = TARN_STORAGE_C_READ, .status = TARN_IO});
    struct tarn_storage *top = f->s;
    assert_ok(f, tarn_storage_retry_open(&f->op, f->s, options, &f->s));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")));
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes), TARN_IO);
    assert_int_equal(tarn_storage_fault_count(top), 3);
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
}

static void retry_of_put_absent_does_not_mistake_itself(void **state)
{
    struct fixture *f = *state;
    (void)add_retry(
        f, 3,
        (struct tarn_storage_fault_options){
            .fail_at = 1, .calls = TARN_STORAGE_C_WRITE, .status = TARN_IO, .after = true});
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "x"), TARN_STR("1")),
                  TARN_UNKNOWN);
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "x"), TARN_STR("1")), TARN_EXISTS);
}

static void retry_stops_for_the_deadline(void **state)
{
    struct fixture *f = *state;
    struct tarn_cancel cancel = {.level = 0};
    struct tarn_storage_retry_options options = {
        .tries = 1000000, .base_ms = 100000, .max_ms = 100000};
    struct tarn_str bytes;
    add_fault(f, (struct tarn_storage_fault_options){
                     .fail_at = 1, .calls = TARN_STORAGE_C_READ, .status = TARN_IO});
    assert_ok(f, tarn_storage_retry_open(&f->op, f->s, options, &f->s));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")));
    f->op.cancel = &cancel;
    f->op.deadline_ns = tarn_clock_monotonic_ns(tarn_clock_real()) + 20000000;
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes), TARN_TIMEOUT);
    f->op.deadline_ns = 0;
    f->op.cancel = NULL;
}

/* ---- forget */

static void a_crash_takes_what_was_not_finished(void **state)
{
    struct fixture *f = *state;
    struct tarn_str roots[] = {tarn_str_view(f->root)};
    struct tarn_str keep[] = {tarn_str_view(file(f, "wh/catalog.db"))};
    struct tarn_storage_forget_options options = {
        .roots = roots, .root_count = 1, .keep = keep, .keep_count = 1};
    struct tarn_object o;
    struct tarn_str bytes;
    uint64_t size;
    int gone = 0, empty = 0;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "t/before"), TARN_STR("b")));
    assert_ok(f, tarn_storage_forget_open(&f->op, f->s, options, &f->s));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "t/put"), TARN_STR("p")));
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "t/absent"), TARN_STR("a")));
    scribble(f, "wh/t/finished", "f");
    assert_ok(f, tarn_storage_finish(f->s, &f->op, at(f, "t/finished"), &size));
    scribble(f, "wh/catalog.db", "syncs itself");
    scribble(f, "wh/catalog.db-wal", "syncs itself");
    scribble(f, "outside", "o");
    for (int i = 0; i < 16; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "wh/t/copy-%d", i);
        scribble(f, name, "written by the engine");
    }
    assert_ok(f, tarn_storage_forget_crash(f->s, &f->op));
    static const char *const kept[] = {"t/before",   "t/put",      "t/absent",
                                       "t/finished", "catalog.db", "catalog.db-wal"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, kept[i]), &bytes));
        assert_true(bytes.len > 0);
    }
    assert_int_equal(access(file(f, "outside"), F_OK), 0);
    for (int i = 0; i < 16; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "t/copy-%d", i);
        if (tarn_storage_head(f->s, &f->op, at(f, name), &o) == TARN_OK) {
            assert_int_equal(o.size_bytes, 0);
            empty++;
        } else {
            assert_int_equal(f->op.report.status, TARN_NOT_FOUND);
            tarn_clear(&f->op);
            gone++;
        }
    }
    assert_true(gone > 0 && empty > 0); /* both kinds of loss */
}

static void what_was_removed_is_not_remembered(void **state)
{
    struct fixture *f = *state;
    struct tarn_str root = tarn_str_view(f->root);
    struct tarn_storage_forget_options options = {.roots = &root, .root_count = 1};
    struct tarn_object o;
    assert_ok(f, tarn_storage_forget_open(&f->op, f->s, options, &f->s));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "x")));
    scribble(f, "wh/x", "again, past the storage");
    assert_ok(f, tarn_storage_forget_crash(f->s, &f->op));
    if (tarn_storage_head(f->s, &f->op, at(f, "x"), &o) == TARN_OK)
        assert_int_equal(o.size_bytes, 0);
}

static void a_failed_finish_is_not_durable(void **state)
{
    struct fixture *f = *state;
    struct tarn_str root = tarn_str_view(f->root);
    struct tarn_storage_forget_options options = {.roots = &root, .root_count = 1};
    struct tarn_object o;
    uint64_t size;
    add_fault(f,
              (struct tarn_storage_fault_options){
                  .fail_at = 1, .calls = TARN_STORAGE_C_WRITE, .status = TARN_IO, .after = true});
    assert_ok(f, tarn_storage_forget_open(&f->op, f->s, options, &f->s));
    assert_int_equal(mkdir(f->root, 0777), 0);
    scribble(f, "wh/x", "1");
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "x"), &size), TARN_IO);
    assert_ok(f, tarn_storage_forget_crash(f->s, &f->op));
    if (tarn_storage_head(f->s, &f->op, at(f, "x"), &o) == TARN_OK)
        assert_int_equal(o.size_bytes, 0);
}

/* ---- trace */

static void trace_logs_each_call(void **state)
{
    struct fixture *f = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    struct tarn_log_sink sink = {.file = out};
    struct tarn_log log = {.sink = &sink, .level = TARN_LOG_DEBUG};
    struct tarn_str bytes;
    assert_ok(f, tarn_storage_trace_open(&f->op, f->s, &f->s));
    f->op.log = &log;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("12345")));
    assert_ok(f, tarn_storage_read_range(f->s, &f->op, at(f, "x"), 1, 2, &bytes));
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "y"), &bytes), TARN_NOT_FOUND);
    log.level = TARN_LOG_INFO;
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "x")));
    f->op.log = NULL;
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "call=put path=mem://test/x status=OK size_bytes=5 us="));
    assert_non_null(strstr(text, "call=read path=mem://test/x status=OK size_bytes=2 us="));
    assert_non_null(strstr(text, "call=read path=mem://test/y status=NOT_FOUND size_bytes=0 us="));
    assert_null(strstr(text, "call=remove"));
    free(text);
}

/* ---- memory that runs out, in every open and call: told, nothing leaked, nothing half done */

static enum tarn_status use_stack(struct tarn_op *op, struct tarn_storage **open)
{
    struct tarn_storage_retry_options retry = {.tries = 2, .base_ms = 0, .max_ms = 0};
    struct tarn_storage_fault_options fault = {.calls = TARN_STORAGE_C_ANY};
    struct tarn_str root = TARN_STR("mem://b/t");
    struct tarn_storage_forget_options forget = {.roots = &root, .root_count = 1};
    struct tarn_listing l;
    struct tarn_str bytes;
    TARN_TRY(tarn_storage_mem_open(op, open));
    TARN_TRY(tarn_storage_put(*open, op, TARN_STR("mem://b/t/0"), TARN_STR("0")));
    TARN_TRY(tarn_storage_fault_open(op, *open, fault, open));
    TARN_TRY(tarn_storage_forget_open(op, *open, forget, open));
    TARN_TRY(tarn_storage_trace_open(op, *open, open));
    TARN_TRY(tarn_storage_retry_open(op, *open, retry, open));
    TARN_TRY(tarn_storage_put(*open, op, TARN_STR("mem://b/t/1"), TARN_STR("1")));
    TARN_TRY(tarn_storage_put_absent(*open, op, TARN_STR("mem://b/t/2"), TARN_STR("2")));
    TARN_TRY(tarn_storage_list(*open, op, root, &l));
    if (l.count != 3)
        return tarn_fail(op, TARN_INTERNAL, "%zu objects", l.count);
    TARN_TRY(tarn_storage_read(*open, op, TARN_STR("mem://b/t/2"), &bytes));
    return tarn_storage_remove(*open, op, TARN_STR("mem://b/t/2"));
}

static enum tarn_status use_fs(struct fixture *f, struct tarn_op *op, struct tarn_storage **open)
{
    struct tarn_listing l;
    struct tarn_str bytes, local, path = tarn_sprintf(op, "%s/a/b/x", f->root);
    if (!path.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_storage_fs_open(op, open));
    TARN_TRY(tarn_storage_put(*open, op, path, TARN_STR("1")));
    TARN_TRY(tarn_storage_list(*open, op, tarn_str_view(f->root), &l));
    TARN_TRY(tarn_storage_local_path(*open, op, path, &local));
    return tarn_storage_read(*open, op, path, &bytes);
}

static void running_out_of_memory_is_told(void **state)
{
    struct fixture *f = *state;
    for (int which = 0; which < 2; which++) {
        enum tarn_status status = TARN_NOMEM;
        int n = 1;
        for (; n < 200 && status != TARN_OK; n++) {
            struct tarn_storage *open = NULL;
            struct tarn_op op;
            assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
            tarn_alloc_fail_at(n);
            status = which ? use_fs(f, &op, &open) : use_stack(&op, &open);
            tarn_alloc_fail_at(0);
            assert_true(status == TARN_OK || status == TARN_NOMEM);
            assert_int_equal(op.report.status, status);
            tarn_storage_close(open);
            tarn_op_release(&op);
        }
        assert_true(n > 5 && n < 200);
    }
}

#define TEST(fn)    cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define TEST_FS(fn) cmocka_unit_test_setup_teardown(fn, setup_fs, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fault_strikes_once_at_the_nth_call),
        TEST(fault_may_strike_after_the_effect),
        TEST(every_call_is_counted_by_its_kind),
        TEST_FS(fault_kills),
        TEST(fault_comes_out_of_the_environment),
        TEST(retry_tries_again_after_io_and_timeout),
        TEST(retry_leaves_final_answers_alone),
        TEST(retry_gives_up),
        TEST(retry_of_put_absent_does_not_mistake_itself),
        TEST(retry_stops_for_the_deadline),
        TEST_FS(a_crash_takes_what_was_not_finished),
        TEST_FS(what_was_removed_is_not_remembered),
        TEST_FS(a_failed_finish_is_not_durable),
        TEST(trace_logs_each_call),
        TEST_FS(running_out_of_memory_is_told),
    };
    return cmocka_run_group_tests_name("shims", tests, NULL, NULL);
}
