/* merge: a model's whole result against its table, row by row.
 *
 * The result lies in Parquet files of its own (S); the table (T) is bound as tarn.target with
 * positions.
 *   merge    rows of S that T lacks or has otherwise (audit columns aside) are written; the rows of
 *            T that they replace are deleted, and so are, with replace_by, rows of T whose
 *            replace_by values stand in S while their key does not. How, the table's properties
 *            write.merge.mode and tarn.write.delete-files say; by key means the model's
 *   append   rows of S beyond those that T has already (a multiset difference over the columns that
 *            both have)
 */
#include "sched/sched_int.h"

void tarn__written_relation(struct tarn_buf *b, const struct tarn_written *written)
{
    tarn_buf_z(b, "read_parquet([");
    for (size_t i = 0; i < written->count; i++) {
        if (i)
            tarn_buf_z(b, ", ");
        tarn_engine_path_sql(b, written->files[i].path);
    }
    tarn_buf_z(b, "])");
}

static bool in_list(const struct tarn_strs *list, struct tarn_str name)
{
    for (size_t i = 0; i < list->count; i++)
        if (tarn_str_eq_nocase(list->items[i], name))
            return true;
    return false;
}

static const struct tarn_field *find_column(const struct tarn_type *t, struct tarn_str name)
{
    for (size_t i = 0; i < t->field_count; i++)
        if (tarn_str_eq_nocase(t->fields[i].name, name))
            return &t->fields[i];
    return NULL;
}

static void put_side(struct tarn_buf *b, const char *side, struct tarn_str column)
{
    tarn_buf_z(b, side);
    tarn_buf_put(b, '.');
    tarn_buf_sql_name(b, column);
}

static void put_match(struct tarn_buf *b, const struct tarn_strs *columns, const char *left,
                      const char *right)
{
    for (size_t i = 0; i < columns->count; i++) {
        if (i)
            tarn_buf_z(b, " AND ");
        put_side(b, left, columns->items[i]);
        tarn_buf_z(b, " = ");
        put_side(b, right, columns->items[i]);
    }
}

/* "(s.a IS DISTINCT FROM t.a OR ...)" over what is neither key nor audit column and stands on both
 * sides. */
static void put_differs(struct tarn_buf *b, const struct tarn_model *model,
                        const struct tarn_type *result, const struct tarn_type *table)
{
    const char *between = "(";
    for (size_t i = 0; i < result->field_count; i++) {
        struct tarn_str name = result->fields[i].name;
        if (in_list(&model->key, name) || in_list(&model->audit, name))
            continue;
        tarn_buf_z(b, between);
        put_side(b, "s", name);
        if (find_column(table, name)) {
            tarn_buf_z(b, " IS DISTINCT FROM ");
            put_side(b, "t", name);
        } else {
            tarn_buf_z(b, " IS NOT NULL");
        }
        between = " OR ";
    }
    tarn_buf_z(b, *between == '(' ? "(false)" : ")");
}

struct merge {
    const struct tarn__build *b;
    const struct tarn_model *model;
    const struct tarn_table *table;
    struct tarn_change *change;
    struct tarn_written *result;
    const struct tarn_type *own;         /* columns that the model makes */
    const struct tarn_type *columns;     /* of the change: what files hold */
    const struct tarn_type *old_columns; /* of the table */
    struct tarn_scan *scan;
    bool lineage; /* rows that are replaced keep their ids */
    bool copy_on_write;
    struct tarn_row_key by_key; /* none: by position */
    struct tarn_rewriting rest; /* of files that are written anew */
};

/* ---- how rows are replaced */

static enum tarn_status merge_mode(struct merge *m)
{
    static const char KEY[] = "write.merge.mode";
    const struct tarn_str *v = tarn_kvs_get(&tarn_change_metadata(m->change)->properties, KEY);
    m->copy_on_write = v && tarn_str_eq_nocase(*v, TARN_STR("copy-on-write"));
    if (!v || m->copy_on_write || tarn_str_eq_nocase(*v, TARN_STR("merge-on-read")))
        return TARN_OK;
    (void)tarn_fail(m->b->op, TARN_CONFIG, "table property \"%s\" is \"%.*s\"", KEY,
                    TARN_STR_ARG(*v));
    tarn_hint(m->b->op, "it is copy-on-write or merge-on-read");
    return TARN_CONFIG;
}

/* The model's key, which its rows are unique by, stands for identifier fields: those must not be
 * null, and a query's columns may. */
static enum tarn_status merge_key(struct merge *m)
{
    struct tarn_op *op = m->b->op;
    int32_t *ids;
    bool wanted;
    TARN_TRY(tarn_row_key_wanted(op, tarn_change_metadata(m->change), &wanted));
    if (!wanted || m->copy_on_write)
        return TARN_OK;
    TARN_NEW_ARRAY(op, ids, m->model->key.count + 1);
    for (size_t i = 0; i < m->model->key.count; i++) {
        const struct tarn_field *f = find_column(m->old_columns, m->model->key.items[i]);
        if (!f)
            return TARN_OK; /* the engine will say so */
        ids[i] = f->id;
    }
    return tarn_row_key_make(op, tarn_metadata_schema(&m->table->metadata), ids,
                             m->model->key.count, &m->by_key);
}

static enum tarn_status bind(struct merge *m)
{
    struct tarn_op *op = m->b->op;
    m->columns = &tarn_metadata_schema(tarn_change_metadata(m->change))->root;
    m->old_columns = &tarn_metadata_schema(&m->table->metadata)->root;
    TARN_TRY(tarn_table_scan(&m->b->w->lake, op, m->table, NULL, NULL, &m->scan));
    return tarn_session_bind_scan(m->b->w->session, op, TARN_STR("target"), m->scan, true);
}

static enum tarn_status write_rows(struct merge *m, struct tarn_buf *sql, struct tarn__made *made)
{
    struct tarn_op *op = m->b->op;
    struct tarn_written written;
    struct tarn_write write;
    TARN_TRY((enum tarn_status)tarn_buf_finish(op, sql, "merge query"));
    struct tarn_sql_text text = {.sql = tarn_buf_view(sql), .line0 = 1};
    TARN_TRY(tarn_flow_write(&m->b->flow, op, m->change, INT64_MIN, &write));
    TARN_TRY(tarn_flow_write_statement(op, "merge", &write));
    if (m->lineage)
        TARN_TRY(tarn_flow_write_lineage(op, &write));
    TARN_TRY(tarn_session_write(m->b->w->session, op, text, &write, &written));
    made->rows = written.rows;
    made->bytes = written.bytes;
    made->files = (int64_t)written.count;
    return tarn_change_append(m->change, op, written.files, written.count);
}

/* Columns that the result lacks keep the table's values. */
static void put_columns(struct tarn_buf *sql, const struct merge *m)
{
    for (size_t i = 0; i < m->columns->field_count; i++) {
        struct tarn_str name = m->columns->fields[i].name;
        if (i)
            tarn_buf_z(sql, ", ");
        put_side(sql, find_column(m->own, name) ? "s" : "t", name);
    }
}

static void put_source(struct tarn_buf *sql, const struct merge *m, const char *alias)
{
    tarn__written_relation(sql, m->result);
    tarn_buf_printf(sql, " AS %s", alias);
}

/* Format version 3, unless a column has the name of a metadata column. */
static bool keeps_ids(const struct merge *m)
{
    return m->table->metadata.format_version >= 3 &&
           !find_column(m->columns, TARN_STR("_row_id")) &&
           !find_column(m->columns, TARN_STR("_last_updated_sequence_number"));
}

/* Rows of files that are written anew, as they are. */
static void put_kept(struct tarn_buf *sql, const struct merge *m)
{
    tarn_buf_z(sql, "SELECT ");
    for (size_t i = 0; i < m->columns->field_count; i++) {
        tarn_buf_z(sql, i ? ", " : "");
        put_side(sql, "k", m->columns->fields[i].name);
    }
    if (m->lineage)
        tarn_buf_z(sql, ", k._row_id, k._last_updated_sequence_number");
    tarn_buf_z(sql, " FROM tarn.rest AS k");
    if (!m->rest.excluded)
        tarn_buf_z(sql, " ANTI JOIN tarn_doomed AS d ON k._file = d._file AND k._pos = d._pos");
}

static void put_changed(struct tarn_buf *sql, const struct merge *m)
{
    tarn_buf_z(sql, "SELECT ");
    put_columns(sql, m);
    if (m->lineage)
        tarn_buf_z(sql, ", t._row_id AS _row_id, CAST(NULL AS BIGINT) AS "
                        "_last_updated_sequence_number");
    tarn_buf_z(sql, " FROM ");
    put_source(sql, m, "s");
    tarn_buf_z(sql, " LEFT JOIN tarn.target AS t ON ");
    put_match(sql, &m->model->key, "s", "t");
    tarn_buf_z(sql, " WHERE t._pos IS NULL OR ");
    put_differs(sql, m->model, m->own, m->old_columns);
}

static enum tarn_status write_changed(struct merge *m, bool kept, struct tarn__made *made)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, 16 << 20);
    m->lineage = keeps_ids(m);
    if (kept) {
        put_kept(&sql, m);
        tarn_buf_z(&sql, " UNION ALL ");
    }
    put_changed(&sql, m);
    enum tarn_status status = write_rows(m, &sql, made);
    tarn_buf_release(&sql);
    return status;
}

static void put_doomed(struct tarn_buf *sql, const struct merge *m)
{
    tarn_buf_z(sql, "SELECT t._file, t._pos");
    for (size_t i = 0; i < m->by_key.count; i++)
        tarn_buf_printf(sql, ", t.%.*s AS \"tarn k%zu\"", TARN_STR_ARG(m->by_key.parts[i].path), i);
    tarn_buf_z(sql, " FROM tarn.target AS t");
}

static enum tarn_status find_doomed(struct merge *m)
{
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_z(&sql, "CREATE OR REPLACE TEMP TABLE tarn_doomed AS ");
    put_doomed(&sql, m);
    tarn_buf_z(&sql, " JOIN ");
    put_source(&sql, m, "s");
    tarn_buf_z(&sql, " ON ");
    put_match(&sql, &m->model->key, "s", "t");
    tarn_buf_z(&sql, " WHERE ");
    put_differs(&sql, m->model, m->own, m->old_columns);
    if (m->model->replace_by.count) {
        tarn_buf_z(&sql, " UNION ALL ");
        put_doomed(&sql, m);
        tarn_buf_z(&sql, " SEMI JOIN ");
        put_source(&sql, m, "r");
        tarn_buf_z(&sql, " ON ");
        put_match(&sql, &m->model->replace_by, "r", "t");
        tarn_buf_z(&sql, " ANTI JOIN ");
        put_source(&sql, m, "s");
        tarn_buf_z(&sql, " ON ");
        put_match(&sql, &m->model->key, "s", "t");
    }
    status = (enum tarn_status)tarn_buf_finish(m->b->op, &sql, "merge query");
    if (status == TARN_OK)
        status = tarn_session_exec(m->b->w->session, m->b->op, tarn_buf_view(&sql));
    tarn_buf_release(&sql);
    return status;
}

/* Others have written into the table: a key that stands there twice cannot be merged into. */
static enum tarn_status check_target_keys(struct merge *m)
{
    struct tarn_buf sql;
    int64_t n = 0;
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_z(&sql, "SELECT count(*) FROM (SELECT count(*) FROM tarn.target GROUP BY ");
    for (size_t i = 0; i < m->model->key.count; i++) {
        tarn_buf_z(&sql, i ? ", " : "");
        tarn_buf_sql_name(&sql, m->model->key.items[i]);
    }
    tarn_buf_z(&sql, " HAVING count(*) > 1)");
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(m->b->op, &sql, "key query");
    if (status == TARN_OK)
        status = tarn_session_int(m->b->w->session, m->b->op, tarn_buf_view(&sql), &n);
    tarn_buf_release(&sql);
    if (status != TARN_OK || n == 0)
        return status;
    (void)tarn_fail(m->b->op, TARN_CHECK, "table %.*s.%.*s holds %lld keys more than once",
                    TARN_STR_ARG(m->model->ident.ns), TARN_STR_ARG(m->model->ident.name),
                    (long long)n);
    tarn_hint(m->b->op,
              "somebody else has written into it: remove those rows, or make it anew with "
              "--full-refresh");
    return TARN_CHECK;
}

/* Copy-on-write: what stays of files that lose rows is written beside the rows that come. */
static enum tarn_status merge_anew(struct merge *m, struct tarn__made *made)
{
    const struct tarn__build *b = m->b;
    TARN_TRY(
        tarn_rows_rewrite(&b->flow, b->op, m->change, m->scan, TARN_STR("tarn_doomed"), &m->rest));
    made->rows_deleted = m->rest.doomed;
    if (m->rest.scan.file_count == 0)
        return write_changed(m, false, made);
    m->rest.scan.schema = tarn_metadata_schema(tarn_change_metadata(m->change));
    TARN_TRY(tarn_session_bind_scan(b->w->session, b->op, TARN_STR("rest"), &m->rest.scan, true));
    TARN_TRY(write_changed(m, true, made));
    if (m->rest.kept < 0) /* of files that equality deletes are about nobody knows */
        TARN_TRY(tarn_session_int(b->w->session, b->op,
                                  m->rest.excluded
                                      ? TARN_STR("SELECT count(*) FROM tarn.rest")
                                      : TARN_STR("SELECT count(*) FROM tarn.rest AS k ANTI JOIN "
                                                 "tarn_doomed AS d ON k._file = d._file AND "
                                                 "k._pos = d._pos"),
                                  &m->rest.kept));
    made->rows -= m->rest.kept;
    return TARN_OK;
}

static enum tarn_status merge_beside(struct merge *m, struct tarn__made *made)
{
    const struct tarn__build *b = m->b;
    struct tarn_str doomed = TARN_STR("tarn_doomed");
    bool done = false;
    TARN_TRY(write_changed(m, false, made));
    if (m->by_key.count)
        TARN_TRY(tarn_rows_delete_keys(&b->flow, b->op, m->change, m->table, m->scan, &m->by_key,
                                       doomed, &done, &made->rows_deleted));
    return done
               ? TARN_OK
               : tarn_rows_delete(&b->flow, b->op, m->change, m->scan, doomed, &made->rows_deleted);
}

static enum tarn_status begin(struct merge *m, const struct tarn__build *b,
                              const struct tarn_model *model, const struct tarn_table *table,
                              struct tarn_change *change, struct tarn_written *result,
                              const struct tarn__made *made)
{
    *m = (struct merge){.b = b,
                        .model = model,
                        .table = table,
                        .change = change,
                        .result = result,
                        .own = &made->result};
    return bind(m);
}

enum tarn_status tarn__merge_rows(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_table *table, struct tarn_change *change,
                                  struct tarn_written *result, struct tarn__made *made)
{
    struct merge m;
    TARN_TRY(begin(&m, b, model, table, change, result, made));
    TARN_TRY(merge_mode(&m));
    TARN_TRY(merge_key(&m));
    if (made->foreign)
        TARN_TRY(check_target_keys(&m));
    TARN_TRY(find_doomed(&m));
    TARN_TRY(m.copy_on_write ? merge_anew(&m, made) : merge_beside(&m, made));
    tarn_flow_remove(&b->flow, b->op, result);
    return tarn_session_exec(b->w->session, b->op, TARN_STR("DROP TABLE tarn_doomed"));
}

static void put_all_columns(struct tarn_buf *sql, const struct merge *m)
{
    for (size_t i = 0; i < m->columns->field_count; i++) {
        tarn_buf_z(sql, i ? ", " : "");
        tarn_buf_sql_name(sql, m->columns->fields[i].name);
    }
}

/* The columns by which rows are known again: those that the model makes and the table had
 * before. */
static size_t put_known_columns(struct tarn_buf *b, const struct merge *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->own->field_count; i++) {
        struct tarn_str name = m->own->fields[i].name;
        if (!find_column(m->old_columns, name))
            continue;
        tarn_buf_z(b, n++ ? ", " : "");
        tarn_buf_sql_name(b, name);
    }
    return n;
}

static void put_known_match(struct tarn_buf *b, const struct merge *m)
{
    const char *between = "";
    for (size_t i = 0; i < m->own->field_count; i++) {
        struct tarn_str name = m->own->fields[i].name;
        if (!find_column(m->old_columns, name))
            continue;
        tarn_buf_z(b, between);
        put_side(b, "s", name);
        tarn_buf_z(b, " IS NOT DISTINCT FROM ");
        put_side(b, "t", name);
        between = " AND ";
    }
}

/* The n-th of equal rows is new if the table has fewer than n of them. */
static void put_new_rows(struct tarn_buf *sql, const struct merge *m, struct tarn_str known)
{
    tarn_buf_z(sql, "SELECT ");
    for (size_t i = 0; i < m->columns->field_count; i++) {
        tarn_buf_z(sql, i ? ", " : "");
        put_side(sql, "s", m->columns->fields[i].name);
    }
    tarn_buf_printf(sql, " FROM (SELECT *, row_number() OVER (PARTITION BY %.*s) AS tarn_nth FROM ",
                    TARN_STR_ARG(known));
    tarn__written_relation(sql, m->result);
    tarn_buf_printf(
        sql,
        ") AS s LEFT JOIN (SELECT %.*s, count(*) AS tarn_count FROM tarn.target GROUP BY "
        "%.*s) AS t ON ",
        TARN_STR_ARG(known), TARN_STR_ARG(known));
    put_known_match(sql, m);
    tarn_buf_z(sql, " WHERE s.tarn_nth > coalesce(t.tarn_count, 0)");
}

enum tarn_status tarn__count_kept(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_table *table, struct tarn_change *change,
                                  struct tarn_written *result, struct tarn__made *made,
                                  int64_t *out)
{
    struct merge m;
    struct tarn_buf sql;
    TARN_TRY(begin(&m, b, model, table, change, result, made));
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_z(&sql, "SELECT count(*) FROM tarn.target AS t");
    if (result->count) {
        tarn_buf_z(&sql, " ANTI JOIN ");
        put_source(&sql, &m, "s");
        tarn_buf_z(&sql, " ON ");
        put_match(&sql, &model->key, "s", "t");
    }
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(b->op, &sql, "merge query");
    if (status == TARN_OK)
        status = tarn_session_int(b->w->session, b->op, tarn_buf_view(&sql), out);
    tarn_buf_release(&sql);
    return status;
}

enum tarn_status tarn__append_rows(const struct tarn__build *b, const struct tarn_model *model,
                                   const struct tarn_table *table, struct tarn_change *change,
                                   struct tarn_written *result, struct tarn__made *made)
{
    struct merge m;
    struct tarn_buf sql, known;
    TARN_TRY(begin(&m, b, model, table, change, result, made));
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_init(&known, 1 << 20);
    if (put_known_columns(&known, &m)) {
        put_new_rows(&sql, &m, tarn_buf_view(&known));
    } else { /* nothing of old rows is left to know them by */
        tarn_buf_z(&sql, "SELECT * FROM ");
        tarn__written_relation(&sql, result);
    }
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(b->op, &known, "list of columns");
    if (status == TARN_OK)
        status = write_rows(&m, &sql, made);
    tarn_buf_release(&known);
    tarn_buf_release(&sql);
    TARN_TRY(status);
    tarn_flow_remove(&b->flow, b->op, result);
    return TARN_OK;
}

enum tarn_status tarn__same_rows(const struct tarn__build *b, const struct tarn_model *model,
                                 const struct tarn_table *table, const struct tarn_schema *schema,
                                 const struct tarn_written *result, bool *out)
{
    struct tarn_written written = *result;
    struct merge m = {
        .b = b, .model = model, .table = table, .result = &written, .columns = &schema->root};
    struct tarn_table_totals totals;
    struct tarn_buf sql;
    int64_t differing = 0;
    *out = false;
    TARN_TRY(tarn_flow_totals(&b->w->lake, b->w->session, b->op, table, &totals));
    if (totals.rows != result->rows)
        return TARN_OK;
    if (result->rows == 0) {
        *out = true;
        return TARN_OK;
    }
    TARN_TRY(tarn_table_scan(&b->w->lake, b->op, table, NULL, NULL, &m.scan));
    TARN_TRY(tarn_session_bind_scan(b->w->session, b->op, TARN_STR("target"), m.scan, true));
    tarn_buf_init(&sql, 16 << 20);
    tarn_buf_z(&sql, "SELECT count(*) FROM (SELECT ");
    put_all_columns(&sql, &m);
    tarn_buf_z(&sql, " FROM ");
    tarn__written_relation(&sql, m.result);
    tarn_buf_z(&sql, " EXCEPT ALL SELECT ");
    put_all_columns(&sql, &m);
    tarn_buf_z(&sql, " FROM tarn.target)");
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(b->op, &sql, "comparing query");
    if (status == TARN_OK)
        status = tarn_session_int(b->w->session, b->op, tarn_buf_view(&sql), &differing);
    tarn_buf_release(&sql);
    TARN_TRY(status);
    *out = differing == 0; /* as many rows on both sides: one direction is enough */
    return TARN_OK;
}
