/* verbs_int: which statement is it? */
#ifndef TARN_SQL_VERBS_INT_H
#define TARN_SQL_VERBS_INT_H

#include "sql/sql_int.h"

struct tarn__verb_row {
    const char *word;
    tarn__verb *run;
    bool again; /* tarn__run's */
};
/* NULL: the engine's. *with: it begins with WITH, and its words have not been taken. */
const struct tarn__verb_row *tarn__verb_of(const struct tarn__words *w, bool *with);

/* ---- again.c */

bool tarn__may_run_again(const struct tarn__run *r, int tries);
enum tarn_status tarn__wait_for_others(struct tarn_op *op, int tries) TARN_MUST_USE;

#endif
