/*
 * Advice on buckets: what PromQL would say with other layouts, computed from the true distribution
 * of the window. Private to src/verify.
 */
#pragma once

#include "verify/verification.h"

#define LAYOUTS 5
#define LAYOUT_MAX_BOUNDS 64

struct layout {
    const char *name;
    size_t bound_count; /* 0: native */
    double bounds[LAYOUT_MAX_BOUNDS];
    double seconds[VERIFY_QUANTILES]; /* what histogram_quantile() would answer */
    double worst_error;               /* relative to the truth, of these, by its amount */
};

/* Fills all; false when there is no distribution. */
bool layouts_compute(const struct verification *verification,
                     struct layout ret_layouts[LAYOUTS]) WARN_UNUSED;
