/* expr: filters over a table's columns (spec: "Expressions", "Scan Planning"), bound to field ids.
 *
 * A predicate that cannot be told is UNKNOWN, which planning treats as "may match": it may keep
 * too much, never too little.
 */
#ifndef TARN_FORMAT_ICEBERG_EXPR_H
#define TARN_FORMAT_ICEBERG_EXPR_H

#include "format/iceberg/metadata.h"

enum tarn_expr_op {
    TARN_EXPR_TRUE,
    TARN_EXPR_FALSE,
    TARN_EXPR_UNKNOWN,
    TARN_EXPR_AND,
    TARN_EXPR_OR,
    TARN_EXPR_NOT, /* args */
    TARN_EXPR_IS_NULL,
    TARN_EXPR_NOT_NULL,
    TARN_EXPR_IS_NAN,
    TARN_EXPR_NOT_NAN,
    /* values[0] */
    TARN_EXPR_LT,
    TARN_EXPR_LE,
    TARN_EXPR_GT,
    TARN_EXPR_GE,
    TARN_EXPR_EQ,
    TARN_EXPR_NE,
    /* values, count */
    TARN_EXPR_IN,
    TARN_EXPR_NOT_IN,
    TARN_EXPR_STARTS_WITH,
    TARN_EXPR_NOT_STARTS_WITH
};
struct tarn_expr {
    enum tarn_expr_op op;
    int32_t field_id;
    struct tarn_type type; /* of the field, and so of the values */
    /* of a variant's field, by its normalised JSON path (variant.h): `type` is what it is cast to,
     * and comparisons and lists of values are all there is. Absent: the column itself. */
    struct tarn_str path;
    struct tarn_value *values;
    size_t value_count;
    struct tarn_expr *args;
    size_t arg_count;
};
/* "entry_id = 'JE1001' and debit > 5": for EXPLAIN and messages. */
struct tarn_str tarn_expr_text(struct tarn_op *op, const struct tarn_schema *s,
                               const struct tarn_expr *e);

/* What is known of one field in a file or partition. Absent members = not known. */
struct tarn_field_metrics {
    int64_t value_count, null_count, nan_count; /* -1 = not known */
    bool has_lower, has_upper;
    /* inclusive, not exact; of a variant `bytes` as they stand in the manifest */
    struct tarn_value lower, upper;
};
/* Looks a field's metrics up; false: nothing is known of it. */
typedef bool (*tarn_metrics_fn)(void *ctx, int32_t field_id, struct tarn_field_metrics *out);
/* False only if no row can match. NaN and null rules of the spec; strings' bounds may be
 * truncated. */
bool tarn_expr_may_match(const struct tarn_expr *e, tarn_metrics_fn metrics, void *ctx);
/* Inclusive projection onto a spec's partition fields (field_id of the result = the partition
 * field's id): for every row
 * that matches e, its partition tuple matches the projection. */
enum tarn_status tarn_expr_project(struct tarn_op *op, const struct tarn_expr *e,
                                   const struct tarn_schema *s,
                                   const struct tarn_partition_spec *spec,
                                   struct tarn_expr *out) TARN_MUST_USE;

#endif
