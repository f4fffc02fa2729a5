/* stream: see file_stream.h. */
#include "source/file_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/arena.h"

#define INPUT_BYTES ((size_t)256 << 10)
#define KEPT_BYTES \
    ((size_t)32 << 20) /* what small compressed files unpack to is kept from the check */

struct tarn_file_stream {
    struct tarn_input_file file;
    int fd;
    uint64_t offset; /* in the file as it lies on disk */
    unsigned char *input;
    size_t input_at, input_len;
    bool input_end;  /* the file is read to its end */
    bool frame_open; /* within a gzip member or a zstd frame */
    z_stream z;
    bool z_open;
    ZSTD_DStream *zstd;
    char *kept; /* all of the unpacked bytes, or NULL */
    size_t kept_len, kept_at;
};

static enum tarn_status corrupt(struct tarn_file_stream *s, struct tarn_op *op, const char *why)
{
    return tarn_fail(op, TARN_CORRUPT, "could not unpack file \"%.*s\": %s",
                     TARN_STR_ARG(s->file.path), why);
}

static enum tarn_status read_raw(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                                 size_t cap, size_t *got)
{
    ssize_t n;
    do
        n = pread(s->fd, dst, cap, (off_t)s->offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return tarn_fail_errno(op, errno, "could not read file \"%.*s\"",
                               TARN_STR_ARG(s->file.path));
    s->offset += (uint64_t)n;
    *got = (size_t)n;
    return TARN_OK;
}

static enum tarn_status fill_input(struct tarn_file_stream *s, struct tarn_op *op)
{
    if (s->input_at < s->input_len || s->input_end)
        return TARN_OK;
    TARN_TRY(read_raw(s, op, s->input, INPUT_BYTES, &s->input_len));
    s->input_at = 0;
    s->input_end = s->input_len == 0;
    return TARN_OK;
}

/* ---- gzip: members one after another (RFC 1952 section 2.2) */

static enum tarn_status gzip_read(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                                  size_t cap, size_t *got)
{
    s->z.next_out = dst;
    s->z.avail_out = (uInt)cap;
    while (s->z.avail_out == cap) {
        TARN_TRY(fill_input(s, op));
        if (s->input_end && !s->frame_open)
            break;
        if (s->input_end)
            return corrupt(s, op, "the file is cut off");
        if (!s->frame_open && inflateReset2(&s->z, 15 + 16) != Z_OK)
            return corrupt(s, op, "zlib could not start");
        s->frame_open = true;
        s->z.next_in = s->input + s->input_at;
        s->z.avail_in = (uInt)(s->input_len - s->input_at);
        int r = inflate(&s->z, Z_NO_FLUSH);
        s->input_at = s->input_len - s->z.avail_in;
        if (r == Z_STREAM_END)
            s->frame_open = false;
        else if (r != Z_OK && r != Z_BUF_ERROR)
            return corrupt(s, op, s->z.msg ? s->z.msg : "the data is damaged");
    }
    *got = cap - s->z.avail_out;
    return TARN_OK;
}

/* ---- zstd: frames one after another */

static enum tarn_status zstd_read(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                                  size_t cap, size_t *got)
{
    ZSTD_outBuffer out = {dst, cap, 0};
    while (out.pos == 0) {
        TARN_TRY(fill_input(s, op));
        if (s->input_end && !s->frame_open)
            break;
        ZSTD_inBuffer in = {s->input, s->input_len, s->input_at};
        size_t r = ZSTD_decompressStream(s->zstd, &out, &in);
        s->input_at = in.pos;
        if (ZSTD_isError(r))
            return corrupt(s, op, ZSTD_getErrorName(r));
        s->frame_open = r != 0;
        if (s->input_end && s->frame_open && out.pos == 0)
            return corrupt(s, op, "the file is cut off");
    }
    *got = out.pos;
    return TARN_OK;
}

static enum tarn_status unpack(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                               size_t cap, size_t *got)
{
    if (cap > (size_t)1 << 30)
        cap = (size_t)1 << 30;
    return s->file.compression == TARN_COMPRESSION_GZIP ? gzip_read(s, op, dst, cap, got)
                                                        : zstd_read(s, op, dst, cap, got);
}

static enum tarn_status unpack_start(struct tarn_file_stream *s, struct tarn_op *op)
{
    s->offset = 0;
    s->input_at = s->input_len = 0;
    s->input_end = s->frame_open = false;
    if (!s->input)
        s->input = malloc(INPUT_BYTES);
    bool ok = s->input != NULL;
    if (ok && s->file.compression == TARN_COMPRESSION_GZIP && !s->z_open) {
        ok = inflateInit2(&s->z, 15 + 16) == Z_OK;
        s->z_open = ok;
    } else if (ok && s->file.compression == TARN_COMPRESSION_ZSTD) {
        if (!s->zstd)
            s->zstd = ZSTD_createDStream();
        ok = s->zstd && !ZSTD_isError(ZSTD_initDStream(s->zstd));
    }
    return ok ? TARN_OK
              : tarn_fail(op, TARN_NOMEM, "no memory to unpack file \"%.*s\"",
                          TARN_STR_ARG(s->file.path));
}

/* Reads to the end; what fits stays in `kept`. */
static enum tarn_status check_whole(struct tarn_file_stream *s, struct tarn_op *op)
{
    size_t cap = INPUT_BYTES, len = 0, got = 1;
    char *buf = malloc(cap);
    enum tarn_status status = buf ? unpack_start(s, op) : tarn_fail(op, TARN_NOMEM, "no memory");
    bool kept = true;
    while (status == TARN_OK && got > 0) {
        if (len == cap && cap < KEPT_BYTES) {
            char *grown = realloc(buf, cap * 2);
            if (!grown) {
                status = tarn_fail(op, TARN_NOMEM, "no memory to unpack a file");
                break;
            }
            buf = grown;
            cap *= 2;
        }
        if (len == cap) { /* too much to keep: on over the old bytes */
            kept = false;
            len = 0;
        }
        status = unpack(s, op, buf + len, cap - len, &got);
        if (status == TARN_OK)
            status = tarn_poll(op, 2);
        len += got;
    }
    if (status != TARN_OK || !kept) {
        free(buf);
        return status == TARN_OK ? unpack_start(s, op) : status;
    }
    s->kept = buf;
    s->kept_len = len;
    return TARN_OK;
}

/* ---- life */

static enum tarn_status changed(struct tarn_op *op, const struct tarn_input_file *f)
{
    return tarn_fail(op, TARN_IO, "file \"%.*s\" changed since it was listed",
                     TARN_STR_ARG(f->path));
}

static bool same(const struct stat *st, const struct tarn_input_file *f)
{
    return (uint64_t)st->st_size == f->size_bytes &&
           (int64_t)st->st_mtim.tv_sec * 1000000 + st->st_mtim.tv_nsec / 1000 == f->modified_us;
}

enum tarn_status tarn_file_unchanged(struct tarn_op *op, const struct tarn_input_file *file)
{
    struct stat st;
    if (stat(file->path.ptr, &st) != 0)
        return tarn_fail_errno(op, errno, "could not look at file \"%.*s\" again",
                               TARN_STR_ARG(file->path));
    return same(&st, file) ? TARN_OK : changed(op, file);
}

static enum tarn_status open_fd(struct tarn_file_stream *s, struct tarn_op *op)
{
    struct stat st;
    s->fd = open(s->file.path.ptr, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0)
        return tarn_fail_errno(op, errno, "could not open file \"%.*s\"",
                               TARN_STR_ARG(s->file.path));
    return same(&st, &s->file) ? TARN_OK : changed(op, &s->file);
}

enum tarn_status tarn_file_stream_open(struct tarn_op *op, const struct tarn_input_file *file,
                                       uint64_t offset, struct tarn_file_stream **out)
{
    *out = NULL;
    TARN_ASSERT(offset == 0 || file->compression == TARN_COMPRESSION_NONE);
    struct tarn_file_stream *s = tarn_alloc_should_fail() ? NULL : calloc(1, sizeof *s);
    if (!s)
        return tarn_fail(op, TARN_NOMEM, "no memory to open a file");
    s->file = *file;
    s->offset = offset;
    enum tarn_status status = open_fd(s, op);
    if (status == TARN_OK && file->compression != TARN_COMPRESSION_NONE)
        status = check_whole(s, op);
    if (status != TARN_OK)
        tarn_file_stream_close(s);
    else
        *out = s;
    return status;
}

enum tarn_status tarn_file_stream_read(struct tarn_file_stream *s, struct tarn_op *op, void *dst,
                                       size_t cap, size_t *got)
{
    *got = 0;
    if (cap == 0)
        return TARN_OK;
    if (s->file.compression == TARN_COMPRESSION_NONE)
        return read_raw(s, op, dst, cap, got);
    if (!s->kept)
        return unpack(s, op, dst, cap, got);
    *got = s->kept_len - s->kept_at < cap ? s->kept_len - s->kept_at : cap;
    memcpy(dst, s->kept + s->kept_at, *got);
    s->kept_at += *got;
    return TARN_OK;
}

void tarn_file_stream_close(struct tarn_file_stream *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->z_open)
        (void)inflateEnd(&s->z);
    (void)ZSTD_freeDStream(s->zstd);
    free(s->input);
    free(s->kept);
    free(s);
}
