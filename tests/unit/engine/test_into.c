/* Temporary tables, composed statements and the scans behind names. */
#include "engine_fixture.h"

static struct table *orders(struct fixture *f)
{
    struct table *t = table_add(f, "raw", "orders", "struct<id: long, amount: double>");
    (void)table_insert(f, t, "SELECT i AS id, (i * 1.5)::DOUBLE AS amount FROM range(5) r(i)");
    (void)table_insert(f, t, "SELECT i AS id, (i * 1.5)::DOUBLE AS amount FROM range(5, 8) r(i)");
    return t;
}

static struct tarn_sql_text typed(const char *sql)
{
    return (struct tarn_sql_text){.sql = tarn_str_view(sql)};
}

static void into_replaces(void **state)
{
    struct fixture *f = *state;
    int64_t rows = -1;
    struct table *t = orders(f);
    ok(f, tarn_session_into(f->session, &f->op, typed("SELECT * FROM raw.orders WHERE id > 2;"),
                            TARN_STR("a \"b"), &rows));
    assert_int_equal(rows, 5);
    assert_string_equal(rows_of(f, "SELECT sum(id), count(*) FROM temp.main.\"a \"\"b\""),
                        "25|5\n");
    assert_ptr_equal(tarn_session_scan(f->session, TARN_STR("raw"), TARN_STR("orders")), NULL);
    ok(f, tarn_session_into(f->session, &f->op, typed("FROM iceberg.raw.Orders LIMIT 0"),
                            TARN_STR("a \"b"), &rows));
    assert_int_equal(rows, 0);
    assert_ptr_equal(tarn_session_scan(f->session, TARN_STR("raw"), TARN_STR("orders")), &t->scan);
    assert_ptr_equal(tarn_session_scan(f->session, TARN_STR("raw"), TARN_STR("x")), NULL);
    assert_string_equal(rows_of(f, "SELECT count(*) FROM temp.main.\"a \"\"b\""), "0\n");
}

static void into_places_errors(void **state)
{
    struct fixture *f = *state;
    int64_t rows;
    (void)orders(f);
    struct tarn_sql_text text = text_of("SELECT id,\n amuont FROM raw.orders");
    assert_int_equal(tarn_session_into(f->session, &f->op, text, TARN_STR("x"), &rows),
                     TARN_COLUMN);
    assert_int_equal(f->op.report.line, 2);
    assert_int_equal(f->op.report.column, 2);
    assert_string_equal(f->op.report.hint, "did you mean \"amount\"?");
    assert_int_equal(
        tarn_session_into(f->session, &f->op, typed("DROP TABLE x"), TARN_STR("x"), &rows),
        TARN_UNSUPPORTED);
}

/* UPDATE raw.orders SET amount = <piece> WHERE <piece>, as the sql room composes it */
static void spans_point_into_the_origin(void **state)
{
    struct fixture *f = *state;
    int64_t rows;
    (void)orders(f);
    struct tarn_str user = TARN_STR("UPDATE raw.orders\nSET amount = amuont + 1\nWHERE idd = 4");
    struct tarn_sql_span spans[] = {{7, 10, 32}, {40, 7, 53}};
    struct tarn_sql_text text = {.sql = TARN_STR("SELECT amuont + 1 FROM raw.orders WHERE idd = 4"),
                                 .file = "script.sql",
                                 .line0 = 11,
                                 .origin = user,
                                 .spans = spans,
                                 .span_count = 2};
    spans[0].origin = (size_t)(strstr(user.ptr, "amuont") - user.ptr);
    spans[1].origin = (size_t)(strstr(user.ptr, "idd") - user.ptr);
    assert_int_equal(tarn_session_into(f->session, &f->op, text, TARN_STR("x"), &rows),
                     TARN_COLUMN);
    assert_int_equal(f->op.report.line, 12 + (strstr(f->op.report.message, "idd") != NULL));
    assert_int_equal(f->op.report.column, strstr(f->op.report.message, "idd") ? 7 : 14);
    /* the same as a query, with the whole file's text at hand */
    struct tarn_result *r;
    text.whole = TARN_STR("\n\n\n\n\n\n\n\n\n\nUPDATE raw.orders\nSET amount = amuont + 1\nWHERE "
                          "idd = 4");
    text.sql = TARN_STR("SELECT amuont + 1 FROM raw.orders");
    assert_int_equal(tarn_session_query(f->session, &f->op, text, &r), TARN_COLUMN);
    assert_int_equal(f->op.report.line, 12);
    assert_int_equal(f->op.report.column, 14);
    assert_string_equal(f->op.report.source_line, "SET amount = amuont + 1");
    /* a place that is none of the user's has no caret */
    text.sql = TARN_STR("SELECT 1234567890, nothere FROM raw.orders");
    assert_int_equal(tarn_session_query(f->session, &f->op, text, &r), TARN_COLUMN);
    assert_int_equal(f->op.report.line, 11);
    assert_int_equal(f->op.report.column, 0);
}

static void metadata_columns_come_when_named(void **state)
{
    struct fixture *f = *state;
    struct table *t = orders(f);
    assert_string_equal(rows_of(f, "SELECT * FROM raw.orders WHERE id = 6"), "6|9.0\n");
    assert_string_equal(rows_of(f, "SELECT id, _pos FROM raw.orders WHERE id IN (3, 6) ORDER BY 1"),
                        "3|3\n6|1\n");
    const char *files = rows_of(f, "SELECT DISTINCT \"_FILE\" FROM raw.orders WHERE id < 5");
    assert_non_null(strstr(files, t->scan.files[0].file->path.ptr));
    struct tarn_type type;
    ok(f, tarn_session_describe(f->session, &f->op, typed("SELECT _file, _pos FROM raw.orders"),
                                &type));
    assert_int_equal(type.fields[0].type.kind, TARN_TYPE_STRING);
    assert_int_equal(type.fields[1].type.kind, TARN_TYPE_LONG);
    /* they are no part of "*" */
    static const struct {
        const char *sql, *rows;
    } stars[] = {
        {"SELECT * FROM raw.orders WHERE id = 6 AND _pos = 1", "6|9.0\n"},
        {"FROM raw.orders WHERE id = 6 AND _pos = 1", "6|9.0\n"},
        {"SELECT *, _pos FROM raw.orders o WHERE id = 6", "6|9.0|1\n"},
        {"SELECT o.*, o._pos FROM raw.orders AS o JOIN raw.orders p ON o.id = p.id WHERE o.id = 6",
         "6|9.0|1\n"},
        {"SELECT *, o._pos FROM raw.orders AS o JOIN raw.orders p USING (id) WHERE id = 6",
         "6|9.0|9.0|1\n"},
        {"SELECT * EXCLUDE (id), _pos FROM raw.orders WHERE id = 6", "9.0|1\n"},
        {"SELECT * EXCLUDE (id, _pos), _pos FROM raw.orders WHERE id = 6", "9.0|1\n"},
        {"SELECT * REPLACE (1 AS id), _pos FROM raw.orders WHERE id = 6", "1|9.0|1\n"},
        {"WITH x AS (SELECT *, _pos FROM raw.orders WHERE id = 6) SELECT * FROM x", "6|9.0|1\n"},
        {"SELECT * FROM (SELECT id, _pos FROM raw.orders) WHERE id = 6", "6|1\n"},
        {"SELECT count(*), max(_pos) FROM raw.orders", "8|4\n"},
        {"SELECT * FROM raw.seven", "6|1\n"},
        {"SELECT *, o._pos FROM raw.seven s JOIN raw.orders o ON o.id = s.id", "6|1|6|9.0|1\n"},
    };
    table_view(f, "raw", "seven", "SELECT * EXCLUDE (amount), _pos FROM raw.orders WHERE id = 6");
    for (size_t i = 0; i < sizeof stars / sizeof stars[0]; i++) {
        const char *rows = "";
        enum tarn_status status = try_rows(f, stars[i].sql, &rows);
        if (status != TARN_OK || strcmp(rows, stars[i].rows) != 0)
            fprintf(stderr, "%s\n%s", stars[i].sql, rows);
        ok(f, status);
        assert_string_equal(rows, stars[i].rows);
    }
    fails(f, TARN_UNSUPPORTED,
          "SELECT 1 FROM raw.orders a NATURAL JOIN raw.orders b WHERE a._pos = 1");
    (void)table_add(f, "raw", "none", "struct<id: long>");
    assert_string_equal(rows_of(f, "SELECT _file, _pos FROM raw.none"), "");
    assert_string_equal(rows_of(f, "SELECT '_pos' FROM raw.orders LIMIT 1"), "_pos\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(into_replaces, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(into_places_errors, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(spans_point_into_the_origin, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(metadata_columns_come_when_named, fixture_setup,
                                        fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
