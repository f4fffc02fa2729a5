/* doctor_machine: the engine, memory, cores and the clock. See doctor_int.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/doctor_int.h"

#define SMALL_MAX      ((size_t)4 << 20)
#define MEMORY_MIN     ((int64_t)512 << 20)
#define FILES_OPEN_MIN 1024
#define CLOCK_MIN_US   ((int64_t)1735689600 * 1000000) /* 2025-01-01: before the first release */

enum tarn_status tarn__read_small(struct tarn_op *op, const char *path, struct tarn_str *out)
{
    struct tarn_buf b;
    char piece[16384];
    ssize_t n = 0;
    *out = TARN_STR("");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return TARN_OK;
    tarn_buf_init(&b, SMALL_MAX);
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0)
            tarn_buf_append(&b, piece, (size_t)n);
    } while ((n > 0 && !b.failed) || (n < 0 && errno == EINTR));
    close(fd);
    return (enum tarn_status)tarn_buf_take(op, &b, path, out);
}

/* ---- the engine */

/* "DuckDB v1.5" of "DuckDB v1.5.5": patch releases keep what they do. */
static struct tarn_str minor_of(struct tarn_str version)
{
    size_t dots = 0;
    for (size_t i = 0; i < version.len; i++)
        if (version.ptr[i] == '.' && ++dots == 2)
            return tarn_str_of(version.ptr, i);
    return version;
}

bool tarn__engine_is_tested(const char *version)
{
    return tarn_str_eq(minor_of(tarn_str_view(version)), minor_of(TARN_STR(TARN__ENGINE_TESTED)));
}

static enum tarn_status engine_works(struct tarn__doctor *d)
{
    struct tarn_engine_options o = {.threads = 1};
    int64_t answer = 0;
    TARN_TRY(tarn_engine_open(d->op, &o, &d->engine));
    TARN_TRY(tarn_session_open(d->engine, d->op, NULL, &d->session));
    TARN_TRY(tarn_session_int(d->session, d->op, TARN_STR("SELECT sum(i) FROM range(1000) t(i)"),
                              &answer));
    return answer == 499500 ? TARN_OK
                            : tarn_fail(d->op, TARN_INTERNAL, "the engine adds 0 to 999 up to %lld",
                                        (long long)answer);
}

static enum tarn_status check_engine(struct tarn__doctor *d)
{
    const char *version = tarn_engine_version();
    if (engine_works(d) != TARN_OK)
        return tarn__find_report(d, TARN__LEVEL_FAIL, "engine");
    if (tarn__engine_is_tested(version))
        return tarn__find(d, TARN__LEVEL_OK, "engine", NULL, "tarn %s with %s", TARN_VERSION,
                          version);
    return tarn__find(d, TARN__LEVEL_WARN, "engine",
                      "link libduckdb of release 1.5, or run Tarn's tests with this one",
                      "tarn %s with %s, but it was tested with %s", TARN_VERSION, version,
                      TARN__ENGINE_TESTED);
}

/* ---- memory and cores */

static enum tarn_status cgroup_number(struct tarn_op *op, const char *path, int64_t *out)
{
    struct tarn_str text;
    TARN_TRY(tarn__read_small(op, path, &text));
    if (!tarn_str_to_i64(tarn_str_trim(text), out) || *out <= 0)
        *out = INT64_MAX; /* absent, or "max" */
    return TARN_OK;
}

static enum tarn_status memory_of(struct tarn_op *op, int64_t *out)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE), limit;
    TARN_TRY(cgroup_number(op, "/sys/fs/cgroup/memory.max", &limit));
    *out = pages > 0 && page > 0 ? pages * page : INT64_MAX;
    if (limit < *out)
        *out = limit;
    return TARN_OK;
}

static int cores_of(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 && n < 100000 ? (int)n : 1;
}

enum tarn_status tarn__doctor_limits(struct tarn__doctor *d)
{
    const struct tarn_profile *p = d->project ? &d->project->profile : NULL;
    int64_t memory, limit = p ? (int64_t)p->memory_limit_bytes : 0;
    int cores = cores_of(), threads = p && p->threads > 0 ? p->threads : cores;
    TARN_TRY(memory_of(d->op, &memory));
    if (memory == INT64_MAX)
        return tarn__find(d, TARN__LEVEL_WARN, "memory", "set memory_limit in the profile",
                          "how much memory there is could not be found out");
    if (limit == 0)
        limit = memory / 10 * 6;
    struct tarn_str has = tarn__cli_size(d->op, memory), takes = tarn__cli_size(d->op, limit);
    if (limit > memory)
        TARN_TRY(tarn__find(d, TARN__LEVEL_WARN, "memory", "lower memory_limit in the profile",
                            "memory_limit is %s, but there are %s", takes.ptr, has.ptr));
    else if (limit < MEMORY_MIN)
        TARN_TRY(tarn__find(d, TARN__LEVEL_WARN, "memory",
                            "give it more memory, or expect big joins and sorts to fail",
                            "a run may take %s of %s", takes.ptr, has.ptr));
    else
        TARN_TRY(tarn__find(d, TARN__LEVEL_OK, "memory", NULL, "a run may take %s of %s", takes.ptr,
                            has.ptr));
    if (threads > cores)
        return tarn__find(d, TARN__LEVEL_WARN, "cores", "lower threads in the profile",
                          "threads is %d, but there %s %d", threads, cores == 1 ? "is" : "are",
                          cores);
    return tarn__find(d, TARN__LEVEL_OK, "cores", NULL, "%d of %d", threads, cores);
}

static enum tarn_status check_open_files(struct tarn__doctor *d)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= FILES_OPEN_MIN)
        return TARN_OK;
    return tarn__find(d, TARN__LEVEL_WARN, "limits", "ulimit -n 4096",
                      "only %llu files may be open at once", (unsigned long long)r.rlim_cur);
}

static enum tarn_status check_clock(struct tarn__doctor *d)
{
    char text[TARN_TIME_TEXT_MAX];
    int64_t now = tarn_clock_now_us(tarn_clock_real());
    tarn_time_format(now, 0, text);
    if (now < CLOCK_MIN_US)
        return tarn__find(d, TARN__LEVEL_FAIL, "clock",
                          "set the clock, and let NTP keep it (timedatectl set-ntp true)",
                          "this machine says that it is %s", text);
    return tarn__find(d, TARN__LEVEL_OK, "clock", NULL, "%s", text);
}

enum tarn_status tarn__doctor_machine(struct tarn__doctor *d)
{
    TARN_TRY(check_engine(d));
    TARN_TRY(check_open_files(d));
    return check_clock(d);
}
