/* clock: time as an interface, so that tests own it; and UTC texts.
 *
 * Wall-clock time is microseconds since 1970-01-01T00:00:00Z, without leap seconds; monotonic
 * time is nanoseconds from an unknown start.
 */
#ifndef TARN_BASE_CLOCK_H
#define TARN_BASE_CLOCK_H

#include "base/op.h"

struct tarn_clock;
struct tarn_clock_ops {
    int64_t (*now_us)(struct tarn_clock *clock);
    uint64_t (*monotonic_ns)(struct tarn_clock *clock);
    void (*sleep_ns)(struct tarn_clock *clock, uint64_t ns); /* may return early */
};
struct tarn_clock {
    const struct tarn_clock_ops *ops;
};

struct tarn_clock *tarn_clock_real(void);

/* Stands still until it is moved or slept on. Any thread may use it. */
struct tarn_clock_mock {
    struct tarn_clock base; /* first: pass &mock.base */
    _Atomic int64_t now_us;
    _Atomic uint64_t monotonic_ns;
};
void tarn_clock_mock_init(struct tarn_clock_mock *mock, int64_t now_us);
void tarn_clock_mock_advance(struct tarn_clock_mock *mock, uint64_t ns);

static inline int64_t tarn_clock_now_us(struct tarn_clock *clock)
{
    return clock->ops->now_us(clock);
}
static inline uint64_t tarn_clock_monotonic_ns(struct tarn_clock *clock)
{
    return clock->ops->monotonic_ns(clock);
}
/* Sleeps in short steps; wakes with TARN_CANCELLED (cancel at `level`) or TARN_TIMEOUT (the op's
 * deadline). */
enum tarn_status tarn_clock_sleep(struct tarn_clock *clock, struct tarn_op *op, uint64_t ns,
                                  int level) TARN_MUST_USE;

/* ---- texts (proleptic Gregorian calendar, UTC) */

#define TARN_TIME_TEXT_MAX 40
/* "2025-05-31T00:00:00.123456Z" with `digits` (0 to 6) decimal places, the rest cut off; years
 * outside 0000 to 9999 carry a sign. */
size_t tarn_time_format(int64_t us, int digits, char out[TARN_TIME_TEXT_MAX]);
/* RFC 3339: date, 'T', 't' or a blank, time, optional fraction, 'Z' or +hh:mm. A fraction finer
 * than a microsecond that is not zero, a leap second and a day that does not exist are refused. */
bool tarn_time_parse(struct tarn_str text, int64_t *out_us);
/* "2025-05-31": days since 1970-01-01 */
bool tarn_date_parse(struct tarn_str text, int32_t *out_days);
size_t tarn_date_format(int32_t days, char out[TARN_TIME_TEXT_MAX]);
int64_t tarn_date_to_days(int64_t year, int month, int day); /* month 1 to 12 */
struct tarn_date {
    int64_t year;
    int month, day;
};
struct tarn_date tarn_date_of_days(int64_t days);

#endif
