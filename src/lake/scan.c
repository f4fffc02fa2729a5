/* scan: planning. Manifests are skipped by their partition summaries, files by their partition
 * tuple and by column bounds; what is left gets its position deletes. Spec: "Scan Planning",
 * "Position Delete Files".
 */
#include <stdlib.h>

#include "lake/lake_int.h"

/* ---- one projection a spec */

struct projection {
    const struct tarn_partition_spec *spec;
    struct tarn_type partition;
    struct tarn_expr expr;
};

struct planner {
    const struct tarn_lake *lake;
    struct tarn_op *op;
    const struct tarn_table *table;
    const struct tarn_expr *filter;
    struct tarn_scan *scan;
    struct projection *projections;
    size_t projection_count;
    struct tarn_manifest_entry *deletes;
    size_t delete_count, delete_cap, file_cap;
};

static enum tarn_status find_projection(struct planner *p, int32_t spec_id, struct projection **out)
{
    const struct tarn_metadata *m = p->scan->metadata;
    for (size_t i = 0; i < p->projection_count; i++)
        if (p->projections[i].spec->spec_id == spec_id) {
            *out = &p->projections[i];
            return TARN_OK;
        }
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(m, spec_id);
    if (!spec)
        return tarn_fail(p->op, TARN_CORRUPT,
                         "a manifest names partition spec %d, which table metadata does not have",
                         spec_id);
    TARN_ASSERT(p->projection_count < m->spec_count);
    struct projection *made = &p->projections[p->projection_count];
    made->spec = spec;
    made->expr = (struct tarn_expr){.op = TARN_EXPR_TRUE};
    TARN_TRY(tarn_partition_type(p->op, m, spec, &made->partition));
    if (p->filter)
        TARN_TRY(tarn_expr_project(p->op, p->filter, p->scan->schema, spec, &made->expr));
    p->projection_count++;
    *out = made;
    return TARN_OK;
}

/* ---- entries */

static enum tarn_status check_format(const struct planner *p, const struct tarn_manifest_entry *e)
{
    if (tarn_str_eq_nocase(e->file.format, TARN_STR("PARQUET")))
        return TARN_OK;
    return tarn_fail(p->op, TARN_UNSUPPORTED,
                     "table " TARN_IDENT_FMT " has %.*s files, which this version does not read",
                     TARN_IDENT_ARG(p->table->ident), TARN_STR_ARG(e->file.format));
}

static enum tarn_status keep_delete(struct planner *p, const struct tarn_manifest_entry *e)
{
    if (e->file.content == TARN_CONTENT_EQUALITY_DELETES)
        return tarn_fail(p->op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has equality deletes, which this version does not read",
                         TARN_IDENT_ARG(p->table->ident));
    if (e->file.content_offset >= 0 || tarn_str_eq_nocase(e->file.format, TARN_STR("PUFFIN")))
        return tarn_fail(p->op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has deletion vectors, which this version does not read",
                         TARN_IDENT_ARG(p->table->ident));
    TARN_TRY(check_format(p, e));
    if (p->delete_count == p->delete_cap) {
        size_t cap = p->delete_cap ? p->delete_cap * 2 : 16;
        struct tarn_manifest_entry *grown;
        TARN_NEW_ARRAY(p->op, grown, cap);
        if (p->delete_count)
            memcpy(grown, p->deletes, p->delete_count * sizeof *grown);
        p->deletes = grown;
        p->delete_cap = cap;
    }
    p->deletes[p->delete_count++] = *e;
    return TARN_OK;
}

static enum tarn_status keep_file(struct planner *p, const struct tarn_manifest_entry *e)
{
    struct tarn_scan *s = p->scan;
    TARN_TRY(check_format(p, e));
    if (s->file_count == p->file_cap) {
        size_t cap = p->file_cap ? p->file_cap * 2 : 64;
        struct tarn_scan_file *grown;
        TARN_NEW_ARRAY(p->op, grown, cap);
        if (s->file_count)
            memcpy(grown, s->files, s->file_count * sizeof *grown);
        s->files = grown;
        p->file_cap = cap;
    }
    struct tarn_data_file *copy;
    TARN_NEW(p->op, copy);
    *copy = e->file;
    struct tarn_scan_file *f = &s->files[s->file_count];
    *f = (struct tarn_scan_file){.file = copy, .sequence_number = e->sequence_number};
    TARN_TRY(tarn_storage_local_path(p->lake->storage, p->op, copy->path, &f->local_path));
    s->file_count++;
    return TARN_OK;
}

static enum tarn_status plan_entry(struct planner *p, const struct projection *projection,
                                   const struct tarn_manifest_entry *e)
{
    struct tarn_scan_skips *skips = &p->scan->skips;
    struct tarn__tuple_metrics tuple = {projection->spec, &e->file};
    struct tarn__file_metrics file = {p->op, p->scan->schema, &e->file};
    if (e->file.content != TARN_CONTENT_DATA)
        return keep_delete(p, e);
    bool by_partition =
        p->filter && !tarn_expr_may_match(&projection->expr, tarn__tuple_metrics, &tuple);
    bool by_bounds =
        !by_partition && p->filter && !tarn_expr_may_match(p->filter, tarn__file_metrics, &file);
    skips->files++;
    skips->bytes += e->file.size_bytes;
    skips->rows += e->file.record_count;
    if (!by_partition && !by_bounds)
        return keep_file(p, e);
    skips->files_skipped_partition += by_partition;
    skips->files_skipped_bounds += by_bounds;
    skips->bytes_skipped += e->file.size_bytes;
    skips->rows_skipped += e->file.record_count;
    return TARN_OK;
}

static void skip_manifest(struct tarn_scan_skips *skips, const struct tarn_manifest_file *f)
{
    int64_t files =
        (f->added_files > 0 ? f->added_files : 0) + (f->existing_files > 0 ? f->existing_files : 0);
    int64_t rows =
        (f->added_rows > 0 ? f->added_rows : 0) + (f->existing_rows > 0 ? f->existing_rows : 0);
    skips->manifests_skipped++;
    skips->files += files;
    skips->files_skipped_partition += files;
    skips->rows += rows;
    skips->rows_skipped += rows;
}

static enum tarn_status plan_manifest(struct planner *p, const struct tarn_manifest_file *f)
{
    struct projection *projection = NULL;
    struct tarn_manifest manifest;
    p->scan->skips.manifests++;
    if (f->added_files == 0 && f->existing_files == 0)
        return TARN_OK;
    TARN_TRY(find_projection(p, f->spec_id, &projection));
    struct tarn__summary_metrics summary = {p->op, projection->spec, &projection->partition, f};
    if (p->filter && !f->deletes &&
        !tarn_expr_may_match(&projection->expr, tarn__summary_metrics, &summary)) {
        skip_manifest(&p->scan->skips, f);
        return TARN_OK;
    }
    TARN_TRY(tarn_table_manifest(p->lake, p->op, p->scan->metadata, f, &manifest));
    for (size_t i = 0; i < manifest.count; i++)
        if (manifest.entries[i].status != TARN_ENTRY_DELETED)
            TARN_TRY(plan_entry(p, projection, &manifest.entries[i]));
    return TARN_OK;
}

/* ---- position deletes */

static int by_sequence(const void *a, const void *b)
{
    const struct tarn_manifest_entry *x = a, *y = b;
    return x->sequence_number < y->sequence_number ? -1 : x->sequence_number > y->sequence_number;
}

static enum tarn_status merge_positions(struct tarn_op *op, struct tarn_scan_file *f,
                                        const int64_t *more, size_t count)
{
    int64_t *merged;
    size_t n = 0, i = 0, k = 0;
    TARN_NEW_ARRAY(op, merged, f->deleted_count + count);
    while (i < f->deleted_count || k < count) {
        int64_t next;
        if (k == count || (i < f->deleted_count && f->deleted[i] <= more[k]))
            next = f->deleted[i++];
        else
            next = more[k++];
        if (n == 0 || merged[n - 1] != next)
            merged[n++] = next;
    }
    f->deleted = merged;
    f->deleted_count = n;
    return TARN_OK;
}

/* Delete files of one sequence number apply to data files of the same or an earlier one (trap
 * 5). */
static enum tarn_status apply_deletes(struct planner *p, const struct tarn_manifest_entry *first,
                                      size_t count, const struct tarn__path_set *names,
                                      const size_t *file_of_name)
{
    struct tarn_position_deletes found;
    struct tarn_str *paths;
    TARN_NEW_ARRAY(p->op, paths, count);
    for (size_t i = 0; i < count; i++)
        TARN_TRY(tarn_storage_local_path(p->lake->storage, p->op, first[i].file.path, &paths[i]));
    TARN_TRY_WHILE(p->op, p->lake->deletes->read(p->lake->deletes, p->op, paths, count, &found),
                   "reading position deletes of table " TARN_IDENT_FMT,
                   TARN_IDENT_ARG(p->table->ident));
    for (size_t i = 0; i < found.path_count; i++) {
        long k = tarn__path_set_find(names, found.paths[i]);
        if (k < 0)
            continue;
        struct tarn_scan_file *f = &p->scan->files[file_of_name[k]];
        if (f->sequence_number <= first->sequence_number)
            TARN_TRY(merge_positions(p->op, f, found.positions[i], found.counts[i]));
    }
    return TARN_OK;
}

static enum tarn_status plan_deletes(struct planner *p)
{
    struct tarn_scan *s = p->scan;
    struct tarn__path_set names;
    struct tarn_str *paths;
    size_t *file_of_name;
    if (p->delete_count == 0 || s->file_count == 0)
        return TARN_OK;
    if (!p->lake->deletes)
        return tarn_fail(p->op, TARN_UNSUPPORTED,
                         "table " TARN_IDENT_FMT
                         " has position deletes and no engine is open to read them",
                         TARN_IDENT_ARG(p->table->ident));
    TARN_NEW_ARRAY(p->op, paths, s->file_count);
    TARN_NEW_ARRAY(p->op, file_of_name, s->file_count);
    for (size_t i = 0; i < s->file_count; i++)
        paths[i] = s->files[i].file->path;
    TARN_TRY(tarn__path_set_make(p->op, paths, s->file_count, &names));
    for (size_t i = 0; i < s->file_count; i++) {
        long k = tarn__path_set_find(&names, paths[i]);
        file_of_name[k] = i;
    }
    qsort(p->deletes, p->delete_count, sizeof *p->deletes, by_sequence);
    for (size_t i = 0; i < p->delete_count;) {
        size_t end = i + 1;
        while (end < p->delete_count &&
               p->deletes[end].sequence_number == p->deletes[i].sequence_number)
            end++;
        TARN_TRY(apply_deletes(p, &p->deletes[i], end - i, &names, file_of_name));
        i = end;
    }
    return TARN_OK;
}

/* ---- names inside of columns */

/* Engines find a column by its id, and what lies inside of it by name. */
static bool inner_names_changed(const struct tarn_type *then, const struct tarn_type *now)
{
    for (size_t i = 0; i < then->field_count; i++) {
        const struct tarn_field *f = &then->fields[i];
        const struct tarn_field *same = tarn_type_field_by_name(now, f->name);
        for (size_t k = 0; !same && k < now->field_count; k++)
            if (now->fields[k].id == f->id)
                return true; /* renamed */
        if (same && (same->id != f->id || inner_names_changed(&f->type, &same->type)))
            return true;
    }
    return false;
}

/* Did a name inside of a column ever mean another field, while the column was the same one? A
 * column that was replaced as a whole is another one: no file holds both. */
static bool nested_by_id(const struct tarn_metadata *m, const struct tarn_schema *now)
{
    for (size_t i = 0; i < m->schema_count; i++)
        for (size_t k = 0; k < m->schemas[i].root.field_count; k++) {
            const struct tarn_field *then = &m->schemas[i].root.fields[k];
            for (size_t n = 0; n < now->root.field_count && tarn_type_is_nested(&then->type); n++)
                if (now->root.fields[n].id == then->id &&
                    inner_names_changed(&then->type, &now->root.fields[n].type))
                    return true;
        }
    return false;
}

/* ---- */

enum tarn_status tarn_table_scan(const struct tarn_lake *lake, struct tarn_op *op,
                                 const struct tarn_table *t, const struct tarn_snapshot *snapshot,
                                 const struct tarn_expr *filter, struct tarn_scan **out)
{
    const struct tarn_metadata *m = &t->metadata;
    struct tarn_manifest_list list;
    struct planner p = {.lake = lake, .op = op, .table = t, .filter = filter};
    TARN_NEW(op, p.scan);
    TARN_NEW_ARRAY(op, p.projections, m->spec_count ? m->spec_count : 1);
    p.scan->metadata = m;
    p.scan->schema = tarn_metadata_schema(m);
    /* a query of the past sees the columns of its time (spec: "Point in Time Reads") */
    if (snapshot && snapshot->snapshot_id != m->current_snapshot_id && snapshot->schema_id >= 0) {
        const struct tarn_schema *then = tarn_metadata_schema_by_id(m, snapshot->schema_id);
        p.scan->schema = then ? then : p.scan->schema;
    }
    p.scan->snapshot = snapshot ? snapshot : tarn_metadata_current(m);
    p.scan->nested_by_id = nested_by_id(m, p.scan->schema);
    p.scan->files_without_ids_possible =
        tarn_kvs_get(&m->properties, "schema.name-mapping.default") != NULL;
    TARN_TRY(tarn_table_manifests(lake, op, m, p.scan->snapshot, &list));
    for (size_t i = 0; i < list.count; i++)
        TARN_TRY_WHILE(op, plan_manifest(&p, &list.files[i]),
                       "planning a scan of table " TARN_IDENT_FMT, TARN_IDENT_ARG(t->ident));
    TARN_TRY(plan_deletes(&p));
    *out = p.scan;
    return TARN_OK;
}
