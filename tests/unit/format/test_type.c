/* Types: their text, comparing, promotion, ids, paths. */
#include "iceberg_fixture.h"

#include <stdio.h>

static const struct {
    const char *in, *out;
} SPELLINGS[] = {
    {"int", "int"},
    {"INTEGER", "int"},
    {"smallint", "int"},
    {"tinyint", "int"},
    {"bigint", "long"},
    {" Long ", "long"},
    {"real", "float"},
    {"double", "double"},
    {"double precision", "double"},
    {"decimal(18,2)", "decimal(18, 2)"},
    {"NUMERIC( 9 , 2 )", "decimal(9, 2)"},
    {"decimal(5)", "decimal(5, 0)"},
    {"decimal(38,38)", "decimal(38, 38)"},
    {"date", "date"},
    {"time", "time"},
    {"time(6) without time zone", "time"},
    {"timestamp", "timestamp"},
    {"timestamp(3)", "timestamp"},
    {"timestamp(9)", "timestamp_ns"},
    {"timestamp without time zone", "timestamp"},
    {"timestamp_ntz", "timestamp"},
    {"datetime", "timestamp"},
    {"timestamptz", "timestamptz"},
    {"timestamptz(7)", "timestamptz_ns"},
    {"TIMESTAMP WITH TIME ZONE", "timestamptz"},
    {"timestamp(6) with local time zone", "timestamptz"},
    {"timestamp_ltz", "timestamptz"},
    {"timestamp_ns", "timestamp_ns"},
    {"timestamptz_ns", "timestamptz_ns"},
    {"string", "string"},
    {"varchar(20)", "string"},
    {"varchar", "string"},
    {"character varying(3)", "string"},
    {"char(1)", "string"},
    {"text", "string"},
    {"uuid", "uuid"},
    {"fixed[16]", "fixed[16]"},
    {"fixed(16)", "fixed[16]"},
    {"binary", "binary"},
    {"blob", "binary"},
    {"bytea", "binary"},
    {"varbinary(9)", "binary"},
    {"boolean", "boolean"},
    {"bool", "boolean"},
    {"unknown", "unknown"},
    {"variant", "variant"},
    {"geometry", "geometry"},
    {"geometry(srid:4326)", "geometry(srid:4326)"},
    {"geography(srid:4326, spherical)", "geography(srid:4326, spherical)"},
    {"string[]", "list<string>"},
    {"int[][]", "list<list<int>>"},
    {"fixed[4][]", "list<fixed[4]>"},
    {"array<int>", "list<int>"},
    {"array(varchar)", "list<string>"},
    {"list<int not null>", "list<int not null>"},
    {"map<string, int>", "map<string, int>"},
    {"map(varchar, array(double))", "map<string, list<double>>"},
    {"struct<a: int>", "struct<a: int>"},
    {"array<struct<a: int>>", "list<struct<a: int>>"},
    {"STRUCT(a INTEGER, \"b c\" VARCHAR)", "struct<a: int, \"b c\": string>"},
    {"row(a bigint, b timestamp(6) with time zone)", "struct<a: long, b: timestamptz>"},
    {"struct<a:int COMMENT 'it''s',b:string NOT NULL>", "struct<a: int, b: string not null>"},
    {"struct<`x``y`: struct<z: decimal(3,1)[]>>",
     "struct<\"x`y\": struct<z: list<decimal(3, 1)>>>"},
    {"struct<int: int, struct: string>", "struct<int: int, struct: string>"},
};

static void spelling_becomes_the_type(void **state)
{
    struct tarn_op *op = *state;
    for (size_t i = 0; i < COUNT(SPELLINGS); i++) {
        struct tarn_type t = ice_type(op, SPELLINGS[i].in), again;
        struct tarn_str text = tarn_type_text(op, &t);
        ice_text_is(text, SPELLINGS[i].out);
        ice_ok(op, tarn_type_parse(op, text, &again));
        assert_true(tarn_type_same_shape(&t, &again));
    }
}

static const struct {
    const char *in;
    enum tarn_status status;
    const char *part;
} REFUSED[] = {
    {"", TARN_INVALID, "expected the name of a type at character 1"},
    {"inte", TARN_INVALID, "there is no type \"inte\""},
    {"numeric", TARN_INVALID, "needs its precision"},
    {"decimal(0,0)", TARN_INVALID, "precision of a decimal is 1 to 38"},
    {"decimal(39,0)", TARN_INVALID, "1 to 38"},
    {"decimal(99999999999999999999,0)", TARN_INVALID, "expected a number"},
    {"decimal(4,5)", TARN_INVALID, "at most its precision at character 11"},
    {"decimal(4,-1)", TARN_INVALID, "expected a number"},
    {"decimal(4", TARN_INVALID, "expected ')' at character 10"},
    {"fixed", TARN_INVALID, "needs its length"},
    {"fixed[0]", TARN_INVALID, "at least 1"},
    {"fixed[4)", TARN_INVALID, "expected ']'"},
    {"int int", TARN_INVALID, "unexpected text at character 5"},
    {"int]", TARN_INVALID, "unexpected text"},
    {"int[3]", TARN_INVALID, "expected ']'"},
    {"timestamp with", TARN_INVALID, "expected \"time zone\""},
    {"timestamp(12)", TARN_INVALID, "too large"},
    {"time with time zone", TARN_INVALID, "no time of day with a zone"},
    {"time(9)", TARN_INVALID, "at most 6 digits"},
    {"list", TARN_INVALID, "expected '<'"},
    {"list<int", TARN_INVALID, "expected '>'"},
    {"list<int)", TARN_INVALID, "expected '>'"},
    {"map<int>", TARN_INVALID, "expected ','"},
    {"struct<>", TARN_INVALID, "expected the name of a field"},
    {"struct<a int,>", TARN_INVALID, "expected the name of a field"},
    {"struct<a: int, a: string>", TARN_INVALID, "two fields \"a\""},
    {"struct<\"a: int>", TARN_INVALID, "the quote is not closed at character 8"},
    {"struct<\"\": int>", TARN_INVALID, "expected the name of a field"},
    {"struct<a: int comment x>", TARN_INVALID, "comment"},
    {"struct<\xff: int>", TARN_INVALID, "not valid UTF-8"},
    {"geometry(", TARN_INVALID, "expected ')'"},
    {"binary(4)", TARN_INVALID, "unexpected text"},
};

static void wrong_text_is_refused_with_its_place(void **state)
{
    struct tarn_op *op = *state;
    for (size_t i = 0; i < COUNT(REFUSED); i++) {
        struct tarn_type t;
        ice_fails(op, tarn_type_parse(op, tarn_str_view(REFUSED[i].in), &t), REFUSED[i].status,
                  REFUSED[i].part);
    }
    struct tarn_type t;
    assert_int_equal(tarn_type_parse(op, TARN_STR("numeric"), &t), TARN_INVALID);
    assert_non_null(strstr(op->report.hint, "decimal(18, 2)"));
    assert_int_equal(tarn_type_parse(op, TARN_STR("strng"), &t), TARN_INVALID);
    assert_string_equal(op->report.hint, "did you mean string?");
}

static void depth_is_bounded(void **state)
{
    struct tarn_op *op = *state;
    char text[4096] = "";
    struct tarn_type t;
    for (int i = 0; i < 64; i++)
        strcat(text, "list<");
    strcat(text, "int");
    for (int i = 0; i < 64; i++)
        strcat(text, ">");
    ice_ok(op, tarn_type_parse(op, tarn_str_view(text), &t));
    strcat(text, "[]");
    ice_fails(op, tarn_type_parse(op, tarn_str_view(text), &t), TARN_LIMIT, "64 levels");
    strcpy(text, "int");
    for (int i = 0; i < 65; i++)
        strcat(text, "[]");
    ice_fails(op, tarn_type_parse(op, tarn_str_view(text), &t), TARN_LIMIT, "64 levels");
    text[0] = '\0';
    for (int i = 0; i < 500; i++)
        strcat(text, "list<");
    ice_fails(op, tarn_type_parse(op, tarn_str_view(text), &t), TARN_LIMIT, "64 levels");
}

static void docs_and_requiredness_are_kept(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t =
        ice_type(op, "struct<a: int not null comment 'it''s', b: map<string, int not null>>");
    assert_true(t.fields[0].required);
    ice_text_is(t.fields[0].doc, "it's");
    assert_false(t.fields[1].required);
    const struct tarn_type *map = &t.fields[1].type;
    ice_text_is(map->fields[0].name, "key");
    assert_true(map->fields[0].required);
    ice_text_is(map->fields[1].name, "value");
    assert_true(map->fields[1].required);
}

/* All primitive types against one another: which promotions hold in v2, and which in v3 besides. */
static void promotion_table(void **state)
{
    struct tarn_op *op = *state;
    static const char *const types[] = {"boolean",       "int",
                                        "long",          "float",
                                        "double",        "decimal(9,2)",
                                        "decimal(10,2)", "decimal(10,3)",
                                        "date",          "time",
                                        "timestamp",     "timestamptz",
                                        "timestamp_ns",  "timestamptz_ns",
                                        "string",        "uuid",
                                        "fixed[4]",      "fixed[5]",
                                        "binary",        "unknown",
                                        "variant",       "geometry",
                                        "geography",     "struct<a: int>",
                                        "list<int>",     "map<string, int>"};
    static const char *const v2[][2] = {
        {"int", "long"}, {"float", "double"}, {"decimal(9,2)", "decimal(10,2)"}};
    static const char *const v3[][2] = {{"date", "timestamp"}, {"date", "timestamp_ns"}};
    for (size_t i = 0; i < COUNT(types); i++) {
        for (size_t k = 0; k < COUNT(types); k++) {
            struct tarn_type from = ice_type(op, types[i]), to = ice_type(op, types[k]);
            bool in_v2 = i == k, in_v3 = strcmp(types[i], "unknown") == 0;
            for (size_t n = 0; n < COUNT(v2); n++)
                in_v2 |= !strcmp(types[i], v2[n][0]) && !strcmp(types[k], v2[n][1]);
            for (size_t n = 0; n < COUNT(v3); n++)
                in_v3 |= !strcmp(types[i], v3[n][0]) && !strcmp(types[k], v3[n][1]);
            assert_int_equal(tarn_type_promotes(&from, &to, 1), in_v2);
            assert_int_equal(tarn_type_promotes(&from, &to, 2), in_v2);
            assert_int_equal(tarn_type_promotes(&from, &to, 3), in_v2 || in_v3);
        }
    }
}

static void ids_are_given_level_by_level(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "struct<a: int, b: struct<c: int, d: list<struct<e: int>>>, "
                                      "f: map<string, struct<g: int>>>");
    int32_t next = 10;
    t.fields[0].id = 3; /* has one already */
    tarn_type_assign_ids(&t, &next);
    struct tarn_schema s = {.root = t};
    static const struct {
        const char *path;
        int32_t id;
    } ids[] = {{"a", 3},
               {"b", 10},
               {"f", 11},
               {"b.c", 12},
               {"b.d", 13},
               {"b.d.element", 14},
               {"b.d.element.e", 15},
               {"f.key", 16},
               {"f.value", 17},
               {"f.value.g", 18}};
    for (size_t i = 0; i < COUNT(ids); i++) {
        const struct tarn_field *f = tarn_schema_field_by_path(&s, tarn_str_view(ids[i].path));
        assert_non_null(f);
        assert_int_equal(f->id, ids[i].id);
        assert_ptr_equal(tarn_schema_field_by_id(&s, ids[i].id), f);
        ice_text_is(tarn_schema_path_of(op, &s, ids[i].id), ids[i].path);
    }
    assert_int_equal(next, 19);
    assert_int_equal(tarn_schema_highest_id(&s), 18);
    assert_null(tarn_schema_field_by_path(&s, TARN_STR("b.x")));
    assert_null(tarn_schema_field_by_path(&s, TARN_STR("b.d.")));
    assert_null(tarn_schema_field_by_path(&s, TARN_STR("")));
    assert_null(tarn_schema_field_by_id(&s, 99));
    assert_null(tarn_schema_path_of(op, &s, 99).ptr);
    assert_int_equal(tarn_type_leaf_count(&t), 5);
}

static void a_name_may_hold_dots(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s = {
        .root = ice_type(op, "struct<a: struct<b: int>, \"a.c\": int, \"a.b\": struct<d: int>>")};
    int32_t next = 1;
    tarn_type_assign_ids(&s.root, &next);
    assert_int_equal(tarn_schema_field_by_path(&s, TARN_STR("a.c"))->id, 2);
    assert_int_equal(tarn_schema_field_by_path(&s, TARN_STR("a.b.d"))->id, 5);
    assert_ptr_equal(tarn_type_field_by_name(&s.root, TARN_STR("a.c")), &s.root.fields[1]);
    assert_null(tarn_type_field_by_name(&s.root, TARN_STR("A")));
}

static void copies_are_deep_and_equal(void **state)
{
    struct tarn_op *op = *state;
    int32_t ids[] = {1, 2};
    struct tarn_schema s = {
        .schema_id = 4,
        .root =
            ice_type(op, "struct<a: int not null comment 'x', b: string not null, g: geometry(x)>"),
        .identifier_ids = ids,
        .identifier_count = 2};
    struct tarn_schema copy;
    s.root.fields[0].write_default = TARN_STR("7");
    ice_ok(op, tarn_schema_copy(op, &s, &copy));
    assert_int_equal(copy.schema_id, 4);
    assert_true(tarn_type_eq(&s.root, &copy.root));
    assert_ptr_not_equal(s.root.fields, copy.root.fields);
    assert_ptr_not_equal(s.identifier_ids, copy.identifier_ids);
    assert_int_equal(copy.identifier_ids[1], 2);
    ice_text_is(copy.root.fields[0].doc, "x");
    ice_text_is(copy.root.fields[0].write_default, "7");
    assert_null(copy.root.fields[1].doc.ptr);
    copy.root.fields[0].id = 9;
    assert_false(tarn_type_eq(&s.root, &copy.root));
    assert_true(tarn_type_same_shape(&s.root, &copy.root));
    copy.root.fields[0].required = false;
    assert_false(tarn_type_same_shape(&s.root, &copy.root));
}

static enum tarn_status parse_and_print(struct tarn_op *op, void *arg)
{
    struct tarn_type t, copy;
    TARN_TRY(tarn_type_parse(op, tarn_str_view(arg), &t));
    TARN_TRY(tarn_type_copy(op, &t, &copy));
    return tarn_type_text(op, &copy).ptr ? TARN_OK : op->report.status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char text[] =
        "struct<a: int comment 'x', b: list<map<string, geometry(y)>>, \"c c\": decimal(3,1)[]>";
    ice_alloc_sweep(parse_and_print, text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spelling_becomes_the_type, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(wrong_text_is_refused_with_its_place, ice_setup,
                                        ice_teardown),
        cmocka_unit_test_setup_teardown(depth_is_bounded, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(docs_and_requiredness_are_kept, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(promotion_table, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(ids_are_given_level_by_level, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(a_name_may_hold_dots, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(copies_are_deep_and_equal, ice_setup, ice_teardown),
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, ice_setup, ice_teardown),
    };
    return cmocka_run_group_tests_name("type", tests, NULL, NULL);
}
