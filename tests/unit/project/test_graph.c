/* test_graph: inputs, order, circles, names. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const char *order(const struct tarn_graph *g)
{
    static char text[2048];
    text[0] = '\0';
    for (size_t i = 0; i < g->count; i++) {
        assert_int_equal(g->nodes[i].index, i);
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                       text_of(g->nodes[i].id));
        for (size_t k = 0; k < g->nodes[i].parent_count; k++)
            assert_true(g->nodes[i].parents[k]->index < i);
    }
    return text;
}

static const struct tarn_node *node(const struct tarn_graph *g, const char *id)
{
    for (size_t i = 0; i < g->count; i++)
        if (tarn_str_is(g->nodes[i].id, id))
            return &g->nodes[i];
    fail_msg("no node %s", id);
    return NULL;
}

static void a_medallion(void **state)
{
    struct fixture *f = *state;
    put_project(f, "ingest:\n  - {from: app.entries, to: raw.entries}\n"
                   "  - {from: app.accounts, to: raw.accounts, checks: [{unique: id}]}\n");
    put(f, "models/curated/a_gold.sql", "select * from curated.b_silver");
    put(f, "models/curated/b_silver.sql",
        "/* tarn\nchecks: [{not_null: id}, {relationship: {column: a, to: raw.accounts.id}}]\n*/\n"
        "select * from raw.entries e join raw.accounts a join raw.entries join other.lookup l join "
        "iceberg.raw.accounts");
    put(f, "checks/balance.sql", "select * from curated.a_gold");
    const struct tarn_graph *g = graph(f);
    assert_string_equal(
        order(g), "raw.entries raw.accounts curated.b_silver curated.a_gold raw.accounts.unique_id "
                  "curated.b_silver.not_null_id curated.b_silver.relationship_a balance");
    const struct tarn_node *silver = node(g, "curated.b_silver");
    assert_int_equal(silver->kind, TARN_NODE_MODEL);
    assert_int_equal(silver->input_count, 3);
    assert_str(silver->inputs[0].ident.name, "entries");
    assert_ptr_equal(silver->inputs[0].node, node(g, "raw.entries"));
    assert_str(silver->inputs[2].ident.ns, "other");
    assert_str(silver->inputs[2].ident.name, "lookup");
    assert_null(silver->inputs[2].node);
    assert_int_equal(silver->parent_count, 2);
    assert_int_equal(silver->child_count, 3);
    assert_ptr_equal(silver->children[0], node(g, "curated.a_gold"));
    const struct tarn_node *relationship = node(g, "curated.b_silver.relationship_a");
    assert_int_equal(relationship->input_count, 2);
    assert_ptr_equal(relationship->inputs[1].node, node(g, "raw.accounts"));
    assert_str(node(g, "balance")->path, "checks/balance.sql");
    assert_str(node(g, "raw.accounts.unique_id")->path, "tarn.yaml");
}

static void names(void **state)
{
    struct fixture *f = *state;
    bool ambiguous;
    put_project(f, "ingest:\n  - {from: app.x, to: raw.Orders}\n  - {from: app.y, to: "
                   "a.b.orders}\n  - {from: app.z, to: raw.once}\n");
    put(f, "models/curated/orders.sql", "select * from RAW.orders");
    put(f, "models/curated/x.sql", "select * from orders join once join a.b.orders join nowhere");
    const struct tarn_graph *g = graph(f);
    const struct tarn_node *x = node(g, "curated.x");
    assert_int_equal(x->input_count, 4);
    assert_str(x->inputs[0].node->id, "curated.orders");
    assert_str(x->inputs[1].node->id, "raw.once");
    assert_str(x->inputs[2].node->id, "a.b.orders");
    assert_null(x->inputs[3].node);
    assert_null(x->inputs[3].ident.ns.ptr);
    assert_str(node(g, "curated.orders")->inputs[0].node->id, "raw.Orders");
    struct tarn_str none = {NULL, 0};
    assert_null(
        tarn_graph_find(g, (struct tarn_ident){none, TARN_STR("orders")}, none, &ambiguous));
    assert_true(ambiguous);
    assert_null(tarn_graph_find(g, (struct tarn_ident){none, TARN_STR("order")}, none, &ambiguous));
    assert_false(ambiguous);
    assert_ptr_equal(
        tarn_graph_find(g, (struct tarn_ident){none, TARN_STR("Orders")}, none, &ambiguous),
        node(g, "raw.Orders"));
    assert_ptr_equal(
        tarn_graph_find(g, (struct tarn_ident){TARN_STR("raw"), TARN_STR("ORDERS")}, none, NULL),
        node(g, "raw.Orders"));
    assert_null(
        tarn_graph_find(g, (struct tarn_ident){TARN_STR("ra"), TARN_STR("Orders")}, none, NULL));
}

static void side_tables_of_ingest(void **state)
{
    struct fixture *f = *state;
    put_project(f, "ingest: [{from: app.x, to: raw.x}]\n");
    put(f, "models/ns/a.sql",
        "select * from raw.x join raw.x__dead_letters join x__files join raw.y__files join "
        "a2__files");
    put(f, "models/ns/a2.sql", "select 1");
    const struct tarn_node *a = node(graph(f), "ns.a");
    assert_int_equal(a->input_count, 5);
    assert_str(a->inputs[1].ident.name, "x__dead_letters");
    assert_str(a->inputs[1].node->id, "raw.x");
    assert_str(a->inputs[2].ident.ns, "raw");
    assert_ptr_equal(a->inputs[2].node, a->inputs[0].node);
    assert_null(a->inputs[3].node);
    assert_null(a->inputs[4].node);
    assert_int_equal(a->parent_count, 1);
    assert_int_equal(a->parents[0]->child_count, 1);
    put(f, "models/ns/b__files.sql", "select 1");
    load_fails(
        f, TARN_MODEL,
        "table ns.b__files has a name that ingest keeps for itself: ..__files and ..__dead_letters",
        "models/ns/b__files.sql:1:1", NULL);
}

static void fails(struct fixture *f, const char *message, const char *place)
{
    struct tarn_graph *g;
    const struct tarn_project *p = load(f);
    report_is(f, tarn_graph_build(&f->op, p, words_refs, NULL, &g), TARN_MODEL, message, place,
              NULL);
    assert_int_equal(tarn_status_info(TARN_MODEL)->exit_code, 2);
}

static void circles(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/ns/c.sql", "/* tarn */\nselect *\nfrom ns.a");
    put(f, "models/ns/b.sql", "select * from ns.c");
    put(f, "models/ns/a.sql", "/* tarn\ntags: x\n*/ select 1\n  from x join ns.b");
    put(f, "models/ns/z.sql", "select * from ns.c");
    fails(f, "models read one another in a circle: ns.a -> ns.b -> ns.c -> ns.a",
          "models/ns/a.sql:4:15");
    put(f, "models/ns/a.sql", "select 1 from NS.A");
    fails(f, "model ns.a reads itself", "models/ns/a.sql:1:15");
    put(f, "models/ns/a.sql", "/* tarn */ select 1 from a");
    fails(f, "model ns.a reads itself", "models/ns/a.sql:1:26");
}

static void ambiguous_names(void **state)
{
    struct fixture *f = *state;
    put_project(f, "ingest:\n  - {from: app.x, to: raw.t}\n  - {from: app.y, to: other.t}\n");
    put(f, "models/ns/a.sql", "select\n from t");
    fails(f, "table name \"t\" is ambiguous: there are raw.t and other.t", "models/ns/a.sql:2:7");
}

static enum tarn_status refs_fail(void *ctx, struct tarn_op *op, struct tarn_sql_text text,
                                  struct tarn_table_refs *out)
{
    (void)ctx;
    (void)out;
    (void)tarn_fail(op, TARN_SQL, "cannot parse");
    tarn_place(op, text.file, text.line0, 1, NULL);
    return TARN_SQL;
}

static void failures_of_the_parser_pass(void **state)
{
    struct fixture *f = *state;
    struct tarn_graph *g;
    put_project(f, "");
    put(f, "models/ns/a.sql", "\nselec");
    const struct tarn_project *p = load(f);
    report_is(f, tarn_graph_build(&f->op, p, refs_fail, NULL, &g), TARN_SQL, "cannot parse",
              "models/ns/a.sql:2:1", NULL);
}

static void an_empty_project(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    assert_int_equal(graph(f)->count, 0);
}

/* A chain as long as the walk's stack, and a node that everything reads. */
static void many_models(void **state)
{
    struct fixture *f = *state;
    char path[64], text[128];
    put_project(f, "ingest: [{from: app.x, to: raw.x}]\n");
    for (int i = 0; i < 300; i++) {
        (void)snprintf(path, sizeof path, "models/ns/m%03d.sql", i);
        (void)snprintf(text, sizeof text,
                       i < 299 ? "select 1 from raw.x join ns.m%03d" : "select 1 from raw.x",
                       i + 1);
        put(f, path, text);
    }
    const struct tarn_graph *g = graph(f);
    assert_int_equal(g->count, 301);
    assert_str(g->nodes[1].id, "ns.m299");
    assert_str(g->nodes[300].id, "ns.m000");
    assert_int_equal(g->nodes[0].child_count, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(a_medallion),           T(names),
                                       T(side_tables_of_ingest), T(circles),
                                       T(ambiguous_names),       T(failures_of_the_parser_pass),
                                       T(an_empty_project),      T(many_models)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
