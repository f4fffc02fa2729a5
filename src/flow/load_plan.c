/* load_plan: what a load has to do: where the stream stands, and which of its files are new or
 * others than they were.
 *
 * Truth is the data table: its position property says which run loaded last. A ledger that does not
 * know of that run is not believed, a table that was rolled back below it is told.
 */
#include "flow/flow_int.h"

#define QUICK_CHECK_MARGIN_US 2000000
#define SAMPLE_BYTES          65536u

/* ---- properties */

struct tarn_str tarn__load_property(struct tarn_op *op, const char *what,
                                    const struct tarn_load *load)
{
    return tarn_sprintf(op, "tarn.%s.%.*s.%.*s", what, TARN_STR_ARG(load->source),
                        TARN_STR_ARG(load->stream));
}

struct tarn_str tarn__table_property(const struct tarn_table *table, struct tarn_str key)
{
    const struct tarn_str *v = table ? tarn_kvs_get(&table->metadata.properties, key.ptr) : NULL;
    return v ? *v : (struct tarn_str){NULL, 0};
}

enum tarn_status tarn__position_parse(struct tarn_op *op, struct tarn_str text,
                                      struct tarn__position *out)
{
    static const char what[] = "table property tarn.position";
    struct tarn_json_field need = {what, true}, may = {what, false};
    struct tarn_json *json;
    *out = (struct tarn__position){0};
    if (!text.ptr)
        return TARN_OK;
    TARN_TRY(tarn_json_parse(op, text, what, &json));
    TARN_TRY(tarn_json_i64(op, json, "loads", need, &out->loads));
    TARN_TRY(tarn_json_str(op, json, "run", need, &out->run));
    return tarn_json_i64(op, json, "snapshot", may, &out->snapshot_id);
}

/* The rows that the last load made must still be below what is current; else the table was put back
 * to an earlier version, and the ledger speaks of rows that are gone. A snapshot that nobody keeps
 * any more tells nothing. */
static enum tarn_status check_rolled_back(struct tarn_op *op, const struct tarn_load *load,
                                          const struct tarn_table *t,
                                          const struct tarn__position *position)
{
    int64_t id = position->snapshot_id;
    if (!t || !tarn_metadata_snapshot(&t->metadata, id) ||
        tarn_metadata_is_ancestor(&t->metadata, id, t->metadata.current_snapshot_id))
        return TARN_OK;
    (void)tarn_fail(op, TARN_ROLLED_BACK,
                    "table %.*s.%.*s was rolled back below what stream \"%.*s\" loaded into it",
                    TARN_STR_ARG(load->table.ns), TARN_STR_ARG(load->table.name),
                    TARN_STR_ARG(load->stream));
    tarn_detail(op, "run %.*s made snapshot %lld, the current one is %lld",
                TARN_STR_ARG(position->run), (long long)id,
                (long long)t->metadata.current_snapshot_id);
    tarn_hint(op, "put that snapshot back, or drop the table: the next run loads all files into a "
                  "new one");
    return TARN_ROLLED_BACK;
}

/* ---- files */

/* Same size and modification time as in the ledger means the same file, unless it was written so
 * shortly before it was read that a second write could hide within the clock's step; then the
 * checksum decides. */
static bool surely_same(const struct tarn__ledger_row *row, const struct tarn_input_file *f)
{
    return row && row->size_bytes == (int64_t)f->size_bytes && row->modified_us == f->modified_us &&
           f->modified_us < row->ingest_ts_us - QUICK_CHECK_MARGIN_US;
}

/* No ledger, or one that does not know of the last load: every file may have been read before. */
static enum tarn_status pick_all(struct tarn_op *op, const struct tarn_load *load,
                                 const struct tarn_input_files *all, struct tarn_load_plan *out)
{
    if (load->refuse_changed && all->count) {
        (void)tarn_fail(op, TARN_INVALID,
                        "the ledger of table %.*s.%.*s is lost: new files cannot be told from old",
                        TARN_STR_ARG(load->table.ns), TARN_STR_ARG(load->table.name));
        tarn_hint(op, "set on_change: replace for one run, to replace the rows of all files");
        return TARN_INVALID;
    }
    TARN_NEW_ARRAY(op, out->files, all->count + 1);
    for (size_t i = 0; i < all->count; i++) {
        out->files[out->file_count++] = (struct tarn_load_file){all->items[i], true};
        out->bytes += (int64_t)all->items[i].size_bytes;
    }
    out->changed_count = out->file_count;
    return TARN_OK;
}

static enum tarn_status pick_files(struct tarn_op *op, const struct tarn_load *load,
                                   const struct tarn__ledger *ledger,
                                   const struct tarn_input_files *all, int threads,
                                   struct tarn_load_plan *out)
{
    struct tarn_input_files maybe = {0};
    TARN_NEW_ARRAY(op, maybe.items, all->count + 1);
    for (size_t i = 0; i < all->count; i++) {
        const struct tarn__ledger_row *row = tarn__ledger_find(ledger, all->items[i].name);
        if (surely_same(row, &all->items[i]))
            out->unchanged_count++;
        else
            maybe.items[maybe.count++] = all->items[i];
    }
    if (maybe.count)
        TARN_TRY(tarn_files_checksum(op, &maybe, threads));
    TARN_NEW_ARRAY(op, out->files, maybe.count + 1);
    for (size_t i = 0; i < maybe.count; i++) {
        const struct tarn_input_file *f = &maybe.items[i];
        const struct tarn__ledger_row *row = tarn__ledger_find(ledger, f->name);
        if (row && tarn_str_eq(row->checksum, f->checksum)) {
            out->unchanged_count++;
            continue;
        }
        if (row && load->refuse_changed) {
            (void)tarn_fail(op, TARN_INVALID, "file \"%.*s\" was changed after it was ingested",
                            TARN_STR_ARG(f->path));
            tarn_hint(op, "on_change is refuse: restore the file, or set on_change: replace to "
                          "replace its rows");
            return TARN_INVALID;
        }
        out->files[out->file_count++] = (struct tarn_load_file){*f, row != NULL};
        out->changed_count += row != NULL;
        out->bytes += (int64_t)f->size_bytes;
    }
    return TARN_OK;
}

/* Rows in the files to come, from the lines in the first piece of the largest one; -1 where lines
 * say nothing (compressed, Parquet). Only a guess for people. */
static enum tarn_status estimate_rows(const struct tarn_flow *flow, struct tarn_op *op,
                                      const struct tarn_load *load, struct tarn_load_plan *p)
{
    const struct tarn_input_file *largest = NULL;
    struct tarn_str piece;
    for (size_t i = 0; i < p->file_count; i++) {
        const struct tarn_input_file *f = &p->files[i].input;
        if (load->parquet || f->compression != TARN_COMPRESSION_NONE)
            return TARN_OK;
        if (!largest || f->size_bytes > largest->size_bytes)
            largest = f;
    }
    if (!largest || largest->size_bytes == 0)
        return TARN_OK;
    uint64_t length = largest->size_bytes < SAMPLE_BYTES ? largest->size_bytes : SAMPLE_BYTES;
    enum tarn_status status =
        tarn_storage_read_range(flow->lake->storage, op, largest->path, 0, length, &piece);
    if (status != TARN_OK) {
        tarn_clear(op); /* reading it will tell */
        return TARN_OK;
    }
    int64_t lines = 0;
    for (size_t i = 0; i < piece.len; i++)
        lines += piece.ptr[i] == '\n';
    lines += piece.len < SAMPLE_BYTES && piece.ptr[piece.len - 1] != '\n';
    if (lines)
        p->rows_estimate = (int64_t)((double)p->bytes / (double)piece.len * (double)lines + 0.5);
    return TARN_OK;
}

enum tarn_status tarn_load_make_plan(const struct tarn_flow *flow, struct tarn_op *op,
                                     const struct tarn_load *load, struct tarn_load_plan *out)
{
    struct tarn_input_files all;
    struct tarn__position position;
    struct tarn__ledger *ledger;
    *out = (struct tarn_load_plan){.rows_estimate = -1};
    TARN_NEW(op, ledger);
    TARN_TRY(tarn_files_list(op, load->base, load->globs, load->glob_count, &all));
    TARN_TRY(tarn_table_find(flow->lake, op, load->table, &out->table));
    struct tarn_str key = tarn__load_property(op, "position", load);
    if (!key.ptr)
        return TARN_NOMEM;
    out->position = tarn__table_property(out->table, key);
    TARN_TRY(tarn__position_parse(op, out->position, &position));
    TARN_TRY(check_rolled_back(op, load, out->table, &position));
    TARN_TRY(tarn__ledger_read(flow, op, load->table, position.run, ledger));
    if (!out->table)
        ledger->count = 0; /* of an earlier table of this name */
    out->ledger = ledger;
    if (position.loads && !ledger->knows_run) {
        TARN_TRY(tarn_files_checksum(op, &all, flow->workers));
        TARN_TRY(pick_all(op, load, &all, out));
    } else {
        TARN_TRY(pick_files(op, load, ledger, &all, flow->workers, out));
    }
    return estimate_rows(flow, op, load, out);
}
