/* change_refs: branches and tags, and what main points to (spec "Snapshot References").
 *
 * What is asked for is done at once to the change's own metadata, so that a wrong name is told
 * where it is said, and kept as a step that every stage does anew to the metadata that is the base
 * then. A ref that another commit moved in between is a conflict (validate.c), but for fast
 * forwards, which are only looked at anew.
 */
#include "lake/change_int.h"

static const struct tarn_ref *find(const struct tarn_metadata *m, struct tarn_str name)
{
    return tarn_metadata_ref(m, name);
}

const struct tarn_snapshot *tarn__branch_head(const struct tarn_metadata *m, struct tarn_str name)
{
    if (tarn_str_is(name, TARN__MAIN))
        return tarn_metadata_current(m);
    const struct tarn_ref *ref = find(m, name);
    return ref && !ref->is_tag ? tarn_metadata_snapshot(m, ref->snapshot_id) : NULL;
}

/* Puts a ref in the place of the one of its name, or behind the others. main is the current
 * snapshot. */
static enum tarn_status put_ref(struct tarn_op *op, struct tarn_metadata *m,
                                const struct tarn_ref *ref)
{
    struct tarn_ref *refs;
    size_t at = 0;
    TARN_NEW_ARRAY(op, refs, m->ref_count + 1);
    if (m->ref_count)
        memcpy(refs, m->refs, m->ref_count * sizeof *refs);
    while (at < m->ref_count && !tarn_str_eq(refs[at].name, ref->name))
        at++;
    refs[at] = *ref;
    m->ref_count += at == m->ref_count;
    m->refs = refs;
    if (tarn_str_is(ref->name, TARN__MAIN))
        m->current_snapshot_id = ref->snapshot_id;
    return TARN_OK;
}

static enum tarn_status drop_ref(struct tarn_op *op, struct tarn_metadata *m, struct tarn_str name)
{
    struct tarn_ref *refs;
    size_t n = 0;
    TARN_NEW_ARRAY(op, refs, m->ref_count + 1);
    for (size_t i = 0; i < m->ref_count; i++)
        if (!tarn_str_eq(m->refs[i].name, name))
            refs[n++] = m->refs[i];
    m->refs = refs;
    m->ref_count = n;
    return TARN_OK;
}

enum tarn_status tarn__branch_move(struct tarn_op *op, struct tarn_metadata *m,
                                   struct tarn_str name, int64_t snapshot_id)
{
    const struct tarn_ref *old = find(m, name);
    struct tarn_ref ref = {
        .name = name, .min_snapshots_to_keep = -1, .max_snapshot_age_ms = -1, .max_ref_age_ms = -1};
    if (old)
        ref = *old;
    ref.snapshot_id = snapshot_id;
    return put_ref(op, m, &ref);
}

/* ---- steps */

static enum tarn_status no_ref(struct tarn_change *c, struct tarn_op *op,
                               const struct tarn_metadata *m, struct tarn_str name)
{
    struct tarn_str all = {NULL, 0};
    (void)tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no branch or tag \"%.*s\"",
                    TARN_IDENT_ARG(c->ident), TARN_STR_ARG(name));
    for (size_t i = 0; i < m->ref_count; i++)
        all = tarn_sprintf(op, "%.*s%s%.*s", TARN_STR_ARG(all), i ? ", " : "",
                           TARN_STR_ARG(m->refs[i].name));
    if (all.ptr)
        tarn_detail(op, "it has %.*s", TARN_STR_ARG(all));
    tarn_metadata_hint_ref(op, m, name);
    return TARN_NOT_FOUND;
}

static enum tarn_status no_snapshot(struct tarn_change *c, struct tarn_op *op, int64_t id)
{
    return tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no snapshot %lld",
                     TARN_IDENT_ARG(c->ident), (long long)id);
}

static enum tarn_status set_ref(struct tarn_change *c, struct tarn_op *op, struct tarn_metadata *m,
                                const struct tarn_ref *ref)
{
    const struct tarn_ref *old = find(m, ref->name);
    struct tarn_ref made = *ref;
    bool is_main = tarn_str_is(ref->name, TARN__MAIN);
    if (ref->snapshot_id != c->snapshot_id && !tarn_metadata_snapshot(m, ref->snapshot_id))
        return no_snapshot(c, op, ref->snapshot_id);
    if (old ? old->is_tag != ref->is_tag : is_main && ref->is_tag)
        return tarn_fail(op, TARN_INVALID, "\"%.*s\" of table " TARN_IDENT_FMT " is a %s, not a %s",
                         TARN_STR_ARG(ref->name), TARN_IDENT_ARG(c->ident),
                         ref->is_tag ? "branch" : "tag", ref->is_tag ? "tag" : "branch");
    if (old && made.extra.count == 0)
        made.extra = old->extra;
    return put_ref(op, m, &made);
}

static enum tarn_status remove_ref(struct tarn_change *c, struct tarn_op *op,
                                   struct tarn_metadata *m, struct tarn_str name)
{
    if (tarn_str_is(name, TARN__MAIN))
        return tarn_fail(op, TARN_INVALID,
                         "branch \"main\" of table " TARN_IDENT_FMT " cannot be removed",
                         TARN_IDENT_ARG(c->ident));
    if (!find(m, name))
        return no_ref(c, op, m, name);
    return drop_ref(op, m, name);
}

static enum tarn_status set_current(struct tarn_change *c, struct tarn_op *op,
                                    struct tarn_metadata *m, const struct tarn__step *step)
{
    int64_t id = step->ref.snapshot_id;
    if (!tarn_metadata_snapshot(m, id))
        return no_snapshot(c, op, id);
    if (step->must_be_ancestor &&
        (!m->current_snapshot_id || !tarn_metadata_is_ancestor(m, id, m->current_snapshot_id)))
        return tarn_fail(op, TARN_INVALID,
                         "table " TARN_IDENT_FMT
                         " cannot be rolled back to snapshot %lld, which is no ancestor of the "
                         "current one",
                         TARN_IDENT_ARG(c->ident), (long long)id);
    return tarn__branch_move(op, m, TARN_STR(TARN__MAIN), id);
}

static enum tarn_status fast_forward(struct tarn_change *c, struct tarn_op *op,
                                     struct tarn_metadata *m, const struct tarn__step *step)
{
    struct tarn_str name = step->ref.name;
    const struct tarn_ref *from = find(m, name), *to = find(m, step->to);
    if (!to)
        return no_ref(c, op, m, step->to);
    if (from && from->is_tag)
        return tarn_fail(op, TARN_INVALID,
                         "\"%.*s\" of table " TARN_IDENT_FMT " is a tag, which does not move",
                         TARN_STR_ARG(name), TARN_IDENT_ARG(c->ident));
    if (from && !tarn_metadata_is_ancestor(m, from->snapshot_id, to->snapshot_id)) {
        (void)tarn_fail(op, TARN_CONFLICT,
                        "branch \"%.*s\" of table " TARN_IDENT_FMT
                        " cannot be fast-forwarded to \"%.*s\": it has snapshots of its own",
                        TARN_STR_ARG(name), TARN_IDENT_ARG(c->ident), TARN_STR_ARG(step->to));
        tarn_detail(op, "snapshot %lld is no ancestor of snapshot %lld",
                    (long long)from->snapshot_id, (long long)to->snapshot_id);
        return TARN_CONFLICT;
    }
    return tarn__branch_move(op, m, name, to->snapshot_id);
}

static enum tarn_status apply(struct tarn_change *c, struct tarn_op *op, struct tarn_metadata *m,
                              const struct tarn__step *step)
{
    switch (step->kind) {
    case TARN__STEP_SET_REF:
        return set_ref(c, op, m, &step->ref);
    case TARN__STEP_REMOVE_REF:
        return remove_ref(c, op, m, step->ref.name);
    case TARN__STEP_SET_CURRENT:
        return set_current(c, op, m, step);
    default:
        return fast_forward(c, op, m, step);
    }
}

static bool is_own(const struct tarn_change *c, const struct tarn__step *step)
{
    return step->kind == TARN__STEP_SET_REF && step->ref.snapshot_id == c->snapshot_id;
}

enum tarn_status tarn__steps_apply(struct tarn_change *c, struct tarn_op *op,
                                   struct tarn_metadata *m, bool own)
{
    for (size_t i = 0; i < c->step_count; i++)
        if (is_own(c, &c->steps[i]) == own)
            TARN_TRY(apply(c, op, m, &c->steps[i]));
    return TARN_OK;
}

static enum tarn_status take_step(struct tarn_change *c, struct tarn_op *op, struct tarn__step step)
{
    struct tarn__step *all;
    if (step.ref.name.ptr) {
        step.ref.name = tarn_strdup(op, step.ref.name);
        if (!step.ref.name.ptr)
            return TARN_NOMEM;
    }
    if (step.to.ptr) {
        step.to = tarn_strdup(op, step.to);
        if (!step.to.ptr)
            return TARN_NOMEM;
    }
    TARN_NEW_ARRAY(op, all, c->step_count + 1);
    if (c->step_count)
        memcpy(all, c->steps, c->step_count * sizeof *all);
    all[c->step_count] = step;
    TARN_TRY(apply(c, op, &c->metadata, &step));
    c->has_own_ref = c->has_own_ref || is_own(c, &step);
    c->steps = all;
    c->step_count++;
    return TARN_OK;
}

enum tarn_status tarn_change_set_ref(struct tarn_change *c, struct tarn_op *op,
                                     const struct tarn_ref *ref)
{
    if (ref->name.len == 0)
        return tarn_fail(op, TARN_INVALID,
                         "a branch or tag of table " TARN_IDENT_FMT " needs a name",
                         TARN_IDENT_ARG(c->ident));
    return take_step(c, op, (struct tarn__step){.kind = TARN__STEP_SET_REF, .ref = *ref});
}

enum tarn_status tarn_change_remove_ref(struct tarn_change *c, struct tarn_op *op,
                                        struct tarn_str name)
{
    return take_step(c, op,
                     (struct tarn__step){.kind = TARN__STEP_REMOVE_REF, .ref = {.name = name}});
}

enum tarn_status tarn_change_set_current(struct tarn_change *c, struct tarn_op *op,
                                         int64_t snapshot_id, bool must_be_ancestor)
{
    return take_step(
        c, op,
        (struct tarn__step){.kind = TARN__STEP_SET_CURRENT,
                            .ref = {.name = TARN_STR(TARN__MAIN), .snapshot_id = snapshot_id},
                            .must_be_ancestor = must_be_ancestor});
}

enum tarn_status tarn_change_fast_forward(struct tarn_change *c, struct tarn_op *op,
                                          struct tarn_str branch, struct tarn_str to)
{
    return take_step(
        c, op,
        (struct tarn__step){.kind = TARN__STEP_FAST_FORWARD, .ref = {.name = branch}, .to = to});
}

enum tarn_status tarn_change_set_branch(struct tarn_change *c, struct tarn_op *op,
                                        struct tarn_str branch)
{
    const struct tarn_ref *ref = find(&c->metadata, branch);
    if (!ref && !tarn_str_is(branch, TARN__MAIN))
        return no_ref(c, op, &c->metadata, branch);
    if (ref && ref->is_tag)
        return tarn_fail(op, TARN_INVALID,
                         "\"%.*s\" of table " TARN_IDENT_FMT " is a tag: rows go to branches alone",
                         TARN_STR_ARG(branch), TARN_IDENT_ARG(c->ident));
    c->branch = tarn_strdup(op, branch);
    if (!c->branch.ptr)
        return TARN_NOMEM;
    if (c->asked_remove_all)
        tarn_change_delete_all(c);
    return TARN_OK;
}
