/* project_int: what the files of this room share with one another only.
 *
 * Loading goes: files.c (bytes, paths) -> env.c (variables, .env) -> expand.c (${...} and TARN__
 * overrides in the YAML tree) -> profile.c, ingest.c, schedule.c, check.c, model.c (tree into
 * structs) -> project.c (puts them together and checks what spans several of them).
 */
#ifndef TARN_PROJECT_INT_H
#define TARN_PROJECT_INT_H

#include "project/project.h"

/* ---- files.c */

/* A file of the project, whole. */
struct tarn__file {
    struct tarn_str path;  /* absolute */
    struct tarn_str shown; /* in messages */
    struct tarn_str text;
};
/* Reads out->path; fills shown and text. `what` names it in messages ("model"). TARN_NOT_FOUND,
 * TARN_DENIED, TARN_IO, TARN_LIMIT; a text that is not UTF-8 or holds a NUL byte is `status`. */
enum tarn_status tarn__file_read(struct tarn_op *op, const char *what, enum tarn_status status,
                                 size_t max_bytes, struct tarn__file *file) TARN_MUST_USE;
/* The path as people see it: relative to the working directory when that is shorter. */
struct tarn_str tarn__path_shown(struct tarn_op *op, struct tarn_str path);
/* base/path without "." and ".." and double slashes; an absolute path stands for itself. */
struct tarn_str tarn__path_absolute(struct tarn_op *op, struct tarn_str base, struct tarn_str path);
/* Paths below `folder`, relative to it, sorted by bytes; hidden names are passed over. An absent
 * folder is an empty list. */
enum tarn_status tarn__files_below(struct tarn_op *op, struct tarn_str folder,
                                   struct tarn_strs *out) TARN_MUST_USE;

/* ---- env.c */

struct tarn__env {
    const char *const *process; /* "NAME=value" */
    struct tarn_kvs file;       /* of .env */
    struct tarn_kvs example;    /* of .env.example: for hints only */
};
/* Reads <folder>/.env if there is one. */
enum tarn_status tarn__env_load(struct tarn_op *op, struct tarn_str folder,
                                const char *const *process, struct tarn__env *out) TARN_MUST_USE;
/* Absent (.ptr NULL) when neither the process nor .env has it. */
struct tarn_str tarn__env_get(const struct tarn__env *env, struct tarn_str name);
struct tarn_str tarn__env_process_get(const char *const *process, struct tarn_str name);
/* The lines of a .env text, in order. */
enum tarn_status tarn__env_parse(struct tarn_op *op, const struct tarn__file *file,
                                 struct tarn_kvs *out) TARN_MUST_USE;

/* ---- expand.c */

struct tarn__expand {
    const struct tarn__env *env;
    struct tarn_str *secrets; /* values, grown in op->arena */
    size_t secret_count, secret_cap;
};
/* Replaces ${NAME}, ${NAME:-default}, ${secret:name} in every scalar below the node (itself
 * included). */
enum tarn_status tarn__expand_tree(struct tarn_op *op, struct tarn__expand *x,
                                   struct tarn_yaml *node) TARN_MUST_USE;
/* Applies TARN__SECTION__KEY to the profile's tree. */
enum tarn_status tarn__override_tree(struct tarn_op *op, const struct tarn__env *env,
                                     struct tarn_yaml *profile) TARN_MUST_USE;

/* ---- names.c: words that several files check alike */

/* Letters, digits, _, -, and what is not ASCII. */
bool tarn__name_ok(struct tarn_str name);
/* The length of "__files" or "__dead_letters" at the name's end, else 0: ingest keeps tables of
 * these names beside its own. */
size_t tarn__side_suffix(struct tarn_str name);
/* "ns.table" (the last dot divides) at a node. */
enum tarn_status tarn__ident_parse(struct tarn_op *op, const struct tarn_yaml *node,
                                   struct tarn_str text, struct tarn_ident *out) TARN_MUST_USE;
/* "ns.table" in op->arena. */
struct tarn_str tarn__ident_text(struct tarn_op *op, struct tarn_ident ident);
/* tarn_str_nearest over tarn_strs whose texts are zero-terminated. */
const char *tarn__nearest(struct tarn_op *op, struct tarn_str name, const struct tarn_str *names,
                          size_t count);
/* A filled list of strings; an empty or a repeated one is an error. */
enum tarn_status tarn__strs_of(struct tarn_op *op, const struct tarn_yaml_list *list,
                               struct tarn_strs *out) TARN_MUST_USE;
/* .items NULL: TARN_NOMEM was reported */
struct tarn_kvs tarn__kvs_of(struct tarn_op *op, const struct tarn_yaml_map *map);
/* A filled map of path -> type text. */
enum tarn_status tarn__declared_of(struct tarn_op *op, const struct tarn_yaml_map *map,
                                   struct tarn_declared **out, size_t *out_count) TARN_MUST_USE;
/* A field of a YAML list of strings. */
extern const struct tarn_yaml_field tarn__text_field, tarn__any_field;

/* ---- sql.c */

/* The parts of a .sql file: an optional header "tarn" and the query. */
struct tarn__sql_file {
    bool has_header;
    size_t header_begin, header_end; /* byte offsets of the YAML */
    struct tarn_str sql;             /* the query, its first line padded to its column */
    int sql_line;
};
/* `what` is "model" or "check". TARN_MODEL with a place: comment not closed, header further down,
 * no query, Jinja. */
enum tarn_status tarn__sql_split(struct tarn_op *op, const struct tarn__file *file,
                                 const char *what, struct tarn__sql_file *out) TARN_MUST_USE;
/* The header's tree; a null scalar without header. */
enum tarn_status tarn__sql_header(struct tarn_op *op, const struct tarn__file *file,
                                  const struct tarn__sql_file *parts,
                                  struct tarn_yaml **out) TARN_MUST_USE;

/* ---- profile.c, ingest.c, schedule.c, check.c, model.c */

extern const struct tarn_yaml_schema tarn__root_schema, tarn__profile_schema, tarn__catalog_schema,
    tarn__files_source_schema, tarn__ingest_schema, tarn__schedule_schema, tarn__model_schema,
    tarn__sql_check_schema;
/* NULL-terminated; for the documentation */
extern const struct tarn_yaml_schema *const tarn__check_schemas[];

/* Key names only: profiles that were not chosen hold variables that need not be set. */
enum tarn_status tarn__profile_check_keys(struct tarn_op *op,
                                          const struct tarn_yaml *node) TARN_MUST_USE;
/* `p` has folder. Fills p->profile. */
enum tarn_status tarn__profile_load(struct tarn_op *op, const struct tarn_project_options *options,
                                    const struct tarn__env *env, const struct tarn_yaml *node,
                                    struct tarn_project *p) TARN_MUST_USE;
const struct tarn_source_config *tarn__profile_source(const struct tarn_profile *profile,
                                                      struct tarn_str name);

/* How the bytes of a source are read: the same keys in a source and in an ingest entry. */
struct tarn__format_raw {
    int format;
    struct tarn_str delimiter, quote, null_text, records;
    int encoding;
    bool header;
    bool has_format, has_delimiter, has_quote, has_header, has_encoding, has_null, has_records;
};
/* clang-format off */
#define TARN__FORMAT_FIELDS(owner, m)                                                              \
    {"format", TARN_YAML_ENUM, offsetof(owner, m.format),                                          \
     .has_offset = offsetof(owner, m.has_format), .names = tarn_file_format_names,                 \
     .doc = "of the files; `json` if neither the source nor the entry says. `ejson` reads "        \
            "MongoDB's Extended JSON"},                                                            \
    {"delimiter", TARN_YAML_STRING, offsetof(owner, m.delimiter),                                  \
     .has_offset = offsetof(owner, m.has_delimiter), .doc = "CSV: one character; `,`"},            \
    {"quote", TARN_YAML_STRING, offsetof(owner, m.quote),                                          \
     .has_offset = offsetof(owner, m.has_quote), .doc = "CSV: one character; `\"`"},               \
    {"header", TARN_YAML_BOOL, offsetof(owner, m.header),                                          \
     .has_offset = offsetof(owner, m.has_header),                                                  \
     .doc = "CSV: the first line names the columns; true. Else they are column0, column1, ..."},   \
    {"encoding", TARN_YAML_ENUM, offsetof(owner, m.encoding),                                      \
     .has_offset = offsetof(owner, m.has_encoding), .names = tarn__encoding_names,                 \
     .doc = "CSV: utf-8"},                                                                         \
    {"null", TARN_YAML_STRING, offsetof(owner, m.null_text),                                       \
     .has_offset = offsetof(owner, m.has_null),                                                    \
     .doc = "CSV: an unquoted text that means null, besides the empty one"},                       \
    {"records", TARN_YAML_STRING, offsetof(owner, m.records),                                      \
     .has_offset = offsetof(owner, m.has_records),                                                 \
     .doc = "JSON: dotted path of the list of records inside a document, such as "                 \
            "`data.invoices`"}
/* clang-format on */
extern const char *const tarn__encoding_names[];
/* Lays what is given over *format. Keys that do not fit the format that results are errors at
 * `node`'s members. */
enum tarn_status tarn__format_apply(struct tarn_op *op, const struct tarn_yaml *node,
                                    const struct tarn__format_raw *raw,
                                    struct tarn_format_config *format) TARN_MUST_USE;

/* `list`: TARN_YAML_LIST of ingest_schema, filled. */
enum tarn_status tarn__ingest_load(struct tarn_op *op, const struct tarn_yaml_list *list,
                                   struct tarn_project *p) TARN_MUST_USE;
enum tarn_status tarn__schedules_load(struct tarn_op *op, const struct tarn_yaml_map *map,
                                      struct tarn_project *p) TARN_MUST_USE;
/* False: *out_why is a constant text. */
bool tarn__cron_ok(struct tarn_str cron, const char **out_why);

/* A `checks:` list of a table. */
enum tarn_status tarn__checks_of(struct tarn_op *op, const struct tarn_yaml_list *list,
                                 struct tarn_ident table, struct tarn_checks *out) TARN_MUST_USE;
/* The folder checks/. */
enum tarn_status tarn__sql_checks_load(struct tarn_op *op, struct tarn_project *p) TARN_MUST_USE;
enum tarn_status tarn__models_load(struct tarn_op *op, struct tarn_project *p) TARN_MUST_USE;

/* ---- layout.c */

enum tarn_status tarn__layout_check(struct tarn_op *op, const struct tarn_yaml *node,
                                    struct tarn_str layout) TARN_MUST_USE;
/* No two tables of one name or in one folder; each check query's `model:` is there. */
enum tarn_status tarn__tables_check(struct tarn_op *op, const struct tarn_project *p) TARN_MUST_USE;

#endif
