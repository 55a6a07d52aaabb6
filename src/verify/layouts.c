#include "verify/layouts.h"

#include "verify/window.h"

#include <math.h>
#include <string.h>

#define DOUBLINGS 14 /* from a millisecond to 16.4 s */
#define STEPS_OF_HALF (2 * DOUBLINGS)
#define FITTED_WIDTH 0.05
#define NATIVE_SCHEMA 3 /* growth 1.09, what a factor of 1.1 comes to */

static double two_digits(double value)
{
    double scale = pow(10, floor(log10(value)) - 2);
    return round(value / scale) * scale;
}

static void add_bound(struct layout *layout, double bound)
{
    size_t count = layout->bound_count;
    if (count < LAYOUT_MAX_BOUNDS && isfinite(bound) && bound > 0 &&
        (count == 0 || bound > layout->bounds[count - 1] * (1 + 1e-6))) {
        layout->bounds[layout->bound_count++] = bound;
    }
}

/* Bounds closely around each quantile that was asked for: few buckets, where they are needed. */
static void fit(const struct verification *verification, struct layout *layout)
{
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        double quantile = window_true_quantile(verification, verify_quantiles[i]);
        if (quantile > 0) {
            add_bound(layout, two_digits(quantile * (1 - FITTED_WIDTH / 2)));
            add_bound(layout, two_digits(quantile * (1 + FITTED_WIDTH / 2)));
        }
    }
}

static void make_layouts(const struct verification *verification, struct layout *layouts)
{
    static const double client_golang[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
    layouts[0].name = "this server's";
    for (size_t i = 0; i < verification->bound_count; i++) {
        add_bound(&layouts[0], verification->bounds[i]);
    }
    layouts[1].name = "client_golang's default";
    for (size_t i = 0; i < ARRAY_LENGTH(client_golang); i++) {
        add_bound(&layouts[1], client_golang[i]);
    }
    layouts[2].name = "factor 1.41, 1 ms to 16 s";
    for (unsigned i = 0; i <= STEPS_OF_HALF; i++) {
        add_bound(&layouts[2], 0.001 * exp2(i / 2.0));
    }
    layouts[3].name = "fitted: 2.5 % around each";
    fit(verification, &layouts[3]);
    layouts[4].name = "native, factor 1.1";
}

static double native_answer(const struct verification *verification, double q)
{
    double lower = 0;
    double upper = 0;
    double quantile = window_true_quantile(verification, q);
    if (!(quantile > 0)) {
        return quantile;
    }
    native_ends(NATIVE_SCHEMA, quantile, &lower, &upper);
    double below = window_true_share(verification, lower);
    double inside = window_true_share(verification, upper) - below;
    return inside > 0 ? lower + (upper - lower) * fmin((q - below) / inside, 1) : upper;
}

static void answer(const struct verification *verification, struct layout *layout)
{
    double counts[LAYOUT_MAX_BOUNDS + 1];
    for (size_t i = 0; i < layout->bound_count; i++) {
        counts[i] = window_true_share(verification, layout->bounds[i]);
    }
    counts[layout->bound_count] = 1;
    const struct buckets buckets = {
        .bounds = layout->bounds, .counts = counts, .bound_count = layout->bound_count};
    for (size_t i = 0; i < VERIFY_QUANTILES; i++) {
        double q = verify_quantiles[i];
        double truth = window_true_quantile(verification, q);
        layout->seconds[i] = layout->bound_count == 0 ? native_answer(verification, q)
                                                      : buckets_quantile(&buckets, q);
        double error = layout->seconds[i] / truth - 1;
        layout->worst_error = fabs(error) > fabs(layout->worst_error) ? error : layout->worst_error;
    }
}

bool layouts_compute(const struct verification *verification, struct layout ret_layouts[LAYOUTS])
{
    if (!verification->has_window || !(verification->true_count > 0)) {
        return false;
    }
    memset(ret_layouts, 0, LAYOUTS * sizeof *ret_layouts);
    make_layouts(verification, ret_layouts);
    for (size_t i = 0; i < LAYOUTS; i++) {
        answer(verification, &ret_layouts[i]);
    }
    return true;
}
