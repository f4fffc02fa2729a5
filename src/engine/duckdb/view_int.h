/* view_int: how a file's columns are found when it has no field ids, for view.c. */
#ifndef TARN_ENGINE_VIEW_INT_H
#define TARN_ENGINE_VIEW_INT_H

#include "engine/duckdb/engine_int.h"

struct tarn__key {         /* of one column in one file */
    struct tarn_str name;  /* the column's name in the file; no column's, if the file lacks it */
    struct tarn_str value; /* then: the value of all its rows; absent = the column's default */
};
/* *out: NULL if all files have ids, else one entry a file of the scan, NULL for those that have. */
enum tarn_status tarn__mapping_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan, struct tarn_str what,
                                    struct tarn__key ***out) TARN_MUST_USE;

#endif
