/* engine_int: what the files of the DuckDB engine share with one another only. No other room
 * includes duckdb.h.
 *
 * An instance is a duckdb_database in memory; a session is a connection with an attached in-memory
 * catalog of its own. Names of a statement become views there (names.c), scans become SQL (view.c),
 * deleted rows are dropped by a scalar function over a registry (live.c), a producer's batches come
 * in through a table function (feed.c), and writing is COPY (write.c).
 *
 * Locks: engine->lock guards the lists of sessions, lives, feeds and rolls, and the planner's
 * opening. It is held for look-ups only, never while the engine runs a statement, and no other lock
 * is taken under it.
 */
#ifndef TARN_ENGINE_INT_H
#define TARN_ENGINE_INT_H

#include <duckdb.h>
#include <stdio.h>
#include <pthread.h>

#include "base/arena.h"
#include "base/sql_token.h"
#include "engine/engine.h"

#define TARN__SQL_MAX ((size_t)256 << 20) /* a statement with its scans written out */
#define TARN__NO_MEMORY \
    "a function of the engine ran out of memory" /* tells tarn__fail TARN_NOMEM */
#define TARN__BATCH_ROWS  2048                   /* the engine's vector size */
#define TARN__SCHEMA_OWN  "tarn"                 /* names of tarn_session_bind_scan */
#define TARN__SCHEMA_BARE "main"                 /* names of one part */

/* ---- live.c: rows of a scan that are not deleted, and where they come from */

struct tarn__live_file {
    struct tarn_str path;       /* the data file's own path */
    struct tarn_str local_path; /* what the engine opens */
    int64_t spec_id, sequence_number;
    int64_t first_row_id;   /* -1 = absent */
    const int64_t *deleted; /* ascending */
    size_t deleted_count;
};
/* The files of one read_parquet call, in its order: file_index is an index into it. */
struct tarn__live {
    int64_t id;
    struct tarn_arena *arena; /* this struct and all that it points to */
    struct tarn__live_file *files;
    size_t file_count;
    struct tarn__key_set **key_sets; /* view_keys.c */
    size_t key_set_count;
    struct tarn__live *next;     /* engine's list */
    struct tarn__live *next_own; /* session's or binding's list */
};
enum tarn_status tarn__live_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con) TARN_MUST_USE;
/* Copies what it needs of the files; *list gets the new one in front. */
enum tarn_status tarn__live_add(struct tarn_engine *e, struct tarn_op *op,
                                const struct tarn_scan_file *const *files, size_t count,
                                struct tarn__live **list, int64_t *out_id) TARN_MUST_USE;
void tarn__live_drop_all(struct tarn_engine *e, struct tarn__live **list);

/* ---- feed.c: a producer as a table function */

struct tarn__feed {
    int64_t id;
    struct tarn_producer *producer;
    struct tarn_op *ops; /* one a worker */
    int workers;
    atomic_int next_worker;
    atomic_bool failed;
    pthread_mutex_t lock;      /* guards report */
    struct tarn_report report; /* the first failure */
    struct tarn__feed *next;
};
enum tarn_status tarn__feed_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con) TARN_MUST_USE;
enum tarn_status tarn__feed_open(struct tarn_engine *e, struct tarn_op *op, struct tarn_producer *p,
                                 struct tarn__feed **out) TARN_MUST_USE;
void tarn__feed_close(struct tarn_engine *e, struct tarn__feed *f);

/* ---- partition.c: partition values of rows */

enum tarn_status tarn__partition_functions(struct tarn_engine *e, struct tarn_op *op,
                                           duckdb_connection con) TARN_MUST_USE;
/* An expression whose text (tarn_value_from_text of the transform's result type) is the partition
 * value of `column`, an expression of type `source`. */
enum tarn_status tarn__partition_sql(struct tarn_op *op, struct tarn_buf *b,
                                     const struct tarn_transform *t, const struct tarn_type *source,
                                     struct tarn_str column) TARN_MUST_USE;

/* ---- variant.c: tarn_variant(metadata, value), tarn_json(text) */

enum tarn_status tarn__variant_functions(struct tarn_op *op, duckdb_connection con) TARN_MUST_USE;

/* ---- roll.c: files of a partitioned write that do not grow without end */

struct tarn__roll;
enum tarn_status tarn__roll_functions(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_connection con) TARN_MUST_USE;

/* ---- distinct.c: tarn_count_distinct(hash) */

enum tarn_status tarn__distinct_functions(struct tarn_op *op, duckdb_connection con) TARN_MUST_USE;

/* ---- engine.c */

struct tarn_engine {
    duckdb_database db;
    struct tarn_engine_options options; /* texts are own copies */
    struct tarn_arena *arena;
    pthread_mutex_t lock;
    bool lock_made;
    duckdb_database planner; /* empty tables of the same names, to learn a statement's filters;
                                opened when first needed */
    struct tarn_session *sessions;
    int session_seq;
    struct tarn__live *lives;
    struct tarn__feed *feeds;
    struct tarn__roll *rolls;
    int64_t next_id;
    /* the watcher: interrupts statements whose op was cancelled or is past its deadline */
    pthread_t watcher;
    pthread_cond_t watch_cond;
    bool watcher_running, watcher_stop;
    int running;               /* statements that run now */
    atomic_bool overlays_work; /* overlay.c: it was tried */
};
enum tarn_status tarn__engine_planner(struct tarn_engine *e, struct tarn_op *op,
                                      duckdb_database *out) TARN_MUST_USE;

/* ---- session.c */

struct tarn__binding { /* a name of tarn_session_bind_scan */
    char *name;
    bool promoted; /* tarn__view_promoted */
    struct tarn__live *lives;
    struct tarn__binding *next;
};
struct tarn__view { /* a view made for a statement */
    char *ns, *name;
    struct tarn__view *next;
};
struct tarn_session {
    struct tarn_engine *engine;
    struct tarn_session *next;
    duckdb_connection con;
    struct tarn_resolver *resolver; /* may be NULL */
    char *catalog;                  /* the attached catalog's real name */
    char *ns;                       /* tarn_session_set_namespace; NULL = none */
    duckdb_prepared_statement parse;
    duckdb_connection planner;
    duckdb_prepared_statement plan;
    struct tarn__binding *bindings;
    struct tarn__view *views;
    struct tarn__live *lives;        /* of the last statement's views */
    const struct tarn__names *names; /* of the last statement, in its op; for tarn_session_scan */
    struct tarn_result *open;        /* a streaming result */
    char *empty_file;                /* NULL until it is first needed */
    int row_tables;                  /* of metadata tables, in temp.main */
    uint64_t macros;                 /* that were made (spark_macros.c) */
    bool filters_off;                /* of joins (views.c) */
    struct tarn_scan_skips skips;
    /* guarded by engine->lock: what the watcher looks at */
    bool running;
    struct tarn_cancel *cancel;
    uint64_t deadline_ns;
};
/* A Parquet file without rows; NULL when the engine has no folder for temporary files. */
enum tarn_status tarn__session_empty_file(struct tarn_session *s, struct tarn_op *op,
                                          const char **out) TARN_MUST_USE;
void tarn__watch_begin(struct tarn_session *s, struct tarn_op *op);
void tarn__watch_end(struct tarn_session *s);

/* ---- error.c */

struct tarn__names;
struct tarn__refs;
struct tarn__splice {
    size_t at, cut; /* in the user's text */
    struct tarn_str put;
};
/* A statement as the user wrote it and as it runs. */
struct tarn__text {
    struct tarn_sql_text user;
    struct tarn_str sql; /* zero-terminated */
    size_t prefix;       /* bytes of ours before the user's text in what runs */
    size_t body;         /* where the SELECT begins in sql, behind EXPLAIN */
    struct tarn__splice *splices;
    size_t splice_count;
    const struct tarn__names *names; /* what it reads, for hints; may be NULL */
    const struct tarn__refs *refs;   /* may be NULL */
};
/* A line of the engine's as a message: lower-case first letter, no mark at the end. */
struct tarn_str tarn__tidy(struct tarn_op *op, struct tarn_str line);
/* Reports what the engine said. text may be NULL: a statement of our own. */
enum tarn_status tarn__fail(struct tarn_session *s, struct tarn_op *op, const char *engine_error,
                            const struct tarn__text *text);
/* The place in the user's own text (text->origin, or text->sql itself) of a byte of text->sql;
 * false: it is none of the user's. */
bool tarn__origin(const struct tarn_sql_text *text, size_t offset, size_t *out);
/* Places the report at a byte offset of text->sql. */
void tarn__place(struct tarn_op *op, const struct tarn_sql_text *text, size_t offset);
/* "table \"x\" not found" with the nearest name as hint. */
enum tarn_status tarn__fail_table(struct tarn_session *s, struct tarn_op *op, struct tarn_str ns,
                                  struct tarn_str name);

/* ---- blame.c */

/* Is this said of a file that was read, though it names none? */
bool tarn__is_of_a_file(struct tarn_str type, struct tarn_str message);
/* The index of the first file that cannot be read to its end; count: none, or it took too long. */
size_t tarn__unreadable_file(struct tarn_engine *e, struct tarn_op *op,
                             const struct tarn_str *local_paths, size_t count);

/* ---- run.c: statements */

/* Prepares sql (zero-terminated). */
enum tarn_status tarn__prepare(struct tarn_session *s, struct tarn_op *op, const char *sql,
                               const struct tarn__text *text,
                               duckdb_prepared_statement *out) TARN_MUST_USE;
/* Runs to the end, materialised. The caller destroys *out on TARN_OK. */
enum tarn_status tarn__run(struct tarn_session *s, struct tarn_op *op, const char *sql,
                           const struct tarn__text *text, duckdb_result *out) TARN_MUST_USE;
/* As tarn__run, for one statement that may take long: waits without taking a core. */
enum tarn_status tarn__run_long(struct tarn_session *s, struct tarn_op *op, const char *sql,
                                const struct tarn__text *text, duckdb_result *out) TARN_MUST_USE;
/* As run, without a result. */
enum tarn_status tarn__do(struct tarn_session *s, struct tarn_op *op,
                          const char *sql) TARN_MUST_USE;
enum tarn_status tarn__do_buf(struct tarn_session *s, struct tarn_op *op,
                              struct tarn_buf *sql) TARN_MUST_USE; /* releases sql */
/* First column of the first row of a prepared statement with one text parameter, as text in
 * op->arena. */
enum tarn_status tarn__text_call(struct tarn_session *s, struct tarn_op *op,
                                 duckdb_prepared_statement p, struct tarn_str arg,
                                 struct tarn_str *out) TARN_MUST_USE;
/* Refuses a second statement while a result is open. */
enum tarn_status tarn__idle(struct tarn_session *s, struct tarn_op *op) TARN_MUST_USE;

/* ---- type.c */

/* A column of an engine result: how its vectors turn into a tarn_column. */
struct tarn__shape {
    duckdb_type id;
    duckdb_type storage; /* DECIMAL's */
    struct tarn__shape *children;
    size_t child_count;
};
enum tarn__shapes {
    TARN__SHAPES_VALUES, /* columns of a batch */
    TARN__SHAPES_TYPES   /* for a table: variants and geometries stay what they are */
};
/* False: the engine's type has no place in Iceberg (or in a batch), and the value must be cast
 * (tarn__shape_cast) first. */
bool tarn__shape_fits(duckdb_logical_type t, enum tarn__shapes what);
/* SQL text of the type to cast to. */
void tarn__shape_cast(struct tarn_buf *b, duckdb_logical_type t, enum tarn__shapes what);
enum tarn_status tarn__shape_of(struct tarn_op *op, duckdb_logical_type t,
                                struct tarn__shape *out_shape,
                                struct tarn_type *out_type) TARN_MUST_USE;
/* SQL text of an Iceberg type. */
void tarn__type_sql(struct tarn_buf *b, const struct tarn_type *t);
/* NULL on failure of the engine's allocation. The caller destroys it. */
duckdb_logical_type tarn__type_logical(const struct tarn_type *t);
/* TARN_UNSUPPORTED, with the column's name, for types that cannot be read, or written. */
enum tarn_status tarn__type_supported(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_str column) TARN_MUST_USE;
enum tarn_status tarn__type_writable(struct tarn_op *op, const struct tarn_type *t,
                                     struct tarn_str column) TARN_MUST_USE;
bool tarn__holds_variant(const struct tarn_type *t); /* at any depth */
/* Can a producer hand it over (format/batch.h)? */
bool tarn__type_batched(const struct tarn_type *t);
/* Names of a struct's fields, quoted, as "a", "b". */
void tarn__names_sql(struct tarn_buf *b, const struct tarn_type *root);

/* ---- result.c */

/* Rows of a chunk as columns in `arena` (the op's own is left alone but for reports). */
enum tarn_status tarn__chunk_columns(struct tarn_op *op, struct tarn_arena *arena,
                                     duckdb_data_chunk chunk, const struct tarn__shape *shapes,
                                     const struct tarn_type *root,
                                     struct tarn_batch *out) TARN_MUST_USE;
/* A flat vector's first n rows, in op->arena. */
enum tarn_status tarn__vector_column(struct tarn_op *op, duckdb_vector v,
                                     const struct tarn__shape *shape, const struct tarn_type *type,
                                     size_t n, struct tarn_column *out) TARN_MUST_USE;
/* Whole small results: all rows of a materialised one, in op->arena. */
struct tarn__rows {
    struct tarn_type type;
    struct tarn_batch *batches;
    size_t batch_count;
    size_t rows;
};
enum tarn_status tarn__rows_of(struct tarn_op *op, duckdb_result *r,
                               struct tarn__rows *out) TARN_MUST_USE;
static inline struct tarn_str tarn__cell_str(const struct tarn_column *c, size_t row)
{
    if (tarn_column_is_null(c, row))
        return (struct tarn_str){NULL, 0};
    return tarn_str_of(c->bytes + c->offsets[row], c->offsets[row + 1] - c->offsets[row]);
}

/* ---- rewrite.c: a text before it is parsed */

struct tarn__at { /* a table is read AT a version or time */
    size_t table; /* where the table's name begins in the new text */
    bool timestamp;
    size_t begin, length; /* the expression, in the source's sql */
};
struct tarn__rewritten {
    struct tarn_sql_text text;   /* with spans into what the user wrote */
    struct tarn_sql_text source; /* what it was made of */
    struct tarn__at *ats;        /* cut out of it */
    size_t at_count;
};
enum tarn_status tarn__rewrite(struct tarn_session *s, struct tarn_op *op,
                               const struct tarn_sql_text *user, size_t body,
                               struct tarn__rewritten *out) TARN_MUST_USE;
/* "; CREATE MACRO .." for all that the session has: another connection's catalog needs them too. */
void tarn__macros_sql(struct tarn_buf *b, const struct tarn_session *s);
/* Fills at, at_text and at_us of a name that stands at ref->offset of the new text. */
enum tarn_status tarn__at_value(struct tarn_session *s, struct tarn_op *op,
                                const struct tarn__rewritten *r,
                                struct tarn_table_ref *ref) TARN_MUST_USE;

/* ---- parse.c */

struct tarn__refs {
    struct tarn__rewritten rewritten; /* offsets are those of its text */
    struct tarn_table_ref *items;     /* in the order of the tree */
    size_t count;
    size_t *found;                /* one an item: index of its name, SIZE_MAX = none */
    struct tarn__star *stars;     /* star.c */
    bool natural;                 /* a NATURAL JOIN */
    struct tarn__splice *splices; /* the catalog prefix, where its real name differs */
    size_t splice_count, splice_cap;
    bool has_filter;        /* WHERE, HAVING, QUALIFY or a join's condition: planning may pay */
    struct tarn_str *nulls; /* columns that are a bare NULL, by their aliases */
    size_t null_count;
    bool show_tables; /* SHOW TABLES */
    struct tarn_str show_schema;
};
/* Rewrites and parses text.sql from `body` on. TARN_SQL, or TARN_UNSUPPORTED for statements that
 * are no SELECT. */
enum tarn_status tarn__parse(struct tarn_session *s, struct tarn_op *op,
                             const struct tarn_sql_text *text, size_t body,
                             struct tarn__refs *out) TARN_MUST_USE;
/* Bytes of the rewritten text become `put`; replaces what was said of the same place. */
enum tarn_status tarn__splice_add(struct tarn_op *op, struct tarn__refs *refs,
                                  struct tarn__splice splice) TARN_MUST_USE;
/* Applies splices: out->user, out->sql. */
enum tarn_status tarn__splice(struct tarn_op *op, struct tarn__refs *refs,
                              struct tarn__text *out) TARN_MUST_USE;

/* ---- meta.c: sets of metadata columns (enum tarn__meta) */

/* The set of those that a text names. */
unsigned tarn__meta_words(struct tarn_str sql);
/* Without those that the table has as columns of its own. */
unsigned tarn__meta_missing(unsigned set, const struct tarn_type *root);
/* ", "_pos" BIGINT": for CREATE TABLE. */
void tarn__meta_columns(struct tarn_buf *b, unsigned set);

/* ---- star.c: "*" without metadata columns */

enum tarn_status tarn__stars_note(struct tarn_op *op, struct tarn__refs *refs, size_t body,
                                  const struct tarn_json *select) TARN_MUST_USE;
/* When refs->found and the names' metadata columns are known. */
enum tarn_status tarn__stars_hide(struct tarn_op *op, struct tarn__refs *refs, size_t body,
                                  const struct tarn__names *names) TARN_MUST_USE;

/* ---- names.c */

enum tarn__views { TARN__VIEWS_EMPTY, TARN__VIEWS_SCANS };
struct tarn__name {
    struct tarn_str ns, name; /* as written at first use; a USEd namespace is put in */
    struct tarn_str schema;   /* of the session's catalog: where its view stands */
    enum tarn_at at;
    struct tarn_str at_text;
    int64_t at_us;
    struct tarn_relation relation;
    struct tarn__refs *view_refs; /* a view: of its text */
    struct tarn_str view_sql;     /* with its splices done */
    unsigned meta;                /* metadata columns behind the table's own */
    struct tarn_expr *filter;     /* NULL = all rows */
    const struct tarn_scan *scan;
};
struct tarn__names {
    struct tarn__name *items; /* views after what they read */
    size_t count;
};
/* Looks all names up, makes their views and fills *text (whose body is set). *out is as long alive
 * as the op. */
enum tarn_status tarn__names_bind(struct tarn_session *s, struct tarn_op *op,
                                  struct tarn__refs *refs, size_t body, enum tarn__views how,
                                  struct tarn__text *text, struct tarn__names *out) TARN_MUST_USE;
/* "ns.name VERSION AS OF x" */
struct tarn_str tarn__name_text(struct tarn_op *op, const struct tarn__name *n);

/* ---- views.c: the names' views in the session's catalog */

enum tarn_status tarn__view_make(struct tarn_session *s, struct tarn_op *op, struct tarn__name *n,
                                 enum tarn__views how) TARN_MUST_USE;
/* May a column be of a narrower type in some of the scan's files? */
bool tarn__view_promoted(const struct tarn_scan *scan);
/* Settings for what the views made of these names read. */
enum tarn_status tarn__views_filters(struct tarn_session *s, struct tarn_op *op,
                                     const struct tarn__names *names) TARN_MUST_USE;
/* A view that an earlier statement made there goes. */
enum tarn_status tarn__view_forget(struct tarn_session *s, struct tarn_op *op,
                                   struct tarn_str schema, struct tarn_str name) TARN_MUST_USE;
/* Rows of metadata tables of earlier statements go. */
enum tarn_status tarn__view_rows_drop(struct tarn_session *s, struct tarn_op *op) TARN_MUST_USE;
/* "catalog"."ns"."name" */
void tarn__name_sql(struct tarn_buf *b, const struct tarn_session *s, struct tarn_str ns,
                    struct tarn_str name);

/* ---- view.c */

/* Columns that say where a row comes from (spec "Reserved Field IDs", "Row Lineage"), in this order
 * behind a table's own. A set of them is an OR of these. */
enum tarn__meta {
    TARN__META_FILE = 1,      /* _file VARCHAR: the data file's path */
    TARN__META_POS = 2,       /* _pos BIGINT */
    TARN__META_SPEC_ID = 4,   /* _spec_id INTEGER */
    TARN__META_ROW_ID = 8,    /* _row_id BIGINT; NULL in files without a first row id */
    TARN__META_SEQUENCE = 16, /* _last_updated_sequence_number BIGINT; likewise */
    TARN__META_ALL = 31
};
/* "_file" of TARN__META_FILE and so on. */
const char *tarn__meta_name(enum tarn__meta one);
/* The column of this name (in any case); 0 = none. */
unsigned tarn__meta_of(struct tarn_str name);
/* The SELECT over a scan, with metadata columns of the set `meta`. */
enum tarn_status tarn__scan_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                const struct tarn_scan *scan, struct tarn_str what, unsigned meta,
                                struct tarn__live **lives) TARN_MUST_USE;
/* The same columns without a row. */
enum tarn_status tarn__empty_sql(struct tarn_op *op, struct tarn_buf *b,
                                 const struct tarn_type *root, unsigned meta) TARN_MUST_USE;

/* ---- prune.c */

/* Fills the names' filters; failing at that is no failure: they stay NULL. */
void tarn__prune(struct tarn_session *s, struct tarn_op *op, struct tarn_str sql,
                 struct tarn__names *names);

#endif
