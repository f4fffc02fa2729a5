/* scan_int: a scan as it is being planned: scan.c leads, scan_positions.c, scan_vectors.c and
 * scan_equality.c apply what is deleted, changes.c plans parts of snapshots.
 */
#ifndef TARN_LAKE_SCAN_INT_H
#define TARN_LAKE_SCAN_INT_H

#include "lake/lake_int.h"

struct tarn__projection { /* one a spec */
    const struct tarn_partition_spec *spec;
    struct tarn_type partition;
    struct tarn_expr expr; /* the filter on partition tuples */
};
struct tarn__entries { /* live delete files */
    struct tarn_manifest_entry *items;
    size_t count, cap;
};
struct tarn__planner {
    const struct tarn_lake *lake;
    struct tarn_op *op;
    const struct tarn_table *table;
    const struct tarn_expr *filter; /* may be NULL */
    struct tarn_scan *scan;
    struct tarn__projection *projections;
    size_t projection_count;
    struct tarn__entries positions, vectors, equality;
    size_t file_cap;
    int64_t added_by; /* only files that this snapshot added; 0 = all that are live */
    /* made by finish: the scan's files by path */
    struct tarn__path_set names;
    size_t *file_of_name;
    bool *has_vector; /* one a file */
};
/* schema NULL: the table's current one. */
enum tarn_status tarn__plan_begin(struct tarn__planner *p, const struct tarn_lake *lake,
                                  struct tarn_op *op, const struct tarn_table *t,
                                  const struct tarn_schema *schema,
                                  const struct tarn_expr *filter) TARN_MUST_USE;
enum tarn_status tarn__plan_manifest(struct tarn__planner *p,
                                     const struct tarn_manifest_file *f) TARN_MUST_USE;
/* Applies the delete files that were met. */
enum tarn_status tarn__plan_finish(struct tarn__planner *p) TARN_MUST_USE;
/* All of a snapshot (NULL = no rows). */
enum tarn_status tarn__plan_snapshot(struct tarn__planner *p,
                                     const struct tarn_snapshot *s) TARN_MUST_USE;

enum tarn_status tarn__plan_projection(struct tarn__planner *p, int32_t spec_id,
                                       struct tarn__projection **out) TARN_MUST_USE;
/* The scan's file of this path, or NULL. */
struct tarn_scan_file *tarn__plan_file(const struct tarn__planner *p, struct tarn_str path);
/* Same spec and same partition values? */
enum tarn_status tarn__same_partition(struct tarn__planner *p, const struct tarn_data_file *a,
                                      const struct tarn_data_file *b, bool *out) TARN_MUST_USE;

enum tarn_status tarn__plan_vectors(struct tarn__planner *p) TARN_MUST_USE;
enum tarn_status tarn__plan_positions(struct tarn__planner *p) TARN_MUST_USE;
enum tarn_status tarn__plan_equality(struct tarn__planner *p) TARN_MUST_USE;

#endif
