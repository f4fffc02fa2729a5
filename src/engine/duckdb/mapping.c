/* mapping: files without field ids (spec "Column Projection", "Name Mapping Serialization").
 *
 * Only where the table has a name mapping are the files' schemas looked at. A file that has no ids
 * at all is read by the mapping's names, alone, at every depth: each field by the one name of its
 * mapping that the file has. Of two that it has it could be either: that is an error. A column that
 * the file lacks has the partition's value if the file is partitioned by it as it is, else its
 * default. Nested columns are read with the file's own names and made anew (view_nested.c).
 */
#include <string.h>

#include "engine/duckdb/view_int.h"
#include "format/iceberg/mapping.h"

#define PROPERTY "schema.name-mapping.default"

struct known { /* what files of one schema have */
    struct tarn_str schema;
    struct tarn__key *keys; /* without partition values */
    struct tarn__layout *layout;
};
struct mapping {
    struct tarn_session *s;
    struct tarn_op *op;
    const struct tarn_scan *scan;
    const struct tarn_json *level; /* the mapping's first */
    struct tarn_str what;
    struct tarn_str path;       /* of the file that is looked at */
    const struct tarn_str *own; /* its columns, as the footer has them */
    size_t own_count;
    struct known *known;
    size_t known_count, known_cap;
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

/* The files of the scan without a single field id, and what their schemas are told by. */
static enum tarn_status bare_files(const struct mapping *m, struct tarn__rows *out)
{
    struct tarn_buf sql;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT file_name, string_agg(concat_ws('/', length(name), name, "
                     "coalesce(num_children, 0), duckdb_type), ',' ORDER BY n) FROM (SELECT *, "
                     "row_number() OVER () AS n FROM parquet_schema([");
    for (size_t i = 0; i < m->scan->file_count; i++) {
        tarn_buf_z(&sql, i > 0 ? ", " : "");
        tarn_engine_path_sql(&sql, m->scan->files[i].local_path);
    }
    tarn_buf_z(&sql, "])) GROUP BY file_name HAVING count(field_id) = 0 ORDER BY file_name");
    return rows_of_sql(m, &sql, out);
}

struct bare {
    struct tarn_str path, schema;
};

static enum tarn_status bare_list(struct tarn_op *op, const struct tarn__rows *rows,
                                  struct bare **out)
{
    size_t n = 0;
    TARN_NEW_ARRAY(op, *out, rows->rows + 1);
    for (size_t i = 0; i < rows->batch_count; i++)
        for (size_t k = 0; k < rows->batches[i].rows; k++) {
            const struct tarn_column *c = rows->batches[i].columns;
            (*out)[n++] = (struct bare){tarn__cell_str(&c[0], k), tarn__cell_str(&c[1], k)};
        }
    return TARN_OK;
}

/* NULL: the file has ids. */
static const struct bare *bare_of(const struct bare *all, size_t count, struct tarn_str path)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (tarn_str_cmp(all[mid].path, path) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < count && tarn_str_eq(all[low].path, path) ? &all[low] : NULL;
}

/* ---- a file's top-level columns */

/* parquet_schema lists the tree depth first: the root, then each column followed by what is inside
 * of it. */
static enum tarn_status top_columns(struct mapping *m)
{
    struct tarn_buf sql;
    struct tarn__rows rows;
    struct tarn_str *names;
    int64_t inside = 0; /* nodes that still belong to the column before */
    bool root = true;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT name, coalesce(num_children, 0)::BIGINT FROM parquet_schema(");
    tarn_engine_path_sql(&sql, m->path);
    tarn_buf_z(&sql, ")");
    TARN_TRY(rows_of_sql(m, &sql, &rows));
    TARN_NEW_ARRAY(m->op, names, rows.rows + 1);
    m->own = names;
    m->own_count = 0;
    for (size_t i = 0; i < rows.batch_count; i++)
        for (size_t k = 0; k < rows.batches[i].rows; k++) {
            const struct tarn_column *c = rows.batches[i].columns;
            int64_t children = ((const int64_t *)c[1].data)[k];
            if (root) {
                root = false;
            } else if (inside > 0) {
                inside += children - 1;
            } else {
                names[m->own_count++] = tarn__cell_str(&c[0], k);
                inside = children;
            }
        }
    return TARN_OK;
}

static bool has_column(const struct mapping *m, struct tarn_str name)
{
    for (size_t i = 0; i < m->own_count; i++)
        if (tarn_str_eq(m->own[i], name))
            return true;
    return false;
}

static enum tarn_status fail_twice(const struct mapping *m, const struct tarn_field *f,
                                   struct tarn_str a, struct tarn_str b)
{
    (void)tarn_fail(m->op, TARN_SCHEMA,
                    "data file \"%.*s\" has two columns for \"%.*s\": \"%.*s\" and \"%.*s\"",
                    TARN_STR_ARG(m->path), TARN_STR_ARG(f->name), TARN_STR_ARG(a), TARN_STR_ARG(b));
    tarn_detail(m->op, "the file has no field ids, and property " PROPERTY
                       " gives both names to one field");
    return TARN_SCHEMA;
}

/* The one name of the mapping that the file has; absent if none. */
static enum tarn_status name_in_file(const struct mapping *m, const struct tarn_field *f,
                                     struct tarn_str *out)
{
    const struct tarn_json *entry = tarn_mapping_by_id(m->level, f->id);
    *out = (struct tarn_str){NULL, 0};
    for (const struct tarn_json *n = tarn_mapping_names(entry); n; n = n->next) {
        if (!has_column(m, n->text))
            continue;
        if (out->ptr)
            return fail_twice(m, f, *out, n->text);
        *out = n->text;
    }
    return TARN_OK;
}

/* ---- what lies inside of columns: trees of names; leaves are DATE, FLOAT, or any: VARCHAR */

static enum tarn_status tree_of(struct tarn_op *op, duckdb_logical_type t, struct tarn_type *out);

static enum tarn_status child_tree(struct tarn_op *op, duckdb_logical_type child, const char *name,
                                   struct tarn_field *out)
{
    *out = (struct tarn_field){.name = tarn_strdup(op, tarn_str_view(name))};
    enum tarn_status status = out->name.ptr ? tree_of(op, child, &out->type) : TARN_NOMEM;
    duckdb_destroy_logical_type(&child);
    return status;
}

static enum tarn_status struct_tree(struct tarn_op *op, duckdb_logical_type t,
                                    struct tarn_type *out)
{
    idx_t n = duckdb_struct_type_child_count(t);
    TARN_NEW_ARRAY(op, out->fields, (size_t)n + 1);
    for (idx_t i = 0; i < n; i++) {
        char *name = duckdb_struct_type_child_name(t, i);
        enum tarn_status status =
            name ? child_tree(op, duckdb_struct_type_child_type(t, i), name, &out->fields[i])
                 : tarn_fail(op, TARN_NOMEM, "out of memory while reading a file's columns");
        duckdb_free(name);
        TARN_TRY(status);
        out->field_count++;
    }
    return TARN_OK;
}

static enum tarn_status tree_of(struct tarn_op *op, duckdb_logical_type t, struct tarn_type *out)
{
    *out = (struct tarn_type){.kind = TARN_TYPE_STRING};
    switch (duckdb_get_type_id(t)) {
    case DUCKDB_TYPE_DATE:
        out->kind = TARN_TYPE_DATE;
        return TARN_OK;
    case DUCKDB_TYPE_FLOAT:
        out->kind = TARN_TYPE_FLOAT;
        return TARN_OK;
    case DUCKDB_TYPE_STRUCT:
        out->kind = TARN_TYPE_STRUCT;
        return struct_tree(op, t, out);
    case DUCKDB_TYPE_LIST:
        out->kind = TARN_TYPE_LIST;
        out->field_count = 1;
        TARN_NEW_ARRAY(op, out->fields, 1);
        return child_tree(op, duckdb_list_type_child_type(t), "element", &out->fields[0]);
    case DUCKDB_TYPE_MAP:
        out->kind = TARN_TYPE_MAP;
        out->field_count = 2;
        TARN_NEW_ARRAY(op, out->fields, 2);
        TARN_TRY(child_tree(op, duckdb_map_type_key_type(t), "key", &out->fields[0]));
        return child_tree(op, duckdb_map_type_value_type(t), "value", &out->fields[1]);
    default:
        return TARN_OK;
    }
}

static enum tarn_status file_tree(const struct mapping *m, struct tarn_type *out)
{
    struct tarn_buf sql;
    duckdb_result r;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    tarn_buf_z(&sql, "SELECT * FROM read_parquet(");
    tarn_engine_path_sql(&sql, m->path);
    tarn_buf_z(&sql, ") LIMIT 0");
    enum tarn_status status =
        (enum tarn_status)tarn_buf_finish(m->op, &sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__run(m->s, m->op, tarn_buf_view(&sql).ptr, NULL, &r);
    tarn_buf_release(&sql);
    TARN_TRY(status);
    idx_t n = duckdb_column_count(&r);
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT};
    out->fields = tarn_alloc_array(m->op, (size_t)n + 1, sizeof *out->fields);
    status = out->fields ? TARN_OK : TARN_NOMEM;
    for (idx_t i = 0; status == TARN_OK && i < n; i++) {
        duckdb_logical_type t = duckdb_column_logical_type(&r, i);
        status = child_tree(m->op, t, duckdb_column_name(&r, i), &out->fields[out->field_count]);
        out->field_count++;
    }
    duckdb_destroy_result(&r);
    return status;
}

/* ---- a column's type as the file has it, with the ids that the mapping gives */

struct inside {
    const struct mapping *m;
    bool differs;
};

static enum tarn_status type_in_file(struct inside *x, const struct tarn_json *level,
                                     const struct tarn_field *now, const struct tarn_type *tree,
                                     struct tarn_type *out);

static enum tarn_status child_in_file(struct inside *x, const struct tarn_json *level,
                                      const struct tarn_field *f, const struct tarn_type *tree,
                                      const struct tarn_field **out)
{
    const struct tarn_json *entry = tarn_mapping_by_id(level, f->id);
    *out = NULL;
    for (size_t i = 0; i < tree->field_count; i++) {
        if (!tarn_mapping_has_name(entry, tree->fields[i].name))
            continue;
        if (*out)
            return fail_twice(x->m, f, (*out)->name, tree->fields[i].name);
        *out = &tree->fields[i];
    }
    return TARN_OK;
}

static enum tarn_status struct_in_file(struct inside *x, const struct tarn_json *level,
                                       const struct tarn_type *now, const struct tarn_type *tree,
                                       struct tarn_type *out)
{
    for (size_t i = 0; i < now->field_count; i++) {
        const struct tarn_field *f = &now->fields[i], *own;
        struct tarn_field *then = &out->fields[out->field_count];
        TARN_TRY(child_in_file(x, level, f, tree, &own));
        if (!own) {
            x->differs = true;
            continue;
        }
        *then = *f;
        then->name = own->name;
        x->differs = x->differs || !tarn_str_eq(own->name, f->name);
        TARN_TRY(type_in_file(x, tarn_mapping_below(tarn_mapping_by_id(level, f->id)), f,
                              &own->type, &then->type));
        out->field_count++;
    }
    if (out->field_count == 0 && tree->field_count) /* tells whether the struct is null */
        out->fields[out->field_count++] = tree->fields[0];
    return TARN_OK;
}

static enum tarn_status type_in_file(struct inside *x, const struct tarn_json *level,
                                     const struct tarn_field *now, const struct tarn_type *tree,
                                     struct tarn_type *out)
{
    const struct tarn_type *t = &now->type;
    *out = *t;
    if (tarn_type_is_nested(t) ? t->kind != tree->kind : tarn_type_is_nested(tree))
        return tarn_fail(x->m->op, TARN_SCHEMA,
                         "data file \"%.*s\" has another type for column \"%.*s\", which is %s",
                         TARN_STR_ARG(x->m->path), TARN_STR_ARG(now->name),
                         tarn_type_text(x->m->op, t).ptr);
    if (!tarn_type_is_nested(t)) {
        x->differs = tarn__type_in_file(t, tree->kind, out) || x->differs;
        return TARN_OK;
    }
    TARN_NEW_ARRAY(x->m->op, out->fields, t->field_count + 1);
    out->field_count = 0;
    if (t->kind == TARN_TYPE_STRUCT)
        return struct_in_file(x, level, t, tree, out);
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        out->fields[i] = *f;
        TARN_TRY(type_in_file(x, tarn_mapping_below(tarn_mapping_by_id(level, f->id)), f,
                              &tree->fields[i].type, &out->fields[i].type));
        out->field_count++;
    }
    return TARN_OK;
}

static const struct tarn_type *column_tree(const struct tarn_type *file, struct tarn_str name)
{
    for (size_t i = 0; i < file->field_count; i++)
        if (tarn_str_eq(file->fields[i].name, name))
            return &file->fields[i].type;
    return NULL;
}

static enum tarn_status nested_of(const struct mapping *m, const struct tarn_type *file,
                                  const struct tarn_field *f, struct tarn_str name,
                                  struct tarn__nested *out)
{
    struct inside x = {.m = m};
    const struct tarn_type *tree = name.ptr ? column_tree(file, name) : NULL;
    if (!name.ptr) {
        *out = (struct tarn__nested){
            .absent = true, .differs = tarn_type_is_nested(&f->type), .type = f->type};
        return TARN_OK;
    }
    if (!tree)
        return tarn_fail(m->op, TARN_UNSUPPORTED,
                         "data file \"%.*s\" cannot be read: its column \"%.*s\" is not told from "
                         "another one",
                         TARN_STR_ARG(m->path), TARN_STR_ARG(name));
    TARN_TRY(type_in_file(&x, tarn_mapping_below(tarn_mapping_by_id(m->level, f->id)), f, tree,
                          &out->type));
    out->differs = x.differs;
    return TARN_OK;
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

/* A name that no column of the file has. */
static enum tarn_status absent_name(const struct mapping *m, const struct tarn_field *f,
                                    struct tarn_str *out)
{
    *out = (struct tarn_str){NULL, 0};
    do
        *out = tarn_sprintf(m->op, "tarn lacks %d%s", f->id, out->ptr ? "x" : "");
    while (out->ptr && has_column(m, *out));
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

static enum tarn_status map_schema(struct mapping *m, struct tarn_str schema,
                                   const struct known **out)
{
    const struct tarn_type *root = &m->scan->schema->root;
    struct tarn_type tree = {0};
    for (size_t i = 0; i < m->known_count; i++)
        if (tarn_str_eq(m->known[i].schema, schema)) {
            *out = &m->known[i];
            return TARN_OK;
        }
    TARN_GROW(m->op, m->known, m->known_count, m->known_cap);
    struct known *k = &m->known[m->known_count];
    *k = (struct known){.schema = schema};
    TARN_TRY(top_columns(m));
    TARN_TRY(file_tree(m, &tree));
    TARN_NEW_ARRAY(m->op, k->keys, root->field_count + 1);
    TARN_NEW(m->op, k->layout);
    TARN_NEW_ARRAY(m->op, k->layout->columns, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        TARN_TRY(name_in_file(m, f, &k->keys[i].name));
        TARN_TRY(nested_of(m, &tree, f, k->keys[i].name, &k->layout->columns[i]));
        k->keys[i].absent = !k->keys[i].name.ptr;
        if (k->keys[i].absent)
            TARN_TRY(absent_name(m, f, &k->keys[i].name));
    }
    m->known_count++;
    *out = k;
    return tarn__layout_name(m->op, k->layout, root->field_count);
}

static enum tarn_status map_file(struct mapping *m, const struct tarn_scan_file *file,
                                 struct tarn_str schema, struct tarn__key **out,
                                 struct tarn__layout **out_layout)
{
    const struct tarn_type *root = &m->scan->schema->root;
    const struct known *k = NULL;
    m->path = file->local_path;
    TARN_TRY(map_schema(m, schema, &k));
    TARN_NEW_ARRAY(m->op, *out, root->field_count + 1);
    memcpy(*out, k->keys, root->field_count * sizeof **out);
    for (size_t i = 0; i < root->field_count; i++)
        if (k->keys[i].absent)
            TARN_TRY(partition_value(m, file->file, &root->fields[i], &(*out)[i].value));
    *out_layout = k->layout;
    return TARN_OK;
}

enum tarn_status tarn__mapping_find(struct tarn_session *s, struct tarn_op *op,
                                    const struct tarn_scan *scan, struct tarn_str what,
                                    struct tarn__bare *out)
{
    struct mapping m = {.s = s, .op = op, .scan = scan, .what = what};
    struct tarn__rows rows;
    struct bare *bare;
    *out = (struct tarn__bare){NULL, NULL};
    if (!scan->files_without_ids_possible || scan->file_count == 0)
        return TARN_OK;
    const struct tarn_str *text = tarn_kvs_get(&scan->metadata->properties, PROPERTY);
    TARN_TRY(bare_files(&m, &rows));
    if (rows.rows == 0)
        return TARN_OK;
    if (!text)
        return tarn_fail(
            op, TARN_UNSUPPORTED,
            "table \"%.*s\" has data files without field ids, and no property \"" PROPERTY "\"",
            TARN_STR_ARG(what));
    TARN_TRY(tarn_mapping_parse(op, *text, &m.level));
    TARN_TRY(bare_list(op, &rows, &bare));
    TARN_NEW_ARRAY(op, out->keys, scan->file_count);
    TARN_NEW_ARRAY(op, out->layouts, scan->file_count);
    for (size_t i = 0; i < scan->file_count; i++) {
        const struct bare *b = bare_of(bare, rows.rows, scan->files[i].local_path);
        if (b)
            TARN_TRY(map_file(&m, &scan->files[i], b->schema, &out->keys[i], &out->layouts[i]));
    }
    return TARN_OK;
}
