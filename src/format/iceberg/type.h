/* type: Iceberg's types and schemas (spec: "Schemas and Data Types", "Schema Evolution").
 *
 * A type is a tree of fields. A field has an id, a name, required or not, a doc text and (v3) defaults. Lists have one child field named "element",
 * maps two named "key" and "value". All of it lives in the arena that it was made in and is never changed afterwards: evolution makes a new schema.
 */
#ifndef TARN_FORMAT_ICEBERG_TYPE_H
#define TARN_FORMAT_ICEBERG_TYPE_H

#include "base/op.h"
#include "base/json.h"

enum tarn_type_kind {
    TARN_TYPE_BOOLEAN,
    TARN_TYPE_INT,  /* 32 bits */
    TARN_TYPE_LONG, /* 64 bits */
    TARN_TYPE_FLOAT,
    TARN_TYPE_DOUBLE,
    TARN_TYPE_DECIMAL,        /* precision 1..38, scale 0..precision */
    TARN_TYPE_DATE,           /* days since 1970-01-01, 32 bits */
    TARN_TYPE_TIME,           /* microseconds since midnight */
    TARN_TYPE_TIMESTAMP,      /* microseconds, no zone */
    TARN_TYPE_TIMESTAMPTZ,    /* microseconds, UTC */
    TARN_TYPE_TIMESTAMP_NS,   /* v3 */
    TARN_TYPE_TIMESTAMPTZ_NS, /* v3 */
    TARN_TYPE_STRING,
    TARN_TYPE_UUID,  /* 16 bytes, big-endian */
    TARN_TYPE_FIXED, /* `length` bytes */
    TARN_TYPE_BINARY,
    TARN_TYPE_UNKNOWN,   /* v3 */
    TARN_TYPE_VARIANT,   /* v3 */
    TARN_TYPE_GEOMETRY,  /* v3; `text` keeps "geometry(srid:4326)" */
    TARN_TYPE_GEOGRAPHY, /* v3 */
    TARN_TYPE_STRUCT,
    TARN_TYPE_LIST,
    TARN_TYPE_MAP
};

/* Texts by key, in the order of the file: properties, summaries, and unknown members (key, raw JSON value), which are written back. */
struct tarn_kv {
    struct tarn_str key, value;
};
struct tarn_kvs {
    struct tarn_kv *items;
    size_t count;
};

struct tarn_field;
struct tarn_type {
    enum tarn_type_kind kind;
    int32_t precision, scale;  /* DECIMAL */
    int32_t length;            /* FIXED, bytes */
    struct tarn_str text;      /* GEOMETRY, GEOGRAPHY: the parameters as they were written */
    struct tarn_field *fields; /* STRUCT: any; LIST: 1 (element); MAP: 2 (key, value) */
    size_t field_count;
};
struct tarn_field {
    int32_t id; /* > 0; 0 only before ids are assigned */
    struct tarn_str name;
    bool required;
    struct tarn_type type;
    struct tarn_str doc;             /* absent = none */
    struct tarn_str initial_default; /* raw JSON of the single value; absent = none (v3) */
    struct tarn_str write_default;
    struct tarn_kvs extra; /* unknown members of the field's JSON */
};
struct tarn_schema {
    int32_t schema_id;
    struct tarn_type root; /* kind STRUCT */
    int32_t *identifier_ids;
    size_t identifier_count;
    struct tarn_kvs extra; /* unknown members of the schema's JSON */
};

static inline bool tarn_type_is_nested(const struct tarn_type *t)
{
    return t->kind >= TARN_TYPE_STRUCT;
}
bool tarn_type_eq(const struct tarn_type *a,
                  const struct tarn_type *b); /* deep: ids, names, required; not docs or defaults */
bool tarn_type_same_shape(const struct tarn_type *a,
                          const struct tarn_type *b); /* as eq, ids ignored */
/* "decimal(9, 2)", "fixed[16]", "list<struct<a: int, b: string>>": Iceberg's spelling of primitive types, readable for nested ones. */
struct tarn_str tarn_type_text(struct tarn_op *op, const struct tarn_type *t);
/* A type from text: Iceberg's names, and SQL's and Spark's (bigint, varchar, numeric(p,s), string, array<..>, struct<a: int>, map<..>,
 * timestamp with time zone, timestamptz, timestamp_ntz, T[]). Field ids are 0. TARN_INVALID names the place in the text. */
enum tarn_status tarn_type_parse(struct tarn_op *op, struct tarn_str text,
                                 struct tarn_type *out) TARN_MUST_USE;
/* May a column of type `from` become `to` (spec "Schema Evolution": int->long, float->double, wider decimal; v3 date->timestamp...)? */
bool tarn_type_promotes(const struct tarn_type *from, const struct tarn_type *to,
                        int format_version);

/* JSON (spec appendix C). Ids must be unique over the schema (TARN_CORRUPT). */
enum tarn_status tarn_type_from_json(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_type *out) TARN_MUST_USE;
void tarn_type_to_json(struct tarn_json_writer *w, const struct tarn_type *t);
enum tarn_status tarn_schema_from_json(struct tarn_op *op, const struct tarn_json *j,
                                       struct tarn_schema *out) TARN_MUST_USE;
void tarn_schema_to_json(struct tarn_json_writer *w, const struct tarn_schema *s);

/* Deep copy into op->arena. */
enum tarn_status tarn_schema_copy(struct tarn_op *op, const struct tarn_schema *s,
                                  struct tarn_schema *out) TARN_MUST_USE;
enum tarn_status tarn_type_copy(struct tarn_op *op, const struct tarn_type *t,
                                struct tarn_type *out) TARN_MUST_USE;
const struct tarn_field *tarn_schema_field_by_id(const struct tarn_schema *s,
                                                 int32_t id); /* at any depth; NULL */
const struct tarn_field *tarn_type_field_by_name(
    const struct tarn_type *struct_type, struct tarn_str name); /* direct children; exact case */
/* "lines.element.debit": dotted path through structs, "element", "key", "value". NULL if none. */
const struct tarn_field *tarn_schema_field_by_path(const struct tarn_schema *s,
                                                   struct tarn_str path);
struct tarn_str tarn_schema_path_of(struct tarn_op *op, const struct tarn_schema *s,
                                    int32_t id); /* the reverse; absent if none */
int32_t tarn_schema_highest_id(const struct tarn_schema *s);
/* Gives every field with id 0 a fresh id, breadth first as Iceberg Java does: ids from *next upwards; *next is moved on. */
void tarn_type_assign_ids(struct tarn_type *t, int32_t *next);
/* Leaves in depth-first order, for per-column statistics. */
size_t tarn_type_leaf_count(const struct tarn_type *t);

#endif
