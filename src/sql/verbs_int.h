/* verbs_int: which statement is it? */
#ifndef TARN_SQL_VERBS_INT_H
#define TARN_SQL_VERBS_INT_H

#include "sql/sql_int.h"

/* NULL: the engine's. *with: it begins with WITH, and its words have not been taken. */
tarn__verb *tarn__verb_of(const struct tarn__words *w, bool *with);

#endif
