/*
 * What one series is at one moment, ready for the encoders: all its lines come from one snapshot.
 */
#pragma once

#include "meter/exemplar.h"
#include "meter/series.h"

#include <stdbool.h>

struct snapshot {
    const struct meter_family *family;
    struct series *series; /* NULL for a sample from a callback: no exemplars, no created time */
    const char *values;    /* label values, as in struct series */
    bool needs_escape;
    double value;    /* counters and gauges; 1 for info */
    uint64_t states; /* state sets */
    uint64_t count;  /* histograms and summaries: all observations */
    double sum;
    uint64_t *counts; /* classic buckets, not cumulative; owned, `capacity` entries */
    size_t capacity;
    uint64_t running; /* text: the sum of the counts in front of running_index */
    uint32_t running_index;
    double *quantiles; /* summaries: the value of each of the family's quantiles; owned */
    size_t quantile_capacity;
    struct native_snapshot *native; /* owned; NULL until a native family was met */
    struct exemplar exemplar;       /* of the line or bucket being written */
};

/* Makes room for the family's series: 0 or -ENOMEM. Without locks. */
WARN_UNUSED int snapshot_reserve(struct snapshot *snapshot, const struct meter_family *family);

/* With the family's lock held and room reserved. */
void snapshot_take_locked(struct snapshot *snapshot, struct series *series);

void snapshot_free(struct snapshot *snapshot);
