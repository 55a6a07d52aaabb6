/*
 * `uniform(MIN,MAX)`: every delay from MIN to MAX is equally likely; MIN may be MAX.
 */
#include "latency/law_kind.h"

struct law_uniform {
    struct law law;
    int64_t minimum_ns;
    int64_t maximum_ns;
};

static const struct law_uniform *uniform_of(const struct law *law)
{
    return (const struct law_uniform *)law;
}

static int uniform_parse(struct law_parser *parser, struct law **ret_law)
{
    int64_t minimum_ns = 0, maximum_ns = 0;
    int result = law_parser_bound(parser, &minimum_ns);
    if (result == 0) {
        result = law_parser_byte(parser, ',');
    }
    size_t position = law_parser_position(parser);
    if (result == 0) {
        result = law_parser_bound(parser, &maximum_ns);
    }
    if (result < 0) {
        return result;
    }
    if (maximum_ns < minimum_ns) {
        return parse_error_set(parser->error, position,
                               "the maximum at character %zu is below the minimum", position + 1);
    }
    result = law_allocate(sizeof(struct law_uniform), ret_law);
    if (result == 0) {
        struct law_uniform *uniform = (struct law_uniform *)*ret_law;
        uniform->minimum_ns = minimum_ns;
        uniform->maximum_ns = maximum_ns;
    }
    return result;
}

static void uniform_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, uniform_of(law)->minimum_ns);
    buffer_append_byte(buffer, ',');
    law_append_quantity(buffer, law, uniform_of(law)->maximum_ns);
}

static double uniform_cdf(const struct law *law, double x_ns)
{
    double minimum = (double)uniform_of(law)->minimum_ns;
    double maximum = (double)uniform_of(law)->maximum_ns;
    if (x_ns < minimum) {
        return 0;
    }
    return x_ns >= maximum ? 1 : (x_ns - minimum) / (maximum - minimum);
}

static double uniform_quantile(const struct law *law, double q)
{
    const struct law_uniform *uniform = uniform_of(law);
    return (double)uniform->minimum_ns + q * (double)(uniform->maximum_ns - uniform->minimum_ns);
}

static double uniform_mean(const struct law *law)
{
    /* Both are at most a day: the sum is far from overflow. */
    return (double)(uniform_of(law)->minimum_ns + uniform_of(law)->maximum_ns) / 2;
}

static bool uniform_draws(const struct law *law)
{
    return uniform_of(law)->minimum_ns != uniform_of(law)->maximum_ns;
}

const struct law_kind law_kind_uniform = {
    .name = SPAN("uniform"),
    .parse = uniform_parse,
    .print = uniform_print,
    .cdf = uniform_cdf,
    .quantile = uniform_quantile,
    .mean = uniform_mean,
    .draws = uniform_draws,
};
