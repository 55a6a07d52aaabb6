/*
 * Finding the classic bucket of a value: the first whose upper bound is not below it.
 *
 * Positive doubles sort as their bits do, so the leading bits of a value (its exponent and a few
 * bits of its fraction) choose an entry of a table, and one comparison of whole numbers decides,
 * exactly: an entry covers at most one bound.
 */
#pragma once

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* Values with bits up to `last` belong to `bucket`, others to the next one. */
struct bucket_entry {
    uint64_t last;
    uint64_t bucket;
};

struct bucket_index {
    struct bucket_entry *entries; /* owned; NULL: search */
    double low;                   /* the smallest value of the first entry */
    double high;                  /* the smallest of the last one, which is all above the bounds */
    uint64_t low_bits;
    uint32_t shift;
    uint32_t count;
    const double *bounds; /* `count` bounds and then +Inf; not owned */
};

/* `bounds` must outlive the index and have +Inf behind its `count` increasing entries. Never fails:
 * without memory, or for bounds that are not all positive, it searches by halves. */
void bucket_index_init(struct bucket_index *index, const double *bounds, uint32_t count);
void bucket_index_free(struct bucket_index *index);

/* NaN becomes `high`. */
static inline double bucket_clamp(double value, double low, double high)
{
#if defined(__SSE2__)
    /* What the comparisons below mean, in two instructions; gcc makes a dozen of them. */
    __m128d at_most = _mm_min_sd(_mm_set_sd(value), _mm_set_sd(high));
    return _mm_cvtsd_f64(_mm_max_sd(at_most, _mm_set_sd(low)));
#else
    value = value < high ? value : high;
    return value > low ? value : low;
#endif
}

/* By halves. */
uint32_t bucket_search(const struct bucket_index *index, double value);

/* Where there are entries. */
static inline uint64_t bucket_find(const struct bucket_index *index, double value)
{
    value = bucket_clamp(value, index->low, index->high);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const struct bucket_entry *entry = &index->entries[(bits - index->low_bits) >> index->shift];
    return entry->bucket + (bits > entry->last);
}

/* 0 to count; NaN belongs to the +Inf bucket. Any thread. */
static inline uint32_t bucket_of(const struct bucket_index *index, double value)
{
    return LIKELY(index->entries != NULL) ? (uint32_t)bucket_find(index, value)
                                          : bucket_search(index, value);
}
