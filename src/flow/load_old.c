/* load_old: what a load does to the rows that are there: those of files that are read again go, and
 * those of a table whose columns were replaced are written anew.
 */
#include "flow/flow_int.h"

static void changed_names(const struct tarn__load_run *r, struct tarn_buf *sql)
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
static enum tarn_status delete_changed(struct tarn__load_run *r, const struct tarn_scan *scan)
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

static bool is_replaced(const struct tarn__load_run *r, struct tarn_str column)
{
    for (size_t i = 0; i < r->schema.replaced_count; i++)
        if (tarn_str_eq(r->schema.replaced[i], column))
            return true;
    return false;
}

static bool is_exact(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT || t->kind == TARN_TYPE_LONG || t->kind == TARN_TYPE_DECIMAL;
}

static void put_plain_cast(struct tarn_buf *sql, struct tarn_str column, const struct tarn_type *t)
{
    tarn_buf_z(sql, "CAST(");
    tarn_buf_sql_name(sql, column);
    tarn_buf_z(sql, " AS ");
    tarn_engine_type_sql(sql, t);
    tarn_buf_put(sql, ')');
}

/* A number as a double, if the double gives the number back; else an error: no digit is lost
 * silently. */
static void put_checked_double(struct tarn_buf *sql, const struct tarn_field *old,
                               const struct tarn_field *now)
{
    tarn_buf_z(sql, "CASE WHEN CAST(");
    put_plain_cast(sql, old->name, &now->type);
    tarn_buf_z(sql, " AS ");
    if (old->type.kind == TARN_TYPE_DECIMAL)
        tarn_engine_type_sql(sql, &old->type);
    else
        tarn_buf_z(sql, "HUGEINT");
    tarn_buf_z(sql, ") <> ");
    tarn_buf_sql_name(sql, old->name);
    tarn_buf_z(sql, " THEN error('a number of column ' || ");
    tarn_buf_sql_text(sql, old->name);
    tarn_buf_z(sql, " || ' is no double: ' || ");
    tarn_buf_sql_name(sql, old->name);
    tarn_buf_z(sql, ")::DOUBLE ELSE ");
    put_plain_cast(sql, old->name, &now->type);
    tarn_buf_z(sql, " END");
}

/* The text of a double has the digits that were read; a decimal made of the double itself has those
 * of the binary fraction. Decimals of `t` that were doubles become text: were there any? */
static bool through_text(struct tarn_type *t, const struct tarn_type *old)
{
    bool any = false;
    if (t->kind == TARN_TYPE_DECIMAL &&
        (old->kind == TARN_TYPE_DOUBLE || old->kind == TARN_TYPE_FLOAT)) {
        *t = (struct tarn_type){.kind = TARN_TYPE_STRING};
        return true;
    }
    for (size_t i = 0; t->kind == old->kind && i < t->field_count; i++) {
        const struct tarn_field *from = tarn_type_field_by_name(old, t->fields[i].name);
        any = (from && through_text(&t->fields[i].type, &from->type)) || any;
    }
    return any;
}

static enum tarn_status put_digits(struct tarn_op *op, struct tarn_buf *sql,
                                   const struct tarn_field *old, const struct tarn_field *now)
{
    struct tarn_type text;
    TARN_TRY(tarn_type_copy(op, &now->type, &text));
    if (!through_text(&text, &old->type)) {
        put_plain_cast(sql, old->name, &now->type);
        return TARN_OK;
    }
    tarn_buf_z(sql, "CAST(");
    put_plain_cast(sql, old->name, &text);
    tarn_buf_z(sql, " AS ");
    tarn_engine_type_sql(sql, &now->type);
    tarn_buf_put(sql, ')');
    return TARN_OK;
}

/* An old value in its column's new type. */
static enum tarn_status put_cast(struct tarn_op *op, struct tarn_buf *sql,
                                 const struct tarn_field *old, const struct tarn_field *now)
{
    if (now->type.kind == TARN_TYPE_STRING && tarn_type_is_nested(&old->type)) {
        tarn_buf_z(sql, "to_json(");
        tarn_buf_sql_name(sql, old->name);
        tarn_buf_z(sql, ")::VARCHAR");
    } else if (now->type.kind == TARN_TYPE_STRING && old->type.kind == TARN_TYPE_DOUBLE) {
        tarn_buf_z(sql, "regexp_replace(CAST(");
        tarn_buf_sql_name(sql, old->name);
        tarn_buf_z(sql, " AS VARCHAR), '\\.0$', '')");
    } else if (now->type.kind == TARN_TYPE_DOUBLE && is_exact(&old->type)) {
        put_checked_double(sql, old, now);
    } else {
        return put_digits(op, sql, old, now);
    }
    return TARN_OK;
}

static enum tarn_status count_replaced(struct tarn__load_run *r)
{
    struct tarn_buf sql;
    enum tarn_status status;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "SELECT count(*) FROM tarn.target WHERE _source_file IN (");
    changed_names(r, &sql);
    tarn_buf_put(&sql, ')');
    status = (enum tarn_status)tarn_buf_finish(r->op, &sql, "list of changed files");
    if (status == TARN_OK)
        status =
            tarn_session_int(r->flow->session, r->op, tarn_buf_view(&sql), &r->out->rows_replaced);
    tarn_buf_release(&sql);
    return status;
}

/* In format version 3 a row keeps its id, and the number of its last update if all that was replaced
 * of it is null, so that it is only moved (spec "Row Lineage"). */
static void put_lineage(const struct tarn__load_run *r, struct tarn_buf *sql)
{
    const char *between = ", CASE WHEN ";
    tarn_buf_z(sql, ", \"_row_id\"");
    for (size_t i = 0; i < r->schema.replaced_count; i++) {
        tarn_buf_z(sql, between);
        tarn_buf_sql_name(sql, r->schema.replaced[i]);
        tarn_buf_z(sql, " IS NULL");
        between = " AND ";
    }
    tarn_buf_z(sql, " THEN \"_last_updated_sequence_number\" END AS "
                    "\"_last_updated_sequence_number\"");
}

/* A column got another type under a new id: every old row is written anew in the same commit. */
static enum tarn_status rewrite_old(struct tarn__load_run *r, const struct tarn_scan *scan)
{
    const struct tarn_schema *old = scan->schema;
    struct tarn_written written;
    struct tarn_write write;
    struct tarn_buf sql;
    enum tarn_status status;
    bool lineage = tarn_change_metadata(r->change)->format_version >= 3;
    tarn_buf_init(&sql, 64 << 20);
    tarn_buf_z(&sql, "SELECT ");
    for (size_t i = 0; i < old->root.field_count; i++) {
        const struct tarn_field *f = &old->root.fields[i];
        if (i)
            tarn_buf_z(&sql, ", ");
        if (is_replaced(r, f->name)) {
            TARN_GO(
                put_cast(r->op, &sql, f, tarn_type_field_by_name(&r->schema.merged.root, f->name)));
            tarn_buf_z(&sql, " AS ");
        }
        tarn_buf_sql_name(&sql, f->name);
    }
    if (lineage)
        put_lineage(r, &sql);
    tarn_buf_z(&sql, " FROM tarn.target");
    if (r->plan->changed_count) {
        TARN_GO(count_replaced(r));
        /* rows of others have no file */
        tarn_buf_z(&sql, " WHERE _source_file IS NULL OR _source_file NOT IN (");
        changed_names(r, &sql);
        tarn_buf_z(&sql, ")");
    }
    TARN_GO((enum tarn_status)tarn_buf_finish(r->op, &sql, "query that rewrites a table"));
    TARN_GO(tarn_flow_write(r->flow, r->op, r->change, INT64_MIN, &write));
    if (lineage)
        TARN_GO(tarn_flow_write_lineage(r->op, &write));
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

enum tarn_status tarn__load_old_rows(struct tarn__load_run *r)
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
