/* test_table: width, escaping and fitting of text; whole tables; reports for terminals and
 * programs. */
#include "check.h"

#include <string.h>

#include "base/report.h"
#include "base/table.h"

static void widths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int width;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"\xC3\xA9", 1},                 /* é */
        {"e\xCC\x81", 1},                /* e and a combining acute */
        {"\xE6\x9D\x8E\xE6\x98\x8E", 4}, /* two ideographs */
        {"\xEF\xBC\xA1", 2},             /* full-width A */
        {"\xEF\xBD\xB1", 1},             /* half-width katakana */
        {"\xF0\x9F\x98\x80", 2},         /* emoji */
        {"\xE1\x84\x80\xE1\x85\xA1", 2}, /* Hangul initial and vowel */
        {"a\xE2\x80\x8D", 1},            /* zero width joiner */
        {"\xF0\xA0\x80\x80", 2},         /* CJK extension B */
        {"\xD7\xA9", 1},                 /* Hebrew */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tarn_text_width(tarn_str_view(cases[i].text)), cases[i].width);
}

static void text_is_made_harmless(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"plain \xC3\xA9", "plain \xC3\xA9"},
        {"a\nb\tc\r", "a\\nb\\tc\\r"},
        {"\x1b[31m", "\\x1b[31m"},
        {"\x7f", "\\x7f"},
        {"\xC2\x9B", "\\u009b"},     /* CSI as one character */
        {"\xE2\x80\xAE", "\\u202e"}, /* right-to-left override */
        {"\xE2\x81\xA6", "\\u2066"},
        {"\xEF\xBB\xBF", "\\ufeff"},
        {"\xFF\xC3", "\\xff\\xc3"},
        {"back\\slash", "back\\slash"},
    };
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_buf_reset(&b);
        tarn_text_escape(&b, tarn_str_view(cases[i][0]));
        check_str(tarn_buf_view(&b), cases[i][1]);
    }
    tarn_buf_reset(&b);
    tarn_text_escape(&b, tarn_str_of("a\0b", 3));
    check_str(tarn_buf_view(&b), "a\\x00b");
    tarn_buf_release(&b);
}

static void text_is_cut_to_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int width;
        const char *expected;
    } cases[] = {
        {"abcdef", 0, "abcdef"},
        {"abcdef", 6, "abcdef"},
        {"abcdef", 5, "abcd\xE2\x80\xA6"},
        {"abcdef", 1, "\xE2\x80\xA6"},
        {"\xE6\x9D\x8E\xE6\x98\x8E", 4, "\xE6\x9D\x8E\xE6\x98\x8E"},
        {"\xE6\x9D\x8E\xE6\x98\x8E", 3, "\xE6\x9D\x8E\xE2\x80\xA6"},
        {"\xE6\x9D\x8E\xE6\x98\x8E", 2, "\xE2\x80\xA6"},
        {"ab\nc", 4, "ab\xE2\x80\xA6"}, /* an escape is not cut in two */
        {"ab\nc", 5, "ab\\nc"},
        {"abe\xCC\x81", 3, "abe\xCC\x81"},
    };
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_buf_reset(&b);
        tarn_text_fit(&b, tarn_str_view(cases[i].text), cases[i].width);
        check_str(tarn_buf_view(&b), cases[i].expected);
    }
    tarn_buf_release(&b);
}

static const struct tarn_text_column columns[] = {
    {{"order_id", 8}, false}, {{"customer", 8}, false}, {{"amount", 6}, true}};
static const struct tarn_str cells[] = {{"O1", 2},
                                        {"Ann", 3},
                                        {"12.50", 5},
                                        {"O2", 2},
                                        {"\xE6\x9D\x8E\xE6\x98\x8E", 6},
                                        {"1000.00", 7},
                                        {"O\n3", 3},
                                        {NULL, 0},
                                        {NULL, 0},
                                        {"", 0},
                                        {"abcdefghijklmnop", 16},
                                        {"1", 1}};

static void tables_are_aligned(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    tarn_buf_init(&b, 10000);
    struct tarn_text_table t = {columns, 3, cells, 4, "NULL", 10, false};
    assert_int_equal(tarn_text_table_render(&op, &t, &b), TARN_OK);
    check_str(tarn_buf_view(&b), " order_id | customer   |  amount\n"
                                 "----------+------------+---------\n"
                                 " O1       | Ann        |   12.50\n"
                                 " O2       | \xE6\x9D\x8E\xE6\x98\x8E       | 1000.00\n"
                                 " O\\n3     | NULL       |    NULL\n"
                                 "          | abcdefghi\xE2\x80\xA6 |       1\n");
    tarn_buf_reset(&b);
    t.no_header = true;
    t.row_count = 1;
    t.null_text = NULL;
    assert_int_equal(tarn_text_table_render(&op, &t, &b), TARN_OK);
    check_str(tarn_buf_view(&b), " O1 | Ann | 12.50\n");
    tarn_buf_reset(&b);
    t = (struct tarn_text_table){columns, 2, NULL, 0, NULL, 0, false};
    assert_int_equal(tarn_text_table_render(&op, &t, &b), TARN_OK);
    check_str(tarn_buf_view(&b), " order_id | customer\n----------+----------\n");
    tarn_buf_reset(&b);
    t = (struct tarn_text_table){0};
    assert_int_equal(tarn_text_table_render(&op, &t, &b), TARN_OK);
    check_str(tarn_buf_view(&b), "");
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

static void a_table_past_its_limit_is_reported(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    tarn_buf_init(&b, 50);
    struct tarn_text_table t = {columns, 3, cells, 4, "NULL", 10, false};
    assert_int_equal(tarn_text_table_render(&op, &t, &b), TARN_LIMIT);
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

static enum tarn_status render_once(struct tarn_op *op, void *ctx)
{
    (void)ctx;
    struct tarn_buf b;
    tarn_buf_init(&b, 100000);
    struct tarn_text_table t = {columns, 3, cells, 4, "NULL", 10, false};
    enum tarn_status status = tarn_text_table_render(op, &t, &b);
    tarn_buf_release(&b);
    return status;
}

static void tables_survive_failing_allocations(void **state)
{
    (void)state;
    check_alloc_failures(render_once, NULL);
}

static void fill_report(struct tarn_op *op)
{
    (void)tarn_fail(op, TARN_COLUMN, "column \"amout\" not found in raw.orders");
    tarn_place(op, "models/x.sql", 3, 8, "--\n--\nselect amout from raw.orders\n");
    tarn_detail(op, "columns:\namount, id");
    (void)tarn_while(op, "planning model %s", "gold.daily");
    tarn_hint(op, "did you mean \"amount\"?");
}

static void reports_are_shown_with_a_caret(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    tarn_buf_init(&b, 10000);
    fill_report(&op);
    tarn_report_text(&b, &op.report, (struct tarn_report_style){0});
    check_str(tarn_buf_view(&b), "error[T0231]: column \"amout\" not found in raw.orders\n"
                                 "  --> models/x.sql:3:8\n"
                                 "  |\n"
                                 "3 | select amout from raw.orders\n"
                                 "  |        ^\n"
                                 "detail: columns:\n"
                                 "        amount, id\n"
                                 "while planning model gold.daily\n"
                                 "hint: did you mean \"amount\"?\n");
    tarn_buf_reset(&b);
    (void)tarn_fail(&op, TARN_IO, "could not read \"%s\"", "a\x1b[2Jb");
    tarn_report_text(&b, &op.report, (struct tarn_report_style){0});
    check_str(tarn_buf_view(&b), "error[T0140]: could not read \"a\\x1b[2Jb\"\n");
    tarn_buf_reset(&b);
    (void)tarn_fail(&op, TARN_CONFIG, "x");
    tarn_place(&op, "tarn.yaml", 12, 4, NULL); /* no text: no caret */
    tarn_report_text(&b, &op.report, (struct tarn_report_style){.colour = true});
    check_str(
        tarn_buf_view(&b),
        "\x1b[1;31merror[T0101]\x1b[0m\x1b[1m: \x1b[0mx\n   \x1b[1;34m--> \x1b[0mtarn.yaml:12:4\n");
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

static void the_caret_keeps_step_with_wide_text_and_tabs(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    tarn_buf_init(&b, 10000);
    (void)tarn_fail(&op, TARN_SQL, "x");
    tarn_place(&op, "m.sql", 1, 4,
               "\t\xE6\x9D\x8E"
               "e!"); /* tab, ideograph, e, here */
    tarn_report_text(&b, &op.report, (struct tarn_report_style){0});
    check_str(tarn_buf_view(&b), "error[T0200]: x\n  --> m.sql:1:4\n  |\n1 |  \xE6\x9D\x8E"
                                 "e!\n  |     ^\n");
    tarn_buf_reset(&b);
    tarn_place(&op, "m.sql", 1, 3, "ab"); /* just behind the line */
    tarn_report_text(&b, &op.report, (struct tarn_report_style){0});
    check_str(tarn_buf_view(&b), "error[T0200]: x\n  --> m.sql:1:3\n  |\n1 | ab\n  |   ^\n");
    tarn_buf_reset(&b);
    tarn_place(&op, "m.sql", 1, 99, "ab"); /* in a part of the line that is not kept */
    tarn_report_text(&b, &op.report, (struct tarn_report_style){0});
    check_str(tarn_buf_view(&b), "error[T0200]: x\n  --> m.sql:1:99\n  |\n1 | ab\n  |\n");
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

static void reports_are_written_as_json(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_buf b;
    struct tarn_json_writer w;
    tarn_buf_init(&b, 10000);
    fill_report(&op);
    tarn_json_writer_init(&w, &b);
    tarn_report_json(&w, &op.report);
    check_str(tarn_buf_view(&b),
              "{\"v\":1,\"code\":\"T0231\",\"name\":\"COLUMN\",\"sqlstate\":\"42703\",\"retry\":"
              "\"never\","
              "\"message\":\"column \\\"amout\\\" not found in "
              "raw.orders\",\"detail\":\"columns:\\namount, id\","
              "\"hint\":\"did you mean "
              "\\\"amount\\\"?\",\"place\":{\"file\":\"models/x.sql\",\"line\":3,\"column\":8},"
              "\"while\":[\"planning model gold.daily\"]}");
    tarn_buf_reset(&b);
    (void)tarn_fail(&op, TARN_CONFLICT, "x");
    tarn_json_writer_init(&w, &b);
    tarn_report_json(&w, &op.report);
    check_str(tarn_buf_view(&b), "{\"v\":1,\"code\":\"T0300\",\"name\":\"CONFLICT\",\"sqlstate\":"
                                 "\"40001\",\"retry\":\"refresh\","
                                 "\"message\":\"x\"}");
    tarn_buf_release(&b);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),
        cmocka_unit_test(text_is_made_harmless),
        cmocka_unit_test(text_is_cut_to_fit),
        cmocka_unit_test(tables_are_aligned),
        cmocka_unit_test(a_table_past_its_limit_is_reported),
        cmocka_unit_test(tables_survive_failing_allocations),
        cmocka_unit_test(reports_are_shown_with_a_caret),
        cmocka_unit_test(the_caret_keeps_step_with_wide_text_and_tabs),
        cmocka_unit_test(reports_are_written_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
