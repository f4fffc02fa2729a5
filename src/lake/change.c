/* change: recording what the next version of a table shall be. Nothing is written here. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "lake/change_int.h"

int64_t tarn__now_ms(void)
{
    return tarn_clock_now_us(tarn_clock_real()) / 1000;
}

enum tarn_status tarn__new_uuid(struct tarn_op *op, struct tarn_str *out)
{
    char text[TARN_UUID_TEXT_MAX];
    TARN_TRY(tarn_uuid_v4(op, text));
    *out = tarn_strdup(op, tarn_str_view(text));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* Random, positive, never 0 (trap 26). */
enum tarn_status tarn__new_snapshot_id(struct tarn_op *op, int64_t *out)
{
    uint64_t r = 0;
    do {
        TARN_TRY(tarn_random_bytes(op, &r, sizeof r));
        r &= INT64_MAX;
    } while (r == 0);
    *out = (int64_t)r;
    return TARN_OK;
}

enum tarn_status tarn__str_list_add(struct tarn_op *op, struct tarn__str_list *list,
                                    struct tarn_str s)
{
    if (list->count == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        struct tarn_str *grown;
        TARN_NEW_ARRAY(op, grown, cap);
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    list->items[list->count++] = s;
    return TARN_OK;
}

static enum tarn_status add_files(struct tarn_op *op, struct tarn__file_list *list,
                                  const struct tarn_data_file *files, size_t count)
{
    if (list->count + count > list->cap) {
        size_t cap = (list->count + count) * 2;
        struct tarn_data_file *grown;
        TARN_NEW_ARRAY(op, grown, cap);
        if (list->count)
            memcpy(grown, list->items, list->count * sizeof *grown);
        list->items = grown;
        list->cap = cap;
    }
    if (count)
        memcpy(list->items + list->count, files, count * sizeof *files);
    list->count += count;
    return TARN_OK;
}

/* ---- names */

static int by_folded_name(const void *a, const void *b)
{
    const struct tarn_str *x = a, *y = b;
    for (size_t i = 0; i < x->len && i < y->len; i++) {
        unsigned char c = (unsigned char)x->ptr[i], d = (unsigned char)y->ptr[i];
        c = c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
        d = d >= 'A' && d <= 'Z' ? (unsigned char)(d + 32) : d;
        if (c != d)
            return c < d ? -1 : 1;
    }
    return x->len < y->len ? -1 : x->len > y->len;
}

/* Columns' names mean the same in any case: no struct may hold one twice. */
static enum tarn_status check_names(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_str *names;
    TARN_NEW_ARRAY(op, names, t->field_count + 1);
    for (size_t i = 0; i < t->field_count; i++) {
        names[i] = t->fields[i].name;
        if (tarn_type_is_nested(&t->fields[i].type))
            TARN_TRY(check_names(op, &t->fields[i].type));
    }
    qsort(names, t->field_count, sizeof *names, by_folded_name);
    for (size_t i = 1; i < t->field_count; i++)
        if (by_folded_name(&names[i - 1], &names[i]) == 0)
            return tarn_fail(op, TARN_SCHEMA,
                             "columns \"%.*s\" and \"%.*s\" of one table differ only in case",
                             TARN_STR_ARG(names[i - 1]), TARN_STR_ARG(names[i]));
    return TARN_OK;
}

/* ---- opening */

enum tarn_status tarn_change_open(const struct tarn_lake *lake, struct tarn_op *op,
                                  const struct tarn_table *base, struct tarn_change **out)
{
    struct tarn_change *c;
    TARN_ASSERT(base && !base->staged);
    if (base->metadata.format_version != 2)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has format version %d; this version writes version 2 only",
                         TARN_IDENT_ARG(base->ident), base->metadata.format_version);
    TARN_NEW(op, c);
    c->lake = lake;
    c->ident = base->ident;
    c->base = base;
    c->metadata = base->metadata;
    TARN_TRY(tarn__new_snapshot_id(op, &c->snapshot_id));
    *out = c;
    return TARN_OK;
}

/* A new table's metadata, without snapshots (spec: "Table Metadata Fields", v2). */
static enum tarn_status first_metadata(struct tarn_op *op, const struct tarn_create *create,
                                       struct tarn_metadata *m)
{
    *m = (struct tarn_metadata){.format_version = 2, .last_partition_id = 999};
    TARN_TRY(tarn__new_uuid(op, &m->uuid));
    m->location = tarn_strdup(op, create->location);
    if (!m->location.ptr)
        return TARN_NOMEM;
    TARN_NEW(op, m->schemas);
    m->schema_count = 1;
    TARN_TRY(tarn_schema_copy(op, create->schema, m->schemas));
    TARN_TRY(check_names(op, &m->schemas->root));
    int32_t next = tarn_schema_highest_id(m->schemas) + 1;
    tarn_type_assign_ids(&m->schemas->root, &next);
    m->schemas->schema_id = 0;
    m->last_column_id = tarn_schema_highest_id(m->schemas);
    TARN_NEW(op, m->specs);
    m->spec_count = 1;
    *m->specs = create->spec;
    m->specs->spec_id = 0;
    if (create->spec.field_count) {
        TARN_NEW_ARRAY(op, m->specs->fields, create->spec.field_count);
        for (size_t i = 0; i < create->spec.field_count; i++) {
            m->specs->fields[i] = create->spec.fields[i];
            m->specs->fields[i].field_id = ++m->last_partition_id;
        }
    }
    TARN_NEW(op, m->sort_orders); /* order 0: unsorted */
    m->sort_order_count = 1;
    m->properties = create->properties;
    return TARN_OK;
}

enum tarn_status tarn_change_create(const struct tarn_lake *lake, struct tarn_op *op,
                                    struct tarn_ident ident, const struct tarn_create *create,
                                    struct tarn_change **out)
{
    struct tarn_change *c;
    TARN_NEW(op, c);
    c->lake = lake;
    c->ident.ns = tarn_strdup(op, ident.ns);
    c->ident.name = tarn_strdup(op, ident.name);
    if (!c->ident.ns.ptr || !c->ident.name.ptr)
        return TARN_NOMEM;
    TARN_TRY(first_metadata(op, create, &c->metadata));
    TARN_TRY(tarn__new_snapshot_id(op, &c->snapshot_id));
    *out = c;
    return TARN_OK;
}

const struct tarn_metadata *tarn_change_metadata(const struct tarn_change *c)
{
    return &c->metadata;
}

struct tarn_ident tarn_change_ident(const struct tarn_change *c)
{
    return c->ident;
}

int64_t tarn_change_snapshot_id(const struct tarn_change *c)
{
    return c->snapshot_id;
}

const struct tarn_table *tarn_change_table(const struct tarn_change *c)
{
    return c->staged;
}

bool tarn_change_is_empty(const struct tarn_change *c)
{
    return c->base && !tarn__change_has_rows(c) && !c->has_schema && !c->has_spec &&
           !c->has_properties;
}

bool tarn_change_has_rows(const struct tarn_change *c)
{
    return tarn__change_has_rows(c);
}

/* ---- schema */

static enum tarn_status check_fields(struct tarn_op *op, const struct tarn_schema *before,
                                     const struct tarn_type *now, int version)
{
    for (size_t i = 0; i < now->field_count; i++) {
        const struct tarn_field *f = &now->fields[i];
        const struct tarn_field *old = f->id ? tarn_schema_field_by_id(before, f->id) : NULL;
        if (f->id && !old)
            return tarn_fail(op, TARN_SCHEMA,
                             "field id %d of column \"%.*s\" is not in the table's schema", f->id,
                             TARN_STR_ARG(f->name));
        if (!old && f->required && now->kind == TARN_TYPE_STRUCT)
            return tarn_fail(
                op, TARN_SCHEMA,
                "column \"%.*s\" cannot be added as required: older rows have no value for it",
                TARN_STR_ARG(f->name));
        if (old && f->required && !old->required)
            return tarn_fail(op, TARN_SCHEMA, "column \"%.*s\" cannot be made required",
                             TARN_STR_ARG(f->name));
        if (old && !tarn_type_is_nested(&f->type) && !tarn_type_eq(&old->type, &f->type) &&
            !tarn_type_promotes(&old->type, &f->type, version)) {
            (void)tarn_fail(op, TARN_SCHEMA, "column \"%.*s\" cannot change its type",
                            TARN_STR_ARG(f->name));
            tarn_detail(op, "from %s to %s", tarn_type_text(op, &old->type).ptr,
                        tarn_type_text(op, &f->type).ptr);
            return TARN_SCHEMA;
        }
        if (old && tarn_type_is_nested(&f->type) && old->type.kind != f->type.kind)
            return tarn_fail(op, TARN_SCHEMA, "column \"%.*s\" cannot change its type",
                             TARN_STR_ARG(f->name));
        if (tarn_type_is_nested(&f->type))
            TARN_TRY(check_fields(op, before, &f->type, version));
    }
    return TARN_OK;
}

/* The table stays partitioned by what it was: where a source column was replaced by one of its
 * name, the spec moves on to that. */
static enum tarn_status follow_sources(struct tarn_change *c, struct tarn_op *op,
                                       const struct tarn_schema *before,
                                       const struct tarn_schema *now)
{
    struct tarn_partition_spec spec = *tarn_metadata_spec(&c->metadata);
    struct tarn_partition_field *fields;
    bool moved = false;
    TARN_NEW_ARRAY(op, fields, spec.field_count + 1);
    for (size_t i = 0; i < spec.field_count; i++) {
        struct tarn_partition_field *f = &fields[i];
        *f = spec.fields[i];
        if (f->transform.kind == TARN_TRANSFORM_VOID || tarn_schema_field_by_id(now, f->source_id))
            continue;
        struct tarn_str path = tarn_schema_path_of(op, before, f->source_id);
        const struct tarn_field *source = path.ptr ? tarn_schema_field_by_path(now, path) : NULL;
        if (!source || !tarn_transform_accepts(&f->transform, &source->type))
            return tarn_fail(op, TARN_SCHEMA,
                             "column \"%.*s\" cannot be %s: table " TARN_IDENT_FMT
                             " is partitioned by it",
                             TARN_STR_ARG(path.ptr ? path : f->name),
                             source ? "given this type" : "dropped", TARN_IDENT_ARG(c->ident));
        f->source_id = source->id;
        moved = true;
    }
    spec.fields = fields;
    return moved ? tarn_change_set_spec(c, op, &spec) : TARN_OK;
}

static void use_schema(struct tarn_change *c, int32_t schema_id)
{
    c->metadata.current_schema_id = schema_id;
    c->has_schema = !c->base || schema_id != c->base->metadata.current_schema_id;
}

enum tarn_status tarn_change_set_schema(struct tarn_change *c, struct tarn_op *op,
                                        const struct tarn_schema *schema)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_schema *all;
    int32_t next = m->last_column_id + 1, highest_schema = 0;
    const struct tarn_schema *before = tarn_metadata_schema(m);
    TARN_TRY(check_fields(op, before, &schema->root, m->format_version));
    TARN_TRY(check_names(op, &schema->root));
    TARN_NEW_ARRAY(op, all, m->schema_count + 1);
    memcpy(all, m->schemas, m->schema_count * sizeof *all);
    struct tarn_schema *added = &all[m->schema_count];
    TARN_TRY(tarn_schema_copy(op, schema, added));
    tarn_type_assign_ids(&added->root, &next);
    TARN_TRY(follow_sources(c, op, before, added));
    for (size_t i = 0; i < m->schema_count; i++) {
        if (tarn_type_eq(&all[i].root, &added->root)) { /* an older schema again: it keeps its id */
            use_schema(c, all[i].schema_id);
            return TARN_OK;
        }
        if (all[i].schema_id > highest_schema)
            highest_schema = all[i].schema_id;
    }
    added->schema_id = highest_schema + 1;
    m->schemas = all;
    m->schema_count++;
    if (next - 1 > m->last_column_id)
        m->last_column_id = next - 1;
    use_schema(c, added->schema_id);
    return TARN_OK;
}

/* ---- partition specs */

static struct tarn_str partition_name(struct tarn_op *op, struct tarn_str column,
                                      const struct tarn_transform *t)
{
    static const char *const suffix[] = {
        [TARN_TRANSFORM_BUCKET] = "_bucket", [TARN_TRANSFORM_TRUNCATE] = "_trunc",
        [TARN_TRANSFORM_YEAR] = "_year",     [TARN_TRANSFORM_MONTH] = "_month",
        [TARN_TRANSFORM_DAY] = "_day",       [TARN_TRANSFORM_HOUR] = "_hour",
        [TARN_TRANSFORM_VOID] = "_null",     [TARN_TRANSFORM_OTHER] = "_other"};
    return tarn_sprintf(op, "%.*s%s", TARN_STR_ARG(column), suffix[t->kind] ? suffix[t->kind] : "");
}

/* Is the field a column, or a field of structs alone? Elements of lists and maps have no one value
 * a row. */
static bool in_structs(const struct tarn_type *t, int32_t id)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id == id ||
            (t->fields[i].type.kind == TARN_TYPE_STRUCT && in_structs(&t->fields[i].type, id)))
            return true;
    return false;
}

/* A partition's name is no other partition's and no other column's (as Iceberg Java has it). */
static enum tarn_status check_partition_name(struct tarn_op *op, const struct tarn_schema *schema,
                                             const struct tarn_partition_spec *spec, size_t at)
{
    const struct tarn_partition_field *f = &spec->fields[at];
    const struct tarn_field *column = tarn_schema_field_by_path(schema, f->name);
    bool own = f->transform.kind == TARN_TRANSFORM_IDENTITY && column && column->id == f->source_id;
    for (size_t i = 0; i < at; i++)
        if (tarn_str_eq_nocase(spec->fields[i].name, f->name))
            return tarn_fail(op, TARN_INVALID, "two partition fields would be named \"%.*s\"",
                             TARN_STR_ARG(f->name));
    if (column && !own)
        return tarn_fail(op, TARN_INVALID,
                         "partition field \"%.*s\" would have the name of a column",
                         TARN_STR_ARG(f->name));
    return TARN_OK;
}

enum tarn_status tarn_spec_make(struct tarn_op *op, const struct tarn_schema *schema,
                                const struct tarn_str *exprs, size_t count,
                                struct tarn_partition_spec *out)
{
    *out = (struct tarn_partition_spec){.field_count = count};
    TARN_NEW_ARRAY(op, out->fields, count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        struct tarn_partition_field *f = &out->fields[i];
        struct tarn_str column;
        TARN_TRY(tarn_transform_parse_expr(op, exprs[i], &f->transform, &column));
        const struct tarn_field *source = tarn_schema_field_by_path(schema, column);
        if (!source)
            return tarn_fail(op, TARN_COLUMN, "column \"%.*s\" of partition \"%.*s\" not found",
                             TARN_STR_ARG(column), TARN_STR_ARG(exprs[i]));
        if (!tarn_transform_accepts(&f->transform, &source->type) ||
            !in_structs(&schema->root, source->id))
            return tarn_fail(op, TARN_INVALID,
                             "partition \"%.*s\" cannot be made of a column of type %s",
                             TARN_STR_ARG(exprs[i]), tarn_type_text(op, &source->type).ptr);
        f->source_id = source->id;
        f->field_id = 1000 + (int32_t)i;
        f->name = partition_name(op, column, &f->transform);
        if (!f->name.ptr)
            return TARN_NOMEM;
        TARN_TRY(check_partition_name(op, schema, out, i));
    }
    return TARN_OK;
}

static bool same_transform(const struct tarn_transform *a, const struct tarn_transform *b)
{
    return a->kind == b->kind && a->param == b->param &&
           (a->kind != TARN_TRANSFORM_OTHER || tarn_str_eq(a->text, b->text));
}

static const struct tarn_partition_field *historical_field(const struct tarn_metadata *m,
                                                           const struct tarn_partition_field *f)
{
    for (size_t i = 0; i < m->spec_count; i++)
        for (size_t k = 0; k < m->specs[i].field_count; k++) {
            const struct tarn_partition_field *old = &m->specs[i].fields[k];
            if (old->source_id == f->source_id && same_transform(&old->transform, &f->transform) &&
                tarn_str_eq(old->name, f->name))
                return old;
        }
    return NULL;
}

static bool same_spec(const struct tarn_partition_spec *a, const struct tarn_partition_spec *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (a->fields[i].field_id != b->fields[i].field_id)
            return false;
    return true;
}

static void use_spec(struct tarn_change *c, int32_t spec_id)
{
    c->metadata.default_spec_id = spec_id;
    c->has_spec = !c->base || spec_id != c->base->metadata.default_spec_id;
}

enum tarn_status tarn_change_set_spec(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_partition_spec *spec)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_partition_spec *all;
    int32_t highest = 0;
    TARN_NEW_ARRAY(op, all, m->spec_count + 1);
    memcpy(all, m->specs, m->spec_count * sizeof *all);
    struct tarn_partition_spec *added = &all[m->spec_count];
    added->field_count = spec->field_count;
    TARN_NEW_ARRAY(op, added->fields, spec->field_count ? spec->field_count : 1);
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *old = historical_field(m, &spec->fields[i]);
        added->fields[i] = spec->fields[i];
        added->fields[i].field_id = old ? old->field_id : ++m->last_partition_id;
    }
    for (size_t i = 0; i < m->spec_count; i++) {
        if (same_spec(&all[i], added)) {
            use_spec(c, all[i].spec_id);
            return TARN_OK;
        }
        if (all[i].spec_id > highest)
            highest = all[i].spec_id;
    }
    added->spec_id = highest + 1;
    m->specs = all;
    m->spec_count++;
    use_spec(c, added->spec_id);
    return TARN_OK;
}

/* ---- properties */

/* As tarn_kvs_with, but an absent value is kept as an entry. */
static enum tarn_status record(struct tarn_op *op, struct tarn_kvs *list, struct tarn_str key,
                               struct tarn_str value)
{
    struct tarn_kv *items;
    struct tarn_kv kv = {tarn_strdup(op, key), {NULL, 0}};
    if (value.ptr)
        kv.value = tarn_strdup(op, value);
    if (!kv.key.ptr || (value.ptr && !kv.value.ptr))
        return TARN_NOMEM;
    for (size_t i = 0; i < list->count; i++)
        if (tarn_str_eq(list->items[i].key, key)) {
            list->items[i] = kv;
            return TARN_OK;
        }
    TARN_NEW_ARRAY(op, items, list->count + 1);
    if (list->count)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = kv;
    list->items = items;
    list->count++;
    return TARN_OK;
}

enum tarn_status tarn_change_set_property(struct tarn_change *c, struct tarn_op *op,
                                          struct tarn_str key, struct tarn_str value)
{
    struct tarn_str z = tarn_strdup(op, key);
    if (!z.ptr)
        return TARN_NOMEM;
    const struct tarn_str *now = tarn_kvs_get(&c->metadata.properties, z.ptr);
    if ((now && value.ptr && tarn_str_eq(*now, value)) || (!now && !value.ptr))
        return TARN_OK;
    c->has_properties = true;
    TARN_TRY(record(op, &c->set_properties, key, value));
    return tarn_kvs_with(op, &c->metadata.properties, key, value, &c->metadata.properties);
}

enum tarn_status tarn_change_set_summary(struct tarn_change *c, struct tarn_op *op,
                                         struct tarn_str key, struct tarn_str value)
{
    return record(op, &c->summary, key, value);
}

enum tarn_status tarn_change_require_property(struct tarn_change *c, struct tarn_op *op,
                                              struct tarn_str key, struct tarn_str value)
{
    return record(op, &c->required, key, value);
}

/* ---- rows */

enum tarn_status tarn_change_append(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_data_file *files, size_t count)
{
    return add_files(op, &c->appended, files, count);
}

enum tarn_status tarn_change_add_deletes(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_data_file *files, size_t count)
{
    return add_files(op, &c->deletes, files, count);
}

enum tarn_status tarn_change_delete_files(struct tarn_change *c, struct tarn_op *op,
                                          const struct tarn_str *paths, size_t count)
{
    for (size_t i = 0; i < count; i++)
        TARN_TRY(tarn__str_list_add(op, &c->removed, paths[i]));
    return TARN_OK;
}

void tarn_change_delete_all(struct tarn_change *c)
{
    c->remove_all = c->base && tarn_metadata_current(&c->base->metadata);
}
