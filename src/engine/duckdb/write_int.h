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

/* ---- roll.c */
enum tarn_status tarn__roll_open(struct tarn_engine *e, struct tarn_op *op, int64_t file_size_bytes,
                                 struct tarn__roll **out) TARN_MUST_USE;
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
