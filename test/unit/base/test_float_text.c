#include "../cmocka_includes.h"

#include "base/float_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_text(double value, const char *expected)
{
    char text[FLOAT_TEXT_MAX_BYTES + 1];
    size_t length = float_text(value, text);
    assert_in_range(length, 1, FLOAT_TEXT_MAX_BYTES);
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static void prints_what_go_prints(void **state)
{
    (void)state;
    assert_text(0, "0");
    assert_text(-0.0, "0");
    assert_text(1, "1");
    assert_text(-1, "-1");
    assert_text(0.1 + 0.2, "0.30000000000000004");
    assert_text(151000, "151000");
    assert_text(999999, "999999");
    assert_text(1000000, "1e+06");
    assert_text(1048576, "1.048576e+06");
    assert_text(0.0001, "0.0001");
    assert_text(5e-05, "5e-05");
    assert_text(0x1p64, "1.8446744073709552e+19");
    assert_text(5e-324, "5e-324");
    assert_text(DBL_MIN, "2.2250738585072014e-308");
    assert_text(-DBL_MAX, "-1.7976931348623157e+308");
    assert_text(9007199254740993.0, "9.007199254740992e+15");
    assert_text((double)NAN, "NaN");
    assert_text(-(double)NAN, "NaN");
    assert_text((double)INFINITY, "+Inf");
    assert_text(-(double)INFINITY, "-Inf");
}

/* Reads back to the same number, and no text with a digit less does. */
static void is_exact_and_shortest(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        double value;
        memcpy(&value, &random, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        char text[FLOAT_TEXT_MAX_BYTES + 1];
        size_t length = float_text(value, text);
        text[length] = '\0';
        assert_true(strtod(text, NULL) == value);
        size_t digits = 0;
        for (size_t j = 0; j < length && text[j] != 'e'; j++) {
            digits += text[j] >= '0' && text[j] <= '9';
        }
        if (digits > 1 && strchr(text, 'e') != NULL) {
            char shorter[40];
            snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
            assert_false(strtod(shorter, NULL) == value);
        }
    }
}

static void whole_numbers_agree(void **state)
{
    (void)state;
    uint64_t value = 0;
    for (int i = 0; i < 10000; i++) {
        char fast[FLOAT_TEXT_MAX_BYTES], slow[FLOAT_TEXT_MAX_BYTES];
        size_t fast_length = float_text_of_u64(value, fast);
        size_t slow_length = float_text((double)value, slow);
        assert_int_equal(fast_length, slow_length);
        assert_memory_equal(fast, slow, fast_length);
        value = value * 3 + (uint64_t)i;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_what_go_prints),
        cmocka_unit_test(is_exact_and_shortest),
        cmocka_unit_test(whole_numbers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
