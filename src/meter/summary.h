/*
 * Summaries: count and sum since the start, and quantiles of a window that slides in steps.
 *
 * The window has a few ages, each with a table of exponential buckets (see native_key.h) for the
 * observations of one part of it; the oldest is cleared to be the next. A quantile is read from the
 * sum of all ages and shards. Cells: see enum summary_word, then for each age enum age_word and a
 * table.
 */
#pragma once

#include "meter/native_key.h"
#include "meter/native_table.h"
#include "meter/snapshot.h"

#define SUMMARY_AGES 5

enum summary_word { SUMMARY_COUNT_WORD, SUMMARY_SUM_WORD, SUMMARY_AGES_START };

enum age_word {
    AGE_STAMP, /* which part of time it is about; 0: none yet */
    AGE_ZERO_COUNT,
    AGE_STEPS, /* how much coarser than the shape's schema its table is */
    AGE_USED,
    AGE_HEADER_WORDS,
};

struct summary_shape {
    struct native_keys keys;
    int64_t age_ns;
    uint32_t slots;
    uint64_t *merged;              /* a table to work with, under the family's lock; owned */
    struct summary_bucket *sorted; /* `slots` of them, likewise; owned */
};

WARN_UNUSED int summary_describe(struct meter_family *family,
                                 const struct meter_description *description,
                                 struct meter_error *error);
void summary_free(struct meter_family *family);

/* With the family's lock held. */
void summary_snapshot_take_locked(struct snapshot *snapshot, struct series *series);
