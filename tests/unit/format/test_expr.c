/* Filters: what metrics rule out, and what a filter says of partitions. A planner that keeps too
 * much is slow; one that keeps too little loses rows. tests/unit/lake/test_scan_random.c holds the
 * same over random tables. */
#include "iceberg_fixture.h"

#include <math.h>
#include <string.h>

#include "format/iceberg/expr.h"

#define FIELD 7

/* ---- one field's metrics */

struct known {
    struct tarn_field_metrics m;
    bool nothing;
};

static bool look_up(void *ctx, int32_t field_id, struct tarn_field_metrics *out)
{
    const struct known *k = ctx;
    assert_int_equal(field_id, FIELD);
    if (k->nothing)
        return false;
    *out = k->m;
    return true;
}

/* "rows nulls nans lower upper": - for what is not known. */
static struct known metrics(struct tarn_op *op, const struct tarn_type *t, int64_t rows,
                            int64_t nulls, int64_t nans, const char *lower, const char *upper)
{
    struct known k = {.m = {rows, nulls, nans, lower != NULL, upper != NULL, {0}, {0}}};
    if (lower)
        k.m.lower = ice_value(op, t, lower);
    if (upper)
        k.m.upper = ice_value(op, t, upper);
    return k;
}

static struct tarn_expr leaf(struct tarn_op *op, enum tarn_expr_op what, const struct tarn_type *t,
                             const char *const *values)
{
    struct tarn_expr e = {.op = what, .field_id = FIELD, .type = *t};
    while (values[e.value_count])
        e.value_count++;
    e.values = tarn_alloc_array(op, e.value_count + 1, sizeof *e.values);
    assert_non_null(e.values);
    for (size_t i = 0; i < e.value_count; i++)
        e.values[i] = ice_value(op, t, values[i]);
    return e;
}

static bool may(struct tarn_op *op, enum tarn_expr_op what, const struct tarn_type *t,
                const char *value, struct known k)
{
    const char *values[] = {value, NULL};
    struct tarn_expr e = leaf(op, what, t, values);
    return tarn_expr_may_match(&e, look_up, &k);
}

struct truth {
    enum tarn_expr_op op;
    const char *value;
    bool may;
};

static void hold(struct tarn_op *op, const struct tarn_type *t, struct known k,
                 const struct truth *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (may(op, table[i].op, t, table[i].value, k) != table[i].may) {
            print_error("row %zu: value %s\n", i, table[i].value ? table[i].value : "-");
            fail();
        }
}

/* ---- bounds */

static void comparisons_against_bounds(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    static const struct truth table[] = {
        {TARN_EXPR_LT, "10", false},      {TARN_EXPR_LT, "11", true},
        {TARN_EXPR_LE, "9", false},       {TARN_EXPR_LE, "10", true},
        {TARN_EXPR_GT, "20", false},      {TARN_EXPR_GT, "19", true},
        {TARN_EXPR_GE, "21", false},      {TARN_EXPR_GE, "20", true},
        {TARN_EXPR_EQ, "9", false},       {TARN_EXPR_EQ, "10", true},
        {TARN_EXPR_EQ, "20", true},       {TARN_EXPR_EQ, "21", false},
        {TARN_EXPR_NE, "10", true},       {TARN_EXPR_IN, "9", false},
        {TARN_EXPR_IN, "15", true},       {TARN_EXPR_NOT_IN, "15", true},
        {TARN_EXPR_IS_NULL, NULL, false}, {TARN_EXPR_NOT_NULL, NULL, true},
    };
    hold(op, &t, metrics(op, &t, 5, 0, -1, "10", "20"), table, COUNT(table));
}

static void negative_numbers_are_signed(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "long");
    struct known k = metrics(op, &t, 5, 0, -1, "-20", "-10");
    assert_true(may(op, TARN_EXPR_LT, &t, "-19", k));
    assert_false(may(op, TARN_EXPR_LT, &t, "-20", k));
    assert_false(may(op, TARN_EXPR_GT, &t, "-10", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "15", k));
    t = ice_type(op, "decimal(20,2)");
    k = metrics(op, &t, 5, 0, -1, "-0.05", "0.05");
    assert_true(may(op, TARN_EXPR_EQ, &t, "0.00", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "0.06", k));
    assert_false(may(op, TARN_EXPR_LT, &t, "-0.05", k));
}

/* An equality that equals one endpoint only, and files whose values are all one. */
static void one_value_files(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "string");
    struct known k = metrics(op, &t, 1, 0, -1, "b", "b");
    assert_true(may(op, TARN_EXPR_EQ, &t, "b", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "a", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "ba", k));
    assert_true(may(op, TARN_EXPR_NE, &t, "b", k)); /* bounds are inclusive, not exact: trap 16 */
    assert_true(may(op, TARN_EXPR_NOT_IN, &t, "b", k));
}

static void nothing_known_keeps(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "double");
    struct known nothing = {.nothing = true};
    for (int what = TARN_EXPR_IS_NULL; what <= TARN_EXPR_NOT_IN; what++) {
        assert_true(may(op, (enum tarn_expr_op)what, &t, "1.5", nothing));
        assert_true(
            may(op, (enum tarn_expr_op)what, &t, "1.5", metrics(op, &t, -1, -1, -1, NULL, NULL)));
        assert_true(
            may(op, (enum tarn_expr_op)what, &t, "1.5", metrics(op, &t, 9, -1, -1, NULL, NULL)));
    }
}

static void one_bound_alone(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct known lower = metrics(op, &t, 5, 0, -1, "10", NULL);
    struct known upper = metrics(op, &t, 5, 0, -1, NULL, "20");
    assert_false(may(op, TARN_EXPR_EQ, &t, "9", lower));
    assert_true(may(op, TARN_EXPR_EQ, &t, "900", lower));
    assert_true(may(op, TARN_EXPR_GT, &t, "900", lower));
    assert_false(may(op, TARN_EXPR_EQ, &t, "21", upper));
    assert_true(may(op, TARN_EXPR_LT, &t, "-900", upper));
}

/* ---- nulls */

static void nulls(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct known all = metrics(op, &t, 5, 5, -1, NULL, NULL);
    struct known some = metrics(op, &t, 5, 2, -1, "1", "3");
    for (int what = TARN_EXPR_LT; what <= TARN_EXPR_NOT_IN; what++)
        assert_false(may(op, (enum tarn_expr_op)what, &t, "2",
                         all)); /* a comparison with null is never true */
    assert_true(may(op, TARN_EXPR_IS_NULL, &t, NULL, all));
    assert_false(may(op, TARN_EXPR_NOT_NULL, &t, NULL, all));
    assert_true(may(op, TARN_EXPR_IS_NULL, &t, NULL, some));
    assert_true(may(op, TARN_EXPR_NOT_NULL, &t, NULL, some));
    assert_true(may(op, TARN_EXPR_NE, &t, "2", some));
    assert_false(may(op, TARN_EXPR_IS_NULL, &t, NULL, metrics(op, &t, 5, 0, -1, "1", "3")));
    assert_true(may(op, TARN_EXPR_IS_NULL, &t, NULL, metrics(op, &t, 5, -1, -1, "1", "3")));
}

/* A file without rows holds nothing; that its column has no values says nothing of its rows if it
 * lies in a list. */
static void a_file_without_values(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct known k = metrics(op, &t, 0, 0, -1, NULL, NULL);
    assert_false(may(op, TARN_EXPR_EQ, &t, "2", k));
    assert_false(may(op, TARN_EXPR_NOT_NULL, &t, NULL, k));
}

/* ---- trap 15: NaN is in no bound */

static void trap_15_nan(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "double");
    struct known none = metrics(op, &t, 5, 0, 0, "1.0", "3.0");
    struct known some = metrics(op, &t, 5, 0, 2, "1.0", "3.0");
    struct known unsaid = metrics(op, &t, 5, 0, -1, "1.0", "3.0");
    struct known all = metrics(op, &t, 5, 0, 5, NULL, NULL);
    /* the engine orders NaN above all numbers */
    assert_false(may(op, TARN_EXPR_GT, &t, "3.0", none));
    assert_true(may(op, TARN_EXPR_GT, &t, "3.0", some));
    assert_true(may(op, TARN_EXPR_GE, &t, "4.0", unsaid));
    assert_true(may(op, TARN_EXPR_GT, &t, "1e308", all));
    assert_false(may(op, TARN_EXPR_LT, &t, "1.0", some));
    assert_false(may(op, TARN_EXPR_EQ, &t, "4.0", some));
    assert_true(may(op, TARN_EXPR_NE, &t, "4.0", all));
    assert_false(may(op, TARN_EXPR_IS_NAN, &t, NULL, none));
    assert_true(may(op, TARN_EXPR_IS_NAN, &t, NULL, some));
    assert_true(may(op, TARN_EXPR_IS_NAN, &t, NULL, unsaid));
    assert_true(may(op, TARN_EXPR_NOT_NAN, &t, NULL, some));
    assert_false(may(op, TARN_EXPR_NOT_NAN, &t, NULL, all));
    assert_false(may(op, TARN_EXPR_IS_NAN, &t, NULL, metrics(op, &t, 5, 5, 0, NULL, NULL)));
    assert_true(may(op, TARN_EXPR_EQ, &t, "nan", some));
    assert_true(may(op, TARN_EXPR_EQ, &t, "nan", unsaid));
    assert_false(may(op, TARN_EXPR_EQ, &t, "nan", none));
    assert_true(may(op, TARN_EXPR_IN, &t, "nan", some));
    assert_true(may(op, TARN_EXPR_LE, &t, "nan", some)); /* all are <= NaN */
    assert_true(may(op, TARN_EXPR_LT, &t, "nan", none));
}

static void trap_25_zeros_of_both_signs(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "double");
    static const char *const zeros[] = {"-0.0", "0.0"};
    for (int bound = 0; bound < 2; bound++)
        for (int value = 0; value < 2; value++) {
            struct known low = metrics(op, &t, 3, 0, 0, zeros[bound], "5.0");
            struct known high = metrics(op, &t, 3, 0, 0, "-5.0", zeros[bound]);
            struct known only = metrics(op, &t, 3, 0, 0, zeros[bound], zeros[bound]);
            assert_true(may(op, TARN_EXPR_EQ, &t, zeros[value], low));
            assert_true(may(op, TARN_EXPR_EQ, &t, zeros[value], high));
            assert_true(may(op, TARN_EXPR_EQ, &t, zeros[value], only));
            assert_true(may(op, TARN_EXPR_IN, &t, zeros[value], only));
            assert_true(may(op, TARN_EXPR_LE, &t, zeros[value], low));
            assert_true(may(op, TARN_EXPR_GE, &t, zeros[value], high));
            assert_false(
                may(op, TARN_EXPR_EQ, &t, zeros[value], metrics(op, &t, 3, 0, 0, "1.0", "5.0")));
        }
}

/* ---- trap 16: bounds of text are cut */

static void trap_16_truncated_bounds(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "string");
    struct known k =
        metrics(op, &t, 5, 0, -1, "abc", "abd"); /* of "abcdef" and "abczzz" at width 3 */
    assert_true(may(op, TARN_EXPR_EQ, &t, "abcdef", k));
    assert_true(may(op, TARN_EXPR_EQ, &t, "abczzz", k));
    assert_true(may(op, TARN_EXPR_GT, &t, "abczz", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "abdz", k));
    assert_false(may(op, TARN_EXPR_EQ, &t, "abb", k));
    assert_true(may(op, TARN_EXPR_LE, &t, "abcd", k));
    assert_false(may(op, TARN_EXPR_LT, &t, "abc", k));
    /* an upper bound that could not be incremented is absent */
    k = metrics(op, &t, 5, 0, -1, "a", NULL);
    assert_true(may(op, TARN_EXPR_GT, &t, "\xf4\x8f\xbf\xbf\xf4\x8f\xbf\xbf", k));
}

static void prefixes(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "string");
    static const struct truth table[] = {
        {TARN_EXPR_STARTS_WITH, "a", false},    {TARN_EXPR_STARTS_WITH, "b", true},
        {TARN_EXPR_STARTS_WITH, "bb", true},    {TARN_EXPR_STARTS_WITH, "bbb", true},
        {TARN_EXPR_STARTS_WITH, "bbbb", true},  {TARN_EXPR_STARTS_WITH, "ba", false},
        {TARN_EXPR_STARTS_WITH, "dd", true},    {TARN_EXPR_STARTS_WITH, "ddd", false},
        {TARN_EXPR_STARTS_WITH, "de", false},   {TARN_EXPR_STARTS_WITH, "c", true},
        {TARN_EXPR_STARTS_WITH, "", true},      {TARN_EXPR_NOT_STARTS_WITH, "b", true},
        {TARN_EXPR_NOT_STARTS_WITH, "c", true},
    };
    hold(op, &t, metrics(op, &t, 5, 0, -1, "bbb", "dd"), table, COUNT(table));
    assert_false(may(op, TARN_EXPR_STARTS_WITH, &t, "b", metrics(op, &t, 5, 5, -1, NULL, NULL)));
    assert_true(may(op, TARN_EXPR_STARTS_WITH, &t, "b", metrics(op, &t, 5, 1, -1, NULL, NULL)));
}

/* ---- trap 14: a promoted column keeps its narrow bounds */

static void trap_14_promoted_bounds(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *from, *to, *value, *above;
    } cases[] = {
        {"int", "long", "-7", "-6"},
        {"float", "double", "1.5", "2.5"},
        {"decimal(4,2)", "decimal(12,2)", "-1.25", "1.25"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tarn_type from = ice_type(op, cases[i].from), to = ice_type(op, cases[i].to);
        struct tarn_value v = ice_value(op, &from, cases[i].value);
        struct tarn_str bytes;
        struct known k = metrics(op, &to, 1, 0, 0, NULL, NULL);
        ice_ok(op, tarn_value_to_bytes(op, &from, &v, &bytes));
        ice_ok(op, tarn_value_from_bytes(op, &to, bytes, &k.m.lower));
        k.m.upper = k.m.lower;
        k.m.has_lower = k.m.has_upper = true;
        assert_true(may(op, TARN_EXPR_EQ, &to, cases[i].value, k));
        assert_false(may(op, TARN_EXPR_EQ, &to, cases[i].above, k));
    }
}

/* ---- logic */

static void connectives(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct known k = metrics(op, &t, 5, 0, -1, "10", "20");
    const char *in[] = {"15", NULL}, *out[] = {"30", NULL};
    struct tarn_expr yes = leaf(op, TARN_EXPR_EQ, &t, in), no = leaf(op, TARN_EXPR_EQ, &t, out);
    struct tarn_expr both[] = {yes, no}, open[] = {{.op = TARN_EXPR_UNKNOWN}, no};
    struct tarn_expr e = {.op = TARN_EXPR_AND, .args = both, .arg_count = 2};
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_OR;
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.args = open;
    assert_true(tarn_expr_may_match(&e, look_up, &k)); /* what is not known may match */
    e.op = TARN_EXPR_AND;
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e = (struct tarn_expr){.op = TARN_EXPR_NOT, .args = &no, .arg_count = 1};
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.args = &yes; /* not(x = 15) may hold for others */
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e = (struct tarn_expr){.op = TARN_EXPR_FALSE};
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_TRUE;
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e = (struct tarn_expr){.op = TARN_EXPR_AND}; /* of nothing: true */
    assert_true(tarn_expr_may_match(&e, look_up, &k));
}

static void lists(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_type t = ice_type(op, "int");
    struct known k = metrics(op, &t, 5, 1, -1, "10", "20");
    const char *outside[] = {"1", "30", "9", "21", NULL}, *one[] = {"1", "30", "20", NULL};
    const char *with_null[] = {"1", "null", NULL};
    struct tarn_expr e = leaf(op, TARN_EXPR_IN, &t, outside);
    assert_false(tarn_expr_may_match(&e, look_up, &k));
    e = leaf(op, TARN_EXPR_IN, &t, one);
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e.op = TARN_EXPR_NOT_IN;
    assert_true(tarn_expr_may_match(&e, look_up, &k));
    e = leaf(op, TARN_EXPR_IN, &t, with_null); /* null is in no list */
    (void)tarn_expr_may_match(&e, look_up, &k);
}

/* ---- projection */

static struct tarn_schema schema_of(struct tarn_op *op, const char *type)
{
    struct tarn_schema s = {0};
    s.root.kind = TARN_TYPE_STRUCT;
    s.root.fields = tarn_alloc_array(op, 1, sizeof *s.root.fields);
    assert_non_null(s.root.fields);
    s.root.field_count = 1;
    s.root.fields[0] =
        (struct tarn_field){.id = FIELD, .name = TARN_STR("c"), .type = ice_type(op, type)};
    return s;
}

static const char *projected(struct tarn_op *op, const char *type, const char *transform,
                             enum tarn_expr_op what, const char *const *values)
{
    struct tarn_schema s = schema_of(op, type), names = schema_of(op, type);
    struct tarn_partition_field f = {.source_id = FIELD, .field_id = 1000, .name = TARN_STR("p")};
    struct tarn_partition_spec spec = {.fields = &f, .field_count = 1};
    struct tarn_expr e = leaf(op, what, &s.root.fields[0].type, values), out;
    ice_ok(op, tarn_transform_parse(op, tarn_str_view(transform), &f.transform));
    ice_ok(op, tarn_expr_project(op, &e, &s, &spec, &out));
    names.root.fields[0].id = 1000; /* the partition's own, for its text */
    names.root.fields[0].name = f.name;
    return tarn_expr_text(op, &names, &out).ptr;
}

static void projections_by_transform(void **state)
{
    struct tarn_op *op = *state;
    static const struct {
        const char *type, *transform;
        enum tarn_expr_op op;
        const char *value, *text;
    } cases[] = {
        {"int", "identity", TARN_EXPR_LT, "5", "p < 5"},
        {"int", "identity", TARN_EXPR_EQ, "5", "p = 5"},
        {"string", "identity", TARN_EXPR_IN, "x", "p in ('x')"},
        {"int", "truncate[10]", TARN_EXPR_LT, "10", "p <= 10"},
        {"int", "truncate[10]", TARN_EXPR_GT, "19", "p >= 10"},
        {"int", "truncate[10]", TARN_EXPR_EQ, "-1", "p = -10"},
        {"string", "truncate[2]", TARN_EXPR_GE, "abc", "p >= 'ab'"},
        {"date", "year", TARN_EXPR_GT, "2024-05-01", "p >= 54"},
        {"date", "month", TARN_EXPR_EQ, "1970-02-03", "p = 1"},
        {"timestamp", "day", TARN_EXPR_LE, "2024-02-29 23:59:59", "p <= 2024-02-29"},
        {"timestamptz", "hour", TARN_EXPR_EQ, "1970-01-01 01:30:00", "p = 1"},
        {"int", "truncate[10]", TARN_EXPR_IS_NULL, NULL, "p is null"},
        {"long", "bucket[16]", TARN_EXPR_NOT_NULL, NULL, "p is not null"},
        /* nothing follows: many values share a partition, or the order is lost */
        {"int", "truncate[10]", TARN_EXPR_NE, "5", "?"},
        {"int", "identity", TARN_EXPR_NOT_IN, "5", "?"},
        {"long", "bucket[16]", TARN_EXPR_LT, "5", "?"},
        {"long", "void", TARN_EXPR_EQ, "5", "?"},
        {"long", "void", TARN_EXPR_IS_NULL, NULL, "?"},
        {"long", "zorder[3]", TARN_EXPR_EQ, "5", "?"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *values[] = {cases[i].value, NULL};
        const char *text = projected(op, cases[i].type, cases[i].transform, cases[i].op, values);
        assert_string_equal(text, cases[i].text);
    }
}

/* A partition of truncate(3) holds words that start with "abcd" and words that do not. */
static void trap_17_not_starts_with(void **state)
{
    struct tarn_op *op = *state;
    static const char *const prefixes_[] = {"a", "abc", "abcd"};
    for (size_t i = 0; i < COUNT(prefixes_); i++) {
        const char *values[] = {prefixes_[i], NULL};
        assert_string_equal(
            projected(op, "string", "truncate[3]", TARN_EXPR_NOT_STARTS_WITH, values), "?");
        assert_string_equal(projected(op, "string", "truncate[3]", TARN_EXPR_NE, values), "?");
    }
}

static void trap_18_times_before_1970(void **state)
{
    struct tarn_op *op = *state;
    const char *last[] = {"1969-12-31 23:59:59.999999", NULL}, *day[] = {"1969-12-31", NULL};
    assert_string_equal(projected(op, "timestamp", "day", TARN_EXPR_LT, last), "p <= 1970-01-01");
    assert_string_equal(projected(op, "timestamp", "hour", TARN_EXPR_GT, last), "p >= -1");
    assert_string_equal(projected(op, "timestamp", "year", TARN_EXPR_GE, last), "p >= -1");
    assert_string_equal(projected(op, "date", "month", TARN_EXPR_GT, day), "p >= -1");
    /* writers that rounded towards 1970 put such rows one partition later: both are asked for */
    assert_string_equal(projected(op, "timestamp", "hour", TARN_EXPR_EQ, last), "p in (-1, 0)");
    assert_string_equal(projected(op, "date", "year", TARN_EXPR_IN, day), "p in (-1, 0)");
}

/* trap 19, and: a value whose partition does not exist must not make a query fail. */
static void trap_19_a_literal_at_the_edge_of_its_type(void **state)
{
    struct tarn_op *op = *state;
    const char *lowest[] = {"-9223372036854775808", NULL}, *low[] = {"-2147483648", NULL};
    const char *far[] = {"290000-01-01 00:00:00", NULL};
    const char *least[] = {"-99999999999999999999999999999999999999", NULL};
    assert_string_equal(projected(op, "long", "truncate[10]", TARN_EXPR_GE, lowest), "?");
    assert_string_equal(projected(op, "int", "truncate[10]", TARN_EXPR_GT, low), "?");
    assert_string_equal(projected(op, "decimal(38,0)", "truncate[50]", TARN_EXPR_EQ, least), "?");
    (void)projected(op, "timestamp", "hour", TARN_EXPR_LT, far);
}

static void several_fields_of_one_column(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s = schema_of(op, "long"), names = {0};
    struct tarn_partition_field f[] = {
        {.source_id = FIELD, .field_id = 1000, .name = TARN_STR("t")},
        {.source_id = 99, .field_id = 1001, .name = TARN_STR("other")},
        {.source_id = FIELD, .field_id = 1002, .name = TARN_STR("b")},
    };
    struct tarn_partition_spec spec = {.fields = f, .field_count = 3};
    const char *value[] = {"34", NULL};
    struct tarn_expr e = leaf(op, TARN_EXPR_EQ, &s.root.fields[0].type, value), out;
    ice_ok(op, tarn_transform_parse(op, TARN_STR("truncate[10]"), &f[0].transform));
    ice_ok(op, tarn_transform_parse(op, TARN_STR("identity"), &f[1].transform));
    ice_ok(op, tarn_transform_parse(op, TARN_STR("bucket[100]"), &f[2].transform));
    ice_ok(op, tarn_expr_project(op, &e, &s, &spec, &out));
    assert_string_equal(tarn_expr_text(op, &names, &out).ptr, "#1000 = 30 and #1002 = 79");
}

static void projection_keeps_the_logic(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s = schema_of(op, "int"), names = {0};
    struct tarn_partition_field f = {.source_id = FIELD, .field_id = 1000};
    struct tarn_partition_spec spec = {.fields = &f, .field_count = 1}, none = {0};
    const char *a[] = {"3", NULL}, *b[] = {"27", NULL};
    struct tarn_expr args[] = {leaf(op, TARN_EXPR_EQ, &s.root.fields[0].type, a),
                               leaf(op, TARN_EXPR_NE, &s.root.fields[0].type, b)};
    struct tarn_expr e = {.op = TARN_EXPR_OR, .args = args, .arg_count = 2}, out;
    ice_ok(op, tarn_transform_parse(op, TARN_STR("truncate[10]"), &f.transform));
    ice_ok(op, tarn_expr_project(op, &e, &s, &spec, &out));
    assert_string_equal(tarn_expr_text(op, &names, &out).ptr, "(#1000 = 0) or (?)");
    e.op = TARN_EXPR_NOT;
    e.arg_count = 1;
    ice_ok(op, tarn_expr_project(op, &e, &s, &spec, &out));
    assert_int_equal(out.op, TARN_EXPR_UNKNOWN); /* the negation of a projection would be wrong */
    ice_ok(op, tarn_expr_project(op, &args[0], &s, &none, &out));
    assert_int_equal(out.op, TARN_EXPR_UNKNOWN);
}

static void texts(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s = schema_of(op, "string");
    const char *many[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", NULL};
    struct tarn_expr e = leaf(op, TARN_EXPR_IN, &s.root.fields[0].type, many);
    assert_string_equal(tarn_expr_text(op, &s, &e).ptr,
                        "c in ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', ... 2 more)");
    const char *quote[] = {"it's", NULL};
    e = leaf(op, TARN_EXPR_NE, &s.root.fields[0].type, quote);
    assert_string_equal(tarn_expr_text(op, &s, &e).ptr, "c <> 'it''s'");
}

/* ---- memory */

struct sweep {
    struct tarn_schema s;
    struct tarn_partition_field f;
    struct tarn_expr e;
};

static enum tarn_status project(struct tarn_op *op, void *arg)
{
    struct sweep *w = arg;
    struct tarn_partition_spec spec = {.fields = &w->f, .field_count = 1};
    struct tarn_expr out;
    return tarn_expr_project(op, &w->e, &w->s, &spec, &out);
}

static void memory_runs_out(void **state)
{
    struct tarn_op *op = *state;
    struct sweep w = {.s = schema_of(op, "string"), .f = {.source_id = FIELD, .field_id = 1000}};
    const char *values[] = {"abc", "def", NULL};
    struct tarn_expr *args = tarn_alloc_array(op, 2, sizeof *args);
    args[0] = args[1] = leaf(op, TARN_EXPR_IN, &w.s.root.fields[0].type, values);
    w.e = (struct tarn_expr){.op = TARN_EXPR_AND, .args = args, .arg_count = 2};
    ice_ok(op, tarn_transform_parse(op, TARN_STR("truncate[2]"), &w.f.transform));
    ice_alloc_sweep(project, &w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ice_setup, ice_teardown)
    const struct CMUnitTest tests[] = {
        T(comparisons_against_bounds),
        T(negative_numbers_are_signed),
        T(one_value_files),
        T(nothing_known_keeps),
        T(one_bound_alone),
        T(nulls),
        T(a_file_without_values),
        T(trap_15_nan),
        T(trap_25_zeros_of_both_signs),
        T(trap_16_truncated_bounds),
        T(prefixes),
        T(trap_14_promoted_bounds),
        T(connectives),
        T(lists),
        T(projections_by_transform),
        T(trap_17_not_starts_with),
        T(trap_18_times_before_1970),
        T(trap_19_a_literal_at_the_edge_of_its_type),
        T(several_fields_of_one_column),
        T(projection_keeps_the_logic),
        T(texts),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
