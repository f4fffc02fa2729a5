/* table: loading, and the manifests and live files of a snapshot. */
#include "lake/lake_int.h"

enum tarn_status tarn_table_read(const struct tarn_lake *lake, struct tarn_op *op,
                                 struct tarn_ident ident, struct tarn_str location,
                                 struct tarn_table **out)
{
    struct tarn_table *t;
    struct tarn_str json;
    TARN_NEW(op, t);
    t->ident.ns = tarn_strdup(op, ident.ns);
    t->ident.name = tarn_strdup(op, ident.name);
    t->metadata_location = tarn_strdup(op, location);
    if (!t->ident.ns.ptr || !t->ident.name.ptr || !t->metadata_location.ptr)
        return TARN_NOMEM;
    enum tarn_status status = tarn_storage_read(lake->storage, op, location, &json);
    if (status == TARN_NOT_FOUND) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "metadata file of table " TARN_IDENT_FMT " is missing",
                        TARN_IDENT_ARG(ident));
        tarn_detail(op, "%.*s", TARN_STR_ARG(location));
        tarn_hint(op, "Iceberg locations are absolute: if the warehouse was moved, move it back or "
                      "register its tables anew");
        return TARN_NOT_FOUND;
    }
    if (status != TARN_OK)
        return tarn_while(op, "loading table " TARN_IDENT_FMT, TARN_IDENT_ARG(ident));
    TARN_TRY_WHILE(op, tarn_metadata_parse(op, json, t->metadata_location.ptr, &t->metadata),
                   "loading table " TARN_IDENT_FMT, TARN_IDENT_ARG(ident));
    *out = t;
    return TARN_OK;
}

enum tarn_status tarn_table_find(const struct tarn_lake *lake, struct tarn_op *op,
                                 struct tarn_ident ident, struct tarn_table **out)
{
    struct tarn_str location;
    *out = NULL;
    enum tarn_status status = tarn_catalog_load(lake->catalog, op, ident, &location);
    if (status == TARN_NOT_FOUND || status == TARN_TABLE) {
        tarn_clear(op);
        return TARN_OK;
    }
    TARN_TRY(status);
    return tarn_table_read(lake, op, ident, location, out);
}

enum tarn_status tarn_table_load(const struct tarn_lake *lake, struct tarn_op *op,
                                 struct tarn_ident ident, struct tarn_table **out)
{
    TARN_TRY(tarn_table_find(lake, op, ident, out));
    if (!*out)
        return tarn_fail(op, TARN_TABLE, "table " TARN_IDENT_FMT " does not exist",
                         TARN_IDENT_ARG(ident));
    return TARN_OK;
}

/* v1 files without a manifest list: each manifest's entry is made up from what is known (spec:
 * "Manifest Lists", v1). */
static enum tarn_status inline_manifests(const struct tarn_lake *lake, struct tarn_op *op,
                                         const struct tarn_snapshot *s,
                                         struct tarn_manifest_list *out)
{
    out->count = s->manifest_count;
    TARN_NEW_ARRAY(op, out->files, s->manifest_count ? s->manifest_count : 1);
    for (size_t i = 0; i < s->manifest_count; i++) {
        struct tarn_object object;
        TARN_TRY(tarn_storage_head(lake->storage, op, s->manifests[i], &object));
        out->files[i] = (struct tarn_manifest_file){
            .path = s->manifests[i],
            .length_bytes = (int64_t)object.size_bytes,
            .added_snapshot_id = s->snapshot_id,
            .added_rows = -1,
            .existing_rows = -1,
            .deleted_rows = -1,
            .added_files = -1,
            .existing_files = -1,
            .deleted_files = -1,
            .first_row_id = -1,
        };
    }
    return TARN_OK;
}

enum tarn_status tarn_table_manifests(const struct tarn_lake *lake, struct tarn_op *op,
                                      const struct tarn_metadata *m, const struct tarn_snapshot *s,
                                      struct tarn_manifest_list *out)
{
    struct tarn_str bytes;
    (void)m;
    *out = (struct tarn_manifest_list){0};
    if (!s)
        return TARN_OK;
    if (!s->manifest_list.ptr)
        return inline_manifests(lake, op, s, out);
    TARN_TRY_WHILE(op, tarn_storage_read(lake->storage, op, s->manifest_list, &bytes),
                   "reading the manifest list of snapshot %lld", (long long)s->snapshot_id);
    struct tarn_str what = tarn_strdup(op, s->manifest_list);
    if (!what.ptr)
        return TARN_NOMEM;
    return tarn_manifest_list_parse(op, bytes, what.ptr, out);
}

enum tarn_status tarn_table_manifest(const struct tarn_lake *lake, struct tarn_op *op,
                                     const struct tarn_metadata *m,
                                     const struct tarn_manifest_file *file,
                                     struct tarn_manifest *out)
{
    struct tarn_str bytes;
    TARN_TRY_WHILE(op, tarn_storage_read(lake->storage, op, file->path, &bytes),
                   "reading manifest \"%.*s\"", TARN_STR_ARG(file->path));
    return tarn_manifest_parse(op, bytes, m, file, out);
}

enum tarn_status tarn_table_live_files(const struct tarn_lake *lake, struct tarn_op *op,
                                       const struct tarn_metadata *m, const struct tarn_snapshot *s,
                                       struct tarn_live_files *out)
{
    struct tarn_manifest_list list;
    size_t cap = 0;
    *out = (struct tarn_live_files){0};
    TARN_TRY(tarn_table_manifests(lake, op, m, s, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct tarn_manifest manifest;
        TARN_TRY(tarn_table_manifest(lake, op, m, &list.files[i], &manifest));
        if (out->count + manifest.count > cap) {
            cap = (out->count + manifest.count) * 2;
            struct tarn_manifest_entry *grown;
            TARN_NEW_ARRAY(op, grown, cap);
            if (out->count)
                memcpy(grown, out->items, out->count * sizeof *grown);
            out->items = grown;
        }
        for (size_t k = 0; k < manifest.count; k++)
            if (manifest.entries[k].status != TARN_ENTRY_DELETED)
                out->items[out->count++] = manifest.entries[k];
    }
    return TARN_OK;
}

/* ---- time travel */

static void tell_versions(struct tarn_op *op, const struct tarn_metadata *m)
{
    struct tarn_buf b;
    tarn_buf_init(&b, TARN_REPORT_TEXT);
    for (size_t i = 0; i < m->ref_count; i++)
        tarn_buf_printf(&b, "%s%s %.*s", i ? ", " : "", m->refs[i].is_tag ? "tag" : "branch",
                        TARN_STR_ARG(m->refs[i].name));
    for (size_t i = m->snapshot_count; i > 0 && m->snapshot_count - i < 5; i--)
        tarn_buf_printf(&b, "%ssnapshot %lld", b.len ? ", " : "",
                        (long long)m->snapshots[i - 1].snapshot_id);
    if (b.len)
        tarn_detail(op, "there %s %.*s", m->ref_count + m->snapshot_count == 1 ? "is" : "are",
                    (int)b.len, b.ptr);
    else
        tarn_detail(op, "the table has no snapshot");
    tarn_buf_release(&b);
}

void tarn_metadata_hint_ref(struct tarn_op *op, const struct tarn_metadata *m, struct tarn_str name)
{
    struct tarn_op quiet = {.arena = op->arena}; /* no memory for a hint is no second failure */
    const char **names = tarn_alloc_array(&quiet, m->ref_count + 1, sizeof *names);
    size_t n = 0;
    for (size_t i = 0; names && i < m->ref_count; i++) {
        struct tarn_str copy = tarn_strdup(&quiet, m->refs[i].name);
        if (copy.ptr)
            names[n++] = copy.ptr;
    }
    const char *near = names ? tarn_str_nearest(name, names, n) : NULL;
    if (near)
        tarn_hint(op, "did you mean \"%s\"?", near);
}

enum tarn_status tarn_table_version(struct tarn_op *op, const struct tarn_table *t,
                                    struct tarn_str version, const struct tarn_snapshot **out)
{
    const struct tarn_metadata *m = &t->metadata;
    const struct tarn_ref *ref = tarn_metadata_ref(m, version);
    int64_t id;
    *out = NULL;
    if (ref)
        *out = tarn_metadata_snapshot(m, ref->snapshot_id);
    else if (tarn_str_to_i64(version, &id))
        *out = tarn_metadata_snapshot(m, id);
    if (*out)
        return TARN_OK;
    (void)tarn_fail(op, TARN_NOT_FOUND,
                    "table " TARN_IDENT_FMT " has no snapshot, branch or tag \"%.*s\"",
                    TARN_IDENT_ARG(t->ident), TARN_STR_ARG(version));
    tell_versions(op, m);
    tarn_metadata_hint_ref(op, m, version);
    return TARN_NOT_FOUND;
}

/* The log says what was current when; it is not the same as ancestry (after a rollback). */
enum tarn_status tarn_table_as_of(struct tarn_op *op, const struct tarn_table *t,
                                  int64_t timestamp_us, const struct tarn_snapshot **out)
{
    const struct tarn_metadata *m = &t->metadata;
    int64_t ms = timestamp_us / 1000 - (timestamp_us % 1000 < 0), first_ms = 0, id = 0;
    bool any = false;
    *out = NULL;
    for (size_t i = 0; i < m->snapshot_log_count; i++) {
        const struct tarn_snapshot_log_entry *e = &m->snapshot_log[i];
        if (e->timestamp_ms <= ms)
            id = e->snapshot_id; /* in the order of the log: of one millisecond the last */
        if (!any || e->timestamp_ms < first_ms)
            first_ms = e->timestamp_ms;
        any = true;
    }
    *out = id ? tarn_metadata_snapshot(m, id) : NULL;
    if (*out)
        return TARN_OK;
    if (id)
        return tarn_fail(op, TARN_NOT_FOUND,
                         "snapshot %lld, which was the current one of table " TARN_IDENT_FMT
                         " at that time, has expired",
                         (long long)id, TARN_IDENT_ARG(t->ident));
    (void)tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " had no snapshot at that time",
                    TARN_IDENT_ARG(t->ident));
    if (any) {
        struct tarn_value v = {.i = first_ms * 1000};
        struct tarn_type type = {.kind = TARN_TYPE_TIMESTAMPTZ};
        struct tarn_str text = tarn_value_text(op, &type, &v);
        if (text.ptr)
            tarn_detail(op, "its history begins at %.*s", TARN_STR_ARG(text));
    } else {
        tell_versions(op, m);
    }
    return TARN_NOT_FOUND;
}

/* ---- totals */

static bool summary_count(const struct tarn_snapshot *s, const char *key, int64_t *out)
{
    const struct tarn_str *v = tarn_kvs_get(&s->summary, key);
    return v && tarn_str_to_i64(*v, out) && *out >= 0;
}

static void count_files(const struct tarn_live_files *live, struct tarn_table_totals *out)
{
    for (size_t i = 0; i < live->count; i++) {
        const struct tarn_data_file *f = &live->items[i].file;
        bool data = f->content == TARN_CONTENT_DATA;
        out->bytes += f->size_bytes;
        out->data_files += data;
        out->delete_files += !data;
        out->rows_open = out->rows_open || f->content == TARN_CONTENT_EQUALITY_DELETES;
        out->rows += data ? f->record_count
                          : (f->content == TARN_CONTENT_POSITION_DELETES ? -f->record_count : 0);
    }
}

/* Delete files may name a row twice, or rows of files that are gone: only a scan knows what is
 * left. */
static enum tarn_status count_rows(const struct tarn_lake *lake, struct tarn_op *op,
                                   const struct tarn_table *t, int64_t *rows)
{
    struct tarn_scan *scan;
    if (!lake->deletes)
        return TARN_OK;
    enum tarn_status status = tarn_table_scan(lake, op, t, NULL, NULL, &scan);
    if (status == TARN_UNSUPPORTED) { /* what cannot be read can still be counted roughly */
        tarn_clear(op);
        return TARN_OK;
    }
    TARN_TRY(status);
    *rows = 0;
    for (size_t i = 0; i < scan->file_count; i++)
        *rows += tarn_scan_file_rows(&scan->files[i]);
    return TARN_OK;
}

enum tarn_status tarn_table_totals(const struct tarn_lake *lake, struct tarn_op *op,
                                   const struct tarn_table *t, struct tarn_table_totals *out)
{
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    *out = (struct tarn_table_totals){0};
    if (!s)
        return TARN_OK;
    if (!summary_count(s, "total-records", &out->rows) ||
        !summary_count(s, "total-data-files", &out->data_files) ||
        !summary_count(s, "total-files-size", &out->bytes) ||
        !summary_count(s, "total-delete-files", &out->delete_files) || out->delete_files > 0) {
        struct tarn_live_files live;
        *out = (struct tarn_table_totals){0};
        TARN_TRY(tarn_table_live_files(lake, op, &t->metadata, s, &live));
        count_files(&live, out);
    }
    return out->delete_files ? count_rows(lake, op, t, &out->rows) : TARN_OK;
}
