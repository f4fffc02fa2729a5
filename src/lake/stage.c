/* stage: writes what the next version of a table needs: manifests, manifest list, metadata.
 *
 * Order: data files are made durable, then manifests, list and metadata are written, each whole;
 * the catalog is not touched here. Sequence numbers of added files are left null in manifests and
 * inherited (trap 4), so a retry only has to write anew.
 */
#include "lake/change_int.h"

/* ---- applying schema, spec and properties to a base */

enum tarn_status tarn__change_apply(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *base, struct tarn_metadata *out)
{
    if (!c->base) {
        *out = c->metadata;
        return TARN_OK;
    }
    *out = *base;
    if (c->has_schema) {
        out->schemas = c->metadata.schemas;
        out->schema_count = c->metadata.schema_count;
        out->current_schema_id = c->metadata.current_schema_id;
        out->last_column_id = c->metadata.last_column_id;
    }
    if (c->has_spec) {
        out->specs = c->metadata.specs;
        out->spec_count = c->metadata.spec_count;
        out->default_spec_id = c->metadata.default_spec_id;
        out->last_partition_id = c->metadata.last_partition_id;
    }
    for (size_t i = 0; i < c->set_properties.count; i++)
        TARN_TRY(tarn_kvs_with(op, &out->properties, c->set_properties.items[i].key,
                               c->set_properties.items[i].value, &out->properties));
    return TARN_OK;
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

/* ---- summary */

struct totals {
    int64_t added_files, added_records, added_bytes, added_delete_files, added_position_deletes;
    int64_t removed_files, removed_records, removed_bytes, removed_delete_files,
        removed_position_deletes, removed_equality_deletes;
};

static void count_added(struct totals *t, const struct tarn__file_list *files, bool deletes)
{
    for (size_t i = 0; i < files->count; i++) {
        t->added_bytes += files->items[i].size_bytes;
        if (deletes) {
            t->added_delete_files++;
            t->added_position_deletes += files->items[i].record_count;
        } else {
            t->added_files++;
            t->added_records += files->items[i].record_count;
        }
    }
}

static void count_removed(struct totals *t, const struct tarn_data_file *f)
{
    t->removed_bytes += f->size_bytes;
    if (f->content == TARN_CONTENT_DATA) {
        t->removed_files++;
        t->removed_records += f->record_count;
        return;
    }
    t->removed_delete_files++;
    if (f->content == TARN_CONTENT_POSITION_DELETES)
        t->removed_position_deletes += f->record_count;
    else
        t->removed_equality_deletes += f->record_count;
}

static enum tarn_status put_count(struct tarn_op *op, struct tarn_kvs *kvs, const char *key,
                                  int64_t n)
{
    struct tarn_str text = tarn_sprintf(op, "%lld", (long long)n);
    if (!text.ptr)
        return TARN_NOMEM;
    return tarn_kvs_with(op, kvs, tarn_str_view(key), text, kvs);
}

static enum tarn_status put_nonzero(struct tarn_op *op, struct tarn_kvs *kvs, const char *key,
                                    int64_t n)
{
    return n ? put_count(op, kvs, key, n) : TARN_OK;
}

/* A total is written only when the parent's is known (trap 30). */
static enum tarn_status put_total(struct tarn_op *op, struct tarn_kvs *kvs,
                                  const struct tarn_snapshot *parent, const char *key,
                                  int64_t delta)
{
    int64_t before = 0;
    if (parent) {
        const struct tarn_str *v = tarn_kvs_get(&parent->summary, key);
        if (!v || !tarn_str_to_i64(*v, &before))
            return TARN_OK;
    }
    return before + delta < 0 ? TARN_OK : put_count(op, kvs, key, before + delta);
}

static const char *operation_name(const struct tarn_change *c)
{
    if (!tarn__change_removes(c))
        return "append";
    return c->appended.count ? "overwrite" : (c->deletes.count ? "overwrite" : "delete");
}

/* Names that belong to metrics, whether this snapshot has them or not (trap 30). */
static bool is_own_key(struct tarn_str key)
{
    static const char *const own[] = {"added-", "deleted-", "removed-", "total-"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (tarn_str_starts(key, tarn_str_view(own[i])))
            return true;
    return tarn_str_is(key, "operation") || tarn_str_is(key, "changed-partition-count");
}

static enum tarn_status make_summary(struct tarn_change *c, struct tarn_op *op,
                                     const struct tarn_snapshot *parent, const struct totals *t,
                                     struct tarn_kvs *out)
{
    *out = (struct tarn_kvs){0};
    TARN_TRY(tarn_kvs_with(op, out, TARN_STR("operation"), tarn_str_view(operation_name(c)), out));
    for (size_t i = 0; i < c->summary.count; i++)
        if (!is_own_key(c->summary.items[i].key))
            TARN_TRY(
                tarn_kvs_with(op, out, c->summary.items[i].key, c->summary.items[i].value, out));
    TARN_TRY(tarn_kvs_with(op, out, TARN_STR("engine-name"), TARN_STR("tarn"), out));
    TARN_TRY(put_nonzero(op, out, "added-data-files", t->added_files));
    TARN_TRY(put_nonzero(op, out, "added-records", t->added_records));
    TARN_TRY(put_nonzero(op, out, "added-delete-files", t->added_delete_files));
    TARN_TRY(put_nonzero(op, out, "added-position-delete-files", t->added_delete_files));
    TARN_TRY(put_nonzero(op, out, "added-position-deletes", t->added_position_deletes));
    TARN_TRY(put_nonzero(op, out, "added-files-size", t->added_bytes));
    TARN_TRY(put_nonzero(op, out, "deleted-data-files", t->removed_files));
    TARN_TRY(put_nonzero(op, out, "deleted-records", t->removed_records));
    TARN_TRY(put_nonzero(op, out, "removed-delete-files", t->removed_delete_files));
    TARN_TRY(put_nonzero(op, out, "removed-position-deletes", t->removed_position_deletes));
    TARN_TRY(put_nonzero(op, out, "removed-equality-deletes", t->removed_equality_deletes));
    TARN_TRY(put_nonzero(op, out, "removed-files-size", t->removed_bytes));
    TARN_TRY(put_total(op, out, parent, "total-records", t->added_records - t->removed_records));
    TARN_TRY(put_total(op, out, parent, "total-files-size", t->added_bytes - t->removed_bytes));
    TARN_TRY(put_total(op, out, parent, "total-data-files", t->added_files - t->removed_files));
    TARN_TRY(put_total(op, out, parent, "total-delete-files",
                       t->added_delete_files - t->removed_delete_files));
    TARN_TRY(put_total(op, out, parent, "total-position-deletes",
                       t->added_position_deletes - t->removed_position_deletes));
    return put_total(op, out, parent, "total-equality-deletes", -t->removed_equality_deletes);
}

/* ---- manifests */

struct writer {
    struct tarn_change *c;
    struct tarn_op *op;
    const struct tarn_metadata *m;
    struct tarn_str prefix; /* "<location>/metadata/<uuid>-m" */
    int64_t sequence_number;
    int counter;
    struct tarn_manifest_list list;
    struct totals totals;
};

static enum tarn_status put_object(struct tarn_change *c, struct tarn_op *op, struct tarn_str path,
                                   struct tarn_str bytes)
{
    TARN_TRY(tarn__str_list_add(op, &c->written, path));
    return tarn_storage_put(c->lake->storage, op, path, bytes);
}

static enum tarn_status write_manifest(struct writer *w, int32_t spec_id, bool deletes,
                                       const struct tarn_manifest_entry *entries, size_t count)
{
    struct tarn_manifest_file *f = &w->list.files[w->list.count];
    struct tarn_str bytes;
    struct tarn_manifest_write in = {
        .metadata = w->m,
        .schema = tarn_metadata_schema(w->m),
        .spec = tarn_metadata_spec_by_id(w->m, spec_id),
        .deletes = deletes,
        .snapshot_id = w->c->snapshot_id,
        .next_sequence_number = w->sequence_number,
        .entries = entries,
        .count = count,
    };
    if (!in.spec)
        return tarn_fail(w->op, TARN_INTERNAL, "partition spec %d is not in the table metadata",
                         spec_id);
    TARN_TRY(tarn_manifest_write(w->op, &in, &bytes, f));
    f->path = tarn_sprintf(w->op, "%.*s%d.avro", TARN_STR_ARG(w->prefix), w->counter++);
    if (!f->path.ptr)
        return TARN_NOMEM;
    f->sequence_number = w->sequence_number;
    f->added_snapshot_id = w->c->snapshot_id;
    f->first_row_id = -1;
    TARN_TRY(put_object(w->c, w->op, f->path, bytes));
    w->list.count++;
    return TARN_OK;
}

/* New files, one manifest a partition spec. */
static enum tarn_status write_added(struct writer *w, const struct tarn__file_list *files,
                                    bool deletes)
{
    struct tarn_manifest_entry *entries;
    if (files->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(w->op, entries, files->count);
    for (size_t s = 0; s < w->m->spec_count; s++) {
        size_t n = 0;
        for (size_t i = 0; i < files->count; i++) {
            if (files->items[i].spec_id != w->m->specs[s].spec_id)
                continue;
            entries[n++] = (struct tarn_manifest_entry){
                .status = TARN_ENTRY_ADDED,
                .snapshot_id = w->c->snapshot_id,
                .sequence_number = -1,
                .file_sequence_number = -1,
                .file = files->items[i],
            };
        }
        if (n)
            TARN_TRY(write_manifest(w, w->m->specs[s].spec_id, deletes, entries, n));
    }
    return TARN_OK;
}

/* A manifest of the base with some of its live entries marked deleted; the others become EXISTING
 * with explicit numbers. */
static enum tarn_status rewrite_manifest(struct writer *w, const struct tarn_manifest_file *f,
                                         const struct tarn__path_set *removed, size_t *found)
{
    struct tarn_manifest manifest;
    size_t n = 0, hits = 0;
    TARN_TRY(tarn_table_manifest(w->c->lake, w->op, w->m, f, &manifest));
    for (size_t i = 0; i < manifest.count; i++) {
        struct tarn_manifest_entry e = manifest.entries[i];
        if (e.status == TARN_ENTRY_DELETED)
            continue;
        bool gone = w->c->remove_all || tarn__path_set_find(removed, e.file.path) >= 0;
        e.status = gone ? TARN_ENTRY_DELETED : TARN_ENTRY_EXISTING;
        if (gone) {
            e.snapshot_id = w->c->snapshot_id;
            count_removed(&w->totals, &e.file);
            hits++;
        }
        manifest.entries[n++] = e;
    }
    *found += hits;
    if (hits == 0) {
        w->list.files[w->list.count++] = *f;
        return TARN_OK;
    }
    return write_manifest(w, f->spec_id, f->deletes, manifest.entries, n);
}

static enum tarn_status carry_manifests(struct writer *w, const struct tarn_manifest_list *base)
{
    struct tarn__path_set removed;
    size_t found = 0;
    TARN_TRY(tarn__path_set_make(w->op, w->c->removed.items, w->c->removed.count, &removed));
    for (size_t i = 0; i < base->count; i++) {
        const struct tarn_manifest_file *f = &base->files[i];
        if (f->added_files == 0 && f->existing_files == 0)
            continue; /* only deleted entries: nothing later needs them */
        if (!w->c->remove_all && (f->deletes || removed.count == 0))
            w->list.files[w->list.count++] = *f;
        else
            TARN_TRY(rewrite_manifest(w, f, &removed, &found));
    }
    if (!w->c->remove_all && found != removed.count) {
        (void)tarn_fail(w->op, TARN_CONFLICT,
                        "files of table " TARN_IDENT_FMT " that this change replaces are gone",
                        TARN_IDENT_ARG(w->c->ident));
        tarn_hint(w->op, "another commit rewrote or removed them; run again");
        return TARN_CONFLICT;
    }
    return TARN_OK;
}

enum tarn_status tarn__snapshot_write(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_metadata *m, struct tarn_snapshot *s)
{
    const struct tarn_snapshot *parent = tarn_metadata_current(m);
    struct tarn_manifest_list base;
    struct tarn_str uuid, bytes;
    struct writer w = {.c = c, .op = op, .m = m, .sequence_number = m->last_sequence_number + 1};
    TARN_TRY(tarn__new_uuid(op, &uuid));
    w.prefix =
        tarn_sprintf(op, "%.*s/metadata/%.*s-m", TARN_STR_ARG(m->location), TARN_STR_ARG(uuid));
    if (!w.prefix.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_table_manifests(c->lake, op, m, parent, &base));
    TARN_NEW_ARRAY(op, w.list.files, base.count + 2 * m->spec_count + 1);
    TARN_TRY(write_added(&w, &c->appended, false));
    TARN_TRY(write_added(&w, &c->deletes, true));
    TARN_TRY(carry_manifests(&w, &base));
    *s = (struct tarn_snapshot){
        .snapshot_id = c->snapshot_id,
        .parent_id = parent ? parent->snapshot_id : 0,
        .sequence_number = w.sequence_number,
        .schema_id = m->current_schema_id,
        .first_row_id = -1,
        .added_rows = -1,
    };
    s->manifest_list =
        tarn_sprintf(op, "%.*s/metadata/snap-%lld-%lld-%.*s.avro", TARN_STR_ARG(m->location),
                     (long long)c->snapshot_id, (long long)w.sequence_number, TARN_STR_ARG(uuid));
    if (!s->manifest_list.ptr)
        return TARN_NOMEM;
    struct tarn_manifest_list_write in = {.format_version = m->format_version,
                                          .snapshot_id = s->snapshot_id,
                                          .parent_id = s->parent_id,
                                          .sequence_number = s->sequence_number,
                                          .first_row_id = m->next_row_id};
    int64_t next_row_id;
    TARN_TRY(tarn_manifest_list_write(op, &w.list, &in, &bytes, &next_row_id));
    if (m->format_version >= 3) {
        s->first_row_id = m->next_row_id;
        s->added_rows = next_row_id - m->next_row_id;
    }
    TARN_TRY(put_object(c, op, s->manifest_list, bytes));
    count_added(&w.totals, &c->appended, false);
    count_added(&w.totals, &c->deletes, true);
    return make_summary(c, op, parent, &w.totals, &s->summary);
}

/* ---- metadata */

static enum tarn_status finish_files(struct tarn_change *c, struct tarn_op *op,
                                     struct tarn__file_list *files)
{
    for (; files->finished < files->count; files->finished++) {
        struct tarn_data_file *f = &files->items[files->finished];
        uint64_t size;
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
    struct tarn_snapshot_log_entry *log;
    struct tarn_ref *refs;
    s->timestamp_ms = now_ms;
    TARN_NEW_ARRAY(op, snapshots, m->snapshot_count + 1);
    if (m->snapshot_count)
        memcpy(snapshots, m->snapshots, m->snapshot_count * sizeof *snapshots);
    snapshots[m->snapshot_count++] = *s;
    m->snapshots = snapshots;
    TARN_NEW_ARRAY(op, log, m->snapshot_log_count + 1);
    if (m->snapshot_log_count)
        memcpy(log, m->snapshot_log, m->snapshot_log_count * sizeof *log);
    log[m->snapshot_log_count++] = (struct tarn_snapshot_log_entry){now_ms, s->snapshot_id};
    m->snapshot_log = log;
    TARN_NEW_ARRAY(op, refs, m->ref_count + 1);
    size_t n = 0;
    struct tarn_ref main_ref = {.name = TARN_STR("main"),
                                .snapshot_id = s->snapshot_id,
                                .min_snapshots_to_keep = -1,
                                .max_snapshot_age_ms = -1,
                                .max_ref_age_ms = -1};
    for (size_t i = 0; i < m->ref_count; i++) {
        if (tarn_str_is(m->refs[i].name, "main")) {
            main_ref = m->refs[i]; /* its retention settings survive (trap 28) */
            main_ref.snapshot_id = s->snapshot_id;
        } else {
            refs[n++] = m->refs[i];
        }
    }
    refs[n++] = main_ref;
    m->refs = refs;
    m->ref_count = n;
    m->current_snapshot_id = s->snapshot_id;
    m->last_sequence_number = s->sequence_number;
    if (s->first_row_id >= 0)
        m->next_row_id = s->first_row_id + s->added_rows;
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

/* "00012-<uuid>.metadata.json" follows "00011-...": the number is for people, nothing depends on
 * it. */
static enum tarn_status metadata_path(struct tarn_op *op, const struct tarn_metadata *m,
                                      const struct tarn_table *base, struct tarn_str *out)
{
    struct tarn_str uuid;
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
    *out = tarn_sprintf(op, "%.*s/metadata/%05lld-%.*s.metadata.json", TARN_STR_ARG(m->location),
                        version + 1, TARN_STR_ARG(uuid));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status retire_written(struct tarn_change *c, struct tarn_op *op)
{
    for (size_t i = 0; i < c->written.count; i++)
        TARN_TRY(tarn__str_list_add(op, &c->stale, c->written.items[i]));
    c->written.count = 0;
    return TARN_OK;
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
    TARN_TRY(finish_files(c, op, &c->appended));
    TARN_TRY(finish_files(c, op, &c->deletes));
    TARN_NEW(op, t);
    t->ident = c->ident;
    t->staged = true;
    TARN_TRY(tarn__change_apply(c, op, base, &t->metadata));
    int64_t now = tarn__now_ms();
    if (now <= t->metadata.last_updated_ms)
        now = t->metadata.last_updated_ms + 1;
    if (tarn__change_has_rows(c)) {
        struct tarn_snapshot snapshot;
        TARN_TRY_WHILE(op, tarn__snapshot_write(c, op, &t->metadata, &snapshot),
                       "writing a snapshot of table " TARN_IDENT_FMT, TARN_IDENT_ARG(c->ident));
        TARN_TRY(add_snapshot(op, &t->metadata, &snapshot, now));
    }
    t->metadata.last_updated_ms = now;
    if (c->base)
        TARN_TRY(log_previous(op, &t->metadata, c->base));
    TARN_TRY(metadata_path(op, &t->metadata, c->base, &t->metadata_location));
    TARN_TRY(tarn_metadata_write(op, &t->metadata, &json));
    TARN_TRY_WHILE(op, put_object(c, op, t->metadata_location, json),
                   "writing metadata of table " TARN_IDENT_FMT, TARN_IDENT_ARG(c->ident));
    c->staged = t;
    *out = t;
    return TARN_OK;
}
