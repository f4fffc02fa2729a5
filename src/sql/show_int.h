/* show_int: what SHOW, DESCRIBE and CALL share: answers of rows made in memory, names of namespaces,
 * and how types, transforms and texts are spelled for people.
 */
#ifndef TARN_SQL_SHOW_INT_H
#define TARN_SQL_SHOW_INT_H

#include "sql/sql_int.h"

/* ---- show_rows.c: rows as an answer */

#define TARN__LIST_COLUMNS 8
struct tarn__list {
    struct tarn__run *run;
    struct tarn_type type;
    struct tarn_field fields[TARN__LIST_COLUMNS];
    struct tarn_rows *rows;
};
/* columns: "name namespace", "snapshot_id:long ok:boolean"; without a type they are texts. The list
 * stays where it is. */
enum tarn_status tarn__list_begin(struct tarn__list *l, struct tarn__run *r,
                                  const char *columns) TARN_MUST_USE;
enum tarn_status tarn__list_add(struct tarn__list *l,
                                const struct tarn_value *values) TARN_MUST_USE;
/* Texts only; absent ones are null. */
enum tarn_status tarn__list_texts(struct tarn__list *l, struct tarn_str a, struct tarn_str b,
                                  struct tarn_str c) TARN_MUST_USE;
enum tarn_status tarn__list_end(struct tarn__list *l, const char *tag) TARN_MUST_USE;
static inline struct tarn_value tarn__text_value(struct tarn_str s)
{
    return (struct tarn_value){.is_null = !s.ptr, .bytes = s};
}
static inline struct tarn_value tarn__long_value(int64_t v)
{
    return (struct tarn_value){.i = v};
}
/* null for `none` */
static inline struct tarn_value tarn__long_or_null(int64_t v, int64_t none)
{
    return (struct tarn_value){.is_null = v == none, .i = v};
}

/* ---- show_text.c: spelling */

/* A type as CREATE TABLE takes it: "bigint", "struct<a: int NOT NULL, b: array<string>>". */
void tarn__put_type(struct tarn_buf *b, const struct tarn_type *t);
struct tarn_str tarn__type_spelled(struct tarn_op *op, const struct tarn_type *t);
/* A name, in quotes only where it needs them. */
void tarn__put_name(struct tarn_buf *b, struct tarn_str name);
/* "a.b.t" */
void tarn__put_ident(struct tarn_buf *b, struct tarn_ident ident);
/* A column's path, each part quoted where needed; the column that went is told by its id. */
void tarn__put_column(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                      int32_t id);
/* "days(ts)", "bucket(16, id)", "region" */
void tarn__put_transform(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                         const struct tarn_transform *t, int32_t source_id);
/* "id ASC NULLS FIRST, days(ts) DESC NULLS LAST" */
void tarn__put_order(struct tarn_buf *b, struct tarn_op *op, const struct tarn_schema *s,
                     const struct tarn_sort_order *order);
/* "region=eu/ts_day=2024-02-29" */
enum tarn_status tarn__put_partition(struct tarn_op *op, struct tarn_buf *b,
                                     const struct tarn_metadata *m,
                                     const struct tarn_data_file *file) TARN_MUST_USE;
/* Spark's patterns: * (and %) stands for anything, | between alternatives; any case. */
bool tarn__like(struct tarn_str name, struct tarn_str pattern);

/* ---- show_names.c */

int tarn__text_order(const void *a, const void *b); /* of two struct tarn_str, for qsort */

/* All namespaces, sorted, each once; those of the project's views too. */
enum tarn_status tarn__all_namespaces(struct tarn__run *r, struct tarn_names *out) TARN_MUST_USE;
/* All tables and views, sorted, each once. */
enum tarn_status tarn__all_names(struct tarn__run *r, struct tarn_idents *out) TARN_MUST_USE;
/* Takes "ns", "catalog.ns"; *out absent for the catalog alone. TARN_NOT_FOUND, placed, with the
 * nearest name. must_exist false: any name will do. */
enum tarn_status tarn__take_namespace(struct tarn__run *r, bool must_exist,
                                      struct tarn_str *out) TARN_MUST_USE;

/* TARN_NOT_FOUND, placed, unless there is such a namespace. */
enum tarn_status tarn__need_namespace(struct tarn__run *r, struct tarn_str ns,
                                      size_t offset) TARN_MUST_USE;

/* ---- describe.c */

/* The columns of what is no table of the catalog: a view, a metadata table, a temporary table. */
enum tarn_status tarn__relation_columns(struct tarn__run *r, const struct tarn__target *target,
                                        struct tarn_type *out) TARN_MUST_USE;

/* ---- show_create.c */

tarn__verb tarn__show_create;

/* ---- view.c */

tarn__verb tarn__show_create_view; /* behind SHOW CREATE VIEW */

/* ---- call.c */

tarn__verb tarn__show_procedures;

#endif
