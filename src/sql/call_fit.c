/* call_fit: do files fit a table, and which table would fit them?
 *
 * A column of a file goes to the table's column of its name; field ids must agree with that, since
 * readers go by them. In files without ids a name that the table's name mapping has goes to its
 * field: a column that was renamed keeps its old name there. Types must be equal or promote. A
 * column that the table lacks is refused: its values would be there and not be seen.
 */
#include <string.h>

#include "format/iceberg/mapping.h"
#include "sql/call_files_int.h"

struct fit {
    struct tarn__source *source;
    const struct tarn_metadata *metadata;
    struct tarn__shape *shape;
    const struct tarn_json *mapping; /* of files without ids; NULL: none yet */
};
/* Where in the file's tree and in the mapping a type stands. */
struct at {
    struct tarn__node *node;
    const struct tarn_json *level; /* of the mapping: what is below it */
    bool repeated, full;
};

static enum tarn_status misfit(struct fit *f, const char *fmt, ...) TARN_PRINTF(2, 3);

static enum tarn_status misfit(struct fit *f, const char *fmt, ...)
{
    struct tarn__call *c = f->source->call;
    va_list ap;
    va_start(ap, fmt);
    (void)tarn_vfail(c->op, TARN_SCHEMA, fmt, ap);
    va_end(ap);
    tarn_detail(c->op, "in \"%.*s\"", TARN_STR_ARG(f->shape->first));
    tarn__place_at(&c->run->words, f->source->arg->begin);
    return TARN_SCHEMA;
}

static bool same_primitive(const struct tarn_type *a, const struct tarn_type *b)
{
    return a->kind == b->kind && a->precision == b->precision && a->scale == b->scale &&
           a->length == b->length && tarn_str_eq(a->text, b->text);
}

/* Fixed values come as binary ones, whose length only the file's tree tells. */
static bool type_fits(const struct fit *f, const struct tarn__node *n, const struct tarn_type *have,
                      const struct tarn_type *want)
{
    if (have->kind == TARN_TYPE_BINARY && want->kind == TARN_TYPE_FIXED)
        return n->length == want->length;
    return same_primitive(have, want) ||
           tarn_type_promotes(have, want, f->metadata->format_version);
}

static enum tarn_status fit_type(struct fit *f, struct at at, const struct tarn_type *have,
                                 const struct tarn_field *want);

static enum tarn_status check_id(struct fit *f, const struct tarn__node *n,
                                 const struct tarn_field *want)
{
    if (n->id == 0 || n->id == want->id)
        return TARN_OK;
    return misfit(f, "column \"%.*s\" has field id %d in the files and %d in the table",
                  TARN_STR_ARG(want->name), n->id, want->id);
}

static const struct tarn_field *field_by_id(const struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (id && t->fields[i].id == id)
            return &t->fields[i];
    return NULL;
}

static enum tarn_status no_column(struct fit *f, struct tarn_str name)
{
    (void)misfit(f, "the files have a column \"%.*s\", which the table has not",
                 TARN_STR_ARG(name));
    tarn_hint(f->source->call->op, "ALTER TABLE .. ADD COLUMN adds it");
    return TARN_SCHEMA;
}

/* The table's field for a name in the files. */
static enum tarn_status find_field(struct fit *f, const struct at *at, const struct tarn_type *want,
                                   struct tarn_str name, const struct tarn_field **out)
{
    const struct tarn_field *named = tarn_type_field_by_name(want, name);
    const struct tarn_json *entry = tarn_mapping_by_name(at->level, name);
    *out = entry ? field_by_id(want, tarn_mapping_id(entry)) : named;
    if (entry && named && *out != named) {
        (void)misfit(f, "column \"%.*s\" of the files is another one by the table's name mapping",
                     TARN_STR_ARG(name));
        tarn_detail(f->source->call->op,
                    "the files have no field ids, and schema.name-mapping.default gives that name "
                    "to field %d",
                    tarn_mapping_id(entry));
        return TARN_SCHEMA;
    }
    return *out ? TARN_OK : no_column(f, name);
}

static bool among(const struct tarn_field *const *fields, size_t n, const struct tarn_field *f)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i] == f)
            return true;
    return false;
}

static enum tarn_status fit_struct(struct fit *f, struct at at, const struct tarn_type *have,
                                   const struct tarn_type *want)
{
    const struct tarn_field **found;
    TARN_NEW_ARRAY(f->source->call->op, found, have->field_count + 1);
    for (size_t i = 0; i < have->field_count; i++) {
        struct at below = at;
        TARN_TRY(find_field(f, &at, want, have->fields[i].name, &found[i]));
        if (among(found, i, found[i]))
            return misfit(f, "two columns of the files are \"%.*s\" by the table's name mapping",
                          TARN_STR_ARG(found[i]->name));
        below.node = &at.node->children[i];
        below.level = tarn_mapping_below(tarn_mapping_by_id(at.level, found[i]->id));
        TARN_TRY(fit_type(f, below, &have->fields[i].type, found[i]));
    }
    for (size_t i = 0; i < want->field_count; i++)
        if (want != &tarn_metadata_schema(f->metadata)->root && want->fields[i].required &&
            !want->fields[i].initial_default.ptr &&
            !among(found, have->field_count, &want->fields[i]))
            return misfit(f, "column \"%.*s\" is required, and the files lack it",
                          TARN_STR_ARG(want->fields[i].name));
    return TARN_OK;
}

/* Lists and maps in their three levels; others have no ids and are not understood here. */
static enum tarn_status fit_repeated(struct fit *f, struct at at, const struct tarn_type *have,
                                     const struct tarn_field *want)
{
    struct tarn__node *n = at.node;
    bool levels = n->child_count == 1 && n->children[0].child_count == have->field_count;
    if (!levels)
        return misfit(f, "column \"%.*s\" is laid out in a way that is not in this version",
                      TARN_STR_ARG(want->name));
    for (size_t i = 0; i < have->field_count; i++) {
        const struct tarn_field *item = &want->type.fields[i];
        struct at below = {&n->children[0].children[i],
                           tarn_mapping_below(tarn_mapping_by_id(at.level, item->id)), true, false};
        TARN_TRY(fit_type(f, below, &have->fields[i].type, item));
    }
    return TARN_OK;
}

static enum tarn_status fit_type(struct fit *f, struct at at, const struct tarn_type *have,
                                 const struct tarn_field *want)
{
    struct tarn_op *op = f->source->call->op;
    struct tarn__node *n = at.node;
    TARN_TRY(check_id(f, n, want));
    bool nested = tarn_type_is_nested(have);
    if (nested ? have->kind != want->type.kind : !type_fits(f, n, have, &want->type)) {
        struct tarn_str a = tarn_type_text(op, have), b = tarn_type_text(op, &want->type);
        return misfit(f, "column \"%.*s\" is %.*s in the files and %.*s in the table",
                      TARN_STR_ARG(want->name), TARN_STR_ARG(a), TARN_STR_ARG(b));
    }
    if (want->required && n->optional && (nested || at.repeated))
        return misfit(f, "column \"%.*s\" is required in the table and optional in the files",
                      TARN_STR_ARG(want->name));
    at.full = at.full && want->required;
    if (nested && have->kind == TARN_TYPE_STRUCT)
        return n->child_count == have->field_count
                   ? fit_struct(f, at, have, &want->type)
                   : misfit(f, "column \"%.*s\" cannot be read", TARN_STR_ARG(want->name));
    if (nested)
        return fit_repeated(f, at, have, want);
    if (n->child_count > 0)
        return TARN_OK; /* a variant: no column of the file's own */
    f->shape->leaves[n->leaf] = (struct tarn__leaf){.type = have,
                                                    .field = want,
                                                    .repeated = at.repeated,
                                                    .optional = n->optional || !at.full,
                                                    .full = at.full && n->optional};
    return TARN_OK;
}

/* A column that files lack: its value is the partition's, its default, or null. */
static enum tarn_status check_missing(struct fit *f, const struct tarn_field *want)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(f->metadata);
    struct tarn__source *s = f->source;
    bool in_path = false;
    for (size_t i = 0; i < f->shape->type.field_count; i++) {
        const struct tarn_field *field;
        struct at at = {.level = f->mapping};
        TARN_TRY(find_field(f, &at, &tarn_metadata_schema(f->metadata)->root,
                            f->shape->type.fields[i].name, &field));
        if (field == want)
            return TARN_OK;
    }
    for (size_t i = 0; i < s->key_count; i++)
        in_path = in_path || tarn_str_eq(s->keys[i], want->name);
    if (in_path)
        for (size_t i = 0; i < spec->field_count; i++)
            if (spec->fields[i].source_id == want->id &&
                spec->fields[i].transform.kind == TARN_TRANSFORM_IDENTITY)
                return f->shape->any_id
                           ? misfit(f,
                                    "the files have field ids, and column \"%.*s\" only in their "
                                    "paths: other readers would not find it",
                                    TARN_STR_ARG(want->name))
                           : TARN_OK;
    if (in_path)
        return misfit(f,
                      "column \"%.*s\" stands only in the files' paths, and the table is not "
                      "partitioned by it",
                      TARN_STR_ARG(want->name));
    if (want->required && !want->initial_default.ptr)
        return misfit(f, "column \"%.*s\" is required, and the files lack it",
                      TARN_STR_ARG(want->name));
    return TARN_OK;
}

static enum tarn_status check_ids(struct fit *f)
{
    if (f->shape->any_id && f->shape->any_without)
        return misfit(f, "some columns of the files have field ids and some have none");
    return TARN_OK;
}

enum tarn_status tarn__files_fit(struct tarn__source *s, const struct tarn_metadata *m,
                                 bool *mapping_needed)
{
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    const struct tarn_str *text = tarn_kvs_get(&m->properties, "schema.name-mapping.default");
    const struct tarn_json *mapping = NULL;
    *mapping_needed = false;
    if (text)
        TARN_TRY(tarn_mapping_parse(s->call->op, *text, &mapping));
    for (size_t i = 0; i < s->key_count; i++)
        if (!tarn_type_field_by_name(root, s->keys[i]))
            return tarn__fail_arg(s->call, s->arg, TARN_SCHEMA,
                                  "the files' paths have the partition column \"%.*s\", which the "
                                  "table has not",
                                  TARN_STR_ARG(s->keys[i]));
    for (size_t i = 0; i < s->shape_count; i++) {
        struct fit f = {.source = s, .metadata = m, .shape = s->shapes[i]};
        TARN_TRY(check_ids(&f));
        f.mapping = f.shape->any_id ? NULL : mapping;
        TARN_TRY(fit_struct(&f, (struct at){&f.shape->root, f.mapping, false, true}, &f.shape->type,
                            root));
        for (size_t k = 0; k < root->field_count; k++)
            TARN_TRY(check_missing(&f, &root->fields[k]));
        *mapping_needed = *mapping_needed || !f.shape->any_id;
    }
    return TARN_OK;
}

/* ---- a schema for files */

static void put_ids(const struct tarn__node *n, struct tarn_type *t)
{
    if (t->kind == TARN_TYPE_STRUCT) {
        for (size_t i = 0; i < t->field_count && i < n->child_count; i++) {
            t->fields[i].id = n->children[i].id;
            put_ids(&n->children[i], &t->fields[i].type);
        }
    } else if (tarn_type_is_nested(t) && n->child_count == 1) {
        for (size_t i = 0; i < t->field_count && i < n->children[0].child_count; i++) {
            t->fields[i].id = n->children[0].children[i].id;
            put_ids(&n->children[0].children[i], &t->fields[i].type);
        }
    }
}

static enum tarn_status merge(struct fit *f, struct tarn_type *all, const struct tarn_type *more);

/* One that both have takes the wider type, and what the structs in it have. */
static enum tarn_status merge_field(struct fit *f, struct tarn_field *have,
                                    const struct tarn_field *more)
{
    struct tarn_op *op = f->source->call->op;
    if (have->id != more->id)
        return misfit(f, "column \"%.*s\" has several field ids", TARN_STR_ARG(more->name));
    have->required = have->required && more->required;
    if (have->type.kind == more->type.kind && have->type.kind == TARN_TYPE_STRUCT)
        return merge(f, &have->type, &more->type);
    if (have->type.kind == more->type.kind && tarn_type_is_nested(&have->type)) {
        for (size_t i = 0; i < have->type.field_count; i++)
            TARN_TRY(merge_field(f, &have->type.fields[i], &more->type.fields[i]));
        return TARN_OK;
    }
    if (!tarn_type_is_nested(&more->type) && tarn_type_promotes(&have->type, &more->type, 2)) {
        have->type = more->type;
    } else if (!tarn_type_same_shape(&have->type, &more->type) &&
               !tarn_type_promotes(&more->type, &have->type, 2)) {
        struct tarn_str a = tarn_type_text(op, &have->type), b = tarn_type_text(op, &more->type);
        return misfit(f, "column \"%.*s\" is %.*s in some files and %.*s in others",
                      TARN_STR_ARG(more->name), TARN_STR_ARG(a), TARN_STR_ARG(b));
    }
    return TARN_OK;
}

/* Columns of `more` come to `all`. */
static enum tarn_status merge(struct fit *f, struct tarn_type *all, const struct tarn_type *more)
{
    struct tarn_field *grown;
    TARN_NEW_ARRAY(f->source->call->op, grown, all->field_count + more->field_count + 1);
    if (all->field_count)
        memcpy(grown, all->fields, all->field_count * sizeof *grown);
    all->fields = grown;
    for (size_t i = 0; i < more->field_count; i++) {
        size_t k = 0;
        while (k < all->field_count && !tarn_str_eq(all->fields[k].name, more->fields[i].name))
            k++;
        if (k < all->field_count)
            TARN_TRY(merge_field(f, &all->fields[k], &more->fields[i]));
        else
            all->fields[all->field_count++] = more->fields[i];
    }
    return TARN_OK;
}

/* Only what is written as the type would write it: "007" stays a text. */
static bool writes_so(struct tarn_op *op, enum tarn_type_kind kind, struct tarn_str text)
{
    struct tarn_type t = {.kind = kind};
    struct tarn_value v;
    if (tarn_value_from_text(op, &t, text, &v) != TARN_OK) {
        tarn_clear(op);
        return false;
    }
    return tarn_str_eq(tarn_value_text(op, &t, &v), text);
}

static enum tarn_type_kind key_kind(const struct tarn__source *s, struct tarn_str key)
{
    static const enum tarn_type_kind kinds[] = {TARN_TYPE_INT, TARN_TYPE_LONG, TARN_TYPE_DATE};
    for (size_t k = 0; k < 3; k++) {
        bool all = true, any = false;
        for (size_t i = 0; all && i < s->count; i++) {
            const struct tarn_kv *kv = tarn__file_key(&s->files[i], key);
            any = any || kv->value.ptr;
            all = !kv->value.ptr || writes_so(s->call->op, kinds[k], kv->value);
        }
        if (all && any)
            return kinds[k];
    }
    return TARN_TYPE_STRING;
}

enum tarn_status tarn__files_schema(struct tarn__source *s, struct tarn_schema *out)
{
    struct tarn_type *root = &out->root;
    *out = (struct tarn_schema){.root = {.kind = TARN_TYPE_STRUCT}};
    for (size_t i = 0; i < s->shape_count; i++) {
        struct fit f = {.source = s, .shape = s->shapes[i]};
        struct tarn_type copy;
        TARN_TRY(tarn_type_copy(s->call->op, &f.shape->type, &copy));
        put_ids(&f.shape->root, &copy);
        TARN_TRY(merge(&f, root, &copy));
    }
    for (size_t i = 0; i < s->key_count; i++) {
        struct tarn_field *grown;
        if (tarn_type_field_by_name(root, s->keys[i]))
            continue;
        TARN_NEW_ARRAY(s->call->op, grown, root->field_count + 1);
        if (root->field_count)
            memcpy(grown, root->fields, root->field_count * sizeof *grown);
        grown[root->field_count++] =
            (struct tarn_field){.name = s->keys[i], .type = {.kind = key_kind(s, s->keys[i])}};
        root->fields = grown;
    }
    return TARN_OK;
}
