/* fs_path: from a location to a file name.
 *
 * A '%' in a location is a character of the file's name, in file: URIs too. Iceberg's writers
 * percent-encode partition values into folder names ("city=a%2Fb") and put these names into
 * locations as they are: Hadoop's Path, through which Iceberg Java opens and prints them, takes its
 * string as not escaped, and PyIceberg hands on the path part of the URI undecoded. Decoding here
 * would look for another file than the one that was written.
 *
 * Accepted: "/x", "file:/x" (Java), "file:///x" (PyIceberg), "file://localhost/x" (RFC 8089).
 */
#include "io/storage/storage_int.h"

#include <errno.h>

static enum tarn_status refuse(struct tarn_op *op, struct tarn_str path, const char *why)
{
    return tarn_fail(op, TARN_INVALID, "path \"%.*s\" %s", TARN_STR_ARG(path), why);
}

/* Cuts "file:" and the host off; what stays begins with '/'. */
static enum tarn_status cut_scheme(struct tarn_op *op, struct tarn_str path, struct tarn_str *out)
{
    static const size_t scheme_len = sizeof "file:" - 1;
    *out = path;
    if (path.len > 0 && path.ptr[0] == '/')
        return TARN_OK;
    if (path.len <= scheme_len ||
        !tarn_str_eq_nocase(tarn_str_of(path.ptr, scheme_len), TARN_STR("file:")))
        return refuse(op, path, "is neither absolute nor a file: URI");
    struct tarn_str rest = tarn_str_of(path.ptr + scheme_len, path.len - scheme_len);
    if (tarn_str_starts(rest, TARN_STR("//"))) {
        static const struct tarn_str local = {"//localhost/", 12};
        size_t host = tarn_str_starts(rest, local) ? local.len - 1 : 2;
        rest = tarn_str_of(rest.ptr + host, rest.len - host);
    }
    if (rest.len == 0 || rest.ptr[0] != '/')
        return refuse(op, path, "names a host, or no absolute path");
    *out = rest;
    return TARN_OK;
}

static enum tarn_status parse(struct tarn_op *op, struct tarn_str path, struct tarn__fs_name *out)
{
    struct tarn_str rest;
    TARN_TRY(cut_scheme(op, path, &rest));
    if (memchr(rest.ptr, '\0', rest.len))
        return refuse(op, path, "holds a zero byte");
    out->len = 0;
    for (size_t i = 0; i < rest.len; i++) {
        if (rest.ptr[i] == '/' && out->len > 0 && out->z[out->len - 1] == '/')
            continue;
        if (out->len + 1 >= sizeof out->z)
            return tarn_fail(op, TARN_INVALID, "path \"%.*s...\" is longer than %zu bytes", 200,
                             rest.ptr, sizeof out->z - 1);
        out->z[out->len++] = rest.ptr[i];
    }
    out->z[out->len] = '\0';
    return TARN_OK;
}

enum tarn_status tarn__fs_object(struct tarn_op *op, struct tarn_str path,
                                 struct tarn__fs_name *out)
{
    TARN_TRY(parse(op, path, out));
    if (out->z[out->len - 1] == '/')
        return refuse(op, path, "is the name of a folder, not of an object");
    return TARN_OK;
}

enum tarn_status tarn__fs_folder(struct tarn_op *op, struct tarn_str path,
                                 struct tarn__fs_name *out)
{
    TARN_TRY(parse(op, path, out));
    while (out->len > 1 && out->z[out->len - 1] == '/')
        out->z[--out->len] = '\0';
    return TARN_OK;
}

enum tarn_status tarn__fs_fail(struct tarn_op *op, int err, const char *what, const char *name)
{
    (void)tarn_fail_errno(op, err, "could not %s \"%s\"", what, name);
    if (err == ENAMETOOLONG)
        op->report.status = TARN_INVALID;
    return op->report.status;
}
