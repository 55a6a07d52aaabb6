/* When the buckets of a native histogram change: new ones, and what is done when there are too
 * many. Everything here runs under the family's lock. */
#include "base/assert.h"
#include "base/clock.h"
#include "meter/histogram.h"
#include "meter/native.h"

#include <math.h>

int native_schema_locked(const struct native_series *native)
{
    return native->series.family->native->schema - native->steps;
}

double native_threshold_locked(const struct native_series *native)
{
    return native->widened ? native->zero_threshold : native->series.family->native->zero_threshold;
}

/* Adds a table, `steps` coarsenings away from what holds now, to another: buckets that the zero
 * bucket covers now go there. */
static void add_table(const struct native_series *native, const uint64_t *from, uint64_t from_steps,
                      uint64_t *to, struct native_sum *sum)
{
    const struct native_shape *shape = native->series.family->native;
    double threshold = native_threshold_locked(native);
    int from_schema = shape->schema - (int)from_steps;
    int coarser = native->steps - (int)from_steps;
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(from, slot);
        if (code == 0) {
            continue;
        }
        uint64_t count = cell_load(&from[shape->slots / 2 + slot]);
        int32_t key = native_code_key(code);
        if (native_upper_bound(key, from_schema) <= threshold) {
            sum->zero_count += count;
            continue;
        }
        uint32_t wider = native_code(native_coarsen(key, coarser), native_code_negative(code));
        bool added = native_table_add(to, shape->slots, &sum->used, wider, count);
        ASSERT(added); /* the limit is kept before a table could be full */
    }
}

struct native_sum native_merge_locked(const struct series *series)
{
    const struct native_series *native = (const struct native_series *)(const void *)series;
    const struct native_shape *shape = series->family->native;
    struct native_sum sum = {0};
    native_table_clear(shape->merged, shape->slots);
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        const uint64_t *words = cells + shape->offset;
        if (cell_load(&words[NATIVE_GENERATION]) == 0 ||
            cell_load(&words[NATIVE_RESET]) != native->resets) {
            continue;
        }
        sum.zero_count += cell_load(&words[NATIVE_ZERO_COUNT]);
        sum.nan_count += cell_load(&words[NATIVE_NAN_COUNT]);
        add_table(native, words + NATIVE_HEADER_WORDS, cell_load(&words[NATIVE_STEPS]),
                  shape->merged, &sum);
    }
    return sum;
}

/* Makes the owner's cells agree with what holds now. */
static void follow(const struct native_series *native, uint64_t *cells)
{
    const struct meter_family *family = native->series.family;
    const struct native_shape *shape = family->native;
    uint64_t *words = cells + shape->offset;
    uint64_t *table = words + NATIVE_HEADER_WORDS;
    if (cell_load(&words[NATIVE_RESET]) != native->resets) {
        for (uint32_t i = 0; i < family->cell_words; i++) {
            cell_store(&cells[i], 0);
        }
        cell_store(&words[NATIVE_RESET], native->resets);
    }
    struct native_sum sum = {0};
    native_table_clear(shape->spare, shape->slots);
    add_table(native, table, cell_load(&words[NATIVE_STEPS]), shape->spare, &sum);
    for (uint32_t i = 0; i < native_table_words(shape->slots); i++) {
        cell_store(&table[i], shape->spare[i]);
    }
    cell_add(&words[NATIVE_ZERO_COUNT], sum.zero_count);
    cell_store(&words[NATIVE_USED], sum.used);
    cell_store(&words[NATIVE_STEPS], (uint64_t)native->steps);
    cell_store_double(&words[NATIVE_ZERO_THRESHOLD], native_threshold_locked(native));
}

static void change_generation(struct native_series *native)
{
    __atomic_fetch_add(&native->generation, 1, __ATOMIC_RELEASE);
}

static bool halve_resolution(struct native_series *native)
{
    if (native_schema_locked(native) <= NATIVE_MIN_SCHEMA) {
        return false;
    }
    native->steps++;
    change_generation(native);
    return true;
}

/* Widens the zero bucket over the bucket nearest to it, if that is allowed. */
static bool widen_zero_bucket(struct native_series *native)
{
    const struct native_shape *shape = native->series.family->native;
    double now = native_threshold_locked(native);
    if (now >= shape->max_zero_threshold) {
        return false;
    }
    int32_t nearest = INT32_MAX;
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(shape->merged, slot);
        if (code != 0 && native_code_key(code) < nearest) {
            nearest = native_code_key(code);
        }
    }
    double wider = native_upper_bound(nearest, native_schema_locked(native));
    if (nearest == INT32_MAX || wider > shape->max_zero_threshold) {
        return false;
    }
    native->widened = true;
    native->zero_threshold = wider;
    change_generation(native);
    return true;
}

static bool reset(struct native_series *native)
{
    const struct native_shape *shape = native->series.family->native;
    int64_t now_ns = clock_monotonic_ns();
    if (shape->min_reset_ns == 0 || now_ns - native->reset_ns < shape->min_reset_ns) {
        return false;
    }
    native->resets++;
    native->steps = 0;
    native->widened = false;
    native->reset_ns = now_ns;
    __atomic_store_n(&native->series.created_ns, clock_realtime_ns(), __ATOMIC_RELAXED);
    change_generation(native);
    return true;
}

/* Counts in the owner's cells, which follow; false when there is no room for one more bucket. */
static bool count_value(const struct native_series *native, uint64_t *cells, double value,
                        bool *ret_new)
{
    const struct native_shape *shape = native->series.family->native;
    uint64_t *words = cells + shape->offset;
    uint32_t used = (uint32_t)cell_load(&words[NATIVE_USED]), before = used;
    if (isnan(value)) {
        cell_add(&words[NATIVE_NAN_COUNT], 1);
    } else if (fabs(value) <= native_threshold_locked(native)) {
        cell_add(&words[NATIVE_ZERO_COUNT], 1);
    } else {
        int32_t key = native_key(&shape->keys, bits_of_double(fabs(value)));
        key = native_coarsen(key, shape->base_steps + native->steps);
        if (!native_table_add(words + NATIVE_HEADER_WORDS, shape->slots, &used,
                              native_code(key, value < 0), 1)) {
            return false;
        }
    }
    cell_store(&words[NATIVE_USED], used);
    *ret_new = used > before;
    return true;
}

/* Returns whether a bucket is new. */
static bool count_in_all(struct native_series *native, uint64_t *cells, double value)
{
    bool is_new = false, halved = false;
    while (!count_value(native, cells, value, &is_new)) {
        halved = halve_resolution(native);
        ASSERT(halved); /* the coarsest schema's buckets all fit */
        follow(native, cells);
    }
    histogram_add_last(native->series.family->histogram, cells, value);
    return is_new || halved;
}

/* One step towards the limit; true when another may be needed, at the next observation. */
static bool limit_buckets(struct native_series *native, uint64_t *cells, double value)
{
    const struct native_shape *shape = native->series.family->native;
    struct native_sum sum = native_merge_locked(&native->series);
    if (sum.used <= shape->max_buckets) {
        return false;
    }
    if (reset(native)) {
        follow(native, cells);
        (void)count_in_all(native, cells, value); /* the latest is not lost with the others */
        return false;
    }
    if (!widen_zero_bucket(native) && !halve_resolution(native)) {
        return false;
    }
    follow(native, cells);
    return native_merge_locked(&native->series).used > shape->max_buckets;
}

void native_observe_slowly(struct series *series, double value)
{
    struct native_series *native = (struct native_series *)(void *)series;
    struct meter_family *family = series->family;
    bool shared;
    uint64_t *cells = series_cells_slowly(series, &shared);
    pthread_mutex_lock(&family->lock);
    if (native->reset_ns == 0) {
        native->reset_ns = clock_monotonic_ns();
    }
    uint64_t *agrees = &cells[family->native->offset + NATIVE_GENERATION];
    bool followed = cell_load(agrees) == native->generation + 1;
    if (!followed) {
        follow(native, cells);
    }
    if (count_in_all(native, cells, value) || !followed) {
        /* A generation that does not agree brings the next observation here again. */
        bool again = limit_buckets(native, cells, value);
        cell_store(agrees, again ? UINT64_MAX : native->generation + 1);
    }
    pthread_mutex_unlock(&family->lock);
}
