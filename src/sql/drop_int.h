/* drop_int: files that go with a dropped table. */
#ifndef TARN_SQL_DROP_INT_H
#define TARN_SQL_DROP_INT_H

#include "sql/ddl_int.h"

struct tarn__doomed_files {
    struct tarn_str *paths; /* each once: data, deletes, statistics, then metadata */
    size_t count;
    size_t outside; /* files outside of the table's own folders, which stay */
};
/* Every file that the table's metadata reach. TARN_INVALID if they may be another table's too. */
enum tarn_status tarn__files_of_table(struct tarn__run *r, const struct tarn_table *table,
                                      struct tarn__doomed_files *out) TARN_MUST_USE;
/* Best effort; tells in a notice what stayed. */
void tarn__remove_files(struct tarn__run *r, const struct tarn__doomed_files *files);

#endif
