/* value: single values of primitive types: literals, bounds, partition values (spec appendix D), and transforms (spec "Partition Transforms").
 */
#ifndef TARN_FORMAT_ICEBERG_VALUE_H
#define TARN_FORMAT_ICEBERG_VALUE_H

#include "format/iceberg/type.h"

/* A value of a primitive type, or null. Which member holds it follows from the type that goes with it:
 *   boolean -> i (0/1); int, long, date, time, timestamps -> i; float, double -> d; decimal -> dec (unscaled);
 *   string, uuid (16 bytes BE), fixed, binary -> bytes
 * `bytes` is borrowed where a value is made from text or bytes that hold it as it is (from_bytes, strings from text, transforms): it lives
 * as long as they do. */
struct tarn_value {
    bool is_null;
    int64_t i;
    double d;
    __int128 dec;
    struct tarn_str bytes;
};

/* Binary single-value serialisation (bounds). Decoding accepts the narrower widths of promoted types: 4 bytes under long, double and timestamp
 * (trap 14). TARN_CORRUPT for an impossible length. */
enum tarn_status tarn_value_to_bytes(struct tarn_op *op, const struct tarn_type *t,
                                     const struct tarn_value *v,
                                     struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_value_from_bytes(struct tarn_op *op, const struct tarn_type *t,
                                       struct tarn_str bytes, struct tarn_value *out) TARN_MUST_USE;
/* JSON single-value serialisation. to_json has no op and reports nothing: TARN_UNSUPPORTED (NaN, infinities, variant, geometry), TARN_INVALID
 * (a uuid that is none, a string that is not UTF-8) or TARN_NOMEM, and then nothing was put. */
enum tarn_status tarn_value_to_json(struct tarn_json_writer *w, const struct tarn_type *t,
                                    const struct tarn_value *v) TARN_MUST_USE;
enum tarn_status tarn_value_from_json(struct tarn_op *op, const struct tarn_type *t,
                                      const struct tarn_json *j,
                                      struct tarn_value *out) TARN_MUST_USE;
/* A default of a type that a column was promoted from (raw JSON; absent stays so), as one of the type
 * that it has now: dates become timestamps. */
enum tarn_status tarn_default_promoted(struct tarn_op *op, const struct tarn_type *from,
                                       const struct tarn_type *to, struct tarn_str json,
                                       struct tarn_str *out) TARN_MUST_USE;
/* Text as SQL and people write it: 12, 1.50, 2024-02-29, 12:34:56.789012, "2024-02-29 12:34:56.789012" (also with T, +00, +00:00, Z, "(BC)" as
 * the engine prints), uuid text, hex for binary and fixed, true/false/0/1. Used for statistics that an engine returns as text.
 * TARN_INVALID for what the type cannot hold exactly, infinite dates too; surplus zeros behind the point do no harm. A zone in the text of a
 * timestamp without one is refused, a timestamptz without one is UTC. */
enum tarn_status tarn_value_from_text(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_str text, struct tarn_value *out) TARN_MUST_USE;
struct tarn_str tarn_value_text(struct tarn_op *op, const struct tarn_type *t,
                                const struct tarn_value *v); /* "null" for null */
/* Total order within a type: signed numbers; -0.0 < 0.0 and NaN greatest, as Java compares them; bytes unsigned; strings by UTF-8 bytes. Nulls: not allowed. */
int tarn_value_cmp(const struct tarn_type *t, const struct tarn_value *a,
                   const struct tarn_value *b);
/* Equality for partition keys: null equals null, NaN equals NaN, -0.0 equals 0.0 (trap 25). */
bool tarn_value_eq(const struct tarn_type *t, const struct tarn_value *a,
                   const struct tarn_value *b);
/* Bounds as they are stored: lower cut to `width` code points (strings) or bytes (binary); upper cut and incremented, skipping surrogates;
 * upper absent (.ptr NULL) when it cannot be (trap 16). width 0: not cut. Types without truncation pass through; NaN, null and strings that are not UTF-8 give absent; zeros are widened to -0.0 and 0.0. */
enum tarn_status tarn_bound_lower(struct tarn_op *op, const struct tarn_type *t,
                                  const struct tarn_value *v, int32_t width,
                                  struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn_bound_upper(struct tarn_op *op, const struct tarn_type *t,
                                  const struct tarn_value *v, int32_t width,
                                  struct tarn_str *out) TARN_MUST_USE;

enum tarn_transform_kind {
    TARN_TRANSFORM_IDENTITY,
    TARN_TRANSFORM_BUCKET,
    TARN_TRANSFORM_TRUNCATE,
    TARN_TRANSFORM_YEAR,
    TARN_TRANSFORM_MONTH,
    TARN_TRANSFORM_DAY,
    TARN_TRANSFORM_HOUR,
    TARN_TRANSFORM_VOID,
    TARN_TRANSFORM_OTHER /* tolerated on read: no pruning; `text` keeps it */
};
struct tarn_transform {
    enum tarn_transform_kind kind;
    int32_t param; /* bucket count, truncate width */
    struct tarn_str text;
};
/* "bucket[16]", "day", ...: the spec's spelling. */
enum tarn_status tarn_transform_parse(struct tarn_op *op, struct tarn_str text,
                                      struct tarn_transform *out) TARN_MUST_USE;
struct tarn_str tarn_transform_text(struct tarn_op *op, const struct tarn_transform *t);
/* A partition expression as people write it: "day(ts)", "days(ts)", "bucket(16, id)", "truncate(4, name)", "truncate(name, 4)", "year(d)", "region", "identity(region)". */
enum tarn_status tarn_transform_parse_expr(struct tarn_op *op, struct tarn_str text,
                                           struct tarn_transform *out,
                                           struct tarn_str *out_column) TARN_MUST_USE;
bool tarn_transform_accepts(const struct tarn_transform *t, const struct tarn_type *source);
struct tarn_type tarn_transform_result(
    const struct tarn_transform *t,
    const struct tarn_type *source); /* day -> date; year, month, hour, bucket -> int */
/* Null in, null out; VOID always null; OTHER and a type that the transform does not accept are TARN_UNSUPPORTED; a result out of range is TARN_DATA. Time transforms floor before 1970 (trap 18). */
enum tarn_status tarn_transform_apply(struct tarn_op *op, const struct tarn_transform *t,
                                      const struct tarn_type *source, const struct tarn_value *v,
                                      struct tarn_value *out) TARN_MUST_USE;
bool tarn_transform_monotonic(
    const struct tarn_transform *t); /* bounds of the source map to bounds of the result */
/* Partition value as text for a path or a person: "2024-02-29", "2024-02", "2024-02-29-23", base64 for binary, "null". */
struct tarn_str tarn_transform_human(struct tarn_op *op, const struct tarn_transform *t,
                                     const struct tarn_type *source, const struct tarn_value *v);

#endif
