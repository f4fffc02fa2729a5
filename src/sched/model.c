/* model: one model's table: does it have to run, what it makes, staged.
 *
 * The watermark (table property tarn.model) holds a hash of what the model is and, for each table
 * that it reads, the last snapshot that changed rows; snapshots that only rewrote files do not
 * count. The same watermark means the same result, so the model is skipped, if the table still
 * holds the rows that the model left (tarn.model-snapshot): a rollback, or rows of somebody else,
 * make it run.
 */
#include "base/hash.h"
#include "sched/sched_int.h"

#define WATERMARK      TARN_STR("tarn.model")
#define ROWS_LEFT      TARN_STR("tarn.model-snapshot")
#define VIEW_DEPTH_MAX 64

/* ---- watermark */

static int64_t row_snapshot(const struct tarn_metadata *m)
{
    const struct tarn_snapshot *s = tarn_metadata_current(m);
    while (s) {
        const struct tarn_str *operation = tarn_kvs_get(&s->summary, "operation");
        if (!operation || !tarn_str_is(*operation, "replace"))
            return s->snapshot_id;
        const struct tarn_snapshot *parent = tarn_metadata_snapshot(m, s->parent_id);
        if (!parent)
            return s->parent_id;
        s = parent;
    }
    return 0;
}

static uint64_t mix(uint64_t hash, struct tarn_str s)
{
    hash = tarn_hash64(&s.len, sizeof s.len, hash);
    return tarn_hash64(s.ptr, s.len, hash);
}

static uint64_t mix_list(uint64_t hash, const struct tarn_strs *list)
{
    hash = tarn_hash64(&list->count, sizeof list->count, hash);
    for (size_t i = 0; i < list->count; i++)
        hash = mix(hash, list->items[i]);
    return hash;
}

static uint64_t model_hash(struct tarn_op *op, const struct tarn_model *m)
{
    uint64_t hash = mix((uint64_t)m->kind, m->sql);
    hash = mix_list(hash, &m->key);
    hash = mix_list(hash, &m->replace_by);
    hash = mix_list(hash, &m->audit);
    for (size_t i = 0; i < m->column_count; i++) {
        struct tarn_str type = tarn_type_text(op, &m->columns[i].type);
        hash = mix(mix(hash, m->columns[i].path), type);
    }
    for (size_t i = 0; i < m->properties.count; i++)
        hash = mix(mix(hash, m->properties.items[i].key), m->properties.items[i].value);
    return mix_list(hash, &m->partition_by);
}

struct marks {
    const struct tarn__build *b;
    struct tarn_json_writer w;
    uint64_t hash;
};

/* Views stand for what they read. */
static enum tarn_status mark_inputs(struct marks *m, const struct tarn_node *node, int depth)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct tarn_input *in = &node->inputs[i];
        struct tarn_table *table;
        if (in->node && in->node->kind == TARN_NODE_MODEL &&
            in->node->model->kind == TARN_MODEL_VIEW && depth < VIEW_DEPTH_MAX) {
            m->hash = mix(m->hash, in->node->model->sql);
            TARN_TRY(mark_inputs(m, in->node, depth + 1));
            continue;
        }
        TARN_TRY(tarn_workspace_table(m->b->w, m->b->op, in->ident, &table));
        struct tarn_str name = tarn_sprintf(m->b->op, "%.*s.%.*s", TARN_STR_ARG(in->ident.ns),
                                            TARN_STR_ARG(in->ident.name));
        if (!name.ptr)
            return TARN_NOMEM;
        tarn_json_begin_array(&m->w);
        tarn_json_put_str(&m->w, name);
        tarn_json_put_i64(&m->w, table ? row_snapshot(&table->metadata) : 0);
        tarn_json_put_i64(&m->w, table ? table->metadata.current_schema_id : 0);
        tarn_json_end_array(&m->w);
    }
    return TARN_OK;
}

enum tarn_status tarn__inputs_mark(const struct tarn__build *b, const struct tarn_node *node,
                                   uint64_t hash, struct tarn_str *out)
{
    struct marks m = {.b = b, .hash = hash};
    struct tarn_buf inputs;
    const struct tarn_kvs *vars = &b->w->project->vars;
    for (size_t i = 0; i < vars->count; i++)
        m.hash = mix(mix(m.hash, vars->items[i].key), vars->items[i].value);
    tarn_buf_init(&inputs, 1 << 20);
    tarn_json_writer_init(&m.w, &inputs);
    tarn_json_begin_array(&m.w);
    enum tarn_status status = mark_inputs(&m, node, 0);
    tarn_json_end_array(&m.w);
    if (status == TARN_OK) {
        *out = tarn_sprintf(b->op, "{\"v\":1,\"hash\":\"%016llx\",\"inputs\":%.*s}",
                            (unsigned long long)m.hash, TARN_STR_ARG(tarn_buf_view(&inputs)));
        status =
            out->ptr ? (enum tarn_status)tarn_buf_finish(b->op, &inputs, "watermark") : TARN_NOMEM;
    }
    tarn_buf_release(&inputs);
    return status;
}

enum tarn_status tarn__watermark(const struct tarn__build *b, const struct tarn_node *node,
                                 struct tarn_str *out)
{
    return tarn__inputs_mark(b, node, model_hash(b->op, node->model), out);
}

static struct tarn_str mark_hash(const struct tarn_json *mark)
{
    const struct tarn_json *hash = mark ? tarn_json_get(mark, "hash") : NULL;
    return hash ? hash->text : (struct tarn_str){NULL, 0};
}

/* The first input whose snapshot differs, for people. */
static struct tarn_str changed_input(struct tarn_op *op, const struct tarn_json *before,
                                     const struct tarn_json *now)
{
    const struct tarn_json *a = tarn_json_get(before, "inputs"), *b = tarn_json_get(now, "inputs");
    const struct tarn_json *x = a ? a->first : NULL, *y = b ? b->first : NULL;
    for (; x && y; x = x->next, y = y->next)
        if (!tarn_str_eq(x->raw, y->raw))
            return tarn_sprintf(op, "%.*s has changed",
                                TARN_STR_ARG(y->first ? y->first->text : TARN_STR("a table")));
    return TARN_STR("the tables that it reads are others");
}

/* Are the table's rows others than the model left there? */
static bool is_foreign(const struct tarn_table *t)
{
    const struct tarn_str *left = t ? tarn_kvs_get(&t->metadata.properties, ROWS_LEFT.ptr) : NULL;
    int64_t id;
    return left && tarn_str_to_i64(*left, &id) && id != row_snapshot(&t->metadata);
}

enum tarn_status tarn__model_reason(const struct tarn__build *b, const struct tarn_node *node,
                                    const struct tarn_table *table, struct tarn_str watermark,
                                    struct tarn_str *out)
{
    struct tarn_json *before, *now;
    *out = (struct tarn_str){NULL, 0};
    if (!table) {
        *out = TARN_STR("new");
        return TARN_OK;
    }
    const struct tarn_str *mark = tarn_kvs_get(&table->metadata.properties, WATERMARK.ptr);
    if (b->full_refresh) {
        *out = TARN_STR("full refresh");
        return TARN_OK;
    }
    if (!mark) {
        *out = TARN_STR("the table was not made by this model");
        return TARN_OK;
    }
    if (tarn_str_eq(*mark, watermark)) {
        bool appends = node->model->kind == TARN_MODEL_APPEND; /* it would add all rows again */
        if (is_foreign(table))
            *out = TARN_STR("its table was changed by somebody else");
        else if (!appends && (tarn__is_volatile(node->model->sql) || tarn__reads_volatile(node)))
            *out = TARN_STR("its result depends on more than what it reads");
        return TARN_OK;
    }
    TARN_TRY(tarn_json_parse(b->op, *mark, "table property tarn.model", &before));
    TARN_TRY(tarn_json_parse(b->op, watermark, "watermark", &now));
    *out = tarn_str_eq(mark_hash(before), mark_hash(now)) ? changed_input(b->op, before, now)
                                                          : TARN_STR("the model has changed");
    return out->ptr ? TARN_OK : TARN_NOMEM;
}

/* ---- schema */

static enum tarn_status check_contract(const struct tarn__build *b, const struct tarn_model *model,
                                       const struct tarn_type *result)
{
    const struct tarn_yaml *node = model->columns_node ? model->columns_node->first : NULL;
    for (size_t i = 0; i < model->column_count; i++, node = node ? node->next : NULL) {
        const struct tarn_declared *want = &model->columns[i];
        const struct tarn_field *have = i < result->field_count ? &result->fields[i] : NULL;
        struct tarn_place place = tarn_place_of(node ? node : model->columns_node);
        if (!have || !tarn_str_eq(have->name, want->path))
            return tarn_place_fail(b->op, TARN_SCHEMA, place,
                                   "column %zu of the model is \"%.*s\", not \"%.*s\"", i + 1,
                                   TARN_STR_ARG(have ? have->name : TARN_STR("(none)")),
                                   TARN_STR_ARG(want->path));
        if (tarn_type_same_shape(&have->type, &want->type))
            continue;
        (void)tarn_place_fail(b->op, TARN_SCHEMA, place, "column \"%.*s\" has another type",
                              TARN_STR_ARG(want->path));
        tarn_detail(b->op, "the contract says %s, the model makes %s",
                    tarn_type_text(b->op, &want->type).ptr, tarn_type_text(b->op, &have->type).ptr);
        tarn_hint(b->op, "cast it in the model");
        return TARN_SCHEMA;
    }
    if (model->column_count && result->field_count > model->column_count)
        return tarn_place_fail(b->op, TARN_SCHEMA, tarn_place_of(model->columns_node),
                               "the model makes column \"%.*s\", which the contract does not have",
                               TARN_STR_ARG(result->fields[model->column_count].name));
    return TARN_OK;
}

static enum tarn_status check_names(const struct tarn__build *b, const struct tarn_strs *list,
                                    const struct tarn_type *result, const char *what)
{
    for (size_t i = 0; i < list->count; i++) {
        bool found = false;
        const char **all;
        TARN_NEW_ARRAY(b->op, all, result->field_count + 1);
        for (size_t k = 0; k < result->field_count; k++) {
            struct tarn_str z = tarn_strdup(b->op, result->fields[k].name);
            if (!z.ptr)
                return TARN_NOMEM;
            all[k] = z.ptr;
            found = found || tarn_str_eq_nocase(z, list->items[i]);
        }
        if (found)
            continue;
        const char *nearest = tarn_str_nearest(list->items[i], all, result->field_count);
        (void)tarn_place_fail(b->op, TARN_COLUMN, tarn_place_of(tarn_strs_node(list, i)),
                              "column \"%.*s\" of %s is not among the model's columns",
                              TARN_STR_ARG(list->items[i]), what);
        if (nearest)
            tarn_hint(b->op, "did you mean \"%s\"?", nearest);
        return TARN_COLUMN;
    }
    return TARN_OK;
}

static enum tarn_status create_change(const struct tarn__build *b, const struct tarn_model *model,
                                      const struct tarn_type *result, struct tarn_change **out)
{
    struct tarn_schema schema = {.root = *result};
    struct tarn_create create = {.location = model->location, .schema = &schema};
    int32_t next = 1;
    tarn_type_assign_ids(&schema.root, &next);
    TARN_TRY(tarn_spec_make(b->op, &schema, model->partition_by.items, model->partition_by.count,
                            &create.spec));
    TARN_TRY(tarn_flow_properties(b->op, &model->properties, &create.properties));
    return tarn_change_create(&b->w->lake, b->op, model->ident, &create, out);
}

/* Only what the result has, with the ids that the table's fields have. */
static void drop_missing(struct tarn_type *merged, const struct tarn_type *result)
{
    size_t n = 0;
    for (size_t i = 0; i < merged->field_count; i++)
        for (size_t k = 0; k < result->field_count; k++)
            if (tarn_str_eq_nocase(merged->fields[i].name, result->fields[k].name)) {
                merged->fields[n++] = merged->fields[i];
                break;
            }
    merged->field_count = n;
}

/* A table that is replaced as a whole may lose the columns that it was partitioned by. */
static enum tarn_status set_schema(const struct tarn__build *b, struct tarn_change *change,
                                   const struct tarn_schema *schema, bool replaces_all)
{
    struct tarn_partition_spec none = {0};
    enum tarn_status status = tarn_change_set_schema(change, b->op, schema);
    if (status != TARN_SCHEMA || !replaces_all)
        return status;
    tarn_clear(b->op);
    TARN_TRY(tarn_change_set_spec(change, b->op, &none));
    return tarn_change_set_schema(change, b->op, schema);
}

/* Partitions and properties as the model's header has them now. */
static enum tarn_status set_header(const struct tarn__build *b, const struct tarn_model *model,
                                   struct tarn_change *change)
{
    struct tarn_partition_spec spec;
    const struct tarn_schema *schema = tarn_metadata_schema(tarn_change_metadata(change));
    TARN_TRY(
        tarn_spec_make(b->op, schema, model->partition_by.items, model->partition_by.count, &spec));
    TARN_TRY(tarn_change_set_spec(change, b->op, &spec));
    return tarn_flow_set_properties(b->op, &model->properties, change);
}

static enum tarn_status other_types(const struct tarn__build *b, const struct tarn_model *model,
                                    struct tarn_str summary)
{
    (void)tarn_place_fail(b->op, TARN_SCHEMA, tarn_place_of(model->node),
                          "model %.*s.%.*s makes columns of other types than its table has",
                          TARN_STR_ARG(model->ident.ns), TARN_STR_ARG(model->ident.name));
    tarn_detail(b->op, "%.*s", TARN_STR_ARG(summary));
    tarn_hint(b->op, "run it with --full-refresh to make the table anew");
    return TARN_SCHEMA;
}

static bool replaces_key(const struct tarn_model *model, const struct tarn_reconciled *r)
{
    for (size_t i = 0; i < r->replaced_count; i++)
        for (size_t k = 0; k < model->key.count; k++)
            if (tarn_str_eq_nocase(r->replaced[i], model->key.items[k]))
                return true;
    return false;
}

/* Columns that the model makes no longer keep their values in the table; a result that stands for
 * the whole table would lose them. */
static bool has_more_columns(const struct tarn_schema *table, const struct tarn_type *result)
{
    for (size_t i = 0; i < table->root.field_count; i++) {
        bool made = false;
        for (size_t k = 0; k < result->field_count && !made; k++)
            made = tarn_str_eq_nocase(table->root.fields[i].name, result->fields[k].name);
        if (!made)
            return true;
    }
    return false;
}

static enum tarn_status open_change(const struct tarn__build *b, const struct tarn_model *model,
                                    const struct tarn_table *table, bool replaces_all,
                                    struct tarn__made *made)
{
    const struct tarn_type *result = &made->result;
    struct tarn_change **out = &made->change;
    struct tarn_reconciled r;
    const struct tarn_schema *before = tarn_metadata_schema(&table->metadata);
    TARN_TRY(tarn_reconcile(b->op, before, result, (struct tarn_str){NULL, 0}, &r));
    if (r.replaced_count && !replaces_all) {
        if (model->kind != TARN_MODEL_MERGE || replaces_key(model, &r) ||
            has_more_columns(before, result))
            return other_types(b, model, r.summary);
        made->retyped = r.summary;
    }
    if (replaces_all) {
        size_t n = r.merged.root.field_count;
        drop_missing(&r.merged.root, result);
        r.changed = r.changed || n != r.merged.root.field_count;
    }
    TARN_TRY(tarn_change_open(&b->w->lake, b->op, table, out));
    if (r.changed)
        TARN_TRY(set_schema(b, *out, &r.merged, replaces_all));
    return set_header(b, model, *out);
}

/* ---- making */

static enum tarn_status replace_all(const struct tarn__build *b, const struct tarn_model *model,
                                    const struct tarn_table *table, struct tarn_change *change,
                                    struct tarn_written *result, struct tarn__made *made)
{
    bool same = false;
    const struct tarn_schema *schema = tarn_metadata_schema(tarn_change_metadata(change));
    if (table && !b->full_refresh && schema->schema_id == table->metadata.current_schema_id)
        TARN_TRY(tarn__same_rows(b, model, table, schema, result, &same));
    if (same) {
        tarn_flow_remove(&b->flow, b->op, result);
        made->reason = TARN_STR("recomputed, the same rows");
        return TARN_OK;
    }
    if (table) {
        struct tarn_table_totals totals;
        TARN_TRY(tarn_flow_totals(&b->w->lake, b->w->session, b->op, table, &totals));
        made->rows_deleted = totals.rows;
        tarn_change_delete_all(change);
    }
    made->rows = result->rows;
    made->bytes = result->bytes;
    made->files = (int64_t)result->count;
    return tarn_change_append(change, b->op, result->files, result->count);
}

static bool is_empty_table(const struct tarn_table *t)
{
    return !t || !tarn_metadata_current(&t->metadata);
}

static enum tarn_status apply(const struct tarn__build *b, const struct tarn_model *model,
                              const struct tarn_table *table, struct tarn_change *change,
                              struct tarn_written *result, struct tarn__made *made)
{
    if (model->kind == TARN_MODEL_MERGE)
        TARN_TRY(tarn__check_keys(b, model, result));
    if (model->kind == TARN_MODEL_TABLE || is_empty_table(table) || b->full_refresh)
        return replace_all(b, model, table, change, result, made);
    if (made->retyped.ptr) { /* the whole result stands for the table if no row is lost by it */
        int64_t kept;
        TARN_TRY(tarn__count_kept(b, model, table, change, result, made, &kept));
        return kept ? other_types(b, model, made->retyped)
                    : replace_all(b, model, table, change, result, made);
    }
    if (result->count == 0)
        return TARN_OK;
    return model->kind == TARN_MODEL_MERGE
               ? tarn__merge_rows(b, model, table, change, result, made)
               : tarn__append_rows(b, model, table, change, result, made);
}

static enum tarn_status set_rows_left(const struct tarn__build *b, struct tarn_change *change,
                                      const struct tarn_table *table)
{
    int64_t id = tarn_change_has_rows(change) ? tarn_change_snapshot_id(change)
                 : table                      ? row_snapshot(&table->metadata)
                                              : 0;
    struct tarn_str text = tarn_sprintf(b->op, "%lld", (long long)id);
    return text.ptr ? tarn_change_set_property(change, b->op, ROWS_LEFT, text) : TARN_NOMEM;
}

static enum tarn_status stage(const struct tarn__build *b, struct tarn_change *change,
                              const struct tarn_table *table, struct tarn_str watermark)
{
    struct tarn_table *staged;
    struct tarn_str before = {NULL, 0};
    const struct tarn_str *mark =
        table ? tarn_kvs_get(&table->metadata.properties, WATERMARK.ptr) : NULL;
    if (mark)
        before = *mark;
    TARN_TRY(tarn_change_require_property(change, b->op, WATERMARK, before));
    TARN_TRY(tarn_change_set_property(change, b->op, WATERMARK, watermark));
    TARN_TRY(set_rows_left(b, change, table));
    TARN_TRY(tarn_change_set_summary(change, b->op, TARN_STR("tarn.run-id"), b->flow.run_id));
    if (tarn_change_is_empty(change))
        return TARN_OK;
    TARN_TRY(tarn_change_stage(change, b->op, &staged));
    return tarn_workspace_stage(b->w, b->op, staged);
}

static enum tarn_status make_rows(const struct tarn__build *b, const struct tarn_model *model,
                                  const struct tarn_table *table, struct tarn_change *change,
                                  struct tarn__made *out)
{
    struct tarn_write write;
    struct tarn_written result = {0};
    TARN_TRY(tarn_flow_write(&b->flow, b->op, change, INT64_MIN, &write));
    TARN_TRY(tarn_session_write(b->w->session, b->op, tarn_model_sql(model), &write, &result));
    enum tarn_status status = apply(b, model, table, change, &result, out);
    if (status != TARN_OK) {
        tarn_flow_remove(&b->flow, b->op, &result);
        tarn_change_discard(change, b->op);
    }
    return status;
}

static enum tarn_status refuse_foreign(const struct tarn__build *b, const struct tarn_model *model,
                                       const struct tarn_table *table)
{
    if (!table || b->full_refresh || tarn_kvs_get(&table->metadata.properties, WATERMARK.ptr) ||
        is_empty_table(table))
        return TARN_OK;
    (void)tarn_place_fail(b->op, TARN_MODEL, (struct tarn_place){model->file, model->text, 1, 1},
                          "table %.*s.%.*s exists and was not made by this model",
                          TARN_STR_ARG(model->ident.ns), TARN_STR_ARG(model->ident.name));
    tarn_hint(b->op, "rename the model, or let it replace the table's rows with --full-refresh");
    return TARN_MODEL;
}

enum tarn_status tarn__model_make(const struct tarn__build *b, const struct tarn_node *node,
                                  struct tarn__made *out)
{
    const struct tarn_model *model = node->model;
    struct tarn_str watermark;
    struct tarn_table *table;
    *out = (struct tarn__made){0};
    TARN_TRY(tarn__watermark(b, node, &watermark));
    TARN_TRY(tarn_table_find(&b->w->lake, b->op, model->ident, &table));
    TARN_TRY(tarn__model_reason(b, node, table, watermark, &out->reason));
    if (!out->reason.ptr)
        return TARN_OK;
    TARN_TRY(refuse_foreign(b, model, table));
    TARN_TRY(tarn_session_describe(b->w->session, b->op, tarn_model_sql(model), &out->result));
    TARN_TRY(check_contract(b, model, &out->result));
    TARN_TRY(check_names(b, &model->key, &out->result, "key"));
    TARN_TRY(check_names(b, &model->replace_by, &out->result, "replace_by"));
    TARN_TRY(check_names(b, &model->audit, &out->result, "audit"));
    out->foreign = is_foreign(table);
    bool replaces_all = model->kind == TARN_MODEL_TABLE || b->full_refresh;
    if (table)
        TARN_TRY(open_change(b, model, table, replaces_all, out));
    else
        TARN_TRY(create_change(b, model, &out->result, &out->change));
    TARN_TRY(make_rows(b, model, table, out->change, out));
    enum tarn_status status = stage(b, out->change, table, watermark);
    if (status != TARN_OK)
        tarn_change_discard(out->change, b->op);
    return status;
}
