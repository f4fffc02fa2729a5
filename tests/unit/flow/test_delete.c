/* Rows deleted by position in tables of both kinds, and what the table's changes say of them, read
 * back through the engine. */
#include "flow_fixture.h"

#include "lake/changes.h"

static const char *const NONE[] = {NULL};

static void change_table(struct flow_world *w, const char *name, int version, const char *key,
                         const char *value)
{
    struct tarn_change *c;
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, name), &c));
    if (version)
        flow_ok(w, tarn_change_upgrade(c, &w->op, version));
    if (key)
        flow_ok(w, tarn_change_set_property(c, &w->op, tarn_str_view(key), tarn_str_view(value)));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

static enum tarn_status try_delete(struct flow_world *w, const char *name, const char *condition,
                                   int64_t *rows)
{
    struct tarn_change *c;
    struct tarn_scan *scan;
    struct tarn_table *t = flow_table(w, name);
    TARN_TRY(tarn_change_open(&w->lake, &w->op, t, &c));
    TARN_TRY(tarn_table_scan(&w->lake, &w->op, t, NULL, NULL, &scan));
    TARN_TRY(tarn_session_bind_scan(w->session, &w->op, TARN_STR("target"), scan, true));
    struct tarn_str doomed =
        tarn_sprintf(&w->op, "(SELECT _file, _pos FROM tarn.target WHERE %s)", condition);
    TARN_TRY(tarn_rows_delete(&w->flow, &w->op, c, scan, doomed, rows));
    return tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0});
}

static int64_t delete_rows(struct flow_world *w, const char *name, const char *condition)
{
    int64_t rows;
    flow_ok(w, try_delete(w, name, condition, &rows));
    return rows;
}

struct counts {
    size_t data, deletes, vectors;
};

static struct counts files(struct flow_world *w, const char *name)
{
    struct counts n = {0};
    struct tarn_live_files live;
    struct tarn_table *t = flow_table(w, name);
    flow_ok(w, tarn_table_live_files(&w->lake, &w->op, &t->metadata,
                                     tarn_metadata_current(&t->metadata), &live));
    for (size_t i = 0; i < live.count; i++) {
        const struct tarn_data_file *f = &live.items[i].file;
        bool vector = tarn_str_is(f->format, "PUFFIN");
        n.data += f->content == TARN_CONTENT_DATA;
        n.vectors += vector;
        n.deletes += f->content != TARN_CONTENT_DATA && !vector;
    }
    return n;
}

static void three_files(struct flow_world *w, const char *name)
{
    flow_create(w, name, "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    flow_insert(w, name, "SELECT 10 + range AS id FROM range(10)");
    flow_insert(w, name, "SELECT 20 + range AS id FROM range(10)");
}

static void a_delete_file_for_each(void **state)
{
    struct flow_world *w = *state;
    three_files(w, "raw.x");
    assert_int_equal(delete_rows(w, "raw.x", "id % 10 = 3 OR id >= 20"), 12);
    struct counts n = files(w, "raw.x");
    assert_int_equal(n.data, 2); /* the third one went as a whole */
    assert_int_equal(n.deletes, 2);
    assert_string_equal(flow_rows(w, "SELECT count(*), max(id) FROM raw.x"), "18|19\n");
}

static void one_delete_file_when_asked(void **state)
{
    struct flow_world *w = *state;
    three_files(w, "raw.x");
    change_table(w, "raw.x", 0, "write.delete.granularity", "partition");
    assert_int_equal(delete_rows(w, "raw.x", "id % 10 = 3"), 3);
    assert_int_equal(files(w, "raw.x").deletes, 1);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.x"), "27\n");
    change_table(w, "raw.x", 0, "write.delete.granularity", "row");
    int64_t rows;
    flow_fails(w, try_delete(w, "raw.x", "id = 1", &rows), TARN_CONFIG, "granularity");
}

static void vectors_in_version_3(void **state)
{
    struct flow_world *w = *state;
    three_files(w, "raw.x");
    assert_int_equal(delete_rows(w, "raw.x", "id IN (0, 11)"), 2);
    change_table(w, "raw.x", 3, NULL, NULL);
    assert_int_equal(delete_rows(w, "raw.x", "id IN (1, 0, 21, 9)"), 3);
    struct counts n = files(w, "raw.x");
    assert_int_equal(n.vectors, 2);
    assert_int_equal(n.deletes, 1); /* the second file's; the first one's is in its vector */
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.x WHERE id < 12 ORDER BY 1"),
                        "2\n3\n4\n5\n6\n7\n8\n10\n");
    assert_int_equal(delete_rows(w, "raw.x", "id IN (2, 22)"), 2);
    assert_int_equal(files(w, "raw.x").vectors, 2);
    assert_int_equal(delete_rows(w, "raw.x", "id < 10"), 6); /* the rest of the first file */
    n = files(w, "raw.x");
    assert_int_equal(n.data, 2);
    assert_int_equal(n.vectors, 1);
    assert_string_equal(flow_rows(w, "SELECT count(*), min(id) FROM raw.x"), "17|10\n");
}

/* A position behind the end of a file hides no row of it: what is left is not the whole file. */
static void deletes_behind_the_end(void **state)
{
    struct flow_world *w = *state;
    struct tarn_change *c;
    struct tarn_written written;
    struct tarn_write write;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(10)");
    struct tarn_scan *scan;
    flow_ok(w, tarn_table_scan(&w->lake, &w->op, flow_table(w, "raw.x"), NULL, NULL, &scan));
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, "raw.x"), &c));
    flow_ok(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write));
    struct tarn_str sql =
        tarn_sprintf(&w->op, "SELECT '%.*s', 99", TARN_STR_ARG(scan->files[0].file->path));
    flow_ok(w, tarn_session_write_deletes(w->session, &w->op, sql, &write, &written));
    flow_ok(w, tarn_change_add_deletes(c, &w->op, written.files, written.count));
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
    assert_int_equal(delete_rows(w, "raw.x", "id <> 4"), 9);
    assert_string_equal(flow_rows(w, "SELECT id FROM raw.x"), "4\n");
}

/* ---- changes, as rows */

static void add_equality(struct flow_world *w, const char *name, const char *keys,
                         const char *insert)
{
    static int32_t ids[] = {1};
    static int n;
    struct tarn_change *c;
    flow_ok(w, tarn_change_open(&w->lake, &w->op, flow_table(w, name), &c));
    struct tarn_str path = tarn_sprintf(&w->op, "%s/equality-%d.parquet", w->folder, n++);
    flow_exec(w, tarn_sprintf(&w->op,
                              "COPY (SELECT unnest([%s])::BIGINT AS id) TO '%s' (FORMAT "
                              "parquet, FIELD_IDS {id: 1})",
                              keys, path.ptr)
                     .ptr);
    struct tarn_object object;
    int64_t rows = 1;
    for (const char *k = keys; *k; k++)
        rows += *k == ',';
    flow_ok(w, tarn_storage_head(w->storage, &w->op, path, &object));
    struct tarn_data_file f = {.content = TARN_CONTENT_EQUALITY_DELETES,
                               .path = path,
                               .format = TARN_STR("PARQUET"),
                               .record_count = rows,
                               .size_bytes = (int64_t)object.size_bytes,
                               .equality_ids = ids,
                               .equality_id_count = 1,
                               .sort_order_id = -1,
                               .first_row_id = -1,
                               .content_offset = -1,
                               .content_size = -1};
    flow_ok(w, tarn_change_add_deletes(c, &w->op, &f, 1));
    if (insert) {
        struct tarn_write write;
        struct tarn_written written;
        flow_ok(w, tarn_flow_write(&w->flow, &w->op, c, INT64_MIN, &write));
        flow_ok(w, tarn_session_write(w->session, &w->op,
                                      (struct tarn_sql_text){.sql = tarn_str_view(insert)}, &write,
                                      &written));
        flow_ok(w, tarn_change_append(c, &w->op, written.files, written.count));
    }
    flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &c, 1, (struct tarn_commit_options){0}));
}

/* "2 - 7\n": ordinal, sign and id, sorted */
static const char *changes(struct flow_world *w, const char *name)
{
    struct tarn_changes all;
    flow_ok(w, tarn_table_changes(&w->lake, &w->op, flow_table(w, name), 0, NULL, NULL, &all));
    struct tarn_buf sql;
    struct tarn_str taken;
    tarn_buf_init(&sql, 1 << 20);
    tarn_buf_z(&sql, "SELECT o || s || string_agg(id, ',' ORDER BY id) FROM (");
    for (size_t i = 0; i < all.count; i++) {
        struct tarn_str view = tarn_sprintf(&w->op, "part%zu", i);
        flow_ok(w, tarn_session_bind_scan(w->session, &w->op, view, all.items[i].scan, false));
        tarn_buf_printf(&sql, "%sSELECT %d AS o, '%s' AS s, id FROM tarn.%s",
                        i ? " UNION ALL " : "", all.items[i].ordinal,
                        all.items[i].deleted ? "-" : "+", view.ptr);
    }
    tarn_buf_z(&sql, ") GROUP BY o, s ORDER BY o, s DESC");
    flow_ok(w, (enum tarn_status)tarn_buf_take(&w->op, &sql, "text", &taken));
    return flow_rows(w, taken.ptr);
}

static void changes_of_position_deletes(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(5)");
    flow_insert(w, "raw.x", "SELECT 10 + range AS id FROM range(3)");
    delete_rows(w, "raw.x", "id IN (0, 11)");
    delete_rows(w, "raw.x", "id IN (1, 2, 10, 12)");
    change_table(w, "raw.x", 3, NULL, NULL);
    delete_rows(w, "raw.x", "id = 3");
    assert_string_equal(changes(w, "raw.x"), "0+0,1,2,3,4\n1+10,11,12\n2-0,11\n3-1,2,10,12\n4-3\n");
}

static void changes_of_equality_deletes(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE, "SELECT range AS id FROM range(5)");
    flow_insert(w, "raw.x", "SELECT range AS id FROM range(3, 8)");
    delete_rows(w, "raw.x", "id IN (0, 7)");
    add_equality(w, "raw.x", "3, 100", "SELECT 3 AS id"); /* an upsert */
    add_equality(w, "raw.x", "0, 1, 3", NULL);
    add_equality(w, "raw.x", "1, 2", NULL);
    assert_string_equal(flow_rows(w, "SELECT string_agg(id, ',' ORDER BY id) FROM raw.x"),
                        "4,4,5,6\n");
    assert_string_equal(changes(w, "raw.x"), "0+0,1,2,3,4\n1+3,4,5,6,7\n2-0,7\n3-3,3\n3+3\n"
                                             "4-1,3\n5-2\n");
    /* rows that equality deletes hide are not deleted again */
    assert_int_equal(delete_rows(w, "raw.x", "id <= 4"), 2);
    assert_string_equal(flow_rows(w, "SELECT string_agg(id, ',' ORDER BY id) FROM raw.x"), "5,6\n");
    struct tarn_scan *scan;
    flow_ok(w,
            tarn_table_scan_added(&w->lake, &w->op, flow_table(w, "raw.x"), 0, NULL, NULL, &scan));
    flow_ok(w, tarn_session_bind_scan(w->session, &w->op, TARN_STR("added"), scan, false));
    assert_string_equal(flow_rows(w, "SELECT count(*), sum(id) FROM tarn.added"), "10|35\n");
}

/* ---- by key */

struct by_key {
    bool done;
    int64_t rows;
    struct tarn_change *change;
};

/* Deletes rows by the field of this id; commits if that could be done. */
static struct by_key delete_keys(struct flow_world *w, const char *name, int32_t id,
                                 const char *condition)
{
    struct by_key out;
    struct tarn_scan *scan;
    struct tarn_row_key key;
    struct tarn_table *t = flow_table(w, name);
    flow_ok(w, tarn_change_open(&w->lake, &w->op, t, &out.change));
    flow_ok(w, tarn_table_scan(&w->lake, &w->op, t, NULL, NULL, &scan));
    flow_ok(w, tarn_session_bind_scan(w->session, &w->op, TARN_STR("target"), scan, true));
    flow_ok(w, tarn_row_key_make(&w->op, tarn_metadata_schema(&t->metadata), &id, 1, &key));
    assert_int_equal(key.count, 1);
    struct tarn_str doomed =
        tarn_sprintf(&w->op, "(SELECT _file, _pos, %.*s AS \"tarn k0\" FROM tarn.target WHERE %s)",
                     TARN_STR_ARG(key.parts[0].path), condition);
    flow_ok(w, tarn_rows_delete_keys(&w->flow, &w->op, out.change, t, scan, &key, doomed, &out.done,
                                     &out.rows));
    if (out.done)
        flow_ok(w, tarn_changes_commit(&w->lake, &w->op, &out.change, 1,
                                       (struct tarn_commit_options){0}));
    return out;
}

static void keys_of_their_own(void **state)
{
    struct flow_world *w = *state;
    three_files(w, "raw.x");
    struct by_key x = delete_keys(w, "raw.x", 1, "id % 10 = 3 OR id >= 20");
    assert_true(x.done);
    assert_int_equal(x.rows, 12);
    struct counts n = files(w, "raw.x");
    assert_int_equal(n.data, 2); /* the third one went as a whole */
    assert_int_equal(n.deletes, 1);
    assert_string_equal(flow_rows(w, "SELECT count(*), max(id) FROM raw.x"), "18|19\n");
}

/* Nothing is done where a row that stays has the key of one that goes, in whatever file. */
static void keys_that_others_have(void **state)
{
    struct flow_world *w = *state;
    three_files(w, "raw.x");
    flow_insert(w, "raw.x", "SELECT unnest([5, 15, 15, 30]) AS id");
    struct by_key x = delete_keys(w, "raw.x", 1,
                                  "id IN (5, 6) AND _file = (SELECT min(_file) FROM tarn.target "
                                  "WHERE id = 6)");
    assert_false(x.done);
    assert_true(tarn_change_is_empty(x.change));
    assert_int_equal(tarn_change_file_count(x.change), 0);
    x = delete_keys(w, "raw.x", 1, "id = 15"); /* all of them */
    assert_true(x.done);
    assert_int_equal(x.rows, 3);
    assert_string_equal(flow_rows(w, "SELECT count(*), count(*) FILTER (id = 15) FROM raw.x"),
                        "31|0\n");
    /* rows that are gone already do not count */
    assert_int_equal(delete_rows(w, "raw.x", "id = 5 AND _pos = 0"), 1);
    x = delete_keys(w, "raw.x", 1, "id = 5");
    assert_true(x.done);
    assert_int_equal(x.rows, 1);
}

static void keys_of_a_partition(void **state)
{
    static const char *const by_part[] = {"part", NULL};
    struct flow_world *w = *state;
    flow_create(w, "raw.p", "struct<id: long, part: string>", by_part,
                "SELECT range % 5 AS id, substr('ab', 1 + (range >= 5)::INT, 1) AS part FROM "
                "range(10)");
    struct by_key x = delete_keys(w, "raw.p", 1, "id = 2 AND part = 'a'");
    assert_true(x.done);
    assert_string_equal(flow_rows(w, "SELECT id, part FROM raw.p WHERE id = 2"), "2|b\n");
    x = delete_keys(w, "raw.p", 1, "id IN (2, 3)");
    assert_true(x.done);
    assert_int_equal(x.rows, 3);
    assert_int_equal(files(w, "raw.p").deletes, 3);
    /* by a column that several rows of a partition share */
    x = delete_keys(w, "raw.p", 2, "id = 1 AND part = 'a'");
    assert_false(x.done);
    assert_string_equal(flow_rows(w, "SELECT count(*) FROM raw.p"), "6\n");
}

/* A null is no key that rows are told apart by here: such rows go by position. */
static void keys_that_are_null(void **state)
{
    struct flow_world *w = *state;
    flow_create(w, "raw.x", "struct<id: long>", NONE,
                "SELECT unnest([1, 2, NULL]) AS id UNION ALL SELECT 4");
    assert_false(delete_keys(w, "raw.x", 1, "id IS NULL").done);
    assert_false(delete_keys(w, "raw.x", 1, "id IS NULL OR id = 1").done);
    assert_true(delete_keys(w, "raw.x", 1, "id = 1").done);
    assert_string_equal(flow_rows(w, "SELECT count(*), count(id) FROM raw.x"), "3|2\n");
}

static void keys_of_types_that_cannot_be(void **state)
{
    struct flow_world *w = *state;
    struct tarn_row_key key;
    int32_t id = 2;
    flow_create(w, "raw.x", "struct<id: long, f: double>", NONE,
                "SELECT 1 AS id, 1.5::DOUBLE AS f");
    struct tarn_table *t = flow_table(w, "raw.x");
    flow_fails(w, tarn_row_key_make(&w->op, tarn_metadata_schema(&t->metadata), &id, 1, &key),
               TARN_CONFIG, "\"f\"");
    id = 77;
    flow_fails(w, tarn_row_key_make(&w->op, tarn_metadata_schema(&t->metadata), &id, 1, &key),
               TARN_INTERNAL, NULL);
    change_table(w, "raw.x", 0, "tarn.write.delete-files", "equality");
    flow_fails(w, tarn_row_key_of(&w->op, flow_table(w, "raw.x"), &key), TARN_CONFIG,
               "identifier fields");
    change_table(w, "raw.x", 0, "tarn.write.delete-files", "guess");
    flow_fails(w, tarn_row_key_of(&w->op, flow_table(w, "raw.x"), &key), TARN_CONFIG, "guess");
    change_table(w, "raw.x", 0, "tarn.write.delete-files", "POSITION");
    flow_ok(w, tarn_row_key_of(&w->op, flow_table(w, "raw.x"), &key));
    assert_int_equal(key.count, 0);
}

/* ---- copy-on-write */

static void what_is_left_of_files(void **state)
{
    struct flow_world *w = *state;
    struct tarn_rewriting rest;
    struct tarn_change *c;
    struct tarn_scan *scan;
    three_files(w, "raw.x");
    assert_int_equal(delete_rows(w, "raw.x", "id = 19"), 1);
    struct tarn_table *t = flow_table(w, "raw.x");
    flow_ok(w, tarn_change_open(&w->lake, &w->op, t, &c));
    flow_ok(w, tarn_table_scan(&w->lake, &w->op, t, NULL, NULL, &scan));
    flow_ok(w, tarn_session_bind_scan(w->session, &w->op, TARN_STR("target"), scan, true));
    flow_ok(w, tarn_rows_rewrite(&w->flow, &w->op, c, scan,
                                 TARN_STR("(SELECT _file, _pos FROM tarn.target WHERE id >= 18)"),
                                 &rest));
    assert_int_equal(rest.doomed, 11);
    assert_int_equal(rest.kept, 8);
    assert_int_equal(rest.scan.file_count, 1); /* the third one goes as a whole */
    assert_true(rest.excluded);
    flow_ok(w, tarn_session_bind_scan(w->session, &w->op, TARN_STR("rest"), &rest.scan, false));
    assert_string_equal(flow_rows(w, "SELECT count(*), min(id), max(id) FROM tarn.rest"),
                        "8|10|17\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, flow_begin, flow_end)
    const struct CMUnitTest tests[] = {
        T(a_delete_file_for_each), T(one_delete_file_when_asked),   T(vectors_in_version_3),
        T(deletes_behind_the_end), T(changes_of_position_deletes),  T(changes_of_equality_deletes),
        T(keys_of_their_own),      T(keys_that_others_have),        T(keys_of_a_partition),
        T(keys_that_are_null),     T(keys_of_types_that_cannot_be), T(what_is_left_of_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
