/* thread: work on several threads, with an op each.
 *
 * A thread's op is a child of the starter's: same cancel, log, deadline and budgets, own arenas.
 * When it is joined, the arena of its results is hung into the parent's arena (freed with it),
 * its scratch is freed, and its failure is the parent's. Signals stay with the thread that had
 * them: all are blocked in the threads made here.
 */
#ifndef TARN_BASE_THREAD_H
#define TARN_BASE_THREAD_H

#include "base/op.h"

/* Runs run(op, index, ctx) for every index below count, on at most `threads` threads (0: one a
 * processor). Indexes are begun in order; after a failure no further one is begun, those begun
 * are finished, and the failure with the lowest index is reported: the same one however the
 * threads were timed. With one thread, or one index, it runs in the caller on the caller's op. */
struct tarn_parallel {
    size_t count;
    int threads;
    enum tarn_status (*run)(struct tarn_op *op, size_t index, void *ctx);
    void *ctx;
};
enum tarn_status tarn_parallel_run(struct tarn_op *op,
                                   const struct tarn_parallel *work) TARN_MUST_USE;

/* A thread of its own, such as one end of a queue. Join it exactly once, with the op that
 * started it; the result is that of run. */
struct tarn_thread;
enum tarn_status tarn_thread_start(struct tarn_op *op, const char *name, /* at most 15 characters */
                                   enum tarn_status (*run)(struct tarn_op *op, void *ctx),
                                   void *ctx, struct tarn_thread **out) TARN_MUST_USE;
/* A failure goes into op only if op has none yet. NULL-safe. */
enum tarn_status tarn_thread_join(struct tarn_op *op, struct tarn_thread *thread);
int tarn_cpu_count(void); /* those this process may use, at least 1 */

#endif
