/* decode_plan: the tree that a document is read along: the shape's places and the target's
 * columns, joined by name. */
#include "flow/decode_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

#define PLAN_BYTES_MAX   ((size_t)256 << 20)
#define COLUMN_BYTES_MAX ((size_t)1 << 30)

/* ---- letters and failures */

const char *tarn__letter(struct tarn__decode *d, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(d->reason, sizeof d->reason, fmt, ap);
    va_end(ap);
    d->letter_has_column = true;
    return NULL;
}

const char *tarn__letter_at(struct tarn__decode *d, const char *at, const char *what)
{
    if (at >= d->end)
        (void)snprintf(d->reason, sizeof d->reason, "the document ends too early");
    else
        (void)snprintf(d->reason, sizeof d->reason, "%s at byte %zu of the document", what,
                       (size_t)(at - d->begin) + 1);
    d->letter_has_column = false;
    return NULL;
}

const char *tarn__letter_step(struct tarn__decode *d, struct tarn_str step)
{
    if (d->status != TARN_OK || !d->letter_has_column)
        return NULL;
    if (step.len + 1 > d->column_at) /* a path too long for its place loses its first steps */
        return NULL;
    if (d->column_at < sizeof d->column - 1)
        d->column[--d->column_at] = '.';
    d->column_at -= step.len;
    if (step.len > 0)
        memcpy(d->column + d->column_at, step.ptr, step.len);
    return NULL;
}

const char *tarn__fail_nomem(struct tarn__decode *d)
{
    d->status = tarn_fail(d->op, TARN_NOMEM, "no memory to read a document");
    return NULL;
}

/* ---- fields of a place */

uint64_t tarn__name_hash(struct tarn_str name)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ name.len;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        h = (h ^ (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 0x100000001B3u;
    }
    return h ^ h >> 29;
}

static void index_put(struct tarn__plan *n, struct tarn__plan_field *f)
{
    struct tarn_str name = tarn_str_of(f->key, f->key_len - 1);
    uint32_t at = (uint32_t)tarn__name_hash(name) & n->index_mask;
    while (n->index[at])
        at = (at + 1) & n->index_mask;
    n->index[at] = f;
}

static bool index_grow(struct tarn__decode *d, struct tarn__plan *n)
{
    uint32_t cap = n->field_cap ? n->field_cap * 2 : 8;
    struct tarn__plan_field **fields = tarn_arena_alloc(d->arena, cap * sizeof(void *));
    struct tarn__plan_field **index = tarn_arena_alloc(d->arena, cap * 2 * sizeof(void *));
    if (!fields || !index)
        return false;
    if (n->field_count > 0)
        memcpy(fields, n->fields, n->field_count * sizeof(void *));
    n->fields = fields;
    n->index = index;
    n->field_cap = cap;
    n->index_mask = cap * 2 - 1;
    for (uint32_t i = 0; i < n->field_count; i++)
        index_put(n, fields[i]);
    return true;
}

struct tarn__plan *tarn__plan_new(struct tarn__decode *d)
{
    struct tarn__plan *n = tarn_arena_alloc(d->arena, sizeof *n);
    if (n)
        n->kind = TARN__PLAN_NONE;
    else
        (void)tarn__fail_nomem(d);
    return n;
}

struct tarn__plan_field *tarn__plan_find(const struct tarn__plan *n, struct tarn_str name)
{
    if (n->field_count == 0)
        return NULL;
    uint32_t at = (uint32_t)tarn__name_hash(name) & n->index_mask;
    for (; n->index[at]; at = (at + 1) & n->index_mask) {
        struct tarn__plan_field *f = n->index[at];
        if (f->key_len - 1 == name.len && tarn_str_eq_nocase(tarn_str_of(f->key, name.len), name))
            return f;
    }
    return NULL;
}

struct tarn__plan_field *tarn__plan_add(struct tarn__decode *d, struct tarn__plan *n,
                                        struct tarn_str name)
{
    struct tarn__plan_field *f = tarn_arena_alloc(d->arena, sizeof *f + name.len + 33);
    if (!f || (n->field_count == n->field_cap && !index_grow(d, n))) {
        (void)tarn__fail_nomem(d);
        return NULL;
    }
    memcpy(f->key, name.ptr, name.len);
    f->key[name.len] = '"';
    f->key_len = (uint32_t)name.len + 1;
    f->first = UINT64_MAX;
    f->plain = true;
    for (size_t i = 0; i < name.len; i++)
        f->plain = f->plain && (unsigned char)name.ptr[i] >= 0x20 && name.ptr[i] != '"' &&
                   name.ptr[i] != '\\';
    f->node = tarn__plan_new(d);
    if (!f->node)
        return NULL;
    n->fields[n->field_count++] = f;
    index_put(n, f);
    return f;
}

struct tarn_str tarn__plan_column_name(struct tarn__decode *d, const struct tarn__plan *n,
                                       struct tarn_str key)
{
    if (n != d->root || !tarn__name_reserved(key))
        return key;
    char *p = tarn_arena_alloc(d->doc_arena, key.len + 4);
    d->doc_arena_used = true;
    if (!p)
        return (struct tarn_str){NULL, 0};
    memcpy(p, "doc_", 4);
    memcpy(p + 4, key.ptr, key.len);
    return tarn_str_of(p, key.len + 4);
}

bool tarn__sight(struct tarn__decode *d, struct tarn__plan *n, struct tarn__plan_field *f,
                 struct tarn_str name, uint64_t position)
{
    if (!d->apply) {
        d->changed = true;
        return true;
    }
    if (!n->shape || !(n->shape->flags & TARN__S_DOC))
        return true;
    struct tarn__shape_field *sf = tarn__shape_field_find(n->shape, name);
    if (!sf) {
        sf = tarn__shape_field_add(d->op, n->shape, name, position);
        if (!sf) {
            d->status = d->op->report.status;
            return false;
        }
        if (n->kind == TARN_TYPE_STRING && n->column)
            d->unfit = true; /* empty documents until now, which are text */
    } else if (!tarn__shape_field_sight(n->shape, sf, name, position)) {
        return tarn__fail_nomem(d) != NULL;
    }
    f->first = position;
    if (!f->node->declared)
        f->node->shape = sf->shape;
    return true;
}

/* ---- building */

static enum tarn_status build(struct tarn__decode *d, struct tarn__plan *n, struct tarn_shape *s,
                              struct tarn__column *c, const struct tarn__declared_list *l);

static enum tarn_status build_children(struct tarn__decode *d, struct tarn__plan *n,
                                       struct tarn__column *c)
{
    const struct tarn__declared_list none = {NULL, 0};
    bool map = n->kind == TARN_TYPE_MAP;
    n->element = tarn__plan_new(d);
    if (map)
        n->map_key = tarn__plan_new(d);
    if (!n->element || (map && !n->map_key))
        return d->status;
    n->element->strict = n->strict;
    n->element->declared = n->declared;
    if (c && (map || n->kind == TARN_TYPE_LIST))
        n->element->required = c->type->fields[map].required;
    if (map) {
        if (c->children[0].type->kind != TARN_TYPE_STRING)
            return tarn_fail(
                d->op, TARN_UNSUPPORTED,
                "documents have text for keys: a map with other keys cannot be filled");
        n->map_key->strict = n->map_key->declared = true;
        TARN_TRY(build(d, n->map_key, NULL, &c->children[0], &none));
    }
    return TARN_OK;
}

/* The fields of a struct column and of a shape, in the shape's order first: so they are
 * expected. */
static enum tarn_status build_fields(struct tarn__decode *d, struct tarn__plan *n,
                                     struct tarn_shape *s, struct tarn__column *c,
                                     const struct tarn__declared_list *l)
{
    size_t columns = c ? c->child_count : 0, seen = s ? s->field_count : 0;
    const struct tarn__shape_field **sorted = s ? tarn__shape_sorted(d->op, s) : NULL;
    if (s && !sorted)
        return TARN_NOMEM;
    struct tarn__plan_field *last = NULL;
    for (size_t i = 0; i < seen + columns; i++) {
        struct tarn_str name = i < seen ? sorted[i]->name : c->type->fields[i - seen].name;
        struct tarn__plan_field *f = tarn__plan_find(n, name);
        if (!f) {
            f = tarn__plan_add(d, n, name);
            if (!f)
                return d->status;
            if (f->plain) {
                *(last ? &last->next : &n->first_field) = f;
                last = f;
            }
        }
        if (i < seen) {
            f->first = sorted[i]->first;
            f->node->shape = sorted[i]->shape;
            continue;
        }
        if (f->node->column)
            return tarn_fail(d->op, TARN_SCHEMA,
                             "column \"%.*s\" stands twice but for upper and lower case",
                             TARN_STR_ARG(name));
        f->node->strict = n->declared;
        f->node->declared = n->declared;
        f->node->required = c->type->fields[i - seen].required;
        f->node->column = &c->children[i - seen];
        n->column_count++;
    }
    for (uint32_t i = 0; i < n->field_count; i++) {
        struct tarn__plan_field *f = n->fields[i];
        struct tarn__declared_list below;
        struct tarn_str spelling;
        if (n->declared)
            f->first = 0;
        TARN_TRY(
            tarn__declared_below(d->op, l, tarn_str_of(f->key, f->key_len - 1), &below, &spelling));
        TARN_TRY(build(d, f->node, f->node->shape, f->node->column, &below));
    }
    return TARN_OK;
}

static enum tarn_status build(struct tarn__decode *d, struct tarn__plan *n, struct tarn_shape *s,
                              struct tarn__column *c, const struct tarn__declared_list *l)
{
    struct tarn__declared_list below = {NULL, 0};
    struct tarn_str spelling;
    n->column = c;
    n->kind = c ? (uint8_t)c->type->kind : TARN__PLAN_NONE;
    /* No document shows a map, so a map column is as good as declared. */
    n->declared = n->declared || tarn__declared_here(l) || n->kind == TARN_TYPE_MAP;
    n->strict = n->declared || l->count > 0;
    n->shape = n->declared ? NULL : s;
    s = n->shape;
    bool list = n->kind == TARN_TYPE_LIST || n->kind == TARN_TYPE_MAP;
    if (list || (s && s->element)) {
        TARN_TRY(build_children(d, n, c));
        TARN_TRY(tarn__declared_below(d->op, l, TARN_STR("element"), &below, &spelling));
        struct tarn__column *child = list ? &c->children[c->child_count - 1] : NULL;
        TARN_TRY(build(d, n->element, s ? s->element : NULL, child, &below));
    }
    if (n->kind == TARN_TYPE_STRUCT || (s && s->field_count > 0))
        return build_fields(d, n, s, n->kind == TARN_TYPE_STRUCT ? c : NULL, l);
    return TARN_OK;
}

/* ---- life */

static enum tarn_status decode_open(struct tarn_op *op, struct tarn__decode *d,
                                    const struct tarn_decode_options *options,
                                    const struct tarn_shape *shape, const struct tarn_type *target,
                                    size_t tail)
{
    struct tarn__declared_list declared;
    d->arena = tarn_arena_new(PLAN_BYTES_MAX);
    d->doc_arena = tarn_arena_new(PLAN_BYTES_MAX);
    if (!d->arena || !d->doc_arena)
        return tarn_fail(op, TARN_NOMEM, "no memory to decode");
    d->shape = tarn_shape_new(op);
    if (!d->shape)
        return TARN_NOMEM;
    if (shape)
        TARN_TRY(tarn_shape_join(op, d->shape, shape));
    TARN_TRY(tarn__declared_open(op, options->declared, options->declared_count, &declared));
    TARN_TRY(tarn__column_init(op, target, &d->budget, &d->table));
    d->document = d->table;
    d->document.child_count -= tail;
    d->root = tarn__plan_new(d);
    if (!d->root)
        return d->status;
    return build(d, d->root, d->shape, &d->document, &declared);
}

enum tarn_status tarn__decode_init(struct tarn_op *op, struct tarn__decode *d,
                                   const struct tarn_decode_options *options,
                                   const struct tarn_shape *shape, const struct tarn_type *target,
                                   size_t tail)
{
    uint64_t text_max =
        options->document_bytes_max ? options->document_bytes_max : TARN__DOCUMENT_BYTES_DEFAULT;
    *d = (struct tarn__decode){.op = op, .budget = {.max = COLUMN_BYTES_MAX}};
    d->ejson = options->format == TARN_INPUT_EJSON;
    d->depth_max = options->depth_max ? options->depth_max : TARN__DEPTH_DEFAULT;
    if (d->depth_max > TARN_JSON_DEPTH_MAX)
        d->depth_max = TARN_JSON_DEPTH_MAX;
    tarn_buf_init(&d->text, (size_t)text_max * 2 + TARN__PAD);
    tarn_buf_init(&d->json, (size_t)text_max * 2 + TARN__PAD);
    tarn_buf_init(&d->bytes, (size_t)text_max * 2 + TARN__PAD);
    tarn_buf_init(&d->digits, (size_t)text_max * 2 + TARN__PAD);
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    enum tarn_status status = decode_open(op, d, options, shape, target, tail);
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

void tarn__decode_release(struct tarn__decode *d)
{
    tarn__column_release(&d->table);
    tarn_arena_free(d->arena);
    tarn_arena_free(d->doc_arena);
    tarn_shape_free(d->shape);
    tarn_buf_release(&d->text);
    tarn_buf_release(&d->json);
    tarn_buf_release(&d->bytes);
    tarn_buf_release(&d->digits);
    free(d->keys.items);
    *d = (struct tarn__decode){0};
}
