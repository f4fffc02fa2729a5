/* shape_type: from what was seen, and from what is declared, to column types. */
#include "flow/shape_int.h"

#include "base/arena.h"

enum tarn_type_kind tarn__shape_kind(const struct tarn_shape *s, int *out_scale)
{
    uint32_t f = s->flags;
    *out_scale = 0;
    if (f & TARN__S_BOOL)
        return TARN_TYPE_BOOLEAN;
    if (f & TARN__S_DATE)
        return TARN_TYPE_TIMESTAMPTZ;
    if (f & TARN__S_BINARY)
        return TARN_TYPE_BINARY;
    if (f & TARN__S_UUID)
        return TARN_TYPE_UUID;
    if (f & TARN__S_LIST)
        return TARN_TYPE_LIST;
    /* A struct needs a field: documents that were all empty are text until a key is seen. */
    if (f & TARN__S_DOC)
        return s->field_count > 0 || s->depth == 0 ? TARN_TYPE_STRUCT : TARN_TYPE_STRING;
    if (!(f & TARN__S_NUMBERS) || (f & TARN__S_NO_NUMBER))
        return TARN_TYPE_STRING;
    if (!(f & (TARN__S_NUMBERS & ~TARN__S_INT)) && !(f & TARN__S_NOT_LONG))
        return TARN_TYPE_LONG;
    if (!(f & (TARN__S_DECIMAL | TARN__S_NOT_DOUBLE)))
        return TARN_TYPE_DOUBLE;
    if ((f & TARN__S_NONFINITE) || s->whole_digits + s->scale > 38)
        return TARN_TYPE_STRING;
    *out_scale = s->scale;
    return TARN_TYPE_DECIMAL;
}

bool tarn__name_reserved(struct tarn_str name)
{
    return tarn_str_eq_nocase(name, TARN_STR("ingest_ts")) ||
           tarn_str_eq_nocase(name, TARN_STR("_source_file")) ||
           tarn_str_eq_nocase(name, TARN_STR("_source_offset"));
}

/* ---- declared paths */

/* Is `name` the first step of `path`? What follows it in *rest (names may hold dots, so text is
 * compared, not cut). */
static bool path_step(struct tarn_str path, struct tarn_str name, struct tarn_str *rest)
{
    if (path.len < name.len || (path.len > name.len && path.ptr[name.len] != '.') ||
        !tarn_str_eq_nocase(tarn_str_of(path.ptr, name.len), name))
        return false;
    size_t used = path.len > name.len ? name.len + 1 : name.len;
    *rest = tarn_str_of(path.ptr + used, path.len - used);
    return path.len == name.len || rest->len > 0;
}

static struct tarn_str path_head(struct tarn_str path)
{
    struct tarn_str head = path;
    (void)tarn_str_cut(&path, '.', &head);
    return head;
}

static enum tarn_status check_overlap(struct tarn_op *op, const struct tarn__declared_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        for (size_t j = 0; j < l->count; j++) {
            struct tarn_str rest;
            if (i != j && path_step(l->items[j].rest, l->items[i].rest, &rest))
                return tarn_fail(op, TARN_CONFIG, "declared columns \"%.*s\" and \"%.*s\" overlap",
                                 TARN_STR_ARG(l->items[i].declared->path),
                                 TARN_STR_ARG(l->items[j].declared->path));
        }
    }
    return TARN_OK;
}

enum tarn_status tarn__declared_open(struct tarn_op *op, const struct tarn_declared *declared,
                                     size_t count, struct tarn__declared_list *out)
{
    out->count = count;
    TARN_NEW_ARRAY(op, out->items, count + 1);
    for (size_t i = 0; i < count; i++) {
        struct tarn_str path = declared[i].path, head = path_head(path);
        if (path.len == 0 || head.len == 0 || path.ptr[path.len - 1] == '.')
            return tarn_fail(op, TARN_CONFIG, "\"%.*s\" is no path of a declared column",
                             TARN_STR_ARG(path));
        if (tarn__name_reserved(head)) {
            path = tarn_sprintf(op, "doc_%.*s", TARN_STR_ARG(path));
            if (!path.ptr)
                return TARN_NOMEM;
        }
        out->items[i] = (struct tarn__declared_ref){&declared[i], path};
    }
    return check_overlap(op, out);
}

enum tarn_status tarn__declared_below(struct tarn_op *op, const struct tarn__declared_list *l,
                                      struct tarn_str name, struct tarn__declared_list *out,
                                      struct tarn_str *out_name)
{
    *out = (struct tarn__declared_list){NULL, 0};
    if (l->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->items, l->count);
    for (size_t i = 0; i < l->count; i++) {
        struct tarn_str rest;
        if (!path_step(l->items[i].rest, name, &rest))
            continue;
        if (out->count == 0)
            *out_name = tarn_str_of(l->items[i].rest.ptr, name.len);
        out->items[out->count++] = (struct tarn__declared_ref){l->items[i].declared, rest};
    }
    return TARN_OK;
}

const struct tarn_type *tarn__declared_here(const struct tarn__declared_list *l)
{
    return l->count == 1 && l->items[0].rest.len == 0 ? &l->items[0].declared->type : NULL;
}

/* ---- types */

static enum tarn_status node_type(struct tarn_op *op, const struct tarn_shape *s,
                                  const struct tarn__declared_list *l, int depth,
                                  struct tarn_type *out);

static bool paths_say_list(const struct tarn_shape *s, const struct tarn__declared_list *l)
{
    struct tarn_str rest;
    if (s && (s->flags & (TARN__S_LIST | TARN__S_DOC)))
        return (s->flags & TARN__S_LIST) != 0;
    for (size_t i = 0; i < l->count; i++)
        if (!path_step(l->items[i].rest, TARN_STR("element"), &rest))
            return false;
    return true;
}

static enum tarn_status list_type(struct tarn_op *op, const struct tarn_shape *element,
                                  const struct tarn__declared_list *l, int depth,
                                  struct tarn_type *out)
{
    struct tarn__declared_list below;
    struct tarn_str spelling;
    *out = (struct tarn_type){.kind = TARN_TYPE_LIST, .field_count = 1};
    TARN_NEW(op, out->fields);
    out->fields[0].name = TARN_STR("element");
    TARN_TRY(tarn__declared_below(op, l, TARN_STR("element"), &below, &spelling));
    if (below.count < l->count)
        return tarn_fail(op, TARN_CONFIG,
                         "declared column \"%.*s\" goes through a list without \".element\"",
                         TARN_STR_ARG(l->items[0].declared->path));
    return node_type(op, element, &below, depth + 1, &out->fields[0].type);
}

/* Whether an earlier path of the list begins with the same step: its field is made already. */
static bool head_done(const struct tarn__declared_list *l, size_t i)
{
    struct tarn_str head = path_head(l->items[i].rest), rest;
    for (size_t j = 0; j < i; j++)
        if (path_step(l->items[j].rest, head, &rest))
            return true;
    return false;
}

static bool seen_in_shape(const struct tarn_shape *s, struct tarn_str path)
{
    struct tarn_str rest;
    for (uint32_t i = 0; s && i < s->field_count; i++)
        if (path_step(path, s->fields[i].name, &rest))
            return true;
    return false;
}

static enum tarn_status add_field(struct tarn_op *op, const struct tarn__declared_list *l,
                                  struct tarn_str name, const struct tarn_shape *s, int depth,
                                  struct tarn_type *out)
{
    struct tarn__declared_list below;
    struct tarn_field *f = &out->fields[out->field_count];
    TARN_TRY(tarn__declared_below(op, l, name, &below, &name));
    *f = (struct tarn_field){.name = tarn_strdup(op, name)};
    if (!f->name.ptr)
        return TARN_NOMEM;
    TARN_TRY(node_type(op, s, &below, depth + 1, &f->type));
    out->field_count++;
    return TARN_OK;
}

static enum tarn_status struct_type(struct tarn_op *op, const struct tarn_shape *s,
                                    const struct tarn__declared_list *l, int depth,
                                    struct tarn_type *out)
{
    size_t seen = s ? s->field_count : 0;
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT};
    TARN_NEW_ARRAY(op, out->fields, seen + l->count + 1);
    if (seen > 0) {
        const struct tarn__shape_field **sorted = tarn__shape_sorted(op, s);
        if (!sorted)
            return TARN_NOMEM;
        for (size_t i = 0; i < seen; i++)
            TARN_TRY(add_field(op, l, sorted[i]->name, sorted[i]->shape, depth, out));
    }
    for (size_t i = 0; i < l->count; i++)
        if (!seen_in_shape(s, l->items[i].rest) && !head_done(l, i))
            TARN_TRY(add_field(op, l, path_head(l->items[i].rest), NULL, depth, out));
    return TARN_OK;
}

static enum tarn_status node_type(struct tarn_op *op, const struct tarn_shape *s,
                                  const struct tarn__declared_list *l, int depth,
                                  struct tarn_type *out)
{
    static const struct tarn_shape nothing;
    const struct tarn_type *declared = tarn__declared_here(l);
    if (declared)
        return tarn_type_copy(op, declared, out);
    if (depth > TARN__SHAPE_DEPTH_MAX)
        return tarn_fail(op, TARN_CONFIG, "declared column \"%.*s\" has more than %d steps",
                         TARN_STR_ARG(l->items[0].declared->path), TARN__SHAPE_DEPTH_MAX);
    if (l->count > 0)
        return depth > 0 && paths_say_list(s, l)
                   ? list_type(op, s ? s->element : NULL, l, depth, out)
                   : struct_type(op, s, l, depth, out);
    if (!s)
        s = &nothing;
    int scale = 0;
    enum tarn_type_kind kind = depth == 0 ? TARN_TYPE_STRUCT : tarn__shape_kind(s, &scale);
    if (kind == TARN_TYPE_STRUCT)
        return struct_type(op, s, l, depth, out);
    if (kind == TARN_TYPE_LIST)
        return list_type(op, s->element, l, depth, out);
    *out = (struct tarn_type){.kind = kind};
    if (kind == TARN_TYPE_DECIMAL) {
        out->precision = 38;
        out->scale = scale;
    }
    return TARN_OK;
}

enum tarn_status tarn_shape_type(struct tarn_op *op, const struct tarn_shape *s,
                                 const struct tarn_declared *declared, size_t declared_count,
                                 struct tarn_type *out)
{
    struct tarn__declared_list l;
    TARN_TRY(tarn__declared_open(op, declared, declared_count, &l));
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    enum tarn_status status = node_type(op, s, &l, 0, out);
    tarn_arena_rewind(op->scratch, mark);
    return status;
}
