/* random: see random.h. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

enum tarn_status tarn_random_bytes(struct tarn_op *op, void *p, size_t n)
{
    unsigned char *at = p;
    while (n > 0) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return tarn_fail_errno(op, errno, "could not get random bytes");
        at += got;
        n -= (size_t)got;
    }
    return TARN_OK;
}

enum tarn_status tarn_uuid_v4(struct tarn_op *op, char out[TARN_UUID_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char b[16];
    TARN_TRY(tarn_random_bytes(op, b, sizeof b));
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *out++ = '-';
        *out++ = digits[b[i] >> 4];
        *out++ = digits[b[i] & 15];
    }
    *out = '\0';
    return TARN_OK;
}
