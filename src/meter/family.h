/*
 * The registry's data: families in a list sorted by name, and the series of each.
 *
 * Locks, taken in this order: meter->lock (the list of families, registration), family->lock (the
 * set of series), pool->lock (the cells). None of them is held while a callback runs or between two
 * reads of a scrape, and none is taken by an update in its fast path.
 */
#pragma once

#include "base/span.h"
#include "meter/bucket.h"
#include "meter/cells.h"

#include <pthread.h>

struct series;
struct series_table;
struct histogram_shape;
struct native_shape;
struct summary_shape;

struct meter {
    pthread_mutex_t lock;
    struct meter_family *families; /* sorted by name; links are atomic, families are never freed */
    struct cell_pool pool;
    struct meter_options options;
    uint64_t hash_seed;
    bool counts_refused; /* atomic: meter_series_refused_total is registered */
    bool counts_dropped; /* atomic: meter_samples_dropped_total is registered */
};

/* A label name with what stands around it in the formats. */
struct label_name {
    struct span name;     /* points into `text_prefix` */
    struct span text;     /* `{name="` for the first label in order of names, `",name="` after it */
    struct span protobuf; /* the field of the name in a LabelPair */
    unsigned value_index; /* where the user's list has its value */
};

struct meter_family {
    struct meter_family *next; /* atomic */
    struct meter *meter;
    enum meter_type type;
    struct span name;      /* as registered, with `_total` and `_info` */
    struct span base_name; /* without them, as OpenMetrics has it */
    struct span help;
    bool has_help;
    struct span unit;
    unsigned label_count;
    struct label_name *labels; /* sorted by name */
    uint32_t max_series;
    int64_t idle_ns;
    bool exemplars;
    meter_collect_function *collect;
    void *context;

    /* Classic histograms: a copy of the index of `histogram`, so that an observation need not go
     * there. Without entries for all else. */
    struct bucket_index fast_index;
    struct histogram_shape *histogram; /* histograms; those with native buckets have both */
    struct native_shape *native;       /* histograms with native buckets */
    bool native_alone_in_protobuf;
    struct summary_shape *summary; /* summaries */
    double *quantiles;
    size_t quantile_count;
    int64_t window_ns;
    struct span *states;
    unsigned state_count;

    uint32_t cell_words;        /* of each series */
    uint32_t series_bytes;      /* of each series: struct series and what follows */
    uint32_t exemplar_slots;    /* of each series */
    struct series_table *table; /* atomic pointer, read inside sections */
    pthread_mutex_t lock;       /* guards everything below, and writing the table */
    struct series **ordered;    /* by label values up to sorted_count, then as they came */
    size_t count;
    size_t sorted_count;
    size_t capacity;
    struct series *free_series; /* with their cells, zeroed */
    struct series *retired;     /* removed, perhaps still read by a thread inside a section */
    struct series_table *retired_tables;
    struct series_chunk *chunks;
    uint64_t refused; /* atomic */
    uint64_t dropped; /* atomic: samples of the callback that did not fit */
};

/* Errors: fills *error (may be NULL), sets errno, returns `code` (negative errno). */
PRINTF_LIKE(3, 4) int meter_fail(struct meter_error *error, int code, const char *format, ...);

/* Frees what a family owns besides its place in the list. */
void family_free(struct meter_family *family);
