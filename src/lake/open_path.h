/* open_path: tables that no catalog knows, opened by where they lie.
 *
 * A path is a table's folder or a metadata file. In a folder, metadata/version-hint.text names the
 * version (Hadoop tables); without it the metadata file with the highest version number counts, and
 * of several of that number the newest.
 */
#ifndef TARN_LAKE_OPEN_PATH_H
#define TARN_LAKE_OPEN_PATH_H

#include "lake/table.h"

/* Has the text the form of a path: "/abs/dir", "file:///abs/dir", "/abs/x.metadata.json"? */
bool tarn_is_table_path(struct tarn_str text);
/* TARN_NOT_FOUND: no metadata there. The table's ident is the path with an empty namespace; it can
 * be read, not changed. */
enum tarn_status tarn_table_open_path(const struct tarn_lake *, struct tarn_op *,
                                      struct tarn_str path, struct tarn_table **out) TARN_MUST_USE;

#endif
