#include "verify/histogram_quantile.h"

#include <math.h>

#define SCHEMA_FIRST (-4)
#define SCHEMA_LAST 8

/* Counts that decrease are held up to their predecessors, as Prometheus does it. */
static double monotonic_count(const struct buckets *buckets, size_t index)
{
    double most = buckets->counts[0];
    for (size_t i = 1; i <= index; i++) {
        most = buckets->counts[i] > most ? buckets->counts[i] : most;
    }
    return most;
}

size_t buckets_index_of_rank(const struct buckets *buckets, double q)
{
    double rank = q * monotonic_count(buckets, buckets->bound_count);
    size_t index = 0;
    while (index < buckets->bound_count && !(monotonic_count(buckets, index) >= rank)) {
        index++;
    }
    return index;
}

double bucket_lower(const struct buckets *buckets, size_t index)
{
    return index == 0 ? 0 : buckets->bounds[index - 1];
}

double bucket_upper(const struct buckets *buckets, size_t index)
{
    return index == buckets->bound_count ? (double)INFINITY : buckets->bounds[index];
}

double buckets_quantile(const struct buckets *buckets, double q)
{
    if (buckets->bound_count == 0 || !(q >= 0 && q <= 1)) {
        return (double)NAN;
    }
    double observations = monotonic_count(buckets, buckets->bound_count);
    if (!(observations > 0)) {
        return (double)NAN;
    }
    size_t index = buckets_index_of_rank(buckets, q);
    if (index == buckets->bound_count) {
        return buckets->bounds[index - 1];
    }
    double upper = buckets->bounds[index];
    if (index == 0 && upper <= 0) {
        return upper;
    }
    double below = index == 0 ? 0 : monotonic_count(buckets, index - 1);
    double inside = monotonic_count(buckets, index) - below;
    double lower = bucket_lower(buckets, index);
    return lower + (upper - lower) * ((q * observations - below) / inside);
}

double native_quantile(const struct native_bucket *buckets, size_t count, double q)
{
    double observations = 0;
    for (size_t i = 0; i < count; i++) {
        observations += buckets[i].count;
    }
    if (!(observations > 0) || !(q >= 0 && q <= 1)) {
        return (double)NAN;
    }
    double rank = q * observations;
    double below = 0;
    for (size_t i = 0; i < count; i++) {
        const struct native_bucket *bucket = &buckets[i];
        if (below + bucket->count >= rank || i + 1 == count) {
            /* The zero bucket of a histogram without negative values begins at 0. */
            double lower = bucket->lower < 0 ? 0 : bucket->lower;
            double share = bucket->count > 0 ? fmin((rank - below) / bucket->count, 1) : 1;
            return lower + (bucket->upper - lower) * share;
        }
        below += bucket->count;
    }
    return (double)NAN;
}

void native_ends(int schema, double x, double *ret_lower, double *ret_upper)
{
    double per_doubling = ldexp(1, schema); /* buckets for each factor of two */
    double key = ceil(log2(x) * per_doubling - 1e-9);
    *ret_lower = exp2((key - 1) / per_doubling);
    *ret_upper = exp2(key / per_doubling);
}

int native_schema(double lower, double upper)
{
    if (!(lower > 0) || !(upper > lower)) {
        return SCHEMA_FIRST - 1;
    }
    double schema = -log2(log2(upper / lower));
    double whole = round(schema);
    return fabs(schema - whole) < 1e-6 && whole >= SCHEMA_FIRST && whole <= SCHEMA_LAST
               ? (int)whole
               : SCHEMA_FIRST - 1;
}
