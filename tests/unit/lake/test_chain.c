/* Chains: changes of one transaction, each on what the one before it staged. */
#include "lake_fixture.h"

#include <string.h>

static const char *const NONE[] = {NULL};
static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b",
                  C[] = "mem://w/raw/t/data/c";

static struct tarn_change *on_top(struct lake_world *w, struct tarn_change *below)
{
    struct tarn_table *staged;
    struct tarn_change *c;
    lake_ok(w, tarn_change_stage(below, &w->op, &staged));
    assert_true(staged->staged);
    lake_ok(w, tarn_change_open(&w->lake, &w->op, staged, &c));
    return c;
}

static enum tarn_status commit(struct lake_world *w, struct tarn_change **changes, size_t count)
{
    return tarn_changes_commit(&w->lake, &w->op, changes, count, (struct tarn_commit_options){0});
}

static size_t metadata_files(struct lake_world *w)
{
    struct tarn_listing l;
    size_t n = 0;
    lake_ok(w, tarn_storage_list(w->lake.storage, &w->op, TARN_STR("mem://w"), &l));
    for (size_t i = 0; i < l.count; i++)
        n += tarn_str_ends(l.objects[i].path, TARN_STR(".metadata.json"));
    return n;
}

/* a: rows; b: a row of them deleted and a property; c: a file replaced. */
static void three_changes(struct lake_world *w, struct tarn_change *changes[3])
{
    struct tarn_str gone = tarn_str_view(A);
    changes[0] = lake_open(w);
    lake_append(w, changes[0], B, 3);
    changes[1] = on_top(w, changes[0]);
    lake_delete_row(w, changes[1], "mem://w/raw/t/data/x", B, 0);
    lake_ok(w, tarn_change_set_property(changes[1], &w->op, TARN_STR("p"), TARN_STR("1")));
    changes[2] = on_top(w, changes[1]);
    lake_ok(w, tarn_change_delete_files(changes[2], &w->op, &gone, 1));
    lake_append(w, changes[2], C, 4);
}

static void the_last_of_a_chain_is_published(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *changes[3];
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    struct tarn_table *before = lake_load(w);
    size_t files = metadata_files(w);
    three_changes(w, changes);
    assert_true(tarn_str_eq(lake_load(w)->metadata_location, before->metadata_location));
    lake_ok(w, commit(w, changes, 3));
    struct tarn_table *t = lake_load(w);
    assert_int_equal(lake_live(w, t), 3); /* b, c and what is deleted of b */
    const struct tarn_metadata *m = &t->metadata;
    assert_int_equal(m->snapshot_count, 4);
    for (size_t i = 1; i < 4; i++) {
        assert_int_equal(m->snapshots[i].snapshot_id, tarn_change_snapshot_id(changes[i - 1]));
        assert_int_equal(m->snapshots[i].parent_id, m->snapshots[i - 1].snapshot_id);
        assert_int_equal(m->snapshots[i].sequence_number, i + 1);
        assert_true(m->snapshots[i].timestamp_ms > m->snapshots[i - 1].timestamp_ms);
        assert_true(tarn_str_eq(tarn_change_table(changes[i - 1])->metadata_location,
                                t->metadata_location));
        assert_false(tarn_change_table(changes[i - 1])->staged);
    }
    assert_string_equal(lake_summary(t, "total-records"), "7");
    assert_string_equal(lake_summary(t, "total-position-deletes"), "1");
    assert_true(tarn_str_is(*tarn_kvs_get(&m->properties, "p"), "1"));
    /* what was never current is in no log, and its metadata is gone */
    assert_int_equal(m->snapshot_log_count, 2);
    assert_int_equal(m->snapshot_log[1].snapshot_id, m->current_snapshot_id);
    assert_int_equal(m->metadata_log_count, before->metadata.metadata_log_count + 1);
    assert_true(
        tarn_str_eq(m->metadata_log[m->metadata_log_count - 1].file, before->metadata_location));
    assert_int_equal(metadata_files(w), files + 1);
    lake_append_now(w, "mem://w/raw/t/data/d", 1);
    assert_int_equal(lake_live(w, lake_load(w)), 4);
}

/* Nobody else has seen the rows that the later ones started from. */
static void a_chain_is_not_retried(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *changes[3];
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    three_changes(w, changes);
    lake_append_now(w, "mem://w/raw/t/data/theirs", 1);
    struct tarn_table *theirs = lake_load(w);
    lake_fails(w, commit(w, changes, 3), TARN_CONFLICT, "raw.t");
    assert_true(tarn_str_eq(lake_load(w)->metadata_location, theirs->metadata_location));
    for (int i = 0; i < 3; i++)
        tarn_change_discard(changes[i], &w->op);
    /* two tables' worth of metadata, a snapshot each with manifest and list, two data files */
    assert_int_equal(lake_objects(w), 3 + 2 * 2 + 2);
}

static void a_chain_from_a_new_table(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *changes[2];
    struct tarn_schema schema = {0};
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/t"), .schema = &schema};
    lake_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    lake_ok(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &changes[0]));
    changes[1] = on_top(w, changes[0]);
    lake_append(w, changes[1], A, 5);
    lake_ok(w, commit(w, changes, 2));
    struct tarn_table *t = lake_load(w);
    assert_int_equal(lake_live(w, t), 1);
    assert_int_equal(t->metadata.metadata_log_count, 0);
    assert_int_equal(t->metadata.snapshot_log_count, 1);
    assert_int_equal(metadata_files(w), 1);
    /* ... which somebody else made first */
    lake_ok(w, tarn_change_create(&w->lake, &w->op, LAKE_TABLE, &create, &changes[0]));
    changes[1] = on_top(w, changes[0]);
    lake_append(w, changes[1], B, 5);
    lake_fails(w, commit(w, changes, 2), TARN_CONFLICT, NULL);
    assert_int_equal(lake_live(w, lake_load(w)), 1);
    assert_int_equal(metadata_files(w), 1);
}

/* A chain and a change of another table are one commit; the other one may still be retried. */
static void a_chain_beside_another_table(void **state)
{
    struct lake_world *w = *state;
    struct tarn_schema schema = {0};
    struct tarn_create create = {.location = TARN_STR("mem://w/raw/u"), .schema = &schema};
    struct tarn_ident u = {TARN_STR("raw"), TARN_STR("u")};
    struct tarn_change *changes[3], *made, *theirs;
    struct tarn_table *t;
    lake_create(w, "struct<id: long>", NONE);
    lake_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    lake_ok(w, tarn_change_create(&w->lake, &w->op, u, &create, &made));
    lake_commit(w, made);
    lake_ok(w, tarn_table_load(&w->lake, &w->op, u, &t));
    changes[0] = lake_open(w);
    lake_append(w, changes[0], A, 5);
    lake_ok(w, tarn_change_open(&w->lake, &w->op, t, &changes[1]));
    lake_append(w, changes[1], "mem://w/raw/u/data/a", 2);
    changes[2] = on_top(w, changes[0]);
    lake_append(w, changes[2], B, 3);
    lake_ok(w, tarn_change_open(&w->lake, &w->op, t, &theirs));
    lake_append(w, theirs, "mem://w/raw/u/data/b", 1);
    lake_commit(w, theirs);
    lake_ok(w, commit(w, changes, 3));
    assert_int_equal(lake_live(w, lake_load(w)), 2);
    lake_ok(w, tarn_table_load(&w->lake, &w->op, u, &t));
    assert_int_equal(lake_live(w, t), 2);
}

/* Answers that are lost: what happened is found, what did not is tried again as it is. */
static void a_chain_whose_answer_is_lost(void **state)
{
    (void)state;
    for (int took_effect = 0; took_effect < 2; took_effect++) {
        struct lake_world *w;
        struct tarn_change *changes[3];
        lake_begin((void **)&w);
        lake_create(w, "struct<id: long>", NONE);
        lake_append_now(w, A, 5);
        three_changes(w, changes);
        tarn_catalog_mem_lose_answer(w->lake.catalog, took_effect);
        lake_ok(w, commit(w, changes, 3));
        struct tarn_table *t = lake_load(w);
        assert_int_equal(lake_live(w, t), 3);
        assert_int_equal(t->metadata.snapshot_count, 4);
        assert_true(
            tarn_str_eq(tarn_change_table(changes[0])->metadata_location, t->metadata_location));
        lake_end((void **)&w);
    }
}

/* Branches within a chain: main's log has what main ends at. */
static void a_chain_over_a_branch(void **state)
{
    struct lake_world *w = *state;
    struct tarn_change *changes[3];
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, A, 5);
    struct tarn_ref r = {.name = TARN_STR("audit"),
                         .snapshot_id = lake_load(w)->metadata.current_snapshot_id,
                         .min_snapshots_to_keep = -1,
                         .max_snapshot_age_ms = -1,
                         .max_ref_age_ms = -1};
    changes[0] = lake_open(w);
    lake_ok(w, tarn_change_set_ref(changes[0], &w->op, &r));
    changes[1] = on_top(w, changes[0]);
    lake_ok(w, tarn_change_set_branch(changes[1], &w->op, TARN_STR("audit")));
    lake_append(w, changes[1], B, 3);
    changes[2] = on_top(w, changes[1]);
    lake_ok(w, tarn_change_fast_forward(changes[2], &w->op, TARN_STR("main"), TARN_STR("audit")));
    lake_ok(w, commit(w, changes, 3));
    struct tarn_table *t = lake_load(w);
    assert_int_equal(t->metadata.current_snapshot_id, tarn_change_snapshot_id(changes[1]));
    assert_int_equal(t->metadata.snapshot_log_count, 2);
    assert_int_equal(lake_live(w, t), 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        T(the_last_of_a_chain_is_published),
        T(a_chain_is_not_retried),
        T(a_chain_from_a_new_table),
        T(a_chain_beside_another_table),
        cmocka_unit_test(a_chain_whose_answer_is_lost),
        T(a_chain_over_a_branch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
