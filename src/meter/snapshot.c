#include "meter/snapshot.h"

#include "meter/histogram.h"
#include "meter/native.h"
#include "meter/state_set.h"
#include "meter/summary.h"
#include "meter/value.h"

#include <errno.h>
#include <stdlib.h>

int snapshot_reserve(struct snapshot *snapshot, const struct meter_family *family)
{
    snapshot->family = family;
    size_t buckets = family->histogram != NULL ? family->histogram->index.count + 1 : 0;
    if (buckets > snapshot->capacity) {
        uint64_t *counts = realloc(snapshot->counts, buckets * sizeof counts[0]);
        if (counts == NULL) {
            return -ENOMEM;
        }
        snapshot->counts = counts;
        snapshot->capacity = buckets;
    }
    if (family->quantile_count > snapshot->quantile_capacity) {
        double *quantiles =
            realloc(snapshot->quantiles, family->quantile_count * sizeof quantiles[0]);
        if (quantiles == NULL) {
            return -ENOMEM;
        }
        snapshot->quantiles = quantiles;
        snapshot->quantile_capacity = family->quantile_count;
    }
    return family->native != NULL ? native_snapshot_reserve(&snapshot->native, family) : 0;
}

static void take_histogram(struct snapshot *snapshot, struct series *series)
{
    if (series->family->native != NULL) {
        native_snapshot_take_locked(snapshot, series);
        return;
    }
    value_of_buckets(series, snapshot->counts, &snapshot->sum);
    snapshot->count = 0;
    for (uint32_t i = 0; i <= series->family->histogram->index.count; i++) {
        snapshot->count += snapshot->counts[i];
    }
}

void snapshot_take_locked(struct snapshot *snapshot, struct series *series)
{
    snapshot->series = series;
    snapshot->values = series->values;
    snapshot->needs_escape = series_flags(series) & SERIES_NEEDS_ESCAPE;
    snapshot->running = 0;
    snapshot->running_index = 0;
    switch (series->family->type) {
    case METER_COUNTER:
        snapshot->value = value_of_counter(series);
        break;
    case METER_GAUGE:
        snapshot->value = value_of_gauge_locked(series);
        break;
    case METER_HISTOGRAM:
        take_histogram(snapshot, series);
        break;
    case METER_SUMMARY:
        summary_snapshot_take_locked(snapshot, series);
        break;
    case METER_INFO:
        snapshot->value = 1;
        break;
    case METER_STATE_SET:
        snapshot->states = state_set_value(series);
        break;
    }
}

void snapshot_free(struct snapshot *snapshot)
{
    free(snapshot->counts);
    free(snapshot->quantiles);
    native_snapshot_free(snapshot->native);
}
