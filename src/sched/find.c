/* find: tables by names that a person types: "raw.t", "iceberg.raw.t", "raw.t.branch_x". */
#include "sched/sched_int.h"

/* Splits at the last dot; a leading catalog name goes when something of two parts is behind it. */
static struct tarn_ident split_name(const struct tarn_workspace *w, struct tarn_str text)
{
    struct tarn_str prefix = w->catalog->catalog_name, rest = text, head;
    struct tarn_ident out = {.name = text};
    if (tarn_str_cut(&rest, '.', &head) && tarn_str_eq(head, prefix) &&
        memchr(rest.ptr, '.', rest.len))
        text = rest;
    for (size_t i = text.len; i-- > 0;)
        if (text.ptr[i] == '.') {
            out.ns = tarn_str_of(text.ptr, i);
            out.name = tarn_str_of(text.ptr + i + 1, text.len - i - 1);
            break;
        }
    return out;
}

static enum tarn_status fail_name(struct tarn_workspace *w, struct tarn_op *op,
                                  struct tarn_str text)
{
    struct tarn_str *all;
    const char **z;
    size_t n;
    TARN_TRY(w->resolver.names(&w->resolver, op, &all, &n));
    TARN_NEW_ARRAY(op, z, n + 1);
    for (size_t i = 0; i < n; i++)
        z[i] = all[i].ptr;
    for (size_t i = 0; i < n; i++) /* what has a name and is no table */
        if (tarn_str_eq_nocase(all[i], text)) {
            (void)tarn_fail(op, TARN_TABLE, "%.*s is a view", TARN_STR_ARG(text));
            tarn_hint(op, "tarn sql \"describe %.*s\"", TARN_STR_ARG(all[i]));
            return TARN_TABLE;
        }
    const char *nearest = tarn_str_nearest(text, z, n);
    (void)tarn_fail(op, TARN_TABLE, "table %.*s not found", TARN_STR_ARG(text));
    if (nearest)
        tarn_hint(op, "did you mean %s?", nearest);
    else
        tarn_hint(op, n ? "`tarn ls` lists the tables"
                        : "there are no tables yet: `tarn run` makes them");
    return TARN_TABLE;
}

enum tarn_status tarn_workspace_find(struct tarn_workspace *w, struct tarn_op *op,
                                     struct tarn_str text, struct tarn_table **out)
{
    struct tarn_ident ident = split_name(w, text);
    TARN_TRY(tarn_workspace_table(w, op, ident, out));
    return *out ? TARN_OK : fail_name(w, op, text);
}

/* ---- the same as a branch or a tag has it */

static size_t ref_prefix(struct tarn_str part)
{
    if (tarn_str_starts(part, TARN_STR("branch_")))
        return strlen("branch_");
    return tarn_str_starts(part, TARN_STR("tag_")) ? strlen("tag_") : 0;
}

/* The way back from a snapshot is all that there is, the oldest first. */
static enum tarn_status keep_ancestors(struct tarn_op *op, struct tarn_metadata *m)
{
    struct tarn_snapshot *kept;
    struct tarn_snapshot_log_entry *log;
    size_t n = 0;
    TARN_NEW_ARRAY(op, kept, m->snapshot_count + 1);
    TARN_NEW_ARRAY(op, log, m->snapshot_count + 1);
    for (size_t i = 0; i < m->snapshot_count; i++) {
        const struct tarn_snapshot *s = &m->snapshots[i];
        if (!tarn_metadata_is_ancestor(m, s->snapshot_id, m->current_snapshot_id))
            continue;
        log[n] = (struct tarn_snapshot_log_entry){.timestamp_ms = s->timestamp_ms,
                                                  .snapshot_id = s->snapshot_id};
        kept[n++] = *s;
    }
    m->snapshots = kept;
    m->snapshot_log = log;
    m->snapshot_count = m->snapshot_log_count = n;
    return TARN_OK;
}

static enum tarn_status at_ref(struct tarn_op *op, const struct tarn_table *t, struct tarn_str name,
                               bool tag, struct tarn_table **out)
{
    const struct tarn_ref *ref = tarn_metadata_ref(&t->metadata, name);
    struct tarn_table *at;
    if (!ref || ref->is_tag != tag) {
        (void)tarn_fail(op, TARN_NOT_FOUND, "table %.*s.%.*s has no %s \"%.*s\"",
                        TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name),
                        tag ? "tag" : "branch", TARN_STR_ARG(name));
        tarn_metadata_hint_ref(op, &t->metadata, name);
        return TARN_NOT_FOUND;
    }
    TARN_NEW(op, at);
    *at = *t;
    at->metadata.current_snapshot_id = ref->snapshot_id;
    const struct tarn_snapshot *s = tarn_metadata_current(&at->metadata);
    if (s)
        at->metadata.current_schema_id = tarn_table_columns(t, s, !tag)->schema_id;
    *out = at;
    return keep_ancestors(op, &at->metadata);
}

enum tarn_status tarn_workspace_find_at(struct tarn_workspace *w, struct tarn_op *op,
                                        struct tarn_str text, struct tarn_table **out,
                                        struct tarn_str *out_ref)
{
    struct tarn_ident whole = split_name(w, text);
    size_t cut = ref_prefix(whole.name);
    *out_ref = (struct tarn_str){NULL, 0};
    TARN_TRY(tarn_workspace_table(w, op, whole, out));
    if (*out || cut == 0 || whole.name.len == cut || !whole.ns.ptr)
        return *out ? TARN_OK : fail_name(w, op, text);
    struct tarn_table *t;
    TARN_TRY(tarn_workspace_table(w, op, split_name(w, whole.ns), &t));
    if (!t)
        return fail_name(w, op, text);
    *out_ref = whole.name;
    struct tarn_str name = tarn_str_of(whole.name.ptr + cut, whole.name.len - cut);
    return at_ref(op, t, name, whole.name.ptr[0] == 't', out);
}
