/* queue: a bounded queue of pointers between threads, any number on both sides. Lock:
 * queue.mutex, taken alone.
 *
 * close: nothing more comes; what is in it is still taken. cancel: both sides stop now; what is
 * in it goes to `drop`. Waits look at the op's cancel (level 2) and deadline.
 */
#ifndef TARN_BASE_QUEUE_H
#define TARN_BASE_QUEUE_H

#include "base/op.h"

struct tarn_queue;

/* drop (may be NULL) gets the items that nobody took, on cancel and on free. An item whose put
 * failed stays with the caller. */
enum tarn_status tarn_queue_new(struct tarn_op *op, size_t capacity, void (*drop)(void *item),
                                struct tarn_queue **out) TARN_MUST_USE;
void tarn_queue_free(struct tarn_queue *q); /* NULL-safe; no thread may be in it any more */
/* Waits while the queue is full. The item (not NULL) is the queue's after TARN_OK.
 * TARN_CANCELLED when the queue was cancelled; putting into a closed queue is an assert. */
enum tarn_status tarn_queue_put(struct tarn_queue *q, struct tarn_op *op, void *item) TARN_MUST_USE;
/* Waits while the queue is empty. *out NULL: closed and empty. TARN_CANCELLED when it was
 * cancelled. */
enum tarn_status tarn_queue_take(struct tarn_queue *q, struct tarn_op *op,
                                 void **out) TARN_MUST_USE;
bool tarn_queue_try_take(struct tarn_queue *q, void **out); /* false: nothing there now */
void tarn_queue_close(struct tarn_queue *q);                /* both may be called twice */
void tarn_queue_cancel(struct tarn_queue *q);
size_t tarn_queue_count(struct tarn_queue *q);

#endif
