#include "http/date.h"

#include "base/buffer.h"

#include <time.h>

void date_print(int64_t seconds, char text[DATE_BYTES])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t time = (time_t)seconds;
    struct tm utc = {0};
    gmtime_r(&time, &utc);
    struct buffer buffer = buffer_over(text, DATE_BYTES);
    buffer_append(&buffer, days + 3 * utc.tm_wday, 3);
    buffer_append(&buffer, ", ", 2);
    buffer_append_u64_padded(&buffer, (uint64_t)utc.tm_mday, 2);
    buffer_append_byte(&buffer, ' ');
    buffer_append(&buffer, months + 3 * utc.tm_mon, 3);
    buffer_append_byte(&buffer, ' ');
    buffer_append_u64_padded(&buffer, (uint64_t)utc.tm_year + 1900, 4);
    buffer_append_byte(&buffer, ' ');
    buffer_append_u64_padded(&buffer, (uint64_t)utc.tm_hour, 2);
    buffer_append_byte(&buffer, ':');
    buffer_append_u64_padded(&buffer, (uint64_t)utc.tm_min, 2);
    buffer_append_byte(&buffer, ':');
    buffer_append_u64_padded(&buffer, (uint64_t)utc.tm_sec, 2);
    buffer_append_span(&buffer, SPAN(" GMT"));
}
