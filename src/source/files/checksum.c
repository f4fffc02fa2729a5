/* checksum: XXH64 of the raw bytes of input files, several files at a time. */
#include "source/source_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define READ_BYTES  ((size_t)1 << 20)
#define THREADS_MAX 64

struct job {
    struct tarn_input_files *files;
    struct tarn_op *parent;
    char (*texts)[24]; /* one a file; the threads write them, the caller copies them */
    atomic_size_t next;
    atomic_bool failed;
};

struct worker {
    struct job *job;
    struct tarn_op op;
    pthread_t thread;
    bool started, has_op;
    enum tarn_status status;
};

static enum tarn_status checksum_file(struct tarn_op *op, const struct tarn_input_file *f,
                                      unsigned char *buf, char text[24])
{
    struct tarn__xxh64 x;
    enum tarn_status status = TARN_OK;
    ssize_t n = 1;
    int fd = open(f->path.ptr, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return tarn_fail_errno(op, errno, "could not open file \"%.*s\"", TARN_STR_ARG(f->path));
    tarn__xxh64_init(&x);
    while (status == TARN_OK && n > 0) {
        n = read(fd, buf, READ_BYTES);
        if (n < 0)
            status =
                tarn_fail_errno(op, errno, "could not read file \"%.*s\"", TARN_STR_ARG(f->path));
        else
            tarn__xxh64_update(&x, buf, (size_t)n);
        if (status == TARN_OK)
            status = tarn_poll(op, 1);
    }
    (void)close(fd);
    if (status == TARN_OK && x.total != f->size_bytes)
        status = tarn_fail(op, TARN_IO, "file \"%.*s\" changed since it was listed",
                           TARN_STR_ARG(f->path));
    (void)snprintf(text, 24, "xxh64:%016llx", (unsigned long long)tarn__xxh64_final(&x));
    return status;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct job *j = w->job;
    unsigned char *buf = malloc(READ_BYTES);
    if (!buf)
        w->status = tarn_fail(&w->op, TARN_NOMEM, "no memory to read files");
    while (w->status == TARN_OK && !atomic_load(&j->failed)) {
        size_t i = atomic_fetch_add(&j->next, 1);
        if (i >= j->files->count)
            break;
        w->status = checksum_file(&w->op, &j->files->items[i], buf, j->texts[i]);
    }
    if (w->status != TARN_OK)
        atomic_store(&j->failed, true);
    free(buf);
    return NULL;
}

static enum tarn_status start(struct tarn_op *op, struct job *j, struct worker *workers, int count)
{
    for (int i = 0; i < count; i++) {
        workers[i].job = j;
        TARN_TRY(tarn_op_child(op, &workers[i].op));
        workers[i].has_op = true;
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0)
            return i > 0 ? TARN_OK : tarn_fail(op, TARN_NOMEM, "could not start a thread");
        workers[i].started = true;
    }
    return TARN_OK;
}

static enum tarn_status join(struct tarn_op *op, struct worker *workers, int count,
                             enum tarn_status status)
{
    for (int i = 0; i < count; i++) {
        if (workers[i].started)
            (void)pthread_join(workers[i].thread, NULL);
        if (status == TARN_OK && workers[i].started && workers[i].status != TARN_OK)
            status = tarn_op_adopt(op, &workers[i].op);
        if (workers[i].has_op)
            tarn_op_release(&workers[i].op);
    }
    return status;
}

enum tarn_status tarn_files_checksum(struct tarn_op *op, struct tarn_input_files *files,
                                     int threads)
{
    struct job j = {.files = files, .parent = op};
    struct worker *workers;
    if (files->count == 0)
        return TARN_OK;
    int count = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
    if ((size_t)count > files->count)
        count = (int)files->count;
    TARN_NEW_ARRAY(op, j.texts, files->count);
    TARN_NEW_ARRAY(op, workers, (size_t)count);
    enum tarn_status status = start(op, &j, workers, count);
    if (status != TARN_OK)
        atomic_store(&j.failed, true);
    status = join(op, workers, count, status);
    for (size_t i = 0; status == TARN_OK && i < files->count; i++)
        files->items[i].checksum = tarn_str_view(j.texts[i]);
    return status;
}
