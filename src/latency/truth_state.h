/*
 * What the ground truth keeps beside the workers' shares. Private to src/latency/truth*.c.
 */
#pragma once

#include "latency/truth_answer.h"

#include <pthread.h>

/* Of all packed slices together; beyond it the oldest go early, and windows say so. */
#define TRUTH_MAX_SLICE_BYTES ((size_t)16 << 20)

typedef unsigned __int128 truth_sum;

/* Exact sums of what several workers recorded; empty while count is 0. */
struct truth_sums {
    truth_sum sum_ns;
    uint64_t count;
    int64_t min_ns;
    int64_t max_ns;
};

struct truth_slot_sums {
    struct truth_sums figures[TRUTH_FIGURES];
    uint64_t buckets[TRUTH_BOUNDS + 1]; /* of served; not cumulative */
};

/* What was taken from the workers. A bin outside minimum to maximum is empty. */
struct truth_ledger {
    struct truth_slot_sums *slots;
    uint64_t (*bins)[TRUTH_FIGURES][SKETCH_BINS]; /* by slot */
};

/* Immutable once made; freed with its last reference. Slots with nothing in them are left out. */
struct truth_slice {
    unsigned references; /* under the truth's lock */
    size_t bytes;        /* of all of it */
    struct truth_time from, to;
    const char *packed; /* sketches one behind the other; into the same memory */
    unsigned slot_count;
    struct truth_slice_slot {
        uint32_t slot;
        uint32_t series; /* of the slot when this was recorded */
        struct truth_slot_sums sums;
        uint32_t packed_offset[TRUTH_FIGURES];
        uint32_t packed_bytes[TRUTH_FIGURES];
    } slots[];
};

struct truth {
    struct truth_turn turn;
    pthread_mutex_t lock; /* everything below */
    unsigned slot_count;
    uint32_t *series;     /* by slot: how often it was restarted */
    unsigned former_slot; /* what slots had before they were restarted is counted here */
    struct truth_worker *workers[TRUTH_MAX_WORKERS]; /* owned */
    unsigned worker_count;
    struct truth_ledger total; /* since start */
    struct truth_ledger open;  /* since the last slice ended */
    struct truth_time started;
    struct truth_time open_from;
    int64_t next_boundary_realtime_ns;
    struct truth_slice *slices[TRUTH_SLICES]; /* the newest last */
    unsigned slice_count;
    size_t slice_bytes;
};

static inline void truth_sums_merge(struct truth_sums *into, const struct truth_sums *from)
{
    if (from->count == 0) {
        return;
    }
    bool first = into->count == 0;
    into->min_ns = first || from->min_ns < into->min_ns ? from->min_ns : into->min_ns;
    into->max_ns = first || from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
    into->sum_ns += from->sum_ns;
    into->count += from->count;
}

static inline struct sketch_range truth_sums_range(const struct truth_sums *sums)
{
    return sums->count == 0
               ? SKETCH_RANGE_EMPTY
               : (struct sketch_range){sketch_bin(sums->min_ns), sketch_bin(sums->max_ns)};
}

/* What is read off a sketch whose values have these sums. */
void truth_figures_read(const uint64_t *bins, struct sketch_range range,
                        const struct truth_sums *sums, const struct truth_question *question,
                        struct truth_figures *ret_figures);

/* Takes what all workers recorded until now. With the lock held. */
void truth_cut_locked(struct truth *truth);

/* Ends the open slice at `now`, with nothing recorded since the last cut. With the lock held. */
void truth_end_slice_locked(struct truth *truth, struct truth_time now);

void truth_slice_release_locked(struct truth_slice *slice);
