/* view_equality: equality deletes as joins (spec "Equality Delete Files"; trap 7).
 *
 *   read_parquet([data files], ..) AS tarn_d
 *   ANTI JOIN (SELECT k, scope, max(sequence number) FROM read_parquet([delete files], ..) ..) AS tarn_e0
 *     ON tarn_e0.k IS NOT DISTINCT FROM tarn_d.k AND tarn_e0.tarn_scope = .. AND tarn_e0.tarn_seq > ..
 *
 * Scopes (partitions) and sequence numbers are looked up in a list by file_index, and only where it
 * matters: where all delete files are younger than all data files, and there is one scope. Written as
 * NOT EXISTS the same takes several times as long.
 *
 * Deletes by one column of whole numbers are a set in memory instead (view_keys.c), unless they are
 * very many.
 *
 * Columns are read by field id on both sides, with the type that they have now; those that were
 * dropped from the schema with the last one that they had. Null equals null, NaN equals NaN, and as
 * in Iceberg's Java library -0.0 is not 0.0.
 */
#include "engine/duckdb/view_int.h"

#define SET_KEYS_MAX 4000000 /* 200 MB */

struct key { /* one of a group's columns */
    const struct tarn_field *top, *leaf;
    bool dropped;
    struct tarn_str path; /* behind the top column: ."a"."b" */
};

/* ---- finding columns */

/* Fields from the root to `id`, through structs only; the path is put behind the first. */
static bool find_path(const struct tarn_type *t, int32_t id, int depth, struct tarn_buf *path,
                      struct key *out)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        size_t mark = path->len;
        if (depth == 0)
            out->top = f;
        else {
            tarn_buf_put(path, '.');
            tarn_buf_sql_name(path, f->name);
        }
        out->leaf = f;
        if (f->id == id ||
            (f->type.kind == TARN_TYPE_STRUCT && find_path(&f->type, id, depth + 1, path, out)))
            return true;
        path->len = mark;
    }
    return false;
}

static enum tarn_status key_in(struct tarn_op *op, const struct tarn_schema *s, int32_t id,
                               struct key *out, bool *found)
{
    struct tarn_buf path;
    tarn_buf_init(&path, 1 << 20);
    *found = find_path(&s->root, id, 0, &path, out);
    return (enum tarn_status)tarn_buf_take(op, &path, "a column's path", &out->path);
}

/* The newest schema that has it, if the scan's own does not. */
static enum tarn_status find_key(struct tarn_op *op, const struct tarn_scan *scan, int32_t id,
                                 struct tarn_str what, struct key *out)
{
    bool found;
    TARN_TRY(key_in(op, scan->schema, id, out, &found));
    for (size_t i = scan->metadata->schema_count; !found && i > 0; i--) {
        TARN_TRY(key_in(op, &scan->metadata->schemas[i - 1], id, out, &found));
        out->dropped = true;
    }
    if (!found)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table \"%.*s\" cannot be read: its equality deletes are by field %d, "
                         "which is no column of it",
                         TARN_STR_ARG(what), id);
    bool moved = out->leaf != out->top && (scan->nested_by_id || out->dropped);
    if (out->leaf->type.kind >= TARN_TYPE_UNKNOWN || moved)
        return tarn_fail(op, TARN_UNSUPPORTED,
                         "table \"%.*s\" cannot be read in this version: its equality deletes are "
                         "by column \"%.*s\"%s",
                         TARN_STR_ARG(what), TARN_STR_ARG(out->leaf->name),
                         moved ? ", and names inside of its columns changed" : "");
    return TARN_OK;
}

/* ---- joins out of groups */

static bool same_columns(const struct tarn_equality_group *a, const struct tarn_equality_group *b)
{
    return a->field_id_count == b->field_id_count &&
           memcmp(a->field_ids, b->field_ids, a->field_id_count * sizeof *a->field_ids) == 0;
}

/* Both lists are ascending. */
static bool share_files(const struct tarn_equality_group *a, const struct tarn_equality_group *b)
{
    for (size_t i = 0, k = 0; i < a->file_count && k < b->file_count;) {
        if (a->files[i] == b->files[k])
            return true;
        if (a->files[i] < b->files[k])
            i++;
        else
            k++;
    }
    return false;
}

static bool takes(const struct tarn__equality_join *j, const struct tarn_equality_group *g)
{
    if (!same_columns(j->groups[0], g))
        return false;
    for (size_t i = 0; i < j->group_count; i++)
        if (share_files(j->groups[i], g))
            return false;
    return true;
}

static enum tarn_status add_group(struct tarn_op *op, struct tarn__equality *e,
                                  const struct tarn_equality_group *g, size_t groups, bool keep)
{
    size_t i = 0;
    while (i < e->count && (e->joins[i].keep != keep || !takes(&e->joins[i], g)))
        i++;
    struct tarn__equality_join *j = &e->joins[i];
    if (i == e->count) {
        e->count++;
        j->keep = keep;
        TARN_NEW_ARRAY(op, j->groups, groups);
    }
    j->groups[j->group_count++] = g;
    for (size_t k = 0; k < g->file_count; k++)
        e->files[g->files[k]] = true;
    return TARN_OK;
}

/* Columns that the scan does not present are read besides. */
static enum tarn_status add_extra(struct tarn_op *op, struct tarn__equality *e, const struct key *k)
{
    struct tarn_buf type, value;
    struct tarn__extra *x = &e->extras[e->extra_count];
    if (!k->dropped)
        return TARN_OK;
    for (size_t i = 0; i < e->extra_count; i++)
        if (e->extras[i].id == k->top->id)
            return TARN_OK;
    tarn_buf_init(&type, 1 << 20);
    tarn__type_sql(&type, &k->top->type);
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &type, "a column's type", &x->type));
    tarn_buf_init(&value, 1 << 20);
    enum tarn_status status = tarn__default_text_sql(op, &value, k->top);
    if (status != TARN_OK) {
        tarn_buf_release(&value);
        return status;
    }
    TARN_TRY((enum tarn_status)tarn_buf_take(op, &value, "a column's default", &x->value));
    x->id = k->top->id;
    x->name = tarn_sprintf(op, "tarn_field_%d", x->id);
    e->extra_count++;
    return x->name.ptr ? TARN_OK : TARN_NOMEM;
}

enum tarn_status tarn__equality_plan(struct tarn_op *op, const struct tarn_scan *scan,
                                     struct tarn_str what, struct tarn__equality *out)
{
    size_t groups = scan->equality_count + scan->matching_count, ids = 0;
    *out = (struct tarn__equality){0};
    TARN_NEW_ARRAY(op, out->files, scan->file_count + 1);
    if (groups == 0)
        return TARN_OK;
    TARN_NEW_ARRAY(op, out->joins, groups);
    for (size_t i = 0; i < scan->matching_count; i++)
        TARN_TRY(add_group(op, out, &scan->matching[i], groups, true));
    TARN_ASSERT(out->count <= 1);
    for (size_t i = 0; i < scan->equality_count; i++)
        TARN_TRY(add_group(op, out, &scan->equality[i], groups, false));
    for (size_t i = 0; i < out->count; i++)
        ids += out->joins[i].groups[0]->field_id_count;
    TARN_NEW_ARRAY(op, out->extras, ids);
    for (size_t i = 0; i < out->count; i++)
        for (size_t k = 0; k < out->joins[i].groups[0]->field_id_count; k++) {
            struct key key = {0};
            TARN_TRY(find_key(op, scan, out->joins[i].groups[0]->field_ids[k], what, &key));
            TARN_TRY(add_extra(op, out, &key));
        }
    return TARN_OK;
}

/* ---- one join, over some of the scan's files */

struct join {
    struct tarn_op *op;
    struct tarn_buf *b;
    const struct tarn_scan *scan;
    const struct tarn__equality_join *of;
    size_t number;
    const size_t *files; /* the scan's */
    size_t file_count;
    struct key *keys;
    size_t key_count;
    /* by place in `files`: which group concerns the file; -1 = none */
    int64_t *scopes;
    bool many_scopes, by_sequence;
};

static int64_t group_of(const struct tarn__equality_join *of, size_t file)
{
    for (size_t g = 0; g < of->group_count; g++) {
        const size_t *files = of->groups[g]->files;
        size_t low = 0, high = of->groups[g]->file_count;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (files[mid] < file)
                low = mid + 1;
            else
                high = mid;
        }
        if (low < of->groups[g]->file_count && files[low] == file)
            return (int64_t)g;
    }
    return -1;
}

static enum tarn_status look(struct join *j)
{
    const struct tarn_equality_group *first = j->of->groups[0];
    int64_t youngest = INT64_MIN;
    TARN_NEW_ARRAY(j->op, j->scopes, j->file_count + 1);
    for (size_t i = 0; i < j->file_count; i++) {
        j->scopes[i] = group_of(j->of, j->files[i]);
        j->many_scopes = j->many_scopes || j->scopes[i] != 0;
        if (j->scan->files[j->files[i]].sequence_number > youngest)
            youngest = j->scan->files[j->files[i]].sequence_number;
    }
    j->many_scopes = j->many_scopes || j->of->group_count > 1;
    for (size_t g = 0; g < j->of->group_count; g++)
        for (size_t i = 0; i < j->of->groups[g]->delete_count; i++)
            j->by_sequence =
                j->by_sequence || j->of->groups[g]->deletes[i].sequence_number <= youngest;
    j->key_count = first->field_id_count;
    TARN_NEW_ARRAY(j->op, j->keys, j->key_count);
    for (size_t i = 0; i < j->key_count; i++)
        TARN_TRY(find_key(j->op, j->scan, first->field_ids[i], TARN_STR(""), &j->keys[i]));
    return TARN_OK;
}

/* Of a key's struct only what leads to it: a delete file holds no more. */
static void delete_type(struct tarn_buf *b, const struct tarn_type *t,
                        const struct tarn_field *leaf)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        struct tarn_schema under = {.root = f->type};
        if (f != leaf &&
            (f->type.kind != TARN_TYPE_STRUCT || tarn_schema_field_by_id(&under, leaf->id) == NULL))
            continue;
        tarn_buf_z(b, "STRUCT(");
        tarn_buf_sql_name(b, f->name);
        tarn_buf_put(b, ' ');
        if (f == leaf)
            tarn__type_sql(b, &f->type);
        else
            delete_type(b, &f->type, leaf);
        tarn_buf_put(b, ')');
        return;
    }
}

/* Two keys in one struct: it is read once, whole. */
static enum tarn_status delete_column(struct join *j, size_t key, bool *first)
{
    const struct key *k = &j->keys[key];
    struct tarn_buf type;
    struct tarn_str text;
    bool shared = false;
    for (size_t n = 0; n < j->key_count; n++) {
        if (n < key && j->keys[n].top == k->top)
            return TARN_OK;
        shared = shared || (n != key && j->keys[n].top == k->top);
    }
    tarn_buf_init(&type, 1 << 20);
    if (k->top == k->leaf || shared)
        tarn__type_sql(&type, &k->top->type);
    else
        delete_type(&type, &k->top->type, k->leaf);
    TARN_TRY((enum tarn_status)tarn_buf_take(j->op, &type, "a column's type", &text));
    tarn_buf_printf(j->b, "%s%d:{name:'tarn_k%d',type:", *first ? "" : ",", k->top->id, k->top->id);
    tarn_buf_sql_text(j->b, text);
    tarn_buf_z(j->b, ",default_value:NULL}");
    *first = false;
    return TARN_OK;
}

/* The delete files of all groups, one after the other. */
static int64_t delete_files(struct join *j)
{
    int64_t rows = 0;
    bool first = true;
    for (size_t g = 0; g < j->of->group_count; g++)
        for (size_t i = 0; i < j->of->groups[g]->delete_count; i++) {
            tarn_buf_z(j->b, first ? "" : ",");
            tarn_engine_path_sql(j->b, j->of->groups[g]->deletes[i].local_path);
            rows += j->of->groups[g]->deletes[i].file->record_count;
            first = false;
        }
    return rows;
}

/* "[0,0,1][file_index::BIGINT + 1]" */
static void delete_numbers(struct join *j, bool sequence)
{
    bool first = true;
    tarn_buf_put(j->b, '[');
    for (size_t g = 0; g < j->of->group_count; g++)
        for (size_t i = 0; i < j->of->groups[g]->delete_count; i++) {
            tarn_buf_printf(j->b, "%s%lld", first ? "" : ",",
                            sequence ? (long long)j->of->groups[g]->deletes[i].sequence_number
                                     : (long long)g);
            first = false;
        }
    tarn_buf_z(j->b, "][file_index::BIGINT + 1]");
}

static void data_numbers(struct join *j, bool sequence)
{
    tarn_buf_put(j->b, '[');
    for (size_t i = 0; i < j->file_count; i++)
        tarn_buf_printf(j->b, "%s%lld", i ? "," : "",
                        sequence ? (long long)j->scan->files[j->files[i]].sequence_number
                                 : (long long)j->scopes[i]);
    tarn_buf_z(j->b, "][tarn_d.file_index::BIGINT + 1]");
}

/* " FROM read_parquet([delete files], ..)" */
static enum tarn_status delete_source(struct join *j)
{
    tarn_buf_z(j->b, " FROM read_parquet([");
    int64_t rows = delete_files(j);
    tarn_buf_z(j->b, "], schema=MAP{");
    bool first = true;
    for (size_t i = 0; i < j->key_count; i++)
        TARN_TRY(delete_column(j, i, &first));
    tarn_buf_printf(j->b, "}, explicit_cardinality=%lld)", rows > 0 ? (long long)rows : 1LL);
    return TARN_OK;
}

static enum tarn_status delete_rows(struct join *j)
{
    tarn_buf_z(j->b, "(SELECT ");
    for (size_t i = 0; i < j->key_count; i++)
        tarn_buf_printf(j->b, "%starn_k%d%.*s AS tarn_key%zu", i ? ", " : "", j->keys[i].top->id,
                        TARN_STR_ARG(j->keys[i].path), i);
    if (j->many_scopes) {
        tarn_buf_z(j->b, ", ");
        delete_numbers(j, false);
        tarn_buf_z(j->b, " AS tarn_scope");
    }
    if (j->by_sequence) {
        tarn_buf_z(j->b, ", max(");
        delete_numbers(j, true);
        tarn_buf_z(j->b, ") AS tarn_seq");
    }
    TARN_TRY(delete_source(j));
    tarn_buf_z(j->b, j->by_sequence ? " GROUP BY ALL)" : ")");
    return TARN_OK;
}

static enum tarn_status data_key(struct join *j, const struct key *k)
{
    struct tarn_str name = k->dropped ? tarn_sprintf(j->op, "tarn_field_%d", k->top->id)
                                      : tarn__inner_name(j->op, k->top);
    if (!name.ptr)
        return TARN_NOMEM;
    tarn_buf_z(j->b, "tarn_d.");
    tarn_buf_sql_name(j->b, name);
    tarn_buf_str(j->b, k->path);
    return TARN_OK;
}

static enum tarn_status conditions(struct join *j)
{
    for (size_t i = 0; i < j->key_count; i++) {
        const struct key *k = &j->keys[i];
        tarn_buf_printf(j->b, "%starn_e%zu.tarn_key%zu IS NOT DISTINCT FROM ", i ? " AND " : "",
                        j->number, i);
        TARN_TRY(data_key(j, k));
        if (k->leaf->type.kind != TARN_TYPE_FLOAT && k->leaf->type.kind != TARN_TYPE_DOUBLE)
            continue;
        tarn_buf_printf(j->b,
                        " AND (tarn_e%zu.tarn_key%zu = 0 AND signbit(tarn_e%zu.tarn_key%zu)) IS "
                        "NOT DISTINCT "
                        "FROM (",
                        j->number, i, j->number, i);
        TARN_TRY(data_key(j, k));
        tarn_buf_z(j->b, " = 0 AND signbit(");
        TARN_TRY(data_key(j, k));
        tarn_buf_z(j->b, "))");
    }
    if (j->many_scopes) {
        tarn_buf_printf(j->b, " AND tarn_e%zu.tarn_scope = ", j->number);
        data_numbers(j, false);
    }
    if (j->by_sequence) {
        tarn_buf_printf(j->b, " AND tarn_e%zu.tarn_seq > ", j->number);
        data_numbers(j, true);
    }
    return TARN_OK;
}

static enum tarn_status join_sql(struct join *j)
{
    tarn_buf_z(j->b, j->of->keep ? " SEMI JOIN " : " ANTI JOIN ");
    TARN_TRY(delete_rows(j));
    tarn_buf_printf(j->b, " AS tarn_e%zu ON ", j->number);
    return conditions(j);
}

/* ---- or a set of keys */

static bool fits_a_set(const struct join *j)
{
    const struct key *k = &j->keys[0];
    int64_t rows = 0, youngest = 0;
    if (j->key_count != 1 || k->leaf != k->top ||
        (k->top->type.kind != TARN_TYPE_INT && k->top->type.kind != TARN_TYPE_LONG))
        return false;
    for (size_t g = 0; g < j->of->group_count; g++)
        for (size_t i = 0; i < j->of->groups[g]->delete_count; i++) {
            const struct tarn_equality_delete *d = &j->of->groups[g]->deletes[i];
            rows += d->file->record_count;
            if (d->sequence_number > youngest)
                youngest = d->sequence_number;
        }
    return rows <= SET_KEYS_MAX && youngest <= TARN__KEY_SEQUENCE_MAX &&
           j->of->group_count < TARN__KEY_SCOPES_MAX;
}

static enum tarn_status load_set(struct tarn_session *s, struct join *j, struct tarn__live *live,
                                 size_t *out)
{
    struct tarn__key_files files = {
        .scopes = j->scopes, .count = j->file_count, .scope_count = j->of->group_count};
    struct tarn_buf sql, *outer = j->b;
    int64_t *sequences;
    TARN_NEW_ARRAY(j->op, sequences, j->file_count + 1);
    for (size_t i = 0; i < j->file_count; i++)
        sequences[i] = j->scan->files[j->files[i]].sequence_number;
    files.sequences = sequences;
    tarn_buf_init(&sql, TARN__SQL_MAX);
    j->b = &sql;
    tarn_buf_printf(&sql, "SELECT tarn_k%d::BIGINT, ", j->keys[0].top->id);
    delete_numbers(j, false);
    tarn_buf_z(&sql, "::BIGINT, ");
    delete_numbers(j, true);
    tarn_buf_z(&sql, "::BIGINT");
    enum tarn_status status = delete_source(j);
    if (status == TARN_OK)
        status = (enum tarn_status)tarn_buf_finish(j->op, &sql, "a statement for the engine");
    if (status == TARN_OK)
        status = tarn__keys_load(s, j->op, sql.ptr, &files, live, out);
    tarn_buf_release(&sql);
    j->b = outer;
    return status;
}

static enum tarn_status set_sql(struct tarn_session *s, struct join *j, struct tarn_buf *where,
                                struct tarn__live *live)
{
    struct tarn_buf *outer = j->b;
    size_t number;
    TARN_TRY(load_set(s, j, live, &number));
    tarn_buf_printf(where, " AND %starn_key_live(%lld, %zu, tarn_d.file_index::BIGINT, ",
                    j->of->keep ? "NOT " : "", (long long)live->id, number);
    j->b = where;
    enum tarn_status status = data_key(j, &j->keys[0]);
    j->b = outer;
    tarn_buf_z(where, "::BIGINT)");
    return status;
}

enum tarn_status tarn__equality_sql(struct tarn_session *s, struct tarn_op *op, struct tarn_buf *b,
                                    struct tarn_buf *where, const struct tarn_scan *scan,
                                    const struct tarn__equality *e, const size_t *indexes,
                                    size_t count, struct tarn__live *live)
{
    struct tarn_op own = {.arena = live->arena};
    live->key_sets = tarn_alloc_array(&own, e->count + 1, sizeof(void *));
    if (!live->key_sets)
        return tarn_fail(op, TARN_NOMEM, "could not hold deleted keys of a table: out of memory");
    for (size_t i = 0; i < e->count; i++) {
        struct join j = {.op = op,
                         .b = b,
                         .scan = scan,
                         .of = &e->joins[i],
                         .number = i,
                         .files = indexes,
                         .file_count = count};
        TARN_TRY(look(&j));
        if (fits_a_set(&j))
            TARN_TRY(set_sql(s, &j, where, live));
        else
            TARN_TRY(join_sql(&j));
    }
    return TARN_OK;
}
