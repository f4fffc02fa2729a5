/* type_json: types as Iceberg's JSON has them (spec appendix C).
 *
 * Reading is tolerant where the spec asks for it (white space within "decimal(9,2)", any case, explicit nulls) and strict elsewhere.
 * Writing uses the canonical spellings, "decimal(9, 2)" with a space.
 */
#include <stdio.h>

#include "format/iceberg/type_int.h"

/* ---- names of primitive types */

struct cursor {
    struct tarn_str rest;
};

static bool take_char(struct cursor *c, char wanted)
{
    c->rest = tarn_str_trim(c->rest);
    if (c->rest.len == 0 || c->rest.ptr[0] != wanted)
        return false;
    c->rest = tarn_str_trim(tarn_str_of(c->rest.ptr + 1, c->rest.len - 1));
    return true;
}

static bool take_int(struct cursor *c, int32_t *out)
{
    size_t n = 0;
    int64_t v;
    while (n < c->rest.len && c->rest.ptr[n] >= '0' && c->rest.ptr[n] <= '9')
        n++;
    if (n == 0 || !tarn_str_to_i64(tarn_str_of(c->rest.ptr, n), &v) || v > INT32_MAX)
        return false;
    c->rest = tarn_str_of(c->rest.ptr + n, c->rest.len - n);
    *out = (int32_t)v;
    return true;
}

static bool decimal_from_tail(struct tarn_str tail, struct tarn_type *out)
{
    struct cursor c = {tail};
    bool read = take_char(&c, '(') && take_int(&c, &out->precision) && take_char(&c, ',') &&
                take_int(&c, &out->scale) && take_char(&c, ')') && c.rest.len == 0;
    return read && out->precision >= 1 && out->precision <= TARN__DECIMAL_PRECISION_MAX &&
           out->scale <= out->precision;
}

/* The spec's prose writes fixed(L), its JSON fixed[L]. */
static bool fixed_from_tail(struct tarn_str tail, struct tarn_type *out)
{
    struct cursor c = {tail};
    char close = tarn_str_starts(tarn_str_trim(tail), TARN_STR("[")) ? ']' : ')';
    bool read = take_char(&c, close == ']' ? '[' : '(') && take_int(&c, &out->length) &&
                take_char(&c, close) && c.rest.len == 0;
    return read && out->length >= 1 && out->length <= TARN__FIXED_MAX;
}

/* "" or "( crs [, algorithm] )": only the brackets are checked, the text is kept. */
static bool geo_tail_is_sound(struct tarn_str tail)
{
    tail = tarn_str_trim(tail);
    if (tail.len == 0)
        return true;
    return tail.len > 2 && tail.ptr[0] == '(' && tail.ptr[tail.len - 1] == ')' &&
           !memchr(tail.ptr, ')', tail.len - 1);
}

static bool from_tail(struct tarn_str tail, struct tarn_type *out)
{
    switch (out->kind) {
    case TARN_TYPE_DECIMAL:
        return decimal_from_tail(tail, out);
    case TARN_TYPE_FIXED:
        return fixed_from_tail(tail, out);
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        return geo_tail_is_sound(tail);
    default:
        return tail.len == 0;
    }
}

enum tarn_status tarn__type_from_name(struct tarn_op *op, struct tarn_str text,
                                      enum tarn_status status, struct tarn_type *out)
{
    text = tarn_str_trim(text);
    size_t n = 0;
    while (n < text.len && !strchr("([ \t", text.ptr[n]))
        n++;
    struct tarn_str name = tarn_str_of(text.ptr, n), tail = tarn_str_of(text.ptr + n, text.len - n);
    for (int kind = 0; kind < (int)TARN_TYPE_STRUCT; kind++) {
        if (!tarn_str_eq_nocase(name, tarn_str_view(tarn__type_name((enum tarn_type_kind)kind))))
            continue;
        *out = (struct tarn_type){.kind = (enum tarn_type_kind)kind};
        if (!from_tail(tail, out))
            return tarn_fail(op, status, "the parameters of type \"%.*s\" are not valid",
                             TARN_STR_ARG(text));
        if (kind != TARN_TYPE_GEOMETRY && kind != TARN_TYPE_GEOGRAPHY)
            return TARN_OK;
        out->text = tarn_strdup(op, text);
        return out->text.ptr ? TARN_OK : op->report.status;
    }
    return tarn_fail(op, status == TARN_CORRUPT ? TARN_UNSUPPORTED : status,
                     "there is no type \"%.*s\" that this version knows", TARN_STR_ARG(text));
}

/* ---- reading */

struct reader {
    struct tarn_op *op;
    int depth;
    size_t fields;
};

static enum tarn_status read_type(struct reader *r, const struct tarn_json *j,
                                  struct tarn_type *out);

static enum tarn_status keep_raw(struct tarn_op *op, const struct tarn_json *o, const char *key,
                                 struct tarn_str *out)
{
    const struct tarn_json *v = tarn_json_get(o, key);
    if (!v || v->kind == TARN_JSON_K_NULL)
        return TARN_OK;
    *out = tarn_strdup(op, v->raw);
    return out->ptr ? TARN_OK : op->report.status;
}

static enum tarn_status read_id(struct reader *r, const struct tarn_json *o, const char *key,
                                int32_t *out)
{
    struct tarn_json_field f = {.what = "type", .required = true};
    *out = 0;
    TARN_TRY(tarn_json_i32(r->op, o, key, f, out));
    if (*out < 0)
        return tarn_fail(r->op, TARN_CORRUPT, "type: field id %d is negative", (int)*out);
    if (++r->fields > TARN__TYPE_FIELDS_MAX)
        return tarn_fail(r->op, TARN_LIMIT, "a schema has more than %d fields",
                         TARN__TYPE_FIELDS_MAX);
    return TARN_OK;
}

static enum tarn_status read_child(struct reader *r, const struct tarn_json *o, const char *key,
                                   struct tarn_type *out)
{
    const struct tarn_json *v = tarn_json_get(o, key);
    if (!v)
        return tarn_fail(r->op, TARN_CORRUPT, "type: field \"%s\" is missing", key);
    return read_type(r, v, out);
}

static const char *const FIELD_KEYS[] = {
    "id", "name", "required", "type", "doc", "initial-default", "write-default"};

static enum tarn_status read_field(struct reader *r, const struct tarn_json *o,
                                   struct tarn_field *out)
{
    struct tarn_json_field must = {.what = "schema field", .required = true};
    struct tarn_json_field may = {.what = "schema field"};
    if (o->kind != TARN_JSON_K_OBJECT)
        return tarn_fail(r->op, TARN_CORRUPT, "a schema field is not an object");
    TARN_TRY(read_id(r, o, "id", &out->id));
    TARN_TRY(tarn_json_str(r->op, o, "name", must, &out->name));
    TARN_TRY_WHILE(r->op, tarn_json_bool(r->op, o, "required", must, &out->required),
                   "reading field \"%.*s\"", TARN_STR_ARG(out->name));
    TARN_TRY_WHILE(r->op, read_child(r, o, "type", &out->type), "reading field \"%.*s\"",
                   TARN_STR_ARG(out->name));
    TARN_TRY(tarn_json_str(r->op, o, "doc", may, &out->doc));
    TARN_TRY(keep_raw(r->op, o, "initial-default", &out->initial_default));
    TARN_TRY(keep_raw(r->op, o, "write-default", &out->write_default));
    return tarn__json_extra(r->op, o, FIELD_KEYS, sizeof FIELD_KEYS / sizeof FIELD_KEYS[0],
                            &out->extra);
}

static enum tarn_status read_struct(struct reader *r, const struct tarn_json *j,
                                    struct tarn_type *out)
{
    const struct tarn_json *fields;
    struct tarn_json_field must = {.what = "struct type", .required = true};
    TARN_TRY(tarn_json_array(r->op, j, "fields", must, &fields));
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT};
    if (fields->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(r->op, out->fields, fields->count);
    for (const struct tarn_json *f = fields->first; f; f = f->next)
        TARN_TRY(read_field(r, f, &out->fields[out->field_count++]));
    const struct tarn_field *twin;
    TARN_TRY(tarn__fields_find_twin(r->op, out->fields, out->field_count, &twin));
    if (twin)
        return tarn_fail(r->op, TARN_CORRUPT, "a struct has two fields \"%.*s\"",
                         TARN_STR_ARG(twin->name));
    return TARN_OK;
}

static enum tarn_status read_list(struct reader *r, const struct tarn_json *j,
                                  struct tarn_type *out)
{
    struct tarn_json_field must = {.what = "list type", .required = true};
    TARN_TRY(tarn__type_make_list(r->op, out));
    TARN_TRY(read_id(r, j, "element-id", &out->fields[0].id));
    TARN_TRY(tarn_json_bool(r->op, j, "element-required", must, &out->fields[0].required));
    return read_child(r, j, "element", &out->fields[0].type);
}

static enum tarn_status read_map(struct reader *r, const struct tarn_json *j, struct tarn_type *out)
{
    struct tarn_json_field must = {.what = "map type", .required = true};
    TARN_TRY(tarn__type_make_map(r->op, out));
    TARN_TRY(read_id(r, j, "key-id", &out->fields[0].id));
    TARN_TRY(read_child(r, j, "key", &out->fields[0].type));
    TARN_TRY(read_id(r, j, "value-id", &out->fields[1].id));
    TARN_TRY(tarn_json_bool(r->op, j, "value-required", must, &out->fields[1].required));
    return read_child(r, j, "value", &out->fields[1].type);
}

static enum tarn_status read_nested(struct reader *r, const struct tarn_json *j,
                                    struct tarn_type *out)
{
    struct tarn_str kind;
    struct tarn_json_field must = {.what = "type", .required = true};
    TARN_TRY(tarn_json_str(r->op, j, "type", must, &kind));
    if (tarn_str_is(kind, "struct"))
        return read_struct(r, j, out);
    if (tarn_str_is(kind, "list"))
        return read_list(r, j, out);
    if (tarn_str_is(kind, "map"))
        return read_map(r, j, out);
    return tarn_fail(r->op, TARN_UNSUPPORTED, "there is no nested type \"%.*s\"",
                     TARN_STR_ARG(kind));
}

static enum tarn_status read_type(struct reader *r, const struct tarn_json *j,
                                  struct tarn_type *out)
{
    *out = (struct tarn_type){0};
    if (j->kind == TARN_JSON_K_STRING)
        return tarn__type_from_name(r->op, j->text, TARN_CORRUPT, out);
    if (j->kind != TARN_JSON_K_OBJECT)
        return tarn_fail(r->op, TARN_CORRUPT, "a type is neither a string nor an object");
    if (++r->depth > TARN__TYPE_DEPTH_MAX)
        return tarn_fail(r->op, TARN_LIMIT, "a type is nested deeper than %d levels",
                         TARN__TYPE_DEPTH_MAX);
    TARN_TRY(read_nested(r, j, out));
    r->depth--;
    return TARN_OK;
}

enum tarn_status tarn_type_from_json(struct tarn_op *op, const struct tarn_json *j,
                                     struct tarn_type *out)
{
    struct reader r = {.op = op};
    TARN_TRY(read_type(&r, j, out));
    return tarn__type_check_ids(op, out);
}

/* ---- writing */

static void put_field(struct tarn_json_writer *w, const struct tarn_field *f)
{
    tarn_json_begin_object(w);
    tarn_json_member_i64(w, "id", f->id);
    tarn_json_member_str(w, "name", f->name);
    tarn_json_member_bool(w, "required", f->required);
    tarn_json_key(w, "type");
    tarn_type_to_json(w, &f->type);
    if (f->doc.ptr)
        tarn_json_member_str(w, "doc", f->doc);
    if (f->initial_default.ptr) {
        tarn_json_key(w, "initial-default");
        tarn_json_put_raw(w, f->initial_default);
    }
    if (f->write_default.ptr) {
        tarn_json_key(w, "write-default");
        tarn_json_put_raw(w, f->write_default);
    }
    tarn__json_put_extra(w, &f->extra);
    tarn_json_end_object(w);
}

void tarn__struct_put_fields(struct tarn_json_writer *w, const struct tarn_type *t)
{
    tarn_json_key(w, "fields");
    tarn_json_begin_array(w);
    for (size_t i = 0; i < t->field_count; i++)
        put_field(w, &t->fields[i]);
    tarn_json_end_array(w);
}

static void put_primitive(struct tarn_json_writer *w, const struct tarn_type *t)
{
    char text[64];
    if (t->kind == TARN_TYPE_DECIMAL)
        (void)snprintf(text, sizeof text, "decimal(%d, %d)", (int)t->precision, (int)t->scale);
    else if (t->kind == TARN_TYPE_FIXED)
        (void)snprintf(text, sizeof text, "fixed[%d]", (int)t->length);
    if (t->kind == TARN_TYPE_DECIMAL || t->kind == TARN_TYPE_FIXED)
        tarn_json_put_z(w, text);
    else if (t->text.ptr)
        tarn_json_put_str(w, t->text);
    else
        tarn_json_put_z(w, tarn__type_name(t->kind));
}

static void put_list(struct tarn_json_writer *w, const struct tarn_type *t)
{
    tarn_json_member_z(w, "type", "list");
    tarn_json_member_i64(w, "element-id", t->fields[0].id);
    tarn_json_key(w, "element");
    tarn_type_to_json(w, &t->fields[0].type);
    tarn_json_member_bool(w, "element-required", t->fields[0].required);
}

static void put_map(struct tarn_json_writer *w, const struct tarn_type *t)
{
    tarn_json_member_z(w, "type", "map");
    tarn_json_member_i64(w, "key-id", t->fields[0].id);
    tarn_json_key(w, "key");
    tarn_type_to_json(w, &t->fields[0].type);
    tarn_json_member_i64(w, "value-id", t->fields[1].id);
    tarn_json_key(w, "value");
    tarn_type_to_json(w, &t->fields[1].type);
    tarn_json_member_bool(w, "value-required", t->fields[1].required);
}

void tarn_type_to_json(struct tarn_json_writer *w, const struct tarn_type *t)
{
    if (!tarn_type_is_nested(t)) {
        put_primitive(w, t);
        return;
    }
    tarn_json_begin_object(w);
    if (t->kind == TARN_TYPE_STRUCT) {
        tarn_json_member_z(w, "type", "struct");
        tarn__struct_put_fields(w, t);
    } else if (t->kind == TARN_TYPE_LIST) {
        put_list(w, t);
    } else {
        put_map(w, t);
    }
    tarn_json_end_object(w);
}
