/* room: source */
/* Input files of each compression: their bytes are the same however they are asked for, or the file
 * is told as damaged, before a byte of it was handed on. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/file_stream.h"

#define BYTES_MAX ((size_t)8 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool hash_of(struct tarn_op *op, const struct tarn_input_file *file, size_t step,
                    uint64_t *out)
{
    static char dst[1 << 16];
    struct tarn_file_stream *s;
    size_t got = 1, sum = 0;
    *out = 0;
    if (tarn_file_stream_open(op, file, 0, &s) != TARN_OK)
        return false;
    enum tarn_status status = TARN_OK;
    while (got > 0 && sum < BYTES_MAX && status == TARN_OK) {
        status = tarn_file_stream_read(s, op, dst, step, &got);
        for (size_t i = 0; i < got && status == TARN_OK; i++)
            *out = *out * 31 + (unsigned char)dst[i];
        sum += got;
    }
    TARN_ASSERT(status == TARN_OK);
    tarn_file_stream_close(s);
    return true;
}

static void run(struct tarn_op *op, const char *path)
{
    struct tarn_input_files files;
    struct tarn_str slash = tarn_str_view(strrchr(path, '/') + 1);
    uint64_t a, b;
    struct tarn_str folder = tarn_str_of(path, (size_t)(slash.ptr - path - 1));
    if (tarn_files_list(op, folder, &slash, 1, &files) != TARN_OK || files.count != 1)
        return;
    if (hash_of(op, &files.items[0], 1 << 16, &a))
        TARN_ASSERT(hash_of(op, &files.items[0], 4097, &b) && a == b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[] = "/dev/shm/tarn-fuzz-stream-XXXXXX";
    struct tarn_op op;
    int fd = mkstemp(path);
    if (fd < 0)
        return 0;
    bool written = write(fd, data, size) == (ssize_t)size;
    close(fd);
    if (written && tarn_op_init(&op, (size_t)64 << 20, 0) == TARN_OK) {
        run(&op, path);
        tarn_op_release(&op);
    }
    unlink(path);
    return 0;
}
