/* Deleted positions: hidden by scans, written to and read from position delete files. */
#include "engine_fixture.h"

static struct table *hundred(struct fixture *f, int files)
{
    struct table *t = table_add(f, "raw", "t", "struct<id: long, filename: string>");
    for (int i = 0; i < files; i++)
        table_insert(
            f, t,
            tarn_sprintf(
                &f->op,
                "SELECT (i + %d)::BIGINT AS id, 'f' || i AS filename FROM range(100000) r(i)",
                i * 100000)
                .ptr);
    return t;
}

static int64_t *positions(struct fixture *f, size_t n, int64_t first, int64_t step)
{
    int64_t *p = tarn_alloc_array(&f->op, n, sizeof *p);
    for (size_t i = 0; i < n; i++)
        p[i] = first + (int64_t)i * step;
    return p;
}

static void test_deleted_rows_are_hidden(void **state)
{
    struct fixture *f = *state;
    struct table *t = hundred(f, 4);
    t->scan.files[1].deleted = positions(f, 1, 0, 1);
    t->scan.files[1].deleted_count = 1;
    t->scan.files[2].deleted = positions(f, 50000, 0, 2);
    t->scan.files[2].deleted_count = 50000;
    t->scan.files[3].deleted = positions(f, 100000, 0, 1);
    t->scan.files[3].deleted_count = 100000;
    assert_string_equal(rows_of(f, "SELECT count(*), min(id), max(id) FROM raw.t"),
                        "249999|0|299999\n");
    assert_string_equal(rows_of(f, "SELECT id FROM raw.t WHERE id IN (99999, 100000, 100001, "
                                   "200000, 200001, 299999, 300001)  ORDER BY 1"),
                        "99999\n100001\n200001\n299999\n");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.t WHERE id % 2 = 0 AND id >= 200000"),
                        "0\n");
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.t a JOIN raw.t b USING (id)"),
                        "249999\n");
    assert_string_equal(rows_of(f, "SELECT filename FROM raw.t WHERE id = 200001"), "f1\n");
    /* the next statement knows nothing of the ones before */
    t->scan.files[3].deleted_count = 0;
    assert_string_equal(rows_of(f, "SELECT count(*) FROM raw.t"), "349999\n");
}

static void test_bound_scan_with_positions(void **state)
{
    struct fixture *f = *state;
    struct table *t = hundred(f, 2);
    t->scan.files[1].deleted = positions(f, 10, 0, 1);
    t->scan.files[1].deleted_count = 10;
    ok(f, tarn_session_bind_scan(f->session, &f->op, TARN_STR("target"), &t->scan, true));
    struct tarn_str want =
        tarn_sprintf(&f->op, "%s|7|7\n%s|10|100010\n", t->scan.files[0].file->path.ptr,
                     t->scan.files[1].file->path.ptr);
    assert_string_equal(
        rows_of(
            f,
            "SELECT _file, _pos, id FROM tarn.target WHERE id IN (7, 100007, 100010) ORDER BY id"),
        want.ptr);
    int64_t n;
    ok(f,
       tarn_session_exec(
           f->session, &f->op,
           TARN_STR(
               "CREATE TEMP TABLE m AS SELECT _file, _pos FROM tarn.target WHERE id % 1000 = 0")));
    ok(f, tarn_session_int(f->session, &f->op, TARN_STR("SELECT count(*) FROM m"), &n));
    assert_int_equal(n, 199);
    assert_string_equal(rows_of(f, "SELECT count(*) FROM tarn.target JOIN raw.t USING (id)"),
                        "199990\n");
    t->scan.file_count = 0;
    ok(f, tarn_session_bind_scan(f->session, &f->op, TARN_STR("tarn.target"), &t->scan, true));
    assert_string_equal(rows_of(f, "SELECT count(_file), count(_pos), count(id) FROM tarn.target"),
                        "0|0|0\n");
    ok(f, tarn_session_bind_scan(f->session, &f->op, TARN_STR("other"), &t->scan, false));
    fails(f, TARN_COLUMN, "SELECT _pos FROM tarn.other");
}

static void test_delete_files(void **state)
{
    struct fixture *f = *state;
    struct table *t = hundred(f, 2);
    struct tarn_write write = table_write(f, t);
    struct tarn_written w;
    write.folder = tarn_sprintf(&f->op, "%s/deletes", f->folder);
    ok(f, tarn_session_bind_scan(f->session, &f->op, TARN_STR("target"), &t->scan, true));
    ok(f,
       tarn_session_write_deletes(
           f->session, &f->op,
           TARN_STR("SELECT _file, _pos FROM tarn.target WHERE id % 50000 = 3 ORDER BY id DESC;"),
           &write, &w));
    assert_int_equal(w.count, 1);
    struct tarn_data_file *d = &w.files[0];
    assert_int_equal(d->content, TARN_CONTENT_POSITION_DELETES);
    assert_int_equal(d->record_count, 4);
    assert_null(d->referenced_data_file.ptr);
    assert_int_equal(d->lower_count, 2);
    assert_int_equal(d->lower[0].id, 2147483545);
    assert_int_equal(d->lower[1].id, 2147483546);
    struct tarn_str a = t->scan.files[0].file->path, b = t->scan.files[1].file->path;
    if (tarn_str_cmp(a, b) > 0) {
        struct tarn_str c = a;
        a = b;
        b = c;
    }
    assert_true(tarn_str_eq(d->lower[1].bytes, a));
    assert_true(tarn_str_eq(d->upper[1].bytes, b));
    assert_memory_equal(d->lower[0].bytes.ptr, "\3\0\0\0\0\0\0\0", 8);
    struct tarn_str sql = tarn_sprintf(
        &f->op, "SELECT name, field_id FROM parquet_schema('%s') WHERE field_id IS NOT NULL",
        d->path.ptr);
    assert_string_equal(rows_of(f, sql.ptr), "file_path|2147483546\npos|2147483545\n");
    sql = tarn_sprintf(&f->op, "SELECT string_agg(pos, ',') FROM (FROM '%s')", d->path.ptr);
    assert_string_equal(rows_of(f, sql.ptr), "3,50003,3,50003\n");

    struct tarn_position_deletes read;
    struct tarn_str paths[2] = {d->path, d->path};
    ok(f, tarn_engine_read_position_deletes(f->engine, &f->op, paths, 2, &read));
    assert_int_equal(read.run_count, 4);
    unsigned seen = 0;
    for (size_t i = 0; i < 4; i++) { /* two threads may hand them over in any order */
        const struct tarn_position_run *r = &read.runs[i];
        assert_true(r->source < 2);
        assert_true(tarn_str_eq(r->path, a) || tarn_str_eq(r->path, b));
        seen |= 1u << (2 * r->source + tarn_str_eq(r->path, b));
        assert_int_equal(r->count, 2);
        assert_int_equal(r->positions[0], 3);
        assert_int_equal(r->positions[1], 50003);
    }
    assert_int_equal(seen, 15);

    ok(f, tarn_session_write_deletes(f->session, &f->op,
                                     TARN_STR("SELECT _file, _pos FROM tarn.target WHERE id < 3"),
                                     &write, &w));
    assert_true(tarn_str_eq(w.files[0].referenced_data_file, t->scan.files[0].file->path));
    ok(f, tarn_session_write_deletes(f->session, &f->op,
                                     TARN_STR("SELECT _file, _pos FROM tarn.target WHERE false"),
                                     &write, &w));
    assert_int_equal(w.count, 0);
    assert_int_equal(
        tarn_session_write_deletes(f->session, &f->op, TARN_STR("SELECT NULL, 1"), &write, &w),
        TARN_DATA);
    ok(f, tarn_engine_read_position_deletes(f->engine, &f->op, NULL, 0, &read));
    assert_int_equal(read.run_count, 0);
    struct tarn_str data = t->scan.files[0].local_path;
    assert_int_equal(tarn_engine_read_position_deletes(f->engine, &f->op, &data, 1, &read),
                     TARN_CORRUPT);
    struct tarn_str nothing = TARN_STR("/nonexistent/x.parquet");
    assert_int_equal(tarn_engine_read_position_deletes(f->engine, &f->op, &nothing, 1, &read),
                     TARN_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deleted_rows_are_hidden, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_bound_scan_with_positions, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(test_delete_files, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
