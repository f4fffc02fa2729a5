/* stage: the next version of a table: everything that the change says, done to its base.
 *
 * Order: data files are made durable, then manifests, list (stage_snapshot.c) and metadata are
 * written, each whole; the catalog is not touched here.
 */
#include "format/gzip.h"
#include "lake/change_int.h"

/* ---- applying what the change says to a base */

static void apply_layout(const struct tarn_change *c, struct tarn_metadata *out)
{
    const struct tarn_metadata *mine = &c->metadata;
    if (c->has_schema || c->replaced) {
        out->schemas = mine->schemas;
        out->schema_count = mine->schema_count;
        out->current_schema_id = mine->current_schema_id;
        out->last_column_id = mine->last_column_id;
    }
    if (c->has_spec || c->replaced) {
        out->specs = mine->specs;
        out->spec_count = mine->spec_count;
        out->default_spec_id = mine->default_spec_id;
        out->last_partition_id = mine->last_partition_id;
    }
    if (c->has_order || c->replaced) {
        out->sort_orders = mine->sort_orders;
        out->sort_order_count = mine->sort_order_count;
        out->default_sort_order_id = mine->default_sort_order_id;
    }
    if (c->has_location)
        out->location = mine->location;
    if (c->replaced) {
        out->properties = mine->properties;
        out->refs = mine->refs;
        out->ref_count = mine->ref_count;
        out->current_snapshot_id = mine->current_snapshot_id;
    }
}

enum tarn_status tarn__change_apply(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *base, struct tarn_metadata *out)
{
    *out = c->base ? *base : c->metadata;
    if (c->base) {
        if (c->metadata.format_version > out->format_version)
            TARN_TRY(tarn_metadata_upgrade(op, out, c->metadata.format_version));
        apply_layout(c, out);
        for (size_t i = 0; i < c->set_properties.count; i++)
            TARN_TRY(tarn_kvs_with(op, &out->properties, c->set_properties.items[i].key,
                                   c->set_properties.items[i].value, &out->properties));
    }
    TARN_TRY(tarn__check_writable(c, op, out->format_version));
    /* `metadata` of these has had its steps */
    return c->replaced || !c->base ? TARN_OK : tarn__steps_apply(c, op, out, false);
}

enum tarn_status tarn__change_check_required(struct tarn_change *c, struct tarn_op *op,
                                             const struct tarn_metadata *m)
{
    for (size_t i = 0; i < c->required.count; i++) {
        const struct tarn_kv *kv = &c->required.items[i];
        const struct tarn_str *now = tarn_kvs_get(&m->properties, kv->key.ptr);
        if (now ? kv->value.ptr && tarn_str_eq(*now, kv->value) : !kv->value.ptr)
            continue;
        (void)tarn_fail(op, TARN_FENCED,
                        "another writer has moved \"%.*s\" of table " TARN_IDENT_FMT,
                        TARN_STR_ARG(kv->key), TARN_IDENT_ARG(c->ident));
        tarn_detail(op, "expected %.*s\nfound    %.*s",
                    TARN_STR_ARG(kv->value.ptr ? kv->value : TARN_STR("(not set)")),
                    TARN_STR_ARG(now ? *now : TARN_STR("(not set)")));
        tarn_hint(op, "another run ingests the same source; nothing was committed by this one");
        return TARN_FENCED;
    }
    return TARN_OK;
}

/* ---- metadata */

enum tarn_status tarn__put_object(struct tarn_change *c, struct tarn_op *op, struct tarn_str path,
                                  struct tarn_str bytes)
{
    TARN_TRY(tarn__str_list_add(op, &c->written, path));
    return tarn_storage_put(c->lake->storage, op, path, bytes);
}

static struct tarn_str without_slashes(struct tarn_str path)
{
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

enum tarn_status tarn__metadata_folder(struct tarn_op *op, const struct tarn_metadata *m,
                                       struct tarn_str *out)
{
    const struct tarn_str *own = tarn_kvs_get(&m->properties, "write.metadata.path");
    *out = own && own->len
               ? without_slashes(*own)
               : tarn_sprintf(op, "%.*s/metadata", TARN_STR_ARG(without_slashes(m->location)));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status finish_files(struct tarn_change *c, struct tarn_op *op,
                                     struct tarn__file_list *files)
{
    for (; files->finished < files->count; files->finished++) {
        struct tarn_data_file *f = &files->items[files->finished];
        uint64_t size;
        if (files->finished && tarn_str_eq(f->path, f[-1].path))
            continue; /* deletion vectors share a file */
        TARN_TRY_WHILE(op, tarn_storage_finish(c->lake->storage, op, f->path, &size),
                       "making data file \"%.*s\" durable", TARN_STR_ARG(f->path));
        if (f->size_bytes != (int64_t)size)
            return tarn_fail(
                op, TARN_CORRUPT, "data file \"%.*s\" has %llu bytes; its writer said %lld",
                TARN_STR_ARG(f->path), (unsigned long long)size, (long long)f->size_bytes);
    }
    return TARN_OK;
}

static enum tarn_status add_snapshot(struct tarn_op *op, struct tarn_metadata *m,
                                     struct tarn_snapshot *s, int64_t now_ms)
{
    struct tarn_snapshot *snapshots;
    s->timestamp_ms = now_ms;
    TARN_NEW_ARRAY(op, snapshots, m->snapshot_count + 1);
    if (m->snapshot_count)
        memcpy(snapshots, m->snapshots, m->snapshot_count * sizeof *snapshots);
    snapshots[m->snapshot_count++] = *s;
    m->snapshots = snapshots;
    m->last_sequence_number = s->sequence_number;
    return TARN_OK;
}

/* The table that this change and those below it, if it is one of a chain, will be published on. */
static const struct tarn_table *root_of(const struct tarn_change *c)
{
    return c->base && c->base->staged ? c->base->root : c->base;
}

/* The log of what was current: what a chain had on main in between never was. */
static enum tarn_status log_current(struct tarn_op *op, struct tarn_metadata *m,
                                    const struct tarn_table *root, int64_t now_ms)
{
    const struct tarn_metadata *before = root ? &root->metadata : NULL;
    struct tarn_snapshot_log_entry *log;
    m->snapshot_log = before ? before->snapshot_log : NULL;
    m->snapshot_log_count = before ? before->snapshot_log_count : 0;
    if (!m->current_snapshot_id ||
        m->current_snapshot_id == (before ? before->current_snapshot_id : 0))
        return TARN_OK;
    TARN_NEW_ARRAY(op, log, m->snapshot_log_count + 1);
    if (m->snapshot_log_count)
        memcpy(log, m->snapshot_log, m->snapshot_log_count * sizeof *log);
    log[m->snapshot_log_count++] = (struct tarn_snapshot_log_entry){now_ms, m->current_snapshot_id};
    m->snapshot_log = log;
    return TARN_OK;
}

/* The file that is replaced goes into the log, trimmed to write.metadata.previous-versions-max
 * (default 100, also for what is no number: history is not thrown away by a slip of the pen). */
static enum tarn_status log_previous(struct tarn_op *op, struct tarn_metadata *m,
                                     const struct tarn_table *base)
{
    const struct tarn_str *text =
        tarn_kvs_get(&m->properties, "write.metadata.previous-versions-max");
    int64_t max = 100;
    struct tarn_metadata_log_entry *log;
    if (text && !tarn_str_to_i64(*text, &max))
        max = 100;
    if (max < 1)
        max = 1;
    size_t from = 0;
    if ((int64_t)m->metadata_log_count + 1 > max)
        from = m->metadata_log_count + 1 - (size_t)max;
    TARN_NEW_ARRAY(op, log, m->metadata_log_count + 1);
    size_t n = 0;
    for (size_t i = from; i < m->metadata_log_count; i++)
        log[n++] = m->metadata_log[i];
    log[n++] =
        (struct tarn_metadata_log_entry){base->metadata.last_updated_ms, base->metadata_location};
    m->metadata_log = log;
    m->metadata_log_count = n;
    return TARN_OK;
}

/* write.metadata.compression-codec: none unless it says gzip, as in Iceberg. */
static bool is_packed(const struct tarn_metadata *m)
{
    const struct tarn_str *codec = tarn_kvs_get(&m->properties, "write.metadata.compression-codec");
    return codec && tarn_str_eq_nocase(*codec, TARN_STR("gzip"));
}

/* "00012-<uuid>.metadata.json" follows "00011-...": the number is for people, nothing depends on
 * it. */
static enum tarn_status metadata_path(struct tarn_op *op, const struct tarn_metadata *m,
                                      const struct tarn_table *base, struct tarn_str *out)
{
    struct tarn_str uuid, folder;
    long long version = -1;
    if (base) {
        struct tarn_str name = tarn_path_base(base->metadata_location);
        const char *p = name.ptr;
        size_t left = name.len;
        if (left && *p == 'v') {
            p++;
            left--;
        }
        for (version = 0; left && *p >= '0' && *p <= '9' && version < 1000000000; p++, left--)
            version = version * 10 + (*p - '0');
    }
    TARN_TRY(tarn__new_uuid(op, &uuid));
    TARN_TRY(tarn__metadata_folder(op, m, &folder));
    *out = tarn_sprintf(op, "%.*s/%05lld-%.*s%s.metadata.json", TARN_STR_ARG(folder), version + 1,
                        TARN_STR_ARG(uuid), is_packed(m) ? ".gz" : "");
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status retire_written(struct tarn_change *c, struct tarn_op *op)
{
    for (size_t i = 0; i < c->written.count; i++)
        TARN_TRY(tarn__str_list_add(op, &c->stale, c->written.items[i]));
    c->written.count = 0;
    return TARN_OK;
}

/* The snapshot, if there is one, and what points to it. */
static enum tarn_status stage_rows(struct tarn_change *c, struct tarn_op *op,
                                   struct tarn_metadata *m, int64_t now_ms)
{
    struct tarn_str branch = c->pick ? TARN_STR(TARN__MAIN) : tarn__change_branch(c);
    struct tarn__rows rows = c->rows;
    struct tarn_snapshot snapshot;
    bool forward = false;
    if (c->pick)
        TARN_TRY(tarn__pick_resolve(c, op, m, &forward, &rows));
    if (forward)
        return tarn__branch_move(op, m, branch, c->pick);
    if (!c->pick && !tarn__change_has_rows(c) && !c->has_own_ref)
        return TARN_OK;
    TARN_TRY_WHILE(op,
                   tarn__snapshot_write(c, op, m, tarn__branch_head(m, branch), &rows, &snapshot),
                   "writing a snapshot of table " TARN_IDENT_FMT, TARN_IDENT_ARG(c->ident));
    TARN_TRY(add_snapshot(op, m, &snapshot, now_ms));
    if (!c->wap_id.ptr && (c->pick || tarn__change_has_rows(c)))
        TARN_TRY(tarn__branch_move(op, m, branch, c->snapshot_id));
    return tarn__steps_apply(c, op, m, true);
}

enum tarn_status tarn_change_stage(struct tarn_change *c, struct tarn_op *op,
                                   struct tarn_table **out)
{
    const struct tarn_metadata *base = c->base ? &c->base->metadata : &c->metadata;
    struct tarn_table *t;
    struct tarn_str json;
    TARN_ASSERT(!tarn_change_is_empty(c));
    if (c->base)
        TARN_TRY(tarn__change_check_required(c, op, base));
    TARN_TRY(retire_written(c, op));
    TARN_TRY(finish_files(c, op, &c->rows.appended));
    TARN_TRY(finish_files(c, op, &c->rows.deletes));
    TARN_NEW(op, t);
    t->ident = c->ident;
    t->staged = true;
    t->root = root_of(c);
    TARN_TRY(tarn__change_apply(c, op, base, &t->metadata));
    int64_t now = tarn__now_ms();
    if (now <= t->metadata.last_updated_ms)
        now = t->metadata.last_updated_ms + 1;
    TARN_TRY(stage_rows(c, op, &t->metadata, now));
    TARN_TRY(log_current(op, &t->metadata, t->root, now));
    t->metadata.last_updated_ms = now;
    if (c->base && !c->base->staged)
        TARN_TRY(log_previous(op, &t->metadata, c->base));
    TARN_TRY(metadata_path(op, &t->metadata, c->base, &t->metadata_location));
    TARN_TRY(tarn_metadata_write(op, &t->metadata, &json));
    if (is_packed(&t->metadata))
        TARN_TRY(tarn_gzip_pack(op, json, &json));
    TARN_TRY_WHILE(op, tarn__put_object(c, op, t->metadata_location, json),
                   "writing metadata of table " TARN_IDENT_FMT, TARN_IDENT_ARG(c->ident));
    c->staged = t;
    *out = t;
    return TARN_OK;
}
