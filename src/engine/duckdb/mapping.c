/* mapping: files without field ids (spec "Column Projection", "Name Mapping Serialization").
 *
 * Only where the table has a name mapping are the files' schemas looked at. A file that has no ids
 * at all is read by the mapping's names, alone: each column by the one name of its mapping that the
 * file has. A column that the file lacks has the partition's value if the file is partitioned by it
 * as it is, else its default. Nested columns of such files are refused.
 */
#include "engine/duckdb/view_int.h"

#define PROPERTY "schema.name-mapping.default"

struct mapping {
    struct tarn_session *s;
    struct tarn_op *op;
    const struct tarn_scan *scan;
    const struct tarn_json *fields; /* the mapping: [{"field-id":, "names": [..]}] */
    struct tarn_str what;
};

/* ---- which files */

static enum tarn_status rows_of_sql(const struct mapping *m, struct tarn_buf *sql,
                                    struct tarn__rows *out)
{
    duckdb_result r;
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(m->op, sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__run(m->s, m->op, tarn_buf_view(sql).ptr, NULL, &r);
    tarn_buf_release(sql);
    TARN_TRY(status);
    status = tarn__rows_of(m->op, &r, out);
    duckdb_destroy_result(&r);
    return status;
}

/* The files of the scan without a single field id. */
static enum tarn_status bare_files(const struct mapping *m, struct tarn__rows *out)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT file_name FROM parquet_schema([");
    for (size_t i = 0; i < m->scan->file_count; i++) {
        tarn_buf_z(&sql, i > 0 ? ", " : "");
        tarn_engine_path_sql(&sql, m->scan->files[i].local_path);
    }
    tarn_buf_z(&sql, "]) GROUP BY file_name HAVING count(field_id) = 0");
    return rows_of_sql(m, &sql, out);
}

static bool has_file(const struct tarn__rows *rows, struct tarn_str path)
{
    for (size_t i = 0; i < rows->batch_count; i++)
        for (size_t k = 0; k < rows->batches[i].rows; k++)
            if (tarn_str_eq(tarn__cell_str(&rows->batches[i].columns[0], k), path))
                return true;
    return false;
}

/* ---- a file's top-level columns */

struct columns {
    struct tarn_str *names;
    size_t count;
};

/* parquet_schema lists the tree depth first: the root, then each column followed by what is inside
 * of it. */
static enum tarn_status top_columns(const struct mapping *m, struct tarn_str path,
                                    struct columns *out)
{
    struct tarn_buf sql;
    struct tarn__rows rows;
    int64_t inside = 0; /* nodes that still belong to the column before */
    bool root = true;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT name, coalesce(num_children, 0)::BIGINT FROM parquet_schema(");
    tarn_engine_path_sql(&sql, path);
    tarn_buf_z(&sql, ")");
    TARN_TRY(rows_of_sql(m, &sql, &rows));
    *out = (struct columns){0};
    TARN_NEW_ARRAY(m->op, out->names, rows.rows + 1);
    for (size_t i = 0; i < rows.batch_count; i++)
        for (size_t k = 0; k < rows.batches[i].rows; k++) {
            const struct tarn_column *c = rows.batches[i].columns;
            int64_t children = ((const int64_t *)c[1].data)[k];
            if (root) {
                root = false;
            } else if (inside > 0) {
                inside += children - 1;
            } else {
                out->names[out->count++] = tarn__cell_str(&c[0], k);
                inside = children;
            }
        }
    return TARN_OK;
}

static bool has_column(const struct columns *c, struct tarn_str name)
{
    for (size_t i = 0; i < c->count; i++)
        if (tarn_str_eq(c->names[i], name))
            return true;
    return false;
}

/* ---- the mapping */

static const struct tarn_json *entry_of(const struct mapping *m, int32_t id)
{
    for (const struct tarn_json *e = m->fields->first; e; e = e->next) {
        const struct tarn_json *field_id = tarn_json_get(e, "field-id");
        int64_t n;
        if (field_id && tarn_str_to_i64(field_id->text, &n) && n == id)
            return e;
    }
    return NULL;
}

/* The name of the mapping that the file has; absent if none. */
static struct tarn_str name_in_file(const struct mapping *m, const struct tarn_field *f,
                                    const struct columns *c)
{
    const struct tarn_json *entry = entry_of(m, f->id);
    const struct tarn_json *names = entry ? tarn_json_get(entry, "names") : NULL;
    for (const struct tarn_json *n = names ? names->first : NULL; n; n = n->next)
        if (n->kind == TARN_JSON_K_STRING && has_column(c, n->text))
            return n->text;
    return (struct tarn_str){NULL, 0};
}

/* The value of an identity partition field over the column: what a file migrated from Hive has
 * instead of the column. */
static enum tarn_status partition_value(const struct mapping *m, const struct tarn_data_file *file,
                                        const struct tarn_field *f, struct tarn_str *out)
{
    const struct tarn_partition_spec *spec =
        tarn_metadata_spec_by_id(m->scan->metadata, file->spec_id);
    *out = (struct tarn_str){NULL, 0};
    for (size_t i = 0; spec && i < spec->field_count && i < file->partition_count; i++) {
        if (spec->fields[i].source_id != f->id ||
            spec->fields[i].transform.kind != TARN_TRANSFORM_IDENTITY || file->partition[i].is_null)
            continue;
        if (f->type.kind == TARN_TYPE_BINARY || f->type.kind == TARN_TYPE_FIXED)
            return tarn_fail(m->op, TARN_UNSUPPORTED,
                             "column \"%.*s\" stands in no data file, only in partition values of "
                             "a type that is not in this version",
                             TARN_STR_ARG(f->name));
        *out = tarn_value_text(m->op, &f->type, &file->partition[i]);
        return out->ptr ? TARN_OK : TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status map_file(const struct mapping *m, const struct tarn_scan_file *file,
                                 struct tarn__key **out)
{
    const struct tarn_type *root = &m->scan->schema->root;
    struct columns columns;
    struct tarn__key *keys;
    TARN_TRY(top_columns(m, file->local_path, &columns));
    TARN_NEW_ARRAY(m->op, keys, root->field_count);
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        keys[i].name = name_in_file(m, f, &columns);
        if (keys[i].name.ptr && tarn_type_is_nested(&f->type))
            return tarn_fail(m->op, TARN_UNSUPPORTED,
                             "table \"%.*s\" cannot be read in this version: data file \"%.*s\" "
                             "has no field ids, and column \"%.*s\" is nested",
                             TARN_STR_ARG(m->what), TARN_STR_ARG(file->file->path),
                             TARN_STR_ARG(f->name));
        if (keys[i].name.ptr)
            continue;
        /* a name that no column of the file has */
        do
            keys[i].name =
                tarn_sprintf(m->op, "tarn lacks %d%s", f->id, keys[i].name.ptr ? "x" : "");
        while (keys[i].name.ptr && has_column(&columns, keys[i].name));
        if (!keys[i].name.ptr)
            return TARN_NOMEM;
        TARN_TRY(partition_value(m, file->file, f, &keys[i].value));
    }
    *out = keys;
    return TARN_OK;
}

enum tarn_status tarn__mapping_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan, struct tarn_str what,
                                    struct tarn__key ***out)
{
    struct mapping m = {.s = s, .op = op, .scan = scan, .what = what};
    struct tarn__rows bare;
    struct tarn_json *mapping;
    *out = NULL;
    if (!scan->files_without_ids_possible || scan->file_count == 0)
        return TARN_OK;
    const struct tarn_str *text = tarn_kvs_get(&scan->metadata->properties, PROPERTY);
    TARN_TRY(bare_files(&m, &bare));
    if (bare.rows == 0)
        return TARN_OK;
    if (!text)
        return tarn_fail(
            op, TARN_UNSUPPORTED,
            "table \"%.*s\" has data files without field ids, and no property \"" PROPERTY "\"",
            TARN_STR_ARG(what));
    TARN_TRY_WHILE(op, tarn_json_parse(op, *text, "a name mapping", &mapping),
                   "reading property " PROPERTY);
    m.fields = mapping;
    TARN_NEW_ARRAY(op, *out, scan->file_count);
    for (size_t i = 0; i < scan->file_count; i++)
        if (has_file(&bare, scan->files[i].local_path))
            TARN_TRY(map_file(&m, &scan->files[i], &(*out)[i]));
    return TARN_OK;
}
