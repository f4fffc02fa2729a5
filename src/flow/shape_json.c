/* shape_json: a shape as a table property, and the guess from a table's type.
 *
 *     {"v":1,"seen":["doc"],"fields":[
 *         {"name":"amount","seen":["int","frac"],"digits":[7,2]},
 *         {"name":"lines","seen":["list"],"element":{"seen":["text"]}}]}
 *
 * "digits": the most before and behind the point. Members that say nothing (no flags, [0,0], no
 * fields) are left out. The order of "fields" is the order of first sight.
 */
#include "flow/shape_int.h"

#include "base/arena.h"

#define SHAPE_TEXT_MAX ((size_t)64 << 20)

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    {TARN__S_BOOL, "bool"},           {TARN__S_INT, "int"},
    {TARN__S_FRAC, "frac"},           {TARN__S_DOUBLE, "double"},
    {TARN__S_DECIMAL, "decimal"},     {TARN__S_TEXT, "text"},
    {TARN__S_DATE, "date"},           {TARN__S_BINARY, "binary"},
    {TARN__S_UUID, "uuid"},           {TARN__S_DOC, "doc"},
    {TARN__S_LIST, "list"},           {TARN__S_MIXED, "mixed"},
    {TARN__S_NOT_LONG, "not_long"},   {TARN__S_NOT_DOUBLE, "not_double"},
    {TARN__S_NONFINITE, "nonfinite"}, {TARN__S_NO_NUMBER, "no_number"},
};
#define FLAG_NAMES (sizeof flag_names / sizeof *flag_names)

/* ---- writing */

static enum tarn_status put_node(struct tarn_op *op, struct tarn_json_writer *w,
                                 const struct tarn_shape *s);

static enum tarn_status put_fields(struct tarn_op *op, struct tarn_json_writer *w,
                                   const struct tarn_shape *s)
{
    const struct tarn__shape_field **sorted = tarn__shape_sorted(op, s);
    if (!sorted)
        return TARN_NOMEM;
    tarn_json_key(w, "fields");
    tarn_json_begin_array(w);
    for (uint32_t i = 0; i < s->field_count; i++) {
        tarn_json_begin_object(w);
        tarn_json_member_str(w, "name", sorted[i]->name);
        TARN_TRY(put_node(op, w, sorted[i]->shape));
        tarn_json_end_object(w);
    }
    tarn_json_end_array(w);
    return TARN_OK;
}

/* The members of an object that is open. */
static enum tarn_status put_node(struct tarn_op *op, struct tarn_json_writer *w,
                                 const struct tarn_shape *s)
{
    if (s->flags) {
        tarn_json_key(w, "seen");
        tarn_json_begin_array(w);
        for (size_t i = 0; i < FLAG_NAMES; i++)
            if (s->flags & flag_names[i].flag)
                tarn_json_put_z(w, flag_names[i].name);
        tarn_json_end_array(w);
    }
    if (s->whole_digits || s->scale) {
        tarn_json_key(w, "digits");
        tarn_json_begin_array(w);
        tarn_json_put_i64(w, s->whole_digits);
        tarn_json_put_i64(w, s->scale);
        tarn_json_end_array(w);
    }
    if (s->element) {
        tarn_json_key(w, "element");
        tarn_json_begin_object(w);
        TARN_TRY(put_node(op, w, s->element));
        tarn_json_end_object(w);
    }
    return s->field_count > 0 ? put_fields(op, w, s) : TARN_OK;
}

enum tarn_status tarn_shape_to_json(struct tarn_op *op, const struct tarn_shape *s,
                                    struct tarn_str *out)
{
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, SHAPE_TEXT_MAX);
    tarn_json_writer_init(&w, &b);
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    tarn_json_begin_object(&w);
    tarn_json_member_i64(&w, "v", 1);
    enum tarn_status status = put_node(op, &w, s);
    tarn_arena_rewind(op->scratch, mark);
    if (status != TARN_OK) {
        tarn_buf_release(&b);
        return status;
    }
    tarn_json_end_object(&w);
    return (enum tarn_status)tarn_buf_take(op, &b, "a shape as JSON", out);
}

/* ---- reading */

static enum tarn_status corrupt(struct tarn_op *op, const char *what)
{
    return tarn_fail(op, TARN_CORRUPT, "a stored shape is not valid: %s", what);
}

static enum tarn_status read_flags(struct tarn_op *op, const struct tarn_json *seen, uint32_t *out)
{
    *out = 0;
    for (const struct tarn_json *j = seen ? seen->first : NULL; j; j = j->next) {
        uint32_t flag = 0;
        for (size_t i = 0; i < FLAG_NAMES; i++)
            if (j->kind == TARN_JSON_K_STRING && tarn_str_is(j->text, flag_names[i].name))
                flag = flag_names[i].flag;
        if (!flag)
            return corrupt(op, "it has seen something unknown");
        *out |= flag;
    }
    return TARN_OK;
}

static enum tarn_status read_digits(struct tarn_op *op, const struct tarn_json *digits,
                                    struct tarn__seen *out)
{
    int64_t n[2] = {0, 0};
    const struct tarn_json *j = digits ? digits->first : NULL;
    for (int i = 0; digits && i < 2; i++, j = j->next)
        if (!j || j->kind != TARN_JSON_K_NUMBER || !tarn_str_to_i64(j->text, &n[i]) || n[i] < 0 ||
            n[i] > TARN__DIGITS_MAX)
            return corrupt(op, "\"digits\" must be two small numbers");
    out->whole_digits = (uint8_t)n[0];
    out->scale = (uint8_t)n[1];
    return TARN_OK;
}

static enum tarn_status read_node(struct tarn_op *op, const struct tarn_json *o,
                                  struct tarn_shape *s);

static enum tarn_status read_fields(struct tarn_op *op, const struct tarn_json *fields,
                                    struct tarn_shape *s)
{
    uint64_t place = 0;
    for (const struct tarn_json *j = fields->first; j; j = j->next) {
        struct tarn_str name = {0};
        struct tarn_json_field required = {"a field of a stored shape", true};
        if (j->kind != TARN_JSON_K_OBJECT)
            return corrupt(op, "a field is no object");
        TARN_TRY(tarn_json_str(op, j, "name", required, &name));
        if (name.len == 0 || tarn__shape_field_find(s, name))
            return corrupt(op, "a field's name is empty or stands twice");
        struct tarn__shape_field *f = tarn__shape_field_add(op, s, name, place++);
        if (!f)
            return op->report.status;
        TARN_TRY(read_node(op, j, f->shape));
    }
    return TARN_OK;
}

static enum tarn_status read_node(struct tarn_op *op, const struct tarn_json *o,
                                  struct tarn_shape *s)
{
    struct tarn_json_field optional = {"a stored shape", false};
    const struct tarn_json *seen = NULL, *digits = NULL, *element = NULL, *fields = NULL;
    struct tarn__seen v = {0};
    TARN_TRY(tarn_json_array(op, o, "seen", optional, &seen));
    TARN_TRY(tarn_json_array(op, o, "digits", optional, &digits));
    TARN_TRY(tarn_json_object(op, o, "element", optional, &element));
    TARN_TRY(tarn_json_array(op, o, "fields", optional, &fields));
    TARN_TRY(read_flags(op, seen, &v.flags));
    TARN_TRY(read_digits(op, digits, &v));
    if (s->depth > TARN__SHAPE_DEPTH_MAX)
        return corrupt(op, "it is nested too deeply");
    tarn__shape_add(s, v);
    if (s->flags != v.flags)
        return corrupt(op, "a place has seen what does not go together");
    if ((element && !(v.flags & TARN__S_LIST)) || (fields && !(v.flags & TARN__S_DOC)))
        return corrupt(op, "a place has children that it cannot have");
    if (element) {
        struct tarn_shape *e = tarn__shape_element(op, s);
        if (!e)
            return TARN_NOMEM;
        TARN_TRY(read_node(op, element, e));
    }
    return fields ? read_fields(op, fields, s) : TARN_OK;
}

enum tarn_status tarn_shape_from_json(struct tarn_op *op, struct tarn_str json,
                                      struct tarn_shape **out)
{
    struct tarn_json *root;
    int64_t version = 0;
    struct tarn_json_field required = {"a stored shape", true};
    *out = NULL;
    TARN_TRY(tarn_json_parse(op, json, "a stored shape", &root));
    if (root->kind != TARN_JSON_K_OBJECT)
        return corrupt(op, "it is no object");
    TARN_TRY(tarn_json_i64(op, root, "v", required, &version));
    if (version != 1)
        return tarn_fail(op, TARN_UNSUPPORTED, "a stored shape has version %lld; this one reads 1",
                         (long long)version);
    struct tarn_shape *s = tarn_shape_new(op);
    if (!s)
        return TARN_NOMEM;
    enum tarn_status status = read_node(op, root, s);
    if (status == TARN_OK && (s->flags & ~(uint32_t)TARN__S_DOC))
        status = corrupt(op, "its root is no document");
    if (status != TARN_OK)
        tarn_shape_free(s);
    else
        *out = s;
    return status;
}

/* ---- from a type */

/* Everything that a column of the type may hold. Types that no document shows (date, time, map,
 * ...) are text here: declare them to keep them. */
static struct tarn__seen seen_of(const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        return (struct tarn__seen){.flags = TARN__S_BOOL};
    case TARN_TYPE_INT:
        return (struct tarn__seen){TARN__S_INT, 10, 0};
    case TARN_TYPE_LONG:
        return (struct tarn__seen){TARN__S_INT | TARN__S_NOT_DOUBLE, 19, 0};
    case TARN_TYPE_FLOAT:
    case TARN_TYPE_DOUBLE:
        return (struct tarn__seen){TARN__S_DOUBLE | TARN__S_NOT_LONG | TARN__S_NONFINITE,
                                   TARN__DIGITS_MAX, TARN__DIGITS_MAX};
    case TARN_TYPE_DECIMAL:
        return (struct tarn__seen){TARN__S_DECIMAL, (uint8_t)(t->precision - t->scale),
                                   (uint8_t)t->scale};
    case TARN_TYPE_TIMESTAMPTZ:
        return (struct tarn__seen){.flags = TARN__S_DATE};
    case TARN_TYPE_UUID:
        return (struct tarn__seen){.flags = TARN__S_UUID};
    case TARN_TYPE_FIXED:
    case TARN_TYPE_BINARY:
        return (struct tarn__seen){.flags = TARN__S_BINARY};
    case TARN_TYPE_STRUCT:
        return (struct tarn__seen){.flags = TARN__S_DOC};
    case TARN_TYPE_LIST:
        return (struct tarn__seen){.flags = TARN__S_LIST};
    default:
        return (struct tarn__seen){.flags = TARN__S_TEXT};
    }
}

static enum tarn_status add_type(struct tarn_op *op, struct tarn_shape *s,
                                 const struct tarn_type *t)
{
    tarn__shape_add(s, seen_of(t));
    if (s->flags & TARN__S_LIST) {
        struct tarn_shape *e = tarn__shape_element(op, s);
        return e ? add_type(op, e, &t->fields[0].type) : TARN_NOMEM;
    }
    if (!(s->flags & TARN__S_DOC))
        return TARN_OK;
    uint64_t place = 0;
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (s->depth == 0 && tarn__name_reserved(f->name))
            continue;
        if (tarn__shape_field_find(s, f->name))
            return tarn_fail(op, TARN_SCHEMA,
                             "column \"%.*s\" stands twice but for upper and lower case",
                             TARN_STR_ARG(f->name));
        struct tarn__shape_field *g = tarn__shape_field_add(op, s, f->name, place++);
        if (!g)
            return op->report.status;
        TARN_TRY(add_type(op, g->shape, &f->type));
    }
    return TARN_OK;
}

enum tarn_status tarn_shape_from_type(struct tarn_op *op, const struct tarn_type *t,
                                      struct tarn_shape **out)
{
    *out = NULL;
    if (t->kind != TARN_TYPE_STRUCT)
        return tarn_fail(op, TARN_INVALID, "a shape is made from a struct of columns");
    struct tarn_shape *s = tarn_shape_new(op);
    if (!s)
        return TARN_NOMEM;
    enum tarn_status status = add_type(op, s, t);
    if (status != TARN_OK)
        tarn_shape_free(s);
    else
        *out = s;
    return status;
}
