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

/* On the shared shard, before the thread has cells, with native buckets, or bounds to be searched.
 */
static NO_INLINE void observe_otherwise(struct series *series, double value)
{
    const struct meter_family *family = series->family;
    if (LIKELY(family->native != NULL)) {
        native_observe(series, value);
        return;
    }
    uint32_t bucket = HISTOGRAM_BUCKETS_START + bucket_of(&family->histogram->index, value);
    uint64_t *cells = series_own_cells(series);
    bool shared = false;
    if (cells == NULL) {
        cells = series_cells_slowly(series, &shared);
    }
    if (shared) {
        cell_add_shared(&cells[bucket], 1);
        cell_add_double_shared(&cells[HISTOGRAM_SUM_WORD], value);
    } else {
        cell_add(&cells[bucket], 1);
        cell_add_double(&cells[HISTOGRAM_SUM_WORD], value);
    }
}

/* Everything else is a call in tail position, so that the fast way needs no stack. */
void meter_histogram_observe(struct meter_histogram *histogram, double value)
{
    struct series *series = series_of_histogram(histogram);
    if (UNLIKELY(series == NULL)) {
        return;
    }
    const struct bucket_index *index = &series->family->fast_index;
    uint64_t *cells = series_own_cells(series);
    if (UNLIKELY(cells == NULL) || UNLIKELY(index->entries == NULL)) {
        observe_otherwise(series, value);
        return;
    }
    cell_add(&cells[HISTOGRAM_BUCKETS_START + bucket_find(index, value)], 1);
    cell_add_double(&cells[HISTOGRAM_SUM_WORD], value);
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
            counts[i] += cell_load(&cells[HISTOGRAM_BUCKETS_START + i]);
        }
        sum += cell_load_double(&cells[HISTOGRAM_SUM_WORD]);
    }
    *ret_sum = sum;
}
