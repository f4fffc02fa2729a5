/* project: a folder with tarn.yaml, models/ and checks/ as checked structs; its graph; selections.
 *
 *     tarn.yaml                        profiles, ingest, schedule, vars; see docs/project.md
 *     .env                             KEY=VALUE, weaker than the real environment
 *     models/<namespace>/<table>.sql   one SELECT, options in a leading comment "tarn"
 *     checks/<name>.sql                a query that returns the rows which offend
 *
 * 1. tarn_project_find, tarn_project_load read and check everything that can be known without a
 *    catalog or an engine.
 * 2. tarn_graph_build asks the engine (a callback) which tables each SQL text reads, finds circles
 *    and puts the nodes in order.
 * 3. tarn_graph_select picks nodes with dbt's spelling (+model+, tag:, path:, source:).
 *
 * Everything is plain data in op->arena, never changed afterwards, and valid as long as that arena;
 * names are zero-terminated. What is wrong is told with file:line:column: TARN_CONFIG for
 * tarn.yaml, .env and the environment, TARN_MODEL for models and checks, TARN_UNSUPPORTED for what
 * a later version will take. Places are relative to the working directory if that is shorter, so
 * that a terminal can open them. Names of columns (key, partition_by, checks ...) are checked by
 * those who know the schema: each struct keeps its YAML nodes for tarn_yaml_fail, or a tarn_place.
 */
#ifndef TARN_PROJECT_H
#define TARN_PROJECT_H

#include "base/yaml.h"
#include "catalog/catalog.h"
#include "engine/engine.h"
#include "flow/decode.h"

#define TARN_PROJECT_FILE    "tarn.yaml"
#define TARN_MODEL_FILES_MAX 10000
#define TARN_MODEL_SIZE_MAX  ((size_t)1 << 20)

/* ---- texts with places */

struct tarn_strs {
    struct tarn_str *items;
    size_t count;
    /* NULL: absent. Items' nodes: node->first ..., or node itself for a single value */
    const struct tarn_yaml *node;
};
/* Where something stands in a file of the project. */
struct tarn_place {
    struct tarn_str file; /* as shown; absent = nowhere */
    struct tarn_str text; /* the whole file, for carets */
    int line, column;
};
struct tarn_place tarn_place_of(const struct tarn_yaml *node);
/* tarn_fail at a place. */
enum tarn_status tarn_place_fail(struct tarn_op *op, enum tarn_status status,
                                 struct tarn_place place, const char *fmt, ...) TARN_PRINTF(4, 5);
/* The YAML node of one item of a list, for tarn_yaml_fail. */
const struct tarn_yaml *tarn_strs_node(const struct tarn_strs *list, size_t index);

/* ---- checks */

enum tarn_check_kind {
    TARN_CHECK_NOT_NULL,        /* columns */
    TARN_CHECK_UNIQUE,          /* columns together; rows with a null in one of them do not count */
    TARN_CHECK_ACCEPTED_VALUES, /* columns[0], values as text; null passes */
    TARN_CHECK_RELATIONSHIP,    /* columns[0] is null or stands in to.to_column */
    TARN_CHECK_EXPRESSION,      /* sql: an expression that no row may make false; null passes */
    TARN_CHECK_ROW_COUNT,       /* row_min..row_max */
    TARN_CHECK_SQL              /* sql: a query; each row of it offends */
};
enum tarn_severity { TARN_SEVERITY_ERROR, TARN_SEVERITY_WARN };
extern const char *const tarn_check_kind_names[]; /* "not_null" ..., NULL-terminated */
extern const char *const tarn_severity_names[];

struct tarn_check {
    enum tarn_check_kind kind;
    enum tarn_severity severity;
    /* given, or made: "not_null_entry_id", the file's name; unique within its table */
    struct tarn_str name;
    struct tarn_str description;
    /* what is checked; of a SQL check its `model:`, absent (.ptr NULL) without one */
    struct tarn_ident table;
    struct tarn_strs columns;
    struct tarn_strs values;
    struct tarn_ident to; /* RELATIONSHIP */
    struct tarn_str to_column;
    int64_t row_min, row_max; /* ROW_COUNT; INT64_MAX = no limit */
    struct tarn_str sql;      /* EXPRESSION: the expression; SQL: the query */
    int sql_line; /* SQL: the line of the file that the query starts at; EXPRESSION: place.line */
    struct tarn_strs tags; /* SQL */
    struct tarn_str file;  /* SQL: as shown; else absent */
    struct tarn_str path;  /* SQL: "checks/x.sql", relative to the project's folder */
    struct tarn_str text;  /* SQL: the whole file */
    struct tarn_place place;
    const struct tarn_yaml *node; /* NULL: a SQL file without header */
};
struct tarn_checks {
    struct tarn_check *items;
    size_t count;
};

/* ---- profile: where things are */

/* As tarn_input_format, then Parquet. */
enum tarn_file_format { TARN_FILE_EJSON, TARN_FILE_JSON, TARN_FILE_CSV, TARN_FILE_PARQUET };
extern const char *const tarn_file_format_names[];

struct tarn_catalog_config {
    struct tarn_str kind; /* "sqlite" */
    struct tarn_str name; /* "iceberg" */
    struct tarn_str path; /* absolute; <warehouse>/catalog.db */
};
/* How files are read; in an ingest entry: its source's with the entry's own on top. */
struct tarn_format_config {
    enum tarn_file_format format;
    /* all but PARQUET: complete but for ingest_ts_us and workers; declared columns are those of the
     * ingest entry */
    struct tarn_decode_options decode;
};
struct tarn_source_config {
    struct tarn_str name;
    struct tarn_str kind; /* "files" */
    struct tarn_str path; /* folder, absolute */
    struct tarn_format_config format;
    const struct tarn_yaml *node;
};
struct tarn_profile {
    struct tarn_str name;
    struct tarn_str warehouse; /* absolute path, no slash at the end */
    struct tarn_catalog_config catalog;
    struct tarn_source_config *sources;
    size_t source_count;
    uint64_t memory_limit_bytes; /* 0 = not set: 60 % of the machine or cgroup */
    int threads;                 /* 0 = not set: all cores */
    const struct tarn_yaml *node;
};

/* ---- tarn.yaml */

/* A file that was read is another one now. */
enum tarn_on_change { TARN_ON_CHANGE_REPLACE, TARN_ON_CHANGE_REFUSE };
/* A value that its column cannot hold. */
enum tarn_on_type_conflict { TARN_ON_TYPE_WIDEN, TARN_ON_TYPE_DEAD_LETTER };

struct tarn_ingest {
    struct tarn_str source_name, stream; /* tarn.position.<source>.<stream> */
    const struct tarn_source_config *source;
    struct tarn_strs files; /* globs below source->path; given or made from the stream's name */
    struct tarn_ident to;
    struct tarn_str app;      /* entry's, else the source's name */
    struct tarn_str location; /* of the table: absolute */
    struct tarn_str description;
    struct tarn_strs partition_by;
    struct tarn_strs tags;
    struct tarn_format_config format; /* decode.declared = the entry's `columns` */
    /* mapping path -> type: places of decode.declared, same order; NULL: none */
    const struct tarn_yaml *columns;
    enum tarn_on_change on_change;
    enum tarn_on_type_conflict on_type_conflict;
    uint64_t rewrite_max_bytes;
    int64_t max_dead_letters; /* a run; -1 = no limit */
    struct tarn_kvs properties;
    struct tarn_checks checks;
    struct tarn_place place;
    const struct tarn_yaml *node;
};
struct tarn_schedule { /* checked; nothing runs by itself in this version */
    struct tarn_str name, cron, timezone;
    struct tarn_strs select, exclude;
    const struct tarn_yaml *node;
};

/* ---- models */

enum tarn_model_kind { TARN_MODEL_VIEW, TARN_MODEL_TABLE, TARN_MODEL_APPEND, TARN_MODEL_MERGE };
extern const char *const tarn_model_kind_names[];

struct tarn_model {
    struct tarn_ident ident;
    enum tarn_model_kind kind;   /* TABLE without a header */
    struct tarn_strs key;        /* MERGE: at least one */
    struct tarn_strs replace_by; /* MERGE */
    struct tarn_strs audit;      /* MERGE */
    struct tarn_strs partition_by;
    struct tarn_strs tags;
    struct tarn_checks checks;
    struct tarn_str description;
    struct tarn_str app;      /* header's, else the project's */
    struct tarn_str location; /* absolute; absent for a view */
    struct tarn_kvs properties;
    /* contract: the result has exactly these columns of these types, in this order; NULL: none */
    struct tarn_declared *columns;
    size_t column_count;
    const struct tarn_yaml *columns_node;
    struct tarn_str sql;  /* the SELECT: behind the header, without a final semicolon */
    int sql_line;         /* line of the file that sql starts at; its columns are the file's too */
    struct tarn_str file; /* as shown */
    struct tarn_str path; /* "models/raw/x.sql", relative to the project's folder */
    struct tarn_str text; /* the whole file */
    const struct tarn_yaml *node; /* NULL: no header */
};
/* For the engine: sql, file, line and whole text. */
struct tarn_sql_text tarn_model_sql(const struct tarn_model *model);
struct tarn_sql_text tarn_check_sql(const struct tarn_check *check);

struct tarn_project {
    struct tarn_str name;
    struct tarn_str app;    /* `app:`, else the name */
    struct tarn_str folder; /* absolute, no slash at the end */
    struct tarn_str file;   /* tarn.yaml as shown */
    struct tarn_str description;
    struct tarn_profile profile; /* the chosen one */
    struct tarn_strs profile_names;
    struct tarn_str layout;
    struct tarn_ingest *ingest;
    size_t ingest_count;
    struct tarn_schedule *schedules;
    size_t schedule_count;
    struct tarn_kvs vars;      /* names of SQL variables (getvariable) and their values */
    struct tarn_model *models; /* sorted by namespace and name */
    size_t model_count;
    struct tarn_checks checks; /* of checks/, sorted by name */
    struct tarn_strs secrets;  /* values that came out of ${secret:...}: never print them */
};

struct tarn_project_options {
    /* the project's folder; absent: TARN_PROJECT_DIR, else looked for from the working directory
     * upwards */
    struct tarn_str dir;
    struct tarn_str profile;        /* absent: TARN_PROFILE, else `profile:`, else the only one */
    struct tarn_str warehouse;      /* absent: TARN_WAREHOUSE, else the profile's */
    struct tarn_str catalog_name;   /* absent: TARN_CATALOG_NAME, else the profile's */
    const char *const *environment; /* "NAME=value", NULL-terminated; NULL: the process's */
};
/* The folder with tarn.yaml: start itself or the nearest above it; `dir` if given, which must have
 * one. TARN_CONFIG with a hint. */
enum tarn_status tarn_project_find(struct tarn_op *op, const struct tarn_project_options *options,
                                   struct tarn_str *out_folder) TARN_MUST_USE;
/* Finds and reads the project. */
enum tarn_status tarn_project_load(struct tarn_op *op, const struct tarn_project_options *options,
                                   struct tarn_project **out) TARN_MUST_USE;
/* Where a table lies: <warehouse>/<layout>. {name} is the table's name without a leading "<app>_";
 * '.' in a namespace becomes '/'. For tables that the caller adds beside the project's own (dead
 * letters): the app of their owner. */
enum tarn_status tarn_project_location(struct tarn_op *op, const struct tarn_project *project,
                                       struct tarn_ident ident, struct tarn_str app,
                                       struct tarn_str *out) TARN_MUST_USE;
/* Replaces each secret's value in the report by "***". */
void tarn_project_redact(const struct tarn_project *project, struct tarn_report *report);

/* ---- the graph */

enum tarn_node_kind { TARN_NODE_INGEST, TARN_NODE_MODEL, TARN_NODE_CHECK };

/* A table that a node's SQL reads. */
struct tarn_input {
    /* as resolved: of the project's own spelling, or as written; ns absent if it was and none was
     * found */
    struct tarn_ident ident;
    /* who makes it: of raw.x__files and raw.x__dead_letters the ingest entry of raw.x; NULL: not of
     * this project, to be found in the catalog */
    const struct tarn_node *node;
    size_t offset; /* in the node's sql, of first use */
};
struct tarn_node {
    enum tarn_node_kind kind;
    const struct tarn_ingest *ingest; /* one of the three */
    const struct tarn_model *model;
    const struct tarn_check *check;
    struct tarn_ident ident; /* INGEST, MODEL: the table; CHECK: its table, which may be absent */
    /* "raw.x"; a check: "raw.x.not_null_id", or the SQL check's name. Unique. */
    struct tarn_str id;
    struct tarn_str path; /* relative file: "tarn.yaml", "models/raw/x.sql", "checks/y.sql" */
    size_t index;         /* in graph->nodes */
    /* what is read, in order of first use; RELATIONSHIP: table, then `to` */
    struct tarn_input *inputs;
    size_t input_count;
    struct tarn_node **parents; /* nodes among the inputs, each once */
    size_t parent_count;
    struct tarn_node **children;
    size_t child_count;
};
struct tarn_graph {
    const struct tarn_project *project;
    /* parents first; otherwise ingest in the file's order, models and checks by name */
    struct tarn_node *nodes;
    size_t count;
    struct tarn_node **tables; /* inside: INGEST and MODEL by name, for tarn_graph_find */
    size_t table_count;
};
/* Which tables a SELECT reads: tarn_session_refs behind a context. */
typedef enum tarn_status tarn_refs_fn(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                                      struct tarn_table_refs *out);
/* TARN_MODEL: a model that reads itself, a cycle (with its path), a name without namespace that
 * fits two tables. */
enum tarn_status tarn_graph_build(struct tarn_op *op, const struct tarn_project *project,
                                  tarn_refs_fn *refs, void *refs_ctx,
                                  struct tarn_graph **out) TARN_MUST_USE;
/* The node that makes a table; NULL if none. Exact case first, then the only one in any case.
 * Without namespace: the one in `home` (a namespace, may be absent), else the only one of that
 * name; several are NULL with *out_ambiguous set (may be NULL). */
const struct tarn_node *tarn_graph_find(const struct tarn_graph *graph, struct tarn_ident ident,
                                        struct tarn_str home, bool *out_ambiguous);

/* Selection. Several texts, and several words in one text, are a union; words joined by commas an
 * intersection.
 *     word    = [N] "+" method "+" [N]          with ancestors, with descendants, to a depth of N
 *     method  = name | namespace | namespace.name | tag:x | path:models/raw |
 *               source:fq_app | source:fq_app.accounts
 * each with * ? [..]; what holds a slash is a path. A check comes along with its table; a check
 * query without `model:` when a table that it reads is selected and the others are selected too or
 * above one that is. By its id or name a check is selected alone. Nothing matched by a word is
 * TARN_USAGE with the nearest name. */
struct tarn_selection {
    bool *chosen; /* one a node */
    size_t count; /* of chosen */
};
/* No selectors: everything. */
enum tarn_status tarn_graph_select(struct tarn_op *op, const struct tarn_graph *graph,
                                   const struct tarn_str *select, size_t select_count,
                                   const struct tarn_str *exclude, size_t exclude_count,
                                   struct tarn_selection *out) TARN_MUST_USE;
/* Only the spelling (for schedules): TARN_USAGE. */
enum tarn_status tarn_selector_check(struct tarn_op *op, struct tarn_str text) TARN_MUST_USE;

/* docs/project.md out of the schemas. */
enum tarn_status tarn_project_doc(struct tarn_op *op, struct tarn_str *out) TARN_MUST_USE;

#endif
