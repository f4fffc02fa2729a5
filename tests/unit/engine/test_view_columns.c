/* What a scan presents of files that were written with other columns: nested fields that were
 * renamed, added, dropped or named anew; defaults; row lineage. */
#include "engine_fixture.h"

/* The table's schema becomes this one; the old one stays in its history. */
static void evolve(struct fixture *f, struct table *t, struct tarn_schema next)
{
    struct tarn_schema *all = tarn_alloc_array(&f->op, t->metadata.schema_count + 1, sizeof *all);
    assert_non_null(all);
    memcpy(all, t->metadata.schemas, t->metadata.schema_count * sizeof *all);
    all[t->metadata.schema_count] = next;
    t->metadata.schemas = all;
    t->metadata.schema_count++;
    t->schema = next;
    t->scan.nested_by_id = true;
}

static struct tarn_schema copy(struct fixture *f, const struct table *t)
{
    struct tarn_schema out;
    ok(f, tarn_schema_copy(&f->op, &t->schema, &out));
    return out;
}

static struct tarn_type *type_at(struct tarn_schema *s, const char *path)
{
    const struct tarn_field *field = tarn_schema_field_by_path(s, tarn_str_view(path));
    assert_non_null(field);
    return (struct tarn_type *)&field->type;
}

static void rename_field(struct tarn_schema *s, const char *path, const char *name)
{
    const struct tarn_field *field = tarn_schema_field_by_path(s, tarn_str_view(path));
    assert_non_null(field);
    ((struct tarn_field *)field)->name = tarn_str_view(name);
}

static void add_field(struct fixture *f, struct tarn_schema *s, const char *path, int32_t id,
                      const char *name, const char *type, const char *initial)
{
    struct tarn_type *t = path ? type_at(s, path) : &s->root;
    struct tarn_field *fields = tarn_alloc_array(&f->op, t->field_count + 1, sizeof *fields);
    memcpy(fields, t->fields, t->field_count * sizeof *fields);
    struct tarn_field *added = &fields[t->field_count++];
    *added = (struct tarn_field){.id = id, .name = tarn_str_view(name)};
    ok(f, tarn_type_parse(&f->op, tarn_str_view(type), &added->type));
    int32_t next = id + 1;
    tarn_type_assign_ids(&added->type, &next);
    if (initial)
        added->initial_default = tarn_str_view(initial);
    t->fields = fields;
}

static void test_nested_names(void **state)
{
    struct fixture *f = *state;
    /* ids: id 1, s 2, ls 3, m 4, s.a 5, s.b 6, ls.element 7, .p 8, .q 9, m.key, m.value .., */
    struct table *t = table_add(f, "raw", "t",
                                "struct<id: long, s: struct<a: int, b: string>, ls: "
                                "list<struct<p: int, q: int>>, m: map<string, struct<z: int>>>");
    const char *rows = "SELECT id, s, ls, m FROM raw.t ORDER BY id";
    table_insert(
        f, t,
        "SELECT 1::BIGINT AS id, {'a': 10, 'b': 'x'} AS s, [{'p': 1, 'q': 2}, NULL] AS ls, "
        "MAP {'k': {'z': 7}} AS m UNION ALL SELECT 2, NULL, NULL, NULL UNION ALL "
        "SELECT 3, {'a': NULL, 'b': NULL}, [], MAP {}");
    struct tarn_schema next = copy(f, t);
    int32_t p = tarn_schema_field_by_path(&next, TARN_STR("ls.element.p"))->id;
    rename_field(&next, "s.a", "b2");
    rename_field(&next, "s.b", "a"); /* a name that meant another field */
    rename_field(&next, "ls.element.q", "Q2");
    rename_field(&next, "m.value.z", "zz");
    add_field(f, &next, "s", 50, "b", "int", NULL);
    add_field(f, &next, "ls.element", 51, "q", "long", "77");
    assert_true(p > 0);
    evolve(f, t, next);
    assert_string_equal(rows_of(f, rows),
                        "1|{b2: 10, a: x, b: NULL}|[{p: 1, Q2: 2, q: 77}, NULL]|{k: {zz: 7}}\n"
                        "2|NULL|NULL|NULL\n"
                        "3|{b2: NULL, a: NULL, b: NULL}|[]|{}\n");
    /* together with a file that has the present names */
    table_insert(f, t,
                 "SELECT 4::BIGINT AS id, {'b2': 11, 'a': 'y', 'b': 12} AS s, "
                 "[{'p': 3, 'Q2': 4, 'q': 5::BIGINT}] AS ls, MAP {'l': {'zz': 8}} AS m");
    assert_string_equal(
        rows_of(f, "SELECT id, s.b2, s.b, ls[1].q, m['l'].zz FROM raw.t ORDER BY 1"),
        "1|10|NULL|77|NULL\n2|NULL|NULL|NULL|NULL\n3|NULL|NULL|NULL|NULL\n"
        "4|11|12|5|8\n");
    assert_string_equal(rows_of(f, "SELECT id FROM raw.t WHERE s.a = 'x' OR s.b = 12 ORDER BY 1"),
                        "1\n4\n");
}

/* None of the fields that the struct has now is in the file. */
static void test_struct_of_new_fields(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long, s: struct<a: int>>");
    table_insert(f, t, "SELECT 1::BIGINT AS id, {'a': 10} AS s UNION ALL SELECT 2, NULL");
    struct tarn_schema next = copy(f, t);
    type_at(&next, "s")->field_count = 0;
    add_field(f, &next, "s", 20, "a", "string", "\"new\"");
    evolve(f, t, next);
    assert_string_equal(rows_of(f, "SELECT id, s, s IS NULL FROM raw.t ORDER BY 1"),
                        "1|{a: new}|false\n2|NULL|true\n");
}

static void test_added_nested_columns(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long>");
    table_insert(f, t, "SELECT 1::BIGINT AS id");
    struct tarn_schema next = copy(f, t);
    add_field(f, &next, NULL, 10, "s", "struct<a: int, b: struct<c: string>>", "{}");
    add_field(f, &next, NULL, 20, "l", "list<int>", NULL);
    struct tarn_type *s = type_at(&next, "s");
    s->fields[0].initial_default = TARN_STR("5");
    s->fields[1].initial_default = TARN_STR("{}");
    s->fields[1].type.fields[0].initial_default = TARN_STR("\"it's\"");
    evolve(f, t, next);
    assert_string_equal(rows_of(f, "SELECT * FROM raw.t"), "1|{a: 5, b: {c: it's}}|NULL\n");
}

static void test_defaults(void **state)
{
    static const struct {
        const char *type, *initial, *want;
    } cases[] = {
        {"boolean", "true", "true"},
        {"int", "-5", "-5"},
        {"long", "9007199254740993", "9007199254740993"},
        {"float", "1.5", "1.5"},
        {"double", "-0.25", "-0.25"},
        {"decimal(9,2)", "\"14.20\"", "14.20"},
        {"decimal(38,0)", "\"99999999999999999999999999999999999999\"",
         "99999999999999999999999999999999999999"},
        {"date", "\"1969-12-31\"", "1969-12-31"},
        {"time", "\"22:31:08.123456\"", "22:31:08.123456"},
        {"timestamp", "\"2017-11-16T22:31:08.123456\"", "2017-11-16 22:31:08.123456"},
        {"timestamptz", "\"2017-11-16T22:31:08.123456+00:00\"", "2017-11-16 22:31:08.123456+00"},
        {"string", "\"it's \\\\x41 \\u00e9\"", "it's \\x41 \xc3\xa9"},
        {"uuid", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"",
         "f79c3e09-677c-4bbd-a479-3f349cb785e7"},
        {"fixed[4]", "\"00ff2741\"", "00FF2741"},
        {"binary", "\"5c00\"", "5C00"},
        {"binary", "\"\"", ""},
        {"string", "null", "NULL"},
    };
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long>");
    table_insert(f, t, "SELECT 1::BIGINT AS id");
    struct tarn_schema first = t->schema;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        t->schema = first;
        struct tarn_schema next = copy(f, t);
        add_field(f, &next, NULL, 10, "c", cases[i].type, cases[i].initial);
        t->schema = next;
        bool bytes = strstr(cases[i].type, "binary") || strstr(cases[i].type, "fixed");
        struct tarn_str want = tarn_sprintf(&f->op, "%s\n", cases[i].want);
        assert_string_equal(rows_of(f, bytes ? "SELECT hex(c) FROM raw.t" : "SELECT c FROM raw.t"),
                            want.ptr);
    }
    t->schema = first;
    struct tarn_schema next = copy(f, t);
    add_field(f, &next, NULL, 10, "c", "int", "\"five\"");
    t->schema = next;
    const char *out;
    assert_int_not_equal(try_rows(f, "SELECT c FROM raw.t", &out), TARN_OK);
}

static void test_lineage(void **state)
{
    struct fixture *f = *state;
    struct table *t = table_add(f, "raw", "t", "struct<id: long>");
    for (int i = 0; i < 3; i++) {
        struct tarn_str sql =
            tarn_sprintf(&f->op, "SELECT %d0::BIGINT + i AS id FROM range(2) r(i)", i);
        table_insert(f, t, sql.ptr);
    }
    struct tarn_data_file *files = tarn_alloc_array(&f->op, 4, sizeof *files);
    for (size_t i = 0; i < 3; i++) {
        files[i] = *t->scan.files[i].file;
        t->scan.files[i].file = &files[i];
        t->scan.files[i].sequence_number = (int64_t)i + 4;
        files[i].spec_id = (int32_t)i;
    }
    files[0].first_row_id = -1; /* from before version 3 */
    files[1].first_row_id = 0;
    files[2].first_row_id = 100;
    /* a file of rows that were moved: some keep what they were */
    struct tarn_str path = tarn_sprintf(&f->op, "%s/moved.parquet", f->folder);
    struct tarn_str copy_sql = tarn_sprintf(
        &f->op,
        "COPY (SELECT * FROM (VALUES (30::BIGINT, 7::BIGINT, 2::BIGINT), (31, 8, NULL), (32, NULL, "
        "NULL)) v(id, r, s)) TO '%s' (FORMAT parquet, FIELD_IDS {id: 1, r: 2147483540, s: "
        "2147483539})",
        path.ptr);
    ok(f, tarn_session_exec(f->session, &f->op, copy_sql));
    files[3] =
        (struct tarn_data_file){.path = path, .record_count = 3, .first_row_id = 200, .spec_id = 3};
    struct tarn_written one = {.files = &files[3], .count = 1};
    table_take(f, t, &one);
    t->scan.files[3].sequence_number = 9;
    assert_string_equal(
        rows_of(f, "SELECT id, _row_id, _last_updated_sequence_number, _spec_id, _pos FROM raw.t "
                   "ORDER BY id"),
        "0|NULL|NULL|0|0\n1|NULL|NULL|0|1\n"
        "10|0|5|1|0\n11|1|5|1|1\n"
        "20|100|6|2|0\n21|101|6|2|1\n"
        "30|7|2|3|0\n31|8|9|3|1\n32|202|9|3|2\n");
    t->scan.file_count = 0;
    assert_string_equal(rows_of(f, "SELECT id, _row_id, _spec_id, _file FROM raw.t"), "");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        T(test_nested_names),
        T(test_struct_of_new_fields),
        T(test_added_nested_columns),
        T(test_defaults),
        T(test_lineage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
