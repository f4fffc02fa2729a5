/* side: the two side tables of a load.
 *
 *   <table>__files          one row a file that was read: what is needed to know it again
 *   <table>__dead_letters   one row a record that was set aside: its bytes, why, where
 *
 * They are committed in the same transaction as the data they speak of, so they never disagree with it. A row that changes (a file
 * read again, a letter mended) is deleted by position and written anew.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "flow/flow_int.h"

static const char LEDGER_TYPE[] =
    "struct<path: string, size_bytes: long, modified: timestamptz, checksum: string, rows: long, "
    "dead_letters: long, ingest_ts: timestamptz, run_id: string>";
static const char LETTERS_TYPE[] =
    "struct<raw: binary, reason: string, column: string, _source_file: string, line: long, "
    "_source_offset: long, ingest_ts: timestamptz, resolved: boolean, resolved_ts: timestamptz>";

static struct tarn_value text_value(struct tarn_str s)
{
    return (struct tarn_value){.is_null = s.ptr == NULL, .bytes = s};
}

static struct tarn_value long_value(int64_t v)
{
    return (struct tarn_value){.i = v};
}

static struct tarn_value null_value(void)
{
    return (struct tarn_value){.is_null = true};
}

static struct tarn_ident suffixed(struct tarn_op *op, struct tarn_ident table, const char *suffix)
{
    return (struct tarn_ident){table.ns,
                               tarn_sprintf(op, "%.*s%s", TARN_STR_ARG(table.name), suffix)};
}

struct tarn_ident tarn__ledger_ident(struct tarn_op *op, struct tarn_ident table)
{
    return suffixed(op, table, "__files");
}

struct tarn_ident tarn__letters_ident(struct tarn_op *op, struct tarn_ident table)
{
    return suffixed(op, table, "__dead_letters");
}

/* ---- a side table: made or opened */

struct side {
    const struct tarn_flow *flow;
    struct tarn_table *table; /* NULL: made by this change */
    struct tarn_change *change;
    struct tarn_type *type;
    struct tarn_rows *rows;
};

static enum tarn_status side_open(const struct tarn_flow *flow, struct tarn_op *op,
                                  const struct tarn_load *load, struct tarn_table *table,
                                  struct tarn_ident ident, const char *type_text,
                                  const char *suffix, struct side *out)
{
    *out = (struct side){.flow = flow, .table = table};
    TARN_NEW(op, out->type);
    TARN_TRY(tarn_type_parse(op, tarn_str_view(type_text), out->type));
    TARN_TRY(tarn_rows_new(op, out->type, &out->rows));
    if (table) {
        if (!tarn_type_same_shape(&tarn_metadata_schema(&table->metadata)->root, out->type))
            return tarn_fail(op, TARN_SCHEMA,
                             "table %.*s.%.*s does not have the columns that this version writes",
                             TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
        return tarn_change_open(flow->lake, op, table, &out->change);
    }
    struct tarn_schema schema = {.root = *out->type};
    struct tarn_create create = {.schema = &schema};
    create.location = tarn_sprintf(op, "%.*s%s", TARN_STR_ARG(load->location), suffix);
    if (!create.location.ptr || !ident.name.ptr)
        return TARN_NOMEM;
    return tarn_change_create(flow->lake, op, ident, &create, &out->change);
}

/* Writes the collected rows into the change. */
static enum tarn_status side_write(struct side *side, struct tarn_op *op)
{
    struct tarn_write write;
    struct tarn_written written;
    if (tarn_rows_count(side->rows) == 0)
        return TARN_OK;
    TARN_TRY(tarn_flow_write(side->flow, op, side->change, INT64_MIN, &write));
    TARN_TRY(tarn_session_write_producer(side->flow->session, op, tarn_rows_producer(side->rows),
                                         &write, &written));
    return tarn_change_append(side->change, op, written.files, written.count);
}

/* Rows of the table for which a condition holds, by position. */
static enum tarn_status side_delete(struct side *side, struct tarn_op *op, struct tarn_str doomed)
{
    struct tarn_scan *scan;
    int64_t rows;
    TARN_TRY(tarn_table_scan(side->flow->lake, op, side->table, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(side->flow->session, op, TARN_STR("side"), scan, true));
    return tarn_rows_delete(side->flow, op, side->change, scan, doomed, &rows);
}

/* "'a', 'b'": names of the plan's changed files. */
static enum tarn_status changed_list(struct tarn_op *op, const struct tarn_load_plan *plan,
                                     struct tarn_str *out)
{
    struct tarn_buf b;
    const char *comma = "";
    tarn_buf_init(&b, 64 << 20);
    for (size_t i = 0; i < plan->file_count; i++) {
        if (!plan->files[i].changed)
            continue;
        tarn_buf_z(&b, comma);
        tarn_buf_sql_text(&b, plan->files[i].input.name);
        comma = ", ";
    }
    return (enum tarn_status)tarn_buf_take(op, &b, "list of changed files", out);
}

/* ---- ledger */

struct ledger_reader {
    struct tarn__ledger *ledger;
    size_t cap;
};

static enum tarn_status read_ledger_row(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                        size_t row)
{
    struct ledger_reader *r = ctx;
    struct tarn__ledger *l = r->ledger;
    if (l->count == r->cap) {
        struct tarn__ledger_row *grown;
        r->cap = r->cap ? r->cap * 2 : 64;
        TARN_NEW_ARRAY(op, grown, r->cap);
        if (l->count)
            memcpy(grown, l->rows, l->count * sizeof *grown);
        l->rows = grown;
    }
    struct tarn__ledger_row *to = &l->rows[l->count++];
    *to = (struct tarn__ledger_row){
        .path = tarn_strdup(op, tarn_cell_text(b, 0, row)),
        .size_bytes = tarn_cell_long(b, 1, row),
        .modified_us = tarn_cell_long(b, 2, row),
        .checksum = tarn_strdup(op, tarn_cell_text(b, 3, row)),
        .ingest_ts_us = tarn_cell_long(b, 4, row),
    };
    return to->path.ptr && to->checksum.ptr ? TARN_OK : TARN_NOMEM;
}

static int by_path(const void *a, const void *b)
{
    const struct tarn__ledger_row *x = a, *y = b;
    return tarn_str_cmp(x->path, y->path);
}

enum tarn_status tarn__ledger_read(const struct tarn_flow *flow, struct tarn_op *op,
                                   struct tarn_ident table, struct tarn__ledger *out)
{
    struct tarn_ident ident = tarn__ledger_ident(op, table);
    struct ledger_reader reader = {.ledger = out};
    struct tarn_scan *scan;
    *out = (struct tarn__ledger){0};
    if (!ident.name.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_table_find(flow->lake, op, ident, &out->table));
    if (!out->table)
        return TARN_OK;
    TARN_TRY(tarn_table_scan(flow->lake, op, out->table, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(flow->session, op, TARN_STR("side"), scan, false));
    TARN_TRY_WHILE(op,
                   tarn_each_row(flow, op,
                                 TARN_STR("SELECT path, size_bytes, modified, checksum, ingest_ts "
                                          "FROM tarn.side"),
                                 read_ledger_row, &reader),
                   "reading the ledger %.*s.%.*s", TARN_STR_ARG(ident.ns),
                   TARN_STR_ARG(ident.name));
    qsort(out->rows, out->count, sizeof *out->rows, by_path);
    return TARN_OK;
}

const struct tarn__ledger_row *tarn__ledger_find(const struct tarn__ledger *ledger,
                                                 struct tarn_str path)
{
    struct tarn__ledger_row key = {.path = path};
    return ledger->count ? bsearch(&key, ledger->rows, ledger->count, sizeof key, by_path) : NULL;
}

enum tarn_status tarn__ledger_change(const struct tarn_flow *flow, struct tarn_op *op,
                                     const struct tarn_load *load,
                                     const struct tarn_load_plan *plan,
                                     const struct tarn_decoded *decoded, struct tarn_change **out)
{
    const struct tarn__ledger *ledger = plan->ledger;
    struct side side;
    struct tarn_str names;
    TARN_TRY(side_open(flow, op, load, ledger->table, tarn__ledger_ident(op, load->table),
                       LEDGER_TYPE, "__files", &side));
    for (size_t i = 0; i < plan->file_count; i++) {
        const struct tarn_input_file *f = &plan->files[i].input;
        struct tarn_value row[] = {
            text_value(f->name),
            long_value((int64_t)f->size_bytes),
            long_value(f->modified_us),
            text_value(f->checksum),
            long_value(decoded->files[i].rows),
            long_value(decoded->files[i].letters),
            long_value(flow->ingest_ts_us),
            text_value(flow->run_id),
        };
        TARN_TRY(tarn_rows_add(side.rows, op, row));
    }
    TARN_TRY(changed_list(op, plan, &names));
    if (names.len) {
        struct tarn_str doomed = tarn_sprintf(
            op, "(SELECT _file, _pos FROM tarn.side WHERE path IN (%.*s))", TARN_STR_ARG(names));
        if (!doomed.ptr)
            return TARN_NOMEM;
        TARN_TRY(side_delete(&side, op, doomed));
    }
    TARN_TRY(side_write(&side, op));
    *out = side.change;
    return TARN_OK;
}

/* ---- dead letters */

/* A letter's identity over runs: its file and its bytes. */
static uint64_t letter_hash(struct tarn_str file, struct tarn_str raw)
{
    return tarn_hash64(raw.ptr, raw.len, tarn_hash64(file.ptr, file.len, 0));
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct mending {
    struct side *side;
    int64_t now_us;
    const uint64_t *fresh; /* hashes of this run's letters, sorted */
    size_t fresh_count;
    uint64_t *standing; /* hashes of older letters that are still bad */
    size_t standing_count, standing_cap;
    struct tarn_buf doomed; /* "('file', pos), ..." */
    int64_t resolved;
};

static enum tarn_status still_stands(struct mending *m, struct tarn_op *op, uint64_t hash)
{
    if (m->standing_count == m->standing_cap) {
        uint64_t *grown;
        m->standing_cap = m->standing_cap ? m->standing_cap * 2 : 64;
        TARN_NEW_ARRAY(op, grown, m->standing_cap);
        if (m->standing_count)
            memcpy(grown, m->standing, m->standing_count * sizeof *grown);
        m->standing = grown;
    }
    m->standing[m->standing_count++] = hash;
    return TARN_OK;
}

static struct tarn_value copied(struct tarn_op *op, const struct tarn_batch *b, size_t column,
                                size_t row)
{
    struct tarn_str s = tarn_cell_text(b, column, row);
    return s.ptr ? text_value(tarn_strdup(op, s)) : null_value();
}

/* Columns: _file, _pos, then the table's. */
static enum tarn_status mend_row(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                 size_t row)
{
    struct mending *m = ctx;
    uint64_t hash = letter_hash(tarn_cell_text(b, 5, row), tarn_cell_text(b, 2, row));
    if (bsearch(&hash, m->fresh, m->fresh_count, sizeof hash, by_hash))
        return still_stands(m, op, hash);
    tarn_buf_z(&m->doomed, m->doomed.len ? ", (" : "(");
    tarn_buf_sql_text(&m->doomed, tarn_cell_text(b, 0, row));
    tarn_buf_printf(&m->doomed, ", %lld)", (long long)tarn_cell_long(b, 1, row));
    m->resolved++;
    struct tarn_value values[] = {
        copied(op, b, 2, row),
        copied(op, b, 3, row),
        copied(op, b, 4, row),
        copied(op, b, 5, row),
        long_value(tarn_cell_long(b, 6, row)),
        long_value(tarn_cell_long(b, 7, row)),
        long_value(tarn_cell_long(b, 8, row)),
        long_value(1),
        long_value(m->now_us),
    };
    return tarn_rows_add(m->side->rows, op, values);
}

/* Older letters of changed files: those that did not come again are resolved. */
static enum tarn_status mend(struct mending *m, struct tarn_op *op, struct tarn_str names)
{
    struct tarn_scan *scan;
    struct tarn_str sql = tarn_sprintf(
        op,
        "SELECT _file, _pos, raw, reason, \"column\", _source_file, line, _source_offset, "
        "ingest_ts FROM tarn.side WHERE NOT resolved AND _source_file IN (%.*s)",
        TARN_STR_ARG(names));
    if (!sql.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_table_scan(m->side->flow->lake, op, m->side->table, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(m->side->flow->session, op, TARN_STR("side"), scan, true));
    TARN_TRY(tarn_each_row(m->side->flow, op, sql, mend_row, m));
    qsort(m->standing, m->standing_count, sizeof *m->standing, by_hash);
    if (m->resolved == 0)
        return TARN_OK;
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, &m->doomed, "list of mended dead letters"));
    struct tarn_str doomed = tarn_sprintf(op, "(SELECT * FROM (VALUES %.*s) v(_file, _pos))",
                                          TARN_STR_ARG(tarn_buf_view(&m->doomed)));
    return doomed.ptr ? side_delete(m->side, op, doomed) : TARN_NOMEM;
}

static enum tarn_status add_letters(struct mending *m, struct tarn_op *op,
                                    const struct tarn_load_plan *plan,
                                    const struct tarn_decoded *decoded, int64_t *out_added)
{
    for (size_t i = 0; i < decoded->letter_count; i++) {
        const struct tarn_dead_letter *l = &decoded->letters[i];
        struct tarn_str file = plan->files[l->file].input.name;
        uint64_t hash = letter_hash(file, l->raw);
        if (m->standing_count &&
            bsearch(&hash, m->standing, m->standing_count, sizeof hash, by_hash))
            continue;
        struct tarn_value values[] = {
            text_value(l->raw),
            text_value(l->reason),
            text_value(l->column),
            text_value(file),
            l->line ? long_value(l->line) : null_value(),
            long_value(l->offset),
            long_value(m->now_us),
            long_value(0),
            null_value(),
        };
        TARN_TRY(tarn_rows_add(m->side->rows, op, values));
        ++*out_added;
    }
    return TARN_OK;
}

enum tarn_status tarn__letters_change(const struct tarn_flow *flow, struct tarn_op *op,
                                      const struct tarn_load *load,
                                      const struct tarn_load_plan *plan,
                                      const struct tarn_decoded *decoded, struct tarn_change **out,
                                      int64_t *out_added, int64_t *out_resolved)
{
    struct tarn_ident ident = tarn__letters_ident(op, load->table);
    struct mending m = {.now_us = flow->ingest_ts_us, .fresh_count = decoded->letter_count};
    struct tarn_table *table;
    struct tarn_str names;
    struct side side;
    uint64_t *fresh;
    enum tarn_status status;
    *out = NULL;
    *out_added = *out_resolved = 0;
    if (!ident.name.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_table_find(flow->lake, op, ident, &table));
    TARN_TRY(changed_list(op, plan, &names));
    if (decoded->letter_count == 0 && (!table || names.len == 0))
        return TARN_OK;
    TARN_TRY(side_open(flow, op, load, table, ident, LETTERS_TYPE, "__dead_letters", &side));
    TARN_NEW_ARRAY(op, fresh, decoded->letter_count + 1);
    for (size_t i = 0; i < decoded->letter_count; i++)
        fresh[i] =
            letter_hash(plan->files[decoded->letters[i].file].input.name, decoded->letters[i].raw);
    qsort(fresh, decoded->letter_count, sizeof *fresh, by_hash);
    m.fresh = fresh;
    m.side = &side;
    tarn_buf_init(&m.doomed, 64 << 20);
    if (table && names.len)
        TARN_GO(mend(&m, op, names));
    TARN_GO(add_letters(&m, op, plan, decoded, out_added));
    TARN_GO(side_write(&side, op));
    *out_resolved = m.resolved;
    if (tarn_rows_count(side.rows))
        *out = side.change;
out:
    tarn_buf_release(&m.doomed);
    return status;
}
