/* test_thread: the queue's order, bounds, closing and cancelling; workers, their results and the
 * failure that is reported. */
#include "check.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/queue.h"
#include "base/thread.h"

/* ---- queue */

static int items[1000];
static atomic_int dropped;
static void drop(void *item)
{
    (void)item;
    atomic_fetch_add(&dropped, 1);
}

static void a_queue_is_first_in_first_out(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_queue *q;
    void *item;
    assert_int_equal(tarn_queue_new(&op, 3, NULL, &q), TARN_OK);
    assert_false(tarn_queue_try_take(q, &item));
    assert_null(item);
    for (int round = 0; round < 10; round++) { /* the ring wraps */
        for (int i = 0; i < 3; i++)
            assert_int_equal(tarn_queue_put(q, &op, &items[i]), TARN_OK);
        assert_int_equal(tarn_queue_count(q), 3);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(tarn_queue_take(q, &op, &item), TARN_OK);
            assert_ptr_equal(item, &items[i]);
        }
        assert_true(tarn_queue_try_take(q, &item));
        assert_ptr_equal(item, &items[2]);
    }
    assert_int_equal(tarn_queue_put(q, &op, &items[7]), TARN_OK);
    tarn_queue_close(q);
    tarn_queue_close(q);
    assert_int_equal(tarn_queue_take(q, &op, &item), TARN_OK);
    assert_ptr_equal(item, &items[7]);
    assert_int_equal(tarn_queue_take(q, &op, &item), TARN_OK);
    assert_null(item);
    tarn_queue_free(q);
    tarn_queue_free(NULL);
    tarn_op_release(&op);
}

static void cancelling_drops_what_is_left(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_queue *q;
    void *item;
    atomic_store(&dropped, 0);
    assert_int_equal(tarn_queue_new(&op, 5, drop, &q), TARN_OK);
    assert_int_equal(tarn_queue_put(q, &op, &items[0]), TARN_OK);
    assert_int_equal(tarn_queue_put(q, &op, &items[1]), TARN_OK);
    tarn_queue_cancel(q);
    assert_int_equal(atomic_load(&dropped), 2);
    assert_int_equal(tarn_queue_put(q, &op, &items[2]), TARN_CANCELLED);
    assert_int_equal(tarn_queue_take(q, &op, &item), TARN_CANCELLED);
    assert_string_equal(op.report.message, "the queue was cancelled");
    assert_null(item);
    assert_false(tarn_queue_try_take(q, &item));
    assert_int_equal(atomic_load(&dropped), 2);
    tarn_queue_free(q);
    assert_int_equal(tarn_queue_new(&op, 5, drop, &q), TARN_OK);
    assert_int_equal(tarn_queue_put(q, &op, &items[0]), TARN_OK);
    tarn_queue_free(q);
    assert_int_equal(atomic_load(&dropped), 3);
    tarn_op_release(&op);
}

static void waiting_sees_cancel_and_deadline(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_queue *q;
    struct tarn_cancel cancel = {2};
    void *item;
    assert_int_equal(tarn_queue_new(&op, 1, NULL, &q), TARN_OK);
    op.deadline_ns = 1;
    assert_int_equal(tarn_queue_take(q, &op, &item), TARN_TIMEOUT);
    assert_int_equal(tarn_queue_put(q, &op, &items[0]), TARN_OK); /* there is room: no wait */
    assert_int_equal(tarn_queue_put(q, &op, &items[0]), TARN_TIMEOUT);
    op.deadline_ns = 0;
    op.cancel = &cancel;
    assert_int_equal(tarn_queue_put(q, &op, &items[0]), TARN_CANCELLED);
    assert_int_equal(tarn_queue_count(q), 1);
    tarn_queue_free(q);
    tarn_op_release(&op);
}

struct flow {
    struct tarn_queue *q;
    atomic_int next, producers_left;
    atomic_int seen[1000];
};

static enum tarn_status produce(struct tarn_op *op, void *ctx)
{
    struct flow *f = ctx;
    for (;;) {
        int i = atomic_fetch_add(&f->next, 1);
        if (i >= 1000)
            break;
        TARN_TRY(tarn_queue_put(f->q, op, &items[i]));
    }
    if (atomic_fetch_sub(&f->producers_left, 1) == 1)
        tarn_queue_close(f->q);
    return TARN_OK;
}

static enum tarn_status consume(struct tarn_op *op, void *ctx)
{
    struct flow *f = ctx;
    for (;;) {
        void *item;
        TARN_TRY(tarn_queue_take(f->q, op, &item));
        if (!item)
            return TARN_OK;
        atomic_fetch_add(&f->seen[(int *)item - items], 1);
    }
}

static void many_threads_pass_each_item_once(void **state)
{
    (void)state;
    static struct flow f;
    struct tarn_op op = check_op();
    struct tarn_thread *threads[5];
    memset(&f, 0, sizeof f);
    atomic_store(&f.producers_left, 2);
    assert_int_equal(tarn_queue_new(&op, 4, NULL, &f.q), TARN_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            tarn_thread_start(&op, "worker", i < 2 ? produce : consume, &f, &threads[i]), TARN_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(tarn_thread_join(&op, threads[i]), TARN_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(atomic_load(&f.seen[i]), 1);
    tarn_queue_free(f.q);
    tarn_op_release(&op);
}

static void a_waiting_taker_is_woken_by_cancel(void **state)
{
    (void)state;
    static struct flow f;
    struct tarn_op op = check_op();
    struct tarn_thread *t;
    memset(&f, 0, sizeof f);
    assert_int_equal(tarn_queue_new(&op, 1, NULL, &f.q), TARN_OK);
    assert_int_equal(tarn_thread_start(&op, "taker", consume, &f, &t), TARN_OK);
    tarn_queue_cancel(f.q);
    assert_int_equal(tarn_thread_join(&op, t), TARN_CANCELLED);
    assert_int_equal(op.report.status, TARN_CANCELLED);
    tarn_queue_free(f.q);
    tarn_op_release(&op);
}

/* ---- parallel work */

struct job {
    char *results[200];
    atomic_int runs[200];
    size_t fail_a, fail_b;
    pthread_barrier_t *barrier;
};

static enum tarn_status square(struct tarn_op *op, size_t index, void *ctx)
{
    struct job *job = ctx;
    atomic_fetch_add(&job->runs[index], 1);
    struct tarn_str s = tarn_sprintf(op, "%zu", index * index);
    if (!s.ptr)
        return op->report.status;
    job->results[index] = (char *)(uintptr_t)s.ptr;
    return TARN_OK;
}

static void results_outlive_the_threads(void **state)
{
    (void)state;
    static struct job job;
    for (int threads = 0; threads <= 4; threads++) {
        struct tarn_op op = check_op();
        memset(&job, 0, sizeof job);
        struct tarn_parallel work = {200, threads, square, &job};
        assert_int_equal(tarn_parallel_run(&op, &work), TARN_OK);
        for (size_t i = 0; i < 200; i++) {
            assert_int_equal(atomic_load(&job.runs[i]), 1);
            assert_int_equal(atol(job.results[i]), i * i);
        }
        tarn_op_release(&op);
    }
    struct tarn_op op = check_op();
    struct tarn_parallel none = {0, 4, square, &job};
    assert_int_equal(tarn_parallel_run(&op, &none), TARN_OK);
    tarn_op_release(&op);
}

static enum tarn_status fail_two(struct tarn_op *op, size_t index, void *ctx)
{
    struct job *job = ctx;
    atomic_fetch_add(&job->runs[index], 1);
    if (index == job->fail_a || index == job->fail_b) {
        if (job->barrier) /* both are begun before one of them fails */
            pthread_barrier_wait(job->barrier);
        return tarn_fail(op, TARN_DATA, "index %zu is bad", index);
    }
    return TARN_OK;
}

static void the_failure_with_the_lowest_index_is_reported(void **state)
{
    (void)state;
    static struct job job;
    for (int round = 0; round < 20; round++) {
        struct tarn_op op = check_op();
        pthread_barrier_t barrier;
        memset(&job, 0, sizeof job);
        job.fail_a = 50;
        job.fail_b = 51;
        job.barrier = &barrier;
        pthread_barrier_init(&barrier, NULL, 2);
        struct tarn_parallel work = {200, 4, fail_two, &job};
        assert_int_equal(tarn_parallel_run(&op, &work), TARN_DATA);
        assert_string_equal(op.report.message, "index 50 is bad");
        for (size_t i = 0; i <= 51; i++)
            assert_int_equal(atomic_load(&job.runs[i]), 1);
        pthread_barrier_destroy(&barrier);
        tarn_op_release(&op);
    }
}

static void one_thread_runs_in_the_caller(void **state)
{
    (void)state;
    static struct job job;
    struct tarn_op op = check_op();
    memset(&job, 0, sizeof job);
    job.fail_a = job.fail_b = 5;
    struct tarn_parallel work = {200, 1, fail_two, &job};
    assert_int_equal(tarn_parallel_run(&op, &work), TARN_DATA);
    assert_string_equal(op.report.message, "index 5 is bad");
    assert_int_equal(atomic_load(&job.runs[6]), 0);
    tarn_op_release(&op);
}

static enum tarn_status silent(struct tarn_op *op, size_t index, void *ctx)
{
    (void)op, (void)index, (void)ctx;
    return TARN_CONFLICT;
}

static void a_failure_without_a_report_gets_one(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        struct tarn_op op = check_op();
        struct tarn_parallel work = {2, threads, silent, NULL};
        assert_int_equal(tarn_parallel_run(&op, &work), TARN_CONFLICT);
        assert_int_equal(op.report.status, TARN_CONFLICT);
        assert_string_equal(op.report.message, "another commit came first");
        tarn_op_release(&op);
    }
}

static void cancel_stops_the_work(void **state)
{
    (void)state;
    static struct job job;
    struct tarn_cancel cancel = {2};
    for (int threads = 1; threads <= 3; threads++) {
        struct tarn_op op = check_op();
        op.cancel = &cancel;
        memset(&job, 0, sizeof job);
        struct tarn_parallel work = {200, threads, square, &job};
        assert_int_equal(tarn_parallel_run(&op, &work), TARN_CANCELLED);
        assert_int_equal(atomic_load(&job.runs[0]), 0);
        tarn_op_release(&op);
    }
}

static void join_keeps_an_earlier_failure(void **state)
{
    (void)state;
    static struct flow f;
    struct tarn_op op = check_op();
    struct tarn_thread *t;
    memset(&f, 0, sizeof f);
    assert_int_equal(tarn_queue_new(&op, 1, NULL, &f.q), TARN_OK);
    assert_int_equal(tarn_thread_start(&op, "taker", consume, &f, &t), TARN_OK);
    tarn_queue_cancel(f.q);
    (void)tarn_fail(&op, TARN_DATA, "first");
    assert_int_equal(tarn_thread_join(&op, t), TARN_CANCELLED);
    assert_string_equal(op.report.message, "first");
    assert_int_equal(tarn_thread_join(&op, NULL), TARN_OK);
    tarn_queue_free(f.q);
    tarn_op_release(&op);
    assert_true(tarn_cpu_count() >= 1);
}

static enum tarn_status all_once(struct tarn_op *op, void *ctx)
{
    static struct job job;
    struct tarn_queue *q;
    struct tarn_thread *t;
    (void)ctx;
    struct tarn_parallel work = {8, 2, square, &job};
    TARN_TRY(tarn_parallel_run(op, &work));
    TARN_TRY(tarn_queue_new(op, 2, NULL, &q));
    struct flow f = {.q = q};
    tarn_queue_close(q);
    enum tarn_status status = tarn_thread_start(op, "taker", consume, &f, &t);
    if (status == TARN_OK)
        status = tarn_thread_join(op, t);
    tarn_queue_free(q);
    return status;
}

static void failing_allocations_are_reported(void **state)
{
    (void)state;
    check_alloc_failures(all_once, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_first_in_first_out),
        cmocka_unit_test(cancelling_drops_what_is_left),
        cmocka_unit_test(waiting_sees_cancel_and_deadline),
        cmocka_unit_test(many_threads_pass_each_item_once),
        cmocka_unit_test(a_waiting_taker_is_woken_by_cancel),
        cmocka_unit_test(results_outlive_the_threads),
        cmocka_unit_test(the_failure_with_the_lowest_index_is_reported),
        cmocka_unit_test(one_thread_runs_in_the_caller),
        cmocka_unit_test(a_failure_without_a_report_gets_one),
        cmocka_unit_test(cancel_stops_the_work),
        cmocka_unit_test(join_keeps_an_earlier_failure),
        cmocka_unit_test(failing_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
