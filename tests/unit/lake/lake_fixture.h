/* lake_fixture: a lake over storage and catalog in memory, tables made of data files that hold
 * nothing but their metrics, and a reader of position deletes that says what a test told it. */
#ifndef TARN_TESTS_LAKE_FIXTURE_H
#define TARN_TESTS_LAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lake/change.h"

#define DELETES_MAX 32

struct delete_said {
    const char *delete_file, *data_file;
    int64_t position;
};
struct lake_world {
    struct tarn_op op;
    struct tarn_lake lake;
    struct tarn_storage_ops ops;       /* mem's, but with local paths */
    struct tarn_delete_reader deletes; /* what `said` says */
    struct delete_said said[DELETES_MAX];
    size_t said_count;
    size_t delete_files_read;
};

int lake_begin(void **state);
int lake_end(void **state);
void lake_ok(struct lake_world *w, enum tarn_status status);
/* Fails the test unless the status is `wanted` and the report holds `part` (NULL: any). Clears the
 * report. */
void lake_fails(struct lake_world *w, enum tarn_status status, enum tarn_status wanted,
                const char *part);

/* The table raw.t at mem://w/raw/t; partitions as "day(ts)", ..., ended by NULL. */
extern const struct tarn_ident LAKE_TABLE;
void lake_create(struct lake_world *w, const char *type, const char *const *partitions);
struct tarn_table *lake_load(struct lake_world *w);
struct tarn_change *lake_open(struct lake_world *w);
void lake_commit(struct lake_world *w, struct tarn_change *c);

/* A data file of `rows` rows that exists (4 bytes); its path is copied. */
struct tarn_data_file lake_file(struct lake_world *w, const char *path, int64_t rows);
void lake_append(struct lake_world *w, struct tarn_change *c, const char *path, int64_t rows);
void lake_append_now(struct lake_world *w, const char *path, int64_t rows);
/* Position deletes: the file `path` says that `position` of `data_file` is deleted. */
void lake_delete_row(struct lake_world *w, struct tarn_change *c, const char *path,
                     const char *data_file, int64_t position);
/* Bounds and counts of a column; texts as in SQL, NULL = none. */
void lake_metrics(struct lake_world *w, struct tarn_data_file *f, const struct tarn_schema *s,
                  const char *column, const char *lower, const char *upper, int64_t nulls);
/* The partition tuple, as texts ended by NULL; "null" is null. */
void lake_partition(struct lake_world *w, struct tarn_data_file *f, const struct tarn_metadata *m,
                    int32_t spec_id, const char *const *values);

size_t lake_live(struct lake_world *w, const struct tarn_table *t);
const char *lake_summary(const struct tarn_table *t, const char *key); /* of the current snapshot */
size_t lake_objects(struct lake_world *w);
struct tarn_str lake_text(struct lake_world *w, const char *path);
void lake_overwrite(struct lake_world *w, struct tarn_str path, struct tarn_str bytes);
/* Publishes metadata that a test made by hand as the table's next version. */
void lake_publish(struct lake_world *w, const struct tarn_table *base,
                  const struct tarn_metadata *next);
/* A snapshot of another writer on top of the current one: same files, this operation. */
void lake_foreign_snapshot(struct lake_world *w, const char *operation);

#endif
