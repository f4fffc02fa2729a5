/* Commits while memory, storage or catalog fail at every place in turn: the table is as before or
 * as after, never otherwise; what is known not to have happened leaves no manifests behind; what
 * may have happened loses no file. */
#include "lake_fixture.h"

#include <string.h>

#include "base/arena.h"

static const char *const NONE[] = {NULL};

/* ---- what is committed: each adds 3 rows to the 2 files of 5 rows that are there, or replaces
 * something */

enum act {
    APPEND,
    REPLACE_ALL,
    DELETE_SOME,
    NEW_SCHEMA,
    CREATE,
    TWO_TABLES,
    CHAIN,
    PICK,
    VECTOR,
    MERGE,
    REPLACE,
    TAG,
    ACTS
};
static const int64_t ROWS_AFTER[] = {13, 3, 8, 13, 3, 16, 16, 14, 9, 13, 3, 13};

static const struct tarn_ident OTHER = {{"raw", 3}, {"u", 1}};

static enum tarn_status new_schema(struct lake_world *w, struct tarn_change *c)
{
    struct tarn_schema s = *tarn_metadata_schema(tarn_change_metadata(c));
    struct tarn_field fields[2] = {s.root.fields[0],
                                   {.name = TARN_STR("x"), .type = {.kind = TARN_TYPE_INT}}};
    s.root.fields = fields;
    s.root.field_count = 2;
    return tarn_change_set_schema(c, &w->op, &s);
}

static enum tarn_status open_or_create(struct lake_world *w, const struct tarn_lake *lake,
                                       struct tarn_ident ident, bool create,
                                       struct tarn_change **out)
{
    struct tarn_table *t;
    struct tarn_schema schema = {0};
    struct tarn_create how = {.schema = &schema};
    if (!create) {
        TARN_TRY(tarn_table_load(lake, &w->op, ident, &t));
        return tarn_change_open(lake, &w->op, t, out);
    }
    how.location = TARN_STR("mem://w/raw/u");
    TARN_TRY(tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    return tarn_change_create(lake, &w->op, ident, &how, out);
}

static enum tarn_status vector(struct lake_world *w, struct tarn_change *c)
{
    struct tarn_data_file f = {.path = TARN_STR("mem://w/raw/t/data/v.puffin"),
                               .content = TARN_CONTENT_POSITION_DELETES,
                               .format = TARN_STR("PUFFIN"),
                               .record_count = 1,
                               .size_bytes = 4,
                               .sort_order_id = -1,
                               .first_row_id = -1,
                               .referenced_data_file = TARN_STR("mem://w/raw/t/data/b"),
                               .content_offset = 1,
                               .content_size = 2};
    TARN_TRY(tarn_change_upgrade(c, &w->op, 3));
    return tarn_change_add_deletes(c, &w->op, &f, 1);
}

/* An act on the table alone, on top of the file that is appended. */
static enum tarn_status record(struct lake_world *w, struct tarn_change *c, enum act act)
{
    struct tarn_str gone = TARN_STR("mem://w/raw/t/data/a");
    struct tarn_ref tag = {.name = TARN_STR("v1"),
                           .snapshot_id = tarn_change_snapshot_id(c),
                           .is_tag = true,
                           .min_snapshots_to_keep = -1,
                           .max_snapshot_age_ms = -1,
                           .max_ref_age_ms = -1};
    switch (act) {
    case REPLACE_ALL:
        tarn_change_delete_all(c);
        return TARN_OK;
    case VECTOR:
        TARN_TRY(vector(w, c));
        return tarn_change_delete_files(c, &w->op, &gone, 1);
    case DELETE_SOME:
        return tarn_change_delete_files(c, &w->op, &gone, 1);
    case NEW_SCHEMA:
        return new_schema(w, c);
    case MERGE:
        return tarn_change_set_property(c, &w->op, TARN_STR("commit.manifest.min-count-to-merge"),
                                        TARN_STR("2"));
    case TAG:
        return tarn_change_set_ref(c, &w->op, &tag);
    default:
        return TARN_OK;
    }
}

static enum tarn_status start(struct lake_world *w, struct tarn_change *c, enum act act)
{
    struct tarn_schema schema = {0};
    struct tarn_create how = {.schema = &schema};
    if (act != REPLACE)
        return TARN_OK;
    TARN_TRY(tarn_type_parse(&w->op, TARN_STR("struct<x: string, id: long>"), &schema.root));
    return tarn_change_replace(c, &w->op, &how);
}

struct act_state {
    struct tarn_change *changes[2];
    size_t count;
};

static int64_t staged_snapshot(const struct tarn_change *c)
{
    const struct tarn_metadata *m = tarn_change_metadata(c);
    for (size_t i = 0; i < m->snapshot_count; i++)
        if (tarn_kvs_get(&m->snapshots[i].summary, "wap.id"))
            return m->snapshots[i].snapshot_id;
    return 0;
}

/* What a chain's first change wrote before its second could be recorded. */
static void forget_staged(struct lake_world *w, const struct tarn_lake *lake,
                          const struct act_state *s)
{
    struct tarn_report told = w->op.report;
    for (size_t i = 0; i < tarn_change_file_count(s->changes[0]); i++) {
        struct tarn_str path = tarn_change_file(s->changes[0], i);
        if (!tarn_str_ends(path, TARN_STR("mine")))
            (void)!tarn_storage_remove(lake->storage, &w->op, path);
    }
    w->op.report = told;
}

static enum tarn_status second(struct lake_world *w, const struct tarn_lake *lake, enum act act,
                               const struct tarn_data_file *file, struct act_state *s)
{
    struct tarn_table *staged;
    if (act == TWO_TABLES) {
        TARN_TRY(open_or_create(w, lake, LAKE_TABLE, false, &s->changes[1]));
    } else {
        TARN_TRY(tarn_change_stage(s->changes[0], &w->op, &staged));
        TARN_TRY(tarn_change_open(lake, &w->op, staged, &s->changes[1]));
    }
    s->count = 2;
    return tarn_change_append(s->changes[1], &w->op, file, 1);
}

static enum tarn_status carry_out(struct lake_world *w, const struct tarn_lake *lake, enum act act,
                                  const struct tarn_data_file *file, struct act_state *s)
{
    bool create = act == CREATE || act == TWO_TABLES;
    *s = (struct act_state){{NULL}, 0};
    TARN_TRY(open_or_create(w, lake, create ? OTHER : LAKE_TABLE, create, &s->changes[0]));
    s->count = 1;
    TARN_TRY(start(w, s->changes[0], act));
    if (act == PICK)
        TARN_TRY(tarn_change_cherry_pick(s->changes[0], &w->op, staged_snapshot(s->changes[0])));
    else
        TARN_TRY(tarn_change_append(s->changes[0], &w->op, file, 1));
    TARN_TRY(record(w, s->changes[0], act));
    if (act == TWO_TABLES || act == CHAIN) {
        enum tarn_status status = second(w, lake, act, file + 1, s);
        if (status != TARN_OK) { /* the data files are the test's */
            forget_staged(w, lake, s);
            return status;
        }
    }
    return tarn_changes_commit(lake, &w->op, s->changes, s->count,
                               (struct tarn_commit_options){.tries = 3});
}

static int64_t rows_of(struct lake_world *w, struct tarn_ident ident)
{
    struct tarn_table *t;
    struct tarn_live_files files;
    int64_t rows = 0;
    lake_ok(w, tarn_table_find(&w->lake, &w->op, ident, &t));
    if (!t)
        return -1;
    lake_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &files));
    for (size_t i = 0; i < files.count; i++)
        rows += files.items[i].file.record_count;
    return rows;
}

static struct lake_world *world(struct tarn_data_file files[2])
{
    struct lake_world *w;
    lake_begin((void **)&w);
    lake_create(w, "struct<id: long>", NONE);
    lake_append_now(w, "mem://w/raw/t/data/a", 5);
    struct tarn_change *wap = lake_open(w);
    lake_ok(w, tarn_change_stage_wap(wap, &w->op, TARN_STR("job")));
    lake_append(w, wap, "mem://w/raw/t/data/wap", 4);
    lake_commit(w, wap);
    lake_append_now(w, "mem://w/raw/t/data/b", 5);
    (void)lake_file(w, "mem://w/raw/t/data/v.puffin", 1);
    files[0] = lake_file(w, "mem://w/raw/t/data/mine", 3);
    files[1] = lake_file(w, "mem://w/raw/t/data/mine2", 3);
    return w;
}

static void assert_done(struct lake_world *w, enum act act)
{
    int64_t t = rows_of(w, LAKE_TABLE), u = rows_of(w, OTHER);
    if (act == CREATE)
        assert_int_equal(u, ROWS_AFTER[act]);
    else if (act == TWO_TABLES)
        assert_int_equal(t + u, ROWS_AFTER[act]);
    else
        assert_int_equal(t, ROWS_AFTER[act]);
}

static void assert_not_done(struct lake_world *w)
{
    assert_int_equal(rows_of(w, LAKE_TABLE), 10);
    assert_int_equal(rows_of(w, OTHER), -1);
}

/* ---- storage */

static bool storage_fault(enum act act, long n, bool after, unsigned calls)
{
    struct tarn_data_file files[2];
    struct lake_world *w = world(files);
    struct tarn_storage *fault;
    struct act_state s;
    size_t before = lake_objects(w);
    struct tarn_storage_fault_options o = {
        .fail_at = n, .calls = calls, .status = TARN_IO, .after = after};
    lake_ok(w, tarn_storage_fault_open(&w->op, w->lake.storage, o, &fault));
    struct tarn_lake lake = w->lake;
    lake.storage = fault;
    enum tarn_status status = carry_out(w, &lake, act, files, &s);
    bool struck = tarn_storage_fault_count(fault) >= n;
    tarn_clear(&w->op);
    if (status == TARN_OK) {
        assert_done(w, act);
    } else {
        assert_int_equal(status, TARN_IO);
        assert_not_done(w);
        assert_int_equal(lake_objects(w), before);
    }
    w->lake.storage = fault; /* closes what it stands on */
    lake_end((void **)&w);
    return struck;
}

static void storage_fails_at_every_call(void **state)
{
    (void)state;
    for (int act = 0; act < ACTS; act++)
        for (int after = 0; after < 2; after++) {
            long n = 1;
            while (storage_fault((enum act)act, n, after, TARN_STORAGE_C_ANY))
                n++;
            assert_true(n > 4);
        }
}

/* ---- memory */

/* Fails allocation after allocation until the act passes; the world is the same after each
 * failure. */
static long memory_faults(enum act act, long n)
{
    struct tarn_data_file files[2];
    struct lake_world *w = world(files);
    struct tarn_arena_mark mark = tarn_arena_mark(w->op.arena);
    size_t before = lake_objects(w);
    for (;; n += act == APPEND ? 1 : 5) {
        struct act_state s;
        tarn_alloc_fail_at(n);
        enum tarn_status status = carry_out(w, &w->lake, act, files, &s);
        tarn_alloc_fail_at(0);
        tarn_clear(&w->op);
        if (status == TARN_OK)
            break;
        assert_int_equal(status, TARN_NOMEM);
        assert_not_done(w);
        assert_int_equal(lake_objects(w), before);
        tarn_arena_rewind(w->op.arena, mark);
    }
    assert_done(w, act);
    lake_end((void **)&w);
    return n;
}

/* Some failures are none of the commit's (tidying up): the end is reached when many in a row do no
 * harm. */
static void memory_runs_out_at_every_allocation(void **state)
{
    (void)state;
    for (int act = 0; act < ACTS; act++) {
        long n = 1, harmless = 0;
        while (harmless < 10) {
            long next = memory_faults((enum act)act, n);
            harmless = next == n ? harmless + 1 : 0;
            n = next + 1;
        }
        assert_true(n > 100);
    }
}

/* ---- a catalog whose answers are lost: a request that the caller gave up may still be carried
 * out */

struct slow_catalog {
    struct tarn_catalog base;
    struct tarn_catalog *below;
    struct tarn_op *op;
    int lose;  /* so many commits answer UNKNOWN without effect... */
    bool late; /* ... of which the first is carried out before the next call */
    bool deaf; /* loads fail while nothing is known */
    struct tarn_swap kept[2];
    size_t kept_count;
    int commits;
};

static enum tarn_status slow_load(struct tarn_catalog *c, struct tarn_op *op,
                                  struct tarn_ident ident, struct tarn_str *out)
{
    struct slow_catalog *s = (struct slow_catalog *)c;
    if (s->deaf && s->commits)
        return tarn_fail(op, TARN_CONNECT, "the catalog cannot be reached");
    return tarn_catalog_load(s->below, op, ident, out);
}

static enum tarn_status slow_commit(struct tarn_catalog *c, struct tarn_op *op,
                                    const struct tarn_swap *swaps, size_t count)
{
    struct slow_catalog *s = (struct slow_catalog *)c;
    s->commits++;
    if (s->kept_count && s->late) {
        assert_int_equal(tarn_catalog_commit(s->below, op, s->kept, s->kept_count), TARN_OK);
        s->late = false;
    }
    if (s->lose-- > 0) {
        memcpy(s->kept, swaps, count * sizeof *swaps);
        s->kept_count = count;
        return tarn_fail(op, TARN_UNKNOWN, "the answer was lost");
    }
    return tarn_catalog_commit(s->below, op, swaps, count);
}

static const struct tarn_catalog_ops slow_ops = {.name = "slow",
                                                 .abilities = TARN_CATALOG_MULTI_TABLE,
                                                 .load = slow_load,
                                                 .commit = slow_commit};

static struct slow_catalog slow_catalog(struct lake_world *w)
{
    return (struct slow_catalog){
        .base = {&slow_ops, TARN_STR("iceberg")}, .below = w->lake.catalog, .op = &w->op};
}

/* Trap 1: the first request lands after its look-up said that it had not. Our own snapshot is then
 * no stranger's. */
static void trap_1_a_commit_that_lands_late(void **state)
{
    (void)state;
    for (int act = 0; act < ACTS; act++) {
        struct tarn_data_file files[2];
        struct lake_world *w = world(files);
        struct slow_catalog slow = slow_catalog(w);
        struct tarn_lake lake = w->lake;
        struct act_state s;
        lake.catalog = &slow.base;
        slow.lose = 1;
        slow.late = true;
        lake_ok(w, carry_out(w, &lake, (enum act)act, files, &s));
        assert_int_equal(slow.commits, 2);
        assert_done(w, (enum act)act);
        const struct tarn_table *t = tarn_change_table(s.changes[0]);
        struct tarn_table *now;
        lake_ok(w, tarn_table_load(&w->lake, &w->op, t->ident, &now));
        assert_true(tarn_str_eq(now->metadata_location, t->metadata_location));
        lake_end((void **)&w);
    }
}

/* Nothing is known at the end: no file may go, whatever the commit may still become. */
static void trap_1_what_is_not_known_keeps_its_files(void **state)
{
    (void)state;
    for (int deaf = 0; deaf < 2; deaf++) {
        struct tarn_data_file files[2];
        struct lake_world *w = world(files);
        struct slow_catalog slow = slow_catalog(w);
        struct tarn_lake lake = w->lake;
        struct act_state s;
        lake.catalog = &slow.base;
        slow.lose = 1000;
        slow.deaf = deaf;
        assert_int_equal(carry_out(w, &lake, TWO_TABLES, files, &s), TARN_UNKNOWN);
        assert_int_equal(w->op.report.status, TARN_UNKNOWN);
        tarn_clear(&w->op);
        assert_not_done(w);
        /* ... and then it happens */
        lake_ok(w, tarn_catalog_commit(w->lake.catalog, &w->op, slow.kept, slow.kept_count));
        assert_done(w, TWO_TABLES);
        lake_end((void **)&w);
    }
}

/* The look-up of a lost answer fails by storage, at each call. */
static void trap_1_storage_fails_during_the_look_up(void **state)
{
    (void)state;
    for (long n = 1; n < 20; n++) {
        struct tarn_data_file files[2];
        struct lake_world *w = world(files);
        struct tarn_storage *fault;
        struct act_state s;
        struct tarn_storage_fault_options o = {
            .fail_at = n, .calls = TARN_STORAGE_C_ANY, .status = TARN_IO};
        lake_ok(w, tarn_storage_fault_open(&w->op, w->lake.storage, o, &fault));
        struct tarn_lake lake = w->lake;
        lake.storage = fault;
        tarn_catalog_mem_lose_answer(w->lake.catalog, true);
        enum tarn_status status = carry_out(w, &lake, APPEND, files, &s);
        tarn_clear(&w->op);
        if (status == TARN_OK || status == TARN_UNKNOWN)
            assert_done(w, APPEND); /* all its manifests are there to be read */
        else
            assert_not_done(w);
        w->lake.storage = fault;
        lake_end((void **)&w);
    }
}

/* ---- giving up */

static void a_commit_that_gives_up(void **state)
{
    struct lake_world *w = *state;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/mine", 3);
    lake_append_now(w, "mem://w/raw/t/data/theirs", 1);
    size_t before = lake_objects(w);
    assert_int_equal(
        tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){.tries = 1}),
        TARN_CONFLICT);
    assert_int_equal(w->op.report.status, TARN_CONFLICT);
    tarn_clear(&w->op);
    assert_int_equal(lake_objects(w), before);
    lake_commit(w, c); /* it may be tried again later, with the same data files */
    assert_int_equal(rows_of(w, LAKE_TABLE), 4);
}

static void a_cancelled_commit_leaves_nothing(void **state)
{
    struct lake_world *w = *state;
    struct tarn_cancel cancel = {0};
    struct tarn_table *staged;
    lake_create(w, "struct<id: long>", NONE);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/a", 3);
    lake_ok(w, tarn_change_stage(c, &w->op, &staged));
    lake_append_now(w, "mem://w/raw/t/data/theirs", 1);
    size_t with_staged = lake_objects(w);
    cancel.level = 2;
    w->op.cancel = &cancel;
    assert_int_equal(tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}),
                     TARN_CANCELLED);
    w->op.cancel = NULL;
    tarn_clear(&w->op);
    assert_int_equal(rows_of(w, LAKE_TABLE), 1);
    assert_int_equal(lake_objects(w), with_staged - 3);
}

static void a_change_that_is_discarded_leaves_nothing(void **state)
{
    struct lake_world *w = *state;
    struct tarn_table *staged;
    lake_create(w, "struct<id: long>", NONE);
    size_t before = lake_objects(w);
    struct tarn_change *c = lake_open(w);
    lake_append(w, c, "mem://w/raw/t/data/a", 3);
    lake_delete_row(w, c, "mem://w/raw/t/data/x", "mem://w/raw/t/data/a", 1);
    lake_ok(w, tarn_change_stage(c, &w->op, &staged));
    lake_ok(w, tarn_change_stage(c, &w->op, &staged)); /* anew: both sets are its own */
    size_t files = tarn_change_file_count(c);
    assert_int_equal(files, lake_objects(w) - before);
    for (size_t i = 0; i < files; i++)
        assert_non_null(tarn_change_file(c, i).ptr);
    tarn_change_discard(c, &w->op);
    assert_int_equal(lake_objects(w), before);
    assert_int_equal(tarn_change_file_count(c), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storage_fails_at_every_call),
        cmocka_unit_test(memory_runs_out_at_every_allocation),
        cmocka_unit_test(trap_1_a_commit_that_lands_late),
        cmocka_unit_test(trap_1_what_is_not_known_keeps_its_files),
        cmocka_unit_test(trap_1_storage_fails_during_the_look_up),
        T(a_commit_that_gives_up),
        T(a_cancelled_commit_leaves_nothing),
        T(a_change_that_is_discarded_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
