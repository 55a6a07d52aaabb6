#include "../cmocka_includes.h"

#include "meter/native_key.h"

#include <float.h>
#include <math.h>

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* bound(key-1) < value <= bound(key), at every schema. */
static void values_lie_within_their_buckets(void **state)
{
    (void)state;
    const double values[] = {1,       2,      0.5,    1.5,    3.14159, 1e-9,   1e300,
                             DBL_MIN, 5e-324, 1e-310, 1e-320, 0.1,     DBL_MAX};
    for (uint32_t schema = 0; schema <= NATIVE_MAX_SCHEMA; schema++) {
        struct native_keys keys;
        native_keys_init(&keys, schema);
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            int32_t key = native_key(&keys, bits_of(values[i]));
            for (int steps = 0; (int)schema - steps >= NATIVE_MIN_SCHEMA; steps++) {
                int32_t wider = native_coarsen(key, steps);
                int lower = (int)schema - steps;
                assert_true(values[i] <= native_upper_bound(wider, lower));
                /* Bounds between subnormal numbers are rounded to one of them. */
                assert_true(values[i] > native_upper_bound(wider - 1, lower) ||
                            values[i] < DBL_MIN);
            }
        }
    }
}

static void bounds_are_inclusive(void **state)
{
    (void)state;
    struct native_keys keys;
    native_keys_init(&keys, 3);
    for (int32_t key = -100; key < 100; key++) {
        double bound = native_upper_bound(key, 3);
        assert_int_equal(native_key(&keys, bits_of(bound)), key);
        assert_int_equal(native_key(&keys, bits_of(nextafter(bound, HUGE_VAL))), key + 1);
    }
}

static void infinity_has_a_bucket_of_its_own(void **state)
{
    (void)state;
    struct native_keys keys;
    native_keys_init(&keys, 3);
    int32_t last = native_key(&keys, bits_of(DBL_MAX));
    assert_int_equal(native_key(&keys, bits_of((double)INFINITY)), last + 1);
    assert_true(native_upper_bound(last, 3) == DBL_MAX);
    assert_true(isinf(native_upper_bound(last + 1, 3)));
}

static void growth_chooses_the_schema(void **state)
{
    (void)state;
    assert_int_equal(native_schema_of_growth(1.1), 3);
    assert_int_equal(native_schema_of_growth(2), 0);
    assert_int_equal(native_schema_of_growth(1.0001), 8);
    assert_int_equal(native_schema_of_growth(65536), -4);
    assert_int_equal(native_schema_of_growth(1e9), -4);
    assert_int_equal(native_schema_of_growth(4), -1);
    assert_int_equal(native_schema_of_growth(3.9), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_lie_within_their_buckets),
        cmocka_unit_test(bounds_are_inclusive),
        cmocka_unit_test(infinity_has_a_bucket_of_its_own),
        cmocka_unit_test(growth_chooses_the_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
