/* scan_equality: which equality delete files may apply to which data files of a scan (spec
 * "Equality Delete Files", "Scan Planning"; traps 5 to 8).
 *
 * A delete file applies to data files of a smaller sequence number, of the same spec and partition,
 * or, when its own spec partitions nothing, to all. Delete files of the same columns and scope make
 * a group. Pairs whose bounds or null counts rule each other out are dropped, and with them delete
 * files that no data file needs.
 */
#include <stdlib.h>

#include "lake/scan_int.h"

#define PAIRS_MAX 4000000 /* above it bounds are not compared: the engine finds out */

struct group {
    struct tarn_equality_group out;
    const struct tarn_data_file *first; /* its spec and partition are the group's */
    bool global;
    size_t delete_cap;
};
struct work {
    struct tarn__planner *p;
    struct group *groups;
    size_t count, cap;
    bool compare;
};

/* ---- groups */

static bool partitions_nothing(const struct tarn_partition_spec *spec)
{
    for (size_t i = 0; i < spec->field_count; i++)
        if (spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            return false;
    return true;
}

static int by_id(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static enum tarn_status sorted_ids(struct tarn_op *op, const struct tarn_data_file *d,
                                   int32_t **out, size_t *out_count)
{
    int32_t *ids;
    size_t n = 0;
    if (d->equality_id_count == 0)
        return tarn_fail(op, TARN_CORRUPT, "equality delete file \"%.*s\" names no columns",
                         TARN_STR_ARG(d->path));
    TARN_NEW_ARRAY(op, ids, d->equality_id_count);
    memcpy(ids, d->equality_ids, d->equality_id_count * sizeof *ids);
    qsort(ids, d->equality_id_count, sizeof *ids, by_id);
    for (size_t i = 0; i < d->equality_id_count; i++)
        if (n == 0 || ids[n - 1] != ids[i])
            ids[n++] = ids[i];
    *out = ids;
    *out_count = n;
    return TARN_OK;
}

static enum tarn_status find_group(struct work *w, const struct tarn_data_file *d,
                                   struct group **out)
{
    struct tarn__projection *projection;
    int32_t *ids = NULL;
    size_t n = 0;
    TARN_TRY(tarn__plan_projection(w->p, d->spec_id, &projection));
    bool global = partitions_nothing(projection->spec);
    TARN_TRY(sorted_ids(w->p->op, d, &ids, &n));
    for (size_t i = 0; i < w->count; i++) {
        struct group *g = &w->groups[i];
        bool same = g->global == global && g->out.field_id_count == n &&
                    memcmp(g->out.field_ids, ids, n * sizeof *ids) == 0;
        if (same && !global)
            TARN_TRY(tarn__same_partition(w->p, g->first, d, &same));
        *out = g;
        if (same)
            return TARN_OK;
    }
    TARN_GROW(w->p->op, w->groups, w->count, w->cap);
    *out = &w->groups[w->count++];
    **out = (struct group){.first = d, .global = global};
    (*out)->out.field_ids = ids;
    (*out)->out.field_id_count = n;
    return TARN_OK;
}

static enum tarn_status add_delete(struct work *w, const struct tarn_manifest_entry *e)
{
    struct group *g;
    struct tarn_data_file *copy;
    TARN_TRY(find_group(w, &e->file, &g));
    TARN_GROW(w->p->op, g->out.deletes, g->out.delete_count, g->delete_cap);
    TARN_NEW(w->p->op, copy);
    *copy = e->file;
    struct tarn_equality_delete *d = &g->out.deletes[g->out.delete_count++];
    *d = (struct tarn_equality_delete){.file = copy, .sequence_number = e->sequence_number};
    return tarn_storage_local_path(w->p->lake->storage, w->p->op, copy->path, &d->local_path);
}

/* ---- what metrics rule out */

struct facts { /* of one column in one file */
    bool known, floating;
    struct tarn_type type;
    struct tarn_field_metrics m;
};

static enum tarn_status facts_of(struct tarn_op *op, const struct tarn_schema *schema,
                                 const struct tarn_data_file *file, const int32_t *ids, size_t n,
                                 struct facts **out)
{
    struct tarn__file_metrics ctx = {op, schema, file};
    TARN_NEW_ARRAY(op, *out, n);
    for (size_t i = 0; i < n; i++) {
        const struct tarn_field *f = tarn_schema_field_by_id(ctx.schema, ids[i]);
        struct facts *k = &(*out)[i];
        if (!f || tarn_type_is_nested(&f->type))
            continue;
        k->type = f->type;
        k->floating = f->type.kind == TARN_TYPE_FLOAT || f->type.kind == TARN_TYPE_DOUBLE;
        k->known = tarn__file_metrics(&ctx, ids[i], &k->m);
    }
    return TARN_OK;
}

static bool all_null(const struct facts *k)
{
    return k->m.null_count >= 0 && k->m.null_count == k->m.value_count;
}

/* Bounds say nothing of NaN, and are no exact zeros. */
static bool apart(const struct facts *a, const struct facts *b)
{
    if (!a->m.has_lower || !a->m.has_upper || !b->m.has_lower || !b->m.has_upper)
        return false;
    if (!a->floating)
        return tarn_value_cmp(&a->type, &a->m.lower, &b->m.upper) > 0 ||
               tarn_value_cmp(&a->type, &b->m.lower, &a->m.upper) > 0;
    return (a->m.nan_count == 0 || b->m.nan_count == 0) &&
           (a->m.lower.d > b->m.upper.d || b->m.lower.d > a->m.upper.d);
}

static bool may_share_rows(const struct facts *data, const struct facts *deletes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct facts *a = &data[i], *b = &deletes[i];
        if (!a->known || !b->known || (a->m.null_count != 0 && b->m.null_count != 0))
            continue; /* null equals null */
        if ((all_null(a) && b->m.null_count == 0) || (all_null(b) && a->m.null_count == 0) ||
            apart(a, b))
            return false;
    }
    return true;
}

/* ---- the files of a group */

static enum tarn_status in_scope(struct work *w, const struct group *g,
                                 const struct tarn_scan_file *f, bool *out)
{
    *out = true;
    return g->global ? TARN_OK : tarn__same_partition(w->p, g->first, f->file, out);
}

static enum tarn_status match_file(struct work *w, struct group *g, size_t file,
                                   struct facts *const *delete_facts, bool *used)
{
    const struct tarn_scan_file *f = &w->p->scan->files[file];
    struct facts *data = NULL;
    bool any = false, scope;
    TARN_TRY(in_scope(w, g, f, &scope));
    if (!scope)
        return TARN_OK;
    if (w->compare)
        TARN_TRY(facts_of(w->p->op, w->p->scan->schema, f->file, g->out.field_ids,
                          g->out.field_id_count, &data));
    for (size_t i = 0; i < g->out.delete_count; i++) {
        bool yes = g->out.deletes[i].sequence_number > f->sequence_number &&
                   (!data || may_share_rows(data, delete_facts[i], g->out.field_id_count));
        any = any || yes;
        used[i] = used[i] || yes;
    }
    if (any)
        g->out.files[g->out.file_count++] = file;
    return TARN_OK;
}

static enum tarn_status match_group(struct work *w, struct group *g)
{
    struct facts **delete_facts;
    bool *used;
    size_t n = 0;
    TARN_NEW_ARRAY(w->p->op, g->out.files, w->p->scan->file_count);
    TARN_NEW_ARRAY(w->p->op, delete_facts, g->out.delete_count);
    TARN_NEW_ARRAY(w->p->op, used, g->out.delete_count);
    for (size_t i = 0; w->compare && i < g->out.delete_count; i++)
        TARN_TRY(facts_of(w->p->op, w->p->scan->schema, g->out.deletes[i].file, g->out.field_ids,
                          g->out.field_id_count, &delete_facts[i]));
    for (size_t i = 0; i < w->p->scan->file_count; i++)
        TARN_TRY(match_file(w, g, i, delete_facts, used));
    for (size_t i = 0; i < g->out.delete_count; i++)
        if (used[i])
            g->out.deletes[n++] = g->out.deletes[i];
    g->out.delete_count = n;
    return TARN_OK;
}

enum tarn_status tarn__plan_equality(struct tarn__planner *p)
{
    struct work w = {.p = p};
    struct tarn_scan *s = p->scan;
    if (p->equality.count == 0)
        return TARN_OK;
    w.compare = p->equality.count <= PAIRS_MAX / s->file_count;
    for (size_t i = 0; i < p->equality.count; i++)
        TARN_TRY(add_delete(&w, &p->equality.items[i]));
    TARN_NEW_ARRAY(p->op, s->equality, w.count);
    for (size_t i = 0; i < w.count; i++) {
        TARN_TRY(match_group(&w, &w.groups[i]));
        if (w.groups[i].out.file_count)
            s->equality[s->equality_count++] = w.groups[i].out;
    }
    return TARN_OK;
}

/* ---- one pair of files */

static enum tarn_status same_scope(struct tarn_op *op, const struct tarn_metadata *m,
                                   const struct tarn_data_file *deletes,
                                   const struct tarn_data_file *data, bool *out)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, deletes->spec_id);
    struct tarn_type type;
    *out = !spec || partitions_nothing(spec);
    if (*out || deletes->spec_id != data->spec_id)
        return TARN_OK;
    TARN_TRY(tarn_partition_type(op, m, spec, &type));
    *out = true;
    for (size_t i = 0; i < type.field_count; i++)
        if (i < deletes->partition_count && i < data->partition_count &&
            !tarn_value_eq(&type.fields[i].type, &deletes->partition[i], &data->partition[i]))
            *out = false;
    return TARN_OK;
}

static enum tarn_status may_share(struct tarn_op *op, const struct tarn_metadata *m,
                                  const struct tarn_data_file *deletes,
                                  const struct tarn_data_file *other, bool *out)
{
    const struct tarn_schema *schema = tarn_metadata_schema(m);
    struct facts *a, *b;
    size_t n = deletes->equality_id_count;
    TARN_TRY(facts_of(op, schema, deletes, deletes->equality_ids, n, &a));
    TARN_TRY(facts_of(op, schema, other, deletes->equality_ids, n, &b));
    *out = may_share_rows(b, a, n);
    return TARN_OK;
}

enum tarn_status tarn__equality_may_hide(struct tarn_op *op, const struct tarn_metadata *m,
                                         const struct tarn_data_file *deletes,
                                         const struct tarn_data_file *data, bool *out)
{
    TARN_TRY(same_scope(op, m, deletes, data, out));
    return *out ? may_share(op, m, deletes, data, out) : TARN_OK;
}

enum tarn_status tarn__equality_may_share(struct tarn_op *op, const struct tarn_metadata *m,
                                          const struct tarn_data_file *a,
                                          const struct tarn_data_file *b, bool *out)
{
    bool one, other, same = a->equality_id_count == b->equality_id_count;
    for (size_t i = 0; same && i < a->equality_id_count; i++)
        same = a->equality_ids[i] == b->equality_ids[i];
    TARN_TRY(same_scope(op, m, a, b, &one));
    TARN_TRY(same_scope(op, m, b, a, &other));
    *out = (one || other) && !same;
    return (one || other) && same ? may_share(op, m, a, b, out) : TARN_OK;
}
