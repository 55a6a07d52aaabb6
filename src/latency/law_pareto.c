/*
 * `pareto(MIN,ALPHA)`: P(X > x) = (MIN / x)^ALPHA from MIN on, conditioned on x <= max_delay.
 */
#include "latency/law_kind.h"

#include <math.h>

#define ALPHA_MINIMUM 0.01
#define ALPHA_MAXIMUM 1000.0

struct law_pareto {
    struct law law;
    int64_t minimum_ns;
    struct decimal alpha_text;
    double alpha;
    double highest_ns; /* max_delay */
    double inside;     /* P(X <= max_delay), before */
};

static const struct law_pareto *pareto_of(const struct law *law)
{
    return (const struct law_pareto *)law;
}

static int parse_arguments(struct law_parser *parser, struct law_pareto *law)
{
    size_t offset = law_parser_position(parser);
    int result = law_parser_duration(parser, &law->minimum_ns);
    if (result == 0) {
        result = law_parser_byte(parser, ',');
    }
    size_t alpha_offset = law_parser_position(parser);
    if (result == 0) {
        result = law_parser_decimal(parser, &law->alpha_text);
    }
    if (result < 0) {
        return result;
    }
    if (law->minimum_ns == 0) {
        return parse_error_set(parser->error, offset,
                               "the minimum at character %zu must be above 0s", offset + 1);
    }
    law->alpha = decimal_value(law->alpha_text);
    if (law->alpha < ALPHA_MINIMUM || law->alpha > ALPHA_MAXIMUM) {
        return parse_error_set(parser->error, alpha_offset,
                               "alpha at character %zu must be from 0.01 to 1000",
                               alpha_offset + 1);
    }
    double ratio = (double)law->minimum_ns / law->highest_ns;
    law->inside = ratio < 1 ? -expm1(law->alpha * log(ratio)) : 0;
    return law_parser_mass(parser, offset, law->inside);
}

static int pareto_parse(struct law_parser *parser, struct law **ret_law)
{
    struct law_pareto law = {.highest_ns = (double)parser->limits->max_delay_ns};
    int result = parse_arguments(parser, &law);
    if (result == 0) {
        result = law_allocate(sizeof law, ret_law);
    }
    if (result == 0) {
        *(struct law_pareto *)*ret_law = law;
    }
    return result;
}

static void pareto_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, pareto_of(law)->minimum_ns);
    buffer_append_byte(buffer, ',');
    buffer_append_decimal(buffer, pareto_of(law)->alpha_text);
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_pareto *pareto = pareto_of(law);
    double minimum = (double)pareto->minimum_ns;
    if (x_ns <= minimum) {
        return 0;
    }
    return x_ns >= pareto->highest_ns
               ? 1
               : fmin(-expm1(pareto->alpha * log(minimum / x_ns)) / pareto->inside, 1);
}

static double quantile(const struct law *law, double q)
{
    const struct law_pareto *pareto = pareto_of(law);
    double x_ns = (double)pareto->minimum_ns * exp(-log1p(-q * pareto->inside) / pareto->alpha);
    return fmin(x_ns, pareto->highest_ns);
}

/* The integral of x times the density; with e = alpha - 1 and L = ln(max / min) it holds
 * (1 - exp(-e L)) / e, which is L where alpha is 1, and must not lose its digits near it. */
static double mean(const struct law *law)
{
    const struct law_pareto *pareto = pareto_of(law);
    double minimum = (double)pareto->minimum_ns;
    double excess = pareto->alpha - 1, length = log(pareto->highest_ns / minimum);
    double integral = excess == 0 ? length : -expm1(-excess * length) / excess;
    return pareto->alpha * minimum * integral / pareto->inside;
}

const struct law_kind law_kind_pareto = {
    .name = SPAN("pareto"),
    .parse = pareto_parse,
    .print = pareto_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
};
