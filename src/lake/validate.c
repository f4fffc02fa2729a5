/* validate: may a change be made on top of what others have published since its base?
 *
 * Rule 4 of change.h, and for statements that say what they looked at (tarn_change_set_isolation)
 * the finer rule: a file that the change replaces or deletes rows of must be as it was, under
 * serializable isolation no row may have come in that the statement's filter may match, and
 * everything else may go on at the same time. Equality deletes are younger than what came in, and
 * would hide it: no file may have come in that holds their keys.
 */
#include "lake/change_int.h"

enum tarn_status tarn__change_conflict(struct tarn_change *c, struct tarn_op *op, const char *why)
{
    (void)tarn_fail(op, TARN_CONFLICT, "table " TARN_IDENT_FMT " was changed by another commit: %s",
                    TARN_IDENT_ARG(c->ident), why);
    tarn_hint(op, "nothing was committed; run again");
    return TARN_CONFLICT;
}

static bool same_layout(const struct tarn_metadata *a, const struct tarn_metadata *b)
{
    return a->current_schema_id == b->current_schema_id && a->last_column_id == b->last_column_id &&
           a->default_spec_id == b->default_spec_id &&
           a->last_partition_id == b->last_partition_id && a->schema_count == b->schema_count &&
           a->spec_count == b->spec_count;
}

static bool same_order(const struct tarn_metadata *a, const struct tarn_metadata *b)
{
    return a->default_sort_order_id == b->default_sort_order_id &&
           a->sort_order_count == b->sort_order_count;
}

static bool only_rewrites(const struct tarn_snapshot *s)
{
    const struct tarn_str *operation = tarn_kvs_get(&s->summary, "operation");
    return operation && tarn_str_is(*operation, "replace");
}

/* ---- branches and tags */

static int64_t ref_state(const struct tarn_metadata *m, struct tarn_str name, bool *out_tag)
{
    const struct tarn_ref *ref = tarn_metadata_ref(m, name);
    *out_tag = ref && ref->is_tag;
    if (tarn_str_is(name, TARN__MAIN))
        return m->current_snapshot_id;
    return ref ? ref->snapshot_id : 0;
}

static bool ref_moved(const struct tarn_metadata *a, const struct tarn_metadata *b,
                      struct tarn_str name)
{
    bool x, y;
    return ref_state(a, name, &x) != ref_state(b, name, &y) || x != y;
}

static enum tarn_status validate_refs(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_metadata *now)
{
    const struct tarn_metadata *before = &c->base->metadata;
    struct tarn_str branch = tarn__change_branch(c);
    for (size_t i = 0; i < c->step_count; i++)
        if (c->steps[i].kind != TARN__STEP_FAST_FORWARD &&
            ref_moved(before, now, c->steps[i].ref.name))
            return tarn__change_conflict(c, op, "a branch or tag that this change sets was set");
    if (tarn_metadata_ref(before, branch) && !tarn_str_is(branch, TARN__MAIN) &&
        !tarn_metadata_ref(now, branch))
        return tarn__change_conflict(c, op, "the branch was removed");
    return TARN_OK;
}

/* ---- rows, as rule 4 has it */

/* The snapshots of a branch that came after the base; NULL at the end, and a conflict if the base's
 * is not below them any more. */
struct since {
    const struct tarn_metadata *now;
    int64_t known;
    const struct tarn_snapshot *at;
};

static struct since since_base(const struct tarn_change *c, const struct tarn_metadata *now)
{
    struct tarn_str branch = tarn__change_branch(c);
    const struct tarn_snapshot *known = tarn__branch_head(&c->base->metadata, branch);
    return (struct since){now, known ? known->snapshot_id : 0, tarn__branch_head(now, branch)};
}

static bool since_more(const struct since *s)
{
    return s->at && s->at->snapshot_id != s->known;
}

static void since_next(struct since *s)
{
    s->at = s->at->parent_id ? tarn_metadata_snapshot(s->now, s->at->parent_id) : NULL;
}

static enum tarn_status since_end(struct tarn_change *c, struct tarn_op *op, const struct since *s)
{
    if (!s->at && s->known)
        return tarn__change_conflict(c, op, "it was rolled back or its history expired");
    return TARN_OK;
}

static enum tarn_status validate_rows(struct tarn_change *c, struct tarn_op *op,
                                      const struct tarn_metadata *now)
{
    struct since s = since_base(c, now);
    bool positions = c->rows.deletes.count || c->rows.removed.count;
    for (; since_more(&s); since_next(&s)) {
        if (!only_rewrites(s.at))
            return tarn__change_conflict(c, op, "rows were added or removed");
        if (positions)
            return tarn__change_conflict(c, op, "its files were rewritten");
    }
    return since_end(c, op, &s);
}

/* ---- rows, as a statement's isolation has it */

struct checker {
    struct tarn_change *c;
    struct tarn_op *op;
    const struct tarn_metadata *now;
    const struct tarn_schema *schema; /* that the filter is bound to */
    struct tarn__path_set touched;    /* data files that the change replaces or deletes rows of */
    bool touches_any;                 /* it cannot tell which */
    bool by_keys; /* it deletes rows by nothing but keys, and knows the files that they lie in */
    bool serializable;
    bool rewritten; /* the snapshot at hand only rewrote files */
    struct tarn_expr projected;
    int32_t projected_spec; /* -1: none yet */
};

static enum tarn_status collect_touched(struct checker *k)
{
    const struct tarn__rows *rows = &k->c->rows;
    struct tarn_str *paths;
    const struct tarn__str_list *named[] = {&rows->removed, &k->c->touched};
    size_t n = 0;
    TARN_NEW_ARRAY(k->op, paths, named[0]->count + named[1]->count + rows->deletes.count + 1);
    for (size_t i = 0; i < 2; i++) {
        if (named[i]->count)
            memcpy(paths + n, named[i]->items, named[i]->count * sizeof *paths);
        n += named[i]->count;
    }
    for (size_t i = 0; i < rows->deletes.count; i++) {
        const struct tarn_data_file *f = &rows->deletes.items[i];
        struct tarn_str target = tarn__delete_target(f);
        bool named_apart = f->content == TARN_CONTENT_EQUALITY_DELETES && k->c->touched.count;
        k->touches_any = k->touches_any || (!target.ptr && !named_apart);
        if (target.ptr)
            paths[n++] = target;
    }
    k->touches_any = k->touches_any || rows->remove_all;
    k->by_keys = k->c->touched.count && !rows->removed.count && !rows->remove_all;
    for (size_t i = 0; i < rows->deletes.count; i++)
        k->by_keys = k->by_keys && rows->deletes.items[i].content == TARN_CONTENT_EQUALITY_DELETES;
    return tarn__path_set_make(k->op, paths, n, &k->touched);
}

static bool touches(const struct checker *k, struct tarn_str path)
{
    return k->touches_any || tarn__path_set_find(&k->touched, path) >= 0;
}

/* Could rows of a file that came in match the statement's filter? */
static enum tarn_status may_match(struct checker *k, const struct tarn_data_file *f, bool *out)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(k->now, f->spec_id);
    struct tarn__tuple_metrics tuple = {spec, f};
    struct tarn__file_metrics file = {k->op, k->schema, f};
    *out = true;
    if (!k->c->filter || !spec)
        return TARN_OK;
    if (k->projected_spec != f->spec_id) {
        TARN_TRY(tarn_expr_project(k->op, k->c->filter, k->schema, spec, &k->projected));
        k->projected_spec = f->spec_id;
    }
    *out = tarn_expr_may_match(&k->projected, tarn__tuple_metrics, &tuple) &&
           tarn_expr_may_match(k->c->filter, tarn__file_metrics, &file);
    return TARN_OK;
}

/* Would equality deletes of this change hide rows of a file that came in? */
static enum tarn_status check_keys(struct checker *k, const struct tarn_data_file *f)
{
    const struct tarn__file_list *deletes = &k->c->rows.deletes;
    for (size_t i = 0; i < deletes->count; i++) {
        bool hit;
        if (deletes->items[i].content != TARN_CONTENT_EQUALITY_DELETES)
            continue;
        TARN_TRY(tarn__equality_may_hide(k->op, k->now, &deletes->items[i], f, &hit));
        if (hit)
            return tarn__change_conflict(
                k->c, k->op, "rows were added that may have the keys that it deletes rows by");
    }
    return TARN_OK;
}

static enum tarn_status check_data(struct checker *k, const struct tarn_manifest_entry *e)
{
    bool hit = true;
    if (e->status == TARN_ENTRY_DELETED)
        return touches(k, e->file.path) && !(k->rewritten && k->c->rows.remove_all)
                   ? tarn__change_conflict(k->c, k->op, "files that this change touches are gone")
                   : TARN_OK;
    if (k->rewritten)
        return TARN_OK;
    TARN_TRY(check_keys(k, &e->file));
    if (!k->serializable && !k->c->rows.remove_all)
        return TARN_OK;
    if (!k->c->rows.remove_all)
        TARN_TRY(may_match(k, &e->file, &hit));
    return hit ? tarn__change_conflict(k->c, k->op, "rows were added that it did not see")
               : TARN_OK;
}

/* Are equality deletes of another commit about rows that this change deletes by their keys? */
static enum tarn_status same_keys(struct checker *k, const struct tarn_data_file *theirs, bool *out)
{
    const struct tarn__file_list *mine = &k->c->rows.deletes;
    *out = false;
    for (size_t i = 0; i < mine->count && !*out; i++)
        TARN_TRY(tarn__equality_may_share(k->op, k->now, &mine->items[i], theirs, out));
    return TARN_OK;
}

/* Deletes of rows in files that this change has read; those of which it is not known which files
 * they are about count as all. */
static enum tarn_status check_deletes(struct checker *k, const struct tarn_manifest_entry *e)
{
    struct tarn_str target = tarn__delete_target(&e->file);
    bool hit = target.ptr ? touches(k, target) : k->touches_any || k->touched.count;
    if (k->by_keys && e->file.content == TARN_CONTENT_EQUALITY_DELETES)
        TARN_TRY(same_keys(k, &e->file, &hit));
    if (!hit || (k->rewritten && k->c->rows.remove_all))
        return TARN_OK;
    return tarn__change_conflict(k->c, k->op,
                                 "rows of files that this change touches were deleted");
}

static enum tarn_status check_snapshot(struct checker *k, const struct tarn_snapshot *s)
{
    struct tarn_manifest_list list;
    k->rewritten = only_rewrites(s);
    TARN_TRY(tarn_table_manifests(k->c->lake, k->op, k->now, s, &list));
    for (size_t i = 0; i < list.count; i++) {
        struct tarn_manifest manifest;
        if (list.files[i].added_snapshot_id != s->snapshot_id)
            continue;
        TARN_TRY(tarn_table_manifest(k->c->lake, k->op, k->now, &list.files[i], &manifest));
        for (size_t n = 0; n < manifest.count; n++) {
            const struct tarn_manifest_entry *e = &manifest.entries[n];
            if (e->status == TARN_ENTRY_EXISTING || e->snapshot_id != s->snapshot_id)
                continue;
            TARN_TRY(list.files[i].deletes ? check_deletes(k, e) : check_data(k, e));
        }
    }
    return TARN_OK;
}

static enum tarn_status validate_isolation(struct tarn_change *c, struct tarn_op *op,
                                           const struct tarn_metadata *now)
{
    struct since s = since_base(c, now);
    struct checker k = {.c = c,
                        .op = op,
                        .now = now,
                        .schema = tarn_metadata_schema(&c->base->metadata),
                        .serializable = c->isolation == TARN_ISOLATION_SERIALIZABLE &&
                                        c->has_isolation && !c->only_rewrites,
                        .projected_spec = -1};
    TARN_TRY(collect_touched(&k));
    for (; since_more(&s); since_next(&s))
        TARN_TRY(check_snapshot(&k, s.at));
    return since_end(c, op, &s);
}

/* ---- */

/* Values of columns that another commit dropped, or replaced under another id, would be seen by
 * nobody. */
static enum tarn_status validate_columns(struct tarn_change *c, struct tarn_op *op,
                                         const struct tarn_metadata *now)
{
    const struct tarn_schema *mine = tarn_metadata_schema(&c->base->metadata);
    const struct tarn_schema *theirs = tarn_metadata_schema(now);
    for (size_t i = 0; c->rows.appended.count && i < mine->root.field_count; i++)
        if (!tarn_schema_field_by_id(theirs, mine->root.fields[i].id))
            return tarn__change_conflict(c, op,
                                         "columns that the new rows have were dropped or replaced");
    return TARN_OK;
}

enum tarn_status tarn__change_validate(struct tarn_change *c, struct tarn_op *op,
                                       const struct tarn_metadata *now)
{
    const struct tarn_metadata *before = &c->base->metadata;
    if (!tarn_str_eq(before->uuid, now->uuid))
        return tarn__change_conflict(c, op, "it was dropped and made anew");
    TARN_TRY(tarn__change_check_required(c, op, now));
    if (c->replaced)
        return tarn__change_conflict(c, op, "it cannot be replaced unseen");
    if ((c->has_schema || c->has_spec) && !same_layout(before, now))
        return tarn__change_conflict(c, op, "its schema or partition spec was changed");
    if ((c->has_schema || c->has_order) && !same_order(before, now))
        return tarn__change_conflict(c, op, "its sort order was changed");
    if (c->has_order && !same_layout(before, now))
        return tarn__change_conflict(c, op, "its schema was changed");
    if (now->format_version != before->format_version)
        return tarn__change_conflict(c, op, "its format version was changed");
    if (c->has_location && !tarn_str_eq(before->location, now->location))
        return tarn__change_conflict(c, op, "its location was changed");
    TARN_TRY(validate_refs(c, op, now));
    TARN_TRY(validate_columns(c, op, now));
    if (!tarn__change_removes(c) && !c->has_isolation)
        return TARN_OK; /* what a MERGE adds was not there for it: that is to be true still */
    return c->has_isolation || c->only_rewrites ? validate_isolation(c, op, now)
                                                : validate_rows(c, op, now);
}
