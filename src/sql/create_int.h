/* create_int: a CREATE TABLE statement, between reading it and making the table. */
#ifndef TARN_SQL_CREATE_INT_H
#define TARN_SQL_CREATE_INT_H

#include "sql/ddl_int.h"

struct tarn__create {
    struct tarn__run *r;
    struct tarn__target target;
    bool if_not_exists, replace, replace_only, no_data;
    struct tarn__column_def *columns;
    size_t column_count, column_cap;
    struct tarn_str *keys; /* PRIMARY KEY (..) */
    size_t key_count;
    struct tarn_table *like;
    /* pieces of the statement; absent = none */
    struct tarn_str partitions, sorted, write_order, query;
    /* Trino's lists: texts, one an item */
    struct tarn_str *partition_texts, *sort_texts;
    size_t partition_text_count, sort_text_count, partition_texts_at, sort_texts_at;
    struct tarn_str location; /* absent = the namespace's */
    struct tarn_kvs properties;
};
/* Trino's WITH (..), behind the word. */
enum tarn_status tarn__take_trino(struct tarn__create *x) TARN_MUST_USE;
/* What the table is to be. `old` is the one that is replaced, or NULL. */
enum tarn_status tarn__create_definition(struct tarn__create *x, const struct tarn_table *old,
                                         struct tarn_create *out) TARN_MUST_USE;

#endif
