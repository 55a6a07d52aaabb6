#include "meter/histogram.h"

#include "meter/exemplar.h"
#include "meter/handle.h"
#include "meter/native.h"
#include "meter/value.h"

#include <math.h>
#include <stdlib.h>

struct histogram_shape *histogram_shape_new(const double *bounds, size_t count)
{
    struct histogram_shape *shape = malloc(sizeof *shape + (count + 1) * sizeof(double));
    if (shape == NULL) {
        return NULL;
    }
    if (count > 0) {
        memcpy(shape->bounds, bounds, count * sizeof(double));
    }
    shape->bounds[count] = (double)INFINITY;
    bucket_index_init(&shape->index, shape->bounds, (uint32_t)count);
    return shape;
}

void histogram_shape_free(struct histogram_shape *shape)
{
    if (shape != NULL) {
        bucket_index_free(&shape->index);
        free(shape);
    }
}

/* On the shared shard, before the thread has cells, or what the index leaves to a search. */
static NO_INLINE void observe_slowly(struct series *series, double value)
{
    const struct histogram_shape *shape = series->family->histogram;
    uint32_t bucket = bucket_of(&shape->index, value);
    bool shared;
    uint64_t *cells = series_cells_slowly(series, &shared);
    uint64_t *sum = cells + shape->index.count + 1;
    if (shared) {
        cell_add_shared(&cells[bucket], 1);
        cell_add_double_shared(sum, value);
    } else {
        cell_add(&cells[bucket], 1);
        cell_add_double(sum, value);
    }
}

/* Everything rare is a call in tail position, so that the fast way needs no stack. */
void meter_histogram_observe(struct meter_histogram *histogram, double value)
{
    struct series *series = series_of_histogram(histogram);
    if (UNLIKELY(series == NULL)) {
        return;
    }
    const struct meter_family *family = series->family;
    if (family->native != NULL) {
        native_observe(series, value);
        return;
    }
    const struct bucket_index *index = &family->histogram->index;
    uint64_t *cells = series_own_cells(series);
    uint64_t bucket;
    if (UNLIKELY(cells == NULL) || UNLIKELY(!bucket_find(index, value, &bucket))) {
        observe_slowly(series, value);
        return;
    }
    cell_add(&cells[bucket], 1);
    cell_add_double(&cells[index->count + 1], value);
}

void meter_histogram_observe_ns(struct meter_histogram *histogram, int64_t ns)
{
    /* A division, because 1e-9 is not a double: 1 ms must be the same number as 0.001. */
    meter_histogram_observe(histogram, (double)ns / 1e9);
}

void value_of_buckets(const struct series *series, uint64_t *counts, double *ret_sum)
{
    uint32_t buckets = series->family->histogram->index.count + 1;
    double sum = 0;
    memset(counts, 0, buckets * sizeof counts[0]);
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        for (uint32_t i = 0; i < buckets; i++) {
            counts[i] += cell_load(&cells[i]);
        }
        sum += cell_load_double(&cells[buckets]);
    }
    *ret_sum = sum;
}
