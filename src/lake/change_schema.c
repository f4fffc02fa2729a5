/* change_schema: schemas and format versions of the next version; CREATE OR REPLACE. */
#include <stdlib.h>

#include "lake/change_int.h"

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

static bool is_v3_type(enum tarn_type_kind kind)
{
    return kind == TARN_TYPE_TIMESTAMP_NS || kind == TARN_TYPE_TIMESTAMPTZ_NS ||
           kind == TARN_TYPE_UNKNOWN || kind == TARN_TYPE_VARIANT || kind == TARN_TYPE_GEOMETRY ||
           kind == TARN_TYPE_GEOGRAPHY;
}

static enum tarn_status check_version(struct tarn_op *op, const struct tarn_type *t, int version)
{
    for (size_t i = 0; i < t->field_count && version < 3; i++) {
        const struct tarn_field *f = &t->fields[i];
        const char *what = f->initial_default.ptr || f->write_default.ptr ? "a default value"
                           : is_v3_type(f->type.kind) ? tarn_type_text(op, &f->type).ptr
                                                      : NULL;
        if (what) {
            (void)tarn_fail(op, TARN_UNSUPPORTED,
                            "column \"%.*s\" cannot have %s%s: that needs format version 3",
                            TARN_STR_ARG(f->name), is_v3_type(f->type.kind) ? "type " : "", what);
            tarn_hint(op, "the table property 'format-version' = '3' upgrades a table");
            return TARN_UNSUPPORTED;
        }
        TARN_TRY(check_version(op, &f->type, version));
    }
    return TARN_OK;
}

enum tarn_status tarn__schema_check(struct tarn_op *op, const struct tarn_schema *schema,
                                    int format_version)
{
    TARN_TRY(check_names(op, &schema->root));
    return check_version(op, &schema->root, format_version);
}

/* ---- format versions */

enum tarn_status tarn__check_writable(const struct tarn_change *c, struct tarn_op *op,
                                      int format_version)
{
    if (format_version >= 2)
        return TARN_OK;
    (void)tarn_fail(op, TARN_UNSUPPORTED,
                    "table " TARN_IDENT_FMT " has format version %d, which is only read",
                    TARN_IDENT_ARG(c->ident), format_version);
    tarn_hint(
        op, "upgrade it: ALTER TABLE " TARN_IDENT_FMT " SET TBLPROPERTIES ('format-version' = '2')",
        TARN_IDENT_ARG(c->ident));
    return TARN_UNSUPPORTED;
}

enum tarn_status tarn__take_version(struct tarn_op *op, struct tarn_kvs *properties, int otherwise,
                                    int *out)
{
    const struct tarn_str *text = tarn_kvs_get(properties, "format-version");
    int64_t version = otherwise;
    if (text && (!tarn_str_to_i64(*text, &version) || version < 1))
        return tarn_fail(op, TARN_INVALID, "format version \"%.*s\" is no version",
                         TARN_STR_ARG(*text));
    if (version > 3)
        return tarn_fail(op, TARN_UNSUPPORTED, "format version %lld is not known; 3 is the highest",
                         (long long)version);
    *out = (int)version;
    return text ? tarn_kvs_with(op, properties, TARN_STR("format-version"),
                                (struct tarn_str){NULL, 0}, properties)
                : TARN_OK;
}

/* ---- schema */

/* May a new column stand where it does? Older rows have no value for it: none is asked for where
 * what it stands in is new itself, and null in them. */
static enum tarn_status check_new(struct tarn_op *op, const struct tarn_field *f, bool null_before)
{
    if (!f->required || f->initial_default.ptr || null_before)
        return TARN_OK;
    return tarn_fail(op, TARN_SCHEMA,
                     "column \"%.*s\" cannot be added as required: older rows have no value for it",
                     TARN_STR_ARG(f->name));
}

/* spec "Default values": older rows keep the value that they were given */
static enum tarn_status check_initial(struct tarn_op *op, const struct tarn_field *old,
                                      const struct tarn_field *f)
{
    struct tarn_str was;
    if (!f->initial_default.ptr && !old->initial_default.ptr)
        return TARN_OK;
    TARN_TRY(tarn_default_promoted(op, &old->type, &f->type, old->initial_default, &was));
    return tarn_str_eq(f->initial_default, was)
               ? TARN_OK
               : tarn_fail(op, TARN_SCHEMA,
                           "the initial default of column \"%.*s\" cannot be changed",
                           TARN_STR_ARG(f->name));
}

static enum tarn_status check_type(struct tarn_op *op, const struct tarn_field *old,
                                   const struct tarn_field *f, int version)
{
    bool same = tarn_type_is_nested(&f->type) ? old->type.kind == f->type.kind
                                              : tarn_type_eq(&old->type, &f->type);
    if (same || tarn_type_promotes(&old->type, &f->type, version))
        return TARN_OK;
    (void)tarn_fail(op, TARN_SCHEMA, "column \"%.*s\" cannot change its type",
                    TARN_STR_ARG(f->name));
    if (!tarn_type_is_nested(&f->type))
        tarn_detail(op, "from %s to %s", tarn_type_text(op, &old->type).ptr,
                    tarn_type_text(op, &f->type).ptr);
    return TARN_SCHEMA;
}

/* The same fields, whatever they are called and wherever they stand. */
static bool same_ids(const struct tarn_type *a, const struct tarn_type *b)
{
    size_t found = 0;
    for (size_t i = 0; i < a->field_count; i++)
        for (size_t k = 0; k < b->field_count; k++)
            if (a->fields[i].id == b->fields[k].id &&
                same_ids(&a->fields[i].type, &b->fields[k].type))
                found++;
    return found == a->field_count && found == b->field_count;
}

/* Keys of one map must stay different from one another, and there. */
static enum tarn_status check_key(struct tarn_op *op, const struct tarn_field *old,
                                  const struct tarn_field *f)
{
    if (!f->required)
        return tarn_fail(op, TARN_SCHEMA, "the key of a map cannot be made optional");
    if (!same_ids(&old->type, &f->type))
        return tarn_fail(op, TARN_SCHEMA,
                         "fields of a map's key cannot be added or dropped: two keys could become "
                         "equal");
    return TARN_OK;
}

static enum tarn_status check_fields(struct tarn_op *op, const struct tarn_schema *before,
                                     const struct tarn_type *now, int version, bool null_before)
{
    for (size_t i = 0; i < now->field_count; i++) {
        const struct tarn_field *f = &now->fields[i];
        const struct tarn_field *old = f->id ? tarn_schema_field_by_id(before, f->id) : NULL;
        if (f->id && !old)
            return tarn_fail(op, TARN_SCHEMA,
                             "field id %d of column \"%.*s\" is not in the table's schema", f->id,
                             TARN_STR_ARG(f->name));
        if (!old && now->kind == TARN_TYPE_STRUCT)
            TARN_TRY(check_new(op, f, null_before));
        if (old && f->required && !old->required)
            return tarn_fail(op, TARN_SCHEMA, "column \"%.*s\" cannot be made required",
                             TARN_STR_ARG(f->name));
        if (old)
            TARN_TRY(check_type(op, old, f, version));
        if (old)
            TARN_TRY(check_initial(op, old, f));
        if (old && now->kind == TARN_TYPE_MAP && i == 0)
            TARN_TRY(check_key(op, old, f));
        if (tarn_type_is_nested(&f->type))
            TARN_TRY(check_fields(op, before, &f->type, version,
                                  old ? old->type.kind == TARN_TYPE_UNKNOWN
                                      : null_before || !f->initial_default.ptr));
    }
    return TARN_OK;
}

/* Would a file's partition be another one with the new type (spec "Schema Evolution")? Of the
 * promotions that there are that of dates, but for their year, month and day. */
static bool moves_partitions(const struct tarn_transform *t, const struct tarn_type *from,
                             const struct tarn_type *to)
{
    if (t->kind == TARN_TRANSFORM_VOID || tarn_type_eq(from, to))
        return false;
    if (from->kind == TARN_TYPE_UNKNOWN) /* null, whatever it becomes */
        return !tarn_transform_accepts(t, to);
    return from->kind == TARN_TYPE_DATE && t->kind != TARN_TRANSFORM_YEAR &&
           t->kind != TARN_TRANSFORM_MONTH && t->kind != TARN_TRANSFORM_DAY;
}

static enum tarn_status check_sources(struct tarn_op *op, const struct tarn_metadata *m,
                                      const struct tarn_schema *now)
{
    const struct tarn_schema *before = tarn_metadata_schema(m);
    for (size_t i = 0; i < m->spec_count; i++)
        for (size_t k = 0; k < m->specs[i].field_count; k++) {
            const struct tarn_partition_field *p = &m->specs[i].fields[k];
            const struct tarn_field *old = tarn_schema_field_by_id(before, p->source_id),
                                    *f = tarn_schema_field_by_id(now, p->source_id);
            if (!old || !f || !moves_partitions(&p->transform, &old->type, &f->type))
                continue;
            return tarn_fail(op, TARN_SCHEMA,
                             "column \"%.*s\" cannot change from %s to %s: files are partitioned "
                             "by %s of it, which would be another value",
                             TARN_STR_ARG(f->name), tarn_type_text(op, &old->type).ptr,
                             tarn_type_text(op, &f->type).ptr,
                             tarn_transform_text(op, &p->transform).ptr);
        }
    return TARN_OK;
}

/* The default sort order; NULL for metadata without one. */
static const struct tarn_sort_order *sort_order(const struct tarn_metadata *m)
{
    for (size_t i = 0; i < m->sort_order_count; i++)
        if (m->sort_orders[i].order_id == m->default_sort_order_id)
            return &m->sort_orders[i];
    return NULL;
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

/* The same for what the table is sorted by. */
static enum tarn_status follow_order(struct tarn_change *c, struct tarn_op *op,
                                     const struct tarn_schema *before,
                                     const struct tarn_schema *now)
{
    const struct tarn_sort_order *old = sort_order(&c->metadata);
    struct tarn_sort_order order = {0};
    bool moved = false;
    if (!old || old->field_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, order.fields, old->field_count);
    order.field_count = old->field_count;
    for (size_t i = 0; i < order.field_count; i++) {
        struct tarn_sort_field *f = &order.fields[i];
        *f = old->fields[i];
        if (tarn_schema_field_by_id(now, f->source_id))
            continue;
        struct tarn_str path = tarn_schema_path_of(op, before, f->source_id);
        const struct tarn_field *source = path.ptr ? tarn_schema_field_by_path(now, path) : NULL;
        if (!source || !tarn_transform_accepts(&f->transform, &source->type))
            return tarn_fail(op, TARN_SCHEMA,
                             "column \"%.*s\" cannot be %s: table " TARN_IDENT_FMT
                             " is sorted by it",
                             TARN_STR_ARG(path.ptr ? path : TARN_STR("?")),
                             source ? "given this type" : "dropped", TARN_IDENT_ARG(c->ident));
        f->source_id = source->id;
        moved = true;
    }
    return moved ? tarn_change_set_sort_order(c, op, &order) : TARN_OK;
}

static bool same_text(struct tarn_str a, struct tarn_str b)
{
    return !a.ptr == !b.ptr && tarn_str_eq(a, b);
}

/* Docs and defaults, which tarn_type_eq passes over; the types are equal. */
static bool same_notes(const struct tarn_type *a, const struct tarn_type *b)
{
    for (size_t i = 0; i < a->field_count; i++) {
        const struct tarn_field *x = &a->fields[i], *y = &b->fields[i];
        if (!same_text(x->doc, y->doc) || !same_text(x->initial_default, y->initial_default) ||
            !same_text(x->write_default, y->write_default) || !same_notes(&x->type, &y->type))
            return false;
    }
    return true;
}

static bool same_schema(const struct tarn_schema *a, const struct tarn_schema *b)
{
    return tarn_type_eq(&a->root, &b->root) && same_notes(&a->root, &b->root) &&
           a->identifier_count == b->identifier_count &&
           (a->identifier_count == 0 ||
            memcmp(a->identifier_ids, b->identifier_ids,
                   a->identifier_count * sizeof *a->identifier_ids) == 0);
}

static void use_schema(struct tarn_change *c, int32_t schema_id)
{
    c->metadata.current_schema_id = schema_id;
    c->has_schema = !c->base || schema_id != c->base->metadata.current_schema_id;
}

/* `all`: the table's schemas and behind them one more, with its ids; next_column: the first id that
 * none of its columns has. An older schema again keeps its id. */
static void add_schema(struct tarn_change *c, struct tarn_schema *all, int32_t next_column)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_schema *added = &all[m->schema_count];
    int32_t highest = 0;
    for (size_t i = 0; i < m->schema_count; i++) {
        if (same_schema(&all[i], added)) {
            use_schema(c, all[i].schema_id);
            return;
        }
        if (all[i].schema_id > highest)
            highest = all[i].schema_id;
    }
    added->schema_id = highest + 1;
    m->schemas = all;
    m->schema_count++;
    if (next_column - 1 > m->last_column_id)
        m->last_column_id = next_column - 1;
    use_schema(c, added->schema_id);
}

enum tarn_status tarn_change_set_schema(struct tarn_change *c, struct tarn_op *op,
                                        const struct tarn_schema *schema)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_schema *all;
    int32_t next = m->last_column_id + 1;
    const struct tarn_schema *before = tarn_metadata_schema(m);
    TARN_TRY(check_fields(op, before, &schema->root, m->format_version, false));
    TARN_TRY(check_sources(op, m, schema));
    TARN_TRY(tarn__schema_check(op, schema, m->format_version));
    TARN_NEW_ARRAY(op, all, m->schema_count + 1);
    memcpy(all, m->schemas, m->schema_count * sizeof *all);
    struct tarn_schema *added = &all[m->schema_count];
    TARN_TRY(tarn_schema_copy(op, schema, added));
    tarn_type_assign_ids(&added->root, &next);
    TARN_TRY(follow_sources(c, op, before, added));
    TARN_TRY(follow_order(c, op, before, added));
    add_schema(c, all, next);
    return TARN_OK;
}

/* ---- CREATE OR REPLACE */

/* Fields take over the id of their name where the type can become theirs. */
static void take_ids(const struct tarn_type *before, struct tarn_type *now, int version)
{
    for (size_t i = 0; i < now->field_count; i++) {
        struct tarn_field *f = &now->fields[i];
        const struct tarn_field *old = before ? tarn_type_field_by_name(before, f->name) : NULL;
        bool same = old && (tarn_type_is_nested(&f->type)
                                ? old->type.kind == f->type.kind
                                : !tarn_type_is_nested(&old->type) &&
                                      (tarn_type_eq(&old->type, &f->type) ||
                                       tarn_type_promotes(&old->type, &f->type, version)));
        f->id = same ? old->id : 0;
        take_ids(same ? &old->type : NULL, &f->type, version);
    }
}

/* The id in `now` of the field that has this id in `before`; the two trees differ in ids alone. */
static int32_t id_of(const struct tarn_type *before, const struct tarn_type *now, int32_t id)
{
    for (size_t i = 0; i < before->field_count; i++) {
        int32_t inner;
        if (before->fields[i].id == id)
            return now->fields[i].id;
        inner = id_of(&before->fields[i].type, &now->fields[i].type, id);
        if (inner)
            return inner;
    }
    return 0;
}

static enum tarn_status replace_schema(struct tarn_change *c, struct tarn_op *op,
                                       const struct tarn_schema *wanted)
{
    struct tarn_metadata *m = &c->metadata;
    struct tarn_schema *all;
    int32_t next = m->last_column_id + 1;
    TARN_NEW_ARRAY(op, all, m->schema_count + 1);
    memcpy(all, m->schemas, m->schema_count * sizeof *all);
    struct tarn_schema *added = &all[m->schema_count];
    TARN_TRY(tarn_schema_copy(op, wanted, added));
    TARN_TRY(tarn__schema_check(op, added, m->format_version));
    take_ids(&tarn_metadata_schema(m)->root, &added->root, m->format_version);
    tarn_type_assign_ids(&added->root, &next);
    for (size_t i = 0; i < added->identifier_count; i++)
        added->identifier_ids[i] = id_of(&wanted->root, &added->root, wanted->identifier_ids[i]);
    add_schema(c, all, next);
    return TARN_OK;
}

static enum tarn_status replace_layout(struct tarn_change *c, struct tarn_op *op,
                                       const struct tarn_create *create)
{
    const struct tarn_type *before = &create->schema->root;
    const struct tarn_type *now = &tarn_metadata_schema(&c->metadata)->root;
    struct tarn_partition_spec spec = create->spec;
    struct tarn_sort_order order = create->order;
    TARN_NEW_ARRAY(op, spec.fields, spec.field_count + 1);
    TARN_NEW_ARRAY(op, order.fields, order.field_count + 1);
    for (size_t i = 0; i < spec.field_count; i++) {
        spec.fields[i] = create->spec.fields[i];
        spec.fields[i].source_id = id_of(before, now, spec.fields[i].source_id);
    }
    for (size_t i = 0; i < order.field_count; i++) {
        order.fields[i] = create->order.fields[i];
        order.fields[i].source_id = id_of(before, now, order.fields[i].source_id);
    }
    TARN_TRY(tarn_change_set_spec(c, op, &spec));
    return tarn_change_set_sort_order(c, op, &order);
}

/* Main goes; its snapshots, the log and the other refs stay. */
static enum tarn_status empty_main(struct tarn_op *op, struct tarn_metadata *m)
{
    struct tarn_ref *refs;
    size_t n = 0;
    TARN_NEW_ARRAY(op, refs, m->ref_count + 1);
    for (size_t i = 0; i < m->ref_count; i++)
        if (!tarn_str_is(m->refs[i].name, TARN__MAIN))
            refs[n++] = m->refs[i];
    m->refs = refs;
    m->ref_count = n;
    m->current_snapshot_id = 0;
    return TARN_OK;
}

enum tarn_status tarn_change_replace(struct tarn_change *c, struct tarn_op *op,
                                     const struct tarn_create *create)
{
    struct tarn_kvs properties = create->properties;
    int version;
    TARN_ASSERT(c->base && !tarn__change_has_rows(c));
    TARN_TRY(tarn__take_version(op, &properties, c->metadata.format_version, &version));
    TARN_TRY(tarn_change_upgrade(c, op, version));
    TARN_TRY(tarn__check_writable(c, op, version));
    TARN_TRY(replace_schema(c, op, create->schema));
    TARN_TRY(replace_layout(c, op, create));
    if (create->location.len)
        TARN_TRY(tarn_change_set_location(c, op, create->location));
    c->metadata.properties = properties;
    c->set_properties = (struct tarn_kvs){0};
    c->replaced = true;
    return empty_main(op, &c->metadata);
}
