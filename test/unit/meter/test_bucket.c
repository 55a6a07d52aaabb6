#include "../cmocka_includes.h"

#include "meter/bucket.h"

#include <float.h>
#include <math.h>

/* The definition: the first bucket with value <= bound. */
static uint32_t by_definition(const double *bounds, uint32_t count, double value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (value <= bounds[i]) {
            return i;
        }
    }
    return count;
}

static void check_around(const double *bounds, uint32_t count)
{
    struct bucket_index index;
    bucket_index_init(&index, bounds, count);
    for (uint32_t i = 0; i < count; i++) {
        const double values[] = {bounds[i], nextafter(bounds[i], -HUGE_VAL),
                                 nextafter(bounds[i], HUGE_VAL), -bounds[i], bounds[i] * 1.5};
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
            assert_int_equal(bucket_of(&index, values[j]), by_definition(bounds, count, values[j]));
        }
    }
    const double values[] = {
        0, -0.0, 5e-324, DBL_MIN, DBL_MAX, -DBL_MAX, (double)INFINITY, -(double)INFINITY, -1e-300};
    for (size_t j = 0; j < sizeof values / sizeof values[0]; j++) {
        assert_int_equal(bucket_of(&index, values[j]), by_definition(bounds, count, values[j]));
    }
    assert_int_equal(bucket_of(&index, (double)NAN), count);
    assert_int_equal(bucket_of(&index, -(double)NAN), count);
    bucket_index_free(&index);
}

static void is_exact_at_bounds(void **state)
{
    (void)state;
    double geometric[16], powers[16], linear[101], dense[101];
    for (int i = 0; i < 15; i++) {
        geometric[i] = 0.001 * (1 << i);
        powers[i] = ldexp(1, i - 5);
    }
    for (int i = 0; i < 100; i++) {
        linear[i] = 10.0 * i;
        dense[i] = 1 + i * 1e-13;
    }
    geometric[15] = powers[15] = linear[100] = dense[100] = (double)INFINITY;
    check_around(geometric, 15);
    check_around(powers, 15);
    check_around(linear, 100);
    check_around(dense, 100);
    check_around((const double[]){.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, HUGE_VAL}, 11);
    check_around((const double[]){-10, -1, 0, 0.5, 3, HUGE_VAL}, 5);
    check_around((const double[]){5e-324, 1, DBL_MAX, HUGE_VAL}, 3);
    check_around((const double[]){HUGE_VAL}, 0);
}

static void geometric_bounds_have_a_table(void **state)
{
    (void)state;
    struct bucket_index index;
    double bounds[16] = {[15] = HUGE_VAL};
    for (int i = 0; i < 15; i++) {
        bounds[i] = 0.001 * (1 << i);
    }
    bucket_index_init(&index, bounds, 15);
    assert_non_null(index.entries);
    /* One entry for each power of two, from that of the first bound to that behind the last. */
    assert_true(index.low == ldexp(1, -10) && index.high == ldexp(1, 5));
    assert_int_equal(index.shift, 52);
    bucket_index_free(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_exact_at_bounds),
        cmocka_unit_test(geometric_bounds_have_a_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
