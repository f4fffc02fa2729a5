/* load_parquet: Parquet files are read by the engine. Their types come from the files; where the
 * table's and theirs differ, the column becomes the least type that holds both, or the load is
 * refused: nothing is narrowed, rounded or cut.
 */
#include "flow/flow_int.h"

#define READER_COLUMNS "_tarn_file, file_row_number"

/* ---- types */

static bool is_whole(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT || t->kind == TARN_TYPE_LONG;
}

static bool is_exact(const struct tarn_type *t)
{
    return is_whole(t) || t->kind == TARN_TYPE_DECIMAL;
}

static bool is_real(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_FLOAT || t->kind == TARN_TYPE_DOUBLE;
}

/* Digits before the point. */
static int32_t whole_digits(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT ? 10 : t->kind == TARN_TYPE_LONG ? 19 : t->precision - t->scale;
}

static struct tarn_type join_exact(const struct tarn_type *a, const struct tarn_type *b)
{
    if (is_whole(a) && is_whole(b))
        return a->kind == TARN_TYPE_LONG ? *a : *b;
    int32_t whole = whole_digits(a) > whole_digits(b) ? whole_digits(a) : whole_digits(b);
    int32_t scale = a->scale > b->scale ? a->scale : b->scale;
    if (whole + scale > 38)
        return (struct tarn_type){.kind = TARN_TYPE_STRING};
    return (struct tarn_type){
        .kind = TARN_TYPE_DECIMAL, .precision = whole + scale, .scale = scale};
}

/* The type of a column that has values of both; `have` where there is none, so that the engine
 * refuses what would lose. */
static enum tarn_status join_types(struct tarn_op *op, const struct tarn_type *have,
                                   const struct tarn_type *want, struct tarn_type *out);

static enum tarn_status join_fields(struct tarn_op *op, const struct tarn_type *have,
                                    const struct tarn_type *want, struct tarn_type *out)
{
    *out = *want;
    TARN_NEW_ARRAY(op, out->fields, want->field_count + 1);
    for (size_t i = 0; i < want->field_count; i++) {
        out->fields[i] = want->fields[i];
        for (size_t k = 0; k < have->field_count; k++)
            if (tarn_str_eq_nocase(have->fields[k].name, want->fields[i].name)) {
                TARN_TRY(join_types(op, &have->fields[k].type, &want->fields[i].type,
                                    &out->fields[i].type));
                break;
            }
    }
    return TARN_OK;
}

static enum tarn_status join_types(struct tarn_op *op, const struct tarn_type *have,
                                   const struct tarn_type *want, struct tarn_type *out)
{
    if (tarn_type_is_nested(want) && have->kind == want->kind)
        return join_fields(op, have, want, out);
    *out = *want;
    if (tarn_type_is_nested(have) || tarn_type_is_nested(want) || have->kind == TARN_TYPE_STRING)
        *out = want->kind == TARN_TYPE_STRING ? *want : *have;
    else if (is_exact(have) && is_exact(want))
        *out = join_exact(have, want);
    else if (is_real(have) && is_real(want))
        out->kind = have->kind == TARN_TYPE_DOUBLE ? TARN_TYPE_DOUBLE : want->kind;
    else if (is_real(have) && want->kind == TARN_TYPE_INT)
        out->kind = TARN_TYPE_DOUBLE;
    else if (is_exact(have) && is_real(want))
        out->kind = TARN_TYPE_DOUBLE; /* old numbers are checked when they are rewritten */
    else if (have->kind == TARN_TYPE_DATE && want->kind == TARN_TYPE_TIMESTAMP)
        *out = *want;
    else if (want->kind != TARN_TYPE_STRING)
        *out = *have;
    return TARN_OK;
}

/* ---- the query */

static void put_relation(const struct tarn__load_run *r, struct tarn_buf *sql)
{
    tarn_buf_z(sql, "read_parquet([");
    for (size_t i = 0; i < r->inputs.count; i++) {
        if (i)
            tarn_buf_z(sql, ", ");
        tarn_engine_path_sql(sql, r->inputs.items[i].path);
    }
    tarn_buf_z(sql, "], union_by_name = true, filename = '_tarn_file', file_row_number = true, "
                    "hive_partitioning = false)");
}

static enum tarn_status describe_files(struct tarn__load_run *r, struct tarn_type *out)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "SELECT * EXCLUDE (" READER_COLUMNS ") FROM ");
    put_relation(r, &sql);
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(r->op, &sql, "a query over files");
    if (status == TARN_OK)
        status = tarn_session_describe(
            r->flow->session, r->op, (struct tarn_sql_text){.sql = tarn_buf_view(&sql), .line0 = 1},
            out);
    tarn_buf_release(&sql);
    return status;
}

/* A document's own column of one of our names: "doc_ingest_ts", as in other formats. */
static struct tarn_str column_name(struct tarn_op *op, struct tarn_str name)
{
    static const char *const own[] = {"ingest_ts", "_source_file", "_source_offset"};
    for (size_t i = 0; i < 3; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(own[i])))
            return tarn_sprintf(op, "doc_%.*s", TARN_STR_ARG(name));
    return name;
}

static void put_own_columns(const struct tarn__load_run *r, struct tarn_buf *sql)
{
    tarn_buf_printf(sql, "make_timestamptz(%lld) AS ingest_ts, CASE _tarn_file ",
                    (long long)r->flow->ingest_ts_us);
    for (size_t i = 0; i < r->inputs.count; i++) {
        tarn_buf_z(sql, "WHEN ");
        tarn_buf_sql_text(sql, r->inputs.items[i].path);
        tarn_buf_z(sql, " THEN ");
        tarn_buf_sql_text(sql, r->inputs.items[i].name);
        tarn_buf_put(sql, ' ');
    }
    tarn_buf_z(sql, "END AS _source_file, file_row_number AS _source_offset");
}

static enum tarn_status put_query(struct tarn__load_run *r, const struct tarn_type *columns,
                                  struct tarn_buf *sql)
{
    tarn_buf_z(sql, "SELECT ");
    for (size_t i = 0; i < columns->field_count; i++) {
        struct tarn_str name = column_name(r->op, columns->fields[i].name);
        if (!name.ptr)
            return TARN_NOMEM;
        tarn_buf_sql_name(sql, columns->fields[i].name);
        tarn_buf_z(sql, " AS ");
        tarn_buf_sql_name(sql, name);
        tarn_buf_z(sql, ", ");
    }
    put_own_columns(r, sql);
    tarn_buf_z(sql, " FROM ");
    put_relation(r, sql);
    return (enum tarn_status)tarn_buf_finish(r->op, sql, "a query over files");
}

/* ---- afterwards */

struct counting {
    struct tarn__load_run *r;
};

static enum tarn_status keep_count(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                   size_t row)
{
    struct counting *c = ctx;
    (void)op;
    for (size_t i = 0; i < c->r->inputs.count; i++)
        if (tarn_str_eq(c->r->inputs.items[i].path, tarn_cell_text(b, 0, row))) {
            c->r->decoded.files[i].rows = tarn_cell_long(b, 1, row);
            c->r->decoded.rows += tarn_cell_long(b, 1, row);
        }
    return TARN_OK;
}

/* Rows of each file, out of its footer: for the ledger, and to know that all of them were
 * written. */
static enum tarn_status count_rows(struct tarn__load_run *r)
{
    struct counting c = {r};
    struct tarn_buf sql;
    TARN_NEW_ARRAY(r->op, r->decoded.files, r->inputs.count);
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "SELECT file_name, num_rows::BIGINT FROM parquet_file_metadata([");
    for (size_t i = 0; i < r->inputs.count; i++) {
        tarn_buf_z(&sql, i ? ", " : "");
        tarn_engine_path_sql(&sql, r->inputs.items[i].path);
    }
    tarn_buf_z(&sql, "])");
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(r->op, &sql, "a query over files");
    if (status == TARN_OK)
        status = tarn_each_row(r->flow, r->op, tarn_buf_view(&sql), keep_count, &c);
    tarn_buf_release(&sql);
    if (status == TARN_OK && r->decoded.rows != r->written.rows)
        return tarn_fail(r->op, TARN_IO, "%lld rows were read and %lld are in the files",
                         (long long)r->written.rows, (long long)r->decoded.rows);
    return status;
}

/* Nothing of a file that changed while it was read may be committed. */
static enum tarn_status check_unchanged(struct tarn__load_run *r)
{
    for (size_t i = 0; i < r->inputs.count; i++) {
        const struct tarn_input_file *f = &r->inputs.items[i];
        struct tarn_object now;
        TARN_TRY(tarn_storage_head(r->flow->lake->storage, r->op, f->path, &now));
        if (now.size_bytes != f->size_bytes || now.modified_us != f->modified_us)
            return tarn_fail(r->op, TARN_IO, "file \"%.*s\" changed while it was read",
                             TARN_STR_ARG(f->path));
    }
    return TARN_OK;
}

/* ---- */

static enum tarn_status open_change(struct tarn__load_run *r, struct tarn_sql_text text)
{
    struct tarn_type columns, wanted;
    bool set_aside;
    TARN_TRY(tarn_session_describe(r->flow->session, r->op, text, &columns));
    wanted = columns;
    if (r->plan->table)
        TARN_TRY(join_fields(r->op, &tarn_metadata_schema(&r->plan->table->metadata)->root,
                             &columns, &wanted));
    TARN_TRY(tarn__load_open_change(r, &wanted));
    TARN_TRY(tarn__load_sets_aside(r, &set_aside));
    if (!set_aside)
        return TARN_OK;
    (void)tarn_fail(r->op, TARN_SCHEMA,
                    "Parquet files of stream \"%.*s\" have other types than table %.*s.%.*s",
                    TARN_STR_ARG(r->load->stream), TARN_STR_ARG(r->load->table.ns),
                    TARN_STR_ARG(r->load->table.name));
    tarn_detail(r->op, "%.*s", TARN_STR_ARG(r->schema.summary));
    tarn_hint(r->op,
              "rows of Parquet files cannot be set aside one by one: let the column be widened, "
              "with on_type_conflict and rewrite_max_bytes");
    return TARN_SCHEMA;
}

enum tarn_status tarn__load_parquet(struct tarn__load_run *r)
{
    struct tarn_buf sql;
    struct tarn_type columns;
    struct tarn_write write;
    enum tarn_status status;
    tarn_buf_init(&sql, 128 << 20);
    TARN_GO(describe_files(r, &columns));
    TARN_GO(put_query(r, &columns, &sql));
    struct tarn_sql_text text = {.sql = tarn_buf_view(&sql), .line0 = 1};
    TARN_GO(open_change(r, text));
    TARN_GO(tarn_flow_write(r->flow, r->op, r->change, r->flow->ingest_ts_us, &write));
    TARN_GO(tarn_session_write(r->flow->session, r->op, text, &write, &r->written));
    TARN_GO(count_rows(r));
    TARN_GO(check_unchanged(r));
out:
    tarn_buf_release(&sql);
    if (status != TARN_OK)
        tarn_flow_remove(r->flow, r->op, &r->written);
    return status;
}
