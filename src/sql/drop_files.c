/* drop_files: the files of a table that is dropped with PURGE: exactly those that its metadata
 * reach.
 *
 * Reached are: the metadata file and those of its log, statistics files, the manifest lists of all
 * snapshots, their manifests, and what these list as live. A file outside of the table's own
 * folders (its location, write.data.path, write.metadata.path) may belong to somebody else, as
 * files that were added to the table where they lay do: it stays.
 */
#include <stdlib.h>
#include <string.h>

#include "sql/drop_int.h"

struct collecting {
    struct tarn__run *r;
    const struct tarn_lake *lake;
    const struct tarn_metadata *m;
    struct tarn_str folders[3]; /* local, with a slash at the end */
    size_t folder_count;
    struct tarn_str *paths;
    size_t count, cap;
    struct tarn_str *manifests; /* read already; sorted */
    size_t manifest_count, manifest_cap;
    size_t outside;
};

/* ---- whose is a file? */

static enum tarn_status add_folder(struct collecting *c, struct tarn_str path)
{
    struct tarn_str local;
    TARN_TRY(tarn_storage_local_path(c->lake->storage, c->r->op, path, &local));
    while (local.len && local.ptr[local.len - 1] == '/')
        local.len--;
    c->folders[c->folder_count] = tarn_sprintf(c->r->op, "%.*s/", TARN_STR_ARG(local));
    return c->folders[c->folder_count++].ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status own_folders(struct collecting *c)
{
    static const char *const keys[] = {"write.data.path", "write.metadata.path"};
    TARN_TRY(add_folder(c, c->m->location));
    for (size_t i = 0; i < 2; i++) {
        const struct tarn_str *path = tarn_kvs_get(&c->m->properties, keys[i]);
        if (path)
            TARN_TRY(add_folder(c, *path));
    }
    return TARN_OK;
}

static bool has_steps_up(struct tarn_str path)
{
    return memmem(path.ptr, path.len, "/../", 4) || memmem(path.ptr, path.len, "/./", 3);
}

static bool is_own(struct collecting *c, struct tarn_str path)
{
    struct tarn_op *op = c->r->op;
    struct tarn_str local;
    if (tarn_storage_local_path(c->lake->storage, op, path, &local) != TARN_OK) {
        tarn_clear(op);
        return false;
    }
    if (has_steps_up(local))
        return false;
    for (size_t i = 0; i < c->folder_count; i++)
        if (local.len > c->folders[i].len && tarn_str_starts(local, c->folders[i]))
            return true;
    return false;
}

static enum tarn_status grow(struct tarn_op *op, struct tarn_str **items, size_t count, size_t *cap)
{
    if (count < *cap)
        return TARN_OK;
    size_t more = *cap ? *cap * 2 : 64;
    struct tarn_str *grown;
    TARN_NEW_ARRAY(op, grown, more);
    if (count)
        memcpy(grown, *items, count * sizeof *grown);
    *items = grown;
    *cap = more;
    return TARN_OK;
}

static enum tarn_status add(struct collecting *c, struct tarn_str path)
{
    if (!path.ptr || path.len == 0)
        return TARN_OK;
    if (!is_own(c, path)) {
        c->outside++;
        return TARN_OK;
    }
    TARN_TRY(grow(c->r->op, &c->paths, c->count, &c->cap));
    c->paths[c->count++] = path;
    return TARN_OK;
}

/* ---- walking the metadata */

/* True if it was read before; else it is remembered. */
static enum tarn_status seen(struct collecting *c, struct tarn_str path, bool *out)
{
    size_t lo = 0, hi = c->manifest_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = tarn_str_cmp(c->manifests[mid], path);
        if (order == 0) {
            *out = true;
            return TARN_OK;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *out = false;
    TARN_TRY(grow(c->r->op, &c->manifests, c->manifest_count, &c->manifest_cap));
    memmove(&c->manifests[lo + 1], &c->manifests[lo],
            (c->manifest_count - lo) * sizeof *c->manifests);
    c->manifests[lo] = path;
    c->manifest_count++;
    return TARN_OK;
}

static enum tarn_status add_manifest(struct collecting *c, const struct tarn_manifest_file *file)
{
    struct tarn_manifest manifest;
    bool before;
    TARN_TRY(seen(c, file->path, &before));
    if (before)
        return TARN_OK;
    TARN_TRY(tarn_table_manifest(c->lake, c->r->op, c->m, file, &manifest));
    for (size_t i = 0; i < manifest.count; i++)
        if (manifest.entries[i].status != TARN_ENTRY_DELETED)
            TARN_TRY(add(c, manifest.entries[i].file.path));
    return add(c, file->path);
}

static enum tarn_status add_snapshots(struct collecting *c)
{
    for (size_t i = 0; i < c->m->snapshot_count; i++) {
        const struct tarn_snapshot *s = &c->m->snapshots[i];
        struct tarn_manifest_list list;
        TARN_TRY(tarn_table_manifests(c->lake, c->r->op, c->m, s, &list));
        for (size_t k = 0; k < list.count; k++)
            TARN_TRY(add_manifest(c, &list.files[k]));
        TARN_TRY(add(c, s->manifest_list));
    }
    return TARN_OK;
}

static enum tarn_status add_statistics(struct collecting *c, struct tarn_str json)
{
    struct tarn_json *list;
    if (!json.ptr || json.len == 0)
        return TARN_OK;
    TARN_TRY(tarn_json_parse(c->r->op, json, "the table's statistics", &list));
    for (const struct tarn_json *one = list->first; one; one = one->next) {
        const struct tarn_json *path = tarn_json_get(one, "statistics-path");
        if (path && path->kind == TARN_JSON_K_STRING)
            TARN_TRY(add(c, path->text));
    }
    return TARN_OK;
}

static int by_path(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

/* ---- tables that share */

/* Another name of the catalog for the same files, or a table made in the same folder. */
static enum tarn_status check_shared(struct collecting *c, const struct tarn_table *table)
{
    struct tarn__run *r = c->r;
    struct tarn_idents all;
    TARN_TRY(tarn_catalog_list_tables(c->lake->catalog, r->op, (struct tarn_str){NULL, 0}, &all));
    for (size_t i = 0; i < all.count; i++) {
        struct tarn_table *other;
        if (tarn_str_eq(all.items[i].ns, table->ident.ns) &&
            tarn_str_eq(all.items[i].name, table->ident.name))
            continue;
        if (tarn_table_find(c->lake, r->op, all.items[i], &other) != TARN_OK) {
            tarn_clear(r->op); /* it cannot be read, so it says nothing */
            continue;
        }
        if (!other || (!tarn_str_eq(other->metadata.uuid, c->m->uuid) &&
                       !tarn_str_eq(other->metadata.location, c->m->location)))
            continue;
        (void)tarn_fail(r->op, TARN_INVALID,
                        "the files cannot be removed: table \"%.*s.%.*s\" lies in the same folder",
                        TARN_STR_ARG(all.items[i].ns), TARN_STR_ARG(all.items[i].name));
        tarn_hint(r->op, "DROP TABLE without PURGE leaves the files");
        tarn__place_at(&r->words, 0);
        return TARN_INVALID;
    }
    return TARN_OK;
}

static enum tarn_status check_allowed(struct collecting *c)
{
    const struct tarn_str *gc = tarn_kvs_get(&c->m->properties, "gc.enabled");
    if (!gc || !tarn_str_eq_nocase(*gc, TARN_STR("false")))
        return TARN_OK;
    (void)tarn_fail(c->r->op, TARN_INVALID,
                    "the files cannot be removed: the table's gc.enabled is false");
    tarn_hint(c->r->op, "its files may be other tables' too; DROP TABLE without PURGE leaves them");
    tarn__place_at(&c->r->words, 0);
    return TARN_INVALID;
}

enum tarn_status tarn__files_of_table(struct tarn__run *r, const struct tarn_table *table,
                                      struct tarn__doomed_files *out)
{
    struct collecting c = {.r = r, .lake = r->sql->env->flow.lake, .m = &table->metadata};
    size_t kept = 0;
    *out = (struct tarn__doomed_files){0};
    TARN_TRY(check_allowed(&c));
    TARN_TRY(check_shared(&c, table));
    TARN_TRY(own_folders(&c));
    TARN_TRY(add_snapshots(&c));
    TARN_TRY(add_statistics(&c, c.m->statistics));
    TARN_TRY(add_statistics(&c, c.m->partition_statistics));
    if (c.count)
        qsort(c.paths, c.count, sizeof *c.paths, by_path);
    for (size_t i = 0; i < c.count; i++)
        if (i == 0 || !tarn_str_eq(c.paths[i], c.paths[kept - 1]))
            c.paths[kept++] = c.paths[i];
    c.count = kept;
    for (size_t i = 0; i < c.m->metadata_log_count; i++)
        TARN_TRY(add(&c, c.m->metadata_log[i].file));
    TARN_TRY(add(&c, table->metadata_location)); /* last: until then the rest can be found */
    *out = (struct tarn__doomed_files){c.paths, c.count, c.outside};
    return TARN_OK;
}

void tarn__remove_files(struct tarn__run *r, const struct tarn__doomed_files *files)
{
    struct tarn_storage *storage = r->sql->env->flow.lake->storage;
    size_t left = 0;
    for (size_t i = 0; i < files->count; i++)
        if (tarn_storage_remove(storage, r->op, files->paths[i]) != TARN_OK) {
            tarn_clear(r->op);
            left++;
        }
    if (left)
        r->answer->notice =
            tarn_sprintf(r->op, "%zu of %zu files could not be removed", left, files->count);
    else if (files->outside)
        r->answer->notice = tarn_sprintf(r->op, "%zu files outside of the table's folder were left",
                                         files->outside);
}
