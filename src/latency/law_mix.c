/*
 * `mix(0.9:LAW,0.1:LAW)`: one of the laws, with these weights, which need not add up to 1.
 */
#include "latency/law_kind.h"

#include <errno.h>
#include <math.h>

/* Quantiles are found by halving, until there is no double between; near 0 that is far enough. */
#define HALVINGS_MAX 128

struct part {
    struct law *law; /* owned */
    struct decimal weight_text;
    double weight; /* of all, so that they add up to 1 */
};

struct law_mix {
    struct law law;
    size_t count;
    struct part parts[LAW_PARTS_MAX];
};

static const struct law_mix *mix_of(const struct law *law)
{
    return (const struct law_mix *)law;
}

static void mix_release(struct law *law)
{
    struct law_mix *mix = (struct law_mix *)law;
    for (size_t i = 0; i < mix->count; i++) {
        law_free(mix->parts[i].law);
    }
}

static int parse_part(struct law_parser *parser, struct law_mix *mix)
{
    struct part part = {0};
    size_t offset = law_parser_position(parser);
    if (mix->count == LAW_PARTS_MAX) {
        return parse_error_set(parser->error, offset, "more than %d laws in a mix at character %zu",
                               LAW_PARTS_MAX, offset + 1);
    }
    int result = law_parser_decimal(parser, &part.weight_text);
    if (result < 0) {
        return result;
    }
    if (part.weight_text.digits == 0) {
        return parse_error_set(parser->error, offset, "the weight at character %zu must be above 0",
                               offset + 1);
    }
    result = law_parser_byte(parser, ':');
    if (result == 0) {
        result = law_parser_law(parser, &part.law);
    }
    if (result == 0) {
        mix->parts[mix->count++] = part;
    }
    return result;
}

static void normalise_weights(struct law_mix *mix)
{
    double sum = 0;
    for (size_t i = 0; i < mix->count; i++) {
        sum += decimal_value(mix->parts[i].weight_text);
    }
    for (size_t i = 0; i < mix->count; i++) {
        mix->parts[i].weight = decimal_value(mix->parts[i].weight_text) / sum;
    }
}

static int mix_parse(struct law_parser *parser, struct law **ret_law)
{
    struct law *law = NULL;
    int result = law_allocate(sizeof(struct law_mix), &law);
    if (result < 0) {
        return result;
    }
    law->kind = &law_kind_mix;
    struct law_mix *mix = (struct law_mix *)law;
    do {
        result = parse_part(parser, mix);
    } while (result == 0 && law_parser_accepts(parser, ','));
    if (result < 0) {
        law_free(law);
        return result;
    }
    normalise_weights(mix);
    *ret_law = law;
    return 0;
}

static void mix_print(struct buffer *buffer, const struct law *law)
{
    const struct law_mix *mix = mix_of(law);
    for (size_t i = 0; i < mix->count; i++) {
        if (i > 0) {
            buffer_append_byte(buffer, ',');
        }
        buffer_append_decimal(buffer, mix->parts[i].weight_text);
        buffer_append_byte(buffer, ':');
        buffer_append_law(buffer, mix->parts[i].law);
    }
}

static double cdf(const struct law *law, double x_ns)
{
    const struct law_mix *mix = mix_of(law);
    double sum = 0, compensation = 0;
    bool whole = true;
    for (size_t i = 0; i < mix->count; i++) {
        double part = law_cdf(mix->parts[i].law, x_ns);
        whole &= part == 1;
        /* Kahan's summation, so that 0.1 ten times is 1. */
        double term = mix->parts[i].weight * part - compensation;
        double next = sum + term;
        compensation = next - sum - term;
        sum = next;
    }
    return whole ? 1 : fmin(sum, 1);
}

static double quantile(const struct law *law, double q)
{
    const struct law_mix *mix = mix_of(law);
    double low = HUGE_VAL, high = 0;
    for (size_t i = 0; i < mix->count; i++) {
        double x_ns = law_quantile_ns(mix->parts[i].law, q);
        low = fmin(low, x_ns);
        high = fmax(high, x_ns);
    }
    if (low == high || cdf(law, low) >= q) {
        return low;
    }
    if (q == 1) {
        return high; /* the cdf's rounding must not end the support early */
    }
    for (int i = 0; i < HALVINGS_MAX; i++) {
        double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high) {
            break;
        }
        if (cdf(law, middle) >= q) {
            high = middle;
        } else {
            low = middle;
        }
    }
    return high;
}

static double mean(const struct law *law)
{
    const struct law_mix *mix = mix_of(law);
    double sum = 0;
    for (size_t i = 0; i < mix->count; i++) {
        sum += mix->parts[i].weight * law_mean_ns(mix->parts[i].law);
    }
    return sum;
}

/*
 * Which law is chosen and what is drawn from it come from the one number: where it lies among the
 * weights, and where between two of them. Much cheaper than the quantile, and as exact.
 */
static double sample(const struct law *law, double unit)
{
    const struct law_mix *mix = mix_of(law);
    size_t i = 0;
    while (i + 1 < mix->count && unit >= mix->parts[i].weight) {
        unit -= mix->parts[i].weight;
        i++;
    }
    const struct part *part = &mix->parts[i];
    double inner = fmin(fmax(unit / part->weight, 0x1p-53), 1 - 0x1p-53);
    const struct law *chosen = part->law;
    return chosen->kind->sample != NULL ? chosen->kind->sample(chosen, inner)
                                        : chosen->kind->quantile(chosen, inner);
}

static bool draws(const struct law *law)
{
    return mix_of(law)->count > 1 || law_draws(mix_of(law)->parts[0].law);
}

static bool equals(const struct law *law, const struct law *other)
{
    for (size_t i = 0; i < mix_of(law)->count; i++) {
        if (!law_equals(mix_of(law)->parts[i].law, mix_of(other)->parts[i].law)) {
            return false;
        }
    }
    return true;
}

const struct law_kind law_kind_mix = {
    .name = SPAN("mix"),
    .parse = mix_parse,
    .print = mix_print,
    .cdf = cdf,
    .quantile = quantile,
    .mean = mean,
    .sample = sample,
    .draws = draws,
    .equals = equals,
    .release = mix_release,
};
