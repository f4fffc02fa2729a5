/* feed: a producer's batches as a table function of the engine: tarn_feed(id).
 *
 * Each thread of the engine that scans the function takes one worker of the producer, with an op of
 * its own. A batch is handed on 2,048 rows at a time; texts are not copied, the engine's strings
 * point into the batch, which stays as it is until the same worker is asked again: by then the rows
 * of the chunk before have gone through the whole pipeline into a sink that copies. A producer's
 * failure is kept here as a report and stops all workers; the engine is told no more than that.
 */
#include "engine/duckdb/feed_int.h"

#include <stdlib.h>

struct worker {
    struct tarn__feed *feed;
    int number; /* -1: the feed has no more workers */
    struct tarn_batch batch;
    size_t at;
    bool done;
};

/* ---- registry */

static struct tarn__feed *feed_find(struct tarn_engine *e, int64_t id)
{
    pthread_mutex_lock(&e->lock);
    struct tarn__feed *f = e->feeds;
    while (f && f->id != id)
        f = f->next;
    pthread_mutex_unlock(&e->lock);
    return f;
}

enum tarn_status tarn__feed_open(struct tarn_engine *e, struct tarn_op *op, struct tarn_producer *p,
                                 struct tarn__feed **out)
{
    int workers = p->workers_max > 0 ? p->workers_max : 1;
    if (workers > e->options.threads)
        workers = e->options.threads;
    if (!tarn__type_batched(p->schema)) {
        struct tarn_str text = tarn_type_text(op, p->schema);
        return tarn_fail(op, TARN_UNSUPPORTED, "rows of %.*s cannot be handed to the engine",
                         TARN_STR_ARG(text));
    }
    struct tarn__feed *f = calloc(1, sizeof *f);
    if (f)
        f->ops = calloc((size_t)workers, sizeof *f->ops);
    if (!f || !f->ops || pthread_mutex_init(&f->lock, NULL) != 0) {
        if (f)
            free(f->ops);
        free(f);
        return tarn_fail(op, TARN_NOMEM, "could not start writing rows: out of memory");
    }
    f->producer = p;
    *out = f;
    for (; f->workers < workers; f->workers++) {
        enum tarn_status status = tarn_op_child(op, &f->ops[f->workers]);
        if (status != TARN_OK) {
            tarn__feed_close(e, f);
            *out = NULL;
            return status;
        }
    }
    pthread_mutex_lock(&e->lock);
    f->id = e->next_id++;
    f->next = e->feeds;
    e->feeds = f;
    pthread_mutex_unlock(&e->lock);
    return TARN_OK;
}

void tarn__feed_close(struct tarn_engine *e, struct tarn__feed *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&e->lock);
    struct tarn__feed **at = &e->feeds;
    while (*at && *at != f)
        at = &(*at)->next;
    if (*at)
        *at = f->next;
    pthread_mutex_unlock(&e->lock);
    for (int i = 0; i < f->workers; i++)
        tarn_op_release(&f->ops[i]);
    pthread_mutex_destroy(&f->lock);
    free(f->ops);
    free(f);
}

static void feed_fail(struct tarn__feed *f, const struct tarn_op *op)
{
    pthread_mutex_lock(&f->lock);
    if (f->report.status == TARN_OK)
        f->report = op->report;
    pthread_mutex_unlock(&f->lock);
    atomic_store(&f->failed, true);
}

/* ---- the table function */

static void bind(duckdb_bind_info info)
{
    struct tarn_engine *e = duckdb_bind_get_extra_info(info);
    duckdb_value id = duckdb_bind_get_parameter(info, 0);
    struct tarn__feed *f = feed_find(e, duckdb_get_int64(id));
    duckdb_destroy_value(&id);
    if (!f) {
        duckdb_bind_set_error(info, "there is no such feed");
        return;
    }
    for (size_t i = 0; i < f->producer->schema->field_count; i++) {
        duckdb_logical_type t = tarn__type_logical(&f->producer->schema->fields[i].type);
        char name[32];
        snprintf(name, sizeof name, "c%zu", i);
        if (!t) {
            duckdb_bind_set_error(info, TARN__NO_MEMORY);
            return;
        }
        duckdb_bind_add_result_column(info, name, t);
        duckdb_destroy_logical_type(&t);
    }
    if (f->producer->rows_estimate >= 0)
        duckdb_bind_set_cardinality(info, (idx_t)f->producer->rows_estimate, false);
    duckdb_bind_set_bind_data(info, f, NULL);
}

static void init(duckdb_init_info info)
{
    struct tarn__feed *f = duckdb_init_get_bind_data(info);
    duckdb_init_set_max_threads(info, (idx_t)f->workers);
}

static void local_init(duckdb_init_info info)
{
    struct tarn__feed *f = duckdb_init_get_bind_data(info);
    struct worker *w = calloc(1, sizeof *w);
    if (!w) {
        duckdb_init_set_error(info, TARN__NO_MEMORY);
        return;
    }
    w->feed = f;
    w->number = atomic_fetch_add(&f->next_worker, 1);
    if (w->number >= f->workers) {
        w->number = -1;
        w->done = true;
    }
    duckdb_init_set_init_data(info, w, free);
}

static enum tarn_status next_batch(struct worker *w, struct tarn_op *op)
{
    struct tarn_producer *p = w->feed->producer;
    w->at = 0;
    TARN_TRY(tarn_poll(op, 2));
    TARN_TRY(p->next(p, op, w->number, &w->batch));
    w->done = w->batch.rows == 0;
    if (w->done)
        return TARN_OK;
    TARN_ASSERT(w->batch.column_count == p->schema->field_count);
    return tarn__batch_check(op, p->schema, &w->batch);
}

static enum tarn_status next_rows(struct worker *w, struct tarn_op *op, duckdb_data_chunk out)
{
    if (!w->done && w->at >= w->batch.rows)
        TARN_TRY(next_batch(w, op));
    size_t n = w->done ? 0 : w->batch.rows - w->at;
    if (n > TARN__BATCH_ROWS)
        n = TARN__BATCH_ROWS;
    for (size_t i = 0; n > 0 && i < w->batch.column_count; i++)
        TARN_TRY(tarn__vector_fill(op, duckdb_data_chunk_get_vector(out, i), &w->batch.columns[i],
                                   w->at, n));
    w->at += n;
    duckdb_data_chunk_set_size(out, n);
    return TARN_OK;
}

static void function(duckdb_function_info info, duckdb_data_chunk out)
{
    struct worker *w = duckdb_function_get_local_init_data(info);
    duckdb_data_chunk_set_size(out, 0);
    if (w->number < 0 || w->done)
        return;
    if (atomic_load(&w->feed->failed)) {
        duckdb_function_set_error(info, "the feed has failed");
        return;
    }
    struct tarn_op *op = &w->feed->ops[w->number];
    if (next_rows(w, op, out) != TARN_OK) {
        feed_fail(w->feed, op);
        duckdb_function_set_error(info, "the feed has failed");
    }
}

enum tarn_status tarn__feed_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con)
{
    duckdb_table_function f = duckdb_create_table_function();
    duckdb_logical_type bigint = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(f, "tarn_feed");
    duckdb_table_function_add_parameter(f, bigint);
    duckdb_table_function_set_extra_info(f, e, NULL);
    duckdb_table_function_set_bind(f, bind);
    duckdb_table_function_set_init(f, init);
    duckdb_table_function_set_local_init(f, local_init);
    duckdb_table_function_set_function(f, function);
    bool ok = duckdb_register_table_function(con, f) == DuckDBSuccess;
    duckdb_destroy_logical_type(&bigint);
    duckdb_destroy_table_function(&f);
    return ok ? TARN_OK
              : tarn_fail(op, TARN_INTERNAL, "could not open the engine: it refused a function");
}
