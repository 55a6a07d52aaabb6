#include "base/buffer.h"

#include "base/assert.h"

#define U64_MAX_DIGITS 20

static const char digit_pairs[] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

void buffer_append_u64_padded(struct buffer *buffer, uint64_t value, unsigned digits)
{
    ASSERT(digits >= 1 && digits <= U64_MAX_DIGITS);
    char text[U64_MAX_DIGITS];
    memset(text, '0', sizeof text);
    size_t start = sizeof text;
    while (value >= 100) {
        start -= 2;
        memcpy(text + start, digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        start -= 2;
        memcpy(text + start, digit_pairs + 2 * value, 2);
    } else if (value > 0 || start == sizeof text) {
        text[--start] = (char)('0' + value);
    }
    size_t length = sizeof text - start;
    length = length < digits ? digits : length;
    buffer_append(buffer, text + sizeof text - length, length);
}
