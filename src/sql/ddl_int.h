/* ddl_int: what the statements that define tables and insert into them share. */
#ifndef TARN_SQL_DDL_INT_H
#define TARN_SQL_DDL_INT_H

#include "sql/sql_int.h"

/* ---- insert_cast.c: values of a query as a column holds them */

/* An expression that is `expr`, of type `from`, as a value of `to`: the same value or an error that
 * names the column and shows the row. row: an expression that is the row as text. TARN_SCHEMA where
 * no value could fit. */
struct tarn__cast {
    struct tarn_op *op;
    struct tarn_buf *sql;
    struct tarn_str row; /* absent: messages do without */
};
enum tarn_status tarn__cast_value(const struct tarn__cast *c, struct tarn_str expr,
                                  const struct tarn_type *from,
                                  const struct tarn_field *to) TARN_MUST_USE;
/* A column's write-default as an expression; NULL without one. */
enum tarn_status tarn__column_default(struct tarn_op *op, struct tarn_buf *b,
                                      const struct tarn_field *f) TARN_MUST_USE;

/* ---- columns.c */

/* A column of a struct, exact name first, then (one hit only) in any case; NULL if none. */
const struct tarn_field *tarn__column_named(const struct tarn_type *root, struct tarn_str name);
/* TARN_COLUMN at a place of the statement, with the nearest name as hint. */
enum tarn_status tarn__fail_column(struct tarn__run *r, const struct tarn_type *root,
                                   struct tarn_str name, size_t offset);

/* A change of a statement's target: of its branch, where the name ends with one. */
enum tarn_status tarn__change_of_target(struct tarn__run *r, const struct tarn__target *target,
                                        const struct tarn_table *table,
                                        struct tarn_change **out) TARN_MUST_USE;

/* ---- table_words.c: the clauses that CREATE TABLE and ALTER TABLE share */

/* A column's definition: name type [NOT NULL] [DEFAULT v] [COMMENT 's'] [PRIMARY KEY] [FIRST |
 * AFTER c]. */
struct tarn__column_def {
    struct tarn__dotted name;
    struct tarn_field field; /* of the last part's name */
    bool typed, primary, first;
    struct tarn_str after;         /* absent = none */
    struct tarn_str default_value; /* a piece; absent = none */
    size_t type_offset;
};
enum tarn_status tarn__take_column(struct tarn__run *r, struct tarn__column_def *out) TARN_MUST_USE;
enum tarn_status tarn__take_type(struct tarn__run *r, struct tarn_type *out) TARN_MUST_USE;
/* (k = 'v', a.b 1, ..): added to kvs, checked (properties.c). */
enum tarn_status tarn__take_properties(struct tarn__run *r, struct tarn_kvs *kvs) TARN_MUST_USE;
/* 'a.b' or a.b */
enum tarn_status tarn__take_key(struct tarn__words *w, struct tarn_str *out) TARN_MUST_USE;
/* A partition transform: days(ts), bucket(16, id), region; `words` may be those of a text. */
enum tarn_status tarn__take_transform(struct tarn__words *w, const struct tarn_schema *schema,
                                      struct tarn_transform *out,
                                      const struct tarn_field **source) TARN_MUST_USE;
/* A transform of the list and its field's name, "" = as Spark names it. */
struct tarn__partition_item {
    struct tarn_transform transform;
    const struct tarn_field *source;
    struct tarn_str name;
};
enum tarn_status tarn__partition_field(struct tarn_op *op, const struct tarn_schema *schema,
                                       const struct tarn__partition_item *item,
                                       struct tarn_partition_field *out) TARN_MUST_USE;
/* a DESC NULLS LAST, bucket(16, b), .. up to a word that no list has. */
enum tarn_status tarn__take_order(struct tarn__words *w, const struct tarn_schema *schema,
                                  struct tarn_sort_order *out) TARN_MUST_USE;
/* [WRITE] ORDERED BY .. | LOCALLY ORDERED BY .. | UNORDERED | DISTRIBUTED BY PARTITION [..] */
struct tarn__write_order {
    bool given;
    struct tarn_sort_order order;
    struct tarn_str distribution; /* write.distribution-mode */
};
enum tarn_status tarn__take_write_order(struct tarn__words *w, const struct tarn_schema *schema,
                                        struct tarn__write_order *out) TARN_MUST_USE;
/* Fields by their paths in parentheses, as identifier fields: each must be required. */
enum tarn_status tarn__take_names(struct tarn__words *w, struct tarn_str **out,
                                  size_t *out_count) TARN_MUST_USE;
enum tarn_status tarn__identifier_ids(struct tarn_op *op, struct tarn_schema *schema,
                                      const struct tarn_str *paths, size_t count) TARN_MUST_USE;
/* A field by its dotted path, exact case first, then any; NULL if none. */
const struct tarn_field *tarn__field_at(const struct tarn_type *root, struct tarn_str path);

/* ---- column_default.c */

/* A constant expression as a column's write-default, and its initial-default where it is added; a
 * struct's fields get theirs. Older versions than 3 have none. */
struct tarn__default {
    struct tarn_str expr; /* a piece of the statement */
    int format_version;
    bool added;
};
enum tarn_status tarn__set_default(struct tarn__run *r, const struct tarn__default *of,
                                   struct tarn_field *f) TARN_MUST_USE;
/* A tarn_row_fn: the text of a row's first column, kept in op; absent for null. */
struct tarn__cell {
    struct tarn_op *op;
    struct tarn_str text;
};
enum tarn_status tarn__keep_cell(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                 size_t row) TARN_MUST_USE;

/* ---- evolve.c */

#define TARN__COLUMN_PATH_MAX 64
struct tarn__column_path { /* a, or a field inside of it; lists have "element", maps "value" */
    struct tarn_str parts[TARN__COLUMN_PATH_MAX];
    size_t count;
};
/* WITH SCHEMA EVOLUTION: what of a query's columns may change the table's. */
struct tarn__evolution {
    int format_version;
    bool all;
    const struct tarn__column_path *assigned; /* else these, and what is inside of them */
    size_t assigned_count;
};
/* `schema` (whose fields are the caller's own): columns and fields that `from` has and it lacks come
 * behind the others, optional and without ids; types become wider. */
enum tarn_status tarn__evolve(struct tarn_op *op, const struct tarn__evolution *how,
                              const struct tarn_type *from, struct tarn_schema *schema,
                              bool *out_changed) TARN_MUST_USE;

/* ---- properties.c */

/* TARN_INVALID for a value that the property cannot have, and for keys that are no properties.
 * *known false: nobody that we know of reads it. */
enum tarn_status tarn__property_check(struct tarn_op *op, struct tarn_str key,
                                      struct tarn_str value, bool *known) TARN_MUST_USE;

/* ---- namespace.c */

/* TARN_NOT_FOUND, placed, with the nearest name; TARN_TABLE when a name has no namespace. */
enum tarn_status tarn__require_namespace(struct tarn__run *r,
                                         const struct tarn__target *t) TARN_MUST_USE;
/* Where a new table or view of this name lies. */
enum tarn_status tarn__location_of(struct tarn__run *r, struct tarn_ident ident,
                                   struct tarn_str *out) TARN_MUST_USE;
enum tarn_status tarn__create_namespace(struct tarn__run *r) TARN_MUST_USE;
enum tarn_status tarn__drop_namespace(struct tarn__run *r) TARN_MUST_USE;
enum tarn_status tarn__alter_namespace(struct tarn__run *r) TARN_MUST_USE;
/* ---- alter_schema.c */

/* COMMENT ON COLUMN t.a.b IS .., behind the word COLUMN. */
enum tarn_status tarn__comment_column(struct tarn__run *r) TARN_MUST_USE;

/* The statement's memory must outlive it in a transaction, whose changes hold on to it. */
void tarn__use_change_op(struct tarn__run *r);

#endif
