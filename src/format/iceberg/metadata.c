/* metadata: finding one's way in a table's metadata. Bytes to structs: metadata_read.c; back: metadata_write.c. */
#include "format/iceberg/metadata.h"

#include "base/arena.h"
#include "base/random.h"
#include "format/iceberg/metadata_int.h"

/* ---- texts by key */

const struct tarn_str *tarn_kvs_get(const struct tarn_kvs *kvs, const char *key)
{
    struct tarn_str wanted = tarn_str_view(key);
    for (size_t i = 0; i < kvs->count; i++)
        if (tarn_str_eq(kvs->items[i].key, wanted))
            return &kvs->items[i].value;
    return NULL;
}

enum tarn_status tarn_kvs_with(struct tarn_op *op, const struct tarn_kvs *kvs, struct tarn_str key,
                               struct tarn_str value, struct tarn_kvs *out)
{
    struct tarn_kvs copy = {0};
    bool found = false;
    TARN_NEW_ARRAY(op, copy.items, kvs->count + 1);
    for (size_t i = 0; i < kvs->count; i++) {
        struct tarn_kv kv = kvs->items[i];
        if (tarn_str_eq(kv.key, key)) {
            found = true;
            if (!value.ptr)
                continue;
            kv.value = value;
        }
        copy.items[copy.count++] = kv;
    }
    if (!found && value.ptr)
        copy.items[copy.count++] = (struct tarn_kv){key, value};
    *out = copy;
    return TARN_OK;
}

/* ---- upgrade */

static enum tarn_status add_uuid(struct tarn_op *op, struct tarn_metadata *m)
{
    char text[TARN_UUID_TEXT_MAX];
    if (m->uuid.len > 0)
        return TARN_OK;
    TARN_TRY(tarn_uuid_v4(op, text));
    m->uuid = tarn_strdup(op, tarn_str_view(text));
    return m->uuid.ptr ? TARN_OK : op->report.status;
}

/* Everything else that v2 requires is there once a v1 file is read; snapshots may go on to list
 * their manifests inline. */
enum tarn_status tarn_metadata_upgrade(struct tarn_op *op, struct tarn_metadata *m, int version)
{
    if (version > 3 || version < 1)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "could not make the table's format version %d: only 1 to 3 are known",
                         version);
    if (version < m->format_version)
        return tarn_fail(op, TARN_INVALID,
                         "could not make the table's format version %d: it is %d, and a table does "
                         "not go back",
                         version, m->format_version);
    if (m->format_version < 2 && version >= 2)
        TARN_TRY(add_uuid(op, m));
    if (m->format_version < 3)
        m->next_row_id = 0;
    m->format_version = version;
    return TARN_OK;
}

/* ---- parts by id */

const struct tarn_schema *tarn_metadata_schema_by_id(const struct tarn_metadata *m, int32_t id)
{
    for (size_t i = 0; i < m->schema_count; i++)
        if (m->schemas[i].schema_id == id)
            return &m->schemas[i];
    return NULL;
}

const struct tarn_schema *tarn_metadata_schema(const struct tarn_metadata *m)
{
    return tarn_metadata_schema_by_id(m, m->current_schema_id);
}

const struct tarn_partition_spec *tarn_metadata_spec_by_id(const struct tarn_metadata *m,
                                                           int32_t id)
{
    for (size_t i = 0; i < m->spec_count; i++)
        if (m->specs[i].spec_id == id)
            return &m->specs[i];
    return NULL;
}

const struct tarn_partition_spec *tarn_metadata_spec(const struct tarn_metadata *m)
{
    return tarn_metadata_spec_by_id(m, m->default_spec_id);
}

/* Searches downwards from `before` first: files keep snapshots in the order of their commits, so that a parent stands below its child. */
static const struct tarn_snapshot *find_snapshot(const struct tarn_metadata *m, size_t before,
                                                 int64_t id)
{
    for (size_t i = before; i > 0; i--)
        if (m->snapshots[i - 1].snapshot_id == id)
            return &m->snapshots[i - 1];
    for (size_t i = before; i < m->snapshot_count; i++)
        if (m->snapshots[i].snapshot_id == id)
            return &m->snapshots[i];
    return NULL;
}

const struct tarn_snapshot *tarn_metadata_snapshot(const struct tarn_metadata *m, int64_t id)
{
    return id == 0 ? NULL : find_snapshot(m, m->snapshot_count, id);
}

const struct tarn_snapshot *tarn_metadata_current(const struct tarn_metadata *m)
{
    return tarn_metadata_snapshot(m, m->current_snapshot_id);
}

const struct tarn_ref *tarn_metadata_ref(const struct tarn_metadata *m, struct tarn_str name)
{
    for (size_t i = 0; i < m->ref_count; i++)
        if (tarn_str_eq(m->refs[i].name, name))
            return &m->refs[i];
    return NULL;
}

bool tarn_metadata_is_ancestor(const struct tarn_metadata *m, int64_t ancestor, int64_t of_snapshot)
{
    const struct tarn_snapshot *s = tarn_metadata_snapshot(m, of_snapshot);
    /* A file whose parents run in a circle ends the walk too. */
    for (size_t steps = 0; s && steps < m->snapshot_count; steps++) {
        if (s->snapshot_id == ancestor)
            return true;
        if (s->parent_id == 0)
            return false;
        s = find_snapshot(m, (size_t)(s - m->snapshots), s->parent_id);
    }
    return false;
}

/* ---- nested names */

/* `now` is what stands at this path today, NULL if nothing does. */
static bool nested_changed(const struct tarn_type *then, const struct tarn_type *now,
                           const struct tarn_schema *current, bool nested)
{
    for (size_t i = 0; i < then->field_count; i++) {
        const struct tarn_field *f = &then->fields[i];
        const struct tarn_field *same = now ? tarn_type_field_by_name(now, f->name) : NULL;
        if (nested && same && same->id != f->id)
            return true;
        if (nested && !same) {
            const struct tarn_field *g = tarn_schema_field_by_id(current, f->id);
            if (g && !tarn_str_eq(g->name, f->name))
                return true;
        }
        if (nested_changed(&f->type, same ? &same->type : NULL, current, true))
            return true;
    }
    return false;
}

bool tarn_metadata_nested_names_changed(const struct tarn_metadata *m)
{
    const struct tarn_schema *current = tarn_metadata_schema(m);
    for (size_t i = 0; i < m->schema_count && current; i++) {
        const struct tarn_schema *s = &m->schemas[i];
        if (s != current && nested_changed(&s->root, &current->root, current, false))
            return true;
    }
    return false;
}
