/* load: one stream of files into one table: what is new, its types, its rows, one commit.
 *
 *   plan:  files listed -> ledger -> new and changed ones
 *   run:   sample -> shape (joined with the table's) -> schema -> decode and write -> misfit? again with the wider shape
 *          -> rows of changed files deleted -> columns of another type rewritten -> ledger and letters -> one transaction
 *
 * The position property holds how many loads there were; it is the precondition that keeps two runs from loading one file twice.
 */
#include <stdlib.h>

#include "flow/flow_int.h"

#define ROUNDS_MAX            4
#define QUICK_CHECK_MARGIN_US 2000000
#define SAMPLE_BYTES          65536u

/* ---- plan */

static struct tarn_str property_name(struct tarn_op *op, const char *what,
                                     const struct tarn_load *load)
{
    return tarn_sprintf(op, "tarn.%s.%.*s.%.*s", what, TARN_STR_ARG(load->source),
                        TARN_STR_ARG(load->stream));
}

static struct tarn_str table_property(const struct tarn_table *table, struct tarn_str key)
{
    const struct tarn_str *v = table ? tarn_kvs_get(&table->metadata.properties, key.ptr) : NULL;
    return v ? *v : (struct tarn_str){NULL, 0};
}

/* Same size and modification time as in the ledger means the same file, unless it was written so shortly before it was read that a
 * second write could hide within the clock's step; then the checksum decides. */
static bool surely_same(const struct tarn__ledger_row *row, const struct tarn_input_file *f)
{
    return row && row->size_bytes == (int64_t)f->size_bytes && row->modified_us == f->modified_us &&
           f->modified_us < row->ingest_ts_us - QUICK_CHECK_MARGIN_US;
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

/* Rows in the files to come, from the lines in the first piece of the largest one; -1 where lines say nothing (compressed, Parquet). Only a guess for people. */
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
    struct tarn__ledger *ledger;
    *out = (struct tarn_load_plan){.rows_estimate = -1};
    TARN_NEW(op, ledger);
    TARN_TRY(tarn_files_list(op, load->base, load->globs, load->glob_count, &all));
    TARN_TRY(tarn_table_find(flow->lake, op, load->table, &out->table));
    TARN_TRY(tarn__ledger_read(flow, op, load->table, ledger));
    out->ledger = ledger;
    struct tarn_str key = property_name(op, "position", load);
    if (!key.ptr)
        return TARN_NOMEM;
    out->position = table_property(out->table, key);
    TARN_TRY(pick_files(op, load, ledger, &all, flow->workers, out));
    return estimate_rows(flow, op, load, out);
}

/* ---- types */

struct run {
    const struct tarn_flow *flow;
    struct tarn_op *op;
    const struct tarn_load *load;
    const struct tarn_load_plan *plan;
    struct tarn_input_files inputs;
    struct tarn_decode_options decode;
    struct tarn_shape *shape;
    struct tarn_reconciled schema;
    struct tarn_change *change;
    struct tarn_written written;
    struct tarn_decoder *decoder;
    struct tarn_decoded decoded;
    struct tarn_loaded *out;
};

/* What is known of the documents so far: the table's own shape, or what its types allow, joined with a sample. */
static enum tarn_status first_shape(struct run *r)
{
    struct tarn_str key = property_name(r->op, "shape", r->load);
    struct tarn_shape *known = NULL;
    if (!key.ptr)
        return TARN_NOMEM;
    struct tarn_str json = table_property(r->plan->table, key);
    if (json.ptr)
        TARN_TRY_WHILE(r->op, tarn_shape_from_json(r->op, json, &known),
                       "reading table property \"%s\"", key.ptr);
    TARN_TRY(tarn_decode_sample(r->op, &r->inputs, &r->decode, &r->shape));
    if (!known)
        return TARN_OK;
    enum tarn_status status = tarn_shape_join(r->op, known, r->shape);
    tarn_shape_free(r->shape);
    r->shape = known;
    return status;
}

/* The documents' type, with the three columns that every table has behind it. */
static enum tarn_status wanted_type(struct run *r, struct tarn_type *out)
{
    static const struct {
        const char *name;
        enum tarn_type_kind kind;
    } own[] = {{"ingest_ts", TARN_TYPE_TIMESTAMPTZ},
               {"_source_file", TARN_TYPE_STRING},
               {"_source_offset", TARN_TYPE_LONG}};
    struct tarn_type doc;
    TARN_TRY(tarn_shape_type(r->op, r->shape, r->decode.declared, r->decode.declared_count, &doc));
    *out = doc;
    TARN_NEW_ARRAY(r->op, out->fields, doc.field_count + 3);
    if (doc.field_count)
        memcpy(out->fields, doc.fields, doc.field_count * sizeof *doc.fields);
    for (size_t i = 0; i < 3; i++)
        out->fields[doc.field_count + i] =
            (struct tarn_field){.name = tarn_str_view(own[i].name), .type = {.kind = own[i].kind}};
    out->field_count = doc.field_count + 3;
    return TARN_OK;
}

static enum tarn_status create_table(struct run *r, const struct tarn_type *wanted)
{
    struct tarn_schema schema = {.root = *wanted};
    struct tarn_create create = {.location = r->load->location, .schema = &schema};
    int32_t next = 1;
    tarn_type_assign_ids(&schema.root, &next);
    TARN_TRY(tarn_spec_make(r->op, &schema, r->load->partition_by, r->load->partition_count,
                            &create.spec));
    TARN_TRY(tarn_flow_properties(r->op, &r->load->properties, &create.properties));
    return tarn_change_create(r->flow->lake, r->op, r->load->table, &create, &r->change);
}

/* A change with the schema that the shape asks for. */
static enum tarn_status open_change(struct run *r)
{
    struct tarn_type wanted;
    const struct tarn_table *table = r->plan->table;
    TARN_TRY(wanted_type(r, &wanted));
    if (!table)
        return create_table(r, &wanted);
    TARN_TRY(tarn_reconcile(r->op, tarn_metadata_schema(&table->metadata), &wanted,
                            TARN_STR("ingest_ts"), &r->schema));
    TARN_TRY(tarn_change_open(r->flow->lake, r->op, table, &r->change));
    if (r->schema.changed)
        TARN_TRY(tarn_change_set_schema(r->change, r->op, &r->schema.merged));
    r->out->schema_change = r->schema.summary;
    return TARN_OK;
}

/* Too much to rewrite, or the user's wish: the table's columns stand as if they were declared, so that what does not fit is set aside. */
static enum tarn_status pin_leaves(struct run *r, struct tarn_str prefix, const struct tarn_type *t,
                                   struct tarn_declared *list, size_t *n)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        struct tarn_str path = prefix.len ? tarn_sprintf(r->op, "%.*s.%.*s", TARN_STR_ARG(prefix),
                                                         TARN_STR_ARG(f->name))
                                          : f->name;
        bool known = false;
        if (!path.ptr)
            return TARN_NOMEM;
        if (tarn_type_is_nested(&f->type)) {
            TARN_TRY(pin_leaves(r, path, &f->type, list, n));
            continue;
        }
        for (size_t k = 0; k < r->decode.declared_count && !known; k++)
            known = tarn_str_eq_nocase(r->decode.declared[k].path, path);
        if (!known)
            list[(*n)++] = (struct tarn_declared){path, f->type};
    }
    return TARN_OK;
}

static enum tarn_status pin_columns(struct run *r)
{
    const struct tarn_schema *s = tarn_metadata_schema(&r->plan->table->metadata);
    struct tarn_declared *list;
    size_t n = r->decode.declared_count;
    TARN_NEW_ARRAY(r->op, list, n + tarn_type_leaf_count(&s->root));
    if (n)
        memcpy(list, r->decode.declared, n * sizeof *list);
    struct tarn_type doc = s->root;
    doc.field_count = 0;
    TARN_NEW_ARRAY(r->op, doc.fields, s->root.field_count + 1);
    for (size_t i = 0; i < s->root.field_count; i++) {
        struct tarn_str name = s->root.fields[i].name;
        if (!tarn_str_is(name, "ingest_ts") && !tarn_str_is(name, "_source_file") &&
            !tarn_str_is(name, "_source_offset"))
            doc.fields[doc.field_count++] = s->root.fields[i];
    }
    TARN_TRY(pin_leaves(r, (struct tarn_str){NULL, 0}, &doc, list, &n));
    r->decode.declared = list;
    r->decode.declared_count = n;
    return TARN_OK;
}

static enum tarn_status conflicts_to_letters(struct run *r, bool *out)
{
    struct tarn_table_totals totals;
    *out = false;
    if (r->schema.replaced_count == 0)
        return TARN_OK;
    *out = r->load->conflicts_set_aside;
    TARN_TRY(tarn_table_totals(r->flow->lake, r->op, r->plan->table, &totals));
    if (r->load->rewrite_bytes_max && totals.bytes > r->load->rewrite_bytes_max)
        *out = true;
    return TARN_OK;
}

/* ---- rows */

/* The target as the decoder wants it: the three columns last, whatever the table's order. */
static bool three_last(const struct tarn_schema *s)
{
    static const char *const own[] = {"ingest_ts", "_source_file", "_source_offset"};
    size_t n = s->root.field_count;
    for (size_t i = 0; n >= 3 && i < 3; i++)
        if (!tarn_str_is(s->root.fields[n - 3 + i].name, own[i]))
            return false;
    return n >= 3;
}

/* One pass: decode everything into files of the change's schema. *out_fits false: the shape was widened, again. */
static enum tarn_status decode_once(struct run *r, bool *out_fits)
{
    struct tarn_write write;
    const struct tarn_schema *target;
    enum tarn_status status;
    *out_fits = false;
    TARN_TRY(tarn_flow_write(r->flow, r->op, r->change, r->flow->ingest_ts_us, &write));
    target = write.schema;
    if (!three_last(target))
        return tarn_fail(
            r->op, TARN_SCHEMA,
            "table %.*s.%.*s does not end with ingest_ts, _source_file, _source_offset",
            TARN_STR_ARG(r->load->table.ns), TARN_STR_ARG(r->load->table.name));
    TARN_TRY(
        tarn_decoder_open(r->op, &r->inputs, &r->decode, r->shape, &target->root, &r->decoder));
    TARN_GO(tarn_session_write_producer(r->flow->session, r->op, &r->decoder->producer, &write,
                                        &r->written));
    TARN_GO(tarn_decoder_finish(r->decoder, r->op, &r->decoded));
    TARN_GO(tarn_shape_join(r->op, r->shape, r->decoded.shape));
    *out_fits = !r->decoded.misfit;
out:
    tarn_decoder_close(r->decoder);
    r->decoder = NULL;
    if (status != TARN_OK || r->decoded.misfit) {
        tarn_flow_remove(r->flow, r->op, &r->written);
        r->written = (struct tarn_written){0};
    }
    return status;
}

static enum tarn_status decode_all(struct run *r)
{
    bool fits = false, pinned = false;
    TARN_TRY(first_shape(r));
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool set_aside;
        TARN_TRY(open_change(r));
        TARN_TRY(conflicts_to_letters(r, &set_aside));
        if (set_aside && !pinned) {
            pinned = true;
            TARN_TRY(pin_columns(r));
            TARN_TRY(open_change(r));
        }
        TARN_TRY(decode_once(r, &fits));
        if (fits)
            return TARN_OK;
    }
    return tarn_fail(r->op, TARN_INTERNAL,
                     "the types of stream \"%.*s\" did not settle in %d rounds",
                     TARN_STR_ARG(r->load->stream), ROUNDS_MAX);
}

/* ---- Parquet files: the engine reads them */

static void parquet_relation(const struct run *r, struct tarn_buf *sql)
{
    tarn_buf_z(sql, "read_parquet([");
    for (size_t i = 0; i < r->inputs.count; i++) {
        if (i)
            tarn_buf_z(sql, ", ");
        tarn_buf_sql_text(sql, r->inputs.items[i].path);
    }
    tarn_buf_z(sql, "], union_by_name = true, filename = '_tarn_file', file_row_number = true, "
                    "hive_partitioning = false)");
}

static enum tarn_status load_parquet(struct run *r)
{
    struct tarn_buf from, sql;
    struct tarn_type columns;
    struct tarn_write write;
    enum tarn_status status;
    tarn_buf_init(&from, 64 << 20);
    tarn_buf_init(&sql, 128 << 20);
    parquet_relation(r, &from);
    tarn_buf_z(&sql, "SELECT * EXCLUDE (_tarn_file, file_row_number), ");
    tarn_buf_printf(&sql, "make_timestamptz(%lld) AS ingest_ts, CASE _tarn_file ",
                    (long long)r->flow->ingest_ts_us);
    for (size_t i = 0; i < r->inputs.count; i++) {
        tarn_buf_z(&sql, "WHEN ");
        tarn_buf_sql_text(&sql, r->inputs.items[i].path);
        tarn_buf_z(&sql, " THEN ");
        tarn_buf_sql_text(&sql, r->inputs.items[i].name);
        tarn_buf_put(&sql, ' ');
    }
    tarn_buf_z(&sql, "END AS _source_file, file_row_number AS _source_offset FROM ");
    tarn_buf_str(&sql, tarn_buf_view(&from));
    TARN_GO((enum tarn_status)tarn_buf_finish(r->op, &sql, "query over Parquet files"));
    struct tarn_sql_text text = {.sql = tarn_buf_view(&sql), .line0 = 1};
    TARN_GO(tarn_session_describe(r->flow->session, r->op, text, &columns));
    if (r->plan->table) {
        TARN_GO(tarn_reconcile(r->op, tarn_metadata_schema(&r->plan->table->metadata), &columns,
                               TARN_STR("ingest_ts"), &r->schema));
        TARN_GO(tarn_change_open(r->flow->lake, r->op, r->plan->table, &r->change));
        if (r->schema.changed)
            TARN_GO(tarn_change_set_schema(r->change, r->op, &r->schema.merged));
        r->out->schema_change = r->schema.summary;
    } else {
        TARN_GO(create_table(r, &columns));
    }
    TARN_GO(tarn_flow_write(r->flow, r->op, r->change, r->flow->ingest_ts_us, &write));
    TARN_GO(tarn_session_write(r->flow->session, r->op, text, &write, &r->written));
    r->decoded.rows = r->written.rows;
    r->decoded.files = tarn_alloc_array(r->op, r->inputs.count, sizeof *r->decoded.files);
    status = r->decoded.files ? TARN_OK : TARN_NOMEM;
out:
    tarn_buf_release(&from);
    tarn_buf_release(&sql);
    return status;
}

/* ---- old rows */

static void changed_names(const struct run *r, struct tarn_buf *sql)
{
    const char *comma = "";
    for (size_t i = 0; i < r->plan->file_count; i++) {
        if (!r->plan->files[i].changed)
            continue;
        tarn_buf_z(sql, comma);
        tarn_buf_sql_text(sql, r->plan->files[i].input.name);
        comma = ", ";
    }
}

/* Rows of files that are read again go, by position. */
static enum tarn_status delete_changed(struct run *r, const struct tarn_scan *scan)
{
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "(SELECT _file, _pos FROM tarn.target WHERE _source_file IN (");
    changed_names(r, &sql);
    tarn_buf_z(&sql, "))");
    TARN_GO((enum tarn_status)tarn_buf_finish(r->op, &sql, "list of changed files"));
    TARN_GO(tarn_rows_delete(r->flow, r->op, r->change, scan, tarn_buf_view(&sql),
                             &r->out->rows_replaced));
out:
    tarn_buf_release(&sql);
    return status;
}

static bool is_replaced(const struct run *r, struct tarn_str column)
{
    for (size_t i = 0; i < r->schema.replaced_count; i++)
        if (tarn_str_eq(r->schema.replaced[i], column))
            return true;
    return false;
}

/* The SQL spelling of a type, for casts of old rows. */
static void put_cast(struct tarn_buf *sql, const struct tarn_field *old,
                     const struct tarn_field *now)
{
    if (now->type.kind == TARN_TYPE_STRING && tarn_type_is_nested(&old->type)) {
        tarn_buf_z(sql, "to_json(");
        tarn_buf_sql_name(sql, old->name);
        tarn_buf_z(sql, ")::VARCHAR");
        return;
    }
    if (now->type.kind == TARN_TYPE_STRING && old->type.kind == TARN_TYPE_DOUBLE) {
        tarn_buf_z(sql, "regexp_replace(CAST(");
        tarn_buf_sql_name(sql, old->name);
        tarn_buf_z(sql, " AS VARCHAR), '\\.0$', '')");
        return;
    }
    tarn_buf_z(sql, "CAST(");
    tarn_buf_sql_name(sql, old->name);
    tarn_buf_z(sql, " AS ");
    tarn_engine_type_sql(sql, &now->type);
    tarn_buf_put(sql, ')');
}

/* A column got another type under a new id: every old row is written anew in the same commit. */
static enum tarn_status rewrite_old(struct run *r, const struct tarn_scan *scan)
{
    const struct tarn_schema *old = scan->schema;
    struct tarn_written written;
    struct tarn_write write;
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "SELECT ");
    for (size_t i = 0; i < old->root.field_count; i++) {
        const struct tarn_field *f = &old->root.fields[i];
        if (i)
            tarn_buf_z(&sql, ", ");
        if (is_replaced(r, f->name)) {
            put_cast(&sql, f, tarn_type_field_by_name(&r->schema.merged.root, f->name));
            tarn_buf_z(&sql, " AS ");
        }
        tarn_buf_sql_name(&sql, f->name);
    }
    tarn_buf_z(&sql, " FROM tarn.target");
    if (r->plan->changed_count) {
        tarn_buf_z(&sql, " WHERE _source_file NOT IN (");
        changed_names(r, &sql);
        tarn_buf_z(&sql, ")");
    }
    TARN_GO((enum tarn_status)tarn_buf_finish(r->op, &sql, "query that rewrites a table"));
    TARN_GO(tarn_flow_write(r->flow, r->op, r->change, INT64_MIN, &write));
    struct tarn_sql_text text = {.sql = tarn_buf_view(&sql), .line0 = 1};
    TARN_GO(tarn_session_write(r->flow->session, r->op, text, &write, &written));
    tarn_change_delete_all(r->change);
    TARN_GO(tarn_change_append(r->change, r->op, written.files, written.count));
    r->out->bytes_written += written.bytes;
    r->out->data_files += (int64_t)written.count;
out:
    tarn_buf_release(&sql);
    return status;
}

static enum tarn_status settle_old_rows(struct run *r)
{
    struct tarn_scan *scan;
    if (!r->plan->table || (r->plan->changed_count == 0 && r->schema.replaced_count == 0))
        return TARN_OK;
    TARN_TRY(tarn_table_scan(r->flow->lake, r->op, r->plan->table, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(r->flow->session, r->op, TARN_STR("target"), scan, true));
    if (r->schema.replaced_count)
        return rewrite_old(r, scan);
    return delete_changed(r, scan);
}

/* ---- commit */

static enum tarn_status check_letters(struct run *r)
{
    int64_t letters = (int64_t)r->decoded.letter_count;
    if (r->load->dead_letters_max < 0 || letters <= r->load->dead_letters_max)
        return TARN_OK;
    const struct tarn_dead_letter *l = &r->decoded.letters[0];
    (void)tarn_fail(r->op, TARN_DEAD_LETTERS,
                    "%lld records of stream \"%.*s\" cannot be stored; max_dead_letters is %lld",
                    (long long)letters, TARN_STR_ARG(r->load->stream),
                    (long long)r->load->dead_letters_max);
    tarn_detail(r->op, "the first: %.*s, line %lld: %.*s",
                TARN_STR_ARG(r->inputs.items[l->file].name), (long long)l->line,
                TARN_STR_ARG(l->reason));
    return TARN_DEAD_LETTERS;
}

/* {"v":1,"epoch":1,"loads":3,"run":"..."}: moved on by one with every load. */
static enum tarn_status move_position(struct run *r)
{
    struct tarn_str position = property_name(r->op, "position", r->load);
    struct tarn_str shape = property_name(r->op, "shape", r->load), json;
    int64_t loads = 0;
    if (!position.ptr || !shape.ptr)
        return TARN_NOMEM;
    if (r->plan->position.ptr) {
        struct tarn_json *old;
        TARN_TRY(tarn_json_parse(r->op, r->plan->position, position.ptr, &old));
        TARN_TRY(tarn_json_i64(r->op, old, "loads", (struct tarn_json_field){position.ptr, true},
                               &loads));
    }
    struct tarn_str next = tarn_sprintf(r->op, "{\"v\":1,\"loads\":%lld,\"run\":\"%.*s\"}",
                                        (long long)loads + 1, TARN_STR_ARG(r->flow->run_id));
    if (!next.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_change_require_property(r->change, r->op, position, r->plan->position));
    TARN_TRY(tarn_change_set_property(r->change, r->op, position, next));
    TARN_TRY(tarn_change_set_summary(r->change, r->op, TARN_STR("tarn.run-id"), r->flow->run_id));
    if (!r->shape)
        return TARN_OK;
    TARN_TRY(tarn_shape_to_json(r->op, r->shape, &json));
    return tarn_change_set_property(r->change, r->op, shape, json);
}

static enum tarn_status commit(struct run *r)
{
    struct tarn_change *changes[3];
    size_t n = 0;
    enum tarn_status status;
    changes[n++] = r->change;
    TARN_TRY(move_position(r));
    TARN_TRY(tarn_change_append(r->change, r->op, r->written.files, r->written.count));
    struct tarn_change *ledger = NULL, *letters = NULL;
    TARN_GO(tarn__ledger_change(r->flow, r->op, r->load, r->plan, &r->decoded, &ledger));
    changes[n++] = ledger;
    TARN_GO(tarn__letters_change(r->flow, r->op, r->load, r->plan, &r->decoded, &letters,
                                 &r->out->dead_letters, &r->out->resolved));
    if (letters)
        changes[n++] = letters;
    TARN_GO(tarn_changes_commit(r->flow->lake, r->op, changes, n, (struct tarn_commit_options){0}));
out:
    if (status != TARN_OK && status != TARN_UNKNOWN)
        for (size_t i = 0; i < n; i++)
            tarn_change_discard(changes[i], r->op);
    return status;
}

static enum tarn_status load_rows(struct run *r)
{
    TARN_TRY(r->load->parquet ? load_parquet(r) : decode_all(r));
    enum tarn_status status = check_letters(r);
    if (status == TARN_OK)
        status = settle_old_rows(r);
    if (status != TARN_OK) {
        tarn_flow_remove(r->flow, r->op, &r->written);
        tarn_change_discard(r->change, r->op);
        return status;
    }
    r->out->rows = r->decoded.rows;
    r->out->files_read = (int64_t)r->plan->file_count;
    r->out->bytes_read = r->plan->bytes;
    r->out->data_files += (int64_t)r->written.count;
    r->out->bytes_written += r->written.bytes;
    TARN_TRY(commit(r));
    r->out->committed = true;
    const struct tarn_metadata *m = &tarn_change_table(r->change)->metadata;
    r->out->snapshot_id = m->current_snapshot_id;
    tarn_session_forget_views(r->flow->session);
    return TARN_OK;
}

enum tarn_status tarn_load_run(const struct tarn_flow *flow, struct tarn_op *op,
                               const struct tarn_load *load, const struct tarn_load_plan *plan,
                               struct tarn_loaded *out)
{
    struct run r = {.flow = flow, .op = op, .load = load, .plan = plan, .out = out};
    *out = (struct tarn_loaded){.schema_change = TARN_STR("")};
    if (plan->file_count == 0)
        return TARN_OK;
    r.decode = load->decode;
    r.decode.ingest_ts_us = flow->ingest_ts_us;
    r.decode.workers = flow->workers;
    r.inputs.count = plan->file_count;
    TARN_NEW_ARRAY(op, r.inputs.items, plan->file_count);
    for (size_t i = 0; i < plan->file_count; i++)
        r.inputs.items[i] = plan->files[i].input;
    enum tarn_status status = load_rows(&r);
    tarn_shape_free(r.shape);
    return status;
}
