#include "../cmocka_includes.h"

#include "verify/extrapolation.h"
#include "verify/histogram_quantile.h"
#include "verify/tolerance.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

/* cmocka's assert_float_equal compares as float, with seven digits. */
static void assert_close(double is, double wanted, double tolerance)
{
    bool same = isnan(wanted) ? isnan(is) : fabs(is - wanted) <= tolerance;
    if (!same) {
        fail_msg("%.17g is not %.17g", is, wanted);
    }
}

/* What Prometheus 2.42 answered for histogram_quantile(q, ...) over vectors with these counts. */
static void equals_prometheus(void **state)
{
    (void)state;
    static const double ranks[] = {0, 0.25, 0.5, 0.9, 0.99, 1};
    static const double golang[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    static const double three[] = {0.1, 0.2, 0.4};
    static const double two[] = {1, 2};
    static const struct {
        const double *bounds;
        size_t bound_count;
        double counts[12];
        double answers[6];
    } cases[] = {
        {three, 3, {10, 30, 35, 40}, {0.0, 0.1, 0.15000000000000002, 0.4, 0.4, 0.4}},
        {three, 3, {0, 0, 8, 8}, {(double)NAN, 0.25, 0.30000000000000004, 0.38, 0.398, 0.4}},
        {two, 2, {5, 4, 10}, {0.0, 0.5, 1.0, 2.0, 2.0, 2.0}}, /* a count that falls */
        {golang,
         11,
         {0, 0, 13, 13, 55, 201, 500, 720, 999, 1000, 1000, 1003},
         {(double)NAN, 0.2915969899665552, 0.5034090909090909, 1.9822580645161292,
          2.4675806451612905, 10.0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct buckets buckets = {cases[i].bounds, cases[i].counts, cases[i].bound_count};
        for (size_t k = 0; k < sizeof ranks / sizeof ranks[0]; k++) {
            assert_close(buckets_quantile(&buckets, ranks[k]), cases[i].answers[k], 1e-12);
        }
    }
}

static void has_no_answer_without_observations(void **state)
{
    (void)state;
    static const double bounds[] = {1, 2}, none[3], some[] = {1, 2, 3};
    const struct buckets empty = {bounds, none, 2}, boundless = {bounds, some, 0};
    const struct buckets buckets = {bounds, some, 2};
    assert_true(isnan(buckets_quantile(&empty, 0.5)));
    assert_true(isnan(buckets_quantile(&boundless, 0.5)));
    assert_true(isnan(buckets_quantile(&buckets, -0.1)));
    assert_true(isnan(buckets_quantile(&buckets, 1.1)));
    assert_true(isnan(buckets_quantile(&buckets, (double)NAN)));
}

static void interpolates_native_buckets(void **state)
{
    (void)state;
    static const struct native_bucket buckets[] = {
        {-0.001, 0.001, 2}, {0.5, 1, 4}, {1, 2, 10}, {4, 8, 4}};
    assert_close(native_quantile(buckets, 4, 0.05), 0.0005, 1e-15);
    assert_close(native_quantile(buckets, 4, 0.2), 0.75, 1e-15);
    assert_close(native_quantile(buckets, 4, 0.8), 2, 1e-15);
    assert_close(native_quantile(buckets, 4, 1), 8, 1e-15);
    assert_true(isnan(native_quantile(buckets, 0, 0.5)));
    double lower = 0, upper = 0;
    native_ends(0, 1.5, &lower, &upper);
    assert_true(lower == 1 && upper == 2);
    native_ends(0, 2, &lower, &upper); /* the upper end belongs to the bucket */
    assert_true(lower == 1 && upper == 2);
    native_ends(3, 0.19, &lower, &upper);
    assert_true(lower < 0.19 && 0.19 <= upper);
    assert_close(upper / lower, exp2(1.0 / 8), 1e-12);
    for (int schema = -4; schema <= 8; schema++) {
        native_ends(schema, 0.3, &lower, &upper);
        assert_int_equal(native_schema(lower, upper), schema);
    }
    assert_int_equal(native_schema(1, 3), -5);
    assert_int_equal(native_schema(0, 1), -5);
}

static void derives_how_far_ranks_may_differ(void **state)
{
    (void)state;
    /* Of 10,000 requests PromQL sees 9,900: four deviations and a rank of each. */
    double deviation = sqrt(0.5 * 0.5 * 100 / (10000.0 * 9900.0));
    assert_close(rank_tolerance(0.5, 10000, 9900, 100), 4 * deviation + 1e-4 + 1 / 9900.0, 1e-15);
    /* The same requests: but for being discrete there is no room. */
    assert_close(rank_tolerance(0.99, 1000, 1000, 0), 0.002, 1e-15);
    /* Less is known at the middle than at the ends, and with fewer requests. */
    assert_true(rank_tolerance(0.5, 1000, 500, 500) > rank_tolerance(0.99, 1000, 500, 500));
    assert_true(rank_tolerance(0.9, 1000, 500, 500) > rank_tolerance(0.9, 10000, 5000, 5000));
    assert_true(rank_tolerance(0.5, 0, 0, 0) == 1);
    static const double bounds[] = {1, 2}, plain[] = {2, 5, 10}, more[] = {6, 10, 20};
    const struct buckets a = {bounds, plain, 2}, b = {bounds, more, 2};
    assert_close(rank_shift(&a, &b), 0.1, 1e-15);
    assert_close(rank_shift(&a, &a), 0, 0);
}

static void tolerates_the_buckets_of_the_ranks(void **state)
{
    (void)state;
    static const double bounds[] = {1, 2, 4}, counts[] = {10, 50, 90, 100};
    const struct buckets buckets = {bounds, counts, 3};
    double lower = 0, upper = 0;
    bucket_tolerance(&buckets, 0.3, 0.4, &lower, &upper);
    assert_true(lower == 1 && upper == 2);
    bucket_tolerance(&buckets, 0.48, 0.52, &lower, &upper);
    assert_true(lower == 1 && upper == 4);
    bucket_tolerance(&buckets, -0.1, 0.05, &lower, &upper);
    assert_true(lower == 0 && upper == 1);
    bucket_tolerance(&buckets, 0.95, 1.2, &lower, &upper); /* what is beyond the last bound */
    assert_true(lower == 4 && upper == 4);
}

static void stretches_as_rate_does(void **state)
{
    (void)state;
    /* Ten samples a second apart, half a second from both ends of the window of ten seconds. */
    struct counter_samples samples = {0, 10, 0.5, 9.5, 1000, 1090, 10};
    for (enum extrapolation order = 0; order < EXTRAPOLATIONS; order++) {
        assert_close(extrapolated_increase(&samples, order), 100, 1e-12);
    }
    /* A counter that was zero before is not stretched below zero. */
    samples.first_value = 0;
    samples.last_value = 90;
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_ZERO_FIRST), 95, 1e-12);
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_DISTANCE_FIRST), 95, 1e-12);
    /* A series that began late is stretched by half an interval. */
    samples = (struct counter_samples){0, 20, 10.5, 19.5, 1000, 1090, 10};
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_ZERO_FIRST), 100, 1e-12);
    /* Where the two ways part: late, and a zero point within the window but before the half. */
    samples.first_value = 2;
    samples.last_value = 92;
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_ZERO_FIRST), 97, 1e-12);
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_DISTANCE_FIRST), 97, 1e-12);
    samples.first_value = 20; /* zero 2 s earlier: farther than a gap, so half of one at most */
    samples.last_value = 110;
    assert_close(extrapolated_increase(&samples, EXTRAPOLATION_ZERO_FIRST), 100, 1e-12);
    samples.count = 1;
    assert_true(isnan(extrapolated_increase(&samples, EXTRAPOLATION_ZERO_FIRST)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_prometheus),
        cmocka_unit_test(has_no_answer_without_observations),
        cmocka_unit_test(interpolates_native_buckets),
        cmocka_unit_test(derives_how_far_ranks_may_differ),
        cmocka_unit_test(tolerates_the_buckets_of_the_ranks),
        cmocka_unit_test(stretches_as_rate_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
