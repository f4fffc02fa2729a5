/* inspect_history: the metadata tables that table metadata alone answers: snapshots, history, refs,
 * metadata_log_entries. */
#include "lake/inspect_int.h"

#include <stdlib.h>

/* ---- snapshots by id */

static int by_id(const void *a, const void *b)
{
    int64_t x = (*(const struct tarn_snapshot *const *)a)->snapshot_id;
    int64_t y = (*(const struct tarn_snapshot *const *)b)->snapshot_id;
    return (x > y) - (x < y);
}

enum tarn_status tarn__inspect_index(struct tarn__inspect *i, struct tarn_op *op)
{
    size_t n = i->m->snapshot_count;
    TARN_NEW_ARRAY(op, i->by_id, n + 1);
    for (size_t k = 0; k < n; k++)
        i->by_id[k] = &i->m->snapshots[k];
    qsort(i->by_id, n, sizeof *i->by_id, by_id);
    return TARN_OK;
}

const struct tarn_snapshot *tarn__inspect_snapshot(const struct tarn__inspect *i, int64_t id)
{
    struct tarn_snapshot wanted = {.snapshot_id = id};
    const struct tarn_snapshot *key = &wanted, **found;
    found = bsearch(&key, i->by_id, i->m->snapshot_count, sizeof *i->by_id, by_id);
    return found ? *found : NULL;
}

/* ---- snapshots */

enum tarn_status tarn__open_snapshots(struct tarn__inspect *i, struct tarn_op *op)
{
    return tarn__type_append(op, &i->schema,
                             "committed_at: timestamptz not null, snapshot_id: long not null, "
                             "parent_id: long, operation: string, manifest_list: string, "
                             "summary: map<string, string>");
}

/* The operation has a column of its own. */
static void put_summary(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_kvs *summary)
{
    for (size_t i = 0; i < summary->count; i++) {
        if (tarn_str_is(summary->items[i].key, "operation"))
            continue;
        tarn__cell_bytes(r, &c->children[0], summary->items[i].key);
        tarn__cell_bytes(r, &c->children[1], summary->items[i].value);
    }
    if (summary->count)
        tarn__cell_end(r, c);
    else
        tarn__cell_null(r, c);
}

enum tarn_status tarn__fill_snapshots(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    for (; i->at < i->m->snapshot_count && tarn__rows_count(r) < max; i->at++) {
        const struct tarn_snapshot *s = &i->m->snapshots[i->at];
        const struct tarn_str *operation = tarn_kvs_get(&s->summary, "operation");
        struct tarn__cells *c = r->root.children;
        tarn__cell_int(r, c++, tarn__micros(s->timestamp_ms));
        tarn__cell_int(r, c++, s->snapshot_id);
        tarn__cell_int_if(r, c++, s->parent_id != 0, s->parent_id);
        tarn__cell_bytes(r, c++, operation ? *operation : (struct tarn_str){0});
        tarn__cell_bytes(r, c++, s->manifest_list);
        put_summary(r, c++, &s->summary);
    }
    return r->status;
}

/* ---- history */

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum tarn_status find_ancestors(struct tarn__inspect *i, struct tarn_op *op)
{
    size_t n = i->m->snapshot_count;
    const struct tarn_snapshot *s = tarn_metadata_current(i->m);
    TARN_NEW_ARRAY(op, i->ancestors, n + 1);
    for (; s && i->ancestor_count < n; s = tarn__inspect_snapshot(i, s->parent_id))
        i->ancestors[i->ancestor_count++] = s->snapshot_id;
    qsort(i->ancestors, i->ancestor_count, sizeof *i->ancestors, by_number);
    return TARN_OK;
}

enum tarn_status tarn__open_history(struct tarn__inspect *i, struct tarn_op *op)
{
    TARN_TRY(tarn__inspect_index(i, op));
    TARN_TRY(find_ancestors(i, op));
    return tarn__type_append(op, &i->schema,
                             "made_current_at: timestamptz not null, snapshot_id: long not null, "
                             "parent_id: long, is_current_ancestor: boolean not null");
}

enum tarn_status tarn__fill_history(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    for (; i->at < i->m->snapshot_log_count && tarn__rows_count(r) < max; i->at++) {
        const struct tarn_snapshot_log_entry *e = &i->m->snapshot_log[i->at];
        const struct tarn_snapshot *s = tarn__inspect_snapshot(i, e->snapshot_id);
        struct tarn__cells *c = r->root.children;
        bool ancestor = bsearch(&e->snapshot_id, i->ancestors, i->ancestor_count,
                                sizeof *i->ancestors, by_number) != NULL;
        tarn__cell_int(r, c++, tarn__micros(e->timestamp_ms));
        tarn__cell_int(r, c++, e->snapshot_id);
        tarn__cell_int_if(r, c++, s && s->parent_id != 0, s ? s->parent_id : 0);
        tarn__cell_int(r, c++, ancestor);
    }
    return r->status;
}

/* ---- refs */

enum tarn_status tarn__open_refs(struct tarn__inspect *i, struct tarn_op *op)
{
    return tarn__type_append(op, &i->schema,
                             "name: string not null, type: string not null, "
                             "snapshot_id: long not null, max_reference_age_in_ms: long, "
                             "min_snapshots_to_keep: int, max_snapshot_age_in_ms: long");
}

enum tarn_status tarn__fill_refs(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    for (; i->at < i->m->ref_count && tarn__rows_count(r) < max; i->at++) {
        const struct tarn_ref *f = &i->m->refs[i->at];
        struct tarn__cells *c = r->root.children;
        int64_t keep = f->min_snapshots_to_keep;
        tarn__cell_bytes(r, c++, f->name);
        tarn__cell_bytes(r, c++, f->is_tag ? TARN_STR("TAG") : TARN_STR("BRANCH"));
        tarn__cell_int(r, c++, f->snapshot_id);
        tarn__cell_int_if(r, c++, f->max_ref_age_ms >= 0, f->max_ref_age_ms);
        tarn__cell_int_if(r, c++, keep >= 0, keep > INT32_MAX ? INT32_MAX : keep);
        tarn__cell_int_if(r, c++, f->max_snapshot_age_ms >= 0, f->max_snapshot_age_ms);
    }
    return r->status;
}

/* ---- metadata_log_entries */

enum tarn_status tarn__open_log(struct tarn__inspect *i, struct tarn_op *op)
{
    TARN_TRY(tarn__inspect_index(i, op));
    return tarn__type_append(op, &i->schema,
                             "timestamp: timestamptz not null, file: string not null, "
                             "latest_snapshot_id: long, latest_schema_id: int, "
                             "latest_sequence_number: long");
}

/* The snapshot that was current at a time, by the log; 0: none. Of one time the first, as Iceberg
 * Java has it. */
static int64_t snapshot_at(const struct tarn_metadata *m, int64_t ms)
{
    int64_t id = 0, best = INT64_MIN;
    for (size_t k = 0; k < m->snapshot_log_count; k++) {
        const struct tarn_snapshot_log_entry *e = &m->snapshot_log[k];
        if (e->timestamp_ms <= ms && e->timestamp_ms > best) {
            best = e->timestamp_ms;
            id = e->snapshot_id;
        }
    }
    return id;
}

static void put_log_entry(const struct tarn__inspect *i, struct tarn__rows *r, int64_t ms,
                          struct tarn_str file)
{
    struct tarn__cells *c = r->root.children;
    int64_t id = snapshot_at(i->m, ms);
    const struct tarn_snapshot *s = id ? tarn__inspect_snapshot(i, id) : NULL;
    tarn__cell_int(r, c++, tarn__micros(ms));
    tarn__cell_bytes(r, c++, file);
    tarn__cell_int_if(r, c++, id != 0, id);
    tarn__cell_int_if(r, c++, s && s->schema_id >= 0, s ? s->schema_id : 0);
    tarn__cell_int_if(r, c++, s != NULL, s ? s->sequence_number : 0);
}

/* The last row is the table's own file. */
enum tarn_status tarn__fill_log(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    const struct tarn_metadata *m = i->m;
    for (; i->at < m->metadata_log_count && tarn__rows_count(r) < max; i->at++)
        put_log_entry(i, r, m->metadata_log[i->at].timestamp_ms, m->metadata_log[i->at].file);
    if (i->at == m->metadata_log_count && tarn__rows_count(r) < max) {
        put_log_entry(i, r, m->last_updated_ms, i->table->metadata_location);
        i->at++;
    }
    return r->status;
}
