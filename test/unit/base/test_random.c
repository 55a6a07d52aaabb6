#include "../cmocka_includes.h"

#include "base/compiler.h"
#include "base/random.h"

#include <stdbool.h>
#include <string.h>

/* The published vectors of Random123 for philox4x32 with 10 rounds (its kat_vectors file). */
static void gives_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        struct random_bits counter;
        uint32_t key[2];
        struct random_bits expected;
    } cases[] = {
        {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
        {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
         {0xffffffff, 0xffffffff},
         {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
        {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
         {0xa4093822, 0x299f31d0},
         {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
        struct random_bits bits = philox4x32_10(cases[i].counter, cases[i].key[0], cases[i].key[1]);
        assert_memory_equal(&bits, &cases[i].expected, sizeof bits);
    }
}

static void puts_every_argument_into_the_counter(void **state)
{
    (void)state;
    struct random_bits bits = random_draw(UINT64_C(0x299f31d0a4093822),
                                          UINT64_C(0x85a308d3243f6a88), 0x13198a2e, 0x03707344);
    const struct random_bits expected = {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    assert_memory_equal(&bits, &expected, sizeof bits);
}

static void keeps_units_inside_the_open_interval(void **state)
{
    (void)state;
    const struct random_bits lowest = {{0, 0, 0, 0}};
    const struct random_bits highest = {{UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}};
    assert_true(random_unit(lowest) == 0x1p-53);
    assert_true(random_unit(highest) == 1 - 0x1p-53);
    double sum = 0;
    for (uint64_t ordinal = 0; ordinal < 100000; ordinal++) {
        sum += random_unit(random_draw(1, ordinal, 0, 0));
    }
    /* The mean's standard deviation is 0.2887 / sqrt(100000) = 0.00091; the seed is fixed. */
    assert_true(sum / 100000 > 0.497 && sum / 100000 < 0.503);
}

static void takes_seeds_that_json_can_hold(void **state)
{
    (void)state;
    uint64_t first = random_from_system();
    bool differs = false;
    for (int i = 0; i < 16; i++) {
        uint64_t number = random_from_system();
        assert_true(number < UINT64_C(1) << 53);
        differs |= number != first;
    }
    assert_true(differs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_vectors),
        cmocka_unit_test(puts_every_argument_into_the_counter),
        cmocka_unit_test(keeps_units_inside_the_open_interval),
        cmocka_unit_test(takes_seeds_that_json_can_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
