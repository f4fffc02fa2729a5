/* The prompt's parts that need no terminal: history, completion, help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/shell_int.h"

static int setup(void **state)
{
    static struct tarn_op op;
    *state = &op;
    return tarn_op_init(&op, 0, 0) == TARN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    tarn_op_release(*state);
    return 0;
}

/* The entry in one line, "-" if it cannot be. */
static const char *one_line(const char *statement)
{
    static struct tarn_buf b;
    tarn_buf_release(&b);
    tarn_buf_init(&b, 4096);
    return tarn__history_one_line(tarn_str_view(statement), &b) ? b.ptr : "-";
}

static void a_statement_in_one_line(void **state)
{
    (void)state;
    assert_string_equal(one_line("select 1,\n   2"), "select 1, 2");
    assert_string_equal(one_line("select  a.b\n\nfrom a"), "select a.b from a");
    assert_string_equal(one_line("select 'a  b', \"c\nd\""), "-"); /* another name */
    assert_string_equal(one_line("select 'a\nb'"), "-");
    assert_string_equal(one_line("select 1 -- one\n, 2"), "-");
    assert_string_equal(one_line("select /* one\n */ 2"), "-");
    assert_string_equal(one_line("select $$a\nb$$"), "-");
    assert_string_equal(one_line("select 1 /* one */\n, 2"), "-"); /* the comment would be lost */
    assert_string_equal(one_line(" \n "), "-");
}

static void secrets_are_known(void **state)
{
    (void)state;
    static const char *const secret[] = {"set variable PassWord = 'x'", "SET api_key='y'",
                                         "select 'token'", "identified by 'z'", "my_secret"};
    static const char *const open[] = {"select 1", "select pass from raw.t", "", "secre"};
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++)
        assert_true(tarn__history_is_secret(tarn_str_view(secret[i])));
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_false(tarn__history_is_secret(tarn_str_view(open[i])));
}

/* "word: candidate candidate": at most four. */
static const char *completed(struct tarn_op *op, const char *text)
{
    struct tarn__words_found found;
    struct tarn_str word;
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 65536);
    assert_int_equal(tarn__complete(NULL, op, tarn_str_view(text), &word, &found), TARN_OK);
    tarn_buf_printf(&b, "%.*s:", TARN_STR_ARG(word));
    for (size_t i = 0; i < found.count && i < 4; i++)
        tarn_buf_printf(&b, " %.*s", TARN_STR_ARG(found.items[i]));
    assert_int_equal(tarn_buf_take(op, &b, "candidates", &out), TARN_OK);
    return out.ptr;
}

static void words_are_completed(void **state)
{
    assert_string_equal(completed(*state, "SEL"), "SEL: SELECT");
    assert_string_equal(completed(*state, "select 1 wh"), "wh: when where");
    assert_string_equal(completed(*state, "select 1 from t wHe"), "wHe: WHEN WHERE");
    assert_string_equal(completed(*state, "\\d"), "\\d: \\d \\dn \\dt \\dv");
    assert_string_equal(completed(*state, "\\d sel"), "sel:"); /* names only */
    assert_string_equal(completed(*state, "select \\d"), "\\d:");
    assert_string_equal(completed(*state, "select xyz"), "xyz:");
    assert_string_equal(completed(*state, "select é"), "é:");
    assert_string_equal(completed(*state, "raw."), "raw.:");
}

static const char *help(struct tarn_op *op, const char *words)
{
    struct tarn_buf b;
    struct tarn_str out;
    tarn_buf_init(&b, 65536);
    tarn__help_statement(&b, tarn_str_view(words));
    assert_int_equal(tarn_buf_take(op, &b, "help", &out), TARN_OK);
    return out.ptr;
}

static void statements_are_explained(void **state)
{
    assert_non_null(strstr(help(*state, ""), "CREATE TABLE"));
    assert_non_null(strstr(help(*state, "insert"), "INSERT INTO table"));
    const char *create = help(*state, "create");
    assert_non_null(strstr(create, "CREATE NAMESPACE\n"));
    assert_non_null(strstr(create, "CREATE VIEW\n"));
    assert_null(strstr(create, "DROP TABLE"));
    assert_string_equal(help(*state, "frobnicate"),
                        "There is no help for \"frobnicate\": \\h lists what there is.\n");
    struct tarn_buf b;
    tarn_buf_init(&b, 65536);
    tarn__help_commands(&b);
    const char *name;
    for (size_t i = 0; (name = tarn__shell_command_name(i)); i++)
        assert_non_null(strstr(b.ptr, name)); /* every command is told of */
    tarn_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_statement_in_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(secrets_are_known, setup, teardown),
        cmocka_unit_test_setup_teardown(words_are_completed, setup, teardown),
        cmocka_unit_test_setup_teardown(statements_are_explained, setup, teardown),
    };
    one_line("");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
