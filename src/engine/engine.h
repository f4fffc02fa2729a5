/* engine: the embedded SQL engine behind a small seam (DuckDB today; only engine/duckdb names it).
 *
 * An engine is an instance with a fixed share of threads and memory. A session is one connection
 * with its own names: tables of the catalog appear in it
 * as views over scans, made lazily for the names that a statement uses, through a resolver. One
 * session runs one statement at a time; a streaming
 * result holds its session until it is closed. Cancel (op->cancel level 2) interrupts a running
 * statement.
 *
 * Errors: TARN_SQL with the place in the statement (report line/column when `sql_file` is
 * given), TARN_COLUMN, TARN_TABLE with a hint ("did you mean"),
 * TARN_DATA (overflow, failed casts, a row named if the engine does), TARN_NOMEM,
 * TARN_DISK_FULL, TARN_CORRUPT naming the data file, TARN_CANCELLED.
 */
#ifndef TARN_ENGINE_H
#define TARN_ENGINE_H

#include "lake/scan.h"

struct tarn_engine;
struct tarn_session;
struct tarn_result;

struct tarn_engine_options {
    int threads; /* 0 = all cores */
    /* for the whole process: the engine takes its share, about memory - 150 MB; 0 = 60 % of the
     * machine or cgroup */
    int64_t memory_limit_bytes;
    struct tarn_str temp_folder; /* made when first needed, removed at close */
    /* tarn_session_progress is wanted; costs up to a third of a long statement's time */
    bool progress;
    struct tarn_str catalog_name; /* "iceberg": the first part of three-part names */
};
enum tarn_status tarn_engine_open(struct tarn_op *op, const struct tarn_engine_options *,
                                  struct tarn_engine **out) TARN_MUST_USE;
void tarn_engine_close(struct tarn_engine *);
const char *tarn_engine_version(void); /* "DuckDB v1.5.5" */

/* ---- names */

/* A table as a statement names it. "raw.t", "iceberg.raw.t", "raw.t.snapshots", "raw.\"t$files\"",
 * "raw.t.branch_audit", "raw.t.tag_v1", "raw.t VERSION AS OF 7", "raw.t AT (TIMESTAMP => ..)". */
enum tarn_at { TARN_AT_NOW, TARN_AT_VERSION, TARN_AT_TIMESTAMP };
struct tarn_table_ref {
    struct tarn_str catalog, ns, name; /* absent parts have .ptr NULL */
    size_t offset;                     /* byte offset in the text */
    /* "snapshots", "branch_audit", "tag_v1": what stood behind the table's name; absent = none.
     * A resolver that finds no such table takes a last part for it. */
    struct tarn_str suffix;
    enum tarn_at at;
    /* VERSION: a snapshot id, or the name of a branch or tag. TIMESTAMP: microseconds since 1970 */
    struct tarn_str at_text;
    int64_t at_us;
};
struct tarn_relation {
    bool found;
    const struct tarn_type *schema; /* STRUCT with ids: a table; NULL for a view */
    /* a view: its SELECT, whose names are resolved in turn (a view that reads itself:
     * TARN_MODEL) */
    struct tarn_str view_sql;
    struct tarn_str view_ns; /* where its names of one part are looked up first; may be absent */
    const struct tarn_str *view_temps; /* which temporary views its names of one part may mean */
    size_t view_temp_count;
    /* data files at most, when that is cheap to know: with few of them a filter is left to the
     * engine alone, which costs less than asking what the statement filters; 0 = not known */
    int64_t data_files;
    /* a metadata table: its rows, read once into the session by the engine; schema is set too */
    struct tarn_producer *rows;
    void *handle; /* the resolver's own */
};
/* Names of one part are looked up there before anywhere else: temporary views. */
#define TARN_NS_TEMPORARY "tarn temporary"
struct tarn_resolver {
    /* The catalog part was checked and cut off; ns absent for one part. Exact case first, then
     * (one hit only) any case. An unknown snapshot, branch or tag: TARN_NOT_FOUND with what there
     * is; an unknown table is no failure. */
    enum tarn_status (*lookup)(struct tarn_resolver *, struct tarn_op *,
                               const struct tarn_table_ref *, struct tarn_relation *out);
    /* filter NULL = all rows. The scan lives in op->arena. */
    enum tarn_status (*plan)(struct tarn_resolver *, struct tarn_op *, const struct tarn_relation *,
                             const struct tarn_expr *filter, const struct tarn_scan **out);
    /* All "ns.name" there are, for "did you mean" and completion. */
    enum tarn_status (*names)(struct tarn_resolver *, struct tarn_op *, struct tarn_str **out,
                              size_t *out_count);
};

enum tarn_status tarn_session_open(struct tarn_engine *, struct tarn_op *, struct tarn_resolver *,
                                   struct tarn_session **out) TARN_MUST_USE;
void tarn_session_close(struct tarn_session *);

/* Names of one part are looked up there first (USE ns); absent = nowhere. */
enum tarn_status tarn_session_set_namespace(struct tarn_session *, struct tarn_op *,
                                            struct tarn_str ns) TARN_MUST_USE;

/* What a statement reads, out of its parse tree: table names that are no CTEs, in order of first
 * use, each once. Needs no resolver.
 * Only SELECT (WITH, VALUES, FROM-first, set operations...). `file`, `line0` place errors: the
 * statement starts at that line (from 1) of that file. */
/* A statement made out of a user's: which bytes of it are the user's own, so that errors point
 * there. In order; a place outside of all spans has no caret. */
struct tarn_sql_span {
    size_t at, length; /* in sql */
    size_t origin;     /* in the user's text */
};
struct tarn_sql_text {
    struct tarn_str sql;
    const char *file; /* NULL = typed by hand */
    int line0;
    struct tarn_str whole; /* the whole file's text for carets; absent = sql */
    /* sql was made out of `origin` (whose lines line0 counts) */
    const struct tarn_sql_span *spans;
    size_t span_count;
    struct tarn_str origin; /* absent: sql is the user's own */
};
struct tarn_table_refs {
    struct tarn_table_ref *items;
    size_t count;
};
/* Adds a hint to a failure that is placed in this text and has none: a misspelled keyword, a bracket
 * that is open, a statement that other systems have .. */
void tarn_sql_advise(struct tarn_op *, const struct tarn_sql_text *);
enum tarn_status tarn_session_refs(struct tarn_session *, struct tarn_op *, struct tarn_sql_text,
                                   struct tarn_table_refs *out) TARN_MUST_USE;

/* ---- reading. Statements: everything that reads (SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES,
 * EXPLAIN [ANALYZE]). Others are TARN_UNSUPPORTED by name
 * ("UPDATE is not in this version"). EXPLAIN adds what the scans skip and why. Several
 * statements in one text: TARN_SQL. */
enum tarn_status tarn_session_query(struct tarn_session *, struct tarn_op *, struct tarn_sql_text,
                                    struct tarn_result **out) TARN_MUST_USE;
/* The result's columns as a STRUCT (ids 0): engine types that Iceberg lacks come as string
 * (intervals, enums, bit, unions...), hugeint as decimal(38,0), unsigned as the next wider. */
const struct tarn_type *tarn_result_type(const struct tarn_result *);
/* Metadata columns, as Spark has them: a statement that names one of _file (string), _pos (long),
 * _spec_id (int), _row_id, _last_updated_sequence_number (long; the last two NULL before v3) gets
 * it from every table that has no such column itself, behind the table's own columns. They are no
 * part of "*". A NATURAL JOIN is then TARN_UNSUPPORTED. */
/* The scan behind a table of the last statement that was run, prepared or written, or NULL; it
 * lives in that statement's op. Names are as the statement has them (the exact case before any
 * other, the table as it is now before its versions); a branch is ns "raw.t", name "branch_x". */
const struct tarn_scan *tarn_session_scan(const struct tarn_session *, struct tarn_str ns,
                                          struct tarn_str name);
/* What that scan was planned with; NULL = all rows. EXPLAIN plans without running. */
const struct tarn_expr *tarn_session_filter(const struct tarn_session *, struct tarn_str ns,
                                            struct tarn_str name);
/* Next batch (streaming, at most a few thousand rows), valid until the next call; rows = 0 at
 * the end. */
enum tarn_status tarn_result_next(struct tarn_result *, struct tarn_op *,
                                  struct tarn_batch *out) TARN_MUST_USE;
void tarn_result_close(struct tarn_result *); /* NULL-safe */
/* Type of a SELECT without running it; ids 0. */
enum tarn_status tarn_session_describe(struct tarn_session *, struct tarn_op *,
                                       struct tarn_sql_text, struct tarn_type *out) TARN_MUST_USE;
/* Skips of the last statement's scans, added up. */
struct tarn_scan_skips tarn_session_skips(const struct tarn_session *);

/* ---- statements of Tarn's own (trusted text): session temp tables, unchecked by the rules
 * above. Names of the catalog still resolve. */
enum tarn_status tarn_session_exec(struct tarn_session *, struct tarn_op *,
                                   struct tarn_str sql) TARN_MUST_USE;
/* Runs a SELECT to its end into the session's temporary table temp.main."name" (replacing it).
 * Errors are placed in the text. */
enum tarn_status tarn_session_into(struct tarn_session *, struct tarn_op *, struct tarn_sql_text,
                                   struct tarn_str name, int64_t *out_rows) TARN_MUST_USE;
/* Own statements may use tarn_count_distinct(hash(..)) for count(DISTINCT hash(..)): several times
 * as fast where nearly all differ, with 8 bytes a row that memory_limit_bytes does not count. */
#define TARN_DISTINCT_ROWS_MAX 8000000
/* First column of the first row as int64 (0 for NULL or no row). */
enum tarn_status tarn_session_int(struct tarn_session *, struct tarn_op *, struct tarn_str sql,
                                  int64_t *out) TARN_MUST_USE;
/* Makes `name` (in the session's schema "tarn", e.g. tarn.target) a view over a scan, with all
 * metadata columns that the table lacks behind its own when asked. */
enum tarn_status tarn_session_bind_scan(struct tarn_session *, struct tarn_op *,
                                        struct tarn_str name, const struct tarn_scan *,
                                        bool with_positions) TARN_MUST_USE;
/* Names are resolved anew by the next statement. */
void tarn_session_forget_views(struct tarn_session *);

/* ---- writing */
/* Rows of a SELECT (names resolve as usual); its columns are matched to write->schema by name,
 * case-insensitively, and cast strictly. A missing optional
 * column is null; an extra column is TARN_SCHEMA. Half-up rounding only where the query casts. A
 * cast that would lose is TARN_DATA. */
enum tarn_status tarn_session_write(struct tarn_session *, struct tarn_op *, struct tarn_sql_text,
                                    const struct tarn_write *,
                                    struct tarn_written *out) TARN_MUST_USE;
/* Rows of a producer, whose schema's columns are write->schema's in order. Multi-threaded; order
 * is not kept. */
enum tarn_status tarn_session_write_producer(struct tarn_session *, struct tarn_op *,
                                             struct tarn_producer *, const struct tarn_write *,
                                             struct tarn_written *out) TARN_MUST_USE;
/* Position delete files (v2) out of "SELECT file_path, pos": sorted, one file, reserved field
 * ids, bounds on file_path and referenced data file; spec and partition
 * are the caller's to fill (one call a partition). */
enum tarn_status tarn_session_write_deletes(struct tarn_session *, struct tarn_op *,
                                            struct tarn_str sql, const struct tarn_write *,
                                            struct tarn_written *out) TARN_MUST_USE;
/* Reads position delete files (each a local path), for lake's planner. */
enum tarn_status tarn_engine_read_position_deletes(struct tarn_engine *, struct tarn_op *,
                                                   const struct tarn_str *local_paths, size_t count,
                                                   struct tarn_position_deletes *out) TARN_MUST_USE;

/* The engine's SQL spelling of a type ("STRUCT(a VARCHAR)[]"), for casts in statements of Tarn's
 * own. */
void tarn_engine_type_sql(struct tarn_buf *, const struct tarn_type *);
/* A field's default as an expression of its type, for such statements; NULL without one. */
enum tarn_default { TARN_DEFAULT_INITIAL, TARN_DEFAULT_WRITE };
enum tarn_status tarn_engine_default_sql(struct tarn_op *, struct tarn_buf *,
                                         const struct tarn_field *,
                                         enum tarn_default) TARN_MUST_USE;

/* A path as SQL text for the engine's readers, which take *, ? and [ in it for a pattern: they
 * are escaped. */
void tarn_engine_path_sql(struct tarn_buf *, struct tarn_str path);

/* Progress of the running statement, from any thread: 0..100, or -1 = not known (or not asked
 * for at open). */
double tarn_session_progress(struct tarn_session *);

#endif
