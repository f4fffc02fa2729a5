/* path: helpers for object paths. No input, no output. */
#include "io/storage/storage.h"

#include "base/arena.h"

struct tarn_str tarn_path_join(struct tarn_op *op, struct tarn_str a, struct tarn_str b)
{
    while (a.len > 0 && a.ptr[a.len - 1] == '/')
        a.len--;
    while (b.len > 0 && b.ptr[0] == '/') {
        b.ptr++;
        b.len--;
    }
    char *p = tarn_alloc_array(op, a.len + b.len + 2, 1);
    if (!p)
        return (struct tarn_str){NULL, 0};
    if (a.len > 0)
        memcpy(p, a.ptr, a.len);
    p[a.len] = '/';
    if (b.len > 0)
        memcpy(p + a.len + 1, b.ptr, b.len);
    return tarn_str_of(p, a.len + 1 + b.len);
}

struct tarn_str tarn_path_base(struct tarn_str path)
{
    const char *slash = path.len > 0 ? memrchr(path.ptr, '/', path.len) : NULL;
    if (!slash)
        return path;
    size_t before = (size_t)(slash + 1 - path.ptr);
    return tarn_str_of(slash + 1, path.len - before);
}

/* RFC 3986, section 2.3 */
static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

struct tarn_str tarn_path_encode(struct tarn_op *op, struct tarn_str segment)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t n = 0;
    for (size_t i = 0; i < segment.len; i++)
        n += is_unreserved((unsigned char)segment.ptr[i]) ? 1 : 3;
    char *p = tarn_alloc_array(op, n + 1, 1);
    if (!p)
        return (struct tarn_str){NULL, 0};
    char *q = p;
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.ptr[i];
        if (is_unreserved(c)) {
            *q++ = (char)c;
        } else {
            *q++ = '%';
            *q++ = digits[c >> 4];
            *q++ = digits[c & 15];
        }
    }
    return tarn_str_of(p, n);
}
