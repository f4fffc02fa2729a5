/* Checks of each kind and severity; what a red check holds back, also when nothing is new. */
#include "sched_fixture.h"

static void model(struct sched_world *w, const char *name, const char *checks, const char *sql)
{
    char path[64], text[2048];
    snprintf(path, sizeof path, "models/%s.sql", name);
    snprintf(text, sizeof text, "/* tarn\nchecks:\n%s\n*/\n%s\n", checks, sql);
    sched_put(w, path, text);
}

static void docs(struct sched_world *w)
{
    sched_put(w, "data/docs1.json",
              "{\"id\": 1, \"v\": \"a\", \"n\": 5}\n{\"id\": 2, \"v\": \"b\", \"n\": -1}\n"
              "{\"id\": 2, \"v\": null, \"n\": null}\n{\"id\": null, \"v\": \"it's\", \"n\": 7}\n");
    sched_put(w, "data/other1.json", "{\"key\": 1}\n{\"key\": null}\n");
}

/* kind, whether it passes, rows that offend, part of the reason */
static const struct {
    const char *check;
    bool passes;
    int64_t failing;
    const char *reason;
} KINDS[] = {
    {"{not_null: [v]}", false, 1, "1 row without v"},
    {"{not_null: [id, v]}", false, 2, NULL},
    {"{unique: [id]}", false, 1, "id"},
    {"{unique: [id, v]}", true, 0, NULL}, /* a row with a null does not count */
    {"{unique: [id, n]}", true, 0, NULL},
    {"{accepted_values: {column: v, values: [a, b]}}", false, 1, "it's"},
    {"{accepted_values: {column: v, values: [a, b, \"it's\"]}}", true, 0, NULL}, /* null passes */
    {"{accepted_values: {column: n, values: [5, 7]}}", false, 1, "-1"},
    {"{relationship: {column: id, to: raw.other.key}}", false, 2, "2"},
    {"{expression: \"n > 0\"}", false, 1, "n > 0"},
    {"{expression: \"n > -10 -- null passes\"}", true, 0, NULL},
    {"{expression: \"n > 0 or n < 0\"}", true, 0, NULL},
    {"{row_count: {min: 5}}", false, 1, "number of rows"},
    {"{row_count: {min: 1, max: 4}}", true, 0, NULL},
    {"{row_count: {max: 3}}", false, 1, NULL},
};

static void every_kind(void **state)
{
    struct sched_world *w = *state;
    char checks[4096] = "", line[256];
    docs(w);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        const char *at =
            strchr(KINDS[i].check, '{') + 1; /* a name for each, behind the opening brace */
        snprintf(line, sizeof line, "  - {name: c%02zu, severity: warn, %s\n", i, at);
        strcat(checks, line);
    }
    model(w, "gold/t", checks, "select id, v, n from raw.docs");
    sched_run(w);
    if (w->status != TARN_OK)
        print_error("%s\n%s\n", w->message, checks);
    assert_int_equal(w->status, TARN_OK);
    for (size_t i = 0; i < w->count; i++)
        if (*w->steps[i].message)
            print_error("%s: %s\n", w->steps[i].id, w->steps[i].message);
    assert_false(w->failed);
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        char id[32];
        snprintf(id, sizeof id, "gold.t.c%02zu", i);
        const struct said *s = sched_step(w, id);
        if (s->failing != KINDS[i].failing)
            print_error("%s: %s %s\n", KINDS[i].check, s->reason, s->message);
        assert_int_equal(s->status, KINDS[i].passes ? TARN_STEP_OK : TARN_STEP_WARN);
        assert_int_equal(s->failing, KINDS[i].failing);
        if (KINDS[i].reason)
            assert_non_null(strstr(s->reason, KINDS[i].reason));
        assert_int_equal(strlen(s->sample) > 0, !KINDS[i].passes);
    }
}

static void an_error_holds_everything_back(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    model(w, "silver/a", "  - {not_null: [v]}", "select id, v from raw.docs");
    model(w, "silver/b", "  - {not_null: [key], severity: warn}", "select key from raw.other");
    sched_put(w, "models/gold/t.sql", "select count(*) as n from silver.a");
    sched_run(w);
    assert_int_equal(w->status, TARN_OK);
    assert_true(w->failed);
    assert_int_equal(w->result_status, TARN_CHECK);
    sched_is(w, "silver.a.not_null_v", TARN_STEP_FAILED);
    sched_is(w, "silver.b.not_null_key", TARN_STEP_WARN);
    assert_non_null(strstr(sched_step(w, "silver.a.not_null_v")->sample, "2"));
    assert_int_equal(w->published, 0);
    assert_null(sched_table(w, "silver", "a"));
    assert_null(sched_table(w, "silver", "b"));
    assert_null(sched_table(w, "gold", "t"));
    assert_string_equal(sched_rows(w, "select count(*) from raw.docs"),
                        "4\n"); /* raw data is not held back */
    sched_run(w);               /* and again, though nothing is new */
    assert_true(w->failed);
    assert_null(sched_table(w, "gold", "t"));
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\"}\n");
    sched_run_ok(w);
    assert_string_equal(sched_rows(w, "select n from gold.t"), "1\n");
    sched_run_ok(w);
    assert_true(w->up_to_date);
}

/* The check stands on a table that commits by itself: it is as red in the second run, in which that
 * table does not move. */
static void a_red_check_of_raw_data_stays_red(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(w, "checks/no_null_ids.sql", "select * from raw.docs where id is null\n");
    sched_put(w, "models/gold/t.sql", "select count(*) as n from raw.docs");
    for (int i = 0; i < 3; i++) {
        sched_run(w);
        assert_true(w->failed);
        sched_is(w, "no_null_ids", TARN_STEP_FAILED);
        assert_null(sched_table(w, "gold", "t"));
    }
    sched_put(w, "data/docs1.json", "{\"id\": 1, \"v\": \"a\", \"n\": 5}\n");
    sched_run_ok(w);
    sched_is(w, "no_null_ids", TARN_STEP_OK);
    assert_string_equal(sched_rows(w, "select n from gold.t"), "1\n");
    sched_run_ok(w);
    sched_is(w, "no_null_ids", TARN_STEP_CURRENT); /* it was green on these rows */
    assert_true(w->up_to_date);
}

/* Checks by themselves do not say that they are right when they were never seen green. */
static void a_new_check_of_old_data_runs(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(w, "models/gold/t.sql", "select id, v from raw.docs");
    sched_run_ok(w);
    model(w, "gold/t", "  - {not_null: [id]}", "select id, v from raw.docs");
    sched_run(w);
    assert_true(w->failed);
    sched_is(w, "gold.t.not_null_id", TARN_STEP_FAILED);
    model(w, "gold/t", "  - {not_null: [id], severity: warn}", "select id, v from raw.docs");
    sched_run(w);
    assert_false(w->failed);
    sched_is(w, "gold.t.not_null_id", TARN_STEP_WARN);
    sched_run(w);
    sched_is(w, "gold.t.not_null_id", TARN_STEP_WARN); /* a warning is told as long as it holds */
    model(w, "gold/t", "  - {not_null: [id]}", "select id, v from raw.docs");
    sched_run(w);
    assert_true(w->failed);
    sched_put(w, "checks/q.sql", "select 1 as one where false\n"); /* reads no table */
    model(w, "gold/t", "  - {not_null: [id], severity: warn}", "select id, v from raw.docs");
    sched_run(w);
    sched_is(w, "q", TARN_STEP_OK);
}

/* A selection that leaves the check's table out of it. */
static void a_red_check_of_another_selection(void **state)
{
    struct sched_world *w = *state;
    struct tarn_str raw = TARN_STR("raw.docs"), other = TARN_STR("raw.other");
    struct tarn_run_options o = {.select = &raw, .select_count = 1};
    docs(w);
    sched_put(
        w, "tarn.yaml",
        "tarn: 1\nproject: p\nprofiles:\n  local:\n    warehouse: ./warehouse\n"
        "    sources:\n      app: {kind: files, path: data, format: ejson}\n"
        "ingest:\n"
        "  - {from: app.docs, files: [\"docs*.json\"], to: raw.docs, checks: [{not_null: [id]}]}\n"
        "  - {from: app.other, files: [\"other*.json\"], to: raw.other}\n");
    sched_run_with(w, &o);
    assert_true(w->failed);
    o.select = &other;
    sched_run_with(w, &o);
    assert_false(w->failed);
    sched_run(w);
    assert_true(w->failed);
    sched_is(w, "raw.docs.not_null_id", TARN_STEP_FAILED);
}

/* Freshness: green now says nothing of tomorrow. */
static void a_check_that_asks_the_clock(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(
        w, "checks/fresh.sql",
        "select 1 as late where (select max(ingest_ts) from raw.docs) < now() - interval 1 day\n");
    sched_put(w, "checks/plain.sql", "select * from raw.docs where id > 100\n");
    sched_run_ok(w);
    sched_run_ok(w);
    sched_is(w, "fresh", TARN_STEP_OK);
    sched_is(w, "plain", TARN_STEP_CURRENT);
}

static void mistakes_in_checks(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(w, "models/gold/t.sql", "select id from raw.docs");
    sched_put(w, "checks/bad.sql", "select * from raw.docs where nothing = 1\n");
    sched_run(w);
    assert_true(w->failed);
    sched_is(w, "bad", TARN_STEP_FAILED);
    assert_int_equal(w->result_status, TARN_COLUMN);
    assert_null(sched_table(w, "gold", "t"));
    sched_put(w, "checks/bad.sql", "select 1 as one where false -- a comment at the end");
    sched_run_ok(w);
    model(w, "gold/t", "  - {not_null: [nothing]}", "select id from raw.docs");
    sched_run(w);
    assert_true(w->failed);
}

/* Samples of columns that cannot be put in order, and of very many rows. */
static void samples(void **state)
{
    struct sched_world *w = *state;
    docs(w);
    sched_put(w, "checks/wide.sql",
              "select range as r, map {'k': range} as m, [range] as l, {'x': range} as s, "
              "'\\x1b[31m'::varchar as t from range(1000)\n");
    sched_run(w);
    assert_true(w->failed);
    const struct said *s = sched_step(w, "wide");
    assert_int_equal(s->status, TARN_STEP_FAILED);
    assert_int_equal(s->failing, 1000);
    size_t lines = 0;
    for (const char *p = s->sample; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 12); /* head, rule, ten rows */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, sched_begin, sched_end)
    const struct CMUnitTest tests[] = {
        T(every_kind),
        T(an_error_holds_everything_back),
        T(a_red_check_of_raw_data_stays_red),
        T(a_new_check_of_old_data_runs),
        T(a_red_check_of_another_selection),
        T(a_check_that_asks_the_clock),
        T(mistakes_in_checks),
        T(samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
