/*
 * What a series is worth now: reading its cells over all shards.
 */
#pragma once

#include "meter/series.h"

/* Counters. The integer part and the fractional part, each summed over the shards; both only grow
 * as long as amounts are not negative, so the value never goes back. */
double value_of_counter(const struct series *series);

/* Gauges; with the family's lock held. */
double value_of_gauge_locked(const struct series *series);

/* Classic buckets: `counts` gets one entry for each bound and one for +Inf, not cumulative. */
void value_of_buckets(const struct series *series, uint64_t *counts, double *ret_sum);

/* Changes (practically always) when the series was updated: for finding idle ones. */
uint64_t value_fingerprint(const struct series *series);
