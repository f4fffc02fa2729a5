/* write_int: what the files about writing share: write.c (COPY), cast.c (columns), stats.c
 * (metrics). */
#ifndef TARN_ENGINE_WRITE_INT_H
#define TARN_ENGINE_WRITE_INT_H

#include "engine/duckdb/engine_int.h"

#define TARN__FILE_KEY   "tarn file"       /* name of the column that holds the file's number */
#define TARN__KEY_PREFIX "tarn partition " /* names of the columns that hold partition values */

/* May a column of a query be stored in a field, exactly or with an error? TARN_SCHEMA tells why
 * not. */
enum tarn_status tarn__cast_check(struct tarn_op *op, const struct tarn_type *from,
                                  const struct tarn_field *to, struct tarn_str path) TARN_MUST_USE;
/* "CAST(c3 AS BIGINT)" */
enum tarn_status tarn__cast_sql(struct tarn_op *op, struct tarn_buf *b, struct tarn_str column,
                                const struct tarn_field *to) TARN_MUST_USE;

/* ---- write.c: a write at work */

struct tarn__writing {
    const struct tarn_write *w;
    struct tarn_str *columns; /* one a field: the source's column, or absent */
    bool partitioned;
    bool once;               /* the source cannot be asked for its rows again */
    struct tarn__roll *roll; /* partitioned only */
};
/* "CAST(..) AS "a", ..": the table's columns out of the source's. */
enum tarn_status tarn__columns_sql(struct tarn_op *op, struct tarn_buf *b,
                                   const struct tarn__writing *x) TARN_MUST_USE;
/* ", expr AS "tarn partition 0"" for each partition field that differs from row to row. */
enum tarn_status tarn__keys_sql(struct tarn_op *op, struct tarn_buf *b,
                                const struct tarn_write *w) TARN_MUST_USE;
/* "tarn partition 0", "tarn partition 2" */
void tarn__key_names(struct tarn_buf *b, const struct tarn_partition_spec *spec);
/* The column of a field id, as "x"."y" through structs; false: none. */
bool tarn__source_path(struct tarn_buf *b, const struct tarn_type *t, int32_t id,
                       const struct tarn_field **out);
int64_t tarn__file_size(const struct tarn_write *w);

/* ---- write_sorted.c: rows gathered by partition, in the table's sort order if it has one; `text`
 * as of tarn__copy_run, its place in the source at text_at */
bool tarn__can_sort(const struct tarn_write *w);
enum tarn_status tarn__write_sorted(struct tarn_session *s, struct tarn_op *op,
                                    struct tarn__writing *x, struct tarn_str source,
                                    const struct tarn__text *text, size_t text_at,
                                    struct tarn_written *out) TARN_MUST_USE;

/* ---- write_paths.c: write.object-storage.enabled */
enum tarn_status tarn__spread(struct tarn_op *op, struct tarn_str folder,
                              struct tarn_written *written) TARN_MUST_USE;

/* ---- roll.c */
#define TARN__COMPRESSION 3 /* bytes of values that are taken for one of a file */
/* The bytes that a row's values take, about. */
void tarn__width_sql(struct tarn_buf *b, const struct tarn_type *root);
/* few: a partition's rows go to the same files whichever thread has them, and more partitions than
 * TARN__PARTITIONS_FEW are a failure. Else each thread has files of its own. */
#define TARN__PARTITIONS_FEW 32
enum tarn_status tarn__roll_open(struct tarn_engine *e, struct tarn_op *op, int64_t file_size_bytes,
                                 bool few, struct tarn__roll **out) TARN_MUST_USE;
bool tarn__roll_is_full(struct tarn__roll *r);                      /* it has failed so */
void tarn__roll_close(struct tarn_engine *e, struct tarn__roll *r); /* NULL-safe */
/* The number of a row's file. keys: the partition's columns, as "a, b"; root: the row's columns. */
void tarn__roll_sql(struct tarn_buf *b, const struct tarn__roll *r, const struct tarn_type *root,
                    struct tarn_str keys);

/* FIELD_IDS' value */
void tarn__field_ids_sql(struct tarn_buf *b, const struct tarn_type *root);

/* Rows of COPY .. RETURN_STATS as data files. A value that Iceberg cannot hold and a null in a
 * required column are TARN_DATA. */
enum tarn_status tarn__written(struct tarn_op *op, const struct tarn__rows *rows,
                               const struct tarn_write *w, struct tarn_written *out) TARN_MUST_USE;

/* How much of a column's metrics is kept: a width of bounds, or less (lake/scan.h). */
int32_t tarn__metric_width(const struct tarn_write *w, int32_t field_id);
/* After one was added behind. */
void tarn__metrics_sort(struct tarn_data_file *f);

/* ---- mend.c: types that the engine lacks, put into a file that it has written; and bounds of
 * shredded variants */
enum tarn_status tarn__file_mend(struct tarn_op *op, const struct tarn_write *w,
                                 struct tarn_data_file *f) TARN_MUST_USE;

/* A partition value out of the engine's text of it; absent = null. */
enum tarn_status tarn__key_value(struct tarn_op *op, const struct tarn_partition_field *p,
                                 const struct tarn_type *t, struct tarn_str text,
                                 struct tarn_value *out) TARN_MUST_USE;

/* Runs a COPY whose text ends with "(FORMAT parquet" and lacks the rest; removes what it left when
 * it fails. */
struct tarn__copy {
    struct tarn_buf sql; /* "COPY (...) TO '...' (FORMAT parquet, ..." */
    char token[17];      /* begins the name of each file that it writes */
};
enum tarn_status tarn__copy_open(struct tarn_op *op, struct tarn_str folder,
                                 struct tarn__copy *out) TARN_MUST_USE;
enum tarn_status tarn__copy_options(struct tarn_op *op, struct tarn__copy *c,
                                    const struct tarn_write *w) TARN_MUST_USE;
enum tarn_status tarn__copy_run(struct tarn_session *s, struct tarn_op *op, struct tarn__copy *c,
                                const struct tarn__text *text,
                                struct tarn__rows *out) TARN_MUST_USE;
void tarn__copy_remove(const struct tarn__copy *c, struct tarn_str folder);

#endif
