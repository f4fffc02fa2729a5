/* Loads: files once, files that changed, types that grow, records that are set aside, runs that
 * race; the side tables always say what the data says. */
#include "flow_fixture.h"

#define ROWS "SELECT id, _source_file, _source_offset FROM raw.t ORDER BY 2, 3"

static struct tarn_loaded load_ok(struct flow_world *w, const struct tarn_load *load)
{
    struct tarn_loaded out;
    flow_ok(w, flow_run(w, load, &out));
    return out;
}

/* The ledger has one row a file, and its rows are the table's. */
static void assert_ledger(struct flow_world *w)
{
    assert_string_equal(flow_rows(w, "SELECT count(*) - count(DISTINCT path) FROM raw.t__files"),
                        "0\n");
    assert_string_equal(
        flow_rows(
            w, "SELECT coalesce(path, _source_file), rows, n FROM raw.t__files FULL JOIN "
               "(SELECT _source_file, count(*) AS n FROM raw.t GROUP BY 1) ON path = _source_file "
               "WHERE coalesce(rows, -1) <> coalesce(n, 0) ORDER BY 1"),
        "");
}

/* ---- files */

static void new_files_once(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\n{\"id\": 2}\n");
    flow_put(w, "data/b.json", "{\"id\": 3}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_true(out.committed);
    assert_int_equal(out.rows, 3);
    assert_int_equal(out.files_read, 2);
    assert_string_equal(flow_rows(w, ROWS), "1|a.json|0\n2|a.json|10\n3|b.json|0\n");
    assert_ledger(w);
    struct tarn_str before = flow_table(w, "raw.t")->metadata_location;
    size_t files = flow_count_files(w, "warehouse");
    out = load_ok(w, &load); /* nothing is new: nothing is written */
    assert_false(out.committed);
    assert_true(tarn_str_eq(before, flow_table(w, "raw.t")->metadata_location));
    assert_int_equal(flow_count_files(w, "warehouse"), files);
    flow_put(w, "data/c.json", "{\"id\": 4}\n");
    out = load_ok(w, &load);
    assert_int_equal(out.rows, 1);
    assert_int_equal(out.snapshot_id, flow_table(w, "raw.t")->metadata.current_snapshot_id);
    assert_string_equal(flow_rows(w, ROWS), "1|a.json|0\n2|a.json|10\n3|b.json|0\n4|c.json|0\n");
    assert_string_equal(flow_rows(w, "SELECT count(DISTINCT ingest_ts) FROM raw.t"), "2\n");
    assert_ledger(w);
}

static void a_plan_writes_nothing(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_load_plan p;
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &p));
    assert_null(p.table);
    assert_int_equal(p.file_count, 1);
    assert_int_equal(p.bytes, 10);
    assert_int_equal(flow_count_files(w, "warehouse"), 0);
    load_ok(w, &load);
    flow_put(w, "data/a.json", "{\"id\": 2}\n");
    flow_put(w, "data/b.json", "{\"id\": 3}\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &p));
    assert_int_equal(p.file_count, 2);
    assert_int_equal(p.changed_count, 1);
    assert_int_equal(p.unchanged_count, 0);
}

/* Touched, not changed: the checksum knows. */
static void a_file_with_another_date(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    assert_false(load_ok(w, &load).committed);
}

static void a_changed_file_replaces_its_rows(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\n{\"id\": 2}\n");
    flow_put(w, "data/b.json", "{\"id\": 3}\n");
    load_ok(w, &load);
    flow_put(w, "data/a.json", "{\"id\": 10}\n{\"id\": 2}\n{\"id\": 30}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_int_equal(out.rows, 3);
    assert_int_equal(out.rows_replaced, 2);
    assert_string_equal(flow_rows(w, ROWS), "10|a.json|0\n2|a.json|11\n30|a.json|21\n3|b.json|0\n");
    assert_ledger(w);
    flow_put(w, "data/a.json", ""); /* all its records are gone */
    out = load_ok(w, &load);
    assert_int_equal(out.rows, 0);
    assert_int_equal(out.rows_replaced, 3);
    assert_string_equal(flow_rows(w, ROWS), "3|b.json|0\n");
    flow_put(w, "data/a.json", "{\"id\": 5}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, ROWS), "5|a.json|0\n3|b.json|0\n");
    assert_ledger(w);
}

static void a_changed_file_is_refused(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    load.refuse_changed = true;
    flow_put(w, "data/it's.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_put(w, "data/it's.json", "{\"id\": 2}\n");
    flow_fails(w, flow_run(w, &load, &out), TARN_INVALID, "it's.json");
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t"), "1\n");
    flow_put(w, "data/it's.json", "{\"id\": 1}\n"); /* restored */
    assert_false(load_ok(w, &load).committed);
}

static void a_file_that_went_away_keeps_its_rows(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    load_ok(w, &load);
    flow_remove_file(w, "data/a.json");
    assert_false(load_ok(w, &load).committed);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n");
}

static void partitions_by_ingest_ts(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_str by[] = {TARN_STR("day(ingest_ts)"), TARN_STR("bucket(4, id)")};
    load.partition_by = by;
    load.partition_count = 2;
    flow_put(w, "data/a.json", "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\n{\"id\": 34}\n");
    load_ok(w, &load);
    flow_put(w, "data/a.json", "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 35}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n35\n");
    assert_string_equal(
        flow_rows(w, "SELECT count(*) FROM raw.t WHERE ingest_ts < '2025-06-01 02:00:00+00'"),
        "0\n");
    assert_ledger(w);
}

/* What the project says of the table's properties now holds from the next load on. */
static void properties(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_kv kv = {TARN_STR("write.parquet.compression-codec"), TARN_STR("snappy")};
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    load.properties = (struct tarn_kvs){&kv, 1};
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    load_ok(w, &load);
    assert_string_equal(tarn_kvs_get(&flow_table(w, "raw.t")->metadata.properties, kv.key.ptr)->ptr,
                        "snappy");
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n");
}

/* ---- a table that was taken away or put back behind the ledger's back */

static void a_dropped_table_is_loaded_again(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    flow_put(w, "data/b.json", "{\"id\": 2}\nnonsense\n");
    load_ok(w, &load);
    flow_drop(w, "raw.t");
    struct tarn_loaded out = load_ok(w, &load);
    assert_true(out.committed);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n");
    assert_ledger(w);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.t__dead_letters WHERE NOT resolved"),
                        "1\n");
}

static void a_dropped_ledger_doubles_nothing(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_drop(w, "raw.t__files");
    enum tarn_status status = flow_run(w, &load, &out);
    tarn_clear(&w->op); /* an error or a mend, but never two rows */
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t"), "1\n");
    if (status == TARN_OK)
        assert_ledger(w);
}

static void roll_back(struct flow_world *w, size_t snapshot)
{
    struct tarn_table *t = flow_table(w, "raw.t");
    struct tarn_metadata m = t->metadata;
    struct tarn_ref main_ref = *tarn_metadata_ref(&m, TARN_STR("main"));
    struct tarn_str json;
    struct tarn_swap swap = {t->ident, t->metadata_location,
                             flow_path(w, "warehouse/raw/t/metadata/00900-back.metadata.json")};
    main_ref.snapshot_id = m.current_snapshot_id = m.snapshots[snapshot].snapshot_id;
    m.refs = &main_ref;
    m.ref_count = 1;
    m.last_updated_ms++;
    flow_ok(w, tarn_metadata_write(&w->op, &m, &json));
    flow_ok(w, tarn_storage_put(w->storage, &w->op, swap.next, json));
    flow_ok(w, tarn_catalog_commit(w->catalog, &w->op, &swap, 1));
}

/* Rows that the ledger speaks of are gone: to go on as if they were there would lose them. */
static void a_rolled_back_table_is_told(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    load_ok(w, &load);
    roll_back(w, 0);
    flow_fails(w, flow_run(w, &load, &out), TARN_ROLLED_BACK, "raw.t");
    flow_put(w, "data/c.json", "{\"id\": 3}\n");
    flow_fails(w, flow_run(w, &load, &out), TARN_ROLLED_BACK, "raw.t");
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t"), "1\n");
}

/* ---- races */

static void two_loads_of_one_stream(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_load_plan a, b;
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &a));
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &b));
    flow_ok(w, tarn_load_run(&w->flow, &w->op, &load, &a, &out));
    size_t files = flow_count_files(w, "warehouse");
    flow_fails(w, tarn_load_run(&w->flow, &w->op, &load, &b, &out), TARN_FENCED,
               "tarn.position.app.docs");
    assert_int_equal(flow_count_files(w, "warehouse"), files); /* it took its files away */
    assert_string_equal(flow_rows(w, ROWS), "1|a.json|0\n2|b.json|0\n");
    assert_ledger(w);
}

static void two_first_loads(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_load_plan a, b;
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\nbad\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &a));
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &b));
    flow_ok(w, tarn_load_run(&w->flow, &w->op, &load, &a, &out));
    size_t files = flow_count_files(w, "warehouse");
    enum tarn_status status = tarn_load_run(&w->flow, &w->op, &load, &b, &out);
    assert_true(status == TARN_CONFLICT || status == TARN_FENCED);
    tarn_clear(&w->op);
    assert_int_equal(flow_count_files(w, "warehouse"), files);
    assert_string_equal(flow_rows(w, ROWS), "1|a.json|0\n");
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.t__dead_letters"), "1\n");
}

/* Somebody else's rows in between do no harm, and stay. */
static void rows_of_others_in_between(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_load_plan p;
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &p));
    flow_insert(w, "raw.t", "SELECT 99::BIGINT AS id");
    flow_ok(w, tarn_load_run(&w->flow, &w->op, &load, &p, &out));
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n99\n");
    flow_put(w, "data/a.json", "{\"id\": 10}\n");
    flow_ok(w, tarn_load_make_plan(&w->flow, &w->op, &load, &p));
    flow_insert(w, "raw.t", "SELECT 98::BIGINT AS id");
    flow_fails(w, tarn_load_run(&w->flow, &w->op, &load, &p, &out), TARN_CONFLICT, "raw.t");
    load_ok(w, &load); /* and again */
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "2\n10\n98\n99\n");
}

/* ---- dead letters */

static const char LETTERS[] =
    "SELECT _source_file, line, decode(raw), resolved, resolved_ts IS NOT NULL "
    "FROM raw.t__dead_letters ORDER BY 1, 2, 4";

static void dead_letters_come_and_go(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\nbad\n{\"id\": 3}\nworse\n");
    flow_put(w, "data/b.json", "{\"id\": 5}\nugly\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_int_equal(out.rows, 3);
    assert_int_equal(out.dead_letters, 3);
    assert_string_equal(
        flow_rows(w, LETTERS),
        "a.json|2|bad|false|false\na.json|4|worse|false|false\nb.json|2|ugly|false|false\n");
    assert_string_equal(
        flow_rows(w, "SELECT path, rows, dead_letters FROM raw.t__files ORDER BY 1"),
        "a.json|2|2\nb.json|1|1\n");
    /* one is mended, one still bad, the other file's stays */
    flow_put(w, "data/a.json", "{\"id\": 1}\n{\"id\": 2}\n{\"id\": 3}\nworse\n");
    out = load_ok(w, &load);
    assert_int_equal(out.resolved, 1);
    assert_int_equal(out.dead_letters, 0); /* no new one */
    assert_string_equal(
        flow_rows(w, LETTERS),
        "a.json|2|bad|true|true\na.json|4|worse|false|false\nb.json|2|ugly|false|false\n");
    assert_ledger(w);
    flow_put(w, "data/a.json", "{\"id\": 1}\nnew one\n");
    out = load_ok(w, &load);
    assert_int_equal(out.resolved, 1);
    assert_int_equal(out.dead_letters, 1);
    assert_string_equal(
        flow_rows(w, LETTERS),
        "a.json|2|new one|false|false\na.json|2|bad|true|true\na.json|4|worse|true|true\n"
        "b.json|2|ugly|false|false\n");
    assert_ledger(w);
}

/* Two records of the same bytes, of which one is mended. */
static void equal_dead_letters_are_counted(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "bad\nbad\n{\"id\": 3}\n");
    assert_int_equal(load_ok(w, &load).dead_letters, 2);
    flow_put(w, "data/a.json", "{\"id\": 1}\nbad\n{\"id\": 3}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_int_equal(out.resolved, 1);
    assert_string_equal(
        flow_rows(w, "SELECT resolved, count(*) FROM raw.t__dead_letters GROUP BY 1 ORDER BY 1"),
        "false|1\ntrue|1\n");
}

static void a_file_of_letters_alone(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "bad\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_true(out.committed);
    assert_int_equal(out.rows, 0);
    assert_int_equal(out.dead_letters, 1);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.t"), "0\n");
    assert_false(load_ok(w, &load).committed);
    flow_put(w, "data/a.json", "{\"id\": 1}\n");
    out = load_ok(w, &load);
    assert_int_equal(out.rows, 1);
    assert_int_equal(out.resolved, 1);
    assert_ledger(w);
}

static void more_dead_letters_than_allowed(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_loaded out;
    flow_put(w, "data/a.json", "{\"id\": 1}\nbad\nworse\n");
    load.dead_letters_max = 1;
    flow_fails(w, flow_run(w, &load, &out), TARN_DEAD_LETTERS, "a.json, line 2");
    assert_null(flow_table(w, "raw.t"));
    assert_int_equal(flow_count_files(w, "warehouse"), 0);
    load.dead_letters_max = 2;
    load_ok(w, &load);
    load.dead_letters_max = 0;
    flow_put(w, "data/b.json", "{\"id\": 2}\n");
    load_ok(w, &load); /* those of before do not count */
    flow_put(w, "data/b.json", "bad\n");
    size_t files = flow_count_files(w, "warehouse");
    flow_fails(w, flow_run(w, &load, &out), TARN_DEAD_LETTERS, NULL);
    assert_int_equal(flow_count_files(w, "warehouse"), files);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t ORDER BY 1"), "1\n2\n");
}

/* ---- types that grow */

static const char *type_of(struct flow_world *w, const char *column)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT DISTINCT typeof(%s) FROM raw.t", column);
    return flow_rows(w, sql);
}

static void new_columns(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"s\": {\"x\": 1}, \"l\": [{\"a\": 1}]}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json",
             "{\"id\": 2, \"memo\": \"m\", \"s\": {\"x\": 2, \"y\": \"z\"}, \"l\": [{\"a\": 2, "
             "\"b\": true}, {}]}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_non_null(strstr(out.schema_change.ptr, "adds memo string"));
    assert_string_equal(flow_rows(w, "SELECT id, memo, s, l FROM raw.t ORDER BY id"),
                        "1|NULL|{x: 1, y: NULL}|[{a: 1, b: NULL}]\n"
                        "2|m|{x: 2, y: z}|[{a: 2, b: true}, {a: NULL, b: NULL}]\n");
    const struct tarn_type *root = &tarn_metadata_schema(&flow_table(w, "raw.t")->metadata)->root;
    assert_true(tarn_str_is(root->fields[3].name, "memo"));
    assert_true(tarn_str_is(root->fields[4].name, "ingest_ts"));
    assert_true(tarn_str_is(root->fields[6].name, "_source_offset"));
}

static void long_to_double_to_string(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7}\n");
    load_ok(w, &load);
    assert_string_equal(type_of(w, "v"), "BIGINT\n");
    flow_put(w, "data/b.json", "{\"id\": 2, \"v\": 1.5}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_string_equal(out.schema_change.ptr, "replaces v: long -> double");
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|7.0\n2|1.5\n");
    flow_put(w, "data/c.json", "{\"id\": 3, \"v\": \"n/a\"}\n");
    load_ok(w, &load);
    assert_string_equal(type_of(w, "v"), "VARCHAR\n");
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|7\n2|1.5\n3|n/a\n");
    assert_ledger(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 8}\n"); /* a changed file afterwards */
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|8\n2|1.5\n3|n/a\n");
    assert_ledger(w);
}

/* Spec "Row Lineage": a row that is written anew keeps its id; one whose replaced values are all null
 * is only moved. */
static void a_replaced_column_keeps_row_ids(void **state)
{
    static const char lineage[] =
        "SELECT id, v, _row_id, _last_updated_sequence_number FROM raw.t ORDER BY id";
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_kv version = {TARN_STR("format-version"), TARN_STR("3")};
    load.properties = (struct tarn_kvs){.items = &version, .count = 1};
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7}\n{\"id\": 2, \"v\": null}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, lineage), "1|7|0|1\n2|NULL|1|1\n");
    flow_put(w, "data/b.json", "{\"id\": 3, \"v\": 1.5}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_string_equal(out.schema_change.ptr, "replaces v: long -> double");
    const char *rows = flow_rows(w, lineage);
    assert_non_null(strstr(rows, "1|7.0|0|2\n2|NULL|1|1\n3|1.5|"));
    assert_null(strstr(rows, "3|1.5|0|"));
    assert_null(strstr(rows, "3|1.5|1|"));
    assert_ledger(w);
}

/* 2^53 + 1 has no double: the digits decide. */
static void numbers_keep_their_digits(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 9007199254740993}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2, \"v\": 0.1}\n");
    load_ok(w, &load);
    assert_string_equal(
        flow_rows(w, "SELECT CAST(v AS VARCHAR) LIKE '9007199254740993%' FROM raw.t WHERE id = 1"),
        "true\n");
    assert_string_equal(
        flow_rows(w, "SELECT CAST(v AS VARCHAR) IN ('0.1', '0.10') FROM raw.t WHERE id = 2"),
        "true\n");
}

static void nested_types_change_too(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json",
             "{\"id\": 1, \"lines\": [{\"amount\": 5, \"n\": \"x\"}, {\"amount\": 6}]}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2, \"lines\": [{\"amount\": \"many\"}]}\n");
    load_ok(w, &load);
    assert_string_equal(
        flow_rows(w, "SELECT id, lines FROM raw.t ORDER BY 1"),
        "1|[{amount: 5, n: x}, {amount: 6, n: NULL}]\n2|[{amount: many, n: NULL}]\n");
    flow_put(w, "data/c.json", "{\"id\": 3, \"lines\": [{\"amount\": 1.25, \"more\": 1}]}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, lines FROM raw.t WHERE id = 3"),
                        "3|[{amount: 1.25, n: NULL, more: 1}]\n");
    assert_ledger(w);
}

static void a_struct_becomes_text(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": {\"x\": 1, \"y\": [1, 2]}}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2, \"v\": \"plain\"}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"),
                        "1|{\"x\":1,\"y\":[1,2]}\n2|plain\n");
}

/* A type conflict and a changed file in one load; and rows of others, which have no _source_file,
 * stay. */
static void a_rewrite_with_changed_files(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7}\n");
    flow_put(w, "data/b.json", "{\"id\": 2, \"v\": 8}\n");
    load_ok(w, &load);
    flow_insert(w, "raw.t", "SELECT 99::BIGINT AS id, 5::BIGINT AS v");
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": \"seven\"}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|seven\n2|8\n99|5\n");
    assert_int_equal(out.rows_replaced, 1);
    assert_int_equal(out.rows, 1);
}

static void the_column_of_the_partition_changes_its_type(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_str by[] = {TARN_STR("v")};
    load.partition_by = by;
    load.partition_count = 1;
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7}\n{\"id\": 2, \"v\": 7}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 3, \"v\": \"x\"}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|7\n2|7\n3|x\n");
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.t WHERE v = '7' ORDER BY 1"), "1\n2\n");
}

static void conflicts_are_set_aside_when_asked(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    load.conflicts_set_aside = true;
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7, \"l\": [{\"n\": 1}]}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json",
             "{\"id\": 2, \"v\": \"x\", \"l\": []}\n{\"id\": 3, \"v\": 9, \"l\": [{\"n\": "
             "\"two\"}]}\n{\"id\": 4, \"v\": 1, \"l\": null}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_int_equal(out.rows, 1);
    assert_int_equal(out.dead_letters, 2);
    assert_string_equal(type_of(w, "v"), "BIGINT\n");
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t ORDER BY 1"), "1|7\n4|1\n");
    flow_put(w, "data/c.json",
             "{\"id\": 5, \"v\": 10}\n"); /* the next load is not haunted by them */
    out = load_ok(w, &load);
    assert_int_equal(out.rows, 1);
    assert_int_equal(out.dead_letters, 0);
    assert_ledger(w);
}

static void too_much_to_rewrite_is_set_aside(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    load.rewrite_bytes_max = 1;
    flow_put(w, "data/a.json", "{\"id\": 1, \"v\": 7}\n");
    load_ok(w, &load);
    flow_put(w, "data/b.json", "{\"id\": 2, \"v\": \"x\"}\n");
    assert_int_equal(load_ok(w, &load).dead_letters, 1);
    assert_string_equal(flow_rows(w, "SELECT id, v FROM raw.t"), "1|7\n");
    assert_ledger(w);
}

/* A table that others made has no shape: its types are what counts, and are never narrowed. */
static void a_table_of_others(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    flow_create(w, "raw.t",
                "struct<id: long, name: string, v: double, d: decimal(9,2), ingest_ts: "
                "timestamptz, _source_file: string, _source_offset: long>",
                NULL,
                "SELECT 1::BIGINT AS id, '007' AS name, 1.5::DOUBLE AS v, 2.50::DECIMAL(9,2) AS d");
    flow_put(w, "data/a.json", "{\"id\": 2, \"name\": 8, \"v\": 3, \"d\": 4}\n");
    load_ok(w, &load);
    assert_string_equal(flow_rows(w, "SELECT id, name, v FROM raw.t ORDER BY 1"),
                        "1|007|1.5\n2|8|3.0\n");
    assert_string_equal(flow_rows(w, "SELECT d = 2.5 FROM raw.t WHERE id = 1"), "true\n");
    assert_string_equal(flow_rows(w, "SELECT d = 4 FROM raw.t WHERE id = 2"), "true\n");
}

static void declared_columns(void **state)
{
    struct flow_world *w = *state;
    struct tarn_load load = flow_load(w);
    struct tarn_declared declared[2] = {{.path = TARN_STR("lines.element.debit")},
                                        {.path = TARN_STR("day")}};
    flow_ok(w, tarn_type_parse(&w->op, TARN_STR("decimal(18,2)"), &declared[0].type));
    flow_ok(w, tarn_type_parse(&w->op, TARN_STR("date"), &declared[1].type));
    load.decode.declared = declared;
    load.decode.declared_count = 2;
    flow_put(w, "data/a.json",
             "{\"id\": 1, \"day\": \"2025-06-01\", \"lines\": [{\"debit\": 10.5}]}\n"
             "{\"id\": 2, \"day\": \"someday\", \"lines\": []}\n"
             "{\"id\": 3, \"day\": null, \"lines\": [{\"debit\": 1.005}]}\n");
    struct tarn_loaded out = load_ok(w, &load);
    assert_int_equal(out.rows, 1);
    assert_int_equal(out.dead_letters, 2);
    assert_string_equal(flow_rows(w, "SELECT id, day, lines FROM raw.t"),
                        "1|2025-06-01|[{debit: 10.50}]\n");
    assert_string_equal(flow_rows(w, "SELECT \"column\" FROM raw.t__dead_letters ORDER BY line"),
                        "day\nlines.element.debit\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        T(new_files_once),
        T(a_plan_writes_nothing),
        T(a_file_with_another_date),
        T(a_changed_file_replaces_its_rows),
        T(a_changed_file_is_refused),
        T(a_file_that_went_away_keeps_its_rows),
        T(partitions_by_ingest_ts),
        T(properties),
        T(a_dropped_table_is_loaded_again),
        T(a_dropped_ledger_doubles_nothing),
        T(a_rolled_back_table_is_told),
        T(two_loads_of_one_stream),
        T(two_first_loads),
        T(rows_of_others_in_between),
        T(dead_letters_come_and_go),
        T(equal_dead_letters_are_counted),
        T(a_file_of_letters_alone),
        T(more_dead_letters_than_allowed),
        T(new_columns),
        T(long_to_double_to_string),
        T(a_replaced_column_keeps_row_ids),
        T(numbers_keep_their_digits),
        T(nested_types_change_too),
        T(a_struct_becomes_text),
        T(a_rewrite_with_changed_files),
        T(the_column_of_the_partition_changes_its_type),
        T(conflicts_are_set_aside_when_asked),
        T(too_much_to_rewrite_is_set_aside),
        T(a_table_of_others),
        T(declared_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
