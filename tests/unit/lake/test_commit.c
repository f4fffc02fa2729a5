/* Changes and commits over storage and catalog in memory: what each version holds, and what happens
 * when others commit in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lake/change.h"

static const struct tarn_ident TABLE = {{"raw", 3}, {"t", 1}};

struct world {
    struct tarn_op op;
    struct tarn_lake lake;
};

#define OK(w, expr) assert_int_equal_why((w), (expr))
static void assert_int_equal_why(struct world *w, enum tarn_status status)
{
    if (status != TARN_OK)
        print_error("%s: %s\n", tarn_status_info(status)->code, w->op.report.message);
    assert_int_equal(status, TARN_OK);
}

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    assert_int_equal(tarn_op_init(&w->op, 0, 0), TARN_OK);
    OK(w, tarn_storage_mem_open(&w->op, &w->lake.storage));
    OK(w, tarn_catalog_mem_open(&w->op, TARN_STR("iceberg"), &w->lake.catalog));
    OK(w, tarn_catalog_create_namespace(w->lake.catalog, &w->op, TARN_STR("raw"),
                                        (struct tarn_properties){NULL, 0}));
    *state = w;
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;
    tarn_catalog_close(w->lake.catalog);
    tarn_storage_close(w->lake.storage);
    tarn_op_release(&w->op);
    free(w);
    return 0;
}

/* ---- helpers */

static struct tarn_data_file data_file(struct world *w, const char *path, int64_t rows)
{
    OK(w, tarn_storage_put(w->lake.storage, &w->op, tarn_str_view(path), TARN_STR("PAR1")));
    return (struct tarn_data_file){.path = tarn_str_view(path),
                                   .format = TARN_STR("PARQUET"),
                                   .record_count = rows,
                                   .size_bytes = 4,
                                   .sort_order_id = -1,
                                   .first_row_id = -1,
                                   .content_offset = -1,
                                   .content_size = -1};
}

static struct tarn_change *create(struct world *w)
{
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/t"), .schema = &schema};
    OK(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long, name: string>"), &schema.root));
    OK(w, tarn_change_create(&w->lake, &w->op, TABLE, &create, &c));
    return c;
}

static void commit(struct world *w, struct tarn_change *c)
{
    OK(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

static struct tarn_table *load(struct world *w)
{
    struct tarn_table *t;
    OK(w, tarn_table_load(&w->lake, &w->op, TABLE, &t));
    return t;
}

static struct tarn_change *open_change(struct world *w, const struct tarn_table *t)
{
    struct tarn_change *c;
    OK(w, tarn_change_open(&w->lake, &w->op, t, &c));
    return c;
}

static void append(struct world *w, struct tarn_change *c, const char *path, int64_t rows)
{
    struct tarn_data_file f = data_file(w, path, rows);
    OK(w, tarn_change_append(c, &w->op, &f, 1));
}

static void append_now(struct world *w, const char *path, int64_t rows)
{
    struct tarn_change *c = open_change(w, load(w));
    append(w, c, path, rows);
    commit(w, c);
}

static size_t live(struct world *w, const struct tarn_table *t)
{
    struct tarn_live_files files;
    OK(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata, tarn_metadata_current(&t->metadata),
                                &files));
    return files.count;
}

static const char *summary(const struct tarn_table *t, const char *key)
{
    const struct tarn_str *v = tarn_kvs_get(&tarn_metadata_current(&t->metadata)->summary, key);
    return v ? v->ptr : NULL;
}

static size_t objects(struct world *w)
{
    struct tarn_listing l;
    OK(w, tarn_storage_list(w->lake.storage, &w->op, TARN_STR("mem://w"), &l));
    return l.count;
}

/* ---- one writer */

static void test_create_and_append(void **state)
{
    struct world *w = *state;
    struct tarn_change *c = create(w);
    append(w, c, "mem://w/raw/t/data/a", 3);
    commit(w, c);
    append_now(w, "mem://w/raw/t/data/b", 4);
    struct tarn_table *t = load(w);
    assert_int_equal(live(w, t), 2);
    assert_int_equal(t->metadata.snapshot_count, 2);
    assert_int_equal(t->metadata.last_sequence_number, 2);
    assert_int_equal(t->metadata.last_column_id, 2);
    assert_int_equal(t->metadata.metadata_log_count, 1);
    assert_string_equal(summary(t, "operation"), "append");
    assert_string_equal(summary(t, "added-records"), "4");
    assert_string_equal(summary(t, "total-records"), "7");
    assert_string_equal(summary(t, "total-data-files"), "2");
    const struct tarn_snapshot *s = tarn_metadata_current(&t->metadata);
    assert_int_equal(s->parent_id, t->metadata.snapshots[0].snapshot_id);
    assert_int_equal(t->metadata.snapshots[0].parent_id, 0);
    const struct tarn_ref *r = tarn_metadata_ref(&t->metadata, TARN_STR("main"));
    assert_non_null(r);
    assert_int_equal(r->snapshot_id, s->snapshot_id);
}

static void test_sequence_numbers(void **state)
{
    struct world *w = *state;
    struct tarn_live_files files;
    commit(w, create(w));
    append_now(w, "mem://w/raw/t/data/a", 1);
    append_now(w, "mem://w/raw/t/data/b", 1);
    struct tarn_table *t = load(w);
    struct tarn_change *c = open_change(w, t);
    struct tarn_str gone = TARN_STR("mem://w/raw/t/data/b");
    OK(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    commit(w, c);
    t = load(w);
    OK(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata, tarn_metadata_current(&t->metadata),
                                &files));
    assert_int_equal(files.count, 1);
    assert_int_equal(files.items[0].sequence_number, 1); /* its own, not the rewrite's */
    assert_string_equal(summary(t, "operation"), "delete");
    assert_string_equal(summary(t, "total-records"), "1");
}

static void test_replace_all(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    append_now(w, "mem://w/raw/t/data/a", 5);
    struct tarn_change *c = open_change(w, load(w));
    tarn_change_delete_all(c);
    append(w, c, "mem://w/raw/t/data/b", 2);
    commit(w, c);
    struct tarn_table *t = load(w);
    assert_int_equal(live(w, t), 1);
    assert_string_equal(summary(t, "operation"), "overwrite");
    assert_string_equal(summary(t, "total-records"), "2");
    assert_string_equal(summary(t, "deleted-records"), "5");
    append_now(w, "mem://w/raw/t/data/c", 1); /* manifests of only deleted entries are dropped */
    t = load(w);
    struct tarn_manifest_list list;
    OK(w, tarn_table_manifests(&w->lake, &w->op, &t->metadata, tarn_metadata_current(&t->metadata),
                               &list));
    assert_int_equal(list.count, 2);
}

static void test_nothing_to_do(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *c = open_change(w, load(w));
    assert_true(tarn_change_is_empty(c));
    OK(w, tarn_change_set_property(c, &w->op, TARN_STR("absent"), (struct tarn_str){NULL, 0}));
    assert_true(tarn_change_is_empty(c));
    OK(w, tarn_change_set_property(c, &w->op, TARN_STR("k"), TARN_STR("v")));
    assert_false(tarn_change_is_empty(c));
    commit(w, c);
    struct tarn_table *t = load(w);
    assert_int_equal(t->metadata.snapshot_count, 0);
    assert_string_equal(tarn_kvs_get(&t->metadata.properties, "k")->ptr, "v");
}

static void test_schema(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *c = open_change(w, load(w));
    struct tarn_schema s;
    OK(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    struct tarn_field fields[3] = {s.root.fields[0],
                                   s.root.fields[1],
                                   {.name = TARN_STR("more"), .type = {.kind = TARN_TYPE_DOUBLE}}};
    s.root.fields = fields;
    s.root.field_count = 3;
    OK(w, tarn_change_set_schema(c, &w->op, &s));
    commit(w, c);
    struct tarn_table *t = load(w);
    assert_int_equal(tarn_metadata_schema(&t->metadata)->root.field_count, 3);
    assert_int_equal(tarn_metadata_schema(&t->metadata)->root.fields[2].id, 3);
    assert_int_equal(t->metadata.last_column_id, 3);
    c = open_change(w, t);
    fields[0].type.kind = TARN_TYPE_STRING; /* long -> string is no promotion */
    fields[2].id = 3;
    assert_int_equal(tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA);
    fields[0].type.kind = TARN_TYPE_LONG;
    fields[2] = (struct tarn_field){
        .name = TARN_STR("r"), .required = true, .type = {.kind = TARN_TYPE_INT}};
    assert_int_equal(tarn_change_set_schema(c, &w->op, &s), TARN_SCHEMA);
}

/* ---- several writers */

static void test_appends_rebase(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *mine = open_change(w, load(w));
    append(w, mine, "mem://w/raw/t/data/mine", 1);
    append_now(w, "mem://w/raw/t/data/theirs", 1);
    int64_t id = tarn_change_snapshot_id(mine);
    commit(w, mine);
    struct tarn_table *t = load(w);
    assert_int_equal(live(w, t), 2);
    assert_int_equal(t->metadata.current_snapshot_id, id);
    assert_int_equal(t->metadata.last_sequence_number, 2);
}

static void test_replacing_conflicts_with_rows_in_between(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    append_now(w, "mem://w/raw/t/data/a", 1);
    struct tarn_change *mine = open_change(w, load(w));
    tarn_change_delete_all(mine);
    append(w, mine, "mem://w/raw/t/data/mine", 1);
    append_now(w, "mem://w/raw/t/data/theirs", 1);
    assert_int_equal(
        tarn_changes_commit(&w->lake, &w->op, &mine, 1, (struct tarn_commit_options){0}),
        TARN_CONFLICT);
    tarn_clear(&w->op);
    assert_int_equal(live(w, load(w)), 2);
}

static void test_position_is_fenced(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *a = open_change(w, load(w)), *b = open_change(w, load(w));
    struct tarn_change *both[] = {a, b};
    for (int i = 0; i < 2; i++) {
        append(w, both[i], i ? "mem://w/raw/t/data/b" : "mem://w/raw/t/data/a", 1);
        OK(w, tarn_change_require_property(both[i], &w->op, TARN_STR("p"),
                                           (struct tarn_str){NULL, 0}));
        OK(w, tarn_change_set_property(both[i], &w->op, TARN_STR("p"), TARN_STR("1")));
    }
    commit(w, a);
    assert_int_equal(tarn_changes_commit(&w->lake, &w->op, &b, 1, (struct tarn_commit_options){0}),
                     TARN_FENCED);
    tarn_clear(&w->op);
    assert_int_equal(live(w, load(w)), 1);
}

static void test_schema_changes_conflict(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *changes[2] = {open_change(w, load(w)), open_change(w, load(w))};
    for (int i = 0; i < 2; i++) {
        struct tarn_schema s;
        OK(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(changes[i])), &s));
        s.root.fields[0].name = i ? TARN_STR("x") : TARN_STR("y");
        OK(w, tarn_change_set_schema(changes[i], &w->op, &s));
    }
    commit(w, changes[0]);
    assert_int_equal(
        tarn_changes_commit(&w->lake, &w->op, &changes[1], 1, (struct tarn_commit_options){0}),
        TARN_CONFLICT);
}

static void test_several_tables_or_none(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    struct tarn_change *changes[2], *other;
    struct tarn_schema schema = {0};
    struct tarn_create make = {.location = TARN_STR("mem://w/raw/u"), .schema = &schema};
    struct tarn_ident u = {TARN_STR("raw"), TARN_STR("u")};
    OK(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    OK(w, tarn_change_create(&w->lake, &w->op, u, &make, &changes[0]));
    append(w, changes[0], "mem://w/raw/u/data/a", 1);
    changes[1] = open_change(w, load(w));
    append_now(w, "mem://w/raw/t/data/theirs", 1);
    tarn_change_delete_all(changes[1]); /* of an empty table: nothing */
    OK(w, tarn_change_require_property(changes[1], &w->op, TARN_STR("p"), TARN_STR("never")));
    OK(w, tarn_change_set_property(changes[1], &w->op, TARN_STR("q"), TARN_STR("1")));
    assert_int_equal(
        tarn_changes_commit(&w->lake, &w->op, changes, 2, (struct tarn_commit_options){0}),
        TARN_FENCED);
    tarn_clear(&w->op);
    struct tarn_table *t;
    OK(w, tarn_table_find(&w->lake, &w->op, u, &t));
    assert_null(t);
    OK(w, tarn_change_create(&w->lake, &w->op, u, &make, &other));
    commit(w, other);
    assert_int_equal(
        tarn_changes_commit(&w->lake, &w->op, changes, 1, (struct tarn_commit_options){0}),
        TARN_CONFLICT);
}

static void lose(struct world *w, bool took_effect)
{
    struct tarn_change *c = open_change(w, load(w));
    append(w, c, "mem://w/raw/t/data/a", 1);
    tarn_catalog_mem_lose_answer(w->lake.catalog, took_effect);
    commit(w, c);
    struct tarn_table *t = load(w);
    assert_int_equal(live(w, t), 1); /* neither lost nor doubled */
    assert_int_equal(t->metadata.current_snapshot_id, tarn_change_snapshot_id(c));
}

static void test_lost_answer_of_a_commit_that_happened(void **state)
{
    commit(*state, create(*state));
    lose(*state, true);
}

static void test_lost_answer_of_a_commit_that_did_not(void **state)
{
    commit(*state, create(*state));
    lose(*state, false);
}

/* Retries leave no manifests behind that nothing names, and discarding leaves nothing. */
static void test_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    commit(w, create(w));
    size_t before = objects(w);
    struct tarn_change *c = open_change(w, load(w));
    struct tarn_table *staged;
    append(w, c, "mem://w/raw/t/data/a", 1);
    OK(w, tarn_change_stage(c, &w->op, &staged));
    assert_true(staged->staged);
    assert_int_equal(objects(w), before + 4); /* data, manifest, list, metadata */
    tarn_change_discard(c, &w->op);
    assert_int_equal(objects(w), before);

    c = open_change(w, load(w));
    append(w, c, "mem://w/raw/t/data/b", 1);
    OK(w, tarn_change_stage(c, &w->op, &staged));
    append_now(w, "mem://w/raw/t/data/c", 1);
    before = objects(w);
    commit(w, c); /* conflict, staged anew */
    assert_int_equal(objects(w), before);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(test_create_and_append),
        T(test_sequence_numbers),
        T(test_replace_all),
        T(test_nothing_to_do),
        T(test_schema),
        T(test_appends_rebase),
        T(test_replacing_conflicts_with_rows_in_between),
        T(test_position_is_fenced),
        T(test_schema_changes_conflict),
        T(test_several_tables_or_none),
        T(test_lost_answer_of_a_commit_that_happened),
        T(test_lost_answer_of_a_commit_that_did_not),
        T(test_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
