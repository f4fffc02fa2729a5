/* The conformance suite of storage.h: the same promises, kept by every implementation and every
 * shim. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io_fixture.h"

/* ---- the implementations */

static void open_fs(struct fixture *f)
{
    assert_ok(f, tarn_storage_fs_open(&f->op, &f->s));
}

static void open_fs_uri(struct fixture *f)
{
    open_fs(f);
    (void)snprintf(f->root, sizeof f->root, "file://%s/wh", f->folder);
}

static void open_mem(struct fixture *f)
{
    assert_ok(f, tarn_storage_mem_open(&f->op, &f->s));
    (void)snprintf(f->root, sizeof f->root, "mem://test");
}

static void open_trace_fs(struct fixture *f)
{
    open_fs(f);
    assert_ok(f, tarn_storage_trace_open(&f->op, f->s, &f->s));
}

static void open_retry_mem(struct fixture *f)
{
    struct tarn_storage_retry_options options = {.tries = 3, .base_ms = 0, .max_ms = 0};
    open_mem(f);
    assert_ok(f, tarn_storage_retry_open(&f->op, f->s, options, &f->s));
}

static void open_fault_mem(struct fixture *f)
{
    struct tarn_storage_fault_options options = {.fail_at = 0, .calls = TARN_STORAGE_C_ANY};
    open_mem(f);
    assert_ok(f, tarn_storage_fault_open(&f->op, f->s, options, &f->s));
}

static void open_forget_fs(struct fixture *f)
{
    struct tarn_str root = tarn_str_view(f->root);
    struct tarn_storage_forget_options options = {.roots = &root, .root_count = 1};
    open_fs(f);
    assert_ok(f, tarn_storage_forget_open(&f->op, f->s, options, &f->s));
}

static void open_stack(struct fixture *f)
{
    struct tarn_storage_retry_options options = {.tries = 2, .base_ms = 0, .max_ms = 0};
    open_forget_fs(f);
    assert_ok(f, tarn_storage_retry_open(&f->op, f->s, options, &f->s));
    assert_ok(f, tarn_storage_trace_open(&f->op, f->s, &f->s));
}

struct backend {
    const char *name;
    void (*open)(struct fixture *);
};

static struct backend backends[] = {
    {"fs", open_fs},
    {"fs with file: URIs", open_fs_uri},
    {"mem", open_mem},
    {"trace(fs)", open_trace_fs},
    {"retry(mem)", open_retry_mem},
    {"fault(mem), off", open_fault_mem},
    {"forget(fs)", open_forget_fs},
    {"trace(retry(forget(fs)))", open_stack},
};

static int setup(void **state)
{
    const struct backend *b = *state;
    struct fixture *f = fixture_new();
    b->open(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

/* ---- the suite */

static void put_then_read(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    assert_ok(
        f, tarn_storage_put(f->s, &f->op, at(f, "db/t/metadata/v1.json"), TARN_STR("{\"v\":1}")));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "db/t/metadata/v1.json"), &bytes));
    assert_str(bytes, "{\"v\":1}");
    assert_int_equal(bytes.ptr[bytes.len], '\0');
}

static void put_of_nothing_makes_an_empty_object(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    struct tarn_object o;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "empty"), (struct tarn_str){NULL, 0}));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "empty"), &bytes));
    assert_non_null(bytes.ptr);
    assert_int_equal(bytes.len, 0);
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "empty"), &o));
    assert_int_equal(o.size_bytes, 0);
}

static void put_replaces_whole(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("a longer first text")));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "x"), TARN_STR("short")));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "x"), &bytes));
    assert_str(bytes, "short");
}

static void put_absent_keeps_what_is_there(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    assert_true(tarn_storage_abilities(f->s) & TARN_STORAGE_PUT_ABSENT);
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "a/b/lock"), TARN_STR("first")));
    assert_status(f, tarn_storage_put_absent(f->s, &f->op, at(f, "a/b/lock"), TARN_STR("second")),
                  TARN_EXISTS);
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "a/b/lock"), &bytes));
    assert_str(bytes, "first");
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "a/b/lock")));
    assert_ok(f, tarn_storage_put_absent(f->s, &f->op, at(f, "a/b/lock"), TARN_STR("third")));
}

struct racer {
    pthread_t thread;
    struct fixture *f;
    struct tarn_str path;
    char text[24];
    enum tarn_status status;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct tarn_op op;
    r->status = TARN_INTERNAL;
    if (tarn_op_init(&op, 0, 0) != TARN_OK)
        return NULL;
    r->status = tarn_storage_put_absent(r->f->s, &op, r->path, tarn_str_view(r->text));
    tarn_op_release(&op);
    return NULL;
}

static void put_absent_has_one_winner(void **state)
{
    struct fixture *f = *state;
    struct racer racers[8];
    int won = 0;
    for (int i = 0; i < 8; i++) {
        racers[i] = (struct racer){.f = f, .path = at(f, "deep/er/lock")};
        (void)snprintf(racers[i].text, sizeof racers[i].text, "racer %d", i);
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
    for (int i = 0; i < 8; i++) {
        struct tarn_str bytes;
        assert_true(racers[i].status == TARN_OK || racers[i].status == TARN_EXISTS);
        if (racers[i].status != TARN_OK)
            continue;
        won++;
        assert_ok(f, tarn_storage_read(f->s, &f->op, racers[i].path, &bytes));
        assert_str(bytes, racers[i].text);
    }
    assert_int_equal(won, 1);
}

static void missing_objects(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    struct tarn_object o;
    uint64_t size;
    char c;
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "no"), &bytes), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_read_into(f->s, &f->op, at(f, "no"), 0, &c, 1), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "no/such"), &o), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "no"), &size), TARN_NOT_FOUND);
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "no")));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "no/such/object")));
}

static void a_folder_is_no_object(void **state)
{
    struct fixture *f = *state;
    struct tarn_object o;
    struct tarn_str bytes;
    uint64_t size;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "dir/x"), TARN_STR("1")));
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "dir"), &o), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "dir"), &bytes), TARN_NOT_FOUND);
    assert_status(f, tarn_storage_finish(f->s, &f->op, at(f, "dir"), &size), TARN_NOT_FOUND);
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "dir")));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "dir/x"), &o));
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "dir/y/"), TARN_STR("1")), TARN_INVALID);
}

static void ranges(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes, path = at(f, "r");
    struct tarn_op *op = &f->op;
    assert_ok(f, tarn_storage_put(f->s, op, path, TARN_STR("0123456789")));
    assert_ok(f, tarn_storage_read_range(f->s, op, path, 0, 10, &bytes));
    assert_str(bytes, "0123456789");
    assert_ok(f, tarn_storage_read_range(f->s, op, path, 3, 4, &bytes));
    assert_str(bytes, "3456");
    assert_int_equal(bytes.ptr[4], '\0');
    assert_ok(f, tarn_storage_read_range(f->s, op, path, 8, UINT64_MAX, &bytes));
    assert_str(bytes, "89");
    assert_ok(f, tarn_storage_read_range(f->s, op, path, 10, UINT64_MAX, &bytes));
    assert_str(bytes, "");
    assert_ok(f, tarn_storage_read_range(f->s, op, path, 10, 0, &bytes));
    assert_str(bytes, "");
    assert_status(f, tarn_storage_read_range(f->s, op, path, 11, UINT64_MAX, &bytes), TARN_CORRUPT);
    assert_status(f, tarn_storage_read_range(f->s, op, path, 9, 2, &bytes), TARN_CORRUPT);
    assert_status(f, tarn_storage_read_range(f->s, op, path, UINT64_MAX, 2, &bytes), TARN_CORRUPT);
    assert_status(f, tarn_storage_read_range(f->s, op, path, 5, UINT64_MAX - 1, &bytes),
                  TARN_CORRUPT);
}

static void read_into_is_exact(void **state)
{
    struct fixture *f = *state;
    struct tarn_str path = at(f, "r");
    char dst[8] = "-------";
    assert_ok(f, tarn_storage_put(f->s, &f->op, path, TARN_STR("0123456789")));
    assert_ok(f, tarn_storage_read_into(f->s, &f->op, path, 2, dst, 4));
    assert_memory_equal(dst, "2345---", 7);
    assert_ok(f, tarn_storage_read_into(f->s, &f->op, path, 10, NULL, 0));
    assert_status(f, tarn_storage_read_into(f->s, &f->op, path, 7, dst, 4), TARN_CORRUPT);
    assert_status(f, tarn_storage_read_into(f->s, &f->op, path, UINT64_MAX, dst, 4), TARN_CORRUPT);
}

static void all_bytes_survive(void **state)
{
    struct fixture *f = *state;
    enum { n = 300000 };
    char *bytes = malloc(n);
    struct tarn_str got;
    assert_non_null(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "b"), tarn_str_of(bytes, n)));
    assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, "b"), &got));
    assert_int_equal(got.len, n);
    assert_memory_equal(got.ptr, bytes, n);
    free(bytes);
}

static void head_and_finish_tell_the_size(void **state)
{
    struct fixture *f = *state;
    struct tarn_object o;
    uint64_t size = 0;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "h"), TARN_STR("12345")));
    assert_ok(f, tarn_storage_head(f->s, &f->op, at(f, "h"), &o));
    assert_true(tarn_str_eq(o.path, at(f, "h")));
    assert_int_equal(o.size_bytes, 5);
    assert_true(o.modified_us > 1600000000000000);
    assert_ok(f, tarn_storage_finish(f->s, &f->op, at(f, "h"), &size));
    assert_int_equal(size, 5);
}

static void list_is_recursive_and_sorted(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {
        "t/data/b", "t/data/a", "t/metadata/v1", "t/a-b", "t/data/x/y/z", "tt/other", "t.x"};
    static const char *const sorted[] = {"t/a-b", "t/data/a", "t/data/b", "t/data/x/y/z",
                                         "t/metadata/v1"};
    struct tarn_listing l;
    for (size_t i = 0; i < 7; i++)
        assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, names[i]), tarn_str_view(names[i])));
    for (int slash = 0; slash < 2; slash++) {
        assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, slash ? "t/" : "t"), &l));
        assert_int_equal(l.count, 5);
        for (size_t i = 0; i < l.count; i++) {
            assert_true(tarn_str_eq(l.objects[i].path, at(f, sorted[i])));
            assert_int_equal(l.objects[i].size_bytes, strlen(sorted[i]));
            assert_true(l.objects[i].modified_us > 1600000000000000);
        }
    }
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, ""), &l));
    assert_int_equal(l.count, 7);
}

static void list_of_nothing_is_empty(void **state)
{
    struct fixture *f = *state;
    struct tarn_listing l = {NULL, 7};
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, "never/made"), &l));
    assert_int_equal(l.count, 0);
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "one"), TARN_STR("1")));
    l.count = 7;
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, "one"), &l));
    assert_int_equal(l.count, 0);
}

static void removed_is_gone(void **state)
{
    struct fixture *f = *state;
    struct tarn_object o;
    struct tarn_listing l;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "d/x"), TARN_STR("1")));
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "d/y"), TARN_STR("2")));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "d/x")));
    assert_ok(f, tarn_storage_remove(f->s, &f->op, at(f, "d/x")));
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "d/x"), &o), TARN_NOT_FOUND);
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, "d"), &l));
    assert_int_equal(l.count, 1);
    assert_true(tarn_str_eq(l.objects[0].path, at(f, "d/y")));
}

static void odd_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"city=New York/a.parquet",
                                        "city=a%2Fb/a.parquet",
                                        "k=100%/x",
                                        "s=\xc3\xa9\xe2\x82\xac/y",
                                        "q=a?b#c/z",
                                        "\"quoted\"'/w"};
    struct tarn_listing l;
    for (size_t i = 0; i < 6; i++) {
        struct tarn_str bytes;
        assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, names[i]), tarn_str_view(names[i])));
        assert_ok(f, tarn_storage_read(f->s, &f->op, at(f, names[i]), &bytes));
        assert_str(bytes, names[i]);
    }
    assert_ok(f, tarn_storage_list(f->s, &f->op, at(f, ""), &l));
    assert_int_equal(l.count, 6);
    for (size_t i = 0; i < 6; i++) { /* what a list names can be read */
        struct tarn_str bytes;
        assert_ok(f, tarn_storage_read(f->s, &f->op, l.objects[i].path, &bytes));
        assert_true(tarn_str_eq(at(f, bytes.ptr), l.objects[i].path));
    }
}

static void wrong_schemes(void **state)
{
    struct fixture *f = *state;
    struct tarn_str bytes;
    static const char *const paths[] = {"",       "relative/x", "s3://bucket/x", "http://h/x",
                                        "mem:/x", "file:x",     "file://host/x"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_status(f, tarn_storage_read(f->s, &f->op, tarn_str_view(paths[i]), &bytes),
                      TARN_INVALID);
}

static void cancel_and_deadline_are_seen(void **state)
{
    struct fixture *f = *state;
    struct tarn_cancel cancel = {.level = 1};
    struct tarn_str bytes;
    f->op.cancel = &cancel;
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "c"), TARN_STR("1")));
    atomic_store(&cancel.level, 2);
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "c"), &bytes), TARN_CANCELLED);
    assert_status(f, tarn_storage_put(f->s, &f->op, at(f, "d"), TARN_STR("1")), TARN_CANCELLED);
    f->op.cancel = NULL;
    f->op.deadline_ns = 1;
    assert_status(f, tarn_storage_read(f->s, &f->op, at(f, "c"), &bytes), TARN_TIMEOUT);
    f->op.deadline_ns = 0;
    struct tarn_object o;
    assert_status(f, tarn_storage_head(f->s, &f->op, at(f, "d"), &o), TARN_NOT_FOUND);
}

static void local_path_names_the_file(void **state)
{
    struct fixture *f = *state;
    struct tarn_str local;
    if (!(tarn_storage_abilities(f->s) & TARN_STORAGE_LOCAL))
        skip();
    assert_ok(f, tarn_storage_put(f->s, &f->op, at(f, "p=1%/x"), TARN_STR("text")));
    assert_ok(f, tarn_storage_local_path(f->s, &f->op, at(f, "p=1%/x"), &local));
    assert_str(local, file(f, "wh/p=1%/x"));
}

#define CASE(fn) \
    {            \
#fn, fn  \
    }
static const struct {
    const char *name;
    CMUnitTestFunction fn;
} cases[] = {
    CASE(put_then_read),
    CASE(put_of_nothing_makes_an_empty_object),
    CASE(put_replaces_whole),
    CASE(put_absent_keeps_what_is_there),
    CASE(put_absent_has_one_winner),
    CASE(missing_objects),
    CASE(a_folder_is_no_object),
    CASE(ranges),
    CASE(read_into_is_exact),
    CASE(all_bytes_survive),
    CASE(head_and_finish_tell_the_size),
    CASE(list_is_recursive_and_sorted),
    CASE(list_of_nothing_is_empty),
    CASE(removed_is_gone),
    CASE(odd_names),
    CASE(wrong_schemes),
    CASE(cancel_and_deadline_are_seen),
    CASE(local_path_names_the_file),
};

int main(void)
{
    enum { case_count = sizeof cases / sizeof *cases };
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
    return failed != 0;
}
