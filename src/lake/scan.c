/* scan: planning. Manifests are skipped by their partition summaries, files by their partition
 * tuple and by column bounds; what is left gets what is deleted of it. Spec: "Scan Planning".
 *
 * Delete files apply within their partition, so the filter's projection leaves out those of other
 * partitions too; those of an unpartitioned spec are kept by it.
 */
#include "lake/scan_int.h"

enum tarn_status tarn__plan_projection(struct tarn__planner *p, int32_t spec_id,
                                       struct tarn__projection **out)
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
    struct tarn__projection *made = &p->projections[p->projection_count];
    made->spec = spec;
    made->expr = (struct tarn_expr){.op = TARN_EXPR_TRUE};
    TARN_TRY(tarn_partition_type(p->op, m, spec, &made->partition));
    if (p->filter)
        TARN_TRY(tarn_expr_project(p->op, p->filter, p->scan->schema, spec, &made->expr));
    p->projection_count++;
    *out = made;
    return TARN_OK;
}

enum tarn_status tarn__same_partition(struct tarn__planner *p, const struct tarn_data_file *a,
                                      const struct tarn_data_file *b, bool *out)
{
    struct tarn__projection *of;
    *out = a->spec_id == b->spec_id && a->partition_count == b->partition_count;
    if (!*out || a->partition_count == 0)
        return TARN_OK;
    TARN_TRY(tarn__plan_projection(p, a->spec_id, &of));
    for (size_t i = 0; *out && i < a->partition_count && i < of->partition.field_count; i++)
        *out = tarn_value_eq(&of->partition.fields[i].type, &a->partition[i], &b->partition[i]);
    return TARN_OK;
}

/* ---- entries */

static enum tarn_status check_format(const struct tarn__planner *p,
                                     const struct tarn_manifest_entry *e)
{
    if (tarn_str_eq_nocase(e->file.format, TARN_STR("PARQUET")))
        return TARN_OK;
    return tarn_fail(p->op, TARN_UNSUPPORTED,
                     "table " TARN_IDENT_FMT " has %.*s files, which this version does not read",
                     TARN_IDENT_ARG(p->table->ident), TARN_STR_ARG(e->file.format));
}

static enum tarn_status keep_delete(struct tarn__planner *p, const struct tarn_manifest_entry *e)
{
    struct tarn__entries *list = &p->positions;
    if (e->file.content == TARN_CONTENT_EQUALITY_DELETES)
        list = &p->equality;
    else if (e->file.content_offset >= 0 || tarn_str_eq_nocase(e->file.format, TARN_STR("PUFFIN")))
        list = &p->vectors;
    if (list != &p->vectors)
        TARN_TRY(check_format(p, e));
    TARN_GROW(p->op, list->items, list->count, list->cap);
    list->items[list->count++] = *e;
    return TARN_OK;
}

static enum tarn_status keep_file(struct tarn__planner *p, const struct tarn_manifest_entry *e)
{
    struct tarn_scan *s = p->scan;
    TARN_TRY(check_format(p, e));
    TARN_GROW(p->op, s->files, s->file_count, p->file_cap);
    struct tarn_data_file *copy;
    TARN_NEW(p->op, copy);
    *copy = e->file;
    struct tarn_scan_file *f = &s->files[s->file_count];
    *f = (struct tarn_scan_file){.file = copy, .sequence_number = e->sequence_number};
    TARN_TRY(tarn_storage_local_path(p->lake->storage, p->op, copy->path, &f->local_path));
    s->file_count++;
    return TARN_OK;
}

static enum tarn_status plan_entry(struct tarn__planner *p,
                                   const struct tarn__projection *projection,
                                   const struct tarn_manifest_entry *e)
{
    struct tarn_scan_skips *skips = &p->scan->skips;
    struct tarn__tuple_metrics tuple = {projection->spec, &e->file};
    struct tarn__file_metrics file = {p->op, p->scan->schema, &e->file};
    bool by_partition =
        p->filter && !tarn_expr_may_match(&projection->expr, tarn__tuple_metrics, &tuple);
    if (e->file.content != TARN_CONTENT_DATA)
        return by_partition ? TARN_OK : keep_delete(p, e);
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
    if (f->deletes)
        return;
    skips->files += files;
    skips->files_skipped_partition += files;
    skips->rows += rows;
    skips->rows_skipped += rows;
}

static bool entry_is_wanted(const struct tarn__planner *p, const struct tarn_manifest_entry *e)
{
    if (p->added_by == 0)
        return e->status != TARN_ENTRY_DELETED;
    return e->status == TARN_ENTRY_ADDED && e->snapshot_id == p->added_by;
}

enum tarn_status tarn__plan_manifest(struct tarn__planner *p, const struct tarn_manifest_file *f)
{
    struct tarn__projection *projection = NULL;
    struct tarn_manifest manifest;
    p->scan->skips.manifests++;
    if (f->added_files == 0 && f->existing_files == 0)
        return TARN_OK;
    TARN_TRY(tarn__plan_projection(p, f->spec_id, &projection));
    struct tarn__summary_metrics summary = {p->op, projection->spec, &projection->partition, f};
    if (p->filter && !tarn_expr_may_match(&projection->expr, tarn__summary_metrics, &summary)) {
        skip_manifest(&p->scan->skips, f);
        return TARN_OK;
    }
    TARN_TRY(tarn_table_manifest(p->lake, p->op, p->scan->metadata, f, &manifest));
    for (size_t i = 0; i < manifest.count; i++)
        if (entry_is_wanted(p, &manifest.entries[i]))
            TARN_TRY(plan_entry(p, projection, &manifest.entries[i]));
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

/* A default inside of a column that files may lack. */
static bool inner_defaults(const struct tarn_type *t)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (t->fields[i].initial_default.ptr || inner_defaults(&t->fields[i].type))
            return true;
    return false;
}

/* Did a name inside of a column ever mean another field, while the column was the same one? A
 * column that was replaced as a whole is another one: no file holds both. */
static bool nested_by_id(const struct tarn_metadata *m, const struct tarn_schema *now, bool gone)
{
    for (size_t n = 0; gone && n < now->root.field_count; n++)
        if (tarn_type_is_nested(&now->root.fields[n].type))
            return true;
    for (size_t n = 0; n < now->root.field_count; n++)
        if (tarn_type_is_nested(&now->root.fields[n].type) &&
            (now->root.fields[n].initial_default.ptr || inner_defaults(&now->root.fields[n].type)))
            return true;
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

/* Schemas are numbered from 0. Who removes those that no snapshot has (Java's expiry does, when it is
 * told to) does not look at what files were written with. Version 1 need not keep any. */
static bool schemas_gone(const struct tarn_metadata *m)
{
    int32_t highest = -1, id = 0;
    for (size_t i = 0; i < m->schema_count; i++) {
        int32_t here = tarn_schema_highest_id(&m->schemas[i]);
        highest = m->schemas[i].schema_id > highest ? m->schemas[i].schema_id : highest;
        id = here > id ? here : id;
    }
    return m->format_version == 1 || (int64_t)m->schema_count != (int64_t)highest + 1 ||
           m->last_column_id > id;
}

/* ---- */

enum tarn_status tarn__plan_begin(struct tarn__planner *p, const struct tarn_lake *lake,
                                  struct tarn_op *op, const struct tarn_table *t,
                                  const struct tarn_schema *schema, const struct tarn_expr *filter)
{
    const struct tarn_metadata *m = &t->metadata;
    *p = (struct tarn__planner){.lake = lake, .op = op, .table = t, .filter = filter};
    TARN_NEW(op, p->scan);
    TARN_NEW_ARRAY(op, p->projections, m->spec_count ? m->spec_count : 1);
    p->scan->metadata = m;
    p->scan->schema = schema ? schema : tarn_metadata_schema(m);
    p->scan->schemas_gone = schemas_gone(m);
    p->scan->nested_by_id = nested_by_id(m, p->scan->schema, p->scan->schemas_gone);
    p->scan->files_without_ids_possible =
        tarn_kvs_get(&m->properties, "schema.name-mapping.default") != NULL;
    return TARN_OK;
}

static enum tarn_status index_files(struct tarn__planner *p)
{
    const struct tarn_scan *s = p->scan;
    struct tarn_str *paths;
    TARN_NEW_ARRAY(p->op, paths, s->file_count);
    TARN_NEW_ARRAY(p->op, p->file_of_name, s->file_count);
    TARN_NEW_ARRAY(p->op, p->has_vector, s->file_count);
    for (size_t i = 0; i < s->file_count; i++)
        paths[i] = s->files[i].file->path;
    TARN_TRY(tarn__path_set_make(p->op, paths, s->file_count, &p->names));
    for (size_t i = 0; i < s->file_count; i++)
        p->file_of_name[tarn__path_set_find(&p->names, paths[i])] = i;
    return TARN_OK;
}

struct tarn_scan_file *tarn__plan_file(const struct tarn__planner *p, struct tarn_str path)
{
    long k = tarn__path_set_find(&p->names, path);
    return k < 0 ? NULL : &p->scan->files[p->file_of_name[k]];
}

enum tarn_status tarn__plan_finish(struct tarn__planner *p)
{
    if (p->scan->file_count == 0 || p->positions.count + p->vectors.count + p->equality.count == 0)
        return TARN_OK;
    TARN_TRY(index_files(p));
    TARN_TRY(tarn__plan_vectors(p));
    TARN_TRY(tarn__plan_positions(p));
    return tarn__plan_equality(p);
}

enum tarn_status tarn__plan_snapshot(struct tarn__planner *p, const struct tarn_snapshot *s)
{
    struct tarn_manifest_list list;
    p->scan->snapshot = s;
    TARN_TRY(tarn_table_manifests(p->lake, p->op, p->scan->metadata, s, &list));
    for (size_t i = 0; i < list.count; i++)
        TARN_TRY_WHILE(p->op, tarn__plan_manifest(p, &list.files[i]),
                       "planning a scan of table " TARN_IDENT_FMT ", manifest \"%.*s\"",
                       TARN_IDENT_ARG(p->table->ident), TARN_STR_ARG(list.files[i].path));
    TARN_TRY_WHILE(p->op, tarn__plan_finish(p), "planning a scan of table " TARN_IDENT_FMT,
                   TARN_IDENT_ARG(p->table->ident));
    return TARN_OK;
}

/* Spec "Point in Time Reads": a query of the past sees the columns of its time. */
const struct tarn_schema *tarn_table_columns(const struct tarn_table *t,
                                             const struct tarn_snapshot *s, bool of_branch)
{
    const struct tarn_schema *then = NULL;
    if (s && !of_branch && s->schema_id >= 0)
        then = tarn_metadata_schema_by_id(&t->metadata, s->schema_id);
    return then ? then : tarn_metadata_schema(&t->metadata);
}

static bool heads_a_branch(const struct tarn_metadata *m, const struct tarn_snapshot *s)
{
    if (s->snapshot_id == m->current_snapshot_id)
        return true;
    for (size_t i = 0; i < m->ref_count; i++)
        if (!m->refs[i].is_tag && m->refs[i].snapshot_id == s->snapshot_id)
            return true;
    return false;
}

enum tarn_status tarn_table_scan_columns(const struct tarn_lake *lake, struct tarn_op *op,
                                         const struct tarn_table *t,
                                         const struct tarn_snapshot *snapshot,
                                         const struct tarn_schema *schema,
                                         const struct tarn_expr *filter, struct tarn_scan **out)
{
    struct tarn__planner p;
    TARN_TRY(tarn__plan_begin(&p, lake, op, t, schema, filter));
    TARN_TRY(tarn__plan_snapshot(&p, snapshot ? snapshot : tarn_metadata_current(&t->metadata)));
    *out = p.scan;
    return TARN_OK;
}

enum tarn_status tarn_table_scan(const struct tarn_lake *lake, struct tarn_op *op,
                                 const struct tarn_table *t, const struct tarn_snapshot *snapshot,
                                 const struct tarn_expr *filter, struct tarn_scan **out)
{
    bool now = !snapshot || heads_a_branch(&t->metadata, snapshot);
    return tarn_table_scan_columns(lake, op, t, snapshot, tarn_table_columns(t, snapshot, now),
                                   filter, out);
}
