/* Views: what is kept in their metadata, and what a failure leaves. */
#include "sql_fixture.h"

#include "base/arena.h"
#include "format/iceberg/view.h"

static struct tarn_view_metadata view(struct sql_world *w, const char *name)
{
    struct tarn_view_metadata m;
    struct tarn_str location, json;
    struct tarn_ident ident = {TARN_STR("raw"), tarn_str_view(name)};
    sql_ok(w, tarn_catalog_load_view(w->catalog, &w->op, ident, &location));
    sql_ok(w, tarn_storage_read(w->storage, &w->op, location, &json));
    sql_ok(w, tarn_view_parse(&w->op, json, "view", &m));
    return m;
}

static void versions_are_kept(void **state)
{
    struct sql_world *w = *state;
    run(w,
        "CREATE VIEW raw.v TBLPROPERTIES ('version.history.num-entries' = '3') AS SELECT 1 AS a");
    struct tarn_view_metadata m = view(w, "v");
    struct tarn_str uuid = m.uuid;
    assert_int_equal(m.version_count, 1);
    assert_int_equal(m.current_version_id, 1);
    assert_true(tarn_str_is(m.versions[0].sqls[0].sql, "SELECT 1 AS a"));
    assert_true(tarn_str_is(m.versions[0].sqls[0].dialect, "tarn"));
    assert_true(tarn_str_is(m.versions[0].default_catalog, "iceberg"));
    assert_true(tarn_str_is(*tarn_kvs_get(&m.versions[0].summary, "engine-name"), "tarn"));
    run(w, "ALTER VIEW raw.v AS SELECT 2 AS a");
    run(w, "ALTER VIEW raw.v AS SELECT 'x' AS b");
    m = view(w, "v");
    assert_int_equal(m.version_count, 3);
    assert_int_equal(m.current_version_id, 3);
    assert_int_equal(m.log_count, 3);
    assert_int_equal(m.schema_count, 2); /* the same columns are recorded once */
    assert_int_equal(m.versions[1].schema_id, m.versions[0].schema_id);
    run(w, "ALTER VIEW raw.v AS SELECT 4 AS d");
    m = view(w, "v");
    assert_int_equal(m.version_count, 3);
    assert_int_equal(m.versions[0].version_id, 2);
    assert_int_equal(m.current_version_id, 4);
    assert_int_equal(m.log_count, 3);
    assert_true(tarn_str_eq(m.uuid, uuid));
    run(w, "CREATE OR REPLACE VIEW raw.v COMMENT 'new' AS SELECT 5 AS d");
    m = view(w, "v");
    assert_int_equal(m.current_version_id, 5);
    assert_int_equal(m.properties.count, 1);
    assert_true(tarn_str_eq(m.uuid, uuid));
}

static void other_engines_texts(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE VIEW raw.v (x) TBLPROPERTIES ('tarn.dialects' = 'spark, trino,,SPARK') AS "
           "SELECT 1");
    struct tarn_view_metadata m = view(w, "v");
    const struct tarn_view_version *v = tarn_view_current(&m);
    assert_int_equal(v->sql_count, 3);
    assert_true(tarn_str_is(v->sqls[0].dialect, "tarn"));
    assert_true(tarn_str_is(v->sqls[1].dialect, "spark"));
    assert_true(tarn_str_is(v->sqls[2].dialect, "trino"));
    assert_true(tarn_str_is(v->sqls[2].sql, "SELECT * FROM (SELECT 1\n) AS v(x)"));
    assert_true(tarn_str_is(tarn_view_schema(&m, v)->root.fields[0].name, "x"));
}

/* Each storage call fails once: the view is the old one or the new one, and nothing is left over. */
static void failures_leave_the_old_one(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE VIEW raw.v AS SELECT 1 AS a");
    size_t files = count_files(w, "warehouse");
    long n = 1;
    for (; n < 20; n++) {
        const char *tag, *text;
        sql_fault(w, n, TARN_STORAGE_C_WRITE, TARN_IO);
        enum tarn_status status = try_run(w, "ALTER VIEW raw.v AS SELECT 2 AS a", &tag, &text);
        sql_fault(w, 0, 0, TARN_OK);
        if (status == TARN_OK)
            break;
        assert_int_equal(view(w, "v").current_version_id, 1);
        assert_int_equal(count_files(w, "warehouse"), files);
    }
    assert_true(n > 1 && n < 20);
    assert_int_equal(view(w, "v").current_version_id, 2);
    run(w, "DROP VIEW raw.v");
    fails(w, "DROP VIEW raw.v", TARN_TABLE, "view \"raw.v\" not found");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_are_kept, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(other_engines_texts, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(failures_leave_the_old_one, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
