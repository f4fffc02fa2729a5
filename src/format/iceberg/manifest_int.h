/* manifest_int: what manifest*.c share: the fields of manifests and lists as tables, and plans
 * that map a writer's schema onto them. */
#ifndef TARN_FORMAT_ICEBERG_MANIFEST_INT_H
#define TARN_FORMAT_ICEBERG_MANIFEST_INT_H

#include "format/avro/avro.h"
#include "format/iceberg/manifest.h"

/* ---- the fields (spec "Manifests", "Manifest Lists"), in the order in which they are written */
enum tarn__manifest_shape {
    SHAPE_INT,
    SHAPE_LONG,
    SHAPE_BOOLEAN,
    SHAPE_STRING,
    SHAPE_BYTES,
    SHAPE_MAP_LONG,  /* int -> long */
    SHAPE_MAP_BYTES, /* int -> binary */
    SHAPE_LIST_INT,
    SHAPE_LIST_LONG,
    SHAPE_LIST_RECORD,
    SHAPE_RECORD
};
enum tarn__manifest_need {
    NEED_OPTIONAL,
    NEED_V2,    /* required in v2 files; older ones may lack it */
    NEED_ALWAYS /* required in every version */
};
struct tarn__manifest_field {
    int32_t id;
    const char *name;
    const char *old_name; /* before Iceberg Java 1.4; NULL = the same */
    enum tarn__manifest_shape shape;
    enum tarn__manifest_need need;
    int32_t key_id, value_id; /* MAP_*: both; LIST_*: value_id is the element's */
    bool since_v3;            /* written from version 3 on */
    const char *doc;
};
struct tarn__manifest_fields {
    const struct tarn__manifest_field *items;
    size_t count;
};

enum { ENTRY_STATUS, ENTRY_SNAPSHOT, ENTRY_SEQUENCE, ENTRY_FILE_SEQUENCE, ENTRY_FILE };
enum {
    FILE_CONTENT,
    FILE_PATH,
    FILE_FORMAT,
    FILE_PARTITION,
    FILE_RECORDS,
    FILE_SIZE,
    FILE_COLUMN_SIZES,
    FILE_VALUE_COUNTS,
    FILE_NULL_COUNTS,
    FILE_NAN_COUNTS,
    FILE_LOWER,
    FILE_UPPER,
    FILE_KEY_METADATA,
    FILE_SPLIT_OFFSETS,
    FILE_EQUALITY_IDS,
    FILE_SORT_ORDER,
    FILE_FIRST_ROW_ID,
    FILE_REFERENCED,
    FILE_CONTENT_OFFSET,
    FILE_CONTENT_SIZE
};
enum {
    LIST_PATH,
    LIST_LENGTH,
    LIST_SPEC,
    LIST_CONTENT,
    LIST_SEQUENCE,
    LIST_MIN_SEQUENCE,
    LIST_SNAPSHOT,
    LIST_ADDED_FILES,
    LIST_EXISTING_FILES,
    LIST_DELETED_FILES,
    LIST_ADDED_ROWS,
    LIST_EXISTING_ROWS,
    LIST_DELETED_ROWS,
    LIST_PARTITIONS,
    LIST_KEY_METADATA,
    LIST_FIRST_ROW_ID
};
enum { SUMMARY_NULL, SUMMARY_NAN, SUMMARY_LOWER, SUMMARY_UPPER };

extern const struct tarn__manifest_fields tarn__manifest_entry_fields, tarn__manifest_file_fields,
    tarn__manifest_list_fields, tarn__manifest_summary_fields;

/* ---- schemas that are written (manifest_schema.c) */
struct tarn__manifest_avro_texts {
    struct tarn_str avro;    /* "avro.schema" */
    struct tarn_str iceberg; /* "iceberg.schema", as Java writes it */
};
enum tarn_status tarn__manifest_schema(struct tarn_op *op, int format_version,
                                       const struct tarn_type *partition,
                                       struct tarn__manifest_avro_texts *out) TARN_MUST_USE;
enum tarn_status tarn__manifest_list_schema(struct tarn_op *op, int format_version,
                                            struct tarn__manifest_avro_texts *out) TARN_MUST_USE;
/* A name as Avro takes it: other characters become _x<hex>, a leading digit gets '_' (as
 * Iceberg Java does). */
void tarn__manifest_avro_name(struct tarn_buf *b, struct tarn_str name);

/* ---- plans: how to read a record of some writer (manifest_plan.c) */
struct tarn__manifest_plan;
struct tarn__manifest_step {
    int slot;                          /* which field; -1: none of ours, pass over it */
    const struct tarn_avro_type *type; /* NULL: pass over `bytes` bytes */
    size_t bytes;
    /* MAP_* as an array: of its key/value records. RECORD, LIST_RECORD: the caller's. */
    struct tarn__manifest_plan *sub;
};
struct tarn__manifest_plan {
    struct tarn__manifest_step *steps;
    size_t count;
    uint64_t present; /* bit per slot */
};
enum { PAIR_KEY, PAIR_VALUE };

static inline bool tarn__manifest_plan_has(const struct tarn__manifest_plan *p, int slot)
{
    return (p->present >> slot & 1) != 0;
}
/* Matches the fields of `record` (a RECORD, or a union of one with null) to `fields`: by field
 * id, by name where it has none. TARN_CORRUPT: a field that is needed always is missing, one
 * stands twice, or its type cannot be read as its shape. */
enum tarn_status tarn__manifest_plan_make(struct tarn_op *op, const char *what,
                                          const struct tarn_avro_type *record,
                                          const struct tarn__manifest_fields *fields,
                                          struct tarn__manifest_plan *out) TARN_MUST_USE;
/* The same for a partition record; slots are the fields of the spec. */
enum tarn_status tarn__manifest_plan_partition(struct tarn_op *op, const char *what,
                                               const struct tarn_avro_type *record,
                                               const struct tarn_partition_spec *spec,
                                               const struct tarn_type *partition,
                                               struct tarn__manifest_plan *out) TARN_MUST_USE;
/* The plan of the field in a slot (RECORD, LIST_RECORD), to be filled; NULL: the record has no
 * such field. */
struct tarn__manifest_step *tarn__manifest_plan_step(struct tarn__manifest_plan *p, int slot);

/* ---- reading values (manifest_decode.c): failures of form stick in the cursor */
struct tarn__manifest_decoder {
    struct tarn_op *op;
    struct tarn_avro_cursor cursor;
};
enum tarn_status tarn__manifest_decode_counts(struct tarn__manifest_decoder *d,
                                              const struct tarn__manifest_step *step,
                                              const struct tarn_avro_type *t,
                                              struct tarn_id_count **out,
                                              size_t *out_count) TARN_MUST_USE;
enum tarn_status tarn__manifest_decode_bounds(struct tarn__manifest_decoder *d,
                                              const struct tarn__manifest_step *step,
                                              const struct tarn_avro_type *t,
                                              struct tarn_id_bytes **out,
                                              size_t *out_count) TARN_MUST_USE;
enum tarn_status tarn__manifest_decode_longs(struct tarn__manifest_decoder *d,
                                             const struct tarn_avro_type *t, int64_t **out,
                                             size_t *out_count) TARN_MUST_USE;
enum tarn_status tarn__manifest_decode_ints(struct tarn__manifest_decoder *d,
                                            const struct tarn_avro_type *t, int32_t **out,
                                            size_t *out_count) TARN_MUST_USE;
/* BYTES, STRING or FIXED. */
struct tarn_str tarn__manifest_decode_bytes(struct tarn__manifest_decoder *d,
                                            const struct tarn_avro_type *t);
/* As _bytes, and valid UTF-8. */
struct tarn_str tarn__manifest_decode_text(struct tarn__manifest_decoder *d,
                                           const struct tarn_avro_type *t);
/* Passes over a step that has no slot. */
void tarn__manifest_decode_skip(struct tarn__manifest_decoder *d,
                                const struct tarn__manifest_step *step);
/* *array (of *cap elements of `size` bytes, len of them in use) gets room for at least one
 * more, `hint` if known. */
enum tarn_status tarn__manifest_decode_grow(struct tarn_op *op, void *array, size_t *cap,
                                            size_t len, size_t size, size_t hint) TARN_MUST_USE;

/* ---- partition values (manifest_value.c) */
/* Can values of this Avro type be read as Iceberg's type? */
bool tarn__manifest_value_fits(const struct tarn_avro_type *avro, const struct tarn_type *type);
enum tarn_status tarn__manifest_value_decode(struct tarn__manifest_decoder *d,
                                             const struct tarn_avro_type *avro,
                                             const struct tarn_type *type,
                                             struct tarn_value *out) TARN_MUST_USE;
/* Appends an optional value. TARN_INVALID: it does not fit its type. */
enum tarn_status tarn__manifest_value_encode(struct tarn_op *op, struct tarn_buf *b,
                                             const struct tarn_type *type,
                                             const struct tarn_value *v) TARN_MUST_USE;
/* Bytes of an Avro fixed that holds every decimal of a precision. */
size_t tarn__manifest_decimal_size(int32_t precision);

/* A file's sync marker: differs from file to file, the same for the same input. */
void tarn__manifest_sync_of(uint64_t a, uint64_t b, struct tarn_str text,
                            uint8_t out[TARN_AVRO_SYNC_BYTES]);

#endif
