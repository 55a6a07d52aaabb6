/*
 * How far PromQL's quantile may be from the true one, derived, not chosen (docs/verify.md has the
 * derivation). Pure functions, any thread.
 */
#pragma once

#include "verify/histogram_quantile.h"

#include <stddef.h>

/*
 * How far the rank of one value may differ between two samples of requests, of which one holds
 * `true_count` and the other, for all but `odd_count` of them the same, `seen_count`: four standard
 * deviations of drawing the smaller from the larger one, and a rank of each for being discrete.
 */
double rank_tolerance(double q, double true_count, double seen_count, double odd_count);

/*
 * How far the rank of a bound differs between two sets of cumulative counts over the same bounds,
 * at most: what rate() adds to the ranks by stretching each bucket by a factor of its own.
 */
double rank_shift(const struct buckets *plain, const struct buckets *stretched);

/*
 * The ends of the buckets that ranks from `lower_rank` to `upper_rank` fall into. Beyond the last
 * finite bound, that is the answer that histogram_quantile() gives.
 */
void bucket_tolerance(const struct buckets *buckets, double lower_rank, double upper_rank,
                      double *ret_lower, double *ret_upper);
