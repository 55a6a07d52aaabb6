/*
 * From the user's handles to series and back: a handle is the series' first member.
 */
#pragma once

#include "meter/series.h"

static inline struct series *series_of_counter(struct meter_counter *counter)
{
    return (struct series *)(void *)counter;
}

static inline struct series *series_of_gauge(struct meter_gauge *gauge)
{
    return (struct series *)(void *)gauge;
}

static inline struct series *series_of_histogram(struct meter_histogram *histogram)
{
    return (struct series *)(void *)histogram;
}

static inline struct series *series_of_summary(struct meter_summary *summary)
{
    return (struct series *)(void *)summary;
}

static inline struct series *series_of_state_set(struct meter_state_set *state_set)
{
    return (struct series *)(void *)state_set;
}
