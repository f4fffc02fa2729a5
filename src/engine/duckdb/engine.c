/* engine: an instance of DuckDB with a fixed share of threads and memory, and the watcher that
 * interrupts its statements.
 *
 * The engine counts only what goes through its buffer manager, so its limit is the process's less a
 * reserve. The watcher exists from the first statement that could be cancelled or time out.
 */
#include "engine/duckdb/engine_int.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define RESERVE_BYTES   ((int64_t)150 << 20)
#define SHARE_MIN_BYTES ((int64_t)64 << 20)
#define WATCH_PERIOD_NS 5000000

/* ---- options */

/* The cgroup's memory limit, or INT64_MAX. */
static int64_t cgroup_limit(void)
{
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
    if (!f)
        return INT64_MAX;
    char line[64] = "";
    char *got = fgets(line, sizeof line, f);
    fclose(f);
    struct tarn_str text = tarn_str_trim(tarn_str_view(got ? got : ""));
    int64_t limit;
    return tarn_str_to_i64(text, &limit) && limit > 0 ? limit : INT64_MAX;
}

static int64_t default_limit(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    int64_t total = pages > 0 && page > 0 ? pages * page : (int64_t)2 << 30;
    int64_t cgroup = cgroup_limit();
    if (cgroup < total)
        total = cgroup;
    return total / 10 * 6;
}

static int64_t engine_share(int64_t limit)
{
    if (limit <= 0)
        limit = default_limit();
    int64_t share = limit - RESERVE_BYTES;
    return share < SHARE_MIN_BYTES ? SHARE_MIN_BYTES : share;
}

static int default_threads(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 1024 ? (int)n : 1;
}

static enum tarn_status options_copy(struct tarn_engine *e, struct tarn_op *op,
                                     const struct tarn_engine_options *in)
{
    struct tarn_op own = {.arena = e->arena};
    e->options = *in;
    if (e->options.threads <= 0)
        e->options.threads = default_threads();
    e->options.memory_limit_bytes = engine_share(in->memory_limit_bytes);
    struct tarn_str name =
        in->catalog_name.ptr && in->catalog_name.len > 0 ? in->catalog_name : TARN_STR("iceberg");
    e->options.catalog_name = tarn_strdup(&own, name);
    if (in->temp_folder.ptr)
        e->options.temp_folder = tarn_strdup(&own, in->temp_folder);
    if (!e->options.catalog_name.ptr || (in->temp_folder.ptr && !e->options.temp_folder.ptr))
        return tarn_fail(op, TARN_NOMEM, "could not open the engine: out of memory");
    return TARN_OK;
}

/* ---- opening */

static enum tarn_status database_open(struct tarn_engine *e, struct tarn_op *op, bool planner,
                                      duckdb_database *out)
{
    char threads[16], memory[32];
    snprintf(threads, sizeof threads, "%d", planner ? 1 : e->options.threads);
    snprintf(memory, sizeof memory, "%lldB",
             (long long)(planner ? SHARE_MIN_BYTES : e->options.memory_limit_bytes));
    const char *settings[][2] = {
        {"threads", threads},
        {"memory_limit", memory},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"preserve_insertion_order", "false"},
        {"errors_as_json", "true"},
        /* rows that a thread gathers before it writes its partitions: two row groups. Twice as many
         * took no less time and a third more memory. */
        {"partitioned_write_flush_threshold", "245760"},
        {"temp_directory",
         e->options.temp_folder.ptr && !planner ? e->options.temp_folder.ptr : ""},
    };
    duckdb_config config = NULL;
    bool ok = duckdb_create_config(&config) == DuckDBSuccess;
    for (size_t i = 0; ok && i < sizeof settings / sizeof settings[0]; i++)
        ok = duckdb_set_config(config, settings[i][0], settings[i][1]) == DuckDBSuccess;
    char *error = NULL;
    if (ok)
        ok = duckdb_open_ext(NULL, out, config, &error) == DuckDBSuccess;
    duckdb_destroy_config(&config);
    enum tarn_status status = TARN_OK;
    if (!ok)
        status = tarn_fail(op, TARN_INTERNAL, "could not open the engine: %s",
                           error ? error : "out of memory");
    duckdb_free(error);
    return status;
}

static enum tarn_status engine_start(struct tarn_engine *e, struct tarn_op *op)
{
    duckdb_connection con = NULL;
    TARN_TRY(database_open(e, op, false, &e->db));
    if (duckdb_connect(e->db, &con) != DuckDBSuccess)
        return tarn_fail(op, TARN_NOMEM, "could not open the engine: no connection");
    enum tarn_status status = TARN_OK;
    if (duckdb_query(con, "SET GLOBAL TimeZone='UTC'", NULL) != DuckDBSuccess)
        status = tarn_fail(op, TARN_INTERNAL, "could not open the engine: it has no time zones");
    if (status == TARN_OK)
        status = tarn__live_functions(e, op, con);
    if (status == TARN_OK)
        status = tarn__feed_functions(e, op, con);
    if (status == TARN_OK)
        status = tarn__partition_functions(e, op, con);
    if (status == TARN_OK)
        status = tarn__roll_functions(e, op, con);
    if (status == TARN_OK)
        status = tarn__distinct_functions(op, con);
    if (status == TARN_OK)
        status = tarn__variant_functions(op, con);
    duckdb_disconnect(&con);
    return status;
}

enum tarn_status tarn_engine_open(struct tarn_op *op, const struct tarn_engine_options *options,
                                  struct tarn_engine **out)
{
    *out = NULL;
    struct tarn_engine *e = calloc(1, sizeof *e);
    if (!e)
        return tarn_fail(op, TARN_NOMEM, "could not open the engine: out of memory");
    e->next_id = 1;
    e->arena = tarn_arena_new((size_t)1 << 20);
    enum tarn_status status = TARN_NOMEM;
    pthread_condattr_t attr;
    if (!e->arena || pthread_condattr_init(&attr) != 0) {
        (void)tarn_fail(op, TARN_NOMEM, "could not open the engine: out of memory");
        goto out;
    }
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    e->lock_made =
        pthread_mutex_init(&e->lock, NULL) == 0 && pthread_cond_init(&e->watch_cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    if (!e->lock_made) {
        (void)tarn_fail(op, TARN_NOMEM, "could not open the engine: out of memory");
        goto out;
    }
    TARN_GO(options_copy(e, op, options));
    TARN_GO(engine_start(e, op));
    *out = e;
    return TARN_OK;
out:
    tarn_engine_close(e);
    return op->report.status;
}

/* Two sessions may need the planner at once; opening it takes about 10 ms. */
enum tarn_status tarn__engine_planner(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_database *out)
{
    pthread_mutex_lock(&e->lock);
    duckdb_database have = e->planner;
    pthread_mutex_unlock(&e->lock);
    if (!have) {
        TARN_TRY(database_open(e, op, true, &have));
        pthread_mutex_lock(&e->lock);
        duckdb_database second = e->planner ? have : NULL;
        if (second)
            have = e->planner;
        e->planner = have;
        pthread_mutex_unlock(&e->lock);
        duckdb_close(&second);
    }
    *out = have;
    return TARN_OK;
}

void tarn_engine_close(struct tarn_engine *e)
{
    if (!e)
        return;
    TARN_ASSERT(!e->sessions);
    if (e->watcher_running) {
        pthread_mutex_lock(&e->lock);
        e->watcher_stop = true;
        pthread_cond_signal(&e->watch_cond);
        pthread_mutex_unlock(&e->lock);
        pthread_join(e->watcher, NULL);
    }
    duckdb_close(&e->planner);
    duckdb_close(&e->db);
    if (e->options.temp_folder.ptr)
        (void)rmdir(e->options.temp_folder.ptr); /* absent, or not empty: somebody else's files */
    if (e->lock_made) {
        pthread_cond_destroy(&e->watch_cond);
        pthread_mutex_destroy(&e->lock);
    }
    tarn_arena_free(e->arena);
    free(e);
}

static char version_text[64];
static pthread_once_t version_once = PTHREAD_ONCE_INIT;

static void version_make(void)
{
    snprintf(version_text, sizeof version_text, "DuckDB %s", duckdb_library_version());
}

const char *tarn_engine_version(void)
{
    pthread_once(&version_once, version_make);
    return version_text;
}

/* ---- the watcher */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool must_stop(const struct tarn_session *s, uint64_t now)
{
    if (s->cancel && atomic_load(&s->cancel->level) >= 2)
        return true;
    return s->deadline_ns != 0 && now >= s->deadline_ns;
}

/* An interrupt that comes before the engine has begun the statement is lost, so it is repeated as
 * long as the statement runs. */
static void *watch(void *data)
{
    struct tarn_engine *e = data;
    pthread_mutex_lock(&e->lock);
    while (!e->watcher_stop) {
        uint64_t now = now_ns();
        for (struct tarn_session *s = e->sessions; s; s = s->next)
            if (s->running && must_stop(s, now))
                duckdb_interrupt(s->con);
        if (e->running == 0) {
            pthread_cond_wait(&e->watch_cond, &e->lock);
            continue;
        }
        uint64_t at = now + WATCH_PERIOD_NS;
        struct timespec until = {.tv_sec = (time_t)(at / 1000000000u),
                                 .tv_nsec = (long)(at % 1000000000u)};
        pthread_cond_timedwait(&e->watch_cond, &e->lock, &until);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

void tarn__watch_begin(struct tarn_session *s, struct tarn_op *op)
{
    struct tarn_engine *e = s->engine;
    if (!op->cancel && op->deadline_ns == 0)
        return;
    pthread_mutex_lock(&e->lock);
    s->running = true;
    s->cancel = op->cancel;
    s->deadline_ns = op->deadline_ns;
    if (e->running++ == 0 && e->watcher_running)
        pthread_cond_signal(&e->watch_cond);
    if (!e->watcher_running) /* without a thread, cancelling waits for the statement's end */
        e->watcher_running = pthread_create(&e->watcher, NULL, watch, e) == 0;
    pthread_mutex_unlock(&e->lock);
}

void tarn__watch_end(struct tarn_session *s)
{
    struct tarn_engine *e = s->engine;
    pthread_mutex_lock(&e->lock);
    if (s->running) {
        s->running = false;
        s->cancel = NULL;
        e->running--;
    }
    pthread_mutex_unlock(&e->lock);
}
