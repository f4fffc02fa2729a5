/* queue: a ring under one mutex. See queue.h. */
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"

#define WAIT_STEP_NS ((long)50 * 1000000) /* how late a cancel may be seen */

struct tarn_queue {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t can_put, can_take;
    void (*drop)(void *item);
    size_t capacity, first, count;
    bool closed, cancelled;
    void *items[];
};

enum tarn_status tarn_queue_new(struct tarn_op *op, size_t capacity, void (*drop)(void *item),
                                struct tarn_queue **out)
{
    TARN_ASSERT(capacity > 0 && capacity < SIZE_MAX / 16);
    struct tarn_queue *q =
        tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *q + capacity * sizeof q->items[0]);
    if (!q)
        return tarn_fail(op, TARN_NOMEM, "could not allocate a queue of %zu items", capacity);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->can_put, &attr);
    pthread_cond_init(&q->can_take, &attr);
    pthread_condattr_destroy(&attr);
    q->capacity = capacity;
    q->drop = drop;
    *out = q;
    return TARN_OK;
}

static void *ring_take(struct tarn_queue *q)
{
    void *item = q->items[q->first];
    q->first = q->first + 1 == q->capacity ? 0 : q->first + 1;
    q->count--;
    return item;
}

static void drop_all(struct tarn_queue *q)
{
    while (q->count > 0) {
        void *item = ring_take(q);
        if (q->drop)
            q->drop(item);
    }
}

void tarn_queue_free(struct tarn_queue *q)
{
    if (!q)
        return;
    drop_all(q);
    pthread_cond_destroy(&q->can_take);
    pthread_cond_destroy(&q->can_put);
    pthread_mutex_destroy(&q->mutex);
    free(q);
}

/* One step of waiting with the mutex held; the mutex is given back while the op is looked at. */
static enum tarn_status wait_step(struct tarn_queue *q, struct tarn_op *op, pthread_cond_t *cond)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_STEP_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(cond, &q->mutex, &until);
    return tarn_poll(op, 2);
}

static enum tarn_status fail_cancelled(struct tarn_op *op)
{
    return tarn_fail(op, TARN_CANCELLED, "the queue was cancelled");
}

enum tarn_status tarn_queue_put(struct tarn_queue *q, struct tarn_op *op, void *item)
{
    enum tarn_status status = TARN_OK;
    TARN_ASSERT(item);
    pthread_mutex_lock(&q->mutex);
    while (!q->cancelled && q->count == q->capacity && status == TARN_OK)
        status = wait_step(q, op, &q->can_put);
    if (q->cancelled) {
        status = fail_cancelled(op);
    } else if (status == TARN_OK) {
        TARN_ASSERT(!q->closed);
        q->items[(q->first + q->count) % q->capacity] = item;
        q->count++;
        pthread_cond_signal(&q->can_take);
    }
    pthread_mutex_unlock(&q->mutex);
    return status;
}

enum tarn_status tarn_queue_take(struct tarn_queue *q, struct tarn_op *op, void **out)
{
    enum tarn_status status = TARN_OK;
    *out = NULL;
    pthread_mutex_lock(&q->mutex);
    while (!q->cancelled && !q->closed && q->count == 0 && status == TARN_OK)
        status = wait_step(q, op, &q->can_take);
    if (q->cancelled) {
        status = fail_cancelled(op);
    } else if (status == TARN_OK && q->count > 0) {
        *out = ring_take(q);
        pthread_cond_signal(&q->can_put);
    }
    pthread_mutex_unlock(&q->mutex);
    return status;
}

bool tarn_queue_try_take(struct tarn_queue *q, void **out)
{
    *out = NULL;
    pthread_mutex_lock(&q->mutex);
    if (!q->cancelled && q->count > 0) {
        *out = ring_take(q);
        pthread_cond_signal(&q->can_put);
    }
    pthread_mutex_unlock(&q->mutex);
    return *out != NULL;
}

static void wake_all(struct tarn_queue *q)
{
    pthread_cond_broadcast(&q->can_put);
    pthread_cond_broadcast(&q->can_take);
}

void tarn_queue_close(struct tarn_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->closed = true;
    wake_all(q);
    pthread_mutex_unlock(&q->mutex);
}

void tarn_queue_cancel(struct tarn_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    q->cancelled = true;
    wake_all(q);
    drop_all(q);
    pthread_mutex_unlock(&q->mutex);
}

size_t tarn_queue_count(struct tarn_queue *q)
{
    pthread_mutex_lock(&q->mutex);
    size_t count = q->count;
    pthread_mutex_unlock(&q->mutex);
    return count;
}
