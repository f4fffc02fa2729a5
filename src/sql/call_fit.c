/* call_fit: do files fit a table, and which table would fit them?
 *
 * A column of a file goes to the table's column of its name; field ids must agree with that, since
 * readers go by them. Types must be equal or promote. A column that the table lacks is refused: its
 * values would be there and not be seen.
 */
#include <string.h>

#include "sql/call_files_int.h"

struct fit {
    struct tarn__source *source;
    const struct tarn_metadata *metadata;
    struct tarn__shape *shape;
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

static enum tarn_status fit_type(struct fit *f, struct tarn__node *n, const struct tarn_type *have,
                                 const struct tarn_field *want, bool repeated, bool full);

static enum tarn_status check_id(struct fit *f, const struct tarn__node *n,
                                 const struct tarn_field *want)
{
    if (n->id == 0 || n->id == want->id)
        return TARN_OK;
    return misfit(f, "column \"%.*s\" has field id %d in the files and %d in the table",
                  TARN_STR_ARG(want->name), n->id, want->id);
}

static enum tarn_status fit_struct(struct fit *f, struct tarn__node *n,
                                   const struct tarn_type *have, const struct tarn_type *want,
                                   bool repeated, bool full)
{
    for (size_t i = 0; i < have->field_count; i++) {
        const struct tarn_field *field = tarn_type_field_by_name(want, have->fields[i].name);
        if (!field) {
            (void)misfit(f, "the files have a column \"%.*s\", which the table has not",
                         TARN_STR_ARG(have->fields[i].name));
            tarn_hint(f->source->call->op, "ALTER TABLE .. ADD COLUMN adds it");
            return TARN_SCHEMA;
        }
        TARN_TRY(fit_type(f, &n->children[i], &have->fields[i].type, field, repeated, full));
    }
    for (size_t i = 0; i < want->field_count; i++)
        if (want != &tarn_metadata_schema(f->metadata)->root && want->fields[i].required &&
            !want->fields[i].initial_default.ptr &&
            !tarn_type_field_by_name(have, want->fields[i].name))
            return misfit(f, "column \"%.*s\" is required, and the files lack it",
                          TARN_STR_ARG(want->fields[i].name));
    return TARN_OK;
}

/* Lists and maps in their three levels; others have no ids and are not understood here. */
static enum tarn_status fit_repeated(struct fit *f, struct tarn__node *n,
                                     const struct tarn_type *have, const struct tarn_field *want)
{
    bool levels = n->child_count == 1 && n->children[0].child_count == have->field_count;
    if (!levels)
        return misfit(f, "column \"%.*s\" is laid out in a way that is not in this version",
                      TARN_STR_ARG(want->name));
    for (size_t i = 0; i < have->field_count; i++)
        TARN_TRY(fit_type(f, &n->children[0].children[i], &have->fields[i].type,
                          &want->type.fields[i], true, false));
    return TARN_OK;
}

static enum tarn_status fit_type(struct fit *f, struct tarn__node *n, const struct tarn_type *have,
                                 const struct tarn_field *want, bool repeated, bool full)
{
    struct tarn_op *op = f->source->call->op;
    TARN_TRY(check_id(f, n, want));
    bool nested = tarn_type_is_nested(have);
    if (nested ? have->kind != want->type.kind : !type_fits(f, n, have, &want->type)) {
        struct tarn_str a = tarn_type_text(op, have), b = tarn_type_text(op, &want->type);
        return misfit(f, "column \"%.*s\" is %.*s in the files and %.*s in the table",
                      TARN_STR_ARG(want->name), TARN_STR_ARG(a), TARN_STR_ARG(b));
    }
    if (want->required && n->optional && (nested || repeated))
        return misfit(f, "column \"%.*s\" is required in the table and optional in the files",
                      TARN_STR_ARG(want->name));
    full = full && want->required;
    if (nested && have->kind == TARN_TYPE_STRUCT)
        return n->child_count == have->field_count
                   ? fit_struct(f, n, have, &want->type, repeated, full)
                   : misfit(f, "column \"%.*s\" cannot be read", TARN_STR_ARG(want->name));
    if (nested)
        return fit_repeated(f, n, have, want);
    f->shape->leaves[n->leaf] = (struct tarn__leaf){.type = have,
                                                    .field = want,
                                                    .repeated = repeated,
                                                    .optional = n->optional || !full,
                                                    .full = full && n->optional};
    return TARN_OK;
}

/* A column that files lack: its value is the partition's, its default, or null. */
static enum tarn_status check_missing(struct fit *f, const struct tarn_field *want)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(f->metadata);
    struct tarn__source *s = f->source;
    bool in_path = false;
    if (tarn_type_field_by_name(&f->shape->type, want->name))
        return TARN_OK;
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
    if (!f->shape->any_id && f->shape->nested) {
        (void)misfit(f, "nested columns of files without field ids are not in this version");
        f->source->call->op->report.status = TARN_UNSUPPORTED;
        return TARN_UNSUPPORTED;
    }
    return TARN_OK;
}

enum tarn_status tarn__files_fit(struct tarn__source *s, const struct tarn_metadata *m,
                                 bool *mapping_needed)
{
    const struct tarn_type *root = &tarn_metadata_schema(m)->root;
    *mapping_needed = false;
    for (size_t i = 0; i < s->key_count; i++)
        if (!tarn_type_field_by_name(root, s->keys[i]))
            return tarn__fail_arg(s->call, s->arg, TARN_SCHEMA,
                                  "the files' paths have the partition column \"%.*s\", which the "
                                  "table has not",
                                  TARN_STR_ARG(s->keys[i]));
    for (size_t i = 0; i < s->shape_count; i++) {
        struct fit f = {.source = s, .metadata = m, .shape = s->shapes[i]};
        TARN_TRY(check_ids(&f));
        TARN_TRY(fit_struct(&f, &f.shape->root, &f.shape->type, root, false, true));
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

/* Columns of `more` come to `all`; one that both have takes the wider type. */
static enum tarn_status merge(struct fit *f, struct tarn_type *all, const struct tarn_type *more)
{
    struct tarn_op *op = f->source->call->op;
    struct tarn_field *grown;
    TARN_NEW_ARRAY(op, grown, all->field_count + more->field_count + 1);
    if (all->field_count)
        memcpy(grown, all->fields, all->field_count * sizeof *grown);
    all->fields = grown;
    for (size_t i = 0; i < more->field_count; i++) {
        const struct tarn_field *m = &more->fields[i];
        struct tarn_field *have = NULL;
        for (size_t k = 0; k < all->field_count; k++)
            if (tarn_str_eq(all->fields[k].name, m->name))
                have = &all->fields[k];
        if (!have) {
            all->fields[all->field_count++] = *m;
        } else if (have->id != m->id) {
            return misfit(f, "column \"%.*s\" has several field ids", TARN_STR_ARG(m->name));
        } else if (!tarn_type_is_nested(&m->type) && tarn_type_promotes(&have->type, &m->type, 2)) {
            have->type = m->type;
        } else if (!tarn_type_same_shape(&have->type, &m->type) &&
                   !tarn_type_promotes(&m->type, &have->type, 2)) {
            struct tarn_str a = tarn_type_text(op, &have->type), b = tarn_type_text(op, &m->type);
            return misfit(f, "column \"%.*s\" is %.*s in some files and %.*s in others",
                          TARN_STR_ARG(m->name), TARN_STR_ARG(a), TARN_STR_ARG(b));
        }
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
