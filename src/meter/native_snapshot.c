#include "meter/histogram.h"
#include "meter/native.h"
#include "meter/value.h"

#include <errno.h>
#include <stdlib.h>

int native_snapshot_reserve(struct native_snapshot **snapshot, const struct meter_family *family)
{
    uint32_t slots = family->native->slots;
    if (*snapshot != NULL && (*snapshot)->capacity >= slots) {
        return 0;
    }
    struct native_snapshot *larger = malloc(sizeof *larger);
    struct native_bucket *buckets = malloc(2 * (size_t)slots * sizeof *buckets);
    if (larger == NULL || buckets == NULL) {
        free(larger);
        free(buckets);
        return -ENOMEM;
    }
    *larger = (struct native_snapshot){
        .capacity = slots, .positive = buckets, .negative = buckets + slots};
    native_snapshot_free(*snapshot);
    *snapshot = larger;
    return 0;
}

void native_snapshot_free(struct native_snapshot *snapshot)
{
    if (snapshot != NULL) {
        free(snapshot->positive);
        free(snapshot);
    }
}

static int compare(const void *a, const void *b)
{
    const struct native_bucket *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* The classic buckets of the shards that followed the last reset. */
static void add_classic(struct snapshot *snapshot, const struct native_series *native)
{
    const struct series *series = &native->series;
    const struct native_shape *shape = series->family->native;
    uint32_t buckets = series->family->histogram->index.count + 1;
    memset(snapshot->counts, 0, buckets * sizeof snapshot->counts[0]);
    snapshot->sum = 0;
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        if (cell_load(&cells[shape->offset + NATIVE_RESET]) != native->resets) {
            continue;
        }
        for (uint32_t i = 0; i < buckets; i++) {
            snapshot->counts[i] += cell_load_acquire(&cells[HISTOGRAM_BUCKETS_START + i]);
        }
        snapshot->sum += cell_load_double(&cells[HISTOGRAM_SUM_WORD]);
    }
}

void native_snapshot_take_locked(struct snapshot *snapshot, struct series *series)
{
    const struct native_series *native = (const struct native_series *)(const void *)series;
    const struct native_shape *shape = series->family->native;
    struct native_snapshot *into = snapshot->native;
    add_classic(snapshot, native); /* first: see native.h */
    struct native_sum sum = native_merge_locked(series);
    into->schema = native_schema_locked(native);
    into->zero_threshold = native_threshold_locked(native);
    into->zero_count = sum.zero_count;
    into->positive_count = 0;
    into->negative_count = 0;
    snapshot->count = sum.zero_count + sum.nan_count;
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(shape->merged, slot);
        uint64_t count = shape->merged[shape->slots / 2 + slot];
        if (code == 0) {
            continue;
        }
        struct native_bucket bucket = {native_code_key(code), count};
        snapshot->count += count;
        if (native_code_negative(code)) {
            into->negative[into->negative_count++] = bucket;
        } else {
            into->positive[into->positive_count++] = bucket;
        }
    }
    qsort(into->positive, into->positive_count, sizeof into->positive[0], compare);
    qsort(into->negative, into->negative_count, sizeof into->negative[0], compare);
}
