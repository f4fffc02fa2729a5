/* side: the two side tables of a load.
 *
 *   <table>__files          one row a file that was read: what is needed to know it again
 *   <table>__dead_letters   one row a record that was set aside: its bytes, why, where
 *
 * They are committed in the same transaction as the data they speak of, so they never disagree with
 * it. A row that changes (a file read again, a letter mended) is deleted by position and written
 * anew.
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

/* Side tables have the format version that is said for their table. */
static enum tarn_status side_version(struct tarn_op *op, const struct tarn_load *load,
                                     struct tarn_kvs *out)
{
    struct tarn_str key = TARN_STR("format-version");
    const struct tarn_str *version = tarn_kvs_get(&load->properties, key.ptr);
    *out = (struct tarn_kvs){0};
    return version ? tarn_kvs_with(op, out, key, *version, out) : TARN_OK;
}

static enum tarn_status side_open(const struct tarn_flow *flow, struct tarn_op *op,
                                  const struct tarn_load *load, struct tarn_table *table,
                                  struct tarn_ident ident, const char *type_text,
                                  const char *suffix, struct side *out)
{
    struct tarn_kvs said;
    *out = (struct side){.flow = flow, .table = table};
    TARN_TRY(side_version(op, load, &said));
    TARN_NEW(op, out->type);
    TARN_TRY(tarn_type_parse(op, tarn_str_view(type_text), out->type));
    TARN_TRY(tarn_rows_new(op, out->type, &out->rows));
    if (table) {
        if (!tarn_type_same_shape(&tarn_metadata_schema(&table->metadata)->root, out->type))
            return tarn_fail(op, TARN_SCHEMA,
                             "table %.*s.%.*s does not have the columns that this version writes",
                             TARN_STR_ARG(ident.ns), TARN_STR_ARG(ident.name));
        TARN_TRY(tarn_change_open(flow->lake, op, table, &out->change));
        return tarn_flow_set_properties(op, &said, out->change);
    }
    struct tarn_schema schema = {.root = *out->type};
    struct tarn_create create = {.schema = &schema, .properties = said};
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
    struct tarn_str run;
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
    if (r->run.ptr && tarn_str_eq(tarn_cell_text(b, 5, row), r->run))
        l->knows_run = true;
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
                                   struct tarn_ident table, struct tarn_str run,
                                   struct tarn__ledger *out)
{
    struct tarn_ident ident = tarn__ledger_ident(op, table);
    struct ledger_reader reader = {.ledger = out, .run = run};
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
                                 TARN_STR("SELECT path, size_bytes, modified, checksum, ingest_ts, "
                                          "run_id FROM tarn.side"),
                                 read_ledger_row, &reader),
                   "reading the ledger %.*s.%.*s", TARN_STR_ARG(ident.ns),
                   TARN_STR_ARG(ident.name));
    if (out->count)
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
    if (!plan->table)
        tarn_change_delete_all(side.change);
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
    if (names.len && side.table) {
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

struct fresh_letter { /* of this run */
    uint64_t hash;
    size_t index; /* in decoded->letters */
};

static int by_hash(const void *a, const void *b)
{
    const struct fresh_letter *x = a, *y = b;
    return x->hash < y->hash ? -1 : x->hash > y->hash;
}

struct mending {
    struct side *side;
    int64_t now_us;
    struct fresh_letter *fresh; /* sorted by hash */
    size_t fresh_count;
    bool *stands;           /* by index: an older letter says it already */
    struct tarn_buf doomed; /* "('file', pos), ..." */
    int64_t resolved;
};

/* Is an older letter among this run's? Each of this run's answers for one older letter, so that
 * equal ones are counted. */
static bool still_stands(struct mending *m, uint64_t hash)
{
    size_t low = 0, high = m->fresh_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (m->fresh[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < m->fresh_count && m->fresh[low].hash == hash; low++)
        if (!m->stands[m->fresh[low].index]) {
            m->stands[m->fresh[low].index] = true;
            return true;
        }
    return false;
}

static enum tarn_status copied(struct tarn_op *op, const struct tarn_batch *b, size_t column,
                               size_t row, struct tarn_value *out)
{
    struct tarn_str s = tarn_cell_text(b, column, row);
    *out = null_value();
    if (!s.ptr)
        return TARN_OK;
    *out = text_value(tarn_strdup(op, s));
    return out->bytes.ptr ? TARN_OK : TARN_NOMEM;
}

static struct tarn_value copied_long(const struct tarn_batch *b, size_t column, size_t row)
{
    return tarn_column_is_null(&b->columns[column], row)
               ? null_value()
               : long_value(tarn_cell_long(b, column, row));
}

/* Columns: _file, _pos, then the table's. */
static enum tarn_status mend_row(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                 size_t row)
{
    struct mending *m = ctx;
    struct tarn_value values[9];
    if (still_stands(m, letter_hash(tarn_cell_text(b, 5, row), tarn_cell_text(b, 2, row))))
        return TARN_OK;
    tarn_buf_z(&m->doomed, m->doomed.len ? ", (" : "(");
    tarn_buf_sql_text(&m->doomed, tarn_cell_text(b, 0, row));
    tarn_buf_printf(&m->doomed, ", %lld)", (long long)tarn_cell_long(b, 1, row));
    m->resolved++;
    for (size_t i = 0; i < 4; i++)
        TARN_TRY(copied(op, b, 2 + i, row, &values[i]));
    for (size_t i = 4; i < 7; i++)
        values[i] = copied_long(b, 2 + i, row);
    values[7] = long_value(1);
    values[8] = long_value(m->now_us);
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
        if (m->stands[i])
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

static enum tarn_status sort_fresh(struct mending *m, struct tarn_op *op,
                                   const struct tarn_load_plan *plan,
                                   const struct tarn_decoded *decoded)
{
    m->fresh_count = decoded->letter_count;
    TARN_NEW_ARRAY(op, m->fresh, decoded->letter_count + 1);
    TARN_NEW_ARRAY(op, m->stands, decoded->letter_count + 1);
    for (size_t i = 0; i < decoded->letter_count; i++) {
        const struct tarn_dead_letter *l = &decoded->letters[i];
        m->fresh[i] =
            (struct fresh_letter){letter_hash(plan->files[l->file].input.name, l->raw), i};
    }
    if (m->fresh_count)
        qsort(m->fresh, m->fresh_count, sizeof *m->fresh, by_hash);
    return TARN_OK;
}

enum tarn_status tarn__letters_change(const struct tarn_flow *flow, struct tarn_op *op,
                                      const struct tarn_load *load,
                                      const struct tarn_load_plan *plan,
                                      const struct tarn_decoded *decoded, struct tarn_change **out,
                                      int64_t *out_added, int64_t *out_resolved)
{
    struct tarn_ident ident = tarn__letters_ident(op, load->table);
    struct mending m = {.now_us = flow->ingest_ts_us};
    struct tarn_table *table;
    struct tarn_str names;
    struct side side;
    enum tarn_status status;
    *out = NULL;
    *out_added = *out_resolved = 0;
    if (!ident.name.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_table_find(flow->lake, op, ident, &table));
    TARN_TRY(changed_list(op, plan, &names));
    if (decoded->letter_count == 0 && (!table || (plan->table && names.len == 0)))
        return TARN_OK;
    TARN_TRY(side_open(flow, op, load, table, ident, LETTERS_TYPE, "__dead_letters", &side));
    if (!plan->table)
        tarn_change_delete_all(side.change);
    m.side = &side;
    TARN_TRY(sort_fresh(&m, op, plan, decoded));
    tarn_buf_init(&m.doomed, 64 << 20);
    if (table && names.len)
        TARN_GO(mend(&m, op, names));
    TARN_GO(add_letters(&m, op, plan, decoded, out_added));
    TARN_GO(side_write(&side, op));
    *out_resolved = m.resolved;
    if (!tarn_change_is_empty(side.change))
        *out = side.change;
out:
    tarn_buf_release(&m.doomed);
    return status;
}
