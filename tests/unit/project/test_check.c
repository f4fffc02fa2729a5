/* test_check: the items of `checks:` and the queries of checks/. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

/* The checks of models/ns/m.sql with these lines below `checks:`. */
static const struct tarn_checks *checks(struct fixture *f, const char *lines)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "/* tarn\nchecks:\n%s*/ select 1", lines);
    put(f, "models/ns/m.sql", text);
    return &load(f)->models[0].checks;
}

static void all_kinds(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    const struct tarn_checks *c =
        checks(f, "- not_null: [a, b]\n"
                  "- not_null: a\n"
                  "- unique: {columns: [a, b], severity: warn, description: why}\n"
                  "- accepted_values: {column: s, values: [x, \"In Progress\", 3]}\n"
                  "- relationship: {column: id, to: raw.x.id}\n"
                  "  severity: warn\n"
                  "  name: ids_resolve\n"
                  "- expression: a > 0\n"
                  "- expression: {expression: \"b > 0\", name: positive}\n"
                  "- expression: c > 0\n"
                  "- row_count: {min: 1, max: 10}\n"
                  "- row_count: {max: 5}\n"
                  "- row_count: {min: 7}\n");
    static const struct {
        enum tarn_check_kind kind;
        enum tarn_severity severity;
        const char *name;
    } want[] = {
        {TARN_CHECK_NOT_NULL, TARN_SEVERITY_ERROR, "not_null_a_b"},
        {TARN_CHECK_NOT_NULL, TARN_SEVERITY_ERROR, "not_null_a"},
        {TARN_CHECK_UNIQUE, TARN_SEVERITY_WARN, "unique_a_b"},
        {TARN_CHECK_ACCEPTED_VALUES, TARN_SEVERITY_ERROR, "accepted_values_s"},
        {TARN_CHECK_RELATIONSHIP, TARN_SEVERITY_WARN, "ids_resolve"},
        {TARN_CHECK_EXPRESSION, TARN_SEVERITY_ERROR, "expression"},
        {TARN_CHECK_EXPRESSION, TARN_SEVERITY_ERROR, "positive"},
        {TARN_CHECK_EXPRESSION, TARN_SEVERITY_ERROR, "expression_2"},
        {TARN_CHECK_ROW_COUNT, TARN_SEVERITY_ERROR, "row_count"},
        {TARN_CHECK_ROW_COUNT, TARN_SEVERITY_ERROR, "row_count_2"},
        {TARN_CHECK_ROW_COUNT, TARN_SEVERITY_ERROR, "row_count_3"},
    };
    assert_int_equal(c->count, sizeof want / sizeof *want);
    for (size_t i = 0; i < c->count; i++) {
        assert_int_equal(c->items[i].kind, want[i].kind);
        assert_int_equal(c->items[i].severity, want[i].severity);
        assert_str(c->items[i].name, want[i].name);
        assert_str(c->items[i].table.name, "m");
    }
    assert_str(c->items[0].columns.items[1], "b");
    assert_str(c->items[2].description, "why");
    assert_str(c->items[3].columns.items[0], "s");
    assert_str(c->items[3].values.items[1], "In Progress");
    assert_str(c->items[3].values.items[2], "3");
    assert_str(c->items[4].to.ns, "raw");
    assert_str(c->items[4].to.name, "x");
    assert_str(c->items[4].to_column, "id");
    assert_str(c->items[5].sql, "a > 0");
    assert_int_equal(c->items[5].sql_line, 10);
    assert_int_equal(c->items[5].place.column, 15);
    assert_str(c->items[6].sql, "b > 0");
    assert_int_equal(c->items[8].row_min, 1);
    assert_int_equal(c->items[8].row_max, 10);
    assert_int_equal(c->items[9].row_min, 0);
    assert_true(c->items[10].row_max == INT64_MAX);
    assert_string_equal(tarn_check_kind_names[TARN_CHECK_SQL], "sql");
}

static void wrong_items(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *lines, *message, *place;
    } cases[] = {
        {"- not_nul: a\n", "unknown key \"not_nul\" in checks[0]; did you mean \"not_null\"?",
         "models/ns/m.sql:3:3"},
        {"- severity: warn\n",
         "the check says nothing: one of not_null, unique, accepted_values, relationship, "
         "expression and row_count is needed",
         "models/ns/m.sql:3:3"},
        {"-\n",
         "the check says nothing: one of not_null, unique, accepted_values, relationship, "
         "expression and row_count is needed",
         "models/ns/m.sql:3:2"},
        {"- not_null: a\n  unique: a\n",
         "one check holds both \"not_null\" and \"unique\": write two items",
         "models/ns/m.sql:4:3"},
        {"- not_null: []\n", "the check names no column", "models/ns/m.sql:3:13"},
        {"- not_null: [a, [b]]\n", "expected the name of a column", "models/ns/m.sql:3:17"},
        {"- not_null: [a, a]\n", "\"a\" stands twice in the list", "models/ns/m.sql:3:17"},
        {"- not_null: {column: a}\n",
         "unknown key \"column\" in checks[0].not_null; did you mean \"columns\"?",
         "models/ns/m.sql:3:14"},
        {"- not_null: {columns: a, severity: warn}\n  severity: warn\n",
         "the check says the same thing beside and inside its braces", "models/ns/m.sql:3:3"},
        {"- not_null: {columns: a, severity: fatal}\n",
         "checks[0].not_null.severity must be one of error and warn, not \"fatal\"",
         "models/ns/m.sql:3:36"},
        {"- accepted_values: {column: a, values: []}\n", "the check accepts no value",
         "models/ns/m.sql:3:40"},
        {"- accepted_values: [a]\n", "checks[0].accepted_values must be a mapping, not a list",
         "models/ns/m.sql:3:20"},
        {"- relationship: {column: a, to: raw.x}\n",
         "\"raw.x\" names no column: write namespace.table.column", "models/ns/m.sql:3:33"},
        {"- relationship: {column: a, to: raw.x.}\n",
         "\"raw.x.\" names no column: write namespace.table.column", "models/ns/m.sql:3:33"},
        {"- relationship: {column: a}\n", "missing key \"to\" in checks[0].relationship",
         "models/ns/m.sql:3:3"},
        {"- expression: \"\"\n", "an empty expression", "models/ns/m.sql:3:15"},
        {"- row_count: {}\n", "row_count needs min, max or both", "models/ns/m.sql:3:14"},
        {"- row_count: {min: 2, max: 1}\n", "min is greater than max", "models/ns/m.sql:3:14"},
        {"- row_count: {min: -1}\n",
         "checks[0].row_count.min must be an integer from 0 to 9223372036854775807, not \"-1\"",
         "models/ns/m.sql:3:20"},
        {"- {not_null: a, name: x}\n- {unique: a, name: x}\n",
         "check \"x\" stands twice; the first is in line 3", "models/ns/m.sql:4:3"},
        {"- {not_null: a, name: \"x y\"}\n",
         "\"x y\" is no name of a check: letters, digits, _ and -", "models/ns/m.sql:3:3"},
    };
    put_project(f, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2048];
        (void)snprintf(text, sizeof text, "/* tarn\nchecks:\n%s*/ select 1", cases[i].lines);
        put(f, "models/ns/m.sql", text);
        load_fails(f, TARN_MODEL, cases[i].message, cases[i].place, NULL);
    }
}

static void of_ingest(void **state)
{
    struct fixture *f = *state;
    put_project(f, "ingest:\n  - from: app.a\n    to: raw.a\n    checks: [{not_null: _id}]\n");
    assert_str(load(f)->ingest[0].checks.items[0].name, "not_null__id");
    put_project(f, "ingest:\n  - from: app.a\n    to: raw.a\n    checks: [{not_nul: _id}]\n");
    load_fails(f, TARN_CONFIG,
               "unknown key \"not_nul\" in ingest[0].checks[0]; did you mean \"not_null\"?",
               "tarn.yaml:10:15", NULL);
}

static void queries(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/ns/m.sql", "select 1");
    put(f, "checks/z_plain.sql", "select 1 from ns.m where false;\n");
    put(f, "checks/deep/balance.sql",
        "/* tarn\nseverity: warn\nmodel: ns.m\ntags: [close]\ndescription: debits equal "
        "credits\n*/\nselect 2");
    put(f, "checks/README.md", "x");
    const struct tarn_project *p = load(f);
    assert_int_equal(p->checks.count, 2);
    const struct tarn_check *c = &p->checks.items[0];
    assert_str(c->name, "balance");
    assert_int_equal(c->kind, TARN_CHECK_SQL);
    assert_int_equal(c->severity, TARN_SEVERITY_WARN);
    assert_str(c->table.ns, "ns");
    assert_str(c->tags.items[0], "close");
    assert_str(c->path, "checks/deep/balance.sql");
    assert_str(c->sql, "select 2");
    assert_int_equal(c->sql_line, 7);
    assert_string_equal(tarn_check_sql(c).file, "checks/deep/balance.sql");
    assert_str(p->checks.items[1].sql, "select 1 from ns.m where false");
    assert_null(p->checks.items[1].table.name.ptr);
    assert_int_equal(p->checks.items[1].severity, TARN_SEVERITY_ERROR);
}

static void wrong_queries(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *message, *place, *hint;
    } cases[] = {
        {"/* tarn\nmodel: ns.n\n*/ select 1", "the project makes no table ns.n", "checks/c.sql:2:8",
         "did you mean \"ns.m\"?"},
        {"/* tarn\nmodel: m\n*/ select 1", "\"m\" is no table name: write namespace.table",
         "checks/c.sql:2:8", NULL},
        {"/* tarn\nkind: table\n*/ select 1", "unknown key \"kind\" at the top level",
         "checks/c.sql:2:1", "keys here: model, tags, severity, name, description"},
        {"-- nothing", "the check has no SELECT", "checks/c.sql:1:11", NULL},
        {"select {{ ref('x') }}",
         "\"{{ ref('x') }}\" is a template: write plain table names, no Jinja", "checks/c.sql:1:8",
         NULL},
    };
    put_project(f, "");
    put(f, "models/ns/m.sql", "select 1");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(f, "checks/c.sql", cases[i].text);
        load_fails(f, TARN_MODEL, cases[i].message, cases[i].place, cases[i].hint);
    }
    put(f, "checks/c.sql", "select 1");
    put(f, "checks/sub/c.sql", "\nselect 1");
    enum tarn_status status = tarn_project_load(&f->op, &f->options, &f->project);
    assert_int_equal(status, TARN_MODEL);
    assert_string_equal(f->op.report.message,
                        "two checks are named \"c\": checks/c.sql and checks/sub/c.sql");
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(all_kinds), T(wrong_items), T(of_ingest), T(queries),
                                       T(wrong_queries)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
