/* avro_schema: a schema's JSON -> a tree of types. See avro.h.
 *
 * 1. Nodes are counted against TARN_AVRO_NODES_MAX, nesting against TARN_AVRO_DEPTH_MAX.
 * 2. A record is known by name before its fields are read, so that it can contain itself; until
 *    it is whole its min_bytes is 0 and it is not `constant`. Hence min_bytes is a lower bound,
 *    and exact where `constant` is set.
 * 3. Attributes that are not known, defaults, aliases and orders are passed over: nothing here
 *    resolves schemas.
 */
#include "format/avro/avro_int.h"

#include "base/json.h"

#define NODE_BYTES_MAX (SIZE_MAX / 4) /* min_bytes saturates here */

struct named {
    struct tarn_str name;
    struct tarn_avro_type *type;
    struct named *next;
};
struct parser {
    struct tarn_op *op;
    const char *what;
    struct named *names; /* newest first */
    size_t nodes;
};

static enum tarn_status corrupt(struct parser *p, const char *why)
{
    return tarn_fail(p->op, TARN_CORRUPT, "could not parse the Avro schema of %s: %s", p->what,
                     why);
}

static size_t sum(size_t a, size_t b)
{
    return a > NODE_BYTES_MAX - b ? NODE_BYTES_MAX : a + b;
}

/* ---- names */

static const struct {
    const char *name;
    enum tarn_avro_kind kind;
    size_t min_bytes;
    bool constant;
} primitives[] = {
    {"null", TARN_AVRO_NULL, 0, true},      {"boolean", TARN_AVRO_BOOLEAN, 1, true},
    {"int", TARN_AVRO_INT, 1, false},       {"long", TARN_AVRO_LONG, 1, false},
    {"float", TARN_AVRO_FLOAT, 4, true},    {"double", TARN_AVRO_DOUBLE, 8, true},
    {"bytes", TARN_AVRO_BYTES, 1, false},   {"string", TARN_AVRO_STRING, 1, false},
    {"record", TARN_AVRO_RECORD, 0, false}, {"error", TARN_AVRO_RECORD, 0, false},
    {"enum", TARN_AVRO_ENUM, 1, false},     {"array", TARN_AVRO_ARRAY, 1, false},
    {"map", TARN_AVRO_MAP, 1, false},       {"fixed", TARN_AVRO_FIXED, 0, true},
};
#define PRIMITIVE_COUNT 8 /* the first ones, which need no attributes */
#define BUILTIN_COUNT   (sizeof primitives / sizeof primitives[0])

static const struct {
    const char *name;
    enum tarn_avro_logical logical;
} logicals[] = {
    {"decimal", TARN_AVRO_DECIMAL},
    {"uuid", TARN_AVRO_UUID},
    {"date", TARN_AVRO_DATE},
    {"time-millis", TARN_AVRO_TIME_MILLIS},
    {"time-micros", TARN_AVRO_TIME_MICROS},
    {"timestamp-millis", TARN_AVRO_TIMESTAMP_MILLIS},
    {"timestamp-micros", TARN_AVRO_TIMESTAMP_MICROS},
    {"timestamp-nanos", TARN_AVRO_TIMESTAMP_NANOS},
    {"local-timestamp-millis", TARN_AVRO_TIMESTAMP_MILLIS},
    {"local-timestamp-micros", TARN_AVRO_TIMESTAMP_MICROS},
    {"local-timestamp-nanos", TARN_AVRO_TIMESTAMP_NANOS},
    {"map", TARN_AVRO_LOGICAL_MAP},
};

/* The namespace of a full name: what stands before its last dot. */
static struct tarn_str namespace_of(struct tarn_str name)
{
    size_t n = name.len;
    while (n > 0 && name.ptr[n - 1] != '.')
        n--;
    return n > 0 ? tarn_str_of(name.ptr, n - 1) : TARN_STR("");
}

/* Full name of `name` under `space`, the namespace attribute or that of the enclosing type. */
static enum tarn_status full_name(struct parser *p, struct tarn_str name, struct tarn_str space,
                                  struct tarn_str *out)
{
    *out = name;
    if (space.len == 0 || memchr(name.ptr, '.', name.len))
        return TARN_OK;
    *out = tarn_sprintf(p->op, "%.*s.%.*s", TARN_STR_ARG(space), TARN_STR_ARG(name));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static struct tarn_avro_type *name_find(const struct parser *p, struct tarn_str name)
{
    for (const struct named *n = p->names; n; n = n->next)
        if (tarn_str_eq(n->name, name))
            return n->type;
    return NULL;
}

static enum tarn_status node_new(struct parser *p, enum tarn_avro_kind kind,
                                 struct tarn_avro_type **out)
{
    if (++p->nodes > TARN_AVRO_NODES_MAX)
        return tarn_fail(p->op, TARN_LIMIT, "the Avro schema of %s has more than %d types", p->what,
                         TARN_AVRO_NODES_MAX);
    TARN_NEW(p->op, *out);
    **out = (struct tarn_avro_type){
        .kind = kind, .element_id = -1, .key_id = -1, .value_id = -1, .scale = 0};
    return TARN_OK;
}

/* ---- attributes */

static struct tarn_str text_of(const struct tarn_json *object, const char *key)
{
    const struct tarn_json *j = tarn_json_get(object, key);
    return j && j->kind == TARN_JSON_K_STRING ? j->text : (struct tarn_str){NULL, 0};
}

/* An id that is a number, or digits in a string as some writers put it; -1 if there is none. */
static int32_t id_of(const struct tarn_json *object, const char *key)
{
    const struct tarn_json *j = tarn_json_get(object, key);
    int64_t v = -1;
    if (!j || (j->kind != TARN_JSON_K_NUMBER && j->kind != TARN_JSON_K_STRING) ||
        !tarn_str_to_i64(j->text, &v) || v < 0 || v > INT32_MAX)
        return -1;
    return (int32_t)v;
}

static void logical_of(const struct tarn_json *j, struct tarn_avro_type *t)
{
    struct tarn_str name = text_of(j, "logicalType");
    for (size_t i = 0; name.ptr && i < sizeof logicals / sizeof logicals[0]; i++)
        if (tarn_str_is(name, logicals[i].name))
            t->logical = logicals[i].logical;
    const struct tarn_json *utc = tarn_json_get(j, "adjust-to-utc");
    t->adjust_to_utc = utc && ((utc->kind == TARN_JSON_K_BOOL && utc->boolean) ||
                               (utc->kind == TARN_JSON_K_STRING && tarn_str_is(utc->text, "true")));
    if (t->logical == TARN_AVRO_DECIMAL) {
        int32_t scale = id_of(j, "scale");
        t->precision = id_of(j, "precision");
        t->scale = scale < 0 ? 0 : scale; /* absent means 0 */
    }
}

/* ---- types */

static enum tarn_status type_parse(struct parser *p, const struct tarn_json *j,
                                   struct tarn_str space, int depth,
                                   const struct tarn_avro_type **out);

/* Backwards over the fields: the sums of runs of constant size. */
static void record_close(struct tarn_avro_type *t)
{
    t->constant = true;
    for (size_t i = t->field_count; i-- > 0;) {
        struct tarn_avro_field *f = &t->fields[i];
        t->min_bytes = sum(t->min_bytes, f->type->min_bytes);
        f->run_next = i;
        if (!f->type->constant) {
            t->constant = false;
            continue;
        }
        bool joined = i + 1 < t->field_count && f[1].run_next > i + 1;
        f->run_next = joined ? f[1].run_next : i + 1;
        f->run_bytes = sum(f->type->min_bytes, joined ? f[1].run_bytes : 0);
    }
}

static enum tarn_status field_parse(struct parser *p, const struct tarn_json *j,
                                    struct tarn_str space, int depth, struct tarn_avro_field *out)
{
    out->name = text_of(j, "name");
    if (!out->name.ptr)
        return corrupt(p, "a field has no name");
    out->iceberg_name = text_of(j, "iceberg-field-name");
    out->field_id = id_of(j, "field-id");
    const struct tarn_json *type = tarn_json_get(j, "type");
    if (!type)
        return corrupt(p, "a field has no type");
    return type_parse(p, type, space, depth + 1, &out->type);
}

static enum tarn_status record_parse(struct parser *p, const struct tarn_json *j, int depth,
                                     struct tarn_avro_type *t)
{
    const struct tarn_json *fields = tarn_json_get(j, "fields");
    if (!fields || fields->kind != TARN_JSON_K_ARRAY)
        return corrupt(p, "a record has no fields");
    if (fields->count > TARN_AVRO_NODES_MAX)
        return tarn_fail(p->op, TARN_LIMIT, "the Avro schema of %s has more than %d fields",
                         p->what, TARN_AVRO_NODES_MAX);
    TARN_NEW_ARRAY(p->op, t->fields, fields->count);
    size_t i = 0;
    for (const struct tarn_json *f = fields->first; f; f = f->next, i++)
        TARN_TRY(field_parse(p, f, namespace_of(t->name), depth, &t->fields[i]));
    t->field_count = i;
    record_close(t);
    return TARN_OK;
}

static enum tarn_status enum_parse(struct parser *p, const struct tarn_json *j,
                                   struct tarn_avro_type *t)
{
    const struct tarn_json *symbols = tarn_json_get(j, "symbols");
    if (!symbols || symbols->kind != TARN_JSON_K_ARRAY || symbols->count == 0)
        return corrupt(p, "an enum has no symbols");
    if (symbols->count > TARN_AVRO_NODES_MAX)
        return tarn_fail(p->op, TARN_LIMIT, "the Avro schema of %s has more than %d symbols",
                         p->what, TARN_AVRO_NODES_MAX);
    TARN_NEW_ARRAY(p->op, t->symbols, symbols->count);
    for (const struct tarn_json *s = symbols->first; s; s = s->next) {
        if (s->kind != TARN_JSON_K_STRING)
            return corrupt(p, "an enum's symbol is not a string");
        t->symbols[t->symbol_count++] = s->text;
    }
    t->min_bytes = 1;
    return TARN_OK;
}

static enum tarn_status fixed_parse(struct parser *p, const struct tarn_json *j,
                                    struct tarn_avro_type *t)
{
    int32_t size = id_of(j, "size");
    if (size < 0)
        return corrupt(p, "a fixed has no size");
    t->size = t->min_bytes = (size_t)size;
    t->constant = true;
    return TARN_OK;
}

/* Array and map. */
static enum tarn_status items_parse(struct parser *p, const struct tarn_json *j,
                                    struct tarn_str space, int depth, struct tarn_avro_type *t)
{
    bool array = t->kind == TARN_AVRO_ARRAY;
    const struct tarn_json *items = tarn_json_get(j, array ? "items" : "values");
    if (!items)
        return corrupt(p, array ? "an array has no items" : "a map has no values");
    t->element_id = id_of(j, "element-id");
    t->key_id = id_of(j, "key-id");
    t->value_id = id_of(j, "value-id");
    t->min_bytes = 1;
    return type_parse(p, items, space, depth + 1, &t->items);
}

/* Names and registers a record, enum or fixed, then reads the rest of it. */
static enum tarn_status named_parse(struct parser *p, const struct tarn_json *j,
                                    struct tarn_str space, int depth, struct tarn_avro_type *t)
{
    struct tarn_str name = text_of(j, "name"), own_space = text_of(j, "namespace");
    if (name.len == 0)
        return corrupt(p, "a record, enum or fixed has no name");
    TARN_TRY(full_name(p, name, own_space.ptr ? own_space : space, &t->name));
    struct named *n;
    TARN_NEW(p->op, n);
    *n = (struct named){t->name, t, p->names};
    p->names = n;
    if (t->kind == TARN_AVRO_RECORD)
        return record_parse(p, j, depth, t);
    return t->kind == TARN_AVRO_ENUM ? enum_parse(p, j, t) : fixed_parse(p, j, t);
}

static enum tarn_status object_parse(struct parser *p, const struct tarn_json *j,
                                     struct tarn_str space, int depth,
                                     const struct tarn_avro_type **out)
{
    const struct tarn_json *type = tarn_json_get(j, "type");
    if (!type)
        return corrupt(p, "a type object has no \"type\"");
    if (type->kind != TARN_JSON_K_STRING) /* {"type": {"type": "long"}} */
        return type_parse(p, type, space, depth + 1, out);
    size_t i = 0;
    while (i < BUILTIN_COUNT && !tarn_str_is(type->text, primitives[i].name))
        i++;
    if (i == BUILTIN_COUNT) /* {"type": "a.name"} */
        return type_parse(p, type, space, depth + 1, out);
    struct tarn_avro_type *t;
    TARN_TRY(node_new(p, primitives[i].kind, &t));
    *out = t;
    logical_of(j, t);
    if (t->kind == TARN_AVRO_ARRAY || t->kind == TARN_AVRO_MAP)
        return items_parse(p, j, space, depth, t);
    if (i >= PRIMITIVE_COUNT)
        return named_parse(p, j, space, depth, t);
    t->min_bytes = primitives[i].min_bytes;
    t->constant = primitives[i].constant;
    return TARN_OK;
}

static enum tarn_status union_parse(struct parser *p, const struct tarn_json *j,
                                    struct tarn_str space, int depth,
                                    const struct tarn_avro_type **out)
{
    struct tarn_avro_type *t;
    TARN_TRY(node_new(p, TARN_AVRO_UNION, &t));
    if (j->count == 0 || j->count > TARN_AVRO_NODES_MAX)
        return corrupt(p, "a union has no branches, or too many");
    TARN_NEW_ARRAY(p->op, t->branches, j->count);
    t->min_bytes = NODE_BYTES_MAX;
    for (const struct tarn_json *b = j->first; b; b = b->next) {
        const struct tarn_avro_type *branch;
        TARN_TRY(type_parse(p, b, space, depth + 1, &branch));
        if (branch->kind == TARN_AVRO_UNION)
            return corrupt(p, "a union stands in a union");
        t->branches[t->branch_count++] = branch;
        if (branch->min_bytes < t->min_bytes)
            t->min_bytes = branch->min_bytes;
    }
    t->min_bytes = sum(t->min_bytes, 1);
    *out = t;
    return TARN_OK;
}

static enum tarn_status name_parse(struct parser *p, struct tarn_str name, struct tarn_str space,
                                   const struct tarn_avro_type **out)
{
    for (size_t i = 0; i < PRIMITIVE_COUNT; i++) {
        if (!tarn_str_is(name, primitives[i].name))
            continue;
        struct tarn_avro_type *t;
        TARN_TRY(node_new(p, primitives[i].kind, &t));
        t->min_bytes = primitives[i].min_bytes;
        t->constant = primitives[i].constant;
        *out = t;
        return TARN_OK;
    }
    struct tarn_str full;
    TARN_TRY(full_name(p, name, space, &full));
    *out = name_find(p, full);
    if (!*out)
        *out = name_find(p, name);
    if (!*out)
        return tarn_fail(p->op, TARN_CORRUPT,
                         "could not parse the Avro schema of %s: type \"%.*s\" is not defined",
                         p->what, TARN_STR_ARG(name));
    return TARN_OK;
}

static enum tarn_status type_parse(struct parser *p, const struct tarn_json *j,
                                   struct tarn_str space, int depth,
                                   const struct tarn_avro_type **out)
{
    if (depth >= TARN_AVRO_DEPTH_MAX)
        return tarn_fail(p->op, TARN_LIMIT, "the Avro schema of %s is nested deeper than %d",
                         p->what, TARN_AVRO_DEPTH_MAX);
    switch (j->kind) {
    case TARN_JSON_K_STRING:
        return name_parse(p, j->text, space, out);
    case TARN_JSON_K_OBJECT:
        return object_parse(p, j, space, depth, out);
    case TARN_JSON_K_ARRAY:
        return union_parse(p, j, space, depth, out);
    default:
        return corrupt(p, "a type is neither a name, an object nor a union");
    }
}

enum tarn_status tarn_avro_schema_parse(struct tarn_op *op, struct tarn_str json, const char *what,
                                        const struct tarn_avro_type **out)
{
    struct parser p = {.op = op, .what = what};
    if (json.len > TARN_AVRO_SCHEMA_BYTES_MAX)
        return tarn_fail(op, TARN_LIMIT, "the Avro schema of %s is larger than %zu bytes", what,
                         TARN_AVRO_SCHEMA_BYTES_MAX);
    struct tarn_json *tree;
    TARN_TRY_WHILE(op, tarn_json_parse(op, json, "Avro schema", &tree), "reading %s", what);
    return type_parse(&p, tree, TARN_STR(""), 0, out);
}

const struct tarn_avro_type *tarn_avro_beside_null(const struct tarn_avro_type *t)
{
    if (t->kind != TARN_AVRO_UNION)
        return t;
    const struct tarn_avro_type *only = NULL;
    for (size_t i = 0; i < t->branch_count; i++) {
        if (t->branches[i]->kind == TARN_AVRO_NULL)
            continue;
        if (only)
            return NULL;
        only = t->branches[i];
    }
    return only;
}
