/* schema: a table's columns as a whole: JSON, and finding fields by id and by path. */
#include "format/iceberg/type.h"

#include <stdlib.h>

#include "base/arena.h"
#include "format/iceberg/type_int.h"

/* ---- ids */

static void collect_ids(const struct tarn_type *t, int32_t *ids, size_t *n)
{
    for (size_t i = 0; i < t->field_count; i++) {
        ids[(*n)++] = t->fields[i].id;
        collect_ids(&t->fields[i].type, ids, n);
    }
}

static int cmp_i32(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* All ids below t, ascending, out of op->scratch; the caller rewinds it. */
static enum tarn_status sorted_ids(struct tarn_op *op, const struct tarn_type *t, size_t count,
                                   int32_t **out)
{
    size_t n = 0;
    *out = tarn_arena_alloc(op->scratch, count * sizeof **out);
    if (!*out)
        return tarn_fail(op, TARN_NOMEM, "out of memory while comparing %zu field ids", count);
    collect_ids(t, *out, &n);
    TARN_ASSERT(n == count);
    qsort(*out, n, sizeof **out, cmp_i32);
    return TARN_OK;
}

static size_t field_count(const struct tarn_type *t)
{
    size_t n = t->field_count;
    for (size_t i = 0; i < t->field_count; i++)
        n += field_count(&t->fields[i].type);
    return n;
}

enum tarn_status tarn__type_check_ids(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    size_t n = field_count(t), twin = 0;
    int32_t *ids;
    enum tarn_status status;
    TARN_GO(sorted_ids(op, t, n, &ids));
    for (size_t i = 1; i < n && twin == 0; i++)
        if (ids[i - 1] == ids[i])
            twin = i;
    if (twin > 0)
        status =
            tarn_fail(op, TARN_CORRUPT, "two fields of a schema have the id %d", (int)ids[twin]);
out:
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

static int32_t highest_id(const struct tarn_type *t)
{
    int32_t highest = 0;
    for (size_t i = 0; i < t->field_count; i++) {
        int32_t below = highest_id(&t->fields[i].type);
        if (t->fields[i].id > highest)
            highest = t->fields[i].id;
        if (below > highest)
            highest = below;
    }
    return highest;
}

int32_t tarn_schema_highest_id(const struct tarn_schema *s)
{
    return highest_id(&s->root);
}

static const struct tarn_field *field_by_id(const struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++) {
        if (t->fields[i].id == id)
            return &t->fields[i];
        const struct tarn_field *below = field_by_id(&t->fields[i].type, id);
        if (below)
            return below;
    }
    return NULL;
}

const struct tarn_field *tarn_schema_field_by_id(const struct tarn_schema *s, int32_t id)
{
    return field_by_id(&s->root, id);
}

/* ---- paths */

/* A name may itself hold dots ("a.b" is one field, spec "Column Projection"): every way to cut the path is tried. */
static const struct tarn_field *field_by_path(const struct tarn_type *t, struct tarn_str path)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (!tarn_str_starts(path, f->name))
            continue;
        if (path.len == f->name.len)
            return f;
        if (path.ptr[f->name.len] != '.')
            continue;
        size_t skip = f->name.len + 1;
        const struct tarn_field *below =
            field_by_path(&f->type, tarn_str_of(path.ptr + skip, path.len - skip));
        if (below)
            return below;
    }
    return NULL;
}

const struct tarn_field *tarn_schema_field_by_path(const struct tarn_schema *s,
                                                   struct tarn_str path)
{
    return field_by_path(&s->root, path);
}

/* Puts the names on the way to `id` in front of each other; false (and nothing is put) if it is not below t. */
static bool put_path(struct tarn_buf *b, const struct tarn_type *t, int32_t id)
{
    size_t from = b->len;
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        if (from > 0)
            tarn_buf_put(b, '.');
        tarn_buf_str(b, f->name);
        if (f->id == id || put_path(b, &f->type, id))
            return true;
        if (b->failed)
            return false;
        b->len = from;
    }
    return false;
}

struct tarn_str tarn_schema_path_of(struct tarn_op *op, const struct tarn_schema *s, int32_t id)
{
    struct tarn_buf b;
    struct tarn_str out = {0};
    tarn_buf_init(&b, (size_t)64 << 20);
    if (!put_path(&b, &s->root, id) && !b.failed) {
        tarn_buf_release(&b);
        return out;
    }
    if (tarn_buf_take(op, &b, "path of a field", &out) != TARN_OK)
        return (struct tarn_str){0};
    return out;
}

/* ---- copying */

enum tarn_status tarn_schema_copy(struct tarn_op *op, const struct tarn_schema *s,
                                  struct tarn_schema *out)
{
    struct tarn_schema copy = *s;
    TARN_TRY(tarn_type_copy(op, &s->root, &copy.root));
    TARN_TRY(tarn__kvs_copy(op, &s->extra, &copy.extra));
    copy.identifier_ids = NULL;
    if (s->identifier_count > 0) {
        TARN_NEW_ARRAY(op, copy.identifier_ids, s->identifier_count);
        memcpy(copy.identifier_ids, s->identifier_ids, s->identifier_count * sizeof(int32_t));
    }
    *out = copy;
    return TARN_OK;
}

/* ---- JSON */

static enum tarn_status check_identifiers(struct tarn_op *op, const struct tarn_schema *s)
{
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    size_t n = field_count(&s->root);
    int32_t *ids;
    enum tarn_status status;
    TARN_GO(sorted_ids(op, &s->root, n, &ids));
    for (size_t i = 0; i < s->identifier_count && status == TARN_OK; i++)
        if (!bsearch(&s->identifier_ids[i], ids, n, sizeof *ids, cmp_i32))
            status = tarn_fail(op, TARN_CORRUPT, "schema: identifier field id %d is no field",
                               (int)s->identifier_ids[i]);
out:
    tarn_arena_rewind(op->scratch, mark);
    return status;
}

static enum tarn_status read_identifiers(struct tarn_op *op, const struct tarn_json *j,
                                         struct tarn_schema *out)
{
    const struct tarn_json *ids;
    struct tarn_json_field may = {.what = "schema"};
    TARN_TRY(tarn_json_array(op, j, "identifier-field-ids", may, &ids));
    if (!ids || ids->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->identifier_ids, ids->count);
    for (const struct tarn_json *e = ids->first; e; e = e->next)
        TARN_TRY(tarn__json_to_i32(op, e, "an identifier field id",
                                   &out->identifier_ids[out->identifier_count++]));
    return check_identifiers(op, out);
}

static const char *const KEYS[] = {"type", "schema-id", "identifier-field-ids", "fields"};

enum tarn_status tarn_schema_from_json(struct tarn_op *op, const struct tarn_json *j,
                                       struct tarn_schema *out)
{
    struct tarn_json_field may = {.what = "schema"};
    *out = (struct tarn_schema){0};
    TARN_TRY_WHILE(op, tarn_type_from_json(op, j, &out->root), "reading a schema");
    if (out->root.kind != TARN_TYPE_STRUCT)
        return tarn_fail(op, TARN_CORRUPT, "a schema is not a struct");
    TARN_TRY(tarn_json_i32(op, j, "schema-id", may, &out->schema_id));
    TARN_TRY(read_identifiers(op, j, out));
    return tarn__json_extra(op, j, KEYS, sizeof KEYS / sizeof KEYS[0], &out->extra);
}

void tarn_schema_to_json(struct tarn_json_writer *w, const struct tarn_schema *s)
{
    tarn_json_begin_object(w);
    tarn_json_member_z(w, "type", "struct");
    tarn_json_member_i64(w, "schema-id", s->schema_id);
    if (s->identifier_count > 0) {
        tarn_json_key(w, "identifier-field-ids");
        tarn_json_begin_array(w);
        for (size_t i = 0; i < s->identifier_count; i++)
            tarn_json_put_i64(w, s->identifier_ids[i]);
        tarn_json_end_array(w);
    }
    tarn__struct_put_fields(w, &s->root);
    tarn__json_put_extra(w, &s->extra);
    tarn_json_end_object(w);
}
