/*
 * The ground truth: for each slot (a rule, or a route without one) how long requests were meant to
 * wait (drawn), how long they waited, and how long they took (served): exact counts, sums, minima,
 * maxima, and sketches for quantiles; since start, and for each slice of ten seconds of the last
 * fifteen minutes.
 *
 * A worker records into one of two sides of its own, without atomic read-modify-write instructions
 * and without sharing what it writes. A reader (whoever asks, and the clock that ends slices) turns
 * all workers to the other side, waits until nobody is at the old one any more (base/grace), and
 * takes what is there: a cut. So what is read together belongs together, under any load.
 *
 * Times are nanoseconds. Memory is taken as address space, and backed where it is touched.
 */
#pragma once

#include "base/assert.h"
#include "base/compiler.h"
#include "base/grace.h"
#include "latency/sketch.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TRUTH_MAX_WORKERS 256
#define TRUTH_SLICE_NS INT64_C(10000000000)
#define TRUTH_SLICES 90 /* that are kept: fifteen minutes */
#define TRUTH_MAX_QUANTILES 16

/* Cumulative counts at 1 ms * 2^k, as httpserver_execution_latency_seconds has them; then +Inf. */
#define TRUTH_BOUNDS 15
#define TRUTH_BOUND_NS(k) (INT64_C(1000000) << (k))

enum truth_figure { TRUTH_DRAWN, TRUTH_WAITED, TRUTH_SERVED, TRUTH_FIGURES };

#define TRUTH_NOT_DRAWN INT64_C(-1) /* neither drawn nor waited for */

/* What one worker recorded of one figure since the side was last taken. */
struct truth_tally {
    uint64_t sum_ns; /* 2^64 ns are 584 years of waiting: not within a slice */
    int64_t min_ns;  /* above max_ns: nothing recorded */
    int64_t max_ns;
};

#define TRUTH_TALLY_EMPTY ((struct truth_tally){.min_ns = INT64_MAX, .max_ns = -1})

/* What a recording touches of a slot, but for the bins: three cache lines. */
struct CACHE_ALIGNED truth_slot {
    uint32_t (*bins)[SKETCH_BINS]; /* by figure */
    struct truth_tally tallies[TRUTH_FIGURES];
    uint32_t buckets[TRUTH_BOUNDS + 1]; /* of served; not cumulative */
};

struct truth_side {
    struct truth_slot *slots;
};

/* A worker's share; it alone writes it, but for what a reader takes from the side not in use. */
struct truth_worker {
    const struct truth_turn *turn; /* not owned */
    struct truth_side sides[2];
    struct grace_reader recording;
};

/* Read by all workers, written once for each cut: on cache lines of its own. */
struct CACHE_ALIGNED truth_turn {
    _Atomic uint32_t cuts; /* the lowest bit says which side is in use */
    struct grace grace;
};

struct truth;

/* Both clocks, read together. */
struct truth_time {
    int64_t realtime_ns;
    int64_t monotonic_ns;
};

/* `slots` is above 0. Owned by the caller. NULL without memory. */
WARN_UNUSED struct truth *truth_new(unsigned slots, struct truth_time started);

/* All workers must have ended. NULL is allowed. */
void truth_free(struct truth *truth);

/*
 * A share for one more worker, owned by the truth; at most TRUTH_MAX_WORKERS, before the first cut.
 * NULL without memory.
 */
WARN_UNUSED struct truth_worker *truth_add_worker(struct truth *truth);

struct truth_time truth_time_now(void);

/*
 * The slot is for something else from here on: what it recorded, in windows too, is counted in the
 * slot `former`, which is the same in all calls. Nobody records into the slot meanwhile. Any
 * thread.
 */
void truth_restart_slot(struct truth *truth, unsigned slot, unsigned former);

/*
 * Ends the slice when the wall clock has reached the next multiple of ten seconds. Returns when to
 * call again, in monotonic time. Any thread; the main thread does.
 */
int64_t truth_tick(struct truth *truth, struct truth_time now);

/* The bucket of a duration: the first k with ns <= TRUTH_BOUND_NS(k), or TRUTH_BOUNDS. */
static inline unsigned truth_bucket(int64_t ns)
{
    if (ns <= TRUTH_BOUND_NS(0)) {
        return 0;
    }
    unsigned bucket = 64 - (unsigned)__builtin_clzll((uint64_t)(ns - 1) / 1000000);
    return bucket < TRUTH_BOUNDS ? bucket : TRUTH_BOUNDS;
}

static inline void truth_slot_add(struct truth_slot *slot, enum truth_figure figure, int64_t ns)
{
    struct truth_tally *tally = &slot->tallies[figure];
    tally->sum_ns += (uint64_t)ns;
    /* Hardly ever: a branch that is foreseen costs less than a store. */
    if (UNLIKELY(ns < tally->min_ns)) {
        tally->min_ns = ns;
    }
    if (UNLIKELY(ns > tally->max_ns)) {
        tally->max_ns = ns;
    }
    slot->bins[figure][sketch_bin(ns)]++;
}

/*
 * Records a request: what was drawn for it and how long it waited (both TRUTH_NOT_DRAWN where no
 * delay was drawn), and how long it took. The worker's thread.
 */
static inline void truth_record(struct truth_worker *worker, unsigned slot, int64_t drawn_ns,
                                int64_t waited_ns, int64_t served_ns)
{
    const struct truth_turn *turn = worker->turn;
    grace_enter(&turn->grace, &worker->recording);
    uint32_t cuts = atomic_load_explicit(&turn->cuts, memory_order_seq_cst);
    struct truth_slot *at = &worker->sides[cuts & 1].slots[slot];
    if (drawn_ns != TRUTH_NOT_DRAWN) {
        ASSERT((drawn_ns | waited_ns) >= 0);
        truth_slot_add(at, TRUTH_DRAWN, drawn_ns);
        truth_slot_add(at, TRUTH_WAITED, waited_ns);
    }
    ASSERT(served_ns >= 0);
    truth_slot_add(at, TRUTH_SERVED, served_ns);
    at->buckets[truth_bucket(served_ns)]++;
    grace_leave(&worker->recording);
}
