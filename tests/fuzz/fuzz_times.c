/* room: base */
/* Times, dates, sizes and durations as text: what is read is written and read again as the same. */
#include "base/clock.h"
#include "base/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tarn_str text = tarn_str_of(data, size);
    char out[TARN_TIME_TEXT_MAX];
    const char *why = NULL;
    int64_t us, again;
    int32_t days, same;
    uint64_t bytes;
    /* a zone may move a time out of the years that have four digits */
    if (tarn_time_parse(text, &us) && us >= -62135596800000000 && us < 253402300800000000) {
        size_t n = tarn_time_format(us, 6, out);
        TARN_ASSERT(n < sizeof out && tarn_time_parse(tarn_str_of(out, n), &again) && again == us);
    }
    if (tarn_date_parse(text, &days)) {
        size_t n = tarn_date_format(days, out);
        TARN_ASSERT(n < sizeof out && tarn_date_parse(tarn_str_of(out, n), &same) && same == days);
    }
    TARN_ASSERT(tarn_size_parse(text, &bytes, &why) || why);
    why = NULL;
    TARN_ASSERT(tarn_duration_parse(text, &us, &why) || why);
    return 0;
}
