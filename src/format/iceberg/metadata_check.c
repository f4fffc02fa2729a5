/* metadata_check: what a table's metadata must hold to, of a file that was read and of a struct that is to be written alike.
 *
 * 1. Ids of schemas, specs, sort orders, snapshots and fields, and names of references, stand once.
 * 2. The current schema, spec, order and snapshot, and the snapshot of every reference, are in the file.
 * 3. "main" points to the current snapshot (spec "Table Metadata Fields").
 * 4. No snapshot has a sequence number above the last one: the next commit would give a number again.
 * 5. A snapshot that gives out row ids says how many, and next-row-id lies above them (v3).
 * 6. A field has a positive id: 0 means "not yet assigned" in our structs.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "format/iceberg/metadata_int.h"

static int cmp_i64(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the ids and answers whether they differ; *out is the first that stands twice. */
static bool all_differ(int64_t *ids, size_t count, int64_t *out)
{
    qsort(ids, count, sizeof *ids, cmp_i64);
    for (size_t i = 1; i < count; i++) {
        *out = ids[i];
        if (ids[i - 1] == ids[i])
            return false;
    }
    return true;
}

#define IDS_OF(items, n, member)        \
    for (size_t i_ = 0; i_ < (n); i_++) \
    ids[i_] = (items)[i_].member

static enum tarn_status fail_twin(struct tarn_op *op, enum tarn_status status, const char *what,
                                  int64_t id)
{
    return tarn_fail(op, status, "two %s have the id %lld", what, (long long)id);
}

/* ids has room for the longest of the lists. */
static enum tarn_status check_unique(struct tarn_op *op, const struct tarn_metadata *m,
                                     enum tarn_status status, int64_t *ids)
{
    int64_t twin = 0;
    IDS_OF(m->schemas, m->schema_count, schema_id);
    if (!all_differ(ids, m->schema_count, &twin))
        return fail_twin(op, status, "schemas", twin);
    IDS_OF(m->specs, m->spec_count, spec_id);
    if (!all_differ(ids, m->spec_count, &twin))
        return fail_twin(op, status, "partition specs", twin);
    IDS_OF(m->sort_orders, m->sort_order_count, order_id);
    if (!all_differ(ids, m->sort_order_count, &twin))
        return fail_twin(op, status, "sort orders", twin);
    for (size_t s = 0; s < m->spec_count; s++) {
        IDS_OF(m->specs[s].fields, m->specs[s].field_count, field_id);
        if (!all_differ(ids, m->specs[s].field_count, &twin))
            return fail_twin(op, status, "fields of a partition spec", twin);
    }
    IDS_OF(m->snapshots, m->snapshot_count, snapshot_id); /* last: check_refs uses them */
    if (!all_differ(ids, m->snapshot_count, &twin))
        return fail_twin(op, status, "snapshots", twin);
    return TARN_OK;
}

static enum tarn_status check_refs(struct tarn_op *op, const struct tarn_metadata *m,
                                   enum tarn_status status, const int64_t *sorted_snapshots)
{
    const struct tarn_ref *main_ref = tarn_metadata_ref(m, TARN_STR("main"));
    for (size_t i = 0; i < m->ref_count; i++)
        if (!bsearch(&m->refs[i].snapshot_id, sorted_snapshots, m->snapshot_count,
                     sizeof *sorted_snapshots, cmp_i64))
            return tarn_fail(op, status,
                             "reference \"%.*s\" points to snapshot %lld, which is missing",
                             TARN_STR_ARG(m->refs[i].name), (long long)m->refs[i].snapshot_id);
    if (m->current_snapshot_id != 0 && !tarn_metadata_current(m))
        return tarn_fail(op, status, "the current snapshot %lld is missing",
                         (long long)m->current_snapshot_id);
    if (main_ref && main_ref->snapshot_id != m->current_snapshot_id)
        return tarn_fail(op, status, "branch main is at snapshot %lld, but the current one is %lld",
                         (long long)main_ref->snapshot_id, (long long)m->current_snapshot_id);
    return TARN_OK;
}

static enum tarn_status check_current(struct tarn_op *op, const struct tarn_metadata *m,
                                      enum tarn_status status)
{
    bool order = false;
    for (size_t i = 0; i < m->sort_order_count; i++)
        order |= m->sort_orders[i].order_id == m->default_sort_order_id;
    if (!tarn_metadata_schema(m))
        return tarn_fail(op, status, "the current schema %d is missing", (int)m->current_schema_id);
    if (!tarn_metadata_spec(m))
        return tarn_fail(op, status, "the default partition spec %d is missing",
                         (int)m->default_spec_id);
    if (!order)
        return tarn_fail(op, status, "the default sort order %d is missing",
                         (int)m->default_sort_order_id);
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (m->snapshots[i].sequence_number > m->last_sequence_number)
            return tarn_fail(
                op, status, "snapshot %lld has sequence number %lld, above the last one, %lld",
                (long long)m->snapshots[i].snapshot_id, (long long)m->snapshots[i].sequence_number,
                (long long)m->last_sequence_number);
    return TARN_OK;
}

static enum tarn_status check_row_ids(struct tarn_op *op, const struct tarn_metadata *m,
                                      enum tarn_status status)
{
    for (size_t i = 0; i < m->snapshot_count && m->format_version >= 3; i++) {
        const struct tarn_snapshot *s = &m->snapshots[i];
        int64_t end;
        if (s->first_row_id < 0)
            continue; /* of before the upgrade to version 3 */
        if (s->added_rows < 0)
            return tarn_fail(op, status, "snapshot %lld has a first-row-id, but no added-rows",
                             (long long)s->snapshot_id);
        if (__builtin_add_overflow(s->first_row_id, s->added_rows, &end) || end > m->next_row_id)
            return tarn_fail(op, status,
                             "snapshot %lld has row ids above the table's next-row-id, %lld",
                             (long long)s->snapshot_id, (long long)m->next_row_id);
    }
    return m->next_row_id < 0 ? tarn_fail(op, status, "next-row-id is negative") : TARN_OK;
}

static bool has_unassigned(const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].id <= 0 || has_unassigned(&t->fields[i].type))
            return true;
    return false;
}

static size_t longest_list(const struct tarn_metadata *m)
{
    size_t n = m->snapshot_count;
    n = m->schema_count > n ? m->schema_count : n;
    n = m->spec_count > n ? m->spec_count : n;
    n = m->sort_order_count > n ? m->sort_order_count : n;
    for (size_t i = 0; i < m->spec_count; i++)
        n = m->specs[i].field_count > n ? m->specs[i].field_count : n;
    return n;
}

enum tarn_status tarn__metadata_check(struct tarn_op *op, const struct tarn_metadata *m,
                                      enum tarn_status status)
{
    for (size_t i = 0; i < m->schema_count; i++)
        if (has_unassigned(&m->schemas[i].root))
            return tarn_fail(op, status, "schema %d has a field without a positive id",
                             (int)m->schemas[i].schema_id);
    TARN_TRY(check_current(op, m, status));
    TARN_TRY(check_row_ids(op, m, status));
    struct tarn_arena_mark mark = tarn_arena_mark(op->scratch);
    int64_t *ids = tarn_arena_alloc(op->scratch, longest_list(m) * sizeof *ids);
    if (!ids)
        return tarn_fail(op, TARN_NOMEM, "out of memory while checking table metadata");
    enum tarn_status result = check_unique(op, m, status, ids);
    if (result == TARN_OK)
        result = check_refs(op, m, status, ids);
    tarn_arena_rewind(op->scratch, mark);
    return result;
}
