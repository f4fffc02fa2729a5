/* inspect: metadata tables: their names, and the producer of their rows.
 *
 * Rows are made batch by batch, out of what `open` gathered. A manifest or delete file is a unit:
 * it is read when its turn comes and forgotten with the next one, so that a table of many files
 * takes the memory of one manifest.
 */
#include "lake/inspect_int.h"

#include "base/arena.h"

#define BATCH_ROWS 4096

static const struct tarn__inspect_kind kinds[] = {
    {.name = "snapshots", .open = tarn__open_snapshots, .fill = tarn__fill_snapshots},
    {.name = "history", .open = tarn__open_history, .fill = tarn__fill_history},
    {.name = "refs", .open = tarn__open_refs, .fill = tarn__fill_refs},
    {.name = "files",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .data = true,
     .deletes = true},
    {.name = "data_files", .open = tarn__open_files, .fill = tarn__fill_files, .data = true},
    {.name = "delete_files", .open = tarn__open_files, .fill = tarn__fill_files, .deletes = true},
    {.name = "manifests", .open = tarn__open_manifests, .fill = tarn__fill_manifests},
    {.name = "entries",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .data = true,
     .deletes = true,
     .entries = true},
    {.name = "partitions", .open = tarn__open_partitions, .fill = tarn__fill_partitions},
    {.name = "position_deletes", .open = tarn__open_deletes, .fill = tarn__fill_deletes},
    {.name = "metadata_log_entries", .open = tarn__open_log, .fill = tarn__fill_log},
    {.name = "all_files",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .all_snapshots = true,
     .data = true,
     .deletes = true},
    {.name = "all_data_files",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .all_snapshots = true,
     .data = true},
    {.name = "all_delete_files",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .all_snapshots = true,
     .deletes = true},
    {.name = "all_manifests",
     .open = tarn__open_manifests,
     .fill = tarn__fill_manifests,
     .all_snapshots = true},
    {.name = "all_entries",
     .open = tarn__open_files,
     .fill = tarn__fill_files,
     .all_snapshots = true,
     .data = true,
     .deletes = true,
     .entries = true},
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static const struct tarn__inspect_kind *find_kind(struct tarn_str name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(kinds[i].name)))
            return &kinds[i];
    return NULL;
}

bool tarn_inspect_is_name(struct tarn_str name)
{
    return find_kind(name) != NULL;
}

static enum tarn_status no_such_table(struct tarn_op *op, const struct tarn_table *t,
                                      struct tarn_str name)
{
    struct tarn_buf names;
    tarn_buf_init(&names, TARN_REPORT_TEXT);
    for (size_t i = 0; i < KINDS; i++)
        tarn_buf_printf(&names, "%s%s", i ? ", " : "", kinds[i].name);
    (void)tarn_fail(op, TARN_NOT_FOUND, "table " TARN_IDENT_FMT " has no metadata table \"%.*s\"",
                    TARN_IDENT_ARG(t->ident), TARN_STR_ARG(name));
    tarn_hint(op, "there are %.*s", TARN_STR_ARG(tarn_buf_view(&names)));
    tarn_buf_release(&names);
    return TARN_NOT_FOUND;
}

/* ---- the producer */

static enum tarn_status next_batch(struct tarn__inspect *i, struct tarn_batch *out)
{
    struct tarn__rows rows;
    tarn_arena_reset(i->batch_op.arena);
    TARN_TRY(tarn__rows_init(&rows, &i->batch_op, &i->schema));
    enum tarn_status status = i->kind->fill(i, &rows, BATCH_ROWS);
    if (status != TARN_OK)
        return tarn_op_adopt(&i->batch_op, i->unit_op.report.status ? &i->unit_op : &i->batch_op);
    return tarn__rows_finish(&rows, out);
}

static enum tarn_status next(struct tarn_producer *self, struct tarn_op *op, int worker,
                             struct tarn_batch *out)
{
    struct tarn__inspect *i = (struct tarn__inspect *)self;
    (void)worker;
    *out = (struct tarn_batch){0};
    TARN_TRY(tarn_poll(op, 2));
    if (next_batch(i, out) == TARN_OK)
        return TARN_OK;
    (void)tarn_while(&i->batch_op, "reading metadata table %s of " TARN_IDENT_FMT, i->kind->name,
                     TARN_IDENT_ARG(i->table->ident));
    return tarn_op_adopt(op, &i->batch_op);
}

static void release_op(void *op)
{
    tarn_op_release(op);
}

/* An op of the producer's own, which goes with its owner's arena. */
static enum tarn_status own_op(struct tarn_op *op, struct tarn_op *out)
{
    TARN_TRY(tarn_op_child(op, out));
    if (tarn_arena_cleanup(op->arena, release_op, out))
        return TARN_OK;
    tarn_op_release(out);
    return tarn_fail(op, TARN_NOMEM, "out of memory while reading a metadata table");
}

enum tarn_status tarn_table_inspect(const struct tarn_lake *lake, struct tarn_op *op,
                                    const struct tarn_table *t, const struct tarn_snapshot *s,
                                    struct tarn_str name, struct tarn_producer **out)
{
    const struct tarn__inspect_kind *kind = find_kind(name);
    struct tarn__inspect *i;
    int32_t next_id = 1;
    if (!kind)
        return no_such_table(op, t, name);
    TARN_NEW(op, i);
    i->lake = *lake;
    i->table = t;
    i->m = &t->metadata;
    i->snapshot = s ? s : tarn_metadata_current(i->m);
    i->kind = kind;
    TARN_TRY(own_op(op, &i->unit_op));
    TARN_TRY(own_op(op, &i->batch_op));
    TARN_TRY_WHILE(op, kind->open(i, op), "opening metadata table %s of " TARN_IDENT_FMT,
                   kind->name, TARN_IDENT_ARG(t->ident));
    tarn_type_assign_ids(&i->schema, &next_id);
    i->base = (struct tarn_producer){
        .schema = &i->schema, .workers_max = 1, .rows_estimate = -1, .next = next};
    *out = &i->base;
    return TARN_OK;
}
