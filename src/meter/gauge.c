/*
 * Gauges. Two fast ways that must not disturb each other: set stores one value for all threads, add
 * changes a cell of the thread's own.
 *
 * Not added since the last set: the value is `base`, and a set is one store. The first add after a
 * set (under the family's lock) folds the base into the adder's own cell and remembers as `offset`
 * what the other cells hold; from then on adds need no lock, and the value is the sum of the cells
 * less the offset. The next set (under the lock again) only says that base counts again; the cells
 * keep what they have. With a single thread this gives exactly the sum that one double would.
 *
 * A set that stores just while another thread folds is seen by base != folded: it came last, and
 * what was added since the fold is added to it.
 */
#include "base/clock.h"
#include "meter/handle.h"
#include "meter/value.h"

#include <math.h>

static struct gauge_series *gauge_of(struct meter_gauge *gauge)
{
    return (struct gauge_series *)(void *)gauge;
}

static double sum_of_cells(const struct series *series, const uint64_t *without)
{
    double sum = 0;
    uint64_t shards = cells_attached(series->handle.cells);
    for (const uint64_t *cells; (cells = cells_next(&series->handle, &shards)) != NULL;) {
        if (cells != without) {
            sum += cell_load_double(cells);
        }
    }
    return sum;
}

static bool was_added(const struct series *series)
{
    return series_flags(series) & SERIES_GAUGE_ADDED;
}

double value_of_gauge_locked(const struct series *series)
{
    const struct gauge_series *gauge = (const struct gauge_series *)(const void *)series;
    uint64_t base = __atomic_load_n(&gauge->base, __ATOMIC_RELAXED);
    if (!was_added(series)) {
        return double_of_bits(base);
    }
    double added = sum_of_cells(series, NULL) - gauge->offset;
    if (gauge->exact && base == gauge->folded) {
        return added;
    }
    return double_of_bits(base) + (added - (gauge->exact ? double_of_bits(gauge->folded) : 0));
}

double meter_gauge_value(const struct meter_gauge *gauge)
{
    if (gauge == NULL) {
        return 0;
    }
    const struct series *series = (const struct series *)(const void *)gauge;
    pthread_mutex_lock(&series->family->lock);
    double value = value_of_gauge_locked(series);
    pthread_mutex_unlock(&series->family->lock);
    return value;
}

static void set_locked(struct gauge_series *gauge, double value)
{
    __atomic_store_n(&gauge->base, bits_of_double(value), __ATOMIC_RELAXED);
    __atomic_fetch_and(&gauge->series.handle.flags, ~SERIES_GAUGE_ADDED, __ATOMIC_RELAXED);
}

void meter_gauge_set(struct meter_gauge *handle, double value)
{
    if (handle == NULL) {
        return;
    }
    struct gauge_series *gauge = gauge_of(handle);
    struct series *series = &gauge->series;
    if (UNLIKELY(was_added(series))) {
        pthread_mutex_lock(&series->family->lock);
        set_locked(gauge, value);
        pthread_mutex_unlock(&series->family->lock);
    } else {
        __atomic_store_n(&gauge->base, bits_of_double(value), __ATOMIC_RELAXED);
    }
    if (series->extra != NULL && !(series_flags(series) & SERIES_TOUCHED)) {
        __atomic_fetch_or(&series->handle.flags, SERIES_TOUCHED, __ATOMIC_RELAXED);
    }
}

/* The first add after a set. */
static void fold_locked(struct gauge_series *gauge, uint64_t *cell, bool shared, double amount)
{
    struct series *series = &gauge->series;
    double base = double_of_bits(__atomic_load_n(&gauge->base, __ATOMIC_RELAXED));
    gauge->exact = !shared;
    if (shared) {
        gauge->offset = sum_of_cells(series, NULL);
        cell_add_double_shared(cell, amount);
    } else {
        gauge->offset = sum_of_cells(series, cell);
        gauge->folded = bits_of_double(base);
        cell_store_double(cell, base + amount);
    }
    __atomic_fetch_or(&series->handle.flags, SERIES_GAUGE_ADDED, __ATOMIC_RELAXED);
}

static NO_INLINE void add_slowly(struct gauge_series *gauge, double amount)
{
    struct series *series = &gauge->series;
    bool shared = false;
    uint64_t *cell = series_cells_slowly(series, &shared);
    pthread_mutex_lock(&series->family->lock);
    double sum = value_of_gauge_locked(series) + amount;
    if (!isfinite(sum)) {
        set_locked(gauge, sum); /* cells stay finite: infinities would not go away again */
    } else if (!was_added(series)) {
        fold_locked(gauge, cell, shared, amount);
    } else if (shared) {
        cell_add_double_shared(cell, amount);
    } else {
        cell_add_double(cell, amount);
    }
    pthread_mutex_unlock(&series->family->lock);
}

void meter_gauge_add(struct meter_gauge *handle, double amount)
{
    if (handle == NULL) {
        return;
    }
    struct gauge_series *gauge = gauge_of(handle);
    uint64_t *cell = series_own_cells(&gauge->series);
    if (LIKELY(cell != NULL && was_added(&gauge->series))) {
        double sum = cell_load_double(cell) + amount;
        if (LIKELY(isfinite(sum))) {
            cell_store_double(cell, sum);
            return;
        }
    }
    add_slowly(gauge, amount);
}

void meter_gauge_inc(struct meter_gauge *gauge)
{
    meter_gauge_add(gauge, 1);
}

void meter_gauge_dec(struct meter_gauge *gauge)
{
    meter_gauge_add(gauge, -1);
}

void meter_gauge_set_to_now(struct meter_gauge *gauge)
{
    int64_t now_ns = clock_realtime_ns();
    meter_gauge_set(gauge, (double)now_ns / 1e9);
}
