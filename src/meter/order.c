#include "meter/series.h"

#include "base/assert.h"
#include "base/clock.h"
#include "meter/registry.h"
#include "meter/table.h"
#include "meter/value.h"

#include <errno.h>
#include <stdlib.h>

static unsigned label_count_of(const struct series *series)
{
    return series->family->label_count;
}

/* By the first label in order of names, then the second, as bytes: client_golang's order. */
static int compare(const struct series *a, const struct series *b)
{
    const char *in_a = a->values, *in_b = b->values;
    for (unsigned i = 0; i < label_count_of(a); i++) {
        struct span x = series_next_value(&in_a), y = series_next_value(&in_b);
        int result = memcmp(x.data, y.data, x.length < y.length ? x.length : y.length);
        if (result != 0 || x.length != y.length) {
            return result != 0 ? result : x.length < y.length ? -1 : 1;
        }
    }
    return 0;
}

static int compare_pointers(const void *a, const void *b)
{
    return compare(*(struct series *const *)a, *(struct series *const *)b);
}

/* Index of the first of `count` series in order that is greater than `series`. */
static size_t upper_bound(struct series *const *ordered, size_t count, const struct series *series)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(ordered[middle], series) <= 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Merges the sorted newcomers behind sorted_count into the rest, from the back. */
static bool merge(struct meter_family *family)
{
    size_t old = family->sorted_count, added = family->count - old;
    struct series **newcomers = malloc(added * sizeof(struct series *));
    if (newcomers == NULL) {
        return false;
    }
    memcpy(newcomers, family->ordered + old, added * sizeof(struct series *));
    for (size_t out = family->count; added > 0;) {
        if (old > 0 && compare(family->ordered[old - 1], newcomers[added - 1]) > 0) {
            family->ordered[--out] = family->ordered[--old];
        } else {
            family->ordered[--out] = newcomers[--added];
        }
    }
    free(newcomers);
    return true;
}

void series_sort_locked(struct meter_family *family)
{
    size_t old = family->sorted_count, added = family->count - old;
    if (added == 0) {
        return;
    }
    qsort(family->ordered + old, added, sizeof(struct series *), compare_pointers);
    if (old > 0 && !merge(family)) {
        qsort(family->ordered, family->count, sizeof(struct series *), compare_pointers);
    }
    family->sorted_count = family->count;
}

size_t series_after_locked(struct meter_family *family, const struct series *series)
{
    ASSERT(family->sorted_count == family->count);
    return upper_bound(family->ordered, family->count, series);
}

static size_t index_of(const struct meter_family *family, const struct series *series)
{
    size_t index = upper_bound(family->ordered, family->sorted_count, series);
    if (index > 0 && family->ordered[index - 1] == series) {
        return index - 1;
    }
    for (index = family->sorted_count; family->ordered[index] != series; index++) {
        ASSERT(index < family->count);
    }
    return index;
}

/* Takes it out of everything but the order. */
static void detach(struct meter_family *family, struct series *series)
{
    table_remove_locked(family, series);
    if (series->holds > 0) {
        series->retired_epoch = REMOVED_BUT_HELD;
    } else {
        series_retire_locked(family, series);
    }
}

void series_remove_locked(struct meter_family *family, struct series *series)
{
    size_t index = index_of(family, series);
    detach(family, series);
    memmove(family->ordered + index, family->ordered + index + 1,
            (family->count - index - 1) * sizeof(struct series *));
    family->count--;
    if (index < family->sorted_count) {
        family->sorted_count--;
    }
}

static int remove_series(struct meter_family *family, const struct value_list *list)
{
    if (list->count != family->label_count || family->collect != NULL) {
        return -EINVAL;
    }
    pthread_mutex_lock(&family->lock);
    struct series *series = table_find(family->table, family, list, table_hash(family, list));
    if (series != NULL) {
        series_remove_locked(family, series);
    }
    pthread_mutex_unlock(&family->lock);
    return series != NULL ? 1 : 0;
}

int meter_remove(struct meter_family *family, const char *const *values)
{
    if (family == NULL) {
        return 0;
    }
    struct value_list list;
    int result = value_list_of_strings(&list, values);
    if (result == 0) {
        result = remove_series(family, &list);
    }
    value_list_free(&list);
    return result;
}

/* Removes all that `chosen` wants (NULL: all), keeping the order of the rest. */
static int remove_chosen(struct meter_family *family, int64_t now_ns,
                         bool (*chosen)(struct series *series, int64_t now_ns))
{
    int removed = 0;
    pthread_mutex_lock(&family->lock);
    size_t kept = 0, sorted = 0;
    for (size_t i = 0; i < family->count; i++) {
        struct series *series = family->ordered[i];
        if (chosen == NULL || chosen(series, now_ns)) {
            detach(family, series);
            removed++;
            continue;
        }
        sorted += i < family->sorted_count;
        family->ordered[kept++] = series;
    }
    family->count = kept;
    family->sorted_count = sorted;
    if (removed > 0) {
        series_reclaim_locked(family);
    }
    pthread_mutex_unlock(&family->lock);
    return removed;
}

int meter_remove_all(struct meter_family *family)
{
    return family == NULL ? 0 : remove_chosen(family, 0, NULL);
}

/* Idle: held by nobody, and its values are what they were idle_ns ago. */
static bool is_idle(struct series *series, int64_t now_ns)
{
    struct series_extra *extra = series->extra;
    uint64_t sum = value_fingerprint(series);
    uint32_t flags = __atomic_fetch_and(&series->handle.flags, ~SERIES_TOUCHED, __ATOMIC_RELAXED);
    if (series->holds > 0 || sum != extra->seen_sum || (flags & SERIES_TOUCHED)) {
        extra->seen_sum = sum;
        extra->changed_ns = now_ns;
        return false;
    }
    return now_ns - extra->changed_ns >= series->family->idle_ns;
}

int series_expire(struct meter_family *family, int64_t now_ns)
{
    return family->idle_ns > 0 ? remove_chosen(family, now_ns, is_idle) : 0;
}

int meter_expire(struct meter *meter)
{
    int removed = 0;
    int64_t now_ns = clock_monotonic_ns();
    for (struct meter_family *family = meter == NULL ? NULL : meter_first_family(meter);
         family != NULL; family = meter_next_family(family)) {
        removed += series_expire(family, now_ns);
    }
    return removed;
}

size_t meter_series_count(struct meter_family *family)
{
    if (family == NULL) {
        return 0;
    }
    pthread_mutex_lock(&family->lock);
    size_t count = family->count;
    pthread_mutex_unlock(&family->lock);
    return count;
}

uint64_t meter_series_refused(struct meter_family *family)
{
    return family == NULL ? 0 : __atomic_load_n(&family->refused, __ATOMIC_RELAXED);
}
