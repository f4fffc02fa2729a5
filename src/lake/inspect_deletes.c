/* inspect_deletes: the metadata table position_deletes: a row a position that a position delete
 * file or deletion vector of the snapshot names, whether the data file is still there or not. `row`
 * is null: what a delete file may hold of the rows themselves is not read. */
#include "lake/inspect_int.h"

#include "base/arena.h"
#include "format/iceberg/puffin.h"

/* ---- which delete files */

static enum tarn_status gather(struct tarn__inspect *i, struct tarn_op *op)
{
    struct tarn_live_files live;
    TARN_TRY(tarn_table_live_files(&i->lake, op, i->m, i->snapshot, &live));
    TARN_NEW_ARRAY(op, i->deletes, live.count + 1);
    for (size_t k = 0; k < live.count; k++)
        if (live.items[k].file.content == TARN_CONTENT_POSITION_DELETES)
            i->deletes[i->delete_count++] = live.items[k];
    return TARN_OK;
}

enum tarn_status tarn__open_deletes(struct tarn__inspect *i, struct tarn_op *op)
{
    TARN_TRY(tarn__tuples_init(&i->tuples, op, i->m));
    TARN_TRY(gather(i, op));
    TARN_TRY(tarn__type_append(op, &i->schema, "file_path: string not null, pos: long not null"));
    TARN_TRY(tarn__type_append_field(op, &i->schema, TARN_STR("row"),
                                     &tarn_metadata_schema(i->m)->root));
    if (i->tuples.type.field_count > 0)
        TARN_TRY(tarn__type_append_field(op, &i->schema, TARN_STR("partition"), &i->tuples.type));
    TARN_TRY(tarn__type_append(op, &i->schema,
                               "spec_id: int not null, delete_file_path: string not null"));
    if (i->m->format_version < 3)
        return TARN_OK;
    return tarn__type_append(op, &i->schema, "content_offset: long, content_size_in_bytes: long");
}

/* ---- a delete file */

static enum tarn_status read_vector(struct tarn__inspect *i, const struct tarn_data_file *f)
{
    struct tarn_op *op = &i->unit_op;
    struct tarn_str bytes, what = tarn_strdup(op, f->path);
    int64_t *positions;
    if (!what.ptr)
        return TARN_NOMEM;
    if (f->content_offset < 0 || f->content_size < 0)
        return tarn_fail(op, TARN_CORRUPT, "deletion vector \"%s\" has no place in its file",
                         what.ptr);
    TARN_TRY(tarn_storage_read_range(i->lake.storage, op, f->path, (uint64_t)f->content_offset,
                                     (uint64_t)f->content_size, &bytes));
    TARN_NEW(op, i->runs);
    TARN_TRY(tarn_deletion_vector_read(op, bytes, what.ptr, f->record_count, &positions,
                                       &i->runs->count));
    i->runs->positions = positions;
    i->runs->path = f->referenced_data_file.ptr ? f->referenced_data_file : TARN_STR("");
    i->run_count = 1;
    return TARN_OK;
}

static enum tarn_status read_file(struct tarn__inspect *i, const struct tarn_data_file *f)
{
    struct tarn_op *op = &i->unit_op;
    struct tarn_position_deletes said;
    struct tarn_str local;
    if (!i->lake.deletes)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "position delete files cannot be read without an engine");
    if (!tarn_str_is(f->format, "PARQUET"))
        return tarn_fail(op, TARN_UNSUPPORTED, "delete file \"%.*s\" is a %.*s file, not Parquet",
                         TARN_STR_ARG(f->path), TARN_STR_ARG(f->format));
    TARN_TRY(tarn_storage_local_path(i->lake.storage, op, f->path, &local));
    TARN_TRY(i->lake.deletes->read(i->lake.deletes, op, &local, 1, &said));
    i->runs = said.runs;
    i->run_count = said.run_count;
    return TARN_OK;
}

static enum tarn_status unit_open(struct tarn__inspect *i)
{
    const struct tarn_data_file *f = &i->deletes[i->at].file;
    if (i->has_unit)
        return TARN_OK;
    tarn_arena_reset(i->unit_op.arena);
    i->has_unit = true;
    i->run = i->in_unit = 0;
    TARN_TRY_WHILE(&i->unit_op,
                   tarn_str_is(f->format, "PUFFIN") ? read_vector(i, f) : read_file(i, f),
                   "reading delete file \"%.*s\"", TARN_STR_ARG(f->path));
    return TARN_OK;
}

/* ---- rows */

static void put_row(const struct tarn__inspect *i, struct tarn__rows *r, int64_t position)
{
    const struct tarn_data_file *f = &i->deletes[i->at].file;
    struct tarn__cells *c = r->root.children;
    tarn__cell_bytes(r, c++, i->runs[i->run].path);
    tarn__cell_int(r, c++, position);
    tarn__cell_null(r, c++);
    if (i->tuples.type.field_count > 0)
        tarn__cell_tuple(r, c++, &i->tuples, i->m, f);
    tarn__cell_int(r, c++, f->spec_id);
    tarn__cell_bytes(r, c++, f->path);
    if (i->m->format_version >= 3) {
        tarn__cell_int_if(r, c++, f->content_offset >= 0, f->content_offset);
        tarn__cell_int_if(r, c++, f->content_size >= 0, f->content_size);
    }
}

enum tarn_status tarn__fill_deletes(struct tarn__inspect *i, struct tarn__rows *r, size_t max)
{
    while (i->at < i->delete_count && r->status == TARN_OK) {
        TARN_TRY(unit_open(i));
        for (; i->run < i->run_count; i->run++, i->in_unit = 0) {
            const struct tarn_position_run *run = &i->runs[i->run];
            for (; i->in_unit < run->count && tarn__rows_count(r) < max; i->in_unit++)
                put_row(i, r, run->positions[i->in_unit]);
            if (i->in_unit < run->count)
                return r->status;
        }
        i->has_unit = false;
        i->at++;
    }
    return r->status;
}
