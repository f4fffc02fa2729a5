/* view: a scan as SQL.
 *
 *   SELECT "id", "name" FROM read_parquet([files],
 *       schema=MAP{1:{name:'id',type:'BIGINT',default_value:NULL}, ..})
 *   UNION ALL
 *   SELECT "id", "name" FROM read_parquet([files with deleted rows], ..)
 *       WHERE tarn_live(7, file_index, file_row_number)
 *
 * Top-level columns are matched by field id: renamed, re-added, reordered and promoted ones come
 * out right. Nested fields are matched by name by the engine, so a table whose nested names changed
 * is refused. A path is taken literally by the engine when a file of that very name exists, glob
 * characters or not.
 */
#include "engine/duckdb/view_int.h"

#define ROW_GROUP_ROWS 122880
/* reserved field ids (spec "Reserved Field IDs") */
#define ID_ROW_ID       2147483540
#define ID_ROW_SEQUENCE 2147483539

/* Columns that read_parquet has of itself. */
static bool name_is_taken(struct tarn_str name)
{
    static const char *const taken[] = {"filename", "file_row_number", "file_index", "rowid",
                                        "file_size"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(taken[i])))
            return true;
    return false;
}

/* The column's name inside read_parquet. */
static struct tarn_str inner_name(struct tarn_op *op, const struct tarn_field *f)
{
    return name_is_taken(f->name) ? tarn_sprintf(op, "tarn_field_%d", f->id) : f->name;
}

static enum tarn_status default_sql(struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_field *f)
{
    struct tarn_json *j;
    struct tarn_value v;
    if (!f->initial_default.ptr) {
        tarn_buf_z(b, "NULL");
        return TARN_OK;
    }
    TARN_TRY(tarn_json_parse(op, f->initial_default, "a column's default", &j));
    if (j->kind == TARN_JSON_K_NULL) {
        tarn_buf_z(b, "NULL");
        return TARN_OK;
    }
    if (tarn_type_is_nested(&f->type) || f->type.kind == TARN_TYPE_BINARY ||
        f->type.kind == TARN_TYPE_FIXED)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "column \"%.*s\" has a default of a type that is not in this version",
                         TARN_STR_ARG(f->name));
    TARN_TRY(tarn_value_from_json(op, &f->type, j, &v));
    struct tarn_str text = tarn_value_text(op, &f->type, &v);
    if (!text.ptr)
        return TARN_NOMEM;
    tarn_buf_sql_text(b, text);
    return TARN_OK;
}

/* key NULL: by field id. */
static enum tarn_status map_entry(struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_field *f, const struct tarn__key *key)
{
    struct tarn_buf type;
    struct tarn_str type_text, name = inner_name(op, f);
    if (!name.ptr)
        return TARN_NOMEM;
    tarn_buf_init(&type, (size_t)16 << 20);
    tarn__type_sql(&type, &f->type);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &type, "a column's type", &type_text));
    if (key)
        tarn_buf_sql_text(b, key->name);
    else
        tarn_buf_printf(b, "%d", f->id);
    tarn_buf_z(b, ":{name:");
    tarn_buf_sql_text(b, name);
    tarn_buf_z(b, ",type:");
    tarn_buf_sql_text(b, type_text);
    tarn_buf_z(b, ",default_value:");
    if (key && key->value.ptr)
        tarn_buf_sql_text(b, key->value);
    else
        TARN_TRY(default_sql(op, b, f));
    tarn_buf_put(b, '}');
    return TARN_OK;
}

static enum tarn_status select_list(struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_type *root)
{
    for (size_t i = 0; i < root->field_count; i++) {
        const struct tarn_field *f = &root->fields[i];
        struct tarn_str inner = inner_name(op, f);
        if (!inner.ptr)
            return TARN_NOMEM;
        tarn_buf_z(b, i > 0 ? ", " : "");
        tarn_buf_sql_name(b, inner);
        if (tarn_str_eq(inner, f->name))
            continue;
        tarn_buf_z(b, " AS ");
        tarn_buf_sql_name(b, f->name);
    }
    return TARN_OK;
}

/* ---- metadata columns */

static const char *const meta_columns[][2] = {{"_file", "VARCHAR"},
                                              {"_pos", "BIGINT"},
                                              {"_spec_id", "INTEGER"},
                                              {"_row_id", "BIGINT"},
                                              {"_last_updated_sequence_number", "BIGINT"}};
#define META_COUNT (sizeof meta_columns / sizeof *meta_columns)

const char *tarn__meta_name(enum tarn__meta one)
{
    size_t i = 0;
    while (i + 1 < META_COUNT && 1u << i != (unsigned)one)
        i++;
    return meta_columns[i][0];
}

unsigned tarn__meta_of(struct tarn_str name)
{
    for (unsigned i = 0; i < META_COUNT; i++)
        if (tarn_str_eq_nocase(name, tarn_str_view(meta_columns[i][0])))
            return 1u << i;
    return 0;
}

enum tarn_status tarn__empty_sql(struct tarn_op *op, struct tarn_buf *b,
                                 const struct tarn_type *root, unsigned meta)
{
    tarn_buf_z(b, "SELECT ");
    for (size_t i = 0; i < root->field_count; i++) {
        tarn_buf_z(b, i > 0 ? ", CAST(NULL AS " : "CAST(NULL AS ");
        tarn__type_sql(b, &root->fields[i].type);
        tarn_buf_z(b, ") AS ");
        tarn_buf_sql_name(b, root->fields[i].name);
    }
    for (size_t i = 0; i < META_COUNT; i++)
        if (meta & 1u << i)
            tarn_buf_printf(b, ", CAST(NULL AS %s) AS \"%s\"", meta_columns[i][1],
                            meta_columns[i][0]);
    tarn_buf_z(b, " WHERE false");
    return (enum tarn_status)tarn_buf_finish(op, b, "a statement for the engine");
}

/* ---- groups of files: with deleted rows, without, and each that has no field ids */

struct group {
    const struct tarn_scan_file **files;
    size_t count;
    int64_t rows;
    bool dirty;
    const struct tarn__key *keys; /* NULL: by field id */
};

static void group_put(struct group *g, const struct tarn_scan_file *f)
{
    g->files[g->count++] = f;
    g->rows += f->file->record_count - (int64_t)f->deleted_count;
}

static enum tarn_status groups_of(struct tarn_op *op, const struct tarn_scan *scan,
                                  struct tarn__key *const *keys, struct group **out,
                                  size_t *out_count)
{
    struct group *groups;
    size_t n = 2;
    TARN_NEW_ARRAY(op, groups, scan->file_count + 2);
    for (size_t i = 0; i < 2; i++) {
        groups[i].dirty = i == 1;
        TARN_NEW_ARRAY(op, groups[i].files, scan->file_count + 1);
    }
    for (size_t i = 0; i < scan->file_count; i++) {
        const struct tarn_scan_file *f = &scan->files[i];
        bool dirty = f->deleted_count > 0;
        struct group *g = &groups[dirty];
        if (keys && keys[i]) {
            g = &groups[n++];
            *g = (struct group){.dirty = dirty, .keys = keys[i]};
            TARN_NEW_ARRAY(op, g->files, 1);
        }
        group_put(g, f);
    }
    *out = groups;
    *out_count = n;
    return TARN_OK;
}

/* With a schema given the engine does not look into the file while it plans, takes a single one to
 * have one row group, and reads it with one thread. A list of two files it reads with all. */
static enum tarn_status companion_sql(struct tarn_session *s, struct tarn_op *op,
                                      struct tarn_buf *b, const struct group *g)
{
    const char *path;
    if (g->count != 1 || g->files[0]->file->record_count <= ROW_GROUP_ROWS)
        return TARN_OK;
    TARN_TRY(tarn__session_empty_file(s, op, &path));
    if (path) {
        tarn_buf_put(b, ',');
        tarn_engine_path_sql(b, tarn_str_view(path));
    }
    return TARN_OK;
}

/* Row lineage as a writer that moved rows put it down, where it did. */
static void lineage_entries(struct tarn_buf *b, unsigned meta)
{
    if (meta & TARN__META_ROW_ID)
        tarn_buf_printf(b, ",%d:{name:'tarn_row_id',type:'BIGINT',default_value:NULL}", ID_ROW_ID);
    if (meta & TARN__META_SEQUENCE)
        tarn_buf_printf(b, ",%d:{name:'tarn_row_sequence',type:'BIGINT',default_value:NULL}",
                        ID_ROW_SEQUENCE);
}

static enum tarn_status parquet_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                    const struct tarn_type *root, const struct group *g,
                                    unsigned meta)
{
    tarn_buf_z(b, "read_parquet([");
    for (size_t i = 0; i < g->count; i++) {
        tarn_buf_z(b, i > 0 ? "," : "");
        tarn_engine_path_sql(b, g->files[i]->local_path);
    }
    TARN_TRY(companion_sql(s, op, b, g));
    tarn_buf_z(b, "], schema=MAP{");
    for (size_t i = 0; i < root->field_count; i++) {
        tarn_buf_z(b, i > 0 ? "," : "");
        TARN_TRY(map_entry(op, b, &root->fields[i], g->keys ? &g->keys[i] : NULL));
    }
    if (!g->keys)
        lineage_entries(b, meta);
    tarn_buf_printf(b, "}, explicit_cardinality=%lld)", (long long)(g->rows > 0 ? g->rows : 1));
    return TARN_OK;
}

/* A file without field ids cannot have the lineage columns. */
static void lineage_sql(struct tarn_buf *b, unsigned meta, bool physical, long long id)
{
    if (meta & TARN__META_ROW_ID)
        tarn_buf_printf(b,
                        ", CASE WHEN tarn_first_row_id(%lld, file_index::BIGINT) IS NULL THEN NULL "
                        "ELSE coalesce(%s, tarn_first_row_id(%lld, file_index::BIGINT) + "
                        "file_row_number::BIGINT) END AS \"_row_id\"",
                        id, physical ? "tarn_row_id" : "NULL", id);
    if (meta & TARN__META_SEQUENCE)
        tarn_buf_printf(b,
                        ", CASE WHEN tarn_first_row_id(%lld, file_index::BIGINT) IS NULL THEN NULL "
                        "ELSE coalesce(%s, tarn_sequence(%lld, file_index::BIGINT)) END "
                        "AS \"_last_updated_sequence_number\"",
                        id, physical ? "tarn_row_sequence" : "NULL", id);
}

static void meta_sql(struct tarn_buf *b, unsigned meta, bool physical, int64_t live)
{
    long long id = live;
    if (meta & TARN__META_FILE)
        tarn_buf_printf(b, ", tarn_path(%lld, file_index::BIGINT) AS \"_file\"", id);
    if (meta & TARN__META_POS)
        tarn_buf_z(b, ", file_row_number::BIGINT AS \"_pos\"");
    if (meta & TARN__META_SPEC_ID)
        tarn_buf_printf(b, ", tarn_spec_id(%lld, file_index::BIGINT)::INTEGER AS \"_spec_id\"", id);
    lineage_sql(b, meta, physical, id);
}

static enum tarn_status group_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                  const struct tarn_scan *scan, const struct group *g,
                                  unsigned meta, struct tarn__live **lives)
{
    int64_t id;
    TARN_TRY(tarn__live_add(s->engine, op, g->files, g->count, lives, &id));
    tarn_buf_z(b, "SELECT ");
    TARN_TRY(select_list(op, b, &scan->schema->root));
    meta_sql(b, meta, !g->keys, id);
    tarn_buf_z(b, " FROM ");
    TARN_TRY(parquet_sql(s, op, b, &scan->schema->root, g, meta));
    if (g->dirty)
        tarn_buf_printf(b, " WHERE tarn_live(%lld, file_index::BIGINT, file_row_number::BIGINT)",
                        (long long)id);
    return TARN_OK;
}

static enum tarn_status check_nested(struct tarn_op *op, const struct tarn_scan *scan,
                                     struct tarn_str what)
{
    const struct tarn_type *root = &scan->schema->root;
    for (size_t i = 0; scan->nested_by_id && i < root->field_count; i++)
        if (tarn_type_is_nested(&root->fields[i].type)) {
            (void)tarn_fail(op, TARN_UNSUPPORTED,
                            "table \"%.*s\" cannot be read in this version: names inside column "
                            "\"%.*s\" changed over its history",
                            TARN_STR_ARG(what), TARN_STR_ARG(root->fields[i].name));
            tarn_detail(
                op,
                "the engine matches nested fields by name, and would read some of them as null");
            return TARN_UNSUPPORTED;
        }
    return TARN_OK;
}

enum tarn_status tarn__scan_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                const struct tarn_scan *scan, struct tarn_str what, unsigned meta,
                                struct tarn__live **lives)
{
    struct group *groups;
    struct tarn__key **keys;
    size_t count;
    TARN_TRY(check_nested(op, scan, what));
    if (scan->file_count == 0)
        return tarn__empty_sql(op, b, &scan->schema->root, meta);
    TARN_TRY(tarn__mapping_find(s, op, scan, what, &keys));
    TARN_TRY(groups_of(op, scan, keys, &groups, &count));
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (groups[i].count == 0)
            continue;
        tarn_buf_z(b, first ? "" : " UNION ALL ");
        first = false;
        TARN_TRY(group_sql(s, op, b, scan, &groups[i], meta, lives));
    }
    return (enum tarn_status)tarn_buf_finish(op, b, "a statement for the engine");
}
