/* Rows made in memory, and rows deleted by position. */
#include "flow_fixture.h"

static const char *const NONE[] = {NULL};

/* ---- rows in memory */

static struct tarn_type row_type(struct flow_world *w, const char *text)
{
    struct tarn_type t;
    flow_ok(w, tarn_type_parse(&w->op, tarn_str_view(text), &t));
    return t;
}

static void rows_go_out_in_batches(void **state)
{
    struct flow_world *w = *state;
    struct tarn_type type =
        row_type(w, "struct<l: long, s: string, b: binary, t: timestamptz, f: boolean>");
    struct tarn_rows *rows;
    struct tarn_batch b;
    const size_t count = 8192 + 100;
    flow_ok(w, tarn_rows_new(&w->op, &type, &rows));
    for (size_t i = 0; i < count; i++) {
        bool null = i % 3 == 0;
        struct tarn_value v[] = {{.i = (int64_t)i},
                                 {.is_null = null, .bytes = TARN_STR("text")},
                                 {.bytes = tarn_str_of("a\0b", i % 4)},
                                 {.i = -1},
                                 {.i = i % 2}};
        v[2].bytes.len = i % 4;
        flow_ok(w, tarn_rows_add(rows, &w->op, v));
    }
    assert_int_equal(tarn_rows_count(rows), count);
    struct tarn_producer *p = tarn_rows_producer(rows);
    assert_int_equal(p->workers_max, 1);
    assert_int_equal(p->rows_estimate, count);
    size_t seen = 0;
    for (;;) {
        flow_ok(w, p->next(p, &w->op, 0, &b));
        if (b.rows == 0)
            break;
        assert_int_equal(b.column_count, 5);
        for (size_t i = 0; i < b.rows; i++, seen++) {
            assert_int_equal(tarn_cell_long(&b, 0, i), seen);
            struct tarn_str s = tarn_cell_text(&b, 1, i), x = tarn_cell_text(&b, 2, i);
            assert_int_equal(s.ptr == NULL, seen % 3 == 0);
            assert_true(seen % 3 == 0 || tarn_str_is(s, "text"));
            assert_int_equal(x.len, seen % 4);
            assert_memory_equal(x.ptr, "a\0b", x.len);
            assert_int_equal(((uint8_t *)b.columns[4].data)[i], seen % 2);
        }
    }
    assert_int_equal(seen, count);
    flow_ok(w, p->next(p, &w->op, 0, &b));
    assert_int_equal(b.rows, 0);
}

static void no_rows_are_an_end(void **state)
{
    struct flow_world *w = *state;
    struct tarn_type type = row_type(w, "struct<l: long>");
    struct tarn_rows *rows;
    struct tarn_batch b;
    flow_ok(w, tarn_rows_new(&w->op, &type, &rows));
    flow_ok(w, tarn_rows_producer(rows)->next(tarn_rows_producer(rows), &w->op, 0, &b));
    assert_int_equal(b.rows, 0);
}

/* ---- rows deleted by position */

static int64_t delete_rows(struct flow_world *w, const char *name, const char *condition,
                           size_t *whole, size_t *partial)
{
    struct tarn_change *c;
    struct tarn_scan *scan;
    struct tarn_table *t = flow_table(w, name);
    int64_t rows = -1;
    flow_ok(w, tarn_change_open(&w->lake, &w->op, t, &c));
    flow_ok(w, tarn_table_scan(&w->lake, &w->op, t, NULL, NULL, &scan));
    flow_ok(w, tarn_session_bind_scan(w->session, &w->op, TARN_STR("target"), scan, true));
    struct tarn_str doomed =
        tarn_sprintf(&w->op, "(SELECT _file, _pos FROM tarn.target WHERE %s)", condition);
    assert_non_null(doomed.ptr);
    flow_ok(w, tarn_rows_delete(&w->flow, &w->op, c, scan, doomed, &rows));
    if (tarn_change_is_empty(c)) {
        assert_int_equal(rows, 0);
        return 0;
    }
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    t = flow_table(w, name);
    const struct tarn_kvs *s = &tarn_metadata_current(&t->metadata)->summary;
    const struct tarn_str *gone = tarn_kvs_get(s, "deleted-data-files");
    const struct tarn_str *made = tarn_kvs_get(s, "added-delete-files");
    int64_t n = 0;
    if (whole)
        *whole = gone && tarn_str_to_i64(*gone, &n) ? (size_t)n : 0;
    if (partial)
        *partial = made && tarn_str_to_i64(*made, &n) ? (size_t)n : 0;
    return rows;
}

static int64_t total(struct flow_world *w, const char *name)
{
    struct tarn_table_totals totals;
    flow_ok(w, tarn_table_totals(&w->lake, &w->op, flow_table(w, name), &totals));
    return totals.rows;
}

static void some_rows_of_a_file(void **state)
{
    struct flow_world *w = *state;
    size_t whole, partial;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    assert_int_equal(delete_rows(w, "raw.x", "id % 3 = 0", &whole, &partial), 4);
    assert_int_equal(whole, 0);
    assert_int_equal(partial, 1);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.x ORDER BY 1"), "1\n2\n4\n5\n7\n8\n");
    assert_int_equal(total(w, "raw.x"), 6);
}

static void no_row(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    assert_int_equal(delete_rows(w, "raw.x", "id > 100", NULL, NULL), 0);
    assert_int_equal(flow_table(w, "raw.x")->metadata.snapshot_count, 1);
}

static void a_whole_file(void **state)
{
    struct flow_world *w = *state;
    size_t whole, partial;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    flow_insert(w, "raw.x", "SELECT 100 + range AS id FROM range(5)");
    assert_int_equal(delete_rows(w, "raw.x", "id >= 100 OR id = 3", &whole, &partial), 6);
    assert_int_equal(whole, 1);
    assert_int_equal(partial, 1);
    assert_int_equal(total(w, "raw.x"), 9);
    assert_string_equal(flow_rows(w, "SELECT count(*), max(id) FROM raw.x"), "9|9\n");
}

/* What is left of a file that has deletes already goes with the file; its delete file stays behind
 * and means nothing. */
static void deletes_on_deletes(void **state)
{
    struct flow_world *w = *state;
    size_t whole, partial;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(6)");
    assert_int_equal(delete_rows(w, "raw.x", "id = 0", &whole, &partial), 1);
    assert_int_equal(delete_rows(w, "raw.x", "id <= 1", &whole, &partial), 1);
    assert_int_equal(whole + partial, 1);
    assert_int_equal(delete_rows(w, "raw.x", "id = 4", &whole, &partial), 1);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.x ORDER BY 1"), "2\n3\n5\n");
    assert_int_equal(total(w, "raw.x"), 3);
    assert_int_equal(delete_rows(w, "raw.x", "true", &whole, &partial), 3);
    assert_int_equal(whole, 1);
    assert_int_equal(partial, 0);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.x"), "0\n");
    assert_int_equal(total(w, "raw.x"), 0);
    flow_insert(w, "raw.x", "SELECT 7 AS id");
    assert_int_equal(total(w, "raw.x"), 1);
}

static void one_delete_file_a_partition(void **state)
{
    struct flow_world *w = *state;
    static const char *const by[] = {"region", "bucket(2, id)", NULL};
    size_t whole, partial;
    flow_create(w, "raw.x", "struct<id: long, region: string>", by,
                "SELECT range AS id, CASE WHEN range < 30 THEN ['eu', 'us', NULL][1 + range % 3] "
                "ELSE 'de' END AS region FROM range(40)");
    flow_insert(w, "raw.x", "SELECT 100 + range AS id, 'eu' AS region FROM range(10)");
    assert_int_equal(
        delete_rows(w, "raw.x", "id IN (0, 1, 2, 3, 4, 5, 100, 101, 102)", &whole, &partial), 9);
    assert_int_equal(whole, 0);
    assert_true(partial >= 3 && partial <= 6);
    assert_string_equal(flow_rows(w, "SELECT count(*), count(region), min(id) FROM raw.x"),
                        "41|33|6\n");
    /* each delete file lies in the partition of the files that it speaks of */
    struct tarn_table *t = flow_table(w, "raw.x");
    struct tarn_live_files live;
    flow_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &live));
    size_t nulls = 0;
    for (size_t i = 0; i < live.count; i++) {
        const struct tarn_data_file *f = &live.items[i].file;
        if (f->content != TARN_CONTENT_POSITION_DELETES)
            continue;
        assert_int_equal(f->partition_count, 2);
        nulls += f->partition[0].is_null;
        assert_true(f->record_count > 0);
    }
    assert_true(nulls >= 1);
    assert_int_equal(total(w, "raw.x"), 41);
}

/* Files of an old spec get their deletes under the old spec. */
static void files_of_an_older_spec(void **state)
{
    struct flow_world *w = *state;
    static const char *const by[] = {"region", NULL};
    struct tarn_change *c;
    struct tarn_partition_spec spec;
    struct tarn_str expr = TARN_STR("bucket(2, id)");
    flow_create(w, "raw.x", "struct<id: long, region: string>", by,
                "SELECT range AS id, 'eu' AS region FROM range(10)");
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, "raw.x"), &c));
    flow_ok(w,
            tarn_spec_make(&w->op, tarn_metadata_schema(tarn_change_metadata(c)), &expr, 1, &spec));
    flow_ok(w, tarn_change_set_spec(c, &w->op, &spec));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    flow_insert(w, "raw.x", "SELECT 10 + range AS id, 'us' AS region FROM range(10)");
    assert_int_equal(delete_rows(w, "raw.x", "id % 5 = 1", NULL, NULL), 4);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.x"), "16\n");
    struct tarn_table *t = flow_table(w, "raw.x");
    struct tarn_live_files live;
    size_t old = 0;
    flow_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &live));
    for (size_t i = 0; i < live.count; i++)
        if (live.items[i].file.content == TARN_CONTENT_POSITION_DELETES)
            old += live.items[i].file.spec_id == 0;
    assert_int_equal(old, 1);
}

/* The same row named twice is one row, in the delete file as well. */
static void a_row_named_twice(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    assert_int_equal(
        delete_rows(w, "raw.x", "id = 1 UNION ALL SELECT _file, _pos FROM tarn.target WHERE id < 3",
                    NULL, NULL),
        3);
    const struct tarn_table *t = flow_table(w, "raw.x");
    assert_string_equal(
        tarn_kvs_get(&tarn_metadata_current(&t->metadata)->summary, "added-position-deletes")->ptr,
        "3");
    assert_int_equal(total(w, "raw.x"), 7);
}

/* Tables of other writers have URIs for paths: deletes must name the data file as its manifest
 * does. */
static void files_under_uris(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, NULL);
    struct tarn_change *c;
    struct tarn_write write;
    struct tarn_written written;
    struct tarn_sql_text text = {.sql = TARN_STR("SELECT range AS id FROM range(10)"), .line0 = 1};
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, "raw.x"), &c));
    flow_ok(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write));
    flow_ok(w, tarn_session_write(w->session, &w->op, text, &write, &written));
    for (size_t i = 0; i < written.count; i++)
        written.files[i].path =
            tarn_sprintf(&w->op, "file://%.*s", TARN_STR_ARG(written.files[i].path));
    flow_ok(w, tarn_change_append(c, &w->op, written.files, written.count));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.x"), "10\n");
    assert_int_equal(delete_rows(w, "raw.x", "id < 4", NULL, NULL), 4);
    assert_string_equal(flow_rows(w, "SELECT min(id), count(*) FROM raw.x"), "4|6\n");
}

static void a_table_in_a_file_uri(void **state)
{
    struct flow_world *w = *state;
    struct tarn_change *c;
    struct tarn_schema schema = {0};
    struct tarn_create create = {.schema = &schema};
    struct tarn_ident ident = {TARN_STR("raw"), TARN_STR("u")};
    create.location = tarn_sprintf(&w->op, "file://%s/warehouse/raw/u it's", w->folder);
    flow_ok(w, tarn_type_parse(&w->op, TARN_STR("struct<id: long>"), &schema.root));
    flow_ok(w, tarn_change_create(&w->lake, &w->op, ident, &create, &c));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    flow_insert(w, "raw.u", "SELECT range AS id FROM range(10)");
    assert_int_equal(delete_rows(w, "raw.u", "id < 4", NULL, NULL), 4);
    assert_string_equal(flow_rows(w, "SELECT min(id), count(*) FROM raw.u"), "4|6\n");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        T(rows_go_out_in_batches),
        T(no_rows_are_an_end),
        T(some_rows_of_a_file),
        T(no_row),
        T(a_whole_file),
        T(deletes_on_deletes),
        T(one_delete_file_a_partition),
        T(files_of_an_older_spec),
        T(a_row_named_twice),
        T(files_under_uris),
        T(a_table_in_a_file_uri),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
