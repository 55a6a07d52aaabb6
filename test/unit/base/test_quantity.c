#include "../cmocka_includes.h"

#include "base/quantity.h"

#include <errno.h>
#include <string.h>

struct duration_case {
    const char *text;
    int64_t ns;
    const char *canonical;
};

static void reads_durations_exactly(void **state)
{
    (void)state;
    static const struct duration_case cases[] = {
        {"0", 0, "0s"},
        {"0s", 0, "0s"},
        {"0.000ms", 0, "0s"},
        {"1ns", 1, "1ns"},
        {"999ns", 999, "999ns"},
        {"1us", 1000, "1us"},
        {"1\xc2\xb5s", 1000, "1us"},
        {"1\xce\xbcs", 1000, "1us"},
        {"1.5us", 1500, "1.5us"},
        {"200ms", 200000000, "200ms"},
        {"0.2s", 200000000, "200ms"},
        {"1.5s", 1500000000, "1.5s"},
        {"1.50000000000s", 1500000000, "1.5s"},
        {"1.000000001s", 1000000001, "1.000000001s"},
        {"12.345678ms", 12345678, "12.345678ms"},
        {"90s", INT64_C(90000000000), "90s"},
        {"1.5m", INT64_C(90000000000), "90s"},
        {"0.00000000005m", 3, "3ns"},
        {"007s", INT64_C(7000000000), "7s"},
        {"9223372036854775807ns", INT64_MAX, "9223372036.854775807s"},
        {"9223372036.854775807s", INT64_MAX, "9223372036.854775807s"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ns = -1;
        struct parse_error error = {0};
        assert_int_equal(duration_parse(span_from_string(cases[i].text), &ns, &error), 0);
        assert_int_equal(ns, cases[i].ns);
        char memory[64];
        struct buffer printed = buffer_over(memory, sizeof memory);
        buffer_append_duration(&printed, ns);
        buffer_append_byte(&printed, '\0');
        assert_string_equal(memory, cases[i].canonical);
        int64_t again = -1;
        assert_int_equal(duration_parse(span_from_string(memory), &again, NULL), 0);
        assert_int_equal(again, ns);
    }
}

struct refused_case {
    const char *text;
    size_t offset;
    const char *message;
};

static void names_what_is_wrong_in_a_duration(void **state)
{
    (void)state;
    static const struct refused_case cases[] = {
        {"", 0, "expected a digit at character 1, found the end"},
        {"-1s", 0, "expected a digit at character 1, found '-'"},
        {" 1s", 0, "expected a digit at character 1, found ' '"},
        {"1", 1, "expected a unit (ns, us, ms, s or m) at character 2, found the end"},
        {"1.s", 2, "expected a digit at character 3, found 's'"},
        {"1.", 2, "expected a digit at character 3, found the end"},
        {"1..5s", 2, "expected a digit at character 3, found '.'"},
        {"1.5.5s", 3, "expected a unit (ns, us, ms, s or m) at character 4, found '.'"},
        {"1h", 1, "expected a unit (ns, us, ms, s or m) at character 2, found 'h'"},
        {"1e3s", 1, "expected a unit (ns, us, ms, s or m) at character 2, found 'e'"},
        {"1s ", 2, "expected the end at character 3, found ' '"},
        {"1m30s", 2, "expected the end at character 3, found '3'"},
        {"0x", 1, "expected a unit (ns, us, ms, s or m) or the end at character 2, found 'x'"},
        {"1\n", 1, "expected a unit (ns, us, ms, s or m) at character 2, found '\\x0a'"},
        {"0.5ns", 0, "the number at character 1 is not a whole number of nanoseconds"},
        {"9223372036854775808ns", 0, "the number at character 1 is too large"},
        {"400000000000m", 0, "the number at character 1 is too large"},
        {"99999999999999999999s", 0, "the number at character 1 has too many digits"},
        {"0.1234567890123456789s", 0, "the number at character 1 has too many digits"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        int64_t ns = 77;
        struct parse_error error = {0};
        assert_int_equal(duration_parse(span_from_string(cases[i].text), &ns, &error), -EINVAL);
        assert_string_equal(error.message, cases[i].message);
        assert_int_equal(error.offset, cases[i].offset);
        assert_int_equal(ns, 77);
    }
}

static void reads_and_prints_sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
        const char *canonical;
    } cases[] = {
        {"0", 0, "0"},
        {"512", 512, "512"},
        {"512B", 512, "512"},
        {"1024", 1024, "1KiB"},
        {"16KiB", 16384, "16KiB"},
        {"16Ki", 16384, "16KiB"},
        {"1.5MiB", 1572864, "1536KiB"},
        {"64Mi", 67108864, "64MiB"},
        {"2GiB", UINT64_C(2147483648), "2GiB"},
        {"9223372036854775807", INT64_MAX, "9223372036854775807"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        uint64_t bytes = 1;
        assert_int_equal(size_parse(span_from_string(cases[i].text), &bytes, NULL), 0);
        assert_int_equal(bytes, cases[i].bytes);
        char memory[64];
        struct buffer printed = buffer_over(memory, sizeof memory);
        buffer_append_size(&printed, bytes);
        buffer_append_byte(&printed, '\0');
        assert_string_equal(memory, cases[i].canonical);
    }
    static const struct refused_case refused[] = {
        {"16k", 2, "expected a unit (B, KiB, MiB or GiB) at character 3, found 'k'"},
        {"16KB", 2, "expected a unit (B, KiB, MiB or GiB) at character 3, found 'K'"},
        {"16KiBs", 5, "expected the end at character 6, found 's'"},
        {"0.5", 0, "the number at character 1 is not a whole number of bytes"},
        {"8589934592GiB", 0, "the number at character 1 is too large"},
        {"", 0, "expected a digit at character 1, found the end"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(refused); i++) {
        uint64_t bytes = 0;
        struct parse_error error = {0};
        assert_int_equal(size_parse(span_from_string(refused[i].text), &bytes, &error), -EINVAL);
        assert_string_equal(error.message, refused[i].message);
        assert_int_equal(error.offset, refused[i].offset);
    }
}

static void reads_counts(void **state)
{
    (void)state;
    uint64_t count = 0;
    assert_int_equal(count_parse(SPAN("18446744073709551615"), &count, NULL), 0);
    assert_true(count == UINT64_MAX);
    assert_int_equal(count_parse(SPAN("18446744073709551616"), &count, NULL), -EINVAL);
    struct parse_error error = {0};
    assert_int_equal(count_parse(SPAN("12a"), &count, &error), -EINVAL);
    assert_string_equal(error.message, "expected a digit or the end at character 3, found 'a'");
    assert_int_equal(count_parse(SPAN(""), &count, &error), -EINVAL);
    assert_int_equal(count_parse(SPAN("+1"), &count, &error), -EINVAL);
}

static void reads_decimals_as_the_nearest_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        const char *canonical;
    } cases[] = {
        {"0.1", 0.1, "0.1"},
        {"1.50", 1.5, "1.5"},
        {"2", 2, "2"},
        {"100.25", 100.25, "100.25"},
        {"1.16", 1.16, "1.16"},
        {"0.000000000000000001", 1e-18, "0.000000000000000001"},
        {"0.900", 0.9, "0.9"},
        {"12345678901234567890", 12345678901234567890.0, "12345678901234567890"},
        {"10.00", 10, "10"},
        {"0.05", 0.05, "0.05"},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        size_t offset = 0;
        struct decimal number;
        struct span text = span_from_string(cases[i].text);
        assert_int_equal(decimal_scan(text, &offset, &number, NULL), 0);
        assert_int_equal(offset, text.length);
        assert_true(decimal_value(number) == cases[i].value);
        char memory[64];
        struct buffer printed = buffer_over(memory, sizeof memory);
        buffer_append_decimal(&printed, number);
        buffer_append_byte(&printed, '\0');
        assert_string_equal(memory, cases[i].canonical);
    }
}

static void prints_seconds_with_nine_decimals(void **state)
{
    (void)state;
    char memory[64];
    struct buffer printed = buffer_over(memory, sizeof memory);
    buffer_append_seconds(&printed, 1500000001);
    buffer_append_byte(&printed, ' ');
    buffer_append_seconds(&printed, 0);
    buffer_append_byte(&printed, '\0');
    assert_string_equal(memory, "1.500000001 0.000000000");
}

static void shows_hostile_bytes_harmlessly(void **state)
{
    (void)state;
    char memory[64];
    struct buffer printed = buffer_over(memory, sizeof memory);
    buffer_append_printable(&printed, SPAN("a\x1b[1m\\\xff tail"), 7);
    buffer_append_byte(&printed, '\0');
    assert_string_equal(memory, "a\\x1b[1m\\x5c\\xff...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_durations_exactly),
        cmocka_unit_test(names_what_is_wrong_in_a_duration),
        cmocka_unit_test(reads_and_prints_sizes),
        cmocka_unit_test(reads_counts),
        cmocka_unit_test(reads_decimals_as_the_nearest_double),
        cmocka_unit_test(prints_seconds_with_nine_decimals),
        cmocka_unit_test(shows_hostile_bytes_harmlessly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
