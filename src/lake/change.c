/* change: recording what the next version of a table shall be. Nothing is written here. */
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
    TARN_GROW(op, list->items, list->count, list->cap);
    list->items[list->count++] = s;
    return TARN_OK;
}

enum tarn_status tarn__file_list_add(struct tarn_op *op, struct tarn__file_list *list,
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

/* ---- opening */

enum tarn_status tarn_change_open(const struct tarn_lake *lake, struct tarn_op *op,
                                  const struct tarn_table *base, struct tarn_change **out)
{
    struct tarn_change *c;
    TARN_ASSERT(base);
    TARN_NEW(op, c);
    c->lake = lake;
    c->ident = base->ident;
    c->base = base;
    c->metadata = base->metadata;
    TARN_TRY(tarn__new_snapshot_id(op, &c->snapshot_id));
    *out = c;
    return TARN_OK;
}

static enum tarn_status first_spec(struct tarn_op *op, const struct tarn_partition_spec *spec,
                                   struct tarn_metadata *m)
{
    TARN_NEW(op, m->specs);
    m->spec_count = 1;
    *m->specs = *spec;
    m->specs->spec_id = 0;
    if (spec->field_count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, m->specs->fields, spec->field_count);
    for (size_t i = 0; i < spec->field_count; i++) {
        m->specs->fields[i] = spec->fields[i];
        m->specs->fields[i].field_id = ++m->last_partition_id;
    }
    return TARN_OK;
}

/* A new table's metadata, without snapshots (spec: "Table Metadata Fields"). */
static enum tarn_status first_metadata(struct tarn_op *op, const struct tarn_create *create,
                                       struct tarn_metadata *m)
{
    *m = (struct tarn_metadata){.last_partition_id = 999, .properties = create->properties};
    TARN_TRY(tarn__take_version(op, &m->properties, 2, &m->format_version));
    TARN_TRY(tarn__new_uuid(op, &m->uuid));
    m->location = tarn_strdup(op, create->location);
    if (!m->location.ptr)
        return TARN_NOMEM;
    TARN_NEW(op, m->schemas);
    m->schema_count = 1;
    TARN_TRY(tarn_schema_copy(op, create->schema, m->schemas));
    TARN_TRY(tarn__schema_check(op, m->schemas, m->format_version));
    int32_t next = tarn_schema_highest_id(m->schemas) + 1;
    tarn_type_assign_ids(&m->schemas->root, &next);
    m->schemas->schema_id = 0;
    m->last_column_id = tarn_schema_highest_id(m->schemas);
    TARN_TRY(first_spec(op, &create->spec, m));
    TARN_NEW(op, m->sort_orders); /* order 0: unsorted */
    m->sort_order_count = 1;
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
    TARN_TRY(tarn__check_writable(c, op, c->metadata.format_version));
    TARN_TRY(tarn_change_set_sort_order(c, op, &create->order));
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
           !c->has_order && !c->has_properties && !c->has_location && !c->has_version &&
           !c->replaced && !c->pick && !c->step_count;
}

bool tarn_change_has_rows(const struct tarn_change *c)
{
    return tarn__change_has_rows(c);
}

/* ---- properties */

enum tarn_status tarn__kvs_record(struct tarn_op *op, struct tarn_kvs *list, struct tarn_str key,
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
    TARN_TRY(tarn__kvs_record(op, &c->set_properties, key, value));
    return tarn_kvs_with(op, &c->metadata.properties, key, value, &c->metadata.properties);
}

enum tarn_status tarn_change_set_summary(struct tarn_change *c, struct tarn_op *op,
                                         struct tarn_str key, struct tarn_str value)
{
    return tarn__kvs_record(op, &c->rows.summary, key, value);
}

enum tarn_status tarn_change_require_property(struct tarn_change *c, struct tarn_op *op,
                                              struct tarn_str key, struct tarn_str value)
{
    return tarn__kvs_record(op, &c->required, key, value);
}

enum tarn_status tarn_change_set_location(struct tarn_change *c, struct tarn_op *op,
                                          struct tarn_str location)
{
    if (location.len == 0)
        return tarn_fail(op, TARN_INVALID,
                         "table " TARN_IDENT_FMT " cannot be at an empty location",
                         TARN_IDENT_ARG(c->ident));
    if (tarn_str_eq(c->metadata.location, location))
        return TARN_OK;
    c->metadata.location = tarn_strdup(op, location);
    c->has_location = true;
    return c->metadata.location.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn_change_upgrade(struct tarn_change *c, struct tarn_op *op, int version)
{
    struct tarn_metadata *m = &c->metadata;
    if (version < m->format_version)
        return tarn_fail(op, TARN_INVALID,
                         "table " TARN_IDENT_FMT
                         " has format version %d and cannot go back to version %d",
                         TARN_IDENT_ARG(c->ident), m->format_version, version);
    int before = m->format_version;
    TARN_TRY(tarn_metadata_upgrade(op, m, version));
    c->has_version = c->has_version || version > before;
    return TARN_OK;
}

/* ---- rows */

enum tarn_status tarn_change_append(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_data_file *files, size_t count)
{
    TARN_TRY(tarn__check_writable(c, op, c->metadata.format_version));
    return tarn__file_list_add(op, &c->rows.appended, files, count);
}

/* Spec "Delete Formats": deletion vectors are version 3's; position delete files are no more added
 * there. */
static enum tarn_status check_deletes(const struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_data_file *f)
{
    bool v3 = c->metadata.format_version >= 3;
    if (f->content == TARN_CONTENT_DATA)
        return tarn_fail(op, TARN_INVALID, "data file \"%.*s\" is no delete file",
                         TARN_STR_ARG(f->path));
    if (tarn__is_vector(f) && !v3)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has format version %d: deletion vectors need version 3",
                         TARN_IDENT_ARG(c->ident), c->metadata.format_version);
    if (tarn__is_vector(f) && f->referenced_data_file.len == 0)
        return tarn_fail(op, TARN_INVALID, "a deletion vector in \"%.*s\" names no data file",
                         TARN_STR_ARG(f->path));
    if (v3 && f->content == TARN_CONTENT_POSITION_DELETES && !tarn__is_vector(f))
        return tarn_fail(op, TARN_INVALID,
                         "table " TARN_IDENT_FMT
                         " has format version 3: rows are deleted by deletion vectors, no more by "
                         "position delete files",
                         TARN_IDENT_ARG(c->ident));
    return TARN_OK;
}

enum tarn_status tarn_change_add_deletes(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_data_file *files, size_t count)
{
    TARN_TRY(tarn__check_writable(c, op, c->metadata.format_version));
    for (size_t i = 0; i < count; i++)
        TARN_TRY(check_deletes(c, op, &files[i]));
    return tarn__file_list_add(op, &c->rows.deletes, files, count);
}

enum tarn_status tarn_change_touch(struct tarn_change *c, struct tarn_op *op, struct tarn_str path)
{
    return tarn__str_list_add(op, &c->touched, path);
}

enum tarn_status tarn_change_delete_files(struct tarn_change *c, struct tarn_op *op,
                                          const struct tarn_str *paths, size_t count)
{
    TARN_TRY(tarn__check_writable(c, op, c->metadata.format_version));
    for (size_t i = 0; i < count; i++)
        TARN_TRY(tarn__str_list_add(op, &c->rows.removed, paths[i]));
    return TARN_OK;
}

void tarn_change_delete_all(struct tarn_change *c)
{
    c->asked_remove_all = true;
    c->rows.remove_all = tarn__branch_head(&c->metadata, tarn__change_branch(c)) != NULL;
}

void tarn_change_only_rewrites(struct tarn_change *c)
{
    c->only_rewrites = true;
    c->rows.operation = "replace";
}

static enum tarn_status copy_value(struct tarn_op *op, const struct tarn_value *v,
                                   struct tarn_value *out)
{
    *out = *v;
    if (!v->bytes.ptr)
        return TARN_OK;
    out->bytes = tarn_strdup(op, v->bytes);
    return out->bytes.ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status copy_expr(struct tarn_op *op, const struct tarn_expr *e,
                                  struct tarn_expr *out)
{
    *out = *e;
    TARN_TRY(tarn_type_copy(op, &e->type, &out->type));
    TARN_NEW_ARRAY(op, out->values, e->value_count + 1);
    TARN_NEW_ARRAY(op, out->args, e->arg_count + 1);
    for (size_t i = 0; i < e->value_count; i++)
        TARN_TRY(copy_value(op, &e->values[i], &out->values[i]));
    for (size_t i = 0; i < e->arg_count; i++)
        TARN_TRY(copy_expr(op, &e->args[i], &out->args[i]));
    return TARN_OK;
}

enum tarn_status tarn_change_set_isolation(struct tarn_change *c, struct tarn_op *op,
                                           enum tarn_isolation isolation,
                                           const struct tarn_expr *filter)
{
    struct tarn_expr *copy = NULL;
    if (filter) {
        TARN_NEW(op, copy);
        TARN_TRY(copy_expr(op, filter, copy));
    }
    c->has_isolation = true;
    c->isolation = isolation;
    c->filter = copy;
    return TARN_OK;
}
