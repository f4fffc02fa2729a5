/* changes: what snapshots did to rows, by comparing each with its parent.
 *
 * A snapshot that only appended is told by the files that it added. Any other is planned in full, and
 * so is its parent; files that only one of the two has were added or removed, and of files that both
 * have those rows changed that are alive in one and dead in the other. A dead row is told by position
 * (deletion vectors, position deletes) or by value (equality deletes):
 *
 *   rows of X that are dead in Y = those at Y's deleted positions that are not X's,
 *                                + those of no deleted position that match Y's equality deletes which
 *                                  X does not have
 *   both without what X's own equality deletes hide.
 */
#include "lake/changes.h"

#include <stdlib.h>

#include "lake/scan_int.h"

struct state { /* a snapshot's live files */
    const struct tarn_snapshot *snapshot;
    const struct tarn_scan *scan;
    struct tarn__path_set names;
    size_t *file_of_name;
};
struct work {
    const struct tarn_lake *lake;
    struct tarn_op *op;
    const struct tarn_table *table;
    const struct tarn_expr *filter;
    struct tarn_changes *out;
    size_t cap;
    const struct tarn_snapshot *snapshot; /* whose changes are being told */
    int32_t ordinal;
    struct state last; /* of the snapshot before, if it was planned */
};

/* ---- the stretch */

static enum tarn_status not_reached(struct tarn_op *op, const struct tarn_table *t, int64_t from,
                                    const struct tarn_snapshot *to)
{
    if (!tarn_metadata_snapshot(&t->metadata, from))
        return tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no snapshot %lld",
                         TARN_IDENT_ARG(t->ident), (long long)from);
    return tarn_fail(op, TARN_INVALID,
                     "snapshot %lld of table " TARN_IDENT_FMT
                     " is no ancestor of snapshot %lld, or history between them has expired",
                     (long long)from, TARN_IDENT_ARG(t->ident), (long long)to->snapshot_id);
}

/* Oldest first. `from` itself may have expired: its child says that it was its parent. */
static enum tarn_status find_stretch(struct tarn_op *op, const struct tarn_table *t, int64_t from,
                                     const struct tarn_snapshot *to,
                                     const struct tarn_snapshot ***out, size_t *out_count)
{
    const struct tarn_metadata *m = &t->metadata;
    const struct tarn_snapshot *s = to ? to : tarn_metadata_current(m), *last = s;
    bool reached = from == 0;
    size_t n = 0;
    TARN_NEW_ARRAY(op, *out, m->snapshot_count + 1);
    while (s && s->snapshot_id != from) {
        if (n == m->snapshot_count)
            return tarn_fail(op, TARN_CORRUPT,
                             "snapshots of table " TARN_IDENT_FMT " are their own ancestors",
                             TARN_IDENT_ARG(t->ident));
        (*out)[n++] = s;
        reached = reached || s->parent_id == from;
        s = from != 0 && reached ? NULL : tarn_metadata_snapshot(m, s->parent_id);
    }
    if (!reached && !s)
        return last ? not_reached(op, t, from, last)
                    : tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no snapshot",
                                TARN_IDENT_ARG(t->ident));
    for (size_t i = 0; i < n / 2; i++) {
        s = (*out)[i];
        (*out)[i] = (*out)[n - 1 - i];
        (*out)[n - 1 - i] = s;
    }
    *out_count = n;
    return TARN_OK;
}

static bool operation_is(const struct tarn_snapshot *s, const char *operation)
{
    const struct tarn_str *v = tarn_kvs_get(&s->summary, "operation");
    return v && tarn_str_is(*v, operation);
}

/* ---- appends */

/* The files that a snapshot added, when it says that it did nothing else and its manifests agree. */
static enum tarn_status plan_append(struct tarn__planner *p, const struct tarn_snapshot *s,
                                    bool *only)
{
    struct tarn_manifest_list list;
    TARN_TRY(tarn_table_manifests(p->lake, p->op, p->scan->metadata, s, &list));
    p->added_by = s->snapshot_id;
    for (size_t i = 0; i < list.count; i++) {
        const struct tarn_manifest_file *f = &list.files[i];
        if (f->added_snapshot_id != s->snapshot_id)
            continue;
        *only = *only && !f->deletes && f->deleted_files == 0;
        if (!f->deletes)
            TARN_TRY_WHILE(p->op, tarn__plan_manifest(p, f),
                           "planning a scan of table " TARN_IDENT_FMT,
                           TARN_IDENT_ARG(p->table->ident));
    }
    return TARN_OK;
}

enum tarn_status tarn_table_scan_added(const struct tarn_lake *lake, struct tarn_op *op,
                                       const struct tarn_table *t, int64_t from,
                                       const struct tarn_snapshot *to,
                                       const struct tarn_expr *filter, struct tarn_scan **out)
{
    const struct tarn_snapshot **snapshots;
    struct tarn__planner p;
    size_t count;
    bool only = true;
    TARN_TRY(find_stretch(op, t, from, to, &snapshots, &count));
    TARN_TRY(tarn__plan_begin(&p, lake, op, t, NULL, filter));
    p.scan->snapshot = to ? to : tarn_metadata_current(&t->metadata);
    for (size_t i = 0; i < count; i++)
        if (operation_is(snapshots[i], "append"))
            TARN_TRY(plan_append(&p, snapshots[i], &only));
    *out = p.scan;
    return TARN_OK;
}

/* ---- telling */

static enum tarn_status tell(struct work *w, const struct tarn_scan *scan, bool deleted)
{
    struct tarn_changes *o = w->out;
    if (scan->file_count == 0)
        return TARN_OK;
    TARN_GROW(w->op, o->items, o->count, w->cap);
    o->items[o->count++] = (struct tarn_row_changes){
        .snapshot = w->snapshot, .ordinal = w->ordinal, .deleted = deleted, .scan = scan};
    return TARN_OK;
}

/* ---- parts of a scan */

/* Groups by the places that their files have in another scan; place[] is SIZE_MAX for files that it
 * does not have. Files keep their order. */
static enum tarn_status groups_of(struct tarn_op *op, const struct tarn_equality_group *groups,
                                  size_t count, const size_t *place,
                                  struct tarn_equality_group *out, size_t *out_count)
{
    for (size_t i = 0; i < count; i++) {
        struct tarn_equality_group *g = &out[*out_count];
        *g = groups[i];
        g->file_count = 0;
        TARN_NEW_ARRAY(op, g->files, groups[i].file_count + 1);
        for (size_t k = 0; k < groups[i].file_count; k++)
            if (place[groups[i].files[k]] != SIZE_MAX)
                g->files[g->file_count++] = place[groups[i].files[k]];
        *out_count += g->file_count > 0;
    }
    return TARN_OK;
}

struct part { /* some files of a scan, as a scan */
    struct tarn_scan *scan;
    size_t *place; /* by the place in the whole scan */
};

static enum tarn_status part_of(struct work *w, const struct tarn_scan *whole, const bool *wanted,
                                struct part *out)
{
    struct tarn_scan *s;
    TARN_NEW(w->op, s);
    *s = *whole;
    s->file_count = s->equality_count = s->matching_count = 0;
    s->skips = (struct tarn_scan_skips){0};
    TARN_NEW_ARRAY(w->op, s->files, whole->file_count + 1);
    TARN_NEW_ARRAY(w->op, s->equality, whole->equality_count + 1);
    TARN_NEW_ARRAY(w->op, out->place, whole->file_count + 1);
    for (size_t i = 0; i < whole->file_count; i++) {
        out->place[i] = wanted[i] ? s->file_count : SIZE_MAX;
        if (wanted[i])
            s->files[s->file_count++] = whole->files[i];
    }
    out->scan = s;
    return groups_of(w->op, whole->equality, whole->equality_count, out->place, s->equality,
                     &s->equality_count);
}

/* ---- states */

static enum tarn_status plan_state(struct work *w, const struct tarn_snapshot *s, struct state *out)
{
    struct tarn__planner p;
    struct tarn_str *paths;
    if (w->last.scan && w->last.snapshot == s) {
        *out = w->last;
        return TARN_OK;
    }
    TARN_TRY(tarn__plan_begin(&p, w->lake, w->op, w->table, NULL, w->filter));
    TARN_TRY(tarn__plan_snapshot(&p, s));
    *out = (struct state){.snapshot = s, .scan = p.scan};
    TARN_NEW_ARRAY(w->op, paths, p.scan->file_count + 1);
    TARN_NEW_ARRAY(w->op, out->file_of_name, p.scan->file_count + 1);
    for (size_t i = 0; i < p.scan->file_count; i++)
        paths[i] = p.scan->files[i].file->path;
    TARN_TRY(tarn__path_set_make(w->op, paths, p.scan->file_count, &out->names));
    for (size_t i = 0; i < p.scan->file_count; i++)
        out->file_of_name[tarn__path_set_find(&out->names, paths[i])] = i;
    return TARN_OK;
}

/* The place of a file in a state's scan, or SIZE_MAX. */
static size_t place_in(const struct state *s, const struct tarn_scan_file *f)
{
    long k = tarn__path_set_find(&s->names, f->file->path);
    return k < 0 ? SIZE_MAX : s->file_of_name[k];
}

/* Files of x that y does not have. */
static enum tarn_status tell_files(struct work *w, const struct state *x, const struct state *y,
                                   bool deleted)
{
    struct part part;
    bool *wanted;
    TARN_NEW_ARRAY(w->op, wanted, x->scan->file_count + 1);
    for (size_t i = 0; i < x->scan->file_count; i++)
        wanted[i] = place_in(y, &x->scan->files[i]) == SIZE_MAX;
    TARN_TRY(part_of(w, x->scan, wanted, &part));
    return tell(w, part.scan, deleted);
}

/* ---- rows of x that are dead in y, in files that both have */

/* With both = true the positions of either, else those of y that are not x's. */
static enum tarn_status positions_of(struct tarn_op *op, const struct tarn_scan_file *x,
                                     const struct tarn_scan_file *y, bool both,
                                     struct tarn_scan_file *out)
{
    int64_t *list;
    size_t n = 0, i = 0;
    TARN_NEW_ARRAY(op, list, x->deleted_count + y->deleted_count + 1);
    for (size_t k = 0; k < y->deleted_count; k++) {
        for (; i < x->deleted_count && x->deleted[i] < y->deleted[k]; i++)
            if (both)
                list[n++] = x->deleted[i];
        bool same = i < x->deleted_count && x->deleted[i] == y->deleted[k];
        if (both || !same)
            list[n++] = y->deleted[k];
        i += same;
    }
    for (; both && i < x->deleted_count; i++)
        list[n++] = x->deleted[i];
    out->deleted = n ? list : NULL;
    out->deleted_count = n;
    return TARN_OK;
}

static enum tarn_status tell_positions(struct work *w, const struct state *x, const struct state *y,
                                       bool deleted)
{
    struct part part;
    struct tarn_scan_file *found;
    bool *wanted;
    TARN_NEW_ARRAY(w->op, wanted, x->scan->file_count + 1);
    TARN_NEW_ARRAY(w->op, found, x->scan->file_count + 1);
    for (size_t i = 0; i < x->scan->file_count; i++) {
        size_t k = place_in(y, &x->scan->files[i]);
        if (k == SIZE_MAX)
            continue;
        TARN_TRY(positions_of(w->op, &x->scan->files[i], &y->scan->files[k], false, &found[i]));
        wanted[i] = found[i].deleted_count > 0;
    }
    TARN_TRY(part_of(w, x->scan, wanted, &part));
    for (size_t i = 0; i < x->scan->file_count; i++) {
        if (!wanted[i])
            continue;
        struct tarn_scan_file *f = &part.scan->files[part.place[i]];
        f->deleted = found[i].deleted;
        f->deleted_count = found[i].deleted_count;
        f->only_deleted = true;
    }
    return tell(w, part.scan, deleted);
}

static int compare_paths(const void *a, const void *b)
{
    return tarn_str_cmp(*(const struct tarn_str *)a, *(const struct tarn_str *)b);
}

/* Leaves those files of the group that one of its deletes is younger than. */
static enum tarn_status narrow(struct tarn_op *op, const struct tarn_scan *scan,
                               struct tarn_equality_group *g)
{
    size_t *files, n = 0;
    int64_t youngest = INT64_MIN;
    for (size_t k = 0; k < g->delete_count; k++)
        if (g->deletes[k].sequence_number > youngest)
            youngest = g->deletes[k].sequence_number;
    TARN_NEW_ARRAY(op, files, g->file_count + 1);
    for (size_t i = 0; i < g->file_count; i++)
        if (scan->files[g->files[i]].sequence_number < youngest)
            files[n++] = g->files[i];
    g->files = files;
    g->file_count = n;
    return TARN_OK;
}

/* The equality deletes of y that x does not have, by x's files. */
static enum tarn_status new_groups(struct work *w, const struct state *x, const struct state *y,
                                   struct tarn_equality_group **out, size_t *out_count)
{
    struct tarn_str *known;
    size_t known_count = 0, *place;
    for (size_t i = 0; i < x->scan->equality_count; i++)
        known_count += x->scan->equality[i].delete_count;
    TARN_NEW_ARRAY(w->op, known, known_count + 1);
    TARN_NEW_ARRAY(w->op, place, y->scan->file_count + 1);
    TARN_NEW_ARRAY(w->op, *out, y->scan->equality_count + 1);
    known_count = *out_count = 0;
    for (size_t i = 0; i < x->scan->equality_count; i++)
        for (size_t k = 0; k < x->scan->equality[i].delete_count; k++)
            known[known_count++] = x->scan->equality[i].deletes[k].file->path;
    qsort(known, known_count, sizeof *known, compare_paths);
    for (size_t i = 0; i < y->scan->file_count; i++)
        place[i] = place_in(x, &y->scan->files[i]);
    for (size_t i = 0; i < y->scan->equality_count; i++) {
        struct tarn_equality_group g = y->scan->equality[i];
        g.delete_count = 0;
        TARN_NEW_ARRAY(w->op, g.deletes, y->scan->equality[i].delete_count);
        for (size_t k = 0; k < y->scan->equality[i].delete_count; k++) {
            const struct tarn_equality_delete *d = &y->scan->equality[i].deletes[k];
            if (!bsearch(&d->file->path, known, known_count, sizeof *known, compare_paths))
                g.deletes[g.delete_count++] = *d;
        }
        TARN_TRY(narrow(w->op, y->scan, &g));
        TARN_TRY(groups_of(w->op, &g, 1, place, *out, out_count));
    }
    return TARN_OK;
}

static int by_number(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return x < y ? -1 : x > y;
}

static bool may_join(const struct tarn_equality_group *a, const struct tarn_equality_group *b,
                     const bool *taken)
{
    if (a->field_id_count != b->field_id_count ||
        memcmp(a->field_ids, b->field_ids, a->field_id_count * sizeof *a->field_ids) != 0)
        return false;
    for (size_t i = 0; i < b->file_count; i++)
        if (taken[b->files[i]])
            return false;
    return true;
}

/* Rows that match the groups from `first` on which go together with it (they are marked done), and
 * none that were done before. */
static enum tarn_status tell_matches(struct work *w, const struct state *x, const struct state *y,
                                     struct tarn_equality_group *groups, size_t count, size_t first,
                                     int *turn, int now, bool deleted)
{
    struct part part;
    bool *taken;
    TARN_NEW_ARRAY(w->op, taken, x->scan->file_count + 1);
    for (size_t g = first; g < count; g++) {
        if (turn[g] || !may_join(&groups[first], &groups[g], taken))
            continue;
        turn[g] = now;
        for (size_t i = 0; i < groups[g].file_count; i++)
            taken[groups[g].files[i]] = true;
    }
    TARN_TRY(part_of(w, x->scan, taken, &part));
    struct tarn_scan *s = part.scan;
    struct tarn_equality_group *hiding;
    TARN_NEW_ARRAY(w->op, hiding, s->equality_count + count);
    memcpy(hiding, s->equality, s->equality_count * sizeof *hiding);
    s->equality = hiding;
    TARN_NEW_ARRAY(w->op, s->matching, count);
    for (size_t g = 0; g < count; g++) {
        bool mine = turn[g] == now;
        if (turn[g])
            TARN_TRY(groups_of(w->op, &groups[g], 1, part.place, mine ? s->matching : s->equality,
                               mine ? &s->matching_count : &s->equality_count));
    }
    for (size_t i = 0; i < x->scan->file_count; i++) {
        const struct tarn_scan_file *f = &x->scan->files[i];
        if (taken[i])
            TARN_TRY(positions_of(w->op, f, &y->scan->files[place_in(y, f)], true,
                                  &s->files[part.place[i]]));
    }
    return tell(w, s, deleted);
}

static enum tarn_status tell_values(struct work *w, const struct state *x, const struct state *y,
                                    bool deleted)
{
    struct tarn_equality_group *groups;
    size_t count;
    int *turn, now = 0;
    TARN_TRY(new_groups(w, x, y, &groups, &count));
    TARN_NEW_ARRAY(w->op, turn, count + 1);
    for (size_t g = 0; g < count; g++)
        qsort(groups[g].files, groups[g].file_count, sizeof *groups[g].files, by_number);
    for (size_t g = 0; g < count; g++)
        if (!turn[g])
            TARN_TRY(tell_matches(w, x, y, groups, count, g, turn, ++now, deleted));
    return TARN_OK;
}

/* ---- a snapshot */

static enum tarn_status compare(struct work *w, const struct tarn_snapshot *s)
{
    const struct tarn_metadata *m = &w->table->metadata;
    const struct tarn_snapshot *parent = tarn_metadata_snapshot(m, s->parent_id);
    struct state before, after;
    if (s->parent_id != 0 && !parent)
        return tarn_fail(w->op, TARN_INVALID,
                         "what snapshot %lld of table " TARN_IDENT_FMT
                         " changed is not known any more: its parent has expired",
                         (long long)s->snapshot_id, TARN_IDENT_ARG(w->table->ident));
    TARN_TRY(plan_state(w, parent, &before));
    TARN_TRY(plan_state(w, s, &after));
    TARN_TRY(tell_files(w, &before, &after, true));
    TARN_TRY(tell_positions(w, &before, &after, true));
    TARN_TRY(tell_values(w, &before, &after, true));
    TARN_TRY(tell_files(w, &after, &before, false));
    /* a delete that was taken back */
    TARN_TRY(tell_positions(w, &after, &before, false));
    TARN_TRY(tell_values(w, &after, &before, false));
    w->last = after;
    return TARN_OK;
}

static enum tarn_status tell_snapshot(struct work *w, const struct tarn_snapshot *s)
{
    struct tarn__planner p;
    bool only = true;
    if (operation_is(s, "replace"))
        return TARN_OK;
    if (!operation_is(s, "append"))
        return compare(w, s);
    TARN_TRY(tarn__plan_begin(&p, w->lake, w->op, w->table, NULL, w->filter));
    p.scan->snapshot = s;
    TARN_TRY(plan_append(&p, s, &only));
    return only ? tell(w, p.scan, false) : compare(w, s);
}

enum tarn_status tarn_table_changes(const struct tarn_lake *lake, struct tarn_op *op,
                                    const struct tarn_table *t, int64_t from,
                                    const struct tarn_snapshot *to, const struct tarn_expr *filter,
                                    struct tarn_changes *out)
{
    struct work w = {.lake = lake, .op = op, .table = t, .filter = filter, .out = out};
    *out = (struct tarn_changes){0};
    TARN_TRY(find_stretch(op, t, from, to, &out->snapshots, &out->snapshot_count));
    for (size_t i = 0; i < out->snapshot_count; i++) {
        w.snapshot = out->snapshots[i];
        w.ordinal = (int32_t)i;
        TARN_TRY_WHILE(op, tell_snapshot(&w, w.snapshot), "reading the changes of snapshot %lld",
                       (long long)w.snapshot->snapshot_id);
    }
    return TARN_OK;
}
