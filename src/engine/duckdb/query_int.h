/* query_int: a prepared SELECT with the types of its columns, for query.c and write.c. */
#ifndef TARN_ENGINE_QUERY_INT_H
#define TARN_ENGINE_QUERY_INT_H

#include "engine/duckdb/engine_int.h"

struct tarn__query {
    struct tarn__text text; /* as it runs: with a SELECT around it where types were cast */
    duckdb_prepared_statement statement;
    struct tarn__shape *shapes;
    struct tarn_type type;
};
/* Parses, looks the names up and makes their views. */
enum tarn_status tarn__query_bind(struct tarn_session *s, struct tarn_op *op,
                                  const struct tarn_sql_text *user, enum tarn__views how,
                                  struct tarn__text *text) TARN_MUST_USE;
/* The caller destroys out->statement. */
enum tarn_status tarn__query_prepare(struct tarn_session *s, struct tarn_op *op,
                                     const struct tarn__text *text, enum tarn__shapes what,
                                     struct tarn__query *out) TARN_MUST_USE;

#endif
