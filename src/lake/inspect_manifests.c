/* inspect_manifests: the metadata tables manifests and all_manifests, and which manifests a
 * metadata table is over. */
#include "lake/inspect_int.h"

#include <stdlib.h>

/* ---- which manifests */

static enum tarn_status add_manifests(struct tarn__inspect *i, struct tarn_op *op,
                                      const struct tarn_snapshot *s)
{
    struct tarn_manifest_list list;
    struct tarn__listed_manifest *grown;
    TARN_TRY(tarn_table_manifests(&i->lake, op, i->m, s, &list));
    if (list.count == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, grown, i->manifest_count + list.count);
    if (i->manifest_count)
        memcpy(grown, i->manifests, i->manifest_count * sizeof *grown);
    for (size_t k = 0; k < list.count; k++)
        grown[i->manifest_count++] =
            (struct tarn__listed_manifest){.file = &list.files[k], .snapshot_id = s->snapshot_id};
    i->manifests = grown;
    return TARN_OK;
}

static int by_path(const void *a, const void *b)
{
    const struct tarn__listed_manifest *x = a, *y = b;
    return tarn_str_cmp(x->file->path, y->file->path);
}

static void drop_twins(struct tarn__inspect *i)
{
    size_t kept = 0;
    if (i->manifest_count > 1)
        qsort(i->manifests, i->manifest_count, sizeof *i->manifests, by_path);
    for (size_t k = 0; k < i->manifest_count; k++)
        if (kept == 0 || by_path(&i->manifests[kept - 1], &i->manifests[k]) != 0)
            i->manifests[kept++] = i->manifests[k];
    i->manifest_count = kept;
}

enum tarn_status tarn__inspect_manifests(struct tarn__inspect *i, struct tarn_op *op, bool once)
{
    if (!i->kind->all_snapshots)
        return i->snapshot ? add_manifests(i, op, i->snapshot) : TARN_OK;
    for (size_t k = 0; k < i->m->snapshot_count; k++)
        TARN_TRY(add_manifests(i, op, &i->m->snapshots[k]));
    if (once)
        drop_twins(i);
    return TARN_OK;
}

/* ---- the rows */

enum tarn_status tarn__open_manifests(struct tarn__inspect *i, struct tarn_op *op)
{
    TARN_TRY(tarn__inspect_manifests(i, op, false));
    TARN_TRY(tarn__type_append(
        op, &i->schema,
        "content: int not null, path: string not null, length: long not null, "
        "partition_spec_id: int, added_snapshot_id: long, added_data_files_count: int, "
        "existing_data_files_count: int, deleted_data_files_count: int, "
        "added_delete_files_count: int, existing_delete_files_count: int, "
        "deleted_delete_files_count: int, partition_summaries: list<struct<contains_null: boolean, "
        "contains_nan: boolean, lower_bound: string, upper_bound: string>>"));
    if (!i->kind->all_snapshots)
        return TARN_OK;
    return tarn__type_append(op, &i->schema,
                             "reference_snapshot_id: long not null, key_metadata: binary");
}

/* A bound as people read it; null when there is none, or it is no value of the field. */
static void put_bound(struct tarn__rows *r, struct tarn__cells *c,
                      const struct tarn_transform *transform, const struct tarn_type *type,
                      struct tarn_str bytes)
{
    struct tarn_value v;
    struct tarn_str text = {0};
    enum tarn_status status = TARN_OK;
    if (bytes.ptr) {
        status = tarn_value_from_bytes(r->op, type, bytes, &v);
        if (status == TARN_OK)
            text = tarn_transform_human(r->op, transform, type, &v);
        if (status == TARN_NOMEM || (status == TARN_OK && !text.ptr))
            tarn__rows_fail(r, TARN_NOMEM);
        else if (status != TARN_OK)
            tarn_clear(r->op);
    }
    tarn__cell_bytes(r, c, text);
}

static enum tarn_status put_summaries(const struct tarn__inspect *i, struct tarn__rows *r,
                                      struct tarn__cells *c, const struct tarn_manifest_file *f)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(i->m, f->spec_id);
    struct tarn_type tuple = {0};
    struct tarn__cells *item = &c->children[0];
    if (spec)
        TARN_TRY(tarn_partition_type(r->op, i->m, spec, &tuple));
    for (size_t k = 0; k < f->partition_count; k++) {
        const struct tarn_field_summary *s = &f->partitions[k];
        bool known = k < tuple.field_count;
        tarn__cell_int(r, &item->children[0], s->contains_null);
        tarn__cell_int_if(r, &item->children[1], s->contains_nan >= 0, s->contains_nan);
        for (size_t b = 0; b < 2; b++) {
            if (known)
                put_bound(r, &item->children[2 + b], &spec->fields[k].transform,
                          &tuple.fields[k].type, b == 0 ? s->lower : s->upper);
            else
                tarn__cell_null(r, &item->children[2 + b]);
        }
        tarn__cell_end(r, item);
    }
    tarn__cell_end(r, c);
    return r->status;
}

/* Counts of files of version 1 may not be known. */
static struct tarn__cells *put_counts(struct tarn__rows *r, struct tarn__cells *c,
                                      const struct tarn_manifest_file *f, bool deletes)
{
    bool mine = f->deletes == deletes;
    tarn__cell_int_if(r, c++, !mine || f->added_files >= 0, mine ? f->added_files : 0);
    tarn__cell_int_if(r, c++, !mine || f->existing_files >= 0, mine ? f->existing_files : 0);
    tarn__cell_int_if(r, c++, !mine || f->deleted_files >= 0, mine ? f->deleted_files : 0);
    return c;
}

enum tarn_status tarn__fill_manifests(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    for (; i->at < i->manifest_count && tarn__rows_count(r) < max; i->at++) {
        const struct tarn_manifest_file *f = i->manifests[i->at].file;
        struct tarn__cells *c = r->root.children;
        tarn__cell_int(r, c++, f->deletes ? 1 : 0);
        tarn__cell_bytes(r, c++, f->path);
        tarn__cell_int(r, c++, f->length_bytes);
        tarn__cell_int(r, c++, f->spec_id);
        tarn__cell_int(r, c++, f->added_snapshot_id);
        c = put_counts(r, c, f, false);
        c = put_counts(r, c, f, true);
        TARN_TRY(put_summaries(i, r, c++, f));
        if (i->kind->all_snapshots) {
            tarn__cell_int(r, c++, i->manifests[i->at].snapshot_id);
            tarn__cell_bytes(r, c++, f->key_metadata);
        }
    }
    return r->status;
}
