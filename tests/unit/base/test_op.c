/* test_op: reports are cut at UTF-8 boundaries, replaced, placed, framed and adopted; ops have
 * their own memory. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"

static void status_info_comes_out_of_the_table(void **state)
{
    (void)state;
    assert_string_equal(tarn_status_info(TARN_OK)->name, "OK");
    assert_string_equal(tarn_status_info(TARN_COLUMN)->code, "T0231");
    assert_string_equal(tarn_status_info(TARN_COLUMN)->sqlstate, "42703");
    assert_int_equal(tarn_status_info(TARN_FENCED)->exit_code, 4);
    assert_int_equal(tarn_status_info(TARN_CONFLICT)->retry, TARN_RETRY_REFRESH);
    assert_int_equal(tarn_status_info(TARN_CONNECT)->retry, TARN_RETRY_AGAIN);
    assert_string_equal(tarn_status_info((enum tarn_status)9999)->name, "INTERNAL");
}

static void codes_are_unique_and_well_formed(void **state)
{
    (void)state;
    for (int i = 0; i < TARN_STATUS_COUNT; i++) {
        const struct tarn_status_info *a = tarn_status_info((enum tarn_status)i);
        assert_int_equal(strlen(a->code), 5);
        assert_int_equal(a->code[0], 'T');
        assert_int_equal(strlen(a->sqlstate), 5);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(a->code, tarn_status_info((enum tarn_status)k)->code);
    }
}

static void fail_replaces_the_whole_report(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    assert_int_equal(tarn_fail(&op, TARN_IO, "could not read \"%s\"", "a"), TARN_IO);
    tarn_detail(&op, "d");
    tarn_hint(&op, "h");
    tarn_place(&op, "f", 1, 2, "text");
    assert_int_equal(tarn_while(&op, "reading %d", 1), TARN_IO);
    assert_string_equal(op.report.message, "could not read \"a\"");
    assert_int_equal(tarn_fail(&op, TARN_DATA, "second"), TARN_DATA);
    assert_string_equal(op.report.message, "second");
    assert_string_equal(op.report.detail, "");
    assert_string_equal(op.report.hint, "");
    assert_string_equal(op.report.file, "");
    assert_string_equal(op.report.source_line, "");
    assert_int_equal(op.report.line, 0);
    assert_int_equal(op.report.frame_count, 0);
    tarn_clear(&op);
    assert_int_equal(op.report.status, TARN_OK);
    assert_string_equal(op.report.message, "");
    tarn_op_release(&op);
}

static void a_report_may_quote_itself(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    (void)tarn_fail(&op, TARN_IO, "inner");
    (void)tarn_fail(&op, TARN_DATA, "outer: %s", op.report.message);
    assert_string_equal(op.report.message, "outer: inner");
    tarn_op_release(&op);
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    char text[3000];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    text[2998] = '\0';
    (void)tarn_fail(&op, TARN_DATA, "%s", text);
    size_t n = strlen(op.report.message);
    assert_true(n >= TARN_REPORT_TEXT - 3 && n < TARN_REPORT_TEXT);
    assert_true(tarn_utf8_valid(tarn_str_view(op.report.message)));
    (void)tarn_while(&op, "%s", text);
    assert_true(tarn_utf8_valid(tarn_str_view(op.report.frames[0])));
    tarn_op_release(&op);
}

static void errno_picks_the_status(void **state)
{
    (void)state;
    static const struct {
        int err;
        enum tarn_status status;
    } cases[] = {{ENOENT, TARN_NOT_FOUND}, {ENOTDIR, TARN_NOT_FOUND}, {EACCES, TARN_DENIED},
                 {EROFS, TARN_DENIED},     {ENOSPC, TARN_DISK_FULL},  {EDQUOT, TARN_DISK_FULL},
                 {EIO, TARN_IO},           {12345, TARN_IO}};
    struct tarn_op op = check_op();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tarn_fail_errno(&op, cases[i].err, "could not open \"x\""),
                         cases[i].status);
    (void)tarn_fail_errno(&op, ENOENT, "could not open \"%s\"", "x");
    assert_string_equal(op.report.message, "could not open \"x\": No such file or directory");
    tarn_op_release(&op);
}

static void place_cuts_the_line_out(void **state)
{
    (void)state;
    static const struct {
        int line;
        const char *expected;
    } cases[] = {{1, "one"}, {2, "two"}, {3, ""}, {4, "four"}, {5, ""}, {99, ""}, {0, ""}};
    struct tarn_op op = check_op();
    (void)tarn_fail(&op, TARN_CONFIG, "x");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tarn_place(&op, "a.yaml", cases[i].line, 1, "one\ntwo\r\n\nfour");
        assert_string_equal(op.report.source_line, cases[i].expected);
    }
    tarn_place(&op, "a.yaml", 2, 1, NULL);
    assert_string_equal(op.report.source_line, "");
    assert_string_equal(op.report.file, "a.yaml");
    struct tarn_str text = TARN_STR("ab\nc\xC3\xA9x");
    tarn_place_offset(&op, "m.sql", text, 6);
    assert_int_equal(op.report.line, 2);
    assert_int_equal(op.report.column, 3);
    assert_string_equal(op.report.source_line, "c\xC3\xA9x");
    tarn_place_offset(&op, "m.sql", text, 999);
    assert_int_equal(op.report.column, 4);
    tarn_op_release(&op);
}

static void the_last_frame_is_the_outermost(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    (void)tarn_fail(&op, TARN_IO, "x");
    for (int i = 0; i < 20; i++)
        assert_int_equal(tarn_while(&op, "step %d", i), TARN_IO);
    assert_int_equal(op.report.frame_count, TARN_REPORT_FRAMES);
    assert_string_equal(op.report.frames[0], "step 0");
    assert_string_equal(op.report.frames[TARN_REPORT_FRAMES - 1], "step 19");
    tarn_op_release(&op);
}

static void a_child_shares_limits_and_its_failure_can_be_adopted(void **state)
{
    (void)state;
    struct tarn_op op = check_op(), child;
    struct tarn_cancel cancel = {0};
    op.cancel = &cancel;
    op.deadline_ns = 42;
    assert_int_equal(tarn_op_child(&op, &child), TARN_OK);
    assert_ptr_equal(child.cancel, &cancel);
    assert_int_equal(child.deadline_ns, 42);
    assert_ptr_not_equal(child.arena, op.arena);
    assert_int_equal(tarn_op_adopt(&op, &child), TARN_OK);
    assert_int_equal(op.report.status, TARN_OK);
    (void)tarn_fail(&child, TARN_DATA, "bad");
    (void)tarn_while(&child, "working");
    assert_int_equal(tarn_op_adopt(&op, &child), TARN_DATA);
    assert_string_equal(op.report.message, "bad");
    assert_string_equal(op.report.frames[0], "working");
    tarn_op_release(&child);
    tarn_op_release(&op);
    tarn_op_release(&op); /* harmless */
}

static void poll_sees_cancel_and_deadline(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_cancel cancel = {0};
    assert_int_equal(tarn_poll(&op, 1), TARN_OK);
    op.cancel = &cancel;
    assert_int_equal(tarn_poll(&op, 1), TARN_OK);
    atomic_store(&cancel.level, 1);
    assert_int_equal(tarn_poll(&op, 2), TARN_OK);
    assert_int_equal(tarn_poll(&op, 1), TARN_CANCELLED);
    atomic_store(&cancel.level, 2);
    assert_int_equal(tarn_poll(&op, 2), TARN_CANCELLED);
    op.cancel = NULL;
    op.deadline_ns = 1;
    assert_int_equal(tarn_poll(&op, 2), TARN_TIMEOUT);
    op.deadline_ns = UINT64_MAX;
    assert_int_equal(tarn_poll(&op, 2), TARN_OK);
    tarn_op_release(&op);
}

static void memory_past_the_budget_is_reported(void **state)
{
    (void)state;
    struct tarn_op op;
    assert_int_equal(tarn_op_init(&op, 100000, 1000), TARN_OK);
    char *p = tarn_alloc(&op, 50000);
    assert_non_null(p);
    for (int i = 0; i < 50000; i++)
        assert_int_equal(p[i], 0);
    assert_null(tarn_alloc(&op, 100000));
    assert_int_equal(op.report.status, TARN_NOMEM);
    assert_string_equal(op.report.message, "could not allocate 100000 bytes");
    tarn_clear(&op);
    assert_null(tarn_alloc_array(&op, SIZE_MAX / 2, 3));
    assert_int_equal(op.report.status, TARN_NOMEM);
    tarn_clear(&op);
    assert_null(tarn_alloc_array(&op, 1, SIZE_MAX));
    assert_int_equal(op.report.status, TARN_NOMEM);
    tarn_op_release(&op);
}

static void copies_are_terminated_and_never_absent(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_str s = tarn_strdup(&op, TARN_STR("abc"));
    check_str(s, "abc");
    assert_int_equal(s.ptr[3], 0);
    s = tarn_strdup(&op, (struct tarn_str){NULL, 0});
    check_str(s, "");
    s = tarn_sprintf(&op, "%s-%d", "x", 7);
    check_str(s, "x-7");
    s = tarn_sprintf(&op, "%5000d", 1);
    assert_int_equal(s.len, 5000);
    assert_int_equal(s.ptr[5000], 0);
    tarn_op_release(&op);
}

static enum tarn_status everything(struct tarn_op *op, void *ctx)
{
    (void)ctx;
    struct tarn_op child;
    int *numbers;
    TARN_TRY(tarn_op_child(op, &child));
    tarn_op_release(&child);
    TARN_NEW_ARRAY(op, numbers, 10);
    if (!tarn_strdup(op, TARN_STR("x")).ptr || !tarn_sprintf(op, "%d", 1).ptr)
        return op->report.status;
    return TARN_OK;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    check_alloc_failures(everything, NULL);
    for (long n = 1; n <= 2; n++) {
        struct tarn_op op;
        tarn_alloc_fail_at(n);
        assert_int_equal(tarn_op_init(&op, 0, 0), TARN_NOMEM);
        assert_int_equal(op.report.status, TARN_NOMEM);
        tarn_alloc_fail_at(0);
    }
}

static void arrays_grow_and_keep_what_they_hold(void **state)
{
    struct tarn_op op;
    int64_t *items = NULL;
    size_t cap = 0;
    (void)state;
    assert_int_equal(tarn_op_init(&op, 0, 0), TARN_OK);
    for (size_t i = 0; i < 1000; i++) {
        items = tarn_grow(&op, items, i, &cap, sizeof *items);
        assert_non_null(items);
        assert_true(cap > i && cap <= 2 * i + 16);
        items[i] = (int64_t)(i * i);
    }
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i * i);
    cap = SIZE_MAX / 2 + 1;
    assert_null(tarn_grow(&op, items, cap, &cap, sizeof *items));
    assert_int_equal(op.report.status, TARN_NOMEM);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_info_comes_out_of_the_table),
        cmocka_unit_test(codes_are_unique_and_well_formed),
        cmocka_unit_test(fail_replaces_the_whole_report),
        cmocka_unit_test(a_report_may_quote_itself),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(errno_picks_the_status),
        cmocka_unit_test(place_cuts_the_line_out),
        cmocka_unit_test(the_last_frame_is_the_outermost),
        cmocka_unit_test(a_child_shares_limits_and_its_failure_can_be_adopted),
        cmocka_unit_test(poll_sees_cancel_and_deadline),
        cmocka_unit_test(memory_past_the_budget_is_reported),
        cmocka_unit_test(copies_are_terminated_and_never_absent),
        cmocka_unit_test(arrays_grow_and_keep_what_they_hold),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
