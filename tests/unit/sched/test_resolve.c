/* Names of SQL over a workspace: cases, staged tables, versions, branches, metadata tables. */
#include "sched_fixture.h"

static struct tarn_str str(const char *z)
{
    return tarn_str_view(z);
}

static void load(struct sched_world *w, int n)
{
    char name[32], text[64];
    snprintf(name, sizeof name, "data/docs%d.json", n);
    snprintf(text, sizeof text, "{\"id\": %d, \"x\": %d}\n", n, n * 10);
    sched_put(w, name, text);
    sched_run_ok(w);
}

static void fails_with(struct sched_world *w, const char *sql, enum tarn_status status,
                       const char *part)
{
    struct tarn_result *r;
    struct tarn_sql_text text = {.sql = str(sql), .line0 = 1};
    assert_int_equal(tarn_session_query(w->w->session, &w->op, text, &r), status);
    if (!strstr(w->op.report.message, part) && !strstr(w->op.report.hint, part))
        fail_msg("%s\n%s\n%s", sql, w->op.report.message, w->op.report.hint);
}

static void versions_of_a_table(void **state)
{
    struct sched_world *w = *state;
    char sql[256];
    load(w, 1);
    int64_t first = sched_snapshot(w, "raw", "docs");
    load(w, 2);
    assert_string_equal(sched_rows_open(w, "SELECT count(*) FROM raw.docs"), "2\n");
    snprintf(sql, sizeof sql, "SELECT x FROM raw.docs VERSION AS OF %lld", (long long)first);
    assert_string_equal(sched_rows_open(w, sql), "10\n");
    snprintf(sql, sizeof sql, "SELECT count(*) FROM raw.docs.files VERSION AS OF %lld",
             (long long)first);
    assert_string_equal(sched_rows_open(w, sql), "1\n");
    assert_string_equal(sched_rows_open(w, "SELECT count(*) FROM raw.docs.files"), "2\n");
    assert_string_equal(sched_rows_open(w, "SELECT operation FROM iceberg.raw.docs.snapshots"),
                        "append\nappend\n");
    assert_string_equal(sched_rows_open(w, "SELECT count(*) FROM docs.history"), "2\n");
    assert_string_equal(sched_rows_open(w, "SELECT count(*) FROM raw.docs.branch_main"), "2\n");
    fails_with(w, "SELECT * FROM raw.docs.branch_x", TARN_NOT_FOUND, "no branch \"x\"");
    fails_with(w, "SELECT * FROM raw.docs.tag_main", TARN_NOT_FOUND, "is a branch, no tag");
    fails_with(w, "SELECT * FROM raw.docs.snapshoots", TARN_TABLE, "raw.docs.snapshots");
    fails_with(w, "SELECT * FROM raw.docs VERSION AS OF 'nope'", TARN_NOT_FOUND, "nope");
    fails_with(w, "SELECT * FROM raw.docs.branch_main VERSION AS OF 1", TARN_INVALID, "main");
    fails_with(w, "SELECT * FROM raw.docs TIMESTAMP AS OF '1999-01-01'", TARN_NOT_FOUND,
               "no snapshot");
}

/* A staged raw.Docs hides raw.docs only from those who mean it. */
static void exact_names_win(void **state)
{
    struct sched_world *w = *state;
    load(w, 1);
    struct tarn_table *docs = sched_table(w, "raw", "docs"), *other, *found;
    assert_non_null(docs);
    TARN_ASSERT((other = tarn_alloc(&w->op, sizeof *other)) != NULL);
    *other = *docs;
    other->ident = (struct tarn_ident){str("raw"), str("Docs")};
    other->staged = true;
    sched_ok(w, tarn_workspace_stage(w->w, &w->op, other));
    sched_ok(w, tarn_workspace_table(w->w, &w->op, docs->ident, &found));
    assert_true(tarn_str_is(found->ident.name, "docs"));
    sched_ok(w, tarn_workspace_table(w->w, &w->op, other->ident, &found));
    assert_ptr_equal(found, other);
    struct tarn_ident shout = {str("RAW"), str("DOCS")};
    sched_ok(w, tarn_workspace_table(w->w, &w->op, shout, &found));
    assert_ptr_equal(found, other); /* in no case of its own: what this run made */
    assert_string_equal(sched_rows_open(w, "SELECT x FROM raw.docs"), "10\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sched_begin, sched_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(versions_of_a_table),
        TEST(exact_names_win),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
