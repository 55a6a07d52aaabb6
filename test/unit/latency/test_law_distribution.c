/*
 * What must hold of every law: its samples follow its cdf, its quantile function inverts its cdf,
 * and its mean is that of its cdf. Seeds are fixed, so a run cannot fail by chance.
 */
#include "../cmocka_includes.h"

#include "base/clock.h"
#include "latency/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DELAY_NS (60 * NS_PER_S)
#define SAMPLES 50000

static const struct law_limits limits = {.max_delay_ns = MAX_DELAY_NS, .files_allowed = true};

/* Tables for file(), written before the tests. */
#define TABLE_PATH "/tmp/test_law_distribution_table"
#define TABLE_LAW "file(" TABLE_PATH ")"
#define STEPS_PATH "/tmp/test_law_distribution_steps"
#define STEPS_LAW "file(" STEPS_PATH ")"

/* cmocka's assert_float_equal compares as float, with seven digits. */
static void assert_close(double is, double wanted, double tolerance)
{
    if (!(fabs(is - wanted) <= tolerance)) {
        fail_msg("%.17g is not %.17g", is, wanted);
    }
}

/* Laws without atoms, for which the Kolmogorov-Smirnov test is exact. */
static const char *const continuous[] = {
    "uniform(0s,2s)",
    "uniform(100ms,60s)",
    "uniform(5ms,6ms)",
    "normal(1s,300ms)",
    "normal(30s,11s)",
    "normal(1ms,1us)",
    "lognormal(100ms,1s)",
    "lognormal(1s,60s)",
    "lognormal(20s,20.001s)",
    "exp(150ms)",
    "exp(13s)",
    "pareto(10ms,1.5)",
    "pareto(10ms,1)",
    "pareto(100ms,0.9)",
    "pareto(1s,1000)",
    "mix(0.9:uniform(0s,1s),0.1:uniform(2s,3s))",
    "mix(1:exp(1s),2:normal(5s,1s),3:mix(1:uniform(0s,60s),1:lognormal(10ms,20ms)))",
    TABLE_LAW,
};

/* Laws with atoms, for the properties that hold of all. */
static const char *const discrete[] = {
    "none",
    "const(0s)",
    "const(60s)",
    "uniform(3s,3s)",
    "normal(3s,0s)",
    "lognormal(3s,3s)",
    "mix(0.5:const(1s),0.5:const(2s))",
    "mix(0.9:none,0.1:exp(1s))",
    "mix(0.1:none,0.1:none,0.1:none,0.1:none,0.1:none,0.1:none,0.1:none,0.1:none,0.1:none,0.1:"
    "const(1s))",
    STEPS_LAW,
};

static struct law *law_of(const char *text)
{
    struct law *law = NULL;
    struct parse_error error = {0};
    if (law_parse(span_from_string(text), &limits, &law, &error) != 0) {
        fail_msg("%s: %s", text, error.message);
    }
    return law;
}

static int compare_int64(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Kolmogorov's statistic, with samples that are rounded to whole nanoseconds. */
static double kolmogorov_distance(const struct law *law, int64_t *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, compare_int64);
    double distance = 0;
    for (size_t i = 0; i < count; i++) {
        double below = law_cdf(law, (double)samples[i] - 0.5);
        double above = law_cdf(law, (double)samples[i] + 0.5);
        distance = fmax(distance, (double)(i + 1) / (double)count - above);
        distance = fmax(distance, below - (double)i / (double)count);
    }
    return distance;
}

static void samples_follow_the_cdf(void **state)
{
    (void)state;
    int64_t *samples = test_malloc(SAMPLES * sizeof *samples);
    for (size_t i = 0; i < ARRAY_LENGTH(continuous); i++) {
        struct law *law = law_of(continuous[i]);
        for (uint64_t ordinal = 0; ordinal < SAMPLES; ordinal++) {
            samples[ordinal] = draw_delay_ns(law, 2026, ordinal, (uint32_t)i);
            assert_in_range(samples[ordinal], 0, MAX_DELAY_NS);
        }
        double distance = kolmogorov_distance(law, samples, SAMPLES);
        /* Significance 0.001: P(sqrt(n) D > 1.949) = 2 exp(-2 * 1.949^2) = 0.001. */
        if (distance > 1.949 / sqrt(SAMPLES)) {
            fail_msg("%s: distance %g", continuous[i], distance);
        }
        law_free(law);
    }
    test_free(samples);
}

/* The test above must be able to fail: samples of one law are not those of another. */
static void kolmogorov_tells_laws_apart(void **state)
{
    (void)state;
    int64_t *samples = test_malloc(SAMPLES * sizeof *samples);
    struct law *drawn = law_of("uniform(0s,2s)");
    struct law *other = law_of("uniform(0s,2.05s)");
    for (uint64_t ordinal = 0; ordinal < SAMPLES; ordinal++) {
        samples[ordinal] = draw_delay_ns(drawn, 2026, ordinal, 0);
    }
    assert_true(kolmogorov_distance(other, samples, SAMPLES) > 1.949 / sqrt(SAMPLES));
    law_free(drawn);
    law_free(other);
    test_free(samples);
}

static void quantiles_invert_the_cdf(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(continuous); i++) {
        struct law *law = law_of(continuous[i]);
        double low = law_quantile_ns(law, 0), high = law_quantile_ns(law, 1);
        assert_true(low >= 0 && high <= (double)MAX_DELAY_NS && low < high);
        assert_true(law_cdf(law, high) == 1);
        for (int step = 0; step <= 1000; step++) {
            double q = step / 1000.0;
            assert_close(law_cdf(law, law_quantile_ns(law, q)), q, 1e-9);
        }
        for (int step = 1; step < 1000; step++) {
            double q = 0.0005 + 0.999 * step / 1000, x = law_quantile_ns(law, q);
            if (fabs(law_quantile_ns(law, law_cdf(law, x)) - x) > 1e-9 * high) {
                fail_msg("%s: quantile(cdf(%.17g)) differs", continuous[i], x);
            }
        }
        law_free(law);
    }
}

static void check_order(const char *text)
{
    struct law *law = law_of(text);
    double previous = law_quantile_ns(law, 0);
    for (int step = 1; step <= 2000; step++) {
        double q = step / 2000.0, x = law_quantile_ns(law, q);
        if (x < previous || law_cdf(law, x) < q - 1e-9) {
            fail_msg("%s: at %g", text, q);
        }
        previous = x;
    }
    assert_true(law_cdf(law, -1) == 0);
    assert_true(law_cdf(law, (double)MAX_DELAY_NS) == 1);
    assert_in_range(law_sample_ns(law, 0x1p-53), 0, MAX_DELAY_NS);
    assert_in_range(law_sample_ns(law, 1 - 0x1p-53), 0, MAX_DELAY_NS);
    law_free(law);
}

static void quantiles_rise_inside_the_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(continuous); i++) {
        check_order(continuous[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(discrete); i++) {
        check_order(discrete[i]);
    }
}

/*
 * The mean is the lower end and the integral of 1 - cdf over the support: by the midpoint rule, in
 * steps that are finest at the lower end, where most of the mass of laws with tails is.
 */
static void check_mean(const char *text)
{
    struct law *law = law_of(text);
    const int steps = 300000;
    double low = law_quantile_ns(law, 0), range = law_quantile_ns(law, 1) - low, integral = 0;
    for (int step = 0; step < steps; step++) {
        double t = (step + 0.5) / steps;
        integral += (1 - law_cdf(law, low + range * t * t * t)) * 3 * range * t * t / steps;
    }
    double mean = law_mean_ns(law);
    if (fabs(low + integral - mean) > 2e-5 * mean) {
        fail_msg("%s: mean %.17g, integral %.17g", text, mean, low + integral);
    }
    law_free(law);
}

static void means_are_those_of_the_cdf(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LENGTH(continuous); i++) {
        check_mean(continuous[i]);
    }
    for (size_t i = 0; i < ARRAY_LENGTH(discrete); i++) {
        check_mean(discrete[i]);
    }
}

static int write_table(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }
    int result = fputs(text, file);
    return fclose(file) == 0 && result >= 0 ? 0 : -1;
}

static int write_tables(void **state)
{
    (void)state;
    return write_table(TABLE_PATH, "# from a trace\n0 10ms\n0.5, 20ms\r\n0.9\t1s # slow\n1 2s\n") |
           write_table(STEPS_PATH, "0 1s\n0.25 1s\n0.75 2s\n1 2s\n");
}

static int remove_tables(void **state)
{
    (void)state;
    return unlink(TABLE_PATH) | unlink(STEPS_PATH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_follow_the_cdf),
        cmocka_unit_test(kolmogorov_tells_laws_apart),
        cmocka_unit_test(quantiles_invert_the_cdf),
        cmocka_unit_test(quantiles_rise_inside_the_bounds),
        cmocka_unit_test(means_are_those_of_the_cdf),
    };
    return cmocka_run_group_tests(tests, write_tables, remove_tables);
}
