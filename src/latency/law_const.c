/*
 * `const(200ms)`: always the same delay. `none`: no delay at all.
 */
#include "latency/law_kind.h"

struct law_const {
    struct law law;
    int64_t value_ns;
};

static const struct law_const *const_of(const struct law *law)
{
    return (const struct law_const *)law;
}

static int const_parse(struct law_parser *parser, struct law **ret_law)
{
    int64_t value_ns = 0;
    int result = law_parser_bound(parser, &value_ns);
    if (result < 0) {
        return result;
    }
    result = law_allocate(sizeof(struct law_const), ret_law);
    if (result == 0) {
        ((struct law_const *)*ret_law)->value_ns = value_ns;
    }
    return result;
}

static void const_print(struct buffer *buffer, const struct law *law)
{
    law_append_quantity(buffer, law, const_of(law)->value_ns);
}

static double const_cdf(const struct law *law, double x_ns)
{
    return x_ns >= (double)const_of(law)->value_ns ? 1 : 0;
}

static double const_quantile(const struct law *law, double q)
{
    (void)q;
    return (double)const_of(law)->value_ns;
}

static double const_mean(const struct law *law)
{
    return (double)const_of(law)->value_ns;
}

static bool never_draws(const struct law *law)
{
    (void)law;
    return false;
}

const struct law_kind law_kind_const = {
    .name = SPAN("const"),
    .parse = const_parse,
    .print = const_print,
    .cdf = const_cdf,
    .quantile = const_quantile,
    .mean = const_mean,
    .draws = never_draws,
};

static double none_cdf(const struct law *law, double x_ns)
{
    (void)law;
    return x_ns >= 0 ? 1 : 0;
}

static double none_quantile(const struct law *law, double q)
{
    (void)law;
    (void)q;
    return 0;
}

static double none_mean(const struct law *law)
{
    (void)law;
    return 0;
}

const struct law_kind law_kind_none = {
    .name = SPAN("none"),
    .cdf = none_cdf,
    .quantile = none_quantile,
    .mean = none_mean,
    .draws = never_draws,
};
