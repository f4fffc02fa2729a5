/* overwrite: which rows an INSERT OVERWRITE replaces.
 *
 *     INSERT OVERWRITE t ..                           all; the partitions that new rows fall into,
 *                                                     where property tarn.overwrite-mode is dynamic
 *     INSERT OVERWRITE t PARTITION (a = 1) ..         the rows of these values
 *     INSERT OVERWRITE t PARTITION (a = 1, b) ..      of these, the partitions of new rows
 *     INSERT INTO t REPLACE WHERE condition ..        the rows for which it is true
 *
 * A file whose partition tells that all or none of its rows go is not read. Rows of others (written
 * under another partition spec) are deleted one by one.
 */
#include "sql/insert_int.h"

#define SCAN   "tarn.overwritten"
#define DOOMED "tarn doomed"

enum verdict { KEEP, LOOK, REMOVE };

struct overwrite {
    struct tarn__insert *x;
    struct tarn_change *change;
    const struct tarn_written *written;
    const struct tarn_metadata *metadata;
    struct tarn_scan *scan;
    struct tarn_value *values; /* one a key */
    bool dynamic;
    struct tarn_type partition_type; /* of the default spec */
    size_t *tuples;                  /* new files, one a partition */
    size_t tuple_count;
};

/* ---- what is replaced */

static enum tarn_status mode_of(struct overwrite *o)
{
    struct tarn__insert *x = o->x;
    const struct tarn_str *mode = tarn_kvs_get(&o->metadata->properties, "tarn.overwrite-mode");
    for (size_t i = 0; i < x->key_count; i++)
        o->dynamic = o->dynamic || !x->keys[i].value.ptr;
    if (!mode || x->has_partition || x->where.ptr || tarn_str_is(*mode, "static"))
        return TARN_OK;
    if (!tarn_str_is(*mode, "dynamic"))
        return tarn_fail(x->r->op, TARN_CONFIG,
                         "table property \"tarn.overwrite-mode\" is neither static nor dynamic");
    o->dynamic = true;
    return TARN_OK;
}

/* A constant's value, as its column holds it. */
static enum tarn_status key_value(struct overwrite *o, const struct tarn__partition_key *k,
                                  struct tarn_value *out)
{
    struct tarn__run *r = o->x->r;
    struct tarn__cell cell = {.op = tarn__change_op(r)};
    struct tarn_buf b;
    tarn_buf_init(&b, (size_t)1 << 20);
    tarn_buf_z(&b, "SELECT CAST(CAST((");
    tarn_buf_str(&b, k->value);
    tarn_buf_z(&b, ") AS ");
    tarn_engine_type_sql(&b, &k->field->type);
    tarn_buf_z(&b, ") AS VARCHAR)");
    enum tarn_status status = (enum tarn_status)tarn_buf_finish(r->op, &b, "a value");
    if (status == TARN_OK)
        status =
            tarn_each_row(&r->sql->env->flow, r->op, tarn_buf_view(&b), tarn__keep_cell, &cell);
    tarn_buf_release(&b);
    if (status != TARN_OK) {
        tarn__place_at(&r->words, tarn__offset(&r->words, k->value));
        return status;
    }
    *out = (struct tarn_value){.is_null = true};
    return cell.text.ptr ? tarn_value_from_text(cell.op, &k->field->type, cell.text, out) : TARN_OK;
}

static enum tarn_status key_values(struct overwrite *o)
{
    TARN_NEW_ARRAY(o->x->r->op, o->values, o->x->key_count + 1);
    for (size_t i = 0; i < o->x->key_count; i++)
        if (o->x->keys[i].value.ptr)
            TARN_TRY(key_value(o, &o->x->keys[i], &o->values[i]));
    return TARN_OK;
}

static bool same_tuple(const struct tarn_type *type, const struct tarn_data_file *a,
                       const struct tarn_data_file *b)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (!tarn_value_eq(&type->fields[i].type, &a->partition[i], &b->partition[i]))
            return false;
    return true;
}

static bool has_tuple(const struct overwrite *o, const struct tarn_data_file *f)
{
    for (size_t i = 0; i < o->tuple_count; i++)
        if (same_tuple(&o->partition_type, f, &o->written->files[o->tuples[i]]))
            return true;
    return false;
}

static enum tarn_status new_tuples(struct overwrite *o)
{
    struct tarn_op *op = o->x->r->op;
    if (!o->dynamic)
        return TARN_OK;
    TARN_TRY(
        tarn_partition_type(op, o->metadata, tarn_metadata_spec(o->metadata), &o->partition_type));
    TARN_NEW_ARRAY(op, o->tuples, o->written->count + 1);
    for (size_t i = 0; i < o->written->count; i++)
        if (!has_tuple(o, &o->written->files[i]))
            o->tuples[o->tuple_count++] = i;
    return TARN_OK;
}

/* ---- files */

static enum verdict key_verdict(const struct overwrite *o, const struct tarn_data_file *f, size_t k)
{
    const struct tarn_field *column = o->x->keys[k].field;
    const struct tarn_partition_spec *spec = tarn_metadata_spec_by_id(o->metadata, f->spec_id);
    for (size_t i = 0; spec && i < spec->field_count && i < f->partition_count; i++)
        if (spec->fields[i].source_id == column->id &&
            spec->fields[i].transform.kind == TARN_TRANSFORM_IDENTITY)
            return tarn_value_eq(&column->type, &f->partition[i], &o->values[k]) ? REMOVE : KEEP;
    return LOOK;
}

static enum verdict verdict_of(const struct overwrite *o, const struct tarn_data_file *f)
{
    enum verdict all = o->x->where.ptr ? LOOK : REMOVE;
    for (size_t i = 0; i < o->x->key_count && all != KEEP; i++) {
        enum verdict one = o->x->keys[i].value.ptr ? key_verdict(o, f, i) : REMOVE;
        all = one < all ? one : all;
    }
    if (!o->dynamic || all == KEEP)
        return all;
    if (f->spec_id != tarn_metadata_spec(o->metadata)->spec_id)
        return o->tuple_count ? LOOK : KEEP;
    return has_tuple(o, f) ? all : KEEP;
}

/* Removes whole files; what must be looked into stays in the scan. */
static enum tarn_status sort_files(struct overwrite *o)
{
    struct tarn_op *op = tarn__change_op(o->x->r);
    struct tarn_scan *scan = o->scan;
    size_t kept = 0;
    if (scan->equality_count) /* its groups count the scan's files: all are read */
        return TARN_OK;
    for (size_t i = 0; i < scan->file_count; i++) {
        enum verdict v = verdict_of(o, scan->files[i].file);
        if (v == REMOVE)
            TARN_TRY(tarn_change_delete_files(o->change, op, &scan->files[i].file->path, 1));
        else if (v == LOOK)
            scan->files[kept++] = scan->files[i];
    }
    scan->file_count = kept;
    return TARN_OK;
}

/* ---- rows */

static enum tarn_status put_tuple(struct overwrite *o, struct tarn_buf *b,
                                  const struct tarn_data_file *f)
{
    const struct tarn_partition_spec *spec = tarn_metadata_spec(o->metadata);
    const struct tarn_schema *schema = tarn_metadata_schema(o->metadata);
    struct tarn_op *op = o->x->r->op;
    tarn_buf_z(b, "(true");
    for (size_t i = 0; i < spec->field_count; i++) {
        const struct tarn_partition_field *p = &spec->fields[i];
        struct tarn_str path = tarn_schema_path_of(op, schema, p->source_id), part,
                        transform = tarn_transform_text(op, &p->transform);
        if (p->transform.kind == TARN_TRANSFORM_VOID)
            continue;
        if (!path.ptr || !transform.ptr)
            return op->report.status
                       ? op->report.status
                       : tarn_fail(op, TARN_SCHEMA, "a partition field has no column");
        tarn_buf_z(b, " AND tarn_partition(");
        tarn_buf_sql_text(b, transform);
        tarn_buf_z(b, ", ");
        for (bool more = true, dot = false; more; dot = true) {
            more = tarn_str_cut(&path, '.', &part);
            tarn_buf_z(b, dot ? "." : "");
            tarn_buf_sql_name(b, part);
        }
        tarn_buf_z(b, ") IS NOT DISTINCT FROM ");
        struct tarn_str text =
            tarn_value_text(op, &o->partition_type.fields[i].type, &f->partition[i]);
        if (!text.ptr)
            return TARN_NOMEM;
        if (f->partition[i].is_null)
            tarn_buf_z(b, "NULL");
        else
            tarn_buf_sql_text(b, text);
    }
    tarn_buf_put(b, ')');
    return TARN_OK;
}

static enum tarn_status put_condition(struct overwrite *o, struct tarn__compose *c)
{
    struct tarn__insert *x = o->x;
    tarn_buf_z(&c->sql, "(");
    if (x->where.ptr)
        tarn__compose_piece(c, x->where);
    else
        tarn_buf_z(&c->sql, "true");
    for (size_t i = 0; i < x->key_count; i++) {
        if (!x->keys[i].value.ptr)
            continue;
        tarn_buf_z(&c->sql, " AND ");
        tarn_buf_sql_name(&c->sql, x->keys[i].name);
        tarn_buf_z(&c->sql, " IS NOT DISTINCT FROM CAST((");
        tarn__compose_piece(c, x->keys[i].value);
        tarn_buf_z(&c->sql, ") AS ");
        tarn_engine_type_sql(&c->sql, &x->keys[i].field->type);
        tarn_buf_put(&c->sql, ')');
    }
    if (o->dynamic)
        tarn_buf_z(&c->sql, " AND (false");
    for (size_t i = 0; i < o->tuple_count; i++) {
        tarn_buf_z(&c->sql, " OR ");
        TARN_TRY(put_tuple(o, &c->sql, &o->written->files[o->tuples[i]]));
    }
    tarn_buf_z(&c->sql, o->dynamic ? "))" : ")");
    return TARN_OK;
}

static enum tarn_status delete_rows(struct overwrite *o)
{
    struct tarn__run *r = o->x->r;
    const struct tarn_flow *flow = &r->sql->env->flow;
    struct tarn__compose c;
    struct tarn_sql_text text;
    int64_t rows;
    if (o->scan->file_count == 0)
        return TARN_OK;
    TARN_TRY(tarn_session_bind_scan(flow->session, r->op, TARN_STR(SCAN), o->scan, true));
    tarn__compose_begin(&c, r->op, r->text);
    tarn_buf_z(&c.sql, "SELECT _file, _pos FROM " SCAN " AS ");
    tarn_buf_sql_name(&c.sql, o->x->table->ident.name);
    tarn_buf_z(&c.sql, " WHERE ");
    enum tarn_status status = put_condition(o, &c);
    if (status != TARN_OK) {
        tarn_buf_release(&c.sql);
        return status;
    }
    TARN_TRY(tarn__compose_end(&c, &text));
    TARN_TRY(tarn_session_into(flow->session, r->op, text, TARN_STR(DOOMED), &rows));
    return tarn_rows_delete(flow, tarn__change_op(r), o->change, o->scan,
                            TARN_STR("temp.main.\"" DOOMED "\""), &rows);
}

enum tarn_status tarn__overwrite(struct tarn__insert *x, struct tarn_change *change,
                                 const struct tarn_written *written)
{
    struct tarn__run *r = x->r;
    struct overwrite o = {
        .x = x, .change = change, .written = written, .metadata = &x->table->metadata};
    const struct tarn_snapshot *snapshot = NULL;
    struct tarn_str branch = x->target.suffix;
    TARN_TRY(mode_of(&o));
    if (!o.dynamic && !x->where.ptr && x->key_count == 0) {
        tarn_change_delete_all(change);
        return TARN_OK;
    }
    if (branch.ptr)
        TARN_TRY(tarn_table_version(r->op, x->table, tarn_str_of(branch.ptr + 7, branch.len - 7),
                                    &snapshot));
    TARN_TRY(key_values(&o));
    TARN_TRY(new_tuples(&o));
    TARN_TRY(tarn_table_scan(r->sql->env->flow.lake, tarn__change_op(r), x->table, snapshot, NULL,
                             &o.scan));
    TARN_TRY(sort_files(&o));
    return delete_rows(&o);
}
