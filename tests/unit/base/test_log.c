/* test_log: logfmt and JSON lines, levels before arguments, context, what cannot be written. */
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

/* A log into a temporary file, with a clock that stands. */
struct fixture {
    struct tarn_clock_mock clock;
    struct tarn_log_sink sink;
    struct tarn_log log;
    FILE *file;
    char text[200000];
};

static struct fixture *setup(bool json)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    tarn_clock_mock_init(&f.clock, 1748649600123456);
    f.file = tmpfile();
    assert_non_null(f.file);
    f.sink = (struct tarn_log_sink){.fd = fileno(f.file), .json = json, .clock = &f.clock.base};
    f.log = (struct tarn_log){.sink = &f.sink, .level = TARN_LOG_INFO};
    return &f;
}

static const char *written(struct fixture *f)
{
    ssize_t n = pread(fileno(f->file), f->text, sizeof f->text - 1, 0);
    assert_true(n >= 0);
    f->text[n] = '\0';
    fclose(f->file);
    return f->text;
}

static void logfmt_quotes_what_must_be_quoted(void **state)
{
    (void)state;
    struct fixture *f = setup(false);
    struct tarn_log log = tarn_log_with(&f->log, TARN_LOG_Z("table", "raw.orders"));
    tarn_log(&log, INFO, "committed");
    tarn_log(&log, WARN, "two words", TARN_LOG_I64("rows", INT64_MIN), TARN_LOG_BOOL("ok", true),
             TARN_LOG_Z("e", ""), TARN_LOG_Z("q", "a\"b\\"), TARN_LOG_Z("eq", "a=b"),
             TARN_LOG_Z("nl", "a\nb"), TARN_LOG_Z("bad", "\xFF"), TARN_LOG_Z("null", NULL),
             TARN_LOG_STR("utf8", TARN_STR("\xC3\xA9")));
    assert_string_equal(
        written(f),
        "ts=2025-05-31T00:00:00.123Z level=info msg=committed table=raw.orders\n"
        "ts=2025-05-31T00:00:00.123Z level=warn msg=\"two words\" table=raw.orders "
        "rows=-9223372036854775808 ok=true e=\"\" q=\"a\\\"b\\\\\" eq=\"a=b\" nl=\"a\\nb\" "
        "bad=\"\xEF\xBF\xBD\" null=\"\" utf8=\xC3\xA9\n");
}

static void json_lines_are_json(void **state)
{
    (void)state;
    struct fixture *f = setup(true);
    struct tarn_log log = tarn_log_with(&f->log, TARN_LOG_Z("table", "t"));
    tarn_log(&log, ERROR, "a \"b\"", TARN_LOG_I64("n", 5), TARN_LOG_BOOL("ok", false),
             TARN_LOG_Z("s", "x\ny"));
    assert_string_equal(
        written(f),
        "{\"ts\":\"2025-05-31T00:00:00.123Z\",\"level\":\"error\",\"msg\":\"a \\\"b\\\"\","
        "\"table\":\"t\",\"n\":5,\"ok\":false,\"s\":\"x\\ny\"}\n");
}

static int calls;
static int64_t counted(void)
{
    return ++calls;
}

static void a_silent_level_costs_nothing(void **state)
{
    (void)state;
    struct fixture *f = setup(false);
    calls = 0;
    tarn_log(&f->log, DEBUG, "x", TARN_LOG_I64("n", counted()));
    tarn_log((struct tarn_log *)NULL, ERROR, "x", TARN_LOG_I64("n", counted()));
    assert_int_equal(calls, 0);
    tarn_log(&f->log, INFO, "x", TARN_LOG_I64("n", counted()));
    assert_int_equal(calls, 1);
    f->log.level = TARN_LOG_DEBUG;
    tarn_log(&f->log, DEBUG, "y");
    assert_string_equal(written(f), "ts=2025-05-31T00:00:00.123Z level=info msg=x n=1\n"
                                    "ts=2025-05-31T00:00:00.123Z level=debug msg=y\n");
}

static void context_has_a_maximum(void **state)
{
    (void)state;
    struct fixture *f = setup(false);
    struct tarn_log log = f->log;
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    for (int i = 0; i < 10; i++)
        log = tarn_log_with(&log, TARN_LOG_I64(keys[i], i));
    tarn_log(&log, INFO, "x");
    assert_string_equal(
        written(f),
        "ts=2025-05-31T00:00:00.123Z level=info msg=x a=0 b=1 c=2 d=3 e=4 f=5 g=6 j=9\n");
}

static void reports_are_one_line(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct fixture *f = setup(true);
    tarn_log_report(&f->log, TARN_LOG_ERROR, &op.report); /* nothing failed: nothing is said */
    (void)tarn_fail(&op, TARN_CONFIG, "unknown key");
    tarn_place(&op, "tarn.yaml", 3, 5, NULL);
    tarn_hint(&op, "look");
    (void)tarn_while(&op, "reading");
    (void)tarn_while(&op, "starting");
    tarn_log_report(&f->log, TARN_LOG_WARN, &op.report);
    assert_string_equal(
        written(f),
        "{\"ts\":\"2025-05-31T00:00:00.123Z\",\"level\":\"warn\",\"msg\":\"unknown key\","
        "\"code\":\"T0101\",\"hint\":\"look\",\"file\":\"tarn.yaml\",\"line\":3,\"column\":5,"
        "\"while\":\"reading; starting\"}\n");
    tarn_op_release(&op);
}

static void a_line_past_the_limit_says_so(void **state)
{
    (void)state;
    struct fixture *f = setup(false);
    static char text[TARN_LOG_LINE_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    tarn_log(&f->log, INFO, "x", TARN_LOG_Z("t", text));
    assert_string_equal(written(f),
                        "ts=2025-05-31T00:00:00.123Z level=info msg=\"a log line was too long\"\n");
}

static void logging_never_fails(void **state)
{
    (void)state;
    struct fixture *f = setup(false);
    tarn_alloc_fail_at(1);
    tarn_log(&f->log, INFO, "lost");
    tarn_alloc_fail_at(0);
    f->sink.fd = -1;
    tarn_log(&f->log, INFO, "lost too");
    f->sink.file = f->file;
    tarn_log(&f->log, INFO, "through a FILE");
    assert_string_equal(written(f),
                        "ts=2025-05-31T00:00:00.123Z level=info msg=\"through a FILE\"\n");
}

static void levels_have_names(void **state)
{
    (void)state;
    enum tarn_log_level level = TARN_LOG_ERROR;
    assert_true(tarn_log_level_parse(TARN_STR("Debug"), &level));
    assert_int_equal(level, TARN_LOG_DEBUG);
    assert_false(tarn_log_level_parse(TARN_STR("verbose"), &level));
    assert_false(tarn_log_level_parse(TARN_STR(""), &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_quotes_what_must_be_quoted),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(a_silent_level_costs_nothing),
        cmocka_unit_test(context_has_a_maximum),
        cmocka_unit_test(reports_are_one_line),
        cmocka_unit_test(a_line_past_the_limit_says_so),
        cmocka_unit_test(logging_never_fails),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
