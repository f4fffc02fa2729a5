/* load: one stream of files into one table: what is new, its types, its rows, one commit.
 *
 *   plan:  files listed -> ledger -> new and changed ones (load_plan.c)
 *   run:   sample -> shape (joined with the table's) -> schema -> decode and write -> misfit? again
 *          with the wider shape
 *          -> rows of changed files deleted, columns of another type rewritten (load_old.c) ->
 *          ledger and letters -> one transaction
 *
 * The position property holds how many loads there were; it is the precondition that keeps two runs
 * from loading one file twice.
 */
#include "flow/flow_int.h"

#define ROUNDS_MAX 4

/* ---- types */

static bool is_own(struct tarn_str name)
{
    return tarn_str_is(name, "ingest_ts") || tarn_str_is(name, "_source_file") ||
           tarn_str_is(name, "_source_offset");
}

/* The table's columns that come from documents. */
static enum tarn_status document_type(struct tarn__load_run *r, struct tarn_type *out)
{
    const struct tarn_type *root = &tarn_metadata_schema(&r->plan->table->metadata)->root;
    *out = (struct tarn_type){.kind = TARN_TYPE_STRUCT};
    TARN_NEW_ARRAY(r->op, out->fields, root->field_count + 1);
    for (size_t i = 0; i < root->field_count; i++)
        if (!is_own(root->fields[i].name))
            out->fields[out->field_count++] = root->fields[i];
    return TARN_OK;
}

/* What the table says of its documents: the shape that earlier loads left; for a table of others
 * what its types allow. */
static enum tarn_status known_shape(struct tarn__load_run *r, struct tarn_shape **out)
{
    struct tarn_str key = tarn__load_property(r->op, "shape", r->load);
    struct tarn_type doc;
    *out = NULL;
    if (!key.ptr)
        return TARN_NOMEM;
    struct tarn_str json = tarn__table_property(r->plan->table, key);
    if (json.ptr)
        return tarn_shape_from_json(r->op, json, out);
    if (!r->plan->table)
        return TARN_OK;
    TARN_TRY(document_type(r, &doc));
    return tarn_shape_from_type(r->op, &doc, out);
}

/* What is known of the documents so far, joined with a sample. */
static enum tarn_status first_shape(struct tarn__load_run *r)
{
    struct tarn_shape *known;
    TARN_TRY_WHILE(r->op, known_shape(r, &known), "reading the shape of stream \"%.*s\"",
                   TARN_STR_ARG(r->load->stream));
    enum tarn_status status = tarn_decode_sample(r->op, &r->inputs, &r->decode, &r->shape);
    if (status != TARN_OK || !known) {
        tarn_shape_free(known);
        return status;
    }
    status = tarn_shape_join(r->op, known, r->shape);
    tarn_shape_free(r->shape);
    r->shape = known;
    return status;
}

/* The documents' type, with the three columns that every table has behind it. */
static enum tarn_status wanted_type(struct tarn__load_run *r, struct tarn_type *out)
{
    static const struct {
        const char *name;
        enum tarn_type_kind kind;
    } own[] = {{"ingest_ts", TARN_TYPE_TIMESTAMPTZ},
               {"_source_file", TARN_TYPE_STRING},
               {"_source_offset", TARN_TYPE_LONG}};
    struct tarn_type doc;
    TARN_TRY(tarn_shape_type(r->op, r->shape, r->decode.declared, r->decode.declared_count, &doc));
    *out = doc;
    TARN_NEW_ARRAY(r->op, out->fields, doc.field_count + 3);
    if (doc.field_count)
        memcpy(out->fields, doc.fields, doc.field_count * sizeof *doc.fields);
    for (size_t i = 0; i < 3; i++)
        out->fields[doc.field_count + i] =
            (struct tarn_field){.name = tarn_str_view(own[i].name), .type = {.kind = own[i].kind}};
    out->field_count = doc.field_count + 3;
    return TARN_OK;
}

static enum tarn_status create_table(struct tarn__load_run *r, const struct tarn_type *wanted)
{
    struct tarn_schema schema = {.root = *wanted};
    struct tarn_create create = {.location = r->load->location, .schema = &schema};
    int32_t next = 1;
    tarn_type_assign_ids(&schema.root, &next);
    TARN_TRY(tarn_spec_make(r->op, &schema, r->load->partition_by, r->load->partition_count,
                            &create.spec));
    TARN_TRY(tarn_flow_properties(r->op, &r->load->properties, &create.properties));
    return tarn_change_create(r->flow->lake, r->op, r->load->table, &create, &r->change);
}

enum tarn_status tarn__load_open_change(struct tarn__load_run *r, const struct tarn_type *wanted)
{
    const struct tarn_table *table = r->plan->table;
    if (!table)
        return create_table(r, wanted);
    TARN_TRY(tarn_reconcile(r->op, tarn_metadata_schema(&table->metadata), wanted,
                            TARN_STR("ingest_ts"), &r->schema));
    TARN_TRY(tarn_change_open(r->flow->lake, r->op, table, &r->change));
    if (r->schema.changed)
        TARN_TRY(tarn_change_set_schema(r->change, r->op, &r->schema.merged));
    TARN_TRY(tarn_flow_set_properties(r->op, &r->load->properties, r->change));
    r->out->schema_change = r->schema.summary;
    return TARN_OK;
}

/* A change with the schema that the shape asks for. */
static enum tarn_status open_change(struct tarn__load_run *r)
{
    struct tarn_type wanted;
    TARN_TRY(wanted_type(r, &wanted));
    return tarn__load_open_change(r, &wanted);
}

/* Too much to rewrite, or the user's wish: the table's columns stand as if they were declared, so
 * that what does not fit is set aside. */
static enum tarn_status pin_leaves(struct tarn__load_run *r, struct tarn_str prefix,
                                   const struct tarn_type *t, struct tarn_declared *list, size_t *n)
{
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        struct tarn_str path = prefix.len ? tarn_sprintf(r->op, "%.*s.%.*s", TARN_STR_ARG(prefix),
                                                         TARN_STR_ARG(f->name))
                                          : f->name;
        bool known = false;
        if (!path.ptr)
            return TARN_NOMEM;
        if (tarn_type_is_nested(&f->type)) {
            TARN_TRY(pin_leaves(r, path, &f->type, list, n));
            continue;
        }
        for (size_t k = 0; k < r->decode.declared_count && !known; k++)
            known = tarn_str_eq_nocase(r->decode.declared[k].path, path);
        if (!known)
            list[(*n)++] = (struct tarn_declared){path, f->type};
    }
    return TARN_OK;
}

static enum tarn_status pin_columns(struct tarn__load_run *r)
{
    const struct tarn_schema *s = tarn_metadata_schema(&r->plan->table->metadata);
    struct tarn_declared *list;
    struct tarn_type doc;
    size_t n = r->decode.declared_count;
    TARN_NEW_ARRAY(r->op, list, n + tarn_type_leaf_count(&s->root));
    if (n)
        memcpy(list, r->decode.declared, n * sizeof *list);
    TARN_TRY(document_type(r, &doc));
    TARN_TRY(pin_leaves(r, (struct tarn_str){NULL, 0}, &doc, list, &n));
    r->decode.declared = list;
    r->decode.declared_count = n;
    return TARN_OK;
}

enum tarn_status tarn__load_sets_aside(struct tarn__load_run *r, bool *out)
{
    struct tarn_table_totals totals;
    *out = false;
    if (r->schema.replaced_count == 0)
        return TARN_OK;
    *out = r->load->conflicts_set_aside;
    TARN_TRY(tarn_table_totals(r->flow->lake, r->op, r->plan->table, &totals));
    if (r->load->rewrite_bytes_max && totals.bytes > r->load->rewrite_bytes_max)
        *out = true;
    return TARN_OK;
}

/* ---- rows */

/* The table's columns as the decoder wants them: its own three last. The order of columns in a file
 * is not the table's business, so one that others have added behind them stays where it is
 * there. */
static enum tarn_status file_schema(struct tarn__load_run *r, const struct tarn_schema *table,
                                    struct tarn_schema *out)
{
    static const char *const own[] = {"ingest_ts", "_source_file", "_source_offset"};
    const struct tarn_field *last[3] = {NULL};
    size_t n = 0;
    *out = *table;
    TARN_NEW_ARRAY(r->op, out->root.fields, table->root.field_count + 1);
    for (size_t i = 0; i < table->root.field_count; i++) {
        const struct tarn_field *f = &table->root.fields[i];
        size_t k = 0;
        while (k < 3 && !tarn_str_is(f->name, own[k]))
            k++;
        if (k < 3)
            last[k] = f;
        else
            out->root.fields[n++] = *f;
    }
    for (size_t k = 0; k < 3; k++) {
        if (!last[k])
            return tarn_fail(r->op, TARN_SCHEMA, "table %.*s.%.*s has no column %s",
                             TARN_STR_ARG(r->load->table.ns), TARN_STR_ARG(r->load->table.name),
                             own[k]);
        out->root.fields[n++] = *last[k];
    }
    return TARN_OK;
}

/* One pass: decode everything into files of the change's schema. *out_fits false: the shape was
 * widened, again. */
static enum tarn_status decode_once(struct tarn__load_run *r, bool *out_fits)
{
    struct tarn_write write;
    struct tarn_schema target;
    enum tarn_status status;
    *out_fits = false;
    TARN_TRY(tarn_flow_write(r->flow, r->op, r->change, r->flow->ingest_ts_us, &write));
    TARN_TRY(file_schema(r, write.schema, &target));
    write.schema = &target;
    TARN_TRY(tarn_decoder_open(r->op, &r->inputs, &r->decode, r->shape, &target.root, &r->decoder));
    TARN_GO(tarn_session_write_producer(r->flow->session, r->op, &r->decoder->producer, &write,
                                        &r->written));
    TARN_GO(tarn_decoder_finish(r->decoder, r->op, &r->decoded));
    TARN_GO(tarn_shape_join(r->op, r->shape, r->decoded.shape));
    *out_fits = !r->decoded.misfit;
out:
    tarn_decoder_close(r->decoder);
    r->decoder = NULL;
    if (status != TARN_OK || r->decoded.misfit) {
        tarn_flow_remove(r->flow, r->op, &r->written);
        r->written = (struct tarn_written){0};
    }
    return status;
}

static enum tarn_status decode_all(struct tarn__load_run *r)
{
    bool fits = false, pinned = false;
    TARN_TRY(first_shape(r));
    for (int round = 0; round < ROUNDS_MAX; round++) {
        bool set_aside;
        TARN_TRY(open_change(r));
        TARN_TRY(tarn__load_sets_aside(r, &set_aside));
        if (set_aside && !pinned) {
            pinned = true;
            TARN_TRY(pin_columns(r));
            TARN_TRY(open_change(r));
        }
        TARN_TRY(decode_once(r, &fits));
        if (fits)
            return TARN_OK;
    }
    return tarn_fail(r->op, TARN_INTERNAL,
                     "the types of stream \"%.*s\" did not settle in %d rounds",
                     TARN_STR_ARG(r->load->stream), ROUNDS_MAX);
}

/* ---- commit */

static enum tarn_status check_letters(struct tarn__load_run *r)
{
    int64_t letters = (int64_t)r->decoded.letter_count;
    if (r->load->dead_letters_max < 0 || letters <= r->load->dead_letters_max)
        return TARN_OK;
    const struct tarn_dead_letter *l = &r->decoded.letters[0];
    (void)tarn_fail(r->op, TARN_DEAD_LETTERS,
                    "%lld records of stream \"%.*s\" cannot be stored; max_dead_letters is %lld",
                    (long long)letters, TARN_STR_ARG(r->load->stream),
                    (long long)r->load->dead_letters_max);
    tarn_detail(r->op, "the first: %.*s, line %lld: %.*s",
                TARN_STR_ARG(r->inputs.items[l->file].name), (long long)l->line,
                TARN_STR_ARG(l->reason));
    return TARN_DEAD_LETTERS;
}

static enum tarn_status move_position(struct tarn__load_run *r)
{
    struct tarn_str position = tarn__load_property(r->op, "position", r->load);
    struct tarn_str shape = tarn__load_property(r->op, "shape", r->load), json;
    struct tarn__position at;
    if (!position.ptr || !shape.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn__position_parse(r->op, r->plan->position, &at));
    if (tarn_change_has_rows(r->change))
        at.snapshot_id = tarn_change_snapshot_id(r->change);
    struct tarn_str next = tarn_sprintf(
        r->op, "{\"v\":1,\"loads\":%lld,\"run\":\"%.*s\",\"snapshot\":%lld}",
        (long long)at.loads + 1, TARN_STR_ARG(r->flow->run_id), (long long)at.snapshot_id);
    if (!next.ptr)
        return TARN_NOMEM;
    TARN_TRY(tarn_change_require_property(r->change, r->op, position, r->plan->position));
    TARN_TRY(tarn_change_set_property(r->change, r->op, position, next));
    TARN_TRY(tarn_change_set_summary(r->change, r->op, TARN_STR("tarn.run-id"), r->flow->run_id));
    if (!r->shape)
        return TARN_OK;
    TARN_TRY(tarn_shape_to_json(r->op, r->shape, &json));
    return tarn_change_set_property(r->change, r->op, shape, json);
}

static enum tarn_status commit(struct tarn__load_run *r)
{
    struct tarn_change *changes[3];
    size_t n = 0;
    enum tarn_status status;
    struct tarn_change *ledger = NULL, *letters = NULL;
    TARN_TRY(tarn_change_append(r->change, r->op, r->written.files, r->written.count));
    changes[n++] = r->change;
    TARN_GO(move_position(r));
    TARN_GO(tarn__ledger_change(r->flow, r->op, r->load, r->plan, &r->decoded, &ledger));
    changes[n++] = ledger;
    TARN_GO(tarn__letters_change(r->flow, r->op, r->load, r->plan, &r->decoded, &letters,
                                 &r->out->dead_letters, &r->out->resolved));
    if (letters)
        changes[n++] = letters;
    TARN_GO(tarn_changes_commit(r->flow->lake, r->op, changes, n, (struct tarn_commit_options){0}));
out:
    if (status != TARN_OK && status != TARN_UNKNOWN)
        for (size_t i = 0; i < n; i++)
            tarn_change_discard(changes[i], r->op);
    return status;
}

static enum tarn_status load_rows(struct tarn__load_run *r)
{
    TARN_TRY(r->load->parquet ? tarn__load_parquet(r) : decode_all(r));
    enum tarn_status status = check_letters(r);
    if (status == TARN_OK)
        status = tarn__load_old_rows(r);
    if (status != TARN_OK) {
        tarn_flow_remove(r->flow, r->op, &r->written);
        tarn_change_discard(r->change, r->op);
        return status;
    }
    r->out->rows = r->decoded.rows;
    r->out->files_read = (int64_t)r->plan->file_count;
    r->out->bytes_read = r->plan->bytes;
    r->out->data_files += (int64_t)r->written.count;
    r->out->bytes_written += r->written.bytes;
    TARN_TRY(commit(r));
    r->out->committed = true;
    const struct tarn_metadata *m = &tarn_change_table(r->change)->metadata;
    r->out->snapshot_id = m->current_snapshot_id;
    tarn_session_forget_views(r->flow->session);
    return TARN_OK;
}

enum tarn_status tarn_load_run(const struct tarn_flow *flow, struct tarn_op *op,
                               const struct tarn_load *load, const struct tarn_load_plan *plan,
                               struct tarn_loaded *out)
{
    struct tarn__load_run r = {.flow = flow, .op = op, .load = load, .plan = plan, .out = out};
    *out = (struct tarn_loaded){.schema_change = TARN_STR("")};
    if (plan->file_count == 0)
        return TARN_OK;
    r.decode = load->decode;
    r.decode.ingest_ts_us = flow->ingest_ts_us;
    r.decode.workers = flow->workers;
    r.inputs.count = plan->file_count;
    TARN_NEW_ARRAY(op, r.inputs.items, plan->file_count);
    for (size_t i = 0; i < plan->file_count; i++)
        r.inputs.items[i] = plan->files[i].input;
    enum tarn_status status = load_rows(&r);
    tarn_shape_free(r.shape);
    return status;
}
