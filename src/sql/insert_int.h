/* insert_int: an INSERT statement, between reading it and replacing rows. */
#ifndef TARN_SQL_INSERT_INT_H
#define TARN_SQL_INSERT_INT_H

#include "sql/ddl_int.h"

struct tarn__partition_key {     /* PARTITION (name [= value]) */
    struct tarn_str name, value; /* value: a piece; absent = none */
    size_t offset;
    const struct tarn_field *field;
};
struct tarn__insert {
    struct tarn__run *r;
    struct tarn__target target;
    struct tarn_table *table;
    struct tarn_str with, query, where, returning; /* pieces of the statement; absent = none */
    bool overwrite, by_name, default_values, has_partition, evolve;
    struct tarn_str *columns; /* by place; NULL = all of the table's */
    size_t column_count;
    struct tarn__partition_key *keys;
    size_t key_count;
    struct tarn__constant *constants; /* the keys with a value */
    size_t constant_count;
};
/* overwrite.c: removes what INSERT OVERWRITE or REPLACE WHERE replaces; `written`: the new rows. */
enum tarn_status tarn__overwrite(struct tarn__insert *x, struct tarn_change *change,
                                 const struct tarn_written *written) TARN_MUST_USE;

#endif
