/* graph: which node reads what, found by the engine's parser, and an order in which parents come
 * first.
 *
 * Nodes are made in the order of reading (ingest, models, checks), get their inputs, and are then
 * put in order by a depth-first walk along the inputs, which also finds circles. Only then are
 * pointers between nodes set.
 */
#include "project/project_int.h"

#include <stdlib.h>
#include <strings.h>

#define NONE SIZE_MAX

struct build {
    struct tarn_op *op;
    struct tarn_graph graph; /* over the nodes in the order of reading */
    size_t **sources; /* for each node and input: the index of the node that makes it, or NONE */
    tarn_refs_fn *refs;
    void *refs_ctx;
};

/* ---- nodes */

static size_t count_nodes(const struct tarn_project *p)
{
    size_t n = p->ingest_count + p->model_count + p->checks.count;
    for (size_t i = 0; i < p->ingest_count; i++)
        n += p->ingest[i].checks.count;
    for (size_t i = 0; i < p->model_count; i++)
        n += p->models[i].checks.count;
    return n;
}

static struct tarn_node *add(struct build *b, enum tarn_node_kind kind, struct tarn_ident ident,
                             struct tarn_str path)
{
    struct tarn_node *n = &b->graph.nodes[b->graph.count];
    n->kind = kind;
    n->ident = ident;
    n->path = path;
    n->index = b->graph.count++;
    return n;
}

static enum tarn_status add_checks(struct build *b, const struct tarn_checks *checks,
                                   struct tarn_str path)
{
    for (size_t i = 0; i < checks->count; i++) {
        const struct tarn_check *c = &checks->items[i];
        struct tarn_node *n = add(b, TARN_NODE_CHECK, c->table, c->path.ptr ? c->path : path);
        n->check = c;
        if (c->kind == TARN_CHECK_SQL)
            n->id = c->name;
        else
            n->id = tarn_sprintf(b->op, "%.*s.%.*s.%.*s", TARN_STR_ARG(c->table.ns),
                                 TARN_STR_ARG(c->table.name), TARN_STR_ARG(c->name));
        if (!n->id.ptr)
            return TARN_NOMEM;
    }
    return TARN_OK;
}

static enum tarn_status make_nodes(struct build *b)
{
    const struct tarn_project *p = b->graph.project;
    struct tarn_str yaml = TARN_STR(TARN_PROJECT_FILE);
    TARN_NEW_ARRAY(b->op, b->graph.nodes, count_nodes(p));
    for (size_t i = 0; i < p->ingest_count; i++)
        add(b, TARN_NODE_INGEST, p->ingest[i].to, yaml)->ingest = &p->ingest[i];
    for (size_t i = 0; i < p->model_count; i++)
        add(b, TARN_NODE_MODEL, p->models[i].ident, p->models[i].path)->model = &p->models[i];
    b->graph.table_count = b->graph.count;
    for (size_t i = 0; i < b->graph.table_count; i++) {
        struct tarn_node *n = &b->graph.nodes[i];
        n->id = tarn__ident_text(b->op, n->ident);
        if (!n->id.ptr)
            return TARN_NOMEM;
    }
    for (size_t i = 0; i < p->ingest_count; i++)
        TARN_TRY(add_checks(b, &p->ingest[i].checks, yaml));
    for (size_t i = 0; i < p->model_count; i++)
        TARN_TRY(add_checks(b, &p->models[i].checks, p->models[i].path));
    return add_checks(b, &p->checks, yaml);
}

/* ---- finding tables by name */

static int compare_names(const void *a, const void *b)
{
    const struct tarn_node *x = *(struct tarn_node *const *)a, *y = *(struct tarn_node *const *)b;
    int order = strcasecmp(x->ident.name.ptr, y->ident.name.ptr);
    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static enum tarn_status make_index(struct build *b)
{
    TARN_NEW_ARRAY(b->op, b->graph.tables, b->graph.table_count);
    for (size_t i = 0; i < b->graph.table_count; i++)
        b->graph.tables[i] = &b->graph.nodes[i];
    if (b->graph.table_count > 1)
        qsort(b->graph.tables, b->graph.table_count, sizeof *b->graph.tables, compare_names);
    return TARN_OK;
}

/* Names compare without case; texts of a ref need not be zero-terminated. */
static int compare_to(struct tarn_str name, const struct tarn_node *n)
{
    size_t len = name.len < n->ident.name.len ? name.len : n->ident.name.len;
    int order = strncasecmp(name.ptr, n->ident.name.ptr, len);
    return order ? order : (name.len > n->ident.name.len) - (name.len < n->ident.name.len);
}

/* The first table whose name is not below `name`. */
static size_t lower_bound(const struct tarn_graph *g, struct tarn_str name)
{
    size_t low = 0, high = g->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to(name, g->tables[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Among tables of one name: how well one fits; 0 = not at all. */
static int fit(const struct tarn_node *n, struct tarn_ident ident, struct tarn_str home)
{
    struct tarn_str ns = ident.ns.ptr ? ident.ns : home;
    bool exact_name = tarn_str_eq(n->ident.name, ident.name);
    if (ns.ptr && tarn_str_eq(n->ident.ns, ns))
        return exact_name ? 4 : 3;
    if (ident.ns.ptr)
        return tarn_str_eq_nocase(n->ident.ns, ns) ? 2 : 0;
    return exact_name ? 2 : 1;
}

const struct tarn_node *tarn_graph_find(const struct tarn_graph *g, struct tarn_ident ident,
                                        struct tarn_str home, bool *out_ambiguous)
{
    const struct tarn_node *best = NULL;
    int best_fit = 0, hits = 0;
    for (size_t i = lower_bound(g, ident.name);
         i < g->table_count && compare_to(ident.name, g->tables[i]) == 0; i++) {
        int f = fit(g->tables[i], ident, home);
        if (f > best_fit) {
            best = g->tables[i];
            best_fit = f;
            hits = 0;
        }
        hits += f > 0 && f == best_fit;
    }
    if (out_ambiguous)
        *out_ambiguous = hits > 1;
    return hits == 1 ? best : NULL;
}

/* ---- inputs */

static struct tarn_sql_text sql_of(const struct tarn_node *n)
{
    return n->kind == TARN_NODE_MODEL ? tarn_model_sql(n->model) : tarn_check_sql(n->check);
}

/* Where an offset of a node's SQL stands in its file: lines and columns are the same in both. */
static struct tarn_place place_in(const struct tarn_node *n, size_t offset)
{
    struct tarn_sql_text text = sql_of(n);
    struct tarn_place place = {tarn_str_view(text.file), text.whole, text.line0, 1};
    for (size_t i = 0; i < offset && i < text.sql.len; i++) {
        if (text.sql.ptr[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)text.sql.ptr[i] & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static enum tarn_status fail_ambiguous(struct build *b, const struct tarn_node *reader,
                                       const struct tarn_table_ref *ref)
{
    const struct tarn_node *hits[2] = {NULL, NULL};
    size_t n = 0;
    for (size_t i = lower_bound(&b->graph, ref->name); i < b->graph.table_count && n < 2; i++)
        hits[n++] = b->graph.tables[i];
    return tarn_place_fail(b->op, TARN_MODEL, place_in(reader, ref->offset),
                           "table name \"%.*s\" is ambiguous: there are %.*s and %.*s",
                           TARN_STR_ARG(ref->name), TARN_STR_ARG(hits[0]->id),
                           TARN_STR_ARG(hits[1]->id));
}

/* The name without the catalog. "a.b.c" with another first part may be a table of namespace a.b. */
static enum tarn_status ident_of(struct build *b, const struct tarn_table_ref *ref,
                                 struct tarn_ident *out)
{
    struct tarn_str catalog = b->graph.project->profile.catalog.name;
    *out = (struct tarn_ident){ref->ns, ref->name};
    if (!ref->catalog.ptr || tarn_str_eq_nocase(ref->catalog, catalog))
        return TARN_OK;
    out->ns = tarn_sprintf(b->op, "%.*s.%.*s", TARN_STR_ARG(ref->catalog), TARN_STR_ARG(ref->ns));
    return out->ns.ptr ? TARN_OK : TARN_NOMEM;
}

/* Adds what is read, once. Names of the project's own tables have one spelling. */
static void add_input(struct build *b, struct tarn_node *n, struct tarn_ident ident, size_t source,
                      size_t offset)
{
    for (size_t i = 0; i < n->input_count; i++)
        if (b->sources[n->index][i] == source && tarn_str_eq(n->inputs[i].ident.ns, ident.ns) &&
            tarn_str_eq(n->inputs[i].ident.name, ident.name))
            return;
    b->sources[n->index][n->input_count] = source;
    n->inputs[n->input_count++] = (struct tarn_input){.ident = ident, .offset = offset};
}

/* The ingest entry that keeps a side table (raw.x__dead_letters); NULL: the name is none of those.
 * */
static const struct tarn_node *find_keeper(const struct build *b, struct tarn_ident ident,
                                           struct tarn_str home)
{
    size_t suffix = tarn__side_suffix(ident.name);
    ident.name.len -= suffix;
    const struct tarn_node *n = suffix ? tarn_graph_find(&b->graph, ident, home, NULL) : NULL;
    return n && n->kind == TARN_NODE_INGEST ? n : NULL;
}

static enum tarn_status add_ref(struct build *b, struct tarn_node *n, struct tarn_str home,
                                const struct tarn_table_ref *ref)
{
    struct tarn_ident ident;
    bool ambiguous;
    TARN_TRY(ident_of(b, ref, &ident));
    const struct tarn_node *source = tarn_graph_find(&b->graph, ident, home, &ambiguous);
    if (ambiguous)
        return fail_ambiguous(b, n, ref);
    if (source == n)
        return tarn_place_fail(b->op, TARN_MODEL, place_in(n, ref->offset),
                               "model %.*s reads itself", TARN_STR_ARG(n->id));
    if (source) {
        add_input(b, n, source->ident, source->index, ref->offset);
        return TARN_OK;
    }
    source = find_keeper(b, ident, home);
    if (source)
        ident.ns = source->ident.ns;
    add_input(b, n, ident, source ? source->index : NONE, ref->offset);
    return TARN_OK;
}

static enum tarn_status make_room(struct build *b, struct tarn_node *n, size_t count)
{
    TARN_NEW_ARRAY(b->op, n->inputs, count);
    TARN_NEW_ARRAY(b->op, b->sources[n->index], count);
    return TARN_OK;
}

static void add_table(struct build *b, struct tarn_node *n, struct tarn_ident ident)
{
    const struct tarn_node *source =
        tarn_graph_find(&b->graph, ident, (struct tarn_str){NULL, 0}, NULL);
    add_input(b, n, source ? source->ident : ident, source ? source->index : NONE, 0);
}

static enum tarn_status sql_inputs(struct build *b, struct tarn_node *n)
{
    struct tarn_table_refs refs = {0};
    TARN_TRY(b->refs(b->refs_ctx, b->op, sql_of(n), &refs));
    TARN_TRY(make_room(b, n, refs.count + 1));
    for (size_t i = 0; i < refs.count; i++)
        TARN_TRY(add_ref(b, n, n->ident.ns, &refs.items[i]));
    if (n->kind == TARN_NODE_CHECK && n->check->table.name.ptr)
        add_table(b, n, n->check->table);
    return TARN_OK;
}

static enum tarn_status make_inputs(struct build *b)
{
    TARN_NEW_ARRAY(b->op, b->sources, b->graph.count);
    for (size_t i = 0; i < b->graph.count; i++) {
        struct tarn_node *n = &b->graph.nodes[i];
        if (n->kind == TARN_NODE_INGEST)
            continue;
        if (n->kind == TARN_NODE_MODEL || n->check->kind == TARN_CHECK_SQL) {
            TARN_TRY(sql_inputs(b, n));
            continue;
        }
        TARN_TRY(make_room(b, n, 2));
        add_table(b, n, n->check->table);
        if (n->check->kind == TARN_CHECK_RELATIONSHIP)
            add_table(b, n, n->check->to);
    }
    return TARN_OK;
}

/* ---- order */

struct frame {
    size_t node, next; /* next: the input to look at */
};
struct walk {
    struct frame *stack;
    size_t depth;
    unsigned char *state; /* 0 new, 1 on the stack, 2 done */
    size_t *order;
    size_t done;
};

/* stack[from..depth) read one another, and the last one reads the first. */
static enum tarn_status fail_circle(struct build *b, const struct walk *w, size_t from)
{
    const struct tarn_node *nodes = b->graph.nodes;
    size_t length = w->depth - from, first = from;
    struct tarn_buf text;
    for (size_t i = from; i < w->depth; i++)
        if (w->stack[i].node < w->stack[first].node)
            first = i;
    tarn_buf_init(&text, TARN_REPORT_TEXT / 2);
    for (size_t i = 0; i <= length; i++) {
        const struct tarn_node *n = &nodes[w->stack[from + (first - from + i) % length].node];
        tarn_buf_printf(&text, "%s%.*s", i ? " -> " : "", TARN_STR_ARG(n->id));
    }
    const struct tarn_node *reader = &nodes[w->stack[first].node];
    size_t offset = reader->inputs[w->stack[first].next - 1].offset;
    enum tarn_status status = tarn_place_fail(b->op, TARN_MODEL, place_in(reader, offset),
                                              "models read one another in a circle: %s",
                                              text.failed ? "too many to name" : text.ptr);
    tarn_buf_release(&text);
    return status;
}

static enum tarn_status walk_from(struct build *b, struct walk *w, size_t start)
{
    w->stack[w->depth++] = (struct frame){start, 0};
    w->state[start] = 1;
    while (w->depth > 0) {
        struct frame *top = &w->stack[w->depth - 1];
        const struct tarn_node *n = &b->graph.nodes[top->node];
        if (top->next == n->input_count) {
            w->state[top->node] = 2;
            w->order[w->done++] = top->node;
            w->depth--;
            continue;
        }
        size_t source = b->sources[top->node][top->next++];
        if (source == NONE || w->state[source] == 2)
            continue;
        if (w->state[source] == 1) {
            size_t from = 0;
            while (w->stack[from].node != source)
                from++;
            return fail_circle(b, w, from);
        }
        w->stack[w->depth++] = (struct frame){source, 0};
        w->state[source] = 1;
    }
    return TARN_OK;
}

static enum tarn_status make_order(struct build *b, size_t **out)
{
    struct walk w = {0};
    size_t n = b->graph.count;
    TARN_NEW_ARRAY(b->op, w.stack, n);
    TARN_NEW_ARRAY(b->op, w.state, n);
    TARN_NEW_ARRAY(b->op, w.order, n);
    for (size_t i = 0; i < n; i++)
        if (w.state[i] == 0)
            TARN_TRY(walk_from(b, &w, i));
    *out = w.order;
    return TARN_OK;
}

/* ---- pointers */

static bool has_parent(const struct tarn_node *n, const struct tarn_node *parent)
{
    for (size_t i = 0; i < n->parent_count; i++)
        if (n->parents[i] == parent)
            return true;
    return false;
}

/* Parents of each node, then children. */
static enum tarn_status link_nodes(struct tarn_op *op, struct tarn_graph *g)
{
    for (size_t i = 0; i < g->count; i++) {
        struct tarn_node *n = &g->nodes[i];
        TARN_NEW_ARRAY(op, n->parents, n->input_count);
        for (size_t k = 0; k < n->input_count; k++) {
            if (!n->inputs[k].node || has_parent(n, n->inputs[k].node))
                continue;
            struct tarn_node *parent = &g->nodes[n->inputs[k].node->index];
            n->parents[n->parent_count++] = parent;
            parent->child_count++;
        }
    }
    for (size_t i = 0; i < g->count; i++) {
        struct tarn_node *n = &g->nodes[i];
        TARN_NEW_ARRAY(op, n->children, n->child_count);
        n->child_count = 0;
        for (size_t k = 0; k < n->parent_count; k++)
            n->parents[k]->children[n->parents[k]->child_count++] = n;
    }
    return TARN_OK;
}

static enum tarn_status reorder(struct build *b, const size_t *order, struct tarn_graph *out)
{
    size_t n = b->graph.count, *place;
    TARN_NEW_ARRAY(b->op, place, n);
    *out = b->graph;
    TARN_NEW_ARRAY(b->op, out->nodes, n);
    for (size_t i = 0; i < n; i++)
        place[order[i]] = i;
    for (size_t i = 0; i < n; i++) {
        struct tarn_node *node = &out->nodes[i];
        *node = b->graph.nodes[order[i]];
        node->index = i;
        for (size_t k = 0; k < node->input_count; k++) {
            size_t source = b->sources[order[i]][k];
            node->inputs[k].node = source == NONE ? NULL : &out->nodes[place[source]];
        }
    }
    for (size_t i = 0; i < out->table_count; i++)
        out->tables[i] = &out->nodes[place[out->tables[i]->index]];
    return link_nodes(b->op, out);
}

enum tarn_status tarn_graph_build(struct tarn_op *op, const struct tarn_project *project,
                                  tarn_refs_fn *refs, void *refs_ctx, struct tarn_graph **out)
{
    struct build b = {.op = op, .graph = {.project = project}, .refs = refs, .refs_ctx = refs_ctx};
    struct tarn_graph *graph;
    size_t *order;
    TARN_NEW(op, graph);
    TARN_TRY(make_nodes(&b));
    TARN_TRY(make_index(&b));
    TARN_TRY(make_inputs(&b));
    TARN_TRY(make_order(&b, &order));
    TARN_TRY(reorder(&b, order, graph));
    *out = graph;
    return TARN_OK;
}
