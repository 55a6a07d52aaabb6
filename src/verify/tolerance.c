#include "verify/tolerance.h"

#include "base/assert.h"

#include <math.h>

#define DEVIATIONS 4.0 /* a false alarm in 16,000 */

double rank_tolerance(double q, double true_count, double seen_count, double odd_count)
{
    if (!(true_count > 0) || !(seen_count > 0)) {
        return 1;
    }
    double odd = fmin(fmax(odd_count, 0), true_count + seen_count);
    double deviation = sqrt(q * (1 - q) * odd / (true_count * seen_count));
    return fmin(DEVIATIONS * deviation + 1 / true_count + 1 / seen_count, 1);
}

double rank_shift(const struct buckets *plain, const struct buckets *stretched)
{
    double worst = 0;
    double plain_all = plain->counts[plain->bound_count];
    double stretched_all = stretched->counts[stretched->bound_count];
    for (size_t i = 0; i < plain->bound_count && plain_all > 0 && stretched_all > 0; i++) {
        worst =
            fmax(worst, fabs(plain->counts[i] / plain_all - stretched->counts[i] / stretched_all));
    }
    return worst;
}

void bucket_tolerance(const struct buckets *buckets, double lower_rank, double upper_rank,
                      double *ret_lower, double *ret_upper)
{
    ASSERT(buckets->bound_count > 0);
    size_t lower = buckets_index_of_rank(buckets, fmax(lower_rank, 0));
    size_t upper = buckets_index_of_rank(buckets, fmin(upper_rank, 1));
    size_t last = buckets->bound_count - 1;
    *ret_lower = bucket_lower(buckets, lower);
    *ret_upper = bucket_upper(buckets, upper < last ? upper : last);
}
