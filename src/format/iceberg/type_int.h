/* type_int: what type*.c and schema*.c share. */
#ifndef TARN_FORMAT_ICEBERG_TYPE_INT_H
#define TARN_FORMAT_ICEBERG_TYPE_INT_H

#include "format/iceberg/type.h"

/* Limits on types from outside: nesting (which bounds every recursion over a type) and fields of one schema. */
#define TARN__TYPE_DEPTH_MAX        64
#define TARN__TYPE_FIELDS_MAX       100000
#define TARN__FIXED_MAX             (1 << 20)
#define TARN__DECIMAL_PRECISION_MAX 38

/* Iceberg's name of a primitive type without its parameters; NULL for nested types. */
const char *tarn__type_name(enum tarn_type_kind kind);
/* "decimal( 9,2 )", "fixed[16]", "geometry(srid:4326)", "long": Iceberg's spellings alone, in any case, as metadata files have them.
 * `status` is what a failure answers (TARN_CORRUPT for files); a name that is not known is TARN_UNSUPPORTED. */
enum tarn_status tarn__type_from_name(struct tarn_op *op, struct tarn_str text,
                                      enum tarn_status status, struct tarn_type *out) TARN_MUST_USE;
/* A LIST or MAP type over memory for its 1 or 2 fields, which are named; types, ids and `required` are the caller's. */
enum tarn_status tarn__type_make_list(struct tarn_op *op, struct tarn_type *out) TARN_MUST_USE;
enum tarn_status tarn__type_make_map(struct tarn_op *op, struct tarn_type *out) TARN_MUST_USE;
/* Appends the text of tarn_type_text. */
void tarn__type_put_text(struct tarn_buf *b, const struct tarn_type *t);
/* The first of two fields of a struct that share a name, NULL if all differ. Sorts in op->scratch. */
enum tarn_status tarn__fields_find_twin(struct tarn_op *op, const struct tarn_field *fields,
                                        size_t count, const struct tarn_field **out) TARN_MUST_USE;
/* Nested levels of a type: 0 for a primitive one. */
int tarn__type_depth(const struct tarn_type *t);
/* TARN_CORRUPT when two fields at any depth share an id. Sorts in op->scratch. */
enum tarn_status tarn__type_check_ids(struct tarn_op *op, const struct tarn_type *t) TARN_MUST_USE;
/* "fields": [...] of a struct or schema. */
void tarn__struct_put_fields(struct tarn_json_writer *w, const struct tarn_type *t);

/* The members of o whose key is none of `known`: key and raw JSON, copied into op->arena. */
enum tarn_status tarn__json_extra(struct tarn_op *op, const struct tarn_json *o,
                                  const char *const *known, size_t known_count,
                                  struct tarn_kvs *out) TARN_MUST_USE;
void tarn__json_put_extra(struct tarn_json_writer *w, const struct tarn_kvs *extra);
/* A number within an array. `what` names it in the message. */
enum tarn_status tarn__json_to_i32(struct tarn_op *op, const struct tarn_json *j, const char *what,
                                   int32_t *out) TARN_MUST_USE;
/* Deep copy into op->arena. */
enum tarn_status tarn__kvs_copy(struct tarn_op *op, const struct tarn_kvs *kvs,
                                struct tarn_kvs *out) TARN_MUST_USE;

#endif
