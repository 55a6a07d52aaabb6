/*
 * Native histograms.
 *
 * Each shard of a series has a table of buckets at its own schema and zero threshold. The series
 * says which schema and threshold hold now; when they change, its generation does, and the owner of
 * a shard converts its table at its next observation (under the family's lock, as a scrape reads
 * under it). A scrape converts what is not yet converted as it sums, so shards without a thread are
 * as right as others. The shared shard is written under the lock only.
 *
 * Cells behind the classic ones: see enum native_word, then the table.
 *
 * An observation adds to its native bucket first and to its classic one last; a scrape reads the
 * other way round, and takes the count from the native side. So the classic buckets never have more
 * than the count says.
 */
#pragma once

#include "meter/native_key.h"
#include "meter/native_table.h"
#include "meter/snapshot.h"

enum native_word {
    NATIVE_GENERATION,     /* the series' generation + 1 when this shard's table agrees with it */
    NATIVE_RESET,          /* the series' number of resets that this shard has followed */
    NATIVE_STEPS,          /* how much coarser than the family's schema the table is */
    NATIVE_ZERO_THRESHOLD, /* double */
    NATIVE_ZERO_COUNT,
    NATIVE_NAN_COUNT,
    NATIVE_USED, /* slots of the table */
    NATIVE_HEADER_WORDS,
};

struct native_shape {
    struct native_keys keys;
    int schema;     /* at the start, and after a reset */
    int base_steps; /* from keys.schema down to schema */
    double zero_threshold;
    double max_zero_threshold;
    uint32_t max_buckets;
    int64_t min_reset_ns;
    uint32_t slots;   /* of each table */
    uint32_t offset;  /* of the native words among a series' cells */
    uint64_t *merged; /* tables to work with, under the family's lock; owned */
    uint64_t *spare;
};

struct native_series {
    struct series series;
    uint64_t generation; /* atomic; changed under the family's lock, like all that follows */
    uint64_t resets;
    int steps; /* below shape->schema */
    bool widened;
    double zero_threshold; /* if widened */
    int64_t reset_ns;      /* monotonic: last reset, or first observation */
};

/* Buckets of one sign, in order of their keys. */
struct native_bucket {
    int32_t key;
    uint64_t count;
};

struct native_snapshot {
    int schema;
    double zero_threshold;
    uint64_t zero_count;
    uint32_t positive_count;
    uint32_t negative_count;
    uint32_t capacity;
    struct native_bucket *positive; /* owned, in one piece with negative */
    struct native_bucket *negative;
};

WARN_UNUSED int native_describe(struct meter_family *family,
                                const struct meter_description *description,
                                struct meter_error *error);
void native_shape_free(struct native_shape *shape);

void native_observe(struct series *series, double value);
/* When the buckets may change. Any thread. */
void native_observe_slowly(struct series *series, double value);

/* Sums all shards into shape->merged; with the family's lock held. */
struct native_sum {
    uint32_t used;
    uint64_t zero_count;
    uint64_t nan_count;
};
struct native_sum native_merge_locked(const struct series *series);

/* The schema and the zero threshold that hold now. */
int native_schema_locked(const struct native_series *native);
double native_threshold_locked(const struct native_series *native);

WARN_UNUSED int native_snapshot_reserve(struct native_snapshot **snapshot,
                                        const struct meter_family *family);
void native_snapshot_take_locked(struct snapshot *snapshot, struct series *series);
void native_snapshot_free(struct native_snapshot *snapshot);
