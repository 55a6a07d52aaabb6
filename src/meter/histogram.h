/*
 * Classic histograms: a family's bounds, and the cells of a series.
 * Cells: the sum; then one for each bucket, the last one for +Inf. A native part follows.
 */
#pragma once

#include "meter/bucket.h"
#include "meter/series.h"

enum histogram_word { HISTOGRAM_SUM_WORD, HISTOGRAM_BUCKETS_START };

struct histogram_shape {
    struct bucket_index index;
    double bounds[]; /* index.count of them, then +Inf */
};

/* A copy of the bounds; NULL when there is no memory. */
struct histogram_shape *histogram_shape_new(const double *bounds, size_t count);
void histogram_shape_free(struct histogram_shape *shape);

/* Words of the classic part. */
static inline uint32_t histogram_words(const struct histogram_shape *shape)
{
    return HISTOGRAM_BUCKETS_START + shape->index.count + 1;
}

/* The classic part of an observation that has native buckets, by the owner of the cells: behind
 * everything else, see native.h. */
static inline void histogram_add_last(const struct histogram_shape *shape, uint64_t *cells,
                                      double value)
{
    cell_add_double(&cells[HISTOGRAM_SUM_WORD], value);
    if (shape->index.count > 0) {
        uint32_t bucket = bucket_of(&shape->index, value);
        cell_add_release(&cells[HISTOGRAM_BUCKETS_START + bucket], 1);
    }
}
