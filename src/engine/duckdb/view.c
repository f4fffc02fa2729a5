/* view: a scan as SQL.
 *
 *   SELECT "id", "name" FROM read_parquet([files],
 *       schema=MAP{1:{name:'id',type:'BIGINT',default_value:NULL}, ..})
 *   UNION ALL
 *   SELECT "id", "name" FROM read_parquet([files with deleted rows], ..)
 *       WHERE tarn_live(7, file_index, file_row_number)
 *
 * Top-level columns are matched by field id: renamed, re-added, reordered and promoted ones come
 * out right. Nested fields are matched by name by the engine: view_nested.c makes them anew out of
 * what a file has. A path is taken literally by the engine when a file of that very name exists, glob
 * characters or not.
 */
#include "engine/duckdb/overlay_int.h"
#include "engine/duckdb/view_int.h"

#define ROW_GROUP_ROWS 122880
/* reserved field ids (spec "Reserved Field IDs") */
#define ID_ROW_ID       2147483540
#define ID_ROW_SEQUENCE 2147483539

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

/* ---- groups of files that are read alike */

enum deleted { DELETED_NONE, DELETED_LEFT_OUT, DELETED_ONLY };
struct group {
    enum deleted deleted;
    bool equality;                     /* equality deletes may concern its files */
    const struct tarn__key *keys;      /* NULL: by field id */
    const struct tarn__layout *layout; /* NULL: nested names are the scan's */
    const struct tarn_scan_file **files;
    size_t *indexes; /* of the scan's files */
    size_t count, cap, index_cap;
    int64_t rows;
};
struct view {
    struct tarn_session *s;
    struct tarn_op *op;
    struct tarn_buf *b;
    const struct tarn_scan *scan;
    struct tarn_str what;
    unsigned meta;
    struct tarn__live **lives;
    struct tarn__bare bare;
    struct tarn__layout **layouts; /* NULL, or one a file */
    struct tarn__equality equality;
    struct group *groups;
    size_t count;
};

static bool same_layout(const struct tarn__layout *a, const struct tarn__layout *b)
{
    return a == b || (a && b && tarn_str_eq(a->text, b->text));
}

static bool same_keys(const struct view *v, const struct tarn__key *a, const struct tarn__key *b)
{
    for (size_t i = 0; a && b && a != b && i < v->scan->schema->root.field_count; i++)
        if (!tarn_str_eq(a[i].name, b[i].name) || !a[i].value.ptr != !b[i].value.ptr ||
            !tarn_str_eq(a[i].value, b[i].value))
            return false;
    return !a == !b;
}

static enum tarn_status put_file(struct view *v, size_t index)
{
    const struct tarn_scan_file *f = &v->scan->files[index];
    const struct tarn__key *keys = v->bare.keys ? v->bare.keys[index] : NULL;
    struct tarn__layout **layouts = keys ? v->bare.layouts : v->layouts;
    struct group want = {.keys = keys,
                         .layout = layouts ? layouts[index] : NULL,
                         .equality = v->equality.files[index]};
    struct group *g = v->groups, *end = v->groups + v->count;
    if (f->deleted_count > 0)
        want.deleted = f->only_deleted ? DELETED_ONLY : DELETED_LEFT_OUT;
    else if (f->only_deleted)
        return TARN_OK; /* none of its rows */
    while (g < end && (g->deleted != want.deleted || g->equality != want.equality ||
                       !same_layout(g->layout, want.layout) || !same_keys(v, g->keys, want.keys)))
        g++;
    if (g == end) {
        *g = want;
        v->count++;
    }
    TARN_GROW(v->op, g->files, g->count, g->cap);
    TARN_GROW(v->op, g->indexes, g->count, g->index_cap);
    g->indexes[g->count] = index;
    g->files[g->count++] = f;
    g->rows += want.deleted == DELETED_ONLY ? (int64_t)f->deleted_count
                                            : f->file->record_count - (int64_t)f->deleted_count;
    return TARN_OK;
}

/* ---- a group's SELECT */

/* With a schema given the engine does not look into the file while it plans, takes a single one to
 * have one row group, and reads it with one thread. A list of two files it reads with all. */
static enum tarn_status companion_sql(struct view *v, const struct group *g)
{
    const char *path;
    if (g->count != 1 || g->files[0]->file->record_count <= ROW_GROUP_ROWS)
        return TARN_OK;
    TARN_TRY(tarn__session_empty_file(v->s, v->op, &path));
    if (path) {
        tarn_buf_put(v->b, ',');
        tarn_engine_path_sql(v->b, tarn_str_view(path));
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

/* Keys of equality deletes are called what the table calls them now. */
static bool inner_names_differ(const struct view *v, const struct group *g)
{
    for (size_t i = 0; g->layout && i < v->scan->schema->root.field_count; i++)
        if (tarn_type_is_nested(&v->scan->schema->root.fields[i].type) &&
            g->layout->columns[i].differs && !g->layout->columns[i].absent)
            return true;
    return false;
}

static enum tarn_status extras_sql(struct view *v, const struct group *g)
{
    bool extra = v->equality.extra_count > 0;
    if (!g->equality)
        return TARN_OK;
    if (g->keys && (extra || inner_names_differ(v, g)))
        return tarn_fail(v->op, TARN_UNSUPPORTED,
                         "table \"%.*s\" cannot be read in this version: data file \"%.*s\" has no "
                         "field ids, and there are equality deletes%s",
                         TARN_STR_ARG(v->what), TARN_STR_ARG(g->files[0]->file->path),
                         extra ? " by a column that was dropped"
                               : ", and what its columns hold is called otherwise now");
    for (size_t i = 0; i < v->equality.extra_count; i++)
        tarn__extra_sql(v->b, &v->equality.extras[i]);
    return TARN_OK;
}

static enum tarn_status parquet_sql(struct view *v, const struct group *g)
{
    tarn_buf_z(v->b, "read_parquet([");
    for (size_t i = 0; i < g->count; i++) {
        tarn_buf_z(v->b, i > 0 ? "," : "");
        tarn_engine_path_sql(v->b, g->files[i]->local_path);
    }
    TARN_TRY(companion_sql(v, g));
    tarn_buf_z(v->b, "], schema=MAP{");
    TARN_TRY(tarn__map_sql(v->op, v->b, &v->scan->schema->root, g->keys, g->layout));
    TARN_TRY(extras_sql(v, g));
    if (!g->keys)
        lineage_entries(v->b, v->meta);
    tarn_buf_printf(v->b, "}, explicit_cardinality=%lld)", (long long)(g->rows > 0 ? g->rows : 1));
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

/* What of the files' rows is left out. */
static enum tarn_status left_out_sql(struct view *v, const struct group *g, int64_t id)
{
    struct tarn_buf where;
    enum tarn_status status = TARN_OK;
    tarn_buf_init(&where, 1 << 20);
    if (g->deleted != DELETED_NONE)
        tarn_buf_printf(&where,
                        " AND %starn_live(%lld, file_index::BIGINT, file_row_number::BIGINT)",
                        g->deleted == DELETED_ONLY ? "NOT " : "", (long long)id);
    if (g->equality) {
        tarn_buf_z(v->b, " AS tarn_d");
        status = tarn__equality_sql(v->s, v->op, v->b, &where, v->scan, &v->equality, g->indexes,
                                    g->count, *v->lives);
    }
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_finish(v->op, &where, "a statement for the engine");
    if (status == TARN_OK && where.len > 0)
        tarn_buf_printf(v->b, " WHERE%s", where.ptr + strlen(" AND"));
    tarn_buf_release(&where);
    return status;
}

static enum tarn_status group_sql(struct view *v, const struct group *g)
{
    int64_t id;
    TARN_TRY(tarn__live_add(v->s->engine, v->op, g->files, g->count, v->lives, &id));
    tarn_buf_z(v->b, "SELECT ");
    TARN_TRY(tarn__select_sql(v->op, v->b, &v->scan->schema->root, g->layout));
    meta_sql(v->b, v->meta, !g->keys, id);
    tarn_buf_z(v->b, " FROM ");
    TARN_TRY(parquet_sql(v, g));
    return left_out_sql(v, g, id);
}

enum tarn_status tarn__scan_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                const struct tarn_scan *scan, struct tarn_str what, unsigned meta,
                                struct tarn__live **lives)
{
    struct view v = {.s = s, .op = op, .b = b, .scan = scan, .what = what, .meta = meta};
    v.lives = lives;
    TARN_TRY(tarn__files_check(op, scan));
    TARN_TRY(tarn__overlay_scan(s, op, scan));
    TARN_TRY(tarn__mapping_find(s, op, scan, what, &v.bare));
    TARN_TRY(tarn__layouts_find(s, op, scan, &v.layouts));
    TARN_TRY(tarn__equality_plan(op, scan, what, &v.equality));
    TARN_NEW_ARRAY(op, v.groups, scan->file_count + 1);
    for (size_t i = 0; i < scan->file_count; i++)
        if (scan->matching_count == 0 || v.equality.files[i])
            TARN_TRY(put_file(&v, i));
    if (v.count == 0)
        return tarn__empty_sql(op, b, &scan->schema->root, meta);
    for (size_t i = 0; i < v.count; i++) {
        tarn_buf_z(b, i > 0 ? " UNION ALL " : "");
        TARN_TRY(group_sql(&v, &v.groups[i]));
    }
    return (enum tarn_status)tarn_buf_finish(op, b, "a statement for the engine");
}
