#include "base/quantity.h"

#include "base/assert.h"
#include "base/clock.h"

#define SCALE_MAX 18

/* Products of two 64-bit numbers; gcc and clang have it on every machine this runs on. */
__extension__ typedef unsigned __int128 uint128;

struct unit {
    struct span name;
    uint64_t factor;
};

/* A name that begins another comes after it, so that the first match is the longest. */
static const struct unit duration_units[] = {
    {SPAN("ns"), 1},
    {SPAN("us"), NS_PER_US},
    {SPAN("\xc2\xb5s"), NS_PER_US}, /* U+00B5 MICRO SIGN */
    {SPAN("\xce\xbcs"), NS_PER_US}, /* U+03BC GREEK SMALL LETTER MU */
    {SPAN("ms"), NS_PER_MS},
    {SPAN("s"), NS_PER_S},
    {SPAN("m"), 60 * NS_PER_S},
};

static const struct unit size_units[] = {
    {SPAN("KiB"), UINT64_C(1) << 10},
    {SPAN("Ki"), UINT64_C(1) << 10},
    {SPAN("MiB"), UINT64_C(1) << 20},
    {SPAN("Mi"), UINT64_C(1) << 20},
    {SPAN("GiB"), UINT64_C(1) << 30},
    {SPAN("Gi"), UINT64_C(1) << 30},
    {SPAN("B"), 1},
};

static const uint64_t power_of_ten[SCALE_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
};

static bool is_digit_at(struct span text, size_t offset)
{
    return offset < text.length && text.data[offset] >= '0' && text.data[offset] <= '9';
}

static int too_long(struct parse_error *error, size_t start)
{
    return parse_error_set(error, start, "the number at character %zu has too many digits",
                           start + 1);
}

int decimal_scan(struct span text, size_t *offset, struct decimal *ret_decimal,
                 struct parse_error *error)
{
    size_t start = *offset, at = start;
    if (!is_digit_at(text, at)) {
        return parse_error_expected(error, text, at, "a digit");
    }
    struct decimal number = {0, 0};
    bool behind_point = false;
    unsigned zeros = 0; /* behind the point and not yet followed by another digit */
    for (;; at++) {
        if (!behind_point && at < text.length && text.data[at] == '.') {
            behind_point = true;
            if (!is_digit_at(text, at + 1)) {
                return parse_error_expected(error, text, at + 1, "a digit");
            }
            continue;
        }
        if (!is_digit_at(text, at)) {
            break;
        }
        uint64_t digit = (uint64_t)(text.data[at] - '0');
        if (behind_point && digit == 0) {
            zeros++;
            continue;
        }
        unsigned places = behind_point ? zeros + 1 : 1;
        if (number.scale + (behind_point ? places : 0) > SCALE_MAX || places > SCALE_MAX) {
            return too_long(error, start);
        }
        if (__builtin_mul_overflow(number.digits, power_of_ten[places], &number.digits) ||
            __builtin_add_overflow(number.digits, digit, &number.digits)) {
            return too_long(error, start);
        }
        if (behind_point) {
            number.scale += places;
            zeros = 0;
        }
    }
    *offset = at;
    *ret_decimal = number;
    return 0;
}

static const struct unit *find_unit(struct span text, const struct unit *units, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (span_starts_with(text, units[i].name)) {
            return &units[i];
        }
    }
    return NULL;
}

/* number * factor when it is whole and at most INT64_MAX. */
static int scale_exactly(struct decimal number, uint64_t factor, size_t start, const char *whole,
                         uint64_t *ret_value, struct parse_error *error)
{
    uint128 product = (uint128)number.digits * factor;
    uint64_t divisor = power_of_ten[number.scale];
    if (product % divisor != 0) {
        return parse_error_set(error, start,
                               "the number at character %zu is not a whole number of %s", start + 1,
                               whole);
    }
    product /= divisor;
    if (product > INT64_MAX) {
        return parse_error_set(error, start, "the number at character %zu is too large", start + 1);
    }
    *ret_value = (uint64_t)product;
    return 0;
}

int duration_scan(struct span text, size_t *offset, int64_t *ret_ns, struct parse_error *error)
{
    size_t start = *offset, at = start;
    struct decimal number = {0, 0};
    int result = decimal_scan(text, &at, &number, error);
    if (result < 0) {
        return result;
    }
    const struct unit *unit =
        find_unit(span_after(text, at), duration_units, ARRAY_LENGTH(duration_units));
    uint64_t factor = 1;
    if (unit != NULL) {
        factor = unit->factor;
        at += unit->name.length;
    } else if (number.digits != 0) {
        return parse_error_expected(error, text, at, "a unit (ns, us, ms, s or m)");
    }
    uint64_t ns = 0;
    result = scale_exactly(number, factor, start, "nanoseconds", &ns, error);
    if (result < 0) {
        return result;
    }
    *offset = at;
    *ret_ns = (int64_t)ns;
    return 0;
}

int duration_parse(struct span text, int64_t *ret_ns, struct parse_error *error)
{
    size_t offset = 0;
    int64_t ns = 0;
    int result = duration_scan(text, &offset, &ns, error);
    if (result < 0) {
        return result;
    }
    if (offset != text.length) {
        return parse_error_expected(error, text, offset,
                                    ns == 0 ? "a unit (ns, us, ms, s or m) or the end" : "the end");
    }
    *ret_ns = ns;
    return 0;
}

int size_scan(struct span text, size_t *offset, uint64_t *ret_bytes, struct parse_error *error)
{
    size_t start = *offset, at = start;
    struct decimal number = {0, 0};
    int result = decimal_scan(text, &at, &number, error);
    if (result < 0) {
        return result;
    }
    const struct unit *unit = find_unit(span_after(text, at), size_units, ARRAY_LENGTH(size_units));
    result =
        scale_exactly(number, unit == NULL ? 1 : unit->factor, start, "bytes", ret_bytes, error);
    if (result == 0) {
        *offset = at + (unit == NULL ? 0 : unit->name.length);
    }
    return result;
}

int size_parse(struct span text, uint64_t *ret_bytes, struct parse_error *error)
{
    size_t offset = 0;
    struct decimal number = {0, 0};
    int result = decimal_scan(text, &offset, &number, error);
    if (result < 0) {
        return result;
    }
    const struct unit *unit =
        find_unit(span_after(text, offset), size_units, ARRAY_LENGTH(size_units));
    size_t end = offset + (unit == NULL ? 0 : unit->name.length);
    if (end != text.length) {
        return unit == NULL
                   ? parse_error_expected(error, text, offset, "a unit (B, KiB, MiB or GiB)")
                   : parse_error_expected(error, text, end, "the end");
    }
    offset = 0;
    return size_scan(text, &offset, ret_bytes, error);
}

int count_parse(struct span text, uint64_t *ret_count, struct parse_error *error)
{
    uint64_t count = 0;
    size_t at = 0;
    if (!is_digit_at(text, 0)) {
        return parse_error_expected(error, text, 0, "a digit");
    }
    for (; is_digit_at(text, at); at++) {
        if (__builtin_mul_overflow(count, UINT64_C(10), &count) ||
            __builtin_add_overflow(count, (uint64_t)(text.data[at] - '0'), &count)) {
            return parse_error_set(error, 0, "the number is too large");
        }
    }
    if (at != text.length) {
        return parse_error_expected(error, text, at, "a digit or the end");
    }
    *ret_count = count;
    return 0;
}

double decimal_value(struct decimal decimal)
{
    /*
     * Up to 2^53 the digits, and up to 10^22 the power, are doubles without error, so one division
     * rounds once (Clinger, "How to Read Floating Point Numbers Accurately", 1990). Beyond, long
     * double's 64 bits on x86-64, and 113 on arm64, keep the second rounding from mattering but in
     * the rarest of cases.
     */
    return (double)((long double)decimal.digits / (long double)power_of_ten[decimal.scale]);
}

void buffer_append_decimal(struct buffer *buffer, struct decimal decimal)
{
    uint64_t power = power_of_ten[decimal.scale];
    buffer_append_u64(buffer, decimal.digits / power);
    if (decimal.scale > 0) {
        buffer_append_byte(buffer, '.');
        buffer_append_u64_padded(buffer, decimal.digits % power, decimal.scale);
    }
}

void buffer_append_duration(struct buffer *buffer, int64_t ns)
{
    static const struct {
        int64_t factor;
        unsigned scale;
        struct span name;
    } units[] = {{NS_PER_S, 9, SPAN("s")}, {NS_PER_MS, 6, SPAN("ms")}, {NS_PER_US, 3, SPAN("us")}};
    ASSERT(ns >= 0);
    if (ns == 0) {
        buffer_append_span(buffer, SPAN("0s"));
        return;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (ns >= units[i].factor) {
            struct decimal number = {(uint64_t)ns, units[i].scale};
            while (number.scale > 0 && number.digits % 10 == 0) {
                number.digits /= 10;
                number.scale--;
            }
            buffer_append_decimal(buffer, number);
            buffer_append_span(buffer, units[i].name);
            return;
        }
    }
    buffer_append_u64(buffer, (uint64_t)ns);
    buffer_append_span(buffer, SPAN("ns"));
}

void buffer_append_seconds(struct buffer *buffer, int64_t ns)
{
    ASSERT(ns >= 0);
    buffer_append_u64(buffer, (uint64_t)(ns / NS_PER_S));
    buffer_append_byte(buffer, '.');
    buffer_append_u64_padded(buffer, (uint64_t)(ns % NS_PER_S), 9);
}

void buffer_append_size(struct buffer *buffer, uint64_t bytes)
{
    static const struct unit units[] = {{SPAN("GiB"), UINT64_C(1) << 30},
                                        {SPAN("MiB"), UINT64_C(1) << 20},
                                        {SPAN("KiB"), UINT64_C(1) << 10}};
    for (size_t i = 0; i < ARRAY_LENGTH(units); i++) {
        if (bytes != 0 && bytes % units[i].factor == 0) {
            buffer_append_u64(buffer, bytes / units[i].factor);
            buffer_append_span(buffer, units[i].name);
            return;
        }
    }
    buffer_append_u64(buffer, bytes);
}
