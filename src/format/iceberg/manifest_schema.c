/* manifest_schema: the schemas of the manifests and manifest lists that are written (spec
 * appendix A, "Avro").
 *
 * The Avro schema and the Iceberg schema both come from a struct tarn_type that is made from the
 * tables of manifest_fields, so that they cannot differ. Record names are those that Iceberg Java
 * insists on: the root's, "r<field id>" for nested ones, "k<id>_v<id>" for the pairs of a map.
 */
#include "format/iceberg/manifest_int.h"

#include <stdio.h>

#define SCHEMA_TEXT_MAX ((size_t)16 << 20)

/* ---- table -> Iceberg type */

static enum tarn_status type_of_pair(struct tarn_op *op, const struct tarn__manifest_field *f,
                                     struct tarn_type *out)
{
    out->kind = TARN_TYPE_MAP;
    out->field_count = 2;
    TARN_NEW_ARRAY(op, out->fields, 2);
    out->fields[0] = (struct tarn_field){.id = f->key_id,
                                         .name = TARN_STR("key"),
                                         .required = true,
                                         .type = {.kind = TARN_TYPE_INT}};
    out->fields[1] = (struct tarn_field){
        .id = f->value_id,
        .name = TARN_STR("value"),
        .required = true,
        .type = {.kind = f->shape == SHAPE_MAP_LONG ? TARN_TYPE_LONG : TARN_TYPE_BINARY}};
    return TARN_OK;
}

static enum tarn_status type_of_list(struct tarn_op *op, const struct tarn__manifest_field *f,
                                     const struct tarn_type *record, struct tarn_type *out)
{
    out->kind = TARN_TYPE_LIST;
    out->field_count = 1;
    TARN_NEW_ARRAY(op, out->fields, 1);
    out->fields[0] =
        (struct tarn_field){.id = f->value_id, .name = TARN_STR("element"), .required = true};
    if (f->shape == SHAPE_LIST_RECORD)
        out->fields[0].type = *record;
    else
        out->fields[0].type.kind = f->shape == SHAPE_LIST_INT ? TARN_TYPE_INT : TARN_TYPE_LONG;
    return TARN_OK;
}

static enum tarn_status type_of_shape(struct tarn_op *op, const struct tarn__manifest_field *f,
                                      const struct tarn_type *record, struct tarn_type *out)
{
    static const enum tarn_type_kind kinds[] = {
        [SHAPE_INT] = TARN_TYPE_INT,         [SHAPE_LONG] = TARN_TYPE_LONG,
        [SHAPE_BOOLEAN] = TARN_TYPE_BOOLEAN, [SHAPE_STRING] = TARN_TYPE_STRING,
        [SHAPE_BYTES] = TARN_TYPE_BINARY,
    };
    switch (f->shape) {
    case SHAPE_MAP_LONG:
    case SHAPE_MAP_BYTES:
        return type_of_pair(op, f, out);
    case SHAPE_LIST_INT:
    case SHAPE_LIST_LONG:
    case SHAPE_LIST_RECORD:
        return type_of_list(op, f, record, out);
    case SHAPE_RECORD:
        *out = *record;
        return TARN_OK;
    default:
        out->kind = kinds[f->shape];
        return TARN_OK;
    }
}

/* The struct of a table's fields that a format version has; `record` is the type of its RECORD
 * or LIST_RECORD field. */
static enum tarn_status type_of_table(struct tarn_op *op, int format_version,
                                      const struct tarn__manifest_fields *table,
                                      const struct tarn_type *record, struct tarn_type *out)
{
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT};
    TARN_NEW_ARRAY(op, out->fields, table->count);
    for (size_t i = 0; i < table->count; i++) {
        const struct tarn__manifest_field *f = &table->items[i];
        if (f->since_v3 && format_version < 3)
            continue;
        struct tarn_field *to = &out->fields[out->field_count++];
        *to = (struct tarn_field){.id = f->id,
                                  .name = tarn_str_view(f->name),
                                  .required = f->need != NEED_OPTIONAL,
                                  .doc = tarn_str_view(f->doc)};
        TARN_TRY(type_of_shape(op, f, record, &to->type));
    }
    return TARN_OK;
}

/* ---- Iceberg type -> Avro schema */

static bool is_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* One UTF-8 sequence of valid text. */
static uint32_t next_char(const unsigned char **p, const unsigned char *end)
{
    uint32_t c = *(*p)++;
    int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : c >= 0xC0 ? 1 : 0;
    if (more)
        c &= 0x3FU >> more;
    while (more-- > 0 && *p < end)
        c = c << 6 | (*(*p)++ & 0x3FU);
    return c;
}

/* Java keeps every Unicode letter; the Avro specification, and C readers, only ASCII ones. Ids
 * are what readers go by, so the stricter form serves all. UTF-16 units as in Java. */
void tarn__manifest_avro_name(struct tarn_buf *b, struct tarn_str name)
{
    const unsigned char *p = (const unsigned char *)name.ptr, *end = p + name.len;
    for (bool first = true; p < end; first = false) {
        uint32_t c = next_char(&p, end);
        bool digit = c >= '0' && c <= '9';
        if (is_letter(c) || (digit && !first))
            tarn_buf_put(b, (char)c);
        else if (digit)
            tarn_buf_printf(b, "_%c", (char)c);
        else if (c < 0x10000)
            tarn_buf_printf(b, "_x%X", c);
        else
            tarn_buf_printf(b, "_x%X_x%X", 0xD800U + ((c - 0x10000) >> 10), 0xDC00U + (c & 0x3FF));
    }
}

struct schema_writer {
    struct tarn_op *op;
    struct tarn_json_writer json;
};

static void put_type(struct schema_writer *w, const struct tarn_type *t, int32_t id,
                     const char *name);

static void put_optional(struct schema_writer *w, const struct tarn_field *f)
{
    bool optional = !f->required && f->type.kind != TARN_TYPE_UNKNOWN;
    if (optional) {
        tarn_json_begin_array(&w->json);
        tarn_json_put_z(&w->json, "null");
    }
    put_type(w, &f->type, f->id, NULL);
    if (optional)
        tarn_json_end_array(&w->json);
}

/* The field's Avro name; two names that become one by sanitising are told apart by the field's
 * id. */
static void name_of(struct schema_writer *w, const struct tarn_type *t, size_t i,
                    struct tarn_buf *out)
{
    struct tarn_buf other;
    tarn_buf_init(&other, SCHEMA_TEXT_MAX);
    tarn__manifest_avro_name(out, t->fields[i].name);
    for (size_t k = 0; k < i; k++) {
        tarn_buf_reset(&other);
        tarn__manifest_avro_name(&other, t->fields[k].name);
        if (tarn_str_eq(tarn_buf_view(out), tarn_buf_view(&other))) {
            tarn_buf_printf(out, "_%d", (int)t->fields[i].id);
            break;
        }
    }
    if (out->failed || other.failed)
        w->json.buf->failed = true;
    tarn_buf_release(&other);
}

static void put_field(struct schema_writer *w, const struct tarn_type *t, size_t i)
{
    struct tarn_json_writer *j = &w->json;
    const struct tarn_field *f = &t->fields[i];
    struct tarn_buf name;
    tarn_buf_init(&name, SCHEMA_TEXT_MAX);
    name_of(w, t, i, &name);
    tarn_json_begin_object(j);
    tarn_json_member_str(j, "name", tarn_buf_view(&name));
    tarn_json_key(j, "type");
    put_optional(w, f);
    if (f->doc.ptr)
        tarn_json_member_str(j, "doc", f->doc);
    if (!f->required) {
        tarn_json_key(j, "default");
        tarn_json_put_null(j);
    }
    if (!tarn_str_eq(tarn_buf_view(&name), f->name))
        tarn_json_member_str(j, "iceberg-field-name", f->name);
    tarn_json_member_i64(j, "field-id", f->id);
    tarn_json_end_object(j);
    tarn_buf_release(&name);
}

static void put_record(struct schema_writer *w, const struct tarn_type *t, const char *name)
{
    struct tarn_json_writer *j = &w->json;
    tarn_json_begin_object(j);
    tarn_json_member_z(j, "type", "record");
    tarn_json_member_z(j, "name", name);
    tarn_json_key(j, "fields");
    tarn_json_begin_array(j);
    for (size_t i = 0; i < t->field_count; i++)
        put_field(w, t, i);
    tarn_json_end_array(j);
    tarn_json_end_object(j);
}

static void put_array(struct schema_writer *w, const struct tarn_type *t)
{
    struct tarn_json_writer *j = &w->json;
    char pair[32];
    tarn_json_begin_object(j);
    tarn_json_member_z(j, "type", "array");
    tarn_json_key(j, "items");
    if (t->kind == TARN_TYPE_LIST) {
        put_optional(w, &t->fields[0]);
        tarn_json_member_i64(j, "element-id", t->fields[0].id);
    } else {
        (void)snprintf(pair, sizeof pair, "k%d_v%d", (int)t->fields[0].id, (int)t->fields[1].id);
        put_record(w, t, pair);
        tarn_json_member_z(j, "logicalType", "map");
    }
    tarn_json_end_object(j);
}

/* {"type": "long", "logicalType": ...} */
static void put_logical(struct schema_writer *w, const char *base, const char *logical, int utc)
{
    tarn_json_begin_object(&w->json);
    tarn_json_member_z(&w->json, "type", base);
    tarn_json_member_z(&w->json, "logicalType", logical);
    if (utc >= 0)
        tarn_json_member_bool(&w->json, "adjust-to-utc", utc == 1);
    tarn_json_end_object(&w->json);
}

/* Names end in the field's id: a type may be defined once only, and not every reader knows a
 * reference to one. Iceberg Java 1.11 takes a plain fixed for bytes and cannot read tuples that hold
 * one (decimals and uuids it can); the form here is the specification's, which the others read. */
static void put_fixed(struct schema_writer *w, const struct tarn_type *t, int32_t id)
{
    struct tarn_json_writer *j = &w->json;
    char name[64];
    size_t size = 16;
    if (t->kind == TARN_TYPE_DECIMAL) {
        size = tarn__manifest_decimal_size(t->precision);
        (void)snprintf(name, sizeof name, "decimal_%d_%d_f%d", (int)t->precision, (int)t->scale,
                       (int)id);
    } else if (t->kind == TARN_TYPE_FIXED) {
        size = (size_t)t->length;
        (void)snprintf(name, sizeof name, "fixed_%d_f%d", (int)t->length, (int)id);
    } else {
        (void)snprintf(name, sizeof name, "uuid_fixed_f%d", (int)id);
    }
    tarn_json_begin_object(j);
    tarn_json_member_z(j, "type", "fixed");
    tarn_json_member_z(j, "name", name);
    tarn_json_member_i64(j, "size", (int64_t)size);
    if (t->kind == TARN_TYPE_UUID)
        tarn_json_member_z(j, "logicalType", "uuid");
    if (t->kind == TARN_TYPE_DECIMAL) {
        tarn_json_member_z(j, "logicalType", "decimal");
        tarn_json_member_i64(j, "precision", t->precision);
        tarn_json_member_i64(j, "scale", t->scale);
    }
    tarn_json_end_object(j);
}

static void put_type(struct schema_writer *w, const struct tarn_type *t, int32_t id,
                     const char *name)
{
    static const struct {
        const char *base, *logical;
        int utc; /* -1: no adjust-to-utc */
    } plain[] = {
        [TARN_TYPE_BOOLEAN] = {"boolean", NULL, -1},
        [TARN_TYPE_INT] = {"int", NULL, -1},
        [TARN_TYPE_LONG] = {"long", NULL, -1},
        [TARN_TYPE_FLOAT] = {"float", NULL, -1},
        [TARN_TYPE_DOUBLE] = {"double", NULL, -1},
        [TARN_TYPE_DATE] = {"int", "date", -1},
        [TARN_TYPE_TIME] = {"long", "time-micros", -1},
        [TARN_TYPE_TIMESTAMP] = {"long", "timestamp-micros", 0},
        [TARN_TYPE_TIMESTAMPTZ] = {"long", "timestamp-micros", 1},
        [TARN_TYPE_TIMESTAMP_NS] = {"long", "timestamp-nanos", 0},
        [TARN_TYPE_TIMESTAMPTZ_NS] = {"long", "timestamp-nanos", 1},
        [TARN_TYPE_STRING] = {"string", NULL, -1},
        [TARN_TYPE_BINARY] = {"bytes", NULL, -1},
        [TARN_TYPE_UNKNOWN] = {"null", NULL, -1},
        [TARN_TYPE_MAP] = {NULL, NULL, -1},
    };
    char record[32];
    switch (t->kind) {
    case TARN_TYPE_STRUCT:
        (void)snprintf(record, sizeof record, "r%d", (int)id);
        put_record(w, t, name ? name : record);
        break;
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
        put_array(w, t);
        break;
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_FIXED:
    case TARN_TYPE_UUID:
        put_fixed(w, t, id);
        break;
    default:
        TARN_ASSERT(plain[t->kind].base); /* the callers let no other type in */
        if (plain[t->kind].logical)
            put_logical(w, plain[t->kind].base, plain[t->kind].logical, plain[t->kind].utc);
        else
            tarn_json_put_z(&w->json, plain[t->kind].base);
        break;
    }
}

static enum tarn_status texts_of(struct tarn_op *op, const struct tarn_type *root, const char *name,
                                 struct tarn__manifest_avro_texts *out)
{
    struct tarn_buf b;
    tarn_buf_init(&b, SCHEMA_TEXT_MAX);
    struct schema_writer w = {.op = op};
    tarn_json_writer_init(&w.json, &b);
    put_type(&w, root, 0, name);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "Avro schema", &out->avro));
    struct tarn_schema schema = {.schema_id = 0, .root = *root};
    tarn_json_writer_init(&w.json, &b);
    tarn_schema_to_json(&w.json, &schema);
    return (enum tarn_status)tarn_buf_take(op, &b, "Iceberg schema", &out->iceberg);
}

enum tarn_status tarn__manifest_schema(struct tarn_op *op, int format_version,
                                       const struct tarn_type *partition,
                                       struct tarn__manifest_avro_texts *out)
{
    struct tarn_type file, entry;
    for (size_t i = 0; i < partition->field_count; i++) {
        enum tarn_type_kind k = partition->fields[i].type.kind;
        if (k == TARN_TYPE_VARIANT || k == TARN_TYPE_GEOMETRY || k == TARN_TYPE_GEOGRAPHY ||
            k >= TARN_TYPE_STRUCT)
            return tarn_fail(op, TARN_UNSUPPORTED,
                             "could not write a manifest: partition field \"%.*s\" has a type that "
                             "no partition can have",
                             TARN_STR_ARG(partition->fields[i].name));
    }
    TARN_TRY(type_of_table(op, format_version, &tarn__manifest_file_fields, partition, &file));
    TARN_TRY(type_of_table(op, format_version, &tarn__manifest_entry_fields, &file, &entry));
    return texts_of(op, &entry, "manifest_entry", out);
}

enum tarn_status tarn__manifest_list_schema(struct tarn_op *op, int format_version,
                                            struct tarn__manifest_avro_texts *out)
{
    struct tarn_type summary, list;
    TARN_TRY(type_of_table(op, format_version, &tarn__manifest_summary_fields, NULL, &summary));
    TARN_TRY(type_of_table(op, format_version, &tarn__manifest_list_fields, &summary, &list));
    return texts_of(op, &list, "manifest_file", out);
}
