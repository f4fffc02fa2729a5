/* alter_int: an ALTER TABLE statement: one change, made of one or more clauses. */
#ifndef TARN_SQL_ALTER_INT_H
#define TARN_SQL_ALTER_INT_H

#include "sql/ddl_int.h"

struct tarn__alter {
    struct tarn__run *r;
    struct tarn__target target;
    struct tarn_table *table;
    struct tarn_change *change;
    struct tarn_schema schema; /* a copy to be changed; its fields belong to this statement */
    bool schema_copied;
    const char *tag; /* "ALTER TABLE" */
};
/* ---- alter_schema.c: each reads its words, from behind the clause's first ones */
enum tarn_status tarn__alter_add_columns(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_drop_columns(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_rename_column(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_column(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_set_identifier(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_drop_identifier(struct tarn__alter *a) TARN_MUST_USE;
/* ---- alter_layout.c: partition fields, order */
enum tarn_status tarn__alter_add_partition(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_drop_partition(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_replace_partition(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_write(struct tarn__alter *a) TARN_MUST_USE;
/* ---- alter_refs.c: branches and tags */
enum tarn_status tarn__alter_make_ref(struct tarn__alter *a, bool is_tag, bool create,
                                      bool replace) TARN_MUST_USE;
enum tarn_status tarn__alter_drop_ref(struct tarn__alter *a, bool is_tag) TARN_MUST_USE;
enum tarn_status tarn__alter_fast_forward(struct tarn__alter *a) TARN_MUST_USE;
enum tarn_status tarn__alter_execute(struct tarn__alter *a) TARN_MUST_USE;

#endif
