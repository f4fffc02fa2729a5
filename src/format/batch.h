/* batch: columns in Arrow's layout, the currency between sources, flow and engine.
 *
 * A column has `length` rows of an Iceberg type. validity: one bit a row, least significant
 * first, 1 = valid; NULL = no nulls.
 *   boolean                         uint8_t a row (0/1)                       [Arrow packs bits;
 *   we do not]
 *   int, date                       int32_t
 *   long, time, timestamp(tz)(_ns)  int64_t
 *   float, double                   float, double
 *   decimal(p,s)                    __int128 unscaled
 *   uuid, fixed[n]                  16, n bytes a row
 *   string, binary                  offsets: uint32_t[length+1] into `bytes` (one batch holds <
 *   4 GiB)
 *   list, map                       offsets: uint32_t[length+1] into the child (map: child 0
 *   keys, child 1 values)
 *   struct                          children of the same length; a null struct has null children
 * Values under a null are zero bytes / empty. The producer owns the memory and keeps it until
 * `release` or its next call, as
 * its contract says.
 */
#ifndef TARN_FORMAT_BATCH_H
#define TARN_FORMAT_BATCH_H

#include "format/iceberg/type.h"

struct tarn_column {
    const struct tarn_type *type;
    size_t length;
    size_t null_count;
    uint64_t *validity;
    void *data;
    uint32_t *offsets;
    char *bytes;
    struct tarn_column *children;
    size_t child_count;
};
struct tarn_batch {
    size_t rows;
    struct tarn_column *columns; /* one a field of the schema that the producer announced */
    size_t column_count;
};
static inline bool tarn_column_is_null(const struct tarn_column *c, size_t row)
{
    return c->validity && !(c->validity[row >> 6] >> (row & 63) & 1);
}

/* A producer of batches that several threads pull from at once; it never waits for anything but
 * the disk.
 * next(self, op, worker, out): worker is 0..workers-1, each used by one thread at a time with an
 * op of its own; a batch stays valid until the
 * same worker's next call or the producer's end. rows = 0 is the end for this worker. A failure
 * stops every worker. */
struct tarn_producer {
    const struct tarn_type *schema; /* STRUCT: the columns' names, types, field ids */
    int workers_max;
    int64_t rows_estimate; /* -1 = unknown */
    enum tarn_status (*next)(struct tarn_producer *, struct tarn_op *, int worker,
                             struct tarn_batch *out);
};

#endif
