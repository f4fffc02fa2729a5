/* What files of statements cannot reach: what is left on disk by statements that fail, tables that
 * share files, fields that no metadata table shows. */
#include "sql_fixture.h"

#include <unistd.h>

static void make_table(struct sql_world *w)
{
    run(w, "CREATE TABLE raw.t (id INT NOT NULL, part STRING, amount DECIMAL(6, 2)) "
           "PARTITIONED BY (part)");
    assert_string_equal(run(w, "INSERT INTO raw.t VALUES (1, 'a', 1), (2, 'b', 2)"), "INSERT 2");
}

/* The table's version and all files there are. */
struct state {
    struct tarn_str metadata;
    size_t files;
};
static struct state state_of(struct sql_world *w)
{
    struct tarn_table *t = table(w, "raw.t");
    return (struct state){t ? t->metadata_location : (struct tarn_str){NULL, 0},
                          count_files(w, "warehouse")};
}

static void unchanged(struct sql_world *w, struct state before, const char *sql)
{
    struct state now = state_of(w);
    if (now.files != before.files || !tarn_str_eq(now.metadata, before.metadata))
        print_error("%s: %zu files, then %zu\n", sql, before.files, now.files);
    assert_true(tarn_str_eq(now.metadata, before.metadata));
    assert_int_equal(now.files, before.files);
}

static void bad_values_leave_nothing(void **state)
{
    struct sql_world *w = *state;
    static const char *const statements[] = {
        "INSERT INTO raw.t SELECT i, 'p' || i % 7, i FROM range(20000) t(i)",
        "INSERT OVERWRITE raw.t SELECT i, 'p', i FROM range(20000) t(i)",
        "INSERT OVERWRITE raw.t PARTITION (part = 'a') SELECT i, i FROM range(20000) t(i)",
        "INSERT INTO raw.t VALUES (3, 'c', 1), (NULL, 'c', 1)",
        "INSERT INTO raw.t VALUES (4, 'd', 1) RETURNING CAST(part AS INT)",
        "CREATE TABLE raw.other (a DECIMAL(4, 1)) AS SELECT i FROM range(20000) t(i)",
        "CREATE OR REPLACE TABLE raw.t (a DECIMAL(4, 1)) AS SELECT i FROM range(20000) t(i)"};
    make_table(w);
    struct state before = state_of(w);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        fails(w, statements[i], TARN_DATA, NULL);
        unchanged(w, before, statements[i]);
    }
    assert_null(table(w, "raw.other"));
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "2\n");
}

/* Every storage call that writes fails once, as a full disk does. */
static void sweep(struct sql_world *w, const char *sql, enum tarn_status status)
{
    const char *tag, *text;
    for (long n = 1;; n++) {
        struct state before = state_of(w);
        assert_true(n < 60);
        sql_fault(w, n, TARN_STORAGE_C_WRITE, status);
        enum tarn_status got = try_run(w, sql, &tag, &text);
        bool struck = sql_fault_count(w) >= n;
        sql_fault(w, 0, 0, TARN_OK);
        if (!struck) {
            assert_int_equal(got, TARN_OK);
            return;
        }
        assert_int_equal(got, status);
        unchanged(w, before, sql);
    }
}

static void full_disks_leave_nothing(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    sweep(w, "INSERT INTO raw.t VALUES (5, 'x', 1), (6, 'y', 2), (7, NULL, 3)", TARN_DISK_FULL);
    sweep(w, "INSERT OVERWRITE raw.t PARTITION (part = 'x') VALUES (8, 4)", TARN_DISK_FULL);
    sweep(w, "ALTER TABLE raw.t ADD COLUMN note STRING", TARN_IO);
    sweep(w, "ALTER TABLE raw.t CREATE BRANCH b", TARN_IO);
    sweep(w, "CREATE OR REPLACE TABLE raw.t AS SELECT * FROM raw.t", TARN_DISK_FULL);
    sweep(w, "TRUNCATE TABLE raw.t", TARN_DISK_FULL);
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "0\n");
}

static void a_new_table_that_fails_is_none(void **state)
{
    struct sql_world *w = *state;
    sweep(w, "CREATE TABLE raw.t PARTITIONED BY (i) AS SELECT i::INT AS i FROM range(3) t(i)",
          TARN_DISK_FULL);
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "3\n");
}

/* ---- transactions */

static void a_transaction_keeps_what_succeeded(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    run(w, "BEGIN");
    run(w, "CREATE TABLE raw.n (id INT, day DATE) PARTITIONED BY (day) WRITE ORDERED BY id");
    run(w, "INSERT INTO raw.n VALUES (1, '2024-01-01'), (2, '2024-01-02')");
    fails(w, "INSERT INTO raw.n VALUES ('x', NULL)", TARN_DATA, "cannot hold x");
    run(w, "ALTER TABLE raw.n ADD COLUMN note STRING, RENAME COLUMN id TO key");
    run(w, "INSERT INTO raw.n SELECT id, NULL, part FROM raw.t");
    run(w, "INSERT OVERWRITE raw.n PARTITION (day) VALUES (9, '2024-01-01', 'new')");
    assert_null(table(w, "raw.n"));
    run(w, "COMMIT");
    assert_string_equal(rows(w, "SELECT * FROM raw.n ORDER BY key, day"),
                        "1|NULL|a\n2|2024-01-02|NULL\n2|NULL|b\n9|2024-01-01|new\n");
}

static void a_transaction_that_is_rolled_back_leaves_nothing(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    struct state before = state_of(w);
    run(w, "BEGIN");
    run(w, "CREATE TABLE raw.n AS SELECT * FROM raw.t");
    run(w, "INSERT INTO raw.t SELECT id + 10, part, amount FROM raw.n");
    run(w, "ALTER TABLE raw.t ADD COLUMN x INT");
    run(w, "TRUNCATE TABLE raw.n");
    run(w, "ROLLBACK");
    unchanged(w, before, "ROLLBACK");
}

/* ---- PURGE */

static void put(struct sql_world *w, const char *name)
{
    sql_ok(w, tarn_storage_put(w->storage, &w->op, path_of(w, name), TARN_STR("not the table's")));
}

static void purge_removes_what_the_metadata_reach(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    run(w, "INSERT OVERWRITE raw.t VALUES (3, 'c', 3)"); /* the old files are in the history */
    run(w, "ALTER TABLE raw.t SET TBLPROPERTIES ('write.object-storage.enabled' = 'true')");
    run(w, "INSERT INTO raw.t VALUES (4, 'd', 4)");
    run(w, "CREATE TABLE raw.u AS SELECT 1 AS a");
    put(w, "warehouse/raw/t/data/somebody-elses.parquet");
    put(w, "warehouse/raw/tt/data/x.parquet");
    size_t others = count_files(w, "warehouse/raw/u");
    run(w, "DROP TABLE raw.t PURGE");
    assert_int_equal(count_files(w, "warehouse/raw/t"), 1);
    assert_int_equal(count_files(w, "warehouse/raw/tt"), 1);
    assert_int_equal(count_files(w, "warehouse/raw/u"), others);
    assert_string_equal(w->notice, "");
}

/* A data file that lies in another table's folder, as add_files makes it, is not this one's. */
static void purge_leaves_files_of_others(void **state)
{
    struct sql_world *w = *state;
    struct tarn_change *change;
    struct tarn_data_file file;
    struct tarn_live_files live;
    make_table(w);
    run(w, "CREATE TABLE raw.other (id INT, part STRING, amount DECIMAL(6, 2)) "
           "PARTITIONED BY (part)");
    struct tarn_table *t = table(w, "raw.t"), *other = table(w, "raw.other");
    sql_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                    tarn_metadata_current(&t->metadata), &live));
    file = live.items[0].file;
    sql_ok(w, tarn_change_open(&w->lake, &w->op, other, &change));
    sql_ok(w, tarn_change_append(change, &w->op, &file, 1));
    sql_ok(w, tarn_changes_commit(&w->lake, &w->op, &change, 1, (struct tarn_commit_options){0}));
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.other"), "1\n");
    run(w, "DROP TABLE raw.other PURGE");
    assert_string_equal(w->notice, "1 files outside of the table's folder were left");
    assert_int_equal(count_files(w, "warehouse/raw/other"), 0);
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "2\n");
}

static void purge_refuses_shared_folders(void **state)
{
    struct sql_world *w = *state;
    char sql[512];
    make_table(w);
    snprintf(sql, sizeof sql, "CREATE TABLE raw.twin (id INT) LOCATION '%s/warehouse/raw/t'",
             w->folder);
    run(w, sql);
    fails(w, "DROP TABLE raw.t PURGE", TARN_INVALID, "table \"raw.twin\" lies in the same folder");
    assert_string_equal(rows(w, "SELECT count(*) FROM raw.t"), "2\n");
    run(w, "DROP TABLE raw.twin");
    run(w, "DROP TABLE raw.t PURGE");
}

/* Removing fails: the table is gone all the same, and the user is told what stayed. */
static void purge_tells_what_stays(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    sql_fault(w, 2, TARN_STORAGE_C_REMOVE, TARN_DENIED);
    run(w, "DROP TABLE raw.t PURGE");
    sql_fault(w, 0, 0, TARN_OK);
    assert_non_null(strstr(w->notice, "1 of "));
    assert_null(table(w, "raw.t"));
    assert_int_equal(count_files(w, "warehouse/raw/t"), 1);
}

/* Metadata that cannot be read is no reason to keep a table's name. */
static void a_broken_table_can_be_dropped(void **state)
{
    struct sql_world *w = *state;
    make_table(w);
    struct tarn_str file = table(w, "raw.t")->metadata_location;
    assert_int_equal(unlink(file.ptr), 0);
    fails(w, "DROP TABLE raw.t PURGE", TARN_NOT_FOUND, NULL);
    run(w, "DROP TABLE raw.t");
    assert_null(table(w, "raw.t"));
}

/* ---- what is written down */

static const struct tarn_schema *schema(struct sql_world *w, const char *name)
{
    return tarn_metadata_schema(&table(w, name)->metadata);
}

static void schemas_say_what_was_said(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE TABLE raw.x (id BIGINT, name STRING COMMENT 'who', n INT DEFAULT 7, "
           "PRIMARY KEY (id)) COMMENT 'a table' TBLPROPERTIES ('format-version' = '3')");
    const struct tarn_schema *s = schema(w, "raw.x");
    assert_int_equal(s->identifier_count, 1);
    assert_int_equal(s->identifier_ids[0], 1);
    assert_true(s->root.fields[0].required);
    assert_true(tarn_str_is(s->root.fields[1].doc, "who"));
    assert_true(tarn_str_is(s->root.fields[2].write_default, "7"));
    assert_true(tarn_str_is(s->root.fields[2].initial_default, "7"));
    assert_int_equal(table(w, "raw.x")->metadata.format_version, 3);
    assert_string_equal(property(w, "raw.x", "comment"), "a table");
    assert_string_equal(property(w, "raw.x", "write.delete.mode"), "merge-on-read");
    assert_null(property(w, "raw.x", "format-version"));
    run(w, "ALTER TABLE raw.x ALTER COLUMN n SET DEFAULT 8");
    s = schema(w, "raw.x");
    assert_true(tarn_str_is(s->root.fields[2].write_default, "8"));
    assert_true(tarn_str_is(s->root.fields[2].initial_default, "7"));
    run(w, "COMMENT ON COLUMN raw.x.name IS NULL");
    assert_null(schema(w, "raw.x")->root.fields[1].doc.ptr);
}

static void statements_over_several_namespaces(void **state)
{
    struct sql_world *w = *state;
    run(w, "CREATE NAMESPACE a.b");
    run(w, "CREATE TABLE iceberg.a.b.t (x INT)");
    run(w, "INSERT INTO a.b.t VALUES (1)");
    run(w, "COMMENT ON COLUMN a.b.t.x IS 'deep'");
    assert_true(tarn_str_is(schema(w, "a.b.t")->root.fields[0].doc, "deep"));
    run(w, "USE a.b");
    run(w, "COMMENT ON COLUMN t.x IS 'near'");
    assert_true(tarn_str_is(schema(w, "a.b.t")->root.fields[0].doc, "near"));
    assert_string_equal(rows(w, "SELECT * FROM t"), "1\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bad_values_leave_nothing, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(full_disks_leave_nothing, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(a_new_table_that_fails_is_none, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(a_transaction_keeps_what_succeeded, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(a_transaction_that_is_rolled_back_leaves_nothing, sql_begin,
                                        sql_end),
        cmocka_unit_test_setup_teardown(purge_removes_what_the_metadata_reach, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(purge_leaves_files_of_others, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(purge_refuses_shared_folders, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(purge_tells_what_stays, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(a_broken_table_can_be_dropped, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(schemas_say_what_was_said, sql_begin, sql_end),
        cmocka_unit_test_setup_teardown(statements_over_several_namespaces, sql_begin, sql_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
