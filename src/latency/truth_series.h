/*
 * The ground truth from second to second, for the live page: of each slot what was served in the
 * last step, in a window of the last steps, and since start. A step makes a cut (see truth.h), so
 * all of its figures belong to the same requests, and the steps add up to exactly what /truth says.
 *
 * Memory is taken as address space for slots that have recorded something, 4.3 MiB for each, and
 * backed where it is touched. One thread at a time; the main thread.
 */
#pragma once

#include "latency/truth_answer.h"

/* An octave of durations has 2^5 coarse bins, each of 2^4 of the sketch's. */
#define TRUTH_COARSE_BITS 5
#define TRUTH_COARSE_SHIFT (SKETCH_BITS - TRUTH_COARSE_BITS)
#define TRUTH_COARSE_BINS (SKETCH_BINS >> TRUTH_COARSE_SHIFT)

#define TRUTH_WINDOW_STEPS 60

/* How much longer requests waited than was drawn for them. */
struct truth_overshoot {
    uint64_t count; /* of requests with a delay */
    __int128 sum_ns;
};

/* Of one slot, as of the last step. Minimum and maximum of the window are as exact as a quantile.
 */
struct truth_step {
    uint64_t count;         /* served in the step */
    const uint64_t *coarse; /* them by coarse bin, TRUTH_COARSE_BINS counts */
    struct truth_overshoot overshoot, window_overshoot;
    struct truth_figures window, total; /* served; total as truth_answer_figures() has it */
    uint64_t buckets[TRUTH_BOUNDS + 1]; /* of total, as truth_answer_buckets() has them */
};

struct truth_series;

/* Of all slots, with these quantiles; the truth must outlive it. NULL without memory. */
WARN_UNUSED struct truth_series *truth_series_new(struct truth *truth,
                                                  const struct truth_question *question);
void truth_series_free(struct truth_series *series); /* NULL is allowed */

/* Takes what was recorded since the last step. A slot without memory is left out. */
void truth_series_step(struct truth_series *series);

/* False for a slot that has not recorded anything. The window's figures are worked out here. */
WARN_UNUSED bool truth_series_look(const struct truth_series *series, unsigned slot,
                                   struct truth_step *ret_step);

/*
 * The shortest duration of a bin, in nanoseconds, where an octave has 2^bits of them, up to
 * SKETCH_BITS.
 */
double truth_coarse_bound_ns(uint32_t bin, unsigned bits);
