#include "verify/extrapolation.h"

#include <math.h>

/* A gap up to this many intervals counts as the usual one between samples. */
#define THRESHOLD 1.1

double extrapolated_increase(const struct counter_samples *samples, enum extrapolation order)
{
    if (samples->count < 2 || !(samples->last_time > samples->first_time)) {
        return (double)NAN;
    }
    double increase = samples->last_value - samples->first_value;
    double sampled = samples->last_time - samples->first_time;
    double average = sampled / (double)(samples->count - 1);
    double start = samples->first_time - samples->window_start;
    double end = samples->window_end - samples->last_time;
    /* The counter cannot have been below zero before its first sample. */
    double to_zero = increase > 0 && samples->first_value >= 0
                         ? sampled * (samples->first_value / increase)
                         : (double)INFINITY;
    if (order == EXTRAPOLATION_ZERO_FIRST) {
        start = fmin(start, to_zero);
    }
    if (start >= THRESHOLD * average) {
        start = average / 2;
    }
    if (order == EXTRAPOLATION_DISTANCE_FIRST) {
        start = fmin(start, to_zero);
    }
    if (end >= THRESHOLD * average) {
        end = average / 2;
    }
    return increase * ((sampled + start + end) / sampled);
}
