/* test_units: sizes and durations, exactly. */
#include "check.h"

#include "base/units.h"

static void sizes_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } right[] = {
        {"0", 0},
        {"1024", 1024},
        {"512MB", 512000000},
        {"512 mb", 512000000},
        {"1GB", 1000000000},
        {"64KiB", 65536},
        {"64kib", 65536},
        {"1.5GB", 1500000000},
        {"1.5KiB", 1536},
        {"2TiB", (uint64_t)2 << 40},
        {"8PiB", (uint64_t)8 << 50},
        {" 7B ", 7},
    };
    static const char *const wrong[] = {
        "",    "MB",  "512M", "1.GB",   ".5GB",          "-1MB", "1.0001B", "9223372036854775807",
        "1e3", "1 2", "1MBx", "1..5MB", "99999999999PB", "0x10", "1,5GB"};
    uint64_t v;
    const char *why;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(tarn_size_parse(tarn_str_view(right[i].text), &v, &why));
        assert_int_equal(v, right[i].bytes);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why = NULL;
        assert_false(tarn_size_parse(tarn_str_view(wrong[i]), &v, &why));
        assert_non_null(why);
        assert_false(tarn_size_parse(tarn_str_view(wrong[i]), &v, NULL));
    }
}

static void durations_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } right[] = {
        {"0", 0},          {"5m", 300000000},    {"1h30m", 5400000000}, {"1h 30m", 5400000000},
        {"250ms", 250000}, {"7d", 604800000000}, {"1w", 604800000000},  {"10us", 10},
        {"1.5s", 1500000}, {"2D", 172800000000}, {"1m1ms", 60001000},
    };
    static const char *const wrong[] = {"",
                                        "5",
                                        "m",
                                        "5min",
                                        "-5m",
                                        "30m1h",
                                        "1h1h",
                                        "1.5us",
                                        "5 m x",
                                        "1y",
                                        "999999999999999999w"};
    int64_t v;
    const char *why;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
        assert_true(tarn_duration_parse(tarn_str_view(right[i].text), &v, &why));
        assert_int_equal(v, right[i].us);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why = NULL;
        assert_false(tarn_duration_parse(tarn_str_view(wrong[i]), &v, &why));
        assert_non_null(why);
    }
}

static void they_are_printed_for_people(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},
                 {999, "999 B"},
                 {1000, "1 kB"},
                 {1500, "1.5 kB"},
                 {999949, "999.9 kB"},
                 {999950, "1 MB"},
                 {128000000, "128 MB"},
                 {1234567890, "1.2 GB"},
                 {UINT64_MAX, "18446.7 PB"}};
    static const struct {
        int64_t us;
        const char *text;
    } durations[] = {
        {0, "0us"},          {999, "999us"},        {15000, "15ms"},        {15490, "15.5ms"},
        {999949, "999.9ms"}, {999950, "1s"},        {2400000, "2.4s"},      {59949999, "59.9s"},
        {59950000, "1m"},    {200000000, "3m 20s"}, {5400000000, "1h 30m"}, {183600000000, "2d 3h"},
        {-2400000, "-2.4s"}};
    struct tarn_buf b;
    tarn_buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_buf_reset(&b);
        tarn_size_format(&b, sizes[i].bytes);
        check_str(tarn_buf_view(&b), sizes[i].text);
    }
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        tarn_buf_reset(&b);
        tarn_duration_format(&b, durations[i].us);
        check_str(tarn_buf_view(&b), durations[i].text);
    }
    tarn_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_parsed),
        cmocka_unit_test(durations_are_parsed),
        cmocka_unit_test(they_are_printed_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
