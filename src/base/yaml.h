/* yaml: configuration text into a tree with places, and from there into C structs by tables.
 *
 * 1. tarn_yaml_load parses one document. Every node knows its line and column in the file that
 *    the user sees, also when the YAML is a part of another text (the comment at the head of a
 *    model's .sql file). Scalars stay text: nothing is guessed to be a number or a date, and
 *    whoever expands ${NAME} may set node->text before step 2. Refused with a clear message:
 *    anchors, aliases, tags, several documents, keys that are not scalars, duplicate keys, texts
 *    past the limits.
 * 2. tarn_yaml_fill checks a mapping against a schema and fills a C struct. Unknown keys,
 *    missing keys and values of a wrong form are errors with file:line:column and the nearest
 *    right key.
 * 3. tarn_yaml_fail reports what a caller finds wrong later (a name that does not resolve) at
 *    the same places.
 *
 *     struct ingest {
 *         const struct tarn_yaml *node;
 *         struct tarn_str from;
 *         int mode;
 *         struct tarn_yaml_list keys;
 *         struct tarn_yaml_map columns;
 *         uint64_t file_size;
 *         int64_t every_us;
 *     };
 *     struct project { struct tarn_str name; struct tarn_yaml_list ingest; };
 *
 *     #define AT(member) offsetof(struct ingest, member)
 *     static const char *const modes[] = {"append", "upsert", NULL};
 *     static const struct tarn_yaml_field text = {.type = TARN_YAML_STRING};
 *     static const struct tarn_yaml_field ingest_fields[] = {
 *         {.type = TARN_YAML_SELF, .offset = AT(node)},
 *         {"from", TARN_YAML_STRING, AT(from), .required = true, .doc = "source and stream"},
 *         {"mode", TARN_YAML_ENUM, AT(mode), .names = modes, .preset = "append", .doc = "..."},
 *         {"key", TARN_YAML_LIST, AT(keys), .elem = &text, .one_is_list = true, .doc = "..."},
 *         {"columns", TARN_YAML_MAP, AT(columns), .elem = &text, .doc = "declared types"},
 *         {"file_size", TARN_YAML_SIZE, AT(file_size), .preset = "128MB", .doc = "..."},
 *         {"every", TARN_YAML_DURATION, AT(every_us), .preset = "5m", .doc = "..."},
 *     };
 *     static const struct tarn_yaml_schema ingest_schema =
 *         TARN_YAML_SCHEMA("ingest", struct ingest, ingest_fields);
 *     static const struct tarn_yaml_field ingest = {.type = TARN_YAML_MAPPING,
 *                                                   .sub = &ingest_schema};
 *     static const struct tarn_yaml_field project_fields[] = {
 *         {"project", TARN_YAML_STRING, offsetof(struct project, name), .required = true},
 *         {"ingest", TARN_YAML_LIST, offsetof(struct project, ingest), .elem = &ingest},
 *     };
 *     static const struct tarn_yaml_schema project_schema =
 *         TARN_YAML_SCHEMA("project", struct project, project_fields);
 *
 *     struct tarn_yaml *root;
 *     struct project p;
 *     struct tarn_yaml_source source = {.file = TARN_STR("tarn.yaml"), .text = bytes};
 *     TARN_TRY(tarn_yaml_load(op, &source, &root));
 *     TARN_TRY(tarn_yaml_fill(op, root, &project_schema, &p));
 *     const struct ingest *i = p.ingest.items;   // p.ingest.count of them
 *
 * A value whose keys depend on one of them (`kind: mongodb`) is declared ANY; the caller looks
 * at tarn_yaml_get(node, "kind") and calls tarn_yaml_fill again with the schema of that kind.
 */
#ifndef TARN_BASE_YAML_H
#define TARN_BASE_YAML_H

#include "base/op.h"

#define TARN_YAML_SIZE_MAX  ((size_t)4 << 20)
#define TARN_YAML_DEPTH_MAX 64
#define TARN_YAML_NODES_MAX 200000

/* ---- the tree */

struct tarn_yaml_source {
    struct tarn_str file;    /* as shown to the user */
    struct tarn_str text;    /* the whole file, kept alive by the caller as long as the tree */
    size_t begin, end;       /* the YAML inside it, in bytes; end 0 = up to the end of the text */
    enum tarn_status status; /* of failures: TARN_OK (0) means TARN_CONFIG */
};

enum tarn_yaml_kind { TARN_YAML_K_SCALAR, TARN_YAML_K_SEQUENCE, TARN_YAML_K_MAPPING };

struct tarn_yaml {
    enum tarn_yaml_kind kind;
    bool plain;           /* a scalar without quotes and not a block (| or >) */
    struct tarn_str text; /* SCALAR: its value, zero-terminated */
    int line, column;     /* of the value, in the file, from 1; columns count characters */
    struct tarn_str key;  /* in a mapping */
    int key_line, key_column;
    struct tarn_yaml *first; /* children in order */
    struct tarn_yaml *next;
    size_t count;
    const struct tarn_yaml *parent; /* NULL: the root */
    const struct tarn_yaml_source *source;
};

/* An empty text gives a null scalar, which tarn_yaml_fill takes as an empty mapping. Out of
 * op->arena; *source is copied. TARN_CONFIG (or source->status) with a place, TARN_LIMIT,
 * TARN_NOMEM. */
enum tarn_status tarn_yaml_load(struct tarn_op *op, const struct tarn_yaml_source *source,
                                struct tarn_yaml **out) TARN_MUST_USE;
/* The member of a mapping; NULL: absent, null, or `mapping` is no mapping (or NULL). */
const struct tarn_yaml *tarn_yaml_get(const struct tarn_yaml *mapping, const char *key);
bool tarn_yaml_is_null(const struct tarn_yaml *node); /* plain and empty, ~ or null */
/* "ingest[0].columns"; "" for the root. Appends. */
void tarn_yaml_path(struct tarn_buf *b, const struct tarn_yaml *node);
/* Reports the source's status at the node's value, or at its key, with the line of the text for
 * the caret. */
enum tarn_status tarn_yaml_fail(struct tarn_op *op, const struct tarn_yaml *node, const char *fmt,
                                ...) TARN_PRINTF(3, 4);
enum tarn_status tarn_yaml_fail_key(struct tarn_op *op, const struct tarn_yaml *node,
                                    const char *fmt, ...) TARN_PRINTF(3, 4);
/* Only sets the place of a failure reported by something else (a type's parser, say). Returns
 * the report's status. */
enum tarn_status tarn_yaml_place(struct tarn_op *op, const struct tarn_yaml *node);

/* ---- schemas */

enum tarn_yaml_type {                   /* the member in the C struct */
                      TARN_YAML_STRING, /* struct tarn_str; absent: ptr NULL */
                      TARN_YAML_BOOL,   /* bool: true, false */
                      TARN_YAML_INT,    /* int64_t within min..max (both 0: any) */
                      TARN_YAML_NUMBER, /* double, decimal text */
                      TARN_YAML_SIZE,   /* uint64_t bytes: 512MB, 64MiB (base/units.h) */
                      TARN_YAML_DURATION, /* int64_t microseconds: 250ms, 5m, 1h30m, 7d (base/units.h) */
                      TARN_YAML_ENUM, /* int: index into names */
                      TARN_YAML_LIST, /* struct tarn_yaml_list of elem */
                      TARN_YAML_MAP,  /* struct tarn_yaml_map from name to elem */
                      TARN_YAML_MAPPING, /* the struct of sub itself; absent: its defaults, nothing is required */
                      TARN_YAML_MAPPING_PTR, /* pointer to the struct of sub; absent: NULL */
                      TARN_YAML_ANY,         /* const struct tarn_yaml *; absent: NULL */
                      TARN_YAML_SELF /* const struct tarn_yaml *: no key, the node of this mapping itself */
};

struct tarn_yaml_list {
    void *items; /* array of the element's C type */
    size_t count;
    const struct tarn_yaml *node; /* NULL: absent */
};
struct tarn_yaml_map {
    const struct tarn_str *names; /* in the order of the file */
    void *items;                  /* array of the element's C type */
    size_t count;
    const struct tarn_yaml *node; /* NULL: absent; node->first ... are the values */
};

struct tarn_yaml_schema;
struct tarn_yaml_field {
    const char *name;
    enum tarn_yaml_type type;
    size_t offset; /* of the member; 0 in elements */
    bool required;
    bool one_is_list;   /* LIST: a single value stands for a list of it */
    const char *preset; /* text of the default, scalars only; NULL: the member is zero */
    const struct tarn_yaml_schema *sub;
    const struct tarn_yaml_field *elem;
    const char *const *names; /* ENUM: NULL-terminated */
    int64_t min, max;         /* INT */
    size_t has_offset;        /* a bool that becomes true when the key is there; 0 = none */
    const char *doc;
};
struct tarn_yaml_schema {
    const char *title; /* for the documentation: "ingest" */
    size_t size;       /* of the C struct */
    const struct tarn_yaml_field *fields;
    size_t count;
    /* May be NULL: looks at the filled struct as a whole and reports with tarn_yaml_fail. */
    enum tarn_status (*check)(struct tarn_op *op, const struct tarn_yaml *node, void *filled);
    const char *doc;
};
#define TARN_YAML_SCHEMA(title, type, fields)                                             \
    {                                                                                     \
        (title), sizeof(type), (fields), sizeof(fields) / sizeof((fields)[0]), NULL, NULL \
    }

/* Zeroes *out (schema->size bytes) and fills it; lists and maps come out of op->arena, texts
 * point into the tree. */
enum tarn_status tarn_yaml_fill(struct tarn_op *op, const struct tarn_yaml *node,
                                const struct tarn_yaml_schema *schema, void *out) TARN_MUST_USE;
/* Markdown: one table a schema (key, type, default, meaning), those of nested schemas behind it. */
void tarn_yaml_schema_doc(struct tarn_buf *b, const struct tarn_yaml_schema *schema);

#endif
