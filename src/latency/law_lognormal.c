/*
 * `lognormal(P50,P99)`: the law whose logarithm is normal, given by its median and its 99th
 * percentile, conditioned on x <= max_delay. P99 may be P50.
 */
#include "latency/law_kind.h"
#include "latency/normal_distribution.h"

#include <math.h>

struct law_lognormal {
    struct law law;
    int64_t p50_ns, p99_ns; /* of the law before it was conditioned */
    double scale;           /* standard deviation of ln X */
    double highest_ns;      /* max_delay */
    double inside;          /* P(X <= max_delay) */
    double conditioned_mean_ns;
};

static const struct law_lognormal *lognormal_of(const struct law *law)
{
    return (const struct law_lognormal *)law;
}

/* ln(x / P50) without losing digits where x is near P50. */
static double distance(const struct law_lognormal *law, double x_ns)
{
    double p50_ns = (double)law->p50_ns;
    return log1p((x_ns - p50_ns) / p50_ns);
}

/* What follows from the parameters, which are set. */
static void prepare(struct law_lognormal *law)
{
    law->scale = distance(law, (double)law->p99_ns) / normal_quantile(0.99);
    if (law->scale == 0) {
        law->inside = (double)law->p50_ns <= law->highest_ns ? 1 : 0;
        law->conditioned_mean_ns = (double)law->p50_ns;
        return;
    }
    double high = distance(law, law->highest_ns) / law->scale;
    law->inside = normal_cdf(high);
    law->conditioned_mean_ns = (double)law->p50_ns * exp(law->scale * law->scale / 2) *
                               normal_cdf(high - law->scale) / law->inside;
}

static int lognormal_parse(struct law_parser *parser, struct law **ret_law)
{
    struct law_two_durations both = {0};
    int result = law_parser_two_durations(parser, &both);
    if (result < 0) {
        return result;
    }
    if (both.first_ns == 0) {
        return parse_error_set(parser->error, both.first_offset,
                               "the median at character %zu must be above 0s",
                               both.first_offset + 1);
    }
    if (both.second_ns < both.first_ns) {
        return parse_error_set(parser->error, both.second_offset,
                               "the 99th percentile at character %zu is below the median",
                               both.second_offset + 1);
    }
    struct law_lognormal law = {.p50_ns = both.first_ns,
                                .p99_ns = both.second_ns,
                                .highest_ns = (double)parser->limits->max_delay_ns};
    prepare(&law);
    result = law_parser_mass(parser, both.first_offset, law.inside);
    if (result == 0) {
        result = law_allocate(sizeof law, ret_law);
    }
    if (result == 0) {
        *(struct law_lognormal *)*ret_law = law;
    }
    return result;
}

static void lognormal_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, lognormal_of(law)->p50_ns);
    buffer_append_byte(buffer, ',');
    law_append_quantity(buffer, law, lognormal_of(law)->p99_ns);
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_lognormal *lognormal = lognormal_of(law);
    if (lognormal->scale == 0) {
        return x_ns >= (double)lognormal->p50_ns ? 1 : 0;
    }
    if (x_ns >= lognormal->highest_ns) {
        return 1;
    }
    return x_ns <= 0
               ? 0
               : fmin(normal_cdf(distance(lognormal, x_ns) / lognormal->scale) / lognormal->inside,
                      1);
}

static double quantile(const struct law *law, double q)
{
    const struct law_lognormal *lognormal = lognormal_of(law);
    if (lognormal->scale == 0) {
        return (double)lognormal->p50_ns;
    }
    double p50_ns = (double)lognormal->p50_ns;
    double z = normal_quantile(q * lognormal->inside);
    /* At the upper end, rounding may lead outside the support. */
    return fmin(p50_ns + p50_ns * expm1(z * lognormal->scale), lognormal->highest_ns);
}

static double mean(const struct law *law)
{
    return lognormal_of(law)->conditioned_mean_ns;
}

static bool draws(const struct law *law)
{
    return lognormal_of(law)->scale != 0;
}

const struct law_kind law_kind_lognormal = {
    .name = SPAN("lognormal"),
    .parse = lognormal_parse,
    .print = lognormal_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .draws = draws,
};
