/* Equality deletes and what others commit at the same time: a commit that is tried again gives them
 * a higher sequence number, and they hide nothing that came in meanwhile. */
#include "lake_fixture.h"

#include <string.h>

static const char A[] = "mem://w/raw/t/data/a", B[] = "mem://w/raw/t/data/b",
                  C[] = "mem://w/raw/t/data/c", D[] = "mem://w/raw/t/data/d";

static enum tarn_status commit(struct lake_world *w, struct tarn_change *c)
{
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

static void measure(struct lake_world *w, struct tarn_data_file *f, const char *region,
                    const char *lower, const char *upper)
{
    const char *const values[] = {region, NULL};
    const struct tarn_metadata *m = &lake_load(w)->metadata;
    if (tarn_metadata_spec(m)->field_count)
        lake_partition(w, f, m, m->default_spec_id, values);
    if (lower)
        lake_metrics(w, f, tarn_metadata_schema(m), "id", lower, upper, 0);
}

static void append(struct lake_world *w, struct tarn_change *c, const char *path,
                   const char *region, const char *lower, const char *upper)
{
    struct tarn_data_file f = lake_file(w, path, 5);
    measure(w, &f, region, lower, upper);
    lake_ok(w, tarn_change_append(c, &w->op, &f, 1));
}

/* a of ids 1 to 10 in "eu", b of 11 to 20 in "us"; by region, or not. */
static void two_files(struct lake_world *w, bool partitioned)
{
    static const char *const by_region[] = {"region", NULL}, *const none[] = {NULL};
    lake_create(w, "struct<id: long, region: string>", partitioned ? by_region : none);
    struct tarn_change *c = lake_open(w);
    append(w, c, A, "eu", "1", "10");
    append(w, c, B, "us", "11", "20");
    lake_commit(w, c);
}

/* Rows of a with ids from lower to upper go by their id. */
static struct tarn_change *deleting(struct lake_world *w, const char *region, const char *lower,
                                    const char *upper, bool touches)
{
    struct tarn_change *c = lake_open(w);
    struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/keys", 2);
    int32_t id = 1;
    measure(w, &f, region, lower, upper);
    f.content = TARN_CONTENT_EQUALITY_DELETES;
    f.equality_ids = &id;
    f.equality_id_count = 1;
    struct tarn_data_file *kept = tarn_alloc(&w->op, sizeof *kept + sizeof id);
    assert_non_null(kept);
    memcpy(kept + 1, &id, sizeof id);
    *kept = f;
    kept->equality_ids = (int32_t *)(kept + 1);
    lake_ok(w, tarn_change_add_deletes(c, &w->op, kept, 1));
    if (touches)
        lake_ok(w, tarn_change_touch(c, &w->op, tarn_str_view(A)));
    return c;
}

/* ---- rows that came in */

static const struct tarn_expr never = {.op = TARN_EXPR_FALSE};

static void keys_that_came_in(void **state)
{
    (void)state;
    static const struct {
        bool partitioned;
        const char *region, *lower, *upper;
        enum tarn_isolation isolation;
        const struct tarn_expr *filter;
        bool commits;
    } cases[] = {
        /* the statement deletes ids 3 to 5 of "eu" */
        {true, "eu", "4", "9", TARN_ISOLATION_SNAPSHOT, NULL, false},
        {true, "eu", "1", "3", TARN_ISOLATION_SNAPSHOT, NULL, false},
        {true, "eu", "6", "9", TARN_ISOLATION_SNAPSHOT, NULL, true},
        {true, "eu", NULL, NULL, TARN_ISOLATION_SNAPSHOT, NULL, false}, /* no bounds: who knows */
        {true, "us", "4", "9", TARN_ISOLATION_SNAPSHOT, NULL, true},    /* another partition */
        {true, "null", "4", "9", TARN_ISOLATION_SNAPSHOT, NULL, true},
        /* its condition cannot mean them, and its keys are theirs all the same */
        {true, "eu", "4", "9", TARN_ISOLATION_SERIALIZABLE, &never, false},
        {true, "eu", "6", "9", TARN_ISOLATION_SERIALIZABLE, &never, true},
        {true, "eu", "6", "9", TARN_ISOLATION_SERIALIZABLE, NULL, false},
        /* of a spec that partitions nothing: the whole table */
        {false, "us", "4", "9", TARN_ISOLATION_SNAPSHOT, NULL, false},
        {false, "us", "6", "9", TARN_ISOLATION_SNAPSHOT, NULL, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lake_world *w;
        lake_begin((void **)&w);
        two_files(w, cases[i].partitioned);
        struct tarn_change *mine = deleting(w, "eu", "3", "5", true);
        lake_ok(w, tarn_change_set_isolation(mine, &w->op, cases[i].isolation, cases[i].filter));
        struct tarn_change *theirs = lake_open(w);
        append(w, theirs, C, cases[i].region, cases[i].lower, cases[i].upper);
        lake_commit(w, theirs);
        enum tarn_status status = commit(w, mine);
        if ((status == TARN_OK) != cases[i].commits)
            print_error("case %zu: %s\n", i, w->op.report.message);
        assert_int_equal(status, cases[i].commits ? TARN_OK : TARN_CONFLICT);
        if (!cases[i].commits)
            assert_non_null(strstr(w->op.report.message, "rows were added"));
        tarn_clear(&w->op);
        lake_end((void **)&w);
    }
}

/* Rows that the same commit adds have its sequence number: they stay, also when it is a later one
 * than was thought. */
static void rows_of_the_same_commit_stay(void **state)
{
    struct lake_world *w = *state;
    struct tarn_scan *scan;
    two_files(w, true);
    struct tarn_change *mine = deleting(w, "eu", "3", "5", true);
    append(w, mine, C, "eu", "3", "5");
    lake_ok(w, tarn_change_set_isolation(mine, &w->op, TARN_ISOLATION_SNAPSHOT, NULL));
    struct tarn_change *theirs = lake_open(w);
    append(w, theirs, D, "eu", "50", "60");
    lake_commit(w, theirs);
    lake_ok(w, commit(w, mine));
    lake_ok(w, tarn_table_scan(&w->lake, &w->op, lake_load(w), NULL, NULL, &scan));
    assert_int_equal(scan->file_count, 4);
    assert_int_equal(scan->equality_count, 1);
    assert_int_equal(scan->equality[0].file_count, 1);
    const struct tarn_scan_file *hidden = &scan->files[scan->equality[0].files[0]];
    assert_true(tarn_str_is(hidden->file->path, A));
    for (size_t i = 0; i < scan->file_count; i++)
        if (tarn_str_is(scan->files[i].file->path, C))
            assert_true(scan->files[i].sequence_number ==
                        scan->equality[0].deletes[0].sequence_number);
    assert_string_equal(lake_summary(lake_load(w), "added-equality-deletes"), "2");
    assert_string_equal(lake_summary(lake_load(w), "operation"), "overwrite");
}

/* ---- files that the rows lie in */

enum who {
    ROW_OF_A,
    ROW_OF_B,
    REWRITE_A,
    REWRITE_B,
    COMPACT_A,
    COMPACT_B,
    KEYS, /* equality deletes of keys that are mine, too; of others; of a partition of its own; .. */
    OTHER_KEYS,
    KEYS_ELSEWHERE,
    ANY_KEYS,
    WHO
};

static struct tarn_change *someone(struct lake_world *w, enum who who)
{
    bool a = who == ROW_OF_A || who == REWRITE_A || who == COMPACT_A;
    struct tarn_str gone = tarn_str_view(a ? A : B);
    if (who == KEYS || who == OTHER_KEYS || who == KEYS_ELSEWHERE)
        return deleting(w, who == KEYS_ELSEWHERE ? "us" : "eu", who == OTHER_KEYS ? "6" : "5", "9",
                        true);
    if (who == ANY_KEYS)
        return deleting(w, "eu", NULL, NULL, true);
    struct tarn_change *c = lake_open(w);
    if (who == ROW_OF_A || who == ROW_OF_B) {
        struct tarn_data_file f = lake_file(w, "mem://w/raw/t/data/position", 1);
        measure(w, &f, a ? "eu" : "us", NULL, NULL);
        f.content = TARN_CONTENT_POSITION_DELETES;
        f.referenced_data_file = gone;
        lake_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
        return c;
    }
    lake_ok(w, tarn_change_delete_files(c, &w->op, &gone, 1));
    append(w, c, C, a ? "eu" : "us", a ? "1" : "11", a ? "10" : "20");
    if (who == COMPACT_A || who == COMPACT_B)
        tarn_change_only_rewrites(c);
    return c;
}

static void files_that_the_rows_lie_in(void **state)
{
    (void)state;
    for (int named = 0; named < 2; named++)
        for (int who = 0; who < WHO; who++) {
            struct lake_world *w;
            lake_begin((void **)&w);
            two_files(w, true);
            struct tarn_change *mine = deleting(w, "eu", "3", "5", named);
            lake_ok(w, tarn_change_set_isolation(mine, &w->op, TARN_ISOLATION_SNAPSHOT, NULL));
            lake_commit(w, someone(w, (enum who)who));
            bool commits = named && (who == ROW_OF_B || who == REWRITE_B || who == COMPACT_B ||
                                     who == OTHER_KEYS || who == KEYS_ELSEWHERE);
            enum tarn_status status = commit(w, mine);
            if ((status == TARN_OK) != commits)
                print_error("%d, named %d: %s\n", who, named, w->op.report.message);
            assert_int_equal(status, commits ? TARN_OK : TARN_CONFLICT);
            tarn_clear(&w->op);
            lake_end((void **)&w);
        }
}

/* Without an isolation level every commit in between that changed rows is a conflict. */
static void without_isolation(void **state)
{
    struct lake_world *w = *state;
    two_files(w, true);
    struct tarn_change *mine = deleting(w, "eu", "3", "5", true);
    struct tarn_change *theirs = lake_open(w);
    append(w, theirs, C, "us", "50", "60");
    lake_commit(w, theirs);
    lake_fails(w, commit(w, mine), TARN_CONFLICT, "rows were added or removed");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, lake_begin, lake_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_that_came_in),
        T(rows_of_the_same_commit_stay),
        cmocka_unit_test(files_that_the_rows_lie_in),
        T(without_isolation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
