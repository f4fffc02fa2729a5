/* inspect_cells: columns of a batch that grow by one value at a time, and types out of text. */
#include "lake/inspect_int.h"

#define FIRST_CAP 64

/* ---- growth */

static size_t width_of(const struct tarn_type *t)
{
    switch (t->kind) {
    case TARN_TYPE_BOOLEAN:
        return 1;
    case TARN_TYPE_INT:
    case TARN_TYPE_DATE:
    case TARN_TYPE_FLOAT:
        return 4;
    case TARN_TYPE_DECIMAL:
    case TARN_TYPE_UUID:
        return 16;
    case TARN_TYPE_FIXED:
        return (size_t)t->length;
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
    case TARN_TYPE_STRUCT:
    case TARN_TYPE_LIST:
    case TARN_TYPE_MAP:
        return 0;
    default:
        return 8;
    }
}

static bool has_offsets(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_STRING || t->kind == TARN_TYPE_BINARY ||
           t->kind == TARN_TYPE_LIST || t->kind == TARN_TYPE_MAP;
}

/* A larger copy of an array, zeroed behind what it holds; NULL after the failure was kept. */
static void *larger(struct tarn__rows *r, const void *from, size_t used, size_t size)
{
    void *p = tarn_alloc(r->op, size);
    if (!p)
        tarn__rows_fail(r, TARN_NOMEM);
    else if (used)
        memcpy(p, from, used);
    return p;
}

static bool grow(struct tarn__rows *r, struct tarn__cells *c)
{
    struct tarn_column *to = &c->column;
    size_t n = to->length, cap = c->cap ? c->cap * 2 : FIRST_CAP, width = width_of(to->type);
    if (n < c->cap)
        return true;
    void *validity = larger(r, to->validity, n / 64 * 8, cap / 64 * 8);
    void *data = width && validity ? larger(r, to->data, n * width, cap * width) : NULL;
    void *offsets = has_offsets(to->type) && validity
                        ? larger(r, to->offsets, c->cap ? (n + 1) * 4 : 0, (cap + 1) * 4)
                        : NULL;
    if (!validity || (width && !data) || (has_offsets(to->type) && !offsets))
        return false;
    to->validity = validity;
    to->data = data;
    to->offsets = offsets;
    c->cap = cap;
    return true;
}

static size_t end_of(const struct tarn__cells *c)
{
    bool nested = c->column.type->kind == TARN_TYPE_LIST || c->column.type->kind == TARN_TYPE_MAP;
    if (nested)
        return c->children[0].column.length;
    return c->column.offsets && c->column.length ? c->column.offsets[c->column.length] : 0;
}

/* Room for one more value, which is counted; false after a failure. */
static bool push(struct tarn__rows *r, struct tarn__cells *c, bool valid)
{
    struct tarn_column *to = &c->column;
    if (r->status != TARN_OK || !grow(r, c))
        return false;
    size_t end = end_of(c);
    if (end > UINT32_MAX) {
        tarn__rows_fail(r, tarn_fail(r->op, TARN_LIMIT, "a metadata table has too large a column"));
        return false;
    }
    if (valid)
        to->validity[to->length >> 6] |= (uint64_t)1 << (to->length & 63);
    to->null_count += !valid;
    to->length++;
    if (to->offsets)
        to->offsets[to->length] = (uint32_t)end;
    return true;
}

/* ---- values */

void tarn__cell_null(struct tarn__rows *r, struct tarn__cells *c)
{
    if (c->column.type->kind == TARN_TYPE_STRUCT)
        for (size_t i = 0; i < c->column.type->field_count; i++)
            tarn__cell_null(r, &c->children[i]);
    (void)push(r, c, false);
}

void tarn__cell_int(struct tarn__rows *r, struct tarn__cells *c, int64_t v)
{
    if (!push(r, c, true))
        return;
    size_t at = c->column.length - 1;
    switch (width_of(c->column.type)) {
    case 1:
        ((uint8_t *)c->column.data)[at] = v != 0;
        break;
    case 4:
        ((int32_t *)c->column.data)[at] = (int32_t)v;
        break;
    default:
        ((int64_t *)c->column.data)[at] = v;
        break;
    }
}

void tarn__cell_int_if(struct tarn__rows *r, struct tarn__cells *c, bool present, int64_t v)
{
    if (present)
        tarn__cell_int(r, c, v);
    else
        tarn__cell_null(r, c);
}

static bool bytes_reserve(struct tarn__rows *r, struct tarn__cells *c, size_t used, size_t more)
{
    if (used + more <= c->bytes_cap)
        return true;
    if (used + more > UINT32_MAX) {
        tarn__rows_fail(r, tarn_fail(r->op, TARN_LIMIT, "a metadata table has too large a column"));
        return false;
    }
    size_t cap = c->bytes_cap * 2 > used + more ? c->bytes_cap * 2 : used + more + 256;
    char *p = larger(r, c->column.bytes, used, cap);
    if (!p)
        return false;
    c->column.bytes = p;
    c->bytes_cap = cap;
    return true;
}

void tarn__cell_bytes(struct tarn__rows *r, struct tarn__cells *c, struct tarn_str s)
{
    if (!s.ptr || (c->column.type->kind == TARN_TYPE_STRING && !tarn_utf8_valid(s))) {
        tarn__cell_null(r, c);
        return;
    }
    size_t used = end_of(c);
    if (!bytes_reserve(r, c, used, s.len) || !push(r, c, true))
        return;
    if (s.len)
        memcpy(c->column.bytes + used, s.ptr, s.len);
    c->column.offsets[c->column.length] = (uint32_t)(used + s.len);
}

/* FLOAT, DOUBLE, DECIMAL, UUID, FIXED: as they lie in memory. */
static void put_raw(struct tarn__rows *r, struct tarn__cells *c, const void *p, size_t n)
{
    size_t width = width_of(c->column.type);
    if (n != width)
        tarn__cell_null(r, c);
    else if (push(r, c, true))
        memcpy((char *)c->column.data + (c->column.length - 1) * width, p, width);
}

void tarn__cell_value(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_value *v)
{
    float f = (float)v->d;
    if (v->is_null) {
        tarn__cell_null(r, c);
        return;
    }
    switch (c->column.type->kind) {
    case TARN_TYPE_STRING:
    case TARN_TYPE_BINARY:
        tarn__cell_bytes(r, c, v->bytes);
        break;
    case TARN_TYPE_FLOAT:
        put_raw(r, c, &f, sizeof f);
        break;
    case TARN_TYPE_DOUBLE:
        put_raw(r, c, &v->d, sizeof v->d);
        break;
    case TARN_TYPE_DECIMAL:
        put_raw(r, c, &v->dec, sizeof v->dec);
        break;
    case TARN_TYPE_UUID:
    case TARN_TYPE_FIXED:
        put_raw(r, c, v->bytes.ptr, v->bytes.len);
        break;
    default:
        tarn__cell_int(r, c, v->i);
        break;
    }
}

void tarn__cell_end(struct tarn__rows *r, struct tarn__cells *c)
{
    (void)push(r, c, true);
}

/* ---- rows */

static enum tarn_status cells_init(struct tarn_op *op, struct tarn__cells *c,
                                   const struct tarn_type *t)
{
    c->column.type = t;
    if (t->field_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, c->children, t->field_count);
    for (size_t i = 0; i < t->field_count; i++)
        TARN_TRY(cells_init(op, &c->children[i], &t->fields[i].type));
    return TARN_OK;
}

enum tarn_status tarn__rows_init(struct tarn__rows *r, struct tarn_op *op,
                                 const struct tarn_type *schema)
{
    *r = (struct tarn__rows){.op = op};
    return cells_init(op, &r->root, schema);
}

static enum tarn_status take(struct tarn__rows *r, struct tarn__cells *c, struct tarn_column *out)
{
    if (!c->cap && !grow(r, c)) /* a column without values has its first offset too */
        return r->status;
    *out = c->column;
    if (out->null_count == 0)
        out->validity = NULL;
    out->child_count = c->column.type->field_count;
    if (out->child_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(r->op, out->children, out->child_count);
    for (size_t i = 0; i < out->child_count; i++)
        TARN_TRY(take(r, &c->children[i], &out->children[i]));
    return TARN_OK;
}

enum tarn_status tarn__rows_finish(struct tarn__rows *r, struct tarn_batch *out)
{
    size_t n = r->root.column.type->field_count;
    *out = (struct tarn_batch){.rows = tarn__rows_count(r), .column_count = n};
    TARN_TRY(r->status);
    TARN_NEW_ARRAY(r->op, out->columns, n);
    for (size_t i = 0; i < n; i++) {
        TARN_TRY(take(r, &r->root.children[i], &out->columns[i]));
        TARN_ASSERT(out->columns[i].length == out->rows);
    }
    return TARN_OK;
}

/* ---- types */

enum tarn_status tarn__type_append_field(struct tarn_op *op, struct tarn_type *t,
                                         struct tarn_str name, const struct tarn_type *type)
{
    struct tarn_field *fields;
    TARN_NEW_ARRAY(op, fields, t->field_count + 1);
    if (t->field_count)
        memcpy(fields, t->fields, t->field_count * sizeof *fields);
    fields[t->field_count] = (struct tarn_field){.name = name, .type = *type};
    t->fields = fields;
    t->field_count++;
    return TARN_OK;
}

enum tarn_status tarn__type_append(struct tarn_op *op, struct tarn_type *t, const char *fields)
{
    struct tarn_type more;
    struct tarn_str text = tarn_sprintf(op, "struct<%s>", fields);
    if (!text.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_type_parse(op, text, &more));
    t->kind = TARN_TYPE_STRUCT;
    for (size_t i = 0; i < more.field_count; i++) {
        TARN_TRY(tarn__type_append_field(op, t, more.fields[i].name, &more.fields[i].type));
        t->fields[t->field_count - 1].required = more.fields[i].required;
    }
    return TARN_OK;
}
