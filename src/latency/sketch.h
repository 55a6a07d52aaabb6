/*
 * A logarithmic sketch: durations counted in bins so narrow that any quantile read from them is
 * within 0.1 % of the exact one, as Masson, Rim and Lee's DDSketch guarantees ("DDSketch: A Fast
 * and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", VLDB 2019). Here each octave
 * is cut linearly into 512 bins, so a bin is found with a shift and an addition where DDSketch
 * takes a logarithm; from 1 ns to 1023 ns, and zero, each nanosecond has a bin of its own.
 *
 * A sketch is an array of SKETCH_BINS counts, which merges with another by adding. Most of it is
 * never touched: whoever makes one takes its memory from reserve_memory().
 *
 * Pure functions, any thread.
 */
#pragma once

#include "base/buffer.h"
#include "base/quantity.h"
#include "base/span.h"

#include <stdint.h>

#define SKETCH_BITS 9 /* an octave has 2^9 bins */
/* A bin's middle is so far from what is in it, at most, relative to that: 2^-10, in fact. */
#define SKETCH_RELATIVE_ERROR 0.001
#define SKETCH_BINS (((63 - SKETCH_BITS) << SKETCH_BITS) + (1 << SKETCH_BITS))

/* Bins that may have counts, `first` to `last`; none when first > last. */
struct sketch_range {
    uint32_t first, last;
};

#define SKETCH_RANGE_EMPTY ((struct sketch_range){SKETCH_BINS, 0})

/* The bin of `ns`, which must not be negative. */
static inline uint32_t sketch_bin(int64_t ns)
{
    uint64_t value = (uint64_t)ns;
    unsigned highest_bit = 63 - (unsigned)__builtin_clzll(value | UINT64_C(1) << SKETCH_BITS);
    unsigned shift = highest_bit - SKETCH_BITS;
    return (shift << SKETCH_BITS) + (uint32_t)(value >> shift);
}

/* The middle of a bin, in nanoseconds. */
int64_t sketch_middle_ns(uint32_t bin);

/*
 * The rank of a quantile, given as a decimal from 0 to 1, among `count` values in order, above 0:
 * ceil(quantile * count), exactly; 1 for a quantile of 0.
 */
uint64_t sketch_rank(struct decimal quantile, uint64_t count);

/*
 * The middle of the bin that holds the value of each rank, from 1 to the sum of the bins; in one
 * pass over the bins when the ranks go up, in several when they don't.
 */
void sketch_at_ranks(const uint64_t *bins, struct sketch_range range, const uint64_t *ranks,
                     unsigned rank_count, int64_t *ret_ns);

/*
 * Sparse: for each bin that is not empty its distance from the one before (the first: from -1) and
 * its count, in LEB128: two bytes for most. Appends nothing but sets `overflowed` when there is no
 * room. sketch_packed_bytes() says how much is needed.
 */
void sketch_pack(const uint64_t *bins, struct sketch_range range, struct buffer *packed);
size_t sketch_packed_bytes(const uint64_t *bins, struct sketch_range range);

/* Adds what was packed to `bins`, and widens `*range` by it. */
void sketch_add_packed(struct span packed, uint64_t *bins, struct sketch_range *range);

/* Takes off `bins` what was added to them by the same text. */
void sketch_remove_packed(struct span packed, uint64_t *bins);
