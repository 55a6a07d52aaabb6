/*
 * What PromQL's rate() and increase() make of the samples in a window: the increase between the
 * first and the last, stretched towards the window's ends (Prometheus, promql/functions.go,
 * extrapolatedRate). Pure functions, any thread.
 */
#pragma once

#include <stddef.h>

/* Up to 2.x the zero point limits the stretch first, later the distance to the window's start. */
enum extrapolation {
    EXTRAPOLATION_ZERO_FIRST,
    EXTRAPOLATION_DISTANCE_FIRST,
    EXTRAPOLATIONS,
};

/* A counter's samples in a window, without resets; times in seconds. */
struct counter_samples {
    double window_start, window_end;
    double first_time, last_time;
    double first_value, last_value;
    size_t count;
};

/* As increase() gives it; NaN with fewer than two samples. */
double extrapolated_increase(const struct counter_samples *samples, enum extrapolation order);
