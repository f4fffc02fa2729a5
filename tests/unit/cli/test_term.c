/* test_term: the decision on colour, the progress line, numbers for people. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/term.h"

static void colours(void **state)
{
    static const struct {
        enum tarn_color option;
        bool tty;
        const char *environment[4];
        bool want;
    } cases[] = {
        {TARN_COLOR_AUTO, true, {"TERM=xterm"}, true},
        {TARN_COLOR_AUTO, false, {"TERM=xterm"}, false},
        {TARN_COLOR_AUTO, true, {"TERM=dumb"}, false},
        {TARN_COLOR_AUTO, true, {NULL}, false},
        {TARN_COLOR_AUTO, true, {"TERM=xterm", "NO_COLOR=1"}, false},
        {TARN_COLOR_AUTO, true, {"TERM=xterm", "NO_COLOR="}, true},
        {TARN_COLOR_AUTO, false, {"TERM=xterm", "CLICOLOR_FORCE=1"}, true},
        {TARN_COLOR_AUTO, false, {"TERM=dumb", "CLICOLOR_FORCE=1"}, true},
        {TARN_COLOR_AUTO, false, {"TERM=xterm", "CLICOLOR_FORCE=0"}, false},
        {TARN_COLOR_AUTO, false, {"CLICOLOR_FORCE=1", "NO_COLOR=1"}, false},
        {TARN_COLOR_ALWAYS, false, {"TERM=dumb", "NO_COLOR=1"}, true},
        {TARN_COLOR_NEVER, true, {"TERM=xterm", "CLICOLOR_FORCE=1"}, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tarn_term_colour(cases[i].option, cases[i].tty, cases[i].environment),
                         cases[i].want);
}

static void progress_is_seldom_painted(void **state)
{
    int ends[2];
    char text[512];
    struct tarn_clock_mock clock;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    tarn_clock_mock_init(&clock, 0);
    struct tarn_progress p = {.fd = ends[1], .on = true, .width = 12, .clock = &clock.base};
    tarn_progress_clear(&p);
    tarn_progress_show(&p, "%d of %d", 1, 9);
    tarn_progress_show(&p, "not shown");
    tarn_clock_mock_advance(&clock, 99999999);
    tarn_progress_show(&p, "not shown");
    tarn_clock_mock_advance(&clock, 1);
    tarn_progress_show(&p, "a\x1b[2Jlonger text");
    tarn_progress_clear(&p);
    tarn_progress_clear(&p);
    p.on = false;
    tarn_progress_show(&p, "not shown");
    assert_int_equal(close(ends[1]), 0);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(close(ends[0]), 0);
    assert_string_equal(text, "\r\x1b[K1 of 9\r\x1b[Ka\\x1b[2Jlo\xE2\x80\xA6\r\x1b[K");
}

static const char *put(void (*fn)(struct tarn_buf *, uint64_t), uint64_t v)
{
    static char text[64];
    struct tarn_buf b;
    tarn_buf_init(&b, 63);
    fn(&b, v);
    (void)snprintf(text, sizeof text, "%s", b.ptr);
    tarn_buf_release(&b);
    return text;
}

static void put_signed(struct tarn_buf *b, uint64_t v)
{
    tarn_put_count(b, (int64_t)v);
}

static void put_rows(struct tarn_buf *b, uint64_t v)
{
    tarn_put_plural(b, (int64_t)v, "row", "rows");
}

static void numbers(void **state)
{
    static const struct {
        void (*fn)(struct tarn_buf *, uint64_t);
        uint64_t value;
        const char *want;
    } cases[] = {
        {tarn_put_bytes, 0, "0 B"},
        {tarn_put_bytes, 999, "999 B"},
        {tarn_put_bytes, 1000, "1.0 KB"},
        {tarn_put_bytes, 4149, "4.1 KB"},
        {tarn_put_bytes, 4150, "4.2 KB"},
        {tarn_put_bytes, 9949, "9.9 KB"},
        {tarn_put_bytes, 9950, "10 KB"},
        {tarn_put_bytes, 41499, "41 KB"},
        {tarn_put_bytes, 41500, "42 KB"},
        {tarn_put_bytes, 999499, "999 KB"},
        {tarn_put_bytes, 999500, "1.0 MB"},
        {tarn_put_bytes, 1234567890, "1.2 GB"},
        {tarn_put_bytes, UINT64_MAX, "18 EB"},
        {tarn_put_duration, 0, "0 ms"},
        {tarn_put_duration, 499999, "0 ms"},
        {tarn_put_duration, 3000000, "3 ms"},
        {tarn_put_duration, 99499999, "99 ms"},
        {tarn_put_duration, 99500000, "0.1 s"},
        {tarn_put_duration, 400000000, "0.4 s"},
        {tarn_put_duration, 12340000000, "12.3 s"},
        {tarn_put_duration, 59949999999, "59.9 s"},
        {tarn_put_duration, 59950000000, "1m 00s"},
        {tarn_put_duration, 65000000000, "1m 05s"},
        {tarn_put_duration, 3599499999999, "59m 59s"},
        {tarn_put_duration, 3599500000000, "1h 00m"},
        {tarn_put_duration, 7380000000000, "2h 03m"},
        {tarn_put_duration, UINT64_MAX, "5124095h 34m"},
        {put_signed, 0, "0"},
        {put_signed, 9999, "9999"},
        {put_signed, 12345,
         "12\xE2\x80\xAF"
         "345"},
        {put_signed, 1234567,
         "1\xE2\x80\xAF"
         "234\xE2\x80\xAF"
         "567"},
        {put_signed, (uint64_t)-12345,
         "-12\xE2\x80\xAF"
         "345"},
        {put_signed, (uint64_t)INT64_MIN,
         "-9\xE2\x80\xAF"
         "223\xE2\x80\xAF"
         "372\xE2\x80\xAF"
         "036\xE2\x80\xAF"
         "854\xE2\x80\xAF"
         "775\xE2\x80\xAF"
         "808"},
        {put_rows, 0, "0 rows"},
        {put_rows, 1, "1 row"},
        {put_rows, 10000,
         "10\xE2\x80\xAF"
         "000 rows"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(put(cases[i].fn, cases[i].value), cases[i].want);
}

/* Under the test runner there is no terminal, or there is one: both must hold. */
static void the_real_thing(void **state)
{
    static const char *const environment[] = {"TERM=dumb", "COLUMNS=77", NULL};
    struct tarn_term term;
    (void)state;
    tarn_term_init(&term,
                   &(struct tarn_term_options){.progress = true, .environment = environment});
    assert_false(term.progress);
    assert_false(term.out_colour || term.err_colour);
    if (!term.out_tty && !term.err_tty)
        assert_int_equal(term.width, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(colours), T(progress_is_seldom_painted), T(numbers),
                                       T(the_real_thing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
