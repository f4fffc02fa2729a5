/* call_int: what the procedures of CALL share: their arguments.
 */
#ifndef TARN_SQL_CALL_INT_H
#define TARN_SQL_CALL_INT_H

#include "sql/show_int.h"

enum tarn__arg_kind {
    TARN__ARG_TABLE, /* the name of a table, as text */
    TARN__ARG_TEXT,
    TARN__ARG_LONG,
    TARN__ARG_BOOLEAN,
    TARN__ARG_TIMESTAMP,
    TARN__ARG_MAP, /* texts to texts */
    TARN__ARG_LIST /* texts */
};
struct tarn__param {
    const char *name;
    enum tarn__arg_kind kind;
    bool required;
};
struct tarn__arg {
    bool given;           /* and not null */
    size_t begin, end;    /* bytes of the statement */
    struct tarn_str text; /* TABLE, TEXT */
    /* TABLE, TEXT: where the text stands in the statement, if it stands there as it is */
    struct tarn_str raw;
    int64_t number; /* LONG; TIMESTAMP: microseconds, UTC */
    bool yes;       /* BOOLEAN */
    struct tarn_kvs map;
    struct tarn_str *items; /* LIST */
    size_t count;
};
#define TARN__PARAMS_MAX 12
struct tarn__call;
typedef enum tarn_status tarn__procedure_fn(struct tarn__call *c);
struct tarn__procedure {
    const char *name;
    tarn__procedure_fn *run; /* NULL: not in this version */
    struct tarn__param params[TARN__PARAMS_MAX];
};
struct tarn__call {
    struct tarn__run *run;
    struct tarn_op *op;
    const struct tarn__procedure *procedure;
    size_t offset; /* of the procedure's name */
    struct tarn__arg args[TARN__PARAMS_MAX];
};
/* The argument of a parameter that the procedure has. */
const struct tarn__arg *tarn__arg(const struct tarn__call *c, const char *name);
/* A failure placed at an argument. */
enum tarn_status tarn__fail_arg(struct tarn__call *c, const struct tarn__arg *a,
                                enum tarn_status status, const char *fmt, ...) TARN_PRINTF(4, 5);
/* The table that an argument names, pinned. */
enum tarn_status tarn__arg_table(struct tarn__call *c, const char *name,
                                 struct tarn_table **out) TARN_MUST_USE;
/* The name of a table that is to be made: TARN_EXISTS if it is there. */
enum tarn_status tarn__arg_new_table(struct tarn__call *c, const char *name,
                                     struct tarn_ident *out) TARN_MUST_USE;

/* ---- call_value.c */

/* Reads the argument of a parameter at the next word. */
enum tarn_status tarn__take_arg(struct tarn__call *c, const struct tarn__param *p,
                                struct tarn__arg *out) TARN_MUST_USE;

/* ---- the procedures */

tarn__procedure_fn tarn__rollback_to_snapshot, tarn__rollback_to_timestamp;
tarn__procedure_fn tarn__set_current_snapshot, tarn__cherrypick_snapshot, tarn__publish_changes;
tarn__procedure_fn tarn__fast_forward, tarn__ancestors_of;
tarn__procedure_fn tarn__register_table;
tarn__procedure_fn tarn__add_files, tarn__migrate, tarn__snapshot;
tarn__procedure_fn tarn__create_changelog_view;

#endif
