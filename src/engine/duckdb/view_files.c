/* view_files: data files are what their manifests say: of that many bytes, with that many rows.
 *
 * The engine is not told how long a file is or how many rows it has, and reads whatever lies there:
 * a file that was cut, replaced or damaged in its row counts would be fewer rows, or others, and
 * no error. What is not there or cannot be opened is the engine's to tell. Pages are not looked at:
 * nothing says what they should be.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/duckdb/overlay_int.h"
#include "engine/duckdb/view_int.h"
#include "format/parquet/file_rows.h"

/* Footers are read whole: some hundred bytes a column and row group. */
#define FOOTER_BYTES_MAX ((uint64_t)1 << 30)

struct buffer {
    char *bytes;
    size_t size;
    bool looks; /* for what the engine must not see (overlay.c) */
};

static enum tarn_status corrupt(struct tarn_op *op, const struct tarn_data_file *f,
                                const char *what, long long found, long long told)
{
    (void)tarn_fail(op, TARN_CORRUPT, "could not read data file \"%.*s\"", TARN_STR_ARG(f->path));
    tarn_detail(op, "it has %lld %s, and %lld by its manifest", found, what, told);
    return TARN_CORRUPT;
}

static bool read_at(int fd, void *dst, size_t n, uint64_t offset)
{
    char *to = dst;
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

static enum tarn_status check_footer(struct tarn_op *op, int fd, const struct stat *st,
                                     const struct tarn_data_file *f, struct buffer *b)
{
    char tail[TARN_PARQUET_TAIL_BYTES];
    uint64_t size = (uint64_t)st->st_size, at, length;
    if (size < TARN_PARQUET_BYTES_MIN || !read_at(fd, tail, sizeof tail, size - sizeof tail) ||
        !tarn_parquet_footer_place(tail, size, &at, &length) || length > FOOTER_BYTES_MAX)
        return TARN_OK; /* the engine says why it cannot read it */
    if (length > b->size) {
        char *more = realloc(b->bytes, (size_t)length);
        if (!more)
            return tarn_fail(op, TARN_NOMEM, "could not read a footer: out of memory");
        b->bytes = more;
        b->size = (size_t)length;
    }
    if (!read_at(fd, b->bytes, (size_t)length, at))
        return TARN_OK;
    if (b->looks)
        TARN_TRY(tarn__overlay_look(op, st, tarn_str_of(b->bytes, (size_t)length)));
    int64_t rows = tarn_parquet_footer_rows(tarn_str_of(b->bytes, (size_t)length));
    if (rows == f->record_count)
        return TARN_OK;
    if (rows >= 0)
        return corrupt(op, f, "rows", (long long)rows, (long long)f->record_count);
    (void)tarn_fail(op, TARN_CORRUPT, "could not read data file \"%.*s\"", TARN_STR_ARG(f->path));
    tarn_detail(op, "its footer is damaged");
    return TARN_CORRUPT;
}

static enum tarn_status check_open(struct tarn_op *op, int fd, const struct tarn_data_file *f,
                                   struct buffer *b)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return TARN_OK;
    if (f->size_bytes > 0 && st.st_size != f->size_bytes) /* 0: its writer did not know */
        return corrupt(op, f, "bytes", (long long)st.st_size, (long long)f->size_bytes);
    return check_footer(op, fd, &st, f, b);
}

static enum tarn_status check_one(struct tarn_op *op, const struct tarn_data_file *f,
                                  struct tarn_str local_path, struct buffer *b)
{
    char path[PATH_MAX];
    if (local_path.len >= sizeof path)
        return TARN_OK;
    memcpy(path, local_path.ptr, local_path.len);
    path[local_path.len] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return TARN_OK;
    enum tarn_status status = check_open(op, fd, f, b);
    (void)close(fd);
    return status;
}

enum tarn_status tarn__files_check(struct tarn_op *op, const struct tarn_scan *scan)
{
    struct buffer b = {.looks = tarn__overlay_wants(scan) != 0};
    enum tarn_status status = TARN_OK;
    for (size_t i = 0; i < scan->file_count && status == TARN_OK; i++)
        status = check_one(op, scan->files[i].file, scan->files[i].local_path, &b);
    for (size_t g = 0; g < scan->equality_count; g++) {
        const struct tarn_equality_group *e = &scan->equality[g];
        for (size_t i = 0; i < e->delete_count && status == TARN_OK; i++)
            status = check_one(op, e->deletes[i].file, e->deletes[i].local_path, &b);
    }
    free(b.bytes);
    return status;
}
