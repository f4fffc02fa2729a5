/* doctor_int: findings, for the files of doctor.
 *
 *   doctor_machine.c  engine, memory, cores, clock
 *   doctor_project.c  tarn.yaml, secrets, sources, models, leftovers, lock
 *   doctor_store.c    the warehouse's folder, its disk, the catalog and the tables
 *   verb_doctor.c     the verbs doctor and version
 *
 * A check adds findings and goes on: one thing that is wrong must not hide another. It returns a
 * failure only when doctor itself cannot go on (no memory, cancelled). Nothing is changed, but for
 * a probe file that is removed at once.
 */
#ifndef TARN_CLI_DOCTOR_INT_H
#define TARN_CLI_DOCTOR_INT_H

#include "cli/cli.h"

#define TARN__ENGINE_TESTED "DuckDB v1.5.5"

enum tarn__level { TARN__LEVEL_OK, TARN__LEVEL_WARN, TARN__LEVEL_FAIL };

struct tarn__finding {
    const char *check; /* "engine", "table" */
    enum tarn__level level;
    struct tarn_str message;
    struct tarn_str mend;  /* what to do; absent = nothing */
    struct tarn_str place; /* "tarn.yaml:3:8"; absent = none */
};
struct tarn__doctor {
    struct tarn_cli *cli;
    struct tarn_op *op;
    struct tarn__finding *findings;
    size_t count, cap;
    size_t levels[3];             /* findings of each */
    struct tarn_project *project; /* NULL: there is none, or it is broken */
    struct tarn_str folder;       /* of the project; absent = none */
    struct tarn_str warehouse;    /* absolute; absent = not known */
    struct tarn_catalog_sqlite_options catalog;
    struct tarn_engine *engine;
    struct tarn_session *session;
};

/* mend may be NULL. */
enum tarn_status tarn__find(struct tarn__doctor *d, enum tarn__level level, const char *check,
                            const char *mend, const char *fmt, ...) TARN_PRINTF(5, 6) TARN_MUST_USE;
/* As above, with a mend that is made. */
enum tarn_status tarn__find_mend(struct tarn__doctor *d, enum tarn__level level, const char *check,
                                 struct tarn_str mend, const char *fmt, ...)
    TARN_PRINTF(5, 6) TARN_MUST_USE;
/* The op's report as a finding: message and detail, hint, place; clears it. Returns those statuses
 * that end doctor. */
enum tarn_status tarn__find_report(struct tarn__doctor *d, enum tarn__level level,
                                   const char *check) TARN_MUST_USE;

bool tarn__engine_is_tested(const char *version); /* same minor release */
enum tarn_status tarn__doctor_machine(struct tarn__doctor *d) TARN_MUST_USE;
enum tarn_status tarn__doctor_project(struct tarn__doctor *d)
    TARN_MUST_USE; /* fills project, warehouse, catalog */
enum tarn_status tarn__doctor_limits(struct tarn__doctor *d)
    TARN_MUST_USE; /* machine against project */
enum tarn_status tarn__doctor_store(struct tarn__doctor *d) TARN_MUST_USE;

/* What /proc/self/mountinfo says of an absolute path that is there: "ext4", and whether it is
 * read-only. Absent: not known. */
struct tarn__mount {
    struct tarn_str kind, point;
    bool read_only;
};
enum tarn_status tarn__mount_of(struct tarn_op *op, struct tarn_str mountinfo, struct tarn_str path,
                                struct tarn__mount *out) TARN_MUST_USE;
bool tarn__mount_is_network(struct tarn_str kind);
/* The process that holds a lock on a file, out of the text of /proc/locks; 0: none. */
struct tarn__lock_file {
    unsigned long inode;
    unsigned major, minor;
    long named; /* the process that the file's own text names; 0 = none */
};
long tarn__lock_holder(struct tarn_str locks, struct tarn__lock_file file);
/* The folder that a table's location began with before its warehouse was moved to `warehouse`:
 * below both lies what follows. Absent: none. */
struct tarn_str tarn__moved_from(struct tarn_op *op, struct tarn_str location,
                                 struct tarn_str warehouse);
/* A small text file of the system; an absent one is empty. */
enum tarn_status tarn__read_small(struct tarn_op *op, const char *path,
                                  struct tarn_str *out) TARN_MUST_USE;

#endif
