/* What others may do between a change's base and its commit, and what the change makes of it. */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};
static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b";

enum kind {
    K_APPEND,
    K_DELETE_ALL,
    K_DELETE_FILE,
    K_DELETE_ROW,
    K_SCHEMA,
    K_SPEC,
    K_PROPERTY,
    KINDS
};
static const char *const KIND_NAMES[] = {"append", "replace all", "delete a file", "delete a row",
                                         "schema", "spec",        "property"};

enum between {
    B_APPEND,
    B_REWRITE,
    B_ROLLBACK,
    B_DROP,
    B_MADE_ANEW,
    B_SCHEMA,
    B_COLUMN_DROPPED,
    B_PROPERTY,
    B_DELETE,
    BETWEENS
};
static const char *const BETWEEN_NAMES[] = {"append",         "rewrite",   "rollback",
                                            "drop",           "made anew", "schema",
                                            "column dropped", "property",  "delete"};

/* Rule 4 of change.h, and: what would be lost or seen twice. 1 = commits, 0 = conflicts */
static const int COMMITS[KINDS][BETWEENS] = {
    /*                   append rewrite rollback drop anew schema dropped property delete */
    [K_APPEND] = {1, 1, 1, 0, 0, 1, 0, 1, 1},      [K_DELETE_ALL] = {0, 1, 0, 0, 0, 1, 1, 1, 0},
    [K_DELETE_FILE] = {0, 0, 0, 0, 0, 1, 1, 1, 0}, [K_DELETE_ROW] = {0, 0, 0, 0, 0, 1, 1, 1, 0},
    [K_SCHEMA] = {1, 1, 1, 0, 0, 0, 0, 1, 1},      [K_SPEC] = {1, 1, 1, 0, 0, 0, 0, 1, 1},
    [K_PROPERTY] = {1, 1, 1, 0, 0, 1, 1, 1, 1},
};

static struct tarn_schema schema_with(struct lake_world *w, const struct tarn_change *c,
                                      const char *more)
{
    struct tarn_schema s;
    lake_ok(w, tarn_schema_copy(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &s));
    if (!more) {
        s.root.field_count--;
        return s;
    }
    struct tarn_field *fields = tarn_alloc_array(&w->op, s.root.field_count + 1, sizeof *fields);
    assert_non_null(fields);
    memcpy(fields, s.root.fields, s.root.field_count * sizeof *fields);
    fields[s.root.field_count++] =
        (struct tarn_field){.name = tarn_str_view(more), .type = {.kind = TARN_TYPE_INT}};
    s.root.fields = fields;
    return s;
}

static struct tarn_change *record(struct lake_world *w, enum kind kind)
{
    struct tarn_change *c = lake_open(w);
    struct tarn_str gone = tarn_str_view(A), expr = TARN_STR("bucket(4, id)");
    struct tarn_schema s;
    struct tarn_partition_spec spec;
    switch (kind) {
    case K_APPEND:
        lake_append(w, c, "mem://w/raw/t/data/mine", 3);
        break;
    case K_DELETE_ALL:
        tarn_change_delete_all(c);
        break;
    case K_DELETE_FILE:
        lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
        break;
    case K_DELETE_ROW:
        lake_delete_row(w, c, "mem://w/raw/t/data/x", A, 0);
        break;
    case K_SCHEMA:
        s = schema_with(w, c, "mine");
        lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
        break;
    case K_SPEC:
        lake_ok(w, tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &expr, 1,
                                  &spec));
        lake_ok(w, tarn_change_set_spec(c, &w->op, &spec));
        break;
    default:
        lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("mine"), TARN_STR("1")));
    }
    return c;
}

static void roll_back(struct lake_world *w)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_metadata m = t->metadata;
    struct tarn_ref main_ref = *tarn_metadata_ref(&m, TARN_STR("main"));
    main_ref.snapshot_id = m.current_snapshot_id = m.snapshots[0].snapshot_id;
    m.refs = &main_ref;
    m.ref_count = 1;
    lake_publish(w, t, &m);
}

static void drop(struct lake_world *w)
{
    struct tarn_swap swap = {.ident = LAKE_TABLE, .expected = lake_load(w)->metadata_location};
    lake_ok(w, tarn_catalog_commit(w->lake.catalog, &w->op, &swap, 1));
}

static void meanwhile(struct lake_world *w, enum between between)
{
    struct tarn_change *c = between == B_DROP ? NULL : lake_open(w);
    struct tarn_str gone = tarn_str_view(B);
    struct tarn_schema s;
    switch (between) {
    case B_APPEND:
        lake_append_now(w, "mem://w/raw/t/data/theirs", 4);
        return;
    case B_REWRITE:
        lake_foreign_snapshot(w, "replace");
        return;
    case B_ROLLBACK:
        roll_back(w);
        return;
    case B_DROP:
        drop(w);
        return;
    case B_MADE_ANEW:
        drop(w);
        lake_create(w, "struct<id: long, name: string>", NONE);
        return;
    case B_SCHEMA:
    case B_COLUMN_DROPPED:
        s = schema_with(w, c, between == B_SCHEMA ? "theirs" : NULL);
        lake_ok(w, tarn_change_set_schema(c, &w->op, &s));
        break;
    case B_PROPERTY:
        lake_ok(w, tarn_change_set_property(c, &w->op, TARN_STR("theirs"), TARN_STR("1")));
        break;
    default:
        lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    }
    lake_commit(w, c);
}

static int64_t rows_of(struct lake_world *w)
{
    struct tarn_table *t = lake_load(w);
    struct tarn_live_files files;
    int64_t rows = 0;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    for (size_t i = 0; i < files.count; i++)
        rows += files.items[i].file.content == TARN_CONTENT_DATA
                    ? files.items[i].file.record_count
                    : -files.items[i].file.record_count;
    return rows;
}

static int64_t effect(enum kind kind, int64_t rows)
{
    return kind == K_APPEND        ? rows + 3
           : kind == K_DELETE_ALL  ? 0
           : kind == K_DELETE_FILE ? rows - 5
           : kind == K_DELETE_ROW  ? rows - 1
                                   : rows;
}

/* What theirs did stands, and mine is on top of it, or not there at all. */
static void one_case(enum kind kind, enum between between, bool staged)
{
    struct lake_world *w;
    struct tarn_table *t;
    lake_begin((void **)&w);
    lake_create(w, "struct<id: long, name: string>", NONE);
    lake_append_now(w, A, 5);
    lake_append_now(w, B, 5);
    struct tarn_change *mine = record(w, kind);
    if (staged)
        lake_ok(w, tarn_change_stage(mine, &w->op, &t));
    meanwhile(w, between);
    int64_t rows = between == B_DROP ? 0 : rows_of(w);
    enum tarn_status status =
        tarn_changes_commit(&w->lake, &w->op, &mine, 1, (struct tarn_commit_options){0});
    if (status != (COMMITS[kind][between] ? TARN_OK : TARN_CONFLICT))
        print_error("%s, and meanwhile %s: %s: %s\n", KIND_NAMES[kind], BETWEEN_NAMES[between],
                    tarn_status_info(status)->name, w->op.report.message);
    assert_int_equal(status, COMMITS[kind][between] ? TARN_OK : TARN_CONFLICT);
    tarn_clear(&w->op);
    lake_ok(w, tarn_table_find(&w->lake, &w->op, LAKE_TABLE, &t));
    if (between == B_DROP) {
        assert_null(t);
        lake_end((void **)&w);
        return;
    }
    assert_int_equal(rows_of(w), status == TARN_OK ? effect(kind, rows) : rows);
    const struct tarn_schema *s = tarn_metadata_schema(&t->metadata);
    assert_int_equal(tarn_schema_field_by_path(s, TARN_STR("mine")) != NULL,
                     status == TARN_OK && kind == K_SCHEMA);
    assert_int_equal(tarn_schema_field_by_path(s, TARN_STR("theirs")) != NULL, between == B_SCHEMA);
    assert_int_equal(tarn_kvs_get(&t->metadata.properties, "mine") != NULL,
                     status == TARN_OK && kind == K_PROPERTY);
    assert_int_equal(tarn_kvs_get(&t->metadata.properties, "theirs") != NULL,
                     between == B_PROPERTY);
    lake_end((void **)&w);
}

static void every_pair(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++)
        for (int between = 0; between < BETWEENS; between++) {
            one_case((enum kind)kind, (enum between)between, false);
            one_case((enum kind)kind, (enum between)between, true);
        }
}

/* A replacing snapshot hides one that added rows below it. */
static void a_rewrite_on_top_of_rows(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    struct tarn_change *mine = lake_open(w);
    tarn_change_delete_all(mine);
    lake_append_now(w, B, 5);
    lake_foreign_snapshot(w, "replace");
    lake_fails(w, tarn_changes_commit(&w->lake, &w->op, &mine, 1, (struct tarn_commit_options){0}),
               TARN_CONFLICT, "raw.t");
    assert_int_equal(rows_of(w), 10);
}

/* The first snapshot of a table that was empty. */
static void the_first_rows_of_an_empty_table(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *a = lake_open(w), *b = lake_open(w);
    lake_append(w, a, A, 5);
    lake_append(w, b, B, 5);
    tarn_change_delete_all(b); /* there was nothing to delete */
    lake_commit(w, a);
    lake_commit(w, b);
    assert_int_equal(rows_of(w), 10);
}

/* Files that were replaced while the change waited are named in a conflict, not passed over. */
static void files_that_are_gone(void **state)
{
    struct lake_world *w = *state;
    struct tarn_str paths[] = {tarn_str_view(A), TARN_STR("mem://w/raw/t/data/never")};
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_delete_files(c, &w->op, paths, 2));
    lake_fails(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}),
               TARN_CONFLICT, NULL);
    assert_int_equal(rows_of(w), 5);
    c = lake_open(w);
    paths[1] = paths[0]; /* said twice */
    lake_ok(w, tarn_change_delete_files(c, &w->op, paths, 2));
    lake_commit(w, c);
    assert_int_equal(rows_of(w), 0);
}

/* Trap 34: a table of the same name is not the same table. */
static void trap_34_a_table_made_anew_is_another(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *mine = lake_open(w);
    lake_append(w, mine, A, 5);
    drop(w);
    lake_create(w, "struct<id: long>", NONE);
    lake_fails(w, tarn_changes_commit(&w->lake, &w->op, &mine, 1, (struct tarn_commit_options){0}),
               TARN_CONFLICT, "anew");
    assert_int_equal(rows_of(w), 0);
}

/* A precondition is looked at again at every try. */
static void preconditions_outlive_a_retry(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *mine = lake_open(w);
    lake_append(w, mine, A, 5);
    lake_ok(w,
            tarn_change_require_property(mine, &w->op, TARN_STR("p"), (struct tarn_str){NULL, 0}));
    lake_append_now(w, B, 1); /* a retry, the condition holds */
    struct tarn_change *theirs = lake_open(w);
    lake_ok(w, tarn_change_set_property(theirs, &w->op, TARN_STR("p"), TARN_STR("1")));
    lake_commit(w, theirs);
    lake_fails(w, tarn_changes_commit(&w->lake, &w->op, &mine, 1, (struct tarn_commit_options){0}),
               TARN_FENCED, "p");
    assert_int_equal(rows_of(w), 1);
}

/* Retries of one change in a group leave the others' staged files as they are, and all or none is
 * published. */
static void a_group_with_one_conflict(void **state)
{
    struct lake_world *w = *state;
    struct tarn_schema schema = {0};
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/u"), .schema = &schema};
    struct tarn_ident u = {TARN_STR("raw"), TARN_STR("u")};
    struct tarn_change *changes[2];
    struct tarn_table *staged, *t;
    lake_create(w, "struct<id: long>", NONE);
    lake_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    lake_ok(w, tarn_change_create(&w->lake, &w->op, u, &create, &changes[0]));
    lake_append(w, changes[0], "mem://w/raw/u/data/a", 2);
    changes[1] = lake_open(w);
    lake_append(w, changes[1], A, 5);
    lake_ok(w, tarn_change_stage(changes[0], &w->op, &staged));
    struct tarn_str kept = staged->metadata_location;
    lake_ok(w, tarn_change_stage(changes[1], &w->op, &staged));
    struct tarn_str first = staged->metadata_location;
    lake_append_now(w, B, 1);
    lake_ok(w, tarn_changes_commit(&w->lake, &w->op, changes, 2, (struct tarn_commit_options){0}));
    lake_ok(w, tarn_table_load(&w->lake, &w->op, u, &t));
    assert_true(tarn_str_eq(t->metadata_location, kept));
    assert_false(tarn_str_eq(lake_load(w)->metadata_location, first));
    assert_int_equal(rows_of(w), 6);
    assert_false(tarn_change_table(changes[0])->staged);
    assert_false(tarn_change_table(changes[1])->staged);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair),
        T(a_rewrite_on_top_of_rows),
        T(the_first_rows_of_an_empty_table),
        T(files_that_are_gone),
        T(trap_34_a_table_made_anew_is_another),
        T(preconditions_outlive_a_retry),
        T(a_group_with_one_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
