/* test_select: dbt's selection spelling over a small project. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* raw.a, raw.b -> silver.s (both), silver.t (b) -> gold.g (s, t), gold.h (t); a check each of
 * raw.a, silver.s (to raw.b), gold.g; queries: q_gold reads gold.g and raw.b, q_owned belongs to
 * silver.t, q_free reads a table of the catalog only. */
static const struct tarn_graph *project(struct fixture *f)
{
    put_project(f, "ingest:\n  - {from: app.a, to: raw.a, tags: bronze, checks: [{not_null: id}]}\n"
                   "  - {from: {source: app, stream: bb, files: x}, to: raw.b}\n");
    put(f, "models/silver/s.sql",
        "/* tarn\ntags: [silver, daily]\nchecks: [{relationship: {column: x, to: raw.b.x}}]\n*/ "
        "select 1 from raw.a join raw.b");
    put(f, "models/silver/t.sql", "/* tarn\ntags: silver\n*/ select 1 from raw.b");
    put(f, "models/gold/g.sql",
        "/* tarn\ntags: [gold, daily]\nchecks: [{unique: k}]\n*/ select 1 from silver.s join "
        "silver.t");
    put(f, "models/gold/h.sql", "/* tarn\ntags: gold\n*/ select 1 from silver.t");
    put(f, "checks/q_gold.sql", "/* tarn\ntags: close\n*/ select 1 from gold.g join raw.b");
    put(f, "checks/q_owned.sql", "/* tarn\nmodel: silver.t\n*/ select 1 from silver.t join gold.h");
    put(f, "checks/q_free.sql", "select 1 from ext.x");
    return graph(f);
}

/* The words of a text divided by ';'. */
static size_t texts(char *copy, const char *text, struct tarn_str *out)
{
    size_t n = 0;
    strcpy(copy, text ? text : "");
    for (char *w = strtok(copy, ";"); w; w = strtok(NULL, ";"))
        out[n++] = tarn_str_view(w);
    return n;
}

static enum tarn_status select_nodes(struct fixture *f, const struct tarn_graph *g,
                                     const char *select, const char *exclude,
                                     struct tarn_selection *out)
{
    char a[256], b[256];
    struct tarn_str select_texts[8], exclude_texts[8];
    size_t n = texts(a, select, select_texts), m = texts(b, exclude, exclude_texts);
    return tarn_graph_select(&f->op, g, select_texts, n, exclude_texts, m, out);
}

/* Ids in the graph's order: tables by their last letter, checks by kind. */
static const char *chosen(struct fixture *f, const struct tarn_graph *g, const char *select,
                          const char *exclude)
{
    static char text[1024];
    struct tarn_selection s;
    size_t count = 0;
    if (select_nodes(f, g, select, exclude, &s) != TARN_OK)
        fail_msg("%s: %s", select, f->op.report.message);
    text[0] = '\0';
    for (size_t i = 0; i < g->count; i++) {
        const struct tarn_node *n = &g->nodes[i];
        if (!s.chosen[i])
            continue;
        struct tarn_str name = n->kind != TARN_NODE_CHECK ? n->ident.name : n->check->name;
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", count++ ? " " : "",
                       text_of(name));
    }
    assert_int_equal(count, s.count);
    return text;
}

static void selections(void **state)
{
    struct fixture *f = *state;
    const struct tarn_graph *g = project(f);
    static const struct {
        const char *select, *exclude, *want;
    } cases[] = {
        {NULL, NULL, "a b s t g h not_null_id unique_k relationship_x q_free q_gold q_owned"},
        {"s", NULL, "s relationship_x"},
        {"silver.s", NULL, "s relationship_x"},
        {"silver", NULL, "s t relationship_x q_owned"},
        {"silver.*", NULL, "s t relationship_x q_owned"},
        {"????.g", NULL, "g unique_k q_gold"},
        {"gold.[gh]", NULL, "g h unique_k q_gold"},
        {"+g", NULL, "a b s t g not_null_id unique_k relationship_x q_gold q_owned"},
        {"1+g", NULL, "s t g unique_k relationship_x q_gold q_owned"},
        {"2+g", NULL, "a b s t g not_null_id unique_k relationship_x q_gold q_owned"},
        {"0+g", NULL, "g unique_k q_gold"},
        {"g", NULL, "g unique_k q_gold"},
        {"t+", NULL, "t g h unique_k q_gold q_owned"},
        {"b+1", NULL, "b s t relationship_x q_owned"},
        {"+t+", NULL, "b t g h unique_k q_gold q_owned"},
        {"1+t+0", NULL, "b t q_owned"},
        {"a b", NULL, "a b not_null_id"},
        {"a;b", NULL, "a b not_null_id"},
        {" a   b ", NULL, "a b not_null_id"},
        {"tag:silver", NULL, "s t relationship_x q_owned"},
        {"tag:daily,tag:gold", NULL, "g unique_k q_gold"},
        {"tag:gold,s", NULL, ""},
        {"tag:bronze+1", NULL, "a s not_null_id relationship_x"},
        {"tag:*", NULL, "a s t g h not_null_id unique_k relationship_x q_gold q_owned"},
        {"tag:close", NULL, "q_gold"},
        {"+tag:close", NULL, "a b s t g not_null_id unique_k relationship_x q_gold q_owned"},
        {"path:models/gold", NULL, "g h unique_k q_gold"},
        {"path:./models/gold/", NULL, "g h unique_k q_gold"},
        {"models/gold/h.sql", NULL, "h"},
        {"path:models/*/s.sql", NULL, "s relationship_x"},
        {"path:checks", NULL, "q_free q_gold q_owned"},
        {"path:tarn.yaml", NULL, "a b not_null_id"},
        {"source:app", NULL, "a b not_null_id"},
        {"source:app.bb", NULL, "b"},
        {"source:app.*", NULL, "a b not_null_id"},
        {"source:app+,tag:silver", NULL, "s t relationship_x q_owned"},
        {"q_free", NULL, "q_free"},
        {"silver.s.relationship_x", NULL, "relationship_x"},
        {"relationship_x", NULL, "relationship_x"},
        {NULL, "gold", "a b s t not_null_id relationship_x q_free q_owned"},
        {NULL, "s+", "a b t h not_null_id q_free q_owned"},
        {NULL, "q_gold unique_k", "a b s t g h not_null_id relationship_x q_free q_owned"},
        {"+g", "raw", "s t g unique_k relationship_x q_gold q_owned"},
        {"+g", "+s", "t g unique_k q_gold q_owned"},
        {"gold", "gold", ""},
        {"*", "tag:silver", "a b g h not_null_id unique_k q_free q_gold"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(chosen(f, g, cases[i].select, cases[i].exclude), cases[i].want);
}

static void wrong_selections(void **state)
{
    struct fixture *f = *state;
    const struct tarn_graph *g = project(f);
    static const struct {
        const char *select, *exclude, *message, *hint;
    } cases[] = {
        {"sliver", NULL, "nothing in the project is named \"sliver\"", "did you mean \"silver\"?"},
        {"silver.x", NULL, "nothing in the project is named \"silver.x\"",
         "did you mean \"silver.s\"?"},
        {"+zzzzzzzz+", NULL, "nothing in the project is named \"zzzzzzzz\"", ""},
        {NULL, "glod", "nothing in the project is named \"glod\"", "did you mean \"gold\"?"},
        {"a;tag:goold", NULL, "nothing in the project has the tag \"goold\"",
         "did you mean \"gold\"?"},
        {"path:models/gol", NULL, "nothing in the project lies at \"models/gol\"", NULL},
        {"source:ap", NULL, "nothing in the project comes from source \"ap\"",
         "did you mean \"app\"?"},
        {"source:app.zz", NULL, "nothing in the project comes from source \"app.zz\"", NULL},
        {"gold.*x", NULL, "nothing in the project is named \"gold.*x\"", NULL},
        {"tga:gold", NULL, "cannot read selector \"tga:gold\": methods are tag:, path: and source:",
         "did you mean \"tag:\"?"},
        {"config.materialized:view", NULL,
         "cannot read selector \"config.materialized:view\": methods are tag:, path: and source:",
         ""},
        {"@g", NULL, "cannot read selector \"@g\": \"@\" is not in this version, write \"+name+\"",
         NULL},
        {"+", NULL, "cannot read selector \"+\": a name is missing", NULL},
        {"tag:", NULL, "cannot read selector \"tag:\": a name is missing", NULL},
        {"a,,b", NULL, "cannot read selector \"\": a name is missing", NULL},
        {"  ", NULL, "cannot read selector \"  \": a name is missing", NULL},
        {"99999999999999999999+g", NULL,
         "cannot read selector \"99999999999999999999+g\": the number of steps is too large", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tarn_selection s;
        report_is(f, select_nodes(f, g, cases[i].select, cases[i].exclude, &s), TARN_USAGE,
                  cases[i].message, "", cases[i].hint);
    }
    assert_int_equal(tarn_status_info(TARN_USAGE)->exit_code, 2);
}

static void spelling_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tarn_selector_check(&f->op, TARN_STR("+tag:gold 2+a+3,path:x *")), TARN_OK);
    assert_int_equal(tarn_selector_check(&f->op, TARN_STR("a b,")), TARN_USAGE);
    assert_int_equal(tarn_selector_check(&f->op, TARN_STR("a tagg:x")), TARN_USAGE);
    assert_int_equal(tarn_selector_check(&f->op, TARN_STR("")), TARN_USAGE);
}

static void an_empty_graph(void **state)
{
    struct fixture *f = *state;
    struct tarn_selection s;
    put_project(f, "");
    const struct tarn_graph *g = graph(f);
    assert_int_equal(select_nodes(f, g, NULL, NULL, &s), TARN_OK);
    assert_int_equal(s.count, 0);
    assert_int_equal(select_nodes(f, g, "a", NULL, &s), TARN_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(selections), T(wrong_selections), T(spelling_alone),
                                       T(an_empty_graph)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
