/* inspect_files: the metadata tables over manifests' entries: files, data_files, delete_files,
 * entries, and those of all snapshots. The files tables show what is live, the entries tables also
 * what is marked deleted. */
#include "lake/inspect_int.h"

#include "base/arena.h"

/* ---- columns */

/* The data_file struct, as Iceberg Java's DataFile.getType has it. */
static enum tarn_status file_type(struct tarn__inspect *i, struct tarn_op *op,
                                  struct tarn_type *out)
{
    TARN_TRY(tarn__type_append(op, out,
                               "content: int, file_path: string not null, "
                               "file_format: string not null, spec_id: int"));
    if (i->tuples.type.field_count > 0)
        TARN_TRY(tarn__type_append_field(op, out, TARN_STR("partition"), &i->tuples.type));
    return tarn__type_append(
        op, out,
        "record_count: long not null, file_size_in_bytes: long not null, "
        "column_sizes: map<int, long>, value_counts: map<int, long>, "
        "null_value_counts: map<int, long>, nan_value_counts: map<int, long>, "
        "lower_bounds: map<int, binary>, upper_bounds: map<int, binary>, key_metadata: binary, "
        "split_offsets: list<long>, equality_ids: list<int>, sort_order_id: int, "
        "first_row_id: long, referenced_data_file: string, content_offset: long, "
        "content_size_in_bytes: long");
}

enum tarn_status tarn__open_files(struct tarn__inspect *i, struct tarn_op *op)
{
    struct tarn_type file = {0};
    TARN_TRY(tarn__tuples_init(&i->tuples, op, i->m));
    TARN_TRY(tarn__inspect_manifests(i, op, true));
    TARN_TRY(file_type(i, op, &file));
    if (i->kind->entries) {
        TARN_TRY(tarn__type_append(op, &i->schema,
                                   "status: int not null, snapshot_id: long, "
                                   "sequence_number: long, file_sequence_number: long"));
        TARN_TRY(tarn__type_append_field(op, &i->schema, TARN_STR("data_file"), &file));
    } else {
        i->schema = file;
    }
    return tarn__metrics_init(&i->metrics, op, tarn_metadata_schema(i->m), &i->schema);
}

/* ---- cells */

static void put_counts(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_id_count *a,
                       size_t n)
{
    for (size_t k = 0; k < n; k++) {
        tarn__cell_int(r, &c->children[0], a[k].id);
        tarn__cell_int(r, &c->children[1], a[k].count);
    }
    if (n > 0)
        tarn__cell_end(r, c);
    else
        tarn__cell_null(r, c);
}

static void put_bounds(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_id_bytes *a,
                       size_t n)
{
    for (size_t k = 0; k < n; k++) {
        if (!a[k].bytes.ptr)
            continue;
        tarn__cell_int(r, &c->children[0], a[k].id);
        tarn__cell_bytes(r, &c->children[1], a[k].bytes);
    }
    if (n > 0)
        tarn__cell_end(r, c);
    else
        tarn__cell_null(r, c);
}

static void put_lists(struct tarn__rows *r, struct tarn__cells *c, const struct tarn_data_file *f)
{
    for (size_t k = 0; k < f->split_offset_count; k++)
        tarn__cell_int(r, &c->children[0], f->split_offsets[k]);
    if (f->split_offset_count > 0)
        tarn__cell_end(r, c);
    else
        tarn__cell_null(r, c);
    c++;
    for (size_t k = 0; k < f->equality_id_count; k++)
        tarn__cell_int(r, &c->children[0], f->equality_ids[k]);
    if (f->equality_id_count > 0)
        tarn__cell_end(r, c);
    else
        tarn__cell_null(r, c);
}

/* Answers the column behind the last one. */
static struct tarn__cells *put_file(const struct tarn__inspect *i, struct tarn__rows *r,
                                    struct tarn__cells *c, const struct tarn_data_file *f)
{
    tarn__cell_int(r, c++, f->content);
    tarn__cell_bytes(r, c++, f->path);
    tarn__cell_bytes(r, c++, f->format);
    tarn__cell_int(r, c++, f->spec_id);
    if (i->tuples.type.field_count > 0)
        tarn__cell_tuple(r, c++, &i->tuples, i->m, f);
    tarn__cell_int(r, c++, f->record_count);
    tarn__cell_int(r, c++, f->size_bytes);
    put_counts(r, c++, f->column_sizes, f->column_size_count);
    put_counts(r, c++, f->value_counts, f->value_count_count);
    put_counts(r, c++, f->null_counts, f->null_count_count);
    put_counts(r, c++, f->nan_counts, f->nan_count_count);
    put_bounds(r, c++, f->lower, f->lower_count);
    put_bounds(r, c++, f->upper, f->upper_count);
    tarn__cell_bytes(r, c++, f->key_metadata);
    put_lists(r, c, f);
    c += 2;
    tarn__cell_int_if(r, c++, f->sort_order_id >= 0, f->sort_order_id);
    tarn__cell_int_if(r, c++, f->first_row_id >= 0, f->first_row_id);
    tarn__cell_bytes(r, c++, f->referenced_data_file);
    tarn__cell_int_if(r, c++, f->content_offset >= 0, f->content_offset);
    tarn__cell_int_if(r, c++, f->content_size >= 0, f->content_size);
    return c;
}

static void put_entry(const struct tarn__inspect *i, struct tarn__rows *r,
                      const struct tarn_manifest_entry *e)
{
    struct tarn__cells *c = r->root.children;
    if (i->kind->entries) {
        tarn__cell_int(r, c++, e->status);
        tarn__cell_int(r, c++, e->snapshot_id);
        tarn__cell_int_if(r, c++, e->sequence_number >= 0, e->sequence_number);
        tarn__cell_int_if(r, c++, e->file_sequence_number >= 0, e->file_sequence_number);
        (void)put_file(i, r, c->children, &e->file);
        tarn__cell_end(r, c++);
    } else {
        c = put_file(i, r, c, &e->file);
    }
    if (i->metrics.count > 0)
        tarn__cell_metrics(r, c, &i->metrics, &e->file);
}

/* ---- rows */

static bool is_wanted(const struct tarn__inspect *i, const struct tarn_manifest_file *f)
{
    return f->deletes ? i->kind->deletes : i->kind->data;
}

/* Reads the manifest whose turn it is; false: there is none left. */
static enum tarn_status unit_open(struct tarn__inspect *i, bool *out_any)
{
    while (i->at < i->manifest_count && !is_wanted(i, i->manifests[i->at].file))
        i->at++;
    *out_any = i->at < i->manifest_count;
    if (!*out_any || i->has_unit)
        return TARN_OK;
    tarn_arena_reset(i->unit_op.arena);
    i->in_unit = 0;
    i->has_unit = true;
    return tarn_table_manifest(&i->lake, &i->unit_op, i->m, i->manifests[i->at].file, &i->manifest);
}

enum tarn_status tarn__fill_files(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    bool any;
    for (;;) {
        TARN_TRY(unit_open(i, &any));
        if (!any)
            return r->status;
        for (; i->in_unit < i->manifest.count && tarn__rows_count(r) < max; i->in_unit++) {
            const struct tarn_manifest_entry *e = &i->manifest.entries[i->in_unit];
            if (i->kind->entries || e->status != TARN_ENTRY_DELETED)
                put_entry(i, r, e);
        }
        if (r->status != TARN_OK || i->in_unit < i->manifest.count)
            return r->status;
        i->has_unit = false;
        i->at++;
    }
}
