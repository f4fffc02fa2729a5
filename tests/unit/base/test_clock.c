/* test_clock: the calendar, RFC 3339 both ways, the mock, sleeping under cancel and deadline;
 * random ids. */
#include "check.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"

static void the_calendar_is_gregorian(void **state)
{
    (void)state;
    assert_int_equal(tarn_date_to_days(1970, 1, 1), 0);
    assert_int_equal(tarn_date_to_days(1969, 12, 31), -1);
    assert_int_equal(tarn_date_to_days(2017, 11, 16), 17486);
    assert_int_equal(tarn_date_to_days(2000, 2, 29), 11016);
    assert_int_equal(tarn_date_to_days(1, 1, 1), -719162);
    assert_int_equal(tarn_date_to_days(0, 3, 1), -719468);
    /* Every day of 800 years follows the one before. */
    struct tarn_date before = tarn_date_of_days(-150000);
    for (int64_t day = -149999; day < 150000; day++) {
        struct tarn_date d = tarn_date_of_days(day);
        assert_int_equal(tarn_date_to_days(d.year, d.month, d.day), day);
        bool next_day = d.year == before.year && d.month == before.month && d.day == before.day + 1;
        bool next_month = d.year == before.year && d.month == before.month + 1 && d.day == 1;
        bool next_year = d.year == before.year + 1 && d.month == 1 && d.day == 1;
        assert_true(next_day || next_month || next_year);
        before = d;
    }
}

static void times_are_printed(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        int digits;
        const char *text;
    } cases[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {-1, 6, "1969-12-31T23:59:59.999999Z"},
        {-1, 0, "1969-12-31T23:59:59Z"},
        {1510871468123456, 6, "2017-11-16T22:31:08.123456Z"},
        {1510871468123456, 3, "2017-11-16T22:31:08.123Z"},
        {253402300799999999, 3, "9999-12-31T23:59:59.999Z"},
        {253402300800000000, 0, "+10000-01-01T00:00:00Z"},
        {-62167219200000000, 0, "0000-01-01T00:00:00Z"},
        {-62167219200000001, 0, "-0001-12-31T23:59:59Z"},
        {INT64_MAX, 6, "+294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, 6, "-290308-12-21T19:59:05.224192Z"},
    };
    char out[TARN_TIME_TEXT_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = tarn_time_format(cases[i].us, cases[i].digits, out);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(n, strlen(out));
    }
    (void)tarn_date_format(17486, out);
    assert_string_equal(out, "2017-11-16");
    (void)tarn_date_format(INT32_MIN, out);
    assert_string_equal(out, "-5877641-06-23");
}

static void times_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } right[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00.5Z", 500000},
        {"2017-11-16T14:31:08-08:00", 1510871468000000},
        {"2017-11-16T22:31:08.123456Z", 1510871468123456},
        {"2017-11-16T22:31:08.123456000Z", 1510871468123456},
        {"1970-01-01T05:30:00+05:30", 0},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000000},
        {"0000-01-01T00:00:00Z", -62167219200000000},
    };
    static const char *const wrong[] = {"",
                                        "1970-01-01",
                                        "1970-01-01T00:00:00",
                                        "1970-01-01T00:00Z",
                                        "1970-1-1T00:00:00Z",
                                        "1970-01-01T24:00:00Z",
                                        "1970-01-01T00:60:00Z",
                                        "1970-01-01T00:00:60Z",
                                        "2016-12-31T23:59:60Z",
                                        "1970-02-29T00:00:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "1970-04-31T00:00:00Z",
                                        "1970-13-01T00:00:00Z",
                                        "1970-00-01T00:00:00Z",
                                        "1970-01-00T00:00:00Z",
                                        "1970-01-01T00:00:00.Z",
                                        "1970-01-01T00:00:00.1234567Z",
                                        "1970-01-01T00:00:00+0530",
                                        "1970-01-01T00:00:00+24:00",
                                        "1970-01-01T00:00:00+00:60",
                                        "1970-01-01T00:00:00ZZ",
                                        " 1970-01-01T00:00:00Z",
                                        "+10000-01-01T00:00:00Z",
                                        "1970-01-01X00:00:00Z"};
    int64_t us;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(tarn_time_parse(tarn_str_view(right[i].text), &us));
        assert_int_equal(us, right[i].us);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(tarn_time_parse(tarn_str_view(wrong[i]), &us));
    assert_false(tarn_time_parse(tarn_str_of("1970-01-01\0"
                                             "00:00:00Z",
                                             20),
                                 &us));
    int32_t days;
    assert_true(tarn_date_parse(TARN_STR("2017-11-16"), &days));
    assert_int_equal(days, 17486);
    assert_false(tarn_date_parse(TARN_STR("2017-11-16 "), &days));
    assert_false(tarn_date_parse(TARN_STR("2017-11-31"), &days));
}

static void the_mock_stands_until_moved(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_clock_mock mock;
    tarn_clock_mock_init(&mock, 1000);
    uint64_t start = tarn_clock_monotonic_ns(&mock.base);
    assert_int_equal(tarn_clock_now_us(&mock.base), 1000);
    for (int i = 0; i < 1000; i++)
        tarn_clock_mock_advance(&mock, 1);
    assert_int_equal(tarn_clock_now_us(&mock.base), 1001);
    assert_int_equal(tarn_clock_sleep(&mock.base, &op, 3600000000000u, 1), TARN_OK);
    assert_int_equal(tarn_clock_monotonic_ns(&mock.base) - start, 3600000001000u);
    assert_int_equal(tarn_clock_now_us(&mock.base), 3600001001);
    struct tarn_cancel cancel = {1};
    op.cancel = &cancel;
    assert_int_equal(tarn_clock_sleep(&mock.base, &op, 1, 1), TARN_CANCELLED);
    assert_int_equal(tarn_clock_sleep(&mock.base, &op, 1, 2), TARN_OK);
    op.deadline_ns = 1;
    assert_int_equal(tarn_clock_sleep(&mock.base, &op, 0, 2), TARN_TIMEOUT);
    tarn_op_release(&op);
}

static void the_real_clock_goes_on(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    struct tarn_clock *clock = tarn_clock_real();
    uint64_t before = tarn_clock_monotonic_ns(clock);
    assert_int_equal(tarn_clock_sleep(clock, &op, 1000000, 1), TARN_OK);
    assert_true(tarn_clock_monotonic_ns(clock) - before >= 1000000);
    assert_true(tarn_clock_now_us(clock) > 1700000000000000); /* after 2023 */
    tarn_op_release(&op);
}

static void ids_are_random_and_well_formed(void **state)
{
    (void)state;
    struct tarn_op op = check_op();
    char a[TARN_UUID_TEXT_MAX], b[TARN_UUID_TEXT_MAX];
    assert_int_equal(tarn_uuid_v4(&op, a), TARN_OK);
    assert_int_equal(tarn_uuid_v4(&op, b), TARN_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
    assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
    assert_int_equal(a[14], '4');
    assert_non_null(strchr("89ab", a[19]));
    unsigned char bytes[1000] = {0}, none[1000] = {0};
    assert_int_equal(tarn_random_bytes(&op, bytes, sizeof bytes), TARN_OK);
    assert_memory_not_equal(bytes, none, 16);
    assert_memory_not_equal(bytes + sizeof bytes - 16, none, 16);
    assert_int_equal(tarn_random_bytes(&op, NULL, 0), TARN_OK);
    tarn_op_release(&op);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_is_gregorian),
        cmocka_unit_test(times_are_printed),
        cmocka_unit_test(times_are_parsed),
        cmocka_unit_test(the_mock_stands_until_moved),
        cmocka_unit_test(the_real_clock_goes_on),
        cmocka_unit_test(ids_are_random_and_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
