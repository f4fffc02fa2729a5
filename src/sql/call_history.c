/* call_history: procedures that move a table along its history. */
#include "sql/call_int.h"

struct step {
    struct tarn__call *call;
    struct tarn_table *table;
    struct tarn_change *change;
    int64_t before, after; /* main's snapshot; 0 = none */
};

static enum tarn_status step_begin(struct step *s, struct tarn__call *c)
{
    *s = (struct step){.call = c};
    TARN_TRY(tarn__arg_table(c, "table", &s->table));
    s->before = s->table->metadata.current_snapshot_id;
    return tarn_change_open(c->run->sql->env->flow.lake, c->op, s->table, &s->change);
}

static enum tarn_status step_publish(struct step *s)
{
    TARN_TRY(tarn__publish(s->call->run, s->change));
    const struct tarn_table *now = tarn_change_table(s->change);
    s->after = now ? now->metadata.current_snapshot_id : s->before;
    return TARN_OK;
}

static enum tarn_status answer_ids(struct step *s, const char *columns, int64_t a, int64_t b)
{
    struct tarn__list list;
    struct tarn_value values[] = {tarn__long_or_null(a, 0), tarn__long_or_null(b, 0)};
    TARN_TRY(tarn__list_begin(&list, s->call->run, columns));
    TARN_TRY(tarn__list_add(&list, values));
    return tarn__list_end(&list, "CALL");
}

#define MOVED "previous_snapshot_id:long current_snapshot_id:long"

static enum tarn_status move_to(struct step *s, int64_t id, bool must_be_ancestor)
{
    TARN_TRY(tarn_change_set_current(s->change, s->call->op, id, must_be_ancestor));
    TARN_TRY(step_publish(s));
    return answer_ids(s, MOVED, s->before, s->after);
}

/* "table raw.t has no snapshot 7" with those that it has. */
static enum tarn_status find_snapshot(struct step *s, const struct tarn__arg *a, int64_t id)
{
    const struct tarn_metadata *m = &s->table->metadata;
    struct tarn_buf b;
    struct tarn_str list;
    if (tarn_metadata_snapshot(m, id))
        return TARN_OK;
    tarn_buf_init(&b, 65536);
    for (size_t i = 0; i < m->snapshot_count && i < 10; i++)
        tarn_buf_printf(&b, "%s%lld", i ? ", " : "",
                        (long long)m->snapshots[m->snapshot_count - 1 - i].snapshot_id);
    tarn_buf_z(&b, m->snapshot_count > 10 ? " .." : "");
    TARN_TRY((enum tarn_status)tarn_buf_take(s->call->op, &b, "a list", &list));
    (void)tarn__fail_arg(s->call, a, TARN_NOT_FOUND, "table %.*s.%.*s has no snapshot %lld",
                         TARN_STR_ARG(s->table->ident.ns), TARN_STR_ARG(s->table->ident.name),
                         (long long)id);
    tarn_detail(s->call->op, list.len ? "it has %.*s" : "it has none%.*s", TARN_STR_ARG(list));
    return TARN_NOT_FOUND;
}

enum tarn_status tarn__rollback_to_snapshot(struct tarn__call *c)
{
    struct step s;
    const struct tarn__arg *id = tarn__arg(c, "snapshot_id");
    TARN_TRY(step_begin(&s, c));
    TARN_TRY(find_snapshot(&s, id, id->number));
    if (!tarn_metadata_is_ancestor(&s.table->metadata, id->number, s.before)) {
        (void)tarn__fail_arg(c, id, TARN_INVALID,
                             "cannot roll back to snapshot %lld: it is no ancestor of the current "
                             "one, %lld",
                             (long long)id->number, (long long)s.before);
        tarn_hint(c->op, "system.set_current_snapshot sets any snapshot");
        return TARN_INVALID;
    }
    return move_to(&s, id->number, true);
}

/* The newest ancestor from before the time, as Iceberg Java has it. */
static const struct tarn_snapshot *ancestor_before(const struct tarn_metadata *m, int64_t us)
{
    const struct tarn_snapshot *s = tarn_metadata_current(m), *best = NULL;
    for (size_t steps = 0; s && steps <= m->snapshot_count; steps++) {
        if (s->timestamp_ms < us / 1000 && (!best || s->timestamp_ms > best->timestamp_ms))
            best = s;
        s = s->parent_id ? tarn_metadata_snapshot(m, s->parent_id) : NULL;
    }
    return best;
}

enum tarn_status tarn__rollback_to_timestamp(struct tarn__call *c)
{
    struct step s;
    const struct tarn__arg *at = tarn__arg(c, "timestamp");
    TARN_TRY(step_begin(&s, c));
    const struct tarn_snapshot *to = ancestor_before(&s.table->metadata, at->number);
    if (!to)
        return tarn__fail_arg(c, at, TARN_NOT_FOUND,
                              "cannot roll back: no ancestor of the current snapshot is older than "
                              "%.*s",
                              TARN_STR_ARG(at->text));
    return move_to(&s, to->snapshot_id, true);
}

enum tarn_status tarn__set_current_snapshot(struct tarn__call *c)
{
    struct step s;
    const struct tarn__arg *id = tarn__arg(c, "snapshot_id"), *name = tarn__arg(c, "ref");
    if (id->given == name->given) {
        (void)tarn_fail(c->op, TARN_INVALID,
                        id->given ? "snapshot_id and ref cannot both be given"
                                  : "one of snapshot_id and ref must be given");
        tarn__place_at(&c->run->words, id->given ? name->begin : c->offset);
        return TARN_INVALID;
    }
    TARN_TRY(step_begin(&s, c));
    int64_t to = id->number;
    if (name->given) {
        const struct tarn_snapshot *snapshot = NULL;
        const struct tarn_ref *ref = tarn_metadata_ref(&s.table->metadata, name->text);
        if (ref)
            snapshot = tarn_metadata_snapshot(&s.table->metadata, ref->snapshot_id);
        if (!snapshot)
            return tarn__fail_arg(c, name, TARN_NOT_FOUND,
                                  "table %.*s.%.*s has no branch or tag \"%.*s\"",
                                  TARN_STR_ARG(s.table->ident.ns),
                                  TARN_STR_ARG(s.table->ident.name), TARN_STR_ARG(name->text));
        to = snapshot->snapshot_id;
    } else {
        TARN_TRY(find_snapshot(&s, id, to));
    }
    return move_to(&s, to, false);
}

/* ---- picking */

static enum tarn_status pick(struct step *s, int64_t id)
{
    TARN_TRY(tarn_change_cherry_pick(s->change, s->call->op, id));
    TARN_TRY(step_publish(s));
    return answer_ids(s, "source_snapshot_id:long current_snapshot_id:long", id, s->after);
}

enum tarn_status tarn__cherrypick_snapshot(struct tarn__call *c)
{
    struct step s;
    const struct tarn__arg *id = tarn__arg(c, "snapshot_id");
    TARN_TRY(step_begin(&s, c));
    TARN_TRY(find_snapshot(&s, id, id->number));
    return pick(&s, id->number);
}

enum tarn_status tarn__publish_changes(struct tarn__call *c)
{
    struct step s;
    const struct tarn__arg *id = tarn__arg(c, "wap_id");
    const struct tarn_snapshot *found = NULL;
    TARN_TRY(step_begin(&s, c));
    const struct tarn_metadata *m = &s.table->metadata;
    for (size_t i = 0; i < m->snapshot_count; i++) {
        const struct tarn_str *wap = tarn_kvs_get(&m->snapshots[i].summary, "wap.id");
        if (!wap || !tarn_str_eq(*wap, id->text))
            continue;
        if (found)
            return tarn__fail_arg(c, id, TARN_INVALID,
                                  "several snapshots are staged under wap_id '%.*s'",
                                  TARN_STR_ARG(id->text));
        found = &m->snapshots[i];
    }
    if (!found)
        return tarn__fail_arg(c, id, TARN_NOT_FOUND, "no snapshot is staged under wap_id '%.*s'",
                              TARN_STR_ARG(id->text));
    return pick(&s, found->snapshot_id);
}

/* ---- branches */

static int64_t head_of(const struct tarn_metadata *m, struct tarn_str branch)
{
    const struct tarn_ref *ref = tarn_metadata_ref(m, branch);
    if (ref)
        return ref->snapshot_id;
    return tarn_str_is(branch, "main") ? m->current_snapshot_id : 0;
}

enum tarn_status tarn__fast_forward(struct tarn__call *c)
{
    struct step s;
    struct tarn__list list;
    struct tarn_str branch = tarn__arg(c, "branch")->text, to = tarn__arg(c, "to")->text;
    TARN_TRY(step_begin(&s, c));
    int64_t before = head_of(&s.table->metadata, branch);
    TARN_TRY(tarn_change_fast_forward(s.change, c->op, branch, to));
    TARN_TRY(step_publish(&s));
    const struct tarn_table *now =
        tarn_change_table(s.change) ? tarn_change_table(s.change) : s.table;
    struct tarn_value values[] = {tarn__text_value(branch), tarn__long_or_null(before, 0),
                                  tarn__long_or_null(head_of(&now->metadata, branch), 0)};
    TARN_TRY(tarn__list_begin(&list, c->run, "branch_updated previous_ref:long updated_ref:long"));
    TARN_TRY(tarn__list_add(&list, values));
    return tarn__list_end(&list, "CALL");
}

/* ---- looking */

enum tarn_status tarn__ancestors_of(struct tarn__call *c)
{
    struct step s = {.call = c};
    struct tarn__list list;
    const struct tarn__arg *id = tarn__arg(c, "snapshot_id");
    TARN_TRY(tarn__arg_table(c, "table", &s.table));
    const struct tarn_metadata *m = &s.table->metadata;
    if (id->given)
        TARN_TRY(find_snapshot(&s, id, id->number));
    const struct tarn_snapshot *at =
        tarn_metadata_snapshot(m, id->given ? id->number : m->current_snapshot_id);
    TARN_TRY(tarn__list_begin(&list, c->run, "snapshot_id:long timestamp:long"));
    for (size_t steps = 0; at && steps <= m->snapshot_count; steps++) {
        struct tarn_value values[] = {tarn__long_value(at->snapshot_id),
                                      tarn__long_value(at->timestamp_ms)};
        TARN_TRY(tarn__list_add(&list, values));
        at = at->parent_id ? tarn_metadata_snapshot(m, at->parent_id) : NULL;
    }
    return tarn__list_end(&list, "CALL");
}
