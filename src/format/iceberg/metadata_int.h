/* metadata_int: what metadata*.c, snapshot*.c and partition*.c share. */
#ifndef TARN_FORMAT_ICEBERG_METADATA_INT_H
#define TARN_FORMAT_ICEBERG_METADATA_INT_H

#include "format/iceberg/metadata.h"
#include "format/iceberg/type_int.h"

/* Limit on every list of a metadata file (schemas, specs, snapshots, refs, log entries). */
#define TARN__METADATA_LIST_MAX 1000000
/* The highest partition field id of a table without partitions; ids of fields begin behind it. */
#define TARN__PARTITION_ID_BEFORE_FIRST 999

/* Text members: numbers and booleans become their text, nulls are left out, anything else is TARN_CORRUPT. */
enum tarn_status tarn__kvs_from_json(struct tarn_op *op, const struct tarn_json *object,
                                     const char *what, struct tarn_kvs *out) TARN_MUST_USE;
void tarn__kvs_put(struct tarn_json_writer *w, const struct tarn_kvs *kvs);
/* TARN_LIMIT when a list of the file is longer than any sound one. */
enum tarn_status tarn__list_check(struct tarn_op *op, const struct tarn_json *list,
                                  const char *what) TARN_MUST_USE;

/* partition.c */
enum tarn_status tarn__spec_from_json(struct tarn_op *op, const struct tarn_json *j,
                                      struct tarn_partition_spec *out) TARN_MUST_USE;
/* v1's "partition-spec": the list of fields alone. */
enum tarn_status tarn__spec_fields_from_json(struct tarn_op *op, const struct tarn_json *list,
                                             struct tarn_partition_spec *out) TARN_MUST_USE;
/* TARN_UNSUPPORTED for a field with several sources in version 2, which has no member for them. */
enum tarn_status tarn__spec_put(struct tarn_op *op, struct tarn_json_writer *w, int format_version,
                                const struct tarn_partition_spec *s) TARN_MUST_USE;
int32_t tarn__spec_highest_id(const struct tarn_partition_spec *s);

/* partition_sort.c */
enum tarn_status tarn__sort_order_from_json(struct tarn_op *op, const struct tarn_json *j,
                                            struct tarn_sort_order *out) TARN_MUST_USE;
enum tarn_status tarn__sort_order_put(struct tarn_op *op, struct tarn_json_writer *w,
                                      int format_version,
                                      const struct tarn_sort_order *s) TARN_MUST_USE;
/* Member "source-id", or v3's "source-ids": *out -1 when they are several, and *out_list the list. */
enum tarn_status tarn__source_id_from_json(struct tarn_op *op, const struct tarn_json *j,
                                           const char *what, int32_t *out,
                                           struct tarn_str *out_list) TARN_MUST_USE;
/* The same, written; false if the version has no member for several. */
bool tarn__source_id_put(struct tarn_json_writer *w, int format_version, int32_t source_id,
                         struct tarn_str source_ids) TARN_MUST_USE;
/* Member "transform"; OTHER when it has several sources. */
enum tarn_status tarn__transform_from_json(struct tarn_op *op, const struct tarn_json *j,
                                           const char *what, int32_t source_id,
                                           struct tarn_transform *out) TARN_MUST_USE;

/* snapshot.c */
enum tarn_status tarn__snapshot_from_json(struct tarn_op *op, const struct tarn_json *j,
                                          struct tarn_snapshot *out) TARN_MUST_USE;
void tarn__snapshot_put(struct tarn_json_writer *w, const struct tarn_snapshot *s);
enum tarn_status tarn__ref_from_json(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_ref *out) TARN_MUST_USE;
void tarn__ref_put(struct tarn_json_writer *w,
                   const struct tarn_ref *r); /* with its name as the key */

/* metadata_check.c: what a file must hold to before and after. Breaches are `status` (TARN_CORRUPT of a file, TARN_INVALID of a struct). */
enum tarn_status tarn__metadata_check(struct tarn_op *op, const struct tarn_metadata *m,
                                      enum tarn_status status) TARN_MUST_USE;

#endif
