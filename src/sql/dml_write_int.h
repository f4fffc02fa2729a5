/* dml_write_int: what the files that write a statement's changes share. */
#ifndef TARN_SQL_DML_WRITE_INT_H
#define TARN_SQL_DML_WRITE_INT_H

#include "sql/dml_int.h"

struct tarn__writing {
    struct tarn__dml *d;
    struct tarn__part *parts;
    size_t count;
    bool old, news;             /* rows go, rows come */
    bool lineage;               /* files get the columns of it */
    struct tarn_rewriting rest; /* of files that are written anew */
    int64_t doomed;             /* rows that go */
};

/* Rows of x->rest that stay (kept), and all that come, into files of the change. */
enum tarn_status tarn__dml_write_rows(struct tarn__writing *x, bool kept) TARN_MUST_USE;
/* dml_rewrite.c: copy-on-write. temp.main.tarn_doomed says which rows go. */
enum tarn_status tarn__dml_rewrite(struct tarn__writing *x) TARN_MUST_USE;

#endif
