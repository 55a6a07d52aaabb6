#include "meter/summary.h"

#include "base/assert.h"
#include "meter/handle.h"
#include "meter/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define SCHEMA 4 /* 16 buckets for each power of two: 4.4 % wide, so 2.2 % from their middle */
#define SLOTS 512
#define DEFAULT_WINDOW_NS INT64_C(600000000000)
#define MAX_QUANTILES 100

struct summary_bucket {
    double value;
    uint64_t count;
};

int summary_describe(struct meter_family *family, const struct meter_description *description,
                     struct meter_error *error)
{
    size_t count = description->quantile_count;
    if (count > MAX_QUANTILES || (count > 0 && description->quantiles == NULL)) {
        return meter_fail(error, -EINVAL, "%s: at most %d quantiles", description->name,
                          MAX_QUANTILES);
    }
    for (size_t i = 0; i < count; i++) {
        double quantile = description->quantiles[i];
        if (!(quantile >= 0 && quantile <= 1) ||
            (i > 0 && !(quantile > description->quantiles[i - 1]))) {
            return meter_fail(error, -EINVAL, "%s: quantiles are from 0 to 1 and increase",
                              description->name);
        }
    }
    struct summary_shape *shape = calloc(1, sizeof *shape);
    family->summary = shape;
    family->quantiles = malloc((count + 1) * sizeof(double));
    if (shape == NULL || family->quantiles == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    memcpy(family->quantiles, count > 0 ? description->quantiles : family->quantiles,
           count * sizeof(double));
    family->quantile_count = count;
    native_keys_init(&shape->keys, SCHEMA);
    shape->slots = SLOTS;
    int64_t window_ns = description->window_ns > 0 ? description->window_ns : DEFAULT_WINDOW_NS;
    shape->age_ns = window_ns / SUMMARY_AGES > 0 ? window_ns / SUMMARY_AGES : 1;
    shape->merged = calloc(native_table_words(SLOTS), sizeof(uint64_t));
    shape->sorted = calloc(SLOTS + 1, sizeof *shape->sorted);
    if (shape->merged == NULL || shape->sorted == NULL) {
        return meter_fail(error, -ENOMEM, "out of memory");
    }
    uint32_t age_words = AGE_HEADER_WORDS + native_table_words(SLOTS);
    family->cell_words = SUMMARY_AGES_START + (count > 0 ? SUMMARY_AGES * age_words : 0);
    return 0;
}

void summary_free(struct meter_family *family)
{
    if (family->summary != NULL) {
        free(family->summary->merged);
        free(family->summary->sorted);
        free(family->summary);
    }
    free(family->quantiles);
}

/* Good to a few milliseconds and five times as cheap as the exact clock. */
static int64_t coarse_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t stamp_of(const struct summary_shape *shape, int64_t now_ns)
{
    return (uint64_t)(now_ns / shape->age_ns) + 1;
}

static uint64_t *age_of(const struct summary_shape *shape, uint64_t *cells, uint64_t stamp)
{
    uint32_t words = AGE_HEADER_WORDS + native_table_words(shape->slots);
    return cells + SUMMARY_AGES_START + stamp % SUMMARY_AGES * words;
}

static uint32_t code_of(const struct summary_shape *shape, double value, int steps)
{
    int32_t key = native_key(&shape->keys, bits_of_double(fabs(value)));
    return native_code(native_coarsen(key, steps), value < 0);
}

/* Makes room in a full table by making its buckets twice as wide. */
static void coarsen_locked(const struct summary_shape *shape, uint64_t *age)
{
    uint64_t *table = age + AGE_HEADER_WORDS;
    uint32_t used = 0;
    native_table_clear(shape->merged, shape->slots);
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(table, slot);
        if (code != 0) {
            uint32_t wider =
                native_code(native_coarsen(native_code_key(code), 1), native_code_negative(code));
            bool added = native_table_add(shape->merged, shape->slots, &used, wider,
                                          cell_load(&table[shape->slots / 2 + slot]));
            ASSERT(added); /* no more buckets than before */
        }
    }
    for (uint32_t i = 0; i < native_table_words(shape->slots); i++) {
        cell_store(&table[i], shape->merged[i]);
    }
    cell_store(&age[AGE_USED], used);
    cell_add(&age[AGE_STEPS], 1);
}

/* Adds to one age; false when its table is full. */
static bool add_to_age(const struct summary_shape *shape, uint64_t *age, double value)
{
    if (isnan(value)) {
        return true;
    }
    if (value == 0) {
        cell_add(&age[AGE_ZERO_COUNT], 1);
        return true;
    }
    uint32_t used = (uint32_t)cell_load(&age[AGE_USED]);
    uint32_t code = code_of(shape, value, (int)cell_load(&age[AGE_STEPS]));
    bool added = native_table_add(age + AGE_HEADER_WORDS, shape->slots, &used, code, 1);
    cell_store(&age[AGE_USED], used);
    return added;
}

static void add_locked(const struct summary_shape *shape, uint64_t *cells, double value,
                       uint64_t stamp)
{
    uint64_t *age = age_of(shape, cells, stamp);
    if (cell_load(&age[AGE_STAMP]) != stamp) {
        for (uint32_t i = 0; i < AGE_HEADER_WORDS + native_table_words(shape->slots); i++) {
            cell_store(&age[i], 0);
        }
        cell_store(&age[AGE_STAMP], stamp);
    }
    while (!add_to_age(shape, age, value)) {
        coarsen_locked(shape, age);
    }
}

static NO_INLINE void observe_slowly(struct series *series, double value, uint64_t stamp)
{
    struct meter_family *family = series->family;
    bool shared;
    uint64_t *cells = series_cells_slowly(series, &shared);
    pthread_mutex_lock(&family->lock);
    if (family->quantile_count > 0) {
        add_locked(family->summary, cells, value, stamp);
    }
    cell_add_double(&cells[SUMMARY_SUM_WORD], value);
    cell_add(&cells[SUMMARY_COUNT_WORD], 1);
    pthread_mutex_unlock(&family->lock);
}

void meter_summary_observe(struct meter_summary *summary, double value)
{
    struct series *series = series_of_summary(summary);
    if (series == NULL) {
        return;
    }
    const struct meter_family *family = series->family;
    const struct summary_shape *shape = family->summary;
    uint64_t stamp = family->quantile_count > 0 ? stamp_of(shape, coarse_now_ns()) : 0;
    uint64_t *cells = series_own_cells(series);
    if (UNLIKELY(cells == NULL)) {
        observe_slowly(series, value, stamp);
        return;
    }
    if (family->quantile_count > 0) {
        uint64_t *age = age_of(shape, cells, stamp);
        if (UNLIKELY(cell_load(&age[AGE_STAMP]) != stamp) ||
            UNLIKELY(!add_to_age(shape, age, value))) {
            observe_slowly(series, value, stamp);
            return;
        }
    }
    cell_add_double(&cells[SUMMARY_SUM_WORD], value);
    cell_add(&cells[SUMMARY_COUNT_WORD], 1);
}

struct window {
    uint64_t count;
    uint64_t zero_count;
    uint32_t used;
    int steps;
};

static bool merge_age(const struct summary_shape *shape, const uint64_t *age, struct window *window)
{
    const uint64_t *table = age + AGE_HEADER_WORDS;
    int coarser = window->steps - (int)cell_load(&age[AGE_STEPS]);
    if (coarser < 0) {
        return false;
    }
    window->zero_count += cell_load(&age[AGE_ZERO_COUNT]);
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(table, slot);
        if (code == 0) {
            continue;
        }
        uint64_t count = cell_load(&table[shape->slots / 2 + slot]);
        uint32_t wider =
            native_code(native_coarsen(native_code_key(code), coarser), native_code_negative(code));
        if (!native_table_add(shape->merged, shape->slots, &window->used, wider, count)) {
            return false;
        }
        window->count += count;
    }
    return true;
}

/* All shards and ages of the window at one resolution; false when that is too fine. */
static bool merge_window(const struct series *series, uint64_t now_stamp, struct window *window)
{
    const struct summary_shape *shape = series->family->summary;
    native_table_clear(shape->merged, shape->slots);
    uint64_t shards = cells_attached(series->handle.cells);
    for (uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        for (uint64_t i = 0; i < SUMMARY_AGES; i++) {
            const uint64_t *age = age_of(shape, cells, i);
            uint64_t stamp = cell_load(&age[AGE_STAMP]);
            if (stamp != 0 && stamp + SUMMARY_AGES > now_stamp && !merge_age(shape, age, window)) {
                return false;
            }
        }
    }
    window->count += window->zero_count;
    return true;
}

/* As far from either bound as from the other, relatively. */
static double middle_of(uint32_t code, int schema)
{
    double high = native_upper_bound(native_code_key(code), schema);
    double low = native_upper_bound(native_code_key(code) - 1, schema);
    double middle = isinf(high) || low == 0 ? high : low + (high - low) * (low / (low + high));
    return native_code_negative(code) ? -middle : middle;
}

static int compare(const void *a, const void *b)
{
    const struct summary_bucket *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static uint32_t sort_window(const struct summary_shape *shape, const struct window *window)
{
    uint32_t count = 0;
    if (window->zero_count > 0) {
        shape->sorted[count++] = (struct summary_bucket){0, window->zero_count};
    }
    for (uint32_t slot = 0; slot < shape->slots; slot++) {
        uint32_t code = native_table_code(shape->merged, slot);
        if (code != 0) {
            shape->sorted[count++] = (struct summary_bucket){
                middle_of(code, SCHEMA - window->steps), shape->merged[shape->slots / 2 + slot]};
        }
    }
    qsort(shape->sorted, count, sizeof shape->sorted[0], compare);
    return count;
}

static void read_quantiles(struct snapshot *snapshot, const struct window *window)
{
    const struct meter_family *family = snapshot->family;
    const struct summary_shape *shape = family->summary;
    uint32_t buckets = sort_window(shape, window);
    uint64_t below = 0;
    uint32_t bucket = 0;
    for (size_t i = 0; i < family->quantile_count; i++) {
        if (window->count == 0) {
            snapshot->quantiles[i] = (double)NAN;
            continue;
        }
        /* The smallest value that this part of all is not above. */
        double rank = ceil(family->quantiles[i] * (double)window->count);
        while (bucket + 1 < buckets && (double)(below + shape->sorted[bucket].count) < rank) {
            below += shape->sorted[bucket++].count;
        }
        snapshot->quantiles[i] = shape->sorted[bucket].value;
    }
}

void summary_snapshot_take_locked(struct snapshot *snapshot, struct series *series)
{
    const struct meter_family *family = series->family;
    snapshot->count = 0;
    snapshot->sum = 0;
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        snapshot->count += cell_load(&cells[SUMMARY_COUNT_WORD]);
        snapshot->sum += cell_load_double(&cells[SUMMARY_SUM_WORD]);
    }
    if (family->quantile_count == 0) {
        return;
    }
    uint64_t stamp = stamp_of(family->summary, coarse_now_ns());
    struct window window = {0};
    for (int steps = 1; !merge_window(series, stamp, &window); steps++) {
        window = (struct window){.steps = steps};
    }
    read_quantiles(snapshot, &window);
}
