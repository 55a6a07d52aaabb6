/*
 * Classic histograms: a family's bounds, and the cells of a series.
 * Cells: one for each bucket, the last one for +Inf; then the sum. A native part follows.
 */
#pragma once

#include "meter/bucket.h"
#include "meter/series.h"

struct histogram_shape {
    struct bucket_index index;
    double bounds[]; /* index.count of them, then +Inf */
};

/* A copy of the bounds; NULL when there is no memory. */
struct histogram_shape *histogram_shape_new(const double *bounds, size_t count);
void histogram_shape_free(struct histogram_shape *shape);

/* Words of the classic part, the sum included. `shape` may be NULL: only a sum. */
static inline uint32_t histogram_words(const struct histogram_shape *shape)
{
    return (shape != NULL ? shape->index.count + 1 : 0) + 1;
}
