/* delete_int: which rows of which files go, as delete.c and delete_keys.c share it. */
#ifndef TARN_FLOW_DELETE_INT_H
#define TARN_FLOW_DELETE_INT_H

#include "flow/flow_int.h"

struct tarn__doomed_file {
    const struct tarn_scan_file *file;
    int64_t rows;
    int64_t group_rows; /* of the first file of a delete file: of all its files */
    bool whole, done;
};
struct tarn__named_file { /* a file by one of its names: its path, its local one */
    struct tarn_str name;
    const struct tarn_scan_file *file;
};
struct tarn__doomed {
    const struct tarn_scan *scan;
    struct tarn__named_file *names;  /* sorted */
    struct tarn__doomed_file *files; /* by path */
    size_t count;
    int64_t rows;
};

/* Counts the rows of `relation` (columns _file, _pos), which are rows of the scan, by file. */
enum tarn_status tarn__doomed_find(const struct tarn_flow *flow, struct tarn_op *op,
                                   const struct tarn_scan *scan, struct tarn_str relation,
                                   struct tarn__doomed *out) TARN_MUST_USE;
/* Files of which no row stays are removed by the change. */
enum tarn_status tarn__doomed_remove_whole(const struct tarn__doomed *d, struct tarn_op *op,
                                           struct tarn_change *change) TARN_MUST_USE;
/* Of one spec and one partition of it? */
bool tarn__doomed_alike(const struct tarn_type *partition, const struct tarn_data_file *a,
                        const struct tarn_data_file *b);
/* The type of a data file's partition tuple. */
enum tarn_status tarn__doomed_partition(const struct tarn__doomed *d, struct tarn_op *op,
                                        const struct tarn_data_file *of,
                                        struct tarn_type *out) TARN_MUST_USE;

#endif
