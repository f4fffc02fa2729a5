/* Names and texts of a statement, above all those that are not closed: such a token reaches to the
 * end of the statement, whatever stands there. */
#include "sql_fixture.h"

#include "sql/sql_int.h"

static const struct {
    const char *sql;
    const char *want; /* NULL: refused */
} texts[] = {
    {"'a'", "a"},       {"'it''s'", "it's"},      {"''", ""},
    {"''''", "'"},      {"E'a\\'b\\n'", "a'b\n"}, {"e'it''s'", "it's"},
    {"$$a$b$$", "a$b"}, {"$t$ $$ $t$", " $$ "},   {"'", NULL},
    {"'a", NULL},       {"'a''", NULL},           {"E'", NULL},
    {"e'a\\'", NULL},   {"E'a''", NULL},          {"$$", NULL},
    {"$$a$", NULL},     {"$t$a$t", NULL},         {"$t$a$u$", NULL},
    {"$t$t$", NULL},    {"\"a\"", NULL},          {"1", NULL},
};

static const struct {
    const char *sql;
    const char *want;
} names[] = {
    {"a", "a"},        {"\"a b\"", "a b"}, {"\"a\"\"b\"", "a\"b"}, {"`a``b`", "a`b"}, {"\"", NULL},
    {"\"a\"\"", NULL}, {"`a", NULL},       {"\"a`", NULL},         {"\"\"", NULL},    {"'a'", NULL},
};

static void check(struct tarn_op *op, const char *sql, const char *want, bool name)
{
    struct tarn__words w;
    struct tarn_str got;
    tarn__words_begin(&w, op, (struct tarn_sql_text){.sql = tarn_str_view(sql)});
    enum tarn_status status = name ? tarn__take_ident(&w, &got) : tarn__take_string(&w, &got);
    if (status != (want ? TARN_OK : TARN_SQL) || (want && !tarn_str_is(got, want)))
        print_error("%s\n", sql);
    assert_int_equal(status, want ? TARN_OK : TARN_SQL);
    assert_true(!want || (w.end && tarn_str_is(got, want)));
    tarn_clear(op);
}

static void texts_are_read_or_refused(void **state)
{
    struct tarn_op op;
    (void)state;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        check(&op, texts[i].sql, texts[i].want, false);
    tarn_op_release(&op);
}

static void names_are_read_or_refused(void **state)
{
    struct tarn_op op;
    (void)state;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check(&op, names[i].sql, names[i].want, true);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_or_refused),
        cmocka_unit_test(names_are_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
