/* stage_rows: which entries the next snapshot's manifests hold.
 *
 * New files come first, a manifest a partition spec; then the parent's manifests as they are, or
 * anew where some of their files go. With a data file go its deletion vector and the position
 * deletes of it alone; a new deletion vector takes the place of both (spec "Deletion Vectors",
 * trap 9). Once data files went, deletes that are older than every file that is left go too.
 */
#include <stdlib.h>

#include "lake/change_int.h"

struct planner {
    struct tarn_change *c;
    struct tarn_op *op;
    const struct tarn_metadata *m;
    const struct tarn__rows *rows;
    struct tarn__path_set removed, vectors; /* vectors: data files that get one */
    bool *found;                            /* of `removed` */
    int64_t oldest; /* sequence number of the live data files; deletes below it are about none */
    struct tarn__plan *plan;
};

/* What a deletion vector takes of storage is its blob, not the file that it shares. */
static int64_t bytes_of(const struct tarn_data_file *f)
{
    return tarn__is_vector(f) && f->content_size > 0 ? f->content_size : f->size_bytes;
}

static void count_added(struct tarn__totals *t, const struct tarn_data_file *f)
{
    t->added_bytes += bytes_of(f);
    if (f->content == TARN_CONTENT_DATA) {
        t->added_files++;
        t->added_records += f->record_count;
        return;
    }
    t->added_delete_files++;
    if (f->content == TARN_CONTENT_EQUALITY_DELETES) {
        t->added_equality_files++;
        t->added_equality_deletes += f->record_count;
        return;
    }
    t->added_vectors += tarn__is_vector(f);
    t->added_position_files += !tarn__is_vector(f);
    t->added_position_deletes += f->record_count;
}

static void count_removed(struct tarn__totals *t, const struct tarn_data_file *f)
{
    t->removed_bytes += bytes_of(f);
    if (f->content == TARN_CONTENT_DATA) {
        t->removed_files++;
        t->removed_records += f->record_count;
        return;
    }
    t->removed_delete_files++;
    if (f->content == TARN_CONTENT_EQUALITY_DELETES) {
        t->removed_equality_files++;
        t->removed_equality_deletes += f->record_count;
        return;
    }
    t->removed_vectors += tarn__is_vector(f);
    t->removed_position_files += !tarn__is_vector(f);
    t->removed_position_deletes += f->record_count;
}

/* ---- new files */

static enum tarn_status plan_added(struct planner *p, const struct tarn__file_list *files,
                                   bool deletes)
{
    struct tarn_manifest_entry *entries;
    size_t total = 0;
    if (files->count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(p->op, entries, files->count);
    for (size_t s = 0; s < p->m->spec_count; s++) {
        size_t n = 0;
        for (size_t i = 0; i < files->count; i++) {
            if (files->items[i].spec_id != p->m->specs[s].spec_id)
                continue;
            struct tarn_manifest_entry *e = &entries[total + n++];
            *e = (struct tarn_manifest_entry){.status = TARN_ENTRY_ADDED,
                                              .snapshot_id = p->c->snapshot_id,
                                              .sequence_number = -1,
                                              .file_sequence_number = -1,
                                              .file = files->items[i]};
            e->file.first_row_id = -1; /* inherited, so that a retry gives it anew (trap 11) */
            count_added(&p->plan->totals, &e->file);
        }
        if (n)
            p->plan->items[p->plan->count++] =
                (struct tarn__pending){NULL, entries + total, n, p->m->specs[s].spec_id, deletes};
        total += n;
    }
    if (total != files->count)
        return tarn_fail(p->op, TARN_INTERNAL,
                         "a new file of table " TARN_IDENT_FMT
                         " names a partition spec that it does not have",
                         TARN_IDENT_ARG(p->c->ident));
    return TARN_OK;
}

/* The data files that get a deletion vector: each one alone. */
static enum tarn_status collect_vectors(struct planner *p)
{
    const struct tarn__file_list *deletes = &p->rows->deletes;
    struct tarn_str *paths;
    size_t n = 0;
    TARN_NEW_ARRAY(p->op, paths, deletes->count + 1);
    for (size_t i = 0; i < deletes->count; i++)
        if (tarn__is_vector(&deletes->items[i]))
            paths[n++] = deletes->items[i].referenced_data_file;
    TARN_TRY(tarn__path_set_make(p->op, paths, n, &p->vectors));
    if (p->vectors.count == n)
        return TARN_OK;
    return tarn_fail(p->op, TARN_INVALID,
                     "table " TARN_IDENT_FMT
                     " cannot be given two deletion vectors of one data file at a time",
                     TARN_IDENT_ARG(p->c->ident));
}

/* ---- the parent's files */

static bool goes(struct planner *p, const struct tarn_manifest_entry *e)
{
    const struct tarn_data_file *f = &e->file;
    long k = tarn__path_set_find(&p->removed, f->path);
    if (k >= 0)
        p->found[k] = true;
    if (k >= 0 || p->rows->remove_all)
        return true;
    if (f->content != TARN_CONTENT_DATA && e->sequence_number >= 0 &&
        e->sequence_number < p->oldest)
        return true;
    struct tarn_str target = tarn__delete_target(f);
    return target.ptr && (tarn__path_set_find(&p->removed, target) >= 0 ||
                          tarn__path_set_find(&p->vectors, target) >= 0);
}

static enum tarn_status plan_rewrite(struct planner *p, const struct tarn_manifest_file *f)
{
    struct tarn_manifest manifest;
    struct tarn__pending *made = &p->plan->items[p->plan->count++];
    size_t n = 0, hits = 0;
    TARN_TRY(tarn_table_manifest(p->c->lake, p->op, p->m, f, &manifest));
    for (size_t i = 0; i < manifest.count; i++) {
        struct tarn_manifest_entry e = manifest.entries[i];
        if (e.status == TARN_ENTRY_DELETED)
            continue;
        e.status = goes(p, &e) ? TARN_ENTRY_DELETED : TARN_ENTRY_EXISTING;
        if (e.status == TARN_ENTRY_DELETED) {
            e.snapshot_id = p->c->snapshot_id;
            count_removed(&p->plan->totals, &e.file);
            hits++;
        }
        manifest.entries[n++] = e;
    }
    *made = hits ? (struct tarn__pending){NULL, manifest.entries, n, f->spec_id, f->deletes}
                 : (struct tarn__pending){f, NULL, 0, f->spec_id, f->deletes};
    return TARN_OK;
}

/* Manifest lists of version 1 may leave out what later ones must have. */
static enum tarn_status complete_counts(struct planner *p, struct tarn_manifest_file *f)
{
    struct tarn_manifest manifest;
    int32_t *const files[] = {&f->existing_files, &f->added_files, &f->deleted_files};
    int64_t *const rows[] = {&f->existing_rows, &f->added_rows, &f->deleted_rows};
    if (f->added_files >= 0 && f->existing_files >= 0 && f->deleted_files >= 0 &&
        f->added_rows >= 0 && f->existing_rows >= 0 && f->deleted_rows >= 0)
        return TARN_OK;
    TARN_TRY(tarn_table_manifest(p->c->lake, p->op, p->m, f, &manifest));
    for (size_t i = 0; i < 3; i++) {
        *files[i] = 0;
        *rows[i] = 0;
    }
    for (size_t i = 0; i < manifest.count; i++) {
        ++*files[manifest.entries[i].status];
        *rows[manifest.entries[i].status] += manifest.entries[i].file.record_count;
    }
    return TARN_OK;
}

static enum tarn_status check_found(struct planner *p)
{
    for (size_t i = 0; i < p->removed.count; i++) {
        if (p->found[i])
            continue;
        (void)tarn_fail(p->op, TARN_CONFLICT,
                        "files of table " TARN_IDENT_FMT " that this change replaces are gone",
                        TARN_IDENT_ARG(p->c->ident));
        tarn_detail(p->op, "%.*s", TARN_STR_ARG(p->removed.items[i]));
        tarn_hint(p->op, "another commit rewrote or removed them; run again");
        return TARN_CONFLICT;
    }
    return TARN_OK;
}

static int64_t oldest_of(const struct tarn__pending *made)
{
    int64_t oldest = INT64_MAX;
    if (made->carried)
        return made->carried->min_sequence_number;
    for (size_t i = 0; i < made->count; i++)
        if (made->entries[i].status == TARN_ENTRY_EXISTING &&
            made->entries[i].sequence_number < oldest)
            oldest = made->entries[i].sequence_number;
    return oldest;
}

static enum tarn_status plan_manifests(struct planner *p, const struct tarn_manifest_list *base,
                                       bool deletes, bool anew)
{
    for (size_t i = 0; i < base->count; i++) {
        const struct tarn_manifest_file *f = &base->files[i];
        if (f->deletes != deletes || (f->added_files == 0 && f->existing_files == 0))
            continue; /* only deleted entries: nothing later needs them */
        if (anew || (deletes && f->min_sequence_number < p->oldest))
            TARN_TRY(plan_rewrite(p, f));
        else
            p->plan->items[p->plan->count++] =
                (struct tarn__pending){f, NULL, 0, f->spec_id, f->deletes};
    }
    return TARN_OK;
}

static enum tarn_status plan_carried(struct planner *p, struct tarn_manifest_list *base)
{
    bool data = p->rows->remove_all || p->removed.count;
    size_t from = p->plan->count;
    for (size_t i = 0; i < base->count; i++)
        TARN_TRY(complete_counts(p, &base->files[i]));
    TARN_TRY(plan_manifests(p, base, false, data));
    if (data) {
        p->oldest = p->m->last_sequence_number + 1; /* that of new files */
        for (size_t i = from; i < p->plan->count; i++)
            if (oldest_of(&p->plan->items[i]) < p->oldest)
                p->oldest = oldest_of(&p->plan->items[i]);
    }
    TARN_TRY(plan_manifests(p, base, true, data || p->vectors.count));
    return check_found(p);
}

/* Manifests that a snapshot of version 1 names itself do not say their partition spec. */
static enum tarn_status check_inline(struct planner *p, const struct tarn_snapshot *parent)
{
    if (!parent || parent->manifest_list.ptr || parent->manifest_count == 0 ||
        p->m->spec_count <= 1)
        return TARN_OK;
    return tarn_fail(p->op, TARN_UNSUPPORTED,
                     "table " TARN_IDENT_FMT
                     " has a snapshot without a manifest list and several partition specs",
                     TARN_IDENT_ARG(p->c->ident));
}

/* A file that is added twice would give each of its rows twice (trap 27). */
static enum tarn_status check_once(struct planner *p)
{
    const struct tarn__file_list *added = &p->rows->appended;
    struct tarn__path_set set;
    struct tarn_str *paths;
    TARN_NEW_ARRAY(p->op, paths, added->count + 1);
    for (size_t i = 0; i < added->count; i++)
        paths[i] = added->items[i].path;
    TARN_TRY(tarn__path_set_make(p->op, paths, added->count, &set));
    if (set.count == added->count)
        return TARN_OK;
    bool *met;
    TARN_NEW_ARRAY(p->op, met, set.count);
    for (size_t i = 0; i < added->count; i++) {
        long k = tarn__path_set_find(&set, paths[i]);
        if (met[k])
            return tarn_fail(p->op, TARN_INVALID,
                             "could not add file \"%.*s\" to table " TARN_IDENT_FMT " twice",
                             TARN_STR_ARG(paths[i]), TARN_IDENT_ARG(p->c->ident));
        met[k] = true;
    }
    return TARN_OK;
}

enum tarn_status tarn__rows_plan(struct tarn_change *c, struct tarn_op *op,
                                 const struct tarn_metadata *m, const struct tarn_snapshot *parent,
                                 const struct tarn__rows *rows, struct tarn__plan *out)
{
    struct planner p = {.c = c, .op = op, .m = m, .rows = rows, .plan = out};
    struct tarn_manifest_list base;
    *out = (struct tarn__plan){0};
    TARN_TRY(check_inline(&p, parent));
    TARN_TRY(check_once(&p));
    TARN_TRY(tarn_table_manifests(c->lake, op, m, parent, &base));
    TARN_NEW_ARRAY(op, out->items, base.count + 2 * m->spec_count + 1);
    TARN_TRY(tarn__path_set_make(op, rows->removed.items, rows->removed.count, &p.removed));
    TARN_NEW_ARRAY(op, p.found, p.removed.count + 1);
    TARN_TRY(collect_vectors(&p));
    TARN_TRY(plan_added(&p, &rows->appended, false));
    TARN_TRY(plan_added(&p, &rows->deletes, true));
    return plan_carried(&p, &base);
}
