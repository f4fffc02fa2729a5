/* call_files_int: Parquet files that become part of a table as they are: where they lie, what their
 * footers say.
 *
 *     tarn__source_open     lists the files, cuts partition values out of their paths
 *     tarn__footers_read    shapes (distinct schemas) and column statistics
 *     tarn__files_fit       every shape against the table: types, field ids, missing columns
 *     tarn__files_make      data files with metrics and partition values, for tarn_change_append
 */
#ifndef TARN_SQL_CALL_FILES_INT_H
#define TARN_SQL_CALL_FILES_INT_H

#include "sql/call_int.h"

/* A column chunk's statistics, put together over the row groups of a file. */
struct tarn__chunk {
    int64_t size_bytes, values, nulls; /* nulls: -1 = not known */
    struct tarn_value lower, upper;    /* of the file's own type; void unless bounded */
    bool bounded, unbounded;           /* some group has bounds / some group has none */
    bool exact;                        /* the bounds are values of the file */
};
/* A node of a file's schema tree (Parquet's), in depth-first order. */
struct tarn__node {
    struct tarn_str name;
    int32_t id; /* field id, 0 = none */
    bool optional;
    int32_t length; /* of a FIXED_LEN_BYTE_ARRAY, else 0 */
    size_t leaf;    /* of a leaf: its number */
    struct tarn__node *children;
    size_t child_count;
};
/* Where the values of a leaf go. */
struct tarn__leaf {
    const struct tarn_type *type;   /* in the file; NULL: not matched */
    const struct tarn_field *field; /* of the table */
    bool repeated;
    bool optional; /* may hold nulls, as far as the file's schema goes */
    bool full;     /* must hold no null */
};
struct tarn__shape { /* a schema that files have */
    struct tarn_str text;
    struct tarn__node root;
    struct tarn_type type; /* STRUCT: the columns as the engine reads them */
    struct tarn__leaf *leaves;
    size_t leaf_count;
    bool any_id, any_without;
    bool nested;           /* has nested columns */
    struct tarn_str first; /* a file that has it */
};
struct tarn__file {
    struct tarn_str path; /* as it will stand in the table */
    struct tarn_str local;
    int64_t size_bytes, rows;
    struct tarn_kvs partition; /* out of the path; value absent = null */
    const struct tarn__shape *shape;
    struct tarn__chunk *chunks; /* one a leaf */
    int64_t *splits;
    size_t split_count;
};
struct tarn__source {
    struct tarn__call *call;
    const struct tarn__arg *arg; /* for places */
    struct tarn_str root;
    struct tarn__file *files;
    size_t count;
    struct tarn_str *keys; /* partition columns of the paths */
    size_t key_count;
    struct tarn__shape **shapes;
    size_t shape_count;
};

/* ---- call_source.c */

/* `parquet`.`/folder`, /folder or /file. TARN_NOT_FOUND when nothing is there. skip_metadata: the
 * folder is to be a table's, its folder "metadata" is none of the source. */
enum tarn_status tarn__source_open(struct tarn__call *c, const struct tarn__arg *a,
                                   bool skip_metadata, struct tarn__source *out) TARN_MUST_USE;
enum tarn_status tarn__source_list(struct tarn__call *c, const struct tarn__arg *a,
                                   struct tarn_str path, bool skip_metadata,
                                   struct tarn__source *out) TARN_MUST_USE;
/* Keeps the files of the partitions that have these values. */
enum tarn_status tarn__source_filter(struct tarn__source *s,
                                     const struct tarn__arg *filter) TARN_MUST_USE;
/* The value of a key; NULL if the path has none. */
const struct tarn_kv *tarn__file_key(const struct tarn__file *f, struct tarn_str key);

/* ---- call_footer.c */

enum tarn_status tarn__footers_read(struct tarn__source *s) TARN_MUST_USE;

/* ---- call_fit.c */

/* Matches shapes to the table's columns. *mapping_needed: files without field ids. */
enum tarn_status tarn__files_fit(struct tarn__source *s, const struct tarn_metadata *m,
                                 bool *mapping_needed) TARN_MUST_USE;
/* A schema that holds the columns of all shapes, partition columns of the paths behind them; field
 * ids as the files have them, else 0. */
enum tarn_status tarn__files_schema(struct tarn__source *s, struct tarn_schema *out) TARN_MUST_USE;

/* ---- call_make.c */

enum tarn_status tarn__files_make(struct tarn__source *s, const struct tarn_metadata *m,
                                  struct tarn_data_file **out) TARN_MUST_USE;

/* ---- call_mapping.c */

/* schema.name-mapping.default with every column of the table in it: what `old` (may be absent) says
 * stays, names that it lacks are added. */
enum tarn_status tarn__name_mapping(struct tarn_op *op, const struct tarn_schema *s,
                                    struct tarn_str old, struct tarn_str *out) TARN_MUST_USE;

#endif
