/* pread: the program's own (engine/overlay.h). It stands alone, beside main.c: a library must not
 * replace a function of whoever links it. */
#undef _FORTIFY_SOURCE /* pread() is defined here */
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/overlay.h"

ssize_t pread(int fd, void *dst, size_t n, off_t offset)
{
    ssize_t got = (ssize_t)syscall(SYS_pread64, fd, dst, n, offset);
    if (got > 0)
        tarn_overlay_show(fd, dst, got, offset);
    return got;
}
