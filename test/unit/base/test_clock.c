#include "../cmocka_includes.h"

#include "base/clock.h"

static void monotonic_time_never_goes_back(void **state)
{
    (void)state;
    int64_t previous = clock_monotonic_ns();
    assert_true(previous > 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_ns();
        assert_true(now >= previous);
        previous = now;
    }
}

/* Both are read from what the kernel has, in the order before, ours, after. */
static void both_clocks_are_the_kernels(void **state)
{
    (void)state;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int64_t monotonic = clock_monotonic_ns();
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(monotonic >= before.tv_sec * 1000000000 + before.tv_nsec);
    assert_true(monotonic <= after.tv_sec * 1000000000 + after.tv_nsec);
    /* The wall clock may be stepped under us: only its magnitude is certain. */
    int64_t year_2020 = INT64_C(1577836800) * NS_PER_S;
    assert_true(clock_realtime_ns() > year_2020);
    assert_true(NS_PER_S == 1000 * NS_PER_MS && NS_PER_MS == 1000 * NS_PER_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_time_never_goes_back),
        cmocka_unit_test(both_clocks_are_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
