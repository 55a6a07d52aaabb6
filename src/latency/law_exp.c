/*
 * `exp(MEAN)`: the exponential law, conditioned on x <= max_delay. MEAN is that of the law before.
 */
#include "latency/law_kind.h"

#include <math.h>

struct law_exp {
    struct law law;
    int64_t mean_ns;   /* of the law before it was conditioned */
    double highest_ns; /* max_delay */
    double inside;     /* P(X <= max_delay) */
};

static const struct law_exp *exp_of(const struct law *law)
{
    return (const struct law_exp *)law;
}

static int exp_parse(struct law_parser *parser, struct law **ret_law)
{
    struct law_exp law = {.highest_ns = (double)parser->limits->max_delay_ns};
    size_t offset = law_parser_position(parser);
    int result = law_parser_duration(parser, &law.mean_ns);
    if (result < 0) {
        return result;
    }
    if (law.mean_ns == 0) {
        return parse_error_set(parser->error, offset, "the mean at character %zu must be above 0s",
                               offset + 1);
    }
    law.inside = -expm1(-law.highest_ns / (double)law.mean_ns);
    result = law_parser_mass(parser, offset, law.inside);
    if (result == 0) {
        result = law_allocate(sizeof law, ret_law);
    }
    if (result == 0) {
        *(struct law_exp *)*ret_law = law;
    }
    return result;
}

static void exp_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, exp_of(law)->mean_ns);
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_exp *exponential = exp_of(law);
    return x_ns >= exponential->highest_ns
               ? 1
               : -expm1(-x_ns / (double)exponential->mean_ns) / exponential->inside;
}

static double quantile(const struct law *law, double q)
{
    const struct law_exp *exponential = exp_of(law);
    double x_ns = -(double)exponential->mean_ns * log1p(-q * exponential->inside);
    return fmin(x_ns, exponential->highest_ns); /* infinite at q = 1 when all mass is inside */
}

static double mean(const struct law *law)
{
    const struct law_exp *exponential = exp_of(law);
    double before = (double)exponential->mean_ns;
    return before -
           exponential->highest_ns * exp(-exponential->highest_ns / before) / exponential->inside;
}

const struct law_kind law_kind_exp = {
    .name = SPAN("exp"),
    .parse = exp_parse,
    .print = exp_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
};
