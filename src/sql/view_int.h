/* view_int: views of the catalog: loading, checking, publishing a version.
 */
#ifndef TARN_SQL_VIEW_INT_H
#define TARN_SQL_VIEW_INT_H

#include "format/iceberg/view.h"
#include "sql/show_int.h"

struct tarn__view {
    struct tarn_ident ident;
    struct tarn_str metadata_location; /* absent: not there yet */
    struct tarn_view_metadata metadata;
};
/* *found false: no such view. */
enum tarn_status tarn__view_load(struct tarn__run *r, struct tarn_ident ident,
                                 struct tarn__view *out, bool *found) TARN_MUST_USE;
/* The view that a name of a statement means: TARN_NOT_FOUND, placed, that tells of a table of that
 * name. */
enum tarn_status tarn__target_view(struct tarn__run *r, const struct tarn__target *t,
                                   struct tarn__view *out) TARN_MUST_USE;
/* What a version is made of. */
struct tarn__view_text {
    struct tarn_str query;     /* as the user wrote it: a piece of the statement */
    struct tarn_str *columns;  /* names; NULL = the query's own */
    struct tarn_str *comments; /* absent ones */
    size_t column_count;
};
/* A new current version. The query must run, must not read the view, and must not read what only
 * this session has. */
enum tarn_status tarn__view_add_version(struct tarn__run *r, struct tarn__view *v,
                                        const struct tarn__view_text *text) TARN_MUST_USE;
/* The text of a view: the query must run; with names of its own for columns it stands inside. */
enum tarn_status tarn__view_text_of(struct tarn__run *r, const struct tarn__view_text *text,
                                    struct tarn_str *out) TARN_MUST_USE;
/* Views of the session (temp_view.c). */
enum tarn_status tarn__temp_view_put(struct tarn__run *r, struct tarn_str name,
                                     struct tarn_str sql) TARN_MUST_USE;
void tarn__temp_view_drop(struct tarn__run *r, const struct tarn_temp_view *v);
/* Writes the metadata and swaps the catalog's pointer. */
enum tarn_status tarn__view_publish(struct tarn__run *r, struct tarn__view *v) TARN_MUST_USE;

#endif
