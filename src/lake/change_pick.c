/* change_pick: snapshots that were written for audit (write-audit-publish), and picking a snapshot
 * onto main, as Iceberg Java's CherryPickOperation does it.
 */
#include "lake/change_int.h"

enum tarn_status tarn_change_stage_wap(struct tarn_change *c, struct tarn_op *op,
                                       struct tarn_str wap_id)
{
    c->wap_id = tarn_strdup(op, wap_id);
    if (!c->wap_id.ptr)
        return TARN_NOMEM;
    return tarn_change_set_summary(c, op, TARN_STR("wap.id"), wap_id);
}

enum tarn_status tarn_change_cherry_pick(struct tarn_change *c, struct tarn_op *op,
                                         int64_t snapshot_id)
{
    struct tarn__rows rows;
    bool forward;
    TARN_ASSERT(c->base && !tarn__change_has_rows(c));
    c->pick = snapshot_id;
    enum tarn_status status = tarn__pick_resolve(c, op, &c->metadata, &forward, &rows);
    if (status != TARN_OK)
        c->pick = 0;
    return status;
}

static enum tarn_status cannot(struct tarn_change *c, struct tarn_op *op, const char *why)
{
    return tarn_fail(op, TARN_INVALID,
                     "snapshot %lld cannot be picked onto table " TARN_IDENT_FMT ": %s",
                     (long long)c->pick, TARN_IDENT_ARG(c->ident), why);
}

static bool summary_is(const struct tarn_snapshot *s, const char *key, struct tarn_str value)
{
    const struct tarn_str *v = tarn_kvs_get(&s->summary, key);
    return v && tarn_str_eq(*v, value);
}

/* The first snapshot below and including `s` that `key` says this of. */
static bool ancestor_says(const struct tarn_metadata *m, const struct tarn_snapshot *s,
                          const char *key, struct tarn_str value)
{
    for (; s; s = s->parent_id ? tarn_metadata_snapshot(m, s->parent_id) : NULL)
        if (summary_is(s, key, value))
            return true;
    return false;
}

static enum tarn_status check_wap(struct tarn_change *c, struct tarn_op *op,
                                  const struct tarn_metadata *m, const struct tarn_snapshot *picked)
{
    const struct tarn_str *id = tarn_kvs_get(&picked->summary, "wap.id");
    const struct tarn_snapshot *head = tarn_metadata_current(m);
    if (id && id->len &&
        (ancestor_says(m, head, "wap.id", *id) || ancestor_says(m, head, "published-wap-id", *id)))
        return cannot(c, op, "its wap.id is published already");
    return TARN_OK;
}

static enum tarn_status check_not_picked(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_metadata *m)
{
    struct tarn_str id = tarn_sprintf(op, "%lld", (long long)c->pick);
    if (!id.ptr)
        return TARN_NOMEM;
    if (m->current_snapshot_id && tarn_metadata_is_ancestor(m, c->pick, m->current_snapshot_id))
        return cannot(c, op, "it is an ancestor of the current one");
    if (ancestor_says(m, tarn_metadata_current(m), "source-snapshot-id", id))
        return cannot(c, op, "it was picked already");
    return TARN_OK;
}

/* ---- its files */

/* Data files that a snapshot added and removed: the entries that bear its id. */
static enum tarn_status files_of(struct tarn_change *c, struct tarn_op *op,
                                 const struct tarn_metadata *m, const struct tarn_snapshot *s,
                                 struct tarn__rows *out)
{
    struct tarn_manifest_list list;
    TARN_TRY(tarn_table_manifests(c->lake, op, m, s, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct tarn_manifest manifest;
        if (list.files[i].deletes || list.files[i].added_snapshot_id != s->snapshot_id)
            continue;
        TARN_TRY(tarn_table_manifest(c->lake, op, m, &list.files[i], &manifest));
        for (size_t k = 0; k < manifest.count; k++) {
            struct tarn_manifest_entry *e = &manifest.entries[k];
            if (e->snapshot_id != s->snapshot_id)
                continue;
            if (e->status == TARN_ENTRY_DELETED)
                TARN_TRY(tarn__str_list_add(op, &out->removed, e->file.path));
            else if (e->status == TARN_ENTRY_ADDED)
                TARN_TRY(tarn__file_list_add(op, &out->appended, &e->file, 1));
        }
    }
    return TARN_OK;
}

static bool same_partition(const struct tarn_type *type, const struct tarn_data_file *a,
                           const struct tarn_data_file *b)
{
    if (a->spec_id != b->spec_id || a->partition_count != b->partition_count)
        return false;
    for (size_t i = 0; i < a->partition_count && i < type->field_count; i++)
        if (!tarn_value_eq(&type->fields[i].type, &a->partition[i], &b->partition[i]))
            return false;
    return true;
}

/* Java's rule for a dynamic overwrite: nothing was added to its partitions since its parent. */
static enum tarn_status check_partitions(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_metadata *m, int64_t parent_id,
                                         const struct tarn__file_list *mine)
{
    const struct tarn_snapshot *s = tarn_metadata_current(m);
    for (; s && s->snapshot_id != parent_id;
         s = s->parent_id ? tarn_metadata_snapshot(m, s->parent_id) : NULL) {
        struct tarn__rows theirs = {0};
        TARN_TRY(files_of(c, op, m, s, &theirs));
        for (size_t i = 0; i < theirs.appended.count; i++)
            for (size_t k = 0; k < mine->count; k++) {
                const struct tarn_partition_spec *spec =
                    tarn_metadata_spec_by_id(m, mine->items[k].spec_id);
                struct tarn_type type = {0};
                if (!spec)
                    continue;
                TARN_TRY(tarn_partition_type(op, m, spec, &type));
                if (same_partition(&type, &theirs.appended.items[i], &mine->items[k]))
                    return cannot(c, op, "partitions that it replaces have got new files since");
            }
    }
    return TARN_OK;
}

static enum tarn_status take_summary(struct tarn_change *c, struct tarn_op *op,
                                     const struct tarn_snapshot *picked, struct tarn__rows *out)
{
    const struct tarn_str *wap = tarn_kvs_get(&picked->summary, "wap.id");
    struct tarn_str id = tarn_sprintf(op, "%lld", (long long)picked->snapshot_id);
    if (!id.ptr)
        return TARN_NOMEM;
    out->summary = c->rows.summary;
    if (wap && wap->len)
        TARN_TRY(
            tarn_kvs_with(op, &out->summary, TARN_STR("published-wap-id"), *wap, &out->summary));
    return tarn_kvs_with(op, &out->summary, TARN_STR("source-snapshot-id"), id, &out->summary);
}

enum tarn_status tarn__pick_resolve(struct tarn_change *c, struct tarn_op *op,
                                    const struct tarn_metadata *m, bool *out_forward,
                                    struct tarn__rows *out)
{
    const struct tarn_snapshot *picked = tarn_metadata_snapshot(m, c->pick);
    *out = (struct tarn__rows){0};
    if (!picked)
        return tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no snapshot %lld",
                         TARN_IDENT_ARG(c->ident), (long long)c->pick);
    bool append = summary_is(picked, "operation", TARN_STR("append"));
    bool dynamic = summary_is(picked, "operation", TARN_STR("overwrite")) &&
                   summary_is(picked, "replace-partitions", TARN_STR("true"));
    bool based = !picked->parent_id ||
                 (m->current_snapshot_id &&
                  tarn_metadata_is_ancestor(m, picked->parent_id, m->current_snapshot_id));
    TARN_TRY(check_wap(c, op, m, picked));
    *out_forward = picked->parent_id == m->current_snapshot_id;
    if (*out_forward)
        return TARN_OK;
    TARN_TRY(check_not_picked(c, op, m));
    if (!append && !dynamic)
        return cannot(c, op, "it is no append, dynamic overwrite or fast-forward");
    if (dynamic && !based)
        return cannot(c, op, "it overwrites what is no ancestor of the current snapshot");
    TARN_TRY(files_of(c, op, m, picked, out));
    if (append)
        out->removed.count = 0;
    else
        TARN_TRY(check_partitions(c, op, m, picked->parent_id, &out->appended));
    out->operation = append ? "append" : "overwrite";
    return take_summary(c, op, picked, out);
}
