/* lake_int: what the files of lake/ share. */
#ifndef TARN_LAKE_INT_H
#define TARN_LAKE_INT_H

#include "lake/change.h"

#define TARN_IDENT_FMT    "%.*s%s%.*s"
#define TARN_IDENT_ARG(i) TARN_STR_ARG((i).ns), (i).ns.len ? "." : "", TARN_STR_ARG((i).name)

/* A set of paths, sorted for binary search. */
struct tarn__path_set {
    struct tarn_str *items;
    size_t count;
};
enum tarn_status tarn__path_set_make(struct tarn_op *op, const struct tarn_str *paths, size_t count,
                                     struct tarn__path_set *out) TARN_MUST_USE;
/* Index in items, or -1. */
long tarn__path_set_find(const struct tarn__path_set *set, struct tarn_str path);

/* metrics.c: what is known of a field, for tarn_expr_may_match; ctx points at the struct of the
 * function's name. */
struct tarn__summary_metrics { /* a manifest list entry's partition summaries */
    struct tarn_op *op;
    const struct tarn_partition_spec *spec;
    const struct tarn_type *partition;
    const struct tarn_manifest_file *file;
};
struct tarn__tuple_metrics { /* a file's partition tuple */
    const struct tarn_partition_spec *spec;
    const struct tarn_data_file *file;
};
struct tarn__file_metrics { /* a file's column metrics */
    struct tarn_op *op;
    const struct tarn_schema *schema;
    const struct tarn_data_file *file;
};
/* The data file that all position deletes of a file are in (its referenced data file, or the one
 * path that its bounds leave); absent: several, or equality deletes. */
struct tarn_str tarn__delete_target(const struct tarn_data_file *f);
/* May an equality delete file hide rows of an older data file, by scope and by what the metrics of
 * both say? (scan_equality.c) */
enum tarn_status tarn__equality_may_hide(struct tarn_op *op, const struct tarn_metadata *m,
                                         const struct tarn_data_file *deletes,
                                         const struct tarn_data_file *data,
                                         bool *out) TARN_MUST_USE;
/* May two equality delete files be about the same rows? Yes if they are by other columns. */
enum tarn_status tarn__equality_may_share(struct tarn_op *op, const struct tarn_metadata *m,
                                          const struct tarn_data_file *a,
                                          const struct tarn_data_file *b, bool *out) TARN_MUST_USE;
bool tarn__summary_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out);
bool tarn__tuple_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out);
bool tarn__file_metrics(void *ctx, int32_t field_id, struct tarn_field_metrics *out);

#endif
