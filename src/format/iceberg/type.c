/* type: what a type is and how two of them compare. Reading from text and JSON: type_parse.c, type_json.c.
 *
 * Recursion goes as deep as the type does; types from outside are at most TARN__TYPE_DEPTH_MAX deep.
 */
#include "format/iceberg/type.h"

#include <stdlib.h>

#include "base/arena.h"
#include "format/iceberg/type_int.h"

static const char *const NAMES[] = {
    [TARN_TYPE_BOOLEAN] = "boolean",
    [TARN_TYPE_INT] = "int",
    [TARN_TYPE_LONG] = "long",
    [TARN_TYPE_FLOAT] = "float",
    [TARN_TYPE_DOUBLE] = "double",
    [TARN_TYPE_DECIMAL] = "decimal",
    [TARN_TYPE_DATE] = "date",
    [TARN_TYPE_TIME] = "time",
    [TARN_TYPE_TIMESTAMP] = "timestamp",
    [TARN_TYPE_TIMESTAMPTZ] = "timestamptz",
    [TARN_TYPE_TIMESTAMP_NS] = "timestamp_ns",
    [TARN_TYPE_TIMESTAMPTZ_NS] = "timestamptz_ns",
    [TARN_TYPE_STRING] = "string",
    [TARN_TYPE_UUID] = "uuid",
    [TARN_TYPE_FIXED] = "fixed",
    [TARN_TYPE_BINARY] = "binary",
    [TARN_TYPE_UNKNOWN] = "unknown",
    [TARN_TYPE_VARIANT] = "variant",
    [TARN_TYPE_GEOMETRY] = "geometry",
    [TARN_TYPE_GEOGRAPHY] = "geography",
};

const char *tarn__type_name(enum tarn_type_kind kind)
{
    return kind < TARN_TYPE_STRUCT ? NAMES[kind] : NULL;
}

/* ---- making */

static enum tarn_status make_nested(struct tarn_op *op, enum tarn_type_kind kind, size_t count,
                                    struct tarn_type *out)
{
    *out = (struct tarn_type){.kind = kind, .field_count = count};
    TARN_NEW_ARRAY(op, out->fields, count);
    return TARN_OK;
}

enum tarn_status tarn__type_make_list(struct tarn_op *op, struct tarn_type *out)
{
    TARN_TRY(make_nested(op, TARN_TYPE_LIST, 1, out));
    out->fields[0].name = TARN_STR("element");
    return TARN_OK;
}

enum tarn_status tarn__type_make_map(struct tarn_op *op, struct tarn_type *out)
{
    TARN_TRY(make_nested(op, TARN_TYPE_MAP, 2, out));
    out->fields[0].name = TARN_STR("key");
    out->fields[0].required = true;
    out->fields[1].name = TARN_STR("value");
    return TARN_OK;
}

/* ---- comparing */

static bool type_eq(const struct tarn_type *a, const struct tarn_type *b, bool ids)
{
    if (a->kind != b->kind || a->field_count != b->field_count)
        return false;
    if (a->kind == TARN_TYPE_DECIMAL)
        return a->precision == b->precision && a->scale == b->scale;
    if (a->kind == TARN_TYPE_FIXED)
        return a->length == b->length;
    if (a->kind == TARN_TYPE_GEOMETRY || a->kind == TARN_TYPE_GEOGRAPHY)
        return tarn_str_eq_nocase(a->text, b->text);
    for (size_t i = 0; i < a->field_count; i++) {
        const struct tarn_field *x = &a->fields[i], *y = &b->fields[i];
        if ((ids && x->id != y->id) || x->required != y->required || !tarn_str_eq(x->name, y->name))
            return false;
        if (!type_eq(&x->type, &y->type, ids))
            return false;
    }
    return true;
}

bool tarn_type_eq(const struct tarn_type *a, const struct tarn_type *b)
{
    return type_eq(a, b, true);
}

bool tarn_type_same_shape(const struct tarn_type *a, const struct tarn_type *b)
{
    return type_eq(a, b, false);
}

bool tarn_type_promotes(const struct tarn_type *from, const struct tarn_type *to,
                        int format_version)
{
    if (tarn_type_eq(from, to))
        return true;
    switch (from->kind) {
    case TARN_TYPE_INT:
        return to->kind == TARN_TYPE_LONG;
    case TARN_TYPE_FLOAT:
        return to->kind == TARN_TYPE_DOUBLE;
    case TARN_TYPE_DECIMAL:
        return to->kind == TARN_TYPE_DECIMAL && to->scale == from->scale &&
               to->precision > from->precision;
    case TARN_TYPE_DATE: /* never to the types with a zone */
        return format_version >= 3 &&
               (to->kind == TARN_TYPE_TIMESTAMP || to->kind == TARN_TYPE_TIMESTAMP_NS);
    case TARN_TYPE_UNKNOWN:
        return format_version >= 3;
    default:
        return false;
    }
}

/* ---- text */

static bool is_plain_name(struct tarn_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return s.len > 0;
}

static void put_field_type(struct tarn_buf *b, const struct tarn_field *f)
{
    tarn__type_put_text(b, &f->type);
    if (f->required)
        tarn_buf_z(b, " not null");
}

static void put_struct(struct tarn_buf *b, const struct tarn_type *t)
{
    tarn_buf_z(b, "struct<");
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (i > 0)
            tarn_buf_z(b, ", ");
        if (is_plain_name(f->name))
            tarn_buf_str(b, f->name);
        else
            tarn_buf_sql_name(b, f->name);
        tarn_buf_z(b, ": ");
        put_field_type(b, f);
    }
    tarn_buf_put(b, '>');
}

void tarn__type_put_text(struct tarn_buf *b, const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_DECIMAL:
        tarn_buf_printf(b, "decimal(%d, %d)", (int)t->precision, (int)t->scale);
        break;
    case TARN_TYPE_FIXED:
        tarn_buf_printf(b, "fixed[%d]", (int)t->length);
        break;
    case TARN_TYPE_GEOMETRY:
    case TARN_TYPE_GEOGRAPHY:
        if (t->text.ptr)
            tarn_buf_str(b, t->text);
        else
            tarn_buf_z(b, NAMES[t->kind]);
        break;
    case TARN_TYPE_STRUCT:
        put_struct(b, t);
        break;
    case TARN_TYPE_LIST:
        tarn_buf_z(b, "list<");
        put_field_type(b, &t->fields[0]);
        tarn_buf_put(b, '>');
        break;
    case TARN_TYPE_MAP:
        tarn_buf_z(b, "map<");
        tarn__type_put_text(b, &t->fields[0].type);
        tarn_buf_z(b, ", ");
        put_field_type(b, &t->fields[1]);
        tarn_buf_put(b, '>');
        break;
    default:
        tarn_buf_z(b, NAMES[t->kind]);
        break;
    }
}

struct tarn_str tarn_type_text(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_str out = {0};
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)64 << 20);
    tarn__type_put_text(&b, t);
    if (tarn_buf_take(op, &b, "type", &out) != TARN_OK)
        return (struct tarn_str){0};
    return out;
}

/* ---- copying */

/* Copies a text into *out; absent stays absent. */
static enum tarn_status copy_str(struct tarn_op *op, struct tarn_str s, struct tarn_str *out)
{
    *out = (struct tarn_str){0};
    if (!s.ptr)
        return TARN_OK;
    *out = tarn_strdup(op, s);
    return out->ptr ? TARN_OK : op->report.status;
}

static enum tarn_status copy_field(struct tarn_op *op, const struct tarn_field *f,
                                   struct tarn_field *out)
{
    *out = (struct tarn_field){.id = f->id, .required = f->required};
    TARN_TRY(copy_str(op, f->name, &out->name));
    TARN_TRY(copy_str(op, f->doc, &out->doc));
    TARN_TRY(copy_str(op, f->initial_default, &out->initial_default));
    TARN_TRY(copy_str(op, f->write_default, &out->write_default));
    TARN_TRY(tarn__kvs_copy(op, &f->extra, &out->extra));
    return tarn_type_copy(op, &f->type, &out->type);
}

enum tarn_status tarn_type_copy(struct tarn_op *op, const struct tarn_type *t,
                                struct tarn_type *out)
{
    struct tarn_type copy = *t;
    TARN_TRY(copy_str(op, t->text, &copy.text));
    copy.fields = NULL;
    if (t->field_count > 0) {
        TARN_NEW_ARRAY(op, copy.fields, t->field_count);
        for (size_t i = 0; i < t->field_count; i++)
            TARN_TRY(copy_field(op, &t->fields[i], &copy.fields[i]));
    }
    *out = copy;
    return TARN_OK;
}

/* ---- ids, levels and leaves */

int tarn__type_depth(const struct tarn_type *t)
{
    int deepest = 0;
    for (size_t i = 0; i < t->field_count; i++) {
        int depth = tarn__type_depth(&t->fields[i].type);
        deepest = depth > deepest ? depth : deepest;
    }
    return tarn_type_is_nested(t) ? deepest + 1 : 0;
}

/* All fields of one level first, then each field's own children: the order of Iceberg Java's AssignFreshIds. */
void tarn_type_assign_ids(struct tarn_type *t, int32_t *next)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id == 0)
            t->fields[i].id = (*next)++;
    for (size_t i = 0; i < t->field_count; i++)
        tarn_type_assign_ids(&t->fields[i].type, next);
}

size_t tarn_type_leaf_count(const struct tarn_type *t)
{
    if (!tarn_type_is_nested(t))
        return 1;
    size_t n = 0;
    for (size_t i = 0; i < t->field_count; i++)
        n += tarn_type_leaf_count(&t->fields[i].type);
    return n;
}

const struct tarn_field *tarn_type_field_by_name(const struct tarn_type *struct_type,
                                                 struct tarn_str name)
{
    for (size_t i = 0; i < struct_type->field_count; i++)
        if (tarn_str_eq(struct_type->fields[i].name, name))
            return &struct_type->fields[i];
    return NULL;
}

static int cmp_names(const void *a, const void *b)
{
    const struct tarn_field *const *x = a, *const *y = b;
    return tarn_str_cmp((*x)->name, (*y)->name);
}

enum tarn_status tarn__fields_find_twin(struct tarn_op *op, const struct tarn_field *fields,
                                        size_t count, const struct tarn_field **out)
{
    *out = NULL;
    if (count < 2)
        return TARN_OK;
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    const struct tarn_field **sorted = tarn_arena_alloc(op->scratch, count * sizeof *sorted);
    if (!sorted)
        return tarn_fail(op, TARN_NOMEM, "out of memory while comparing %zu field names", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &fields[i];
    qsort(sorted, count, sizeof *sorted, cmp_names);
    for (size_t i = 1; i < count && !*out; i++)
        if (tarn_str_eq(sorted[i - 1]->name, sorted[i]->name))
            *out = sorted[i];
    tarn_arena_rewind(op->scratch, mark);
    return TARN_OK;
}
