/* Reconciling a table's schema with what comes in: adds, promotions, replacements, order, case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "flow/flow.h"

static int begin(void **state)
{
    struct tarn_op *op = calloc(1, sizeof *op);
    assert_non_null(op);
    assert_int_equal(tarn_op_init(op, 0, 0), TARN_OK);
    *state = op;
    return 0;
}

static int end(void **state)
{
    tarn_op_release(*state);
    free(*state);
    return 0;
}

static struct tarn_type type_of(struct tarn_op *op, const char *text)
{
    struct tarn_type t;
    assert_int_equal(tarn_type_parse(op, tarn_str_view(text), &t), TARN_OK);
    return t;
}

static struct tarn_schema table_of(struct tarn_op *op, const char *text)
{
    struct tarn_schema s = {.root = type_of(op, text)};
    int32_t next = 1;
    tarn_type_assign_ids(&s.root, &next);
    return s;
}

/* "a#1 long, b#2 struct<x#3 int>": ids by name, 0 for new ones */
static void put_type(struct tarn_buf *b, struct tarn_op *op, const struct tarn_type *t)
{
    if (!tarn_type_is_nested(t)) {
        tarn_buf_str(b, tarn_type_text(op, t));
        return;
    }
    tarn_buf_z(b, t->kind == TARN_TYPE_STRUCT ? "{" : t->kind == TARN_TYPE_LIST ? "[" : "<");
    for (size_t i = 0; i < t->field_count; i++) {
        const struct tarn_field *f = &t->fields[i];
        tarn_buf_printf(b, "%s%.*s#%d%s ", i ? ", " : "", TARN_STR_ARG(f->name), f->id,
                        f->required && t->kind == TARN_TYPE_STRUCT ? "!" : "");
        put_type(b, op, &f->type);
    }
    tarn_buf_z(b, t->kind == TARN_TYPE_STRUCT ? "}" : t->kind == TARN_TYPE_LIST ? "]" : ">");
}

static const char *text_of(struct tarn_op *op, const struct tarn_type *t)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 1 << 20);
    put_type(&b, op, t);
    assert_int_equal(tarn_buf_take(op, &b, "type", &out), TARN_OK);
    return out.ptr;
}

static struct tarn_reconciled reconcile(struct tarn_op *op, const char *table, const char *wanted)
{
    struct tarn_reconciled r;
    struct tarn_schema s = table_of(op, table);
    struct tarn_type w = type_of(op, wanted);
    assert_int_equal(tarn_reconcile(op, &s, &w, TARN_STR("ingest_ts"), &r), TARN_OK);
    return r;
}

struct expected {
    const char *table, *wanted;
    const char *merged;  /* NULL: unchanged */
    const char *summary; /* "" = unchanged */
    const char *replaced;
};

static void hold(struct tarn_op *op, const struct expected *e)
{
    struct tarn_reconciled r = reconcile(op, e->table, e->wanted);
    struct tarn_schema s = table_of(op, e->table);
    const char *merged = text_of(op, &r.merged.root);
    const char *wanted = e->merged ? e->merged : text_of(op, &s.root);
    if (strcmp(merged, wanted) != 0 || !tarn_str_is(r.summary, e->summary))
        print_error("%s + %s\n", e->table, e->wanted);
    assert_string_equal(merged, wanted);
    assert_string_equal(r.summary.ptr, e->summary);
    assert_int_equal(r.changed, e->merged != NULL);
    assert_int_equal(r.replaced_count, e->replaced != NULL);
    if (e->replaced)
        assert_true(tarn_str_is(r.replaced[0], e->replaced));
}

#define HOLD(op, table)                                           \
    for (size_t i = 0; i < sizeof(table) / sizeof(table)[0]; i++) \
    hold((op), &(table)[i])

static void what_fits_changes_nothing(void **state)
{
    static const struct expected table[] = {
        {"struct<a: long>", "struct<a: long>", NULL, "", NULL},
        {"struct<a: long>", "struct<a: int>", NULL, "", NULL},
        {"struct<a: double>", "struct<a: float>", NULL, "", NULL},
        {"struct<a: double>", "struct<a: int>", NULL, "", NULL},
        {"struct<a: decimal(12,2)>", "struct<a: decimal(9,2)>", NULL, "", NULL},
        {"struct<a: decimal(21,2)>", "struct<a: long>", NULL, "", NULL},
        {"struct<a: decimal(12,2)>", "struct<a: int>", NULL, "", NULL},
        {"struct<a: long, b: string>", "struct<b: string>", NULL, "", NULL},
        {"struct<a: long, b: string>", "struct<b: string, a: long>", NULL, "", NULL},
        {"struct<a: list<struct<x: long>>>", "struct<a: list<struct<x: int>>>", NULL, "", NULL},
        {"struct<A: long>", "struct<a: long>", NULL, "", NULL},
        {"struct<a: struct<Xx: long>>", "struct<A: struct<xX: long>>", NULL, "", NULL},
    };
    HOLD(*state, table);
}

static void additions(void **state)
{
    static const struct expected table[] = {
        {"struct<a: long>", "struct<a: long, b: string>", "{a#1 long, b#0 string}", "adds b string",
         NULL},
        /* before the column that is named, in the order in which they came */
        {"struct<a: long, ingest_ts: timestamptz, _source_file: string>",
         "struct<z: int, a: long, c: int, ingest_ts: timestamptz, _source_file: string>",
         "{a#1 long, z#0 int, c#0 int, ingest_ts#2 timestamptz, _source_file#3 string}",
         "adds z int; adds c int", NULL},
        {"struct<s: struct<x: int>>", "struct<s: struct<y: long, x: int>>",
         "{s#1 {x#2 int, y#0 long}}", "adds s.y long", NULL},
        {"struct<l: list<struct<x: int>>>", "struct<l: list<struct<x: int, n: struct<d: date>>>>",
         "{l#1 [element#2 {x#3 int, n#0 {d#0 date}}]}", "adds l.element.n struct<d: date>", NULL},
        {"struct<m: map<string, struct<x: int>>>", "struct<m: map<string, struct<x: int, y: int>>>",
         "{m#1 <key#2 string, value#3 {x#4 int, y#0 int}>}", "adds m.value.y int", NULL},
        /* a nested ingest_ts is no place for new columns */
        {"struct<s: struct<ingest_ts: int, x: int>>", "struct<s: struct<n: int, x: int>>",
         "{s#1 {ingest_ts#2 int, x#3 int, n#0 int}}", "adds s.n int", NULL},
    };
    HOLD(*state, table);
}

static void promotions(void **state)
{
    static const struct expected table[] = {
        {"struct<a: int>", "struct<a: long>", "{a#1 long}", "widens a: int -> long", NULL},
        {"struct<a: float>", "struct<a: double>", "{a#1 double}", "widens a: float -> double",
         NULL},
        {"struct<a: decimal(9,2)>", "struct<a: decimal(12,2)>", "{a#1 decimal(12, 2)}",
         "widens a: decimal(9, 2) -> decimal(12, 2)", NULL},
        {"struct<l: list<struct<x: int>>>", "struct<l: list<struct<x: long>>>",
         "{l#1 [element#2 {x#3 long}]}", "widens l.element.x: int -> long", NULL},
        {"struct<l: list<int>>", "struct<l: list<long>>", "{l#1 [element#2 long]}",
         "widens l.element: int -> long", NULL},
    };
    HOLD(*state, table);
}

/* A replaced column has a new id; inside of a column, all of it is new: names inside must never
 * mean two ids. */
static void replacements(void **state)
{
    static const struct expected table[] = {
        {"struct<a: long, b: int>", "struct<a: double, b: int>", "{a#0 double, b#2 int}",
         "replaces a: long -> double", "a"},
        {"struct<a: long>", "struct<a: string>", "{a#0 string}", "replaces a: long -> string", "a"},
        {"struct<a: string>", "struct<a: long>", "{a#0 long}", "replaces a: string -> long", "a"},
        {"struct<a: struct<x: int>>", "struct<a: string>", "{a#0 string}",
         "replaces a: struct<x: int> -> string", "a"},
        {"struct<a: string>", "struct<a: list<int>>", "{a#0 [element#0 int]}",
         "replaces a: string -> list<int>", "a"},
        {"struct<a: decimal(9,2)>", "struct<a: decimal(9,3)>", "{a#0 decimal(9, 3)}",
         "replaces a: decimal(9, 2) -> decimal(9, 3)", "a"},
        {"struct<k: int, l: list<struct<x: long, y: string>>>",
         "struct<k: int, l: list<struct<x: string, y: string>>>",
         "{k#1 int, l#0 [element#0 {x#0 string, y#0 string}]}",
         "replaces l.element.x: long -> string", "l"},
        {"struct<s: struct<x: long, t: struct<y: int>>>", "struct<s: struct<x: double>>",
         "{s#0 {x#0 double, t#0 {y#0 int}}}", "replaces s.x: long -> double", "s"},
        {"struct<m: map<string, long>>", "struct<m: map<string, string>>",
         "{m#0 <key#0 string, value#0 string>}", "replaces m.value: long -> string", "m"},
    };
    HOLD(*state, table);
}

static void several_at_once(void **state)
{
    static const struct expected table[] = {
        {"struct<a: long, s: struct<x: int>, ingest_ts: timestamptz>",
         "struct<a: string, s: struct<x: long, y: int>, n: int, ingest_ts: timestamptz>",
         "{a#0 string, s#2 {x#4 long, y#0 int}, n#0 int, ingest_ts#3 timestamptz}",
         "replaces a: long -> string; widens s.x: int -> long; adds s.y int; adds n int", "a"},
    };
    HOLD(*state, table);
}

static void a_new_table_is_what_is_wanted(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_reconciled r;
    struct tarn_type w = type_of(op, "struct<a: long, s: struct<x: int>>");
    assert_int_equal(tarn_reconcile(op, NULL, &w, TARN_STR("ingest_ts"), &r), TARN_OK);
    assert_true(r.changed);
    assert_string_equal(text_of(op, &r.merged.root), "{a#0 long, s#0 {x#0 int}}");
    assert_int_equal(r.replaced_count, 0);
}

/* What comes in has a name in two cases: exactly one of them can be the table's column. */
static void two_cases_of_one_name(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_reconciled r;
    struct tarn_schema s = table_of(op, "struct<Amount: long>");
    struct tarn_type w = type_of(op, "struct<amount: long, Amount: long>");
    assert_int_equal(tarn_reconcile(op, &s, &w, (struct tarn_str){NULL, 0}, &r), TARN_SCHEMA);
    assert_non_null(strstr(op->report.message, "amount"));
    tarn_clear(op);
    w = type_of(op, "struct<n: struct<x: int, X: int>>");
    assert_int_equal(tarn_reconcile(op, &s, &w, (struct tarn_str){NULL, 0}, &r), TARN_SCHEMA);
}

/* The words for people have a limit, the schema has none of that kind. */
static void very_many_columns(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_reconciled r;
    struct tarn_schema s = table_of(op, "struct<a: long>");
    struct tarn_type w = {.kind = TARN_TYPE_STRUCT};
    const size_t n = 4000;
    w.fields = tarn_alloc_array(op, n, sizeof *w.fields);
    assert_non_null(w.fields);
    w.field_count = n;
    for (size_t i = 0; i < n; i++) {
        w.fields[i].name = tarn_sprintf(op, "a_rather_long_name_of_column_%zu", i);
        w.fields[i].type.kind = TARN_TYPE_STRING;
    }
    assert_int_equal(tarn_reconcile(op, &s, &w, (struct tarn_str){NULL, 0}, &r), TARN_OK);
    assert_int_equal(r.merged.root.field_count, n + 1);
    assert_true(r.summary.len > 0 && r.summary.len < 1 << 16);
    struct tarn_field *wide = tarn_alloc(op, sizeof *wide); /* all of them in one struct */
    assert_non_null(wide);
    *wide = (struct tarn_field){.name = TARN_STR("wide"), .type = w};
    struct tarn_type one = {.kind = TARN_TYPE_STRUCT, .fields = wide, .field_count = 1};
    assert_int_equal(tarn_reconcile(op, &s, &one, (struct tarn_str){NULL, 0}, &r), TARN_OK);
    assert_true(tarn_str_ends(r.summary, TARN_STR("...")));
    assert_true(r.summary.len < 1000);
}

static void memory_runs_out(void **state)
{
    struct tarn_op *op = *state;
    struct tarn_schema s = table_of(op, "struct<a: long, l: list<struct<x: long>>>");
    struct tarn_type w =
        type_of(op, "struct<b: int, a: string, l: list<struct<x: string, y: int>>>");
    for (long n = 1;; n++) {
        struct tarn_reconciled r;
        tarn_alloc_fail_at(n);
        enum tarn_status status = tarn_reconcile(op, &s, &w, TARN_STR("l"), &r);
        tarn_alloc_fail_at(0);
        if (status == TARN_OK) {
            assert_true(n > 10);
            assert_string_equal(text_of(op, &r.merged.root),
                                "{a#0 string, b#0 int, l#0 [element#0 {x#0 string, y#0 int}]}");
            break;
        }
        assert_int_equal(status, TARN_NOMEM);
        assert_int_equal(op->report.status, TARN_NOMEM);
        tarn_clear(op);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(what_fits_changes_nothing),
        T(additions),
        T(promotions),
        T(replacements),
        T(several_at_once),
        T(a_new_table_is_what_is_wanted),
        T(two_cases_of_one_name),
        T(very_many_columns),
        T(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
