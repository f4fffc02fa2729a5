/* delete_keys: rows deleted by what identifies them: equality delete files (spec "Equality Delete
 * Files"), for tables whose property tarn.write.delete-files asks for them.
 *
 * Such a file hides every older row of its scope that has one of its keys. The scope is a partition
 * of a spec, or the whole table where the spec partitions nothing. So the keys of all rows that go
 * are looked for in the whole snapshot first, and a row that is to stay and has one of them is a
 * reason to write none. What comes in until the commit is looked at there (lake/validate.c).
 *
 * Files of which no row stays are removed, as by position.
 */
#include <stdlib.h>

#include "flow/delete_int.h"

#define PROPERTY "tarn.write.delete-files"

/* ---- the key */

enum tarn_status tarn_row_key_wanted(struct tarn_op *op, const struct tarn_metadata *m, bool *out)
{
    const struct tarn_str *v = tarn_kvs_get(&m->properties, PROPERTY);
    *out = v && tarn_str_eq_nocase(*v, TARN_STR("equality"));
    if (!v || *out || tarn_str_eq_nocase(*v, TARN_STR("position")))
        return TARN_OK;
    (void)tarn_fail(op, TARN_CONFIG, "table property \"" PROPERTY "\" is \"%.*s\"",
                    TARN_STR_ARG(*v));
    tarn_hint(op, "it is position or equality");
    return TARN_CONFIG;
}

struct fields { /* what a key is made of */
    const int32_t *ids;
    size_t count;
};

static bool is_part(const struct fields *of, int32_t id)
{
    for (size_t i = 0; i < of->count; i++)
        if (of->ids[i] == id)
            return true;
    return false;
}

static enum tarn_status check_type(struct tarn_op *op, const struct tarn_field *f)
{
    enum tarn_type_kind kind = f->type.kind;
    if (tarn_type_is_nested(&f->type) || kind == TARN_TYPE_FLOAT || kind == TARN_TYPE_DOUBLE ||
        kind >= TARN_TYPE_UNKNOWN) {
        (void)tarn_fail(op, TARN_CONFIG, "rows cannot be deleted by the values of column \"%.*s\"",
                        TARN_STR_ARG(f->name));
        tarn_hint(op, "its type is %s; let " PROPERTY " be position",
                  tarn_type_text(op, &f->type).ptr);
        return TARN_CONFIG;
    }
    return TARN_OK;
}

/* The part around it, which names the column, and one more name. */
static enum tarn_status put_name(struct tarn_op *op, struct tarn_row_key_part *part,
                                 struct tarn_str name)
{
    struct tarn_buf b;
    size_t skip = part->path.len;
    tarn_buf_init(&b, 65536);
    tarn_buf_str(&b, part->path);
    tarn_buf_z(&b, skip ? "." : "");
    tarn_buf_sql_name(&b, name);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &b, "a column's path", &part->path));
    if (skip == 0)
        return TARN_OK;
    struct tarn_str more = tarn_str_of(part->path.ptr + skip, part->path.len - skip);
    part->inside = tarn_sprintf(op, "%.*s%.*s", TARN_STR_ARG(part->inside), TARN_STR_ARG(more));
    return part->inside.ptr ? TARN_OK : TARN_NOMEM;
}

/* Of a struct what leads to identifier fields; none: *out has no fields. */
static enum tarn_status take_leaves(struct tarn_op *op, const struct fields *of,
                                    struct tarn_row_key *key, const struct tarn_type *t,
                                    const struct tarn_row_key_part *around, struct tarn_type *out)
{
    *out = *t;
    out->field_count = 0;
    TARN_NEW_ARRAY(op, out->fields, t->field_count + 1);
    for (size_t i = 0; i < t->field_count; i++) {
        struct tarn_field f = t->fields[i];
        struct tarn_row_key_part part = {.column = i};
        bool leaf = is_part(of, f.id);
        if (!leaf && f.type.kind != TARN_TYPE_STRUCT)
            continue;
        if (around)
            part = *around;
        TARN_TRY(put_name(op, &part, f.name));
        part.id = f.id;
        if (leaf)
            TARN_TRY(check_type(op, &f));
        else
            TARN_TRY(take_leaves(op, of, key, &t->fields[i].type, &part, &f.type));
        if (leaf)
            key->parts[key->count++] = part;
        if (leaf || f.type.field_count)
            out->fields[out->field_count++] = f;
    }
    return TARN_OK;
}

enum tarn_status tarn_row_key_make(struct tarn_op *op, const struct tarn_schema *s,
                                   const int32_t *ids, size_t count, struct tarn_row_key *out)
{
    struct fields of = {ids, count};
    *out = (struct tarn_row_key){.columns.schema_id = s->schema_id};
    TARN_NEW_ARRAY(op, out->parts, count + 1);
    TARN_TRY(take_leaves(op, &of, out, &s->root, NULL, &out->columns.root));
    return out->count == count
               ? TARN_OK
               : tarn_fail(op, TARN_INTERNAL, "rows would be deleted by fields that a table lacks");
}

enum tarn_status tarn_row_key_of(struct tarn_op *op, const struct tarn_table *t,
                                 struct tarn_row_key *out)
{
    const struct tarn_schema *s = tarn_metadata_schema(&t->metadata);
    bool wanted;
    *out = (struct tarn_row_key){0};
    TARN_TRY(tarn_row_key_wanted(op, &t->metadata, &wanted));
    if (!wanted)
        return TARN_OK;
    if (s->identifier_count)
        return tarn_row_key_make(op, s, s->identifier_ids, s->identifier_count, out);
    (void)tarn_fail(op, TARN_CONFIG,
                    "table %.*s.%.*s asks for equality deletes, and has no identifier fields that "
                    "its rows are known by",
                    TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    tarn_hint(
        op,
        "name them: ALTER TABLE %.*s.%.*s SET IDENTIFIER FIELDS ..; or let the property " PROPERTY
        " be position",
        TARN_STR_ARG(t->ident.ns), TARN_STR_ARG(t->ident.name));
    return TARN_CONFIG;
}

/* ---- scopes */

struct scope {
    const struct tarn_data_file *of; /* whose spec and partition the delete file gets */
    bool global;
};
struct deletion {
    const struct tarn_flow *flow;
    struct tarn_op *op;
    struct tarn_change *change;
    const struct tarn_row_key *key;
    struct tarn__doomed doomed;
    struct scope *scopes;
    size_t count;
    int32_t *ids; /* of the key */
    int64_t rows; /* that go by key */
    struct tarn_scan
        in_scope;           /* all files of the snapshot that the scopes have, but those that go */
    struct tarn_buf places; /* ('path', scope), .. of in_scope's files */
};

static bool partitions_nothing(const struct tarn_partition_spec *spec)
{
    for (size_t i = 0; spec && i < spec->field_count; i++)
        if (spec->fields[i].transform.kind != TARN_TRANSFORM_VOID)
            return false;
    return true;
}

/* Which scope a file is in; x->count: none. */
static enum tarn_status scope_of(const struct deletion *x, const struct tarn_data_file *f,
                                 size_t *out)
{
    struct tarn_type partition;
    *out = 0;
    if (x->count == 0 || x->scopes[0].global)
        return TARN_OK;
    TARN_TRY(tarn__doomed_partition(&x->doomed, x->op, f, &partition));
    while (*out < x->count && !tarn__doomed_alike(&partition, x->scopes[*out].of, f))
        ++*out;
    return TARN_OK;
}

/* One scope a partition that loses rows; a single one if any of them is the whole table. */
static enum tarn_status find_scopes(struct deletion *x)
{
    const struct tarn_metadata *m = x->doomed.scan->metadata;
    TARN_NEW_ARRAY(x->op, x->scopes, x->doomed.count + 1);
    for (size_t i = 0; i < x->doomed.count; i++) {
        const struct tarn_data_file *f = x->doomed.files[i].file->file;
        size_t at;
        if (x->doomed.files[i].whole)
            continue;
        x->rows += x->doomed.files[i].rows;
        if (partitions_nothing(tarn_metadata_spec_by_id(m, f->spec_id))) {
            x->scopes[0] = (struct scope){f, true};
            x->count = 1;
            continue;
        }
        TARN_TRY(scope_of(x, f, &at));
        if (at == x->count)
            x->scopes[x->count++] = (struct scope){f, false};
    }
    return TARN_OK;
}

static int by_path(const void *key, const void *item)
{
    const struct tarn__doomed_file *f = item;
    return tarn_str_cmp(*(const struct tarn_str *)key, f->file->file->path);
}

static bool goes_whole(const struct deletion *x, const struct tarn_scan_file *f)
{
    const struct tarn__doomed_file *hit =
        bsearch(&f->file->path, x->doomed.files, x->doomed.count, sizeof *hit, by_path);
    return hit && hit->whole;
}

/* ---- the files to look through: those that may hold a key between the least and the greatest */

static enum tarn_status run(struct deletion *x, struct tarn_buf *sql, int64_t *out)
{
    struct tarn_str text;
    TARN_TRY((enum tarn_status)tarn_buf_take(x->op, sql, "a statement", &text));
    return out ? tarn_session_int(x->flow->session, x->op, text, out)
               : tarn_session_exec(x->flow->session, x->op, text);
}

struct ranges {
    const struct tarn_row_key *key;
    struct tarn_expr all; /* AND */
};

/* Types that the engine orders and prints as their values are read and compared here. */
static bool is_plain(const struct tarn_type *t)
{
    return t->kind == TARN_TYPE_INT || t->kind == TARN_TYPE_LONG || t->kind == TARN_TYPE_DECIMAL ||
           t->kind == TARN_TYPE_DATE || t->kind == TARN_TYPE_TIMESTAMP ||
           t->kind == TARN_TYPE_STRING;
}

static enum tarn_status add_bound(struct ranges *r, struct tarn_op *op, const struct tarn_field *f,
                                  enum tarn_expr_op what, struct tarn_str text)
{
    struct tarn_expr *e = &r->all.args[r->all.arg_count];
    *e = (struct tarn_expr){.op = what, .field_id = f->id, .type = f->type, .value_count = 1};
    TARN_NEW(op, e->values);
    if (!text.ptr || !is_plain(&f->type))
        return TARN_OK;
    text = tarn_strdup(op, text); /* the value may point into it */
    if (!text.ptr)
        return TARN_NOMEM;
    if (tarn_value_from_text(op, &f->type, text, e->values) == TARN_OK)
        r->all.arg_count++;
    else
        tarn_clear(op); /* without this bound, then */
    return TARN_OK;
}

static enum tarn_status take_ranges(void *ctx, struct tarn_op *op, const struct tarn_batch *b,
                                    size_t row)
{
    struct ranges *r = ctx;
    for (size_t i = 0; i < r->key->count; i++) {
        const struct tarn_field *f = tarn_schema_field_by_id(&r->key->columns, r->key->parts[i].id);
        TARN_TRY(add_bound(r, op, f, TARN_EXPR_GE, tarn_cell_text(b, 2 * i, row)));
        TARN_TRY(add_bound(r, op, f, TARN_EXPR_LE, tarn_cell_text(b, 2 * i + 1, row)));
    }
    return TARN_OK;
}

static enum tarn_status find_ranges(struct deletion *x, struct tarn_str relation,
                                    struct ranges *out)
{
    struct tarn_buf b;
    struct tarn_str text;
    *out = (struct ranges){.key = x->key, .all.op = TARN_EXPR_AND};
    TARN_NEW_ARRAY(x->op, out->all.args, 2 * x->key->count);
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "SELECT ");
    for (size_t i = 0; i < x->key->count; i++)
        tarn_buf_printf(&b, "%smin(\"tarn k%zu\")::VARCHAR, max(\"tarn k%zu\")::VARCHAR",
                        i ? ", " : "", i, i);
    tarn_buf_printf(&b, " FROM %.*s", TARN_STR_ARG(relation));
    TARN_TRY((enum tarn_status)tarn_buf_take(x->op, &b, "a statement", &text));
    return tarn_each_row(x->flow, x->op, text, take_ranges, out);
}

/* All files in which a row may be hidden. */
static enum tarn_status find_places(struct deletion *x, const struct tarn_table *base,
                                    struct tarn_str relation)
{
    struct ranges ranges;
    const struct tarn_scan *of = x->doomed.scan;
    struct tarn_scan *all;
    bool *keep;
    TARN_TRY(find_ranges(x, relation, &ranges));
    TARN_TRY(tarn_table_scan(x->flow->lake, x->op, base, of->snapshot,
                             ranges.all.arg_count ? &ranges.all : NULL, &all));
    all->schema = of->schema; /* of a branch, too */
    TARN_NEW_ARRAY(x->op, keep, all->file_count + 1);
    for (size_t i = 0; i < all->file_count; i++) {
        const struct tarn_scan_file *f = &all->files[i];
        size_t at;
        TARN_TRY(scope_of(x, f->file, &at));
        keep[i] = at < x->count && !goes_whole(x, f);
        if (!keep[i])
            continue;
        tarn_buf_z(&x->places, x->places.len ? ", (" : "(");
        tarn_buf_sql_text(&x->places, f->file->path);
        tarn_buf_printf(&x->places, ", %zu)", at);
    }
    return tarn_scan_subset(x->op, all, keep, &x->in_scope);
}

/* ---- does a row that stays have the key of one that goes? */

static enum tarn_status make_keys(struct deletion *x, struct tarn_str relation)
{
    struct tarn_buf b;
    tarn_buf_init(&b, 64 << 20);
    tarn_buf_printf(&b,
                    "CREATE OR REPLACE TEMP TABLE \"tarn places\" AS SELECT * FROM (VALUES %.*s) "
                    "AS v(file, scope)",
                    TARN_STR_ARG(tarn_buf_view(&x->places)));
    b.failed = b.failed || x->places.failed;
    TARN_TRY(run(x, &b, NULL));
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "CREATE OR REPLACE TEMP TABLE \"tarn keys\" AS SELECT DISTINCT p.scope AS "
                   "\"tarn scope\"");
    for (size_t i = 0; i < x->key->count; i++)
        tarn_buf_printf(&b, ", d.\"tarn k%zu\"", i);
    tarn_buf_printf(&b, " FROM %.*s AS d JOIN temp.main.\"tarn places\" AS p ON d._file = p.file",
                    TARN_STR_ARG(relation));
    return run(x, &b, NULL);
}

/* Rows that a delete file would hide. A null, which no identifier field may hold, is not found. */
static enum tarn_status count_hidden(struct deletion *x, int64_t *out)
{
    struct tarn_buf b;
    bool many = x->count > 1;
    TARN_TRY(tarn_session_bind_scan(x->flow->session, x->op, TARN_STR("identified"), &x->in_scope,
                                    true));
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "SELECT count(*) FROM tarn.identified AS t");
    if (many)
        tarn_buf_z(&b, " JOIN temp.main.\"tarn places\" AS p ON t._file = p.file");
    tarn_buf_z(&b, " SEMI JOIN temp.main.\"tarn keys\" AS k ON ");
    for (size_t i = 0; i < x->key->count; i++)
        tarn_buf_printf(&b, "%st.%.*s = k.\"tarn k%zu\"", i ? " AND " : "",
                        TARN_STR_ARG(x->key->parts[i].path), i);
    tarn_buf_z(&b, many ? " AND p.scope = k.\"tarn scope\"" : "");
    return run(x, &b, out);
}

/* ---- files */

/* "tarn k0" AS "id", {'x': "tarn k1"} AS "place": as the file's columns are, in their order. */
static void put_columns(struct tarn_buf *b, const struct tarn_type *t, bool top, size_t *next)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        tarn_buf_z(b, i ? ", " : "");
        if (!top) {
            tarn_buf_sql_text(b, f->name);
            tarn_buf_z(b, ": ");
        }
        if (f->type.kind == TARN_TYPE_STRUCT) {
            tarn_buf_put(b, '{');
            put_columns(b, &f->type, false, next);
            tarn_buf_put(b, '}');
        } else {
            tarn_buf_printf(b, "\"tarn k%zu\"", (*next)++);
        }
        if (top) {
            tarn_buf_z(b, " AS ");
            tarn_buf_sql_name(b, f->name);
        }
    }
}

static enum tarn_status open_write(struct deletion *x, struct tarn_write *out)
{
    TARN_TRY(tarn_flow_write(x->flow, x->op, x->change, INT64_MIN, out));
    out->schema = &x->key->columns;
    out->spec = NULL; /* all rows are of one partition, which is put in below */
    out->constants = NULL;
    out->sort = NULL;
    out->metrics = NULL; /* bounds, whatever the table's columns have: scans skip files by them */
    out->metric_count = 0;
    out->bound_width = 0;
    return TARN_OK;
}

static void make_delete(const struct deletion *x, const struct scope *s, struct tarn_data_file *f)
{
    f->content = TARN_CONTENT_EQUALITY_DELETES;
    f->equality_ids = x->ids;
    f->equality_id_count = x->key->count;
    f->spec_id = s->of->spec_id;
    f->partition = s->of->partition;
    f->partition_count = s->of->partition_count;
    f->sort_order_id = -1;
}

static enum tarn_status write_scope(struct deletion *x, size_t scope)
{
    struct tarn_written written = {0};
    struct tarn_write write;
    struct tarn_buf b;
    struct tarn_sql_text text = {.line0 = 1};
    size_t next = 0;
    TARN_TRY(open_write(x, &write));
    tarn_buf_init(&b, 1 << 20);
    tarn_buf_z(&b, "SELECT ");
    put_columns(&b, &x->key->columns.root, true, &next);
    tarn_buf_printf(&b, " FROM temp.main.\"tarn keys\" WHERE \"tarn scope\" = %zu", scope);
    TARN_TRY((enum tarn_status)tarn_buf_take(x->op, &b, "a statement", &text.sql));
    enum tarn_status status = tarn_session_write(x->flow->session, x->op, text, &write, &written);
    for (size_t i = 0; i < written.count; i++)
        make_delete(x, &x->scopes[scope], &written.files[i]);
    if (status == TARN_OK && written.rows == 0)
        status = tarn_fail(x->op, TARN_INTERNAL, "no keys of rows to be deleted were written");
    if (status == TARN_OK)
        status = tarn_change_add_deletes(x->change, x->op, written.files, written.count);
    if (status != TARN_OK)
        tarn_flow_remove(x->flow, x->op, &written);
    return status;
}

static enum tarn_status write_all(struct deletion *x)
{
    TARN_TRY(tarn__doomed_remove_whole(&x->doomed, x->op, x->change));
    for (size_t i = 0; i < x->doomed.count; i++)
        if (!x->doomed.files[i].whole)
            TARN_TRY(tarn_change_touch(x->change, x->op, x->doomed.files[i].file->file->path));
    for (size_t i = 0; i < x->count; i++)
        TARN_TRY(write_scope(x, i));
    return TARN_OK;
}

/* ---- */

static enum tarn_status delete_keys(struct deletion *x, const struct tarn_table *base,
                                    struct tarn_str relation, bool *out_done)
{
    int64_t hidden = 0;
    TARN_NEW_ARRAY(x->op, x->ids, x->key->count);
    for (size_t i = 0; i < x->key->count; i++)
        x->ids[i] = x->key->parts[i].id;
    TARN_TRY(find_scopes(x));
    if (x->count) {
        TARN_TRY(find_places(x, base, relation));
        TARN_TRY(make_keys(x, relation));
        TARN_TRY(count_hidden(x, &hidden));
    }
    *out_done = hidden == x->rows;
    return *out_done ? write_all(x) : TARN_OK;
}

enum tarn_status tarn_rows_delete_keys(const struct tarn_flow *flow, struct tarn_op *op,
                                       struct tarn_change *change, const struct tarn_table *base,
                                       const struct tarn_scan *scan, const struct tarn_row_key *key,
                                       struct tarn_str doomed, bool *out_done, int64_t *out_rows)
{
    struct deletion x = {.flow = flow, .op = op, .change = change, .key = key};
    *out_done = false;
    *out_rows = 0;
    TARN_TRY(tarn__doomed_find(flow, op, scan, doomed, &x.doomed));
    tarn_buf_init(&x.places, 64 << 20);
    enum tarn_status status = delete_keys(&x, base, doomed, out_done);
    tarn_buf_release(&x.places);
    struct tarn_report keep = op->report;
    enum tarn_status dropped =
        tarn_session_exec(flow->session, op,
                          TARN_STR("DROP TABLE IF EXISTS temp.main.\"tarn keys\"; DROP TABLE IF "
                                   "EXISTS temp.main.\"tarn places\""));
    if (status != TARN_OK)
        op->report = keep;
    *out_rows = x.doomed.rows;
    return status != TARN_OK ? status : dropped;
}
