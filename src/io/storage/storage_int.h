/* storage_int: shared by the implementations and shims of storage. */
#ifndef TARN_IO_STORAGE_INT_H
#define TARN_IO_STORAGE_INT_H

#include <limits.h>

#include "io/storage/storage.h"

#define TARN__TEMP_PREFIX ".tarn-tmp-"

/* A zeroed long-lived piece; NULL after TARN_NOMEM was reported. */
void *tarn__storage_new(struct tarn_op *op, size_t size_bytes);
void tarn__storage_sort(struct tarn_listing *listing);

/* ---- fs */

/* A path as the system calls want it: absolute, no double slashes, zero-terminated. */
struct tarn__fs_name {
    size_t len;
    char z[PATH_MAX];
};
/* Of an object: TARN_INVALID too when it ends in '/'. */
enum tarn_status tarn__fs_object(struct tarn_op *op, struct tarn_str path,
                                 struct tarn__fs_name *out);
/* Of a folder: slashes at the end are cut off. */
enum tarn_status tarn__fs_folder(struct tarn_op *op, struct tarn_str path,
                                 struct tarn__fs_name *out);
enum tarn_status tarn__fs_list(struct tarn_storage *s, struct tarn_op *op, struct tarn_str prefix,
                               struct tarn_listing *out);

/* As tarn_fail_errno, "could not <what> "<name>"": a name too long for the file system is
 * TARN_INVALID, not IO. */
enum tarn_status tarn__fs_fail(struct tarn_op *op, int err, const char *what, const char *name);

struct tarn_folders;
struct tarn__fs {
    struct tarn_storage base;
    struct tarn_folders *folders; /* those known to be durable */
};
enum tarn_status tarn__fs_put(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                              struct tarn_str bytes);
enum tarn_status tarn__fs_put_absent(struct tarn_storage *s, struct tarn_op *op,
                                     struct tarn_str path, struct tarn_str bytes);
enum tarn_status tarn__fs_finish(struct tarn_storage *s, struct tarn_op *op, struct tarn_str path,
                                 uint64_t *out_size_bytes);

/* ---- shims: an implementation that stands on another one. Operations that it leaves NULL go
 * straight below. */
struct tarn__shim {
    struct tarn_storage base;
    struct tarn_storage_ops ops; /* its own, the holes filled, with the abilities of `below` */
    struct tarn_storage *below;  /* owned */
};
void tarn__shim_init(struct tarn__shim *shim, struct tarn_storage *below,
                     const struct tarn_storage_ops *own);
static inline struct tarn_storage *tarn__below(struct tarn_storage *s)
{
    return ((struct tarn__shim *)s)->below;
}
/* Closes what lies below and frees the shim: the `close` of a shim without more of its own. */
void tarn__shim_close(struct tarn_storage *s);

#endif
