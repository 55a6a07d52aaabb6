/*
 * Quantiles of bucketed counts, as PromQL's histogram_quantile() computes them (Prometheus,
 * promql/quantile.go): linear between a bucket's ends, the first one from 0, and the highest finite
 * bound for whatever lies above it. Pure functions, any thread.
 */
#pragma once

#include <stddef.h>

/* Cumulative counts: `counts` has one more item than `bounds`, the last one for +Inf. */
struct buckets {
    const double *bounds; /* ascending; not owned */
    const double *counts; /* not owned; a decrease counts as no increase */
    size_t bound_count;
};

/* NaN without observations or bounds, or for a q outside 0 to 1. */
double buckets_quantile(const struct buckets *buckets, double q);

/*
 * The index of the bucket that holds the observation of rank q times the number of observations:
 * the first whose count reaches it; bound_count is the one for +Inf.
 */
size_t buckets_index_of_rank(const struct buckets *buckets, double q);

/* The ends of a bucket: the first one begins at 0, the last one ends at +Inf. */
double bucket_lower(const struct buckets *buckets, size_t index);
double bucket_upper(const struct buckets *buckets, size_t index);

/*
 * One bucket of a native histogram: growth from one bound to the next is 2^(2^-schema)
 * (Prometheus' native histograms, schemas -4 to 8).
 */
struct native_bucket {
    double lower, upper, count; /* not cumulative; ascending, empty ones left out */
};

/* As histogram_quantile() does for native histograms without negative values and without NaN. */
double native_quantile(const struct native_bucket *buckets, size_t count, double q);

/* The ends of the native bucket of this schema that `x` > 0 falls into: lower < x <= upper. */
void native_ends(int schema, double x, double *ret_lower, double *ret_upper);

/* The schema whose buckets end as these do; -5 when there is none such. */
int native_schema(double lower, double upper);
