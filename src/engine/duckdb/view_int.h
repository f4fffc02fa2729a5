/* view_int: what the files that turn a scan into SQL share: view.c puts groups of files together,
 * view_columns.c says how a file's columns are found, view_nested.c what lies inside of them,
 * view_equality.c joins equality deletes, mapping.c knows files without field ids.
 */
#ifndef TARN_ENGINE_VIEW_INT_H
#define TARN_ENGINE_VIEW_INT_H

#include "engine/duckdb/engine_int.h"

struct tarn__key {         /* of one column in one file */
    struct tarn_str name;  /* the column's name in the file; no column's, if the file lacks it */
    struct tarn_str value; /* then: the value of all its rows; absent = the column's default */
    bool absent;           /* it lacks it */
};
/* ---- view_nested.c: nested columns as a file has them */

struct tarn__nested { /* of one top-level column */
    bool differs;     /* from what the scan presents: it is read as `type` and made anew */
    bool absent;      /* the file lacks the whole column */
    struct tarn_type type;
};
struct tarn__layout {
    struct tarn_str text;         /* equal texts are equal layouts */
    struct tarn__nested *columns; /* one a top-level column */
};
/* Sets the text out of the columns. */
enum tarn_status tarn__layout_name(struct tarn_op *op, struct tarn__layout *l,
                                   size_t count) TARN_MUST_USE;
/* Files without field ids: one entry a file of the scan, NULL for those that have ids; both NULL: all
 * have. */
struct tarn__bare {
    struct tarn__key **keys;
    struct tarn__layout **layouts;
};
enum tarn_status tarn__mapping_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan, struct tarn_str what,
                                    struct tarn__bare *out) TARN_MUST_USE;
/* One a file of the scan, NULL for files whose nested names are the scan's; *out NULL: all are. */
enum tarn_status tarn__layouts_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan,
                                    struct tarn__layout ***out) TARN_MUST_USE;
/* The kind of a type that the engine reads in a file, where it may be one that was promoted; else
 * STRING. True: *out is such a type, which is to be read as it is, and cast to `now`. */
enum tarn_type_kind tarn__file_kind(struct tarn_str type);
bool tarn__type_in_file(const struct tarn_type *now, enum tarn_type_kind then,
                        struct tarn_type *out) TARN_MUST_USE;
/* The column of the scan, made out of what the file has under the name `inner`. */
enum tarn_status tarn__nested_sql(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_field *f, const struct tarn__nested *n,
                                  struct tarn_str inner) TARN_MUST_USE;

/* ---- view_files.c */

/* TARN_CORRUPT: a file that the scan reads is longer or shorter, or has more or fewer rows, than its
 * manifest says. */
enum tarn_status tarn__files_check(struct tarn_op *op, const struct tarn_scan *scan) TARN_MUST_USE;

/* ---- view_equality.c */

/* A column that is read besides the scan's own, under a name of our own. */
struct tarn__extra {
    int32_t id;
    struct tarn_str name, type;
    struct tarn_str value; /* its default, as SQL */
};
/* Equality delete groups of the same columns no two of which share a file: one join. */
struct tarn__equality_join {
    const struct tarn_equality_group **groups;
    size_t group_count;
    bool keep; /* the rows that match are kept, not dropped */
};
struct tarn__equality {
    struct tarn__equality_join *joins;
    size_t count;
    bool *files; /* one a file of the scan: some join may concern it */
    struct tarn__extra *extras;
    size_t extra_count;
};
enum tarn_status tarn__equality_plan(struct tarn_op *op, const struct tarn_scan *scan,
                                     struct tarn_str what,
                                     struct tarn__equality *out) TARN_MUST_USE;
/* What follows "read_parquet(..) AS tarn_d" over the scan's files `indexes`: " ANTI JOIN (..) AS
 * tarn_e0 ON .." into `b`, or, for what is told by a set of keys that is added to `live`,
 * " AND tarn_key_live(..)" into `where`. */
enum tarn_status tarn__equality_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                    struct tarn_buf *where, const struct tarn_scan *scan,
                                    const struct tarn__equality *e, const size_t *indexes,
                                    size_t count, struct tarn__live *live) TARN_MUST_USE;

/* ---- view_keys.c */

#define TARN__KEY_SCOPES_MAX   ((size_t)1 << 20)
#define TARN__KEY_SEQUENCE_MAX (((int64_t)1 << 43) - 2)
struct tarn__key_files { /* of one read_parquet call, by file_index */
    const int64_t *scopes;
    const int64_t *sequences;
    size_t count;
    size_t scope_count;
};
/* Runs sql (key BIGINT, scope BIGINT, sequence number BIGINT) into a new set of live->key_sets, which
 * has room for it. */
enum tarn_status tarn__keys_load(struct tarn_session *s, struct tarn_op *op, const char *sql,
                                 const struct tarn__key_files *files, struct tarn__live *live,
                                 size_t *out_index) TARN_MUST_USE;
struct tarn__key_rows {
    const int64_t *files, *keys;
    const uint64_t *valid; /* of the keys; NULL: none is null */
    size_t count;
    bool *live; /* to be filled */
};
/* False: a file that the set does not know. */
bool tarn__keys_ask(const struct tarn__key_set *set,
                    const struct tarn__key_rows *rows) TARN_MUST_USE;

/* ---- view_columns.c */

/* The name of a column inside read_parquet, which has some columns of itself. */
struct tarn_str tarn__inner_name(struct tarn_op *op, const struct tarn_field *f);
/* default.c: a column's initial default as a text that the engine casts to its type, or NULL where
 * it has none or is nested. */
enum tarn_status tarn__default_text_sql(struct tarn_op *op, struct tarn_buf *b,
                                        const struct tarn_field *f) TARN_MUST_USE;
/* "1:{name:'id',type:'BIGINT',default_value:NULL}, ..": by the keys, or by field id when NULL. */
enum tarn_status tarn__map_sql(struct tarn_op *op, struct tarn_buf *b, const struct tarn_type *root,
                               const struct tarn__key *keys,
                               const struct tarn__layout *layout) TARN_MUST_USE;
/* "name, inner AS name2, .." */
enum tarn_status tarn__select_sql(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_type *root,
                                  const struct tarn__layout *layout) TARN_MUST_USE;
void tarn__extra_sql(struct tarn_buf *b, const struct tarn__extra *extra);

#endif
