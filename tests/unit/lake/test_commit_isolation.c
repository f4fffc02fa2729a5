/* tarn_change_set_isolation: what may go on at the same time, and what a statement's rows are
 * protected from. */
#include "lake_fixture.h"

#include <string.h>

static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b";

static enum tarn_status commit(struct lake_world *w, struct tarn_change *c)
{
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

/* A file of ids from lower to upper in a region. */
static struct tarn_data_file file(struct lake_world *w, const char *path, const char *region,
                                  const char *lower, const char *upper)
{
    const char *const values[] = {region};
    struct tarn_data_file f = lake_file(w, path, 5);
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    lake_partition(w, &f, m, m->default_spec_id, values);
    lake_metrics(w, &f, tarn_metadata_schema(m), "id", lower, upper, 0);
    return f;
}

static void append(struct lake_world *w, struct tarn_change *c, const char *path,
                   const char *region, const char *lower, const char *upper)
{
    struct tarn_data_file f = file(w, path, region, lower, upper);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
}

/* Version 3, by region: a of ids 1 to 10 in "eu", b of 11 to 20 in "us". */
static void two_files(struct lake_world *w)
{
    static const char *const by_region[] = {"region", NULL};
    lake_create(w, "struct<id: long, region: string>", by_region);
    struct tarn_change *c = lake_open(w);
    lake_ok(w, tarn_change_upgrade(c, &w->op, 3));
    append(w, c, A, "eu", "1", "10");
    append(w, c, B, "us", "11", "20");
    lake_commit(w, c);
}

static struct tarn_data_file vector(struct lake_world *w, const char *puffin, const char *target)
{
    const char *const values[] = {strcmp(target, A) == 0 ? "eu" : "us"};
    struct tarn_data_file f = lake_file(w, puffin, 1);
    lake_partition(w, &f, &lake_load(w)->metadata, 0, values);
    f.content = TARN_CONTENT_POSITION_DELETES;
    f.format = TARN_STR("PUFFIN");
    f.referenced_data_file = tarn_str_view(target);
    f.content_offset = 1;
    f.content_size = 2;
    return f;
}

static struct tarn_change *deleting(struct lake_world *w, const char *puffin, const char *target)
{
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file f = vector(w, puffin, target);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
    return c;
}

static struct tarn_change *rewriting(struct lake_world *w, const char *target, const char *path)
{
    struct tarn_change *c = lake_open(w);
    struct tarn_str gone = tarn_str_view(target);
    bool eu = strcmp(target, A) == 0;
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    append(w, c, path, eu ? "eu" : "us", eu ? "1" : "11", eu ? "10" : "20");
    return c;
}

/* id < 5, or region = 'eu' */
static struct tarn_value five = {.i = 5}, europe = {.bytes = {"eu", 2}};
static const struct tarn_expr below_5 = {.op = TARN_EXPR_LT,
                                         .field_id = 1,
                                         .type = {.kind = TARN_TYPE_LONG},
                                         .values = &five,
                                         .value_count = 1};
static const struct tarn_expr in_eu = {.op = TARN_EXPR_EQ,
                                       .field_id = 2,
                                       .type = {.kind = TARN_TYPE_STRING},
                                       .values = &europe,
                                       .value_count = 1};

static void isolate(struct lake_world *w, struct tarn_change *c, enum tarn_isolation isolation,
                    const struct tarn_expr *filter)
{
    lake_ok(w, tarn_change_set_isolation(c, &w->op, isolation, filter));
}

/* ---- rows that came in */

static void rows_that_the_statement_would_have_seen(void **state)
{
    (void)state;
    static const struct {
        const char *region, *lower, *upper;
        enum tarn_isolation isolation;
        const struct tarn_expr *filter;
        bool commits;
    } cases[] = {
        {"eu", "3", "9", TARN_ISOLATION_SERIALIZABLE, &below_5, false},
        {"eu", "5", "9", TARN_ISOLATION_SERIALIZABLE, &below_5, true},
        {"eu", "3", "9", TARN_ISOLATION_SNAPSHOT, &below_5, true},
        {"eu", "50", "90", TARN_ISOLATION_SERIALIZABLE, NULL, false},
        {"eu", "50", "90", TARN_ISOLATION_SNAPSHOT, NULL, true},
        {"us", "3", "9", TARN_ISOLATION_SERIALIZABLE, &in_eu, true},
        {"eu", "3", "9", TARN_ISOLATION_SERIALIZABLE, &in_eu, false},
        {"null", "3", "9", TARN_ISOLATION_SERIALIZABLE, &in_eu, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lake_world *w;
        lake_begin((void **)&w);
        two_files(w);
        struct tarn_change *mine = deleting(w, "mem://w/raw/t/data/1.puffin", A);
        isolate(w, mine, cases[i].isolation, cases[i].filter);
        struct tarn_change *theirs = lake_open(w);
        append(w, theirs, "mem://w/raw/t/data/c", cases[i].region, cases[i].lower, cases[i].upper);
        lake_commit(w, theirs);
        enum tarn_status status = commit(w, mine);
        if ((status == TARN_OK) != cases[i].commits)
            print_error("case %zu: %s\n", i, w->op.report.message);
        assert_int_equal(status, cases[i].commits ? TARN_OK : TARN_CONFLICT);
        tarn_clear(&w->op);
        assert_int_equal(lake_live(w, lake_load(w)), cases[i].commits ? 4 : 3);
        lake_end((void **)&w);
    }
}

/* Without the call, rule 4. */
static void without_isolation_every_row_counts(void **state)
{
    struct lake_world *w = *state;
    two_files(w);
    struct tarn_change *a = deleting(w, "mem://w/raw/t/data/1.puffin", A);
    lake_commit(w, deleting(w, "mem://w/raw/t/data/2.puffin", B));
    lake_fails(w, commit(w, a), TARN_CONFLICT, "rows");
}

/* ---- files that both touch */

enum who { VECTOR_A, VECTOR_B, REWRITE_A, REWRITE_B, COMPACT_A, COMPACT_B, EQUALITY, WHO };
static const char *const WHO_NAMES[] = {"vector of a",     "vector of b", "rewrite a",
                                        "rewrite b",       "compact a",   "compact b",
                                        "equality deletes"};

static struct tarn_change *someone(struct lake_world *w, enum who who, bool mine)
{
    char name[64];
    int32_t id = 1;
    struct tarn_change *c;
    const char *target = who == VECTOR_A || who == REWRITE_A || who == COMPACT_A ? A : B;
    (void)snprintf(name, sizeof name, "mem://w/raw/t/data/%s-%d", mine ? "mine" : "theirs", who);
    struct tarn_str path = lake_text(w, name);
    if (who == EQUALITY) {
        struct tarn_data_file f = file(w, path.ptr, "eu", NULL, NULL);
        int32_t *ids = tarn_alloc(&w->op, sizeof id);
        assert_non_null(ids);
        *ids = id;
        f.content = TARN_CONTENT_EQUALITY_DELETES;
        f.equality_ids = ids;
        f.equality_id_count = 1;
        c = lake_open(w);
        lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
        return c;
    }
    if (who == VECTOR_A || who == VECTOR_B)
        return deleting(w, path.ptr, target);
    c = rewriting(w, target, path.ptr);
    if (who == COMPACT_A || who == COMPACT_B)
        tarn_change_only_rewrites(c);
    return c;
}

static bool same_file(enum who a, enum who b)
{
    return (a % 2) == (b % 2);
}

/* Two that touch different files both succeed; of one file the second conflicts. Equality deletes
 * may be about any. */
static void every_pair(void **state)
{
    (void)state;
    for (int a = 0; a < EQUALITY; a++)
        for (int b = 0; b < WHO; b++) {
            struct lake_world *w;
            lake_begin((void **)&w);
            two_files(w);
            struct tarn_change *mine = someone(w, (enum who)a, true);
            /* rewrites of others add "rows": snapshot isolation asks for the files alone */
            isolate(w, mine, TARN_ISOLATION_SNAPSHOT, NULL);
            lake_commit(w, someone(w, (enum who)b, false));
            bool commits = b != EQUALITY && !same_file((enum who)a, (enum who)b);
            size_t before = lake_live(w, lake_load(w));
            enum tarn_status status = commit(w, mine);
            if ((status == TARN_OK) != commits)
                print_error("%s after %s: %s\n", WHO_NAMES[a], WHO_NAMES[b], w->op.report.message);
            assert_int_equal(status, commits ? TARN_OK : TARN_CONFLICT);
            tarn_clear(&w->op);
            bool adds = a == VECTOR_A || a == VECTOR_B;
            assert_int_equal(lake_live(w, lake_load(w)), before + (commits && adds));
            lake_end((void **)&w);
        }
}

/* A compaction says nothing of isolation: what came in beside it does not matter. */
static void compaction_lets_others_write(void **state)
{
    struct lake_world *w = *state;
    two_files(w);
    struct tarn_change *mine = someone(w, COMPACT_A, true);
    struct tarn_change *theirs = lake_open(w);
    append(w, theirs, "mem://w/raw/t/data/c", "eu", "1", "10");
    lake_commit(w, theirs);
    lake_commit(w, someone(w, VECTOR_B, false));
    lake_commit(w, mine);
    struct tarn_table *t = lake_load(w);
    assert_string_equal(lake_summary(t, "operation"), "replace");
    assert_string_equal(lake_summary(t, "total-records"), "15");
    assert_int_equal(lake_live(w, t), 4);
}

/* Vectors of one file after another through retries: each is the only one of its file. */
static void many_deletes_at_once(void **state)
{
    struct lake_world *w = *state;
    two_files(w);
    struct tarn_change *changes[3];
    changes[0] = deleting(w, "mem://w/raw/t/data/1.puffin", A);
    changes[1] = deleting(w, "mem://w/raw/t/data/2.puffin", B);
    changes[2] = deleting(w, "mem://w/raw/t/data/3.puffin", A);
    for (int i = 0; i < 3; i++)
        isolate(w, changes[i], TARN_ISOLATION_SERIALIZABLE, NULL);
    lake_commit(w, changes[0]);
    lake_commit(w, changes[1]);
    lake_fails(w, commit(w, changes[2]), TARN_CONFLICT, "rows of files");
    assert_int_equal(lake_live(w, lake_load(w)), 4);
    assert_string_equal(lake_summary(lake_load(w), "total-position-deletes"), "2");
}

/* Who deletes all rows has not seen those that came in; files that were only rewritten go too. */
static void all_rows(void **state)
{
    (void)state;
    for (int who = 0; who < WHO; who++)
        for (int isolation = 0; isolation < 2; isolation++) {
            struct lake_world *w;
            bool compact = who == COMPACT_A || who == COMPACT_B;
            lake_begin((void **)&w);
            two_files(w);
            struct tarn_change *mine = lake_open(w);
            tarn_change_delete_all(mine);
            isolate(w, mine, isolation ? TARN_ISOLATION_SNAPSHOT : TARN_ISOLATION_SERIALIZABLE,
                    NULL);
            lake_commit(w, someone(w, (enum who)who, false));
            assert_int_equal(commit(w, mine), compact ? TARN_OK : TARN_CONFLICT);
            tarn_clear(&w->op);
            if (compact)
                assert_int_equal(lake_live(w, lake_load(w)), 0);
            lake_end((void **)&w);
        }
}

/* A rollback below the base is a conflict in every isolation. */
static void history_that_is_gone(void **state)
{
    struct lake_world *w = *state;
    two_files(w);
    int64_t first = lake_load(w)->metadata.current_snapshot_id;
    lake_commit(w, deleting(w, "mem://w/raw/t/data/1.puffin", A));
    struct tarn_change *mine = deleting(w, "mem://w/raw/t/data/2.puffin", B);
    isolate(w, mine, TARN_ISOLATION_SNAPSHOT, NULL);
    struct tarn_change *back = lake_open(w);
    lake_ok(w, tarn_change_set_current(back, &w->op, first, true));
    lake_commit(w, back);
    lake_fails(w, commit(w, mine), TARN_CONFLICT, "rolled back");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_the_statement_would_have_seen),
        T(without_isolation_every_row_counts),
        cmocka_unit_test(every_pair),
        T(compaction_lets_others_write),
        T(many_deletes_at_once),
        cmocka_unit_test(all_rows),
        T(history_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
