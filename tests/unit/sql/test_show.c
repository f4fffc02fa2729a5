/* SHOW CREATE: what it tells makes an equal table. */
#include "sql_fixture.h"

#include "base/arena.h"

/* The statements of a script, one after the other. */
static void run_script(struct sql_world *w, const char *text)
{
    struct tarn_str script = tarn_str_view(text), one;
    size_t at = 0;
    bool complete;
    while (tarn_sql_next(script, &at, &one, &complete)) {
        char sql[8192];
        assert_true(one.len < sizeof sql);
        memcpy(sql, one.ptr, one.len);
        sql[one.len] = '\0';
        run(w, sql);
    }
}

static void same_order(const struct tarn_metadata *a, const struct tarn_metadata *b)
{
    const struct tarn_sort_order *x = &a->sort_orders[a->sort_order_count - 1],
                                 *y = &b->sort_orders[b->sort_order_count - 1];
    assert_int_equal(x->field_count, y->field_count);
    for (size_t i = 0; i < x->field_count; i++) {
        assert_int_equal(x->fields[i].source_id, y->fields[i].source_id);
        assert_int_equal(x->fields[i].transform.kind, y->fields[i].transform.kind);
        assert_int_equal(x->fields[i].descending, y->fields[i].descending);
        assert_int_equal(x->fields[i].nulls_last, y->fields[i].nulls_last);
    }
}

static void same_table(const struct tarn_metadata *a, const struct tarn_metadata *b)
{
    const struct tarn_schema *x = tarn_metadata_schema(a), *y = tarn_metadata_schema(b);
    assert_int_equal(a->format_version, b->format_version);
    assert_true(tarn_type_eq(&x->root, &y->root));
    for (size_t i = 0; i < x->root.field_count; i++) {
        assert_true(tarn_str_eq(x->root.fields[i].doc, y->root.fields[i].doc));
        assert_true(tarn_str_eq(x->root.fields[i].write_default, y->root.fields[i].write_default));
    }
    assert_int_equal(x->identifier_count, y->identifier_count);
    for (size_t i = 0; i < x->identifier_count; i++)
        assert_int_equal(x->identifier_ids[i], y->identifier_ids[i]);
    const struct tarn_partition_spec *p = tarn_metadata_spec(a), *q = tarn_metadata_spec(b);
    assert_int_equal(p->field_count, q->field_count);
    for (size_t i = 0; i < p->field_count; i++) {
        assert_int_equal(p->fields[i].source_id, q->fields[i].source_id);
        assert_int_equal(p->fields[i].transform.kind, q->fields[i].transform.kind);
        assert_int_equal(p->fields[i].transform.param, q->fields[i].transform.param);
        assert_true(tarn_str_eq(p->fields[i].name, q->fields[i].name));
    }
    same_order(a, b);
    assert_int_equal(a->properties.count, b->properties.count);
    for (size_t i = 0; i < a->properties.count; i++) {
        const struct tarn_str *v = tarn_kvs_get(&b->properties, a->properties.items[i].key.ptr);
        assert_non_null(v);
        assert_true(tarn_str_eq(a->properties.items[i].value, *v));
    }
}

static void makes_an_equal_table(void **state)
{
    struct sql_world *w = *state;
    static const char *const tables[] = {
        "CREATE TABLE raw.t (a int)",
        "CREATE TABLE raw.t (id bigint NOT NULL COMMENT 'it''s', \"select\" string, \"a b\" int, "
        "\"q\"\"q\" date, d decimal(38,10), u uuid, f fixed(7), b binary, t time, "
        "ts timestamp, tz timestamptz, r float, e double, o boolean, PRIMARY KEY (id)) "
        "PARTITIONED BY (bucket(4, id), years(ts), truncate(3, \"select\"), o) "
        "SORTED BY (id DESC, hours(tz) NULLS LAST) COMMENT 'two\nlines'",
        "CREATE TABLE raw.t (s struct<a: int NOT NULL COMMENT 'x', \"b c\": array<map<string, "
        "decimal(9,2)>>> NOT NULL, l array<struct<x: date>>, m map<int, struct<y: uuid>>) "
        "PARTITIONED BY (s.a) TBLPROPERTIES ('a''b' = 'c', 'k' = '')",
        "CREATE TABLE raw.t (i int DEFAULT -7, l bigint NOT NULL DEFAULT 9223372036854775807, s "
        "string DEFAULT 'a''b', d double DEFAULT 1e300, n decimal(9,2) DEFAULT -1.50, dt date "
        "DEFAULT '2024-02-29', ts timestamp DEFAULT '2024-02-29 12:34:56.789', tz timestamptz "
        "DEFAULT '2024-02-29 12:34:56+00', b boolean DEFAULT true, ns timestamp_ns) TBLPROPERTIES "
        "('format-version' = '3')",
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        run(w, tables[i]);
        struct tarn_metadata before = table(w, "raw.t")->metadata;
        char text[8192];
        snprintf(text, sizeof text, "%s", rows(w, "SHOW CREATE TABLE raw.t"));
        run(w, "DROP TABLE raw.t");
        run_script(w, text);
        same_table(&before, &table(w, "raw.t")->metadata);
        run(w, "DROP TABLE raw.t");
    }
}

/* Identifier fields inside of a column are no primary key; a place of its own is told. */
static void tells_what_is_not_usual(void **state)
{
    struct sql_world *w = *state;
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE TABLE raw.t (s struct<a: int NOT NULL> NOT NULL) LOCATION '%s/elsewhere'",
             path_of(w, "warehouse").ptr);
    run(w, sql);
    run(w, "ALTER TABLE raw.t SET IDENTIFIER FIELDS s.a");
    struct tarn_metadata before = table(w, "raw.t")->metadata;
    char text[8192];
    snprintf(text, sizeof text, "%s", rows(w, "SHOW CREATE TABLE raw.t"));
    assert_non_null(strstr(text, "/elsewhere'"));
    assert_non_null(strstr(text, ";\nALTER TABLE raw.t SET IDENTIFIER FIELDS s.a"));
    run(w, "DROP TABLE raw.t PURGE");
    run_script(w, text);
    same_table(&before, &table(w, "raw.t")->metadata);
    assert_true(tarn_str_eq(before.location, table(w, "raw.t")->metadata.location));
}

static void views_are_made_again(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE TABLE raw.t (a int, b string)");
    run(w, "INSERT INTO raw.t VALUES (1, 'x')");
    run(w, "CREATE VIEW raw.v (x COMMENT 'one', \"y z\") COMMENT 'c' TBLPROPERTIES ('p' = 'q') AS "
           "SELECT a, b FROM raw.t");
    char text[2048];
    snprintf(text, sizeof text, "%s", rows(w, "SHOW CREATE VIEW raw.v"));
    run(w, "DROP VIEW raw.v");
    run_script(w, text);
    assert_non_null(
        strstr(text, "CREATE VIEW raw.v (\n  x COMMENT 'one',\n  \"y z\")\nCOMMENT 'c'"));
    assert_string_equal(rows(w, "SHOW CREATE VIEW raw.v"), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(makes_an_equal_table, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(tells_what_is_not_usual, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(views_are_made_again, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
