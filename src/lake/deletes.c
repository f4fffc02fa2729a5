/* deletes: deletion vectors of format version 3 as a Puffin file (spec "Deletion Vectors"; traps 9,
 * 10): one blob a data file, which also holds what was deleted of it before.
 */
#include "lake/deletes.h"

#include "base/random.h"
#include "format/iceberg/puffin.h"
#include "lake/lake_int.h"

#define ID_POS 2147483645 /* reserved field id of _pos: what the blob is about */

static enum tarn_status merged(struct tarn_op *op, const struct tarn_doomed_rows *d, int64_t **out,
                               size_t *out_count)
{
    const struct tarn_scan_file *f = d->file;
    size_t n = 0, i = 0, k = 0;
    TARN_NEW_ARRAY(op, *out, f->deleted_count + d->count + 1);
    while (i < f->deleted_count || k < d->count) {
        int64_t next;
        if (k == d->count || (i < f->deleted_count && f->deleted[i] <= d->positions[k]))
            next = f->deleted[i++];
        else
            next = d->positions[k++];
        if (n == 0 || (*out)[n - 1] != next)
            (*out)[n++] = next;
    }
    *out_count = n;
    return TARN_OK;
}

static enum tarn_status make_blob(struct tarn_op *op, const struct tarn_doomed_rows *d,
                                  struct tarn_puffin_blob *blob, int64_t *cardinality)
{
    int64_t *positions;
    size_t count;
    struct tarn_kv *properties;
    TARN_ASSERT(d->count > 0 && !d->file->only_deleted);
    TARN_TRY(merged(op, d, &positions, &count));
    *blob = (struct tarn_puffin_blob){.type = TARN_STR("deletion-vector-v1"),
                                      .field_count = 1,
                                      .snapshot_id = -1,
                                      .sequence_number = -1};
    TARN_NEW(op, blob->fields);
    blob->fields[0] = ID_POS;
    TARN_NEW_ARRAY(op, properties, 2);
    properties[0] = (struct tarn_kv){TARN_STR("referenced-data-file"), d->file->file->path};
    properties[1] = (struct tarn_kv){TARN_STR("cardinality"), tarn_sprintf(op, "%zu", count)};
    if (!properties[1].value.ptr)
        return TARN_NOMEM;
    blob->properties = (struct tarn_kvs){properties, 2};
    *cardinality = (int64_t)count;
    return tarn_deletion_vector_write(op, positions, count, &blob->bytes);
}

/* Where the table's data files go (property write.data.path). */
static enum tarn_status file_path(struct tarn_op *op, const struct tarn_metadata *m,
                                  struct tarn_str *out)
{
    const struct tarn_str *own = tarn_kvs_get(&m->properties, "write.data.path");
    struct tarn_str folder = own ? *own : tarn_path_join(op, m->location, TARN_STR("data"));
    char uuid[TARN_UUID_TEXT_MAX];
    TARN_TRY(tarn_uuid_v4(op, uuid));
    struct tarn_str name = tarn_sprintf(op, "%s-deletes.puffin", uuid);
    if (!folder.ptr || !name.ptr)
        return TARN_NOMEM;
    *out = tarn_path_join(op, folder, name);
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static void make_entry(const struct tarn_data_file *data, const struct tarn_puffin_blob *blob,
                       struct tarn_data_file *out)
{
    *out = (struct tarn_data_file){
        .content = TARN_CONTENT_POSITION_DELETES,
        .format = TARN_STR("PUFFIN"),
        .spec_id = data->spec_id,
        .partition = data->partition,
        .partition_count = data->partition_count,
        .sort_order_id = -1,
        .first_row_id = -1,
        .referenced_data_file = data->path,
        .content_offset = blob->offset,
        .content_size = blob->length,
    };
}

enum tarn_status tarn_deletion_vectors_write(const struct tarn_lake *lake, struct tarn_op *op,
                                             const struct tarn_metadata *m,
                                             const struct tarn_doomed_rows *doomed, size_t count,
                                             struct tarn_data_file **out_files)
{
    struct tarn_puffin puffin = {.count = count};
    struct tarn_data_file *files;
    struct tarn_kv by = {TARN_STR("created-by"), TARN_STR("tarn " TARN_VERSION)};
    struct tarn_str bytes, path;
    int64_t *cardinality;
    TARN_ASSERT(count > 0);
    if (m->format_version < 3)
        return tarn_fail(op, TARN_UNSUPPORTED, "deletion vectors need format version 3");
    TARN_NEW_ARRAY(op, puffin.blobs, count);
    TARN_NEW_ARRAY(op, cardinality, count);
    TARN_NEW_ARRAY(op, files, count);
    puffin.properties = (struct tarn_kvs){&by, 1};
    for (size_t i = 0; i < count; i++)
        TARN_TRY(make_blob(op, &doomed[i], &puffin.blobs[i], &cardinality[i]));
    TARN_TRY(tarn_puffin_write(op, &puffin, &bytes));
    TARN_TRY(file_path(op, m, &path));
    if (tarn_storage_put(lake->storage, op, path, bytes) != TARN_OK) {
        struct tarn_report told = op->report;
        (void)!tarn_storage_remove(lake->storage, op, path); /* it may have been written */
        op->report = told;
        return tarn_while(op, "writing deletion vectors");
    }
    for (size_t i = 0; i < count; i++) {
        make_entry(doomed[i].file->file, &puffin.blobs[i], &files[i]);
        files[i].path = path;
        files[i].size_bytes = (int64_t)bytes.len;
        files[i].record_count = cardinality[i];
    }
    *out_files = files;
    return TARN_OK;
}
