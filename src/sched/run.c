/* run: the order of a run, and what it would do (plan). */
#include <stdio.h>

#include "base/clock.h"
#include "base/random.h"
#include "sched/sched_int.h"

const char *const tarn_step_status_names[] = {"ok",     "up_to_date", "warn",
                                              "failed", "skipped",    "planned"};

struct run {
    struct tarn_workspace *w;
    struct tarn_op *op;
    const struct tarn_run_options *o;
    struct tarn_run_result *result;
    struct tarn__build build;
    struct tarn_selection selection;
    struct tarn_change **changes; /* of models, in order */
    size_t change_count;
    bool *moves;  /* a node by index: its table will have other rows (plan), or has (run) */
    bool *broken; /* it failed or was skipped */
    struct tarn__passed passed;
    bool planning;
};

/* ---- from the project's words to flow's */

static void make_load(const struct tarn_ingest *in, struct tarn_load *out)
{
    *out = (struct tarn_load){
        .table = in->to,
        .source = in->source_name,
        .stream = in->stream,
        .location = in->location,
        .base = in->source->path,
        .globs = in->files.items,
        .glob_count = in->files.count,
        .parquet = in->format.format == TARN_FILE_PARQUET,
        .decode = in->format.decode,
        .partition_by = in->partition_by.items,
        .partition_count = in->partition_by.count,
        .properties = in->properties,
        .refuse_changed = in->on_change == TARN_ON_CHANGE_REFUSE,
        .conflicts_set_aside = in->on_type_conflict == TARN_ON_TYPE_DEAD_LETTER,
        .rewrite_bytes_max = (int64_t)in->rewrite_max_bytes,
        .dead_letters_max = in->max_dead_letters,
    };
}

static struct tarn_str files_reason(struct tarn_op *op, const struct tarn_load_plan *p)
{
    size_t fresh = p->file_count - p->changed_count;
    if (p->changed_count == 0)
        return tarn_sprintf(op, "%zu new file%s", fresh, fresh == 1 ? "" : "s");
    if (fresh == 0)
        return tarn_sprintf(op, "%zu changed file%s", p->changed_count,
                            p->changed_count == 1 ? "" : "s");
    return tarn_sprintf(op, "%zu new and %zu changed files", fresh, p->changed_count);
}

/* ---- steps */

static enum tarn_status ingest_step(struct run *r, const struct tarn_node *node,
                                    struct tarn_step *step)
{
    struct tarn_load load;
    struct tarn_load_plan plan;
    struct tarn_loaded loaded;
    make_load(node->ingest, &load);
    TARN_TRY(tarn_load_make_plan(&r->build.flow, r->op, &load, &plan));
    step->files_in = (int64_t)plan.file_count;
    step->bytes_in = plan.bytes;
    step->rows_in = plan.rows_estimate;
    step->status = TARN_STEP_CURRENT;
    step->reason = tarn_sprintf(r->op, "%zu file%s already ingested", plan.unchanged_count,
                                plan.unchanged_count == 1 ? "" : "s");
    if (plan.file_count == 0)
        return TARN_OK;
    step->reason = files_reason(r->op, &plan);
    r->moves[node->index] = true;
    if (r->planning) {
        step->status = TARN_STEP_PLANNED;
        return TARN_OK;
    }
    TARN_TRY(tarn_load_run(&r->build.flow, r->op, &load, &plan, &loaded));
    step->status = TARN_STEP_OK;
    step->rows_in = loaded.rows + loaded.dead_letters;
    step->rows_out = loaded.rows;
    step->rows_deleted = loaded.rows_replaced;
    step->dead_letters = loaded.dead_letters;
    step->letters_resolved = loaded.resolved;
    step->bytes_out = loaded.bytes_written;
    step->files_out = loaded.data_files;
    step->snapshot_id = loaded.snapshot_id;
    if (loaded.schema_change.len)
        step->reason = tarn_sprintf(r->op, "%.*s; %.*s", TARN_STR_ARG(step->reason),
                                    TARN_STR_ARG(loaded.schema_change));
    return step->reason.ptr ? TARN_OK : TARN_NOMEM;
}

/* Planning: a model runs if something that it reads will move, or if its watermark says so. */
static enum tarn_status plan_model(struct run *r, const struct tarn_node *node,
                                   struct tarn_step *step)
{
    struct tarn_str watermark, reason = {NULL, 0};
    struct tarn_table *table;
    for (size_t i = 0; i < node->parent_count && !reason.ptr; i++)
        if (r->moves[node->parents[i]->index])
            reason = tarn_sprintf(r->op, "%.*s will change", TARN_STR_ARG(node->parents[i]->id));
    if (!reason.ptr) {
        TARN_TRY(tarn_table_find(&r->w->lake, r->op, node->ident, &table));
        TARN_TRY(tarn__watermark(&r->build, node, &watermark));
        TARN_TRY(tarn__model_reason(&r->build, node, table, watermark, &reason));
    }
    step->status = reason.ptr ? TARN_STEP_PLANNED : TARN_STEP_CURRENT;
    step->reason = reason.ptr ? reason : TARN_STR("nothing that it reads has changed");
    r->moves[node->index] = reason.ptr != NULL;
    return TARN_OK;
}

static enum tarn_status model_step(struct run *r, const struct tarn_node *node,
                                   struct tarn_step *step)
{
    struct tarn__made made;
    if (node->model->kind == TARN_MODEL_VIEW) {
        step->status = TARN_STEP_CURRENT;
        step->reason = TARN_STR("view");
        for (size_t i = 0; i < node->parent_count; i++)
            if (r->moves[node->parents[i]->index])
                r->moves[node->index] = true;
        return TARN_OK;
    }
    if (r->planning)
        return plan_model(r, node, step);
    TARN_TRY_WHILE(r->op, tarn__model_make(&r->build, node, &made), "making %.*s",
                   TARN_STR_ARG(node->id));
    step->status = TARN_STEP_CURRENT;
    step->reason = TARN_STR("nothing that it reads has changed");
    if (!made.change)
        return TARN_OK;
    r->changes[r->change_count++] = made.change;
    step->status = TARN_STEP_OK;
    step->reason = made.reason;
    step->rows_out = made.rows;
    step->rows_deleted = made.rows_deleted;
    step->files_out = made.files;
    step->bytes_out = made.bytes;
    r->moves[node->index] = made.rows || made.rows_deleted;
    const struct tarn_table *staged = tarn_change_table(made.change);
    step->snapshot_id = staged ? staged->metadata.current_snapshot_id : 0;
    return TARN_OK;
}

static bool parents_move(const struct run *r, const struct tarn_node *node)
{
    for (size_t i = 0; i < node->parent_count; i++)
        if (r->moves[node->parents[i]->index])
            return true;
    return false;
}

/* A check that was green over what it would read now need not run again. */
static enum tarn_status check_step(struct run *r, const struct tarn_node *node,
                                   struct tarn_step *step)
{
    struct tarn_str mark;
    TARN_TRY(tarn__check_mark(&r->build, node, &mark));
    step->status = TARN_STEP_CURRENT;
    step->reason = TARN_STR("nothing that it reads has changed");
    if (mark.ptr && !r->o->full_refresh && tarn__passed_holds(&r->passed, node->id, mark) &&
        !(r->planning && parents_move(r, node)))
        return TARN_OK;
    if (r->planning) {
        step->status = TARN_STEP_PLANNED;
        step->reason = parents_move(r, node) ? TARN_STR("reads what will change")
                                             : TARN_STR("was not seen green");
        return TARN_OK;
    }
    step->reason = TARN_STR("");
    enum tarn_status status = tarn__check_run(&r->build, node->check, step);
    if (status != TARN_OK || step->status != TARN_STEP_OK)
        mark = (struct tarn_str){NULL, 0};
    struct tarn_report keep = r->op->report;
    if (tarn__passed_set(&r->passed, r->op, node->id, mark) == TARN_OK)
        r->op->report = keep;
    else if (status == TARN_OK)
        return r->op->report.status;
    return status;
}

static bool parents_broken(const struct run *r, const struct tarn_node *node)
{
    for (size_t i = 0; i < node->parent_count; i++)
        if (r->broken[node->parents[i]->index])
            return true;
    return false;
}

static enum tarn_status carry_out(struct run *r, const struct tarn_node *node,
                                  struct tarn_step *step)
{
    switch (node->kind) {
    case TARN_NODE_INGEST:
        return ingest_step(r, node, step);
    case TARN_NODE_MODEL:
        return model_step(r, node, step);
    default:
        return check_step(r, node, step);
    }
}

static bool stops_all(enum tarn_status status)
{
    return status == TARN_CANCELLED || status == TARN_TIMEOUT || status == TARN_NOMEM;
}

/* A failure stays in its step, so that what does not depend on it goes on. */
static enum tarn_status keep_failure(struct run *r, struct tarn_step *step, enum tarn_status status)
{
    struct tarn_report kept = r->op->report;
    if (stops_all(status) || r->planning)
        return status;
    tarn_clear(r->op);
    TARN_NEW(r->op, step->report);
    *step->report = kept;
    step->status = TARN_STEP_FAILED;
    if (r->result->status == TARN_OK)
        r->result->status = status;
    return TARN_OK;
}

static enum tarn_status run_node(struct run *r, const struct tarn_node *node,
                                 struct tarn_step *step, size_t index)
{
    uint64_t begin = tarn_clock_monotonic_ns(tarn_clock_real());
    enum tarn_status status = TARN_OK;
    *step = (struct tarn_step){.node = node, .rows_in = -1};
    TARN_TRY(tarn_poll(r->op, 1));
    if (r->o->begin)
        r->o->begin(r->o->tell_ctx, node, index, r->result->count);
    if (parents_broken(r, node)) {
        step->status = TARN_STEP_SKIPPED;
        step->reason = TARN_STR("something that it reads failed");
    } else {
        status = carry_out(r, node, step);
        if (status != TARN_OK)
            TARN_TRY(keep_failure(r, step, status));
    }
    step->ns = tarn_clock_monotonic_ns(tarn_clock_real()) - begin;
    if (step->status == TARN_STEP_FAILED && !step->report && r->result->status == TARN_OK)
        r->result->status = TARN_CHECK;
    bool failed = step->status == TARN_STEP_FAILED;
    r->broken[node->index] =
        (failed && node->kind != TARN_NODE_CHECK) || step->status == TARN_STEP_SKIPPED;
    r->result->failed = r->result->failed || failed;
    r->result->warnings += step->status == TARN_STEP_WARN;
    r->result->dead_letters += step->dead_letters;
    if (r->o->tell)
        r->o->tell(r->o->tell_ctx, step, index, r->result->count);
    return TARN_OK;
}

static enum tarn_status run_nodes(struct run *r)
{
    const struct tarn_graph *g = r->w->graph;
    for (size_t i = 0; i < g->count; i++)
        r->result->count += r->selection.chosen[i];
    TARN_NEW_ARRAY(r->op, r->result->steps, r->result->count + 1);
    for (size_t i = 0, k = 0; i < g->count; i++) {
        if (!r->selection.chosen[i])
            continue;
        enum tarn_status status = run_node(r, &g->nodes[i], &r->result->steps[k], k);
        if (status != TARN_OK) {
            r->result->count = k;
            return status;
        }
        k++;
    }
    return TARN_OK;
}

/* ---- publication */

static enum tarn_status make_namespaces(struct run *r)
{
    const struct tarn_graph *g = r->w->graph;
    for (size_t i = 0; i < g->count; i++) {
        const struct tarn_node *n = &g->nodes[i];
        if (!r->selection.chosen[i] || n->kind == TARN_NODE_CHECK)
            continue;
        enum tarn_status status = tarn_catalog_create_namespace(r->w->catalog, r->op, n->ident.ns,
                                                                (struct tarn_properties){NULL, 0});
        if (status == TARN_EXISTS)
            tarn_clear(r->op);
        else
            TARN_TRY(status);
    }
    return TARN_OK;
}

/* Changes without any effect are not committed. */
static enum tarn_status publish(struct run *r)
{
    struct tarn_change **changes;
    size_t n = 0;
    TARN_NEW_ARRAY(r->op, changes, r->change_count + 1);
    for (size_t i = 0; i < r->change_count; i++)
        if (!tarn_change_is_empty(r->changes[i]))
            changes[n++] = r->changes[i];
    TARN_TRY_WHILE(
        r->op, tarn_changes_commit(&r->w->lake, r->op, changes, n, (struct tarn_commit_options){0}),
        "publishing %zu tables", n);
    r->result->published = n;
    return TARN_OK;
}

static bool nothing_written(const struct run *r)
{
    for (size_t i = 0; i < r->result->count; i++)
        if (r->result->steps[i].node->kind != TARN_NODE_CHECK &&
            r->result->steps[i].status != TARN_STEP_CURRENT)
            return false;
    return true;
}

static enum tarn_status run_and_publish(struct run *r)
{
    TARN_TRY(make_namespaces(r));
    enum tarn_status ran = run_nodes(r);
    tarn__passed_write(r->w, r->op, &r->passed);
    TARN_TRY(ran);
    r->result->up_to_date = !r->result->failed && nothing_written(r);
    if (r->result->failed)
        return TARN_OK;
    enum tarn_status status = tarn_poll(r->op, 1);
    if (status == TARN_OK)
        status = publish(r);
    if (status != TARN_OK) {
        r->result->failed = true;
        r->result->status = status;
    }
    return status;
}

/* ---- beginning and end */

static enum tarn_status prepare(struct run *r)
{
    struct tarn_workspace *w = r->w;
    char stamp[TARN_TIME_TEXT_MAX];
    uint16_t random;
    *r->result = (struct tarn_run_result){.status = TARN_OK};
    TARN_TRY(tarn_workspace_graph(w, r->op));
    TARN_TRY(tarn_graph_select(r->op, w->graph, r->o->select, r->o->select_count, r->o->exclude,
                               r->o->exclude_count, &r->selection));
    TARN_NEW_ARRAY(r->op, r->changes, w->graph->count + 1);
    TARN_NEW_ARRAY(r->op, r->moves, w->graph->count + 1);
    TARN_NEW_ARRAY(r->op, r->broken, w->graph->count + 1);
    tarn__passed_read(w, r->op, &r->passed);
    TARN_TRY(tarn_random_bytes(r->op, &random, sizeof random));
    int64_t now = tarn_clock_now_us(tarn_clock_real());
    tarn_time_format(now, 0, stamp); /* 2026-01-31T06:00:00Z */
    r->result->id = tarn_sprintf(r->op, "%.4s%.2s%.2sT%.2s%.2s%.2s-%04x", stamp, stamp + 5,
                                 stamp + 8, stamp + 11, stamp + 14, stamp + 17, random);
    if (!r->result->id.ptr)
        return TARN_NOMEM;
    r->build = (struct tarn__build){.w = w, .op = r->op, .full_refresh = r->o->full_refresh};
    r->build.flow = tarn_workspace_flow(w, now, r->result->id);
    return TARN_OK;
}

/* Failed runs keep their staged tables; the record says which. */
static void record_end(struct run *r, const struct tarn__record *record)
{
    struct tarn_report keep = r->op->report;
    size_t staged = r->result->failed ? r->change_count : 0;
    if (tarn__record_end(r->w, r->op, record, r->o, r->result, r->changes, staged) != TARN_OK)
        tarn_clear(r->op); /* history is not worth a failure */
    r->op->report = keep;
}

enum tarn_status tarn_run(struct tarn_workspace *w, struct tarn_op *op,
                          const struct tarn_run_options *o, struct tarn_run_result *out)
{
    struct run r = {.w = w, .op = op, .o = o, .result = out};
    struct tarn__record record;
    uint64_t begin = tarn_clock_monotonic_ns(tarn_clock_real());
    int lease = -1;
    TARN_TRY(prepare(&r));
    TARN_TRY(tarn__lease_take(op, w->state, out->id, &lease));
    enum tarn_status status = tarn__record_tidy(w, op);
    if (status == TARN_OK)
        status = tarn__record_begin(w, op, o, out->id, &record);
    if (status == TARN_OK) {
        out->engaged = true;
        status = run_and_publish(&r);
        out->failed = out->failed || status != TARN_OK;
        if (status != TARN_OK && out->status == TARN_OK)
            out->status = status;
        out->ns = tarn_clock_monotonic_ns(tarn_clock_real()) - begin;
        record_end(&r, &record);
    }
    tarn__lease_release(lease);
    return status;
}

enum tarn_status tarn_run_plan(struct tarn_workspace *w, struct tarn_op *op,
                               const struct tarn_run_options *o, struct tarn_run_result *out)
{
    struct run r = {.w = w, .op = op, .o = o, .result = out, .planning = true};
    TARN_TRY(prepare(&r));
    TARN_TRY(run_nodes(&r));
    out->up_to_date = nothing_written(&r);
    return TARN_OK;
}
