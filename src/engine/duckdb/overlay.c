/* overlay: what a program's pread() shows otherwise (overlay_int.h).
 *
 * The one table of a whole process, for there is one pread() in it. A file is known by
 * device, inode, size and time of change, so that another that takes its inode is never taken for
 * it, and a byte is changed only where it is the one that was found. Files of a table never
 * change, so an entry stays right; it takes some hundred bytes, and stays until the process ends.
 *
 * Until a first file is added, a read costs nothing but the look at a counter.
 */
#include "engine/duckdb/overlay_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/overlay.h"
#include "format/parquet/footer.h"

#define BUCKETS     4096
#define BOOL_FIELD  15 /* the bits of a field's header that hold its type */
#define FIELD_TRUE  1
#define FIELD_FALSE 2
#define ID_STEP     16 /* one more in the number of a field, by the bits of its header that hold it */
#define ID_UNKNOWN  4 /* as much more makes a field's number one that the engine does not know */

struct mark {
    int64_t at; /* offset in the file */
    unsigned char from, to;
};
struct file {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec changed;
    size_t count;
    struct file *next;
    struct mark marks[];
};
static struct {
    pthread_rwlock_t lock; /* guards the buckets */
    atomic_size_t count;   /* of files that have marks */
    struct file *buckets[BUCKETS];
} shown = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static bool same(const struct file *f, const struct stat *st)
{
    return f->ino == st->st_ino && f->dev == st->st_dev && f->size == st->st_size &&
           f->changed.tv_sec == st->st_mtim.tv_sec && f->changed.tv_nsec == st->st_mtim.tv_nsec;
}

static struct file **bucket_of(const struct stat *st)
{
    return &shown.buckets[((uint64_t)st->st_ino ^ (uint64_t)st->st_dev) % BUCKETS];
}

static const struct file *find(const struct stat *st)
{
    const struct file *f = *bucket_of(st);
    while (f && !same(f, st))
        f = f->next;
    return f;
}

/* ---- reading */

static ssize_t read_at(int fd, void *dst, size_t n, off_t offset)
{
    return (ssize_t)syscall(SYS_pread64, fd, dst, n, offset);
}

static void show(int fd, unsigned char *bytes, int64_t offset, int64_t n)
{
    struct stat st;
    int before = errno;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        pthread_rwlock_rdlock(&shown.lock);
        const struct file *f = find(&st);
        for (size_t i = 0; f && i < f->count; i++) {
            int64_t at = f->marks[i].at - offset;
            if (at >= 0 && at < n && bytes[at] == f->marks[i].from)
                bytes[at] = f->marks[i].to;
        }
        pthread_rwlock_unlock(&shown.lock);
    }
    errno = before;
}

void tarn_overlay_show(int fd, void *bytes, int64_t n, int64_t offset)
{
    if (atomic_load_explicit(&shown.count, memory_order_acquire) > 0)
        show(fd, bytes, offset, n);
}

enum tarn_status tarn__read_exact(struct tarn_op *op, int fd, int64_t offset, void *dst, size_t n)
{
    char *to = dst;
    while (n > 0) {
        ssize_t got = read_at(fd, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return tarn_fail_errno(op, errno, "could not read a data file");
        if (got == 0)
            return tarn_fail(op, TARN_CORRUPT, "a data file ends early");
        to += got;
        offset += got;
        n -= (size_t)got;
    }
    return TARN_OK;
}

enum tarn_status tarn__footer_bytes(struct tarn_op *op, int fd, int64_t *out_size,
                                    struct tarn_str *out)
{
    struct stat st;
    char tail[TARN_PARQUET_TAIL];
    size_t n;
    if (fstat(fd, &st) != 0)
        return tarn_fail_errno(op, errno, "could not read a data file");
    if (st.st_size < TARN_PARQUET_TAIL)
        return tarn_fail(op, TARN_CORRUPT, "a data file is no Parquet file: it is too short");
    TARN_TRY(tarn__read_exact(op, fd, st.st_size - TARN_PARQUET_TAIL, tail, sizeof tail));
    TARN_TRY(tarn_parquet_tail(op, tarn_str_of(tail, sizeof tail), (uint64_t)st.st_size, &n));
    char *bytes = tarn_alloc(op, n + 1);
    if (!bytes)
        return TARN_NOMEM;
    TARN_TRY(tarn__read_exact(op, fd, st.st_size - TARN_PARQUET_TAIL - (int64_t)n, bytes, n));
    *out_size = st.st_size;
    *out = tarn_str_of(bytes, n);
    return TARN_OK;
}

/* ---- adding files */

static enum tarn_status add(struct tarn_op *op, const struct stat *st, const struct mark *marks,
                            size_t count)
{
    struct file *f = malloc(sizeof *f + count * sizeof *marks);
    if (!f)
        return tarn_fail(op, TARN_NOMEM, "could not open a data file: out of memory");
    *f = (struct file){
        .dev = st->st_dev, .ino = st->st_ino, .size = st->st_size, .changed = st->st_mtim};
    f->count = count;
    if (count > 0)
        memcpy(f->marks, marks, count * sizeof *marks);
    pthread_rwlock_wrlock(&shown.lock);
    struct file **b = bucket_of(st);
    if (find(st)) {
        free(f); /* another thread was first */
    } else {
        f->next = *b;
        *b = f;
        atomic_fetch_add_explicit(&shown.count, count > 0, memory_order_release);
    }
    pthread_rwlock_unlock(&shown.lock);
    return TARN_OK;
}

static bool known(const struct stat *st)
{
    pthread_rwlock_rdlock(&shown.lock);
    bool found = find(st) != NULL;
    pthread_rwlock_unlock(&shown.lock);
    return found;
}

static bool is_utc(const struct tarn_parquet_element *e)
{
    return e->logical == TARN_PARQUET_LOGICAL_TIMESTAMP && e->utc &&
           e->unit == TARN_PARQUET_NANOS && e->physical == TARN_PARQUET_INT64;
}

static bool is_text(const struct tarn_parquet_element *e)
{
    return e->logical == TARN_PARQUET_LOGICAL_STRING || e->logical == TARN_PARQUET_LOGICAL_UUID ||
           e->converted == TARN_PARQUET_CONVERTED_UTF8;
}

/* Columns whose Bloom filters the engine asks wrongly. */
static bool asked_wrongly(const struct tarn_parquet_element *e)
{
    switch (e->physical) {
    case TARN_PARQUET_FLOAT:
    case TARN_PARQUET_DOUBLE:
        return true;
    case TARN_PARQUET_BYTE_ARRAY:
    case TARN_PARQUET_FIXED:
        return !is_text(e);
    default:
        return false;
    }
}

struct marks {
    struct tarn_op *op;
    struct tarn_str footer;
    int64_t begin; /* of the footer */
    struct mark *items;
    size_t count, cap;
};

static enum tarn_status put(struct marks *m, size_t at, unsigned char to)
{
    TARN_GROW(m->op, m->items, m->count, m->cap);
    m->items[m->count++] =
        (struct mark){m->begin + (int64_t)at, (unsigned char)m->footer.ptr[at], to};
    return TARN_OK;
}

static enum tarn_status put_bloom(struct marks *m, size_t at)
{
    unsigned char head = (unsigned char)m->footer.ptr[at];
    if (head < ID_STEP || head / ID_STEP + ID_UNKNOWN > 15) /* its number is not in its header */
        return tarn_fail(m->op, TARN_UNSUPPORTED,
                         "a data file has a Bloom filter that cannot be left out");
    return put(m, at, (unsigned char)(head + ID_UNKNOWN * ID_STEP));
}

static enum tarn_status find_marks(struct marks *m, const struct tarn_parquet_footer *f)
{
    for (size_t i = 0; i < f->element_count; i++)
        if (is_utc(&f->elements[i])) {
            size_t at = f->elements[i].utc_at;
            TARN_TRY(put(m, at, (unsigned char)((m->footer.ptr[at] & ~BOOL_FIELD) | FIELD_FALSE)));
        }
    for (size_t g = 0; g < f->group_count; g++)
        for (size_t i = 0; i < f->leaf_count; i++)
            if (f->groups[g].chunks[i].bloom_at && asked_wrongly(&f->elements[f->leaves[i]]))
                TARN_TRY(put_bloom(m, f->groups[g].chunks[i].bloom_at));
    return TARN_OK;
}

static enum tarn_status look(struct tarn_op *op, const struct stat *st, struct tarn_str bytes)
{
    struct tarn_parquet_footer footer;
    struct marks m = {.op = op, .footer = bytes};
    m.begin = st->st_size - TARN_PARQUET_TAIL - (int64_t)bytes.len;
    TARN_TRY(tarn_parquet_footer_read(op, bytes, &footer));
    TARN_TRY(find_marks(&m, &footer));
    return add(op, st, m.items, m.count);
}

enum tarn_status tarn__overlay_look(struct tarn_op *op, const struct stat *st,
                                    struct tarn_str footer)
{
    if (known(st))
        return TARN_OK;
    struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
    enum tarn_status status = look(op, st, footer);
    tarn_arena_rewind(op->arena, mark);
    if (status != TARN_CORRUPT)
        return status;
    tarn_clear(op); /* the engine, or who counts its rows, says so */
    return TARN_OK;
}

static enum tarn_status add_open(struct tarn_op *op, int fd)
{
    struct stat st;
    struct tarn_str bytes;
    int64_t size;
    if (fstat(fd, &st) != 0)
        return tarn_fail_errno(op, errno, "could not read a data file");
    if (known(&st))
        return TARN_OK;
    TARN_TRY(tarn__footer_bytes(op, fd, &size, &bytes));
    return look(op, &st, bytes);
}

static enum tarn_status add_path(struct tarn_op *op, struct tarn_str path)
{
    struct tarn_str name = tarn_strdup(op, path);
    if (!name.ptr)
        return TARN_NOMEM;
    int fd = open(name.ptr, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return TARN_OK; /* the engine says why it cannot */
    struct tarn_arena_mark mark = tarn_arena_mark(op->arena);
    enum tarn_status status = add_open(op, fd);
    tarn_arena_rewind(op->arena, mark);
    (void)close(fd);
    if (status != TARN_OK)
        return tarn_while(op, "reading \"%.*s\"", TARN_STR_ARG(path));
    return TARN_OK;
}

/* ---- do the engine's reads come through here? */

static enum tarn_status probe_path(struct tarn_session *s, struct tarn_op *op, struct tarn_str *out)
{
    struct tarn_str folder = s->engine->options.temp_folder;
    if (!folder.ptr)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "data files with columns of timestamptz_ns, or with Bloom filters over "
                         "floating-point numbers or bytes, cannot be read without a folder for "
                         "temporary files");
    pthread_mutex_lock(&s->engine->lock);
    int64_t id = s->engine->next_id++;
    pthread_mutex_unlock(&s->engine->lock);
    const char *empty; /* makes the folder */
    TARN_TRY(tarn__session_empty_file(s, op, &empty));
    *out = tarn_sprintf(op, "%.*s/probe-%lld.parquet", TARN_STR_ARG(folder), (long long)id);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* A file of a nanosecond in UTC: written as local, and the byte changed. */
static enum tarn_status probe_make(struct tarn_session *s, struct tarn_op *op, struct tarn_str path)
{
    struct tarn_buf sql;
    struct tarn_str bytes;
    struct tarn_parquet_footer footer;
    int64_t size;
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "COPY (SELECT make_timestamp_ns(1) AS t) TO ");
    tarn_buf_sql_text(&sql, path);
    tarn_buf_z(&sql, " (FORMAT parquet)");
    TARN_TRY(tarn__do_buf(s, op, &sql));
    int fd = open(path.ptr, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open a temporary file");
    enum tarn_status status = tarn__footer_bytes(op, fd, &size, &bytes);
    if (status == TARN_OK)
        status = tarn_parquet_schema_read(op, bytes, &footer);
    if (status == TARN_OK && (footer.element_count != 2 || footer.elements[1].utc_at == 0))
        status = tarn_fail(op, TARN_INTERNAL, "the engine wrote no timestamp of nanoseconds");
    if (status == TARN_OK) {
        size_t at = footer.elements[1].utc_at;
        char byte = (char)((bytes.ptr[at] & ~BOOL_FIELD) | FIELD_TRUE);
        off_t place = size - TARN_PARQUET_TAIL - (int64_t)bytes.len + (int64_t)at;
        if (pwrite(fd, &byte, 1, place) != 1)
            status = tarn_fail_errno(op, errno, "could not write a temporary file");
    }
    (void)close(fd);
    return status;
}

static enum tarn_status probe_read(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *sql,
                                   int64_t *out)
{
    duckdb_result r;
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, sql, "a statement for the engine"));
    TARN_TRY(tarn__run(s, op, sql->ptr, NULL, &r));
    duckdb_data_chunk chunk = duckdb_fetch_chunk(r);
    if (chunk && duckdb_data_chunk_get_size(chunk) == 1) {
        duckdb_vector v = duckdb_data_chunk_get_vector(chunk, 0);
        uint64_t *valid = duckdb_vector_get_validity(v);
        if (!valid || duckdb_validity_row_is_valid(valid, 0))
            *out = *(int64_t *)duckdb_vector_get_data(v);
    }
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&r);
    return TARN_OK;
}

static enum tarn_status probe(struct tarn_session *s, struct tarn_op *op)
{
    struct tarn_str path;
    struct tarn_buf sql;
    int64_t seen = 0;
    TARN_TRY(probe_path(s, op, &path));
    tarn_buf_init(&sql, 65536);
    tarn_buf_z(&sql, "SELECT CASE WHEN typeof(t) = 'TIMESTAMP_NS' THEN epoch_ns(t) END "
                     "FROM read_parquet(");
    tarn_engine_path_sql(&sql, path);
    tarn_buf_put(&sql, ')');
    enum tarn_status status = probe_make(s, op, path);
    if (status == TARN_OK)
        status = add_path(op, path);
    if (status == TARN_OK)
        status = probe_read(s, op, &sql, &seen);
    tarn_buf_release(&sql);
    (void)unlink(path.ptr);
    TARN_TRY(status);
    if (seen == 1)
        return TARN_OK;
    (void)tarn_fail(op, TARN_UNSUPPORTED,
                    "this process cannot read data files with columns of timestamptz_ns, or with "
                    "Bloom filters over floating-point numbers or bytes");
    tarn_hint(op, "the program tarn reads them");
    return TARN_UNSUPPORTED;
}

/* ---- scans */

static unsigned wants_of(const struct tarn_type *t)
{
    unsigned wants = 0;
    if (t->kind == TARN_TYPE_TIMESTAMPTZ_NS)
        wants = TARN__OVERLAY_UTC;
    if (t->kind == TARN_TYPE_BINARY || t->kind == TARN_TYPE_FIXED || t->kind == TARN_TYPE_FLOAT ||
        t->kind == TARN_TYPE_DOUBLE)
        wants = TARN__OVERLAY_BLOOM;
    for (size_t i = 0; i < t->field_count; i++)
        wants |= wants_of(&t->fields[i].type);
    return wants;
}

unsigned tarn__overlay_wants(const struct tarn_scan *scan)
{
    unsigned wants = wants_of(&scan->schema->root);
    for (size_t i = 0; scan->equality_count > 0 && i < scan->metadata->schema_count; i++)
        wants |= wants_of(&scan->metadata->schemas[i].root);
    return wants;
}

/* Nanoseconds must not be lost because a file could not be looked at before. */
static enum tarn_status look_at_all(struct tarn_op *op, const struct tarn_scan *scan)
{
    for (size_t i = 0; i < scan->file_count; i++)
        TARN_TRY(add_path(op, scan->files[i].local_path));
    for (size_t g = 0; g < scan->equality_count; g++)
        for (size_t i = 0; i < scan->equality[g].delete_count; i++)
            TARN_TRY(add_path(op, scan->equality[g].deletes[i].local_path));
    return TARN_OK;
}

enum tarn_status tarn__overlay_scan(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan)
{
    unsigned wants = tarn__overlay_wants(scan);
    if (wants & TARN__OVERLAY_UTC)
        TARN_TRY(look_at_all(op, scan));
    bool any = atomic_load(&shown.count) > 0;
    if (wants == 0 || !any || atomic_load(&s->engine->overlays_work))
        return TARN_OK;
    /* what the engine keeps of files that it has read is not what it is to be shown */
    TARN_TRY(tarn__do(s, op, "SET GLOBAL enable_external_file_cache = false"));
    TARN_TRY(probe(s, op));
    atomic_store(&s->engine->overlays_work, true);
    return TARN_OK;
}
