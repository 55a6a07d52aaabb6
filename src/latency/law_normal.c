/*
 * `normal(MEAN,SD)`: the normal law, conditioned on 0 <= x <= max_delay. SD may be 0.
 */
#include "latency/law_kind.h"
#include "latency/normal_distribution.h"

#include <math.h>

struct law_normal {
    struct law law;
    int64_t mean_ns, deviation_ns; /* of the law before it was conditioned */
    double highest_ns;             /* max_delay */
    double below;                  /* P(X < 0) */
    double inside;                 /* P(0 <= X <= max_delay) */
    double conditioned_mean_ns;
};

static const struct law_normal *normal_of(const struct law *law)
{
    return (const struct law_normal *)law;
}

/* What follows from the parameters, which are set. */
static void prepare(struct law_normal *normal)
{
    double mean = (double)normal->mean_ns, deviation = (double)normal->deviation_ns;
    if (normal->deviation_ns == 0) {
        normal->inside = mean <= normal->highest_ns ? 1 : 0;
        normal->conditioned_mean_ns = mean;
        return;
    }
    double low = -mean / deviation, high = (normal->highest_ns - mean) / deviation;
    normal->below = normal_cdf(low);
    normal->inside = normal_cdf(high) - normal->below;
    normal->conditioned_mean_ns =
        mean + deviation * (normal_density(low) - normal_density(high)) / normal->inside;
}

static int normal_parse(struct law_parser *parser, struct law **ret_law)
{
    struct law_two_durations both = {0};
    int result = law_parser_two_durations(parser, &both);
    if (result < 0) {
        return result;
    }
    struct law_normal normal = {.mean_ns = both.first_ns,
                                .deviation_ns = both.second_ns,
                                .highest_ns = (double)parser->limits->max_delay_ns};
    prepare(&normal);
    result = law_parser_mass(parser, both.first_offset, normal.inside);
    if (result == 0) {
        result = law_allocate(sizeof normal, ret_law);
    }
    if (result == 0) {
        *(struct law_normal *)*ret_law = normal;
    }
    return result;
}

static void normal_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, normal_of(law)->mean_ns);
    buffer_append_byte(buffer, ',');
    law_append_quantity(buffer, law, normal_of(law)->deviation_ns);
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_normal *normal = normal_of(law);
    if (normal->deviation_ns == 0) {
        return x_ns >= (double)normal->mean_ns ? 1 : 0;
    }
    if (x_ns >= normal->highest_ns) {
        return 1;
    }
    double z = (x_ns - (double)normal->mean_ns) / (double)normal->deviation_ns;
    return fmin((normal_cdf(z) - normal->below) / normal->inside, 1);
}

static double quantile(const struct law *law, double q)
{
    const struct law_normal *normal = normal_of(law);
    if (normal->deviation_ns == 0) {
        return (double)normal->mean_ns;
    }
    double z = normal_quantile(normal->below + q * normal->inside);
    double x_ns = (double)normal->mean_ns + z * (double)normal->deviation_ns;
    /* At the very ends, rounding may lead outside the support, or z be infinite. */
    return fmin(fmax(x_ns, 0), normal->highest_ns);
}

static double mean(const struct law *law)
{
    return normal_of(law)->conditioned_mean_ns;
}

static bool draws(const struct law *law)
{
    return normal_of(law)->deviation_ns != 0;
}

const struct law_kind law_kind_normal = {
    .name = SPAN("normal"),
    .parse = normal_parse,
    .print = normal_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .draws = draws,
};
