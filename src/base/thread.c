/* thread: see thread.h. */
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include "base/arena.h"

#define THREADS_MAX 256

int tarn_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}

static void free_arena(void *arena)
{
    tarn_arena_free(arena);
}

/* After the child's thread has ended: its results go to the parent. False: no memory, the
 * results are gone. */
static bool inherit(struct tarn_op *parent, struct tarn_op *child)
{
    tarn_arena_free(child->scratch);
    child->scratch = NULL;
    bool kept = tarn_arena_cleanup(parent->arena, free_arena, child->arena);
    if (!kept)
        tarn_arena_free(child->arena);
    child->arena = NULL;
    return kept;
}

static int thread_create(pthread_t *out, void *(*fn)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = tarn_alloc_should_fail() ? ENOMEM : pthread_create(out, NULL, fn, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err;
}

static enum tarn_status fail_create(struct tarn_op *op, int err)
{
    (void)tarn_fail(op, TARN_NOMEM, "could not start a thread");
    tarn_detail(op, "error %d of pthread_create", err);
    return TARN_NOMEM;
}

/* A failure without a report would be lost when it is adopted. */
static enum tarn_status reported(struct tarn_op *op, enum tarn_status status)
{
    if (status != TARN_OK && op->report.status != status)
        (void)tarn_fail(op, status, "%s", tarn_status_info(status)->meaning);
    return status;
}

/* ---- one thread */

struct tarn_thread {
    pthread_t id;
    struct tarn_op op;
    enum tarn_status (*run)(struct tarn_op *op, void *ctx);
    void *ctx;
    enum tarn_status status;
};

static void *thread_main(void *arg)
{
    struct tarn_thread *t = arg;
    t->status = reported(&t->op, t->run(&t->op, t->ctx));
    return NULL;
}

enum tarn_status tarn_thread_start(struct tarn_op *op, const char *name,
                                   enum tarn_status (*run)(struct tarn_op *op, void *ctx),
                                   void *ctx, struct tarn_thread **out)
{
    struct tarn_thread *t = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *t);
    if (!t)
        return tarn_fail(op, TARN_NOMEM, "could not start a thread: out of memory");
    enum tarn_status status = tarn_op_child(op, &t->op);
    if (status != TARN_OK) {
        free(t);
        return status;
    }
    t->run = run;
    t->ctx = ctx;
    int err = thread_create(&t->id, thread_main, t);
    if (err != 0) {
        tarn_op_release(&t->op);
        free(t);
        return fail_create(op, err);
    }
    (void)pthread_setname_np(t->id, name);
    *out = t;
    return TARN_OK;
}

enum tarn_status tarn_thread_join(struct tarn_op *op, struct tarn_thread *t)
{
    if (!t)
        return TARN_OK;
    pthread_join(t->id, NULL);
    enum tarn_status status = t->status;
    bool kept = inherit(op, &t->op);
    if (status != TARN_OK && op->report.status == TARN_OK)
        (void)tarn_op_adopt(op, &t->op);
    free(t);
    if (status == TARN_OK && !kept)
        return tarn_fail(op, TARN_NOMEM, "could not keep the results of a thread: out of memory");
    return status;
}

/* ---- many indexes */

struct shared {
    const struct tarn_parallel *work;
    atomic_size_t next;
    atomic_bool stop;
};

struct worker {
    pthread_t id;
    struct tarn_op op;
    struct shared *shared;
    bool running, failed;
    size_t failed_index;
};

static void worker_run(struct worker *w, struct tarn_op *op)
{
    struct shared *s = w->shared;
    while (!atomic_load(&s->stop)) {
        size_t index = atomic_fetch_add(&s->next, 1);
        if (index >= s->work->count)
            return;
        enum tarn_status status = tarn_poll(op, 2);
        if (status == TARN_OK)
            status = s->work->run(op, index, s->work->ctx);
        if (status != TARN_OK) {
            (void)reported(op, status);
            w->failed = true;
            w->failed_index = index;
            atomic_store(&s->stop, true);
            return;
        }
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    worker_run(w, &w->op);
    return NULL;
}

static enum tarn_status run_here(struct tarn_op *op, const struct tarn_parallel *work)
{
    for (size_t i = 0; i < work->count; i++) {
        TARN_TRY(tarn_poll(op, 2));
        TARN_TRY(reported(op, work->run(op, i, work->ctx)));
    }
    return TARN_OK;
}

/* Starts what can be started; fewer threads than wished for are slower, not wrong. */
static enum tarn_status start_workers(struct tarn_op *op, struct worker *workers, size_t count,
                                      struct shared *s)
{
    for (size_t i = 0; i < count; i++) {
        workers[i].shared = s;
        TARN_TRY(tarn_op_child(op, &workers[i].op));
        int err = thread_create(&workers[i].id, worker_main, &workers[i]);
        if (err != 0)
            return fail_create(op, err);
        workers[i].running = true;
    }
    return TARN_OK;
}

static enum tarn_status join_workers(struct tarn_op *op, struct worker *workers, size_t count)
{
    const struct worker *first = NULL;
    bool kept = true;
    for (size_t i = 0; i < count; i++) {
        struct worker *w = &workers[i];
        if (w->running)
            pthread_join(w->id, NULL);
        if (w->op.arena)
            kept = inherit(op, &w->op) && kept;
        if (w->failed && (!first || w->failed_index < first->failed_index))
            first = w;
    }
    if (first)
        return tarn_op_adopt(op, &first->op);
    if (!kept)
        return tarn_fail(op, TARN_NOMEM, "could not keep the results of a thread: out of memory");
    return TARN_OK;
}

enum tarn_status tarn_parallel_run(struct tarn_op *op, const struct tarn_parallel *work)
{
    size_t threads = (size_t)(work->threads > 0 ? work->threads : tarn_cpu_count());
    if (threads > work->count)
        threads = work->count;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    if (threads <= 1)
        return run_here(op, work);
    struct worker *workers = tarn_alloc_should_fail() ? NULL : calloc(threads, sizeof *workers);
    if (!workers)
        return tarn_fail(op, TARN_NOMEM, "could not start %zu threads: out of memory", threads);
    struct shared s = {.work = work};
    enum tarn_status started = start_workers(op, workers, threads, &s);
    enum tarn_status status = TARN_OK;
    if (started != TARN_OK && !workers[0].running)
        status = started;
    else if (started != TARN_OK)
        tarn_clear(op);
    enum tarn_status joined = join_workers(op, workers, threads);
    free(workers);
    return status != TARN_OK ? status : joined;
}
