/* test_model: .sql files: the header, the query, places, Jinja, checks. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const struct tarn_model *model(struct fixture *f, const char *text)
{
    put(f, "models/ns/m.sql", text);
    return &load(f)->models[0];
}

static void a_full_header(void **state)
{
    struct fixture *f = *state;
    put_project(f, "app: fq_app\n");
    const struct tarn_model *m =
        model(f, "-- the silver lines\n/* tarn\nkind: merge\nkey: [entry_id, account_id]\n"
                 "replace_by: entry_id\naudit: [ingest_ts]\npartition_by: [year(entry_date)]\n"
                 "tags: [silver, daily]\ndescription: lines\n"
                 "columns: {entry_id: string, debit: \"decimal(18,2)\"}\n"
                 "properties: {a.b: \"1\"}\n"
                 "checks: [{not_null: entry_id}]\n*/\n\n  select 1 as entry_id;\n\n");
    assert_str(m->ident.ns, "ns");
    assert_str(m->ident.name, "m");
    assert_int_equal(m->kind, TARN_MODEL_MERGE);
    assert_int_equal(m->key.count, 2);
    assert_str(m->key.items[1], "account_id");
    assert_int_equal(tarn_strs_node(&m->key, 1)->column, 17);
    assert_str(m->replace_by.items[0], "entry_id");
    assert_str(m->audit.items[0], "ingest_ts");
    assert_str(m->partition_by.items[0], "year(entry_date)");
    assert_str(m->tags.items[1], "daily");
    assert_int_equal(m->column_count, 2);
    assert_int_equal(m->columns[1].type.scale, 2);
    assert_str(m->properties.items[0].key, "a.b");
    assert_str(m->app, "fq_app");
    assert_str(m->location, text_of(tarn_sprintf(&f->op, "%s/w/ns/fq_app/m", f->folder)));
    assert_str(m->sql, "  select 1 as entry_id");
    assert_int_equal(m->sql_line, 15);
    assert_str(m->path, "models/ns/m.sql");
    assert_int_equal(m->checks.count, 1);
    struct tarn_sql_text text = tarn_model_sql(m);
    assert_string_equal(text.file, "models/ns/m.sql");
    assert_int_equal(text.line0, 15);
}

static void queries(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text, *sql;
        int line;
    } cases[] = {
        {"select 1", "select 1", 1},
        {"\n\n select 1 ;\n", " select 1", 3},
        {"\xEF\xBB\xBFselect 1", " select 1", 1},
        {"/* other */ select 1", "/* other */ select 1", 1},
        {"/* tarn */ select 1", "           select 1", 1},
        {"/*tarn*/select 1", "        select 1", 1},
        {"/* tarn\nkind: table */ select 1", "               select 1", 2},
        {"/* tarn\ndescription: \xC3\xA4 */ select 1", "                  select 1", 2},
        {"select ';' -- ;\n; -- over\n/* ; */", "select ';' -- ;", 1},
        {"select 1; select 2", "select 1; select 2", 1},
        {"select '/* tarn', e'\\'{{ ref(', \"{{ a }}\", $$ {% x %} $$, $q$ ' $q$", NULL, 1},
        {"select {a: {b: 1}}, MAP {{x: 1}: 2}, {{'a': 1}: 2}", NULL, 1},
        {"select 1 -- {{ ref('x') }}\n/* {{ ref('y') }} /* nested {% */ */", NULL, 1},
        {"/* tarnished */ select 1", NULL, 1},
        {"with a as (select 1) select * from a", NULL, 1},
        {"select $1, a$b$c", NULL, 1},
    };
    put_project(f, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tarn_model *m = model(f, cases[i].text);
        assert_str(m->sql, cases[i].sql ? cases[i].sql : cases[i].text);
        assert_int_equal(m->sql_line, cases[i].line);
        assert_int_equal(m->kind, TARN_MODEL_TABLE);
    }
}

static void views_have_no_location(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    assert_null(model(f, "/* tarn\nkind: view\n*/ select 1")->location.ptr);
    assert_int_equal(f->project->models[0].kind, TARN_MODEL_VIEW);
}

static void wrong_models(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *text;
        enum tarn_status status;
        const char *message, *place, *hint;
    } cases[] = {
        {"/* tarn\nkind: merge\n*/ select 1", TARN_MODEL, "a model of kind merge needs a \"key\"",
         "models/ns/m.sql:2:7", "add the columns that tell its rows apart, such as key: [id]"},
        {"/* tarn\nkind: merge\nkey: []\n*/ select 1", TARN_MODEL,
         "a model of kind merge needs a \"key\"", "models/ns/m.sql:3:6", NULL},
        {"/* tarn\nkind: marge\n*/ select 1", TARN_MODEL,
         "kind must be one of view, table, append, merge, overwrite_partitions, scd2 and stream, "
         "not \"marge\"",
         "models/ns/m.sql:2:7", "did you mean \"merge\"?"},
        {"/* tarn\nkind: scd2\n*/ select 1", TARN_UNSUPPORTED,
         "models of kind scd2 are not in this version", "models/ns/m.sql:2:7", NULL},
        {"/* tarn kind: stream */ select 1", TARN_UNSUPPORTED,
         "models of kind stream are not in this version", "models/ns/m.sql:1:15", NULL},
        {"/* tarn kinds: table */ select 1", TARN_MODEL,
         "unknown key \"kinds\" at the top level; did you mean \"kind\"?", "models/ns/m.sql:1:9",
         NULL},
        {"-- x\n/* tarn\nkey: [a]\n*/ select 1", TARN_MODEL,
         "\"key\" is for kind merge, this model is of kind table", "models/ns/m.sql:3:1", NULL},
        {"/* tarn\nkind: append\naudit: [a]\n*/ select 1", TARN_MODEL,
         "\"audit\" is for kind merge, this model is of kind append", "models/ns/m.sql:3:1", NULL},
        {"/* tarn\nkind: view\npartition_by: [a]\n*/ select 1", TARN_MODEL,
         "\"partition_by\" is for tables, this model is of kind view", "models/ns/m.sql:3:1", NULL},
        {"/* tarn\nkind: merge\nkey: [a, b]\naudit: [c, B]\n*/ select 1", TARN_MODEL,
         "\"B\" stands in \"key\" too", "models/ns/m.sql:4:12", NULL},
        {"/* tarn\nkind: [x\n*/ select 1", TARN_MODEL, NULL, "models/ns/m.sql:3:1", NULL},
        {"/* tarn\nkind: table\n select 1", TARN_MODEL, "the comment with the header is not closed",
         "models/ns/m.sql:1:1", NULL},
        {"select 1\n/* tarn\nkind: table */", TARN_MODEL,
         "the header must stand at the top of the file, once", "models/ns/m.sql:2:1", NULL},
        {"/* tarn */ /* tarn */ select 1", TARN_MODEL,
         "the header must stand at the top of the file, once", "models/ns/m.sql:1:12", NULL},
        {"select 1 /* x", TARN_MODEL, "the comment is not closed", "models/ns/m.sql:1:10", NULL},
        {"select\n 'x", TARN_MODEL, "the quoted text is not closed", "models/ns/m.sql:2:2", NULL},
        {"/* tarn */\n-- nothing\n", TARN_MODEL, "the model has no SELECT", "models/ns/m.sql:3:1",
         NULL},
        {"", TARN_MODEL, "the model has no SELECT", "models/ns/m.sql:1:1", NULL},
        {" ;", TARN_MODEL, "expected a SELECT before \";\"", "models/ns/m.sql:1:2", NULL},
        {"select *\nfrom {{ ref('orders') }} o", TARN_MODEL,
         "\"{{ ref('orders') }}\" is a template: write plain table names, no Jinja",
         "models/ns/m.sql:2:6",
         "write orders, or namespace.orders; the graph is read out of the SQL itself"},
        {"select * from {{ source(\"raw\", 'orders') }}", TARN_MODEL,
         "\"{{ source(\"raw\", 'orders') }}\" is a template: write plain table names, no Jinja",
         "models/ns/m.sql:1:15", "write raw.orders"},
        {"{{ config(materialized='table') }}\nselect 1", TARN_MODEL,
         "\"{{ config(materialized='table') }}\" is a template: write plain table names, no Jinja",
         "models/ns/m.sql:1:1",
         "options stand in a comment at the top of the file, as YAML: /* tarn ... */"},
        {"select 1\n{% if x %}", TARN_MODEL,
         "\"{% if x %}\" is a template: write plain table names, no Jinja", "models/ns/m.sql:2:1",
         NULL},
        {"{# note #} select {{this", TARN_MODEL,
         "\"{# note #}\" is a template: write plain table names, no Jinja", "models/ns/m.sql:1:1",
         NULL},
        {"select {{- var\n", TARN_MODEL,
         "\"{{- var\" is a template: write plain table names, no Jinja", "models/ns/m.sql:1:8",
         NULL},
        {"select '\xff'", TARN_MODEL, "model \"models/ns/m.sql\" is not UTF-8", "", NULL},
        {"/* tarn\ncolumns: {a: \"decimal(99,2)\"}\n*/ select 1", TARN_MODEL, NULL,
         "models/ns/m.sql:2:14", NULL},
        {"/* tarn\ntags: [a, \"\"]\n*/ select 1", TARN_MODEL, "an empty text in a list of names",
         "models/ns/m.sql:2:11", NULL},
    };
    put_project(f, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(f, "models/ns/m.sql", cases[i].text);
        enum tarn_status status = tarn_project_load(&f->op, &f->options, &f->project);
        report_is(f, status, cases[i].status,
                  cases[i].message ? cases[i].message : f->op.report.message, cases[i].place,
                  cases[i].hint);
        assert_true(tarn_status_info(status)->exit_code == 2 || status == TARN_UNSUPPORTED);
    }
}

static void wrong_files(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/top.sql", "select 1");
    load_fails(f, TARN_MODEL, "the model lies in no folder that names its namespace",
               "models/top.sql:1:1", "move it to models/<namespace>/top.sql");
}

static void wrong_names(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/n s/t.sql", "select 1");
    load_fails(f, TARN_MODEL,
               "\"n s/t.sql\" makes no table name: folders and files are named with letters, "
               "digits, _ and -",
               "models/n s/t.sql:1:1", NULL);
}

static void no_schema_files(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/ns/schema.yml", "version: 2");
    load_fails(f, TARN_MODEL, "models/ns/schema.yml is not read", "",
               "options of a model stand in a comment at the top of its .sql file: /* tarn ... */");
}

static void two_of_one_name(void **state)
{
    struct fixture *f = *state;
    put_project(f, "ingest:\n  - {from: app.x, to: ns.m}\n");
    put(f, "models/ns/m.sql", "select 1");
    load_fails(f, TARN_MODEL, "table ns.m is made twice: by tarn.yaml:8 and by models/ns/m.sql",
               "models/ns/m.sql:1:1", NULL);
    put_project(f, "");
    put(f, "models/ns/M.sql", "select 1");
    load_fails(f, TARN_MODEL,
               "table ns.m is made twice (letter case does not tell tables apart): by "
               "models/ns/M.sql and by models/ns/m.sql",
               "models/ns/m.sql:1:1", NULL);
}

static void other_files_are_passed_over(void **state)
{
    struct fixture *f = *state;
    put_project(f, "");
    put(f, "models/ns/README.md", "{{ x }}");
    put(f, "models/ns/.hidden.sql", "{{ x }}");
    put(f, "models/.git/x.sql", "{{ x }}");
    put(f, "models/b/z.sql", "select 1");
    put(f, "models/b/a.sql", "select 1");
    put(f, "models/a/z.sql", "select 1");
    const struct tarn_project *p = load(f);
    assert_int_equal(p->model_count, 3);
    assert_str(p->models[0].path, "models/a/z.sql");
    assert_str(p->models[1].path, "models/b/a.sql");
    assert_str(p->models[2].path, "models/b/z.sql");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_header),   T(queries),         T(views_have_no_location),
        T(wrong_models),    T(wrong_files),     T(wrong_names),
        T(no_schema_files), T(two_of_one_name), T(other_files_are_passed_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
