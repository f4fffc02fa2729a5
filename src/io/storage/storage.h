/* storage: immutable named objects on a disk or an object store.
 *
 * Paths are URIs or absolute paths ("/data/w/x.avro", "file:///data/w/x.avro",
 * "mem://bucket/x"); a backend takes those of its scheme.
 * Any thread may call, each call with its own op. What a put or a finish has returned TARN_OK
 * for is whole and durable: it survives a
 * power cut, its name included. What was not finished is never visible under its name.
 *
 *   put           replaces nothing silently in normal use (Iceberg's names are unique); makes
 *   the parent folders; all or nothing.
 *   put_absent    TARN_EXISTS = an object of that name is there (kept as it is); TARN_UNKNOWN =
 *   the request may have landed.
 *   finish        makes a file that somebody else wrote under its final or a local staging name
 *   durable (file and folders synced)
 *                 and reports its size. `fs`: fsync of the file and of every folder up to an
 *                 existing synced one.
 *   read          the bytes [offset, offset+length) or, length = UINT64_MAX, to the end, into
 *   op->arena, zero-terminated behind;
 *                 TARN_NOT_FOUND, TARN_LIMIT when more than `TARN_STORAGE_READ_MAX` bytes; a
 *                 range past the end is TARN_CORRUPT.
 *   read_into     exactly `length` bytes into the caller's memory (data files; no allocation);
 *   short objects are TARN_CORRUPT.
 *   head          size and modification time; TARN_NOT_FOUND.
 *   list          all objects below a prefix folder, recursively, sorted by path; a missing
 *   folder is an empty list. Their paths
 *                 begin with the prefix as the caller wrote it.
 *   remove        TARN_OK also when it was absent.
 *
 * Statuses: IO, DISK_FULL, DENIED, NOT_FOUND, EXISTS, UNKNOWN, LIMIT, CANCELLED, TIMEOUT, NOMEM.
 * Implementations: fs, mem; shims that stack on any: trace, retry, fault, forget (drops what was
 * not synced).
 * Conformance: tests/unit/io/test_storage.c runs one suite over all of them.
 */
#ifndef TARN_IO_STORAGE_H
#define TARN_IO_STORAGE_H

#include "base/op.h"

#define TARN_STORAGE_READ_MAX ((uint64_t)1 << 30)

enum tarn_storage_ability {
    TARN_STORAGE_PUT_ABSENT = 1u << 0, /* put_absent is atomic */
    /* an object is a file that the engine can open by local_path */
    TARN_STORAGE_LOCAL = 1u << 1
};

struct tarn_object {
    struct tarn_str path;
    uint64_t size_bytes;
    int64_t modified_us; /* UTC micros; 0 = unknown */
};
struct tarn_listing {
    struct tarn_object *objects; /* in op->arena */
    size_t count;
};

struct tarn_storage;
struct tarn_storage_ops {
    const char *name;
    unsigned abilities;
    enum tarn_status (*read)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                             uint64_t offset, uint64_t length, struct tarn_str *out_bytes);
    enum tarn_status (*read_into)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                  uint64_t offset, void *dst, size_t length);
    enum tarn_status (*head)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                             struct tarn_object *out);
    enum tarn_status (*put)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                            struct tarn_str bytes);
    enum tarn_status (*put_absent)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                   struct tarn_str bytes);
    enum tarn_status (*finish)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                               uint64_t *out_size_bytes);
    enum tarn_status (*list)(struct tarn_storage *, struct tarn_op *, struct tarn_str prefix,
                             struct tarn_listing *out);
    enum tarn_status (*remove)(struct tarn_storage *, struct tarn_op *, struct tarn_str path);
    /* the local file name of a path, for the engine (LOCAL only): in op->arena */
    enum tarn_status (*local_path)(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                   struct tarn_str *out);
    void (*close)(struct tarn_storage *);
};
struct tarn_storage { /* first member of every implementation */
    const struct tarn_storage_ops *ops;
};

/* Callers use these: they poll the op first (cancel level 2, deadline) and assert the contract. */
enum tarn_status tarn_storage_read(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                   struct tarn_str *out_bytes) TARN_MUST_USE;
enum tarn_status tarn_storage_read_range(struct tarn_storage *, struct tarn_op *,
                                         struct tarn_str path, uint64_t offset, uint64_t length,
                                         struct tarn_str *out_bytes) TARN_MUST_USE;
enum tarn_status tarn_storage_read_into(struct tarn_storage *, struct tarn_op *,
                                        struct tarn_str path, uint64_t offset, void *dst,
                                        size_t length) TARN_MUST_USE;
enum tarn_status tarn_storage_head(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                   struct tarn_object *out) TARN_MUST_USE;
enum tarn_status tarn_storage_put(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                  struct tarn_str bytes) TARN_MUST_USE;
enum tarn_status tarn_storage_put_absent(struct tarn_storage *, struct tarn_op *,
                                         struct tarn_str path, struct tarn_str bytes) TARN_MUST_USE;
enum tarn_status tarn_storage_finish(struct tarn_storage *, struct tarn_op *, struct tarn_str path,
                                     uint64_t *out_size_bytes) TARN_MUST_USE;
enum tarn_status tarn_storage_list(struct tarn_storage *, struct tarn_op *, struct tarn_str prefix,
                                   struct tarn_listing *out) TARN_MUST_USE;
enum tarn_status tarn_storage_remove(struct tarn_storage *, struct tarn_op *,
                                     struct tarn_str path) TARN_MUST_USE;
enum tarn_status tarn_storage_local_path(struct tarn_storage *, struct tarn_op *,
                                         struct tarn_str path, struct tarn_str *out) TARN_MUST_USE;
static inline unsigned tarn_storage_abilities(const struct tarn_storage *s)
{
    return s->ops->abilities;
}
void tarn_storage_close(struct tarn_storage *); /* NULL-safe; a shim closes what it stands on */

/* Local disk: paths are absolute or file: URIs, anything else is TARN_INVALID. A '%' is a '%' in
 * both, as it is for Iceberg's Java and
 * PyIceberg (fs_path.c says why). */
enum tarn_status tarn_storage_fs_open(struct tarn_op *op, struct tarn_storage **out) TARN_MUST_USE;
/* Memory: "mem://..." paths; for tests and the simulation. */
enum tarn_status tarn_storage_mem_open(struct tarn_op *op, struct tarn_storage **out) TARN_MUST_USE;

/* Shims; each owns `below` (not when its open failed). */
/* Logs every call with its path, size and time at debug level. */
enum tarn_status tarn_storage_trace_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage **out) TARN_MUST_USE;
/* Retries IO and TIMEOUT up to `tries` times with full-jitter backoff from base_ms up to max_ms.
 * Never an UNKNOWN, EXISTS or DENIED. */
struct tarn_storage_retry_options {
    int tries;
    int base_ms, max_ms;
};
enum tarn_status tarn_storage_retry_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage_retry_options,
                                         struct tarn_storage **out) TARN_MUST_USE;
/* Fails the n-th call (from 1) whose kind is in the mask, with the status given, before
 * (default) or after it took effect;
 * or kills the process there by SIGKILL. n = 0: counts only. */
enum tarn_storage_call {
    TARN_STORAGE_C_READ = 1,
    TARN_STORAGE_C_WRITE = 2,
    TARN_STORAGE_C_LIST = 4,
    TARN_STORAGE_C_REMOVE = 8,
    TARN_STORAGE_C_ANY = 15
};
struct tarn_storage_fault_options {
    long fail_at;
    unsigned calls;          /* mask of tarn_storage_call */
    enum tarn_status status; /* what the call answers */
    bool after;              /* the call took effect first */
    bool kill;               /* SIGKILL instead of an answer */
};
enum tarn_status tarn_storage_fault_open(struct tarn_op *op, struct tarn_storage *below,
                                         struct tarn_storage_fault_options,
                                         struct tarn_storage **out) TARN_MUST_USE;
/* calls seen so far that match the mask */
long tarn_storage_fault_count(const struct tarn_storage *fault);
/* Test hook for the whole program: wraps `below` in a fault shim when the environment has
 * TARN_TEST_STORAGE_FAULT, as
 * "n=12,calls=write+remove,status=IO,after=1,kill=1" (each optional; calls: read write list
 * remove any, joined by '+'); else
 * *out = below. TARN_CONFIG when it cannot be read. */
enum tarn_status tarn_storage_from_env(struct tarn_op *op, struct tarn_storage *below,
                                       struct tarn_storage **out) TARN_MUST_USE;
/* Keeps an account of the files that a put or finish made durable; tarn_storage_forget_crash
 * removes all others below the roots
 * (written past it and never finished), or cuts them to zero, as a power cut may. What lay there
 * when it was opened is durable. */
struct tarn_storage_forget_options {
    const struct tarn_str *roots; /* folders; copied */
    size_t root_count;
    /* left alone: names that begin so (local file names on fs), as a catalog's, which syncs
     * itself */
    const struct tarn_str *keep;
    size_t keep_count;
};
enum tarn_status tarn_storage_forget_open(struct tarn_op *op, struct tarn_storage *below,
                                          struct tarn_storage_forget_options,
                                          struct tarn_storage **out) TARN_MUST_USE;
enum tarn_status tarn_storage_forget_crash(struct tarn_storage *forget,
                                           struct tarn_op *op) TARN_MUST_USE;

/* Path helpers: "a/b" joined with exactly one slash; the last segment; percent-encoding of one
 * segment. */
/* .ptr NULL on TARN_NOMEM */
struct tarn_str tarn_path_join(struct tarn_op *op, struct tarn_str a, struct tarn_str b);
struct tarn_str tarn_path_base(struct tarn_str path);
/* RFC 3986 unreserved bytes stay; .ptr NULL on TARN_NOMEM */
struct tarn_str tarn_path_encode(struct tarn_op *op, struct tarn_str segment);

#endif
