/* The conformance suite of catalog.h: the same rules in every implementation. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "catalog_fixture.h"

/* ---- the implementations */

static void open_new_sqlite(struct fixture *f)
{
    assert_ok(f, open_sqlite(f, NULL, &f->c));
}

static void open_v0_sqlite(struct fixture *f)
{
    char folder[sizeof f->folder + 8];
    (void)snprintf(folder, sizeof folder, "%s/wh", f->folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    run_sql(f->path, v0_schema);
    assert_ok(f, open_sqlite(f, NULL, &f->c));
}

static void open_shared_sqlite(struct fixture *f)
{
    open_new_sqlite(f);
    tarn_catalog_close(f->c);
    run_sql(f->path,
            "INSERT INTO iceberg_tables VALUES ('other', 'raw', 't', 'file:/o', NULL, 'TABLE');"
            "INSERT INTO iceberg_namespace_properties VALUES ('other', 'a.b', 'exists', 'true')");
    assert_ok(f, open_sqlite(f, "mine", &f->c));
}

static void open_mem(struct fixture *f)
{
    assert_ok(f, tarn_catalog_mem_open(&f->op, (struct tarn_str){NULL, 0}, &f->c));
}

struct backend {
    const char *name;
    const char *catalog_name;
    void (*open)(struct fixture *);
};
static struct backend backends[] = {
    {"sqlite", "iceberg", open_new_sqlite},
    {"sqlite, schema V0", "iceberg", open_v0_sqlite},
    {"sqlite, beside another catalog", "mine", open_shared_sqlite},
    {"mem", "iceberg", open_mem},
};

static int setup(void **state)
{
    const struct backend *b = *state;
    struct fixture *f = fixture_new();
    b->open(f);
    assert_str(f->c->catalog_name, b->catalog_name);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

static void assert_idents(struct fixture *f, const char *ns, const char *expected)
{
    struct tarn_idents got;
    char text[512] = "";
    assert_ok(f, tarn_catalog_list_tables(f->c, &f->op, tarn_str_view(ns), &got));
    for (size_t i = 0; i < got.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s|%.*s", i ? " " : "",
                       TARN_STR_ARG(got.items[i].ns), TARN_STR_ARG(got.items[i].name));
    assert_string_equal(text, expected);
}

static void assert_namespaces(struct fixture *f, const char *expected)
{
    struct tarn_names got;
    char text[512] = "";
    assert_ok(f, tarn_catalog_list_namespaces(f->c, &f->op, &got));
    for (size_t i = 0; i < got.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", i ? " " : "",
                       TARN_STR_ARG(got.items[i]));
    assert_string_equal(text, expected);
}

static void assert_properties(struct fixture *f, const char *ns, const char *expected)
{
    struct tarn_properties got;
    char text[512] = "";
    assert_ok(f, tarn_catalog_namespace_properties(f->c, &f->op, tarn_str_view(ns), &got));
    for (size_t i = 0; i < got.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s=%.*s", i ? " " : "",
                       TARN_STR_ARG(got.items[i].key), TARN_STR_ARG(got.items[i].value));
    assert_string_equal(text, expected);
}

/* ---- tables */

static void create_swap_load_drop(void **state)
{
    struct fixture *f = *state;
    struct tarn_ident t = ident("raw", "t");
    struct tarn_str got;
    make_namespace(f, "raw");
    assert_status(f, tarn_catalog_load(f->c, &f->op, t, &got), TARN_NOT_FOUND);
    assert_ok(f, swap(f, f->c, t, NULL, "file:/m/1"));
    assert_location(f, t, "file:/m/1");
    assert_ok(f, swap(f, f->c, t, "file:/m/1", "file:/m/2"));
    assert_ok(f, swap(f, f->c, t, "file:/m/2", "file:/m/3"));
    assert_location(f, t, "file:/m/3");
    assert_ok(f, swap(f, f->c, t, "file:/m/3", NULL));
    assert_status(f, tarn_catalog_load(f->c, &f->op, t, &got), TARN_NOT_FOUND);
    assert_ok(f, swap(f, f->c, t, NULL, "file:/m/4"));
    assert_location(f, t, "file:/m/4");
}

static void stale_swaps_are_conflicts(void **state)
{
    struct fixture *f = *state;
    struct tarn_ident t = ident("raw", "t");
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, t, NULL, "m1"));
    assert_ok(f, swap(f, f->c, t, "m1", "m2"));
    assert_status(f, swap(f, f->c, t, "m1", "m3"), TARN_CONFLICT);
    assert_contains(f->op.report.detail, "raw.t");
    assert_contains(f->op.report.detail, "expected m1, found m2");
    assert_status(f, swap(f, f->c, t, "m1", NULL), TARN_CONFLICT);
    assert_status(f, swap(f, f->c, t, "M2", "m3"), TARN_CONFLICT);
    assert_status(f, swap(f, f->c, t, NULL, "m3"), TARN_EXISTS);
    assert_location(f, t, "m2");
}

static void missing_things_are_not_found(void **state)
{
    struct fixture *f = *state;
    assert_status(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"), TARN_NOT_FOUND);
    assert_contains(f->op.report.message, "namespace");
    make_namespace(f, "raw");
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_NOT_FOUND);
    assert_contains(f->op.report.message, "raw.t");
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", NULL), TARN_NOT_FOUND);
}

static void a_commit_of_several_is_all_or_none(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "a"), NULL, "a1"));
    assert_ok(f, swap(f, f->c, ident("raw", "b"), NULL, "b1"));
    assert_ok(f, swap(f, f->c, ident("raw", "d"), NULL, "d1"));
    struct tarn_swap good[] = {
        {ident("raw", "a"), TARN_STR("a1"), TARN_STR("a2")},
        {ident("raw", "b"), TARN_STR("b1"), TARN_STR("b2")},
        {ident("raw", "c"), {NULL, 0}, TARN_STR("c1")},
        {ident("raw", "d"), TARN_STR("d1"), {NULL, 0}},
    };
    assert_ok(f, tarn_catalog_commit(f->c, &f->op, good, 4));
    assert_idents(f, "raw", "raw|a raw|b raw|c");
    assert_location(f, ident("raw", "b"), "b2");

    struct tarn_swap bad[] = {
        {ident("raw", "a"), TARN_STR("a2"), TARN_STR("a3")},
        {ident("raw", "e"), {NULL, 0}, TARN_STR("e1")},
        {ident("raw", "c"), TARN_STR("c1"), {NULL, 0}},
        {ident("raw", "b"), TARN_STR("b1"), TARN_STR("b3")},
    };
    assert_status(f, tarn_catalog_commit(f->c, &f->op, bad, 4), TARN_CONFLICT);
    assert_contains(f->op.report.detail, "raw.b");
    bad[3] = (struct tarn_swap){ident("nowhere", "x"), {NULL, 0}, TARN_STR("x1")};
    assert_status(f, tarn_catalog_commit(f->c, &f->op, bad, 4), TARN_NOT_FOUND);
    bad[3] = (struct tarn_swap){ident("raw", "b"), {NULL, 0}, TARN_STR("b9")};
    assert_status(f, tarn_catalog_commit(f->c, &f->op, bad, 4), TARN_EXISTS);
    assert_idents(f, NULL, "raw|a raw|b raw|c");
    assert_location(f, ident("raw", "a"), "a2");
    assert_location(f, ident("raw", "b"), "b2");
    assert_location(f, ident("raw", "c"), "c1");
}

static void senseless_commits_are_refused(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "raw");
    assert_status(f, swap(f, f->c, ident("raw", "t"), NULL, NULL), TARN_INVALID);
    assert_status(f, swap(f, f->c, ident("raw", ""), NULL, "m"), TARN_INVALID);
    assert_status(f, swap(f, f->c, ident("raw", "\xff"), NULL, "m"), TARN_INVALID);
    assert_status(f, swap(f, f->c, ident("", "t"), NULL, "m"), TARN_INVALID);
    assert_status(f, swap(f, f->c, ident("raw", "t"), NULL, ""), TARN_INVALID);
    struct tarn_swap twice[] = {{ident("raw", "t"), {NULL, 0}, TARN_STR("1")},
                                {ident("raw", "t"), TARN_STR("1"), TARN_STR("2")}};
    assert_status(f, tarn_catalog_commit(f->c, &f->op, twice, 2), TARN_INVALID);
    struct tarn_ident zero = {TARN_STR("raw"), TARN_STR("a\0b")};
    assert_status(f, swap(f, f->c, zero, NULL, "m"), TARN_INVALID);
    tarn_clear(&f->op);
    assert_ok(f, tarn_catalog_commit(f->c, &f->op, NULL, 0));
    assert_idents(f, "raw", "");
}

static void names_are_exact(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "T", "t", "t%", "t_", "a'b", "\"q\"", "\xc3\xa9 \xf0\x9f\xa6\x86"};
    make_namespace(f, "raw");
    make_namespace(f, "RAW");
    for (size_t i = 0; i < 7; i++)
        assert_ok(f, swap(f, f->c, ident("raw", names[i]), NULL, names[i]));
    for (size_t i = 0; i < 7; i++)
        assert_location(f, ident("raw", names[i]), names[i]);
    assert_idents(f, "RAW", "");
    assert_status(f, swap(f, f->c, ident("Raw", "x"), NULL, "m"), TARN_NOT_FOUND);
}

static void rename_moves_a_table(void **state)
{
    struct fixture *f = *state;
    struct tarn_str got;
    make_namespace(f, "raw");
    make_namespace(f, "gold");
    assert_ok(f, swap(f, f->c, ident("raw", "a"), NULL, "a1"));
    assert_ok(f, swap(f, f->c, ident("raw", "b"), NULL, "b1"));
    assert_ok(f, tarn_catalog_rename(f->c, &f->op, ident("raw", "a"), ident("gold", "z")));
    assert_location(f, ident("gold", "z"), "a1");
    assert_status(f, tarn_catalog_load(f->c, &f->op, ident("raw", "a"), &got), TARN_NOT_FOUND);
    assert_ok(f, tarn_catalog_rename(f->c, &f->op, ident("gold", "z"), ident("gold", "z")));
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("gold", "z"), ident("raw", "b")),
                  TARN_EXISTS);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("gold", "z"), ident("no", "b")),
                  TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("raw", "a"), ident("raw", "c")),
                  TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, ident("raw", "b"), ident("raw", "")),
                  TARN_INVALID);
    assert_idents(f, NULL, "gold|z raw|b");
    assert_location(f, ident("raw", "b"), "b1");
    assert_ok(f, swap(f, f->c, ident("gold", "z"), "a1", "a2"));
}

static void lists_are_sorted(void **state)
{
    struct fixture *f = *state;
    struct tarn_idents got;
    make_namespace(f, "b");
    make_namespace(f, "a.x");
    make_namespace(f, "a.x.deep");
    assert_ok(f, swap(f, f->c, ident("b", "2"), NULL, "m"));
    assert_ok(f, swap(f, f->c, ident("b", "10"), NULL, "m"));
    assert_ok(f, swap(f, f->c, ident("a.x", "t"), NULL, "m"));
    assert_ok(f, swap(f, f->c, ident("a.x.deep", "B"), NULL, "m"));
    assert_ok(f, swap(f, f->c, ident("a.x.deep", "a"), NULL, "m"));
    assert_idents(f, NULL, "a.x|t a.x.deep|B a.x.deep|a b|10 b|2");
    assert_idents(f, "a.x", "a.x|t");
    assert_idents(f, "a", "");
    assert_status(f, tarn_catalog_list_tables(f->c, &f->op, TARN_STR("c"), &got), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_list_tables(f->c, &f->op, TARN_STR("a.x.d"), &got),
                  TARN_NOT_FOUND);
    assert_namespaces(f, "a a.x a.x.deep b");
}

/* ---- namespaces */

static void namespaces_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct tarn_properties none = {NULL, 0};
    assert_namespaces(f, "");
    make_namespace(f, "a");
    assert_status(f, tarn_catalog_create_namespace(f->c, &f->op, TARN_STR("a"), none), TARN_EXISTS);
    make_namespace(f, "a.b");
    make_namespace(f, "ab");
    assert_namespaces(f, "a a.b ab");
    assert_status(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("a")), TARN_NOT_EMPTY);
    assert_ok(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("a.b")));
    assert_ok(f, swap(f, f->c, ident("a", "t"), NULL, "m"));
    assert_status(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("a")), TARN_NOT_EMPTY);
    assert_ok(f, swap(f, f->c, ident("a", "t"), "m", NULL));
    assert_ok(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("a")));
    assert_status(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("a")), TARN_NOT_FOUND);
    assert_namespaces(f, "ab");
}

static void a_namespace_goes_with_all_it_holds(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "a");
    make_namespace(f, "a.b");
    make_namespace(f, "ab");
    make_namespace(f, "a.c.d");
    assert_ok(f, swap(f, f->c, ident("a", "t"), NULL, "m1"));
    assert_ok(f, swap(f, f->c, ident("a.b", "u"), NULL, "m2"));
    assert_ok(f, swap(f, f->c, ident("a.c.d", "deep"), NULL, "m3"));
    assert_ok(f, swap(f, f->c, ident("ab", "stays"), NULL, "m4"));
    assert_ok(f, tarn_catalog_drop_namespace_cascade(f->c, &f->op, TARN_STR("a")));
    assert_namespaces(f, "ab");
    assert_idents(f, NULL, "ab|stays");
    assert_status(f, tarn_catalog_drop_namespace_cascade(f->c, &f->op, TARN_STR("a")),
                  TARN_NOT_FOUND);
    assert_ok(f, swap(f, f->c, ident("ab", "stays"), "m4", NULL));
    make_namespace(f, "a");
    assert_ok(f, tarn_catalog_drop_namespace_cascade(f->c, &f->op, TARN_STR("a")));
    assert_namespaces(f, "ab");
}

static void senseless_namespaces_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", "\xc3"};
    struct tarn_properties none = {NULL, 0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_status(f, tarn_catalog_create_namespace(f->c, &f->op, tarn_str_view(bad[i]), none),
                      TARN_INVALID);
    assert_namespaces(f, "");
}

static void properties_are_kept(void **state)
{
    struct fixture *f = *state;
    struct tarn_str ns = TARN_STR("raw");
    struct tarn_property first[] = {{TARN_STR("owner"), TARN_STR("ann")},
                                    {TARN_STR("a"), TARN_STR("")}};
    struct tarn_property second[] = {{TARN_STR("owner"), TARN_STR("bob")},
                                     {TARN_STR("z"), TARN_STR("1")}};
    struct tarn_str gone[] = {TARN_STR("a"), TARN_STR("never")};
    struct tarn_names none = {NULL, 0};
    struct tarn_properties got;
    assert_ok(f,
              tarn_catalog_create_namespace(f->c, &f->op, ns, (struct tarn_properties){first, 2}));
    assert_properties(f, "raw", "a= owner=ann");
    assert_ok(f, tarn_catalog_set_namespace_properties(f->c, &f->op, ns,
                                                       (struct tarn_properties){second, 2},
                                                       (struct tarn_names){gone, 2}));
    assert_properties(f, "raw", "owner=bob z=1");
    struct tarn_str rest[] = {TARN_STR("owner"), TARN_STR("z")};
    assert_ok(f, tarn_catalog_set_namespace_properties(f->c, &f->op, ns,
                                                       (struct tarn_properties){NULL, 0},
                                                       (struct tarn_names){rest, 2}));
    assert_properties(f, "raw", "");
    assert_namespaces(f, "raw"); /* without properties it is still there */
    assert_status(f, tarn_catalog_namespace_properties(f->c, &f->op, TARN_STR("no"), &got),
                  TARN_NOT_FOUND);
    assert_status(f,
                  tarn_catalog_set_namespace_properties(f->c, &f->op, TARN_STR("no"),
                                                        (struct tarn_properties){second, 2}, none),
                  TARN_NOT_FOUND);
}

static void senseless_properties_are_refused(void **state)
{
    struct fixture *f = *state;
    struct tarn_str ns = TARN_STR("raw"), key = TARN_STR("k"), marker = TARN_STR("exists");
    struct tarn_property reserved = {TARN_STR("exists"), TARN_STR("no")};
    struct tarn_property unnamed = {TARN_STR(""), TARN_STR("1")};
    struct tarn_property twice[] = {{TARN_STR("k"), TARN_STR("1")}, {TARN_STR("k"), TARN_STR("2")}};
    struct tarn_properties none = {NULL, 0};
    make_namespace(f, "raw");
#define SET(props, n, names, m)                                                   \
    tarn_catalog_set_namespace_properties(f->c, &f->op, ns,                       \
                                          (struct tarn_properties){(props), (n)}, \
                                          (struct tarn_names){(names), (m)})
    assert_status(f, SET(&reserved, 1, NULL, 0), TARN_INVALID);
    assert_status(f, SET(&unnamed, 1, NULL, 0), TARN_INVALID);
    assert_status(f, SET(twice, 2, NULL, 0), TARN_INVALID);
    assert_status(f, SET(twice, 1, &key, 1), TARN_INVALID);
    assert_status(f, SET(NULL, 0, &marker, 1), TARN_INVALID);
    assert_status(f,
                  tarn_catalog_create_namespace(f->c, &f->op, TARN_STR("n"),
                                                (struct tarn_properties){&reserved, 1}),
                  TARN_INVALID);
    (void)none;
    assert_properties(f, "raw", "");
}

struct adder {
    pthread_t thread;
    struct tarn_catalog *c;
    bool good;
};

static void *add_twenty(void *arg)
{
    struct adder *a = arg;
    struct tarn_op op;
    if (tarn_op_init(&op, 0, 0) != TARN_OK)
        return NULL;
    int done = 0;
    enum tarn_status status = TARN_OK;
    while (done < 20 && status == TARN_OK) {
        struct tarn_str now, next = {NULL, 0};
        int64_t n = 0;
        status = tarn_catalog_load(a->c, &op, ident("raw", "n"), &now);
        if (status == TARN_OK && tarn_str_to_i64(now, &n))
            next = tarn_sprintf(&op, "%lld", (long long)n + 1);
        struct tarn_swap s = {ident("raw", "n"), now, next};
        if (status == TARN_OK)
            status = tarn_catalog_commit(a->c, &op, &s, 1);
        done += status == TARN_OK;
        if (status == TARN_CONFLICT)
            status = TARN_OK;
    }
    a->good = done == 20;
    tarn_op_release(&op);
    return NULL;
}

static void threads_share_one_catalog(void **state)
{
    struct fixture *f = *state;
    struct adder adders[4];
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "n"), NULL, "0"));
    for (int i = 0; i < 4; i++) {
        adders[i] = (struct adder){.c = f->c};
        assert_int_equal(pthread_create(&adders[i].thread, NULL, add_twenty, &adders[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
        assert_true(adders[i].good);
    }
    assert_location(f, ident("raw", "n"), "80");
}

static void cancel_is_seen(void **state)
{
    struct fixture *f = *state;
    struct tarn_cancel cancel = {.level = 2};
    struct tarn_names names;
    f->op.cancel = &cancel;
    assert_status(f, tarn_catalog_list_namespaces(f->c, &f->op, &names), TARN_CANCELLED);
    assert_status(f, swap(f, f->c, ident("raw", "t"), NULL, "m"), TARN_CANCELLED);
    f->op.cancel = NULL;
}

#define CASE(fn) \
    {            \
#fn, fn  \
    }
static const struct {
    const char *name;
    CMUnitTestFunction fn;
} cases[] = {
    CASE(create_swap_load_drop),
    CASE(stale_swaps_are_conflicts),
    CASE(missing_things_are_not_found),
    CASE(a_commit_of_several_is_all_or_none),
    CASE(senseless_commits_are_refused),
    CASE(names_are_exact),
    CASE(rename_moves_a_table),
    CASE(lists_are_sorted),
    CASE(a_namespace_goes_with_all_it_holds),
    CASE(namespaces_come_and_go),
    CASE(senseless_namespaces_are_refused),
    CASE(properties_are_kept),
    CASE(senseless_properties_are_refused),
    CASE(threads_share_one_catalog),
    CASE(cancel_is_seen),
};

/* ---- views: over those that keep them */

static enum tarn_status swap_view(struct fixture *f, struct tarn_ident id, const char *expected,
                                  const char *next)
{
    struct tarn_swap s = {id, tarn_str_view(expected), tarn_str_view(next)};
    return tarn_catalog_commit_view(f->c, &f->op, &s);
}

static void assert_view(struct fixture *f, struct tarn_ident id, const char *location)
{
    struct tarn_str got;
    assert_ok(f, tarn_catalog_load_view(f->c, &f->op, id, &got));
    assert_str(got, location);
}

static void assert_views(struct fixture *f, const char *ns, const char *expected)
{
    struct tarn_idents got;
    char text[512] = "";
    assert_ok(f, tarn_catalog_list_views(f->c, &f->op, tarn_str_view(ns), &got));
    for (size_t i = 0; i < got.count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s|%.*s", i ? " " : "",
                       TARN_STR_ARG(got.items[i].ns), TARN_STR_ARG(got.items[i].name));
    assert_string_equal(text, expected);
}

static void views_come_and_go(void **state)
{
    struct fixture *f = *state;
    struct tarn_ident v = ident("raw", "v");
    struct tarn_str got;
    struct tarn_idents views;
    assert_status(f, swap_view(f, v, NULL, "v1"), TARN_NOT_FOUND); /* no namespace */
    make_namespace(f, "raw");
    assert_status(f, tarn_catalog_load_view(f->c, &f->op, v, &got), TARN_NOT_FOUND);
    assert_contains(f->op.report.message, "view \"raw.v\"");
    assert_ok(f, swap_view(f, v, NULL, "v1"));
    assert_view(f, v, "v1");
    assert_ok(f, swap_view(f, v, "v1", "v2"));
    assert_status(f, swap_view(f, v, "v1", "v3"), TARN_CONFLICT);
    assert_contains(f->op.report.detail, "view \"raw.v\": expected v1, found v2");
    assert_status(f, swap_view(f, v, NULL, "v3"), TARN_EXISTS);
    assert_status(f, swap_view(f, v, "v1", NULL), TARN_CONFLICT);
    assert_status(f, swap_view(f, v, NULL, NULL), TARN_INVALID);
    assert_status(f, swap_view(f, ident("raw", ""), NULL, "x"), TARN_INVALID);
    assert_contains(f->op.report.message, "name of a view");
    assert_view(f, v, "v2");
    assert_ok(f, swap_view(f, ident("raw", "a"), NULL, "a1"));
    assert_status(f, swap_view(f, ident("raw.deep", "b"), NULL, "b1"), TARN_NOT_FOUND);
    make_namespace(f, "raw.deep");
    assert_ok(f, swap_view(f, ident("raw.deep", "b"), NULL, "b1"));
    assert_views(f, "raw", "raw|a raw|v");
    assert_views(f, NULL, "raw|a raw|v raw.deep|b");
    assert_status(f, tarn_catalog_list_views(f->c, &f->op, TARN_STR("no"), &views), TARN_NOT_FOUND);
    assert_ok(f, swap_view(f, v, "v2", NULL));
    assert_status(f, tarn_catalog_load_view(f->c, &f->op, v, &got), TARN_NOT_FOUND);
    assert_status(f, swap_view(f, v, "v2", "v3"), TARN_NOT_FOUND);
    assert_views(f, "raw", "raw|a");
    assert_status(f, tarn_catalog_drop_namespace(f->c, &f->op, TARN_STR("raw.deep")),
                  TARN_NOT_EMPTY);
}

static void views_and_tables_share_names(void **state)
{
    struct fixture *f = *state;
    struct tarn_ident t = ident("raw", "t"), v = ident("raw", "v");
    struct tarn_str got;
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, t, NULL, "t1"));
    assert_ok(f, swap_view(f, v, NULL, "v1"));
    assert_status(f, swap_view(f, t, NULL, "x"), TARN_EXISTS);
    assert_status(f, swap(f, f->c, v, NULL, "x"), TARN_EXISTS);
    assert_status(f, tarn_catalog_load(f->c, &f->op, v, &got), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_load_view(f->c, &f->op, t, &got), TARN_NOT_FOUND);
    assert_status(f, swap(f, f->c, v, "v1", "x"), TARN_NOT_FOUND);
    assert_status(f, swap(f, f->c, v, "v1", NULL), TARN_NOT_FOUND);
    assert_status(f, swap_view(f, t, "t1", "x"), TARN_NOT_FOUND);
    assert_status(f, swap_view(f, t, "t1", NULL), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, v, ident("raw", "w")), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_rename_view(f->c, &f->op, t, ident("raw", "w")), TARN_NOT_FOUND);
    assert_status(f, tarn_catalog_rename(f->c, &f->op, t, v), TARN_EXISTS);
    assert_status(f, tarn_catalog_rename_view(f->c, &f->op, v, t), TARN_EXISTS);
    assert_contains(f->op.report.message, "view \"raw.v\"");
    assert_idents(f, "raw", "raw|t");
    assert_views(f, "raw", "raw|v");
    assert_location(f, t, "t1");
    assert_view(f, v, "v1");
}

static void renamed_views_stay_views(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "raw");
    make_namespace(f, "gold");
    assert_ok(f, swap_view(f, ident("raw", "v"), NULL, "v1"));
    assert_ok(f, tarn_catalog_rename_view(f->c, &f->op, ident("raw", "v"), ident("gold", "w")));
    assert_view(f, ident("gold", "w"), "v1");
    assert_idents(f, NULL, "");
    assert_views(f, NULL, "gold|w");
    assert_ok(f, tarn_catalog_rename_view(f->c, &f->op, ident("gold", "w"), ident("gold", "w")));
    assert_status(f, tarn_catalog_rename_view(f->c, &f->op, ident("gold", "w"), ident("no", "w")),
                  TARN_NOT_FOUND);
    assert_ok(f, swap_view(f, ident("gold", "w"), "v1", "v2"));
    assert_view(f, ident("gold", "w"), "v2");
}

/* ---- mem alone */

static void a_lost_answer_is_unknown(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), NULL, "m1"));
    tarn_catalog_mem_lose_answer(f->c, false);
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_UNKNOWN);
    tarn_clear(&f->op);
    assert_location(f, ident("raw", "t"), "m1");
    tarn_catalog_mem_lose_answer(f->c, true);
    assert_status(f, swap(f, f->c, ident("raw", "t"), "m1", "m2"), TARN_UNKNOWN);
    tarn_clear(&f->op);
    assert_location(f, ident("raw", "t"), "m2");
    assert_ok(f, swap(f, f->c, ident("raw", "t"), "m2", "m3"));
}

/* Fails allocation n of a commit of three swaps, until it passes: each time all or nothing. */
static void running_out_of_memory_changes_nothing(void **state)
{
    struct fixture *f = *state;
    make_namespace(f, "raw");
    assert_ok(f, swap(f, f->c, ident("raw", "a"), NULL, "a1"));
    struct tarn_swap swaps[] = {{ident("raw", "a"), TARN_STR("a1"), TARN_STR("a2")},
                                {ident("raw", "b"), {NULL, 0}, TARN_STR("b1")},
                                {ident("raw", "c"), {NULL, 0}, TARN_STR("c1")}};
    enum tarn_status status = TARN_NOMEM;
    int n = 1;
    for (; n < 100 && status != TARN_OK; n++) {
        tarn_alloc_fail_at(n);
        status = tarn_catalog_commit(f->c, &f->op, swaps, 3);
        tarn_alloc_fail_at(0);
        if (status == TARN_OK)
            break;
        assert_int_equal(status, TARN_NOMEM);
        tarn_clear(&f->op);
        assert_idents(f, NULL, "raw|a");
        assert_location(f, ident("raw", "a"), "a1");
    }
    assert_true(n > 5 && n < 100);
    assert_idents(f, NULL, "raw|a raw|b raw|c");
}

int main(void)
{
    enum { case_count = sizeof cases / sizeof *cases };
    struct backend *mem = &backends[sizeof backends / sizeof *backends - 1];
    struct backend *v1 = &backends[0], *shared = &backends[2];
#define VIEWS(backend)                                                                          \
    cmocka_unit_test_prestate_setup_teardown(views_come_and_go, setup, teardown, backend),      \
        cmocka_unit_test_prestate_setup_teardown(views_and_tables_share_names, setup, teardown, \
                                                 backend),                                      \
        cmocka_unit_test_prestate_setup_teardown(renamed_views_stay_views, setup, teardown,     \
                                                 backend)
    const struct CMUnitTest view_tests[] = {VIEWS(v1), VIEWS(shared), VIEWS(mem)};
    const struct CMUnitTest mem_tests[] = {
        cmocka_unit_test_prestate_setup_teardown(a_lost_answer_is_unknown, setup, teardown, mem),
        cmocka_unit_test_prestate_setup_teardown(running_out_of_memory_changes_nothing, setup,
                                                 teardown, mem),
    };
    int failed = 0;
    for (size_t b = 0; b < sizeof backends / sizeof *backends; b++) {
        struct CMUnitTest tests[case_count];
        for (size_t i = 0; i < case_count; i++)
            tests[i] = (struct CMUnitTest){.name = cases[i].name,
                                           .test_func = cases[i].fn,
                                           .setup_func = setup,
                                           .teardown_func = teardown,
                                           .initial_state = &backends[b]};
        failed += cmocka_run_group_tests_name(backends[b].name, tests, NULL, NULL);
    }
    failed += cmocka_run_group_tests_name("views", view_tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("mem alone", mem_tests, NULL, NULL);
    return failed != 0;
}
